"""What changed between two texts, word by word, for an approver who has read the first one."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final, Literal

import regex

__all__ = ["Change", "mark", "word_diff"]

_TOKEN: Final = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}'’]*|\s+|.", regex.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A stretch of text.

    Attributes:
        kind: Whether it stayed, came or went.
        text: Its characters.
    """

    kind: Literal["same", "added", "removed"]
    text: str


def word_diff(*, before: str, after: str) -> tuple[Change, ...]:
    """The stretches that stayed, went and came, in reading order.

    Joined without the removed ones they are ``after``; without the added ones, ``before``.

    Examples:
        >>> [(c.kind, c.text) for c in word_diff(before="Sign today.", after="Call today.")]
        [('removed', 'Sign'), ('added', 'Call'), ('same', ' today.')]
    """
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    changes: list[Change] = []

    def put(kind: Literal["same", "added", "removed"], tokens: list[str]) -> None:
        if tokens:
            changes.append(Change(kind=kind, text="".join(tokens)))

    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            put("same", old[a:b])
        else:
            put("removed", old[a:b])
            put("added", new[c:d])
    return tuple(changes)


def mark(changes: tuple[Change, ...]) -> str:
    """The diff as plain text: ``[-removed-]{+added+}``.

    Examples:
        >>> mark(word_diff(before="Sign today.", after="Call today."))
        '[-Sign-]{+Call+} today.'
    """
    shape = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(shape[change.kind].format(change.text) for change in changes)
