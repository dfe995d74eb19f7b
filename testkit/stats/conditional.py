"""Power of what is left of a test, given what it has shown so far.

Low conditional power is the usual reason to give up early without a futility bound; neither figure
is a test of anything, and stopping for *high* conditional power spends error that nobody counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from testkit.errors import InputError
from testkit.stats import domain
from testkit.stats.boundaries import checked_bounds, crossing_probabilities
from testkit.stats.recursion import checked_information, passage

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["conditional_power", "predictive_power"]

# Gauss-Hermite order for predictive power: the conditional power is smooth in the drift.
_HERMITE: Final = 64


def conditional_power(
    *,
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float],
    z: float,
    look: int,
    drift: float,
) -> float:
    """Probability to cross an upper bound later, given the statistic now.

    Args:
        information: Cumulative information at all planned looks, shape (looks,).
        upper: Upper critical values on the z scale, shape (looks,).
        lower: Lower critical values on the z scale, shape (looks,); minus infinity to ignore
            them.
        z: Statistic at ``look``, finite.
        look: The look just taken, counted from 1, before the last.
        drift: Mean of the statistic per root information from now on: 0 for the conditional error
            of the design, ``z / sqrt(information[look - 1])`` for the current trend.

    Returns:
        A probability.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: The crossing probabilities do not add up.

    References:
        Jennison & Turnbull (2000), ch. 10.

    Examples:
        >>> cp = conditional_power(
        ...     information=[1, 2],
        ...     upper=[2.96, 1.97],
        ...     lower=[-2.96, -1.97],
        ...     z=1.5,
        ...     look=1,
        ...     drift=1.5,
        ... )
        >>> round(cp, 3)
        0.585
    """
    info, bottom, top = _remaining(information, upper, lower, z, look)
    exits = crossing_probabilities(information=info, upper=top, lower=bottom, drift=drift)
    return math.fsum(exits.upper)


def predictive_power(
    *,
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float],
    z: float,
    look: int,
    prior_mean: float = 0.0,
    prior_sd: float = math.inf,
) -> float:
    """Conditional power averaged over what the data so far say about the drift.

    Args:
        information: Cumulative information at all planned looks, shape (looks,).
        upper: Upper critical values on the z scale, shape (looks,).
        lower: Lower critical values on the z scale, shape (looks,); minus infinity to ignore
            them.
        z: Statistic at ``look``, finite.
        look: The look just taken, counted from 1, before the last.
        prior_mean: Mean of a normal prior on the drift.
        prior_sd: Its standard deviation, above 0; infinite for a flat prior.

    Returns:
        A probability.

    Raises:
        InputError: A value is outside its domain.

    References:
        Spiegelhalter, Freedman & Blackburn (1986), Controlled Clinical Trials 7(1), 8-17;
        Jennison & Turnbull (2000), ch. 10.

    Examples:
        >>> pp = predictive_power(
        ...     information=[1, 2],
        ...     upper=[2.96, 1.97],
        ...     lower=[-2.96, -1.97],
        ...     z=1.5,
        ...     look=1,
        ... )
        >>> round(pp, 3)
        0.56
    """
    if not prior_sd > 0.0:
        raise InputError(
            f"the prior needs a standard deviation above 0, not {prior_sd}",
            field="prior_sd",
            value=prior_sd,
        )
    domain.finite(prior_mean, "prior_mean")
    info, bottom, top = _remaining(information, upper, lower, z, look)
    now = float(information[look - 1])
    precision = now + prior_sd**-2
    mean = (z * math.sqrt(now) + prior_mean * prior_sd**-2) / precision
    nodes, weights = np.polynomial.hermite_e.hermegauss(_HERMITE)
    drifts = mean + nodes / math.sqrt(precision)
    path = passage(
        information=info,
        lower=bottom,
        upper=top,
        drifts=(float(drifts[0]), float(drifts[-1])),
    )
    powers = np.array([math.fsum(path.upper_exits(float(d))) for d in drifts])
    return float(weights @ powers) / math.sqrt(2.0 * math.pi)


def _remaining(
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float],
    z: float,
    look: int,
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """The design of the looks still to come, seen from the statistic at this look.

    Increments of ``Z sqrt(I)`` are independent, so what is left is a design of its own with the
    information still to be gathered.
    """
    info = checked_information(information)
    top, bottom = checked_bounds(upper=upper, lower=lower, looks=len(info))
    if not 1 <= look < len(info):
        raise InputError(
            f"look must be between 1 and {len(info) - 1}, not {look}",
            field="look",
            value=look,
            hint="after the last look there is nothing left to be uncertain about",
        )
    domain.finite(z, "z")
    score = z * math.sqrt(info[look - 1])
    left = tuple(i - info[look - 1] for i in info[look:])

    def seen_from_here(bounds: tuple[float, ...]) -> tuple[float, ...]:
        pairs = zip(bounds[look:], info[look:], left, strict=True)
        return tuple((b * math.sqrt(i) - score) / math.sqrt(rest) for b, i, rest in pairs)

    return left, seen_from_here(bottom), seen_from_here(top)
