"""Do clicks stand for calls? Whether a milestone predicts the outcome, across past tests.

For each past test there is an effect on the milestone (opens, clicks) and one on the outcome
(calls, sign-ups, gifts). What matters is how the *true* effects go together. Regressing one
observed column on the other answers another question, for two reasons that pull in opposite
directions:

- both effects carry sampling error, which flattens the line (errors in variables);
- both come from the same people, so their errors are correlated even where the true effects are
  not: an arm that by luck got eager people shows more of both, and the line rises.

The model is a bivariate random-effects meta-analysis: true effects (x, y) are normal around a mean
with covariance T, and each observed pair is normal around its true pair with a known within-test
covariance. The check reports the slope and the correlation of the *true* effects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import chdtri

from testkit.errors import ConvergenceError, InputError
from testkit.stats import domain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["FEWEST_FOR_SURROGATE", "SurrogateCheck", "check_surrogate", "within_test_covariance"]

Verdict = Literal["supported", "contradicted", "unknown"]

FEWEST_FOR_SURROGATE: Final = 10
"""Tests below which the covariance of true effects is not estimated at all."""

_FARTHEST: Final = 7.0  # atanh of the largest correlation that is told apart from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrogateCheck:
    """Whether the milestone may stand in for the outcome, by what past tests showed.

    Attributes:
        tests: Number of tests.
        verdict: ``supported`` when the interval of the correlation lies above what is needed,
            ``contradicted`` when it lies below, ``unknown`` otherwise.
        reason: The verdict in a sentence.
        correlation: Correlation of the true effects, in [-1, 1]; None where it was not estimated.
        correlation_low: Lower end of its profile interval.
        correlation_high: Upper end.
        slope: Change of the true outcome effect per unit of true milestone effect; None as above.
        slope_low: Lower end of its profile interval; None where the data put no limit on it.
        slope_high: Upper end; None where there is no limit.
        intercept: True outcome effect where the milestone effect is 0; far from 0 it says that
            messages move the outcome past the milestone.
        slope_observed: Slope of the plain regression of observed effects, to show what it misses.
    """

    tests: int
    verdict: Verdict
    reason: str
    correlation: float | None
    correlation_low: float | None
    correlation_high: float | None
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    intercept: float | None
    slope_observed: float | None


def within_test_covariance(
    *,
    milestone: tuple[float, float],
    outcome: tuple[float, float],
    both: tuple[float, float],
    n: tuple[float, float],
) -> float:
    """Sampling covariance of one test's two differences of rates, from the same people's counts.

    Args:
        milestone: Recipients with the milestone, (control, treatment).
        outcome: Recipients with the outcome, (control, treatment).
        both: Recipients with both, (control, treatment); at most the smaller of the two.
        n: Recipients, (control, treatment).

    Returns:
        Covariance of (treatment - control) of the milestone rate and of the outcome rate.

    Raises:
        InputError: Counts are not whole, negative, above n, or ``both`` cannot be.

    References:
        Covariance of two indicator means over the same units: (p_xy - p_x p_y) / n per arm.

    Examples:
        >>> covariance = within_test_covariance(
        ...     milestone=(100, 130), outcome=(20, 30), both=(18, 27), n=(1000, 1000)
        ... )
        >>> round(covariance * 1e6, 2)
        39.1
    """
    x, size = domain.counts(milestone, n, fields=("milestone", "n"))
    y, _ = domain.counts(outcome, n, fields=("outcome", "n"))
    xy, _ = domain.counts(both, n, fields=("both", "n"))
    if x.size != 2:
        raise InputError(f"it takes two arms, got {x.size}", field="n", value=n)
    if (xy > np.minimum(x, y)).any() or (x + y - xy > size).any():
        raise InputError(
            "both cannot be more than milestone or outcome, nor leave fewer than 0 with neither",
            field="both",
            value=both,
        )
    return float(((xy / size - x * y / size**2) / size).sum())


def check_surrogate(
    *,
    milestone: ArrayLike,
    outcome: ArrayLike,
    se_milestone: ArrayLike,
    se_outcome: ArrayLike,
    covariance: ArrayLike,
    needed: float = 0.5,
    level: float = 0.95,
) -> SurrogateCheck:
    """Check across past tests whether effects on a milestone carry over to the outcome.

    Args:
        milestone: Effect on the milestone per test, shape ``(tests,)``.
        outcome: Effect on the outcome per test, same shape.
        se_milestone: Standard errors of ``milestone``, > 0, same shape.
        se_outcome: Standard errors of ``outcome``, > 0, same shape.
        covariance: Sampling covariance of the two within each test, same shape: 0 only where the
            two were measured on different people (:func:`within_test_covariance`).
        needed: Correlation of true effects from which the milestone is good enough to decide by,
            in (0, 1). Its square is the share of outcome effects that the milestone explains.
        level: Level of the profile intervals, in (0, 1).

    Returns:
        The check; below ten tests, or without any spread of true milestone effects, its numbers
        are None and the reason says so.

    Raises:
        InputError: Shapes differ, NaN, a standard error not above 0, or a covariance beyond the
            product of the two standard errors.
        ConvergenceError: The likelihood's maximum was not found.

    References:
        Daniels & Hughes (1997), Statistics in Medicine 16, 1965-1982; van Houwelingen, Arends &
        Stijnen (2002), Statistics in Medicine 21, 589-624 (bivariate random effects); Buyse et al.
        (2000), Biostatistics 1, 49-67 (trial-level surrogacy). Restricted likelihood, intervals by
        its profile.

    Examples:
        >>> import numpy as np
        >>> x = np.linspace(-0.02, 0.03, 12)
        >>> check = check_surrogate(
        ...     milestone=x, outcome=0.2 * x, se_milestone=[0.004] * 12, se_outcome=[0.001] * 12,
        ...     covariance=[0.0] * 12)
        >>> check.verdict, round(check.slope, 2)
        ('supported', 0.2)
    """
    fit = _Pairs.checked(milestone, outcome, se_milestone, se_outcome, covariance)
    wanted = domain.probability(needed, "needed")
    threshold = float(chdtri(1, 1 - domain.probability(level, "level")))
    observed = fit.observed_slope()
    if fit.tests < FEWEST_FOR_SURROGATE:
        why = f"{fit.tests} tests are too few to tell; it takes {FEWEST_FOR_SURROGATE}"
        return _unknown(fit.tests, why, observed)
    if not fit.milestone_spreads():
        why = "past tests hardly moved the milestone beyond chance, so they cannot tell"
        return _unknown(fit.tests, why, observed)
    best = fit.maximum()
    tau, omega, rho = best.tau, best.omega, best.rho
    slope = rho * omega / tau

    def loss_at_correlation(r: float) -> float:
        return fit.profile(lambda t, o: (t, o, r), start=(tau, omega)) - best.loss - threshold / 2

    def loss_at_slope(b: float) -> float:
        def place(t: float, rest: float) -> tuple[float, float, float]:
            o = math.hypot(b * t, rest)
            return t, o, b * t / o

        rest = max(omega * math.sqrt(1 - rho**2), 1e-3 * omega)
        return fit.profile(place, start=(tau, rest)) - best.loss - threshold / 2

    top = math.tanh(_FARTHEST)
    low, high = _ends(loss_at_correlation, rho, lambda step: math.tanh(math.atanh(rho) + step), top)
    unit = omega / tau
    b_low, b_high = _ends(loss_at_slope, slope, lambda step: slope + step * unit, math.inf)
    r_low, r_high = -1.0 if low is None else low, 1.0 if high is None else high
    if r_low >= wanted:
        verdict: Verdict = "supported"
        said = f"true effects correlate at least {r_low:.2f}"
    elif r_high < wanted:
        verdict = "contradicted"
        said = f"true effects correlate at most {r_high:.2f}, and {wanted:g} is needed"
    else:
        verdict = "unknown"
        said = f"true effects may correlate anywhere from {r_low:.2f} to {r_high:.2f}"
    mean_x, mean_y = fit.means(tau, omega, rho)
    return SurrogateCheck(
        tests=fit.tests,
        verdict=verdict,
        reason=said,
        correlation=rho,
        correlation_low=r_low,
        correlation_high=r_high,
        slope=slope,
        slope_low=b_low,
        slope_high=b_high,
        intercept=mean_y - slope * mean_x,
        slope_observed=observed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maximum:
    tau: float
    omega: float
    rho: float
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pairs:
    """Observed pairs with their within-test covariances, and the restricted likelihood of T."""

    x: Floats
    y: Floats
    vx: Floats
    vy: Floats
    c: Floats

    @classmethod
    def checked(
        cls, x: ArrayLike, y: ArrayLike, sx: ArrayLike, sy: ArrayLike, c: ArrayLike
    ) -> _Pairs:
        milestone = domain.finite_array(x, "milestone", at_least=2)
        columns = {
            "outcome": domain.finite_array(y, "outcome"),
            "se_milestone": domain.positive_array(sx, "se_milestone"),
            "se_outcome": domain.positive_array(sy, "se_outcome"),
            "covariance": domain.finite_array(c, "covariance"),
        }
        for field, column in columns.items():
            if column.shape != milestone.shape:
                raise InputError(
                    f"{field} has {column.size} entries for {milestone.size} tests",
                    field=field,
                    value=column.size,
                )
        limit = columns["se_milestone"] * columns["se_outcome"]
        bad = np.flatnonzero(np.abs(columns["covariance"]) >= limit)
        if bad.size:
            raise InputError(
                f"covariance[{bad[0]}] is not below the product of the two standard errors",
                field="covariance",
                value=float(columns["covariance"][bad[0]]),
            )
        return cls(
            x=milestone,
            y=columns["outcome"],
            vx=columns["se_milestone"] ** 2,
            vy=columns["se_outcome"] ** 2,
            c=columns["covariance"],
        )

    @property
    def tests(self) -> int:
        return self.x.size

    def observed_slope(self) -> float | None:
        """Least squares of the observed columns, weighted by the outcome's precision."""
        if self.x.min() == self.x.max():
            return None
        w = 1 / self.vy
        dx = self.x - float(np.average(self.x, weights=w))
        return float((w * dx * self.y).sum()) / float((w * dx**2).sum())

    def milestone_spreads(self) -> bool:
        """Whether Cochran's Q of the milestone exceeds its expectation without any spread."""
        w = 1 / self.vx
        mean = float(np.average(self.x, weights=w))
        return float((w * (self.x - mean) ** 2).sum()) > self.tests - 1

    def _precision(self, tau: float, omega: float, rho: float) -> tuple[Floats, ...]:
        a, b, c = self.vx + tau**2, self.vy + omega**2, self.c + rho * tau * omega
        det = a * b - c * c
        return b / det, a / det, -c / det, det

    def means(self, tau: float, omega: float, rho: float) -> tuple[float, float]:
        """Generalised least squares of the two means given T."""
        pa, pb, pc, _ = self._precision(tau, omega, rho)
        sa, sb, sc = float(pa.sum()), float(pb.sum()), float(pc.sum())
        u, v = float((pa * self.x + pc * self.y).sum()), float((pc * self.x + pb * self.y).sum())
        det = sa * sb - sc * sc
        return (sb * u - sc * v) / det, (sa * v - sc * u) / det

    def loss(self, tau: float, omega: float, rho: float) -> float:
        """Minus the restricted log-likelihood."""
        pa, pb, pc, det = self._precision(tau, omega, rho)
        mean_x, mean_y = self.means(tau, omega, rho)
        dx, dy = self.x - mean_x, self.y - mean_y
        square = pa * dx**2 + pb * dy**2 + 2 * pc * dx * dy
        lost = math.log(float(pa.sum()) * float(pb.sum()) - float(pc.sum()) ** 2)
        return float(square.sum() + np.log(det).sum() + lost) / 2

    def scales(self) -> tuple[float, float]:
        """A first guess of the two spreads, never 0."""
        tau2 = max(float(self.x.var() - self.vx.mean()), 0.05 * float(self.vx.mean()))
        omega2 = max(float(self.y.var() - self.vy.mean()), 0.05 * float(self.vy.mean()))
        return math.sqrt(tau2), math.sqrt(omega2)

    def maximum(self) -> _Maximum:
        """The maximum over both spreads and the correlation, from several correlations."""
        tau, omega = self.scales()

        def place(z: Floats) -> tuple[float, float, float]:
            r = math.tanh(min(max(float(z[2]), -_FARTHEST), _FARTHEST))
            return tau * math.exp(float(z[0])), omega * math.exp(float(z[1])), r

        def loss(z: Floats) -> float:
            return self.loss(*place(z))

        best: _Maximum | None = None
        for start in (0.0, 1.0, -1.0):
            found = minimize(
                loss,
                np.array([0.0, 0.0, start]),
                method="Nelder-Mead",
                bounds=[(-12.0, 6.0), (-12.0, 6.0), (-_FARTHEST, _FARTHEST)],
                options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 3000, "maxfev": 3000},
            )
            if found.success and (best is None or found.fun < best.loss - 1e-9):
                t, o, r = place(found.x)
                best = _Maximum(tau=t, omega=o, rho=r, loss=float(found.fun))
        if best is None:
            raise ConvergenceError("no covariance of true effects fits", routine="check_surrogate")
        return best

    def profile(
        self,
        place: Callable[[float, float], tuple[float, float, float]],
        *,
        start: tuple[float, float],
    ) -> float:
        """Smallest loss with one quantity held fixed by ``place`` of two positive free ones."""

        def loss(z: Floats) -> float:
            return self.loss(
                *place(start[0] * math.exp(float(z[0])), start[1] * math.exp(float(z[1])))
            )

        found = minimize(
            loss,
            np.zeros(2),
            method="Nelder-Mead",
            bounds=[(-12.0, 6.0), (-12.0, 6.0)],
            # the threshold is met to 1e-5 of a log-likelihood: five digits of a p-value
            options={"xatol": 1e-2, "fatol": 1e-5, "maxiter": 2000, "maxfev": 2000},
        )
        if not found.success:
            raise ConvergenceError("a profile was not found", routine="check_surrogate")
        return float(found.fun)


def _unknown(tests: int, reason: str, observed: float | None) -> SurrogateCheck:
    return SurrogateCheck(
        tests=tests,
        verdict="unknown",
        reason=reason,
        correlation=None,
        correlation_low=None,
        correlation_high=None,
        slope=None,
        slope_low=None,
        slope_high=None,
        intercept=None,
        slope_observed=observed,
    )


def _ends(
    excess: Callable[[float], float], best: float, at: Callable[[float], float], farthest: float
) -> tuple[float | None, float | None]:
    """Where a profile rises above its threshold on each side of ``best``; None where never."""
    found: list[float | None] = []
    for sign in (-1.0, 1.0):
        inner, step = best, 0.05
        end: float | None = None
        while step < 2 * _FARTHEST * 16:
            outer = at(sign * step)
            if abs(outer) > farthest:
                break
            if excess(outer) > 0:
                a, b = min(inner, outer), max(inner, outer)
                end = float(brentq(excess, a, b, xtol=1e-4 * (b - a)))
                break
            inner, step = outer, step * 2
        found.append(end)
    return found[0], found[1]
