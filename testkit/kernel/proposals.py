"""A file is a proposal: only what was adopted runs, and a running request keeps its version.

``adopt`` stores the text and its digest in the workspace database, with a ledger row. ``status``
compares what lies in the folder with what was adopted last.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.errors import NotAuthorisedError
from testkit.kernel import ledger
from testkit.kernel.audit import WHOLE, Recorded, Table, compare
from testkit.kernel.clock import from_text, to_text, utc_now
from testkit.kernel.digest import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from testkit.kernel.audit import Case, Key
    from testkit.kernel.findings import Finding
    from testkit.kernel.people import Person, Roster
    from testkit.kernel.sqlite import Connection

__all__ = [
    "MIGRATIONS",
    "Adoption",
    "FileState",
    "adopt",
    "adopted",
    "audit",
    "end_of_force",
    "in_practice",
    "revoke",
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
    (
        "002_proposal_end",
        """
        -- An adopted text whose force ends: at a moment that it names itself, or because somebody
        -- revoked it. The newest version is out of force from the earliest of these moments on.
        CREATE TABLE proposal_end (
          kind TEXT NOT NULL,
          name TEXT NOT NULL,
          version INTEGER NOT NULL,
          why TEXT NOT NULL CHECK (why IN ('expired', 'revoked')),
          at TEXT NOT NULL,
          note TEXT NOT NULL,
          PRIMARY KEY (kind, name, version, why)
        ) STRICT;
        """,
    ),
)

TWO_ROLES: Final = frozenset({"people", "chain", "charter", "lane"})
"""Kinds that decide who may say yes, or what goes out without one: adopting them needs a second
role outside practice mode."""

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
        ask: Names of those who could confirm it, while it waits.
    """

    kind: str
    name: str
    version: int
    text: str
    digest: str
    state: Literal["waiting", "adopted"]
    changed: bool = True
    ask: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A file on disk against what was adopted."""

    kind: str
    name: str
    path: str
    state: State
    version: int
    diff: str


def in_practice(conn: Connection, *, now: datetime | None = None) -> bool:
    """Whether no signed charter is in force: everything works, nothing leaves for real.

    Args:
        conn: A connection; only read.
        now: The moment; the present one if None.
    """
    return adopted(conn, kind="charter", name="charter", now=now) is None


def adopted(
    conn: Connection,
    *,
    kind: str,
    name: str,
    version: int | None = None,
    now: datetime | None = None,
) -> Adoption | None:
    """The newest adopted version while it is in force, or one by number, whatever became of it.

    Args:
        conn: A connection; only read.
        kind: What the text is.
        name: Its name.
        version: A version by number: what began under it goes on under it.
        now: The moment that decides whether the newest version is in force; the present one if
            None.

    Returns:
        The version; None when there is none.
    """
    row = conn.execute(
        "SELECT kind, name, version, text, digest, state FROM proposal"
        " WHERE kind = :kind AND name = :name AND state = 'adopted'"
        " AND (:version IS NULL OR version = :version) ORDER BY version DESC LIMIT 1",
        {"kind": kind, "name": name, "version": version},
    ).fetchone()
    if row is None:
        return None
    found = Adoption(**dict(row))
    if version is None:
        end = end_of_force(conn, found)
        if end is not None and end[0] <= (now or utc_now()):
            return None
    return found


def end_of_force(conn: Connection, adoption: Adoption) -> tuple[datetime, str, str] | None:
    """When an adopted version ends, or ended: ``(moment, why, note)``; None when it does not."""
    row = conn.execute(
        "SELECT at, why, note FROM proposal_end"
        " WHERE kind = :kind AND name = :name AND version = :version ORDER BY at LIMIT 1",
        {"kind": adoption.kind, "name": adoption.name, "version": adoption.version},
    ).fetchone()
    return None if row is None else (from_text(row["at"]), row["why"], row["note"])


def revoke(
    conn: Connection, adoption: Adoption, *, actor: ledger.Actor, note: str, now: datetime
) -> None:
    """Take an adopted version out of force, inside the caller's write transaction."""
    _end(conn, adoption, why="revoked", at=now, note=note)
    ledger.append(
        conn,
        kind=f"{adoption.kind}.revoked",
        subject=f"{adoption.kind}/{adoption.name}",
        actor=actor,
        payload={
            "version": adoption.version,
            "end_digest": _END.row_digest(
                conn, adoption.kind, adoption.name, adoption.version, "revoked"
            ),
        },
        now=now,
    )


