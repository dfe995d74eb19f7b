"""Several arms, amounts, ratios, groups, guardrails and clocks, through the command line."""

from __future__ import annotations

import csv
import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
experiment: {name}
title: Which ask works?
hypothesis: People answer to what is concrete.
what_will_change: The next message.
owner: sam
"""

pytestmark = pytest.mark.faults


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Study:
    """A locked and assigned experiment, and what its people do."""

    def __init__(self, shell, name: str, body: str, *, people: int, columns=lambda _: {}):
        self.shell, self.name = shell, name
        self.folder = shell.folder / "experiments" / name
        self.folder.mkdir(parents=True)
        text = HEAD.format(name=name) + body
        (self.folder / "experiment.yaml").write_text(text, encoding="utf-8")
        shell.ok("experiment", "lock", name)
        rows = [{"supporter_id": f"S{i:06d}", **columns(i)} for i in range(people)]
        with (shell.folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        shell.ok("experiment", "assign", name, str(shell.folder / f"{name}.csv"))

    def wave(self, number: int) -> list[dict[str, str]]:
        """The people of a wave; each has the list's columns and ``arm``."""
        return [
            row
            for path in sorted((self.folder / "lists").glob(f"wave-{number:02d}-*.csv"))
            for row in read(path)
        ]

    def send(self, number: int) -> None:
        self.shell.ok("experiment", "sent", self.name, "--wave", str(number))

    def results(self, label: str, rows: list[dict[str, object]], *more: str):
        path = self.folder / f"{label}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return self.shell.json("experiment", "intake", self.name, str(path), *more)

    def look(self):
        return self.shell.json("experiment", "look", self.name)["look"]

    def decide(self, *more: str):
        return self.shell.json("experiment", "decide", self.name, *more)["decision"]


FOUR_ARMS = """\
list: {size: 24000, test: 20000}
arms:
  - {name: plain, control: true, factors: {ask: low, photo: none}, text: a}
  - {name: high, factors: {ask: high, photo: none}, text: b}
  - {name: photo, factors: {ask: low, photo: face}, text: c}
  - {name: both, factors: {ask: high, photo: face}, text: d}
metrics:
  - {name: called, tier: organising, base_rate: 0.1, mde: 0.03, window_hours: 24}
  - {name: pledged, role: secondary, tier: organising, base_rate: 0.05, window_hours: 24}
  - {name: left, role: guardrail, tier: organising, base_rate: 0.01, margin: 0.01,
     direction: down, window_hours: 24}
design: {salt: pepper, waves: 2}
"""


def act(study, number, *, called, left=None, pledged=None, seed=1):
    """One row per person of the wave; rates by arm."""
    draw = random.Random(seed * 1000 + number)
    return [
        {
            "supporter_id": row["supporter_id"],
            "called": int(draw.random() < called[row["arm"]]),
            "pledged": int(draw.random() < (pledged or {}).get(row["arm"], 0.05)),
            "left": int(draw.random() < (left or {}).get(row["arm"], 0.01)),
        }
        for row in study.wave(number)
    ]


def test_several_arms_are_compared_with_the_control_and_read_by_factor(shell):
    study = Study(shell, "four", FOUR_ARMS, people=24_000)
    rates = {"plain": 0.10, "high": 0.10, "photo": 0.135, "both": 0.135}
    for number in (1, 2):
        study.send(number)
        shell.clock.move(hours=25)
        study.results(f"r{number}", act(study, number, called=rates))
        look = study.look()
        if look["verdict"] != "continue":
            break
    assert look["verdict"] == "crossed-up"
    assert look["arm"] in {"photo", "both"}
    primary = [c for c in look["comparisons"] if c["metric"] == "called"]
    assert [c["arm"] for c in primary] == ["high", "photo", "both"]
    # Holm never makes a p-value smaller, and three comparisons share alpha.
    assert all(c["p_adjusted"] >= c["p_sequential"] for c in primary)
    verdicts = {c["arm"]: c["verdict"] for c in primary}
    assert verdicts["high"] not in {"crossed-up", "crossed-down"}
    factors = {f["name"]: f for f in look["factors"]}
    assert next(iter(factors)) == "ask x photo"  # interactions are read first
    assert abs(factors["photo"]["estimate"]) > abs(factors["ask"]["estimate"])
    decision = study.decide()
    assert decision["outcome"] == "ship"
    assert decision["chosen"] == {look["arm"]: 1.0}
    assert "photo" in shell.ok("experiment", "look", "four").out
    shell.ok("experiment", "report", "four")


