"""Which entries are the same: the dedupe ladder, pure.

Theory of operation. Three questions, cheapest and surest first:

1. *guid*: the same identifier in the same feed is the same entry. A changed title is a revision of
   it, never news.
2. *canonical URL*: the same article reached by another address (tracking parameters, a Google Alert
   around it, the phone or AMP edition) is the same entry, from whichever feed.
3. *simhash*: nearly the same text somewhere else is a syndicated copy. It counts as reach, not as a
   second voice.

Whether different texts tell of one event is another question: see the clusterer.

References:
    Charikar (2002), "Similarity estimation techniques from rounding algorithms", STOC, 380-388.
    Manku, Jain & Das Sarma (2007), "Detecting near-duplicates for web crawling", WWW, 141-150
    (64 bits, distance at most 3, tables over bit blocks).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final, Literal, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from responders.model.feed import ParsedEntry

__all__ = [
    "COPY_DISTANCE",
    "Known",
    "Rung",
    "Verdict",
    "canonical_url",
    "direct_url",
    "distance",
    "recognise",
    "simhash64",
    "simhash_bands",
]

COPY_DISTANCE: Final = 3
"""Most differing bits between two simhashes of copies."""

# Below this many distinct word pairs a handful of shared words decides, and unlike texts collide:
# such texts get no simhash.
_LEAST_FEATURES: Final = 8

_TRACKING: Final = re.compile(
    r"(utm_.*|[a-z]*clk?id|gbraid|wbraid|mc_[ce]id|igsh(id)?|_ga|_gl|_hs(enc|mi)|mkt_tok|vero_id|"
    r"oly_(anon|enc)_id|wickedid|yclid|ref_src|ref_url|cmp(id)?|ncid|ocid|soc_(src|trk)|"
    r"at_(medium|campaign|link_.*|format|bbc_team|ptr_name|custom\d?)|ns_(campaign|mchannel|source|"
    r"linkname|fee)|wt\.mc_id|smid|smtyp|partner|feed(name|type)|rss_?id|taid|guccounter|guce_.*|"
    r"sr_share|fb_(action_.*|ref|source)|__twitter_impression|xtor|sh(are)?_?token)",
    re.IGNORECASE,
)
_AMP_PARAMETERS: Final = frozenset({"amp", "outputtype", "_amp", "amp_js_v", "amp_gsa"})
_EDITIONS: Final = re.compile(r"(www\d?|m|mobile|amp)\.(?=[^.]+\.)")
_PATH_SAFE: Final = "/:@!$&'()*+,;=~-._"
_MOST_PASSES: Final = 16
# An odd number near 2**64 divided by the golden ratio, so that (a, b) and (b, a) differ.
_MIX: Final = 0x9E3779B97F4A7C15
_SECOND: Final = bytes(8) + b"\xff" * 8


def canonical_url(url: str) -> str:
    """A key that is equal for addresses of the same article.

    It is for comparing, not for following: scheme, edition prefixes (``www.``, ``m.``, ``amp.``),
    fragment, tracking parameters, parameter order and a final slash do not count; Google Alerts,
    Facebook and AMP-cache wrappers are opened.

    Args:
        url: Address of an article, as a feed gave it.

    Returns:
        The key, an ``https`` URL; the text itself, trimmed, when it is not a web address. Applying
        it twice changes nothing.

    Examples:
        >>> canonical_url("http://m.example.org/a/?utm_source=rss&id=7#top")
        'https://example.org/a?id=7'
        >>> canonical_url("https://www.google.com/url?rct=j&url=https://example.org/b&ct=ga")
        'https://example.org/b'
    """
    text = url.strip()
    # Opening a wrapper or dropping a prefix can uncover another one, so go on until it is quiet.
    # No honest address has more layers than this.
    for _ in range(_MOST_PASSES):
        once = _one_pass(text)
        if once == text:
            break
        text = once
    return text


def direct_url(url: str) -> str:
    """The address inside a Google Alert, a Facebook link or an AMP cache; else the same.

    Args:
        url: Address of an article, as a feed gave it.

    Returns:
        The address that a reader would end up at, with its own parameters.

    Examples:
        >>> direct_url("https://www.google.com/url?url=https://example.org/a?id%3D1&ct=ga")
        'https://example.org/a?id=1'
    """
    for _ in range(_MOST_PASSES):
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            return url
        inside = _unwrap(host, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)))
        if inside is None:
            return url
        url = inside
    return url


def simhash64(text: str) -> int | None:
    """Similarity digest of a text: few bits differ between nearly equal texts.

    The features are pairs of neighbouring words (letters and digits, case folded), each counted
    once; a pair's hash is made from the BLAKE2b hashes of its words, and a bit is set where most
    pairs set it.

    Args:
        text: Plain text; title and summary together.

    Returns:
        A signed 64-bit integer, which SQLite can store; None when the text has fewer than 8
        distinct word pairs.

    References:
        Charikar (2002), section 3.
    """
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    pairs = set(pairwise(map(_word_hash, words)))
    count = len(pairs)
    if count < _LEAST_FEATURES:
        return None
    # Words recur, pairs do not: hashing words (from a cache) and mixing two hashes with an odd
    # multiplier is several times faster than hashing each pair, and as even.
    # All pairs at once: each has 128 bits of one large integer to itself, as a product of two
    # 64-bit numbers needs them, so that no pair touches its neighbour.
    both = int.from_bytes(b"".join(chain.from_iterable(pairs)))
    second = int.from_bytes(_SECOND * count)
    mixed = (both >> 64 & second) * _MIX + (both & second)
    halves = memoryview(mixed.to_bytes(16 * count, "little")).cast("Q")
    bits = _majority(int.from_bytes(halves[::2].tobytes(), "little"), count)
    return bits - (1 << 64) if bits >> 63 else bits


def _majority(words: int, count: int) -> int:
    """The bits that are set in more than half of ``count`` 64-bit words, which stand in a row.

    Counted without a loop over words or bits: three rows of words are added to a row of sums and
    a row of carries by one full adder on large integers, until one word of each weight is left;
    those 64 binary counters are compared with the half all at once.
    """
    more, undecided, half = 0, (1 << 64) - 1, count // 2
    counters: list[int] = []
    while count:
        carries = carried = 0
        while count > 1:
            size = max(1, count // 3)
            width, mask = 64 * size, (1 << 64 * size) - 1
            a, b, rest = words & mask, words >> width & mask, words >> 2 * width
            c, rest = rest & mask, rest >> width
            carries |= (a & b | c & (a ^ b)) << 64 * carried
            words = a ^ b ^ c | rest << width
            carried += size
            count = size + max(0, count - 3 * size)
        counters.append(words)
        words, count = carries, carried
    for place, counter in reversed(list(enumerate(counters))):
        if half >> place & 1:
            undecided &= counter
        else:
            more |= undecided & counter
            undecided &= ~counter
    return more


def distance(a: int, b: int) -> int:
    """Number of differing bits of two simhashes, 0 to 64.

    Examples:
        >>> distance(0, -1)
        64
    """
    return ((a ^ b) & 0xFFFFFFFFFFFFFFFF).bit_count()


def simhash_bands(simhash: int) -> tuple[int, int, int, int]:
    """Four keys of which at least one is shared by any two simhashes at most 3 bits apart.

    The 64 bits are cut in four blocks of 16; three differing bits cannot touch all four. A store
    that indexes the keys finds all copies by four exact look-ups.

    Args:
        simhash: As from :func:`simhash64`.

    Returns:
        Block number x 65,536 + block, so that the four never meet: each 0 to 262,143.

    References:
        Manku, Jain & Das Sarma (2007), section 3.
    """
    unsigned = simhash & 0xFFFFFFFFFFFFFFFF
    a, b, c, d = ((n << 16) | (unsigned >> (16 * n)) & 0xFFFF for n in range(4))
    return (a, b, c, d)


Rung = Literal["guid", "url", "text", "none"]
"""Which step of the ladder recognised an entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an entry is to the newsroom.

    Attributes:
        kind: ``new`` not known; ``same`` known and unchanged; ``revision`` known, with another
            title or summary; ``copy`` a syndicated copy of another entry.
        rung: What recognised it.
        of: Id of the known entry; None for ``new``.
    """

    kind: Literal["new", "same", "revision", "copy"]
    rung: Rung
    of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is remembered of an entry for recognising it.

    Attributes:
        id: Our id of it.
        title: Plain text.
        summary_text: Plain text.
        simhash: As from :func:`simhash64`.
    """

    id: str
    title: str
    summary_text: str
    simhash: int | None = None


