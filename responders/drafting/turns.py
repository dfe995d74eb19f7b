"""Who did what to what: which way a headline turns for a thing that an issue cares about.

Theory. An issue file names *things*, each wanted or not: a rent cap, an abortion ban, a coal plant.
A headline says what happens to one of them, through words that keep its sense (*passes*, *upholds*,
*lets*) and words that turn it (*blocks*, *repeal*, *ban on*, *fails*, *refuses*). Turning words
cancel in pairs, as in speech: to reject a challenge to a ban is to keep the ban. So the sign of the
news is (+1 for a wanted thing, -1 for one that is not) times -1 for each turning word of the clause
in which the thing stands. A clause ends at a word that opens another (*as*, *after*, *while*).

Three more things are read: whether it is decided (*could*, *weighs*, *sues*, a bill that one
chamber passed: not yet), who decided (a court, voters), and whether something was refused that did
not exist yet (a bill was vetoed) or taken away that did (a law was repealed).

Two things of a clause that turn opposite ways give no reading: nothing is better than the wrong way
round. The words are in English and Spanish; which of them count is decided by language.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import regex

from responders.drafting.newswords import (
    CHAMBER,
    COURT,
    CUT,
    KEEPS,
    OPEN,
    OVER,
    PAPER,
    REFUSES,
    SETTLES,
    SPARES,
    STOPS,
    TURNS,
    VOTERS,
)
from responders.drafting.spans import find_phrase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from responders.model.issue import Outcome, Thing

__all__ = ["Turn", "is_open", "read_turn", "turning_words", "without_may"]

Body = Literal["court", "voters", "chamber", ""]
Span = tuple[int, int]

# The month, and the permission: "may now vote", "rules that boxes may return".
_MONTH: Final = regex.compile(
    r"\bmay(?= (?:now|no longer|again|keep|continue)\b)|"
    r"(?<=\b(?:says?|rules?|ruled|finds?)\b.{0,50})\bmay\b|"
    r"(?<=\b(?:in|by|until|on|this|next|last|late|early|of|since|every) )May\b|\bMay(?= \d)",
)
_BREAK: Final = regex.compile(r"[;:?]|\s[–—-]\s|,(?=\s+\p{L}+(?:ing|ando|iendo)\b)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What happens to a thing.

    Attributes:
        thing: The thing.
        good: Whether it is good news for the issue.
        settled: False while it is not decided.
        refused: True when something was turned down that was not there yet.
        body: Who decided: a court, voters, one chamber; else empty.
        spans: The words that say so: the thing, then what was done, as (start, end).
    """

    thing: Thing
    good: bool
    settled: bool
    refused: bool
    body: Body
    spans: tuple[Span, ...]

    def outcomes(self) -> tuple[Outcome, ...]:
        """Keys under a thing's ``moments`` that fit, the most exact first."""
        if not self.settled:
            return ("hoped",) if self.good else ("feared",)
        plain: Outcome = "won" if self.good else "lost"
        if not self.good and self.refused and self.thing.wanted:
            plain = "refused"
        if self.body == "court":
            return ("won-in-court" if self.good else "lost-in-court", plain)
        if self.body == "voters":
            return ("won-by-voters" if self.good else "lost-by-voters", plain)
        return (plain,)


def turning_words(text: str, *, lang: str = "en") -> tuple[Span, ...]:
    """Where words stand that turn the sense of a text, as (start, end).

    Examples:
        >>> text = "Judge blocks repeal of renters' rights"
        >>> [text[a:b] for a, b in turning_words(text)]
        ['blocks', 'repeal']
    """
    tag = _tag(lang)
    return _found((*REFUSES[tag], *TURNS[tag]), text)


def without_may(text: str) -> str:
    """The text with the month of May struck out, so that it is not taken for the verb.

    Examples:
        >>> without_may("Voters may decide in May")
        'Voters may decide in ---'
    """
    return _MONTH.sub("---", text)


def is_open(text: str, *, lang: str = "en") -> Span | None:
    """The first word that says that nothing is decided yet, or None.

    Examples:
        >>> is_open("Council weighs rent cap"), is_open("Council passes rent cap")
        ((8, 14), None)
    """
    found = _found(OPEN[_tag(lang)], without_may(text))
    return found[0] if found else None


def read_turn(things: Iterable[Thing], title: str, *, lang: str = "en") -> Turn | None:
    """What a headline says of the first thing in it that something happens to.

    Args:
        things: The things of the issue.
        title: The headline.
        lang: BCP 47 tag of the words to look for.

    Returns:
        The turn; None when no thing is named, when nothing happens to it, or when two turn
        opposite ways.
    """
    known = tuple(things)
    for start, end in _clauses(title, lang):
        turns = _turns_in(known, title[start:end], offset=start, lang=_tag(lang))
        if turns:
            # Opposite ways: the headline says two things, or we misread one.
            return turns[0] if len({turn.good for turn in turns}) == 1 else None
    return None


