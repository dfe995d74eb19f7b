"""Means of two arms: the intervals, the refusals, and the cap that belongs to the plan."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from testkit.errors import InputError
from testkit.stats.means import Cap, MeanEffect, money, pooled_t, satterthwaite, welch, winsorise
from testkit.stats.moments import Moments

A = [12.0, 0.0, 0.0, 25.0, 50.0, 0.0, 10.0]
B = [0.0, 35.0, 15.0, 0.0, 100.0, 20.0, 5.0, 60.0]
CONTROL, TREATMENT = Moments.from_values(A), Moments.from_values(B)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("equal_var", [False, True])
def test_t_tests_equal_scipys_from_the_rows(alternative, equal_var):
    theirs = stats.ttest_ind(B, A, equal_var=equal_var, alternative=alternative)
    ours = (pooled_t if equal_var else welch)(
        control=CONTROL, treatment=TREATMENT, alpha=0.1, alternative=alternative
    )
    interval = theirs.confidence_interval(confidence_level=0.9)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-10)
    assert ours.df == pytest.approx(theirs.df, rel=1e-12)
    assert ours.interval == pytest.approx((interval.low, interval.high), rel=1e-10)


def test_a_null_value_shifts_the_test_and_not_the_interval():
    shifted = welch(control=CONTROL, treatment=TREATMENT, null=10.0)
    theirs = stats.ttest_ind([x - 10 for x in B], A, equal_var=False)
    plain = welch(control=CONTROL, treatment=TREATMENT)
    assert shifted.p_value == pytest.approx(theirs.pvalue, rel=1e-10)
    assert shifted.interval == plain.interval


@given(
    st.floats(0.5, 100),
    st.floats(-50, 50),
    st.sampled_from(["two-sided", "greater", "less"]),
    st.floats(0.001, 0.4),
)
def test_the_interval_leaves_out_the_null_exactly_when_p_is_at_most_alpha(
    df, estimate, alternative, alpha
):
    effect = MeanEffect.from_t(
        scale="difference",
        control=0.0,
        treatment=estimate,
        estimate=estimate,
        se=10.0,
        df=df,
        alpha=alpha,
        alternative=alternative,
    )
    low, high = effect.interval
    # Skip the knife edge, where rounding decides.
    if abs(effect.p_value - alpha) > 1e-9:
        assert (effect.p_value < alpha) == (not low <= 0 <= high)


def test_arms_without_any_spread_give_none_and_a_reason():
    still = Moments.from_values([5.0, 5.0])
    for effect in (
        welch(control=still, treatment=still),
        pooled_t(control=still, treatment=still),
    ):
        assert effect.estimate == 0.0
        assert (effect.se, effect.p_value, effect.interval) == (None, None, None)
        assert "nothing can be tested" in effect.reason


@pytest.mark.parametrize("small", [Moments.empty(), Moments.from_values([1.0])])
def test_an_arm_of_fewer_than_two_units_is_refused(small):
    with pytest.raises(InputError) as caught:
        welch(control=CONTROL, treatment=small)
    assert caught.value.field == "treatment"
    with pytest.raises(InputError) as caught:
        pooled_t(control=small, treatment=TREATMENT)
    assert caught.value.field == "control"


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan])
def test_alpha_outside_its_domain_is_refused(alpha):
    with pytest.raises(InputError) as caught:
        welch(control=CONTROL, treatment=TREATMENT, alpha=alpha)
    assert caught.value.field == "alpha"


def test_satterthwaite_lies_between_the_smallest_part_and_the_sum():
    assert 4 <= satterthwaite((1.0, 4), (0.2, 9)) <= 13
    assert satterthwaite((0.0, 4), (0.0, 9)) is None
    # Squares of these would underflow to 0 and give 0/0.
    assert satterthwaite((1e-200, 5), (1e-200, 5)) == pytest.approx(10.0)


def test_fifty_gifts_an_arm_open_the_interval_and_forty_nine_do_not():
    arm = Moments.from_variance(n=5000, mean=0.4, variance=90.0)
    shut = money(control=arm, treatment=arm, gifts_control=50, gifts_treatment=49)
    assert shut.interval is None
    assert shut.p_value is None
    assert shut.estimate == 0.0
    assert "49 gifts" in shut.reason
    assert money(control=arm, treatment=arm, gifts_control=50, gifts_treatment=50) == welch(
        control=arm, treatment=arm
    )


@pytest.mark.parametrize(
    ("gifts", "field"), [((-1, 60), "gifts_control"), ((60, 9), "gifts_treatment")]
)
def test_more_gifts_than_recipients_are_refused(gifts, field):
    arms = {
        "control": Moments.from_variance(n=100, mean=1.0, variance=1.0),
        "treatment": Moments.from_variance(n=8, mean=1.0, variance=1.0),
    }
    with pytest.raises(InputError) as caught:
        money(**arms, gifts_control=gifts[0], gifts_treatment=gifts[1])
    assert caught.value.field == field


def test_a_cap_cuts_both_arms_at_one_amount_and_counts_the_cuts():
    cap = Cap(quantile=0.5).resolve([0.0, 0.0, 10.0, 20.0, 30.0])
    assert cap == 20.0
    moments, cut = winsorise([0.0, 20.0, 30.0, 1000.0], cap=cap)
    assert cut == 2
    assert moments == Moments.from_values([0.0, 20.0, 20.0, 20.0])


def test_winsorising_never_raises_the_mean_or_the_spread():
    gifts = np.random.default_rng(3).lognormal(3, 2, 500)
    plain = Moments.from_values(gifts)
    capped, cut = winsorise(gifts, cap=float(np.quantile(gifts, 0.99)))
    assert cut == 5
    assert capped.mean < plain.mean
    assert capped.m2 < plain.m2


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (Cap, "cap"),
        (lambda: Cap(amount=1.0, quantile=0.9), "cap"),
        (lambda: Cap(amount=0.0), "amount"),
        (lambda: Cap(amount=math.inf), "amount"),
        (lambda: Cap(quantile=1.0), "quantile"),
        (lambda: Cap(quantile=0.9).resolve([0.0, 0.0]), "pooled"),
        (lambda: winsorise([1.0, math.nan], cap=5.0), "values"),
        (lambda: winsorise([1.0], cap=0.0), "cap"),
    ],
)
def test_caps_that_make_no_sense_are_refused(call, field):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field
