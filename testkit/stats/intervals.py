r"""Intervals beside the difference: one rate, ratio of rates, lift, ratio of event rates.

The interval of the difference that our reports print is
:func:`testkit.stats.effects.miettinen_nurminen`. Here are the other scales, and the two older
difference intervals (Wald, Agresti-Caffo) that other tools print, for comparison with them only.

A limit that the data do not set is None, with the reason in the interval's ``note``: a ratio has
no upper limit when the control has no success. A ratio of 0 is a limit, not a missing one.

What must not live here: tests, decisions, odds ratios (:mod:`testkit.stats.odds`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from scipy import special

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo
from testkit.stats.domain import finite, probability, successes_of, whole
from testkit.stats.effects import Interval, critical_value, decreasing_root, standardised

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "agresti_caffo",
    "clopper_pearson",
    "event_rate_ratio_interval",
    "invert_log_scale",
    "lift_interval",
    "newcombe",
    "quotient",
    "ratio_log_interval",
    "ratio_score_interval",
    "wald_difference",
    "wilson",
]

# Searches on a log scale end here: e**150 is no ratio that counts can show.
_LOG_RANGE: Final = 150.0
_NO_SUCCESS: Final = "neither arm has a success, so the data say nothing about a ratio"
_NO_UPPER: Final = "the control has no success, so the data set no upper limit"


def wilson(*, successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson score interval of one rate, without continuity correction.

    Args:
        successes: Units with the outcome, 0 <= successes <= n.
        n: Units, at least 1.
        level: Confidence level, in (0, 1).

    Returns:
        Limits in [0, 1].

    Raises:
        InputError: A value is out of its domain.

    References:
        Wilson (1927), JASA 22, 209-212.

    Examples:
        >>> interval = wilson(successes=15, n=50)
        >>> round(interval.low, 5), round(interval.high, 5)
        (0.19104, 0.4375)
    """
    checked, units = successes_of(successes, n)
    low, high = _wilson(checked, units, critical_value(level=level))
    return Interval(low=low, high=high, level=level, method="Wilson score")


def clopper_pearson(*, successes: int, n: int, level: float = 0.95) -> Interval:
    """Exact (Clopper-Pearson) interval of one rate; covers at least ``level``.

    Args:
        successes: Units with the outcome, 0 <= successes <= n.
        n: Units, at least 1.
        level: Confidence level, in (0, 1).

    Returns:
        Limits in [0, 1].

    Raises:
        InputError: A value is out of its domain.

    References:
        Clopper & Pearson (1934), Biometrika 26, 404-413.

    Examples:
        >>> interval = clopper_pearson(successes=1, n=20)
        >>> round(interval.low, 6), round(interval.high, 6)
        (0.001265, 0.248733)
    """
    checked, units = successes_of(successes, n)
    tail = (1.0 - probability(level, "level")) / 2.0
    low, high = _clopper_pearson(checked, units, tail)
    return Interval(low=low, high=high, level=level, method="Clopper-Pearson exact")


def newcombe(table: TwoByTwo, *, level: float = 0.95) -> Interval:
    """Hybrid score interval of a difference of rates, from two Wilson intervals.

    Args:
        table: The counts.
        level: Confidence level, in (0, 1).

    Returns:
        Limits on the difference, arm minus control.

    Raises:
        InputError: ``level`` is outside (0, 1).

    References:
        Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.

    Examples:
        >>> table = TwoByTwo(successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> interval = newcombe(table)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.0524, 0.3339)
    """
    z = critical_value(level=level)
    low_c, high_c = _wilson(table.successes_control, table.n_control, z)
    low_a, high_a = _wilson(table.successes_arm, table.n_arm, z)
    down = math.hypot(table.rate_arm - low_a, high_c - table.rate_control)
    up = math.hypot(high_a - table.rate_arm, table.rate_control - low_c)
    return Interval(
        low=table.difference - down,
        high=table.difference + up,
        level=level,
        method="Newcombe hybrid score",
    )


