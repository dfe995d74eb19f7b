"""Files that people bring: CSV read and written through DuckDB, guarded on both ways.

Everything is read as text: an id keeps its leading zeros, and a bad number is our error with its
row, not the reader's guess. What we write cannot start a formula in a spreadsheet.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from testkit.errors import DataError, InputError
from testkit.kernel.digest import digest_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

__all__ = [
    "SEPARATORS",
    "CsvFile",
    "identifier",
    "literal",
    "open_csv",
    "session",
    "store_parquet",
    "write_csv",
]

SNIFF_BYTES: Final = 64 * 1024
MAX_COLUMNS: Final = 2000
SEPARATORS: Final = ",;\t|"
PLAIN_NUMBER: Final = r"^[+-]?[0-9][0-9 ().,:/-]*$"
"""Cells such as ``-5`` and ``+1 555 0100``: no formula, although they start like one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvFile:
    """A CSV file that can be read.

    Attributes:
        path: Where it is.
        sha256: Digest of its bytes.
        encoding: Python's name of the encoding.
        delimiter: One character.
        columns: Header names in order, spaces around them dropped; a repeated name gets ``_1``.
        skip: Lines above the header: empty ones, and Excel's ``sep=;``.
    """

    path: Path
    sha256: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    skip: int = 0

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """Make the rows available as a view of text columns; returns its name.

        The view has a column ``row_number`` with the line's place below the header, from 1.

        Raises:
            DataError: Lines that do not have the header's number of cells, with their numbers.
        """
        import duckdb

        name = f"csv_{secrets.token_hex(4)}"
        try:
            with self._as_utf8() as readable:
                connection.execute(
                    f"""
                    CREATE TEMP TABLE {name} AS
                    SELECT row_number() OVER () AS row_number, *
                    FROM read_csv({literal(str(readable))}, header = true, auto_detect = false,
                      delim = {literal(self.delimiter)}, quote = '"', escape = '"',
                      columns = {{{", ".join(f"{literal(c)}: 'VARCHAR'" for c in self.columns)}}},
                      strict_mode = true, max_line_size = 1000000, skip = {self.skip})
                    """
                )
        except duckdb.Error as cause:
            raise self._unreadable(cause) from cause
        return name

    @contextmanager
    def _as_utf8(self) -> Iterator[Path]:
        """The file itself, or a copy in UTF-8, the one encoding that every reader agrees on."""
        if self.encoding == "utf-8-sig":
            yield self.path
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy.csv"
            with (
                self.path.open(encoding=self.encoding, newline="") as source,
                copy.open("w", encoding="utf-8", newline="") as target,
            ):
                shutil.copyfileobj(source, target, 1 << 20)
            yield copy

    def _unreadable(self, cause: Exception) -> DataError:
        """Find the bad lines ourselves: the reader stops at the first."""
        bad: list[str] = []
        count = 0
        with self.path.open(encoding=self.encoding, newline="") as file:
            try:
                for _ in range(self.skip):
                    file.readline()
                reader = csv.reader(file, delimiter=self.delimiter, strict=True)
                next(reader)
                for cells in reader:
                    if cells and len(cells) != len(self.columns):
                        count += 1
                        if len(bad) < 20:
                            bad.append(
                                f"line {reader.line_num + self.skip}: {len(cells)} cells,"
                                f" the header has {len(self.columns)}"
                            )
            except (csv.Error, UnicodeDecodeError) as problem:
                count += 1
                bad.append(f"line {reader.line_num + 1 + self.skip}: {problem}")
        if not bad:
            bad, count = [str(cause).splitlines()[0]], 1
        return DataError(
            f"{self.path.name}: lines that do not fit the header",
            rows=bad,
            count=count,
            field=self.path.name,
            hint="check quotes and separators in these lines; nothing was taken in",
        )

    def column(self, wanted: str) -> str:
        """The column of that name, letter case and spaces forgiven.

        Raises:
            InputError: There is none; the columns there are, and a close one, are named.
        """
        folded = {_folded(c): c for c in self.columns}
        if wanted in self.columns:
            return wanted
        if _folded(wanted) in folded:
            return folded[_folded(wanted)]
        import difflib

        near = difflib.get_close_matches(_folded(wanted), folded, n=1)
        suggestion = f"did you mean {folded[near[0]]!r}? " if near else ""
        raise InputError(
            f"{self.path.name} has no column {wanted!r}",
            field=wanted,
            hint=f"{suggestion}it has: {', '.join(self.columns[:20])}",
        )

    def has(self, wanted: str) -> bool:
        """Whether :meth:`column` would find it."""
        return _folded(wanted) in {_folded(c) for c in self.columns}


def open_csv(path: Path, *, encoding: str | None = None, skip: int = 0) -> CsvFile:
    """Look at a CSV file: encoding, separator, header.

    Args:
        path: The file.
        encoding: Name of the encoding; None takes UTF-8, or UTF-16 where a byte-order mark says so.
        skip: Lines above the header that hold something else, such as a title.

    Raises:
        InputError: Missing, empty, not text in that encoding, or without a usable header.
    """
    try:
        with path.open("rb") as file:
            start = file.read(SNIFF_BYTES)
    except OSError as cause:
        raise InputError(
            f"cannot read {path}: {cause.strerror}", field="file", value=str(path)
        ) from cause
    if not start.strip():
        raise InputError(f"{path.name} is empty", field="file", value=str(path))
    if encoding is None:
        encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    normal = _codec(encoding)
    _require_text(path, encoding=normal)
    with path.open(encoding=normal, newline="") as file:
        head = file.read(SNIFF_BYTES)
    lines = list(io.StringIO(head, newline=""))
    above, told = _lines_above(lines[skip:])
    skip += above
    delimiter, names = _header("".join(lines[skip:]), told=told)
    if not any(names):
        raise InputError(f"{path.name} has no header line", field="file", value=str(path))
    if len(names) > MAX_COLUMNS:
        raise InputError(
            f"{path.name} has {len(names):,} columns, at most {MAX_COLUMNS:,} are read",
            field="file",
            value=str(path),
            hint="is this a CSV file with a header line?",
        )
    return CsvFile(
        path=path,
        sha256=digest_file(path),
        encoding=normal,
        delimiter=delimiter,
        columns=tuple(_distinct(names)),
        skip=skip,
    )


