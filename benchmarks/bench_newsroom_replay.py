"""A stored day at a hundred times its speed: how long from a fetched entry to its draft.

The day is the fullest one of a news archive, an outlet to a feed. Pauses are jumped over, work
takes its time by the machine's clock: what is measured is what a newsroom meets whose day runs a
hundred times as fast. The issues are ours and wide: that makes drafts enough for a 99th percentile.
"""

from __future__ import annotations

import lzma
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import cli
from benchmarks.figure import Figure, data_folder
from responders.feeds.recorded import RecordedFeed, RecordedItem, Recording
from responders.services.replay import replay
from responders.starter import starter_issues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEED = 100.0
FEEDS = 40
DAY = "2014-04-08"
ISSUES = {
    "russia": "russia* OR ukrain* OR crimea* OR kiev",
    "rates": "fed OR yellen OR inflation OR ecb OR draghi",
    "search": "google OR android",
    "phones": "apple OR iphone* OR ipad* OR samsung OR galaxy",
    "cars": "gm OR recall* OR toyota OR ford OR tesla",
    "outbreaks": "ebola OR mers OR measles OR virus",
    "mergers": "merger OR acqui* OR takeover OR bid OR deal",
    "networks": "facebook OR twitter OR whatsapp OR instagram",
    "shops": "amazon OR netflix OR walmart OR ebay",
    "markets": "stocks OR shares OR futures OR earnings OR profit*",
    "medicine": "cancer OR drug* OR fda OR diabetes OR study",
    "screens": "film* OR movie* OR trailer OR season OR episode",
}


def day_of(path: Path, *, small: bool) -> Recording:
    """One day of the archive as feeds; small: one hour of its morning."""
    by_host: dict[str, list[RecordedItem]] = {}
    start = datetime.fromisoformat(DAY).replace(tzinfo=UTC)
    end = start + timedelta(days=1)
    if small:
        start += timedelta(hours=6)
        end = start + timedelta(hours=1)
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            number, title, url, _, _, _, host, stamp = line.rstrip("\n").split("\t")
            at = datetime.fromtimestamp(int(stamp) / 1000, UTC)
            if start <= at < end:
                by_host.setdefault(host, []).append(
                    RecordedItem(at=at, guid=number, url=url, title=title, text="", language="en")
                )
    busiest = Counter({host: len(items) for host, items in by_host.items()}).most_common(FEEDS)
    feeds = [
        RecordedFeed(
            title=host,
            site_url="",
            language="en",
            items=tuple(sorted(by_host[host], key=lambda item: (item.at, item.guid))),
        )
        for host, _ in busiest
    ]
    return Recording(name=DAY, feeds=tuple(feeds), start=start, end=end)


def files() -> dict[str, str]:
    """A new workspace's files, its issues replaced by the wide ones."""
    kept = {path: text for path, text in cli.starter().items() if not path.startswith("issues/")}
    pattern = starter_issues()["labor"].splitlines()
    at = next(n for n, line in enumerate(pattern) if line.startswith("query:"))
    rest = next(n for n in range(at + 1, len(pattern)) if not pattern[n].startswith((" ", "#")))
    for slug, query in ISSUES.items():
        lines = [*pattern[:at], f'query: "{query}"', *pattern[rest:]]
        text = "\n".join(f"issue: {slug}" if x.startswith("issue:") else x for x in lines)
        kept[f"issues/{slug}.yaml"] = text + "\n"
    return kept


def run(*, small: bool) -> Iterator[Figure]:
    folder = data_folder()
    path = folder / "stories" / "uci_before_june_2014.tsv.xz" if folder else None
    if path is None or not path.is_file():
        yield Figure(
            figure="p99_s",
            value=None,
            unit="s",
            target="<= 2",
            note="WHISTLESTOP_DATA holds no stories/uci_before_june_2014.tsv.xz",
        )
        return
    recording = day_of(path, small=small)
    began = time.perf_counter()
    done = replay(
        recording,
        schemas=cli.schemas(),
        kinds=cli.kinds(),
        files=files(),
        settings={"drafting.min_outlets": "2"},
        speed=SPEED,
        into=None,
        timer=time.perf_counter,
        sleep=None,
    )
    took = time.perf_counter() - began
    waits = sorted(draft.after_s for draft in done.drafts if draft.after_s is not None)
    if not waits:
        yield Figure(figure="p99_s", value=None, unit="s", target="<= 2", note="no draft")
        return
    note = (
        f"{DAY}, {len(recording.feeds)} feeds, {done.entries} entries, {len(waits)} drafts,"
        f" {done.ticks} steps, {SPEED:.0f} times as fast"
    )
    # The smallest value that at least 99 of 100 drafts do not exceed.
    worst = waits[-(-99 * len(waits) // 100) - 1]
    yield Figure(figure="p99_s", value=worst, unit="s", target="<= 2", note=note)
    yield Figure(figure="p50_s", value=waits[(len(waits) - 1) // 2], unit="s", note=note)
    twice = len(done.drafts) - len({draft.draft for draft in done.drafts})
    yield Figure(figure="drafts_raised_twice", value=twice, unit="count", target="== 0")
    yield Figure(
        figure="entries_missed",
        value=recording.items - done.entries,
        unit="count",
        note="the last minutes of the day, and items that two feeds list under one address",
    )
    yield Figure(figure="failed_fetches", value=len(done.problems), unit="count", target="== 0")
    yield Figure(figure="replay_s", value=took, unit="s", note="work alone; pauses jumped over")
