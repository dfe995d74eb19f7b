"""Sufficient statistics of one arm: count, mean and centred second moments.

What lives here: :class:`Moments` (one variable) and :class:`CoMoments` (several variables of the
same units), how to build them from rows, sums or variances, and how to merge them. What must not:
any comparison of arms; that is :mod:`testkit.stats.means` and :mod:`testkit.stats.adjust`.

Theory of operation. A data engine summarises each arm in one pass and everything after that works
on a handful of numbers, so that a list of ten million people costs as much to analyse as a list of
ten. The second moments are kept *centred* (sums of squared deviations from the mean), never as
sums of squares: with gifts around 1e8 and a spread of 1 a sum of squares has lost every digit of
the variance, the centred form has lost none. Merging follows Chan, Golub & LeVeque; it is
commutative to the bit and associative up to rounding, so waves can be added in any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["CoMoments", "Moments", "merge_all"]

# A float sum of squares carries about 16 digits. When the centred part is smaller than this
# share of it, fewer than three of them are left and the variance would be invented.
_DIGITS_LEFT: Final = 1e-13


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Count, mean and sum of squared deviations of one variable in one arm.

    Attributes:
        n: Number of units, >= 0.
        mean: Arithmetic mean in the variable's own unit; 0.0 when ``n`` is 0.
        m2: Sum of squared deviations from the mean, unit squared, >= 0; 0.0 when ``n`` < 2.

    Raises:
        InputError: A negative count, a value that is not finite, or a spread that so few units
            cannot have.

    Examples:
        >>> a = Moments.from_values([1.0, 2.0, 3.0])
        >>> b = Moments.from_values([10.0])
        >>> a.merge(b)
        Moments(n=4, mean=4.0, m2=50.0)
    """

    n: int
    mean: float
    m2: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", _count(self.n, field="n"))
        object.__setattr__(self, "mean", _finite(self.mean, field="mean"))
        object.__setattr__(self, "m2", _finite(self.m2, field="m2"))
        if self.m2 < 0:
            raise InputError(
                f"m2 is {self.m2}, below 0",
                field="m2",
                value=self.m2,
                hint="m2 is a sum of squared deviations",
            )
        if self.n < 2 and self.m2 != 0:
            raise InputError(
                f"{self.n} unit(s) cannot have m2 = {self.m2}", field="m2", value=self.m2
            )
        if self.n == 0 and self.mean != 0:
            raise InputError(
                f"an empty arm cannot have mean {self.mean}", field="mean", value=self.mean
            )

    @classmethod
    def empty(cls) -> Moments:
        """The identity of :meth:`merge`: no units.

        Examples:
            >>> Moments.empty().merge(Moments(n=1, mean=5.0, m2=0.0))
            Moments(n=1, mean=5.0, m2=0.0)
        """
        return cls(n=0, mean=0.0, m2=0.0)

    @classmethod
    def from_values(cls, values: ArrayLike) -> Moments:
        """Moments of one row per unit, in two passes.

        Args:
            values: One number per unit, shape (n,), finite.

        Raises:
            InputError: The values are not a one-dimensional array of finite numbers.

        References:
            Chan, Golub & LeVeque (1983), The American Statistician 37(3), 242-247, the corrected
            two-pass algorithm.

        Examples:
            >>> Moments.from_values([1e8 - 1, 1e8, 1e8 + 1]).variance
            1.0
        """
        rows = _finite_array(values, ndim=1, field="values")
        if rows.size == 0:
            return cls.empty()
        mean = float(rows.mean())
        deviations = rows - mean
        # The second pass also corrects the mean: its rounding error is the mean deviation.
        slip = float(deviations.mean())
        m2 = math.fsum(((deviations - slip) ** 2).tolist()) if rows.size > 1 else 0.0
        return cls(n=int(rows.size), mean=mean + slip, m2=m2)

    @classmethod
    def from_counts(cls, *, successes: int, n: int) -> Moments:
        """Moments of a yes-or-no outcome.

        Args:
            successes: Units with the outcome, 0 <= successes <= n.
            n: Units, >= 0.

        Raises:
            InputError: Counts that are negative, not whole, or successes above n.

        Examples:
            >>> Moments.from_counts(successes=3, n=4)
            Moments(n=4, mean=0.75, m2=0.75)
        """
        n = _count(n, field="n")
        successes = _count(successes, field="successes")
        if successes > n:
            raise InputError(
                f"{successes} successes among {n} units", field="successes", value=successes
            )
        if n == 0:
            return cls.empty()
        return cls(n=n, mean=successes / n, m2=successes * (n - successes) / n)

    @classmethod
    def from_sums(cls, *, n: int, total: float, total_squares: float) -> Moments:
        """Moments from a sum and a sum of squares, as older exports give them.

        The subtraction is carried out exactly; what cannot be recovered is what the two sums had
        already lost. Where fewer than three digits of the variance are left this refuses.

        Args:
            n: Units, >= 0.
            total: Sum of the values.
            total_squares: Sum of the squared values, >= 0.

        Raises:
            InputError: The sums contradict each other, or have no digits of the variance left.

        Examples:
            >>> Moments.from_sums(n=3, total=6.0, total_squares=14.0)
            Moments(n=3, mean=2.0, m2=2.0)
        """
        n = _count(n, field="n")
        total = _finite(total, field="total")
        total_squares = _finite(total_squares, field="total_squares")
        if n == 0:
            if total != 0 or total_squares != 0:
                raise InputError("sums of no units must be 0", field="total", value=total)
            return cls.empty()
        centred = Fraction(total_squares) - Fraction(total) ** 2 / n
        whole = total.is_integer() and total_squares.is_integer()
        # Whole numbers below 2^53 are summed without rounding, so a zero spread is a real zero.
        exact = whole and abs(total_squares) < 2**53 and abs(total) < 2**53
        slack = 0.0 if exact else _DIGITS_LEFT * abs(total_squares)
        if centred < -Fraction(slack):
            raise InputError(
                f"sum of squares {total_squares} is too small for n = {n} and sum {total}",
                field="total_squares",
                value=total_squares,
            )
        if slack and centred < slack:
            raise InputError(
                "the sum of squares has no digits of the variance left",
                field="total_squares",
                value=total_squares,
                hint="send count, mean and m2 (or variance), or the rows",
            )
        return cls(
            n=n,
            mean=float(Fraction(total) / n),
            m2=float(centred) if n > 1 else 0.0,
        )

    @classmethod
    def from_variance(cls, *, n: int, mean: float, variance: float) -> Moments:
        """Moments from a sample variance (divisor n - 1).

        Args:
            n: Units, >= 2.
            mean: Arithmetic mean.
            variance: Sample variance, unit squared, >= 0.

        Raises:
            InputError: Fewer than two units, or a negative variance.

        Examples:
            >>> Moments.from_variance(n=3, mean=2.0, variance=1.0)
            Moments(n=3, mean=2.0, m2=2.0)
        """
        n = _count(n, field="n")
        if n < 2:
            raise InputError(f"{n} unit(s) have no variance", field="n", value=n)
        variance = _finite(variance, field="variance")
        if variance < 0:
            raise InputError(f"variance is {variance}", field="variance", value=variance)
        return cls(n=n, mean=mean, m2=variance * (n - 1))

    @property
    def total(self) -> float:
        """Sum of the values, ``n`` times the mean."""
        return self.n * self.mean

    @property
    def variance(self) -> float | None:
        """Sample variance (divisor n - 1); None below two units."""
        return self.m2 / (self.n - 1) if self.n >= 2 else None

    @property
    def standard_error(self) -> float | None:
        """Standard error of the mean; None below two units."""
        variance = self.variance
        return None if variance is None else math.sqrt(variance / self.n)

    def merge(self, other: Moments) -> Moments:
        """Moments of the two groups of units together.

        Args:
            other: Moments of *different* units; overlapping units would be counted twice.

        References:
            Chan, Golub & LeVeque (1983), The American Statistician 37(3), 242-247.
        """
        # Larger group first: the same result, to the bit, whichever side it is called on.
        big, small = sorted((self, other), key=lambda m: (m.n, m.mean, m.m2), reverse=True)
        if small.n == 0:
            return big
        n = big.n + small.n
        delta = small.mean - big.mean
        return Moments(
            n=n,
            mean=big.mean + delta * (small.n / n),
            m2=big.m2 + small.m2 + delta * delta * (big.n * (small.n / n)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoMoments:
    """Count, means and centred cross-products of several variables of the same units.

    Attributes:
        n: Number of units, >= 0.
        means: One mean per variable, shape (variables,); zeros when ``n`` is 0.
        m2: Sums of products of deviations, shape (variables, variables), symmetric with a
            non-negative diagonal.

    Raises:
        InputError: Shapes that do not agree, values that are not finite, a matrix that is not
            symmetric, or cross-products that no data can have.

    Examples:
        >>> c = CoMoments.from_values([[1.0, 10.0], [3.0, 14.0]])
        >>> c.means, c.covariance(0, 1)
        ((2.0, 12.0), 4.0)
    """

    n: int
    means: tuple[float, ...]
    m2: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", _count(self.n, field="n"))
        size = len(self.means)
        if size == 0:
            raise InputError("no variables", field="means", value=self.means)
        if len(self.m2) != size or any(len(row) != size for row in self.m2):
            raise InputError(
                f"m2 must be {size} x {size} for {size} means", field="m2", value=self.m2
            )
        for value in self.means:
            _finite(value, field="means")
        for i, row in enumerate(self.m2):
            for j, value in enumerate(row):
                _finite(value, field="m2")
                if value != self.m2[j][i]:
                    raise InputError("m2 is not symmetric", field="m2", value=self.m2)
                bound = math.sqrt(max(self.m2[i][i], 0.0) * max(self.m2[j][j], 0.0))
                # Cauchy-Schwarz, with room for the rounding of a sum.
                if (i == j and value < 0) or abs(value) > bound * (1 + 1e-9) + 1e-300:
                    raise InputError(
                        f"m2[{i}][{j}] = {value} is impossible beside its diagonal",
                        field="m2",
                        value=value,
                    )
        if self.n < 2 and any(value != 0 for row in self.m2 for value in row):
            raise InputError(f"{self.n} unit(s) cannot have a spread", field="m2", value=self.m2)
        if self.n == 0 and any(self.means):
            raise InputError("an empty arm has no means", field="means", value=self.means)

    @classmethod
    def empty(cls, *, variables: int) -> CoMoments:
        """The identity of :meth:`merge` for that many variables.

        Examples:
            >>> CoMoments.empty(variables=2).n
            0
        """
        zeros = (0.0,) * variables
        return cls(n=0, means=zeros, m2=(zeros,) * variables)

    @classmethod
    def from_values(cls, values: ArrayLike) -> CoMoments:
        """Co-moments of one row per unit and one column per variable, in two passes.

        Args:
            values: Shape (n, variables), finite.

        Raises:
            InputError: Not a two-dimensional array of finite numbers.
        """
        rows = _finite_array(values, ndim=2, field="values")
        if rows.shape[0] == 0:
            return cls.empty(variables=rows.shape[1])
        means = rows.mean(axis=0)
        deviations = rows - means
        slip = deviations.mean(axis=0)
        deviations -= slip
        return cls._from_arrays(rows.shape[0], means + slip, deviations.T @ deviations)

    @classmethod
    def from_covariance(
        cls, *, n: int, means: Sequence[float], covariance: Sequence[Sequence[float]]
    ) -> CoMoments:
        """Co-moments from a sample covariance matrix (divisor n - 1).

        Args:
            n: Units, >= 2.
            means: One mean per variable, shape (variables,).
            covariance: Sample covariances, shape (variables, variables), symmetric.

        Raises:
            InputError: Fewer than two units or a matrix that is no covariance.
        """
        n = _count(n, field="n")
        if n < 2:
            raise InputError(f"{n} unit(s) have no covariance", field="n", value=n)
        matrix = _finite_array(covariance, ndim=2, field="covariance") * (n - 1)
        return cls._from_arrays(n, _finite_array(means, ndim=1, field="means"), matrix)

    @classmethod
    def _from_arrays(cls, n: int, means: NDArray[np.float64], m2: NDArray[np.float64]) -> CoMoments:
        if m2.ndim != 2 or m2.shape[0] != m2.shape[1]:
            raise InputError("the cross-product matrix is not square", field="m2", value=m2.shape)
        # A matrix product may differ in the last bit above and below the diagonal.
        lower = np.tril(m2)
        symmetric = lower + np.tril(m2, -1).T
        if n < 2:
            symmetric = np.zeros_like(symmetric)
        scale = np.sqrt(np.abs(np.outer(np.diag(m2), np.diag(m2))))
        if n >= 2 and (np.abs(symmetric - m2) > 1e-9 * scale).any():
            raise InputError("the cross-product matrix is not symmetric", field="m2", value=m2)
        return cls(
            n=n,
            means=tuple(float(value) for value in means),
            m2=tuple(tuple(float(value) for value in row) for row in symmetric),
        )

    @property
    def variables(self) -> int:
        """Number of variables."""
        return len(self.means)

    def moments(self, variable: int = 0) -> Moments:
        """The one-variable moments of one column.

        Args:
            variable: Index of the variable, 0 <= variable < variables.

        Raises:
            InputError: No such variable.
        """
        self._require_variable(variable)
        return Moments(n=self.n, mean=self.means[variable], m2=self.m2[variable][variable])

    def covariance(self, i: int, j: int) -> float | None:
        """Sample covariance of two variables (divisor n - 1); None below two units.

        Raises:
            InputError: No such variable.
        """
        self._require_variable(i)
        self._require_variable(j)
        return self.m2[i][j] / (self.n - 1) if self.n >= 2 else None

    def merge(self, other: CoMoments) -> CoMoments:
        """Co-moments of the two groups of units together.

        Raises:
            InputError: The two have different numbers of variables.
        """
        if self.variables != other.variables:
            raise InputError(
                f"{self.variables} and {other.variables} variables cannot be merged",
                field="other",
                value=other.variables,
            )
        big, small = sorted((self, other), key=lambda c: (c.n, c.means, c.m2), reverse=True)
        if small.n == 0:
            return big
        n = big.n + small.n
        delta = np.asarray(small.means) - np.asarray(big.means)
        m2 = (
            np.asarray(big.m2)
            + np.asarray(small.m2)
            + np.outer(delta, delta) * (big.n * (small.n / n))
        )
        return CoMoments._from_arrays(n, np.asarray(big.means) + delta * (small.n / n), m2)

    def _require_variable(self, variable: int) -> None:
        if not 0 <= variable < self.variables:
            raise InputError(
                f"no variable {variable} among {self.variables}", field="variable", value=variable
            )


def merge_all(parts: Iterable[Moments]) -> Moments:
    """Moments of all parts together; the empty moments when there is no part.

    Args:
        parts: Moments of disjoint groups of units, for example one per wave.

    Returns:
        Moments of the union.

    References:
        Chan, Golub & LeVeque (1983), The American Statistician 37(3), 242-247.

    Examples:
        >>> merge_all(Moments.from_counts(successes=s, n=10) for s in (1, 3)).mean
        0.2
    """
    whole = Moments.empty()
    for part in parts:
        whole = whole.merge(part)
    return whole


def _count(value: int, *, field: str) -> int:
    # bool is an int to Python and a mistake to us; NumPy integers become plain ones.
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputError(f"{field} is {value!r}, not a whole number", field=field, value=value)
    if value < 0:
        raise InputError(f"{field} is {value}, below 0", field=field, value=value)
    return int(value)


def _finite(value: float, *, field: str) -> float:
    if not math.isfinite(value):
        raise InputError(
            f"{field} is {value}",
            field=field,
            value=value,
            hint="leave the unit out or give a number; missing values are not zeros",
        )
    return float(value)


def _finite_array(values: ArrayLike, *, ndim: int, field: str) -> NDArray[np.float64]:
    try:
        rows = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as cause:
        raise InputError(f"{field} must be numbers", field=field, value=values) from cause
    if rows.ndim != ndim:
        raise InputError(
            f"{field} has {rows.ndim} dimension(s), expected {ndim}", field=field, value=rows.shape
        )
    if not np.isfinite(rows).all():
        raise InputError(
            f"{field} holds values that are not finite numbers",
            field=field,
            value=rows[~np.isfinite(rows)][:5].tolist(),
            hint="leave the unit out or give a number; missing values are not zeros",
        )
    return rows
