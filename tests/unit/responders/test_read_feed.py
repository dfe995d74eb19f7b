"""Documents of every format to entries, in this process."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from responders.feeds.read import read_feed

if TYPE_CHECKING:
    from responders.model.feed import ParsedFeed

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
URL = "https://example.org/news/feed"

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
     xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<title>County &amp; Coast</title><link>https://example.org/</link><language>en-us</language>
<ttl>30</ttl><skipHours><hour>2</hour><hour>24</hour></skipHours>
<skipDays><day>Sunday</day></skipDays><atom:link rel="hub" href="https://hub.example/"/>
<item><title>Nurses to strike</title><link>https://example.org/1?utm_source=rss</link>
<guid isPermaLink="false">n-1</guid><pubDate>Mon, 02 Nov 2026 08:30:00 +0100</pubDate>
<description>&lt;p&gt;They &lt;b&gt;voted&lt;/b&gt;.&lt;/p&gt;</description>
<content:encoded><![CDATA[<p>The <a href="/vote">vote</a>.</p><script>x()</script>]]>
</content:encoded>
<author>ann@example.org (Ann Lee)</author></item>
<item><title>Second</title><link>/2</link></item>
</channel></rss>"""

ATOM = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="es" xml:base="https://example.org/es/">
<title>Condado</title><link href="https://example.org/es/"/>
<entry><id>tag:example.org,2026:1</id><title type="html">Huelga &amp;amp; paro</title>
<link rel="alternate" href="1"/><published>2026-11-02T07:30:00Z</published>
<updated>2026-11-02T08:00:00Z</updated><author><name>Ana</name></author>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Votaron.</p></div></content>
</entry></feed>"""

RDF = """<?xml version="1.0" encoding="iso-8859-1"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://example.org/"><title>Caf\xe9</title>
<link>https://example.org/</link></channel>
<item rdf:about="https://example.org/1"><title>Gr\xe8ve</title>
<link>https://example.org/1</link><dc:date>2026-11-02T07:30:00+00:00</dc:date>
<dc:creator>Ann</dc:creator></item></rdf:RDF>"""

JSON = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "County",
    "home_page_url": "https://example.org/",
    "language": "en",
    "authors": [{"name": "Desk"}],
    "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
    "items": [
        {
            "id": 1,
            "url": "https://example.org/1",
            "title": "Nurses <strike>",
            "content_html": "<p>Hi <a href='x'>x</a></p>",
            "summary": "They voted.",
            "date_published": "2026-11-02T08:30:00+01:00",
        },
        {"id": "2", "external_url": "/2", "content_text": "2 < 3", "date_published": "soon"},
    ],
}


def _read(body: str | bytes, content_type: str = "", **options: object) -> ParsedFeed:
    data = body.encode() if isinstance(body, str) else body
    return read_feed(data, content_type=content_type, url=URL, now=NOW, **options)  # type: ignore[arg-type]


def _page(items: str, head: str = "<title>T</title>") -> str:
    return f'<rss version="2.0"><channel>{head}{items}</channel></rss>'


def test_rss_says_all_that_it_says() -> None:
    feed = _read(RSS)
    assert (feed.title, feed.link, feed.language) == (
        "County & Coast",
        "https://example.org/",
        "en-us",
    )
    assert (feed.ttl_minutes, feed.skip_hours, feed.skip_days) == (30, (0, 2), (6,))
    assert (feed.hub_url, feed.format, feed.problem) == ("https://hub.example/", "rss20", None)
    first, second = feed.entries
    assert (first.guid, first.url) == ("n-1", "https://example.org/1?utm_source=rss")
    assert first.canonical_url == "https://example.org/1"
    assert first.published == datetime(2026, 11, 2, 7, 30, tzinfo=UTC)
    assert first.summary_text == "They voted."
    assert 'href="https://example.org/vote"' in first.content_html
    assert "script" not in first.content_html
    assert second.url == "https://example.org/2"
    assert second.guid == "https://example.org/2"


def test_atom_says_all_that_it_says() -> None:
    feed = _read(ATOM)
    (entry,) = feed.entries
    assert (feed.format, feed.language, entry.language) == ("atom10", "es", "es")
    assert entry.title == "Huelga & paro"
    assert entry.url == "https://example.org/es/1"
    assert entry.published == datetime(2026, 11, 2, 7, 30, tzinfo=UTC)
    assert entry.updated == datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    assert entry.content_html == "<p>Votaron.</p>"
    assert entry.author == "Ana"


def test_rdf_dates_are_dates_of_publication() -> None:
    feed = _read(RDF.encode("latin-1"))
    (entry,) = feed.entries
    assert (feed.format, feed.title, entry.title) == ("rss10", "Café", "Grève")
    assert entry.guid == "https://example.org/1"
    assert entry.published == datetime(2026, 11, 2, 7, 30, tzinfo=UTC)


def test_json_feed_says_all_that_it_says() -> None:
    feed = _read(json.dumps(JSON), "application/feed+json")
    first, second = feed.entries
    assert (feed.format, feed.title, feed.language) == ("json11", "County", "en")
    assert feed.hub_url == "https://hub.example/"
    assert (first.guid, first.title, first.author) == ("1", "Nurses <strike>", "Desk")
    assert first.published == datetime(2026, 11, 2, 7, 30, tzinfo=UTC)
    assert 'href="https://example.org/news/x"' in first.content_html
    assert first.summary_text == "They voted."
    assert second.url == "https://example.org/2"
    assert second.content_html == "<p>2 &lt; 3</p>"
    assert second.notes == ("the date 'soon' cannot be read",)


@pytest.mark.parametrize("body", [RSS, ATOM, RDF.replace("\xe9", "e"), json.dumps(JSON)])
def test_known_items_are_skipped_and_the_others_come_out_the_same(body: str) -> None:
    whole = _read(body)
    for position, digest in enumerate(whole.present):
        others = frozenset(whole.present) - {digest}
        part = _read(body, seen=others)
        assert part.entries == (whole.entries[position],)
        assert part.present == whole.present
        assert part.entries_seen == len(whole.present) - 1
    nothing = _read(body, seen=frozenset(whole.present))
    assert nothing.entries == ()
    assert (nothing.title, nothing.link) == (whole.title, whole.link)


def test_a_change_of_base_or_language_makes_items_fresh() -> None:
    whole = _read(ATOM)
    moved = ATOM.replace("https://example.org/es/", "https://example.org/mx/", 1)
    assert len(_read(moved, seen=frozenset(whole.present)).entries) == 1
    relabelled = ATOM.replace('xml:lang="es"', 'xml:lang="ca"')
    (entry,) = _read(relabelled, seen=frozenset(whole.present)).entries
    assert entry.language == "ca"


@pytest.mark.parametrize(
    ("declared", "encoding", "content_type"),
    [
        ("utf-8", "utf-8", ""),
        ("utf-8", "utf-8-sig", ""),
        ("iso-8859-1", "latin-1", "application/xml"),
        ("windows-1252", "cp1252", "application/rss+xml"),
        ("utf-16", "utf-16", ""),
        ("shift_jis", "shift_jis", ""),
        ("", "utf-8", "text/xml"),
        ("", "latin-1", "text/xml; charset=iso-8859-1"),
        ("utf-8", "latin-1", ""),
        ("no-such-encoding", "utf-8", ""),
    ],
)
def test_a_title_survives_its_encoding(declared: str, encoding: str, content_type: str) -> None:
    title = "ストライキ" if encoding == "shift_jis" else "Grève générale"
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    body = declaration + _page(f"<item><title>{title}</title></item>")
    (entry,) = _read(body.encode(encoding), content_type).entries
    assert entry.title == title


def test_a_feed_that_changes_its_encoding_keeps_its_entries() -> None:
    item = "<item><guid isPermaLink='false'>1</guid><title>Grève</title></item>"
    one = _read(f'<?xml version="1.0" encoding="utf-8"?>{_page(item)}'.encode())
    latin = f'<?xml version="1.0" encoding="iso-8859-1"?>{_page(item)}'.encode("latin-1")
    other = _read(latin, seen=frozenset(one.present))
    assert (other.entries, other.present) == ((), one.present)


@pytest.mark.parametrize(
    "body",
    [
        "\n\n" + RSS,
        RSS.replace("Second", "Sec\x02ond"),
        RSS.replace("Second", "R&B & soul&nbsp;x"),
        RSS + "<script>alert(1)</script>",
        RSS.replace("</channel></rss>", ""),
        RSS.replace("<title>Second", "<title><b>Second"),
        RSS.replace("content:encoded", "undeclared:thing"),
    ],
    ids=["blank", "control", "ampersand", "trailing", "cut", "unclosed", "prefix"],
)
def test_ill_formed_feeds_are_read_all_the_same(body: str) -> None:
    feed = _read(body)
    assert feed.problem is None
    assert [entry.guid for entry in feed.entries] == ["n-1", "https://example.org/2"]
    again = _read(body, seen=frozenset(feed.present[:1]))
    assert again.entries == feed.entries[1:]


def test_ampersands_inside_cdata_are_left_alone() -> None:
    item = "<item><title>A & B</title><description><![CDATA[x &amp; y & z]]></description></item>"
    (entry,) = _read(_page(item)).entries
    assert (entry.title, entry.summary_text) == ("A & B", "x & y & z")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<html><body>Hello</body></html>", "web page"),
        (b"<!DOCTYPE html><title>x</title>", "web page"),
        (b"<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x' 'y'><html/>", "web page"),
        (b"Hello", "neither RSS"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither RSS"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "neither RSS"),
        (b"{", "looks like JSON"),
        (b"[]", "not a JSON Feed"),
        (b'{"items": 1}', "not a JSON Feed"),
        (b"[" * 100_000, "looks like JSON"),
    ],
)
def test_what_is_no_feed_is_told_in_words(body: bytes, words: str) -> None:
    feed = _read(body)
    assert words in (feed.problem or "")
    assert feed.entries == ()


def test_a_page_that_names_its_feed_is_told_with_it() -> None:
    page = b"<html><head><link rel=alternate type=application/rss+xml href=/feed/></head></html>"
    assert "https://example.org/feed/" in (_read(page).problem or "")


def test_an_empty_feed_is_a_feed() -> None:
    feed = _read(_page(""))
    assert (feed.problem, feed.entries, feed.title) == (None, (), "T")


def test_one_identifier_on_all_items_does_not_make_them_one() -> None:
    items = [
        f"<item><guid isPermaLink='false'>x</guid><link>https://example.org/{i}</link></item>"
        for i in range(3)
    ]
    whole = _read(_page("".join(items)))
    assert [e.guid for e in whole.entries] == [f"x#https://example.org/{i}" for i in range(3)]
    assert any("share an identifier" in note for note in whole.notes)
    one = _read(_page("".join(items)), seen=frozenset(whole.present[1:]))
    assert one.entries == whole.entries[:1]


def test_a_long_document_is_read_at_both_ends() -> None:
    items = "".join(f"<item><title>{i}</title></item>" for i in range(100))
    feed = _read(_page(items), most_items=8)
    assert [e.title for e in feed.entries] == ["0", "1", "2", "3", "4", "5", "98", "99"]
    assert any("100 items" in note for note in feed.notes)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("60", 60), ("0", None), ("-5", None), ("soon", None), ("99999999999", 7 * 24 * 60)],
)
def test_ttl_is_minutes_or_nothing(text: str, minutes: int | None) -> None:
    assert _read(_page("", f"<ttl>{text}</ttl>")).ttl_minutes == minutes


def test_quiet_around_the_clock_is_a_mistake() -> None:
    hours = "".join(f"<hour>{i}</hour>" for i in range(24))
    assert _read(_page("", f"<skipHours>{hours}</skipHours>")).skip_hours == ()


def test_feedburner_says_where_its_link_leads() -> None:
    body = (
        '<rss version="2.0" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0">'
        "<channel><item><link>http://feeds.example/~r/1</link>"
        "<feedburner:origLink>https://example.org/1</feedburner:origLink></item></channel></rss>"
    )
    assert _read(body).entries[0].url == "https://example.org/1"


def test_a_feed_document_opens_no_file_and_no_address(tmp_path: object) -> None:
    secret = f"{tmp_path}/secret"
    with open(secret, "w") as file:  # noqa: PTH123 - the path is text on purpose
        file.write("the secret")
    for body in (
        f"<!DOCTYPE rss [<!ENTITY x SYSTEM 'file://{secret}'>]>" + _page("<item>&x;</item>"),
        f"<!DOCTYPE rss SYSTEM 'file://{secret}'>" + _page("<item><title>t</title></item>"),
        _page(
            "<item xmlns:xi='http://www.w3.org/2001/XInclude'><title>"
            f"<xi:include href='{secret}' parse='text'/></title></item>"
        ),
        secret,
        f"file://{secret}",
    ):
        assert "the secret" not in repr(_read(body))
