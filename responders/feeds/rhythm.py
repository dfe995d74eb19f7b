"""How often a feed brings news and at which hours: what the schedule learns, pure.

A feed's rate is a Gamma-Poisson posterior mean with forgetting: counts and days observed both lose
half their weight in a fortnight. Its profile over the 168 hours of the week is its own counts,
spread a little over the neighbouring hours and shrunk towards the newsroom's common profile.

:func:`fit_scale` turns a budget of requests a day into the one number that
:mod:`responders.feeds.schedule` needs to spread it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Final

from responders.model.feed import FeedState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from responders.model.feed import ParsedEntry, ParsedFeed

__all__ = [
    "FLAT_WEEK",
    "FeedHistory",
    "PollNews",
    "SchedulePolicy",
    "common_profile",
    "count",
    "fit_scale",
    "forget",
    "hour_of_week",
    "news_of",
    "rate_per_day",
    "week_profile",
]

HOURS: Final = 168
FLAT_WEEK: Final = (1.0,) * HOURS
_DAY_S: Final = 86_400.0
# Until a feed has shown its rate: a handful of items a day, believed as much as half a day of it.
_PRIOR_ENTRIES: Final = 2.0
_PRIOR_DAYS: Final = 0.5
# So many entries weigh as much as the common profile in a feed's own profile over the week.
_PROFILE_WEIGHT: Final = 30.0
# Entries per hour of the week that the common profile starts with, and the most that one feed adds.
_COMMON_PRIOR: Final = 1.0
_MOST_SAY: Final = 50.0
# News of one hour also speaks for the hours around it.
_KERNEL: Final = ((-2, 0.1), (-1, 0.2), (0, 0.4), (1, 0.2), (2, 0.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePolicy:
    """How the newsroom polls.

    Attributes:
        requests_per_day: Requests that all feeds together may cost per day, > 0.
        scale: Polls per day of a feed with one entry a day, > 0; from :func:`fit_scale`.
        floor_minutes: Least minutes between two polls of a feed, > 0.
        cap_minutes: Most minutes between two polls of a healthy feed, >= ``floor_minutes``.
        obey_minutes: Up to so many minutes a feed's ``ttl`` or ``Cache-Control`` is followed. Both
            are set once and forgotten by many outlets; a day would defeat the purpose.
        backoff_minutes: Wait after the first failure; it doubles with each further one.
        backoff_cap_minutes: Most minutes of that wait.
        jitter: Share by which waits are spread, 0 to 1, so that feeds do not fall into step.
        burst_hours: How long feeds that carried a burst are polled at the floor.
        sooner_share: When at least this share of a document was new, items may have been missed:
            the next poll comes twice as soon.
        half_life_days: Age at which an observation counts half, > 0.
        move_polls: So many polls in a row must see the same permanent redirect before it is
            believed,
        move_hours: and they must span at least so many hours.
        profile: The newsroom's profile over the week, UTC from Monday 0:00, mean 1, shape (168,).
    """

    requests_per_day: float = 5_000.0
    scale: float = 8.0
    floor_minutes: float = 10.0
    cap_minutes: float = 720.0
    obey_minutes: float = 60.0
    backoff_minutes: float = 15.0
    backoff_cap_minutes: float = 1_440.0
    jitter: float = 0.1
    burst_hours: float = 2.0
    sooner_share: float = 0.6
    half_life_days: float = 14.0
    move_polls: int = 3
    move_hours: float = 24.0
    profile: tuple[float, ...] = FLAT_WEEK


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHistory:
    """What the schedule remembers of a feed.

    Attributes:
        feed_id: The feed.
        priority: Weight, > 0; see :class:`~responders.model.feed.Feed`.
        state: Whether it is polled.
        last_poll: When it was last asked; None when it never was.
        last_success: When it last answered with a feed (changed or not).
        last_new: When it last brought an entry.
        failures: Failures in a row.
        problem: The last failure in words; None when all is well.
        needs_person: The failure will not pass by itself.
        wait_until: What the server asked for by ``Retry-After``; None when it did not.
        entries: Entries seen, with forgetting.
        days: Days observed, with forgetting.
        week: Entries by hour of the week, UTC from Monday 0:00, with forgetting, shape (168,).
        share_new: Share of the last changed document that was new, 0 to 1.
        ttl_minutes: What the feed asks for; None when it does not.
        max_age_s: What the server asks for; None when it does not.
        skip_hours: Quiet hours of the day, UTC.
        skip_days: Quiet days, 0 Monday.
        burst_until: Polled at the floor until then; None ordinarily.
        moved_to: Address that permanent redirects point to; None without one.
        moved_polls: Polls in a row that saw it.
        moved_since: The first of them.
    """

    feed_id: str
    priority: float = 1.0
    state: FeedState = FeedState.ACTIVE
    last_poll: datetime | None = None
    last_success: datetime | None = None
    last_new: datetime | None = None
    failures: int = 0
    problem: str | None = None
    needs_person: bool = False
    wait_until: datetime | None = None
    entries: float = 0.0
    days: float = 0.0
    week: tuple[float, ...] = (0.0,) * HOURS
    share_new: float = 0.0
    ttl_minutes: int | None = None
    max_age_s: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    burst_until: datetime | None = None
    moved_to: str | None = None
    moved_polls: int = 0
    moved_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollNews:
    """What one poll says about a feed's rhythm.

    Attributes:
        arrivals: When the new entries appeared: the outlet's date where it is believable, else the
            moment of the poll; aware.
        items: Items in the document.
        ttl_minutes: From the document.
        skip_hours: From the document.
        skip_days: From the document.
    """

    arrivals: tuple[datetime, ...] = ()
    items: int = 0
    ttl_minutes: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()


def news_of(parsed: ParsedFeed, fresh: Iterable[ParsedEntry], *, now: datetime) -> PollNews:
    """The part of a parsed document that concerns the schedule.

    Args:
        parsed: The document.
        fresh: Those of its entries that the newsroom did not know.
        now: The moment of the poll, aware.
    """
    return PollNews(
        arrivals=tuple(entry.published or entry.updated or now for entry in fresh),
        items=len(parsed.present),
        ttl_minutes=parsed.ttl_minutes,
        skip_hours=parsed.skip_hours,
        skip_days=parsed.skip_days,
    )


def rate_per_day(history: FeedHistory) -> float:
    """Entries per day that the feed is expected to bring, > 0: a Gamma-Poisson posterior mean."""
    return (_PRIOR_ENTRIES + history.entries) / (_PRIOR_DAYS + history.days)


def week_profile(history: FeedHistory, *, policy: SchedulePolicy) -> tuple[float, ...]:
    """The feed's rate in each hour of the week relative to its mean.

    Its own counts, spread over neighbouring hours, are shrunk towards the newsroom's profile.

    Returns:
        Factors from Monday 0:00 UTC, mean 1, shape (168,).
    """
    spread = [0.0] * HOURS
    for hour, count in enumerate(history.week):
        if count:
            for step, share in _KERNEL:
                spread[(hour + step) % HOURS] += share * count
    total = sum(history.week)
    return tuple(
        (own * HOURS + _PROFILE_WEIGHT * common) / (total + _PROFILE_WEIGHT)
        for own, common in zip(spread, policy.profile, strict=True)
    )


def common_profile(histories: Iterable[FeedHistory]) -> tuple[float, ...]:
    """The newsroom's week: when the feeds bring news, all together.

    Args:
        histories: All feeds. One that brings hundreds of entries counts as much as one of fifty:
            the profile is of outlets, not of the loudest outlet.

    Returns:
        Factors from Monday 0:00 UTC, mean 1, shape (168,); flat without any entries.
    """
    cells = [_COMMON_PRIOR] * HOURS
    for history in histories:
        total = sum(history.week)
        if total:
            share = min(1.0, _MOST_SAY / total)
            for hour, entries in enumerate(history.week):
                if entries:
                    for step, part in _KERNEL:
                        cells[(hour + step) % HOURS] += share * part * entries
    mean = sum(cells) / HOURS
    return tuple(cell / mean for cell in cells)


def fit_scale(histories: Sequence[FeedHistory], *, policy: SchedulePolicy) -> float:
    """The scale at which all feeds together cost the budget.

    Args:
        histories: All feeds; those that are not active do not count.
        policy: Budget, floor, cap and profile are used.

    Returns:
        ``scale`` for the policy, > 0; the present one when there are no active feeds. Where the
        budget does not even pay for the cap, or pays for the floor at all hours, the scale sits at
        that end.
    """
    weights = sorted(
        sqrt(rate_per_day(history) * history.priority * share)
        for history in histories
        if history.state is FeedState.ACTIVE
        for share in week_profile(history, policy=policy)
    )
    if not weights:
        return policy.scale
    least, most = 1_440.0 / policy.cap_minutes, 1_440.0 / policy.floor_minutes
    sums = list(accumulate(weights, initial=0.0))

    def cost(scale: float) -> float:
        """Polls per day of all feeds: those at the cap, those between, those at the floor."""
        slow, fast = bisect_left(weights, least / scale), bisect_right(weights, most / scale)
        between = scale * (sums[fast] - sums[slow])
        return (slow * least + between + (len(weights) - fast) * most) / HOURS

    low, high = least / weights[-1], most / max(1e-9, weights[0])
    if cost(low) >= policy.requests_per_day:
        return low
    if cost(high) <= policy.requests_per_day:
        return high
    # The cost rises with the scale; 40 halvings on a log scale leave less than one part in a
    # million of any bracket that occurs.
    for _ in range(40):
        middle = exp((log(low) + log(high)) / 2)
        low, high = (middle, high) if cost(middle) < policy.requests_per_day else (low, middle)
    return high


def hour_of_week(at: datetime) -> int:
    """Hour of the week in UTC, 0 (Monday 0:00) to 167."""
    utc = at.astimezone(UTC)
    return utc.weekday() * 24 + utc.hour


def forget(
    history: FeedHistory, *, since: datetime, now: datetime, policy: SchedulePolicy
) -> FeedHistory:
    """The history after a stretch in which nothing new came."""
    passed = max(0.0, (now - since).total_seconds() / _DAY_S)
    kept = 0.5 ** (passed / policy.half_life_days)
    return replace(
        history,
        entries=history.entries * kept,
        days=history.days * kept + passed,
        week=tuple(count * kept for count in history.week),
    )


def count(
    history: FeedHistory,
    news: PollNews,
    *,
    since: datetime,
    now: datetime,
    first: bool,
    policy: SchedulePolicy,
) -> FeedHistory:
    """The history after a poll that brought news.

    Args:
        history: Before it.
        news: What it brought.
        since: The last successful poll.
        now: This one.
        first: Whether there was none before: then the document's dates are taken as a history.
        policy: Its half-life is used.
    """
    if first:
        # The first document shows the past weeks at once: its dates are a history.
        window = now - timedelta(days=2 * policy.half_life_days)
        dated = [at for at in news.arrivals if window <= at < now]
        oldest = min(dated, default=now)
        aged = replace(history, days=(now - oldest).total_seconds() / _DAY_S)
    else:
        # An entry that the outlet dates long before our last look says nothing about that hour.
        dated = [at if since <= at <= now else now for at in news.arrivals]
        aged = forget(history, since=since, now=now, policy=policy)
    week = list(aged.week)
    for at in dated:
        week[hour_of_week(at)] += 1.0
    return replace(aged, entries=aged.entries + len(dated), week=tuple(week))
