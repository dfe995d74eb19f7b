"""When an issue is louder than it should be at this hour, and how fast a story spreads.

Theory. Entries that match an issue are counted in a sliding window (two hours). What is usual at
this hour of the week comes from the issue's own history: each of 168 hours has a Gamma-distributed
rate whose prior is the issue's overall level times the office's profile of the week, so a new
issue borrows the shape that all feeds share and an old one follows its own. Counts scatter more
than a Poisson law allows; the excess is learned as well. Level and scatter together make the
count of a window negative-binomial, and its upper tail is the p-value of "as loud as this by
chance".

Two limits keep people asleep. Per issue, a false-alarm budget in words people understand ("about
one a week") becomes the p-value that may ring. Across issues, Benjamini & Hochberg's step-up
keeps the share of false ones among the alarms of one check small. An alarm that has rung stays on
until the issue was calm for a while (hysteresis), and the hours after the first do not teach the
baseline what is usual, unless it goes on for days: then it is the new usual.

Pure: no clock, no store. Every state is a frozen value with plain fields. Times are aware
datetimes *in the office's zone*: hours of the week are read off them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "HOURS",
    "Alarm",
    "Baseline",
    "BurstParams",
    "Reading",
    "Usual",
    "Velocity",
    "hour_of_week",
    "judge",
    "tail_probability",
    "usual_week",
    "velocity",
    "week_profile",
]

HOURS: Final = 168
# Weight of the overall level beside a cell's own history, in weeks of observation.
_LEVEL_WEEKS: Final = 3.0
# Weight of the prior on the level, in usual hours; it is outweighed within days.
_PRIOR_HOURS: Final = 12.0
# Prior of the excess scatter 1/k (variance = mean + mean^2 / k), and its weight as a sum of
# squared expected counts.
_PRIOR_EXCESS: Final = 0.4
_PRIOR_EXCESS_WEIGHT: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstParams:
    """How readily an alarm rings.

    Attributes:
        alarms_per_week: False alarms an issue may ring in a week without news, on average.
        false_share: Share of false alarms tolerated among those that ring at one check, 0..1.
            It binds where dozens of issues are tracked: then one alarm needs more than its alpha.
        window_hours: Length of the sliding window, 1 or more whole hours.
        least_entries: Fewer entries than this never ring.
        calm_p: From this p-value on the issue is calm, 0..1.
        calm_hours: It must be calm so long before an alarm ends.
        longest_hours: After so long the level is the new usual and is learned.
        half_life_weeks: Age at which a week counts half.
    """

    alarms_per_week: float = 1.0
    false_share: float = 0.5
    window_hours: int = 2
    least_entries: int = 3
    calm_p: float = 0.2
    calm_hours: float = 2.0
    longest_hours: float = 72.0
    half_life_weeks: float = 6.0

    def __post_init__(self) -> None:
        for name in ("alarms_per_week", "calm_hours", "longest_hours", "half_life_weeks"):
            if not getattr(self, name) > 0:
                raise InputError(
                    f"{name} is {getattr(self, name)}",
                    field=name,
                    value=getattr(self, name),
                    hint="above 0",
                )
        for name in ("false_share", "calm_p"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(
                    f"{name} is {getattr(self, name)}",
                    field=name,
                    value=getattr(self, name),
                    hint="between 0 and 1",
                )
        if self.window_hours < 1 or self.least_entries < 1:
            raise InputError(
                "window_hours and least_entries are 1 or more",
                field="window_hours",
                value=(self.window_hours, self.least_entries),
            )

    @property
    def alpha(self) -> float:
        """The p-value that may ring for one issue: the budget over the windows in a week.

        Checks between two windows add chances; whole counts, and alarms that are on already,
        take some away (``newsroom-burst`` measures what is left).
        """
        return min(0.5, self.alarms_per_week * self.window_hours / HOURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual in a window.

    Attributes:
        mean: Expected entries.
        shape: Negative-binomial shape r: variance = mean + mean^2 / r.
    """

    mean: float
    shape: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What an issue usually does, learned hour by hour; start with :meth:`cold`.

    Attributes:
        counts: Entries by hour of the week, older ones counting less. Shape ``(168,)``.
        weeks: How often each hour was observed, in the same weights. Shape ``(168,)``.
        prior_per_hour: Level assumed before anything was observed.
        excess: Weighted sum of (count - mean)^2 - mean over windows.
        excess_weight: Weighted sum of mean^2 over the same windows.
        recent: Count and mean of the latest learned hours, for windows longer than one.
        learned_until: End of the latest hour that was learned, in UTC; None before the first.
    """

    counts: tuple[float, ...]
    weeks: tuple[float, ...]
    prior_per_hour: float
    excess: float = 0.0
    excess_weight: float = 0.0
    recent: tuple[tuple[float, float], ...] = ()
    learned_until: datetime | None = None

    @staticmethod
    def cold(*, per_day: float) -> Baseline:
        """A baseline without history.

        Args:
            per_day: Entries a day to expect, above 0; the back-test of a new issue knows them.

        Raises:
            InputError: ``per_day`` is not above 0.
        """
        if not per_day > 0:
            raise InputError(
                f"per_day is {per_day}", field="per_day", value=per_day, hint="above 0; 1 is modest"
            )
        empty = (0.0,) * HOURS
        return Baseline(counts=empty, weeks=empty, prior_per_hour=per_day / 24.0)

    def rate(self, cell: int, profile: Sequence[float]) -> float:
        """Expected entries in one hour of the week.

        Args:
            cell: Hour of the week, 0..167.
            profile: The office's week, shape ``(168,)``, mean 1.
        """
        return _rate(self, cell, profile, self._level(profile))

    def usual(self, *, end: datetime, params: BurstParams, profile: Sequence[float]) -> Usual:
        """What is usual in the window that ends at ``end``.

        Args:
            end: Aware, in the office's zone; need not be a full hour.
            params: Its length.
            profile: The office's week, shape ``(168,)``, mean 1.
        """
        level = self._level(profile)
        mean = 0.0
        # Steps are taken in UTC: on the night the clocks change a local hour is missing or twice.
        stop = end.astimezone(UTC)
        at = stop - timedelta(hours=params.window_hours)
        while at < stop:
            local = at.astimezone(end.tzinfo)
            past = timedelta(
                minutes=local.minute, seconds=local.second, microseconds=local.microsecond
            )
            upto = min(at - past + timedelta(hours=1), stop)
            share = (upto - at) / timedelta(hours=1)
            mean += share * _rate(self, hour_of_week(local), profile, level)
            at = upto
        return Usual(mean=mean, shape=self._shape())

    def learn(
        self,
        *,
        hour: datetime,
        count: int,
        params: BurstParams,
        profile: Sequence[float],
    ) -> Baseline:
        """The baseline after one more full hour.

        Leave out the hours of an alarm (``Reading.teaches``), all but the one in which it rang:
        that one teaches how far chance goes. A count that would ring by itself is taken as the
        largest that would not, so that no single hour teaches much.

        Args:
            hour: Beginning of the hour, aware, in the office's zone.
            count: Entries in it, 0 or more.
            params: Half-life, window and limits.
            profile: The office's week, shape ``(168,)``, mean 1.

        Raises:
            InputError: The hour was learned before.
        """
        begun = hour.astimezone(UTC)
        if self.learned_until is not None and begun < self.learned_until:
            raise InputError(
                "this hour was learned before",
                field="hour",
                value=hour.isoformat(),
                hint=f"go on from {self.learned_until.isoformat()}",
            )
        cell = hour_of_week(hour)
        expected = self.rate(cell, profile)
        count = _within(count, Usual(mean=expected, shape=self._shape()), params)
        keep = 0.5 ** (1.0 / params.half_life_weeks)
        counts, weeks = list(self.counts), list(self.weeks)
        counts[cell] = counts[cell] * keep + count
        weeks[cell] = weeks[cell] * keep + 1.0
        gapless = self.learned_until == begun
        recent = (*(self.recent if gapless else ()), (float(count), expected))
        recent = recent[-params.window_hours :]
        excess, weight = self.excess, self.excess_weight
        if len(recent) == params.window_hours:
            seen, mean = (sum(column) for column in zip(*recent, strict=True))
            hourly_keep = keep ** (1.0 / HOURS)
            excess = excess * hourly_keep + (seen - mean) ** 2 - mean
            weight = weight * hourly_keep + mean**2
        return replace(
            self,
            counts=tuple(counts),
            weeks=tuple(weeks),
            excess=excess,
            excess_weight=weight,
            recent=recent,
            learned_until=begun + timedelta(hours=1),
        )

    def _shape(self) -> float:
        excess = (self.excess + _PRIOR_EXCESS * _PRIOR_EXCESS_WEIGHT) / (
            self.excess_weight + _PRIOR_EXCESS_WEIGHT
        )
        # The level itself is a Gamma variable; its shape is the entries it was learned from.
        known = sum(self.counts) + self.prior_per_hour * _PRIOR_HOURS
        return 1.0 / (max(excess, 0.01) + 1.0 / max(known, 0.5))

    def _level(self, profile: Sequence[float]) -> float:
        hours = sum(w * s for w, s in zip(self.weeks, profile, strict=True))
        return (self.prior_per_hour * _PRIOR_HOURS + sum(self.counts)) / (_PRIOR_HOURS + hours)


def _rate(baseline: Baseline, cell: int, profile: Sequence[float], level: float) -> float:
    prior = _LEVEL_WEEKS * level * profile[cell]
    return (prior + baseline.counts[cell]) / (_LEVEL_WEEKS + baseline.weeks[cell])


def _within(count: int, usual: Usual, params: BurstParams) -> int:
    if count <= params.least_entries or tail_probability(count, usual) >= params.alpha:
        return count
    most = params.least_entries
    while tail_probability(most + 1, usual) >= params.alpha:
        most += 1
    return most


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Whether an issue's alarm is on; the default is off.

    Attributes:
        since: When it rang; None while it is off.
        calm_since: Since when the issue has been calm under a ringing alarm.
    """

    since: datetime | None = None
    calm_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One issue at one check.

    Attributes:
        issue: Its id.
        count: Entries in the window, copies of one text counted once.
        usual: What is usual.
        alarm: Its alarm before the check (in) or after it (out).
        p: How likely a count as high is by chance.
        rang: The alarm rang at this very check: the moment to tell somebody.
        ended: The alarm ended at this very check.
        teaches: This hour may be learned by the baseline.
    """

    issue: str
    count: int
    usual: Usual
    alarm: Alarm = Alarm()
    p: float = 1.0
    rang: bool = False
    ended: bool = False
    teaches: bool = True


def judge(
    readings: Sequence[Reading], *, now: datetime, params: Mapping[str, BurstParams] | BurstParams
) -> tuple[Reading, ...]:
    """Decide, for all issues of one check together, which alarms ring, go on and end.

    Args:
        readings: One per issue, with count, usual and the alarm as it was.
        now: Time of the check, aware.
        params: For every issue, or by issue.

    Returns:
        The readings in the same order, with ``p`` and the alarm as it is now.

    References:
        Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57(1), 289-300.
    """
    by_issue = {
        r.issue: params if isinstance(params, BurstParams) else params[r.issue] for r in readings
    }
    tails = [tail_probability(r.count, r.usual) for r in readings]
    allowed = _step_up(tails, [by_issue[r.issue].false_share for r in readings])
    out = []
    for reading, p, among in zip(readings, tails, allowed, strict=True):
        limits = by_issue[reading.issue]
        loud = among and p <= limits.alpha and reading.count >= limits.least_entries
        out.append(_next(replace(reading, p=p), loud=loud, now=now, limits=limits))
    return tuple(out)


def _next(reading: Reading, *, loud: bool, now: datetime, limits: BurstParams) -> Reading:
    alarm = reading.alarm
    if alarm.since is None:
        after = Alarm(since=now) if loud else Alarm()
        return replace(reading, alarm=after, rang=loud, ended=False, teaches=True)
    if reading.p < limits.calm_p:
        after = replace(alarm, calm_since=None)
    elif alarm.calm_since is None:
        after = replace(alarm, calm_since=now)
    elif now - alarm.calm_since >= timedelta(hours=limits.calm_hours):
        return replace(reading, alarm=Alarm(), rang=False, ended=True, teaches=True)
    else:
        after = alarm
    lasted = now - alarm.since >= timedelta(hours=limits.longest_hours)
    return replace(reading, alarm=after, rang=False, ended=False, teaches=lasted)


def _step_up(tails: Sequence[float], shares: Sequence[float]) -> list[bool]:
    """Benjamini-Hochberg on p / share, so that each issue may have its own share."""
    scaled = [p / share for p, share in zip(tails, shares, strict=True)]
    limit = 0.0
    for rank, value in enumerate(sorted(scaled), start=1):
        if value <= rank / len(scaled):
            limit = value
    return [value <= limit for value in scaled]


def tail_probability(count: int, usual: Usual) -> float:
    """P(Y >= count) for a negative-binomial Y.

    Args:
        count: Entries seen, 0 or more.
        usual: Mean, 0 or more, and shape, above 0.

    Returns:
        A probability; 1 for a count of 0.

    Raises:
        InputError: A value is outside its domain.

    Examples:
        >>> round(tail_probability(8, Usual(mean=1.0, shape=2.0)), 6)
        0.000965
    """
    from scipy.special import betainc

    if count < 0 or not usual.mean >= 0 or not usual.shape > 0:
        raise InputError("a window has a count and a mean of 0 or more", value=(count, usual))
    if count == 0:
        return 1.0
    return float(betainc(count, usual.shape, usual.mean / (usual.mean + usual.shape)))


def hour_of_week(at: datetime) -> int:
    """Hour of the week in the zone of ``at``: 0 is Monday from midnight, 167 Sunday from 23:00."""
    return at.weekday() * 24 + at.hour


def usual_week() -> tuple[float, ...]:
    """A plain week of news for an office without history: days louder than nights and weekends.

    Returns:
        Shape ``(168,)``, mean 1.
    """
    cells = []
    for day in range(7):
        for hour in range(24):
            daytime = 1.5 if 7 <= hour < 19 else 1.0 if 6 <= hour < 23 else 0.35
            cells.append(daytime * (0.6 if day >= 5 else 1.0))
    return _scaled(cells)


def week_profile(counts: Sequence[float]) -> tuple[float, ...]:
    """The office's week from the entries of all its feeds.

    Args:
        counts: Entries by hour of the week, shape ``(168,)``, 0 or more each. Any number of
            weeks; the more, the less :func:`usual_week` shows through (it weighs two a cell).

    Returns:
        Shape ``(168,)``, above 0, mean 1, smoothed over neighbouring hours.

    Raises:
        InputError: The shape is wrong or a count is negative.
    """
    if len(counts) != HOURS or not all(n >= 0 for n in counts):
        raise InputError("a week has 168 counts of 0 or more", field="counts", value=len(counts))
    mixed = [n + 2.0 * prior for n, prior in zip(counts, usual_week(), strict=True)]
    return _scaled(
        [(mixed[i - 1] + 2.0 * mixed[i] + mixed[(i + 1) % HOURS]) / 4.0 for i in range(HOURS)]
    )


def _scaled(cells: Sequence[float]) -> tuple[float, ...]:
    mean = sum(cells) / len(cells)
    return tuple(cell / mean for cell in cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Velocity:
    """How many distinct owners carried a story soon after its first entry.

    Attributes:
        minutes: Length of the stretch since the first entry.
        owners: Distinct owners in it so far.
        complete: The stretch is over; otherwise ``owners`` can still rise.
    """

    minutes: int
    owners: int
    complete: bool


def velocity(
    voices: Sequence[datetime], *, now: datetime, minutes: Sequence[int] = (30, 60, 120)
) -> tuple[Velocity, ...]:
    """Owners in the first minutes of a story.

    Args:
        voices: When each distinct owner was first seen on it; one or more.
        now: Aware.
        minutes: The stretches.

    Raises:
        InputError: There is no voice.
    """
    if not voices:
        raise InputError("a story has at least one owner", field="voices", value=())
    first = min(voices)
    return tuple(
        Velocity(
            minutes=stretch,
            owners=sum(at <= min(now, first + timedelta(minutes=stretch)) for at in voices),
            complete=now >= first + timedelta(minutes=stretch),
        )
        for stretch in minutes
    )
