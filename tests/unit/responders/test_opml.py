"""Lists of feeds in and out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from responders.feeds.opml import ListedFeed, read_opml, write_opml
from testkit.errors import InputError

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LIST = b"""<?xml version="1.0"?><opml version="1.1"><head><title>Desk</title></head><body>
<outline text="Labour"><outline text="Local">
<outline type="rss" text="County" xmlUrl="https://example.org/feed" htmlUrl="https://example.org/"/>
</outline><outline title="Wire" XMLURL="feed://example.com/rss"/></outline>
<outline text="No folder" xmlUrl="example.net/atom.xml"/>
<outline text="Twice" xmlUrl="https://example.org/feed"/>
<outline text="Bad" xmlUrl="javascript:alert(1)"/>
<outline text="Lost" type="rss"/>
</body></opml>"""


def test_folders_names_and_sloppy_addresses_are_read() -> None:
    read = read_opml(LIST)
    assert read.title == "Desk"
    assert read.feeds == (
        ListedFeed(
            url="https://example.org/feed",
            title="County",
            site_url="https://example.org/",
            folder=("Labour", "Local"),
        ),
        ListedFeed(url="http://example.com/rss", title="Wire", folder=("Labour",)),
        ListedFeed(url="https://example.net/atom.xml", title="No folder"),
    )


def test_what_was_left_out_is_told() -> None:
    notes = " / ".join(read_opml(LIST).notes)
    assert "'javascript:alert(1)' is not a web address" in notes
    assert "'Lost' has no address" in notes
    assert "1 feed(s) listed more than once" in notes


def test_a_written_list_reads_back_as_it_was() -> None:
    feeds = (
        ListedFeed(url="https://example.org/a?x=1&y=2", title='"Quotes" & <tags>'),
        ListedFeed(url="https://example.org/b", folder=("A & B", "C")),
        ListedFeed(url="https://example.org/c", title="c", folder=("A & B",)),
    )
    read = read_opml(write_opml(feeds, title="Ours & theirs", now=NOW))
    assert read.title == "Ours & theirs"
    assert set(read.feeds) == set(feeds)
    assert read.notes == ()


def test_an_ill_formed_list_is_mended_and_told() -> None:
    read = read_opml(LIST.replace(b'"Wire"', b'"Wire & Co"').replace(b"</body>", b""))
    assert len(read.feeds) == 3
    assert "not well-formed" in read.notes[0]


@pytest.mark.parametrize(
    "data", [b"", b" \n", b"<rss/>", b"{}", b"hello", b"<html><body/></html>", b"\x00\x01"]
)
def test_what_is_no_list_is_refused_with_a_way_out(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read_opml(data)
    assert caught.value.hint


def test_a_list_of_nothing_says_so() -> None:
    read = read_opml(b"<opml><body/></opml>")
    assert (read.feeds, read.notes) == ((), ("the list names no feeds",))


def test_entities_do_not_explode_and_files_stay_closed(tmp_path: object) -> None:
    laughs = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 20}">' for i in range(1, 12))
    bomb = (
        f'<!DOCTYPE opml [<!ENTITY a0 "lol">{laughs}<!ENTITY f SYSTEM "file:///etc/hostname">]>'
        '<opml><body><outline text="&a11;&f;" xmlUrl="https://example.org/"/></body></opml>'
    ).encode()
    try:
        read = read_opml(bomb)
    except InputError:
        return
    assert all(len(feed.title) <= 200 for feed in read.feeds)


def test_bottomless_nesting_is_no_trouble() -> None:
    deep = b"<outline text='x'>" * 200 + b"<outline xmlUrl='https://example.org/'/>"
    read = read_opml(b"<opml><body>" + deep + b"</outline>" * 200 + b"</body></opml>")
    assert len(read.feeds[0].folder) == 20


def test_a_bare_ampersand_of_an_address_stays_in_it() -> None:
    address = "https://example.org/feed?a=1&b=2"
    outline = f'<outline type="rss" text="Bare" xmlUrl="{address}"/>'.encode()
    read = read_opml(b'<opml version="2.0"><body>' + outline + b"</body></opml>")
    assert [feed.url for feed in read.feeds] == [address]
    assert "not well-formed" in read.notes[0]
