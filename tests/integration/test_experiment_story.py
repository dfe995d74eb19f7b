"""A message test from question to remainder, through the command line."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest


def write_list(path: Path, *, people: int) -> Path:
    rows = "".join(f"S{i:05d},Name {i},{('NY', 'NJ')[i % 2]}\n" for i in range(people))
    path.write_text("supporter_id,first_name,state\n" + rows, encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_results(folder: Path, wave: int, *, rates: dict[str, float], seed: int = 1) -> Path:
    """One row per person of a wave; exactly ``round(rate * n)`` of an arm did it."""
    rng = random.Random(seed * 100 + wave)
    path = folder / f"results-{wave}.csv"
    lines = ["supporter_id,gave"]
    for arm, rate in rates.items():
        people = read(folder / "lists" / f"wave-{wave:02d}-{arm}.csv")
        done = set(rng.sample(range(len(people)), round(rate * len(people))))
        lines += [f"{row['supporter_id']},{int(i in done)}" for i, row in enumerate(people)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


DEFINITION = """\
experiment: spring
title: Does a match bring more gifts?
hypothesis: People like to see their gift doubled.
what_will_change: The next appeal names a match.
owner: sam
list: {size: 20000, test: 16000}
arms:
  - {name: control, control: true, text: Please give.}
  - {name: match, text: "Give, and it is doubled."}
metrics:
  - {name: gave, tier: organising, base_rate: 0.05, mde: 0.02, window_hours: 72}
