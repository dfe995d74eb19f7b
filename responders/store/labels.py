"""What people said of matches: labels, given in turn for a precision, and thumbs, given in passing.

Both lie in ``workspace.db``: they are people's work and outlive the entries. A label or thumb that
is given again replaces the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from responders.sample import Judgement, Verdict
from testkit.kernel.clock import from_text, to_text

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection

__all__ = ["MIGRATIONS", "Thumb", "labels", "save_label", "save_thumb", "take_thumb_back", "thumbs"]

MIGRATIONS: Final = (
    (
        "001_labels",
        """
        CREATE TABLE label (
          issue TEXT NOT NULL,
          story TEXT NOT NULL,
          verdict TEXT NOT NULL CHECK (verdict IN ('yes', 'no', 'unsure')),
          title TEXT NOT NULL,
          at TEXT NOT NULL,
          by TEXT NOT NULL,
          PRIMARY KEY (issue, story)
        ) STRICT;
        CREATE TABLE thumb (
          issue TEXT NOT NULL,
          story TEXT NOT NULL,
          up INTEGER NOT NULL CHECK (up IN (0, 1)),
          traits TEXT NOT NULL,
          at TEXT NOT NULL,
          by TEXT NOT NULL,
          PRIMARY KEY (issue, story)
        ) STRICT;
        """,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumb:
    """More or less like this.

    Attributes:
        issue: Slug of the issue.
        story: The story.
        up: More.
        traits: What it was known by then: see :mod:`responders.rank`.
        by: Who.
    """

    issue: str
    story: str
    up: bool
    traits: tuple[str, ...]
    by: str


def labels(conn: Connection, issue: str) -> dict[str, Judgement]:
    """Judgements on an issue's stories."""
    rows = conn.execute("SELECT story, verdict, at FROM label WHERE issue = :i", {"i": issue})
    return {
        row["story"]: Judgement(verdict=cast("Verdict", row["verdict"]), at=from_text(row["at"]))
        for row in rows
    }


def save_label(
    conn: Connection,
    *,
    issue: str,
    story: str,
    verdict: Verdict,
    title: str,
    by: str,
    now: datetime,
) -> None:
    """Keep a judgement."""
    conn.execute(
        "INSERT INTO label (issue, story, verdict, title, at, by)"
        " VALUES (:issue, :story, :verdict, :title, :at, :by) ON CONFLICT (issue, story) DO UPDATE"
        " SET verdict = excluded.verdict, title = excluded.title, at = excluded.at,"
        " by = excluded.by",
        {
            "issue": issue,
            "story": story,
            "verdict": verdict,
            "title": title,
            "at": to_text(now),
            "by": by,
        },
    )


def thumbs(conn: Connection) -> list[Thumb]:
    """All thumbs, oldest first."""
    import json

    rows = conn.execute("SELECT * FROM thumb ORDER BY at, issue, story")
    return [
        Thumb(
            issue=row["issue"],
            story=row["story"],
            up=bool(row["up"]),
            traits=tuple(json.loads(row["traits"])),
            by=row["by"],
        )
        for row in rows
    ]


def save_thumb(conn: Connection, thumb: Thumb, *, now: datetime) -> None:
    """Keep a thumb."""
    import json

    conn.execute(
        "INSERT INTO thumb (issue, story, up, traits, at, by)"
        " VALUES (:issue, :story, :up, :traits, :at, :by) ON CONFLICT (issue, story) DO UPDATE"
        " SET up = excluded.up, traits = excluded.traits, at = excluded.at, by = excluded.by",
        {
            "issue": thumb.issue,
            "story": thumb.story,
            "up": int(thumb.up),
            "traits": json.dumps(thumb.traits),
            "at": to_text(now),
            "by": thumb.by,
        },
    )


def take_thumb_back(conn: Connection, *, issue: str, story: str) -> bool:
    """Forget a thumb; returns whether there was one."""
    gone = conn.execute(
        "DELETE FROM thumb WHERE issue = :i AND story = :s", {"i": issue, "s": story}
    )
    return gone.rowcount == 1
