"""Rows A7 to A20 of the sign-off design, one acceptance check each, by the name of the row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from testkit.errors import (
    DefinitionError,
    InputError,
    NotAuthorisedError,
    StateError,
)
from testkit.signoff import events as ev
from testkit.signoff.chain import fold
from testkit.signoff.check import check_adoption
from testkit.signoff.lane import ClearedTemplate, SlotRule, enter_lane
from testkit.signoff.model import (
    SYSTEM,
    ChainDef,
    FastLane,
    GroupDef,
    Member,
    Options,
    ReviewRule,
    RosterView,
    StageDef,
)
from testkit.signoff.table import State
from tests.signoff_world import (
    HIGH,
    LOW,
    OFFICE,
    T0,
    TWO_STAGES,
    Desk,
    delegation,
    hours,
    minutes,
    with_delegations,
    words,
)

if TYPE_CHECKING:
    from testkit.signoff.state import RequestState

LEAD_FIVE = replace(TWO_STAGES, options=Options(lead_minutes=5))


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
        desk.approve("eli", stage="comms")
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


def test_a9_facts_that_outgrow_the_lane_take_the_words_out_of_it():
    desk = _lane_desk()
    _enter(desk)
    state = desk.edit("ana", send="9:30", more={"facts": HIGH})
    assert (state.state, state.cleared_by) == (State.IN_REVIEW, "")


def test_a9_words_that_failed_a_check_do_not_take_the_lane():
    desk = _lane_desk()
    desk.chain = replace(LANE, stages=(StageDef(id="checks", auto=("lint",)), *LANE.stages))
    for passed, failed in (((), ("lint",)), (("lint",), ())):
        event = ev.Checked(at=desk.now, actor=SYSTEM, via="system", revision="r1", stage="checks",
                           digest=desk.state.digest, passed=passed, failed=failed)  # fmt: skip
        desk.add(event)
        if failed:
            with pytest.raises(StateError, match="these words failed lint"):
                _enter(desk)
    assert _enter(desk).cleared_by == "lane"


def test_a9_whoever_sent_the_words_through_does_not_look_at_them_afterwards():
    desk = _lane_desk()
    event = enter_lane(
        desk.state, VOTE, slots={"bill": "HR-12"}, words=desk.fields, roster=OFFICE, now=T0,
        actor="ben",
    )  # fmt: skip
    desk.add(event)
    desk.release()
    with pytest.raises(NotAuthorisedError, match="had a hand in it"):
        desk.here(ev.Reviewed, "ben", of=("lane",), outcome="accepted")
    desk.here(ev.Reviewed, "cho", of=("lane",), outcome="accepted")


def test_a9_a_spend_at_the_limit_is_still_in_the_lane():
    assert _enter(_lane_desk(spend_cents=25_000)).cleared_by == "lane"


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
