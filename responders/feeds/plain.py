"""Items that are plain enough to be read without feedparser.

Theory of operation. Nearly all items are an RSS 2.0 ``item`` or an Atom 1.0 ``entry`` with each
element once and nothing inside of it. What feedparser makes of such an item is a short list of
rules, and following them costs a tenth of its time. An item with anything else - an element that
is not in the lists below, one that stands there twice, markup inside of a text, a base address, an
unusual attribute - is left to feedparser, which knows every dialect. A test holds both ways to the
same entries on real feeds; the other direction, that few items are left, is only a matter of time.

The rules: texts are stripped; what was UTF-8 and became Latin-1 on its way is turned back, as are
Windows-1252 characters; outside of Atom a text that looks like HTML is HTML; an identifier that may
be a link is resolved, and is the link where there is no other.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_plain", "language_of", "plain_entry"]

_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_CONTENT: Final = "{http://purl.org/rss/1.0/modules/content/}"
_MEDIA: Final = "{http://search.yahoo.com/mrss/}"
_XML: Final = "{http://www.w3.org/XML/1998/namespace}"

# Element to what it says; whose attributes may be there is in _ATTRIBUTES.
_RSS: Final = {
    "title": "title",
    "link": "link",
    "description": "summary",
    "guid": "id",
    "pubDate": "published",
    "updated": "updated",
    f"{_ATOM}link": "links",
    "author": "author",
    f"{_DC}creator": "author",
    f"{_CONTENT}encoded": "content",
    "enclosure": "enclosure",
}
_ENTRY: Final = {
    f"{_ATOM}title": "title",
    f"{_ATOM}link": "links",
    f"{_ATOM}id": "id",
    f"{_ATOM}updated": "updated",
    f"{_ATOM}published": "published",
    f"{_ATOM}summary": "summary",
    f"{_ATOM}content": "content",
    f"{_ATOM}author": "person",
}
_ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "id": frozenset({"isPermaLink"}),
    "links": frozenset({"href", "rel", "type", "title", "hreflang", "length"}),
    "enclosure": frozenset({"url", "type", "length"}),
}
_BASE: Final = f"{_XML}base"
_LANG: Final = f"{_XML}lang"
_TYPED: Final = frozenset({f"{_ATOM}title", f"{_ATOM}summary", f"{_ATOM}content"})
_OF_TYPED: Final = frozenset({"type", _BASE, _LANG})
_TYPES: Final = {
    "text": "text/plain",
    "text/plain": "text/plain",
    "html": "text/html",
    "text/html": "text/html",
}
# What says nothing that an entry keeps, where nothing is inside of it.
_INERT: Final = frozenset(
    {
        "category", "comments", f"{_ATOM}category", f"{_MEDIA}thumbnail", f"{_MEDIA}content",
        f"{_MEDIA}credit", f"{_MEDIA}keywords", f"{_DC}subject",
    }
)  # fmt: skip
_INERT_NAMESPACES: Final = (
    "{http://purl.org/rss/1.0/modules/slash/}",
    "{http://wellformedweb.org/CommentAPI/}",
    "{com-wordpress:feed-additions:1}",
    "{http://purl.org/syndication/thread/1.0}",
    "{https://podcastindex.org/namespace/1.0}",
    "{http://www.discourse.org/}",
)
# What may stand inside of a picture: its title is not the item's, where the item has had one.
_OF_PICTURE: Final = frozenset({f"{_MEDIA}title", f"{_MEDIA}credit", f"{_MEDIA}text"})
_PORTRAIT: Final = "{http://schemas.google.com/g/2005}image"
_NONE: Final[frozenset[str]] = frozenset()
_PERSON: Final = {f"{_ATOM}name": "name", f"{_ATOM}email": "email", f"{_ATOM}uri": "uri"}
_HIGH: Final = re.compile("[\x80-\x9f]")
_WINDOWS: Final = {
    code: bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}


def language_of(root: Any) -> str | None:
    """The language that a document's items inherit; None where items may not be read plainly."""
    language = ""
    for element in (root, *root[:1]):
        if not isinstance(element.tag, str):
            return None
        for name, value in element.attrib.items():
            if name in {"base", _BASE}:
                return None
            if name in {"lang", _LANG}:
                language = value.replace("_", "-")
    return language if root.tag in {"rss", f"{_ATOM}feed"} else None


def is_plain(item: Any) -> bool:
    """Whether an item has nothing but what the rules above are about."""
    if item.tag == "item":
        names: Mapping[str, str] = _RSS
    elif item.tag == f"{_ATOM}entry":
        names = _ENTRY
    else:
        return False
    if item.attrib and set(item.attrib) != {_LANG}:
        return False
    met: set[str] = set()
    title = ""
    for child in item:
        tag = child.tag
        if not isinstance(tag, str):
            return False
        what = names.get(tag)
        if what is None:
            if not (tag in _INERT or tag.startswith(_INERT_NAMESPACES)):
                return False
            if len(child) and not (tag == f"{_MEDIA}content" and _is_picture(child, title)):
                return False
            continue
        if what in met and what != "links":
            return False
        met.add(what)
        if what == "title":
            title = (child.text or "").strip()
        if what == "person":
            if child.attrib or not _is_person(child):
                return False
        elif len(child):
            return False
        elif tag in _TYPED:
            if set(child.attrib) - _OF_TYPED or child.get("type", "text").lower() not in _TYPES:
                return False
        elif any(map(_means_something, set(child.attrib) - _ATTRIBUTES.get(what, _NONE))):
            return False
        if what == "links" and not child.get("href"):
            return False
    return True


