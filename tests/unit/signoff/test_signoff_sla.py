"""Deadlines: elapsed and working time, clock changes, and what the clock asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from testkit.errors import InputError, StateError
from testkit.signoff import events as ev
from testkit.signoff.model import Sla
from testkit.signoff.sla import (
    WorkingCalendar,
    actions_due,
    add_working,
    deadlines,
    expires_at,
    next_action_at,
)
from tests.signoff_world import T0, TWO_STAGES, Desk, hours, minutes

PARIS = WorkingCalendar(zone=ZoneInfo("Europe/Paris"))
NIGHT = WorkingCalendar(
    zone=ZoneInfo("America/New_York"), hours={6: ((time(0), time(6)),), 0: ((time(9), time(17)),)}
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_working_time_stops_at_five_and_goes_on_at_nine():
    # Thursday 16:00 in Paris plus two working hours is Friday 10:00.
    due = add_working(at("2026-10-22T16:00+02:00"), hours(2), PARIS)
    assert due == at("2026-10-23T10:00+02:00")


def test_a_weekend_with_a_clock_change_keeps_office_hours_on_the_wall():
    # Clocks go back on Sunday 25 October 2026: Friday is UTC+2, Monday UTC+1.
    due = add_working(at("2026-10-23T16:30+02:00"), hours(1), PARIS)
    assert due == at("2026-10-26T09:30+01:00")


@pytest.mark.parametrize(
    ("start", "long", "end"),
    [
        # 8 March 2026: 02:00 to 03:00 does not exist in New York; midnight to six is five hours.
        ("2026-03-08T00:00-05:00", 5, "2026-03-08T06:00-04:00"),
        ("2026-03-08T01:00-05:00", 2, "2026-03-08T04:00-04:00"),
        # 1 November 2026: 01:00 to 02:00 happens twice; midnight to six is seven hours.
        ("2026-11-01T00:00-04:00", 7, "2026-11-01T06:00-05:00"),
        ("2026-11-01T01:30-04:00", 1, "2026-11-01T01:30-05:00"),
    ],
)
def test_a_day_with_a_clock_change_is_as_long_as_it_is(start, long, end):
    assert add_working(at(start), hours(long), NIGHT) == at(end)


def test_a_boundary_that_happens_twice_opens_with_the_first_and_closes_with_the_second():
    twice = WorkingCalendar(
        zone=ZoneInfo("America/New_York"), hours={6: ((time(1, 30), time(1, 45)),)}
    )
    ((opens, closes),) = twice.spans(date(2026, 11, 1))
    assert (opens, closes) == (at("2026-11-01T01:30-04:00"), at("2026-11-01T01:45-05:00"))


def test_a_span_that_the_clock_change_swallows_has_no_time():
    gone = WorkingCalendar(
        zone=ZoneInfo("America/New_York"), hours={6: ((time(2, 15), time(2, 45)),)}
    )
    due = add_working(at("2026-03-08T00:00-05:00"), minutes(10), gone)
    assert due == at("2026-03-15T02:25-04:00")


def test_holidays_and_spans_until_midnight_are_kept():
    late = WorkingCalendar(
        zone=ZoneInfo("Europe/Paris"),
        hours=dict.fromkeys(range(7), ((time(22), time.max),)),
        holidays=frozenset({date(2026, 12, 25)}),
    )
    due = add_working(at("2026-12-24T23:30+01:00"), hours(1), late)
    assert due == at("2026-12-26T22:30+01:00")


def test_zero_working_time_is_the_next_open_moment():
    assert add_working(at("2026-10-24T12:00+02:00"), timedelta(0), PARIS) == at(
        "2026-10-26T09:00+01:00"
    )


def test_a_calendar_without_hours_is_refused_and_so_is_negative_time():
    with pytest.raises(InputError, match="not enough working time"):
        add_working(T0, hours(1), replace(PARIS, hours={}))
    with pytest.raises(InputError, match="negative"):
        add_working(T0, -hours(1), PARIS)


def test_elapsed_time_does_not_care_about_the_clock_change():
    # Submitted half an hour before New York's clocks go back; due two hours later all the same.
    desk = Desk(now=at("2026-11-01T01:30-04:00"))
    desk.submit()
    assert deadlines(desk.state).due_at == at("2026-11-01T02:30-05:00")


WORKING = replace(
    TWO_STAGES,
    expire=None,
    stages=(replace(TWO_STAGES.stages[0], sla=Sla(due=hours(2), expire=hours(8), working=True)),),
)


def test_a_stage_that_counts_working_hours_needs_the_calendar():
    desk = Desk(chain=WORKING)
    desk.submit()
    with pytest.raises(InputError, match="no calendar was given"):
        deadlines(desk.state)


def test_a_stage_on_working_hours_does_not_expire_over_the_weekend():
    friday = at("2026-10-23T16:00+02:00")
    desk = Desk(chain=WORKING, now=friday, calendar=PARIS)
    desk.submit()
    assert deadlines(desk.state, PARIS).due_at == at("2026-10-26T10:00+01:00")
    desk.later(timedelta(days=2))
    assert desk.tick() == []
    desk.now = at("2026-10-26T15:59+01:00")
    assert desk.tick() == ["due"]
    desk.later(minutes(1))
    with pytest.raises(StateError, match="expired"):
        desk.approve("ben")
    assert desk.tick() == ["expire"]


def test_after_a_long_sleep_only_what_still_matters_is_done():
    desk = Desk()
    desk.submit()
    desk.later(hours(3))
    assert desk.tick() == ["due", "escalate"]  # no first reminder after the due one
    slept = Desk()
    slept.submit()
    slept.later(hours(100))
    assert slept.tick() == ["expire"]


def test_the_earliest_end_is_the_one_that_counts():
    desk = Desk(chain=replace(TWO_STAGES, expire=hours(3)))
    desk.submit()
    assert expires_at(desk.state) == (T0 + hours(3), "", "not cleared in time")


def test_the_requests_own_end_counts_from_the_first_submission():
    desk = Desk()
    desk.submit()
    desk.later(hours(5)).say("ben", "return")
    desk.later(hours(6)).submit()
    assert expires_at(desk.state)[0] == T0 + hours(12)


def test_while_the_author_works_no_stage_clock_runs():
    desk = Desk()
    desk.submit()
    desk.later(minutes(10)).say("ben", "return")
    assert desk.state.opened_at is None
    assert desk.later(hours(10)).tick() == []
    desk.submit()
    assert desk.state.opened_at == desk.now


def test_a_clock_event_that_is_not_due_is_refused():
    desk = Desk()
    desk.submit()
    early = ev.Expired(at=desk.now, actor="system", stage="comms")
    assert desk.refusal(early).code == "not_due"
    desk.later(hours(2))
    greedy = ev.Escalated(at=desk.now, actor="system", stage="comms", to=("ana",))
    assert desk.refusal(greedy).code == "input"
    person = ev.Escalated(at=desk.now, actor="ben", stage="comms", to=("digital_director",))
    assert desk.refusal(person).code == "unauthorised"


def test_the_next_look_is_the_next_deadline():
    desk = Desk()
    desk.submit()
    assert next_action_at(desk.state, T0) == T0 + minutes(30)
    assert next_action_at(desk.state, T0 + minutes(31)) == T0 + minutes(31)
    desk.later(minutes(31)).tick()
    assert next_action_at(desk.state, desk.now) == T0 + hours(2)
    desk.approve("ben")
    assert next_action_at(desk.state, desk.now) is None


def test_the_same_question_twice_has_the_same_answer():
    desk = Desk()
    desk.submit()
    moment = T0 + hours(2)
    assert actions_due(desk.state, moment) == actions_due(desk.state, moment)


def test_escalation_may_come_later_than_due():
    sla = Sla(due=hours(1), escalate_to=("digital_director",), escalate_after=hours(2))
    stage = replace(TWO_STAGES.stages[0], sla=sla)
    desk = Desk(chain=replace(TWO_STAGES, stages=(stage,)))
    desk.submit()
    assert desk.later(hours(1)).tick() == ["due"]
    assert desk.later(hours(1)).tick() == ["escalate"]
    assert desk.tick() == []
