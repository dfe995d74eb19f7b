"""What to expect of the chosen arm on the rest of the list, without the winner's curse. Pure.

A test that stopped because it looked good looks too good. What was seen is weighed with what tests
of the same metric usually bring: the past tests of this workspace where there are five or more,
else a prior as wide as the difference that the plan called worth acting on. Both are centred on no
difference, so that the estimate lies between none and what was seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.stats.past_effects import difference_after
from testkit.stats.shrink import normal_prior, shrink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.experience import Experience
    from testkit.model.look import Comparison
    from testkit.model.plan import Plan
    from testkit.stats.shrink import Prior, Shrunk

__all__ = ["Expectation", "expect"]

NAMED: Final = 3
"""Sources that are named; the others are counted."""


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


def expect(plan: Plan, one: Comparison, past: Experience | None) -> Expectation | None:
    """The difference to expect; None where there is no standard error to weigh it by.

    Args:
        plan: The plan.
        one: The comparison that was decided on.
        past: What past tests of the metric teach; this one is not among them.
    """
    better = 1.0 if plan.metric.direction == "up" else -1.0
    se = abs(one.difference / one.z) if one.z is not None and abs(one.z) > 1e-9 else 0.0
    if one.kind == "proportion" and past is not None and past.prior is not None and se > 0:
        found, difference, low, high = _among(past.prior, one, se)
        left = f"; {past.left_out} more do not look evenly split" if past.left_out else ""
        basis = f"{past.tests} past tests of {past.metric} ({_sources(past.sources)}{left})"
    else:
        if se <= 0 or plan.metric.mde is None:
            return None
        (found,) = shrink([one.difference], [se], prior=normal_prior(mean=0.0, tau=plan.metric.mde))
        difference, low, high = found.effect, found.low, found.high
        known = past.why_not if past is not None and past.prior is None else ""
        basis = (
            "a guess, that differences are seldom larger than the plan's smallest one worth acting"
            f" on ({known or f'there are no past tests of {plan.metric.name}'}),"
        )
    positive = found.probability_positive
    return Expectation(
        difference=difference,
        low=low,
        high=high,
        probability_better=positive if better > 0 else 1 - positive,
        basis=basis,
    )


def _among(prior: Prior, one: Comparison, se: float) -> tuple[Shrunk, float, float, float]:
    """A difference of rates weighed as a log odds ratio; the result, and its difference and ends.

    The standard error is the reading's own, so that groups and covariates count as they did there.
    """
    units, share = sum(one.units), one.units[1] / sum(one.units)
    rate = (sum(one.events) + 1) / (units + 2)
    effect = _logit(rate + (1 - share) * one.difference, units) - _logit(
        rate - share * one.difference, units
    )
    (found,) = shrink([effect], [se / (rate * (1 - rate))], prior=prior)
    difference, low, high = (
        difference_after(value, rate=rate, share=share)
        for value in (found.effect, found.low, found.high)
    )
    return found, difference, low, high


def _logit(rate: float, units: int) -> float:
    least = 0.5 / (units + 1)
    held = min(max(rate, least), 1 - least)
    return math.log(held / (1 - held))


def _sources(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
