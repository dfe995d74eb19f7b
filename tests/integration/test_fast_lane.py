"""The fast lane as people use it: clear words once, send them without asking, leave by one word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web_world import Office, moved_in

if TYPE_CHECKING:
    from pathlib import Path

WORDS = "lanes/vote-thanks.yaml"
LANE = ("--lane", "vote-thanks", "--slot", "bill=HR 12", "--slot", "yes=218", "--slot", "no=210")
BODY = "We won! HR 12 passed, {yes} to 210. You made the calls. {last} Reply STOP to end"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office(folder=tmp_path_factory.mktemp("org") / "ws")
    office.run("init", str(office.folder), "--org-model", "communications")
    office.raise_draft()
    return office


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


def edit(office: Office, name: str, before: str, after: str) -> None:
    path = office.folder / name
    text = path.read_text("utf-8")
    assert before in text, before
    path.write_text(text.replace(before, after), "utf-8")


def clear(office: Office) -> None:
    office.run("adopt", WORDS, person="kim")


def sent(office: Office) -> dict:
    clear(office)
    known = ("--no-candidate", "--known-position")
    return office.json("draft", "submit", office.draft, *known, *LANE, person="sam")


def reworded(office: Office, *, yes: str = "218", last: str = "Thank you.") -> str:
    return office.run(
        "draft", "edit", office.draft, "--channel", "sms", "--variant", "a",
        "--body", BODY.format(yes=yes, last=last), person="sam",
    )  # fmt: skip


def kinds(office: Office) -> list[str]:
    return [row["kind"] for row in office.json("ledger", "show", "-n", "500")]


def state(office: Office) -> dict:
    return office.json("signoff", "show", office.draft)


# --- clearing words


def test_words_are_cleared_by_the_roles_that_the_chain_names(office: Office):
    refused = office.run("adopt", WORDS, person="rosa", code=5)
    assert "a lane is signed by comms_lead or deputy_comms" in refused
    clear(office)
    assert kinds(office)[-1] == "lane.adopted"
    assert office.json("signoff", "check", WORDS)["ok"]


def test_outside_practice_mode_clearing_words_takes_two_roles(office: Office):
    office.run("adopt", "charter.yaml", person="rosa")
    assert "waits" in office.run("adopt", WORDS, person="kim")
    assert "no cleared words" in office.run(
        "draft", "submit", office.draft, *LANE, person="sam", code=4
    )
    office.run("adopt", WORDS, person="kim", code=5)
    office.run("adopt", WORDS, person="rosa")
    assert kinds(office)[-2:] == ["lane.proposed", "lane.adopted"]


def test_a_file_and_its_words_have_one_name_and_a_chain_that_takes_them(office: Office):
    edit(office, WORDS, "lane: vote-thanks", "lane: thanks")
    assert "the file is called vote-thanks" in office.run("adopt", WORDS, person="kim", code=2)
    path = office.folder / WORDS
    path.rename(path.with_name("thanks.yaml"))
    refused = office.run("adopt", "lanes/thanks.yaml", person="kim", code=2)
    assert "no chain's fast lane takes thanks" in refused


def test_check_and_simulate_say_whether_the_lane_is_open(office: Office):
    known = ("--fact", "risk=low", "--fact", "spend_cents=0")
    findings = office.json("signoff", "check")["findings"]
    assert [f["code"] for f in findings] == ["SO018"]
    lane = office.json("signoff", "simulate", *known)["fast_lane"]
    assert lane["problems"] == ["nobody has cleared vote-thanks"]
    clear(office)
    assert office.json("signoff", "check")["findings"] == []
    lane = office.json("signoff", "simulate", *known)["fast_lane"]
    assert (lane["words"], lane["problems"], lane["review_hours"]) == (["vote-thanks"], [], 24)
    lane = office.json("signoff", "simulate", "--fact", "risk=high")["fast_lane"]
    assert len(lane["problems"]) == 2  # too risky, and nobody said what is spent
    office.run("adopt", "charter.yaml", person="rosa")
    lane = office.json("signoff", "simulate", *known)["fast_lane"]
    assert lane["problems"] == ["the charter has no fast lane"]


# --- taking it


def test_cleared_words_go_out_unasked_and_owe_a_look_by_somebody_else_within_a_day(office: Office):
    done = sent(office)
    assert (done["state"], done["cleared_by"]) == ("cleared", "lane")
    assert list(done["fields"]["arms"]) == ["sms"]  # the channels that both have
    shown = office.run("signoff", "show", office.draft)
    assert "comms: not asked" in shown
    assert "a look is due within 24 hours: Kim (comms lead) or Alex" in shown
    office.run("release", office.draft, person="sam")
    (debt,) = state(office)["debts"]
    assert (debt["of"], debt["due_at"][:13]) == ("lane", "2026-11-03T14")
    assert "had a hand in it" in office.run("signoff", "review", office.draft, person="sam", code=5)
    office.clock.move(hours=25)
    assert "a look at the fast lane is OVERDUE" in office.run("signoff", "show", office.draft)
    office.run("signoff", "review", office.draft, person="kim")
    assert state(office)["debts"][0]["done_by"] == "kim"
    assert "signoff.lane_entered" in kinds(office)
    assert office.json("ledger", "verify")["whole"]


def test_whoever_sent_words_through_the_lane_does_not_look_at_them_afterwards(office: Office):
    sent(office)
    reworded(office, yes="219")
    office.run("signoff", "lane", office.draft, person="kim")
    assert "Kim" not in office.run("signoff", "show", office.draft)
    office.run("release", office.draft, person="sam")
    office.run("signoff", "review", office.draft, person="kim", code=5)
    office.run("signoff", "review", office.draft, person="alex")


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (("--risk", "high"), 3, "risk is high, and the lane ends at medium"),
        (("--spend", "1"), 3, "spend_cents is 1, and the lane ends at 0"),
        (("--slot", "yes=a landslide"), 2, "slots.yes: error SO202"),
        (("--slot", "yes"), 2, "'yes' is not NAME=TEXT"),
        (("--slot", "more=1"), 2, "'more' is not a slot"),
    ],
)
def test_a_lane_that_is_refused_changes_nothing(office: Office, more, code, told):
    clear(office)
    before = (office.json("draft", "show", office.draft)["content"], kinds(office))
    refused = office.run("draft", "submit", office.draft, *LANE, *more, person="sam", code=code)
    assert told in refused
    assert (office.json("draft", "show", office.draft)["content"], kinds(office)) == before


def test_the_charter_has_to_allow_the_lane(office: Office):
    clear(office)
    office.run("adopt", "charter.yaml", person="rosa")
    refused = office.run("draft", "submit", office.draft, *LANE, person="sam", code=5)
    assert "the charter has no fast lane" in refused
    edit(office, "charter.yaml", "# fast_lane: true", "fast_lane: true")
    office.run("adopt", "charter.yaml", person="kim")
    office.run("adopt", "charter.yaml", person="rosa")
    office.run("draft", "submit", office.draft, *LANE, person="sam")
    assert state(office)["cleared_by"] == "lane"


# --- leaving it


def test_one_word_outside_a_slot_leaves_the_lane_and_is_named(office: Office):
    sent(office)
    told = reworded(office, last="Thank everyone.")
    where = "sms/a/body: 'everyone.' instead of 'you.' is word 14"
    assert f"left the fast lane: {where}" in told
    assert "now asked: Kim (comms lead), Alex (deputy comms)" in told
    assert (state(office)["state"], state(office)["waiting"]) == ("in_review", "comms")
    refused = office.run("signoff", "lane", office.draft, person="sam", code=2)
    assert "sms/a/body: error SO203: 'everyone.' instead of 'you.'" in refused
    office.run("release", office.draft, person="sam", code=3)
    office.run("signoff", "approve", state(office)["revision"], person="kim")  # the ordinary way


def test_another_slot_leaves_the_lane_until_it_is_sent_again_and_reads_its_slots_itself(
    office: Office,
):
    sent(office)
    assert "it still fits: whistlestop signoff lane req_" in reworded(office, yes="219")
    dry = office.json("signoff", "lane", office.draft, "--dry-run", person="sam")
    assert (dry["recorded"], dry["state"]) == (False, "in_review")
    done = office.json("signoff", "lane", office.draft, person="sam")
    assert (done["recorded"], done["state"]) == (True, "cleared")
    assert "left the fast lane" not in office.run("signoff", "show", office.draft)


def test_a_draft_before_the_chain_takes_the_lane_by_its_own_command(office: Office):
    office.submit()
    clear(office)
    refused = office.run("draft", "submit", office.draft, *LANE, person="sam", code=3)
    assert "signoff lane req_" in refused
    refused = office.run("signoff", "lane", office.draft, person="sam", code=2)
    assert "email/a/body: error SO204: the words of vote-thanks do not cover it" in refused


def test_words_that_were_taken_back_need_the_stages_again(office: Office):
    sent(office)
    reason = ("-m", "the law has changed")
    office.run("signoff", "lane-close", "vote-thanks", *reason, person="sam", code=5)
    office.run("signoff", "lane-close", "vote-thanks", "-m", " ", person="kim", code=2)
    office.run("signoff", "lane-close", "other", *reason, person="kim", code=4)
    office.run("signoff", "lane-close", "vote-thanks", *reason, "--dry-run", person="kim")
    assert kinds(office)[-1] == "signoff.lane_entered"
    office.run("signoff", "lane-close", "vote-thanks", *reason, person="kim")
    assert kinds(office)[-1] == "lane.revoked"
    assert state(office)["state"] == "cleared"  # what went through before stays
    assert "vote-thanks is not cleared any more" in reworded(office, yes="219")
    refused = office.run("signoff", "lane", office.draft, person="sam", code=3)
    assert "comms_lead or deputy_comms can clear vote-thanks" in refused
    clear(office)
    office.run("signoff", "lane", office.draft, person="sam")
    assert office.json("ledger", "verify")["whole"]


def test_cleared_words_end_with_their_last_day(office: Office):
    edit(office, WORDS, "# valid_until: 2027-06-30", "valid_until: 2026-11-03")
    clear(office)
    office.clock.move(hours=33, minutes=59)  # 23:59 on that day
    office.run("draft", "submit", office.draft, *LANE, person="sam")
    office.clock.move(minutes=1)
    assert "not cleared any more" in reworded(office, yes="219")
