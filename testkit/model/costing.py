"""What the arms cost and what a thousand of it brought, at a recorded look. Pure.

Two figures that must not be mixed. *Outcomes per 1,000* counts everybody of the arm who did it,
most of whom would have done it anyway. *Extra outcomes per 1,000* counts what the arm added over
the control, with the interval of the look that holds at every look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from testkit.stats.intervals import wilson
from testkit.stats.returns import Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testkit.model.look import ArmFigures, Look
    from testkit.model.plan import Plan

__all__ = ["Cost", "cents_per_unit", "cost_of_arms", "extra_per_thousand"]

_PER_THOUSAND = 100_000
"""Cents in 1,000 of a currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an arm cost, and what came of it at the last look.

    Attributes:
        arm: The arm; empty for ads of none.
        cents: What it cost.
        currency: ISO code; empty where no file says.
        planned: Whether that is the plan's word, for want of a file that says what was paid.
        outcomes: Units of the arm with the first metric's outcome; None before a look.
        units: Units of the arm that the look read; None before a look.
        per_thousand: Outcomes for each 1,000 of the currency; None where ``absent`` says why. A
            description: who sees an ad is the platform's choice.
        low: Lower end of its 95 % interval; None where the metric is no rate.
        high: Upper end.
        extra: Outcomes beyond the control's for each 1,000, ``value, low, high``, with the look's
            own interval; None for the control, and where ``absent`` says why.
        absent: Why a figure is missing; empty when none is.
    """

    arm: str
    cents: int
    currency: str = ""
    planned: bool = False
    outcomes: int | None = None
    units: int | None = None
    per_thousand: float | None = None
    low: float | None = None
    high: float | None = None
    extra: dict[str, float] | None = None
    absent: str = ""


def cents_per_unit(plan: Plan, arm: str, *, spent: Mapping[str, int], units: int) -> float | None:
    """What a unit of an arm cost: as paid, else as planned; None where nobody says.

    Args:
        plan: The plan.
        arm: The arm.
        spent: ``arm -> cents`` of files of spend.
        units: Units of the arm that went out.
    """
    if spent.get(arm) and units:
        return spent[arm] / units
    planned = next(a.cents_per_unit for a in plan.arms if a.name == arm)
    if not planned and plan.budget_cents:
        planned = plan.budget_cents / plan.test_size
    return planned or None


def extra_per_thousand(
    plan: Plan, cost: float | None, difference: float, low: float | None, high: float | None
) -> dict[str, float] | None:
    """Outcomes beyond the control's for each 1,000 spent on an arm.

    Args:
        plan: The plan; a ratio of sums has no number of extra outcomes.
        cost: Cents that a unit of the arm costs.
        difference: Arm minus control, per unit.
        low: Lower end of its interval.
        high: Upper end.
    """
    if not cost or low is None or high is None or plan.metric.kind == "ratio":
        return None
    effect = Range(value=difference, low=min(low, difference), high=max(high, difference))
    found = effect.times(_PER_THOUSAND / cost)
    return {"value": found.value, "low": found.low, "high": found.high}


def cost_of_arms(
    plan: Plan, look: Look | None, *, spent: Mapping[str, int], currency: str = ""
) -> tuple[Cost, ...]:
    """What every arm cost, and what a thousand of it brought by the last look.

    Args:
        plan: The plan.
        look: The last recorded look; None before the first.
        spent: ``arm -> cents`` of files of spend, with an empty arm for ads of none; empty takes
            the plan's cost of a message.
        currency: ISO code of ``spent``.
    """
    out = []
    for arm in plan.arms:
        seen = next((a for a in look.arms if a.name == arm.name), None) if look else None
        young = next((a.units for a in look.young if a.name == arm.name), 0) if look else 0
        went_out = young + (seen.units if seen else 0)
        cost = cents_per_unit(plan, arm.name, spent=spent, units=went_out)
        if spent:
            if arm.name not in spent:
                continue
            cents = spent[arm.name]
        elif cost and went_out:
            cents = round(cost * went_out)
        else:
            continue
        out.append(
            _one(
                plan,
                look,
                arm.name,
                seen,
                cents=cents,
                cost=cost,
                currency=currency,
                planned=not spent,
            )
        )
    if spent.get(""):
        absent = "its ads name no arm"
        out.append(Cost(arm="", cents=spent[""], currency=currency, absent=absent))
    return tuple(out)


def _one(
    plan: Plan,
    look: Look | None,
    arm: str,
    seen: ArmFigures | None,
    *,
    cents: int,
    cost: float | None,
    currency: str,
    planned: bool,
) -> Cost:
    bare = Cost(arm=arm, cents=cents, currency=currency, planned=planned)
    if look is None or seen is None or not seen.units:
        return replace(bare, absent="no look has read its outcomes yet")
    bare = replace(bare, outcomes=seen.outcomes, units=seen.units)
    if not cost:
        return replace(bare, absent="it cost nothing")
    if plan.metric.kind == "ratio":
        return replace(bare, absent="a ratio of sums has no number of outcomes")
    times = _PER_THOUSAND / cost
    level = replace(bare, per_thousand=seen.rate * times)
    if plan.metric.kind == "proportion":
        made = wilson(successes=seen.outcomes, n=seen.units)
        if made.low is not None and made.high is not None:
            level = replace(level, low=made.low * times, high=made.high * times)
    if arm == plan.control.name:
        return level
    if plan.clock == "speed":
        return replace(level, absent="while a send still works, nobody knows how many more")
    one = look.comparison(plan.metric.name, arm)
    extra = extra_per_thousand(plan, cost, one.difference, one.low, one.high) if one else None
    return replace(level, extra=extra, absent="" if extra else "the look has no interval yet")
