r"""Law of the arm's successes when the margins of every batch are known.

A *batch* is one stratum of one wave. Given its arm sizes and its successes in all, the successes
that fall on the arm follow Fisher's noncentral hypergeometric law with the odds ratio as its only
parameter: the base rate is gone. Batches are independent given their margins, so sums over batches
are convolutions, whatever the base rates were. That is all the exact engine needs.

Weights are kept as logarithms built from ratios of neighbours; factorials of a million would lose
nine digits. With the log odds ratio :math:`\theta` the law is the null law tilted by
:math:`e^{\theta x}`, and sums of batches tilt the same way.

What must not live here: looks, boundaries, tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from testkit.errors import InputError
from testkit.stats.domain import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from testkit.stats.counts import TwoByTwo

__all__ = ["IncrementLaw", "Margins", "Wave", "margins_of", "waves"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """What is known of a batch before it is split by arm.

    Attributes:
        n_control: Units of the control, at least 1.
        n_arm: Units of the arm, at least 1.
        successes: Successes of both arms together, 0 <= successes <= n_control + n_arm.

    Raises:
        InputError: A count is negative, fractional or NaN, an arm is empty, or there are more
            successes than units.

    Examples:
        >>> Margins(n_control=80, n_arm=70, successes=104).expected
        48.53333333333333
    """

    n_control: int
    n_arm: int
    successes: int

    def __post_init__(self) -> None:
        for field, minimum in (("n_control", 1), ("n_arm", 1), ("successes", 0)):
            object.__setattr__(self, field, whole(getattr(self, field), field, at_least=minimum))
        if self.successes > self.n:
            raise InputError(
                f"successes is {self.successes}, above the {self.n} units of both arms",
                field="successes",
                value=self.successes,
                hint="count each unit once",
            )

    @property
    def n(self) -> int:
        """Units of both arms."""
        return self.n_control + self.n_arm

    @property
    def lowest(self) -> int:
        """Fewest successes that the arm can have."""
        return max(0, self.successes - self.n_control)

    @property
    def highest(self) -> int:
        """Most successes that the arm can have."""
        return min(self.successes, self.n_arm)

    @property
    def expected(self) -> float:
        """Successes that the arm has on average when the arms are equal."""
        return self.successes * self.n_arm / self.n

    @property
    def variance(self) -> float:
        """Variance of the arm's successes when the arms are equal."""
        if self.n == 1:
            return 0.0
        rate = self.successes / self.n
        return self.n_arm * self.n_control / (self.n - 1) * rate * (1.0 - rate)


Wave = tuple[Margins, ...]
"""The batches that one look adds: one for a plain wave, several for a stratified one."""


def margins_of(table: TwoByTwo) -> Margins:
    """The margins of a table.

    Args:
        table: Counts by arm.

    Returns:
        Arm sizes and successes in all.

    Examples:
        >>> from testkit.stats.counts import TwoByTwo
        >>> margins_of(TwoByTwo(successes_control=1, n_control=9, successes_arm=2, n_arm=8))
        Margins(n_control=9, n_arm=8, successes=3)
    """
    return Margins(n_control=table.n_control, n_arm=table.n_arm, successes=table.successes)


def waves(increments: Iterable[Margins | Iterable[Margins]]) -> tuple[Wave, ...]:
    """The increments of all looks, each as a tuple of batches.

    Args:
        increments: For each look what it adds to the one before: one batch, or one batch per
            stratum (and per wave, when a look takes several waves). Shape ``(looks,)``.

    Returns:
        One non-empty tuple of batches a look.

    Raises:
        InputError: There is no look, a look adds no batch, or an item is not :class:`Margins`.

    Examples:
        >>> len(waves([Margins(n_control=80, n_arm=70, successes=4)]))
        1
    """
    found = []
    for index, item in enumerate(increments):
        batches = (item,) if isinstance(item, Margins) else tuple(item)
        field = f"increments[{index}]"
        if not batches:
            raise InputError(f"{field} adds no batch", field=field, value=item)
        for batch in batches:
            if not isinstance(batch, Margins):
                raise InputError(f"{field} holds {batch!r}, not Margins", field=field, value=batch)
        found.append(batches)
    if not found:
        raise InputError("increments is empty", field="increments", hint="give at least one look")
    return tuple(found)


class IncrementLaw:
    """Law of the arm's successes in one wave, for any odds ratio.

    Args:
        wave: The batches of the wave.

    Attributes:
        lowest: Fewest successes that the arm can have in the wave.
        highest: Most successes that the arm can have in the wave.

    Examples:
        >>> law = IncrementLaw((Margins(n_control=2, n_arm=2, successes=2),))
        >>> law.probabilities(0.0).round(4).tolist()
        [0.1667, 0.6667, 0.1667]
    """

    __slots__ = ("_log_weights", "_supports", "highest", "lowest")

    def __init__(self, wave: Sequence[Margins]) -> None:
        self._supports = [np.arange(m.lowest, m.highest + 1, dtype=np.float64) for m in wave]
        self._log_weights = [_log_weights(m, x) for m, x in zip(wave, self._supports, strict=True)]
        self.lowest = sum(m.lowest for m in wave)
        self.highest = sum(m.highest for m in wave)

    def probabilities(self, log_odds_ratio: float) -> NDArray[np.float64]:
        """Probabilities of ``lowest`` to ``highest`` successes of the arm.

        Args:
            log_odds_ratio: Natural logarithm of the odds ratio, finite; 0 for equal arms.

        Returns:
            Probabilities, shape ``(highest - lowest + 1,)``, sum 1; values below 1e-308 are 0.

        References:
            Fisher (1935), JRSS 98, 39-82 (noncentral hypergeometric law); Harkness (1965), Annals
            of Mathematical Statistics 36, 938-945.
        """
        return reduce(np.convolve, (self._tilted(i, log_odds_ratio)[0] for i in self._range()))

    def log_moment(self, log_odds_ratio: float) -> float:
        """Logarithm of the null mean of ``exp(log_odds_ratio * successes of the arm)``."""
        return math.fsum(self._tilted(i, log_odds_ratio)[1] for i in self._range())

    def mean_and_variance(self, log_odds_ratio: float) -> tuple[float, float]:
        """Mean and variance of the arm's successes in the wave."""
        mean = variance = 0.0
        for i in self._range():
            p = self._tilted(i, log_odds_ratio)[0]
            centre = float(p @ self._supports[i])
            mean += centre
            variance += float(p @ (self._supports[i] - centre) ** 2)
        return mean, variance

    def _range(self) -> range:
        return range(len(self._supports))

    def _tilted(self, index: int, theta: float) -> tuple[NDArray[np.float64], float]:
        """Probabilities of one batch, and the logarithm of their normaliser."""
        if theta == 0.0:
            return np.exp(self._log_weights[index]), 0.0
        logs = self._log_weights[index] + theta * self._supports[index]
        top = float(logs.max())
        weights = np.exp(logs - top)
        total = float(weights.sum())
        return weights / total, top + math.log(total)


def _log_weights(margins: Margins, support: NDArray[np.float64]) -> NDArray[np.float64]:
    """Null log probabilities on the support, from the ratios of neighbours."""
    x = support[:-1]
    up = (margins.n_arm - x) * (margins.successes - x)
    down = (x + 1.0) * (margins.n_control - margins.successes + x + 1.0)
    logs = np.concatenate(([0.0], np.cumsum(np.log(up / down))))
    logs -= logs.max()
    return np.asarray(logs - math.log(float(np.exp(logs).sum())), dtype=np.float64)
