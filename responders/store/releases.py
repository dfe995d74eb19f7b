"""Planned releases as rows: when words are to go out that are, or will be, cleared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.kernel.clock import to_text

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

__all__ = ["PlanRow", "add", "end", "open_plans", "plan_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One plan.

    Attributes:
        id: Its id.
        request: Whose words.
        draft: Of which draft.
        publish_at: Not before; ISO-8601 text.
        made_at: ISO-8601 text.
        by: Who planned it; they release it.
        auth: How they proved who they are.
        ended_at: When it was carried out, missed or taken back; None while it stands.
        outcome: ``rel_...``, or why not.
    """

    id: str
    request: str
    draft: str
    publish_at: str
    made_at: str
    by: str
    auth: str
    ended_at: str | None = None
    outcome: str = ""


def add(conn: Connection, value: PlanRow) -> None:
    """Keep a plan."""
    conn.execute(
        "INSERT INTO release_plan (id, request, draft, publish_at, made_at, by, auth, ended_at,"
        " outcome) VALUES (:id, :request, :draft, :publish_at, :made_at, :by, :auth, :ended_at,"
        " :outcome)",
        {name: getattr(value, name) for name in PlanRow.__slots__},
    )


def plan_of(conn: Connection, request: str) -> PlanRow | None:
    """The plan of a request that stands, or None."""
    row = conn.execute(
        "SELECT * FROM release_plan WHERE request = :r AND ended_at IS NULL", {"r": request}
    ).fetchone()
    return PlanRow(**dict(row)) if row else None


def open_plans(conn: Connection) -> list[PlanRow]:
    """Plans that stand, the earliest first."""
    rows = conn.execute("SELECT * FROM release_plan WHERE ended_at IS NULL ORDER BY publish_at, id")
    return [PlanRow(**dict(row)) for row in rows]


def end(conn: Connection, plan_id: str, outcome: str, *, now: datetime) -> None:
    """Write down what became of a plan."""
    conn.execute(
        "UPDATE release_plan SET ended_at = :at, outcome = :outcome WHERE id = :id",
        {"at": to_text(now), "outcome": outcome[:500], "id": plan_id},
    )
