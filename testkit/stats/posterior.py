"""Which arm is best, what a wrong choice costs, and whether another wave is worth it.

Rates with Beta priors, exactly: the probability that an arm is best and its expected loss are
integrals over one rate of products of Beta distribution functions, computed by fixed quadrature,
so the same counts always give the same digits (no random draws).

These numbers answer "which arm goes to the rest of the list?". They do not control false positives:
watched daily, "chance to beat control above 95 %" rejects 34 % of true nulls. A decision that says
"it works" comes from the plan's boundary, never from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    betaln,
    expit,
    log_expit,
    logit,
    xlog1py,
    xlogy,
)

from testkit.errors import ConvergenceError, InputError
from testkit.stats import domain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ArmPosterior", "Continuation", "beta_prior", "judge_arms", "value_of_continuing"]

_LEVELS: Final = np.array([1e-15, 1e-11, 1e-8, 1e-5, 1e-3, 0.01, 0.05, 0.15, 0.3, 0.5])
"""Lower quantiles (and, mirrored, upper ones) at which the integration range is cut."""
_ORDER: Final = 20
_WEAKEST: Final = 0.05  # below, the Beta's mass near 0 is out of reach of double precision
_STRONGEST: Final = 1e4  # a prior worth more than this many times the largest arm is a constant


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPosterior:
    """One arm after the data.

    Attributes:
        mean: Posterior mean of the arm's rate.
        low: Lower end of the central credible interval.
        high: Upper end.
        probability_best: Probability that this arm has the highest rate of all.
        expected_loss: Expected rate given up by choosing this arm: E[best rate - this rate], per
            recipient; times the remainder it is the expected number of conversions lost.
    """

    mean: float
    low: float
    high: float
    probability_best: float
    expected_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """What one more wave of the test would be worth, against choosing now.

    Attributes:
        chosen: Index of the arm that would be chosen now (highest posterior mean).
        choose_now: Expected conversions among the remainder when it all gets that arm now.
        test_then_choose: Expected conversions among the same people when a wave is tested first
            and the arm that then has the highest posterior mean goes to the others.
        change_probability: Probability that the wave changes the choice.
    """

    chosen: int
    choose_now: float
    test_then_choose: float
    change_probability: float

    @property
    def value(self) -> float:
        """Extra conversions expected from the wave; negative when choosing now is better."""
        return self.test_then_choose - self.choose_now


def judge_arms(
    conversions: ArrayLike,
    n: ArrayLike,
    *,
    prior: tuple[float, float] = (1.0, 1.0),
    level: float = 0.95,
) -> tuple[ArmPosterior, ...]:
    """Probability of being best and expected loss of every arm.

    Args:
        conversions: Conversions per arm, shape ``(arms,)``, at least two arms.
        n: Matured recipients per arm, same shape.
        prior: Shape parameters (a, b) of the common Beta prior, both >= 0.05; (1, 1) is flat.
            One from past tests (:func:`beta_prior`) guards against wild early numbers.
        level: Level of the credible intervals, in (0, 1).

    Returns:
        One posterior per arm, in the order given. The probabilities add up to 1.

    Raises:
        InputError: Fewer than two arms, counts that are not whole, negative or above n, or a
            prior parameter below 0.05.

    References:
        Beta-binomial conjugacy; expected loss as in Stucchio (2015), Bayesian A/B Testing at VWO.
        Integrated by composite Gauss-Legendre quadrature, error below 1e-10.

    Examples:
        >>> control, treatment = judge_arms([20, 30], [1000, 1000])
        >>> round(treatment.probability_best, 6), round(1e4 * treatment.expected_loss, 4)
        (0.922293, 2.4924)
    """
    a, b = _posteriors(conversions, n, prior)
    tail = (1 - domain.probability(level, "level")) / 2
    t, w = _nodes(a, b)
    x = expit(t)
    a_, b_ = a[:, None], b[:, None]
    # each half from its own end, so that a rate near 1 keeps its digits
    below = np.where(t < 0, betainc(a_, b_, x), betaincc(b_, a_, expit(-t)))
    # what P(this arm is at x and all others are below) adds at each node
    best = np.array(
        [_masses(a[i], b[i], t, w) * np.delete(below, i, axis=0).prod(0) for i in range(a.size)]
    )
    expected_best = float((best * x).sum())
    means = a / (a + b)
    return tuple(
        ArmPosterior(
            mean=float(means[i]),
            low=float(betaincinv(a[i], b[i], tail)),
            high=float(betainccinv(a[i], b[i], tail)),
            probability_best=min(1.0, float(best[i].sum())),
            expected_loss=max(0.0, expected_best - float(means[i])),
        )
        for i in range(a.size)
    )


def value_of_continuing(
    conversions: ArrayLike,
    n: ArrayLike,
    *,
    wave: ArrayLike,
    remainder: int,
    prior: tuple[float, float] = (1.0, 1.0),
) -> Continuation:
    """Worth of one more wave of the test before the rest of the list gets the best arm.

    Args:
        conversions: Conversions per arm so far, shape ``(arms,)``, at least two arms.
        n: Matured recipients per arm so far, same shape; 0 is allowed for a wave before any data.
        wave: Recipients that the next wave would send to each arm, same shape, >= 0.
        remainder: Recipients not mailed yet, the wave among them.
        prior: Shape parameters (a, b) of the common Beta prior, both >= 0.05.

    Returns:
        Expected conversions with and without the wave, and how likely it changes the choice.

    Raises:
        InputError: Fewer than two arms, bad counts, or a wave larger than the remainder.

    References:
        Preposterior analysis (Raiffa & Schlaifer 1961): the wave's conversions are beta-binomial,
        and the expected largest of the new posterior means is summed exactly over their support.

    Examples:
        >>> more = value_of_continuing([20, 24], [1000, 1000], wave=[500, 500], remainder=50_000)
        >>> more.chosen, round(more.value, 1), round(more.change_probability, 3)
        (1, 12.4, 0.128)
    """
    a, b = _posteriors(conversions, n, prior, empty_arms=True)
    sizes = domain.finite_array(wave, "wave", at_least=2)
    if sizes.shape != a.shape:
        raise InputError(
            f"wave has {sizes.size} entries for {a.size} arms", field="wave", value=sizes.size
        )
    if (sizes < 0).any() or (sizes != np.floor(sizes)).any():
        raise InputError("wave must hold whole numbers of at least 0", field="wave", value=wave)
    people = domain.whole(remainder, "remainder")
    if sizes.sum() > people:
        raise InputError(
            f"a wave of {sizes.sum():.0f} is more than the remainder of {people}",
            field="wave",
            value=float(sizes.sum()),
            hint="make the wave smaller, or choose now",
        )
    means = a / (a + b)
    chosen = int(means.argmax())
    outcomes = [
        _next_means(float(p), float(q), int(m)) for p, q, m in zip(a, b, sizes, strict=True)
    ]
    points = np.unique(np.concatenate([x for x, _ in outcomes]))
    below = np.array([_cumulative(x, mass, points) for x, mass in outcomes])
    largest = np.diff(below.prod(axis=0), prepend=0.0)
    x, mass = outcomes[chosen]
    kept = np.array(
        [_cumulative(y, other, x) for i, (y, other) in enumerate(outcomes) if i != chosen]
    ).prod(axis=0)
    tested = float((sizes * means).sum())
    return Continuation(
        chosen=chosen,
        choose_now=people * float(means[chosen]),
        test_then_choose=tested + (people - float(sizes.sum())) * float((points * largest).sum()),
        change_probability=max(0.0, 1 - float((mass * kept).sum())),
    )


def beta_prior(conversions: ArrayLike, n: ArrayLike) -> tuple[float, float] | None:
    """Beta prior of an arm's rate from the arms of past tests, by marginal likelihood.

    Args:
        conversions: Conversions per past arm, shape ``(arms,)``, at least three arms.
        n: Recipients per past arm, same shape.

    Returns:
        Shape parameters (a, b); None when the past rates differ by no more than chance explains,
        so that no prior of finite strength fits best.

    Raises:
        InputError: Fewer than three arms, or counts that are not whole, negative or above n.
        ConvergenceError: The likelihood's maximum was not found.

    References:
        Maximum likelihood of the beta-binomial distribution (Griffiths 1973, Biometrics 29).

    Examples:
        >>> a, b = beta_prior([20, 31, 12, 25, 44], [1000, 1000, 1000, 1000, 1000])
        >>> round(a / (a + b), 4)
        0.0264
    """
    s, size = domain.counts(conversions, n)
    if s.size < 3:
        raise InputError(
            f"a prior needs at least three past arms, got {s.size}",
            field="conversions",
            value=s.size,
        )
    overall = float(s.sum() / size.sum())
    if overall in (0.0, 1.0):
        return None

    def loss(x: NDArray[np.float64]) -> float:
        mean, strength = float(expit(x[0])), math.exp(float(x[1]))
        p, q = mean * strength, (1 - mean) * strength
        return -float((betaln(p + s, q + size - s) - betaln(p, q)).sum())

    start = np.array([math.log(overall / (1 - overall)), math.log(100.0)])
    bounds = [(-30.0, 30.0), (math.log(0.05), math.log(_STRONGEST * size.max()))]
    # of a likelihood of thousands of arms the last digits are rounding
    rounding = 1e-13 * (1 + abs(loss(start)))
    found = minimize(
        loss,
        start,
        method="Nelder-Mead",
        bounds=bounds,
        options={"xatol": 1e-6, "fatol": max(1e-9, rounding), "maxiter": 4000, "maxfev": 4000},
    )
    if not found.success:
        raise ConvergenceError("no prior fits the past arms", routine="beta_prior")
    # a common rate is the limit of infinite strength; prefer it unless a finite one fits better
    pooled = -float((xlogy(s, overall) + xlog1py(size - s, -overall)).sum())
    if found.fun >= pooled - max(1e-6, 10 * rounding):
        return None
    mean, strength = float(expit(found.x[0])), math.exp(float(found.x[1]))
    return mean * strength, (1 - mean) * strength


def _posteriors(
    conversions: ArrayLike, n: ArrayLike, prior: tuple[float, float], *, empty_arms: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if empty_arms and not np.any(np.asarray(n)):
        size = domain.finite_array(n, "n", at_least=2)
        s = np.zeros_like(size)
    else:
        s, size = domain.counts(conversions, n)
    if s.size < 2:
        raise InputError(f"it takes at least two arms, got {s.size}", field="n", value=s.size)
    for value in prior:
        if domain.positive(value, "prior") < _WEAKEST:
            raise InputError(
                f"prior parameters must be at least {_WEAKEST}, got {value!r}",
                field="prior",
                value=value,
                hint="(0.5, 0.5) is Jeffreys' prior, (1, 1) the flat one",
            )
    return prior[0] + s, prior[1] + size - s


def _nodes(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-odds and their weights, on panels cut at quantiles of every arm.

    In the log-odds a Beta density is analytic whatever its shape parameters, and cutting at
    quantiles resolves a narrow arm beside a wide one.
    """
    low = betaincinv(a[:, None], b[:, None], _LEVELS)
    # upper quantiles as 1 - x, which keeps digits for rates near 1
    high = betaincinv(b[:, None], a[:, None], _LEVELS)
    cuts = np.unique(np.concatenate([logit(low).ravel(), -logit(high).ravel()]))
    cuts = cuts[np.isfinite(cuts)]
    nodes, weights = np.polynomial.legendre.leggauss(_ORDER)
    middle, half = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts) / 2
    t = (middle[:, None] + half[:, None] * nodes).ravel()
    return t, (half[:, None] * weights).ravel()


def _masses(
    a: float, b: float, t: NDArray[np.float64], w: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability of each node, given as log-odds, under Beta(a, b)."""
    # Near 1 the rate itself has no digits of 1 - x left; the log-odds have them all.
    mass = w * np.exp(a * log_expit(t) + b * log_expit(-t) - betaln(a, b))
    # for large counts the exponent is rounded at 1e-11; the sum is known to be 1
    return np.asarray(mass / mass.sum())


def _next_means(a: float, b: float, m: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Possible posterior means after m more recipients, and their probabilities."""
    s = np.arange(m + 1, dtype=np.float64)
    log_choose = -np.log(m + 1) - betaln(s + 1, m - s + 1)
    mass = np.exp(log_choose + betaln(a + s, b + m - s) - betaln(a, b))
    kept = mass > 1e-18
    return ((a + s) / (a + b + m))[kept], mass[kept] / mass[kept].sum()


def _cumulative(
    x: NDArray[np.float64], mass: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """P(X <= at) of a discrete distribution with ascending support."""
    total = np.concatenate([[0.0], np.minimum(mass.cumsum(), 1.0)])
    total[-1] = 1.0
    return np.asarray(total[np.searchsorted(x, at, side="right")])
