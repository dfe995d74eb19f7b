"""Group-sequential bounds from a spending function, and the chance to cross given bounds.

Everything is on the z scale under the canonical joint distribution (Jennison & Turnbull 2000,
ch. 3); information may come in any positive unit (people, conversions, inverse variance), because
without drift only its ratios matter. The integration lives in :mod:`testkit.stats.recursion`;
futility bounds in :mod:`testkit.stats.futility`, classic designs in :mod:`testkit.stats.classic`.

Past looks are never rescaled: a look that was taken keeps the bound that it was taken with
(``fixed_upper``), and what it truly spent is counted against the looks still to come.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from testkit.errors import ConvergenceError, InputError
from testkit.stats import domain
from testkit.stats.recursion import checked_information, first_arrival, passage
from testkit.stats.spending import (
    SpendingFunction,
    cumulative_spending,
    obrien_fleming_spending,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "Boundaries",
    "CrossingProbabilities",
    "checked_bounds",
    "crossing_probabilities",
    "monitoring_bounds",
    "spending_bounds",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boundaries:
    """Critical values of a group-sequential design, one per look.

    Attributes:
        information: Cumulative information, shape (looks,), in the caller's unit.
        spending_time: Where on the spending function each look stood, shape (looks,), in [0, 1].
        upper: Upper critical values on the z scale, shape (looks,); infinity where nothing could
            be spent.
        lower: Lower critical values, shape (looks,); minus infinity where there is none.
        spent: Cumulative error spent *per side* by each look, shape (looks,), a probability.
        alpha: Total type I error of the design, over both sides.
        sides: 1 (upper side only) or 2 (symmetric).
    """

    information: FloatArray
    spending_time: FloatArray
    upper: FloatArray
    lower: FloatArray
    spent: FloatArray
    alpha: float
    sides: Literal[1, 2]

    def __post_init__(self) -> None:
        for array in (self.information, self.spending_time, self.upper, self.lower, self.spent):
            array.setflags(write=False)

    @property
    def looks(self) -> int:
        """Number of looks."""
        return self.information.size


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossingProbabilities:
    """Chance to stop at each look, by side.

    Attributes:
        upper: Probability to cross the upper bound first at each look, shape (looks,).
        lower: Probability to cross the lower bound first at each look, shape (looks,).
    """

    upper: FloatArray
    lower: FloatArray


def spending_bounds(
    *,
    information: Sequence[float],
    alpha: float,
    sides: Literal[1, 2] = 2,
    spending: SpendingFunction = obrien_fleming_spending,
    spending_time: Sequence[float] | None = None,
    final: bool = False,
    fixed_upper: Sequence[float] = (),
) -> Boundaries:
    """Critical values that spend ``alpha`` over the looks by a spending function.

    Args:
        information: Cumulative information at the looks, shape (looks,); positive, increasing,
            any unit. It gives the correlations.
        alpha: Total type I error, a probability, 0 < alpha < 1. Each side spends
            ``alpha / sides``.
        sides: 2 for symmetric bounds, 1 for an upper bound only.
        spending: The spending function.
        spending_time: Share of the plan at each look, shape (looks,), in [0, 1] and not
            decreasing: information over planned information, or calendar share. Defaults to
            ``information / information[-1]``, that is to a plan that ends with the last look.
            After an overrun it stays at 1; a look that spends nothing more has an infinite bound.
        final: The last look was declared the last one *before* it was taken, so that it spends
            whatever remains (underrun). Never set it after having seen that look.
        fixed_upper: Upper bounds of the looks already taken, shape (up to looks,). They enter the
            recursion as they were, and what they truly spend is counted.

    Returns:
        The bounds; with ``sides=2`` the lower ones mirror the upper ones.

    Raises:
        InputError: A value is outside its domain, or the spending function decreases or overspends
            at the looks.
        ConvergenceError: A bound was not found.

    References:
        Lan & DeMets (1983), Biometrika 70(3), 659-663; Armitage, McPherson & Rowe (1969), JRSS A
        132(2), 235-244; Jennison & Turnbull (2000), ch. 7 and 19.

    Examples:
        >>> bounds = spending_bounds(information=[1, 2, 3, 4, 5], alpha=0.05)
        >>> [round(float(b), 4) for b in bounds.upper]
        [4.8769, 3.357, 2.6803, 2.2898, 2.031]
    """
    info = checked_information(information)
    per_side = _per_side(alpha, sides)
    times = _spending_times(info, spending_time, final=final)
    allowed = cumulative_spending(spending, times=times, alpha=per_side)
    if len(fixed_upper) > len(info):
        raise InputError(
            f"{len(fixed_upper)} past bounds for {len(info)} looks",
            field="fixed_upper",
            value=tuple(fixed_upper),
        )
    for look, bound in enumerate(fixed_upper, start=1):
        if math.isnan(bound) or (sides == 2 and bound <= 0.0):
            raise InputError(
                f"past bound at look {look} must be a number above 0, not {bound}"
                if sides == 2
                else f"past bound at look {look} is NaN",
                field="fixed_upper",
                value=bound,
            )
    arrival = first_arrival(info[0])
    upper: list[float] = []
    spent: list[float] = []
    total = 0.0
    for k in range(len(info)):
        if k:
            arrival = arrival.advance(
                lower=-upper[-1] if sides == 2 else -math.inf,
                upper=upper[-1],
                information=info[k],
            )
        if k < len(fixed_upper):
            upper.append(float(fixed_upper[k]))
            total += arrival.above(upper[-1])
        else:
            # Past looks may have spent more than the function allows by now: then nothing is left.
            upper.append(arrival.upper_for(max(0.0, allowed[k] - total)))
            total = max(total, allowed[k])
        spent.append(total)
    bounds = np.array(upper)
    return Boundaries(
        information=np.array(info),
        spending_time=np.array(times),
        upper=bounds,
        lower=-bounds if sides == 2 else np.full(len(info), -math.inf),
        spent=np.array(spent),
        alpha=alpha,
        sides=sides,
    )


def monitoring_bounds(
    *,
    planned_information: float,
    information: Sequence[float],
    alpha: float,
    sides: Literal[1, 2] = 2,
    spending: SpendingFunction = obrien_fleming_spending,
    final: bool = False,
    fixed_upper: Sequence[float] = (),
) -> Boundaries:
    """Bounds while a test runs: the looks so far, at the information that they really had.

    Each look stands on the spending function at its share of the *planned* information, so a look
    never spends what belongs to looks still to come. The first look at or beyond the plan spends
    all that remains (overrun); a later one has nothing left and an infinite bound. Correlations
    come from the information as it was.

    Args:
        planned_information: Information at which the plan ends, above 0, in the same unit.
        information: Cumulative information at the looks so far, shape (looks,).
        alpha: Total type I error, a probability, 0 < alpha < 1.
        sides: 2 for symmetric bounds, 1 for an upper bound only.
        spending: The spending function of the plan.
        final: The last look was declared the last one *before* it was taken (underrun).
        fixed_upper: Upper bounds of the looks already taken, shape (up to looks,).

    Returns:
        The bounds of these looks.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: A bound was not found.

    References:
        Lan & DeMets (1983), Biometrika 70(3), 659-663; Jennison & Turnbull (2000), ch. 7.

    Examples:
        >>> bounds = monitoring_bounds(
        ...     planned_information=1000, information=[300, 700], alpha=0.05
        ... )
        >>> [round(float(b), 3) for b in bounds.upper], round(float(bounds.spent[-1]), 4)
        ([3.929, 2.439], 0.0074)
    """
    planned = domain.positive(planned_information, "planned_information")
    info = checked_information(information)
    return spending_bounds(
        information=info,
        alpha=alpha,
        sides=sides,
        spending=spending,
        spending_time=[min(1.0, i / planned) for i in info],
        final=final,
        fixed_upper=fixed_upper,
    )


def crossing_probabilities(
    *,
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float],
    drift: float = 0.0,
) -> CrossingProbabilities:
    """Probability to leave through each bound first at each look.

    Args:
        information: Cumulative information at the looks, shape (looks,); positive, increasing.
        upper: Upper critical values on the z scale, shape (looks,); infinity for none.
        lower: Lower critical values on the z scale, shape (looks,); minus infinity for none; at
            most the upper ones.
        drift: Mean of the statistic per root information: ``E Z_k = drift sqrt(I_k)``. With
            information as inverse variance it is the effect itself.

    Returns:
        Probabilities by look and side; small ones keep their relative precision.

    Raises:
        InputError: Lengths differ, a value is NaN, or a lower bound is above its upper bound.
        ConvergenceError: The probabilities do not add up to 1.

    References:
        Armitage, McPherson & Rowe (1969), JRSS A 132(2), 235-244; Jennison & Turnbull (2000),
        ch. 19.

    Examples:
        >>> exits = crossing_probabilities(information=[1], upper=[1.96], lower=[-1.96])
        >>> round(float(exits.upper[0]), 4)
        0.025
    """
    info = checked_information(information)
    top, bottom = checked_bounds(upper=upper, lower=lower, looks=len(info))
    domain.finite(drift, "drift")
    path = passage(information=info, lower=bottom, upper=top, drifts=(drift, drift))
    above, below = path.upper_exits(drift), path.lower_exits(drift)
    arriving = path.arrivals[-1].below(math.inf, drift=drift)
    everybody = math.fsum(above[:-1]) + math.fsum(below[:-1]) + arriving
    if abs(everybody - 1.0) > 1e-8:
        raise ConvergenceError(
            f"crossing probabilities add up to {everybody:.9f}",
            routine="crossing_probabilities",
            residual=everybody - 1.0,
        )
    return CrossingProbabilities(upper=above, lower=below)


def checked_bounds(
    *, upper: Sequence[float], lower: Sequence[float], looks: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Both bounds as floats, after the checks that every design needs.

    Args:
        upper: Upper critical values, shape (looks,).
        lower: Lower critical values, shape (looks,).
        looks: How many there must be.

    Returns:
        Upper and lower bounds, each of shape (looks,).

    Raises:
        InputError: Lengths differ, a value is NaN, or a lower bound is above its upper bound.
    """
    top, bottom = tuple(float(b) for b in upper), tuple(float(b) for b in lower)
    for field, values in (("upper", top), ("lower", bottom)):
        if len(values) != looks:
            raise InputError(
                f"{len(values)} {field} bounds for {looks} looks", field=field, value=values
            )
    for look, (a, b) in enumerate(zip(bottom, top, strict=True), start=1):
        if not a <= b:
            raise InputError(
                f"lower bound {a} is not at or below upper bound {b} at look {look}",
                field="lower",
                value=a,
            )
    return top, bottom


def _per_side(alpha: float, sides: int) -> float:
    if sides not in {1, 2}:
        raise InputError(f"sides must be 1 or 2, not {sides}", field="sides", value=sides)
    return domain.probability(alpha, "alpha") / sides


def _spending_times(
    info: tuple[float, ...], given: Sequence[float] | None, *, final: bool
) -> tuple[float, ...]:
    times = [i / info[-1] for i in info] if given is None else [float(t) for t in given]
    if len(times) != len(info):
        raise InputError(
            f"{len(times)} spending times for {len(info)} looks",
            field="spending_time",
            value=tuple(times),
        )
    before = 0.0
    for look, t in enumerate(times, start=1):
        if not before <= t <= 1.0:
            raise InputError(
                f"spending time at look {look} must be between {before} and 1, not {t}",
                field="spending_time",
                value=t,
                hint="spending times never decrease, and stay at 1 after an overrun",
            )
        before = t
    if final:
        times[-1] = 1.0
    return tuple(times)
