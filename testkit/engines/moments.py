"""From stored rows to moments per wave and arm, in DuckDB; Python sees one row per cell.

The counting of units, outcomes and rows is one narwhals expression over any engine's frame; means
and co-moments are aggregates of the database, which keeps them centred.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import narwhals as nw

from testkit.engines.sources import identifier, literal, session
from testkit.model.look import Cell, MachineFigures, Quality, WaveCounts
from testkit.stats.moments import CoMoments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from testkit.model.plan import Plan, PlanMetric

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
    plan: Plan,
    *,
    assignments: Sequence[Path],
    unit_batches: Sequence[Path],
    count_batches: Sequence[Path],
    sends: Mapping[int, datetime],
) -> tuple[list[WaveCounts], Quality]:
    """Moments of every wave that was assigned or reported, and what the rows say of themselves.

    Assigned lists give the denominators, unit rows the values: a unit counts once, and only for
    what it did inside the metric's attribution window of its wave. Amounts of a unit add up; a
    later file that names the unit replaces them. Waves for which a tool reported counts take
    these; a later snapshot of a wave and arm replaces an earlier one.

    Args:
        plan: The plan.
        assignments: Parquet files with ``unit, wave, arm, listed``.
        unit_batches: Parquet files with ``unit, metric, value, done_at, adds, met, machine``,
            oldest first.
        count_batches: Parquet files with ``metric, wave, arm, units, total, events, m2, adds`` and,
            of tools' counts, ``message, as_of``; oldest first.
        sends: When each wave went out.
    """
    waves: dict[int, WaveCounts] = {}
    quality = Quality()
    with session() as connection:
        if assignments:
            _assigned(connection, plan, assignments)
            _results(connection, unit_batches)
            _observed(connection, plan, sends)
            _counted(connection, plan, sends, waves)
            for metric in plan.metrics:
                _cells(connection, plan, metric, waves)
            for index, segment in enumerate(plan.segments):
                _segment(connection, plan, index, segment.column, waves)
            if plan.unit_group is not None:
                _clusters(connection, plan, waves)
            quality = _quality(connection, plan)
        reported = _reported(connection, count_batches)
    _merge_reported(plan, sends, waves, reported, assigned=bool(assignments))
    return [_only_positive(waves[number]) for number in sorted(waves)], quality


def _assigned(
    connection: duckdb.DuckDBPyConnection, plan: Plan, assignments: Sequence[Path]
) -> None:
    """``assigned``: a row per unit of the test, with the list's columns that the plan reads."""
    parts = []
    for path in assignments:
        file = f"read_parquet({literal(str(path))})"
        have = {
            str(d[0])
            for d in connection.execute(f"SELECT unnest(listed) FROM {file} LIMIT 0").description
            or ()
        }
        columns = [
            f"{_listed(segment.column, have)} AS segment_{i}"
            for i, segment in enumerate(plan.segments)
        ]
        columns += [
            f"try_cast(replace({_listed(name, have)}, ',', '') AS DOUBLE) AS covariate_{i}"
            for i, name in enumerate(_covariates(plan))
        ]
        if plan.unit_group is not None:
            columns.append(f"{_listed(plan.unit_group, have)} AS group_")
        picked = "".join(f", {column}" for column in columns)
        parts.append(f"SELECT unit, wave, arm{picked} FROM {file} WHERE wave > 0")
    connection.execute(f"CREATE TEMP TABLE assigned AS {' UNION ALL '.join(parts)}")
    for i in range(len(_covariates(plan))):
        # Known before the send, so the same stand-in for both arms adds no bias.
        connection.execute(
            f"UPDATE assigned SET covariate_{i} = coalesce((SELECT avg(covariate_{i})"
            f" FROM assigned), 0) WHERE covariate_{i} IS NULL OR NOT isfinite(covariate_{i})"
        )


def _listed(column: str, have: set[str]) -> str:
    """A column of the list as SQL, letter case forgiven; no value where a later list lacks it."""
    near = next((c for c in have if c.lower() == column.lower()), None)
    return f"nullif(trim(listed.{identifier(near)}), '')" if near else "NULL::VARCHAR"


def _covariates(plan: Plan) -> list[str]:
    return sorted({name for metric in plan.metrics for name in metric.covariates})


