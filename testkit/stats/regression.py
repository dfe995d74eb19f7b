"""Least squares with honest standard errors, from rows.

What lives here: ordinary least squares by QR with heteroskedasticity-consistent (HC0-HC3) and
cluster-robust (CR0, CR1, CR1S, CR3) covariances. What must not: any choice of covariates, and
adjustment from summaries, which needs no rows (:mod:`testkit.stats.adjust`).

Which one when. HC2 is unbiased under equal variances and the default for an experiment; HC3 is
safer when a few rows have high leverage. With clusters, CR3 (the cluster jackknife) keeps its
level best when clusters are few or of very different size; CR1S is what most software prints.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from testkit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Covariance", "LeastSquares", "least_squares"]

Covariance: TypeAlias = Literal[
    "classical", "HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR1S", "CR3"
]

# Below this ratio of the triangle's diagonal to its largest entry a column is a combination of
# the others as far as 16 digits can tell.
_RANK_TOLERANCE: Final = 1e-11


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastSquares:
    """A fitted linear model.

    Attributes:
        n: Rows.
        coefficients: One per column of the design, shape (columns,).
        covariance: Their estimated covariance, shape (columns, columns).
        df: Degrees of freedom for t: rows less columns, or clusters less one.
        kind: Estimator of the covariance.
        clusters: Number of clusters; None without clusters.
    """

    n: int
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    df: int
    kind: Covariance
    clusters: int | None = None

    @property
    def se(self) -> tuple[float, ...]:
        """Standard errors, shape (columns,)."""
        return tuple(math.sqrt(row[i]) for i, row in enumerate(self.covariance))


def least_squares(
    y: ArrayLike,
    x: ArrayLike,
    *,
    kind: Covariance = "HC2",
    clusters: ArrayLike | None = None,
) -> LeastSquares:
    """Ordinary least squares with a robust covariance.

    Args:
        y: Outcome per row, shape (n,), finite.
        x: Design with its intercept column, shape (n, columns), finite, of full rank.
        kind: ``classical`` (one variance); ``HC0``-``HC3``; with clusters ``CR0``, ``CR1``
            (times G/(G-1)), ``CR1S`` (times G(n-1)/((G-1)(n-k))) or ``CR3`` (jackknife).
        clusters: Label of the cluster of each row, shape (n,); for the CR kinds only.

    Returns:
        Coefficients with the covariance asked for.

    Raises:
        InputError: Shapes that do not agree, values that are not finite, columns that depend on
            one another, a row that alone decides a coefficient (HC2, HC3), fewer than two
            clusters, or clusters without a CR kind and the reverse.

    References:
        MacKinnon & White (1985), Journal of Econometrics 29(3), 305-325 (HC0-HC3); Liang & Zeger
        (1986), Biometrika 73(1), 13-22 (CR0); Bell & McCaffrey (2002), Survey Methodology 28(2),
        169-181 (CR3); MacKinnon, Nielsen & Webb (2023), Journal of Econometrics 232(2), 272-299.

    Examples:
        >>> fit = least_squares([1.0, 2.0, 4.0, 5.0], [[1, 0], [1, 0], [1, 1], [1, 1]])
        >>> [round(value, 6) for value in (*fit.coefficients, *fit.se)]
        [1.5, 3.0, 0.5, 0.707107]
    """
    outcome = np.asarray(y, dtype=np.float64)
    design = np.asarray(x, dtype=np.float64)
    if outcome.ndim != 1 or design.ndim != 2 or design.shape[0] != outcome.size:
        raise InputError(
            f"outcome {outcome.shape} and design {design.shape} do not fit",
            field="x",
            value=design.shape,
        )
    n, columns = design.shape
    if n <= columns:
        raise InputError(f"{n} rows cannot carry {columns} columns", field="y", value=n)
    for name, values in (("y", outcome), ("x", design)):
        if not np.isfinite(values).all():
            raise InputError(f"{name} holds values that are not finite", field=name, value="NaN")
    # Columns of very different size (1 and 1e8) would make the rank check meaningless.
    size = np.sqrt((design**2).sum(axis=0))
    if (size == 0).any():
        raise InputError(
            "a column of the design is all zeros", field="x", value=int(np.argmin(size))
        )
    q, r = np.linalg.qr(design / size)
    diagonal = np.abs(np.diag(r))
    if diagonal.min() < _RANK_TOLERANCE:
        raise InputError(
            "a column of the design is a combination of the others",
            field="x",
            value=int(np.argmin(diagonal)),
            hint="drop it; an interaction or a dummy too many is the usual reason",
        )
    inverse = np.linalg.inv(r) / size[:, None]
    beta = inverse @ (q.T @ outcome)
    residual = outcome - design @ beta
    bread = inverse @ inverse.T
    if kind.startswith("CR"):
        if clusters is None:
            raise InputError(f"{kind} needs clusters", field="clusters", value=None)
        covariance, groups = _clustered(design, residual, bread, clusters, kind)
        df = groups - 1
    else:
        if clusters is not None:
            raise InputError(
                f"{kind} ignores clusters", field="kind", value=kind, hint="use CR1S or CR3"
            )
        groups, df = None, n - columns
        covariance = _independent(q, inverse, residual, bread, kind)
    return LeastSquares(
        n=n,
        coefficients=tuple(float(value) for value in beta),
        covariance=tuple(tuple(float(value) for value in row) for row in covariance),
        df=df,
        kind=kind,
        clusters=groups,
    )


def _independent(
    q: NDArray[np.float64],
    inverse: NDArray[np.float64],
    residual: NDArray[np.float64],
    bread: NDArray[np.float64],
    kind: Covariance,
) -> NDArray[np.float64]:
    n, columns = q.shape
    if kind == "classical":
        classical: NDArray[np.float64] = bread * (residual @ residual / (n - columns))
        return classical
    squares = residual**2
    if kind in ("HC2", "HC3"):
        leverage = (q**2).sum(axis=1)
        if leverage.max() > 1 - 1e-9:
            raise InputError(
                f"row {int(leverage.argmax())} alone decides a coefficient",
                field="x",
                value=float(leverage.max()),
                hint="a category with one member cannot be adjusted for; merge or drop it",
            )
        squares = squares / (1 - leverage) ** (1 if kind == "HC2" else 2)
    meat = q.T @ (q * squares[:, None])
    factor = n / (n - columns) if kind == "HC1" else 1.0
    robust: NDArray[np.float64] = factor * (inverse @ meat @ inverse.T)
    return robust


def _clustered(
    design: NDArray[np.float64],
    residual: NDArray[np.float64],
    bread: NDArray[np.float64],
    clusters: ArrayLike,
    kind: Covariance,
) -> tuple[NDArray[np.float64], int]:
    n, columns = design.shape
    labels = np.asarray(clusters)
    if labels.shape != (n,):
        raise InputError(
            f"{labels.size} cluster labels for {n} rows", field="clusters", value=labels.shape
        )
    _, index = np.unique(labels, return_inverse=True)
    groups = int(index.max()) + 1
    if groups < 2:
        raise InputError("one cluster has no spread", field="clusters", value=groups)
    scores = np.zeros((groups, columns))
    np.add.at(scores, index, design * residual[:, None])
    if kind == "CR3":
        return _jackknife(design, index, scores, bread), groups
    factor = 1.0
    if kind != "CR0":
        factor = groups / (groups - 1)
    if kind == "CR1S":
        factor *= (n - 1) / (n - columns)
    robust: NDArray[np.float64] = factor * (bread @ (scores.T @ scores) @ bread)
    return robust, groups


def _jackknife(
    design: NDArray[np.float64],
    index: NDArray[np.intp],
    scores: NDArray[np.float64],
    bread: NDArray[np.float64],
) -> NDArray[np.float64]:
    groups, columns = scores.shape
    order = np.argsort(index, kind="stable")
    starts = np.searchsorted(index[order], np.arange(groups + 1))
    moves = np.empty((groups, columns))
    identity = np.eye(columns)
    for g in range(groups):
        rows = design[order[starts[g] : starts[g + 1]]]
        # beta without g = beta - (I - bread X_g'X_g)^-1 bread (X_g' residual_g).
        rest = identity - bread @ (rows.T @ rows)
        if np.linalg.cond(rest) > 1 / _RANK_TOLERANCE:
            raise InputError(
                f"cluster {g} alone decides a coefficient",
                field="clusters",
                value=g,
                hint="each arm and category needs at least two clusters",
            )
        moves[g] = np.linalg.solve(rest, bread @ scores[g])
    jackknife: NDArray[np.float64] = (groups - 1) / groups * (moves.T @ moves)
    return jackknife
