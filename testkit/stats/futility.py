"""Designs whose two bounds mean different things: prove it above, give up (or stop harm) below.

* :func:`futility_design` spends beta below: at the effect that the test is sized for, it gives up
  wrongly with probability beta in all. This is what frees the list for the next test.
* :func:`harm_design` spends an error of its own below, under no effect: a stated false-stop rate.
* :func:`fixed_futility_design` takes lower bounds that somebody has chosen.

*Non-binding* (the default): the upper bounds are those of a test without lower bounds, so that
alpha holds even when people ignore a futility bound. *Binding*: the upper bounds lean on the lower
ones being obeyed, and alpha does not hold otherwise.

All are one-sided with error ``alpha``; the upper half of a two-sided test at .05 is one at .025.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.special import ndtri

from testkit.errors import InputError
from testkit.stats.recursion import FAR, checked_information, first_arrival
from testkit.stats.roots import bracketed_root
from testkit.stats.sizing import drift_for_power
from testkit.stats.spending import (
    SpendingFunction,
    cumulative_spending,
    hwang_shih_decani,
    obrien_fleming_spending,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = [
    "FutilityDesign",
    "fixed_futility_design",
    "futility_design",
    "harm_design",
    "monitoring_futility",
]

_DEFAULT_BETA_SPENDING: Final = hwang_shih_decani(-2)
# The last statistic's mean cannot be this many times the fixed-sample test's in any sane design.
_WIDEST: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FutilityDesign:
    """An upper bound with a lower bound of another meaning.

    Attributes:
        information: Cumulative information at the looks, shape (looks,), in the caller's unit.
        upper: Upper critical values on the z scale, shape (looks,): proven.
        lower: Lower critical values, shape (looks,): given up, or stopped for harm.
        alpha: One-sided type I error.
        beta: Type II error at ``drift``.
        drift: Effect per root information at which the power is ``1 - beta``.
        binding: Whether alpha leans on the lower bounds being obeyed.
        sides: Always 1.
    """

    information: FloatArray
    upper: FloatArray
    lower: FloatArray
    alpha: float
    beta: float
    drift: float
    binding: bool
    sides: Literal[1] = 1

    def __post_init__(self) -> None:
        for array in (self.information, self.upper, self.lower):
            array.setflags(write=False)

    @property
    def inflation(self) -> float:
        """Maximum size over the size of the fixed-sample test of the same alpha and beta."""
        fixed = _fixed_drift(self.alpha, self.beta)
        return (self.drift / fixed) ** 2 * float(self.information[-1])


def futility_design(
    *,
    information: Sequence[float],
    alpha: float,
    beta: float,
    spending: SpendingFunction = obrien_fleming_spending,
    beta_spending: SpendingFunction = _DEFAULT_BETA_SPENDING,
    binding: bool = False,
) -> FutilityDesign:
    """Stop for success by alpha spending, for lack of promise by beta spending.

    The bounds meet at the last look; the drift for which they do is the effect that the design can
    detect with power ``1 - beta``.

    Args:
        information: Cumulative information at the looks, shape (looks,), positive, increasing.
        alpha: One-sided type I error, a probability, 0 < alpha < 0.5.
        beta: Type II error, a probability, 0 < beta < 1 - alpha.
        spending: Spends alpha above.
        beta_spending: Spends beta below.
        binding: False: alpha holds also when a futility bound is ignored.

    Returns:
        The design.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: No drift makes the bounds meet.

    References:
        Pampallona, Tsiatis & Kim (2001), Drug Information Journal 35(4), 1113-1121; Chang, Hwang
        & Shih (1998), Journal of Biopharmaceutical Statistics 8(1), 51-73.

    Examples:
        >>> design = futility_design(information=[1, 2, 3, 4, 5], alpha=0.025, beta=0.2)
        >>> [round(float(b), 2) for b in design.lower], round(design.inflation, 3)
        ([-0.85, -0.03, 0.68, 1.34, 2.03], 1.099)
    """
    info = _checked(information, alpha, beta)
    times = [i / info[-1] for i in info]
    above = cumulative_spending(spending, times=times, alpha=alpha)
    below = cumulative_spending(beta_spending, times=times, alpha=beta)
    root, fixed = math.sqrt(info[-1]), _fixed_drift(alpha, beta)

    def excess(end: float) -> float:
        return _solve(info, above, below, drift=end / root, binding=binding).missed - beta

    drift = bracketed_root(excess, 0.5 * fixed, _WIDEST * fixed, routine="futility_design") / root
    solved = _solve(info, above, below, drift=drift, binding=binding)
    return FutilityDesign(
        information=np.array(info),
        upper=np.array(solved.upper),
        lower=np.array([*solved.lower[:-1], solved.upper[-1]]),
        alpha=alpha,
        beta=beta,
        drift=drift,
        binding=binding,
    )


def monitoring_futility(
    design: FutilityDesign,
    *,
    information: Sequence[float],
    spending: SpendingFunction = obrien_fleming_spending,
    beta_spending: SpendingFunction = _DEFAULT_BETA_SPENDING,
    final: bool = False,
) -> FutilityDesign:
    """Bounds of a futility design while it runs, at the information that the looks really had.

    As in :func:`~testkit.stats.boundaries.monitoring_bounds`: the planned maximum sets how much
    may be spent, the looks as they were set the correlations, and the design's own drift stays the
    effect that beta is spent against.

    Args:
        design: The plan, from :func:`futility_design`; its last information is the planned
            maximum.
        information: Cumulative information at the looks so far, shape (looks,), in the plan's
            unit.
        spending: The plan's alpha spending.
        beta_spending: The plan's beta spending.
        final: The last look was declared the last one *before* it was taken.

    Returns:
        The bounds of these looks. At the end of the plan the lower bound is the upper one.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: A bound was not found.

    References:
        Lan & DeMets (1983), Biometrika 70(3), 659-663; Pampallona, Tsiatis & Kim (2001), Drug
        Information Journal 35(4), 1113-1121.

    Examples:
        >>> plan = futility_design(information=[1, 2, 3], alpha=0.025, beta=0.2)
        >>> now = monitoring_futility(plan, information=[1.2, 1.9])
        >>> [round(float(b), 2) for b in now.lower], [round(float(b), 2) for b in now.upper]
        ([0.06, 0.79], [3.36, 2.6])
    """
    info = checked_information(information)
    times = [min(1.0, i / float(design.information[-1])) for i in info]
    if final:
        times[-1] = 1.0
    above = cumulative_spending(spending, times=times, alpha=design.alpha)
    below = cumulative_spending(beta_spending, times=times, alpha=design.beta)
    solved = _solve(info, above, below, drift=design.drift, binding=design.binding)
    last = solved.upper[-1] if times[-1] == 1.0 else solved.lower[-1]
    return FutilityDesign(
        information=np.array(info),
        upper=np.array(solved.upper),
        lower=np.array([*solved.lower[:-1], last]),
        alpha=design.alpha,
        beta=design.beta,
        drift=design.drift,
        binding=design.binding,
    )


def harm_design(
    *,
    information: Sequence[float],
    alpha: float,
    beta: float,
    false_stop: float,
    spending: SpendingFunction = obrien_fleming_spending,
    harm_spending: SpendingFunction = _DEFAULT_BETA_SPENDING,
    binding: bool = False,
) -> FutilityDesign:
    """Stop for success above, for harm below, each with a stated error under no effect.

    Args:
        information: Cumulative information at the looks, shape (looks,), positive, increasing.
        alpha: One-sided type I error, a probability, 0 < alpha < 0.5.
        beta: Type II error at the drift that the result carries, 0 < beta < 1 - alpha.
        false_stop: Probability to stop for harm when there is no effect, 0 < false_stop < 1 -
            alpha. An easier bound than alpha's, because the price of a wrong stop is lower.
        spending: Spends alpha above.
        harm_spending: Spends ``false_stop`` below.
        binding: False: alpha holds also when a harm bound is ignored.

    Returns:
        The design; its bounds do not meet at the last look.

    Raises:
        InputError: A value is outside its domain.
        ConvergenceError: A bound or the drift was not found.

    References:
        Jennison & Turnbull (2000), ch. 7, for one-sided error spending on either side.

    Examples:
        >>> design = harm_design(information=[1, 2, 3], alpha=0.025, beta=0.1, false_stop=0.1)
        >>> [round(float(b), 2) for b in design.lower]
        [-2.17, -1.8, -1.37]
    """
    info = _checked(information, alpha, beta)
    if not 0.0 < false_stop < 1.0 - alpha:
        raise InputError(
            f"false_stop must be above 0 and below {1.0 - alpha:g}, not {false_stop}",
            field="false_stop",
            value=false_stop,
        )
    times = [i / info[-1] for i in info]
    above = cumulative_spending(spending, times=times, alpha=alpha)
    below = cumulative_spending(harm_spending, times=times, alpha=false_stop)
    solved = _solve(info, above, below, drift=0.0, binding=binding)
    return _sized(info, solved.upper, solved.lower, alpha=alpha, beta=beta, binding=binding)


def fixed_futility_design(
    *,
    information: Sequence[float],
    alpha: float,
    beta: float,
    futility_z: Sequence[float],
    spending: SpendingFunction = obrien_fleming_spending,
    binding: bool = False,
) -> FutilityDesign:
    """Stop for success by alpha spending, for lack of promise at z values that were chosen.

    Args:
        information: Cumulative information at the looks, shape (looks,), positive, increasing.
        alpha: One-sided type I error, a probability, 0 < alpha < 0.5.
        beta: Type II error at the drift that the result carries, 0 < beta < 1 - alpha.
        futility_z: Lower bounds at all looks but the last, shape (looks - 1,); minus infinity for
            none.
        spending: Spends alpha above.
        binding: False: alpha holds also when a futility bound is ignored.

    Returns:
        The design; at the last look the lower bound is the upper one.

    Raises:
        InputError: A value is outside its domain, or a futility bound is above its upper bound.
        ConvergenceError: A bound or the drift was not found.

    References:
        Jennison & Turnbull (2000), ch. 7 and 19.

    Examples:
        >>> design = fixed_futility_design(
        ...     information=[1, 2, 3], alpha=0.025, beta=0.1, futility_z=[0.0, 0.5], binding=True
        ... )
        >>> [round(float(b), 2) for b in design.upper]
        [3.71, 2.51, 1.96]
    """
    info = _checked(information, alpha, beta)
    floor = [float(b) for b in futility_z]
    if len(floor) != len(info) - 1:
        raise InputError(
            f"{len(floor)} futility bounds for {len(info)} looks; there is none at the last",
            field="futility_z",
            value=tuple(floor),
        )
    above = cumulative_spending(spending, times=[i / info[-1] for i in info], alpha=alpha)
    upper: list[float] = []
    arrival = first_arrival(info[0])
    for k, (before, now) in enumerate(itertools.pairwise((0.0, *above))):
        if k:
            arrival = arrival.advance(
                lower=floor[k - 1] if binding else -math.inf,
                upper=upper[-1],
                information=info[k],
            )
        upper.append(arrival.upper_for(now - before))
        if k < len(floor) and not floor[k] <= upper[-1]:
            raise InputError(
                f"futility bound {floor[k]} at look {k + 1} is not below its upper bound, "
                f"{upper[-1]:.4g}",
                field="futility_z",
                value=floor[k],
            )
    lower = [*floor, upper[-1]]
    return _sized(info, upper, lower, alpha=alpha, beta=beta, binding=binding)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solved:
    """Bounds by spending on both sides, and the chance to miss an effect at this drift."""

    upper: list[float]
    lower: list[float]
    missed: float


def _solve(
    info: tuple[float, ...],
    above: Sequence[float],
    below: Sequence[float],
    *,
    drift: float,
    binding: bool,
) -> _Solved:
    """Both bounds, look by look: the upper one without effect, the lower one at ``drift``.

    What arrives at a look does not depend on the drift, so that one pass serves both hypotheses.
    """
    both = free = first_arrival(info[0])
    upper: list[float] = []
    lower: list[float] = []
    lost = 0.0
    missed = 0.0
    high = FAR + drift * math.sqrt(info[-1])
    for k, (before, now) in enumerate(itertools.pairwise((0.0, *above))):
        if k:
            both = both.advance(
                lower=lower[-1], upper=upper[-1], information=info[k], low=-FAR, high=high
            )
            if not binding:
                free = free.advance(lower=-math.inf, upper=upper[-1], information=info[k])
        if binding and both.below(math.inf) <= now - before:
            # So few come this far without effect that alpha could reject them all: the drift is
            # too large for the plan, and whoever is missed has been missed before.
            missed = lost
            upper.append(math.inf)
            lower.append(math.inf)
            continue
        upper.append((both if binding else free).upper_for(now - before))
        room = both.below(upper[-1], drift=drift)
        missed = lost + room
        spend = max(0.0, below[k] - lost)
        # Where even stopping everybody below the upper bound loses less than may be lost, the
        # bounds meet: nobody goes on in vain.
        lower.append(upper[-1] if room <= spend else both.lower_for(spend, drift=drift))
        lost += min(room, spend)
    return _Solved(upper=upper, lower=lower, missed=missed)


def _sized(
    info: tuple[float, ...],
    upper: Sequence[float],
    lower: Sequence[float],
    *,
    alpha: float,
    beta: float,
    binding: bool,
) -> FutilityDesign:
    # The power of given bounds does not depend on the drift that the design is planned for.
    design = FutilityDesign(
        information=np.array(info),
        upper=np.array(upper),
        lower=np.array(lower),
        alpha=alpha,
        beta=beta,
        drift=0.0,
        binding=binding,
    )
    return replace(design, drift=drift_for_power(design, power=1.0 - beta))


def _fixed_drift(alpha: float, beta: float) -> float:
    return -float(ndtri(alpha)) - float(ndtri(beta))


def _checked(information: Sequence[float], alpha: float, beta: float) -> tuple[float, ...]:
    if not 0.0 < alpha < 0.5:
        raise InputError(
            f"alpha must be above 0 and below 0.5, not {alpha}", field="alpha", value=alpha
        )
    if not 0.0 < beta < 1.0 - alpha:
        raise InputError(
            f"beta must be above 0 and below {1.0 - alpha:g}, not {beta}", field="beta", value=beta
        )
    return checked_information(information)
