"""The query language: from what a person wrote to a tree, or to an error with a caret.

::

    union strike                both words (AND is understood)
    union OR strike             either
    union NOT football          the first without the second; -football says the same
    (union OR strike) AND pay   brackets; without them AND binds tighter than OR
    "right to work"             the words in this order
    strik*                      any word that begins so
    union NEAR/5 vote           at most 5 words between, either order
    title:strike                in the headline only; also summary: source: lang:
    =ICE                        exactly these capitals and accents
    /strik(e|ing)s?/            a regular expression (RE2); =/.../ minds capitals
    @nlrb                       any name in the alias set "nlrb"

Operators are written in capitals. Theory: one pass cuts the text into lexemes, a recursive descent
with one function per level of binding builds the tree; both know where they are, so every error
names its place. What reads differently from what people tend to mean becomes a *caution*.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from responders.match.document import SEARCHED, Field
from responders.match.lexer import CLOSING_QUOTES, OPENING_QUOTES, Lexeme, QueryError, cut_query
from responders.match.tokens import Tokens, tokenize
from responders.match.tree import Alias, And, Language, Near, Node, Not, Or, Pattern, Words, leaves

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.match.tree import Spot

__all__ = ["Caution", "parse_alias", "parse_tree"]

MAX_LENGTH: Final = 20_000
MAX_DEPTH: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """Something that is allowed and probably not meant.

    Attributes:
        message: How the query was read.
        hint: What to write instead.
        start: Offset in the query.
        end: Offset one past the last character.
    """

    message: str
    hint: str
    start: int
    end: int


def parse_tree(
    text: str, *, aliases: Mapping[str, Sequence[str]]
) -> tuple[Node, tuple[Caution, ...]]:
    """Read a query.

    Args:
        text: The query, at most 20,000 characters.
        aliases: Names of each alias set, in the form of :func:`parse_alias`.

    Returns:
        The tree and the cautions, in order of place.

    Raises:
        QueryError: The text is not a query; says where and what would be.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"the query has {len(text)} characters",
            text=text,
            start=MAX_LENGTH,
            hint=f"at most {MAX_LENGTH}; put long lists of names in an alias set",
        )
    parser = _Parser(text, lexemes=cut_query(text), aliases=aliases)
    root = parser.whole()
    cautions = [*parser.cautions, *_cautions(text, root)]
    return root, tuple(sorted(cautions, key=lambda c: (c.start, c.end)))


def parse_alias(text: str) -> Words:
    """Read one name of an alias set.

    Args:
        text: Plain words, taken as a phrase; ``=`` in front minds capitals, ``*`` at the end
            lets the last word go on. Quotes around it change nothing.

    Returns:
        The phrase.

    Raises:
        QueryError: There is no letter or digit in it.

    Examples:
        >>> parse_alias("National Labor Relations Board").terms
        ('national', 'labor', 'relations', 'board')
    """
    body = text.strip()
    exact = body.startswith("=")
    body = body.removeprefix("=").strip(OPENING_QUOTES + CLOSING_QUOTES + " ")
    prefix = body.endswith("*")
    cut = tokenize(body.removesuffix("*"))
    if not cut.terms or "*" in body[:-1]:
        raise QueryError(
            "this name of an alias set cannot be looked for",
            text=text,
            start=0,
            end=len(text),
            hint="plain words, with = in front for exact capitals, * at the end for a beginning",
        )
    return Words(terms=cut.terms, prefix=prefix, exact=_surfaces(cut) if exact else None)


def _surfaces(cut: Tokens) -> tuple[str, ...]:
    return tuple(cut.surface(place) for place in range(len(cut.terms)))


