"""Confidence sequences for means: intervals that hold at all looks together.

What lives here: the asymptotic confidence sequence for rates and money, with the guards without
which it must not be used, and anytime-valid regression. What must not: exact processes for rates
(:mod:`testkit.stats.eprocess`), bounded outcomes (:mod:`testkit.stats.betting`), the boundaries
themselves (:mod:`testkit.stats.mixtures`).

Theory of operation. A running mean behaves like a Brownian motion, for which the mixture boundary
``sqrt(2 (n r2 + 1) / (n r2) log(sqrt(n r2 + 1) / alpha))`` standard errors is never crossed with
probability 1 - alpha. ``r2`` decides at which n it is tightest; it is fixed in the plan. The
argument is asymptotic: with a handful of conversions or gifts the early looks are not covered, so
the functions that know the counts refuse below 25 conversions (50 gifts) and 100 units per arm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from scipy.special import lambertw

from testkit.errors import ConvergenceError, InputError
from testkit.stats.domain import one_of, positive, probability, whole
from testkit.stats.means import MIN_GIFTS, welch
from testkit.stats.ratios import lift, log_ratio

if TYPE_CHECKING:
    from testkit.stats.means import MeanEffect
    from testkit.stats.moments import Moments
    from testkit.stats.regression import LeastSquares

__all__ = [
    "MIN_CONVERSIONS",
    "MIN_UNITS",
    "SequenceLook",
    "asymptotic_critical",
    "asymptotic_look",
    "asymptotic_p",
    "best_g",
    "mean_look",
    "planned_precision",
    "regression_critical",
    "regression_log_e",
    "regression_look",
]

MIN_CONVERSIONS: Final = 25
"""Conversions per arm below which an asymptotic sequence does not hold its level."""

MIN_UNITS: Final = 100
"""Units per arm below which it does not either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceLook:
    """One look at a confidence sequence.

    Attributes:
        scale: Scale of the estimate: ``difference``, ``lift``, ``log_ratio`` or ``coefficient``.
        estimate: Effect on that scale.
        se: Its standard error.
        n: Units in all arms so far.
        critical: Half-width of the interval in standard errors.
        interval: Lower and upper limit; valid at this and every other look together.
        p_value: Anytime-valid p-value of no effect.
        confidence: 1 - alpha.
    """

    scale: str
    estimate: float
    se: float
    n: int
    critical: float
    interval: tuple[float, float]
    p_value: float
    confidence: float


def planned_precision(
    *, n_planned: float, alpha: float, method: Literal["exact", "approximate"] = "exact"
) -> float:
    """Precision r2 that makes the asymptotic sequence tightest at a planned sample size.

    Args:
        n_planned: Units in all arms together at which to be tightest, > 0.
        alpha: Error over all looks, 0 < alpha < 1.
        method: ``exact`` solves for the minimum, ``(-W(-alpha^2 / e) - 1) / n`` with the lower
            branch of Lambert's W; ``approximate`` is the expansion other tools use,
            ``(-2 log alpha + log(1 - 2 log alpha)) / n``.

    Returns:
        r2 > 0, per unit.

    Raises:
        InputError: Arguments outside their domains.

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Annals of Statistics, Time-uniform
        central limit theory and asymptotic confidence sequences, arXiv 2103.06476, appendix on
        optimising the width.

    Examples:
        >>> round(planned_precision(n_planned=1000, alpha=0.05), 9)
        0.008211968
    """
    positive(n_planned, "n_planned")
    probability(alpha, "alpha")
    one_of(method, "method", allowed=("exact", "approximate"))
    if method == "approximate":
        cost = -2 * math.log(alpha)
        return (cost + math.log1p(cost)) / n_planned
    return (-float(lambertw(-(alpha**2) / math.e, -1).real) - 1) / n_planned


def asymptotic_critical(*, n: float, precision: float, alpha: float) -> float:
    """Half-width of the asymptotic confidence sequence in standard errors.

    Args:
        n: Units in all arms so far, > 0.
        precision: r2 > 0, from :func:`planned_precision`, fixed for the whole sequence.
        alpha: Error over all looks, 0 < alpha < 1.

    Returns:
        The half-width in standard errors, above the fixed-sample critical value.

    Raises:
        InputError: Arguments outside their domains.

    References:
        Waudby-Smith et al. (2024), arXiv 2103.06476, Gaussian mixture, in standard errors.

    Examples:
        >>> round(asymptotic_critical(n=5000, precision=0.008211968, alpha=0.05), 4)
        3.1571
    """
    positive(n, "n")
    positive(precision, "precision")
    probability(alpha, "alpha")
    grown = n * precision
    return math.sqrt((grown + 1) / grown * (math.log1p(grown) - 2 * math.log(alpha)))


