"""A CSV export as a table: spreadsheets' leftovers taken out, everything else kept or refused."""

from __future__ import annotations

import csv
import re
import secrets
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from testkit.adapters.model import Dropped
from testkit.engines.sources import SEPARATORS, CsvFile, identifier, open_csv
from testkit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

__all__ = ["Table", "folded", "load", "opened", "rows_of"]

TOTALS: Final = (
    r"^(?i:(?:grand )?totals?(?: rows?)?|total g[eé]n[eé]ral|totales|summe|gesamt(?:summe)?"
    r"|totals?:? .{0,40}|results? from \d.*|results? total)\s*:?$"
)
MOST_FOOTER_LINES: Final = 20
MOST_TITLE_LINES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of a file in a session.

    Attributes:
        name: Name of the table: ``row_number`` and the text columns.
        title: Name of the file.
        columns: The text columns.
        dropped: Lines that were no data.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    dropped: tuple[Dropped, ...] = ()

    def find(self, wanted: Sequence[str]) -> str:
        """The first of these columns that the file has; empty where it has none."""
        there = {folded(c): c for c in reversed(self.columns)}
        return next((there[folded(name)] for name in wanted if folded(name) in there), "")

    def cell(self, wanted: Sequence[str]) -> str:
        """That column as SQL text, NULL where there is none."""
        found = self.find(wanted)
        return identifier(found) if found else "NULL::VARCHAR"


def folded(name: str) -> str:
    """A column name with letter case, spaces, colons, dashes and a currency forgiven.

    Examples:
        >>> folded("Amount spent (USD)") == folded("Amount Spent")
        True
    """
    return re.sub(r"_\([a-z]{3}\)$", "", re.sub(r"[\s_:-]+", "_", name.strip().lower())).strip("_")


def opened(path: Path, *, encoding: str | None) -> CsvFile:
    """Like :func:`testkit.engines.sources.open_csv`, past a title above the header.

    Some exports start with the name of the report and its dates; the header is the first line
    with three cells or more, where at most ten shorter ones stand above it.
    """
    file = open_csv(path, encoding=encoding)
    if len(file.columns) > 2:
        return file
    with path.open(encoding=file.encoding, newline="") as source:
        start = [source.readline() for _ in range(file.skip + MOST_TITLE_LINES + 1)]
    for number, line in enumerate(start):
        for delimiter in SEPARATORS:
            cells = next(csv.reader([line], delimiter=delimiter), [])
            if len([c for c in cells if c.strip()]) > 2:
                return open_csv(path, encoding=encoding, skip=number)
    return file


def load(connection: duckdb.DuckDBPyConnection, file: CsvFile) -> Table:
    """Bring a file into a session, without empty lines and rows of totals.

    Raises:
        DataError: Lines that do not fit the header.
    """
    footer: tuple[str, ...] = ()
    try:
        name = file.relation(connection)
    except DataError as problem:
        with _without_footer(file, problem) as (shorter, lines):
            name, footer = shorter.relation(connection), lines
    columns = ", ".join(f"nullif(trim({identifier(c)}), '')" for c in file.columns)
    clean = f"clean_{secrets.token_hex(4)}"
    # Two letters are compared before the pattern: nearly every row ends there.
    connection.execute(
        f"CREATE TEMP TABLE {clean}_out AS SELECT row_number, first FROM"
        f" (SELECT row_number, coalesce({columns}, '') AS first FROM {name})"
        " WHERE first = '' OR (lower(left(first, 2)) IN ('to', 'gr', 'su', 'ge', 're')"
        " AND regexp_matches(first, ?))",
        [TOTALS],
    )
    out = connection.execute(
        f"SELECT first = '' AS blank, count(*), list(row_number ORDER BY row_number)[:20]"
        f" FROM {clean}_out GROUP BY blank ORDER BY blank"
    ).fetchall()
    dropped = [
        Dropped(
            why="empty lines" if blank else "rows of totals",
            count=count,
            examples=tuple(f"row {n}" for n in numbers),
        )
        for blank, count, numbers in out
    ]
    if dropped:
        connection.execute(
            f"DELETE FROM {name} WHERE row_number IN (SELECT row_number FROM {clean}_out)"
        )
    connection.execute(f"DROP TABLE {clean}_out")
    if footer:
        dropped.append(
            Dropped(why="lines of totals at the end", count=len(footer), examples=footer)
        )
    return Table(name=name, title=file.path.name, columns=file.columns, dropped=tuple(dropped))


@contextmanager
def _without_footer(file: CsvFile, problem: DataError) -> Iterator[tuple[CsvFile, tuple[str, ...]]]:
    """A copy that ends before the totals; the problem itself where that would not mend it."""
    kept_until, lines = _footer(file)
    if not lines or problem.count > len(lines):
        raise problem
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.path.name
        with (
            file.path.open(encoding=file.encoding, newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            for number, line in enumerate(source, start=1):
                if number > kept_until:
                    break
                target.write(line)
        yield replace(file, path=copy, encoding="utf-8-sig"), lines


def _footer(file: CsvFile) -> tuple[int, tuple[str, ...]]:
    """The last line of data, and the lines after it, where those are totals and blanks."""
    last, tail = 0, []
    with file.path.open(encoding=file.encoding, newline="") as source:
        for _ in range(file.skip):
            source.readline()
        reader = csv.reader(source, delimiter=file.delimiter)
        try:
            for cells in reader:
                first = next((c.strip() for c in cells if c.strip()), "")
                if len(cells) != len(file.columns) and re.search(TOTALS, first):
                    tail.append(f"line {reader.line_num + file.skip}: {first[:60]}")
                elif any(c.strip() for c in cells):
                    last, tail = reader.line_num + file.skip, []
                if len(tail) > MOST_FOOTER_LINES:
                    return 0, ()
        except csv.Error:
            return 0, ()
    return last, tuple(tail)


def rows_of(
    connection: duckdb.DuckDBPyConnection, table: Table, *, most: int
) -> list[tuple[int, dict[str, str]]]:
    """All rows of a small table: ``(row number, column -> text)``.

    Raises:
        DataError: More than ``most`` rows; such a table is none of messages or ads.
    """
    found = connection.execute(
        f"SELECT * FROM {table.name} ORDER BY row_number LIMIT {most + 1}"
    ).fetchall()
    if len(found) > most:
        raise DataError(
            f"{table.title} has more than {most:,} rows",
            count=len(found),
            field=table.title,
            hint="this form has a row per message or ad; is it another export?",
        )
    return [
        (row[0], dict(zip(table.columns, (cell or "" for cell in row[1:]), strict=True)))
        for row in found
    ]