class _Parser:
    """Recursive descent over lexemes: or < and < not < near < operand."""

    def __init__(
        self, text: str, *, lexemes: list[Lexeme], aliases: Mapping[str, Sequence[str]]
    ) -> None:
        self.text = text
        self.lexemes = lexemes
        self.aliases = {name.casefold(): tuple(names) for name, names in aliases.items()}
        self.at = 0
        self.depth = 0
        self.cautions: list[Caution] = []
        # From where to where each pair of brackets reaches; a field in front of it counts in.
        self.brackets: set[tuple[int, int]] = set()

    def peek(self) -> Lexeme:
        return self.lexemes[self.at]

    def take(self) -> Lexeme:
        self.at += 1
        return self.lexemes[self.at - 1]

    def whole(self) -> Node:
        if self.peek().kind == "end":
            raise self.error("the query is empty", self.peek(), hint="write a word to look for")
        root = self.either(SEARCHED)
        if self.peek().kind == "close":
            raise self.error("this bracket closes nothing", self.peek(), hint="take it out")
        return root

    def either(self, fields: tuple[Field, ...]) -> Node:
        parts = [self.both(fields)]
        while self.peek().kind == "or":
            self.take()
            parts.append(self.both(fields))
        if len(parts) == 1:
            return parts[0]
        bare = [p for p in parts if isinstance(p, And) and not self.bracketed(p)]
        if bare:
            self.cautions.append(
                Caution(
                    message=f"AND binds tighter than OR: read as ({bare[0]}) OR ...",
                    hint="put brackets around what belongs together",
                    start=bare[0].start,
                    end=bare[0].end,
                )
            )
        return Or(parts=tuple(parts), start=parts[0].start, end=parts[-1].end)

    def both(self, fields: tuple[Field, ...]) -> Node:
        parts = [self.negated(fields)]
        while True:
            if self.peek().kind == "and":
                self.take()
            elif self.peek().kind in {"or", "close", "end"}:
                break
            parts.append(self.negated(fields))
        if len(parts) == 1:
            return parts[0]
        return And(parts=tuple(parts), start=parts[0].start, end=parts[-1].end)

    def negated(self, fields: tuple[Field, ...]) -> Node:
        if self.peek().kind != "not":
            return self.near(fields)
        mark = self.take()
        self.deeper(mark)
        part = self.negated(fields)
        self.depth -= 1
        return Not(part=part, start=mark.start, end=part.end)

    def near(self, fields: tuple[Field, ...]) -> Node:
        first = self.operand(fields)
        if self.peek().kind != "near":
            return first
        parts, distance = [self.spot(first)], self.peek().distance
        while self.peek().kind == "near":
            mark = self.take()
            if mark.distance != distance:
                raise self.error(
                    f"NEAR/{mark.distance} follows NEAR/{distance}",
                    mark,
                    hint="one chain has one distance; join two pairs with AND",
                )
            parts.append(self.spot(self.operand(fields)))
        places = {
            leaf.fields for p in parts for leaf in leaves(p) if isinstance(leaf, Words | Alias)
        }
        if len(places) > 1:
            raise QueryError(
                "the sides of NEAR are looked for in different fields",
                text=self.text,
                start=parts[0].start,
                end=parts[-1].end,
                hint="put the field in front of the whole: title:(union NEAR/5 vote)",
            )
        return Near(parts=tuple(parts), distance=distance, start=parts[0].start, end=parts[-1].end)

    def spot(self, node: Node) -> Spot:
        plain = isinstance(node, Words | Alias) or (
            isinstance(node, Or) and all(isinstance(p, Words | Alias) for p in node.parts)
        )
        if not plain:
            raise QueryError(
                "NEAR cannot measure a distance to this",
                text=self.text,
                start=node.start,
                end=node.end,
                hint="beside NEAR stand words, phrases, @names, or (a OR b) of these",
            )
        return cast("Spot", node)

    def operand(self, fields: tuple[Field, ...]) -> Node:
        lexeme = self.take()
        if lexeme.kind == "open":
            self.deeper(lexeme)
            if self.peek().kind == "close":
                raise self.error("there is nothing in these brackets", lexeme, self.peek())
            node = self.either(fields)
            if self.peek().kind != "close":
                raise self.error(
                    "the bracket opened here is never closed", lexeme, hint="close it with )"
                )
            end = self.take().end
            self.depth -= 1
            # The place of a bracketed node includes its brackets; bracketed() relies on it.
            self.brackets.add((lexeme.start, end))
            return replace(node, start=lexeme.start, end=end)
        if lexeme.kind == "field":
            return self.scoped(lexeme, fields)
        if lexeme.kind in {"word", "phrase"}:
            return self.words(lexeme, fields)
        if fields == ("lang",) and lexeme.kind in {"regex", "alias"}:
            raise self.error("lang: takes tags only", lexeme, hint="such as lang:es or lang:es-MX")
        if lexeme.kind == "regex":
            return Pattern(
                source=lexeme.text,
                exact=lexeme.exact,
                fields=fields,
                start=lexeme.start,
                end=lexeme.end,
            )
        if lexeme.kind == "alias":
            return self.alias(lexeme, fields)
        self.at -= 1
        raise self.misplaced(lexeme)

    def scoped(self, lexeme: Lexeme, outer: tuple[Field, ...]) -> Node:
        field = cast("Field", lexeme.text)
        if outer not in (SEARCHED, (field,)):
            raise self.error(f"{field}: inside {outer[0]}: can never match", lexeme)
        if self.peek().kind in {"end", "close", "and", "or", "near", "not", "field"}:
            raise self.error(f"there is nothing after {field}:", lexeme, hint=f"write {field}:word")
        node = self.operand((field,))
        if self.bracketed(node):
            self.brackets.add((lexeme.start, node.end))
        return replace(node, start=lexeme.start)

    def words(self, lexeme: Lexeme, fields: tuple[Field, ...]) -> Node:
        cut = tokenize(lexeme.text)
        if not cut.terms:
            raise self.error(
                f"there is no letter or digit in {self.text[lexeme.start : lexeme.end]!r}",
                lexeme,
                hint="operators are AND, OR, NOT, NEAR/5",
            )
        if fields == ("lang",):
            if lexeme.exact or lexeme.prefix:
                raise self.error("lang: takes tags only", lexeme, hint="such as lang:es")
            return Language(subtags=cut.terms, start=lexeme.start, end=lexeme.end)
        self.cautions.extend(_word_cautions(lexeme, cut))
        return Words(
            terms=cut.terms,
            prefix=lexeme.prefix,
            exact=_surfaces(cut) if lexeme.exact else None,
            fields=fields,
            start=lexeme.start,
            end=lexeme.end,
        )

    def alias(self, lexeme: Lexeme, fields: tuple[Field, ...]) -> Node:
        name = lexeme.text.casefold()
        if name not in self.aliases:
            close = difflib.get_close_matches(name, self.aliases, n=1)
            known = ", ".join(f"@{n}" for n in sorted(self.aliases)[:8]) or "none are defined"
            raise self.error(
                f"there is no alias set {lexeme.text!r}",
                lexeme,
                hint=f"did you mean @{close[0]}?" if close else f"alias sets: {known}",
            )
        names = tuple(
            replace(parse_alias(n), fields=fields, start=lexeme.start, end=lexeme.end)
            for n in self.aliases[name]
        )
        if not names:
            raise self.error(f"the alias set {name!r} is empty", lexeme, hint="give it a name")
        return Alias(name=name, names=names, fields=fields, start=lexeme.start, end=lexeme.end)

    def bracketed(self, node: Node) -> bool:
        """Whether one pair of brackets holds the whole of it, not just its first part."""
        return (node.start, node.end) in self.brackets

    def deeper(self, lexeme: Lexeme) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH} levels", lexeme)

    def misplaced(self, lexeme: Lexeme) -> QueryError:
        written = self.text[lexeme.start : lexeme.end]
        if lexeme.kind == "end":
            last = self.lexemes[self.at - 1] if self.at else lexeme
            return self.error(
                f"the query ends after {self.text[last.start : last.end]!r}",
                last,
                hint="write what follows, or take it out",
            )
        if lexeme.kind == "close":
            return self.error("a term is missing before this bracket", lexeme)
        return self.error(
            f"{written} stands where a term should be",
            lexeme,
            hint=f'to look for the word itself, write it in quotes: "{written.lower()}"',
        )

    def error(
        self, message: str, start: Lexeme, end: Lexeme | None = None, *, hint: str = ""
    ) -> QueryError:
        last = (end or start).end
        return QueryError(message, text=self.text, start=start.start, end=last, hint=hint)