class Memory(Protocol):
    """What the ladder asks the store."""

    def by_guid(self, feed_id: str, guid: str) -> Known | None:
        """The entry of that feed with that guid."""

    def by_url(self, canonical: str) -> Known | None:
        """The first entry with that canonical URL, from any feed."""

    def near(self, bands: Sequence[int]) -> Iterable[Known]:
        """Entries that share one of these bands (see :func:`simhash_bands`), oldest first."""


def recognise(entry: ParsedEntry, *, feed_id: str, memory: Memory) -> Verdict:
    """Climb the ladder for one entry.

    Args:
        entry: What the document said.
        feed_id: The feed that carried it.
        memory: What is known.

    Returns:
        What it is. An entry that another feed carried under the same address is ``same`` whatever
        its title there: outlets title their own article differently in different feeds, and only
        the feed that brought it first can revise it.
    """
    known = memory.by_guid(feed_id, entry.guid)
    if known is not None:
        changed = (known.title, known.summary_text) != (entry.title, entry.summary_text)
        return Verdict(kind="revision" if changed else "same", rung="guid", of=known.id)
    if entry.canonical_url is not None:
        known = memory.by_url(entry.canonical_url)
        if known is not None:
            return Verdict(kind="same", rung="url", of=known.id)
    if entry.simhash is not None:
        near = [
            (distance(entry.simhash, other.simhash), position, other)
            for position, other in enumerate(memory.near(simhash_bands(entry.simhash)))
            if other.simhash is not None
        ]
        if near:
            bits, _, other = min(near)
            if bits <= COPY_DISTANCE:
                return Verdict(kind="copy", rung="text", of=other.id)
    return Verdict(kind="new", rung="none")


