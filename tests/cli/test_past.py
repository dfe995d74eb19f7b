"""Last year's tests: read as fixed, labelled, kept with a record, and used by the planner."""

from __future__ import annotations

import math
import random
import sqlite3

import pytest

from testkit.errors import InputError
from testkit.model.past import PastArm, PastTest, read_past

# Two subject lines: 20 and 35 of 1000 each, 27.5 expected of each.
ONE = "test,arm,units,gifts\nmay,plain,1000,20\nmay,urgent,1000,35\n"


@pytest.fixture
def file(tmp_path):
    def write(text, name="past.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode("utf-8-sig") if name.startswith("bom") else text.encode())
        return str(path)

    return write


def many(tests, *, seed, spread=0.004, base=0.03, units=5000):
    """Tests whose versions truly differ by a standard deviation of ``spread``."""
    draw = random.Random(seed)
    rows = ["campaign,subject,sent,gifts"]
    for test in range(tests):
        for arm in "ab":
            rate = base + draw.gauss(0, spread)
            done = sum(draw.random() < rate for _ in range(units))
            rows.append(f"c{test},{arm},{units},{done}")
    return "\n".join(rows) + "\n"


def test_one_test_is_read_with_the_textbooks_figures(shell, file):
    found = shell.json("experiment", "past", file(ONE), "--column", "outcomes=gifts")
    (summary,) = found["summaries"]
    (reading,) = summary["readings"]
    assert reading["label"] == "not pre-registered"
    # One degree of freedom: the tail of chi-square is erfc(sqrt(x / 2)).
    statistic = 2 * 7.5**2 / (1000 * 0.0275 * 0.9725)
    assert math.isclose(reading["omnibus_p"], math.erfc(math.sqrt(statistic / 2)), rel_tol=1e-9)
    assert reading["best"] == "urgent"
    assert math.isclose(reading["difference"], 0.015)
    assert reading["low"] < 0.015 < reading["high"]
    assert (summary["spread"], reading["expected"]) == (None, None)  # one test teaches no spread


def test_the_spread_that_was_put_in_is_found_again_and_the_planner_is_told(shell, file):
    text = many(60, seed=4)
    out = shell.ok("experiment", "past", file(text)).out
    assert "60 tests, not pre-registered" in out
    (summary,) = shell.json("experiment", "past")["summaries"]
    # The estimate's relative error is about 1 / sqrt(2 * 60) plus what sampling adds.
    assert abs(summary["spread"] - 0.004) < 0.0015
    assert f"--spread {summary['spread']:.2g}" in out


def test_large_differences_are_drawn_back(shell, file):
    (summary,) = shell.json("experiment", "past", file(many(60, seed=5)))["summaries"]
    top = max(summary["readings"], key=lambda r: r["difference"])
    assert 0 < top["expected"] < top["difference"]


def test_a_lopsided_test_is_marked_and_teaches_nothing(shell, file):
    text = many(8, seed=6) + "odd,a,5000,10\nodd,b,7000,900\n"
    with_odd, without = (
        shell.json("experiment", "past", file(t, name), "--dry-run")["summaries"][0]
        for t, name in ((text, "a.csv"), (many(8, seed=6), "b.csv"))
    )
    assert with_odd["suspicious"] == 1
    assert with_odd["spread"] == without["spread"]


def test_the_same_file_twice_is_refused_until_it_is_forgotten(shell, file):
    path = file(ONE)
    done = shell.json("experiment", "past", path)
    again = shell("experiment", "past", path)
    assert (again.code, "taken in before" in again.err, done["file"] in again.err) == (
        3,
        True,
        True,
    )
    shell.ok("experiment", "past", "--forget", done["file"])
    assert shell.json("experiment", "past")["summaries"] == []
    shell.ok("experiment", "past", path)
    assert shell("ledger", "verify").code == 0
    with sqlite3.connect(shell.folder / "workspace.db") as conn:
        conn.execute("UPDATE past_file SET tests = replace(tests, '35', '53')")
    assert "LG005" in shell("ledger", "verify").out + shell("ledger", "verify").err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("test,arm,units,gifts\nmay,a,1000,20\n", "may: one arm alone"),
        ("test,arm,units,gifts\nmay,a,1000,2000\nmay,b,10,1\n", "row 1: gifts is '2000' of 1,000"),
        ("test,arm,units,gifts\nmay,a,none,20\nmay,b,10,1\n", "row 1: units is 'none'"),
        ("test,arm,units,gifts\nmay,a,-5,0\nmay,b,10,1\n", "row 1: units is '-5'"),
        ("test,arm,units,gifts\n,a,10,0\nmay,b,10,1\nmay,c,10,1\n", "row 1: no test"),
        ("test,arm,people,gifts\nmay,a,10,0\n", "no column for 'units'"),
        ("test,arm,units,gifts\n", "it is empty"),
        ("test,arm,units,gifts\nmay,x,9,1\nmay,x,9,2\n", "row 2: may has arm 'x' twice"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_is_taken_in(shell, file, text, says):
    refused = shell("experiment", "past", file(text))
    assert refused.code == 2
    assert says in refused.err
    assert shell.json("experiment", "past")["summaries"] == []


def test_exports_with_marks_commas_and_their_own_names_are_read(shell, file):
    text = "\ufeffCampaign;Subject;Recipients;Clicks\nmay;a;1,000;20\nmay;b;1,000;35 (3.5%)\n;;;\n"
    (summary,) = shell.json("experiment", "past", file(text.replace("\ufeff", ""), "bom.csv"))[
        "summaries"
    ]
    assert (summary["metric"], len(summary["readings"])) == ("Clicks", 1)


def test_a_value_that_cannot_be_is_refused_by_name():
    one = PastArm(name="a", units=10, outcomes=1)
    for arms in ((one,), (one, one), (one, PastArm(name="b", units=5, outcomes=6))):
        with pytest.raises(InputError):
            PastTest(name="may", arms=arms)


def test_tests_of_different_metrics_do_not_teach_each_other():
    arms = (PastArm(name="a", units=100, outcomes=9), PastArm(name="b", units=100, outcomes=3))
    tests = [PastTest(name=str(i), arms=arms, metric=("gave", "called")[i % 2]) for i in range(6)]
    assert [(s.metric, len(s.readings)) for s in read_past(tests)] == [("gave", 3), ("called", 3)]


CAMPAIGNS = (
    "Title,Subject,List,Send Date,Total Recipients,Unique Opens,Unique Clicks,Unique Id,"
    "Total Orders\n"
    'June A,Give,Main,"Jun 09, 2018 09:30 pm","2,000",553,60,a1,0\n'
    'June B,Please,Main,"Jun 09, 2018 09:30 pm","2,001",540,75,a2,0\n'
    'June B,Please,Main,"Jun 12, 2018 09:30 pm","9,001",540,75,a3,0\n'
    'News,Hello,Main,"Jun 12, 2018 09:30 pm","9,000",900,5,a4,0\n'
)


def test_campaigns_of_one_day_that_differ_in_the_version_are_a_test(shell, file):
    path = file(CAMPAIGNS, "campaigns.csv")
    dry = shell.json("experiment", "past", path, "--dry-run")
    assert dry["file"] is None
    found = shell.json("experiment", "past", path)
    assert found["read_as"].startswith("mailchimp-campaigns-csv (certain)")
    assert any("2 messages stand alone" in note for note in found["notes"])
    (summary,) = found["summaries"]
    assert summary["metric"] == "clicked"  # nobody ordered, and opens are never the outcome
    (reading,) = summary["readings"]
    assert reading["test"]["name"] == "June"
    assert [(a["units"], a["outcomes"]) for a in reading["test"]["arms"]] == [
        (2000, 60),
        (2001, 75),
    ]
    twin = shell("experiment", "past", path)
    assert twin.code == 3
    assert "--forget" in twin.err
    shell.ok("experiment", "past", "--forget", found["file"])
    chosen = shell.json("experiment", "past", path, "--column", "outcomes=opened_all", "--dry-run")
    assert chosen["summaries"][0]["metric"] == "opened_all"


def test_an_export_without_two_versions_is_refused_with_the_way_out(shell, file):
    text = "\n".join(CAMPAIGNS.splitlines()[:2] + CAMPAIGNS.splitlines()[4:])
    refused = shell("experiment", "past", file(text, "campaigns.csv"))
    assert refused.code == 2
    assert "test, arm, units, outcomes" in refused.err
    assert shell.json("experiment", "past")["summaries"] == []
