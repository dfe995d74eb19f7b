"""An environment of its own for each peer, made once from its lock file."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class PeerError(Exception):
    """The peer cannot be installed or run here; the message says why."""


def version(peer: str) -> str:
    """The peer's version in its lock file."""
    found = re.search(rf"^{peer}==([\w.]+)", _lock(peer).read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"{peer}.lock does not name {peer}"
    return found[1]


def interpreter(peer: str, *, cache: Path) -> Path:
    """The peer's Python, installed under ``cache`` unless the same lock is there already.

    Raises:
        PeerError: Its packages cannot be installed.
    """
    lock = _lock(peer)
    folder = cache / f"{peer}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        found = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--only-binary", ":all:", "--require-hashes", "-r", str(lock)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if found.returncode:
            reasons = [line for line in found.stderr.splitlines() if line.startswith("ERROR")]
            raise PeerError(reasons[-1] if reasons else f"pip ended with {found.returncode}")
        done.touch()
    return python


def run(peer: str, script: str, given: object, *, cache: Path) -> Any:
    """Run a script of this folder by the peer's Python: JSON in, JSON out.

    Raises:
        PeerError: The peer cannot be installed, or its script fails.
    """
    python = interpreter(peer, cache=cache)
    found = subprocess.run(
        [str(python), str(HERE / script)],
        input=json.dumps(given), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if found.returncode:
        last = found.stderr.strip().splitlines() or [f"exit {found.returncode}"]
        raise PeerError(last[-1])
    return json.loads(found.stdout)


def _lock(peer: str) -> Path:
    return HERE / f"{peer}.lock"
