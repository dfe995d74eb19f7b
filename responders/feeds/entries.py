"""From what a format says about an item to a :class:`~responders.model.feed.ParsedEntry`.

Every format ends here, so that one place decides what a title, a date or an identifier is.
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from responders.feeds.identity import canonical_url, direct_url, simhash64
from responders.feeds.text import clean_html, one_line, plain_text
from responders.model.feed import ParsedEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MOST_TITLE",
    "Markup",
    "RawItem",
    "ambiguous_names",
    "entry_of",
    "web_address",
    "without_repeats",
]

MOST_TITLE: Final = 500
MOST_SUMMARY: Final = 5_000
# The beginning of a text is enough to know a copy by, and long texts would take the most time.
_MOST_COMPARED: Final = 2_000
_MOST_AUTHOR: Final = 200
_MOST_BEGINNING: Final = 100
_MOST_URL: Final = 4_096
_MOST_GUID: Final = 1_000
# Before the first feed format was published every date is a default that somebody forgot to set.
_EARLIEST: Final = datetime(1995, 1, 1, tzinfo=UTC)
# Clocks of servers differ from ours by minutes: a date that is a little ahead is not worth a note.
_CLOCK_SKEW: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """A piece of text as a format carries it.

    Attributes:
        value: The text.
        is_html: Whether it is HTML; else plain text.
        base: Address that relative links in it start from; empty when unknown.
    """

    value: str = ""
    is_html: bool = True
    base: str = ""

    def as_text(self, *, most: int) -> str:
        """Plain text on one line."""
        if self.is_html:
            return plain_text(self.value, most=most)
        return one_line(self.value, most=most)

    def as_html(self) -> str:
        """Safe HTML."""
        if self.is_html:
            return clean_html(self.value, base=self.base)
        return f"<p>{html.escape(self.value.strip())}</p>" if self.value.strip() else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawItem:
    """An item as its format states it, before anything is decided.

    Attributes:
        guid: Identifier that the outlet gave; empty without one.
        guid_shared: Whether another item of the document has it, too, and leads elsewhere.
        url: Address, perhaps relative.
        base: Address that ``url`` starts from.
        title: Title.
        summary: Summary; empty when the format has none for this item.
        content: Content; empty when there is none.
        published: Date of publication, aware; None without one.
        updated: Date of the last change, aware; None without one.
        unread_dates: Dates that stand there and cannot be read, as written.
        author: Name.
        language: Tag that holds for this item.
        raw_sha256: Digest of the item as it stood in the document.
    """

    guid: str
    url: str
    base: str
    title: Markup
    summary: Markup
    content: Markup
    published: datetime | None
    updated: datetime | None
    unread_dates: tuple[str, ...]
    author: str
    language: str
    raw_sha256: str
    guid_shared: bool = False


def entry_of(item: RawItem, *, now: datetime) -> ParsedEntry:
    """Decide what an item is.

    Args:
        item: As the format states it.
        now: The moment of reading, aware: no entry was published later.

    Returns:
        The entry; what was odd about it is in ``notes``.
    """
    notes: list[str] = [f"the date {text[:60]!r} cannot be read" for text in item.unread_dates]
    url = web_address(item.url, base=item.base)
    url = None if url is None else direct_url(url)
    if item.url.strip() and url is None:
        notes.append(f"the link {item.url.strip()[:80]!r} is not a web address")
    title = item.title.as_text(most=MOST_TITLE)
    summary_source = item.summary if item.summary.value.strip() else item.content
    summary = summary_source.as_text(most=MOST_SUMMARY)
    # Short messages have no titles (Mastodon, Bluesky); their beginning stands for one.
    title = title or one_line(summary, most=_MOST_BEGINNING)
    content_source = item.content if item.content.value.strip() else item.summary
    guid = one_line(item.guid, most=_MOST_GUID)
    canonical = None if url is None else canonical_url(url)
    if not guid:
        guid = canonical or _made_guid(title, summary)
    elif item.guid_shared:
        guid = f"{guid}#{canonical or _made_guid(title, summary)}"
    return ParsedEntry(
        guid=guid,
        url=url,
        canonical_url=canonical,
        title=title,
        summary_text=summary,
        content_html=content_source.as_html(),
        published=_believable(item.published, now=now, what="publication", notes=notes),
        updated=_believable(item.updated, now=now, what="update", notes=notes),
        author=one_line(item.author, most=_MOST_AUTHOR),
        language=one_line(item.language, most=35).replace("_", "-"),
        raw_sha256=item.raw_sha256,
        simhash=simhash64(f"{title} {summary[:_MOST_COMPARED]}"),
        notes=tuple(notes),
    )


def ambiguous_names(items: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Identifiers that an outlet gives to different articles of one document.

    Some give the same one to every item. Such an identifier cannot tell a revision from news, so
    the address is added to it; all items of the document are looked at, known or not, so that an
    item is named alike whenever it is read.

    Args:
        items: Identifier and link of every item, as they stand there.

    Examples:
        >>> sorted(ambiguous_names([("1", "/a"), ("1", "/b"), ("2", "/c"), ("2", "/c")]))
        ['1']
    """
    places: dict[str, str] = {}
    found = set()
    for name, place in items:
        if name and places.setdefault(name, place) != place:
            found.add(name)
    return frozenset(found)


def without_repeats(
    entries: Iterable[ParsedEntry],
) -> tuple[tuple[ParsedEntry, ...], tuple[str, ...]]:
    """Entries with distinct identifiers, the first of each, and what to tell about it."""
    kept: dict[str, ParsedEntry] = {}
    repeated = 0
    for entry in entries:
        repeated += entry.guid in kept
        kept.setdefault(entry.guid, entry)
    notes = (f"{repeated} item(s) listed twice",) if repeated else ()
    return tuple(kept.values()), notes


def web_address(text: str, *, base: str) -> str | None:
    """An absolute http or https address, or None.

    Args:
        text: Address as given, perhaps relative.
        base: Address that it starts from; may be empty.

    Examples:
        >>> web_address("../a", base="https://example.org/x/y")
        'https://example.org/a'
        >>> web_address("javascript:alert(1)", base="https://example.org/") is None
        True
    """
    text = one_line(text, most=_MOST_URL + 1)
    if not text:
        return None
    try:
        url = urljoin(base, text)
    except ValueError:
        return None
    if len(url) > _MOST_URL or not url.lower().startswith(("http://", "https://")):
        return None
    return url.replace(" ", "%20")


def _believable(
    at: datetime | None, *, now: datetime, what: str, notes: list[str]
) -> datetime | None:
    if at is None:
        return None
    if at > now:
        if at > now + _CLOCK_SKEW:
            notes.append(f"the date of {what} {at:%Y-%m-%d %H:%M} UTC lies in the future")
        return None
    if at < _EARLIEST:
        notes.append(f"the date of {what} {at:%Y-%m-%d} is older than feeds are")
        return None
    return at


def _made_guid(title: str, summary: str) -> str:
    digest = hashlib.sha256(f"{title}\n{summary}".encode()).hexdigest()
    return f"sha256:{digest[:32]}"
