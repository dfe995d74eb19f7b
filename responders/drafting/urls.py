"""Find web addresses in a text the way posting platforms do.

A platform shortens every address that it recognises, so a length is exact only if we recognise
the same ones. The rules are those that X publishes as *twitter-text*: an address may stand
without ``https://``, must end in a real top-level domain, and stops before closing punctuation.
The list of top-level domains is IANA's root zone (``tlds.txt`` beside this file).

Theory of operation: one cheap pattern proposes runs of domain characters; plain Python then
decides where a domain ends; a second pattern reads port, path and query from that position.
Every step moves forward in the text, so the work is linear in its length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["UrlSpan", "find_urls", "top_level_domains", "written_links"]

MAX_URL_CHARS: Final = 4096
MAX_LABEL_BYTES: Final = 63  # RFC 1035 section 2.3.4
MAX_SHORT_SLUG_CHARS: Final = 40

_SPACES = r"\x09-\x0D\x20\x85\xA0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_INVALID = r"\uFFFE\uFEFF\uFFFF"
_DIRECTION = r"\u202A-\u202E\u061C\u200E\u200F\u2066-\u2069"
_PUNCTUATION = r"!'#%&()*+,\\\-./:;<=>?@\[\]\^_{|}~$"
_LATIN = (
    r"\xC0-\xD6\xD8-\xF6\xF8-\xFF\u0100-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268"
    r"\u026F\u0272\u0289\u028B\u02BB\u0300-\u036F\u1E00-\u1EFF"
)
_LABEL = rf"[^{_PUNCTUATION}{_SPACES}{_INVALID}{_DIRECTION}]"
_CANDIDATE: Final = regex.compile(
    rf"(?P<before>[^A-Za-z0-9@＠$#＃{_INVALID}]|[{_DIRECTION}]|^)"
    rf"(?P<protocol>https?://)?"
    rf"(?P<domain>{_LABEL}(?:[._\-]|{_LABEL})*+)",
    regex.IGNORECASE,
)
_PATH_CHAR = rf"[a-z\u0400-\u04FF0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_LATIN}]"
_PARENS = rf"\((?:{_PATH_CHAR}++|{_PATH_CHAR}*+\({_PATH_CHAR}++\){_PATH_CHAR}*+)\)"
# A closing parenthesis ends a path too: the path pattern takes it only as part of a pair.
_PATH_END: Final = regex.compile(rf"[+\-a-z\u0400-\u04FF0-9=_#/){_LATIN}]", regex.IGNORECASE)
_PATH: Final = regex.compile(rf"/(?:{_PATH_CHAR}|{_PARENS})*+", regex.IGNORECASE)
_PORT: Final = regex.compile(r":[0-9]+")
_QUERY: Final = regex.compile(r"\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*", regex.IGNORECASE)
_QUERY_END: Final = regex.compile(r"[a-z0-9\-_&=#/]", regex.IGNORECASE)
_ASCII_LABELS: Final = regex.compile(rf"(?:[\-a-z0-9{_LATIN}]++\.)++", regex.IGNORECASE)
_SCHEME_AT_END: Final = regex.compile(r"https?$", regex.IGNORECASE)
_TLD_STOP: Final = regex.compile(r"[0-9A-Za-z@+\-]")
_WITH_PROTOCOL: Final = regex.compile(r"https?://[^\s<>\"“”«»]*[^\s<>\"“”«».,;:!?')\]}]", regex.I)
_TOKEN: Final = regex.compile(r"\S+")
_TCO: Final = regex.compile(
    r"https?://t\.co/([a-z0-9]+)(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlSpan:
    """One address in a text.

    Attributes:
        start: Index of its first character.
        end: Index after its last character.
        text: The address as written.
        has_protocol: False where the writer left out ``https://``.
    """

    start: int
    end: int
    text: str
    has_protocol: bool


@cache
def top_level_domains() -> frozenset[str]:
    """IANA's top-level domains, lower case; internationalised ones in both forms."""
    raw = files("responders.drafting").joinpath("tlds.txt").read_text(encoding="utf-8")
    names: set[str] = set()
    for line in raw.splitlines():
        if line.startswith("#"):
            continue
        for name in line.split():
            names.add(name)
            if name.startswith("xn--"):
                names.add(name[4:].encode("ascii").decode("punycode"))
    return frozenset(names)


@cache
def _unicode_tlds() -> tuple[str, ...]:
    names = (name for name in top_level_domains() if not name.isascii())
    return tuple(sorted(names, key=len, reverse=True))


@lru_cache(maxsize=256)
def find_urls(text: str, *, bare: bool = True) -> tuple[UrlSpan, ...]:
    """Every web address in the text, in order, never overlapping.

    Args:
        text: Any text; indices in the result are indices into it.
        bare: Also accept addresses without ``http://`` or ``https://`` (ASCII domains only),
            as X does and Mastodon does not.

    Returns:
        The addresses, without the punctuation that follows them in a sentence.

    References:
        X Corp., twitter-text 3, ``extractUrlsWithIndices`` and its conformance vectors.

    Examples:
        >>> [span.text for span in find_urls("Sign at example.org/now. See https://a.org/b).")]
        ['example.org/now', 'https://a.org/b']
    """
    if "." not in text:
        return ()
    spans: list[UrlSpan] = []
    for token in _TOKEN.finditer(text):
        if "." in token[0]:
            # One character further back: what stands before an address decides whether it is one.
            spans.extend(_scan(text, max(0, token.start() - 1), token.end(), bare=bare))
    return tuple(spans)


