"""Story clustering on 88,273 real titles, beside MinHash and a title-overlap rule in one run.

The archive's times are crawl times, so entries are shuffled within their day and take the day's
sorted times. Thresholds of all three methods come from the first half of the days; everything
reported is the second half, with weights warm from the first. The first entries of a fresh
workspace are told apart: the first 500 titles of days of the second half, each day from nothing,
and beside it the same with weights that all days before have taught.
"""

from __future__ import annotations

import lzma
import random
import statistics
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from benchmarks.figure import Figure, data_folder
from responders.cluster import Clusterer, ClusterParams, StoryEntry
from responders.match import tokenize_terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SEED = 20140610
WINDOW_HOURS = 72.0
PEER_THRESHOLDS = (0.15, 0.2, 0.3, 0.4)
_DAY = 86_400
FRESH_TITLES = 500
_FRESH_EVERY = 4


@dataclass(frozen=True, slots=True)
class Row:
    """A title with its true story and the number of its day."""

    entry: StoryEntry
    story: str
    day: int


class Method(Protocol):
    """Something that names a story for each entry in turn."""

    def add(self, entry: StoryEntry) -> None:
        """Take one entry."""

    def story_of(self, entry_id: str) -> str:
        """The story in which an entry ended."""


class OnlineStories:
    """Ours; follows merges, which rename stories of entries that were placed before."""

    def __init__(
        self, params: ClusterParams | None = None, *, state: Mapping[str, Any] | None = None
    ) -> None:
        self._clusterer = Clusterer(params, state=state)
        self._placed: dict[str, str] = {}
        self._gone: dict[str, str] = {}

    def add(self, entry: StoryEntry) -> None:
        """Take one entry."""
        placed = self._clusterer.add(entry)
        self._placed[entry.id] = placed.story_key
        for merge in placed.merges:
            self._gone[merge.gone] = merge.kept

    def story_of(self, entry_id: str) -> str:
        """The story in which an entry ended."""
        key = self._placed[entry_id]
        while key in self._gone:
            key = self._gone[key]
        return key


class TitleOverlap:
    """The rule of many readers: joins the entry that shares most of its words (Jaccard)."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._words: dict[str, frozenset[str]] = {}
        self._at: dict[str, float] = {}
        self._with: dict[str, list[str]] = defaultdict(list)
        self._story: dict[str, str] = {}

    def add(self, entry: StoryEntry) -> None:
        """Take one entry."""
        words = frozenset(w for w in tokenize_terms(entry.title) if len(w) > 3)
        at = entry.at.timestamp()
        shared: Counter[str] = Counter()
        for word in words:
            kept = self._with[word]
            if kept and at - self._at[kept[0]] > WINDOW_HOURS * 3600:
                kept[:] = [i for i in kept if at - self._at[i] <= WINDOW_HOURS * 3600]
            shared.update(kept)
            kept.append(entry.id)
        best, best_score = entry.id, self._threshold
        for other, both in shared.items():
            score = both / (len(words) + len(self._words[other]) - both)
            if score > best_score:
                best, best_score = other, score
        self._words[entry.id], self._at[entry.id] = words, at
        self._story[entry.id] = self._story.get(best, entry.id)

    def story_of(self, entry_id: str) -> str:
        """The story in which an entry ended."""
        return self._story[entry_id]


class MinHash:
    """Estimated Jaccard of title words from 64 minima, candidates from 32 bands of two."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        generator = np.random.default_rng(SEED)
        self._factors = generator.integers(1, 1 << 63, size=64, dtype=np.uint64) | np.uint64(1)
        self._hashes: dict[str, int] = {}
        self._bands: dict[tuple[int, bytes], list[str]] = defaultdict(list)
        self._minima: dict[str, NDArray[np.uint64]] = {}
        self._at: dict[str, float] = {}
        self._story: dict[str, str] = {}

    def add(self, entry: StoryEntry) -> None:
        """Take one entry."""
        words = set(tokenize_terms(entry.title)) or {""}
        hashes = np.array([self._hash(word) for word in words], dtype=np.uint64)
        # Multiply-shift hashing; uint64 arithmetic wraps, which is the point.
        minima = ((hashes[:, None] * self._factors) >> np.uint64(16)).min(axis=0)
        at = entry.at.timestamp()
        near: set[str] = set()
        for band, pair in enumerate(minima.reshape(32, 2)):
            kept = self._bands[band, pair.tobytes()]
            if kept and at - self._at[kept[0]] > WINDOW_HOURS * 3600:
                kept[:] = [i for i in kept if at - self._at[i] <= WINDOW_HOURS * 3600]
            near.update(kept)
            kept.append(entry.id)
        best, best_score = entry.id, self._threshold
        for other in sorted(near):
            score = float((minima == self._minima[other]).mean())
            if score >= best_score:
                best, best_score = other, score
        self._minima[entry.id], self._at[entry.id] = minima, at
        self._story[entry.id] = self._story.get(best, entry.id)

    def story_of(self, entry_id: str) -> str:
        """The story in which an entry ended."""
        return self._story[entry_id]

    def _hash(self, word: str) -> int:
        if word not in self._hashes:
            self._hashes[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest())
        return self._hashes[word]


