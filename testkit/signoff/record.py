"""The record of one request: who approved which words, when; as data that proves itself.

A record holds every event, every revision with all its fields, and the ledger's hash of each
event. Whoever holds it can recompute the digest that each sign-off names from the words beside it,
without this program: SHA-256 over the canonical JSON in the column ``words``.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any, Final

from testkit.errors import InputError
from testkit.kernel import ledger
from testkit.kernel.clock import to_text
from testkit.kernel.digest import canonical_json, digest
from testkit.signoff import service, store
from testkit.signoff.events import (
    Commented,
    Corrected,
    Edited,
    Released,
    Reopened,
    Reviewed,
    Signed,
    Submitted,
    event_to_dict,
)
from testkit.signoff.model import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.events import Event

__all__ = [
    "COLUMNS",
    "FORMAT",
    "as_csv",
    "as_json",
    "heading",
    "material_words",
    "problems",
    "record_of",
    "requests_in",
]

FORMAT: Final = "whistlestop sign-off record, 1"

COLUMNS: Final = (
    "request",
    "number",
    "at",
    "who",
    "name",
    "for",
    "did",
    "stage",
    "standing",
    "note",
    "via",
    "auth",
    "revision_number",
    "revision",
    "material_digest",
    "ledger_hash",
    "words",
)
"""Columns of the CSV form, one row per event."""

_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")


def material_words(fields: Mapping[str, Any], material: Sequence[str]) -> str:
    """The words that a sign-off is about, as the exact text whose SHA-256 it names.

    Examples:
        >>> material_words({"body": "Call now", "schedule": "09:00"}, ["body"])
        '{"material":{"body":"Call now"}}'
    """
    return canonical_json({"material": {name: fields.get(name) for name in material}}).decode()


def record_of(workspace: Workspace, given: str) -> dict[str, Any]:
    """The whole record of a request, as plain values.

    A draft may have been before the chain more than once: re-opened after it expired, or corrected
    after its release. Its record is that of the newest request, with those of before it, oldest
    first, under ``earlier``. A request that is named by its own id, or by a revision, stands alone.

    Args:
        workspace: The workspace.
        given: Request, revision or draft.

    Raises:
        NotFoundError: There is no such request.
    """
    with workspace.db.read() as conn:
        newest = service.find(conn, given).row
        rows = [newest]
        if not given.startswith(("req_", "rev_")):
            rows = store.requests_of(conn, newest.subject)
    *earlier, last = (_record(workspace, row.id) for row in rows)
    return {**last, "earlier": earlier}


def requests_in(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The requests of a record in the order in which they were put before the chain."""
    return [*record.get("earlier", ()), record]


def heading(record: Mapping[str, Any]) -> str:
    """What a request is among those about the same words, in a few words."""
    first = record["acts"][0]["event"] if record["acts"] else {}
    if first.get("corrects"):
        return f"Request {record['request']}, corrects {first['corrects']}"
    if first.get("reopens"):
        return f"Request {record['request']}, takes up {first['reopens']} again"
    return f"Request {record['request']}"


def _record(workspace: Workspace, request_id: str) -> dict[str, Any]:
    with workspace.db.read() as conn:
        request = service.load(conn, request_id)
        state, row = request.state, request.row
        events = store.events(conn, row.id)
        revisions = store.revisions(conn, row.id)
        hashes = _hashes(conn, row.id)
        head_seq, head = ledger.head(conn)
    numbers = {revision.id: revision.number for revision in revisions}
    standings = iter(state.signoffs)
    acts = []
    for number, event in enumerate(events, start=1):
        said = next(standings) if isinstance(event, Signed) else None
        acts.append(
            {
                "number": number,
                "at": to_text(event.at),
                "who": event.actor,
                "name": _name(workspace, event.actor),
                "for": event.seat
                if isinstance(event, Signed) and event.seat != event.actor
                else "",
                "did": _did(event),
                "stage": getattr(event, "stage", ""),
                "standing": said.standing if said else getattr(event, "outcome", ""),
                "note": _note(event),
                "via": event.via,
                "auth": event.auth,
                "revision_number": numbers.get(event.revision),
                "revision": event.revision,
                "material_digest": event.digest,
                "ledger_hash": hashes.get(number, ""),
                "event": event_to_dict(event),
            }
        )
    return {
        "format": FORMAT,
        "exported_at": to_text(workspace.clock()),
        "request": row.id,
        "subject": row.subject,
        "title": row.title,
        "chain": row.chain,
        "chain_version": row.chain_version,
        "material": list(state.chain.material),
        "practice": request.practice,
        "state": state.state.value,
        "cleared_by": state.cleared_by,
        "author": state.author,
        "author_name": _name(workspace, state.author),
        "current_revision": state.revision,
        "current_digest": state.digest,
        "ledger_head": {"seq": head_seq, "hash": head},
        "revisions": [
            {
                "number": revision.number,
                "revision": revision.id,
                "at": revision.at,
                "by": revision.by,
                "name": _name(workspace, revision.by),
                "digest": revision.digest,
                "material_digest": revision.material_digest,
                "words": material_words(revision.fields, state.chain.material),
                "fields": revision.fields,
            }
            for revision in revisions
        ],
        "acts": acts,
    }


