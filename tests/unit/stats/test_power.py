"""Fixed-sample planning of rates."""

from __future__ import annotations

import math

import pytest

from testkit.errors import InputError
from testkit.stats.power import (
    SampleSize,
    mde_rates,
    n_rates,
    power_rates,
    restricted_rates,
    smallest_margin,
)


@pytest.mark.parametrize("test", ["score", "wald", "baseline", "arcsine"])
def test_power_at_the_needed_size_is_the_power_asked_for(test: str) -> None:
    size = n_rates(control=0.03, treatment=0.035, power=0.9, ratio=2.0, test=test)
    power = power_rates(n_control=size.control, control=0.03, treatment=0.035, ratio=2.0, test=test)
    assert power == pytest.approx(0.9, abs=1e-12)
    assert size.treatment == pytest.approx(2 * size.control)


@pytest.mark.parametrize("test", ["score", "wald", "baseline", "arcsine"])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_smallest_detectable_effect_needs_exactly_this_size(test: str, direction: str) -> None:
    change = mde_rates(n_control=5000, control=0.1, test=test, direction=direction)
    assert change is not None
    assert (change > 0) == (direction == "up")
    assert n_rates(control=0.1, treatment=0.1 + change, test=test).control == pytest.approx(5000)


def test_a_rate_that_cannot_fall_far_enough_has_no_detectable_effect() -> None:
    assert mde_rates(n_control=100, control=0.01, direction="down") is None


def test_rare_guardrail_sizes_of_the_design_rules() -> None:
    for margin in (0.001, 0.0005):
        size = n_rates(control=0.002, treatment=0.002, null=margin, sides=1, test="wald")
        # z_.95 + z_.8 = 1.644854 + 0.841621
        by_hand = (1.644854 + 0.841621) ** 2 * 2 * 0.002 * 0.998 / margin**2
        assert size.control == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("harm", ["up", "down"])
@pytest.mark.parametrize("test", ["score", "wald"])
def test_smallest_margin_needs_exactly_this_size(harm: str, test: str) -> None:
    margin = smallest_margin(n_control=20_000, control=0.02, harm=harm, test=test)
    assert margin is not None
    null = margin if harm == "up" else -margin
    size = n_rates(control=0.02, treatment=0.02, null=null, alpha=0.025, sides=1, test=test)
    assert size.control == pytest.approx(20_000, rel=1e-6)


def test_a_list_too_small_for_any_margin_says_so() -> None:
    assert smallest_margin(n_control=30, control=0.02, harm="down") is None


@pytest.mark.parametrize(
    ("scale", "null"),
    [("difference", 0.01), ("difference", -0.04), ("ratio", 1.3), ("ratio", 0.7), ("odds", 1.5)],
)
@pytest.mark.parametrize("ratio", [1.0, 0.25])
def test_restricted_rates_maximise_the_likelihood(scale: str, null: float, ratio: float) -> None:
    a, b = 0.1, 0.13

    def moved(x: float) -> float:
        if scale == "difference":
            return x + null
        return null * x if scale == "ratio" else null * x / (1 - x + null * x)

    def log_likelihood(x: float) -> float:
        y = moved(x)
        return (
            a * math.log(x)
            + (1 - a) * math.log(1 - x)
            + ratio * (b * math.log(y) + (1 - b) * math.log(1 - y))
        )

    x, y = restricted_rates(control=a, treatment=b, null=null, scale=scale, ratio=ratio)
    assert y == pytest.approx(moved(x))
    assert log_likelihood(x) >= max(log_likelihood(x * (1 + h)) for h in (-1e-3, 1e-3))


def test_restricted_rates_at_the_edge_stay_inside() -> None:
    assert restricted_rates(control=0.0, treatment=0.0, null=0.1) == pytest.approx((0.0, 0.1))
    assert restricted_rates(control=1.0, treatment=1.0, null=-0.1) == pytest.approx((1.0, 0.9))
    assert restricted_rates(control=1.0, treatment=1.0, null=0.1) == pytest.approx((0.9, 1.0))
    assert restricted_rates(control=0.0, treatment=0.0, null=2.0, scale="odds") == (0.0, 0.0)


def test_inflation_multiplies_the_size_and_nothing_else() -> None:
    plain = n_rates(control=0.1, treatment=0.12)
    longest = n_rates(control=0.1, treatment=0.12, inflation=1.035)
    assert longest.control == pytest.approx(1.035 * plain.control)
    same = power_rates(n_control=longest.control, control=0.1, treatment=0.12, inflation=1.035)
    assert same == pytest.approx(0.8)
    assert mde_rates(n_control=1035, control=0.1, inflation=1.035) == pytest.approx(
        mde_rates(n_control=1000, control=0.1)
    )
    assert smallest_margin(n_control=1035, control=0.1, inflation=1.035) == pytest.approx(
        smallest_margin(n_control=1000, control=0.1)
    )


def test_power_without_an_effect_is_one_tail_of_alpha() -> None:
    assert power_rates(n_control=500, control=0.2, treatment=0.2) == pytest.approx(0.025)


def test_whole_sizes_round_up_but_not_for_rounding_noise() -> None:
    size = n_rates(control=0.2, treatment=0.25)
    assert size.whole == (math.ceil(size.control), math.ceil(size.treatment))
    assert SampleSize(control=25.0000000001, treatment=24.99).whole == (25, 25)
    assert size.total == size.control + size.treatment


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("control", {"control": 0.0}),
        ("control", {"control": math.nan}),
        ("treatment", {"treatment": 1.0}),
        ("treatment", {"treatment": 0.1}),
        ("power", {"power": 1.0}),
        ("power", {"power": 0.001}),
        ("alpha", {"alpha": 0.0}),
        ("sides", {"sides": 3}),
        ("ratio", {"ratio": 0.0}),
        ("ratio", {"ratio": math.inf}),
        ("null", {"null": 1.0}),
        ("null", {"null": 0.0, "scale": "ratio"}),
        ("scale", {"scale": "log"}),
        ("test", {"test": "chi"}),
        ("test", {"test": "arcsine", "null": 0.01}),
        ("test", {"test": "baseline", "scale": "ratio"}),
        ("inflation", {"inflation": 0.9}),
    ],
)
def test_bad_input_names_the_field(field: str, change: dict[str, object]) -> None:
    arguments: dict[str, object] = {"control": 0.1, "treatment": 0.12, **change}
    with pytest.raises(InputError) as caught:
        n_rates(**arguments)
    assert caught.value.field == field


def test_power_below_the_level_of_the_test_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        mde_rates(n_control=1000, control=0.1, power=0.01)
    assert caught.value.field == "power"
