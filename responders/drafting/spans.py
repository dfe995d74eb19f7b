"""Where a phrase stands in a text, by words: the small language in which cues are written.

``strike vote`` is these words in a row, in any letter case; ``picket*`` any ending; ``calls off ...
strike`` in this order, at most eight words between, in one sentence.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import regex

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["find_phrase"]

GAP_WORDS: Final = 8
_WORD: Final = regex.compile(r"[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*|[.!?;]")
_ABBREVIATED: Final = frozenset(
    {"gov", "sen", "rep", "st", "dr", "mr", "mrs", "ms", "sr", "sra", "no", "vs", "lt", "gen"}
)


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
