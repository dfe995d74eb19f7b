"""Rows of the acceptance table through the command line, from the first submission to the end.

The pure machine shows them for every history it can think of (tests/property); here each is shown
once as people meet it, with files, names, exit codes and the record.
"""

from __future__ import annotations

import contextlib
import io
import sqlite3
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from tests.web_world import Office, moved_in

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = "chains/rapid-response.yaml"
HEAD = "chain: rapid-response\nmaterial: [channel, audience, arms, spend_cents]\n"
ONE = f"{HEAD}stages:\n  - {{id: comms, from: [comms_lead, deputy_comms]}}\n"

CHARTER = "charter: ours\nsigned_by: [ed]\nmay_say_yes:\n  - {from: [comms_lead, deputy_comms]}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office(folder=tmp_path_factory.mktemp("org") / "ws")
    office.run(
        "init", str(office.folder), "--zone", "America/New_York", "--org-model", "communications"
    )
    office.raise_draft()
    return office


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


def under(office: Office, chain: str) -> Office:
    """The draft before this chain."""
    (office.folder / CHAIN).write_text(chain, "utf-8")
    office.run("adopt", CHAIN)
    office.submit()
    return office


def edited(office: Office, body: str, *, person: str = "sam") -> None:
    office.revision = office.json(
        "draft", "edit", office.draft, "--channel", "email", "--variant", "a", "--body", body,
        person=person,
    )["revision"]  # fmt: skip


def change(office: Office, name: str, before: str, after: str) -> None:
    path = office.folder / name
    text = path.read_text("utf-8")
    assert before in text, before
    path.write_text(text.replace(before, after), "utf-8")


def standings(office: Office) -> list[tuple[str, str]]:
    return [(s["who"], s["standing"]) for s in office.request()["signoffs"]]


def printed(office: Office, *words: str) -> str:
    """What a command says that fails with what it found."""
    import cli

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert cli.run(words, obj=office.app()) != 0
    return out.getvalue()


def whole(office: Office) -> None:
    assert office.json("ledger", "verify")["whole"]


def test_a1_any_order_of_valid_decisions_ends_in_the_same_state(
    made: Office, tmp_path: Path
) -> None:
    chain = (
        f"{HEAD}stages:\n  - id: both\n    all_of:\n"
        "      - {id: comms, need: 2, from: [comms_lead, deputy_comms, digital_director]}\n"
        "      - {id: policy, from: [policy, deputy_policy]}\n"
    )
    first = under(moved_in(made, tmp_path / "first"), chain)
    ends = []
    for number, order in enumerate(permutations(("kim", "alex", "pat"))):
        office = moved_in(first, tmp_path / f"order{number}")
        for person in order:
            assert office.request()["state"] == "in_review"
            nits = ("--nits", "-m", "a comma") if person == "alex" else ()
            office.run("signoff", "approve", office.revision, *nits, person=person)
        # Nobody else is needed, whoever came last.
        office.run("signoff", "approve", office.revision, person="jo", code=3)
        found = office.request()
        said = {(s["who"], s["decision"], s["standing"]) for s in found["signoffs"]}
        ends.append((found["state"], found["cleared_by"], found["stages"], said))
    assert ends[0][0] == "cleared"
    assert all(end == ends[0] for end in ends)


def test_a2_words_for_which_no_stage_applies_are_blocked_not_approved(office: Office) -> None:
    skips = "{id: exec, from: [ed, deputy_ed], when: {risk: high}}"
    way = "override: {from: [digital_director], post_review: {from: [ed]}}"
    under(office, f"{HEAD}stages:\n  - {skips}\n{way}\n")
    found = office.request()
    assert (found["state"], [s["status"] for s in found["stages"]]) == ("blocked", ["skipped"])
    assert "is asked when risk is high" in office.run(
        "signoff", "approve", office.revision, person="rosa", code=3
    )
    assert "no stage of the chain applies" in office.run(
        "release", office.draft, person="sam", code=3
    )
    assert "Jo (digital director) can" in office.run("signoff", "show", office.draft)
    office.run("signoff", "override", office.draft, "-m", "it cannot wait", person="jo")
    assert office.request()["state"] == "cleared"


