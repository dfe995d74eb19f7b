"""Power, inflation, expected size: exact cases and what must hold between them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from testkit.errors import InputError
from testkit.stats.boundaries import spending_bounds
from testkit.stats.futility import futility_design
from testkit.stats.sizing import (
    characteristics,
    drift_for_power,
    expected_information,
    power_at,
    sequential_size,
)
from testkit.stats.spending import spending_by_name

ONE = spending_bounds(information=[4], alpha=0.05)
FIVE = spending_bounds(information=[1, 2, 3, 4, 5], alpha=0.05)


def test_with_one_look_power_is_the_normal_formula() -> None:
    assert power_at(ONE, drift=1.3) == pytest.approx(ndtr(2.6 + ndtri(0.025)), abs=1e-12)
    assert expected_information(ONE, drift=1.3) == 4.0


def test_with_one_look_nothing_is_inflated() -> None:
    figures = characteristics(ONE, power=0.8)
    assert figures.inflation == pytest.approx(1.0, abs=1e-10)
    assert figures.share_null == figures.share_effect == pytest.approx(1.0, abs=1e-10)
    assert figures.drift == pytest.approx(-ndtri(0.025) + ndtri(0.8), abs=1e-10)
    assert figures.early_stop == 0.0


def test_drift_and_power_are_inverse() -> None:
    for design in (FIVE, futility_design(information=[1, 2], alpha=0.025, beta=0.2)):
        assert power_at(design, drift=drift_for_power(design, power=0.7)) == pytest.approx(0.7)


def test_power_without_effect_is_the_error_of_that_side() -> None:
    assert power_at(FIVE, drift=0.0) == pytest.approx(0.025, abs=1e-10)


def test_expected_size_falls_with_the_effect() -> None:
    figures = characteristics(FIVE, power=0.8)
    assert figures.share_effect < figures.share_half < figures.share_null < figures.inflation
    assert figures.share_null == pytest.approx(
        expected_information(FIVE, drift=0.0) / 5 * figures.inflation, rel=1e-12
    )


def test_sizes_are_the_fixed_size_times_the_figures() -> None:
    size = sequential_size(1000.0, design=FIVE, power=0.9)
    figures = size.characteristics
    assert size.maximum == pytest.approx(1000 * figures.inflation)
    np.testing.assert_allclose(size.at_looks, size.maximum * np.array([0.2, 0.4, 0.6, 0.8, 1.0]))
    assert size.expected_effect == pytest.approx(1000 * figures.share_effect)
    assert size.expected_null == pytest.approx(1000 * figures.share_null)
    assert figures.power == 0.9


def test_early_stop_is_what_does_not_reach_the_last_look() -> None:
    figures = characteristics(FIVE, power=0.8)
    drift = figures.drift / math.sqrt(5)
    truncated = spending_bounds(
        information=[1, 2, 3, 4], alpha=0.05, spending_time=[0.2, 0.4, 0.6, 0.8]
    )
    up = power_at(truncated, drift=drift)
    down = power_at(truncated, drift=-drift)
    assert figures.early_stop == pytest.approx(up + down, abs=1e-10)


@pytest.mark.parametrize("power", [0.025, 0.0, 1.0, math.nan])
def test_a_power_that_no_test_has_is_refused(power: float) -> None:
    for call in (
        lambda: drift_for_power(FIVE, power=power),
        lambda: characteristics(FIVE, power=power),
        lambda: sequential_size(10.0, design=FIVE, power=power),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.field == "power"


def test_bad_drift_and_size_name_their_field() -> None:
    for call, field in (
        (lambda: power_at(FIVE, drift=math.nan), "drift"),
        (lambda: expected_information(FIVE, drift=math.inf), "drift"),
        (lambda: sequential_size(0.0, design=FIVE, power=0.8), "fixed"),
        (lambda: sequential_size(math.nan, design=FIVE, power=0.8), "fixed"),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("spending", "looks", "kept"),
    [
        # Share of the power of the fixed-sample test (80 %) at the same size, by quadrature of
        # another author; the design notes print them to these digits.
        ("obrien-fleming", 10, 0.9815),
        ("obrien-fleming", 12, 0.9802),
        ("obrien-fleming", 20, 0.977),
        ("hsd(-4)", 10, 0.9825),
        ("kd(3)", 10, 0.978),
        ("kd(2)", 10, 0.960),
    ],
)
def test_power_kept_at_the_fixed_size(spending: str, looks: int, kept: float) -> None:
    bounds = spending_bounds(
        information=range(1, looks + 1), alpha=0.05, spending=spending_by_name(spending)
    )
    drift = (ndtri(0.8) - ndtri(0.025)) / math.sqrt(looks)
    assert power_at(bounds, drift=drift) / 0.8 == pytest.approx(kept, abs=6e-4)
