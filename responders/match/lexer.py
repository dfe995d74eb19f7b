"""A query cut into lexemes, and the error that shows its place.

The cutting knows quotes, slashes, stars and operators; what they mean together is for
:mod:`responders.match.parse`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Final, Literal, cast

from responders.match.document import FIELDS
from responders.match.patterns import check_pattern
from testkit.errors import InputError

__all__ = ["CLOSING_QUOTES", "OPENING_QUOTES", "Lexeme", "QueryError", "caret", "cut_query"]

MAX_DISTANCE: Final = 100
DEFAULT_DISTANCE: Final = 10
_SHOWN: Final = 72

Kind = Literal[
    "open", "close", "and", "or", "not", "near", "field", "word", "phrase", "regex", "alias", "end"
]
OPENING_QUOTES: Final = '"“„«'
CLOSING_QUOTES: Final = '"”“»'
_WORD_ENDS: Final = re.compile(r'[\s()"“”„«»]')
_FIELD: Final = re.compile(r"([^\W\d_]+):")
_NEAR: Final = re.compile(r"NEAR(?:/(.*))?", re.DOTALL)


class QueryError(InputError):
    """A query that cannot be read.

    Args:
        message: What is wrong.
        text: The query.
        start: Offset of the first character at fault.
        end: Offset one past the last; at least ``start + 1`` is marked.
        hint: What would be accepted.
    """

    def __init__(
        self, message: str, *, text: str, start: int, end: int = 0, hint: str = ""
    ) -> None:
        super().__init__(message, field="query", value=text, hint=hint)
        self.start = start
        self.end = max(end, start + 1)

    def __str__(self) -> str:
        return f"{super().__str__()}\n{caret(str(self.value), self.start, self.end)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexeme:
    """The smallest piece that means something.

    Attributes:
        kind: What it is; ``end`` stands after the last one.
        start: Offset of its first character in the query.
        end: Offset one past the last.
        text: Words, expression, or name of a field or alias set.
        prefix: A star follows the last word.
        exact: An equals sign stands in front.
        distance: Of NEAR.
    """

    kind: Kind
    start: int
    end: int
    text: str = ""
    prefix: bool = False
    exact: bool = False
    distance: int = 0


def caret(text: str, start: int, end: int) -> str:
    """Two lines: the part of a query around a place, and carets under the place.

    Args:
        text: The query; line breaks are shown as spaces.
        start: Offset of the first character to mark.
        end: Offset one past the last.

    Returns:
        The lines, indented by two spaces, at most 72 characters of the query wide.
    """
    left = max(0, min(start - _SHOWN // 2, len(text) - _SHOWN))
    shown = re.sub(r"\s", " ", text[left : left + _SHOWN])
    width = max(1, min(end, left + _SHOWN) - start)
    return f"  {shown}\n  {' ' * (start - left)}{'^' * width}"


def cut_query(text: str) -> list[Lexeme]:
    """Cut a query.

    Args:
        text: The query.

    Returns:
        Its lexemes; the last is of kind ``end``.

    Raises:
        QueryError: A quote or expression that does not close, an unknown field, a misplaced star.
    """
    return _Lexer(text).run()


class _Lexer:
    """Cuts a query into lexemes; holds the place it has reached."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def run(self) -> list[Lexeme]:
        out: list[Lexeme] = []
        while self.at < len(self.text):
            if self.text[self.at].isspace():
                self.at += 1
                continue
            out.append(self._next())
        out.append(Lexeme(kind="end", start=len(self.text), end=len(self.text)))
        return out

    def _next(self) -> Lexeme:
        text, start = self.text, self.at
        head = text[start]
        if head in "()":
            self.at += 1
            return Lexeme(kind="open" if head == "(" else "close", start=start, end=self.at)
        if head == "-" and start + 1 < len(text) and not text[start + 1].isspace():
            self.at += 1
            return Lexeme(kind="not", start=start, end=self.at)
        if head == "=":
            self.at += 1
            return self._operand(start, exact=True)
        if head == "@":
            self.at += 1
            name = self._word()
            if not name:
                raise self._error("there is no name after @", start, hint="write @name")
            return Lexeme(kind="alias", start=start, end=self.at, text=name)
        match = _FIELD.match(text, start)
        if match:
            return self._field(match)
        return self._operand(start, exact=False)

    def _field(self, match: re.Match[str]) -> Lexeme:
        name = match.group(1).casefold()
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, n=1)
            guess = f"did you mean {near[0]}:? " if near else ""
            raise self._error(
                f"there is no field {match.group(1)!r}",
                match.start(),
                match.end(),
                hint=f"{guess}fields are {', '.join(f'{f}:' for f in FIELDS)};"
                " to look for a colon's neighbours put them in quotes",
            )
        self.at = match.end()
        return Lexeme(kind="field", start=match.start(), end=self.at, text=name)

    def _operand(self, start: int, *, exact: bool) -> Lexeme:
        text = self.text
        if self.at >= len(text) or text[self.at].isspace() or text[self.at] in ")(":
            raise self._error(
                "there is nothing after =", start, hint='write =ICE, ="Green New Deal" or =/.../'
            )
        if text[self.at] in OPENING_QUOTES + CLOSING_QUOTES:
            return self._phrase(start, exact=exact)
        if text[self.at] == "/":
            return self._regex(start, exact=exact)
        word = self._word()
        if not exact:
            operator = self._operator(word, start)
            if operator:
                return operator
        prefix = word.endswith("*")
        self._refuse_star(word.removesuffix("*"), self.at - len(word), start)
        return Lexeme(
            kind="word",
            start=start,
            end=self.at,
            text=word.removesuffix("*"),
            prefix=prefix,
            exact=exact,
        )

    def _operator(self, word: str, start: int) -> Lexeme | None:
        if word in {"AND", "OR", "NOT"}:
            return Lexeme(kind=cast("Kind", word.lower()), start=start, end=self.at)
        near = _NEAR.fullmatch(word)
        if not near:
            return None
        if near.group(1) is None:
            return Lexeme(kind="near", start=start, end=self.at, distance=DEFAULT_DISTANCE)
        digits = near.group(1)
        if not (digits.isascii() and digits.isdigit() and int(digits[:4]) <= MAX_DISTANCE):
            raise self._error(
                f"NEAR/ needs a number of words, not {digits!r}",
                start,
                self.at,
                hint=f"such as NEAR/5; at most {MAX_DISTANCE}",
            )
        return Lexeme(kind="near", start=start, end=self.at, distance=int(digits))

    def _phrase(self, start: int, *, exact: bool) -> Lexeme:
        opened = self.at
        close = next(
            (i for i in range(opened + 1, len(self.text)) if self.text[i] in CLOSING_QUOTES), None
        )
        if close is None:
            raise self._error(
                "the quote opened here is never closed", opened, hint='close it with "'
            )
        body = self.text[opened + 1 : close]
        self.at = close + 1
        prefix = body.rstrip().endswith("*")
        if prefix:
            body = body.rstrip()[:-1]
        elif self.text.startswith("*", self.at):
            prefix = True
            self.at += 1
        self._refuse_star(body, opened + 1, start)
        return Lexeme(
            kind="phrase", start=start, end=self.at, text=body, prefix=prefix, exact=exact
        )

    def _regex(self, start: int, *, exact: bool) -> Lexeme:
        opened = self.at
        match = re.compile(r"/((?:[^/\\]|\\.)*)/", re.DOTALL).match(self.text, opened)
        if not match:
            raise self._error(
                "the regular expression opened here is never closed",
                opened,
                hint="close it with /; a slash inside is written \\/",
            )
        self.at = match.end()
        flags = self._word()
        if flags:
            raise self._error(
                f"unexpected {flags!r} after the regular expression",
                match.end(),
                self.at,
                hint="it ignores capitals as it stands; =/.../ minds them",
            )
        source = match.group(1).replace("\\/", "/")
        problem = check_pattern(source, exact=exact)
        if problem:
            raise self._error(
                f"this regular expression {problem}",
                opened,
                match.end(),
                hint="RE2 syntax: no look-around and no back references, so that no text can "
                "make it slow",
            )
        return Lexeme(kind="regex", start=start, end=self.at, text=source, exact=exact)

    def _word(self) -> str:
        end = _WORD_ENDS.search(self.text, self.at)
        start, self.at = self.at, end.start() if end else len(self.text)
        return self.text[start : self.at]

    def _refuse_star(self, body: str, offset: int, start: int) -> None:
        if "*" in body:
            place = offset + body.index("*")
            raise self._error(
                "a * stands only at the end of a word",
                place,
                hint="it means: any word that begins so" if place > start else "write strik*",
            )

    def _error(self, message: str, start: int, end: int = 0, *, hint: str = "") -> QueryError:
        return QueryError(message, text=self.text, start=start, end=end, hint=hint)
