"""Quiet hours: until when a message that can wait does wait. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import tzinfo

__all__ = ["quiet_until"]

_SPAN: Final = re.compile(r"(\d{1,2}):(\d{2})\s*(?:-|–|to)\s*(\d{1,2}):(\d{2})")


def quiet_until(hours: Any, now: datetime, zone: tzinfo) -> datetime:
    """The end of the quiet hours that ``now`` falls into; ``now`` itself outside of them.

    Args:
        hours: ``22:00-07:00``, or a pair of times or of such texts; anything else is no quiet
            hours at all: a message too early does less harm than one that never comes.
        now: Aware.
        zone: In which the hours are meant.

    Examples:
        >>> late = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)
        >>> quiet_until("22:00-07:00", late, UTC).isoformat()
        '2026-11-04T07:00:00+00:00'
    """
    span = _span(hours)
    if span is None or span[0] == span[1]:
        return now
    start, end = span
    local = now.astimezone(zone)
    at = local.time().replace(tzinfo=None)
    day = local.date()
    if start < end:
        if not start <= at < end:
            return now
    elif at >= start:
        day += timedelta(days=1)
    elif at >= end:
        return now
    return datetime.combine(day, end, tzinfo=zone).astimezone(UTC)


def _span(hours: Any) -> tuple[time, time] | None:
    if isinstance(hours, str):
        found = _SPAN.fullmatch(hours.strip())
        if not found:
            return None
        h1, m1, h2, m2 = map(int, found.groups())
        try:
            return time(h1 % 24, m1), time(h2 % 24, m2)
        except ValueError:
            return None
    if isinstance(hours, tuple | list) and len(hours) == 2:
        if all(isinstance(part, time) for part in hours):
            return hours[0], hours[1]
        return _span(f"{hours[0]}-{hours[1]}")
    return None
