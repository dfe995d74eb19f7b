"""Waiting times of which some are not over yet: Kaplan-Meier, and quantiles with their limits.

An item that still waits says that its time is *at least* so long. Leaving it out, or counting it as
answered now, makes slow approvers look fast; here it counts as at risk until now and no longer.
What ended the wait without an answer (the author edited, the request was withdrawn) counts the
same way, which assumes that such ends do not favour the slow or the quick.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Curve", "Quantile", "kaplan_meier", "quantile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The share that still waits, as steps.

    Attributes:
        times: Distinct times with an answer, rising, shape ``(steps,)``.
        waiting: Share that waits longer than each of them, in [0, 1].
        error: Greenwood's standard error of that share.
        n: Waits in all.
        answered: Of which so many ended in an answer.
    """

    times: tuple[float, ...]
    waiting: tuple[float, ...]
    error: tuple[float, ...]
    n: int
    answered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """A quantile of the waiting time with its limits.

    Attributes:
        value: None when too few were answered to reach it.
        low: Lower limit; None when there is none.
        high: Upper limit; None when the data set none.
    """

    value: float | None
    low: float | None
    high: float | None


def kaplan_meier(times: Sequence[float], answered: Sequence[bool]) -> Curve:
    """The product-limit estimate of the share that still waits.

    Args:
        times: How long each waited, any unit, at least 0, shape ``(n,)``.
        answered: Whether the wait ended in an answer; False when it was cut off, shape ``(n,)``.

    Raises:
        InputError: The two differ in length, or a time is negative or not finite.

    References:
        Kaplan & Meier (1958), JASA 53(282), 457-481; Greenwood (1926) for the error.

    Examples:
        >>> curve = kaplan_meier([1, 2, 2, 3], [True, True, False, True])
        >>> curve.times, [round(s, 3) for s in curve.waiting]
        ((1, 2, 3), [0.75, 0.5, 0.0])
    """
    if len(times) != len(answered):
        raise InputError("one flag for each time", field="answered", value=len(answered))
    for time in times:
        if not (math.isfinite(time) and time >= 0):
            raise InputError("a waiting time is finite and not negative", field="times", value=time)
    steps: list[tuple[float, float, float]] = []
    share, greenwood, at_risk = 1.0, 0.0, len(times)
    for time in sorted(set(times)):
        here = [flag for t, flag in zip(times, answered, strict=True) if t == time]
        ended = sum(here)
        if ended:
            share *= 1 - ended / at_risk
            # At the last answer everybody is gone: the share is 0 and its error 0 by continuity.
            greenwood += ended / (at_risk * (at_risk - ended)) if at_risk > ended else 0.0
            steps.append((time, share, share * math.sqrt(greenwood)))
        at_risk -= len(here)
    return Curve(
        times=tuple(t for t, _, _ in steps),
        waiting=tuple(s for _, s, _ in steps),
        error=tuple(e for _, _, e in steps),
        n=len(times),
        answered=sum(answered),
    )


def quantile(curve: Curve, p: float, *, level: float = 0.95) -> Quantile:
    """The time within which a share ``p`` was answered, with Brookmeyer-Crowley limits.

    The limits are the times at which a test of "the share that waits is ``1 - p``", on the scale
    of ``log(-log)``, does not reject.

    Args:
        curve: From :func:`kaplan_meier`.
        p: Share answered, in (0, 1): 0.5 is the median.
        level: Of the limits, in (0, 1).

    Raises:
        InputError: ``p`` or ``level`` is outside (0, 1).

    References:
        Brookmeyer & Crowley (1982), Biometrics 38(1), 29-41.

    Examples:
        >>> quantile(kaplan_meier([1, 2, 3, 4, 5, 6, 7], [True] * 7), 0.5).value
        4
    """
    for name, value in (("p", p), ("level", level)):
        if not 0 < value < 1:
            raise InputError(f"{name} lies between 0 and 1", field=name, value=value)
    # A share that is 1 - p but for rounding is 1 - p.
    reached = [t for t, s in zip(curve.times, curve.waiting, strict=True) if s <= 1 - p + 1e-12]
    z = NormalDist().inv_cdf((1 + level) / 2)
    target = math.log(-math.log(1 - p))
    inside = [
        i
        for i, (share, error) in enumerate(zip(curve.waiting, curve.error, strict=True))
        if 0 < share < 1
        and abs(math.log(-math.log(share)) - target) <= z * error / (share * -math.log(share))
    ]
    low = high = None
    if inside:
        low = curve.times[inside[0]]
        after = inside[-1] + 1
        high = curve.times[after] if after < len(curve.times) else None
    return Quantile(value=reached[0] if reached else None, low=low, high=high)
