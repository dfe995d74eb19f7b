"""Small operations on a phrase; templates have them as filters."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["gsm_accents", "lower_first", "sentence", "shorten", "single_quotes", "tidy"]

_SINGLE: Final = {ord(a): b for a, b in zip('“”"«»', "‘’'‘’", strict=True)}
_LACKING: Final = str.maketrans("áíóúÁÍÓÚ", "aiouAIOU")
_GAPS: Final = re.compile(r"[ \t]+")
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_BEFORE_MARK: Final = re.compile(r" +(?=[,.;:!?](?:\s|$))")


def sentence(text: str) -> str:
    """The text with a full stop, unless it ends a sentence already.

    Examples:
        >>> sentence("Come on Friday"), sentence("Will you come?")
        ('Come on Friday.', 'Will you come?')
    """
    text = text.rstrip()
    end = text.rstrip("”\"'’)")[-1:]
    return text if not text or end in ".!?…" else f"{text}."


def shorten(text: str, width: int) -> str:
    """At most ``width`` characters, cut between words, with three dots.

    Examples:
        >>> shorten("Northfield nurses vote to strike on Friday", 30)
        'Northfield nurses vote to...'
    """
    if len(text) <= width:
        return text
    cut = text[: max(0, width - 3) + 1]
    head = cut.rsplit(" ", 1)[0] if " " in cut else cut[:-1]
    return head.rstrip(" ,;:–—-") + "..."


def single_quotes(text: str) -> str:
    """Double quotation marks made single, for text that will stand inside double ones.

    Examples:
        >>> single_quotes("Nurses: “We are done”")
        'Nurses: ‘We are done’'
    """
    return text.translate(_SINGLE)


def gsm_accents(text: str) -> str:
    """Accents left out that the alphabet of text messages lacks; é, ñ and ü it has.

    One ó makes a message of 160 characters into one of 70.

    Examples:
        >>> gsm_accents("Sin calefacción: ¿qué hará el dueño?")
        'Sin calefaccion: ¿qué hara el dueño?'
    """
    return text.translate(_LACKING)


def lower_first(text: str) -> str:
    """The first letter in lower case, for an imperative inside a sentence.

    Examples:
        >>> lower_first("Sign the pledge")
        'sign the pledge'
    """
    return text[:1].lower() + text[1:]


def tidy(text: str) -> str:
    r"""Single spaces, at most one blank line in a row, nothing at the ends.

    Blocks that are empty leave gaps behind; this closes them.

    Examples:
        >>> tidy("One  two . \n\n\n\nThree ")
        'One two.\n\nThree'
    """
    lines = (_BEFORE_MARK.sub("", _GAPS.sub(" ", line)).strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()
