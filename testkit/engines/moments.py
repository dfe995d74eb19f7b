"""From stored rows to counts per wave and arm: one narwhals expression over any engine's frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import narwhals as nw

from testkit.engines.sources import session
from testkit.model.look import WaveCounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

__all__ = ["sums", "wave_counts"]


def sums(frame: Any, *, by: Sequence[str], values: Sequence[str]) -> list[dict[str, Any]]:
    """Rows and sums of columns per group.

    Args:
        frame: Any frame that narwhals takes lazily or eagerly: DuckDB relation, polars, pandas,
            PySpark, Ibis.
        by: Columns that make the groups.
        values: Numeric columns to add up.

    Returns:
        One dictionary per group with the group's values, ``rows`` and one sum per value column;
        order is not defined.
    """
    grouped = (
        nw.from_native(frame)
        .lazy()
        .group_by(*by)
        .agg(nw.len().alias("rows"), *(nw.col(value).sum() for value in values))
    )
    native = nw.to_native(grouped)
    if hasattr(native, "fetchall"):  # DuckDB: narwhals would want pyarrow to collect a few rows
        return [dict(zip(native.columns, row, strict=True)) for row in native.fetchall()]
    return [dict(row) for row in grouped.collect().rows(named=True)]


def wave_counts(
    *,
    assignments: Sequence[Path],
    unit_batches: Sequence[Path],
    count_batches: Sequence[Path],
    sends: Mapping[int, datetime],
    window_hours: float,
    arms: Sequence[str],
) -> list[WaveCounts]:
    """Counts of every wave that was assigned or reported.

    Assigned lists give the denominators, unit rows the outcomes: a unit counts once, and only for
    an outcome inside the attribution window of its wave. Waves for which a tool reported counts
    take these; a later snapshot of a wave and arm replaces an earlier one.

    Args:
        assignments: Parquet files with ``unit, wave, arm``.
        unit_batches: Parquet files with ``unit, value, done_at``.
        count_batches: Parquet files with ``wave, arm, units, outcomes, adds``, oldest first.
        sends: When each wave went out.
        window_hours: Attribution window.
        arms: Names of the arms.
    """
    waves: dict[int, WaveCounts] = {}
    with session() as connection:
        if assignments:
            connection.execute(
                "CREATE TEMP VIEW assigned AS SELECT unit, wave, arm"
                f" FROM read_parquet({_files(assignments)}) WHERE wave > 0"
            )
            connection.execute("CREATE TEMP TABLE sent (wave INTEGER, sent_at TIMESTAMPTZ)")
            if sends:
                connection.executemany("INSERT INTO sent VALUES (?, ?)", list(sends.items()))
            source = (
                f"read_parquet({_files(unit_batches)})"
                if unit_batches
                else "(SELECT '' AS unit, 0.0 AS value, NULL::TIMESTAMPTZ AS done_at WHERE false)"
            )
            connection.execute(
                f"""
                CREATE TEMP VIEW observed AS
                SELECT a.wave, a.arm, count(r.unit) > 0 AS returned,
                  coalesce(max(CASE WHEN r.value > 0 AND (r.done_at IS NULL OR s.sent_at IS NULL OR
                    (r.done_at >= s.sent_at
                     AND r.done_at < s.sent_at + INTERVAL {_seconds(window_hours)}))
                    THEN 1 ELSE 0 END), 0) AS outcome
                FROM assigned a
                LEFT JOIN sent s USING (wave)
                LEFT JOIN {source} r USING (unit)
                GROUP BY a.unit, a.wave, a.arm
                """
            )
            frame = connection.sql(
                "SELECT wave, arm, outcome, returned::INTEGER AS returned FROM observed"
            )
            for row in sums(frame, by=["wave", "arm"], values=["outcome", "returned"]):
                wave = waves.setdefault(row["wave"], _empty(row["wave"], sends, arms))
                wave.units[row["arm"]] = int(row["rows"])
                wave.outcomes[row["arm"]] = int(row["outcome"])
                wave.rows[row["arm"]] = int(row["returned"])
                if wave.returned is not None:
                    wave.returned[row["arm"]] = int(row["returned"])
        reported: dict[tuple[int, str], tuple[int, int]] = {}
        for path in count_batches:
            for number, arm, units, outcomes, adds in connection.execute(
                f"SELECT wave, arm, units, outcomes, adds FROM read_parquet({_files([path])})"
            ).fetchall():
                before = reported.get((number, arm), (0, 0)) if adds else (0, 0)
                reported[number, arm] = (before[0] + units, before[1] + outcomes)
    for (number, arm), (units, outcomes) in reported.items():
        wave = waves.setdefault(number, _empty(number, sends, arms))
        # Assigned units stay the denominator where we know them: what a tool lost is not missing
        # at random. The reported units are what came back.
        if not assignments:
            wave.units[arm] = units
        wave.outcomes[arm] = outcomes
        wave.rows[arm] = units
        if wave.returned is not None:
            wave.returned[arm] = units
    return [_only_positive(waves[number]) for number in sorted(waves)]


def _empty(number: int, sends: Mapping[int, datetime], arms: Sequence[str]) -> WaveCounts:
    return WaveCounts(
        wave=number,
        sent_at=sends.get(number),
        units=dict.fromkeys(arms, 0),
        outcomes=dict.fromkeys(arms, 0),
        returned=dict.fromkeys(arms, 0),
        rows=dict.fromkeys(arms, 0),
    )


def _only_positive(wave: WaveCounts) -> WaveCounts:
    """Where rows came back only for those who did it, they say nothing about delivery."""
    returned = wave.returned or {}
    if sum(returned.values()) > sum(wave.outcomes.values()):
        return wave
    return replace(wave, returned=None)


def _files(paths: Sequence[Path]) -> str:
    quoted = ", ".join("'" + str(p).replace("'", "''") + "'" for p in paths)
    return f"[{quoted}]"


def _seconds(hours: float) -> str:
    return f"'{round(hours * 3600)} seconds'"
