"""One look: from counts per wave and arm to figures, bounds and a verdict. Pure.

Theory of operation. Only waves that are older than the attribution window enter, so that an arm
which merely converts faster cannot win; on the speed clock one send is read while its outcomes come
in, and then the answer is only "more or sooner". Information is counted in units, its share of the
plan is the point on the spending function, and a look that brought no new units spends nothing and
decides nothing. Past looks enter with the bounds that they were taken with. The look on the last
planned wave is final by the plan; an earlier one is final only when that was declared before
looking.

Several arms are compared with the control each, by Holm on p-values that may be read at every look.
Secondary metrics are read in their order, each only when all before it were proven. A guardrail
that shows harm stops its arm; the test stops when no arm is left, or when one is proven.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from testkit.errors import StateError
from testkit.kernel.clock import to_text
from testkit.model.comparing import compare, engine_now
from testkit.model.gates import gates, sample_ratio
from testkit.model.look import STOPS, ArmFigures, Look, Quality, WaveCounts
from testkit.model.readings import pairs_of, read
from testkit.model.situation import Situation, history
from testkit.model.watching import factors, guardrails, segments
from testkit.stats.futility import futility_design, monitoring_futility
from testkit.stats.multiplicity import holm
from testkit.stats.spending import spending_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from testkit.model.look import Comparison, GuardrailFigures, Verdict
    from testkit.model.plan import Plan, PlanMetric

__all__ = ["analyse"]


def analyse(
    plan: Plan,
    *,
    past: Sequence[Look],
    waves: Sequence[WaveCounts],
    now: datetime,
    look_id: str,
    data_digest: str,
    final: bool = False,
    quality: Quality | None = None,
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
        quality: What the rows say about themselves.

    Raises:
        StateError: No wave is old enough to be read, or the plan has one look, at the end.
    """
    ripe = _ripe(plan, plan.metric, waves, now=now)
    if not ripe:
        raise StateError(
            f"no wave of {plan.experiment} can be read yet",
            current="nothing mature",
            hint=_when(plan, waves),
        )
    over = all(_mature(w, plan.metric, now=now) for w in ripe)
    is_final = final or (over and {w.wave for w in ripe} >= set(range(1, plan.waves + 1)))
    if plan.family == "fixed" and not is_final:
        raise StateError(
            f"{plan.experiment} has one look, at the end: waves"
            f" {', '.join(str(w.wave) for w in ripe)} of {plan.waves} can be read",
            current="running",
            hint="wait for the last wave, or declare this look the last before taking it: --final",
        )
    # What a finding blocked was read from wrong data: it neither stopped the test nor spent of it.
    number, past = len(past) + 1, [look for look in past if not look.blocked]
    stopped = any(look.stopped for look in past)
    gone = set(past[-1].dropped) if past else set()
    primary = [
        _one(plan, plan.metric, arm.name, ripe, past, final=is_final, stopped=stopped, gone=gone)
        for arm in plan.treatments
    ]
    primary = _familywise(plan, primary, gone)
    if plan.futility is not None and not is_final and not stopped:
        primary = [_hopeless(plan, c, past) for c in primary]
    if plan.clock == "speed":
        primary = [_on_speed(c) for c in primary]
    watched = [arm.name for arm in plan.treatments if arm.name not in gone]
    likely_end = is_final or any(c.verdict in STOPS for c in primary)
    rails = guardrails(plan, ripe, ended=likely_end, arms=watched)
    verdict, lead, dropped = _together(plan, primary, rails, gone, stopped=stopped)
    compared = [*primary, *_secondaries(plan, primary, waves, past, now=now, final=is_final)]
    ended = verdict in STOPS
    srm_p = sample_ratio(plan, ripe, gone=gone)
    first = next(c for c in primary if c.arm == lead)
    return Look(
        id=look_id,
        number=number,
        at=to_text(now),
        data_digest=data_digest,
        waves=tuple(w.wave for w in ripe),
        immature=tuple(w.wave for w in waves if w not in ripe),
        arms=_arms(plan, primary),
        information=first.information,
        fraction=first.fraction,
        z=first.z,
        bound=first.bound,
        spent=first.spent,
        final=is_final,
        verdict=verdict,
        difference=first.difference,
        lift=first.lift,
        low=first.low,
        high=first.high,
        p_sequential=first.p_sequential,
        stagewise=first.stagewise if verdict not in {"harm", "futile"} else None,
        srm_p=srm_p,
        findings=gates(
            plan, ripe, quality=quality or Quality(), primary=primary, srm_p=srm_p, gone=gone
        ),
        engine=first.engine,
        arm=lead,
        comparisons=tuple(compared),
        guardrails=rails,
        segments=segments(plan, ripe, lead) if ended and plan.segments else (),
        factors=factors(plan, ripe, primary=primary),
        dropped=tuple(a.name for a in plan.treatments if a.name in dropped),
        young=_young(plan, [w for w in waves if w not in ripe]),
        machines=(quality or Quality()).machines,
    )