def asymptotic_p(z: float, *, n: float, precision: float) -> float:
    """Anytime-valid p-value of an asymptotic sequence at one look.

    Args:
        z: Estimate over standard error.
        n: Units in all arms so far, > 0.
        precision: r2 > 0, fixed for the whole sequence.

    Returns:
        The smallest alpha whose sequence leaves out 0, at most 1.

    Raises:
        InputError: Arguments outside their domains.

    References:
        Waudby-Smith et al. (2024), arXiv 2103.06476, Gaussian mixture, solved for alpha.

    Examples:
        >>> z = asymptotic_critical(n=5000, precision=0.01, alpha=0.05)
        >>> round(asymptotic_p(z, n=5000, precision=0.01), 12)
        0.05
    """
    if not math.isfinite(z):
        raise InputError(f"z is {z}", field="z", value=z)
    grown = positive(n, "n") * positive(precision, "precision")
    log_p = 0.5 * math.log1p(grown) - z * z * grown / (2 * (grown + 1))
    return math.exp(min(log_p, 0.0))


def asymptotic_look(
    effect: MeanEffect, *, n: int, precision: float, alpha: float = 0.05
) -> SequenceLook:
    """An asymptotic confidence sequence around an estimate whose sample is known to be enough.

    Use :func:`mean_look` where the counts are at hand: it refuses what this cannot see.

    Args:
        effect: Estimate and standard error on any scale.
        n: Units in all arms so far, > 0.
        precision: r2 > 0, fixed for the whole sequence.
        alpha: Error over all looks, 0 < alpha < 1.

    Returns:
        Estimate, interval and p-value that hold at all looks together.

    Raises:
        InputError: The effect has no standard error, or arguments outside their domains.

    References:
        Waudby-Smith et al. (2024), arXiv 2103.06476.

    Examples:
        >>> from testkit.stats.means import welch
        >>> from testkit.stats.moments import Moments
        >>> a = Moments.from_variance(n=500, mean=1.0, variance=1.0)
        >>> b = Moments.from_variance(n=500, mean=1.5, variance=1.0)
        >>> look = asymptotic_look(welch(control=a, treatment=b), n=1000, precision=0.01)
        >>> round(look.interval[0], 3)
        0.308
    """
    if effect.estimate is None or effect.se is None:
        raise InputError(
            "no standard error to build a sequence on",
            field="effect",
            value=effect.reason,
            hint=effect.reason,
        )
    critical = asymptotic_critical(n=n, precision=precision, alpha=alpha)
    reach = critical * effect.se
    return SequenceLook(
        scale=effect.scale,
        estimate=effect.estimate,
        se=effect.se,
        n=n,
        critical=critical,
        interval=(effect.estimate - reach, effect.estimate + reach),
        p_value=asymptotic_p(effect.estimate / effect.se, n=n, precision=precision),
        confidence=1 - alpha,
    )


