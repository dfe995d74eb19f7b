"""newsroom-schedule: how long entries wait to be seen, beside a fixed schedule, in a simulation.

The code that decides is the one that the poller runs (:mod:`responders.feeds.schedule`); only the
feeds are simulated. Their rates are spread as the rates of real outlets are (log-normal, a median
of six entries a day, one in twenty above forty) and follow office hours and weekdays in one of
three time zones, as a non-homogeneous Poisson process. The schedule begins without knowledge and
learns for two weeks; the third is measured: the mean time from an entry's appearance to the first
poll after it, against polling every feed at one fixed interval with as many requests. Seeded.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from benchmarks.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START = datetime(2026, 11, 2, tzinfo=UTC)
SEED = 20261102


def run(*, small: bool) -> Iterator[Figure]:
    feeds, days = (12, 6) if small else (120, 21)
    learn = 2 * days // 3
    arrivals = _arrivals(feeds, days, random.Random(SEED))
    ours, fixed, requests, counted = _simulate(arrivals, days=days, learn=learn)
    note = f"{feeds} feeds, {counted} entries and {requests} requests in {days - learn} days"
    yield Figure(
        figure="delay_ratio_to_fixed",
        value=round(ours / fixed, 3),
        unit="ratio",
        target="<= 0.6",
        note=f"{note}; seed {SEED}",
    )
    yield Figure(figure="mean_delay_min", value=round(ours, 2), unit="min", note=note)
    yield Figure(figure="mean_delay_fixed_min", value=round(fixed, 2), unit="min", note=note)


def _arrivals(feeds: int, days: int, rng: random.Random) -> list[list[datetime]]:
    every = []
    for _ in range(feeds):
        rate, zone = 6.0 * math.exp(rng.gauss(0.0, 1.2)), rng.choice((-8, -5, 1))
        profile = [_office(hour, zone) for hour in range(168)]
        mean, most = sum(profile) / 168, max(profile)
        at, found = 0.0, []
        while True:  # thinning (Lewis & Shedler 1979)
            at += rng.expovariate(rate * most / mean)
            if at >= days:
                break
            if rng.random() < profile[int(at * 24) % 168] / most:
                found.append(START + timedelta(days=at))
        every.append(found)
    return every


def _office(hour_of_week: int, zone: int) -> float:
    local = (hour_of_week + zone) % 168
    day, hour = divmod(local, 24)
    weekend = 0.35 if day >= 5 else 1.0
    return weekend * (0.08 + math.exp(-(((hour - 13) / 4.0) ** 2)))


def _simulate(
    arrivals: Sequence[list[datetime]], *, days: int, learn: int
) -> tuple[float, float, int, int]:
    from responders.feeds import schedule
    from responders.feeds.answers import FetchResult

    rng = random.Random(SEED + 1)
    policy = schedule.SchedulePolicy(requests_per_day=24.0 * len(arrivals), floor_minutes=5.0)
    end, measured = START + timedelta(days=days), START + timedelta(days=learn)
    histories = {i: schedule.FeedHistory(feed_id=str(i)) for i in range(len(arrivals))}
    position = [0] * len(arrivals)
    due = [(START, i) for i in histories]
    waits: list[float] = []
    requests, fitted = 0, START
    while due and due[0][0] < end:
        now, i = heapq.heappop(due)
        if now >= fitted:
            scale = schedule.fit_scale(list(histories.values()), policy=policy)
            policy, fitted = replace(policy, scale=scale), now + timedelta(hours=12)
        requests += now >= measured
        new = []
        while position[i] < len(arrivals[i]) and arrivals[i][position[i]] <= now:
            new.append(arrivals[i][position[i]])
            position[i] += 1
        waits.extend((now - at).total_seconds() / 60 for at in new if at >= measured)
        news = schedule.PollNews(arrivals=tuple(new), items=30) if new else None
        result = FetchResult(feed_id=str(i), outcome="new" if new else "unchanged", status=200)
        histories[i] = schedule.after(result, histories[i], now=now, news=news, policy=policy)
        following = schedule.next_poll(histories[i], now=now, rng_value=rng.random(), policy=policy)
        if following is not None:
            heapq.heappush(due, (following, i))
    interval = len(arrivals) * (days - learn) * 1440 / requests
    fixed = []
    for found in arrivals:
        phase = rng.random() * interval
        for at in found:
            if at >= measured:
                passed = (at - START).total_seconds() / 60 - phase
                fixed.append(interval - passed % interval)
    return sum(waits) / len(waits), sum(fixed) / len(fixed), requests, len(waits)
