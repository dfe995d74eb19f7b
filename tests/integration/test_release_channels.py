"""Released words reach live channels once, in their time, and a stop goes after them."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.test_signoff_crash import end_practice
from tests.peers import SECRET, MailPeer, WebPeer, mail_server, web_server
from tests.web_world import Office, moved_in, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = prepared(tmp_path_factory.mktemp("made") / "ws")
    for variant in "ab":
        office.run(
            "draft", "edit", office.draft, "--channel", "email", "--variant", variant, "--body",
            f"Friend {variant},\n\nSign: https://act.example.org/strike?lang=en#form\n"
            "Read: https://courier.example/1\n", person="sam",
        )  # fmt: skip
    office.revision = office.json("signoff", "show", office.draft)["revision"]
    return office


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    moved = moved_in(made, tmp_path / "ws")
    path = moved.folder / "secrets.toml"
    text = f'{path.read_text(encoding="utf-8")}channel_site_key = "{SECRET}"\n'
    path.write_text(text, encoding="utf-8")
    return moved


@pytest.fixture
def mail() -> Iterator[MailPeer]:
    with mail_server() as peer:
        yield peer


@pytest.fixture
def web() -> Iterator[WebPeer]:
    with web_server() as peer:
        yield peer


@pytest.fixture
def live(office: Office, mail: MailPeer, web: WebPeer) -> Office:
    """Cleared, out of practice, and with two live channels."""
    office.run("signoff", "approve", office.revision, person="kim")
    end_practice(office)
    office.settings |= {
        "delivery.mail.host": "127.0.0.1",
        "delivery.mail.port": str(mail.port),
        "delivery.mail.security": "none",
        "delivery.mail.sender": "Desk <desk@example.org>",
        "channels.email.out": "mail",
        "channels.email.to": "supporters-{arm}@lists.example.org",
        "channels.site": f"{{kind: sms, out: webhook, url: '{web.url}'}}",
    }
    return office


def release(office: Office, *words: str) -> dict:
    return office.json("release", office.draft, *words, person="sam")


def to_lists(mail: MailPeer) -> dict[str, str]:
    return {to: m.get_content().replace("\r\n", "\n") for to, m in mail.got if "@lists." in to}


def event(office: Office, kind: str, **more: str) -> None:
    """An event that another room's command records."""
    from testkit.signoff import events as ev
    from testkit.signoff import service

    workspace = office.workspace()
    with workspace.db.write() as conn:
        request = service.find(conn, office.draft)
        made = ev.EVENTS[kind](
            at=office.clock(), actor="kim", via="cli", auth="os-login",
            revision=request.revision.id, digest=request.state.digest, **more,
        )  # fmt: skip
        service.record(conn, workspace, request.row.id, made)


def test_each_arm_goes_to_its_list_and_to_the_program_once(live, mail, web):
    done = release(live)
    assert done["live"] == ["email", "site"]
    for _ in range(3):
        live.run("outbox", "send")
        release(live)
    assert sorted(to_lists(mail)) == [f"supporters-{arm}@lists.example.org" for arm in "ab"]
    assert len([to for to, _ in mail.got if "@lists." in to]) == 2
    (body,) = web.bodies()
    assert (body["type"], body["data"]["release"]) == ("released", done["release"])
    assert body["data"]["arms"] == {"a": {"body": "Call 555 0100 today. Reply STOP to end\n"}}
    assert "webhook-signature" in web.got[0][0]


def test_links_of_ours_carry_the_arm_and_nothing_else_changes(live, mail):
    done = release(live)
    live.run("outbox", "send")
    text = to_lists(mail)["supporters-b@lists.example.org"]
    ours = next(w for w in text.split() if "act.example.org" in w)
    query = parse_qs(urlsplit(ours).query)
    assert query == {
        "lang": ["en"], "utm_source": ["email"], "utm_medium": ["email"],
        "utm_campaign": [done["campaign"]], "utm_content": ["b"],
    }  # fmt: skip
    assert urlsplit(ours).fragment == "form"
    assert "Read: https://courier.example/1\n" in text
    pack = json.loads((live.folder / done["files"][-1]).read_text(encoding="utf-8"))
    signed = pack["fields"]["arms"]["email"]["b"]["body"]
    assert text.replace(ours, "https://act.example.org/strike?lang=en#form").strip() == (
        signed.strip()
    )
    links = (live.folder / done["files"][-2]).read_text(encoding="utf-8")
    rows = list(csv.reader(links.splitlines()))
    assert [r[:2] for r in rows[1:]] == [["email", "a"], ["email", "b"]]
    assert rows[2][3].replace("utm_source=email", "") == ours.replace("utm_source=email", "")


