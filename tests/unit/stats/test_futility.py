"""Futility and harm designs: what each error is, who may ignore what, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.boundaries import crossing_probabilities, spending_bounds
from testkit.stats.futility import (
    fixed_futility_design,
    futility_design,
    harm_design,
    monitoring_futility,
)
from testkit.stats.spending import kim_demets, pocock_spending

PLAN = {"information": [1, 2, 3, 4], "alpha": 0.025, "beta": 0.2}


def exits(design, drift: float, *, lower=None):
    return crossing_probabilities(
        information=design.information,
        upper=design.upper,
        lower=design.lower if lower is None else lower,
        drift=drift,
    )


@pytest.mark.parametrize("binding", [True, False])
def test_beta_is_spent_below_at_the_effect(binding: bool) -> None:
    design = futility_design(**PLAN, beta_spending=kim_demets(2), binding=binding)
    lost = np.cumsum(exits(design, design.drift).lower)
    np.testing.assert_allclose(lost, 0.2 * np.array([1, 4, 9, 16]) / 16, atol=1e-9)
    assert exits(design, design.drift).upper.sum() == pytest.approx(0.8, abs=1e-9)
    assert design.lower[-1] == design.upper[-1]


def test_non_binding_alpha_holds_even_when_futility_is_ignored() -> None:
    design = futility_design(**PLAN)
    ignored = exits(design, 0.0, lower=[-math.inf] * 4)
    assert ignored.upper.sum() == pytest.approx(0.025, abs=1e-11)
    plain = spending_bounds(information=[1, 2, 3, 4], alpha=0.025, sides=1)
    np.testing.assert_allclose(design.upper, plain.upper, atol=1e-12)


def test_binding_alpha_holds_only_when_futility_is_obeyed() -> None:
    design = futility_design(**PLAN, binding=True)
    assert exits(design, 0.0).upper.sum() == pytest.approx(0.025, abs=1e-10)
    assert exits(design, 0.0, lower=[-math.inf] * 4).upper.sum() > 0.0255


def test_binding_is_the_cheaper_design() -> None:
    binding, free = futility_design(**PLAN, binding=True), futility_design(**PLAN)
    assert 1.0 < binding.inflation < free.inflation


def test_with_one_look_there_is_nothing_to_pay() -> None:
    design = futility_design(information=[5], alpha=0.025, beta=0.2)
    assert design.inflation == pytest.approx(1.0, abs=1e-9)


def test_the_unit_of_information_only_scales_the_drift() -> None:
    small, large = (
        futility_design(**PLAN),
        futility_design(**{**PLAN, "information": [10, 20, 30, 40]}),
    )
    np.testing.assert_allclose(large.lower, small.lower, atol=1e-8)
    assert large.drift * math.sqrt(10) == pytest.approx(small.drift, rel=1e-9)


@pytest.mark.parametrize("binding", [True, False])
def test_harm_stops_by_mistake_as_often_as_stated(binding: bool) -> None:
    design = harm_design(**PLAN, false_stop=0.15, binding=binding)
    assert exits(design, 0.0).lower.sum() == pytest.approx(0.15, abs=1e-9)
    assert exits(design, design.drift).upper.sum() == pytest.approx(0.8, abs=1e-9)
    assert all(design.lower < design.upper)


def test_chosen_futility_bounds_stay_as_they_were_chosen() -> None:
    design = fixed_futility_design(**PLAN, futility_z=[-math.inf, 0.0, 0.7])
    assert list(design.lower[:-1]) == [-math.inf, 0.0, 0.7]
    assert design.lower[-1] == design.upper[-1]
    assert exits(design, design.drift).upper.sum() == pytest.approx(0.8, abs=1e-9)


def test_monitoring_at_the_planned_looks_gives_the_plan() -> None:
    for binding in (True, False):
        plan = futility_design(**PLAN, binding=binding)
        now = monitoring_futility(plan, information=[1, 2, 3, 4])
        np.testing.assert_allclose(now.upper, plan.upper, atol=1e-9)
        np.testing.assert_allclose(now.lower, plan.lower, atol=1e-7)


def test_a_look_declared_final_spends_what_remains_and_ends_the_test() -> None:
    plan = futility_design(**PLAN)
    running = monitoring_futility(plan, information=[1, 2.5])
    final = monitoring_futility(plan, information=[1, 2.5], final=True)
    assert running.lower[-1] < running.upper[-1]
    assert final.lower[-1] == final.upper[-1] < running.upper[-1]
    assert exits(final, 0.0, lower=[-math.inf] * 2).upper.sum() == pytest.approx(0.025, abs=1e-10)


def test_bounds_that_meet_early_leave_nobody_going_on_in_vain() -> None:
    # Looks so much later than planned that by the second nearly all of beta cannot be spent.
    plan = futility_design(information=[1, 2, 3], alpha=0.025, beta=0.2)
    now = monitoring_futility(plan, information=[1, 2.9, 40.0], beta_spending=pocock_spending)
    assert now.lower[-1] == now.upper[-1]
    assert np.all(now.lower <= now.upper)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: futility_design(**{**PLAN, "alpha": 0.5}), "alpha"),
        (lambda: futility_design(**{**PLAN, "alpha": 0.0}), "alpha"),
        (lambda: futility_design(**{**PLAN, "alpha": math.nan}), "alpha"),
        (lambda: futility_design(**{**PLAN, "beta": 0.0}), "beta"),
        (lambda: futility_design(**{**PLAN, "beta": 0.98}), "beta"),
        (lambda: futility_design(**{**PLAN, "information": [2, 1]}), "information"),
        (lambda: futility_design(**PLAN, beta_spending=lambda t, beta: 2 * beta), "spending"),
        (lambda: harm_design(**PLAN, false_stop=0.0), "false_stop"),
        (lambda: harm_design(**PLAN, false_stop=0.99), "false_stop"),
        (lambda: fixed_futility_design(**PLAN, futility_z=[0.0]), "futility_z"),
        (lambda: fixed_futility_design(**PLAN, futility_z=[0.0, 0.0, 9.0]), "futility_z"),
        (lambda: fixed_futility_design(**PLAN, futility_z=[0.0, math.nan, 0.0]), "futility_z"),
    ],
)
def test_bad_designs_name_their_field(call, field: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field
