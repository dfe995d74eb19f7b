"""The dedupe ladder."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from responders.feeds.identity import (
    COPY_DISTANCE,
    Known,
    Verdict,
    canonical_url,
    distance,
    recognise,
    simhash64,
    simhash_bands,
)
from responders.model.feed import ParsedEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STORY = (
    "Nurses at the county hospital voted on Tuesday to strike from Monday after talks about pay "
    "and staffing broke down for the third time this year, their union said in a statement that "
    "called on the board to return to the table before patients are moved to other hospitals. "
    "The board said that it had offered four percent over two years and regretted the vote."
)


@dataclass
class Shelf:
    """A memory in a dictionary."""

    guids: dict[tuple[str, str], Known] = field(default_factory=dict)
    urls: dict[str, Known] = field(default_factory=dict)
    known: list[Known] = field(default_factory=list)

    def by_guid(self, feed_id: str, guid: str) -> Known | None:
        return self.guids.get((feed_id, guid))

    def by_url(self, canonical: str) -> Known | None:
        return self.urls.get(canonical)

    def near(self, bands: Sequence[int]) -> Iterable[Known]:
        return [
            k
            for k in self.known
            if k.simhash is not None and set(simhash_bands(k.simhash)) & set(bands)
        ]


def _entry(**changes: object) -> ParsedEntry:
    entry = ParsedEntry(
        guid="g1",
        url="https://example.org/a",
        canonical_url="https://example.org/a",
        title="Nurses vote to strike",
        summary_text=STORY,
        content_html="",
        published=None,
        updated=None,
        author="",
        language="en",
        raw_sha256="0",
        simhash=simhash64(STORY),
    )
    return replace(entry, **changes)  # type: ignore[arg-type]


def _known(entry: ParsedEntry, name: str = "e1") -> Known:
    return Known(id=name, title=entry.title, summary_text=entry.summary_text, simhash=entry.simhash)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://www.example.org/a/", "https://example.org/a"),
        ("HTTPS://EXAMPLE.ORG:443/a", "https://example.org/a"),
        ("http://example.org:8080/a", "https://example.org:8080/a"),
        ("https://m.example.org/a", "https://example.org/a"),
        ("https://amp.example.org/a", "https://example.org/a"),
        ("https://m.co/a", "https://m.co/a"),
        ("https://www.org/a", "https://www.org/a"),
        ("https://example.org/a/amp/", "https://example.org/a"),
        ("https://example.org/amp/a", "https://example.org/a"),
        ("https://example.org/a.amp.html", "https://example.org/a.html"),
        ("https://example.org/a?amp=1", "https://example.org/a"),
        ("https://example.org/a?outputType=amp&id=3", "https://example.org/a?id=3"),
        ("https://example.org/amplify", "https://example.org/amplify"),
        ("https://example.org/a#comments", "https://example.org/a"),
        ("https://example.org/#!/a", "https://example.org#!/a"),
        ("https://example.org/a?b=2&a=1", "https://example.org/a?a=1&b=2"),
        ("https://example.org/a?utm_source=x&UTM_Medium=y&id=1", "https://example.org/a?id=1"),
        ("https://example.org/a?fbclid=1&gclid=2&msclkid=3&mc_cid=4", "https://example.org/a"),
        ("https://example.org/a?id=", "https://example.org/a?id="),
        ("https://example.org/%7Eann/%c3%a9", "https://example.org/~ann/%C3%A9"),
        ("https://example.org/~ann/é", "https://example.org/~ann/%C3%A9"),
        (
            "https://www.google.com/url?rct=j&sa=t&url=https://example.org/a%3Fid%3D1&ct=ga&usg=x",
            "https://example.org/a?id=1",
        ),
        ("https://www.google.co.uk/url?q=http://example.org/a", "https://example.org/a"),
        ("https://www.google.com/amp/s/www.example.org/a.amp", "https://example.org/a"),
        (
            "https://www-example-org.cdn.ampproject.org/c/s/www.example.org/a/amp",
            "https://example.org/a",
        ),
        (
            "https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org%2Fa&h=x",
            "https://example.org/a",
        ),
        (
            "http://www.bing.com/news/apiclick.aspx?ref=FexRss&url=https%3a%2f%2fexample.org%2fa",
            "https://example.org/a",
        ),
        (
            "https://www.google.com/url?url=https://l.facebook.com/l.php?u=https://m.example.org/a",
            "https://example.org/a",
        ),
        ("https://www.google.com/url?url=javascript:alert(1)", None),
        ("https://[2001:db8::1]:8443/a/", "https://[2001:db8::1]:8443/a"),
        ("tag:example.org,2026:a", "tag:example.org,2026:a"),
        ("http://[broken/", "http://[broken/"),
        ("", ""),
    ],
)
def test_addresses_of_one_article_have_one_key(url: str, key: str | None) -> None:
    if key is None:
        assert canonical_url(url).startswith("https://google.com/url")
    else:
        assert canonical_url(url) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a?id=1", "https://example.org/a?id=2"),
        ("https://example.org/a", "https://example.org/A"),
        ("https://example.org/a", "https://example.com/a"),
        ("https://news.example.org/a", "https://example.org/a"),
        ("https://example.org/?p=1", "https://example.org/?p=2"),
    ],
)
def test_different_articles_keep_different_keys(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


def test_a_copy_with_another_byline_is_within_the_copy_distance() -> None:
    a, b = simhash64(f"By Ann Lee. {STORY * 1}"), simhash64(f"{STORY}")
    assert a is not None
    assert b is not None
    assert distance(a, b) <= 8  # not always 3: that is what the next two tests are for
    same = simhash64(STORY.upper().replace(",", " -"))
    assert same == b


def test_unrelated_texts_are_far_apart() -> None:
    other = (
        "The city council adopted a plan for two thousand rental homes near the harbour, with a "
        "third of them reserved for families on low incomes, after a debate of nine hours."
    )
    a, b = simhash64(STORY), simhash64(other)
    assert a is not None
    assert b is not None
    assert distance(a, b) > 16


@pytest.mark.parametrize("text", ["", "Morning briefing", "one two three four five six seven"])
def test_short_texts_have_no_simhash(text: str) -> None:
    assert simhash64(text) is None


def test_simhash_is_charikars_whatever_the_number_of_word_pairs() -> None:
    # His definition, written out the slow way with 64 counters; ties and odd numbers among them.
    import hashlib

    words = [f"word{n * n}" for n in range(130)]
    one = {w: int.from_bytes(hashlib.blake2b(w.encode(), digest_size=8).digest()) for w in words}
    hashes = [(one[a] * 0x9E3779B97F4A7C15 + one[b]) % 2**64 for a, b in pairwise(words)]
    for pairs in range(8, 130):
        counts = [sum(h >> bit & 1 for h in hashes[:pairs]) for bit in range(64)]
        bits = sum((2 * ones > pairs) << bit for bit, ones in enumerate(counts))
        value = simhash64(" ".join(words[: pairs + 1]))
        assert value is not None
        assert -(2**63) <= value < 2**63
        assert value % 2**64 == bits


def test_the_same_guid_in_the_same_feed_is_the_same_entry() -> None:
    entry = _entry()
    shelf = Shelf(guids={("f1", "g1"): _known(entry)})
    assert recognise(entry, feed_id="f1", memory=shelf) == Verdict(
        kind="same", rung="guid", of="e1"
    )


def test_a_title_edit_is_a_revision_and_not_news() -> None:
    shelf = Shelf(guids={("f1", "g1"): _known(_entry())})
    edited = _entry(title="Nurses vote to strike, board responds")
    assert recognise(edited, feed_id="f1", memory=shelf).kind == "revision"


def test_the_same_guid_in_another_feed_means_nothing() -> None:
    shelf = Shelf(guids={("f1", "g1"): _known(_entry())})
    assert recognise(_entry(), feed_id="f2", memory=shelf).kind == "new"


def test_the_same_address_in_another_feed_is_the_same_entry() -> None:
    entry = _entry()
    shelf = Shelf(urls={"https://example.org/a": _known(entry)})
    found = recognise(_entry(guid="x", title="Other title"), feed_id="f2", memory=shelf)
    assert found == Verdict(kind="same", rung="url", of="e1")


def test_nearly_the_same_text_elsewhere_is_a_copy_of_the_nearest() -> None:
    entry = _entry()
    assert entry.simhash is not None
    shelf = Shelf(
        known=[
            replace(_known(entry, "three"), simhash=entry.simhash ^ 0b111),
            replace(_known(entry, "one"), simhash=entry.simhash ^ 0b1),
        ]
    )
    elsewhere = _entry(guid="x", canonical_url="https://example.com/z")
    assert recognise(elsewhere, feed_id="f2", memory=shelf) == Verdict(
        kind="copy", rung="text", of="one"
    )


def test_one_bit_too_many_is_another_voice() -> None:
    entry = _entry()
    assert entry.simhash is not None
    far = replace(_known(entry), simhash=entry.simhash ^ (2 ** (COPY_DISTANCE + 1) - 1))
    elsewhere = _entry(guid="x", canonical_url="https://example.com/z")
    assert recognise(elsewhere, feed_id="f2", memory=Shelf(known=[far])).kind == "new"


def test_an_entry_without_address_or_text_is_known_by_its_guid_only() -> None:
    bare = _entry(canonical_url=None, simhash=None)
    shelf = Shelf(urls={"": _known(bare)}, known=[_known(bare)])
    assert recognise(bare, feed_id="f1", memory=shelf).kind == "new"
