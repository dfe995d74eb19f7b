"""Several tests at once: p-values, e-values, arms against one control.

What lives here: adjusted p-values (Bonferroni, Holm, Hochberg, Hommel, Benjamini-Hochberg,
Benjamini-Yekutieli), e-BH and the combination of e-values, Dunnett's critical values for a fixed
design. What must not: how a p-value came about, or an order of goals
(:mod:`testkit.stats.gatekeeping`).

Which one when. Holm takes *sequential* p-values, one per arm or metric, and keeps the family-wise
error whatever their dependence: the default for several arms under error spending, because an
adjusted sequential p-value may be compared with alpha at any look. Dunnett is a little sharper
but belongs to one-look designs. BH and e-BH are for a season of tests, where a share of false
findings is the promise, not none at all.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.special import log_ndtr, logsumexp, ndtr, ndtri

from testkit.errors import ConvergenceError, InputError
from testkit.stats.domain import finite_array, probability, whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "bonferroni",
    "combine_average",
    "combine_product",
    "dunnett_critical",
    "dunnett_p",
    "e_benjamini_hochberg",
    "hochberg",
    "holm",
    "hommel",
]

# Gauss-Legendre nodes per panel of the Dunnett integral; panels are at most one unit wide, and
# narrower where a statistic leans almost wholly on the control.
_NODES: Final = 12


def bonferroni(p: ArrayLike) -> tuple[float, ...]:
    """Bonferroni's adjusted p-values: ``min(1, m p)``.

    Args:
        p: P-values, shape (tests,), each in [0, 1].

    Returns:
        Adjusted p-values in the order given.

    Raises:
        InputError: Not a flat list of probabilities.

    References:
        Dunn (1961), Journal of the American Statistical Association 56, 52-64.

    Examples:
        >>> bonferroni([0.01, 0.4, 0.6])
        (0.03, 1.0, 1.0)
    """
    values = _p_values(p)
    return _floats(np.minimum(values * values.size, 1.0))


def holm(p: ArrayLike) -> tuple[float, ...]:
    """Holm's adjusted p-values; family-wise error under any dependence.

    Applied to sequential p-values of several arms it stays valid at every look.

    Args:
        p: P-values, fixed or sequential, shape (tests,), each in [0, 1].

    Returns:
        Adjusted p-values in the order given; reject where at most alpha.

    Raises:
        InputError: Not a flat list of probabilities.

    References:
        Holm (1979), Scandinavian Journal of Statistics 6(2), 65-70.

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        (0.03, 0.06, 0.06)
    """
    values = _p_values(p)
    m = values.size
    return _step(values, values[np.argsort(values, kind="stable")] * np.arange(m, 0, -1), down=True)


def hochberg(p: ArrayLike) -> tuple[float, ...]:
    """Hochberg's adjusted p-values; for independent or positively dependent tests.

    Args:
        p: P-values, shape (tests,), each in [0, 1].

    Returns:
        Adjusted p-values in the order given.

    Raises:
        InputError: Not a flat list of probabilities.

    References:
        Hochberg (1988), Biometrika 75(4), 800-802.

    Examples:
        >>> hochberg([0.01, 0.04, 0.03])
        (0.03, 0.04, 0.04)
    """
    values = _p_values(p)
    m = values.size
    return _step(
        values, values[np.argsort(values, kind="stable")] * np.arange(m, 0, -1), down=False
    )


def hommel(p: ArrayLike) -> tuple[float, ...]:
    """Hommel's adjusted p-values: closed testing with Simes; conditions as for Hochberg.

    Args:
        p: P-values, shape (tests,), each in [0, 1].

    Returns:
        Adjusted p-values in the order given.

    Raises:
        InputError: Not a flat list of probabilities.

    References:
        Hommel (1988), Biometrika 75(2), 383-386; Wright (1992), Biometrics 48(4), 1005-1013,
        for the algorithm.

    Examples:
        >>> hommel([0.01, 0.02, 0.022, 0.09])
        (0.03, 0.04, 0.044, 0.09)
    """
    values = _p_values(p)
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    m = values.size
    # Adjusted p_i is the largest Simes p-value of an intersection that holds hypothesis i. Of
    # the sets of size s it is enough to take i with the s - 1 largest others, and only where i
    # is the smallest of them: dropping the smaller ones never lowers the Simes p-value.
    adjusted = ranked.copy()
    for size in range(2, m + 1):
        others = ranked[m - size + 1 :]
        tail = float((size * others / np.arange(2, size + 1)).min())
        head = m - size + 1
        adjusted[:head] = np.maximum(adjusted[:head], np.minimum(size * ranked[:head], tail))
    out = np.empty(m)
    out[order] = np.minimum(adjusted, 1.0)
    return _floats(out)


def benjamini_hochberg(p: ArrayLike) -> tuple[float, ...]:
    """Benjamini-Hochberg's adjusted p-values; expected share of false findings.

    Args:
        p: P-values, independent or positively dependent, shape (tests,), each in [0, 1].

    Returns:
        Adjusted p-values in the order given.

    Raises:
        InputError: Not a flat list of probabilities.

    References:
        Benjamini & Hochberg (1995), JRSS B 57(1), 289-300.

    Examples:
        >>> benjamini_hochberg([0.01, 0.04, 0.03])
        (0.03, 0.04, 0.04)
    """
    values = _p_values(p)
    m = values.size
    ranked = values[np.argsort(values, kind="stable")]
    return _step(values, ranked * (m / np.arange(1, m + 1)), down=False)


def benjamini_yekutieli(p: ArrayLike) -> tuple[float, ...]:
    """Benjamini-Yekutieli's adjusted p-values; expected false share under any dependence.

    Args:
        p: P-values, shape (tests,), each in [0, 1].

    Returns:
        Adjusted p-values in the order given.

    Raises:
        InputError: Not a flat list of probabilities.

    References:
        Benjamini & Yekutieli (2001), Annals of Statistics 29(4), 1165-1188.

    Examples:
        >>> [round(value, 6) for value in benjamini_yekutieli([0.01, 0.04, 0.03])]
        [0.055, 0.073333, 0.073333]
    """
    values = _p_values(p)
    m = values.size
    ranked = values[np.argsort(values, kind="stable")]
    harmonic = float((1 / np.arange(1, m + 1)).sum())
    return _step(values, ranked * (m * harmonic / np.arange(1, m + 1)), down=False)


def e_benjamini_hochberg(e: ArrayLike, *, alpha: float) -> tuple[int, ...]:
    """Tests found by e-BH; expected false share at most alpha under any dependence.

    Rejects the k largest e-values, k being the largest with ``k e_(k) >= m / alpha``.

    Args:
        e: E-values (not logarithms), shape (tests,), each >= 0; infinity is allowed.
        alpha: Expected share of false findings, 0 < alpha < 1.

    Returns:
        Indices of the rejected tests, ascending.

    Raises:
        InputError: A negative e-value or NaN, or ``alpha`` outside (0, 1).

    References:
        Wang & Ramdas (2022), JRSS B 84(3), 822-852, arXiv 2009.02824.

    Examples:
        >>> e_benjamini_hochberg([60, 4, 25, 0.5], alpha=0.1)
        (0, 2)
    """
    values = _e_values(e)
    probability(alpha, "alpha")
    order = np.argsort(-values, kind="stable")
    ranks = np.arange(1, values.size + 1)
    enough = np.flatnonzero(ranks * values[order] >= values.size / alpha)
    count = int(enough[-1]) + 1 if enough.size else 0
    return tuple(sorted(int(index) for index in order[:count]))


def combine_average(log_e: ArrayLike, *, weights: ArrayLike | None = None) -> float:
    """Log of the weighted average of e-values; an e-value under any dependence.

    Args:
        log_e: Natural logs of the e-values of one null hypothesis, shape (tests,).
        weights: Weights fixed in advance, >= 0, made to sum to 1; equal when None.

    Returns:
        Natural log of the combined e-value.

    Raises:
        InputError: NaN, plus infinity, or weights that do not fit.

    References:
        Vovk & Wang (2021), Annals of Statistics 49(3), 1736-1754.

    Examples:
        >>> import math
        >>> round(math.exp(combine_average([math.log(3), math.log(1)])), 6)
        2.0
    """
    values = _log_e_values(log_e)
    if weights is None:
        return float(logsumexp(values) - math.log(values.size))
    shares = finite_array(weights, "weights")
    if shares.size != values.size or (shares < 0).any() or shares.sum() == 0:
        raise InputError(
            f"weights do not fit {values.size} e-values", field="weights", value=shares.tolist()
        )
    return float(logsumexp(values, b=shares / shares.sum()))


def combine_product(log_e: ArrayLike) -> float:
    """Log of the product of e-values; an e-value when the tests are independent.

    Args:
        log_e: Natural logs of the e-values, shape (tests,): of disjoint people, or each computed
            after the others were seen.

    Returns:
        Natural log of the combined e-value.

    Raises:
        InputError: NaN or plus infinity.

    References:
        Vovk & Wang (2021), Annals of Statistics 49(3), 1736-1754.

    Examples:
        >>> combine_product([1.0, -0.25])
        0.75
    """
    return math.fsum(_log_e_values(log_e).tolist())


def dunnett_critical(
    *,
    treatments: int,
    alpha: float,
    sides: Literal[1, 2] = 2,
    allocation: ArrayLike | None = None,
) -> float:
    """Critical value of the largest of several z statistics against one control.

    Args:
        treatments: Number of treatment arms, >= 1.
        alpha: Family-wise error, 0 < alpha < 1, in the tail (``sides=1``) or both together.
        sides: 1 for treatments that may only be better, 2 for either direction.
        allocation: Units of each treatment arm per unit of control, > 0, shape (treatments,);
            None for equal arms.

    Returns:
        Critical value of |z| (or z), a known standard deviation or large arms assumed.

    Raises:
        InputError: Arguments outside their domains.
        ConvergenceError: The root was not reached.

    References:
        Dunnett (1955), JASA 50(272), 1096-1121; (1964), Biometrics 20(3), 482-491, for unequal
        arms.

    Examples:
        >>> round(dunnett_critical(treatments=3, alpha=0.05, sides=1), 4)
        2.0621
    """
    probability(alpha, "alpha")
    loads = _loadings(treatments, allocation)
    if sides not in (1, 2):
        raise InputError(f"sides is {sides}, not 1 or 2", field="sides", value=sides)
    # One test alone is a lower limit, Bonferroni's an upper one.
    low = -float(ndtri(alpha / sides))
    high = -float(ndtri(alpha / sides / loads.size))
    for _ in range(200):
        middle = (low + high) / 2
        if high - low <= 4e-16 * abs(high) or middle in (low, high):
            return middle
        if _dunnett_tail(middle, loads, sides) > alpha:
            low = middle
        else:
            high = middle
    raise ConvergenceError("no critical value", routine="dunnett_critical", residual=high - low)


def dunnett_p(
    z: ArrayLike, *, sides: Literal[1, 2] = 2, allocation: ArrayLike | None = None
) -> tuple[float, ...]:
    """Dunnett's adjusted p-values for treatments against one control.

    Args:
        z: One z statistic per treatment arm, shape (treatments,).
        sides: 1 or 2, as for :func:`dunnett_critical`.
        allocation: Units of each treatment arm per unit of control; None for equal arms.

    Returns:
        Chance under the null that the largest statistic reaches each one (single step).

    Raises:
        InputError: Arguments outside their domains.

    References:
        Dunnett (1955), JASA 50(272), 1096-1121.

    Examples:
        >>> [round(value, 4) for value in dunnett_p([2.0621, 0.0, 0.0], sides=1)][0]
        0.05
    """
    values = finite_array(z, "z")
    loads = _loadings(values.size, allocation)
    if sides not in (1, 2):
        raise InputError(f"sides is {sides}, not 1 or 2", field="sides", value=sides)
    reach = np.abs(values) if sides == 2 else values
    return tuple(min(1.0, _dunnett_tail(float(value), loads, sides)) for value in reach)


def _step(
    values: NDArray[np.float64], ranked: NDArray[np.float64], *, down: bool
) -> tuple[float, ...]:
    """Monotone envelope of ranked values, back in the order given, at most 1."""
    order = np.argsort(values, kind="stable")
    envelope = np.maximum.accumulate(ranked) if down else np.minimum.accumulate(ranked[::-1])[::-1]
    out = np.empty(values.size)
    out[order] = np.minimum(envelope, 1.0)
    return _floats(out)


def _dunnett_tail(critical: float, loads: NDArray[np.float64], sides: int) -> float:
    """P(some statistic reaches ``critical``) under the null.

    Given the control's standardised mean u the statistics are independent: Z_i = l_i u + rest,
    the rest with standard deviation sqrt(1 - l_i^2).
    """
    if sides == 2 and critical <= 0:
        return 1.0
    spread = np.sqrt(1 - loads**2)
    # With a large load the integrand turns within spread / load around critical / load.
    turns = (critical / loads)[:, None] + np.outer(spread / loads, np.arange(-6, 7))
    edges = np.unique(
        np.clip(np.concatenate([np.arange(-9.0, 10), turns.ravel(), -turns.ravel()]), -9, 9)
    )
    nodes, mass = _legendre()
    half = np.diff(edges) / 2
    u = ((edges[:-1] + half)[:, None] + half[:, None] * nodes).ravel()
    weight = (half[:, None] * mass).ravel() * np.exp(-u * u / 2) / math.sqrt(2 * math.pi)
    upper = (critical - np.outer(u, loads)) / spread
    if sides == 1:
        log_stay = log_ndtr(upper).sum(axis=1)
    else:
        lower = (-critical - np.outer(u, loads)) / spread
        inside = ndtr(upper) - ndtr(lower)
        log_stay = np.log(np.maximum(inside, 1e-300)).sum(axis=1)
    return float(-(weight @ np.expm1(log_stay)))


@functools.cache
def _legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, mass = np.polynomial.legendre.leggauss(_NODES)
    return nodes, mass


def _loadings(treatments: int, allocation: ArrayLike | None) -> NDArray[np.float64]:
    whole(treatments, "treatments")
    if allocation is None:
        return np.full(treatments, math.sqrt(0.5))
    ratios = finite_array(allocation, "allocation")
    if ratios.size != treatments or (ratios <= 0).any():
        raise InputError(
            f"allocation must be {treatments} positive ratios",
            field="allocation",
            value=ratios.tolist(),
        )
    loads: NDArray[np.float64] = np.sqrt(ratios / (1 + ratios))
    return loads


def _p_values(p: ArrayLike) -> NDArray[np.float64]:
    values = finite_array(p, "p")
    if ((values < 0) | (values > 1)).any():
        raise InputError(
            "a p-value is not in [0, 1]",
            field="p",
            value=values[(values < 0) | (values > 1)].tolist(),
        )
    return values


def _e_values(e: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(e, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise InputError("e needs one e-value per test", field="e", value=values.shape)
    if np.isnan(values).any() or (values < 0).any():
        raise InputError("an e-value is negative or NaN", field="e", value=values.tolist())
    return values


def _log_e_values(log_e: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(log_e, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise InputError("log_e needs one value per test", field="log_e", value=values.shape)
    if np.isnan(values).any() or (values == math.inf).any():
        raise InputError("log_e holds NaN or infinity", field="log_e", value=values.tolist())
    return values


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