def test_harm_to_supporters_stops_an_arm_and_the_others_go_on(shell):
    study = Study(shell, "harm", FOUR_ARMS, people=24_000)
    same = dict.fromkeys(("plain", "high", "photo", "both"), 0.1)
    study.send(1)
    shell.clock.move(hours=25)
    bad = {"plain": 0.01, "high": 0.01, "photo": 0.05, "both": 0.01}
    study.results("r1", act(study, 1, called=same, left=bad))
    look = study.look()
    assert look["dropped"] == ["photo"]
    assert look["verdict"] == "continue"
    assert [g["arm"] for g in look["guardrails"] if g["harm"]] == ["photo"]


TWO_ARMS = """\
list: {{size: {size}, test: {size}}}
arms:
  - {{name: plain, control: true, text: a}}
  - {{name: new, text: b}}
"""


def test_harm_in_a_test_of_two_arms_keeps_the_control(shell):
    body = TWO_ARMS.format(size=8000) + FOUR_ARMS[FOUR_ARMS.index("metrics:") :]
    study = Study(shell, "harm2", body, people=8000)
    study.send(1)
    shell.clock.move(hours=25)
    rows = act(study, 1, called={"plain": 0.1, "new": 0.1}, left={"plain": 0.01, "new": 0.06})
    study.results("r1", rows)
    assert study.look()["verdict"] == "harm"
    decision = study.decide()
    assert (decision["outcome"], decision["chosen"]) == ("stop for harm", {"plain": 1.0})


MONEY = (
    TWO_ARMS.format(size=8000)
    + """\
metrics:
  - {name: cents, kind: mean, tier: organising, base_mean: 100, base_sd: 500, mde: 40, cap: 10000,
     window_hours: 24, covariates: [prior]}
  - {name: per_gift, kind: ratio, per: gifts, role: secondary, tier: organising, base_mean: 1000,
     window_hours: 24}
design: {salt: pepper, waves: 1}
segments: [{column: region}]
"""
)


def test_money_is_capped_adjusted_and_read_with_its_ratio_and_segments(shell):
    draw = random.Random(5)
    prior = [draw.randrange(0, 2000) for _ in range(8000)]
    study = Study(
        shell, "money", MONEY, people=8000,
        columns=lambda i: {"prior": prior[i], "region": ("north", "south")[i % 2]},
    )  # fmt: skip
    study.send(1)
    shell.clock.move(hours=25)
    rows = []
    for row in study.wave(1):
        gives = draw.random() < 0.1
        extra = 800 if row["arm"] == "new" else 0
        cents = int(row["prior"]) + extra if gives else 0
        rows.append(
            {"supporter_id": row["supporter_id"], "cents": cents, "per_gift": cents,
             "gifts": int(gives)}
        )  # fmt: skip
    # One enormous gift: capped, it cannot decide.
    rows[0]["cents"] = 90_000_000
    study.results("gifts", rows)
    look = study.look()
    one = look["comparisons"][0]
    assert look["verdict"] == "crossed-up"
    assert "adjusted for prior" in one["method"]
    assert "above 10000" in one["method"]
    assert one["low"] < 80 < one["high"]  # a tenth gives 800 cents more
    ratio = look["comparisons"][1]
    assert ratio["verdict"] == "crossed-up"
    assert 560 < ratio["difference"] < 1040  # six standard errors of about 41
    (segment,) = look["segments"]
    assert (segment["column"], segment["verdict"]) == ("region", "same")
    assert {level["name"] for level in segment["levels"]} == {"north", "south"}
    # Against an independent program: the adjusted estimate by statsmodels, arm-wise slopes.
    import numpy as np
    import statsmodels.api as sm

    by_id = {row["supporter_id"]: row for row in study.wave(1)}
    y = np.array([min(int(r["cents"]), 10_000) for r in rows], dtype=float)
    arm = np.array([by_id[r["supporter_id"]]["arm"] == "new" for r in rows], dtype=float)
    x = np.array([int(by_id[r["supporter_id"]]["prior"]) for r in rows], dtype=float)
    x -= x.mean()
    fit = sm.OLS(y, np.column_stack([np.ones_like(y), arm, x, arm * x])).fit()
    assert one["difference"] == pytest.approx(fit.params[1], rel=1e-6)


