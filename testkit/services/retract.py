"""retract: a file of results taken back, with a reason; its rows stay, and count no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.errors import InputError, StateError
from testkit.kernel import ledger
from testkit.kernel.digest import digest_bytes
from testkit.store import events, plans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.kernel.workspace import Workspace
    from testkit.model.plan import Plan

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
        _refuse_base(locked.plan, batch, events.batches(conn, name, locked.version))
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


def _refuse_base(plan: Plan, batch: events.Batch, counting: Sequence[events.Batch]) -> None:
    """Refuse to take away what later increments were added to: their sum would start from nought.

    Raises:
        StateError: A later file that counts adds to this one.
    """
    if batch.summary.get("increments") or batch.retracted_at is not None:
        return
    if batch.kind == "units" and all(m.kind == "proportion" for m in plan.metrics):
        return  # a yes is a yes, whatever came before
    waves = set(batch.summary.get("waves", ()))
    added = [
        b
        for b in counting
        if b.summary.get("increments")
        and b.kind == batch.kind
        and b.at > batch.at
        and waves & set(b.summary.get("waves", ()))
    ]
    if added:
        first = f"experiment retract {plan.experiment} {added[-1].id} --reason WHY"
        raise StateError(
            f"{' and '.join(b.source_name for b in added)} came in as increments, and"
            f" {'adds' if len(added) == 1 else 'add'} to {batch.source_name}: alone they would be"
            " read as everything",
            current="built upon",
            hint=f"take the increments back first, then bring the right files: {first}",
        )
