"""Adjustment from summaries: the same numbers as regressions on the rows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.adjust import Stratum, cuped, lin, post_stratified
from testkit.stats.means import welch
from testkit.stats.moments import CoMoments, Moments

RNG = np.random.default_rng(23)
N = 300
ARM = np.arange(N) % 3 == 0
X = RNG.normal(size=(N, 2)) * [1.0, 100.0]
Y = 2 + 0.4 * ARM + X @ [1.0, 0.01] + 0.5 * ARM * X[:, 0] + RNG.normal(size=N)
ROWS = np.column_stack([Y, X])
CONTROL, TREATMENT = CoMoments.from_values(ROWS[~ARM]), CoMoments.from_values(ROWS[ARM])


def arm_regression(rows, at):
    """Prediction of one arm's regression at ``at``, its variance and slopes, from the rows."""
    design = np.column_stack([np.ones(len(rows)), rows[:, 1:] - at])
    beta, residual, _, _ = np.linalg.lstsq(design, rows[:, 0], rcond=None)
    variance = residual[0] / (len(rows) - 3) * np.linalg.inv(design.T @ design)[0, 0]
    return beta[0], variance, beta[1:]


def test_lin_at_known_list_means_is_one_regression_per_arm():
    at = np.array([0.1, -3.0])
    ours = lin(control=CONTROL, treatment=TREATMENT, list_means=at)
    (a, va, slopes_a), (b, vb, slopes_b) = (arm_regression(ROWS[side], at) for side in (~ARM, ARM))
    assert ours.effect.estimate == pytest.approx(b - a, rel=1e-9)
    assert ours.effect.se == pytest.approx(math.sqrt(va + vb), rel=1e-9)
    assert ours.slopes_control == pytest.approx(tuple(slopes_a), rel=1e-8)
    assert ours.slopes_treatment == pytest.approx(tuple(slopes_b), rel=1e-8)


def test_lin_at_the_sample_mean_adds_the_spread_of_that_mean():
    at = ROWS[:, 1:].mean(axis=0)
    known = lin(control=CONTROL, treatment=TREATMENT, list_means=at)
    ours = lin(control=CONTROL, treatment=TREATMENT)
    gap = np.array(ours.slopes_treatment) - np.array(ours.slopes_control)
    within = sum(np.cov(ROWS[side, 1:].T) * (side.sum() - 1) for side in (~ARM, ARM)) / (N - 2)
    assert ours.effect.estimate == pytest.approx(known.effect.estimate, rel=1e-9)
    assert ours.effect.se**2 == pytest.approx(known.effect.se**2 + gap @ within @ gap / N, rel=1e-9)


def test_cuped_is_welch_on_outcomes_less_the_common_slope():
    ours = cuped(control=CONTROL, treatment=TREATMENT)
    residual = Y - X @ ours.slopes_control
    expected = welch(
        control=Moments.from_values(residual[~ARM]), treatment=Moments.from_values(residual[ARM])
    )
    assert ours.effect.estimate == pytest.approx(expected.estimate, rel=1e-9)
    assert ours.effect.se == pytest.approx(expected.se, rel=1e-9)
    assert ours.effect.df == pytest.approx(expected.df, rel=1e-9)
    # Arm means are shown at the common covariate mean, in the outcome's own unit.
    assert ours.effect.treatment - ours.effect.control == pytest.approx(ours.effect.estimate)
    assert abs(ours.effect.control - Y[~ARM].mean()) < 0.2


def test_cupeds_slope_minimises_the_pooled_within_arm_variance():
    best = np.array(cuped(control=CONTROL, treatment=TREATMENT).slopes_control)

    def spread(slopes):
        residual = Y - X @ slopes
        return sum(Moments.from_values(residual[side]).m2 for side in (ARM, ~ARM))

    for nudge in ([0.01, 0], [-0.01, 0], [0, 1e-4], [0, -1e-4]):
        assert spread(best) < spread(best + nudge)