HOUSEHOLDS = (
    """\
unit: {kind: household, group: house}
"""
    + TWO_ARMS.format(size=4000)
    + """\
metrics: [{name: voted, tier: organising, base_rate: 0.4, mde: 0.08, window_hours: 24}]
design: {salt: pepper, waves: 1}
"""
)


def test_households_stay_together_and_are_what_is_counted(shell):
    study = Study(
        shell, "houses", HOUSEHOLDS, people=4000, columns=lambda i: {"house": f"H{i // 4}"}
    )
    people = study.wave(1)
    arms_of: dict[str, set[str]] = {}
    for row in people:
        arms_of.setdefault(row["house"], set()).add(row["arm"])
    assert all(len(arms) == 1 for arms in arms_of.values())
    study.send(1)
    shell.clock.move(hours=25)
    draw = random.Random(3)
    votes = {house: draw.random() < 0.5 for house in arms_of}
    rows = [
        {"supporter_id": row["supporter_id"], "voted": int(votes[row["house"]])} for row in people
    ]
    study.results("votes", rows)
    look = study.look()
    one = look["comparisons"][0]
    assert "jackknife" in one["method"]
    # Everybody of a household does the same, so four people are worth one: the standard error is
    # that of 1,000 households, twice the one that 4,000 people would claim.
    se = abs(one["difference"] / one["z"])
    assert se == pytest.approx(0.5 * (4 / 1000) ** 0.5, rel=0.1)


def clocked(shell, name, clock, waves):
    body = TWO_ARMS.format(size=8000) + (
        "metrics: [{name: did, tier: organising, base_rate: 0.3, mde: 0.05, window_hours: 168}]\n"
        f"design: {{salt: pepper, clock: {clock}{waves}}}\n"
    )
    return Study(shell, name, body, people=8000)


def outcomes(study, number, sent, now, *, delays, seed):
    """Those who did it by now: equal final rates, unlike delays (hours, exponential)."""
    draw = random.Random(seed)
    rows = []
    for row in study.wave(number):
        does = draw.random() < 0.3
        after = draw.expovariate(1 / delays[row["arm"]])
        done = does and after <= (now - sent).total_seconds() / 3600
        rows.append({"supporter_id": row["supporter_id"], "did": int(done)})
    return rows


FASTER = {"plain": 24.0, "new": 8.0}


def test_an_arm_that_is_only_faster_is_reported_by_the_speed_clock_alone(shell):
    """Equal final rates, mean delays of 8 h against 24 h: only ``speed`` may say anything."""
    study = clocked(shell, "speed", "speed", ", waves: 3")
    study.send(1)
    sent = shell.clock()
    shell.clock.move(hours=8)
    study.results("h8", outcomes(study, 1, sent, shell.clock(), delays=FASTER, seed=1))
    look = study.look()
    assert look["verdict"] == "sooner"
    decision = study.decide()
    assert (decision["outcome"], decision["proven"], decision["sooner"]) == (
        "inconclusive", False, True,
    )  # fmt: skip
    assert decision["chosen"] == {"new": 1.0}
    said = shell.ok("experiment", "decide", "speed").out
    assert "More or sooner" in said
    assert "better than" not in said

    study = clocked(shell, "onesend", "one-send", "")
    study.send(1)
    sent = shell.clock()
    shell.clock.move(hours=8)
    study.results("h8", outcomes(study, 1, sent, shell.clock(), delays=FASTER, seed=1))
    refused = shell("experiment", "look", "onesend")
    assert (refused.code, "168 hours" in refused.err) == (3, True)
    shell.clock.move(hours=161)
    study.results("h169", outcomes(study, 1, sent, shell.clock(), delays=FASTER, seed=1))
    assert study.look()["verdict"] == "ended"

    study = clocked(shell, "waves", "waves", ", waves: 2")
    for number in (1, 2):
        study.send(number)
        sent = shell.clock()
        shell.clock.move(hours=8)
        study.results(
            f"early{number}",
            outcomes(study, number, sent, shell.clock(), delays=FASTER, seed=number),
        )
        early = shell("experiment", "look", "waves")
        assert (
            early.code == 3
            or number not in shell.json("experiment", "look", "waves")["look"]["waves"]
        )
        shell.clock.move(hours=161)
        study.results(
            f"late{number}",
            outcomes(study, number, sent, shell.clock(), delays=FASTER, seed=number),
        )
        look = study.look()
    assert look["verdict"] == "ended"
    assert study.decide()["proven"] is False


