"""Means per arm at one look: money, minutes, actions per person.

What lives here: Welch's comparison of two arms, the money variant that refuses a handful of
gifts, and winsorising with a cap that is part of the plan. What must not: sequential anything
(:mod:`testkit.stats.confseq` takes these estimates and pays for looking), relative scales and
ratio metrics (:mod:`testkit.stats.ratios`), and rates, which have their own exact room.

Every function works from :class:`~testkit.stats.moments.Moments`. A quantity that the data
cannot give is None, and ``reason`` says why; nothing here returns ``p = 1`` for a comparison that
could not be made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from scipy.special import stdtr, stdtrit

from testkit.errors import InputError
from testkit.stats.domain import probability
from testkit.stats.moments import Moments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "MIN_GIFTS",
    "Alternative",
    "Cap",
    "MeanEffect",
    "Scale",
    "mean_variances",
    "money",
    "pooled_t",
    "satterthwaite",
    "welch",
    "winsorise",
]

Alternative: TypeAlias = Literal["two-sided", "greater", "less"]
Scale: TypeAlias = Literal["difference", "lift", "log_ratio"]

MIN_GIFTS: Final = 50
"""Gifts per arm below which a money interval is None: a handful of large gifts decides it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanEffect:
    """Treatment against control at one look, on one scale.

    Attributes:
        scale: ``difference`` (treatment minus control), ``lift`` (effect over control) or
            ``log_ratio`` (natural log of treatment over control).
        control: Mean (or ratio) of the control arm.
        treatment: Mean (or ratio) of the treatment arm.
        estimate: Effect on ``scale``; None where the scale is undefined.
        se: Standard error of the estimate; None with ``reason``.
        df: Degrees of freedom of the t distribution used; None with ``reason``.
        statistic: (estimate - null) / se; None with ``reason``.
        p_value: For ``alternative``; None with ``reason``.
        interval: Lower and upper confidence limit; one is infinite when ``alternative`` is
            one-sided; None with ``reason``.
        confidence: Coverage of the interval, 1 - alpha.
        alternative: What the p-value is against.
        reason: Why something above is None; empty when nothing is.
    """

    scale: Scale
    control: float
    treatment: float
    estimate: float | None
    se: float | None
    df: float | None
    statistic: float | None
    p_value: float | None
    interval: tuple[float, float] | None
    confidence: float
    alternative: Alternative
    reason: str = ""

    @classmethod
    def from_t(
        cls,
        *,
        scale: Scale,
        control: float,
        treatment: float,
        estimate: float,
        se: float,
        df: float | None,
        null: float = 0.0,
        alpha: float = 0.05,
        alternative: Alternative = "two-sided",
    ) -> MeanEffect:
        """The effect whose (estimate - null) / se follows a t distribution.

        Args:
            scale: Scale of ``estimate``.
            control: Mean (or ratio) of the control arm.
            treatment: Mean (or ratio) of the treatment arm.
            estimate: Effect on ``scale``.
            se: Its standard error, >= 0; at 0 there is nothing to test with.
            df: Degrees of freedom, > 0; None stands for none, as when no value varies.
            null: Effect under the null hypothesis.
            alpha: Total error of the interval, 0 < alpha < 1.
            alternative: ``two-sided``, ``greater`` or ``less``.

        Raises:
            InputError: ``alpha`` outside (0, 1).
        """
        probability(alpha, "alpha")
        if se == 0 or df is None:
            return cls.undefined(
                scale=scale,
                control=control,
                treatment=treatment,
                estimate=estimate,
                alpha=alpha,
                alternative=alternative,
                reason="no value differs from another within an arm, so nothing can be tested",
            )
        statistic = (estimate - null) / se
        if alternative == "two-sided":
            p_value = 2 * float(stdtr(df, -abs(statistic)))
            reach = float(stdtrit(df, 1 - alpha / 2)) * se
            interval = (estimate - reach, estimate + reach)
        elif alternative == "greater":
            p_value = float(stdtr(df, -statistic))
            interval = (estimate - float(stdtrit(df, 1 - alpha)) * se, math.inf)
        else:
            p_value = float(stdtr(df, statistic))
            interval = (-math.inf, estimate + float(stdtrit(df, 1 - alpha)) * se)
        return cls(
            scale=scale,
            control=control,
            treatment=treatment,
            estimate=estimate,
            se=se,
            df=df,
            statistic=statistic,
            p_value=p_value,
            interval=interval,
            confidence=1 - alpha,
            alternative=alternative,
        )

    @classmethod
    def undefined(
        cls,
        *,
        scale: Scale,
        control: float,
        treatment: float,
        reason: str,
        estimate: float | None = None,
        alpha: float = 0.05,
        alternative: Alternative = "two-sided",
    ) -> MeanEffect:
        """The effect of which nothing but (perhaps) the estimate is known, and why.

        Args:
            scale: Scale of ``estimate``.
            control: Mean (or ratio) of the control arm.
            treatment: Mean (or ratio) of the treatment arm.
            reason: Why there is no interval, in words for the report.
            estimate: Effect on ``scale`` where it is defined.
            alpha: Total error that an interval would have had.
            alternative: What a p-value would have been against.

        Raises:
            InputError: ``alpha`` outside (0, 1).
        """
        probability(alpha, "alpha")
        return cls(
            scale=scale,
            control=control,
            treatment=treatment,
            estimate=estimate,
            se=None,
            df=None,
            statistic=None,
            p_value=None,
            interval=None,
            confidence=1 - alpha,
            alternative=alternative,
            reason=reason,
        )


