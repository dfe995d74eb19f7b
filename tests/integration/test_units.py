"""The unit files that `watch --systemd-units` writes."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from responders.units import NAMES, units
from testkit.errors import InputError


def read(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # keys of unit files keep their case
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


def test_the_timer_calls_the_same_tick_as_a_person(shell, tmp_path):
    folder = tmp_path / "units"
    done = shell.json("watch", "--systemd-units", str(folder), "--account", "comms")
    assert sorted(done["units"]) == sorted(NAMES) == sorted(p.name for p in folder.iterdir())
    parsed = {name: read((folder / name).read_text(encoding="utf-8")) for name in NAMES}
    tick = parsed["whistlestop-tick.service"]["Service"]
    assert tick["ExecStart"].endswith(f'-C "{shell.folder}" tick')
    assert (tick["Type"], tick["User"]) == ("oneshot", "comms")
    assert tick["ReadWritePaths"] == f'"{shell.folder}"'
    timer = parsed["whistlestop-tick.timer"]
    assert timer["Install"]["WantedBy"] == "timers.target"
    serve = parsed["whistlestop-serve.service"]["Service"]
    assert serve["ExecStart"].endswith(f'-C "{shell.folder}" serve')
    assert serve["Restart"] == "on-failure"


@pytest.mark.parametrize("path", ["/srv/100%/ws", '/srv/a"b', "/srv/a\nb", "/srv/$HOME"])
def test_a_path_that_a_unit_file_would_read_otherwise_is_refused(path):
    with pytest.raises(InputError, match="unit file"):
        units(program=Path("/usr/bin/whistlestop"), workspace=Path(path), account="comms")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_accepts_the_units(tmp_path):
    texts = units(program=Path("/bin/true"), workspace=tmp_path, account="root")
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in texts)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
