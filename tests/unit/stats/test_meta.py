"""Random-effects pooling."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.meta import (
    between_variance,
    mantel_haenszel_ratio,
    peto_odds_ratio,
    pool,
    reml_variance,
)

Y = [0.08, 0.02, -0.01, 0.05, 0.12, -0.03]
SE = [0.03, 0.02, 0.02, 0.03, 0.05, 0.02]
METHODS = ["reml", "dl", "pm", "ml", "he", "sj"]


@pytest.mark.parametrize("method", METHODS)
def test_equal_standard_errors_pool_to_the_plain_mean(method: str) -> None:
    found = pool(Y, [0.02] * 6, method=method)
    assert found.mean == pytest.approx(np.mean(Y))


@pytest.mark.parametrize("method", ["reml", "dl", "pm", "he"])
def test_with_equal_standard_errors_tau2_is_the_excess_variance(method: str) -> None:
    # all four solve the same equation in the balanced case
    expected = np.var(Y, ddof=1) - 0.02**2
    assert between_variance(Y, [0.02] * 6, method=method) == pytest.approx(expected)


@pytest.mark.parametrize("method", ["reml", "dl", "pm", "he"])
def test_a_little_more_than_chance_is_a_little_tau(method: str) -> None:
    # two tests with variance 1: tau^2 = (y_2 - y_1)^2 / 2 - 1
    assert between_variance([0.0, 1.5], [1.0, 1.0], method=method) == pytest.approx(0.125)


@pytest.mark.parametrize("method", ["reml", "dl", "pm", "ml", "he"])
def test_effects_closer_than_chance_have_no_tau(method: str) -> None:
    assert between_variance([0.01, 0.011, 0.012], [0.02] * 3, method=method) == 0.0


def test_prediction_needs_five_tests_and_says_so() -> None:
    four = pool(Y[:4], SE[:4])
    assert four.prediction is None
    assert "5" in four.prediction_absent
    five = pool(Y[:5], SE[:5])
    assert five.prediction is not None
    assert five.prediction_absent == ""
    low, high = five.prediction
    assert low < five.low < five.high < high


def test_equal_effects_predict_nothing_about_differences() -> None:
    found = pool(Y, SE, method="ee")
    assert found.tau2 == 0
    assert found.prediction is None
    assert found.interval == "normal"
    assert found.i2 == pytest.approx(1 - 5 / found.q)


def test_lucky_agreement_does_not_narrow_the_interval() -> None:
    y, se = [0.050, 0.051, 0.049, 0.050], [0.02] * 4
    floored, plain = pool(y, se), pool(y, se, interval="knapp-hartung-plain")
    assert plain.se < floored.se
    assert floored.se == pytest.approx(0.01)


def test_a_given_tau_is_used_as_it_is() -> None:
    found = pool(Y[:3], SE[:3], tau2=0.04**2)
    w = 1 / (np.square(SE[:3]) + 0.04**2)
    assert found.mean == pytest.approx(np.average(Y[:3], weights=w))
    assert found.tau == pytest.approx(0.04)


def test_q_profile_interval_solves_its_equation() -> None:
    from scipy.stats import chi2

    y, se = np.array(Y) * 3, np.array(SE)
    found = pool(y, se)
    for tau2, quantile in ((found.tau2_low, 0.975), (found.tau2_high, 0.025)):
        w = 1 / (se**2 + tau2)
        q = (w * (y - np.average(y, weights=w)) ** 2).sum()
        assert q == pytest.approx(chi2.ppf(quantile, 5))


@pytest.mark.parametrize("restricted", [True, False])
def test_likelihood_estimates_are_the_global_maximum(restricted: bool) -> None:
    rng = np.random.default_rng(31)
    for _ in range(20):
        k = int(rng.integers(3, 9))
        y, v = rng.normal(0, 1, k), rng.uniform(0.01, 2, k)
        groups = np.zeros(k, dtype=np.int64)

        def deviance(t: float, y: np.ndarray = y, v: np.ndarray = v) -> float:
            w = 1 / (v + t)
            mean = np.average(y, weights=w)
            lost = math.log(w.sum()) if restricted else 0.0
            return float((w * (y - mean) ** 2).sum() - np.log(w).sum() + lost)

        found = deviance(reml_variance(y, v, groups, restricted=restricted))
        assert found <= min(deviance(t) for t in np.geomspace(1e-4, 20, 400)) + 1e-9


def test_stratified_ratios_of_one_stratum_are_the_plain_ratios() -> None:
    one = {"treatment": [30], "n_treatment": [1000], "control": [20], "n_control": [900]}
    found = mantel_haenszel_ratio(**one)
    assert found.ratio == pytest.approx((30 / 1000) / (20 / 900))
    # the delta-method variance of one log risk ratio
    assert found.se == pytest.approx(math.sqrt(1 / 30 - 1 / 1000 + 1 / 20 - 1 / 900))
    assert peto_odds_ratio(**one).ratio == pytest.approx(30 * 880 / (970 * 20), rel=0.01)


def test_a_ratio_without_conversions_in_one_arm_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        mantel_haenszel_ratio(treatment=[0], n_treatment=[10], control=[3], n_control=[10])
    assert caught.value.field == "treatment"
    with pytest.raises(InputError) as caught:
        peto_odds_ratio(treatment=[0, 5], n_treatment=[9, 5], control=[0, 5], n_control=[9, 5])
    assert caught.value.field == "treatment"


def test_plain_knapp_hartung_without_any_spread_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        pool([0.05, 0.05, 0.05], SE[:3], interval="knapp-hartung-plain")
    assert caught.value.field == "effects"


@pytest.mark.parametrize(
    ("field", "y", "se", "extra"),
    [
        ("effects", [0.1], [0.1], {}),
        ("effects", [0.1, math.nan], [0.1, 0.1], {}),
        ("se", [0.1, 0.2], [0.1, 0.0], {}),
        ("se", [0.1, 0.2], [0.1, 0.1, 0.1], {}),
        ("method", [0.1, 0.2], [0.1, 0.1], {"method": "bayes"}),
        ("interval", [0.1, 0.2], [0.1, 0.1], {"interval": "wald"}),
        ("level", [0.1, 0.2], [0.1, 0.1], {"level": 95}),
        ("tau2", [0.1, 0.2], [0.1, 0.1], {"tau2": -1.0}),
    ],
)
def test_bad_input_names_the_field(
    field: str, y: list[float], se: list[float], extra: dict[str, object]
) -> None:
    with pytest.raises(InputError) as caught:
        pool(y, se, **extra)
    assert caught.value.field == field


def test_strata_must_match() -> None:
    with pytest.raises(InputError) as caught:
        mantel_haenszel_ratio(treatment=[1, 2], n_treatment=[10, 10], control=[1], n_control=[10])
    assert caught.value.field == "control"
