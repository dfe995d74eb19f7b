"""docs/signoff/chain.md says what the table and the findings say."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

import testkit.signoff
from testkit.kernel import yamlfile
from testkit.signoff.check import roles_of
from testkit.signoff.parse import parse_chain
from testkit.signoff.table import TRANSITIONS, State, Trigger, diagram

ROOM = Path(testkit.signoff.__file__).parent
PAGE = ROOM.parent.parent / "docs" / "signoff" / "chain.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="documents are not in this environment")


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def value(text: str) -> object:
    document = yamlfile.parse(text, name="page")
    assert not document.findings
    return document.value


def fenced(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)\n```", page(), re.DOTALL)[1]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table that starts with the heading."""
    body = page().split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    lines = [line for line in body.splitlines()[2:] if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_the_diagram_is_drawn_from_the_table():
    assert fenced("mermaid") == diagram()


def test_every_transition_is_either_an_arrow_or_in_the_table_of_what_stays():
    arrows = {
        (source, trigger, target)
        for source, target, triggers in re.findall(
            r"^ +(\w+) --> (\w+): (.+)$", fenced("mermaid"), re.MULTILINE
        )
        for trigger in triggers.split(", ")
    }
    stays = {
        (state, trigger.strip().strip("`"), state)
        for state, triggers in rows("State")
        for trigger in triggers.split(",")
    }
    assert arrows | stays == {(s.value, t.value, to.value) for (s, t), to in TRANSITIONS.items()}
    assert not arrows & stays


def test_the_verdicts_lead_where_the_table_says():
    told = {(verdict, target) for verdict, _, target in rows("Verdict")}
    assert told == {
        (t.value, to.value) for (s, t), to in TRANSITIONS.items() if s is State.WEIGHING
    }
    assert {Trigger(verdict) for verdict, _ in told} == {
        t for (s, t) in TRANSITIONS if s is State.WEIGHING
    }


def test_every_code_is_listed_and_every_listed_code_exists():
    listed = [code for code, _ in rows("Code")]
    sources = " ".join(path.read_text(encoding="utf-8") for path in ROOM.glob("*.py"))
    used = set(re.findall(r'"(SO\d{3})"', sources))
    assert listed == sorted(used)


def test_the_example_is_a_chain():
    chain = parse_chain(value(fenced("yaml")))
    assert [stage.id for stage in chain.stages] == ["facts", "comms", "expert", "exec"]


def test_the_roles_of_each_template_are_told():
    for name, about, roles in rows("Template"):
        text = (resources.files("testkit.signoff") / "templates" / f"{name}.yaml").read_text()
        chain = parse_chain(value(text))
        assert about == chain.about
        assert tuple(role.strip("` ") for role in roles.split(",")) == roles_of(chain)
