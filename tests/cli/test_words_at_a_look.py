"""What a fresh reader stumbled over: each is said once, in words that fit."""

from __future__ import annotations

import pytest

from tests.cli.test_bad_input import GOOD, write

DAYS = {"--wave": "1", "--at": "10 days ago"}


@pytest.fixture
def sent(shell):
    return started(shell, GOOD)


def started(shell, text):
    write(shell, text)
    shell.ok("experiment", "lock", "spring")
    shell.ok("experiment", "sent", "spring", *(w for pair in DAYS.items() for w in pair))
    return shell


def counts(shell, rows):
    path = shell.folder / "counts.csv"
    path.write_text("wave,arm,units,gave\n" + rows, encoding="utf-8")
    shell.ok("experiment", "intake", "spring", str(path))


def test_practice_results_hold_every_rate_of_the_plan_and_leave_the_primary_as_it_was(
    shell, tmp_path
):
    people = tmp_path / "list.csv"
    people.write_text("supporter_id\n" + "\n".join(f"S{i}" for i in range(20_000)) + "\n")
    write(shell, GOOD)
    shell.ok("experiment", "lock", "spring")
    shell.ok("experiment", "assign", "spring", str(people))
    shell.ok("experiment", "sent", "spring", "--wave", "1", "--at", "10 days ago")
    results = tmp_path / "r.csv"
    shell.ok("example", "results", "spring", str(results))
    assert results.read_text(encoding="utf-8").splitlines()[0] == "supporter_id,gave,unsubscribed"
    shell.ok("experiment", "intake", "spring", str(results))
    look = shell.json("experiment", "look", "spring")["look"]
    assert [g["metric"] for g in look["guardrails"]] == ["unsubscribed"]
    assert "DQ007" not in {f["code"] for f in look["findings"]}


def test_a_look_says_when_the_file_says_otherwise_than_the_lock(sent):
    counts(sent, "1,control,2000,100\n1,match,2000,120\n")
    path = sent.folder / "experiments" / "spring" / "experiment.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text("# a comment\n" + text, encoding="utf-8")
    first = sent("experiment", "look", "spring")
    assert "experiment.yaml" not in first.out
    path.write_text(text.replace("mde: 0.02", "mde: 0.03"), encoding="utf-8")
    assert "metrics.gave.mde" in sent.json("experiment", "look", "spring")["file_differs"]
    said = sent.ok("experiment", "look", "spring").out
    assert "note: experiment.yaml differs: metrics.gave.mde" in said
    assert "experiment amend spring" in said
    path.write_text("nonsense: [", encoding="utf-8")
    assert "note: experiment.yaml has errors" in sent.ok("experiment", "look", "spring").out
    path.unlink()
    assert sent.json("experiment", "look", "spring")["file_differs"] == []


def test_an_open_ended_look_before_any_evidence_says_so(shell):
    shell = started(
        shell, GOOD.replace("design: {waves: 4}", "design: {waves: 4, family: open-ended}")
    )
    counts(shell, "1,control,2000,3\n1,match,2000,4\n")
    said = shell.ok("experiment", "look", "spring").out
    assert "e-value none" not in said
    assert "no evidence can be read yet" in said


def test_one_bad_row_is_one_row(sent):
    path = sent.folder / "bad.csv"
    path.write_text("wave,arm,units,gave\n1,control,x,3\n1,match,100,4\n", encoding="utf-8")
    refused = sent("experiment", "intake", "spring", str(path))
    assert "1 row cannot be used" in refused.err


def test_a_neighbour_runs_once_it_is_sent_and_not_before(shell):
    write(shell, GOOD)
    shell.ok("experiment", "lock", "spring")
    folder = shell.folder / "experiments" / "autumn"
    folder.mkdir(parents=True)
    text = GOOD.replace("experiment: spring", "experiment: autumn")
    (folder / "experiment.yaml").write_text(text, encoding="utf-8")
    assert "'spring' is locked and not sent yet" in shell("experiment", "check", "autumn").out
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    assert "'spring' is running" in shell("experiment", "check", "autumn").out


def test_a_name_that_was_typed_is_somebodys(shell):
    assert shell("--as", "nobody-of-that-name", "people", "list").code == 4
    assert shell("people", "list").code == 0