def written_links(text: str) -> tuple[UrlSpan, ...]:
    """Every address that a writer meant, also under names that no platform would link.

    Lint looks at intent: ``https://go.example`` is a link that was forgotten to be replaced.

    Examples:
        >>> [span.text for span in written_links("Sign: https://go.example/a. Or a.org")]
        ['https://go.example/a', 'a.org']
    """
    found = {span.start: span for span in find_urls(text)}
    for match in _WITH_PROTOCOL.finditer(text):
        known = found.get(match.start())
        if known is None or known.end < match.end():
            found[match.start()] = UrlSpan(
                start=match.start(), end=match.end(), text=match[0], has_protocol=True
            )
    spans: list[UrlSpan] = []
    for start in sorted(found):
        if not spans or start >= spans[-1].end:
            spans.append(found[start])
    return tuple(spans)


def _scan(text: str, position: int, stop: int, *, bare: bool) -> Iterator[UrlSpan]:
    while match := _CANDIDATE.search(text, position, stop):
        protocol = match["protocol"] or ""
        start = match.start("protocol") if protocol else match.start("domain")
        domain_start = match.start("domain")
        domain = _domain(text, domain_start, match.end("domain"))
        if domain is None:
            position = domain_start if protocol else _next_start(text, match)
            continue
        if not protocol and (not bare or match["before"] in {"-", "_", ".", "/"}):
            position = domain_start + len(domain)
            continue
        end = _rest(text, domain_start + len(domain))
        position = end
        if not _valid_labels(domain) or end - start + len(protocol or "https://") > MAX_URL_CHARS:
            continue
        if protocol:
            tco = _TCO.match(text, start, end)
            if tco is not None:
                if len(tco[1]) > MAX_SHORT_SLUG_CHARS:
                    continue
                end = position = tco.end()
            yield UrlSpan(start=start, end=end, text=text[start:end], has_protocol=True)
        else:
            has_path = end > domain_start + len(domain)
            yield from _bare(text, domain, start=start, end=end, has_path=has_path)


def _next_start(text: str, run: regex.Match[str]) -> int:
    """Where to look on after a run that is no domain: it may end in the ``http`` of an address."""
    end = run.end("domain")
    if text.startswith("://", end):
        scheme = _SCHEME_AT_END.search(text, run.start("domain"), end)
        if scheme is not None and scheme.start() > run.start():
            return max(scheme.start() - 1, run.start() + 1)
    return end


def _bare(text: str, domain: str, *, start: int, end: int, has_path: bool) -> Iterator[UrlSpan]:
    """Inside a run without protocol only the ASCII (and Latin) domains count."""
    found: list[tuple[int, int]] = []
    position = 0
    while match := _ASCII_LABELS.search(domain, position):
        tail = domain[match.end() :].split(".", 1)[0]
        tld = _leading_tld(tail)
        labels = match[0].rstrip(".").split(".")
        if tld is None:
            # Fall back on an earlier dot: "a.com.中" is the domain "a.com".
            while tld is None and len(labels) > 1:
                tld = _leading_tld(labels.pop())
            if tld is None:
                position = match.end()
                continue
        stop = match.start() + len(".".join(labels)) + 1 + len(tld)
        found.append((match.start(), stop))
        position = stop
    for index, (first, last) in enumerate(found):
        stop = end if has_path and index == len(found) - 1 else start + last
        yield UrlSpan(
            start=start + first, end=stop, text=text[start + first : stop], has_protocol=False
        )


def _domain(text: str, start: int, end: int) -> str | None:
    """The longest prefix of the run that is a domain under a real top-level domain."""
    run = text[start:end]
    following = text[end : end + 1]
    labels = run.split(".")
    best: str | None = None
    offset = len(labels[0])
    for index, label in enumerate(labels[1:], start=1):
        name = labels[index - 1]
        if not name or name[0] in "-_" or name[-1] in "-_":
            break  # neither an empty label nor one that begins or ends with a hyphen
        last = index == len(labels) - 1
        tld = _leading_tld(label, after=following if last else ".")
        if tld is not None and "_" not in name:
            best = run[: offset + 1 + len(tld)]
        offset += 1 + len(label)
    if best is not None and best.lower().startswith("xn--") and not best.isascii():
        return None
    return best


def _leading_tld(label: str, *, after: str = "") -> str | None:
    """The top-level domain that the label is, or that it begins with before other letters."""
    lower = label.lower()
    if lower in top_level_domains() and not _TLD_STOP.match(after):
        return label
    if lower.isascii() and lower.isalnum():
        return None
    if lower.startswith("xn--"):
        ascii_part = regex.match(r"[\-0-9a-z]+", lower)
        return label[: ascii_part.end()] if ascii_part else None
    ascii_run = regex.match(r"[a-z]+", lower)
    if ascii_run and ascii_run[0] in top_level_domains():
        rest = label[ascii_run.end() :]
        if rest and not _TLD_STOP.match(rest):
            return label[: ascii_run.end()]
    for name in _unicode_tlds():
        if lower.startswith(name) and not _TLD_STOP.match(lower[len(name) :] + after):
            return label[: len(name)]
    return None


def _valid_labels(domain: str) -> bool:
    for label in domain.split("."):
        size = len(label)
        if not label.isascii():
            size = len(label.lower().encode("punycode")) + len("xn--")
        if not 1 <= size <= MAX_LABEL_BYTES:
            return False
    return True


def _rest(text: str, position: int) -> int:
    """Index after port, path and query that start at ``position``."""
    port = _PORT.match(text, position)
    if port:
        position = port.end()
    path = _PATH.match(text, position)
    if path:
        end = path.end()
        while end > position + 1 and not _PATH_END.match(text[end - 1]):
            end -= 1
        position = end
    query = _QUERY.match(text, position)
    if query:
        end = query.end()
        while end > position + 1 and not _QUERY_END.match(text[end - 1]):
            end -= 1
        if end > position + 1:
            position = end
    return position