def _word_cautions(lexeme: Lexeme, cut: Tokens) -> list[Caution]:
    out = []

    def add(message: str, hint: str) -> None:
        out.append(Caution(message=message, hint=hint, start=lexeme.start, end=lexeme.end))

    if lexeme.kind == "word":
        if cut.terms in {("and",), ("or",), ("not",)} or re.fullmatch(r"near(/\d+)?", lexeme.text):
            add(
                f"{lexeme.text!r} is looked for as a word",
                f"the operator is written {lexeme.text.upper()}",
            )
        if re.match(r"['‘]\D", lexeme.text):
            add("single quotes do not make a phrase", 'write "..."')
        if lexeme.text[-1] in ",;":
            add(f"{lexeme.text[-1]!r} reads as AND", "write OR between alternatives")
    if lexeme.prefix and len(cut.terms[-1]) < 3:
        add(
            f"{cut.terms[-1]}* matches a great many words",
            "give at least three letters before the *",
        )
    return out


def _cautions(text: str, root: Node) -> list[Caution]:
    out = []
    if not _needs_something(root):
        out.append(
            Caution(
                message="this matches entries that contain none of its words",
                hint="say what must be there beside what must not",
                start=0,
                end=len(text),
            )
        )
    return out


def _needs_something(node: Node) -> bool:
    """Whether a match needs the presence of anything about its subject."""
    if isinstance(node, And):
        return any(_needs_something(part) for part in node.parts)
    if isinstance(node, Or):
        return all(_needs_something(part) for part in node.parts)
    return not isinstance(node, Not | Language)
