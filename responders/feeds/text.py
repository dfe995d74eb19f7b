"""Feed markup to safe HTML for display and to plain text for matching.

Feed text is data from strangers. HTML is rebuilt by nh3 from an allow list; pictures are left out,
because loading one tells a stranger who reads what and when. Plain text is one line without control
characters or direction overrides, which can make a sentence read as another.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import nh3

__all__ = ["clean_html", "one_line", "plain_text", "too_deep"]

# Per entry: the longest articles that outlets put whole into a feed stay below this.
_MOST_HTML_CHARACTERS: Final = 200_000
# nh3 needs quadratic time in the nesting depth (measured: 100,000 open <div> take 25 s).
_DEEPEST: Final = 250


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BLOCKS: Final = _names(
    "address article aside blockquote br caption center dd details div dl dt figcaption figure "
    "footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody td tfoot "
    "th thead tr ul"
)
_SHOWN: Final = _names(
    "a abbr b bdi bdo blockquote br caption cite code dd del details dfn div dl dt em figcaption "
    "figure h1 h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre q rp rt ruby s samp small span strike "
    "strong sub summary sup table tbody td tfoot th thead time tr u ul var"
)
_ATTRIBUTES: Final = {
    "a": {"href", "title", "hreflang"},
    "abbr": {"title"},
    "bdo": {"dir"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "*": {"lang", "dir"},
}
_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})
# Elements whose end tag may be missing or that have none: they do not nest without bound.
_FLAT: Final = _names(
    "area base br col dd dt hr img input li link meta option p param source td th tr track wbr"
)
_NESTING_TAG: Final = re.compile(
    rf"<(/?)(?!(?:{'|'.join(sorted(_FLAT))})(?![a-z0-9]))[a-z]", re.IGNORECASE
)
_BARE_TAG: Final = re.compile(r"<[^<>]*>")
# C0 and C1 controls but for white space, the byte order mark, direction embeddings, overrides and
# isolates, and the soft hyphen, which would hide a word from the matcher.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\u202a-\u202e\u2066-\u2069\ufeff]"
)


def one_line(text: str, *, most: int) -> str:
    """Text on one line, composed (NFC), without unseen characters, cut at a word.

    Args:
        text: Plain text.
        most: Most characters that are kept, >= 1; a cut text ends in an ellipsis.

    Returns:
        The line; empty when nothing visible is left.

    Examples:
        >>> one_line("  Two  lines ", most=20)
        'Two lines'
    """
    # A slice first, so that a megabyte of text is not normalised in order to keep a line of it.
    text = text[: 8 * most]
    line = " ".join(text.split())
    if not line.isprintable():  # nothing that is unseen is printable; most lines are
        line = " ".join(_UNSEEN.sub("", text).split())
    if not line.isascii():
        line = unicodedata.normalize("NFC", line)
    if len(line) <= most:
        return line
    cut = line[: most - 1]
    at_word = cut.rpartition(" ")[0]
    return (at_word if len(at_word) > most // 2 else cut).rstrip() + "…"


def plain_text(markup: str, *, most: int) -> str:
    """The words of a piece of HTML on one line.

    Args:
        markup: HTML, however broken.
        most: Most characters that are kept, >= 1.

    Returns:
        The line; words in different blocks are kept apart, scripts and styles left out.

    Examples:
        >>> plain_text("<p>Nurses&#8217; <b>str</b>ike</p><p>Day two</p>", most=80)
        'Nurses’ strike Day two'
    """
    if "<" not in markup:
        return one_line(html.unescape(markup[: 16 * most]), most=most)
    # Sixteen times what is kept leaves room for the tags around it.
    markup = markup[: min(_MOST_HTML_CHARACTERS, 16 * most)]
    if not too_deep(markup):
        # Only bare block tags come out of the first step, so that the second cannot go wrong.
        markup = _stripper().clean(markup)
    return one_line(html.unescape(_BARE_TAG.sub(" ", markup)), most=most)


def clean_html(markup: str, *, base: str) -> str:
    """A piece of HTML that is safe to show.

    Args:
        markup: HTML, however broken.
        base: Absolute address that relative links start from; empty when there is none, and then
            relative links are removed.

    Returns:
        HTML from an allow list: no scripts, styles, forms, frames or pictures; links are absolute,
        to http, https, mailto or tel, and tell nobody where they were followed from.

    Examples:
        >>> clean_html("<b onclick='x()'>Hi</b><script>x()</script>", base="")
        '<b>Hi</b>'
    """
    markup = markup[:_MOST_HTML_CHARACTERS]
    if too_deep(markup):
        return f"<p>{html.escape(plain_text(markup, most=20_000))}</p>"
    return _cleaner(base).clean(_UNSEEN.sub("", markup)).strip()


@lru_cache(maxsize=2)  # the same markup is shown and matched
def too_deep(markup: str) -> bool:
    """Whether elements are nested deeper than any page that people write."""
    # Deeper than there are opening tags nothing can be; most markup needs no closer look.
    if markup.count("<") - markup.count("</") <= _DEEPEST:
        return False
    depth = 0
    for closing in _NESTING_TAG.findall(markup):
        depth = max(0, depth - 1) if closing else depth + 1
        if depth > _DEEPEST:
            return True
    return False


@lru_cache(maxsize=1)
def _stripper() -> nh3.Cleaner:
    import nh3

    return nh3.Cleaner(tags=_BLOCKS, attributes={}, link_rel=None)


@lru_cache(maxsize=64)
def _cleaner(base: str) -> nh3.Cleaner:
    import nh3

    try:
        return _cleaner_from(base)
    except ValueError:  # not an address that relative links can start from
        return nh3.Cleaner(
            tags=_SHOWN,
            attributes=_ATTRIBUTES,
            url_schemes=_SCHEMES,
            url_relative="deny",
            link_rel="noopener noreferrer nofollow",
        )


def _cleaner_from(base: str) -> nh3.Cleaner:
    import nh3

    if not base.startswith(("http://", "https://")):
        raise ValueError(base)
    return nh3.Cleaner(
        tags=_SHOWN,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        url_relative=("rewrite_with_base", base),
        link_rel="noopener noreferrer nofollow",
    )
