"""Read JSON Feed, versions 1 and 1.1.

References:
    Simmons & Reece (2020), JSON Feed Version 1.1, https://www.jsonfeed.org/version/1.1/
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from responders.feeds.entries import Markup, RawItem, ambiguous_names

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["JsonDocument", "read_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonDocument:
    """What a JSON Feed said.

    Attributes:
        title: Name of the feed.
        link: Address of its site.
        language: Tag that it declares.
        hub_url: WebSub hub; None without one.
        format: ``json10`` or ``json11``.
        items: Items that were not in ``seen``.
        present: Hashes of all items.
        notes: What was odd.
    """

    title: str
    link: str
    language: str
    hub_url: str | None
    format: str
    items: tuple[RawItem, ...]
    present: tuple[str, ...]
    notes: tuple[str, ...]


def read_json(
    body: bytes, *, base: str, seen: Container[str], most_items: int
) -> JsonDocument | str:
    """Read a JSON Feed.

    Args:
        body: The document; UTF-8, or UTF-16 or 32 as the JSON module tells.
        base: Its address.
        seen: Hashes of known items.
        most_items: Most items that are looked at.

    Returns:
        What it said, or a sentence that says why it is no JSON Feed.
    """
    try:
        document = json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as problem:
        return f"the document looks like JSON and is not: {problem}"
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return "the document is JSON, but not a JSON Feed: it has no list of items"
    version = str(document.get("version", ""))
    notes = [] if "jsonfeed.org/version/" in version else ["it names no JSON Feed version"]
    listed = [item for item in document["items"] if isinstance(item, dict)]
    if len(listed) < len(document["items"]):
        notes.append(f"{len(document['items']) - len(listed)} item(s) are not objects")
    if len(listed) > most_items:
        notes.append(f"{len(listed):,} items; the first {most_items:,} were read")
        listed = listed[:most_items]
    language = _text(document.get("language"))
    people = _people(document)
    ambiguous = ambiguous_names((_guid(item), _link(item)) for item in listed)
    items, present = [], []
    for item in listed:
        canonical = json.dumps(item, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(f"{base}\n{canonical}".encode("utf-8", "replace")).hexdigest()
        present.append(digest)
        if digest not in seen:
            raw = _item(item, base=base, language=language, people=people, digest=digest)
            items.append(replace(raw, guid_shared=raw.guid in ambiguous))
    hubs = document.get("hubs")
    first = hubs[0] if isinstance(hubs, list) and hubs else None
    hub = first.get("url") if isinstance(first, dict) else None
    return JsonDocument(
        title=_text(document.get("title")),
        link=_text(document.get("home_page_url")),
        language=language,
        hub_url=_text(hub) or None,
        format="json11" if version.rstrip("/").endswith("1.1") else "json10",
        items=tuple(items),
        present=tuple(present),
        notes=tuple(notes),
    )


def _item(item: dict[str, Any], *, base: str, language: str, people: str, digest: str) -> RawItem:
    unread: list[str] = []
    as_html = _text(item.get("content_html"))
    as_text = _text(item.get("content_text"))
    return RawItem(
        guid=_guid(item),
        url=_link(item),
        base=base,
        title=Markup(value=_text(item.get("title")), is_html=False),
        summary=Markup(value=_text(item.get("summary")), is_html=False),
        content=Markup(value=as_html or as_text, is_html=bool(as_html), base=base),
        published=_date(item.get("date_published"), unread),
        updated=_date(item.get("date_modified"), unread),
        unread_dates=tuple(unread),
        author=_people(item) or people,
        language=_text(item.get("language")) or language,
        raw_sha256=digest,
    )


def _guid(item: dict[str, Any]) -> str:
    # Version 1 allows numbers as ids and asks readers to turn them into text.
    guid = item.get("id")
    return str(guid) if isinstance(guid, int | float) else _text(guid)


def _link(item: dict[str, Any]) -> str:
    return _text(item.get("url")) or _text(item.get("external_url"))


def _people(holder: dict[str, Any]) -> str:
    # Version 1.1 has a list of authors; version 1 has one.
    authors = holder.get("authors")
    listed = authors if isinstance(authors, list) else [holder.get("author")]
    names = [_text(one.get("name")) for one in listed if isinstance(one, dict)]
    return ", ".join(filter(None, names))


def _date(value: object, unread: list[str]) -> datetime | None:
    text = _text(value).strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        unread.append(text)
        return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    # JSON can spell half a surrogate pair, which is no character and cannot be stored.
    return value.encode("utf-8", "replace").decode("utf-8")
