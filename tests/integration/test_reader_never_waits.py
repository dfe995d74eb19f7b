"""A million rows come in while another process reads: the reader never waits over 100 ms."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from testkit.kernel.sqlite import Database, journal_mode

ROWS = 1_000_000
ROOT = Path(__file__).parent.parent.parent
DEFINITION = f"""\
experiment: million
owner: sam
list: {{size: {ROWS}, test: {ROWS}}}
arms: [{{name: control, control: true}}, {{name: new}}]
metrics: [{{name: gave, tier: organising, base_rate: 0.02, mde: 0.002, window_hours: 24}}]
design: {{waves: 2}}
"""


def read_for_ever(path: str, stop, waits) -> None:
    """Read a table again and again; report how long each read took, in milliseconds."""
    database = Database(Path(path))
    while not stop.is_set():
        start = time.perf_counter()
        database.rows("SELECT kind, source_name FROM batch")
        waits.append((time.perf_counter() - start) * 1000)
        time.sleep(0.005)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_million_rows_come_in_while_a_reader_never_waits(shell, tmp_path):
    if journal_mode() != "WAL":
        pytest.fail("the bundled SQLite should run in WAL mode on this platform")
    folder = shell.folder / "experiments" / "million"
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(DEFINITION, encoding="utf-8")
    shell.ok("experiment", "lock", "million")
    names = tmp_path / "list.csv"
    names.write_text("supporter_id\n" + "\n".join(f"S{i:07d}" for i in range(ROWS)) + "\n")
    shell.ok("experiment", "assign", "million", str(names))
    did = np.random.default_rng(5).random(ROWS) < 0.02
    results = tmp_path / "results.csv"
    rows = "\n".join(f"S{i:07d},{int(did[i])}" for i in range(ROWS))
    results.write_text(f"supporter_id,gave\n{rows}\n")

    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        stop, waits = manager.Event(), manager.list()
        # A local list would be lost with the process; the manager's is read afterwards.
        reader = context.Process(
            target=read_for_ever, args=(str(shell.folder / "workspace.db"), stop, waits)
        )
        reader.start()
        time.sleep(0.5)
        words = ["experiment", "intake", "million", str(results), "--json"]
        taken = subprocess.run(
            [sys.executable, str(ROOT / "cli.py"), "-C", str(shell.folder), *words],
            capture_output=True,
            text=True,
            check=False,
        )
        stop.set()
        reader.join(timeout=20)
        measured = list(waits)
    assert taken.returncode == 0, taken.stderr
    assert f'"rows": {ROWS}' in taken.stdout
    assert len(measured) > 50
    assert max(measured) < 100, sorted(measured)[-5:]
