"""Time as an argument: a clock is a function, moments are aware and in UTC, text is ISO-8601."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from testkit.errors import InputError

__all__ = ["Clock", "from_text", "parse_local", "shown", "to_text", "utc_now", "zone"]

Clock = Callable[[], datetime]
"""A function without arguments that returns the present moment, aware and in UTC."""


def utc_now() -> datetime:
    """The present moment in UTC: the only place where the machine's clock is read."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Fixed-width ISO-8601 text in UTC with microseconds, which sorts as time does.

    Args:
        moment: An aware moment, any zone.

    Returns:
        Text such as ``2026-11-03T14:00:00.000000Z``.

    Raises:
        InputError: ``moment`` has no zone.
    """
    if moment.tzinfo is None:
        raise InputError("a moment without a zone", field="moment", value=moment)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """The moment that :func:`to_text` wrote, or any ISO-8601 text that names its offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise InputError(f"{text!r} names no zone", field="moment", value=text)
    return moment.astimezone(UTC)


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name.

    Raises:
        InputError: There is no such zone; close names are suggested.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        import difflib

        near = difflib.get_close_matches(name, available_timezones(), n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else "use a name like Europe/Paris"
        raise InputError(f"no time zone {name!r}", field="zone", value=name, hint=hint) from cause


_AGO: Final = re.compile(r"(\d{1,6})\s*(minute|hour|day|week)s?\s+ago")
_IN: Final = re.compile(r"in\s+(\d{1,6})\s*(minute|hour|day|week)s?")


def parse_local(text: str, *, zone_name: str, now: datetime | None = None) -> datetime:
    """A moment as a person writes it: ISO-8601, in the organisation's zone unless it names one.

    Args:
        text: ``2026-11-03 09:00``, ``2026-11-03`` (midnight), with an offset or ``Z``; or
            ``3 days ago``, ``in 2 hours``.
        zone_name: IANA zone for text without an offset.
        now: The present moment, for ``ago`` and ``in``; None where such text makes no sense.

    Raises:
        InputError: The text is not a moment.
    """
    ago = _AGO.fullmatch(text.strip().lower())
    if ago and now is not None:
        return now - timedelta(**{f"{ago[2]}s": int(ago[1])})
    later = _IN.fullmatch(text.strip().lower())
    if later and now is not None:
        return now + timedelta(**{f"{later[2]}s": int(later[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as cause:
        raise InputError(
            f"{text!r} is not a date and time",
            field="time",
            value=text,
            hint="write it like 2026-11-03 09:00, or 3 days ago",
        ) from cause
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(zone_name))
    return moment.astimezone(UTC)


def shown(moment: datetime, *, zone_name: str) -> str:
    """A moment for people, in the organisation's zone: ``3 Nov 2026 09:00 EST``."""
    local = moment.astimezone(zone(zone_name))
    return f"{local.day} {local:%b %Y %H:%M %Z}"
