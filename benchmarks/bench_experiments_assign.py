"""experiments-assign: a million people through ``experiment assign``, and a tool's lists.

Figures: seconds of the command for the list alone (``assign_s``), of the same command again with
``--for``, which writes one more file per arm and wave (``hand_back_s``), and whether progress was
said on the way (``steps``: how many different steps were named). One process, as a person waits for
it, but without the start of the interpreter.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAN = """\
experiment: bench
title: Does a name help?
hypothesis: People answer to their name.
what_will_change: The next message.
owner: sam
list: {{size: {rows}, test: {rows}}}
arms:
  - {{name: control, control: true, text: Call today}}
  - {{name: name, text: "Ana, call today", link: "https://example.org/call"}}
metrics:
  - {{name: called, tier: organising, base_rate: 0.1, mde: 0.02, window_hours: 24}}
design: {{waves: 1}}
"""


def run(*, small: bool) -> Iterator[Figure]:
    rows = 5_000 if small else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        team = Path(folder) / "team"
        prepared(team, rows)
        people = str(team / "people.csv")
        first, steps = assign_timed(team, people)
        again, _ = assign_timed(team, people, "--for", "mailchimp-api")
    note = f"{rows:,} people, two arms, one wave"
    yield Figure(figure="assign_s", value=round(first, 2), unit="s", note=note)
    yield Figure(
        figure="hand_back_s", value=round(again, 2), unit="s", note=f"{note}; both kinds of files"
    )
    yield Figure(figure="steps", value=steps, unit="count", target=">= 3", note="progress said")


def command(*words: str) -> None:
    """Run a command as a person would; its output is not of interest."""
    import cli

    with contextlib.redirect_stdout(io.StringIO()):
        code = cli.run(list(words))
    if code:
        raise RuntimeError(f"{' '.join(words[:4])} gave {code}")


def prepared(team: Path, rows: int) -> None:
    """A workspace with a locked plan, and the list of its people."""
    command("init", str(team))
    home = team / "experiments" / "bench"
    home.mkdir(parents=True)
    (home / "experiment.yaml").write_text(PLAN.format(rows=rows), encoding="utf-8")
    command("-C", str(team), "experiment", "lock", "bench")
    with (team / "people.csv").open("w", encoding="utf-8", newline="") as file:
        file.write("supporter_id,email,first_name,zip\r\n")
        file.writelines(f"S{i:07d},person{i}@example.org,Zoë,02134\r\n" for i in range(rows))


def assign_timed(team: Path, people: str, *more: str) -> tuple[float, int]:
    """Seconds of ``experiment assign``, and how many steps it named."""
    watched = Watched()
    started = time.perf_counter()
    with contextlib.redirect_stderr(watched):
        command("-C", str(team), "experiment", "assign", "bench", people, *more)
    return time.perf_counter() - started, watched.steps()


class Watched(io.StringIO):
    """Standard error as a terminal would be, which shows progress."""

    def isatty(self) -> bool:
        """It is watched."""
        return True

    def steps(self) -> int:
        """How many different steps were named."""
        return len({part for part in self.getvalue().split("\r") if "..." in part})
