"""Old tests that were taken in: one row per test, with the file that they came from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from testkit.kernel.audit import Recorded, Table, compare
from testkit.kernel.clock import to_text
from testkit.kernel.digest import canonical_json, digest
from testkit.model.past import PastArm, PastTest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from testkit.kernel.audit import Case, Key
    from testkit.kernel.findings import Finding
    from testkit.kernel.sqlite import Connection

__all__ = ["MIGRATIONS", "Taken", "add", "audit", "files", "forget", "past_tests", "tests_digest"]

MIGRATIONS: Final = (
    (
        "001_past",
        """
        CREATE TABLE past_file (
          id TEXT PRIMARY KEY,
          source_name TEXT NOT NULL,
          source_sha256 TEXT NOT NULL,
          tests TEXT NOT NULL,
          at TEXT NOT NULL,
          added_by TEXT NOT NULL,
          forgotten_at TEXT
        ) STRICT;
        -- serves: the same file twice is refused kindly; a forgotten one may come again
        CREATE UNIQUE INDEX past_source ON past_file (source_sha256) WHERE forgotten_at IS NULL;
        """,
    ),
)

FILE: Final = Table(
    name="past_file",
    key=("id",),
    subject="past/{id}",
    settled=("source_name", "source_sha256", "tests", "at", "added_by"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file of old tests as it is stored."""

    id: str
    source_name: str
    source_sha256: str
    tests: tuple[PastTest, ...]
    at: str
    added_by: str


def files(conn: Connection) -> list[Taken]:
    """Files that count, oldest first."""
    rows = conn.execute("SELECT * FROM past_file WHERE forgotten_at IS NULL ORDER BY at, id")
    return [
        Taken(
            id=row["id"],
            source_name=row["source_name"],
            source_sha256=row["source_sha256"],
            tests=tuple(
                PastTest(**{**raw, "arms": tuple(PastArm(**arm) for arm in raw["arms"])})
                for raw in json.loads(row["tests"])
            ),
            at=row["at"],
            added_by=row["added_by"],
        )
        for row in rows
    ]


def past_tests(conn: Connection) -> list[PastTest]:
    """Old tests of all files that count."""
    return [test for taken in files(conn) for test in taken.tests]


def tests_digest(tests: Sequence[PastTest]) -> str:
    """Digest of the tests, for the ledger."""
    return digest([asdict(test) for test in tests])


def add(
    conn: Connection,
    *,
    file_id: str,
    source_name: str,
    source_sha256: str,
    tests: Sequence[PastTest],
    by: str,
    now: datetime,
) -> str:
    """Store a file's tests; returns the digest of the row."""
    conn.execute(
        "INSERT INTO past_file (id, source_name, source_sha256, tests, at, added_by)"
        " VALUES (:id, :name, :sha, :tests, :at, :by)",
        {
            "id": file_id,
            "name": source_name,
            "sha": source_sha256,
            "tests": canonical_json([asdict(test) for test in tests]).decode(),
            "at": to_text(now),
            "by": by,
        },
    )
    return FILE.row_digest(conn, file_id)


def forget(conn: Connection, file_id: str, *, now: datetime) -> None:
    """A file no longer counts; its row stays."""
    conn.execute(
        "UPDATE past_file SET forgotten_at = :at WHERE id = :id",
        {"at": to_text(now), "id": file_id},
    )


def audit(case: Case) -> list[Finding]:
    """Compare the stored files with their records (LG005 to LG007)."""
    recorded: dict[Key, Recorded] = {
        (row.payload.get("file"),): Recorded(
            subject=row.subject,
            columns={"row_digest": row.payload.get("row_digest"), "forgotten_at": None},
        )
        for row in case.of("past.taken_in")
    }
    for row in case.of("past.forgotten"):
        entry = recorded.get((row.payload.get("file"),))
        if entry is not None:
            entry.columns["forgotten_at"] = row.at
    return compare(case.conn, FILE, recorded)
