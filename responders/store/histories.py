"""What the schedule remembers of a feed, as the text of a column."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Final

from responders.feeds.rhythm import FeedHistory
from responders.model.feed import FeedState
from testkit.kernel.clock import from_text, to_text

__all__ = ["history_of", "history_text"]


def history_text(history: FeedHistory) -> str:
    """A history as JSON text."""
    out = {}
    for item in fields(history):
        value = getattr(history, item.name)
        out[item.name] = to_text(value) if isinstance(value, datetime) else value
    return json.dumps(out)


_MOMENTS: Final = tuple(item.name for item in fields(FeedHistory) if "datetime" in str(item.type))


# A poll reads a feed when it is due, again when its answer is stored, and all of them to fit the
# schedule; in between it seldom changes.
@lru_cache(maxsize=1024)
def history_of(text: str) -> FeedHistory:
    """A history from its JSON text."""
    raw = json.loads(text)
    for name, value in raw.items():
        if isinstance(value, list):
            raw[name] = tuple(value)
    for name in _MOMENTS:
        if raw.get(name) is not None:
            raw[name] = from_text(raw[name])
    raw["state"] = FeedState(raw["state"])
    return FeedHistory(**raw)
