"""A file is a proposal: only what was adopted runs, and a running request keeps its version.

``adopt`` stores the text and its digest in the workspace database, with a ledger row. ``status``
compares what lies in the folder with what was adopted last.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from testkit.errors import NotAuthorisedError
from testkit.kernel import ledger
from testkit.kernel.audit import Recorded, Table, compare
from testkit.kernel.clock import to_text
from testkit.kernel.digest import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from testkit.kernel.audit import Case, Key
    from testkit.kernel.findings import Finding
    from testkit.kernel.people import Roster
    from testkit.kernel.sqlite import Connection

__all__ = [
    "MIGRATIONS",
    "Adoption",
    "FileState",
    "adopt",
    "adopted",
    "audit",
    "in_practice",
    "status",
]

MIGRATIONS: Final = (
    (
        "001_proposals",
        """
        CREATE TABLE proposal (
          kind TEXT NOT NULL,
          name TEXT NOT NULL,
          version INTEGER NOT NULL,
          text TEXT NOT NULL,
          digest TEXT NOT NULL,
          state TEXT NOT NULL CHECK (state IN ('waiting', 'adopted')),
          proposed_by TEXT NOT NULL,
          adopted_by TEXT,
          at TEXT NOT NULL,
          PRIMARY KEY (kind, name, version)
        ) STRICT;
        """,
    ),
)

TWO_ROLES: Final = frozenset({"people", "chain", "charter"})
"""Kinds that decide who may say yes: adopting them needs a second role outside practice mode."""

State = Literal["new", "changed", "adopted", "waiting", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """One version of a proposal.

    Attributes:
        kind: ``issue``, ``chain``, ``people``, ``template`` ...
        name: Its name within the kind.
        version: From 1.
        text: The text that runs.
        digest: SHA-256 of the text.
        state: ``adopted``, or ``waiting`` for a second role.
        changed: False when exactly this text was adopted before.
    """

    kind: str
    name: str
    version: int
    text: str
    digest: str
    state: Literal["waiting", "adopted"]
    changed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A file on disk against what was adopted."""

    kind: str
    name: str
    path: str
    state: State
    version: int
    diff: str


def in_practice(conn: Connection) -> bool:
    """Whether the workspace has no signed charter: everything works, nothing leaves for real."""
    return adopted(conn, kind="charter", name="charter") is None


def adopted(
    conn: Connection, *, kind: str, name: str, version: int | None = None
) -> Adoption | None:
    """The newest adopted version, or one by number; None when there is none."""
    row = conn.execute(
        "SELECT kind, name, version, text, digest, state FROM proposal"
        " WHERE kind = :kind AND name = :name AND state = 'adopted'"
        " AND (:version IS NULL OR version = :version) ORDER BY version DESC LIMIT 1",
        {"kind": kind, "name": name, "version": version},
    ).fetchone()
    return Adoption(**dict(row)) if row else None


def all_adopted(conn: Connection, *, kind: str) -> list[Adoption]:
    """The newest adopted version of every proposal of a kind, by name."""
    rows = conn.execute(
        "SELECT kind, name, version, text, digest, state FROM proposal p"
        " WHERE kind = :kind AND state = 'adopted' AND version = (SELECT max(version) FROM proposal"
        "  WHERE kind = p.kind AND name = p.name AND state = 'adopted') ORDER BY name",
        {"kind": kind},
    )
    return [Adoption(**dict(row)) for row in rows]


def adopt(
    conn: Connection,
    *,
    kind: str,
    name: str,
    text: str,
    actor: ledger.Actor,
    roster: Roster,
    now: datetime,
) -> Adoption:
    """Adopt a checked text, inside the caller's write transaction.

    Outside practice mode a chain, the roster and the charter need two people with different roles:
    the first call waits, the second person's call with the same text adopts.

    Args:
        conn: A connection in a write transaction.
        kind: What the text is.
        name: Its name.
        text: The text, already checked.
        actor: Who adopts.
        roster: The adopted roster, which knows the roles of those who decide.
        now: When.

    Returns:
        The version that now runs or waits; ``changed`` is False when nothing was stored.

    Raises:
        NotAuthorisedError: The second yes comes from the same person, or from the same role.
    """
    digest = digest_bytes(text.encode())
    current = adopted(conn, kind=kind, name=name)
    if current is not None and current.digest == digest:
        return replace(current, changed=False)
    waiting = conn.execute(
        "SELECT version, proposed_by FROM proposal WHERE kind = :kind AND name = :name"
        " AND state = 'waiting' AND digest = :digest ORDER BY version DESC LIMIT 1",
        {"kind": kind, "name": name, "digest": digest},
    ).fetchone()
    needs_two = kind in TWO_ROLES and not in_practice(conn)
    if needs_two:
        _may_adopt(
            roster, actor=actor, first=waiting["proposed_by"] if waiting else None, kind=kind
        )
    state: Literal["waiting", "adopted"] = "waiting" if needs_two and waiting is None else "adopted"
    if waiting is not None:
        version = int(waiting["version"])
        conn.execute(
            "UPDATE proposal SET state = 'adopted', adopted_by = :by, at = :at"
            " WHERE kind = :kind AND name = :name AND version = :version",
            {"by": actor.name, "at": to_text(now), "kind": kind, "name": name, "version": version},
        )
    else:
        last = conn.execute(
            "SELECT coalesce(max(version), 0) AS v FROM proposal WHERE kind = :k AND name = :n",
            {"k": kind, "n": name},
        ).fetchone()
        version = int(last["v"]) + 1
        conn.execute(
            "INSERT INTO proposal"
            " (kind, name, version, text, digest, state, proposed_by, adopted_by, at)"
            " VALUES (:kind, :name, :version, :text, :digest, :state, :by, :adopted_by, :at)",
            {
                "kind": kind,
                "name": name,
                "version": version,
                "text": text,
                "digest": digest,
                "state": state,
                "by": actor.name,
                "adopted_by": actor.name if state == "adopted" else None,
                "at": to_text(now),
            },
        )
    ledger.append(
        conn,
        kind=f"{kind}.{'proposed' if state == 'waiting' else 'adopted'}",
        subject=f"{kind}/{name}",
        actor=actor,
        payload={"version": version, "digest": digest},
        now=now,
    )
    return Adoption(
        kind=kind, name=name, version=version, text=text, digest=digest, state=state, changed=True
    )


