"""Test & Roll: how large a test should be when the list ends and the better arm gets the rest.

"Which message should the rest of the list get?" is not "is the difference real?". A test that is
only a means to mail the remainder well should be small: every recipient of the test may get the
worse arm, and a wrong choice between two nearly equal arms costs almost nothing.

Model (Feit & Berman 2019): the mean response m_j of arm j is drawn from Normal(mean_j, spread_j^2)
and one recipient's response has standard deviation ``sd`` within an arm (sqrt(p(1 - p)) for a
rate). The test sends n_j to arm j; the arm with the higher posterior mean gets all that is left.

``spread`` is the standard deviation of *arm means*. A meta-analysis of differences between two such
arms estimates tau = spread * sqrt(2), because a difference holds the noise of both:
:func:`spread_from_tau` divides it out and :func:`spread_of_arms` never needs it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import ndtr, owens_t

from testkit.errors import ConvergenceError, InputError
from testkit.stats import domain
from testkit.stats.meta import reml_variance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ArmPrior",
    "RollPlan",
    "plan_roll",
    "plan_roll_unequal",
    "rate_prior",
    "roll_error_rate",
    "roll_gain",
    "spread_from_tau",
    "spread_of_arms",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPrior:
    """What past tests say about an arm before this one.

    Attributes:
        mean: Expected mean response, in the unit of the metric (a rate, or money per recipient).
        spread: Standard deviation of the arm's true mean around ``mean``, same unit, > 0.
        sd: Standard deviation of one recipient's response within the arm, same unit, > 0.
    """

    mean: float
    spread: float
    sd: float

    def __post_init__(self) -> None:
        domain.finite(self.mean, "mean")
        domain.positive(self.spread, "spread")
        domain.positive(self.sd, "sd")


@dataclass(frozen=True, slots=True, kw_only=True)
class RollPlan:
    """Sizes of the test, and what mailing the remainder by its result is worth.

    All gains are expectations per list, in units of the metric (extra conversions for a rate),
    counted from sending every recipient the same arm, picked without a test.

    Attributes:
        n: Recipients in the test per arm, in the order of the priors, not rounded.
        list_size: Recipients in all.
        error_rate: Probability that the remainder gets an arm that is not the best one.
        gain: Expected extra outcomes over the whole list from testing and then rolling out.
        gain_if_known: Expected extra outcomes if the better arm were known for certain.
    """

    n: tuple[float, ...]
    list_size: int
    error_rate: float
    gain: float
    gain_if_known: float

    @property
    def whole(self) -> tuple[int, ...]:
        """Recipients in the test per arm, rounded; an arm that is tested at all gets at least 1."""
        return tuple(max(1, round(n)) if n > 0 else 0 for n in self.n)

    @property
    def remainder(self) -> int:
        """Recipients that get the chosen arm."""
        return self.list_size - sum(self.whole)

    @property
    def share_of_known(self) -> float:
        """Part of the gain under certainty that the plan reaches, in [0, 1]."""
        return self.gain / self.gain_if_known


def plan_roll(*, list_size: int, sd: float, spread: float, arms: int = 2) -> RollPlan:
    """Best test size for arms about which nothing distinguishes one from another beforehand.

    Args:
        list_size: Recipients in all, N.
        sd: Standard deviation of one recipient's response, s, > 0; sqrt(p(1 - p)) for a rate.
        spread: Standard deviation of arm means across past tests, sigma, same unit, > 0.
        arms: Number of arms, >= 2. Two arms have a closed form; more are solved numerically.

    Returns:
        The plan that maximises the expected outcome over the whole list.

    Raises:
        InputError: A value is outside its domain, or the list has fewer recipients than twice the
            number of arms.

    References:
        Feit & Berman (2019), Test & Roll: Profit-Maximizing A/B Tests, Marketing Science 38(6),
        1038-1058: the optimal size for symmetric normal priors, two arms.

    Examples:
        >>> plan = plan_roll(list_size=10_000, sd=0.14, spread=0.004)
        >>> plan.whole, round(plan.error_rate, 3), round(plan.gain, 1)
        ((1058, 1058), 0.262, 12.1)
    """
    size = domain.whole(list_size, "list_size", at_least=2)
    arms = domain.whole(arms, "arms", at_least=2)
    s, sigma = domain.positive(sd, "sd"), domain.positive(spread, "spread")
    _room_for(size, arms)
    if arms == 2:
        # the root of 2 sigma^2 n^2 + 3 s^2 n - N s^2 / 2 = 0, written without cancellation
        root = math.sqrt(9 * s**4 + 4 * size * s**2 * sigma**2)
        n = size * s**2 / (3 * s**2 + root)
    else:

        def loss(log_n: float) -> float:
            m = math.exp(log_n)
            return -roll_gain(n=m, list_size=size, sd=s, spread=sigma, arms=arms)

        bounds = (math.log(1e-3), math.log(size / arms))
        found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9})
        if not found.success:
            raise ConvergenceError("the size of the test was not found", routine="plan_roll")
        n = math.exp(float(found.x))
    return RollPlan(
        n=(n,) * arms,
        list_size=size,
        error_rate=roll_error_rate(n=n, sd=s, spread=sigma, arms=arms),
        gain=roll_gain(n=n, list_size=size, sd=s, spread=sigma, arms=arms),
        gain_if_known=size * sigma * _largest_of(arms),
    )


def roll_error_rate(*, n: float, sd: float, spread: float, arms: int = 2) -> float:
    """Probability that the arm with the higher observed mean is not the best one.

    Args:
        n: Recipients in the test per arm, > 0.
        sd: Standard deviation of one recipient's response, s, > 0.
        spread: Standard deviation of arm means, sigma, same unit, > 0.
        arms: Number of arms, >= 2.

    Returns:
        A probability in (0, (arms - 1) / arms).

    Raises:
        InputError: A value is outside its domain.

    References:
        Feit & Berman (2019), the error rate of the symmetric two-arm test,
        1/2 - atan(sigma sqrt(n) / s) / pi (their form is the complement's arctangent).

    Examples:
        >>> round(roll_error_rate(n=1057.76, sd=0.14, spread=0.004), 4)
        0.2617
    """
    size = domain.positive(n, "n")
    s, sigma = domain.positive(sd, "sd"), domain.positive(spread, "spread")
    if domain.whole(arms, "arms", at_least=2) == 2:
        return math.atan2(s, sigma * math.sqrt(size)) / math.pi
    reliability = sigma**2 / (sigma**2 + s**2 / size)
    return 1.0 - _best_is_chosen(arms, math.sqrt(reliability))


def roll_gain(*, n: float, list_size: int, sd: float, spread: float, arms: int = 2) -> float:
    """Expected extra outcomes over the list from a test of ``n`` per arm and a roll-out.

    Args:
        n: Recipients in the test per arm, > 0, with ``arms * n <= list_size``.
        list_size: Recipients in all, N.
        sd: Standard deviation of one recipient's response, s, > 0.
        spread: Standard deviation of arm means, sigma, same unit, > 0.
        arms: Number of arms, >= 2.

    Returns:
        Extra outcomes against sending everybody one arm picked without a test, in units of the
        metric (conversions for a rate); >= 0.

    Raises:
        InputError: A value is outside its domain, or the test is larger than the list.

    References:
        Feit & Berman (2019), expected profit of the symmetric test, less N times the prior mean.

    Examples:
        >>> round(roll_gain(n=500, list_size=10_000, sd=0.14, spread=0.004), 1)
        10.9
    """
    size = domain.positive(n, "n")
    total = domain.whole(list_size, "list_size")
    s, sigma = domain.positive(sd, "sd"), domain.positive(spread, "spread")
    arms = domain.whole(arms, "arms", at_least=2)
    if arms * size > total:
        raise InputError(
            f"{arms} arms of {n!r} are more than the list of {total}",
            field="n",
            value=n,
            hint=f"at most {total // arms} per arm",
        )
    # the posterior mean of an arm varies by sigma^4 / (sigma^2 + s^2/n) around the prior mean
    posterior_spread = sigma**2 / math.sqrt(sigma**2 + s**2 / size)
    return (total - arms * size) * posterior_spread * _largest_of(arms)


def plan_roll_unequal(*, list_size: int, priors: Sequence[ArmPrior]) -> RollPlan:
    """Best test sizes for two arms with different priors, such as a proven text against a new one.

    An arm that is known well (small spread) or expected to lose gets fewer recipients, often none:
    a size near 0 says that testing that arm is not worth a recipient, and the prior decides.

    Args:
        list_size: Recipients in all, N.
        priors: The two priors.

    Returns:
        The plan that maximises the expected outcome. Gains are counted from sending everybody the
        arm with the higher prior mean. ``error_rate`` is the probability that the remainder gets
        the worse of the two arms.

    Raises:
        InputError: Not exactly two priors, or the list has fewer than four recipients.
        ConvergenceError: The sizes were not found.

    References:
        Feit & Berman (2019), asymmetric priors (incumbent and challenger). The expectation of the
        larger of two normal posterior means is written in closed form (Clark 1961, Operations
        Research 9, 145-162) and its maximum found numerically.

    Examples:
        >>> known = ArmPrior(mean=0.020, spread=0.001, sd=0.14)
        >>> fresh = ArmPrior(mean=0.020, spread=0.004, sd=0.14)
        >>> plan_roll_unequal(list_size=10_000, priors=(known, fresh)).whole
        (0, 1721)
    """
    size = domain.whole(list_size, "list_size", at_least=2)
    if len(priors) != 2:
        raise InputError(
            f"unequal priors are solved for two arms, got {len(priors)}",
            field="priors",
            value=len(priors),
            hint="use plan_roll for more arms with one common prior",
        )
    _room_for(size, 2)
    a, b = priors
    best_mean = max(a.mean, b.mean)

    def gain(n_a: float, n_b: float) -> float:
        learned = math.hypot(_posterior_spread(a, n_a), _posterior_spread(b, n_b))
        rolled = _larger_of_two(a.mean - b.mean, learned) + b.mean - best_mean
        tested = n_a * (a.mean - best_mean) + n_b * (b.mean - best_mean)
        return tested + (size - n_a - n_b) * rolled

    n_a, n_b = _best_split(gain, size)
    return RollPlan(
        n=(n_a, n_b),
        list_size=size,
        error_rate=_unequal_error(a, b, n_a, n_b),
        gain=gain(n_a, n_b),
        gain_if_known=size
        * (_larger_of_two(a.mean - b.mean, math.hypot(a.spread, b.spread)) + b.mean - best_mean),
    )


def rate_prior(*, rate: float, spread: float) -> ArmPrior:
    """Prior of an arm whose response is a conversion or none.

    Args:
        rate: Expected conversion rate, 0 < rate < 1.
        spread: Standard deviation of arm rates around it, > 0.

    Returns:
        A prior with ``sd`` = sqrt(rate (1 - rate)).

    Raises:
        InputError: A value is outside its domain.

    Examples:
        >>> round(rate_prior(rate=0.02, spread=0.004).sd, 4)
        0.14
    """
    p = domain.probability(rate, "rate")
    return ArmPrior(mean=p, spread=spread, sd=math.sqrt(p * (1 - p)))


def spread_from_tau(tau: float) -> float:
    """Spread of arm means from the spread of differences between two exchangeable arms.

    Args:
        tau: Standard deviation of true differences across tests (random-effects tau), > 0.

    Returns:
        tau / sqrt(2): a difference of two independent arm means has twice their variance.

    Raises:
        InputError: ``tau`` is not above 0.

    Examples:
        >>> round(spread_from_tau(0.004), 6)
        0.002828
    """
    return domain.positive(tau, "tau") / math.sqrt(2)


def spread_of_arms(*, means: ArrayLike, se: ArrayLike, tests: ArrayLike) -> float | None:
    """Spread of arm means around their own test's level, from past tests.

    What all arms of a test share (the list, the season, the ask) cancels in a choice between them,
    so each test has its own level and only the spread around it counts. The estimate is restricted
    maximum likelihood of one variance, with the tests' levels as nuisance parameters.

    Args:
        means: Observed arm means (rates), shape ``(arms in all tests,)``.
        se: Their standard errors, same unit, > 0, same shape.
        tests: Which test each arm belongs to: any labels, same shape; every test needs two arms.

    Returns:
        The spread sigma in the unit of ``means``; None when the arms differ by no more than their
        standard errors explain, so that past tests give no reason to test at all.

    Raises:
        InputError: Shapes differ, a standard error is not above 0, or a test has a single arm.
        ConvergenceError: The likelihood's maximum was not found.

    References:
        Restricted likelihood of a one-way layout with known sampling variances; for two arms per
        test it is the likelihood of the differences with variance 2 sigma^2.

    Examples:
        >>> tests = ["may", "may", "june", "june"]
        >>> spread = spread_of_arms(means=[0.020, 0.026, 0.031, 0.022], se=[0.001] * 4, tests=tests)
        >>> round(spread, 6)  # half of the mean squared difference, less 0.001 squared
        0.005315
    """
    y = domain.finite_array(means, "means", at_least=2)
    v = domain.positive_array(se, "se", at_least=2) ** 2
    labels = np.asarray(tests)
    if not y.shape == v.shape == labels.shape:
        raise InputError(
            f"means, se and tests differ in length: {y.size}, {v.size}, {labels.size}",
            field="tests",
            value=labels.size,
        )
    names, group, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if sizes.min() < 2:
        raise InputError(
            f"test {names[sizes.argmin()]!r} has one arm",
            field="tests",
            value=str(names[sizes.argmin()]),
            hint="leave it out: without a second arm it says nothing about spread",
        )

    variance = reml_variance(y, v, group.astype(np.int64))
    return math.sqrt(variance) if variance > 0 else None


def _room_for(size: int, arms: int) -> None:
    if size < 2 * arms:
        raise InputError(
            f"a list of {size} is too short for a test of {arms} arms",
            field="list_size",
            value=size,
            hint=f"at least {2 * arms}",
        )


def _posterior_spread(prior: ArmPrior, n: float) -> float:
    """Standard deviation of the posterior mean before the test, 0 without data."""
    if n <= 0:
        return 0.0
    return prior.spread**2 / math.sqrt(prior.spread**2 + prior.sd**2 / n)


def _larger_of_two(difference: float, spread: float) -> float:
    """E max(D, 0) for D ~ Normal(difference, spread^2)."""
    if spread <= 0:
        return max(difference, 0.0)
    z = difference / spread
    return difference * float(ndtr(z)) + spread * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _best_split(gain: Callable[[float, float], float], size: int) -> tuple[float, float]:
    """Sizes that maximise ``gain``: the best point of a coarse grid with edges, then polished."""
    edge = size * (1 - 1e-9)
    grid = np.concatenate([[0.0], size * np.geomspace(1e-5, 0.98, 40)])
    # without a test the gain is 0 by definition: the arm with the higher prior mean is sent
    best, start = 0.0, (0.0, 0.0)
    for n_a in grid:
        for n_b in grid[grid + n_a <= edge]:
            value = gain(float(n_a), float(n_b))
            if value > best:
                best, start = value, (float(n_a), float(n_b))
    if best == 0.0:
        return start

    def loss(x: NDArray[np.float64]) -> float:
        # scaled by the grid's best, so that the tolerance below is relative
        return -gain(float(x[0]), float(x[1])) / best if x[0] + x[1] <= edge else 1.0

    step = 0.1 * max(start)
    found = minimize(
        loss,
        start,
        method="Nelder-Mead",
        bounds=[(0.0, edge), (0.0, edge)],
        options={
            "initial_simplex": [start, (start[0] + step, start[1]), (start[0], start[1] + step)],
            "xatol": 1e-7 * max(start),
            "fatol": 1e-14,
            "maxiter": 2000,
        },
    )
    if not found.success:
        raise ConvergenceError("the sizes of the test were not found", routine="plan_roll_unequal")
    return float(found.x[0]), float(found.x[1])


def _unequal_error(a: ArmPrior, b: ArmPrior, n_a: float, n_b: float) -> float:
    """P(the posterior difference has the wrong sign)."""
    learned = math.hypot(_posterior_spread(a, n_a), _posterior_spread(b, n_b))
    true = math.hypot(a.spread, b.spread)
    shift = a.mean - b.mean
    if learned == 0:
        return float(ndtr(-abs(shift) / true))
    below = (-shift / learned, -shift / true)
    # the posterior mean and the truth share a mean; their correlation is learned / true
    both = _both_below(*below, correlation=learned / true)
    return float(ndtr(below[0]) + ndtr(below[1]) - 2 * both)


def _both_below(h: ArrayLike, k: ArrayLike, *, correlation: float) -> NDArray[np.float64]:
    """P(X < h, Y < k) for standard normals (Owen 1956, Ann. Math. Statistics 27, 1075-1090)."""
    # a hair off zero: Owen's formula divides by h and k, and its limits there are continuous
    h, k = np.broadcast_arrays(np.asarray(h, dtype=np.float64), np.asarray(k, dtype=np.float64))
    h, k = np.where(h == 0, 1e-300, h), np.where(k == 0, 1e-300, k)
    rest = math.sqrt((1 - correlation) * (1 + correlation))
    if rest == 0:
        return np.asarray(ndtr(np.minimum(h, k)))
    with np.errstate(over="ignore"):  # an infinite slope is the limit that Owen's T knows
        tail = owens_t(h, (k - correlation * h) / (h * rest)) + owens_t(
            k, (h - correlation * k) / (k * rest)
        )
    return np.asarray((ndtr(h) + ndtr(k)) / 2 - tail - np.where((h > 0) == (k > 0), 0.0, 0.5))


def _panels(
    low: float, high: float, *, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre nodes and weights on ``count`` equal panels."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    cuts = np.linspace(low, high, count + 1)
    middle, half = (cuts[1:] + cuts[:-1]) / 2, (cuts[1:] - cuts[:-1]) / 2
    return (middle[:, None] + half[:, None] * nodes).ravel(), (half[:, None] * weights).ravel()


def _largest_of(arms: int) -> float:
    """Expected largest of ``arms`` independent standard normals."""
    if arms == 2:
        return 1 / math.sqrt(math.pi)
    z, w = _panels(-9.0, 9.0, count=24)
    return float((w * z * arms * _density(z) * ndtr(z) ** (arms - 1)).sum())


def _best_is_chosen(arms: int, correlation: float) -> float:
    """P(the highest posterior mean belongs to the highest truth), K exchangeable arms."""
    m, w_m = _panels(-8.5, 8.5, count=12)
    e, w_e = _panels(-8.5, 8.5, count=12)
    rest = math.sqrt((1 - correlation) * (1 + correlation))
    truth = correlation * m[:, None] + rest * e
    rivals = _both_below(m[:, None], truth, correlation=correlation) ** (arms - 1)
    return float(arms * ((w_m * _density(m))[:, None] * (w_e * _density(e)) * rivals).sum())


def _density(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
