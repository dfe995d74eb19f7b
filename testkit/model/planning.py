"""How many units a test needs, and what a list of a given size can and cannot show."""

from __future__ import annotations

import math
from dataclasses import dataclass

from testkit.stats.boundaries import crossing_probabilities, spending_bounds
from testkit.stats.power import mde_rates, n_rates, power_rates
from testkit.stats.spending import spending_by_name

__all__ = ["Design", "TestSize", "design_of", "size_test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Bounds of equally spaced looks, and what they cost.

    Attributes:
        upper: z bounds, shape (looks,).
        inflation: Largest size of the sequential test over the size of a test with one look, for
            the same power; dimensionless, >= 1.
    """

    upper: tuple[float, ...]
    inflation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSize:
    """The size of a test and what it can find.

    Attributes:
        needed: Units over both arms for the asked power at the asked difference.
        test_size: Units that the plan uses.
        power: Power at ``test_size``.
        mde: Smallest difference that ``test_size`` finds with the asked power; None when even the
            largest possible difference is too small.
        upper: z bounds of the planned looks.
        inflation: See :class:`Design`.
    """

    __test__ = False  # pytest: this is no test

    needed: int
    test_size: int
    power: float
    mde: float | None
    upper: tuple[float, ...]
    inflation: float


def design_of(*, alpha: float, power: float, looks: int, spending: str) -> Design:
    """Bounds and inflation of a design with equally spaced looks.

    Args:
        alpha: Total type I error, two-sided.
        power: Power at the end.
        looks: Number of looks.
        spending: Name of the spending function.

    References:
        Jennison & Turnbull (2000), ch. 2 and 7: the inflation factor is the ratio of the squared
        drifts that reach the power.
    """
    information = [(k + 1) / looks for k in range(looks)]
    bounds = spending_bounds(
        information=information, alpha=alpha, spending=spending_by_name(spending)
    )
    upper = tuple(float(b) for b in bounds.upper)

    def power_at(drift: float) -> float:
        exits = crossing_probabilities(
            information=information, upper=upper, lower=[-u for u in upper], drift=drift
        )
        return float(exits.upper.sum())

    single = spending_bounds(information=[1.0], alpha=alpha).upper[0]
    from scipy.special import ndtri

    fixed = float(single + ndtri(power))
    low, high = fixed, 3 * fixed
    for _ in range(60):  # bisection: the power rises with the drift, 60 halvings reach the float
        middle = (low + high) / 2
        low, high = (middle, high) if power_at(middle) < power else (low, middle)
        if high - low < 1e-9 * high:
            break
    return Design(upper=upper, inflation=max(1.0, (high / fixed) ** 2))


def size_test(
    *,
    base_rate: float,
    mde: float,
    control_share: float,
    alpha: float,
    power: float,
    looks: int,
    spending: str,
    list_size: int,
    test_size: int | None,
) -> TestSize:
    """Size a two-arm test of a proportion on a list that ends.

    Args:
        base_rate: Rate of the control, in (0, 1).
        mde: Smallest difference worth acting on, absolute; ``base_rate + mde`` < 1.
        control_share: Share of the test that goes to the control, in (0, 1).
        alpha: Total type I error, two-sided.
        power: Power at the end.
        looks: Number of equally spaced looks.
        spending: Name of the spending function.
        list_size: Units in the list.
        test_size: Units in the test as the definition says; None takes what is needed, at most
            the list.
    """
    design = design_of(alpha=alpha, power=power, looks=looks, spending=spending)
    ratio = (1 - control_share) / control_share
    wanted = n_rates(
        control=base_rate,
        treatment=base_rate + mde,
        power=power,
        alpha=alpha,
        ratio=ratio,
        inflation=design.inflation,
    )
    needed = math.ceil(wanted.control / control_share - 1e-9)
    chosen = test_size if test_size is not None else min(needed, list_size)
    n_control = chosen * control_share
    return TestSize(
        needed=needed,
        test_size=chosen,
        power=power_rates(
            n_control=n_control,
            control=base_rate,
            treatment=base_rate + mde,
            alpha=alpha,
            ratio=ratio,
            inflation=design.inflation,
        ),
        mde=mde_rates(
            n_control=n_control,
            control=base_rate,
            power=power,
            alpha=alpha,
            ratio=ratio,
            inflation=design.inflation,
        ),
        upper=design.upper,
        inflation=design.inflation,
    )