def _end(conn: Connection, adoption: Adoption, *, why: str, at: datetime, note: str) -> None:
    conn.execute(
        "INSERT INTO proposal_end (kind, name, version, why, at, note)"
        " VALUES (:kind, :name, :version, :why, :at, :note)",
        {
            "kind": adoption.kind,
            "name": adoption.name,
            "version": adoption.version,
            "why": why,
            "at": to_text(at),
            "note": note,
        },
    )


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
    signers: Sequence[str] = (),
    confirmers: Sequence[str] = (),
    until: datetime | None = None,
) -> Adoption:
    """Adopt a checked text, inside the caller's write transaction.

    Outside practice mode a chain, the roster and the charter need two people with different roles:
    the first call waits, the second person's call with the same text adopts. The second person
    holds one of the roles of ``confirmers``, and one that the first has not got. Where no two
    people here could meet that, as in an office of two, any other role confirms.

    Args:
        conn: A connection in a write transaction.
        kind: What the text is.
        name: Its name.
        text: The text, already checked.
        actor: Who adopts.
        roster: The adopted roster, which knows the roles of those who decide.
        now: When.
        signers: Roles of which one of those who adopt must hold one; anybody's yes if empty.
        confirmers: Roles, or ids of people, of whom the second one must be one; any other role's
            yes if empty.
        until: When the text goes out of force by itself.

    Returns:
        The version that now runs or waits; ``changed`` is False when nothing was stored.

    Raises:
        NotAuthorisedError: The second yes comes from the same person, from the same role, or from
            somebody who may not confirm; or nobody who adopts may sign it.
    """
    digest = digest_bytes(text.encode())
    current = adopted(conn, kind=kind, name=name, now=now)
    if current is not None and current.digest == digest:
        return replace(current, changed=False)
    waiting = conn.execute(
        "SELECT version, proposed_by FROM proposal WHERE kind = :kind AND name = :name"
        " AND state = 'waiting' AND digest = :digest ORDER BY version DESC LIMIT 1",
        {"kind": kind, "name": name, "digest": digest},
    ).fetchone()
    needs_two = kind in TWO_ROLES and not in_practice(conn, now=now)
    first = waiting["proposed_by"] if waiting else None
    if needs_two:
        _may_adopt(roster, actor=actor, first=first, kind=kind, now=now)
    state: Literal["waiting", "adopted"] = "waiting" if needs_two and waiting is None else "adopted"
    if signers and state == "adopted":
        _may_sign(
            roster, people=(actor.name, first or actor.name), signers=signers, kind=kind, now=now
        )
    if needs_two and first is not None:
        _may_confirm(
            roster, second=actor.name, first=first, confirmers=confirmers, kind=kind, now=now
        )
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
    payload: dict[str, Any] = {"version": version, "digest": digest}
    adoption = Adoption(
        kind=kind,
        name=name,
        version=version,
        text=text,
        digest=digest,
        state=state,
        changed=True,
        ask=tuple(p.name for p in _confirming(roster, actor.name, confirmers, now))
        if state == "waiting"
        else (),
    )
    if until is not None and state == "adopted":
        _end(conn, adoption, why="expired", at=until, note="")
        payload["end_digest"] = _END.row_digest(conn, kind, name, version, "expired")
    ledger.append(
        conn,
        kind=f"{kind}.{'proposed' if state == 'waiting' else 'adopted'}",
        subject=f"{kind}/{name}",
        actor=actor,
        payload=payload,
        now=now,
    )
    return adoption


