"""Feeds, fetches and entries as frozen values.

A *feed* is a watched source. A *fetch record* is one attempt to read it. An *entry* is one item
of it. ``ParsedFeed`` and ``ParsedEntry`` are what a document said, before the newsroom has decided
whether it knew that already; :class:`Entry` is what it keeps.

Times are aware UTC datetimes. ``published`` and ``updated`` are the outlet's claims and may be
missing; ``first_seen`` is ours and is the clock that latency is measured by.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Entry", "Feed", "FeedState", "FetchOutcome", "FetchRecord", "ParsedEntry", "ParsedFeed"]

FetchOutcome = Literal["new", "unchanged", "gone", "backoff", "failed"]
"""How a fetch ended.

``new`` the body differs from the last one; ``unchanged`` it does not (304, or the same bytes);
``gone`` the server says that the feed is retired (410); ``backoff`` it asks us to wait (429, 503,
an empty 403); ``failed`` anything else, with the reason in words.
"""


class FeedState(StrEnum):
    """Whether a feed is polled."""

    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A watched source.

    Attributes:
        id: Our id; it never changes, even when the address does.
        url: Address that is polled now.
        title: Name shown to people.
        site_url: The page that the feed belongs to; empty when unknown.
        language: BCP 47 tag that the feed declares; empty when it declares none.
        priority: Weight in the schedule, dimensionless, > 0; 1 is ordinary, 4 is polled twice
            as often as 1 at the same rate of news.
        state: Whether it is polled.
        allow_hosts: Hosts or networks that this feed may use although they are not public
            (``"127.0.0.1"``, ``"10.2.0.0/16"``, ``"intranet.example"``); empty for ordinary feeds.
        etag: Validator of the last body, exactly as the server sent it.
        last_modified: Date of the last body, exactly as the server sent it.
        body_sha256: Hex digest of the last body.
        folder: Path of names in the reader's list, outermost first.
    """

    id: str
    url: str
    title: str = ""
    site_url: str = ""
    language: str = ""
    priority: float = 1.0
    state: FeedState = FeedState.ACTIVE
    allow_hosts: tuple[str, ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    body_sha256: str | None = None
    folder: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRecord:
    """One attempt to read a feed, as kept in the fetch log.

    Attributes:
        feed_id: The feed.
        at: When the attempt began.
        outcome: How it ended.
        status: HTTP status of the last answer; None when there was no answer.
        problem: The reason in words; None when all is well.
        url_final: Address that answered, after redirects.
        elapsed_ms: Wall time, milliseconds.
        body_bytes: Size after decompression; 0 when nothing was read.
        entries_new: Entries that were not known before.
        next_poll_at: When the feed is due again; None when it is retired.
        steps: What was done one after another, in words.
    """

    feed_id: str
    at: datetime
    outcome: FetchOutcome
    status: int | None = None
    problem: str | None = None
    url_final: str = ""
    elapsed_ms: float = 0.0
    body_bytes: int = 0
    entries_new: int = 0
    next_poll_at: datetime | None = None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """One item of a feed document.

    Attributes:
        guid: Identifier inside its feed: the outlet's own, else one made from the address or text.
        url: Address of the article, made absolute and taken out of Google Alerts and the like; None
            when it has none.
        canonical_url: Key made from ``url`` for comparing (see
            :func:`responders.feeds.identity.canonical_url`); None without ``url``.
        title: Plain text, one line; the beginning of the summary where the outlet gives no title.
        summary_text: Plain text of the summary, else of the content; one line.
        content_html: Cleaned HTML of the content, else of the summary; empty when there is none.
        published: When the outlet says that it was published, UTC; None when it does not say, or
            says something that cannot be (a note tells).
        updated: When the outlet says that it last changed; None as above.
        author: Name as given; empty when there is none.
        language: BCP 47 tag declared for this item or its feed; empty when there is none.
        raw_sha256: Hex digest of the item as it stood in the document; equal digests need no
            second parse.
        simhash: 64-bit similarity digest of title and summary as a signed integer; None when the
            text is too short for one.
        notes: What was odd about it, in words.
    """

    guid: str
    url: str | None
    canonical_url: str | None
    title: str
    summary_text: str
    content_html: str
    published: datetime | None
    updated: datetime | None
    author: str
    language: str
    raw_sha256: str
    simhash: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """What a feed document said.

    Attributes:
        title: Plain text.
        link: Address of the site, absolute; empty when unknown.
        language: BCP 47 tag; empty when undeclared.
        ttl_minutes: Minutes that the feed asks to be left alone; None when it does not ask.
        skip_hours: Hours of the day, UTC, 0 to 23, in which it does not change.
        skip_days: Days of the week, 0 Monday to 6 Sunday, in which it does not change.
        hub_url: WebSub hub that it names; None without one.
        moved_to: New address that the document itself announces; None without one.
        format: ``rss20``, ``atom10``, ``rss10``, ``json11`` ...; empty when it is no feed.
        entries: Items that were not in ``seen``, in document order.
        entries_seen: Number of items that were in ``seen`` and were skipped.
        present: Digests of all items in the document, in order: the ``seen`` of the next poll.
        notes: What was odd about the document, in words; reading went on.
        cut_off: The document breaks off before its end: its last item may be half an item, and
            more may have been meant to follow.
        problem: Why nothing could be read; None when the document is a feed.
        feeds: ``(address, title)`` of the feeds that it names, when it is a web page.
    """

    title: str = ""
    link: str = ""
    language: str = ""
    ttl_minutes: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    hub_url: str | None = None
    moved_to: str | None = None
    format: str = ""
    entries: tuple[ParsedEntry, ...] = ()
    entries_seen: int = 0
    present: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cut_off: bool = False
    problem: str | None = None
    feeds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One feed item as the newsroom keeps it.

    Attributes:
        id: Our id.
        feed_id: The feed that carried it.
        guid: See :class:`ParsedEntry`, and so for all fields below that are not explained here.
        url: Address of the article.
        canonical_url: Key for comparing.
        title: Plain text.
        summary_text: Plain text.
        content_html: Cleaned HTML.
        published: The outlet's claim.
        updated: The outlet's claim.
        first_seen: When we first read it.
        author: Name as given.
        language: BCP 47 tag.
        raw_sha256: Digest of the item.
        simhash: Similarity digest.
        copy_of: Id of the entry of which this is a syndicated copy; None when it speaks for itself.
    """

    id: str
    feed_id: str
    guid: str
    url: str | None
    canonical_url: str | None
    title: str
    summary_text: str
    content_html: str
    published: datetime | None
    updated: datetime | None
    first_seen: datetime
    author: str = ""
    language: str = ""
    raw_sha256: str = ""
    simhash: int | None = None
    copy_of: str | None = None
