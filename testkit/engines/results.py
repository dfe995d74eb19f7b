"""Reading result files: a row per unit, or a row per wave and arm; every bad row is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from testkit.engines.sources import identifier, literal, store_parquet
from testkit.errors import DataError, InputError
from testkit.kernel.numbers import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from testkit.engines.sources import CsvFile
    from testkit.model.plan import Plan

__all__ = ["Results", "kind_of", "people_query", "read_counts", "read_units"]

YES = ("1", "true", "yes", "y", "t", "x")
NO = ("0", "false", "no", "n", "f", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a result file holds.

    Attributes:
        kind: ``units`` or ``counts``.
        rows: Rows that count.
        data_sha256: Digest of the Parquet file; empty for a dry run.
        arms: ``arm -> units with a row``.
        outcomes: ``arm -> units with the outcome``.
        repeated: Rows for a unit (or wave and arm) that stood before in the same file.
        earlier: Rows for a unit that an earlier batch reported; they count once.
        unknown: Rows for units that were not assigned, left out on request.
        held_back: Rows for units of the remainder, which belong to no arm.
        waves: Waves that the rows belong to.
        notes: Sentences for the reader.
    """

    kind: Literal["units", "counts"]
    rows: int
    data_sha256: str
    arms: dict[str, int]
    outcomes: dict[str, int]
    repeated: int = 0
    earlier: int = 0
    unknown: int = 0
    held_back: int = 0
    waves: tuple[int, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def summary(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "arms": self.arms,
            "outcomes": self.outcomes,
            "repeated": self.repeated,
            "earlier": self.earlier,
            "unknown": self.unknown,
            "held_back": self.held_back,
            "waves": list(self.waves),
            "notes": list(self.notes),
        }


def kind_of(file: CsvFile, plan: Plan) -> Literal["units", "counts"]:
    """Whether a file has a row per unit or a row per arm.

    Raises:
        InputError: Neither; both forms are described.
    """
    if file.has(plan.unit_column):
        return "units"
    if file.has("arm") and file.has("units"):
        return "counts"
    raise InputError(
        f"{file.path.name} has neither the column {plan.unit_column!r} nor `arm` and `units`",
        field=file.path.name,
        hint=(
            f"a row per person needs {plan.unit_column}, {plan.metric.name} and perhaps `at`; a row"
            f" per arm needs arm, units, {plan.metric.name} and wave; the file has:"
            f" {', '.join(file.columns[:20])}"
        ),
    )


def read_units(
    connection: duckdb.DuckDBPyConnection,
    file: CsvFile,
    plan: Plan,
    *,
    assignments: Sequence[Path],
    earlier: Sequence[Path],
    folder: Path | None,
    skip_unknown: bool,
    zone: str,
    increments: bool = False,
) -> Results:
    """Read one row per unit, or per deed of a unit: the id, the metrics' columns, and when.

    Beside these, ``arm`` (the arm that the tool says the unit met) and ``machine`` (1: a scanner or
    a proxy did it, not the person) are read where they are there.

    Args:
        connection: A fresh session.
        file: The file.
        plan: The locked plan.
        assignments: Parquet files of the assigned lists.
        earlier: Parquet files of unit batches that count already.
        folder: Where the Parquet file goes; None for a dry run.
        skip_unknown: Leave rows of unknown units out and count them, instead of refusing the file.
        zone: IANA zone of times without an offset.
        increments: Amounts add to those of earlier files instead of replacing them.

    Raises:
        DataError: Rows that cannot be used, each with its number.
    """
    unit = identifier(file.column(plan.unit_column))
    columns = _metric_columns(file, plan)
    connection.execute(f"SET TimeZone = {literal(zone)}")
    table = file.relation(connection)
    at = "NULL::TIMESTAMPTZ"
    at_text = "NULL"
    if file.has("at"):
        at_text = f"nullif(trim({identifier(file.column('at'))}), '')"
        at = f"try_cast({at_text} AS TIMESTAMPTZ)"
    met = f"nullif(trim(c.{identifier(file.column('arm'))}), '')" if file.has("arm") else "NULL"
    machine = _yes(f"c.{identifier(file.column('machine'))}") if file.has("machine") else "0.0"
    listed = _files(assignments)
    values = ", ".join(
        f"c.{identifier(file.column(name))} AS raw_{i},"
        f" {(_yes if yes_or_no else _amount)(f'c.{identifier(file.column(name))}')} AS value_{i}"
        for i, (name, yes_or_no) in enumerate(columns.items())
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE read AS
        SELECT c.row_number AS n, nfc_normalize(trim(c.{unit})) AS unit, {values},
          {met}::VARCHAR AS met, coalesce({machine}, 0) > 0 AS machine,
          {at_text} AS at_text, {at} AS done_at, a.arm, a.wave
        FROM {table} c
        LEFT JOIN (SELECT unit, arm, wave FROM read_parquet({listed})) a
          ON a.unit = nfc_normalize(trim(c.{unit}))
        """
    )
    problems = [("unit IS NULL OR unit = ''", "no id", "''")]
    for i, (name, yes_or_no) in enumerate(columns.items()):
        wrong = f"value_{i} IS NULL OR value_{i} < 0 OR NOT isfinite(value_{i})"
        problems.append((wrong, "not 0 or 1" if yes_or_no else f"{name}: no amount", f"raw_{i}"))
        if yes_or_no:
            problems.append((f"value_{i} > 1", f"{name} is yes or no: 0 or 1", f"raw_{i}"))
    problems.append(("at_text IS NOT NULL AND done_at IS NULL", "not a date and time", "at_text"))
    if not skip_unknown:
        problems.append(("arm IS NULL", "not in the assigned list", "unit"))
    _refuse(connection, file, problems)
    unknown = _number(connection, "SELECT count(*) FROM read WHERE arm IS NULL")
    held_back = _number(connection, "SELECT count(*) FROM read WHERE wave = 0")
    repeated = _number(
        connection,
        "SELECT count(*) - count(DISTINCT unit) FROM read WHERE arm IS NOT NULL AND wave > 0",
    )
    again = 0
    if earlier:
        again = _number(
            connection,
            "SELECT count(DISTINCT unit) FROM read WHERE wave > 0 AND unit IN"
            f" (SELECT unit FROM read_parquet({_files(earlier)}))",
        )
    arms: dict[str, int] = dict.fromkeys((a.name for a in plan.arms), 0)
    outcomes = dict(arms)
    shown = list(columns).index(plan.metric.name) if plan.metric.name in columns else 0
    for arm, rows, done in connection.execute(
        "SELECT arm, count(DISTINCT unit),"
        f" count(DISTINCT unit) FILTER (WHERE value_{shown} > 0 AND NOT machine) FROM read"
        " WHERE wave > 0 GROUP BY arm"
    ).fetchall():
        arms[arm], outcomes[arm] = rows, done
    waves = connection.execute(
        "SELECT DISTINCT wave FROM read WHERE wave > 0 ORDER BY wave"
    ).fetchall()
    rows = sum(arms.values())
    if rows == 0:
        raise DataError(
            f"{file.path.name} has no row for a unit of the test",
            count=0,
            field=file.path.name,
            hint="is it the result file of another experiment?",
        )
    sha = ""
    if folder is not None:
        sha, _ = store_parquet(connection, _kept(columns, increments=increments), folder=folder)
    amounts = [name for name, yes_or_no in columns.items() if not yes_or_no]
    return Results(
        kind="units",
        rows=rows,
        data_sha256=sha,
        arms=arms,
        outcomes=outcomes,
        repeated=repeated,
        earlier=again,
        unknown=unknown,
        held_back=held_back,
        waves=tuple(w for (w,) in waves),
        notes=(f"several rows of a person add up in {' and '.join(amounts)}",)
        if amounts and repeated
        else (),
    )


def people_query(lists: Sequence[tuple[Path, Mapping[str, str]]]) -> str:
    """SQL of the people of the test: ``unit``, ``arm``, and a column per kind of id.

    Args:
        lists: Parquet files of the assigned lists, with ``kind of id -> column`` of each.
    """
    kinds = sorted({kind for _, ids in lists for kind in ids})
    parts = []
    for path, ids in lists:
        columns = "".join(
            f", {f'listed.{identifier(ids[k])}' if k in ids else 'NULL::TEXT'} AS {identifier(k)}"
            for k in kinds
        )
        parts.append(
            f"SELECT unit, arm{columns} FROM read_parquet({literal(str(path))}) WHERE wave > 0"
        )
    return " UNION ALL ".join(parts)


def _metric_columns(file: CsvFile, plan: Plan) -> dict[str, bool]:
    """Columns of the plan's metrics that the file has, and whether they are yes or no."""
    wanted: dict[str, bool] = {}
    for metric in plan.metrics:
        wanted.setdefault(metric.name, metric.kind == "proportion")
        if metric.kind == "ratio":
            wanted.setdefault(metric.per, False)
    found = {name: yes_or_no for name, yes_or_no in wanted.items() if file.has(name)}
    if not found:
        file.column(plan.metric.name)  # raises, and names what is there
    return found


def _yes(column: str) -> str:
    """SQL that reads yes or no; a number stays what it is, for the check."""
    yes, no = (", ".join(literal(v) for v in values) for values in (YES, NO))
    return (
        f"CASE WHEN lower(trim(coalesce({column}, ''))) IN ({yes}) THEN 1.0"
        f" WHEN lower(trim(coalesce({column}, ''))) IN ({no}) THEN 0.0"
        f" ELSE {_amount(column)} END"
    )


def _amount(column: str) -> str:
    """SQL that reads an amount; an empty cell is none."""
    return (
        f"CASE WHEN trim(coalesce({column}, '')) = '' THEN 0.0"
        f" ELSE try_cast(replace(trim({column}), ',', '') AS DOUBLE) END"
    )


def _kept(columns: Mapping[str, bool], *, increments: bool) -> str:
    """The rows to keep, one metric a row: a yes once per unit, amounts row by row."""
    parts = []
    for i, (name, yes_or_no) in enumerate(columns.items()):
        if yes_or_no:
            parts.append(
                f"SELECT unit, {literal(name)} AS metric, max(value_{i}) AS value,"
                f" min(done_at) FILTER (WHERE value_{i} > 0) AS done_at, false AS adds,"
                " max(met) FILTER (WHERE met <> arm) AS met, machine"
                " FROM read WHERE wave > 0 GROUP BY unit, machine"
            )
            continue
        row = (
            f"unit, {literal(name)} AS metric, value_{i} AS value, done_at,"
            f" {increments}::BOOLEAN AS adds, CASE WHEN met <> arm THEN met END AS met, machine"
        )
        # The same deed of the same moment twice is one deed; without a moment nobody can tell.
        parts.append(f"SELECT DISTINCT {row} FROM read WHERE wave > 0 AND done_at IS NOT NULL")
        parts.append(f"SELECT {row} FROM read WHERE wave > 0 AND done_at IS NULL")
    return f"{' UNION ALL '.join(parts)} ORDER BY unit, metric, done_at, value, machine"


def read_counts(
    connection: duckdb.DuckDBPyConnection,
    file: CsvFile,
    plan: Plan,
    *,
    folder: Path | None,
    default_wave: int,
    increments: bool = False,
    messages: bool = False,
) -> Results:
    """Read one row per arm (and wave): units reached, and how many of them did it.

    An amount needs, beside its column with the sum, ``NAME_sd`` (standard deviation over all units)
    and ``NAME_count`` (units with any). A tool's counts have ``message`` and ``as_of`` too: several
    messages of an arm and wave add up, and a newer count of a message replaces its older one.

    Args:
        connection: A fresh session.
        file: The file, with ``arm``, ``units``, the metrics' columns and perhaps ``wave``,
            ``message`` and ``as_of``.
        plan: The locked plan.
        folder: Where the Parquet file goes; None for a dry run.
        default_wave: Wave of rows that name none.
        increments: The counts add to earlier ones; otherwise they are cumulative and replace
            earlier ones of the same wave and arm.
        messages: The rows are a tool's messages, with ``message`` and ``as_of``.

    Raises:
        DataError: Rows that cannot be used, each with its number.
        InputError: An amount without its spread, or a ratio or covariates, which need rows of
            units.
    """
    columns = _metric_columns(file, plan)
    _countable(file, plan, columns, increments=increments)
    table = file.relation(connection)
    message, as_of = (
        f"coalesce({identifier(file.column(name))}, '')" if messages else "''"
        for name in ("message", "as_of")
    )
    arm = identifier(file.column("arm"))
    units = identifier(file.column("units"))
    wave = (
        f"try_cast(nullif(trim({identifier(file.column('wave'))}), '') AS INTEGER)"
        if file.has("wave")
        else str(default_wave)
    )
    values = []
    for i, (name, yes_or_no) in enumerate(columns.items()):
        raw = identifier(file.column(name))
        number = f"replace(regexp_replace(trim({raw}), '\\s*\\(.*\\)$', ''), ',', '')"
        kind = "BIGINT" if yes_or_no else "DOUBLE"
        spread, events = "NULL::DOUBLE", f"try_cast({number} AS BIGINT)"
        if not yes_or_no:
            spread = _amount(identifier(file.column(f"{name}_sd")))
            count = identifier(file.column(f"{name}_count"))
            events = f"try_cast(replace(trim({count}), ',', '') AS BIGINT)"
        values.append(
            f"try_cast({number} AS {kind}) AS value_{i}, {raw} AS raw_{i}, {spread} AS sd_{i},"
            f" {events} AS events_{i}"
        )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE read AS
        SELECT row_number AS n, trim({arm}) AS arm, {arm} AS raw_arm, {wave} AS wave,
          try_cast(replace(trim({units}), ',', '') AS BIGINT) AS units, {units} AS raw_units,
          {message} AS message, {as_of} AS as_of,
          {", ".join(values)}
        FROM {table}
        """
    )
    names = ", ".join(literal(a.name) for a in plan.arms)
    listed = " or ".join(a.name for a in plan.arms)
    problems = [
        (f"arm IS NULL OR arm NOT IN ({names})", f"unknown arm, use {listed}", "raw_arm"),
        ("wave IS NULL OR wave < 1 OR wave > 1000", "not a wave number", "wave"),
        ("units IS NULL OR units < 0", "not a number of units", "raw_units"),
    ]
    for i, (name, yes_or_no) in enumerate(columns.items()):
        what = "not a number of outcomes" if yes_or_no else f"{name}: no sum"
        problems.append((f"value_{i} IS NULL OR value_{i} < 0", what, f"raw_{i}"))
        if not yes_or_no:
            wrong = f"sd_{i} IS NULL OR sd_{i} < 0 OR NOT isfinite(sd_{i})"
            problems.append((wrong, f"{name}_sd: no standard deviation", f"sd_{i}"))
        # Late outcomes of people who were counted before come without new units.
        if not increments:
            problems.append((f"events_{i} > units", "more outcomes than units", f"raw_{i}"))
    _refuse(connection, file, problems)
    twice = connection.execute(
        "SELECT n, wave, arm FROM read QUALIFY row_number() OVER"
        " (PARTITION BY wave, arm, message ORDER BY n) > 1 ORDER BY n"
    ).fetchall()
    if twice:
        raise DataError(
            f"{file.path.name}: an arm stands twice in one wave",
            rows=[f"row {n}: wave {w}, {a}" for n, w, a in twice],
            field=file.path.name,
            hint="one row per wave and arm",
        )
    shown = list(columns).index(plan.metric.name) if plan.metric.name in columns else 0
    rows = connection.execute(
        f"SELECT wave, arm, units, events_{shown} FROM read ORDER BY ALL"
    ).fetchall()
    if not rows:
        raise DataError(f"{file.path.name} has a header and no rows", field=file.path.name)
    query = " UNION ALL ".join(
        f"SELECT {literal(name)} AS metric, wave, arm, units, value_{i}::DOUBLE AS total,"
        f" events_{i} AS events, sd_{i} * sd_{i} * greatest(units - 1, 0) AS m2,"
        f" {increments}::BOOLEAN AS adds, message, as_of FROM read"
        for i, name in enumerate(columns)
    )
    sha = ""
    if folder is not None:
        sha, _ = store_parquet(
            connection, f"{query} ORDER BY metric, wave, arm, message", folder=folder
        )
    arms = {a.name: sum(u for _, n, u, _ in rows if n == a.name) for a in plan.arms}
    outcomes = {a.name: sum(o for _, n, _, o in rows if n == a.name) for a in plan.arms}
    return Results(
        kind="counts",
        rows=len(rows),
        data_sha256=sha,
        arms=arms,
        outcomes=outcomes,
        waves=tuple(sorted({w for w, _, _, _ in rows})),
        notes=("these counts are added to the earlier ones",) if increments else (),
    )


def _countable(file: CsvFile, plan: Plan, columns: Mapping[str, bool], *, increments: bool) -> None:
    """Refuse what counts by arm cannot carry."""
    for metric in plan.metrics:
        if metric.name not in columns:
            continue
        if metric.kind == "ratio" or metric.covariates or plan.unit_group is not None:
            what = "a ratio" if metric.kind == "ratio" else "covariates or groups"
            raise InputError(
                f"{metric.name} needs a row per {plan.unit_kind}: counts by arm have no {what}",
                field=metric.name,
                hint=f"bring a file with {plan.unit_column} and {metric.name}",
            )
    for name, yes_or_no in columns.items():
        if yes_or_no:
            continue
        for needed in (f"{name}_sd", f"{name}_count"):
            if not file.has(needed):
                raise InputError(
                    f"{file.path.name} has the sum {name!r} and no {needed!r}",
                    field=needed,
                    hint=(
                        f"an amount by arm needs {name}_sd, its standard deviation over all units,"
                        f" and {name}_count, how many had any; or bring a row per"
                        f" {plan.unit_kind}"
                    ),
                )
        if increments:
            raise InputError(
                f"{name} is an amount: increments of it have no spread",
                field=name,
                hint="bring the running totals, or a row per unit",
            )


def _refuse(
    connection: duckdb.DuckDBPyConnection,
    file: CsvFile,
    problems: Sequence[tuple[str, str, str]],
) -> None:
    """Raise with the first bad rows of every kind together, in the order of the file."""
    cases = " ".join(
        f"WHEN {condition} THEN {literal(label)} || ': ' || coalesce({shown}::TEXT, 'empty')"
        for condition, label, shown in problems
    )
    query = f"SELECT n, CASE {cases} END AS why FROM read"
    count = _number(connection, f"SELECT count(*) FROM ({query}) WHERE why IS NOT NULL")
    if count:
        bad = connection.execute(
            f"SELECT n, why FROM ({query}) WHERE why IS NOT NULL ORDER BY n LIMIT 20"
        ).fetchall()
        unknown = any("not in the assigned list" in why for _, why in bad)
        hint = "nothing was taken in; row 1 is the line below the header"
        if unknown:
            hint += "; --skip-unknown leaves rows of unknown units out"
        raise DataError(
            f"{file.path.name}: {counted(count, 'row')} cannot be used",
            rows=[f"row {n}: {why}" for n, why in bad],
            count=count,
            field=file.path.name,
            hint=hint,
        )


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _files(paths: Sequence[Path]) -> str:
    return "[" + ", ".join(literal(str(path)) for path in paths) + "]"