def wald_difference(table: TwoByTwo, *, level: float = 0.95) -> Interval:
    """Wald interval of a difference of rates: what most tools print; too narrow for rare outcomes.

    For comparison with other systems only.

    Args:
        table: The counts.
        level: Confidence level, in (0, 1).

    Returns:
        Limits on the difference; None on both sides when no unit or every unit of both arms has
        the outcome, where the formula would claim certainty.

    Raises:
        InputError: ``level`` is outside (0, 1).

    References:
        Newcombe (1998), Statistics in Medicine 17, 873-890, method 1.

    Examples:
        >>> table = TwoByTwo(successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> interval = wald_difference(table)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.0575, 0.3425)
    """
    z = critical_value(level=level)
    variance = sum(
        rate * (1.0 - rate) / n
        for rate, n in ((table.rate_arm, table.n_arm), (table.rate_control, table.n_control))
    )
    if variance == 0.0:
        note = "no spread inside either arm, where Wald's formula would claim certainty"
        return Interval(low=None, high=None, level=level, method="Wald", note=note)
    half = z * math.sqrt(variance)
    return Interval(
        low=table.difference - half, high=table.difference + half, level=level, method="Wald"
    )


def agresti_caffo(table: TwoByTwo, *, level: float = 0.95) -> Interval:
    """Wald interval after adding one success and one failure to each arm.

    For comparison with other systems only.

    Args:
        table: The counts.
        level: Confidence level, in (0, 1).

    Returns:
        Limits on the difference, arm minus control.

    Raises:
        InputError: ``level`` is outside (0, 1).

    References:
        Agresti & Caffo (2000), The American Statistician 54, 280-288.

    Examples:
        >>> table = TwoByTwo(successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> interval = agresti_caffo(table)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.0525, 0.3358)
    """
    padded = TwoByTwo(
        successes_control=table.successes_control + 1,
        n_control=table.n_control + 2,
        successes_arm=table.successes_arm + 1,
        n_arm=table.n_arm + 2,
    )
    wald = wald_difference(padded, level=level)
    return Interval(low=wald.low, high=wald.high, level=level, method="Agresti-Caffo")


def ratio_score_interval(
    table: TwoByTwo,
    *,
    level: float = 0.95,
    critical: float | None = None,
    small_sample: bool = False,
) -> Interval:
    """Score interval (Koopman) of the ratio of two rates, arm over control.

    Args:
        table: The counts.
        level: Confidence level, in (0, 1).
        critical: Standard normal value to invert at instead, such as the boundary of a look;
            ``inf`` sets no limit.
        small_sample: Variance times N/(N-1), as Miettinen and Nurminen define it.

    Returns:
        Limits on the ratio. It leaves out 1 exactly when the pooled z with the same
        ``small_sample`` is beyond the critical value. ``high`` is None when the control has no
        success, ``low`` is 0 when the arm has none.

    Raises:
        InputError: ``level`` or ``critical`` is out of its domain.

    References:
        Koopman (1984), Biometrics 40, 513-517; Miettinen & Nurminen (1985), Statistics in
        Medicine 4, 213-226.

    Examples:
        >>> table = TwoByTwo(successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> interval = ratio_score_interval(table)
        >>> round(interval.low, 4), round(interval.high, 4)
        (1.0798, 1.6708)
    """
    bound = critical_value(level=level, critical=critical)
    factor = table.n / (table.n - 1) if small_sample else 1.0

    def score(log_ratio: float) -> float:
        ratio = math.exp(log_ratio)
        a = table.n * ratio
        b = (table.n_arm + table.successes_control) * ratio + table.successes_arm + table.n_control
        rate = 2.0 * table.successes / (b + math.sqrt(max(b * b - 4.0 * a * table.successes, 0.0)))
        raised = min(ratio * rate, 1.0)
        spread = raised * (1.0 - raised) / table.n_arm
        spread += ratio * ratio * rate * (1.0 - rate) / table.n_control
        return standardised(table.rate_arm - ratio * table.rate_control, factor * spread)

    return invert_log_scale(
        score,
        estimate=quotient(table.rate_arm, table.rate_control),
        bound=bound,
        level=level,
        method="Koopman score" + ("" if critical is None else ", repeated"),
    )


