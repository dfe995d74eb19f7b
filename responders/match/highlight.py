"""Matched words shown in their text: marks around them, and the stretch of a long text they are in.

The marks are square brackets, so that a terminal without colours, a screen reader and a file all
tell the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from responders.match.document import Field
    from responders.match.evaluate import Span

__all__ = ["marked", "places", "snippet"]

_WIDTH: Final = 160


def places(spans: Iterable[Span], field: Field) -> tuple[tuple[int, int], ...]:
    """The matched stretches of one field, ascending, those that touch or overlap joined."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((s.start, s.end) for s in spans if s.field == field):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def marked(text: str, at: Sequence[tuple[int, int]]) -> str:
    """A text with brackets around stretches of it.

    Args:
        text: The text.
        at: Offsets, ascending and apart, as :func:`places` gives them.

    Examples:
        >>> marked("Nurses strike again", [(7, 13)])
        'Nurses [strike] again'
    """
    out, done = [], 0
    for start, end in at:
        out += [text[done:start], "[", text[start:end], "]"]
        done = end
    return "".join([*out, text[done:]])


def snippet(text: str, at: Sequence[tuple[int, int]], *, width: int = _WIDTH) -> str:
    """The part of a text around its first matched stretch, on one line, with brackets.

    Args:
        text: The text.
        at: Offsets, as :func:`places` gives them; with none the text's beginning is shown.
        width: Characters of the text to show, at least.

    Returns:
        At most ``width`` characters of the text plus the rest of the words at its ends; ``...``
        where something is left out.

    Examples:
        >>> snippet("It rained. The nurses vote to strike on Monday at noon.", [(30, 36)], width=20)
        '... to [strike] on ...'
    """
    if len(text) <= width:
        begin, end = 0, len(text)
    else:
        first = at[0] if at else (0, 0)
        begin = max(0, min(first[0] - (width - (first[1] - first[0])) // 2, len(text) - width))
        end = max(begin + width, first[1])
        begin = text.find(" ", begin, first[0]) + 1 or begin if begin else 0
        end = _word_end(text, end, first[1])
    shown = [(max(a, begin) - begin, min(b, end) - begin) for a, b in at if a < end and b > begin]
    body = " ".join(marked(text[begin:end], shown).split())
    return f"{'... ' if begin else ''}{body}{' ...' if end < len(text) else ''}"


def _word_end(text: str, end: int, least: int) -> int:
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", least, end + 1)
    return space if space >= least else end
