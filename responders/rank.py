"""Thumbs move stories in a list; nothing leaves it.

Theory. A list of stories is newest first. A thumb teaches which *traits* of a match are wanted:
the words that matched, the outlets that carry it. The weight of a trait is
``(up - down) / (up + down + 2)``: 0 before anything was said, never quite 1, and a single thumb
moves it by a third. A story moves by
the mean weight of its words and the mean weight of its outlets, each worth half a day, and a story
that has a thumb of its own by a whole day. The unit is hours, because age is what the list is
sorted by: "up by 8 hours" is as if it had come 8 hours later.

A classifier on fifty labels did not find more of the right headlines than hand-written words do
(see the design notes on relevance): so thumbs order, and never hide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from responders.store.archive import MatchRow
    from responders.store.labels import Thumb

__all__ = ["Lift", "lift", "traits"]

OWN_HOURS: Final = 24.0
TRAIT_HOURS: Final = 12.0
# Pseudo-thumbs: the weight of a trait is 1/3 after one thumb, 1/2 after two that agree.
_PRIOR: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """How far a story moves for an issue, and why.

    Attributes:
        issue: Slug of the issue.
        hours: As if it had come so many hours later; below 0 earlier; between -24 and 24.
        own: Its own thumb: True up, False down, None when it has none.
        reasons: ``(trait, weight)`` of those that are not 0, the heaviest first.
    """

    issue: str
    hours: float
    own: bool | None
    reasons: tuple[tuple[str, float], ...]

    def in_words(self) -> str:
        """One line for people: ``up 8 h for labor: "strike" +0.33``."""
        direction = "up" if self.hours > 0 else "down"
        head = f"{direction} {abs(self.hours):.0f} h for {self.issue}"
        if self.own is not None:
            return f"{head}: your thumb"
        said = ", ".join(f"{trait} {weight:+.2f}" for trait, weight in self.reasons[:3])
        return f"{head}: {said}" if said else head


def traits(match: MatchRow, outlets: Iterable[str]) -> tuple[str, ...]:
    """What a match is known by: its matched words in quotes, and its outlets."""
    words = (f'"{text.casefold()}"' for text, _ in match.matched)
    return tuple(dict.fromkeys([*words, *outlets]))


def lift(story: str, issue: str, known_by: Sequence[str], thumbs: Iterable[Thumb]) -> Lift:
    """How far thumbs on an issue move a story.

    Args:
        story: The story.
        issue: Slug of the issue; thumbs on others say nothing about it.
        known_by: The :func:`traits` of the match.
        thumbs: All thumbs.

    Returns:
        The lift with its reasons.
    """
    ups: dict[str, int] = {}
    downs: dict[str, int] = {}
    own: bool | None = None
    for thumb in thumbs:
        if thumb.issue != issue:
            continue
        if thumb.story == story:
            own = thumb.up
        counted = ups if thumb.up else downs
        for trait in thumb.traits:
            counted[trait] = counted.get(trait, 0) + 1
    weights = {t: _weight(ups.get(t, 0), downs.get(t, 0)) for t in known_by}
    if own is None:
        words = [w for t, w in weights.items() if t.startswith('"')]
        outlets = [w for t, w in weights.items() if not t.startswith('"')]
        hours = TRAIT_HOURS * (_mean(words) + _mean(outlets))
    else:
        hours = OWN_HOURS if own else -OWN_HOURS
    told = sorted(((t, w) for t, w in weights.items() if w), key=lambda item: -abs(item[1]))
    return Lift(issue=issue, hours=hours, own=own, reasons=tuple(told))


def _weight(up: int, down: int) -> float:
    return (up - down) / (up + down + _PRIOR)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
