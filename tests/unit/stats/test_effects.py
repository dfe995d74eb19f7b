"""Laws of the difference of two rates."""

from __future__ import annotations

import math

import pytest

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo
from testkit.stats.effects import (
    Interval,
    critical_value,
    difference_score,
    miettinen_nurminen,
    risk_difference,
    stratified_difference_interval,
    stratified_z,
)

NEWCOMBE = {"successes_control": 48, "n_control": 80, "successes_arm": 56, "n_arm": 70}
RARE = {"successes_control": 5, "n_control": 5000, "successes_arm": 15, "n_arm": 5000}


def test_effect_is_arm_minus_control() -> None:
    effect = risk_difference(successes_control=10, n_control=100, successes_arm=15, n_arm=100)
    assert effect.difference == pytest.approx(0.05)
    assert effect.lift == pytest.approx(0.5)
    # p = 0.125, variance p(1-p)(2/100) = 0.0021875
    assert effect.standard_error == pytest.approx(math.sqrt(0.0021875))
    assert effect.z == pytest.approx(0.05 / math.sqrt(0.0021875))
    assert effect.p_value == pytest.approx(math.erfc(effect.z / math.sqrt(2)))


def test_small_sample_variance_is_larger_by_n_over_n_minus_one() -> None:
    plain, exact = risk_difference(**NEWCOMBE), risk_difference(**NEWCOMBE, small_sample=True)
    assert (exact.standard_error / plain.standard_error) ** 2 == pytest.approx(150 / 149)


@pytest.mark.parametrize("successes", [0, 100])
def test_no_statistic_is_invented_when_all_units_agree(successes) -> None:
    effect = risk_difference(
        successes_control=successes, n_control=100, successes_arm=successes, n_arm=100
    )
    assert effect.z is None
    assert effect.p_value is None
    assert "no test statistic" in effect.note
    assert (effect.lift is None) == (successes == 0)


def test_interval_is_not_empty_when_nobody_converts() -> None:
    interval = miettinen_nurminen(successes_control=0, n_control=50, successes_arm=0, n_arm=50)
    # With no success at all the score of d > 0 is d / sqrt(d (1-d)/50 * 100/99): solve by hand.
    z2 = critical_value(level=0.95) ** 2 * 100 / 99
    assert interval.high == pytest.approx(z2 / (50 + z2))
    assert interval.low == pytest.approx(-interval.high)


def test_limits_are_where_the_score_equals_the_critical_value() -> None:
    table = TwoByTwo(**RARE)
    for small_sample in (True, False):
        interval = miettinen_nurminen(**RARE, critical=2.5, small_sample=small_sample)
        for limit, sign in ((interval.low, 1), (interval.high, -1)):
            score = difference_score(table, null=limit, small_sample=small_sample)
            assert score == pytest.approx(sign * 2.5, abs=1e-9)


def test_restricted_rates_maximise_the_likelihood() -> None:
    # Independent of the cubic: the variance at the best of a fine grid of restricted rates.
    table, null = TwoByTwo(**NEWCOMBE), 0.12
    grid = [i / 200_000 for i in range(1, int(200_000 * 0.88))]

    def log_likelihood(rate: float) -> float:
        return (
            48 * math.log(rate)
            + 32 * math.log(1 - rate)
            + 56 * math.log(rate + null)
            + 14 * math.log(1 - rate - null)
        )

    best = max(grid, key=log_likelihood)
    variance = best * (1 - best) / 80 + (best + null) * (1 - best - null) / 70
    expected = (table.difference - null) / math.sqrt(variance)
    assert difference_score(table, null=null, small_sample=False) == pytest.approx(
        expected, abs=1e-5
    )


@pytest.mark.parametrize("shift", [-1e-6, 1e-6])
def test_repeated_interval_agrees_with_the_decision_at_its_bound(shift) -> None:
    z = risk_difference(**RARE).z
    interval = miettinen_nurminen(**RARE, critical=z + shift, small_sample=False)
    assert (interval.low > 0) == (shift < 0)


def test_nothing_spent_gives_the_whole_range() -> None:
    interval = miettinen_nurminen(**RARE, critical=math.inf)
    assert (interval.low, interval.high) == (-1.0, 1.0)


def test_interval_reaches_the_end_of_the_range_with_a_perfect_split() -> None:
    interval = miettinen_nurminen(successes_control=0, n_control=5, successes_arm=5, n_arm=5)
    assert interval.high == 1.0
    assert 0 < interval.low < 1


