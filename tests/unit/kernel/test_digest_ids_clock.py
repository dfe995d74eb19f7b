"""Canonical JSON, ids that sort, moments with a zone."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testkit.errors import InputError
from testkit.kernel.clock import from_text, parse_local, shown, to_text, zone
from testkit.kernel.digest import canonical_json, digest, digest_file
from testkit.kernel.ids import new_id

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), values, max_size=5))
def test_the_digest_does_not_depend_on_the_order_of_keys(value):
    backwards = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(backwards)


def test_the_two_spellings_of_an_accent_have_one_digest():
    assert digest({"name": "José"}) == digest({"name": "Jose\u0301"})


def test_the_digest_is_plain_sha256_of_the_canonical_text():
    assert digest({"b": 1, "a": "x"}) == hashlib.sha256(b'{"a":"x","b":1}').hexdigest()


@pytest.mark.parametrize("bad", [math.nan, math.inf, {1: "x"}, object(), {"a": {2, 3}}, b"bytes"])
def test_a_value_without_json_form_is_refused_with_its_place(bad):
    with pytest.raises(InputError, match=r"value\.key"):
        digest({"key": bad})


def test_a_file_has_the_digest_of_its_bytes(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc" * 100_000)
    assert digest_file(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2090, 1, 1)))
def test_text_of_a_moment_sorts_as_time_does_and_comes_back(moment):
    aware = moment.replace(tzinfo=UTC)
    later = aware + timedelta(microseconds=1)
    assert to_text(aware) < to_text(later)
    assert from_text(to_text(aware)) == aware


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(InputError, match="zone"):
        to_text(datetime(2026, 1, 1))
    with pytest.raises(InputError, match="zone"):
        from_text("2026-01-01T00:00:00")


def test_local_text_is_read_in_the_organisations_zone_on_both_sides_of_a_clock_change():
    # New York: 1 Nov 2026 02:00 the clocks go back; EDT is UTC-4, EST is UTC-5.
    assert parse_local("2026-10-31 09:00", zone_name="America/New_York").hour == 13
    assert parse_local("2026-11-02 09:00", zone_name="America/New_York").hour == 14
    assert shown(datetime(2026, 11, 2, 14, tzinfo=UTC), zone_name="America/New_York") == (
        "2 Nov 2026 09:00 EST"
    )


def test_ago_counts_back_from_now():
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert parse_local("3 days ago", zone_name="UTC", now=now) == now - timedelta(days=3)
    assert parse_local("in 2 hours", zone_name="UTC", now=now) == now + timedelta(hours=2)
    assert parse_local("1 Hour ago", zone_name="UTC", now=now) == now - timedelta(hours=1)


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "3 days"])
def test_text_that_is_no_moment_is_refused_with_an_example(text):
    with pytest.raises(InputError, match="09:00"):
        parse_local(text, zone_name="UTC", now=datetime(2026, 1, 1, tzinfo=UTC))


def test_an_unknown_zone_is_refused_with_a_close_one():
    with pytest.raises(InputError, match="America/New_York"):
        zone("America/NewYork")


def test_an_offset_in_the_text_wins_over_the_zone():
    moment = parse_local("2026-11-02T09:00+02:00", zone_name="America/New_York")
    assert moment == datetime(2026, 11, 2, 9, tzinfo=timezone(timedelta(hours=2)))


@given(
    st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2050, 1, 1)),
    st.integers(0, 2**40),
)
def test_ids_sort_by_time_to_the_millisecond(moment, entropy):  # fmt: skip
    now = moment.replace(tzinfo=UTC)
    early = new_id("look", now=now, entropy=entropy)
    late = new_id("look", now=now + timedelta(milliseconds=2), entropy=0)
    assert early < late
    assert early.startswith("look_")
    assert len(early) == len("look_") + 18


def test_ten_thousand_ids_of_one_millisecond_differ():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert len({new_id("x", now=now) for _ in range(10_000)}) == 10_000
