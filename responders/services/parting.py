"""parting: a story that swallowed another one is taken apart before drafts are raised."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from responders.kinds import adopted_issues
from responders.services.sources import other_stories
from responders.services.stories import part
from responders.store import archive, drafts, hands

if TYPE_CHECKING:
    from testkit.kernel.workspace import Workspace

__all__ = ["take_apart"]

LATELY: Final = timedelta(hours=72)
"""As long as the clusterer may still put something into a story."""


def take_apart(workspace: Workspace, *, least: int) -> None:
    """Split off what tells of another event and would have a draft if it stood alone.

    What a person put together, or whose split was taken back, is left as it is. The event that a
    draft was raised for keeps the story.

    Args:
        workspace: The workspace.
        least: Outlets that a draft needs.
    """
    since = workspace.clock() - LATELY
    with workspace.archive.read() as conn:
        recent = {
            m.story for m in archive.matches(conn) if m.outlets >= least and m.first_at > since
        }
        recent -= hands.touched(conn)
        found = [archive.story(conn, name) for name in sorted(recent)]
    found = [story for story in found if len(story.entries) > least]
    if not found:
        return
    with workspace.db.read() as conn:
        issues = adopted_issues(conn)
        titles = {row.story: row.title for row in drafts.listed(conn, dropped=True)}
    for story in found:
        for ids in other_stories(story, issues, least=least, home=titles.get(story.id, "")):
            part(workspace, story.id, ids)
