"""Where the time went: waits per stage and per approver role, worked out from the log alone.

Theory of operation. The log is unfolded event by event. A stage of people *waits* from the moment
at which it is its turn on these words until it is answered: it passes, or somebody returns or
blocks. What ends a wait otherwise (an edit, a withdrawal, expiry, an override) cuts it off without
an answer, and so does the present moment. Medians and 90th percentiles are those of the
Kaplan-Meier curve (:mod:`testkit.signoff.survival`). Times are elapsed time, nights included,
because that is what the reader of the news lives in; the promise of a stage that counts working
hours is held against working hours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.signoff.chain import unfold
from testkit.signoff.events import Signed
from testkit.signoff.sla import moment
from testkit.signoff.survival import Quantile, kaplan_meier, quantile
from testkit.signoff.table import UNDER_REVIEW, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from testkit.signoff.events import Event
    from testkit.signoff.model import ChainDef, StageDef
    from testkit.signoff.sla import WorkingCalendar
    from testkit.signoff.state import RequestState

__all__ = [
    "EXECUTIVES",
    "Course",
    "LatencyReport",
    "Phase",
    "Share",
    "Wait",
    "WaitRow",
    "as_data",
    "course_of",
    "latency",
]

EXECUTIVES: Final = ("ed", "deputy_ed")
"""Roles whose yes is an executive's."""

