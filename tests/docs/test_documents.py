"""Every command, code block, doctest and link in README and docs holds."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import os
import re

import pytest

from responders.demo import serve
from tests.docs.commands_page import PAGE, render
from tests.docs.sessions import ROOT, Terminal, agrees, documents, fenced, shown, steps

DOCUMENTS = documents()
PACKAGES = ("testkit", "responders", "experiments")


def having(language: str):
    return [
        pytest.param(path, id=shown(path))
        for path in DOCUMENTS
        if fenced(path.read_text(encoding="utf-8"), language)
    ]


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An empty folder without settings from outside; feeds may be read from this machine."""
    for name in [name for name in os.environ if name.startswith("WHISTLESTOP")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WHISTLESTOP__POLLING__ALLOW_HOSTS", "[127.0.0.1]")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(ROOT / "docs")  # a reader stands in the clone
    return tmp_path


@pytest.mark.parametrize("path", having("console"))
def test_every_command_of_a_document_does_what_the_document_says(path, fresh):
    found = steps(path)
    assert found, "a console block without a command"
    with contextlib.ExitStack() as stack:
        feeds: list[str] = []
        if any("FEED_URL" in step.command for step in found):
            feeds = stack.enter_context(serve("first-light"))
        terminal = Terminal(feeds=feeds)
        for step in found:
            terminal.run(step)


@pytest.mark.parametrize("path", having("python"))
def test_every_python_block_of_a_document_runs(path, fresh):
    names: dict[str, object] = {"__name__": "document"}
    for line, body in fenced(path.read_text(encoding="utf-8"), "python"):
        exec(compile("\n" * line + body, str(path), "exec"), names)


def modules_with_examples() -> list[str]:
    files = [p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))]
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in [*files, ROOT / "cli.py"]
        if ">>> " in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_every_example_in_a_docstring_gives_what_it_says(name):
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0


def slug(heading: str) -> str:
    """The anchor that a Markdown page gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("path", [pytest.param(p, id=shown(p)) for p in DOCUMENTS])
def test_every_link_inside_the_project_leads_somewhere(path):
    text = re.sub(
        r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.is_relative_to(ROOT), target
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


def test_the_index_of_docs_leads_to_every_page():
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / target.partition("#")[0]).resolve()
        for target in re.findall(r"\]\(([^)\s]+)\)", index.read_text(encoding="utf-8"))
    }
    decisions = ROOT / "docs" / "decisions"
    assert decisions in linked
    pages = {path for path in DOCUMENTS[1:] if path != index and path.parent != decisions}
    assert pages <= linked


def test_shown_output_may_leave_out_lines_and_parts_of_lines_but_not_change_them():
    assert agrees("wrote ... people\n...\nend", "wrote 12 people\na\nb\nend\n")
    assert not agrees("wrote 13 people", "wrote 12 people\n")
    assert not agrees("wrote", "wrote\nand more\n")


def test_the_page_of_commands_is_current():
    assert PAGE.read_text(encoding="utf-8") == render(), (
        "write it anew: python tests/docs/commands_page.py --write"
    )