def plain_entry(item: Any, *, base: str, language: str, atom: bool) -> dict[str, Any]:
    """What feedparser would say of a plain item, as far as an entry keeps it.

    Args:
        item: For which :func:`is_plain` holds.
        base: Address of the document, absolute and safe; empty when unknown.
        language: From :func:`language_of`.
        atom: Whether the document's version is one of Atom.
    """
    from feedparser.datetimes import _parse_date

    names = _RSS if item.tag == "item" else _ENTRY
    language = item.get(_LANG, language)
    entry: dict[str, Any] = {}
    link: str | None = None
    permalink: str | None = None
    for child in item:
        what = names.get(child.tag)
        if what is None:
            continue
        if what == "links":
            rel = child.get("rel", "alternate").lower()
            kind = child.get("type", "text/html")
            href = _joined(base, child.get("href"))
            entry.setdefault("links", []).append({"rel": rel, "href": href})
            if rel == "alternate" and kind.lower() in {
                "html", "xhtml", "text/html", "application/xhtml+xml"
            }:  # fmt: skip
                link = href
            continue
        if what == "person":
            entry["author"] = _author(child)
            continue
        if what == "enclosure":
            one = {"rel": "enclosure", "href": child.get("url", "")}
            entry.setdefault("links", []).append(one)
            continue
        text = (child.text or "").strip()
        if what in {"title", "summary", "content"}:
            kind = _type_of(child, what)
            if kind == "text/plain" and not atom and _looks_like_html(text):
                kind = "text/html"
            said = {
                "type": kind,
                "value": _mended(text),
                "base": _base_of(child, base),
                "language": child.get(_LANG, language).replace("_", "-"),
            }
            if what == "content":
                entry["content"] = [said]
            else:
                entry[what], entry[f"{what}_detail"] = said["value"], said
        elif what == "link":
            href = _mended(_joined(base, text)) if text else ""
            link = href.replace("&amp;", "&")
        elif what == "id":
            may_link = child.get("isPermaLink", "true") == "true"
            entry["id"] = _mended(_joined(base, text) if may_link and text else text)
            permalink = entry["id"] if may_link else None
        else:
            entry[what] = _mended(text)
            if what != "author":
                entry[f"{what}_parsed"] = _parse_date(entry[what])
    if link is not None or permalink is not None:
        entry["link"] = permalink if link is None else link
    if "content" in entry and "summary" not in entry:
        entry["summary"] = entry["content"][0]["value"]
    return entry


def _means_something(attribute: str) -> bool:
    # Other formats add attributes of their own namespace; nobody asks for them.
    return not attribute.startswith("{") or attribute.startswith(_XML)


def _type_of(element: Any, what: str) -> str:
    if element.tag in _TYPED:
        return _TYPES[element.get("type", "text").lower()]
    return "text/plain" if what == "title" else "text/html"


def _is_picture(element: Any, title: str) -> bool:
    return all(
        child.tag in _OF_PICTURE and not len(child) and (title or child.tag != f"{_MEDIA}title")
        for child in element
    )


def _is_person(element: Any) -> bool:
    tags = [child.tag for child in element]
    return (
        len(set(tags)) == len(tags)
        and all(tag in _PERSON or tag == _PORTRAIT for tag in tags)
        and not any(
            len(child) or ((child.text or "").strip() if child.tag == _PORTRAIT else child.attrib)
            for child in element
        )
        and not (element.text or "").strip()
        and not any((child.tail or "").strip() for child in element)
    )


def _author(element: Any) -> str:
    said = {
        _PERSON[child.tag]: (child.text or "").strip()
        for child in element
        if child.tag != _PORTRAIT
    }
    name, email = said.get("name", ""), said.get("email", "")
    return f"{name} ({email})" if name and email else name or email


def _base_of(element: Any, base: str) -> str:
    own = element.get(_BASE)
    if not own:
        return base
    from feedparser.urls import make_safe_absolute_uri

    if base:
        return str(make_safe_absolute_uri(base, own)) or base
    return _joined(base, own)


def _joined(base: str, address: str) -> str:
    from feedparser.urls import _urljoin

    return str(_urljoin(base, address))


def _looks_like_html(text: str) -> bool:
    if "&" not in text and "<" not in text:
        return False
    from feedparser.api import StrictFeedParser

    return bool(StrictFeedParser.looks_like_html(text))


def _mended(text: str) -> str:
    if text.isascii():
        return text
    with suppress(UnicodeEncodeError, UnicodeDecodeError):
        text = text.encode("iso-8859-1").decode("utf-8")
    return text.translate(_WINDOWS) if _HIGH.search(text) else text
