"""A stretch of news as it came, and a server on loopback that publishes it again by a clock.

At every moment of the clock each feed shows what it had published by then, newest first, as a JSON
Feed with an ETag. Whoever polls it meets the news as it was: nothing of the poller, the parser or
what follows knows that it is not the day itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from bisect import bisect_right
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from responders.feeds import loopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from testkit.kernel.clock import Clock

__all__ = [
    "RecordedFeed",
    "RecordedItem",
    "Recording",
    "bundled_documents",
    "bundled_names",
    "serve",
]

# What a feed shows at one time. Real ones show 10 to 50; here no late poll shall miss an item.
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedItem:
    """One item.

    Attributes:
        at: When it appeared.
        guid: Its identifier in its feed.
        url: Address of the article; empty when it has none.
        title: Headline.
        text: Teaser, plain text.
        language: BCP 47 tag; empty when unknown.
        author: Name; empty when unknown.
    """

    at: datetime
    guid: str
    url: str
    title: str
    text: str
    language: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFeed:
    """A feed.

    Attributes:
        title: Name of the outlet.
        site_url: Its page; empty when unknown.
        language: BCP 47 tag; empty when unknown.
        items: In order of appearance.
    """

    title: str
    site_url: str
    language: str
    items: tuple[RecordedItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What is replayed.

    Attributes:
        name: For people.
        feeds: Those that have an item.
        start: Where the replay begins.
        end: Where it ends.
    """

    name: str
    feeds: tuple[RecordedFeed, ...]
    start: datetime
    end: datetime

    @property
    def items(self) -> int:
        """How many items there are."""
        return sum(len(feed.items) for feed in self.feeds)


@contextlib.contextmanager
def serve(recording: Recording, clock: Clock) -> Iterator[list[str]]:
    """Publish a recording on loopback; yields the addresses of its feeds, in their order."""
    shown = [_Shown(feed) for feed in recording.feeds]

    def answer(name: str) -> tuple[bytes, str] | None:
        number = name.removesuffix(".json")
        known = number.isdecimal() and int(number) < len(shown)
        return shown[int(number)].at(clock()) if known else None

    with loopback.serve(answer) as address:
        yield [f"{address}/{number}.json" for number in range(len(shown))]


class _Shown:
    """What a feed shows at a moment."""

    def __init__(self, feed: RecordedFeed) -> None:
        self._feed = feed
        self._times = [item.at for item in feed.items]
        self._items = [_json_item(item) for item in feed.items]

    def at(self, now: datetime) -> tuple[bytes, str]:
        """The document and its ETag."""
        count = bisect_right(self._times, now)
        document = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": self._feed.title,
            "home_page_url": self._feed.site_url,
            "language": self._feed.language,
            "items": self._items[max(0, count - _SHOWN) : count][::-1],
        }
        body = json.dumps({key: value for key, value in document.items() if value != ""}).encode()
        return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _json_item(item: RecordedItem) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": item.guid,
        "url": item.url,
        "title": item.title,
        "content_text": item.text,
        "language": item.language,
        "date_published": item.at.isoformat(),
        "authors": [{"name": item.author}] if item.author else "",
    }
    return {key: value for key, value in out.items() if value != ""}


def bundled_names() -> list[str]:
    """Names of the bundled replays."""
    folders = files("responders").joinpath("replays").iterdir()
    return sorted(folder.name for folder in folders if folder.is_dir())


def bundled_documents(name: str, *, now: datetime) -> dict[str, bytes]:
    """The feed files of a bundled replay, their dates counted back from ``now``.

    In the files ``rfc(n)`` and ``iso(n)`` stand for n minutes ago.
    """
    from datetime import timedelta
    from email.utils import format_datetime

    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def ago(minutes: int) -> datetime:
        return (now - timedelta(minutes=minutes)).replace(microsecond=0)

    environment = ImmutableSandboxedEnvironment(autoescape=True)
    environment.globals.update(
        rfc=lambda minutes: format_datetime(ago(minutes)),
        iso=lambda minutes: ago(minutes).isoformat().replace("+00:00", "Z"),
    )
    return {
        item.name: environment.from_string(item.read_text(encoding="utf-8")).render().encode()
        for item in files("responders").joinpath("replays", name).iterdir()
        if item.name.endswith((".xml", ".json"))
    }
