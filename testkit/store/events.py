"""What came in: assignments, sends and result batches, each registered in one short transaction.

The rows themselves lie in ``data/`` as Parquet files named by their digest; the tables say which
of these files count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from testkit.errors import NotFoundError
from testkit.kernel.clock import from_text, to_text
from testkit.kernel.digest import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

__all__ = [
    "Assignment",
    "Batch",
    "add_assignment",
    "add_batch",
    "add_handed_ids",
    "assignments",
    "batch",
    "batches",
    "forget_send",
    "handed_ids",
    "record_send",
    "retract",
    "sends",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One list that was assigned.

    Attributes:
        id: Its id.
        first_wave: Number of its first wave.
        source_name: The list file's name.
        source_sha256: Digest of the list file.
        data_sha256: Digest of the Parquet file with ``unit, wave, arm, stratum`` and the list's
            own columns.
        rows: Units in the list.
        counts: ``wave -> arm -> units``, waves as text; the remainder under wave ``0``.
        columns: Columns of the list, in order.
        at: ISO-8601 text.
    """

    id: str
    first_wave: int
    source_name: str
    source_sha256: str
    data_sha256: str
    rows: int
    counts: dict[str, dict[str, int]]
    columns: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One result file that was taken in.

    Attributes:
        id: Its id.
        kind: ``units`` (a row per unit) or ``counts`` (a row per wave and arm).
        source_name: The file's name.
        source_sha256: Digest of the file.
        data_sha256: Digest of the Parquet file with the rows.
        rows: Rows that count.
        summary: What was found while reading, as plain values.
        at: ISO-8601 text.
        retracted_at: When it was taken back; None while it counts.
    """

    id: str
    kind: Literal["units", "counts"]
    source_name: str
    source_sha256: str
    data_sha256: str
    rows: int
    summary: dict[str, Any]
    at: str
    retracted_at: str | None = None


def assignments(conn: Connection, experiment: str, version: int) -> list[Assignment]:
    """Lists assigned under a plan version, oldest first."""
    rows = conn.execute(
        "SELECT id, first_wave, source_name, source_sha256, data_sha256, rows, counts, columns, at"
        " FROM assignment WHERE experiment = :e AND plan_version = :v AND voided_at IS NULL"
        " ORDER BY first_wave, rowid",
        {"e": experiment, "v": version},
    )
    return [
        Assignment(
            **{
                **dict(row),
                "counts": json.loads(row["counts"]),
                "columns": tuple(json.loads(row["columns"])),
            }
        )
        for row in rows
    ]


def add_assignment(conn: Connection, experiment: str, version: int, value: Assignment) -> None:
    """Register an assigned list."""
    conn.execute(
        "INSERT INTO assignment (id, experiment, plan_version, first_wave, source_name,"
        " source_sha256, data_sha256, rows, counts, columns, at) VALUES (:id, :e, :v, :first_wave,"
        " :source_name, :source_sha256, :data_sha256, :rows, :counts, :columns, :at)",
        {
            "id": value.id,
            "e": experiment,
            "v": version,
            "first_wave": value.first_wave,
            "source_name": value.source_name,
            "source_sha256": value.source_sha256,
            "data_sha256": value.data_sha256,
            "rows": value.rows,
            "counts": canonical_json(value.counts).decode(),
            "columns": canonical_json(list(value.columns)).decode(),
            "at": value.at,
        },
    )


def sends(conn: Connection, experiment: str, version: int) -> dict[int, datetime]:
    """When each wave went out, as far as it was recorded."""
    rows = conn.execute(
        "SELECT wave, sent_at FROM sending WHERE experiment = :e AND plan_version = :v"
        " ORDER BY wave",
        {"e": experiment, "v": version},
    )
    return {row["wave"]: from_text(row["sent_at"]) for row in rows}


def record_send(
    conn: Connection,
    experiment: str,
    version: int,
    *,
    wave: int,
    sent_at: datetime,
    by: str,
    now: datetime,
) -> bool:
    """Record when a wave went out; False when exactly that was recorded before."""
    before = sends(conn, experiment, version).get(wave)
    if before == sent_at:
        return False
    conn.execute(
        "INSERT INTO sending (experiment, plan_version, wave, sent_at, recorded_at, recorded_by)"
        " VALUES (:e, :v, :wave, :sent_at, :now, :by)"
        " ON CONFLICT (experiment, plan_version, wave) DO UPDATE SET sent_at = excluded.sent_at,"
        " recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by",
        {
            "e": experiment,
            "v": version,
            "wave": wave,
            "sent_at": to_text(sent_at),
            "now": to_text(now),
            "by": by,
        },
    )
    return True


def handed_ids(conn: Connection, experiment: str, version: int) -> list[tuple[str, str]]:
    """``(kind of id, column of the list)`` that somebody named for a hand-back."""
    rows = conn.execute(
        "SELECT kind, list_column FROM handed_id WHERE experiment = :e AND plan_version = :v"
        " ORDER BY kind, list_column",
        {"e": experiment, "v": version},
    )
    return [(row["kind"], row["list_column"]) for row in rows]


def add_handed_ids(
    conn: Connection, experiment: str, version: int, ids: Mapping[str, str], *, now: datetime
) -> None:
    """Remember which columns went out as which ids, to know them when they come back."""
    conn.executemany(
        "INSERT INTO handed_id (experiment, plan_version, kind, list_column, at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(experiment, version, kind, column, to_text(now)) for kind, column in ids.items()],
    )


def forget_send(conn: Connection, experiment: str, version: int, *, wave: int) -> None:
    """Take back that a wave went out."""
    conn.execute(
        "DELETE FROM sending WHERE experiment = :e AND plan_version = :v AND wave = :wave",
        {"e": experiment, "v": version, "wave": wave},
    )


_BATCH = (
    "SELECT id, kind, source_name, source_sha256, data_sha256, rows, summary, at, retracted_at"
    " FROM batch WHERE experiment = :e AND plan_version = :v"
)


def _batch(row: Any) -> Batch:
    return Batch(**{**dict(row), "summary": json.loads(row["summary"])})


def batches(
    conn: Connection, experiment: str, version: int, *, retracted: bool = False
) -> list[Batch]:
    """Batches that count, oldest first; with ``retracted`` also those taken back."""
    rows = conn.execute(f"{_BATCH} ORDER BY rowid", {"e": experiment, "v": version})
    found = [_batch(row) for row in rows]
    return found if retracted else [b for b in found if b.retracted_at is None]


def batch(conn: Connection, experiment: str, version: int, batch_id: str) -> Batch:
    """One batch by id.

    Raises:
        NotFoundError: There is none of that id.
    """
    row = conn.execute(
        f"{_BATCH} AND id = :id", {"e": experiment, "v": version, "id": batch_id}
    ).fetchone()
    if row is None:
        known = [b.id for b in batches(conn, experiment, version)]
        raise NotFoundError("batch", batch_id, hint=f"batches: {', '.join(known) or 'none'}")
    return _batch(row)


def add_batch(conn: Connection, experiment: str, version: int, value: Batch, *, by: str) -> None:
    """Register a batch."""
    conn.execute(
        "INSERT INTO batch (id, experiment, plan_version, kind, source_name, source_sha256,"
        " data_sha256, rows, summary, at, added_by) VALUES (:id, :e, :v, :kind, :source_name,"
        " :source_sha256, :data_sha256, :rows, :summary, :at, :by)",
        {
            "id": value.id,
            "e": experiment,
            "v": version,
            "kind": value.kind,
            "source_name": value.source_name,
            "source_sha256": value.source_sha256,
            "data_sha256": value.data_sha256,
            "rows": value.rows,
            "summary": canonical_json(value.summary).decode(),
            "at": value.at,
            "by": by,
        },
    )


def retract(conn: Connection, batch_id: str, *, by: str, reason: str, now: datetime) -> None:
    """Take a batch back: its rows stay on disk, and count no longer."""
    conn.execute(
        "UPDATE batch SET retracted_at = :now, retracted_by = :by, retract_reason = :reason"
        " WHERE id = :id AND retracted_at IS NULL",
        {"now": to_text(now), "by": by, "reason": reason, "id": batch_id},
    )
