"""How large a group-sequential test must be, and what it can be expected to show.

The maximum size is the fixed-sample size times the *inflation factor* of the bounds; the expected
size is smaller, because many tests stop early. Everything here takes a design as any object with
``information``, ``upper``, ``lower``, ``alpha`` and ``sides`` (:class:`Design`), on the scale
``z = drift sqrt(information)``. Fixed-sample sizes and detectable effects of each metric live in
:mod:`testkit.stats.power`, which takes the inflation factor.

Power is the chance to cross the bound on the side of the effect; crossing the other one is no
success.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from scipy.special import ndtri

from testkit.errors import InputError
from testkit.stats import domain
from testkit.stats.boundaries import checked_bounds, crossing_probabilities
from testkit.stats.recursion import checked_information, passage
from testkit.stats.roots import bracketed_root

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "Characteristics",
    "Design",
    "SequentialSize",
    "characteristics",
    "drift_for_power",
    "expected_information",
    "power_at",
    "sequential_size",
]

# On the z scale at the last look; power there differs from 1 by less than a double can say.
_LARGEST_DRIFT: Final = 60.0


class Design(Protocol):
    """What sizing needs to know of a design; every design of this package has it."""

    @property
    def information(self) -> FloatArray:
        """Cumulative information at the looks, shape (looks,)."""
        ...

    @property
    def upper(self) -> FloatArray:
        """Upper critical values on the z scale, shape (looks,)."""
        ...

    @property
    def lower(self) -> FloatArray:
        """Lower critical values on the z scale, shape (looks,)."""
        ...

    @property
    def alpha(self) -> float:
        """Total type I error."""
        ...

    @property
    def sides(self) -> int:
        """1 or 2."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristics:
    """What a design costs, against the fixed-sample test of the same error and power.

    Attributes:
        power: Power at the effect that it is sized for.
        drift: That effect on the z scale at the last look: the mean of its statistic there.
        inflation: Maximum size over fixed size, at least 1 for any spending design.
        share_null: Expected size over fixed size without effect.
        share_half: Expected size over fixed size at half the effect.
        share_effect: Expected size over fixed size at the effect.
        early_stop: Probability, at the effect, to stop before the last look.
    """

    power: float
    drift: float
    inflation: float
    share_null: float
    share_half: float
    share_effect: float
    early_stop: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SequentialSize:
    """People that a group-sequential test needs, unrounded, in the unit of ``fixed``.

    Attributes:
        fixed: Size of the fixed-sample test of the same error and power.
        maximum: Size at the last look.
        at_looks: Cumulative size at the looks, shape (looks,).
        expected_null: Expected size without effect.
        expected_effect: Expected size at the effect.
        characteristics: The design's own figures.
    """

    fixed: float
    maximum: float
    at_looks: FloatArray
    expected_null: float
    expected_effect: float
    characteristics: Characteristics


def power_at(design: Design, *, drift: float) -> float:
    """Probability to cross the upper bound.

    Args:
        design: Any design.
        drift: Mean of the statistic per root information; the effect where information is its
            inverse variance. For a negative effect mirror the design.

    Returns:
        A probability.

    Raises:
        InputError: ``drift`` is not finite.
        ConvergenceError: The crossing probabilities do not add up.

    References:
        Jennison & Turnbull (2000), ch. 19.

    Examples:
        >>> from testkit.stats.boundaries import spending_bounds
        >>> design = spending_bounds(information=[0.5, 1.0], alpha=0.05)
        >>> round(power_at(design, drift=2.8015852), 3)
        0.799
    """
    exits = crossing_probabilities(
        information=tuple(design.information),
        upper=tuple(design.upper),
        lower=tuple(design.lower),
        drift=drift,
    )
    return math.fsum(exits.upper)


def expected_information(design: Design, *, drift: float) -> float:
    """Expected information (or size, in the unit of ``design.information``) at the stop.

    Args:
        design: Any design.
        drift: Mean of the statistic per root information.

    Returns:
        The expectation, between the first and the last look's information.

    Raises:
        InputError: ``drift`` is not finite.
        ConvergenceError: The crossing probabilities do not add up.

    References:
        Jennison & Turnbull (2000), ch. 19.

    Examples:
        >>> from testkit.stats.boundaries import spending_bounds
        >>> design = spending_bounds(information=[0.5, 1.0], alpha=0.05)
        >>> round(expected_information(design, drift=2.8015852), 3)
        0.918
    """
    exits = crossing_probabilities(
        information=tuple(design.information),
        upper=tuple(design.upper),
        lower=tuple(design.lower),
        drift=drift,
    )
    return _expected(np.asarray(design.information), exits.upper + exits.lower)


