"""What came in so far, counted: moments of every wave, and what the rows say of themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from testkit.services.machines import told_by_tools
from testkit.store import events

if TYPE_CHECKING:
    from pathlib import Path

    from testkit.kernel.workspace import Workspace
    from testkit.model.look import Quality, WaveCounts
    from testkit.model.plan import Plan

__all__ = ["counts_now", "list_path", "result_path"]


def counts_now(
    workspace: Workspace, name: str, plan: Plan, version: int
) -> tuple[list[WaveCounts], Quality]:
    """Moments of every wave from the stored batches, and what the rows say of themselves."""
    from testkit.engines.moments import wave_counts

    with workspace.db.read() as conn:
        lists = events.assignments(conn, name, version)
        batches = events.batches(conn, name, version)
        sends = events.sends(conn, name, version)
    waves, quality = wave_counts(
        plan,
        assignments=[list_path(workspace, a) for a in lists],
        unit_batches=[result_path(workspace, b) for b in batches if b.kind == "units"],
        count_batches=[result_path(workspace, b) for b in batches if b.kind == "counts"],
        sends=sends,
    )
    machines = (*quality.machines, *told_by_tools(plan, batches))
    return waves, replace(quality, matched=_matched(batches), machines=machines)


def _matched(batches: list[events.Batch]) -> dict[str, tuple[int, int]]:
    """``arm -> (rows that found their unit, rows)`` over the files that say the arm themselves."""
    found: dict[str, tuple[int, int]] = {}
    for batch in batches:
        for arm, (hit, rows) in batch.summary.get("matched", {}).items():
            before = found.get(arm, (0, 0))
            found[arm] = (before[0] + hit, before[1] + rows)
    return found


def list_path(workspace: Workspace, value: events.Assignment) -> Path:
    """The Parquet file of an assigned list."""
    return workspace.data / "assignments" / f"{value.data_sha256}.parquet"


def result_path(workspace: Workspace, batch: events.Batch) -> Path:
    """The Parquet file of a batch."""
    return workspace.data / "results" / f"{batch.data_sha256}.parquet"
