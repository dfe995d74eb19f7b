"""What an approver reads first: whose turn, until when, what is wrong, and why, each once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from responders.demo import serve
from responders.services.alarm import urgency
from testkit.kernel.findings import Finding
from testkit.web.contexts import finding_rows
from tests.web_world import Office, moved_in, prepared, serving, visitor

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return prepared(tmp_path_factory.mktemp("made") / "ws")


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


def seen(office: Office, person: str, *paths: str) -> list[str]:
    """The pages as somebody reads them, white space made one space."""
    with serving(office) as address, visitor(address) as browser:
        browser.sign_in(office.link(person))
        return [re.sub(r"\s+", " ", browser.get(path).text) for path in paths]


@pytest.fixture
def loud(tmp_path: Path) -> Office:
    """A draft for a story that made its issue ring, before the chain, in New York."""
    office = Office(folder=tmp_path / "ws")
    office.run("init", str(office.folder), "--zone", "America/New_York")
    office.settings["polling.allow_hosts"] = "[127.0.0.1]"
    with serve("first-light", now=office.clock()) as addresses:
        office.run("feed", "add", *addresses)
        office.draft = office.json("tick")["drafts"][0]["draft"]
    office.submit()
    return office


def test_how_loud_the_news_is_stands_once_and_in_the_organisations_zone(loud: Office) -> None:
    page, inbox = seen(loud, "kim", f"/requests/{loud.revision}", "/inbox")
    assert page.count("ouder than usual") == 1
    assert page.count("within its first hour") == 1
    assert "(alarm of 02 Nov 09:00 EST)" in page
    assert "First seen 2 Nov 2026 09:00 EST." in page
    assert "UTC" not in page
    assert "(alarm of 02 Nov 09:00 EST)" in inbox
    assert "UTC" not in inbox


def test_the_loudness_of_then_leaves_the_reason_as_the_alarm_words_it(loud: Office) -> None:
    # Every sentence that `urgency` can write, as it stands in a draft's reason.
    from responders.inbox.reason import reason_now

    workspace = loud.workspace()
    row = loud.json("draft", "show", loud.draft)
    with workspace.archive.read() as conn:
        told = urgency(conn, story=row["story"], issue="labor", now=loud.clock()).in_words()
        other = urgency(
            conn, story=row["story"], issue="labor", now=loud.clock(), zone_name="Asia/Kolkata"
        ).in_words()
    assert "ouder than usual" in told
    assert "within its first hour" in told
    assert "UTC" not in other
    kept = "Raised for “safe work”."
    ringing = "Its issue is louder than usual since 14:00 UTC."
    for volume in (told, other, ringing):
        lesson = "Last time (2026-10-21, sms): b was better."
        assert reason_now(f"{kept} {volume} {lesson}", zone_name="UTC") == f"{kept} {lesson}"


def test_the_reading_of_the_news_is_told_before_the_words(loud: Office) -> None:
    (page,) = seen(loud, "kim", f"/requests/{loud.revision}")
    assert "Read as a vote that allows a strike" in page
    assert page.index("Read as a vote") < page.index("The words</h2>")


def test_the_page_says_whose_turn_it_is_until_when(office: Office) -> None:
    path = f"/requests/{office.revision}"
    (mine,) = seen(office, "kim", path)
    assert "<strong>Your turn</strong> until today 09:45 EST, in 45 min" in mine
    assert "low risk" in mine
    (theirs,) = seen(office, "rosa", path)
    assert "Your turn" not in theirs
    assert "Waits for Kim (comms lead) or Alex (deputy comms)</strong> until today" in theirs


def test_a_late_request_is_named_late_and_stands_first(office: Office) -> None:
    first = office.revision
    office.clock.move(minutes=40)
    office.draft = "draft_2"
    office.raise_draft(risk="high", story="story_2")
    second = office.submit()
    office.clock.move(minutes=20)
    (inbox,) = seen(office, "kim", "/inbox")
    assert inbox.index(first) < inbox.index(second)
    assert "Late: was due today 09:45 EST, 15 min ago" in inbox
    assert inbox.count("Late: ") == 1
    assert "until today 10:25 EST, in 25 min" in inbox


def test_an_empty_inbox_says_what_will_stand_there(tmp_path: Path) -> None:
    office = Office(folder=tmp_path / "ws")
    office.run("init", str(office.folder))
    (inbox,) = seen(office, "kim", "/inbox")
    assert "Nothing waits for you." in inbox
    assert "Words stand here as soon as your yes is asked" in inbox
    assert "Nothing else is open either." in inbox


def test_errors_stand_before_notes_and_each_finding_once_with_its_places() -> None:
    found = [
        Finding(code="RS070", severity="note", message="long", where="email.a"),
        Finding(code="RS017", severity="error", message="nobody says so", where="email.a"),
        Finding(code="RS017", severity="error", message="nobody says so", where="email.b"),
        Finding(code="RS017", severity="error", message="nobody says that", where="email.b"),
    ]
    assert [(r["severity"], r["message"], r["where"]) for r in finding_rows(found)] == [
        ("error", "nobody says so", "email.a, email.b"),
        ("error", "nobody says that", "email.b"),
        ("note", "long", "email.a"),
    ]