def _mature(wave: WaveCounts, metric: PlanMetric, *, now: datetime) -> bool:
    """Whether every unit of the wave has had the whole attribution window."""
    if wave.sent_at is None:
        return False
    return (now - wave.sent_at).total_seconds() >= metric.window_hours * 3600


def _ripe(
    plan: Plan, metric: PlanMetric, waves: Sequence[WaveCounts], *, now: datetime
) -> list[WaveCounts]:
    """Waves that may be read for a metric: results in, and old enough, but for the speed clock."""
    speed = plan.clock == "speed"
    found = []
    for wave in waves:
        old = wave.sent_at is not None if speed else _mature(wave, metric, now=now)
        if old and wave.has_results and all(wave.units.get(a.name, 0) > 0 for a in plan.arms):
            found.append(wave)
    return found


def _one(
    plan: Plan,
    metric: PlanMetric,
    arm: str,
    ripe: Sequence[WaveCounts],
    past: Sequence[Look],
    *,
    final: bool,
    stopped: bool,
    gone: set[str],
) -> Comparison:
    pairs = pairs_of(plan, metric, arm, ripe)
    situation = Situation(
        plan=plan, metric=metric, arm=arm, past=past, waves=ripe, pairs=pairs, final=final,
        engine="z",
    )  # fmt: skip
    reading = read(plan, metric, arm, pairs, ripe)
    situation = replace(situation, engine=engine_now(situation, reading))
    return compare(situation, reading, stopped=stopped or arm in gone)


def _familywise(plan: Plan, primary: Sequence[Comparison], gone: set[str]) -> list[Comparison]:
    """Holm over the arms: what one proven arm leaves of alpha goes to the others."""
    if len(primary) == 1:
        return list(primary)
    p = [1.0 if c.p_sequential is None else c.p_sequential for c in primary]
    out = []
    for one, adjusted in zip(primary, holm(p), strict=True):
        made = replace(one, p_adjusted=None if one.p_sequential is None else adjusted)
        proven = one.counted and adjusted <= plan.alpha and one.arm not in gone
        if proven and one.verdict in {"continue", "ended"} and one.z is not None:
            better = (one.z > 0) == (plan.metric.direction == "up")
            made = replace(made, verdict="crossed-up" if better else "crossed-down")
        out.append(made)
    return out


def _hopeless(plan: Plan, one: Comparison, past: Sequence[Look]) -> Comparison:
    """Whether the comparison has fallen below the futility bound, which binds nobody."""
    if one.verdict != "continue" or one.z is None or plan.futility is None:
        return one
    looks = max(2, len(plan.planned_upper))
    design = futility_design(
        information=[(k + 1) / looks for k in range(looks)],
        alpha=plan.comparison_alpha / 2,
        beta=1 - plan.power,
        spending=spending_by_name(plan.spending),
        beta_spending=spending_by_name(plan.futility),
    )
    before = [c.fraction for c in history(past, one.metric, one.arm)]
    now = monitoring_futility(
        design,
        information=[*before, one.fraction],
        spending=spending_by_name(plan.spending),
        beta_spending=spending_by_name(plan.futility),
    )
    towards = one.z if plan.metric.direction == "up" else -one.z
    if towards <= float(now.lower[-1]):
        return replace(one, verdict="futile", stagewise=None)
    return one


def _on_speed(one: Comparison) -> Comparison:
    """Faster or better cannot be told apart while a send is still working."""
    if one.verdict == "crossed-up":
        return replace(one, verdict="sooner")
    if one.verdict == "crossed-down":
        return replace(one, verdict="later")
    return one


