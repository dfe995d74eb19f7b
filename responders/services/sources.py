"""From the rows of a story to what a draft may use of it, and why it was raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testkit.errors import NotFoundError

if TYPE_CHECKING:
    from responders.match import Query
    from responders.model.draft import MatchReason, StoryEntry, StoryFacts
    from responders.model.issue import Issue
    from responders.store.archive import MatchRow, StoryRow

__all__ = ["left_out", "match_reason", "story_facts"]

MAX_QUOTES: Final = 5
# Two reports of one event share names. Words of any day of news do not show that they do.
KIN_LETTERS: Final = 4
_ANY_DAY: Final = frozenset(
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
        "domingo",
        "court",
        "courts",
        "appeals",
        "supreme",
        "judge",
        "judges",
        "ruled",
        "rules",
        "ruling",
        "state",
        "county",
        "governor",
        "senate",
        "house",
        "council",
        "board",
        "said",
        "says",
        "would",
        "could",
        "after",
        "before",
        "their",
        "they",
        "them",
        "that",
        "this",
        "with",
        "from",
        "have",
        "will",
        "than",
        "which",
        "there",
        "about",
        "when",
        "where",
        "what",
        "more",
        "most",
        "into",
        "over",
        "million",
        "year",
        "years",
        "week",
        "month",
        "people",
        "were",
        "been",
        "first",
        "last",
        "also",
        "para",
        "como",
        "este",
        "esta",
        "según",
    ]
)


def story_facts(story: StoryRow, *, query: Query | None = None) -> StoryFacts:
    """What a draft may use of a story.

    Args:
        story: The story with its entries.
        query: The issue's query. When the first entry is about something else, the first one
            that the query asks for leads, and entries that neither answer the query nor share
            words with the lead are left out.
    """
    from responders.drafting.quotes import quotes_in
    from responders.model.draft import StoryEntry, StoryFacts

    entries = [
        StoryEntry(
            title=entry.title,
            url=entry.url or "",
            source=outlet,
            published_at=entry.published,
            summary=entry.summary_text,
            first_seen_at=entry.first_seen,
            copy_of=entry.copy_of or "",
        )
        for entry, outlet in story.entries
    ]
    if not entries:
        raise NotFoundError("story", story.id, hint="it has no entries")
    own = [e for e in entries if e.url and not e.copy_of]
    lead = own[0] if own else entries[0]
    if query is not None and own:
        asked = [e for e in own if _asks_for(query, e, story)]
        if asked and lead not in asked and not _kin(lead, asked[0], least=2):
            lead = asked[0]
        sure = [lead, *asked]
        entries = [e for e in entries if e.copy_of or any(_kin(e, one) for one in sure)]
    quotes = [
        quote
        for entry in entries
        if not entry.copy_of
        for quote in quotes_in(entry.summary, source=entry.source, url=entry.url)
    ]
    language = next((e.language for e, _ in story.entries if e.language), "en")
    return StoryFacts(
        id=story.id,
        title=lead.title,
        url=lead.url,
        source=lead.source,
        published_at=lead.published_at,
        first_seen_at=story.first_at,
        summary=lead.summary,
        quotes=tuple(quotes[:MAX_QUOTES]),
        entries=(lead, *(e for e in entries if e is not lead)),
        lang=language,
    )


def _kin(one: StoryEntry, other: StoryEntry, *, least: int = 1) -> bool:
    """Whether two entries share enough words to be about the same event."""
    return one is other or len(_words(one) & _words(other)) >= least


def _words(entry: StoryEntry) -> set[str]:
    text = f"{entry.title} {entry.summary}".casefold()
    words = "".join(c if c.isalnum() else " " for c in text).split()
    return {word for word in words if len(word) >= KIN_LETTERS} - _ANY_DAY


def _asks_for(query: Query, entry: StoryEntry, story: StoryRow) -> bool:
    from responders.match import Document

    language = next((e.language for e, _ in story.entries if e.url == entry.url), "")
    return query.holds(
        Document.of(title=entry.title, summary=entry.summary, source=entry.source, lang=language)
    )


def left_out(story: StoryRow, facts: StoryFacts) -> tuple[str, ...]:
    """Reports of a story that a draft does not use, ``outlet: headline``: another event perhaps."""
    used = {(entry.source, entry.title) for entry in facts.entries}
    return tuple(
        f"{outlet}: {entry.title}"
        for entry, outlet in story.entries
        if not entry.copy_of and (outlet, entry.title) not in used
    )


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
