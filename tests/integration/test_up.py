"""One process for a small office: pages, newsroom and delivery, until it is told to stop."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from testkit.kernel import ledger
from testkit.kernel.clock import utc_now
from tests.peers import mail_server
from tests.web_world import Office

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "how", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_up_serves_tells_and_stops_cleanly(tmp_path, how):
    office = Office(folder=tmp_path / "ws", clock=utc_now)
    office.run("init", str(office.folder))
    office.raise_draft()
    office.submit()
    with mail_server() as peer:
        settings = {
            "delivery.mail.host": "127.0.0.1", "delivery.mail.port": str(peer.port),
            "delivery.mail.security": "none", "delivery.mail.sender": "d@example.org",
        }  # fmt: skip
        words = [w for item in settings.items() for w in ("--set", "=".join(item))]
        process = subprocess.Popen(
            [sys.executable, "-c", "import cli; cli.main()", "-C", str(office.folder), *words,
             "up", "--port", "0"],
            cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())[0]
            deadline = time.monotonic() + 60
            while len(peer.got) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert sorted(to for to, _ in peer.got) == ["alex@example.org", "kim@example.org"]
            assert httpx2.get(f"{address}/signin", timeout=20).status_code == 200
            started = datetime.now(UTC)
            process.send_signal(how)
            _, rest = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, rest
    assert rest.endswith("stopped\n")
    assert (datetime.now(UTC) - started).total_seconds() < 30
    with office.workspace().db.read() as conn:
        assert ledger.verify(conn) == []
    assert {m["status"] for m in office.json("outbox", "list", "--all")} == {"sent"}
