r"""Effect of an arm on a rate: difference, lift, score z, Miettinen-Nurminen interval.

The effect is always *arm minus control*. Everything here is asymptotic; where counts are small,
arms unequal or outcomes rare, :mod:`testkit.stats.engine_choice` sends the decision to
:mod:`testkit.stats.exact` instead.

Theory of operation. For a hypothetical difference :math:`\delta` the *restricted* maximum
likelihood rates are the most likely pair with :math:`p_1 - p_0 = \delta`; the score
:math:`z(\delta)` divides the observed distance from :math:`\delta` by the standard error at that
pair. At :math:`\delta = 0` this is the pooled z, so an interval made of all :math:`\delta` with
:math:`|z(\delta)| < b` leaves out 0 exactly when the test at the critical value *b* rejects. That
is why one function serves the fixed-sample interval (b from the level) and the repeated interval
of a group-sequential look (b from the boundary), and why the Wald interval is not used.

What must not live here: intervals on other scales (:mod:`testkit.stats.intervals`), means.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scipy import special

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo, tables
from testkit.stats.domain import probability
from testkit.stats.roots import bracketed_root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "Interval",
    "RateEffect",
    "StratifiedEffect",
    "critical_value",
    "decreasing_root",
    "difference_score",
    "miettinen_nurminen",
    "restricted_variance",
    "risk_difference",
    "standardised",
    "stratified_difference_interval",
    "stratified_z",
]

_NO_VARIANCE: Final = "every unit had the same outcome, so no test statistic exists"
_ROUNDING: Final = 2.0 * sys.float_info.epsilon
"""Width at which a bracket of numbers around 1 cannot be halved any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: Lower limit; None when the data set no limit on that side.
        high: Upper limit; None when the data set no limit on that side.
        level: Coverage that is promised, in (0, 1). For a repeated interval: of all looks together.
        method: Name of the method, as a report prints it.
        note: Why a limit is None, or how far the interval may be trusted; else empty.
    """

    low: float | None
    high: float | None
    level: float
    method: str
    note: str = ""

    def covers(self, value: float) -> bool:
        """Whether ``value`` lies in the interval, limits included."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateEffect:
    """Difference between the rates of two arms, with its pooled score test.

    Attributes:
        table: The counts it was made of.
        difference: Rate of the arm minus rate of the control, in [-1, 1].
        lift: ``difference / rate of the control``; None when the control has no success.
        standard_error: Of the difference, from the pooled rate; 0 when no unit or every unit had
            the outcome.
        z: ``difference / standard_error``; None when the standard error is 0.
        p_value: Two-sided p-value of z; None when z is None.
        note: Why z or lift is None; else empty.
    """

    table: TwoByTwo
    difference: float
    lift: float | None
    standard_error: float
    z: float | None
    p_value: float | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StratifiedEffect:
    """Difference between two arms, compared within strata only.

    Attributes:
        strata: Number of strata.
        difference: Mantel-Haenszel weighted mean of the strata's differences.
        standard_error: Of that difference when the arms are equal in every stratum.
        z: ``difference / standard_error``; None when no stratum has both outcomes.
        p_value: Two-sided p-value of z; None when z is None.
        information: ``1 / standard_error**2``; None when z is None.
        information_n: ``sum of n_control * n_arm / (n_control + n_arm)``, the information counted
            in units: at a constant rate the two are proportional, and this one does not move with
            the estimated rate, so use it for information fractions.
        note: Why z is None; else empty.
    """

    strata: int
    difference: float
    standard_error: float
    z: float | None
    p_value: float | None
    information: float | None
    information_n: float
    note: str = ""


