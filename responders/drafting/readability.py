"""The Flesch-Kincaid grade, where it holds.

The formula was fitted on English passages. For another language, or a text too short to have a
stable mean, there is no number: ``None`` with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import regex

__all__ = ["ReadingGrade", "reading_grade", "syllables"]

MIN_WORDS: Final = 60
_WORD: Final = regex.compile(r"[\p{L}]+(?:['’][\p{L}]+)*")
_SENTENCE_END: Final = regex.compile(r"[.!?]+[”\"'’)]*(?=\s|$)|\n+")
_Y_CONSONANT: Final = regex.compile(r"y(?=[aeiou])")  # employer, beyond, year
_VOWELS: Final = regex.compile(r"[aeiouy]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingGrade:
    """How many school years a text asks for.

    Attributes:
        grade: US school years; None when the formula does not hold.
        reason: Why there is none; empty when there is one.
    """

    grade: float | None
    reason: str = ""


def syllables(word: str) -> int:
    """Syllables of an English word, by its vowel groups; at least 1.

    Examples:
        >>> [syllables(word) for word in ("work", "organize", "safety", "people", "wanted")]
        [1, 3, 2, 2, 2]
    """
    lower = regex.sub(r"['’].*$", "", word.casefold())
    lower = _Y_CONSONANT.sub("j", lower)
    count = len(_VOWELS.findall(lower))
    if lower.endswith("e") and not lower.endswith(("le", "ee", "ye", "oe")):
        count -= 1  # make, these
    if lower.endswith("es") and not lower.endswith(
        ("ses", "zes", "ces", "ges", "xes", "ches", "shes")
    ):
        count -= 1 if count > 1 and lower[-3] not in "aeiouy" else 0  # makes
    if lower.endswith("ed") and not lower.endswith(("ted", "ded")) and count > 1:
        count -= 1  # asked
    if lower.endswith("ety"):
        count -= 1 if lower.startswith("safe") else 0
    return max(1, count)


def reading_grade(text: str, *, lang: str) -> ReadingGrade:
    """Flesch-Kincaid grade level of an English text.

    Args:
        text: Running text without addresses and signatures.
        lang: BCP 47 tag of the text.

    Returns:
        The grade, or None with the reason: another language, or fewer than 60 words.

    References:
        Kincaid, Fishburne, Rogers & Chissom (1975), Derivation of new readability formulas for
        Navy enlisted personnel, Research Branch Report 8-75.

    Examples:
        >>> reading_grade("Queremos una vivienda digna.", lang="es").reason
        "the Flesch-Kincaid formula holds for English, not for 'es'"
    """
    if lang.split("-", maxsplit=1)[0] != "en":
        return ReadingGrade(
            grade=None, reason=f"the Flesch-Kincaid formula holds for English, not for {lang!r}"
        )
    words = _WORD.findall(text)
    if len(words) < MIN_WORDS:
        return ReadingGrade(grade=None, reason=f"{len(words)} words are too few for a stable grade")
    sentences = sum(1 for piece in _SENTENCE_END.split(text) if _WORD.search(piece))
    per_word = sum(syllables(word) for word in words) / len(words)
    grade = 0.39 * len(words) / sentences + 11.8 * per_word - 15.59
    return ReadingGrade(grade=round(grade, 1))