def mean_look(
    *,
    control: Moments,
    treatment: Moments,
    events_control: int,
    events_treatment: int,
    outcome: Literal["rate", "money"],
    n_planned: int,
    scale: Literal["difference", "lift", "log_ratio"] = "log_ratio",
    alpha: float = 0.05,
) -> SequenceLook:
    """One look at the asymptotic confidence sequence for two arms, or a refusal.

    Args:
        control: Moments per unit of the control arm (zeros included).
        treatment: The same for the treatment arm.
        events_control: Conversions, or gifts, in the control arm.
        events_treatment: The same in the treatment arm.
        outcome: ``rate`` asks for 25 conversions per arm, ``money`` for 50 gifts.
        n_planned: Planned units in all arms together; the sequence is tightest there.
        scale: Scale of the effect. The log ratio holds its level best for skewed gifts.
        alpha: Error over all looks, 0 < alpha < 1.

    Returns:
        Estimate, interval and p-value that hold at all looks together.

    Raises:
        InputError: Too few units, conversions or gifts for the theory to hold; more events than
            units; or arguments outside their domains.

    References:
        Waudby-Smith et al. (2024), arXiv 2103.06476. The thresholds are ours, from simulation.

    Examples:
        >>> from testkit.stats.moments import Moments
        >>> a = Moments.from_counts(successes=100, n=5000)
        >>> b = Moments.from_counts(successes=160, n=5000)
        >>> look = mean_look(control=a, treatment=b, events_control=100, events_treatment=160,
        ...                  outcome="rate", n_planned=10_000)
        >>> round(look.p_value, 3)
        0.006
    """
    one_of(outcome, "outcome", allowed=("rate", "money"))
    one_of(scale, "scale", allowed=("difference", "lift", "log_ratio"))
    needed, word = (MIN_CONVERSIONS, "conversions") if outcome == "rate" else (MIN_GIFTS, "gifts")
    for name, arm, events in (
        ("control", control, events_control),
        ("treatment", treatment, events_treatment),
    ):
        if not 0 <= events <= arm.n:
            raise InputError(
                f"{events} {word} from {arm.n} units", field=f"events_{name}", value=events
            )
        if arm.n < MIN_UNITS:
            raise InputError(
                f"the {name} arm has {arm.n} units; a confidence sequence needs {MIN_UNITS}",
                field=name,
                value=arm.n,
                hint="wait for the next look; nothing is spent by waiting",
            )
        if events < needed:
            raise InputError(
                f"the {name} arm has {events} {word}; a confidence sequence needs {needed}",
                field=f"events_{name}",
                value=events,
                hint="wait for the next look, or use the e-process on conversions for a rate",
            )
    compare = {"difference": welch, "lift": lift, "log_ratio": log_ratio}[scale]
    effect = compare(control=control, treatment=treatment, alpha=alpha)
    return asymptotic_look(
        effect,
        n=control.n + treatment.n,
        precision=planned_precision(n_planned=n_planned, alpha=alpha),
        alpha=alpha,
    )


def regression_log_e(t: float, *, df: float, n: int, g: float) -> float:
    """Log e-value of a regression t statistic, valid at every sample size together.

    ``log E = log(r) / 2 + (df + 1) / 2 (log(1 + t^2 / df) - log(1 + r t^2 / df))`` with
    ``r = g / (g + n)``.

    Args:
        t: Coefficient over standard error.
        df: Residual degrees of freedom, > 0.
        n: Rows so far, >= 1.
        g: Precision of the prior on the coefficient, > 0, fixed in advance; see :func:`best_g`.

    Returns:
        The natural log of the e-value; 0 is no evidence.

    Raises:
        InputError: Arguments outside their domains.

    References:
        Lindon, Ham, Tingley & Bojinov (2024), Anytime-valid linear models and regression adjusted
        causal inference in randomized experiments, arXiv 2210.08589.

    Examples:
        >>> round(regression_log_e(2.0, df=97, n=100, g=1), 6)
        -0.347495
    """
    if not math.isfinite(t):
        raise InputError(f"t is {t}", field="t", value=t)
    positive(df, "df")
    whole(n, "n")
    r = positive(g, "g") / (g + n)
    t2 = t * t
    return 0.5 * math.log(r) + (df + 1) / 2 * (math.log1p(t2 / df) - math.log1p(r * t2 / df))


def regression_critical(
    *, n: int, g: float, alpha: float, coefficients: int | None = None
) -> float:
    """Half-width in standard errors of an anytime-valid regression interval.

    Args:
        n: Rows so far, >= 1.
        g: Precision of the prior, > 0.
        alpha: Error over all sample sizes, 0 < alpha < 1.
        coefficients: Columns of the design; None takes the variance as known (normal instead of
            t).

    Returns:
        The |t| at which the e-value is 1 / alpha; infinity while n is too small for any.

    Raises:
        InputError: Arguments outside their domains, or no more rows than coefficients.

    References:
        Lindon et al. (2024), arXiv 2210.08589.

    Examples:
        >>> round(regression_critical(n=100, g=1, alpha=0.05, coefficients=3), 6)
        3.348317
        >>> round(regression_critical(n=100, g=1, alpha=0.05), 6)
        3.273019
    """
    whole(n, "n")
    probability(alpha, "alpha")
    r = positive(g, "g") / (g + n)
    log_goal = math.log(r) + 2 * math.log(alpha)
    if coefficients is None:
        return math.sqrt(-log_goal / (1 - r))
    df = n - whole(coefficients, "coefficients")
    if df < 1:
        raise InputError(f"{n} rows cannot carry {coefficients} coefficients", field="n", value=n)
    # x = (r alpha^2)^(1/(df+1)); t^2 = df (1 - x) / (x - r).
    log_x = log_goal / (df + 1)
    gap = math.exp(log_x) - r
    return math.sqrt(df * -math.expm1(log_x) / gap) if gap > 0 else math.inf


