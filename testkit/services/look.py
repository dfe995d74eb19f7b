"""look: analyse new data once, write it to the ledger, then show it. Looking again is free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from testkit.errors import StateError
from testkit.kernel import ledger
from testkit.kernel.clock import to_text
from testkit.kernel.digest import digest
from testkit.kernel.ids import new_id
from testkit.services.counting import counts_now
from testkit.store import audit, events, looks, plans

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.model.look import Look
    from testkit.model.plan import Plan
    from testkit.store.plans import LockedPlan

__all__ = ["Looked", "look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A look and what surrounds it.

    Attributes:
        look: The look.
        new: False when the same data had been looked at before: it is the same look.
        locked: The plan, as it is locked.
        history: All looks, this one included, in order.
    """

    look: Look
    new: bool
    locked: LockedPlan
    history: tuple[Look, ...]

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.locked.plan


def look(workspace: Workspace, name: str, *, final: bool = False) -> Looked:
    """Take a look, or show the one that these data had.

    Args:
        workspace: The workspace.
        name: The locked experiment.
        final: Declare *before* looking that this is the last look: it spends all alpha that is
            left, and there is no other after it.

    Raises:
        StateError: No wave is old enough.
    """
    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
        seen = _same(conn, workspace, locked, final=final)
    if seen is not None:
        return seen
    from testkit.model.analysis import analyse

    counts, quality = counts_now(workspace, name, locked.plan, locked.version)
    now = workspace.clock()
    with workspace.db.write() as conn:
        # Another process may have looked meanwhile: then its look is the look.
        seen = _same(conn, workspace, locked, final=final)
        if seen is not None:
            return seen
        history = looks.looks(conn, name, locked.version)
        taken = analyse(
            locked.plan,
            past=history,
            waves=counts,
            now=now,
            look_id=new_id("look", now=now),
            data_digest=_data_digest(conn, locked, now=now),
            final=final,
            quality=quality,
        )
        _record(conn, workspace, locked, taken)
    return Looked(look=taken, new=True, locked=locked, history=(*history, taken))


def _data_digest(conn: Connection, locked: LockedPlan, *, now: datetime) -> str:
    """The same rows, read as of the same mature waves, are the same look."""
    name, version = locked.plan.experiment, locked.version
    windows = sorted({metric.window_hours for metric in locked.plan.metrics})
    files = [a.data_sha256 for a in events.assignments(conn, name, version)]
    files += [b.data_sha256 for b in events.batches(conn, name, version)]
    sends = events.sends(conn, name, version)
    ripe = [
        [hours, wave, to_text(at)]
        for hours in windows
        for wave, at in sends.items()
        if now - at >= timedelta(hours=hours)
    ]
    return digest({"files": sorted(files), "mature": ripe})


def _same(
    conn: Connection, workspace: Workspace, locked: LockedPlan, *, final: bool
) -> Looked | None:
    """The look that these data had, or None."""
    history = looks.looks(conn, locked.plan.experiment, locked.version)
    data_digest = _data_digest(conn, locked, now=workspace.clock())
    same = next((k for k in reversed(history) if k.data_digest == data_digest), None)
    if same is None:
        return None
    if final and not same.final:
        raise StateError(
            f"look {same.number} has seen these data: they cannot be declared final now",
            current="looked",
            hint="declare a look final before it is taken, on new data",
        )
    return Looked(look=same, new=False, locked=locked, history=tuple(history))


def _record(conn: Connection, workspace: Workspace, locked: LockedPlan, taken: Look) -> None:
    name = locked.plan.experiment
    looks.add_look(conn, name, locked.version, taken, by=workspace.actor.name)
    ledger.append(
        conn,
        kind="look.recorded",
        subject=f"experiment/{name}",
        actor=workspace.actor,
        payload={
            "look": taken.id,
            "number": taken.number,
            "data_digest": taken.data_digest,
            "figures_digest": digest(taken.as_dict()),
            "fraction": taken.fraction,
            "verdict": taken.verdict,
            "final": taken.final,
            "row_digest": audit.LOOK.row_digest(conn, taken.id),
        },
        now=workspace.clock(),
    )
