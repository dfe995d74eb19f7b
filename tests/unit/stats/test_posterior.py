"""Posterior of arms, expected loss and the value of one more wave."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.posterior import beta_prior, judge_arms, value_of_continuing


def test_equal_arms_are_equally_likely_best() -> None:
    for arm in judge_arms([30, 30, 30], [1000, 1000, 1000]):
        assert arm.probability_best == pytest.approx(1 / 3, abs=1e-12)


def test_two_flat_arms_without_data_lose_a_sixth() -> None:
    # E max of two uniforms is 2/3, of each 1/2
    value = value_of_continuing([0, 0], [0, 0], wave=[0, 0], remainder=100)
    assert value.value == pytest.approx(0.0)
    first, _ = judge_arms([1, 1], [2, 2], prior=(1.0, 1.0))
    # Beta(2, 2) twice: E max = 1/2 + 9/70
    assert first.expected_loss == pytest.approx(9 / 70, abs=1e-12)


@pytest.mark.parametrize(
    ("conversions", "n", "prior"),
    [
        ([0, 3], [5, 100_000], (0.05, 0.05)),
        ([5, 500_000], [5, 1_000_000], (1.0, 1.0)),
        ([0, 0, 1], [3, 4000, 50], (0.5, 0.5)),
    ],
)
def test_narrow_and_wide_arms_are_both_resolved(
    conversions: list[int], n: list[int], prior: tuple[float, float]
) -> None:
    rng = np.random.default_rng(21)
    s, size = np.array(conversions), np.array(n)
    draws = rng.beta(prior[0] + s, prior[1] + size - s, size=(400_000, len(n)))
    best = draws.argmax(axis=1)
    arms = judge_arms(conversions, n, prior=prior)
    assert math.fsum(arm.probability_best for arm in arms) == pytest.approx(1.0, abs=1e-12)
    for i, arm in enumerate(arms):
        p = (best == i).mean()
        assert abs(arm.probability_best - p) < 4 * math.sqrt(p * (1 - p) / 400_000) + 1e-5
        loss = draws.max(axis=1) - draws[:, i]
        assert abs(arm.expected_loss - loss.mean()) < 4 * loss.std() / math.sqrt(400_000) + 1e-9


def test_the_difference_of_losses_is_the_difference_of_means() -> None:
    a, b = judge_arms([20, 35], [1000, 1100])
    assert a.expected_loss - b.expected_loss == pytest.approx(b.mean - a.mean, abs=1e-12)


def test_credible_intervals_hold_their_level() -> None:
    from scipy.stats import beta

    arm, _ = judge_arms([12, 3], [400, 50], level=0.9)
    assert (arm.low, arm.high) == pytest.approx(tuple(beta.ppf([0.05, 0.95], 13, 389)))


def test_value_of_a_wave_is_what_happens() -> None:
    rng = np.random.default_rng(22)
    s, n, wave, people, paths = (
        np.array([20, 24, 22]),
        np.array([1000, 1000, 900]),
        np.array([500, 500, 300]),
        30_000,
        400_000,
    )
    rates = rng.beta(1 + s, 1 + n - s, size=(paths, 3))
    seen = rng.binomial(wave, rates)
    after = (1 + s + seen) / (2 + n + wave)
    now = ((1 + s) / (2 + n)).argmax()
    chosen = np.where(after[:, now] >= after.max(axis=1), now, after.argmax(axis=1))
    kept = rates[np.arange(paths), chosen]
    outcome = (wave * rates).sum(axis=1) + (people - wave.sum()) * kept
    found = value_of_continuing(s, n, wave=wave, remainder=people)
    assert found.chosen == now
    assert found.choose_now == pytest.approx(people * (1 + s[now]) / (2 + n[now]))
    assert abs(found.test_then_choose - outcome.mean()) < 4 * outcome.std() / math.sqrt(paths)
    changed = (chosen != now).mean()
    assert abs(found.change_probability - changed) < 4 * math.sqrt(0.25 / paths)


def test_a_wave_as_large_as_the_remainder_only_costs() -> None:
    found = value_of_continuing([20, 40], [1000, 1000], wave=[500, 500], remainder=1000)
    assert found.value == pytest.approx(500 * (21 - 41) / 1002)


def test_the_prior_of_past_arms_recovers_its_parameters() -> None:
    rng = np.random.default_rng(23)
    rates = rng.beta(8, 392, size=3000)
    a, b = beta_prior(rng.binomial(2000, rates), np.full(3000, 2000))
    assert a / (a + b) == pytest.approx(0.02, rel=0.02)
    assert a + b == pytest.approx(400, rel=0.1)


@pytest.mark.parametrize(
    ("conversions", "n"),
    [([20, 20, 20], [1000] * 3), ([0, 0, 0], [10] * 3), ([9, 9, 9], [9] * 3)],
)
def test_arms_without_spread_give_no_prior(conversions: list[int], n: list[int]) -> None:
    assert beta_prior(conversions, n) is None


@pytest.mark.parametrize(
    ("field", "conversions", "n", "prior"),
    [
        ("conversions", [11, 3], [10, 10], (1, 1)),
        ("conversions", [-1, 3], [10, 10], (1, 1)),
        ("conversions", [1.5, 3], [10, 10], (1, 1)),
        ("conversions", [math.nan, 3], [10, 10], (1, 1)),
        ("n", [0, 3], [0, 10], (1, 1)),
        ("n", [3], [10], (1, 1)),
        ("n", [3, 4], [10], (1, 1)),
        ("prior", [3, 4], [10, 10], (0.01, 1)),
        ("prior", [3, 4], [10, 10], (1, -1)),
    ],
)
def test_bad_input_names_the_field(
    field: str, conversions: list[float], n: list[float], prior: tuple[float, float]
) -> None:
    with pytest.raises(InputError) as caught:
        judge_arms(conversions, n, prior=prior)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "wave", "remainder"),
    [("wave", [10], 100), ("wave", [-1, 5], 100), ("wave", [0.5, 1], 100), ("wave", [60, 60], 100),
     ("remainder", [1, 1], 0)],
)  # fmt: skip
def test_a_wave_that_cannot_be_sent_is_refused(
    field: str, wave: list[float], remainder: int
) -> None:
    with pytest.raises(InputError) as caught:
        value_of_continuing([2, 3], [10, 10], wave=wave, remainder=remainder)
    assert caught.value.field == field


def test_a_prior_needs_three_arms() -> None:
    with pytest.raises(InputError) as caught:
        beta_prior([1, 2], [10, 10])
    assert caught.value.field == "conversions"
