"""When each feed is due again: pure, from its history and the present.

Theory of operation. A feed brings news at the rate ``a(t)`` and we ask it at the rate ``r(t)``; an
entry then waits ``1 / (2 r)`` on average. With a budget of requests for all feeds together the
total waiting is least when ``r`` is proportional to the square root of ``a``: asking a feed four
times as often because it is four times as busy is too much, asking all alike is too little. The
rate is not the same at all hours, so ``a(t)`` is the feed's daily rate times its own profile over
the 168 hours of the week, times its priority. The next poll is due when the integral of ``r`` since
the last one reaches 1.

What a server asks for comes first: ``Retry-After``, then back-off after failures, then quiet hours,
``ttl`` and ``Cache-Control`` (as far as the policy obeys them), then the floor and the cap.

References:
    Wolf, Squillante, Yu, Sethuraman & Ozsen (2002), "Optimal crawling strategies for web search
    engines", WWW, 136-147 (spreading a budget of requests over sources with different rates).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import TYPE_CHECKING, Final

from responders.feeds import rhythm
from responders.feeds.rhythm import FeedHistory, PollNews, SchedulePolicy, fit_scale, news_of
from responders.model.feed import FeedState

if TYPE_CHECKING:
    from responders.feeds.fetch import FetchResult

__all__ = [
    "FeedHistory",
    "PollNews",
    "SchedulePolicy",
    "after",
    "burst",
    "describe",
    "fit_scale",
    "health",
    "move_due",
    "moved",
    "news_of",
    "next_poll",
    "why_then",
]

_DAY_S: Final = 86_400.0


def next_poll(
    history: FeedHistory,
    *,
    now: datetime,
    rng_value: float,
    policy: SchedulePolicy,
) -> datetime | None:
    """When the feed is due again.

    Args:
        history: After the last poll (see :func:`after`).
        now: The present, aware.
        rng_value: A uniform random number, 0 <= value < 1, that spreads the waits.
        policy: How the newsroom polls.

    Returns:
        The moment, never before ``now``; ``now`` itself for a feed that was never asked, and None
        for one that is paused or retired.
    """
    if history.state is not FeedState.ACTIVE:
        return None
    if history.last_poll is None:
        return now
    spread = 1.0 + policy.jitter * (2.0 * rng_value - 1.0)
    if history.failures or history.wait_until is not None:
        return _after_trouble(history, now=now, spread=spread, policy=policy)
    least = policy.floor_minutes
    most = policy.cap_minutes
    if history.burst_until is not None and history.burst_until > now:
        most = least
    else:
        wish = max(float(history.ttl_minutes or 0), (history.max_age_s or 0.0) / 60.0)
        least = max(least, min(policy.obey_minutes, wish))
        most = max(least, most)
    due = _integrate(history, start=history.last_poll, least=least, spread=spread, policy=policy)
    earliest = history.last_poll + timedelta(minutes=least)
    # The cap is a promise: it is spread downwards only.
    latest = history.last_poll + timedelta(minutes=most * min(1.0, spread))
    return max(now, earliest, min(due, max(earliest, latest)))


def after(
    result: FetchResult,
    history: FeedHistory,
    *,
    now: datetime,
    news: PollNews | None = None,
    policy: SchedulePolicy,
) -> FeedHistory:
    """The history after one fetch.

    Args:
        result: How the fetch ended. A body that turned out not to be a feed counts as a failure:
            pass ``dataclasses.replace(result, outcome="failed", problem=...)``.
        history: Before it.
        now: When it ended, aware.
        news: What a changed document brought; None when it did not change or was not read.
        policy: How the newsroom polls.

    Returns:
        The new history. A feed that answered 410 is retired in it.
    """
    before = replace(history, last_poll=now, wait_until=None, needs_person=False)
    if result.outcome == "gone":
        return replace(before, state=FeedState.RETIRED, problem=result.problem)
    if result.outcome in {"failed", "backoff"}:
        asked = result.retry_after_s
        return replace(
            before,
            failures=history.failures + 1,
            problem=result.problem,
            needs_person=not result.retryable,
            wait_until=None if asked is None else now + timedelta(seconds=asked),
        )
    answered = replace(
        before, failures=0, problem=None, last_success=now, max_age_s=result.max_age_s
    )
    answered = _with_move(answered, result.moved_to, now=now)
    first = history.last_success is None
    since = history.last_success or now
    if news is None:
        return replace(rhythm.forget(answered, since=since, now=now, policy=policy), share_new=0.0)
    fresh = 0.0 if first or not news.items else len(news.arrivals) / news.items
    counted = rhythm.count(answered, news, since=since, now=now, first=first, policy=policy)
    return replace(
        counted,
        share_new=fresh,
        last_new=now if news.arrivals else history.last_new,
        ttl_minutes=news.ttl_minutes,
        skip_hours=news.skip_hours,
        skip_days=news.skip_days,
    )


def burst(history: FeedHistory, *, now: datetime, policy: SchedulePolicy) -> FeedHistory:
    """The history of a feed that carried an issue which bursts: it is watched at the floor."""
    return replace(history, burst_until=now + timedelta(hours=policy.burst_hours))


def move_due(history: FeedHistory, *, policy: SchedulePolicy) -> str | None:
    """The address to which the feed has moved for good; None while that is not settled."""
    if history.moved_to is None or history.moved_since is None or history.last_poll is None:
        return None
    spanned = history.last_poll - history.moved_since >= timedelta(hours=policy.move_hours)
    return history.moved_to if history.moved_polls >= policy.move_polls and spanned else None


def moved(history: FeedHistory) -> FeedHistory:
    """The history once the address was rewritten."""
    return replace(history, moved_to=None, moved_polls=0, moved_since=None)


def health(history: FeedHistory, *, next_at: datetime | None) -> str:
    """A feed's health in one word for programs.

    Args:
        history: What is remembered.
        next_at: When it is due.

    Returns:
        ``new``, ``well``, ``ailing`` (it answers, but not all of it could be read), ``failing``,
        ``retired`` or ``removed``.
    """
    if history.state is FeedState.RETIRED:
        return "retired"
    if next_at is None:
        return "removed"
    if history.last_poll is None:
        return "new"
    if history.failures:
        return "failing"
    return "ailing" if history.problem else "well"


def describe(history: FeedHistory, *, now: datetime, next_at: datetime | None) -> str:
    """A feed's health in words.

    Args:
        history: What is remembered.
        now: The present, aware.
        next_at: When it is due, from :func:`next_poll`.

    Returns:
        One sentence or two: how it is, and what will happen next.
    """
    if history.state is FeedState.RETIRED:
        return f"Retired: {history.problem or 'by hand'}. It is not asked any more."
    if history.state is FeedState.PAUSED:
        return "Paused by hand. It is not asked until somebody resumes it."
    if next_at is None:
        return "Removed. It is not asked until somebody adds it again."
    if history.last_poll is None:
        return "New. It will be read with the next tick."
    due = "now" if next_at <= now else f"in {_span(next_at - now)}"
    if history.failures:
        times = "once" if history.failures == 1 else f"{history.failures} times in a row"
        well = (
            "It has never answered with a feed."
            if history.last_success is None
            else f"It last answered {_span(now - history.last_success)} ago."
        )
        mend = " Somebody has to look at its address." if history.needs_person else ""
        return f"Failing, {times}: {history.problem}. {well} Next try {due}.{mend}"
    if history.problem:
        return f"Ailing: {history.problem}. What could be read was kept. Next look {due}."
    rate = rhythm.rate_per_day(history)
    pace = f"about {rate:.0f} entries a day" if rate >= 1 else f"about {7 * rate:.1f} a week"
    newest = (
        "nothing new so far"
        if history.last_new is None
        else f"last new {_span(now - history.last_new)} ago"
    )
    return f"Well: {pace}, {newest}. Next look {due}."


def why_then(history: FeedHistory, *, now: datetime, policy: SchedulePolicy) -> str:
    """Why the next poll is when it is, in words.

    Args:
        history: After the last poll.
        now: The present, aware.
        policy: How the newsroom polls.
    """
    if history.state is not FeedState.ACTIVE:
        return "it is not asked any more"
    if history.wait_until is not None:
        return f"the server asked us to wait {_span(history.wait_until - now)}"
    if history.needs_person:
        return "waiting will not mend it, so it is tried once a day"
    if history.failures:
        return f"failure {history.failures} in a row: the wait doubles with each"
    if history.burst_until is not None and history.burst_until > now:
        return "it carries an issue that is loud now, so it is asked as often as is polite"
    asked = max(float(history.ttl_minutes or 0), (history.max_age_s or 0.0) / 60.0)
    pace = f"about {rhythm.rate_per_day(history):.1f} entries a day at its usual hours"
    if asked > policy.floor_minutes:
        obeyed = min(asked, policy.obey_minutes)
        pace += f"; it asks to be left alone {asked:.0f} minutes, of which {obeyed:.0f} are kept"
    if history.share_new >= policy.sooner_share:
        pace += "; most of its items were new, so sooner than usual"
    return pace


def _after_trouble(
    history: FeedHistory, *, now: datetime, spread: float, policy: SchedulePolicy
) -> datetime:
    assert history.last_poll is not None
    if history.needs_person:
        wait = policy.backoff_cap_minutes
    else:
        doublings = min(max(0, history.failures - 1), 20)
        wait = min(policy.backoff_cap_minutes, policy.backoff_minutes * 2.0**doublings)
    due = history.last_poll + timedelta(minutes=max(policy.floor_minutes, wait * spread))
    if history.wait_until is not None:
        # The server's word replaces our guess, but never means "at once", nor "next month".
        floor = history.last_poll + timedelta(minutes=policy.floor_minutes)
        cap = history.last_poll + timedelta(minutes=policy.backoff_cap_minutes)
        due = min(max(history.wait_until, floor), max(cap, floor))
    return max(now, due)


def _integrate(
    history: FeedHistory,
    *,
    start: datetime,
    least: float,
    spread: float,
    policy: SchedulePolicy,
) -> datetime:
    profile = rhythm.week_profile(history, policy=policy)
    weight = rhythm.rate_per_day(history) * history.priority
    hurry = 2.0 if history.share_new >= policy.sooner_share else 1.0
    slowest, fastest = 1_440.0 / policy.cap_minutes, 1_440.0 / least
    at, wanted = start, spread
    last = start + timedelta(minutes=2.0 * policy.cap_minutes)
    while at < last:
        hour_end = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        slice_days = (hour_end - at).total_seconds() / _DAY_S
        if _quiet(at, history):
            polls_per_day = 0.0
        else:
            rate = hurry * policy.scale * sqrt(weight * profile[rhythm.hour_of_week(at)])
            polls_per_day = min(fastest, max(slowest, rate))
        if polls_per_day * slice_days >= wanted:
            return at + timedelta(days=wanted / polls_per_day)
        wanted -= polls_per_day * slice_days
        at = hour_end
    return last


def _quiet(at: datetime, history: FeedHistory) -> bool:
    utc = at.astimezone(UTC)
    return utc.hour in history.skip_hours or utc.weekday() in history.skip_days


def _with_move(history: FeedHistory, target: str | None, *, now: datetime) -> FeedHistory:
    if target is None:
        return moved(history)
    if target == history.moved_to:
        return replace(history, moved_polls=history.moved_polls + 1)
    return replace(history, moved_to=target, moved_polls=1, moved_since=now)


def _span(length: timedelta) -> str:
    minutes = max(0, round(length.total_seconds() / 60))
    if minutes < 1:
        return "less than a minute"
    for size, word in ((1_440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = round(minutes / size)
            return f"{count} {word}{'' if count == 1 else 's'}"
    raise AssertionError(minutes)
