"""What a package offers is said in one place, and a module is about one thing."""

from __future__ import annotations

import ast

from tests.shape.sources import PACKAGES, declared, modules, tree

MODULES = modules()
MOST_NAMES = 25
MOST_LINES = 600


def test_every_package_declares_exactly_the_few_names_that_it_offers():
    for name, path in MODULES.items():
        if path.name != "__init__.py":
            continue
        public = {n for n in offered(path) if not n.startswith("_")}
        assert public == set(declared(path) or []), name
        assert len(public) <= MOST_NAMES, name


def offered(path):
    """Names that a package takes from its own modules, or makes itself."""
    body = list(tree(path).body)
    for node in tree(path).body:
        if isinstance(node, ast.If):  # names that are imported when they are first asked for
            body += node.body
    for node in body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name


def test_every_module_explains_itself_and_stays_readable():
    for name, path in MODULES.items():
        assert ast.get_docstring(tree(path)), name
        assert path.read_text(encoding="utf-8").count("\n") <= MOST_LINES, name


def test_a_name_that_others_import_is_declared_by_its_module():
    used = set()
    for path in MODULES.values():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ImportFrom) or node.module not in MODULES:
                continue
            listed = declared(MODULES[node.module])
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if listed is not None and alias.name not in listed and full not in MODULES:
                    used.add(full)
    assert not used


def test_nothing_outside_of_the_tests_looks_like_a_test():
    lookalikes = [
        f"{name}.{node.name}"
        for name, path in MODULES.items()
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))
        or (isinstance(node, ast.ClassDef) and node.name.startswith("Test") and not _no_test(node))
    ]
    assert not lookalikes


def _no_test(node: ast.ClassDef) -> bool:
    """Whether the class tells pytest to leave it alone."""
    return any(
        isinstance(line, ast.Assign)
        and isinstance(line.targets[0], ast.Name)
        and line.targets[0].id == "__test__"
        for line in node.body
    )
