"""Tables of keys and codes in docs say what the program says."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pydantic
import pytest

from responders.kinds import read_issue
from responders.match import Document, parse_query
from responders.model.issue_file import KEYS
from testkit.errors import KitError, exit_code
from testkit.kernel import yamlfile
from testkit.kernel.config import Config, load
from testkit.kernel.peoplefile import PeopleFile
from testkit.model.checks import CODES
from testkit.model.checks import check as check_definition
from testkit.model.definition import Definition
from tests.docs.sessions import ROOT, fenced

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def table(name: str, heading: str) -> list[list[str]]:
    """The cells of the table whose first column has this heading; escaped bars undone."""
    body = page(name).split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0]
    lines = [line for line in body.splitlines()[2:] if line.startswith("|")]
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
    ]


def code(cell: str) -> str:
    """What stands between backticks, where the whole cell does."""
    return cell[1:-1] if re.fullmatch(r"`[^`]+`", cell) else cell


def codes_in(pattern: str, *folders: str) -> set[str]:
    """Every finding code of a family that the sources mention as a text of its own."""
    texts = (p.read_text(encoding="utf-8") for f in folders for p in (ROOT / f).rglob("*.py"))
    return set(re.findall(rf'"({pattern}\d{{3}})"', " ".join(texts)))


@pytest.mark.parametrize(
    ("name", "family"), [("signoff/charter.md", "CH"), ("signoff/roster.md", "RO")]
)
def test_every_finding_about_people_and_charter_is_listed(name, family):
    listed = [row[0] for row in table(name, "Finding")]
    assert listed == sorted(codes_in(family, "testkit/signoff"))


# --- keys


def fields(model: type[pydantic.BaseModel], at: str = "") -> dict[str, pydantic.fields.FieldInfo]:
    """``dotted key -> field`` of every value below a model; ``[]`` a list, ``.NAME`` a mapping."""
    found: dict[str, pydantic.fields.FieldInfo] = {}
    for name, info in model.model_fields.items():
        key = f"{at}{info.alias or name}"
        inner = getattr(info.annotation, "__args__", ())
        nested = [m for m in (info.annotation, *inner) if is_model(m)]
        if not nested:
            found[key] = info
            continue
        kind = getattr(info.annotation, "__origin__", None)
        found |= fields(nested[0], key + {list: "[].", dict: ".NAME."}.get(kind, "."))
    return found


def is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)


PAGES = {
    "experiments/definition.md": Definition,
    "signoff/roster.md": PeopleFile,
    "workspace/configuration.md": Config,
}


@pytest.mark.parametrize("name", PAGES)
def test_every_key_of_a_file_is_documented_once_and_no_other(name):
    listed = [code(row[0]) for row in table(name, "Key")]
    assert sorted(listed) == sorted(fields(PAGES[name]))


@pytest.mark.parametrize("name", PAGES)
def test_the_page_tells_what_happens_when_a_key_is_left_out(name):
    known = fields(PAGES[name])
    for row in table(name, "Key"):
        info, left_out = known[code(row[0])], row[3]
        default = info.get_default(call_default_factory=True)
        if info.is_required():
            assert left_out == "required", row[0]
        elif default in ("", [], {}):
            assert re.match(r"empty|none", left_out), row[0]
        elif default is None:
            assert left_out != "required", row[0]
            assert "`" not in left_out, row[0]
        else:
            shown = str(default).lower() if isinstance(default, bool) else f"{default}"
            assert left_out == f"`{shown}`", row[0]


@pytest.mark.parametrize("name", PAGES)
def test_every_example_of_a_key_is_accepted(name):
    known = fields(PAGES[name])
    for row in table(name, "Key"):
        key, example = code(row[0]), code(row[4])
        document = yamlfile.parse(example, name=key)
        assert not document.findings, key
        (last, value), *others = document.value.items()
        assert last == key.rpartition(".")[2]
        assert not others
        info = known[key]
        # A field's own limits come along with its type.
        adapter = pydantic.TypeAdapter(
            pydantic.create_model("One", value=(info.annotation, info)), config=None
        )
        adapter.validate_python({info.alias or "value": value})


def test_the_whole_file_on_the_page_has_nothing_to_mend():
    (_, text), *others = fenced(page("experiments/definition.md"), "yaml")
    assert not others
    document = yamlfile.parse(text, name="page")
    assert check_definition(yamlfile.validated(document, Definition), document) == []


def test_the_whole_file_on_the_page_shows_every_key_but_the_rare_ones():
    (_, text), *_ = fenced(page("experiments/definition.md"), "yaml")
    shown = {
        re.sub(r"\.\d+", "[]", ".".join(map(str, key)))
        for key in yamlfile.parse(text, name="page").places
    }
    rare = {
        *("source", "send_on", "segments[].levels", "design.salt", "design.futility"),
        *("design.split",),
        *("unit.group", "unit.group_size", "unit.correlation"),
        *("list.suppress", "list.exclude"),
        *(f"arms[].{key}" for key in ("factors", "link", "refcode", "cents_per_unit")),
        *(f"metrics[].{key}" for key in ("reason", "lowest_rate", "base_mean", "base_sd")),
        *(f"metrics[].{key}" for key in ("per", "cap", "covariates")),
    }
    assert set(fields(Definition)) - shown == rare


def test_configuration_has_three_layers_and_the_later_wins():
    text = "organisation: {name: We, zone: UTC}"
    environment = {"WHISTLESTOP__ORGANISATION__ZONE": "Africa/Nairobi"}
    flag = {"organisation.zone": "Asia/Tokyo"}
    zones = [
        load(text, name="f", environment={}).organisation.zone,
        load(text, name="f", environment=environment).organisation.zone,
        load(text, name="f", environment=environment, overrides=flag).organisation.zone,
    ]
    assert zones == ["UTC", "Africa/Nairobi", "Asia/Tokyo"]


# --- codes


def explained(name: str) -> dict[str, tuple[str, str]]:
    """``code -> (title, severity)`` of every section of a page of findings."""
    return {
        match[1]: (match[2], match[3])
        for match in re.finditer(r"^### (\w{2}\d{3}) (.+)\n\*(\w+)\*$", page(name), re.MULTILINE)
    }


def test_every_check_is_explained_under_its_own_name():
    found = explained("experiments/checks.md")
    assert {name: title for name, (title, _) in found.items()} == CODES
    files = ("model/checks.py", "model/check_outcomes.py", "model/check_calendar.py")
    source = "".join((ROOT / "testkit" / f).read_text(encoding="utf-8") for f in files)
    for name, (_, severity) in found.items():
        calls = re.findall(rf'(error|warn)\(\s*"{name}"', source)
        assert calls, name
        assert severity in {{"error": "error", "warn": "warning"}[call] for call in calls}, name


def test_every_data_quality_code_is_explained():
    assert set(explained("experiments/data-quality.md")) == codes_in("DQ", "testkit")


@pytest.mark.parametrize(
    ("name", "family"),
    [("experiments/checks.md", "EX"), ("experiments/data-quality.md", "DQ")],
)
def test_every_explanation_says_why_and_what_to_do(name, family):
    for section in page(name).split(f"### {family}")[1:]:
        assert "**Why.**" in section, section[:40]
        assert "**Fix.**" in section, section[:40]


@pytest.mark.parametrize("family", ["DR", "LG", "YM"])
def test_every_code_about_the_folder_is_in_its_table(family):
    listed = set(re.findall(rf"^\| ({family}\d{{3}}) \|", page("workspace/files.md"), re.MULTILINE))
    assert listed == codes_in(family, "testkit", "responders")


def test_the_exit_codes_are_those_of_the_error_tree():
    def below(kind: type[KitError]) -> set[type[KitError]]:
        return {kind}.union(*(below(k) for k in kind.__subclasses__()))

    used = {exit_code(kind.__new__(kind)) for kind in below(KitError)}
    listed = {int(row[0]) for row in table("exit-codes.md", "Code")}
    assert listed == used | {0, exit_code(ValueError()), 130}


# --- issue files


def issue_keys() -> set[str]:
    """Every key of an issue file, dotted, from the sentence that explains it."""
    found = set()
    for key, meaning in KEYS.items():
        inner = re.search(r"list of \{(.+)\}", meaning)
        if inner is None:
            found.add(key)
            continue
        above = f"{key}.BLOCK[]" if meaning.startswith("block:") else f"{key}[]"
        found |= {f"{above}.{name.strip()}" for name in inner[1].split(",")}
    return found


def test_every_key_of_an_issue_file_is_documented_once_and_no_other():
    listed = [code(row[0]) for row in table("newsroom/issues.md", "Key")]
    assert sorted(listed) == sorted(issue_keys())


def test_every_code_about_an_issue_file_is_in_its_table():
    listed = {row[0] for row in table("newsroom/issues.md", "Code")}
    assert listed == codes_in("IS", "responders")


def test_the_issue_on_the_page_has_nothing_to_mend():
    (_, text), *others = fenced(page("newsroom/issues.md"), "yaml")
    assert not others
    _, _, weak = read_issue(text, name="page", today=date(2027, 1, 1))
    assert weak == []


def test_every_query_on_the_page_finds_what_it_says_and_nothing_else():
    (_, text), *_ = fenced(page("newsroom/issues.md"), "yaml")
    aliases = yamlfile.parse(text, name="page").value["aliases"]
    for row in table("newsroom/issues.md", "Write"):
        query = parse_query(code(row[0]), aliases=aliases)
        assert query.holds(Document.of(title=row[2])), row
        assert not query.holds(Document.of(title=row[3])), row


def test_pages_can_be_found_by_somebody_who_reads_the_code():
    named = set()
    for path in sources():
        named |= set(re.findall(r"docs/[\w/-]+\.md", path.read_text(encoding="utf-8")))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def sources() -> list[Path]:
    packages = ("testkit", "responders", "experiments")
    return [path for package in packages for path in (ROOT / package).rglob("*.py")]


def test_the_page_of_templates_is_what_the_code_checks():
    from responders.services.template_page import page as written

    assert page("drafting/templates.md") == written(), (
        "python -m responders.services.template_page > docs/drafting/templates.md"
    )
