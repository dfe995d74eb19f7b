"""What increments stand on: a running total that was taken back leaves them without a ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from testkit.model.plan import Plan
    from testkit.store.events import Batch

__all__ = ["refuse_base", "refuse_baseless"]


def refuse_base(plan: Plan, batch: Batch, counting: Sequence[Batch]) -> None:
    """Refuse to take back what later increments were added to: they would start from nought.

    Args:
        plan: The plan.
        batch: What is to be taken back.
        counting: Batches that count.

    Raises:
        StateError: A later file that counts adds to this one.
    """
    if _adds(batch) or batch.retracted_at is not None or not _builds(plan, batch.kind):
        return
    added = [b for b in counting if _adds(b) and b.at > batch.at and _meets(b, batch)]
    if added:
        first = f"experiment retract {plan.experiment} {added[-1].id} --reason WHY"
        raise StateError(
            f"{' and '.join(b.source_name for b in added)} came in as increments, and"
            f" {'adds' if len(added) == 1 else 'add'} to {batch.source_name}: alone they would be"
            " read as everything",
            current="built upon",
            hint=f"take the increments back first, then bring the right files: {first}",
        )


def refuse_baseless(
    plan: Plan, *, kind: str, waves: Collection[int], every: Sequence[Batch]
) -> None:
    """Refuse increments whose running total was taken back, and not brought again.

    A first file of increments starts from nought, and that is right.

    Args:
        plan: The plan.
        kind: Kind of the new batch.
        waves: Waves that it tells of.
        every: Batches of the plan, those that were taken back among them.

    Raises:
        StateError: There was a running total of some of these waves, and none counts.
    """
    if not _builds(plan, kind):
        return
    for wave in sorted(waves):
        told = [b for b in every if b.kind == kind and wave in b.summary.get("waves", ())]
        gone = [b for b in told if b.retracted_at is not None and not _adds(b)]
        if gone and all(b.retracted_at is not None for b in told):
            raise StateError(
                f"increments add to what is in, and {gone[-1].source_name} was taken back: nothing"
                f" of wave {wave} is in",
                current="taken back",
                hint="bring the right running totals first, or leave --increments out",
            )


def _adds(batch: Batch) -> bool:
    return bool(batch.summary.get("increments"))


def _builds(plan: Plan, kind: str) -> bool:
    """Whether increments of this kind build on what came before: a yes is a yes without it."""
    return kind == "counts" or any(m.kind != "proportion" for m in plan.metrics)


def _meets(one: Batch, other: Batch) -> bool:
    waves = set(one.summary.get("waves", ()))
    return one.kind == other.kind and bool(waves & set(other.summary.get("waves", ())))
