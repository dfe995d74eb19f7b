"""Money: cost per action, per extra action, return on spend."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.returns import (
    Range,
    actions_per_thousand,
    cost_per_action,
    cost_per_extra_action,
    product,
    return_on_spend,
)

GAIN = Range(value=0.004, low=0.002, high=0.006)
OPEN = Range(value=0.004, low=-0.001, high=0.009)
LOSS = Range(value=-0.004, low=-0.006, high=-0.002)


def test_cost_per_action_turns_the_interval_around() -> None:
    rate = Range(value=0.02, low=0.01, high=0.04)
    cost = cost_per_action(spend_cents=10_000, recipients=1_000, rate=rate)
    assert (cost.low, cost.cents, cost.high) == (250.0, 500.0, 1000.0)
    assert cost.absent == ""


def test_a_rate_that_may_be_zero_has_no_upper_cost() -> None:
    cost = cost_per_action(spend_cents=100, recipients=10, rate=Range(value=0.1, low=0.0, high=0.4))
    assert cost.high is None
    assert cost.cents == 100
    assert "no upper end" in cost.absent


def test_nobody_acting_has_no_cost_per_action() -> None:
    cost = cost_per_action(spend_cents=100, recipients=10, rate=Range(value=0.0, low=0.0, high=0.3))
    assert cost.cents is None
    assert cost.low == pytest.approx(100 / 3)
    assert "nobody" in cost.absent


def test_an_effect_that_may_be_zero_has_no_cost_per_extra_action_but_a_yield() -> None:
    cost = cost_per_extra_action(spend_cents=50_000, recipients=5_000, effect=OPEN)
    assert cost.cents is None
    assert "meets 0" in cost.absent
    assert (cost.per_thousand.low, cost.per_thousand.high) == pytest.approx((-10, 90))


@pytest.mark.parametrize("edge", [0.0, -0.0])
def test_an_interval_that_touches_zero_meets_it(edge: float) -> None:
    touching = Range(value=0.004, low=edge, high=0.009)
    assert cost_per_extra_action(spend_cents=1, recipients=1, effect=touching).cents is None


def test_cost_per_extra_action_is_the_reciprocal_of_the_yield() -> None:
    cost = cost_per_extra_action(spend_cents=50_000, recipients=5_000, effect=GAIN)
    assert cost.cents is not None
    assert cost.cents.value * cost.per_thousand.value == pytest.approx(100_000)
    assert cost.cents.low * cost.per_thousand.high == pytest.approx(100_000)


def test_a_loss_costs_a_negative_amount_per_extra_action() -> None:
    cost = cost_per_extra_action(spend_cents=50_000, recipients=5_000, effect=LOSS)
    assert cost.cents is not None
    assert cost.cents.low == pytest.approx(-5000)
    assert cost.cents.high == pytest.approx(-10 / 0.006)


def test_yield_scales_with_money() -> None:
    once = actions_per_thousand(spend_cents=50_000, recipients=5_000, effect=GAIN)
    twice = actions_per_thousand(spend_cents=100_000, recipients=5_000, effect=GAIN)
    assert once.value == pytest.approx(2 * twice.value)
    assert once.value == pytest.approx(0.004 * 5_000 / 500 * 1_000)


def test_a_known_value_leaves_the_interval_of_the_effect() -> None:
    worth = Range(value=2_500, low=2_500, high=2_500)
    back = return_on_spend(spend_cents=25_000, recipients=10_000, effect=GAIN, value_cents=worth)
    assert (back.low, back.value, back.high) == pytest.approx((2.0, 4.0, 6.0))


def test_an_uncertain_value_widens_the_interval() -> None:
    worth = Range(value=2_500, low=1_500, high=4_000)
    back = return_on_spend(spend_cents=25_000, recipients=10_000, effect=GAIN, value_cents=worth)
    assert back.low < 2.0
    assert back.high > 6.0


def test_money_metrics_need_no_value() -> None:
    cents = Range(value=3.0, low=-1.0, high=7.0)
    back = return_on_spend(spend_cents=10_000, recipients=5_000, effect=cents)
    assert (back.low, back.value, back.high) == pytest.approx((-0.5, 1.5, 3.5))


@pytest.mark.parametrize("first", [GAIN, LOSS], ids=["gain", "loss"])
def test_a_product_keeps_the_sign_that_its_factors_agree_on(first: Range) -> None:
    worth = Range(value=10, low=1, high=30)
    found = product(first, worth)
    assert not found.meets_zero
    assert found.value == pytest.approx(first.value * 10)


@pytest.mark.parametrize("effect", [0.02, 0.004, 0.0, -0.01])
def test_a_product_covers_at_the_level_of_its_factors(effect: float) -> None:
    rng = np.random.default_rng(61)
    covered = []
    for _ in range(400):
        e = effect + 0.004 * rng.standard_normal()
        v = 50 + 8 * rng.standard_normal()
        found = product(
            Range(value=e, low=e - 1.96 * 0.004, high=e + 1.96 * 0.004),
            Range(value=v, low=v - 1.96 * 8, high=v + 1.96 * 8),
        )
        covered.append(found.low <= effect * 50 <= found.high)
    assert abs(np.mean(covered) - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 400)


@pytest.mark.parametrize("numbers", [(1, 2, 3), (3, 1, 2), (math.nan, 0, 1), (1, 0, math.inf)])
def test_a_range_holds_its_value(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(InputError):
        Range(value=numbers[0], low=numbers[1], high=numbers[2])


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("spend_cents", {"spend_cents": 0}),
        ("spend_cents", {"spend_cents": 10.5}),
        ("recipients", {"recipients": 0}),
        ("effect", {"effect": Range(value=0.4, low=0.1, high=1.4)}),
    ],
)
def test_bad_input_names_the_field(field: str, change: dict[str, object]) -> None:
    arguments: dict[str, object] = {"spend_cents": 100, "recipients": 10, "effect": GAIN}
    with pytest.raises(InputError) as caught:
        cost_per_extra_action(**{**arguments, **change})
    assert caught.value.field == field
