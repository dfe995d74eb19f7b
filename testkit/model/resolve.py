"""From a checked definition to its plan: sizes, bounds and power are worked out here, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.assign import wave_sizes
from testkit.model import planning
from testkit.model.plan import MIN_CONVERSIONS, Plan, PlanArm, PlanMetric, PlanSegment

if TYPE_CHECKING:
    from testkit.model.definition import Definition, MetricDefinition

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
    metric = next(m for m in definition.metrics if m.role == "primary")
    design = definition.design
    assert metric.base_rate is not None
    assert metric.mde is not None
    shares = shares_of(definition)
    arms = sorted(
        (
            PlanArm(
                name=arm.name,
                share=share,
                control=arm.control,
                text=arm.text,
                factors=dict(arm.factors),
                link=arm.link,
                refcode=arm.refcode,
                cents_per_unit=arm.cents_per_unit,
            )
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
        unit_group=definition.unit.group,
        metrics=tuple(_metric(m) for m in sorted(definition.metrics, key=_reading_order)),
        segments=tuple(
            PlanSegment(column=s.column, levels=tuple(s.levels)) for s in definition.segments
        ),
        list_size=definition.audience.size,
        test_size=size.test_size,
        holdout=definition.audience.holdout,
        suppress=tuple(definition.audience.suppress),
        exclude=tuple(definition.audience.exclude),
        family=design.family,
        clock=design.clock,
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
        futility=design.futility,
        comparison_alpha=design.alpha,
        engine="z",
        engine_reason=(
            f"at least {MIN_CONVERSIONS} outcomes are expected in each arm at the first look"
        ),
        planned_upper=size.upper,
        budget_cents=definition.spend.budget_cents,
        staff_hours=definition.spend.staff_hours,
        send_on=tuple(day.isoformat() for day in definition.send_on),
        if_inconclusive=definition.if_inconclusive,
        source=definition.source,
    )


def _reading_order(metric: MetricDefinition) -> int:
    return ("primary", "secondary", "guardrail").index(metric.role)


def _metric(metric: MetricDefinition) -> PlanMetric:
    assert metric.window_hours is not None
    return PlanMetric(
        name=metric.name,
        kind=metric.kind,
        role=metric.role,
        tier=metric.tier,
        base=metric.base_rate if metric.kind == "proportion" else metric.base_mean,
        sd=metric.base_sd,
        mde=metric.mde,
        margin=metric.margin,
        direction=metric.direction,
        window_hours=metric.window_hours,
        per=metric.per,
        cap=metric.cap,
        covariates=tuple(metric.covariates),
        reason=metric.reason,
        owner=metric.owner,
    )
