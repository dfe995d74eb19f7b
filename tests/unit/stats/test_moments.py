"""Moments: bad input is refused with field and value, and nothing is invented."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.moments import CoMoments, Moments, merge_all


def test_variance_of_one_unit_is_none_not_zero():
    one = Moments.from_values([3.0])
    assert one.variance is None
    assert one.standard_error is None
    assert CoMoments.from_values([[1.0, 2.0]]).covariance(0, 1) is None


def test_standard_error_is_root_of_variance_over_n():
    # 1, 2, 3, 4, 5: variance 2.5, so the standard error is sqrt(0.5).
    five = Moments.from_values([1.0, 2.0, 3.0, 4.0, 5.0])
    assert five.variance == 2.5
    assert five.standard_error == pytest.approx(math.sqrt(0.5), rel=1e-15)
    assert five.total == 15.0


def test_no_rows_are_the_empty_moments():
    assert Moments.from_values([]) == Moments.empty()
    assert Moments.from_counts(successes=0, n=0) == Moments.empty()
    assert Moments.from_sums(n=0, total=0.0, total_squares=0.0) == Moments.empty()
    assert CoMoments.from_values(np.empty((0, 2))) == CoMoments.empty(variables=2)
    assert merge_all([]) == Moments.empty()


def test_numpy_integers_become_plain_ones():
    assert type(Moments(n=np.int64(3), mean=1.0, m2=0.0).n) is int


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: Moments(n=-1, mean=0.0, m2=0.0), "n"),
        (lambda: Moments(n=True, mean=0.0, m2=0.0), "n"),
        (lambda: Moments(n=2.5, mean=0.0, m2=0.0), "n"),
        (lambda: Moments(n=3, mean=math.nan, m2=0.0), "mean"),
        (lambda: Moments(n=3, mean=0.0, m2=math.inf), "m2"),
        (lambda: Moments(n=3, mean=0.0, m2=-1.0), "m2"),
        (lambda: Moments(n=1, mean=0.0, m2=1.0), "m2"),
        (lambda: Moments(n=0, mean=1.0, m2=0.0), "mean"),
        (lambda: Moments.from_values([1.0, math.nan]), "values"),
        (lambda: Moments.from_values([[1.0, 2.0]]), "values"),
        (lambda: Moments.from_values(["ten"]), "values"),
        (lambda: Moments.from_counts(successes=5, n=4), "successes"),
        (lambda: Moments.from_counts(successes=-1, n=4), "successes"),
        (lambda: Moments.from_sums(n=3, total=6.0, total_squares=11.0), "total_squares"),
        (lambda: Moments.from_sums(n=0, total=1.0, total_squares=1.0), "total"),
        (lambda: Moments.from_sums(n=3, total=math.inf, total_squares=1.0), "total"),
        (lambda: Moments.from_variance(n=1, mean=1.0, variance=1.0), "n"),
        (lambda: Moments.from_variance(n=3, mean=1.0, variance=-1.0), "variance"),
        (lambda: CoMoments(n=2, means=(), m2=()), "means"),
        (lambda: CoMoments(n=2, means=(0.0,), m2=((1.0, 0.0),)), "m2"),
        (lambda: CoMoments(n=2, means=(0.0, 0.0), m2=((1.0, 0.5), (0.4, 1.0))), "m2"),
        (lambda: CoMoments(n=2, means=(0.0, 0.0), m2=((1.0, 2.0), (2.0, 1.0))), "m2"),
        (lambda: CoMoments(n=2, means=(0.0,), m2=((-1.0,),)), "m2"),
        (lambda: CoMoments(n=1, means=(0.0,), m2=((1.0,),)), "m2"),
        (lambda: CoMoments(n=0, means=(1.0,), m2=((0.0,),)), "means"),
        (lambda: CoMoments.from_values([1.0, 2.0]), "values"),
        (lambda: CoMoments.from_covariance(n=1, means=[0.0], covariance=[[1.0]]), "n"),
        (
            lambda: CoMoments.from_covariance(
                n=3, means=[0.0, 0.0], covariance=[[1.0, 0.2], [0.1, 1.0]]
            ),
            "m2",
        ),
        (lambda: CoMoments.from_covariance(n=3, means=[0.0], covariance=[[1.0, 0.2]]), "m2"),
        (lambda: CoMoments.empty(variables=2).moments(2), "variable"),
        (lambda: CoMoments.empty(variables=2).covariance(0, -1), "variable"),
        (lambda: CoMoments.empty(variables=2).merge(CoMoments.empty(variables=3)), "other"),
    ],
)
def test_impossible_values_are_refused_by_field(call, field):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field


def test_sums_that_lost_the_variance_are_refused_not_guessed():
    """At mean 1e9 the sum of squares is ~1e18 n: its last digit is worth more than the variance."""
    with pytest.raises(InputError, match="no digits of the variance") as caught:
        Moments.from_sums(n=100, total=1e11, total_squares=1e20)
    assert "mean and m2" in caught.value.hint


def test_a_variance_of_zero_is_a_variance():
    assert Moments.from_variance(n=3, mean=1.0, variance=0.0).variance == 0.0
