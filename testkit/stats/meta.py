"""Pooling the same kind of test across sends, seasons and partners: random-effects meta-analysis.

Each test i gives an effect y_i with a known standard error; the true effects differ by a variance
tau^2 around a mean. Three questions, three numbers: what is the mean (with an interval), how much
do true effects differ (tau), and what would the *next* test show (the prediction interval).

The estimators are a few lines each and are written here rather than taken from statsmodels, which
has two of the seven and costs 3 seconds to import; the tests hold the shared two against it and all
seven against metafor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri, ndtr, ndtri, stdtr, stdtrit

from testkit.errors import ConvergenceError, InputError
from testkit.stats import domain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "FEWEST_FOR_PREDICTION",
    "Heterogeneity",
    "Pooled",
    "StratifiedRatio",
    "between_variance",
    "mantel_haenszel_ratio",
    "peto_odds_ratio",
    "pool",
    "reml_variance",
]

Heterogeneity = Literal["reml", "dl", "pm", "ml", "he", "sj", "ee"]
Interval = Literal["knapp-hartung", "knapp-hartung-plain", "normal"]

FEWEST_FOR_PREDICTION: Final = 5
"""Studies below which tau is so uncertain that a prediction interval would be made up."""

_METHODS: Final = ("reml", "dl", "pm", "ml", "he", "sj", "ee")
_INTERVALS: Final = ("knapp-hartung", "knapp-hartung-plain", "normal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Mean effect over tests, how much tests differ, and what the next one may show.

    Attributes:
        method: Estimator of tau^2, as asked for; not used where tau^2 was given.
        interval: How the interval of the mean was made.
        level: Confidence level of all intervals.
        tests: Number of tests, k.
        mean: Mean of the true effects, in the unit of the effects.
        se: Its standard error, same unit.
        low: Lower end of the confidence interval of the mean.
        high: Upper end.
        p: Two-sided p-value of mean = 0.
        tau2: Variance of the true effects between tests, unit squared.
        tau2_low: Lower end of the Q-profile interval of tau^2.
        tau2_high: Upper end of the same.
        i2: Share of the total variance that lies between tests, 0 to 1.
        q: Cochran's Q.
        q_p: p-value of Q against no differences between tests.
        prediction: Interval for the true effect of a next test like these; None below five tests
            and for the equal-effects method. It takes tau as known and so covers 84 to 94 % where
            it says 95; for planning use :func:`testkit.stats.shrink.next_effect`.
        prediction_absent: Why there is no prediction interval; empty when there is one.
    """

    method: Heterogeneity
    interval: Interval
    level: float
    tests: int
    mean: float
    se: float
    low: float
    high: float
    p: float
    tau2: float
    tau2_low: float
    tau2_high: float
    i2: float
    q: float
    q_p: float
    prediction: tuple[float, float] | None
    prediction_absent: str

    @property
    def tau(self) -> float:
        """Standard deviation of the true effects between tests."""
        return math.sqrt(self.tau2)


@dataclass(frozen=True, slots=True, kw_only=True)
class StratifiedRatio:
    """A common ratio over strata (tests, waves) from their two-by-two counts.

    Attributes:
        log_ratio: Natural logarithm of the common risk or odds ratio, treatment over control.
        se: Standard error of ``log_ratio``.
    """

    log_ratio: float
    se: float

    @property
    def ratio(self) -> float:
        """The ratio itself."""
        return math.exp(self.log_ratio)


