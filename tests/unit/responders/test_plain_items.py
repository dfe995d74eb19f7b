"""Plain items read without feedparser come out as feedparser reads them."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.feeds import incremental
from responders.feeds.read import read_feed

NOW = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)
RSS = (
    '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:atom="http://www.w3.org/2005/Atom">'
    "<channel><title>C</title><language>en-us</language>{}</channel></rss>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:gd="http://schemas.google.com/g/2005"'
    ' xml:lang="es_MX"><title>C</title>{}</feed>'
)
TEXTS = st.sampled_from(
    [
        "", " Nurses vote ", "A &amp;amp; B", "&lt;b&gt;Bold&lt;/b&gt; claim", "Caf\u00c3\u00a9",
        "it\u0092s", "3 &lt; 4", "&amp;eacute;", "<![CDATA[<p>One</p><p>Two</p>]]>", "\u4f60",
        "caf\u00e9", "a\u2019b",
    ]
)  # fmt: skip
DATES = st.sampled_from(
    ["Mon, 02 Nov 2026 09:00:00 GMT", "2026-11-01T08:00:00Z", "yesterday", "", "Sun, 1 Nov 2026"]
)
LINKS = st.sampled_from(
    [
        "https://a.example/1",
        "/b?x=1&amp;y=2",
        "c",
        "",
        "javascript:alert(1)",
        " https://a.example/2 ",
    ]
)


def tag(name, values, attributes=""):
    return values.map(lambda text: f"<{name}{attributes}>{text}</{name}>")


RSS_PARTS = [
    tag("title", TEXTS), tag("description", TEXTS), tag("content:encoded", TEXTS),
    tag("link", LINKS),
    tag("guid", LINKS), tag("guid", LINKS, ' isPermaLink="false"'), tag("pubDate", DATES),
    tag("author", TEXTS), tag("dc:creator", TEXTS), tag("category", TEXTS), tag("dc:date", DATES),
    st.just('<enclosure url="https://a.example/x.mp3" type="audio/mpeg" length="1"/>'),
    st.just("<media:content url='https://a.example/i.jpg'><media:title>M</media:title></media:content>"),
    st.just("<media:content><media:credit>K</media:credit><media:text>T</media:text></media:content>"),
    st.just("<media:content url='i.jpg'><media:description>D</media:description></media:content>"),
    tag("updated", DATES),
    LINKS.map(lambda a: f'<atom:link rel="standout" href="{a}"/>'),
    LINKS.map(lambda a: f'<atom:link href="{a}"/>'),
    LINKS.map(lambda a: f'<atom:link rel="Via" href="{a}"/>'),
]  # fmt: skip
ATOM_PARTS = [
    tag("title", TEXTS), tag("title", TEXTS, ' type="html"'), tag("summary", TEXTS),
    tag("content", TEXTS, ' type="html"'), tag("content", TEXTS), tag("id", LINKS),
    tag("updated", DATES), tag("published", DATES),
    LINKS.map(lambda a: f'<link href="{a}"/>'),
    LINKS.map(lambda a: f'<link rel="via" type="text/html" href="{a}"/>'),
    TEXTS.map(lambda a: f"<author><name>{a}</name></author>"),
    TEXTS.map(lambda a: f"<author><name>{a}</name><email>k@a.example</email></author>"),
    TEXTS.map(lambda a: f"<author><name>{a}</name><gd:image src='i.jpg' rel='x'/></author>"),
    st.just("<author><name>A</name><gd:image src='i.jpg'>B</gd:image></author>"),
    LINKS.map(lambda a: f"<content type='html' xml:base='{a}'>&lt;a href='x'>X&lt;/a></content>"),
    tag("title", TEXTS, ' xml:lang="en_GB"'), tag("title", TEXTS, ' xml:lang=""'),
    tag("summary", TEXTS, ' type="html" xml:lang="fr" xml:base="/deep/er/"'),
    LINKS.map(lambda a: f'<link rel="Alternate" href="{a}"/>'),
]  # fmt: skip


def both(document, monkeypatch):
    def read():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return read_feed(document, content_type="", url="https://a.example/feed", now=NOW)

    plain = read()
    with monkeypatch.context() as patch:
        patch.setattr(incremental, "is_plain", lambda _: False)
        return plain, read()


@pytest.mark.parametrize(
    ("frame", "item", "parts"), [(RSS, "item", RSS_PARTS), (ATOM, "entry", ATOM_PARTS)]
)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_mixture_of_elements_is_read_as_feedparser_reads_it(frame, item, parts, data):
    items = data.draw(st.lists(st.lists(st.one_of(parts), max_size=7), min_size=1, max_size=3))
    said = data.draw(st.sampled_from(["", ' xml:lang="ca_ES"', ' xml:lang=""', ' xml:base="/b/"']))
    text = frame.format("".join(f"<{item}{said}>{''.join(inside)}</{item}>" for inside in items))
    with pytest.MonkeyPatch.context() as monkeypatch:
        plain, whole = both(text.encode(), monkeypatch)
    assert plain == whole


def test_an_ordinary_item_is_not_handed_to_feedparser(monkeypatch):
    asked = []
    walked = incremental._walked
    monkeypatch.setattr(
        incremental,
        "_walked",
        lambda root, headers: asked.append(len(root.findall(".//item"))) or walked(root, headers),
    )
    text = RSS.format("<item><title>A</title><link>https://a.example/1</link></item>")
    assert len(read_feed(text.encode(), content_type="", url="", now=NOW).entries) == 1
    assert asked == [0]
