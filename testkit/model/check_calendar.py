"""Whether a test meets other tests: shared people, and days with too many messages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.check_outcomes import Report
    from testkit.model.definition import Definition

__all__ = ["Neighbour", "check_calendar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another test that is locked and not decided.

    Attributes:
        experiment: Its name.
        channel: Where its messages go out.
        days: Days of its sends, planned or done.
        exclude: Experiments whose units it keeps out.
        window_hours: How long its outcome counts after a send.
        running: Whether anything of it was sent.
    """

    experiment: str
    channel: str
    days: tuple[date, ...]
    exclude: tuple[str, ...]
    window_hours: float
    running: bool = False


def check_calendar(
    definition: Definition,
    *,
    neighbours: Sequence[Neighbour],
    most: int | None,
    days: int,
    warn: Report,
) -> None:
    """Report other tests on the same people, and days on which people would hear too often.

    Args:
        definition: The values.
        neighbours: Other tests that run.
        most: Messages that the organisation allows itself per person; None for no limit.
        days: In how many days in a row.
        warn: Told what is weak.
    """
    others = [
        other
        for other in neighbours
        if other.experiment not in definition.audience.exclude
        and definition.experiment not in other.exclude
    ]
    windows = [metric.window_hours or 0.0 for metric in definition.metrics]
    for other in others:
        reach = timedelta(hours=max([*windows, other.window_hours]))
        if _apart(definition.send_on, other.days, reach=reach):
            continue
        warn(
            "EX028",
            ("list",),
            f"{other.experiment!r} is {'running' if other.running else 'locked and not sent yet'},"
            " and its people are not kept out",
            f"add `exclude: [{other.experiment}]` under list, or send when it has ended",
        )
    if most is None:
        return
    sends = [*definition.send_on, *(day for other in others for day in other.days)]
    for i, day in enumerate(definition.send_on):
        near = [d for d in sends if day - timedelta(days=days) < d <= day]
        if len(near) > most:
            warn(
                "EX029",
                ("send_on", i),
                f"{day.isoformat()} would be message {len(near)} in {days} days; the limit is"
                f" {most}",
                "move the send, or exclude the people of the other test",
            )


def _apart(ours: Sequence[date], theirs: Sequence[date], *, reach: timedelta) -> bool:
    """Whether no send of one falls into the attribution window of the other."""
    if not ours or not theirs:
        return False
    return all(abs(a - b) > reach for a in ours for b in theirs)