def _may_adopt(roster: Roster, *, actor: ledger.Actor, first: str | None, kind: str) -> None:
    second = roster.get(actor.name)
    if second is None:
        raise NotAuthorisedError(
            f"{actor.name} is not in the roster and cannot adopt a {kind}",
            hint="name a person with --as",
        )
    if first is None:
        return
    proposer = roster.get(first)
    if second.id == first or (proposer and set(second.roles) <= set(proposer.roles)):
        raise NotAuthorisedError(
            f"a {kind} needs a second role: {first} has proposed this version",
            hint="ask somebody with another role to adopt it",
        )


def status(
    conn: Connection, *, files: Mapping[tuple[str, str], tuple[str, str]]
) -> list[FileState]:
    """Every proposal file against what was adopted.

    Args:
        conn: A connection; only read.
        files: ``(kind, name) -> (path as shown, text)`` of what lies in the folder.

    Returns:
        One line per file and per adopted proposal whose file is gone, by kind and name.
    """
    out = []
    for (kind, name), (path, text) in sorted(files.items()):
        current = adopted(conn, kind=kind, name=name)
        digest = digest_bytes(text.encode())
        waiting = conn.execute(
            "SELECT 1 FROM proposal WHERE kind = :k AND name = :n AND state = 'waiting'"
            " AND digest = :d",
            {"k": kind, "n": name, "d": digest},
        ).fetchone()
        state: State = "new" if current is None else "changed"
        if current is not None and current.digest == digest:
            state = "adopted"
        elif waiting:
            state = "waiting"
        before = current.text if current else ""
        diff = "" if state == "adopted" else _diff(before, text, path)
        version = current.version if current else 0
        out.append(
            FileState(kind=kind, name=name, path=path, state=state, version=version, diff=diff)
        )
    known = {(f.kind, f.name) for f in out}
    rows = conn.execute(
        "SELECT kind, name, max(version) AS version FROM proposal WHERE state = 'adopted'"
        " GROUP BY kind, name ORDER BY kind, name"
    )
    for row in rows:
        if (row["kind"], row["name"]) not in known:
            out.append(
                FileState(
                    kind=row["kind"],
                    name=row["name"],
                    path="",
                    state="gone",
                    version=row["version"],
                    diff="",
                )
            )
    return out


_PROPOSAL: Final = Table(
    name="proposal",
    key=("kind", "name", "version"),
    subject="{kind}/{name}",
    digested=("text",),
)


def audit(case: Case) -> list[Finding]:
    """Compare the adopted texts with their records (LG005 to LG007)."""
    recorded: dict[Key, Recorded] = {}
    for row in case.records:
        kind, _, name = row.subject.partition("/")
        if row.kind not in {f"{kind}.proposed", f"{kind}.adopted"}:
            continue
        key = (kind, name, row.payload.get("version"))
        state = row.kind.removeprefix(f"{kind}.")
        first = recorded.get(key)
        recorded[key] = Recorded(
            subject=row.subject,
            columns={
                "text": row.payload.get("digest"),
                "digest": row.payload.get("digest"),
                "state": "waiting" if state == "proposed" else "adopted",
                "proposed_by": first.columns["proposed_by"] if first else row.actor,
                "adopted_by": None if state == "proposed" else row.actor,
                "at": row.at,
            },
        )
    return compare(case.conn, _PROPOSAL, recorded)


def _diff(before: str, after: str, path: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"adopted/{path}", path, lineterm=""
    )
    return "\n".join(lines)
