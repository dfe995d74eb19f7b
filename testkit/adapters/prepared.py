"""A reading in the form that intake takes: as if somebody had brought a CSV file with our columns.

People in an export are named by whatever id the tool has. The list that was assigned knows several
ids of each person, so an event is led to its unit through the list; how many people of each arm
can be found that way is a figure of its own, because a gap between arms would look like an effect.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from testkit.adapters.counts import latest
from testkit.adapters.events import gaps
from testkit.adapters.identity import normal_id_sql
from testkit.adapters.linking import kinds_of_ids
from testkit.adapters.model import ID_KINDS
from testkit.adapters.tables import folded
from testkit.engines.sources import CsvFile, identifier, literal
from testkit.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from testkit.adapters.model import Gap, Reading, Snapshot

__all__ = [
    "Deed",
    "Found",
    "Prepared",
    "counts_file",
    "handed_id_columns",
    "id_columns",
    "kinds_told",
    "placed_people",
    "units_file",
]

_SYNONYMS: Final = {
    "email": ("email", "email_address", "e-mail", "user__email_address", "donor_email"),
    "phone": ("phone", "cell", "cell_phone", "mobile", "phone_number", "can2_phone"),
    "vanid": ("vanid", "voter file vanid", "van_id"),
    "external_id": ("external_id", "external id"),
    "action_network": ("uuid", "action_network_id", "can2_id"),
    "actionkit": ("user_id", "actionkit_id"),
    "akid": ("akid",),
    "subscriber": ("subscriber_uuid",),
    "contact": ("contact_id", "contact id", "lead_id"),
    "member": ("email_id", "unique_email_id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a metric counts in an export.

    Attributes:
        kinds: Kinds of events: ``donated``, ``signup``, or the metric of a mapping.
        what: ``did`` (yes or no), ``amount`` (money, in whole currency) or ``value`` (a number).
    """

    kinds: tuple[str, ...]
    what: Literal["did", "amount", "value"] = "did"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How many people of an arm the export could tell of.

    Attributes:
        arm: The arm.
        kind: Kind of id that the export has.
        assigned: People assigned to the arm.
        reachable: Those of whom the list knows an id of that kind: the match rate's numerator.
        matched: Those whom the export names.
    """

    arm: str
    kind: str
    assigned: int
    reachable: int
    matched: int

    @property
    def rate(self) -> float | None:
        """Reachable over assigned; None for an empty arm."""
        return self.reachable / self.assigned if self.assigned else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(CsvFile):
    """A reading that can be read like a CSV file of ours.

    Attributes:
        table: The table with the rows, in the session that it was prepared in.
        found: Match rates by arm and kind of id; empty for counts, and where the export names
            people by the unit itself.
        strangers: Rows of people who are not in the list.
        gaps: What machines add to opens and clicks, by the arm that people were assigned to.
    """

    table: str
    found: tuple[Found, ...] = ()
    strangers: int = 0
    gaps: tuple[Gap, ...] = ()

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """The table; it holds only in the session that it was prepared in."""
        connection.execute(f"SELECT 1 FROM {self.table} LIMIT 0")
        return self.table


def id_columns(columns: Sequence[str]) -> dict[str, str]:
    """Which columns of a list hold which kind of id, by their names.

    Examples:
        >>> id_columns(["supporter_id", "Email Address", "Cell"])
        {'email': 'Email Address', 'phone': 'Cell'}
    """
    there = {folded(c): c for c in reversed(columns)}
    found = {
        kind: next((there[folded(n)] for n in names if folded(n) in there), "")
        for kind, names in _SYNONYMS.items()
    }
    return {kind: column for kind, column in found.items() if column}


def handed_id_columns(columns: Sequence[str], unit_column: str) -> dict[str, str]:
    """Like :func:`id_columns`, with the ids that a hand-back gives where the list has none.

    Examples:
        >>> handed_id_columns(["supporter_id", "Cell"], "supporter_id")
        {'external_id': 'supporter_id', 'phone': 'Cell'}
    """
    there = {folded(c): c for c in reversed(columns)}
    named: dict[str, str] = {
        kind: there[kind] for kind in ID_KINDS if kind != "unit" and kind in there
    }
    own = {"external_id": there[folded(unit_column)]} if folded(unit_column) in there else {}
    return {**own, **named, **id_columns(columns)}


def kinds_told(connection: duckdb.DuckDBPyConnection, reading: Reading) -> set[str]:
    """Kinds of deeds that the events of a reading tell of."""
    rows = connection.execute(f"SELECT DISTINCT kind FROM {reading.events}").fetchall()
    return {kind for (kind,) in rows}


def placed_people(
    path: Path, columns: Sequence[str], wanted: Sequence[str], given: Mapping[str, str]
) -> str:
    """A query of the placed people of a list, with the columns that a tool's form names.

    Args:
        path: Parquet file of the list.
        columns: Columns of the list.
        wanted: Names that the form may take.
        given: ``kind of id -> column``, where its name does not say it.

    Raises:
        InputError: A kind or column is not known.
    """
    there = {folded(c): c for c in reversed(columns)}
    strange = [kind for kind in given if kind not in ID_KINDS]
    if strange:
        raise InputError(
            f"{strange[0]!r} is no kind of id", field="id", value=strange[0],
            hint=", ".join(ID_KINDS),
        )  # fmt: skip
    missing = [name for name in given.values() if folded(name) not in there]
    if missing:
        raise InputError(
            f"the list has no column {missing[0]!r}",
            field="id",
            value=missing[0],
            hint=f"it has: {', '.join(columns[:20])}",
        )
    found = {
        **{name: there[folded(name)] for name in wanted if folded(name) in there},
        **id_columns(columns),
        **{kind: there[folded(name)] for kind, name in given.items()},
    }
    cells = {name: f"listed.{identifier(found[name])}" for name in wanted if name in found}
    for name in ("unit", "external_id"):  # the list's own id is the one that it gives others
        if name in wanted and name not in cells:
            cells[name] = "unit"
    picked = "".join(f", {cell} AS {identifier(name)}" for name, cell in cells.items())
    return f"SELECT arm, wave{picked} FROM read_parquet({literal(str(path))}) WHERE wave > 0"


def units_file(
    connection: duckdb.DuckDBPyConnection,
    reading: Reading,
    *,
    path: Path,
    unit_column: str,
    metrics: Mapping[str, Deed],
    people: str,
    linked: str = "",
) -> Prepared:
    """Events as rows of units: the unit's id, a column per metric, ``at``, ``arm``, ``machine``.

    Args:
        connection: The session of the reading.
        reading: Events.
        path: The file that was read, for messages.
        unit_column: What the plan calls the unit's id.
        metrics: ``metric -> what counts as it``.
        people: A query of the assigned list: ``unit``, ``arm``, and a text column for each kind of
            id that the list has, called by its kind.
        linked: A query of ids that the list has not: ``id_kind, id, unit, arm``; the crosswalk's.

    Returns:
        A file whose relation has a row per event that some metric counts; a person who is not in
        the list stands under the id that the tool has for them.

    Raises:
        DataError: No row tells of any of the metrics.
        InputError: The list knows none of the kinds of ids that the export has.
    """
    if reading.form != "events":
        raise InputError(f"{reading.file} holds {reading.form}, no rows of people", field="file")
    name = f"prepared_{secrets.token_hex(4)}"
    wanted = sorted({kind for deed in metrics.values() for kind in deed.kinds})
    listed = ", ".join(map(literal, wanted)) or "NULL"
    kinds = sorted(kinds_of_ids(connection, reading.events))
    connection.execute(f"CREATE TEMP TABLE {name}_people AS SELECT * FROM ({people})")
    columns = {c[0] for c in connection.execute(f"DESCRIBE {name}_people").fetchall()}
    known = [k for k in kinds if k == "unit" or (k in columns and k in ID_KINDS)]
    through = f"SELECT * FROM ({linked})" if linked else ""
    if linked:
        led = connection.execute(f"SELECT DISTINCT id_kind FROM ({linked})").fetchall()
        known = sorted({*known, *(kind for (kind,) in led if kind in kinds)})
    if not known:
        raise InputError(
            f"{reading.file} names people by {' and '.join(kinds)}, the list has no such column",
            field="list",
            hint="`crosswalk add FILE` with a file that has both ids leads them to each other",
        )
    ids = " UNION ALL ".join(
        [
            f"SELECT {literal(k)} AS id_kind, {_spelled(k)} AS id, unit, arm FROM {name}_people"
            for k in known
            if k == "unit" or k in columns
        ]
        + ([through] if through else [])
    )
    connection.execute(
        f"""
        CREATE TEMP TABLE {name}_ids AS
        SELECT id_kind, id, min(unit) AS unit, min(arm) AS arm FROM ({ids})
        WHERE id IS NOT NULL GROUP BY id_kind, id HAVING min(unit) = max(unit)
        """
    )
    _by_another_id(connection, reading.events, f"{name}_ids")
    cells = ", ".join(f"{_cell(deed)} AS {identifier(m)}" for m, deed in metrics.items())
    connection.execute(
        f"""
        CREATE TEMP TABLE {name} AS
        SELECT e.n AS row_number, coalesce(p.unit, e.id) AS {identifier(unit_column)},
          {cells},
          strftime(e.done_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS "at",
          coalesce(e.arm, '') AS arm, CASE WHEN e.machine THEN '1' ELSE '0' END AS machine,
          p.unit IS NULL AS stranger, e.id_kind
        FROM {reading.events} e LEFT JOIN {name}_ids p ON p.id_kind = e.id_kind AND p.id = e.id
        WHERE e.kind IN ({listed})
        """
    )
    row = connection.execute(f"SELECT count(*), count(*) FILTER (WHERE stranger) FROM {name}")
    count, strangers = row.fetchone() or (0, 0)
    if not count:
        raise DataError(
            f"{reading.file} tells of no {' or '.join(wanted)}",
            count=0,
            field=reading.file,
            hint=f"it tells of {_told(connection, reading) or 'nothing'}",
        )
    found = tuple(
        Found(arm=arm, kind=kind, assigned=assigned, reachable=reachable, matched=matched)
        for kind in known
        if kind != "unit"
        for arm, assigned, reachable, matched in connection.execute(
            f"""
            SELECT l.arm, count(*), count(i.unit), count(m.unit)
            FROM (SELECT DISTINCT unit, arm FROM {name}_people) l
            LEFT JOIN (SELECT DISTINCT unit FROM {name}_ids WHERE id_kind = {literal(kind)}) i
              ON i.unit = l.unit
            LEFT JOIN (SELECT DISTINCT i.unit FROM {reading.events} e JOIN {name}_ids i
                ON i.id_kind = e.id_kind AND i.id = e.id WHERE e.id_kind = {literal(kind)}) m
              ON m.unit = l.unit
            GROUP BY l.arm ORDER BY l.arm
            """
        ).fetchall()
    )
    connection.execute(
        f"""
        CREATE TEMP TABLE {name}_opened AS
        SELECT i.unit AS id, i.arm, e.kind, e.machine, e.machine_why
        FROM {reading.events} e JOIN {name}_ids i ON i.id_kind = e.id_kind AND i.id = e.id
        WHERE e.kind IN ('opened', 'clicked')
        """
    )
    made = gaps(connection, f"{name}_opened")
    connection.execute(f"DROP TABLE {name}_opened")
    connection.execute(f"DROP TABLE {name}_ids")
    connection.execute(f"DROP TABLE {name}_people")
    plain = _prepared(reading, path, name, (unit_column, *metrics, "at", "arm", "machine"))
    return replace(plain, found=found, strangers=strangers, gaps=made)


def _by_another_id(connection: duckdb.DuckDBPyConnection, events: str, ids: str) -> None:
    """Whom the first id of a row does not lead to the list, its next one names instead."""
    connection.execute(
        f"""
        UPDATE {events} AS e SET id_kind = o.kind, id = o.id FROM (
          SELECT r, arg_min(i.id_kind, place) AS kind, arg_min(i.id, place) AS id FROM (
            SELECT e.rowid AS r, unnest(e.ids) AS other, generate_subscripts(e.ids, 1) AS place
            FROM {events} e ANTI JOIN {ids} i ON i.id_kind = e.id_kind AND i.id = e.id
            WHERE len(e.ids) > 1) x
          JOIN {ids} i ON i.id_kind = x.other.kind AND i.id = x.other.id
          GROUP BY r) o
        WHERE e.rowid = o.r
        """
    )


def _spelled(kind: str) -> str:
    return "nfc_normalize(trim(unit))" if kind == "unit" else normal_id_sql(kind, identifier(kind))


def _cell(deed: Deed) -> str:
    """An empty cell where the event is none of the metric's: it counts for nothing."""
    mine = f"e.kind IN ({', '.join(map(literal, deed.kinds))})"
    match deed.what:
        case "amount":
            value = "printf('%.2f', e.amount_cents / 100.0)"
        case "value":
            value = "printf('%.15g', e.value)"
        case _:
            value = "CASE WHEN e.value > 0 THEN '1' ELSE '0' END"
    return f"CASE WHEN {mine} THEN coalesce({value}, '') ELSE '' END"


def _told(connection: duckdb.DuckDBPyConnection, reading: Reading) -> str:
    rows = connection.execute(
        f"SELECT kind, count(*) FROM {reading.events} GROUP BY kind ORDER BY kind"
    ).fetchall()
    return ", ".join(f"{kind} ({count:,})" for kind, count in rows)


def counts_file(
    connection: duckdb.DuckDBPyConnection,
    reading: Reading,
    *,
    path: Path,
    metrics: Mapping[str, str],
    units: str = "",
) -> Prepared:
    """Snapshots as rows of messages: arm, wave, units, a column per metric, message, as of when.

    Of several snapshots of a message in the file the newest counts. A later file is compared
    message by message, so each keeps its own row; those of one arm and wave add up when read.

    Args:
        connection: The session that the rows go to.
        reading: Snapshots.
        path: The file that was read, for messages.
        metrics: ``metric -> name of the count`` (``clicked``, ``actions`` ..., or ``amount``).
        units: Name of the count that is the denominator; empty takes ``assigned`` where every
            message has it, else ``sent``.

    Raises:
        DataError: Some message lacks a count, or stands twice for one time.
    """
    if reading.form != "snapshots":
        raise InputError(f"{reading.file} holds {reading.form}, no counts", field="file")
    if not units:
        all_assigned = all("assigned" in s.counts for s in reading.snapshots)
        units = "assigned" if all_assigned else "sent"
    times = Counter((*one.key, one.as_of) for one in reading.snapshots)
    twice = [f"{m}: wave {w or 'not said'}, {a}" for (m, w, a, _), n in times.items() if n > 1]
    if twice:
        raise DataError(
            f"{reading.file}: a message stands twice for one time",
            rows=twice,
            field=reading.file,
            hint="which is the newer? say when each was counted, or name their messages apart",
        )
    rows: list[list[str]] = []
    lacking = []
    waves = any(one.wave is not None for one in reading.snapshots)
    for one in latest(reading.snapshots):
        numbers = [_count(one, name) for name in (units, *metrics.values())]
        if None in numbers:
            absent = (units, *metrics.values())[numbers.index(None)]
            lacking.append(f"{one.label}: no {absent} (it has {', '.join(one.counts)})")
            continue
        wave = [] if not waves else ["" if one.wave is None else str(one.wave)]
        numbered = [f"{n:.15g}" for n in numbers if n is not None]
        rows.append([one.arm, *numbered, one.message, one.as_of, *wave])
    if lacking:
        raise DataError(
            f"{reading.file} does not say everything that is asked of it",
            rows=lacking,
            field=reading.file,
            hint="name counts that the tool gives",
        )
    name = f"prepared_{secrets.token_hex(4)}"
    columns = ("arm", "units", *metrics, "message", "as_of", *(("wave",) if waves else ()))
    made = ", ".join(f"{identifier(c)} VARCHAR" for c in columns)
    connection.execute(f"CREATE TEMP TABLE {name} (row_number BIGINT, {made})")
    marks = ", ".join("?" * (len(columns) + 1))
    for number, row in enumerate(rows, start=1):
        connection.execute(f"INSERT INTO {name} VALUES ({marks})", [number, *row])
    return _prepared(reading, path, name, columns)


def _count(one: Snapshot, name: str) -> float | None:
    if name == "amount" and one.amount_cents is not None:
        return one.amount_cents / 100
    return one.counts.get(name)


def _prepared(reading: Reading, path: Path, table: str, columns: tuple[str, ...]) -> Prepared:
    return Prepared(
        path=path,
        sha256=reading.sha256,
        encoding="utf-8",
        delimiter=",",
        columns=columns,
        table=table,
    )
