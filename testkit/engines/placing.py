"""Placing a list in SQL: the rules of :mod:`testkit.assign` on millions of rows at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from testkit import assign as rule
from testkit.engines.sources import identifier, literal, store_parquet
from testkit.errors import DataError, StateError
from testkit.kernel.numbers import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import duckdb

    from testkit.engines.sources import CsvFile
    from testkit.model.plan import Plan

__all__ = [
    "OUT",
    "REMAINDER",
    "KeptOut",
    "Placed",
    "by_cuts",
    "files_sql",
    "place",
    "place_given",
]

REMAINDER: Final = 0
"""Wave number of units that are not in the test."""
OUT: Final = -1
"""Wave number of units that get nothing: held out, suppressed, or in an experiment that this one
excludes. Their ``arm`` says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOut:
    """Who must not be in the test, nor in the remainder.

    Attributes:
        holdout_salt: Salt of the organisation's hold-out, the same for every experiment.
        suppressed: Files of ids that must not get the message.
        others: Parquet files of the placed lists of experiments that this one excludes.
    """

    holdout_salt: str = ""
    suppressed: tuple[CsvFile, ...] = ()
    others: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A placed list.

    Attributes:
        data_sha256: Digest of the Parquet file with ``unit, wave, arm, stratum, listed``.
        rows: Units placed.
        known: Units of the list that an earlier list had placed; they keep their place.
        counts: ``wave -> arm -> units``; the remainder under wave ``"0"`` and arm ``""``, those who
            get nothing under wave ``"-1"`` by the reason.
        first_wave: Number of the first wave.
        alone: Units without an id of their group (household, street): each is one of its own.
    """

    data_sha256: str
    rows: int
    known: int
    counts: dict[str, dict[str, int]]
    first_wave: int
    alone: int = 0


def place(
    connection: duckdb.DuckDBPyConnection,
    file: CsvFile,
    plan: Plan,
    *,
    earlier: Sequence[Path],
    waves_before: int,
    folder: Path,
    progress: Callable[[str], None],
    kept_out: KeptOut | None = None,
) -> Placed:
    """Place every unit of a list and store the result.

    Units that share a value of the plan's ``unit_group`` get one arm and one wave: the group stands
    in the order where its hash puts it, so that sizes are exact to one group.

    Args:
        connection: A fresh session.
        file: The list.
        plan: The locked plan.
        earlier: Parquet files of lists placed before; their units are left alone.
        waves_before: How many waves exist already; a later list makes one more.
        folder: Where the Parquet file goes.
        progress: Told what is being done.
        kept_out: Who must not be in it; None keeps nobody out.

    Raises:
        DataError: Ids are missing or stand twice.
        StateError: The list is too small for the plan, or holds nobody new.
    """
    unit = identifier(file.column(plan.unit_column))
    strata = [identifier(file.column(column)) for column in plan.strata]
    table = file.relation(connection)
    progress("checking ids")
    _check_units(connection, table, unit=unit, file=file)
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    if not row or row[0] == 0:
        raise DataError(f"{file.path.name} has a header and nobody below it", field=file.path.name)
    known = 0
    if earlier:
        gone = connection.execute(
            f"DELETE FROM {table} WHERE nfc_normalize({unit}) IN"
            f" (SELECT unit FROM read_parquet({files_sql(earlier)}))"
        ).fetchone()
        known = int(gone[0]) if gone else 0
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    rows = int(row[0]) if row else 0
    if rows == 0:
        raise StateError(
            f"every unit of {file.path.name} is assigned already",
            current="assigned",
            hint="a later list makes a further wave of the units that are new in it",
        )
    parts = ", ".join(f"coalesce({column}, '')" for column in strata)
    stratum = f"concat_ws(' / ', {parts})" if strata else "''"
    progress("placing every unit by its hash")
    group = _group(file, plan, unit)
    connection.execute(
        f"""
        CREATE TEMP TABLE everybody AS
        SELECT *, nfc_normalize({unit}) AS unit_, {stratum} AS stratum_,
          nfc_normalize({group}) AS group_,
          md5({literal(plan.salt)} || ':' || nfc_normalize({group})) AS hash_
        FROM {table}
        """
    )
    out = _keep_out(connection, plan, kept_out or KeptOut())
    rows -= sum(out.values())
    first_wave = waves_before + 1
    later = waves_before > 0
    if plan.scheme == "md5-rank-v1":
        if not later and rows < plan.test_size:
            without = "".join(f", {number:,} of them {why}" for why, number in out.items())
            raise StateError(
                f"{file.path.name} has {rows + sum(out.values()):,} units{without}; the plan tests"
                f" {plan.test_size:,}",
                current="locked",
                hint="set list.size and list.test to the list that you have, and amend the plan",
            )
        sizes = (rows,) if later else plan.wave_sizes
        _rank(connection, plan, sizes=sizes, first_wave=first_wave, rows=rows)
    else:
        _independent(connection, plan, first_wave=first_wave, later=later)
    if later and plan.unit_group:
        _join_their_group(connection, plan, earlier)
    packed = ", ".join(f"{identifier(c)} := {identifier(c)}" for c in file.columns)
    progress("storing the assignment")
    sha, _ = store_parquet(
        connection,
        "SELECT unit_ AS unit, wave_ AS wave, arm_ AS arm, stratum_ AS stratum,"
        f" struct_pack({packed}) AS listed FROM (SELECT * FROM placed UNION ALL BY NAME"
        f" SELECT *, {OUT} AS wave_, why_ AS arm_ FROM everybody WHERE why_ <> '')"
        " ORDER BY hash_, unit_",
        folder=folder,
    )
    counts: dict[str, dict[str, int]] = {}
    for wave, arm, number in connection.execute(
        "SELECT wave_, arm_, count(*) FROM placed GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        counts.setdefault(str(wave), {})[arm] = number
    if out:
        counts[str(OUT)] = out
    rows += sum(out.values())
    return Placed(
        data_sha256=sha,
        rows=rows,
        known=known,
        counts=counts,
        first_wave=first_wave,
        alone=_alone(connection, file, plan),
    )


def place_given(
    connection: duckdb.DuckDBPyConnection,
    file: CsvFile,
    plan: Plan,
    *,
    arm_column: str,
    first_wave: int,
    folder: Path,
    kept_out: KeptOut | None = None,
) -> Placed:
    """Take over an assignment that somebody else made: the arm stands in the list.

    Args:
        connection: A fresh session.
        file: The list, with the unit's id, the arm, and perhaps ``wave``.
        plan: The locked plan.
        arm_column: Column with the name of the arm.
        first_wave: Wave of rows that name none.
        folder: Where the Parquet file goes.
        kept_out: Who must not be in it; None keeps nobody out. Whoever made the split did not ask,
            so they are taken out of it: they get nothing from here, and count in no arm.

    Raises:
        DataError: Ids are missing or stand twice, or an arm is unknown.
        StateError: Nobody of the split is left.
    """
    unit = identifier(file.column(plan.unit_column))
    arm = f"trim({identifier(file.column(arm_column))})"
    wave = str(first_wave)
    if file.has("wave"):
        wave = f"try_cast(trim({identifier(file.column('wave'))}) AS INTEGER)"
    table = file.relation(connection)
    _check_units(connection, table, unit=unit, file=file)
    names = ", ".join(literal(a.name) for a in plan.arms)
    wrong = connection.execute(
        f"SELECT row_number, {arm}, {wave} FROM {table} WHERE {arm} IS NULL OR {arm} NOT IN"
        f" ({names}) OR {wave} IS NULL OR {wave} < 1 ORDER BY row_number LIMIT 20"
    ).fetchall()
    if wrong:
        raise DataError(
            f"{file.path.name}: rows without an arm of the plan, or without a wave",
            rows=[f"row {number}: {value!r}, wave {k}" for number, value, k in wrong],
            field=arm_column,
            hint=f"the arms are {', '.join(a.name for a in plan.arms)}; nothing was taken in",
        )
    connection.execute(
        f"""
        CREATE TEMP TABLE everybody AS
        SELECT *, nfc_normalize({unit}) AS unit_, nfc_normalize({_group(file, plan, unit)}) AS
          group_, {wave}::INTEGER AS wave_, {arm} AS arm_
        FROM {table}
        """
    )
    out = _keep_out(connection, plan, kept_out or KeptOut())
    packed = ", ".join(f"{identifier(c)} := {identifier(c)}" for c in file.columns)
    connection.execute(f"UPDATE everybody SET wave_ = {OUT}, arm_ = why_ WHERE why_ <> ''")
    counts: dict[str, dict[str, int]] = {}
    for number, name, units in connection.execute(
        "SELECT wave_, arm_, count(*) FROM everybody GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        counts.setdefault(str(number), {})[name] = units
    if set(counts) <= {str(OUT)}:
        raise StateError(
            f"nobody of {file.path.name} is left: "
            + (", ".join(f"{n:,} {why}" for why, n in out.items()) or "it is empty"),
            current="locked",
        )
    sha, _ = store_parquet(
        connection,
        f"SELECT unit_ AS unit, wave_ AS wave, arm_ AS arm, '' AS stratum,"
        f" struct_pack({packed}) AS listed FROM everybody ORDER BY unit",
        folder=folder,
    )
    return Placed(
        data_sha256=sha,
        rows=sum(sum(arms.values()) for arms in counts.values()),
        known=0,
        counts=counts,
        first_wave=min(int(k) for k in counts if int(k) != OUT),
        alone=_alone(connection, file, plan),
    )


def _group(file: CsvFile, plan: Plan, unit: str) -> str:
    """SQL of what stays together: the group's id; who has none is a group of their own."""
    if not plan.unit_group:
        return unit
    return f"coalesce(nullif(trim({identifier(file.column(plan.unit_group))}), ''), {unit})"