def _hashes(conn: Connection, request: str) -> dict[int, str]:
    """Number of the event to the hash of its ledger row."""
    return {
        int(row.payload["seq"]): row.hash
        for row in ledger.history(conn, subject=f"request/{request}")
        if "seq" in row.payload
    }


def _name(workspace: Workspace, person: str) -> str:
    known = workspace.roster.get(person)
    if known is None:
        return "the program" if person == SYSTEM else person
    return known.name


def _principal(event: Event) -> str:
    """For whom somebody signed who sat in another's seat; empty otherwise."""
    return event.seat if isinstance(event, Signed) and event.seat != event.actor else ""


def _did(event: Event) -> str:
    if isinstance(event, Signed):
        return event.decision.value
    objected = isinstance(event, Reviewed) and event.outcome == "objected"
    return "reviewed and objected" if objected else event.kind


def _note(event: Event) -> str:
    if isinstance(event, Commented) and event.suggests:
        offer = f"{event.quote!r} -> {event.replacement!r}"
        return f"{event.note}: {offer}" if event.note else offer
    match event:
        case Submitted(corrects=old) if old:
            return f"corrects {old}"
        case Submitted(reopens=old) if old:
            return f"takes up {old} again"
        case Corrected(by=new):
            return f"by {new}"
        case Reopened(as_request=new):
            return f"as {new}"
        case Released(release=made):
            return f"as {made}"
        case Edited(rescheduled=True, publish_at=at, embargo_until=embargo):
            planned = f"planned for {to_text(at)}" if at else "no moment planned"
            return f"{planned}, embargo until {to_text(embargo)}" if embargo else planned
    return str(getattr(event, "note", "") or getattr(event, "reason", ""))


def as_json(record: Mapping[str, Any]) -> str:
    """The record as JSON text, one value a line."""
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def as_csv(record: Mapping[str, Any]) -> str:
    """The record as CSV, one row per event; no cell can be taken for a formula.

    The requests of a draft stand one after the other, each act with its request's id. A cell that a
    spreadsheet would run is written with ``'`` in front. ``words`` is empty where an
    event is about no revision.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for request in requests_in(record):
        words = {r["revision"]: r["words"] for r in request["revisions"]}
        for act in request["acts"]:
            row = {
                **act,
                "request": request["request"],
                "words": words.get(act["revision"], ""),
            }
            writer.writerow([_cell(row[name]) for name in COLUMNS])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" \n").startswith(_RISKY) else text


def problems(text: str) -> list[str]:
    """What does not agree in an exported record: JSON or CSV.

    Returns:
        One sentence per disagreement between words and digests; empty when all agree.

    Raises:
        InputError: It is no record of ours.
    """
    if text.lstrip().startswith("{"):
        return _problems_of_json(text)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if not rows or not set(COLUMNS) - {"request"} <= set(rows[0]):  # older ones lack it
        raise InputError("this is no exported record", field="file", hint="give the JSON or CSV")
    several = len({row.get("request", "") for row in rows}) > 1

    def place(row: Mapping[str, str]) -> str:
        return (
            f"request {row['request']}, row {row['number']}" if several else f"row {row['number']}"
        )

    return [
        f"{place(row)}: the words are not those that {row['who']} acted on"
        for row in rows
        if row["words"] and row["material_digest"] and _sha(row["words"]) != row["material_digest"]
    ]


def _problems_of_json(text: str) -> list[str]:
    try:
        record = json.loads(text)
        requests = requests_in(record)
        found = [_disagreements(request) for request in requests]
    except (AttributeError, ValueError, KeyError, TypeError) as cause:
        raise InputError(
            f"this is no exported record: {cause}", field="file", hint="give the JSON or CSV"
        ) from cause
    if len(requests) == 1:
        return found[0]
    return [
        f"request {request['request']}, {problem}"
        for request, problems_ in zip(requests, found, strict=True)
        for problem in problems_
    ]


def _disagreements(record: Mapping[str, Any]) -> list[str]:
    revisions = {r["revision"]: r for r in record["revisions"]}
    acts, material = record["acts"], record["material"]
    found = []
    for revision in revisions.values():
        words = material_words(revision["fields"], material)
        if digest(revision["fields"]) != revision["digest"]:
            found.append(f"revision {revision['number']}: its fields do not have its digest")
        if words != revision["words"] or _sha(words) != revision["material_digest"]:
            found.append(f"revision {revision['number']}: its words do not have their digest")
    for act in acts:
        revision = revisions.get(act["revision"])
        if revision and act["material_digest"] not in ("", revision["material_digest"]):
            found.append(f"act {act['number']}: {act['who']} acted on other words than these")
    return found


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
