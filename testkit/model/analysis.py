"""One look: from counts per wave and arm to figures, bounds and a verdict. Pure.

Theory of operation. Only waves that are older than the attribution window enter, so that an arm
which merely converts faster cannot win. Information is counted in units, its share of the plan is
the point on the spending function, and a look that brought no new units spends nothing and decides
nothing. Past looks enter with the bounds that they were taken with. The look on the last planned
wave is final by the plan; an earlier one is final only when that was declared before looking.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from testkit.errors import StateError
from testkit.kernel.clock import to_text
from testkit.kernel.findings import Finding
from testkit.model.plan import MIN_CONVERSIONS
from testkit.stats.boundaries import monitoring_bounds
from testkit.stats.counts import TwoByTwo
from testkit.stats.effects import (
    miettinen_nurminen,
    risk_difference,
    stratified_difference_interval,
    stratified_z,
)
from testkit.stats.inference import sequential_p_value, stagewise
from testkit.stats.spending import spending_by_name
from testkit.stats.srm import srm_chisq

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from testkit.model.plan import Plan

__all__ = ["ArmFigures", "Look", "Verdict", "WaveCounts", "analyse", "spending_looks"]

SRM_ALPHA: Final = 0.001
ALLOCATION_DRIFT: Final = 0.01

Verdict = Literal[
    "continue",
    "crossed-up",
    "crossed-down",
    "ended",
    "no-new-information",
    "too-few",
    "after-stop",
]
"""What the look says: go on; the arm is better; the arm is worse; the plan's end without a
crossing; the same units as before; too few outcomes to read; data after the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveCounts:
    """Counts of one wave.

    Attributes:
        wave: Its number, from 1.
        sent_at: When it went out; None while nobody said so.
        units: ``arm -> units``.
        outcomes: ``arm -> units with the outcome``.
        returned: ``arm -> units that a result row came back for``; None where rows come back only
            for those who did it.
    """

    wave: int
    sent_at: datetime | None
    units: dict[str, int]
    outcomes: dict[str, int]
    returned: dict[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """An arm at a look: units, outcomes and their rate over all mature waves."""

    name: str
    units: int
    outcomes: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A recorded look; figures are on mature waves only.

    Attributes:
        id: Its id.
        number: From 1 within the plan.
        at: ISO-8601 text.
        data_digest: Digest of the data it read.
        waves: Mature waves that entered.
        immature: Waves that are sent and not yet old enough, or whose send time is unknown.
        arms: Control first.
        information: n_control n_arm / (n_control + n_arm).
        fraction: ``information`` over the plan's.
        z: Score statistic; None when nobody or everybody did it.
        bound: Critical value of this look; None when the look could not stop the test.
        spent: Alpha spent so far, over both sides.
        final: Whether this look spends all that remains.
        verdict: See :data:`Verdict`.
        difference: Arm minus control.
        lift: Difference over control; None when the control has none.
        low: Repeated interval, lower end; None while the look cannot exclude anything.
        high: Repeated interval, upper end.
        p_sequential: Smallest alpha at which the test would have stopped by now; None when z is.
        stagewise: ``p_value, low, high, estimate`` after a stop by the plan; else None.
        srm_p: p-value of the sample-ratio test; None when it cannot be computed.
        findings: Data-quality findings (DQ001 ...).
    """

    id: str
    number: int
    at: str
    data_digest: str
    waves: tuple[int, ...]
    immature: tuple[int, ...]
    arms: tuple[ArmFigures, ...]
    information: float
    fraction: float
    z: float | None
    bound: float | None
    spent: float
    final: bool
    verdict: Verdict
    difference: float
    lift: float | None
    low: float | None
    high: float | None
    p_sequential: float | None
    stagewise: dict[str, float] | None
    srm_p: float | None
    findings: tuple[Finding, ...]

    @property
    def stopped(self) -> bool:
        """Whether the plan ends here."""
        return self.verdict in {"crossed-up", "crossed-down", "ended"}

    @property
    def blocked(self) -> bool:
        """Whether a data-quality error forbids a decision."""
        return any(f.severity == "error" for f in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The look as plain values, for storage and JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The look that :meth:`as_dict` wrote."""
        return cls(
            **{
                **raw,
                "waves": tuple(raw["waves"]),
                "immature": tuple(raw["immature"]),
                "arms": tuple(ArmFigures(**arm) for arm in raw["arms"]),
                "findings": tuple(Finding(**f) for f in raw["findings"]),
            }
        )


def spending_looks(looks: Sequence[Look]) -> list[Look]:
    """The looks that took part in the plan's error spending, in order."""
    return [look for look in looks if look.verdict in {"continue", *_STOPS}]


_STOPS: Final = ("crossed-up", "crossed-down", "ended")


def mature(wave: WaveCounts, plan: Plan, *, now: datetime) -> bool:
    """Whether every unit of the wave has had the whole attribution window."""
    if wave.sent_at is None:
        return False
    return (now - wave.sent_at).total_seconds() >= plan.metric.window_hours * 3600


def analyse(
    plan: Plan,
    *,
    past: Sequence[Look],
    waves: Sequence[WaveCounts],
    now: datetime,
    look_id: str,
    data_digest: str,
    final: bool = False,
) -> Look:
    """Take one look.

    Args:
        plan: The locked plan.
        past: Looks recorded before, in order.
        waves: Counts of every wave that has any, in order.
        now: The present moment.
        look_id: Id for the new look.
        data_digest: Digest of the data.
        final: This look was declared the last one before it was taken.

    Raises:
        StateError: No wave is old enough to be read.
    """
    ripe = [w for w in waves if mature(w, plan, now=now)]
    names = (plan.control.name, plan.treatment.name)
    ripe = [w for w in ripe if all(w.units.get(name, 0) > 0 for name in names)]
    if not ripe:
        raise StateError(
            f"no wave of {plan.experiment} can be read yet",
            current="nothing mature",
            hint=_when(plan, waves),
        )
    tables = [
        TwoByTwo(
            successes_control=w.outcomes.get(names[0], 0),
            n_control=w.units[names[0]],
            successes_arm=w.outcomes.get(names[1], 0),
            n_arm=w.units[names[1]],
        )
        for w in ripe
    ]
    total = TwoByTwo(
        successes_control=sum(t.successes_control for t in tables),
        n_control=sum(t.n_control for t in tables),
        successes_arm=sum(t.successes_arm for t in tables),
        n_arm=sum(t.n_arm for t in tables),
    )
    # Waves with unlike splits are compared within themselves, so that a base rate that drifts
    # from wave to wave cannot pass for an effect.
    stratify = len(tables) > 1 and _allocation_moves(tables)
    effect = risk_difference(
        successes_control=total.successes_control,
        n_control=total.n_control,
        successes_arm=total.successes_arm,
        n_arm=total.n_arm,
    )
    if stratify:
        within = stratified_z(tables)
        z, difference, information = within.z, within.difference, within.information_n
    else:
        z, difference = effect.z, effect.difference
        information = total.n_control * total.n_arm / (total.n_control + total.n_arm)

    spending_past = spending_looks(past)
    stopped_before = any(look.stopped for look in spending_past)
    before = spending_past[-1].information if spending_past else 0.0
    pooled = (total.successes_control + total.successes_arm) / (total.n_control + total.n_arm)
    smallest = pooled * min(total.n_control, total.n_arm)
    is_final = final or {w.wave for w in ripe} >= set(range(1, plan.waves + 1))
    srm_p, findings = _gates(plan, ripe, smallest=smallest)

    bound: float | None = None
    spent = spending_past[-1].spent if spending_past else 0.0
    inference: dict[str, float] | None = None
    p_sequential: float | None = None
    verdict: Verdict
    history = [*(look.information for look in spending_past), information]
    uppers = [math.inf if look.bound is None else look.bound for look in spending_past]
    if stopped_before:
        verdict = "after-stop"
        bound = next(look for look in spending_past if look.stopped).bound
    elif information <= before * (1 + 1e-9):
        verdict = "no-new-information"
    elif z is None or (smallest < MIN_CONVERSIONS and not is_final):
        verdict = "too-few"
    else:
        bounds = monitoring_bounds(
            planned_information=plan.planned_information,
            information=history,
            alpha=plan.alpha,
            spending=spending_by_name(plan.spending),
            final=is_final,
            fixed_upper=uppers,
        )
        realised = [*uppers, float(bounds.upper[-1])]
        bound = realised[-1] if math.isfinite(realised[-1]) else None
        spent = 2 * float(bounds.spent[-1])
        crossed = bound is not None and abs(z) >= bound and smallest >= MIN_CONVERSIONS
        verdict = "continue"
        if crossed:
            verdict = "crossed-up" if z > 0 else "crossed-down"
        elif is_final or information >= plan.planned_information:
            verdict = "ended"
        times = [min(1.0, i / plan.planned_information) for i in history]
        if is_final:
            times[-1] = 1.0
        p_sequential = sequential_p_value(
            z=[*(look.z or 0.0 for look in spending_past), z],
            information=history,
            spending_time=times,
            spending=spending_by_name(plan.spending),
        )
        if verdict in _STOPS:
            found = stagewise(
                information=history,
                upper=realised,
                lower=[-u for u in realised],
                z=z,
                look=len(history),
            )
            # theta is the drift per root unit of information; times the standard deviation of one
            # outcome it is the difference of the rates.
            scale = math.sqrt(pooled * (1 - pooled))
            inference = {
                "p_value": found.p_value,
                "low": max(-1.0, found.low * scale),
                "high": min(1.0, found.high * scale),
                "estimate": found.estimate * scale,
            }
    low = high = None
    if bound is not None:
        interval = (
            stratified_difference_interval(tables, critical=bound, small_sample=False)
            if stratify
            else miettinen_nurminen(
                successes_control=total.successes_control,
                n_control=total.n_control,
                successes_arm=total.successes_arm,
                n_arm=total.n_arm,
                critical=bound,
                small_sample=False,
            )
        )
        low, high = interval.low, interval.high
    return Look(
        id=look_id,
        number=len(past) + 1,
        at=to_text(now),
        data_digest=data_digest,
        waves=tuple(w.wave for w in ripe),
        immature=tuple(w.wave for w in waves if w not in ripe),
        arms=(
            _figures(names[0], total.successes_control, total.n_control),
            _figures(names[1], total.successes_arm, total.n_arm),
        ),
        information=information,
        fraction=information / plan.planned_information,
        z=z,
        bound=bound,
        spent=spent,
        final=is_final,
        verdict=verdict,
        difference=difference,
        lift=effect.lift,
        low=low,
        high=high,
        p_sequential=p_sequential,
        stagewise=inference,
        srm_p=srm_p,
        findings=findings,
    )


def _figures(name: str, outcomes: int, units: int) -> ArmFigures:
    return ArmFigures(name=name, units=units, outcomes=outcomes, rate=outcomes / units)


def _allocation_moves(tables: Sequence[TwoByTwo]) -> bool:
    shares = [t.n_arm / (t.n_arm + t.n_control) for t in tables]
    return max(shares) - min(shares) > ALLOCATION_DRIFT


def _gates(
    plan: Plan, waves: Sequence[WaveCounts], *, smallest: float
) -> tuple[float | None, tuple[Finding, ...]]:
    findings: list[Finding] = []
    names = [arm.name for arm in plan.arms]
    # Assigned counts are right by construction; what came back can be lopsided.
    sources = [w.returned if w.returned is not None else w.units for w in waves]
    counts = [sum(s.get(name, 0) for s in sources) for name in names]
    srm_p: float | None = None
    if sum(counts):
        result = srm_chisq(counts, plan.shares, alpha=SRM_ALPHA)
        srm_p = result.p_value
        if result.p_value < SRM_ALPHA:
            shown = " and ".join(f"{c:,} {n}" for c, n in zip(counts, names, strict=True))
            planned = " : ".join(f"{share:g}" for share in plan.shares)
            findings.append(
                Finding(
                    code="DQ001",
                    severity="error",
                    message=(
                        f"sample-ratio mismatch: {shown} against a planned {planned}"
                        f" (p = {result.p_value:.2g})"
                    ),
                    hint=(
                        "something lost people of one arm: look for a filter, a bounced segment or"
                        " a wrong file; retract the batch, or decide with --despite-mismatch REASON"
                    ),
                )
            )
    if smallest < MIN_CONVERSIONS:
        findings.append(
            Finding(
                code="DQ002",
                severity="warning",
                message=(
                    f"only about {smallest:.0f} outcomes in the smaller arm: this engine needs"
                    f" {MIN_CONVERSIONS} before its error rates hold"
                ),
                hint="wait for more waves; this look can stop nothing",
            )
        )
    return srm_p, tuple(findings)


def _when(plan: Plan, waves: Sequence[WaveCounts]) -> str:
    sent = [w for w in waves if w.sent_at is not None]
    if sent:
        first = min(sent, key=lambda w: (w.sent_at, w.wave))
        assert first.sent_at is not None
        ripe_at = first.sent_at + timedelta(hours=plan.metric.window_hours)
        return (
            f"an outcome counts for {plan.metric.window_hours:g} hours after the send: wave"
            f" {first.wave} can be read from {ripe_at:%Y-%m-%d %H:%M} UTC"
        )
    if waves:
        return (
            "say when a wave went out:"
            f" whistlestop experiment sent {plan.experiment} --wave {waves[0].wave} --at TIME"
        )
    return f"take in results first: whistlestop experiment intake {plan.experiment} FILE.csv"