def risk_difference(
    *,
    successes_control: int,
    n_control: int,
    successes_arm: int,
    n_arm: int,
    small_sample: bool = False,
) -> RateEffect:
    r"""Difference between two rates with the pooled score z.

    ``z = (p1 - p0) / sqrt(p (1 - p) (1/n1 + 1/n0))`` with the pooled rate p; its square is
    Pearson's chi-square without continuity correction.

    Args:
        successes_control: Units of the control with the outcome, 0 <= s <= n.
        n_control: Units of the control, at least 1.
        successes_arm: Units of the arm with the outcome, 0 <= s <= n.
        n_arm: Units of the arm, at least 1.
        small_sample: Multiply the variance by N/(N-1) as Miettinen and Nurminen do.

    Returns:
        The effect, arm minus control. ``z`` and ``p_value`` are None when all units had the same
        outcome.

    Raises:
        InputError: A count is out of its domain.

    References:
        Pearson's chi-square for two proportions; the N/(N-1) factor is from Miettinen & Nurminen
        (1985), Statistics in Medicine 4, 213-226.

    Examples:
        >>> effect = risk_difference(
        ...     successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> round(effect.difference, 3), round(effect.z, 4), round(effect.p_value, 5)
        (0.2, 2.6502, 0.00805)
    """
    table = TwoByTwo(
        successes_control=successes_control,
        n_control=n_control,
        successes_arm=successes_arm,
        n_arm=n_arm,
    )
    pooled = table.successes / table.n
    # The factor (N - s)/N, not 1 - p, keeps full precision when nearly every unit converts.
    variance = pooled * ((table.n - table.successes) / table.n)
    variance *= 1 / table.n_arm + 1 / table.n_control
    if small_sample:
        variance *= table.n / (table.n - 1)
    error = math.sqrt(variance)
    lift = table.difference / table.rate_control if table.successes_control else None
    z = table.difference / error if error > 0.0 else None
    notes = [] if lift is not None else ["the control has no success, so lift has no meaning"]
    notes += [] if z is not None else [_NO_VARIANCE]
    return RateEffect(
        table=table,
        difference=table.difference,
        lift=lift,
        standard_error=error,
        z=z,
        p_value=None if z is None else _two_sided(z),
        note="; ".join(notes),
    )


def stratified_z(strata: Sequence[TwoByTwo], *, small_sample: bool = False) -> StratifiedEffect:
    r"""Score z stratified by wave (Cochran; Mantel-Haenszel with ``small_sample``).

    Compares arms inside each stratum only, so a base rate that drifts from wave to wave while the
    allocation changes cannot pass for an effect. No continuity correction. With one stratum it is
    :func:`risk_difference`.

    Args:
        strata: One table a stratum, at least one.
        small_sample: Hypergeometric variance (Mantel-Haenszel) instead of binomial (Cochran).

    Returns:
        z, the Mantel-Haenszel difference and the information on both scales.

    Raises:
        InputError: No strata, or an item that is not a table.

    References:
        Cochran (1954), Biometrics 10, 417-451; Mantel & Haenszel (1959), JNCI 22, 719-748.

    Examples:
        >>> waves = [
        ...     TwoByTwo(successes_control=20, n_control=1000, successes_arm=30, n_arm=1000),
        ...     TwoByTwo(successes_control=45, n_control=1000, successes_arm=60, n_arm=1000),
        ...     TwoByTwo(successes_control=9, n_control=500, successes_arm=12, n_arm=500)]
        >>> effect = stratified_z(waves, small_sample=True)
        >>> round(effect.difference, 4), round(effect.z**2, 4)
        (0.0112, 4.642)
    """
    checked = tables(strata)
    weights = [t.n_arm * t.n_control / t.n for t in checked]
    total = math.fsum(weights)
    difference = math.fsum(w * t.difference for w, t in zip(weights, checked, strict=True)) / total
    pieces = []
    for weight, table in zip(weights, checked, strict=True):
        piece = weight * (table.successes / table.n) * ((table.n - table.successes) / table.n)
        pieces.append(piece * table.n / (table.n - 1) if small_sample else piece)
    error = math.sqrt(math.fsum(pieces)) / total
    z = difference / error if error > 0.0 else None
    return StratifiedEffect(
        strata=len(checked),
        difference=difference,
        standard_error=error,
        z=z,
        p_value=None if z is None else _two_sided(z),
        information=None if z is None else error**-2,
        information_n=total,
        note=_NO_VARIANCE if z is None else "",
    )


