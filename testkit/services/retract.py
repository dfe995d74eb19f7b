"""retract: a file of results taken back, with a reason; its rows stay, and count no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.errors import InputError, StateError
from testkit.kernel import ledger
from testkit.kernel.digest import digest_bytes
from testkit.services import increments
from testkit.store import events, plans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.kernel.workspace import Workspace
    from testkit.model.look import Look

__all__ = ["gone_since", "retract"]


def retract(
    workspace: Workspace, name: str, batch_id: str, *, reason: str, dry_run: bool = False
) -> events.Batch:
    """Take a batch back; its rows stay on disk and count no longer.

    Looks that were taken with it stay as they are: a later look reads the data without it. A dry
    run checks everything and changes nothing.

    Raises:
        InputError: No reason is given.
        NotFoundError: There is no such batch.
        StateError: It was taken back before, or increments of it count.
    """
    if not reason.strip():
        raise InputError("taking data back needs a reason", field="reason", hint="--reason TEXT")
    now = workspace.clock()
    with workspace.db.read() if dry_run else workspace.db.write() as conn:
        locked = plans.require(conn, name)
        batch = events.batch(conn, name, locked.version, batch_id)
        increments.refuse_base(locked.plan, batch, events.batches(conn, name, locked.version))
        if batch.retracted_at is not None:
            raise StateError(
                f"{batch_id} was taken back at {batch.retracted_at[:16]}", current="retracted"
            )
        if dry_run:
            return batch
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


def gone_since(look: Look | None, batches: Sequence[events.Batch]) -> tuple[str, ...]:
    """What to say before the figures of a look, where data that it read were taken back since."""
    there = {b.data_sha256 for b in batches if b.retracted_at is None}  # the same rows, anew
    gone = [
        b
        for b in batches
        if look is not None
        and b.retracted_at is not None
        and b.at <= look.at < b.retracted_at
        and b.data_sha256 not in there
    ]
    if look is None or not gone:
        return ()
    names = ", ".join(b.source_name for b in gone)
    were = "was" if len(gone) == 1 else "were"
    return (
        (
            f"TAKEN BACK: {names} {were} taken back after look {look.number}. The figures below"
            " still rest on it: do not use them. The next look reads the data without it."
        ),
    )