def load(path: Path) -> list[Row]:
    """Rows of the archive in order of day, shuffled within each."""
    days: dict[int, list[list[str]]] = defaultdict(list)
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            days[int(cells[7]) // 1000 // _DAY].append(cells)
    generator = random.Random(SEED)
    rows = []
    for number, day in enumerate(sorted(days)):
        times = sorted(int(cells[7]) / 1000 for cells in days[day])
        generator.shuffle(days[day])
        for at, cells in zip(times, days[day], strict=True):
            moment = datetime.fromtimestamp(at, UTC)
            entry = StoryEntry(id=cells[0], at=moment, title=cells[1], owner=cells[6])
            rows.append(Row(entry, cells[5], number))
    return rows


def bcubed(pairs: Sequence[tuple[str, str]]) -> tuple[float, float, float]:
    """BCubed precision, recall and F1 of (found, true) labels (Bagga & Baldwin 1998)."""
    both, found, true = Counter(pairs), Counter(p for p, _ in pairs), Counter(t for _, t in pairs)
    precision = sum(n * n / found[p] for (p, _), n in both.items()) / len(pairs)
    recall = sum(n * n / true[t] for (_, t), n in both.items()) / len(pairs)
    return precision, recall, 2 * precision * recall / (precision + recall)


def timed(method: Method, rows: Sequence[Row], *, report_from: int) -> dict[str, float]:
    """Run a method over all rows; quality and times of the rows from a day on.

    Times are of this thread alone: beside other work on the machine a wall clock would measure
    the neighbours.
    """
    times = []
    for row in rows:
        start = time.thread_time()
        method.add(row.entry)
        if row.day >= report_from:
            times.append(time.thread_time() - start)
    reported = [row for row in rows if row.day >= report_from]
    precision, recall, f1 = bcubed([(method.story_of(r.entry.id), r.story) for r in reported])
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "p99_ms": statistics.quantiles(times, n=100)[-1] * 1000,
        "per_s": len(times) / sum(times),
    }


def fresh(rows: Sequence[Row], *, report_from: int) -> dict[str, list[float]]:
    """Mean precision, recall and F1 of the first titles of a day, ``cold`` and ``warm``."""
    teacher = Clusterer()
    days = defaultdict(list)
    for row in rows:
        days[row.day].append(row)
    found = defaultdict(list)
    for day, titles in days.items():
        if day >= report_from and (day - report_from) % _FRESH_EVERY == 0:
            first = titles[:FRESH_TITLES]
            for name, method in (
                ("cold", OnlineStories()),
                ("warm", OnlineStories(state=teacher.export())),
            ):
                for row in first:
                    method.add(row.entry)
                found[name].append(bcubed([(method.story_of(r.entry.id), r.story) for r in first]))
        for row in titles:
            teacher.learn(row.entry)
    return {
        name: [statistics.fmean(one) for one in zip(*values, strict=True)]
        for name, values in found.items()
    }


def run(*, small: bool) -> Iterator[Figure]:
    folder = data_folder()
    path = folder / "stories" / "uci_before_june_2014.tsv.xz" if folder else None
    if path is None or not path.is_file():
        yield Figure(
            figure="bcubed_f1",
            value=None,
            unit="ratio",
            target=">= 0.67",
            note="WHISTLESTOP_DATA holds no stories/uci_before_june_2014.tsv.xz",
        )
        return
    rows = load(path)
    if small:
        rows = [row for row in rows if row.day < 4]
    half = (rows[-1].day + 1) // 2
    first = [row for row in rows if row.day < half]
    ours = timed(OnlineStories(), rows, report_from=half)
    peers = {}
    for name, make in (("title_overlap", TitleOverlap), ("minhash", MinHash)):
        # A week of the first half is enough to choose a threshold by.
        sample = [row for row in first if row.day >= half - 7]
        chosen = max(
            PEER_THRESHOLDS,
            key=lambda t: timed(make(t), sample, report_from=sample[0].day)["f1"],
        )
        peers[name] = {**timed(make(chosen), rows, report_from=half), "threshold": chosen}
    count = sum(row.day >= half for row in rows)
    note = f"second half of the days, {count} titles, shuffled within the day, seed {SEED}"
    yield Figure(
        figure="bcubed_f1",
        value=ours["f1"],
        unit="ratio",
        target=">= 0.67",
        note=f"{note}; aim .75",
    )
    yield Figure(figure="bcubed_precision", value=ours["precision"], unit="ratio", note=note)
    yield Figure(figure="bcubed_recall", value=ours["recall"], unit="ratio", note=note)
    yield Figure(
        figure="p99_ms_per_entry", value=ours["p99_ms"], unit="ms", target="< 20", note="CPU time"
    )
    yield Figure(figure="entries_per_s", value=ours["per_s"], unit="1/s", note="CPU time")
    for name, peer in peers.items():
        yield Figure(
            figure=f"{name}_f1",
            value=peer["f1"],
            unit="ratio",
            note=f"Jaccard >= {peer['threshold']}, chosen on the first half",
        )
        yield Figure(
            figure=f"speed_ratio_to_{name}",
            value=ours["per_s"] / peer["per_s"],
            unit="ratio",
            note="entries a second, ours / peer, same run",
        )
    unfaded = timed(OnlineStories(ClusterParams(fade_hours=1e9)), rows, report_from=half)
    yield Figure(
        figure="bcubed_f1_without_fade",
        value=unfaded["f1"],
        unit="ratio",
        note="same thresholds, nearness does not fade with silence inside the 72 h window",
    )
    for name, (precision, recall, f1) in fresh(rows, report_from=half).items():
        yield Figure(
            figure=f"bcubed_f1_first_{FRESH_TITLES}_{name}",
            value=f1,
            unit="ratio",
            note=f"mean over every {_FRESH_EVERY}th day, weights"
            f" {'of nothing' if name == 'cold' else 'of all days before'};"
            f" precision {precision:.3f}, recall {recall:.3f}",
        )
