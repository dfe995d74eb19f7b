"""The planner takes the workspace's past tests by itself, says so, and may be told not to."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "docs" / "experiments" / "last-year.csv"
SIZE = ("experiment", "size", "--list-size", "40,000")


@pytest.fixture
def taught(shell):
    shell.ok("experiment", "past", str(DATA))
    return shell


def test_it_plans_with_them_and_says_how_many_from_where(taught):
    (summary,) = taught.json("experiment", "past")["summaries"]
    data = taught.json(*SIZE)
    assert data["circumstances"]["base_rate"] == summary["base_rate"]
    assert data["circumstances"]["spread"] == pytest.approx(summary["spread"])
    assert (data["past"]["tests"], data["past"]["sources"]) == (8, ["last-year.csv"])
    assert 0 < data["past"]["repeat"] < data["circumstances"]["mde"]
    text = taught.ok(*SIZE).out
    assert "from 8 past tests of yours (last-year.csv)" in text
    assert "count on +" in text
    told = taught.ok("experiment", "should-i-test", "--list-size", "40k").out
    assert "from 8 past tests of yours" in told


def test_what_is_said_wins_and_they_may_be_left_aside(taught):
    given = taught.json(*SIZE, "--base-rate", "2%", "--spread", "0.3 points")
    assert (given["circumstances"]["base_rate"], given["circumstances"]["spread"]) == (0.02, 0.003)
    assert "as you say" in taught.ok(*SIZE, "--base-rate", "2%", "--spread", "0.3 points").out
    aside = taught.json(*SIZE, "--base-rate", "2%", "--no-past")
    assert aside["past"] is None
    assert aside["circumstances"]["spread"] == pytest.approx(0.002)  # a tenth of the base rate
    refused = taught(*SIZE, "--no-past")
    assert refused.code == 2
    assert "--base-rate" in refused.err


def test_too_few_say_why_not(shell, tmp_path):
    rows = DATA.read_text(encoding="utf-8").splitlines()[:7]
    (tmp_path / "few.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    shell.ok("experiment", "past", str(tmp_path / "few.csv"))
    text = shell.ok(*SIZE).out
    assert "a tenth of the base rate; 3 past tests of gifts can be used" in text
    assert shell.json(*SIZE)["past"]["spread"] is None


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--list-size", "1.751", "two ways"),
        ("--list-size", "lots", "100,000"),
        ("--base-rate", "2", "did you mean 2%"),
        ("--mde", "5%", "0.4 points"),
        ("--alpha", "5", "did you mean 5%"),
        ("--arms", "1", "a control and at least one other"),
        ("--power", "0.2", "a chance from 0.5 to 1"),
    ],
)
def test_a_refused_number_names_its_option_and_the_way_out(shell, option, value, said):
    words = {"--list-size": "4000", "--base-rate": "0.02", option: value}
    done = shell("experiment", "size", *(w for pair in words.items() for w in pair))
    assert done.code == 2
    assert option in done.err
    assert said in done.err
