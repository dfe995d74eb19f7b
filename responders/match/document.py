"""What a query is asked of: the fields of one entry or story, cut into tokens once.

Pure values. A document is built once per entry and asked by many queries, so that positions of
terms are looked up, never searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from responders.match.tokens import Tokens, tokenize

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIELDS", "SEARCHED", "Document", "Field"]

Field = Literal["title", "summary", "source", "lang"]
FIELDS: Final[tuple[Field, ...]] = ("title", "summary", "source", "lang")
# What a term without a field is looked for in. The name of an outlet is not news.
SEARCHED: Final[tuple[Field, ...]] = ("title", "summary")

# A lone surrogate cannot be encoded for the regular expression engine or for SQLite. JSON feeds
# can carry one; a replacement of the same length keeps every offset.
_SURROGATES: Final = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)

_NO_TOKENS: Final = tokenize("")
_NO_PLACES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """One entry or story, ready to be matched; build it with :meth:`of`.

    Attributes:
        tokens: Tokens of each field that has any.
        places: For each field, the positions of each term in ``tokens``, ascending.
        terms: All terms of all fields.
    """

    tokens: Mapping[Field, Tokens]
    places: Mapping[Field, Mapping[str, tuple[int, ...]]]
    terms: frozenset[str]

    @staticmethod
    def of(*, title: str, summary: str = "", source: str = "", lang: str = "") -> Document:
        """Cut the fields of an entry into tokens.

        Args:
            title: Headline, plain text.
            summary: Teaser or body, plain text (no markup).
            source: Who published it: name, host, or both (``"Reuters reuters.com"``).
            lang: BCP 47 tag such as ``es`` or ``es-MX``; empty when unknown.

        Returns:
            The document. Spans of a match are offsets into these very strings.
        """
        tokens: dict[Field, Tokens] = {}
        places: dict[Field, Mapping[str, tuple[int, ...]]] = {}
        for field, text in zip(FIELDS, (title, summary, source, lang), strict=True):
            if not text:
                tokens[field], places[field] = _NO_TOKENS, _NO_PLACES
                continue
            cut = tokenize(text if _encodable(text) else text.translate(_SURROGATES))
            tokens[field] = cut
            found: dict[str, tuple[int, ...]] = {}
            for place, term in enumerate(cut.terms):
                found[term] = (*found[term], place) if term in found else (place,)
            places[field] = found
        terms = frozenset().union(*places.values())
        return Document(tokens=tokens, places=places, terms=terms)

    @property
    def title(self) -> str:
        """The headline that was given."""
        return self.tokens["title"].text

    @property
    def summary(self) -> str:
        """The teaser or body that was given."""
        return self.tokens["summary"].text


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