def test_in_practice_mode_nothing_leaves_to_a_live_channel(office, mail, web):
    office.run("signoff", "approve", office.revision, person="kim")
    office.settings |= {
        "delivery.mail.host": "127.0.0.1", "delivery.mail.port": str(mail.port),
        "delivery.mail.security": "none", "delivery.mail.sender": "d@example.org",
        "channels.email.out": "mail", "channels.email.to": "list-{arm}@lists.example.org",
        "channels.site": f"{{kind: sms, out: webhook, url: '{web.url}'}}",
    }  # fmt: skip
    done = release(office)
    assert (done["practice"], done["live"]) == (True, [])
    office.run("outbox", "send")
    assert (to_lists(mail), web.got) == ({}, [])


def test_two_variants_for_one_address_are_refused_and_nothing_is_released(live):
    live.settings["channels.email.to"] = "everybody@lists.example.org"
    code, printed = live.attempt("release", live.draft, person="sam")
    assert code == 2
    assert "{arm}" in printed
    assert live.json("release", "--list") == []
    assert live.json("signoff", "show", live.draft)["state"] == "cleared"


def test_a_planned_release_goes_out_at_the_later_of_its_moment_and_its_embargo(live, mail):
    release(live, "--at", "2026-11-02 12:00", "--embargo", "2026-11-02 12:30")
    (planned,) = live.json("release", "--list")
    assert planned["at"].startswith("2026-11-02T17:30")  # half past twelve in New York
    live.clock.move(hours=3)
    live.run("tick")
    assert to_lists(mail) == {}
    live.clock.move(minutes=31)
    (due,) = live.json("tick")["due"]
    assert due["released"]
    assert len(to_lists(mail)) == 2
    live.run("tick")
    assert len([to for to, _ in mail.got if "@lists." in to]) == 2
    (made,) = live.json("release", "--list")
    assert (made["release"], made["by"]) == (due["outcome"], "sam")


def test_a_plan_that_was_taken_back_or_whose_request_was_killed_sends_nothing(live, mail):
    release(live, "--at", "2026-11-02 12:00")
    live.run("release", live.draft, "--cancel", person="sam")
    assert live.json("release", "--list") == []
    release(live, "--at", "2026-11-02 12:00")
    event(live, "killed", reason="a hoax")
    live.clock.move(hours=4)
    (due,) = live.json("tick")["due"]
    assert not due["released"]
    assert "killed" in due["outcome"]
    assert to_lists(mail) == {}
    assert any("not sent" in str(m["Subject"]) for to, m in mail.got if to == "sam@example.org")


@pytest.mark.parametrize("words", [("--at", "2026-11-02 08:00"), ("--embargo", "2025-01-01")])
def test_a_moment_that_has_passed_is_refused(live, words):
    code, printed = live.attempt("release", live.draft, *words, person="sam")
    assert (code, "has passed" in printed) == (2, True)


def test_words_that_are_not_cleared_at_their_moment_are_not_sent_and_the_planner_hears_it(
    office, mail
):
    office.settings |= {
        "delivery.mail.host": "127.0.0.1", "delivery.mail.port": str(mail.port),
        "delivery.mail.security": "none", "delivery.mail.sender": "d@example.org",
    }  # fmt: skip
    release(office, "--at", "2026-11-02 11:00")
    office.clock.move(hours=2, minutes=1)
    (due,) = office.json("tick")["due"]
    assert "not sent: it was in_review in the stage comms" in due["outcome"]
    assert any("not sent" in str(m["Subject"]) for to, m in mail.got if to == "sam@example.org")
    office.run("signoff", "approve", office.revision, person="kim")
    assert office.json("tick")["due"] == []


def test_a_kill_keeps_back_what_waits_and_tells_the_program(live, mail, web):
    web.answers = [(503, {})]
    mail.answers = ["450 later"] * 9
    done = release(live)
    live.run("outbox", "send")
    event(live, "killed", reason="the vote was called off")
    live.clock.move(hours=1)
    mail.answers.clear()
    live.run("tick")
    live.run("outbox", "send")
    assert to_lists(mail) == {}
    (body,) = web.bodies()
    assert (body["type"], body["data"]["release"]) == ("killed", done["release"])
    assert body["data"]["reason"] == "the vote was called off"
    folder = live.folder / "releases" / done["release"]
    assert "called off" in (folder / "KILLED.txt").read_text(encoding="utf-8")
    assert live.json("tick")["delivered"]["sent"] == 0


