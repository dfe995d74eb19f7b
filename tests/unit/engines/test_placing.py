"""Placement in SQL is the rule of testkit.assign, to the unit."""

from __future__ import annotations

import hashlib
from collections import Counter

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testkit import assign
from testkit.engines.placing import by_cuts, place
from testkit.engines.sources import open_csv, session
from testkit.errors import InputError
from testkit.model.definition import Definition
from testkit.model.resolve import resolve


def plan_of(**changes):
    raw = {
        "experiment": "x",
        "list": {"size": 6000, "test": 4000},
        "arms": [{"name": "control", "control": True, "share": 0.4}, {"name": "new", "share": 0.6}],
        "metrics": [
            {"name": "did", "tier": "organising", "base_rate": 0.2, "mde": 0.1, "window_hours": 1}
        ],
        "design": {"waves": 3, **changes},
    }
    return resolve(Definition.model_validate(raw), salt="pepper")


def placed(tmp_path, plan, *, people, columns="supporter_id,state"):
    path = tmp_path / f"{people[0]}-{len(people)}.csv"
    rows = "\n".join(f"{unit},{('NY', 'NJ', 'PA', 'VT')[i % 4 if i < 5900 else 3]}"
                     for i, unit in enumerate(people))  # fmt: skip
    path.write_text(f"{columns}\n{rows}\n", encoding="utf-8")
    with session() as connection:
        done = place(
            connection, open_csv(path), plan, earlier=[], waves_before=0, folder=tmp_path,
            progress=lambda _: None,
        )  # fmt: skip
        table = connection.execute(
            f"SELECT unit, wave, arm, stratum FROM '{tmp_path / (done.data_sha256 + '.parquet')}'"
        ).fetchall()
    return done, table


@pytest.mark.parametrize("strata", [[], ["state"]])
def test_ranked_waves_and_arms_have_exact_sizes(tmp_path, strata):
    plan = plan_of(strata=strata)
    _, table = placed(tmp_path, plan, people=[f"S{i}" for i in range(6000)])
    waves = Counter(wave for _, wave, _, _ in table)
    assert [waves[w] for w in (1, 2, 3)] == list(plan.wave_sizes)
    assert waves[0] == 2000
    arms = Counter((wave, arm) for _, wave, arm, _ in table if wave)
    for wave, size in enumerate(plan.wave_sizes, start=1):
        slack = 1 if not strata else 4  # each of four strata may be off by one
        assert abs(arms[wave, "control"] - 0.4 * size) <= slack
    if strata:
        cells = Counter((stratum, wave, arm) for _, wave, arm, stratum in table if wave)
        totals = Counter((stratum, wave) for _, wave, _, stratum in table if wave)
        for (stratum, wave), size in totals.items():
            assert abs(cells[stratum, wave, "control"] - 0.4 * size) < 1


def test_the_ranked_order_is_that_of_the_salted_hash(tmp_path):
    plan = plan_of()
    people = [f"S{i}" for i in range(6000)]
    _, table = placed(tmp_path, plan, people=people)
    order = sorted(people, key=lambda u: hashlib.md5(f"pepper:{u}".encode()).hexdigest())
    wave_of = {unit: wave for unit, wave, _, _ in table}
    assert set(order[: plan.wave_sizes[0]]) == {u for u, w in wave_of.items() if w == 1}
    assert set(order[4000:]) == {u for u, w in wave_of.items() if w == 0}


def test_the_order_of_the_list_does_not_matter(tmp_path):
    plan = plan_of()
    people = [f"S{i}" for i in range(6000)]
    one, _ = placed(tmp_path, plan, people=people)
    _, first = placed(tmp_path, plan, people=people)
    _, second = placed(tmp_path, plan, people=list(reversed(people)))
    assert {r[:3] for r in first} == {r[:3] for r in second}
    assert one.rows == 6000


