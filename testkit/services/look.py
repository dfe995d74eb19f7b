"""look: analyse new data once, write it to the ledger, then show it. Looking again is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.errors import StateError
from testkit.kernel import ledger
from testkit.kernel.clock import to_text
from testkit.kernel.digest import digest
from testkit.kernel.ids import new_id
from testkit.model.analysis import Look, WaveCounts, analyse, mature
from testkit.services.intake import counts_now
from testkit.store import looks, plans

if TYPE_CHECKING:
    from testkit.kernel.workspace import Workspace
    from testkit.model.plan import Plan
    from testkit.store.plans import LockedPlan

__all__ = ["Looked", "look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A look and what surrounds it.

    Attributes:
        look: The look.
        new: False when the same data had been looked at before: it is the same look.
        plan: The plan.
        history: All looks, this one included, in order.
        immature: Counts of waves that are not old enough: for the eye only.
    """

    look: Look
    new: bool
    plan: Plan
    history: tuple[Look, ...]
    immature: tuple[WaveCounts, ...]


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
    counts, digests = counts_now(workspace, name, locked.plan, locked.version)
    now = workspace.clock()
    young = tuple(w for w in counts if not mature(w, locked.plan, now=now))
    # The same rows, read as of the same mature waves, are the same look.
    data_digest = digest(
        {
            "files": sorted(digests),
            "mature": [
                [w.wave, to_text(w.sent_at)] for w in counts if w not in young and w.sent_at
            ],
        }
    )
    with workspace.db.write() as conn:
        history = looks.looks(conn, name, locked.version)
        same = next((k for k in reversed(history) if k.data_digest == data_digest), None)
        if same is not None:
            if final and not same.final:
                raise StateError(
                    f"look {same.number} has seen these data: they cannot be declared final now",
                    current="looked",
                    hint="declare a look final before it is taken, on new data",
                )
            return Looked(
                look=same,
                new=False,
                plan=locked.plan,
                history=tuple(history),
                immature=young,
            )
        taken = analyse(
            locked.plan,
            past=history,
            waves=counts,
            now=now,
            look_id=new_id("look", now=now),
            data_digest=data_digest,
            final=final,
        )
        _record(conn, workspace, locked, taken)
    return Looked(look=taken, new=True, plan=locked.plan, history=(*history, taken), immature=young)


def _record(conn, workspace: Workspace, locked: LockedPlan, taken: Look) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
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
        },
        now=workspace.clock(),
    )
