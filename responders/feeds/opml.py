"""Lists of feeds, in and out, as OPML 2.0.

References:
    Winer (2007), OPML 2.0, http://opml.org/spec2.opml
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape, quoteattr

from responders.feeds.entries import web_address
from responders.feeds.guard import tidy_url
from responders.feeds.mend import mended
from responders.feeds.text import one_line
from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = ["FeedList", "ListedFeed", "read_opml", "write_opml"]

_MOST_BYTES: Final = 10_000_000
_MOST_NAME: Final = 200
_DEEPEST: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFeed:
    """One feed of a list.

    Attributes:
        url: Address of the feed.
        title: Name that the list gives it; empty without one.
        site_url: Address of the site; empty when the list does not say.
        folder: Names of the folders around it, outermost first.
    """

    url: str
    title: str = ""
    site_url: str = ""
    folder: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedList:
    """What a list contained.

    Attributes:
        title: Name of the list.
        feeds: Feeds in the list's order, each address once.
        notes: What was left out or mended, in words.
    """

    title: str
    feeds: tuple[ListedFeed, ...]
    notes: tuple[str, ...]


def read_opml(data: bytes) -> FeedList:
    """Read a list of feeds.

    Args:
        data: The file, in any encoding that it declares.

    Returns:
        The feeds, and notes on what could not be used.

    Raises:
        InputError: The file is empty, larger than 10 MB, or is not OPML.
    """
    root, mended = _root(data)
    body = next((el for el in root if _tag(el) == "body"), root)
    head = next((el for el in root if _tag(el) == "head"), None)
    title = "" if head is None else next((_text(el) for el in head if _tag(el) == "title"), "")
    feeds: dict[str, ListedFeed] = {}
    notes = ["the file is not well-formed; it was read all the same"] if mended else []
    twice = 0
    # A stack instead of recursion: how deep the file nests is not ours to decide.
    waiting: list[tuple[Any, tuple[str, ...]]] = [(el, ()) for el in reversed(body)]
    while waiting:
        element, folder = waiting.pop()
        if _tag(element) != "outline":
            continue
        values = {str(k).lower(): str(v) for k, v in element.attrib.items()}
        name = one_line(values.get("title") or values.get("text") or "", most=_MOST_NAME)
        address = values.get("xmlurl", "").strip()
        if name == address:  # what a writer puts there for want of a name
            name = ""
        inner = (*folder, name) if name and not address and len(folder) < _DEEPEST else folder
        waiting.extend((child, inner) for child in reversed(element))
        if not address:
            if values.get("type", "").lower() in {"rss", "atom"}:
                notes.append(f"{name or 'an outline'!r} has no address (xmlUrl) and was left out")
            continue
        url = web_address(tidy_url(address), base="")
        if url is None:
            notes.append(f"{address[:80]!r} is not a web address and was left out")
        elif url in feeds:
            twice += 1
        else:
            site = web_address(values.get("htmlurl", ""), base="") or ""
            feeds[url] = ListedFeed(url=url, title=name, site_url=site, folder=folder)
    if twice:
        notes.append(f"{twice} feed(s) listed more than once")
    if not feeds:
        notes.append("the list names no feeds")
    return FeedList(
        title=one_line(title, most=_MOST_NAME), feeds=tuple(feeds.values()), notes=tuple(notes)
    )


def write_opml(feeds: Iterable[ListedFeed], *, title: str, now: datetime) -> bytes:
    """Write a list of feeds that other readers can import.

    Args:
        feeds: Feeds; those of one folder are put together, in the order of the first of them.
        title: Name of the list.
        now: Date that the list bears, aware.

    Returns:
        The file, UTF-8.
    """
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        "  <head>",
        f"    <title>{escape(title)}</title>",
        f"    <dateCreated>{now:%a, %d %b %Y %H:%M:%S %z}</dateCreated>",
        "  </head>",
        "  <body>",
    ]
    lines += _outlines(list(feeds), depth=0)
    lines += ["  </body>", "</opml>", ""]
    return "\n".join(lines).encode()


def _outlines(feeds: list[ListedFeed], *, depth: int) -> list[str]:
    pad = "    " + "  " * depth
    lines: list[str] = []
    folders: dict[str, list[ListedFeed]] = {}
    for feed in feeds:
        if len(feed.folder) > depth:
            folders.setdefault(feed.folder[depth], []).append(feed)
            continue
        name = quoteattr(feed.title or feed.url)
        site = f" htmlUrl={quoteattr(feed.site_url)}" if feed.site_url else ""
        address = quoteattr(feed.url)
        lines.append(f'{pad}<outline type="rss" text={name} title={name} xmlUrl={address}{site}/>')
    for folder, inside in folders.items():
        name = quoteattr(folder)
        lines.append(f"{pad}<outline text={name} title={name}>")
        lines += _outlines(inside, depth=depth + 1)
        lines.append(f"{pad}</outline>")
    return lines


def _root(data: bytes) -> tuple[Any, bool]:
    from lxml import etree

    if not data.strip():
        raise InputError("the list is empty", field="opml", hint="export it again as OPML")
    if len(data) > _MOST_BYTES:
        raise InputError(
            f"the list is larger than {_MOST_BYTES / 1e6:g} MB",
            field="opml",
            hint="export only the feeds, not their articles",
        )
    # A bare & of an address has one meaning only; the forgiving parser would drop what follows it.
    for document, forgiving in ((data, False), (mended(data), False), (data, True)):
        parser = etree.XMLParser(
            resolve_entities="internal", no_network=True, load_dtd=False, recover=forgiving
        )
        try:
            root = etree.fromstring(document, parser)
        except (etree.XMLSyntaxError, ValueError):
            continue
        if root is not None and _tag(root) == "opml":
            return root, forgiving or document is not data
    raise InputError(
        "the file is not OPML",
        field="opml",
        hint="in your feed reader look for Export, OPML; a single feed is added by its address",
    )


def _tag(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _text(element: Any) -> str:
    return str(element.text or "")