def _alone(connection: duckdb.DuckDBPyConnection, file: CsvFile, plan: Plan) -> int:
    """Units whose list names no group."""
    if not plan.unit_group:
        return 0
    column = identifier(file.column(plan.unit_group))
    found = connection.execute(
        f"SELECT count(*) FROM everybody WHERE nullif(trim({column}), '') IS NULL"
    ).fetchone()
    return int(found[0]) if found else 0


def _check_units(
    connection: duckdb.DuckDBPyConnection, table: str, *, unit: str, file: CsvFile
) -> None:
    empty = connection.execute(
        f"SELECT row_number FROM {table} WHERE {unit} IS NULL OR trim({unit}) = ''"
        " ORDER BY row_number"
    ).fetchall()
    twice = connection.execute(
        f"""
        SELECT row_number, {unit} FROM {table} WHERE {unit} IS NOT NULL AND trim({unit}) <> ''
        QUALIFY row_number() OVER (PARTITION BY nfc_normalize({unit}) ORDER BY row_number) > 1
        ORDER BY row_number
        """
    ).fetchall()
    if empty or twice:
        rows = [f"row {number}: no id" for (number,) in empty[:20]]
        rows += [f"row {number}: {value!r} stood before" for number, value in twice[:20]]
        raise DataError(
            f"{file.path.name}: {counted(len(empty), 'row')} without an id,"
            f" {counted(len(twice), 'repeated id')}",
            rows=rows,
            count=len(empty) + len(twice),
            field=file.path.name,
            hint="everybody stands in the list once; remove these rows (row 1 is below the header)",
        )


