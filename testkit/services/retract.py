"""retract: a file of results taken back, with a reason; its rows stay, and count no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.errors import InputError, StateError
from testkit.kernel import ledger
from testkit.kernel.digest import digest_bytes
from testkit.services import increments
from testkit.store import events, plans

if TYPE_CHECKING:
    from testkit.kernel.workspace import Workspace

__all__ = ["retract"]


def retract(workspace: Workspace, name: str, batch_id: str, *, reason: str) -> events.Batch:
    """Take a batch back; its rows stay on disk and count no longer.

    Looks that were taken with it stay as they are: a later look reads the data without it.

    Raises:
        InputError: No reason is given.
        NotFoundError: There is no such batch.
        StateError: It was taken back before, or increments of it count.
    """
    if not reason.strip():
        raise InputError("taking data back needs a reason", field="reason", hint="--reason TEXT")
    now = workspace.clock()
    with workspace.db.write() as conn:
        locked = plans.require(conn, name)
        batch = events.batch(conn, name, locked.version, batch_id)
        increments.refuse_base(locked.plan, batch, events.batches(conn, name, locked.version))
        if batch.retracted_at is not None:
            raise StateError(
                f"{batch_id} was taken back at {batch.retracted_at[:16]}", current="retracted"
            )
        events.retract(conn, batch_id, by=workspace.actor.name, reason=reason, now=now)
        ledger.append(
            conn,
            kind="batch.retracted",
            subject=f"experiment/{name}",
            actor=workspace.actor,
            payload={"batch": batch_id, "reason_digest": digest_bytes(reason.encode())},
            now=now,
        )
    return batch
