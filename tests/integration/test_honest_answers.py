"""What a workspace's own tests teach the next one, and shipped templates from list to verdict."""

from __future__ import annotations

import csv
import random

TWO = """\
experiment: {name}
title: Which ask works?
list: {{size: {size}, test: 4000}}
arms: [{{name: plain, control: true, text: a}}, {{name: new, text: b}}]
metrics: [{{name: called, tier: organising, base_rate: 0.1, mde: 0.03, window_hours: 24}}]
design: {{salt: "{name}", waves: 1}}
if_inconclusive: control
"""


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def run(shell, name, rates, *, lose=None, decide=(), size=4000):
    """One test from list to verdict; ``lose`` is an arm of which most rows never come back."""
    folder = shell.folder / "experiments" / name
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(TWO.format(name=name, size=size), encoding="utf-8")
    shell.ok("experiment", "lock", name)
    people = [{"supporter_id": f"S{i:05d}"} for i in range(size)]
    shell.ok("experiment", "assign", name, write(shell.folder / f"{name}.csv", people))
    shell.ok("experiment", "sent", name, "--wave", "1")
    shell.clock.move(hours=25)
    draw, rows = random.Random(name), []
    for path in sorted((folder / "lists").glob("wave-01-*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["arm"] != lose or draw.random() < 0.5:
                    did = int(draw.random() < rates[row["arm"]])
                    rows.append({"supporter_id": row["supporter_id"], "called": did})
    shell.ok("experiment", "intake", name, write(folder / "results.csv", rows))
    shell.ok("experiment", "look", name)
    return shell.json("experiment", "decide", name, *decide)["decision"]


def test_planner_and_decision_learn_from_the_same_tests_and_say_which(shell, tmp_path):
    old = [
        {"test": f"t{k}", "arm": arm, "sent": 5000, "called": 500 + k * 9 * (arm == "b")}
        for k in range(4)
        for arm in ("a", "b")
    ]
    shell.ok("experiment", "past", write(tmp_path / "last.csv", old), "--column", "outcomes=called")
    first = run(shell, "first", {"plain": 0.1, "new": 0.16})
    assert "4 past tests of called can be used" in first["expected"]["basis"]
    past = shell.json("experiment", "size", "--list-size", "40000")["past"]
    assert (past["tests"], past["sources"]) == (5, ["last.csv", "first"])
    second = run(shell, "second", {"plain": 0.1, "new": 0.16})
    assert second["expected"]["basis"] == "5 past tests of called (last.csv, first)"
    assert 0 < second["expected"]["difference"] < second["difference"]
    # Half of an arm's rows are lost, and somebody decides all the same: that teaches nobody.
    run(
        shell, "lossy", {"plain": 0.1, "new": 0.3}, lose="plain",
        decide=("--despite-mismatch", "we know"),
    )  # fmt: skip
    past = shell.json("experiment", "size", "--list-size", "40000")["past"]
    assert past["sources"] == ["last.csv", "first", "second"]
