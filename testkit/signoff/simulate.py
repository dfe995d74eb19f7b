"""What would happen: who is asked with these facts, with these people away, and for how long.

Nothing is recorded; the answer is worked out from a submission that is supposed, by the same fold
that real ones go through.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from testkit.signoff.chain import fold
from testkit.signoff.conditions import evaluate, phrase
from testkit.signoff.events import Escalated, Submitted
from testkit.signoff.model import SYSTEM, Absence
from testkit.signoff.routes import told
from testkit.signoff.sla import moment
from testkit.signoff.turns import Ask, asks_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from testkit.signoff.charter import Charter
    from testkit.signoff.conditions import Condition
    from testkit.signoff.model import ChainDef, RosterView, StageDef
    from testkit.signoff.sla import WorkingCalendar
    from testkit.signoff.state import RequestState

__all__ = ["LanePlan", "Simulation", "StagePlan", "lane_plan", "simulate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """What one stage would do.

    Attributes:
        stage: Its id.
        status: ``asked``, ``checked`` (by machines) or ``skipped``.
        because: The condition and the facts that decide it, in words.
        asks: Whom it asks, group by group.
        due_at: Its promise, when every stage before takes as long as it promises.
        escalate_at: When it would escalate.
        escalate_to: To whom.
        expires_at: When the request would expire here.
        problems: What cannot be filled, in words.
        stuck: It cannot pass, not even after it escalates.
    """

    stage: str
    status: Literal["asked", "checked", "skipped"]
    because: str
    asks: tuple[Ask, ...] = ()
    due_at: datetime | None = None
    escalate_at: datetime | None = None
    escalate_to: tuple[str, ...] = ()
    expires_at: datetime | None = None
    problems: tuple[str, ...] = ()
    stuck: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlan:
    """Whether pre-cleared words could pass these stages by.

    Attributes:
        words: Names of the cleared words that could.
        problems: Why they could not, in words; empty when they could.
        review: Roles of which one looks at it afterwards.
        review_hours: Within how many hours of the release.
    """

    words: tuple[str, ...]
    problems: tuple[str, ...]
    review: tuple[str, ...]
    review_hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The whole way.

    Attributes:
        stages: Every stage, in order.
        outcome: ``clears`` when everybody says yes, ``blocked`` when no stage of people applies,
            ``stuck`` when some stage cannot be filled.
        promised_hours: Elapsed hours until it is cleared when every stage takes as long as it
            promises; None when an asked stage promises nothing.
        worst_case_hours: Elapsed hours after which it is either cleared or expired, whatever
            people do; None when it may wait for ever.
        notes: Why an answer above is None, and other remarks.
    """

    stages: tuple[StagePlan, ...]
    outcome: Literal["clears", "blocked", "stuck"]
    promised_hours: float | None
    worst_case_hours: float | None
    notes: tuple[str, ...] = ()


def lane_plan(
    chain: ChainDef,
    facts: Mapping[str, Any],
    now: datetime,
    *,
    cleared: Collection[str],
    charter: Charter | None = None,
) -> LanePlan | None:
    """Whether words that somebody has cleared could take the fast lane with these facts.

    Args:
        chain: The chain.
        facts: What is stated; what is not is too much for the lane.
        now: The moment.
        cleared: Names of the words that somebody has cleared.
        charter: The charter in force; None in practice mode.
    """
    lane = chain.fast_lane
    if lane is None:
        return None
    problems = list(lane.beyond(facts, chain.levels))
    if charter is not None and not charter.fast_lane:
        problems.append("the charter has no fast lane")
    if lane.valid_until is not None and now >= lane.valid_until:
        problems.append("it is over")
    words = tuple(name for name in lane.templates if name in cleared)
    if not words:
        problems.append(f"nobody has cleared {' or '.join(lane.templates)}")
    return LanePlan(
        words=words,
        problems=tuple(problems),
        review=lane.review.roles,
        review_hours=lane.review.within.total_seconds() / 3600,
    )


