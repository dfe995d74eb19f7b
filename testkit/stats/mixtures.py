"""Time-uniform boundaries: how far a centred sum may stray at any time.

What lives here: mixture boundaries for sub-Gaussian, sub-exponential, sub-Poisson and
sub-Bernoulli sums, the polynomial stitched boundary, and the anytime interval for one rate. What
must not: comparisons of arms (:mod:`testkit.stats.confseq`, :mod:`testkit.stats.eprocess`).

Theory of operation. ``S`` is a centred sum and ``V`` its accumulated (intrinsic) variance. For a
suitable psi, ``exp(l S - psi(l) V)`` is a supermartingale for every l; its average over a
distribution of l, the mixture, is one too, and by Ville's inequality exceeds ``1 / alpha`` with
probability at most alpha. The boundary is the S at which it does. The distribution's precision
``rho`` is set so that the boundary is tightest near one value of V, ``v_opt``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

import numpy as np
from scipy.special import (
    betaincc,
    betaln,
    gammainc,
    gammaincc,
    gammaln,
    log_ndtr,
    zeta,
)

from testkit.errors import ConvergenceError, InputError
from testkit.stats.domain import positive, probability, whole

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "BetaBinomialMixture",
    "GammaMixture",
    "Mixture",
    "NormalMixture",
    "best_rho",
    "boundary",
    "rate_interval",
    "stitched_boundary",
]

# A concentration is kept above this share of its natural unit, so that a v_opt too small for any
# tuning still gives a proper (if wide) mixture.
_LEAST_CONCENTRATION: Final = 1e-3


class Mixture(Protocol):
    """A supermartingale of a sum and its variance."""

    def log_value(self, *, s: float, v: float) -> float:
        """Natural log of the mixture at sum ``s`` and intrinsic variance ``v``."""


def best_rho(*, v_opt: float, alpha: float, sides: Literal[1, 2] = 2) -> float:
    """Precision of a normal mixture that makes its boundary tightest near ``v_opt``.

    Args:
        v_opt: Intrinsic variance at which to be tight, > 0.
        alpha: Crossing probability, 0 < alpha < 1; below 1/2 for one side.
        sides: 2 for a boundary on |S|, 1 for one on S.

    Returns:
        rho, in the unit of variance, > 0.

    Raises:
        InputError: Arguments outside their domains.

    References:
        Howard, Ramdas, McAuliffe & Sekhon (2021), Annals of Statistics 49(2), 1055-1080, arXiv
        1810.08240, section on tuning; the expansion of the Lambert-W optimum.

    Examples:
        >>> round(best_rho(v_opt=100, alpha=0.05), 5)
        12.60056
    """
    positive(v_opt, "v_opt")
    probability(alpha, "alpha")
    if sides not in (1, 2):
        raise InputError(f"sides is {sides}, not 1 or 2", field="sides", value=sides)
    tail = alpha if sides == 2 else 2 * alpha
    if tail >= 1:
        raise InputError(
            f"alpha is {alpha}; one side needs less than 1/2", field="alpha", value=alpha
        )
    cost = -2 * math.log(tail)
    return v_opt / (cost + math.log1p(cost))


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalMixture:
    """Mixture for sub-Gaussian sums.

    Attributes:
        rho: Precision of the mixing normal, > 0; see :func:`best_rho`.
        sides: 2 mixes over both directions, 1 over the upward one.

    References:
        Howard et al. (2021), Annals of Statistics 49(2), arXiv 1810.08240, two-sided and
        one-sided normal mixtures; Robbins (1970), Annals of Mathematical Statistics 41(5).

    Examples:
        >>> round(NormalMixture(rho=12.60056, sides=2).log_value(s=10, v=100), 5)
        -0.65101
    """

    rho: float
    sides: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        positive(self.rho, "rho")

    @classmethod
    def tuned(cls, *, v_opt: float, alpha: float, sides: Literal[1, 2] = 2) -> NormalMixture:
        """The mixture whose boundary is tightest near ``v_opt``."""
        return cls(rho=best_rho(v_opt=v_opt, alpha=alpha, sides=sides), sides=sides)

    def log_value(self, *, s: float, v: float) -> float:
        """Natural log of the mixture at sum ``s`` and variance ``v`` >= 0."""
        total = v + self.rho
        two_sided = 0.5 * math.log(self.rho / total) + s * s / (2 * total)
        if self.sides == 2:
            return two_sided
        return two_sided + math.log(2) + float(log_ndtr(s / math.sqrt(total)))


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaMixture:
    """One-sided mixture for sub-exponential or sub-Poisson sums of scale ``c``.

    Attributes:
        rho: Precision, > 0; tuned one-sidedly by :func:`best_rho`.
        c: Scale, > 0: the largest upward step for Poisson.
        kind: ``exponential`` or ``poisson``.

    References:
        Howard et al. (2021), Annals of Statistics 49(2), arXiv 1810.08240, gamma-exponential and
        gamma-Poisson mixtures.

    Examples:
        >>> mixture = GammaMixture.tuned(v_opt=100, alpha=0.05, c=2.0, kind="exponential")
        >>> round(mixture.log_value(s=10, v=100), 6)
        -0.249016
    """

    rho: float
    c: float
    kind: Literal["exponential", "poisson"]

    def __post_init__(self) -> None:
        positive(self.rho, "rho")
        positive(self.c, "c")

    @classmethod
    def tuned(
        cls, *, v_opt: float, alpha: float, c: float, kind: Literal["exponential", "poisson"]
    ) -> GammaMixture:
        """The mixture whose boundary is tightest near ``v_opt``."""
        return cls(rho=best_rho(v_opt=v_opt, alpha=alpha, sides=1), c=c, kind=kind)

    def log_value(self, *, s: float, v: float) -> float:
        """Natural log of the mixture at sum ``s`` and variance ``v`` >= 0."""
        c2 = self.c * self.c
        prior, shape, drift = self.rho / c2, (v + self.rho) / c2, s / self.c
        if self.kind == "exponential":
            scale = shape + drift
            if scale <= 0:
                raise InputError(f"s is {s}, below its range at v = {v}", field="s", value=s)
            return float(
                _log_gamma_prior(prior, float(gammainc(prior, prior)))
                + gammaln(shape)
                + np.log(gammainc(shape, scale))
                - shape * math.log(scale)
                + v / c2
                + drift
            )
        events = shape + drift
        if events <= 0:
            raise InputError(f"s is {s}, below its range at v = {v}", field="s", value=s)
        return float(
            _log_gamma_prior(prior, float(gammaincc(prior, prior)))
            + gammaln(events)
            + np.log(gammaincc(events, shape))
            - events * math.log(shape)
            + v / c2
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaBinomialMixture:
    """Mixture for sums of steps between -g and h (sub-Bernoulli).

    Attributes:
        r: Precision, > 0; by :meth:`tuned`, ``best_rho`` less ``g h``.
        g: Largest downward step, > 0.
        h: Largest upward step, > 0.
        sides: 2 mixes over both directions, 1 over the upward one.

    References:
        Howard et al. (2021), Annals of Statistics 49(2), arXiv 1810.08240, two-sided and
        one-sided beta-binomial mixtures.

    Examples:
        >>> mixture = BetaBinomialMixture.tuned(v_opt=100, alpha=0.05, g=0.2, h=0.8)
        >>> round(mixture.log_value(s=10, v=100), 6)
        -0.694101
    """

    r: float
    g: float
    h: float
    sides: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        positive(self.r, "r")
        positive(self.g, "g")
        positive(self.h, "h")

    @classmethod
    def tuned(
        cls, *, v_opt: float, alpha: float, g: float, h: float, sides: Literal[1, 2] = 2
    ) -> BetaBinomialMixture:
        """The mixture whose boundary is tightest near ``v_opt``."""
        positive(g, "g")
        positive(h, "h")
        rho = best_rho(v_opt=v_opt, alpha=alpha, sides=sides)
        return cls(r=max(rho - g * h, _LEAST_CONCENTRATION * g * h), g=g, h=h, sides=sides)

    def log_value(self, *, s: float, v: float) -> float:
        """Natural log of the mixture at sum ``s`` and variance ``v`` >= 0."""
        # v / (g h) trials of a coin with success g / (g + h), which steps up h or down g.
        width = self.g + self.h
        trials = v / (self.g * self.h)
        successes = (s + self.g * trials) / width
        failures = trials - successes
        if successes < -1e-9 * trials or failures < -1e-9 * trials:
            raise InputError(f"s is {s}, outside its range at v = {v}", field="s", value=s)
        null = self.g / width
        a, b = self.r / (width * self.h), self.r / (width * self.g)
        top_a, top_b = a + max(successes, 0.0), b + max(failures, 0.0)
        value = (
            betaln(top_a, top_b)
            - betaln(a, b)
            - successes * math.log(null)
            - failures * math.log1p(-null)
        )
        if self.sides == 1:
            value += np.log(betaincc(top_a, top_b, null)) - np.log(betaincc(a, b, null))
        return float(value)


def boundary(mixture: Mixture, *, v: float, alpha: float) -> float:
    """Sum that a mixture allows at intrinsic variance ``v``.

    Args:
        mixture: One of the mixtures of this module.
        v: Intrinsic variance, > 0.
        alpha: Crossing probability over all v together, 0 < alpha < 1.

    Returns:
        The s > 0 at which the mixture reaches 1 / alpha; infinity if no possible sum does.

    Raises:
        InputError: Arguments outside their domains.
        ConvergenceError: The root was not reached.

    References:
        Howard et al. (2021), Annals of Statistics 49(2), arXiv 1810.08240.

    Examples:
        >>> mixture = NormalMixture.tuned(v_opt=100, alpha=0.05)
        >>> round(boundary(mixture, v=100, alpha=0.05), 4)
        30.3521
    """
    positive(v, "v")
    probability(alpha, "alpha")
    goal = -math.log(alpha)
    limit = math.inf
    if isinstance(mixture, BetaBinomialMixture):
        limit = v / mixture.g  # every trial a success
        if mixture.log_value(s=limit, v=v) < goal:
            return math.inf
    low, high = 0.0, min(math.sqrt(v), limit)
    while mixture.log_value(s=high, v=v) < goal:
        low, high = high, min(2 * high, limit)
        if high > 1e9 * (v + 1):
            raise ConvergenceError("no boundary", routine="boundary", residual=high)
    return _bisect(lambda s: mixture.log_value(s=s, v=v) - goal, low, high)


def stitched_boundary(
    *,
    v: float,
    alpha: float,
    v_min: float,
    c: float = 0.0,
    s: float = 1.4,
    eta: float = 2.0,
) -> float:
    """Closed-form boundary that grows at the rate of the law of the iterated logarithm.

    Args:
        v: Intrinsic variance, > 0; below ``v_min`` the boundary is that at ``v_min``.
        alpha: Crossing probability, 0 < alpha < 1.
        v_min: Intrinsic variance from which the boundary counts, > 0.
        c: Scale of the sub-gamma tail; 0 for sub-Gaussian.
        s: Decay of the error over epochs, > 1.
        eta: Ratio of successive epochs, > 1.

    Returns:
        The boundary on the sum.

    Raises:
        InputError: Arguments outside their domains.

    References:
        Howard et al. (2021), Annals of Statistics 49(2), arXiv 1810.08240, Theorem 1 and its
        polynomial case.

    Examples:
        >>> round(stitched_boundary(v=100, alpha=0.05, v_min=10, c=3), 5)
        64.48755
    """
    positive(v, "v")
    positive(v_min, "v_min")
    probability(alpha, "alpha")
    if not math.isfinite(c):
        raise InputError(f"c is {c}", field="c", value=c)
    for name, value in (("s", s), ("eta", eta)):
        if not (math.isfinite(value) and value > 1):
            raise InputError(f"{name} is {value}, not above 1", field=name, value=value)
    used = max(v, v_min)
    k1 = (eta**0.25 + eta**-0.25) / math.sqrt(2)
    k2 = (math.sqrt(eta) + 1) / 2
    cost = s * math.log(math.log(eta * used / v_min)) + math.log(
        float(zeta(s)) / (alpha * math.log(eta) ** s)
    )
    lean = k2 * c * cost
    return math.sqrt(k1 * k1 * used * cost + lean * lean) + lean


def rate_interval(
    *, successes: int, n: int, alpha: float = 0.05, n_opt: float, alpha_opt: float = 0.05
) -> tuple[float, float]:
    """Anytime-valid interval for one rate, by inverting the beta-binomial mixture.

    Args:
        successes: Units with the outcome so far.
        n: Units so far, >= 1.
        alpha: Non-coverage over all looks together, 0 < alpha < 1.
        n_opt: Units at which the interval should be tightest, > 0.
        alpha_opt: Error for which the mixture is tuned, 0 < alpha_opt < 1.

    Returns:
        Lower and upper rate; 0 and 1 where the data set no limit.

    Raises:
        InputError: Counts that do not fit, or arguments outside their domains.
        ConvergenceError: A limit was not reached.

    References:
        Howard et al. (2021), Annals of Statistics 49(2), arXiv 1810.08240.

    Examples:
        >>> low, high = rate_interval(successes=15, n=50, n_opt=50)
        >>> round(low, 6), round(high, 6)
        (0.129557, 0.511896)
    """
    whole(n, "n")
    whole(successes, "successes", at_least=0)
    if successes > n:
        raise InputError(
            f"{successes} successes among {n} units", field="successes", value=successes
        )
    probability(alpha, "alpha")
    unit_rho = best_rho(v_opt=positive(n_opt, "n_opt"), alpha=alpha_opt)
    concentration = max(unit_rho - 1, _LEAST_CONCENTRATION)
    failures = n - successes

    def excess(logit: float) -> float:
        # The null rate is expit(logit); in logits neither tail loses digits.
        log_p, log_q = -float(np.logaddexp(0, -logit)), -float(np.logaddexp(0, logit))
        a, b = concentration * math.exp(log_p), concentration * math.exp(log_q)
        mixture = float(betaln(a + successes, b + failures) - betaln(a, b))
        return mixture - successes * log_p - failures * log_q + math.log(alpha)

    middle = math.log((successes + 0.5) / (failures + 0.5))
    if successes and failures:
        middle = math.log(successes / failures)
    low = 0.0 if successes == 0 else _expit(_first_positive(excess, middle, -1.0))
    high = 1.0 if failures == 0 else _expit(_first_positive(excess, middle, 1.0))
    return low, high


def _first_positive(excess: Callable[[float], float], start: float, direction: float) -> float:
    """Logit at which ``excess`` turns positive; minus or plus infinity if it never does."""
    inner, step = start, 0.5
    while step < 600:
        outer = start + direction * step
        if excess(outer) > 0:
            return _bisect(excess, inner, outer)
        inner, step = outer, step * 2
    return direction * math.inf


def _bisect(function: Callable[[float], float], below: float, above: float) -> float:
    """Root between an argument where ``function`` is negative and one where it is positive."""
    for _ in range(300):
        middle = (below + above) / 2
        if middle in (below, above):
            return middle
        if function(middle) < 0:
            below = middle
        else:
            above = middle
    raise ConvergenceError("no root", routine="bisection", residual=abs(above - below))


def _expit(logit: float) -> float:
    return math.exp(-float(np.logaddexp(0, -logit)))


def _log_gamma_prior(prior: float, tail: float) -> float:
    return prior * math.log(prior) - float(gammaln(prior)) - math.log(tail)