def difference_score(table: TwoByTwo, *, null: float, small_sample: bool = True) -> float:
    r"""Score z of the hypothesis that the difference of the rates equals ``null``.

    Args:
        table: The counts.
        null: Difference, arm minus control, that is tested; -1 < null < 1. A margin of
            non-inferiority for a rate that should not fall is negative.
        small_sample: Variance times N/(N-1) (Miettinen-Nurminen) or not (Mee,
            Farrington-Manning).

    Returns:
        z, positive when the observed difference lies above ``null``; 0 when it equals it.

    Raises:
        InputError: ``null`` is outside (-1, 1).

    References:
        Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226 (Appendix: closed form of
        the restricted maximum likelihood estimate); Farrington & Manning (1990), Statistics in
        Medicine 9, 1447-1454.

    Examples:
        >>> table = TwoByTwo(successes_control=1, n_control=34, successes_arm=7, n_arm=34)
        >>> round(difference_score(table, null=-0.001), 6)
        2.251657
    """
    if not -1.0 < null < 1.0:
        raise InputError("null must lie between -1 and 1", field="null", value=null)
    return _score(table, null, small_sample=small_sample)


def miettinen_nurminen(
    *,
    successes_control: int,
    n_control: int,
    successes_arm: int,
    n_arm: int,
    level: float = 0.95,
    critical: float | None = None,
    small_sample: bool = True,
) -> Interval:
    r"""Score interval of a difference of two rates.

    Args:
        successes_control: Units of the control with the outcome, 0 <= s <= n.
        n_control: Units of the control, at least 1.
        successes_arm: Units of the arm with the outcome, 0 <= s <= n.
        n_arm: Units of the arm, at least 1.
        level: Confidence level, in (0, 1).
        critical: Standard normal value to invert at instead of the one that ``level`` implies: the
            boundary b_k of the look. ``level`` is then what all repeated intervals promise
            together. ``inf`` (nothing spent yet) gives (-1, 1).
        small_sample: Variance times N/(N-1), as Miettinen and Nurminen define it. False gives
            Mee's interval, which leaves out 0 exactly when the pooled z of
            :func:`risk_difference` is beyond ``critical``: take it beside a decision.

    Returns:
        Limits on the difference, arm minus control, both in [-1, 1]; never None.

    Raises:
        InputError: A count, the level or the critical value is out of its domain.

    References:
        Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226; Mee (1984), Biometrics 40,
        1175-1176. Repeated intervals: Jennison & Turnbull (2000), chapter 9.

    Examples:
        The example of Newcombe (1998), Table II, 56/70 against 48/80:

        >>> interval = miettinen_nurminen(
        ...     successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.0528, 0.3382)
    """
    table = TwoByTwo(
        successes_control=successes_control,
        n_control=n_control,
        successes_arm=successes_arm,
        n_arm=n_arm,
    )
    bound = critical_value(level=level, critical=critical)
    low, high = _invert(
        lambda null: _score(table, null, small_sample=small_sample), table.difference, bound
    )
    name = "Miettinen-Nurminen score" if small_sample else "Mee score"
    return Interval(low=low, high=high, level=level, method=_named(name, critical))


