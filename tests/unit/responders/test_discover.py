"""From a page to its feeds."""

from __future__ import annotations

from responders.feeds.discover import feed_links, likely_addresses

PAGE = b"""<!doctype html><html><head>
<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed/">
<link rel="Alternate" type="application/rss+xml; charset=utf-8" title="News &amp; more" href="feed">
<link rel="alternate feed" type="application/atom+xml" href="https://cdn.example/atom">
<link rel="alternate" type="application/feed+json" href="/feed.json">
<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/1">
<link rel="alternate" type="application/rss+xml" href="feed">
<link rel="alternate" hreflang="es" href="/es/">
<link rel="stylesheet" type="text/css" href="/x.css">
<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">
</head><body>unclosed <p>"""


def test_feeds_are_found_in_order_once_with_comments_last() -> None:
    links = feed_links(PAGE, url="https://example.org/news/")
    assert [(link.kind, link.url) for link in links] == [
        ("RSS", "https://example.org/news/feed"),
        ("Atom", "https://cdn.example/atom"),
        ("JSON Feed", "https://example.org/feed.json"),
        ("RSS", "https://example.org/comments/feed/"),
    ]
    assert links[0].title == "News & more"


def test_a_base_element_moves_relative_links() -> None:
    page = b"<base href='/a/b/'><link rel=alternate type=application/rss+xml href=feed>"
    assert feed_links(page, url="https://example.org/x")[0].url == "https://example.org/a/b/feed"


def test_pages_without_feeds_and_things_that_are_no_pages_name_none() -> None:
    for page in (b"", b"<html></html>", b"\x00\xff\xfe", b"{}", b"<" * 1000):
        assert feed_links(page, url="https://example.org/") == ()


def test_likely_addresses_are_on_the_same_host() -> None:
    tried = likely_addresses("https://example.org:8443/about?x=1")
    assert tried
    assert all(url.startswith("https://example.org:8443/") for url in tried)
