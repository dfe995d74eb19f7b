"""Sharper effects from what was known before: covariates and strata, from summaries alone.

What lives here: CUPED and Lin's regression from co-moments, and post-stratification. What must
not: rows (:mod:`testkit.stats.regression`) and clusters (:mod:`testkit.stats.clusters`).

Theory of operation. A covariate measured *before* exposure has the same distribution in both
arms, so the part of the outcome that it explains is noise and can be taken out without bias.
CUPED takes it out with one slope for both arms; Lin's estimator gives each arm its own slope and
never does worse than no adjustment in large samples. A covariate that the treatment could have
moved would take part of the effect out with the noise: the plan's checks refuse those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from testkit.errors import InputError
from testkit.stats.domain import finite_array
from testkit.stats.means import Alternative, MeanEffect, satterthwaite, welch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from testkit.stats.moments import CoMoments, Moments

__all__ = ["AdjustedEffect", "Stratum", "cuped", "lin", "post_stratified"]

# Covariates whose correlation matrix is nearer to singular than this have no slopes of their own.
_WORST_CONDITION: Final = 1e10


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedEffect:
    """An effect with covariates taken out, beside the plain one.

    Attributes:
        effect: The adjusted effect; arm means are adjusted to the common covariate mean.
        plain: Welch's effect from the same arms without covariates.
        slopes_control: Slope of each covariate in the control arm, shape (covariates,).
        slopes_treatment: The same in the treatment arm; equal to the control's under CUPED.
        variance_saved: 1 - (se adjusted / se plain)^2; negative when adjusting hurt, None when
            either standard error is None.
    """

    effect: MeanEffect
    plain: MeanEffect
    slopes_control: tuple[float, ...]
    slopes_treatment: tuple[float, ...]

    @property
    def variance_saved(self) -> float | None:
        """Share of the variance that the covariates explain."""
        if self.effect.se is None or self.plain.se is None:
            return None
        return 1 - (self.effect.se / self.plain.se) ** 2


def cuped(
    *,
    control: CoMoments,
    treatment: CoMoments,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> AdjustedEffect:
    """Difference of means after taking out covariates with one common slope.

    Args:
        control: Co-moments of the control arm: the outcome first, then the covariates.
        treatment: The same of the treatment arm.
        alpha: Total error of the interval, 0 < alpha < 1.
        alternative: ``two-sided``, ``greater`` or ``less``.

    Returns:
        The adjusted effect beside the plain one, with the slopes.

    Raises:
        InputError: No covariate, too few units, or covariates that depend on one another.

    References:
        Deng, Xu, Kohavi & Walker (2013), WSDM, equations for the variance-minimising slope.

    Examples:
        >>> from testkit.stats.moments import CoMoments
        >>> arm = CoMoments.from_covariance(
        ...     n=1000, means=[5.0, 3.0], covariance=[[4.0, 2.0], [2.0, 4.0]]
        ... )
        >>> round(cuped(control=arm, treatment=arm).variance_saved, 6)
        0.25
    """
    _covariates(control, treatment)
    cross_control, cross_treatment = np.asarray(control.m2), np.asarray(treatment.m2)
    # Within-arm cross-products only: the effect itself must not leak into the slope.
    slopes = _slopes(cross_control + cross_treatment)
    shift = _pooled_means(control, treatment)
    parts, means = [], []
    for arm, cross in ((control, cross_control), (treatment, cross_treatment)):
        weights = np.concatenate([[1.0], -slopes])
        variance = max(float(weights @ cross @ weights), 0.0) / (arm.n - 1)
        parts.append((variance / arm.n, arm.n - 1))
        means.append(arm.means[0] - float(slopes @ (np.asarray(arm.means[1:]) - shift)))
    effect = MeanEffect.from_t(
        scale="difference",
        control=means[0],
        treatment=means[1],
        estimate=means[1] - means[0],
        se=math.sqrt(parts[0][0] + parts[1][0]),
        df=satterthwaite(*parts),
        alpha=alpha,
        alternative=alternative,
    )
    slopes_out = tuple(float(value) for value in slopes)
    return AdjustedEffect(
        effect=effect,
        plain=_plain(control, treatment, alpha, alternative),
        slopes_control=slopes_out,
        slopes_treatment=slopes_out,
    )


def lin(
    *,
    control: CoMoments,
    treatment: CoMoments,
    list_means: ArrayLike | None = None,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> AdjustedEffect:
    """Difference of means after regression with its own slopes in each arm.

    Each arm's mean is predicted at the same covariate values: those of the whole list when they
    are known, else the average of both arms. In the second case the spread of that average is
    part of the variance, because the effect is meant for the list and may vary with the
    covariate. Within an arm the residual variance is taken as constant; the standard errors that
    drop this need rows (:func:`testkit.stats.regression.least_squares`).

    Args:
        control: Co-moments of the control arm: the outcome first, then the covariates.
        treatment: The same of the treatment arm.
        list_means: Covariate means of the whole list, shape (covariates,); None if unknown.
        alpha: Total error of the interval, 0 < alpha < 1.
        alternative: ``two-sided``, ``greater`` or ``less``.

    Returns:
        The adjusted effect beside the plain one, with each arm's slopes.

    Raises:
        InputError: No covariate, too few units, or covariates that depend on one another.

    References:
        Lin (2013), Annals of Applied Statistics 7(1), 295-318; Negi & Wooldridge (2021),
        Econometric Reviews 40(5), 504-534, for the variance of the covariate mean.

    Examples:
        >>> from testkit.stats.moments import CoMoments
        >>> arm = CoMoments.from_covariance(
        ...     n=1000, means=[5.0, 3.0], covariance=[[4.0, 2.0], [2.0, 4.0]]
        ... )
        >>> round(lin(control=arm, treatment=arm).slopes_treatment[0], 6)
        0.5
    """
    covariates = _covariates(control, treatment)
    if list_means is None:
        centre = _pooled_means(control, treatment)
    else:
        centre = finite_array(list_means, "list_means")
        if centre.size != covariates:
            raise InputError(
                f"{centre.size} list means for {covariates} covariates",
                field="list_means",
                value=centre.tolist(),
            )
    fits = [_arm_fit(arm, centre) for arm in (control, treatment)]
    parts = [(fit.variance, fit.df) for fit in fits]
    if list_means is None:
        gap = fits[1].slopes - fits[0].slopes
        n = control.n + treatment.n
        spread = (np.asarray(control.m2) + np.asarray(treatment.m2))[1:, 1:] / (n - 2)
        parts.append((float(gap @ spread @ gap) / n, n - 2))
    effect = MeanEffect.from_t(
        scale="difference",
        control=fits[0].mean,
        treatment=fits[1].mean,
        estimate=fits[1].mean - fits[0].mean,
        se=math.sqrt(sum(variance for variance, _ in parts)),
        df=satterthwaite(*parts),
        alpha=alpha,
        alternative=alternative,
    )
    return AdjustedEffect(
        effect=effect,
        plain=_plain(control, treatment, alpha, alternative),
        slopes_control=tuple(float(value) for value in fits[0].slopes),
        slopes_treatment=tuple(float(value) for value in fits[1].slopes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """One stratum of the list.

    Attributes:
        size: People of the stratum in the list that the effect is meant for, > 0.
        control: Moments of its control arm, at least 2 units.
        treatment: Moments of its treatment arm, at least 2 units.
        name: What a report calls it.
    """

    size: float
    control: Moments
    treatment: Moments
    name: str = ""


def post_stratified(
    strata: Sequence[Stratum],
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> MeanEffect:
    """Effect averaged over strata with the shares of the list.

    Args:
        strata: At least one stratum; the sizes give the weights.
        alpha: Total error of the interval, 0 < alpha < 1.
        alternative: ``two-sided``, ``greater`` or ``less``.

    Returns:
        The effect with its standard error and interval.

    Raises:
        InputError: No strata, a size that is not positive, or an arm of a stratum with fewer
            than two units.

    References:
        Miratrix, Sekhon & Yu (2013), JRSS B 75(2), 369-396.

    Examples:
        >>> from testkit.stats.moments import Moments
        >>> low = Moments.from_variance(n=50, mean=1.0, variance=1.0)
        >>> high = Moments.from_variance(n=50, mean=3.0, variance=1.0)
        >>> post_stratified([
        ...     Stratum(size=300, control=low, treatment=high),
        ...     Stratum(size=100, control=low, treatment=low),
        ... ]).estimate
        1.5
    """
    if not strata:
        raise InputError("no strata", field="strata", value=strata)
    total = 0.0
    for stratum in strata:
        if not (math.isfinite(stratum.size) and stratum.size > 0):
            raise InputError(
                f"stratum {stratum.name!r} has size {stratum.size}",
                field="size",
                value=stratum.size,
            )
        total += stratum.size
    means = [0.0, 0.0]
    parts: list[tuple[float, float]] = []
    for stratum in strata:
        weight = stratum.size / total
        for side, arm in enumerate((stratum.control, stratum.treatment)):
            if arm.variance is None:
                raise InputError(
                    f"stratum {stratum.name!r} has {arm.n} unit(s) in an arm",
                    field="strata",
                    value=arm.n,
                    hint="merge it with a neighbour; a stratum needs 2 units in each arm",
                )
            means[side] += weight * arm.mean
            parts.append((weight**2 * arm.variance / arm.n, arm.n - 1))
    return MeanEffect.from_t(
        scale="difference",
        control=means[0],
        treatment=means[1],
        estimate=means[1] - means[0],
        se=math.sqrt(math.fsum(variance for variance, _ in parts)),
        df=satterthwaite(*parts),
        alpha=alpha,
        alternative=alternative,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ArmFit:
    slopes: NDArray[np.float64]
    mean: float
    variance: float
    df: int


def _arm_fit(arm: CoMoments, centre: NDArray[np.float64]) -> _ArmFit:
    """Regression inside one arm, predicted at ``centre``."""
    cross = np.asarray(arm.m2)
    slopes = _slopes(cross)
    df = arm.n - 1 - slopes.size
    if df < 1:
        raise InputError(
            f"{arm.n} units cannot carry {slopes.size} covariate(s)", field="n", value=arm.n
        )
    residual = max(float(cross[0, 0] - slopes @ cross[1:, 0]), 0.0) / df
    away = np.asarray(arm.means[1:]) - centre
    # Var of a prediction at centre: s^2 (1/n + d' Sxx^-1 d).
    reach = float(away @ np.linalg.solve(cross[1:, 1:], away))
    return _ArmFit(
        slopes=slopes,
        mean=arm.means[0] - float(slopes @ away),
        variance=residual * (1 / arm.n + reach),
        df=df,
    )


def _slopes(cross: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = cross[1:, 1:]
    size = np.sqrt(np.diag(spread))
    if (size == 0).any():
        raise InputError(
            "a covariate does not vary",
            field="covariates",
            value=int(np.argmin(size)),
            hint="drop it",
        )
    # Scaled to correlations, so that dollars and shares can stand side by side.
    correlation = spread / np.outer(size, size)
    if np.linalg.cond(correlation) > _WORST_CONDITION:
        raise InputError(
            "one covariate is a combination of the others",
            field="covariates",
            value=len(size),
            hint="drop one of them",
        )
    slopes: NDArray[np.float64] = np.linalg.solve(correlation, cross[1:, 0] / size) / size
    return slopes


def _covariates(control: CoMoments, treatment: CoMoments) -> int:
    if control.variables != treatment.variables or control.variables < 2:
        raise InputError(
            f"{control.variables} and {treatment.variables} variables; need the outcome and at "
            "least one covariate in both arms",
            field="covariates",
            value=control.variables - 1,
        )
    for name, arm in (("control", control), ("treatment", treatment)):
        if arm.n < 2:
            raise InputError(f"the {name} arm has {arm.n} unit(s)", field=name, value=arm.n)
    return control.variables - 1


def _pooled_means(control: CoMoments, treatment: CoMoments) -> NDArray[np.float64]:
    return np.asarray(control.merge(treatment).means[1:])


def _plain(
    control: CoMoments, treatment: CoMoments, alpha: float, alternative: Alternative
) -> MeanEffect:
    return welch(
        control=control.moments(0),
        treatment=treatment.moments(0),
        alpha=alpha,
        alternative=alternative,
    )
