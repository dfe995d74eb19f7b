"""Test & Roll."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.meta import between_variance
from testkit.stats.roll import (
    ArmPrior,
    plan_roll,
    plan_roll_unequal,
    rate_prior,
    roll_error_rate,
    roll_gain,
    spread_from_tau,
    spread_of_arms,
)


@pytest.mark.parametrize("arms", [2, 3, 6])
def test_no_other_size_gains_more(arms: int) -> None:
    plan = plan_roll(list_size=40_000, sd=0.2, spread=0.006, arms=arms)
    for factor in (0.9, 0.99, 1.01, 1.1):
        other = roll_gain(n=factor * plan.n[0], list_size=40_000, sd=0.2, spread=0.006, arms=arms)
        assert other < plan.gain


def test_the_closed_form_keeps_its_digits_when_spread_vanishes() -> None:
    # the limit of the formula is a sixth of the list per arm
    assert plan_roll(list_size=60_000, sd=0.3, spread=1e-12).n[0] == pytest.approx(10_000)


@pytest.mark.parametrize("arms", [2, 3, 5])
def test_error_rate_and_gain_are_what_happens(arms: int) -> None:
    rng = np.random.default_rng(11)
    paths, n, size, sd, spread = 200_000, 300, 5_000, 0.3, 0.02
    truth = spread * rng.standard_normal((paths, arms))
    seen = truth + sd / math.sqrt(n) * rng.standard_normal((paths, arms))
    chosen = seen.argmax(axis=1)
    wrong = (chosen != truth.argmax(axis=1)).mean()
    outcome = n * truth.sum(axis=1) + (size - arms * n) * truth[np.arange(paths), chosen]
    error = roll_error_rate(n=n, sd=sd, spread=spread, arms=arms)
    gain = roll_gain(n=n, list_size=size, sd=sd, spread=spread, arms=arms)
    assert abs(wrong - error) < 4 * math.sqrt(error * (1 - error) / paths)
    assert abs(outcome.mean() - gain) < 4 * outcome.std() / math.sqrt(paths)


def test_unequal_priors_with_equal_values_are_the_closed_form() -> None:
    prior = rate_prior(rate=0.02, spread=0.004)
    equal = plan_roll(list_size=10_000, sd=prior.sd, spread=0.004)
    plan = plan_roll_unequal(list_size=10_000, priors=(prior, prior))
    assert plan.n == pytest.approx(equal.n, rel=1e-3)
    assert plan.gain == pytest.approx(equal.gain, rel=1e-9)
    assert plan.error_rate == pytest.approx(equal.error_rate, rel=1e-4)
    assert plan.gain_if_known == pytest.approx(equal.gain_if_known, rel=1e-9)


@pytest.mark.parametrize("behind", [0.0, 0.002])
def test_unequal_plans_do_what_they_promise(behind: float) -> None:
    rng = np.random.default_rng(12)
    a = ArmPrior(mean=0.02, spread=0.002, sd=0.14)
    b = ArmPrior(mean=0.02 - behind, spread=0.006, sd=0.14)
    plan = plan_roll_unequal(list_size=20_000, priors=(a, b))
    paths = 200_000
    truth, believed = [], []
    for prior, n in zip((a, b), plan.n, strict=True):
        true = prior.mean + prior.spread * rng.standard_normal(paths)
        kept = prior.spread**2 / (prior.spread**2 + prior.sd**2 / n) if n else 0.0
        noise = prior.sd / math.sqrt(n) * rng.standard_normal(paths) if n else 0.0
        truth.append(true)
        believed.append(prior.mean + kept * (true + noise - prior.mean))
    first = believed[0] >= believed[1]
    wrong = (first != (truth[0] > truth[1])).mean()
    outcome = plan.n[0] * truth[0] + plan.n[1] * truth[1]
    outcome = outcome + (20_000 - sum(plan.n)) * np.where(first, *truth) - 20_000 * 0.02
    assert abs(wrong - plan.error_rate) < 4 * math.sqrt(0.25 / paths)
    assert abs(outcome.mean() - plan.gain) < 4 * outcome.std() / math.sqrt(paths)


def test_a_hopeless_challenger_is_not_tested() -> None:
    known = ArmPrior(mean=0.05, spread=0.001, sd=0.2)
    hopeless = ArmPrior(mean=0.01, spread=0.001, sd=0.1)
    plan = plan_roll_unequal(list_size=10_000, priors=(known, hopeless))
    assert plan.whole == (0, 0)
    assert plan.gain == 0
    assert plan.remainder == 10_000
    assert plan.error_rate < 1e-100


def test_whole_sizes_and_remainder_add_up_to_the_list() -> None:
    plan = plan_roll(list_size=10_001, sd=0.14, spread=0.004, arms=3)
    assert sum(plan.whole) + plan.remainder == 10_001
    assert 0 < plan.share_of_known < 1


def test_spread_of_two_arm_tests_is_tau_over_root_two() -> None:
    # differences of two arms carry twice the variance: tau = sigma sqrt 2, up to the mean that the
    # meta-analysis of differences estimates besides; with mirrored pairs that mean is 0
    means = [0.02, 0.03, 0.03, 0.02, 0.05, 0.01, 0.01, 0.05]
    tests = [1, 1, 2, 2, 3, 3, 4, 4]
    spread = spread_of_arms(means=means, se=[0.003] * 8, tests=tests)
    differences = [0.01, -0.01, -0.04, 0.04]
    mean_square = np.mean(np.square(differences))
    assert spread == pytest.approx(math.sqrt(mean_square / 2 - 0.003**2), rel=1e-9)
    tau2 = between_variance(differences, [0.003 * math.sqrt(2)] * 4, method="ml")
    assert spread_from_tau(math.sqrt(tau2)) == pytest.approx(spread, rel=1e-6)


def test_the_level_that_all_arms_share_is_no_spread() -> None:
    rng = np.random.default_rng(13)
    tests = np.repeat(np.arange(200), 3)
    level = rng.normal(0.05, 0.03, 200)[tests]
    means = level + rng.normal(0, 0.004, 600) + rng.normal(0, 0.003, 600)
    spread = spread_of_arms(means=means, se=[0.003] * 600, tests=tests)
    assert spread == pytest.approx(0.004, rel=0.1)


def test_arms_that_differ_by_chance_alone_have_no_spread() -> None:
    found = spread_of_arms(
        means=[0.02, 0.0201, 0.03, 0.0302], se=[0.001] * 4, tests=["a", "a", "b", "b"]
    )
    assert found is None


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("list_size", {"list_size": 3}),
        ("list_size", {"list_size": 1000.5}),
        ("sd", {"sd": 0.0}),
        ("spread", {"spread": -0.1}),
        ("spread", {"spread": math.nan}),
        ("arms", {"arms": 1}),
    ],
)
def test_bad_input_names_the_field(field: str, change: dict[str, float]) -> None:
    with pytest.raises(InputError) as caught:
        plan_roll(**{"list_size": 1000, "sd": 0.1, "spread": 0.01, **change})
    assert caught.value.field == field


def test_a_test_larger_than_the_list_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        roll_gain(n=600, list_size=1000, sd=0.1, spread=0.01)
    assert caught.value.field == "n"


def test_three_unequal_priors_are_refused() -> None:
    prior = rate_prior(rate=0.02, spread=0.004)
    with pytest.raises(InputError) as caught:
        plan_roll_unequal(list_size=1000, priors=(prior, prior, prior))
    assert caught.value.field == "priors"


def test_a_test_with_one_arm_says_nothing_about_spread() -> None:
    with pytest.raises(InputError, match="june"):
        spread_of_arms(means=[0.1, 0.2, 0.3], se=[0.1] * 3, tests=["may", "may", "june"])
    with pytest.raises(InputError) as caught:
        spread_of_arms(means=[0.1, 0.2], se=[0.1] * 2, tests=["may"])
    assert caught.value.field == "tests"
