"""From a checked definition to its plan: sizes, bounds and power are worked out here, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.assign import wave_sizes
from testkit.model import planning
from testkit.model.plan import MIN_CONVERSIONS, Plan, PlanArm, PlanMetric

if TYPE_CHECKING:
    from testkit.model.definition import Definition

__all__ = ["resolve", "shares_of"]


def shares_of(definition: Definition) -> list[float]:
    """Shares of the arms in the order of the file; even where none is given.

    Arms without a share divide evenly what the others leave.
    """
    given = [arm.share for arm in definition.arms]
    open_arms = given.count(None)
    rest = 1.0 - sum(s for s in given if s is not None)
    return [s if s is not None else rest / open_arms for s in given]


def resolve(definition: Definition, *, salt: str) -> Plan:
    """Turn a checked definition into its plan.

    Args:
        definition: A definition without errors (:mod:`testkit.model.checks`).
        salt: Text mixed into the hash when the definition names none.
    """
    metric = definition.metrics[0]
    design = definition.design
    shares = shares_of(definition)
    arms = sorted(
        (
            PlanArm(name=arm.name, share=share, control=arm.control, text=arm.text)
            for arm, share in zip(definition.arms, shares, strict=True)
        ),
        key=lambda arm: not arm.control,
    )
    size = planning.size_test(
        base_rate=metric.base_rate,
        mde=metric.mde,
        control_share=arms[0].share,
        alpha=design.alpha,
        power=design.power,
        looks=design.waves,
        spending=design.spending,
        list_size=definition.audience.size,
        test_size=definition.audience.test,
    )
    return Plan(
        experiment=definition.experiment,
        title=definition.title,
        hypothesis=definition.hypothesis,
        what_will_change=definition.what_will_change,
        owner=definition.owner,
        channel=definition.channel,
        unit_kind=definition.unit.kind,
        unit_column=definition.unit.column,
        arms=tuple(arms),
        metric=PlanMetric(
            name=metric.name,
            kind=metric.kind,
            tier=metric.tier,
            base_rate=metric.base_rate,
            mde=metric.mde,
            window_hours=metric.window_hours,
            reason=metric.reason,
            owner=metric.owner,
        ),
        list_size=definition.audience.size,
        test_size=size.test_size,
        waves=design.waves,
        wave_sizes=wave_sizes(size.test_size, waves=design.waves),
        scheme=design.scheme,
        salt=design.salt or salt,
        strata=tuple(design.strata),
        alpha=design.alpha,
        power=design.power,
        power_reached=size.power,
        mde_reached=size.mde,
        needed=size.needed,
        spending=design.spending,
        engine="z",
        engine_reason=(
            f"at least {MIN_CONVERSIONS} outcomes are expected in each arm at the first look"
        ),
        planned_upper=size.upper,
        if_inconclusive=definition.if_inconclusive,
        source=definition.source,
    )
