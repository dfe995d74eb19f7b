"""Sign-off in the browser beside the desk: where the time goes, and the record of each request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from testkit.errors import InputError
from testkit.kernel.clock import shown
from testkit.services.signoff_reports import (
    SignoffRecordContext,
    latency_of,
    quantile_text,
    record_context,
    share_text,
    svg,
)
from testkit.signoff import owed, service, store
from testkit.signoff.acts import review
from testkit.signoff.record import heading, record_of, requests_in
from testkit.web.pageset import Page, PageSet, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.kernel.workspace import Workspace
    from testkit.signoff.latency import LatencyReport, WaitRow
    from testkit.signoff.owed import Look
    from testkit.signoff.survival import Quantile
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
        looks: Looks that are owed: request, title, what is owed in words, and whether it is late.
        requests: The newest requests: id, title, state.
    """

    summary: str
    as_of: str
    chart: str
    tables: tuple[tuple[str, tuple[dict[str, str], ...]], ...]
    facts: tuple[str, ...]
    looks: tuple[dict[str, Any], ...]
    requests: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryContext:
    """``signoff/history.html.jinja``.

    Attributes:
        record: The record in words.
        others: Requests about the same words, in order: id and heading.
        looks: Looks that it owes, as in the overview.
        may_look: Whether this person can settle them now.
        action: Address of the form.
        form_token: Its token.
    """

    record: SignoffRecordContext
    others: tuple[tuple[str, str], ...]
    looks: tuple[dict[str, Any], ...]
    may_look: bool
    action: str
    form_token: str


def _latency(visit: Visit) -> Reply:
    workspace = visit.workspace
    report = latency_of(workspace)
    with workspace.db.read() as conn:
        newest = [service.load(conn, r.id) for r in store.all_requests(conn, limit=_NEWEST)]
        looks = owed.looks_owed(conn, workspace)
    context = LatencyContext(
        summary=_summary(report),
        as_of=shown(report.as_of, zone_name=workspace.config.organisation.zone),
        chart=svg(report) if report.spent else "",
        tables=(("By stage", _rows(report.stages)), ("By who was asked", _rows(report.roles))),
        facts=(
            f"The executive was asked: {share_text(report.executive_asked)}.",
            f"Cleared with an executive's yes: {share_text(report.executive_signed)}.",
            _half(report.to_clear[0]),
        ),
        looks=_looks(workspace, looks),
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


def _half(to_clear: Quantile) -> str:
    if to_clear.value is None:
        return "Not yet half were cleared."
    return f"Half were cleared within {quantile_text(to_clear)}."


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


def _looks(workspace: Workspace, looks: Sequence[Look]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "request": look.request.row.id,
            "title": look.request.row.title,
            "text": owed.sentence(look, workspace),
            "late": look.overdue,
        }
        for look in looks
    )


def _history(visit: Visit) -> Reply:
    record = record_of(visit.workspace, visit.parts["request"])
    zone_name = visit.workspace.config.organisation.zone
    same = requests_in(record_of(visit.workspace, record["subject"]))
    with visit.workspace.db.read() as conn:
        every = owed.looks_owed(conn, visit.workspace)
    looks = [k for k in every if k.request.row.id == record["request"]]
    return Reply(
        template="signoff/history.html.jinja",
        context=HistoryContext(
            record=record_context(record, zone_name=zone_name),
            others=tuple(
                (r["request"], heading(r)) for r in same if r["request"] != record["request"]
            ),
            looks=_looks(visit.workspace, looks),
            may_look=bool(looks) and all(visit.person.id in look.people for look in looks),
            action=f"/signoff/{record['request']}",
            form_token=visit.form_token,
        ),
    )


def _look(visit: Visit) -> Reply:
    outcome, note = visit.form.get("outcome", ""), visit.form.get("note", "").strip()
    if outcome not in ("accepted", "objected"):
        raise InputError("choose one of the outcomes", field="outcome", value=outcome)
    if outcome == "objected" and not note:
        raise InputError("a note is needed here: say what was wrong", field="note")
    done = review(
        visit.workspace,
        visit.parts["request"],
        outcome="accepted" if outcome == "accepted" else "objected",
        note=note,
    )
    return Reply(to=f"/signoff/{done.row.id}")


SIGNOFF: Final = PageSet(
    package="testkit.pages",
    title="Sign-off",
    home="/signoff",
    pages=(
        Page(path="/signoff", show=_latency),
        Page(path="/signoff/{request}", show=_history, take=_look),
    ),
)
