"""Limits on a process, tried on processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")


def _run(code: str) -> subprocess.CompletedProcess[str]:
    setup = "from testkit.kernel.limits import *\n"
    return subprocess.run(
        [sys.executable, "-c", setup + code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_memory_beyond_the_limit_is_an_error_in_the_process() -> None:
    done = _run(
        "held = limit_process(memory_bytes=200_000_000)\n"
        "try: bytearray(400_000_000)\n"
        "except MemoryError: print(sorted(held))\n"
    )
    assert done.stdout.strip() == "['core', 'files', 'memory']"


def test_no_file_can_be_written(tmp_path: object) -> None:
    done = _run(
        "limit_process(memory_bytes=200_000_000)\n"
        f"file = open({f'{tmp_path}/x'!r}, 'w')\n"
        "file.write('x' * 100_000)\n"
        "file.close()\n"
        "print('written')\n"
    )
    assert "written" not in done.stdout


def test_computing_beyond_the_limit_ends_the_process() -> None:
    done = _run("limit_cpu_from_now(0.5)\nwhile True: pass\n")
    assert done.returncode < 0


def test_each_call_starts_the_count_anew() -> None:
    done = _run(
        "import time\n"
        "for _ in range(3):\n"
        "    limit_cpu_from_now(0.7)\n"
        "    end = time.process_time() + 0.4\n"
        "    while time.process_time() < end: pass\n"
        "print('alive')\n"
    )
    assert done.stdout.strip() == "alive"
