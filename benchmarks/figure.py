"""One measured figure, and the few tools every benchmark shares."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value with its unit and, where there is one, the target it must hold.

    Attributes:
        figure: Name of the figure.
        value: What was measured; None where it could not be, with the reason in ``note``.
        unit: ``ms``, ``s``, ``ratio``, ``count`` ...
        target: The promise in words, such as ``<= 40``; empty when the figure is information only.
        note: Anything the reader needs: peer and version, sample size, seed.
    """

    figure: str
    value: float | int | None
    unit: str
    target: str = ""
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None without a target or a value."""
        if not self.target or self.value is None:
            return None
        sign, bound = self.target.split()
        limit = float(bound)
        return {
            "<=": self.value <= limit,
            ">=": self.value >= limit,
            "==": self.value == limit,
            "<": self.value < limit,
            ">": self.value > limit,
        }[sign]

    def as_dict(self) -> dict[str, Any]:
        """The figure as the JSON object that the runner prints."""
        return {**asdict(self), "holds": self.holds}


def median_ms(call: Callable[[], object], *, repeats: int = 7) -> float:
    """Median wall time of ``call`` in milliseconds over ``repeats`` runs after one warm-up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def data_folder() -> Path | None:
    """The folder of real data, from ``WHISTLESTOP_DATA``; None when it is not there."""
    return _folder("WHISTLESTOP_DATA")


def reference_folder() -> Path | None:
    """The folder of independent numbers, from ``WHISTLESTOP_REFERENCE``; None when not there."""
    return _folder("WHISTLESTOP_REFERENCE")


def _folder(variable: str) -> Path | None:
    value = os.environ.get(variable, "")
    return Path(value) if value and Path(value).is_dir() else None
