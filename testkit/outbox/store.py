"""The outbox as rows: added once by key, claimed before an attempt, settled after it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.errors import NotFoundError
from testkit.kernel.clock import to_text
from testkit.kernel.digest import canonical_json
from testkit.kernel.ids import new_id
from testkit.outbox.retry import DELAYS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

__all__ = [
    "OPEN",
    "Peer",
    "Row",
    "Status",
    "add",
    "claim",
    "drop_about",
    "get",
    "handed",
    "heal",
    "listed",
    "mark",
    "peer_answered",
    "peer_failed",
    "peers",
]

Status = Literal["queued", "sending", "handed", "sent", "failed", "unsure", "gave_up", "dropped"]

OPEN: Final = ("queued", "failed", "sending", "handed", "unsure", "gave_up")
"""Everything that has not arrived and that nobody put aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message.

    Attributes:
        id: Its id; part of ``Message-ID`` and the ``webhook-id``.
        key: What makes it this message.
        kind: What it says.
        about: ``request/ID``, ``release/ID`` or ``digest/DAY``.
        stage: The stage that an ask is about; empty otherwise.
        channel: ``mail``, ``hook:NAME`` or ``out:NAME``.
        person: Id in the roster; empty for a channel.
        address: Fixed e-mail address; empty takes the person's of the day.
        subject: One line.
        body: Text; ``{LINK}`` stands for the person's one-time link.
        data: For programs.
        careful: Doubling does harm: after a crash in the moment of handing over it waits for a
            person instead of going again.
        status: ``queued``, ``sending`` (claimed), ``handed`` (the peer may have it), ``sent``,
            ``failed`` (will be tried again), ``unsure``, ``gave_up``, ``dropped``.
        attempts: Answers of the peer so far.
        next_at: Not before; ISO-8601 text.
        created_at: ISO-8601 text.
        tried_at: Last attempt.
        sent_at: When the peer took it.
        problem: Why it is not sent.
    """

    id: str
    key: str
    kind: str
    about: str
    channel: str
    subject: str
    body: str
    created_at: str
    next_at: str
    stage: str = ""
    person: str = ""
    address: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    careful: bool = False
    status: Status = "queued"
    attempts: int = 0
    tried_at: str | None = None
    sent_at: str | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A channel whose peer does not answer."""

    channel: str
    failures: int
    since: str
    next_at: str
    problem: str


def _row(row: Any) -> Row:
    return Row(**{**dict(row), "careful": bool(row["careful"]), "data": json.loads(row["data"])})


def add(
    conn: Connection,
    *,
    key: str,
    kind: str,
    about: str,
    channel: str,
    subject: str,
    body: str,
    now: datetime,
    not_before: datetime | None = None,
    stage: str = "",
    person: str = "",
    address: str = "",
    data: Mapping[str, Any] | None = None,
    careful: bool = False,
) -> Row | None:
    """Keep a message, inside the caller's write transaction; None when it was added before."""
    row = Row(
        id=new_id("msg", now=now),
        key=key,
        kind=kind,
        about=about,
        channel=channel,
        subject=subject,
        body=body,
        created_at=to_text(now),
        next_at=to_text(max(now, not_before) if not_before else now),
        stage=stage,
        person=person,
        address=address,
        data=data or {},
        careful=careful,
    )
    names = Row.__slots__
    done = conn.execute(
        f"INSERT INTO outbox ({', '.join(names)})"  # noqa: S608 - our own column names
        f" VALUES ({', '.join(f':{name}' for name in names)}) ON CONFLICT (key) DO NOTHING",
        {
            **{name: getattr(row, name) for name in names},
            "careful": int(careful),
            "data": canonical_json(dict(row.data)).decode(),
        },
    )
    return row if done.rowcount == 1 else None


def get(conn: Connection, message_id: str) -> Row:
    """One message.

    Raises:
        NotFoundError: There is none of that id.
    """
    row = conn.execute("SELECT * FROM outbox WHERE id = :id", {"id": message_id}).fetchone()
    if row is None:
        raise NotFoundError("message", message_id, hint="see `whistlestop outbox list --all`")
    return _row(row)


def listed(
    conn: Connection,
    *,
    statuses: Collection[str] = OPEN,
    about: str | None = None,
    limit: int = 1000,
) -> list[Row]:
    """Messages, newest first."""
    rows = conn.execute(
        "SELECT * FROM outbox WHERE status IN (SELECT value FROM json_each(:statuses))"
        " AND (:about IS NULL OR about = :about) ORDER BY id DESC LIMIT :n",
        {"statuses": json.dumps(list(statuses)), "about": about, "n": limit},
    )
    return [_row(row) for row in rows]


