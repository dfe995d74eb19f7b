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


def test_when_the_whole_list_was_in_the_test_nobody_is_told_to_send_the_rest(shell):
    decision = run(shell, "whole", {"plain": 0.1, "new": 0.1})
    assert decision["outcome"] == "inconclusive"
    said = shell.ok("experiment", "decide", "whole").out
    assert "Nobody is left; from now on plain (chosen, not proven)." in said
    assert "he rest gets" not in said
    rest = shell.ok("experiment", "remainder", "whole").out
    assert "nobody is left" in rest
    assert shell.json("experiment", "remainder", "whole")["files"] == []
    assert not list((shell.folder / "experiments" / "whole" / "lists").glob("remainder*"))
    run(shell, "partial", {"plain": 0.1, "new": 0.1}, size=5000)
    assert "The rest gets plain" in shell.ok("experiment", "decide", "partial").out
    (made,) = shell.json("experiment", "remainder", "partial")["files"]
    assert made["rows"] == "1,000"


RATIO = """\
experiment: ratio
title: Which page?
list: {size: 600, test: 600}
arms: [{name: plain, control: true}, {name: new}]
metrics:
  - {name: called, tier: organising, base_rate: 0.1, mde: 0.05, window_hours: 24}
  - {name: per_shift, kind: ratio, per: shifts, role: secondary, tier: organising, base_mean: 2,
     window_hours: 24}
design: {salt: s, waves: 1}
"""


def test_a_ratio_is_traced_to_both_of_its_columns(shell):
    folder = shell.folder / "experiments" / "ratio"
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(RATIO, encoding="utf-8")
    shell.ok("experiment", "lock", "ratio")
    people = [{"supporter_id": f"S{i:05d}"} for i in range(600)]
    shell.ok("experiment", "assign", "ratio", write(shell.folder / "list.csv", people))
    shell.ok("experiment", "sent", "ratio", "--wave", "1")
    shell.clock.move(hours=25)
    rows = [{**p, "called": 1, "per_shift": 6, "shifts": 3} for p in people]
    shell.ok("experiment", "intake", "ratio", write(folder / "results.csv", rows))
    traced = shell.json("experiment", "report", "ratio", "--trace", "per_shift")["rows"][1:]
    sums = {}
    for row in traced:
        sums[row["metric"]] = sums.get(row["metric"], 0) + row["sum"]
    assert sums == {"per_shift": 3600, "shifts": 1800}
    alone = shell.json("experiment", "report", "ratio", "--trace", "shifts")["rows"][1:]
    assert {row["metric"] for row in alone} == {"shifts"}


def template(shell, name, column, size, more=lambda _: {}):
    """A shipped template, locked and assigned; returns the people by wave with their arm."""
    shell.ok("experiment", "new", "t", "--template", name, "--list-size", str(size))
    shell.ok("experiment", "lock", "t")
    people = [{column: f"V{i:06d}", **more(i)} for i in range(size)]
    shell.ok("experiment", "assign", "t", write(shell.folder / "people.csv", people))
    waves = {}
    for path in sorted((shell.folder / "experiments" / "t" / "lists").glob("wave-*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                waves.setdefault(int(row["wave"]), []).append(row)
    return waves


def test_the_mail_template_can_answer_for_its_own_complaints(shell):
    waves = template(
        shell, "gotv-mail", "voter_id", 24_000, lambda i: {"household_id": f"H{i // 2}"}
    )
    shell.ok("experiment", "sent", "t", "--wave", "1")
    shell.clock.move(hours=2161)
    draw = random.Random(3)
    rows = [
        {
            "voter_id": row["voter_id"],
            "voted": int(draw.random() < 0.45),
            "complained": int(draw.random() < 0.0005),
        }
        for row in waves[1]
    ]
    shell.ok("experiment", "intake", "t", write(shell.folder / "r.csv", rows))
    (rail,) = shell.json("experiment", "look", "t")["look"]["guardrails"]
    assert rail["verdict"] in {"no worse", "not shown"}
    assert rail["evidence"] is not None
    shell.ok("experiment", "brief", "t", "--format", "md")
    brief = (shell.folder / "reports" / "t-brief.md").read_text(encoding="utf-8")
    assert "We watched complained" in brief


def test_the_page_template_gives_an_answer(shell):
    waves = template(shell, "landing-page", "visitor_id", 20_000)
    draw = random.Random(4)
    for number, people in sorted(waves.items()):
        shell.ok("experiment", "sent", "t", "--wave", str(number))
        shell.clock.move(hours=25)
        rows = [
            {
                "visitor_id": row["visitor_id"],
                "signed_up": int(draw.random() < {"control": 0.12, "new": 0.16}[row["arm"]]),
                "complained": 0,
            }
            for row in people
        ]
        shell.ok("experiment", "intake", "t", write(shell.folder / f"r{number}.csv", rows))
        look = shell.json("experiment", "look", "t")["look"]
        assert look["low"] is not None
        if look["verdict"] != "continue":
            break
    assert look["verdict"] == "crossed-up"
