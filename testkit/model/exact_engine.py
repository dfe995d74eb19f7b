"""The exact engine at one look: critical counts given the totals, no approximation. Pure.

Intervals live on the odds ratio; the difference of rates is mapped from it and approximate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.model.situation import added_by_looks, side
from testkit.stats.exact_look import PastLook, exact_look
from testkit.stats.spending import spending_by_name
from testkit.stats.walk import CriticalCounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.look import Comparison, Verdict
    from testkit.model.situation import Situation
    from testkit.stats.counts import TwoByTwo

__all__ = ["ExactSeen", "exact_comparison", "tie_sentence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactSeen:
    """What the exact engine says at a look; see :class:`testkit.model.look.Comparison`."""

    critical: tuple[int | None, int | None]
    critical_before: tuple[int | None, int | None] | None
    spent: float
    low: float | None
    high: float | None
    p_value: float
    stagewise: dict[str, float] | None
    verdict: Verdict
    method: str
    note: str


def exact_comparison(situation: Situation) -> ExactSeen:
    """Compare a plain proportion by the exact engine; past z looks enter with their bounds."""
    plan = situation.plan
    *earlier, added = added_by_looks(situation)
    found = exact_look(
        past=[_past(c, tables) for c, tables in zip(situation.before, earlier, strict=True)],
        added=added,
        planned_information=situation.planned,
        alpha=plan.comparison_alpha,
        spending=spending_by_name(plan.spending),
        final=situation.final,
    )
    verdict: Verdict = "continue"
    if found.crossed is not None:
        verdict = side(situation.metric, 1.0 if found.crossed == "upper" else -1.0)
    elif found.final:
        verdict = "ended"
    after: dict[str, float] | None = None
    note = found.repeated.note
    if found.crossed_before is not None:
        note = f"late rows moved look {found.crossed_before} over its bound"
    elif found.stagewise is not None:
        ended, limits = found.stagewise, found.stagewise.difference_interval
        values = (ended.p_value, limits.low, limits.high, ended.difference)
        if all(value is not None for value in values):
            names = ("p_value", "low", "high", "estimate")
            after = {n: float(v or 0.0) for n, v in zip(names, values, strict=True)}
        note = ended.note
    critical = found.critical
    ties = (critical.low_before, critical.high_before)
    before = sum(table.successes_arm for tables in earlier for table in tables)
    tie = tie_sentence(critical, found.successes_arm, before=before)
    limits = found.repeated.difference_interval
    return ExactSeen(
        critical=(critical.low, critical.high),
        critical_before=None if ties == (None, None) else ties,
        spent=found.spent,
        low=limits.low,
        high=limits.high,
        p_value=found.p_sequential,
        stagewise=after,
        verdict=verdict,
        method=(
            "exact: counts of the arm given the totals of each wave; the difference is mapped from"
            " the odds ratio"
        ),
        note="; ".join(part for part in (tie, note) if part),
    )


def tie_sentence(critical: CriticalCounts, count: int, *, before: int) -> str:
    """What the look before says where a count is one away from a bound; empty when nothing.

    Args:
        critical: Critical counts of the look.
        count: Successes of the arm at this look.
        before: The same at the look before.
    """
    if CriticalCounts(low=critical.low, high=critical.high).side(count) is not None:
        return ""
    side = critical.side(count, before=before)
    high, low = critical.high_before, critical.low_before
    upper = critical.high is not None and high is not None and count == critical.high - 1
    if upper and side != "lower":
        bound, needed = count + 1, f"{high:,} or more"
    elif critical.low is not None and low is not None and count == critical.low + 1:
        bound, needed = count - 1, f"{low:,} or fewer"
    else:
        return ""
    return (
        f"{count:,} is one away from the critical count {bound:,}, and there the look before"
        f" decides: {needed} were needed then, it had {before:,},"
        f" {'and the bound is crossed' if side else 'and no bound is crossed'}"
    )


def _past(one: Comparison, tables: Sequence[TwoByTwo]) -> PastLook:
    if one.critical is not None:
        (low, high), ties = one.critical, one.critical_before or (None, None)
        used = CriticalCounts(low=low, high=high, low_before=ties[0], high_before=ties[1])
        return PastLook(added=tuple(tables), critical=used)
    bound = float("inf") if one.bound is None else one.bound
    return PastLook(added=tuple(tables), z_bound=bound)