def _lines_above(lines: Sequence[str]) -> tuple[int, str]:
    """How many lines stand above the header, and the separator that Excel's ``sep=`` names."""
    told = ""
    for number, line in enumerate(lines):
        hint = re.fullmatch(r"sep=(.)", line.strip("\r\n"))
        if hint and not told:
            told = hint[1]
        elif line.strip():
            return number, told
    return 0, told


def _header(text: str, *, told: str) -> tuple[str, list[str]]:
    """Separator and cells of the first record: the separator that gives the most cells."""
    found: list[tuple[str, list[str]]] = []
    for delimiter in [told] if told else SEPARATORS:
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        except csv.Error:  # a quote that nothing closes: not with this separator
            continue
        found.append((delimiter, [cell.strip() for cell in cells]))
    return max(found, key=lambda f: len(f[1])) if found else (",", [])


def _require_text(path: Path, *, encoding: str) -> None:
    """Decode the whole file once, to name the first line that is not in the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    with path.open("rb") as file:
        ended = False
        while not ended:
            piece = file.read(1 << 20)
            ended = not piece
            try:
                text = decoder.decode(piece, final=ended)
            except UnicodeDecodeError as cause:
                before = piece[: cause.start].count(b"\n")
                raise InputError(
                    f"{path.name}: line {lines + before} is not"
                    f" {encoding.removesuffix('-sig').upper()} text",
                    field="file",
                    value=str(path),
                    hint="save it as UTF-8, or name the encoding: --encoding cp1252",
                ) from cause
            if "\0" in text:
                before = text[: text.index("\0")].count("\n")
                raise InputError(
                    f"{path.name} is not a text file: line {lines + before} holds a zero byte",
                    field="file",
                    value=str(path),
                )
            lines += text.count("\n")


def _codec(name: str) -> str:
    try:
        found = codecs.lookup(name).name
        "".encode(found)  # refuses codecs that are not text, such as zlib
    except LookupError as cause:
        raise InputError(
            f"no text encoding {name!r}",
            field="encoding",
            value=name,
            hint="use utf-8, utf-16, latin-1 or cp1252",
        ) from cause
    return "utf-8-sig" if found in {"utf-8", "ascii", "utf-8-sig"} else found


def _distinct(names: Sequence[str]) -> list[str]:
    out: list[str] = []
    taken = {"row_number"}  # ours, see CsvFile.relation
    for position, name in enumerate(names):
        base = name or f"column_{position + 1}"
        candidate, count = base, 0
        while candidate.lower() in taken:
            count += 1
            candidate = f"{base}_{count}"
        taken.add(candidate.lower())
        out.append(candidate)
    return out


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def identifier(name: str) -> str:
    """A column name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection in memory that loads nothing from the network."""
    import duckdb

    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "threads": str(min(4, os.cpu_count() or 1)),
        }
    )
    try:
        # The bar would be written into our own output.
        connection.execute("SET enable_progress_bar = false")
        yield connection
    finally:
        connection.close()


def store_parquet(
    connection: duckdb.DuckDBPyConnection, query: str, *, folder: Path
) -> tuple[str, Path]:
    """Write a query's rows as an immutable Parquet file named by its SHA-256.

    Args:
        connection: Where the query runs.
        query: A SELECT.
        folder: Where the file goes.

    Returns:
        Digest and path. The file is complete the moment it has its name; the same rows in the same
        order give the same name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{secrets.token_hex(6)}.partial"
    try:
        connection.execute(
            f"COPY ({query}) TO {literal(str(partial))} (FORMAT parquet, COMPRESSION zstd)"
        )
        sha = digest_file(partial)
        target = folder / f"{sha}.parquet"
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return sha, target


def write_csv(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    *,
    columns: Sequence[str],
    target: Path,
    bom: bool = False,
) -> int:
    """Write a query's text columns as CSV; no cell can start a formula.

    Args:
        connection: Where the query runs.
        query: A SELECT of text columns.
        columns: The columns to write, in order.
        target: The file; replaced whole.
        bom: Start with a byte-order mark, without which Excel reads accents wrongly.

    Returns:
        How many rows were written.
    """
    cells = ", ".join(
        f"CASE WHEN regexp_matches({i}, '^[=+\\-@\\t\\r]')"
        f" AND NOT regexp_matches({i}, '{PLAIN_NUMBER}')"
        f" THEN chr(39) || {i} ELSE {i} END AS {i}"
        for i in map(identifier, columns)
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        written = connection.execute(
            f"COPY (SELECT {cells} FROM ({query})) TO {literal(str(partial))}"
            " (FORMAT csv, HEADER true)"
        ).fetchone()
        if bom:
            _mark(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return int(written[0]) if written else 0


def _mark(path: Path) -> None:
    """Put a byte-order mark in front of a file."""
    marked = path.with_name(f"{path.name}.bom")
    try:
        with path.open("rb") as source, marked.open("wb") as target:
            target.write(codecs.BOM_UTF8)
            shutil.copyfileobj(source, target, 1 << 20)
        marked.replace(path)
    finally:
        marked.unlink(missing_ok=True)
