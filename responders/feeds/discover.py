"""From a site's address to the feeds that it offers: pure, the page is fetched elsewhere.

References:
    RSS Advisory Board (2006), RSS Autodiscovery, https://www.rssboard.org/rss-autodiscovery
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from responders.feeds.entries import web_address
from responders.feeds.text import one_line

__all__ = ["FeedLink", "feed_links", "likely_addresses"]

_TYPES: Final = {
    "application/rss+xml": "RSS",
    "application/atom+xml": "Atom",
    "application/rdf+xml": "RDF",
    "application/feed+json": "JSON Feed",
    "application/json": "JSON Feed",
}
_MOST_BYTES: Final = 1_000_000
_MOST_LINKS: Final = 50
# Where the common publishing systems put a feed that their pages do not name: WordPress, Ghost,
# Hugo, Jekyll, Drupal, Squarespace.
_LIKELY: Final = (
    "/feed/",
    "/rss/",
    "/rss.xml",
    "/feed.xml",
    "/atom.xml",
    "/index.xml",
    "/feed.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """A feed that a page names.

    Attributes:
        url: Absolute address.
        title: Name that the page gives it; empty without one.
        kind: ``RSS``, ``Atom``, ``RDF`` or ``JSON Feed``.
    """

    url: str
    title: str
    kind: str


def feed_links(page: bytes, *, url: str) -> tuple[FeedLink, ...]:
    """The feeds that a web page names in its head.

    Args:
        page: The page, in any encoding that it declares; the first megabyte is looked at.
        url: Its address; relative links start here unless the page has a ``<base>``.

    Returns:
        Links in the page's order, each address once; feeds of comments come last.
    """
    from lxml import etree, html

    try:
        root = html.document_fromstring(page[:_MOST_BYTES], ensure_head_body=True)
    except (etree.ParserError, ValueError):
        return ()
    bases = root.xpath("//base/@href")
    base = (web_address(bases[0], base=url) if bases else None) or url
    found: dict[str, FeedLink] = {}
    for element in root.iter("link", "a"):
        kind = _TYPES.get(str(element.get("type", "")).partition(";")[0].strip().lower())
        relations = str(element.get("rel", "")).lower().split()
        if kind is None or "alternate" not in relations:
            continue
        href = web_address(str(element.get("href", "")), base=base)
        # WordPress declares its programming interface as an alternate in JSON; that is no feed.
        if href is None or href in found or "/wp-json/" in href:
            continue
        title = one_line(str(element.get("title", "")), most=200)
        found[href] = FeedLink(url=href, title=title, kind=kind)
        if len(found) == _MOST_LINKS:
            break
    return tuple(sorted(found.values(), key=_is_about_comments))


def likely_addresses(url: str) -> tuple[str, ...]:
    """Addresses worth trying when a page names no feed.

    Args:
        url: Address of a page.

    Returns:
        Absolute addresses on the same host, the likeliest first.

    Examples:
        >>> likely_addresses("https://example.org/about")[0]
        'https://example.org/feed/'
    """
    parts = urlsplit(url)
    return tuple(f"{parts.scheme}://{parts.netloc}{path}" for path in _LIKELY)


def _is_about_comments(link: FeedLink) -> bool:
    return "comment" in f"{link.url} {link.title}".lower()