def _tag(lang: str) -> str:
    tag = lang.split("-", maxsplit=1)[0]
    return tag if tag in TURNS else "en"


def _clauses(title: str, lang: str) -> list[Span]:
    """The parts of a headline, each to be read on its own."""
    cuts = {span[0] for span in _found(CUT[_tag(lang)], title)}
    cuts |= {match.start() for match in _BREAK.finditer(title)}
    places = [0, *sorted(cuts), len(title)]
    return [(a, b) for a, b in pairwise(places) if title[a:b].strip()]


def _turns_in(things: Sequence[Thing], clause: str, *, offset: int, lang: str) -> list[Turn]:
    named = _named(things, clause)
    taken = [span for span, _ in named]
    refuses = _free(_found(REFUSES[lang], clause), taken)
    turns = _free(_found(TURNS[lang], clause), taken)
    turns = [span for span in turns if not _inside(span, refuses)]
    keeps = _free(_found(KEEPS[lang], clause), [*taken, *refuses, *turns])
    body = _body(clause, lang)
    if body != "court" and _found(PAPER[lang], clause):
        # "Senate blocks bill to ...": nothing is undone, something does not come about.
        stopped = [span for span in turns if clause[span[0] : span[1]].casefold() in STOPS]
        refuses, turns = [*refuses, *stopped], [span for span in turns if span not in stopped]
    acts = sorted([*refuses, *turns, *keeps])
    if not acts:
        return []
    settles = _free(_found(SETTLES[lang], clause), taken)
    unsettled = _free(_found(OPEN[lang], without_may(clause)), taken)
    # "Senate rejects a plan that would ...": the first of the two governs the rest.
    settled = not unsettled or bool(settles and settles[0][0] <= unsettled[0][0])
    settled = settled or bool(_found(OVER[lang], clause))
    first = acts[0]
    if body == "chamber" and first not in refuses and not any(s in refuses for s in acts):
        settled = False
    spares = _found(SPARES[lang], clause)
    found = []
    for span, thing in named:
        flips = len(refuses) + len(turns) + sum(end <= span[0] for _, end in spares)
        flips -= _attribute(clause, span, [*refuses, *turns], acts)
        good = thing.wanted != bool(flips % 2)
        words = [span, *acts]
        found.append(
            Turn(
                thing=thing,
                good=good,
                settled=settled,
                refused=bool(refuses) and body != "court",
                body=body,
                spans=tuple((a + offset, b + offset) for a, b in words),
            )
        )
    return found


def _attribute(clause: str, thing: Span, turns: Sequence[Span], acts: Sequence[Span]) -> int:
    """1 when a turning word only says which thing is meant: to revive a canceled pipeline."""
    return int(
        any(
            clause[start:end].endswith("ed") and not clause[end : thing[0]].strip(" -")
            and end <= thing[0] and any(act[1] <= start for act in acts)
            for start, end in turns
        )
    )  # fmt: skip


def _named(things: Sequence[Thing], clause: str) -> list[tuple[Span, Thing]]:
    """The things in a clause; where two overlap, the longer one."""
    hits = [
        (span, thing)
        for thing in things
        for words in thing.words
        for span in find_phrase(words, clause)
    ]
    hits.sort(key=lambda hit: (hit[0][0] - hit[0][1], hit[0][0]))
    kept: list[tuple[Span, Thing]] = []
    for span, thing in hits:
        if not any(a < span[1] and span[0] < b for (a, b), _ in kept):
            kept.append((span, thing))
    return sorted(kept, key=lambda hit: hit[0])


def _body(clause: str, lang: str) -> Body:
    if _found(COURT[lang], clause):
        return "court"
    if _found(VOTERS[lang], clause):
        return "voters"
    return "chamber" if _found(CHAMBER[lang], clause) else ""


@lru_cache(maxsize=512)
def _found(phrases: tuple[str, ...], text: str) -> tuple[Span, ...]:
    """Places of any of the phrases, in order; of two that overlap the longer one."""
    hits = [span for phrase in phrases for span in find_phrase(phrase, text)]
    hits.sort(key=lambda span: (span[0] - span[1], span[0]))
    kept: list[Span] = []
    for span in hits:
        if not any(a < span[1] and span[0] < b for a, b in kept):
            kept.append(span)
    return tuple(sorted(kept))


def _free(spans: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """Those that do not lie inside words that are spoken for."""
    return [span for span in spans if not _inside(span, taken)]


def _inside(span: Span, taken: Sequence[Span]) -> bool:
    return any(a <= span[0] and span[1] <= b for a, b in taken)