def test_a3_a_suggestion_that_the_author_takes_over_leaves_its_maker_untainted(
    office: Office,
) -> None:
    under(office, ONE)
    made = office.json("signoff", "comment", office.draft, "--quote", "<today>", "--suggest",
                       "<tonight>", person="kim")  # fmt: skip
    taken = office.json("draft", "accept", office.draft, str(made["number"]), person="sam")
    assert "Call <tonight>." in str(office.json("signoff", "show", office.draft)["fields"])
    office.revision = taken["revision"]
    office.run("signoff", "approve", office.revision, person="sam", code=5)
    office.run("signoff", "approve", office.revision, person="kim")
    assert (office.request()["state"], standings(office)) == ("cleared", [("kim", "counts")])


def test_a4_a_new_moment_keeps_the_yes_and_new_words_void_it_with_their_diff(
    office: Office,
) -> None:
    under(office, ONE)
    office.run("signoff", "approve", office.revision, person="kim")
    before = office.request()
    for moment in ("2026-11-02 18:00", "2026-11-02 19:00"):
        office.run("release", office.draft, "--at", moment, person="sam")
        assert standings(office) == [("kim", "counts")]
    after = office.request()
    assert after["publish_at"] != before["publish_at"]
    assert after["material_digest"] == before["material_digest"]
    edited(office, "Friend,\n\nCall <tomorrow>.")
    after = office.request()
    assert (after["state"], standings(office)) == ("in_review", [("kim", "outdated")])
    assert after["material_digest"] != before["material_digest"]
    told = office.run("signoff", "diff", office.draft, person="kim")
    assert "Call <[-today-]{+tomorrow+}>." in told
    assert "outdated: kim approve" in told
    office.run("release", office.draft, person="sam", code=3)


def test_a5_who_blocked_and_then_edited_can_still_clear_their_own_block(office: Office) -> None:
    # GitLab issue 480412: requested changes, then committed, and could never clear again.
    under(office, ONE)
    office.run("signoff", "block", office.revision, "-m", "the date is wrong", person="kim")
    edited(office, "Friend,\n\nCall <tonight>.", person="kim")
    assert office.request()["state"] == "blocked"
    refused = office.run("signoff", "approve", office.revision, person="kim", code=5)
    assert "to lift your own block or return, withdraw it" in refused
    assert "Alex (deputy comms) can sign" in refused
    office.run("signoff", "withdraw", office.revision, person="kim")
    office.run("signoff", "approve", office.revision, person="alex")
    assert office.request()["state"] == "cleared"
    whole(office)


def test_a8_too_late_before_the_send_is_refused_and_what_expired_is_asked_anew(
    office: Office,
) -> None:
    under(office, f"{ONE}options: {{lead_minutes: 5}}\nexpire: 6h\n")
    office.run("release", office.draft, "--at", "2026-11-02 10:00", person="sam")  # in an hour
    office.clock.move(minutes=59)
    refused = office.run("signoff", "approve", office.revision, person="kim", code=3)
    assert "approvals close 5 minutes before" in refused
    assert "10:00" in refused
    office.run("release", office.draft, "--at", "2026-11-02 14:00", person="sam")
    office.run("signoff", "approve", office.revision, person="kim")
    office.run("signoff", "withdraw", office.revision, person="kim")
    office.run("release", office.draft, "--cancel", person="sam")
    office.clock.move(hours=6)
    office.run("tick")
    assert office.request()["state"] == "expired"
    for words in (("release", office.draft), ("signoff", "approve", office.revision)):
        refused = office.run(*words, person="kim", code=3)
        assert "signoff reopen req_" in refused
    again = office.json("signoff", "reopen", office.draft, person="sam")
    assert (again["state"], again["signoffs"]) == ("in_review", [])
    office.run("signoff", "approve", again["revision"], person="kim")
    office.run("release", office.draft, person="sam")
    whole(office)


def test_a20_a_kill_ends_it_while_people_still_decide(office: Office) -> None:
    under(office, ONE)
    office.run("release", office.draft, "--at", "2026-11-02 10:00", person="sam")
    assert len(office.json("signoff", "inbox", person="kim")) == 1
    office.run("signoff", "kill", office.draft, "-m", "a hoax", person="alex")
    assert office.json("signoff", "inbox", person="kim") == []
    for words in (("signoff", "approve", office.revision), ("release", office.draft)):
        refused = office.run(*words, person="kim", code=3)
        assert "was killed by Alex (deputy comms)" in refused
    office.clock.move(hours=2)
    office.run("tick")
    assert office.json("release", "--list") == []
    assert "signoff.killed" in [r["kind"] for r in office.json("ledger", "show", "-n", "100")]
    whole(office)


