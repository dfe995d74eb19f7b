r"""One look of the exact engine, from counts per wave to critical counts, intervals and p-values.

The facade for a product: it strings together :mod:`testkit.stats.exact`, :mod:`exact_inference`
and :mod:`exact_repeated` in the one order that is right, and adds no statistics of its own.

What is fixed at lock: the engine, alpha, the spending function, and the information that the plan
will have in all. What is measured: *information* is ``n_control n_arm / (n_control + n_arm)``,
added up over the waves that a look takes, so it counts units and never moves with an outcome; its
share of the plan, at most 1, is the point on the spending function. A look that was declared final
before it was taken spends all that remains.

Each wave (or stratum of a wave) is a batch. The law of a look is conditional on the batches'
margins as they are *now*: when rows come late, pass the counts as they are and the recursion runs
again. Critical counts of past looks are never solved again, they enter as they were used. A look
that the z engine took enters with its bound on z, turned into the counts that it stood for
(a z bound is a bound on counts once the margins are known), so a test that switches from z to exact
midway pays for what its z looks have really spent, tail by tail.

What must not live here: whether a wave is old enough, whether there are enough outcomes to read,
and the verdict's consequences. Not for clusters: units inside a wave must be independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo, tables
from testkit.stats.domain import positive, probability
from testkit.stats.effects import StratifiedEffect, stratified_z
from testkit.stats.exact import (
    ExactBoundaries,
    TailPlan,
    critical_counts_from_z,
    exact_boundaries,
    first_crossing,
)
from testkit.stats.exact_inference import ExactInference, stagewise_inference
from testkit.stats.exact_repeated import repeated_inference, sequential_p_value
from testkit.stats.hypergeometric import margins_of
from testkit.stats.walk import CriticalCounts, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from testkit.stats.hypergeometric import Margins

__all__ = ["ExactReading", "PastLook", "exact_look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLook:
    """A look that took part in the spending.

    Attributes:
        added: Counts, as they are now, of the waves that it was the first to take; at least one.
        critical: Critical counts that it used, when the exact engine took it.
        z_bound: Bound on the absolute value of z that it used, > 0, when the z engine took it;
            infinity for a look that could not stop.
        z_stratified: Whether that z was stratified by wave
            (:func:`testkit.stats.effects.stratified_z`) or pooled over the waves.

    Raises:
        InputError: There are no counts, not exactly one of ``critical`` and ``z_bound``, or a bound
            that is not above 0.
    """

    added: tuple[TwoByTwo, ...]
    critical: CriticalCounts | None = None
    z_bound: float | None = None
    z_stratified: bool = False

    def __post_init__(self) -> None:
        tables(self.added, field="added")
        if (self.critical is None) is (self.z_bound is None):
            raise InputError(
                "a past look has critical counts or a bound on z, one of the two",
                field="critical",
                value=self.critical,
                hint="CriticalCounts(low=None, high=None) stands for a look that could not stop",
            )
        if self.z_bound is not None and not self.z_bound > 0.0:
            raise InputError("z_bound must be above 0", field="z_bound", value=self.z_bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactReading:
    """What the exact engine says at a look.

    Attributes:
        look: Number of the look among those that spend, from 1.
        information: ``n_control n_arm / (n_control + n_arm)``, added up over all waves.
        fraction: Its share of the plan's information; may exceed 1.
        final: Whether this look spends all that remains: declared so, or the plan's information is
            reached.
        critical: Counts of the arm at which this look stops; keep them for the next one.
        successes_arm: Successes of the arm so far.
        successes: Successes of both arms so far.
        expected_arm: Successes that the arm would have on average if the arms were equal.
        crossed: Side that this look crosses: ``upper`` for a better arm; None for neither.
        crossed_before: Number of the first past look that is crossed with the counts as they are
            now; None for none. Then this look is one after the stop.
        spent: Error spent so far, over both sides.
        effect: Difference within waves, Mantel-Haenszel, with its z: for show, it decides nothing.
        p_sequential: Smallest two-sided alpha at which the test would have stopped by now.
        repeated: Interval that holds at all looks together, and sequential p-values of the sides.
        stagewise: p-value, interval and median-unbiased estimate after an end by the plan; None
            while it runs and when data came after a stop.
        boundaries: The plan up to this look, for further questions.
    """

    look: int
    information: float
    fraction: float
    final: bool
    critical: CriticalCounts
    successes_arm: int
    successes: int
    expected_arm: float
    crossed: Side | None
    crossed_before: int | None
    spent: float
    effect: StratifiedEffect
    p_sequential: float
    repeated: ExactInference
    stagewise: ExactInference | None
    boundaries: ExactBoundaries


def exact_look(
    *,
    past: Sequence[PastLook],
    added: Sequence[TwoByTwo],
    planned_information: float,
    alpha: float,
    spending: Callable[[float, float], float],
    final: bool = False,
) -> ExactReading:
    """Take one look with the exact engine.

    Args:
        past: Looks that spent before, in order.
        added: Counts of the waves that this look is the first to take, at least one; a wave that
            is divided into strata gives one table each.
        planned_information: Information that the plan has in all, counted as above, > 0.
        alpha: Two-sided error of the plan, 0 < alpha < 1; each side spends half.
        spending: Spending function of (fraction, one-sided alpha), fixed at lock.
        final: Whether this look was declared the last one before it was taken.

    Returns:
        Critical counts, what they say, and how large the effect is.

    Raises:
        InputError: Nothing was added, or an argument is outside its domain.
        ConvergenceError: A limit was not found.

    References:
        Jennison & Turnbull (2000), chapter 12 (exact tests of binary outcomes); Lan & DeMets
        (1983), Biometrika 70, 659-663 (spending by information seen).

    Examples:
        >>> from testkit.stats.spending import spending_by_name
        >>> wave = TwoByTwo(successes_control=9, n_control=4000, successes_arm=21, n_arm=4000)
        >>> plan = {"planned_information": 4000.0, "alpha": 0.05,
        ...         "spending": spending_by_name("obrien-fleming")}
        >>> first = exact_look(past=[], added=[wave], **plan)
        >>> first.fraction, first.critical, first.crossed
        (0.5, CriticalCounts(low=6, high=24), None)
        >>> done = PastLook(added=(wave,), critical=first.critical)
        >>> second = exact_look(past=[done], added=[wave], **plan)
        >>> second.crossed, round(second.stagewise.p_value, 4), round(second.p_sequential, 4)
        ('upper', 0.0031, 0.002)
    """
    planned = positive(planned_information, "planned_information")
    side_alpha = probability(alpha, "alpha") / 2.0
    looks = [*(look.added for look in past), tables(added, field="added")]
    increments = [[margins_of(table) for table in look] for look in looks]
    reached, information = [], 0.0
    for look in looks:
        information += math.fsum(t.n_control * t.n_arm / t.n for t in look)
        reached.append(information)
    fractions = [min(1.0, value / planned) for value in reached]
    # Sums of the same waves in another order may miss the plan by the last digit.
    is_final = final or reached[-1] >= planned * (1.0 - 1e-12)
    if is_final:
        fractions[-1] = 1.0
    plan = TailPlan(alpha=side_alpha, spending=spending)
    boundaries = exact_boundaries(
        increments,
        fractions=fractions,
        upper=plan,
        lower=plan,
        realised=[_realised(past, increments, k) for k in range(len(past))],
    )
    seen: list[int] = []
    for look in looks:
        seen.append(sum(t.successes_arm for t in look) + (seen[-1] if seen else 0))
    now = boundaries.looks[-1]
    before = first_crossing(boundaries.critical[:-1], seen[:-1]) if past else None
    crossed = now.critical.side(seen[-1], before=seen[-2] if past else 0)
    p = sequential_p_value(boundaries, successes_arm=seen)
    ended = before is None and (crossed is not None or is_final)
    return ExactReading(
        look=len(looks),
        information=reached[-1],
        fraction=reached[-1] / planned,
        final=is_final,
        critical=now.critical,
        successes_arm=seen[-1],
        successes=now.successes,
        expected_arm=now.expected,
        crossed=crossed,
        crossed_before=before[0] if before else None,
        spent=now.spent_low + now.spent_high,
        effect=stratified_z([t for look in looks for t in look]),
        p_sequential=min(1.0, 2.0 * min(p.upper, p.lower)),
        repeated=repeated_inference(boundaries, successes_arm=seen),
        stagewise=(
            stagewise_inference(
                boundaries, successes_arm=seen, level=1.0 - 2.0 * side_alpha, final=is_final
            )
            if ended
            else None
        ),
        boundaries=boundaries,
    )


def _realised(
    past: Sequence[PastLook], increments: Sequence[Sequence[Margins]], k: int
) -> CriticalCounts:
    look = past[k]
    if look.critical is not None:
        return look.critical
    bound = look.z_bound
    if bound is None or math.isinf(bound):
        return CriticalCounts(low=None, high=None)
    nothing: list[float | None] = [None] * k
    return critical_counts_from_z(
        increments[: k + 1],
        lower_z=[*nothing, -bound],
        upper_z=[*nothing, bound],
        stratified=look.z_stratified,
    )[k]
