"""A query as one value: its text, its tree, and what can be asked with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from responders.match.document import SEARCHED, Document, Field
from responders.match.evaluate import MatchResult, holds
from responders.match.fts import FtsQuery, compile_fts
from responders.match.parse import Caution, parse_tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.match.tree import Node

__all__ = ["Query", "parse_query"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that was read; make it with :func:`parse_query`.

    Attributes:
        text: As it was written.
        root: The tree.
        cautions: What is allowed and probably not meant, by place.
    """

    text: str
    root: Node
    cautions: tuple[Caution, ...] = ()

    def __str__(self) -> str:
        return str(self.root)

    def holds(self, document: Document) -> bool:
        """Whether the document matches."""
        return holds(self.root, document)

    def evaluate(self, document: Document) -> MatchResult | None:
        """The reasons why a document matches, or None where it does not.

        Examples:
            >>> query = parse_query("strik* NEAR/5 (nurses OR teachers)")
            >>> found = query.evaluate(Document.of(title="Teachers vote to strike on Monday"))
            >>> [span.text for span in found.spans]
            ['Teachers', 'strike']
            >>> parse_query("pagan").evaluate(Document.of(title="Propaganda")) is None
            True
        """
        return MatchResult(root=self.root, document=document) if self.holds(document) else None

    def to_fts(self, *, columns: Sequence[Field] = SEARCHED) -> FtsQuery:
        """The query for an FTS5 table with these columns, each holding :func:`index_text`.

        Examples:
            >>> parse_query("union AND NOT football").to_fts().expression
            '("union" NOT "football")'
        """
        return compile_fts(self.root, columns=columns)


def parse_query(text: str, *, aliases: Mapping[str, Sequence[str]] | None = None) -> Query:
    """Read a query.

    Args:
        text: The query; ``responders/match/parse.py`` shows the language on one page.
        aliases: Alias sets by name. Each name in a set is plain words taken as a phrase, with
            ``=`` in front to mind capitals and ``*`` at the end to let the last word go on.

    Returns:
        The query, with cautions.

    Raises:
        QueryError: It cannot be read; names the place and what would be accepted.
    """
    root, cautions = parse_tree(text, aliases=aliases or {})
    return Query(text=text, root=root, cautions=cautions)
