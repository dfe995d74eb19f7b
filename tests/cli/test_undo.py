"""Every step can be tried without a trace, and taken back while nothing rests on it."""

from __future__ import annotations

import csv

import pytest

DEFINITION = """\
experiment: spring
title: Does a name help?
hypothesis: People answer to their name.
what_will_change: The next text.
owner: sam
list: {size: 4000, test: 4000}
arms:
  - {name: control, control: true, text: Call today}
  - {name: name, text: "Ana, call today"}
metrics:
  - {name: called, tier: organising, base_rate: 0.2, mde: 0.05, window_hours: 24}
design: {waves: 2}
"""


@pytest.fixture
def spring(shell):
    folder = shell.folder / "experiments" / "spring"
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(DEFINITION, encoding="utf-8")
    shell.ok("experiment", "lock", "spring")
    people = "".join(f"S{i:05d}\n" for i in range(4000))
    (shell.folder / "list.csv").write_text(f"supporter_id\n{people}", encoding="utf-8")
    return shell


def everything(shell):
    files = sorted(p.relative_to(shell.folder).as_posix() for p in shell.folder.rglob("*.parquet"))
    lists = sorted(p.name for p in shell.folder.rglob("lists/*.csv"))
    return files, lists, shell.json("ledger", "verify")["rows"]


def results_of(shell, wave):
    rows = []
    folder = shell.folder / "experiments" / "spring" / "lists"
    for n, path in enumerate(sorted(folder.glob(f"wave-{wave:02d}-*.csv"))):
        with path.open(encoding="utf-8", newline="") as file:
            ids = [row["supporter_id"] for row in csv.DictReader(file)]
        rows += [f"{u},{int(i % 10 < 2 + n)}\n" for i, u in enumerate(ids)]
    target = shell.folder / f"wave-{wave}.csv"
    target.write_text(f"supporter_id,called\n{''.join(rows)}", encoding="utf-8")
    return str(target)


def looked(shell):
    """Wave 1 sent, read, and looked at; returns the batch."""
    shell.ok("experiment", "assign", "spring", str(shell.folder / "list.csv"))
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    shell.clock.move(hours=30)
    batch = shell.json("experiment", "intake", "spring", results_of(shell, 1))["batch"]
    shell.ok("experiment", "look", "spring")
    shell.clock.move(hours=1)
    return batch


def test_a_dry_run_of_assign_says_what_the_assignment_then_does_and_leaves_nothing(spring):
    words = ("experiment", "assign", "spring", str(spring.folder / "list.csv"))
    before = everything(spring)
    dry = spring.json(*words, "--dry-run")
    assert everything(spring) == before
    assert (dry["dry_run"], dry["assignment"], dry["files"]) == (True, None, [])
    told = spring.ok(*words, "--dry-run").out
    assert told.startswith("dry run: nothing was stored; 4,000 people")
    assert "send wave 1" not in told
    done = spring.json(*words)
    assert dry["counts"] == done["counts"]


def test_a_dry_run_of_retract_changes_nothing_and_finds_what_the_real_one_finds(spring):
    batch = looked(spring)
    before = everything(spring)
    words = ("experiment", "retract", "spring", batch, "--reason", "wrong export")
    told = spring.ok(*words, "--dry-run").out
    assert "would count no longer" in told
    assert everything(spring) == before
    spring.ok(*words)
    assert spring(*words, "--dry-run").code == 3  # it is gone already


def test_a_wave_that_did_not_go_out_is_taken_back_until_a_look_has_read_it(spring):
    spring.ok("experiment", "assign", "spring", str(spring.folder / "list.csv"))
    spring.ok("experiment", "sent", "spring", "--wave", "2")
    undo = ("experiment", "sent", "spring", "--wave", "2", "--undo")
    assert spring(*undo).code == 2  # no reason
    assert spring.json(*undo, "--reason", "it was wave 1")["sent_at"] is None
    again = spring(*undo, "--reason", "it was wave 1")
    assert again.code == 3
    assert "not recorded as sent" in again.err
    spring.ok("ledger", "verify")
    spring.ok("experiment", "sent", "spring", "--wave", "2")  # and it may be said again


def test_what_a_look_has_read_moves_only_after_its_data_were_taken_back(spring):
    batch = looked(spring)
    undo = ("experiment", "sent", "spring", "--wave", "1", "--undo", "--reason", "wrong wave")
    again = ("experiment", "sent", "spring", "--wave", "1", "--at", "2026-11-02 12:00")
    for words in (undo, (*again, "--reason", "wrong hour")):
        refused = spring(*words)
        assert refused.code == 3
        assert "look 1 has read wave 1" in refused.err
        assert "experiment retract" in refused.err
    spring.ok("experiment", "retract", "spring", batch, "--reason", "wrong wave")
    assert spring(*again).code == 2  # a look has read it: why?
    spring.ok(*again, "--reason", "wrong hour")
    spring.ok(*undo)
    spring.ok("ledger", "verify")


def test_report_and_brief_say_first_that_their_data_were_taken_back(spring):
    batch = looked(spring)
    spring.ok("experiment", "retract", "spring", batch, "--reason", "wrong export")
    spring.ok("experiment", "report", "spring", "--format", "md")
    spring.ok("experiment", "brief", "spring", "--format", "md")
    for name in ("spring.md", "spring-brief.md"):
        page = (spring.folder / "reports" / name).read_text(encoding="utf-8")
        lines = [x for x in page.splitlines() if x and not x.startswith(("#", "**PRACTICE"))]
        assert lines[0].strip("*").startswith("TAKEN BACK: wave-1.csv was taken back after look 1")
    # The same rows brought again are the same look: nothing of it is missing now.
    results_of(spring, 1)
    spring.ok("experiment", "intake", "spring", str(spring.folder / "wave-1.csv"))
    spring.ok("experiment", "look", "spring")
    spring.ok("experiment", "report", "spring", "--format", "md")
    assert "TAKEN BACK" not in (spring.folder / "reports" / "spring.md").read_text("utf-8")
