r"""Which engine decides, z or exact, and why: the reason is part of the result.

The z engine rests on a normal approximation of the difference of two rates. Measured where it
fails: 90/10 at 0.1 % spends .035 in a tail that promises .025, and even 75/25 at 0.1 % .029. The
exact engine never spends more than its plan and loses next to no power, so it is taken whenever
one of three warning signs shows. The choice is fixed at lock from planned counts at the
*pessimistic* base rate; afterwards it may only go from z to exact (:func:`recheck_engine`), by
pooled counts that say nothing about the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from testkit.errors import InputError
from testkit.stats.domain import rate as checked_rate
from testkit.stats.domain import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "LARGEST_ALLOCATION_RATIO",
    "SMALLEST_EXPECTED_COUNT",
    "SMALLEST_RATE",
    "EngineChoice",
    "EngineReason",
    "choose_engine",
    "recheck_engine",
]

SMALLEST_EXPECTED_COUNT: Final = 50
LARGEST_ALLOCATION_RATIO: Final = 3.0
SMALLEST_RATE: Final = 0.005

Engine = Literal["z", "exact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReason:
    """One sign that was looked at.

    Attributes:
        code: ``expected-count``, ``allocation`` or ``rate``.
        value: What the plan has: smallest expected count, ratio of arm sizes, or rate.
        limit: Where the z engine's domain ends.
        exact: Whether this sign asks for the exact engine.
        sentence: The same in words, for plan and report.
    """

    code: Literal["expected-count", "allocation", "rate"]
    value: float
    limit: float
    exact: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """The engine that decides, with every sign that was looked at.

    Attributes:
        engine: ``z`` or ``exact``.
        reasons: The three signs, in the order above; those that asked for the exact engine have
            ``exact`` set.
        switched: Whether a recheck turned z into exact after the lock.
    """

    engine: Engine
    reasons: tuple[EngineReason, ...]
    switched: bool = False

    @property
    def sentence(self) -> str:
        """The choice and its grounds in one sentence."""
        asking = [reason.sentence for reason in self.reasons if reason.exact]
        if asking:
            return "exact engine: " + "; ".join(asking)
        if self.engine == "exact":
            return "exact engine: chosen before, and never given up"
        return "z engine: " + "; ".join(reason.sentence for reason in self.reasons)


def choose_engine(
    *, n_control: Sequence[int], n_arm: Sequence[int], pessimistic_rate: float
) -> EngineChoice:
    """Choose the engine from planned counts.

    Exact when any expected per-arm count at a look is below 50 (successes, or failures where most
    units succeed), when any look's cumulative allocation is beyond 3:1 either way (by more than
    one person of rounding per look: 751 to 250 is 3:1), or when the rate is below 0.5 % (or above
    99.5 %).

    Args:
        n_control: Planned cumulative units of the control at each look, shape ``(looks,)``.
        n_arm: Planned cumulative units of the arm at each look, shape ``(looks,)``. With several
            arms call it for each; the experiment is exact when one of them is.
        pessimistic_rate: Lowest base rate that is still plausible, in [0, 1].

    Returns:
        The engine and all three signs.

    Raises:
        InputError: Shapes differ, a count is not a positive whole number or falls, or the rate is
            outside [0, 1].

    References:
        The limits are measured, not published: docs/statistics/operating-characteristics.md.

    Examples:
        >>> choose_engine(n_control=[5000], n_arm=[5000], pessimistic_rate=0.02).engine
        'z'
        >>> choice = choose_engine(n_control=[9000], n_arm=[1000], pessimistic_rate=0.2)
        >>> choice.sentence
        'exact engine: arm sizes are 9:1, beyond 3:1'
    """
    sizes = _sizes(n_control, n_arm)
    rate = checked_rate(pessimistic_rate, "pessimistic_rate")
    rarer = min(rate, 1.0 - rate)
    return _judge(
        smallest=min(min(pair) for pair in sizes) * rarer,
        ratio=max(max(pair) / min(pair) for pair in sizes),
        skewed=any(_skewed(pair, looks=k) for k, pair in enumerate(sizes, start=1)),
        rarer=rarer,
    )


def recheck_engine(
    choice: EngineChoice, *, n_control: Sequence[int], n_arm: Sequence[int], successes: int
) -> EngineChoice:
    """Look at the engine again with what came in; it can only go from z to exact.

    Uses the pooled rate, which is the same whichever arm is better, so the recheck gives nothing
    away. When it switches, past looks enter the exact recursion at the critical counts that they
    had (:func:`testkit.stats.exact.critical_counts_from_z`).

    Args:
        choice: The engine as it was fixed.
        n_control: Cumulative units of the control at each look so far, shape ``(looks,)``.
        n_arm: Cumulative units of the arm at each look so far, shape ``(looks,)``.
        successes: Successes of both arms together at the last of these looks.

    Returns:
        The same choice, or exact with ``switched`` set and the signs that asked for it.

    Raises:
        InputError: Shapes differ, or a count is out of its domain.

    References:
        The limits are measured, not published: docs/statistics/operating-characteristics.md.

    Examples:
        >>> planned = choose_engine(n_control=[5000], n_arm=[5000], pessimistic_rate=0.02)
        >>> seen = recheck_engine(planned, n_control=[5000], n_arm=[5000], successes=60)
        >>> seen.engine, seen.switched
        ('exact', True)
    """
    sizes = _sizes(n_control, n_arm)
    units = sum(sizes[-1])
    pooled = whole(successes, "successes", at_least=0)
    if pooled > units:
        raise InputError(
            f"successes is {pooled}, above the {units} units", field="successes", value=successes
        )
    if choice.engine == "exact":
        return choice
    rarer = min(pooled, units - pooled) / units
    # Only the present look is judged: a first look that was thin is past and paid for.
    seen = _judge(
        smallest=min(sizes[-1]) * rarer,
        ratio=max(sizes[-1]) / min(sizes[-1]),
        skewed=_skewed(sizes[-1], looks=len(sizes)),
        rarer=rarer,
    )
    if seen.engine == "z":
        return choice
    return EngineChoice(engine="exact", reasons=seen.reasons, switched=True)


def _skewed(pair: tuple[int, int], *, looks: int) -> bool:
    """Whether arm sizes are beyond the limit by more than one person of rounding per look."""
    return max(pair) - looks > LARGEST_ALLOCATION_RATIO * (min(pair) + looks)


def _judge(*, smallest: float, ratio: float, skewed: bool, rarer: float) -> EngineChoice:
    few, rare = smallest < SMALLEST_EXPECTED_COUNT, rarer < SMALLEST_RATE
    reasons = (
        EngineReason(
            code="expected-count",
            value=smallest,
            limit=SMALLEST_EXPECTED_COUNT,
            exact=few,
            sentence=(
                f"the smallest expected count of an arm at a look is {smallest:.3g}, "
                f"{'below' if few else 'at least'} {SMALLEST_EXPECTED_COUNT}"
            ),
        ),
        EngineReason(
            code="allocation",
            value=ratio,
            limit=LARGEST_ALLOCATION_RATIO,
            exact=skewed,
            sentence=(
                f"arm sizes are {ratio:.5g}:1, "
                f"{'beyond' if skewed else 'within'} {LARGEST_ALLOCATION_RATIO:g}:1"
            ),
        ),
        EngineReason(
            code="rate",
            value=rarer,
            limit=SMALLEST_RATE,
            exact=rare,
            sentence=(
                f"the rarer outcome has a rate of {rarer:.3g}, "
                f"{'below' if rare else 'at least'} {SMALLEST_RATE:g}"
            ),
        ),
    )
    return EngineChoice(engine="exact" if few or skewed or rare else "z", reasons=reasons)


def _sizes(n_control: Sequence[int], n_arm: Sequence[int]) -> list[tuple[int, int]]:
    if len(n_control) != len(n_arm) or not n_control:
        raise InputError(
            f"n_control has {len(n_control)} looks, n_arm {len(n_arm)}",
            field="n_arm",
            value=n_arm,
            hint="give cumulative units at each look, at least one",
        )
    control = [whole(n, f"n_control[{i}]") for i, n in enumerate(n_control)]
    arm = [whole(n, f"n_arm[{i}]") for i, n in enumerate(n_arm)]
    for field, values in (("n_control", control), ("n_arm", arm)):
        if any(later < earlier for earlier, later in pairwise(values)):
            raise InputError(f"{field} must be cumulative, and it falls", field=field, value=values)
    return list(zip(control, arm, strict=True))
