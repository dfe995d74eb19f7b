"""Rows of the report's tables, from recorded looks. Pure; computes no statistic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testkit.reports import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.costing import Cost
    from testkit.model.look import Look
    from testkit.model.plan import Plan, PlanMetric

__all__ = [
    "comparisons",
    "costs",
    "factors",
    "funnel",
    "guardrails",
    "machines",
    "segments",
    "young",
]


def _metric(plan: Plan, name: str) -> PlanMetric:
    return next(m for m in plan.metrics if m.name == name)


def young(last: Look | None) -> tuple[dict[str, str], ...]:
    """Arms of the waves that are not old enough."""
    return tuple(
        {"name": a.name, "units": f"{a.units:,}", "outcomes": f"{a.outcomes:,}"}
        for a in (last.young if last else ())
    )


def comparisons(plan: Plan, last: Look | None) -> tuple[dict[str, str], ...]:
    """Every metric in every arm, the primary first."""
    rows = []
    for one in last.comparisons if last else ():
        metric = _metric(plan, one.metric)
        control, arm = (words.figure(metric, value) for value in one.values)
        rows.append(
            {
                "metric": one.metric,
                "role": f"{one.role}, {metric.tier}",
                "arm": one.arm,
                "values": f"{arm} against {control}",
                "difference": words.difference(metric, one.difference),
                "interval": words.range_of(metric, one.low, one.high),
                "p": "none" if one.p_adjusted is None else f"{one.p_adjusted:.3g}",
                "reading": words.reading(plan, one),
                "method": one.method,
            }
        )
    return tuple(rows)


def guardrails(plan: Plan, last: Look | None) -> tuple[dict[str, str], ...]:
    """Every guardrail in every arm."""
    rows = []
    for one in last.guardrails if last else ():
        metric = _metric(plan, one.metric)
        rows.append(
            {
                "metric": one.metric,
                "arm": one.arm,
                "values": " against ".join(words.figure(metric, v) for v in reversed(one.values)),
                "difference": words.difference(metric, one.difference),
                "verdict": one.verdict,
                "reading": f"{one.reason}; stops wrongly with a chance of {one.false_stop:.1%}",
            }
        )
    return tuple(rows)


def factors(plan: Plan, last: Look | None) -> tuple[dict[str, str], ...]:
    """Effects of factors, interactions first."""
    return tuple(
        {
            "name": one.name,
            "difference": words.difference(plan.metric, one.estimate),
            "interval": words.range_of(plan.metric, one.low, one.high),
            "reading": one.reading,
        }
        for one in (last.factors if last else ())
    )


def segments(plan: Plan, last: Look | None) -> tuple[dict[str, Any], ...]:
    """Declared segmentations with their levels."""
    return tuple(
        {
            "sentence": one.sentence
            if len(plan.treatments) == 1
            else f"{one.arm} against {plan.control.name}: {one.sentence}",
            "arm": one.arm,
            "rows": tuple(
                {
                    "name": level["name"],
                    "units": f"{level['units']:,}",
                    "effect": words.difference(plan.metric, level["effect"]),
                    "interval": words.range_of(plan.metric, level["low"], level["high"]),
                }
                for level in one.levels
            ),
        }
        for one in (last.segments if last else ())
    )


def funnel(plan: Plan, last: Look | None, *, assigned: int) -> tuple[tuple[str, ...], ...]:
    """From the list to the outcome: a header, then a row per step, a column per arm."""
    if last is None or not last.comparisons:
        return ()
    names = [arm.name for arm in last.arms]
    rows = [
        ("step", *names),
        ("in the list", *([f"{assigned or plan.list_size:,} in all"] + [""] * (len(names) - 1))),
        ("sent, and old enough to be read", *(f"{arm.units:,}" for arm in last.arms)),
    ]
    # Milestones come before what they are for.
    metrics = sorted(
        {c.metric: None for c in last.comparisons},
        key=lambda name: _metric(plan, name).tier != "milestone",
    )
    for name in metrics:
        metric = _metric(plan, name)
        found = [c for c in last.comparisons if c.metric == name]
        events = {c.arm: (c.events[1], c.units[1]) for c in found}
        events[plan.control.name] = (found[0].events[0], found[0].units[0])
        rows.append(
            (
                name + (f" ({metric.tier})" if _counts(metric) else f", any ({metric.tier})"),
                *(_share(*events[arm]) if arm in events else "none yet" for arm in names),
            )
        )
    return tuple(rows)


def _counts(metric: PlanMetric) -> bool:
    return metric.kind == "proportion"


def _share(count: int, units: int) -> str:
    return f"{count:,} ({words.percent(count / units)})" if units else f"{count:,}"


def machines(last: Look | None) -> tuple[dict[str, str], ...]:
    """Opens, clicks and metrics with and without machines, by arm."""
    return tuple(
        {
            "what": one.what if one.metric else f"{one.what} (as the tool counts)",
            "arm": one.arm or "no arm",
            "raw": f"{one.raw:,}",
            "human": "not told apart" if one.human is None else f"{one.human:,}",
            "gap": "not known"
            if one.gap is None
            else f"{one.gap:,}" + (f" ({one.gap / one.raw:.0%})" if one.raw else ""),
            "why": ", ".join(f"{why or 'no reason'}: {n:,}" for why, n in one.why.items()),
        }
        for one in (last.machines if last else ())
    )


def costs(rows: Sequence[Cost]) -> tuple[dict[str, str], ...]:
    """What every arm cost, and what a thousand of it brought."""
    return tuple(
        {
            "arm": one.arm or "no arm",
            "spent": words.money(one),
            "outcomes": "none yet" if one.outcomes is None else f"{one.outcomes:,}",
            "per_thousand": words.per_thousand(one),
            "extra": words.extra_per_thousand(one),
        }
        for one in rows
    )
