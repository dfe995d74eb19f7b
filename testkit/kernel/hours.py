"""Times of a week as people write them: working hours, quiet hours, the end of a date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from testkit.kernel.clock import parse_local, zone

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["DAYS", "Hours", "Quiet", "clock_time", "end_of", "hours_of"]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN: Final = re.compile(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Hours in which a person gets no message; what is asked meanwhile arrives afterwards.

    Attributes:
        starts: Local time, included.
        ends: Local time, excluded; earlier than ``starts`` when the night lies between.
    """

    starts: time
    ends: time

    def until(self, now: datetime, *, zone_name: str) -> datetime | None:
        """When the quiet that holds at ``now`` ends, in UTC; None when there is none.

        Args:
            now: Aware.
            zone_name: IANA zone of the two local times.

        Examples:
            >>> night = Quiet(starts=time(22), ends=time(7))
            >>> late = datetime(2026, 11, 3, 4, 30, tzinfo=UTC)  # 23:30 in New York
            >>> night.until(late, zone_name="America/New_York").isoformat()
            '2026-11-03T12:00:00+00:00'
        """
        local = now.astimezone(zone(zone_name))
        at = local.time()
        if self.starts <= self.ends:
            if not self.starts <= at < self.ends:
                return None
            day = local.date()
        elif at >= self.starts:
            day = local.date() + timedelta(days=1)
        elif at < self.ends:
            day = local.date()
        else:
            return None
        return datetime.combine(day, self.ends, tzinfo=zone(zone_name)).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When the organisation works, in local time.

    Attributes:
        days: Weekday (Monday is 0) to spans of local time; a weekday that is not named is free.
        holidays: Free days.
    """

    days: Mapping[int, tuple[tuple[time, time], ...]]
    holidays: frozenset[date] = frozenset()


def clock_time(text: str) -> time:
    """``9:30`` as a time of day; ``24:00`` is the end of the day.

    Raises:
        ValueError: There is no such time.
    """
    hour, minute = map(int, text.split(":"))
    if (hour, minute) == (24, 0):
        return time.max
    return time(hour, minute)


def _spans(text: str) -> tuple[tuple[time, time], ...]:
    """``09:00-12:30, 13:30-17:00`` as spans.

    Raises:
        ValueError: The text is no list of spans, or they overlap.
    """
    found: list[tuple[time, time]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = _SPAN.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no span of time; write it like 09:00-17:00")
        starts, ends = clock_time(match[1]), clock_time(match[2])
        if starts >= ends:
            raise ValueError(f"{part!r} ends before it starts")
        if found and starts < found[-1][1]:
            raise ValueError(f"{part!r} begins before the span before it ends")
        found.append((starts, ends))
    return tuple(found)


def hours_of(week: Mapping[str, str], holidays: Collection[date] = ()) -> Hours:
    """Working hours as they are written: ``{mon-fri: "09:00-17:00", sat: "10:00-14:00"}``.

    Raises:
        ValueError: A day or a span cannot be read.

    Examples:
        >>> hours_of({"mon-fri": "09:00-17:00"}).days[4]
        ((datetime.time(9, 0), datetime.time(17, 0)),)
    """
    days: dict[int, tuple[tuple[time, time], ...]] = {}
    for name, text in week.items():
        first, _, last = name.lower().partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"{name!r} is no day; days are {', '.join(DAYS)}, or mon-fri")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        for day in range(begin, end + 1):
            if day in days:
                raise ValueError(f"{DAYS[day]} stands twice")
            days[day] = _spans(text)
        if end < begin:
            raise ValueError(f"{name!r} goes backwards")
    return Hours(days=days, holidays=frozenset(holidays))


def end_of(text: str, *, zone_name: str) -> datetime:
    """The moment at which something ends: a date counts to its end, a time as it stands.

    Raises:
        InputError: The text is not a moment.

    Examples:
        >>> end_of("2026-11-09", zone_name="UTC").isoformat()
        '2026-11-10T00:00:00+00:00'
    """
    if _DATE.fullmatch(text.strip()):
        parse_local(text, zone_name=zone_name)
        text = (date.fromisoformat(text.strip()) + timedelta(days=1)).isoformat()
    return parse_local(text, zone_name=zone_name)
