"""Entries that their outlets rewrote after we had read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.kernel.clock import to_text

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

__all__ = ["Rewritten", "rewritten"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """An entry as it was at a moment, and as it is now.

    Attributes:
        entry: Its id.
        url: Its address; empty without one.
        title_then: Headline at that moment.
        summary_then: Summary at that moment.
        title: Headline now.
        summary: Summary now.
        at: When we saw the last change, ISO-8601 text.
    """

    entry: str
    url: str
    title_then: str
    summary_then: str
    title: str
    summary: str
    at: str


def rewritten(conn: Connection, story: str, *, since: datetime) -> list[Rewritten]:
    """Entries of a story, or of the one that it was merged into, that changed after a moment."""
    rows = conn.execute(
        """
        WITH RECURSIVE went (id) AS (
          SELECT :story
          UNION SELECT s.merged_into FROM story s JOIN went ON s.id = went.id
          WHERE s.merged_into IS NOT NULL
        )
        SELECT e.id AS entry, coalesce(e.url, '') AS url, r.title AS title_then,
               coalesce(r.summary, '') AS summary_then, e.title, coalesce(e.summary, '') AS summary,
               (SELECT max(l.at) FROM entry_revision l WHERE l.entry = e.id) AS at
        FROM entry e JOIN entry_revision r ON r.entry = e.id
        WHERE e.story IN (SELECT id FROM went)
          AND r.at = (SELECT min(f.at) FROM entry_revision f WHERE f.entry = e.id AND f.at > :since)
        ORDER BY at, e.id
        """,
        {"story": story, "since": to_text(since)},
    )
    return [Rewritten(**dict(row)) for row in rows]
