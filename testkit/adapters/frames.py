"""Data frames in place of files: read as text, placed and counted by the engines that files take.

pandas, polars and every other frame that narwhals reads; a ``parsons.Table`` by what it can do.
Going through the same engines is what makes a notebook and a workspace give the same arms and the
same numbers.
"""

from __future__ import annotations

import csv
import math
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from testkit.adapters.parsons import is_table
from testkit.engines.moments import wave_counts
from testkit.engines.placing import KeptOut, place
from testkit.engines.sources import CsvFile, identifier, literal, session, store_parquet
from testkit.errors import DataError, InputError
from testkit.model.look import Cell, WaveCounts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from testkit.model.plan import Plan

__all__ = ["Frame", "count_frame", "place_frame", "read_frame"]

_NAME: Final = "the frame"
_WHOLE: Final = 2**53
"""From here on a float is not a whole number that can be told from its neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame that was read.

    Attributes:
        source: The frame, as narwhals or a table holds it.
        columns: Names of its columns, in order.
    """

    source: Any
    columns: tuple[str, ...]

    @property
    def like_a_file(self) -> CsvFile:
        """Its columns, to be found as those of a file are."""
        return CsvFile(
            path=Path(_NAME), sha256="", encoding="utf-8-sig", delimiter=",", columns=self.columns
        )

    def rows(self, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """The values of some columns, row by row."""
        if isinstance(self.source, nw.DataFrame):
            return self.source.select(*names).iter_rows()
        return (tuple(row.get(name) for name in names) for row in self.source)

    def with_columns(self, more: Mapping[str, Sequence[Any]]) -> Any:
        """The same kind of frame with further columns at the end."""
        if isinstance(self.source, nw.DataFrame):
            made = [
                nw.new_series(name, list(values), backend=self.source.implementation)
                for name, values in more.items()
            ]
            return self.source.with_columns(*made).to_native()
        rows = [
            dict(row) | {name: values[k] for name, values in more.items()}
            for k, row in enumerate(self.source)
        ]
        return type(self.source)(rows)


def read_frame(source: Any) -> Frame:
    """A data frame, or a table that behaves like one of Parsons.

    Raises:
        InputError: It is neither, or cannot be brought into memory.
    """
    try:
        found: Any = nw.from_native(source)
        if isinstance(found, nw.LazyFrame):
            found = found.collect()
    except (TypeError, ImportError) as cause:
        if is_table(source):
            return Frame(source=source, columns=tuple(str(name) for name in source.columns))
        raise InputError(
            f"a data frame is needed, not {type(source).__name__}",
            field="frame",
            hint="a pandas or polars frame, or whatever narwhals reads; collect it first",
        ) from cause
    return Frame(source=found, columns=tuple(found.columns))


def place_frame(source: Any, plan: Plan, *, suppressed: Collection[object] = ()) -> Any:
    """Place every unit of a frame as ``experiment assign`` places a list.

    Args:
        source: A row for each unit, with the columns that the plan names.
        plan: The plan.
        suppressed: Ids that get nothing.

    Returns:
        The frame with ``wave`` and ``arm``.

    Raises:
        InputError: A column is missing, or stands there already.
        DataError: Ids are missing or stand twice.
        StateError: The frame is smaller than the test.
    """
    frame = read_frame(source)
    taken = [name for name in ("wave", "arm") if name in frame.columns]
    if taken:
        raise InputError(
            f"the frame has a column {taken[0]!r} already",
            field=taken[0],
            hint="rename it: assigning writes `wave` and `arm`",
        )
    wanted = [plan.unit_column, *([plan.unit_group] if plan.unit_group else []), *plan.strata]
    names = list(dict.fromkeys(frame.like_a_file.column(name) for name in wanted))
    with tempfile.TemporaryDirectory() as folder, session() as connection:
        home = Path(folder)
        kept: tuple[CsvFile, ...] = ()
        if suppressed:
            ids = ((value,) for value in suppressed)
            kept = (_file(home / "suppressed", [names[0]], ids),)
        done = place(
            connection,
            _file(home / _NAME, names, frame.rows(names)),
            plan,
            earlier=(),
            waves_before=0,
            folder=home,
            progress=lambda _: None,
            kept_out=KeptOut(suppressed=kept),
        )
        stored = literal(str(home / f"{done.data_sha256}.parquet"))
        placed = {
            unit: (wave, arm if wave > 0 else None)
            for unit, wave, arm in connection.execute(
                f"SELECT listed.{identifier(names[0])}, wave, arm FROM read_parquet({stored})"
            ).fetchall()
        }
    found = [placed[_text(unit)] for (unit,) in frame.rows(names[:1])]
    return frame.with_columns(
        {"wave": [wave for wave, _ in found], "arm": [arm for _, arm in found]}
    )


def count_frame(
    source: Any, plan: Plan, *, sent: datetime | Mapping[int, datetime]
) -> tuple[WaveCounts, ...]:
    """Count a frame as result files are counted.

    Args:
        source: A row for each unit with ``arm``, perhaps ``wave``, and a column for each metric; or
            a row for each arm and wave with ``units`` and the number of those who did it.
        plan: The plan.
        sent: When each wave went out; one moment is that of wave 1.

    Raises:
        InputError: A column is missing, or a moment has no zone.
        DataError: Rows that cannot be used.
    """
    frame = read_frame(source)
    sends = {1: sent} if isinstance(sent, datetime) else dict(sent)
    for wave, at in sends.items():
        if at.tzinfo is None:
            raise InputError(
                f"the moment of wave {wave} has no zone", field="sent", value=at.isoformat(),
                hint="datetime(2026, 11, 3, 9, tzinfo=UTC)",
            )  # fmt: skip
    file = frame.like_a_file
    if file.has("units") and not file.has(plan.unit_column):
        return _of_counts(frame, plan, sends)
    return _of_units(frame, plan, sends)


def _of_units(frame: Frame, plan: Plan, sends: Mapping[int, datetime]) -> tuple[WaveCounts, ...]:
    file = frame.like_a_file
    metrics = {plan.metric.name: file.column(plan.metric.name)}
    for metric in plan.metrics:
        for name in filter(None, (metric.name, metric.per)):
            if file.has(name):
                metrics[name] = file.column(name)
    about = [s.column for s in plan.segments] + [c for m in plan.metrics for c in m.covariates]
    about += [plan.unit_group] if plan.unit_group else []
    about = list(dict.fromkeys(file.column(name) for name in about))
    arm = file.column("arm")
    wave = [file.column("wave")] if file.has("wave") else []
    unit = [file.column(plan.unit_column)] if file.has(plan.unit_column) else []
    listed = [f"about_{k}" for k in range(len(about))]
    values = [f"value_{k}" for k in range(len(metrics))]
    names = ["unit", "arm", "wave", *listed, *values]

    def rows() -> Iterator[tuple[Any, ...]]:
        picked = [arm, *wave, *unit, *about, *metrics.values()]
        for number, row in enumerate(frame.rows(picked), start=1):
            at = _wave(row[1], number) if wave else 1
            if at < 1 or _missing(row[0]):
                continue  # not in the test
            rest = row[1 + len(wave) :]
            amounts = [_amount(v, number, n) for v, n in zip(rest[-len(metrics) :], metrics,
                                                             strict=True)]  # fmt: skip
            own = rest[: len(unit)] or (number,)
            yield (*own, row[0], at, *rest[len(unit) : -len(metrics)], *amounts)

    with tempfile.TemporaryDirectory() as folder, session() as connection:
        home = Path(folder)
        table = _file(home / _NAME, names, rows()).relation(connection)
        _check_arms(connection.execute(f"SELECT DISTINCT arm FROM {table}").fetchall(), plan)
        _check_units(connection, table)
        pairs = zip(about, listed, strict=True)
        packed = ", ".join(f"{identifier(name)} := {column}" for name, column in pairs)
        known = packed or "unit := unit"
        _, assigned = store_parquet(
            connection,
            "SELECT nfc_normalize(unit) AS unit, wave::INTEGER AS wave, arm, '' AS stratum,"
            f" struct_pack({known}) AS listed FROM {table}",
            folder=home,
        )
        _, results = store_parquet(
            connection,
            " UNION ALL ".join(
                f"SELECT nfc_normalize(unit) AS unit, {literal(name)} AS metric,"
                f" {column}::DOUBLE AS value, NULL::TIMESTAMPTZ AS done_at, false AS adds,"
                f" NULL::VARCHAR AS met, false AS machine FROM {table} WHERE {column} <> ''"
                for name, column in zip(metrics, values, strict=True)
            ),
            folder=home,
        )
        waves, _ = wave_counts(
            plan, assignments=[assigned], unit_batches=[results], count_batches=[], sends=sends
        )
    return tuple(waves)


def _check_arms(found: Sequence[tuple[str, ...]], plan: Plan) -> None:
    known = {arm.name for arm in plan.arms}
    wrong = sorted({str(arm) for (arm,) in found} - known)
    if wrong:
        raise InputError(
            f"the plan has no arm {wrong[0]!r}",
            field="arm",
            value=wrong[0],
            hint=f"the arms are {', '.join(arm.name for arm in plan.arms)}",
        )


def _check_units(connection: Any, table: str) -> None:
    twice = connection.execute(
        "SELECT unit, count(*) FROM (SELECT nfc_normalize(coalesce(unit, '')) AS unit"
        f" FROM {table}) GROUP BY 1 HAVING count(*) > 1 OR unit = '' ORDER BY 1"
    ).fetchall()
    if twice:
        raise DataError(
            f"{_NAME}: {len(twice):,} ids are missing or stand in several rows",
            rows=[f"{unit!r}: {number:,} rows" for unit, number in twice[:20]],
            count=len(twice),
            hint="a row for each unit: add up what a unit did before counting",
        )


def _of_counts(frame: Frame, plan: Plan, sends: Mapping[int, datetime]) -> tuple[WaveCounts, ...]:
    """Rows per arm and wave; yes-or-no outcomes only, for a sum does not tell its spread."""
    file = frame.like_a_file
    told = [m for m in plan.metrics if m is plan.metric or file.has(m.name)]
    for metric in told:
        if metric.kind != "proportion":
            raise InputError(
                f"{metric.name} is a {metric.kind}: counts do not tell its spread",
                field=metric.name,
                hint="give a row for each unit",
            )
    wave = [file.column("wave")] if file.has("wave") else []
    names = [file.column("arm"), file.column("units"), *(file.column(m.name) for m in told), *wave]
    cells: dict[int, dict[str, dict[str, Cell]]] = {}
    for number, row in enumerate(frame.rows(names), start=1):
        _check_arms([(row[0],)], plan)
        units, *done = (_whole(v, number, n) for v, n in zip(row[1 : 2 + len(told)], names[1:],
                                                             strict=False))  # fmt: skip
        at = _whole(row[-1], number, "wave") if wave else 1
        for metric, outcomes in zip(told, done, strict=True):
            if outcomes > units:
                raise DataError(
                    f"{_NAME}: more outcomes than units",
                    rows=[f"row {number}: {outcomes:,} {metric.name} of {units:,}"],
                    field=metric.name,
                )
            arms = cells.setdefault(at, {}).setdefault(metric.name, {})
            if row[0] in arms:
                raise DataError(
                    f"{_NAME}: wave {at} has the arm twice", rows=[f"row {number}: {row[0]}"],
                    field="arm",
                )  # fmt: skip
            arms[row[0]] = Cell.of_counts(outcomes=outcomes, units=units)
    made = []
    for at in sorted(cells):
        first = cells[at][plan.metric.name]
        units_by_arm = {a.name: first[a.name].units if a.name in first else 0 for a in plan.arms}
        made.append(
            WaveCounts(
                wave=at,
                sent_at=sends.get(at),
                units=units_by_arm,
                outcomes={a: first[a].events if a in first else 0 for a in units_by_arm},
                returned=dict(units_by_arm),
                rows=dict(units_by_arm),
                cells=cells[at],
            )
        )
    return tuple(made)


def _wave(value: Any, number: int) -> int:
    """The wave of a row; below 1 where the unit is not in the test."""
    return 0 if _missing(value) or value in {0, -1} else _whole(value, number, "wave")


def _whole(value: Any, number: int, name: str) -> int:
    amount = _amount(value, number, name)
    if amount is None or amount < 0 or amount != int(amount):
        raise DataError(
            f"{_NAME}: no whole number", rows=[f"row {number}, {name}: {value!r}"], field=name
        )
    return int(amount)


def _amount(value: Any, number: int, name: str) -> float | None:
    """A value as a number; None where nothing is known."""
    if _missing(value):
        return None
    try:
        amount = float(value)
    except (TypeError, ValueError):
        amount = math.nan
    if not math.isfinite(amount):
        raise DataError(
            f"{_NAME}: no number",
            rows=[f"row {number}, {name}: {value!r}"],
            field=name,
            hint="1 or 0, true or false, or an amount; leave out what is not known",
        )
    return amount


def _file(path: Path, names: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> CsvFile:
    """The rows as a file that the engines read."""
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(names)
        writer.writerows([_text(value) for value in row] for row in rows)
    return CsvFile(path=path, sha256="", encoding="utf-8-sig", delimiter=",", columns=tuple(names))


def _missing(value: Any) -> bool:
    # NaN, NaT and pandas' NA: what does not equal itself, or does not say whether it does.
    return value is None or value == "" or (value != value) is not False  # noqa: PLR0124 - see above


def _text(value: Any) -> str:
    """A cell as a file would have it: 12.0 is 12, for pandas makes floats of ids with gaps."""
    if isinstance(value, str):
        return value
    if _missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        if abs(value) >= _WHOLE:
            raise InputError(
                f"{value:g} has lost digits as a decimal number",
                field="frame",
                value=value,
                hint="read ids as text",
            )
        return str(int(value))
    return str(value)
