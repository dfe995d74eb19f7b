"""Laws of comparisons of counts that hold whatever the counts are."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from testkit.stats.counts import TwoByTwo
from testkit.stats.effects import (
    miettinen_nurminen,
    risk_difference,
    stratified_difference_interval,
    stratified_z,
)
from testkit.stats.exact import TailPlan, exact_boundaries, exit_probabilities
from testkit.stats.exact_inference import stagewise_inference
from testkit.stats.exact_repeated import repeated_inference, sequential_p_value
from testkit.stats.exact_table import fisher_exact
from testkit.stats.hypergeometric import Margins, margins_of
from testkit.stats.intervals import newcombe, ratio_score_interval
from testkit.stats.odds import odds_ratio_score_interval
from testkit.stats.srm import sequential_srm

FEW = settings(max_examples=60, deadline=None)
FEWER = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def tables(draw, largest=400):
    n_control, n_arm = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    return TwoByTwo(
        successes_control=draw(st.integers(0, n_control)),
        n_control=n_control,
        successes_arm=draw(st.integers(0, n_arm)),
        n_arm=n_arm,
    )


def keywords(table):
    return {
        "successes_control": table.successes_control,
        "n_control": table.n_control,
        "successes_arm": table.successes_arm,
        "n_arm": table.n_arm,
    }


@FEW
@given(tables(), st.sampled_from([0.5, 0.95, 0.999]), st.booleans())
def test_difference_interval_surrounds_the_estimate_and_mirrors(table, level, small) -> None:
    assume(table.n > 1)
    one = miettinen_nurminen(**keywords(table), level=level, small_sample=small)
    other = miettinen_nurminen(**keywords(table.swapped), level=level, small_sample=small)
    assert -1.0 <= one.low <= table.difference <= one.high <= 1.0
    assert one.low < one.high
    assert one.low == pytest.approx(-other.high, abs=1e-10)
    assert one.high == pytest.approx(-other.low, abs=1e-10)


@FEW
@given(tables(), st.floats(0.05, 5.0))
def test_score_intervals_agree_with_the_pooled_z(table, critical) -> None:
    z = risk_difference(**keywords(table)).z
    assume(z is not None and abs(abs(z) - critical) > 1e-6)
    difference = miettinen_nurminen(**keywords(table), critical=critical, small_sample=False)
    assert difference.covers(0.0) == (abs(z) < critical)
    for interval in (
        ratio_score_interval(table, critical=critical),
        odds_ratio_score_interval(table, critical=critical),
    ):
        assert interval.covers(1.0) == (abs(z) < critical)


@FEW
@given(tables())
def test_higher_levels_give_wider_intervals(table) -> None:
    assume(table.n > 1)
    for function in (newcombe, ratio_score_interval, odds_ratio_score_interval):
        narrow, wide = function(table, level=0.8), function(table, level=0.99)
        assert wide.low <= narrow.low
        assert (narrow.high is None) == (wide.high is None)
        assert wide.high is None or wide.high >= narrow.high


@FEW
@given(st.lists(tables(60), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_order_of_strata_does_not_matter(strata, random) -> None:
    shuffled = list(strata)
    random.shuffle(shuffled)
    one, other = stratified_z(strata), stratified_z(shuffled)
    assert one.difference == pytest.approx(other.difference, abs=1e-12)
    assert (one.z is None) == (other.z is None)
    first, second = (
        stratified_difference_interval(s, small_sample=False) for s in (strata, shuffled)
    )
    assert (first.low, first.high) == pytest.approx((second.low, second.high), abs=1e-9)
    assert first.low <= one.difference <= first.high


@FEW
@given(
    st.lists(st.integers(0, 5000), min_size=3, max_size=3),
    st.permutations([0, 1, 2]),
    st.sampled_from([1.0, 100.0, 1e4]),
)
def test_sample_ratio_evidence_does_not_depend_on_the_order_of_arms(counts, order, k) -> None:
    shares = [0.5, 0.3, 0.2]
    one = sequential_srm(shares, concentration=k).update(counts)
    other = sequential_srm([shares[i] for i in order], concentration=k)
    other = other.update([counts[i] for i in order])
    assert one.log_e == pytest.approx(other.log_e, abs=1e-9)
    assert 0.0 <= one.p_value <= 1.0


@st.composite
def plans(draw, tail=None):
    looks = draw(st.integers(1, 4))
    waves = []
    for _ in range(looks):
        strata = draw(st.integers(1, 2))
        wave = []
        for _ in range(strata):
            n_control, n_arm = draw(st.integers(1, 300)), draw(st.integers(1, 300))
            successes = draw(st.integers(0, min(12, n_control + n_arm)))
            wave.append(Margins(n_control=n_control, n_arm=n_arm, successes=successes))
        waves.append(wave)
    rho = draw(st.sampled_from([0.5, 1.0, 3.0]))
    side = TailPlan(
        alpha=draw(st.sampled_from([0.005, 0.025, 0.2])),
        spending=lambda t, alpha: alpha * t**rho,
    )
    return exact_boundaries(
        waves,
        fractions=[(k + 1) / looks for k in range(looks)],
        upper=side,
        lower=side,
        tail=tail or draw(st.sampled_from(["exact", "mid-p"])),
    )


@FEW
@given(plans(tail="exact"))
def test_no_side_ever_spends_more_than_it_may(plan) -> None:
    exits = exit_probabilities(plan)
    for k, look in enumerate(plan.looks):
        assert math.fsum(exits.upper[: k + 1]) <= look.allowed_high
        assert math.fsum(exits.lower[: k + 1]) <= look.allowed_low
        assert look.spent_high == pytest.approx(math.fsum(exits.upper[: k + 1]), abs=1e-13)
        if look.critical.low is not None and look.critical.high is not None:
            assert look.critical.low < look.critical.high


@FEW
@given(plans(tail="mid-p"))
def test_mid_p_exceeds_its_allowance_by_at_most_half_of_one_count(plan) -> None:
    exits = exit_probabilities(plan)
    for side, looks in (("spent_high", exits.upper), ("spent_low", exits.lower)):
        spent = getattr(plan.looks[-1], side)
        assert spent <= plan.looks[-1].allowed_high + max(looks) / 2 + 1e-12


@FEW
@given(plans(tail="exact"), st.floats(0.05, 20.0), st.floats(1.01, 5.0))
def test_a_better_arm_stops_for_the_arm_more_often(plan, odds_ratio, factor) -> None:
    less = exit_probabilities(plan, odds_ratio=odds_ratio)
    more = exit_probabilities(plan, odds_ratio=odds_ratio * factor)
    assert more.crosses_upper >= less.crosses_upper - 1e-12
    assert more.crosses_lower <= less.crosses_lower + 1e-12
    assert less.crosses_upper + less.crosses_lower <= 1.0 + 1e-12


@FEW
@given(plans(tail="exact"))
def test_exchanging_arms_mirrors_the_boundaries(plan) -> None:
    swapped = exact_boundaries(
        [
            [
                Margins(n_control=m.n_arm, n_arm=m.n_control, successes=m.successes)
                for m in reversed(wave)
            ]
            for wave in plan.waves
        ],
        fractions=[look.fraction for look in plan.looks],
        upper=plan.lower,
        lower=plan.upper,
    )
    for one, other in zip(plan.looks, swapped.looks, strict=True):
        assert one.spent_high == pytest.approx(other.spent_low, abs=1e-12)
        # A knife-edge tail may fall on either side of its allowance by rounding.
        if one.critical.high is not None and other.critical.low is not None:
            assert one.critical.high == one.successes - other.critical.low


@FEW
@given(plans(tail="exact"), st.integers(0, 3))
def test_a_stratum_without_success_changes_nothing(plan, place) -> None:
    silent = Margins(n_control=50, n_arm=20, successes=0)
    waves = [list(wave) for wave in plan.waves]
    waves[place % len(waves)].append(silent)
    again = exact_boundaries(
        waves,
        fractions=[look.fraction for look in plan.looks],
        upper=plan.upper,
        lower=plan.lower,
    )
    assert again.critical == plan.critical


def some_path(plan, draw):
    """Cumulative counts that the margins allow, up to the stop or the end."""
    total, counts = 0, []
    for wave, look in zip(plan.waves, plan.looks, strict=True):
        lowest, highest = sum(m.lowest for m in wave), sum(m.highest for m in wave)
        total += draw(st.integers(lowest, highest))
        counts.append(total)
        if look.critical.side(total) is not None:
            break
    return counts


@FEWER
@given(plans(), st.data())
def test_stagewise_inference_is_consistent(plan, data) -> None:
    counts = some_path(plan, data.draw)
    result = stagewise_inference(plan, successes_arm=counts, level=1 - 2 * plan.upper.alpha)
    assert 0.0 <= result.p_upper <= 1.0
    assert 0.0 <= result.p_lower <= 1.0
    assert result.p_upper + result.p_lower >= 1.0 - 1e-9
    low, high = result.interval.low, result.interval.high
    if result.odds_ratio is not None:
        assert low <= result.odds_ratio * (1 + 1e-9)
        assert high is None or result.odds_ratio <= high * (1 + 1e-9)
        assert result.difference_interval.low <= result.difference + 1e-12
        assert result.difference <= result.difference_interval.high + 1e-12
    if plan.tail == "exact":
        assert (result.p_upper <= plan.upper.alpha) == (result.crossed == "upper")
        assert (low > 1.0) == (result.crossed == "upper")
        assert (high is not None and high < 1.0) == (result.crossed == "lower")


@FEWER
@given(plans(tail="exact"), st.data())
def test_repeated_inference_agrees_with_the_look(plan, data) -> None:
    counts = some_path(plan, data.draw)
    result = repeated_inference(plan, successes_arm=counts)
    low, high = result.interval.low, result.interval.high
    assert (low > 1.0) == (result.crossed == "upper")
    assert (high is not None and high < 1.0) == (result.crossed == "lower")
    assert (result.p_upper <= plan.upper.alpha) == (result.crossed == "upper")
    if result.odds_ratio is not None:
        assert low <= result.odds_ratio
        assert high is None or result.odds_ratio <= high


@FEWER
@given(plans(tail="exact"), st.data())
def test_more_successes_of_the_arm_never_look_worse_for_it(plan, data) -> None:
    counts = some_path(plan, data.draw)
    highest = sum(m.highest for m in plan.waves[len(counts) - 1])
    before = counts[-2] if len(counts) > 1 else 0
    assume(counts[-1] < before + highest)
    more = [*counts[:-1], counts[-1] + 1]
    one, other = (repeated_inference(plan, successes_arm=c) for c in (counts, more))
    assert other.interval.low >= one.interval.low * (1 - 1e-9)
    assert other.p_upper <= one.p_upper + 1e-9
    assert sequential_p_value(plan, successes_arm=more).lower >= one.p_lower - 1e-9


@FEWER
@given(st.lists(tables(80), min_size=1, max_size=3))
def test_one_look_without_stopping_is_fishers_test(strata) -> None:
    side = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha)
    plan = exact_boundaries(
        [[margins_of(table) for table in strata]], fractions=[1.0], upper=side, lower=side
    )
    seen = sum(table.successes_arm for table in strata)
    sequential = stagewise_inference(plan, successes_arm=[seen])
    single = fisher_exact(strata)
    assert sequential.p_upper == pytest.approx(single.p_upper, rel=1e-7, abs=1e-300)
    assert sequential.interval.low == pytest.approx(single.interval.low, rel=1e-7)
    assert (sequential.interval.high is None) == (single.interval.high is None)
    if single.interval.high is not None:
        assert sequential.interval.high == pytest.approx(single.interval.high, rel=1e-7)
