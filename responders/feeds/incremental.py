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
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from xml.sax import SAXException
from xml.sax.xmlreader import AttributesNSImpl

from responders.feeds.entries import Markup, RawItem, ambiguous_names
from responders.feeds.mend import mended
from responders.feeds.plain import is_plain, language_of, plain_entry
from responders.feeds.text import one_line, plain_text

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

__all__ = ["MOST_ITEMS", "Document", "looks_like_page", "raw_items", "read_document"]

MOST_ITEMS: Final = 2_000
"""Items that are read of one document; beyond it the first three quarters and the last quarter."""

_HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})
_ITEM_START: Final = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)[\s/>]", re.IGNORECASE)
_ROOT: Final = re.compile(rb"<(?:[\w.-]+:)?(rss|feed|rdf|channel|html)[\s/>]", re.IGNORECASE)
_XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What feedparser made of a document.

    Attributes:
        feed: feedparser's feed values.
        entries: feedparser's entry values, of the items that were not in ``seen``.
        digests: One hash for each of ``entries``.
        shared: For each of ``entries`` whether its identifier stands on another item, too, that
            leads elsewhere.
        present: Hashes of all items of the document, in order.
        format: feedparser's name of the format, such as ``rss20``; empty when it is none.
        skip_hours: Hours, UTC, that the channel asks to be left alone in.
        skip_days: Days, 0 Monday, likewise.
        notes: What was odd.
        split: Whether the incremental way was taken.
        encoding: Encoding that the document was read in; empty when none fitted.
        namespaces: Namespaces in use by prefix.
        oddity: What a strict reader would have refused it for; None when it is in order.
        cut_off: The document never closes its first element.
    """

    feed: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]]
    digests: tuple[str, ...]
    shared: tuple[bool, ...]
    present: tuple[str, ...]
    format: str
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    split: bool = False
    encoding: str = ""
    namespaces: Mapping[str, str] = field(default_factory=dict)
    oddity: Exception | None = None
    cut_off: bool = False


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
    whole_entries: bool = True,
) -> Document:
    """Read a document, skipping the items that are known.

    Args:
        body: The document in any encoding.
        headers: ``content-type``, ``content-location``, ``content-language`` as far as known; the
            first decides about the encoding, the second is where relative links start.
        seen: Hashes of known items, as in :attr:`Document.present`.
        most_items: Most items that are looked at, >= 4.
        whole_entries: Whether entries have all of feedparser's values. Without that, plain items
            are read faster, and say only what :func:`raw_items` asks for.

    Returns:
        What was read; no entries and an empty format when it is no feed.
    """
    from feedparser.encodings import convert_to_utf8
    from feedparser.sanitizer import replace_doctype

    outcome: dict[str, Any] = {}
    data = convert_to_utf8(dict(headers), body, outcome)
    version, plain, _entities = replace_doctype(data)
    told = {**headers, "content-type": "application/xml; charset=utf-8"}
    document, oddity = None, outcome.get("bozo_exception")
    cut_off = False
    if outcome.get("encoding"):
        root, refusal = _tree(plain)
        oddity = refusal or oddity
        cut_off = refusal is not None and _breaks_off(plain)
        if root is None:
            root, _ = _tree(mended(plain))
        if root is not None:
            document = _incremental(
                root, told, seen=seen, most_items=most_items, whole_entries=whole_entries
            )
    if document is None:
        document = _whole(body, headers, seen=seen, most_items=most_items)
    return replace(
        document,
        format=version or document.format,
        encoding=outcome.get("encoding") or "",
        oddity=document.oddity or oddity,
        cut_off=cut_off,
    )


def _breaks_off(data: bytes) -> bool:
    found = _ROOT.search(data[:4096])
    return found is not None and not re.search(
        rb"</(?:[\w.-]+:)?" + found[1] + rb"\s*>", data, re.IGNORECASE
    )


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
    for entry, digest, shared in zip(
        document.entries, document.digests, document.shared, strict=True
    ):
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
            guid_shared=shared,
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


def _tree(data: bytes) -> tuple[Any, Exception | None]:
    """The document as a tree, or None and why not."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities="internal", no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        return etree.fromstring(data, parser), None
    except (etree.XMLSyntaxError, ValueError) as refusal:
        return None, refusal


def _incremental(
    root: Any,
    headers: Mapping[str, str],
    *,
    seen: Container[str],
    most_items: int,
    whole_entries: bool,
) -> Document | None:
    from lxml import etree

    items = [el for el in root.iter("{*}item", "{*}entry") if el.getparent() is not None]
    if any(_is_item(element.getparent()) for element in items):
        return None  # an item inside an item: let feedparser decide what that means
    notes: list[str] = []
    if len(items) > most_items:
        tail = most_items // 4
        dropped = items[most_items - tail : -tail]
        notes.append(
            f"{len(items):,} items; the first {most_items - tail:,} and last {tail:,} were read"
        )
        _remove(dropped)
        items = items[: most_items - tail] + items[-tail:]
    # A change of the document's own base or language changes what its items mean.
    salt = repr(
        [sorted(parent.attrib.items()) for parent in (root, *root[:1]) if not _is_item(parent)]
        + [headers.get("content-location", "")]
    ).encode()
    names = [_name_and_place(element) for element in items]
    ambiguous = ambiguous_names(names)
    language = None if whole_entries else language_of(root)
    present: list[str] = []
    fresh: list[str] = []
    shared: list[bool] = []
    known, plain = [], dict[int, Any]()
    for element, (name, _place) in zip(items, names, strict=True):
        text = etree.tostring(element, encoding="utf-8", with_tail=False)
        digest = hashlib.sha256(salt + text).hexdigest()
        present.append(digest)
        if digest in seen:
            known.append(element)
        else:
            if language is not None and is_plain(element):
                plain[len(fresh)] = element
            fresh.append(digest)
            shared.append(name in ambiguous)
    skip_hours, skip_days = _quiet_times(root)
    _remove(known)
    # Their names are qualified already, and what stays behind does not change what they say.
    _remove(list(plain.values()))
    result = _walked(root, headers)
    if result is None or len(result["entries"]) != len(fresh) - len(plain):
        return None
    given = iter(result["entries"])
    entries = [
        plain_entry(
            plain[place],
            base=result["base"],
            language=language or "",
            atom=result["version"].startswith("atom"),
        )
        if place in plain
        else next(given)
        for place in range(len(fresh))
    ]
    return Document(
        feed=result["feed"],
        entries=entries,
        digests=tuple(fresh),
        shared=tuple(shared),
        present=tuple(present),
        format=result["version"],
        skip_hours=skip_hours,
        skip_days=skip_days,
        notes=tuple(notes),
        split=True,
        namespaces=result["namespaces"],
    )


