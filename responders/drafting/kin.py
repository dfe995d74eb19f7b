"""Whether two reports tell of one event: the names, numbers and rare words that they share.

The clusterer puts entries together by nearness, which is right for finding a story and too kind
for quoting one: two votes of two counties are near. Whoever speaks for an organisation may say
only what was reported of *this* event. So entries are held against each other by what an event has
and a kind of event has not:

- *names*: words with a capital inside a sentence (a headline that capitalises everything has none
  of its own);
- *numbers*: of two figures or more, no years;
- *words* that are neither of any day's news nor of the issue's own vocabulary.

A name or a number counts most, then a word, then a word of the issue's own vocabulary; a headline
that the other report says over again counts as well. Two different states speak against. In doubt
the answer is no: a report less costs little, a wrong sentence costs a lot.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import regex

from responders.drafting.kinwords import ANY_DAY, SMALL, STATES
from responders.match.tokens import tokenize_terms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = ["APART", "ENOUGH", "Traces", "groups", "same_event", "score", "stems", "traces"]

ENOUGH: Final = 8
"""From here two reports tell of one event with confidence."""
APART: Final = 4
"""Up to here nothing speaks for one event; between the two nobody can tell."""
NAME: Final = 4
WORD: Final = 2
STEM: Final = 6
_WORD: Final = regex.compile(r"\d+-\d+(?!\p{L}|-)|[\p{L}][\p{L}\p{M}'’-]*|\d[\d.,]*\d%?|\d%?")
_SENTENCE: Final = regex.compile(r"(?<=[.!?:;|])\s+|\n")
_VOTE: Final = regex.compile(r"\b(\d+) to (\d+)\b")
_PERCENT: Final = regex.compile(r"\b(\d+)(?: percent| por ciento| %|-percent)")
_YEAR: Final = regex.compile(r"(?:19|20)\d\d")
_SHORT: Final = 3
_SPELLED: Final = {
    word: str(number)
    for number, word in enumerate(
        [
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ],
        start=10,
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "once": "11", "doce": "12", "quince": "15"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What a report has that another report of the same event would have too.

    Attributes:
        names: What is written as a name, each the stems of its words.
        numbers: Numbers of two figures or more.
        words: Stems of the other telling words.
        states: States that are named.
        headline: Stems of all words of the headline but the smallest.
    """

    names: frozenset[tuple[str, ...]]
    numbers: frozenset[str]
    words: frozenset[str]
    usual: frozenset[str]
    states: frozenset[str]
    headline: frozenset[str]
    whole: frozenset[str]

    @property
    def told(self) -> frozenset[str]:
        """Every telling word, names too."""
        return self.words.union(*self.names)


def traces(title: str, summary: str, *, usual: Collection[str] = ()) -> Traces:
    """Read a report.

    Args:
        title: Headline.
        summary: Teaser, plain text.
        usual: Stems that are the issue's own vocabulary, from :func:`stems`.

    Examples:
        >>> traces("Nurses at Mercy Hospital walk out", "At Mercy Hospital 640 left.").names
        frozenset({('mercy', 'hospit')})
    """
    return _traces(title, summary, frozenset(usual))


@lru_cache(maxsize=2048)
def _traces(title: str, summary: str, usual: frozenset[str]) -> Traces:
    whole = " ".join(tokenize_terms(f"{title} {summary}"))
    states = frozenset(state for state in STATES if f" {state} " in f" {whole} ")
    # Much happens in one state on one day: it counts, but not as a name.
    parts = stems(states)
    names: set[tuple[str, ...]] = set()
    numbers: set[str] = set()
    words: set[str] = set()
    common: set[str] = set()
    for text in (title, summary):
        shouted = text is title and _shouted(text)
        for sentence in _SENTENCE.split(_numbers_alike(text)):
            name: list[str] = []
            end = -1
            for place, match in enumerate(_WORD.finditer(sentence)):
                if name and sentence[end : match.start()] != " ":
                    names.add(tuple(name))
                    name = []
                end = match.end()
                word = match[0]
                number = _number(word)
                if number:
                    numbers.add(number)
                    continue
                kept = [
                    stem_of(term)
                    for term in tokenize_terms(word)
                    if len(term) >= _SHORT and term not in ANY_DAY and stem_of(term) not in parts
                ]
                if word[0].isupper() and place and not shouted:
                    name += kept
                    continue
                if name:
                    names.add(tuple(name))
                    name = []
                for stem in kept:
                    (common if stem in usual else words).add(stem)
            if name:
                names.add(tuple(name))
    return Traces(
        names=frozenset(names),
        numbers=frozenset(numbers),
        words=frozenset(words),
        states=states,
        usual=frozenset(common),
        headline=_content(title),
        whole=_content(f"{title} {summary}"),
    )


