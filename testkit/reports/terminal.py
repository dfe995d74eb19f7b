"""Looks as lines for the terminal. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from testkit.kernel.console import table
from testkit.reports import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.engines.tracing import TracedRows
    from testkit.model.look import Comparison, Look
    from testkit.model.plan import Plan
    from testkit.store.events import Assignment, Batch

__all__ = ["look_text", "trace_rows"]


def look_text(seen: Look, plan: Plan, *, new: bool) -> str:
    """A look for the terminal; ``new`` is False when the same data had been looked at before."""
    metric = plan.metric
    again = "" if new else " (the same data as before: the same look)"
    rows = [
        (a.name, f"{a.units:,}", f"{a.outcomes:,}", words.figure(metric, a.rate)) for a in seen.arms
    ]
    bound = "none yet" if seen.bound is None else f"{seen.bound:.3f}"
    z = "none" if seen.z is None else f"{seen.z:+.3f}"
    count, value = words.arm_heads(metric)
    lines = [
        (
            f"look {seen.number} of {plan.experiment}{again}: waves {_listed(seen.waves)},"
            f" {seen.fraction:.0%} of the planned information"
        ),
        table(rows, ["arm", "units", count, value]),
    ]
    first = seen.comparison(metric.name, seen.arm)
    shown = f"difference {words.difference(metric, seen.difference)}"
    if len(plan.treatments) > 1:
        shown = f"{seen.arm}: {shown}"
    if first is not None and first.critical is not None:
        low, high = (("none" if c is None else str(c)) for c in first.critical)
        lines.append(
            f"{shown}; {first.events[1]:,} of {seen.arm} against critical counts {low} and {high}"
            " (exact)"
        )
    elif first is not None and first.engine == "open":
        lines.append(f"{shown}, {_evidence(first, plan.comparison_alpha)}")
    else:
        lines.append(f"{shown}, z = {z}, bound {bound}")
    lines.append(f"interval valid at every look: {words.range_of(metric, seen.low, seen.high)}")
    if seen.stagewise:
        s = seen.stagewise
        lines.append(
            f"after the stop: {words.difference(metric, s['estimate'])}"
            f" ({words.range_of(metric, s['low'], s['high'])}), p = {s['p_value']:.4g}"
        )
    others = [c for c in seen.comparisons if (c.metric, c.arm) != (metric.name, seen.arm)]
    if others:
        lines.append(
            table(
                [
                    (
                        c.metric,
                        c.arm,
                        "none" if c.p_adjusted is None else f"{c.p_adjusted:.3g}",
                        words.comparison_sentence(plan, c),
                    )
                    for c in others
                ],
                ["metric", "arm", "adjusted p", f"against {plan.control.name}"],
            )
        )
    if seen.guardrails:
        by_name = {m.name: m for m in plan.metrics}
        lines.append(
            table(
                [
                    (g.metric, g.arm, words.difference(by_name[g.metric], g.difference), g.verdict)
                    for g in seen.guardrails
                ],
                ["guardrail", "arm", "difference", "reading"],
            )
        )
    for one in seen.factors:
        lines.append(f"{one.name}: {words.difference(metric, one.estimate)}; {one.reading}")
    lines += words.disagreements(plan, seen)
    for segment in seen.segments:
        lines.append(segment.sentence)
        lines += [
            f"  {level['name']}: {words.difference(metric, level['effect'])}"
            f" ({words.range_of(metric, level['low'], level['high'])}), {level['units']:,} units"
            for level in segment.levels
        ]
    lines += [str(f) for f in seen.findings]
    if seen.immature:
        lines.append(f"not old enough, or not sent yet: waves {_listed(seen.immature)}")
    lines.append(words.look_sentence(plan, seen))
    if note := words.note_sentence(plan, seen):
        lines.append(note)
    if seen.stopped and not seen.blocked:
        lines.append(f"next: whistlestop experiment decide {plan.experiment}")
    return "\n".join(lines)


def _evidence(one: Comparison, alpha: float) -> str:
    """How far evidence has come in an open-ended test; a sequence has a p-value and no e-value."""
    if one.log_e is not None:
        return f"e-value {math.exp(min(one.log_e, 700)):,.3g} of {1 / alpha:g} needed"
    if one.note or one.p_sequential is None:
        return "no evidence can be read yet"
    return f"p = {one.p_sequential:.3g} at any time, {alpha:g} needed"


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def trace_rows(
    lists: Sequence[Assignment], batches: Sequence[tuple[Batch, Sequence[TracedRows]]]
) -> list[dict[str, object]]:
    """Lists and result files of a metric as rows: file, digests, arm, rows, units, sum, ids."""
    rows: list[dict[str, object]] = [
        {
            "file": value.source_name,
            "digest": value.data_sha256[:12],
            "source_sha256": value.source_sha256,
            "data_sha256": value.data_sha256,
            "batch": value.id,
            "metric": "",
            "arm": "list",
            "rows": value.rows,
            "units": value.rows,
            "sum": "",
            "first": "",
        }
        for value in lists
    ]
    for batch, found in batches:
        rows += [
            {
                "file": batch.source_name,
                "digest": batch.data_sha256[:12],
                "source_sha256": batch.source_sha256,
                "data_sha256": batch.data_sha256,
                "batch": batch.id,
                "metric": one.metric,
                "arm": one.arm,
                "rows": one.rows,
                "units": one.units,
                "sum": one.total,
                "first": ", ".join(one.first),
            }
            for one in found
        ]
    return rows
