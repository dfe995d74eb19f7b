"""How long a person waits for the command line: ``--help``, and a look that is already recorded.

Peer: ``python -c pass`` on the same machine in the same run, the floor of any Python program.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, median_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
NAME = "karlan-list-2007"


def run(*, small: bool) -> Iterator[Figure]:
    """Medians of whole processes, started anew each time."""
    repeats = 3 if small else 15

    def timed(*words: str) -> float:
        return median_ms(
            lambda: subprocess.run(
                [sys.executable, *words], check=True, capture_output=True, cwd=ROOT
            ),
            repeats=repeats,
        )

    floor = timed("-c", "pass")
    note = f"median of {repeats} processes; python -c pass takes {floor:.1f} ms"
    help_ms = timed("cli.py", "--help")
    yield Figure(figure="help_ms", value=help_ms, unit="ms", note=note)
    yield Figure(figure="help_ratio", value=help_ms / floor, unit="ratio", note=note)
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder) / "ws")
        look_ms = timed("cli.py", "-C", str(Path(folder) / "ws"), "experiment", "look", NAME)
    yield Figure(figure="look_ms", value=look_ms, unit="ms", note=f"{note}; a recorded look")
    yield Figure(figure="look_ratio", value=look_ms / floor, unit="ratio", note=note)


def _prepare(folder: Path) -> None:
    def command(*words: str) -> None:
        subprocess.run(
            [sys.executable, "cli.py", *words], check=True, capture_output=True, cwd=ROOT
        )

    command("init", str(folder))
    command("-C", str(folder), "example", "play", NAME)
    command("-C", str(folder), "experiment", "lock", NAME)
    batch = folder / "experiments" / NAME / "batch-1.csv"
    command("-C", str(folder), "experiment", "intake", NAME, str(batch), "--sent-at", "9 days ago")
    command("-C", str(folder), "experiment", "look", NAME)