def _results(connection: duckdb.DuckDBPyConnection, batches: Sequence[Path]) -> None:
    """``result``: every row of every batch, with the batch that starts its unit's amounts."""
    parts = [
        f"SELECT *, {order} AS batch FROM read_parquet({literal(str(path))})"
        for order, path in enumerate(batches, start=1)
    ] or [
        """
        SELECT '' AS unit, '' AS metric, 0.0 AS value, NULL::TIMESTAMPTZ AS done_at,
          false AS adds, NULL::VARCHAR AS met, false AS machine, 0 AS batch WHERE false
        """
    ]
    connection.execute(
        "CREATE TEMP VIEW result AS SELECT *, coalesce(max(CASE WHEN NOT adds THEN batch END)"
        f" OVER (PARTITION BY unit, metric), 0) AS base FROM ({' UNION ALL '.join(parts)})"
    )


def _observed(
    connection: duckdb.DuckDBPyConnection, plan: Plan, sends: Mapping[int, datetime]
) -> None:
    """``observed``: one row per unit, one column per metric (and one per ratio's denominator)."""
    connection.execute("CREATE TEMP TABLE sent (wave INTEGER, sent_at TIMESTAMPTZ)")
    if sends:
        connection.executemany("INSERT INTO sent VALUES (?, ?)", list(sends.items()))
    values = []
    for index, metric in enumerate(plan.metrics):
        inside = f"r.metric = {literal(metric.name)} AND NOT r.machine AND {_in_window(metric)}"
        if metric.kind == "proportion":
            values.append(
                f"coalesce(max(CASE WHEN {inside} AND r.value > 0 THEN 1 ELSE 0 END), 0)"
                f" AS metric_{index}"
            )
            continue
        summed = f"coalesce(sum(CASE WHEN {inside} AND r.batch >= r.base THEN r.value END), 0)"
        capped = f"least({summed}, {metric.cap})" if metric.cap else summed
        values.append(f"{capped} AS metric_{index}")
        if metric.kind == "ratio":
            below = inside.replace(literal(metric.name), literal(metric.per), 1)
            values.append(
                f"coalesce(sum(CASE WHEN {below} AND r.batch >= r.base THEN r.value END), 0)"
                f" AS per_{index}"
            )
    machines = [
        f"coalesce(max(CASE WHEN r.metric = {literal(metric.name)} AND r.machine AND r.value > 0"
        f" AND {_in_window(metric)} THEN 1 ELSE 0 END), 0) AS machine_{index}"
        for index, metric in enumerate(plan.metrics)
    ]
    extra = [f"segment_{i}" for i in range(len(plan.segments))]
    extra += [f"covariate_{i}" for i in range(len(_covariates(plan)))]
    extra += ["group_"] if plan.unit_group is not None else []
    picked = "".join(f", any_value(a.{column}) AS {column}" for column in extra)
    primary = literal(plan.metric.name)
    connection.execute(
        f"""
        CREATE TEMP TABLE observed AS
        SELECT a.unit, a.wave, a.arm{picked},
          (count(r.unit) > 0)::INTEGER AS returned,
          coalesce(max(CASE WHEN r.met IS NOT NULL AND r.met <> a.arm THEN 1 ELSE 0 END), 0)
            AS crossed,
          coalesce(max(CASE WHEN r.metric = {primary} AND r.machine AND r.value > 0
            THEN 1 ELSE 0 END), 0) AS machine,
          {", ".join(values)}, {", ".join(machines)}
        FROM assigned a
        LEFT JOIN sent s USING (wave)
        LEFT JOIN result r ON r.unit = a.unit
        GROUP BY a.unit, a.wave, a.arm
        """
    )


def _in_window(metric: PlanMetric) -> str:
    seconds = f"'{round(metric.window_hours * 3600)} seconds'"
    return (
        "(r.done_at IS NULL OR s.sent_at IS NULL OR (r.done_at >= s.sent_at"
        f" AND r.done_at < s.sent_at + INTERVAL {seconds}))"
    )


def _counted(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    sends: Mapping[int, datetime],
    waves: dict[int, WaveCounts],
) -> None:
    frame = connection.sql(
        "SELECT wave, arm, (metric_0 > 0)::INTEGER AS outcome, returned FROM observed"
    )
    for row in sums(frame, by=["wave", "arm"], values=["outcome", "returned"]):
        wave = waves.setdefault(row["wave"], _empty(row["wave"], sends, plan))
        wave.units[row["arm"]] = int(row["rows"])
        wave.outcomes[row["arm"]] = int(row["outcome"])
        wave.rows[row["arm"]] = int(row["returned"])
        if wave.returned is not None:
            wave.returned[row["arm"]] = int(row["returned"])


