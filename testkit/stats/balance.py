r"""Checks of the assignment itself: balance of what was known before, and contamination.

*Balance* compares covariates between arms: one-way F for a number, chi-square for categories, and
one joint test for several numbers. With a sound random assignment a small p-value is chance, and
one in a thousand tests shows one; so balance only ever *warns*, and the joint test spares the
reader twenty separate ones. What blocks a decision is :mod:`testkit.stats.srm`.

*Contamination* counts units that met more than one arm, or an arm that was not theirs.

What must not live here: adjustment for covariates, decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from testkit.errors import InputError
from testkit.stats.domain import finite_array, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BALANCE_WARNING",
    "Balance",
    "Contamination",
    "balance_of_categories",
    "balance_of_means",
    "contamination",
    "contingency_chisq",
    "joint_balance",
]

BALANCE_WARNING: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A test of equal distributions in all arms.

    Attributes:
        statistic: F or chi-square; None when it does not exist.
        degrees_of_freedom: Of numerator and denominator for F; of chi-square and 0.
        p_value: Chance of a statistic at least as large under random assignment; None when the
            statistic is None.
        method: Name of the test.
        note: Why there is no statistic, or that the p-value is rough; else empty.
    """

    statistic: float | None
    degrees_of_freedom: tuple[int, int]
    p_value: float | None
    method: str
    note: str = ""

    @property
    def warns(self) -> bool:
        """Whether a report should mention it (p below 0.001). It never blocks."""
        return self.p_value is not None and self.p_value < BALANCE_WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Contamination:
    """Units that met more than their own arm.

    Attributes:
        units: Units that met any arm.
        crossed: Units that met more than one arm.
        off_assignment: Units that met an arm other than the one they were assigned to; None when
            no assignment was given.
        repeated: Units that met the same arm more than once (a double send, not contamination).
        by_arm: For each arm, units that met it and some other arm too, shape ``(arms,)``.
    """

    units: int
    crossed: int
    off_assignment: int | None
    repeated: int
    by_arm: tuple[int, ...]

    @property
    def crossed_share(self) -> float:
        """Units that met more than one arm, as a share of all units; 0 without units."""
        return self.crossed / self.units if self.units else 0.0


def balance_of_means(n: Sequence[int], means: ArrayLike, m2: ArrayLike) -> Balance:
    """One-way F test that a number has the same mean in all arms.

    Args:
        n: Units per arm, each at least 1, shape ``(arms,)``.
        means: Mean per arm, shape ``(arms,)``.
        m2: Sum of squared distances from the arm's mean, at least 0, shape ``(arms,)``.

    Returns:
        F with (arms - 1, units - arms) degrees of freedom.

    Raises:
        InputError: Shapes differ, fewer than two arms, or a value is out of its domain.

    References:
        Fisher (1925), Statistical Methods for Research Workers (analysis of variance).

    Examples:
        >>> result = balance_of_means([3, 3], [2.0, 3.0], [2.0, 2.0])
        >>> round(result.statistic, 3), round(result.p_value, 4), result.warns
        (1.5, 0.2879, False)
    """
    sizes = _sizes(n)
    centres = finite_array(means, "means", at_least=2)
    squares = finite_array(m2, "m2", at_least=2)
    if not len(sizes) == len(centres) == len(squares):
        raise InputError("n, means and m2 must have one entry an arm", field="means", value=means)
    if squares.min() < 0.0:
        raise InputError("m2 must not be negative", field="m2", value=float(squares.min()))
    between, within = len(sizes) - 1, int(sizes.sum()) - len(sizes)
    grand = float(sizes @ centres / sizes.sum())
    spread = float(sizes @ (centres - grand) ** 2)
    inside = float(squares.sum())
    if within < 1 or inside == 0.0:
        return _no_statistic(
            (between, within), "one-way F", "the covariate does not vary inside the arms"
        )
    statistic = spread / between / (inside / within)
    return Balance(
        statistic=statistic,
        degrees_of_freedom=(between, within),
        p_value=float(special.fdtrc(between, within, statistic)),
        method="one-way F",
    )


def balance_of_categories(table: Sequence[Sequence[int]]) -> Balance:
    """Chi-square test that categories have the same shares in all arms.

    Args:
        table: Units per arm and category, shape ``(arms, categories)``; categories that nobody
            has are left out.

    Returns:
        Pearson's chi-square; its note says when an expected count is below 5.

    Raises:
        InputError: The table is ragged or has fewer than two arms, an arm is empty, or a count is
            not a non-negative whole number.

    References:
        Pearson (1900), Philosophical Magazine 50, 157-175.

    Examples:
        >>> round(balance_of_categories([[30, 70], [45, 55]]).p_value, 4)
        0.0285
    """
    return contingency_chisq(table)