def same_event(one: Traces, other: Traces) -> bool:
    """Whether two reports tell of one event, with confidence."""
    return score(one, other) >= ENOUGH


def score(one: Traces, other: Traces) -> int:
    """How much speaks for one event; :data:`ENOUGH` is confidence."""
    ours, theirs = one.told, other.told
    # "Orchard City" is one name; how one outlet cuts it does not count twice.
    named = max(_shared(one.names, theirs), _shared(other.names, ours))
    as_names = {stem for name in (*one.names, *other.names) for stem in name}
    total = NAME * (named + len(one.numbers & other.numbers))
    total += WORD * len((ours & theirs) - as_names)
    total += len(one.usual & other.usual) + len(one.states & other.states)
    if one.states and other.states and not one.states & other.states:
        total -= ENOUGH
    return total + max(_retold(one, other), _retold(other, one))


def _shared(names: Iterable[tuple[str, ...]], told: Collection[str]) -> int:
    return sum(any(stem in told for stem in name) for name in names)


def _retold(one: Traces, other: Traces) -> int:
    """How much of a headline the other report says too."""
    shared = len(one.headline & other.whole)
    steps = ((3, 0.5), (4, 0.6), (5, 0.7), (6, 0.8))
    return WORD * sum(shared >= n and shared >= part * len(one.headline) for n, part in steps)


def stem_of(term: str) -> str:
    """The beginning that forms of a word share; good enough to compare, not to print."""
    if len(term) > STEM:
        return term[:STEM]
    for ending in ("ies", "ing", "ed", "es", "s"):
        if term.endswith(ending) and len(term) - len(ending) >= _SHORT:
            return term[: -len(ending)]
    return term


def stems(texts: Iterable[str]) -> frozenset[str]:
    """Stems of every word of these texts."""
    return frozenset(stem_of(term) for text in texts for term in tokenize_terms(text))


def groups(reports: Sequence[Traces], *, least: int = ENOUGH) -> tuple[tuple[int, ...], ...]:
    """Places of reports that tell of one event, in order; chains count as one group.

    Args:
        reports: What was read of each.
        least: Score from which two belong together.
    """
    group = list(range(len(reports)))
    for i, one in enumerate(reports):
        for j in range(i):
            if group[i] != group[j] and score(one, reports[j]) >= least:
                low, high = sorted((group[i], group[j]))
                group = [low if g == high else g for g in group]
    return tuple(
        tuple(i for i, g in enumerate(group) if g == name) for name in dict.fromkeys(group)
    )


def _content(text: str) -> frozenset[str]:
    return frozenset(
        stem_of(term)
        for term in tokenize_terms(_numbers_alike(text))
        if (len(term) >= _SHORT or term.isdigit()) and term not in SMALL
    )


def _numbers_alike(text: str) -> str:
    """``3 to 2`` and ``4 percent`` as other outlets write them: ``3-2``, ``4%``."""
    text = _VOTE.sub(r"\1-\2", text)
    return _PERCENT.sub(r"\1%", text)


def _number(word: str) -> str:
    """The number that a word is, where it tells one event from another; else empty."""
    if word.casefold() in _SPELLED:
        return _SPELLED[word.casefold()]
    if not word[0].isdigit():
        return ""
    plain = word.rstrip("%").replace(",", "")
    telling = len(plain) >= 2 or "%" in word
    return plain if telling and not _YEAR.fullmatch(plain) else ""


def _shouted(text: str) -> bool:
    """A headline in which most words begin with a capital."""
    long: list[str] = regex.findall(r"\p{L}{4,}", text)
    return bool(long) and sum(w[0].isupper() for w in long) >= 0.7 * len(long)
