r"""Power and type I error of an exact plan before the totals are known.

The exact test's error is bounded for every set of totals; its power depends on them. Here the
totals of the waves are drawn and, given the totals, everything else is enumerated: stopping
probabilities are averages of exact numbers over a few hundred draws, with a Monte-Carlo error that
is reported. Simulating the split as well would need a hundred times as many draws.

What must not live here: the choice of n (a search over this function belongs to planning).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from testkit.errors import InputError
from testkit.stats.domain import probability, whole
from testkit.stats.exact import ExitProbabilities, TailPlan, exact_boundaries, exit_probabilities
from testkit.stats.hypergeometric import Margins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.stats.walk import TailMode

__all__ = ["Estimate", "ExactCharacteristics", "exact_characteristics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over draws.

    Attributes:
        value: The mean.
        standard_error: Its Monte-Carlo standard error.
    """

    value: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactCharacteristics:
    """What an exact plan does at a pair of rates.

    Attributes:
        rate_control: Rate of the control.
        rate_arm: Rate of the arm.
        crosses_upper: Probability of stopping for the arm: type I error of that side when the
            rates are equal, else power.
        crosses_lower: Probability of stopping for the control.
        expected_share: Mean information fraction at which the test ends.
        upper: Mean probability of stopping for the arm at each look, shape ``(looks,)``.
        lower: Mean probability of stopping for the control at each look, shape ``(looks,)``.
        largest_upper: Largest conditional probability of stopping for the arm over all draws.
        largest_lower: Largest conditional probability of stopping for the control over all draws.
        draws: Number of draws of the totals.
    """

    rate_control: float
    rate_arm: float
    crosses_upper: Estimate
    crosses_lower: Estimate
    expected_share: Estimate
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    largest_upper: float
    largest_lower: float
    draws: int


def exact_characteristics(
    *,
    n_control: Sequence[int],
    n_arm: Sequence[int],
    rate_control: float,
    rate_arm: float,
    fractions: Sequence[float],
    upper: TailPlan | None,
    lower: TailPlan | None = None,
    tail: TailMode = "exact",
    draws: int = 400,
    rng: np.random.Generator,
) -> ExactCharacteristics:
    """Stopping probabilities of an exact plan at two rates.

    Args:
        n_control: Units of the control that each wave adds, shape ``(looks,)``.
        n_arm: Units of the arm that each wave adds, shape ``(looks,)``.
        rate_control: Rate of the control, in (0, 1).
        rate_arm: Rate of the arm, in (0, 1); the same for type I error.
        fractions: Information fraction of each look, as in
            :func:`~testkit.stats.exact.exact_boundaries`.
        upper: Plan of the side where the arm is better.
        lower: Plan of the side where the arm is worse.
        tail: ``exact`` or ``mid-p``.
        draws: Draws of the waves' totals, at least 2.
        rng: Source of the draws.

    Returns:
        Means with Monte-Carlo errors, and the largest conditional probabilities met.

    Raises:
        InputError: Shapes differ or a value is out of its domain.

    References:
        Blackwell (1947), Annals of Mathematical Statistics 18, 105-110 (averaging conditional
        expectations); Jennison & Turnbull (2000), chapter 12.

    Examples:
        >>> flat = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha * t)
        >>> result = exact_characteristics(
        ...     n_control=[2000, 2000], n_arm=[2000, 2000], rate_control=0.005, rate_arm=0.005,
        ...     fractions=[0.5, 1.0], upper=flat, draws=20, rng=np.random.default_rng(1))
        >>> result.largest_upper <= 0.025
        True
    """
    if len(n_control) != len(n_arm):
        raise InputError(
            f"n_control has {len(n_control)} waves, n_arm {len(n_arm)}", field="n_arm", value=n_arm
        )
    control = np.array([whole(n, f"n_control[{i}]") for i, n in enumerate(n_control)])
    arm = np.array([whole(n, f"n_arm[{i}]") for i, n in enumerate(n_arm)])
    low = probability(rate_control, "rate_control")
    high = probability(rate_arm, "rate_arm")
    count = whole(draws, "draws", at_least=2)
    odds_ratio = high / (1.0 - high) * (1.0 - low) / low
    totals = rng.binomial(control, low, (count, len(control)))
    totals = totals + rng.binomial(arm, high, (count, len(arm)))
    known: dict[tuple[int, ...], ExitProbabilities] = {}
    exits = []
    for row in totals.tolist():
        key = tuple(row)
        if key not in known:
            margins = [
                Margins(n_control=int(c), n_arm=int(a), successes=s)
                for c, a, s in zip(control, arm, row, strict=True)
            ]
            plan = exact_boundaries(
                margins, fractions=fractions, upper=upper, lower=lower, tail=tail
            )
            known[key] = exit_probabilities(plan, odds_ratio=odds_ratio)
        exits.append(known[key])
    up = np.array([each.crosses_upper for each in exits])
    down = np.array([each.crosses_lower for each in exits])
    share = np.array([each.expected_share(fractions) for each in exits])
    return ExactCharacteristics(
        rate_control=low,
        rate_arm=high,
        crosses_upper=_mean(up),
        crosses_lower=_mean(down),
        expected_share=_mean(share),
        upper=tuple(np.mean([each.upper for each in exits], axis=0).tolist()),
        lower=tuple(np.mean([each.lower for each in exits], axis=0).tolist()),
        largest_upper=float(up.max()),
        largest_lower=float(down.max()),
        draws=count,
    )


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Estimate:
    return Estimate(
        value=float(values.mean()),
        standard_error=float(values.std(ddof=1)) / math.sqrt(len(values)),
    )
