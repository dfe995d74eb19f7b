"""How many units a test needs, and what a list of a given size can and cannot show. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from testkit.stats.boundaries import Boundaries, spending_bounds
from testkit.stats.power import mde_rates, n_rates, power_rates
from testkit.stats.power_means import mde_means, n_means, power_means
from testkit.stats.sizing import Characteristics, characteristics
from testkit.stats.spending import spending_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Design", "Outcome", "TestSize", "design_of", "size_test"]

OPEN_GRID: Final = 20
"""Points at which an open-ended test is thought to be looked at, to size it."""
MIXTURE_SPREADS: Final = (0.05, 0.1, 0.2, 0.4)
"""Spreads of the mixture that are tried, in units of the planned end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is planned for: the outcome today, and the difference worth finding.

    Attributes:
        rate: Base rate in (0, 1) of a proportion; None for an amount per unit.
        sd: Standard deviation per unit of an amount, above 0; None for a proportion.
        mde: Smallest difference worth acting on, absolute, above 0, in the outcome's unit.
        better: Whether more is better or less.
    """

    rate: float | None = None
    sd: float | None = None
    mde: float
    better: Literal["up", "down"] = "up"

    @property
    def rate_wanted(self) -> float | None:
        """The rate of an arm that is better by ``mde``; None for an amount."""
        if self.rate is None:
            return None
        return self.rate + (self.mde if self.better == "up" else -self.mde)

    def needed(self, *, alpha: float, power: float, ratio: float, inflation: float) -> float:
        """Units of the control; ``ratio`` is units of the arm for each of them."""
        if self.rate is not None and self.rate_wanted is not None:
            return n_rates(
                control=self.rate,
                treatment=self.rate_wanted,
                power=power,
                alpha=alpha,
                ratio=ratio,
                inflation=inflation,
            ).control
        assert self.sd is not None
        return n_means(
            difference=self.mde,
            sd=self.sd,
            power=power,
            alpha=alpha,
            ratio=ratio,
            inflation=inflation,
        ).control

    def power(self, *, n_control: float, alpha: float, ratio: float, inflation: float) -> float:
        """Chance to find ``mde``."""
        if self.rate is not None and self.rate_wanted is not None:
            return power_rates(
                n_control=n_control,
                control=self.rate,
                treatment=self.rate_wanted,
                alpha=alpha,
                ratio=ratio,
                inflation=inflation,
            )
        assert self.sd is not None
        return power_means(
            n_control=n_control,
            difference=self.mde,
            sd=self.sd,
            alpha=alpha,
            ratio=ratio,
            inflation=inflation,
        )

    def finds(
        self, *, n_control: float, alpha: float, power: float, ratio: float, inflation: float
    ) -> float | None:
        """Smallest difference found with ``power``; None when even the largest is too small."""
        if self.rate is not None:
            found = mde_rates(
                n_control=n_control,
                control=self.rate,
                power=power,
                alpha=alpha,
                ratio=ratio,
                direction=self.better,
                inflation=inflation,
            )
            return None if found is None else abs(found)
        assert self.sd is not None
        return mde_means(
            n_control=n_control,
            sd=self.sd,
            power=power,
            alpha=alpha,
            ratio=ratio,
            inflation=inflation,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """Bounds that no spending function made."""

    information: NDArray[np.float64]
    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    alpha: float
    sides: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Bounds of equally spaced looks, and what they cost.

    Attributes:
        upper: z bounds, shape (looks,).
        figures: Inflation and expected sizes relative to one look, for the same power.
    """

    upper: tuple[float, ...]
    figures: Characteristics

    @property
    def inflation(self) -> float:
        """Largest size over the size of a test with one look; >= 1."""
        return max(1.0, self.figures.inflation)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSize:
    """The size of a test and what it can find.

    Attributes:
        needed: Units over all arms for the asked power at the asked difference.
        test_size: Units that the plan uses.
        power: Power at ``test_size`` of each comparison of an arm with the control.
        mde: Smallest difference that ``test_size`` finds with the asked power; None when even the
            largest possible difference is too small.
        expected: Units over all arms that are used up on average when the difference is ``mde``.
        design: The bounds.
        comparison_alpha: Two-sided alpha of each comparison.
    """

    __test__ = False  # pytest: this is no test

    needed: int
    test_size: int
    power: float
    mde: float | None
    expected: float
    design: Design
    comparison_alpha: float


