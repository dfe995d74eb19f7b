"""sent: when a wave went out, said, said anew, and taken back where it did not go out at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.errors import InputError, StateError
from testkit.kernel import ledger
from testkit.kernel.clock import from_text, to_text
from testkit.kernel.digest import digest_bytes
from testkit.store import events, looks, plans

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.store.plans import LockedPlan

__all__ = ["sent", "unsent"]


def sent(
    workspace: Workspace, name: str, *, wave: int, at: datetime, reason: str = ""
) -> tuple[bool, datetime | None]:
    """Record when a wave went out; its attribution window starts then.

    Args:
        workspace: The workspace.
        name: The experiment.
        wave: Number of the wave, from 1.
        at: The aware moment; not in the future.
        reason: Why it is said anew; needed where a look has read the wave with another time.

    Returns:
        Whether this call changed anything, and what was recorded before.

    Raises:
        InputError: The moment lies in the future, or the plan has no such wave.
        StateError: A look has read the wave with another send time, and its data still count.
    """
    now = workspace.clock()
    if at > now:
        raise InputError(
            "a wave cannot have gone out in the future",
            field="at",
            value=to_text(at),
            hint="record it once it went out",
        )
    with workspace.db.write() as conn:
        locked = plans.require(conn, name)
        assigned = events.assignments(conn, name, locked.version)
        last = max([locked.plan.waves, *(int(w) for a in assigned for w in a.counts)])
        if not 1 <= wave <= last:
            raise InputError(f"{name} has waves 1 to {last}, not {wave}", field="wave", value=wave)
        verdict = looks.decisions(conn, name, locked.version)
        if verdict and at > from_text(verdict[0].at):
            raise StateError(
                f"{name} was decided before: the people of wave {wave} are in the remainder",
                current="decided",
                hint="send them the list that `experiment remainder` wrote",
            )
        earlier = events.sends(conn, name, locked.version).get(wave)
        if earlier is not None and earlier != at and _read(conn, locked, wave, earlier):
            _needed(reason)
        changed = events.record_send(
            conn, name, locked.version, wave=wave, sent_at=at, by=workspace.actor.name, now=now
        )
        if changed:
            ledger.append(
                conn,
                kind="wave.sent",
                subject=f"experiment/{name}",
                actor=workspace.actor,
                payload={
                    "version": locked.version,
                    "wave": wave,
                    "sent_at": to_text(at),
                    **({"reason_digest": digest_bytes(reason.encode())} if reason else {}),
                },
                now=now,
            )
    return changed, earlier


def unsent(workspace: Workspace, name: str, *, wave: int, reason: str) -> datetime:
    """Take back that a wave went out: it was another one, or none.

    Returns:
        The moment that was recorded.

    Raises:
        InputError: No reason is given.
        StateError: Nothing is recorded, or a look has read the wave and its data still count.
    """
    _needed(reason)
    now = workspace.clock()
    with workspace.db.write() as conn:
        locked = plans.require(conn, name)
        earlier = events.sends(conn, name, locked.version).get(wave)
        if earlier is None:
            raise StateError(f"wave {wave} of {name} was not recorded as sent", current="not sent")
        _read(conn, locked, wave, earlier)
        events.forget_send(conn, name, locked.version, wave=wave)
        ledger.append(
            conn,
            kind="wave.unsent",
            subject=f"experiment/{name}",
            actor=workspace.actor,
            payload={
                "version": locked.version,
                "wave": wave,
                "reason_digest": digest_bytes(reason.encode()),
            },
            now=now,
        )
    return earlier


def _read(conn: Connection, locked: LockedPlan, wave: int, at: datetime) -> bool:
    """Whether a look has read the wave, all of whose data were taken back since.

    Raises:
        StateError: A look has read it, and data of it count.
    """
    name, version = locked.plan.experiment, locked.version
    readers = [k.number for k in looks.looks(conn, name, version) if wave in k.waves]
    counting = [
        b.source_name
        for b in events.batches(conn, name, version)
        if wave in b.summary.get("waves", ())
    ]
    if readers and counting:
        raise StateError(
            f"look {readers[0]} has read wave {wave} as sent {to_text(at)[:16]} UTC",
            current="read",
            hint="a send time cannot move once it was looked at, while its data count"
            f" ({', '.join(counting[:3])}): `experiment retract` them first, if they are wrong",
        )
    return bool(readers)


def _needed(reason: str) -> None:
    if not reason.strip():
        raise InputError("taking this back needs a reason", field="reason", hint="--reason TEXT")
