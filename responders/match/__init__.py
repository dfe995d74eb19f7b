"""Which entries are about an issue: a small query language with reasons.

- :func:`parse_query` reads a query (``parse.py`` has the language on one page, ``tree.py`` its
  values, ``lexer.py`` the error with the caret);
- :class:`Document` is what it is asked of (``document.py``, ``tokens.py``);
- :meth:`Query.evaluate` answers with the reasons (``evaluate.py``, ``patterns.py``);
- :meth:`Query.to_fts` asks a whole archive (``fts.py``, over :func:`index_text`);
- :class:`QuerySet` asks many queries of one document (``index.py``);
- :func:`marked` and :func:`snippet` show the matched words (``highlight.py``).

Pure: no file, no clock, no database.
"""

from __future__ import annotations

from responders.match.document import FIELDS, Document, Field
from responders.match.evaluate import Clause, MatchResult, Span
from responders.match.fts import FtsQuery
from responders.match.highlight import marked, places, snippet
from responders.match.index import QuerySet
from responders.match.lexer import QueryError
from responders.match.parse import Caution
from responders.match.query import Query, parse_query
from responders.match.tokens import index_text, tokenize_terms

__all__ = [
    "FIELDS",
    "Caution",
    "Clause",
    "Document",
    "Field",
    "FtsQuery",
    "MatchResult",
    "Query",
    "QueryError",
    "QuerySet",
    "Span",
    "index_text",
    "marked",
    "parse_query",
    "places",
    "snippet",
    "tokenize_terms",
]
