"""Requests, revisions and events as rows; what they mean is the fold's to say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testkit.errors import NotFoundError
from testkit.kernel.clock import to_text
from testkit.kernel.digest import canonical_json, digest
from testkit.kernel.ids import new_id
from testkit.signoff.events import Event, event_from_dict, event_to_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

__all__ = [
    "RequestRow",
    "Revision",
    "add_event",
    "add_request",
    "add_revision",
    "close",
    "events",
    "of_subject",
    "open_requests",
    "request",
    "request_of_revision",
    "requests_of",
    "revision",
    "revisions",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """What is asked for, under which version of which chain.

    Attributes:
        id: Its id.
        subject: What it is about: ``draft/ID``.
        title: One line for the inbox.
        chain: Name of the chain.
        chain_version: Adopted version that it keeps to its end.
        created_at: ISO-8601 text.
    """

    id: str
    subject: str
    title: str
    chain: str
    chain_version: int
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """An immutable snapshot of the words.

    Attributes:
        id: Its id; sign-offs name it.
        request: Whose.
        number: From 1.
        fields: Every field by name.
        digest: SHA-256 over all fields.
        material_digest: SHA-256 over those that a sign-off is about.
        at: ISO-8601 text.
        by: Who made it.
    """

    id: str
    request: str
    number: int
    fields: dict[str, Any]
    digest: str
    material_digest: str
    at: str
    by: str


_REQUEST = "SELECT id, subject, title, chain, chain_version, created_at FROM request"


def add_request(
    conn: Connection,
    *,
    subject: str,
    title: str,
    chain: str,
    chain_version: int,
    now: datetime,
) -> RequestRow:
    """A new request without events yet."""
    row = RequestRow(
        id=new_id("req", now=now),
        subject=subject,
        title=title,
        chain=chain,
        chain_version=chain_version,
        created_at=to_text(now),
    )
    conn.execute(
        "INSERT INTO request (id, subject, title, chain, chain_version, created_at)"
        " VALUES (:id, :subject, :title, :chain, :chain_version, :created_at)",
        {name: getattr(row, name) for name in RequestRow.__slots__},
    )
    return row


def request(conn: Connection, request_id: str) -> RequestRow:
    """One request.

    Raises:
        NotFoundError: There is none of that id.
    """
    row = conn.execute(f"{_REQUEST} WHERE id = :id", {"id": request_id}).fetchone()
    if row is None:
        raise NotFoundError("request", request_id, hint="see `whistlestop signoff list`")
    return RequestRow(**dict(row))


def of_subject(conn: Connection, subject: str) -> RequestRow | None:
    """The newest request about a subject, or None."""
    row = conn.execute(
        f"{_REQUEST} WHERE subject = :s ORDER BY rowid DESC LIMIT 1", {"s": subject}
    ).fetchone()
    return RequestRow(**dict(row)) if row else None


def requests_of(conn: Connection, subject: str) -> list[RequestRow]:
    """Every request about a subject, oldest first: corrections and re-openings are later ones."""
    rows = conn.execute(f"{_REQUEST} WHERE subject = :s ORDER BY rowid", {"s": subject})
    return [RequestRow(**dict(row)) for row in rows]


def open_requests(conn: Connection) -> list[RequestRow]:
    """Requests that have not come to their end, oldest first."""
    return [
        RequestRow(**dict(row)) for row in conn.execute(f"{_REQUEST} WHERE open = 1 ORDER BY rowid")
    ]


def all_requests(conn: Connection, *, limit: int) -> list[RequestRow]:
    """The newest requests, newest first."""
    rows = conn.execute(f"{_REQUEST} ORDER BY rowid DESC LIMIT :n", {"n": limit})
    return [RequestRow(**dict(row)) for row in rows]


def close(conn: Connection, request_id: str) -> None:
    """Mark a request that has come to its end, so that clocks pass it by."""
    conn.execute("UPDATE request SET open = 0 WHERE id = :id", {"id": request_id})


def _revision(row: Any) -> Revision:
    return Revision(**{**dict(row), "fields": json.loads(row["fields"])})


def add_revision(
    conn: Connection,
    *,
    request_id: str,
    fields: Mapping[str, Any],
    material: str,
    by: str,
    now: datetime,
) -> Revision:
    """Snapshot the words; they never change afterwards."""
    last = conn.execute(
        "SELECT coalesce(max(number), 0) AS n FROM revision WHERE request = :r",
        {"r": request_id},
    ).fetchone()
    stored = canonical_json(dict(fields)).decode()
    made = Revision(
        id=new_id("rev", now=now),
        request=request_id,
        number=int(last["n"]) + 1,
        fields=json.loads(stored),
        digest=digest(dict(fields)),
        material_digest=material,
        at=to_text(now),
        by=by,
    )
    conn.execute(
        "INSERT INTO revision (id, request, number, fields, digest, material_digest, at, by)"
        " VALUES (:id, :request, :number, :fields, :digest, :material_digest, :at, :by)",
        {**{name: getattr(made, name) for name in Revision.__slots__}, "fields": stored},
    )
    return made


def revision(conn: Connection, revision_id: str) -> Revision:
    """One revision.

    Raises:
        NotFoundError: There is none of that id.
    """
    row = conn.execute("SELECT * FROM revision WHERE id = :id", {"id": revision_id}).fetchone()
    if row is None:
        raise NotFoundError("revision", revision_id, hint="see `whistlestop signoff inbox`")
    return _revision(row)


def revisions(conn: Connection, request_id: str) -> list[Revision]:
    """All revisions of a request, oldest first."""
    rows = conn.execute(
        "SELECT * FROM revision WHERE request = :r ORDER BY number", {"r": request_id}
    )
    return [_revision(row) for row in rows]


def request_of_revision(conn: Connection, revision_id: str) -> RequestRow:
    """The request that a revision belongs to."""
    return request(conn, revision(conn, revision_id).request)


def add_event(conn: Connection, request_id: str, event: Event) -> int:
    """Append an event; returns its number."""
    last = conn.execute(
        "SELECT coalesce(max(seq), 0) AS n FROM request_event WHERE request = :r",
        {"r": request_id},
    ).fetchone()
    seq = int(last["n"]) + 1
    conn.execute(
        "INSERT INTO request_event (request, seq, kind, at, event)"
        " VALUES (:r, :seq, :kind, :at, :event)",
        {
            "r": request_id,
            "seq": seq,
            "kind": event.kind,
            "at": to_text(event.at),
            "event": canonical_json(event_to_dict(event)).decode(),
        },
    )
    return seq


def events(conn: Connection, request_id: str) -> list[Event]:
    """All events of a request, in order."""
    rows = conn.execute(
        "SELECT event FROM request_event WHERE request = :r ORDER BY seq", {"r": request_id}
    )
    return [event_from_dict(json.loads(row["event"])) for row in rows]
