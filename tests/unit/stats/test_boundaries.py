"""Bounds and crossing probabilities: domains, exact cases, and the rules about past looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri

from testkit.errors import ConvergenceError, InputError
from testkit.stats.boundaries import (
    crossing_probabilities,
    monitoring_bounds,
    spending_bounds,
)
from testkit.stats.recursion import passage
from testkit.stats.spending import hwang_shih_decani, kim_demets, obrien_fleming_spending


def test_one_look_is_the_fixed_sample_test() -> None:
    bounds = spending_bounds(information=[7], alpha=0.05)
    # z_{.025}; with one look nothing is adjusted.
    assert bounds.upper[0] == pytest.approx(-ndtri(0.025), abs=1e-12)
    assert bounds.lower[0] == -bounds.upper[0]
    assert bounds.spent[0] == pytest.approx(0.025)


def test_two_looks_agree_with_a_double_integral() -> None:
    # P(Z1 < a, Z2 >= b) by scipy.integrate.quad of phi(x) Phi((b - rho x)/tau) over (-inf, a].
    from scipy.integrate import quad
    from scipy.special import ndtr

    exits = crossing_probabilities(information=[0.3, 1.0], upper=[2.1, 1.8], lower=[-math.inf] * 2)
    rho, tau = math.sqrt(0.3), math.sqrt(0.7)
    value, _ = quad(
        lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi) * ndtr((rho * x - 1.8) / tau),
        -12,
        2.1,
        epsabs=1e-14,
    )
    assert exits.upper[1] == pytest.approx(value, abs=1e-12)


def test_unit_of_information_does_not_matter() -> None:
    a = spending_bounds(information=[120, 400, 1000], alpha=0.05)
    b = spending_bounds(information=[0.12, 0.4, 1.0], alpha=0.05)
    np.testing.assert_allclose(a.upper, b.upper, rtol=0, atol=1e-12)


def test_past_bounds_that_were_solved_leave_the_rest_as_it_was() -> None:
    full = spending_bounds(information=[1, 2, 3, 4], alpha=0.05)
    again = spending_bounds(information=[1, 2, 3, 4], alpha=0.05, fixed_upper=full.upper[:2])
    np.testing.assert_allclose(again.upper, full.upper, rtol=0, atol=1e-10)
    np.testing.assert_allclose(again.spent, full.spent, rtol=0, atol=1e-12)


def test_a_past_look_that_overspent_is_paid_for_by_the_next_ones() -> None:
    bounds = spending_bounds(information=[1, 2, 3], alpha=0.05, fixed_upper=[2.1])
    # 1 - Phi(2.1) = .0179 is more than the function allows by 2/3 of the way.
    assert bounds.upper[1] == math.inf
    assert bounds.spent[0] == pytest.approx(0.017864, abs=1e-6)
    assert bounds.spent[-1] == pytest.approx(0.025)


def test_after_an_overrun_nothing_is_left_to_spend() -> None:
    bounds = spending_bounds(information=[50, 100, 120], alpha=0.05, spending_time=[0.5, 1.0, 1.0])
    assert bounds.upper[2] == math.inf
    assert bounds.lower[2] == -math.inf


def test_a_last_look_declared_final_spends_what_remains() -> None:
    open_ended = spending_bounds(information=[30, 80], alpha=0.05, spending_time=[0.3, 0.8])
    declared = spending_bounds(
        information=[30, 80], alpha=0.05, spending_time=[0.3, 0.8], final=True
    )
    assert open_ended.spent[-1] < 0.025
    assert declared.spent[-1] == 0.025
    assert declared.upper[-1] < open_ended.upper[-1]
    assert declared.upper[0] == open_ended.upper[0]


def test_an_early_look_too_small_to_spend_anything_cannot_stop() -> None:
    bounds = spending_bounds(information=[1, 1000], alpha=0.05)
    assert bounds.upper[0] == math.inf
    assert bounds.upper[1] == pytest.approx(-ndtri(0.025), abs=1e-9)


def test_crossing_probabilities_add_up_under_a_strong_drift() -> None:
    exits = crossing_probabilities(
        information=[1, 2, 3], upper=[3, 2.5, 2], lower=[-1, 0, 2], drift=6.0
    )
    assert math.fsum(exits.upper) + math.fsum(exits.lower) == pytest.approx(1.0, abs=1e-10)


def test_many_looks_close_together_go_by_blocks_and_agree_with_one_fewer() -> None:
    # A look a millionth later adds a millionth of information and, with nothing to spend there,
    # must leave the last bound where it was.
    plain = spending_bounds(information=[0.5, 1.0], alpha=0.05)
    crowded = spending_bounds(
        information=[0.5, 0.5 + 5e-5, 1.0], alpha=0.05, spending_time=[0.5, 0.5, 1.0]
    )
    assert crowded.upper[1] == math.inf
    assert crowded.upper[2] == pytest.approx(plain.upper[1], abs=1e-8)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"information": []}, "information"),
        ({"information": [1, 1]}, "information"),
        ({"information": [2, 1]}, "information"),
        ({"information": [0, 1]}, "information"),
        ({"information": [-1, 1]}, "information"),
        ({"information": [1, math.nan]}, "information"),
        ({"information": [1, math.inf]}, "information"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": 1.0}, "alpha"),
        ({"alpha": math.nan}, "alpha"),
        ({"sides": 3}, "sides"),
        ({"spending_time": [0.5]}, "spending_time"),
        ({"spending_time": [0.6, 0.5]}, "spending_time"),
        ({"spending_time": [0.6, 1.1]}, "spending_time"),
        ({"spending_time": [math.nan, 1.0]}, "spending_time"),
        ({"spending": lambda t, alpha: alpha * (1 - t)}, "spending"),
        ({"spending": lambda t, alpha: 1.001 * alpha * t}, "spending"),
        ({"spending": lambda t, alpha: math.nan}, "spending"),
        ({"fixed_upper": [3, 2, 2]}, "fixed_upper"),
        ({"fixed_upper": [math.nan]}, "fixed_upper"),
        ({"fixed_upper": [-1.0]}, "fixed_upper"),
    ],
)
def test_bad_design_names_its_field(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        spending_bounds(**{"information": [1, 2], "alpha": 0.05, **arguments})
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"upper": [2.0]}, "upper"),
        ({"lower": [-2.0]}, "lower"),
        ({"lower": [-2.0, 3.0]}, "lower"),
        ({"upper": [math.nan, 2.0]}, "lower"),
        ({"drift": math.nan}, "drift"),
    ],
)
def test_bad_bounds_name_their_field(arguments: dict[str, object], field: str) -> None:
    given = {"information": [1, 2], "upper": [2.0, 2.0], "lower": [-2.0, -2.0], **arguments}
    with pytest.raises(InputError) as caught:
        crossing_probabilities(**given)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "spending", [obrien_fleming_spending, hwang_shih_decani(-4), kim_demets(2)]
)
def test_what_is_spent_is_what_the_bounds_cross(spending: object) -> None:
    bounds = spending_bounds(information=[1, 3, 4, 9], alpha=0.05, spending=spending)
    exits = crossing_probabilities(
        information=bounds.information, upper=bounds.upper, lower=bounds.lower
    )
    np.testing.assert_allclose(np.cumsum(exits.upper), bounds.spent, rtol=1e-9)
    np.testing.assert_allclose(exits.upper, exits.lower, rtol=1e-9)


def test_monitoring_stands_on_the_planned_information() -> None:
    # In another unit and short of the plan, the same as spending times given by hand.
    now = monitoring_bounds(planned_information=200, information=[50, 120], alpha=0.05, sides=1)
    by_hand = spending_bounds(
        information=[0.25, 0.6], alpha=0.05, sides=1, spending_time=[0.25, 0.6]
    )
    np.testing.assert_allclose(now.upper, by_hand.upper, rtol=0, atol=1e-12)
    assert list(now.spending_time) == [0.25, 0.6]
    assert now.spent[-1] < 0.05


def test_monitoring_beyond_the_plan_spends_the_rest_once() -> None:
    now = monitoring_bounds(planned_information=100, information=[60, 110, 130], alpha=0.05)
    assert list(now.spending_time) == [0.6, 1.0, 1.0]
    assert now.spent[1] == 0.025
    assert now.upper[2] == math.inf


def test_monitoring_takes_the_past_as_it_was() -> None:
    now = monitoring_bounds(
        planned_information=100, information=[40, 100], alpha=0.05, fixed_upper=[2.5]
    )
    assert now.upper[0] == 2.5
    exits = crossing_probabilities(information=[40, 100], upper=now.upper, lower=now.lower)
    assert exits.upper.sum() == pytest.approx(0.025, abs=1e-12)


@pytest.mark.parametrize("planned", [0.0, -1.0, math.nan, math.inf])
def test_a_plan_without_information_is_refused(planned: float) -> None:
    with pytest.raises(InputError) as caught:
        monitoring_bounds(planned_information=planned, information=[1], alpha=0.05)
    assert caught.value.field == "planned_information"


def test_a_bad_past_bound_is_named_with_its_look() -> None:
    design = {"information": [1, 2, 3], "alpha": 0.05}
    with pytest.raises(InputError, match="past bound at look 2 must be a number above 0, not 0"):
        spending_bounds(**design, fixed_upper=[2.0, 0.0])
    with pytest.raises(InputError, match="past bound at look 1 is NaN"):
        spending_bounds(**design, sides=1, fixed_upper=[math.nan])
    assert spending_bounds(**design, fixed_upper=[0.5]).upper[0] == 0.5
    # One-sided bounds may lie anywhere.
    assert spending_bounds(**design, sides=1, fixed_upper=[-0.5]).upper[0] == -0.5


def test_errors_count_looks_from_one() -> None:
    with pytest.raises(InputError, match=r"look 2 has 1\.0"):
        spending_bounds(information=[1, 1], alpha=0.05)
    with pytest.raises(InputError, match="at look 2 must be positive"):
        spending_bounds(information=[1, math.nan], alpha=0.05)
    with pytest.raises(InputError, match="spending time at look 2"):
        spending_bounds(information=[1, 2], alpha=0.05, spending_time=[0.5, 0.4])
    with pytest.raises(InputError, match="at look 2"):
        crossing_probabilities(information=[1, 2], upper=[2, 2], lower=[0, 3])


def test_bounds_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        spending_bounds(information=[1], alpha=0.05).upper[0] = 0.0


def test_looks_that_nearly_touch_are_refused_and_those_that_do_not_are_taken() -> None:
    with pytest.raises(InputError):
        spending_bounds(information=[1.0, 1.0 + 1e-9], alpha=0.05)
    spending_bounds(information=[1.0, 1.0 + 1e-6], alpha=0.05)


def test_probabilities_that_do_not_add_up_are_refused(monkeypatch) -> None:
    whole = passage(information=(1.0, 2.0), lower=(-2.0, -2.0), upper=(2.0, 2.0), drifts=(0.0, 0.0))
    for lost in (1e-6, 0.4):

        class Leaky:
            """A recursion that loses some of its paths on the way up."""

            arrivals = whole.arrivals
            lower_exits = staticmethod(whole.lower_exits)
            upper_exits = staticmethod(lambda drift, lost=lost: whole.upper_exits(drift) - lost)

        monkeypatch.setattr("testkit.stats.boundaries.passage", lambda **_: Leaky())
        with pytest.raises(ConvergenceError, match="add up"):
            crossing_probabilities(information=[1, 2], upper=[2, 2], lower=[-2, -2])
