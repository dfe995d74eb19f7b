"""Every public name of the statistics says what it takes, gives and refuses, and its source."""

from __future__ import annotations

import ast
import re

import pytest

from tests.shape.sources import declared, modules, tree

# No method of anybody's: checks and reshapes of arguments, choices by name, and arithmetic that
# a reader can do by hand. Everything else names its paper.
WITHOUT_A_SOURCE = {
    "balance.contamination",
    "boundaries.checked_bounds",
    "counts.tables",
    "effects.critical_value",
    "effects.decreasing_root",
    "effects.standardised",
    "eprocess.whole_array",
    "exact.first_crossing",
    "exact_inference.assemble",
    "exact_inference.difference_at_odds_ratio",
    "exact_table.root_from",
    "hypergeometric.margins_of",
    "hypergeometric.waves",
    "intervals.invert_log_scale",
    "intervals.quotient",
    "means.mean_variances",
    "power.checked_inflation",
    "power.tail_level",
    "recursion.checked_information",
    "returns.actions_per_thousand",
    "returns.cost_per_action",
    "roll.rate_prior",
    "roll.spread_from_tau",
    "shrink.normal_prior",
    "simulate.difference_at_stop",
    "simulate.draw_counts",
    "spending.spending_by_name",
}
SECTION = re.compile(
    r"^(Args|Attributes|Returns|Yields|Raises|References|Examples):\n(.*?)(?=\n\S|\Z)",
    re.MULTILINE | re.DOTALL,
)
SOURCE = re.compile(r"\(\d{4}\)|, \d{4}\b|arXiv|\bch\. \d")


def public(kind):
    """``module.name -> node`` of what the modules declare."""
    found = {}
    for dotted, path in modules().items():
        if not dotted.startswith("testkit.stats."):
            continue
        names = declared(path)
        assert names is not None, f"{dotted} declares nothing"
        for node in tree(path).body:
            if isinstance(node, kind) and node.name in names:
                found[f"{dotted.removeprefix('testkit.stats.')}.{node.name}"] = node
    return found


FUNCTIONS, CLASSES = public(ast.FunctionDef), public(ast.ClassDef)


def sections(node):
    text = ast.get_docstring(node)
    assert text, f"{node.name} has no docstring"
    return dict(SECTION.findall(text))


def explained(body):
    """Names that a section explains, each at the start of a line of its own."""
    return set(re.findall(r"^    \*{0,2}(\w+):", body, re.MULTILINE))


def raises(node):
    return any(isinstance(inner, ast.Raise) for inner in ast.walk(node))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_gives_and_refuses(name):
    node, said = FUNCTIONS[name], sections(FUNCTIONS[name])
    rest = [a for a in (node.args.vararg, node.args.kwarg) if a]
    taken = {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, *rest)}
    assert explained(said.get("Args", "")) == taken
    if node.returns and ast.unparse(node.returns) != "None":
        assert said.keys() & {"Returns", "Yields"}
    if raises(node):
        assert "Raises" in said


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if not n.startswith("domain.")])
def test_a_function_names_whose_method_it_is(name):
    named = "References" in sections(FUNCTIONS[name]) or SOURCE.search(
        ast.get_docstring(FUNCTIONS[name])
    )
    assert bool(named) is (name not in WITHOUT_A_SOURCE)


def test_the_list_of_functions_without_a_source_has_no_strangers():
    assert FUNCTIONS.keys() >= WITHOUT_A_SOURCE


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_explains_its_fields_and_what_it_refuses(name):
    node, said = CLASSES[name], sections(CLASSES[name])
    fields = {
        line.target.id
        for line in node.body
        if isinstance(line, ast.AnnAssign) and not line.target.id.startswith("_")
    }
    if fields:
        assert explained(said.get("Attributes", "") + "\n" + said.get("Args", "")) >= fields
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__post_init__":
            assert not raises(method) or "Raises" in said
