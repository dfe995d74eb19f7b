"""Clocks: when a stage is reminded, due, escalated and expired, worked out from ``now``.

Nothing here reads a clock. A stage's clock starts when it begins to wait on these words, and
starts again when material words change or the author gives them back. Durations are elapsed
time unless the stage counts working hours; those are walked through the organisation's calendar in
its own zone, so that a day with a clock change is as long as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Literal

from testkit.errors import InputError
from testkit.signoff.events import Escalated, Expired, Reminded
from testkit.signoff.model import SYSTEM
from testkit.signoff.table import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from testkit.signoff.events import Event
    from testkit.signoff.model import Sla
    from testkit.signoff.state import RequestState

__all__ = [
    "WEEKDAYS_NINE_TO_FIVE",
    "Action",
    "Deadlines",
    "WorkingCalendar",
    "actions_due",
    "add_working",
    "deadlines",
    "expires_at",
    "moment",
    "next_action_at",
]

_MAX_DAYS: Final = 3_660

WEEKDAYS_NINE_TO_FIVE: Final[Mapping[int, tuple[tuple[time, time], ...]]] = {
    day: ((time(9), time(17)),) for day in range(5)
}
"""Monday (0) to Friday (4), nine to five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCalendar:
    """When the organisation works.

    Attributes:
        zone: The organisation's zone.
        hours: Weekday (Monday is 0) to spans of local time; a span that ends at midnight ends
            with ``time.max``. A weekday that is not named is free.
        holidays: Free days.
    """

    zone: tzinfo
    hours: Mapping[int, tuple[tuple[time, time], ...]] = field(
        default_factory=lambda: dict(WEEKDAYS_NINE_TO_FIVE)
    )
    holidays: frozenset[date] = frozenset()

    def spans(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The working spans of a local day, in UTC.

        Where a clock change makes a boundary happen twice, the span starts with the first and
        ends with the second; a boundary that the change skips moves into the span.
        """
        if day in self.holidays:
            return ()
        return tuple(
            (self._utc(day, start, fold=0), self._utc(day, end, fold=1))
            for start, end in self.hours.get(day.weekday(), ())
        )

    def _utc(self, day: date, at: time, *, fold: int) -> datetime:
        if at == time.max:
            return self._utc(day + timedelta(days=1), time.min, fold=0)
        return datetime.combine(day, at, tzinfo=self.zone).replace(fold=fold).astimezone(UTC)


def add_working(start: datetime, duration: timedelta, calendar: WorkingCalendar) -> datetime:
    """The moment at which ``duration`` of working time has passed since ``start``.

    Args:
        start: Aware, UTC.
        duration: Working time, at least zero.
        calendar: When the organisation works.

    Returns:
        A moment in UTC, inside or at the end of a working span; for zero, the first working
        moment at or after ``start``.

    Raises:
        InputError: ``duration`` is negative, or ten years of this calendar do not hold it.

    Examples:
        >>> calendar = WorkingCalendar(zone=UTC)
        >>> friday = datetime(2026, 10, 30, 16, 30, tzinfo=UTC)
        >>> add_working(friday, timedelta(hours=1), calendar).isoformat()
        '2026-11-02T09:30:00+00:00'
    """
    if duration < timedelta(0):
        raise InputError("a negative duration", field="duration", value=duration)
    left = duration
    # A span of the local day before may reach into this one in UTC.
    day = start.astimezone(calendar.zone).date() - timedelta(days=1)
    for _ in range(_MAX_DAYS):
        for opens, closes in calendar.spans(day):
            begin = max(opens, start)
            if begin >= closes:
                continue
            if left <= closes - begin:
                return begin + left
            left -= closes - begin
        day += timedelta(days=1)
    raise InputError(
        "this calendar has not enough working time in ten years",
        field="hours",
        value=dict(calendar.hours),
        hint="give at least one weekday working hours",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Every moment that matters for a request now; None where nothing is promised.

    Attributes:
        stage: The waiting stage; empty when none waits.
        remind_at: First reminder.
        due_at: The promise.
        escalate_at: When others may sign as well.
        stage_expires_at: End of the stage.
        request_expires_at: End of the request, when it is not cleared.
        clearance_expires_at: End of a clearance that is not used.
    """

    stage: str = ""
    remind_at: datetime | None = None
    due_at: datetime | None = None
    escalate_at: datetime | None = None
    stage_expires_at: datetime | None = None
    request_expires_at: datetime | None = None
    clearance_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that the clock asks for.

    Attributes:
        kind: What.
        stage: Of which stage; empty for the whole request.
        since: The deadline that passed.
        to: To whom it escalates.
        reason: In words, for expiry.
    """

    kind: Literal["remind", "due", "escalate", "expire"]
    stage: str
    since: datetime
    to: tuple[str, ...] = ()
    reason: str = ""

    def event(self, state: RequestState, now: datetime, *, via: str = "tick") -> Event:
        """The event that records the action."""
        event: Event
        match self.kind:
            case "escalate":
                event = Escalated(at=now, actor=SYSTEM, via=via, stage=self.stage, to=self.to)
            case "expire":
                event = Expired(at=now, actor=SYSTEM, via=via, stage=self.stage, reason=self.reason)
            case level:
                event = Reminded(at=now, actor=SYSTEM, via=via, stage=self.stage, level=level)
        return replace(event, revision=state.revision, digest=state.digest)


def moment(
    start: datetime, after: timedelta | None, sla: Sla, calendar: WorkingCalendar | None
) -> datetime | None:
    """``after`` on the stage's clock, counted from ``start``; None when nothing is promised.

    Raises:
        InputError: The stage counts working hours and no calendar is given.
    """
    if after is None:
        return None
    if not sla.working:
        return start + after
    if calendar is None:
        raise InputError(
            "this stage counts working hours, and no calendar was given",
            field="calendar",
            hint="set the organisation's working hours, or remove `hours: working`",
        )
    return add_working(start, after, calendar)


def deadlines(state: RequestState, calendar: WorkingCalendar | None = None) -> Deadlines:
    """When things fall due for a request as it stands.

    Args:
        state: The request.
        calendar: The organisation's; needed when the waiting stage counts working hours.

    Raises:
        InputError: A stage counts working hours and no calendar is given.
    """
    chain = state.chain
    request_end = clearance_end = None
    if state.state is State.CLEARED:
        if chain.cleared_for is not None and state.cleared_at is not None:
            clearance_end = state.cleared_at + chain.cleared_for
    elif state.submitted_at is not None and chain.expire is not None and _open(state):
        request_end = state.submitted_at + chain.expire
    stage = chain.stage(state.waiting)
    if state.state is not State.IN_REVIEW or stage is None or state.opened_at is None:
        return Deadlines(request_expires_at=request_end, clearance_expires_at=clearance_end)
    sla, start = stage.sla, state.opened_at
    due_at = moment(start, sla.due, sla, calendar)
    escalate_at = moment(start, sla.escalate_after, sla, calendar) or due_at
    return Deadlines(
        stage=stage.id,
        remind_at=moment(start, sla.remind, sla, calendar),
        due_at=due_at,
        escalate_at=escalate_at if sla.escalate_to else None,
        stage_expires_at=moment(start, sla.expire, sla, calendar),
        request_expires_at=request_end,
        clearance_expires_at=clearance_end,
    )


def _open(state: RequestState) -> bool:
    return state.state in (State.IN_REVIEW, State.RETURNED, State.BLOCKED, State.HELD)


def expires_at(
    state: RequestState, calendar: WorkingCalendar | None = None
) -> tuple[datetime, str, str] | None:
    """The moment at which the request expires, whether or not that was recorded yet.

    Returns:
        ``(moment, stage, reason)``, the earliest of stage, request and clearance; stage is empty
        for the latter two. None when nothing expires.
    """
    found = deadlines(state, calendar)
    ends = [
        (found.stage_expires_at, found.stage, f"stage {found.stage} waited too long"),
        (found.request_expires_at, "", "not cleared in time"),
        (found.clearance_expires_at, "", "cleared, but not released in time"),
    ]
    return min(
        ((at, stage, why) for at, stage, why in ends if at is not None),
        key=lambda end: end[0],
        default=None,
    )


def actions_due(
    state: RequestState, now: datetime, calendar: WorkingCalendar | None = None
) -> tuple[Action, ...]:
    """What the clock asks for at ``now`` and was not done yet.

    Asking twice gives the same answer until the actions' events are recorded, and nothing after
    that. After a long sleep a request that should have expired only expires; a missed first
    reminder is not sent after the due one.

    Args:
        state: The request.
        now: The moment.
        calendar: The organisation's, see :func:`deadlines`.
    """
    end = expires_at(state, calendar)
    if end is not None and now >= end[0]:
        return (Action(kind="expire", stage=end[1], since=end[0], reason=end[2]),)
    found = deadlines(state, calendar)
    actions: list[Action] = []
    due = found.due_at is not None and now >= found.due_at
    if due and found.due_at is not None and "due" not in state.reminded:
        actions.append(Action(kind="due", stage=found.stage, since=found.due_at))
    elif not due and found.remind_at is not None and now >= found.remind_at and not state.reminded:
        actions.append(Action(kind="remind", stage=found.stage, since=found.remind_at))
    if found.escalate_at is not None and now >= found.escalate_at and not _escalated(state):
        stage = state.chain.stage(found.stage)
        to = stage.sla.escalate_to if stage else ()
        actions.append(Action(kind="escalate", stage=found.stage, since=found.escalate_at, to=to))
    return tuple(actions)


def _escalated(state: RequestState) -> bool:
    last = state.escalated_at.get(state.waiting)
    # Strictly later: a clock that started again at the moment of an escalation has not escalated.
    return last is not None and state.opened_at is not None and last > state.opened_at


def next_action_at(
    state: RequestState, now: datetime, calendar: WorkingCalendar | None = None
) -> datetime | None:
    """When to look at the request again: ``now`` if something is due, else the next deadline."""
    if actions_due(state, now, calendar):
        return now
    found = deadlines(state, calendar)
    ahead = (
        found.remind_at,
        found.due_at,
        found.escalate_at,
        found.stage_expires_at,
        found.request_expires_at,
        found.clearance_expires_at,
    )
    return min((at for at in ahead if at is not None and at > now), default=None)