def welch(
    *,
    control: Moments,
    treatment: Moments,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    null: float = 0.0,
) -> MeanEffect:
    """Difference of two means with unequal variances.

    Args:
        control: Moments of the control arm, at least 2 units.
        treatment: Moments of the treatment arm, at least 2 units.
        alpha: Total error of the interval, 0 < alpha < 1.
        alternative: ``two-sided``, ``greater`` (treatment above control) or ``less``.
        null: Difference under the null hypothesis, in the metric's unit.

    Returns:
        The effect; everything but the estimate is None when neither arm varies.

    Raises:
        InputError: An arm with fewer than two units, or ``alpha`` outside (0, 1).

    References:
        Welch (1947), Biometrika 34(1-2), 28-35; Satterthwaite (1946), Biometrics Bulletin 2(6),
        110-114, for the degrees of freedom.

    Examples:
        >>> a = Moments.from_values([1.0, 2.0, 3.0, 4.0])
        >>> b = Moments.from_values([3.0, 4.0, 5.0, 8.0])
        >>> effect = welch(control=a, treatment=b)
        >>> effect.estimate, round(effect.df, 3)
        (2.5, 4.9)
    """
    a, b = mean_variances(control=control, treatment=treatment)
    return MeanEffect.from_t(
        scale="difference",
        control=control.mean,
        treatment=treatment.mean,
        estimate=treatment.mean - control.mean,
        se=math.sqrt(a + b),
        df=satterthwaite((a, control.n - 1), (b, treatment.n - 1)),
        null=null,
        alpha=alpha,
        alternative=alternative,
    )


