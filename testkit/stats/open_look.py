"""One look of a test without a last look: from counts per wave, or money per arm, to a reading.

The facade for a product. It picks nothing while the test runs: the method is part of the plan
(:func:`open_plan`) and everything here holds at every look, however often one looks and whatever
makes one stop.

* ``conversions``: the two-point e-process on the arm of each conversion, exact at any count, for
  rates of at most about 5 %. A look takes whole waves; with ``share`` None the share of each wave
  is that of its arm sizes, which also covers waves whose sizes were fixed beforehand.
* ``blocks``: the safe 2x2 test, exact at any count and any rate, one block per wave; it has no
  interval.
* ``sequence``: the asymptotic confidence sequence, for higher rates and for money. It refuses to
  say anything below 25 conversions (50 gifts) and 100 units per arm, and compares pooled waves, so
  it also refuses when the split moves between waves by more than a lottery moves it. What a lottery
  does to the arm sizes is luck like any other: the variance of the pooled difference holds it.

Decision, p-value and interval of a look come from one and the same process: the interval leaves
out "no effect" exactly when this look crosses. What must not live here: a choice between methods
after the data are seen, and whether a wave is old enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from scipy.special import chdtrc

from testkit.errors import InputError
from testkit.stats import domain
from testkit.stats.confseq import MIN_CONVERSIONS, MIN_UNITS, SequenceLook, mean_look
from testkit.stats.counts import TwoByTwo, tables
from testkit.stats.effects import stratified_z
from testkit.stats.eprocess import Evidence, two_point, two_point_interval
from testkit.stats.means import MIN_GIFTS
from testkit.stats.moments import Moments
from testkit.stats.safe2x2 import safe_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.stats.walk import Side

__all__ = ["HIGHEST_RATE", "OpenPlan", "OpenReading", "open_look", "open_money_look", "open_plan"]

HIGHEST_RATE: Final = 0.05
"""Rate above which the arm of a conversion wastes too much: a factor 1 - p of the information."""

_MOVED: Final = 1e-4
"""p-value of one split in all waves, below which pooling them would mislead. A split that moved by
less than this sees is off by under four standard errors of a lottery: with base rates that differ
between waves by a tenth of the outcome's standard deviation, that shifts z by less than 0.4."""

