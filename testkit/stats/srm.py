r"""Sample-ratio mismatch: do the arms have the shares that the plan gave them?

A mismatch means that something between assignment and counting treats the arms differently, and
no effect estimate survives that: it blocks a decision. Test *delivered or returned* rows; counts
that were assigned by rank are right by construction and prove nothing.

Two tests. :func:`srm_chisq` for a look that happens once. :class:`SequentialSrm` for counts that
are watched as they come: a Dirichlet-multinomial mixture against the planned shares, which is an
e-process, so it may be read after every row without spending anything.

Theory of operation. With counts :math:`n_i` and planned shares :math:`\pi_i`,
:math:`E = \frac{\Gamma(k)}{\Gamma(k + n)} \prod_i \frac{\Gamma(k\pi_i + n_i)}{\Gamma(k\pi_i)}
\pi_i^{-n_i}` has mean 1 under the plan whatever the stopping rule; by Ville's inequality it ever
reaches :math:`1/\alpha` with probability at most :math:`\alpha`. The concentration k says how far
from the plan a mismatch is expected to be: the prior standard deviation of a share is
:math:`\sqrt{\pi(1-\pi)/(k+1)}`, so 10,000 looks for half a point around one half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from scipy import special

from testkit.errors import InputError
from testkit.stats.domain import finite, probability, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "DEFAULT_CONCENTRATION",
    "SRM_ALPHA",
    "SequentialSrm",
    "SrmResult",
    "dirichlet_multinomial_log_probability",
    "multinomial_log_probability",
    "sequential_srm",
    "srm_chisq",
]

SRM_ALPHA: Final = 0.001
DEFAULT_CONCENTRATION: Final = 10_000.0
# Shares that are written as 0.333 x 3 sum to 0.999: close enough to mean the same plan.
_SHARE_TOLERANCE: Final = 2e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class SrmResult:
    """A sample-ratio test of counts that are looked at once.

    Attributes:
        observed: Units per arm.
        expected: Units per arm that the shares would give, same total.
        statistic: Pearson's chi-square.
        degrees_of_freedom: Arms minus one.
        p_value: Probability of a statistic at least as large under the planned shares.
        alpha: Level below which the mismatch blocks a decision.
        small_expected: Whether an expected count is below 5, where the p-value is rough.
    """

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    statistic: float
    degrees_of_freedom: int
    p_value: float
    alpha: float
    small_expected: bool

    @property
    def mismatch(self) -> bool:
        """Whether the shares differ from the plan by more than chance allows."""
        return self.p_value < self.alpha


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialSrm:
    """A running sample-ratio test; :meth:`update` returns the next one.

    Make the first one with :func:`sequential_srm`.

    Attributes:
        shares: Planned shares, sum 1.
        concentration: k of the Dirichlet prior ``k * shares``.
        alpha: Probability of ever blocking a test without mismatch, at most.
        counts: Units per arm so far.
        log_e: Natural logarithm of the e-value now.
        log_e_max: Largest ``log_e`` so far; 0 before the first update.
    """

    shares: tuple[float, ...]
    concentration: float
    alpha: float
    counts: tuple[int, ...]
    log_e: float
    log_e_max: float

    @property
    def p_value(self) -> float:
        """Anytime-valid p-value: 1 over the largest e-value so far, at most 1."""
        return math.exp(-self.log_e_max)

    @property
    def mismatch(self) -> bool:
        """Whether the e-value has reached ``1 / alpha`` at any update so far."""
        return self.log_e_max >= -math.log(self.alpha)

    def update(self, increment: Sequence[int]) -> SequentialSrm:
        """The test after more units.

        Args:
            increment: New units per arm since the last update, shape ``(arms,)``.

        Returns:
            The next state; this one is unchanged.

        Raises:
            InputError: Wrong number of arms, or a negative, fractional or NaN count.

        References:
            Lindon & Malek (2022), "Anytime-valid inference for multinomial count data", NeurIPS;
            arXiv:2011.03567.

        Examples:
            >>> test = sequential_srm([0.5, 0.5]).update([821588, 815482])
            >>> test.mismatch, round(test.log_e, 4)
            (True, 8.766)
        """
        added = _counts(increment, len(self.shares), field="increment")
        counts = tuple(old + new for old, new in zip(self.counts, added, strict=True))
        prior = [self.concentration * share for share in self.shares]
        posterior = [p + c for p, c in zip(prior, counts, strict=True)]
        log_e = _log_excess(posterior, self.shares) - _log_excess(prior, self.shares)
        return replace(self, counts=counts, log_e=log_e, log_e_max=max(self.log_e_max, log_e))


def srm_chisq(
    observed: Sequence[int], expected_shares: Sequence[float], *, alpha: float = SRM_ALPHA
) -> SrmResult:
    """Chi-square test of the arms' counts against the planned shares, for one look.

    Args:
        observed: Units per arm, shape ``(arms,)``, at least two arms and one unit.
        expected_shares: Planned shares, shape ``(arms,)``, positive, summing to 1 within 0.002
            (they are scaled to sum to exactly 1).
        alpha: Level below which the mismatch blocks, in (0, 1).

    Returns:
        Statistic and p-value.

    Raises:
        InputError: Shapes differ, a count is negative, fractional or NaN, all counts are 0, or the
            shares are not shares.

    References:
        Pearson (1900), Philosophical Magazine 50, 157-175.

    Examples:
        >>> result = srm_chisq([5000, 5200], [0.5, 0.5])
        >>> round(result.statistic, 4), round(result.p_value, 4), result.mismatch
        (3.9216, 0.0477, False)
    """
    shares = _shares(expected_shares)
    counts = _counts(observed, len(shares), field="observed")
    total = sum(counts)
    if total == 0:
        raise InputError("observed holds no unit at all", field="observed", value=observed)
    expected = tuple(total * share for share in shares)
    statistic = math.fsum((c - e) ** 2 / e for c, e in zip(counts, expected, strict=True))
    freedom = len(shares) - 1
    return SrmResult(
        observed=counts,
        expected=expected,
        statistic=statistic,
        degrees_of_freedom=freedom,
        p_value=float(special.chdtrc(freedom, statistic)),
        alpha=probability(alpha, "alpha"),
        small_expected=min(expected) < 5.0,
    )


def sequential_srm(
    expected_shares: Sequence[float],
    *,
    concentration: float = DEFAULT_CONCENTRATION,
    alpha: float = SRM_ALPHA,
) -> SequentialSrm:
    """A sample-ratio test before its first unit.

    Valid at every update when units are assigned independently (hash assignment). Assignment of
    exact sizes only makes it more cautious.

    Args:
        expected_shares: Planned shares, shape ``(arms,)``, positive, summing to 1 within 0.002.
        concentration: k > 0 of the prior ``Dirichlet(k * shares)``; larger looks for smaller
            mismatches. State it in the plan.
        alpha: Probability of ever blocking without mismatch, in (0, 1).

    Returns:
        The test with no units.

    Raises:
        InputError: An argument is out of its domain.

    References:
        Lindon & Malek (2022), NeurIPS; arXiv:2011.03567.

    Examples:
        >>> sequential_srm([0.9, 0.1]).p_value
        1.0
    """
    shares = _shares(expected_shares)
    strength = finite(concentration, "concentration")
    if strength <= 0.0:
        raise InputError(
            "concentration must be positive", field="concentration", value=concentration
        )
    return SequentialSrm(
        shares=shares,
        concentration=strength,
        alpha=probability(alpha, "alpha"),
        counts=(0,) * len(shares),
        log_e=0.0,
        log_e_max=0.0,
    )


def dirichlet_multinomial_log_probability(
    counts: Sequence[int], concentrations: Sequence[float]
) -> float:
    """Log probability of one batch of counts when the shares are Dirichlet distributed.

    Args:
        counts: Units per arm in the batch, shape ``(arms,)``.
        concentrations: Parameters of the Dirichlet distribution, shape ``(arms,)``, positive.

    Returns:
        Natural logarithm of the probability, multinomial coefficient included.

    Raises:
        InputError: Shapes differ or a value is out of its domain.

    References:
        Mosimann (1962), Biometrika 49, 65-82.

    Examples:
        >>> round(dirichlet_multinomial_log_probability([20, 17, 9], [1.0, 1.0, 1.0]), 4)
        -7.0282
    """
    prior = [finite(c, "concentrations") for c in concentrations]
    if len(prior) < 2 or min(prior) <= 0.0:
        raise InputError(
            "concentrations must be two or more positive numbers",
            field="concentrations",
            value=concentrations,
        )
    checked = _counts(counts, len(prior), field="counts")
    return _log_ways(checked) + _log_moment(checked, prior)


def multinomial_log_probability(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Log probability of one batch of counts under fixed shares.

    Args:
        counts: Units per arm in the batch, shape ``(arms,)``.
        shares: Probabilities of the arms, shape ``(arms,)``, positive, summing to 1.

    Returns:
        Natural logarithm of the probability, multinomial coefficient included.

    Raises:
        InputError: Shapes differ or a value is out of its domain.

    References:
        The multinomial distribution.

    Examples:
        >>> round(multinomial_log_probability([20, 17, 9], [0.4, 0.4, 0.2]), 4)
        -4.0776
    """
    checked_shares = _shares(shares)
    checked = _counts(counts, len(checked_shares), field="counts")
    return _log_ways(checked) + _log_power(checked, checked_shares)


