"""JSON as tools answer it, and lines of JSON as they send it: turned into rows of text.

A record's keys become column names, nested ones with dots (``opens.unique_opens``). A document is
read whole and therefore bounded; lines are read by DuckDB and may be many.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, Final

from testkit.adapters.tables import Table
from testkit.engines.sources import identifier, literal
from testkit.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from testkit.adapters.model import Adapter

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "flat",
    "lines_table",
    "read_document",
    "records_in",
    "records_table",
]

MAX_DOCUMENT_BYTES: Final = 50_000_000
MAX_DEPTH: Final = 12
MAX_LINE_BYTES: Final = 4_000_000


def read_document(path: Path) -> Any:
    """The values of a JSON file.

    Raises:
        InputError: Too large, not UTF-8, not JSON, or nested without end.
    """
    try:
        size = path.stat().st_size
        if size > MAX_DOCUMENT_BYTES:
            raise InputError(
                f"{path.name} is larger than {MAX_DOCUMENT_BYTES // 1_000_000} MB",
                field="file",
                value=str(path),
                hint="a document is read whole; ask the tool for one message at a time",
            )
        return json.loads(path.read_bytes().decode("utf-8-sig"), parse_constant=_no_constant)
    except OSError as cause:
        raise InputError(
            f"cannot read {path}: {cause.strerror}", field="file", value=str(path)
        ) from cause
    except (ValueError, RecursionError) as cause:
        if isinstance(cause, InputError):
            raise
        told = "nested too deeply" if isinstance(cause, RecursionError) else str(cause)[:120]
        raise InputError(
            f"{path.name} is not usable JSON: {told}", field="file", value=str(path)
        ) from cause


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def records_in(
    document: Any, paths: Sequence[str], *, each: str = "", above: Sequence[str] = ()
) -> list[dict[str, str]]:
    """The records of a document as flat rows: those under the first path that leads to any.

    Args:
        document: What :func:`read_document` gave.
        paths: Dotted paths, tried in order; an empty one is the document itself.
        each: A list inside a record, every entry of which makes a row.
        above: Keys of the object that holds the list of records; each row has them as ``..key``.
    """
    for path in paths or ("",):
        *way, last = path.split(".")
        whole = [
            (record, holder)
            for holder in _opened(_follow([document], way) if path else [])
            for record in _opened(_follow([holder], [last]))
            if isinstance(record, dict)
        ]
        if not path:
            whole = [(record, {}) for record in _opened([document]) if isinstance(record, dict)]
        if whole:
            return [
                {**flat(row), **{f"..{key}": str(holder.get(key) or "") for key in above}}
                for record, holder in whole
                for row in _spread(record, each)
            ]
    return []


def _opened(found: list[Any]) -> list[Any]:
    return [inner for item in found for inner in (item if isinstance(item, list) else [item])]


def _follow(found: list[Any], keys: Sequence[str]) -> list[Any]:
    for key in keys:
        found = [item[key] for item in _opened(found) if isinstance(item, dict) and key in item]
    return found


def _spread(record: dict[str, Any], each: str) -> list[dict[str, Any]]:
    inner = record.get(each) if each else None
    return [{**record, each: entry} for entry in inner] if isinstance(inner, list) else [record]


def flat(record: Mapping[str, Any]) -> dict[str, str]:
    """Dotted key -> text; the first entry of a list stands under ``[0]``.

    Examples:
        >>> flat({"a": {"b": 1}, "ids": ["x"], "c": None})
        {'a.b': '1', 'ids[0]': 'x', 'c': ''}
    """
    return dict(_pairs(record, "", 0))


def _pairs(value: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > MAX_DEPTH:
        return
    match value:
        case dict():
            for key, inner in value.items():
                yield from _pairs(inner, f"{name}.{key}" if name else str(key), depth + 1)
        case list():
            if value:
                yield from _pairs(value[0], f"{name}[0]", depth + 1)
        case None:
            yield name, ""
        case bool():
            yield name, str(value).lower()
        case float():
            yield name, f"{value:.15g}"
        case _:
            yield name, str(value)


def records_table(
    connection: duckdb.DuckDBPyConnection, records: Sequence[Mapping[str, str]], *, title: str
) -> Table:
    """Flat records as a table in a session, for forms that are read as events."""
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    name = f"records_{secrets.token_hex(4)}"
    listed = ", ".join(f"{identifier(c)} VARCHAR" for c in columns)
    connection.execute(f"CREATE TEMP TABLE {name} (row_number BIGINT, {listed})")
    marks = ", ".join("?" * (len(columns) + 1))
    rows = [[i, *(r.get(c) for c in columns)] for i, r in enumerate(records, start=1)]
    if rows:
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    return Table(name=name, title=title, columns=columns)


def lines_table(connection: duckdb.DuckDBPyConnection, path: Path, adapter: Adapter) -> Table:
    """Lines of JSON as a table with a text column for every key that the adapter speaks of.

    A line may hold one event or a list of events, as web hooks are posted.

    Raises:
        DataError: Lines that are not JSON, with their numbers.
    """
    import duckdb

    lines = f"lines_{secrets.token_hex(4)}"
    try:
        connection.execute(
            f"""
            CREATE TEMP TABLE {lines} AS
            SELECT row_number() OVER () AS n, json FROM read_json_objects({literal(str(path))},
              format = 'newline_delimited', ignore_errors = true,
              maximum_object_size = {MAX_LINE_BYTES})
            """
        )
    except duckdb.Error as cause:
        raise InputError(
            f"{path.name} cannot be read as lines of JSON: {str(cause).splitlines()[0][:120]}",
            field="file",
            value=str(path),
        ) from cause
    bad = connection.execute(
        f"SELECT n, count(*) OVER () FROM {lines} WHERE json IS NULL"
        " OR json_type(json) NOT IN ('OBJECT', 'ARRAY') ORDER BY n LIMIT 20"
    ).fetchall()
    if bad:
        raise DataError(
            f"{path.name}: lines that are not JSON objects",
            rows=[f"line {n}" for n, _ in bad],
            count=bad[0][1],
            field=path.name,
            hint="one event, or one list of events, on each line; nothing was taken in",
        )
    wanted = adapter.columns.names()
    cells = ", ".join(f"event ->> {literal(_path(name))} AS {identifier(name)}" for name in wanted)
    name = f"events_in_{secrets.token_hex(4)}"
    connection.execute(
        f"""
        CREATE TEMP TABLE {name} AS
        WITH listed AS (SELECT n, unnest(CASE json_type(json) WHEN 'ARRAY'
            THEN from_json(json, '["JSON"]') ELSE [json] END) AS event FROM {lines})
        SELECT row_number() OVER (ORDER BY n) AS row_number, {cells} FROM listed
        WHERE json_type(event) = 'OBJECT'
        """
    )
    connection.execute(f"DROP TABLE {lines}")
    there = connection.execute(
        "SELECT " + ", ".join(f"count({identifier(c)})" for c in wanted) + f" FROM {name}"
    ).fetchone()
    present = tuple(c for c, count in zip(wanted, there or (), strict=True) if count)
    return Table(name=name, title=path.name, columns=present)


def _path(name: str) -> str:
    """``event-data.client-info.bot`` as a JSON path."""
    steps = []
    for part in name.split("."):
        key, bracket, rest = part.partition("[")
        steps.append(f'."{key}"' + bracket + rest)
    return "$" + "".join(steps)
