"""The package's docstring leads to every module."""

from __future__ import annotations

import re
from pathlib import Path

import testkit.stats


def test_the_map_of_the_package_names_every_module_once() -> None:
    named = re.findall(r":mod:`~testkit\.stats\.(\w+)`", testkit.stats.__doc__ or "")
    files = {path.stem for path in Path(testkit.stats.__file__).parent.glob("[a-z]*.py")}
    assert sorted(named) == sorted(files)
