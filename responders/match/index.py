"""Many issues asked of one entry at once.

Each query gives up its *anchors*: a set of terms (or beginnings of terms) of which every matching
document must hold at least one. Looking up the terms of an entry in the table of anchors leaves a
handful of candidates of 200 queries; only those are evaluated. A query without anchors (a bare
regular expression, a bare NOT) is asked every time.

Anchors of AND are those of one part, the part with the fewest common words; anchors of OR are all
of its parts'.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from responders.match.tree import Alias, And, Near, Or, Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from responders.match.document import Document
    from responders.match.evaluate import MatchResult
    from responders.match.query import Query
    from responders.match.tree import Node

__all__ = ["QuerySet", "anchors"]

Anchor: TypeAlias = tuple[str, bool]
"""A term, and whether it is only the beginning of one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuerySet:
    """Queries by the id of their issue, with their anchors; build it with :meth:`of`.

    Attributes:
        queries: The queries.
        by_term: Ids of the queries anchored at a term.
        by_prefix: Ids of the queries anchored at a beginning.
        lengths: Lengths of the beginnings, ascending.
        always: Ids of the queries that have no anchor.
    """

    queries: Mapping[str, Query]
    by_term: Mapping[str, tuple[str, ...]]
    by_prefix: Mapping[str, tuple[str, ...]]
    lengths: tuple[int, ...]
    always: tuple[str, ...]

    @staticmethod
    def of(queries: Mapping[str, Query]) -> QuerySet:
        """Index queries by their anchors.

        Args:
            queries: A query for each id.

        Examples:
            >>> from responders.match import Document, parse_query
            >>> issues = QuerySet.of({"ballot": parse_query("vot*"), "wages": parse_query("wage")})
            >>> list(issues.matches(Document.of(title="Nurses vote")))
            ['ballot']
        """
        by_term: dict[str, list[str]] = defaultdict(list)
        by_prefix: dict[str, list[str]] = defaultdict(list)
        always: list[str] = []
        for key, query in queries.items():
            found = anchors(query.root)
            if found is None:
                always.append(key)
                continue
            for term, is_prefix in found:
                (by_prefix if is_prefix else by_term)[term].append(key)
        return QuerySet(
            queries=dict(queries),
            by_term={term: tuple(keys) for term, keys in by_term.items()},
            by_prefix={term: tuple(keys) for term, keys in by_prefix.items()},
            lengths=tuple(sorted({len(term) for term in by_prefix})),
            always=tuple(always),
        )

    def candidates(self, document: Document) -> set[str]:
        """Ids of the queries that could match a document: a superset of those that do."""
        out: set[str] = set(self.always)
        for term in document.terms:
            if term in self.by_term:
                out.update(self.by_term[term])
            for length in self.lengths:
                if length > len(term):
                    break
                out.update(self.by_prefix.get(term[:length], ()))
        return out

    def matches(self, document: Document) -> dict[str, MatchResult]:
        """The reasons of each query that matches, by id."""
        out = {}
        for key in sorted(self.candidates(document)):
            result = self.queries[key].evaluate(document)
            if result is not None:
                out[key] = result
        return out


def anchors(node: Node) -> frozenset[Anchor] | None:
    """Terms of which a matching document must hold at least one.

    Args:
        node: The tree.

    Returns:
        The anchors, or None where there are none.
    """
    if isinstance(node, Words):
        # The longest word of a phrase is the rarest, by and large; the last one may go on.
        whole = node.terms[:-1] if node.prefix else node.terms
        if whole:
            return frozenset({(max(whole, key=len), False)})
        return frozenset({(node.terms[-1], True)})
    if isinstance(node, And | Near):
        found = [a for part in node.parts if (a := anchors(part)) is not None]
        return min(found, key=_commonness, default=None)
    if isinstance(node, Or | Alias):
        out: set[Anchor] = set()
        for part in node.parts if isinstance(node, Or) else node.names:
            some = anchors(part)
            if some is None:
                return None
            out |= some
        return frozenset(out)
    return None


def _commonness(found: frozenset[Anchor]) -> float:
    # Without a corpus, short words and beginnings stand for common ones.
    return sum(2.0 ** -len(term) * (4 if is_prefix else 1) for term, is_prefix in found)
