"""Words of a text, the same for the query tree and for SQLite's full-text index.

A token is a run of letters and digits with the marks that sit on them. Its *term* is what is
compared: compatibility forms undone (fullwidth, ligatures, styled alphanumerics), case folded,
diacritics removed. Everything else separates: ``don't`` is two tokens, ``U.S.`` is two tokens,
``AT&T`` is two tokens, in titles and in queries alike, so a query that writes them finds them.

Agreement with SQLite rests on :func:`index_text`: every character of every term is a token
character of FTS5's ``unicode61 remove_diacritics 2`` and folds to itself there, so an index that
stores ``index_text(title)`` holds exactly our terms at exactly our positions. An index over the
raw text agrees on nearly all Latin text and differs where ``unicode61`` is weak: it keeps
``straße`` apart from ``strasse``, knows no emoji newer than its tables (and glues them to words),
and splits Arabic at vowel points. A property test holds both statements to every code point.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import regex

__all__ = ["Tokens", "index_text", "tokenize", "tokenize_terms"]

# Letters that SQLite's tables take for separators (vowel and tone signs of New Tai Lue, two Vedic
# signs). They separate here too, or the two sides would disagree.
_NOT_TOKENS: Final = "\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3"
# Invisible characters that web pages put inside words to steer line breaks and joining.
_JOINERS: Final = "\u00ad\u200c\u200d\u2060\ufeff"
_MARKS: Final = "\u2019\u2018\u201c\u201d\u2013\u2014\u2026\u00a0"
_ASCII_TOKEN: Final = re.compile(r"[0-9A-Za-z]+")
_TOKEN: Final = regex.compile(
    rf"(?V1)[[\p{{L}}\p{{N}}]--[{_NOT_TOKENS}]][[\p{{L}}\p{{N}}\p{{M}}{_JOINERS}]--[{_NOT_TOKENS}]]*"
)
# Kana voicing marks change the letter, they are not accents: dropping them would merge words.
_DROPPED: Final = regex.compile(rf"(?V1)[[\p{{M}}{_JOINERS}]--[\u3099\u309a]]+")
# A vulgar fraction opens into digits, which must not join the whole number before it.
_FRACTION: Final = re.compile("(?=[\u00bc-\u00be\u2150-\u215f\u2189])")
_FOLDED_TOKEN: Final = regex.compile(rf"(?V1)[[\p{{L}}\p{{N}}]--[{_NOT_TOKENS}]]+")


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text cut into tokens.

    Attributes:
        text: The text as given.
        terms: What is compared, one per token.
        spans: Offsets of each token in ``text``: its first character, one past its last.
    """

    text: str
    terms: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]

    def surface(self, place: int) -> str:
        """The token at ``place`` as written, in NFC, without invisible joiners."""
        start, end = self.spans[place]
        return _surface(self.text[start:end])


def tokenize(text: str) -> Tokens:
    """Cut a text into tokens.

    Args:
        text: Any text, any script, normalised or not.

    Returns:
        Terms with their offsets in ``text``. One written token may hold two terms where a
        compatibility form hides a separator (a vulgar fraction): both carry its offsets.

    Examples:
        >>> tokenize("Café workers’ UNION").terms
        ('cafe', 'workers', 'union')
    """
    if text.isascii():
        # Lower case of ASCII has the same length, so both passes cut alike.
        terms = tuple(_ASCII_TOKEN.findall(text.lower()))
        return Tokens(text, terms, tuple([m.span() for m in _ASCII_TOKEN.finditer(text)]))
    found = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        for term in (word.lower(),) if word.isascii() else _fold(word):
            found.append((term, match.span()))
    return Tokens(text, tuple(term for term, _ in found), tuple(span for _, span in found))


def tokenize_terms(text: str) -> tuple[str, ...]:
    """The terms of a text without their offsets, faster than :func:`tokenize`.

    Args:
        text: Any text.

    Returns:
        ``tokenize(text).terms``.
    """
    if not text.isascii():
        # Most headlines that are not ASCII are so for a quotation mark or a dash, which separate.
        for mark in _MARKS:
            text = text.replace(mark, " ")
    if text.isascii():
        return tuple(_ASCII_TOKEN.findall(text.lower()))
    terms: list[str] = []
    for word in _TOKEN.findall(text):
        if word.isascii():
            terms.append(word.lower())
        else:
            terms.extend(_fold(word))
    return tuple(terms)


def index_text(text: str) -> str:
    """The form of a text that a full-text index stores.

    Args:
        text: A title, a summary, the name of a source.

    Returns:
        The terms joined by spaces. ``unicode61`` cuts it into exactly ``tokenize(text).terms``.

    Examples:
        >>> index_text("Straße: “CO₂” rules")
        'strasse co2 rules'
    """
    return " ".join(tokenize_terms(text))


@lru_cache(maxsize=65_536)
def _fold(word: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKC", _FRACTION.sub(" ", word)).casefold()
    bare = _DROPPED.sub("", unicodedata.normalize("NFD", folded))
    # NFC joins Hangul letters and voiced kana again; no accent is left that it could join.
    return tuple(_FOLDED_TOKEN.findall(unicodedata.normalize("NFC", bare)))


@lru_cache(maxsize=65_536)
def _surface(written: str) -> str:
    if written.isascii():
        return written
    return unicodedata.normalize("NFC", written.translate(_NO_JOINERS))


_NO_JOINERS: Final = dict.fromkeys(map(ord, _JOINERS))
