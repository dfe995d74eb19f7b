"""The same query as an FTS5 expression, for asking a whole archive at once.

FTS5 has no unary NOT, no regular expressions, no capitals, and only the columns that the table
has. So a tree compiles to a *bound*: the smallest set that the index can name and that holds
every document of the query. Where the bound is the answer itself ``exact`` is true; else each row
of it is asked again with :meth:`Query.evaluate <responders.match.Query.evaluate>`.

Theory. A set is written as an FTS5 expression or as the complement of one, which is closed under
AND, OR and NOT with FTS5's binary NOT alone. An upper bound of NOT x is the complement of a
*lower* bound of x, so the recursion carries the side it is on.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final, Literal

from responders.match.tree import Alias, And, Language, Near, Node, Not, Or, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.match.document import Field

__all__ = ["FtsQuery", "compile_fts"]

# NEAR distributes over the alternatives beside it; past this many the bound is a plain AND.
_MOST_CHOICES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class FtsQuery:
    """What to ask of an FTS5 table that stores :func:`~responders.match.index_text` of each field.

    Attributes:
        mode: ``match``: rows that match the expression. ``all_but``: rows that do not.
            ``all``, ``none``: every row, no row; there is no expression.
        expression: For ``MATCH``, as a bound parameter.
        exact: The rows are the answer. If false they hold it: evaluate the query on each.
    """

    mode: Literal["match", "all_but", "all", "none"]
    expression: str
    exact: bool


@dataclass(frozen=True, slots=True)
class _Set:
    """Rows that match an expression, or all others; the empty expression matches no row."""

    expression: str
    complement: bool
    exact: bool


def compile_fts(node: Node, *, columns: Sequence[Field]) -> FtsQuery:
    """Compile a tree.

    Args:
        node: The tree.
        columns: Columns of the table, among ``title``, ``summary``, ``source``, ``lang``. What a
            query asks of another field is left to the second look.

    Returns:
        The tightest bound that the index can name.
    """
    found = _bound(node, frozenset(columns), upper=True)
    if found.expression:
        mode: Literal["match", "all_but", "all", "none"] = (
            "all_but" if found.complement else "match"
        )
    else:
        mode = "all" if found.complement else "none"
    return FtsQuery(mode=mode, expression=found.expression, exact=found.exact)


def _bound(node: Node, columns: frozenset[Field], *, upper: bool) -> _Set:
    if isinstance(node, And):
        return _every([_bound(part, columns, upper=upper) for part in node.parts])
    if isinstance(node, Or):
        return _any([_bound(part, columns, upper=upper) for part in node.parts])
    if isinstance(node, Not):
        inner = _bound(node.part, columns, upper=not upper)
        return _Set(inner.expression, not inner.complement, inner.exact)
    if isinstance(node, Near):
        return _near(node, columns, upper=upper)
    if isinstance(node, Alias):
        return _any([_bound(name, columns, upper=upper) for name in node.names])
    if isinstance(node, Words):
        return _words(node, columns, upper=upper)
    if isinstance(node, Language) and "lang" in columns:
        return _Set(f"lang : ^ {_phrase(node.subtags, prefix=False)}", False, True)
    return _unknown(upper=upper)


def _words(node: Words, columns: frozenset[Field], *, upper: bool) -> _Set:
    scope = _scope(node.fields, columns)
    if scope is None:
        return _unknown(upper=upper)
    if node.exact is not None and not upper:
        return _unknown(upper=False)
    phrase = _phrase(node.terms, prefix=node.prefix)
    missing = _missing(node.fields, columns)
    if missing and upper:
        return _unknown(upper=True)
    return _Set(scope + phrase, False, node.exact is None and not missing)


def _near(node: Near, columns: frozenset[Field], *, upper: bool) -> _Set:
    choices = [_choices(part) for part in node.parts]
    fields = choices[0][0].fields
    scope = _scope(fields, columns)
    missing = _missing(fields, columns)
    if scope is None or (missing and upper):
        return _unknown(upper=upper)
    written = any(words.exact is not None for part in choices for words in part)
    many = prod(len(part) for part in choices) > _MOST_CHOICES
    if (written or many) and not upper:
        return _unknown(upper=False)
    if many:
        loose = And(parts=tuple(node.parts))
        found = _bound(loose, columns, upper=True)
        return _Set(found.expression, found.complement, False)
    groups = (
        " ".join(_phrase(words.terms, prefix=words.prefix) for words in choice)
        for choice in product(*choices)
    )
    expression = _join("OR", [f"{scope}NEAR({group}, {node.distance})" for group in groups])
    return _Set(expression, False, not written and not missing)


def _choices(node: Node) -> list[Words]:
    if isinstance(node, Words):
        return [node]
    assert isinstance(node, Alias | Or)
    parts = node.names if isinstance(node, Alias) else node.parts
    return [words for part in parts for words in _choices(part)]


def _every(parts: Sequence[_Set]) -> _Set:
    """Intersection, as flat as it can be: FTS5 counts nesting and stops at 256."""
    exact = all(part.exact for part in parts)
    named = [part for part in parts if part.expression]
    if any(not part.expression and not part.complement for part in parts):
        return _Set("", False, exact)
    inside = [part.expression for part in named if not part.complement]
    outside = [part.expression for part in named if part.complement]
    if inside and outside:
        kept, dropped = _join("AND", inside), _join("OR", outside)
        return _Set(_join("NOT", [kept, dropped]), False, exact)
    if inside:
        return _Set(_join("AND", inside), False, exact)
    return _Set(_join("OR", outside) if outside else "", True, exact)


def _any(parts: Sequence[_Set]) -> _Set:
    return _flip(_every([_flip(part) for part in parts]))


def _flip(found: _Set) -> _Set:
    return _Set(found.expression, not found.complement, found.exact)


def _unknown(*, upper: bool) -> _Set:
    return _Set("", upper, False)


def _join(operator: str, parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + f" {operator} ".join(parts) + ")"


def _phrase(terms: Sequence[str], *, prefix: bool) -> str:
    # Terms hold letters and digits only: nothing to escape.
    return f'"{" ".join(terms)}"{" *" if prefix else ""}'


def _scope(fields: tuple[Field, ...], columns: frozenset[Field]) -> str | None:
    """The column filter in front of a phrase; None where the table has none of the fields."""
    held = [field for field in fields if field in columns]
    if not held:
        return None
    if frozenset(held) == columns:
        return ""
    return f"{{{' '.join(held)}}} : "


def _missing(fields: tuple[Field, ...], columns: frozenset[Field]) -> bool:
    return any(field not in columns for field in fields)
