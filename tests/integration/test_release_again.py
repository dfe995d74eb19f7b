"""Asked to release what is out already: what became of it, and a refusal where it was stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.test_signoff_crash import end_practice
from tests.web_world import Office, moved_in, prepared

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = prepared(tmp_path_factory.mktemp("made") / "ws")
    office.run("signoff", "approve", office.revision, person="kim")
    end_practice(office)
    return office


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    moved = moved_in(made, tmp_path / "ws")
    moved.settings |= {
        "delivery.mail.folder": "mails",
        "delivery.mail.sender": "Desk <desk@example.org>",
        "channels.email.out": "mail",
        "channels.email.to": "supporters-{arm}@lists.example.org",
    }
    return moved


def release(office: Office, code: int = 0) -> str:
    return office.run("release", office.draft, person="sam", code=code)


def test_a_repeat_says_who_released_it_when_and_what_was_delivered(office: Office) -> None:
    assert "goes to email with the next tick" in release(office)
    office.clock.move(minutes=5)
    again = release(office)  # nothing was sent in the meantime
    assert "by Sam (digital)" in again
    assert "2 Nov 2026 09:00" in again
    assert "goes to email with the next tick" in again
    office.run("outbox", "send")
    office.clock.move(hours=1)
    done = release(office)
    assert "email: 2 delivered, the last" in done
    assert "09:05" in done
    assert "next tick" not in done
    data = office.json("release", office.draft, person="sam")
    assert (data["new"], data["live"]) == (False, ["email"])
    assert [(d["sent"], d["waiting"]) for d in data["deliveries"]] == [(2, 0)]
    assert office.json("tick")["delivered"]["sent"] == 0


@pytest.mark.parametrize("sent_before", [True, False])
@pytest.mark.parametrize(("how", "done"), [("kill", "killed"), ("recall", "recalled")])
def test_what_was_stopped_is_not_released_again(
    office: Office, how: str, done: str, sent_before: bool
) -> None:
    release(office)
    if sent_before:
        office.run("outbox", "send")
    office.clock.move(minutes=30)
    office.run("signoff", how, office.draft, "-m", "the vote was called off", person="kim")
    for _ in range(2):  # before the tick that carries it on, and after
        said = release(office, code=3)
        assert f"{done} by Kim (comms lead)" in said
        assert "09:30" in said
        assert "the vote was called off" in said
        assert ("email: 2 delivered" if sent_before else "2 kept back") in said
        assert "next tick" not in said
        office.run("tick")


def test_a_stop_in_practice_mode_is_told_too(made: Office, tmp_path: Path) -> None:
    office = moved_in(made, tmp_path / "ws")
    release(office)
    office.run("signoff", "recall", office.draft, "-m", "a hoax", person="kim")
    assert "recalled by Kim (comms lead)" in release(office, code=3)


def test_what_was_corrected_since_names_the_release_that_corrects_it(office: Office) -> None:
    release(office)
    old = office.request()["request"]
    office.run("signoff", "correct", office.draft, person="sam")
    office.revision = office.json("draft", "edit", office.draft, "--channel", "sms", "--variant",
                                  "a", "--body", "Call 555 0199 today. Reply STOP to end",
                                  person="sam")["revision"]  # fmt: skip
    office.run("signoff", "approve", office.revision, person="kim")
    new = office.json("release", office.draft, person="sam")["release"]
    said = office.run("release", old, person="sam")
    assert f"corrected since by {new}" in said
