"""Whether a milestone may stand in for the outcome."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.surrogate import (
    FEWEST_FOR_SURROGATE,
    check_surrogate,
    within_test_covariance,
)


def simulated(
    tests: int, *, rho: float, shared: float, seed: int, tau: float = 0.012, omega: float = 0.003
) -> dict[str, Any]:
    """Pairs of effects with true correlation ``rho`` and sampling errors correlated ``shared``."""
    rng = np.random.default_rng(seed)
    covariance = np.array([[tau**2, rho * tau * omega], [rho * tau * omega, omega**2]])
    true = rng.multivariate_normal([0.005, 0.001], covariance, tests)
    sx, sy = rng.uniform(0.003, 0.008, tests), rng.uniform(0.001, 0.003, tests)
    e = rng.standard_normal((tests, 2))
    second = shared * e[:, 0] + math.sqrt(1 - shared**2) * e[:, 1]
    return {
        "milestone": true[:, 0] + sx * e[:, 0],
        "outcome": true[:, 1] + sy * second,
        "se_milestone": sx,
        "se_outcome": sy,
        "covariance": shared * sx * sy,
    }


def test_shared_people_alone_do_not_make_a_surrogate() -> None:
    data = simulated(400, rho=0.0, shared=0.8, seed=51, tau=0.004)
    found = check_surrogate(**data)
    assert found.verdict == "contradicted"
    assert found.correlation_low < 0 < found.correlation_high
    assert found.slope_low < 0 < found.slope_high
    # the plain regression of the same tests lies outside the interval
    assert found.slope_observed > found.slope_high


def test_sampling_error_does_not_flatten_the_slope() -> None:
    data = simulated(400, rho=0.9, shared=0.0, seed=52, tau=0.005)
    found = check_surrogate(**data)
    slope = 0.9 * 0.003 / 0.005
    assert found.verdict == "supported"
    assert found.slope_low < slope < found.slope_high
    assert found.slope_observed < 0.7 * slope


def test_without_sampling_error_the_check_is_plain_regression() -> None:
    data = simulated(60, rho=0.7, shared=0.0, seed=53)
    data |= {"se_milestone": np.full(60, 1e-7), "se_outcome": np.full(60, 1e-7)}
    data |= {"covariance": np.zeros(60)}
    found = check_surrogate(**data)
    x, y = data["milestone"], data["outcome"]
    assert found.correlation == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-3)
    slope, intercept = np.polyfit(x, y, 1)
    assert found.slope == pytest.approx(slope, rel=1e-3)
    assert found.intercept == pytest.approx(intercept, rel=1e-2, abs=1e-6)
    assert found.slope_observed == pytest.approx(slope, rel=1e-9)
    # profile intervals of 60 pairs are close to Fisher's z and to the regression's own interval
    r, reach = found.correlation, 1.96 / math.sqrt(60)
    assert found.correlation_low == pytest.approx(math.tanh(math.atanh(r) - reach), abs=0.01)
    assert found.correlation_high == pytest.approx(math.tanh(math.atanh(r) + reach), abs=0.01)
    rest = y - slope * x - intercept
    se = math.sqrt((rest**2).sum() / 58 / ((x - x.mean()) ** 2).sum())
    assert found.slope_high - found.slope == pytest.approx(1.96 * se, rel=0.05)
    assert found.slope - found.slope_low == pytest.approx(1.96 * se, rel=0.05)


def test_a_negative_milestone_is_no_support() -> None:
    found = check_surrogate(**simulated(100, rho=-0.9, shared=0.0, seed=54))
    assert found.verdict == "contradicted"
    assert found.slope < 0


def test_few_tests_leave_it_open() -> None:
    found = check_surrogate(**simulated(12, rho=0.6, shared=0.5, seed=55))
    assert found.verdict == "unknown"
    assert found.correlation_low < 0.5 < found.correlation_high


def test_below_the_fewest_tests_no_number_is_made_up() -> None:
    data = simulated(FEWEST_FOR_SURROGATE - 1, rho=0.9, shared=0.0, seed=56)
    found = check_surrogate(**data)
    assert found.verdict == "unknown"
    assert str(FEWEST_FOR_SURROGATE) in found.reason
    assert found.slope is None
    assert found.correlation is None


def test_a_milestone_that_never_moved_cannot_tell() -> None:
    data = simulated(30, rho=0.0, shared=0.0, seed=57)
    data["milestone"] = np.full(30, 0.005)
    found = check_surrogate(**data)
    assert found.slope is None
    assert "hardly moved" in found.reason
    assert found.slope_observed is None


def test_within_test_covariance_is_that_of_the_sampling() -> None:
    rng = np.random.default_rng(58)
    # cells: both, milestone only, outcome only, neither
    cells = {"control": [0.015, 0.085, 0.005, 0.895], "treatment": [0.02, 0.11, 0.01, 0.86]}
    draws = {
        arm: rng.multinomial(n, cells[arm], 200_000)
        for arm, n in (("control", 800), ("treatment", 1000))
    }
    x = (draws["treatment"][:, 0] + draws["treatment"][:, 1]) / 1000
    x = x - (draws["control"][:, 0] + draws["control"][:, 1]) / 800
    y = (draws["treatment"][:, 0] + draws["treatment"][:, 2]) / 1000
    y = y - (draws["control"][:, 0] + draws["control"][:, 2]) / 800
    expected = within_test_covariance(
        milestone=(80, 130), outcome=(16, 30), both=(12, 20), n=(800, 1000)
    )
    assert np.cov(x, y)[0, 1] == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(
    "both", [(30, 5), (5, 21), (1.5, 3), (-1, 3)], ids=["x", "y", "fraction", "negative"]
)
def test_counts_of_both_that_cannot_be_are_refused(both: tuple[float, float]) -> None:
    with pytest.raises(InputError) as caught:
        within_test_covariance(milestone=(25, 30), outcome=(20, 20), both=both, n=(100, 100))
    assert caught.value.field.startswith("both")


def test_more_people_than_there_are_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        within_test_covariance(milestone=(60, 60), outcome=(60, 60), both=(5, 30), n=(100, 100))
    assert caught.value.field == "both"
    with pytest.raises(InputError) as caught:
        within_test_covariance(
            milestone=(6, 6, 6), outcome=(6, 6, 6), both=(5, 3, 1), n=(100, 100, 100)
        )
    assert caught.value.field == "n"


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("milestone", {"milestone": [math.nan] * 12}),
        ("outcome", {"outcome": [0.1] * 11}),
        ("se_milestone", {"se_milestone": [0.0] * 12}),
        ("se_outcome", {"se_outcome": [-1.0] * 12}),
        ("covariance", {"covariance": [1.0] * 12}),
        (
            "covariance",
            {"se_milestone": [0.5] * 12, "se_outcome": [0.5] * 12, "covariance": [-0.25] * 12},
        ),
        ("needed", {"needed": 0.0}),
        ("level", {"level": 1.0}),
    ],
)
def test_bad_input_names_the_field(field: str, change: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        check_surrogate(**{**simulated(12, rho=0.5, shared=0.2, seed=59), **change})
    assert caught.value.field.startswith(field)
