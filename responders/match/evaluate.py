"""A query tree asked of one document: does it hold, and why.

Two passes. :func:`holds` answers yes or no from the positions of terms and is what 200 issues ask
of every entry. For the few that hold, :class:`MatchResult` walks the tree again when it is asked
why, and keeps what each clause saw, with spans in the original text, so that a match can be shown
and stored with its reason.

A phrase stays inside one field. NEAR follows FTS5: some choice of one occurrence per part exists
such that from the end of each part to the start of the last one lie at most k tokens; parts may
stand in any order and may overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from responders.match.patterns import pattern_holds, pattern_spans
from responders.match.tree import Alias, And, Language, Near, Node, Not, Or, Pattern, Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from responders.match.document import Document, Field

__all__ = ["Clause", "MatchResult", "Span", "holds"]

Kind: TypeAlias = Literal["words", "pattern", "lang", "alias", "near", "and", "or", "not"]
Run: TypeAlias = tuple[int, int]
"""Position of the first token and number of tokens."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A stretch of a field that a clause matched.

    Attributes:
        field: ``title``, ``summary`` or ``source``.
        start: Offset of the first character in the text that was given.
        end: Offset one past the last.
        text: The characters themselves, as written.
    """

    field: Field
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One node of the query with what it saw.

    Attributes:
        node: The node.
        holds: Whether it holds on this document.
        spans: Where, for words, patterns, alias sets and NEAR; empty for AND, OR, NOT.
        parts: Clauses below it.
    """

    node: Node
    holds: bool
    spans: tuple[Span, ...] = ()
    parts: tuple[Clause, ...] = ()

    @property
    def kind(self) -> Kind:
        """What kind of clause it is."""
        return _KINDS[type(self.node)]

    @property
    def text(self) -> str:
        """The clause as query text."""
        return str(self.node)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: ``kind``, ``clause``, ``holds``, and the rest where not empty."""
        out: dict[str, Any] = {"kind": self.kind, "clause": self.text, "holds": self.holds}
        if self.spans:
            out["spans"] = [[s.field, s.start, s.end] for s in self.spans]
        if self.parts:
            out["parts"] = [part.as_dict() for part in self.parts]
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchResult:
    """A query that holds on a document, and why.

    The reasons are worked out when they are asked for: of the many entries of a story that match
    an issue, one is shown.

    Attributes:
        root: The query's tree.
        document: What it holds on.
    """

    root: Node
    document: Document

    @property
    def clauses(self) -> Clause:
        """The query with what each clause saw."""
        return _clause(self.root, self.document)

    @property
    def spans(self) -> tuple[Span, ...]:
        """Everything to highlight: spans of clauses that hold and are not under NOT.

        Title first, by place, without repeats. They may overlap.
        """
        return tuple(sorted(set(_shown(self.clauses)), key=lambda s: (s.field != "title", s)))

    def why(self) -> str:
        """One line for a person: which clauses hit, and on which words.

        Examples:
            ``strik* in title ("Strike"), @nlrb in summary ("labor board")``
        """
        return ", ".join(_reasons(self.clauses)) or "matched by what it does not contain"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the same names."""
        return {
            "why": self.why(),
            "clauses": self.clauses.as_dict(),
            "spans": [[s.field, s.start, s.end] for s in self.spans],
        }


def holds(node: Node, document: Document) -> bool:
    """Whether a query holds on a document.

    Args:
        node: The tree.
        document: What is asked.
    """
    # Plain loops: this is asked of every entry by every issue that may match it, and a generator
    # for each of these lines doubles the time of a whole tick's matching.
    if isinstance(node, Words):
        # Most words are absent; only the beginning of one need not be there whole.
        first_is_whole = not node.prefix or len(node.terms) > 1
        if first_is_whole and node.terms[0] not in document.terms:
            return False
        return _words_hold(node, document)
    if isinstance(node, Or):
        for part in node.parts:  # noqa: SIM110 - see above
            if holds(part, document):
                return True
        return False
    if isinstance(node, And):
        for part in node.parts:  # noqa: SIM110 - see above
            if not holds(part, document):
                return False
        return True
    if isinstance(node, Not):
        return not holds(node.part, document)
    if isinstance(node, Alias):
        return any(holds(name, document) for name in node.names)
    if isinstance(node, Near):
        return any(_near_in(node, document, field) for field in _fields_of(node))
    if isinstance(node, Pattern):
        return any(
            pattern_holds(node.source, document.tokens[field].text, exact=node.exact)
            for field in node.fields
        )
    return _language_holds(node, document)


def _clause(node: Node, document: Document) -> Clause:
    if isinstance(node, And | Or):
        parts = tuple(_clause(part, document) for part in node.parts)
        together = all if isinstance(node, And) else any
        return Clause(node=node, holds=together(part.holds for part in parts), parts=parts)
    if isinstance(node, Not):
        part = _clause(node.part, document)
        return Clause(node=node, holds=not part.holds, parts=(part,))
    if isinstance(node, Language):
        return Clause(node=node, holds=_language_holds(node, document))
    # Most alternatives of a query are absent; for those the quick answer is enough.
    spans = tuple(_spans(node, document)) if holds(node, document) else ()
    return Clause(node=node, holds=bool(spans), spans=spans)


