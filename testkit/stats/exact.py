r"""Exact group-sequential test of two rates: boundaries in counts, no approximation anywhere.

For rare outcomes and unequal arms a z test spends its error unevenly (measured at 90/10 and 0.1 %:
0.035 in a tail that promises 0.025). Here the tail of every look is summed, not approximated.

Theory of operation. Condition on the successes in all of each batch. When the arms are equal, the
arm's successes in a batch are hypergeometric, batches are independent, and the running total
:math:`S_k` is a random walk with known steps. The recursion keeps the probability of every value
of :math:`S_k` that has not stopped yet. At look k each side takes the largest tail that fits into
what its spending function allows in all, less what it has spent so far; what does not fit, because
counts are lumpy, carries over to the next look. After the end of the plan nothing comes, so its
look tells equal totals apart by the count at the look before (:mod:`testkit.stats.walk`). The
error of each side never exceeds its plan, given any totals, and therefore also on average over
them. This is a sequential form of Fisher's exact test, stratified by batch in the manner of
Cochran, Mantel and Haenszel: base rates that drift between batches cannot pass for an effect.

Units inside a batch must be independent: not for clusters (households, branches). Rows that come
late change the margins of their batch: run the recursion again with the margins as they are now.

What must not live here: estimates (:mod:`testkit.stats.exact_inference`), spending functions.

References:
    Jennison & Turnbull (2000), Group Sequential Methods with Applications to Clinical Trials,
    chapter 12 (exact calculations for binary data); Lan & DeMets (1983), Biometrika 70, 659-663
    (spending).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from testkit.errors import InputError
from testkit.stats.domain import finite, probability, whole
from testkit.stats.hypergeometric import IncrementLaw, Margins, Wave, waves
from testkit.stats.walk import (
    START,
    CriticalCounts,
    Side,
    TailMode,
    critical_counts,
    step,
    walks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = [
    "ExactBoundaries",
    "ExactLook",
    "ExitProbabilities",
    "TailPlan",
    "critical_counts_from_z",
    "exact_boundaries",
    "exit_probabilities",
    "first_crossing",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TailPlan:
    """How one side may spend its error.

    Attributes:
        alpha: One-sided total error of this side, in (0, 0.5).
        spending: Function of (information fraction, alpha) that gives the cumulative error; must
            rise from 0 to alpha as the fraction goes from 0 to 1.
    """

    alpha: float
    spending: Callable[[float, float], float]

    def allowed(self, fractions: Sequence[float]) -> tuple[float, ...]:
        """Cumulative error that may be spent at each fraction.

        Args:
            fractions: Information fractions, each in (0, 1], shape ``(looks,)``.

        Returns:
            Cumulative allowances, non-decreasing, each in [0, alpha].

        Raises:
            InputError: The function falls, leaves [0, alpha], or gives NaN.
        """
        values = [float(self.spending(t, self.alpha)) for t in fractions]
        for t, value in zip(fractions, values, strict=True):
            if not -1e-15 <= value <= self.alpha * (1.0 + 1e-9):
                raise InputError(
                    f"the spending function gives {value!r} at fraction {t:g}, "
                    f"outside [0, {self.alpha:g}]",
                    field="spending",
                    value=value,
                )
        if any(later < earlier - 1e-15 for earlier, later in pairwise(values)):
            raise InputError("the spending function falls", field="spending", value=tuple(values))
        return tuple(min(max(value, 0.0), self.alpha) for value in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactLook:
    """One look of an exact plan.

    Attributes:
        look: Number of the look, from 1.
        fraction: Information fraction at which it spends.
        critical: Counts at which it stops.
        successes: Successes of both arms so far.
        expected: Successes of the arm so far, on average, when the arms are equal.
        allowed_low: Error that the lower side may have spent by now; 0 without a lower side.
        allowed_high: Error that the upper side may have spent by now; 0 without an upper side.
        spent_low: Error that the lower side has spent by now.
        spent_high: Error that the upper side has spent by now.
        realised: Whether the critical counts came from the past instead of being solved for.
        tied: Whether equal counts are told apart by the count at the look before: at looks that
            may spend all that is left.
    """

    look: int
    fraction: float
    critical: CriticalCounts
    successes: int
    expected: float
    allowed_low: float
    allowed_high: float
    spent_low: float
    spent_high: float
    realised: bool
    tied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactBoundaries:
    """Critical counts of the looks so far, with all that made them.

    Attributes:
        waves: What each look added, shape ``(looks,)``.
        looks: The looks, shape ``(looks,)``.
        upper: Plan of the upper side (arm better); None when that side never stops.
        lower: Plan of the lower side (arm worse); None when that side never stops.
        tail: ``exact``, or ``mid-p`` where half of the probability of the critical count itself
            is forgiven: closer to alpha on average, above it now and then. A report must say so.
    """

    waves: tuple[Wave, ...]
    looks: tuple[ExactLook, ...]
    upper: TailPlan | None
    lower: TailPlan | None
    tail: TailMode

    @property
    def critical(self) -> tuple[CriticalCounts, ...]:
        """Critical counts of the looks, shape ``(looks,)``."""
        return tuple(look.critical for look in self.looks)

    def batches(self, look: int) -> list[Margins]:
        """All batches up to and including a look.

        Args:
            look: Number of the look, from 1.

        Returns:
            Their margins.
        """
        return [batch for wave in self.waves[:look] for batch in wave]

    def observed(self, successes_arm: Sequence[int]) -> list[int]:
        """What was seen at the looks so far, checked against the margins.

        Args:
            successes_arm: Cumulative successes of the arm at each look so far, shape ``(k,)``,
                ``1 <= k <= looks``.

        Returns:
            The same counts as ints.

        Raises:
            InputError: The number of looks is wrong, a count is not a non-negative whole number,
                or a look adds more or fewer successes than its margins allow.
        """
        if not 1 <= len(successes_arm) <= len(self.looks):
            raise InputError(
                f"{len(successes_arm)} looks observed, {len(self.looks)} planned",
                field="successes_arm",
                value=successes_arm,
            )
        counts = [whole(s, f"successes_arm[{i}]", at_least=0) for i, s in enumerate(successes_arm)]
        for index, (before, now) in enumerate(pairwise([0, *counts])):
            lowest = sum(batch.lowest for batch in self.waves[index])
            highest = sum(batch.highest for batch in self.waves[index])
            if not lowest <= now - before <= highest:
                raise InputError(
                    f"look {index + 1} adds {now - before} successes of the arm; "
                    f"its margins allow {lowest} to {highest}",
                    field=f"successes_arm[{index}]",
                    value=now,
                    hint="give cumulative counts, and margins of the same rows",
                )
        return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitProbabilities:
    """Where an exact plan stops when the odds ratio has a given value.

    Attributes:
        odds_ratio: The value.
        upper: Probability of stopping for the arm at each look, shape ``(looks,)``.
        lower: Probability of stopping for the control at each look, shape ``(looks,)``.
    """

    odds_ratio: float
    upper: tuple[float, ...]
    lower: tuple[float, ...]

    @property
    def crosses_upper(self) -> float:
        """Probability of ever stopping for the arm: type I error at 1, power elsewhere."""
        return math.fsum(self.upper)

    @property
    def crosses_lower(self) -> float:
        """Probability of ever stopping for the control."""
        return math.fsum(self.lower)

    def expected_share(self, fractions: Sequence[float]) -> float:
        """Mean of the information fraction at which the test ends.

        Args:
            fractions: Fraction at each look, increasing, shape ``(looks,)``.

        Returns:
            The mean, where a test that never crosses ends at the last fraction.

        Raises:
            InputError: The number of fractions is not the number of looks.
        """
        if len(fractions) != len(self.upper):
            raise InputError(
                f"{len(fractions)} fractions for {len(self.upper)} looks",
                field="fractions",
                value=fractions,
            )
        stops = [u + d for u, d in zip(self.upper, self.lower, strict=True)]
        going = 1.0 - math.fsum(stops)
        return math.fsum(
            [going * fractions[-1], *(s * t for s, t in zip(stops, fractions, strict=True))]
        )


def exact_boundaries(
    increments: Iterable[Margins | Iterable[Margins]],
    *,
    fractions: Sequence[float],
    upper: TailPlan | None,
    lower: TailPlan | None = None,
    tail: TailMode = "exact",
    realised: Sequence[CriticalCounts] = (),
) -> ExactBoundaries:
    """Critical counts of the arm's cumulative successes at each look so far.

    Args:
        increments: For each look the margins of the batches that it adds to the look before: one
            :class:`~testkit.stats.hypergeometric.Margins`, or one for each stratum and wave.
            Shape ``(looks,)``.
        fractions: Information fraction of each look, counted in units (not by the estimated
            rate), in (0, 1], non-decreasing; 1 for a look that was declared final before it was
            taken, and for looks after the planned end. Shape ``(looks,)``.
        upper: Plan of the side where the arm is better; None for none.
        lower: Plan of the side where the arm is worse; None for none. The sides spend apart.
        tail: ``exact`` or ``mid-p``.
        realised: Critical counts of the first looks as they were used, shape ``(past looks,)``:
            past looks are never solved again. A test that switches from z to exact passes
            :func:`critical_counts_from_z` of its past looks. What they spent beyond the plan is
            missing from later looks.

    Returns:
        The critical counts with what each side may spend and has spent.

    Raises:
        InputError: Shapes differ, fractions fall or leave (0, 1], no side is given, an alpha is
            outside (0, 0.5), or a spending function misbehaves.

    References:
        Lan & DeMets (1983), Biometrika 70, 659-663; Jennison & Turnbull (2000), chapter 12.

    Examples:
        >>> pocock_like = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha * t)
        >>> plan = exact_boundaries(
        ...     [Margins(n_control=1000, n_arm=1000, successes=10)] * 2,
        ...     fractions=[0.5, 1.0], upper=pocock_like, lower=pocock_like)
        >>> [(look.critical.low, look.critical.high) for look in plan.looks]
        [(1, 9), (4, 16)]
        >>> plan.looks[-1].spent_high <= 0.025
        True
    """
    added = waves(increments)
    times = _fractions(fractions, len(added))
    if upper is None and lower is None:
        raise InputError("a test needs a side to stop on", field="upper")
    if tail not in ("exact", "mid-p"):
        raise InputError("tail must be 'exact' or 'mid-p'", field="tail", value=tail)
    if len(realised) > len(added):
        raise InputError(
            f"{len(realised)} realised looks, but only {len(added)} increments",
            field="realised",
            value=realised,
        )
    for name, plan in (("upper", upper), ("lower", lower)):
        if plan is not None and not 0.0 < probability(plan.alpha, f"{name}.alpha") < 0.5:
            raise InputError(
                f"{name}.alpha must lie below 0.5", field=f"{name}.alpha", value=plan.alpha
            )
    laws = [IncrementLaw(wave) for wave in added]
    allowed_high = upper.allowed(times) if upper else (0.0,) * len(times)
    allowed_low = lower.allowed(times) if lower else (0.0,) * len(times)
    return ExactBoundaries(
        waves=added,
        looks=tuple(
            _solve(added, laws, times, allowed_low, allowed_high, tail=tail, realised=realised)
        ),
        upper=upper,
        lower=lower,
        tail=tail,
    )


def exit_probabilities(
    boundaries: ExactBoundaries, *, odds_ratio: float = 1.0
) -> ExitProbabilities:
    """Probability of stopping on each side at each look, by enumeration.

    Given the totals of the batches. At an odds ratio of 1 the sums over looks are the type I
    errors of the two sides, elsewhere they are power.

    Args:
        boundaries: The plan.
        odds_ratio: Odds of the arm over odds of the control in every batch, positive.

    Returns:
        Exit probabilities, exact up to rounding.

    Raises:
        InputError: ``odds_ratio`` is not positive and finite.

    References:
        Jennison & Turnbull (2000), chapter 12.

    Examples:
        >>> flat = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha * t)
        >>> plan = exact_boundaries(
        ...     [Margins(n_control=1000, n_arm=1000, successes=10)] * 2,
        ...     fractions=[0.5, 1.0], upper=flat)
        >>> null, effect = exit_probabilities(plan), exit_probabilities(plan, odds_ratio=3.0)
        >>> round(null.crosses_upper, 4), round(effect.crosses_upper, 3)
        (0.0246, 0.599)
    """
    value = finite(odds_ratio, "odds_ratio")
    if value <= 0.0:
        raise InputError("odds_ratio must be positive", field="odds_ratio", value=odds_ratio)
    theta = math.log(value)
    steps = [(law.lowest, law.probabilities(theta)) for law in map(IncrementLaw, boundaries.waves)]
    upper, lower = [], []
    for index, walk in enumerate(walks(steps, boundaries.critical)):
        below, above = walk.outside(boundaries.critical[index])
        lower.append(below)
        upper.append(above)
    return ExitProbabilities(odds_ratio=value, upper=tuple(upper), lower=tuple(lower))


def first_crossing(
    critical: Sequence[CriticalCounts], successes_arm: Sequence[int]
) -> tuple[int, Side] | None:
    """The first look whose critical counts are crossed.

    Args:
        critical: Critical counts of the looks, shape ``(looks,)``.
        successes_arm: Cumulative successes of the arm at the looks so far, shape ``(k,)``, with
            ``1 <= k <= looks``.

    Returns:
        Number of the look (from 1) and the side; None when nothing is crossed.

    Raises:
        InputError: There is no look, more looks than critical counts, or a count that is not a
            non-negative whole number or falls.

    Examples:
        >>> first_crossing([CriticalCounts(low=1, high=9), CriticalCounts(low=5, high=15)], [5, 16])
        (2, 'upper')
    """
    if not 1 <= len(successes_arm) <= len(critical):
        raise InputError(
            f"{len(successes_arm)} looks observed, {len(critical)} planned",
            field="successes_arm",
            value=successes_arm,
        )
    counts = [whole(s, f"successes_arm[{i}]", at_least=0) for i, s in enumerate(successes_arm)]
    if any(later < earlier for earlier, later in pairwise(counts)):
        raise InputError(
            "successes_arm must be cumulative, and it falls",
            field="successes_arm",
            value=successes_arm,
        )
    earlier = [0, *counts]
    for look, (rule, count) in enumerate(zip(critical, counts, strict=False), start=1):
        side = rule.side(count, before=earlier[look - 1])
        if side is not None:
            return look, side
    return None


def critical_counts_from_z(
    increments: Iterable[Margins | Iterable[Margins]],
    *,
    lower_z: Sequence[float | None],
    upper_z: Sequence[float | None],
    stratified: bool = True,
) -> tuple[CriticalCounts, ...]:
    """Critical counts that a z engine has used at its past looks.

    Given the totals, z grows with the arm's successes, so a bound on z is a bound on counts. A
    test that switches from z to exact passes them to :func:`exact_boundaries` as ``realised``.

    Args:
        increments: Margins that each past look added, as in :func:`exact_boundaries`.
        lower_z: Bound below which each look stopped (z <= bound), negative; None for none.
        upper_z: Bound above which each look stopped (z >= bound), positive; None for none.
        stratified: Whether z was stratified by batch (:func:`~testkit.stats.effects.stratified_z`)
            or pooled over everything so far (:func:`~testkit.stats.effects.risk_difference`);
            both with the binomial variance.

    Returns:
        Critical counts of each look, shape ``(looks,)``.

    Raises:
        InputError: Shapes differ, or a bound is NaN or has the wrong sign.

    References:
        Cochran (1954), Biometrics 10, 417-451, for the statistic.

    Examples:
        >>> critical_counts_from_z(
        ...     [Margins(n_control=1000, n_arm=1000, successes=50)], lower_z=[None], upper_z=[2.0])
        (CriticalCounts(low=None, high=32),)
    """
    added = waves(increments)
    for field, bounds, sign in (("lower_z", lower_z, -1), ("upper_z", upper_z, 1)):
        if len(bounds) != len(added):
            raise InputError(
                f"{len(bounds)} bounds for {len(added)} looks", field=field, value=bounds
            )
        for bound in bounds:
            if bound is not None and not bound * sign > 0.0:
                raise InputError(f"{field} must hold bounds beyond 0", field=field, value=bound)
    found = []
    for k in range(len(added)):
        batches = [batch for wave in added[: k + 1] for batch in wave]
        centre, spread, lowest, highest = _z_parts(batches, stratified=stratified)
        low, high = None, None
        lower_bound, upper_bound = lower_z[k], upper_z[k]
        if upper_bound is not None and spread > 0.0:
            # Rounding must not move a count that sits on the bound: z >= bound stops.
            high = math.ceil(centre + upper_bound * spread - 1e-9)
            high = high if high <= highest else None
        if lower_bound is not None and spread > 0.0:
            low = math.floor(centre + lower_bound * spread + 1e-9)
            low = low if low >= lowest else None
        found.append(CriticalCounts(low=low, high=high))
    return tuple(found)


def _solve(
    added: Sequence[Wave],
    laws: Sequence[IncrementLaw],
    times: Sequence[float],
    allowed_low: Sequence[float],
    allowed_high: Sequence[float],
    *,
    tail: TailMode,
    realised: Sequence[CriticalCounts],
) -> Iterator[ExactLook]:
    walk = START
    spent_low = spent_high = 0.0
    successes = list(accumulate(sum(b.successes for b in wave) for wave in added))
    expected = list(accumulate(math.fsum(b.expected for b in wave) for wave in added))
    for k, law in enumerate(laws):
        walk = step(walk, law.lowest, law.probabilities(0.0))
        past = k < len(realised)
        tied = times[k] == 1.0 and tail == "exact"
        critical = (
            realised[k]
            if past
            else critical_counts(
                walk,
                spent=(spent_low, spent_high),
                allowed=(allowed_low[k], allowed_high[k]),
                tail=tail,
                tied=tied,
            )
        )
        below, above = walk.outside(critical)
        spent_low, spent_high = spent_low + below, spent_high + above
        yield ExactLook(
            look=k + 1,
            fraction=times[k],
            critical=critical,
            successes=successes[k],
            expected=expected[k],
            allowed_low=allowed_low[k],
            allowed_high=allowed_high[k],
            spent_low=spent_low,
            spent_high=spent_high,
            realised=past,
            tied=tied,
        )
        walk = walk.inside(critical)


def _fractions(values: Sequence[float], looks: int) -> tuple[float, ...]:
    times = tuple(finite(value, f"fractions[{i}]") for i, value in enumerate(values))
    if len(times) != looks:
        raise InputError(
            f"{len(times)} fractions for {looks} looks", field="fractions", value=values
        )
    for i, time in enumerate(times):
        if not 0.0 < time <= 1.0:
            raise InputError(
                f"fractions[{i}] must lie in (0, 1], not {time:g}",
                field=f"fractions[{i}]",
                value=time,
                hint="a look after the planned end spends at 1",
            )
    if any(later < earlier for earlier, later in pairwise(times)):
        raise InputError("fractions must not fall", field="fractions", value=values)
    return times


def _z_parts(batches: Sequence[Margins], *, stratified: bool) -> tuple[float, float, int, int]:
    """Centre and spread of the arm's successes in a z statistic, and their range."""
    lowest, highest = sum(b.lowest for b in batches), sum(b.highest for b in batches)
    if not stratified:
        batches = [
            Margins(
                n_control=sum(b.n_control for b in batches),
                n_arm=sum(b.n_arm for b in batches),
                successes=sum(b.successes for b in batches),
            )
        ]
    centre = math.fsum(b.expected for b in batches)
    # The binomial variance of the pooled score, without the hypergeometric factor n / (n - 1).
    spread = math.fsum(b.variance * (b.n - 1) / b.n for b in batches)
    return centre, math.sqrt(spread), lowest, highest
