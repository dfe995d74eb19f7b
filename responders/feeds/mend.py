"""Mend the commonest slips of ill-formed XML, so that a strict reader may take it.

A strict reading is faster than a forgiving one, can be done item by item, and guesses nothing. Each
slip here has one meaning only; what else is wrong with a document is left to feedparser.
"""

from __future__ import annotations

import html.entities
import re
from typing import Final

__all__ = ["mended"]

# What XML 1.0 forbids and UTF-8 can write: most C0 controls, and the last two of the first plane.
_ILLEGAL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_SECOND_DECLARATION: Final = re.compile(rb"(?<=\?>)\s*<\?xml\s[^>]*\?>")
_CDATA: Final = re.compile(rb"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_AMPERSAND: Final = re.compile(rb"&(?:#\d+;|#[xX][0-9a-fA-F]+;|([a-zA-Z][a-zA-Z0-9]*);)?")
_XML_ENTITIES: Final = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_ROOT_END: Final = re.compile(rb"</(?:rss|feed|rdf:RDF)\s*>")


def mended(data: bytes) -> bytes:
    """The document without the commonest slips, so that a strict reader may take it.

    They are: blank lines before the declaration, control characters, HTML's entities, bare
    ampersands, and text after the end.
    """
    plain = _ILLEGAL.sub(b"", _SECOND_DECLARATION.sub(b"", data, count=1))
    pieces = _CDATA.split(plain)
    pieces[::2] = [_AMPERSAND.sub(_character, piece) for piece in pieces[::2]]
    plain = b"".join(pieces)
    ends = list(_ROOT_END.finditer(plain, max(0, len(plain) - 65_536)))
    return plain[: ends[-1].end()] if ends else plain


def _character(match: re.Match[bytes]) -> bytes:
    if match[0] == b"&":
        return b"&amp;"
    # HTML 4's table, not HTML 5's: the two differ in a pair of brackets, and feedparser has this.
    codepoint = html.entities.name2codepoint.get((match[1] or b"").decode())
    if codepoint is None or match[1] in _XML_ENTITIES:
        return match[0]
    return chr(codepoint).encode()
