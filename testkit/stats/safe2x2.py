"""The safe 2x2 test: an e-process for two rates when arm sizes are fixed per wave.

What lives here: the block e-variable with free rates or a fixed effect, also stratified. What
must not: processes on single conversions (:mod:`testkit.stats.eprocess`).

Theory of operation. Before a block arrives, both arms' rates are guessed from earlier blocks; the
block's likelihood under the guesses is divided by its likelihood under their average, weighted by
arm sizes. That average is the null hypothesis closest to the guesses, which is what makes the
mean of the ratio at most 1 for *every* common rate. A bad guess costs power, never validity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from testkit.errors import InputError
from testkit.stats.domain import positive
from testkit.stats.eprocess import Evidence, whole_array

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["DEFAULT_BLOCK_PRIOR", "BlockPrior", "Restriction", "safe_blocks"]

_GRID: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPrior:
    """Beta priors from which :func:`safe_blocks` starts its two rates; all four > 0.

    Attributes:
        control: Pseudo-successes and pseudo-failures of the control arm.
        treatment: The same for the treatment arm; unused under a restriction.
    """

    control: tuple[float, float] = (0.18, 0.18)
    treatment: tuple[float, float] = (0.18, 0.18)

    def __post_init__(self) -> None:
        for name in ("control", "treatment"):
            for value in getattr(self, name):
                positive(value, name)


DEFAULT_BLOCK_PRIOR: Final = BlockPrior()
"""Beta(0.18, 0.18) in both arms, the choice of Turner, Ly & Grunwald for small regret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """The alternative that blocks bet on: a fixed effect, unknown control rate.

    Attributes:
        scale: ``difference`` of rates or ``log_odds`` ratio.
        delta: Treatment minus control on that scale, not 0; a difference lies in (-1, 1).

    Raises:
        InputError: ``delta`` is 0 or outside its scale.
    """

    scale: Literal["difference", "log_odds"]
    delta: float

    def __post_init__(self) -> None:
        limit = 1.0 if self.scale == "difference" else math.inf
        if not (0 < abs(self.delta) < limit):
            raise InputError(
                f"delta is {self.delta} on the scale {self.scale}", field="delta", value=self.delta
            )


def safe_blocks(
    *,
    control: ArrayLike,
    treatment: ArrayLike,
    n_control: ArrayLike,
    n_treatment: ArrayLike,
    prior: BlockPrior = DEFAULT_BLOCK_PRIOR,
    restriction: Restriction | None = None,
    strata: Sequence[Hashable] | None = None,
) -> Evidence:
    """Safe 2x2 test in blocks: arm sizes fixed per block, any rate, optionally stratified.

    In block j, ``E_j = p_ta(y_a) p_tb(y_b) / p_t0(y_a) p_t0(y_b)`` with ``t0`` the average of
    ``t_a`` and ``t_b`` weighted by arm sizes, and ``t_a``, ``t_b`` estimated from *earlier*
    blocks only. With ``strata``, rates are estimated inside each stratum and the product over
    all blocks tests "no difference in any stratum".

    Args:
        control: Conversions of the control arm in each block (not cumulative), shape (blocks,).
        treatment: The same for the treatment arm.
        n_control: Units of the control arm in each block, shape (blocks,) or one number.
        n_treatment: The same for the treatment arm.
        prior: Where the rates start.
        restriction: Bet on one effect instead of on two free rates.
        strata: Stratum of each block, shape (blocks,), in order of arrival; None for one.

    Returns:
        Evidence after each block.

    Raises:
        InputError: Conversions above units, empty arms, or lengths that do not agree.

    References:
        Turner, Ly & Grunwald (2024), Journal of Statistical Planning and Inference, arXiv
        2106.02693; stratified: Turner & Grunwald (2023), arXiv 2302.11401. The restricted
        alternative puts the control's Beta prior on 1000 points of the admissible range.

    Examples:
        >>> path = safe_blocks(
        ...     control=[4, 6, 5], treatment=[14, 17, 13], n_control=200, n_treatment=400,
        ...     prior=BlockPrior(control=(1, 1), treatment=(1, 1)),
        ... )
        >>> round(path.e_value, 6)
        1.481965
    """
    y_a, y_b = whole_array(control, field="control"), whole_array(treatment, field="treatment")
    if y_a.size != y_b.size:
        raise InputError(
            f"{y_a.size} control and {y_b.size} treatment blocks", field="treatment", value=y_b.size
        )
    n_a = _sizes(n_control, y_a, field="n_control")
    n_b = _sizes(n_treatment, y_b, field="n_treatment")
    labels: Sequence[Hashable] = (0,) * y_a.size if strata is None else tuple(strata)
    if len(labels) != y_a.size:
        raise InputError(
            f"{len(labels)} strata for {y_a.size} blocks", field="strata", value=len(labels)
        )
    bettors: dict[Hashable, _FreeRates | _RestrictedRates] = {}
    total, path = 0.0, []
    for label, ya, yb, na, nb in zip(labels, y_a, y_b, n_a, n_b, strict=True):
        bettor = bettors.setdefault(
            label,
            _FreeRates(prior) if restriction is None else _RestrictedRates(prior, restriction),
        )
        t_a, t_b = bettor.rates()
        t_0 = (na * t_a + nb * t_b) / (na + nb)
        total += float(
            _log_likelihood(ya, na, t_a)
            + _log_likelihood(yb, nb, t_b)
            - _log_likelihood(ya + yb, na + nb, t_0)
        )
        bettor.learn(ya, na, yb, nb)
        path.append(total)
    return Evidence(log_e=tuple(path))


