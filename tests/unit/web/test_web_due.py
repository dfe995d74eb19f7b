"""A deadline is told by the organisation's clock and by how long it is, late ones as late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from testkit.web.due import due_of, span

NOW = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)  # 23:30 of the 21st in New York


@pytest.mark.parametrize(
    ("minutes", "when", "words", "late"),
    [
        (20, "today 23:50 EST", "in 20 min", False),
        (40, "tomorrow 00:10 EST", "in 40 min", False),
        (0, "today 23:30 EST", "under a minute ago", True),
        (-60 * 24, "yesterday 23:30 EST", "24 h ago", True),
        (60 * 24 * 3, "24 Nov 2026 23:30 EST", "in 3 days", False),
    ],
)
def test_today_is_the_day_of_the_organisations_zone(
    minutes: int, when: str, words: str, late: bool
) -> None:
    due = due_of(NOW + timedelta(minutes=minutes), now=NOW, zone_name="America/New_York")
    assert (due.when, due.span, due.late) == (when, words, late)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=59), "under a minute"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=5, minutes=59), "5 h 59 min"),
        (timedelta(hours=6, minutes=59), "6 h"),
        (timedelta(hours=47, minutes=59), "47 h"),
        (timedelta(hours=48), "2 days"),
    ],
)
def test_a_span_is_rounded_down_and_never_says_none(length: timedelta, words: str) -> None:
    assert span(length) == words