def _may_sign(
    roster: Roster, *, people: Sequence[str], signers: Sequence[str], kind: str, now: datetime
) -> None:
    """Check that one of those who adopt holds a role that signs it."""
    for name in people:
        person = roster.get(name)
        if person is not None and person.here(now) and not set(person.roles).isdisjoint(signers):
            return
    holders = [p.name for role in signers for p in roster.with_role(role) if p.here(now)]
    raise NotAuthorisedError(
        f"a {kind} is signed by {' or '.join(signers)}, and {people[0]} is not",
        hint=f"ask {' or '.join(dict.fromkeys(holders))} to adopt it"
        if holders
        else "nobody here has that role",
    )


def _may_adopt(
    roster: Roster, *, actor: ledger.Actor, first: str | None, kind: str, now: datetime
) -> None:
    second = roster.get(actor.name)
    if second is None or not second.here(now):
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


def _confirming(
    roster: Roster, first: str, confirmers: Sequence[str], now: datetime
) -> list[Person]:
    """Those who may confirm what somebody proposed."""
    wanted = set(confirmers) if _feasible(roster, confirmers, now) else None
    proposer = roster.get(first)
    return [
        person
        for person in roster.people
        if person.here(now) and _confirms(person, proposer, first, wanted)
    ]


def _feasible(roster: Roster, confirmers: Sequence[str], now: datetime) -> bool:
    """Whether any of the people here could confirm what any other one proposed."""
    here, wanted = [p for p in roster.people if p.here(now)], set(confirmers)
    return any(_confirms(q, p, p.id, wanted) for p in here for q in here)


def _confirms(person: Person, proposer: Person | None, first: str, wanted: set[str] | None) -> bool:
    if person.id == first:
        return False
    other = {*person.roles} - {*(proposer.roles if proposer else ())}
    return bool(other if wanted is None else ({person.id} & wanted) or (other & wanted))


def _may_confirm(
    roster: Roster,
    *,
    second: str,
    first: str,
    confirmers: Sequence[str],
    kind: str,
    now: datetime,
) -> None:
    """Check that the second yes is from a role that confirms and that the first has not got."""
    able = _confirming(roster, first, confirmers, now)
    if second in {person.id for person in able}:
        return
    raise NotAuthorisedError(
        f"a {kind} that {first} has proposed is confirmed by {' or '.join(confirmers)}, in a role"
        f" that {first} has not got",
        hint=f"ask {' or '.join(person.name for person in able)} to adopt it"
        if able
        else "somebody else proposes it, so that those can confirm it",
    )


def status(
    conn: Connection,
    *,
    files: Mapping[tuple[str, str], tuple[str, str]],
    now: datetime | None = None,
) -> list[FileState]:
    """Every proposal file against what was adopted.

    Args:
        conn: A connection; only read.
        files: ``(kind, name) -> (path as shown, text)`` of what lies in the folder.
        now: The moment; the present one if None.

    Returns:
        One line per file and per adopted proposal whose file is gone, by kind and name.
    """
    out = []
    for (kind, name), (path, text) in sorted(files.items()):
        current = adopted(conn, kind=kind, name=name, now=now)
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
        standing = adopted(conn, kind=row["kind"], name=row["name"], now=now)
        if (row["kind"], row["name"]) not in known and standing is not None:
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


_END: Final = Table(
    name="proposal_end",
    key=("kind", "name", "version", "why"),
    subject="{kind}/{name}",
    settled=("at", "note"),
)
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
    ends: dict[Key, Recorded] = {}
    for row in case.records:
        kind, _, name = row.subject.partition("/")
        why = {f"{kind}.adopted": "expired", f"{kind}.revoked": "revoked"}.get(row.kind)
        if why is not None and "end_digest" in row.payload:
            ends[kind, name, row.payload.get("version"), why] = Recorded(
                subject=row.subject, columns={WHOLE: row.payload["end_digest"]}
            )
    return [*compare(case.conn, _PROPOSAL, recorded), *compare(case.conn, _END, ends)]


def _diff(before: str, after: str, path: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"adopted/{path}", path, lineterm=""
    )
    return "\n".join(lines)