def pool(
    effects: ArrayLike,
    se: ArrayLike,
    *,
    method: Heterogeneity = "reml",
    interval: Interval = "knapp-hartung",
    level: float = 0.95,
    tau2: float | None = None,
) -> Pooled:
    """Pool effects of several tests by a random-effects model.

    Args:
        effects: One effect per test, shape ``(tests,)``, at least two; additive scale (difference
            of rates, log ratio).
        se: Their standard errors, same unit, > 0, same shape.
        method: Estimator of tau^2: ``reml`` (default), ``dl`` DerSimonian-Laird, ``pm``
            Paule-Mandel, ``ml``, ``he`` Hedges, ``sj`` Sidik-Jonkman, ``ee`` equal effects.
        interval: ``knapp-hartung`` with the factor max(1, q), so that few and lucky tests cannot
            make the interval narrower than the model says; ``knapp-hartung-plain`` without that
            floor; ``normal`` for the Wald interval. Equal effects is always ``normal``.
        level: Confidence level, in (0, 1).
        tau2: Variance between tests, >= 0, known from elsewhere: a partner's long history serves
            better than the spread of one's own three tests. None estimates it by ``method``.

    Returns:
        The pooled result.

    Raises:
        InputError: Fewer than two tests, shapes differ, NaN, or a standard error not above 0.
        ConvergenceError: tau^2 was not found.

    References:
        DerSimonian & Laird (1986), Controlled Clinical Trials 7, 177-188; Paule & Mandel (1982);
        Viechtbauer (2005, 2007: REML and the Q-profile interval); Hartung & Knapp (2001),
        Statistics in Medicine 20, 3875-3889; Roever, Knapp & Friede (2015), BMC Medical Research
        Methodology 15:99 (the floor max(1, q)); Higgins, Thompson & Spiegelhalter (2009) for the
        prediction interval, here with k - 1 degrees of freedom as in metafor.

    Examples:
        >>> pooled = pool([0.08, 0.02, -0.01, 0.05, 0.12], [0.03, 0.02, 0.02, 0.03, 0.05])
        >>> round(pooled.mean, 3), round(pooled.tau, 3), pooled.prediction is not None
        (0.041, 0.036, True)
    """
    domain.one_of(method, "method", allowed=_METHODS)
    domain.one_of(interval, "interval", allowed=_INTERVALS)
    y, v = _checked(effects, se)
    tail = (1 - domain.probability(level, "level")) / 2
    k = y.size
    if tau2 is None:
        between = between_variance(y, np.sqrt(v), method=method)
    else:
        between = domain.finite(tau2, "tau2")
        if between < 0:
            raise InputError(f"tau2 must not be negative, got {tau2!r}", field="tau2", value=tau2)
    w = 1 / (v + between)
    mean, variance = _weighted(y, w)
    fixed = 1 / v
    q = _spread(y, fixed)
    if method == "ee":
        interval = "normal"
    if interval == "normal":
        reach, p = -float(ndtri(tail)), 2 * float(ndtr(-abs(mean) / math.sqrt(variance)))
    else:
        scale = _spread(y, w) / (k - 1)
        variance *= max(1.0, scale) if interval == "knapp-hartung" else scale
        if interval == "knapp-hartung-plain" and y.min() == y.max():
            raise InputError(
                "all effects are equal, so the plain Knapp-Hartung interval has no width",
                field="effects",
                value=list(map(float, y)),
                hint="use interval='knapp-hartung'",
            )
        reach = -float(stdtrit(k - 1, tail))
        p = 2 * float(stdtr(k - 1, -abs(mean) / math.sqrt(variance)))
    error = math.sqrt(variance)
    typical = (k - 1) * float(fixed.sum() / (fixed.sum() ** 2 - (fixed**2).sum()))
    absent = ""
    if method == "ee" and tau2 is None:
        absent = "equal effects assume that the next test has the same effect"
    elif k < FEWEST_FOR_PREDICTION:
        absent = (
            f"{k} tests say too little about how tests differ; it takes {FEWEST_FOR_PREDICTION}"
        )
    ahead = reach * math.sqrt(variance + between)
    tau2_low, tau2_high = _q_profile(y, v, tail)
    return Pooled(
        method=method,
        interval=interval,
        level=level,
        tests=k,
        mean=mean,
        se=error,
        low=mean - reach * error,
        high=mean + reach * error,
        p=p,
        tau2=between,
        tau2_low=tau2_low,
        tau2_high=tau2_high,
        i2=max(0.0, 1 - (k - 1) / q) if method == "ee" and q > 0 else between / (between + typical),
        q=q,
        q_p=float(chdtrc(k - 1, q)),
        prediction=None if absent else (mean - ahead, mean + ahead),
        prediction_absent=absent,
    )


