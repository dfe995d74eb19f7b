"""Rows A1 to A6 of the sign-off design, one acceptance check each, by the name of the row."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from testkit.errors import (
    InputError,
    NotAuthorisedError,
    StaleRevisionError,
    StateError,
)
from testkit.signoff import events as ev
from testkit.signoff.conditions import Compare
from testkit.signoff.model import (
    Decision,
    GroupDef,
    Options,
    StageDef,
)
from testkit.signoff.standins import delegates
from testkit.signoff.table import State, Trigger
from tests.signoff_world import (
    HIGH,
    LOW,
    T0,
    TWO_OF_THREE,
    TWO_STAGES,
    Desk,
    delegation,
    digest_of,
    hours,
    with_delegations,
    words,
)

LEAD_FIVE = replace(TWO_STAGES, options=Options(lead_minutes=5))


# -- A1: stages in order, groups in parallel, k of n ------------------------------------------


def test_a1_any_order_of_valid_decisions_gives_the_same_final_state():
    # policy needs 2 of fay, gus, ben, cho; legal needs gus. All 24 orders of the four.
    found = set()
    for order in permutations(("fay", "gus", "ben", "cho")):
        desk = Desk(chain=TWO_OF_THREE)
        desk.submit()
        for person in order:
            try:
                desk.approve(person)
            except StateError as refusal:
                assert "already decided" in str(refusal)
        found.add((desk.state.state, desk.state.cleared_by))
    assert found == {(State.CLEARED, "chain")}


def test_a1_a_no_among_the_answers_wins_in_every_order():
    found = set()
    for order in permutations((("fay", "approve"), ("gus", "approve"), ("ben", "block"))):
        desk = Desk(chain=TWO_OF_THREE)
        desk.submit()
        for person, decision in order:
            desk.say(person, decision)
        found.add(desk.state.state)
    assert found == {State.BLOCKED}


def test_a1_stages_open_one_after_another():
    desk = Desk()
    desk.submit(facts=HIGH)
    with pytest.raises(StateError, match="stage exec comes after stage comms, which still waits"):
        desk.approve("dee", stage="exec")
    desk.approve("ben")
    assert desk.state.waiting == "exec"
    assert desk.approve("dee").state is State.CLEARED


def test_a1_one_person_counts_once_in_a_group_of_two():
    desk = Desk(chain=TWO_OF_THREE, roster=with_delegations(delegation("gus", "fay")))
    desk.submit()
    desk.approve("fay")
    desk.approve("fay", principal="gus")
    policy, legal = desk.state.stage("expert").groups
    assert (policy.have, legal.have) == (1, 1)
    assert desk.approve("ben").state is State.CLEARED


# -- A2: conditional stages -------------------------------------------------------------------


def test_a2_a_chain_whose_stages_all_skip_is_blocked_never_approved():
    chain = replace(TWO_STAGES, stages=tuple(s for s in TWO_STAGES.stages if s.when is not None))
    desk = Desk(chain=chain)
    state = desk.submit()
    assert (state.state, state.verdict) == (State.BLOCKED, Trigger.NO_STAGE_APPLIES)
    assert [stage.status for stage in state.stages] == ["skipped"]
    with pytest.raises(StateError, match="no stage of the chain applies"):
        desk.release()
    assert desk.override().state is State.CLEARED


def test_a2_whoever_belongs_to_a_skipped_stage_hears_of_that_stage_and_why():
    desk = Desk()
    desk.submit()
    with pytest.raises(StateError) as told:
        desk.approve("dee")
    assert told.value.message == (
        "stage exec does not apply to these facts: it is asked when risk is high or spend_cents"
        " > 500000 (here: risk low, spend_cents 0)"
    )
    with pytest.raises(NotAuthorisedError, match="Hal may not sign stage comms"):
        desk.approve("hal")  # a writer, of no stage


def test_a2_whoever_belongs_to_a_skipped_group_hears_of_that_group_and_why():
    legal = replace(
        TWO_OF_THREE.stages[0].groups[1], when=Compare(fact="risk", op="eq", value="high")
    )
    policy = GroupDef(id="policy", roles=("comms_lead",))
    desk = Desk(chain=replace(TWO_OF_THREE, stages=(StageDef(id="s", groups=(policy, legal)),)))
    desk.submit()
    with pytest.raises(StateError, match=r"legal of stage s does not apply .*\(here: risk low\)"):
        desk.approve("gus")


def test_a2_machines_alone_never_approve():
    checks = StageDef(id="facts", auto=("length_ok",))
    people = replace(TWO_STAGES.stages[1])
    desk = Desk(chain=replace(TWO_STAGES, stages=(checks, people)))
    desk.submit()
    state = desk.here(ev.Checked, "system", stage="facts", passed=("length_ok",))
    assert state.state is State.BLOCKED


def test_a2_an_unmet_condition_skips_the_stage_and_an_unstated_fact_asks():
    desk = Desk()
    assert [s.status for s in desk.submit(facts=LOW).stages] == ["waiting", "skipped"]
    unsure = Desk()
    assert [s.status for s in unsure.submit(facts={}).stages] == ["waiting", "later"]


def test_a2_facts_that_shorten_the_way_void_what_was_said_on_the_long_one():
    desk = Desk()
    desk.submit(facts=HIGH)
    desk.approve("ben")
    state = desk.edit("ana", send="9:30", more={"facts": LOW})
    assert state.state is State.IN_REVIEW
    assert [s.standing for s in state.signoffs] == ["outdated"]
    assert desk.approve("ben").state is State.CLEARED


def test_a2_facts_that_lengthen_the_way_keep_what_was_said():
    desk = Desk()
    desk.submit(facts=LOW)
    assert desk.approve("ben").state is State.CLEARED
    state = desk.edit("ana", send="9:30", more={"facts": HIGH})
    assert (state.state, state.waiting) == (State.IN_REVIEW, "exec")
    assert desk.approve("dee").state is State.CLEARED


# -- A3: identities ---------------------------------------------------------------------------


def test_a3_the_author_cannot_count_even_with_the_role():
    desk = Desk()
    desk.submit("cho")
    with pytest.raises(NotAuthorisedError, match="Cho wrote these words"):
        desk.approve("cho")
    assert desk.approve("ben").state is State.CLEARED


def test_a3_naming_another_author_does_not_free_the_one_who_submits():
    desk = Desk()
    desk.submit("cho", author="ana")
    with pytest.raises(NotAuthorisedError, match="Cho wrote these words"):
        desk.approve("cho")


def test_a3_a_material_editor_cannot_count_and_a_scheduler_can():
    desk = Desk()
    desk.submit()
    desk.edit("cho", send="11:00")
    desk.edit("ben", body="Call before noon.")
    with pytest.raises(NotAuthorisedError, match="Ben changed these words"):
        desk.approve("ben")
    assert desk.approve("cho").state is State.CLEARED


def test_a3_accepting_a_suggestion_does_not_taint_the_suggester():
    # GitLab issue 10441: reviewers whose typo fix was applied became ineligible.
    desk = Desk()
    desk.submit()
    desk.edit("ana", body="Call today.", more={"suggested_by": ("ben",)})
    assert desk.approve("ben").state is State.CLEARED


def test_a3_a_chain_may_count_suggesters_as_authors():
    strict = replace(TWO_STAGES, options=Options(suggester_may_approve=False))
    desk = Desk(chain=strict)
    desk.submit()
    desk.edit("ana", body="Call today.", more={"suggested_by": ("ben",)})
    with pytest.raises(NotAuthorisedError):
        desk.approve("ben")


def test_a3_a_yes_given_before_one_becomes_an_editor_stops_counting():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    desk.edit("ben", body="Call before noon.")
    state = desk.edit("ana", body=words()["body"])  # the words that ben approved are back
    assert state.state is State.IN_REVIEW
    assert [s.standing for s in state.signoffs] == ["barred"]


# -- A4: a sign-off names words ---------------------------------------------------------------


def test_a4_a_schedule_only_change_keeps_approvals():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    state = desk.edit("ana", send="10:00")
    assert (state.state, state.revision) == (State.CLEARED, "r2")
    assert [s.standing for s in state.signoffs] == ["counts"]


def test_a4_a_body_change_voids_and_the_voided_stay_visible():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    state = desk.edit("ana", body="Call twice.")
    assert state.state is State.IN_REVIEW
    (old,) = state.signoffs
    assert (old.standing, old.revision, old.digest) == ("outdated", "r1", digest_of(words()))


def test_a4_a_decision_on_words_that_are_no_longer_current_is_stale():
    desk = Desk()
    desk.submit()
    desk.edit("ana", body="Call twice.")
    with pytest.raises(StaleRevisionError) as caught:
        desk.approve("ben", revision="r1")
    assert (caught.value.revision, caught.value.current) == ("r1", "r2")
    with pytest.raises(StaleRevisionError, match="no revision r9"):
        desk.approve("ben", revision="r9")


def test_a4_a_decision_on_an_older_revision_of_the_same_words_is_taken():
    desk = Desk()
    desk.submit()
    desk.edit("ana", send="10:00")
    assert desk.approve("ben", revision="r1").state is State.CLEARED


def test_a4_undoing_an_edit_brings_its_sign_offs_back():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    desk.edit("ana", body="Call twice.")
    state = desk.edit("ana", body=words()["body"])
    assert state.state is State.CLEARED
    assert [s.standing for s in state.signoffs] == ["counts"]


def test_a4_release_of_other_words_than_the_cleared_ones_is_stale():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    other = ev.Released(at=T0, actor="ana", revision="r1", digest=digest_of(words(body="Hi")))
    with pytest.raises(StaleRevisionError):
        desk.add(other)


# -- A5: decisions ----------------------------------------------------------------------------


def test_a5_approve_with_nits_counts_and_keeps_the_note():
    desk = Desk()
    desk.submit()
    state = desk.say("ben", "approve_with_nits", note="comma in line 2")
    assert state.state is State.CLEARED
    assert state.signoffs[0].said.note == "comma in line 2"


def test_a5_a_return_is_answered_by_a_new_submission():
    desk = Desk()
    desk.submit()
    assert desk.say("ben", "return", note="too long").state is State.RETURNED
    desk.edit("ana", body="Call.")
    assert desk.state.state is State.RETURNED
    state = desk.submit()
    assert (state.state, state.signoffs[0].standing) == (State.IN_REVIEW, "gone")
    assert desk.approve("ben").state is State.CLEARED


def test_a5_only_the_blocker_a_delegate_or_an_override_lifts_a_block():
    desk = Desk()
    desk.submit()
    desk.say("ben", "block")
    desk.edit("ana", body="Call.")
    assert desk.approve("cho").state is State.BLOCKED
    with pytest.raises(StateError, match="nothing to take back"):
        desk.say("dee", "withdraw")
    with pytest.raises(NotAuthorisedError, match="only Ben, their delegate or an override"):
        desk.add(
            ev.Signed(
                at=T0, actor="cho", stage="comms", decision=Decision.WITHDRAW, principal="ben"
            )
        )
    assert desk.say("ben", "withdraw").state is State.CLEARED


def test_a5_a_delegate_lifts_the_block_of_the_one_they_stand_in_for():
    desk = Desk()
    desk.submit()
    desk.say("ben", "block")
    desk.roster = with_delegations(delegation("ben", "hal"))
    assert desk.say("hal", "withdraw").state is State.IN_REVIEW


def test_a5_an_override_lifts_every_block():
    desk = Desk()
    desk.submit()
    desk.say("ben", "block")
    desk.say("cho", "block")
    state = desk.override()
    assert state.state is State.CLEARED
    assert [s.standing for s in state.signoffs] == ["gone", "gone"]


def test_a5_a_blocker_who_then_edits_can_still_clear_their_own_block():
    # GitLab issue 480412: requested changes, then committed, and could never clear again.
    desk = Desk()
    desk.submit()
    desk.say("ben", "block")
    desk.edit("ben", body="Call before noon.")
    with pytest.raises(NotAuthorisedError, match="to lift your own block or return, withdraw it"):
        desk.approve("ben")
    assert desk.say("ben", "withdraw").state is State.IN_REVIEW
    assert desk.approve("cho").state is State.CLEARED


def test_a5_a_late_no_is_heard_until_release():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    assert desk.say("cho", "block").state is State.BLOCKED
    desk.say("cho", "withdraw")
    desk.release()
    with pytest.raises(StateError, match=r"was released by Ana at 3 Nov 2026 14:00 UTC"):
        desk.say("cho", "block")


def test_a5_taking_a_yes_back_reopens_the_stage():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    state = desk.say("ben", "withdraw")
    assert (state.state, state.waiting) == (State.IN_REVIEW, "comms")


def test_a5_the_author_withdraws_the_request_and_an_approver_cannot():
    desk = Desk()
    desk.submit()
    assert desk.say("ana", "withdraw").state is State.WITHDRAWN
    with pytest.raises(StateError, match="withdrawn by Ana"):
        desk.approve("ben")
    other = Desk()
    other.submit()
    with pytest.raises(NotAuthorisedError, match="only Ana can withdraw the request"):
        other.here(ev.Withdrawn, "ben")


# -- A6: delegation ---------------------------------------------------------------------------


def test_a6_the_record_shows_principal_and_delegate():
    desk = Desk(roster=with_delegations(delegation("ben", "hal")))
    desk.submit()
    state = desk.approve("hal")
    (said,) = state.signoffs
    assert (said.principal, said.actor, said.said.path) == ("ben", "hal", ("ben", "hal"))
    assert state.state is State.CLEARED


def test_a6_a_delegation_that_goes_round_raises():
    roster = with_delegations(delegation("ben", "hal"), delegation("hal", "ben"))
    with pytest.raises(InputError, match="Ben -> Hal -> Ben"):
        delegates(roster, "ben", T0)
    desk = Desk(roster=roster)
    desk.submit()
    with pytest.raises(InputError, match="goes round in a circle"):
        desk.approve("hal")
    assert desk.approve("cho").state is State.CLEARED  # the others are not held up


def test_a6_an_expired_window_falls_back_to_the_principal():
    roster = with_delegations(delegation("ben", "hal", ends=T0 + hours(1)))
    desk = Desk(roster=roster)
    desk.submit()
    desk.later(hours(1))
    with pytest.raises(NotAuthorisedError, match="Hal may not sign stage comms"):
        desk.approve("hal")
    assert desk.approve("ben").state is State.CLEARED


def test_a6_the_window_is_read_at_the_decision_not_at_the_submission():
    roster = with_delegations(delegation("ben", "hal", starts=T0 + hours(1)))
    desk = Desk(roster=roster)
    desk.submit()
    with pytest.raises(NotAuthorisedError):
        desk.approve("hal")
    assert desk.later(hours(1)).approve("hal").state is State.CLEARED


def test_a6_three_steps_hold_and_a_fourth_does_not():
    line = [delegation(a, b) for a, b in (("ben", "hal"), ("hal", "fay"), ("fay", "gus"))]
    roster = with_delegations(*line, delegation("gus", "dee"))
    paths = delegates(roster, "ben", T0)
    assert paths[-1] == ("ben", "hal", "fay", "gus")
    assert all(path[-1] != "dee" for path in paths)


def test_a6_a_delegation_limited_to_a_role_does_not_reach_another():
    roster = with_delegations(delegation("gus", "hal", roles=("policy",)))
    desk = Desk(chain=TWO_OF_THREE, roster=roster)
    desk.submit()
    state = desk.approve("hal")
    assert state.signoffs[0].groups == ("policy",)


def test_a6_the_author_cannot_sign_through_a_delegate_nor_as_one():
    desk = Desk(roster=with_delegations(delegation("cho", "hal"), delegation("ben", "cho")))
    desk.submit("cho")
    with pytest.raises(NotAuthorisedError, match="Cho wrote these words"):
        desk.approve("hal")
    with pytest.raises(NotAuthorisedError, match="Cho wrote these words"):
        desk.approve("cho", principal="ben")


def test_a6_the_author_cannot_pass_a_seat_on_to_a_stand_in_of_their_choice():
    # ben -> cho -> hal: cho writes, so hal must not sign for ben by way of cho.
    desk = Desk(roster=with_delegations(delegation("ben", "cho"), delegation("cho", "hal")))
    desk.submit("cho")
    with pytest.raises(NotAuthorisedError, match="Cho wrote these words"):
        desk.approve("hal", principal="ben")
    short = decide_as("hal", principal="ben", path=("ben", "hal"))
    assert desk.refusal(short).code == "unauthorised"  # a made-up shorter path is no way either


def decide_as(person: str, *, principal: str, path: tuple[str, ...]) -> ev.Signed:
    return ev.Signed(
        at=T0,
        actor=person,
        revision="r1",
        digest=digest_of(words()),
        stage="comms",
        decision=Decision.APPROVE,
        principal=principal,
        path=path,
        groups=("comms_lead",),
    )
