"""Who is who: many ids for one person, none of them readable.

Each id is stored as its HMAC-SHA256 under the organisation's key, by kind. Without
``secrets.toml`` nobody can tell who is meant, and without it no later file can be joined. Two
people whom a row claims to be one are not made one: the conflict is listed for somebody to look at.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.errors import InputError
from testkit.kernel.clock import to_text
from testkit.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

__all__ = [
    "MIGRATIONS",
    "Conflict",
    "IdentityFile",
    "Linked",
    "MatchRate",
    "add_file",
    "conflicts",
    "files",
    "forget",
    "forget_file",
    "hmac_of",
    "ids_of",
    "link",
    "match_rates",
    "people_of",
]

MIGRATIONS: Final = (
    (
        "001_identity",
        """
        CREATE TABLE identity (
          kind TEXT NOT NULL,
          hmac TEXT NOT NULL,
          person_id TEXT NOT NULL,
          added_at TEXT NOT NULL,
          PRIMARY KEY (kind, hmac)
        ) STRICT, WITHOUT ROWID;
        -- serves: all ids of a person, to purge them
        CREATE INDEX identity_person ON identity (person_id);
        CREATE TABLE identity_conflict (
          people TEXT NOT NULL PRIMARY KEY,
          kinds TEXT NOT NULL,
          source TEXT NOT NULL,
          rows INTEGER NOT NULL,
          at TEXT NOT NULL
        ) STRICT;
        """,
    ),
    (
        "002_identity_files",
        """
        CREATE TABLE identity_file (
          id TEXT PRIMARY KEY,
          source_name TEXT NOT NULL,
          source_sha256 TEXT NOT NULL,
          rows INTEGER NOT NULL,
          ids INTEGER NOT NULL,
          people INTEGER NOT NULL,
          at TEXT NOT NULL,
          added_by TEXT NOT NULL,
          forgotten_at TEXT
        ) STRICT;
        -- serves: the same file twice is refused kindly; a forgotten one may come again
        CREATE UNIQUE INDEX identity_source ON identity_file (source_sha256)
          WHERE forgotten_at IS NULL;
        ALTER TABLE identity ADD COLUMN file_id TEXT;
        -- serves: taking a file back
        CREATE INDEX identity_of_file ON identity (file_id) WHERE file_id IS NOT NULL;
        """,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Ids of one row that belong to several people already.

    Attributes:
        people: Ids of those people, sorted.
        kinds: Kinds of the ids that point to them.
        source: Where the row stood.
        rows: How many rows claimed it.
    """

    people: tuple[str, ...]
    kinds: tuple[str, ...]
    source: str
    rows: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What linking did.

    Attributes:
        people: Person of each row, in the order given; None where the row has no id, or its ids
            belong to several people.
        added: People who were new.
        ids: Ids that were new.
        conflicts: Rows whose ids belong to several people.
    """

    people: tuple[str | None, ...]
    added: int
    ids: int
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityFile:
    """A file whose ids were linked.

    Attributes:
        id: Its id.
        source_name: The file's name.
        source_sha256: Digest of the file.
        rows: Rows in it.
        ids: Ids that were new.
        people: People who were new.
        at: ISO-8601 text.
    """

    id: str
    source_name: str
    source_sha256: str
    rows: int
    ids: int
    people: int
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRate:
    """How many people of an arm can be found again in an export, by the kind of id that it has.

    Attributes:
        arm: The arm.
        kind: Kind of id.
        assigned: People assigned to the arm.
        linked: Those of whom an id of that kind is known.
    """

    arm: str
    kind: str
    assigned: int
    linked: int

    @property
    def rate(self) -> float | None:
        """Linked over assigned; None for an empty arm."""
        return self.linked / self.assigned if self.assigned else None


def hmac_of(key: bytes, *, kind: str, value: str) -> str:
    """The HMAC of an id that is spelled as its kind is (``testkit.adapters.identity``).

    The kind is part of what is hashed, so equal texts of two kinds are two ids.

    Raises:
        InputError: The key is too short to be one.
    """
    if len(key) < 16:
        raise InputError("a key of at least 16 bytes is needed", field="key")
    return hmac.digest(key, f"{kind}\x1f{value}".encode(), "sha256").hex()


def people_of(conn: Connection, *, kind: str, hmacs: Iterable[str]) -> dict[str, str]:
    """``hmac -> person`` for those that are known."""
    rows = conn.execute(
        "SELECT hmac, person_id FROM identity"
        " WHERE kind = :kind AND hmac IN (SELECT value FROM json_each(:hmacs))",
        {"kind": kind, "hmacs": json.dumps(list(hmacs))},
    )
    return {row["hmac"]: row["person_id"] for row in rows}


def link(
    conn: Connection,
    rows: Sequence[Mapping[str, str]],
    *,
    source: str,
    now: datetime,
    file_id: str | None = None,
) -> Linked:
    """Make the ids of each row those of one person.

    A row none of whose ids is known makes a new person. One whose ids lead to one person adds the
    others to that person. One whose ids lead to several is a conflict and changes nothing.

    Args:
        conn: In a write transaction.
        rows: ``kind -> hmac`` of every row (of a list, or of an export that has several ids).
        source: Where the rows come from, for the list of conflicts.
        now: The present moment.
        file_id: The file of :func:`add_file` that they are of, which can be taken back.
    """
    at = to_text(now)
    known: dict[tuple[str, str], str] = {}
    wanted: dict[str, list[str]] = {}
    for row in rows:
        for kind, value in row.items():
            wanted.setdefault(kind, []).append(value)
    for kind, hmacs in wanted.items():
        known.update(((kind, h), p) for h, p in people_of(conn, kind=kind, hmacs=hmacs).items())
    people: list[str | None] = []
    new: list[tuple[str, str, str, str, str | None]] = []
    clashes: dict[tuple[str, ...], tuple[set[str], int]] = {}
    added = 0
    for row in rows:
        pairs = sorted(row.items())
        found = {known[pair] for pair in pairs if pair in known}
        if not pairs:
            people.append(None)
            continue
        if len(found) > 1:
            kinds, count = clashes.get(tuple(sorted(found)), (set(), 0))
            clashes[tuple(sorted(found))] = (
                kinds | {k for k, v in pairs if (k, v) in known},
                count + 1,
            )
            people.append(None)
            continue
        person = next(iter(found), None)
        if person is None:
            person = new_id("person", now=now)
            added += 1
        for pair in pairs:
            if pair not in known:
                known[pair] = person
                new.append((*pair, person, at, file_id))
        people.append(person)
    conn.executemany(
        "INSERT INTO identity (kind, hmac, person_id, added_at, file_id) VALUES (?, ?, ?, ?, ?)",
        new,
    )
    listed = tuple(
        Conflict(people=who, kinds=tuple(sorted(kinds)), source=source, rows=count)
        for who, (kinds, count) in clashes.items()
    )
    for conflict in listed:
        conn.execute(
            """
            INSERT INTO identity_conflict (people, kinds, source, rows, at)
            VALUES (:people, :kinds, :source, :rows, :at)
            ON CONFLICT (people) DO UPDATE SET rows = rows + excluded.rows, at = excluded.at
            """,
            {
                "people": " ".join(conflict.people),
                "kinds": " ".join(conflict.kinds),
                "source": source,
                "rows": conflict.rows,
                "at": at,
            },
        )
    return Linked(people=tuple(people), added=added, ids=len(new), conflicts=listed)


def conflicts(conn: Connection) -> list[Conflict]:
    """Every conflict that was met, the most frequent first."""
    return [
        Conflict(
            people=tuple(row["people"].split()),
            kinds=tuple(row["kinds"].split()),
            source=row["source"],
            rows=row["rows"],
        )
        for row in conn.execute("SELECT * FROM identity_conflict ORDER BY rows DESC, people")
    ]


def match_rates(
    conn: Connection, *, kind: str, arms: Mapping[str, Sequence[str]]
) -> tuple[MatchRate, ...]:
    """How many people of each arm have an id of a kind, and so can be found in its exports.

    An export that finds fewer people of one arm than of the other makes a difference by itself.

    Args:
        conn: A transaction.
        kind: Kind of id that the export has.
        arms: ``arm -> people`` (their ids here) as assigned.
    """
    out = []
    for arm, people in arms.items():
        distinct = list(dict.fromkeys(people))
        row = conn.execute(
            "SELECT count(DISTINCT person_id) AS n FROM identity"
            " WHERE kind = :kind AND person_id IN (SELECT value FROM json_each(:people))",
            {"kind": kind, "people": json.dumps(distinct)},
        ).fetchone()
        out.append(MatchRate(arm=arm, kind=kind, assigned=len(distinct), linked=row["n"]))
    return tuple(out)


def forget(conn: Connection, people: Iterable[str]) -> int:
    """Delete every id of these people; returns how many ids went."""
    gone = 0
    for person in people:
        gone += conn.execute("DELETE FROM identity WHERE person_id = ?", [person]).rowcount
        conn.execute(
            "DELETE FROM identity_conflict WHERE instr(' ' || people || ' ', ' ' || ? || ' ') > 0",
            [person],
        )
    return gone


def files(conn: Connection) -> list[IdentityFile]:
    """Files that count, oldest first."""
    return [
        IdentityFile(**dict(row))
        for row in conn.execute(
            "SELECT id, source_name, source_sha256, rows, ids, people, at FROM identity_file"
            " WHERE forgotten_at IS NULL ORDER BY at, id"
        )
    ]


def add_file(conn: Connection, value: IdentityFile, *, by: str) -> None:
    """Register a file whose ids were linked."""
    conn.execute(
        "INSERT INTO identity_file (id, source_name, source_sha256, rows, ids, people, at,"
        " added_by) VALUES (:id, :name, :sha, :rows, :ids, :people, :at, :by)",
        {
            "id": value.id,
            "name": value.source_name,
            "sha": value.source_sha256,
            "rows": value.rows,
            "ids": value.ids,
            "people": value.people,
            "at": value.at,
            "by": by,
        },
    )


def forget_file(conn: Connection, file_id: str, *, now: datetime) -> int:
    """Delete the ids that a file brought; returns how many. Ids known before it stay."""
    gone = conn.execute("DELETE FROM identity WHERE file_id = ?", [file_id]).rowcount
    conn.execute("DELETE FROM identity_conflict WHERE source = ?", [file_id])
    conn.execute(
        "UPDATE identity_file SET forgotten_at = :at WHERE id = :id",
        {"at": to_text(now), "id": file_id},
    )
    return int(gone)


def ids_of(conn: Connection, *, kinds: Iterable[str]) -> list[tuple[str, str, str]]:
    """``(kind, hmac, person)`` of every id of these kinds."""
    return [
        (row["kind"], row["hmac"], row["person_id"])
        for row in conn.execute(
            "SELECT kind, hmac, person_id FROM identity"
            " WHERE kind IN (SELECT value FROM json_each(:kinds))",
            {"kinds": json.dumps(sorted(kinds))},
        )
    ]