def between_variance(effects: ArrayLike, se: ArrayLike, *, method: Heterogeneity = "reml") -> float:
    """Variance of true effects between tests, tau^2.

    Args:
        effects: One effect per test, shape ``(tests,)``, at least two.
        se: Their standard errors, same unit, > 0, same shape.
        method: As in :func:`pool`.

    Returns:
        tau^2 >= 0, unit of the effects squared; 0 for ``ee``.

    Raises:
        InputError: As :func:`pool`.
        ConvergenceError: The equation of ``pm``, ``ml`` or ``reml`` was not solved.

    References:
        As :func:`pool`; Hedges (1983); Sidik & Jonkman (2005), the two-step estimator.

    Examples:
        >>> effects, se = [0.08, 0.02, -0.01, 0.05], [0.03, 0.02, 0.02, 0.03]
        >>> round(between_variance(effects, se, method="dl"), 7)
        0.0008085
    """
    domain.one_of(method, "method", allowed=_METHODS)
    y, v = _checked(effects, se)
    k = y.size
    if method == "ee":
        return 0.0
    if method == "dl":
        w = 1 / v
        return max(0.0, (_spread(y, w) - (k - 1)) / float(w.sum() - (w**2).sum() / w.sum()))
    if method == "he":
        return max(0.0, float(y.var(ddof=1) - v.mean()))
    if method == "sj":
        crude = float(y.var())
        return 0.0 if crude == 0 else _spread(y, crude / (v + crude)) / (k - 1)
    if method == "pm":

        def excess(t: float) -> float:
            return _spread(y, 1 / (v + t)) - (k - 1)

        return _decreasing_root(excess, _top(y, v))
    return reml_variance(y, v, np.zeros(k, dtype=np.int64), restricted=method == "reml")


def reml_variance(
    values: NDArray[np.float64],
    variances: NDArray[np.float64],
    groups: NDArray[np.int64],
    *,
    restricted: bool = True,
) -> float:
    """Variance around group means beyond known sampling variances, by (restricted) likelihood.

    Args:
        values: Observations, shape ``(k,)``.
        variances: Their known sampling variances, > 0, shape ``(k,)``.
        groups: Group of each observation, 0, 1, ..., shape ``(k,)``; each group has its own mean.
        restricted: Whether the means are integrated out (REML) or maximised over (ML).

    Returns:
        The variance >= 0 at the global maximum of the likelihood.

    Raises:
        ConvergenceError: The likelihood's derivative has no root in the bracket of its maximum.

    References:
        Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30, 261-293, for one
        group; the other groups add terms of the same form.

    Examples:
        >>> reml_variance(np.array([1.0, 3.0]), np.array([0.5, 0.5]), np.array([0, 0]))
        1.5
    """

    def parts(t: float) -> tuple[NDArray[np.float64], ...]:
        w = 1 / (variances + t)
        weight = np.bincount(groups, w).astype(np.float64)
        level = np.bincount(groups, w * values) / weight
        return w, weight, values - level[groups]

    def deviance(t: float) -> float:
        w, weight, residual = parts(t)
        lost = float(np.log(weight).sum()) if restricted else 0.0
        return float((w * residual**2).sum() - np.log(w).sum()) + lost

    def slope(t: float) -> float:
        w, weight, residual = parts(t)
        lost = float((np.bincount(groups, w**2) / weight).sum()) if restricted else 0.0
        return float(w.sum() - (w**2 * residual**2).sum()) - lost

    # The likelihood can have two humps: a scan finds the higher one, the slope's root refines it.
    top = _top(values, variances)
    grid = np.concatenate([[0.0], top * np.geomspace(1e-10, 1.0, 80)])
    best = int(np.argmin([deviance(float(t)) for t in grid]))
    if best == 0 and slope(0.0) >= 0:
        return 0.0
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, grid.size - 1)])
    if slope(low) > 0 or slope(high) < 0:
        if best <= 1:
            return 0.0
        raise ConvergenceError(
            "the variance between tests was not found",
            routine="reml_variance",
            residual=slope(float(grid[best])),
        )
    return float(brentq(slope, low, high, xtol=1e-15 * top, rtol=1e-13))


def mantel_haenszel_ratio(
    *, treatment: ArrayLike, n_treatment: ArrayLike, control: ArrayLike, n_control: ArrayLike
) -> StratifiedRatio:
    """Common risk ratio over strata, weighted so that rare outcomes and small strata do no harm.

    Args:
        treatment: Conversions of the treatment arm per stratum, shape ``(strata,)``.
        n_treatment: Recipients of the treatment arm per stratum, same shape.
        control: Conversions of the control arm per stratum, same shape.
        n_control: Recipients of the control arm per stratum, same shape.

    Returns:
        Log risk ratio and its standard error.

    Raises:
        InputError: Counts are not whole, negative or above n, or an arm has no conversion in any
            stratum.

    References:
        Mantel & Haenszel (1959); Greenland & Robins (1985), Biometrics 41, 55-68 (variance).

    Examples:
        >>> round(mantel_haenszel_ratio(treatment=[30, 12], n_treatment=[1000, 500],
        ...                             control=[20, 10], n_control=[1000, 500]).ratio, 6)
        1.4
    """
    a, n1, c, n0 = _strata(treatment, n_treatment, control, n_control)
    total = n1 + n0
    up, down = float((a * n0 / total).sum()), float((c * n1 / total).sum())
    if up == 0 or down == 0:
        arm = "treatment" if up == 0 else "control"
        raise InputError(
            f"no {arm} conversions in any stratum, so there is no ratio", field=arm, value=0
        )
    spread = float(((n1 * n0 * (a + c) - a * c * total) / total**2).sum())
    return StratifiedRatio(log_ratio=math.log(up / down), se=math.sqrt(spread / (up * down)))


