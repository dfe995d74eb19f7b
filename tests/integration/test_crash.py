"""SIGKILL just before seeded effects: nothing is lost or half-written, a second run heals."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from responders.demo import serve
from testkit.kernel import ledger
from testkit.kernel.sqlite import Database
from tests.conftest import MovableClock

pytestmark = pytest.mark.faults

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
POINTS = 4
MANY_POINTS = 25


@pytest.fixture
def clock() -> MovableClock:
    """The killed processes read the machine's clock: so does what was prepared for them."""
    return MovableClock(datetime.now(UTC).replace(microsecond=0))


def command(folder: Path, *words: str, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KILL_AT": str(kill_at), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, str(HERE / "killed.py"), "-C", str(folder), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def rows(folder: Path, sql: str, name: str = "workspace.db") -> list[dict]:
    return Database(folder / name).rows(sql)


def whole(folder: Path) -> None:
    """Both databases are sound and the ledger's chain is intact."""
    for name in ("workspace.db", "archive.db"):
        assert rows(folder, "PRAGMA integrity_check", name) == [{"integrity_check": "ok"}]
    with Database(folder / "workspace.db").read() as conn:
        assert ledger.verify(conn) == []


def points(total: int, *, seed: int, count: int) -> list[int]:
    """Seeded points over the whole run, most of them among the last effects, near the commit."""
    rng = random.Random(seed)
    late = range(max(1, total - 30), total + 1)
    chosen = {rng.randint(1, total) for _ in range(count // 2)} | set(rng.sample(late, count))
    return sorted(chosen)[-count:]


def effects_of(result: subprocess.CompletedProcess[str]) -> int:
    found = re.search(r"effects=(\d+)", result.stderr)
    assert found, result.stderr
    return int(found[1])


def play(template: Path, work: Path, words: list[str], *, seed: int, count: int, check) -> None:
    """Kill the command at seeded points, each in a fresh copy; check, heal, check again."""
    baseline = work / "baseline"
    shutil.copytree(template, baseline)
    done = command(baseline, *words)
    assert done.returncode == 0, done.stderr
    total = effects_of(done)
    wanted = check(baseline)
    killed = 0
    for point in points(total, seed=seed, count=count):
        folder = work / f"at-{point}"
        shutil.copytree(template, folder)
        result = command(folder, *words, kill_at=point)
        killed += result.returncode == -signal.SIGKILL
        whole(folder)
        check(folder)
        again = command(folder, *words)
        # A file that had been taken in before the kill is refused kindly: that is healed too.
        assert again.returncode in {0, 3}, again.stderr
        whole(folder)
        assert check(folder) == wanted, f"killed before effect {point} of {total}"
        shutil.rmtree(folder)
    assert killed >= count - 1  # the number of effects varies by one or two between runs


def batch_state(folder: Path) -> list[tuple]:
    batches = rows(folder, "SELECT source_name, data_sha256, rows, kind FROM batch")
    recorded = rows(folder, "SELECT payload FROM ledger WHERE kind = 'batch.taken_in'")
    assert len(batches) == len(recorded)
    for batch in batches:
        assert (folder / "data" / "results" / f"{batch['data_sha256']}.parquet").exists()
    return [tuple(batch.values()) for batch in batches]


@pytest.fixture
def counted(shell):
    shell.json("example", "play", "karlan-list-2007")
    shell.ok("experiment", "lock", "karlan-list-2007")
    return shell.folder


def intake_words(folder: Path) -> list[str]:
    source = folder / "experiments" / "karlan-list-2007" / "batch-1.csv"
    return ["experiment", "intake", "karlan-list-2007", str(source), "--sent-at", "2026-10-01"]


def test_a_killed_intake_loses_nothing(counted, tmp_path):
    play(counted, tmp_path, intake_words(counted), seed=1, count=POINTS, check=batch_state)


def newsroom_state(folder: Path) -> tuple:
    entries = rows(folder, "SELECT feed, guid FROM entry ORDER BY 1, 2", "archive.db")
    drafts = rows(folder, "SELECT issue, title FROM draft ORDER BY 1, 2")
    raised = rows(folder, "SELECT subject FROM ledger WHERE kind = 'draft.raised'")
    assert len(drafts) == len(raised)
    orphans = rows(
        folder,
        "SELECT 1 FROM entry WHERE story NOT IN (SELECT id FROM story)",
        "archive.db",
    )
    assert orphans == []
    return (len(entries), [tuple(d.values()) for d in drafts])


def watched(shell, addresses: list[str]) -> Path:
    config = shell.folder / "whistlestop.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("allow_hosts: []", "allow_hosts: [127.0.0.1]"), "utf-8")
    shell.ok("feed", "add", *addresses)
    return shell.folder


def test_a_killed_tick_loses_and_doubles_nothing(shell, tmp_path):
    with serve("first-light") as addresses:
        folder = watched(shell, addresses)
        play(folder, tmp_path, ["tick"], seed=2, count=POINTS, check=newsroom_state)


def signoff_state(folder: Path) -> list[tuple]:
    events = rows(folder, "SELECT kind FROM request_event ORDER BY seq")
    recorded = rows(folder, "SELECT kind FROM ledger WHERE kind LIKE 'signoff.%' ORDER BY seq")
    assert len(events) == len(recorded)
    return [tuple(e.values()) for e in events]


def submitted(shell, addresses: list[str]) -> tuple[Path, str]:
    folder = watched(shell, addresses)
    draft = shell.json("tick")["drafts"][0]["draft"]
    request = shell.json("draft", "submit", draft, "--no-candidate", person="sam")
    return folder, request["revision"]


def test_a_killed_approval_is_there_or_not_never_half(shell, tmp_path):
    with serve("first-light", now=shell.clock()) as addresses:
        folder, revision = submitted(shell, addresses)
    words = ["--as", "kim", "signoff", "approve", revision]
    play(folder, tmp_path, words, seed=3, count=POINTS, check=signoff_state)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [11, 12])
def test_killed_anywhere_at_length(shell, tmp_path, seed):
    with serve("first-light", now=shell.clock()) as addresses:
        folder, revision = submitted(shell, addresses)
    words = ["--as", "kim", "signoff", "approve", revision]
    play(folder, tmp_path / "approve", words, seed=seed, count=MANY_POINTS, check=signoff_state)
