"""People are told: over a real SMTP server and a real web server, each message once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING

import pytest

from testkit.kernel import config as settings
from tests.peers import SECRET, MailPeer, WebPeer, mail_server, web_server
from tests.web_world import Office, moved_in, prepared, serving, visitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return prepared(tmp_path_factory.mktemp("made") / "ws")


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


@pytest.fixture
def mail(office: Office) -> Iterator[MailPeer]:
    with mail_server() as peer:
        office.settings |= {
            "delivery.mail.host": "127.0.0.1",
            "delivery.mail.port": str(peer.port),
            "delivery.mail.security": "none",
            "delivery.mail.sender": "Desk <desk@example.org>",
        }
        yield peer


@pytest.fixture
def web(office: Office) -> Iterator[WebPeer]:
    with web_server() as peer:
        office.settings["delivery.hooks.room.url"] = peer.url
        yield peer


def secret(office: Office, **values: str) -> None:
    path = office.folder / "secrets.toml"
    lines = "".join(f'{name} = "{value}"\n' for name, value in values.items())
    path.write_text(path.read_text(encoding="utf-8") + lines, encoding="utf-8")


def send(office: Office) -> dict:
    return office.json("outbox", "send")


def told(mail: MailPeer) -> list[tuple[str, str]]:
    """Who got what, without the practice mark."""
    return sorted(
        (to.partition("@")[0], str(m["Subject"]).removeprefix("[PRACTICE] ").partition(": ")[2])
        for to, m in mail.got
    )


def links_in(mail: MailPeer) -> list[str]:
    texts = [m.get_content() for _, m in mail.got]
    return [path for text in texts for path in re.findall(r"http://[^/\s]+(/link/\S+)", text)]


def test_those_whose_turn_it_is_are_asked_once_by_mail(office, mail):
    assert send(office)["sent"] == 2
    assert told(mail) == [
        ("alex", "your decision is asked"),
        ("kim", "your decision is asked"),
    ]
    assert all(str(m["Subject"]).startswith("[PRACTICE] ") for _, m in mail.got)
    for _ in range(3):
        assert send(office)["added"] == 0
    assert len(set(mail.ids())) == 2


def test_a_mailed_link_opens_the_words_decides_once_and_is_bound_to_its_reader(office, mail):
    with serving(office) as site:
        send(office)
        to, path = mail.got[0][0].partition("@")[0], links_in(mail)[0]
        with visitor(site) as reader:
            for _ in range(3):
                assert reader.get(path).status_code == 200
            assert reader.client.head(path).status_code == 200
            assert office.request()["signoffs"] == []
            page = reader.get(path).text
            for _ in range(2):
                assert reader.send(path, page, decision="approve").status_code == 200
            forged = path[:-2] + ("AA" if path[-2:] != "AA" else "BB")
            assert reader.get(forged).status_code == 404
    (said,) = office.request()["signoffs"]
    assert (said["who"], said["decision"]) == (to, "approve")


def test_a_mailed_link_expires_and_does_not_outlive_a_material_edit(office, mail):
    with serving(office) as site, visitor(site) as reader:
        send(office)
        path = links_in(mail)[0]
        page = reader.get(path).text
        office.run(
            "draft", "edit", office.draft, "--channel", "sms", "--variant", "a",
            "--body", "Call now. Reply STOP to end", person="sam",
        )  # fmt: skip
        assert reader.send(path, page, decision="approve").status_code == 409
        office.clock.move(hours=25)
        assert reader.get(path).status_code == 410
    assert office.request()["signoffs"] == []


def test_the_token_of_a_mailed_link_is_written_down_nowhere(office, mail):
    send(office)
    tokens = [path.removeprefix("/link/") for path in links_in(mail)]
    assert tokens
    kept = json.dumps(office.workspace().db.rows("SELECT * FROM outbox"), default=str)
    kept += json.dumps(office.workspace().db.rows("SELECT * FROM web_link"), default=str)
    assert not any(token in kept for token in tokens)
    shown = office.run("outbox", "show", mail.ids()[0].strip("<>").partition("@")[0])
    assert "[their link]" in shown


def test_after_an_edit_people_are_asked_anew_and_old_asks_that_wait_are_dropped(office, mail):
    mail.answers = ["450 later", "450 later"]
    assert send(office)["failed"] == 2
    office.clock.move(minutes=1)
    office.run(
        "draft", "edit", office.draft, "--channel", "sms", "--variant", "a",
        "--body", "Call now. Reply STOP to end", person="sam",
    )  # fmt: skip
    send(office)
    assert told(mail) == [
        ("alex", "your decision is asked"),
        ("kim", "your decision is asked"),
    ]


def test_who_was_too_late_is_not_asked_any_more(office, mail):
    mail.answers = ["450 later", "450 later"]
    send(office)
    office.run("signoff", "approve", office.revision, person="kim")
    office.clock.move(hours=2)
    send(office)
    assert told(mail) == [("sam", "Kim (comms lead) said approve")]
    listed = office.json("outbox", "list", "--all")
    assert {m["status"] for m in listed if m["kind"] == "asked"} == {"dropped"}


def test_clocks_remind_escalate_and_tell_the_author_of_the_end(office, mail):
    send(office)
    mail.got.clear()
    office.clock.move(minutes=25)
    office.run("tick")
    assert told(mail) == [("alex", "still waiting"), ("kim", "still waiting")]
    mail.got.clear()
    office.clock.move(minutes=25)
    office.run("tick")
    got = told(mail)
    assert ("kim", "overdue") in got
    assert ("jo", "your decision is asked") in got
    assert any(who == "sam" and "may decide there as well" in what for who, what in got)
    mail.got.clear()
    office.clock.move(hours=5)
    office.run("tick")
    assert told(mail) == [("sam", "expired")]


@pytest.mark.parametrize("decision", ["return", "block"])
def test_the_author_is_told_what_to_change(office, mail, decision):
    send(office)
    mail.got.clear()
    office.run("signoff", decision, office.revision, "-m", "Name the street.", person="kim")
    send(office)
    ((to, told_mail),) = mail.got
    assert to == "sam@example.org"
    assert "Name the street." in told_mail.get_content()


def test_a_peer_that_is_down_pauses_its_channel_and_counts_no_attempt(office, mail):
    office.settings["delivery.mail.port"] = "9"  # nobody listens there
    done = send(office)
    assert (done["sent"], done["failed"], list(done["down"])) == (0, 1, ["mail"])
    waiting = office.json("outbox", "list")
    assert {m["attempts"] for m in waiting} == {0}
    doctor = office.run("doctor")
    assert "DR022" in doctor
    office.settings["delivery.mail.port"] = str(mail.port)
    assert office.json("tick")["delivered"]["sent"] == 0  # still pausing
    office.clock.move(days=3, minutes=-1)
    assert send(office)["failed"] == 0
    assert "DR022" not in office.run("doctor")


def test_a_refused_recipient_is_given_up_and_doctor_says_so(office, mail):
    mail.answers = ["550 no such user", "250"]
    done = send(office)
    assert (done["sent"], done["gave_up"]) == (1, 1)
    (message,) = office.json("outbox", "list")
    assert "550 no such user" in message["problem"]
    assert "DR020" in office.run("doctor")
    office.run("outbox", "retry", message["message"])
    assert send(office)["sent"] == 1
    assert office.json("outbox", "list") == []


def test_a_busy_server_is_asked_again_later_under_the_same_id(office, mail):
    mail.answers = ["451 greylisted", "451 greylisted"]
    send(office)
    first = {m["message"] for m in office.json("outbox", "list")}
    assert send(office)["sent"] == 0  # not yet
    office.clock.move(minutes=1)
    assert send(office)["sent"] == 2
    assert {i.strip("<>").partition("@")[0] for i in mail.ids()} == first


def test_a_room_hears_one_line_without_a_link_that_decides(office, web):
    secret(office, hook_room_key=SECRET)
    send(office)
    (body,) = web.bodies()
    assert body["type"] == "asked"
    assert "waits in the stage comms for Kim (comms lead), Alex" in body["data"]["subject"]
    assert "/link/" not in json.dumps(body)
    headers, raw = web.got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + raw
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{made}"


def test_a_hook_that_asks_to_wait_is_left_alone_so_long(office, web):
    web.answers = [(429, {"Retry-After": "7200"})]
    assert send(office)["failed"] == 1
    office.clock.move(minutes=119)
    assert send(office)["sent"] == 0
    office.clock.move(minutes=2)
    office.run("tick")
    assert web.ids()


@pytest.mark.parametrize("status", [301, 400, 404, 410])
def test_a_hook_that_refuses_for_good_is_given_up_and_no_redirect_is_followed(office, web, status):
    web.answers = [(status, {"Location": web.url})]
    assert send(office)["gave_up"] == 1
    assert web.got == []


def test_only_one_process_delivers_at_a_time(office, mail):
    from testkit.outbox.delivery import locked

    with locked(office.folder) as mine:
        assert mine
        assert send(office)["busy"]
    assert send(office)["sent"] == 2


def test_the_digest_goes_once_a_day_with_the_head_that_verify_knows(office, mail):
    office.settings |= {"delivery.digest.people": "[bo]", "delivery.digest.hour": "9"}
    send(office)
    first = [m for to, m in mail.got if to == "bo@example.org"]
    assert len(first) == 1
    text = first[0].get_content()
    head = re.search(r"\b[0-9a-f]{64}\b", text)[0]
    office.run("signoff", "approve", office.revision, person="kim")
    office.run("ledger", "verify", "--head", head)
    send(office)
    assert len([to for to, _ in mail.got if to == "bo@example.org"]) == 1
    office.clock.move(hours=24)
    send(office)
    assert len([to for to, _ in mail.got if to == "bo@example.org"]) == 2


def test_old_news_is_not_told_when_mail_is_set_up_later(office, tmp_path):
    office.run("signoff", "return", office.revision, "-m", "no", person="kim")
    office.clock.move(hours=3)
    with mail_server() as peer:
        office.settings |= {
            "delivery.mail.host": "127.0.0.1", "delivery.mail.port": str(peer.port),
            "delivery.mail.security": "none", "delivery.mail.sender": "d@example.org",
        }  # fmt: skip
        office.clock.move(hours=30)
        send(office)
        assert [what for _, what in told(peer) if "said return" in what] == []


def test_quiet_hours_hold_what_can_wait_and_nothing_that_cannot(office):
    from datetime import timedelta

    from testkit.outbox.words import RequestWords
    from testkit.services.notify import News, _not_before

    now = office.clock()
    morning = now + timedelta(hours=8)

    class Sleeper:
        def quiet_until(self, moment, *, zone_name):
            return morning

    def when(**more):
        news = News(key="k", kind="asked", to=(), words=RequestWords(name="", title=""), **more)
        return _not_before(office.workspace(), Sleeper(), news, now)

    assert when() == morning
    assert when(urgent=True) == now
    assert when(until=morning + timedelta(hours=1)) == morning
    assert when(until=morning - timedelta(hours=1)) == now


def test_the_mail_configuration_needs_a_sender():
    with pytest.raises(ValueError, match="sender"):
        settings.Mail(host="mail.example.org")
