"""signoff reports: where the time went, and the record of a request as a page to print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from testkit.kernel.clock import from_text, shown, to_text
from testkit.reports.render import render
from testkit.reports.time_chart import TimeChart, spoken_minutes, time_chart
from testkit.signoff import store
from testkit.signoff.latency import LatencyReport, course_of, latency
from testkit.signoff.office import office_of
from testkit.signoff.record import heading, requests_in
from testkit.signoff.service import chain_of
from testkit.signoff.words import compare, texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from testkit.kernel.workspace import Workspace
    from testkit.signoff.latency import Share
    from testkit.signoff.model import ChainDef
    from testkit.signoff.survival import Quantile
    from testkit.signoff.words import Change

__all__ = [
    "PHASES",
    "SignoffRecordContext",
    "SignoffRecordsContext",
    "chart_of",
    "latency_of",
    "quantile_text",
    "record_context",
    "record_page",
    "share_text",
    "svg",
]

PHASES: Final = {
    "waiting": "waits for {stage}",
    "revision": "with the author",
    "objection": "blocked",
    "facts": "facts to be looked at",
    "cleared": "cleared, not yet out",
}


def latency_of(workspace: Workspace, *, since: datetime | None = None) -> LatencyReport:
    """Where the time went, from the log.

    Args:
        workspace: The workspace.
        since: Only requests that were put before a chain from then on; all if None.
    """
    now = workspace.clock()
    chains: dict[tuple[str, int], ChainDef] = {}
    courses = []
    with workspace.db.read() as conn:
        office = office_of(conn, workspace)
        for row in reversed(store.all_requests(conn, limit=-1)):
            if since is not None and row.created_at < to_text(since):
                continue
            key = (row.chain, row.chain_version)
            if key not in chains:
                chains[key], _ = chain_of(conn, row.chain, version=row.chain_version)
            courses.append(
                course_of(chains[key], store.events(conn, row.id), now, calendar=office.calendar)
            )
    return latency(courses, as_of=now)


def chart_of(report: LatencyReport) -> TimeChart:
    """The chart of a report."""
    return time_chart(
        [(kind, PHASES[kind].format(stage=stage), spent) for kind, stage, spent in report.spent]
    )


def svg(report: LatencyReport) -> str:
    """The chart of a report as SVG that stands alone or inside a page."""
    return render("time_chart", chart_of(report), form="html")


def quantile_text(q: Quantile) -> str:
    """A quantile with its limits, for people."""
    if q.value is None:
        return "not reached"
    if q.low is None and q.high is None:
        return spoken_minutes(q.value)
    low = "?" if q.low is None else spoken_minutes(q.low)
    high = "no limit" if q.high is None else spoken_minutes(q.high)
    return f"{spoken_minutes(q.value)} ({low} to {high})"


def share_text(share: Share) -> str:
    """A share with its interval, for people."""
    if share.value is None or share.low is None or share.high is None:
        return "none yet"
    return f"{share.count} of {share.of}, {share.value:.0%} ({share.low:.0%} to {share.high:.0%})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignoffRecordContext:
    """One request of ``signoff_record.html.jinja``.

    Attributes:
        title: One line.
        heading: Which request it is, and what it corrects or takes up again.
        request: Its id.
        subject: What it is about.
        author: Whose words.
        chain: Name of the chain.
        chain_version: Its version.
        state: Where it is.
        practice: Whether no charter was in force.
        acts: One per event: number, when, who, what, note, words.
        revisions: One per revision: number, when, by, texts, changes, exact, material_digest.
        exported: When.
        ledger_seq: Rows of the ledger then.
        ledger_hash: Its head then.
    """

    title: str
    heading: str
    request: str
    subject: str
    author: str
    chain: str
    chain_version: int
    state: str
    practice: bool
    acts: tuple[dict[str, Any], ...]
    revisions: tuple[dict[str, Any], ...]
    exported: str
    ledger_seq: int
    ledger_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignoffRecordsContext:
    """``signoff_record.html.jinja``.

    Attributes:
        requests: In the order in which they were put before the chain; at least one.
    """

    requests: tuple[SignoffRecordContext, ...]


def record_context(record: Mapping[str, Any], *, zone_name: str) -> SignoffRecordContext:
    """A record in words.

    Args:
        record: From :func:`testkit.signoff.record.record_of`.
        zone_name: IANA zone in which moments are named.
    """

    def when(text: str) -> str:
        return shown(from_text(text), zone_name=zone_name)

    names = {act["who"]: act["name"] for act in record["acts"]}
    acts = []
    for act in record["acts"]:
        instead = f" for {names.get(act['for'], act['for'])}" if act["for"] else ""
        stage = f" ({act['stage']})" if act["stage"] else ""
        standing = f", {act['standing']}" if act["standing"] else ""
        number = act["revision_number"]
        acts.append(
            {
                "number": act["number"],
                "when": when(act["at"]),
                "who": f"{act['name']}{instead}",
                "what": f"{act['did'].replace('_', ' ')}{stage}{standing}",
                "note": act["note"],
                "words": f"revision {number}" if number else "",
            }
        )
    revisions: list[dict[str, Any]] = []
    before: dict[str, Any] | None = None
    for revision in record["revisions"]:
        fields = revision["fields"]
        changes: tuple[Change, ...] = ()
        if before is not None:
            changes = compare(before, fields, record["material"])
        revisions.append(
            {
                "number": revision["number"],
                "when": when(revision["at"]),
                "by": revision["name"],
                "texts": tuple(texts_of(fields, record["material"]).items()),
                "changes": tuple(
                    (change.part, tuple((p.kind, p.text) for p in change.pieces))
                    for change in changes
                ),
                "exact": revision["words"],
                "material_digest": revision["material_digest"],
            }
        )
        before = fields
    return SignoffRecordContext(
        title=record["title"],
        heading=heading(record),
        request=record["request"],
        subject=record["subject"],
        author=record["author_name"],
        chain=record["chain"],
        chain_version=record["chain_version"],
        state=record["state"].replace("_", " "),
        practice=record["practice"],
        acts=tuple(acts),
        revisions=tuple(revisions),
        exported=when(record["exported_at"]),
        ledger_seq=record["ledger_head"]["seq"],
        ledger_hash=record["ledger_head"]["hash"],
    )


def record_page(record: Mapping[str, Any], *, zone_name: str) -> str:
    """A record as one HTML file to print or keep; nothing in it is loaded from elsewhere."""
    context = SignoffRecordsContext(
        requests=tuple(record_context(r, zone_name=zone_name) for r in requests_in(record))
    )
    return render("signoff_record", context, form="html")