PhaseKind = Literal["waiting", "revision", "objection", "facts", "cleared"]
End = Literal["answered", "cut", "lasting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One wait for people.

    Attributes:
        request: Whose.
        chain: Name of the chain.
        stage: The stage.
        roles: Whom it waits for; empty for the stage as a whole.
        since: From when.
        until: Until when; the present moment while it lasts.
        end: ``answered``, ``cut`` (it ended without an answer), ``lasting``.
        due_at: The stage's promise; None without one.
    """

    request: str
    chain: str
    stage: str
    roles: tuple[str, ...] = ()
    since: datetime
    until: datetime
    end: End
    due_at: datetime | None = None

    @property
    def minutes(self) -> float:
        """How long, in minutes."""
        return max(0.0, (self.until - self.since).total_seconds() / 60)

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept; None while that is open, or nothing was promised."""
        if self.due_at is None:
            return None
        if self.until > self.due_at:
            return False
        return True if self.end == "answered" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of one request's life.

    Attributes:
        kind: ``waiting`` (for people), ``revision`` (returned, or failed checks: the author's
            turn), ``objection`` (blocked), ``facts`` (held until somebody looks), ``cleared``
            (until it goes out).
        stage: The stage that waits; empty otherwise.
        minutes: How long.
    """

    kind: PhaseKind
    stage: str
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What one request's log says about time.

    Attributes:
        request: Its id.
        chain: Name of its chain.
        stages: Waits of stages.
        roles: Waits of the groups inside them.
        phases: Its life, in order.
        risk: The fact ``risk`` as last stated; empty when it was not.
        cleared_by: How it was last cleared: ``chain``, ``override``, ``lane``; empty if never.
        minutes_to_clear: From first submission to last clearance; None if never cleared.
        executive_asked: Whether an executive's stage ever waited.
        executive_signed: Whether an executive's yes was among those that cleared it.
        open: Whether it has not come to its end.
    """

    request: str
    chain: str
    stages: tuple[Wait, ...]
    roles: tuple[Wait, ...]
    phases: tuple[Phase, ...]
    risk: str
    cleared_by: str
    minutes_to_clear: float | None
    executive_asked: bool
    executive_signed: bool
    open: bool


@dataclass(slots=True)
class _Clockwork:
    """The mutable inside of :func:`course_of`."""

    chain: ChainDef
    now: datetime
    calendar: WorkingCalendar | None
    request: str = ""
    stages: list[Wait] = field(default_factory=list)
    roles: list[Wait] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    since: datetime | None = None
    waiting: str = ""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def close(self, until: datetime, end: End, by: Event | None) -> None:
        """End the wait that is under way; of its groups, only those of ``by`` were answered."""
        if self.since is None:
            return
        stage = self.chain.stage(self.waiting)
        assert stage is not None
        for group in list(self.groups):
            answered = isinstance(by, Signed) and group in by.groups and end == "answered"
            self.group(stage, group, until, "answered" if answered else _cut(end))
        self.stages.append(self.wait(stage, (), until, end))
        self.since, self.waiting = None, ""

    def group(
        self,
        stage: StageDef,
        group: str,
        until: datetime,
        end: End,
    ) -> None:
        self.roles.append(self.wait(stage, self.groups.pop(group), until, end))

    def wait(
        self,
        stage: StageDef,
        roles: tuple[str, ...],
        until: datetime,
        end: End,
    ) -> Wait:
        assert self.since is not None
        return Wait(
            request=self.request,
            chain=self.chain.id,
            stage=stage.id,
            roles=roles,
            since=self.since,
            until=until,
            end=end,
            due_at=moment(self.since, stage.sla.due, stage.sla, self.calendar),
        )

    def step(self, event: Event, state: RequestState) -> None:
        """One event, and the state that it led to."""
        self.request = state.request
        stage = self.chain.stage(state.waiting) if state.state is State.IN_REVIEW else None
        status = state.stage(state.waiting) if stage is not None and stage.groups else None
        goes_on = status is not None and self.waiting == status.id and self.since == state.opened_at
        if self.since is not None and not goes_on:
            self.close(event.at, "answered" if self._answers(event, state) else "cut", event)
        if status is None or stage is None:
            return
        if self.since is None:
            self.since, self.waiting = state.opened_at, stage.id
            self.groups = {
                group.id: (*known.roles, *known.people)
                for group in status.groups
                for known in stage.groups
                if known.id == group.id and not group.full
            }
        for group in status.groups:
            if group.full and group.id in self.groups:
                self.group(stage, group.id, event.at, "answered")

    def _answers(self, event: Event, state: RequestState) -> bool:
        if not isinstance(event, Signed) or event.stage != self.waiting:
            return False
        status = state.stage(self.waiting)
        passed = status is not None and status.status == "passed"
        return passed or state.state in (State.RETURNED, State.BLOCKED)


def _cut(end: End) -> End:
    return "cut" if end == "answered" else end


def course_of(
    chain: ChainDef,
    events: Iterable[Event],
    now: datetime,
    *,
    calendar: WorkingCalendar | None = None,
    executives: Sequence[str] = EXECUTIVES,
) -> Course:
    """What one request's log says about time.

    Args:
        chain: The version of the chain that it runs under.
        events: Its log, in order.
        now: Until when a wait that lasts is counted; aware, UTC.
        calendar: Working hours; needed when a stage counts them.
        executives: Roles whose yes is an executive's.

    Raises:
        StateError: The log cannot have happened.
        InputError: A stage counts working hours and there is no calendar.
    """
    work = _Clockwork(chain=chain, now=now, calendar=calendar)
    before: tuple[datetime, RequestState] | None = None
    cleared: RequestState | None = None
    for event, state in unfold(chain, events):
        if before is not None:
            _phase(work, before, event.at)
        work.step(event, state)
        was_clear = before is not None and before[1].state in (State.CLEARED, State.HELD)
        if state.state in (State.CLEARED, State.HELD) and not was_clear:
            cleared = state
        before = (event.at, state)
    if before is not None:
        _phase(work, before, now)
    work.close(now, "lasting", None)
    last = before[1] if before else None
    asked = any(not set(w.roles).isdisjoint(executives) for w in work.roles)
    took = None
    if cleared is not None and cleared.cleared_at and cleared.submitted_at:
        took = (cleared.cleared_at - cleared.submitted_at).total_seconds() / 60
    return Course(
        request=work.request,
        chain=chain.id,
        stages=tuple(work.stages),
        roles=tuple(work.roles),
        phases=tuple(work.phases),
        risk=str(last.facts.get("risk", "")) if last else "",
        cleared_by=cleared.cleared_by if cleared else "",
        minutes_to_clear=took,
        executive_asked=asked,
        executive_signed=cleared is not None and _executive(chain, cleared, executives),
        open=last is not None and last.state in UNDER_REVIEW,
    )


def _executive(chain: ChainDef, state: RequestState, executives: Sequence[str]) -> bool:
    """Whether a yes of an executive's seat is among those that filled the stages."""
    roles = {(s.id, g.id): {*g.roles, *g.people} for s in chain.stages for g in s.groups}
    return any(
        group.by and not roles[stage.id, group.id].isdisjoint(executives)
        for stage in state.stages
        for group in stage.groups
    )


def _phase(work: _Clockwork, before: tuple[datetime, RequestState], until: datetime) -> None:
    since, state = before
    kind, stage = _where(state)
    minutes = max(0.0, (until - since).total_seconds() / 60)
    if kind is None or not minutes:
        return
    last = work.phases[-1] if work.phases else None
    if last is not None and (last.kind, last.stage) == (kind, stage):
        work.phases[-1] = Phase(kind=kind, stage=stage, minutes=last.minutes + minutes)
    else:
        work.phases.append(Phase(kind=kind, stage=stage, minutes=minutes))


def _where(state: RequestState) -> tuple[PhaseKind | None, str]:
    match state.state:
        case State.IN_REVIEW:
            stage = state.chain.stage(state.waiting)
            people = stage is not None and bool(stage.groups)
            return ("waiting", state.waiting) if people else ("revision", "")
        case State.RETURNED:
            return "revision", ""
        case State.BLOCKED:
            return "objection", ""
        case State.HELD:
            return "facts", ""
        case State.CLEARED:
            return "cleared", ""
    return None, ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share with its interval.

    Attributes:
        count: How many.
        of: Out of how many.
        value: The share; None out of nothing.
        low: Lower end of the 95 % Wilson interval; None out of nothing.
        high: Upper end.
    """

    count: int
    of: int
    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def among(cls, flags: Iterable[bool]) -> Share:
        """The share of the true ones."""
        from testkit.stats.intervals import wilson

        listed = list(flags)
        count, of = sum(listed), len(listed)
        if not of:
            return cls(count=0, of=0, value=None, low=None, high=None)
        interval = wilson(successes=count, n=of)
        return cls(count=count, of=of, value=count / of, low=interval.low, high=interval.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitRow:
    """Waits of one kind together.

    Attributes:
        name: The stage, or the roles.
        chain: Name of the chain; empty where several chains are taken together.
        waits: How many.
        answered: Of which so many were answered.
        lasting: And so many still wait.
        median: Minutes until half are answered.
        p90: Minutes until nine in ten are.
        kept: Share of promises kept among those that can be told.
        total: Minutes waited in all, answered or not.
    """

    name: str
    chain: str
    waits: int
    answered: int
    lasting: int
    median: Quantile
    p90: Quantile
    kept: Share
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyReport:
    """Where the time went.

    Attributes:
        as_of: Until when waits that last were counted.
        requests: How many requests the log holds.
        open: Of which so many have not come to their end.
        cleared: Cleared at least once, by what: ``chain``, ``override``, ``lane``.
        stages: One row per chain and stage, in the order of the chain.
        roles: One row per set of roles that was asked.
        spent: ``(kind, stage, minutes)``: total time of all requests in each kind of phase.
        to_clear: Minutes from first submission to clearance.
        executive_asked: Share of all requests for which an executive's stage waited.
        executive_signed: Share of those cleared by the chain with an executive's yes.
    """

    as_of: datetime
    requests: int
    open: int
    cleared: Mapping[str, int]
    stages: tuple[WaitRow, ...]
    roles: tuple[WaitRow, ...]
    spent: tuple[tuple[PhaseKind, str, float], ...]
    to_clear: tuple[Quantile, Quantile]
    executive_asked: Share
    executive_signed: Share


def latency(courses: Sequence[Course], *, as_of: datetime) -> LatencyReport:
    """Put the courses of many requests together.

    Args:
        courses: From :func:`course_of`, all with the same ``now``.
        as_of: That moment.
    """
    stages: dict[tuple[str, str], list[Wait]] = {}
    roles: dict[tuple[str, ...], list[Wait]] = {}
    spent: dict[tuple[PhaseKind, str], float] = {}
    for course in courses:
        for wait in course.stages:
            stages.setdefault((wait.chain, wait.stage), []).append(wait)
        for wait in course.roles:
            roles.setdefault(wait.roles, []).append(wait)
        for phase in course.phases:
            key = (phase.kind, phase.stage)
            spent[key] = spent.get(key, 0.0) + phase.minutes
    ways = [c.cleared_by for c in courses if c.cleared_by]
    life = [
        (c.minutes_to_clear, True)
        if c.minutes_to_clear is not None
        else (sum(p.minutes for p in c.phases), False)
        for c in courses
    ]
    curve = kaplan_meier([t for t, _ in life], [flag for _, flag in life])
    return LatencyReport(
        as_of=as_of,
        requests=len(courses),
        open=sum(c.open for c in courses),
        cleared={way: ways.count(way) for way in sorted(set(ways))},
        stages=tuple(_row(stage, chain, found) for (chain, stage), found in stages.items()),
        roles=tuple(_row(" or ".join(names), "", found) for names, found in sorted(roles.items())),
        spent=tuple((kind, stage, minutes) for (kind, stage), minutes in spent.items()),
        to_clear=(quantile(curve, 0.5), quantile(curve, 0.9)),
        executive_asked=Share.among(c.executive_asked for c in courses),
        executive_signed=Share.among(
            c.executive_signed for c in courses if c.cleared_by == "chain"
        ),
    )


def _row(name: str, chain: str, waits: Sequence[Wait]) -> WaitRow:
    curve = kaplan_meier([w.minutes for w in waits], [w.end == "answered" for w in waits])
    return WaitRow(
        name=name,
        chain=chain,
        waits=len(waits),
        answered=curve.answered,
        lasting=sum(w.end == "lasting" for w in waits),
        median=quantile(curve, 0.5),
        p90=quantile(curve, 0.9),
        kept=Share.among(w.kept for w in waits if w.kept is not None),
        total=sum(w.minutes for w in waits),
    )


def as_data(report: LatencyReport) -> dict[str, Any]:
    """The report as plain values; minutes, rounded to a thousandth."""
    return {
        "as_of": report.as_of.isoformat(),
        "requests": report.requests,
        "open": report.open,
        "cleared": dict(report.cleared),
        "stages": [_row_data(row) for row in report.stages],
        "roles": [_row_data(row) for row in report.roles],
        "spent_minutes": [
            {"what": kind, "stage": stage or None, "minutes": _r(minutes)}
            for kind, stage, minutes in report.spent
        ],
        "to_clear_minutes": {
            "median": _quantile_data(report.to_clear[0]),
            "p90": _quantile_data(report.to_clear[1]),
        },
        "executive_asked": _share_data(report.executive_asked),
        "executive_signed": _share_data(report.executive_signed),
    }


def _r(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _quantile_data(q: Quantile) -> dict[str, float | None]:
    return {"minutes": _r(q.value), "low": _r(q.low), "high": _r(q.high)}


def _share_data(share: Share) -> dict[str, Any]:
    return {
        "count": share.count,
        "of": share.of,
        "share": _r(share.value),
        "low": _r(share.low),
        "high": _r(share.high),
    }


def _row_data(row: WaitRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "chain": row.chain or None,
        "waits": row.waits,
        "answered": row.answered,
        "lasting": row.lasting,
        "median": _quantile_data(row.median),
        "p90": _quantile_data(row.p90),
        "promises_kept": _share_data(row.kept),
        "total_minutes": _r(row.total),
    }