def peto_odds_ratio(
    *, treatment: ArrayLike, n_treatment: ArrayLike, control: ArrayLike, n_control: ArrayLike
) -> StratifiedRatio:
    """Common odds ratio over strata by Peto's one-step method, for rare outcomes.

    Args:
        treatment: Conversions of the treatment arm per stratum, shape ``(strata,)``.
        n_treatment: Recipients of the treatment arm per stratum, same shape.
        control: Conversions of the control arm per stratum, same shape.
        n_control: Recipients of the control arm per stratum, same shape.

    Returns:
        Log odds ratio and its standard error. Biased when arms are far from equal in size or the
        effect is large; use :func:`mantel_haenszel_ratio` there.

    Raises:
        InputError: Counts are not whole, negative or above n, or no stratum has both a conversion
            and a recipient without one.

    References:
        Yusuf, Peto, Lewis, Collins & Sleight (1985), Progress in Cardiovascular Diseases 27.

    Examples:
        >>> round(peto_odds_ratio(treatment=[30], n_treatment=[1000],
        ...                       control=[20], n_control=[1000]).log_ratio, 3)
        0.41
    """
    a, n1, c, n0 = _strata(treatment, n_treatment, control, n_control)
    total, events = n1 + n0, a + c
    expected = n1 * events / total
    many = np.maximum(total - 1, 1)  # a stratum of one recipient has no variance either way
    variance = float((expected * (n0 / total) * (total - events) / many).sum())
    if variance == 0:
        raise InputError(
            "every stratum has all conversions or none, so there is no odds ratio",
            field="treatment",
            value=float(a.sum()),
        )
    return StratifiedRatio(
        log_ratio=float((a - expected).sum()) / variance, se=1 / math.sqrt(variance)
    )


def _checked(effects: ArrayLike, se: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y = domain.finite_array(effects, "effects", at_least=2)
    s = domain.positive_array(se, "se", at_least=2)
    if y.shape != s.shape:
        raise InputError(f"effects has {y.size} entries, se has {s.size}", field="se", value=s.size)
    return y, s**2


def _strata(
    treatment: ArrayLike, n_treatment: ArrayLike, control: ArrayLike, n_control: ArrayLike
) -> tuple[NDArray[np.float64], ...]:
    a, n1 = domain.counts(treatment, n_treatment, fields=("treatment", "n_treatment"))
    c, n0 = domain.counts(control, n_control, fields=("control", "n_control"))
    if a.shape != c.shape:
        raise InputError(
            f"treatment has {a.size} strata, control has {c.size}", field="control", value=c.size
        )
    return a, n1, c, n0


def _weighted(y: NDArray[np.float64], w: NDArray[np.float64]) -> tuple[float, float]:
    total = float(w.sum())
    return float((w * y).sum()) / total, 1 / total


def _spread(y: NDArray[np.float64], w: NDArray[np.float64]) -> float:
    """Weighted sum of squares around the weighted mean."""
    mean, _ = _weighted(y, w)
    return float((w * (y - mean) ** 2).sum())


def _top(y: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    """A variance above any solution: the raw sum of squares, never 0."""
    return float(((y - y.mean()) ** 2).sum()) + float(v.max())


def _decreasing_root(function: Callable[[float], float], top: float) -> float:
    """Root on [0, top) of a function that falls; 0 where it starts below 0."""
    if function(0.0) <= 0:
        return 0.0
    while function(top) > 0:
        top *= 10
        if not math.isfinite(top):
            raise ConvergenceError("no variance satisfies the equation", routine="between_variance")
    return float(brentq(function, 0.0, top, xtol=1e-15 * top, rtol=1e-13))


def _q_profile(y: NDArray[np.float64], v: NDArray[np.float64], tail: float) -> tuple[float, float]:
    """Interval of tau^2: values that the generalised Q statistic does not reject."""
    k, top = y.size, _top(y, v)

    def end(quantile: float) -> float:
        return _decreasing_root(lambda t: _spread(y, 1 / (v + t)) - quantile, top)

    return end(float(chdtri(k - 1, tail))), end(float(chdtri(k - 1, 1 - tail)))
