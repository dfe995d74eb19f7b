r"""Exact tests of one rate against a known one: at one look, at several, or after every unit.

For guardrails with a target that comes from outside (complaints, bounces, unsubscribes against
what the sender's history or the mail provider allows), where there is no control to compare with,
and for counts so small that nothing else is right. The walk of :mod:`testkit.stats.walk` with
binomial steps.

What must not live here: two arms (:mod:`testkit.stats.exact`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from testkit.errors import InputError
from testkit.stats.domain import probability, rate, successes_of, whole
from testkit.stats.walk import CriticalCounts, walks

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BinomialPlan",
    "BinomialStops",
    "SprtLines",
    "binomial_stops",
    "binomial_test",
    "sprt",
    "sprt_plan",
]

# Equally probable counts differ in their last digits; R's binom.test allows the same.
_TIE: Final = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class BinomialPlan:
    """Looks at one count, each with the counts that stop.

    Attributes:
        n: Cumulative units at each look, increasing, shape ``(looks,)``.
        critical: Critical cumulative counts of each look, shape ``(looks,)``.

    Raises:
        InputError: Shapes differ, ``n`` does not increase, or a look's ``low`` reaches its
            ``high``.
    """

    n: tuple[int, ...]
    critical: tuple[CriticalCounts, ...]

    def __post_init__(self) -> None:
        sizes = tuple(whole(value, f"n[{i}]") for i, value in enumerate(self.n))
        if not sizes or any(later <= earlier for earlier, later in pairwise(sizes)):
            raise InputError("n must increase from look to look", field="n", value=self.n)
        if len(self.critical) != len(sizes):
            raise InputError(
                f"{len(self.critical)} critical counts for {len(sizes)} looks",
                field="critical",
                value=self.critical,
            )
        for index, rule in enumerate(self.critical):
            if rule.low is not None and rule.high is not None and rule.low >= rule.high:
                raise InputError(
                    f"look {index + 1} stops low at {rule.low} and high at {rule.high}",
                    field=f"critical[{index}]",
                    value=rule,
                )
        object.__setattr__(self, "n", sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinomialStops:
    """Where a plan stops when the rate has a given value.

    Attributes:
        rate: The value.
        upper: Probability of stopping high at each look, shape ``(looks,)``.
        lower: Probability of stopping low at each look, shape ``(looks,)``.
        expected_n: Mean number of units when the test ends; one that never stops uses all.
    """

    rate: float
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    expected_n: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SprtLines:
    """Wald's straight lines: stop high above the upper, low below the lower.

    Attributes:
        slope: Successes per unit along which both lines rise.
        upper_intercept: The upper line at no unit.
        lower_intercept: The lower line at no unit.
    """

    slope: float
    upper_intercept: float
    lower_intercept: float


def binomial_test(*, successes: int, n: int, null_rate: float) -> float:
    """Two-sided exact p-value of one rate.

    Args:
        successes: Units with the outcome, 0 <= successes <= n.
        n: Units, at least 1.
        null_rate: Rate that is tested, in (0, 1). With successes of one arm out of those of both
            and its share of the units, it is the conditional test of equal rare rates.

    Returns:
        Probability of all counts that are no more probable than the one seen.

    Raises:
        InputError: A value is out of its domain.

    References:
        Clopper & Pearson (1934), Biometrika 26, 404-413 (the distribution); two-sided by
        probability, as in R's binom.test.

    Examples:
        >>> round(binomial_test(successes=9, n=12, null_rate=0.5), 6)
        0.145996
    """
    seen, units = successes_of(successes, n)
    mass = _binomial(units, probability(null_rate, "null_rate"))
    return min(1.0, float(mass[mass <= mass[seen] * (1.0 + _TIE)].sum()))


def binomial_stops(plan: BinomialPlan, *, true_rate: float) -> BinomialStops:
    """Probability of stopping on each side at each look, by enumeration.

    Args:
        plan: Looks and critical counts.
        true_rate: Rate under which to enumerate, in [0, 1].

    Returns:
        Stopping probabilities and mean number of units.

    Raises:
        InputError: ``true_rate`` is outside [0, 1].

    References:
        Jennison & Turnbull (2000), Group Sequential Methods, chapter 12.

    Examples:
        >>> plan = BinomialPlan(n=(36, 71, 107), critical=(
        ...     CriticalCounts(low=2, high=10), CriticalCounts(low=7, high=15),
        ...     CriticalCounts(low=13, high=20)))
        >>> stops = binomial_stops(plan, true_rate=0.1)
        >>> round(sum(stops.upper), 6), round(stops.expected_n, 4)
        (0.008189, 74.6325)
    """
    true = rate(true_rate, "true_rate")
    steps = [(0, _binomial(later - earlier, true)) for earlier, later in pairwise((0, *plan.n))]
    upper, lower = [], []
    for walk, rule in zip(walks(steps, plan.critical), plan.critical, strict=True):
        below, above = walk.outside(rule)
        lower.append(below)
        upper.append(above)
    stops = [u + d for u, d in zip(upper, lower, strict=True)]
    going = 1.0 - math.fsum(stops)
    mean = math.fsum([going * plan.n[-1], *(s * n for s, n in zip(stops, plan.n, strict=True))])
    return BinomialStops(rate=true, upper=tuple(upper), lower=tuple(lower), expected_n=mean)


def sprt(*, null_rate: float, alternative_rate: float, alpha: float, beta: float) -> SprtLines:
    """Wald's sequential probability ratio test of two rates, as straight lines of counts.

    Args:
        null_rate: Acceptable rate, in (0, 1).
        alternative_rate: Rate that must be found, in (0, 1), above ``null_rate``.
        alpha: Probability of stopping high at the null rate, in (0, 1).
        beta: Probability of stopping low at the alternative rate, in (0, 1).

    Returns:
        The lines; their errors hold for a test without end and up to overshoot.

    Raises:
        InputError: A value is out of its domain, or the rates are in the wrong order.

    References:
        Wald (1945), Annals of Mathematical Statistics 16, 117-186.

    Examples:
        >>> lines = sprt(null_rate=0.05, alternative_rate=0.25, alpha=0.1, beta=0.15)
        >>> round(lines.slope, 4), round(lines.upper_intercept, 4)
        (0.1281, 1.1594)
    """
    low, high = (
        probability(null_rate, "null_rate"),
        probability(alternative_rate, "alternative_rate"),
    )
    a, b = probability(alpha, "alpha"), probability(beta, "beta")
    if high <= low:
        raise InputError(
            "alternative_rate must lie above null_rate",
            field="alternative_rate",
            value=alternative_rate,
            hint="for a rate that must not fall, count the failures",
        )
    if a + b >= 1.0:
        raise InputError("alpha and beta must sum to less than 1", field="beta", value=beta)
    odds = math.log(high / low) + math.log((1.0 - low) / (1.0 - high))
    return SprtLines(
        slope=math.log((1.0 - low) / (1.0 - high)) / odds,
        upper_intercept=math.log((1.0 - b) / a) / odds,
        lower_intercept=math.log(b / (1.0 - a)) / odds,
    )


def sprt_plan(lines: SprtLines, *, first: int, last: int) -> BinomialPlan:
    """A look after every unit along Wald's lines, ended at ``last`` units.

    At the end the test stops high when the count is at or above the upper line, else low.

    Args:
        lines: The lines.
        first: Units at the first look, at least 1.
        last: Units at the last look, above ``first``.

    Returns:
        The plan, for :func:`binomial_stops`.

    Raises:
        InputError: ``first`` is below 1 or ``last`` not above it.

    References:
        Wald (1945), Annals of Mathematical Statistics 16, 117-186.

    Examples:
        >>> lines = sprt(null_rate=0.05, alternative_rate=0.25, alpha=0.1, beta=0.15)
        >>> plan = sprt_plan(lines, first=10, last=35)
        >>> plan.critical[0]
        CriticalCounts(low=0, high=3)
    """
    start = whole(first, "first")
    end = whole(last, "last", at_least=start + 1)
    sizes = tuple(range(start, end + 1))
    critical = []
    for n in sizes:
        high = math.ceil(lines.upper_intercept + lines.slope * n)
        low = math.floor(lines.lower_intercept + lines.slope * n)
        if n == end:
            low = high - 1
        critical.append(
            CriticalCounts(low=low if low >= 0 else None, high=high if high <= n else None)
        )
    return BinomialPlan(n=sizes, critical=tuple(critical))


def _binomial(n: int, true_rate: float) -> NDArray[np.float64]:
    """Probabilities of 0 to n successes."""
    x = np.arange(n + 1, dtype=np.float64)
    if true_rate in (0.0, 1.0):
        return np.asarray(x == n * true_rate, dtype=np.float64)
    # Ratios of neighbours, not factorials: these lose nine digits at a million units.
    steps = np.log((n - x[:-1]) / (x[:-1] + 1.0)) + math.log(true_rate) - math.log1p(-true_rate)
    logs = np.concatenate(([0.0], np.cumsum(steps)))
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)