design: {waves: 4}
if_inconclusive: %s
"""


@pytest.fixture
def spring(shell):
    folder = shell.folder / "experiments" / "spring"
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(DEFINITION % "control", encoding="utf-8")
    shell.ok("experiment", "lock", "spring")
    people = write_list(shell.folder / "list.csv", people=20_000)
    shell.ok("experiment", "assign", "spring", str(people))
    return folder


def send_and_read(shell, folder, wave, rates):
    shell.ok("experiment", "sent", "spring", "--wave", str(wave))
    shell.clock.move(hours=73)
    shell.ok("experiment", "intake", "spring", str(write_results(folder, wave, rates=rates)))
    return shell.json("experiment", "look", "spring")["look"]


def test_a_real_difference_ends_in_ship_and_the_rest_gets_the_better_arm(shell, spring):
    looks = []
    for wave in range(1, 5):
        looks.append(send_and_read(shell, spring, wave, {"control": 0.05, "match": 0.075}))
        if looks[-1]["verdict"] != "continue":
            break
    assert looks[-1]["verdict"] == "crossed-up"
    decision = shell.json("experiment", "decide", "spring")["decision"]
    assert decision["outcome"] == "ship"
    assert decision["proven"] is True
    assert decision["chosen"] == {"match": 1.0}
    # A stop at a bound overstates; the median-unbiased estimate lies below what was observed.
    assert 0 < decision["difference"] <= looks[-1]["difference"]
    rest = shell.json("experiment", "remainder", "spring")
    people = read(spring / "lists" / "remainder-match.csv")
    assert rest["files"][0]["rows"] == f"{len(people):,}"
    assert {row["arm"] for row in people} == {"match"}
    # Nobody is forgotten: who was in a wave that never went out gets the better arm as well.
    sent = [p for k in range(1, wave + 1) for p in (spring / "lists").glob(f"wave-{k:02d}-*.csv")]
    tested = {row["supporter_id"] for path in sent for row in read(path)}
    assert tested.isdisjoint(row["supporter_id"] for row in people)
    assert len(tested) + len(people) == 20_000


def test_a_clear_harm_keeps_the_control(shell, spring):
    for wave in range(1, 5):
        look = send_and_read(shell, spring, wave, {"control": 0.075, "match": 0.045})
        if look["verdict"] != "continue":
            break
    assert look["verdict"] == "crossed-down"
    decision = shell.json("experiment", "decide", "spring")["decision"]
    assert (decision["outcome"], decision["chosen"]) == ("keep control", {"control": 1.0})


def test_no_difference_ends_inconclusive_and_the_plan_says_what_the_rest_gets(shell, spring):
    for wave in range(1, 5):
        look = send_and_read(shell, spring, wave, {"control": 0.05, "match": 0.05})
    assert look["verdict"] == "ended"
    assert look["final"] is True
    assert look["spent"] == pytest.approx(0.05, abs=1e-6)  # the plan's alpha, all of it
    decision = shell.json("experiment", "decide", "spring")["decision"]
    assert decision["outcome"] == "inconclusive"
    assert decision["proven"] is False
    assert decision["chosen"] == {"control": 1.0}


def test_deciding_before_the_plan_says_so_is_refused_unless_a_reason_is_given(shell, spring):
    send_and_read(shell, spring, 1, {"control": 0.05, "match": 0.055})
    refused = shell("experiment", "decide", "spring")
    assert refused.code == 3
    assert "goes on" in refused.err
    decision = shell.json("experiment", "decide", "spring", "--stop", "the campaign ended")
    assert decision["decision"]["ending"] == "stopped without crossing"
    assert decision["decision"]["proven"] is False


def test_looking_again_at_the_same_data_is_the_same_look_and_spends_nothing(shell, spring):
    first = send_and_read(shell, spring, 1, {"control": 0.05, "match": 0.06})
    again = shell.json("experiment", "look", "spring")
    assert again["new"] is False
    assert again["look"] == first
    kinds = [row["kind"] for row in shell.json("ledger", "show", "-n", "100")]
    assert kinds.count("look.recorded") == 1


def test_a_wave_inside_its_window_is_not_read(shell, spring):
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    shell.clock.move(hours=71)
    results = write_results(spring, 1, rates={"control": 0.05, "match": 0.05})
    shell.ok("experiment", "intake", "spring", str(results))
    refused = shell("experiment", "look", "spring")
    assert refused.code == 3
    assert "72 hours" in refused.err
    shell.clock.move(hours=1)
    assert shell.json("experiment", "look", "spring")["look"]["waves"] == [1]


def test_an_outcome_after_the_window_does_not_count(shell, spring):
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    sent = shell.clock()
    people = read(spring / "lists" / "wave-01-match.csv")
    late = [
        f"{row['supporter_id']},1,{(sent).isoformat() if i % 2 else '2026-11-20T00:00:00+00:00'}"
        for i, row in enumerate(people)
    ]
    control = [
        f"{row['supporter_id']},0," for row in read(spring / "lists" / "wave-01-control.csv")
    ]
    path = spring / "late.csv"
    path.write_text("\n".join(["supporter_id,gave,at", *late, *control]) + "\n", encoding="utf-8")
    shell.clock.move(days=30)
    shell.ok("experiment", "intake", "spring", str(path))
    look = shell.json("experiment", "look", "spring")["look"]
    arms = {arm["name"]: arm["outcomes"] for arm in look["arms"]}
    assert arms == {"control": 0, "match": len(people) // 2}


def test_results_after_the_decision_leave_the_verdict(shell, spring):
    for wave in range(1, 5):
        look = send_and_read(shell, spring, wave, {"control": 0.04, "match": 0.08})
        if look["verdict"] == "crossed-up":
            break
    before = shell.json("experiment", "decide", "spring")["decision"]
    later = send_and_read(shell, spring, wave + 1, {"control": 0.09, "match": 0.02})
    assert later["verdict"] == "after-stop"
    assert shell.json("experiment", "decide", "spring")["decision"] == before


def test_a_lopsided_return_blocks_the_decision_until_somebody_gives_a_reason(shell, spring):
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    shell.clock.move(hours=80)
    keep = read(spring / "lists" / "wave-01-control.csv")
    lost = read(spring / "lists" / "wave-01-match.csv")[:1500]  # 500 of 2,000 rows are missing
    rows = [f"{r['supporter_id']},{int(i < 60)}" for i, r in enumerate(keep)]
    rows += [f"{r['supporter_id']},{int(i < 90)}" for i, r in enumerate(lost)]
    path = spring / "lost.csv"
    path.write_text("\n".join(["supporter_id,gave", *rows]) + "\n", encoding="utf-8")
    taken = shell.ok("experiment", "intake", "spring", str(path))
    assert "MISMATCH" in taken.out
    look = shell.json("experiment", "look", "spring")["look"]
    assert [f["code"] for f in look["findings"]] == ["DQ001"]
    refused = shell("experiment", "decide", "spring", "--stop", "enough")
    assert (refused.code, "sample-ratio" in refused.err) == (3, True)
    done = shell.json(
        "experiment", "decide", "spring", "--stop", "enough", "--despite-mismatch", "export bug"
    )
    assert done["decision"]["despite"] == "export bug"


def test_the_same_list_and_results_twice_change_nothing(shell, spring):
    again = shell.json("experiment", "assign", "spring", str(shell.folder / "list.csv"))
    assert again["new"] is False
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    results = write_results(spring, 1, rates={"control": 0.05, "match": 0.05})
    shell.ok("experiment", "intake", "spring", str(results))
    twice = shell("experiment", "intake", "spring", str(results))
    assert (twice.code, "is in already" in twice.err) == (3, True)
    head = shell.json("ledger", "verify")["head"]
    shell.ok("experiment", "lock", "spring")
    shell.ok("experiment", "sent", "spring", "--wave", "1", "--at", "2026-11-02 09:00")
    assert shell.json("ledger", "verify")["head"] == head


def test_a_retracted_batch_counts_no_longer_and_may_come_again(shell, spring):
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    shell.clock.move(hours=73)
    results = write_results(spring, 1, rates={"control": 0.05, "match": 0.05})
    batch = shell.json("experiment", "intake", "spring", str(results))["batch"]
    shell.ok("experiment", "retract", "spring", batch, "--reason", "wrong export")
    assert shell("experiment", "look", "spring").code == 3  # there is nothing to read
    shell.ok("experiment", "intake", "spring", str(results))


def test_duplicates_are_reported_and_counted_once(shell, spring):
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    shell.clock.move(hours=73)
    results = write_results(spring, 1, rates={"control": 0.05, "match": 0.05})
    text = results.read_text(encoding="utf-8").splitlines()
    results.write_text("\n".join([*text, *text[1:11]]) + "\n", encoding="utf-8")
    first = shell.json("experiment", "intake", "spring", str(results))
    assert first["repeated"] == 10
    second = spring / "again.csv"
    second.write_text("\n".join(text[:201]) + "\n", encoding="utf-8")
    assert shell.json("experiment", "intake", "spring", str(second))["earlier"] == 200
    arms = shell.json("experiment", "look", "spring")["look"]["arms"]
    assert [(a["units"], a["outcomes"]) for a in arms] == [(2000, 100), (2000, 100)]


def test_a_dry_run_stores_nothing(shell, spring):
    head = shell.json("ledger", "verify")["head"]
    results = write_results(spring, 1, rates={"control": 0.05, "match": 0.05})
    said = shell.ok("experiment", "intake", "spring", str(results), "--dry-run")
    assert "nothing was stored" in said.out
    assert shell.json("ledger", "verify")["head"] == head
    assert not (shell.folder / "data" / "results").exists()


def test_counts_by_arm_are_cumulative_unless_declared_otherwise(shell, tmp_path):
    folder = shell.folder / "experiments" / "spring"
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(DEFINITION % "control", encoding="utf-8")
    shell.ok("experiment", "lock", "spring")

    def counts(name, rows):
        path = tmp_path / name
        path.write_text("wave,arm,units,gave\n" + rows, encoding="utf-8")
        return str(path)

    one = counts("one.csv", '1,control,"2,000",90\n1,match,2000,100 (5.0%)\n')
    shell.ok("experiment", "intake", "spring", one, "--sent-at", "2026-10-01 09:00")
    two = counts("two.csv", "1,control,2000,110\n1,match,2000,120\n")
    shell.ok("experiment", "intake", "spring", two)
    arms = shell.json("experiment", "look", "spring")["look"]["arms"]
    assert [a["outcomes"] for a in arms] == [110, 120]
    three = counts("three.csv", "1,control,4,5\n1,match,4,5\n")
    bad = shell("experiment", "intake", "spring", three)
    assert (bad.code, "more outcomes than units" in bad.err) == (2, True)
    four = counts("four.csv", "1,control,100,5\n1,match,100,7\n")
    shell.ok("experiment", "intake", "spring", four, "--increments")
    arms = shell.json("experiment", "look", "spring")["look"]["arms"]
    assert [(a["units"], a["outcomes"]) for a in arms] == [(2100, 115), (2100, 127)]


def test_a_lock_can_be_voided_before_the_first_send_and_not_after(shell, spring):
    shell.ok("experiment", "void", "spring", "--reason", "typo")
    shell.ok("experiment", "lock", "spring")
    shell.ok("experiment", "assign", "spring", str(shell.folder / "list.csv"))
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    refused = shell("experiment", "void", "spring", "--reason", "typo")
    assert (refused.code, "a wave was sent" in refused.err) == (3, True)


def test_another_text_under_a_locked_name_is_refused(shell, spring):
    path = spring / "experiment.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "channel: sms\n", encoding="utf-8")
    refused = shell("experiment", "lock", "spring")
    assert (refused.code, "is locked" in refused.err) == (3, True)


def test_the_report_needs_no_network_and_escapes_what_people_wrote(shell):
    folder = shell.folder / "experiments" / "spring"
    folder.mkdir(parents=True)
    text = (DEFINITION % "control").replace("Please give.", "<script>alert(1)</script> & give")
    (folder / "experiment.yaml").write_text(text, encoding="utf-8")
    shell.ok("experiment", "lock", "spring")
    shell.ok("experiment", "report", "spring")
    page = (shell.folder / "reports" / "spring.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    shell.ok("experiment", "report", "spring", "--format", "md")
    assert "<script>" not in (shell.folder / "reports" / "spring.md").read_text(encoding="utf-8")


def only_those_who_did(folder, wave, arm, *, share):
    """What many tools export: a file per arm, with nobody in it but those who did it."""
    people = read(folder / "lists" / f"wave-{wave:02d}-{arm}.csv")
    path = folder / f"givers-{wave}-{arm}.csv"
    rows = "".join(f"{row['supporter_id']},1\n" for row in people[: round(share * len(people))])
    path.write_text("supporter_id,gave\n" + rows, encoding="utf-8")
    return str(path)


def test_a_file_of_one_arm_alone_never_decides(shell, spring):
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    shell.clock.move(hours=73)
    shell.ok("experiment", "intake", "spring", only_those_who_did(spring, 1, "match", share=0.09))
    look = shell.json("experiment", "look", "spring")["look"]
    assert [f["code"] for f in look["findings"] if f["severity"] == "error"] == ["DQ003"]
    said = shell.ok("experiment", "look", "spring").out
    assert "better" not in said
    assert shell("experiment", "decide", "spring", "--stop", "now").code == 3
    shell.ok("experiment", "intake", "spring", only_those_who_did(spring, 1, "control", share=0.05))
    look = shell.json("experiment", "look", "spring")["look"]
    assert look["findings"] == []
    assert [a["outcomes"] for a in look["arms"]] == [100, 180]
    # The blocked look neither ended the test nor decides it.
    assert look["verdict"] == "crossed-up"
    assert shell.json("experiment", "decide", "spring")["decision"]["look_number"] == look["number"]


def test_a_look_at_a_wrong_file_does_not_end_the_test(shell, spring):
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    shell.clock.move(hours=73)
    wrong = only_those_who_did(spring, 1, "control", share=0.5)
    batch = shell.json("experiment", "intake", "spring", wrong)["batch"]
    assert shell.json("experiment", "look", "spring")["look"]["findings"][0]["code"] == "DQ003"
    shell.ok("experiment", "retract", "spring", batch, "--reason", "wrong file")
    results = write_results(spring, 1, rates={"control": 0.05, "match": 0.05})
    shell.ok("experiment", "intake", "spring", str(results))
    look = shell.json("experiment", "look", "spring")["look"]
    assert (look["verdict"], look["bound"] is not None) == ("continue", True)
    refused = shell("experiment", "decide", "spring", "--despite-mismatch", "it was mended")
    assert (refused.code, "goes on" in refused.err) == (3, True)
    assert shell.json("experiment", "list")[0]["state"] == "running"


def test_a_wave_without_any_result_is_not_read_as_nobody(shell, spring):
    for wave in (1, 2):
        shell.ok("experiment", "sent", "spring", "--wave", str(wave))
    shell.clock.move(hours=73)
    refused = shell("experiment", "look", "spring")
    assert (refused.code, "has no results yet" in refused.err) == (3, True)
    results = write_results(spring, 2, rates={"control": 0.05, "match": 0.05})
    shell.ok("experiment", "intake", "spring", str(results))
    look = shell.json("experiment", "look", "spring")["look"]
    assert (look["waves"], 1 in look["immature"]) == ([2], True)


def test_a_verdict_whose_data_were_taken_back_says_so_everywhere(shell, spring):
    shell.ok("experiment", "sent", "spring", "--wave", "1")
    shell.clock.move(hours=73)
    results = write_results(spring, 1, rates={"control": 0.05, "match": 0.06})
    batch = shell.json("experiment", "intake", "spring", str(results))["batch"]
    shell.ok("experiment", "look", "spring")
    shell.ok("experiment", "decide", "spring", "--stop", "enough")
    shell.clock.move(hours=1)
    shell.ok("experiment", "retract", "spring", batch, "--reason", "wrong export")
    for words in (("decide", "spring"), ("remainder", "spring")):
        assert "DOUBT" in shell.ok("experiment", *words).out
    shell.ok("experiment", "report", "spring")
    page = (shell.folder / "reports" / "spring.html").read_text(encoding="utf-8")
    assert page.index("DOUBT") < page.index("Inconclusive")


def test_a_wave_cannot_go_out_after_its_people_went_to_the_remainder(shell, spring):
    send_and_read(shell, spring, 1, {"control": 0.05, "match": 0.05})
    shell.ok("experiment", "decide", "spring", "--stop", "enough")
    shell.clock.move(hours=1)
    refused = shell("experiment", "sent", "spring", "--wave", "2")
    assert (refused.code, "in the remainder" in refused.err) == (3, True)


def test_a_backup_into_the_workspace_does_not_hold_itself(shell):
    done = shell.json("backup", str(shell.folder / "all.zip"))
    assert "all.zip" not in done["members"]
    again = shell.json("backup", str(shell.folder / "more.zip"))
    assert "all.zip" in again["members"]
    assert not list(shell.folder.glob("*.partial"))


def test_adopting_people_tells_which_chain_they_cannot_complete(shell):
    path = shell.folder / "people.yaml"
    text = path.read_text("utf-8").replace("roles: [comms_lead]", "roles: [press]")
    path.write_text(text.replace("roles: [deputy_comms]", "roles: [press]"), "utf-8")
    assert "warning SO0" in shell.ok("adopt", "people").out
