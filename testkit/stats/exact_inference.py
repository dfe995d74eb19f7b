r"""Estimates from an exact group-sequential test that ended by its rule: stage-wise inference.

For a test that stopped at a critical count or at its planned end. Outcomes are ordered by where
they stopped, so the p-value, the interval and the median-unbiased estimate allow for the looks and
agree with the decision. While a test runs, or when something else stopped it, see
:mod:`testkit.stats.exact_repeated`.

Theory of operation. Under a log odds ratio :math:`\theta` the chance of a path of counts is its
null chance times :math:`e^{\theta S_k} / M_k(\theta)`. One recursion at a reference value close to
the data therefore gives the distribution over all stopping outcomes at every :math:`\theta`; the
limits are roots of its tails.

The scale is the odds ratio, the only parameter that is left after conditioning. Differences of
rates are mapped from it with the pooled rates as seen and are approximate: their label says so.

What must not live here: boundaries, decisions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from testkit.errors import StateError
from testkit.stats.domain import probability
from testkit.stats.effects import Interval
from testkit.stats.exact import ExactBoundaries, first_crossing
from testkit.stats.exact_table import root_from
from testkit.stats.hypergeometric import IncrementLaw, Margins
from testkit.stats.odds import rates_at_odds_ratio
from testkit.stats.walk import CriticalCounts, Side, walks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "ExactInference",
    "assemble",
    "difference_at_odds_ratio",
    "plan_p_value",
    "stagewise_inference",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactInference:
    """What an exact sequential test says about the size of the effect.

    Attributes:
        kind: ``stage-wise`` or ``repeated``.
        look: Number of the look it belongs to, from 1.
        crossed: Side that was crossed at this look or before; None for none.
        p_upper: One-sided p-value against "the arm is no better"; 0 stands for less than 1e-300.
        p_lower: One-sided p-value against "the arm is no worse".
        p_value: The p-value of the plan: two-sided when both sides spend the same error, that of
            the only side when there is one; None when the sides spend different errors.
        odds_ratio: Median-unbiased estimate (stage-wise), or the conditional maximum-likelihood
            estimate, which ignores the looks (repeated); arm over control. None when infinite or
            when the data say nothing.
        interval: Interval of the odds ratio.
        difference: The estimate as a difference of rates, approximate; None where the odds ratio
            is None.
        difference_interval: The interval as a difference of rates, approximate.
        note: Why a number is None; else empty.
    """

    kind: Literal["stage-wise", "repeated"]
    look: int
    crossed: Side | None
    p_upper: float
    p_lower: float
    p_value: float | None
    odds_ratio: float | None
    interval: Interval
    difference: float | None
    difference_interval: Interval
    note: str = ""


def stagewise_inference(
    boundaries: ExactBoundaries,
    *,
    successes_arm: Sequence[int],
    level: float = 0.95,
    final: bool = False,
) -> ExactInference:
    """p-value, interval and median-unbiased estimate of a test that ended by its rule.

    An outcome is more extreme upwards when it crossed the upper side earlier, or stopped at the
    same look with more successes of the arm; crossing the lower side earlier is less extreme. At
    the end of the plan equal counts are ordered by the count at the look before, as the critical
    counts are.

    Args:
        boundaries: The plan up to the look where the test ended.
        successes_arm: Cumulative successes of the arm at each look up to the end, shape ``(k,)``.
        level: Confidence level, in (0, 1); at ``1 - upper.alpha - lower.alpha`` with equal sides
            the interval leaves out 1 exactly when the test rejects.
        final: Whether the last look was declared final before it was taken (underrun). A look at
            fraction 1 is final anyway.

    Returns:
        The inference. In ``mid-p`` mode half of the outcome's own probability is left out.

    Raises:
        StateError: The test has not ended by its rule: nothing was crossed and the last look is
            not final, or rows came after a crossing. Use :func:`repeated_inference`.
        InputError: Counts that the margins do not allow, or ``level`` outside (0, 1).

    References:
        Tsiatis, Rosner & Mehta (1984), Biometrics 40, 797-803; Jennison & Turnbull (2000),
        sections 8.4-8.5 and 12.

    Examples:
        >>> from testkit.stats.exact import TailPlan, exact_boundaries
        >>> from testkit.stats.hypergeometric import Margins
        >>> flat = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha * t)
        >>> plan = exact_boundaries(
        ...     [Margins(n_control=1000, n_arm=1000, successes=20)] * 2,
        ...     fractions=[0.5, 1.0], upper=flat, lower=flat)
        >>> result = stagewise_inference(plan, successes_arm=[12, 29])
        >>> result.crossed, round(result.p_value, 4), round(result.odds_ratio, 2)
        ('upper', 0.0157, 2.41)
    """
    seen = boundaries.observed(successes_arm)
    look = len(seen)
    crossing = first_crossing(boundaries.critical[:look], seen)
    if crossing is not None and crossing[0] < look:
        raise StateError(
            f"the test stopped at look {crossing[0]}, and rows came after it",
            current="stopped",
            hint="repeated_inference allows for rows after the stop",
        )
    if crossing is None and not final and boundaries.looks[look - 1].fraction < 1.0:
        raise StateError(
            "nothing is crossed and this look was not declared final",
            current="running",
            hint="repeated_inference is for tests that run or were stopped from outside",
        )
    tail = (1.0 - probability(level, "level")) / 2.0
    space = _Outcomes(boundaries, seen)
    mid = 0.5 if boundaries.tail == "mid-p" else 0.0
    low: float | None = 0.0
    high: float | None = None
    if not space.bottom:
        low = math.exp(root_from(lambda x: tail - space.upper(x, mid), space.reference))
    if not space.top:
        high = math.exp(root_from(lambda x: space.lower(x, mid) - tail, space.reference))
    estimate, note = _median(space)
    p_upper, p_lower = min(1.0, space.upper(0.0, mid)), min(1.0, space.lower(0.0, mid))
    p_value, p_note = plan_p_value(boundaries, p_upper, p_lower)
    return assemble(
        boundaries,
        kind="stage-wise",
        look=look,
        crossed=crossing[1] if crossing else None,
        p=(p_upper, p_lower, p_value),
        estimate=estimate,
        limits=(low, high),
        level=level,
        notes=(note, p_note),
    )


def difference_at_odds_ratio(batches: Sequence[Margins], odds_ratio: float) -> float:
    """An odds ratio as a difference of rates, for the units that were in the test. Approximate.

    In each batch the pair of rates with that odds ratio which yields the successes seen in all;
    the differences are averaged with the batches' units as weights. Approximate because the totals
    are taken as if they were known rates.

    Args:
        batches: Margins of the strata and waves, at least one.
        odds_ratio: Odds of the arm over odds of the control, at least 0, ``inf`` allowed.

    Returns:
        Difference of rates, arm minus control.

    Raises:
        InputError: ``odds_ratio`` is negative or NaN.

    Examples:
        >>> batch = Margins(n_control=1000, n_arm=1000, successes=40)
        >>> round(difference_at_odds_ratio([batch], 2.0), 5)
        0.0131
    """
    total = 0.0
    for batch in batches:
        control, arm = rates_at_odds_ratio(
            n_control=batch.n_control,
            n_arm=batch.n_arm,
            successes=batch.successes,
            odds_ratio=odds_ratio,
        )
        total += batch.n * (arm - control)
    return total / sum(batch.n for batch in batches)


class _Outcomes:
    """Distribution of where the test stops, up to the look where it did, at every odds ratio."""

    def __init__(self, boundaries: ExactBoundaries, seen: Sequence[int]) -> None:
        look, self._seen = len(seen), seen[-1]
        self._laws = [IncrementLaw(wave) for wave in boundaries.waves[:look]]
        critical = boundaries.critical[:look]
        self.reference = _reference(self._laws, seen[-1])
        self._moments = self._cumulative_moments(self.reference)
        steps = [(law.lowest, law.probabilities(self.reference)) for law in self._laws]
        above: list[tuple[int, int, NDArray[np.float64]]] = []
        below: list[tuple[int, int, NDArray[np.float64]]] = []
        own: list[tuple[int, int, NDArray[np.float64]]] = []
        before = seen[-2] if look > 1 else 0
        for index, walk in enumerate(walks(steps, critical)):
            if index == look - 1:
                cut = min(max(self._seen - walk.start, 0), len(walk.mass))
                if boundaries.looks[index].tied:
                    # Equal counts are ordered by the count at the look before.
                    paths = walk.tied(self._seen)
                    up, at = paths.tail(before, "upper")
                    down = paths.tail(before, "lower")[0]
                    above.append((index, self._seen, np.array([up])))
                    above.append((index, walk.start + cut + 1, walk.mass[cut + 1 :]))
                    below.append((index, self._seen, np.array([down])))
                    below.append((index, walk.start, walk.mass[:cut]))
                    own.append((index, self._seen, np.array([at])))
                else:
                    above.append((index, walk.start + cut, walk.mass[cut:]))
                    below.append((index, walk.start, walk.mass[: cut + 1]))
                    own.append((index, self._seen, walk.mass[cut : cut + 1]))
            else:
                going = walk.inside(critical[index])
                first, last = going.start - walk.start, going.start - walk.start + len(going.mass)
                above.append((index, walk.start + last, walk.mass[last:]))
                below.append((index, walk.start, walk.mass[:first]))
                # What a tie takes of the counts at the edges stops there as well.
                if len(going.mass):
                    tied_low, tied_high = walk.ties(critical[index])
                    above.append((index, walk.start + last - 1, np.array([tied_high])))
                    below.append((index, walk.start + first, np.array([tied_low])))
        self._above, self._below, self._here = map(self._atoms, (above, below, own))
        self.bottom = self._end(critical, highest=False)
        self.top = self._end(critical, highest=True)

    def upper(self, theta: float, less_own: float) -> float:
        """Probability of this outcome or one more extreme upwards."""
        own = self._own(theta)
        # Far from the reference the bulk may have underflowed there: sum the side that holds the
        # data, and take the other one as the rest.
        if theta <= self.reference:
            return self._sum(self._above, theta) - less_own * own
        return 1.0 - self._sum(self._below, theta) + (1.0 - less_own) * own

    def lower(self, theta: float, less_own: float) -> float:
        """Probability of this outcome or one more extreme downwards."""
        own = self._own(theta)
        if theta >= self.reference:
            return self._sum(self._below, theta) - less_own * own
        return 1.0 - self._sum(self._above, theta) + (1.0 - less_own) * own

    def _own(self, theta: float) -> float:
        return self._sum(self._here, theta)

    def _sum(
        self,
        atoms: tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]],
        theta: float,
    ) -> float:
        look, count, logs = atoms
        shift = self._cumulative_moments(theta) - self._moments
        return float(np.exp(logs + (theta - self.reference) * count - shift[look]).sum())

    def _cumulative_moments(self, theta: float) -> NDArray[np.float64]:
        return np.cumsum([law.log_moment(theta) for law in self._laws])

    @staticmethod
    def _atoms(
        parts: Sequence[tuple[int, int, NDArray[np.float64]]],
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Look, count and log probability of every outcome in the parts."""
        mass = np.concatenate([mass for _, _, mass in parts])
        look = np.concatenate([np.full(len(m), index, dtype=np.intp) for index, _, m in parts])
        count = np.concatenate(
            [start + np.arange(len(m), dtype=np.float64) for _, start, m in parts]
        )
        kept = mass > 0.0
        return look[kept], count[kept], np.log(mass[kept])

    def _end(self, critical: Sequence[CriticalCounts], *, highest: bool) -> bool:
        """Whether an odds ratio of 0 (or infinity) leads to this outcome or one beyond it.

        Then the tail towards it never gets small, and there is no limit on that side.
        """
        total = 0
        for index, law in enumerate(self._laws[:-1]):
            before = total
            total += law.highest if highest else law.lowest
            side = critical[index].side(total, before=before)
            if side is not None:
                return side == ("lower" if highest else "upper")
        total += self._laws[-1].highest if highest else self._laws[-1].lowest
        return total <= self._seen if highest else total >= self._seen


