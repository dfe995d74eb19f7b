"""Entries about one event become one story, one entry at a time.

Online clustering: an entry is a TF-IDF vector over its title and summary, a story is the sum of
its entries' vectors, and an entry joins the nearest story when the cosine is high enough, or
founds a new one. Nearness fades with silence: the cosine is multiplied by ``exp(-gap / fade)``,
so that tomorrow's storm does not join yesterday's. A story that has grown by half is compared
with its neighbours and joined to one that it grew towards.

Nothing here is random and nothing is kept outside of the values: the same entries in the same
order give the same stories. A story is named by whoever calls; in a merge the older story keeps
its name; names survive the export and import of the state. Splits and merges by hand are
operations, so that a store can record and replay them, and what was split by hand is never
merged again by itself.

Finding the nearest story is exact: terms are taken heaviest first, and once the rest of the
entry's vector is shorter than the threshold no story that shares only the rest can reach it
(Cauchy-Schwarz), so the long lists of common words are never walked for candidates.

Pure: no file, no clock, no database; the time of an entry is its own.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from responders.weights import TermWeights
from testkit.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Assignment", "ClusterParams", "Clusterer", "Merge", "Story", "StoryEntry", "Voice"]

# Terms that a story keeps; the lightest go when there are twice as many.
_KEPT_TERMS: Final = 64
# A story is compared with its neighbours when it has grown by this factor since the last time.
_GROWTH: Final = 1.5
# Stories that left the window are looked for this often.
_SWEEP_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterParams:
    """How eagerly entries are put together.

    The thresholds were chosen on titles of the first half of a news archive (``python -m
    benchmarks newsroom-cluster`` reports the second half); BCubed F1 is within .005 of its best
    for any ``join`` of .13-.18 and ``merge`` of .18-.225. A fade of 12 h scores higher there,
    because no story of that archive outlives a day; 24 h lets a story sleep through a night.

    Attributes:
        join: Faded cosine from which an entry joins a story, 0..1.
        merge: Faded cosine from which two stories become one, 0..1.
        fade_hours: Silence after which nearness has fallen to 1/e.
        window_hours: A story that heard nothing for so long takes no more entries.
        summary_weight: Weight of a summary's term beside a title's, 0..1.
    """

    join: float = 0.15
    merge: float = 0.2
    fade_hours: float = 24.0
    window_hours: float = 72.0
    summary_weight: float = 0.5

    def __post_init__(self) -> None:
        for name in ("join", "merge", "summary_weight"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise InputError(f"{name} is {value}", field=name, value=value, hint="0 to 1")
        for name in ("fade_hours", "window_hours"):
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
class Voice:
    """An owner that reported a story.

    Attributes:
        owner: Who.
        at: When its first entry was seen.
    """

    owner: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A story as it stands.

    Attributes:
        key: Its name.
        entries: Ids of its entries, in order of arrival.
        voices: Distinct owners with the time of their first entry, earliest first.
        first_at: When its first entry was seen.
        last_at: When its latest entry was seen.
        terms: Its heaviest terms, heaviest first, at most eight.
    """

    key: str
    entries: tuple[str, ...]
    voices: tuple[Voice, ...]
    first_at: datetime
    last_at: datetime
    terms: tuple[str, ...]

    @property
    def corroborated(self) -> bool:
        """Two owners or more: a story, not a single report."""
        return len(self.voices) >= 2


@dataclass(slots=True)
class _Member:
    at: float
    owner: str


@dataclass(slots=True)
class _Cluster:
    key: str
    number: int
    first: float
    last: float
    compared: int = 0
    norm: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)
    members: dict[str, _Member] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)


