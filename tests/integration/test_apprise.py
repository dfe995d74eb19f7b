"""The Apprise sender with the real package, against a real web server."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import pytest

from testkit.outbox.apprise import AppriseSender
from testkit.outbox.letter import Message
from tests.peers import web_server
from tests.web_world import Office

# Its encryption library imports a module that Python 3.13 has no more.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

MESSAGE = Message(
    id="msg_1",
    kind="asked",
    to="",
    subject="Strike & <b>vote</b>\r\nX-Other: y",
    body="Kim *waits*\nhttps://a.example/x_y_z",
    data={},
    made_at=datetime(2026, 11, 2, tzinfo=UTC),
)


@pytest.fixture
def web():
    with web_server() as peer:
        yield peer


def at(url: str) -> str:
    return url.replace("http://", "json://")


def test_a_notice_arrives_as_it_was_written(web):
    handed = []
    done = AppriseSender(at(web.url)).send(
        MESSAGE, handing_over=lambda: handed.append(len(web.got))
    )
    assert done.sent
    assert handed == [0]  # said before the peer has it
    ((_, body),) = web.got
    told = json.loads(body)
    assert told["title"] == "Strike & <b>vote</b> X-Other: y"
    assert told["message"] == MESSAGE.body


def test_a_refusal_says_why_and_is_tried_again(web, capsys):
    web.answers = [(503, {})]
    sender = AppriseSender(at(web.url))
    done = sender.send(MESSAGE, handing_over=lambda: None)
    assert not done.sent
    assert not done.down
    assert not done.final
    assert "503" in done.problem
    assert sender.send(MESSAGE, handing_over=lambda: None).sent
    assert capsys.readouterr() == ("", "")  # nothing of it on the screen of a tick


def test_a_peer_that_does_not_answer_pauses_the_channel_and_its_address_stays_secret():
    with web_server() as peer:
        url = f"{at(peer.url)}/t0ps3cr3t"
    done = AppriseSender(url).send(MESSAGE, handing_over=lambda: None)
    assert done.down
    assert "t0ps3cr3t" not in done.problem


@pytest.mark.parametrize("url", ["", "nonsense", "zzz://abc/def", "slack://short"])
def test_an_address_that_apprise_does_not_know_pauses_the_channel(url, capsys):
    handed = []
    done = AppriseSender(url).send(MESSAGE, handing_over=lambda: handed.append(1))
    assert done.down
    assert handed == []
    assert done.problem == "Apprise does not know this kind of address"
    assert capsys.readouterr() == ("", "")


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    done = AppriseSender("json://localhost").send(MESSAGE, handing_over=lambda: None)
    assert done.down
    assert "install whistlestop[notify]" in done.problem


def test_the_office_tells_a_room_by_apprise_and_doctor_says_when_it_cannot(tmp_path, web):
    office = Office(folder=tmp_path / "ws")
    office.run("init", str(office.folder))
    office.raise_draft()
    office.submit()
    office.settings = {"delivery.hooks.room": "{style: apprise}"}
    keys = office.folder / "secrets.toml"
    keys.write_text(
        keys.read_text(encoding="utf-8") + f'hook_room_url = "{at(web.url)}"\n', encoding="utf-8"
    )
    assert office.json("outbox", "send")["sent"] == 1
    ((_, body),) = web.got
    assert "waits in the stage" in json.loads(body)["title"]
    assert office.json("outbox", "send")["sent"] == 0
    keys.write_text(
        keys.read_text(encoding="utf-8").replace(at(web.url), "zzz://abc"), encoding="utf-8"
    )
    office.run("signoff", "approve", office.revision, person="kim")
    assert "hook:room" in office.json("outbox", "send")["down"]
    assert "Apprise does not know this kind of address" in office.run("doctor")
