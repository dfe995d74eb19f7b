r"""Walk of cumulative counts from look to look, stopped where critical counts say.

The one recursion behind everything exact: boundaries, power, stage-wise p-values, repeated
intervals, and the binomial plans of :mod:`testkit.stats.exact_binomial`. Only sums and products
of probabilities, no differences, so small tails keep their digits.

What must not live here: what the steps' law is, what the looks spend.

References:
    Armitage, McPherson & Rowe (1969), JRSS A 132, 235-244 (the recursion, there for normal sums);
    Jennison & Turnbull (2000), Group Sequential Methods, chapter 12 (for counts).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = [
    "START",
    "CriticalCounts",
    "Side",
    "TailMode",
    "Walk",
    "critical_count",
    "step",
    "walks",
]

TailMode = Literal["exact", "mid-p"]
Side = Literal["upper", "lower"]

# A tail that equals its allowance up to rounding counts as not fitting: errors go the safe way.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalCounts:
    """The counts at which a look stops.

    Attributes:
        low: Stop for the control when the arm's cumulative successes are at most this; None when
            no count can do that.
        high: Stop for the arm when its cumulative successes are at least this; None when no count
            can do that.
    """

    low: int | None
    high: int | None

    def side(self, successes_arm: int) -> Side | None:
        """The side that this cumulative count crosses; None when it crosses neither."""
        if self.high is not None and successes_arm >= self.high:
            return "upper"
        if self.low is not None and successes_arm <= self.low:
            return "lower"
        return None


@dataclass(frozen=True, slots=True)
class Walk:
    """Probabilities of the arm's cumulative successes at a look, among paths not stopped before.

    Attributes:
        start: Count that the first probability belongs to.
        mass: Probabilities of ``start``, ``start + 1`` ...; sums to the chance of getting here.
    """

    start: int
    mass: NDArray[np.float64]

    def outside(self, critical: CriticalCounts) -> tuple[float, float]:
        """Probability of stopping here for the control, and for the arm."""
        low, high = self._cuts(critical)
        return float(self.mass[:low].sum()), float(self.mass[high:].sum())

    def inside(self, critical: CriticalCounts) -> Walk:
        """The walk of the paths that go on."""
        low, high = self._cuts(critical)
        return Walk(self.start + low, self.mass[low:high])

    def tail(self, count: int, side: Side) -> tuple[float, float]:
        """Probability of ``count`` or beyond on a side, and of ``count`` itself."""
        index = count - self.start
        at = float(self.mass[index]) if 0 <= index < len(self.mass) else 0.0
        beyond = self.mass[max(index, 0) :] if side == "upper" else self.mass[: max(index + 1, 0)]
        return float(beyond.sum()), at

    def _cuts(self, critical: CriticalCounts) -> tuple[int, int]:
        size = len(self.mass)
        high = size if critical.high is None else critical.high - self.start
        high = min(max(high, 0), size)
        low = 0 if critical.low is None else critical.low - self.start + 1
        # The upper side wins where both sides claim a count; plans below one half never meet.
        return min(max(low, 0), high), high


START: Final = Walk(0, np.ones(1))
"""The walk before the first look: no success, for certain."""


def walks(
    steps: Iterable[tuple[int, NDArray[np.float64]]], critical: Sequence[CriticalCounts]
) -> Iterator[Walk]:
    """The walk at each look, under the steps' law, with given critical counts.

    Args:
        steps: For each look the fewest new successes of the arm, and the probabilities of that
            many and more.
        critical: Critical counts of the looks.

    Yields:
        The walk at each look before it stops there.

    References:
        Jennison & Turnbull (2000), ch. 12.
    """
    walk = START
    for index, (lowest, mass) in enumerate(steps):
        walk = step(walk, lowest, mass)
        yield walk
        walk = walk.inside(critical[index])


def step(walk: Walk, lowest: int, mass: NDArray[np.float64]) -> Walk:
    """The walk after one more wave.

    Args:
        walk: The walk so far, without what has stopped.
        lowest: Fewest new successes of the arm.
        mass: Probabilities of that many new successes and more.

    Returns:
        The walk with the new successes added: a convolution.

    References:
        Jennison & Turnbull (2000), ch. 12.
    """
    if len(walk.mass) == 0:
        # Everything has stopped; keep an empty walk at a defined place.
        return Walk(walk.start + lowest, walk.mass)
    start, total = walk.start + lowest, np.convolve(walk.mass, mass)
    # Tails that underflowed to 0 only cost time; the walk stays contiguous.
    reached = np.flatnonzero(total)
    if len(reached) == 0:
        return Walk(start, total[:0])
    first, last = int(reached[0]), int(reached[-1])
    return Walk(start + first, total[first : last + 1])


def critical_count(
    walk: Walk, side: Side, *, spent: float, allowed: float, tail: TailMode
) -> int | None:
    """The least extreme count whose tail still fits into the allowance; None when none does.

    Args:
        walk: The walk at this look.
        side: Which tail.
        spent: Error of this side before this look.
        allowed: Error of this side up to and including this look.
        tail: Whether half of the critical count's own probability is forgiven.

    Returns:
        The critical count.

    References:
        Lan & DeMets (1983), Biometrika 70(3), 659-663, on the counts of the walk.
    """
    mass = walk.mass if side == "lower" else walk.mass[::-1]
    tails = mass.cumsum()
    if tail == "mid-p":
        tails -= 0.5 * mass
    fits = int(tails.searchsorted((allowed - spent) * (1.0 - _ROUNDING), side="right"))
    if fits == 0:
        return None
    last = walk.start + len(mass) - 1
    return walk.start + fits - 1 if side == "lower" else last - (fits - 1)
