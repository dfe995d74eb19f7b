"""Whose turn it is, and what a supposed request would meet."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from testkit.errors import InputError
from testkit.signoff import events as ev
from testkit.signoff.model import Sla
from testkit.signoff.simulate import simulate
from testkit.signoff.sla import WorkingCalendar
from testkit.signoff.turns import asks_of, whose_turn
from tests.signoff_world import (
    HIGH,
    LOW,
    OFFICE,
    T0,
    TWO_OF_THREE,
    TWO_STAGES,
    Desk,
    away,
    delegation,
    hours,
    with_delegations,
)


def turn(desk: Desk):
    return whose_turn(desk.state, desk.roster, desk.now)


def test_the_turn_goes_from_approvers_to_author_to_blocker_to_release():
    desk = Desk()
    assert turn(desk).kind == "revise"
    desk.submit()
    assert (turn(desk).kind, turn(desk).people) == ("sign", ("ben", "cho"))
    desk.say("ben", "return")
    assert (turn(desk).kind, turn(desk).people) == ("revise", ("ana",))
    desk.submit()
    desk.say("cho", "block")
    assert (turn(desk).kind, turn(desk).people) == ("lift", ("cho",))
    desk.override()
    assert (turn(desk).kind, turn(desk).people) == ("release", ("ana",))
    desk.release()
    assert (turn(desk).kind, turn(desk).people) == ("review", ("dee",))
    desk.here(ev.Reviewed, "dee", of=("override",))
    assert turn(desk).kind == "nobody"


def test_no_stage_waits_for_an_override_and_changed_facts_for_an_approver():
    desk = Desk(chain=replace(TWO_STAGES, stages=TWO_STAGES.stages[1:]))
    desk.submit(facts=LOW)
    assert (turn(desk).kind, turn(desk).people) == ("unlock", ("eli",))
    held = Desk()
    held.submit()
    held.approve("ben")
    held.here(ev.FactsChanged, "system")
    assert (turn(held).kind, turn(held).people) == ("look", ("ben", "cho"))


def test_the_low_risk_request_never_asks_the_executive():
    desk = Desk()
    desk.submit(facts=LOW)
    assert not {"dee", "eli"} & set(turn(desk).people)


def test_a_delegate_is_asked_and_the_principal_copied():
    desk = Desk(roster=with_delegations(delegation("ben", "hal")))
    desk.submit()
    (ask,) = turn(desk).asks
    assert [(a.person, a.copied) for a in ask.asked] == [("hal", "ben"), ("cho", "")]


def test_somebody_away_is_not_asked_and_a_delegate_who_is_away_hands_on():
    roster = away("ben", roster=with_delegations(delegation("ben", "hal")))
    roster = away("hal", roster=roster)
    desk = Desk(roster=roster)
    desk.submit()
    assert turn(desk).people == ("cho",)


def test_a_stand_in_who_wrote_the_words_is_not_asked_and_the_principal_is():
    desk = Desk(roster=with_delegations(delegation("ben", "ana")))
    desk.submit("ana")
    assert turn(desk).people == ("ben", "cho")


def test_when_nobody_is_left_the_ask_says_why():
    desk = Desk(roster=away("ben"))
    desk.submit("cho")
    (ask,) = turn(desk).asks
    assert ask.asked == ()
    assert ask.problem == "comms_lead is short of 1: Cho wrote or changed the words; Ben away"


def test_who_signed_is_not_asked_again():
    desk = Desk(chain=TWO_OF_THREE)
    desk.submit()
    desk.approve("gus")
    (policy,) = asks_of(desk.state, "expert", OFFICE, T0)
    assert (policy.have, policy.need) == (1, 2)
    assert "gus" not in [a.person for a in policy.asked]


def test_a_distinct_stage_says_when_there_are_too_few_people():
    apart = replace(TWO_OF_THREE.stages[0], distinct=True)
    desk = Desk(chain=replace(TWO_OF_THREE, stages=(apart,)))
    for person in ("ben", "cho"):
        desk.roster = away(person, roster=desk.roster)
    desk.submit()
    assert (
        "too few people for all seats" in asks_of(desk.state, "expert", desk.roster, T0)[-1].problem
    )


# -- simulate ---------------------------------------------------------------------------------


def test_a17_lists_stages_people_and_worst_case_hours():
    low = simulate(TWO_STAGES, OFFICE, LOW, T0, author="ana")
    assert [(p.stage, p.status) for p in low.stages] == [("comms", "asked"), ("exec", "skipped")]
    assert [a.person for a in low.stages[0].asks[0].asked] == ["ben", "cho"]
    assert (low.outcome, low.promised_hours, low.worst_case_hours) == ("clears", 2.0, 6.0)
    assert low.stages[1].because.startswith("risk is high or spend_cents > 500000: no (")


def test_a17_an_open_end_is_none_with_its_reason_unless_the_request_expires():
    high = simulate(TWO_STAGES, OFFICE, HIGH, T0)
    assert (high.promised_hours, high.worst_case_hours) == (None, 12.0)
    assert high.notes == ("stage exec promises no time (`due`)",)
    forever = simulate(replace(TWO_STAGES, expire=None), OFFICE, HIGH, T0)
    assert forever.worst_case_hours is None
    assert "stage exec never expires (`expire`)" in forever.notes


def test_a17_with_people_away_the_way_out_is_named():
    one = simulate(TWO_STAGES, OFFICE, LOW, T0, author="ana", away=("ben",))
    assert [a.person for a in one.stages[0].asks[0].asked] == ["cho"]
    both = simulate(TWO_STAGES, OFFICE, LOW, T0, author="ana", away=("ben", "cho"))
    assert both.outcome == "clears"
    assert both.notes == ("stage comms can pass only after it escalates",)
    all_gone = simulate(TWO_STAGES, OFFICE, LOW, T0, away=("ben", "cho", "eli"))
    assert (all_gone.outcome, all_gone.promised_hours) == ("stuck", None)


def test_a17_no_stage_is_blocked():
    gone = simulate(replace(TWO_STAGES, stages=TWO_STAGES.stages[1:]), OFFICE, LOW, T0)
    assert (gone.outcome, gone.worst_case_hours) == ("blocked", None)


def test_a17_working_hours_are_walked():
    sla = Sla(due=hours(2), expire=hours(4), working=True)
    chain = replace(TWO_STAGES, stages=(replace(TWO_STAGES.stages[0], sla=sla),))
    # 3 November 2026, 14:00 UTC is 15:00 in Paris: two hours are left of that day.
    calendar = WorkingCalendar(zone=ZoneInfo("Europe/Paris"))
    done = simulate(chain, OFFICE, LOW, T0, calendar=calendar)
    assert (done.promised_hours, done.worst_case_hours) == (2.0, 12.0)
    with pytest.raises(InputError, match="calendar"):
        simulate(chain, OFFICE, LOW, T0)