def lift_interval(
    table: TwoByTwo,
    *,
    level: float = 0.95,
    critical: float | None = None,
    small_sample: bool = False,
) -> Interval:
    """Score interval of the lift, (arm - control) / control: Koopman's ratio minus one.

    Args:
        table: The counts.
        level: Confidence level, in (0, 1).
        critical: Standard normal value to invert at instead, such as the boundary of a look.
        small_sample: Variance times N/(N-1).

    Returns:
        Limits on the lift, at least -1; None where :func:`ratio_score_interval` sets no limit.

    Raises:
        InputError: ``level`` or ``critical`` is out of its domain.

    References:
        Koopman (1984), Biometrics 40, 513-517.

    Examples:
        >>> table = TwoByTwo(successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> round(lift_interval(table).low, 4)
        0.0798
    """
    ratio = ratio_score_interval(table, level=level, critical=critical, small_sample=small_sample)
    return Interval(
        low=None if ratio.low is None else ratio.low - 1.0,
        high=None if ratio.high is None else ratio.high - 1.0,
        level=level,
        method=ratio.method,
        note=ratio.note,
    )


def ratio_log_interval(table: TwoByTwo, *, level: float = 0.95) -> Interval:
    """Interval of the ratio of two rates from the normal approximation of its logarithm.

    Args:
        table: The counts.
        level: Confidence level, in (0, 1).

    Returns:
        Limits on the ratio, arm over control; both None when an arm has no success.

    Raises:
        InputError: ``level`` is outside (0, 1).

    References:
        Katz, Baptista, Azen & Pike (1978), Biometrics 34, 469-474.

    Examples:
        >>> table = TwoByTwo(successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> interval = ratio_log_interval(table)
        >>> round(interval.low, 4), round(interval.high, 4)
        (1.0766, 1.6512)
    """
    z = critical_value(level=level)
    if min(table.successes_control, table.successes_arm) == 0:
        note = "an arm has no success, so the logarithm does not exist"
        return Interval(low=None, high=None, level=level, method="log ratio", note=note)
    error = math.sqrt(
        (1.0 - table.rate_arm) / table.successes_arm
        + (1.0 - table.rate_control) / table.successes_control
    )
    centre = math.log(table.rate_arm / table.rate_control)
    return Interval(
        low=math.exp(centre - z * error),
        high=math.exp(centre + z * error),
        level=level,
        method="log ratio",
    )


def event_rate_ratio_interval(
    *,
    events_control: int,
    exposure_control: float,
    events_arm: int,
    exposure_arm: float,
    level: float = 0.95,
) -> Interval:
    """Exact interval of the ratio of two Poisson rates, arm over control.

    For events that one unit may cause many times (calls per mobile hour, clicks per thousand
    impressions): given all events, those of the arm are binomial, and the Clopper-Pearson limits
    of that share map to the ratio.

    Args:
        events_control: Events of the control, at least 0.
        exposure_control: Exposure of the control (hours, impressions ...), positive.
        events_arm: Events of the arm, at least 0.
        exposure_arm: Exposure of the arm in the same unit, positive.
        level: Confidence level, in (0, 1).

    Returns:
        Limits on the ratio; ``high`` is None when the control has no event.

    Raises:
        InputError: A value is out of its domain.

    References:
        Przyborowski & Wilenski (1940), Biometrika 31, 313-323 (conditional test); limits by
        Clopper & Pearson (1934), Biometrika 26, 404-413.

    Examples:
        >>> interval = event_rate_ratio_interval(
        ...     events_control=5, exposure_control=5000, events_arm=15, exposure_arm=5000)
        >>> round(interval.low, 4), round(interval.high, 4)
        (1.0365, 10.5511)
    """
    control = whole(events_control, "events_control", at_least=0)
    arm = whole(events_arm, "events_arm", at_least=0)
    exposures = []
    for field, value in (("exposure_control", exposure_control), ("exposure_arm", exposure_arm)):
        exposure = finite(value, field=field)
        if exposure <= 0.0:
            raise InputError(f"{field} must be positive", field=field, value=value)
        exposures.append(exposure)
    method = "conditional exact (Poisson)"
    tail = (1.0 - probability(level, "level")) / 2.0
    if control + arm == 0:
        return Interval(low=0.0, high=None, level=level, method=method, note=_NO_SUCCESS)
    low, high = _clopper_pearson(arm, control + arm, tail)
    scale = exposures[0] / exposures[1]
    return Interval(
        low=scale * low / (1.0 - low),
        high=scale * high / (1.0 - high) if control else None,
        level=level,
        method=method,
        note="" if control else _NO_UPPER,
    )


