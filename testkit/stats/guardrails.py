"""Guardrails: stop for harm early, and say "no worse" only where the test could have seen worse.

What lives here: the harm watch on a rate (any number of looks, or planned looks), and
non-inferiority on a difference of rates. What must not: harm on the primary metric of a
group-sequential plan, which is its lower bound (:func:`testkit.stats.futility.harm_design`).

Theory of operation. Harm has its own error, because a wrong stop costs a day and a missed harm
costs subscribers: the bound is easier than the one for success, one-sided, and its *false-stop
rate* (the chance to stop although the arms are equal) is part of every result. The reverse claim
needs power: "unsubscribes did not rise" from a test that could not have seen them rise is no
finding, so non-inferiority gates a decision only if the plan had the power for its margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from scipy.special import ndtr

from testkit.errors import InputError
from testkit.stats.boundaries import spending_bounds
from testkit.stats.domain import finite, one_of, probability, rate
from testkit.stats.effects import critical_value, difference_score, miettinen_nurminen
from testkit.stats.eprocess import two_point
from testkit.stats.spending import SpendingFunction, pocock_spending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from testkit.stats.counts import TwoByTwo

__all__ = [
    "REQUIRED_POWER",
    "HarmLook",
    "NonInferiority",
    "harm_at_looks",
    "harm_watch",
    "non_inferiority",
]

Worse: TypeAlias = Literal["higher", "lower"]

REQUIRED_POWER: Final = 0.8
"""Planned power from which a non-inferiority margin may gate a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmLook:
    """State of a harm watch after its latest look.

    Attributes:
        stop: Whether any look so far crossed the harm bound; stays true once it is.
        first_look: Index of the look that crossed first; None if none did.
        evidence: At the latest look: log e-value (``e-process``) or z towards harm (``z``).
        bound: What ``evidence`` has to reach, on the same scale.
        false_stop: Chance to stop, over all looks together, when the arms are equal.
        method: ``e-process`` or ``z``.
    """

    stop: bool
    first_look: int | None
    evidence: float
    bound: float
    false_stop: float
    method: Literal["e-process", "z"]


def harm_watch(
    *,
    control: ArrayLike,
    treatment: ArrayLike,
    share: float | ArrayLike,
    risk_ratio: float,
    worse: Worse = "higher",
    false_stop: float = 0.1,
) -> HarmLook:
    """Watch a guardrail rate for harm, as often as one likes.

    A one-sided e-process on the arm of each event (unsubscribe, complaint, or on a rate that must
    not fall, conversion). Exact at any rate and any number of looks.

    Args:
        control: Cumulative events of the control arm at each look, shape (looks,).
        treatment: The same for the treatment arm.
        share: Treatment's share of the sends, 0 < share < 1; one number or one per look.
        risk_ratio: Rate of treatment over control that is harm: above 1 if ``worse`` is
            ``higher``, below 1 if ``lower``.
        worse: Which direction is harm.
        false_stop: Chance of a wrong stop over all looks together, 0 < false_stop < 1.

    Returns:
        The state of the watch after its latest look.

    Raises:
        InputError: A risk ratio on the wrong side of 1, counts that fall, or arguments outside
            their domains.

    References:
        Lindon & Malek (2022), NeurIPS, arXiv 2011.03567, for the arm of an event as the datum;
        Ville (1939) for the bound.

    Examples:
        >>> look = harm_watch(control=[4, 9], treatment=[11, 27], share=0.5, risk_ratio=2.0)
        >>> look.stop, round(look.evidence, 3), round(look.bound, 3)
        (True, 4.118, 2.303)
    """
    one_of(worse, "worse", allowed=("higher", "lower"))
    probability(false_stop, "false_stop")
    if not (math.isfinite(risk_ratio) and (risk_ratio > 1) == (worse == "higher")):
        raise InputError(
            f"a risk ratio of {risk_ratio} is no harm when {worse} is worse",
            field="risk_ratio",
            value=risk_ratio,
            hint="above 1 when higher is worse, below 1 when lower is worse",
        )
    path = two_point(
        control=control, treatment=treatment, share=share, risk_ratio=risk_ratio, weight_up=1.0
    )
    first = path.first_crossing(alpha=false_stop)
    return HarmLook(
        stop=first is not None,
        first_look=first,
        evidence=path.log_e[-1],
        bound=-math.log(false_stop),
        false_stop=false_stop,
        method="e-process",
    )


