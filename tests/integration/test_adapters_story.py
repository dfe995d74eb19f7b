"""From a tool's file to counted people, by the command line, as an analyst does it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cli
from testkit.adapters.registry import ADAPTERS

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "adapters"


@pytest.fixture
def office(tmp_path, monkeypatch, capsys):
    assert cli.run(["init", str(tmp_path / "team")]) == 0
    monkeypatch.chdir(tmp_path / "team")
    capsys.readouterr()
    return tmp_path / "team"


def said(capsys, *words):
    code = cli.run(list(words))
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_every_adapter_is_listed_shown_and_documented(capsys):
    code, out, _ = said(capsys, "adapters", "list", "--json")
    assert code == 0
    listed = [row["adapter"] for row in json.loads(out)]
    assert listed == list(ADAPTERS)
    pages = [ROOT / "docs" / "experiments" / "adapters.md"]
    pages += (ROOT / "docs" / "experiments" / "adapters").glob("*.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    for name in listed:
        code, out, _ = said(capsys, "adapters", "show", name)
        assert code == 0
        assert out.startswith(f"{name}: ")
        assert f"`{name}`" in text or name == "generic-csv"


def test_every_finding_of_an_import_is_documented():
    folders = ("adapters", "services")
    sources = "".join(p.read_text() for f in folders for p in (ROOT / "testkit" / f).glob("*.py"))
    page = (ROOT / "docs" / "experiments" / "adapters.md").read_text(encoding="utf-8")
    codes = {
        sources[i + 6 : i + 11] for i in range(len(sources)) if sources.startswith('code="IM', i)
    }
    assert len(codes) == 10
    assert {c for c in codes if f"| {c} |" not in page} == set()


def test_a_file_is_named_with_how_sure_and_why(capsys):
    code, out, _ = said(capsys, "adapters", "sniff", str(DATA / "mobilize.csv"))
    assert code == 0
    assert out.startswith("mobilize (certain): Mobilize")
    assert "it has timeslot_id, attended, status, event_id" in out
    assert "3 deeds" in out
    code, out, _ = said(
        capsys, "adapters", "sniff", str(DATA / "actblue-csv.csv"), "--arm",
        "tk-spring-control=control", "--json",
    )  # fmt: skip
    data = json.loads(out)
    assert data["recognised"]["sure"] == "certain"
    assert data["reading"]["rows"] == 5


def test_options_of_the_command_line_reach_the_reader(capsys, tmp_path):
    german = str(DATA / "meta-ads-de.csv")
    code, _, err = said(capsys, "adapters", "sniff", german)
    assert code == 2
    assert "--decimal ','" in err
    code, out, _ = said(capsys, "adapters", "sniff", german, "--decimal", ",")
    assert code == 0
    assert "1,751.50 EUR" in out
    path = tmp_path / "days.csv"
    path.write_text(
        "VANID,Survey Question Name,Survey Response,Date Canvassed\n1,Q,Ja,03/11/2026\n"
    )
    code, _, err = said(capsys, "adapters", "sniff", str(path))
    assert code == 2
    assert "--day-first" in err
    assert said(capsys, "adapters", "sniff", str(path), "--month-first")[0] == 0
    code, out, _ = said(capsys, "adapters", "sniff", str(path), "--day-first", "--success", "ja")
    assert "2 deeds" in out
    code, _, err = said(capsys, "adapters", "sniff", str(path), "--arm", "x")
    assert code == 2
    assert "CODE=ARM" in err


def test_a_mapping_is_proposed_once_corrected_and_used(capsys, office):
    (office / "our.csv").write_text(
        "Mail,Group,Signed\nana@example.org,A,yes\nben@example.org,B,no\n"
    )
    code, _, err = said(capsys, "adapters", "sniff", "our.csv")
    assert code == 2
    assert "adapters map our.csv" in err
    assert said(capsys, "adapters", "map", "our.csv")[0] == 0
    assert said(capsys, "adapters", "map", "our.csv")[0] == 2  # never written over
    assert said(capsys, "adapters", "map", "our.csv", "--name", "../x")[0] == 2
    target = office / "mappings" / "our.yaml"
    code, _, err = said(capsys, "adapters", "sniff", "our.csv", "--mapping", "our")
    assert code == 2
    text = target.read_text()
    target.write_text(text.replace("columns:", "columns:\n  unit: Mail", 1))
    code, out, err = said(capsys, "adapters", "sniff", "our.csv", "--mapping", "our")
    assert (code, err) == (0, "")
    assert "2 deeds" in out
    assert said(capsys, "adapters", "sniff", "our.csv", "--mapping", "../whistlestop")[0] == 4
    assert said(capsys, "adapters", "sniff", "our.csv", "--mapping", "otr")[0] == 4
    assert said(capsys, "adapters", "show", "mailchimpapi")[0] == 4
