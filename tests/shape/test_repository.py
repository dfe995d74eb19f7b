"""The repository is complete, and tells nothing about the machine that it was written on."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib

import pytest

from tests.shape.sources import PACKAGES, ROOT, tracked

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
TARGETS = {
    "bench", "check", "demo", "docs", "fix", "serve", "slow", "test", "types", "wheel",
}  # fmt: skip
MACHINE = re.compile(r"(?<![\w.])(?:/work/|/tmp/|/home/\w|/root/|/Users/\w|[A-Z]:\\Users)")


@pytest.mark.parametrize("lock", [pytest.param(p, id=p.name) for p in LOCKS])
def test_a_lock_pins_every_package_by_digest_and_names_no_host(lock):
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(--index|--extra-index|--find-links|-i |-f )", text, re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert len(blocks) > 10
    for block in blocks:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


def test_the_locks_cover_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = {
        path.stem: set(re.findall(r"^([\w.-]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
        for path in LOCKS
    }
    wanted = {
        "core": project["dependencies"],
        "test": project["dependencies"] + project["optional-dependencies"]["test"],
    }
    for name, requirements in wanted.items():
        asked = {re.match(r"[\w.-]+", r)[0].lower() for r in requirements}
        assert asked <= locked[name]


def test_no_file_names_a_place_on_one_machine():
    telling = []
    for path in tracked():
        if path.is_relative_to(ROOT / "tests"):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        telling += [f"{path.relative_to(ROOT)}: {found}" for found in MACHINE.findall(text)]
    assert not telling


def test_licence_and_types_are_shipped():
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").exists()


def test_readme_fits_on_a_few_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_decisions_are_numbered_and_say_context_decision_and_consequence():
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [f.name[:4] for f in files] == [f"{n:04d}" for n in range(1, len(files) + 1)]
    for file in files:
        text = file.read_text(encoding="utf-8")
        for word in ("**Context.**", "**Decision.**", "**Consequence.**"):
            assert word in text, f"{file.name} has no {word}"


def test_make_help_lists_the_targets():
    if shutil.which("make") is None:
        pytest.skip("no make on this machine")
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = set(re.findall(r"^  make (\w+)", shown, re.MULTILINE))
    assert listed >= TARGETS
