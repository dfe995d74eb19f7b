"""One arm against the control on one metric: the difference and its score, before any bound. Pure.

A reading says how large the difference is and how many standard errors it has; it does not know of
looks. Every kind of metric ends here as one thing, a score ``z`` on an information ``n_c n_a / (n_c
+ n_a)``, so that one engine reads them all. A statistic with few degrees of freedom becomes the
normal score of the same p-value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.stats.adjust import lin
from testkit.stats.clusters import Clusters, cluster_effect, design_effect
from testkit.stats.counts import TwoByTwo
from testkit.stats.effects import (
    miettinen_nurminen,
    risk_difference,
    stratified_difference_interval,
    stratified_z,
)
from testkit.stats.means import welch
from testkit.stats.ratios import ratio, ratio_effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.look import Cell, WaveCounts
    from testkit.model.plan import Plan, PlanMetric
    from testkit.stats.means import MeanEffect

__all__ = [
    "Pair",
    "Reading",
    "allocation_moves",
    "as_if_alone",
    "group_rows",
    "pairs_of",
    "read",
    "total",
]

ALLOCATION_DRIFT: Final = 0.01
_SEED: Final = 20_260_101


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Control and arm in one wave."""

    wave: int
    control: Cell
    arm: Cell

    @property
    def table(self) -> TwoByTwo:
        """The counts of units with and without it."""
        return TwoByTwo(
            successes_control=self.control.events,
            n_control=self.control.units,
            successes_arm=self.arm.events,
            n_arm=self.arm.units,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The difference of an arm from the control.

    Attributes:
        units: Units of control and arm.
        events: Units with any of it.
        values: Rate, mean or ratio of control and arm.
        difference: Arm minus control.
        lift: Difference over control; None where the control has none.
        z: Score; None when there is no spread.
        scale: Standard error times the root of the information: theta times ``scale`` is a
            difference; None with ``z``.
        se: Standard error of the difference; None with ``z``.
        information: n_control n_arm / (n_control + n_arm).
        smallest: Outcomes in the arm with fewer of them, as the engine's limit counts them.
        method: In words.
        tables: Counts per wave of a plain proportion; empty for everything else.
        stratified: Whether waves are compared within themselves.
        fixed: Interval that holds at this look only, where the method has no standard error.
        note: Why something is missing; empty otherwise.
    """

    units: tuple[int, int]
    events: tuple[int, int]
    values: tuple[float, float]
    difference: float
    lift: float | None
    z: float | None
    scale: float | None
    se: float | None
    information: float
    smallest: float
    method: str
    tables: tuple[TwoByTwo, ...] = ()
    stratified: bool = False
    fixed: tuple[float, float] | None = None
    note: str = ""

    @property
    def whole(self) -> TwoByTwo:
        """The counts of all waves together; only of a plain proportion."""
        return _whole(self.tables)

    def interval(self, bound: float) -> tuple[float | None, float | None]:
        """The interval that leaves out 0 exactly when ``|z|`` reaches ``bound``."""
        if self.tables:
            whole = self.whole
            made = (
                stratified_difference_interval(self.tables, critical=bound, small_sample=False)
                if self.stratified
                else miettinen_nurminen(
                    successes_control=whole.successes_control,
                    n_control=whole.n_control,
                    successes_arm=whole.successes_arm,
                    n_arm=whole.n_arm,
                    critical=bound,
                    small_sample=False,
                )
            )
            return made.low, made.high
        if self.se is None:
            return self.fixed or (None, None)
        return self.difference - bound * self.se, self.difference + bound * self.se


def pairs_of(
    plan: Plan, metric: PlanMetric, arm: str, waves: Sequence[WaveCounts]
) -> tuple[Pair, ...]:
    """Control and arm of every wave that has units in both."""
    primary = metric.name == plan.metric.name
    found = []
    for wave in waves:
        control = wave.cell(metric.name, plan.control.name, primary=primary)
        treated = wave.cell(metric.name, arm, primary=primary)
        if control and treated and control.units and treated.units:
            found.append(Pair(wave=wave.wave, control=control, arm=treated))
    return tuple(found)


def total(cells: Sequence[Cell]) -> Cell:
    """All cells together."""
    merged = cells[0]
    for cell in cells[1:]:
        merged = merged.merge(cell)
    return merged


def allocation_moves(tables: Sequence[TwoByTwo]) -> bool:
    """Whether the split of the two arms differs between waves by more than a point."""
    shares = [t.n_arm / (t.n_arm + t.n_control) for t in tables]
    return max(shares) - min(shares) > ALLOCATION_DRIFT


def read(
    plan: Plan, metric: PlanMetric, arm: str, pairs: Sequence[Pair], waves: Sequence[WaveCounts]
) -> Reading:
    """Read one metric in one arm over the given waves.

    Args:
        plan: The plan.
        metric: The metric.
        arm: The arm.
        pairs: Its waves, from :func:`pairs_of`; at least one.
        waves: The same waves, for their groups where groups are randomised.
    """
    if plan.unit_group is not None:
        return _clusters(plan, metric, arm, pairs, waves)
    if metric.kind == "proportion" and not metric.covariates:
        return _proportion(pairs)
    return _amount(metric, pairs)


def _whole(tables: Sequence[TwoByTwo]) -> TwoByTwo:
    return TwoByTwo(
        successes_control=sum(t.successes_control for t in tables),
        n_control=sum(t.n_control for t in tables),
        successes_arm=sum(t.successes_arm for t in tables),
        n_arm=sum(t.n_arm for t in tables),
    )


def _proportion(pairs: Sequence[Pair]) -> Reading:
    tables = [pair.table for pair in pairs]
    whole = _whole(tables)
    # Waves with unlike splits are compared within themselves, so that a base rate that drifts
    # from wave to wave cannot pass for an effect.
    stratify = len(tables) > 1 and allocation_moves(tables)
    effect = risk_difference(
        successes_control=whole.successes_control,
        n_control=whole.n_control,
        successes_arm=whole.successes_arm,
        n_arm=whole.n_arm,
    )
    z, difference = effect.z, effect.difference
    information = whole.n_control * whole.n_arm / (whole.n_control + whole.n_arm)
    if stratify:
        within = stratified_z(tables)
        z, difference, information = within.z, within.difference, within.information_n
    pooled = (whole.successes_control + whole.successes_arm) / (whole.n_control + whole.n_arm)
    scale = math.sqrt(pooled * (1 - pooled))
    return Reading(
        units=(whole.n_control, whole.n_arm),
        events=(whole.successes_control, whole.successes_arm),
        values=(whole.successes_control / whole.n_control, whole.successes_arm / whole.n_arm),
        difference=difference,
        lift=effect.lift,
        z=z,
        scale=scale if z is not None else None,
        se=scale / math.sqrt(information) if z is not None else None,
        information=information,
        smallest=pooled * min(whole.n_control, whole.n_arm),
        method="difference of rates, score test" + (" within waves" if stratify else ""),
        tables=tuple(tables),
        stratified=stratify,
    )


def _effect(metric: PlanMetric, control: Cell, arm: Cell) -> MeanEffect:
    """Difference of two cells by the metric's kind."""
    if metric.kind == "ratio":
        return ratio_effect(control=control.moments, treatment=arm.moments)
    if metric.covariates:
        return lin(control=control.moments, treatment=arm.moments).effect
    return welch(control=control.moments.moments(), treatment=arm.moments.moments())


def _method(metric: PlanMetric) -> str:
    cap = f", amounts above {metric.cap:g} count as that" if metric.cap else ""
    if metric.kind == "ratio":
        return f"ratio to {metric.per}, delta method{cap}"
    if metric.covariates:
        return f"difference of means, adjusted for {', '.join(metric.covariates)}{cap}"
    return f"difference of means, unequal variances{cap}"


def _amount(metric: PlanMetric, pairs: Sequence[Pair]) -> Reading:
    control, arm = total([p.control for p in pairs]), total([p.arm for p in pairs])
    shares = [p.arm.units / (p.arm.units + p.control.units) for p in pairs]
    stratify = max(shares) - min(shares) > ALLOCATION_DRIFT
    effect = _effect(metric, control, arm)
    estimate, se, z = effect.estimate, effect.se, _score(effect)
    note = effect.reason
    weights = [p.control.units * p.arm.units / (p.control.units + p.arm.units) for p in pairs]
    information = control.units * arm.units / (control.units + arm.units)
    if stratify:
        parts = [_effect(metric, p.control, p.arm) for p in pairs]
        whole = math.fsum(weights)
        if all(p.estimate is not None and p.se is not None for p in parts):
            estimate = (
                math.fsum(w * (p.estimate or 0.0) for w, p in zip(weights, parts, strict=True))
                / whole
            )
            se = (
                math.sqrt(
                    math.fsum((w * (p.se or 0.0)) ** 2 for w, p in zip(weights, parts, strict=True))
                )
                / whole
            )
            z = estimate / se if se > 0 else None
        else:
            se, z = None, None
            note = "a wave has too few units to be compared within itself"
        information = whole
    values = (_value(metric, control), _value(metric, arm))
    if estimate is None:
        estimate = values[1] - values[0]
    return Reading(
        units=(control.units, arm.units),
        events=(control.events, arm.events),
        values=values,
        difference=estimate,
        lift=estimate / values[0] if values[0] > 0 else None,
        z=z,
        scale=None if se is None else se * math.sqrt(information),
        se=se,
        information=information,
        smallest=min(control.events, arm.events),
        method=_method(metric) + (", within waves" if stratify else ""),
        stratified=stratify,
        note=note,
    )


def _value(metric: PlanMetric, cell: Cell) -> float:
    if metric.kind == "ratio":
        return ratio(cell.moments).value if cell.moments.means[1] > 0 else 0.0
    return cell.moments.means[0]


def _score(effect: MeanEffect) -> float | None:
    """The normal score with the p-value of the effect."""
    from scipy.special import ndtri

    if effect.statistic is None or effect.p_value is None:
        return None
    if effect.p_value <= 0.0 or effect.df is None or effect.df > 1e5:
        return effect.statistic
    return math.copysign(-float(ndtri(effect.p_value / 2)), effect.statistic)


def _clusters(
    plan: Plan,
    metric: PlanMetric,
    arm: str,
    pairs: Sequence[Pair],
    waves: Sequence[WaveCounts],
) -> Reading:
    """Groups were randomised: groups are what is compared, and what information counts."""
    import numpy as np
    from scipy.special import ndtri

    control, treated = total([p.control for p in pairs]), total([p.arm for p in pairs])
    groups = group_rows(plan, metric, arm, waves)
    values = (control.moments.means[0], treated.moments.means[0])
    counts = (len(groups[plan.control.name]), len(groups[arm]))
    method = f"difference per {plan.unit_kind}, {counts[0]} and {counts[1]} groups"
    z: float | None = None
    se: float | None = None
    fixed: tuple[float, float] | None = None
    note = "too few groups"
    difference = values[1] - values[0]
    if min(counts) >= 2:
        found = cluster_effect(
            control=_groups(groups[plan.control.name]),
            treatment=_groups(groups[arm]),
            alpha=plan.comparison_alpha,
            rng=np.random.default_rng(_SEED),
        )
        effect, note = found.effect, found.effect.reason
        method += f", {found.method}"
        difference = effect.estimate if effect.estimate is not None else difference
        if effect.p_value is not None:
            z = math.copysign(-float(ndtri(min(1.0, effect.p_value) / 2)), difference)
        se, fixed = effect.se, effect.interval
        if se is not None and z is not None and abs(z) > 1e-9:
            se = abs(difference / z)  # the standard error that the normal score stands for
    # Counted in units like everywhere: with groups of about one size it is the groups' share too.
    information = control.units * treated.units / (control.units + treated.units)
    return Reading(
        units=(control.units, treated.units),
        events=(control.events, treated.events),
        values=values,
        difference=difference,
        lift=difference / values[0] if values[0] > 0 else None,
        z=z,
        scale=None if se is None else se * math.sqrt(information),
        se=se,
        information=information,
        smallest=math.inf if z is not None else 0.0,  # the number of groups has been judged above
        method=method,
        fixed=fixed,
        note=note,
    )


def as_if_alone(
    plan: Plan,
    metric: PlanMetric,
    arm: str,
    pairs: Sequence[Pair],
    waves: Sequence[WaveCounts],
) -> tuple[tuple[Pair, ...], float]:
    """Counts of a proportion on groups, cut down to what as many units alone would be worth.

    Returns:
        The pairs, and what one unit is worth (1 over the design effect).
    """
    from testkit.model.look import Cell

    groups = group_rows(plan, metric, arm, waves)
    effect = design_effect(
        control=_groups(groups[plan.control.name]), treatment=_groups(groups[arm])
    )
    # Running totals are cut, not the waves: what is lost by rounding does not add up.
    cut: list[Pair] = []
    sums, before = [0, 0, 0, 0], [0, 0, 0, 0]
    for pair in pairs:
        added = (pair.control.units, pair.control.events, pair.arm.units, pair.arm.events)
        sums = [s + a for s, a in zip(sums, added, strict=True)]
        now = [round(s / effect) for s in sums]
        n_c, s_c, n_a, s_a = (x - y for x, y in zip(now, before, strict=True))
        before = now
        if n_c > 0 and n_a > 0:
            cut.append(
                Pair(
                    wave=pair.wave,
                    control=Cell.of_counts(outcomes=min(s_c, n_c), units=n_c),
                    arm=Cell.of_counts(outcomes=min(s_a, n_a), units=n_a),
                )
            )
    return tuple(cut), 1 / effect


def group_rows(
    plan: Plan, metric: PlanMetric, arm: str, waves: Sequence[WaveCounts]
) -> dict[str, list[tuple[float, float]]]:
    """Units and total of every group, of control and arm."""
    return {
        name: [g for w in waves for g in w.clusters.get(metric.name, {}).get(name, ())]
        for name in (plan.control.name, arm)
    }


def _groups(rows: Sequence[tuple[float, float]]) -> Clusters:
    return Clusters(units=tuple(u for u, _ in rows), totals=tuple(t for _, t in rows))
