"""Which hits of a query a person should judge, so that its precision has an honest interval.

Theory. Every story gets a number that is as good as random: the hash of a seed, the issue and the
story. Hits are judged in the order of these numbers. Whatever is judged without a gap from the
first on is then a simple random sample of all hits, whenever one stops, so that Wilson's interval
holds. The numbers do not depend on the query: the hits that a new version keeps stay in their
order, their judgements count again, and only hits that are new at the front have to be read.

Hits come in by the day, and a new one may rank before old ones. A judgement session saw the hits
of its time; so the sample is taken from the hits up to the end of one session, the one that gives
the longest run without a gap. The choice looks at how many were judged, never at what was judged,
and so does not bend the estimate.

Judgements out of turn (a thumb, a favourite picked from a list) are kept and count nothing here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

__all__ = ["Judgement", "Precision", "Verdict", "in_turn", "precision"]

Verdict = Literal["yes", "no", "unsure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a person said of a hit.

    Attributes:
        verdict: Whether the story is about the issue.
        at: When it was said.
    """

    verdict: Verdict
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Share of hits that are about the issue, from judged ones.

    Attributes:
        relevant: Judged hits that are.
        judged: Judged hits of the sample, the unsure left out.
        unsure: Hits of the sample that could not be judged.
        hits: Hits that the sample was taken from.
        rate: ``relevant / judged``; None when nothing was judged in turn.
        low: Lower limit of the interval; None with ``rate``.
        high: Upper limit; None with ``rate``.
        level: Confidence level of the interval.
    """

    relevant: int
    judged: int
    unsure: int
    hits: int
    rate: float | None
    low: float | None
    high: float | None
    level: float = 0.95


def in_turn(stories: Sequence[str], *, issue: str, seed: int) -> list[str]:
    """Stories in the order in which they are to be judged.

    Args:
        stories: Ids; the order in which they are given does not matter.
        issue: Slug of the issue: each has an order of its own.
        seed: Any number; keep it, and judgements stay useful.

    Examples:
        >>> one = in_turn(["a", "b", "c", "d"], issue="labor", seed=1)
        >>> one == in_turn(["d", "c", "b", "a"], issue="labor", seed=1)
        True
        >>> [s for s in one if s != "c"] == in_turn(["a", "b", "d"], issue="labor", seed=1)
        True
    """

    def rank(story: str) -> bytes:
        return hashlib.sha256(f"{seed}\0{issue}\0{story}".encode()).digest()

    return sorted(stories, key=rank)


def precision(
    hits: Sequence[tuple[str, datetime]],
    judged: Mapping[str, Judgement],
    *,
    level: float = 0.95,
) -> Precision:
    """The precision that judgements in turn allow to state.

    Args:
        hits: ``(story, when it was first a hit)`` in the order of :func:`in_turn`.
        judged: Judgements by story, of any stories.
        level: Confidence level, in (0, 1).

    Returns:
        Counts, rate and Wilson interval.
    """
    best: list[str] = []
    total = len(hits)
    sessions = sorted({judged[story].at for story, _ in hits if story in judged})
    for end in sessions:
        there = [story for story, first_at in hits if first_at <= end]
        run: list[str] = []
        for story in there:
            if story not in judged:
                break
            run.append(story)
        if len(run) >= len(best):
            best, total = run, len(there)
    verdicts = [judged[story].verdict for story in best]
    relevant, irrelevant = verdicts.count("yes"), verdicts.count("no")
    n = relevant + irrelevant
    if not n:
        return Precision(
            relevant=0, judged=0, unsure=len(best), hits=total, rate=None, low=None, high=None,
            level=level,
        )  # fmt: skip
    from testkit.stats.intervals import wilson

    interval = wilson(successes=relevant, n=n, level=level)
    return Precision(
        relevant=relevant,
        judged=n,
        unsure=verdicts.count("unsure"),
        hits=total,
        rate=relevant / n,
        low=interval.low,
        high=interval.high,
        level=level,
    )
