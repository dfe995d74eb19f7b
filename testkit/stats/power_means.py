"""Fixed-sample planning for means: gifts, minutes, scores.

Student's or Welch's t-test by the noncentral t distribution. Money has heavy tails; what a plan
promises here holds for the winsorised or log scale that the plan names, or for many gifts per arm.
As in :mod:`testkit.stats.power`, power counts rejections on the side of the effect only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from scipy.optimize import brentq
from scipy.special import nctdtr, ndtr, stdtrit

from testkit.errors import InputError
from testkit.stats import domain
from testkit.stats.power import SampleSize, checked_inflation, tail_level

__all__ = ["mde_means", "n_means", "power_means"]

_LARGEST_N: Final = 1e15  # beyond any list; a search that gets here has no answer


def n_means(
    *,
    difference: float,
    sd: float,
    sd_treatment: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    sides: Literal[1, 2] = 2,
    ratio: float = 1.0,
    null: float = 0.0,
    inflation: float = 1.0,
) -> SampleSize:
    """Recipients needed to show a difference of means, by Student's or Welch's t-test.

    Args:
        difference: Treatment mean minus control mean that the test must find, in the unit of the
            measurement.
        sd: Standard deviation within the control arm, same unit, > 0.
        sd_treatment: Standard deviation within the treatment arm; None means the same as ``sd``
            (Student's t). Given, the test is Welch's with Satterthwaite's degrees of freedom.
        power: Probability of a rejection on the side of the effect, in (0, 1).
        alpha: Total type I error, in (0, 1).
        sides: 1 or 2.
        ratio: Recipients of the treatment arm per recipient of the control arm, > 0.
        null: Difference under the null, same unit; a non-inferiority margin goes here.
        inflation: Longest path of the design over the fixed sample, >= 1.

    Returns:
        Recipients per arm, before rounding.

    Raises:
        InputError: A value is outside its domain, or ``difference`` equals ``null``.

    References:
        Cohen (1988), Statistical Power Analysis, ch. 2 (noncentral t).

    Examples:
        >>> n_means(difference=0.5, sd=1).whole
        (64, 64)
    """
    plan = _MeanPlan.checked(
        sd=sd, sd_treatment=sd_treatment, alpha=alpha, sides=sides, ratio=ratio
    )
    distance = abs(domain.finite(difference, "difference") - domain.finite(null, "null"))
    if distance == 0:
        raise InputError(
            f"difference {difference!r} equals the null, so no sample can show it",
            field="difference",
            value=difference,
            hint="give the smallest difference worth acting on",
        )
    goal = domain.probability(power, "power")

    def missing(log_n: float) -> float:
        return plan.power(distance, math.exp(log_n)) - goal

    low, high = math.log(plan.fewest), math.log(_LARGEST_N)
    if missing(low) >= 0:
        n = plan.fewest
    elif missing(high) < 0:
        raise InputError(
            f"difference {difference!r} would need more than {_LARGEST_N:.0e} recipients",
            field="difference",
            value=difference,
        )
    else:
        n = math.exp(float(brentq(missing, low, high, xtol=1e-13, rtol=1e-13)))
    n *= checked_inflation(inflation)
    return SampleSize(control=n, treatment=n * plan.ratio)


def power_means(
    *,
    n_control: float,
    difference: float,
    sd: float,
    sd_treatment: float | None = None,
    alpha: float = 0.05,
    sides: Literal[1, 2] = 2,
    ratio: float = 1.0,
    null: float = 0.0,
    inflation: float = 1.0,
) -> float:
    """Probability that a t-test of this size rejects on the side of the effect.

    Args:
        n_control: Recipients of the control arm; both arms together need more than 2.
        difference: Treatment mean minus control mean, in the unit of the measurement.
        sd: Standard deviation within the control arm, same unit, > 0.
        sd_treatment: Standard deviation within the treatment arm; None means the same.
        alpha: Total type I error, in (0, 1).
        sides: 1 or 2.
        ratio: Recipients of the treatment arm per recipient of the control arm, > 0.
        null: Difference under the null, same unit.
        inflation: Longest path of the design over the fixed sample, >= 1.

    Returns:
        A probability in (0, 1).

    Raises:
        InputError: A value is outside its domain.

    References:
        Cohen (1988), Statistical Power Analysis, ch. 2 (noncentral t).

    Examples:
        >>> round(power_means(n_control=64, difference=0.5, sd=1), 4)
        0.8015
    """
    plan = _MeanPlan.checked(
        sd=sd, sd_treatment=sd_treatment, alpha=alpha, sides=sides, ratio=ratio
    )
    n = domain.positive(n_control, "n_control") / checked_inflation(inflation)
    if n < plan.fewest:
        raise InputError(
            f"n_control {n_control!r} leaves no degrees of freedom for a t-test",
            field="n_control",
            value=n_control,
            hint=f"at least {plan.fewest:.3g}",
        )
    return plan.power(abs(domain.finite(difference, "difference") - domain.finite(null, "null")), n)


def mde_means(
    *,
    n_control: float,
    sd: float,
    sd_treatment: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    sides: Literal[1, 2] = 2,
    ratio: float = 1.0,
    inflation: float = 1.0,
) -> float:
    """Smallest difference of means that a t-test of this size detects with the asked power.

    Args:
        n_control: Recipients of the control arm; both arms together need more than 2.
        sd: Standard deviation within the control arm, in the unit of the measurement, > 0.
        sd_treatment: Standard deviation within the treatment arm; None means the same.
        power: Probability of a rejection on the side of the effect, above the test's level.
        alpha: Total type I error, in (0, 1).
        sides: 1 or 2.
        ratio: Recipients of the treatment arm per recipient of the control arm, > 0.
        inflation: Longest path of the design over the fixed sample, >= 1.

    Returns:
        A difference > 0, in the unit of ``sd``.

    Raises:
        InputError: A value is outside its domain.

    References:
        The inverse of :func:`power_means`, by Brent's method.

    Examples:
        >>> round(mde_means(n_control=64, sd=1), 4)
        0.4991
    """
    plan = _MeanPlan.checked(
        sd=sd, sd_treatment=sd_treatment, alpha=alpha, sides=sides, ratio=ratio
    )
    n = domain.positive(n_control, "n_control") / checked_inflation(inflation)
    goal = domain.probability(power, "power")
    if n < plan.fewest:
        raise InputError(
            f"n_control {n_control!r} leaves no degrees of freedom for a t-test",
            field="n_control",
            value=n_control,
            hint=f"at least {plan.fewest:.3g}",
        )
    if goal <= plan.power(0.0, n):
        raise InputError(
            f"power {power!r} is less than a test of level {alpha!r} has without data",
            field="power",
            value=power,
        )
    unit = plan.standard_error(n)
    high = 10.0
    while plan.power(high * unit, n) < goal:
        high *= 2  # few degrees of freedom: the t quantile is far out
    found = brentq(lambda d: plan.power(d * unit, n) - goal, 0.0, high, xtol=1e-13, rtol=1e-13)
    return float(found) * unit


@dataclass(frozen=True, slots=True, kw_only=True)
class _MeanPlan:
    """A two-arm t-test with everything but the difference and n."""

    variance: float
    variance_treatment: float
    welch: bool
    tail: float
    ratio: float

    @classmethod
    def checked(
        cls, *, sd: float, sd_treatment: float | None, alpha: float, sides: int, ratio: float
    ) -> _MeanPlan:
        control = domain.positive(sd, "sd")
        treatment = (
            control if sd_treatment is None else domain.positive(sd_treatment, "sd_treatment")
        )
        return cls(
            variance=control**2,
            variance_treatment=treatment**2,
            welch=sd_treatment is not None,
            tail=tail_level(alpha, sides=sides),
            ratio=domain.positive(ratio, "ratio"),
        )

    @property
    def fewest(self) -> float:
        """Control recipients below which there are no degrees of freedom left."""
        hair = 1 + 1e-6
        return hair * (max(1.0, 1.0 / self.ratio) if self.welch else 2.0 / (1 + self.ratio))

    def standard_error(self, n: float) -> float:
        """Standard error of the difference, in the unit of the measurement."""
        return math.sqrt(self.variance / n + self.variance_treatment / (n * self.ratio))

    def freedom(self, n: float) -> float:
        """Degrees of freedom: pooled, or Satterthwaite's for Welch's test."""
        m = n * self.ratio
        if not self.welch:
            return n + m - 2
        va, vb = self.variance / n, self.variance_treatment / m
        return (va + vb) ** 2 / (va**2 / (n - 1) + vb**2 / (m - 1))

    def power(self, distance: float, n: float) -> float:
        """Probability that t exceeds its critical value when the difference is ``distance``."""
        df = self.freedom(n)
        shift = distance / self.standard_error(n)
        critical = float(stdtrit(df, 1 - self.tail))
        if df > 1e6:  # the noncentral t is normal to 1e-7 here, and its series slow
            return float(ndtr(shift - critical))
        value = float(nctdtr(df, shift, critical))
        if math.isnan(value):  # far in the tail the series underflows; the normal bound is exact
            value = 0.0 if shift > critical else 1.0
        return 1.0 - value