Method = Literal["conversions", "blocks", "sequence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPlan:
    """What is fixed at lock.

    Attributes:
        method: ``conversions``, ``blocks`` or ``sequence``.
        alpha: Two-sided error over all looks together, in (0, 1).
        risk_ratio: Smallest ratio of treatment to control worth acting on, > 1; the bets are
            strongest there, and valid everywhere.
        n_planned: Units of both arms at which the test is expected to be read, >= 1; a sequence is
            tightest there.
        share: Treatment's share of an independent assignment, in (0, 1); None takes each wave's
            own arm sizes.

    Raises:
        InputError: A value is outside its domain.
    """

    method: Method
    alpha: float
    risk_ratio: float
    n_planned: int
    share: float | None = None

    def __post_init__(self) -> None:
        domain.one_of(self.method, "method", allowed=("conversions", "blocks", "sequence"))
        domain.probability(self.alpha, "alpha")
        if not domain.finite(self.risk_ratio, "risk_ratio") > 1.0:
            raise InputError(
                f"risk_ratio must be above 1, got {self.risk_ratio!r}",
                field="risk_ratio",
                value=self.risk_ratio,
                hint="1.1 stands for a tenth more or less, both ways",
            )
        domain.whole(self.n_planned, "n_planned")
        if self.share is not None:
            domain.probability(self.share, "share")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReading:
    """What an open-ended test says at a look.

    Attributes:
        look: Number of the look, from 1.
        method: The plan's method.
        crossed: Side that *this* look crosses: ``upper`` for a better arm; None for neither.
        crossed_at: Number of the first look that crossed, this one included; the verdict stays
            whatever comes later. None while none has.
        e_value: Evidence at this look; None for a sequence.
        p_value: Anytime-valid p-value: the smallest over the looks so far; 1 while nothing could be
            read.
        difference: Arm minus control, within waves (rates), or of the means (money).
        ratio: Arm over control; None when the control has nothing.
        ratio_low: Lower end of the ratio's interval; None with ``note``.
        ratio_high: Upper end; None with ``note``, or when the data set no limit.
        difference_low: ``ratio_low`` in the unit of the outcome, mapped with the control as seen
            and therefore approximate.
        difference_high: ``ratio_high`` likewise.
        note: Why something is None; else empty.
    """

    look: int
    method: Method
    crossed: Side | None
    crossed_at: int | None
    e_value: float | None
    p_value: float
    difference: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    difference_low: float | None
    difference_high: float | None
    note: str = ""


def open_plan(
    *,
    outcome: Literal["rate", "money"],
    highest_rate: float,
    risk_ratio: float,
    n_planned: int,
    alpha: float = 0.05,
    share: float | None = None,
) -> OpenPlan:
    """The method that suits, from what is known before the test.

    Args:
        outcome: ``rate`` or ``money``.
        highest_rate: Highest base rate that is still plausible, in [0, 1]; for money it does not
            matter.
        risk_ratio: Smallest ratio worth acting on, > 1.
        n_planned: Units of both arms at which the test is expected to be read.
        alpha: Two-sided error over all looks together.
        share: Treatment's share of an independent assignment; None takes each wave's arm sizes.

    Returns:
        The plan: ``sequence`` for money and for rates above 5 %, ``conversions`` otherwise.

    Raises:
        InputError: A value is outside its domain.

    References:
        The limit is measured, not published: design simulations, 2026, in which the conversions
        lose a factor 1 - p of the information.

    Examples:
        >>> open_plan(outcome="rate", highest_rate=0.02, risk_ratio=1.2, n_planned=50_000).method
        'conversions'
    """
    domain.one_of(outcome, "outcome", allowed=("rate", "money"))
    rate = domain.rate(highest_rate, "highest_rate")
    few = outcome == "rate" and rate <= HIGHEST_RATE
    return OpenPlan(
        method="conversions" if few else "sequence",
        alpha=alpha,
        risk_ratio=risk_ratio,
        n_planned=n_planned,
        share=share,
    )


def open_look(plan: OpenPlan, looks: Sequence[Sequence[TwoByTwo]]) -> OpenReading:
    """Read a rate at the last of the looks.

    Args:
        plan: As it was locked.
        looks: For each look so far the counts of the waves that it was the first to take, at least
            one; all of them as they are now, the last one is read.

    Returns:
        The reading. Where a method cannot say anything yet its numbers are None, with the reason.

    Raises:
        InputError: There is no look, or one that took no wave.
        ConvergenceError: A limit was not found.

    References:
        Lindon & Malek (2022), NeurIPS, arXiv 2011.03567 (arm of conversion); Turner, Ly & Grunwald
        (2024), arXiv 2106.02693 (blocks); Waudby-Smith et al. (2024), arXiv 2103.06476 (sequence).

    Examples:
        >>> plan = open_plan(outcome="rate", highest_rate=0.02, risk_ratio=1.5, n_planned=20_000)
        >>> wave = TwoByTwo(successes_control=30, n_control=2500, successes_arm=54, n_arm=2500)
        >>> first = open_look(plan, [[wave]])
        >>> first.crossed, round(first.p_value, 3)
        (None, 0.086)
        >>> second = open_look(plan, [[wave], [wave]])
        >>> second.crossed, round(second.ratio_low, 2), round(second.ratio_high, 2)
        ('upper', 1.17, 2.83)
    """
    if not looks:
        raise InputError("no look to read", field="looks", value=list(looks))
    checked = [tables(look, field=f"looks[{i}]") for i, look in enumerate(looks)]
    if plan.method == "sequence":
        return _sequence_reading(plan, checked)
    waves = [wave for look in checked for wave in look]
    ends, taken = [], 0
    for look in checked:
        taken += len(look)
        ends.append(taken - 1)
    low = high = None
    note = "the safe 2x2 test has no interval"
    if plan.method == "blocks":
        path = safe_blocks(
            control=[w.successes_control for w in waves],
            treatment=[w.successes_arm for w in waves],
            n_control=[w.n_control for w in waves],
            n_treatment=[w.n_arm for w in waves],
        )
    else:
        note = ""
        shares = [w.n_arm / w.n if plan.share is None else plan.share for w in waves]
        control, treatment = _cumulative(waves)
        path = two_point(
            control=control, treatment=treatment, share=shares, risk_ratio=plan.risk_ratio
        )
        low, high = two_point_interval(
            control=control,
            treatment=treatment,
            share=shares,
            risk_ratio=plan.risk_ratio,
            alpha=plan.alpha,
        )
    evidence = Evidence(log_e=tuple(path.log_e[end] for end in ends))
    first = evidence.first_crossing(alpha=plan.alpha)
    effect = stratified_z(waves)
    base = math.fsum(w.successes_control for w in waves) / math.fsum(w.n_control for w in waves)
    now = evidence.log_e[-1] >= -math.log(plan.alpha)
    return OpenReading(
        look=len(checked),
        method=plan.method,
        crossed=_side(effect.difference, low, high) if now else None,
        crossed_at=None if first is None else first + 1,
        e_value=evidence.e_value,
        p_value=evidence.p_values[-1],
        difference=effect.difference,
        ratio=1.0 + effect.difference / base if base else None,
        ratio_low=low,
        ratio_high=None if high is None or math.isinf(high) else high,
        difference_low=None if low is None else (low - 1.0) * base,
        difference_high=None if high is None or math.isinf(high) else (high - 1.0) * base,
        note=note,
    )


def open_money_look(
    plan: OpenPlan,
    *,
    control: Moments,
    treatment: Moments,
    gifts_control: int,
    gifts_treatment: int,
    past: Sequence[OpenReading] = (),
) -> OpenReading:
    """Read money per unit at a look.

    Args:
        plan: As it was locked; its method is ``sequence``.
        control: Moments per unit of the control arm so far, zeros included.
        treatment: The same for the treatment arm.
        gifts_control: Gifts in the control arm so far.
        gifts_treatment: The same in the treatment arm.
        past: Readings of the looks before, in order.

    Returns:
        The reading, with a reason instead of numbers below 50 gifts or 100 units per arm.

    Raises:
        InputError: The plan has another method, or there are more gifts than units.

    References:
        Waudby-Smith et al. (2024), Annals of Statistics, arXiv 2103.06476.

    Examples:
        >>> plan = open_plan(outcome="money", highest_rate=0.1, risk_ratio=1.2, n_planned=20_000)
        >>> a = Moments.from_variance(n=10_000, mean=1.0, variance=40.0)
        >>> b = Moments.from_variance(n=10_000, mean=1.4, variance=50.0)
        >>> look = open_money_look(
        ...     plan, control=a, treatment=b, gifts_control=400, gifts_treatment=520)
        >>> look.crossed, round(look.ratio_low, 2), round(look.ratio_high, 2)
        ('upper', 1.1, 1.79)
    """
    if plan.method != "sequence":
        raise InputError(
            f"money is read by a sequence, the plan has {plan.method}",
            field="plan.method",
            value=plan.method,
        )
    gifts = (gifts_control, gifts_treatment)
    found, note = _sequence(plan, control, treatment, gifts, outcome="money")
    best = min([1.0, *(reading.p_value for reading in past)])
    earlier = next((r.crossed_at for r in past if r.crossed_at is not None), None)
    return _from_sequence(
        plan, control, treatment, found, note, look=len(past) + 1, best=best, earlier=earlier
    )


def _sequence_reading(plan: OpenPlan, looks: Sequence[Sequence[TwoByTwo]]) -> OpenReading:
    best, earlier = 1.0, None
    for number in range(1, len(looks) + 1):
        waves = [wave for look in looks[:number] for wave in look]
        events = [sum(w.successes_control for w in waves), sum(w.successes_arm for w in waves)]
        control = Moments.from_counts(successes=events[0], n=sum(w.n_control for w in waves))
        arm = Moments.from_counts(successes=events[1], n=sum(w.n_arm for w in waves))
        if _split_moved(waves):
            found, note = None, "the split moved between waves, and a sequence pools them"
        else:
            found, note = _sequence(plan, control, arm, (events[0], events[1]), outcome="rate")
        reading = _from_sequence(
            plan, control, arm, found, note, look=number, best=best, earlier=earlier
        )
        best, earlier = reading.p_value, reading.crossed_at
    return reading


def _split_moved(waves: Sequence[TwoByTwo]) -> bool:
    """Whether arm sizes differ between waves by more than independent assignment makes them."""
    share = sum(w.n_arm for w in waves) / sum(w.n for w in waves)
    if len(waves) < 2 or not 0 < share < 1:
        return False
    apart = math.fsum((w.n_arm - w.n * share) ** 2 / w.n for w in waves) / (share * (1 - share))
    return float(chdtrc(len(waves) - 1, apart)) < _MOVED


def _sequence(
    plan: OpenPlan,
    control: Moments,
    treatment: Moments,
    events: tuple[int, int],
    *,
    outcome: Literal["rate", "money"],
) -> tuple[SequenceLook | None, str]:
    needed, word = (MIN_CONVERSIONS, "conversions") if outcome == "rate" else (MIN_GIFTS, "gifts")
    for name, arm, count in zip(
        ("control", "treatment"), (control, treatment), events, strict=True
    ):
        if count < needed or arm.n < MIN_UNITS:
            return None, (
                f"the {name} arm has {count} {word} from {arm.n} units; a sequence needs {needed}"
                f" and {MIN_UNITS}: wait, nothing is spent by waiting"
            )
    return (
        mean_look(
            control=control,
            treatment=treatment,
            events_control=events[0],
            events_treatment=events[1],
            outcome=outcome,
            n_planned=plan.n_planned,
            scale="log_ratio",
            alpha=plan.alpha,
        ),
        "",
    )


def _from_sequence(
    plan: OpenPlan,
    control: Moments,
    treatment: Moments,
    found: SequenceLook | None,
    note: str,
    *,
    look: int,
    best: float,
    earlier: int | None,
) -> OpenReading:
    low = high = None
    crossed: Side | None = None
    if found is not None:
        low, high = math.exp(found.interval[0]), math.exp(found.interval[1])
        best = min(best, found.p_value)
        crossed = "upper" if low > 1.0 else "lower" if high < 1.0 else None
    return OpenReading(
        look=look,
        method=plan.method,
        crossed=crossed,
        crossed_at=earlier if earlier is not None else look if crossed else None,
        e_value=None,
        p_value=best,
        difference=treatment.mean - control.mean,
        ratio=treatment.mean / control.mean if control.mean else None,
        ratio_low=low,
        ratio_high=high,
        difference_low=None if low is None else (low - 1.0) * control.mean,
        difference_high=None if high is None else (high - 1.0) * control.mean,
        note=note,
    )


def _side(difference: float, low: float | None, high: float | None) -> Side:
    """The side of a crossing: the interval's where there is one."""
    if low is None or high is None:
        return "upper" if difference > 0.0 else "lower"
    return "upper" if low >= 1.0 else "lower"


def _cumulative(waves: Sequence[TwoByTwo]) -> tuple[list[int], list[int]]:
    control, treatment = [0], [0]
    for wave in waves:
        control.append(control[-1] + wave.successes_control)
        treatment.append(treatment[-1] + wave.successes_arm)
    return control[1:], treatment[1:]
