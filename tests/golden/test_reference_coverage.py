"""Every group of the reference file is met by a golden test and stands in the page that says so."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.golden.reference_file import VARIABLE, groups

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "statistics" / "validation.md"


def named_by_tests() -> dict[str, set[str]]:
    """``group -> golden modules`` over every call of ``over`` with a name."""
    found: dict[str, set[str]] = {}
    for path in sorted(HERE.glob("test_reference_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "over":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}"
                found.setdefault(node.args[0].value, set()).add(path.name)
    return found


def rows() -> dict[str, list[str]]:
    """``group -> functions`` of the page's tables."""
    text = PAGE.read_text(encoding="utf-8").partition("## Groups")[2].partition("\n## ")[0]
    found: dict[str, list[str]] = {}
    for group, functions in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE):
        assert group not in found, f"{group} stands there twice"
        found[group] = re.findall(r"`([\w.]+)`", functions)
    return found


def test_the_page_lists_exactly_the_groups_that_golden_tests_name() -> None:
    assert set(rows()) == set(named_by_tests())


def test_each_group_belongs_to_one_golden_module() -> None:
    shared = {group: files for group, files in named_by_tests().items() if len(files) > 1}
    assert not shared


def test_every_function_in_the_page_is_public_and_is_used_by_the_golden_tests() -> None:
    tests = "\n".join(p.read_text(encoding="utf-8") for p in HERE.glob("test_reference_*.py"))
    for group, functions in rows().items():
        assert functions, group
        for function in functions:
            module, _, name = function.partition(".")
            assert name in importlib.import_module(f"testkit.stats.{module}").__all__, function
            assert re.search(rf"\b{name}\b", tests), function


@pytest.mark.reference
def test_every_group_of_the_reference_file_is_named_by_a_test_and_listed_in_the_page() -> None:
    if not groups():
        pytest.skip(f"{VARIABLE} is unset or holds no statistics.json")
    unmet = set(groups()) - set(named_by_tests())
    assert not unmet, "give each a golden test, or list it with the reason it cannot apply"
    assert set(groups()) <= set(rows())


@pytest.mark.parametrize("path", sorted(HERE.glob("own_*.json")), ids=lambda path: path.stem)
def test_each_of_our_own_files_is_read_by_a_golden_test(path: Path) -> None:
    readers = [p.name for p in HERE.glob("test_*.py") if path.name in p.read_text(encoding="utf-8")]
    assert readers, path.name