def design_of(
    *,
    alpha: float,
    power: float,
    looks: int,
    spending: str,
    family: Literal["group-sequential", "open-ended"] = "group-sequential",
) -> Design:
    """Bounds of a design with equally spaced looks, and their price.

    Args:
        alpha: Total type I error, two-sided.
        power: Power at the end.
        looks: Number of looks; an open-ended design does not use it.
        spending: Name of the spending function; an open-ended design does not use it.
        family: ``open-ended`` sizes by the normal-mixture bound, which is what the confidence
            sequences of that family approach.

    References:
        Jennison & Turnbull (2000), ch. 2 and 7; for the mixture bound Robbins (1970), Annals of
        Mathematical Statistics 41, 1397-1409.
    """
    if family == "open-ended":
        bounds: Boundaries | _Bounds = _mixture_bounds(alpha)
    else:
        information = [(k + 1) / looks for k in range(looks)]
        bounds = spending_bounds(
            information=information, alpha=alpha, spending=spending_by_name(spending)
        )
    return Design(
        upper=tuple(float(b) for b in bounds.upper), figures=characteristics(bounds, power=power)
    )


def size_test(
    *,
    outcome: Outcome,
    shares: Sequence[float],
    alpha: float,
    power: float,
    looks: int,
    spending: str,
    list_size: int,
    test_size: int | None,
    family: Literal["group-sequential", "open-ended"] = "group-sequential",
    design_effect: float = 1.0,
) -> TestSize:
    """Size a test on a list that ends; every arm is compared with the control.

    Args:
        outcome: What is planned for.
        shares: Shares of the test, the control's first, summing to 1.
        alpha: Total type I error over all comparisons, two-sided.
        power: Power of each comparison at the end.
        looks: Number of equally spaced looks.
        spending: Name of the spending function.
        list_size: Units that may be tested.
        test_size: Units in the test as the definition says; None takes what is needed, at most
            the list.
        family: See :func:`design_of`.
        design_effect: Units of groups that are worth one unit alone, at least 1.

    References:
        Several arms are sized at alpha over their number, the first step of Holm (1979),
        Scandinavian Journal of Statistics 6, 65-70: the power that is promised holds whichever
        arm is the good one.
    """
    control, *arms = shares
    each = alpha / len(arms)
    design = design_of(alpha=each, power=power, looks=looks, spending=spending, family=family)
    smallest = min(arms) / control
    needed = math.ceil(
        outcome.needed(alpha=each, power=power, ratio=smallest, inflation=design.inflation)
        * design_effect
        / control
        - 1e-9
    )
    chosen = test_size if test_size is not None else min(needed, list_size)
    n_control = chosen * control / design_effect  # as many alone would say as much
    return TestSize(
        needed=needed,
        test_size=chosen,
        power=outcome.power(
            n_control=n_control, alpha=each, ratio=smallest, inflation=design.inflation
        ),
        mde=outcome.finds(
            n_control=n_control,
            alpha=each,
            power=power,
            ratio=smallest,
            inflation=design.inflation,
        ),
        expected=needed * design.figures.share_effect / design.figures.inflation,
        design=design,
        comparison_alpha=each,
    )


def _mixture_bounds(alpha: float) -> _Bounds:
    """The normal-mixture bound as z bounds at equal looks, tightest at the last of them."""
    times = [(k + 1) / OPEN_GRID for k in range(OPEN_GRID)]
    candidates = [
        [math.sqrt((t + s) / t * math.log((t + s) / (s * alpha**2))) for t in times]
        for s in MIXTURE_SPREADS
    ]
    upper = np.array(min(candidates, key=lambda bounds: bounds[-1]))
    return _Bounds(information=np.array(times), upper=upper, lower=-upper, alpha=alpha)