def test_an_unrelated_covariate_changes_next_to_nothing():
    noise = RNG.normal(size=N)
    arms = [CoMoments.from_values(np.column_stack([Y, noise])[side]) for side in (~ARM, ARM)]
    for adjust in (cuped, lin):
        result = adjust(control=arms[0], treatment=arms[1])
        assert abs(result.variance_saved) < 0.03


@pytest.mark.parametrize("adjust", [cuped, lin])
def test_a_related_covariate_saves_its_share_of_the_variance(adjust):
    result = adjust(control=CONTROL, treatment=TREATMENT)
    assert 0.4 < result.variance_saved < 0.85
    assert result.plain.estimate == pytest.approx(Y[ARM].mean() - Y[~ARM].mean())


def test_variance_saved_is_none_without_spread():
    still = CoMoments.from_values([[1.0, x] for x in range(5)])
    assert cuped(control=still, treatment=still).variance_saved is None


@pytest.mark.parametrize("adjust", [cuped, lin])
@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([[1.0], [2.0], [3.0]], "covariates"),
        ([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]], "covariates"),
        ([[1.0, 1.0, 2.0], [2.0, 2.0, 4.0], [4.0, 3.0, 6.0], [4.0, 5.0, 10.0]], "covariates"),
        ([[1.0, 2.0]], "control"),
    ],
)
def test_covariates_without_slopes_are_refused(adjust, rows, field):
    arm = CoMoments.from_values(rows)
    with pytest.raises(InputError) as caught:
        adjust(control=arm, treatment=arm)
    assert caught.value.field == field


def test_too_few_units_for_the_covariates_are_refused():
    arm = CoMoments.from_values([[1.0, 1.0], [2.0, 4.0]])
    with pytest.raises(InputError) as caught:
        lin(control=arm, treatment=arm)
    assert caught.value.field == "n"
    with pytest.raises(InputError) as caught:
        lin(control=CONTROL, treatment=TREATMENT, list_means=[1.0])
    assert caught.value.field == "list_means"


def test_post_stratification_weights_by_the_list_and_not_by_the_sample():
    young = Stratum(
        size=900,
        control=Moments.from_variance(n=10, mean=1.0, variance=4.0),
        treatment=Moments.from_variance(n=20, mean=2.0, variance=4.0),
    )
    old = Stratum(
        size=100,
        control=Moments.from_variance(n=50, mean=5.0, variance=1.0),
        treatment=Moments.from_variance(n=50, mean=5.0, variance=1.0),
    )
    effect = post_stratified([young, old])
    assert effect.control == pytest.approx(0.9 * 1 + 0.1 * 5)
    assert effect.estimate == pytest.approx(0.9)
    assert effect.se**2 == pytest.approx(0.81 * (4 / 10 + 4 / 20) + 0.01 * (1 / 50 + 1 / 50))


def test_one_stratum_is_welch():
    arms = {"control": CONTROL.moments(), "treatment": TREATMENT.moments()}
    ours, plain = post_stratified([Stratum(size=5, **arms)]), welch(**arms)
    assert (ours.estimate, ours.se, ours.df, ours.p_value) == pytest.approx(
        (plain.estimate, plain.se, plain.df, plain.p_value), rel=1e-12
    )


ONE = Moments.from_values([1.0])
TWO = Moments.from_values([1.0, 2.0])


@pytest.mark.parametrize(
    ("strata", "field"),
    [
        ([], "strata"),
        ([Stratum(size=1, control=ONE, treatment=TWO)], "strata"),
        ([Stratum(size=1, control=TWO, treatment=Moments.empty())], "strata"),
        ([Stratum(size=0, control=TWO, treatment=TWO)], "size"),
        ([Stratum(size=math.nan, control=TWO, treatment=TWO)], "size"),
    ],
)
def test_strata_that_cannot_be_weighted_are_refused(strata, field):
    with pytest.raises(InputError) as caught:
        post_stratified(strata)
    assert caught.value.field == field
