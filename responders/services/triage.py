"""triage: ask the adopted issues about every story that changed; keep the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from responders.kinds import adopted_issues
from responders.store import archive
from testkit.kernel.digest import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from responders.match import MatchResult, Query, QuerySet
    from responders.model.issue import Issue
    from responders.store.archive import MatchRow, StoryRow
    from testkit.kernel.workspace import Workspace

__all__ = ["Triaged", "match_story", "triage"]

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Triaged:
    """What triage found.

    Attributes:
        stories: Stories that were asked about.
        matches: Matches that were not there before.
    """

    stories: int
    matches: tuple[MatchRow, ...]


def triage(workspace: Workspace) -> Triaged:
    """Match every story that changed since the last time; all of them when the issues changed."""
    from responders.match import QuerySet

    with workspace.db.read() as conn:
        issues = adopted_issues(conn)
    fingerprint = digest({slug: version for slug, (_, _, version) in issues.items()})
    queries = QuerySet.of({slug: query for slug, (_, query, _) in issues.items()})
    with workspace.archive.read() as conn:
        change, asked_of = archive.asked(conn)
        upto = archive.next_change(conn) - 1
        after = change if asked_of == fingerprint else 0
        stories = archive.stories(conn, limit=1_000_000, changed_after=after)
    new: list[MatchRow] = []
    for start in range(0, len(stories), PAGE):
        page = stories[start : start + PAGE]
        found = [row for story in page for row in match_story(story, queries, issues)]
        if found:
            with workspace.archive.write() as conn:
                now = workspace.clock()
                new += [row for row in found if archive.save_match(conn, row, now=now)]
    if upto > change or asked_of != fingerprint:
        with workspace.archive.write() as conn:
            archive.save_asked(conn, upto, fingerprint)
    return Triaged(stories=len(stories), matches=tuple(new))


def match_story(
    story: StoryRow, queries: QuerySet, issues: Mapping[str, tuple[Issue, Query, int]]
) -> list[MatchRow]:
    """One row per issue that any entry of the story answers; the first entry that does says why."""
    from responders.match import Document

    best: dict[str, MatchResult] = {}
    for entry, outlet in story.entries:
        if entry.copy_of:
            continue
        document = Document.of(
            title=entry.title,
            summary=entry.summary_text,
            source=outlet,
            lang=entry.language,
        )
        for slug, result in queries.matches(document).items():
            best.setdefault(slug, result)
    return [
        archive.MatchRow(
            story=story.id,
            issue=slug,
            issue_version=issues[slug][2],
            why=result.why(),
            matched=tuple(dict.fromkeys((span.text, span.field) for span in result.spans))[:12],
            outlets=len(story.outlets),
            first_at=story.first_at,
        )
        for slug, result in best.items()
    ]