def _shares(values: Sequence[float]) -> tuple[float, ...]:
    shares = [finite(value, "expected_shares") for value in values]
    if len(shares) < 2 or min(shares) <= 0.0:
        raise InputError(
            "expected_shares must be two or more positive shares",
            field="expected_shares",
            value=values,
            hint="leave out arms that get nobody",
        )
    total = math.fsum(shares)
    if abs(total - 1.0) > _SHARE_TOLERANCE:
        raise InputError(
            f"expected_shares sum to {total:g}, not 1",
            field="expected_shares",
            value=values,
            hint="divide by their sum",
        )
    return tuple(share / total for share in shares)


def _counts(values: Sequence[int], arms: int, *, field: str) -> tuple[int, ...]:
    counts = tuple(whole(value, f"{field}[{i}]", at_least=0) for i, value in enumerate(values))
    if len(counts) != arms:
        raise InputError(
            f"{field} has {len(counts)} arms, the plan {arms}", field=field, value=values
        )
    return counts


def _log_ways(counts: Sequence[int]) -> float:
    """Logarithm of the multinomial coefficient."""
    return math.lgamma(sum(counts) + 1) - math.fsum(math.lgamma(c + 1) for c in counts)


def _log_power(counts: Sequence[int], shares: Sequence[float]) -> float:
    return math.fsum(c * math.log(s) for c, s in zip(counts, shares, strict=True))


