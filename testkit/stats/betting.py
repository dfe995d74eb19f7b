"""Betting confidence sequences for bounded outcomes: survey scales, shares, capped gifts.

What lives here: the hedged-capital confidence sequence for one mean and for the difference of two
arms. What must not: outcomes without known bounds (:mod:`testkit.stats.confseq`).

Theory of operation. For a candidate mean m a gambler starts with 1 and bets on each new outcome
being above m, another on its being below. If m is the true mean neither can expect to gain, so by
Ville's inequality a capital of ``1 / alpha`` rules m out; what is not ruled out is the interval.
No normal approximation is involved: it holds from the first outcome on, at any skewness.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from testkit.errors import InputError
from testkit.stats.domain import finite_array, probability

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["betting_difference", "betting_mean"]

# Largest share of its capital that a gambler risks; 1/2 is the choice of the paper.
_BOLDNESS: Final = 0.5
_STEPS: Final = 60


def betting_mean(
    values: ArrayLike, *, low: float = 0.0, high: float = 1.0, alpha: float = 0.05
) -> tuple[float, float]:
    """Confidence sequence for the mean of bounded outcomes, at the latest look.

    Args:
        values: Outcomes in order of arrival, each in [low, high], shape (n,).
        low: Smallest possible outcome, known in advance.
        high: Largest possible outcome, above ``low``.
        alpha: Error over all looks together, 0 < alpha < 1.

    Returns:
        Lower and upper limit of the mean. Limits of successive looks may be intersected.

    Raises:
        InputError: Outcomes outside the bounds, bounds in the wrong order, or ``alpha`` outside
            (0, 1).

    References:
        Waudby-Smith & Ramdas (2024), JRSS B 86(1), 1-27, arXiv 2010.09686, Theorem 3 (hedged
        capital, predictable plug-in bets).

    Examples:
        >>> lower, upper = betting_mean([0, 1, 1, 1, 0, 1, 1, 1] * 25)
        >>> round(lower, 2), round(upper, 2)
        (0.64, 0.84)
    """
    probability(alpha, "alpha")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"bounds {low} and {high}", field="high", value=high)
    outcomes = finite_array(values, "values")
    if (outcomes < low).any() or (outcomes > high).any():
        raise InputError(
            f"an outcome lies outside {low} to {high}",
            field="values",
            value=outcomes[(outcomes < low) | (outcomes > high)][:5].tolist(),
            hint="bounds are facts about the scale, not about the sample",
        )
    unit = (outcomes - low) / (high - low)
    bets = _plug_in_bets(unit, alpha)
    # Each gambler starts with half of the capital.
    goal = math.log(2 / alpha)
    width = high - low
    lower = _limit(unit, bets, goal)
    upper = 1 - _limit(1 - unit, bets, goal)
    return low + width * lower, low + width * upper


def betting_difference(
    values: ArrayLike,
    treated: ArrayLike,
    *,
    share: float,
    low: float = 0.0,
    high: float = 1.0,
    alpha: float = 0.05,
) -> tuple[float, float]:
    """Confidence sequence for the effect on a bounded outcome under independent assignment.

    Each unit's outcome is weighted by the inverse chance of its arm, which makes it an unbiased
    and bounded estimate of the effect; these are what the gamblers bet on.

    Args:
        values: Outcomes in order of arrival, each in [low, high], shape (n,).
        treated: Whether each unit was in the treatment arm, shape (n,).
        share: Chance of being treated, 0 < share < 1, the same for everybody.
        low: Smallest possible outcome.
        high: Largest possible outcome, above ``low``.
        alpha: Error over all looks together, 0 < alpha < 1.

    Returns:
        Lower and upper limit of treatment mean minus control mean.

    Raises:
        InputError: As for :func:`betting_mean`, lengths that differ, or ``treated`` that is not
            yes or no.

    References:
        Waudby-Smith & Ramdas (2024), JRSS B 86(1), arXiv 2010.09686, Theorem 3, on inverse
        probability weighted outcomes.

    Examples:
        >>> lower, upper = betting_difference([0, 1] * 200, [0, 1] * 200, share=0.5)
        >>> lower > 0.5, upper <= 1
        (True, True)
    """
    probability(share, "share")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"bounds {low} and {high}", field="high", value=high)
    outcomes = finite_array(values, "values")
    arm = np.asarray(treated, dtype=np.float64)
    if arm.shape != outcomes.shape or not np.isin(arm, (0.0, 1.0)).all():
        raise InputError(
            "treated must say yes or no for every outcome", field="treated", value=arm.shape
        )
    if (outcomes < low).any() or (outcomes > high).any():
        raise InputError(
            f"an outcome lies outside {low} to {high}", field="values", value=outcomes.max()
        )
    # Centred at the middle of the scale: the effect is the same, the weighted spread smaller.
    half = (high - low) / 2
    centred = outcomes - (low + half)
    weighted = np.where(arm == 1, centred / share, -centred / (1 - share))
    reach = half / min(share, 1 - share)
    lower, upper = betting_mean(
        np.clip(weighted, -reach, reach), low=-reach, high=reach, alpha=alpha
    )
    # The effect cannot leave the scale.
    return max(lower, low - high), min(upper, high - low)


def _plug_in_bets(unit: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """Bets from outcomes seen *before*: predictable plug-in of the paper."""
    t = np.arange(1, unit.size + 1)
    mean = (0.5 + np.cumsum(unit)) / (t + 1)
    variance = (0.25 + np.cumsum((unit - mean) ** 2)) / (t + 1)
    before = np.concatenate([[0.25], variance[:-1]])
    bets: NDArray[np.float64] = np.sqrt(2 * math.log(2 / alpha) / (before * t * np.log1p(t)))
    return bets


def _limit(unit: NDArray[np.float64], bets: NDArray[np.float64], goal: float) -> float:
    """Smallest mean that the gambler on "higher" has not ruled out."""
    # The capital falls as m rises, since both the stake min(bet, c / m) and x - m do.
    below, above = 0.0, float(unit.mean())
    if above == 0.0:
        return 0.0
    for _ in range(_STEPS):
        m = (below + above) / 2
        if m in (below, above):
            break
        stakes = np.minimum(bets, _BOLDNESS / m)
        if float(np.log1p(stakes * (unit - m)).sum()) >= goal:
            below = m
        else:
            above = m
    return below