def claim(
    conn: Connection, *, now: datetime, without: Collection[str], only: str | None = None
) -> Row | None:
    """Take the next message that is due, so that a crash shows that it was under way.

    Args:
        conn: A connection in a write transaction.
        now: The moment.
        without: Channels to leave alone.
        only: This message only, due or not.
    """
    row = conn.execute(
        "SELECT * FROM outbox WHERE status IN ('queued', 'failed')"
        " AND (CASE WHEN :only IS NULL THEN next_at <= :now ELSE id = :only END)"
        " AND channel NOT IN (SELECT value FROM json_each(:without)) ORDER BY next_at, id LIMIT 1",
        {"now": to_text(now), "only": only, "without": json.dumps(sorted(without))},
    ).fetchone()
    if row is None:
        return None
    conn.execute(
        "UPDATE outbox SET status = 'sending', tried_at = :now WHERE id = :id",
        {"now": to_text(now), "id": row["id"]},
    )
    return get(conn, row["id"])


def handed(conn: Connection, message_id: str) -> None:
    """Note that from here on the peer may have the message."""
    conn.execute("UPDATE outbox SET status = 'handed' WHERE id = :id", {"id": message_id})


def mark(
    conn: Connection,
    message_id: str,
    status: Status,
    *,
    now: datetime,
    problem: str = "",
    attempts: int | None = None,
    next_at: datetime | None = None,
) -> None:
    """Write down what came of an attempt, or what a person decided."""
    conn.execute(
        "UPDATE outbox SET status = :status, problem = :problem,"
        " attempts = coalesce(:attempts, attempts), next_at = coalesce(:next_at, next_at),"
        " sent_at = CASE WHEN :status = 'sent' THEN :now ELSE sent_at END WHERE id = :id",
        {
            "id": message_id,
            "status": status,
            "problem": problem[:500],
            "attempts": attempts,
            "next_at": to_text(next_at) if next_at else None,
            "now": to_text(now),
        },
    )


def heal(conn: Connection, *, now: datetime) -> int:
    """Take up what a killed process left; only for whoever holds the delivery lock.

    A message that never left goes again. One that the peer may have goes again under the same id,
    unless it is a careful one: that waits for a person.

    Returns:
        How many are unsure.
    """
    left = "the process was killed while it was sent"
    unsure = conn.execute(
        "UPDATE outbox SET status = 'unsure', problem = :left"
        " WHERE status = 'handed' AND careful = 1",
        {"left": f"{left}; nobody knows whether it arrived"},
    )
    # Counted as an attempt, and at the end of the queue: a message that kills its process does so
    # neither for ever nor in the way of the others.
    conn.execute(
        "UPDATE outbox SET status = CASE WHEN attempts < :most THEN 'failed' ELSE 'gave_up' END,"
        " attempts = attempts + 1, next_at = :now, problem = :left"
        " WHERE status IN ('sending', 'handed')",
        {"left": left, "most": len(DELAYS), "now": to_text(now)},
    )
    return int(unsure.rowcount)


def drop_about(
    conn: Connection,
    about: str,
    *,
    kinds: Collection[str],
    keep: Collection[str] = (),
    problem: str,
) -> int:
    """Drop what has not left and is of no use any more.

    Args:
        conn: A connection in a write transaction.
        about: Whose messages.
        kinds: Only these kinds.
        keep: Keys of messages that are still of use.
        problem: Why the others are not, in words.
    """
    done = conn.execute(
        "UPDATE outbox SET status = 'dropped', problem = :problem WHERE about = :about"
        " AND status IN ('queued', 'failed')"
        " AND kind IN (SELECT value FROM json_each(:kinds))"
        " AND key NOT IN (SELECT value FROM json_each(:keep))",
        {
            "about": about,
            "kinds": json.dumps(sorted(kinds)),
            "keep": json.dumps(sorted(keep)),
            "problem": problem,
        },
    )
    return int(done.rowcount)


def peers(conn: Connection) -> list[Peer]:
    """Channels whose peer does not answer."""
    return [Peer(**dict(row)) for row in conn.execute("SELECT * FROM outbox_peer ORDER BY channel")]


def peer_failed(
    conn: Connection, channel: str, *, failures: int, next_at: datetime, problem: str, now: datetime
) -> None:
    """Pause a channel."""
    conn.execute(
        "INSERT INTO outbox_peer (channel, failures, since, next_at, problem)"
        " VALUES (:channel, :failures, :now, :next_at, :problem) ON CONFLICT (channel) DO UPDATE"
        " SET failures = :failures, next_at = :next_at, problem = :problem",
        {
            "channel": channel,
            "failures": failures,
            "next_at": to_text(next_at),
            "problem": problem[:500],
            "now": to_text(now),
        },
    )


def peer_answered(conn: Connection, channel: str) -> None:
    """End a pause."""
    conn.execute("DELETE FROM outbox_peer WHERE channel = :channel", {"channel": channel})
