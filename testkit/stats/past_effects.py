"""Effects of past tests on a scale that tests of unlike base rates share.

What lives here: log odds ratios whose standard errors hardly know the effect, and the way back to a
difference of rates. What must not: priors and what they do to an effect
(:mod:`testkit.stats.shrink`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from testkit.errors import InputError
from testkit.stats import domain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["difference_after", "log_odds_effects"]


def log_odds_effects(
    *, control: ArrayLike, n_control: ArrayLike, treatment: ArrayLike, n_treatment: ArrayLike
) -> tuple[Floats, Floats]:
    """Effects of past tests of rates on a scale that tests of unlike base rates share.

    A tenth more is a tenth more at 0.4 % and at 40 %; a difference in points, or in arcsine roots,
    is not.

    Args:
        control: Conversions of the control arm per test, shape ``(tests,)``.
        n_control: Recipients of the control arm per test, same shape.
        treatment: Conversions of the treatment arm per test, same shape.
        n_treatment: Recipients of the treatment arm per test, same shape.

    Returns:
        Log odds ratios (half a conversion added on each side) and standard errors that come from
        the rate of both arms together, so that they hardly know the effect; each of shape
        ``(tests,)``. :func:`difference_after` turns an effect back into a difference of rates.

    Raises:
        InputError: Counts are not whole, negative or above n, or shapes differ.

    References:
        The half: Haldane (1956), Annals of Human Genetics 20, 309-311. The standard error is that
        of the score under one common rate, as in the one-step estimate of Yusuf, Peto, Lewis,
        Collins & Sleight (1985), Progress in Cardiovascular Diseases 27, 335-371.

    Examples:
        >>> effect, se = log_odds_effects(
        ...     control=[20], n_control=[1000], treatment=[30], n_treatment=[1000]
        ... )
        >>> round(float(effect[0]), 3), round(float(se[0]), 3)
        (0.408, 0.284)
    """
    a, n_a = domain.counts(control, n_control, fields=("control", "n_control"))
    b, n_b = domain.counts(treatment, n_treatment, fields=("treatment", "n_treatment"))
    if a.shape != b.shape:
        raise InputError(
            f"control has {a.size} tests, treatment has {b.size}", field="treatment", value=b.size
        )
    effect = np.log((b + 0.5) / (n_b - b + 0.5)) - np.log((a + 0.5) / (n_a - a + 0.5))
    rate = (a + b + 1) / (n_a + n_b + 2)
    return np.asarray(effect), np.sqrt((1 / n_a + 1 / n_b) / (rate * (1 - rate)))


def difference_after(effect: float, *, rate: float, share: float = 0.5) -> float:
    """Difference of rates, arm minus control, that a log odds ratio makes.

    Args:
        effect: Log odds ratio.
        rate: Rate of both arms together, in (0, 1). What is taken from the arm is given to the
            control: luck that made the one look good made the other look bad.
        share: Share of the arm, in (0, 1).

    Returns:
        The difference, strictly between -1 and 1.

    Raises:
        InputError: A value is outside its domain.

    References:
        Cox (1970), The Analysis of Binary Data, for the logistic scale.

    Examples:
        >>> round(difference_after(0.408, rate=0.025), 4)
        0.01
    """
    middle = math.log(domain.probability(rate, "rate") / (1 - rate))
    after = domain.probability(share, "share")
    moved = domain.finite(effect, "effect")
    return float(expit(middle + (1 - after) * moved) - expit(middle - after * moved))