def simulate(
    chain: ChainDef,
    roster: RosterView,
    facts: Mapping[str, Any],
    now: datetime,
    *,
    author: str = "",
    away: Sequence[str] = (),
    calendar: WorkingCalendar | None = None,
) -> Simulation:
    """Walk a supposed request through a chain.

    Args:
        chain: The chain.
        roster: The people.
        facts: What conditions are asked of.
        now: When it would be submitted.
        author: Who would write it; nobody in particular if empty.
        away: People to suppose away, beside those who are.
        calendar: The organisation's; needed when a stage counts working hours.

    Raises:
        InputError: A stage counts working hours and no calendar is given.
    """
    absences = tuple(Absence(person=person, starts=now) for person in away)
    roster = replace(roster, absences=(*roster.absences, *absences))
    submitted = Submitted(
        at=now,
        actor=author or "(somebody)",
        request="simulation",
        chain=chain.id,
        chain_version=chain.version,
        revision="r1",
        digest="0" * 64,
        facts=dict(facts),
    )
    state = fold(chain, [submitted])
    plans: list[StagePlan] = []
    promised: datetime | None = now
    latest: datetime | None = now
    notes: list[str] = []
    for stage in chain.stages:
        status = state.stage(stage.id)
        because = _because(chain, stage.when, facts)
        if status is None or status.status == "skipped":
            plans.append(StagePlan(stage=stage.id, status="skipped", because=because))
            continue
        if stage.auto:
            plans.append(StagePlan(stage=stage.id, status="checked", because=because))
            continue
        # Where an earlier stage promises nothing, this one is timed as if it began now.
        start = promised or now
        sla = stage.sla
        due = moment(start, sla.due, sla, calendar)
        escalates = moment(start, sla.escalate_after, sla, calendar) or due
        asks = asks_of(state, stage.id, roster, now)
        problems = tuple(ask.problem for ask in asks if ask.problem)
        plans.append(
            StagePlan(
                stage=stage.id,
                status="asked",
                because=because,
                asks=asks,
                due_at=due,
                escalate_at=escalates if sla.escalate_to else None,
                escalate_to=sla.escalate_to,
                expires_at=moment(start, sla.expire, sla, calendar),
                problems=problems,
                stuck=bool(problems) and not _helped(chain, submitted, stage, roster, now),
            )
        )
        if due is None:
            notes.append(f"stage {stage.id} promises no time (`due`)")
        if sla.expire is None:
            notes.append(f"stage {stage.id} never expires (`expire`)")
        promised = due if promised is not None else None
        latest = moment(latest, sla.expire, sla, calendar) if latest is not None else None
    return _summed(state, plans, now=now, promised=promised, latest=latest, notes=notes)


def _summed(
    state: RequestState,
    plans: Sequence[StagePlan],
    *,
    now: datetime,
    promised: datetime | None,
    latest: datetime | None,
    notes: Sequence[str],
) -> Simulation:
    ends = [latest] if latest is not None else []
    if state.chain.expire is not None:
        ends.append(now + state.chain.expire)
    asked = any(plan.status == "asked" for plan in plans)
    stuck = any(plan.stuck for plan in plans)
    if not asked:
        notes = [*notes, "no stage of people applies: blocked until somebody overrides"]
    for plan in plans:
        if plan.problems and not plan.stuck:
            notes = [*notes, f"stage {plan.stage} can pass only after it escalates"]
    worst = min(ends) if ends and asked else None
    if worst is not None and latest is None:
        # The request's own expiry bounds what the stages leave open.
        notes = [note for note in notes if "never expires" not in note]
    return Simulation(
        stages=tuple(plans),
        outcome="blocked" if not asked else "stuck" if stuck else "clears",
        promised_hours=_hours(promised, now) if asked and not stuck else None,
        worst_case_hours=_hours(worst, now),
        notes=tuple(notes),
    )


def _hours(end: datetime | None, now: datetime) -> float | None:
    return None if end is None else (end - now).total_seconds() / 3600


def _helped(
    chain: ChainDef, submitted: Submitted, stage: StageDef, roster: RosterView, now: datetime
) -> bool:
    """Whether those it escalates to could fill the stage."""
    if not stage.sla.escalate_to:
        return False
    # The escalation is supposed on a chain that has this stage first, so that it is its turn.
    alone = replace(chain, stages=(replace(stage, when=None),))
    event = Escalated(at=now, actor=SYSTEM, stage=stage.id, to=stage.sla.escalate_to)
    state = fold(alone, [submitted, event])
    return not any(ask.problem for ask in asks_of(state, stage.id, roster, now))


def _because(chain: ChainDef, when: Condition | None, facts: Mapping[str, Any]) -> str:
    if when is None:
        return "always"
    found = evaluate(when, facts, chain.levels)
    if found is None:
        return f"{phrase(when)}: not stated, so it is asked"
    stated = told(sorted(facts.items()))
    return f"{phrase(when)}: {'yes' if found else 'no'} ({stated})"
