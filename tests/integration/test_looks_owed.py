"""A look that is owed shows on every report until somebody has looked (A10)."""

from __future__ import annotations

import contextlib
import io
import re
from typing import TYPE_CHECKING

import pytest

from testkit.kernel.ledger import Actor
from testkit.signoff import acts, owed
from tests.web_world import Office, hidden, moved_in, serving, visitor

if TYPE_CHECKING:
    from pathlib import Path

TITLE = "Workers at Northgate vote to strike"

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def overridden(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office(folder=tmp_path_factory.mktemp("looks") / "ws")
    office.run("init", str(office.folder), "--zone", "America/New_York",
               "--org-model", "communications")  # fmt: skip
    office.raise_draft()
    office.submit()
    office.run("signoff", "override", office.draft, "-m", "the vote is in an hour", person="jo")
    office.run("release", office.draft, person="sam")
    return office


@pytest.fixture
def office(overridden: Office, tmp_path: Path) -> Office:
    return moved_in(overridden, tmp_path / "ws")


@pytest.fixture
def solo(tmp_path: Path) -> Office:
    office = Office(folder=tmp_path / "solo")
    office.run("init", str(office.folder), "--org-model", "solo")
    office.raise_draft()
    office.submit()
    office.run("signoff", "approve", office.revision, person="sam")
    office.run("release", office.draft, person="sam")
    return office


def doctor(office: Office) -> tuple[int, str]:
    import cli

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = cli.run(["doctor"], obj=office.app())
    return code, printed.getvalue()


def test_latency_names_every_look_that_is_owed_and_says_when_it_is_late(office: Office) -> None:
    told = office.run("signoff", "latency", "--since", "1 minute ago")
    assert f"{TITLE}: a look at the override is due by 3 Nov 2026 09:00 EST:" in told
    (look,) = office.json("signoff", "latency")["looks_owed"]
    assert (look["of"], look["overdue"]) == ("override", False)
    office.clock.move(hours=24)
    assert "OVERDUE since 3 Nov 2026 09:00 EST" in office.run("signoff", "latency")
    assert office.json("signoff", "latency")["looks_owed"][0]["overdue"]
    office.run("signoff", "review", office.draft, person=look["people"][0])
    assert office.json("signoff", "latency")["looks_owed"] == []
    assert "no look is owed" in office.run("signoff", "latency")


def test_doctor_warns_of_a_look_and_is_ill_when_it_is_overdue(office: Office) -> None:
    code, told = doctor(office)
    assert (code, "warning DR024" in told) == (0, True)
    office.clock.move(hours=24)
    code, told = doctor(office)
    assert (code, "error DR024" in told, "OVERDUE" in told) == (1, True, True)
    office.run("signoff", "review", office.draft, person="rosa")
    assert "DR024" not in doctor(office)[1]


def test_the_inbox_shows_a_look_to_those_who_owe_it(office: Office) -> None:
    told = office.run("signoff", "inbox", person="rosa")
    assert "a look, due" in told
    assert "whistlestop signoff review req_" in told
    (row,) = office.json("signoff", "inbox", person="rosa")
    assert (row["state"], row["looks"][0]["of"]) == ("released", "override")
    for person in ("jo", "sam", "kim"):  # their own doing, or not theirs to look at
        assert "nothing waits for" in office.run("signoff", "inbox", person=person)
    office.clock.move(hours=24)
    assert "a look, OVERDUE" in office.run("signoff", "inbox", "--all", person="kim")


def test_an_own_yes_in_an_office_of_two_waits_for_somebody(solo: Office) -> None:
    assert "nothing waits" not in solo.run("signoff", "inbox", "--all")
    assert "author's own yes" in solo.run("signoff", "inbox", person="rae")
    assert "nothing waits" in solo.run("signoff", "inbox", person="sam")
    solo.clock.move(hours=12)
    assert "author's own yes" in solo.run("signoff", "inbox", person="sam")
    solo.run("signoff", "review", solo.draft, person="sam")
    assert "nothing waits for everybody" in solo.run("signoff", "inbox", "--all")


def test_who_is_named_for_a_look_is_exactly_who_may_settle_it(office: Office, solo: Office) -> None:
    for made in (office, solo):
        for hours in (0, 13, 24):
            made.clock.move(hours=hours)
            workspace = made.workspace()
            with workspace.db.read() as conn:
                (look,) = owed.looks_owed(conn, workspace)
            able = set()
            for person in workspace.roster.people:
                workspace.actor = Actor(name=person.id, via="cli", auth="session")
                with contextlib.suppress(Exception):
                    acts.review(workspace, made.draft, dry_run=True)
                    able.add(person.id)
            assert set(look.people) == able
            assert able


def test_the_pages_show_a_look_in_red_when_it_is_late_and_take_it(office: Office) -> None:
    with serving(office) as address, visitor(address) as rosa, visitor(address) as kim:
        rosa.sign_in(office.link("rosa"))
        kim.sign_in(office.link("kim"))
        due = re.compile(
            r'<p class="notice">.*?a look at the override is due by', re.DOTALL | re.IGNORECASE
        )
        late = re.compile(r'<p class="alert" role="alert">.*?OVERDUE since', re.DOTALL)
        inbox = rosa.get("/inbox").text
        assert due.search(inbox)
        assert "Nothing waits for you" not in inbox
        assert "Nothing waits for you" in kim.get("/inbox").text
        assert due.search(kim.get("/signoff").text)
        office.clock.move(hours=24)
        path = re.search(r'class="alert" role="alert"><a href="(/signoff/req_[^"]+)"',
                         rosa.get("/inbox").text)  # fmt: skip
        assert path is not None
        for page in ("/inbox", "/signoff", path[1]):
            assert late.search(kim.get(page).text), page
        assert 'name="outcome"' not in kim.get(path[1]).text
        page = rosa.get(path[1]).text
        assert rosa.send(path[1], page, outcome="objected").status_code == 400
        form = hidden(kim.get("/inbox").text)
        assert kim.send(path[1], outcome="accepted", **form).status_code == 403
        assert rosa.send(path[1], page, outcome="accepted").status_code == 200
        for page in ("/inbox", "/signoff", path[1]):
            assert "OVERDUE" not in rosa.get(page).text, page
    assert office.request()["debts"][0]["done_by"] == "rosa"


def test_an_objection_stands_in_every_form_of_the_record(office: Office, tmp_path: Path) -> None:
    office.run(
        "signoff", "review", office.draft, "--object", "-m", "not in our name", person="rosa"
    )
    for name in ("record.csv", "record.json", "record.html"):
        office.run("signoff", "record", office.draft, "-o", str(tmp_path / name))
        assert "objected" in (tmp_path / name).read_text(encoding="utf-8"), name
