"""standing: what comes first, for drafts and in the inbox: urgency, then thumbs, then age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from responders.services.alarm import urgency
from responders.services.stories import lifts
from responders.store import archive, drafts, labels
from testkit.errors import NotFoundError
from testkit.kernel.clock import from_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from responders.rank import Lift
    from responders.services.alarm import Urgency
    from responders.store.drafts import DraftRow
    from responders.store.labels import Thumb
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["Standing", "drafts_in_order", "standing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a draft stands among the others, and why.

    Attributes:
        urgency: How fast its story wants an answer; None when the archive has lost the story.
        lift: How far thumbs move it; None where they say nothing.
        at: When it was raised, as thumbs move it.
    """

    urgency: Urgency | None
    lift: Lift | None
    at: datetime

    @property
    def rank(self) -> int:
        """0 to 2, the higher the more urgent; 0 too when somebody put its very story down."""
        down = self.lift is not None and self.lift.own is False
        return self.urgency.rank if self.urgency and not down else 0

    def in_words(self) -> str:
        """Why it stands where it does; empty when it is just its age."""
        parts = [self.urgency.in_words() if self.urgency else ""]
        parts.append(f"Moved by thumbs: {self.lift.in_words()}." if self.lift else "")
        return " ".join(part for part in parts if part)


def standing(workspace: Workspace, row: DraftRow) -> Standing:
    """Where one draft stands now."""
    with workspace.db.read() as conn:
        thumbs = labels.thumbs(conn)
    zone_name = workspace.config.organisation.zone
    with workspace.archive.read() as conn:
        return _standing(conn, row, thumbs, now=workspace.clock(), zone_name=zone_name)


def drafts_in_order(
    workspace: Workspace, *, dropped: bool = False
) -> list[tuple[DraftRow, Standing]]:
    """Drafts, the most urgent first, then as thumbs move them, then the newest.

    Args:
        workspace: The workspace.
        dropped: Also those that were put aside.
    """
    with workspace.db.read() as conn:
        rows, thumbs = drafts.listed(conn, dropped=dropped), labels.thumbs(conn)
    now, zone_name = workspace.clock(), workspace.config.organisation.zone
    with workspace.archive.read() as conn:
        found = [(row, _standing(conn, row, thumbs, now=now, zone_name=zone_name)) for row in rows]
    return sorted(found, key=lambda pair: (pair[1].rank, pair[1].at), reverse=True)


def _standing(
    conn: Connection, row: DraftRow, thumbs: Sequence[Thumb], *, now: datetime, zone_name: str
) -> Standing:
    at = from_text(row.raised_at)
    try:
        story = archive.story(conn, row.story)
    except NotFoundError:
        return Standing(urgency=None, lift=None, at=at)
    urgent = urgency(conn, story=story.id, issue=row.issue, now=now, zone_name=zone_name)
    matches = [m for m in archive.matches(conn, story_id=story.id) if m.issue == row.issue]
    moved = [each for each in lifts(story, matches, thumbs) if each.hours or each.own is not None]
    lift = moved[0] if moved else None
    return Standing(
        urgency=urgent,
        lift=lift,
        at=at + timedelta(hours=lift.hours if lift else 0.0),
    )
