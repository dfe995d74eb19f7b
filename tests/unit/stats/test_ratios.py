"""Relative effects: the delta method where it holds, None with a reason where it does not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.means import welch
from testkit.stats.moments import CoMoments, Moments
from testkit.stats.ratios import lift, log_ratio, ratio, ratio_effect

CONTROL = Moments.from_variance(n=2000, mean=2.0, variance=9.0)
TREATMENT = Moments.from_variance(n=1000, mean=2.2, variance=16.0)


def test_lift_and_log_ratio_have_the_delta_methods_variance():
    # By hand: var(lift) = (vb + (mb/ma)^2 va) / ma^2 with va = .0045, vb = .016;
    # var(log ratio) = va/ma^2 + vb/mb^2.
    relative, logarithm = (f(control=CONTROL, treatment=TREATMENT) for f in (lift, log_ratio))
    assert relative.estimate == pytest.approx(0.1)
    assert relative.se**2 == pytest.approx((0.016 + 1.21 * 0.0045) / 4)
    assert logarithm.estimate == pytest.approx(math.log(1.1))
    assert logarithm.se**2 == pytest.approx(0.0045 / 4 + 0.016 / 4.84)


def test_relative_effects_use_the_degrees_of_freedom_of_the_difference():
    plain = welch(control=CONTROL, treatment=TREATMENT)
    for scale in (lift, log_ratio):
        effect = scale(control=CONTROL, treatment=TREATMENT)
        assert effect.df == plain.df
        assert effect.statistic == pytest.approx(effect.estimate / effect.se)


def test_log_ratio_is_antisymmetric_in_the_arms():
    there = log_ratio(control=CONTROL, treatment=TREATMENT)
    back = log_ratio(control=TREATMENT, treatment=CONTROL)
    assert there.estimate == pytest.approx(-back.estimate)
    assert there.se == pytest.approx(back.se)


@pytest.mark.parametrize("scale", [lift, log_ratio])
def test_a_control_mean_near_zero_gives_an_estimate_but_no_interval(scale):
    # Standard error of the mean is 1, so 2.9 is inside three of them and 3.1 is not.
    near, clear = (Moments.from_variance(n=100, mean=m, variance=100.0) for m in (2.9, 3.1))
    shut = scale(control=near, treatment=TREATMENT)
    assert shut.estimate is not None
    assert shut.interval is None
    assert "3 standard errors" in shut.reason
    assert scale(control=clear, treatment=TREATMENT).interval is not None


def test_a_relative_effect_of_nothing_or_less_is_undefined():
    below = Moments.from_variance(n=1000, mean=-1.0, variance=1.0)
    assert lift(control=below, treatment=TREATMENT).estimate is None
    assert log_ratio(control=below, treatment=TREATMENT).estimate is None
    shut = log_ratio(control=CONTROL, treatment=below)
    assert shut.estimate is None
    assert "treatment mean" in shut.reason
    # A lift of -150 % is odd, but it is defined.
    assert lift(control=CONTROL, treatment=below).estimate == pytest.approx(-1.5)


def test_ratio_over_a_constant_denominator_is_the_mean():
    rows = np.random.default_rng(5).poisson(2.0, 300).astype(float)
    arm = CoMoments.from_values(np.column_stack([rows, np.ones(300)]))
    plain = Moments.from_values(rows)
    assert ratio(arm).value == pytest.approx(plain.mean)
    assert ratio(arm).se == pytest.approx(plain.standard_error)


def test_ratio_variance_is_that_of_the_residual_mean():
    """Var(m/d) = Var(mean of (m - r d)) / d^2: the same number by another path."""
    rng = np.random.default_rng(11)
    visits = rng.poisson(4.0, 500) + 1.0
    gifts = rng.poisson(0.3 * visits) * 1.0
    r = gifts.mean() / visits.mean()
    residual = Moments.from_values(gifts - r * visits)
    arm = CoMoments.from_values(np.column_stack([gifts, visits]))
    assert ratio(arm).se == pytest.approx(residual.standard_error / visits.mean(), rel=1e-10)


def test_ratio_effect_adds_variances_and_its_lift_divides():
    rng = np.random.default_rng(2)
    control, treatment = (
        CoMoments.from_values(rng.poisson([1.0, 4.0], size=(n, 2)).astype(float)) for n in (40, 50)
    )
    effect = ratio_effect(control=control, treatment=treatment)
    a, b = ratio(control), ratio(treatment)
    assert effect.se == pytest.approx(math.hypot(a.se, b.se))
    relative = ratio_effect(control=control, treatment=treatment, scale="lift")
    assert relative.estimate == pytest.approx(b.value / a.value - 1)
    for result in (effect, relative):
        assert result.statistic == pytest.approx(result.estimate / result.se)
        # Welch-Satterthwaite of the two ratios' variances.
        shares = [x.variance / (a.variance + b.variance) for x in (a, b)]
        assert result.df == pytest.approx(1 / (shares[0] ** 2 / 39 + shares[1] ** 2 / 49))


def test_a_denominator_near_zero_gives_no_interval():
    arm = CoMoments.from_covariance(n=100, means=[1.0, 0.1], covariance=[[1.0, 0.0], [0.0, 4.0]])
    fine = CoMoments.from_covariance(n=100, means=[1.0, 5.0], covariance=[[1.0, 0.0], [0.0, 4.0]])
    assert ratio(arm).se is None
    for scale in ("difference", "lift"):
        effect = ratio_effect(control=arm, treatment=fine, scale=scale)
        assert effect.interval is None
        assert "denominator" in effect.reason


@pytest.mark.parametrize(
    ("arm", "field"),
    [
        (CoMoments.from_values([[1.0, 2.0]]), "arm"),
        (CoMoments.from_values([[1.0, 0.0], [2.0, 0.0]]), "denominator"),
        (CoMoments.from_values([[1.0], [2.0]]), "variable"),
    ],
)
def test_ratios_without_a_denominator_are_refused(arm, field):
    with pytest.raises(InputError) as caught:
        ratio(arm)
    assert caught.value.field == field
