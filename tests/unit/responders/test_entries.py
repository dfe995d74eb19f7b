"""What an item is, whatever its format."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from responders.feeds.entries import (
    MOST_SUMMARY,
    MOST_TITLE,
    Markup,
    RawItem,
    entry_of,
    web_address,
    without_repeats,
)

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ITEM = RawItem(
    guid="tag:example.org,2026:1",
    url="/news/1?utm_source=rss",
    base="https://example.org/feed",
    title=Markup(value="Nurses <b>strike</b> &amp; win"),
    summary=Markup(value="<p>A summary.</p>"),
    content=Markup(value="<p>The <a href='/x'>content</a>.</p>", base="https://example.org/feed"),
    published=NOW - timedelta(hours=1),
    updated=None,
    unread_dates=(),
    author="Ann\nLee",
    language="en_US",
    raw_sha256="ab",
)


def test_an_item_becomes_an_entry() -> None:
    entry = entry_of(ITEM, now=NOW)
    assert entry.guid == "tag:example.org,2026:1"
    assert entry.url == "https://example.org/news/1?utm_source=rss"
    assert entry.canonical_url == "https://example.org/news/1"
    assert entry.title == "Nurses strike & win"
    assert entry.summary_text == "A summary."
    assert 'href="https://example.org/x"' in entry.content_html
    assert entry.published == NOW - timedelta(hours=1)
    assert (entry.author, entry.language) == ("Ann Lee", "en-US")
    assert entry.notes == ()


def test_a_date_in_the_future_is_no_date_and_is_told() -> None:
    entry = entry_of(replace(ITEM, published=NOW + timedelta(days=1)), now=NOW)
    assert entry.published is None
    assert entry.notes == ("the date of publication 2026-11-03 09:00 UTC lies in the future",)


def test_a_clock_that_is_minutes_ahead_is_no_news() -> None:
    entry = entry_of(replace(ITEM, published=NOW + timedelta(minutes=5)), now=NOW)
    assert (entry.published, entry.notes) == (None, ())


def test_a_date_before_feeds_existed_is_no_date() -> None:
    entry = entry_of(replace(ITEM, published=datetime(1970, 1, 1, tzinfo=UTC)), now=NOW)
    assert entry.published is None
    assert "1970-01-01" in entry.notes[0]


def test_a_date_that_cannot_be_read_is_told() -> None:
    entry = entry_of(replace(ITEM, published=None, unread_dates=("next Tuesday",)), now=NOW)
    assert entry.notes == ("the date 'next Tuesday' cannot be read",)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "mailto:a@example.org", "data:,x"])
def test_a_link_that_is_no_web_address_is_left_out_and_told(url: str) -> None:
    entry = entry_of(replace(ITEM, url=url), now=NOW)
    assert (entry.url, entry.canonical_url) == (None, None)
    assert "is not a web address" in entry.notes[0]


def test_without_a_guid_the_address_is_one_whatever_its_tracking() -> None:
    one = entry_of(replace(ITEM, guid=""), now=NOW)
    other = entry_of(replace(ITEM, guid=" ", url="http://www.example.org/news/1/"), now=NOW)
    assert one.guid == other.guid == "https://example.org/news/1"


def test_without_guid_and_address_the_text_is_one() -> None:
    bare = replace(ITEM, guid="", url="")
    one, same = entry_of(bare, now=NOW), entry_of(bare, now=NOW + timedelta(days=1))
    other = entry_of(replace(bare, title=Markup(value="Else")), now=NOW)
    assert one.guid == same.guid != other.guid


def test_an_identifier_that_several_articles_share_is_completed_by_the_address() -> None:
    one = entry_of(replace(ITEM, guid="1", guid_shared=True), now=NOW)
    other = entry_of(replace(ITEM, guid="1", guid_shared=True, url="/news/2"), now=NOW)
    assert {one.guid, other.guid} == {
        "1#https://example.org/news/1",
        "1#https://example.org/news/2",
    }


def test_an_item_listed_twice_is_kept_once_and_told() -> None:
    first, again = entry_of(ITEM, now=NOW), entry_of(replace(ITEM, author="B"), now=NOW)
    assert without_repeats([first, again]) == ((first,), ("1 item(s) listed twice",))


def test_without_summary_the_content_speaks_and_without_content_the_summary() -> None:
    no_summary = entry_of(replace(ITEM, summary=Markup()), now=NOW)
    assert no_summary.summary_text == "The content."
    no_content = entry_of(replace(ITEM, content=Markup()), now=NOW)
    assert no_content.content_html == "<p>A summary.</p>"


def test_a_message_without_title_is_called_by_its_beginning() -> None:
    item = replace(ITEM, title=Markup(), summary=Markup(value="<p>" + "Solidarity now. " * 50))
    entry = entry_of(item, now=NOW)
    assert entry.title.startswith("Solidarity now. Solidarity")
    assert len(entry.title) <= 100


def test_the_article_is_taken_out_of_its_wrapping() -> None:
    wrapped = "https://www.google.com/url?rct=j&url=https://example.org/a%3Fid%3D1%26utm_id%3Dx"
    entry = entry_of(replace(ITEM, url=wrapped), now=NOW)
    assert entry.url == "https://example.org/a?id=1&utm_id=x"
    assert entry.canonical_url == "https://example.org/a?id=1"


def test_plain_text_stays_plain() -> None:
    item = replace(
        ITEM,
        title=Markup(value="1 < 2 &amp; 3", is_html=False),
        content=Markup(value="<script>", is_html=False),
    )
    entry = entry_of(item, now=NOW)
    assert entry.title == "1 < 2 &amp; 3"
    assert entry.content_html == "<p>&lt;script&gt;</p>"


def test_texts_are_capped() -> None:
    item = replace(
        ITEM, title=Markup(value="word " * 10_000), summary=Markup(value="<p>word " * 10_000)
    )
    entry = entry_of(item, now=NOW)
    assert len(entry.title) <= MOST_TITLE
    assert len(entry.summary_text) <= MOST_SUMMARY


@pytest.mark.parametrize(
    ("text", "base", "url"),
    [
        ("https://example.org/a b", "", "https://example.org/a%20b"),
        (" \nhttps://example.org/a\n", "", "https://example.org/a"),
        ("//example.org/a", "http://x.test/", "http://example.org/a"),
        ("?p=1", "https://example.org/feed", "https://example.org/feed?p=1"),
        ("a", "", None),
        ("", "https://example.org/", None),
        ("http://[broken", "https://example.org/", None),
        ("https://example.org/" + "a" * 5000, "", None),
    ],
)
def test_addresses_become_absolute_or_nothing(text: str, base: str, url: str | None) -> None:
    assert web_address(text, base=base) == url
