"""Looks and decisions as they were recorded; never changed afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from testkit.kernel.digest import canonical_json
from testkit.model.decision import Decision
from testkit.model.look import Look

if TYPE_CHECKING:
    from testkit.kernel.sqlite import Connection

__all__ = ["add_decision", "add_look", "decisions", "looks"]


def looks(conn: Connection, experiment: str, version: int) -> list[Look]:
    """All looks of a plan version, oldest first."""
    rows = conn.execute(
        "SELECT figures FROM look WHERE experiment = :e AND plan_version = :v ORDER BY number",
        {"e": experiment, "v": version},
    )
    return [Look.from_dict(json.loads(row["figures"])) for row in rows]


def add_look(conn: Connection, experiment: str, version: int, look: Look, *, by: str) -> None:
    """Store a look."""
    conn.execute(
        "INSERT INTO look (id, experiment, plan_version, number, at, data_digest, figures, by)"
        " VALUES (:id, :e, :v, :number, :at, :data_digest, :figures, :by)",
        {
            "id": look.id,
            "e": experiment,
            "v": version,
            "number": look.number,
            "at": look.at,
            "data_digest": look.data_digest,
            "figures": canonical_json(look.as_dict()).decode(),
            "by": by,
        },
    )


def decisions(conn: Connection, experiment: str, version: int) -> list[Decision]:
    """All decisions of a plan version, oldest first; the first is the verdict."""
    rows = conn.execute(
        "SELECT decision FROM decision WHERE experiment = :e AND plan_version = :v ORDER BY number",
        {"e": experiment, "v": version},
    )
    return [Decision.from_dict(json.loads(row["decision"])) for row in rows]


def add_decision(
    conn: Connection, experiment: str, version: int, decision: Decision, *, by: str
) -> None:
    """Store a decision."""
    conn.execute(
        "INSERT INTO decision (id, experiment, plan_version, number, look_id, at, by, decision)"
        " VALUES (:id, :e, :v, (SELECT count(*) + 1 FROM decision WHERE experiment = :e"
        " AND plan_version = :v), :look_id, :at, :by, :decision)",
        {
            "id": decision.id,
            "e": experiment,
            "v": version,
            "look_id": decision.look_id,
            "at": decision.at,
            "by": by,
            "decision": canonical_json(decision.as_dict()).decode(),
        },
    )