def contingency_chisq(table: Sequence[Sequence[int]], *, continuity: bool = False) -> Balance:
    """Pearson's chi-square of a table of counts.

    Args:
        table: Counts, shape ``(rows, columns)``; columns without any unit are left out.
        continuity: Yates' correction, for 2x2 tables only: what R's ``chisq.test`` and
            ``prop.test`` do unless told otherwise. For comparison with such reports.

    Returns:
        The test.

    Raises:
        InputError: The table is ragged or has fewer than two rows, a row is empty, a count is not
            a non-negative whole number, or ``continuity`` is asked for a larger table.

    References:
        Pearson (1900), Philosophical Magazine 50, 157-175; Yates (1934), Supplement to the JRSS 1,
        217-235.

    Examples:
        >>> table = [[56, 14], [48, 32]]
        >>> round(contingency_chisq(table).p_value, 6)
        0.008045
        >>> round(contingency_chisq(table, continuity=True).p_value, 6)
        0.013409
    """
    counts = _table(table)
    counts = counts[:, counts.sum(axis=0) > 0]
    rows, columns = counts.shape
    method = "chi-square with Yates' correction" if continuity else "chi-square"
    if columns < 2:
        return _no_statistic((0, 0), method, "all units are in one category")
    if continuity and (rows, columns) != (2, 2):
        raise InputError("Yates' correction is for 2x2 tables", field="continuity", value=True)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    distance = np.abs(counts - expected)
    if continuity:
        distance -= np.minimum(0.5, distance)
    statistic = float((distance**2 / expected).sum())
    freedom = (rows - 1) * (columns - 1)
    rough = float(expected.min()) < 5.0
    return Balance(
        statistic=statistic,
        degrees_of_freedom=(freedom, 0),
        p_value=float(special.chdtrc(freedom, statistic)),
        method=method,
        note="an expected count is below 5, so the p-value is rough" if rough else "",
    )


def joint_balance(n: Sequence[int], means: ArrayLike, within: ArrayLike) -> Balance:
    """One test that several numbers have the same means in all arms.

    Hotelling's T-square for two arms (exact for normal covariates); for more arms the
    Lawley-Hotelling trace with its chi-square approximation.

    Args:
        n: Units per arm, each at least 1, shape ``(arms,)``.
        means: Means, shape ``(arms, covariates)``.
        within: Sums of products of distances from the arm's means, added over arms, shape
            ``(covariates, covariates)``.

    Returns:
        F with (covariates, units - covariates - 1) degrees of freedom for two arms; chi-square
        with covariates x (arms - 1) for more.

    Raises:
        InputError: Shapes differ or a value is not finite.

    References:
        Hotelling (1931), Annals of Mathematical Statistics 2, 360-378.

    Examples:
        >>> result = joint_balance([3, 3], [[2.0], [3.0]], [[4.0]])
        >>> round(result.statistic, 3), round(result.p_value, 4)
        (1.5, 0.2879)
    """
    sizes = _sizes(n)
    centres = np.asarray(means, dtype=np.float64)
    pooled = np.asarray(within, dtype=np.float64)
    if centres.ndim != 2 or centres.shape[0] != len(sizes):
        raise InputError(
            "means must have one row an arm and one column a covariate", field="means", value=means
        )
    covariates = centres.shape[1]
    if pooled.shape != (covariates, covariates):
        raise InputError(
            f"within must be {covariates} x {covariates}", field="within", value=within
        )
    if not (np.isfinite(centres).all() and np.isfinite(pooled).all()):
        raise InputError("means and within must be finite", field="means", value=means)
    arms, units = len(sizes), int(sizes.sum())
    two = arms == 2
    method = "Hotelling's T-square" if two else "Lawley-Hotelling trace (chi-square)"
    freedom = (covariates, units - covariates - 1) if two else (covariates * (arms - 1), 0)
    spare = units - arms
    # Correlations, so that the rank does not depend on whether income is in cents.
    scale = np.sqrt(np.maximum(np.diag(pooled), 0.0))
    degenerate = spare < covariates or scale.min() == 0.0
    if not degenerate:
        pooled = pooled / np.outer(scale, scale)
        degenerate = bool(np.linalg.matrix_rank(pooled, hermitian=True) < covariates)
    if degenerate:
        return _no_statistic(
            freedom, method, "a covariate does not vary, or is a combination of the others"
        )
    away = (centres - sizes @ centres / units) / scale
    trace = float(np.sum(sizes[:, None] * away * np.linalg.solve(pooled, away.T).T)) * spare
    if not two:
        p_value = float(special.chdtrc(freedom[0], trace))
        return Balance(statistic=trace, degrees_of_freedom=freedom, p_value=p_value, method=method)
    statistic = trace * (spare - covariates + 1) / (spare * covariates)
    return Balance(
        statistic=statistic,
        degrees_of_freedom=freedom,
        p_value=float(special.fdtrc(covariates, units - covariates - 1, statistic)),
        method=method,
    )


