"""What a message cost and what it brought: cost per action, actions per 1,000, return on spend.

Two kinds of numbers must not be mixed. *Per action* counts every action of the people mailed, most
of whom would have acted anyway. *Per extra action* counts what the treatment added over control:
that is what money bought, and its interval comes from the interval of the effect.

A cost per extra action has no finite interval when the effect's interval meets 0: "between 12
and infinity, or it cost actions" is not an interval. Then it is None with the reason, and the same
fact is shown as extra actions per 1,000 of currency, which is finite always.

Spend is in whole cents; an ``Interval`` argument is the plan's own interval (stage-wise after a
stop, repeated while running), taken over unchanged, so that money and verdict cannot disagree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from testkit.errors import InputError
from testkit.stats import domain

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CostPerAction",
    "CostPerExtraAction",
    "Range",
    "actions_per_thousand",
    "cost_per_action",
    "cost_per_extra_action",
    "product",
    "return_on_spend",
]

_ANGLES: Final = 7200


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An estimate with its confidence interval, all in one unit.

    Attributes:
        value: The estimate.
        low: Lower end of the interval, at most ``value``.
        high: Upper end, at least ``value``.

    Raises:
        InputError: A value is not finite, or the estimate lies outside its interval.
    """

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        for field in ("value", "low", "high"):
            domain.finite(getattr(self, field), field)
        if not self.low <= self.value <= self.high:
            raise InputError(
                f"{self.value!r} does not lie in its interval [{self.low!r}, {self.high!r}]",
                field="value",
                value=self.value,
            )

    @property
    def meets_zero(self) -> bool:
        """Whether 0 lies in the interval, ends included."""
        return self.low <= 0 <= self.high

    def times(self, factor: float) -> Range:
        """The range in another unit; a negative factor swaps its ends."""
        number = domain.finite(factor, "factor")
        ends = sorted((self.low * number, self.high * number))
        return Range(value=self.value * number, low=ends[0], high=ends[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPerAction:
    """Spend per action of everybody mailed, whether or not the message caused it.

    Attributes:
        cents: Spend over actions; None without a single action.
        low: Lower end, at the upper end of the rate; None without recipients who could act.
        high: Upper end; None when the rate's interval reaches 0.
        absent: Why a number is None; empty when none is.
    """

    cents: float | None
    low: float | None
    high: float | None
    absent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPerExtraAction:
    """Spend per action that would not have happened otherwise.

    Attributes:
        cents: The range in cents; negative where the treatment lost actions; None when the
            effect's interval meets 0.
        per_thousand: Extra actions per 1,000 of currency, always finite.
        absent: Why ``cents`` is None; empty when it is not.
    """

    cents: Range | None
    per_thousand: Range
    absent: str


def cost_per_action(*, spend_cents: int, recipients: int, rate: Range) -> CostPerAction:
    """Spend per action, counting all actions of the people mailed.

    Args:
        spend_cents: Money spent on these recipients, whole cents, >= 0.
        recipients: People mailed, >= 1.
        rate: Action rate with its interval, within [0, 1].

    Returns:
        Cents per action with the interval that the rate's gives.

    Raises:
        InputError: A value is outside its domain.

    Examples:
        >>> rate = Range(value=0.02, low=0.016, high=0.025)
        >>> cost = cost_per_action(spend_cents=50_000, recipients=5_000, rate=rate)
        >>> cost.cents, cost.low, cost.high
        (500.0, 400.0, 625.0)
    """
    spend = domain.whole(spend_cents, "spend_cents", at_least=0)
    people = domain.whole(recipients, "recipients")
    domain.rate(rate.low, "rate.low")
    domain.rate(rate.high, "rate.high")
    absent = ""
    if rate.value == 0:
        absent = "nobody acted, so there is no cost per action"
    elif rate.low == 0:
        absent = "the interval of the rate reaches 0, so the cost has no upper end"

    def cents(share: float) -> float | None:
        return None if share == 0 else spend / (people * share)

    return CostPerAction(
        cents=cents(rate.value), low=cents(rate.high), high=cents(rate.low), absent=absent
    )


def actions_per_thousand(*, spend_cents: int, recipients: int, effect: Range) -> Range:
    """Extra actions per 1,000 of currency.

    Args:
        spend_cents: What the treatment cost more than control, whole cents, >= 1.
        recipients: People who got the treatment, >= 1.
        effect: Difference of rates, treatment minus control, with its interval, within [-1, 1].

    Returns:
        Extra actions per 1,000 units of currency (100,000 cents); finite whatever the effect.

    Raises:
        InputError: A value is outside its domain.

    Examples:
        >>> effect = Range(value=0.004, low=-0.001, high=0.009)
        >>> actions_per_thousand(spend_cents=50_000, recipients=5_000, effect=effect)
        Range(value=40.0, low=-10.0, high=90.0)
    """
    spend = domain.whole(spend_cents, "spend_cents")
    people = domain.whole(recipients, "recipients")
    _check_difference(effect)
    return effect.times(people * 100_000 / spend)


def cost_per_extra_action(
    *, spend_cents: int, recipients: int, effect: Range
) -> CostPerExtraAction:
    """Spend per action that the treatment added.

    Args:
        spend_cents: What the treatment cost more than control, whole cents, >= 1.
        recipients: People who got the treatment, >= 1.
        effect: Difference of rates, treatment minus control, with its interval, within [-1, 1].

    Returns:
        Cents per extra action, or None with the reason when the interval meets 0, and extra
        actions per 1,000 of currency in either case.

    Raises:
        InputError: A value is outside its domain.

    References:
        The interval of a reciprocal is the reciprocal of the interval only when it excludes 0
        (Fieller 1954; the unbounded case is what is refused here).

    Examples:
        >>> effect = Range(value=0.004, low=0.002, high=0.005)
        >>> cost = cost_per_extra_action(spend_cents=50_000, recipients=5_000, effect=effect)
        >>> cost.cents
        Range(value=2500.0, low=2000.0, high=5000.0)
        >>> loss = Range(value=0.004, low=-0.001, high=0.009)
        >>> cost_per_extra_action(spend_cents=50_000, recipients=5_000, effect=loss).cents is None
        True
    """
    thousand = actions_per_thousand(spend_cents=spend_cents, recipients=recipients, effect=effect)
    if effect.meets_zero:
        return CostPerExtraAction(
            cents=None,
            per_thousand=thousand,
            absent="the interval of the effect meets 0, so a cost per extra action has no end",
        )
    total = float(spend_cents) / recipients
    ends = sorted((total / effect.low, total / effect.high))
    return CostPerExtraAction(
        cents=Range(value=total / effect.value, low=ends[0], high=ends[1]),
        per_thousand=thousand,
        absent="",
    )


def return_on_spend(
    *, spend_cents: int, recipients: int, effect: Range, value_cents: Range | None = None
) -> Range:
    """Value of the extra actions per unit of money spent; 1 is break-even.

    Args:
        spend_cents: What the treatment cost more than control, whole cents, >= 1.
        recipients: People who got the treatment, >= 1.
        effect: Treatment minus control with its interval: a difference of rates, or of cents per
            recipient when there is no ``value_cents``.
        value_cents: Worth of one action in cents with its interval, such as the mean gift; equal
            ends where it is known exactly. It must come from other data than the effect. None
            when the effect is money already.

    Returns:
        Money back per unit of money spent, with an interval that holds the uncertainty of both.

    Raises:
        InputError: A value is outside its domain.

    References:
        :func:`product`.

    Examples:
        >>> back = return_on_spend(
        ...     spend_cents=50_000,
        ...     recipients=5_000,
        ...     effect=Range(value=0.004, low=0.002, high=0.006),
        ...     value_cents=Range(value=5_000, low=5_000, high=5_000),
        ... )
        >>> back
        Range(value=2.0, low=1.0, high=3.0)
    """
    spend = domain.whole(spend_cents, "spend_cents")
    people = domain.whole(recipients, "recipients")
    if value_cents is None:
        return effect.times(people / spend)
    _check_difference(effect)
    return product(effect, value_cents).times(people / spend)


def product(first: Range, second: Range) -> Range:
    """Range of the product of two independently estimated quantities.

    Args:
        first: One estimate with its interval.
        second: The other, from other data, at the same confidence level.

    Returns:
        The product with an interval at that level. Its sign agrees with the factors': when neither
        interval meets 0, the product's does not either.

    References:
        Newcombe (2011), Propagating imprecision: combining confidence intervals from independent
        sources, Communications in Statistics - Theory and Methods 40, 3154-3180: extremes over the
        ellipse that spends one common critical value on both.

    Examples:
        >>> product(Range(value=2, low=1, high=3), Range(value=10, low=10, high=10))
        Range(value=20, low=10.0, high=30.0)
    """
    angle = np.linspace(0, 2 * math.pi, _ANGLES + 1)

    def along(part: Range, share: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(
            part.value
            + np.where(share < 0, share * (part.value - part.low), share * (part.high - part.value))
        )

    surface = along(first, np.cos(angle)) * along(second, np.sin(angle))
    value = first.value * second.value
    return Range(
        value=value, low=min(value, float(surface.min())), high=max(value, float(surface.max()))
    )


def _check_difference(effect: Range) -> None:
    if effect.low < -1 or effect.high > 1:
        raise InputError(
            f"a difference of rates lies within -1 and 1, got [{effect.low!r}, {effect.high!r}]",
            field="effect",
            value=(effect.low, effect.high),
            hint="give 0.4 points as 0.004, per recipient",
        )
