"""decide: the plan's rule applied to the recorded looks, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.errors import InputError
from testkit.kernel import ledger
from testkit.kernel.clock import to_text
from testkit.kernel.digest import digest, digest_bytes
from testkit.kernel.ids import new_id
from testkit.model import decision as rule
from testkit.services.past import learnt_from
from testkit.services.spend import paid
from testkit.store import audit, events, looks, plans

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.model.look import Look
    from testkit.model.plan import Plan
    from testkit.store.events import Assignment, Batch

__all__ = ["Decided", "decide", "doubts_about", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision and its plan.

    Attributes:
        decision: The decision.
        plan: The plan.
        new: False when it had been decided before; the verdict stays.
        remainder: Units that wait for it.
        doubts: What happened to the data after it; empty when nothing did.
        revised: The newest look, where it was taken after the one that decided: the figures moved
            on, the verdict stays.
    """

    decision: rule.Decision
    plan: Plan
    new: bool
    remainder: int
    doubts: tuple[str, ...] = ()
    revised: Look | None = None


def doubts_about(decision: rule.Decision, batches: list[Batch]) -> tuple[str, ...]:
    """Why a verdict may no longer stand: data that were taken back after it."""
    gone = [b for b in batches if b.retracted_at is not None and b.retracted_at > decision.at]
    if not gone:
        return ()
    names = ", ".join(b.source_name for b in gone)
    why = "it rests on data that no longer count"
    return (f"DOUBT: results were taken back after this decision ({names}); {why}",)


def _revised(taken: list[Look], decision: rule.Decision) -> Look | None:
    """The newest look, where it is another one than the deciding one."""
    return taken[-1] if taken and taken[-1].id != decision.look_id else None


def waiting(plan: Plan, assigned: list[Assignment], sends: Mapping[int, datetime]) -> int:
    """Units that nothing was sent to: those outside of the test, and those of unsent waves."""
    if assigned:
        return sum(
            sum(arms.values())
            for a in assigned
            for wave, arms in a.counts.items()
            if int(wave) >= 0 and int(wave) not in sends  # -1: they get nothing
        )
    unsent = sum(size for k, size in enumerate(plan.wave_sizes, start=1) if k not in sends)
    return plan.list_size - plan.test_size + unsent


def _paid(conn: Connection, name: str, version: int) -> dict[str, int]:
    """What ads cost, by arm; in two currencies nothing can be said, and the plan's word stands."""
    try:
        cents, _ = paid(conn, name, version)
    except InputError:
        return {}
    return cents


def decide(workspace: Workspace, name: str, *, stop_reason: str = "", despite: str = "") -> Decided:
    """Decide an experiment by its plan.

    Args:
        workspace: The workspace.
        name: The experiment.
        stop_reason: Why it is ended before the plan's end; empty when it is not.
        despite: Why to decide in spite of a blocking data-quality finding.

    Raises:
        StateError: The plan says go on, or a finding blocks.
    """
    now = workspace.clock()
    with workspace.db.write() as conn:
        locked = plans.require(conn, name)
        rest = waiting(
            locked.plan,
            events.assignments(conn, name, locked.version),
            events.sends(conn, name, locked.version),
        )
        before = looks.decisions(conn, name, locked.version)
        if before:
            batches = events.batches(conn, name, locked.version, retracted=True)
            return Decided(
                decision=before[0],
                plan=locked.plan,
                new=False,
                remainder=rest,
                doubts=doubts_about(before[0], batches),
                revised=_revised(looks.looks(conn, name, locked.version), before[0]),
            )
        made = rule.decide(
            locked.plan,
            looks.looks(conn, name, locked.version),
            decision_id=new_id("dec", now=now),
            at=to_text(now),
            remainder=rest,
            stop_reason=stop_reason.strip(),
            despite=despite.strip(),
            past=learnt_from(conn, metric=locked.plan.metric.name, without=name),
            spent=_paid(conn, name, locked.version),
        )
        looks.add_decision(conn, name, locked.version, made, by=workspace.actor.name)
        ledger.append(
            conn,
            kind="experiment.decided",
            subject=f"experiment/{name}",
            actor=workspace.actor,
            payload={
                "decision": made.id,
                "look": made.look_id,
                "outcome": made.outcome,
                "ending": made.ending,
                "chosen": made.chosen,
                "proven": made.proven,
                "decision_digest": digest(made.as_dict()),
                "reason_digest": digest_bytes(made.reason.encode()),
                "despite_digest": digest_bytes(despite.encode()) if despite else "",
                "row_digest": audit.DECISION.row_digest(conn, made.id),
            },
            now=now,
        )
    return Decided(decision=made, plan=locked.plan, new=True, remainder=rest)
