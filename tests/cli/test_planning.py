"""Planning by command: sizes, advice, templates, schema, amendments."""

from __future__ import annotations

import json
import sqlite3
import xml.etree.ElementTree as ET

import pytest

from testkit.services.templates import TEMPLATES
from tests.cli.test_bad_input import GOOD, write


def test_size_answers_in_words_figures_and_a_chart(shell, tmp_path):
    chart = tmp_path / "size.svg"
    asked = ("experiment", "size", "--list-size", "40000", "--base-rate", "0.02")
    text = shell.ok(*asked, "--chart", str(chart)).out
    assert "To prove a difference of 0.4 points on 2.00%" in text
    assert "test and roll" in text
    assert ET.parse(chart).getroot().tag.endswith("svg")
    data = shell.json(*asked)
    assert data["needed"] > data["test_size"] == 40_000
    assert [p["units"] for p in data["points"]] == sorted(p["units"] for p in data["points"])


def test_should_i_test_says_no_with_reasons(shell):
    out = shell.ok("experiment", "should-i-test", "--list-size", "900", "--base-rate", "0.02").out
    assert out.startswith("Do not test")
    assert "needs 4" in out  # how many it would need
    out = shell.ok("experiment", "should-i-test", "--list-size", "500000", "--base-rate", "0.02")
    assert out.out.startswith("Test:")


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_makes_a_definition_without_an_error(shell, name):
    shell.ok("experiment", "new", "t1", "--template", name, "--list-size", "300000")
    found = shell.json("experiment", "check", "t1")
    assert found["plan"] is not None
    warned = {f["code"] for f in found["findings"]}
    # What only the team can know is asked for; nothing else is left open.
    assert warned <= {"EX010", "EX012", "EX013", "EX014", "EX026"}
    assert {"EX012", "EX013", "EX014", "EX026"} <= warned


def test_an_answer_beats_the_templates_default(shell):
    shell.ok(
        *("experiment", "new", "t2", "--template", "sms-script", "--list-size", "100000"),
        *("--outcome", "Came to rally", "--control", "Come!"),
    )
    plan = shell.json("experiment", "check", "t2")["plan"]
    assert plan["metrics"][0]["name"] == "came_to_rally"
    assert plan["arms"][0]["text"] == "Come!"
    assert plan["channel"] == "sms"


def test_the_schema_knows_every_key_with_its_meaning(shell):
    schema = json.loads(shell.ok("experiment", "schema").out)
    parts = [schema, *schema["$defs"].values()]
    silent = [
        key for part in parts for key, v in part["properties"].items() if not v.get("description")
    ]
    # Names of experiments and parts whose class is described.
    assert set(silent) <= {"unit", "arms", "metrics", "design"}
    shell.ok("experiment", "schema", "--write")
    written = shell.folder / "experiments" / "experiment.schema.json"
    assert json.loads(written.read_text(encoding="utf-8")) == schema


# --- amendments


def amend(shell, before, after, *more):
    file = shell.folder / "experiments" / "spring" / "experiment.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    return shell("experiment", "amend", "spring", "--reason", "we know better now", *more)


@pytest.fixture
def locked(shell):
    write(shell, GOOD)
    shell.ok("experiment", "lock", "spring")
    return shell


def assign(shell, tmp_path):
    people = tmp_path / "list.csv"
    people.write_text("supporter_id\n" + "\n".join(f"S{i}" for i in range(20_000)) + "\n")
    shell.ok("experiment", "assign", "spring", str(people))


def test_before_anybody_is_assigned_everything_may_change(locked):
    done = amend(locked, "waves: 4", "waves: 2")
    assert done.code == 0
    assert "amendment 1 of spring" in done.out
    assert locked.json("experiment", "lock", "spring")["plan"]["waves"] == 2
    assert locked.json("ledger", "verify")["head"]


def test_a_dry_run_shows_the_diff_and_changes_nothing(locked):
    before = locked.json("ledger", "verify")["head"]
    done = amend(locked, "mde: 0.02", "mde: 0.03", "--dry-run", "--json")
    assert done.code == 0
    keys = {c["key"]: (c["before"], c["after"]) for c in done.data["changes"]}
    assert keys["metrics.gave.mde"] == (0.02, 0.03)
    assert locked.json("ledger", "verify")["head"] == before


def test_once_people_have_their_arms_nobody_may_change_who_gets_what(locked, tmp_path):
    assign(locked, tmp_path)
    before = locked.json("ledger", "verify")["head"]
    refused = amend(locked, "text: b}", "text: c}")
    assert refused.code == 3
    assert "arms.match.text" in refused.err
    assert locked.json("ledger", "verify")["head"] == before
    amend(locked, "text: c}", "text: b}")
    assert amend(locked, "mde: 0.02", "mde: 0.03").code == 0
    plan = locked.json("experiment", "lock", "spring")["plan"]
    assert (plan["test_size"], plan["metrics"][0]["mde"]) == (16_000, 0.03)


def test_after_a_look_only_what_cannot_bias_the_result(locked, tmp_path):
    assign(locked, tmp_path)
    locked.ok("experiment", "sent", "spring", "--wave", "1", "--at", "10 days ago")
    rows = "wave,arm,units,gave\n1,control,2000,90\n1,match,2000,120\n"
    counts = tmp_path / "c.csv"
    counts.write_text(rows)
    locked.ok("experiment", "intake", "spring", str(counts))
    locked.ok("experiment", "look", "spring")
    refused = amend(locked, "mde: 0.02", "mde: 0.03")
    assert refused.code == 3
    assert "a look was taken" in refused.err
    amend(locked, "mde: 0.03", "mde: 0.02")
    assert amend(locked, "owner: sam", "owner: kim").code == 0
    assert locked.json("experiment", "lock", "spring")["plan"]["owner"] == "kim"


def test_an_amendment_that_changes_nothing_or_has_no_reason_is_refused(locked):
    assert amend(locked, "x", "x").code == 3
    assert locked("experiment", "amend", "spring", "--reason", " ").code == 2


def test_a_row_of_an_amendment_that_somebody_changed_is_found(locked):
    amend(locked, "waves: 4", "waves: 2")
    assert locked("ledger", "verify").code == 0
    with sqlite3.connect(locked.folder / "workspace.db") as conn:
        conn.execute("UPDATE amendment SET reason = 'another'")
    assert "LG005" in locked("ledger", "verify").err + locked("ledger", "verify").out
