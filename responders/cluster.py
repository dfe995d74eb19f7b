"""Entries about one event become one story, one entry at a time.

Online clustering: an entry is a TF-IDF vector over its title and summary, a story is the sum of
its entries' vectors, and an entry joins the nearest story seen within the window when the cosine
is high enough, or founds a new one. A merge pass now and then joins stories that grew towards
each other. Document frequencies are kept across days (a *warm* IDF), so that the first entries of
a day are weighed as well as the last.

Nothing here is random and nothing is kept outside of the values: the same entries in the same
order give the same stories. A story is named by whoever calls; the names survive merges (the
older story keeps its name) and the export and import of the state. Splits and merges by hand are
operations, so that a store can record and replay them.

Pure: no file, no clock, no database; the time of an entry is its own.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from responders.match import tokenize_terms
from testkit.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Assignment", "ClusterParams", "Clusterer", "Merge", "Story", "StoryEntry"]

_HEAVY_TERMS: Final = 12
_KEPT_TERMS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterParams:
    """How eagerly entries are put together.

    Attributes:
        join: Cosine from which an entry joins a story, 0..1.
        merge: Cosine from which two stories become one, 0..1.
        window_hours: A story that heard nothing for so long takes no more entries.
        summary_weight: Weight of a summary's term beside a title's, 0..1.
        merge_every: Entries between merge passes.
    """

    join: float = 0.28
    merge: float = 0.45
    window_hours: float = 72.0
    summary_weight: float = 0.5
    merge_every: int = 1000

    def __post_init__(self) -> None:
        for name in ("join", "merge", "summary_weight"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise InputError(f"{name} is {value}", field=name, value=value, hint="0 to 1")
        for name in ("window_hours", "merge_every"):
            value = getattr(self, name)
            if not value > 0:
                raise InputError(f"{name} is {value}", field=name, value=value, hint="above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryEntry:
    """What the clusterer needs of an entry.

    Attributes:
        id: The entry's id; an id is taken once.
        at: When it was first seen, aware.
        title: Headline, plain text.
        summary: Teaser, plain text; empty when there is none.
        owner: Who speaks: the outlet or, better, its owner. Copies of one agency text count
            as one voice when they carry the agency as owner.
    """

    id: str
    at: datetime
    title: str
    summary: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """One story went into another.

    Attributes:
        kept: Key of the story that goes on, the older one.
        gone: Key that must now lead to ``kept``.
        score: Cosine between them; None when merged by hand.
    """

    kept: str
    gone: str
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Where an entry went.

    Attributes:
        entry_id: The entry.
        story_key: Its story, after any merge that this entry set off.
        score: Cosine to the story it joined; 0 for the first of a new story with no near one.
        created: It founded the story.
        merges: Stories that became one with this entry, in order.
    """

    entry_id: str
    story_key: str
    score: float
    created: bool
    merges: tuple[Merge, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A story as it stands.

    Attributes:
        key: Its name.
        entries: Ids of its entries, in order of arrival.
        owners: Distinct owners, in order of arrival.
        first_at: When its first entry was seen.
        last_at: When its latest entry was seen.
        terms: Its heaviest terms, heaviest first.
    """

    key: str
    entries: tuple[str, ...]
    owners: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    terms: tuple[str, ...]

    @property
    def corroborated(self) -> bool:
        """Two owners or more: a story, not a single report."""
        return len(self.owners) >= 2


@dataclass(slots=True)
class _Cluster:
    key: str
    first: float
    last: float
    number: int
    weights: dict[str, float] = field(default_factory=dict)
    norm: float = 0.0
    entries: dict[str, str] = field(default_factory=dict)


class Clusterer:
    """Groups entries into stories as they come.

    Args:
        params: How eagerly.
        state: What :meth:`export` gave, to go on from there.

    Examples:
        >>> from datetime import UTC, datetime
        >>> clusterer = Clusterer(ClusterParams())
        >>> def seen(key, title, owner):
        ...     at = datetime(2026, 5, 1, 12, tzinfo=UTC)
        ...     return clusterer.add(StoryEntry(id=key, at=at, title=title, owner=owner))
        >>> seen("e1", "Nurses at Mercy Hospital vote to strike", "Herald").created
        True
        >>> seen("e2", "Mercy Hospital nurses vote to strike over staffing", "Post").story_key
        'e1'
    """

    def __init__(
        self, params: ClusterParams | None = None, *, state: Mapping[str, Any] | None = None
    ) -> None:
        self.params = params or ClusterParams()
        self._documents = 0
        self._frequency: Counter[str] = Counter()
        self._clusters: dict[str, _Cluster] = {}
        self._postings: dict[str, set[str]] = {}
        self._story_of: dict[str, str] = {}
        self._since_merge = 0
        self._founded = 0
        if state is not None:
            self._restore(state)

    # -- the two questions -----------------------------------------------------------------

    def add(self, entry: StoryEntry, *, key: str = "") -> Assignment:
        """Put an entry into its story.

        Args:
            entry: The entry. Entries come in order of being seen; a little disorder is harmless.
            key: Name of the story if this entry founds one; the entry's id when empty.

        Returns:
            Where it went. An id that was added before returns the story it is in, unchanged.

        Raises:
            InputError: ``entry.at`` is naive, or ``key`` names another story already.
        """
        if entry.id in self._story_of:
            return Assignment(
                entry_id=entry.id, story_key=self._story_of[entry.id], score=1.0, created=False
            )
        if entry.at.tzinfo is None:
            raise InputError("the time of an entry has no zone", field="at", value=entry.at)
        at = entry.at.timestamp()
        self._forget(at)
        counts = self._counts(entry)
        vector = self._vector(counts)
        self._documents += 1
        self._frequency.update(counts.keys())
        found, score = self._nearest(vector)
        created = found is None or score < self.params.join
        if found is None or created:
            found = self._found(key or entry.id, at)
        self._absorb(found, vector, at)
        found.entries[entry.id] = entry.owner
        self._story_of[entry.id] = found.key
        self._since_merge += 1
        merges: tuple[Merge, ...] = ()
        if self._since_merge >= self.params.merge_every:
            merges = self.merge_pass()
        return Assignment(
            entry_id=entry.id,
            story_key=self._story_of[entry.id],
            score=score,
            created=created,
            merges=merges,
        )

    def story(self, key: str) -> Story:
        """A story that is still within the window.

        Args:
            key: Its name.

        Raises:
            NotFoundError: There is none of that name, or it has left the window.
        """
        cluster = self._cluster(key)
        heavy = heapq.nsmallest(8, cluster.weights.items(), key=lambda kv: (-kv[1], kv[0]))
        return Story(
            key=key,
            entries=tuple(cluster.entries),
            owners=tuple(dict.fromkeys(o for o in cluster.entries.values() if o)),
            first_at=datetime.fromtimestamp(cluster.first, UTC),
            last_at=datetime.fromtimestamp(cluster.last, UTC),
            terms=tuple(term for term, _ in heavy),
        )

    def stories(self) -> tuple[Story, ...]:
        """All stories within the window, oldest first."""
        return tuple(self.story(key) for key in self._clusters)

    # -- operations ------------------------------------------------------------------------

    def merge_pass(self) -> tuple[Merge, ...]:
        """Join stories that grew towards each other; the older name stays."""
        self._since_merge = 0
        merges: list[Merge] = []
        for key in list(self._clusters):
            cluster = self._clusters.get(key)
            if cluster is None:
                continue
            unit = {t: w / cluster.norm for t, w in cluster.weights.items()}
            found, score = self._nearest(unit, than=key)
            if found is not None and score >= self.params.merge:
                merges.append(self._join(found, cluster, score))
        return tuple(merges)

    def merge(self, one: str, other: str) -> Merge:
        """Join two stories by hand; the older name stays.

        Raises:
            NotFoundError: One of them is not within the window.
            InputError: They are the same.
        """
        if one == other:
            raise InputError("a story cannot be merged with itself", field="other", value=other)
        return self._join(self._cluster(one), self._cluster(other), None)

    def split(self, key: str, entries: Iterable[StoryEntry], *, new_key: str) -> Story:
        """Move entries out of a story into a new one, by hand.

        Args:
            key: The story.
            entries: Entries of it, with their texts; not all of them.
            new_key: Name of the new story.

        Raises:
            NotFoundError: The story or an entry is not there.
            InputError: Nothing or everything would move, or ``new_key`` is taken.
        """
        cluster = self._cluster(key)
        moving = list(entries)
        missing = [e.id for e in moving if e.id not in cluster.entries]
        if missing:
            raise NotFoundError("entry of this story", missing[0], did_you_mean=())
        if not 0 < len({e.id for e in moving}) < len(cluster.entries):
            raise InputError(
                "a split moves some entries and leaves some",
                field="entries",
                value=[e.id for e in moving],
            )
        new = self._found(new_key, min(e.at.timestamp() for e in moving))
        for entry in moving:
            vector = self._vector(self._counts(entry))
            self._absorb(new, vector, entry.at.timestamp())
            new.entries[entry.id] = cluster.entries.pop(entry.id)
            self._story_of[entry.id] = new.key
            for term, weight in vector.items():
                if term in cluster.weights:
                    cluster.weights[term] = max(0.0, cluster.weights[term] - weight)
        self._settle(cluster)
        return self.story(new_key)

    # -- state -----------------------------------------------------------------------------

    def export(self) -> dict[str, Any]:
        """The state as plain values (JSON), for a store to keep."""
        return {
            "version": 1,
            "params": asdict(self.params),
            "documents": self._documents,
            "founded": self._founded,
            "since_merge": self._since_merge,
            "frequency": dict(self._frequency),
            "stories": [
                {
                    "key": c.key,
                    "number": c.number,
                    "first": c.first,
                    "last": c.last,
                    "weights": c.weights,
                    "entries": c.entries,
                }
                for c in self._clusters.values()
            ],
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        if state.get("version") != 1:
            raise InputError(
                f"the clusterer's state has version {state.get('version')!r}",
                field="state",
                hint="start without a state; stories already stored keep their names",
            )
        self._documents = int(state["documents"])
        self._founded = int(state["founded"])
        self._since_merge = int(state["since_merge"])
        self._frequency = Counter(state["frequency"])
        for plain in state["stories"]:
            cluster = _Cluster(
                key=plain["key"],
                first=plain["first"],
                last=plain["last"],
                number=plain["number"],
                weights=dict(plain["weights"]),
                entries=dict(plain["entries"]),
            )
            self._clusters[cluster.key] = cluster
            self._settle(cluster)
            self._story_of.update(dict.fromkeys(cluster.entries, cluster.key))
            for term in cluster.weights:
                self._postings.setdefault(term, set()).add(cluster.key)

    # -- inside ----------------------------------------------------------------------------

    def _counts(self, entry: StoryEntry) -> dict[str, float]:
        counts: dict[str, float] = {}
        for term in tokenize_terms(entry.title):
            counts[term] = counts.get(term, 0.0) + 1.0
        for term in dict.fromkeys(tokenize_terms(entry.summary)[:60]):
            if term not in counts:
                counts[term] = self.params.summary_weight
        return counts

    def _vector(self, counts: Mapping[str, float]) -> dict[str, float]:
        total = self._documents + 1
        weights = {
            term: (1.0 + math.log(count) if count > 1.0 else count)
            * math.log(1.0 + total / (1.0 + self._frequency[term]))
            for term, count in counts.items()
        }
        norm = math.sqrt(sum(w * w for w in weights.values()))
        return {term: w / norm for term, w in weights.items()} if norm else {}

    def _nearest(
        self, vector: Mapping[str, float], *, than: str = ""
    ) -> tuple[_Cluster | None, float]:
        heavy = heapq.nsmallest(_HEAVY_TERMS, vector.items(), key=lambda kv: (-kv[1], kv[0]))
        keys: set[str] = set()
        for term, _ in heavy:
            keys |= self._postings.get(term, set())
        keys.discard(than)
        best: _Cluster | None = None
        best_score = 0.0
        for key in keys:
            cluster = self._clusters[key]
            weights = cluster.weights
            dot = sum(w * weights[t] for t, w in vector.items() if t in weights)
            score = dot / cluster.norm if cluster.norm else 0.0
            if score > best_score or (
                best is not None and score == best_score and cluster.number < best.number
            ):
                best, best_score = cluster, score
        return best, min(best_score, 1.0)

    def _found(self, key: str, at: float) -> _Cluster:
        if key in self._clusters:
            raise InputError(f"there is a story {key!r} already", field="key", value=key)
        self._founded += 1
        cluster = _Cluster(key=key, first=at, last=at, number=self._founded)
        self._clusters[key] = cluster
        return cluster

    def _absorb(self, cluster: _Cluster, vector: Mapping[str, float], at: float) -> None:
        weights = cluster.weights
        for term, weight in vector.items():
            weights[term] = weights.get(term, 0.0) + weight
            self._postings.setdefault(term, set()).add(cluster.key)
        cluster.last = max(cluster.last, at)
        cluster.first = min(cluster.first, at)
        if len(weights) > 2 * _KEPT_TERMS:
            kept = heapq.nsmallest(_KEPT_TERMS, weights.items(), key=lambda kv: (-kv[1], kv[0]))
            for term in weights.keys() - dict(kept).keys():
                self._unpost(term, cluster.key)
            cluster.weights = dict(kept)
        self._settle(cluster)

    def _settle(self, cluster: _Cluster) -> None:
        cluster.norm = math.sqrt(sum(w * w for w in cluster.weights.values()))

    def _join(self, one: _Cluster, other: _Cluster, score: float | None) -> Merge:
        kept, gone = sorted((one, other), key=lambda c: c.number)
        self._absorb(kept, gone.weights, gone.last)
        kept.first = min(kept.first, gone.first)
        kept.entries.update(gone.entries)
        self._story_of.update(dict.fromkeys(gone.entries, kept.key))
        self._drop(gone)
        return Merge(kept=kept.key, gone=gone.key, score=score)

    def _forget(self, now: float) -> None:
        limit = now - timedelta(hours=self.params.window_hours).total_seconds()
        for cluster in [c for c in self._clusters.values() if c.last < limit]:
            self._drop(cluster)
            for entry in cluster.entries:
                del self._story_of[entry]

    def _drop(self, cluster: _Cluster) -> None:
        for term in cluster.weights:
            self._unpost(term, cluster.key)
        del self._clusters[cluster.key]

    def _unpost(self, term: str, key: str) -> None:
        keys = self._postings.get(term)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._postings[term]

    def _cluster(self, key: str) -> _Cluster:
        if key not in self._clusters:
            raise NotFoundError("story", key, hint="it may have left the window")
        return self._clusters[key]