def test_method_says_whether_the_interval_is_repeated() -> None:
    assert miettinen_nurminen(**RARE).method == "Miettinen-Nurminen score"
    assert miettinen_nurminen(**RARE, critical=3.0).method.endswith("repeated")


def test_one_stratum_is_no_stratification() -> None:
    table, single = TwoByTwo(**RARE), risk_difference(**RARE)
    effect = stratified_z([table])
    assert effect.z == pytest.approx(single.z)
    assert effect.difference == pytest.approx(single.difference)
    assert effect.information_n == pytest.approx(2500)
    assert effect.information == pytest.approx(single.standard_error**-2)
    whole = miettinen_nurminen(**RARE)
    strata = stratified_difference_interval([table])
    assert (strata.low, strata.high) == pytest.approx((whole.low, whole.high), abs=1e-12)


def test_drifting_rates_with_changing_allocation_are_no_effect() -> None:
    # No effect in either wave, but the arm got more of the wave with the higher rate.
    waves = [
        TwoByTwo(successes_control=90, n_control=9000, successes_arm=10, n_arm=1000),
        TwoByTwo(successes_control=100, n_control=1000, successes_arm=900, n_arm=9000),
    ]
    assert stratified_z(waves).z == pytest.approx(0.0, abs=1e-12)
    assert (
        risk_difference(successes_control=190, n_control=10000, successes_arm=910, n_arm=10000).z
        > 20
    )


def test_silent_strata_add_information_in_units_but_no_z() -> None:
    silent = TwoByTwo(successes_control=0, n_control=10, successes_arm=0, n_arm=10)
    effect = stratified_z([silent, silent])
    assert effect.z is None
    assert effect.information is None
    assert effect.information_n == pytest.approx(10)


@pytest.mark.parametrize("small_sample", [True, False])
def test_stratified_interval_agrees_with_the_stratified_test(small_sample) -> None:
    waves = [
        TwoByTwo(successes_control=20, n_control=1000, successes_arm=30, n_arm=900),
        TwoByTwo(successes_control=5, n_control=500, successes_arm=12, n_arm=100),
    ]
    z = stratified_z(waves, small_sample=small_sample).z
    for shift in (-1e-6, 1e-6):
        interval = stratified_difference_interval(
            waves, critical=z + shift, small_sample=small_sample
        )
        assert (interval.low > 0) == (shift < 0)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"successes_arm": 71}, "successes_arm"),
        ({"successes_control": -1}, "successes_control"),
        ({"n_control": 0}, "n_control"),
        ({"n_arm": math.nan}, "n_arm"),
        ({"successes_arm": 1.5}, "successes_arm"),
        ({"n_arm": math.inf}, "n_arm"),
    ],
)
def test_bad_counts_name_their_field(changed, field) -> None:
    for function in (risk_difference, miettinen_nurminen, TwoByTwo):
        with pytest.raises(InputError) as error:
            function(**{**NEWCOMBE, **changed})
        assert error.value.field == field


@pytest.mark.parametrize("level", [0.0, 1.0, 95, math.nan])
def test_level_is_a_probability(level) -> None:
    with pytest.raises(InputError) as error:
        miettinen_nurminen(**NEWCOMBE, level=level)
    assert error.value.field == "level"


@pytest.mark.parametrize("critical", [0.0, -1.0, math.nan])
def test_critical_is_positive(critical) -> None:
    with pytest.raises(InputError) as error:
        miettinen_nurminen(**NEWCOMBE, critical=critical)
    assert error.value.field == "critical"


@pytest.mark.parametrize("null", [-1.0, 1.0, math.nan])
def test_hypothesis_is_a_difference_of_rates(null) -> None:
    with pytest.raises(InputError):
        difference_score(TwoByTwo(**NEWCOMBE), null=null)


def test_strata_are_needed_and_typed() -> None:
    for function in (stratified_z, stratified_difference_interval):
        with pytest.raises(InputError):
            function([])
        with pytest.raises(InputError) as error:
            function([(1, 2, 3, 4)])
        assert error.value.field == "strata[0]"


def test_open_interval_covers_everything_on_its_open_side() -> None:
    interval = Interval(low=None, high=2.0, level=0.95, method="x")
    assert interval.covers(-1e9)
    assert not interval.covers(2.1)
