"""What one comparison is made in at one look, for whichever engine reads it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.look import Comparison, Look, Verdict, WaveCounts
    from testkit.model.plan import Engine, Plan, PlanMetric
    from testkit.model.readings import Pair
    from testkit.stats.counts import TwoByTwo

__all__ = ["Situation", "added_by_looks", "history", "side"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a comparison is made in.

    Attributes:
        plan: The plan.
        metric: The metric.
        arm: The arm.
        past: All earlier looks.
        waves: The waves that are read.
        pairs: Control and arm in each of them.
        final: Whether this look spends all that is left.
        engine: The engine.
    """

    plan: Plan
    metric: PlanMetric
    arm: str
    past: Sequence[Look]
    waves: Sequence[WaveCounts]
    pairs: Sequence[Pair]
    final: bool
    engine: Engine

    @property
    def planned(self) -> float:
        """Information at the planned end."""
        arm = next(a for a in self.plan.arms if a.name == self.arm)
        return self.plan.planned_information(arm)

    @property
    def before(self) -> list[Comparison]:
        """The same comparison at the looks that spent."""
        return history(self.past, self.metric.name, self.arm)


def history(past: Sequence[Look], metric: str, arm: str) -> list[Comparison]:
    """A comparison at the looks where it took part in error spending, in order."""
    found = [look.comparison(metric, arm) for look in past]
    return [c for c in found if c is not None and c.counted]


def side(metric: PlanMetric, direction: float) -> Verdict:
    """Better or worse, by what the metric calls better."""
    better = direction > 0 if metric.direction == "up" else direction < 0
    return "crossed-up" if better else "crossed-down"


def added_by_looks(situation: Situation) -> list[list[TwoByTwo]]:
    """The counts that each counted look, and then this one, added: by the waves that they read.

    Counts are those of today: a late row that belongs to an old wave changes the old wave.
    """
    counted = {id(c) for c in situation.before}
    groups: list[set[int]] = []
    read: set[int] = set()
    for look in situation.past:
        if any(id(c) in counted for c in look.comparisons):
            groups.append(set(look.waves) - read)
            read |= set(look.waves)
    groups.append({pair.wave for pair in situation.pairs} - read)
    return [[pair.table for pair in situation.pairs if pair.wave in group] for group in groups]
