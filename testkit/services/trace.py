"""trace: which rows of which files a metric stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.errors import NotFoundError
from testkit.store import events, plans

if TYPE_CHECKING:
    from testkit.engines.tracing import TracedRows
    from testkit.kernel.workspace import Workspace
    from testkit.store.events import Assignment, Batch

__all__ = ["Trace", "trace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a metric stands on.

    Attributes:
        metric: The metric.
        lists: Assigned lists, which give the denominators.
        batches: Result files that count and have rows of the metric, or of its denominator, with
            these rows by arm.
    """

    metric: str
    lists: tuple[Assignment, ...]
    batches: tuple[tuple[Batch, tuple[TracedRows, ...]], ...]


def trace(workspace: Workspace, name: str, metric: str) -> Trace:
    """Follow a metric back to files and rows.

    Raises:
        NotFoundError: The plan has no such metric.
    """
    from testkit.engines.tracing import trace_rows

    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
        lists = events.assignments(conn, name, locked.version)
        batches = events.batches(conn, name, locked.version)
    names = [m.name for m in locked.plan.metrics]
    names += [m.per for m in locked.plan.metrics if m.per]
    if metric not in names:
        raise NotFoundError("metric", metric, hint=f"{name} has: {', '.join(names)}")
    folder = workspace.data / "results"
    # A ratio stands on two columns.
    below = [m.per for m in locked.plan.metrics if m.name == metric and m.per]
    rows = [
        row
        for column in (metric, *below)
        for row in trace_rows(
            column,
            assignments=[
                workspace.data / "assignments" / f"{a.data_sha256}.parquet" for a in lists
            ],
            unit_batches=[
                folder / f"{b.data_sha256}.parquet" for b in batches if b.kind == "units"
            ],
            count_batches=[
                folder / f"{b.data_sha256}.parquet" for b in batches if b.kind == "counts"
            ],
        )
    ]
    by_file = {b.id: tuple(r for r in rows if r.path.stem == b.data_sha256) for b in batches}
    return Trace(
        metric=metric,
        lists=tuple(lists),
        batches=tuple((b, by_file[b.id]) for b in batches if by_file[b.id]),
    )
