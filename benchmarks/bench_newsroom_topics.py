"""How well hand-written queries find policy topics: precision, recall and F1 on unseen dates.

``python -m benchmarks.bench_newsroom_topics`` prints the table of ``docs/newsroom/topics.md``.
"""

from __future__ import annotations

import csv
import gzip
import random
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, data_folder
from benchmarks.topic_queries import TOPICS
from responders.match import Document, parse_query
from testkit.stats.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

RESAMPLES = 2000
SEED = 20261121


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """A coded headline."""

    day: date
    document: Document
    topic: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a query did on a set of headlines.

    Attributes:
        topic: Code of the topic.
        name: Name of the topic.
        relevant: Headlines of the topic.
        found: Headlines that the query finds.
        right: Those of them that are of the topic.
        precision: With its Wilson interval; None where nothing was found.
        recall: With its Wilson interval; None where nothing is of the topic.
        f1: With a bootstrap interval over headlines; None where it is not defined.
    """

    topic: int
    name: str
    relevant: int
    found: int
    right: int
    precision: tuple[float, float, float] | None
    recall: tuple[float, float, float] | None
    f1: tuple[float, float, float] | None


def load(path: Path) -> list[Headline]:
    """The headlines by date."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = [
            Headline(
                day=datetime.strptime(row["date"], "%d-%b-%y").date(),  # noqa: DTZ007 - a day
                document=Document.of(title=row["title"], summary=row["summary"], lang="en"),
                topic=int(row["topic_code"]),
            )
            for row in csv.DictReader(lines)
        ]
    return sorted(rows, key=lambda headline: headline.day)


def halves(headlines: Sequence[Headline]) -> tuple[list[Headline], list[Headline]]:
    """Before the middle headline's day, and from it on: no day is in both."""
    middle = headlines[len(headlines) // 2].day
    return (
        [headline for headline in headlines if headline.day < middle],
        [headline for headline in headlines if headline.day >= middle],
    )


def scores(headlines: Sequence[Headline]) -> list[Score]:
    """Every topic's query on these headlines."""
    generator = random.Random(SEED)
    out = []
    for topic, (name, text) in TOPICS.items():
        query = parse_query(text)
        pairs = [
            (headline.topic == topic, query.holds(headline.document)) for headline in headlines
        ]
        right = sum(true and found for true, found in pairs)
        found = sum(found for _, found in pairs)
        relevant = sum(true for true, _ in pairs)
        out.append(
            Score(
                topic=topic,
                name=name,
                relevant=relevant,
                found=found,
                right=right,
                precision=_rate(right, found),
                recall=_rate(right, relevant),
                f1=_f1(right, found - right, relevant - right, generator),
            )
        )
    return out


def _rate(successes: int, n: int) -> tuple[float, float, float] | None:
    if not n:
        return None
    interval = wilson(successes=successes, n=n)
    assert interval.low is not None
    assert interval.high is not None
    return successes / n, interval.low, interval.high


def _f1(
    right: int, wrong: int, missed: int, generator: random.Random
) -> tuple[float, float, float] | None:
    """F1 with its percentile interval; headlines that are neither do not enter it."""
    if not right + wrong + missed:
        return None
    kinds = [0] * right + [1] * wrong + [2] * missed
    drawn = []
    for _ in range(RESAMPLES):
        sample = generator.choices(kinds, k=len(kinds))
        hits = sample.count(0)
        drawn.append(2 * hits / (len(sample) + hits))
    drawn.sort()
    value = 2 * right / (2 * right + wrong + missed)
    return value, drawn[round(0.025 * RESAMPLES)], drawn[round(0.975 * RESAMPLES) - 1]


def table(found: Sequence[Score]) -> str:
    """The table of ``docs/newsroom/topics.md``."""
    lines = [
        "| Topic | Headlines | Found | Precision | Recall | F1 |",
        "|---|---|---|---|---|---|",
    ]
    for score in sorted(found, key=lambda each: -each.relevant):
        cells = (score.precision, score.recall, score.f1)
        shown = " | ".join("-" if c is None else "{:.2f} ({:.2f}-{:.2f})".format(*c) for c in cells)
        lines.append(f"| {score.name} | {score.relevant} | {score.found} | {shown} |")
    return "\n".join(lines)


def data_file() -> Path | None:
    """The coded headlines; None when they are not there."""
    folder = data_folder()
    path = folder / "issues" / "nyt_policy_topics_1996_2002.csv.gz" if folder else None
    return path if path is not None and path.is_file() else None


def run(*, small: bool) -> Iterator[Figure]:
    path = data_file()
    if path is None:
        yield Figure(
            figure="f1_micro",
            value=None,
            unit="ratio",
            note="WHISTLESTOP_DATA holds no issues/nyt_policy_topics_1996_2002.csv.gz",
        )
        return
    first, second = halves(load(path))
    for which, headlines in (("second", second), ("first", first)):
        kept = headlines[:200] if small else headlines
        found = scores(kept)
        right, all_found = sum(s.right for s in found), sum(s.found for s in found)
        relevant = sum(s.relevant for s in found)
        note = f"{len(kept)} headlines from {kept[0].day} to {kept[-1].day}, {len(found)} topics"
        role = "" if which == "second" else "_of_the_half_they_were_written_on"
        yield Figure(
            figure=f"f1_micro{role}",
            value=2 * right / (all_found + relevant),
            unit="ratio",
            note=note,
        )
        yield Figure(figure=f"precision_micro{role}", value=right / all_found, unit="ratio")
        yield Figure(figure=f"recall_micro{role}", value=right / relevant, unit="ratio")
        if which == "first":
            continue
        for score in found:
            name = score.name.replace(",", "").replace(" ", "_")
            for label, value in (
                ("precision", score.precision),
                ("recall", score.recall),
                ("f1", score.f1),
            ):
                yield Figure(
                    figure=f"{name}_{label}",
                    value=value[0] if value else None,
                    unit="ratio",
                    note=f"95 % interval {value[1]:.2f} to {value[2]:.2f}" if value else "none",
                )


if __name__ == "__main__":
    given = data_file()
    if given is not None:
        print(table(scores(halves(load(given))[1])))
