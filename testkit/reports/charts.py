"""Charts as data for inline SVG: points and paths in pixels, computed once, drawn by a template."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "HEIGHT",
    "LEFT",
    "RIGHT",
    "TOP",
    "WIDTH",
    "Axis",
    "LookChart",
    "LookPoint",
    "look_chart",
    "nice",
]

WIDTH: Final = 680
HEIGHT: Final = 320
LEFT: Final = 62
RIGHT: Final = 16
TOP: Final = 16
BOTTOM: Final = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Tick marks of one axis: pixel position and label."""

    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPoint:
    """One look in the chart.

    Attributes:
        x: Pixel of the information fraction.
        y: Pixel of the effect.
        low: Pixel of the interval's lower end, clipped to the chart.
        high: Pixel of its upper end.
        open: Whether the interval is unbounded or clipped.
        number: Number of the look.
    """

    x: float
    y: float
    low: float
    high: float
    open: bool
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LookChart:
    """Effect with its valid-at-every-look interval over information, and the bounds.

    Attributes:
        width: Pixels.
        height: Pixels.
        x: Axis of the share of planned information.
        y: Axis of the effect.
        zero: Pixel of no effect.
        upper: SVG path of the upper bound on the effect scale.
        lower: SVG path of the lower bound.
        points: The looks.
        left: Left edge of the plot.
        right: Right edge.
        top: Top edge.
        bottom: Bottom edge.
    """

    width: int
    height: int
    x: Axis
    y: Axis
    zero: float
    upper: str
    lower: str
    points: tuple[LookPoint, ...]
    left: float
    right: float
    top: float
    bottom: float


def look_chart(
    looks: Sequence[tuple[int, float, float, float | None, float | None]],
    *,
    bounds: Sequence[tuple[float, float]],
    unit: float = 100.0,
) -> LookChart:
    """Lay out the looks of a test.

    Args:
        looks: ``(number, information fraction, effect, low, high)``; None for no limit.
        bounds: ``(information fraction, effect that crosses)`` at planned or realised looks.
        unit: Factor from the effect to what is printed (100: percentage points).
    """
    effects = [e for _, _, e, _, _ in looks]
    last = [v for _, _, _, low, high in looks[-1:] for v in (low, high) if v is not None]
    finite = [abs(b) for _, b in bounds if math.isfinite(b)]
    # Early bounds are far out: scale to what the last looks can show, and clip the rest.
    far = max([1e-6, *(abs(e) for e in effects), *(abs(v) for v in last), *sorted(finite)[:3]])
    reach = nice(1.15 * far * unit) / unit
    most = max([1.0, *(t for _, t, _, _, _ in looks)])

    def px(t: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * t / most, 1)

    def py(effect: float) -> float:
        clipped = max(-reach, min(reach, effect))
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - (clipped + reach) / (2 * reach)), 1)

    points = tuple(
        LookPoint(
            x=px(t),
            y=py(effect),
            low=py(-reach if low is None else low),
            high=py(reach if high is None else high),
            open=low is None or high is None or abs(low) > reach or abs(high) > reach,
            number=number,
        )
        for number, t, effect, low, high in looks
    )
    drawn = [(t, b) for t, b in bounds if math.isfinite(b)]
    path = {
        sign: " ".join(
            f"{'M' if i == 0 else 'L'}{px(t)},{py(sign * b)}" for i, (t, b) in enumerate(drawn)
        )
        for sign in (1, -1)
    }
    step = reach / 2
    return LookChart(
        width=WIDTH,
        height=HEIGHT,
        x=Axis(ticks=tuple((px(k / 4 * most), f"{k / 4 * most:.0%}") for k in range(5))),
        y=Axis(
            ticks=tuple(
                (py(k * step), f"{k * step * unit:+.2g}" if k else "0") for k in range(-2, 3)
            )
        ),
        zero=py(0.0),
        upper=path[1],
        lower=path[-1],
        points=points,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=HEIGHT - BOTTOM,
    )


def nice(value: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= value * (1 - 1e-9))