def contamination(
    units: ArrayLike, arms: ArrayLike, *, number_of_arms: int, assigned: ArrayLike | None = None
) -> Contamination:
    """Count units that met more than one arm, from one row per exposure.

    Args:
        units: Code of the unit in each row, whole numbers, shape ``(rows,)``.
        arms: Arm that it met, ``0 <= arm < number_of_arms``, shape ``(rows,)``.
        number_of_arms: Arms of the experiment, at least 2.
        assigned: Arm that the unit of the row was assigned to, shape ``(rows,)``; None when not
            known.

    Returns:
        The counts; all 0 without rows.

    Raises:
        InputError: Shapes differ, codes are not whole numbers, or an arm does not exist.

    Examples:
        >>> seen = contamination([7, 7, 8, 9, 9], [0, 1, 1, 0, 0], number_of_arms=2)
        >>> seen.units, seen.crossed, seen.repeated, seen.by_arm
        (3, 1, 1, (1, 1))
    """
    count = whole(number_of_arms, "number_of_arms", at_least=2)
    who = _codes(units, "units")
    met = _codes(arms, "arms")
    if len(who) != len(met):
        raise InputError(f"{len(who)} units, {len(met)} arms", field="arms", value=len(met))
    _in_range(met, count, "arms")
    names, unit = np.unique(who, return_inverse=True)
    exposures = np.zeros((len(names), count), dtype=np.int64)
    np.add.at(exposures, (unit, met), 1)
    several = (exposures > 0).sum(axis=1) > 1
    off: int | None = None
    if assigned is not None:
        own = _codes(assigned, "assigned")
        if len(own) != len(met):
            raise InputError(
                f"{len(own)} assigned, {len(met)} arms", field="assigned", value=len(own)
            )
        _in_range(own, count, "assigned")
        off = len(np.unique(unit[met != own]))
    return Contamination(
        units=len(names),
        crossed=int(several.sum()),
        off_assignment=off,
        repeated=int((exposures > 1).any(axis=1).sum()),
        by_arm=tuple(int(c) for c in (exposures[several] > 0).sum(axis=0)),
    )


def _no_statistic(freedom: tuple[int, int], method: str, note: str) -> Balance:
    return Balance(
        statistic=None, degrees_of_freedom=freedom, p_value=None, method=method, note=note
    )


def _sizes(n: Sequence[int]) -> NDArray[np.float64]:
    sizes = np.array([whole(value, f"n[{i}]") for i, value in enumerate(n)], dtype=np.float64)
    if len(sizes) < 2:
        raise InputError("balance needs two arms", field="n", value=n)
    return sizes


def _table(table: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    rows = [
        [whole(count, f"table[{i}][{j}]", at_least=0) for j, count in enumerate(row)]
        for i, row in enumerate(table)
    ]
    if len(rows) < 2 or len({len(row) for row in rows}) != 1:
        raise InputError(
            "table must have two rows or more, all of one length", field="table", value=table
        )
    for i, row in enumerate(rows):
        if sum(row) == 0:
            raise InputError(f"table[{i}] holds no unit", field=f"table[{i}]", value=table[i])
    return np.array(rows, dtype=np.float64)


def _codes(values: ArrayLike, field: str) -> NDArray[np.int64]:
    codes = np.asarray(values)
    if codes.ndim != 1 or (codes.size and not np.issubdtype(codes.dtype, np.integer)):
        raise InputError(f"{field} must be a flat list of whole numbers", field=field, value=values)
    return codes.astype(np.int64)


def _in_range(codes: NDArray[np.int64], count: int, field: str) -> None:
    bad = np.flatnonzero((codes < 0) | (codes >= count))
    if bad.size:
        raise InputError(
            f"{field}[{bad[0]}] is {int(codes[bad[0]])}; there are arms 0 to {count - 1}",
            field=field,
            value=int(codes[bad[0]]),
        )