def _median(space: _Outcomes) -> tuple[float | None, str]:
    if space.bottom and space.top:
        return None, "only one outcome was possible, so the data say nothing about the odds ratio"
    if space.bottom:
        return 0.0, ""
    if space.top:
        return None, "the arm has all the successes it could, so the odds ratio is infinite"
    root = root_from(lambda x: 0.5 - space.upper(x, 0.5), space.reference)
    return math.exp(root), ""


def _reference(laws: Sequence[IncrementLaw], count: int) -> float:
    """The log odds ratio under which the count is close to the mean; finite in every case."""
    lowest, highest = sum(law.lowest for law in laws), sum(law.highest for law in laws)
    if lowest == highest:
        return 0.0
    goal = min(max(float(count), lowest + 0.5), highest - 0.5)
    return root_from(lambda x: goal - sum(law.mean_and_variance(x)[0] for law in laws), 0.0)


def plan_p_value(
    boundaries: ExactBoundaries, p_upper: float, p_lower: float
) -> tuple[float | None, str]:
    """The p-value that speaks for the plan as a whole.

    Args:
        boundaries: The plan.
        p_upper: One-sided p-value of the upper side.
        p_lower: One-sided p-value of the lower side.

    Returns:
        Twice the smaller one when both sides spend the same error, that of the only side when
        there is one; otherwise None with the reason.

    References:
        Cox & Hinkley (1974), Theoretical Statistics, section 3.4, for doubling the smaller tail.
    """
    upper, lower = boundaries.upper, boundaries.lower
    if upper is None or lower is None:
        return (p_upper, "") if lower is None else (p_lower, "")
    if upper.alpha == lower.alpha:
        return min(1.0, 2.0 * min(p_upper, p_lower)), ""
    return None, "the sides spend different errors, so read each side's p-value against its own"


