"""From the rows of a story to what a draft may use of it, and why it was raised.

A story is what the clusterer put together; a draft may use only what tells of the event that leads
it (:mod:`responders.drafting.kin`). What is left out is named in RS018.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from testkit.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from responders.drafting.kin import Traces
    from responders.match import Query
    from responders.model.draft import MatchReason, StoryEntry, StoryFacts
    from responders.model.feed import Entry
    from responders.model.issue import Issue
    from responders.store.archive import MatchRow, StoryRow

__all__ = ["left_out", "match_reason", "other_events", "other_stories", "story_facts"]

MAX_QUOTES: Final = 5
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def story_facts(
    story: StoryRow, *, query: Query | None = None, issue: Issue | None = None
) -> StoryFacts:
    """What a draft may use of a story: its lead, and the reports of the same event.

    The same reports give the same lead, in whatever order they came: of the event that most
    outlets tell, the report whose headline can be read (a death before anything else), then the
    one that was published first, then by outlet and address.

    Args:
        story: The story with its entries.
        query: The issue's query: the event that leads has a report that answers it.
        issue: The issue: its vocabulary tells no two events apart, and its moments say which
            headline can be read.
    """
    from responders.drafting.kin import same_event
    from responders.drafting.language import reads_like
    from responders.drafting.quotes import quotes_in
    from responders.model.draft import StoryFacts

    if not story.entries:
        raise NotFoundError("story", story.id, hint="it has no entries")
    own = [pair for pair in story.entries if pair[0].url and not pair[0].copy_of]
    own = sorted(own or story.entries, key=_order)
    told = _told(own, _usual([issue] if issue else []))
    first = _lead(own, told, query=query, issue=issue)
    sure = [pair for pair, trace in zip(own, told, strict=True)
            if pair is own[first] or same_event(told[first], trace)]  # fmt: skip
    ids = {entry.id for entry, _ in sure}
    copies = [pair for pair in story.entries if pair[0].copy_of in ids]
    lead = own[first]
    kept = [lead, *(pair for pair in (*sure, *copies) if pair is not lead)]
    entries = [_as_told(entry, outlet) for entry, outlet in kept]
    declared = next((entry.language for entry, _ in kept if entry.language), "")
    quotes = [
        quote
        for entry in entries
        if not entry.copy_of
        for quote in quotes_in(entry.summary, source=entry.source, url=entry.url)
    ]
    return StoryFacts(
        id=story.id,
        title=entries[0].title,
        url=entries[0].url,
        source=entries[0].source,
        published_at=entries[0].published_at,
        first_seen_at=story.first_at,
        summary=entries[0].summary,
        quotes=tuple(quotes[:MAX_QUOTES]),
        entries=tuple(entries),
        lang=declared or reads_like(*(f"{e.title} {e.summary}" for e in entries)),
        lang_declared=bool(declared),
    )


def _as_told(entry: Entry, outlet: str) -> StoryEntry:
    from responders.model.draft import StoryEntry

    return StoryEntry(
        title=entry.title,
        url=entry.url or "",
        source=outlet,
        published_at=entry.published,
        summary=entry.summary_text,
        first_seen_at=entry.first_seen,
        copy_of=entry.copy_of or "",
    )


def _order(pair: tuple[Entry, str]) -> tuple[datetime, str, str]:
    entry, outlet = pair
    return entry.published or _LAST, outlet, entry.url or ""


def _usual(issues: Iterable[Issue]) -> frozenset[str]:
    from responders.drafting.kin import stems

    return stems([issue.query for issue in issues])


def _told(pairs: Sequence[tuple[Entry, str]], usual: frozenset[str]) -> list[Traces]:
    from responders.drafting.kin import traces

    return [traces(entry.title, entry.summary_text, usual=usual) for entry, _ in pairs]


def _lead(
    own: Sequence[tuple[Entry, str]],
    told: Sequence[Traces],
    *,
    query: Query | None,
    issue: Issue | None,
) -> int:
    """Place of the report that leads."""
    from responders.drafting.kin import groups

    asked = {i for i, pair in enumerate(own) if query is None or _answers(query, *pair)}
    asked = asked or set(range(len(own)))
    together = [group for group in groups(told) if asked & set(group)]
    most = max(together, key=lambda group: (len({own[i][1] for i in group}), -group[0]))
    read = {i: _unread(issue, own[i][0]) for i in most}
    return min(most, key=lambda i: (read[i], i))


def _unread(issue: Issue | None, entry: Entry) -> int:
    """0 for a headline of a death, 1 for one that can be read, 2 for any other."""
    from responders.drafting.moments import read_moment

    if issue is None:
        return 2
    moment = read_moment(
        issue.moments, title=entry.title, things=issue.things, lang=issue.lang
    ).moment
    return 2 if moment is None else 0 if moment.hold else 1


def _answers(query: Query, entry: Entry, outlet: str) -> bool:
    from responders.match import Document

    return query.holds(
        Document.of(
            title=entry.title, summary=entry.summary_text, source=outlet, lang=entry.language
        )
    )


def left_out(story: StoryRow, facts: StoryFacts) -> tuple[str, ...]:
    """Reports of a story that a draft does not use, ``outlet: headline``: another event perhaps."""
    return tuple(_named(pair) for pair in _unused(story, facts))


def other_events(
    story: StoryRow, facts: StoryFacts, issues: Mapping[str, tuple[Issue, Query, int]]
) -> tuple[str, ...]:
    """Those that share next to nothing with the lead and answer an issue for themselves."""
    from responders.drafting.kin import APART, score, traces

    usual = _usual(issue for issue, _, _ in issues.values())
    lead = traces(facts.title, facts.summary, usual=usual)
    unused = _unused(story, facts)
    return tuple(
        _named(pair)
        for pair, trace in zip(unused, _told(unused, usual), strict=True)
        if score(lead, trace) <= APART
        and any(_answers(query, *pair) for _, query, _ in issues.values())
    )


def _unused(story: StoryRow, facts: StoryFacts) -> list[tuple[Entry, str]]:
    used = {(entry.source, entry.title) for entry in facts.entries}
    return [
        (entry, outlet)
        for entry, outlet in story.entries
        if not entry.copy_of and (outlet, entry.title) not in used
    ]


def _named(pair: tuple[Entry, str]) -> str:
    return f"{pair[1]}: {pair[0].title}"


def other_stories(
    story: StoryRow,
    issues: Mapping[str, tuple[Issue, Query, int]],
    *,
    least: int,
    home: str = "",
) -> list[tuple[str, ...]]:
    """Entries to be split off, by event: each has its own outlets and answers an issue.

    Only events that have next to nothing in common with the rest of the story are named: to tear
    one event apart would raise it twice.

    Args:
        story: The story as the clusterer made it.
        issues: Slug to issue, query and version.
        least: Outlets that an event needs.
        home: Headline of the event that keeps the story; the one with most outlets if empty.
    """
    from responders.drafting.kin import APART, groups

    own = sorted((pair for pair in story.entries if not pair[0].copy_of), key=_order)
    told = _told(own, _usual(issue for issue, _, _ in issues.values()))
    # What may belong together goes together.
    apart = groups(told, least=APART + 1)
    keeps = max(
        apart,
        key=lambda group: (
            any(own[i][0].title == home for i in group),
            len({own[i][1] for i in group}),
            -group[0],
        ),
    )
    found = []
    for group in apart:
        outlets = {own[i][1] for i in group}
        asked = any(_answers(query, *own[i]) for i in group for _, query, _ in issues.values())
        if group is not keeps and len(outlets) >= least and asked:
            ids = {own[i][0].id for i in group}
            found.append(
                tuple(
                    entry.id for entry, _ in story.entries if ids & {entry.id, entry.copy_of or ""}
                )
            )
    return found


def match_reason(
    match: MatchRow, issue: Issue, story: StoryRow, *, volume: str = "", lesson: str = ""
) -> MatchReason:
    """Why a draft is raised, as values.

    Args:
        match: The match.
        issue: The issue that asked.
        story: The story.
        volume: Why it is urgent; empty when it is not.
        lesson: What an earlier response to the issue taught; empty without one.
    """
    from responders.model.draft import MatchedWord, MatchReason

    return MatchReason(
        issue=issue.slug,
        issue_title=issue.title,
        owner=issue.owner,
        matched=tuple(MatchedWord(text=text, where=where) for text, where in match.matched),
        outlets=story.outlets,
        first_seen_at=story.first_at,
        volume=volume,
        lesson=lesson,
    )
