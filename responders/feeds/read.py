"""Any feed document to :class:`~responders.model.feed.ParsedFeed`: pure, but without mercy.

This is what runs inside the worker. It may take for ever or exhaust the memory on hostile input;
:mod:`responders.feeds.parse` is the door that stops it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from responders.feeds.discover import feed_links
from responders.feeds.entries import MOST_TITLE, RawItem, entry_of, web_address, without_repeats
from responders.feeds.incremental import MOST_ITEMS, looks_like_page, raw_items, read_document
from responders.feeds.jsonfeed import read_json
from responders.feeds.text import one_line, plain_text
from responders.model.feed import ParsedEntry, ParsedFeed

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from datetime import datetime

__all__ = ["read_feed"]

_WEEK_MINUTES: Final = 7 * 24 * 60
_SPACE: Final = b"\xef\xbb\xbf \t\r\n"


def read_feed(
    body: bytes,
    *,
    content_type: str,
    url: str,
    now: datetime,
    seen: Container[str] = frozenset(),
    most_items: int = MOST_ITEMS,
) -> ParsedFeed:
    """Read a feed document of any format.

    Args:
        body: The document.
        content_type: ``Content-Type`` as sent; empty without one.
        url: Address that it came from; relative links start here.
        now: The moment of reading, aware.
        seen: Hashes of items that are known; they are skipped.
        most_items: Most items that are looked at.

    Returns:
        What it said; ``problem`` says why when it is no feed.
    """
    start = body.lstrip(_SPACE)[:1]
    if not start:
        return ParsedFeed(problem="the document is empty")
    if start in {b"{", b"["}:
        return _from_json(body, url=url, now=now, seen=seen, most_items=most_items)
    if looks_like_page(body):
        return _page(body, url=url)
    headers = {"content-type": content_type or "application/xml", "content-location": url}
    document = read_document(
        body, headers=headers, seen=seen, most_items=most_items, whole_entries=False
    )
    if not document.format and not document.present:
        return ParsedFeed(problem="the document is neither RSS, Atom, RDF nor JSON Feed")
    feed: dict[str, Any] = dict(document.feed)
    entries, notes = _finish(raw_items(document, base=url), now=now)
    if any(document.shared):
        notes = ("items share an identifier; they are told apart by their addresses", *notes)
    hubs = [link.get("href") for link in feed.get("links") or [] if link.get("rel") == "hub"]
    return ParsedFeed(
        title=plain_text(str(feed.get("title") or ""), most=MOST_TITLE),
        link=web_address(str(feed.get("link") or ""), base=url) or "",
        language=one_line(str(feed.get("language") or ""), most=35),
        ttl_minutes=_minutes(feed.get("ttl")),
        skip_hours=document.skip_hours,
        skip_days=document.skip_days,
        hub_url=web_address(str(hubs[0]), base=url) if hubs else None,
        moved_to=web_address(str(feed.get("newlocation") or ""), base=url),
        format=document.format,
        entries=entries,
        entries_seen=len(document.present) - len(document.digests),
        present=document.present,
        notes=(*document.notes, *notes),
        cut_off=document.cut_off,
    )


def _from_json(
    body: bytes, *, url: str, now: datetime, seen: Container[str], most_items: int
) -> ParsedFeed:
    document = read_json(body, base=url, seen=seen, most_items=most_items)
    if isinstance(document, str):
        return ParsedFeed(problem=document)
    entries, notes = _finish(document.items, now=now)
    return ParsedFeed(
        title=one_line(document.title, most=MOST_TITLE),
        link=web_address(document.link, base=url) or "",
        language=one_line(document.language, most=35),
        hub_url=web_address(document.hub_url or "", base=url),
        format=document.format,
        entries=entries,
        entries_seen=len(document.present) - len(document.items),
        present=document.present,
        notes=(*document.notes, *notes),
    )


def _finish(
    items: Iterable[RawItem], *, now: datetime
) -> tuple[tuple[ParsedEntry, ...], tuple[str, ...]]:
    return without_repeats(entry_of(item, now=now) for item in items)


def _page(body: bytes, *, url: str) -> ParsedFeed:
    links = feed_links(body, url=url)
    if not links:
        return ParsedFeed(problem="the address answers with a web page, not with a feed")
    listed = ", ".join(link.url for link in links[:3])
    return ParsedFeed(
        problem=f"the address answers with a web page, not with a feed; it names: {listed}",
        feeds=tuple((link.url, link.title) for link in links),
    )


def _minutes(value: object) -> int | None:
    text = str(value or "").strip()
    if not text.isdecimal() or not text.isascii():
        return None
    minutes = int(text[:9])
    return min(minutes, _WEEK_MINUTES) if minutes > 0 else None
