"""A newsroom after its first tick, made once per test process and copied for each test."""

from __future__ import annotations

import shutil

import pytest

from responders.demo import serve
from tests.conftest import Shell


@pytest.fixture
def newsroom_after_tick(tmp_path_factory, tmp_path, clock, capsys):
    """Four made-up feeds, five stories, one draft; the feeds are no longer served."""
    template = tmp_path_factory.getbasetemp() / "newsroom-after-tick"
    if not template.exists():
        made = Shell(folder=template, clock=clock, capsys=capsys)
        made("init", str(template), "--zone", "America/New_York", inside=False)
        made.settings["polling.allow_hosts"] = "[127.0.0.1]"
        with serve("first-light", now=clock()) as addresses:
            made.ok("feed", "add", *addresses)
            made.ok("tick")
    folder = tmp_path / "ws"
    shutil.copytree(template, folder)
    return Shell(folder=folder, clock=clock, capsys=capsys)
