"""After the yes, on the command line: plan, embargo, correct, kill, recall; all on record."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_signoff_crash import end_practice
from tests.peers import SECRET, WebPeer, web_server
from tests.web_world import Office, moved_in, prepared, serving, visitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

pytestmark = pytest.mark.faults

WORDS = ("--channel", "sms", "--variant", "a", "--body", "Call 555 0199 today. Reply STOP to end")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = prepared(tmp_path_factory.mktemp("made") / "ws")
    keys = office.folder / "secrets.toml"
    keys.write_text(
        f'{keys.read_text(encoding="utf-8")}channel_site_key = "{SECRET}"\n', encoding="utf-8"
    )
    end_practice(office)
    return office


@pytest.fixture
def web() -> Iterator[WebPeer]:
    with web_server() as peer:
        yield peer


@pytest.fixture
def office(made: Office, tmp_path: Path, web: WebPeer) -> Office:
    moved = moved_in(made, tmp_path / "ws")
    moved.settings["channels.site"] = f"{{kind: sms, out: webhook, url: '{web.url}'}}"
    return moved


def approved(office: Office) -> None:
    office.run("signoff", "approve", office.revision, person="kim")


def sent(office: Office) -> str:
    """Release, and let it leave."""
    made = office.json("release", office.draft, person="sam")
    office.run("outbox", "send")
    return made["release"]


def acts(office: Office, request: str) -> list[tuple[str, str, str]]:
    """Who did what, and why, as the exported record says it."""
    text = office.run("signoff", "record", request, "--format", "csv")
    return [(r["who"], r["did"], r["note"]) for r in csv.DictReader(io.StringIO(text, newline=""))]


def waiting_since(office: Office) -> datetime | None:
    from testkit.signoff import service

    with office.workspace().db.read() as conn:
        return service.find(conn, office.draft).state.opened_at


def ledger(office: Office, request: str) -> list[str]:
    return [
        row["kind"]
        for row in office.json("ledger", "show", "-n", "200")
        if row["subject"] == f"request/{request}"
    ]


def test_a_correction_is_signed_anew_and_both_releases_know_of_each_other(office, web):
    approved(office)
    first = sent(office)
    old = office.request()["request"]
    begun = office.json("signoff", "correct", office.draft, "--dry-run", person="sam")
    assert not begun["recorded"]
    new = office.json("signoff", "correct", office.draft, person="sam")["request"]
    assert new != old
    # The old yes was to the old words: nobody can send these before somebody has signed them.
    office.run("release", office.draft, person="sam", code=3)
    office.revision = office.json("draft", "edit", office.draft, *WORDS, person="sam")["revision"]
    assert office.request()["signoffs"] == []
    approved(office)
    office.clock.move(minutes=1)
    second = sent(office)
    assert second != first

    assert office.json("signoff", "show", old)["state"] == "corrected"
    assert f"corrected by {new}" in office.run("signoff", "show", old)
    assert f"corrects {old}" in office.run("signoff", "show", new)
    listed = {r["release"]: (r["state"], r["corrects"]) for r in office.json("release", "--list")}
    assert listed == {first: ("corrected", None), second: ("released", first)}
    assert f"released, corrects {first}" in office.run("release", "--list")
    assert acts(office, old)[-2:] == [("sam", "released", f"as {first}"),
                                      ("sam", "corrected", f"by {new}")]  # fmt: skip
    assert acts(office, new)[0] == ("sam", "submitted", f"corrects {old}")
    assert ledger(office, old)[-1] == "signoff.corrected"

    office.run("tick")
    office.run("outbox", "send")
    told = [(b["type"], b["data"]["release"], b["data"].get("corrects")) for b in web.bodies()]
    assert sorted(told) == sorted([
        ("released", first, None), ("released", second, first), ("corrected", first, None)
    ])  # fmt: skip
    assert web.bodies()[1]["data"]["arms"]["a"]["body"] == f"{WORDS[-1]}\n"
    folder = office.folder / "releases"
    assert f"by {second}" in (folder / first / "CORRECTED.txt").read_text(encoding="utf-8")
    pack = json.loads((folder / second / "release.json").read_text(encoding="utf-8"))
    assert pack["corrects"] == first
    assert office.json("ledger", "verify")["findings"] == []


def test_a_kill_while_the_queue_is_open_ends_it_for_everybody(office, web):
    request = office.request()["request"]
    office.run("release", office.draft, "--at", "2026-11-02 18:00", person="sam")
    assert len(office.json("signoff", "inbox", person="kim")) == 1
    office.run("signoff", "kill", office.draft, "-m", "a hoax", "--dry-run", person="bo", code=5)
    office.run("signoff", "kill", office.draft, "-m", "", person="kim", code=2)
    told = office.run("signoff", "kill", office.draft, "-m", "a hoax", person="alex")
    assert "killed by Alex" in told
    assert "recall" not in told  # nothing had gone out
    assert office.json("signoff", "inbox", person="kim") == []
    office.run("signoff", "approve", office.revision, person="kim", code=3)
    office.run("draft", "edit", office.draft, *WORDS, person="sam", code=3)
    office.run("release", office.draft, person="sam", code=3)
    office.run("signoff", "recall", office.draft, "-m", "x", person="alex", code=3)
    office.clock.move(hours=9)
    (due,) = office.json("tick")["due"]
    assert (due["released"], "killed" in due["outcome"]) == (False, True)
    office.run("outbox", "send")
    assert web.got == []
    assert acts(office, request)[-1] == ("alex", "killed", "a hoax")
    assert ledger(office, request)[-1] == "signoff.killed"


def test_a_kill_of_released_words_points_to_recall_and_a_recall_tells_the_programs(office, web):
    approved(office)
    made = sent(office)
    request = office.request()["request"]
    told = office.run("signoff", "kill", office.draft, "-m", "wrong number", person="kim")
    assert "what has left stays out" in told
    assert f"signoff recall {request} -m" in told
    office.run("tick")
    done = office.run("signoff", "recall", request, "-m", "we took it back", person="kim")
    assert "recalled by Kim" in done
    assert "signoff recall" not in done
    office.run("tick")
    office.run("outbox", "send")
    assert [(b["type"], b["data"].get("reason")) for b in web.bodies()] == [
        ("released", None), ("killed", "wrong number"), ("recalled", "we took it back")
    ]  # fmt: skip
    folder = office.folder / "releases" / made
    assert "we took it back" in (folder / "RECALLED.txt").read_text(encoding="utf-8")
    assert acts(office, request)[-3:] == [
        ("sam", "released", f"as {made}"), ("kim", "killed", "wrong number"),
        ("kim", "recalled", "we took it back"),
    ]  # fmt: skip
    assert ledger(office, request)[-2:] == ["signoff.killed", "signoff.recalled"]
    (listed,) = office.json("release", "--list")
    assert listed["state"] == "recalled"
    page = office.run("signoff", "record", request, "--format", "html")
    assert "we took it back" in page


def test_a_plan_keeps_the_yes_is_on_every_page_and_no_hand_releases_before_it(office, web):
    approved(office)
    yes = office.request()["signoffs"]
    office.run("release", office.draft, "--at", "2026-11-02 12:00",
               "--embargo", "2026-11-02 12:30", person="sam")  # fmt: skip
    shown = office.request()
    assert (shown["state"], shown["signoffs"]) == ("cleared", yes)
    assert shown["publish_at"].startswith("2026-11-02T17:00")
    assert shown["embargo_until"].startswith("2026-11-02T17:30")
    text = office.run("signoff", "show", office.draft)
    assert "planned for 2 Nov 2026 12:00 EST" in text
    assert "under embargo until 2 Nov 2026 12:30 EST" in text
    with serving(office) as site, visitor(site) as kim:
        kim.sign_in(office.link("kim"))
        page = kim.get(f"/requests/{office.revision}").text
    assert (
        "Planned for 2 Nov 2026 12:00 EST and under embargo until 2 Nov 2026 12:30 EST, so not"
        " before 2 Nov 2026 12:30 EST" in page
    )
    code, refused = office.attempt("release", office.draft, person="sam")
    assert (code, "under embargo until" in refused) == (3, True)
    who, did, note = acts(office, shown["request"])[-1]
    assert (who, did) == ("sam", "edited")
    assert note.startswith("planned for 2026-11-02T17:00")
    office.run("release", office.draft, "--at", "2026-11-02 13:00", person="sam")
    assert office.request()["embargo_until"] is None  # planned anew: both moments, or what is left
    assert office.request()["signoffs"] == yes
    office.run("release", office.draft, "--cancel", person="sam")
    assert office.request()["publish_at"] is None
    assert office.json("release", office.draft, person="sam")["new"]


def test_a_plan_is_made_and_taken_back_in_the_browser(office, web):
    approved(office)
    yes = office.request()["signoffs"]
    with serving(office) as site, visitor(site) as sam:
        path = f"/drafts/{office.draft}/plan"
        assert sam.get(path).status_code == 401
        sam.sign_in(office.link("sam"))
        assert f'href="{path}"' in sam.get(f"/requests/{office.revision}").text
        for moments in ({}, {"at": "2026-11-01T12:00"}, {"at": "soon"}):
            refused = sam.send(path, do="plan", **moments)
            assert refused.status_code == 400
            assert 'role="alert"' in refused.text
        assert office.request()["publish_at"] is None
        both = {"at": "2026-11-02T12:00", "embargo": "2026-11-02T12:30"}
        page = sam.send(path, do="plan", **both).text
        assert "Planned for 2 Nov 2026 12:30 EST, by Sam" in page
        assert 'value="2026-11-02T12:00"' in page
        (planned,) = office.json("release", "--list")
        assert planned["at"].startswith("2026-11-02T17:30")
        assert office.request()["signoffs"] == yes
        assert "Planned" not in sam.send(path, do="cancel").text
        assert sam.send(path, do="cancel").status_code == 409
        assert office.json("release", "--list") == []
        sam.send(path, do="plan", at="2026-11-02T12:00")
        office.clock.move(hours=4)
        (due,) = office.json("tick")["due"]
        assert due["released"]
        assert "<form" not in sam.get(path).text.partition("<main")[2]
        assert sam.get("/drafts/draft_none/plan").status_code == 404


def test_a_yes_that_comes_too_late_for_the_plan_is_refused_to_whoever_gives_it(office, web):
    asked_since = waiting_since(office)
    office.clock.move(minutes=1)
    office.run("release", office.draft, "--at", "2026-11-02 11:00", person="sam")
    assert waiting_since(office) == asked_since  # a plan restarts no clock and asks nobody anew
    office.clock.move(hours=1, minutes=57)
    code, told = office.attempt("signoff", "approve", office.revision, person="kim")
    assert code == 3
    assert "approvals close 5 minutes before" in told
    assert "that keeps all sign-offs" in told
    office.run("release", office.draft, "--at", "2026-11-02 11:30", person="sam")
    approved(office)
    office.clock.move(minutes=35)
    (due,) = office.json("tick")["due"]
    assert due["released"]
    office.run("outbox", "send")
    assert [b["type"] for b in web.bodies()] == ["released"]
