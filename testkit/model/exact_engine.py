"""The exact engine at one look: critical counts given the totals, no approximation. Pure.

Intervals live on the odds ratio; the difference of rates is mapped from it and approximate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.errors import StateError
from testkit.model.comparing import increments, side
from testkit.stats.exact import TailPlan, critical_counts_from_z, exact_boundaries
from testkit.stats.exact_inference import stagewise_inference
from testkit.stats.exact_repeated import repeated_inference
from testkit.stats.hypergeometric import Margins
from testkit.stats.spending import spending_by_name
from testkit.stats.walk import CriticalCounts

if TYPE_CHECKING:
    from testkit.model.comparing import Situation
    from testkit.model.look import Comparison, Verdict
    from testkit.model.readings import Reading

__all__ = ["ExactSeen", "exact_comparison"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactSeen:
    """What the exact engine says at a look; see :class:`testkit.model.look.Comparison`."""

    critical: tuple[int | None, int | None]
    bound: float | None
    spent: float
    low: float | None
    high: float | None
    p_value: float | None
    stagewise: dict[str, float] | None
    verdict: Verdict
    method: str
    note: str


def exact_comparison(situation: Situation, reading: Reading, *, information: float) -> ExactSeen:
    """Compare by the exact engine.

    Args:
        situation: Plan, metric, arm, past and waves.
        reading: A reading of a plain proportion.
        information: Information now.
    """
    plan, before = situation.plan, situation.before
    if plan.clock == "speed":
        batches, path = _by_outcomes(before, reading)
    else:
        batches, path = _by_waves(situation)
    planned = situation.planned
    fractions = [min(1.0, c.fraction) for c in before]
    fractions.append(1.0 if situation.final else min(1.0, information / planned))
    tail = TailPlan(
        alpha=plan.comparison_alpha / 2,
        spending=lambda t, alpha: float(spending_by_name(plan.spending)(t, alpha)),
    )
    bounds = exact_boundaries(
        batches,
        fractions=fractions,
        upper=tail,
        lower=tail,
        realised=_realised(before, batches[: len(before)]),
    )
    now = bounds.looks[-1]
    crossed = now.critical.side(path[-1])
    verdict: Verdict = "continue"
    if crossed is not None:
        verdict = side(situation.metric, 1.0 if crossed == "upper" else -1.0)
    elif situation.final or information >= planned:
        verdict = "ended"
    repeated = repeated_inference(bounds, successes_arm=path)
    # Where one side has no limit yet, the other alone is no interval.
    low, high = repeated.difference_interval.low, repeated.difference_interval.high
    after: dict[str, float] | None = None
    note = repeated.note
    if verdict != "continue":
        try:
            found = stagewise_inference(
                bounds,
                successes_arm=path,
                level=1 - plan.comparison_alpha,
                final=situation.final or information >= planned,
            )
        except StateError as cause:  # late rows moved a past look over its bound
            note = cause.message
        else:
            limits = found.difference_interval
            if (
                found.p_value is not None
                and found.difference is not None
                and limits.low is not None
                and limits.high is not None
            ):
                after = {
                    "p_value": found.p_value,
                    "low": limits.low,
                    "high": limits.high,
                    "estimate": found.difference,
                }
            else:
                note = found.note
    return ExactSeen(
        critical=(now.critical.low, now.critical.high),
        bound=None,
        spent=now.spent_low + now.spent_high,
        low=low,
        high=high,
        p_value=min(1.0, 2 * min(repeated.p_upper, repeated.p_lower)),
        stagewise=after,
        verdict=verdict,
        method="exact: counts of the arm given the totals of each wave; difference mapped from the"
        " odds ratio",
        note=note,
    )


def _by_waves(situation: Situation) -> tuple[list[list[Margins]], list[int]]:
    """Margins that each look added, and the arm's running total, by the waves that were read."""
    added = increments(situation.before, situation.past, situation.pairs)
    batches = [
        [
            Margins(
                n_control=t.n_control,
                n_arm=t.n_arm,
                successes=t.successes_control + t.successes_arm,
            )
            for t in tables
        ]
        for tables in added
    ]
    path: list[int] = []
    for tables in added:
        path.append((path[-1] if path else 0) + sum(t.successes_arm for t in tables))
    return batches, path


def _by_outcomes(
    before: list[Comparison], reading: Reading
) -> tuple[list[list[Margins]], list[int]]:
    """One send: each look adds outcomes, drawn as if from all units again.

    That lets a unit do it twice, so the spread is a little too large and the test a little too
    careful; at rates where this engine is used the difference is out of sight.
    """
    totals = [sum(c.events) for c in before] + [sum(reading.events)]
    arms = [c.events[1] for c in before] + [reading.events[1]]
    batches = []
    last = 0
    for total in totals:
        new = max(0, total - last)
        last = max(last, total)
        batches.append([Margins(n_control=reading.units[0], n_arm=reading.units[1], successes=new)])
    return batches, arms


def _realised(before: list[Comparison], batches: list[list[Margins]]) -> tuple[CriticalCounts, ...]:
    """Critical counts of past looks as they were used; a past z bound is turned into counts."""
    if not before:
        return ()
    from_z = critical_counts_from_z(
        batches,
        lower_z=[None if c.bound is None else -c.bound for c in before],
        upper_z=[c.bound for c in before],
        stratified=False,
    )
    return tuple(
        given if c.critical is None else CriticalCounts(low=c.critical[0], high=c.critical[1])
        for c, given in zip(before, from_z, strict=True)
    )
