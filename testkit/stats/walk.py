r"""Walk of cumulative counts from look to look, stopped where critical counts say.

The one recursion behind everything exact: boundaries, power, stage-wise p-values, repeated
intervals, and the binomial plans of :mod:`testkit.stats.exact_binomial`. Only sums and products
of probabilities, no differences, so small tails keep their digits.

Counts are lumpy: at the last look the next count rarely fits into what is left to spend. There
equal counts may be told apart by the count at the look before, which given the total has a law
without the effect in it: a coin that the data toss, in a way fixed beforehand. The test spends
nearly all of its error, conditional on all totals as before, and its p-values stay monotone.

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
    "critical_counts",
    "step",
    "walks",
]

TailMode = Literal["exact", "mid-p"]
Side = Literal["upper", "lower"]

# A tail that equals its allowance up to rounding counts as not fitting: errors go the safe way.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CriticalCounts:
    """The counts at which a look stops.

    Attributes:
        low: Stop for the control when the arm's cumulative successes are at most this; None when
            no count can do that.
        high: Stop for the arm when its cumulative successes are at least this; None when no count
            can do that.
        low_before: At ``low + 1`` stop too, when the count at the look before was at most this;
            None where equal counts are not told apart.
        high_before: At ``high - 1`` stop too, when the count at the look before was at least this;
            None likewise.
    """

    low: int | None
    high: int | None
    low_before: int | None = None
    high_before: int | None = None

    def __repr__(self) -> str:
        """The counts, and what decides between equal counts where something does."""
        ties = (("low_before", self.low_before), ("high_before", self.high_before))
        shown = "".join(f", {name}={count}" for name, count in ties if count is not None)
        return f"CriticalCounts(low={self.low}, high={self.high}{shown})"

    def side(self, successes_arm: int, *, before: int = 0) -> Side | None:
        """The side that this cumulative count crosses; None when it crosses neither.

        Args:
            successes_arm: Successes of the arm so far.
            before: The same at the look before; 0 at the first look.

        Returns:
            The side. Where both claim a count, a critical count goes before a tie, and the upper
            side before the lower one.
        """
        if self.high is not None and successes_arm >= self.high:
            return "upper"
        if self.low is not None and successes_arm <= self.low:
            return "lower"
        if self.reaches("upper", successes_arm, before=before):
            return "upper"
        return "lower" if self.reaches("lower", successes_arm, before=before) else None

    def reaches(self, side: Side, successes_arm: int, *, before: int) -> bool:
        """Whether this count crosses a side, whatever the other side says."""
        if side == "upper":
            if self.high is None:
                return False
            tied = self.high_before is not None and before >= self.high_before
            return successes_arm >= self.high - tied
        if self.low is None:
            return False
        tied = self.low_before is not None and before <= self.low_before
        return successes_arm <= self.low + tied


@dataclass(frozen=True, slots=True)
class Walk:
    """Probabilities of the arm's cumulative successes at a look, among paths not stopped before.

    Attributes:
        start: Count that the first probability belongs to.
        mass: Probabilities of ``start``, ``start + 1`` ...; sums to the chance of getting here.
        previous: The walk of the look before, without what had stopped; None when unknown.
        added: Fewest new successes since then, and the probabilities of that many and more.
    """

    start: int
    mass: NDArray[np.float64]
    previous: Walk | None = None
    added: tuple[int, NDArray[np.float64]] | None = None

    def outside(self, critical: CriticalCounts) -> tuple[float, float]:
        """Probability of stopping here for the control, and for the arm."""
        low, high, tied_low, tied_high = self._claims(critical)
        return float(self.mass[:low].sum()) + tied_low, float(self.mass[high:].sum()) + tied_high

    def inside(self, critical: CriticalCounts) -> Walk:
        """The walk of the paths that go on."""
        low, high, tied_low, tied_high = self._claims(critical)
        mass = self.mass[low:high]
        if tied_low or tied_high:
            mass = mass.copy()
            mass[0] -= tied_low
            mass[-1] -= tied_high
        return Walk(self.start + low, mass)

    def tail(self, count: int, side: Side) -> tuple[float, float]:
        """Probability of ``count`` or beyond on a side, and of ``count`` itself."""
        index = count - self.start
        at = float(self.mass[index]) if 0 <= index < len(self.mass) else 0.0
        beyond = self.mass[max(index, 0) :] if side == "upper" else self.mass[: max(index + 1, 0)]
        return float(beyond.sum()), at

    def tied(self, count: int) -> Walk:
        """Probabilities of the count at the look before, together with ``count`` at this one.

        Args:
            count: Count at this look.

        Returns:
            A walk over the counts of the look before; it sums to the probability of ``count``.
            Empty where the look before is unknown.
        """
        if self.previous is None or self.added is None:
            return Walk(0, np.zeros(0))
        lowest, new = self.added
        mass = self.previous.mass
        index = count - self.previous.start - np.arange(len(mass)) - lowest
        possible = (index >= 0) & (index < len(new))
        return Walk(
            self.previous.start, np.where(possible, mass * new[np.where(possible, index, 0)], 0.0)
        )

    def _cuts(self, critical: CriticalCounts) -> tuple[int, int]:
        size = len(self.mass)
        high = size if critical.high is None else critical.high - self.start
        high = min(max(high, 0), size)
        low = 0 if critical.low is None else critical.low - self.start + 1
        # The upper side wins where both sides claim a count; plans below one half never meet.
        return min(max(low, 0), high), high

    def ties(self, critical: CriticalCounts) -> tuple[float, float]:
        """Probability that the count at the look before decides, for the control and the arm."""
        return self._claims(critical)[2:]

    def _claims(self, critical: CriticalCounts) -> tuple[int, int, float, float]:
        """The cuts, and what either side takes of the first and last count between them."""
        low, high = self._cuts(critical)
        tied_low = tied_high = 0.0
        if low == high:
            return low, high, tied_low, tied_high
        if critical.high is not None and critical.high_before is not None:
            last = self.start + high - 1
            if last == critical.high - 1:
                tied_high = self.tied(last).tail(critical.high_before, "upper")[0]
        if critical.low is not None and critical.low_before is not None:
            first = self.start + low
            if first == critical.low + 1:
                most = critical.low_before
                if tied_high and high - low == 1 and critical.high_before is not None:
                    most = min(most, critical.high_before - 1)
                tied_low = self.tied(first).tail(most, "lower")[0]
        # A sum in another order may exceed its count by the last digit.
        tied_high = min(tied_high, float(self.mass[high - 1]))
        left = float(self.mass[low]) - (tied_high if high - low == 1 else 0.0)
        return low, high, min(tied_low, left), tied_high


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
    added = (lowest, mass)
    # Tails that underflowed to 0 only cost time; the walk stays contiguous.
    reached = np.flatnonzero(total)
    if len(reached) == 0:
        return Walk(start, total[:0])
    first, last = int(reached[0]), int(reached[-1])
    return Walk(start + first, total[first : last + 1], walk, added)


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


def critical_counts(
    walk: Walk,
    *,
    spent: tuple[float, float],
    allowed: tuple[float, float],
    tail: TailMode,
    tied: bool,
) -> CriticalCounts:
    """Critical counts of both sides.

    Args:
        walk: The walk at this look.
        spent: Error of the lower and of the upper side before this look.
        allowed: Error of the lower and of the upper side up to and including this look.
        tail: As in :func:`critical_count`.
        tied: Whether equal counts are told apart by the count at the look before; for the looks
            that may spend all that is left. Not in ``mid-p`` mode, which has spent it already.

    Returns:
        The counts.

    References:
        Lan & DeMets (1983), Biometrika 70(3), 659-663, on the counts of the walk; the supplemented
        order of a discrete statistic as in Cohen & Sackrowitz (1992), Statistics & Probability
        Letters 14, 231-235.
    """
    low = critical_count(walk, "lower", spent=spent[0], allowed=allowed[0], tail=tail)
    high = critical_count(walk, "upper", spent=spent[1], allowed=allowed[1], tail=tail)
    if not tied or tail == "mid-p" or len(walk.mass) == 0:
        return CriticalCounts(low=low, high=high)
    low, low_before = _supplemented(walk, "lower", low, room=allowed[0] - spent[0])
    high, high_before = _supplemented(walk, "upper", high, room=allowed[1] - spent[1])
    return CriticalCounts(low=low, high=high, low_before=low_before, high_before=high_before)


def _supplemented(
    walk: Walk, side: Side, count: int | None, *, room: float
) -> tuple[int | None, int | None]:
    """The critical count, and how far its neighbour's paths still fit into the room."""
    if count is None:
        # The furthest count is reached by one path alone: nothing to tell apart.
        return None, None
    upwards = side == "upper"
    paths = walk.tied(count - 1 if upwards else count + 1)
    mass = paths.mass[::-1] if upwards else paths.mass
    tails = walk.tail(count, side)[0] + mass.cumsum()
    fits = int(tails.searchsorted(room * (1.0 - _ROUNDING), side="right"))
    if fits == 0 or not mass[:fits].any():
        return count, None
    last = paths.start + len(mass) - 1
    return count, last - (fits - 1) if upwards else paths.start + fits - 1
