"""Ids of people led to other ids of the same people, through HMACs, in the session of the file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from testkit.adapters.identity import hmac_parameters, hmac_sql, normal_id_sql
from testkit.engines.sources import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import duckdb

    from testkit.engines.sources import CsvFile

__all__ = ["hashed_rows", "kinds_of_ids", "linked_people"]


def hashed_rows(
    connection: duckdb.DuckDBPyConnection, file: CsvFile, columns: Mapping[str, str], key: bytes
) -> list[dict[str, str]]:
    """Every row of a file as ``kind -> HMAC``; an id that cannot be one is left out.

    Args:
        connection: A session.
        file: The file.
        columns: ``kind of id -> column``.
        key: The organisation's key.
    """
    table = file.relation(connection)
    cells = ", ".join(
        f"{_spelled(kind, identifier(column))} AS {identifier(kind)}"
        for kind, column in columns.items()
    )
    connection.execute(f"CREATE TEMP TABLE spelled AS SELECT row_number, {cells} FROM {table}")
    hashed = ", ".join(
        f"CASE WHEN {identifier(kind)} IS NOT NULL"
        f" THEN {hmac_sql(literal(kind), identifier(kind))} END"
        for kind in columns
    )
    rows = connection.execute(
        f"SELECT {hashed} FROM spelled ORDER BY row_number", hmac_parameters(key)
    ).fetchall()
    return [{k: v for k, v in zip(columns, row, strict=True) if v is not None} for row in rows]


def _spelled(kind: str, cell: str) -> str:
    """A unit is spelled as lists are read; other ids in the one spelling of their kind."""
    if kind == "unit":
        return f"nullif(nfc_normalize(trim({cell})), '')"
    return normal_id_sql(kind, cell)


def kinds_of_ids(connection: duckdb.DuckDBPyConnection, events: str) -> set[str]:
    """Kinds of ids that the rows of a table of events name people by."""
    rows = connection.execute(
        f"SELECT id_kind FROM {events} UNION SELECT one.kind FROM"
        f" (SELECT unnest(ids) AS one FROM {events})"
    ).fetchall()
    return {kind for (kind,) in rows}


def linked_people(
    connection: duckdb.DuckDBPyConnection,
    events: str,
    lists: Sequence[tuple[Path, Mapping[str, str]]],
    *,
    known: Callable[[set[str]], Sequence[tuple[str, str, str]]],
    key: bytes,
) -> str:
    """A query of ids that the crosswalk leads to people of the list: ``id_kind, id, unit, arm``.

    An id that no event names stands as its HMAC: it says that the person could be found.
    A person who leads to two people of the list, or the other way round, leads nowhere.

    Args:
        connection: The session of the events; the rows are put there.
        events: Table of events with ``id_kind`` and ``id``.
        lists: Parquet files of the assigned lists, with ``kind of id -> column`` of each.
        known: Given kinds of ids: ``(kind, HMAC, person)`` of all that the crosswalk has.
        key: The organisation's key.

    Returns:
        The query; empty where nothing is linked, or the list has the ids of the events itself.
    """
    listed = {kind for _, ids in lists for kind in ids} | {"unit"}
    told = kinds_of_ids(connection, events)
    rows = known(listed | told)
    if not rows:
        return ""
    parameters = hmac_parameters(key)
    _load(connection, rows)
    parts = []
    for path, ids in lists:
        source = f"read_parquet({literal(str(path))})"
        cells = {"unit": "unit", **{k: f"listed.{identifier(c)}" for k, c in ids.items()}}
        parts += [
            f"SELECT unit, arm, {literal(kind)} AS kind, {_spelled(kind, cell)} AS id"
            f" FROM {source} WHERE wave > 0"
            for kind, cell in cells.items()
        ]
    connection.execute(
        f"CREATE TEMP TABLE crosswalk_people AS"
        f" SELECT i.person, min(l.unit) AS unit, min(l.arm) AS arm"
        f" FROM (SELECT unit, arm, kind, {hmac_sql('kind', 'id')} AS hmac"
        f" FROM ({' UNION ALL '.join(parts)}) WHERE id IS NOT NULL) l"
        f" JOIN crosswalk i USING (kind, hmac) GROUP BY i.person HAVING count(DISTINCT l.unit) = 1",
        parameters,
    )
    connection.execute(
        "DELETE FROM crosswalk_people WHERE unit IN"
        " (SELECT unit FROM crosswalk_people GROUP BY unit HAVING count(*) > 1)"
    )
    connection.execute(
        f"CREATE TEMP TABLE crosswalk_ids AS"
        f" SELECT id_kind, id, {hmac_sql('id_kind', 'id')} AS hmac"
        f" FROM (SELECT id_kind, id FROM {events} WHERE id IS NOT NULL UNION"
        f" SELECT one.kind, one.id FROM (SELECT unnest(ids) AS one FROM {events}))",
        parameters,
    )
    return (
        "SELECT i.kind AS id_kind, coalesce(e.id, i.hmac) AS id, p.unit, p.arm FROM crosswalk i"
        " JOIN crosswalk_people p USING (person)"
        " LEFT JOIN crosswalk_ids e ON e.id_kind = i.kind AND e.hmac = i.hmac"
        f" WHERE i.kind IN ({', '.join(map(literal, sorted(told)))})"
    )


def _load(connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[str, str, str]]) -> None:
    """Put the crosswalk into the session, by way of a file that holds HMACs: it is quicker."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crosswalk.csv"
        with path.open("w", encoding="ascii", newline="\n") as file:
            file.writelines(f"{kind},{value},{person}\n" for kind, value, person in rows)
        connection.execute(
            f"CREATE TEMP TABLE crosswalk AS SELECT * FROM read_csv({literal(str(path))},"
            " header = false, auto_detect = false, delim = ',',"
            " columns = {'kind': 'VARCHAR', 'hmac': 'VARCHAR', 'person': 'VARCHAR'})"
        )
