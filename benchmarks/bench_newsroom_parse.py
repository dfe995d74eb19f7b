"""newsroom-parse: reading real feeds, whole and incrementally, beside plain feedparser.

Figures: feeds that feedparser reads and we do not (``feeds_lost``); entries that come out
differently when only the new items of a document are read (``entries_different``); and the time of
plain feedparser, sanitising as it does by default, over ours, for a first reading
(``first_ratio``), for a poll that brings two new entries per feed (``two_new_ratio``) and for a
poll that brings nothing (``nothing_new_ratio``). Ours includes cleaned HTML, plain text and
similarity digests, which plain feedparser does not make. All in one process, the rounds of both
alternating; the worker's share of frames and JSON is ``worker_overhead_ratio``.
"""

from __future__ import annotations

import io
import statistics
import tarfile
import time
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, data_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from responders.model.feed import ParsedEntry, ParsedFeed

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
URL = "https://example.org/feed"
NEW_PER_FEED = 2


def run(*, small: bool) -> Iterator[Figure]:
    folder = data_folder()
    archive = None if folder is None else folder / "feeds" / "real_feeds_half.tar.xz"
    if archive is None or not archive.is_file():
        yield Figure(
            figure="feeds_lost",
            value=None,
            unit="count",
            target="== 0",
            note="WHISTLESTOP_DATA has no feeds/real_feeds_half.tar.xz",
        )
        return
    import feedparser

    with tarfile.open(archive) as opened:
        files = [opened.extractfile(m) for m in opened if m.name.endswith(".xml")]
        bodies = [file.read() for file in files if file is not None]
    bodies = bodies[::12] if small else bodies
    rounds = 1 if small else 3
    warnings.simplefilter("ignore", DeprecationWarning)

    whole = [_read(body) for body in bodies]
    plain = [_plain(body) for body in bodies]
    lost = sum(
        bool(feed.entries) > bool(ours.present) for feed, ours in zip(plain, whole, strict=True)
    )
    newest = [frozenset(feed.present[NEW_PER_FEED:]) for feed in whole]
    every = [frozenset(feed.present) for feed in whole]
    different = compared = 0
    for body, feed, known in zip(bodies, whole, newest, strict=True):
        expected = [entry for entry in feed.entries if entry.raw_sha256 not in known]
        found: list[ParsedEntry] = list(_read(body, known).entries)
        compared += len(expected)
        different += sum(a != b for a, b in zip(expected, found, strict=False))
        different += abs(len(expected) - len(found))
    size = sum(map(len, bodies)) / 1e6
    sample = f"{len(bodies)} feeds, {size:.1f} MB, feedparser {feedparser.__version__}"
    yield Figure(figure="feeds_lost", value=lost, unit="count", target="== 0", note=sample)
    yield Figure(
        figure="entries_different",
        value=different,
        unit="count",
        target="== 0",
        note=f"{compared} new entries of {sum(len(f.present) for f in whole)}",
    )

    def timed(call: Callable[[], object]) -> float:
        started = time.perf_counter()
        call()
        return time.perf_counter() - started

    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, call in (
            ("plain", lambda: [_plain(body) for body in bodies]),
            ("first", lambda: [_read(body) for body in bodies]),
            ("two_new", lambda: [_read(b, k) for b, k in zip(bodies, newest, strict=True)]),
            ("nothing_new", lambda: [_read(b, k) for b, k in zip(bodies, every, strict=True)]),
            ("worker", lambda: _through_worker(bodies)),
        ):
            times.setdefault(name, []).append(timed(call))
    median = {name: statistics.median(values) for name, values in times.items()}
    for name, target in (("first", ">= 1.5"), ("two_new", ">= 5"), ("nothing_new", ">= 5")):
        yield Figure(
            figure=f"{name}_ratio",
            value=round(median["plain"] / median[name], 2),
            unit="ratio",
            target=target,
            note=f"{len(bodies) / median[name]:.0f} feeds/s; plain feedparser "
            f"{len(bodies) / median['plain']:.0f}; median of {rounds}",
        )
    yield Figure(
        figure="worker_overhead_ratio",
        value=round(median["worker"] / median["first"], 2),
        unit="ratio",
        note="first reading in one killable worker over the same in this process",
    )


def _read(body: bytes, seen: frozenset[str] = frozenset()) -> ParsedFeed:
    from responders.feeds.read import read_feed

    return read_feed(body, content_type="application/xml", url=URL, now=NOW, seen=seen)


def _plain(body: bytes) -> object:
    import feedparser

    headers = {"content-type": "application/xml", "content-location": URL}
    return feedparser.parse(io.BytesIO(body), response_headers=headers)


def _through_worker(bodies: list[bytes]) -> None:
    from responders.feeds.parse import ParseWorker

    with ParseWorker() as worker:
        for body in bodies:
            worker.parse(body, content_type="application/xml", url=URL, now=NOW)