def _whole(
    body: bytes, headers: Mapping[str, str], *, seen: Container[str], most_items: int
) -> Document:
    import feedparser

    notes = ["the document is not well-formed; it was read all the same"]
    starts = [match.start() for match in _ITEM_START.finditer(body)]
    if len(starts) > most_items:
        body = body[: starts[most_items]]
        notes.append(f"{len(starts):,} items; the first {most_items:,} were read")
    result = feedparser.parse(
        io.BytesIO(body),
        response_headers=dict(headers),
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    entries, digests, shared, present = [], [], [], []
    ambiguous = ambiguous_names((e.get("id", ""), e.get("link", "")) for e in result["entries"])
    for entry in result["entries"]:
        text = json.dumps(entry, sort_keys=True, default=str).encode()
        digest = hashlib.sha256(text).hexdigest()
        present.append(digest)
        if digest not in seen:
            entries.append(entry)
            digests.append(digest)
            shared.append(entry.get("id", "") in ambiguous)
    return Document(
        feed=result["feed"],
        entries=entries,
        digests=tuple(digests),
        shared=tuple(shared),
        present=tuple(present),
        format=result["version"],
        notes=tuple(notes) if result["version"] else (),
        namespaces=result.get("namespaces", {}),
        oddity=result.get("bozo_exception"),
    )


def _walked(root: Any, headers: Mapping[str, str]) -> Any:
    """Feedparser's reading of a tree; None when it stumbles over it.

    Its strict reader is a SAX handler. Told about lxml's tree directly it hears of each text once
    and whole, where expat cuts at every line and entity: on real feeds that is half the time.
    """
    from feedparser.api import StrictFeedParser
    from feedparser.urls import make_safe_absolute_uri

    base = make_safe_absolute_uri(headers.get("content-location", ""))
    handler = StrictFeedParser(base, headers.get("content-language"), "utf-8")
    handler.resolve_relative_uris = handler.sanitize_html = False
    try:
        _tell(root, handler)
    except (SAXException, LookupError, ValueError, TypeError, AttributeError):
        return None  # the public way will hear of it too, and has its own way on
    return {
        "base": base,
        "feed": handler.feeddata,
        "entries": handler.entries,
        "version": handler.version,
        "namespaces": handler.namespaces_in_use,
    }


def _tell(root: Any, handler: Any) -> None:
    """Tell a SAX handler of a tree, in the words of the standard library's expat driver."""
    from lxml import etree

    events = etree.iterwalk(root, events=("start-ns", "start", "end", "comment", "pi"))
    for event, what in events:
        if event == "start":
            names: dict[tuple[str | None, str], str] = {}
            values: dict[tuple[str | None, str], str] = {}
            for name, value in what.attrib.items():
                key = _split(name)
                values[key] = value
                names[key] = key[1] if key[0] is None else f"{_prefix(what, key[0])}:{key[1]}"
            handler.startElementNS(_split(what.tag), None, AttributesNSImpl(values, names))
            if what.text:
                handler.characters(what.text)
        elif event == "start-ns":
            handler.startPrefixMapping(what[0] or None, what[1])
        else:
            if event == "end":
                handler.endElementNS(_split(what.tag), None)
            if what.tail and what is not root:
                handler.characters(what.tail)


def _split(name: str) -> tuple[str | None, str]:
    if name.startswith("{"):
        namespace, _, local = name[1:].partition("}")
        return namespace, local
    return None, name


def _prefix(element: Any, namespace: str) -> str:
    if namespace == _XML_NAMESPACE:
        return "xml"
    return next((p for p, uri in element.nsmap.items() if p and uri == namespace), "")


def _is_item(element: Any) -> bool:
    tag = element.tag
    return isinstance(tag, str) and tag.rpartition("}")[2] in {"item", "entry"}


def _name_and_place(element: Any) -> tuple[str, str]:
    """Identifier and link of an item as they stand there."""
    name = place = ""
    for child in element:
        tag = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
        if tag in {"guid", "id"} and not name:
            name = (child.text or "").strip()
        elif tag == "link" and not place and child.get("rel", "alternate") == "alternate":
            place = (child.text or "").strip() or child.get("href", "")
    return name, place


def _remove(elements: Sequence[Any]) -> None:
    for element in elements:
        element.getparent().remove(element)


def _quiet_times(root: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
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
