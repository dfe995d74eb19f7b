"""Fixed-sample planning: how many recipients, what power, what smallest effect.

For rates, by the normal approximation with the variance of the score test, the Wald test or the
arcsine transform (means: :mod:`testkit.stats.power_means`). Superiority and non-inferiority are
the same question with another null value. Group-sequential and anytime designs enter through one
number, ``inflation``: how many times the fixed sample their longest path needs (from the design's
own module).

Power counts rejections on the side of the effect only. A two-sided test that rejects on the wrong
side has not found the effect, so that tail is left out, as in R's ``power.prop.test``.

Notation: control rate a, treatment rate b, ``ratio`` = n_treatment / n_control.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from testkit.errors import InputError
from testkit.stats import domain

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "RateTest",
    "SampleSize",
    "Scale",
    "checked_inflation",
    "mde_rates",
    "n_rates",
    "power_rates",
    "restricted_rates",
    "smallest_margin",
    "tail_level",
]

RateTest = Literal["score", "wald", "baseline", "arcsine"]
Scale = Literal["difference", "ratio", "odds"]

_TESTS: Final = ("score", "wald", "baseline", "arcsine")
_SCALES: Final = ("difference", "ratio", "odds")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """Recipients that a design needs, before rounding.

    Attributes:
        control: Recipients of the control arm, a real number.
        treatment: Recipients of the treatment arm, a real number.
    """

    control: float
    treatment: float

    @property
    def total(self) -> float:
        """Recipients of both arms, before rounding."""
        return self.control + self.treatment

    @property
    def whole(self) -> tuple[int, int]:
        """Recipients per arm (control, treatment), each rounded up."""
        # 1e-9 relative: 25.000000001 recipients out of floating point are 25
        return (
            math.ceil(self.control * (1 - 1e-12) - 1e-9),
            math.ceil(self.treatment * (1 - 1e-12) - 1e-9),
        )


def restricted_rates(
    *, control: float, treatment: float, null: float, scale: Scale = "difference", ratio: float = 1
) -> tuple[float, float]:
    """Most likely rates under the null, for large samples that show the given rates.

    Args:
        control: Rate of the control arm that the sample would show, 0 <= rate <= 1.
        treatment: Rate of the treatment arm that the sample would show, 0 <= rate <= 1.
        null: Effect under the null on ``scale``: a difference in (-1, 1), a ratio or odds > 0.
        scale: ``difference`` (b - a), ``ratio`` (b / a) or ``odds`` (odds ratio of b to a).
        ratio: Recipients of the treatment arm per recipient of the control arm, > 0.

    Returns:
        The rates (control, treatment) that maximise the binomial likelihood subject to the null.

    Raises:
        InputError: A value is outside its domain.

    References:
        Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226; Farrington & Manning
        (1990), Statistics in Medicine 9, 1447-1454. The cubic of the difference is solved here as
        the one root of its derivative-monotone score, by bisection to machine precision.

    Examples:
        >>> restricted_rates(control=0.1, treatment=0.12, null=0.0)
        (0.11, 0.11)
        >>> a, b = restricted_rates(control=0.1, treatment=0.1, null=0.02)
        >>> round(b - a, 12)
        0.02
    """
    a, b = domain.rate(control, "control"), domain.rate(treatment, "treatment")
    r = domain.positive(ratio, "ratio")
    null = _null_value(null, scale)
    pooled = (a + r * b) / (1 + r)
    if null == _no_effect(scale):
        return pooled, pooled
    if scale == "ratio":
        # R (1 + r) x^2 - (1 + a R + r b + r R) x + a + r b = 0, the smaller root
        quad = null * (1 + r)
        lin = 1 + a * null + r * b + r * null
        # written for the smaller root without cancellation
        x = 2 * (a + r * b) / (lin + math.sqrt(lin * lin - 4 * quad * (a + r * b)))
        return x, min(null * x, 1.0)
    if scale == "odds":

        def total(x: float) -> float:
            return x + r * _shift_odds(x, null) - (a + r * b)

        if pooled in (0.0, 1.0):
            return pooled, pooled
        x = float(brentq(total, 0.0, 1.0, xtol=1e-16, rtol=8.9e-16))
        return x, _shift_odds(x, null)
    low, high = max(0.0, -null), min(1.0, 1.0 - null)

    def score(x: float) -> float:
        # each arm's score times x(1-x)y(1-y) > 0, so that the ends of the range are finite
        y = x + null
        return (a - x) * y * (1 - y) + r * (b - y) * x * (1 - x)

    x = _root_between(score, low, high)
    return x, x + null


def n_rates(
    *,
    control: float,
    treatment: float,
    power: float = 0.8,
    alpha: float = 0.05,
    sides: Literal[1, 2] = 2,
    ratio: float = 1.0,
    null: float | None = None,
    scale: Scale = "difference",
    test: RateTest = "score",
    inflation: float = 1.0,
) -> SampleSize:
    """Recipients needed to show the effect of ``treatment`` over ``control``, for rates.

    Args:
        control: Rate of the control arm, 0 < rate < 1.
        treatment: Rate of the treatment arm that the test must find, 0 < rate < 1.
        power: Probability of a rejection on the side of the effect, in (0, 1).
        alpha: Total type I error, in (0, 1); half of it goes to each side when ``sides`` is 2.
        sides: 1 for one-sided (non-inferiority, harm), 2 for two-sided.
        ratio: Recipients of the treatment arm per recipient of the control arm, > 0.
        null: Effect under the null on ``scale``; None means no effect. A non-inferiority margin
            goes here: complaints may rise by at most 0.1 points is ``null=0.001, sides=1``.
        scale: ``difference``, ``ratio`` or ``odds`` (log odds ratio).
        test: ``score`` (variance under the null: pooled without margin, Farrington-Manning with
            one), ``wald`` (variance under the effect on both ends), ``baseline`` (null variance of
            two arms at the control's rate, as popular web calculators do), or ``arcsine``
            (Cohen's h). The last two know no margin and no other scale.
        inflation: Longest path of the design over the fixed sample, >= 1; 1 for one look.

    Returns:
        Recipients per arm, before rounding.

    Raises:
        InputError: A value is outside its domain, the effect equals the null, or ``arcsine`` or
            ``baseline`` was asked for a margin or another scale.

    References:
        Farrington & Manning (1990), Statistics in Medicine 9, 1447-1454; Fleiss, Levin & Paik
        (2003), Statistical Methods for Rates and Proportions, ch. 4; Cohen (1988), ch. 6.

    Examples:
        >>> n_rates(control=0.20, treatment=0.25).whole
        (1094, 1094)
        >>> n_rates(control=0.002, treatment=0.002, null=0.001, sides=1, test="wald").whole
        (24681, 24681)
    """
    plan = _RatePlan.checked(
        control=control, alpha=alpha, sides=sides, ratio=ratio, null=null, scale=scale, test=test
    )
    b = domain.probability(treatment, "treatment")
    distance, sd_null, sd_effect = plan.moments(b)
    if distance == 0:
        raise InputError(
            f"treatment {treatment!r} is no effect against the null, so no sample can show it",
            field="treatment",
            value=treatment,
            hint="give the smallest effect worth acting on",
        )
    z_power = float(ndtri(domain.probability(power, "power")))
    root = (plan.z_alpha * sd_null + z_power * sd_effect) / abs(distance)
    if root <= 0:
        raise InputError(
            f"power {power!r} is less than a test of level {alpha!r} has without data",
            field="power",
            value=power,
        )
    n = root**2 * checked_inflation(inflation)
    return SampleSize(control=n, treatment=n * plan.ratio)


def power_rates(
    *,
    n_control: float,
    control: float,
    treatment: float,
    alpha: float = 0.05,
    sides: Literal[1, 2] = 2,
    ratio: float = 1.0,
    null: float | None = None,
    scale: Scale = "difference",
    test: RateTest = "score",
    inflation: float = 1.0,
) -> float:
    """Probability that a test of this size rejects on the side of the effect, for rates.

    Args:
        n_control: Recipients of the control arm, > 0.
        control: Rate of the control arm, 0 < rate < 1.
        treatment: Rate of the treatment arm, 0 < rate < 1; equal to the null it gives the
            type I error of one side (the upper).
        alpha: Total type I error, in (0, 1).
        sides: 1 or 2.
        ratio: Recipients of the treatment arm per recipient of the control arm, > 0.
        null: Effect under the null on ``scale``; None means no effect.
        scale: ``difference``, ``ratio`` or ``odds``.
        test: ``score``, ``wald``, ``baseline`` or ``arcsine``, as in :func:`n_rates`.
        inflation: Longest path of the design over the fixed sample, >= 1.

    Returns:
        A probability in (0, 1).

    Raises:
        InputError: A value is outside its domain.

    References:
        As :func:`n_rates`.

    Examples:
        >>> round(power_rates(n_control=1030, control=0.20, treatment=0.25), 3)
        0.776
    """
    plan = _RatePlan.checked(
        control=control, alpha=alpha, sides=sides, ratio=ratio, null=null, scale=scale, test=test
    )
    n = domain.positive(n_control, "n_control") / checked_inflation(inflation)
    return plan.power(domain.probability(treatment, "treatment"), n)


def mde_rates(
    *,
    n_control: float,
    control: float,
    power: float = 0.8,
    alpha: float = 0.05,
    sides: Literal[1, 2] = 2,
    ratio: float = 1.0,
    test: RateTest = "score",
    direction: Literal["up", "down"] = "up",
    inflation: float = 1.0,
) -> float | None:
    """Smallest change of the rate that a test of this size detects with the asked power.

    Args:
        n_control: Recipients of the control arm, > 0.
        control: Rate of the control arm, 0 < rate < 1.
        power: Probability of a rejection on the side of the effect, in (0, 1).
        alpha: Total type I error, in (0, 1).
        sides: 1 or 2.
        ratio: Recipients of the treatment arm per recipient of the control arm, > 0.
        test: ``score``, ``wald``, ``baseline`` or ``arcsine``, as in :func:`n_rates`.
        direction: ``up`` for a rise of the rate, ``down`` for a fall.
        inflation: Longest path of the design over the fixed sample, >= 1.

    Returns:
        Treatment rate minus control rate (negative for ``down``), or None when no rate between 0
        and 1 would be detected: the list is too small to learn anything about this rate.

    Raises:
        InputError: A value is outside its domain.

    References:
        The inverse of :func:`n_rates`, by Brent's method.

    Examples:
        >>> round(mde_rates(n_control=1000, control=0.10), 6)
        0.040745
        >>> mde_rates(n_control=20, control=0.01, direction="down") is None
        True
    """
    plan = _RatePlan.checked(
        control=control, alpha=alpha, sides=sides, ratio=ratio, null=None, scale="difference",
        test=test,
    )  # fmt: skip
    goal = domain.probability(power, "power")
    n = domain.positive(n_control, "n_control") / checked_inflation(inflation)
    domain.one_of(direction, "direction", allowed=("up", "down"))
    # A hair from 0 and 1: at the end itself a rate has no variance and the formula divides by it.
    end = 1 - 1e-12 if direction == "up" else 1e-12 * plan.control

    def missing(b: float) -> float:
        return plan.power(b, n) - goal

    if missing(end) < 0:
        return None
    if missing(plan.control) > 0:
        raise InputError(
            f"power {power!r} is less than a test of level {alpha!r} has without data",
            field="power",
            value=power,
        )
    return float(brentq(missing, plan.control, end, xtol=1e-15, rtol=1e-13)) - plan.control


def smallest_margin(
    *,
    n_control: float,
    control: float,
    power: float = 0.8,
    alpha: float = 0.025,
    ratio: float = 1.0,
    test: Literal["score", "wald"] = "score",
    harm: Literal["up", "down"] = "up",
    inflation: float = 1.0,
) -> float | None:
    """Smallest harm that a guardrail of this size can rule out when there is none.

    A guardrail may stop or clear a decision only for margins at least this large; for a smaller
    one the report has to say that this test cannot see it.

    Args:
        n_control: Recipients of the control arm, > 0.
        control: Rate of both arms, such as unsubscribes per recipient, 0 < rate < 1.
        power: Probability that the margin is excluded when the rates are equal, in (0, 1).
        alpha: One-sided type I error, in (0, 1).
        ratio: Recipients of the treatment arm per recipient of the control arm, > 0.
        test: ``score`` (Farrington-Manning) or ``wald``.
        harm: ``up`` where a higher rate is worse (unsubscribes), ``down`` where a lower one is.
        inflation: Longest path of the design over the fixed sample, >= 1.

    Returns:
        A margin > 0 in rate units (0.001 is 0.1 points), or None when even the largest possible
        margin could not be excluded.

    Raises:
        InputError: A value is outside its domain.

    References:
        The inverse of :func:`n_rates` in the margin, by Brent's method.

    Examples:
        >>> round(smallest_margin(n_control=24_681, control=0.002, alpha=0.05, test="wald"), 6)
        0.001
    """
    domain.one_of(harm, "harm", allowed=("up", "down"))
    domain.one_of(test, "test", allowed=("score", "wald"))
    rate = domain.probability(control, "control")
    goal = domain.probability(power, "power")

    def missing(margin: float) -> float:
        return (
            power_rates(
                n_control=n_control, control=rate, treatment=rate, alpha=alpha, sides=1,
                ratio=ratio, null=margin if harm == "up" else -margin, test=test,
                inflation=inflation,
            )
            - goal
        )  # fmt: skip

    end = (1 - rate if harm == "up" else rate) * (1 - 1e-9)
    if missing(end) < 0:
        return None
    start = end * 1e-9
    return start if missing(start) > 0 else float(brentq(missing, start, end, xtol=1e-15))


def tail_level(alpha: float, *, sides: int) -> float:
    """Type I error of one side.

    Args:
        alpha: Total type I error, in (0, 1).
        sides: 1 or 2.

    Returns:
        ``alpha / sides``.

    Raises:
        InputError: A value is outside its domain.

    Examples:
        >>> tail_level(0.05, sides=2)
        0.025
    """
    level = domain.probability(alpha, "alpha")
    if sides not in (1, 2):
        raise InputError(f"sides must be 1 or 2, not {sides!r}", field="sides", value=sides)
    return level / sides


def checked_inflation(value: float) -> float:
    """Longest path of a design over its fixed sample.

    Args:
        value: The factor; 1 for one look.

    Returns:
        The same factor.

    Raises:
        InputError: It is below 1, infinite or NaN.

    Examples:
        >>> checked_inflation(1.035)
        1.035
    """
    factor = domain.finite(value, "inflation")
    if factor < 1:
        raise InputError(
            f"inflation must be at least 1, not {value!r}",
            field="inflation",
            value=value,
            hint="the longest path of a design is never shorter than its fixed sample",
        )
    return factor


@dataclass(frozen=True, slots=True, kw_only=True)
class _RatePlan:
    """A two-arm test of rates with everything but the treatment rate and n."""

    control: float
    z_alpha: float
    ratio: float
    null: float
    scale: Scale
    test: RateTest

    @classmethod
    def checked(
        cls,
        *,
        control: float,
        alpha: float,
        sides: int,
        ratio: float,
        null: float | None,
        scale: Scale,
        test: RateTest,
    ) -> _RatePlan:
        domain.one_of(scale, "scale", allowed=_SCALES)
        domain.one_of(test, "test", allowed=_TESTS)
        value = _no_effect(scale) if null is None else _null_value(null, scale)
        if test in ("arcsine", "baseline") and (scale != "difference" or value != 0):
            raise InputError(
                f"the {test} test has no margin and no other scale",
                field="test",
                value=test,
                hint="use test='score'",
            )
        return cls(
            control=domain.probability(control, "control"),
            z_alpha=_z_alpha(alpha, sides),
            ratio=domain.positive(ratio, "ratio"),
            null=value,
            scale=scale,
            test=test,
        )

    def moments(self, b: float) -> tuple[float, float, float]:
        """Distance from the null, and sd of one control recipient's worth: null, effect."""
        a, r = self.control, self.ratio
        if self.test == "arcsine":
            sd = math.sqrt(1 + 1 / r)
            return 2 * (math.asin(math.sqrt(b)) - math.asin(math.sqrt(a))), sd, sd
        a0, b0 = a, (a if self.test == "baseline" else b)
        if self.test == "score":
            a0, b0 = restricted_rates(
                control=a, treatment=b, null=self.null, scale=self.scale, ratio=r
            )
        if self.scale == "odds":
            distance = math.log(b / (1 - b)) - math.log(a / (1 - a)) - math.log(self.null)
            sd_null = math.sqrt(1 / (a0 * (1 - a0)) + 1 / (b0 * (1 - b0) * r))
            sd_effect = math.sqrt(1 / (a * (1 - a)) + 1 / (b * (1 - b) * r))
            return distance, sd_null, sd_effect
        weight = self.null if self.scale == "ratio" else 1.0
        distance = b - weight * a - (self.null if self.scale == "difference" else 0.0)
        sd_null = math.sqrt(weight**2 * a0 * (1 - a0) + b0 * (1 - b0) / r)
        sd_effect = math.sqrt(weight**2 * a * (1 - a) + b * (1 - b) / r)
        return distance, sd_null, sd_effect

    def power(self, b: float, n: float) -> float:
        """Probability of a rejection on the side of ``b``."""
        distance, sd_null, sd_effect = self.moments(b)
        return float(ndtr((abs(distance) * math.sqrt(n) - self.z_alpha * sd_null) / sd_effect))


def _z_alpha(alpha: float, sides: int) -> float:
    return -float(ndtri(tail_level(alpha, sides=sides)))


def _no_effect(scale: Scale) -> float:
    return 0.0 if scale == "difference" else 1.0


def _null_value(null: float, scale: Scale) -> float:
    domain.one_of(scale, "scale", allowed=_SCALES)
    if scale != "difference":
        return domain.positive(null, "null")
    value = domain.finite(null, "null")
    if not -1 < value < 1:
        raise InputError(
            f"a difference of rates lies between -1 and 1, got {null!r}", field="null", value=null
        )
    return value


def _shift_odds(x: float, odds: float) -> float:
    return odds * x / (1 - x + odds * x)


def _root_between(function: Callable[[float], float], low: float, high: float) -> float:
    """The sign change of ``function`` on [low, high], or the end where it does not change."""
    at_low, at_high = function(low), function(high)
    if at_low <= 0:
        return low
    if at_high >= 0:
        return high
    found = brentq(function, low, high, xtol=1e-16, rtol=8.9e-16, maxiter=500)
    return float(np.clip(found, low, high))
