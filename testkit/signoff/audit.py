"""Requests, revisions, events and declarations against their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testkit.kernel.audit import WHOLE, Recorded, Table, compare
from testkit.signoff import declared

if TYPE_CHECKING:
    from testkit.kernel.audit import Case, Key
    from testkit.kernel.findings import Finding

__all__ = ["EVENT", "REQUEST", "REVISION", "audit"]

REQUEST: Final = Table(
    name="request",
    key=("id",),
    subject="request/{id}",
    settled=("subject", "title", "chain", "chain_version", "created_at"),
)
REVISION: Final = Table(
    name="revision",
    key=("id",),
    subject="request/{request}",
    settled=("request", "number", "fields", "digest", "material_digest", "at", "by"),
)
EVENT: Final = Table(
    name="request_event",
    key=("request", "seq"),
    subject="request/{request}",
    settled=("kind", "at", "event"),
    digested=("event",),
)


def audit(case: Case) -> list[Finding]:
    """Compare the tables of sign-off with their records (LG005 to LG007)."""
    requests: dict[Key, Recorded] = {}
    revisions: dict[Key, Recorded] = {}
    events: dict[Key, Recorded] = {}
    for row in case.records:
        payload = row.payload
        if not row.subject.startswith("request/") or "seq" not in payload:
            continue
        request = row.subject.removeprefix("request/")
        events[request, payload["seq"]] = Recorded(
            subject=row.subject,
            columns={"event": payload.get("event_digest"), WHOLE: payload.get(WHOLE)},
        )
        if "request_digest" in payload:
            requests[request,] = Recorded(
                subject=row.subject, columns={"open": 1, WHOLE: payload["request_digest"]}
            )
        if "revision_digest" in payload:
            revisions[payload.get("revision"),] = Recorded(
                subject=row.subject,
                columns={
                    "material_digest": payload.get("material_digest"),
                    WHOLE: payload["revision_digest"],
                },
            )
        if payload.get("ended") and (request,) in requests:
            requests[request,].columns["open"] = 0
    return [
        *compare(case.conn, REQUEST, requests),
        *compare(case.conn, REVISION, revisions),
        *compare(case.conn, EVENT, events),
        *declared.audit(case),
    ]
