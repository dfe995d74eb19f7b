"""The open engine at one look: evidence that may be read at any time, without a planned end. Pure.

The method follows from the plan alone (:func:`testkit.stats.open_look.open_plan`), so nothing is
chosen after the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.model.readings import total
from testkit.model.situation import added_by_looks, side
from testkit.stats.open_look import open_look, open_money_look, open_plan

if TYPE_CHECKING:
    from testkit.model.look import Verdict
    from testkit.model.situation import Situation
    from testkit.stats.open_look import OpenPlan, OpenReading

__all__ = ["OpenSeen", "open_comparison"]

PLAUSIBLE: Final = 1.25
"""How far above the base rate of the plan the real one may well be."""
METHODS: Final = {
    "conversions": "e-process on the arm of each outcome",
    "blocks": "safe 2x2 test, a block per wave",
    "sequence": "asymptotic confidence sequence of the ratio",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSeen:
    """What the open engine says at a look; see :class:`testkit.model.look.Comparison`."""

    log_e: float | None
    low: float | None
    high: float | None
    p_value: float
    verdict: Verdict
    method: str
    note: str


def open_comparison(situation: Situation) -> OpenSeen:
    """Compare by evidence that holds at every look."""
    method = _method(situation)
    if situation.metric.kind == "proportion" and not situation.metric.covariates:
        found = open_look(method, added_by_looks(situation))
    else:
        control = total([p.control for p in situation.pairs])
        arm = total([p.arm for p in situation.pairs])
        found = open_money_look(
            method,
            control=control.moments.moments(),
            treatment=arm.moments.moments(),
            gifts_control=control.events,
            gifts_treatment=arm.events,
        )
    best = [c.p_sequential for c in situation.before if c.p_sequential is not None]
    return OpenSeen(
        log_e=None if found.e_value is None else _log(found.e_value),
        low=found.difference_low,
        high=found.difference_high,
        p_value=min([found.p_value, *best]),
        verdict=_verdict(situation, found),
        method=METHODS[found.method],
        note=found.note,
    )


def _log(e_value: float) -> float:
    return math.log(e_value) if 0 < e_value < math.inf else math.copysign(700.0, e_value - 1)


def _method(situation: Situation) -> OpenPlan:
    plan, metric = situation.plan, situation.metric
    arm = next(a for a in plan.arms if a.name == situation.arm)
    both = plan.control.share + arm.share
    base = metric.base or 0.0
    mde = metric.mde if metric.mde is not None else 0.1 * base
    return open_plan(
        outcome="rate" if metric.kind == "proportion" and not metric.covariates else "money",
        highest_rate=min(1.0, PLAUSIBLE * base) if metric.kind == "proportion" else 1.0,
        risk_ratio=1 + mde / base if base > 0 and mde > 0 else 1.1,
        n_planned=max(1, round(plan.test_size * both)),
        alpha=plan.comparison_alpha,
        share=arm.share / both if plan.scheme == "md5-v1" else None,
    )


def _verdict(situation: Situation, found: OpenReading) -> Verdict:
    if found.crossed is not None:
        return side(situation.metric, 1.0 if found.crossed == "upper" else -1.0)
    return "ended" if situation.final else "continue"
