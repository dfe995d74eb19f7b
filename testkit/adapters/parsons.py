"""Tables of Parsons, taken and given where it is installed; it is never needed.

A ``parsons.Table`` is known by what it can do, not by its class: it says its ``columns`` and gives
its rows as dictionaries. So an import of Parsons happens only when one is to be made.
"""

from __future__ import annotations

import csv
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testkit.errors import InputError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["as_file", "is_table", "to_table"]


def is_table(value: Any) -> bool:
    """Whether a value behaves like a ``parsons.Table``."""
    return hasattr(value, "columns") and hasattr(value, "num_rows") and hasattr(value, "__iter__")


@contextmanager
def as_file(table: Any) -> Iterator[Path]:
    """The table as a CSV file, for as long as it is read.

    Raises:
        InputError: The value is no such table.
    """
    if not is_table(table):
        raise InputError(
            f"a file or a parsons.Table is needed, not {type(table).__name__}", field="source"
        )
    columns = [str(name) for name in table.columns]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parsons-table.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in table:
                writer.writerow([_cell(row.get(name)) for name in table.columns])
        yield path


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def to_table(rows: Sequence[Mapping[str, Any]]) -> Any:
    """The rows as a ``parsons.Table``.

    Raises:
        StateError: Parsons is not installed.
    """
    try:
        from parsons import Table
    except ImportError as cause:
        raise StateError(
            "Parsons is not installed", hint="install it beside whistlestop: pip install parsons"
        ) from cause
    return Table([dict(row) for row in rows])
