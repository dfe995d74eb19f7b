"""One look: from counts per wave and arm to figures, bounds and a verdict. Pure.

Theory of operation. Only waves that are older than the attribution window enter, so that an arm
which merely converts faster cannot win. Information is counted in units, its share of the plan is
the point on the spending function, and a look that brought no new units spends nothing and decides
nothing. Past looks enter with the bounds that they were taken with. The look on the last planned
wave is final by the plan; an earlier one is final only when that was declared before looking.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from testkit.errors import StateError
from testkit.kernel.clock import to_text
from testkit.kernel.findings import Finding
from testkit.model.look import STOPS, ArmFigures, Look, WaveCounts, spending_looks
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

    from testkit.model.look import Verdict
    from testkit.model.plan import Plan

__all__ = ["analyse"]

SRM_ALPHA: Final = 0.001
ALLOCATION_DRIFT: Final = 0.01


def _mature(wave: WaveCounts, plan: Plan, *, now: datetime) -> bool:
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
    ripe = [w for w in waves if _mature(w, plan, now=now) and w.has_results]
    names = (plan.control.name, plan.treatment.name)
    planned = plan.planned_information(plan.treatment)
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
            planned_information=planned,
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
        elif is_final or information >= planned:
            verdict = "ended"
        times = [min(1.0, i / planned) for i in history]
        if is_final:
            times[-1] = 1.0
        p_sequential = sequential_p_value(
            z=[*(look.z or 0.0 for look in spending_past), z],
            information=history,
            spending_time=times,
            spending=spending_by_name(plan.spending),
        )
        if verdict in STOPS:
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
        fraction=information / planned,
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
    for wave in waves:
        silent = [name for name in names if not wave.rows.get(name)]
        if silent:
            findings.append(
                Finding(
                    code="DQ003",
                    severity="error",
                    message=(
                        f"wave {wave.wave} has no result row at all for {' and '.join(silent)}"
                    ),
                    hint=(
                        "take in that arm's file too; if nobody did it there, take in its rows"
                        " with 0, or decide with --despite-mismatch REASON"
                    ),
                )
            )
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
    if sent and not any(w.has_results for w in sent):
        return (
            f"wave {sent[0].wave} was sent and has no results yet: whistlestop experiment intake"
            f" {plan.experiment} FILE.csv"
        )
    if sent:
        first = min((w for w in sent if w.has_results), key=lambda w: (w.sent_at, w.wave))
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
