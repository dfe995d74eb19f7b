"""How large a group-sequential test must be, and what it can be expected to show.

The maximum size is the fixed-sample size times the *inflation factor* of the bounds; the expected
size is smaller, because many tests stop early. Everything here takes a design as any object with
``information``, ``upper``, ``lower``, ``alpha`` and ``sides`` (:class:`Design`), on the scale
``z = drift sqrt(information)``. Fixed-sample sizes of other metrics live in
:mod:`testkit.stats.power`.

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
from testkit.stats.boundaries import checked_bounds, crossing_probabilities
from testkit.stats.recursion import checked_information, walk
from testkit.stats.roots import bracketed_root

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "Characteristics",
    "Design",
    "SequentialSize",
    "characteristics",
    "detectable_difference",
    "drift_for_power",
    "expected_information",
    "power_at",
    "size_means",
    "size_rates",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialSize:
    """People that a group-sequential test needs, over both arms, unrounded.

    Round up per arm when making a plan: a fraction of a person is kept here so that ratios stay
    exact.

    Attributes:
        fixed: Size of the fixed-sample test of the same error and power.
        maximum: Size at the last look.
        at_looks: Cumulative size at the looks, shape (looks,).
        expected_null: Expected size without effect.
        expected_effect: Expected size at the effect.
        share_treatment: Share of them in the treatment arm.
        characteristics: The design's own figures.
    """

    fixed: float
    maximum: float
    at_looks: FloatArray
    expected_null: float
    expected_effect: float
    share_treatment: float
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
    path = walk(information=info, lower=bottom, upper=top, drifts=(0.0, _LARGEST_DRIFT / root))
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
        Jennison & Turnbull (2000), section 2.3 and ch. 19.

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


def size_rates(
    *,
    control: float,
    treatment: float,
    design: Design,
    power: float = 0.8,
    allocation: float = 1.0,
) -> SequentialSize:
    """People for a group-sequential comparison of two rates.

    The fixed-sample size is that of the pooled z test: pooled variance under the null hypothesis,
    unpooled under the effect.

    Args:
        control: Rate in the control arm, a probability, 0 < rate < 1.
        treatment: Rate in the treatment arm that must be found, different from ``control``.
        design: The bounds; their information is taken as shares of the maximum.
        power: Power at these rates, above the design's error and below 1.
        allocation: People in the treatment arm per person in the control arm, above 0.

    Returns:
        Sizes over both arms.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: No drift gives this power.

    References:
        Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., ch. 4
        (fixed size); Jennison & Turnbull (2000), ch. 3 (rates on the canonical scale).

    Examples:
        >>> from testkit.stats.boundaries import spending_bounds
        >>> design = spending_bounds(information=[1, 2, 3, 4, 5], alpha=0.05)
        >>> size = size_rates(control=0.010, treatment=0.012, design=design)
        >>> math.ceil(size.fixed), math.ceil(size.maximum), math.ceil(size.expected_effect)
        (85386, 87497, 70329)
    """
    for field, rate in (("control", control), ("treatment", treatment)):
        if not 0.0 < rate < 1.0:
            raise InputError(
                f"{field} must be above 0 and below 1, not {rate}", field=field, value=rate
            )
    if control == treatment:
        raise InputError(
            f"control and treatment have the same rate, {control}",
            field="treatment",
            value=treatment,
            hint="name the smallest difference that would change what you do",
        )
    _check_allocation(allocation)
    _check_power(power, design)
    fixed = _fixed_rates(control, treatment, design, power, allocation)
    return _sequential_size(fixed, design, power, allocation)


def size_means(
    *,
    difference: float,
    sd: float,
    design: Design,
    power: float = 0.8,
    allocation: float = 1.0,
) -> SequentialSize:
    """People for a group-sequential comparison of two means with a known common spread.

    Args:
        difference: Treatment mean less control mean that must be found, not 0.
        sd: Standard deviation of one person's value in either arm, above 0, in the same unit.
        design: The bounds; their information is taken as shares of the maximum.
        power: Power at this difference, above the design's error and below 1.
        allocation: People in the treatment arm per person in the control arm, above 0.

    Returns:
        Sizes over both arms.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: No drift gives this power.

    References:
        Jennison & Turnbull (2000), section 3.1.

    Examples:
        >>> from testkit.stats.boundaries import spending_bounds
        >>> design = spending_bounds(information=[1, 2, 3, 4, 5], alpha=0.05)
        >>> round(size_means(difference=0.2, sd=1.0, design=design).fixed, 1)
        784.9
    """
    if difference == 0.0 or not math.isfinite(difference):
        raise InputError(
            f"difference must be finite and not 0, not {difference}",
            field="difference",
            value=difference,
        )
    if not 0.0 < sd < math.inf:
        raise InputError(f"sd must be positive and finite, not {sd}", field="sd", value=sd)
    _check_allocation(allocation)
    _check_power(power, design)
    spread = sd * sd * (1.0 + allocation) ** 2 / allocation
    fixed = (_fixed_drift(design, power) / difference) ** 2 * spread
    return _sequential_size(fixed, design, power, allocation)


def detectable_difference(
    *,
    control: float,
    people: float,
    design: Design,
    power: float = 0.8,
    allocation: float = 1.0,
) -> float:
    """Smallest increase of a rate that a test with this many people can detect (MDE).

    Args:
        control: Rate in the control arm, a probability, 0 < rate < 1.
        people: Maximum size over both arms, above 0.
        design: The bounds.
        power: Power at the difference, above the design's error and below 1.
        allocation: People in the treatment arm per person in the control arm, above 0.

    Returns:
        The increase, as a difference of rates.

    Raises:
        InputError: A value is outside its domain, or even a rate of 1 would not be detected.
        ConvergenceError: The difference was not found.

    References:
        The inverse of :func:`size_rates`.

    Examples:
        >>> from testkit.stats.boundaries import spending_bounds
        >>> design = spending_bounds(information=[1, 2, 3, 4, 5], alpha=0.05)
        >>> mde = detectable_difference(control=0.010, people=87496.3, design=design)
        >>> round(mde, 6)
        0.002
    """
    if not 0.0 < control < 1.0:
        raise InputError(
            f"control must be above 0 and below 1, not {control}", field="control", value=control
        )
    if not 0.0 < people < math.inf:
        raise InputError(
            f"people must be positive and finite, not {people}", field="people", value=people
        )
    _check_allocation(allocation)
    fixed = people / characteristics(design, power=power).inflation
    room = 1.0 - control

    def short(log_share: float) -> float:
        treatment = control + room * math.exp(log_share)
        needed = _fixed_rates(control, treatment, design, power, allocation)
        return math.log(needed / fixed)

    least, most = math.log(1e-12), math.log1p(-1e-12)
    if short(most) > 0.0:
        raise InputError(
            f"{people:g} people cannot show any increase over {control:g} with power {power:g}",
            field="people",
            value=people,
            hint="test on more people or accept less power",
        )
    return room * math.exp(bracketed_root(short, least, most, routine="detectable_difference"))


def _fixed_rates(
    control: float, treatment: float, design: Design, power: float, allocation: float
) -> float:
    """Size over both arms of the fixed-sample pooled z test."""
    share = allocation / (1.0 + allocation)
    pooled = share * treatment + (1.0 - share) * control
    null = pooled * (1.0 - pooled) / (share * (1.0 - share))
    effect = treatment * (1.0 - treatment) / share + control * (1.0 - control) / (1.0 - share)
    z_alpha = -float(ndtri(design.alpha / design.sides))
    z_beta = float(ndtri(power))
    return ((z_alpha * math.sqrt(null) + z_beta * math.sqrt(effect)) / (treatment - control)) ** 2


def _sequential_size(
    fixed: float, design: Design, power: float, allocation: float
) -> SequentialSize:
    figures = characteristics(design, power=power)
    info = np.asarray(design.information)
    maximum = fixed * figures.inflation
    return SequentialSize(
        fixed=fixed,
        maximum=maximum,
        at_looks=maximum * info / info[-1],
        expected_null=fixed * figures.share_null,
        expected_effect=fixed * figures.share_effect,
        share_treatment=allocation / (1.0 + allocation),
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


def _check_allocation(allocation: float) -> None:
    if not 0.0 < allocation < math.inf:
        raise InputError(
            f"allocation must be positive and finite, not {allocation}",
            field="allocation",
            value=allocation,
        )
