"""Confidence sequences: the guards, the scales, and refusals by field."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import ConvergenceError, InputError
from testkit.stats.betting import betting_difference, betting_mean
from testkit.stats.confseq import (
    asymptotic_critical,
    asymptotic_look,
    asymptotic_p,
    best_g,
    mean_look,
    planned_precision,
    regression_critical,
    regression_log_e,
    regression_look,
)
from testkit.stats.means import welch
from testkit.stats.moments import Moments
from testkit.stats.regression import least_squares

RATE = {
    "control": Moments.from_counts(successes=25, n=100),
    "treatment": Moments.from_counts(successes=30, n=100),
    "events_control": 25,
    "events_treatment": 30,
    "outcome": "rate",
    "n_planned": 10_000,
}
GIFTS = {
    "control": Moments.from_variance(n=2000, mean=1.0, variance=100.0),
    "treatment": Moments.from_variance(n=2000, mean=1.5, variance=100.0),
    "events_control": 50,
    "events_treatment": 60,
    "outcome": "money",
    "n_planned": 10_000,
}


def test_enough_of_everything_gives_an_interval():
    for case in (RATE, GIFTS):
        look = mean_look(**case)
        assert look.interval[0] < look.estimate < look.interval[1]
        assert look.scale == "log_ratio"
        assert (look.n, look.confidence) == (case["control"].n + case["treatment"].n, 0.95)


@pytest.mark.parametrize(
    ("case", "change", "field", "word"),
    [
        (RATE, {"events_control": 24}, "events_control", "needs 25"),
        (RATE, {"events_treatment": 24}, "events_treatment", "needs 25"),
        (RATE, {"control": Moments.from_counts(successes=25, n=99)}, "control", "needs 100"),
        (GIFTS, {"events_control": 49}, "events_control", "needs 50"),
        (GIFTS, {"events_treatment": 49}, "events_treatment", "needs 50"),
        (RATE, {"events_control": 101}, "events_control", "from 100 units"),
        (RATE, {"outcome": "clicks"}, "outcome", "clicks"),
        (RATE, {"scale": "odds"}, "scale", "odds"),
        (RATE, {"n_planned": 0}, "n_planned", "above 0"),
        (RATE, {"alpha": 1.0}, "alpha", "between"),
    ],
)
def test_too_little_for_the_theory_is_an_error_not_an_interval(case, change, field, word):
    with pytest.raises(InputError, match=word) as caught:
        mean_look(**{**case, **change})
    assert caught.value.field == field


def test_every_scale_agrees_on_the_sign_and_nearly_on_p():
    case = {
        **RATE,
        "control": Moments.from_counts(successes=1000, n=10_000),
        "treatment": Moments.from_counts(successes=1150, n=10_000),
        "events_control": 1000,
        "events_treatment": 1150,
        "n_planned": 20_000,
    }
    looks = {s: mean_look(**case, scale=s) for s in ("difference", "lift", "log_ratio")}
    assert all(look.estimate > 0 for look in looks.values())
    p = [look.p_value for look in looks.values()]
    assert max(p) / min(p) < 2


def test_the_sequence_is_wider_than_the_fixed_interval_at_every_look():
    for n in (200, 2000, 20_000):
        precision = planned_precision(n_planned=2000, alpha=0.05)
        assert asymptotic_critical(n=n, precision=precision, alpha=0.05) > 1.96


def test_an_effect_without_spread_is_refused_with_its_own_reason():
    still = Moments.from_values([1.0] * 200)
    effect = welch(control=still, treatment=still)
    with pytest.raises(InputError, match="standard error") as caught:
        asymptotic_look(effect, n=400, precision=0.01)
    assert caught.value.hint == effect.reason


def test_a_regression_too_small_for_any_evidence_has_no_critical_value():
    assert regression_critical(n=3, g=1e9, alpha=0.001, coefficients=2) == math.inf
    with pytest.raises(ConvergenceError):
        best_g(n_planned=3, coefficients=2, alpha=1e-300)


def test_an_adjusted_sequence_is_narrower_than_the_plain_one():
    rng = np.random.default_rng(4)
    arm, before = np.arange(400) % 2, rng.normal(size=400)
    y = 0.2 * arm + 2 * before + rng.normal(size=400)
    g = best_g(n_planned=400, coefficients=2, alpha=0.05)
    plain, adjusted = (
        regression_look(
            least_squares(y, np.column_stack([np.ones(400), arm, *extra])), coefficient=1, g=g
        )
        for extra in ([], [before])
    )
    assert np.diff(adjusted.interval) < 0.6 * np.diff(plain.interval)


FIT = least_squares([1.0, 2.0, 1.5, 2.5, 1.2], [[1, 0], [1, 1], [1, 0], [1, 1], [1, 0]])


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: planned_precision(n_planned=-1, alpha=0.05), "n_planned"),
        (lambda: planned_precision(n_planned=10, alpha=0.05, method="guess"), "method"),
        (lambda: asymptotic_critical(n=0, precision=1, alpha=0.05), "n"),
        (lambda: asymptotic_critical(n=1, precision=math.nan, alpha=0.05), "precision"),
        (lambda: asymptotic_p(math.nan, n=1, precision=1), "z"),
        (lambda: regression_log_e(math.inf, df=5, n=7, g=1), "t"),
        (lambda: regression_log_e(1.0, df=0, n=7, g=1), "df"),
        (lambda: regression_log_e(1.0, df=5, n=7, g=0), "g"),
        (lambda: regression_critical(n=2, g=1, alpha=0.05, coefficients=2), "n"),
        (lambda: best_g(n_planned=2, coefficients=2, alpha=0.05), "n_planned"),
        (lambda: regression_look(FIT, coefficient=2, g=1), "coefficient"),
        (
            lambda: regression_look(
                least_squares([1.0, 2.0, 1.5, 2.5], [[1]] * 4, kind="CR1", clusters=[1, 1, 2, 2]),
                coefficient=0,
                g=1,
            ),
            "fit",
        ),
        (
            lambda: regression_look(
                least_squares([1.0, 1.0, 1.0], [[1], [1], [1]]), coefficient=0, g=1
            ),
            "fit",
        ),
        (lambda: betting_mean([0.5, 1.5]), "values"),
        (lambda: betting_mean([0.5], low=1, high=1), "high"),
        (lambda: betting_mean([0.5], alpha=0), "alpha"),
        (lambda: betting_mean([]), "values"),
        (lambda: betting_difference([0.5], [2], share=0.5), "treated"),
        (lambda: betting_difference([0.5, 0.1], [1], share=0.5), "treated"),
        (lambda: betting_difference([7.0], [1], share=0.5), "values"),
        (lambda: betting_difference([0.5], [1], share=1.0), "share"),
        (lambda: betting_difference([0.5], [1], share=0.5, low=2), "high"),
    ],
)
def test_impossible_arguments_are_refused_by_field(call, field):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field


def test_one_outcome_already_gives_a_valid_if_wide_interval():
    low, high = betting_mean([1.0])
    assert low < 0.1
    assert high == pytest.approx(1)


def test_betting_on_a_scale_of_one_to_five_stays_on_it():
    answers = np.random.default_rng(8).integers(1, 6, 300)
    low, high = betting_mean(answers, low=1, high=5)
    assert 1 <= low < answers.mean() < high <= 5
