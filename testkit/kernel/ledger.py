"""The ledger: an append-only record of decisions, each row chained to the one before.

Each row's hash covers every field of it and the hash before. A changed byte, a removed or an added
row in the middle breaks the chain; a removed tail shows against the stored head, and against any
head that left the building (every digest e-mail carries it). Who can write the file can rewrite
all of it: the exported head is the anchor against that.

Payloads hold ids and digests, never names or texts: those sit in side tables, so that a purge
leaves the chain whole.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.errors import StoreError
from testkit.kernel.clock import to_text
from testkit.kernel.digest import canonical_json, digest
from testkit.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

Auth = Literal["none", "os-login", "link", "session"]
"""How a person proved who they are, weakest first."""

__all__ = [
    "MIGRATIONS",
    "Actor",
    "Auth",
    "LedgerRow",
    "append",
    "head",
    "history",
    "readable",
    "verify",
]

GENESIS: Final = "0" * 64

MIGRATIONS: Final = (
    (
        "001_ledger",
        """
        CREATE TABLE ledger (
          seq INTEGER PRIMARY KEY,
          at TEXT NOT NULL,
          kind TEXT NOT NULL,
          subject TEXT NOT NULL,
          actor TEXT NOT NULL,
          via TEXT NOT NULL,
          auth TEXT NOT NULL,
          payload TEXT NOT NULL,
          prev TEXT NOT NULL,
          hash TEXT NOT NULL UNIQUE
        ) STRICT;
        -- serves: the history of one experiment, draft or file
        CREATE INDEX ledger_subject ON ledger (subject, seq);
        CREATE TABLE ledger_head (
          one INTEGER PRIMARY KEY CHECK (one = 1),
          seq INTEGER NOT NULL,
          hash TEXT NOT NULL
        ) STRICT;
        CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        """,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, and how we know.

    Attributes:
        name: Person id of the roster, or the operating system's login name.
        via: ``cli``, ``web``, ``mail`` or ``system`` (a clock did it).
        auth: ``none`` (a local ``--as NAME``), ``os-login``, ``link`` or ``session``.
    """

    name: str
    via: str = "cli"
    auth: Auth = "os-login"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One recorded decision."""

    seq: int
    at: str
    kind: str
    subject: str
    actor: str
    via: str
    auth: str
    payload: dict[str, Any]
    prev: str
    hash: str

    def expected_hash(self) -> str:
        """The hash that the row's fields call for."""
        return _hash(
            seq=self.seq,
            at=self.at,
            kind=self.kind,
            subject=self.subject,
            actor=self.actor,
            via=self.via,
            auth=self.auth,
            payload=self.payload,
            prev=self.prev,
        )


def _hash(**fields: Any) -> str:
    return digest(fields)


def append(
    conn: Connection,
    *,
    kind: str,
    subject: str,
    actor: Actor,
    payload: Mapping[str, Any],
    now: datetime,
) -> LedgerRow:
    """Add one row inside the caller's write transaction.

    Args:
        conn: A connection in a write transaction.
        kind: What happened: ``plan.locked``, ``look.recorded``, ``signoff.approved`` ...
        subject: Id of the thing it happened to.
        actor: Who did it.
        payload: Ids, digests and numbers; no names, no texts.
        now: When.

    Returns:
        The row as stored.
    """
    if not conn.in_transaction:
        raise StoreError("a ledger row outside of a transaction")
    last = conn.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    seq, prev = (last["seq"] + 1, last["hash"]) if last else (1, GENESIS)
    stored = canonical_json(dict(payload)).decode()
    fields: dict[str, Any] = {
        "seq": seq,
        "at": to_text(now),
        "kind": kind,
        "subject": subject,
        "actor": actor.name,
        "via": actor.via,
        "auth": actor.auth,
        "payload": json.loads(stored),
        "prev": prev,
    }
    row = LedgerRow(**fields, hash=_hash(**fields))
    conn.execute(
        "INSERT INTO ledger (seq, at, kind, subject, actor, via, auth, payload, prev, hash)"
        " VALUES (:seq, :at, :kind, :subject, :actor, :via, :auth, :payload, :prev, :hash)",
        {**fields, "payload": stored, "hash": row.hash},
    )
    conn.execute(
        "INSERT INTO ledger_head (one, seq, hash) VALUES (1, :seq, :hash)"
        " ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        {"seq": seq, "hash": row.hash},
    )
    return row


def _row(raw: Any) -> LedgerRow:
    fields = dict(raw)
    fields["payload"] = json.loads(fields["payload"])
    return LedgerRow(**fields)


def history(conn: Connection, *, subject: str | None = None, limit: int = -1) -> list[LedgerRow]:
    """Rows in order, of one subject or of all; the newest ``limit`` when it is not negative."""
    rows = conn.execute(
        "SELECT * FROM (SELECT * FROM ledger WHERE :subject IS NULL OR subject = :subject"
        " ORDER BY seq DESC LIMIT :limit) ORDER BY seq",
        {"subject": subject, "limit": limit},
    )
    return [_row(raw) for raw in rows]


def readable(conn: Connection) -> list[LedgerRow]:
    """Every row whose payload is still JSON, in order; :func:`verify` tells of the others."""
    found: list[LedgerRow] = []
    for raw in conn.execute("SELECT * FROM ledger ORDER BY seq"):
        with contextlib.suppress(ValueError):
            found.append(_row(raw))
    return found


def head(conn: Connection) -> tuple[int, str]:
    """Number and hash of the newest row; ``(0, 64 zeros)`` for an empty ledger."""
    last = conn.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    return (last["seq"], last["hash"]) if last else (0, GENESIS)


def verify(conn: Connection, *, known_head: str | None = None) -> list[Finding]:
    """Check every row against its hash and its neighbour.

    Args:
        conn: A connection; only read.
        known_head: A head hash that somebody kept (from a digest e-mail): it must be in the chain.

    Returns:
        Findings LG001 (changed row), LG002 (row missing or added), LG003 (tail missing),
        LG004 (the known head is not in this chain); empty when the ledger is whole.
    """
    findings: list[Finding] = []

    def report(code: str, message: str, seq: int) -> None:
        hint = "restore a backup, and ask who had write access to the workspace folder"
        findings.append(
            Finding(
                code=code, severity="error", message=message, hint=hint, where=f"ledger row {seq}"
            )
        )

    prev, seq, seen = GENESIS, 0, {GENESIS}
    for raw in conn.execute("SELECT * FROM ledger ORDER BY seq"):
        try:
            row = _row(raw)
            intact = row.hash == row.expected_hash()
        except (ValueError, TypeError):  # a payload that is no longer JSON
            report("LG001", "its payload is no longer readable", raw["seq"])
            prev, seq = raw["hash"], raw["seq"]
            continue
        if not intact:
            report("LG001", "its content does not give its hash: it was changed", row.seq)
        if row.seq != seq + 1 or row.prev != prev:
            report("LG002", f"it does not follow row {seq}: rows were removed or added", row.seq)
        prev, seq = row.hash, row.seq
        seen.add(row.hash)
    stored = conn.execute("SELECT seq, hash FROM ledger_head").fetchone()
    if (stored is None and seq) or (
        stored is not None and (stored["seq"], stored["hash"]) != (seq, prev)
    ):
        last = stored["seq"] if stored else "unknown"
        report("LG003", f"the ledger ends here, but its head is row {last}", seq)
    if known_head is not None and known_head not in seen:
        report("LG004", f"the head {known_head[:12]}... that you hold is not in this ledger", seq)
    return findings
