"""Imports go downwards: the contracts of pyproject.toml, and what statistics may import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib

from tests.shape.sources import ROOT, modules, tree

LINT = "import sys; from importlinter.cli import lint_imports_command as run; run()"


def test_no_import_goes_upwards():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"Contracts: (\d+) kept, 0 broken", done.stdout)
    assert found, done.stdout
    assert int(found[1]) == len(contracts)


ALLOWED = ("numpy", "scipy", "statsmodels", "testkit.stats", "testkit.errors")


def test_statistics_import_numbers_and_errors_only():
    foreign = [
        f"{name} imports {module}"
        for name, path in modules().items()
        if name.startswith("testkit.stats")
        for module in imported(path)
        if module.split(".")[0] not in sys.stdlib_module_names
        and not any(module == a or module.startswith(f"{a}.") for a in ALLOWED)
    ]
    assert not foreign


def test_imports_are_absolute():
    relative = [
        f"{name}:{node.lineno}"
        for name, path in modules().items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def imported(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
