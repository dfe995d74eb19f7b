"""The charter in a workspace: what is in force, revoking it, and the record that it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.errors import InputError, NotAuthorisedError, StateError
from testkit.kernel import ledger, proposals
from testkit.kernel.clock import to_text
from testkit.signoff.office import charter_in_force

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["Standing", "charter_standing", "record_expiry", "revoke_charter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The charter in force.

    Attributes:
        version: Of its text.
        digest: SHA-256 of its text.
        text: As adopted.
        adopted_by: Who proposed and who adopted it, by id.
        until: When it goes out of force by itself.
    """

    version: int
    digest: str
    text: str
    adopted_by: tuple[str, ...]
    until: datetime | None


def charter_standing(workspace: Workspace) -> Standing | None:
    """The charter in force; None in practice mode."""
    with workspace.db.read() as conn:
        found = proposals.adopted(conn, kind="charter", name="charter", now=workspace.clock())
        if found is None:
            return None
        end = proposals.end_of_force(conn, found)
        people = conn.execute(
            "SELECT proposed_by, adopted_by FROM proposal"
            " WHERE kind = 'charter' AND name = 'charter' AND version = :v",
            {"v": found.version},
        ).fetchone()
    return Standing(
        version=found.version,
        digest=found.digest,
        text=found.text,
        adopted_by=tuple(dict.fromkeys((people["proposed_by"], people["adopted_by"]))),
        until=end[0] if end else None,
    )


def revoke_charter(workspace: Workspace, *, reason: str, dry_run: bool = False) -> int:
    """Go back to practice mode.

    Args:
        workspace: The workspace; its actor revokes.
        reason: Why.
        dry_run: Ask, and change nothing.

    Returns:
        The version that was revoked.

    Raises:
        StateError: No charter is in force.
        NotAuthorisedError: The actor holds no role that signs the charter.
        InputError: Without a reason.
    """
    now, zone_name = workspace.clock(), workspace.config.organisation.zone
    person = workspace.roster.person(workspace.actor.name)
    if not reason.strip():
        raise InputError("say why the charter is revoked", field="reason")
    with workspace.db.write() as conn:
        found = proposals.adopted(conn, kind="charter", name="charter", now=now)
        charter = charter_in_force(conn, zone_name=zone_name, now=now)
        if found is None or charter is None:
            raise StateError(
                "no charter is in force", current="practice", hint="it is practice mode already"
            )
        if not person.here(now) or set(person.roles).isdisjoint(charter.signed_by):
            raise NotAuthorisedError(
                f"{person.name} may not revoke the charter",
                hint=f"{' or '.join(charter.signed_by)} may",
            )
        if not dry_run:
            proposals.revoke(conn, found, actor=workspace.actor, note=reason, now=now)
    return found.version


def record_expiry(workspace: Workspace) -> int | None:
    """Write into the ledger, once, that the newest charter's time is over.

    It is out of force from that moment on whether or not this was recorded.

    Returns:
        The version whose end was recorded by this call; None when there was nothing to record.
    """
    now = workspace.clock()
    with workspace.db.read() as conn:
        due = _unrecorded(conn, now)
    if due is None:
        return None
    with workspace.db.write() as conn:
        due = _unrecorded(conn, now)
        if due is not None:
            ledger.append(
                conn,
                kind="charter.expired",
                subject="charter/charter",
                actor=ledger.Actor(name="system", via="system", auth="none"),
                payload={"version": due},
                now=now,
            )
    return due


def _unrecorded(conn: Connection, now: datetime) -> int | None:
    row = conn.execute(
        "SELECT version FROM proposal_end WHERE kind = 'charter' AND why = 'expired'"
        " AND at <= :now ORDER BY version DESC LIMIT 1",
        {"now": to_text(now)},
    ).fetchone()
    if row is None:
        return None
    version = int(row["version"])
    for record in ledger.history(conn, subject="charter/charter"):
        later = record.kind in {"charter.expired", "charter.revoked"}
        if later and record.payload.get("version") == version:
            return None
        if record.kind == "charter.adopted" and record.payload.get("version", 0) > version:
            return None
    return version
