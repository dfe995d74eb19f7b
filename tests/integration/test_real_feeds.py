"""Real feeds, as captured: none is lost, and reading the new items only changes nothing."""

from __future__ import annotations

import io
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from responders.feeds.entries import MOST_TITLE, web_address
from responders.feeds.parse import ParseTask, parse_many
from responders.feeds.read import read_feed
from responders.feeds.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterator

ARCHIVE = Path(os.environ.get("WHISTLESTOP_DATA", "")) / "feeds" / "real_feeds_half.tar.xz"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not ARCHIVE.is_file(), reason="WHISTLESTOP_DATA has no real_feeds_half"),
]
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
URL = "https://example.org/feed"


@pytest.fixture(scope="module")
def bodies() -> dict[str, bytes]:
    def read() -> Iterator[tuple[str, bytes]]:
        with tarfile.open(ARCHIVE) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None and member.name.endswith(".xml"):
                    yield member.name, file.read()

    return dict(read())


@pytest.mark.timeout(300)
def test_every_real_feed_is_read_by_the_worker_within_its_limits(bodies: dict[str, bytes]) -> None:
    tasks = (ParseTask(key=name, body=body, url=URL) for name, body in bodies.items())
    answers = dict(parse_many(tasks, now=NOW))
    assert len(answers) == 102
    assert {name: a.problem for name, a in answers.items() if a.problem} == {}
    assert sum(len(a.entries) for a in answers.values()) > 4000


@pytest.mark.timeout(300)
def test_the_newest_two_items_read_alone_are_as_in_the_whole(bodies: dict[str, bytes]) -> None:
    small = {name: body for name, body in bodies.items() if len(body) < 300_000}
    for name, body in small.items():
        whole = read_feed(body, content_type="", url=URL, now=NOW)
        known = frozenset(whole.present[2:])
        part = read_feed(body, content_type="", url=URL, now=NOW, seen=known)
        expected = [e for e in whole.entries if e.raw_sha256 not in known]
        assert list(part.entries) == expected, name
        assert (part.title, part.link, part.ttl_minutes) == (
            whole.title,
            whole.link,
            whole.ttl_minutes,
        )


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:::feedparser")
def test_titles_links_and_dates_are_those_of_plain_feedparser(bodies: dict[str, bytes]) -> None:
    import feedparser

    for name, body in bodies.items():
        if len(body) > 100_000:
            continue
        plain = feedparser.parse(
            io.BytesIO(body),
            response_headers={"content-type": "application/xml", "content-location": URL},
        )
        ours = read_feed(body, content_type="", url=URL, now=NOW)
        assert len(ours.present) == len(plain.entries), name
        theirs = [_seen_by_feedparser(entry, plain.version) for entry in plain.entries]
        for entry in ours.entries:
            untitled = ("", entry.url, entry.published)  # ours is called by its beginning
            named = (entry.title, entry.url, entry.published)
            assert named in theirs or untitled in theirs, (name, entry.guid)


def _seen_by_feedparser(entry: Any, version: str) -> tuple[str, str | None, datetime | None]:
    title = plain_text(dict.get(entry, "title", ""), most=MOST_TITLE)
    moment = dict.get(entry, "published_parsed") or dict.get(entry, "created_parsed")
    if moment is None and not version.startswith("atom"):
        moment = dict.get(entry, "updated_parsed")  # where feedparser files RDF's dc:date
    at = None if moment is None else datetime(*moment[:6], tzinfo=UTC)
    believable = at is not None and datetime(1995, 1, 1, tzinfo=UTC) <= at <= NOW
    url = web_address(dict.get(entry, "link", ""), base=URL)
    return title, url, at if believable else None
