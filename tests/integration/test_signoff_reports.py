"""Comments, diffs, records, latency and changed facts as people use them (A3, A4, A12, A18)."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
from typing import TYPE_CHECKING

import pytest

from responders.services.facts import material_rewrite, note_changed_facts
from responders.store import archive
from testkit.kernel.clock import to_text
from testkit.signoff.record import as_csv, as_json, problems, record_of
from tests.web_world import Office, moved_in, prepared, serving, visitor

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return prepared(tmp_path_factory.mktemp("reports") / "ws")


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


def suggest(office: Office, person: str = "alex") -> int:
    number: int = office.json(
        "signoff", "comment", office.draft, "--quote", "Call <today>.", "--suggest",
        "Call <tonight>.", "-m", "=more urgent", person=person,
    )["number"]  # fmt: skip
    return number


def accept(office: Office, number: int, person: str = "sam") -> None:
    office.revision = office.json("draft", "accept", office.draft, str(number), person=person)[
        "revision"
    ]


def edit(office: Office, body: str, person: str = "sam") -> None:
    words = ("draft", "edit", office.draft, "--channel", "email", "--variant", "a", "--body", body)
    office.revision = office.json(*words, person=person)["revision"]


# --- A3, A4: suggestions and voided sign-offs


def test_a3_accepting_a_suggestion_does_not_taint_whoever_made_it(office: Office) -> None:
    accept(office, suggest(office))
    assert "Call <tonight>." in json.dumps(office.request()["fields"])
    done = office.json("signoff", "approve", office.revision, person="alex")
    assert [s["standing"] for s in done["signoffs"]] == ["counts"]


def test_a3_whoever_accepts_is_an_editor_and_the_chain_may_bar_suggesters_too(
    office: Office,
) -> None:
    number = suggest(office)
    path = office.folder / "chains/rapid-response.yaml"
    strict = path.read_text("utf-8").replace(
        "options: {", "options: {suggester_may_approve: false, "
    )
    path.write_text(strict, "utf-8")
    office.run("adopt", "chains/rapid-response.yaml", person="jo")
    accept(office, number, person="kim")
    told = office.run("signoff", "approve", office.revision, person="kim", code=5)
    assert "changed these words" in told
    office.run("signoff", "approve", office.revision, person="alex")  # the version of before holds
    office.run("signoff", "kill", office.draft, "-m", "again", person="rosa")
    office.submit()
    accept(office, _again(office), person="sam")
    told = office.run("signoff", "approve", office.revision, person="alex", code=5)
    assert "yes does not count" in told


def _again(office: Office) -> int:
    number: int = office.json(
        "signoff", "comment", office.draft, "--quote", "<tonight>", "--suggest", "<now>",
        person="alex",
    )["number"]  # fmt: skip
    return number


def test_a_suggestion_is_taken_over_once_and_not_after_its_words_are_gone(office: Office) -> None:
    number, late = suggest(office), suggest(office, person="kim")
    accept(office, number)
    assert "was taken over" in office.run(
        "draft", "accept", office.draft, str(number), person="sam", code=3
    )
    assert "words that are gone" in office.run(
        "draft", "accept", office.draft, str(late), person="sam", code=3
    )
    office.run("draft", "accept", office.draft, "1", person="sam", code=4)


def test_a_comment_decides_nothing_and_names_words_that_are_there(office: Office) -> None:
    office.run("signoff", "approve", office.revision, person="kim")
    before = office.request()
    office.run("signoff", "comment", office.draft, "-m", "nice", person="jo")
    after = office.request()
    assert {**after, "signoffs": 0} == {**before, "signoffs": 0}
    for words, code in (
        (["-m", " "], 2),
        (["--suggest", "x"], 2),
        (["--quote", "no such words", "-m", "x"], 2),
        (["--part", "fax/a/body", "-m", "x"], 2),
        (["--quote", "Friend", "-m", "which?"], 2),
    ):
        office.run("signoff", "comment", office.draft, *words, person="jo", code=code)
    assert office.json("ledger", "verify")["whole"]


def test_a4_voided_sign_offs_stay_visible_as_outdated_with_their_diff(office: Office) -> None:
    office.run("signoff", "approve", office.revision, person="kim")
    edit(office, "Friend,\n\nCall <tomorrow>.")
    assert [s["standing"] for s in office.request()["signoffs"]] == ["outdated"]
    shown = office.run("signoff", "diff", office.draft, person="kim")
    assert "revision 1 to 2" in shown
    assert "Call <[-today-]{+tomorrow+}>." in shown
    assert "outdated: kim approve" in shown
    data = office.json("signoff", "diff", office.draft, person="kim")
    assert [c["part"] for c in data["changes"]] == ["email/a/body"]
    assert data["outdated"][0]["who"] == "kim"
    office.run("signoff", "diff", office.draft, "--from", "7", code=4)


def test_the_decision_page_shows_what_changed_since_the_words_that_you_approved(
    office: Office,
) -> None:
    office.run("signoff", "approve", office.revision, person="kim")
    edit(office, "Friend,\n\nCall <tonight>.")
    edit(office, "Friend,\n\nCall <the governor>.")
    office.run("signoff", "comment", office.draft, "-m", "<b>bold</b>", person="jo")
    office.clock.move(minutes=10)
    with serving(office) as address, visitor(address) as kim:
        kim.sign_in(office.link("kim"))
        page = kim.get(f"/requests/{office.revision}").text
        assert "What changed since revision 1, which you approved" in page
        assert "<del>today</del><ins>the governor</ins>" in page
        assert "Kim (comms lead) said approve to other words" in page
        assert "&lt;b&gt;bold&lt;/b&gt;" in page
        where = kim.get("/signoff")
        assert where.status_code == 200
        assert "<svg" in where.text
        history = kim.get(f"/signoff/{office.request()['request']}").text
        assert "approve (comms), outdated" in history
        assert history.count('<article class="words">') == 3
        assert kim.get("/signoff/req_none").status_code == 404


# --- A12: the record


@pytest.fixture
def told(office: Office) -> Office:
    """A request with a comment that looks like a formula, three revisions and a release."""
    office.run("signoff", "approve", office.revision, "-m", "+1, go", person="kim")
    office.clock.move(minutes=10)
    accept(office, suggest(office))
    office.clock.move(minutes=10)
    office.run("signoff", "approve", office.revision, person="alex")
    office.run("release", office.draft, person="sam")
    return office


def test_a12_every_form_of_the_record_holds_exactly_the_approved_words(told: Office) -> None:
    approved = told.request()["material_digest"]
    for name in ("r.csv", "r.json", "r.html"):
        told.run("signoff", "record", told.draft, "-o", str(told.folder / name))
    with (told.folder / "r.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    yes = [r for r in rows if r["did"] == "approve" and r["standing"] == "counts"]
    assert [r["who"] for r in yes] == ["alex"]
    assert hashlib.sha256(yes[0]["words"].encode()).hexdigest() == approved
    assert (
        "Call <tonight>." in json.loads(yes[0]["words"])["material"]["arms"]["email"]["a"]["body"]
    )

    record = json.loads((told.folder / "r.json").read_text("utf-8"))
    last = record["revisions"][-1]
    assert hashlib.sha256(last["words"].encode()).hexdigest() == approved
    assert record["ledger_head"]["hash"] == told.json("ledger", "verify")["head"]
    assert all(act["ledger_hash"] for act in record["acts"])

    page = (told.folder / "r.html").read_text("utf-8")
    exact = [
        html.unescape(x) for x in re.findall(r'<pre class="exact">(.*?)</pre>', page, re.DOTALL)
    ]
    assert hashlib.sha256(exact[-1].encode()).hexdigest() == approved
    assert "<del>" in page
    assert "http" not in re.sub(r"courier.example|http-equiv", "", page.split("<body>")[0])


def test_a12_a_changed_word_in_an_exported_record_is_found(told: Office) -> None:
    record = record_of(told.workspace(), told.draft)
    for form in (as_csv(record), as_json(record)):
        assert problems(form) == []
        forged = form.replace("<tonight>", "<never>")
        assert problems(forged)
        path = told.folder / "forged"
        path.write_text(forged, encoding="utf-8", newline="")
        told.run("signoff", "record", "--check", str(path), code=3)
    stray = told.folder / "stray.csv"
    stray.write_text("a,b\n1,2\n", "utf-8")
    told.run("signoff", "record", "--check", str(stray), code=2)
    told.run("signoff", "record", code=2)


def test_a12_no_cell_of_the_csv_is_a_formula(told: Office) -> None:
    text = as_csv(record_of(told.workspace(), told.draft))
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'=more urgent: 'Call <today>.' -> 'Call <tonight>.'" in cells
    assert "'+1, go" in cells


# --- A13, A16, A18


def test_a13_scanners_leave_the_words_alone_and_a_replayed_form_decides_once(
    office: Office,
) -> None:
    path = office.decide_link("kim")
    with serving(office) as address, visitor(address) as scanner:
        for _ in range(3):
            scanner.get(path)
        scanner.client.head(path)
        assert office.request()["signoffs"] == []
        page = scanner.get(path).text
        for _ in range(2):
            assert scanner.send(path, page, decision="approve").status_code == 200
    assert [s["who"] for s in office.request()["signoffs"]] == ["kim"]


def test_a16_check_names_the_author_for_whom_the_chain_cannot_complete(office: Office) -> None:
    people = office.folder / "few.yaml"
    people.write_text(
        "people:\n"
        "  - {id: ana, name: Ana, roles: [digital]}\n"
        "  - {id: kim, name: Kim, roles: [comms_lead, digital_director]}\n"
        "  - {id: rosa, name: Rosa, roles: [ed, deputy_ed, board_chair]}\n",
        "utf-8",
    )
    found = json.loads(_failing(office, "signoff", "check", "chains/rapid-response.yaml",
                                "--roster", str(people), "--json"))  # fmt: skip
    errors = [f["message"] for f in found["findings"] if f["severity"] == "error"]
    assert not found["ok"]
    assert any("Kim" in message for message in errors), errors
    assert not any("Ana" in message for message in errors), errors


def _failing(office: Office, *words: str) -> str:
    import contextlib

    import cli

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        assert cli.run(words, obj=office.app()) == 2
    return out.getvalue()


def test_a18_latency_is_told_from_the_log_with_what_still_waits(office: Office) -> None:
    office.clock.move(minutes=30)
    waiting = office.json("signoff", "latency")
    (comms,) = waiting["stages"]
    assert (comms["waits"], comms["answered"], comms["lasting"]) == (1, 0, 1)
    assert comms["median"]["minutes"] is None
    office.run("signoff", "approve", office.revision, person="kim")
    chart = office.folder / "time.svg"
    found = office.json("signoff", "latency", "--chart", str(chart))
    assert found["stages"][0]["median"]["minutes"] == 30
    assert found["stages"][0]["promises_kept"]["count"] == 1
    assert found["executive_signed"]["of"] == 1
    assert "<svg" in chart.read_text("utf-8")
    assert "not reached" not in office.run("signoff", "latency")
    office.clock.move(days=2)
    assert office.json("signoff", "latency", "--since", "1 day ago")["requests"] == 0


# --- the story behind the words


def story_of(office: Office, *, summary: str) -> None:
    """A story with the entry that the draft cites."""
    workspace = office.workspace()
    with workspace.archive.write() as conn:
        conn.execute(
            "INSERT INTO story (id, first_at, last_at, changed) VALUES ('story_1', :at, :at, 1)",
            {"at": to_text(office.clock())},
        )
        feed = conn.execute("SELECT id FROM feed LIMIT 1").fetchone()
        if feed is None:
            columns = [c for c in conn.execute("PRAGMA table_info(feed)") if c["notnull"]]
            values = {
                c["name"]: 1 if c["type"] == "INTEGER" else f"feed_1-{c['name']}"
                for c in columns
                if c["dflt_value"] is None
            } | {"id": "feed_1"}
            names = ", ".join(values)
            conn.execute(
                f"INSERT INTO feed ({names}) VALUES ({', '.join(f':{n}' for n in values)})", values
            )
        conn.execute(
            "INSERT INTO entry (id, feed, guid, url, title, summary, html, first_seen, author,"
            " language, raw_sha256, story) VALUES ('entry_1', :feed, 'g', :url, :title, :summary,"
            " '', :at, '', 'en', '', 'story_1')",
            {
                "feed": feed["id"] if feed else "feed_1",
                "url": "https://courier.example/1",
                "title": "Strike vote at Northgate",
                "summary": summary,
                "at": to_text(office.clock()),
            },
        )


def rewrite(office: Office, title: str, summary: str) -> None:
    office.clock.move(minutes=5)
    with office.workspace().archive.write() as conn:
        archive.revise_entry(
            conn, "entry_1", title=title, summary=summary, now=office.clock(), change=2
        )


def test_a_rewritten_source_holds_cleared_words_until_an_approver_looks(office: Office) -> None:
    story_of(office, summary="By 900 votes to 12, workers chose to strike.")
    office.run("signoff", "approve", office.revision, person="kim")
    assert note_changed_facts(office.workspace()) == []
    rewrite(office, "Strike Vote at Northgate", "By 900 votes to 12, workers chose to strike!")
    assert note_changed_facts(office.workspace()) == []  # only how it is set
    rewrite(office, "Strike vote at Northgate", "By 90 votes to 12, workers chose to strike.")
    (noted,) = note_changed_facts(office.workspace())
    assert noted.draft == office.draft
    assert "[-900-]{+90+}" in noted.reason
    assert note_changed_facts(office.workspace()) == []  # once
    assert office.request()["state"] == "held"
    told = office.run("release", office.draft, person="sam", code=3)
    assert "the facts changed since approval" in told
    office.run("signoff", "facts-checked", office.draft, "-m", "ours says no number", person="kim")
    assert note_changed_facts(office.workspace()) == []  # this change was looked at
    office.run("release", office.draft, person="sam")
    assert office.json("ledger", "verify")["whole"]


def test_a_source_that_the_draft_does_not_cite_holds_nothing(office: Office) -> None:
    story_of(office, summary="x")
    with office.workspace().archive.write() as conn:
        conn.execute("UPDATE entry SET url = 'https://elsewhere.example/9'")
    rewrite(office, "Something else entirely", "y")
    assert note_changed_facts(office.workspace()) == []


@pytest.mark.parametrize(
    ("before", "after", "material"),
    [
        (("A b", "one two"), ("a B.", "one, two"), False),
        (("A b", "one two"), ("A c", "one two"), True),
        (("A", "3,000 marched"), ("A", "3000 marched"), True),
        (("A", "w " * 30), ("A", "w " * 29 + "v "), False),
        (("A", "w " * 30), ("A", "w " * 20), True),
    ],
)
def test_a_rewrite_is_material_when_headline_numbers_or_a_tenth_of_the_words_change(
    before: tuple[str, str], after: tuple[str, str], material: bool
) -> None:
    assert material_rewrite(*before, *after) is material


def test_a_clock_that_passes_does_not_make_a_story_change(office: Office) -> None:
    story_of(office, summary="x")
    office.clock.move(hours=3)
    assert note_changed_facts(office.workspace()) == []