def _variables(plan: Plan, metric: PlanMetric) -> list[str]:
    """Columns of ``observed`` that the cell of a metric needs, the value first."""
    index = plan.metrics.index(metric)
    names = _covariates(plan)
    per = [f"per_{index}"] if metric.kind == "ratio" else []
    return [
        f"metric_{index}",
        *per,
        *(f"covariate_{names.index(name)}" for name in metric.covariates),
    ]


def _aggregates(variables: Sequence[str]) -> str:
    """Counts, means and centred sums of products, one row per group."""
    parts = ["count(*)", f"count(*) FILTER (WHERE {variables[0]} > 0)"]
    parts += [f"avg({v})" for v in variables]
    for i, one in enumerate(variables):
        for other in variables[: i + 1]:
            spread = f"var_pop({one})" if one == other else f"covar_pop({one}, {other})"
            parts.append(f"coalesce({spread}, 0) * count(*)")
    return ", ".join(parts)


def _cell(row: Sequence[Any], size: int) -> Cell:
    units, events = int(row[0]), int(row[1])
    means = tuple(float(x) for x in row[2 : 2 + size])
    lower = [float(x) for x in row[2 + size :]]
    at = iter(lower)
    half = [[next(at) for _ in range(i + 1)] for i in range(size)]
    if units < 2:  # one unit has no spread, and rounding must not give it any
        half = [[0.0] * (i + 1) for i in range(size)]
    full = tuple(tuple(half[max(i, j)][min(i, j)] for j in range(size)) for i in range(size))
    return Cell(units=units, events=events, moments=CoMoments(n=units, means=means, m2=full))


def _cells(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    metric: PlanMetric,
    waves: dict[int, WaveCounts],
) -> None:
    variables = _variables(plan, metric)
    # Where no row ever spoke of the metric, its zeros are not zeros.
    told = {
        wave
        for (wave,) in connection.execute(
            "SELECT DISTINCT a.wave FROM assigned a JOIN result r ON r.unit = a.unit"
            f" WHERE r.metric = {literal(metric.name)}"
        ).fetchall()
    }
    query = f"SELECT wave, arm, {_aggregates(variables)} FROM observed GROUP BY wave, arm"
    for wave, arm, *rest in connection.execute(query).fetchall():
        if wave in told or metric is plan.metric:
            waves[wave].cells.setdefault(metric.name, {})[arm] = _cell(rest, len(variables))


def _segment(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    index: int,
    column: str,
    waves: dict[int, WaveCounts],
) -> None:
    variables = _variables(plan, plan.metric)[:1]
    query = (
        f"SELECT wave, arm, coalesce(segment_{index}, 'not known'), {_aggregates(variables)}"
        " FROM observed GROUP BY ALL"
    )
    for wave, arm, level, *rest in connection.execute(query).fetchall():
        levels = waves[wave].segments.setdefault(column, {})
        levels.setdefault(level, {})[arm] = _cell(rest, 1)


def _clusters(
    connection: duckdb.DuckDBPyConnection, plan: Plan, waves: dict[int, WaveCounts]
) -> None:
    """Sizes and totals of the groups; a unit without a group is a group of its own."""
    for index, metric in enumerate(plan.metrics):
        query = (
            f"SELECT wave, arm, count(*)::DOUBLE, sum(metric_{index})::DOUBLE FROM observed"
            " GROUP BY wave, arm, coalesce(group_, unit) ORDER BY ALL"
        )
        bags: dict[tuple[int, str], list[tuple[float, float]]] = {}
        for wave, arm, units, total in connection.execute(query).fetchall():
            bags.setdefault((wave, arm), []).append((units, total))
        for (wave, arm), rows in bags.items():
            waves[wave].clusters.setdefault(metric.name, {})[arm] = tuple(rows)


def _quality(connection: duckdb.DuckDBPyConnection, plan: Plan) -> Quality:
    crossed = dict.fromkeys((a.name for a in plan.arms), 0)
    machine = dict(crossed)
    for arm, other, made in connection.execute(
        "SELECT arm, sum(crossed), sum(machine) FROM observed GROUP BY arm"
    ).fetchall():
        crossed[arm], machine[arm] = int(other), int(made)
    return Quality(crossed=crossed, machine=machine, machines=_machines(connection, plan))


