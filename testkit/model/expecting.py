"""What to expect of the chosen arm on the rest of the list, without the winner's curse. Pure.

A test that stopped because it looked good looks too good. The estimate is drawn towards what tests
like this one usually bring: past tests of the same workspace where there are enough, else a prior
as wide as the difference that the plan called worth acting on, around none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.stats.shrink import (
    fit_prior,
    normal_prior,
    rate_after,
    shrink,
    stabilised_effects,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.look import Comparison
    from testkit.model.plan import Plan

__all__ = ["MIN_TESTS", "Expectation", "PastCounts", "expect"]

MIN_TESTS: Final = 5
"""Fewer past tests than this say nothing about how far effects spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCounts:
    """Counts of one arm against its control in a past test."""

    control: int
    n_control: int
    arm: int
    n_arm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A shrunken difference.

    Attributes:
        difference: Arm minus control, in the metric's unit.
        low: Lower end of its 95 % interval.
        high: Upper end.
        probability_better: Chance that the arm is better, under the prior.
        basis: Where the prior comes from, in words.
    """

    difference: float
    low: float
    high: float
    probability_better: float
    basis: str


def expect(plan: Plan, one: Comparison, past: Sequence[PastCounts]) -> Expectation | None:
    """The difference to expect; None where there is no standard error to weigh it by.

    Args:
        plan: The plan.
        one: The comparison that was decided on.
        past: Past tests of rates, for the prior; this one is not among them.
    """
    better = 1.0 if plan.metric.direction == "up" else -1.0
    rate = one.kind == "proportion" and 0 < sum(one.events) < sum(one.units)
    if rate and len(past) >= MIN_TESTS and 0 < one.values[0] < 1:
        effects, errors = stabilised_effects(
            control=[t.control for t in past],
            n_control=[t.n_control for t in past],
            treatment=[t.arm for t in past],
            n_treatment=[t.n_arm for t in past],
        )
        own, error = stabilised_effects(
            control=[one.events[0]],
            n_control=[one.units[0]],
            treatment=[one.events[1]],
            n_treatment=[one.units[1]],
        )
        (found,) = shrink(own, error, prior=fit_prior(effects, errors, family="normal"))
        base = one.values[0]
        difference, low, high = (
            rate_after(value, control=base) - base
            for value in (found.effect, found.low, found.high)
        )
        basis = f"{len(past)} past tests of this workspace"
    else:
        if one.z is None or abs(one.z) < 1e-9 or plan.metric.mde is None:
            return None
        se = abs(one.difference / one.z)
        if se <= 0:
            return None
        (found,) = shrink([one.difference], [se], prior=normal_prior(mean=0.0, tau=plan.metric.mde))
        difference, low, high = found.effect, found.low, found.high
        basis = (
            "differences as large as the plan's smallest one worth acting on: there are fewer than"
            f" {MIN_TESTS} past tests"
        )
    positive = found.probability_positive
    return Expectation(
        difference=difference,
        low=low,
        high=high,
        probability_better=positive if better > 0 else 1 - positive,
        basis=basis,
    )
