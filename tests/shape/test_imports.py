"""Asking for help costs nothing: nothing heavy is imported before a command runs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.docs.commands_page import commands
from tests.shape.sources import ROOT, modules

HEAVY = (
    "duckdb", "feedparser", "httpx2", "jinja2", "lxml", "narwhals", "numpy", "pandas", "pydantic",
    "re2", "scipy", "scipy.stats", "sqlite_utils", "statsmodels", "yaml",
)  # fmt: skip


def imported_by(program: str, *words: str) -> set[str]:
    """Which heavy modules a process has imported when the program ends."""
    listing = f"import json; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, '.'); {program}; {listing}",
            *words,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


RUN = "import cli; [cli.run(line.split()) for line in sys.argv[1:]]"


def test_the_help_of_every_command_imports_nothing_heavy():
    lines = [" ".join([*path.split()[1:], "--help"]) for path, _, _ in commands()]
    assert imported_by(RUN, *lines) == set()


def test_a_quick_answer_needs_no_statistics_package_and_no_engine():
    found = imported_by(RUN, "quick 1751 141 1750 125")
    assert "numpy" in found  # the guard sees what a command imports
    assert not found & {"scipy.stats", "statsmodels", "pandas", "duckdb", "pydantic"}


@pytest.mark.parametrize("package", ["testkit.stats", "testkit.kernel"])
def test_importing_a_floor_imports_no_statistics_package(package):
    names = [name for name in modules() if name.startswith(package)]
    found = imported_by("; ".join(f"import {name}" for name in names))
    assert not found & {"scipy.stats", "statsmodels", "pandas", "duckdb"}


def test_the_library_is_imported_when_a_name_of_it_is_asked_for():
    assert imported_by("import testkit") == set()
    assert "narwhals" in imported_by("import testkit; testkit.compare")