def stratified_difference_interval(
    strata: Sequence[TwoByTwo],
    *,
    level: float = 0.95,
    critical: float | None = None,
    small_sample: bool = True,
) -> Interval:
    r"""Score interval of a difference that is common to all strata.

    Weights ``n_control * n_arm / (n_control + n_arm)`` (Mantel-Haenszel), restricted maximum
    likelihood within each stratum. It leaves out 0 exactly when :func:`stratified_z` with the same
    ``small_sample`` is beyond the critical value.

    Args:
        strata: One table a stratum, at least one.
        level: Confidence level, in (0, 1).
        critical: Standard normal value to invert at; see :func:`miettinen_nurminen`.
        small_sample: Variance of each stratum times N/(N-1).

    Returns:
        Limits on the difference, arm minus control, both in [-1, 1].

    Raises:
        InputError: No strata, or the level or the critical value is out of its domain.

    References:
        Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226 (stratified analysis), with
        Cochran-Mantel-Haenszel weights.

    Examples:
        >>> waves = [
        ...     TwoByTwo(successes_control=20, n_control=1000, successes_arm=30, n_arm=1000),
        ...     TwoByTwo(successes_control=45, n_control=1000, successes_arm=60, n_arm=1000)]
        >>> stratified_difference_interval(waves).covers(0.0125)
        True
    """
    checked = tables(strata)
    bound = critical_value(level=level, critical=critical)
    weights = [t.n_arm * t.n_control / t.n for t in checked]
    total = math.fsum(weights)
    centre = math.fsum(w * t.difference for w, t in zip(weights, checked, strict=True)) / total

    def score(null: float) -> float:
        variance = math.fsum(
            w * w * restricted_variance(t, null=null, small_sample=small_sample)
            for w, t in zip(weights, checked, strict=True)
        )
        return standardised(total * (centre - null), variance)

    low, high = _invert(score, centre, bound)
    name = "stratified Miettinen-Nurminen score" if small_sample else "stratified Mee score"
    return Interval(low=low, high=high, level=level, method=_named(name, critical))


def critical_value(*, level: float, critical: float | None = None) -> float:
    """The standard normal value at which a two-sided interval inverts its test.

    Args:
        level: Confidence level, in (0, 1).
        critical: The value itself, positive, ``inf`` allowed; wins over ``level``.

    Returns:
        ``critical``, or the two-sided quantile of ``level``.

    Raises:
        InputError: ``level`` is outside (0, 1), or ``critical`` is not positive or is NaN.

    Examples:
        >>> round(critical_value(level=0.95), 6)
        1.959964
    """
    checked = probability(level, "level")
    if critical is None:
        return float(-special.ndtri((1.0 - checked) / 2.0))
    if not critical > 0.0:
        raise InputError("critical must be positive", field="critical", value=critical)
    return float(critical)


def decreasing_root(
    function: Callable[[float], float],
    low: float,
    high: float,
    *,
    at_low: float = math.inf,
    at_high: float = -math.inf,
) -> float:
    """The point where a decreasing function changes sign, to rounding error.

    Interpolates wherever that can be trusted, and bisects elsewhere: a score costs a cubic equation
    a stratum, and thousands of old tests are read at once.

    Args:
        function: Decreasing on (low, high), positive near ``low``, negative near ``high``; it may
            be infinite, and is never called at the ends.
        low: Left end.
        high: Right end, above ``low``.
        at_low: Its value at ``low``, at least 0; infinite when not known.
        at_high: Its value at ``high``, at most 0; infinite when not known.

    Returns:
        The sign change.

    Raises:
        ConvergenceError: The function returned NaN.

    Examples:
        >>> round(decreasing_root(lambda x: 2.0 - x * x, 0.0, 2.0), 12)
        1.414213562373
    """

    def inside(point: float) -> float:
        if point == low:
            return at_low
        return at_high if point == high else function(point)

    return bracketed_root(inside, low, high, routine="decreasing_root", tolerance=_ROUNDING)


def standardised(distance: float, variance: float) -> float:
    """``distance`` in standard errors, with the limits that a score needs at its ends.

    Args:
        distance: Observed minus hypothetical value.
        variance: Its variance, at least 0.

    Returns:
        ``distance / sqrt(variance)``; 0 for no distance; signed infinity for a distance that the
        hypothesis cannot produce (variance 0).

    Examples:
        >>> standardised(-0.5, 0.0625), standardised(0.1, 0.0)
        (-2.0, inf)
    """
    if distance == 0.0:
        return 0.0
    return distance / math.sqrt(variance) if variance > 0.0 else math.copysign(math.inf, distance)


