"""Amendments of locked plans: each row holds the whole plan as it stands from then on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testkit.kernel.clock import to_text
from testkit.kernel.digest import canonical_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from testkit.kernel.sqlite import Connection
    from testkit.model.amend import Change
    from testkit.model.plan import Plan

__all__ = ["Amendment", "add_amendment", "amendments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """One amendment as it is stored.

    Attributes:
        id: Its id.
        number: From 1 within the locked version.
        plan: The whole plan from then on, as plain values.
        definition: The text that it was resolved from.
        definition_digest: SHA-256 of that text.
        digest: Digest of the plan.
        changes: ``{key, before, after}`` of every value that changed.
        reason: Why.
        at: ISO-8601 text.
        by: Who amended.
    """

    id: str
    number: int
    plan: dict[str, Any]
    definition: str
    definition_digest: str
    digest: str
    changes: tuple[dict[str, Any], ...]
    reason: str
    at: str
    by: str


def amendments(conn: Connection, experiment: str, version: int) -> list[Amendment]:
    """Amendments of a locked version, in order."""
    rows = conn.execute(
        "SELECT * FROM amendment WHERE experiment = :e AND plan_version = :v ORDER BY number",
        {"e": experiment, "v": version},
    )
    return [
        Amendment(
            id=row["id"],
            number=row["number"],
            plan=json.loads(row["plan"]),
            definition=row["definition"],
            definition_digest=row["definition_digest"],
            digest=row["digest"],
            changes=tuple(json.loads(row["changes"])),
            reason=row["reason"],
            at=row["at"],
            by=row["by"],
        )
        for row in rows
    ]


def add_amendment(
    conn: Connection,
    *,
    amendment_id: str,
    experiment: str,
    version: int,
    number: int,
    plan: Plan,
    definition: str,
    definition_digest: str,
    changes: Sequence[Change],
    reason: str,
    by: str,
    now: datetime,
) -> None:
    """Store the next amendment."""
    listed = [{"key": c.key, "before": c.before, "after": c.after} for c in changes]
    conn.execute(
        "INSERT INTO amendment (id, experiment, plan_version, number, plan, definition,"
        " definition_digest, digest, changes, reason, at, by) VALUES (:id, :experiment, :version,"
        " :number, :plan, :definition, :definition_digest, :digest, :changes, :reason, :at, :by)",
        {
            "id": amendment_id,
            "experiment": experiment,
            "version": version,
            "number": number,
            "plan": canonical_json(plan.as_dict()).decode(),
            "definition": definition,
            "definition_digest": definition_digest,
            "digest": plan.digest(),
            "changes": canonical_json(listed).decode(),
            "reason": reason,
            "at": to_text(now),
            "by": by,
        },
    )
