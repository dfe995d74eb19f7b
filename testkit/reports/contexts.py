"""What each report template is given, documented; a test holds template and context together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testkit.kernel.clock import from_text, shown
from testkit.model.plan import OBSERVATIONAL
from testkit.reports import tables, words
from testkit.reports.charts import LookChart, look_chart
from testkit.reports.references import references

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.kernel.findings import Finding
    from testkit.model.costing import Cost
    from testkit.model.decision import Decision
    from testkit.model.look import Look
    from testkit.model.plan import Plan
    from testkit.store.amendments import Amendment
    from testkit.store.events import Batch
    from testkit.store.plans import LockedPlan, VoidedPlan

__all__ = ["ReportContext", "report_context"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """Context of ``report.html.jinja`` and ``report.md.jinja``.

    Attributes:
        title: The question, or the experiment's name.
        practice: Whether the workspace is in practice mode.
        summary: Two or three plain sentences, the answer first.
        plan: The plan.
        locked_at: When it was locked, in the organisation's zone.
        locked_by: By whom.
        plan_digest: Digest of the plan.
        looks: One row per look: number, when, waves, share, difference, interval, z, bound,
            verdict.
        arms: One row per arm at the last look: name, units, outcomes, rate, text.
        arm_heads: What the two last columns of the arms hold: a count, and a value.
        young: One row per arm of the waves that are not old enough: name, units, outcomes; shown,
            never analysed.
        comparisons: One row per metric and arm at the last look: metric, role, arm, values,
            difference, interval, p, reading.
        disagreements: Why an amount is not shown where the yes or no of the same people is.
        guardrails: One row per guardrail and arm: metric, arm, difference, worst, reading.
        factors: One row per factor effect: name, difference, interval, reading.
        segments: One entry per declared segmentation: sentence, and rows of name, units, effect,
            interval.
        funnel: Header and rows from the list to the outcome, a column per arm; empty before the
            first look.
        revised: What data after the verdict say, in a sentence; empty when there are none.
        amendments: What happened to the plan after its first lock: when, what, digest, reason.
        goal: What decides, with its figures of today, in words.
        chart: The looks; None before the first.
        chart_words: The chart in a sentence, for those who cannot see it.
        findings: Data-quality findings of the last look.
        quality: Rows of the data-quality box: what, value.
        machines: What machines add to opens, clicks and metrics, by arm: what, arm, raw, human,
            gap, why. None of it was read.
        costs: What every arm cost and a thousand of it brought: arm, spent, outcomes, per
            thousand, extra.
        costs_note: Where the costs come from, or why they cannot be said.
        batches: One row per batch: id, file, rows, when, state.
        decision_rows: Rows of the decision box; empty before a decision.
        references: Papers behind the numbers.
        generated_at: When the page was made.
        ledger_head: Newest ledger row and the start of its hash.
    """

    title: str
    practice: bool
    summary: tuple[str, ...]
    plan: Plan
    locked_at: str
    locked_by: str
    plan_digest: str
    looks: tuple[dict[str, str], ...]
    arms: tuple[dict[str, str], ...]
    arm_heads: tuple[str, str]
    young: tuple[dict[str, str], ...]
    comparisons: tuple[dict[str, str], ...]
    disagreements: tuple[str, ...]
    guardrails: tuple[dict[str, str], ...]
    factors: tuple[dict[str, str], ...]
    segments: tuple[dict[str, Any], ...]
    funnel: tuple[tuple[str, ...], ...]
    revised: str
    amendments: tuple[dict[str, str], ...]
    goal: str
    chart: LookChart | None
    chart_words: str
    findings: tuple[Finding, ...]
    quality: tuple[tuple[str, str], ...]
    machines: tuple[dict[str, str], ...]
    costs: tuple[dict[str, str], ...]
    costs_note: str
    batches: tuple[dict[str, str], ...]
    decision_rows: tuple[tuple[str, str], ...]
    references: tuple[str, ...]
    generated_at: str
    ledger_head: str


def report_context(
    *,
    locked: LockedPlan,
    looks: Sequence[Look],
    decision: Decision | None,
    batches: Sequence[Batch],
    remainder: int,
    doubts: tuple[str, ...],
    practice: bool,
    zone_name: str,
    generated_at: str,
    ledger_head: str,
    assigned: int = 0,
    voided: Sequence[VoidedPlan] = (),
    amended: Sequence[Amendment] = (),
    costs: Sequence[Cost] = (),
    mixed: str = "",
) -> ReportContext:
    """Put recorded values into words and rows; computes no statistic."""
    plan = locked.plan
    last = looks[-1] if looks else None
    return ReportContext(
        title=plan.title or plan.experiment,
        practice=practice,
        summary=(*doubts, *_summary(plan, looks, decision, remainder)),
        plan=plan,
        locked_at=shown(from_text(locked.locked_at), zone_name=zone_name),
        locked_by=locked.locked_by,
        plan_digest=locked.digest,
        looks=tuple(_look_row(plan, look, zone_name) for look in looks),
        arms=_arm_rows(plan, last),
        arm_heads=words.arm_heads(plan.metric),
        young=tables.young(last),
        comparisons=tables.comparisons(plan, last),
        disagreements=words.disagreements(plan, last) if last else (),
        guardrails=tables.guardrails(plan, last),
        factors=tables.factors(plan, last),
        segments=tables.segments(plan, last),
        funnel=tables.funnel(plan, last, assigned=assigned),
        revised=_revised(plan, last, decision),
        amendments=(
            *(
                {
                    "when": shown(from_text(v.voided_at), zone_name=zone_name),
                    "what": f"Version {v.version} was taken back before anything was sent",
                    "digest": v.digest[:12],
                    "reason": v.reason,
                }
                for v in voided
            ),
            *(
                {
                    "when": shown(from_text(a.at), zone_name=zone_name),
                    "what": "Changed: "
                    + "; ".join(f"{c['key']}, {c['before']} to {c['after']}" for c in a.changes),
                    "digest": a.digest[:12],
                    "reason": a.reason,
                }
                for a in amended
            ),
        ),
        goal=_goal(plan),
        chart=_chart(plan, looks),
        chart_words=_chart_words(plan, last),
        findings=last.findings if last else (),
        quality=_quality(plan, last, batches),
        machines=tables.machines(last),
        costs=tables.costs(costs),
        costs_note=mixed or _costs_note(plan, costs),
        batches=tuple(_batch_row(b, zone_name) for b in batches),
        decision_rows=_decision_rows(plan, decision, zone_name, remainder),
        references=references(plan, last),
        generated_at=generated_at,
        ledger_head=ledger_head,
    )


def _summary(
    plan: Plan, looks: Sequence[Look], decision: Decision | None, remainder: int
) -> tuple[str, ...]:
    last = looks[-1] if looks else None
    if decision is not None:
        decided = next((look for look in looks if look.id == decision.look_id), None)
        return (
            words.decision_sentence(plan, decision, remainder),
            (
                f"The difference is {words.difference(plan.metric, decision.difference)}"
                f" ({words.range_of(plan.metric, decision.low, decision.high)})."
            ),
            *(
                sentence
                for sentence in (
                    words.note_sentence(plan, decided) if decided else "",
                    words.extra_sentence(plan, decision, remainder),
                    words.expected_sentence(plan, decision, remainder),
                    words.per_thousand_sentence(plan, decision),
                )
                if sentence
            ),
        )
    if last is not None:
        return (
            words.look_sentence(plan, last),
            (
                f"So far the difference is {words.difference(plan.metric, last.difference)}"
                f" ({words.range_of(plan.metric, last.low, last.high)})."
            ),
            *filter(None, (words.note_sentence(plan, last),)),
        )
    return ("Nothing has been looked at yet.",)


def _goal(plan: Plan) -> str:
    metric = plan.metric
    said = f"{metric.name} ({metric.kind}, {metric.tier})"
    if metric.base is not None:
        said += f", today {words.figure(metric, metric.base)}"
    if metric.mde is not None:
        said += f", smallest difference worth acting on {words.difference(metric, metric.mde)}"
    if metric.reason:
        said += f"; a milestone decides because: {metric.reason}"
    return said


def _revised(plan: Plan, last: Look | None, decision: Decision | None) -> str:
    if last is None or decision is None or last.id == decision.look_id:
        return ""
    return words.revised_sentence(plan, last)


def _look_row(plan: Plan, look: Look, zone_name: str) -> dict[str, str]:
    first = look.comparison(plan.metric.name, look.arm)
    bound = "none" if look.bound is None else f"{look.bound:.3f}"
    if first is not None and first.critical is not None:
        low, high = (("none" if c is None else f"{c:,}") for c in first.critical)
        bound = f"counts {low} and {high}"
    elif first is not None and first.log_e is not None:
        bound = f"e {math.exp(min(first.log_e, 700)):,.3g} of {1 / plan.comparison_alpha:g}"
    return {
        "number": str(look.number),
        "when": shown(from_text(look.at), zone_name=zone_name),
        "waves": ", ".join(map(str, look.waves)),
        "share": f"{look.fraction:.0%}",
        "difference": words.difference(plan.metric, look.difference),
        "interval": words.range_of(plan.metric, look.low, look.high),
        "z": "none" if look.z is None else f"{look.z:+.3f}",
        "bound": bound,
        "verdict": look.verdict if len(plan.treatments) == 1 else f"{look.verdict}: {look.arm}",
    }


def _arm_rows(plan: Plan, last: Look | None) -> tuple[dict[str, str], ...]:
    figures = {arm.name: arm for arm in last.arms} if last else {}
    rows = []
    for arm in plan.arms:
        seen = figures.get(arm.name)
        rows.append(
            {
                "name": arm.name + (" (control)" if arm.control and arm.name != "control" else ""),
                "share": f"{arm.share:.0%}",
                "units": f"{seen.units:,}" if seen else "none yet",
                "outcomes": f"{seen.outcomes:,}" if seen else "none yet",
                "rate": words.figure(plan.metric, seen.rate) if seen else "none yet",
                "text": arm.text,
            }
        )
    return tuple(rows)


def _chart(plan: Plan, looks: Sequence[Look]) -> LookChart | None:
    shown_looks = [look for look in looks if look.verdict != "no-new-information"]
    if not shown_looks:
        return None
    last = shown_looks[-1]
    units = sum(arm.units for arm in last.arms)
    pooled = sum(arm.outcomes for arm in last.arms) / units if units else 0.0
    spread = math.sqrt(max(pooled * (1 - pooled), 1e-12))
    if plan.metric.kind != "proportion" and last.z:
        spread = abs(last.difference / last.z) * math.sqrt(last.information)
    realised = {
        round(look.fraction, 6): look.bound for look in shown_looks if look.bound is not None
    }
    planned = {
        (k + 1) / plan.looks: bound
        for k, bound in enumerate(plan.planned_upper)
        if math.isfinite(bound) and (k + 1) / plan.looks > max(realised, default=0.0) + 1e-6
    }
    curve = sorted({**realised, **planned}.items())
    bounds = [
        (t, z * spread / math.sqrt(t * plan.planned_information(plan.treatment))) for t, z in curve
    ]
    return look_chart(
        [(k.number, k.fraction, k.difference, k.low, k.high) for k in shown_looks], bounds=bounds
    )


def _chart_words(plan: Plan, last: Look | None) -> str:
    if last is None:
        return ""
    return (
        f"Difference between {last.arm or plan.treatment.name} and {plan.control.name} at each"
        " look, with the"
        f" interval that is valid at every look, and the bounds that stop the test. At look"
        f" {last.number} it is {words.difference(plan.metric, last.difference)}"
        f" ({words.range_of(plan.metric, last.low, last.high)})."
    )


def _quality(
    plan: Plan, last: Look | None, batches: Sequence[Batch]
) -> tuple[tuple[str, str], ...]:
    counting = [b for b in batches if b.retracted_at is None]
    again = sum(b.summary.get("repeated", 0) + b.summary.get("earlier", 0) for b in counting)
    rows = [
        ("Result files", f"{len(counting)} in use, {len(batches) - len(counting)} taken back"),
        (
            "Rows that repeat a person",
            f"{again:,} (counted once)",
        ),
        (
            "Rows of people who were not assigned",
            f"{sum(b.summary.get('unknown', 0) for b in counting):,} (left out)",
        ),
        ("Attribution window", f"{plan.metric.window_hours:g} hours after the send"),
    ]
    if last is not None:
        ratio = (
            "cannot be computed" if last.srm_p is None else f"p = {last.srm_p:.3g}, at every look"
        )
        rows.append(("Sample ratio", ratio))
        waiting = ", ".join(map(str, last.immature)) or "none"
        rows.append(("Waves not old enough at the last look", waiting))
    return tuple(rows)


def _costs_note(plan: Plan, costs: Sequence[Cost]) -> str:
    if not costs:
        return ""
    source = (
        "What the plan says that a message costs"
        if all(one.planned for one in costs)
        else "What the files of spend say"
    )
    return (
        f"{source}; {plan.metric.name} of the last look. Per 1,000: everybody who did it, with the"
        f" arm's own 95 % interval. Beyond {plan.control.name}: what the arm added, with the"
        " interval that is valid at every look."
    )


def _batch_row(batch: Batch, zone_name: str) -> dict[str, str]:
    return {
        "id": batch.id,
        "file": batch.source_name,
        "rows": f"{batch.rows:,}",
        "when": shown(from_text(batch.at), zone_name=zone_name),
        "digest": batch.data_sha256[:12],
        "state": "taken back" if batch.retracted_at else "counts",
    }


def _decision_rows(
    plan: Plan, decision: Decision | None, zone_name: str, remainder: int
) -> tuple[tuple[str, str], ...]:
    if decision is None:
        return ()
    p = "none" if decision.p_value is None else f"{decision.p_value:.4g}"
    interval = words.range_of(plan.metric, decision.low, decision.high)
    rows = [
        ("Outcome", decision.outcome),
        ("How it ended", f"{decision.ending}, at look {decision.look_number}"),
        (
            "The rest gets" if remainder > 0 else "Nobody is left; from now on",
            words.share_list(decision.chosen),
        ),
        (
            "Proven",
            f"no: {OBSERVATIONAL}"
            if plan.observational
            else "yes"
            if decision.proven
            else "no: chosen, not proven",
        ),
        (
            f"Difference in {plan.metric.name}",
            words.difference(plan.metric, decision.difference),
        ),
        ("Interval", f"{interval} ({decision.interval_method})"),
        ("p-value", p),
        ("Why", decision.reason),
        ("Decided", shown(from_text(decision.at), zone_name=zone_name)),
    ]
    if decision.proven_metrics:
        rows.append(("Proven too, in their order", ", ".join(decision.proven_metrics)))
    if decision.despite:
        rows.append(("Decided in spite of a data-quality error, because", decision.despite))
    return tuple(rows)