def best_g(*, n_planned: int, coefficients: int, alpha: float) -> float:
    """Prior precision g that makes the regression interval shortest at a planned size.

    Args:
        n_planned: Rows at which to be shortest, above ``coefficients``.
        coefficients: Columns of the design, >= 1.
        alpha: Error over all sample sizes, 0 < alpha < 1.

    Returns:
        g > 0.

    Raises:
        InputError: Arguments outside their domains.
        ConvergenceError: No finite interval exists at that size.

    References:
        Lindon et al. (2024), arXiv 2210.08589. Solved as a root of the derivative: a minimiser
        finds g only to half the digits, as published values of it show.

    Examples:
        >>> round(best_g(n_planned=100, coefficients=8, alpha=0.05), 4)
        11.5815
    """
    whole(n_planned, "n_planned")
    probability(alpha, "alpha")
    df = n_planned - whole(coefficients, "coefficients")
    if df < 1:
        raise InputError(
            f"{n_planned} rows cannot carry {coefficients} coefficients",
            field="n_planned",
            value=n_planned,
        )
    # With x(r) = (r alpha^2)^(1/(df+1)), the square of the half-width is df (1-x)/(x-r). Its
    # derivative in log r vanishes where (1-x)(r - x') = x'(x - r), x' = dx/dlog r = x/(df+1).
    log_alpha2 = 2 * math.log(alpha)

    def slope(log_r: float) -> float:
        log_x = (log_r + log_alpha2) / (df + 1)
        x, r = math.exp(log_x), math.exp(log_r)
        step = x / (df + 1)
        return -math.expm1(log_x) * (r - step) - step * (x - r)

    # The interval is finite for r below alpha^(2/df); there the width grows again.
    low, high = -745.0, log_alpha2 / df
    if slope(low) >= 0 or slope(high) <= 0:
        raise ConvergenceError(
            "no g gives a finite interval", routine="best_g", residual=slope(high)
        )
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if slope(middle) < 0:
            low = middle
        else:
            high = middle
    return n_planned * math.exp(low) / -math.expm1(low)


def regression_look(
    fit: LeastSquares, *, coefficient: int, g: float, alpha: float = 0.05
) -> SequenceLook:
    """Anytime-valid interval for one coefficient of a regression.

    With the treatment dummy and pre-exposure covariates this is the adjusted effect, watched
    continuously. Under a robust covariance the guarantee is asymptotic.

    Args:
        fit: A regression on all rows so far, not clustered.
        coefficient: Index of the coefficient.
        g: Precision of the prior, > 0, fixed in advance.
        alpha: Error over all sample sizes, 0 < alpha < 1.

    Returns:
        Estimate, interval and p-value that hold at all sample sizes together.

    Raises:
        InputError: No such coefficient, a clustered fit, or arguments outside their domains.

    References:
        Lindon et al. (2024), arXiv 2210.08589.

    Examples:
        >>> from testkit.stats.regression import least_squares
        >>> y = [1.0, 2.1, 0.9, 2.2, 1.1, 1.9, 1.0, 2.0]
        >>> fit = least_squares(y, [[1, i % 2] for i in range(8)], kind="classical")
        >>> round(regression_look(fit, coefficient=1, g=1).p_value, 3)
        0.003
    """
    if fit.clusters is not None:
        raise InputError(
            "the clusters, not the rows, are what arrives",
            field="fit",
            value=fit.kind,
            hint="use one mean per cluster as a row",
        )
    columns = len(fit.coefficients)
    if not 0 <= coefficient < columns:
        raise InputError(
            f"no coefficient {coefficient} among {columns}", field="coefficient", value=coefficient
        )
    estimate, se = fit.coefficients[coefficient], fit.se[coefficient]
    if se == 0:
        raise InputError(
            "the outcome is fitted without error", field="fit", value=0.0, hint="check the outcome"
        )
    critical = regression_critical(n=fit.n, g=g, alpha=alpha, coefficients=columns)
    log_e = regression_log_e(estimate / se, df=fit.df, n=fit.n, g=g)
    return SequenceLook(
        scale="coefficient",
        estimate=estimate,
        se=se,
        n=fit.n,
        critical=critical,
        interval=(estimate - critical * se, estimate + critical * se),
        p_value=math.exp(min(-log_e, 0.0)),
        confidence=1 - alpha,
    )
