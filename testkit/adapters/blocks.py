"""Mailchimp's campaign report: a CSV file of labelled lines in blocks, no table.

One block describes the whole message, a block ``Combination N Stats`` each part of a test.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.engines.sources import open_csv
from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Blocks", "read_blocks", "starts_like_a_report"]

TITLES: Final = ("email campaign report", "campaign report")
MOST_LINES: Final = 20_000
_COMBINATION: Final = re.compile(r"^combination\s+(\d+)\s+stats$", re.IGNORECASE)
_WINNER: Final = re.compile(r"^winn(?:er|ing)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """A report.

    Attributes:
        rows: ``(line of the block, label -> text)``, a row per arm; a single message is one row.
        winners: Blocks about what was sent to the rest.
    """

    rows: tuple[tuple[int, Mapping[str, str]], ...]
    winners: tuple[str, ...]


def starts_like_a_report(first: str) -> bool:
    """Whether the first line of a file is the title of such a report."""
    return first.strip().strip('"').strip().lower() in TITLES


def read_blocks(path: Path, *, encoding: str | None) -> Blocks:
    """Read a report.

    Raises:
        InputError: It is none, or holds no counts.
    """
    file = open_csv(path, encoding=encoding)
    common: dict[str, str] = {}
    blocks: list[tuple[int, str, dict[str, str]]] = []
    current = common
    with path.open(encoding=file.encoding, newline="") as source:
        reader = csv.reader(source)
        try:
            for cells in reader:
                filled = [c.strip() for c in cells if c.strip()]
                if reader.line_num > MOST_LINES:
                    break
                if len(filled) == 1 and not filled[0].endswith(":"):
                    if _COMBINATION.match(filled[0]) or _WINNER.match(filled[0]):
                        current = {}
                        blocks.append((reader.line_num, filled[0], current))
                    elif blocks:
                        current = {}  # what follows the combinations belongs to none of them
                elif len(filled) >= 2 and filled[0].endswith(":"):
                    current.setdefault(filled[0], filled[1])
        except csv.Error as cause:
            raise InputError(
                f"{path.name}: line {reader.line_num + 1}: {cause}", field="file", value=str(path)
            ) from cause
    winners = tuple(title for _, title, _ in blocks if _WINNER.match(title))
    title = common.get("Title:", path.stem)
    rows: list[tuple[int, Mapping[str, str]]] = []
    for line, name, values in blocks:
        found = _COMBINATION.match(name)
        if found:
            told = {
                "Message:": f"{title}: combination {found[1]}",
                "Arm:": f"combination-{found[1]}",
            }
            rows.append((line, {**common, **values, **told}))
    if not rows:
        rows = [(1, {**common, "Message:": title})]
    if not any("Total Recipients:" in values for _, values in rows):
        raise InputError(
            f"{path.name} has no line `Total Recipients:`", field="file", value=str(path)
        )
    return Blocks(rows=tuple(rows), winners=winners)
