"""The crosswalk against its records: files of ids, the ids themselves, and rows left unmerged.

A file may bring a million ids, so the ledger holds one digest of them all. Whoever moves an id from
one person to another joins their gifts to somebody else, in every later test.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from testkit.kernel.audit import WHOLE, Recorded, Table, compare, problem

if TYPE_CHECKING:
    from testkit.kernel.audit import Case, Key
    from testkit.kernel.findings import Finding
    from testkit.kernel.sqlite import Connection

__all__ = ["FILE", "audit", "conflicts_digest", "ids_digest"]

FILE: Final = Table(
    name="identity_file",
    key=("id",),
    subject="crosswalk/{id}",
    settled=("source_name", "source_sha256", "rows", "ids", "people", "at", "added_by"),
)

_IDS: Final = (
    "SELECT kind, hmac, person_id, added_at FROM identity WHERE file_id = ? ORDER BY kind, hmac"
)
_CONFLICTS: Final = "SELECT people, kinds, source, rows, at FROM identity_conflict ORDER BY people"


def ids_digest(conn: Connection, file_id: str) -> str:
    """SHA-256 of the ids that a file brought, with whose each is."""
    return _digest(conn, _IDS, file_id)


def conflicts_digest(conn: Connection) -> str:
    """SHA-256 of all rows that would have made two people one."""
    return _digest(conn, _CONFLICTS)


def _digest(conn: Connection, query: str, *values: str) -> str:
    made = hashlib.sha256()
    for row in conn.execute(query, values):
        made.update("\x1f".join(map(str, tuple(row))).encode() + b"\n")
    return made.hexdigest()


def audit(case: Case) -> list[Finding]:
    """Compare the crosswalk with its records (LG005 to LG007).

    Without ``hashing`` the ids of a file are counted only.
    """
    recorded: dict[Key, Recorded] = {}
    ids: dict[str, tuple[int, str | None]] = {}
    unmerged: str | None = None
    for row in case.of("crosswalk.added", "crosswalk.forgotten"):
        told, key = row.payload, str(row.payload.get("file"))
        unmerged = told.get("conflicts_digest", unmerged)
        if row.kind == "crosswalk.forgotten":
            ids.pop(key, None)
            if (key,) in recorded:
                recorded[key,].columns["forgotten_at"] = row.at
            continue
        ids[key] = (told.get("ids", 0), told.get("ids_digest"))
        columns = {name: told.get(name) for name in ("source_sha256", "rows", "ids", "people")}
        columns["forgotten_at"] = None
        if WHOLE in told:
            columns[WHOLE] = told[WHOLE]
        recorded[key,] = Recorded(subject=row.subject, columns=columns)
    found = [*compare(case.conn, FILE, recorded), *_ids(case, ids)]
    if unmerged is not None and conflicts_digest(case.conn) != unmerged:
        said = "the rows left unmerged differ from what the ledger recorded"
        found.append(problem("LG005", said, "crosswalk, identity_conflict"))
    return found


def _ids(case: Case, recorded: dict[str, tuple[int, str | None]]) -> list[Finding]:
    """The ids of every file that counts, and those of none."""
    query = "SELECT file_id, count(*) AS n FROM identity GROUP BY file_id"
    there = {row["file_id"]: row["n"] for row in case.conn.execute(query)}
    found = []
    for file_id in dict.fromkeys([*recorded, *there]):
        count = there.get(file_id, 0)
        wanted, made = recorded.get(file_id, (0, None))
        where = f"crosswalk/{file_id or 'no file'}, identity"
        if count > wanted:
            said = f"{count:,} ids, and the ledger records {wanted:,}"
            found.append(problem("LG006", said, where))
        elif count < wanted:
            said = f"the ledger records {wanted:,} ids, and {count:,} are there"
            found.append(problem("LG007", said, where))
        elif case.hashing and made is not None and ids_digest(case.conn, file_id) != made:
            said = "an id differs from what the ledger recorded, or is another person's"
            found.append(problem("LG005", said, where))
    return found
