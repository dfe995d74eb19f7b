"""When to try again: pure, so that a test can walk through a week in a loop.

Two kinds of failure. A peer that does not answer at all says nothing about a message: the channel
pauses, no attempt is counted, and nothing is ever given up because an office was without internet
for a weekend. A peer that answers "not this one, not now" counts an attempt; after the last one
the message is given up, and ``doctor`` says so until somebody looks.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["DELAYS", "next_try", "peer_pause"]

DELAYS: Final = tuple(timedelta(minutes=m) for m in (0.5, 2, 10, 30, 2 * 60, 5 * 60, 10 * 60))
"""Waits between attempts; about 18 hours in all."""

_PAUSES: Final = tuple(timedelta(seconds=s) for s in (15, 30, 60, 120, 300, 900))


def next_try(
    message_id: str, *, attempts: int, now: datetime, asked: timedelta | None = None
) -> datetime | None:
    """The moment of the next attempt; None when that was the last.

    Args:
        message_id: Spreads messages that failed together: up to a tenth later, always the same.
        attempts: How many were made, at least 1.
        now: The moment of the last one.
        asked: What the peer asked for (``Retry-After``); a longer wait than ours is granted, up
            to a day.

    Examples:
        >>> from datetime import UTC, datetime
        >>> next_try("msg_1", attempts=8, now=datetime(2026, 11, 3, tzinfo=UTC)) is None
        True
    """
    if attempts > len(DELAYS):
        return None
    delay = DELAYS[attempts - 1]
    spread = hashlib.sha256(message_id.encode()).digest()[0] / 255 / 10
    delay += delay * spread
    if asked is not None:
        delay = max(delay, min(asked, timedelta(days=1)))
    return now + delay


def peer_pause(failures: int) -> timedelta:
    """How long a channel pauses after so many failures in a row, at least 1."""
    return _PAUSES[min(failures, len(_PAUSES)) - 1]
