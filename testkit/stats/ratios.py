"""Relative effects and ratio metrics at one look, by the delta method.

What lives here: the lift and the log ratio of two means, and metrics that are a total over a
total (gifts per visit, calls per opener). What must not: rates with counts, whose ratio intervals
are exact elsewhere.

A ratio is only as good as its denominator. Within three standard errors of zero the delta method
has no usable spread, so the interval is None and ``reason`` says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from testkit.errors import InputError
from testkit.stats.means import Alternative, MeanEffect, mean_variances, satterthwaite

if TYPE_CHECKING:
    from testkit.stats.moments import CoMoments, Moments

__all__ = ["Ratio", "lift", "log_ratio", "ratio", "ratio_effect"]

# The delta method divides by a mean. Within three standard errors of zero the ratio's
# distribution has no usable spread and Fieller's set becomes unbounded soon after.
_MIN_DENOMINATOR_Z: Final = 3.0


def lift(
    *,
    control: Moments,
    treatment: Moments,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    null: float = 0.0,
) -> MeanEffect:
    """Relative effect, treatment over control minus one, by the delta method.

    Args:
        control: Moments of the control arm, at least 2 units, mean above zero.
        treatment: Moments of the treatment arm, at least 2 units.
        alpha: Total error of the interval, 0 < alpha < 1.
        alternative: ``two-sided``, ``greater`` or ``less``.
        null: Lift under the null hypothesis, dimensionless.

    Returns:
        The effect. The estimate is None when the control mean is not positive; the rest is None
        when it lies within three of its standard errors of zero, where the delta method fails.

    Raises:
        InputError: An arm with fewer than two units, or ``alpha`` outside (0, 1).

    References:
        Deng, Knoblich & Lu (2018), KDD, arXiv 1803.06336, section on ratio metrics. The degrees
        of freedom are those of the difference: the two coincide when the means are equal.

    Examples:
        >>> from testkit.stats.moments import Moments
        >>> a = Moments.from_variance(n=1000, mean=2.0, variance=4.0)
        >>> b = Moments.from_variance(n=1000, mean=2.5, variance=4.0)
        >>> round(lift(control=a, treatment=b).estimate, 3)
        0.25
    """
    a, b = mean_variances(control=control, treatment=treatment)
    return _relative(
        scale="lift",
        means=(control.mean, treatment.mean),
        variances=(a, b),
        df=satterthwaite((a, control.n - 1), (b, treatment.n - 1)),
        null=null,
        alpha=alpha,
        alternative=alternative,
    )


def log_ratio(
    *,
    control: Moments,
    treatment: Moments,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    null: float = 0.0,
) -> MeanEffect:
    """Natural log of treatment mean over control mean, by the delta method.

    The scale on which a confidence sequence for gifts is best behaved: symmetric in the arms and
    never below -100 %.

    Args:
        control: Moments of the control arm, at least 2 units, mean above zero.
        treatment: Moments of the treatment arm, at least 2 units, mean above zero.
        alpha: Total error of the interval, 0 < alpha < 1.
        alternative: ``two-sided``, ``greater`` or ``less``.
        null: Log ratio under the null hypothesis.

    Returns:
        The effect; None parts as for :func:`lift`, and when the treatment mean is not positive.

    Raises:
        InputError: An arm with fewer than two units, or ``alpha`` outside (0, 1).

    References:
        Deng, Knoblich & Lu (2018), KDD, arXiv 1803.06336.

    Examples:
        >>> from testkit.stats.moments import Moments
        >>> a = Moments.from_variance(n=1000, mean=2.0, variance=4.0)
        >>> b = Moments.from_variance(n=1000, mean=2.5, variance=4.0)
        >>> round(log_ratio(control=a, treatment=b).estimate, 6)
        0.223144
    """
    a, b = mean_variances(control=control, treatment=treatment)
    return _relative(
        scale="log_ratio",
        means=(control.mean, treatment.mean),
        variances=(a, b),
        df=satterthwaite((a, control.n - 1), (b, treatment.n - 1)),
        null=null,
        alpha=alpha,
        alternative=alternative,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A total over a total in one arm, such as gifts per visit.

    Attributes:
        n: Units (the randomised ones, not the visits).
        value: Mean of the numerator over mean of the denominator.
        variance: Variance of ``value`` by the delta method; None with ``reason``.
        reason: Why the variance is None; empty otherwise.
    """

    n: int
    value: float
    variance: float | None
    reason: str = ""

    @property
    def se(self) -> float | None:
        """Standard error of the ratio; None with ``reason``."""
        return None if self.variance is None else math.sqrt(self.variance)


