"""When feeds are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.feeds import rhythm, schedule
from responders.feeds.answers import FetchResult
from responders.feeds.rhythm import FeedHistory, PollNews, SchedulePolicy
from responders.model.feed import FeedState, ParsedEntry, ParsedFeed

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)  # a Monday
POLICY = SchedulePolicy(jitter=0.0)
STEADY = FeedHistory(
    feed_id="f", last_poll=NOW, last_success=NOW, last_new=NOW, entries=140.0, days=14.0
)


def _result(outcome: Any = "unchanged", **more: Any) -> FetchResult:
    return FetchResult(feed_id="f", outcome=outcome, **more)


def _wait(history: FeedHistory, policy: SchedulePolicy = POLICY, **more: Any) -> float:
    """Minutes from the last poll to the next."""
    options = {"now": history.last_poll or NOW, "rng_value": 0.5, **more}
    due = schedule.next_poll(history, policy=policy, **options)
    assert due is not None
    return (due - (history.last_poll or NOW)).total_seconds() / 60


def _after(result: FetchResult, history: FeedHistory = STEADY, **more: Any) -> FeedHistory:
    return schedule.after(result, history, **{"now": NOW, "policy": POLICY, **more})


def test_a_feed_that_was_never_asked_is_due_at_once() -> None:
    fresh = FeedHistory(feed_id="f")
    assert schedule.next_poll(fresh, now=NOW, rng_value=0.9, policy=POLICY) == NOW


@pytest.mark.parametrize("state", [FeedState.PAUSED, FeedState.RETIRED])
def test_a_feed_that_is_not_active_is_never_due(state: FeedState) -> None:
    history = replace(STEADY, state=state)
    assert schedule.next_poll(history, now=NOW, rng_value=0.5, policy=POLICY) is None


def test_an_overdue_feed_is_due_now_and_not_in_the_past() -> None:
    late = NOW + timedelta(days=3)
    assert schedule.next_poll(STEADY, now=late, rng_value=0.5, policy=POLICY) == late


@pytest.mark.parametrize(("times", "ratio"), [(4, 2), (9, 3), (0.25, 0.5)])
def test_four_times_the_news_or_the_priority_is_twice_as_many_polls(
    times: float, ratio: float
) -> None:
    prior = rhythm.rate_per_day(STEADY)
    busier = replace(STEADY, entries=(prior * times) * (0.5 + STEADY.days) - 2.0)
    dearer = replace(STEADY, priority=times)
    assert _wait(STEADY) / _wait(busier) == pytest.approx(ratio)
    assert _wait(STEADY) / _wait(dearer) == pytest.approx(ratio)


def test_floor_and_cap_hold() -> None:
    torrent = replace(STEADY, entries=1e7)
    silence = replace(STEADY, entries=0.0, days=1e6)
    assert _wait(torrent) == pytest.approx(POLICY.floor_minutes)
    assert _wait(silence) == pytest.approx(POLICY.cap_minutes)


def test_a_feed_is_polled_more_often_in_its_own_hours() -> None:
    morning = rhythm.hour_of_week(NOW)
    week = tuple(140.0 if h == morning else 0.0 for h in range(168))
    regular = replace(STEADY, week=week)
    night = replace(regular, last_poll=NOW + timedelta(hours=12))
    assert _wait(regular) < _wait(STEADY) < _wait(night)


def test_a_poll_waits_for_the_busy_hour_that_begins_meanwhile() -> None:
    busy = rhythm.hour_of_week(NOW + timedelta(hours=3))
    week = [0.0] * 168
    for h in (busy, busy + 1, busy + 2):
        week[h % 168] = 500.0
    history = replace(STEADY, entries=1500.0 / 10, week=tuple(week))
    slow = SchedulePolicy(jitter=0.0, scale=2.0)
    assert 60 < _wait(history, slow) < 240


def test_jitter_spreads_waits_evenly_around_the_middle() -> None:
    policy = SchedulePolicy(jitter=0.1)
    waits = [_wait(STEADY, policy, rng_value=u) for u in (0.0, 0.5, 0.9999)]
    assert waits[0] == pytest.approx(0.9 * waits[1], rel=0.02)
    assert waits[2] == pytest.approx(1.1 * waits[1], rel=0.02)


@pytest.mark.parametrize(
    ("ttl", "max_age", "minutes"), [(45, None, 45), (None, 2700.0, 45), (30, 2700.0, 45)]
)
def test_what_feed_and_server_ask_for_is_followed(
    ttl: int | None, max_age: float | None, minutes: float
) -> None:
    torrent = replace(STEADY, entries=1e7, ttl_minutes=ttl, max_age_s=max_age)
    assert _wait(torrent) == pytest.approx(minutes)


def test_a_ttl_of_a_day_is_followed_for_an_hour_only() -> None:
    assert _wait(replace(STEADY, entries=1e7, ttl_minutes=1440)) == pytest.approx(60)


def test_quiet_hours_are_left_alone() -> None:
    history = replace(STEADY, entries=1e5, skip_hours=(9, 10, 11))
    assert 180 < _wait(history) < 200
    weekend = replace(STEADY, entries=1e5, skip_days=(0,))
    assert _wait(weekend) == pytest.approx(POLICY.cap_minutes)


def test_a_burst_puts_its_feeds_on_the_floor_for_two_hours() -> None:
    quiet = replace(STEADY, entries=0.0, days=1e6, ttl_minutes=60)
    bursting = schedule.burst(quiet, now=NOW, policy=POLICY)
    assert _wait(bursting) == pytest.approx(POLICY.floor_minutes)
    over = replace(bursting, last_poll=NOW + timedelta(hours=2))
    assert _wait(over) > 10 * POLICY.floor_minutes


def test_when_most_of_a_document_is_new_the_next_poll_comes_sooner() -> None:
    news = PollNews(arrivals=(NOW,) * 9, items=10)
    few = PollNews(arrivals=(NOW,) * 9, items=100)
    full = _after(_result("new"), news=news)
    partly = _after(_result("new"), news=few)
    assert (full.share_new, partly.share_new) == (0.9, 0.09)
    slow = SchedulePolicy(jitter=0.0, scale=2.0)
    assert _wait(full, slow) == pytest.approx(_wait(partly, slow) / 2)
    assert _after(_result(), full).share_new == 0


def test_the_first_document_is_all_new_and_no_reason_to_hurry() -> None:
    news = PollNews(arrivals=(NOW,) * 9, items=9)
    first = _after(_result("new"), FeedHistory(feed_id="f"), news=news)
    assert first.share_new == 0


def test_the_dates_of_the_first_document_are_a_history() -> None:
    arrivals = tuple(NOW - timedelta(hours=12 * i) for i in range(1, 21))
    first = _after(
        _result("new"), FeedHistory(feed_id="f"), news=PollNews(arrivals=arrivals, items=20)
    )
    assert rhythm.rate_per_day(first) == pytest.approx((2 + 20) / (0.5 + 10))
    assert sum(first.week) == 20


def test_dates_long_past_say_nothing_about_the_first_weeks() -> None:
    arrivals = tuple(NOW - timedelta(days=365 * i) for i in range(1, 11))
    first = _after(
        _result("new"), FeedHistory(feed_id="f"), news=PollNews(arrivals=arrivals, items=10)
    )
    assert (first.entries, first.days) == (0, 0)


def test_later_news_counts_when_it_came_or_else_when_it_was_seen() -> None:
    before = NOW - timedelta(hours=2)
    history = replace(STEADY, last_poll=before, last_success=before, week=(0.0,) * 168)
    arrivals = (NOW - timedelta(hours=1), NOW - timedelta(days=9))
    after = _after(_result("new"), history, news=PollNews(arrivals=arrivals, items=50))
    hours = {h: round(c) for h, c in enumerate(after.week) if c}
    assert hours == {rhythm.hour_of_week(arrivals[0]): 1, rhythm.hour_of_week(NOW): 1}
    assert after.last_new == NOW


def test_observations_lose_half_their_weight_in_a_fortnight() -> None:
    before = NOW - timedelta(days=14)
    history = replace(STEADY, last_success=before, entries=100.0, days=10.0)
    after = _after(_result(), history)
    assert after.entries == pytest.approx(50)
    assert after.days == pytest.approx(5 + 14)


def test_a_steady_feed_is_learnt() -> None:
    history, at = FeedHistory(feed_id="f"), NOW
    for _ in range(60 * 24):
        at += timedelta(hours=1)
        news = PollNews(arrivals=(at,), items=20) if at.hour % 3 == 0 else None
        history = _after(_result("new" if news else "unchanged"), history, now=at, news=news)
    # Eight a day; a fortnight's half-life leaves about 20 days of weight, the prior half a day.
    assert rhythm.rate_per_day(history) == pytest.approx(8, rel=0.05)


def test_failures_double_the_wait_up_to_a_day() -> None:
    history, waits = STEADY, []
    for _ in range(12):
        history = _after(_result("failed", problem="x"), history)
        waits.append(_wait(history))
    assert waits[:7] == [15, 30, 60, 120, 240, 480, 960]
    assert set(waits[7:]) == {1440}
    assert _after(_result(), history).failures == 0


def test_what_only_a_person_can_mend_is_tried_once_a_day() -> None:
    history = _after(_result("failed", problem="x", retryable=False))
    assert _wait(history) == 1440
    assert history.needs_person


@pytest.mark.parametrize(("asked_s", "minutes"), [(3600, 60), (1, 10), (0, 10), (7 * 86400, 1440)])
def test_retry_after_replaces_the_guess_within_reason(asked_s: float, minutes: float) -> None:
    history = replace(STEADY, failures=5)
    waiting = _after(_result("backoff", problem="429", retry_after_s=asked_s), history)
    assert _wait(waiting) == pytest.approx(minutes)
    assert _after(_result(), waiting).wait_until is None


def test_being_asked_to_wait_without_a_time_backs_off() -> None:
    assert _wait(_after(_result("backoff", problem="403"))) == 15


def test_a_retired_feed_is_not_asked_again() -> None:
    history = _after(_result("gone", problem="retired (410)"))
    assert history.state is FeedState.RETIRED
    assert schedule.next_poll(history, now=NOW, rng_value=0.5, policy=POLICY) is None


def _polls(targets: list[str | None], every: timedelta) -> FeedHistory:
    history, at = STEADY, NOW
    for target in targets:
        history = _after(_result(moved_to=target), history, now=at)
        at += every
    return history


@pytest.mark.parametrize(
    ("targets", "hours", "settled"),
    [
        (["b"] * 3, 12, "b"),
        (["b"] * 2, 48, None),
        (["b"] * 20, 1, None),
        (["b"] * 25, 1, "b"),
        (["b", "b", None, "b"], 24, None),
        (["b", "b", "c"], 24, None),
        (["b", "c", "c", "c"], 24, "c"),
        ([None] * 5, 24, None),
    ],
)
def test_a_move_is_believed_after_three_polls_over_a_day(
    targets: list[str | None], hours: float, settled: str | None
) -> None:
    history = _polls(targets, timedelta(hours=hours))
    assert schedule.move_due(history, policy=POLICY) == settled
    assert schedule.move_due(schedule.moved(history), policy=POLICY) is None


def test_a_failure_in_between_does_not_undo_a_move() -> None:
    history = _after(_result("failed", problem="x"), _polls(["b", "b"], timedelta(hours=13)))
    again = _after(_result(moved_to="b"), history, now=NOW + timedelta(hours=30))
    assert schedule.move_due(again, policy=POLICY) == "b"


@pytest.mark.parametrize("budget", [200.0, 1000.0, 5000.0])
def test_the_scale_spends_the_budget(budget: float) -> None:
    policy = SchedulePolicy(requests_per_day=budget, jitter=0.0)
    feeds = [replace(STEADY, entries=float(14 * k * k), priority=1 + k % 3) for k in range(1, 60)]
    fitted = replace(policy, scale=schedule.fit_scale(feeds, policy=policy))
    polls = 0.0
    for feed in feeds:
        polls += 1440 / _wait(feed, fitted)
    assert polls == pytest.approx(budget, rel=0.02)


def test_a_budget_beyond_either_end_sits_there() -> None:
    feeds = [STEADY, replace(STEADY, entries=1e4)]
    poor = SchedulePolicy(requests_per_day=1.0, jitter=0.0)
    rich = SchedulePolicy(requests_per_day=1e6, jitter=0.0)
    poor = replace(poor, scale=schedule.fit_scale(feeds, policy=poor))
    rich = replace(rich, scale=schedule.fit_scale(feeds, policy=rich))
    assert all(_wait(f, poor) == pytest.approx(poor.cap_minutes) for f in feeds)
    assert all(_wait(f, rich) == pytest.approx(rich.floor_minutes) for f in feeds)


def test_without_active_feeds_the_scale_stays() -> None:
    retired = replace(STEADY, state=FeedState.RETIRED)
    assert schedule.fit_scale([retired], policy=POLICY) == POLICY.scale


def test_a_profile_has_mean_one_and_leans_to_the_common_one() -> None:
    office = tuple(2.0 if h % 24 in range(8, 20) else 0.0 for h in range(168))
    policy = SchedulePolicy(profile=office)
    assert rhythm.week_profile(replace(STEADY, week=(0.0,) * 168), policy=policy) == office
    own = replace(STEADY, week=tuple(300.0 if h == 3 else 0.0 for h in range(168)))
    profile = rhythm.week_profile(own, policy=policy)
    assert sum(profile) / 168 == pytest.approx(1)
    assert profile[3] > profile[2] > profile[12] > profile[60] - 1e-9


def test_a_document_tells_the_schedule_what_it_needs() -> None:
    entry = ParsedEntry(
        guid="1",
        url=None,
        canonical_url=None,
        title="",
        summary_text="",
        content_html="",
        published=None,
        updated=NOW - timedelta(hours=1),
        author="",
        language="",
        raw_sha256="",
        simhash=None,
    )
    parsed = ParsedFeed(present=("a", "b", "c"), ttl_minutes=30, skip_hours=(1,), skip_days=(6,))
    dated = replace(entry, published=NOW - timedelta(hours=2))
    undated = replace(entry, updated=None)
    news = schedule.news_of(parsed, [entry, dated, undated], now=NOW)
    assert news == PollNews(
        arrivals=(NOW - timedelta(hours=1), NOW - timedelta(hours=2), NOW),
        items=3,
        ttl_minutes=30,
        skip_hours=(1,),
        skip_days=(6,),
    )


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (FeedHistory(feed_id="f"), ["New", "next tick"]),
        (STEADY, ["Well", "about 10 entries a day", "3 hours ago", "in 20 minutes"]),
        (replace(STEADY, entries=0.0, days=100.0, last_new=None), ["0.1 a week", "nothing new"]),
        (
            replace(STEADY, failures=1, problem="x could not be reached"),
            ["Failing, once: x could not be reached", "last answered 3 hours ago"],
        ),
        (
            replace(STEADY, failures=3, problem="y", needs_person=True, last_success=None),
            ["3 times in a row", "never answered", "Somebody has to look"],
        ),
        (replace(STEADY, state=FeedState.PAUSED), ["Paused", "resumes"]),
        (replace(STEADY, state=FeedState.RETIRED, problem="410"), ["Retired: 410", "not asked"]),
    ],
)
def test_health_is_told_in_words(history: FeedHistory, words: list[str]) -> None:
    later = NOW + timedelta(hours=3)
    text = schedule.describe(history, now=later, next_at=later + timedelta(minutes=20))
    for word in words:
        assert word in text


HISTORIES = st.builds(
    FeedHistory,
    feed_id=st.just("f"),
    priority=st.floats(0.01, 100),
    last_poll=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),
    failures=st.integers(0, 2000),
    needs_person=st.booleans(),
    entries=st.floats(0, 1e6),
    days=st.floats(0, 1e4),
    week=st.lists(st.floats(0, 1e5), min_size=168, max_size=168).map(tuple),
    share_new=st.floats(0, 1),
    ttl_minutes=st.none() | st.integers(1, 10_080),
    max_age_s=st.none() | st.floats(0, 604_800),
    skip_hours=st.sets(st.integers(0, 23), max_size=23).map(tuple),
    skip_days=st.sets(st.integers(0, 6), max_size=6).map(tuple),
)


@given(HISTORIES, st.floats(0, 1, exclude_max=True), st.timedeltas(timedelta(0), timedelta(3)))
def test_the_next_poll_is_always_between_floor_and_a_day(
    history: FeedHistory, rng_value: float, passed: timedelta
) -> None:
    policy = SchedulePolicy()
    assert history.last_poll is not None
    now = history.last_poll + passed
    due = schedule.next_poll(history, now=now, rng_value=rng_value, policy=policy)
    assert due is not None
    assert due >= now
    assert due >= history.last_poll + timedelta(minutes=policy.floor_minutes)
    longest = max(policy.cap_minutes, policy.backoff_cap_minutes) * (1 + policy.jitter)
    assert due <= max(now, history.last_poll + timedelta(minutes=longest))
