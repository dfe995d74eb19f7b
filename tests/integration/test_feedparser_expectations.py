"""feedparser's own test files through our reader: what plain feedparser meets, we meet.

Each file says in its leading comment what a reader must make of it (``Expect:``, a Python
expression). Our reader works with sanitising and link resolving inside HTML off, because both take
quadratic time on hostile input and nh3 does that work afterwards. So the files about these two are
left out, by name (``MARKUP``) and by proof: plain feedparser with the same two switches off must
miss them too. Our own tests of that work are in ``unit/responders/test_text.py``.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import tarfile
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from responders.feeds.incremental import read_document
from responders.feeds.read import read_feed

if TYPE_CHECKING:
    from collections.abc import Iterator

ARCHIVE = Path(os.environ.get("WHISTLESTOP_DATA", "")) / "feeds" / "feedparser_tests.tar.xz"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not ARCHIVE.is_file(), reason="WHISTLESTOP_DATA has no feedparser_tests"),
    pytest.mark.filterwarnings("ignore:::feedparser"),
]

# About HTML inside titles, summaries and contents: what survives sanitising, how it is written
# again, and relative links in it.
MARKUP = (
    "encoding/bozo_linenoise.xml",
    "encoding/demoronize-3.xml",
    "wellformed/atom/relative_uri*.xml",
    "wellformed/atom10/missing_quote_in_attr.xml",
    "wellformed/atom10/qna.xml",
    "wellformed/atom10/relative_uri*.xml",
    "wellformed/atom10/tag_in_attr.xml",
    "wellformed/base/http_entry_content_*.xml",
    "wellformed/base/http_entry_summary_*.xml",
    "wellformed/base/http_entry_title_*.xml",
    "wellformed/base/http_feed_copyright_*.xml",
    "wellformed/base/http_feed_info_*.xml",
    "wellformed/base/http_feed_tagline_*.xml",
    "wellformed/base/http_feed_title_*.xml",
    "wellformed/base/http_item_*.xml",
    "wellformed/base/rel_uri_with_unicode_character.xml",
    "wellformed/namespace/*mathml.xml",
    "wellformed/namespace/*svg*.xml",
    "wellformed/namespace/*xlink.xml",
    "wellformed/rss/item_description_br*.xml",
    "wellformed/rss/item_description_not_a_doctype.xml",
    "wellformed/sanitize/*.xml",
    "wellformed/sgml/charref_uppercase_x.xml",
)
# JSON Feed is not feedparser 6's: our own reader meets it.
JSON = "json/example.json"


def _files() -> Iterator[tuple[str, bytes]]:
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None and member.name.startswith("tests/"):
                yield member.name.removeprefix("tests/"), file.read()


def _asked(name: str, body: bytes) -> tuple[str, dict[str, str]]:
    """What is expected, and the headers that feedparser's test server would send."""
    text = ""
    for encoding in ("utf-8", "utf-16", "utf-32", "cp037", "latin-1"):
        try:
            text = body.decode(encoding)
        except UnicodeError:
            continue
        if "Expect:" in text:
            break
    found = re.search(r"Expect:\s*(.+?)\s*(?:-->|\n)", text)
    sent = re.findall(r"^Header:\s*([^:\n]+):(.+)$", text, re.MULTILINE)
    headers = {key.strip().lower(): value.strip() for key, value in sent}
    if "/http/" in name or Path(name).name.startswith("http_"):
        from feedparser.urls import make_safe_absolute_uri

        url = f"http://127.0.0.1:8097/{name}"
        headers.setdefault("content-type", "application/xml")
        place = make_safe_absolute_uri(url, headers.get("content-location", ""))
        headers["content-location"] = place or url
    return ("" if found is None else found[1]), headers


def _meets(expected: str, values: Any) -> bool:
    import feedparser

    try:
        return bool(eval(expected, {"feedparser": feedparser, "datetime": dt}, values))
    except Exception:
        return False


def _ours(body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    document = read_document(body, headers=headers)
    return {
        "feed": document.feed,
        "entries": document.entries,
        "version": document.format,
        "bozo": document.oddity is not None,
        "bozo_exception": document.oddity,
        "encoding": document.encoding,
        "namespaces": document.namespaces,
        "headers": headers,
    }


@pytest.mark.timeout(300)
def test_what_plain_feedparser_meets_we_meet() -> None:
    import feedparser

    count: Counter[str] = Counter()
    missed = []
    for name, body in _files():
        expected, headers = _asked(name, body)
        if not expected or name == JSON:
            continue
        plain = feedparser.parse(io.BytesIO(body), response_headers=headers)
        if not _meets(expected, plain):
            count["plain feedparser misses"] += 1
            continue
        if _meets(expected, _ours(body, headers)):
            count["met"] += 1
            continue
        bare = feedparser.parse(
            io.BytesIO(body),
            response_headers=headers,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
        if any(fnmatch(name, pattern) for pattern in MARKUP) and not _meets(expected, bare):
            count["markup"] += 1
            continue
        missed.append(f"{name}: {expected}")
    assert missed == []
    # The archive holds 2,100 files: a harness that found none of them would pass just as well.
    assert count["met"] > 1500
    assert count["plain feedparser misses"] < 30


def test_the_json_example_is_met_by_our_own_reader() -> None:
    body = dict(_files())[JSON]
    now = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
    feed = read_feed(body, content_type="application/json", url="https://example.org/", now=now)
    assert feed.title == "My Example Feed"
    assert len(feed.entries) == 2
