"""The rows of the sign-off design, one acceptance check each, by the name of the row."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from testkit.errors import (
    DefinitionError,
    InputError,
    KitError,
    NotAuthorisedError,
    StaleRevisionError,
    StateError,
)
from testkit.signoff import events as ev
from testkit.signoff.chain import fold
from testkit.signoff.check import check_adoption
from testkit.signoff.conditions import Compare
from testkit.signoff.lane import ClearedTemplate, SlotRule, enter_lane
from testkit.signoff.model import (
    ChainDef,
    Decision,
    FastLane,
    GroupDef,
    Member,
    Options,
    ReviewRule,
    RosterView,
    StageDef,
)
from testkit.signoff.standins import delegates
from testkit.signoff.table import State, Trigger
from tests.signoff_world import (
    HIGH,
    LOW,
    OFFICE,
    T0,
    TWO_OF_THREE,
    TWO_STAGES,
    Desk,
    delegation,
    digest_of,
    hours,
    minutes,
    with_delegations,
    words,
)

if TYPE_CHECKING:
    from testkit.signoff.state import RequestState

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
                assert "already decided" in str(refusal)  # noqa: PT017 - both outcomes are fine
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


# -- A7: clocks -------------------------------------------------------------------------------


def test_a7_a_fake_clock_drives_remind_due_escalate_expire():
    desk = Desk()
    desk.submit()
    told = []
    for step in (29, 1, 0, 89, 1, 0, 239, 1):
        told.append((desk.later(minutes(step)).now - T0, desk.tick()))
    assert told == [
        (minutes(29), []),
        (minutes(30), ["remind"]),
        (minutes(30), []),
        (minutes(119), []),
        (minutes(120), ["due", "escalate"]),
        (minutes(120), []),
        (minutes(359), []),
        (minutes(360), ["expire"]),
    ]
    assert desk.state.state is State.EXPIRED


def test_a7_those_escalated_to_may_sign_and_nothing_is_approved_by_itself():
    desk = Desk()
    desk.submit()
    with pytest.raises(NotAuthorisedError, match="Eli may not sign stage comms"):
        desk.approve("eli")
    desk.later(hours(2)).tick()
    assert desk.state.state is State.IN_REVIEW
    assert desk.approve("eli").state is State.CLEARED


def test_a7_new_words_start_the_clock_again():
    desk = Desk()
    desk.submit()
    desk.later(minutes(30)).tick()
    desk.edit("ana", body="Call.")
    assert desk.state.opened_at == T0 + minutes(30)
    assert desk.later(minutes(29)).tick() == []
    assert desk.later(minutes(1)).tick() == ["remind"]


def test_a7_a_schedule_change_does_not_start_the_clock_again():
    desk = Desk()
    desk.submit()
    desk.later(minutes(20))
    desk.edit("ana", send="10:00")
    assert desk.state.opened_at == T0


# -- A8: expiry -------------------------------------------------------------------------------


def test_a8_an_expired_request_cannot_go_on_and_reopening_names_a_new_one():
    desk = Desk()
    desk.submit()
    desk.later(hours(6)).tick()
    for step in (lambda: desk.approve("ben"), desk.release, desk.submit, desk.override):
        with pytest.raises(StateError, match="was expired by the clock at 3 Nov 2026 20:00 UTC"):
            step()
    state = desk.here(ev.Reopened, "ana", as_request="rq_2")
    assert (state.state, state.reopened_as) == (State.EXPIRED, "rq_2")
    with pytest.raises(StateError, match="already re-opened as rq_2"):
        desk.here(ev.Reopened, "ana", as_request="rq_3")


def test_a8_time_that_ran_out_counts_before_the_clockwork_recorded_it():
    desk = Desk()
    desk.submit()
    desk.later(hours(6))
    with pytest.raises(StateError, match="expired at 3 Nov 2026 20:00 UTC"):
        desk.approve("ben")


def test_a8_a_clearance_that_is_not_used_expires():
    desk = Desk(chain=replace(TWO_STAGES, cleared_for=hours(24)))
    desk.submit()
    desk.approve("ben")
    desk.later(hours(24))
    with pytest.raises(StateError, match="not released in time"):
        desk.release()
    assert desk.tick() == ["expire"]


def test_a8_approving_one_minute_before_with_lead_five_is_refused_with_the_reason():
    desk = Desk(chain=LEAD_FIVE)
    desk.submit(publish_at=T0 + hours(1))
    desk.later(minutes(59))
    with pytest.raises(StateError) as caught:
        desk.approve("ben")
    assert "planned for 3 Nov 2026 15:00 UTC" in str(caught.value)
    assert "approvals close 5 minutes before" in str(caught.value)
    assert "move the send" in caught.value.hint
    more = {"rescheduled": True, "publish_at": T0 + hours(2)}
    desk.edit("ana", send="later", more=more)
    assert desk.approve("ben").state is State.CLEARED


def test_a8_approving_exactly_at_the_lead_is_in_time():
    desk = Desk(chain=LEAD_FIVE)
    desk.submit(publish_at=T0 + hours(1))
    assert desk.later(minutes(55)).approve("ben").state is State.CLEARED


# -- A9: the fast lane ------------------------------------------------------------------------

VOTE = ClearedTemplate(
    id="vote_result_v3",
    fields={"subject": "The vote is in", "body": "Bill {bill} passed. Thank you."},
    slots={"bill": SlotRule(most=8)},
    free=("spend",),
)
LANE = replace(
    TWO_STAGES,
    fast_lane=FastLane(
        templates=("vote_result_v3",),
        max_risk="low",
        max_spend_cents=25_000,
        valid_until=T0 + hours(24),
        review=ReviewRule(roles=("comms_lead",)),
    ),
)


def _lane_desk(**facts: object) -> Desk:
    fields = words(subject="The vote is in", body="Bill HR-12 passed. Thank you.")
    desk = Desk(chain=LANE, fields=fields)
    desk.submit(facts={**LOW, **facts})
    return desk


def _enter(desk: Desk, bill: str = "HR-12") -> RequestState:
    event = enter_lane(
        desk.state, VOTE, slots={"bill": bill}, words=desk.fields, roster=OFFICE, now=desk.now
    )
    return desk.add(event)


def test_a9_a_filled_template_is_cleared_and_owes_a_review_after_release():
    desk = _lane_desk()
    state = _enter(desk)
    assert (state.state, state.cleared_by) == (State.CLEARED, "lane")
    (debt,) = desk.release().debts
    assert (debt.of, debt.due_at) == ("lane", T0 + hours(24))


def test_a9_changing_one_word_outside_a_slot_leaves_the_lane():
    desk = _lane_desk()
    _enter(desk)
    desk.edit("ana", body="Bill HR-12 failed. Thank you.")
    assert desk.state.state is State.IN_REVIEW
    with pytest.raises(DefinitionError) as caught:
        _enter(desk)
    assert [f.code for f in caught.value.findings] == ["SO203"]
    assert "'failed.' instead of 'passed.'" in str(caught.value)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"risk": "medium"}, "risk is medium"),
        ({"risk": None}, "risk is not stated"),
        ({"spend_cents": 25_001}, "spend_cents is 25001"),
        ({"spend_cents": None}, "spend_cents is not stated"),
    ],
)
def test_a9_the_lane_ends_at_its_risk_and_spend(facts, reason):
    with pytest.raises(StateError, match=reason):
        _enter(_lane_desk(**facts))


def test_a9_the_lane_closes_at_its_date():
    desk = _lane_desk()
    chain = replace(LANE, expire=None, stages=(replace(LANE.stages[0], sla=LANE.stages[1].sla),))
    desk.chain = chain
    with pytest.raises(StateError, match="the lane closed at"):
        _enter(desk.later(hours(24)))


# -- A10: override ----------------------------------------------------------------------------


def test_a10_an_override_needs_role_reason_and_owes_a_review_by_somebody_else():
    desk = Desk()
    desk.submit()
    with pytest.raises(NotAuthorisedError, match="Ben may not override"):
        desk.override("ben")
    with pytest.raises(InputError, match="needs its reason"):
        desk.override("eli", reason=" ")
    state = desk.override("eli")
    assert (state.state, state.cleared_by) == (State.CLEARED, "override")
    (debt,) = state.debts
    assert debt.status(T0 + hours(23)) == "due"
    assert debt.status(T0 + hours(24)) == "overdue"  # red until reviewed
    desk.release()
    with pytest.raises(NotAuthorisedError, match="had a hand in it"):
        desk.here(ev.Reviewed, "eli", of=("override",))
    with pytest.raises(NotAuthorisedError, match="may not do the review"):
        desk.here(ev.Reviewed, "fay", of=("override",))
    desk.later(hours(30))
    state = desk.here(ev.Reviewed, "dee", of=("override",))
    assert state.debts[0].status(desk.now) == "done"


def test_a10_an_override_covers_only_the_words_it_was_given_for():
    desk = Desk()
    desk.submit()
    desk.override()
    state = desk.edit("ana", body="Call.")
    assert state.state is State.IN_REVIEW
    assert [d.of for d in state.debts] == ["override"]  # it happened, so it stays owed


def test_a10_the_power_to_override_is_never_delegated():
    desk = Desk(roster=with_delegations(delegation("eli", "hal")))
    desk.submit()
    with pytest.raises(NotAuthorisedError, match="Hal may not override"):
        desk.override("hal")


# -- A14 (the pure part): the first decision wins ---------------------------------------------


def test_a14_later_ones_are_told_who_was_first_and_when():
    desk = Desk()
    desk.submit()
    desk.later(minutes(5)).approve("ben")
    with pytest.raises(StateError) as caught:
        desk.later(minutes(1)).approve("cho")
    assert "stage comms is already decided by Ben at 3 Nov 2026 14:05 UTC" in str(caught.value)


def test_a14_the_same_click_twice_is_told_apart_from_a_race():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    again = desk.refusal(desk.events[-1])
    assert again is not None
    assert (again.code, again.repeat, again.by, again.at) == ("already_decided", True, "ben", T0)
    desk.release()
    assert desk.refusal(desk.events[1]).repeat  # a replayed link, hours later


# -- A19: rules do not change mid-flight ------------------------------------------------------


def test_a19_a_request_keeps_the_chain_version_it_was_submitted_under():
    desk = Desk()
    desk.submit()
    with pytest.raises(StateError, match="submitted under chain rapid-response 'v1'"):
        fold(replace(TWO_STAGES, version="v2", stages=TWO_STAGES.stages[1:]), desk.events)


def test_a19_a_submission_must_name_the_version_in_force():
    desk = Desk()
    with pytest.raises(InputError, match="'v1' is in force"):
        desk.submit(chain_version="v0")


GOVERNANCE = ChainDef(
    id="governance",
    version="g1",
    material=("text",),
    options=Options(different_role=True),
    stages=(StageDef(id="second-role", groups=(GroupDef(id="any", roles=("ed", "comms_lead")),)),),
)


def test_a19_a_change_of_the_rules_needs_a_role_that_the_proposer_does_not_hold():
    desk = Desk(chain=GOVERNANCE)
    desk.submit("ben")
    with pytest.raises(NotAuthorisedError):
        desk.approve("cho")  # comms_lead, like ben
    assert desk.approve("dee").state is State.CLEARED


def test_a19_an_adoption_after_which_nobody_could_change_the_rules_is_an_error():
    alone = RosterView(members=(Member(id="ben", roles=frozenset({"comms_lead"})),))
    assert [f.code for f in check_adoption(GOVERNANCE, alone, T0)] == ["SO011"]
    assert check_adoption(GOVERNANCE, OFFICE, T0) == ()


# -- A20: embargo, schedule, and after the release --------------------------------------------


def test_a20_release_waits_for_the_later_of_embargo_and_schedule():
    desk = Desk()
    desk.submit(publish_at=T0 + hours(1), embargo_until=T0 + hours(2))
    assert desk.state.release_at == T0 + hours(2)
    desk.approve("ben")
    with pytest.raises(StateError, match="under embargo until 3 Nov 2026 16:00 UTC"):
        desk.later(hours(1)).release()
    assert desk.later(hours(1)).release().state is State.RELEASED


def test_a20_kill_works_while_the_approval_queue_is_open():
    desk = Desk()
    desk.submit()
    assert desk.here(ev.Killed, "ben", reason="hoax").state is State.KILLED
    with pytest.raises(StateError, match="killed by Ben"):
        desk.approve("cho")
    with pytest.raises(StateError, match="never went out"):
        desk.here(ev.Recalled, "ben", reason="hoax")


def test_a20_correct_then_kill_then_recall_are_each_recorded():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    desk.release()
    assert desk.here(ev.Corrected, "ana", by="rq_2").state is State.CORRECTED
    assert desk.here(ev.Killed, "ben", reason="wrong number").state is State.KILLED
    assert desk.here(ev.Recalled, "ben", reason="wrong number").state is State.RECALLED
    assert [e.kind for e in desk.events[-4:]] == ["released", "corrected", "killed", "recalled"]


def test_a20_a_stop_needs_a_reason_and_a_hand_in_it():
    desk = Desk()
    desk.submit()
    with pytest.raises(NotAuthorisedError, match="Hal may not stop this"):
        desk.here(ev.Killed, "hal", reason="no")
    with pytest.raises(InputError, match="say why"):
        desk.here(ev.Killed, "ben", reason="")


# -- settled ----------------------------------------------------------------------------------

SOLO = ChainDef(
    id="solo",
    version="s1",
    material=("body",),
    options=Options(author_may_approve=True, editor_may_approve=True),
    stages=(StageDef(id="yes", groups=(GroupDef(id="staff", roles=("writer",)),)),),
    post_review=ReviewRule(roles=("writer",), self_after=hours(12)),
)


def test_solo_releases_on_the_authors_own_yes_and_owes_a_review_until_done():
    desk = Desk(chain=SOLO)
    desk.submit()
    desk.approve("ana")
    (debt,) = desk.release().debts
    assert (debt.of, debt.hands, debt.due_at) == ("own", ("ana",), T0 + hours(24))
    with pytest.raises(NotAuthorisedError, match="may look again themselves from"):
        desk.here(ev.Reviewed, "ana", of=("own",))
    desk.later(hours(12))
    assert desk.here(ev.Reviewed, "ana", of=("own",)).debts[0].outcome == "accepted"


def test_solo_owes_nothing_when_the_other_one_signed():
    desk = Desk(chain=SOLO)
    desk.submit("ana")
    desk.approve("hal")
    assert desk.release().debts == ()


def test_facts_changed_since_approval_hold_the_release_until_an_approver_looked():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    assert desk.here(ev.FactsChanged, "system", reason="story rewritten").state is State.HELD
    with pytest.raises(StateError, match="facts changed since approval"):
        desk.release()
    with pytest.raises(NotAuthorisedError):
        desk.here(ev.FactsChecked, "ana")
    assert desk.here(ev.FactsChecked, "cho").state is State.CLEARED


def test_facts_changed_during_review_hold_it_once_everybody_signed():
    desk = Desk()
    desk.submit()
    desk.here(ev.FactsChanged, "system")
    assert desk.approve("ben").state is State.HELD


def test_every_refusal_says_what_to_do():
    desk = Desk()
    desk.submit()
    tries = (
        lambda: desk.approve("ana"),
        lambda: desk.approve("zed"),
        desk.release,
        desk.submit,
        lambda: desk.approve("ben", revision="r9"),
        lambda: desk.override("ben"),
        lambda: desk.later(-hours(2)).approve("ben"),
    )
    for step in tries:
        with pytest.raises(KitError) as caught:
            step()
        assert caught.value.hint, str(caught.value)


def test_a_clock_that_goes_back_is_refused_and_a_little_skew_is_not():
    desk = Desk()
    desk.submit()
    desk.later(-minutes(5))
    assert desk.approve("ben").state is State.CLEARED
    desk.later(-minutes(1))
    with pytest.raises(StateError, match="the clock says"):
        desk.release()


def test_a_person_who_left_is_told_so_and_their_old_sign_off_stands():
    desk = Desk()
    desk.submit(facts=HIGH)
    desk.approve("ben")
    gone = tuple(
        replace(m, left=T0 + hours(1)) if m.id in ("ben", "dee") else m for m in OFFICE.members
    )
    desk.roster = replace(OFFICE, members=gone)
    desk.later(hours(1))
    with pytest.raises(NotAuthorisedError, match=r"Dee left at 3 Nov 2026 15:00 UTC"):
        desk.approve("dee")
    assert desk.approve("eli").state is State.CLEARED


def test_a_stage_may_ask_for_a_proof_of_identity():
    strict = replace(TWO_STAGES, stages=(replace(TWO_STAGES.stages[0], min_auth="session"),))
    desk = Desk(chain=strict)
    desk.submit()
    with pytest.raises(NotAuthorisedError, match="asks for session, and this came with link"):
        desk.approve("ben", auth="link")
    assert desk.approve("ben", auth="session").state is State.CLEARED


def test_nothing_in_the_room_reads_a_clock_a_file_or_chance():
    import testkit.signoff

    room = Path(testkit.signoff.__file__).parent
    banned = r"utc_now|datetime\.now|\btime\.time\(|import random|(?<![\w.])open\(|sqlite"
    found = {
        (path.name, word)
        for path in room.glob("*.py")
        if path.name not in {"store.py", "service.py"}  # the thin edge of the room
        for word in re.findall(banned, path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_a_condition_on_a_group_asks_it_only_when_it_matters():
    chain = replace(
        TWO_STAGES,
        stages=(
            StageDef(
                id="expert",
                groups=(
                    GroupDef(id="policy", roles=("policy",)),
                    GroupDef(
                        id="legal",
                        roles=("legal",),
                        when=Compare(fact="names_candidate", op="eq", value=True),
                    ),
                ),
            ),
        ),
    )
    plain, named = Desk(chain=chain), Desk(chain=chain)
    assert [g.id for g in plain.submit(facts=LOW).stage("expert").groups] == ["policy"]
    state = named.submit(facts={**LOW, "names_candidate": True})
    assert [g.id for g in state.stage("expert").groups] == ["policy", "legal"]


def test_replacing_a_roster_leaves_the_old_one_as_it_was():
    gone = replace(OFFICE, members=(replace(OFFICE.members[0], name="Anna"),))
    assert (gone.name("ana"), OFFICE.name("ana")) == ("Anna", "Ana")


def test_a_yes_that_stopped_counting_is_not_taken_for_a_second_click():
    desk = Desk()
    desk.submit()
    desk.approve("ben")
    desk.edit("ben", body="Call before noon.")
    desk.edit("ana", body=words()["body"])
    with pytest.raises(NotAuthorisedError, match="Ben changed these words"):
        desk.approve("ben")


def test_a9_facts_that_outgrow_the_lane_take_the_words_out_of_it():
    desk = _lane_desk()
    _enter(desk)
    state = desk.edit("ana", send="9:30", more={"facts": HIGH})
    assert (state.state, state.cleared_by) == (State.IN_REVIEW, "")


def test_lifting_a_block_asks_for_the_same_proof_as_signing_and_a_yes_is_taken_back_without():
    strict = replace(TWO_STAGES, stages=(replace(TWO_STAGES.stages[0], min_auth="link"),))
    desk = Desk(chain=strict)
    desk.submit()
    desk.say("ben", "block", auth="link")
    with pytest.raises(NotAuthorisedError, match="asks for link, and this came with none"):
        desk.say("ben", "withdraw")
    desk.say("ben", "withdraw", auth="link")
    desk.approve("ben", auth="link")
    assert desk.say("ben", "withdraw").state is State.IN_REVIEW


def test_looking_at_changed_facts_asks_for_the_proof_of_a_stage():
    strict = replace(TWO_STAGES, stages=(replace(TWO_STAGES.stages[0], min_auth="link"),))
    desk = Desk(chain=strict)
    desk.submit()
    desk.approve("ben", auth="link")
    desk.here(ev.FactsChanged, "system")
    with pytest.raises(NotAuthorisedError, match="asks for link"):
        desk.here(ev.FactsChecked, "cho")
    assert desk.here(ev.FactsChecked, "cho", auth="link").state is State.CLEARED


def test_the_record_of_a_lifted_block_shows_the_whole_path():
    desk = Desk(roster=with_delegations(delegation("ben", "hal"), delegation("hal", "fay")))
    desk.submit()
    desk.say("ben", "block")
    desk.say("fay", "withdraw")
    said = desk.state.signoffs[-1].said
    assert (said.seat, said.path) == ("ben", ("ben", "hal", "fay"))