def invert_log_scale(
    score: Callable[[float], float],
    *,
    estimate: float | None,
    bound: float,
    level: float,
    method: str,
) -> Interval:
    """Interval of a ratio by inverting a score on the log scale.

    Args:
        score: Score z as a decreasing function of the logarithm of the hypothetical ratio.
        estimate: Ratio where the score is 0; ``inf`` allowed; None when the data say nothing.
        bound: Value of the score at the limits, positive, ``inf`` allowed.
        level: Confidence level that is promised.
        method: Name for the report.

    Returns:
        The interval; a limit at 0 is given as 0, one at infinity as None with a note.

    Examples:
        >>> limits = invert_log_scale(lambda x: -x, estimate=1.0, bound=2.0, level=0.95, method="")
        >>> round(math.log(limits.low), 6), round(math.log(limits.high), 6)
        (-2.0, 2.0)
    """
    if estimate is None:
        return Interval(low=0.0, high=None, level=level, method=method, note=_NO_SUCCESS)
    if math.isinf(bound):
        note = "nothing may be spent yet, so there is no limit"
        return Interval(low=0.0, high=None, level=level, method=method, note=note)
    inner = math.log(estimate) if 0.0 < estimate < math.inf else None
    low, high, note = 0.0, None, ""
    if estimate > 0.0:
        end = _LOG_RANGE if inner is None else inner
        low = math.exp(decreasing_root(lambda x: score(x) - bound, -_LOG_RANGE, end))
    if estimate < math.inf:
        start = -_LOG_RANGE if inner is None else inner
        high = math.exp(decreasing_root(lambda x: score(x) + bound, start, _LOG_RANGE))
    else:
        note = "a cell of the table is 0, so the data set no upper limit"
    return Interval(low=low, high=high, level=level, method=method, note=note)


def quotient(top: float, bottom: float) -> float | None:
    """A ratio of counts or rates with its limits: ``inf`` for n/0, None for 0/0.

    Args:
        top: Numerator, at least 0.
        bottom: Denominator, at least 0.

    Returns:
        The ratio.

    Examples:
        >>> quotient(3, 2), quotient(3, 0), quotient(0, 0)
        (1.5, inf, None)
    """
    if bottom > 0.0:
        return top / bottom
    return math.inf if top > 0.0 else None


def _wilson(successes: int, n: int, z: float) -> tuple[float, float]:
    # The exact ends keep rounding from putting a limit of 1e-18 where the formula gives 0.
    rate, z2 = successes / n, z * z
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return (
        0.0 if successes == 0 else centre - half,
        1.0 if successes == n else centre + half,
    )


def _clopper_pearson(successes: int, n: int, tail: float) -> tuple[float, float]:
    low = special.betaincinv(successes, n - successes + 1, tail) if successes else 0.0
    high = special.betainccinv(successes + 1, n - successes, tail) if successes < n else 1.0
    return float(low), float(high)
