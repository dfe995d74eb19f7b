"""Fixed-sample planning of means."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from testkit.errors import InputError
from testkit.stats.power_means import mde_means, n_means, power_means


def test_power_at_the_needed_size_is_the_power_asked_for() -> None:
    size = n_means(difference=3.0, sd=20.0, power=0.9, ratio=0.5)
    assert size.treatment == size.control / 2
    assert power_means(n_control=size.control, difference=3.0, sd=20.0, ratio=0.5) == pytest.approx(
        0.9, abs=1e-9
    )


@pytest.mark.parametrize("n", [3, 20, 500, 600_000])
def test_smallest_detectable_difference_has_the_power(n: int) -> None:
    found = mde_means(n_control=n, sd=7.0, sd_treatment=9.0, ratio=2.0)
    assert power_means(
        n_control=n, difference=found, sd=7.0, sd_treatment=9.0, ratio=2.0
    ) == pytest.approx(0.8, abs=1e-9)


def test_power_is_the_noncentral_t_tail() -> None:
    # scipy.stats.nct is an independent implementation of the same distribution
    critical = stats.t.isf(0.025, 38)
    expected = stats.nct.sf(critical, 38, 0.6 * math.sqrt(20 / 2))
    assert power_means(n_control=20, difference=0.6, sd=1.0) == pytest.approx(expected, abs=1e-9)


def test_inflation_multiplies_the_size_and_nothing_else() -> None:
    plain, longest = (
        n_means(difference=0.5, sd=1.0, inflation=factor).control for factor in (1.0, 1.2)
    )
    assert longest == pytest.approx(1.2 * plain)
    same = power_means(n_control=longest, difference=0.5, sd=1.0, inflation=1.2)
    assert same == pytest.approx(0.8)
    assert mde_means(n_control=longest, sd=1.0, inflation=1.2) == pytest.approx(0.5)


def test_welch_with_equal_arms_is_student() -> None:
    same = {"n_control": 40, "difference": 0.5, "sd": 1.0}
    assert power_means(**same, sd_treatment=1.0) == pytest.approx(power_means(**same), abs=1e-12)


def test_the_normal_limit_joins_the_t_without_a_step() -> None:
    below = power_means(n_control=499_999, difference=0.0055, sd=1.0)
    above = power_means(n_control=500_002, difference=0.0055, sd=1.0)
    assert above - below == pytest.approx(0.0, abs=1e-5)


def test_a_non_inferiority_margin_moves_the_null() -> None:
    shifted = n_means(difference=0.0, sd=1.0, null=-0.2, sides=1)
    plain = n_means(difference=0.2, sd=1.0, sides=1)
    assert shifted.control == pytest.approx(plain.control)
    moved = power_means(n_control=50, difference=0.7, sd=1.0, null=0.2)
    assert moved == pytest.approx(power_means(n_control=50, difference=0.5, sd=1.0))


@pytest.mark.parametrize(
    ("ratio", "sd_treatment", "fewest"), [(0.25, 1.0, 4.0), (4.0, 1.0, 1.0), (0.25, None, 1.6)]
)
def test_each_arm_needs_more_than_its_own_mean_takes(
    ratio: float, sd_treatment: float | None, fewest: float
) -> None:
    common = {"difference": 1.0, "sd": 1.0, "sd_treatment": sd_treatment, "ratio": ratio}
    assert 0 < power_means(n_control=1.01 * fewest, **common) < 1
    with pytest.raises(InputError):
        power_means(n_control=0.99 * fewest, **common)


def test_a_huge_effect_needs_the_fewest_that_leave_freedom() -> None:
    assert 1 <= n_means(difference=1e6, sd=1.0).control < 2.1


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("difference", {"difference": 0.0}),
        ("difference", {"difference": math.nan}),
        ("difference", {"difference": 1e-12}),
        ("sd", {"sd": 0.0}),
        ("sd_treatment", {"sd_treatment": -1.0}),
        ("power", {"power": 0.0}),
        ("alpha", {"alpha": 1.0}),
        ("ratio", {"ratio": -1.0}),
        ("inflation", {"inflation": math.nan}),
    ],
)
def test_bad_input_names_the_field(field: str, change: dict[str, float]) -> None:
    with pytest.raises(InputError) as caught:
        n_means(**{"difference": 0.5, "sd": 1.0, **change})
    assert caught.value.field == field


@pytest.mark.parametrize("call", [power_means, mde_means])
def test_too_few_recipients_for_a_t_test_are_refused(call: object) -> None:
    extra = {"difference": 1.0} if call is power_means else {}
    with pytest.raises(InputError) as caught:
        call(n_control=1.0, sd=1.0, **extra)
    assert caught.value.field == "n_control"


def test_power_below_the_level_of_the_test_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        mde_means(n_control=100, sd=1.0, power=0.02)
    assert caught.value.field == "power"
