"""Laws of the dedupe ladder."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from responders.feeds.identity import canonical_url, distance, simhash64, simhash_bands

SIMHASHES = st.integers(min_value=-(2**63), max_value=2**63 - 1)
WORDS = st.lists(st.text("abcdefgé", min_size=1, max_size=6), min_size=9, max_size=40)
NAMES = st.text("abcdefghijklmnop", min_size=2, max_size=8)
HOSTS = st.builds("{}.{}.org".format, NAMES.map("x{}".format), NAMES)
PATHS = st.lists(st.text("abcxyz0189-_~é %", min_size=1, max_size=8), max_size=4).map(
    lambda parts: "".join(f"/x{quote(part)}" for part in parts)
)
QUERIES = st.dictionaries(NAMES.map("q{}".format), st.text(max_size=6), max_size=3)
TRACKING = st.dictionaries(
    st.sampled_from(["utm_source", "utm_campaign", "fbclid", "gclid", "mc_eid", "at_medium"]),
    st.text(max_size=6),
    max_size=3,
)
URLS = st.builds(
    lambda host, path, query: f"https://{host}{path}{'?' + urlencode(query) if query else ''}",
    HOSTS,
    PATHS,
    QUERIES,
)


@given(st.one_of(URLS, st.text(), URLS.map(lambda u: f"https://www.google.com/url?url={quote(u)}")))
def test_a_key_is_its_own_key(url: str) -> None:
    once = canonical_url(url)
    assert canonical_url(once) == once


@given(URLS, TRACKING)
def test_tracking_does_not_change_the_key(url: str, tracking: dict[str, str]) -> None:
    separator = "&" if urlsplit(url).query else "?"
    tracked = f"{url}{separator}{urlencode(tracking)}" if tracking else url
    assert canonical_url(tracked) == canonical_url(url)


@given(URLS, st.sampled_from(["http", "HTTP", "https"]), st.sampled_from(["", "www.", "m."]))
def test_scheme_and_edition_do_not_change_the_key(url: str, scheme: str, edition: str) -> None:
    other = f"{scheme}://{edition}{url.removeprefix('https://')}"
    assert canonical_url(other) == canonical_url(url)


@given(URLS)
def test_wrapping_does_not_change_the_key(url: str) -> None:
    alert = f"https://www.google.com/url?{urlencode({'rct': 'j', 'url': url, 'ct': 'ga'})}"
    facebook = f"https://l.facebook.com/l.php?{urlencode({'u': alert})}"
    assert canonical_url(alert) == canonical_url(url)
    assert canonical_url(facebook) == canonical_url(url)


@given(URLS)
def test_a_key_keeps_the_host_and_every_own_parameter(url: str) -> None:
    key = urlsplit(canonical_url(url))
    assert key.hostname == urlsplit(url).hostname
    assert sorted(key.query.split("&")) == sorted(urlsplit(url).query.split("&"))


@given(SIMHASHES, st.sets(st.integers(0, 63), max_size=3))
def test_copies_share_a_band(simhash: int, flipped: set[int]) -> None:
    other = simhash % 2**64
    for bit in flipped:
        other ^= 1 << bit
    other = other - 2**64 if other >= 2**63 else other
    assert distance(simhash, other) == len(flipped)
    assert set(simhash_bands(simhash)) & set(simhash_bands(other))


@given(SIMHASHES, SIMHASHES, SIMHASHES)
def test_distance_is_a_metric(a: int, b: int, c: int) -> None:
    assert distance(a, a) == 0
    assert distance(a, b) == distance(b, a)
    assert distance(a, c) <= distance(a, b) + distance(b, c)


@given(WORDS)
def test_simhash_hears_words_not_their_dress(words: list[str]) -> None:
    plain = " ".join(words)
    dressed = "  ".join(word.upper() + "," for word in words)
    assert simhash64(plain) == simhash64(dressed)