def pooled_t(
    *,
    control: Moments,
    treatment: Moments,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    null: float = 0.0,
) -> MeanEffect:
    """Difference of two means under one common variance (Student).

    For comparison with older reports; :func:`welch` is what decisions use, because a treatment
    that moves gifts moves their spread too.

    Args:
        control: Moments of the control arm, at least 2 units.
        treatment: Moments of the treatment arm, at least 2 units.
        alpha: Total error of the interval, 0 < alpha < 1.
        alternative: ``two-sided``, ``greater`` or ``less``.
        null: Difference under the null hypothesis, in the metric's unit.

    Returns:
        The difference with its standard error, interval and p-value.

    Raises:
        InputError: An arm with fewer than two units, or ``alpha`` outside (0, 1).

    References:
        Student (1908), Biometrika 6(1), 1-25.

    Examples:
        >>> a = Moments.from_values([1.0, 2.0, 3.0])
        >>> b = Moments.from_values([2.0, 3.0, 4.0])
        >>> round(pooled_t(control=a, treatment=b).se ** 2, 6)
        0.666667
    """
    mean_variances(control=control, treatment=treatment)
    df = control.n + treatment.n - 2
    pooled = (control.m2 + treatment.m2) / df
    return MeanEffect.from_t(
        scale="difference",
        control=control.mean,
        treatment=treatment.mean,
        estimate=treatment.mean - control.mean,
        se=math.sqrt(pooled * (1 / control.n + 1 / treatment.n)),
        df=float(df),
        null=null,
        alpha=alpha,
        alternative=alternative,
    )


