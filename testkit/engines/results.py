"""Reading result files: a row per unit, or a row per wave and arm; every bad row is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from testkit.engines.sources import identifier, literal, store_parquet
from testkit.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from testkit.engines.sources import CsvFile
    from testkit.model.plan import Plan

__all__ = ["Results", "kind_of", "read_counts", "read_units"]

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
) -> Results:
    """Read one row per unit: the unit's id, the outcome (0 or 1), and when, if it is known.

    Args:
        connection: A fresh session.
        file: The file.
        plan: The locked plan.
        assignments: Parquet files of the assigned lists.
        earlier: Parquet files of unit batches that count already.
        folder: Where the Parquet file goes; None for a dry run.
        skip_unknown: Leave rows of unknown units out and count them, instead of refusing the file.
        zone: IANA zone of times without an offset.

    Raises:
        DataError: Rows that cannot be used, each with its number.
    """
    unit = identifier(file.column(plan.unit_column))
    metric = identifier(file.column(plan.metric.name))
    connection.execute(f"SET TimeZone = {literal(zone)}")
    table = file.relation(connection)
    at = "NULL::TIMESTAMPTZ"
    at_text = "NULL"
    if file.has("at"):
        at_text = f"nullif(trim({identifier(file.column('at'))}), '')"
        at = f"try_cast({at_text} AS TIMESTAMPTZ)"
    listed = _files(assignments)
    yes, no = (", ".join(literal(v) for v in values) for values in (YES, NO))
    connection.execute(
        f"""
        CREATE TEMP TABLE read AS
        SELECT c.row_number AS n, nfc_normalize(trim(c.{unit})) AS unit, c.{metric} AS raw,
          CASE WHEN lower(trim(coalesce(c.{metric}, ''))) IN ({yes}) THEN 1.0
            WHEN lower(trim(coalesce(c.{metric}, ''))) IN ({no}) THEN 0.0
            ELSE try_cast(replace(trim(c.{metric}), ',', '') AS DOUBLE) END AS value,
          {at_text} AS at_text, {at} AS done_at, a.arm, a.wave
        FROM {table} c
        LEFT JOIN (SELECT unit, arm, wave FROM read_parquet({listed})) a
          ON a.unit = nfc_normalize(trim(c.{unit}))
        """
    )
    problems = (
        ("unit IS NULL OR unit = ''", "no id", "''"),
        ("value IS NULL OR value < 0 OR NOT isfinite(value)", "not 0 or 1", "raw"),
        ("value > 1", f"{plan.metric.name} is yes or no: 0 or 1", "raw"),
        ("at_text IS NOT NULL AND done_at IS NULL", "not a date and time", "at_text"),
        *(() if skip_unknown else (("arm IS NULL", "not in the assigned list", "unit"),)),
    )
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
    kept = (
        "SELECT unit, max(value) AS value,"
        " min(done_at) FILTER (WHERE value > 0) AS done_at FROM read WHERE wave > 0 GROUP BY unit"
    )
    arms: dict[str, int] = dict.fromkeys((a.name for a in plan.arms), 0)
    outcomes = dict(arms)
    for arm, rows, done in connection.execute(
        "SELECT arm, count(DISTINCT unit), count(DISTINCT unit) FILTER (WHERE value > 0) FROM read"
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
        sha, _ = store_parquet(connection, f"{kept} ORDER BY unit", folder=folder)
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
    )


def read_counts(
    connection: duckdb.DuckDBPyConnection,
    file: CsvFile,
    plan: Plan,
    *,
    folder: Path | None,
    default_wave: int,
    increments: bool = False,
) -> Results:
    """Read one row per arm (and wave): units reached, and how many of them did it.

    Args:
        connection: A fresh session.
        file: The file, with ``arm``, ``units``, the metric's column and perhaps ``wave``.
        plan: The locked plan.
        folder: Where the Parquet file goes; None for a dry run.
        default_wave: Wave of rows that name none.
        increments: The counts add to earlier ones; otherwise they are cumulative and replace
            earlier ones of the same wave and arm.

    Raises:
        DataError: Rows that cannot be used, each with its number.
    """
    table = file.relation(connection)
    arm = identifier(file.column("arm"))
    units = identifier(file.column("units"))
    metric = identifier(file.column(plan.metric.name))
    wave = (
        f"try_cast(nullif(trim({identifier(file.column('wave'))}), '') AS INTEGER)"
        if file.has("wave")
        else str(default_wave)
    )
    connection.execute(
        f"""
        CREATE TEMP TABLE read AS
        SELECT row_number AS n, trim({arm}) AS arm, {arm} AS raw_arm, {wave} AS wave,
          try_cast(replace(trim({units}), ',', '') AS BIGINT) AS units, {units} AS raw_units,
          try_cast(replace(regexp_replace(trim({metric}), '\\s*\\(.*\\)$', ''), ',', '') AS BIGINT)
            AS outcomes, {metric} AS raw
        FROM {table}
        """
    )
    names = ", ".join(literal(a.name) for a in plan.arms)
    listed = " or ".join(a.name for a in plan.arms)
    _refuse(
        connection,
        file,
        (
            (f"arm IS NULL OR arm NOT IN ({names})", f"unknown arm, use {listed}", "raw_arm"),
            ("wave IS NULL OR wave < 1 OR wave > 1000", "not a wave number", "wave"),
            ("units IS NULL OR units < 0", "not a number of units", "raw_units"),
            ("outcomes IS NULL OR outcomes < 0", "not a number of outcomes", "raw"),
            # Late outcomes of people who were counted before come without new units.
            *(() if increments else (("outcomes > units", "more outcomes than units", "raw"),)),
        ),
    )
    twice = connection.execute(
        "SELECT n, wave, arm FROM read QUALIFY row_number() OVER"
        " (PARTITION BY wave, arm ORDER BY n) > 1 ORDER BY n"
    ).fetchall()
    if twice:
        raise DataError(
            f"{file.path.name}: an arm stands twice in one wave",
            rows=[f"row {n}: wave {w}, {a}" for n, w, a in twice],
            field=file.path.name,
            hint="one row per wave and arm",
        )
    rows = connection.execute("SELECT wave, arm, units, outcomes FROM read ORDER BY ALL").fetchall()
    if not rows:
        raise DataError(f"{file.path.name} has a header and no rows", field=file.path.name)
    query = (
        f"SELECT wave, arm, units, outcomes, {increments}::BOOLEAN AS adds FROM read"
        " ORDER BY wave, arm"
    )
    sha = ""
    if folder is not None:
        sha, _ = store_parquet(connection, query, folder=folder)
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
            f"{file.path.name}: {count:,} rows cannot be used",
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
