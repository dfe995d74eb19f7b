"""Intervals on single rates, ratios and lifts: laws, ends and refusals."""

from __future__ import annotations

import math

import pytest

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo
from testkit.stats.effects import critical_value, risk_difference
from testkit.stats.intervals import (
    agresti_caffo,
    clopper_pearson,
    event_rate_ratio_interval,
    lift_interval,
    newcombe,
    ratio_log_interval,
    ratio_score_interval,
    wald_difference,
    wilson,
)


def table(control, n_control, arm, n_arm):
    return TwoByTwo(successes_control=control, n_control=n_control, successes_arm=arm, n_arm=n_arm)


def test_wilson_limits_solve_the_score_equation() -> None:
    interval = wilson(successes=7, n=40, level=0.9)
    z = critical_value(level=0.9)
    for limit in (interval.low, interval.high):
        assert abs(7 / 40 - limit) / math.sqrt(limit * (1 - limit) / 40) == pytest.approx(z)


def test_clopper_pearson_tails_are_half_of_what_is_left() -> None:
    interval = clopper_pearson(successes=3, n=12, level=0.9)

    def upper_tail(rate):
        return sum(math.comb(12, x) * rate**x * (1 - rate) ** (12 - x) for x in range(3, 13))

    def lower_tail(rate):
        return sum(math.comb(12, x) * rate**x * (1 - rate) ** (12 - x) for x in range(4))

    assert upper_tail(interval.low) == pytest.approx(0.05)
    assert lower_tail(interval.high) == pytest.approx(0.05)


@pytest.mark.parametrize("function", [wilson, clopper_pearson])
def test_one_rate_intervals_end_at_0_and_1(function) -> None:
    none, every = function(successes=0, n=9), function(successes=9, n=9)
    assert none.low == 0.0
    assert every.high == 1.0
    assert none.high == pytest.approx(1.0 - every.low)


def test_clopper_pearson_of_no_success_is_the_closed_form() -> None:
    # (1 - u)^n = 0.025
    assert clopper_pearson(successes=0, n=30).high == pytest.approx(1 - 0.025 ** (1 / 30))


@pytest.mark.parametrize("function", [wilson, clopper_pearson])
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"successes": 3, "n": 0}, "n"),
        ({"successes": 3, "n": 2}, "successes"),
        ({"successes": -1, "n": 2}, "successes"),
        ({"successes": math.nan, "n": 2}, "successes"),
        ({"successes": 1, "n": 2, "level": 1.0}, "level"),
    ],
)
def test_one_rate_intervals_name_bad_input(function, arguments, field) -> None:
    with pytest.raises(InputError) as error:
        function(**arguments)
    assert error.value.field == field


def test_newcombe_does_not_collapse_when_nobody_converts() -> None:
    interval = newcombe(table(0, 50, 0, 50))
    assert interval.low == pytest.approx(-wilson(successes=0, n=50).high)
    assert interval.high == pytest.approx(wilson(successes=0, n=50).high)


def test_wald_claims_no_certainty() -> None:
    interval = wald_difference(table(0, 50, 0, 50))
    assert (interval.low, interval.high) == (None, None)
    assert "certainty" in interval.note


def test_agresti_caffo_is_wald_with_four_more_units() -> None:
    padded = wald_difference(table(4, 22, 8, 32))
    interval = agresti_caffo(table(3, 20, 7, 30))
    assert (interval.low, interval.high) == pytest.approx((padded.low, padded.high))


@pytest.mark.parametrize("small_sample", [True, False])
@pytest.mark.parametrize("shift", [-1e-7, 1e-7])
def test_ratio_agrees_with_the_decision_at_its_bound(small_sample, shift) -> None:
    counts = table(412, 20000, 480, 10000)
    z = risk_difference(
        successes_control=412,
        n_control=20000,
        successes_arm=480,
        n_arm=10000,
        small_sample=small_sample,
    ).z
    interval = ratio_score_interval(counts, critical=z + shift, small_sample=small_sample)
    assert (interval.low > 1.0) == (shift < 0)
    assert interval.method.endswith("repeated")


def test_exchanging_the_arms_inverts_the_ratio() -> None:
    one = ratio_score_interval(table(12, 300, 25, 200))
    other = ratio_score_interval(table(12, 300, 25, 200).swapped)
    assert one.low == pytest.approx(1 / other.high)
    assert one.high == pytest.approx(1 / other.low)


def test_ratio_ends_where_the_counts_do() -> None:
    arm_empty = ratio_score_interval(table(5, 1000, 0, 1000))
    assert arm_empty.low == 0.0
    assert 0 < arm_empty.high < 1
    control_empty = ratio_score_interval(table(0, 1000, 5, 1000))
    assert control_empty.high is None
    assert control_empty.low == pytest.approx(1 / arm_empty.high)
    assert control_empty.note
    silent = ratio_score_interval(table(0, 1000, 0, 1000))
    assert (silent.low, silent.high) == (0.0, None)
    assert "neither arm" in silent.note
    everybody = ratio_score_interval(table(50, 50, 60, 60))
    assert everybody.low < 1 < everybody.high


def test_nothing_spent_sets_no_limit_on_the_ratio() -> None:
    interval = ratio_score_interval(table(5, 1000, 9, 1000), critical=math.inf)
    assert (interval.low, interval.high) == (0.0, None)
    assert interval.note


def test_lift_is_the_ratio_less_one() -> None:
    ratio, lift = (f(table(12, 300, 25, 200)) for f in (ratio_score_interval, lift_interval))
    assert lift.low == pytest.approx(ratio.low - 1)
    assert lift.high == pytest.approx(ratio.high - 1)
    assert lift_interval(table(0, 300, 25, 200)).high is None


def test_log_ratio_needs_a_success_in_each_arm() -> None:
    interval = ratio_log_interval(table(0, 10, 3, 10))
    assert (interval.low, interval.high) == (None, None)
    assert interval.note


def test_event_ratio_scales_with_exposure() -> None:
    one = event_rate_ratio_interval(
        events_control=10, exposure_control=100.0, events_arm=20, exposure_arm=100.0
    )
    half = event_rate_ratio_interval(
        events_control=10, exposure_control=100.0, events_arm=20, exposure_arm=200.0
    )
    assert half.low == pytest.approx(one.low / 2)
    assert half.high == pytest.approx(one.high / 2)


def test_event_ratio_without_events_sets_no_upper_limit() -> None:
    for events in ((0, 0), (0, 4)):
        interval = event_rate_ratio_interval(
            events_control=events[0], exposure_control=1.0, events_arm=events[1], exposure_arm=1.0
        )
        assert interval.high is None
        assert interval.note
    none = event_rate_ratio_interval(
        events_control=4, exposure_control=1.0, events_arm=0, exposure_arm=1.0
    )
    assert none.low == 0.0
    assert none.high is not None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"events_control": -1}, "events_control"),
        ({"events_arm": 0.5}, "events_arm"),
        ({"exposure_arm": 0.0}, "exposure_arm"),
        ({"exposure_control": math.nan}, "exposure_control"),
        ({"level": 0.0}, "level"),
    ],
)
def test_event_ratio_names_bad_input(changed, field) -> None:
    given = {"events_control": 1, "exposure_control": 1, "events_arm": 1, "exposure_arm": 1}
    with pytest.raises(InputError) as error:
        event_rate_ratio_interval(**{**given, **changed})
    assert error.value.field == field