def _spans(node: Words | Alias | Near | Pattern, document: Document) -> Iterator[Span]:
    for field in _fields_of(node):
        cut = document.tokens[field]
        if isinstance(node, Pattern):
            found = set(pattern_spans(node.source, cut.text, exact=node.exact))
        elif not cut.terms:
            continue
        else:
            runs = (
                _near_runs(node, document, field)
                if isinstance(node, Near)
                else _runs(node, document, field)
            )
            found = {(cut.spans[at][0], cut.spans[at + length - 1][1]) for at, length in runs}
        for start, end in sorted(found):
            yield Span(field=field, start=start, end=end, text=cut.text[start:end])


def _words_hold(node: Words, document: Document) -> bool:
    plain = len(node.terms) == 1 and not node.prefix and node.exact is None
    for field in node.fields:
        if node.terms[0] in document.places[field] if plain else _has_run(node, document, field):
            return True
    return False


def _has_run(node: Words, document: Document, field: Field) -> bool:
    return next(_word_runs(node, document, field), None) is not None


def _runs(node: Words | Alias | Or, document: Document, field: Field) -> Iterator[Run]:
    """Occurrences of what may stand beside NEAR, in one field."""
    if isinstance(node, Words):
        yield from _word_runs(node, document, field)
        return
    for part in node.names if isinstance(node, Alias) else node.parts:
        assert isinstance(part, Words | Alias)
        yield from _runs(part, document, field)


def _word_runs(node: Words, document: Document, field: Field) -> Iterator[Run]:
    cut, places = document.tokens[field], document.places[field]
    terms, length, prefix = node.terms, len(node.terms), node.prefix
    if length > 1:
        starts: Iterable[int] = places.get(terms[0], ())
        if prefix:
            starts = (at for at in starts if _begins(cut.terms, at, terms))
        else:
            starts = (at for at in starts if cut.terms[at : at + length] == terms)
    elif prefix:
        starts = (at for term in places if term.startswith(terms[0]) for at in places[term])
    else:
        starts = places.get(terms[0], ())
    for at in starts:
        if node.exact is None or _as_written(node, document, field, at):
            yield at, length


def _begins(found: tuple[str, ...], at: int, terms: tuple[str, ...]) -> bool:
    """Whether a phrase whose last word may go on stands at a place."""
    last = at + len(terms) - 1
    return last < len(found) and found[last].startswith(terms[-1]) and found[at:last] == terms[:-1]


def _as_written(node: Words, document: Document, field: Field, at: int) -> bool:
    assert node.exact is not None
    cut = document.tokens[field]
    for step, written in enumerate(node.exact):
        surface = cut.surface(at + step)
        goes_on = node.prefix and step == len(node.exact) - 1
        if not (surface.startswith(written) if goes_on else surface == written):
            return False
    return True


def _near_in(node: Near, document: Document, field: Field) -> bool:
    for part in node.parts:
        if isinstance(part, Words) and not part.prefix and part.terms[0] not in document.terms:
            return False
    return next(_near_runs(node, document, field), None) is not None


def _near_runs(node: Near, document: Document, field: Field) -> Iterator[Run]:
    """Occurrences that take part in some choice within the distance; a run may repeat."""
    found = []
    for part in node.parts:
        runs = list(_runs(part, document, field))
        if not runs:
            return
        found.append(runs)
    for last in {at for runs in found for at, _ in runs}:
        close = [
            [run for run in runs if run[0] <= last <= run[0] + run[1] + node.distance]
            for runs in found
        ]
        # The last part itself is among them, so `last` is reached by this choice.
        if all(close):
            for runs in close:
                yield from runs


def _language_holds(node: Language, document: Document) -> bool:
    return document.tokens["lang"].terms[: len(node.subtags)] == node.subtags


def _fields_of(node: Words | Alias | Near | Pattern | Or) -> tuple[Field, ...]:
    if isinstance(node, Near | Or):
        part = node.parts[0]
        assert isinstance(part, Words | Alias | Or)
        return _fields_of(part)
    return node.fields


def _shown(clause: Clause) -> Iterator[Span]:
    if not clause.holds:  # a NOT that holds has a part that does not: nothing to show
        return
    yield from clause.spans
    for part in clause.parts:
        yield from _shown(part)


def _reasons(clause: Clause) -> Iterator[str]:
    if not clause.holds:  # a NOT that holds has a part that does not: nothing to show
        return
    if isinstance(clause.node, Language):
        yield clause.text
    for field in dict.fromkeys(span.field for span in clause.spans):
        texts = dict.fromkeys(s.text for s in clause.spans if s.field == field)
        said = ", ".join(f'"{text}"' for text in texts)
        yield f"{clause.text} in {field} ({said})"
    for part in clause.parts:
        yield from _reasons(part)


_KINDS: Final[dict[type, Kind]] = {
    Words: "words",
    Pattern: "pattern",
    Language: "lang",
    Alias: "alias",
    Near: "near",
    And: "and",
    Or: "or",
    Not: "not",
}
