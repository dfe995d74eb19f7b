"""triage: ask the adopted issues about every story that changed; keep the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from responders.kinds import adopted_issues
from responders.store import alarms, archive
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
    if asked_of != fingerprint:
        _forget_changed(workspace, issues)
    for start in range(0, len(stories), PAGE):
        page = stories[start : start + PAGE]
        found: list[MatchRow] = []
        answers: list[tuple[str, str]] = []
        for story in page:
            found += match_story(story, queries, issues, answers)
        if found:
            with workspace.archive.write() as conn:
                now = workspace.clock()
                alarms.count_entries(conn, answers)
                new += [row for row in found if archive.save_match(conn, row, now=now)]
    if upto > change or asked_of != fingerprint:
        with workspace.archive.write() as conn:
            archive.save_asked(conn, upto, fingerprint)
    return Triaged(stories=len(stories), matches=tuple(new))


def _forget_changed(workspace: Workspace, issues: Mapping[str, tuple[Issue, Query, int]]) -> None:
    """An issue that asks for something else now has to learn anew what is usual."""
    with workspace.archive.write() as conn:
        for slug, (_, _, version) in issues.items():
            known = alarms.usually(conn, slug)
            if known is not None and known.version != version:
                alarms.forget_issue(conn, slug)


def match_story(
    story: StoryRow,
    queries: QuerySet,
    issues: Mapping[str, tuple[Issue, Query, int]],
    answers: list[tuple[str, str]] | None = None,
) -> list[MatchRow]:
    """One row per issue that any entry of the story answers; the first entry that does says why.

    Which entries answer which issue is added to ``answers`` where it is given.
    """
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
            if answers is not None:
                answers.append((slug, entry.id))
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
