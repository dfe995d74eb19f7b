"""What ads cost: files of spend of an experiment, each row with the arm that its ad carried."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from testkit.kernel.audit import WHOLE, Recorded, Table, compare
from testkit.kernel.clock import to_text
from testkit.kernel.digest import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from testkit.kernel.audit import Case, Key
    from testkit.kernel.findings import Finding
    from testkit.kernel.sqlite import Connection

__all__ = ["FILE", "MIGRATIONS", "SpendFile", "add", "audit", "files", "retract"]

MIGRATIONS: Final = (
    (
        "001_spend",
        """
        CREATE TABLE spend_file (
          id TEXT PRIMARY KEY,
          experiment TEXT NOT NULL,
          plan_version INTEGER NOT NULL,
          source_name TEXT NOT NULL,
          source_sha256 TEXT NOT NULL,
          spend TEXT NOT NULL,
          at TEXT NOT NULL,
          added_by TEXT NOT NULL,
          retracted_at TEXT
        ) STRICT;
        -- serves: the same file twice is refused kindly; a retracted one may come again
        CREATE UNIQUE INDEX spend_source ON spend_file (experiment, plan_version, source_sha256)
          WHERE retracted_at IS NULL;
        """,
    ),
)

FILE: Final = Table(
    name="spend_file",
    key=("id",),
    subject="experiment/{experiment}",
    settled=(
        "experiment", "plan_version", "source_name", "source_sha256", "spend", "at", "added_by",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendFile:
    """One file of spend.

    Attributes:
        id: Its id.
        source_name: The file's name.
        source_sha256: Digest of the file.
        spend: Its rows as plain values.
        at: ISO-8601 text.
    """

    id: str
    source_name: str
    source_sha256: str
    spend: tuple[dict[str, Any], ...]
    at: str


def files(conn: Connection, experiment: str, version: int) -> list[SpendFile]:
    """Files that count, oldest first."""
    return [
        SpendFile(
            id=row["id"],
            source_name=row["source_name"],
            source_sha256=row["source_sha256"],
            spend=tuple(json.loads(row["spend"])),
            at=row["at"],
        )
        for row in conn.execute(
            "SELECT * FROM spend_file WHERE experiment = :e AND plan_version = :v"
            " AND retracted_at IS NULL ORDER BY at, id",
            {"e": experiment, "v": version},
        )
    ]


def add(
    conn: Connection,
    experiment: str,
    version: int,
    *,
    file_id: str,
    source_name: str,
    source_sha256: str,
    spend: Sequence[Mapping[str, Any]],
    by: str,
    now: datetime,
) -> str:
    """Store a file of spend; returns the digest of the row."""
    conn.execute(
        "INSERT INTO spend_file (id, experiment, plan_version, source_name, source_sha256, spend,"
        " at, added_by) VALUES (:id, :e, :v, :name, :sha, :spend, :at, :by)",
        {
            "id": file_id,
            "e": experiment,
            "v": version,
            "name": source_name,
            "sha": source_sha256,
            "spend": canonical_json([dict(one) for one in spend]).decode(),
            "at": to_text(now),
            "by": by,
        },
    )
    return FILE.row_digest(conn, file_id)


def retract(conn: Connection, file_id: str, *, now: datetime) -> None:
    """A file no longer counts; its row stays."""
    conn.execute(
        "UPDATE spend_file SET retracted_at = :at WHERE id = :id",
        {"at": to_text(now), "id": file_id},
    )


def audit(case: Case) -> list[Finding]:
    """Compare the stored files with their records (LG005 to LG007)."""
    recorded: dict[Key, Recorded] = {
        (row.payload.get("file"),): Recorded(
            subject=row.subject,
            columns={
                "source_sha256": row.payload.get("source_sha256"),
                WHOLE: row.payload.get(WHOLE),
                "retracted_at": None,
            },
        )
        for row in case.of("spend.taken_in")
    }
    for row in case.of("spend.retracted"):
        entry = recorded.get((row.payload.get("file"),))
        if entry is not None:
            entry.columns["retracted_at"] = row.at
    return compare(case.conn, FILE, recorded)
