"""Read an RSS, RDF or Atom document, but only the items that are not known yet.

Theory of operation. feedparser reads every dialect there is and costs most of a poll's time; of a
feed's items all but one or two are known from the last poll. So lxml, which is some fifty times
faster, splits the document: each item is hashed as it stands, and the items whose hash is known are
taken out of the tree. What is left is the same document with fewer items, and feedparser reads
that: channel, namespaces, base address and language stay as they were, so each remaining entry
comes out as from the whole document.

Where a document is not well-formed, or the two disagree about what an item is, feedparser reads all
of it and the hash is taken of the result; nothing is lost but time.

feedparser is used with its sanitising and its link resolving off (both take quadratic time on
hostile input; :mod:`responders.feeds.text` does that work) and always on a byte stream: given plain
bytes or text it would look for a file of that name.
"""

from __future__ import annotations

import calendar
import hashlib
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from responders.feeds.entries import Markup, RawItem
from responders.feeds.text import one_line, plain_text

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

__all__ = ["Document", "looks_like_page", "raw_items", "read_document"]

MOST_ITEMS: Final = 2_000
"""Items that are read of one document; beyond it the first three quarters and the last quarter."""

_HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})
_ITEM_START: Final = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)[\s/>]", re.IGNORECASE)
_ROOT: Final = re.compile(rb"<(?:[\w.-]+:)?(rss|feed|rdf|channel|html)[\s>]", re.IGNORECASE)
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What feedparser made of a document.

    Attributes:
        feed: feedparser's feed values.
        entries: feedparser's entry values, of the items that were not in ``seen``.
        digests: One hash for each of ``entries``.
        present: Hashes of all items of the document, in order.
        format: feedparser's name of the format, such as ``rss20``; empty when it is none.
        skip_hours: Hours, UTC, that the channel asks to be left alone in.
        skip_days: Days, 0 Monday, likewise.
        notes: What was odd.
        split: Whether the incremental way was taken.
    """

    feed: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]]
    digests: tuple[str, ...]
    present: tuple[str, ...]
    format: str
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    split: bool = False


def looks_like_page(body: bytes) -> bool:
    """Whether a document is a web page rather than a feed, judged by its first element."""
    head = body[:4096].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    found = _ROOT.search(head)
    if found is not None:
        return found[1].lower() == b"html"
    return head[:9].lower() == b"<!doctype" and b"html" in head[:64].lower()


def read_document(
    body: bytes,
    *,
    headers: Mapping[str, str],
    seen: Container[str] = frozenset(),
    most_items: int = MOST_ITEMS,
) -> Document:
    """Read a document, skipping the items that are known.

    Args:
        body: The document in any encoding.
        headers: ``content-type``, ``content-location``, ``content-language`` as far as known; the
            first decides about the encoding, the second is where relative links start.
        seen: Hashes of known items, as in :attr:`Document.present`.
        most_items: Most items that are looked at, >= 4.

    Returns:
        What was read; no entries and an empty format when it is no feed.
    """
    from feedparser.encodings import convert_to_utf8  # noqa: PLC0415 - heavy, worker only
    from feedparser.sanitizer import replace_doctype  # noqa: PLC0415 - heavy, worker only

    outcome: dict[str, Any] = {}
    data = convert_to_utf8(dict(headers), body, outcome)
    if not outcome.get("encoding"):
        data = body
    version, plain, _entities = replace_doctype(data)
    root = _tree(plain) if outcome.get("encoding") else None
    told = {k: v for k, v in headers.items() if k != "content-type"}
    told["content-type"] = "application/xml; charset=utf-8"
    if root is not None:
        document = _incremental(
            root, data, told, seen=seen, most_items=most_items, version=version or ""
        )
        if document is not None:
            return document
    notes: tuple[str, ...] = ()
    starts = [match.start() for match in _ITEM_START.finditer(data)]
    if len(starts) > most_items:
        data = data[: starts[most_items]]
        notes = (f"{len(starts):,} items; the first {most_items:,} were read",)
    return _whole(data, told, seen, notes, root)


def raw_items(document: Document, *, base: str) -> Iterator[RawItem]:
    """The items of a document in the common form.

    Args:
        document: As read.
        base: Address of the document; relative links start here unless it says otherwise.
    """
    default_language = str(dict(document.feed).get("language") or "")
    # In the RSS family ``dc:date`` and ``pubDate`` both say when an item was published; feedparser
    # files the former under "updated". Atom means its "updated" as such.
    dated_once = not document.format.startswith("atom")
    for entry, digest in zip(document.entries, document.digests, strict=True):
        values: dict[str, Any] = dict(entry)
        unread: list[str] = []
        published = _date(values, "published", unread) or _date(values, "created", unread)
        updated = _date(values, "updated", unread)
        if published is None and dated_once:
            published = updated
        content = _best_content(values.get("content") or [])
        title = values.get("title_detail") or {}
        yield RawItem(
            guid=str(values.get("id") or ""),
            url=_link(values),
            base=base,
            title=_markup(title, values.get("title"), base),
            summary=_markup(values.get("summary_detail") or {}, values.get("summary"), base),
            content=_markup(content, content.get("value"), base),
            published=published,
            updated=updated,
            unread_dates=tuple(unread),
            author=str(values.get("author") or ""),
            language=str(title.get("language") or default_language),
            raw_sha256=digest,
        )


def _tree(data: bytes) -> Any:  # noqa: ANN401 - lxml has no types
    from lxml import etree  # noqa: PLC0415 - heavy, worker only

    parser = etree.XMLParser(
        resolve_entities="internal", no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _incremental(
    root: Any,  # noqa: ANN401 - an lxml element
    data: bytes,
    headers: Mapping[str, str],
    *,
    seen: Container[str],
    most_items: int,
    version: str,
) -> Document | None:
    from lxml import etree  # noqa: PLC0415 - heavy, worker only

    items = [el for el in root.iter("{*}item", "{*}entry") if el.getparent() is not None]
    if any(_is_item(parent) for el in items for parent in (el.getparent(),)):
        return None  # an item inside an item: let feedparser decide what that means
    notes: list[str] = []
    reduced = False
    if len(items) > most_items:
        tail = most_items // 4
        dropped = items[most_items - tail : -tail]
        notes.append(
            f"{len(items):,} items; the first {most_items - tail:,} and last {tail:,} were read"
        )
        _remove(dropped)
        items = items[: most_items - tail] + items[-tail:]
        reduced = True
    # A change of the document's own base or language changes what its items mean.
    salt = repr(
        [sorted(parent.attrib.items()) for parent in (root, *root[:1]) if not _is_item(parent)]
        + [headers.get("content-location", "")]
    ).encode()
    present, fresh, known = [], [], []
    for element in items:
        text = etree.tostring(element, encoding="utf-8", with_tail=False)
        digest = hashlib.sha256(salt + text).hexdigest()
        present.append(digest)
        if digest in seen:
            known.append(element)
        else:
            fresh.append(digest)
    skip_hours, skip_days = _quiet_times(root)
    if known:
        _remove(known)
        reduced = True
    result = _feedparser(etree.tostring(root, encoding="utf-8") if reduced else data, headers)
    if len(result["entries"]) != len(fresh):
        return None
    return Document(
        feed=result["feed"],
        entries=result["entries"],
        digests=tuple(fresh),
        present=tuple(present),
        format=version or result["version"],
        skip_hours=skip_hours,
        skip_days=skip_days,
        notes=tuple(notes),
        split=True,
    )


def _whole(
    data: bytes,
    headers: Mapping[str, str],
    seen: Container[str],
    notes: tuple[str, ...],
    root: Any,  # noqa: ANN401 - an lxml element or None
) -> Document:
    result = _feedparser(data, headers)
    entries, digests, present = [], [], []
    for entry in result["entries"]:
        text = json.dumps(entry, sort_keys=True, default=str).encode()
        digest = hashlib.sha256(text).hexdigest()
        present.append(digest)
        if digest not in seen:
            entries.append(entry)
            digests.append(digest)
    if root is None and result["version"]:
        notes = (*notes, "the document is not well-formed; it was read all the same")
    return Document(
        feed=result["feed"],
        entries=entries,
        digests=tuple(digests),
        present=tuple(present),
        format=result["version"],
        notes=notes,
    )


def _feedparser(data: bytes, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - untyped library
    import feedparser  # noqa: PLC0415 - heavy, worker only

    return feedparser.parse(
        io.BytesIO(data),
        response_headers=dict(headers),
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _is_item(element: Any) -> bool:  # noqa: ANN401 - an lxml element
    tag = element.tag
    return isinstance(tag, str) and tag.rpartition("}")[2] in {"item", "entry"}


def _remove(elements: Sequence[Any]) -> None:
    for element in elements:
        element.getparent().remove(element)


def _quiet_times(root: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:  # noqa: ANN401 - lxml
    hours, days = set(), set()
    for block in root.iter("{*}skipHours", "{*}skipDays"):
        for element in block:
            text = (element.text or "").strip().lower() if isinstance(element.tag, str) else ""
            if text.isdecimal() and int(text) <= 24:
                hours.add(int(text) % 24)  # RSS 0.91 counts 1 to 24, RSS 2.0 counts 0 to 23
            elif text in _DAYS:
                days.add(_DAYS.index(text))
    # Around the clock is a mistake, not a wish.
    return (
        tuple(sorted(hours)) if len(hours) < 24 else (),
        tuple(sorted(days)) if len(days) < 7 else (),
    )


def _date(values: Mapping[str, Any], name: str, unread: list[str]) -> datetime | None:
    parsed = values.get(f"{name}_parsed")
    if parsed is None:
        text = values.get(name)
        if isinstance(text, str) and text.strip():
            unread.append(one_line(plain_text(text, most=60), most=60))
        return None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=calendar.timegm(parsed))
    except (ValueError, OverflowError, TypeError):
        unread.append(one_line(str(values.get(name)), most=60))
        return None


def _link(values: Mapping[str, Any]) -> str:
    # FeedBurner counts clicks on "link" and says where it leads in a field of its own.
    link = values.get("feedburner_origlink") or values.get("link")
    if isinstance(link, str) and link.strip():
        return link
    links = [one for one in values.get("links") or [] if one.get("href")]
    for wanted in ("alternate", "enclosure", "via"):
        for one in links:
            if one.get("rel") == wanted:
                return str(one["href"])
    return ""


def _best_content(contents: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    readable = [
        one for one in contents if str(one.get("type", "")) in _HTML_TYPES | {"text/plain", ""}
    ]
    return max(
        readable,
        key=lambda one: (one.get("type") in _HTML_TYPES, len(str(one.get("value") or ""))),
        default={},
    )


def _markup(detail: Mapping[str, Any], value: object, base: str) -> Markup:
    return Markup(
        value=value if isinstance(value, str) else "",
        is_html=detail.get("type", "text/html") in _HTML_TYPES,
        base=str(detail.get("base") or base),
    )
