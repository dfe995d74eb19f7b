"""The chart of where the time went, as data for inline SVG: one bar a line, in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.reports.charts import nice

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TimeBar", "TimeChart", "spoken_minutes", "time_chart"]

WIDTH: Final = 680
LABEL: Final = 200
RIGHT: Final = 110
ROW: Final = 34
TOP: Final = 10

# Okabe and Ito's colours, which people with any common colour blindness tell apart; every bar
# carries its name and its value in words besides.
COLOURS: Final = {
    "waiting": "#0072b2",
    "revision": "#e69f00",
    "objection": "#d55e00",
    "facts": "#cc79a7",
    "cleared": "#009e73",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBar:
    """One bar.

    Attributes:
        label: What the time was spent on.
        value: How much, in words.
        colour: Its fill.
        y: Top edge, pixels.
        width: Length, pixels.
    """

    label: str
    value: str
    colour: str
    y: int
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeChart:
    """Bars of time, longest promise first.

    Attributes:
        width: Pixels.
        height: Pixels.
        left: Where bars begin.
        bars: Top to bottom.
        words: The chart in a sentence, for whoever does not see it.
    """

    width: int
    height: int
    left: int
    bars: tuple[TimeBar, ...]
    words: str


def spoken_minutes(minutes: float) -> str:
    """A duration for people.

    Examples:
        >>> spoken_minutes(0.4), spoken_minutes(20), spoken_minutes(95), spoken_minutes(60 * 50)
        ('under a minute', '20 min', '1 h 35 min', '2 d 2 h')
    """
    whole = round(minutes)
    if whole < 1:
        return "under a minute"
    if whole < 60:
        return f"{whole} min"
    hours, rest = divmod(whole, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, over = divmod(hours, 24)
    return f"{days} d {over} h" if over else f"{days} d"


def time_chart(spent: Sequence[tuple[str, str, float]]) -> TimeChart:
    """Lay out where the time went.

    Args:
        spent: ``(kind, label, minutes)``, top to bottom; ``kind`` chooses the colour.
    """
    most = max((minutes for _, _, minutes in spent), default=0.0)
    reach, total = nice(most) if most > 0 else 1.0, sum(minutes for _, _, minutes in spent)
    bars = tuple(
        TimeBar(
            label=label,
            value=spoken_minutes(minutes),
            colour=COLOURS[kind],
            y=TOP + row * ROW,
            width=round(max(2.0, (WIDTH - LABEL - RIGHT) * minutes / reach), 1),
        )
        for row, (kind, label, minutes) in enumerate(spent)
    )
    shares = ", ".join(f"{label} {minutes / total:.0%}" for _, label, minutes in spent if total > 0)
    return TimeChart(
        width=WIDTH,
        height=TOP * 2 + ROW * len(bars),
        left=LABEL,
        bars=bars,
        words=f"{spoken_minutes(total)} in all: {shares}." if bars else "No time was spent yet.",
    )
