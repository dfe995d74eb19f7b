"""SIGKILL at fifty seeded points of a tick, and a restart: each story and issue has one draft.

``test_crash.py`` kills real processes of the installed command at a few points. Here the parent
forks, so that a point costs a tick and not the start of a program; documents are read in the same
process, which the parse worker's own tests do not do.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import threading

import pytest

import cli
from responders.demo import serve
from responders.feeds.parse import ParseWorker
from responders.feeds.read import read_feed
from testkit.kernel import ledger
from testkit.kernel.console import App
from testkit.kernel.sqlite import Database

# The signal is sent from inside the child; a thread of the parent serves the feeds meanwhile.
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
    pytest.mark.timeout(600),
]
EFFECTS = {"execute", "executemany", "replace", "rename", "link", "unlink", "open", "write"}
POINTS = 50


def read_here(self, body, *, content_type, url, seen=(), now=None):
    return read_feed(body, content_type=content_type, url=url, now=now, seen=frozenset(seen))


def tick_in_child(folder, clock, *, kill_at):
    """Run a tick in a fork; returns how it ended and, where it ended by itself, its effects."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        seen = 0

        def watch(frame, event, called):
            nonlocal seen
            if event == "c_call" and called.__name__ in EFFECTS:
                seen += 1
                if seen == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        code = 70
        try:
            app = App(schemas=cli.schemas, kinds=cli.kinds, starter=cli.starter, clock=clock)
            words = ["-C", str(folder), "--set", "polling.allow_hosts=[127.0.0.1]", "tick"]
            threading.setprofile(watch)
            sys.setprofile(watch)
            code = cli.run(words, obj=app)
            sys.setprofile(None)
            os.write(write_end, str(seen).encode())
        finally:
            os._exit(code)
    os.close(write_end)
    told = os.read(read_end, 20)
    os.close(read_end)
    _, status = os.waitpid(child, 0)
    return status, int(told or 0)


def state(folder):
    """What must be the same however often the tick was killed."""
    workspace, archive = Database(folder / "workspace.db"), Database(folder / "archive.db")
    for database in (workspace, archive):
        assert database.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    with workspace.read() as conn:
        assert ledger.verify(conn) == []
    drafts = workspace.rows("SELECT story, issue, title FROM draft ORDER BY 1, 2")
    assert len({(d["story"], d["issue"]) for d in drafts}) == len(drafts)
    raised = workspace.rows("SELECT subject FROM ledger WHERE kind = 'draft.raised'")
    assert len(raised) == len(drafts)
    entries = archive.rows("SELECT guid FROM entry ORDER BY 1")
    assert len({e["guid"] for e in entries}) == len(entries)
    lost = "SELECT 1 FROM entry WHERE story NOT IN (SELECT id FROM story)"
    assert archive.rows(lost) == []
    return entries, [(d["issue"], d["title"]) for d in drafts]


def kill_everywhere(shell, tmp_path, monkeypatch, *, seed, count):
    monkeypatch.setattr(ParseWorker, "parse", read_here)
    with serve("first-light", now=shell.clock()) as addresses:
        shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
        shell.ok("feed", "add", *addresses)
        whole, warm = tmp_path / "whole", tmp_path / "warm"
        for folder in (whole, warm):
            shutil.copytree(shell.folder, folder)
        shell.ok("-C", str(warm), "tick")  # loads what a tick loads, once for all forks
        assert Database(shell.folder / "archive.db").rows("SELECT 1 FROM entry") == []
        status, total = tick_in_child(whole, shell.clock, kill_at=0)
        assert (status, total > count) == (0, True)
        wanted = state(whole)
        assert len(wanted[1]) == 1
        killed = 0
        for point in random.Random(seed).sample(range(1, total + 1), count):
            folder = tmp_path / "killed"
            shutil.copytree(shell.folder, folder)
            status, _ = tick_in_child(folder, shell.clock, kill_at=point)
            killed += os.WIFSIGNALED(status)
            status, _ = tick_in_child(folder, shell.clock, kill_at=0)
            assert status == 0, f"the tick after a kill before effect {point}"
            assert state(folder) == wanted, f"killed before effect {point} of {total}"
            shutil.rmtree(folder)
        # The order of the answers varies, and with it the number of effects, by a few.
        assert killed >= count - 3


def test_fifty_kills_raise_no_draft_twice_and_lose_none(shell, tmp_path, monkeypatch):
    kill_everywhere(shell, tmp_path, monkeypatch, seed=20261102, count=POINTS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kills_at_length(shell, tmp_path, monkeypatch, seed):
    kill_everywhere(shell, tmp_path, monkeypatch, seed=seed, count=3 * POINTS)
