"""When something is due, for somebody who reads it now: by the clock and by how long it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from testkit.kernel.clock import shown, zone

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Due", "due_of", "span"]

_DAYS: Final = {-1: "yesterday", 0: "today", 1: "tomorrow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A deadline in words.

    Attributes:
        when: By the clock, in the organisation's zone: ``today 09:40 EST``.
        span: How long that is: ``in 40 min``, or ``26 min ago``.
        late: Whether it has passed.
    """

    when: str
    span: str
    late: bool


def due_of(at: datetime, *, now: datetime, zone_name: str) -> Due:
    """A deadline as it looks at ``now``.

    Args:
        at: The deadline, aware.
        now: The moment of reading, aware.
        zone_name: The organisation's zone.
    """
    local, here = at.astimezone(zone(zone_name)), now.astimezone(zone(zone_name))
    day = _DAYS.get((local.date() - here.date()).days)
    late = now >= at
    length = span(now - at if late else at - now)
    return Due(
        when=f"{day} {local:%H:%M %Z}" if day else shown(at, zone_name=zone_name),
        span=f"{length} ago" if late else f"in {length}",
        late=late,
    )


def span(length: timedelta) -> str:
    """A length of time, as exactly as somebody needs it who waits.

    Examples:
        >>> [span(timedelta(minutes=m)) for m in (0, 40, 75, 600, 3_000)]
        ['under a minute', '40 min', '1 h 15 min', '10 h', '2 days']
    """
    minutes = length // timedelta(minutes=1)
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest and hours < 6 else f"{hours} h"
    return f"{hours // 24} days"