def _one_pass(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return url
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return url
    query = parse_qsl(parts.query, keep_blank_values=True)
    wrapped = _unwrap(host, parts.path, dict(query))
    if wrapped is not None:
        return wrapped
    host, path = _plain_edition(host, parts.path)
    kept = sorted(
        (name, value)
        for name, value in query
        if not _TRACKING.fullmatch(name)
        and name.lower() not in _AMP_PARAMETERS
        # Some outlets mark where a link stood; the article is the same.
        and (name.lower(), value.lower()) not in _MARKS
    )
    netloc = f"[{host}]" if ":" in host else host
    if port not in {None, 80, 443}:
        netloc = f"{netloc}:{port}"
    # Pages that live behind "#!" or "#/" are different pages; any other fragment is a place on one.
    fragment = parts.fragment if parts.fragment.startswith(("!", "/")) else ""
    return urlunsplit(("https", netloc, path, urlencode(kept), fragment))


_MARKS: Final = frozenset({("source", "rss"), ("ref", "rss"), ("from", "rss"), ("rss", "1")})


def _plain_edition(host: str, path: str) -> tuple[str, str]:
    host = _EDITIONS.sub("", host, count=1) if _EDITIONS.match(host) else host
    # Escapes may be written in either case and need not be there at all: bring both to one form.
    path = quote(unquote(path, errors="surrogateescape"), safe=_PATH_SAFE, errors="surrogateescape")
    path = re.sub(r"(/amp(\.html)?|\.amp)/?$", "", path)
    path = re.sub(r"\.amp\.html$", ".html", path)
    path = re.sub(r"^/amp(?=/.)", "", path)
    return host, path.rstrip("/")


def _unwrap(host: str, path: str, query: dict[str, str]) -> str | None:
    inside = None
    if re.fullmatch(r"(www\.)?google(\.[a-z]{2,3}){1,2}", host):
        if path == "/url":
            inside = query.get("url") or query.get("q")
        elif match := re.match(r"/amp/(s/)?(.+)", path):
            inside = f"http{'s' if match[1] else ''}://{match[2]}" + _rest(query)
    elif host.endswith("cdn.ampproject.org"):
        if match := re.match(r"/[a-z]+/(s/)?(.+)", path):
            inside = f"http{'s' if match[1] else ''}://{match[2]}" + _rest(query)
    elif re.fullmatch(r"lm?\.facebook\.com", host) and path == "/l.php":
        inside = query.get("u")
    elif host in {"www.bing.com", "bing.com"} and path.lower() == "/news/apiclick.aspx":
        inside = query.get("url")
    elif host in {"out.reddit.com", "t.umblr.com"}:
        inside = query.get("url") or query.get("z")
    if inside and re.match(r"https?://", inside, re.IGNORECASE):
        return inside.strip()
    return None


def _rest(query: dict[str, str]) -> str:
    return f"?{urlencode(query)}" if query else ""


@lru_cache(maxsize=1 << 15)
def _word_hash(word: str) -> bytes:
    return hashlib.blake2b(word.encode(), digest_size=8).digest()
