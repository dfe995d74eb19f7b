"""The query as a tree of frozen values.

A tree says what was asked, with the place of each clause in the text for error marks and reasons.
Places do not take part in equality: two queries that read the same are the same. ``str()`` of a
tree is a query that parses back to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from responders.match.document import SEARCHED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from responders.match.document import Field

__all__ = [
    "Alias",
    "And",
    "Language",
    "Leaf",
    "Near",
    "Node",
    "Not",
    "Or",
    "Pattern",
    "Spot",
    "Words",
    "leaves",
]


def _place() -> int:
    return field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A word, the beginning of a word, or a phrase.

    Attributes:
        terms: Folded terms in order; one for a word. Never empty.
        prefix: The last term may go on (``strik*``).
        exact: The tokens as they must be written, for ``=ICE``; None when case is ignored.
        fields: Where it is looked for.
        start: Offset of its first character in the query.
        end: Offset one past its last character.
    """

    terms: tuple[str, ...]
    prefix: bool = False
    exact: tuple[str, ...] | None = None
    fields: tuple[Field, ...] = SEARCHED
    start: int = _place()
    end: int = _place()

    def __str__(self) -> str:
        star = "*" if self.prefix else ""
        mark = "" if self.exact is None else "="
        body = " ".join(self.terms if self.exact is None else self.exact)
        # A single term needs no quotes: terms are lower case, and no operator follows "=".
        bare = len(self.terms) == 1
        return _scoped(self.fields, f"{mark}{body}{star}" if bare else f'{mark}"{body}{star}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A regular expression on the text as written, in linear time.

    Attributes:
        source: The expression in RE2 syntax.
        exact: Upper and lower case differ (``=/.../``).
        fields: Where it is looked for.
        start: Offset of its first character in the query.
        end: Offset one past its last character.
    """

    source: str
    exact: bool = False
    fields: tuple[Field, ...] = SEARCHED
    start: int = _place()
    end: int = _place()

    def __str__(self) -> str:
        body = self.source.replace("/", "\\/")
        return _scoped(self.fields, f"{'=' if self.exact else ''}/{body}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The language of the entry: ``lang:es`` also takes ``es-MX``; unknown never matches.

    Attributes:
        subtags: Lower-case subtags that the entry's tag must begin with.
        start: Offset of its first character in the query.
        end: Offset one past its last character.
    """

    subtags: tuple[str, ...]
    start: int = _place()
    end: int = _place()

    def __str__(self) -> str:
        return f"lang:{'-'.join(self.subtags)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """Any one of the names of an entity (``@nlrb``).

    Attributes:
        name: The name of the set, without ``@``.
        names: Its names, at least one.
        fields: Where they are looked for.
        start: Offset of its first character in the query.
        end: Offset one past its last character.
    """

    name: str
    names: tuple[Words, ...]
    fields: tuple[Field, ...] = SEARCHED
    start: int = _place()
    end: int = _place()

    def __str__(self) -> str:
        return _scoped(self.fields, f"@{self.name}")


Spot: TypeAlias = "Words | Alias | Or"
"""What can stand beside NEAR: something with positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """All parts in one field, with at most ``distance`` tokens from the end of each to the last.

    Attributes:
        parts: Two or more words, phrases, alias sets, or ORs of these.
        distance: Tokens that may stand between, 0 or more, in any order.
        start: Offset of its first character in the query.
        end: Offset one past its last character.
    """

    parts: tuple[Spot, ...]
    distance: int
    start: int = _place()
    end: int = _place()

    def __str__(self) -> str:
        return f" NEAR/{self.distance} ".join(_grouped(p, around=Near) for p in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """Every part matches; two or more parts."""

    parts: tuple[Node, ...]
    start: int = _place()
    end: int = _place()

    def __str__(self) -> str:
        return " AND ".join(_grouped(p, around=And) for p in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """At least one part matches; two or more parts."""

    parts: tuple[Node, ...]
    start: int = _place()
    end: int = _place()

    def __str__(self) -> str:
        return " OR ".join(_grouped(p, around=Or) for p in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The part does not match."""

    part: Node
    start: int = _place()
    end: int = _place()

    def __str__(self) -> str:
        return f"NOT {_grouped(self.part, around=Not)}"


Leaf: TypeAlias = Words | Pattern | Language | Alias
Node: TypeAlias = Leaf | Near | And | Or | Not

_TIGHTNESS: Final[dict[type, int]] = {Or: 0, And: 1, Not: 2, Near: 3}


def leaves(node: Node) -> Iterator[Leaf]:
    """Every leaf of a tree, left to right, those under NOT included."""
    if isinstance(node, And | Or | Near):
        for part in node.parts:
            yield from leaves(part)
    elif isinstance(node, Not):
        yield from leaves(node.part)
    else:
        yield node


def _grouped(part: Node, *, around: type) -> str:
    loose = _TIGHTNESS.get(type(part), 9) < _TIGHTNESS[around]
    # NEAR inside NEAR, AND inside AND: brackets keep what was bracketed.
    same = type(part) is around and around is not Not
    return f"({part})" if loose or same else str(part)


def _scoped(fields: tuple[Field, ...], text: str) -> str:
    return text if fields == SEARCHED else f"{fields[0]}:{text}"