def test_independent_units_go_where_the_published_formula_says(tmp_path):
    plan = plan_of(scheme="md5-v1")
    people = ["José", "Jose\u0301 2", "猫", "🦊", *(f"S{i}" for i in range(5996))]
    _, table = placed(tmp_path, plan, people=people)
    for unit, wave, arm, _ in table:
        tested = hashlib.md5(f"pepper:test:{unit}".encode()).hexdigest()[:8]
        inside = tested < f"{round(4000 / 6000 * 16**8):08x}"
        assert (wave > 0) == inside
        if inside:
            digits = hashlib.md5(f"pepper:{unit}".encode()).hexdigest()[:8]
            assert arm == ("control" if digits < f"{round(0.4 * 16**8):08x}" else "new")


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_sql_formula_is_the_python_formula_on_any_text(units):
    import unicodedata

    shares = [0.2, 0.5, 0.3]
    clean = [u for u in units if "\0" not in u and u.encode("utf-8", "ignore").decode() == u]
    sql = by_cuts("md5('s:' || nfc_normalize(u))", shares, ["0", "1", "2"])
    connection = duckdb.connect()
    for unit in clean:
        # DuckDB and Python may ship different Unicode versions: compare on what both call NFC.
        if not unicodedata.is_normalized("NFC", unit):
            continue
        found = connection.execute(f"SELECT {sql} FROM (SELECT $u AS u)", {"u": unit}).fetchone()
        assert found[0] == assign.independent_arm(unit, salt="s", shares=shares)
    connection.close()


def test_shares_come_out_as_planned_over_many_units():
    counts = Counter(
        assign.independent_arm(f"S{i}", salt="s", shares=[0.25, 0.75]) for i in range(20_000)
    )
    # Binomial with p = .25 and n = 20,000: standard error 61; four of them.
    assert abs(counts[0] - 5000) < 4 * 61.3


@given(
    st.integers(0, 500), st.floats(0, 0.999), st.lists(st.integers(1, 9), min_size=1, max_size=5)
)
def test_arm_cuts_are_monotone_and_never_off_by_one(size, shift, weights):
    shares = [w / sum(weights) for w in weights]
    cuts = assign.arm_cuts(size, shares=shares, shift=shift)
    assert list(cuts) == sorted(cuts)
    assert cuts[-1] == size
    exact = 0.0
    for cut, share in zip(cuts[:-1], shares[:-1], strict=True):
        exact += share * size
        assert -1 < cut - exact <= 1 + 1e-6


@given(st.integers(1, 10_000), st.integers(1, 40))
def test_wave_sizes_add_up_and_differ_by_at_most_one(total, waves):
    if waves > total:
        with pytest.raises(InputError):
            assign.wave_sizes(total, waves=waves)
        return
    sizes = assign.wave_sizes(total, waves=waves)
    assert sum(sizes) == total
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("shares", [[], [0.5, 0.6], [0.0, 1.0], [-0.5, 1.5]])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(InputError, match="share"):
        assign.cut_points(shares)


def test_a_later_list_makes_a_further_wave_of_new_people_only(shell, tmp_path):
    folder = shell.folder / "experiments" / "x"
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(
        "experiment: x\nlist: {size: 3000, test: 2000}\n"
        "arms: [{name: control, control: true}, {name: new}]\n"
        "metrics: [{name: did, tier: organising, base_rate: 0.2, mde: 0.1, window_hours: 1}]\n"
        "design: {waves: 2}\n"
    )
    shell.ok("experiment", "lock", "x")
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("supporter_id\n" + "\n".join(f"S{i}" for i in range(3000)) + "\n")
    two.write_text("supporter_id\n" + "\n".join(f"S{i}" for i in range(2500, 3500)) + "\n")
    shell.ok("experiment", "assign", "x", str(one))
    refused = shell("experiment", "assign", "x", str(two))
    assert (refused.code, "--new-wave" in refused.err) == (3, True)
    later = shell.json("experiment", "assign", "x", str(two), "--new-wave")
    assert (later["rows"], later["known"]) == (500, 500)
    assert later["counts"] == {"3": {"control": 250, "new": 250}}