def ratio(arm: CoMoments, *, numerator: int = 0, denominator: int = 1) -> Ratio:
    """Ratio of two means of the same units, by the delta method.

    Units must be what was randomised: rows per visit would count one person's visits as
    independent and make the interval too short.

    Args:
        arm: Co-moments of numerator and denominator per unit, at least 2 units.
        numerator: Index of the numerator among the variables.
        denominator: Index of the denominator; its mean must not be zero.

    Returns:
        The ratio. Its variance is None when the denominator's mean lies within three of its
        standard errors of zero.

    Raises:
        InputError: Fewer than two units, no such variable, or a denominator of mean zero.

    References:
        Deng, Knoblich & Lu (2018), KDD, arXiv 1803.06336.

    Examples:
        >>> from testkit.stats.moments import CoMoments
        >>> arm = CoMoments.from_covariance(
        ...     n=5000, means=[0.266, 2.0], covariance=[[0.31, 0.4], [0.4, 1.5]]
        ... )
        >>> ratio(arm).value, round(ratio(arm).se, 8)
        (0.133, 0.00339215)
    """
    top, bottom = arm.moments(numerator), arm.moments(denominator)
    covariance = arm.covariance(numerator, denominator)
    if top.variance is None or bottom.variance is None or covariance is None:
        raise InputError(f"a ratio needs 2 units, got {arm.n}", field="arm", value=arm.n)
    if bottom.mean == 0:
        raise InputError(
            "the denominator's mean is 0",
            field="denominator",
            value=denominator,
            hint="nobody in this arm has the denominator; there is no ratio to compare",
        )
    value = top.mean / bottom.mean
    reason = _near_zero(bottom.mean, bottom.variance / arm.n, what="denominator")
    if reason:
        return Ratio(n=arm.n, value=value, variance=None, reason=reason)
    # Var(m/d) = (Var m - 2 r Cov + r^2 Var d) / (n d^2). A perfect correlation may round below 0.
    spread = max(top.variance - 2 * value * covariance + value**2 * bottom.variance, 0.0)
    return Ratio(n=arm.n, value=value, variance=spread / (arm.n * bottom.mean**2))


def ratio_effect(
    *,
    control: CoMoments,
    treatment: CoMoments,
    numerator: int = 0,
    denominator: int = 1,
    scale: Literal["difference", "lift"] = "difference",
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> MeanEffect:
    """Effect on a ratio metric.

    A denominator that the treatment can move (clicks among openers) compares different people in
    the two arms; the plan's checks flag it, this function computes what it is asked.

    Args:
        control: Co-moments of the control arm.
        treatment: Co-moments of the treatment arm.
        numerator: Index of the numerator among the variables.
        denominator: Index of the denominator.
        scale: ``difference`` of ratios, or ``lift``.
        alpha: Total error of the interval, 0 < alpha < 1.
        alternative: ``two-sided``, ``greater`` or ``less``.

    Returns:
        The effect with its standard error and interval.

    Raises:
        InputError: As for :func:`ratio`, or ``alpha`` outside (0, 1).

    References:
        Deng, Knoblich & Lu (2018), KDD, arXiv 1803.06336.

    Examples:
        >>> from testkit.stats.moments import CoMoments
        >>> arm = CoMoments.from_covariance(
        ...     n=5000, means=[0.266, 2.0], covariance=[[0.31, 0.4], [0.4, 1.5]]
        ... )
        >>> ratio_effect(control=arm, treatment=arm).p_value
        1.0
    """
    a = ratio(control, numerator=numerator, denominator=denominator)
    b = ratio(treatment, numerator=numerator, denominator=denominator)
    if a.variance is None or b.variance is None:
        return MeanEffect.undefined(
            scale=scale,
            control=a.value,
            treatment=b.value,
            estimate=b.value - a.value if scale == "difference" else None,
            alpha=alpha,
            alternative=alternative,
            reason=a.reason or b.reason,
        )
    df = satterthwaite((a.variance, a.n - 1), (b.variance, b.n - 1))
    if scale == "lift":
        return _relative(
            scale="lift",
            means=(a.value, b.value),
            variances=(a.variance, b.variance),
            df=df,
            null=0.0,
            alpha=alpha,
            alternative=alternative,
        )
    return MeanEffect.from_t(
        scale="difference",
        control=a.value,
        treatment=b.value,
        estimate=b.value - a.value,
        se=math.sqrt(a.variance + b.variance),
        df=df,
        null=0.0,
        alpha=alpha,
        alternative=alternative,
    )


def _near_zero(mean: float, variance: float, *, what: str) -> str:
    if mean**2 < _MIN_DENOMINATOR_Z**2 * variance:
        return f"the {what} mean is within 3 standard errors of 0; its ratio has no stable spread"
    return ""


def _relative(
    *,
    scale: Literal["lift", "log_ratio"],
    means: tuple[float, float],
    variances: tuple[float, float],
    df: float | None,
    null: float,
    alpha: float,
    alternative: Alternative,
) -> MeanEffect:
    control, treatment = means
    reason = ""
    if control <= 0:
        reason = f"the control mean is {control:g}, and a relative effect needs it above 0"
    elif scale == "log_ratio" and treatment <= 0:
        reason = f"the treatment mean is {treatment:g}, and a log ratio needs it above 0"
    if reason:
        return MeanEffect.undefined(
            scale=scale,
            control=control,
            treatment=treatment,
            estimate=None,
            alpha=alpha,
            alternative=alternative,
            reason=reason,
        )
    quotient = treatment / control
    estimate = quotient - 1 if scale == "lift" else math.log(quotient)
    reason = _near_zero(control, variances[0], what="control")
    if not reason and scale == "log_ratio":
        reason = _near_zero(treatment, variances[1], what="treatment")
    if reason:
        return MeanEffect.undefined(
            scale=scale,
            control=control,
            treatment=treatment,
            estimate=estimate,
            alpha=alpha,
            alternative=alternative,
            reason=reason,
        )
    if scale == "lift":
        variance = (variances[1] + quotient**2 * variances[0]) / control**2
    else:
        variance = variances[1] / treatment**2 + variances[0] / control**2
    return MeanEffect.from_t(
        scale=scale,
        control=control,
        treatment=treatment,
        estimate=estimate,
        se=math.sqrt(variance),
        df=df,
        null=null,
        alpha=alpha,
        alternative=alternative,
    )
