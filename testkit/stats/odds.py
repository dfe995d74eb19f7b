r"""Odds ratios of two arms: score, logit and Mantel-Haenszel intervals.

The odds ratio is the scale on which the exact engine is exact, so its asymptotic relatives are
kept here for comparison. Limits follow :mod:`testkit.stats.intervals`: None where the data set
none. Exact inference on the odds ratio lives in :mod:`testkit.stats.exact_inference`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo, tables
from testkit.stats.effects import Interval, critical_value, standardised
from testkit.stats.intervals import invert_log_scale, quotient

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "PooledOddsRatio",
    "mantel_haenszel_odds_ratio",
    "odds_ratio_logit_interval",
    "odds_ratio_score_interval",
    "rates_at_odds_ratio",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledOddsRatio:
    """An odds ratio that is common to all strata.

    Attributes:
        estimate: Odds of the arm over odds of the control; None when no stratum has the cells.
        interval: Its confidence interval.
    """

    estimate: float | None
    interval: Interval


def odds_ratio_score_interval(
    table: TwoByTwo,
    *,
    level: float = 0.95,
    critical: float | None = None,
    small_sample: bool = False,
) -> Interval:
    """Score interval of the odds ratio, odds of the arm over odds of the control.

    Args:
        table: The counts.
        level: Confidence level, in (0, 1).
        critical: Standard normal value to invert at instead; ``inf`` sets no limit.
        small_sample: Variance times N/(N-1), as Miettinen and Nurminen define it.

    Returns:
        Limits on the odds ratio; ``low`` is 0, or ``high`` None, where a cell of the table is 0.

    Raises:
        InputError: ``level`` or ``critical`` is out of its domain.

    References:
        Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226.

    Examples:
        >>> table = TwoByTwo(successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> interval = odds_ratio_score_interval(table)
        >>> round(interval.low, 4), round(interval.high, 4)
        (1.2847, 5.527)
    """
    bound = critical_value(level=level, critical=critical)
    factor = table.n / (table.n - 1) if small_sample else 1.0
    failures = table.n - table.successes

    def score(log_ratio: float) -> float:
        ratio = math.exp(log_ratio)
        # Success and failure rates apart: 1 - rate would lose a rate next to 1.
        hit = _control_rate(table.n_control, table.n_arm, table.successes, ratio)
        miss = _control_rate(table.n_control, table.n_arm, failures, 1.0 / ratio)
        whole = ratio * hit + miss
        raised, missed = ratio * hit / whole, miss / whole
        spread = table.n_arm * raised * missed
        other = table.n_control * hit * miss
        if spread == 0.0 or other == 0.0:
            return standardised(table.successes_arm - table.n_arm * raised, 0.0)
        variance = factor / (1.0 / spread + 1.0 / other)
        return standardised(table.successes_arm - table.n_arm * raised, variance)

    odds_arm = table.successes_arm * (table.n_control - table.successes_control)
    odds_control = table.successes_control * (table.n_arm - table.successes_arm)
    return invert_log_scale(
        score,
        estimate=quotient(odds_arm, odds_control),
        bound=bound,
        level=level,
        method="odds ratio score" + ("" if critical is None else ", repeated"),
    )


def odds_ratio_logit_interval(table: TwoByTwo, *, level: float = 0.95) -> Interval:
    """Woolf's interval of the odds ratio, from the normal approximation of its logarithm.

    Args:
        table: The counts.
        level: Confidence level, in (0, 1).

    Returns:
        Limits on the odds ratio; both None when a cell of the table is 0.

    Raises:
        InputError: ``level`` is outside (0, 1).

    References:
        Woolf (1955), Annals of Human Genetics 19, 251-253.

    Examples:
        >>> table = TwoByTwo(successes_control=48, n_control=80, successes_arm=56, n_arm=70)
        >>> interval = odds_ratio_logit_interval(table)
        >>> round(interval.low, 4), round(interval.high, 4)
        (1.2762, 5.572)
    """
    z = critical_value(level=level)
    a, b, c, d = _cells(table)
    if min(a, b, c, d) == 0:
        note = "a cell of the table is 0, so the logarithm does not exist"
        return Interval(low=None, high=None, level=level, method="odds ratio logit", note=note)
    error = math.sqrt(1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d)
    centre = math.log(a * d / (b * c))
    return Interval(
        low=math.exp(centre - z * error),
        high=math.exp(centre + z * error),
        level=level,
        method="odds ratio logit",
    )


def mantel_haenszel_odds_ratio(
    strata: Sequence[TwoByTwo], *, level: float = 0.95
) -> PooledOddsRatio:
    """Mantel-Haenszel odds ratio with the Robins-Breslow-Greenland interval.

    Args:
        strata: One table a stratum, at least one.
        level: Confidence level, in (0, 1).

    Returns:
        Estimate and interval; None where no stratum has the cells to say.

    Raises:
        InputError: No strata, or ``level`` is outside (0, 1).

    References:
        Mantel & Haenszel (1959), JNCI 22, 719-748; Robins, Breslow & Greenland (1986),
        Biometrics 42, 311-323.

    Examples:
        >>> waves = [
        ...     TwoByTwo(successes_control=20, n_control=1000, successes_arm=30, n_arm=1000),
        ...     TwoByTwo(successes_control=45, n_control=1000, successes_arm=60, n_arm=1000),
        ...     TwoByTwo(successes_control=9, n_control=500, successes_arm=12, n_arm=500)]
        >>> pooled = mantel_haenszel_odds_ratio(waves)
        >>> round(pooled.estimate, 4), round(pooled.interval.low, 4)
        (1.3973, 1.0295)
    """
    z = critical_value(level=level)
    method = "Mantel-Haenszel, Robins-Breslow-Greenland"
    with_effect = against = both = one = other = 0.0
    for table in tables(strata):
        a, b, c, d = _cells(table)
        r, s = a * d / table.n, b * c / table.n
        p, q = (a + d) / table.n, (b + c) / table.n
        with_effect, against = with_effect + r, against + s
        both, one, other = both + p * s + q * r, one + p * r, other + q * s
    if with_effect == 0.0 or against == 0.0:
        note = "no stratum has successes and failures in the cells that an odds ratio needs"
        estimate = 0.0 if against > 0.0 else None
        missing = Interval(low=None, high=None, level=level, method=method, note=note)
        return PooledOddsRatio(estimate=estimate, interval=missing)
    error = math.sqrt(
        one / (2.0 * with_effect**2)
        + both / (2.0 * with_effect * against)
        + other / (2.0 * against**2)
    )
    centre = math.log(with_effect / against)
    limits = Interval(
        low=math.exp(centre - z * error),
        high=math.exp(centre + z * error),
        level=level,
        method=method,
    )
    return PooledOddsRatio(estimate=with_effect / against, interval=limits)


def rates_at_odds_ratio(
    *, n_control: int, n_arm: int, successes: int, odds_ratio: float
) -> tuple[float, float]:
    """The pair of rates with a given odds ratio that yields the successes seen in all.

    Args:
        n_control: Units of the control, at least 1.
        n_arm: Units of the arm, at least 1.
        successes: Successes of both arms, 0 <= successes <= n_control + n_arm.
        odds_ratio: Odds of the arm over odds of the control, at least 0, ``inf`` allowed.

    Returns:
        Rate of the control and rate of the arm, with
        ``n_control * control + n_arm * arm = successes``. They are also the most likely rates
        under that odds ratio, however the successes are split.

    Raises:
        InputError: ``odds_ratio`` is negative or NaN.

    References:
        Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226 (odds ratio).

    Examples:
        >>> rates_at_odds_ratio(n_control=100, n_arm=100, successes=30, odds_ratio=1.0)
        (0.15, 0.15)
    """
    if not odds_ratio >= 0.0:
        raise InputError("odds_ratio must be at least 0", field="odds_ratio", value=odds_ratio)
    n = n_control + n_arm
    if odds_ratio == 0.0:
        control = min(1.0, successes / n_control)
        return control, max(0.0, (successes - n_control) / n_arm)
    if math.isinf(odds_ratio):
        return max(0.0, (successes - n_arm) / n_control), min(1.0, successes / n_arm)
    hit = _control_rate(n_control, n_arm, successes, odds_ratio)
    miss = _control_rate(n_control, n_arm, n - successes, 1.0 / odds_ratio)
    return hit, odds_ratio * hit / (odds_ratio * hit + miss)


def _cells(table: TwoByTwo) -> tuple[int, int, int, int]:
    """Successes and failures of the arm, then of the control."""
    return (
        table.successes_arm,
        table.n_arm - table.successes_arm,
        table.successes_control,
        table.n_control - table.successes_control,
    )


def _control_rate(n_control: int, n_arm: int, events: int, odds_ratio: float) -> float:
    """Most likely event rate of the control when the odds of the arm are ``odds_ratio`` times its.

    ``events`` are those of both arms: the successes, or the failures with the inverse ratio.
    """
    a = n_control * (odds_ratio - 1.0)
    b = (n_arm - events) * odds_ratio + n_control + events
    root = math.sqrt(b * b + 4.0 * a * events)
    # Two forms of the same root: each keeps its digits where the other cancels.
    return 2.0 * events / (b + root) if b > 0.0 else (root - b) / (2.0 * a)
