"""Recorded looks as one flat table. Pure."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COLUMNS", "looks_csv"]

COLUMNS: Final = (
    "look", "at", "waves", "metric", "role", "kind", "arm", "units_control", "units_arm",
    "events_control", "events_arm", "value_control", "value_arm", "difference", "low", "high",
    "engine", "z", "bound", "log_e", "critical_low", "critical_high", "information_fraction",
    "spent", "p_sequential", "p_adjusted", "verdict", "note",
)  # fmt: skip


def looks_csv(looks: Sequence[dict[str, Any]]) -> str:
    """A row per look, metric and arm; no cell can start a formula in a spreadsheet.

    Args:
        looks: Looks as plain values, oldest first.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for look in looks:
        for one in look["comparisons"]:
            critical = one["critical"] or (None, None)
            row = (
                look["number"], look["at"], " ".join(map(str, look["waves"])), one["metric"],
                one["role"], one["kind"], one["arm"], *one["units"], *one["events"],
                *one["values"], one["difference"], one["low"], one["high"], one["engine"],
                one["z"], one["bound"], one["log_e"], *critical, one["fraction"], one["spent"],
                one["p_sequential"], one["p_adjusted"], one["verdict"], one["note"],
            )  # fmt: skip
            writer.writerow([_safe(cell) for cell in row])
    return out.getvalue()


def _safe(cell: object) -> object:
    """A text that a spreadsheet would run as a formula gets a quote before it."""
    if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{cell}"
    return cell
