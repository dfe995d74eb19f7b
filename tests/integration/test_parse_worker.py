"""Hostile documents against the real worker process: none holds it, none reaches the others."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from responders.feeds.parse import ParseLimits, ParseTask, ParseWorker, parse_feed, parse_many
from responders.feeds.read import read_feed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from responders.model.feed import ParsedFeed

pytestmark = pytest.mark.faults

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
URL = "https://example.org/feed"
GOOD = b"<rss version='2.0'><channel><title>T</title><item><title>A</title></item></channel></rss>"


def _rss(items: str, prolog: str = "") -> bytes:
    return f"{prolog}<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    return _rss("<item><title>&a11;</title></item>", f'<!DOCTYPE rss [<!ENTITY a0 "x">{entities}]>')


BOMBS = {
    "comments": _rss(f"<item><description>{'&lt;!--' * 100_000}</description></item>"),
    "comments, ill-formed": _rss(f"<item><description>{'<!--' * 100_000}"),
    "laughs": _laughs(),
    "quadratic": _rss(
        f"<item><title>{'&a;' * 20_000}</title></item>",
        f'<!DOCTYPE rss [<!ENTITY a "{"x" * 20_000}">]>',
    ),
    "external": _rss(
        "<item><title>&x;</title></item>",
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "http://169.254.169.254/latest/meta-data/">]>',
    ),
    "200k items": _rss("<item><title>x</title></item>" * 200_000),
    "200k items, ill-formed": _rss("<item><title>x & y</title><br></item>" * 200_000),
    "nested elements": _rss(f"<item>{'<a>' * 100_000}"),
    "nested, closed": _rss(f"<item>{'<a>' * 50_000}{'</a>' * 50_000}</item>"),
    "nested div": _rss(f"<item><description>{'&lt;div&gt;' * 60_000}</description></item>"),
    "attributes": _rss("<item><a " + " ".join(f"a{i}='x'" for i in range(50_000)) + "/></item>"),
    "namespaces": _rss("".join(f"<x:a xmlns:x='urn:{i}'/>" for i in range(20_000))),
    "one long title": _rss(f"<item><title>{'word ' * 1_000_000}</title></item>"),
    "long dates": _rss(f"<item><pubDate>{'1' * 500_000}</pubDate></item>"),
    "long links": _rss(f"<item><link>http://{'a.' * 200_000}</link></item>"),
    "categories": _rss(f"<item>{'<category>x</category>' * 20_000}</item>"),
    "many links": _rss("<item>" + "<link href='x'/>" * 20_000 + "</item>"),
    "deep JSON": b'{"items": ' + b"[" * 200_000,
    "huge number": b'{"items": [{"id": ' + b"9" * 200_000 + b"}]}",
    "nulls": b"\x00" * 1_000_000,
    "noise": os.urandom(300_000),
    "angle brackets": b"<" * 1_000_000,
    "entities": b"<rss><channel><item><title>" + b"&nbsp;" * 200_000,
    "open CDATA": b"<rss><channel><item><title>" + b"<![CDATA[" * 50_000,
    "processing": b"<rss><channel>" + b"<?x " * 100_000,
    "quotes": b"<rss><channel><item><a b='" * 50_000,
}


@pytest.fixture(scope="module")
def worker() -> Iterator[ParseWorker]:
    # One second where the product allows five: these tests run on every change.
    with ParseWorker(ParseLimits(seconds=1.0, memory_bytes=700_000_000)) as opened:
        opened.parse(GOOD, content_type="", url=URL)
        yield opened


def _parse(worker: ParseWorker, body: bytes) -> ParsedFeed:
    return worker.parse(body, content_type="application/xml", url=URL, now=NOW)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_time_and_in_words_and_the_next_feed_never_notices(
    worker: ParseWorker, name: str
) -> None:
    started = time.monotonic()
    parsed = _parse(worker, BOMBS[name])
    # The limit, a second time where the worker was hardly let run, and what a busy machine needs
    # to notice it, to end a process and to start one.
    assert time.monotonic() - started < 2 * worker.limits.seconds + 4
    assert parsed.problem or parsed.format
    assert len(parsed.problem or "") < 400
    assert sum(len(e.title) + len(e.summary_text) for e in parsed.entries) < 3_000_000
    assert [e.title for e in _parse(worker, GOOD).entries] == ["A"]


def test_the_worker_reads_as_the_reader_does(worker: ParseWorker) -> None:
    body = _rss(
        "<item><title>é &lt;b&gt;</title><pubDate>Mon, 02 Nov 2026 08:00:00 GMT</pubDate></item>"
        "<item><pubDate>never</pubDate></item>"
    )
    here = read_feed(body, content_type="application/xml", url=URL, now=NOW)
    assert _parse(worker, body) == here
    seen = here.present[:1]
    there = worker.parse(body, content_type="application/xml", url=URL, seen=seen, now=NOW)
    assert [e.raw_sha256 for e in there.entries] == list(here.present[1:])


def test_a_document_beyond_the_size_limit_does_not_reach_the_worker() -> None:
    limits = ParseLimits(body_bytes=1000)
    parsed = parse_feed(b"<rss>" + b" " * 1000, content_type="", url=URL, limits=limits)
    assert parsed.problem == "the document is larger than 0.001 MB"


def test_too_slow_is_told_and_the_process_is_replaced(worker: ParseWorker) -> None:
    with ParseWorker(ParseLimits(seconds=0.001)) as hurried:
        first = hurried.parse(BOMBS["200k items"], content_type="", url=URL)
        assert first.problem == "reading the document took longer than 0.001 s"
    assert _parse(worker, GOOD).problem is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell")
def test_a_worker_that_was_not_let_run_says_nothing_about_its_document() -> None:
    with ParseWorker(ParseLimits(seconds=1.0)) as worker:
        assert _parse(worker, GOOD).problem is None
        process = worker._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        assert [e.title for e in _parse(worker, GOOD).entries] == ["A"]
        assert worker._process is not process
        assert process.returncode is not None


@pytest.mark.skipif(sys.platform == "win32", reason="no memory limit on Windows")
def test_too_much_memory_is_told() -> None:
    body = _rss("<a/>" * 3_000_000)  # 12 MB, which a tree of elements makes ten times as much
    with ParseWorker(ParseLimits(memory_bytes=120_000_000)) as small:
        parsed = small.parse(body, content_type="", url=URL)
    assert parsed.problem == "the document needs more memory than a feed may take"


def test_a_worker_that_died_between_documents_is_replaced() -> None:
    with ParseWorker() as worker:
        assert _parse(worker, GOOD).problem is None
        process = worker._process
        assert process is not None
        process.kill()
        process.wait()
        assert _parse(worker, GOOD).problem is None


def test_the_worker_is_gone_when_it_is_closed() -> None:
    worker = ParseWorker()
    worker.parse(GOOD, content_type="", url=URL)
    process = worker._process
    assert process is not None
    worker.close()
    assert process.poll() is not None
    worker.close()


def test_nothing_of_our_environment_reaches_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    from responders.feeds.parse import _bare_environment

    monkeypatch.setenv("WHISTLESTOP_TOKEN", "secret")
    assert set(_bare_environment()) <= {
        "PATH",
        "SYSTEMROOT",
        "LANG",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONWARNINGS",
    }


def test_many_documents_are_read_side_by_side_in_order_and_one_bomb_costs_only_itself() -> None:
    tasks = [
        ParseTask(key=str(i), body=BOMBS["nulls"] if i == 3 else GOOD, url=URL) for i in range(8)
    ]
    answers = dict(parse_many(tasks, now=NOW, workers=2))
    assert list(answers) == [str(i) for i in range(8)]
    assert all(bool(answers[key].entries) == (key != "3") for key in answers)


def test_leaving_early_leaves_no_worker_behind() -> None:
    answers = parse_many((ParseTask(key=str(i), body=GOOD) for i in range(100)), workers=2)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
