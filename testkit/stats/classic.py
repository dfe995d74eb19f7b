"""The classic designs: bounds of a fixed shape, scaled until the error is right.

Pocock, O'Brien-Fleming and the Wang-Tsiatis family between them plan a known number of looks and
solve for one constant; Haybittle-Peto keeps one strict bound for all looks but the last. They are
here for comparison with books and other programs, and for those who want them: a plan whose looks
may move needs a spending function (:mod:`testkit.stats.spending`).

All of them return :class:`~testkit.stats.boundaries.Boundaries`, so that power, size and inference
read them like any other design.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.special import ndtri

from testkit.errors import InputError
from testkit.stats.boundaries import Boundaries
from testkit.stats.recursion import checked_information, passage
from testkit.stats.roots import bracketed_root

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["haybittle_peto", "obrien_fleming", "pocock", "wang_tsiatis"]

_MOST_LOOKS: Final = 200


def wang_tsiatis(
    *,
    looks: int,
    delta: float,
    alpha: float,
    sides: Literal[1, 2] = 2,
    information: Sequence[float] | None = None,
) -> Boundaries:
    """Bounds ``C (I_k / I_K)^(delta - 1/2)``, with C such that the total error is alpha.

    Args:
        looks: Number of looks, 1 to 200.
        delta: Shape, dimensionless, between -0.5 and 0.5: 0 is O'Brien-Fleming, 0.5 is Pocock.
        alpha: Total type I error, a probability, 0 < alpha < 0.5 per side.
        sides: 2 for symmetric bounds, 1 for an upper bound only.
        information: Cumulative information at the looks, shape (looks,), positive, increasing;
            equal steps when not given.

    Returns:
        The bounds; the constant C is the last one.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: The constant was not found.

    References:
        Wang & Tsiatis (1987), Biometrics 43(1), 193-199; Jennison & Turnbull (2000), ch. 2.

    Examples:
        >>> bounds = wang_tsiatis(looks=4, delta=0.25, alpha=0.05)
        >>> [round(float(b), 4) for b in bounds.upper]
        [2.9887, 2.5132, 2.2709, 2.1133]
    """
    if not -0.5 <= delta <= 0.5:
        raise InputError(
            f"delta must be between -0.5 and 0.5, not {delta}",
            field="delta",
            value=delta,
            hint="0 is O'Brien-Fleming, 0.5 is Pocock",
        )
    per_side = _per_side(alpha, sides)
    info = _information(looks, information)
    shape = np.array([(i / info[-1]) ** (delta - 0.5) for i in info])

    def excess(constant: float) -> float:
        upper = constant * shape
        path = passage(information=info, lower=_mirrored(upper, sides), upper=tuple(upper))
        return math.log(math.fsum(path.upper_exits(0.0)) / per_side)

    # One look alone needs z_alpha; Bonferroni over the looks is always enough for a shape >= 1.
    least, most = -float(ndtri(per_side)), -float(ndtri(per_side / len(info)))
    constant = bracketed_root(excess, least - 1e-6, most + 1e-6, routine="wang_tsiatis")
    return _boundaries(info, constant * shape, alpha, sides)


def pocock(
    *,
    looks: int,
    alpha: float,
    sides: Literal[1, 2] = 2,
    information: Sequence[float] | None = None,
) -> Boundaries:
    """The same bound at every look.

    Args:
        looks: Number of looks, 1 to 200.
        alpha: Total type I error, a probability, 0 < alpha < 0.5 per side.
        sides: 2 for symmetric bounds, 1 for an upper bound only.
        information: Cumulative information at the looks, shape (looks,); equal steps when not
            given.

    Returns:
        The bounds; each is the constant C_P.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: The constant was not found.

    References:
        Pocock (1977), Biometrika 64(2), 191-199; Jennison & Turnbull (2000), table 2.1.

    Examples:
        >>> round(float(pocock(looks=5, alpha=0.05).upper[-1]), 3)
        2.413
    """
    return wang_tsiatis(looks=looks, delta=0.5, alpha=alpha, sides=sides, information=information)


def obrien_fleming(
    *,
    looks: int,
    alpha: float,
    sides: Literal[1, 2] = 2,
    information: Sequence[float] | None = None,
) -> Boundaries:
    """Bounds that fall with the root of the information: strict early, near z_alpha at the end.

    Args:
        looks: Number of looks, 1 to 200.
        alpha: Total type I error, a probability, 0 < alpha < 0.5 per side.
        sides: 2 for symmetric bounds, 1 for an upper bound only.
        information: Cumulative information at the looks, shape (looks,); equal steps when not
            given.

    Returns:
        The bounds; the last is the constant C_B.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: The constant was not found.

    References:
        O'Brien & Fleming (1979), Biometrics 35(3), 549-556; Jennison & Turnbull (2000), table
        2.3.

    Examples:
        >>> round(float(obrien_fleming(looks=5, alpha=0.05).upper[-1]), 3)
        2.04
    """
    return wang_tsiatis(looks=looks, delta=0.0, alpha=alpha, sides=sides, information=information)


def haybittle_peto(
    *,
    looks: int,
    alpha: float,
    early: float = 3.0,
    sides: Literal[1, 2] = 2,
    information: Sequence[float] | None = None,
) -> Boundaries:
    """One strict bound for all looks but the last, which takes what is left.

    Args:
        looks: Number of looks, 2 to 200.
        alpha: Total type I error, a probability, 0 < alpha < 0.5 per side.
        early: Bound of the early looks on the z scale, above 0.
        sides: 2 for symmetric bounds, 1 for an upper bound only.
        information: Cumulative information at the looks, shape (looks,); equal steps when not
            given.

    Returns:
        The bounds.

    Raises:
        InputError: A value is outside its domain, or the early looks alone spend all of alpha.
        ConvergenceError: The last bound was not found.

    References:
        Haybittle (1971), British Journal of Radiology 44, 793-797; Peto et al. (1976), British
        Journal of Cancer 34, 585-612.

    Examples:
        >>> round(float(haybittle_peto(looks=3, alpha=0.025, sides=1).upper[-1]), 4)
        1.9751
    """
    per_side = _per_side(alpha, sides)
    info = _information(looks, information)
    if not 0.0 < early < math.inf:
        raise InputError(
            f"the early bound must be above 0 and finite, not {early}", field="early", value=early
        )
    upper = np.full(len(info), early)
    path = passage(information=info, lower=_mirrored(upper, sides), upper=tuple(upper))
    left = per_side - math.fsum(path.upper_exits(0.0)[:-1])
    if left <= 0.0:
        raise InputError(
            f"{len(info) - 1} early looks at {early} spend more than alpha per side, {per_side:g}",
            field="early",
            value=early,
            hint="raise the early bound or take fewer looks",
        )
    upper[-1] = path.arrivals[-1].upper_for(left)
    return _boundaries(info, upper, alpha, sides)


def _boundaries(
    info: tuple[float, ...], upper: np.ndarray, alpha: float, sides: Literal[1, 2]
) -> Boundaries:
    lower = np.array(_mirrored(upper, sides))
    exits = passage(information=info, lower=tuple(lower), upper=tuple(upper)).upper_exits(0.0)
    return Boundaries(
        information=np.array(info),
        spending_time=np.array(info) / info[-1],
        upper=upper,
        lower=lower,
        spent=np.cumsum(exits),
        alpha=alpha,
        sides=sides,
    )


def _mirrored(upper: np.ndarray, sides: int) -> tuple[float, ...]:
    return tuple(-upper) if sides == 2 else (-math.inf,) * len(upper)


def _per_side(alpha: float, sides: int) -> float:
    if sides not in {1, 2}:
        raise InputError(f"sides must be 1 or 2, not {sides}", field="sides", value=sides)
    if not 0.0 < alpha < 0.5 * sides:
        raise InputError(
            f"alpha must be above 0 and below {0.5 * sides}, not {alpha}",
            field="alpha",
            value=alpha,
        )
    return alpha / sides


def _information(looks: int, information: Sequence[float] | None) -> tuple[float, ...]:
    if not 1 <= looks <= _MOST_LOOKS:
        raise InputError(
            f"looks must be between 1 and {_MOST_LOOKS}, not {looks}", field="looks", value=looks
        )
    if information is None:
        return tuple(float(k) for k in range(1, looks + 1))
    info = checked_information(information)
    if len(info) != looks:
        raise InputError(
            f"{len(info)} informations for {looks} looks", field="information", value=info
        )
    return info