def drift_for_power(design: Design, *, power: float) -> float:
    """The drift at which a design has this power.

    Args:
        design: Any design.
        power: Wanted probability to cross the upper bound, above its error and below 1.

    Returns:
        Drift per root information; times ``sqrt(information[-1])`` it is the mean of the last
        statistic.

    Raises:
        InputError: ``power`` is outside its domain.
        ConvergenceError: No drift gives this power.

    References:
        Jennison & Turnbull (2000), ch. 2.

    Examples:
        >>> from testkit.stats.boundaries import spending_bounds
        >>> design = spending_bounds(information=[0.25, 0.5, 0.75, 1.0], alpha=0.05)
        >>> round(drift_for_power(design, power=0.9), 3)
        3.271
    """
    _check_power(power, design)
    info = checked_information(tuple(design.information))
    root = math.sqrt(info[-1])
    top, bottom = checked_bounds(
        upper=tuple(design.upper), lower=tuple(design.lower), looks=len(info)
    )
    path = passage(information=info, lower=bottom, upper=top, drifts=(0.0, _LARGEST_DRIFT / root))
    end = bracketed_root(
        lambda x: math.fsum(path.upper_exits(x / root)) - power,
        0.0,
        _LARGEST_DRIFT,
        routine="drift_for_power",
    )
    return end / root


def characteristics(design: Design, *, power: float) -> Characteristics:
    """Inflation factor and expected sizes of a design at a given power.

    Args:
        design: Any design.
        power: Power at the effect, above the design's error and below 1.

    Returns:
        Figures relative to the fixed-sample test with the same error per side and power.

    Raises:
        InputError: ``power`` is outside its domain.
        ConvergenceError: No drift gives this power.

    References:
        Jennison & Turnbull (2000), ch. 2 and 19.

    Examples:
        >>> from testkit.stats.classic import pocock
        >>> figures = characteristics(pocock(looks=5, alpha=0.05), power=0.9)
        >>> round(figures.inflation, 4)
        1.2066
    """
    drift = drift_for_power(design, power=power)
    info = np.asarray(design.information)
    fixed = _fixed_drift(design, power) ** 2
    inflation = drift * drift * float(info[-1]) / fixed
    shares = [
        expected_information(design, drift=d) / float(info[-1]) * inflation
        for d in (0.0, 0.5 * drift, drift)
    ]
    exits = crossing_probabilities(
        information=tuple(design.information),
        upper=tuple(design.upper),
        lower=tuple(design.lower),
        drift=drift,
    )
    return Characteristics(
        power=power,
        drift=drift * math.sqrt(float(info[-1])),
        inflation=inflation,
        share_null=shares[0],
        share_half=shares[1],
        share_effect=shares[2],
        early_stop=math.fsum(exits.upper[:-1]) + math.fsum(exits.lower[:-1]),
    )


def sequential_size(fixed: float, *, design: Design, power: float) -> SequentialSize:
    """Size of a group-sequential test from the size of the fixed-sample test of any metric.

    The information of every metric of this package grows in proportion to the people in the test,
    so that one factor serves them all. The smallest detectable effect comes from the same factor:
    ``mde_rates(..., inflation=characteristics(design, power=power).inflation)``.

    Args:
        fixed: Size of the fixed-sample test of the same alpha, sides and power, above 0; per arm
            or over both arms, and everything returned is in the same unit. See
            :func:`testkit.stats.power.n_rates` and its neighbours.
        design: The bounds; their information is taken as shares of the maximum.
        power: Power at the effect that ``fixed`` is for, above the design's error and below 1.

    Returns:
        Sizes, unrounded.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: No drift gives this power.

    References:
        Jennison & Turnbull (2000), ch. 2 and 3.

    Examples:
        >>> from testkit.stats.boundaries import spending_bounds
        >>> from testkit.stats.power import n_rates
        >>> design = spending_bounds(information=[1, 2, 3, 4, 5], alpha=0.05)
        >>> fixed = n_rates(control=0.010, treatment=0.012, power=0.8, alpha=0.05)
        >>> size = sequential_size(fixed.total, design=design, power=0.8)
        >>> round(size.fixed), round(size.maximum), round(size.expected_effect)
        (85386, 87496, 70329)
    """
    domain.positive(fixed, "fixed")
    figures = characteristics(design, power=power)
    info = np.asarray(design.information)
    maximum = fixed * figures.inflation
    return SequentialSize(
        fixed=fixed,
        maximum=maximum,
        at_looks=maximum * info / info[-1],
        expected_null=fixed * figures.share_null,
        expected_effect=fixed * figures.share_effect,
        characteristics=figures,
    )


def _expected(info: FloatArray, exits: FloatArray) -> float:
    # Whoever has not left before the last look stops there, bound or no bound.
    early = float(exits[:-1] @ info[:-1])
    return early + float(info[-1]) * (1.0 - math.fsum(exits[:-1]))


def _fixed_drift(design: Design, power: float) -> float:
    return float(ndtri(power)) - float(ndtri(design.alpha / design.sides))


def _check_power(power: float, design: Design) -> None:
    error = design.alpha / design.sides
    if not error < power < 1.0:
        raise InputError(
            f"power must be above {error:g} and below 1, not {power}", field="power", value=power
        )
