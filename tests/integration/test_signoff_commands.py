"""Roster, charter and powers as people use them: through the command line, with files."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from testkit.kernel import ledger
from testkit.kernel.digest import digest
from testkit.kernel.sqlite import Database
from tests.web_world import Office, moved_in

if TYPE_CHECKING:
    from pathlib import Path


ISSUE_CHAIN = "chains/rapid-response.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office(folder=tmp_path_factory.mktemp("org") / "ws")
    office.run(
        "init", str(office.folder), "--zone", "America/New_York", "--org-model", "communications"
    )
    office.raise_draft()
    office.submit()
    return office


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


def edit(office: Office, name: str, before: str, after: str) -> None:
    path = office.folder / name
    text = path.read_text("utf-8")
    assert before in text, before
    path.write_text(text.replace(before, after), "utf-8")


def add(office: Office, name: str, text: str) -> None:
    path = office.folder / name
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def ledger_kinds(office: Office) -> list[str]:
    return [row["kind"] for row in office.json("ledger", "show", "-n", "500")]


def whole(office: Office) -> None:
    assert office.json("ledger", "verify")["whole"]


def cleared(office: Office) -> None:
    office.run("signoff", "approve", office.revision, person="kim")
    office.run("signoff", "approve", office.revision, person="pat")
    assert office.request()["state"] == "cleared"


def whatever(office: Office, *words: str) -> str:
    """All that a command prints that fails, to stdout or stderr."""
    import cli

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        assert cli.run(words, obj=office.app()) != 0
    return printed.getvalue()


# --- roster


def test_who_is_away_is_not_asked_and_the_next_in_the_role_is(office: Office) -> None:
    asked = office.run("signoff", "show", office.revision)
    assert "now asked: Kim (comms lead), Alex (deputy comms)" in asked
    office.run("people", "away", "kim", "--until", "2026-11-20", person="kim")
    asked = office.run("signoff", "show", office.revision)
    assert "now asked: Alex (deputy comms)\n" in asked
    office.clock.move(days=19)  # 21 November: it was over by itself
    assert not any(p["away"] for p in office.json("people", "list"))


def test_a_stand_in_signs_for_the_principal_whom_the_record_names(office: Office) -> None:
    refused = office.run("signoff", "approve", office.revision, person="jo", code=5)
    assert "may not sign stage comms" in refused
    office.run("people", "delegate", "kim", "jo", "--until", "2026-11-20", person="kim")
    shown = office.run("signoff", "show", office.revision)
    assert "Jo (digital director) is asked for Kim (comms lead), who is copied" in shown
    done = office.json("signoff", "approve", office.revision, person="jo")
    assert [(s["who"], s["for"]) for s in done["signoffs"]] == [("jo", "kim")]
    assert ledger_kinds(office)[-2:] == ["people.delegated", "signoff.approve"]
    whole(office)


def test_a_delegation_outside_its_dates_falls_back_to_the_principal(office: Office) -> None:
    office.run(
        "people", "delegate", "kim", "jo", "--from", "2026-11-10", "--until", "2026-11-12",
        person="kim",
    )  # fmt: skip
    for days, code in ((0, 5), (8, 0)):
        office.clock.move(days=days)
        if days:
            office.run("tick")  # the old request has expired; the words go before the chain again
            office.submit()
        office.run("signoff", "approve", office.revision, person="jo", code=code)
    office.clock.move(days=3)
    office.submit()
    office.run("signoff", "approve", office.revision, person="jo", code=5)
    office.run("signoff", "approve", office.revision, person="kim")


def test_what_was_declared_can_be_taken_back_and_saying_it_twice_is_once(office: Office) -> None:
    first = office.json("people", "away", "kim", "--from", "2026-11-03", "--until", "2026-11-20",
                        person="kim")  # fmt: skip
    again = office.json("people", "away", "kim", "--from", "2026-11-03", "--until", "2026-11-20",
                        person="kim")  # fmt: skip
    assert first["declaration"] == again["declaration"]
    assert ledger_kinds(office).count("people.away") == 1
    office.run("people", "back", first["declaration"], person="kim")
    office.run("people", "back", person="kim", code=3)
    whole(office)


def test_nobody_declares_for_somebody_else_and_a_dry_run_declares_nothing(office: Office) -> None:
    refused = office.run("people", "away", "kim", "--until", "2026-11-20", person="jo", code=5)
    assert "people.yaml" in refused
    before = ledger_kinds(office)
    for words in (
        ("people", "away", "kim", "--until", "2026-11-20", "--dry-run"),
        ("people", "delegate", "kim", "jo", "--until", "2026-11-20", "--dry-run"),
        ("signoff", "kill", office.revision, "-m", "x", "--dry-run"),
    ):
        office.run(*words, person="kim")
    assert ledger_kinds(office) == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("jo", "--until", "2026-10-01"), 2, "ends before it starts"),
        (("jo", "--from", "2026-10-01", "--until", "2026-10-02"), 2, "over since"),
        (("jo", "--until", "sometime"), 2, "not a date and time"),
        (("joo", "--until", "2026-11-20"), 4, "did you mean jo"),
        (("kim", "--until", "2026-11-20"), 2, "circle"),
        (("jo", "--until", "2026-11-20", "--role", "ed"), 2, "has no role 'ed'"),
    ],
)
def test_a_delegation_that_makes_no_sense_is_refused(
    office: Office, words: tuple[str, ...], code: int, said: str
) -> None:
    assert said in office.run("people", "delegate", "kim", *words, person="kim", code=code)
    assert "people.delegated" not in ledger_kinds(office)


def test_a_circle_that_would_only_close_next_month_is_refused_today(office: Office) -> None:
    office.run("people", "delegate", "kim", "jo", "--from", "2026-12-01", "--until", "2026-12-20",
               person="kim")  # fmt: skip
    said = office.run(
        "people", "delegate", "jo", "kim", "--until", "2026-12-10", person="jo", code=2
    )
    assert "circle" in said
    office.run("people", "delegate", "jo", "kim", "--until", "2026-11-20", person="jo")


def test_more_than_three_steps_are_refused(office: Office) -> None:
    for person, to in (("kim", "jo"), ("jo", "max"), ("max", "lee")):
        office.run("people", "delegate", person, to, "--until", "2026-11-20", person=person)
    said = office.run(
        "people", "delegate", "lee", "bo", "--until", "2026-11-20", person="lee", code=2
    )
    assert "more than 3 steps" in said


def test_a_roster_file_tells_every_problem_with_its_place(office: Office) -> None:
    add(office, "people.yaml", "delegations:\n  - {from: kim, to: nobody, starts: 2026-11-01}\n"
        "  - {from: jo, to: lee, starts: 2026-11-09, until: 2026-11-01}\n"
        "away:\n  - {person: kin, from: 2026-11-01}\nholidays: [2026-12-25]\n")  # fmt: skip
    said = office.run("adopt", "people", code=2)
    for part in ("'nobody'", "ends before it starts", "'kin'"):
        assert part in said, said
    edit(office, "people.yaml", 'mon-fri: "09:00-18:00"', 'mon-fri: "18:00-09:00"')
    assert "ends before it starts" in office.run("adopt", "people", code=2)


def test_a_person_who_left_signs_no_more_and_old_sign_offs_keep_the_name(office: Office) -> None:
    office.run("signoff", "approve", office.revision, person="kim")
    edit(office, "people.yaml", "roles: [comms_lead], ", "roles: [comms_lead], left: 2026-11-02, ")
    office.run("adopt", "people")
    office.clock.move(days=1)
    assert "Kim (comms lead) approve" in office.run("signoff", "show", office.revision)
    assert "left" in office.run("people", "list")
    office.submit()
    assert "left at" in office.run(
        "signoff", "kill", office.revision, "-m", "x", person="kim", code=5
    )
    office.run("signoff", "approve", office.revision, person="kim", code=5)
    office.run("people", "link", "kim", code=5)


# --- clocks


def test_working_hours_are_counted_in_the_organisations_zone_over_a_clock_change(
    office: Office,
) -> None:
    # Hours of the file: Monday to Friday, nine to six. In 2027 New York goes forward on 14 March.
    promised = "{remind: 20m, due: 45m, escalate: digital_director, expire: 4h}"
    working = "{remind: 1h, due: 2h, escalate: digital_director, expire: 9h, hours: working}"
    edit(office, ISSUE_CHAIN, promised, working)
    edit(office, ISSUE_CHAIN, "expire: 6h\n", "expire: 7d\n")
    office.run("adopt", ISSUE_CHAIN)
    office.clock.moment = office.clock.moment.replace(
        year=2027, month=3, day=12, hour=22
    )  # Fri 17:00
    office.submit()
    office.clock.moment += timedelta(hours=1, minutes=1)  # Friday 18:01: one working hour
    assert [c["kind"] for c in office.json("tick")["clocks"]] == ["remind"]
    office.clock.moment += timedelta(days=2)  # Sunday: nobody works
    assert office.json("tick")["clocks"] == []
    monday = office.clock.moment.replace(month=3, day=15, hour=13, minute=59)  # 09:59 EDT
    office.clock.moment = monday
    assert office.json("tick")["clocks"] == []
    office.clock.moment = monday + timedelta(minutes=1)  # the second working hour is over
    assert [c["kind"] for c in office.json("tick")["clocks"]] == ["due", "escalate"]
    assert office.json("tick")["clocks"] == []
    assert len(office.json("signoff", "inbox", person="kim")) == 1
    office.run("signoff", "approve", office.revision, person="kim")
    whole(office)


def test_time_that_ran_out_counts_before_tick_and_reopening_asks_everybody_again(
    office: Office,
) -> None:
    office.run("signoff", "approve", office.revision, person="kim")
    office.clock.move(hours=7)
    late = office.run("signoff", "approve", office.revision, person="pat", code=3)
    assert "signoff reopen req_" in late
    office.run("tick")
    old = office.request()
    again = office.json("signoff", "reopen", office.draft, person="sam")
    assert again["request"] != old["request"]
    assert (again["state"], again["waiting"], again["signoffs"]) == ("in_review", "comms", [])
    assert again["fields"] == old["fields"]
    said = office.run("signoff", "reopen", old["request"], person="sam", code=3)
    assert again["request"] in said
    whole(office)


def test_a_clock_that_went_backwards_is_refused_and_nothing_is_lost(office: Office) -> None:
    office.run("signoff", "approve", office.revision, person="kim")
    office.clock.move(hours=-2)
    said = office.run("signoff", "approve", office.revision, person="pat", code=3)
    assert "set this machine's clock" in said
    office.clock.move(hours=2)
    office.run("signoff", "approve", office.revision, person="pat")
    whole(office)


def test_two_tabs_the_same_yes_is_taken_once_and_another_later_one_hears_who_was_first(
    office: Office,
) -> None:
    office.run("signoff", "approve", office.revision, person="kim")
    assert office.json("signoff", "approve", office.revision, person="kim")["changed"] is False
    said = office.run("signoff", "approve", office.revision, person="alex", code=3)
    assert "Kim" in said
    assert len(office.request()["signoffs"]) == 1


# --- powers


def test_an_override_clears_and_owes_a_look_that_somebody_else_gives(office: Office) -> None:
    assert "digital_director may" in office.run(
        "signoff", "override", office.draft, "-m", "now", person="kim", code=5
    )
    done = office.json("signoff", "override", office.draft, "-m", "ten minutes", person="jo")
    assert (done["state"], done["debts"][0]["of"]) == ("cleared", "override")
    shown = office.run("signoff", "show", office.draft)
    assert "a look at the override is due" in shown
    office.clock.move(hours=25)
    assert "a look at the override is OVERDUE" in office.run("signoff", "show", office.draft)
    office.run("signoff", "review", office.draft, person="jo", code=5)
    seen = office.json("signoff", "review", office.draft, "--object", "-m", "could wait",
                       person="rosa")  # fmt: skip
    assert seen["debts"][0]["outcome"] == "objected"
    assert "a look at" not in office.run("signoff", "show", office.draft)
    office.run("signoff", "review", office.draft, person="rosa", code=3)
    whole(office)


def test_killed_stays_killed_and_a_recall_needs_something_that_went_out(office: Office) -> None:
    office.run("signoff", "recall", office.draft, "-m", "x", person="kim", code=3)
    cleared(office)
    office.run("signoff", "kill", office.draft, "-m", "a hoax", person="kim")
    assert office.request()["state"] == "killed"
    office.run("release", office.draft, person="sam", code=3)
    office.run("signoff", "reopen", office.draft, person="sam", code=3)


def test_a_correction_goes_through_the_chain_and_marks_the_old_one_when_it_goes_out(
    office: Office,
) -> None:
    cleared(office)
    office.run("release", office.draft, person="sam")
    old = office.request()["request"]
    edit_words = ("draft", "edit", office.draft, "--channel", "sms", "--variant", "a",
                  "--body", "Call 555 0199 today. Reply STOP to end")  # fmt: skip
    office.run(*edit_words, person="sam", code=3)
    begun = office.json("signoff", "correct", office.draft, person="sam")
    assert begun["state"] == "in_review"
    office.run("signoff", "correct", old, person="sam", code=3)
    office.revision = office.json(*edit_words, person="sam")["revision"]
    cleared(office)
    assert office.json("signoff", "show", old)["state"] == "released"
    office.run("release", office.draft, person="sam")
    assert office.json("signoff", "show", old)["state"] == "corrected"
    whole(office)


def test_changed_facts_hold_cleared_words_until_an_approver_looked(office: Office) -> None:
    cleared(office)
    office.run("signoff", "facts-changed", office.draft, "-m", "the vote moved", person="sam")
    shown = office.run("signoff", "show", office.draft)
    assert "signoff facts-checked req_" in shown
    assert "facts-checked" in office.run("release", office.draft, person="sam", code=3)
    office.run("signoff", "facts-checked", office.draft, person="sam", code=5)
    assert office.json("signoff", "facts-checked", office.draft, person="kim")["state"] == "cleared"


def test_an_edit_that_voids_a_yes_names_whose_and_who_signs_now(office: Office) -> None:
    office.run("signoff", "approve", office.revision, person="kim")
    said = office.run("draft", "edit", office.draft, "--channel", "sms", "--variant", "a",
                      "--body", "Call 555 0199. Reply STOP to end", person="sam")  # fmt: skip
    assert "no longer counts, said of other words: Kim (comms lead)" in said
    assert "now asked: Kim (comms lead), Alex (deputy comms)" in said
    data = office.json("draft", "edit", office.draft, "--channel", "sms", "--variant", "a",
                       "--body", "Call 555 0198. Reply STOP to end", person="sam")  # fmt: skip
    assert (data["voided"], data["asked"]) == (["kim"], ["kim", "alex"])


# --- automatic checks


def story_draft(office: Office) -> None:
    """A second draft that holds its story, so that its words can be read again."""
    from responders.store import audit, drafts

    office.draft = "draft_2"
    with office.workspace().db.write() as conn:
        row = drafts.get(conn, "draft_1")
        optout = "Reply with the word UNSUBSCRIBE to leave this list"
        arms = {
            "email": {
                "a": {"subject": "Stand", "preheader": "", "body": f"Friend, call.\n\n{optout}"}
            }
        }
        story = {"id": "s2", "title": "Workers vote to strike", "url": "https://c.example/1",
                 "source": "Courier", "quotes": [], "entries": [], "lang": "en"}  # fmt: skip
        drafts.add(
            conn,
            replace(
                row,
                id="draft_2",
                story="story_2",
                content={**row.content, "arms": arms, "channel": ["email"]},
                facts={"story": story, "findings": []},
            ),
        )
        ledger.append(
            conn,
            kind="draft.raised",
            subject="draft/draft_2",
            actor=ledger.Actor(name="system", via="system", auth="none"),
            payload={
                "content_digest": digest(drafts.get(conn, "draft_2").content),
                "row_digest": audit.DRAFT.row_digest(conn, "draft_2"),
            },
            now=office.clock(),
        )


def test_words_without_the_opt_out_wait_for_their_author_and_pass_once_mended(
    office: Office,
) -> None:
    story_draft(office)
    office.submit()
    assert office.request()["waiting"] == "comms"
    said = office.run("draft", "edit", "draft_2", "--channel", "email", "--variant", "a",
                      "--body", "Friend, call.", person="sam")  # fmt: skip
    assert "failed: disclaimer" in said
    revision = office.json("signoff", "show", "draft_2")["revision"]
    held = office.run("signoff", "approve", revision, person="kim", code=3)
    assert "have not passed: disclaimer" in held
    assert "RS041" in office.run("signoff", "show", "draft_2")
    mended = "Friend, call.\n\nReply with the word UNSUBSCRIBE to leave this list"
    office.run("draft", "edit", "draft_2", "--channel", "email", "--variant", "a", "--body", mended,
               person="sam")  # fmt: skip
    assert office.json("signoff", "show", "draft_2")["waiting"] == "comms"
    whole(office)


def test_a_chain_with_a_check_that_nobody_runs_is_not_adopted(office: Office) -> None:
    edit(office, ISSUE_CHAIN, "slots_filled]", "slots_fild]")
    said = office.run("adopt", ISSUE_CHAIN, code=2)
    assert "SO017" in said
    assert "did you mean 'slots_filled'" in said


# --- charter


def test_only_who_signs_the_charter_ends_practice_and_the_pack_loses_its_mark(
    office: Office,
) -> None:
    assert office.request()["practice"] is True
    assert "Rosa" in office.run("adopt", "charter.yaml", person="kim", code=5)
    office.run("adopt", "charter.yaml", person="rosa")
    assert office.request()["practice"] is False
    assert "charter, version 1, is in force" in office.run("doctor")
    cleared(office)
    first = office.json("release", office.draft, person="sam")["files"][0]
    assert "PRACTICE" not in (office.folder / first).read_text("utf-8")
    whole(office)


def test_revoked_or_over_it_is_practice_again_and_the_ledger_tells(office: Office) -> None:
    edit(office, "charter.yaml", "# valid_until: 2027-12-31", "valid_until: 2026-11-30")
    office.run("adopt", "charter.yaml", person="rosa")
    assert "until 1 Dec 2026 00:00 EST" in office.run("charter", "show")
    office.run("charter", "revoke", "-m", "x", person="kim", code=5)
    office.clock.move(days=29)
    assert office.json("charter", "show")["practice"] is True
    office.run("tick")
    office.run("tick")
    assert ledger_kinds(office).count("charter.expired") == 1
    assert "over before it begins" in office.run("adopt", "charter.yaml", person="rosa", code=2)
    edit(office, "charter.yaml", "2026-11-30", "2027-11-30")
    office.run("adopt", "charter.yaml", person="rosa")
    office.run("charter", "revoke", "-m", "we rewrite it", person="rosa")
    office.run("charter", "revoke", "-m", "again", person="rosa", code=3)
    assert office.json("charter", "show")["practice"] is True
    office.run("adopt", "charter.yaml", person="rosa")  # the same text, signed anew
    kinds = [k for k in ledger_kinds(office) if k.startswith("charter")]
    assert kinds == ["charter.adopted", "charter.expired", "charter.adopted", "charter.revoked",
                     "charter.adopted"]  # fmt: skip
    whole(office)


def test_a_hidden_end_of_the_charter_is_found(office: Office) -> None:
    edit(office, "charter.yaml", "# valid_until: 2027-12-31", "valid_until: 2027-11-30")
    office.run("adopt", "charter.yaml", person="rosa")
    with Database(office.folder / "workspace.db").write() as conn:
        conn.execute("UPDATE proposal_end SET at = '2099-01-01T00:00:00.000000Z'")
    assert "proposal_end" in whatever(office, "ledger", "verify")


def test_under_a_charter_rules_change_with_a_second_role_and_not_by_the_requester(
    office: Office,
) -> None:
    office.run("adopt", "charter.yaml", person="rosa")
    edit(office, "people.yaml", "roles: [digital]", "roles: [digital, ed]")
    assert office.json("adopt", "people", person="sam")["state"] == "waiting"
    office.run("adopt", "people", person="sam", code=5)
    office.run("adopt", "people", person="nobody", code=5)
    assert "ed" not in office.json("people", "list")[0]["roles"]
    assert office.json("adopt", "people", person="rosa")["state"] == "adopted"
    # Who signs the next charter is said by the one in force.
    edit(office, "charter.yaml", "signed_by: [ed, board_chair]", "signed_by: [digital]")
    office.run("adopt", "charter.yaml", person="kim")
    assert "is signed by" in office.run("adopt", "charter.yaml", person="alex", code=5)


def test_under_a_charter_spending_above_the_limit_never_reaches_the_chain(office: Office) -> None:
    edit(office, "charter.yaml", "max_spend_cents: 5000000", "max_spend_cents: 1000")
    office.run("adopt", "charter.yaml", person="rosa")
    office.run("signoff", "withdraw", office.revision, person="sam")
    said = office.run("draft", "submit", office.draft, "--spend", "1001", person="sam", code=5)
    assert "the charter ends at 1000" in said
    office.run("draft", "submit", office.draft, "--spend", "1000", person="sam")


# --- foresight


@pytest.mark.parametrize("model", ["communications", "field", "embedded", "solo"])
def test_what_init_writes_for_a_model_passes_the_check_and_can_be_signed(
    tmp_path: Path, model: str
) -> None:
    office = Office(folder=tmp_path / "ws")
    office.run("init", str(office.folder), "--org-model", model)
    found = office.json("signoff", "check")
    assert (found["ok"], found["practice"]) == (True, True)
    signer = "sam" if model == "solo" else "rosa"
    office.run("adopt", "charter.yaml", person=signer)
    assert office.json("signoff", "check")["ok"]


def test_simulate_names_people_and_hours_and_ends_with_3_when_it_cannot_clear(
    office: Office,
) -> None:
    plain = ["--fact", "risk=low", "--fact", "position_is_new=false", "--fact", "spend_cents=0",
             "--fact", "names_candidate=false", "--fact", "topic=wages", "--fact",
             "channel=email", "--author", "sam"]  # fmt: skip
    done = office.json("signoff", "simulate", *plain)
    assert done["outcome"] == "clears"
    # The chain promises 45 minutes for its one stage that applies, which expires after 4 hours.
    assert (done["promised_hours"], done["worst_case_hours"]) == (0.75, 4.0)
    asked = {p["person"] for s in done["stages"] for a in s["asks"] for p in a["people"]}
    assert asked == {"kim", "alex"}
    text = office.run("signoff", "simulate", *plain, "--away", "kim", "--away", "alex",
                      "--away", "jo", code=3)  # fmt: skip
    assert text == ""
    office.run("signoff", "simulate", "--author", "samm", code=4)
    office.run("signoff", "simulate", "--fact", "risk", code=2)
    office.run("signoff", "simulate", "nochain", code=4)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("from: [comms_lead, deputy_comms]", "from: [comms_led, deputy_comms]", "SO001"),
        ("from: [comms_lead, deputy_comms]", "need: 3\n    from: [comms_lead, deputy_comms]",
         "SO007"),
        ("{any: [{risk: high}, {position_is_new: true}]}", "{all: [{risk: high}, {risk: low}]}",
         "SO004"),
    ],
)  # fmt: skip
def test_a_chain_that_cannot_work_is_refused_with_its_place(
    office: Office, before: str, after: str, code: str
) -> None:
    edit(office, ISSUE_CHAIN, before, after)
    for words in (("signoff", "check", ISSUE_CHAIN), ("adopt", ISSUE_CHAIN)):
        said = whatever(office, *words)
        assert code in said
        assert f"{ISSUE_CHAIN}:" in said


def test_check_against_a_roster_that_is_not_adopted_names_the_author_who_is_stuck(
    office: Office, tmp_path: Path
) -> None:
    people = tmp_path / "two.yaml"
    people.write_text(
        "people:\n  - {id: ana, name: Ana, roles: [comms_lead, policy, legal, field_lead, ed,"
        " digital_director, board_chair]}\n  - {id: ben, name: Ben, roles: [digital]}\n"
    )
    said = whatever(office, "signoff", "check", ISSUE_CHAIN, "--roster", str(people))
    assert "SO008" in said
    assert "Ana" in said


def test_a_stand_in_of_two_names_for_whom_they_sign(office: Office) -> None:
    for person in ("kim", "alex"):
        office.run("people", "delegate", person, "jo", "--until", "2026-11-20", person=person)
    done = office.json("signoff", "approve", office.revision, "--for", "alex", person="jo")
    assert [(s["who"], s["for"]) for s in done["signoffs"]] == [("jo", "alex")]


def test_under_a_charter_a_seat_is_delegated_to_the_roles_that_it_names(office: Office) -> None:
    office.run("adopt", "charter.yaml", person="rosa")
    said = office.run("people", "delegate", "rosa", "sam", "--until", "2026-11-20", person="rosa",
                      code=5)  # fmt: skip
    assert "ed is stood in for by deputy_ed" in said
    office.run("people", "delegate", "rosa", "lee", "--until", "2026-11-20", person="rosa")


def test_a_changed_declaration_is_found(office: Office) -> None:
    office.run("people", "delegate", "kim", "jo", "--until", "2026-11-20", person="kim")
    whole(office)
    with Database(office.folder / "workspace.db").write() as conn:
        conn.execute("UPDATE declaration SET delegate = 'sam'")
    assert "declaration" in whatever(office, "ledger", "verify")


def test_an_office_of_two_releases_on_its_own_yes_and_owes_a_look(tmp_path: Path) -> None:
    office = Office(folder=tmp_path / "ws")
    office.run("init", str(office.folder), "--org-model", "solo")
    office.raise_draft()
    office.submit()
    office.run("adopt", "charter.yaml", person="sam")
    assert office.json("signoff", "approve", office.revision, person="sam")["state"] == "cleared"
    office.run("release", office.draft, person="sam")
    assert "a look at the author's own yes is due" in office.run("signoff", "show", office.draft)
    office.run("signoff", "review", office.draft, person="sam", code=5)  # not before twelve hours
    office.clock.move(hours=13)
    office.run("signoff", "review", office.draft, person="sam")
    whole(office)