def test_between_a_kill_and_the_next_tick_nothing_leaves_either(live, mail, web):
    release(live)
    event(live, "killed", reason="a hoax")
    live.run("outbox", "send")
    assert (to_lists(mail), web.got) == ({}, [])


def test_a_line_that_breaks_after_the_words_leaves_them_unsure_and_a_person_decides(
    live, mail, monkeypatch
):
    from testkit.outbox import mail as senders

    release(live)
    whole = senders.smtplib.SMTP.getreply

    def cut(smtp):
        code, text = whole(smtp)
        if text == b"taken":
            raise senders.smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        return code, text

    monkeypatch.setattr(senders.smtplib.SMTP, "getreply", cut)
    live.run("outbox", "send")
    monkeypatch.undo()
    unsure = [m for m in live.json("outbox", "list") if m["status"] == "unsure"]
    assert len(unsure) == 2
    assert live.attempt("doctor")[0] == 1
    live.run("outbox", "settle", unsure[0]["message"])
    live.run("outbox", "retry", unsure[1]["message"])
    live.run("outbox", "send")
    mine = [i for i in mail.ids() if unsure[1]["message"] in i]
    assert len(mine) == 2  # the person said so, and the id is the same
    assert len([i for i in mail.ids() if unsure[0]["message"] in i]) == 1
    assert [m for m in live.json("outbox", "list") if m["channel"].startswith("out:")] == []


def test_a_crash_between_taken_and_our_note_sends_words_never_twice_by_itself(
    live, mail, web, monkeypatch
):
    from testkit.outbox import delivery

    class Crashed(BaseException):
        """As a kill is: nothing after it runs."""

    def crash(*_, **__):
        raise Crashed

    release(live)
    for _ in range(4):  # each round dies right after a peer has said "taken"
        monkeypatch.setattr(delivery, "_settle", crash)
        with pytest.raises(Crashed):
            live.attempt("outbox", "send")
        monkeypatch.undo()
        live.clock.move(minutes=1)
    for _ in range(3):
        live.run("outbox", "send")
    words_out = [i for (to, _), i in zip(mail.got, mail.ids(), strict=True) if "@lists." in to]
    assert len(words_out) == len(set(words_out)) == 2
    unsure = [m for m in live.json("outbox", "list") if m["status"] == "unsure"]
    assert unsure
    assert len(set(web.ids())) == 1  # the program may get a double, and knows it by its id
    assert live.attempt("doctor")[0] == 1


def test_lists_come_back_with_arm_and_words_for_texting(office, tmp_path):
    office.run("signoff", "approve", office.revision, person="kim")
    done = release(office)
    source = tmp_path / "wave-01-a.csv"
    source.write_text(
        "vanid,First Name,Last Name,Mobile,Zip,arm,wave\n"
        "1,Ana,=HYPERLINK(1),(555) 010-0001,10001,a,1\n2,Bo,Ito,+15550100002,10002,a,1\n",
        encoding="utf-8",
    )
    (made,) = office.json("handback", done["release"], str(source))["files"]
    assert made["people"] == 2
    with (tmp_path / "wave-01-a-spoke.csv").open(encoding="utf-8", newline="") as file:
        header, ana, bo = csv.reader(file)
    assert header == ["firstName", "lastName", "cell", "zip", "external_id", "arm", "arm_text"]
    assert ana[:6] == ["Ana", "'=HYPERLINK(1)", "5550100001", "10001", "1", "a"]
    assert "PRACTICE" in ana[6]
    assert ana[6].endswith("Call 555 0100 today. Reply STOP to end")
    assert bo[2] == "+15550100002"
    bad = tmp_path / "bad.csv"
    bad.write_text("id,cell,arm\n1,12,a\n2,5550100002,c\n", encoding="utf-8")
    code, printed = office.attempt("handback", done["release"], str(bad))
    assert code == 2
    assert "2 rows cannot be texted" in printed
    assert not (tmp_path / "bad-spoke.csv").exists()


def test_what_worked_comes_back_to_the_issue_and_a_running_test_says_nothing(office):
    office.run("signoff", "approve", office.revision, person="kim")
    done = release(office)
    assert office.json("issue", "show", "labor")["lessons"] == []
    made = office.json("bridge", done["release"], "--list-size", "20000", "--base-rate", "0.03")
    assert made["experiment"] == done["campaign"]
    office.run("experiment", "lock", made["experiment"])
    (lesson,) = office.json("issue", "show", "labor")["lessons"]
    assert (lesson["experiment"], lesson["release"]) == (made["experiment"], done["release"])
    assert (lesson["decided"], "still running" in lesson["sentence"]) == (False, True)