def test_a20_with_a_moment_and_an_embargo_it_goes_out_at_the_later_of_both(office: Office) -> None:
    under(office, ONE)
    office.run("release", office.draft, "--at", "2026-11-02 10:00", "--embargo",
               "2026-11-02 11:00", person="sam")  # fmt: skip
    office.run("signoff", "approve", office.revision, person="kim")
    for hours, state in ((1, "cleared"), (1, "released")):
        office.clock.moment += timedelta(hours=hours)
        office.run("tick")
        assert office.request()["state"] == state


# --- people who go, and rows that go


def cleared_under_a_charter(office: Office) -> Office:
    under(office, ONE)
    (office.folder / "charter.yaml").write_text(CHARTER, "utf-8")
    office.run("adopt", "charter.yaml", person="rosa")
    office.run("signoff", "approve", office.revision, person="kim")
    return office


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("roles: [comms_lead]", "roles: [comms_lead], left: 2026-11-02", "left since"),
        ("roles: [comms_lead]", "roles: [digital]", "no longer comms_lead"),
        (
            "  - {id: kim, name: Kim (comms lead), roles: [comms_lead], email: kim@example.org}\n",
            "",
            "left since",
        ),
    ],
    ids=["left", "lost the role", "was taken off the roster"],
)
def test_a_yes_counts_as_it_was_given_and_the_release_says_who_is_gone(
    office: Office, before: str, after: str, said: str
) -> None:
    cleared_under_a_charter(office)
    assert said not in office.run("signoff", "show", office.draft)
    change(office, "people.yaml", before, after)
    office.run("adopt", "people", person="sam")
    office.run("adopt", "people", person="rosa")
    office.clock.move(hours=16)
    assert f"(counts; {said})" in office.run("signoff", "show", office.draft)
    (yes,) = office.request()["signoffs"]
    assert (yes["who"], yes["roles"], yes["standing"]) == ("kim", ["comms_lead"], "counts")
    done = office.run("release", office.draft, person="sam")
    assert f"and counts: {said}" in done
    office.run("draft", "show", office.draft)
    whole(office)


def test_whoever_lost_the_role_before_signing_has_no_yes_to_give(office: Office) -> None:
    under(office, ONE)
    change(office, "people.yaml", "roles: [comms_lead]", "roles: [digital]")
    office.run("adopt", "people")
    office.run("signoff", "approve", office.revision, person="kim", code=5)
    office.run("signoff", "approve", office.revision, person="alex")


def test_a11_what_was_signed_outlives_the_draft_and_its_rows(
    office: Office, tmp_path: Path
) -> None:
    under(office, ONE)
    office.run("signoff", "approve", office.revision, person="kim")
    office.run("release", office.draft, person="sam")
    office.run("draft", "drop", office.draft, person="sam")
    exported = tmp_path / "record.json"
    office.run("signoff", "record", office.draft, "-o", str(exported))
    assert "Call <today>." in exported.read_text("utf-8")
    whole(office)
    request = office.request()["request"]
    rows = office.json("ledger", "show", "-n", "100")
    # By hand, with another program.
    with contextlib.closing(sqlite3.connect(office.folder / "workspace.db")) as conn, conn:
        for table in ("request_event", "revision", "request", "draft"):
            conn.execute(f"DELETE FROM {table}")
    # The ledger has every row that it had, and names each one that is gone.
    assert office.json("ledger", "show", "-n", "100") == rows
    signed = [r for r in rows if r["kind"] == "signoff.approve"]
    assert [(r["subject"], r["actor"]) for r in signed] == [(f"request/{request}", "kim")]
    told = printed(office, "ledger", "verify").splitlines()
    gone = [line for line in told if "LG007" in line and "the row is gone" in line]
    revision = office.revision
    for row in (f"request {request}", f"revision {revision}", f"draft {office.draft}",
                *(f"request_event {request} {n}" for n in (1, 2, 3))):  # fmt: skip
        assert sum(f", {row}: error" in line for line in gone) == 1, row
    # What was exported before holds the words with the digests that were signed.
    office.run("signoff", "record", "--check", str(exported))