def harm_at_looks(
    tables: Sequence[TwoByTwo],
    *,
    information: Sequence[float],
    worse: Worse = "higher",
    false_stop: float = 0.1,
    spending: SpendingFunction = pocock_spending,
    spending_time: Sequence[float] | None = None,
) -> HarmLook:
    """Watch a guardrail rate for harm at the planned looks, by the score z.

    More powerful than :func:`harm_watch` when the looks are few; only for events that are common
    enough for a normal approximation (at least 50 expected per arm at the first look).

    Args:
        tables: Cumulative counts at each look so far.
        information: Information (or units) at these looks, shape (looks,), increasing.
        worse: Which direction is harm.
        false_stop: Chance of a wrong stop over all looks together, 0 < false_stop < 1/2.
        spending: How the false-stop rate is spread over the looks; by default evenly, since harm
            should be seen early.
        spending_time: Share of the plan at each look, shape (looks,); needed while looks are
            still to come.

    Returns:
        The state of the watch after its latest look.

    Raises:
        InputError: No tables, lengths that differ, or arguments outside their domains.

    References:
        Lan & DeMets (1983), Biometrika 70(3), 659-663; Jennison & Turnbull (2000), ch. 7.

    Examples:
        >>> from testkit.stats.counts import TwoByTwo
        >>> tables = [
        ...     TwoByTwo(successes_control=60, n_control=9000, successes_arm=75, n_arm=9000),
        ...     TwoByTwo(successes_control=115, n_control=18000, successes_arm=160, n_arm=18000),
        ... ]
        >>> look = harm_at_looks(tables, information=[18000, 36000])
        >>> look.stop, round(look.evidence, 2), round(look.bound, 2)
        (True, 2.72, 1.52)
    """
    one_of(worse, "worse", allowed=("higher", "lower"))
    if not tables or len(tables) != len(information):
        raise InputError(
            f"{len(tables)} tables for {len(information)} looks", field="tables", value=len(tables)
        )
    bounds = spending_bounds(
        information=information,
        alpha=false_stop,
        sides=1,
        spending=spending,
        spending_time=spending_time,
    )
    sign = 1.0 if worse == "higher" else -1.0
    towards_harm = [
        sign * difference_score(table, null=0.0, small_sample=False) for table in tables
    ]
    crossed = [look for look, z in enumerate(towards_harm) if z >= float(bounds.upper[look])]
    return HarmLook(
        stop=bool(crossed),
        first_look=crossed[0] if crossed else None,
        evidence=towards_harm[-1],
        bound=float(bounds.upper[-1]),
        false_stop=false_stop,
        method="z",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NonInferiority:
    """Whether a guardrail was shown to be no worse than its margin.

    Attributes:
        verdict: ``no worse`` (shown), ``not shown``, or ``cannot see`` (the plan lacked the power
            for this margin, so neither result would mean anything).
        gates: Whether the verdict may decide anything: False when it is ``cannot see``.
        margin: Largest change towards worse that is accepted, a difference of rates.
        difference: Observed difference, arm minus control.
        worst: One-sided confidence limit of the difference on its worse side.
        z: Score statistic towards "no worse".
        p_value: One-sided; of a difference at least as bad as the margin.
        planned_power: Power at lock for this margin.
        reason: The verdict in words.
    """

    verdict: Literal["no worse", "not shown", "cannot see"]
    gates: bool
    margin: float
    difference: float
    worst: float
    z: float
    p_value: float
    planned_power: float
    reason: str


def non_inferiority(
    table: TwoByTwo,
    *,
    margin: float,
    planned_power: float,
    worse: Worse = "higher",
    alpha: float = 0.025,
    critical: float | None = None,
) -> NonInferiority:
    """Test that a rate did not get worse by as much as a margin.

    Args:
        table: Counts of the guardrail.
        margin: Accepted change towards worse, a difference of rates, 0 < margin < 1.
        planned_power: Power that the plan had at lock for this margin, in [0, 1], by the formula
            of Farrington and Manning (:func:`testkit.stats.power.power_rates`).
        worse: Which direction is worse.
        alpha: One-sided error, 0 < alpha < 0.5.
        critical: Critical value of a sequential look in place of the one that ``alpha`` implies.

    Returns:
        The verdict; it gates a decision only with a planned power of at least 80 %.

    Raises:
        InputError: Arguments outside their domains.

    References:
        Farrington & Manning (1990), Statistics in Medicine 9(12), 1447-1454.

    Examples:
        >>> from testkit.stats.counts import TwoByTwo
        >>> table = TwoByTwo(successes_control=50, n_control=25000, successes_arm=52, n_arm=25000)
        >>> non_inferiority(table, margin=0.001, planned_power=0.8).verdict
        'no worse'
        >>> non_inferiority(table, margin=0.0005, planned_power=0.31).verdict
        'cannot see'
    """
    one_of(worse, "worse", allowed=("higher", "lower"))
    probability(finite(margin, "margin"), "margin")
    rate(planned_power, "planned_power")
    if not 0 < alpha < 0.5:
        raise InputError(f"alpha is {alpha}, not between 0 and 1/2", field="alpha", value=alpha)
    bound = critical_value(level=1 - 2 * alpha, critical=critical)
    sign = 1.0 if worse == "higher" else -1.0
    z = -sign * difference_score(table, null=sign * margin, small_sample=False)
    interval = miettinen_nurminen(
        successes_control=table.successes_control,
        n_control=table.n_control,
        successes_arm=table.successes_arm,
        n_arm=table.n_arm,
        level=1 - 2 * alpha,
        critical=critical,
        small_sample=False,
    )
    worst = interval.high if worse == "higher" else interval.low
    assert worst is not None
    shown = z > bound
    gates = planned_power >= REQUIRED_POWER
    if not gates:
        verdict: Literal["no worse", "not shown", "cannot see"] = "cannot see"
        reason = (
            f"planned power for a margin of {margin:g} was {planned_power:.0%}, below "
            f"{REQUIRED_POWER:.0%}: this test cannot see whether it got worse"
        )
    elif shown:
        verdict = "no worse"
        reason = f"the worst plausible change is {worst:+.3g}, inside the margin of {margin:g}"
    else:
        verdict = "not shown"
        reason = f"the worst plausible change is {worst:+.3g}, not inside the margin of {margin:g}"
    return NonInferiority(
        verdict=verdict,
        gates=gates,
        margin=margin,
        difference=table.difference,
        worst=worst,
        z=z,
        p_value=float(ndtr(-z)),
        planned_power=planned_power,
        reason=reason,
    )
