"""What a list of this size can and cannot learn about a rate.

Three questions a small organisation should ask before it writes the second version: which
difference would a test of the whole list find, which harm could it rule out, and what is it worth
to test on a part and send the better version to the rest. Each has an answer or a plain no.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from testkit.stats import domain
from testkit.stats.power import mde_rates, smallest_margin
from testkit.stats.roll import RollPlan, plan_roll, rate_prior

__all__ = ["Reach", "list_reach"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Limits of a two-arm test with equal arms on one list.

    Attributes:
        n_per_arm: Recipients per arm.
        rise: Smallest rise of the rate that is found with the asked power, in rate units; None
            when no rise would be.
        fall: Smallest fall that is found, as a positive number; None when no fall would be.
        lift: ``rise`` over the base rate; None with ``rise``.
        margin: Smallest harm (more of the rate) that can be ruled out when there is none, one-sided
            at half of alpha; None when no harm can be.
        conversions_per_arm: Expected conversions of an arm: the number that decides whether any
            of this holds up.
        roll: Best test-then-send plan; None when past tests show no spread between versions.
    """

    n_per_arm: int
    rise: float | None
    fall: float | None
    lift: float | None
    margin: float | None
    conversions_per_arm: float
    roll: RollPlan | None


def list_reach(
    *,
    list_size: int,
    rate: float,
    spread: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    inflation: float = 1.0,
) -> Reach:
    """What a two-arm test of a whole list can learn.

    Args:
        list_size: Recipients in all, both arms together, >= 4.
        rate: Base rate of the outcome, 0 < rate < 1.
        spread: Standard deviation of the rates of versions across past tests
            (:func:`testkit.stats.roll.spread_of_arms`), > 0; None when unknown.
        power: Probability of finding the effect, in (0, 1).
        alpha: Two-sided type I error, in (0, 1).
        inflation: Longest path of the design over the fixed sample, >= 1.

    Returns:
        The limits.

    Raises:
        InputError: A value is outside its domain.

    References:
        :func:`testkit.stats.power.mde_rates`, :func:`testkit.stats.power.smallest_margin` and
        :func:`testkit.stats.roll.plan_roll`.

    Examples:
        >>> reach = list_reach(list_size=20_000, rate=0.02, spread=0.004)
        >>> round(reach.rise, 4), round(reach.lift, 2), reach.roll.whole
        (0.0059, 0.3, (1721, 1721))
    """
    size = domain.whole(list_size, "list_size", at_least=4)
    n = size // 2
    change = functools.partial(
        mde_rates, n_control=n, control=rate, power=power, alpha=alpha, inflation=inflation
    )
    rise, fall = change(direction="up"), change(direction="down")
    roll = None
    if spread is not None:
        sd = rate_prior(rate=rate, spread=spread).sd
        roll = plan_roll(list_size=size, sd=sd, spread=spread)
    return Reach(
        n_per_arm=n,
        rise=rise,
        fall=None if fall is None else -fall,
        lift=None if rise is None else rise / rate,
        margin=smallest_margin(
            n_control=n, control=rate, power=power, alpha=alpha / 2, inflation=inflation
        ),
        conversions_per_arm=n * rate,
        roll=roll,
    )