def money(
    *,
    control: Moments,
    treatment: Moments,
    gifts_control: int,
    gifts_treatment: int,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> MeanEffect:
    """Welch's difference for money per person, refused where too few people gave.

    Args:
        control: Moments of money per *recipient* (zeros included) in the control arm.
        treatment: The same in the treatment arm.
        gifts_control: Recipients of the control arm who gave.
        gifts_treatment: Recipients of the treatment arm who gave.
        alpha: Total error of the interval, 0 < alpha < 1.
        alternative: ``two-sided``, ``greater`` or ``less``.

    Returns:
        The effect; with fewer than 50 gifts in an arm only the point estimate, and the reason.

    Raises:
        InputError: More gifts than recipients, an arm with fewer than two units, or ``alpha``
            outside (0, 1).

    References:
        Welch (1947), Biometrika 34(1-2), 28-35. The limit of 50 gifts is ours.

    Examples:
        >>> arm = Moments.from_variance(n=5000, mean=0.4, variance=90.0)
        >>> effect = money(control=arm, treatment=arm, gifts_control=41, gifts_treatment=60)
        >>> effect.interval is None, effect.reason
        (True, 'only 41 gifts in the smaller arm; a money interval needs 50 per arm')
    """
    for name, gifts, arm in (
        ("gifts_control", gifts_control, control),
        ("gifts_treatment", gifts_treatment, treatment),
    ):
        if not 0 <= gifts <= arm.n:
            raise InputError(f"{gifts} gifts from {arm.n} recipients", field=name, value=gifts)
    effect = welch(control=control, treatment=treatment, alpha=alpha, alternative=alternative)
    fewest = min(gifts_control, gifts_treatment)
    if fewest >= MIN_GIFTS:
        return effect
    needs = f"a money interval needs {MIN_GIFTS} per arm"
    return MeanEffect.undefined(
        scale=effect.scale,
        control=effect.control,
        treatment=effect.treatment,
        estimate=effect.estimate,
        alpha=alpha,
        alternative=alternative,
        reason=f"only {fewest} gifts in the smaller arm; {needs}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """A pre-declared cap on gifts; exactly one of the two is given.

    The cap changes the question (effect on money *up to the cap*) and so belongs to the plan. It
    is one number for both arms: a quantile per arm would cut the better arm deeper.

    Attributes:
        amount: Largest value that counts, in the metric's unit, > 0.
        quantile: Share of *givers*, both arms together, whose gifts stay untouched, 0 < q < 1.

    Raises:
        InputError: Both are given or neither, or one is outside its domain.

    Examples:
        >>> Cap(amount=500.0).resolve([10.0, 9000.0])
        500.0
    """

    amount: float | None = None
    quantile: float | None = None

    def __post_init__(self) -> None:
        if (self.amount is None) == (self.quantile is None):
            raise InputError(
                "a cap has an amount or a quantile, exactly one",
                field="cap",
                value=(self.amount, self.quantile),
            )
        if self.amount is not None and not (math.isfinite(self.amount) and self.amount > 0):
            raise InputError(f"cap is {self.amount}", field="amount", value=self.amount)
        if self.quantile is not None and not 0 < self.quantile < 1:
            raise InputError(
                f"quantile is {self.quantile}, not between 0 and 1",
                field="quantile",
                value=self.quantile,
            )

    def resolve(self, pooled: ArrayLike) -> float:
        """The cap as an amount.

        Args:
            pooled: Values of both arms together, shape (n,); zeros (no gift) are left out of the
                quantile.

        Raises:
            InputError: A quantile is asked for and nobody gave.
        """
        if self.amount is not None:
            return self.amount
        values = _numbers(pooled, field="pooled")
        gifts = values[values > 0]
        if gifts.size == 0:
            raise InputError(
                "nobody gave, so the quantile of gifts is unknown", field="pooled", value=0
            )
        assert self.quantile is not None
        return float(np.quantile(gifts, self.quantile))


def winsorise(values: ArrayLike, *, cap: float) -> tuple[Moments, int]:
    """Moments of ``min(value, cap)``, and how many values the cap cut.

    Args:
        values: One number per unit, shape (n,), finite.
        cap: Largest value that counts, > 0; from :meth:`Cap.resolve`, the same for both arms.

    Returns:
        The moments, and the number of values above the cap.

    Raises:
        InputError: Values that are not finite numbers, or a cap that is not positive.

    References:
        Tukey (1962), Annals of Mathematical Statistics 33(1), 1-67, on winsorised means.

    Examples:
        >>> moments, cut = winsorise([0.0, 20.0, 5000.0], cap=100.0)
        >>> moments.mean, cut
        (40.0, 1)
    """
    if not (math.isfinite(cap) and cap > 0):
        raise InputError(f"cap is {cap}", field="cap", value=cap, hint="a positive amount")
    rows = _numbers(values, field="values")
    return Moments.from_values(np.minimum(rows, cap)), int((rows > cap).sum())


def _numbers(values: ArrayLike, *, field: str) -> NDArray[np.float64]:
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 1 or not np.isfinite(rows).all():
        raise InputError(f"{field} must be a list of finite numbers", field=field, value=rows.shape)
    return rows


def mean_variances(*, control: Moments, treatment: Moments) -> tuple[float, float]:
    """Squared standard errors of the two means.

    Args:
        control: Moments of the control arm, at least 2 units.
        treatment: Moments of the treatment arm, at least 2 units.

    Returns:
        Variance of the mean of control and of treatment, in the square of the metric's unit.

    Raises:
        InputError: An arm with fewer than two units.

    Examples:
        >>> arm = Moments.from_variance(n=10, mean=1.0, variance=5.0)
        >>> mean_variances(control=arm, treatment=arm)
        (0.5, 0.5)
    """
    variances = []
    for name, arm in (("control", control), ("treatment", treatment)):
        variance = arm.variance
        if variance is None:
            raise InputError(
                f"the {name} arm has {arm.n} unit(s); a comparison needs 2", field=name, value=arm.n
            )
        variances.append(variance / arm.n)
    return variances[0], variances[1]


def satterthwaite(*parts: tuple[float, float]) -> float | None:
    """Effective degrees of freedom of a sum of independent variance estimates.

    Args:
        parts: Pairs of (variance estimate, its degrees of freedom > 0).

    Returns:
        Degrees of freedom, between the smallest and the sum of those given; None when all
        variances are 0.

    References:
        Satterthwaite (1946), Biometrics Bulletin 2(6), 110-114.

    Examples:
        >>> satterthwaite((1.0, 9), (1.0, 9))
        18.0
    """
    whole = sum(variance for variance, _ in parts)
    if whole == 0:
        return None
    # Shares first: squares of variances would underflow for very small ones.
    return 1 / sum((variance / whole) ** 2 / df for variance, df in parts)
