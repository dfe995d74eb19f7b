"""What kind of news is this? Cue words in the headline decide, and say so.

A draft that answers a win with outrage is worse than none. Each moment of an issue lists *cues*:

- ``strike vote``: these words in a row, in any letter case;
- ``picket*``: any ending;
- ``calls off ... strike``: in this order, at most eight words between, in one sentence.

A cue that lies inside the match of another moment's cue does not count (``calls off strike`` is
not a strike). The headline weighs three times the summary. When a setback and a step forward are
equally likely, nothing is chosen and the draft says so: the neutral frames are used. The same holds
when the headline turns something around (``vetoes``, ``blocks``, ``throws out``) and no cue of the
moment has that word: ``Judge blocks camp sweep`` is not a sweep.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from responders.model.issue import Moment

__all__ = ["Cue", "Reading", "find_phrase", "read_moment"]

TITLE_WEIGHT: Final = 3
GAP_WORDS: Final = 8
# Verbs that turn the rest of a headline around.
_TURNS: Final = (
    "veto*", "reject", "rejects", "rejected", "block", "blocks", "blocked", "halt", "halts",
    "halted", "strike down", "strikes down", "struck down", "throw out", "throws out", "toss out",
    "tosses out", "overturn*", "repeal*", "reverse", "reverses", "reversed", "withdraw*",
    "deny", "denies", "denied", "restores", "vote down", "votes down", "delays vote",
    "withdrew", "cancels", "override*", "suspend", "suspends", "scraps", "falls short", "fall",
    "falls", "fell", "drops", "declines", "rehires", "reopens", "restored", "fall short", "fails",
    "veta", "vetó", "rechaza*", "rechazó", "bloquea*", "bloqueó", "frena", "frenó", "anula*",
    "anuló", "deroga*", "derogó", "suspende*", "suspendió",
)  # fmt: skip
_WORD: Final = regex.compile(r"[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*|[.!?;]")
_ABBREVIATED: Final = frozenset(
    {"gov", "sen", "rep", "st", "dr", "mr", "mrs", "ms", "sr", "sra", "no", "vs", "lt", "gen"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A cue found in a text.

    Attributes:
        moment: Name of the moment that it speaks for.
        text: The words as they stand.
        where: ``title`` or ``summary``.
    """

    moment: str
    text: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a story was read.

    Attributes:
        moment: The moment, or None when there is none, or when it is unclear.
        cues: What speaks for it; for an unclear story, what speaks for each side.
        unclear: True when setback and progress speak equally.
    """

    moment: Moment | None
    cues: tuple[Cue, ...] = ()
    unclear: bool = False

    def in_words(self) -> str:
        """The reading as a sentence: ``Read as a strike (“walk out” in the title).``."""
        longest: list[Cue] = []
        for cue in self.cues:
            if not any(cue.text.casefold() in other.text.casefold() for other in longest):
                longest = [o for o in longest if o.text.casefold() not in cue.text.casefold()]
                longest.append(cue)
        shown = ", ".join(f"“{cue.text}” in the {cue.where}" for cue in longest[:3])
        if self.moment is not None:
            return f"Read as {self.moment.label} ({shown})."
        if self.unclear:
            return f"Good or bad news? Unclear ({shown}): neutral wording is used."
        return "No particular kind of news recognised: general wording is used."


def find_phrase(phrase: str, text: str) -> tuple[tuple[int, int], ...]:
    """Where a cue occurs in a text, as (start, end) in characters.

    Examples:
        >>> text = "Court blocks state's six-week abortion ban"
        >>> [text[a:b] for a, b in find_phrase("block* ... ban", text)]
        ["blocks state's six-week abortion ban"]
    """
    plain = phrase.casefold().replace("’", "'").replace("-", " ")
    sequences = [part.split() for part in plain.split("...") if part.strip()]
    if not sequences:
        return ()
    words = _words(text)
    first = sequences[0][0]
    prefix = first.removesuffix("*")
    found: list[tuple[int, int]] = []
    for start, (word, _) in enumerate(words):
        if not word.startswith(prefix) or not _run_at(words, start, sequences[0]):
            continue
        end = start + len(sequences[0])
        for sequence in sequences[1:]:
            end = _next_run(words, end, sequence)
            if end < 0:
                break
        if end > 0:
            found.append((words[start][1][0], words[end - 1][1][1]))
    return tuple(found)


@lru_cache(maxsize=64)
def _words(text: str) -> tuple[tuple[str, tuple[int, int]], ...]:
    """Words and sentence ends with their places; a text is asked for many phrases."""
    words: list[tuple[str, tuple[int, int]]] = []
    for match in _WORD.finditer(text):
        word = match[0].casefold().replace("’", "'")
        if word == "." and words and (len(words[-1][0]) == 1 or words[-1][0] in _ABBREVIATED):
            continue  # "Gov. Lee", "U.S."
        words.append((word, match.span()))
    return tuple(words)


def _run_at(words: Sequence[tuple[str, tuple[int, int]]], at: int, sequence: Sequence[str]) -> bool:
    if at + len(sequence) > len(words):
        return False
    return all(
        words[at + i][0].startswith(want[:-1]) if want.endswith("*") else words[at + i][0] == want
        for i, want in enumerate(sequence)
    )


def _next_run(
    words: Sequence[tuple[str, tuple[int, int]]], after: int, sequence: Sequence[str]
) -> int:
    """Index after the next run within the gap and the sentence; -1 when there is none."""
    for start in range(after, min(len(words), after + GAP_WORDS + 1)):
        if _run_at(words, start, sequence):
            return start + len(sequence)
        if words[start][0] in {".", "!", "?", ";"}:
            break
    return -1


def read_moment(moments: Iterable[Moment], *, title: str, summary: str = "") -> Reading:
    """The moment that the story's own words speak for.

    Args:
        moments: The issue's moments; earlier ones win a tie.
        title: Headline.
        summary: Teaser, plain text.

    Returns:
        The reading, with the cues that decided it.
    """
    known = tuple(moments)
    scores: dict[str, int] = {}
    evidence: dict[str, list[Cue]] = {}
    for where, text, weight in (("title", title, TITLE_WEIGHT), ("summary", summary, 1)):
        hits = [
            (span, moment.name, len(cue.replace("...", " ").split()))
            for moment in known
            for cue in moment.cues
            for span in find_phrase(cue, text)
        ]
        seen: set[tuple[str, tuple[int, int]]] = set()
        for span, name, size in hits:
            covered = any(
                other != name and a <= span[0] and span[1] <= b and (a, b) != span
                for (a, b), other, _ in hits
            )
            if covered or (name, span) in seen:
                continue
            seen.add((name, span))
            scores[name] = scores.get(name, 0) + weight * size
            cue = Cue(moment=name, text=text[span[0] : span[1]], where=where)
            evidence.setdefault(name, []).append(cue)
    if not scores:
        return Reading(moment=None)
    held = [moment for moment in known if moment.hold and moment.name in scores]
    if held:
        # A death outweighs everything else that the headline says.
        return Reading(moment=held[0], cues=tuple(evidence[held[0].name]))
    best = max(scores.values())
    top = [moment for moment in known if scores.get(moment.name) == best]
    if {"setback", "progress"} <= {moment.stance for moment in top}:
        both = tuple(cue for moment in top for cue in evidence[moment.name])
        return Reading(moment=None, cues=both, unclear=True)
    cues = tuple(evidence[top[0].name])
    turned = _turned(title, top[0]) if top[0].stance != "neutral" else None
    if turned is not None:
        return Reading(moment=None, cues=(*cues, turned), unclear=True)
    return Reading(moment=top[0], cues=cues)


def _turned(title: str, moment: Moment) -> Cue | None:
    """A word of the headline that turns it around and that no cue of the moment has."""
    own = [span for cue in moment.cues for span in find_phrase(cue, title)]
    for phrase in _TURNS:
        for start, end in find_phrase(phrase, title):
            if not any(a <= start and end <= b for a, b in own):
                return Cue(moment=moment.name, text=title[start:end], where="title")
    return None