def _keep_out(
    connection: duckdb.DuckDBPyConnection, plan: Plan, kept_out: KeptOut
) -> dict[str, int]:
    """Split ``everybody`` into ``hashed`` and those who get nothing; ``reason -> units``."""
    whys = []
    if kept_out.others:
        whys.append(
            "WHEN unit_ IN (SELECT unit FROM"
            f" read_parquet({files_sql(kept_out.others)}) WHERE wave > 0) THEN 'excluded'"
        )
    for number, listed in enumerate(kept_out.suppressed):
        name = f"suppressed_{number}"
        source = identifier(listed.column(plan.unit_column))
        connection.execute(
            f"CREATE TEMP TABLE {name} AS SELECT DISTINCT nfc_normalize({source}) AS unit_"
            f" FROM {listed.relation(connection)}"
        )
        whys.append(f"WHEN unit_ IN (SELECT unit_ FROM {name}) THEN 'suppressed'")
    if plan.holdout > 0:
        held = by_cuts(
            f"md5({literal(kept_out.holdout_salt)} || ':' || group_)",
            [plan.holdout, 1 - plan.holdout],
            ["'held out'", "''"],
        )
        whys.append(f"WHEN {held} <> '' THEN 'held out'")
    why = f"CASE {' '.join(whys)} ELSE '' END" if whys else "''"
    connection.execute(
        f"ALTER TABLE everybody ADD COLUMN why_ TEXT; UPDATE everybody SET why_ = {why}"
    )
    connection.execute("CREATE TEMP VIEW hashed AS SELECT * FROM everybody WHERE why_ = ''")
    return dict(
        connection.execute(
            "SELECT why_, count(*) FROM everybody WHERE why_ <> '' GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )


def _join_their_group(
    connection: duckdb.DuckDBPyConnection, plan: Plan, earlier: Sequence[Path]
) -> None:
    """Newcomers of a group that has its arm get that arm; of one that waits, they wait, too."""
    assert plan.unit_group is not None
    column = identifier(plan.unit_group)
    connection.execute(
        f"""
        CREATE TEMP TABLE settled AS
        SELECT nfc_normalize(coalesce(nullif(trim(listed.{column}), ''), unit)) AS group_,
          min(wave) AS wave_, min(arm) AS arm_
        FROM read_parquet({files_sql(earlier)}, union_by_name = true) GROUP BY 1
        """
    )
    connection.execute(
        f"""
        UPDATE placed SET arm_ = s.arm_,
          wave_ = CASE WHEN s.wave_ > 0 THEN placed.wave_ ELSE {REMAINDER} END
        FROM settled s WHERE s.group_ = placed.group_ AND s.wave_ >= 0
        """
    )


def _rank(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    *,
    sizes: Sequence[int],
    first_wave: int,
    rows: int,
) -> None:
    """Exact sizes: waves and arms are consecutive blocks of the hash order inside each stratum."""
    test = sum(sizes)
    ends = list(accumulate(sizes))
    # A group stands in one stratum, that of its first member in the order of the values.
    connection.execute(
        "CREATE TEMP TABLE ranked AS SELECT * REPLACE"
        " (min(stratum_) OVER (PARTITION BY group_) AS stratum_) FROM hashed"
    )
    strata = connection.execute(
        "SELECT stratum_, count(*) FROM ranked GROUP BY 1 ORDER BY 1"
    ).fetchall()
    # Running totals are rounded, not parts: every wave has its exact size over all strata, and
    # every stratum is off its proportional part by less than one unit or two.
    cells: list[tuple[str, int, int, int, str]] = []
    seen = tested = 0
    filled = [0] * len(sizes)
    for stratum, size in strata:
        seen += size
        share = round(test * seen / rows) - tested
        tested += share
        start = 0
        for index, end in enumerate(ends):
            due = round(tested * end / test) - sum(filled[: index + 1])
            part = max(0, min(due, share - start))
            filled[index] += part
            wave = first_wave + index
            # One stratum rounds to the nearest; many small ones must not all favour one arm.
            shift = rule.offset(plan.salt, wave=wave, stratum=stratum) if len(strata) > 1 else 0.5
            begin = 0
            cuts = rule.arm_cuts(part, shares=plan.shares, shift=shift)
            for arm, cut in zip(plan.arms, cuts, strict=True):
                if cut > begin:
                    cells.append((stratum, start + begin, start + cut, wave, arm.name))
                begin = max(begin, cut)
            start += part
        if size > start:
            cells.append((stratum, start, size, REMAINDER, ""))
    connection.execute(
        "CREATE TEMP TABLE cells (stratum_ TEXT, low BIGINT, high BIGINT, wave_ INT, arm_ TEXT)"
    )
    connection.executemany("INSERT INTO cells VALUES (?, ?, ?, ?, ?)", cells)
    connection.execute(
        """
        CREATE TEMP TABLE placed AS
        SELECT r.* EXCLUDE (rank_), c.wave_, c.arm_ FROM (
          SELECT * REPLACE (min(rank_) OVER (PARTITION BY group_) AS rank_) FROM (
            SELECT *,
              row_number() OVER (PARTITION BY stratum_ ORDER BY hash_, group_, unit_) - 1 AS rank_
            FROM ranked)) r
        JOIN cells c ON c.stratum_ = r.stratum_ AND r.rank_ >= c.low AND r.rank_ < c.high
        """
    )


def _independent(
    connection: duckdb.DuckDBPyConnection, plan: Plan, *, first_wave: int, later: bool
) -> None:
    """Each group on its own: arm, wave and membership in the test by three salted hashes."""
    salt = literal(plan.salt)
    waves = 1 if later else plan.waves
    arm = by_cuts("hash_", plan.shares, [literal(a.name) for a in plan.arms])
    wave = by_cuts(
        f"md5({salt} || ':wave:' || group_)",
        [1 / waves] * waves,
        [str(first_wave + i) for i in range(waves)],
    )
    tested = 1.0 if later else min(1.0, plan.test_size / (plan.list_size * (1 - plan.holdout)))
    inside = (
        by_cuts(f"md5({salt} || ':test:' || group_)", [tested, 1 - tested], ["true", "false"])
        if tested < 1
        else "true"
    )
    connection.execute(
        f"""
        CREATE TEMP TABLE placed AS
        SELECT *, CASE WHEN {inside} THEN {wave} ELSE {REMAINDER} END AS wave_,
          CASE WHEN {inside} THEN {arm} ELSE '' END AS arm_
        FROM hashed
        """
    )


def by_cuts(hashed: str, shares: Sequence[float], values: Sequence[str]) -> str:
    """SQL that gives ``values[i]`` to a share of all hashes: ``md5-v1`` as an expression.

    Args:
        hashed: SQL for the 32 hex digits.
        shares: Shares, summing to 1.
        values: SQL literals, one per share.
    """
    cuts = rule.cut_points(shares)
    whens = " ".join(
        f"WHEN substr({hashed}, 1, 8) < '{cut}' THEN {value}"
        for cut, value in zip(cuts, values[:-1], strict=True)
    )
    return f"CASE {whens} ELSE {values[-1]} END" if cuts else values[0]


def files_sql(paths: Sequence[Path]) -> str:
    """Paths as an SQL list, for ``read_parquet``."""
    return "[" + ", ".join(literal(str(path)) for path in paths) + "]"
