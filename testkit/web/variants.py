"""Variants of one message beside each other: the first whole, of the others what differs.

Two variants of a test differ in one block. Printing both whole hides that block in twice the words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Instead", "Variant", "differences", "variants_of"]

_ORDER: Final = ("subject", "preheader", "body")
_BREAK: Final = re.compile(r"(\s*\n\s*|(?<=[.!?])\s+|(?<=[.!?][”\"’)])\s+)")
_MOST: Final = 0.5
"""Where more of a variant's text differs, it is a text of its own and stands whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instead:
    """One run of sentences that a variant has instead of others.

    Attributes:
        part: Of which text: ``body``.
        old: What the first variant says there; empty where this one says more.
        new: What this one says; empty where it says less.
    """

    part: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One variant of a channel.

    Attributes:
        key: ``a``, ``b`` ...
        parts: ``(part, text)``, whole.
        like: Key of the variant that it is shown against; empty when it is to stand whole.
        differs: What it says instead; empty too when both say the same.
    """

    key: str
    parts: tuple[tuple[str, str], ...]
    like: str = ""
    differs: tuple[Instead, ...] = ()


def variants_of(variants: Mapping[str, Mapping[str, str]]) -> tuple[Variant, ...]:
    """The variants of one channel: the first whole, the others against it where they are alike.

    Args:
        variants: Key to ``{part: text}``.
    """
    found: list[Variant] = []
    for key, words in variants.items():
        parts = tuple(
            (part, words[part].strip())
            for part in (*_ORDER, *(p for p in sorted(words) if p not in _ORDER))
            if words.get(part)
        )
        one = Variant(key=key, parts=parts)
        found.append(_against(found[0], one) if found else one)
    return tuple(found)


def _against(first: Variant, one: Variant) -> Variant:
    before, after = dict(first.parts), dict(one.parts)
    differs = tuple(
        instead
        for part in dict.fromkeys((*after, *before))
        for instead in differences(part, before.get(part, ""), after.get(part, ""))
    )
    length = sum(len(text) for text in after.values())
    if sum(len(d.new) for d in differs) > _MOST * length:
        return one
    if not differs and one.parts != first.parts:  # lines break elsewhere: not the same words
        return one
    return Variant(key=one.key, parts=one.parts, like=first.key, differs=differs)


def differences(part: str, old: str, new: str) -> tuple[Instead, ...]:
    """The sentences and lines in which two texts differ.

    Examples:
        >>> differences("body", "They won. Call now.", "They won. Sign now.")
        (Instead(part='body', old='Call now.', new='Sign now.'),)
    """
    before, after = _sentences(old), _sentences(new)
    # autojunk would call frequent sentences noise in a long text.
    matcher = SequenceMatcher(
        None, [text for text, _ in before], [text for text, _ in after], autojunk=False
    )
    return tuple(
        Instead(part=part, old=_joined(before[a:b]), new=_joined(after[c:d]))
        for tag, a, b, c, d in matcher.get_opcodes()
        if tag != "equal"
    )


def _sentences(text: str) -> list[tuple[str, str]]:
    """Sentences and lines, each with the white space behind it."""
    pieces = [*_BREAK.split(text.strip()), ""]
    return [
        (sentence, space)
        for sentence, space in zip(pieces[::2], pieces[1::2], strict=True)
        if sentence
    ]


def _joined(sentences: list[tuple[str, str]]) -> str:
    return "".join(f"{sentence}{space}" for sentence, space in sentences).strip()
