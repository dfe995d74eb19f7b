"""What a server's answer means."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from responders.feeds.answers import FetchRequest, FetchResult, judge, max_age_s, retry_after_s

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
BODY = b"<rss/>"
ASKED = FetchRequest(feed_id="f", url="https://example.org/feed")


def _judge(
    status: int, body: bytes = b"", request: FetchRequest = ASKED, **headers: str
) -> FetchResult:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return judge(request, status=status, headers=named, body=body, wire_bytes=len(body), now=NOW)


def test_a_body_that_was_not_seen_before_is_new_and_carries_its_validators() -> None:
    result = _judge(200, BODY, etag='W/"x y"', last_modified="yesterday, roughly")
    assert (result.outcome, result.body) == ("new", BODY)
    assert (result.etag, result.last_modified) == ('W/"x y"', "yesterday, roughly")


def test_the_same_bytes_are_unchanged_whatever_the_headers_say() -> None:
    known = FetchRequest(
        feed_id="f", url=ASKED.url, etag='"a"', body_sha256=hashlib.sha256(BODY).hexdigest()
    )
    result = _judge(200, BODY, known, etag='"b"')
    assert (result.outcome, result.body, result.etag) == ("unchanged", None, '"b"')


def test_a_304_keeps_the_validators_that_were_sent() -> None:
    known = FetchRequest(
        feed_id="f", url=ASKED.url, etag='"a"', last_modified="Mon", body_sha256="d"
    )
    result = _judge(304, b"", known)
    assert result.outcome == "unchanged"
    assert (result.etag, result.last_modified, result.body_sha256) == ('"a"', "Mon", "d")


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b" \n", "failed"),
        (204, b"", "failed"),
        (206, BODY, "failed"),
        (301, b"", "failed"),
        (304, b"", "failed"),
        (401, b"x", "failed"),
        (403, b"", "backoff"),
        (403, b"Forbidden", "failed"),
        (404, b"", "failed"),
        (410, b"", "gone"),
        (429, b"slow down", "backoff"),
        (500, b"", "failed"),
        (503, b"", "backoff"),
        (999, b"", "failed"),
    ],
)
def test_every_other_answer_has_an_outcome_and_a_reason(
    status: int, body: bytes, outcome: str
) -> None:
    result = _judge(status, body)
    assert result.outcome == outcome
    assert result.problem
    assert result.body is None


def test_a_refusal_brings_no_validators() -> None:
    result = _judge(404, b"x", etag='"error"', last_modified="now")
    assert (result.etag, result.last_modified) == (None, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("Mon, 02 Nov 2026 09:10:00 GMT", 600),
        ("Mon, 02 Nov 2026 08:00:00 GMT", 0),
        ("Monday, 02-Nov-26 09:10:00 GMT", 600),
        ("99999999999999999999", 7 * 86400),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after_s(text, now=NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("max-age=600", 600),
        ('public , MAX-AGE="60"', 60),
        ("no-cache, max-age=600", 0),
        ("no-store", 0),
        ("private", None),
        ("max-age=soon", None),
        ("", None),
    ],
)
def test_cache_control_is_read_for_its_max_age(text: str, seconds: float | None) -> None:
    assert max_age_s(text) == seconds
