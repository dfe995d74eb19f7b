"""Locked plans: text, resolved form and digest of each version."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.errors import NotFoundError
from testkit.kernel.clock import to_text
from testkit.kernel.digest import canonical_json
from testkit.model.plan import Plan
from testkit.store.amendments import amendments

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

__all__ = ["LockedPlan", "VoidedPlan", "current", "insert", "listed", "require", "void", "voided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPlan:
    """One locked version.

    Attributes:
        plan: The resolved plan.
        version: From 1; a voided version is followed by the next.
        definition: The text it was resolved from.
        definition_digest: SHA-256 of that text.
        digest: Digest of the plan.
        locked_at: ISO-8601 text.
        locked_by: Who locked it.
        amended: How often it was amended since; plan, definition and digests are the latest.
    """

    plan: Plan
    version: int
    definition: str
    definition_digest: str
    digest: str
    locked_at: str
    locked_by: str
    amended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidedPlan:
    """A version that was taken back before anything was sent.

    Attributes:
        version: Its number.
        digest: Digest of the plan.
        locked_at: ISO-8601 text.
        voided_at: ISO-8601 text.
        reason: Why.
    """

    version: int
    digest: str
    locked_at: str
    voided_at: str
    reason: str


def voided(conn: Connection, experiment: str) -> list[VoidedPlan]:
    """Versions that were taken back, oldest first."""
    rows = conn.execute(
        "SELECT version, digest, locked_at, voided_at, void_reason AS reason FROM plan"
        " WHERE experiment = :e AND voided_at IS NOT NULL ORDER BY version",
        {"e": experiment},
    )
    return [VoidedPlan(**{**dict(row), "reason": row["reason"] or ""}) for row in rows]


def current(conn: Connection, experiment: str) -> LockedPlan | None:
    """The locked plan that is not voided, as its latest amendment left it; or None."""
    row = conn.execute(
        "SELECT * FROM plan WHERE experiment = :e AND voided_at IS NULL"
        " ORDER BY version DESC LIMIT 1",
        {"e": experiment},
    ).fetchone()
    if row is None:
        return None
    later = amendments(conn, experiment, row["version"])
    if later:
        last = later[-1]
        return LockedPlan(
            plan=Plan.from_dict(last.plan),
            version=row["version"],
            definition=last.definition,
            definition_digest=last.definition_digest,
            digest=last.digest,
            locked_at=row["locked_at"],
            locked_by=row["locked_by"],
            amended=last.number,
        )
    return LockedPlan(
        plan=Plan.from_dict(json.loads(row["plan"])),
        version=row["version"],
        definition=row["definition"],
        definition_digest=row["definition_digest"],
        digest=row["digest"],
        locked_at=row["locked_at"],
        locked_by=row["locked_by"],
    )


def require(conn: Connection, experiment: str) -> LockedPlan:
    """The locked plan.

    Raises:
        NotFoundError: No plan of that name is locked; close names are suggested.
    """
    found = current(conn, experiment)
    if found is None:
        names = listed(conn)
        near = difflib.get_close_matches(experiment, names, n=2)
        hint = "" if near else f"lock it first: whistlestop experiment lock {experiment}"
        raise NotFoundError("locked experiment", experiment, did_you_mean=near, hint=hint)
    return found


def listed(conn: Connection) -> list[str]:
    """Names of all experiments with a locked plan, sorted."""
    rows = conn.execute(
        "SELECT DISTINCT experiment FROM plan WHERE voided_at IS NULL ORDER BY experiment"
    )
    return [row["experiment"] for row in rows]


def insert(
    conn: Connection,
    *,
    plan: Plan,
    definition: str,
    definition_digest: str,
    by: str,
    now: datetime,
) -> LockedPlan:
    """Store the next version of a plan."""
    row = conn.execute(
        "SELECT coalesce(max(version), 0) AS v FROM plan WHERE experiment = :e",
        {"e": plan.experiment},
    ).fetchone()
    locked = LockedPlan(
        plan=plan,
        version=int(row["v"]) + 1,
        definition=definition,
        definition_digest=definition_digest,
        digest=plan.digest(),
        locked_at=to_text(now),
        locked_by=by,
    )
    conn.execute(
        "INSERT INTO plan (experiment, version, definition, definition_digest, plan, digest,"
        " locked_at, locked_by) VALUES (:experiment, :version, :definition, :definition_digest,"
        " :plan, :digest, :locked_at, :locked_by)",
        {
            "experiment": plan.experiment,
            "version": locked.version,
            "definition": definition,
            "definition_digest": definition_digest,
            "plan": canonical_json(plan.as_dict()).decode(),
            "digest": locked.digest,
            "locked_at": locked.locked_at,
            "locked_by": by,
        },
    )
    return locked


def void(conn: Connection, *, experiment: str, version: int, reason: str, now: datetime) -> None:
    """Take a lock back: the version stays on record, and its assignment no longer counts."""
    at = to_text(now)
    conn.execute(
        "UPDATE plan SET voided_at = :at, void_reason = :reason"
        " WHERE experiment = :e AND version = :v",
        {"at": at, "reason": reason, "e": experiment, "v": version},
    )
    conn.execute(
        "UPDATE assignment SET voided_at = :at WHERE experiment = :e AND plan_version = :v",
        {"at": at, "e": experiment, "v": version},
    )