class _FreeRates:
    """Two rates, each its own Beta posterior mean."""

    def __init__(self, prior: BlockPrior) -> None:
        self.control = np.array(prior.control, dtype=np.float64)
        self.treatment = np.array(prior.treatment, dtype=np.float64)

    def rates(self) -> tuple[float, float]:
        return (
            float(self.control[0] / self.control.sum()),
            float(self.treatment[0] / self.treatment.sum()),
        )

    def learn(self, ya: float, na: float, yb: float, nb: float) -> None:
        self.control += np.array([ya, na - ya])
        self.treatment += np.array([yb, nb - yb])


class _RestrictedRates:
    """One rate on a grid; the other lies ``delta`` away."""

    def __init__(self, prior: BlockPrior, restriction: Restriction) -> None:
        self.restriction = restriction
        grid = np.linspace(1 / _GRID, 1 - 1 / _GRID, _GRID)
        delta = restriction.delta
        if restriction.scale == "difference":
            self.control = grid * (1 - abs(delta)) + max(-delta, 0.0)
        else:
            self.control = grid
        self.treatment = self._other(self.control)
        a, b = prior.control
        self.log_weight = (a - 1) * np.log(grid) + (b - 1) * np.log1p(-grid)

    def _other(self, control: NDArray[np.float64]) -> NDArray[np.float64]:
        delta = self.restriction.delta
        if self.restriction.scale == "difference":
            return control + delta
        odds = control / (1 - control) * math.exp(delta)
        other: NDArray[np.float64] = odds / (1 + odds)
        return other

    def rates(self) -> tuple[float, float]:
        weight = np.exp(self.log_weight - self.log_weight.max())
        control = float(weight @ self.control / weight.sum())
        return control, float(self._other(np.array(control)))

    def learn(self, ya: float, na: float, yb: float, nb: float) -> None:
        self.log_weight = (
            self.log_weight
            + _log_likelihood(ya, na, self.control)
            + _log_likelihood(yb, nb, self.treatment)
        )


def _log_likelihood(
    y: float, n: float, rate: float | NDArray[np.float64]
) -> float | NDArray[np.float64]:
    likelihood: float | NDArray[np.float64] = y * np.log(rate) + (n - y) * np.log1p(-rate)
    return likelihood


def _sizes(n: ArrayLike, y: NDArray[np.float64], *, field: str) -> NDArray[np.float64]:
    sizes = whole_array(n, field=field)
    if sizes.size not in (1, y.size):
        raise InputError(f"{sizes.size} sizes for {y.size} blocks", field=field, value=sizes.size)
    sizes = np.broadcast_to(sizes, y.shape)
    if (sizes < 1).any():
        raise InputError("a block has an empty arm", field=field, value=sizes.tolist())
    if (y > sizes).any():
        raise InputError(
            "more conversions than units in a block", field=field, value=sizes.tolist()
        )
    return sizes