def test_young_counts_are_shown_and_not_analysed(shell):
    study = clocked(shell, "young", "waves", ", waves: 2")
    study.send(1)
    shell.clock.move(hours=169)
    study.send(2)
    for number in (1, 2):
        rows = [
            {"supporter_id": r["supporter_id"], "did": int(number == 2 and r["arm"] == "new")}
            if number == 2
            else {"supporter_id": r["supporter_id"], "did": i % 3 // 2}
            for i, r in enumerate(study.wave(number))
        ]
        study.results(f"r{number}", rows)
    look = study.look()
    assert (look["waves"], look["immature"]) == ([1], [2])
    assert abs(look["difference"]) < 0.05
    assert {a["name"]: a["rate"] for a in look["young"]} == {"plain": 0.0, "new": 1.0}
    shell.ok("experiment", "report", "young")
    page = (shell.folder / "reports" / "young.html").read_text(encoding="utf-8")
    assert "not old enough" in page


def test_people_reported_in_the_other_arm_block_the_decision(shell):
    study = clocked(shell, "crossed", "waves", ", waves: 1")
    study.send(1)
    shell.clock.move(hours=169)
    rows = [
        {"supporter_id": r["supporter_id"], "did": i % 3 // 2,
         "arm": "plain" if i % 20 == 0 else r["arm"]}
        for i, r in enumerate(study.wave(1))
    ]  # fmt: skip
    study.results("r", rows)
    look = study.look()
    assert [f["code"] for f in look["findings"]] == ["DQ004"]
    refused = shell("experiment", "decide", "crossed")
    assert (refused.code, "another arm" in refused.err) == (3, True)


def test_machines_do_not_count_and_unlike_numbers_of_them_block(shell):
    study = clocked(shell, "robots", "waves", ", waves: 1")
    study.send(1)
    shell.clock.move(hours=169)
    rows = [
        {"supporter_id": r["supporter_id"], "did": 1 if r["arm"] == "new" else i % 3 // 2,
         "machine": int(r["arm"] == "new" and i % 3 != 2)}
        for i, r in enumerate(study.wave(1))
    ]  # fmt: skip
    study.results("r", rows)
    look = study.look()
    assert abs(look["difference"]) < 0.05
    assert [f["code"] for f in look["findings"]] == ["DQ005"]
    assert look["findings"][0]["severity"] == "error"


def test_amounts_by_arm_need_their_spread(shell, tmp_path):
    folder = shell.folder / "experiments" / "sums"
    folder.mkdir(parents=True)
    body = MONEY.replace(", covariates: [prior]", "")
    body = body.replace("{waves: 1}", "{waves: 1}").replace("segments: [{column: region}]\n", "")
    text = HEAD.format(name="sums") + body
    (folder / "experiment.yaml").write_text(text, encoding="utf-8")
    shell.ok("experiment", "lock", "sums")
    path = tmp_path / "sums.csv"
    path.write_text("arm,units,cents\nplain,4000,400000\nnew,4000,600000\n", encoding="utf-8")
    refused = shell("experiment", "intake", "sums", str(path))
    assert (refused.code, "cents_sd" in refused.err) == (2, True)
    path.write_text(
        "arm,units,cents,cents_sd,cents_count\nplain,4000,400000,500,400\nnew,4000,600000,600,600\n",
        encoding="utf-8",
    )
    shell.ok("experiment", "intake", "sums", str(path), "--sent-at", "2026-10-01 09:00")
    look = shell.json("experiment", "look", "sums")["look"]
    one = look["comparisons"][0]
    # 150 - 100 cents; standard error sqrt((500^2 + 600^2) / 4000) = 12.35.
    assert one["difference"] == pytest.approx(50.0)
    assert one["z"] == pytest.approx(50 / 12.3491, abs=0.01)


def test_the_brief_is_one_page_in_plain_words_with_one_question(shell):
    from responders.drafting.readability import reading_grade

    study = Study(
        shell, "brief", TWO_ARMS.format(size=8000).replace("size: 8000,", "size: 12000,")
        + FOUR_ARMS[FOUR_ARMS.index("metrics:") :], people=12_000,
    )  # fmt: skip

    def text():
        page = shell.folder / "reports" / "brief-brief.md"
        shell.ok("experiment", "brief", "brief", "--format", "md")
        return page.read_text(encoding="utf-8")

    texts = [text()]
    for number in (1, 2):
        study.send(number)
        shell.clock.move(hours=25)
        study.results(f"r{number}", act(study, number, called={"plain": 0.1, "new": 0.14}))
        look = study.look()
        texts.append(text())
        if look["verdict"] != "continue":
            break
    study.decide()
    texts.append(text())
    for one in texts:
        assert one.count("?") - one.count("Which ask works?") == 1, one
        prose = "\n".join(line for line in one.splitlines() if not line.startswith("#"))
        prose = prose[: prose.index("Made ")]
        found = reading_grade(prose, lang="en")
        assert found.grade is None or found.grade <= 9, (found, prose)
    assert reading_grade(texts[-1], lang="en").grade is not None
    assert "works better than" in texts[-1]
    shell.ok("experiment", "brief", "brief")
    page = (shell.folder / "reports" / "brief-brief.html").read_text(encoding="utf-8")
    assert "What we ask you" in page


def test_a_metric_can_be_followed_to_files_rows_and_digests(shell):
    study = clocked(shell, "traced", "waves", ", waves: 1")
    study.send(1)
    shell.clock.move(hours=169)
    rows = [
        {"supporter_id": r["supporter_id"], "did": i % 3 // 2} for i, r in enumerate(study.wave(1))
    ]
    study.results("r", rows)
    traced = shell.json("experiment", "report", "traced", "--trace", "did")["rows"]
    look = study.look()
    outcomes_of = {a["name"]: a["outcomes"] for a in look["arms"]}
    assert traced[0]["arm"] == "list"
    assert {row["arm"]: row["sum"] for row in traced[1:]} == outcomes_of
    for row in traced[1:]:
        assert (shell.folder / "data" / "results" / f"{row['data_sha256']}.parquet").is_file()
    unknown = shell("experiment", "report", "traced", "--trace", "nothing")
    assert (unknown.code, "did" in unknown.err) == (4, True)


def test_reports_come_as_page_markdown_json_and_csv_with_the_same_numbers(shell):
    study = clocked(shell, "forms", "waves", ", waves: 1")
    study.send(1)
    shell.clock.move(hours=169)
    study.results(
        "r",
        [
            {"supporter_id": r["supporter_id"], "did": i % 3 // 2}
            for i, r in enumerate(study.wave(1))
        ],
    )
    look = study.look()
    for form in ("html", "md", "json", "csv"):
        shell.ok("experiment", "report", "forms", "--format", form)
    folder = shell.folder / "reports"
    (row,) = read(folder / "forms.csv")
    assert float(row["difference"]) == look["difference"]
    assert (row["metric"], row["verdict"]) == ("did", look["verdict"])
    assert '"verdict": "ended"' in (folder / "forms.json").read_text(encoding="utf-8")
    shown = f"{100 * look['difference']:+.2f} points"
    for name in ("forms.html", "forms.md"):
        assert shown in (folder / name).read_text(encoding="utf-8").replace("\\", "")


def test_late_outcomes_revise_the_figures_beside_a_verdict_that_stays(shell):
    study = clocked(shell, "late", "waves", ", waves: 1")
    study.send(1)
    shell.clock.move(hours=169)
    wave = study.wave(1)
    study.results(
        "r",
        [{"supporter_id": r["supporter_id"], "did": int(i % 10 < 3)} for i, r in enumerate(wave)],
    )
    study.look()
    before = study.decide()
    more = [{"supporter_id": r["supporter_id"], "did": 1} for r in wave if r["arm"] == "new"][:300]
    study.results("late", more)
    later = study.look()
    assert later["verdict"] == "after-stop"
    assert later["difference"] > before["difference"]
    told = shell.json("experiment", "decide", "late")
    assert told["decision"] == before
    assert told["revised"]["difference"] == later["difference"]
    shell.ok("experiment", "report", "late")
    page = (shell.folder / "reports" / "late.html").read_text(encoding="utf-8")
    assert "With what came in since" in page


@pytest.mark.parametrize("family", ["exact", "open-ended"])
def test_rare_outcomes_go_from_list_to_report_without_z(shell, family):
    body = TWO_ARMS.format(size=12_000) + (
        "metrics: [{name: called, tier: organising, base_rate: 0.01, mde: 0.01,"
        " window_hours: 24}]\n"
        f"design: {{salt: pepper, family: {family}, waves: 2}}\n"
    )
    study = Study(shell, "rare", body, people=12_000)
    for number in (1, 2):
        study.send(number)
        shell.clock.move(hours=25)
        rows = [
            {"supporter_id": r["supporter_id"],
             "called": int(i % 100 < (4 if r["arm"] == "new" else 1))}
            for i, r in enumerate(study.wave(number))
        ]  # fmt: skip
        study.results(f"r{number}", rows)
        look = study.look()
        if look["verdict"] != "continue":
            break
    assert look["engine"] == {"exact": "exact", "open-ended": "open"}[family]
    assert look["verdict"] == "crossed-up"
    said = shell.ok("experiment", "look", "rare").out
    assert ("critical counts" in said) == (family == "exact")
    assert ("e-value" in said) == (family == "open-ended")
    decision = study.decide()
    assert decision["outcome"] == "ship"
    assert decision["low"] > 0
    for form in ("html", "md", "csv"):
        shell.ok("experiment", "report", "rare", "--format", form)
    shell.ok("experiment", "brief", "rare")


def test_the_export_of_a_tool_is_led_to_people_through_the_list(shell):
    body = TWO_ARMS.format(size=4000) + (
        "metrics:\n"
        "  - {name: gave, tier: organising, base_rate: 0.1, mde: 0.05, window_hours: 24}\n"
        "  - {name: raised, kind: mean, role: secondary, tier: organising, base_mean: 2,"
        " base_sd: 8, window_hours: 24}\n"
        "design: {salt: pepper, waves: 1}\n"
    )
    study = Study(
        shell, "actblue", body, people=4000, columns=lambda i: {"email": f"p{i}@example.org"}
    )
    study.send(1)
    shell.clock.move(hours=25)
    at = (shell.clock() - timedelta(hours=20)).strftime("%Y-%m-%d %H:%M:%S")
    lines = ["Receipt ID,Lineitem ID,Date,Amount,Reference Code,Recurrence Number,Donor Email"]
    given = dict.fromkeys(("plain", "new"), 0)
    for i, row in enumerate(study.wave(1)):
        if i % 10 == 0 or (row["arm"] == "new" and i % 10 == 1):
            given[row["arm"]] += 1
            lines.append(f"r{i},1,{at},25.50,,,{row['email'].upper()}")
    lines.append(f"r9,1,{at},5.00,,,stranger@example.org")
    path = study.folder / "export.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ("--deed", "gave=donated", "--deed", "raised=donated:amount")
    done = shell.json("experiment", "intake", "actblue", str(path), *words)
    assert done["outcomes"] == given
    assert done["unknown"] == 1
    look = study.look()
    assert {a["name"]: a["outcomes"] for a in look["arms"]} == given
    raised = next(c for c in look["comparisons"] if c["metric"] == "raised")
    assert raised["values"][1] == pytest.approx(25.5 * given["new"] / raised["units"][1])
    twice = shell("experiment", "intake", "actblue", str(path), *words)
    assert twice.code == 3
    wrong = shell("experiment", "intake", "actblue", str(path), "--deed", "called=donated")
    assert wrong.code in {2, 3}