class Clusterer:
    """Groups entries into stories as they come.

    Args:
        params: How eagerly.
        state: What :meth:`export` gave, to go on from there.

    Examples:
        >>> from datetime import UTC, datetime
        >>> clusterer = Clusterer()
        >>> def seen(id, title, owner):
        ...     at = datetime(2026, 5, 1, 12, tzinfo=UTC)
        ...     return clusterer.add(StoryEntry(id=id, at=at, title=title, owner=owner))
        >>> seen("e1", "Nurses at Mercy Hospital vote to strike", "Herald").created
        True
        >>> seen("e2", "Mercy Hospital nurses walk out over staffing", "Post").story_key
        'e1'
        >>> clusterer.story("e1").corroborated
        True
    """

    def __init__(
        self, params: ClusterParams | None = None, *, state: Mapping[str, Any] | None = None
    ) -> None:
        self.params = params or ClusterParams()
        self._weights = TermWeights(summary_weight=self.params.summary_weight)
        self._clusters: dict[str, _Cluster] = {}
        self._postings: dict[str, dict[str, float]] = {}
        self._story_of: dict[str, str] = {}
        self._founded = 0
        self._swept = -math.inf
        if state is not None:
            self._restore(state)

    def add(self, entry: StoryEntry, *, key: str = "") -> Assignment:
        """Put an entry into its story.

        Args:
            entry: The entry. Entries come in order of being seen; a little disorder is harmless.
            key: Name of the story if this entry founds one; the entry's id when empty.

        Returns:
            Where it went. An id that was added before gets the story it is in; nothing changes.

        Raises:
            InputError: ``entry.at`` is naive, or the new story's name is taken.
        """
        if entry.id in self._story_of:
            return Assignment(
                entry_id=entry.id, story_key=self._story_of[entry.id], score=1.0, created=False
            )
        at = _seconds(entry)
        self._forget(at)
        vector = self._vector(entry)
        found, score = self._nearest(vector, at=at, least=self.params.join)
        created = found is None
        if found is None:
            found = self._found(key or entry.id, at)
        self._weights.learn(title=entry.title, summary=entry.summary, owner=entry.owner)
        self._absorb(found, vector)
        self._enter(found, {entry.id: _Member(at, entry.owner)})
        merges = self._settle(found)
        return Assignment(
            entry_id=entry.id,
            story_key=self._story_of[entry.id],
            score=score,
            created=created,
            merges=merges,
        )

    def learn(self, entry: StoryEntry) -> None:
        """Let an entry teach which words are common, without a story for it.

        Args:
            entry: What is too old to be grouped; it still says how an outlet writes.
        """
        self._weights.learn(title=entry.title, summary=entry.summary, owner=entry.owner)

    def story(self, key: str) -> Story:
        """A story that is still within the window.

        Args:
            key: Its name.

        Raises:
            NotFoundError: There is none of that name, or it has left the window.
        """
        cluster = self._cluster(key)
        voices: dict[str, float] = {}
        for member in cluster.members.values():
            if member.owner:
                voices[member.owner] = min(member.at, voices.get(member.owner, math.inf))
        earliest = sorted(voices.items(), key=lambda item: (item[1], item[0]))
        return Story(
            key=key,
            entries=tuple(cluster.members),
            voices=tuple(Voice(owner=owner, at=_moment(at)) for owner, at in earliest),
            first_at=_moment(cluster.first),
            last_at=_moment(cluster.last),
            terms=tuple(_heaviest(cluster.weights)[:8]),
        )

    def stories(self) -> tuple[Story, ...]:
        """All stories within the window, oldest first."""
        return tuple(self.story(key) for key in self._clusters)

    def merge(self, one: str, other: str) -> Merge:
        """Join two stories by hand; the older name stays.

        Raises:
            NotFoundError: One of them is not within the window.
            InputError: They are the same.
        """
        if one == other:
            raise InputError("a story cannot be merged with itself", field="other", value=other)
        return self._join(self._cluster(one), self._cluster(other), score=None)

    def split(self, key: str, entries: Iterable[StoryEntry], *, new_key: str) -> Story:
        """Move entries out of a story into a new one, by hand. The two stay apart from then on.

        Args:
            key: The story.
            entries: Entries of it, with their texts; some of them, not all.
            new_key: Name of the new story.

        Returns:
            The new story.

        Raises:
            NotFoundError: The story or an entry is not there.
            InputError: Nothing or everything would move, or ``new_key`` is taken.
        """
        cluster = self._cluster(key)
        moving = {entry.id: entry for entry in entries}
        for entry_id in moving:
            if entry_id not in cluster.members:
                raise NotFoundError("entry of this story", entry_id, hint=f"story {key}")
        if not 0 < len(moving) < len(cluster.members):
            raise InputError(
                "a split moves some entries and leaves some", field="entries", value=sorted(moving)
            )
        new = self._found(new_key, min(cluster.members[id_].at for id_ in moving))
        for entry in moving.values():
            vector = self._vector(entry)
            self._absorb(new, vector)
            self._reduce(cluster, vector)
            self._enter(new, {entry.id: cluster.members.pop(entry.id)})
        times = [member.at for member in cluster.members.values()]
        cluster.first, cluster.last = min(times), max(times)
        cluster.apart.add(new.key)
        new.apart.add(cluster.key)
        return self.story(new_key)

    def export(self) -> dict[str, Any]:
        """The state as plain values (JSON), for a store to keep."""
        return {
            "version": 1,
            "params": asdict(self.params),
            "founded": self._founded,
            "weights": self._weights.export(),
            "stories": [
                {
                    "key": c.key,
                    "number": c.number,
                    "first": c.first,
                    "last": c.last,
                    "compared": c.compared,
                    "weights": dict(c.weights),
                    "members": {id_: [m.at, m.owner] for id_, m in c.members.items()},
                    "apart": sorted(c.apart),
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
        self._founded = int(state["founded"])
        self._weights.restore(state["weights"])
        for plain in state["stories"]:
            cluster = _Cluster(
                key=plain["key"],
                number=plain["number"],
                first=plain["first"],
                last=plain["last"],
                compared=plain["compared"],
                apart=set(plain["apart"]),
            )
            self._clusters[cluster.key] = cluster
            self._absorb(cluster, plain["weights"])
            for id_, (at, owner) in plain["members"].items():
                cluster.members[id_] = _Member(at, owner)
                self._story_of[id_] = cluster.key

    def _vector(self, entry: StoryEntry) -> dict[str, float]:
        return self._weights.vector(title=entry.title, summary=entry.summary, owner=entry.owner)

    def _nearest(
        self,
        vector: Mapping[str, float],
        *,
        at: float,
        least: float,
        beside: _Cluster | None = None,
    ) -> tuple[_Cluster | None, float]:
        """The nearest cluster and its score; (None, 0) where none reaches ``least``.

        ``vector`` is of length 1, heaviest term first.
        """
        dots: dict[str, float] = {}
        rest = 1.0
        for term, weight in vector.items():
            posted = self._postings.get(term)
            if posted is not None:
                # A cluster not met so far shares only the rest, whose length bounds its cosine.
                if rest >= least * least:
                    for key, other in posted.items():
                        dots[key] = dots.get(key, 0.0) + weight * other
                else:
                    for key in dots.keys() & posted.keys():
                        dots[key] += weight * posted[key]
            rest -= weight * weight
        best, best_score = None, 0.0
        for key, dot in dots.items():
            cluster = self._clusters[key]
            score = dot / cluster.norm
            # Fading only lowers it; most candidates end here.
            if score < least or score < best_score:
                continue
            if beside is not None and (cluster is beside or key in beside.apart):
                continue
            gap = max(0.0, at - cluster.last, cluster.first - at)
            score *= math.exp(-gap / (self.params.fade_hours * 3600.0))
            tie = best is not None and score == best_score and cluster.number < best.number
            if score >= least and (score > best_score or tie):
                best, best_score = cluster, score
        return best, min(best_score, 1.0)

    def _found(self, key: str, at: float) -> _Cluster:
        if key in self._clusters:
            raise InputError(
                f"there is a story {key!r} already", field="key", value=key, hint="name it anew"
            )
        self._founded += 1
        cluster = _Cluster(key=key, number=self._founded, first=at, last=at)
        self._clusters[key] = cluster
        return cluster

    def _absorb(self, cluster: _Cluster, vector: Mapping[str, float]) -> None:
        for term, weight in vector.items():
            self._put(cluster, term, cluster.weights.get(term, 0.0) + weight)
        if len(cluster.weights) > 2 * _KEPT_TERMS:
            for term in _heaviest(cluster.weights)[_KEPT_TERMS:]:
                self._put(cluster, term, 0.0)
        cluster.norm = _norm(cluster.weights)

    def _reduce(self, cluster: _Cluster, vector: Mapping[str, float]) -> None:
        for term, weight in vector.items():
            if term in cluster.weights:
                self._put(cluster, term, cluster.weights[term] - weight)
        cluster.norm = _norm(cluster.weights)

    def _put(self, cluster: _Cluster, term: str, weight: float) -> None:
        if weight > 0.0:
            cluster.weights[term] = weight
            self._postings.setdefault(term, {})[cluster.key] = weight
            return
        cluster.weights.pop(term, None)
        posted = self._postings.get(term)
        if posted is not None:
            posted.pop(cluster.key, None)
            if not posted:
                del self._postings[term]

    def _enter(self, cluster: _Cluster, members: Mapping[str, _Member]) -> None:
        cluster.members.update(members)
        self._story_of.update(dict.fromkeys(members, cluster.key))
        cluster.first = min(cluster.first, *(m.at for m in members.values()))
        cluster.last = max(cluster.last, *(m.at for m in members.values()))

    def _settle(self, cluster: _Cluster) -> tuple[Merge, ...]:
        """Compare a cluster that has grown with its neighbours; merge until none is near."""
        merges: list[Merge] = []
        while len(cluster.members) >= cluster.compared * _GROWTH and cluster.norm:
            cluster.compared = len(cluster.members)
            unit = {
                term: cluster.weights[term] / cluster.norm for term in _heaviest(cluster.weights)
            }
            other, score = self._nearest(
                unit, at=cluster.last, least=self.params.merge, beside=cluster
            )
            if other is None:
                break
            merge = self._join(cluster, other, score=score)
            merges.append(merge)
            cluster = self._clusters[merge.kept]
        return tuple(merges)

    def _join(self, one: _Cluster, other: _Cluster, *, score: float | None) -> Merge:
        kept, gone = sorted((one, other), key=lambda c: c.number)
        weights = dict(gone.weights)
        self._drop(gone)
        self._absorb(kept, weights)
        self._enter(kept, gone.members)
        kept.compared = max(kept.compared, gone.compared)
        for key in gone.apart - {kept.key}:
            kept.apart.add(key)
            self._clusters[key].apart.add(kept.key)
        return Merge(kept=kept.key, gone=gone.key, score=score)

    def _forget(self, now: float) -> None:
        if now - self._swept < _SWEEP_SECONDS:
            return
        self._swept = now
        limit = now - self.params.window_hours * 3600.0
        for cluster in [c for c in self._clusters.values() if c.last < limit]:
            self._drop(cluster)
            for id_ in cluster.members:
                del self._story_of[id_]

    def _drop(self, cluster: _Cluster) -> None:
        for term in list(cluster.weights):
            self._put(cluster, term, 0.0)
        del self._clusters[cluster.key]
        for key in cluster.apart & self._clusters.keys():
            self._clusters[key].apart.discard(cluster.key)

    def _cluster(self, key: str) -> _Cluster:
        if key not in self._clusters:
            raise NotFoundError("story", key, hint="it may have left the window")
        return self._clusters[key]


def _heaviest(weights: Mapping[str, float]) -> list[str]:
    return sorted(weights, key=lambda term: (-weights[term], term))


def _norm(weights: Mapping[str, float]) -> float:
    return math.sqrt(sum(w * w for w in weights.values()))


def _seconds(entry: StoryEntry) -> float:
    if entry.at.tzinfo is None:
        raise InputError(
            "the time of an entry has no zone", field="at", value=entry.at, hint="UTC is expected"
        )
    return entry.at.timestamp()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
