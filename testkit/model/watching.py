"""What is read beside the decision: guardrails, declared segments, factors. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

from testkit.model.look import FactorFigures, GuardrailFigures, SegmentFigures
from testkit.model.readings import as_if_alone, group_rows, pairs_of, read, total
from testkit.stats.clusters import MIN_CLUSTERS
from testkit.stats.guardrails import REQUIRED_POWER, harm_watch, non_inferiority
from testkit.stats.open_look import open_money_look, open_plan
from testkit.stats.power import power_rates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.look import Cell, Comparison, WaveCounts
    from testkit.model.plan import Plan, PlanMetric
    from testkit.model.readings import Pair, Reading
    from testkit.stats.counts import TwoByTwo
    from testkit.stats.means import MeanEffect

__all__ = ["FALSE_STOP", "factors", "guardrails", "segments"]

FALSE_STOP: Final = 0.1
"""Chance that any guardrail stops a test whose arms are equal; shared by all of them."""
UNKNOWN_RATIO: Final = 2.0
"""Harm that is looked for where the guardrail's rate today is not known: twice as often."""
MAX_LEVELS: Final = 20
NO_WORSE_Z: Final = 1.959963984540054
"""One-sided 2.5 %, as for rates."""
_RATIO: Final = (
    "a ratio of two sums may rise while fewer people act; make its numerator a guardrail"
)


def guardrails(
    plan: Plan, waves: Sequence[WaveCounts], *, ended: bool, arms: Sequence[str]
) -> tuple[GuardrailFigures, ...]:
    """Every guardrail in every arm that has counts.

    Args:
        plan: The plan.
        waves: Waves that are old enough for the primary metric.
        ended: Whether the test ends here: only then "no worse" is read.
        arms: Arms that are still watched.
    """
    rails = [m for m in plan.metrics if m.role == "guardrail"]
    share = FALSE_STOP / max(1, len(rails) * len(plan.treatments))
    found = []
    for metric in rails:
        for arm in arms:
            pairs = pairs_of(plan, metric, arm, waves)
            if pairs:
                found.append(
                    _guardrail(plan, metric, arm, pairs, waves, false_stop=share, ended=ended)
                )
    return tuple(found)


