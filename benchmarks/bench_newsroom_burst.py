"""Burst alarms on simulated issues: false onsets a week, and recall of 8 more entries in 2 hours.

The week has the shape of real feeds (publication times in ``real_feeds_half.tar.xz``, each feed
counted at most thrice an hour of the week). Issues differ in volume from 1 to 24 entries a day;
days differ by a Gamma factor, and stories draw follow-ups over hours, so that counts scatter more
than the detector is told. The detector knows neither the shape nor the volumes: it learns both
in four weeks and is measured in the next eight, asked every 15 minutes about all issues at once.
The rule it stands beside, "three times the mean of the last seven days", sees the same entries.
"""

from __future__ import annotations

import re
import tarfile
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from benchmarks.figure import Figure, data_folder
from responders.burst import (
    HOURS,
    Alarm,
    Baseline,
    BurstParams,
    Reading,
    hour_of_week,
    judge,
    usual_week,
    week_profile,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SEED = 20260504
START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
LEARNED_WEEKS = 4
BURST_EVERY_HOURS = 96
EXTRA, EXTRA_HOURS = 8, 2.0
CHECK_MINUTES = 15
Stretch: TypeAlias = tuple[float, float]
_DATE = re.compile(rb"<(?:pubDate|published|updated|dc:date)>\s*([^<]{8,40})<")


def real_week(path: Path) -> tuple[float, ...]:
    """Publications by hour of the week (UTC), smoothed."""
    counts = [0] * HOURS
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            seen: Counter[int] = Counter()
            for text in _DATE.findall(stream.read() if stream else b""):
                at = _moment(text.decode("ascii", "ignore").strip())
                # A time of exactly midnight is a date without a time.
                if at is not None and (at.hour or at.minute):
                    seen[hour_of_week(at)] += 1
            for cell, n in seen.items():
                counts[cell] += min(n, 3)
    return week_profile(counts)


def _moment(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


@dataclass(frozen=True, slots=True)
class Issue:
    """Times of an issue's entries in hours since the start, and of its injected bursts."""

    per_day: float
    times: list[float]
    bursts: list[float]


def simulate(
    week: Sequence[float], *, issues: int, weeks: int, generator: np.random.Generator
) -> list[Issue]:
    """Issues of log-uniform volume with scattered counts and injected bursts."""
    hours = weeks * HOURS
    out = []
    for per_day in np.exp(generator.uniform(np.log(1.0), np.log(24.0), size=issues)):
        days = np.repeat(generator.gamma(8.0, 1 / 8.0, size=hours // 24), 24)
        rates = per_day / 24.0 / 1.5 * np.tile(week, weeks) * days
        firsts = np.repeat(np.arange(hours), generator.poisson(rates)) * 1.0
        firsts += generator.uniform(size=firsts.size)
        # Each story draws half a follow-up on average, spread over hours.
        follow = np.repeat(firsts, generator.geometric(2 / 3, size=firsts.size) - 1)
        follow += generator.exponential(4.0, size=follow.size)
        starts = np.arange(LEARNED_WEEKS * HOURS, hours - BURST_EVERY_HOURS, BURST_EVERY_HOURS)
        bursts = starts + generator.uniform(0, BURST_EVERY_HOURS - 12, size=starts.size)
        extra = np.repeat(bursts, EXTRA) + generator.uniform(
            0, EXTRA_HOURS, size=bursts.size * EXTRA
        )
        times = np.sort(np.concatenate([firsts, follow, extra]))
        out.append(Issue(float(per_day), times.tolist(), bursts.tolist()))
    return out


def between(times: Sequence[float], start: float, end: float) -> int:
    """Entries after ``start`` up to and with ``end``."""
    return bisect_right(times, end) - bisect_right(times, start)


def alarms_of_ours(
    issues: Sequence[Issue], *, weeks: int, params: BurstParams
) -> list[list[Stretch]]:
    """Begin and end of each alarm by issue, in hours, after the learning weeks."""
    office = Counter(
        hour_of_week(START + timedelta(hours=at))
        for issue in issues
        for at in issue.times
        if at < LEARNED_WEEKS * HOURS
    )
    profile = week_profile([float(office[cell]) for cell in range(HOURS)])
    baselines = [Baseline.cold(per_day=3.0) for _ in issues]
    states = [Alarm() for _ in issues]
    taught = [True] * len(issues)
    alarms: list[list[Stretch]] = [[] for _ in issues]
    steps = 60 // CHECK_MINUTES
    for hour in range(weeks * HOURS):
        if hour >= LEARNED_WEEKS * HOURS:
            for step in range(1, steps + 1):
                at = hour + step / steps
                now = START + timedelta(hours=at)
                readings = [
                    Reading(
                        issue=str(n),
                        count=between(issue.times, at - params.window_hours, at),
                        usual=baseline.usual(end=now, params=params, profile=profile),
                        alarm=state,
                    )
                    for n, (issue, baseline, state) in enumerate(
                        zip(issues, baselines, states, strict=True)
                    )
                ]
                for n, reading in enumerate(judge(readings, now=now, params=params)):
                    states[n] = reading.alarm
                    taught[n] &= reading.teaches
                    if reading.rang:
                        alarms[n].append((at, float("inf")))
                    elif reading.ended:
                        alarms[n][-1] = (alarms[n][-1][0], at)
        for n, issue in enumerate(issues):
            if taught[n]:
                baselines[n] = baselines[n].learn(
                    hour=START + timedelta(hours=hour),
                    count=between(issue.times, hour, hour + 1),
                    params=params,
                    profile=profile,
                )
            taught[n] = True
    return alarms


def alarms_of_three_times(issues: Sequence[Issue], *, weeks: int) -> list[list[Stretch]]:
    """Alarms of "three times the mean of the last seven days" in a two-hour window."""
    alarms: list[list[Stretch]] = []
    for issue in issues:
        rung: list[Stretch] = []
        on = False
        for check in range(LEARNED_WEEKS * HOURS * 4, weeks * HOURS * 4):
            at = check / 4
            mean = between(issue.times, at - HOURS, at) / HOURS * 2
            count = between(issue.times, at - 2, at)
            loud = count >= 3 and count > 3 * mean
            if loud and not on:
                rung.append((at, float("inf")))
            elif on and not loud:
                rung[-1] = (rung[-1][0], at)
            on = loud
        alarms.append(rung)
    return alarms


def score(
    issues: Sequence[Issue], alarms: Sequence[Sequence[Stretch]], *, weeks: int
) -> tuple[float, list[tuple[float, bool]]]:
    """False onsets per issue-week, and for each burst the issue's volume and whether it rang."""
    false, found = 0, []
    for issue, rung in zip(issues, alarms, strict=True):
        for start in issue.bursts:
            # The first check after the two hours still counts; so does an alarm already on.
            upto = start + EXTRA_HOURS + CHECK_MINUTES / 60
            rang = any(begin <= upto and end > start for begin, end in rung)
            found.append((issue.per_day, rang))
        false += sum(not any(b <= at <= b + 6 for b in issue.bursts) for at, _ in rung)
    return false / (len(issues) * (weeks - LEARNED_WEEKS)), found


def run(*, small: bool) -> Iterator[Figure]:
    folder = data_folder()
    path = folder / "feeds" / "real_feeds_half.tar.xz" if folder else None
    real = path is not None and path.is_file()
    week = real_week(path) if path is not None and real else usual_week()
    generator = np.random.default_rng(SEED)
    count, weeks = (4, 6) if small else (40, 12)
    issues = simulate(week, issues=count, weeks=weeks, generator=generator)
    params = BurstParams()
    shape = "hour-of-week shape of real feeds" if real else "made-up week: WHISTLESTOP_DATA unset"
    note = (
        f"{count} issues of 1 to 24 entries a day x {weeks - LEARNED_WEEKS} weeks, {shape}, "
        f"seed {SEED}"
    )
    false, found = score(issues, alarms_of_ours(issues, weeks=weeks, params=params), weeks=weeks)
    yield Figure(
        figure="false_onsets_per_issue_week",
        value=false,
        unit="count",
        target="<= 1" if real else "",
        note=f"budget {params.alarms_per_week:g} a week; {note}",
    )
    yield Figure(
        figure="recall_plus8_2h",
        value=sum(rang for _, rang in found) / len(found),
        unit="ratio",
        target=">= 0.95" if real else "",
        note=f"{len(found)} bursts of {EXTRA} more entries in {EXTRA_HOURS:g} hours",
    )
    for low, high in ((1, 6), (6, 12), (12, 24)):
        part = [rang for per_day, rang in found if low <= per_day < high]
        if part:
            yield Figure(
                figure=f"recall_at_{low}_to_{high}_a_day",
                value=sum(part) / len(part),
                unit="ratio",
                note=f"{len(part)} bursts",
            )
    false, found = score(issues, alarms_of_three_times(issues, weeks=weeks), weeks=weeks)
    yield Figure(
        figure="three_times_mean_false_onsets",
        value=false,
        unit="count",
        note=f"recall {sum(rang for _, rang in found) / len(found):.3f}; 7-day mean, same entries",
    )