def _log_moment(counts: Sequence[int], prior: Sequence[float]) -> float:
    """Logarithm of the prior mean of ``prod share**count``."""
    total, n = math.fsum(prior), sum(counts)
    terms = [math.lgamma(total) - math.lgamma(total + n)]
    terms += [math.lgamma(p + c) - math.lgamma(p) for p, c in zip(prior, counts, strict=True)]
    return math.fsum(terms)


def _log_excess(sizes: Sequence[float], shares: Sequence[float]) -> float:
    """``sum lgamma(v_i) - lgamma(V) - sum v_i log(share_i)`` without losing digits at large V.

    Stirling's formula leaves ``sum v_i log(v_i / (V share_i))``, which is small when the terms
    that it replaces are huge: at two million units plain log-gammas lose eight digits.
    """
    total = math.fsum(sizes)
    parts = [0.5 * (len(sizes) - 1) * math.log(2.0 * math.pi)]
    parts += [0.5 * math.log(total) - _stirling_rest(total)]
    for size, share in zip(sizes, shares, strict=True):
        fair = total * share
        parts.append(size * math.log1p((size - fair) / fair))
        parts.append(_stirling_rest(size) - 0.5 * math.log(size))
    return math.fsum(parts)


def _stirling_rest(x: float) -> float:
    """``lgamma(x) - ((x - 1/2) log x - x + log(2 pi)/2)``."""
    if x < 30.0:
        return math.lgamma(x) - ((x - 0.5) * math.log(x) - x + 0.5 * math.log(2.0 * math.pi))
    y = x**-2
    return (1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y / 1680.0))) / x