def _guardrail(
    plan: Plan,
    metric: PlanMetric,
    arm: str,
    pairs: Sequence[Pair],
    waves: Sequence[WaveCounts],
    *,
    false_stop: float,
    ended: bool,
) -> GuardrailFigures:
    reading = read(plan, metric, arm, pairs, waves)
    groups = None if plan.unit_group is None else group_rows(plan, metric, arm, waves)
    if metric.kind == "ratio":
        watch = _Watch(reason=f"shown, and not watched: {_RATIO}")
    elif groups is not None and min(len(rows) for rows in groups.values()) < MIN_CLUSTERS:
        few = f"fewer than {MIN_CLUSTERS} groups in an arm"
        watch = _Watch(reason=f"shown, and not watched: {few}")
    elif metric.kind == "proportion":
        worth = 1.0
        if groups is not None:
            pairs, worth = as_if_alone(plan, metric, arm, pairs, waves)
        watch = _rate(plan, metric, arm, pairs, worth=worth, false_stop=false_stop, ended=ended)
    else:
        watch = _amount(
            plan, metric, arm, pairs, reading, groups=groups, false_stop=false_stop, ended=ended
        )
    return GuardrailFigures(
        metric=metric.name,
        arm=arm,
        values=reading.values,
        difference=reading.difference,
        harm=watch.harm,
        evidence=watch.evidence,
        bound=watch.bound,
        false_stop=false_stop,
        verdict="harm" if watch.harm else watch.verdict,
        worst=watch.worst,
        reason=watch.reason,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """What a watch says; see :class:`testkit.model.look.GuardrailFigures`."""

    harm: bool = False
    evidence: float | None = None
    bound: float | None = None
    verdict: str = "not read yet"
    worst: float | None = None
    reason: str = "whether it got no worse is read when the test ends"


def _harmed(metric: PlanMetric, false_stop: float) -> str:
    chance = f"{false_stop:.1%} at most"
    return f"{metric.name} got worse: the watch stops wrongly with a chance of {chance}"


def _rate(
    plan: Plan,
    metric: PlanMetric,
    arm: str,
    pairs: Sequence[Pair],
    *,
    worth: float,
    false_stop: float,
    ended: bool,
) -> _Watch:
    seen = harm_watch(
        control=_running([p.control.events for p in pairs]),
        treatment=_running([p.arm.events for p in pairs]),
        share=[p.arm.units / (p.arm.units + p.control.units) for p in pairs],
        risk_ratio=_ratio(metric),
        worse="higher" if metric.direction == "down" else "lower",
        false_stop=false_stop,
    )
    watch = _Watch(harm=seen.stop, evidence=seen.evidence, bound=seen.bound)
    if seen.stop:
        return replace(watch, reason=_harmed(metric, false_stop))
    if not ended or metric.margin is None:
        return watch
    told = non_inferiority(
        _table(pairs),
        margin=metric.margin,
        planned_power=_power(plan, metric, arm, worth=worth),
        worse="higher" if metric.direction == "down" else "lower",
    )
    return replace(watch, verdict=told.verdict, worst=told.worst, reason=told.reason)


def _amount(
    plan: Plan,
    metric: PlanMetric,
    arm: str,
    pairs: Sequence[Pair],
    reading: Reading,
    *,
    groups: dict[str, list[tuple[float, float]]] | None,
    false_stop: float,
    ended: bool,
) -> _Watch:
    """An amount is watched by the interval of its ratio that holds at any time.

    Where groups were assigned, a group is one observation: its sum.
    """
    control, treated = (
        (total([p.control for p in pairs]), total([p.arm for p in pairs]))
        if groups is None
        else (_sums(groups[plan.control.name]), _sums(groups[arm]))
    )
    both = plan.control.share + next(a.share for a in plan.arms if a.name == arm)
    people = sum(p.control.units + p.arm.units for p in pairs)
    observed = (control.units + treated.units) / people
    seen = open_money_look(
        # The interval has two sides, and one of them is harm.
        open_plan(
            outcome="money",
            highest_rate=1.0,
            risk_ratio=UNKNOWN_RATIO,
            n_planned=max(1, round(plan.test_size * both * observed)),
            alpha=2 * false_stop,
        ),
        control=control.moments.moments(),
        treatment=treated.moments.moments(),
        gifts_control=control.events,
        gifts_treatment=treated.events,
    )
    worse = "upper" if metric.direction == "down" else "lower"
    if seen.note:
        watch = _Watch(reason=f"not watched yet: {seen.note}")
    else:
        watch = _Watch(
            evidence=-math.log(max(seen.p_value, 1e-300)), bound=-math.log(2 * false_stop)
        )
    if seen.crossed == worse:
        return replace(watch, harm=True, reason=_harmed(metric, false_stop))
    if not ended or metric.margin is None or reading.se is None:
        return watch
    away = 1.0 if metric.direction == "down" else -1.0
    worst = reading.difference + away * NO_WORSE_Z * reading.se
    power = _normal_below(metric.margin / reading.se - NO_WORSE_Z) if reading.se > 0 else 1.0
    if power < REQUIRED_POWER:
        verdict, reason = (
            "cannot see",
            (
                f"with the spread that was seen, the power for a margin of {metric.margin:g} is"
                f" {power:.0%}: this test cannot see whether it got worse"
            ),
        )
    else:
        inside = away * worst < metric.margin
        verdict, reason = (
            "no worse" if inside else "not shown",
            (
                f"the worst plausible change is {worst:+.3g}, {'' if inside else 'not '}inside the"
                f" margin of {metric.margin:g}"
            ),
        )
    return replace(watch, verdict=verdict, worst=worst, reason=reason)


def _sums(groups: Sequence[tuple[float, float]]) -> Cell:
    """The sums of groups as one cell, a unit for each."""
    from testkit.model.look import Cell
    from testkit.stats.moments import CoMoments, Moments

    sums = [total for _, total in groups]
    one = Moments.from_values(sums)
    return Cell(
        units=len(sums),
        events=sum(value > 0 for value in sums),
        moments=CoMoments(n=one.n, means=(one.mean,), m2=((one.m2,),)),
    )


def _normal_below(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _running(counts: Sequence[int]) -> list[int]:
    out: list[int] = []
    for count in counts:
        out.append((out[-1] if out else 0) + count)
    return out


def _ratio(metric: PlanMetric) -> float:
    """The risk ratio that counts as harm: the margin over the rate of today."""
    up = metric.direction == "down"  # fewer is better, so more is harm
    if metric.base is None or metric.margin is None:
        return UNKNOWN_RATIO if up else 1 / UNKNOWN_RATIO
    if up:
        return (metric.base + metric.margin) / metric.base
    return max(metric.base - metric.margin, metric.base / 100) / metric.base


def _power(plan: Plan, metric: PlanMetric, arm: str, *, worth: float = 1.0) -> float:
    """Planned power to show "no worse" when nothing changed; ``worth`` is that of one unit."""
    share = next(a.share for a in plan.arms if a.name == arm)
    base, margin = metric.base, metric.margin
    if base is None or margin is None:
        return 0.0
    worse = margin if metric.direction == "down" else -margin
    if not 0 < base + worse < 1:
        return 0.0
    # Equal arms against a null that is worse by the margin; turned so that "better" is upwards.
    control = base if worse < 0 else 1 - base
    return power_rates(
        n_control=plan.test_size * plan.control.share * worth,
        control=control,
        treatment=control,
        alpha=0.025,
        sides=1,
        ratio=share / plan.control.share,
        null=-margin,
    )


def _table(pairs: Sequence[Pair]) -> TwoByTwo:
    from testkit.stats.counts import TwoByTwo

    return TwoByTwo(
        successes_control=sum(p.control.events for p in pairs),
        n_control=sum(p.control.units for p in pairs),
        successes_arm=sum(p.arm.events for p in pairs),
        n_arm=sum(p.arm.units for p in pairs),
    )


def segments(plan: Plan, waves: Sequence[WaveCounts], arm: str) -> tuple[SegmentFigures, ...]:
    """The declared segmentations together, at the end of a test: interaction first, then pooled.

    Args:
        plan: The plan.
        waves: Waves that are read.
        arm: The arm that is compared with the control.
    """
    from testkit.stats.segments import Segmentation, read_segments

    tables: list[Segmentation] = []
    sizes: dict[str, dict[str, int]] = {}
    skipped: list[SegmentFigures] = []
    for declared in plan.segments:
        cells = _levels(plan, waves, declared.column, declared.levels, arm)
        if not 2 <= len(cells) <= MAX_LEVELS:
            skipped.append(
                SegmentFigures(
                    column=declared.column,
                    arm=arm,
                    p_value=None,
                    verdict="too-few",
                    sentence=(
                        f"{declared.column}: {len(cells)} levels have people of both arms; from 2"
                        f" to {MAX_LEVELS} can be read"
                    ),
                    levels=(),
                )
            )
            continue
        sizes[declared.column] = {k: c.units + a.units for k, (c, a) in cells.items()}
        if plan.metric.kind == "proportion":
            counted = {level: _counts(c, a) for level, (c, a) in cells.items()}
            tables.append(Segmentation(name=declared.column, segments=counted, declared=True))
        else:
            means = {level: _means(c, a) for level, (c, a) in cells.items()}
            tables.append(Segmentation(name=declared.column, segments=means, declared=True))
    if not tables:
        return tuple(skipped)
    found = [
        SegmentFigures(
            column=one.name,
            arm=arm,
            p_value=one.p_value,
            verdict=one.verdict,
            sentence=one.sentence,
            levels=tuple(
                {
                    "name": level.name,
                    "units": sizes[one.name][level.name],
                    "effect": level.difference,
                    "low": level.difference_low,
                    "high": level.difference_high,
                }
                for level in one.effects
            ),
        )
        for one in read_segments(tables, alpha=plan.alpha)
    ]
    return (*found, *skipped)


def _levels(
    plan: Plan, waves: Sequence[WaveCounts], column: str, levels: Sequence[str], arm: str
) -> dict[str, tuple[Cell, Cell]]:
    """``level -> control and arm`` of the levels that have units of both."""
    parts: dict[str, tuple[list[Cell], list[Cell]]] = {}
    for wave in waves:
        for level, arms in wave.segments.get(column, {}).items():
            if levels and level not in levels:
                continue
            both = parts.setdefault(level, ([], []))
            for name, bag in zip((plan.control.name, arm), both, strict=True):
                cell = arms.get(name)
                if cell is not None and cell.units:
                    bag.append(cell)
    return {
        level: (total(control), total(treated))
        for level, (control, treated) in sorted(parts.items())
        if control and treated
    }


def _counts(control: Cell, arm: Cell) -> TwoByTwo:
    from testkit.stats.counts import TwoByTwo

    return TwoByTwo(
        successes_control=control.events,
        n_control=control.units,
        successes_arm=arm.events,
        n_arm=arm.units,
    )


def _means(control: Cell, arm: Cell) -> MeanEffect:
    from testkit.stats.means import welch

    return welch(control=control.moments.moments(), treatment=arm.moments.moments())


def factors(
    plan: Plan, waves: Sequence[WaveCounts], *, primary: Sequence[Comparison]
) -> tuple[FactorFigures, ...]:
    """A factorial test by its factors of two levels: interactions first, then main effects.

    A main effect is the average over the levels of the other factors; where two factors interact
    that average answers no question anybody has, and the arms are read one by one.

    Args:
        plan: The plan.
        waves: Waves that are read.
        primary: The primary metric in every arm, for the bound of the look.
    """
    crossed = _crossing(plan)
    if len(crossed) < 2 or plan.metric.kind == "ratio":
        return ()
    cells: dict[str, Cell] = {}
    for arm in plan.arms:
        parts = [
            cell
            for wave in waves
            if (cell := wave.cell(plan.metric.name, arm.name, primary=True)) is not None
            and cell.units
        ]
        if not parts:
            return ()
        cells[arm.name] = total(parts)
    bounds = [c.bound for c in primary if c.bound is not None]
    bound = max(bounds) if bounds else None
    signs = {
        arm.name: {
            factor: 1 if arm.factors[factor] != plan.control.factors[factor] else -1
            for factor in crossed
        }
        for arm in plan.arms
    }
    half = len(plan.arms) / 2
    found: list[FactorFigures] = []
    moved: set[str] = set()
    for one, other in combinations(crossed, 2):
        # The difference of one factor's effect between the levels of the other.
        contrast = {n: 2 * s[one] * s[other] / half for n, s in signs.items()}
        made = _contrast(f"{one} x {other}", "interaction", cells, contrast, bound)
        if bound is not None and made.z is not None and abs(made.z) >= bound:
            moved |= {one, other}
        found.append(made)
    for factor in crossed:
        contrast = {n: s[factor] / half for n, s in signs.items()}
        found.append(_contrast(factor, "main", cells, contrast, bound, depends=factor in moved))
    return tuple(found)


def _crossing(plan: Plan) -> list[str]:
    """Factors of two levels, when every combination of them is an arm, and only once."""
    names = list(plan.control.factors)
    if not names or any(set(arm.factors) != set(names) for arm in plan.arms):
        return []
    levels = {n: {str(arm.factors[n]) for arm in plan.arms} for n in names}
    if any(len(found) != 2 for found in levels.values()):
        return []
    combos = {tuple(str(arm.factors[n]) for n in names) for arm in plan.arms}
    if len(combos) != len(plan.arms) or len(combos) != 2 ** len(names):
        return []
    return names


def _contrast(
    name: str,
    kind: str,
    cells: dict[str, Cell],
    weights: dict[str, float],
    bound: float | None,
    *,
    depends: bool = False,
) -> FactorFigures:
    estimate = math.fsum(w * cells[arm].moments.means[0] for arm, w in weights.items())
    variance = 0.0
    for arm, w in weights.items():
        one = cells[arm].moments.moments().variance
        variance = math.nan if one is None else variance + w * w * one / cells[arm].units
    se = math.sqrt(variance) if variance > 0 else None
    z = None if se is None else estimate / se
    low = high = None
    if se is not None and bound is not None:
        low, high = estimate - bound * se, estimate + bound * se
    beyond = bound is not None and z is not None and abs(z) >= bound
    if kind == "interaction":
        reading = (
            "the effect of one depends on the other: read the arms one by one"
            if beyond
            else "no evidence that one changes the effect of the other"
        )
    elif depends:
        reading = "depends on another factor: this average answers no question"
    else:
        reading = "a difference beyond the bound" if beyond else "no difference beyond the bound"
    return FactorFigures(
        name=name, kind=kind, estimate=estimate, low=low, high=high, z=z, reading=reading
    )
