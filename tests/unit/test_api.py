"""The library without a workspace gives what the workspace gives."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pandas as pd
import polars as pl
import pytest

import testkit
from testkit.engines.placing import place
from testkit.engines.sources import open_csv, session
from testkit.model.fixed import compare_arms
from testkit.services import quick

SENT = datetime(2026, 11, 3, 9, tzinfo=UTC)
LATER = SENT + timedelta(days=8)


def definition(**design):
    return {
        "experiment": "spring",
        "list": {"size": 3000, "test": 2400},
        "unit": {"column": "supporter_id", **design.pop("unit", {})},
        "arms": [
            {"name": "control", "control": True, "share": 0.5},
            {"name": "bright", "share": 0.3},
            {"name": "plain", "share": 0.2},
        ]
        if design.pop("three", False)
        else [{"name": "control", "control": True}, {"name": "new"}],
        "metrics": [
            {"name": "gave", "tier": "organising", "base_rate": 0.2, "mde": 0.1,
             "window_hours": 72},
            *design.pop("metrics", []),
        ],
        "design": {"waves": 2, **design},
    }  # fmt: skip


PEOPLE = {
    "supporter_id": [f"S{k:04d}" for k in range(3000)],
    "household": [f"H{k // 2}" if k % 5 else "" for k in range(3000)],
    "state": [("NY", "Köln", 'a,"b"')[k % 3] for k in range(3000)],
}


class Table:
    """What is known of a ``parsons.Table`` here: columns, rows as dictionaries."""

    def __init__(self, rows):
        self.rows = rows
        self.columns = list(rows[0])
        self.num_rows = len(rows)

    def __iter__(self):
        return iter(self.rows)


def listed(frame):
    rows = frame if isinstance(frame, Table) else pd.DataFrame(frame.to_dict()).to_dict("records")
    if isinstance(frame, pl.DataFrame):
        rows = frame.to_dicts()
    return {
        row["supporter_id"]: (row["wave"], row["arm"] if isinstance(row["arm"], str) else "")
        for row in rows
    }


FRAMES = {
    "pandas": lambda: pd.DataFrame(PEOPLE, index=range(9000, 6000, -1)),
    "polars": lambda: pl.DataFrame(PEOPLE),
    "lazy": lambda: pl.DataFrame(PEOPLE).lazy(),
    "parsons": lambda: Table(pd.DataFrame(PEOPLE).to_dict("records")),
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(
    "design",
    [
        {"scheme": "md5-rank-v1"},
        {"scheme": "md5-v1"},
        {"scheme": "md5-rank-v1", "strata": ["state"]},
        {"scheme": "md5-rank-v1", "unit": {"group": "household"}},
    ],
    ids=["ranked", "independent", "strata", "households"],
)
def test_a_frame_gets_the_arms_that_the_same_file_gets(tmp_path, frame, design):
    plan = testkit.plan(definition(**design), salt="pepper")
    path = tmp_path / "list.csv"
    pd.DataFrame(PEOPLE).to_csv(path, index=False)
    with session() as connection:
        done = place(
            connection, open_csv(path), plan, earlier=[], waves_before=0, folder=tmp_path,
            progress=lambda _: None,
        )  # fmt: skip
        rows = connection.execute(
            f"SELECT unit, wave, arm FROM '{tmp_path / (done.data_sha256 + '.parquet')}'"
        ).fetchall()
    placed = testkit.assign_list(FRAMES[frame](), plan)
    assert listed(placed) == {unit: (wave, arm) for unit, wave, arm in rows}
    if design.get("unit"):
        found = {}
        for house, place_of in zip(PEOPLE["household"], listed(placed).values(), strict=True):
            if house:
                found.setdefault(house, set()).add(place_of)
        assert all(len(arms) == 1 for arms in found.values())


def test_ids_that_pandas_made_decimal_are_the_ids_of_the_file():
    plan = testkit.plan(definition(), salt="pepper")
    text = pd.DataFrame({"supporter_id": [str(k) for k in range(3000)]})
    decimal = pd.DataFrame({"supporter_id": [float(k) for k in range(3000)]})
    ours, theirs = testkit.assign_list(decimal, plan), testkit.assign_list(text, plan)
    assert list(ours.wave) == list(theirs.wave)
    assert [*ours.arm.dropna()] == [*theirs.arm.dropna()]
    with pytest.raises(testkit.InputError, match="lost digits"):
        testkit.assign_list(pd.DataFrame({"supporter_id": [1e17 + k for k in range(3000)]}), plan)


def test_whoever_is_suppressed_is_in_no_wave():
    plan = testkit.plan(definition(), salt="pepper")
    placed = testkit.assign_list(pd.DataFrame(PEOPLE), plan, suppressed=PEOPLE["supporter_id"][:50])
    assert list(placed.wave[:50]) == [-1] * 50
    assert (placed.wave[50:] >= 0).all()
    assert placed.arm[:50].isna().all()


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda f: f.assign(arm="x"), testkit.InputError, "column 'arm' already"),
        (lambda f: f.rename(columns={"supporter_id": "person"}), testkit.InputError, "no column"),
        (lambda f: f.head(100), testkit.StateError, "the frame has 100 units"),
        (lambda f: pd.concat([f, f.head(1)]), testkit.DataError, "1 repeated id"),
        (lambda f: f.supporter_id.tolist(), testkit.InputError, "a data frame is needed, not list"),
    ],
)
def test_a_frame_that_cannot_be_assigned_is_refused_with_its_reason(change, error, match):
    plan = testkit.plan(definition(), salt="pepper")
    with pytest.raises(error, match=match):
        testkit.assign_list(change(pd.DataFrame(PEOPLE)), plan)


def test_a_plan_that_keeps_people_out_needs_to_know_whom():
    raw = definition()
    raw["list"]["suppress"] = ["no.csv"]
    plan = testkit.plan(raw)
    with pytest.raises(testkit.StateError, match=r"no\.csv"):
        testkit.assign_list(pd.DataFrame(PEOPLE), plan)


def results(frame=pd.DataFrame):
    plan = testkit.plan(
        definition(
            metrics=[
                {"name": "cents", "kind": "mean", "role": "secondary", "tier": "organising",
                 "base_mean": 40, "base_sd": 200, "cap": 900, "window_hours": 72}
            ]
        ),
        salt="pepper",
    )  # fmt: skip
    placed = testkit.assign_list(pd.DataFrame(PEOPLE), plan)
    rows = [
        {
            "arm": arm if isinstance(arm, str) else None, "wave": wave,
            "gave": k % 7 == 0 or (arm == "new" and k % 5 == 0),
            "cents": float((k * 37) % 1000) if k % 7 == 0 else 0.0,
        }
        for k, (arm, wave) in enumerate(zip(placed.arm, placed.wave, strict=True))
    ]  # fmt: skip
    return plan, rows, frame(rows)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, Table])
def test_a_frame_is_counted_as_one_counts_by_hand(frame):
    plan, rows, results_frame = results(frame)
    waves = testkit.count(results_frame, plan, sent={1: SENT, 2: SENT})
    assert [w.wave for w in waves] == [1, 2]
    for wave in waves:
        for arm in ("control", "new"):
            mine = [r for r in rows if (r["wave"], r["arm"]) == (wave.wave, arm)]
            capped = [min(r["cents"], 900.0) for r in mine]
            cell = wave.cells["cents"][arm]
            assert wave.units[arm] == cell.units == len(mine)
            assert wave.outcomes[arm] == sum(r["gave"] for r in mine)
            assert cell.moments.means[0] == pytest.approx(math.fsum(capped) / len(mine))
            mean = cell.moments.means[0]
            assert cell.moments.m2[0][0] == pytest.approx(sum((x - mean) ** 2 for x in capped))


def test_rows_per_arm_say_what_rows_per_unit_say():
    plan = testkit.plan(definition(), salt="pepper")
    placed = testkit.assign_list(pd.DataFrame(PEOPLE), plan)
    placed["gave"] = [k % 6 == 0 for k in range(3000)]
    tested = placed[placed.wave > 0]
    summed = tested.groupby(["wave", "arm"], as_index=False).agg(
        units=("gave", "size"), gave=("gave", "sum")
    )
    sent = {1: SENT, 2: SENT}
    one = testkit.look(plan, testkit.count(placed, plan, sent=sent), now=LATER)
    two = testkit.look(plan, testkit.count(summed, plan, sent=sent), now=LATER)
    for name in ("arms", "z", "bound", "low", "high", "verdict", "srm_p"):
        assert getattr(one, name) == getattr(two, name), name


@pytest.mark.parametrize(
    ("rows", "error", "match"),
    [
        ({"arm": ["other"], "gave": [1]}, testkit.InputError, "no arm 'other'"),
        ({"arm": ["new"], "gave": ["maybe"]}, testkit.DataError, "no number"),
        ({"arm": ["new"], "gave": [math.inf]}, testkit.DataError, "row 1, gave: inf"),
        ({"arm": ["new"], "called": [1]}, testkit.InputError, "no column 'gave'"),
        ({"arm": ["new"], "gave": [9], "units": [8]}, testkit.DataError, "9 gave of 8"),
        ({"arm": ["new"], "gave": [1.5], "units": [8]}, testkit.DataError, "no whole number"),
        (
            {"arm": ["new", "new"], "gave": [1, 1], "supporter_id": ["a", "a"]},
            testkit.DataError,
            "'a': 2 rows",
        ),
        ({"arm": ["new"], "gave": [1], "wave": ["one"]}, testkit.DataError, "row 1, wave"),
    ],
)
def test_results_that_cannot_be_counted_are_refused_with_their_row(rows, error, match):
    plan = testkit.plan(definition())
    with pytest.raises(error, match=match):
        testkit.count(pd.DataFrame(rows), plan, sent=SENT)


def test_moments_without_a_zone_are_refused():
    plan, _, frame = results()
    with pytest.raises(testkit.InputError, match="no zone"):
        testkit.count(frame, plan, sent=datetime(2026, 11, 3))
    waves = testkit.count(frame, plan, sent={1: SENT, 2: SENT})
    with pytest.raises(testkit.InputError, match="no zone"):
        testkit.look(plan, waves, now=datetime(2026, 11, 30))


def test_a_look_without_news_is_the_look_before_and_news_make_another():
    plan, _, frame = results()
    waves = testkit.count(frame, plan, sent={1: SENT, 2: SENT + timedelta(days=7)})
    first = testkit.look(plan, waves, now=SENT + timedelta(days=4))
    again = testkit.look(plan, waves, now=SENT + timedelta(days=5), past=[first])
    assert again is first
    second = testkit.look(plan, waves, now=SENT + timedelta(days=30), past=[first])
    assert (second.number, second.waves, second.final) == (2, (1, 2), True)


def test_a_definition_is_read_alike_as_text_and_as_a_dictionary():
    import yaml

    raw = definition(three=True)
    text = yaml.safe_dump(raw)
    assert testkit.plan(raw, salt="s").digest() == testkit.plan(text, salt="s").digest()
    assert [f.code for f in testkit.check(raw)] == [f.code for f in testkit.check(text)]


def test_a_wrong_definition_reports_all_of_its_errors_at_once():
    with pytest.raises(testkit.DefinitionError) as caught:
        testkit.plan({"experiment": "spring", "arms": []})
    assert len(caught.value.findings) >= 2


def test_two_arms_are_compared_as_the_quick_command_compares_them():
    ours = testkit.compare({"control": (1751, 141), "new": (1750, 125)})
    theirs = quick.compare(quick.numbers(["1751", "141", "1750", "125"]))
    (arm,) = ours.arms
    assert (arm.difference, arm.low, arm.high, arm.z, arm.p_value) == (
        theirs.difference, theirs.low, theirs.high, theirs.z, theirs.p_value,
    )  # fmt: skip
    assert arm.p_adjusted == arm.p_value
    # With two arms Pearson's chi-square is the square of z.
    assert ours.omnibus_p == pytest.approx(arm.p_value, rel=1e-9)


def test_more_arms_make_wider_intervals_and_larger_p_values():
    two = testkit.compare({"control": (1000, 50), "a": (1000, 75)})
    three = testkit.compare({"control": (1000, 50), "a": (1000, 75), "b": (1000, 60)})
    assert three.arms[0].low < two.arms[0].low
    assert three.arms[0].p_adjusted == pytest.approx(2 * two.arms[0].p_value)


def test_counts_in_a_frame_and_rows_per_unit_are_compared_alike():
    counts = pd.DataFrame({"arm": ["b", "control"], "units": [200, 300], "outcomes": [30, 40]})
    units = pl.DataFrame(
        {"arm": ["b"] * 200 + ["control"] * 300,
         "did": [1] * 30 + [0] * 170 + [1] * 40 + [0] * 260}
    )  # fmt: skip
    split = {"control": 0.6, "b": 0.4}
    one = testkit.compare(counts, shares=split)
    two = testkit.compare(units, outcome="did", shares=split)
    assert one == two
    assert one.srm_p == pytest.approx(1.0)
    with pytest.raises(testkit.InputError, match="no arm 'old'"):
        testkit.compare(counts, control="old")


def test_what_a_notebook_shows_is_escaped():
    arms = (testkit.PastArm(name="control", units=900, outcomes=20),
            testkit.PastArm(name="<b>", units=900, outcomes=35))  # fmt: skip
    (summary,) = testkit.read_past([testkit.PastTest(name="<i>may", arms=arms)])
    known = testkit.Circumstances(list_size=40_000, base_rate=0.03)
    hostile = [{"name": "control", "control": True}, {"name": "new", "text": "<script>"}]
    shown = {
        "compare": compare_arms(arms)._repr_html_(),
        "past": summary._repr_html_(),
        "plan": testkit.plan(definition() | {"arms": hostile})._repr_html_(),
        "advice": testkit.advise(known)._repr_html_(),
    }  # fmt: skip
    for name, html in shown.items():
        assert html.startswith("<table><caption>"), name
        assert not any(tag in html for tag in ("<b>", "<i>", "<script>")), name
    assert "&lt;b&gt;" in shown["compare"]
    assert "&lt;i&gt;may" in shown["past"]
    assert "&lt;script&gt;" in shown["plan"]


def test_every_public_name_says_what_it_is():
    assert len(testkit.__all__) <= 25
    for name in testkit.__all__:
        assert getattr(testkit, name).__doc__, name
        assert name in dir(testkit)
    with pytest.raises(AttributeError):
        testkit.winner  # noqa: B018 - asking for it is the point
