"""Templates and their contexts agree: nothing asked for that is not given, nothing given unused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jinja2 import Environment, PackageLoader, meta, nodes

import responders.inbox
import testkit.pages
import testkit.web
from responders.inbox.plan import PlanContext
from testkit.pages.experiments import ListContext, OneContext
from testkit.pages.signoff import HistoryContext, LatencyContext
from testkit.web import contexts

if TYPE_CHECKING:
    from types import ModuleType


def asked(package: str, name: str) -> set[str]:
    """The free names of a template and of those that it extends or includes."""
    shell = PackageLoader("testkit.web")
    environment = Environment(loader=shell, autoescape=True)
    loader = PackageLoader(package)
    source, _, _ = loader.get_source(environment, name)
    tree = environment.parse(source)
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    macros |= {str(name) for made in tree.find_all(nodes.FromImport) for name in made.names}
    found = meta.find_undeclared_variables(tree) - macros
    for other in meta.find_referenced_templates(tree):
        assert other is not None
        if other != "parts.html.jinja":  # macros: they see their arguments alone
            found |= asked("testkit.web", other)
    return found


@pytest.mark.parametrize(
    ("package", "name", "context"),
    [
        ("testkit.web", "inbox", contexts.InboxContext),
        ("testkit.web", "decision", contexts.DecisionContext),
        ("testkit.web", "result", contexts.ResultContext),
        ("testkit.web", "signin", contexts.SigninContext),
        ("testkit.web", "error", contexts.ErrorContext),
        ("testkit.pages", "experiments/list", ListContext),
        ("testkit.pages", "experiments/one", OneContext),
        ("testkit.pages", "signoff/latency", LatencyContext),
        ("testkit.pages", "signoff/history", HistoryContext),
        ("responders.inbox", "plan", PlanContext),
    ],
)
def test_a_template_asks_for_exactly_its_context(package: str, name: str, context: type) -> None:
    given = {field.name for field in fields(context)}
    assert asked(package, f"{name}.html.jinja") - {"frame"} == given


@pytest.mark.parametrize("package", [testkit.web, testkit.pages, responders.inbox])
def test_no_template_carries_style_or_script_of_its_own(package: ModuleType) -> None:
    found = list(Path(package.__path__[0]).rglob("*.jinja"))
    assert found
    for path in found:
        text = path.read_text(encoding="utf-8")
        for forbidden in ("style=", "<style", "<script", "onclick", "javascript:"):
            assert forbidden not in text, path
