"""Whether to test at all, how many, how long, and what such a test can and cannot see. Pure.

Two answers stand side by side. A *proof* is sized by its error rates: it says which message is
better, for this send and the next ones. A *test and roll* is sized by what this one list gains: it
is far smaller, picks the better arm more often than not, and proves nothing.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.errors import InputError
from testkit.model.html import table_html
from testkit.model.planning import Outcome, TestSize, size_test
from testkit.stats.engine_choice import choose_engine
from testkit.stats.roll import RollPlan, plan_roll, rate_prior

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Advice", "Circumstances", "Reason", "SizePoint", "advise"]

FEWEST_OUTCOMES: Final = 100
"""Fewer expected outcomes than this in an arm, and fundraisers do not test (STATISTICS: field)."""
USUAL_SPREAD: Final = 0.1
"""Standard deviation of arms' rates over the base rate, where nobody knows better."""
LONG_WINDOW_HOURS: Final = 24 * 14
MOST_WAVES: Final = 4
FEW_OUTCOMES_PER_WAVE: Final = 10
WORTH: Final = 3.0
"""Difference of two arms over its usual size, above which an effect is a lucky find."""

Answer = Literal["test", "roll", "do not test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a team knows before it tests.

    Attributes:
        list_size: Units that may be tested, at least 4.
        base_rate: Share that does it today, in (0, 1).
        mde: Smallest difference worth acting on, absolute; None: a fifth of the base rate, at
            most two points.
        arms: Number of arms, the control included.
        alpha: Two-sided type I error over all comparisons.
        power: Power at ``mde``.
        window_hours: How long after a send an outcome counts.
        days_between: Days between two waves.
        spread: Standard deviation of the rates of versions across past tests; None: a tenth of the
            base rate.
        cents_per_message: What one message costs.
        budget_cents: What may be spent; None: not said.
        staff_hours: Hours that the test takes; None: not said.
        hour_cents: What an hour of staff costs.
        action_cents: What one more action is worth to you; None: not said.
        messages_to_come: How many later sends would use the answer.
    """

    list_size: int
    base_rate: float
    mde: float | None = None
    arms: int = 2
    alpha: float = 0.05
    power: float = 0.8
    window_hours: float = 72.0
    days_between: float = 3.0
    spread: float | None = None
    cents_per_message: float = 0.0
    budget_cents: int | None = None
    staff_hours: float | None = None
    hour_cents: int = 3000
    action_cents: int | None = None
    messages_to_come: int = 0

    def __post_init__(self) -> None:
        checks: tuple[tuple[str, float, bool, str], ...] = (
            ("list_size", self.list_size, self.list_size >= 2 * self.arms, "two units an arm"),
            ("base_rate", self.base_rate, 0 < self.base_rate < 1, "write 2 % as 0.02"),
            ("arms", self.arms, self.arms >= 2, "a control and at least one other"),
            ("alpha", self.alpha, 0 < self.alpha < 0.5, "a chance below 0.5"),
            ("power", self.power, 0.5 <= self.power < 1, "a chance from 0.5 to 1"),
            ("window_hours", self.window_hours, self.window_hours > 0, "hours above 0"),
            ("days_between", self.days_between, self.days_between >= 0, "days from 0"),
        )
        for name, value, fits, hint in checks:
            if not fits:
                raise InputError(f"{value:g} cannot be", field=name, value=value, hint=hint)
        if self.spread is not None and not 0 < self.spread < 1:
            raise InputError(
                f"{self.spread:g} cannot be", field="spread", value=self.spread, hint="above 0"
            )
        if not (self.difference > 0 and self.base_rate + self.difference < 1):
            raise InputError(
                f"a difference of {self.difference:g} on {self.base_rate:g} is not a rate",
                field="mde",
                value=self.mde,
                hint="mde is an absolute difference: half a point is 0.005",
            )

    @property
    def difference(self) -> float:
        """The smallest difference worth acting on."""
        if self.mde is not None:
            return self.mde
        return min(self.base_rate / 5, (1 - self.base_rate) / 5, 0.02)

    @property
    def usual_spread(self) -> float:
        """How much versions differ, as a standard deviation of their rates."""
        return self.spread if self.spread is not None else USUAL_SPREAD * self.base_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One ground for the answer.

    Attributes:
        code: Short name.
        against: Whether it speaks against testing.
        sentence: The ground in words, with its figures.
    """

    code: str
    against: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePoint:
    """What a test of a given size sees.

    Attributes:
        units: Units over all arms.
        mde: Smallest difference found with the power asked for; None when none.
        days: From the first send to the last look.
        cents: What the messages cost.
    """

    units: int
    mde: float | None
    days: float
    cents: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The planner's answer.

    Attributes:
        answer: ``test``: a proof is within reach; ``roll``: too small for a proof, still worth
            trying both on a part and sending the better one; ``do not test``.
        reasons: Why, those against first.
        clock: ``waves`` or ``one-send``.
        waves: In how many waves.
        engine: ``z`` or ``exact``.
        size: The proof: needed units, units used, power, what it finds.
        days: From the first send of the proof to its last look.
        roll: Test & Roll on the same list.
        points: What tests of other sizes see, for the chart.
        outcomes_per_arm: Expected outcomes in each arm of the proof.
        expected_gain: Extra actions on this list from test and roll, on average.
        cost_cents: Messages of the test, and staff where hours were given.
    """

    answer: Answer
    reasons: tuple[Reason, ...]
    circumstances: Circumstances
    clock: Literal["waves", "one-send"]
    waves: int
    engine: str
    size: TestSize
    days: float
    roll: RollPlan
    points: tuple[SizePoint, ...]
    outcomes_per_arm: float
    expected_gain: float
    cost_cents: float

    def _repr_html_(self) -> str:
        """The reasons as a table, for notebooks."""
        return table_html(
            f"{self.answer}: {self.size.needed:,} people for a proof, {self.roll.gain:,.0f} more"
            " actions by test and roll",
            ("speaks", "because"),
            [("against" if r.against else "for", r.sentence) for r in self.reasons],
        )

    def as_dict(self) -> dict[str, Any]:
        """The advice as plain values."""
        return {
            "answer": self.answer,
            "reasons": [asdict(reason) for reason in self.reasons],
            "circumstances": {
                **asdict(self.circumstances),
                "mde": self.circumstances.difference,
                "spread": self.circumstances.usual_spread,
            },
            "clock": self.clock,
            "waves": self.waves,
            "engine": self.engine,
            "needed": self.size.needed,
            "test_size": self.size.test_size,
            "power": self.size.power,
            "mde_reached": self.size.mde,
            "expected_size": self.size.expected,
            "days": self.days,
            "outcomes_per_arm": self.outcomes_per_arm,
            "roll": {
                "per_arm": list(self.roll.whole),
                "remainder": self.roll.remainder,
                "error_rate": self.roll.error_rate,
                "expected_gain": self.roll.gain,
                "gain_if_known": self.roll.gain_if_known,
            },
            "cost_cents": self.cost_cents,
            "points": [asdict(point) for point in self.points],
        }


def advise(known: Circumstances) -> Advice:
    """Say whether to test, how, and what the test can see.

    References:
        Sizes: :func:`testkit.model.planning.size_test`. Test & Roll: Feit & Berman (2019),
        Marketing Science 38(6), 1038-1058.
    """
    one_send = known.window_hours > LONG_WINDOW_HOURS
    affordable = known.list_size
    if known.budget_cents is not None and known.cents_per_message > 0:
        affordable = min(affordable, int(known.budget_cents / known.cents_per_message))
    affordable = max(affordable, 2 * known.arms)
    waves = 1 if one_send else MOST_WAVES
    size = _size(known, waves=waves, room=affordable)
    if not one_send:
        per_arm = size.test_size / known.arms * known.base_rate
        waves = max(1, min(MOST_WAVES, int(per_arm // FEW_OUTCOMES_PER_WAVE)))
        size = _size(known, waves=waves, room=affordable)
    roll = plan_roll(
        list_size=known.list_size,
        sd=rate_prior(rate=known.base_rate, spread=known.usual_spread).sd,
        spread=known.usual_spread,
        arms=known.arms,
    )
    ends = [max(1, round(size.test_size / known.arms * (k + 1) / waves)) for k in range(waves)]
    engine = choose_engine(n_control=ends, n_arm=ends, pessimistic_rate=0.8 * known.base_rate)
    cost = size.test_size * known.cents_per_message
    cost += (known.staff_hours or 0.0) * known.hour_cents
    days = _days(known, waves)
    reasons = _reasons(known, size=size, roll=roll, affordable=affordable, cost=cost)
    return Advice(
        answer=_answer(reasons),
        reasons=reasons,
        circumstances=known,
        clock="one-send" if one_send else "waves",
        waves=waves,
        engine=engine.engine,
        size=size,
        days=days,
        roll=roll,
        points=_points(known, waves=waves),
        outcomes_per_arm=size.test_size / known.arms * known.base_rate,
        expected_gain=roll.gain,
        cost_cents=cost,
    )


def _size(known: Circumstances, *, waves: int, room: int, units: int | None = None) -> TestSize:
    return size_test(
        outcome=Outcome(rate=known.base_rate, mde=known.difference),
        shares=[1 / known.arms] * known.arms,
        alpha=known.alpha,
        power=known.power,
        looks=waves,
        spending="obrien-fleming",
        list_size=room,
        test_size=units,
    )


def _days(known: Circumstances, waves: int) -> float:
    return (waves - 1) * known.days_between + known.window_hours / 24


def _points(known: Circumstances, *, waves: int) -> tuple[SizePoint, ...]:
    """Ten sizes up to the whole list, equally spaced in what they can see."""
    found = []
    for k in range(1, 11):
        units = max(2 * known.arms, round(known.list_size * (k / 10) ** 2))
        size = _size(known, waves=waves, room=known.list_size, units=units)
        found.append(
            SizePoint(
                units=units,
                mde=size.mde,
                days=_days(known, waves),
                cents=units * known.cents_per_message,
            )
        )
    return tuple(found)


def _reasons(
    known: Circumstances, *, size: TestSize, roll: RollPlan, affordable: int, cost: float
) -> tuple[Reason, ...]:
    found: list[Reason] = []

    def add(code: str, sentence: str, *, against: bool) -> None:
        found.append(Reason(code=code, against=against, sentence=sentence))

    usual = math.sqrt(2) * known.usual_spread
    reached = size.mde
    outcomes = size.test_size / known.arms * known.base_rate
    if outcomes < FEWEST_OUTCOMES:
        add(
            "few-outcomes",
            f"only about {outcomes:.0f} people an arm would do it; below {FEWEST_OUTCOMES} a test"
            " tells luck from effect only when the effect is huge",
            against=True,
        )
    if size.power < known.power - 0.005:
        sees = "nothing at all" if reached is None else f"{_points_text(reached)} or more"
        add(
            "underpowered",
            f"a difference of {_points_text(known.difference)} needs {size.needed:,} people;"
            f" with {size.test_size:,} you would see {sees}",
            against=True,
        )
    else:
        add(
            "powered",
            f"{size.needed:,} people find a difference of {_points_text(known.difference)} with"
            f" {known.power:.0%} power",
            against=False,
        )
    if reached is None or reached > WORTH * usual:
        add(
            "unlikely",
            "versions of one message usually differ by about"
            f" {_points_text(usual)}: what this test can see hardly ever happens",
            against=True,
        )
    if affordable < known.list_size and affordable < size.needed:
        add(
            "budget",
            f"the budget pays for {affordable:,} messages, the design needs {size.needed:,}",
            against=True,
        )
    if size.test_size >= known.list_size and known.messages_to_come == 0:
        add(
            "nobody-left",
            "the whole list would be in the test: nobody is left to get the winner, and no later"
            " message is planned that would use the answer",
            against=True,
        )
    if roll.gain >= 1:
        add(
            "gain",
            f"trying both on {sum(roll.whole):,} people and sending the better one to the other"
            f" {roll.remainder:,} brings about {roll.gain:,.0f} more actions on average",
            against=False,
        )
    else:
        add(
            "no-gain",
            f"on this list the better message would bring about {roll.gain:.1f} more actions",
            against=True,
        )
    if known.action_cents is not None:
        worth = roll.gain * known.action_cents * (1 + known.messages_to_come)
        add(
            "worth" if worth >= cost else "costs-more",
            f"that is worth {worth / 100:,.0f}, and the test costs {cost / 100:,.0f}",
            against=worth < cost,
        )
    return tuple(sorted(found, key=lambda reason: not reason.against))


def _answer(reasons: Sequence[Reason]) -> Answer:
    codes = {reason.code for reason in reasons if reason.against}
    if "no-gain" in codes or "costs-more" in codes:
        return "do not test"
    if codes & {"underpowered", "nobody-left", "unlikely", "few-outcomes"}:
        return "roll"
    return "test"


def _points_text(rate: float) -> str:
    points = 100 * rate
    digits = max(0, 1 - math.floor(math.log10(points))) if points < 10 else 1
    return f"{points:.{digits}f} points"
