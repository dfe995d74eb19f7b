"""From a metric back to the rows and files that it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.engines.sources import literal, session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["TracedRows", "trace_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRows:
    """Rows of one stored file that speak of a metric.

    Attributes:
        path: The Parquet file.
        metric: The column of the rows: the metric, or the denominator of a ratio.
        arm: The arm they belong to.
        rows: How many.
        units: How many different units (a file of counts: as it says).
        total: Sum of their values, before windows, caps and repeats.
        first: Ids of the first units, in order; empty for a file of counts.
    """

    path: Path
    metric: str
    arm: str
    rows: int
    units: int
    total: float
    first: tuple[str, ...]


def trace_rows(
    metric: str,
    *,
    assignments: Sequence[Path],
    unit_batches: Sequence[Path],
    count_batches: Sequence[Path],
    show: int = 5,
) -> list[TracedRows]:
    """Rows of every file that speak of a metric, by arm.

    Args:
        metric: The column that the rows came from.
        assignments: Parquet files of the assigned lists.
        unit_batches: Parquet files with a row per unit and metric.
        count_batches: Parquet files with a row per wave, arm and metric.
        show: How many ids to give of each.
    """
    found: list[TracedRows] = []
    with session() as connection:
        for path in unit_batches:
            lists = ", ".join(literal(str(a)) for a in assignments)
            rows = connection.execute(
                f"SELECT a.arm, count(*), count(DISTINCT r.unit), sum(r.value),"
                f" list(DISTINCT r.unit ORDER BY r.unit)[1:{int(show)}]"
                f" FROM read_parquet({literal(str(path))}) r"
                f" JOIN (SELECT unit, arm FROM read_parquet([{lists}])) a USING (unit)"
                f" WHERE r.metric = {literal(metric)} GROUP BY a.arm ORDER BY a.arm"
            ).fetchall()
            found += [
                TracedRows(
                    path=path, metric=metric, arm=arm, rows=n, units=u, total=t, first=tuple(ids)
                )
                for arm, n, u, t, ids in rows
            ]
        for path in count_batches:
            rows = connection.execute(
                "SELECT arm, count(*), sum(units)::BIGINT, sum(total)"
                f" FROM read_parquet({literal(str(path))}) WHERE metric = {literal(metric)}"
                " GROUP BY arm ORDER BY arm"
            ).fetchall()
            found += [
                TracedRows(path=path, metric=metric, arm=arm, rows=n, units=u, total=t, first=())
                for arm, n, u, t in rows
            ]
    return found
