"""Households stay together; hold-outs, suppressed people and those of other tests get nothing."""

from __future__ import annotations

import csv
from collections import defaultdict

import pytest

from tests.cli.test_bad_input import GOOD


def define(shell, name, **changes):
    folder = shell.folder / "experiments" / name
    folder.mkdir(parents=True, exist_ok=True)
    text = GOOD.replace("experiment: spring", f"experiment: {name}")
    for before, after in changes.values():
        assert before in text
        text = text.replace(before, after)
    (folder / "experiment.yaml").write_text(text, encoding="utf-8")
    shell.ok("experiment", "lock", name)
    return folder


def people(tmp_path, number=20_000, *, size=1):
    path = tmp_path / f"list-{number}-{size}.csv"
    rows = (f"S{i}," + (f"H{i // size}" if i % 7 else "") for i in range(number))
    path.write_text("supporter_id,household_id\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def read(folder):
    """``unit -> file`` over all lists that were written."""
    found = {}
    for file in sorted((folder / "lists").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                assert row["supporter_id"] not in found
                found[row["supporter_id"]] = (file.stem, row)
    return found


@pytest.mark.parametrize("scheme", ["md5-rank-v1", "md5-v1"])
def test_a_household_gets_one_message_at_one_time(shell, tmp_path, scheme):
    folder = define(
        shell,
        "home",
        unit=("list: {size", "unit: {kind: household, group: household_id}\nlist: {size"),
        scheme=("waves: 4", f"waves: 4, scheme: {scheme}"),
    )
    done = shell.json("experiment", "assign", "home", str(people(tmp_path, size=3)))
    placed = read(folder)
    assert len(placed) == 20_000
    homes = defaultdict(set)
    for unit, (file, row) in placed.items():
        homes[row["household_id"] or unit].add(file)
    assert all(len(files) == 1 for files in homes.values())
    counts = done["counts"]
    if scheme == "md5-rank-v1":  # exact to a household of three
        for wave in "1234":
            assert all(abs(n - 2000) <= 4 for n in counts[wave].values())
    else:
        assert all(1700 < n < 2300 for wave in "1234" for n in counts[wave].values())


def test_newcomers_of_a_household_get_what_it_got(shell, tmp_path):
    folder = define(
        shell,
        "home",
        unit=("list: {size", "unit: {kind: household, group: household_id}\nlist: {size"),
    )
    first = people(tmp_path, size=3)
    shell.ok("experiment", "assign", "home", str(first))
    arms = {row["household_id"]: row.get("arm", "") for _, row in read(folder).values()}
    later = tmp_path / "later.csv"
    later.write_text(
        "supporter_id,household_id\n" + "\n".join(f"N{i},H{i}" for i in range(1, 3000)) + "\n",
        encoding="utf-8",
    )
    shell.ok("experiment", "assign", "home", str(later), "--new-wave")
    new = {u: found for u, found in read(folder).items() if u.startswith("N")}
    assert len(new) == 2999
    for file, row in new.values():
        home = row["household_id"]
        if home in arms:
            assert row.get("arm", "") == arms[home]
            assert ("remainder" in file) == (arms[home] == "")


def test_the_held_out_are_the_same_people_in_every_experiment(shell, tmp_path):
    change = {"hold": ("size: 20000, test: 16000", "size: 20000, test: 16000, holdout: 0.1")}
    source = str(people(tmp_path))
    gone = []
    for name in ("one", "two"):
        folder = define(shell, name, **change)
        done = shell.json("experiment", "assign", name, source)
        placed = read(folder)
        gone.append({f"S{i}" for i in range(20_000)} - set(placed))
        assert done["counts"]["-1"] == {"held out": len(gone[-1])}
    assert gone[0] == gone[1]
    # Binomial(20 000, 0.1): five standard deviations.
    assert abs(len(gone[0]) - 2000) < 5 * (20_000 * 0.1 * 0.9) ** 0.5


def test_the_suppressed_and_people_of_another_test_get_nothing_even_afterwards(shell, tmp_path):
    define(shell, "other", size=("size: 20000, test: 16000", "size: 2000, test: 2000"))
    shell.ok("experiment", "assign", "other", str(people(tmp_path, 2000)))
    folder = define(
        shell,
        "mine",
        out=(
            "size: 20000, test: 16000",
            "size: 20000, test: 16000, suppress: [no.csv], exclude: [other]",
        ),
    )
    source = str(people(tmp_path))
    refused = shell("experiment", "assign", "mine", source)
    assert (refused.code, "no.csv is not there" in refused.err) == (2, True)
    rows = "\n".join(f"S{i}" for i in range(1990, 2100))
    (folder / "no.csv").write_text(f"supporter_id\n{rows}\n", encoding="utf-8")
    done = shell.json("experiment", "assign", "mine", source)
    assert done["counts"]["-1"] == {"excluded": 2000, "suppressed": 100}
    placed = read(folder)
    assert not {f"S{i}" for i in range(2100)} & set(placed)
    assert len(placed) == 17_900
    shell.ok("experiment", "sent", "mine", "--wave", "1", "--at", "10 days ago")
    counts = tmp_path / "c.csv"
    counts.write_text("wave,arm,units,gave\n1,control,2000,100\n1,match,2000,180\n")
    shell.ok("experiment", "intake", "mine", str(counts))
    shell.ok("experiment", "look", "mine")
    shell.ok("experiment", "decide", "mine", "--stop", "a test")
    shell.ok("experiment", "remainder", "mine")
    files = [*(folder / "lists").glob("remainder-*.csv")]
    rest = {
        row["supporter_id"]
        for file in files
        for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    }
    assert not {f"S{i}" for i in range(2100)} & rest
    assert len(rest) == 17_900 - 4000


def test_links_and_refcodes_travel_with_the_list(shell, tmp_path):
    folder = define(
        shell,
        "links",
        a=("text: a}", "text: a, link: 'https://example.org/a?x=1,2', refcode: spring-a}"),
        b=("text: b}", "text: b, link: 'https://example.org/b', refcode: spring-b}"),
    )
    shell.ok("experiment", "assign", "links", str(people(tmp_path)))
    for unit, (file, row) in read(folder).items():
        if "remainder" in file:
            assert "link" not in row, unit
        else:
            letter = "a" if row["arm"] == "control" else "b"
            assert row["refcode"] == f"spring-{letter}"
            assert row["link"].startswith(f"https://example.org/{letter}")


def test_an_excluded_test_without_a_list_keeps_nobody_out_and_says_so(shell, tmp_path):
    define(shell, "other")
    define(shell, "mine", out=("size: 20000,", "size: 20000, exclude: [other],"))
    refused = shell("experiment", "assign", "mine", str(people(tmp_path)))
    assert (refused.code, "has no list yet" in refused.err) == (3, True)


def test_a_split_that_a_tool_made_is_rid_of_those_who_get_nothing_and_they_are_named(
    shell, tmp_path
):
    folder = define(
        shell,
        "given",
        out=(
            "size: 20000, test: 16000",
            "size: 20000, test: 16000, suppress: [no.csv], holdout: 0.1",
        ),
    )
    (folder / "no.csv").write_text("supporter_id\nS1\nS2\n", encoding="utf-8")
    split = tmp_path / "split.csv"
    rows = "\n".join(f"S{i},{('control', 'match')[i % 2]}" for i in range(4000))
    split.write_text(f"supporter_id,version\n{rows}\n", encoding="utf-8")
    words = ("experiment", "assign", "given", str(split), "--arm-column", "version")
    done = shell.json(*words)
    assert done["kept_out"]["suppressed"] == 2
    assert abs(done["kept_out"]["held out"] - 400) < 5 * (4000 * 0.1 * 0.9) ** 0.5
    assert "take them out of it before it sends" in shell.ok(*words).out
    placed = read(folder)
    assert {u for u, (file, _) in placed.items() if file == "kept-out-suppressed"} == {"S1", "S2"}
    sent = {u: row["arm"] for u, (file, row) in placed.items() if file.startswith("wave")}
    assert len(sent) == 4000 - sum(done["kept_out"].values())
    assert all(arm == ("control", "match")[int(u[1:]) % 2] for u, arm in sent.items())
    shell.ok("experiment", "sent", "given", "--wave", "1", "--at", "10 days ago")
    results = tmp_path / "r.csv"
    results.write_text(
        "supporter_id,gave\n" + "\n".join(f"S{i},1" for i in range(4000)) + "\n", encoding="utf-8"
    )
    # Whoever the tool sent it to all the same stands in no arm.
    assert sum(shell.json("experiment", "intake", "given", str(results))["arms"].values()) == len(
        sent
    )


def test_people_without_a_household_are_counted_and_each_is_one_alone(shell, tmp_path):
    define(
        shell,
        "home",
        unit=("list: {size", "unit: {kind: household, group: household_id}\nlist: {size"),
    )
    source = str(people(tmp_path, size=3))  # every seventh has none
    done = shell("experiment", "assign", "home", source)
    assert "2,858 have no household or group in the list: each is one alone" in done.out


def test_after_the_decision_a_list_written_again_has_nobody_who_waits(shell, tmp_path):
    folder = define(shell, "mine")
    source = str(people(tmp_path))
    shell.ok("experiment", "assign", "mine", source)
    waiting = folder / "lists" / "remainder-not-sent-yet.csv"
    assert waiting.is_file()
    shell.ok("experiment", "sent", "mine", "--wave", "1", "--at", "10 days ago")
    counts = tmp_path / "c.csv"
    counts.write_text("wave,arm,units,gave\n1,control,2000,100\n1,match,2000,180\n")
    shell.ok("experiment", "intake", "mine", str(counts))
    shell.ok("experiment", "look", "mine")
    shell.ok("experiment", "decide", "mine", "--stop", "a test")
    shell.ok("experiment", "remainder", "mine")
    shell.ok("experiment", "assign", "mine", source)
    assert not waiting.exists()  # who waited is in the remainder's lists: twice would be sent twice
