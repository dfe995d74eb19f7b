"""Values as a small HTML table, for notebooks. Escapes everything; no style, no script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["table_html"]


def table_html(caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table with a caption; None is shown as a dash, numbers with four digits.

    Args:
        caption: What it shows.
        head: Names of the columns.
        rows: One sequence per row, as long as ``head``.

    Examples:
        >>> table_html("a & b", ["x"], [[0.123456]])
        '<table><caption>a &amp; b</caption><tr><th>x</th></tr><tr><td>0.1235</td></tr></table>'
    """
    lines = ["".join(f"<th>{escape(name)}</th>" for name in head)]
    lines += ["".join(f"<td>{escape(_shown(cell))}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><caption>{escape(caption)}</caption>{body}</table>"


def _shown(cell: object) -> str:
    if cell is None:
        return "-"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