def assemble(
    boundaries: ExactBoundaries,
    *,
    kind: Literal["stage-wise", "repeated"],
    look: int,
    crossed: Side | None,
    p: tuple[float, float, float | None],
    estimate: float | None,
    limits: tuple[float | None, float | None],
    level: float,
    notes: tuple[str, str],
) -> ExactInference:
    """The inference with its limits and estimate also as differences of rates.

    Args:
        boundaries: The plan.
        kind: How the limits were made.
        look: Number of the look.
        crossed: Side that was crossed, if any.
        p: Upper, lower and plan p-value.
        estimate: Odds ratio; None when infinite or unknown.
        limits: Limits of the odds ratio; None for no upper limit.
        level: Level of the interval.
        notes: Reasons for what is None; empty ones are left out.

    Returns:
        The result that the caller sees.
    """
    batches = boundaries.batches(look)
    low, high = limits
    mode = "exact" if boundaries.tail == "exact" else "mid-p (approximate)"
    limit_note = "" if high is not None else "the data set no upper limit"
    return ExactInference(
        kind=kind,
        look=look,
        crossed=crossed,
        p_upper=p[0],
        p_lower=p[1],
        p_value=p[2],
        odds_ratio=estimate,
        interval=Interval(
            low=low,
            high=high,
            level=level,
            method=f"{kind} {mode} odds ratio",
            note=limit_note,
        ),
        difference=None if estimate is None else difference_at_odds_ratio(batches, estimate),
        difference_interval=Interval(
            low=difference_at_odds_ratio(batches, 0.0 if low is None else low),
            high=difference_at_odds_ratio(batches, math.inf if high is None else high),
            level=level,
            method=f"{kind} {mode} odds ratio, mapped to a difference (approximate)",
            note=limit_note,
        ),
        note="; ".join(note for note in notes if note),
    )
