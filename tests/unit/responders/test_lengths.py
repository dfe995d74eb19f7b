"""Lengths: laws that hold for every text, and the cases that people have been billed for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.drafting.lengths import (
    LIMITS,
    bluesky_length,
    limits_from_mapping,
    mastodon_length,
    measure,
    weighted_length,
)
from responders.drafting.sms import plain_punctuation, sms_length
from responders.drafting.urls import find_urls, top_level_domains, written_links
from testkit.errors import InputError, NotFoundError

# 3GPP TS 23.038: the default alphabet has 127 characters besides the escape.
GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"
FAMILY = "👨‍👩‍👧‍👦"

texts = st.text(max_size=400)
gsm_texts = st.text(alphabet=GSM + EXTENSION, max_size=500)


def test_gsm_alphabet_is_the_published_one() -> None:
    assert len(set(GSM)) == 127
    for char in GSM + EXTENSION:
        assert sms_length(char).encoding == "GSM-7", hex(ord(char))
    assert [sms_length(char).units for char in EXTENSION] == [2] * 10


@given(texts)
def test_parts_joined_are_the_text(text: str) -> None:
    assert "".join(sms_length(text).parts) == text


@given(gsm_texts)
def test_no_gsm_part_exceeds_its_capacity_and_no_escape_straddles(text: str) -> None:
    length = sms_length(text)
    room = 160 if length.segments == 1 else 153
    for part in length.parts:
        # An escape counts with its character, so a straddling pair would show as an odd unit.
        assert sum(2 if char in EXTENSION else 1 for char in part) <= room


def test_an_escape_pair_that_does_not_fit_moves_to_the_next_part() -> None:
    # 152 septets, then a pair: 153 would hold only its escape.
    length = sms_length("a" * 152 + "€" + "b" * 20)
    assert [len(part) for part in length.parts] == [152, 21]


def test_a_surrogate_pair_moves_to_the_next_part_whole() -> None:
    length = sms_length("é" * 66 + "😜" + "á" * 10)
    assert length.encoding == "UCS-2"
    assert [len(part) for part in length.parts] == [66, 11]


def test_brackets_cost_two_only_in_gsm() -> None:
    # The calculator complaint that this design answers: brackets doubled in Unicode too.
    assert sms_length("[" * 10).units == 20
    assert sms_length("[" * 10 + "😜").units == 12


@pytest.mark.parametrize(
    ("text", "segments", "encoding"),
    [("a" * 160, 1, "GSM-7"), ("a" * 161, 2, "GSM-7"), ("a" * 306, 2, "GSM-7"),
     ("a" * 307, 3, "GSM-7"), ("á" * 70, 1, "UCS-2"), ("á" * 71, 2, "UCS-2"),
     ("á" * 134, 2, "UCS-2"), ("á" * 135, 3, "UCS-2"), ("", 1, "GSM-7")],
)  # fmt: skip
def test_part_boundaries(text: str, segments: int, encoding: str) -> None:
    length = sms_length(text)
    assert (length.segments, length.encoding) == (segments, encoding)


def test_one_curly_quote_is_named_with_what_it_costs() -> None:
    length = sms_length("It’s time. " + "a" * 100)
    assert length.encoding == "UCS-2"
    assert length.segments == 2
    assert length.parts_if_plain == 1
    assert [o.char for o in length.offenders] == ["’"]
    assert length.offenders[0].name == "U+2019 RIGHT SINGLE QUOTATION MARK"
    assert "It’s" in length.reason
    assert "write ' instead" in length.reason


def test_an_accent_is_not_dropped_behind_the_writers_back() -> None:
    length = sms_length("La protección, la protección")
    (offender,) = length.offenders
    assert (offender.char, offender.replacement, offender.lossy) == ("ó", "o", True)
    assert offender.count == 2
    assert offender.word == "protección"
    assert "instead" not in length.reason
    assert plain_punctuation("protección") == "protección"


@given(texts)
def test_plain_punctuation_never_costs_more_and_repeats_without_change(text: str) -> None:
    plain = plain_punctuation(text)
    assert plain_punctuation(plain) == plain
    if sms_length(plain).encoding == "UCS-2":
        assert sms_length(text).encoding == "UCS-2"


def test_a_composed_accent_is_used_where_the_alphabet_has_it() -> None:
    assert sms_length("cafe\u0301").encoding == "UCS-2"
    assert sms_length(plain_punctuation("cafe\u0301")).encoding == "GSM-7"


@given(st.text(alphabet="abc xyz’é", max_size=300), st.text(alphabet="abc xyz’é", max_size=50))
def test_weight_only_grows_when_words_are_added(text: str, more: str) -> None:
    assert weighted_length(text + more).weight >= weighted_length(text).weight


@given(texts)
def test_what_fits_does_fit(text: str) -> None:
    got = weighted_length(text)
    assert 0 <= got.fits <= len(text)
    if got.fits == len(text) and text:
        assert got.weight <= 280


@pytest.mark.parametrize(
    ("text", "weight"),
    [("https://example.org/" + "a" * 200, 23), ("example.org", 23), ("example.notatld", 15),
     (FAMILY, 2), ("1\u20e3", 2), ("©", 1), ("ñ", 1), ("水", 2), ("“quoted”", 8)],
)  # fmt: skip
def test_weights(text: str, weight: int) -> None:
    assert weighted_length(text).weight == weight


def test_x_refuses_an_empty_post_and_a_forbidden_character() -> None:
    assert not weighted_length("").valid
    assert not weighted_length("a\ufffe").valid
    assert weighted_length("a" * 280).valid
    assert not weighted_length("a" * 281).valid


def test_bluesky_counts_graphemes_and_bytes() -> None:
    assert bluesky_length(FAMILY) == (1, len(FAMILY.encode()))
    # 300 families fit the graphemes and not the bytes (lexicon app.bsky.feed.post).
    result = measure(FAMILY * 300, "bluesky")
    assert result.used == 300
    assert not result.fits
    assert measure("a" * 300, "bluesky").fits
    assert not measure("a" * 301, "bluesky").fits
    assert bluesky_length("a\n\nb")[0] == 4
    assert bluesky_length("https://example.org/abc")[0] == 23  # the whole address, no discount


def test_mastodon_counts_links_as_23_and_accounts_by_name() -> None:
    assert mastodon_length("https://example.org/" + "a" * 300) == 23
    assert mastodon_length("example.org") == 11  # without protocol it is plain text there
    assert mastodon_length("@ana@example.social") == 4
    assert mastodon_length("a" * 500) == 500
    assert mastodon_length("https://a.org", url_weight=30) == 30


def test_an_address_ends_before_the_full_stop() -> None:
    assert [s.text for s in find_urls("See https://a.org/x. Then (https://b.org/y).")] == [
        "https://a.org/x",
        "https://b.org/y",
    ]


def test_an_address_keeps_its_own_parentheses() -> None:
    url = "https://en.wikipedia.org/wiki/Strike_(action)"
    assert [s.text for s in find_urls(f"({url})")] == [url]


def test_mail_addresses_are_not_links() -> None:
    assert find_urls("write to ana@example.org") == ()


@given(st.text(alphabet="ab.-_/:@#?()htps 中。éxn", max_size=120))
def test_addresses_lie_in_order_inside_the_text(text: str) -> None:
    position = 0
    for span in find_urls(text):
        assert position <= span.start < span.end <= len(text)
        assert text[span.start : span.end] == span.text
        position = span.end


def test_a_long_hostile_text_is_measured_in_linear_time() -> None:
    # Quadratic work on 60,000 characters would run into the test's time limit.
    for piece in ("a.", "http://", "((((", "a-", "中.com", "https://a.org/(((("):
        find_urls(piece * (60_000 // len(piece)))


def test_a_reserved_name_is_still_a_written_link() -> None:
    assert find_urls("Sign: https://go.example/a") == ()
    assert [s.text for s in written_links("Sign: https://go.example/a.")] == [
        "https://go.example/a"
    ]


def test_top_level_domains_hold_both_forms() -> None:
    names = top_level_domains()
    assert {"org", "xn--p1ai", "рф"} <= names
    assert "example" not in names


def test_measure_names_the_channels_that_exist() -> None:
    with pytest.raises(NotFoundError, match=r"email\.subject"):
        measure("x", "fax")


def test_measure_tells_comfort_from_limit() -> None:
    result = measure("a" * 70, "email.subject")
    assert result.fits
    assert not result.comfortable


def test_workspace_may_change_and_add_limits() -> None:
    limits = limits_from_mapping({"mastodon": {"limit": 1000}, "ad.story": {"limit": 30}})
    assert limits["mastodon"].limit == 1000
    assert limits["mastodon"].rule == "mastodon"
    assert measure("a" * 31, "ad.story", limits=limits).fits is False
    assert LIMITS["mastodon"].limit == 500


@pytest.mark.parametrize(
    ("values", "names"),
    [({"limti": 3}, "limti"), ({"limit": 0}, "limit"), ({"limit": True}, "limit"),
     ({"limit": 3, "rule": "feet"}, "feet"), ({"limit": "30"}, "30")],
)  # fmt: skip
def test_a_wrong_limit_names_itself(values: dict[str, object], names: str) -> None:
    with pytest.raises(InputError, match=names):
        limits_from_mapping({"ad.new": values})
