"""Words of two revisions side by side, and remarks that stay with the words that they are about.

Theory of operation. A revision's fields are flattened to named texts (``email/a/body``). Two texts
are compared word by word with :mod:`difflib`; a run of white space is a word of its own, so joining
the kept and the new pieces gives exactly the new text, and the kept and the old ones the old text.
A remark quotes the words that it is about: while the quote stands in the text, the remark stands;
edits elsewhere do not move it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.kernel.digest import canonical_json
from testkit.signoff.events import Commented, Edited, Submitted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from testkit.signoff.events import Event
    from testkit.signoff.store import Revision

__all__ = ["Change", "Piece", "Remark", "compare", "diff_words", "marked", "remarks", "texts_of"]

_WORD: Final = re.compile(r"\s+|\w+(?:['\u2019\-]\w+)*|[^\w\s]")

NOT_WORDS: Final = frozenset({"remarks", "reason", "varied"})
"""Fields that a revision carries for its readers; nobody signs them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words.

    Attributes:
        kind: ``same``, ``gone`` (old text only) or ``new``.
        text: The words, white space included.
    """

    kind: Literal["same", "gone", "new"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One text that differs between two revisions.

    Attributes:
        part: Which text: ``email/a/body``.
        pieces: Old and new, in order.
    """

    part: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A comment or suggestion as it stands on the current words.

    Attributes:
        number: Its number in the request's log; what ``accept`` is given.
        said: The event.
        standing: ``open``, ``taken`` (the suggested words were taken over) or ``outdated`` (the
            words that it quotes are gone).
        revision: Number of the revision that it was made on.
    """

    number: int
    said: Commented
    standing: Literal["open", "taken", "outdated"]
    revision: int


def diff_words(old: str, new: str) -> tuple[Piece, ...]:
    """What changed between two texts, word by word.

    Returns:
        Pieces in order. ``same`` and ``gone`` join to ``old``; ``same`` and ``new`` to ``new``.

    Examples:
        >>> for piece in diff_words("Call them today.", "Call her today."):
        ...     print(piece.kind, repr(piece.text))
        same 'Call '
        gone 'them'
        new 'her'
        same ' today.'
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    # autojunk would call frequent words noise in a long text, and the diff would depend on length.
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    pieces: list[Piece] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[a:b])))
            continue
        if b > a:
            pieces.append(Piece("gone", "".join(before[a:b])))
        if d > c:
            pieces.append(Piece("new", "".join(after[c:d])))
    return tuple(_joined(pieces))


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Pieces with a lone space between two changes made part of them: easier to read."""
    run: list[Piece] = []
    for piece in pieces:
        lone = piece.kind == "same" and piece.text.isspace() and "\n" not in piece.text
        if piece.kind != "same" or (lone and run):
            run.append(piece)
            continue
        yield from _flushed(run)
        run = []
        yield piece
    yield from _flushed(run)


def _flushed(run: list[Piece]) -> Iterator[Piece]:
    tail = run.pop() if run and run[-1].kind == "same" else None
    gone = "".join(p.text for p in run if p.kind != "new")
    new = "".join(p.text for p in run if p.kind != "gone")
    if gone:
        yield Piece("gone", gone)
    if new:
        yield Piece("new", new)
    if tail:
        yield tail


def texts_of(fields: Mapping[str, Any], names: Sequence[str] | None = None) -> dict[str, str]:
    """The texts of a revision by name, in reading order.

    Args:
        fields: Every field of the revision.
        names: Only these fields; all but those that nobody signs if None.

    Examples:
        >>> texts_of({"arms": {"sms": {"a": {"body": "Call now"}}}, "spend_cents": 0})
        {'sms/a/body': 'Call now', 'spend_cents': '0'}
    """
    wanted = names if names is not None else [n for n in sorted(fields) if n not in NOT_WORDS]
    found: dict[str, str] = {}
    for name in wanted:
        value = fields.get(name)
        if name == "arms" and isinstance(value, dict):
            for channel, variants in value.items():
                for key, words in variants.items():
                    order = sorted(words, key=lambda part: (_ORDER.get(part, 9), part))
                    found |= {f"{channel}/{key}/{part}": str(words[part]) for part in order}
        elif value is not None:
            found[name] = value if isinstance(value, str) else canonical_json(value).decode()
    return found


_ORDER: Final = {"subject": 0, "preheader": 1, "body": 2}


def compare(
    old: Mapping[str, Any], new: Mapping[str, Any], names: Sequence[str] | None = None
) -> tuple[Change, ...]:
    """Every text that differs between the fields of two revisions.

    Args:
        old: Fields of the earlier one.
        new: Fields of the later one.
        names: Only these fields (a chain's ``material``); all but those that nobody signs if None.
    """
    before, after = texts_of(old, names), texts_of(new, names)
    return tuple(
        Change(part=part, pieces=diff_words(before.get(part, ""), after.get(part, "")))
        for part in dict.fromkeys((*after, *before))
        if before.get(part) != after.get(part)
    )


def marked(pieces: Sequence[Piece]) -> str:
    """Pieces for a terminal: ``[-gone-]`` and ``{+new+}``.

    Examples:
        >>> marked(diff_words("Call them today.", "Call her today."))
        'Call [-them-]{+her+} today.'
    """
    marks = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
    return "".join(marks[piece.kind].format(piece.text) for piece in pieces)


def remarks(events: Sequence[Event], revisions: Sequence[Revision]) -> tuple[Remark, ...]:
    """Comments and suggestions of a request, each as it stands on the newest words.

    Args:
        events: The request's log.
        revisions: All its revisions, oldest first.
    """
    numbers = {revision.id: revision.number for revision in revisions}
    fields = {revision.id: texts_of(revision.fields) for revision in revisions}
    current = fields[revisions[-1].id] if revisions else {}
    found = []
    for number, event in enumerate(events, start=1):
        if not isinstance(event, Commented):
            continue
        standing: Literal["open", "taken", "outdated"] = "open"
        if event.part and (event.part not in current or event.quote not in current[event.part]):
            standing = "outdated"
        if event.suggests and _taken(event, events[number:], fields):
            standing = "taken"
        found.append(
            Remark(
                number=number,
                said=event,
                standing=standing,
                revision=numbers.get(event.revision, 0),
            )
        )
    return tuple(found)


def _taken(
    said: Commented, later: Sequence[Event], fields: Mapping[str, Mapping[str, str]]
) -> bool:
    """Whether a later edit names the suggester and made exactly the suggested change."""
    words = fields.get(said.revision, {})
    for event in later:
        if isinstance(event, Edited | Submitted):
            new = fields.get(event.revision, {})
            named = isinstance(event, Edited) and said.actor in event.suggested_by
            before = words.get(said.part, "")
            if named and new.get(said.part) == before.replace(said.quote, said.replacement, 1):
                return True
            words = new
    return False
