"""Does the effect differ between segments? One answer per segmentation, then shrunken effects.

Reading every segment's own p-value finds a "winner" in somebody's segment in most tests that have
none. So the order is fixed here: first one test per segmentation that the effect is the same in
all its segments, adjusted for how many segmentations are read (Holm); only when that says no, the
segments' effects are for reading, each drawn towards the others. No p-value per segment exists.

An interaction needs about four times the list that the overall effect needs, and more with more
segments. "No evidence that segments differ" is therefore the usual answer and does not say that
they are alike: the shrunken effects and the spread between segments say how much room is left.

The reading is for the end of a test: at every look of a running one, alpha would be spent again.

What must not live here: the tests (:mod:`testkit.stats.homogeneity`) and the shrinkage
(:mod:`testkit.stats.partial_pooling`).

References:
    Brookes, Whitely, Egger, Davey Smith, Mulheran & Peters (2004), Journal of Clinical
    Epidemiology 57(3), 229-236 (interaction first; false findings per subgroup; four times n);
    Dixon & Simon (1991), Biometrics 47(3), 871-881 (shrinkage of subset effects).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from testkit.errors import InputError
from testkit.stats import domain
from testkit.stats.counts import TwoByTwo
from testkit.stats.effects import restricted_variance
from testkit.stats.homogeneity import (
    Homogeneity,
    difference_homogeneity,
    mean_homogeneity,
    odds_ratio_homogeneity,
)
from testkit.stats.means import MeanEffect
from testkit.stats.multiplicity import holm
from testkit.stats.odds import rates_at_odds_ratio
from testkit.stats.partial_pooling import PartiallyPooled, PooledGroup, partially_pooled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["SegmentEffect", "SegmentReading", "Segmentation", "read_segments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """One way to divide the people of a test, with what each part did.

    Attributes:
        name: What divides them, such as ``language``.
        segments: Segment to its counts in both arms, or to its difference of means
            (:func:`testkit.stats.means.welch`); at least two, all of one kind, from values known
            before the test began.
        declared: Whether the plan named it before the first outcome.

    Raises:
        InputError: Fewer than two segments, counts and means mixed, or means compared on
            another scale than their difference.
    """

    name: str
    segments: Mapping[str, TwoByTwo | MeanEffect]
    declared: bool

    def __post_init__(self) -> None:
        if len(self.segments) < 2:
            raise InputError(
                f"{self.name} has {len(self.segments)} segment: nothing to compare",
                field="segments",
                value=list(self.segments),
            )
        kinds = {type(value) for value in self.segments.values()}
        if kinds not in ({TwoByTwo}, {MeanEffect}):
            raise InputError(
                f"{self.name} must hold counts, or differences of means, of every segment",
                field="segments",
                value=sorted(kind.__name__ for kind in kinds),
            )
        for segment, value in self.segments.items():
            if isinstance(value, MeanEffect) and value.scale != "difference":
                raise InputError(
                    f"{segment} holds a {value.scale}, not a difference of means",
                    field=f"segments[{segment!r}]",
                    value=value.scale,
                    hint="use testkit.stats.means.welch",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEffect:
    """One segment's effect in the light of all segments.

    Attributes:
        name: The segment.
        observed: Its effect from its own people alone, on the scale of the reading (logarithm of
            the odds ratio, difference of rates or of means); None when they say nothing.
        effect: The same, drawn towards the other segments: the number to read.
        low: Lower end of its interval.
        high: Upper end.
        pooled_share: How much of it comes from the other segments, 0 to 1.
        difference: ``effect`` as a difference of rates or means. On the odds-ratio scale it is
            mapped with the segment's own outcomes and approximate; None where it had none.
        difference_low: ``low``, mapped likewise.
        difference_high: ``high``, mapped likewise.
    """

    name: str
    observed: float | None
    effect: float
    low: float
    high: float
    pooled_share: float
    difference: float | None
    difference_low: float | None
    difference_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentReading:
    """What one segmentation says.

    Attributes:
        name: The segmentation.
        declared: Whether the plan named it.
        test: The test that the effect is the same in all segments.
        p_value: Its p-value after Holm over all segmentations read together; None where there is
            no test.
        verdict: ``same``: no evidence that segments differ, read the overall effect; ``differ``:
            read each segment's effect; ``too-few``: it could not be tested, read the overall
            effect.
        effects: Shrunken effects in the order given, for ``differ`` to read and otherwise to show
            how far apart segments could be; empty when fewer than two segments say anything.
        tau: Posterior median of the standard deviation of true effects between segments, on the
            scale of the test; None when ``effects`` is empty.
        tau_high: Upper end of its interval.
        level: Level of the intervals.
        sentence: The verdict in words.
    """

    name: str
    declared: bool
    test: Homogeneity
    p_value: float | None
    verdict: Literal["same", "differ", "too-few"]
    effects: tuple[SegmentEffect, ...]
    tau: float | None
    tau_high: float | None
    level: float
    sentence: str


def read_segments(
    segmentations: Sequence[Segmentation],
    *,
    scale: Literal["odds-ratio", "difference"] = "odds-ratio",
    alpha: float = 0.05,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[SegmentReading, ...]:
    """Read all segmentations of a finished test together.

    Args:
        segmentations: Everything that is to be read by segment, at least one; a segmentation left
            out here and looked at elsewhere is not paid for.
        scale: Scale on which counts are compared. ``odds-ratio`` is the one on which segments with
            unlike base rates can be alike, and the one with an exact test for small counts;
            ``difference`` is for questions in points. Declare it with the segments.
        alpha: Chance to say "differ" anywhere when no segmentation does, 0 < alpha < 1.
        level: Level of the intervals, in (0, 1).
        seed: For :func:`testkit.stats.homogeneity.odds_ratio_homogeneity`.

    Returns:
        One reading per segmentation, in the order given.

    Raises:
        InputError: No segmentation, or an argument outside its domain.
        ConvergenceError: A common difference was not found.

    References:
        Holm (1979), Scandinavian Journal of Statistics 6(2), 65-70; Haldane (1956), Annals of
        Human Genetics 20, 309-311 (the half added to each cell of an odds ratio); Daniels (1999)
        for the shrinkage.

    Examples:
        >>> reading, = read_segments([Segmentation(name="language", declared=True, segments={
        ...     "en": TwoByTwo(successes_control=90, n_control=4000,
        ...                    successes_arm=115, n_arm=4000),
        ...     "es": TwoByTwo(successes_control=30, n_control=1000,
        ...                    successes_arm=36, n_arm=1000)})])
        >>> reading.verdict, round(reading.p_value, 2)
        ('same', 0.83)
        >>> reading.sentence
        'language: no evidence that the effect differs (p = 0.83): read the overall effect'
    """
    domain.probability(alpha, "alpha")
    domain.probability(level, "level")
    domain.one_of(scale, "scale", allowed=("odds-ratio", "difference"))
    if not segmentations:
        raise InputError(
            "no segmentation to read", field="segmentations", value=list(segmentations)
        )
    tests = [_test(one, scale=scale, seed=seed) for one in segmentations]
    # A segmentation that could not be tested was still one of those that were looked at.
    adjusted = holm([1.0 if test.p_value is None else test.p_value for test in tests])
    return tuple(
        _reading(one, test, None if test.p_value is None else p, alpha=alpha, level=level)
        for one, test, p in zip(segmentations, tests, adjusted, strict=True)
    )


def _test(
    one: Segmentation, *, scale: Literal["odds-ratio", "difference"], seed: int
) -> Homogeneity:
    counts = _counts(one)
    if counts:
        if scale == "odds-ratio":
            return odds_ratio_homogeneity(counts, seed=seed)
        return difference_homogeneity(counts)
    told = [m for m in one.segments.values() if isinstance(m, MeanEffect) and m.se and m.df]
    if len(told) < 2:
        return Homogeneity(
            scale="mean",
            method="none",
            statistic=None,
            df=0,
            p_value=None,
            common=None,
            note="fewer than two segments say anything about the effect",
        )
    return mean_homogeneity(
        [m.estimate or 0.0 for m in told],
        [m.se or 0.0 for m in told],
        df=[m.df or 0.0 for m in told],
    )


def _reading(
    one: Segmentation,
    test: Homogeneity,
    p_value: float | None,
    *,
    alpha: float,
    level: float,
) -> SegmentReading:
    verdict: Literal["same", "differ", "too-few"] = "too-few"
    if p_value is not None:
        verdict = "differ" if p_value <= alpha else "same"
    pooled = _pooled(one, test, level=level)
    effects = (
        tuple(
            _effect(name, value, group, test.scale)
            for name, value, group in zip(
                one.segments, one.segments.values(), pooled.groups, strict=True
            )
        )
        if pooled
        else ()
    )
    return SegmentReading(
        name=one.name,
        declared=one.declared,
        test=test,
        p_value=p_value,
        verdict=verdict,
        effects=effects,
        tau=pooled.tau if pooled else None,
        tau_high=pooled.tau_high if pooled else None,
        level=level,
        sentence=_sentence(one, test, p_value, verdict),
    )


def _sentence(one: Segmentation, test: Homogeneity, p_value: float | None, verdict: str) -> str:
    shown = "" if p_value is None else f"p = {p_value:.2g}" if p_value >= 0.001 else "p < 0.001"
    text = {
        "same": f"{one.name}: no evidence that the effect differs ({shown}):"
        " read the overall effect",
        "differ": f"{one.name}: the effect differs between segments ({shown}):"
        " read each segment's effect, which is drawn towards the others",
        "too-few": f"{one.name}: {test.note}: read the overall effect",
    }[verdict]
    return text if one.declared else f"{text} (exploratory: not declared in the plan)"


def _counts(one: Segmentation) -> list[TwoByTwo]:
    return [value for value in one.segments.values() if isinstance(value, TwoByTwo)]


def _pooled(one: Segmentation, test: Homogeneity, *, level: float) -> PartiallyPooled | None:
    pairs = [_own(value, test) for value in one.segments.values()]
    if sum(effect is not None for effect, _ in pairs) < 2:
        return None
    return partially_pooled([e for e, _ in pairs], [s for _, s in pairs], level=level)


def _own(value: TwoByTwo | MeanEffect, test: Homogeneity) -> tuple[float | None, float | None]:
    """A segment's own effect and its standard error, neither made of the other's luck.

    The error is the one at the *common* effect: with the segment's own rates in it, a segment that
    is unlucky in its control looks both large and imprecise, and is shrunk too far.
    """
    if isinstance(value, MeanEffect):
        return (value.estimate, value.se) if value.se else (None, None)
    n1, n0 = value.n_arm, value.n_control
    if test.scale == "difference":
        if test.common is not None:
            variance = restricted_variance(value, null=test.common, small_sample=False)
        else:
            # One success and one failure added: no segment is certain of its rate.
            rate = (value.successes + 1) / (value.n + 2)
            variance = rate * (1.0 - rate) * (1.0 / n1 + 1.0 / n0)
        return value.difference, math.sqrt(variance)
    if not 0 < value.successes < value.n:
        return None, None
    a, c = value.successes_arm + 0.5, value.successes_control + 0.5
    b, d = n1 + 1.0 - a, n0 + 1.0 - c
    control, arm = rates_at_odds_ratio(
        n_control=n0, n_arm=n1, successes=value.successes, odds_ratio=test.common or 1.0
    )
    cells = (n1 * arm, n1 * (1.0 - arm), n0 * control, n0 * (1.0 - control))
    error = math.sqrt(math.fsum(1.0 / (cell + 0.5) for cell in cells))
    return math.log(a * d / (b * c)), error


def _effect(
    name: str, value: TwoByTwo | MeanEffect, group: PooledGroup, scale: str
) -> SegmentEffect:
    shown: list[float | None] = [group.effect, group.low, group.high]
    if scale == "odds-ratio" and isinstance(value, TwoByTwo):
        shown = [_in_points(value, x) for x in (group.effect, group.low, group.high)]
    return SegmentEffect(
        name=name,
        observed=group.observed,
        effect=group.effect,
        low=group.low,
        high=group.high,
        pooled_share=group.pooled_share,
        difference=shown[0],
        difference_low=shown[1],
        difference_high=shown[2],
    )


def _in_points(table: TwoByTwo, log_odds_ratio: float) -> float | None:
    if not 0 < table.successes < table.n:
        return None
    control, arm = rates_at_odds_ratio(
        n_control=table.n_control,
        n_arm=table.n_arm,
        successes=table.successes,
        odds_ratio=math.exp(min(max(log_odds_ratio, -700.0), 700.0)),
    )
    return arm - control