def _together(
    plan: Plan,
    primary: Sequence[Comparison],
    rails: Sequence[GuardrailFigures],
    gone: set[str],
    *,
    stopped: bool,
) -> tuple[Verdict, str, set[str]]:
    """Verdict of the look, the arm that it is about, and the arms that are out."""
    sign = 1.0 if plan.metric.direction == "up" else -1.0
    best = max(primary, key=lambda c: (c.arm not in gone, sign * c.difference))
    if stopped:
        return "after-stop", best.arm, gone
    harmed = {g.arm for g in rails if g.harm}
    out = gone | harmed | {c.arm for c in primary if c.verdict in {"crossed-down", "later"}}
    proven = [c for c in primary if c.verdict in {"crossed-up", "sooner"} and c.arm not in harmed]
    if proven:
        chosen = max(proven, key=lambda c: sign * c.difference)
        return chosen.verdict, chosen.arm, out
    rest = [c for c in primary if c.arm not in out]
    if not rest:
        fallen = [c for c in primary if c.arm not in gone] or list(primary)
        last = max(fallen, key=lambda c: sign * c.difference)
        return ("harm" if last.arm in harmed else last.verdict), last.arm, out
    best = max(rest, key=lambda c: sign * c.difference)
    for verdict in ("continue", "ended", "futile", "too-few", "no-new-information"):
        if any(c.verdict == verdict for c in rest):
            hopeful = [c for c in rest if c.verdict == verdict]
            lead = best if best in hopeful else max(hopeful, key=lambda c: sign * c.difference)
            return lead.verdict, lead.arm, out
    return best.verdict, best.arm, out


def _secondaries(
    plan: Plan,
    primary: Sequence[Comparison],
    waves: Sequence[WaveCounts],
    past: Sequence[Look],
    *,
    now: datetime,
    final: bool,
) -> list[Comparison]:
    """Secondary metrics in their order: a tier is proven only when all tiers before it are."""
    found: list[Comparison] = []
    gate = max((_p(c) for c in primary), default=1.0)
    for metric in plan.metrics:
        if metric.role != "secondary":
            continue
        ripe = _ripe(plan, metric, waves, now=now)
        tier = [
            _one(plan, metric, arm.name, ripe, past, final=final, stopped=False, gone=set())
            for arm in plan.treatments
            if pairs_of(plan, metric, arm.name, ripe)
        ]
        if not tier:
            gate = 1.0
            continue
        adjusted = [max(gate, p) for p in holm([_p(c) for c in tier])]
        for one, p in zip(tier, adjusted, strict=True):
            found.append(_behind_the_gate(plan, one, p))
        gate = max(adjusted)
    return found


def _p(one: Comparison) -> float:
    """Adjusted p-value of a comparison; 1 where there is none."""
    return 1.0 if one.p_adjusted is None else one.p_adjusted


def _behind_the_gate(plan: Plan, one: Comparison, p: float) -> Comparison:
    crossed = one.verdict in {"crossed-up", "crossed-down"}
    if not crossed or p <= plan.alpha:
        return replace(one, p_adjusted=p)
    return replace(
        one,
        p_adjusted=p,
        verdict="continue",
        note="not proven: a metric that is read before it is not proven",
    )


def _arms(plan: Plan, primary: Sequence[Comparison]) -> tuple[ArmFigures, ...]:
    """Control first; rates as the comparisons have them."""
    first = primary[0]
    rows = [
        ArmFigures(
            name=plan.control.name,
            units=first.units[0],
            outcomes=first.events[0],
            rate=first.values[0],
        )
    ]
    rows += [
        ArmFigures(name=c.arm, units=c.units[1], outcomes=c.events[1], rate=c.values[1])
        for c in primary
    ]
    return tuple(rows)


def _young(plan: Plan, waves: Sequence[WaveCounts]) -> tuple[ArmFigures, ...]:
    """Counts of waves that are not read, for showing."""
    sent = [w for w in waves if w.sent_at is not None and w.has_results]
    rows = []
    for arm in plan.arms:
        units = sum(w.units.get(arm.name, 0) for w in sent)
        outcomes = sum(w.outcomes.get(arm.name, 0) for w in sent)
        if units:
            rows.append(
                ArmFigures(name=arm.name, units=units, outcomes=outcomes, rate=outcomes / units)
            )
    return tuple(rows)


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
