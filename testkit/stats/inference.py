"""What a group-sequential test says once it has stopped, and while it still runs.

A fixed-sample p-value or interval is wrong after a data-dependent stop. Here are the valid ones,
all on the z scale, so that they serve every metric: ``z = theta sqrt(I)`` with information I, and
theta is the effect when I is its inverse variance.

* After a stop at a bound (or at the planned end): :func:`stagewise`.
* While running, or after a stop that no bound asked for: :func:`repeated_interval`,
  :func:`repeated_p_value` and :func:`sequential_p_value`. They hold whatever made the test stop;
  which label belongs to them is the caller's to say. For a difference of rates, the repeated
  interval that agrees with the score test is :func:`testkit.stats.effects.miettinen_nurminen`
  with this look's bound as its critical value.

The look's ordering of outcomes is stage-wise: an earlier upward exit is more extreme than a later
one. :func:`likelihood_ratio_p_value` orders by z instead; it depends on looks that never happened
and serves comparison with other programs only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from testkit.errors import ConvergenceError, InputError
from testkit.stats import domain
from testkit.stats.boundaries import checked_bounds, spending_bounds
from testkit.stats.recursion import checked_information, passage
from testkit.stats.roots import bracketed_root
from testkit.stats.spending import SpendingFunction, obrien_fleming_spending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.stats.recursion import Passage

__all__ = [
    "RepeatedInterval",
    "StagewiseInference",
    "likelihood_ratio_p_value",
    "repeated_interval",
    "repeated_p_value",
    "sequential_p_value",
    "stagewise",
]

# Alphas between which a p-value is searched; below, it is 0 to the precision of a double.
_SMALLEST_ALPHA: Final = 1e-290
_LARGEST_ALPHA: Final = 1.0 - 1e-6
# Stands for "infinitely far below its bound", so that a root finder sees numbers only.
_FAR_BELOW: Final = -100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StagewiseInference:
    """p-value, interval and estimate of a test that stopped at a look.

    Attributes:
        p_upper: Probability without effect of a result at least this far up, a probability.
        p_lower: The same downwards; the two add up to 1.
        low: Lower end of the interval for theta.
        high: Upper end of the interval for theta.
        estimate: Median-unbiased estimate of theta: as likely too high as too low.
        level: Coverage of the interval, equal tails.
    """

    p_upper: float
    p_lower: float
    low: float
    high: float
    estimate: float
    level: float

    @property
    def p_value(self) -> float:
        """Two-sided p-value: twice the smaller tail, at most 1; agrees with the interval."""
        return min(1.0, 2.0 * min(self.p_upper, self.p_lower))


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedInterval:
    """An interval that holds at all looks together.

    Attributes:
        low: Lower end; None at a look that could not stop the test, where the interval is the
            whole line.
        high: Upper end; None likewise.
    """

    low: float | None
    high: float | None


def stagewise(
    *,
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float],
    z: float,
    look: int,
    level: float = 0.95,
) -> StagewiseInference:
    """Inference after a stop, by the stage-wise ordering of outcomes.

    Args:
        information: Cumulative information at the looks, shape (looks,), inverse variance of the
            effect (or any unit: theta is then per root of that unit).
        upper: Upper critical values on the z scale, shape (looks,).
        lower: Lower critical values on the z scale, shape (looks,); minus infinity for none, and
            for a futility bound that nobody was bound to.
        z: Statistic at the look where the test stopped, finite.
        look: That look, counted from 1. Later looks do not matter.
        level: Coverage of the interval, a probability, 0 < level < 1.

    Returns:
        p-values, equal-tailed interval and median-unbiased estimate on the theta scale.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: An end of the interval was not found.

    References:
        Tsiatis, Rosner & Mehta (1984), Biometrics 40(3), 797-803; Jennison & Turnbull (2000),
        sections 8.4 and 8.5.

    Examples:
        >>> result = stagewise(
        ...     information=[0.5, 1.0],
        ...     upper=[2.963, 1.969],
        ...     lower=[-2.963, -1.969],
        ...     z=3.2,
        ...     look=1,
        ... )
        >>> round(result.estimate, 3), round(result.p_value, 5)
        (4.525, 0.00137)
    """
    info, bottom, top = _stopped(information, upper, lower, z, look)
    domain.probability(level, "level")
    root = math.sqrt(info[-1])
    path, reach = _wide_passage(info, bottom, top, z, 0.5 - 0.5 * level)

    def theta_for(tail: float) -> float:
        return (
            bracketed_root(
                lambda end: math.fsum(path.upper_exits(end / root)) - tail,
                -reach,
                reach,
                routine="stagewise",
            )
            / root
        )

    p_upper, p_lower = math.fsum(path.upper_exits(0.0)), math.fsum(path.lower_exits(0.0))
    if abs(p_upper + p_lower - 1.0) > 1e-8:
        raise ConvergenceError(
            f"the two tails add up to {p_upper + p_lower:.9f}",
            routine="stagewise",
            residual=p_upper + p_lower - 1.0,
        )
    return StagewiseInference(
        p_upper=p_upper,
        p_lower=p_lower,
        low=theta_for(0.5 - 0.5 * level),
        high=theta_for(0.5 + 0.5 * level),
        estimate=theta_for(0.5),
        level=level,
    )


def likelihood_ratio_p_value(
    *,
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float],
    z: float,
    look: int,
    count: Literal["all", "rejections"] = "all",
) -> float:
    """One-sided p-value by the likelihood-ratio ordering: the larger z, the more extreme.

    It needs the *planned* later looks too, which the stage-wise ordering does not: prefer
    :func:`stagewise` for anything that is reported.

    Args:
        information: Cumulative information at all planned looks, shape (looks,).
        upper: Upper critical values on the z scale, shape (looks,).
        lower: Lower critical values on the z scale, shape (looks,).
        z: Statistic at the look where the test stopped, finite.
        look: That look, counted from 1.
        count: ``all`` counts every ending with a z this large; ``rejections`` only those that
            cross an upper bound, so that a result short of its last bound gets alpha, as some
            programs report it.

    Returns:
        Probability without effect, in [0, 1].

    Raises:
        InputError: A value is outside its domain.

    References:
        Chang (1989), Biometrics 45(1), 247-254; Rosner & Tsiatis (1988), Biometrika 75(4),
        723-729.

    Examples:
        >>> p = likelihood_ratio_p_value(
        ...     information=[0.5, 1.0],
        ...     upper=[2.963, 1.969],
        ...     lower=[-2.963, -1.969],
        ...     z=3.2,
        ...     look=1,
        ... )
        >>> round(p, 5)
        0.00121
    """
    info = checked_information(information)
    top, bottom = checked_bounds(upper=upper, lower=lower, looks=len(info))
    _check_stop(z, look, len(info))
    path = passage(information=info, lower=bottom, upper=(*top[:-1], max(top[-1], z)))
    least = [max(z, b) for b in top]
    if count == "all":
        least[-1] = z
    return math.fsum(
        arrival.above(bound) for arrival, bound in zip(path.arrivals, least, strict=True)
    )


def repeated_interval(*, z: float, information: float, bound: float) -> RepeatedInterval:
    """Interval for theta that holds at all looks together: ``(z -+ bound) / sqrt(I)``.

    Args:
        z: Statistic at this look, finite.
        information: Information at this look, above 0.
        bound: This look's critical value on the z scale, above 0; infinity where the look could
            not stop the test.

    Returns:
        The interval; it excludes 0 exactly when ``abs(z)`` is above the bound.

    Raises:
        InputError: A value is outside its domain.

    References:
        Jennison & Turnbull (2000), ch. 9.

    Examples:
        >>> repeated_interval(z=2.0, information=4.0, bound=3.0)
        RepeatedInterval(low=-0.5, high=2.5)
    """
    domain.finite(z, "z")
    _check_bound(bound)
    root = math.sqrt(checked_information([information])[0])
    if math.isinf(bound):
        return RepeatedInterval(low=None, high=None)
    return RepeatedInterval(low=(z - bound) / root, high=(z + bound) / root)


def repeated_p_value(
    *,
    z: float,
    look: int,
    information: Sequence[float],
    spending_time: Sequence[float],
    spending: SpendingFunction = obrien_fleming_spending,
    sides: Literal[1, 2] = 2,
) -> float:
    """Smallest total alpha at which this one look would have crossed its bound.

    Args:
        z: Statistic at that look, finite.
        look: That look, counted from 1.
        information: Cumulative information at the looks, shape (looks,); those after ``look`` do
            not matter.
        spending_time: Share of the plan at each look, shape (looks,), in [0, 1].
        spending: The spending function of the plan.
        sides: 2 for a symmetric test of ``abs(z)``, 1 for the upper side.

    Returns:
        A p-value that is valid at this look whatever happened at the others; 1 where no alpha
        would do, 0 where it is below 1e-290.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: A bound was not found.

    References:
        Jennison & Turnbull (2000), ch. 9.

    Examples:
        >>> p = repeated_p_value(z=2.0, look=1, information=[1], spending_time=[1.0])
        >>> round(p, 4)
        0.0455
    """
    _check_stop(z, look, len(information))
    statistics = [-math.inf] * (look - 1) + [z]
    return _smallest_alpha(statistics, information, spending_time, spending, sides)


def sequential_p_value(
    *,
    z: Sequence[float],
    information: Sequence[float],
    spending_time: Sequence[float],
    spending: SpendingFunction = obrien_fleming_spending,
    sides: Literal[1, 2] = 2,
) -> float:
    """Smallest total alpha at which the test would have rejected by now.

    At most alpha exactly when the test at alpha has crossed a bound at one of the looks so far, so
    it can go into Holm's and other closed procedures over several metrics.

    Args:
        z: Statistics at the looks so far, shape (looks,), finite.
        information: Cumulative information at those looks, shape (looks,).
        spending_time: Share of the plan at each look, shape (looks,), in [0, 1].
        spending: The spending function of the plan.
        sides: 2 for a symmetric test of ``abs(z)``, 1 for the upper side.

    Returns:
        The p-value; it never grows from look to look. 1 where no alpha would do, 0 where it is
        below 1e-290.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: A bound was not found.

    References:
        Liu & Anderson (2008), JASA 103(484), 1621-1630.

    Examples:
        >>> p = sequential_p_value(
        ...     z=[1.2, 2.1, 2.3],
        ...     information=[1, 2, 3],
        ...     spending_time=[0.25, 0.5, 0.75],
        ...     sides=1,
        ... )
        >>> round(p, 4)
        0.0283
    """
    for value in z:
        domain.finite(value, "z")
    if len(z) != len(information):
        raise InputError(
            f"{len(z)} statistics for {len(information)} looks", field="z", value=tuple(z)
        )
    return _smallest_alpha(z, information, spending_time, spending, sides)


def _smallest_alpha(
    z: Sequence[float],
    information: Sequence[float],
    spending_time: Sequence[float],
    spending: SpendingFunction,
    sides: Literal[1, 2],
) -> float:
    looks = len(z)
    values = np.asarray(z, dtype=np.float64)
    if sides == 2:
        values = np.where(np.isinf(values), values, np.abs(values))

    def beyond(log_alpha: float) -> float:
        bounds = spending_bounds(
            information=information[:looks],
            alpha=math.exp(log_alpha),
            sides=sides,
            spending=spending,
            spending_time=spending_time[:looks],
        )
        return max(_FAR_BELOW, float(np.max(values - bounds.upper)))

    least, most = math.log(_SMALLEST_ALPHA), math.log(_LARGEST_ALPHA)
    if beyond(most) < 0.0:
        return 1.0
    if beyond(least) >= 0.0:
        return 0.0
    return math.exp(bracketed_root(beyond, least, most, routine="sequential_p_value"))


def _wide_passage(
    info: tuple[float, ...],
    bottom: tuple[float, ...],
    top: tuple[float, ...],
    z: float,
    tail: float,
) -> tuple[Passage, float]:
    """A passage readable at every drift of interest, and how far out that is on the z scale.

    The interval's ends lie near z except where early exits carry nearly all the mass.
    """
    root = math.sqrt(info[-1])
    reach = abs(z) + 10.0
    while reach < 1e5:
        path = passage(
            information=info, lower=bottom, upper=top, drifts=(-reach / root, reach / root)
        )
        least = math.fsum(path.upper_exits(-reach / root))
        most = math.fsum(path.lower_exits(reach / root))
        if least < tail and most < tail:
            return path, reach
        reach *= 4.0
    raise ConvergenceError(
        "no effect explains a stop like this one",
        routine="stagewise",
        hint="check z against the bounds of the looks before it",
    )


def _stopped(
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float],
    z: float,
    look: int,
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Information, lower and upper bounds up to the stop, with z itself as the last bounds."""
    info = checked_information(information)
    top, bottom = checked_bounds(upper=upper, lower=lower, looks=len(info))
    _check_stop(z, look, len(info))
    return info[:look], (*bottom[: look - 1], z), (*top[: look - 1], z)


def _check_stop(z: float, look: int, looks: int) -> None:
    domain.finite(z, "z")
    if not 1 <= look <= looks:
        raise InputError(
            f"look must be between 1 and {looks}, not {look}", field="look", value=look
        )


def _check_bound(bound: float) -> None:
    if not bound > 0.0:
        raise InputError(
            f"a repeated interval needs a bound above 0, not {bound}", field="bound", value=bound
        )
