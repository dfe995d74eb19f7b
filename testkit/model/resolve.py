"""From a checked definition to its plan: sizes, bounds, engine and power are worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from testkit.assign import wave_sizes
from testkit.model import planning
from testkit.model.plan import Engine, Plan, PlanArm, PlanMetric, PlanSegment
from testkit.stats.engine_choice import choose_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.definition import Definition, MetricDefinition

__all__ = ["available", "households", "likeness", "primary_of", "resolve", "shares_of"]

HOUSEHOLD_SIZE: Final = 2.0
"""344,084 voters in 180,002 households, 1.9 each (Gerber, Green & Larimer 2008, American Political
Science Review 102(1), 33-48, replication data): rounded up, which is the cautious side."""
HOUSEHOLD_LIKENESS: Final = 0.5
OTHER_LIKENESS: Final = 0.1
"""Cautious guesses: housemates do alike far more often than neighbours."""

PESSIMISTIC: Final = 0.8
"""Share of the base rate that is still plausible when the definition names no lowest rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """An engine and why."""

    engine: Engine
    reason: str


def shares_of(definition: Definition) -> list[float]:
    """Shares of the arms in the order of the file; even where none is given.

    Arms without a share divide evenly what the others leave.
    """
    given = [arm.share for arm in definition.arms]
    open_arms = given.count(None)
    rest = 1.0 - sum(s for s in given if s is not None)
    return [s if s is not None else rest / open_arms for s in given]


def primary_of(definition: Definition) -> MetricDefinition | None:
    """The metric that decides; None where none or several claim to."""
    primaries = [metric for metric in definition.metrics if metric.role == "primary"]
    return primaries[0] if len(primaries) == 1 else None


def likeness(definition: Definition) -> tuple[float, float] | None:
    """Size of a group and how alike its units are, written or assumed; None without groups.

    A size that nobody wrote and nobody can guess counts as 1; the checks refuse it.
    """
    unit = definition.unit
    if unit.group is None:
        return None
    size, alike = unit.group_size, unit.correlation
    house = households(definition)
    if size is None:
        size = HOUSEHOLD_SIZE if house else 1.0
    if alike is None:
        alike = HOUSEHOLD_LIKENESS if house else OTHER_LIKENESS
    return size, alike


def households(definition: Definition) -> bool:
    """Whether the groups are households, by what the unit or the column is called."""
    unit = definition.unit
    return unit.kind == "household" or "house" in (unit.group or "").casefold()


def _design_effect(definition: Definition) -> float:
    """Kish (1965), Survey Sampling: 1 + (size - 1) times the intraclass correlation."""
    found = likeness(definition)
    return 1.0 if found is None else 1.0 + (found[0] - 1.0) * found[1]


def available(definition: Definition) -> int:
    """Units of the list that may be tested: without those who are held out of all tests."""
    audience = definition.audience
    return int(audience.size * (1.0 - audience.holdout) + 1e-9)


def resolve(definition: Definition, *, salt: str) -> Plan:
    """Turn a checked definition into its plan.

    Args:
        definition: A definition without errors (:mod:`testkit.model.checks`).
        salt: Text mixed into the hash when the definition names none.
    """
    metric = primary_of(definition)
    assert metric is not None
    assert metric.mde is not None
    design = definition.design
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
    waves = design.waves if design.clock == "waves" else 1
    looks = 1 if design.family == "fixed" or design.clock == "one-send" else design.waves
    size = planning.size_test(
        outcome=planning.Outcome(
            rate=metric.base_rate if metric.kind == "proportion" else None,
            sd=metric.base_sd,
            mde=metric.mde,
            better=metric.direction,
        ),
        shares=[arm.share for arm in arms],
        alpha=design.alpha,
        power=design.power,
        looks=looks,
        spending=design.spending,
        list_size=available(definition),
        test_size=definition.audience.test,
        family="open-ended" if design.family == "open-ended" else "group-sequential",
        design_effect=_design_effect(definition),
    )
    sizes = wave_sizes(size.test_size, waves=waves)
    choice = _engine(definition, metric, shares=[a.share for a in arms], sizes=sizes, looks=looks)
    return Plan(
        experiment=definition.experiment,
        title=definition.title,
        hypothesis=definition.hypothesis,
        what_will_change=definition.what_will_change,
        owner=definition.owner,
        channel=definition.channel,
        unit_kind=definition.unit.kind,
        unit_column=definition.unit.column,
        unit_group=definition.unit.group,
        arms=tuple(arms),
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
        waves=waves,
        looks=looks,
        wave_sizes=sizes,
        scheme=design.scheme,
        salt=design.salt or salt,
        strata=tuple(design.strata),
        alpha=design.alpha,
        power=design.power,
        power_reached=size.power,
        mde_reached=size.mde,
        needed=size.needed,
        expected_size=size.expected,
        spending=design.spending,
        futility=design.futility,
        comparison_alpha=size.comparison_alpha,
        engine=choice.engine,
        engine_reason=choice.reason,
        planned_upper=() if choice.engine == "open" else size.design.upper,
        budget_cents=definition.spend.budget_cents,
        staff_hours=definition.spend.staff_hours,
        send_on=tuple(day.isoformat() for day in definition.send_on),
        if_inconclusive=definition.if_inconclusive,
        source=definition.source,
        design_effect=_design_effect(definition),
        split=design.split,
    )


def _engine(
    definition: Definition,
    metric: MetricDefinition,
    *,
    shares: Sequence[float],
    sizes: Sequence[int],
    looks: int,
) -> _Choice:
    """The engine is fixed here, from planned counts at the lowest plausible rate."""
    family = definition.design.family
    if family == "open-ended":
        return _Choice(engine="open", reason="the definition asks for an open-ended test")
    if family == "exact":
        return _Choice(engine="exact", reason="the definition asks for the exact engine")
    if metric.kind != "proportion" or metric.base_rate is None:
        return _Choice(engine="z", reason=f"a {metric.kind} per unit has no exact engine")
    if definition.unit.group:
        return _Choice(engine="z", reason=f"groups of one {definition.unit.group} are the units")
    lowest = metric.lowest_rate or PESSIMISTIC * metric.base_rate
    ends = list(accumulate(sizes)) if looks == len(sizes) else [sum(sizes)] * looks
    choices = [
        choose_engine(
            n_control=[max(1, round(end * shares[0])) for end in ends],
            n_arm=[max(1, round(end * share)) for end in ends],
            pessimistic_rate=lowest,
        )
        for share in shares[1:]
    ]
    decides = next((c for c in choices if c.engine == "exact"), choices[0])
    return _Choice(engine=decides.engine, reason=decides.sentence.partition(": ")[2])


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