def _machines(connection: duckdb.DuckDBPyConnection, plan: Plan) -> tuple[MachineFigures, ...]:
    """People of whom only a machine was seen, by metric and arm; of metrics that have any."""
    found: list[MachineFigures] = []
    for index, metric in enumerate(plan.metrics):
        rows = {
            arm: (int(raw), int(human))
            for arm, raw, human in connection.execute(
                f"SELECT arm, count(*) FILTER (WHERE metric_{index} > 0 OR machine_{index} > 0),"
                f" count(*) FILTER (WHERE metric_{index} > 0) FROM observed GROUP BY arm"
            ).fetchall()
        }
        if any(raw > human for raw, human in rows.values()):
            found += [
                MachineFigures(what=metric.name, arm=arm.name, metric=True, raw=raw, human=human)
                for arm in plan.arms
                for raw, human in [rows.get(arm.name, (0, 0))]
            ]
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reported:
    """What a tool reports of a metric in an arm of a wave."""

    units: int
    total: float
    events: int
    m2: float | None

    def plus(self, other: _Reported) -> _Reported:
        """Both together; only yes and no are added up: their spread follows from the counts."""
        return _Reported(
            units=self.units + other.units,
            total=self.total + other.total,
            events=self.events + other.events,
            m2=None,
        )


def _reported(
    connection: duckdb.DuckDBPyConnection, batches: Sequence[Path]
) -> dict[tuple[str, int, str], _Reported]:
    """``(metric, wave, arm)`` after all snapshots and increments."""
    found: dict[tuple[str, int, str], dict[str, tuple[str, _Reported]]] = {}
    for path in batches:
        file = f"read_parquet({literal(str(path))})"
        names = {c[0] for c in connection.execute(f"DESCRIBE SELECT * FROM {file}").fetchall()}
        told = "message, as_of" if "message" in names else "'', ''"  # older files have neither
        for metric, wave, arm, units, total, events, m2, adds, message, as_of in connection.execute(
            f"SELECT metric, wave, arm, units, total, events, m2, adds, {told} FROM {file}"
        ).fetchall():
            messages = found.setdefault((metric, wave, arm), {})
            row = _Reported(units=units, total=total, events=events, m2=m2)
            when, before = messages.get(message, ("", None))
            if before is not None and adds:
                row = before.plus(row)
            elif before is not None and as_of < when:
                continue  # an older snapshot that came later
            if not adds:  # a row of the whole arm replaces its messages, and the other way round
                for other in [m for m in messages if (m == "") != (message == "")]:
                    del messages[other]
            messages[message] = (max(as_of, when), row)
    out: dict[tuple[str, int, str], _Reported] = {}
    for key, rows in found.items():
        first, *more = (row for _, row in rows.values())
        out[key] = functools.reduce(_Reported.plus, more, first)
    return out


def _merge_reported(
    plan: Plan,
    sends: Mapping[int, datetime],
    waves: dict[int, WaveCounts],
    reported: Mapping[tuple[str, int, str], _Reported],
    *,
    assigned: bool,
) -> None:
    metrics = {metric.name: metric for metric in plan.metrics}
    for (name, number, arm), row in reported.items():
        wave = waves.setdefault(number, _empty(number, sends, plan))
        # Assigned units stay the denominator where we know them: what a tool lost is not missing
        # at random. The reported units are what came back.
        size = (wave.units.get(arm, 0) if assigned else 0) or row.units
        if metrics[name].kind == "proportion":
            cell = Cell.of_counts(outcomes=min(row.events, size), units=size)
        else:
            cell = Cell(
                units=size,
                events=row.events,
                moments=_amounts(row, size),
            )
        wave.cells.setdefault(name, {})[arm] = cell
        if metrics[name] is plan.metric:
            wave.units[arm] = size
            wave.outcomes[arm] = cell.events
        if metrics[name] is plan.metric or not wave.rows[arm]:
            wave.rows[arm] = row.units
            if wave.returned is not None:
                wave.returned[arm] = row.units


def _amounts(row: _Reported, size: int) -> CoMoments:
    """Moments over all units of the arm: those that the tool lost gave nothing."""
    if not row.units or not size:
        return CoMoments.empty(variables=1)
    spread = (row.m2 or 0.0) if row.units > 1 else 0.0
    seen = CoMoments(n=row.units, means=(row.total / row.units,), m2=((spread,),))
    lost = size - row.units
    if lost <= 0:
        return seen
    return seen.merge(CoMoments(n=lost, means=(0.0,), m2=((0.0,),)))


def _empty(number: int, sends: Mapping[int, datetime], plan: Plan) -> WaveCounts:
    arms = [arm.name for arm in plan.arms]
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
