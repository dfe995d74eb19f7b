r"""Fisher's exact test of one table, or of many with a common odds ratio, and its estimates.

The one-look case of the exact engine, and the answer for an experiment that was looked at once.
Everything is conditional on the margins of every stratum, so base rates do not enter.

What must not live here: sequential looks (:mod:`testkit.stats.exact`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.errors import ConvergenceError
from testkit.stats.counts import TwoByTwo, tables
from testkit.stats.domain import probability
from testkit.stats.effects import Interval
from testkit.stats.hypergeometric import IncrementLaw, Margins, margins_of
from testkit.stats.roots import bracketed_root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ExactTable", "conditional_odds_ratio", "fisher_exact", "root_from"]

# Two tables with the same probability differ in the last digits; R's fisher.test allows the same.
_TIE: Final = 1e-7
# exp(700) still fits a float, and no count needs an odds ratio beyond it.
_FURTHEST: Final = 700.0
_WIDTH: Final = 1e-13
_NO_INFORMATION: Final = "no stratum has both successes and failures, so the split says nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactTable:
    """Exact comparison of two arms at one look.

    Attributes:
        p_value: Two-sided: all splits that are no more probable than the one seen.
        p_upper: Probability of as many successes of the arm or more when the arms are equal.
        p_lower: Probability of as many successes of the arm or fewer when the arms are equal.
        odds_ratio: Conditional maximum-likelihood odds ratio, arm over control; None when it is
            infinite or the data say nothing.
        interval: Central exact interval of the odds ratio: each limit errs at most half of
            ``1 - level``.
        note: Why an estimate is None; else empty.
    """

    p_value: float
    p_upper: float
    p_lower: float
    odds_ratio: float | None
    interval: Interval
    note: str = ""


def fisher_exact(strata: Sequence[TwoByTwo], *, level: float = 0.95) -> ExactTable:
    """Exact test and interval of an odds ratio that is common to all strata.

    Args:
        strata: One table a stratum, at least one; one table gives Fisher's exact test.
        level: Confidence level of the interval, in (0, 1).

    Returns:
        p-values, estimate and interval.

    Raises:
        InputError: No strata, or ``level`` is outside (0, 1).

    References:
        Fisher (1935), JRSS 98, 39-82; Cornfield (1956), Third Berkeley Symposium 4, 135-148
        (limits); Gart (1970), Biometrika 57, 471-475 (several tables).

    Examples:
        >>> result = fisher_exact(
        ...     [TwoByTwo(successes_control=3, n_control=10, successes_arm=9, n_arm=10)])
        >>> round(result.p_value, 5), round(result.odds_ratio, 3), round(result.interval.low, 3)
        (0.01977, 17.269, 1.387)
    """
    checked = tables(strata)
    tail = (1.0 - probability(level, "level")) / 2.0
    law = IncrementLaw([margins_of(table) for table in checked])
    seen = sum(table.successes_arm for table in checked)
    null = law.probabilities(0.0)
    index = seen - law.lowest
    beyond = null[null <= null[index] * (1.0 + _TIE)]

    def upper(theta: float) -> float:
        return float(law.probabilities(theta)[index:].sum())

    def lower(theta: float) -> float:
        return float(law.probabilities(theta)[: index + 1].sum())

    estimate, note = conditional_odds_ratio([margins_of(t) for t in checked], seen)
    start = math.log(estimate) if estimate else 0.0
    low, high = 0.0, None
    if seen > law.lowest:
        low = math.exp(root_from(lambda x: tail - upper(x), start))
    if seen < law.highest:
        high = math.exp(root_from(lambda x: lower(x) - tail, start))
    return ExactTable(
        p_value=min(1.0, float(beyond.sum())),
        p_upper=min(1.0, upper(0.0)),
        p_lower=min(1.0, lower(0.0)),
        odds_ratio=estimate,
        interval=Interval(
            low=low,
            high=high,
            level=level,
            method="exact conditional odds ratio",
            note="" if high is not None else note or "the arm has all the successes it could",
        ),
        note=note,
    )


def conditional_odds_ratio(
    batches: Sequence[Margins], successes_arm: int
) -> tuple[float | None, str]:
    """Conditional maximum-likelihood odds ratio from the arm's successes over all batches.

    Args:
        batches: Margins of the strata and waves, at least one.
        successes_arm: Successes of the arm in all of them together, within their range.

    Returns:
        The odds ratio (0 when the arm has the fewest successes it could), and an empty note; or
        None with the reason.

    References:
        Fisher (1935), JRSS 98, 39-82; Gart (1970), Biometrika 57, 471-475.

    Examples:
        >>> estimate, _ = conditional_odds_ratio([Margins(n_control=10, n_arm=10, successes=12)], 9)
        >>> round(estimate, 3)
        17.269
    """
    law = IncrementLaw(batches)
    if law.lowest == law.highest:
        return None, _NO_INFORMATION
    if successes_arm >= law.highest:
        return None, "the arm has all the successes it could, so the odds ratio is infinite"
    if successes_arm <= law.lowest:
        return 0.0, ""
    root = root_from(lambda x: successes_arm - law.mean_and_variance(x)[0], 0.0)
    return math.exp(root), ""


def root_from(decreasing: Callable[[float], float], start: float) -> float:
    """Root of a decreasing function, searched outwards from a guess.

    Args:
        decreasing: The function; positive far left, negative far right.
        start: Where to begin.

    Returns:
        The sign change, within 1e-13 or that share of itself.

    Raises:
        ConvergenceError: No sign change within 700 of 0, or the function returned NaN.

    Examples:
        >>> round(root_from(lambda x: 5.0 - x, 0.0), 9)
        5.0
    """
    value = decreasing(start)
    sign, width, near = math.copysign(1.0, value), 0.5, start
    while True:
        far = near + sign * width
        if abs(far) > _FURTHEST:
            raise ConvergenceError(
                f"no sign change within {_FURTHEST:g} of 0", routine="root_from", residual=value
            )
        value = decreasing(far)
        if not value * sign > 0.0:
            return bracketed_root(
                decreasing, min(near, far), max(near, far), routine="root_from", tolerance=_WIDTH
            )
        near, width = far, 2.0 * width
