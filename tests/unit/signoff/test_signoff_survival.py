"""Kaplan-Meier against the textbook and against statsmodels."""

from __future__ import annotations

import math
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.errors import InputError
from testkit.signoff.survival import kaplan_meier, quantile

# Acute myelogenous leukaemia, maintained arm; Miller (1981), as in R's survival::aml. The table
# of shares and Greenwood errors is summary(survfit(Surv(time, status) ~ 1)) of that arm.
AML = [(9, 1), (13, 1), (13, 0), (18, 1), (23, 1), (28, 0), (31, 1), (34, 1), (45, 0), (48, 1),
       (161, 0)]  # fmt: skip
AML_SHARES = [0.909, 0.818, 0.716, 0.614, 0.491, 0.368, 0.184]
AML_ERRORS = [0.0867, 0.1163, 0.1397, 0.1526, 0.1642, 0.1627, 0.1535]


def curve_of(pairs):
    return kaplan_meier([t for t, _ in pairs], [bool(d) for _, d in pairs])


def test_the_published_curve_and_its_errors():
    curve = curve_of(AML)
    assert curve.times == (9, 13, 18, 23, 31, 34, 48)
    assert curve.waiting == pytest.approx(AML_SHARES, abs=5e-4)
    assert curve.error == pytest.approx(AML_ERRORS, abs=5e-5)
    assert quantile(curve, 0.5).value == 31
    assert quantile(curve, 0.9).value is None


@pytest.mark.parametrize("p", [0.25, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_quantiles_and_limits_are_those_of_statsmodels(p, level):
    check(AML, p, level)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 1)), min_size=2, max_size=25),
    st.sampled_from([0.3, 0.45, 0.55, 0.77, 0.9]),
)
def test_random_waits_agree_with_statsmodels(pairs, p):
    if any(done for _, done in pairs):
        check(pairs, p, 0.95)


def check(pairs, p, level):
    from statsmodels.duration.survfunc import SurvfuncRight

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs divides by zero at the last step
        theirs = SurvfuncRight([t for t, _ in pairs], [d for _, d in pairs])
        low, high = theirs.quantile_ci(p, alpha=1 - level, method="cloglog")
        value = theirs.quantile(p)
    ours = quantile(curve_of(pairs), p, level=level)
    # Theirs takes the first share below 1 - p, ours at or below: they differ on exact equality.
    equal = any(math.isclose(s, 1 - p, abs_tol=1e-9) for s in theirs.surv_prob)
    if not equal:
        assert ours.value == (None if math.isnan(value) else value)
    shares = curve_of(pairs).waiting
    if shares[-1] > 0:  # theirs has no error at a share of zero
        assert ours.low == (None if math.isnan(low) else low)
        steps = set(curve_of(pairs).times)
        assert ours.high == (high if high in steps else None)


def test_without_an_answer_nothing_is_claimed():
    found = quantile(kaplan_meier([5.0, 9.0], [False, False]), 0.5)
    assert (found.value, found.low, found.high) == (None, None, None)


@pytest.mark.parametrize(("times", "flags"), [([1.0], []), ([-1.0], [True]), ([math.nan], [True])])
def test_what_is_no_waiting_time_is_refused(times, flags):
    with pytest.raises(InputError):
        kaplan_meier(times, flags)


@pytest.mark.parametrize("p", [0.0, 1.0, math.nan])
def test_a_quantile_lies_inside(p):
    with pytest.raises(InputError, match="p lies"):
        quantile(kaplan_meier([1.0], [True]), p)
