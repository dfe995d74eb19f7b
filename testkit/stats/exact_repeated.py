r"""Repeated intervals and sequential p-values of an exact group-sequential test.

For every moment at which the test has not ended by its rule: while it runs, when it was stopped by
something else (harm, calendar, impatience), or when rows came after the stop. Valid at all looks
together, whatever made somebody look, and wider than the stage-wise interval for it.

Theory of operation. Every odds ratio has its own group-sequential test with the same spending: the
critical counts belong to the hypothesis. The interval holds those that are not rejected at this
look, so it leaves out 1 exactly when the look crosses. The sequential p-value turns the same idea
to the error: the smallest alpha at which the plan would have crossed by now.

What must not live here: boundaries, decisions, stage-wise inference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.stats.exact import ExactBoundaries, TailPlan, first_crossing
from testkit.stats.exact_inference import (
    ExactInference,
    assemble,
    plan_p_value,
)
from testkit.stats.exact_table import conditional_odds_ratio, root_from
from testkit.stats.hypergeometric import IncrementLaw
from testkit.stats.walk import START, Side, critical_counts, step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SequentialP", "repeated_inference", "sequential_p_value"]

# Largest error at which a sequential p-value is sought; beyond it the p-value is 1.
_MOST: Final = 0.999999
# Smallest error that is told apart from 0.
_LEAST: Final = 1e-300
# How far, and how finely, the repeated interval looks beyond its first limit, in log odds.
_PROBES: Final = 12
_PROBE_STEP: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialP:
    """Sequential p-values: the smallest error at which the plan would have stopped by now.

    Attributes:
        upper: Of the upper side; 1 when the plan has no upper side.
        lower: Of the lower side; 1 when the plan has no lower side.
    """

    upper: float
    lower: float


def repeated_inference(
    boundaries: ExactBoundaries, *, successes_arm: Sequence[int]
) -> ExactInference:
    """Repeated interval of the odds ratio and sequential p-values, valid at every look.

    The interval holds every odds ratio that its own exact group-sequential test, with the same
    spending, does not reject at this look. All repeated intervals together cover with probability
    at least ``1 - upper.alpha - lower.alpha``, whatever made the test stop. A side that the plan
    does not have sets no limit. At looks with realised counts the error that these spent serves
    as the allowance.

    Args:
        boundaries: The plan up to the present look.
        successes_arm: Cumulative successes of the arm at each look so far, shape ``(k,)``.

    Returns:
        The inference; ``odds_ratio`` is the conditional maximum-likelihood estimate of all rows,
        which is biased when the look was chosen by the data.

    Raises:
        InputError: Counts that the margins do not allow.

    References:
        Jennison & Turnbull (1989), JRSS B 51, 305-361, and (2000), chapter 9 (repeated intervals);
        Liu & Anderson (2008), JASA 103, 1621-1630 (sequential p-value).

    Examples:
        >>> from testkit.stats.exact import TailPlan, exact_boundaries
        >>> from testkit.stats.hypergeometric import Margins
        >>> flat = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha * t)
        >>> plan = exact_boundaries(
        ...     [Margins(n_control=1000, n_arm=1000, successes=20)],
        ...     fractions=[0.5], upper=flat, lower=flat)
        >>> result = repeated_inference(plan, successes_arm=[12])
        >>> round(result.interval.low, 3), round(result.interval.high, 2), result.interval.level
        (0.496, 4.94, 0.95)
    """
    seen = boundaries.observed(successes_arm)
    look = len(seen)
    crossing = first_crossing(boundaries.critical[:look], seen)
    batches = boundaries.batches(look)
    estimate, note = conditional_odds_ratio(batches, seen[-1])
    family = _Family(boundaries, look)
    low = family.low_limit(seen)
    high = family.high_limit(seen)
    p = sequential_p_value(boundaries, successes_arm=seen)
    p_value, p_note = plan_p_value(boundaries, p.upper, p.lower)
    alphas = [plan.alpha for plan in (boundaries.upper, boundaries.lower) if plan is not None]
    return assemble(
        boundaries,
        kind="repeated",
        look=look,
        crossed=crossing[1] if crossing else None,
        p=(p.upper, p.lower, p_value),
        estimate=estimate,
        limits=(low, high),
        level=1.0 - math.fsum(alphas),
        notes=(note, p_note),
    )


def sequential_p_value(boundaries: ExactBoundaries, *, successes_arm: Sequence[int]) -> SequentialP:
    """The smallest error of each side at which the plan would have crossed by now.

    Args:
        boundaries: The plan up to the present look.
        successes_arm: Cumulative successes of the arm at each look so far, shape ``(k,)``.

    Returns:
        One-sided sequential p-values; each is at most its side's alpha exactly when that side has
        been crossed (realised looks are solved anew for this). They may be used in Holm's or a
        graphical procedure with the sides' spending functions.

    Raises:
        InputError: Counts that the margins do not allow.

    References:
        Liu & Anderson (2008), JASA 103, 1621-1630.

    Examples:
        >>> from testkit.stats.exact import TailPlan, exact_boundaries
        >>> from testkit.stats.hypergeometric import Margins
        >>> flat = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha * t)
        >>> plan = exact_boundaries(
        ...     [Margins(n_control=1000, n_arm=1000, successes=20)],
        ...     fractions=[0.5], upper=flat)
        >>> round(sequential_p_value(plan, successes_arm=[15]).upper, 4)
        0.0404
    """
    seen = boundaries.observed(successes_arm)
    return SequentialP(
        upper=_smallest_alpha(boundaries, seen, "upper"),
        lower=_smallest_alpha(boundaries, seen, "lower"),
    )


class _Family:
    """The group-sequential tests of all odds ratios at one look, for the repeated interval."""

    def __init__(self, boundaries: ExactBoundaries, look: int) -> None:
        self._laws = [IncrementLaw(wave) for wave in boundaries.waves[:look]]
        looks = boundaries.looks[:look]
        self._tail = boundaries.tail
        # A realised count spends exactly its own tail: the hair on top keeps the null on the
        # rejected side, as it was decided.
        hair = 1.0 + 1e-9
        self._high = [hair * e.spent_high if e.realised else e.allowed_high for e in looks]
        self._low = [hair * e.spent_low if e.realised else e.allowed_low for e in looks]
        self._tied = [e.tied for e in looks]
        self._lowest = sum(law.lowest for law in self._laws)
        self._highest = sum(law.highest for law in self._laws)

    def low_limit(self, seen: Sequence[int]) -> float | None:
        """Smallest odds ratio that the upper side does not reject."""
        if self._high[-1] <= 0.0 or seen[-1] <= self._lowest:
            return 0.0
        return math.exp(self._limit(lambda x: self._excess(x, seen, "upper"), -1.0))

    def high_limit(self, seen: Sequence[int]) -> float | None:
        """Largest odds ratio that the lower side does not reject."""
        if self._low[-1] <= 0.0 or seen[-1] >= self._highest:
            return None
        return math.exp(self._limit(lambda x: self._excess(x, seen, "lower"), 1.0))

    @staticmethod
    def _limit(excess: Callable[[float], float], outwards: float) -> float:
        # Searched from the null: rejected, the limit lies inwards of it, else outwards.
        root = limit = root_from(lambda x: outwards * excess(x), 0.0)
        # Counts are lumpy: as the hypothesis moves out, a critical count of an earlier look may
        # jump and a hypothesis beyond the root be accepted again (measured: within 0.12). The
        # interval covers those too, but never takes back a null that the decision rejected.
        rejected = root * outwards < 0.0
        for number in range(1, _PROBES + 1):
            probe = root + outwards * _PROBE_STEP * number
            if rejected and probe * outwards >= 0.0:
                break
            if excess(probe) > 0.0:
                limit = probe
        return limit

    def _excess(self, theta: float, seen: Sequence[int], side: Side) -> float:
        """Error that rejecting at what was seen would need, less the allowance."""
        walk = START
        spent = {"upper": 0.0, "lower": 0.0}
        for index, law in enumerate(self._laws):
            walk = step(walk, law.lowest, law.probabilities(theta))
            if index == len(self._laws) - 1:
                break
            critical = critical_counts(
                walk,
                spent=(spent["lower"], spent["upper"]),
                allowed=(self._low[index], self._high[index]),
                tail=self._tail,
                tied=self._tied[index],
            )
            below, above = walk.outside(critical)
            spent["lower"] += below
            spent["upper"] += above
            walk = walk.inside(critical)
        beyond, at = walk.tail(seen[-1], side)
        needed = beyond - (0.5 * at if self._tail == "mid-p" else 0.0)
        if self._tied[-1]:
            before = seen[-2] if len(seen) > 1 else 0
            beyond = walk.tail(seen[-1] + (1 if side == "upper" else -1), side)[0]
            needed = beyond + walk.tied(seen[-1]).tail(before, side)[0]
        allowed = self._high if side == "upper" else self._low
        return spent[side] + needed - allowed[-1]


def _smallest_alpha(boundaries: ExactBoundaries, seen: Sequence[int], side: Side) -> float:
    """Bisection on alpha, the other side as planned."""
    plan = boundaries.upper if side == "upper" else boundaries.lower
    if plan is None:
        return 1.0
    times = [look.fraction for look in boundaries.looks[: len(seen)]]
    laws = [IncrementLaw(wave) for wave in boundaries.waves[: len(seen)]]
    steps = [(law.lowest, law.probabilities(0.0)) for law in laws]
    upwards = side == "upper"
    other_plan = boundaries.lower if upwards else boundaries.upper
    other_allowed = other_plan.allowed(times) if other_plan else (0.0,) * len(times)

    def crosses(alpha: float) -> bool:
        own_allowed = TailPlan(alpha=alpha, spending=plan.spending).allowed(times)
        walk = START
        spent = (0.0, 0.0)
        for index, (lowest, mass) in enumerate(steps):
            walk = step(walk, lowest, mass)
            own, other = own_allowed[index], other_allowed[index]
            critical = critical_counts(
                walk,
                spent=spent,
                allowed=(other, own) if upwards else (own, other),
                tail=boundaries.tail,
                tied=boundaries.looks[index].tied,
            )
            if critical.reaches(side, seen[index], before=seen[index - 1] if index else 0):
                return True
            below, above = walk.outside(critical)
            spent = (spent[0] + below, spent[1] + above)
            walk = walk.inside(critical)
        return False

    # Start from the plan's own alpha: the p-value is on the same side of it as the decision.
    if crosses(plan.alpha):
        low, high = 0.0, plan.alpha
    elif crosses(_MOST):
        low, high = plan.alpha, _MOST
    else:
        return 1.0
    while high - low > 1e-9 * high and high > _LEAST:
        middle = 0.5 * (low + high)
        if crosses(middle):
            high = middle
        else:
            low = middle
    return high
