"""Ordered goals: pass the error of a proved hypothesis on to the next.

What lives here: the graphical procedure on p-values, with Holm, the fixed sequence and
primary-before-secondary as ready graphs. What must not: adjusted p-values without an order
(:mod:`testkit.stats.multiplicity`).

Theory of operation. Every hypothesis starts with a share of alpha. When one is rejected its share
moves along the edges of the graph to those still open, and its edges are rewired. The order in
which the procedure rejects does not change what it rejects. With sequential p-values, each at its
own spending function, the result holds at every look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from testkit.errors import InputError
from testkit.stats.domain import finite_array, probability, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Gatekeeper", "GraphResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphResult:
    """What a graph rejects.

    Attributes:
        rejected: Indices of the rejected hypotheses, in the order of rejection.
        adjusted: Adjusted p-value of every hypothesis; rejected where at most alpha.
    """

    rejected: tuple[int, ...]
    adjusted: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatekeeper:
    """A graph that passes error from proved hypotheses on to those still open.

    Attributes:
        weights: Share of alpha that each hypothesis starts with, shape (tests,), sum at most 1.
        transfer: ``transfer[i][j]`` is the share of i's error that goes to j once i is rejected;
            rows sum to at most 1, the diagonal is 0; shape (tests, tests).

    Raises:
        InputError: Weights or shares are negative or sum to more than 1, a share goes to itself, or
            shapes differ.

    Examples:
        A primary, then two secondary metrics that share what it leaves:

        >>> graph = Gatekeeper.in_order(primary=1, secondary=2)
        >>> graph.test([0.01, 0.02, 0.2], alpha=0.05).rejected
        (0, 1)
    """

    weights: tuple[float, ...]
    transfer: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        size = len(self.weights)
        weights = finite_array(self.weights, "weights")
        if (weights < 0).any() or weights.sum() > 1 + 1e-12:
            raise InputError(
                "weights must be at least 0 and sum to at most 1",
                field="weights",
                value=self.weights,
            )
        if len(self.transfer) != size or any(len(row) != size for row in self.transfer):
            raise InputError(
                f"transfer must be {size} x {size}", field="transfer", value=self.transfer
            )
        for i, row in enumerate(self.transfer):
            shares = finite_array(row, "transfer")
            if (shares < 0).any() or shares.sum() > 1 + 1e-12 or shares[i] != 0:
                raise InputError(
                    f"row {i} of transfer must be shares that sum to at most 1, own share 0",
                    field="transfer",
                    value=row,
                )

    @classmethod
    def holm(cls, tests: int) -> Gatekeeper:
        """The graph of Holm's procedure: equal weights, equal transfer.

        Args:
            tests: Number of hypotheses, >= 1.
        """
        whole(tests, "tests")
        share = 1 / (tests - 1) if tests > 1 else 0.0
        return cls(
            weights=(1 / tests,) * tests,
            transfer=tuple(
                tuple(0.0 if i == j else share for j in range(tests)) for i in range(tests)
            ),
        )

    @classmethod
    def fixed_sequence(cls, tests: int) -> Gatekeeper:
        """Each hypothesis is tested at full alpha once the one before it is rejected.

        Args:
            tests: Number of hypotheses, >= 1, in their declared order.
        """
        whole(tests, "tests")
        return cls(
            weights=tuple(float(i == 0) for i in range(tests)),
            transfer=tuple(tuple(float(j == i + 1) for j in range(tests)) for i in range(tests)),
        )

    @classmethod
    def in_order(cls, *, primary: int, secondary: int) -> Gatekeeper:
        """Holm among primaries; each rejected primary opens the gate to the secondaries.

        With one primary this is serial gatekeeping: the secondaries share alpha by Holm after
        the primary is rejected. With several, a primary passes its error to the other primaries
        first and the last one on to the secondaries.

        Args:
            primary: Number of primary hypotheses, >= 1; they come first.
            secondary: Number of secondary hypotheses, >= 0.
        """
        whole(primary, "primary")
        whole(secondary, "secondary", at_least=0)
        size = primary + secondary
        # An edge too small to matter while another primary is open carries everything once
        # none is: the limiting graph of Bretz et al., with epsilon instead of the limit.
        epsilon = 1e-6 if primary > 1 else 1.0
        rows = []
        for i in range(size):
            row = [0.0] * size
            if i < primary:
                for j in range(primary):
                    if j != i:
                        row[j] = (1 - (epsilon if secondary else 0.0)) / (primary - 1)
                for j in range(primary, size):
                    row[j] = epsilon / secondary
            else:
                for j in range(primary, size):
                    if j != i:
                        row[j] = 1 / (secondary - 1)
            rows.append(tuple(row))
        weights = tuple(1 / primary if i < primary else 0.0 for i in range(size))
        return cls(weights=weights, transfer=tuple(rows))

    def test(self, p: ArrayLike, *, alpha: float) -> GraphResult:
        """Run the graph on p-values.

        With sequential p-values this is graphical group-sequential testing: each hypothesis is
        compared with its own share of alpha, and a rejection at one look stays a rejection.

        Args:
            p: P-values, fixed or sequential, shape (tests,), each in [0, 1].
            alpha: Family-wise error, 0 < alpha < 1.

        Raises:
            InputError: P-values that do not fit the graph, or ``alpha`` outside (0, 1).

        References:
            Bretz, Maurer, Brannath & Posch (2009), Statistics in Medicine 28(4), 586-604;
            Maurer & Bretz (2013), Statistics in Biopharmaceutical Research 5(4), 311-320.
        """
        values = finite_array(p, "p")
        if ((values < 0) | (values > 1)).any():
            raise InputError("a p-value is not in [0, 1]", field="p", value=values.tolist())
        probability(alpha, "alpha")
        size = len(self.weights)
        if values.size != size:
            raise InputError(
                f"{values.size} p-values for a graph of {size}", field="p", value=values.size
            )
        weights = np.array(self.weights)
        transfer = np.array(self.transfer)
        adjusted = np.ones(size)
        open_: list[int] = list(range(size))
        order: list[int] = []
        so_far = 0.0
        while open_:
            ratios = [values[j] / weights[j] if weights[j] > 0 else math.inf for j in open_]
            best = int(np.argmin(ratios))
            if not math.isfinite(ratios[best]):
                break
            j = open_.pop(best)
            so_far = max(so_far, ratios[best])
            adjusted[j] = min(so_far, 1.0)
            order.append(j)
            weights, transfer = _pass_on(j, open_, weights, transfer)
        return GraphResult(
            rejected=tuple(j for j in order if adjusted[j] <= alpha),
            adjusted=tuple(float(value) for value in adjusted),
        )


def _pass_on(
    j: int, open_: Sequence[int], weights: NDArray[np.float64], transfer: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and edges once ``j`` is out of the graph (Bretz et al. 2009, Algorithm 1)."""
    new_weights = weights.copy()
    new_transfer = np.zeros_like(transfer)
    for i in open_:
        new_weights[i] = weights[i] + weights[j] * transfer[j, i]
        returned = transfer[i, j] * transfer[j, i]
        if returned < 1:
            for k in open_:
                if k != i:
                    new_transfer[i, k] = (transfer[i, k] + transfer[i, j] * transfer[j, k]) / (
                        1 - returned
                    )
    new_weights[j] = 0.0
    return new_weights, new_transfer