def _two_sided(z: float) -> float:
    return float(2.0 * special.ndtr(-abs(z)))


def _named(name: str, critical: float | None) -> str:
    return name if critical is None else f"{name}, repeated"


def _invert(score: Callable[[float], float], centre: float, bound: float) -> tuple[float, float]:
    """Limits where a decreasing score equals +bound and -bound, inside [-1, 1]."""
    if math.isinf(bound):
        return -1.0, 1.0
    # At a difference of exactly -1 or 1 one side has no room left.
    low, high = -1.0, 1.0
    if centre > -1.0:
        low = decreasing_root(lambda d: score(d) - bound, -1.0, centre, at_high=-bound)
    if centre < 1.0:
        high = decreasing_root(lambda d: score(d) + bound, centre, 1.0, at_low=bound)
    return low, high


def _score(table: TwoByTwo, null: float, *, small_sample: bool) -> float:
    return standardised(
        table.difference - null, restricted_variance(table, null=null, small_sample=small_sample)
    )


def restricted_variance(table: TwoByTwo, *, null: float, small_sample: bool) -> float:
    """Variance of the difference at the most likely rates that differ by ``null``.

    Args:
        table: The counts.
        null: Difference, arm minus control, in [-1, 1].
        small_sample: Times N/(N-1) (Miettinen-Nurminen) or not (Mee, Farrington-Manning).

    Returns:
        The variance; 0 where those rates are all 0 or 1.

    References:
        Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226.

    Examples:
        >>> table = TwoByTwo(successes_control=1, n_control=34, successes_arm=7, n_arm=34)
        >>> round(restricted_variance(table, null=0.0, small_sample=False), 6)
        0.006106
    """
    control = _restricted_rate(table, null)
    arm = min(max(control + null, 0.0), 1.0)
    variance = control * (1.0 - control) / table.n_control + arm * (1.0 - arm) / table.n_arm
    return variance * table.n / (table.n - 1) if small_sample else variance


def _restricted_rate(table: TwoByTwo, null: float) -> float:
    """Most likely rate of the control when the arm's rate is higher by ``null``.

    The root in [max(0, -null), min(1, 1 - null)] of the cubic that Miettinen and Nurminen give.
    Its coefficient of order one holds n and s *of the control*; taking the arm's there is the
    defect of statsmodels (issue 10269), invisible at null = 0.
    """
    n0, n1, s0 = table.n_control, table.n_arm, table.successes_control
    n, s = table.n, table.successes
    c3 = float(n)
    c2 = (n1 + 2.0 * n0) * null - n - s
    c1 = (n0 * null - n - 2.0 * s0) * null + s
    c0 = s0 * null * (1.0 - null)
    low, high = max(0.0, -null), min(1.0, 1.0 - null)
    shift = c2 / (3.0 * c3)
    q = shift**3 - c1 * c2 / (6.0 * c3 * c3) + c0 / (2.0 * c3)
    p = math.copysign(math.sqrt(max(shift * shift - c1 / (3.0 * c3), 0.0)), q)
    cosine = 1.0 if p == 0.0 else min(max(q / p**3, -1.0), 1.0)
    rate = 2.0 * p * math.cos((math.pi + math.acos(cosine)) / 3.0) - shift
    rate = min(max(rate, low), high)
    # Two roots close to 0 cost acos half of its digits; Newton gives them back.
    for _ in range(3):
        value = ((c3 * rate + c2) * rate + c1) * rate + c0
        slope = (3.0 * c3 * rate + 2.0 * c2) * rate + c1
        if slope >= 0.0:
            break
        rate = min(max(rate - value / slope, low), high)
    return rate
