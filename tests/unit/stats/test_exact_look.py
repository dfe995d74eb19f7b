"""One look of the exact engine, as a product takes it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo
from testkit.stats.exact import TailPlan, exact_boundaries, exit_probabilities
from testkit.stats.exact_inference import stagewise_inference
from testkit.stats.exact_look import ExactReading, PastLook, exact_look
from testkit.stats.hypergeometric import margins_of
from testkit.stats.spending import spending_by_name
from testkit.stats.walk import CriticalCounts

OBF = spending_by_name("obrien-fleming")
PLAN: dict[str, Any] = {"planned_information": 4000.0, "alpha": 0.05, "spending": OBF}


def wave(s0: int, s1: int, n0: int = 2000, n1: int = 2000) -> TwoByTwo:
    return TwoByTwo(successes_control=s0, n_control=n0, successes_arm=s1, n_arm=n1)


def run(waves: list[TwoByTwo], **plan: Any) -> list[ExactReading]:
    """All looks of a test, one per wave, each fed with the critical counts of those before."""
    readings: list[ExactReading] = []
    for k, now in enumerate(waves):
        past = [
            PastLook(added=(w,), critical=r.critical)
            for w, r in zip(waves[:k], readings, strict=True)
        ]
        readings.append(exact_look(past=past, added=[now], **{**PLAN, **plan}))
    return readings


def test_looks_taken_one_by_one_are_the_looks_of_the_whole_plan() -> None:
    waves = [wave(4, 7), wave(6, 5), wave(3, 8), wave(5, 9)]
    readings = run(waves)
    side = TailPlan(alpha=0.025, spending=OBF)
    whole = exact_boundaries(
        [margins_of(w) for w in waves], fractions=[0.25, 0.5, 0.75, 1.0], upper=side, lower=side
    )
    assert [r.critical for r in readings] == list(whole.critical)
    assert [r.fraction for r in readings] == [0.25, 0.5, 0.75, 1.0]
    assert [r.final for r in readings] == [False, False, False, True]
    assert readings[-1].successes_arm == 29
    assert readings[-1].successes == 47
    last = stagewise_inference(whole, successes_arm=[7, 12, 20, 29], level=0.95)
    assert readings[-1].stagewise == last
    assert all(r.stagewise is None for r in readings[:-1])


def test_the_error_that_a_reading_reports_is_the_one_that_it_spends() -> None:
    last = run([wave(4, 7), wave(6, 5), wave(3, 8), wave(5, 9)])[-1]
    exits = exit_probabilities(last.boundaries)
    assert last.spent == pytest.approx(exits.crosses_upper + exits.crosses_lower, rel=1e-12)
    assert last.spent <= 0.05


@given(
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=1, max_size=4),
    st.sampled_from([(2000, 2000), (3000, 1000)]),
)
@settings(max_examples=40, deadline=None)
def test_decision_interval_and_p_value_never_contradict_each_other(
    counts: list[tuple[int, int]], sizes: tuple[int, int]
) -> None:
    for reading in run([wave(a, b, *sizes) for a, b in counts]):
        if reading.crossed_before:
            assert reading.stagewise is None
            continue
        crosses = reading.crossed is not None
        low, high = reading.repeated.interval.low, reading.repeated.interval.high
        outside = (low or 0.0) > 1 or (high is not None and high < 1)
        assert crosses is outside
        assert crosses is (reading.p_sequential <= 0.05)
        if reading.stagewise is not None:
            assert reading.stagewise.p_value is not None
            assert crosses is (reading.stagewise.p_value <= 0.05)
        else:
            assert not crosses


def test_arms_exchanged_exchange_the_sides() -> None:
    counts = [(4, 9), (3, 12), (2, 10)]
    there = run([wave(a, b) for a, b in counts])[-1]
    back = run([wave(b, a) for a, b in counts])[-1]
    assert (there.crossed, back.crossed) == ("upper", "lower")
    assert back.p_sequential == pytest.approx(there.p_sequential, rel=1e-6)
    assert there.critical.high is not None
    assert back.critical.low == back.successes - there.critical.high


def test_a_look_declared_final_spends_all_that_remains() -> None:
    waves = [wave(9, 20)]
    open_ended, last = run(waves)[-1], run(waves, final=True)[-1]
    assert open_ended.boundaries.looks[-1].allowed_high < 0.001
    assert last.boundaries.looks[-1].allowed_high == 0.025
    assert last.final
    assert last.crossed is None
    assert last.stagewise is not None


def test_more_than_was_planned_spends_no_more_than_alpha() -> None:
    last = run([wave(6, 5)] * 5)[-1]
    assert last.fraction == 1.25
    assert last.final
    assert last.spent <= 0.05


def test_z_looks_enter_with_the_counts_that_their_bound_stood_for() -> None:
    first = wave(60, 90, 2000, 2000)
    # pooled: z = (s1 - s/2) / sqrt(s/4 (1 - s/n)); s = 150, n = 4000
    spread = math.sqrt(150 / 4 * (1 - 150 / 4000))
    past = PastLook(added=(first,), z_bound=2.9626)
    reading = exact_look(past=[past], added=[wave(50, 70)], **PLAN)
    entered = reading.boundaries.looks[0]
    assert entered.realised
    assert entered.critical == CriticalCounts(
        low=math.floor(75 - 2.9626 * spread), high=math.ceil(75 + 2.9626 * spread)
    )
    # what the z look really spent is what is missing later
    assert entered.spent_high == pytest.approx(reading.boundaries.looks[0].spent_low)
    assert reading.spent > 2 * entered.spent_high > 0
    mute = PastLook(added=(first,), z_bound=math.inf)
    silent = exact_look(past=[mute], added=[wave(50, 70)], **PLAN).boundaries.looks[0]
    assert (silent.critical, silent.spent_high) == (CriticalCounts(low=None, high=None), 0.0)


def test_a_z_look_keeps_its_own_statistic() -> None:
    parts = (wave(10, 30, 1000, 1000), wave(300, 100, 3000, 1000))
    pooled = PastLook(added=parts, z_bound=2.0)
    within = PastLook(added=parts, z_bound=2.0, z_stratified=True)
    a, b = (
        exact_look(past=[past], added=[wave(5, 5)], **PLAN).boundaries.looks[0].critical
        for past in (pooled, within)
    )
    assert a != b


def test_rows_that_come_late_are_counted_and_bounds_stay() -> None:
    readings = run([wave(4, 7), wave(6, 5)])
    late = PastLook(added=(wave(4, 8),), critical=readings[0].critical)
    again = exact_look(past=[late], added=[wave(6, 5)], **PLAN)
    assert again.successes_arm == readings[1].successes_arm + 1
    assert again.boundaries.looks[0].critical == readings[0].critical


def test_data_after_a_stop_say_so_and_claim_no_stagewise_result() -> None:
    first = run([wave(2, 40)])[0]
    assert first.crossed == "upper"
    after = exact_look(
        past=[PastLook(added=(wave(2, 40),), critical=first.critical)], added=[wave(5, 5)], **PLAN
    )
    assert after.crossed_before == 1
    assert after.stagewise is None
    assert after.p_sequential <= 0.05


def test_refusals_name_what_is_missing() -> None:
    with pytest.raises(InputError, match="one of the two"):
        PastLook(added=(wave(1, 1),))
    with pytest.raises(InputError, match="one of the two"):
        PastLook(added=(wave(1, 1),), critical=CriticalCounts(low=None, high=3), z_bound=2.0)
    with pytest.raises(InputError, match="z_bound"):
        PastLook(added=(wave(1, 1),), z_bound=-2.0)
    with pytest.raises(InputError, match="added"):
        PastLook(added=(), z_bound=2.0)
    with pytest.raises(InputError, match="added"):
        exact_look(past=[], added=[], **PLAN)
    with pytest.raises(InputError, match="planned_information"):
        exact_look(past=[], added=[wave(1, 1)], **{**PLAN, "planned_information": 0.0})
    with pytest.raises(InputError, match="alpha"):
        exact_look(past=[], added=[wave(1, 1)], **{**PLAN, "alpha": 1.0})
