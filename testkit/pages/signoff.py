"""Sign-off in the browser beside the desk: where the time goes, and the record of each request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.kernel.clock import shown
from testkit.services.signoff_reports import (
    SignoffRecordContext,
    latency_of,
    quantile_text,
    record_context,
    share_text,
    svg,
)
from testkit.signoff import service, store
from testkit.signoff.record import record_of
from testkit.web.pageset import Page, PageSet, Reply

if TYPE_CHECKING:
    from testkit.signoff.latency import LatencyReport, WaitRow
    from testkit.web.pageset import Visit

__all__ = ["SIGNOFF", "HistoryContext", "LatencyContext"]

_NEWEST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyContext:
    """``signoff/latency.html.jinja``.

    Attributes:
        summary: How many requests, in a sentence.
        as_of: Until when.
        chart: SVG, escaped by its own template; empty when there is nothing to draw.
        tables: ``(title, rows)``: name, waits, lasting, median, p90, kept.
        facts: Further figures in words.
        requests: The newest requests: id, title, state.
    """

    summary: str
    as_of: str
    chart: str
    tables: tuple[tuple[str, tuple[dict[str, str], ...]], ...]
    facts: tuple[str, ...]
    requests: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryContext:
    """``signoff/history.html.jinja``.

    Attributes:
        record: The record in words.
    """

    record: SignoffRecordContext


def _latency(visit: Visit) -> Reply:
    workspace = visit.workspace
    report = latency_of(workspace)
    with workspace.db.read() as conn:
        newest = [service.load(conn, r.id) for r in store.all_requests(conn, limit=_NEWEST)]
    context = LatencyContext(
        summary=_summary(report),
        as_of=shown(report.as_of, zone_name=workspace.config.organisation.zone),
        chart=svg(report) if report.spent else "",
        tables=(("By stage", _rows(report.stages)), ("By who was asked", _rows(report.roles))),
        facts=(
            f"The executive was asked: {share_text(report.executive_asked)}.",
            f"Cleared with an executive's yes: {share_text(report.executive_signed)}.",
            f"Half were cleared within {quantile_text(report.to_clear[0])}.",
        ),
        requests=tuple(
            {
                "request": request.row.id,
                "title": request.row.title,
                "state": request.state.state.value.replace("_", " "),
            }
            for request in newest
        ),
    )
    return Reply(template="signoff/latency.html.jinja", context=context)


def _summary(report: LatencyReport) -> str:
    if not report.requests:
        return "Nothing was put before a chain yet."
    ways = ", ".join(f"{count} by {way}" for way, count in report.cleared.items()) or "none"
    plural = "request" if report.requests == 1 else "requests"
    return f"{report.requests} {plural}, {report.open} open; cleared: {ways}."


def _rows(rows: tuple[WaitRow, ...]) -> tuple[dict[str, str], ...]:
    return tuple(
        {
            "name": f"{row.chain}: {row.name}" if row.chain else row.name,
            "waits": str(row.waits),
            "lasting": str(row.lasting),
            "median": quantile_text(row.median),
            "p90": quantile_text(row.p90),
            "kept": share_text(row.kept),
        }
        for row in rows
    )


def _history(visit: Visit) -> Reply:
    record = record_of(visit.workspace, visit.parts["request"])
    zone_name = visit.workspace.config.organisation.zone
    return Reply(
        template="signoff/history.html.jinja",
        context=HistoryContext(record=record_context(record, zone_name=zone_name)),
    )


SIGNOFF: Final = PageSet(
    package="testkit.pages",
    title="Sign-off",
    home="/signoff",
    pages=(
        Page(path="/signoff", show=_latency),
        Page(path="/signoff/{request}", show=_history),
    ),
)
