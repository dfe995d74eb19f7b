"""Least squares: equal to statsmodels, cluster jackknife by refitting, refusals by field."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.means import welch
from testkit.stats.moments import Moments
from testkit.stats.regression import least_squares

RNG = np.random.default_rng(17)
N = 60
ARM = (np.arange(N) % 3 == 0).astype(float)
X = np.column_stack([np.ones(N), ARM, RNG.normal(size=N), 1e6 * RNG.normal(size=N)])
Y = 1 + 0.5 * ARM + X[:, 2] + RNG.normal(size=N) * (1 + ARM)
GROUPS = np.repeat(np.arange(12), 5)


@pytest.mark.parametrize("kind", ["classical", "HC0", "HC1", "HC2", "HC3"])
def test_covariances_equal_statsmodels(kind):
    from statsmodels.regression.linear_model import OLS

    theirs = OLS(Y, X).fit(cov_type="nonrobust" if kind == "classical" else kind)
    ours = least_squares(Y, X, kind=kind)
    assert ours.coefficients == pytest.approx(tuple(theirs.params), rel=1e-9)
    assert ours.se == pytest.approx(tuple(theirs.bse), rel=1e-9)
    assert ours.df == N - 4


def test_clustered_covariance_equals_statsmodels():
    from statsmodels.regression.linear_model import OLS

    theirs = OLS(Y, X).fit(cov_type="cluster", cov_kwds={"groups": GROUPS})
    ours = least_squares(Y, X, kind="CR1S", clusters=GROUPS)
    assert ours.se == pytest.approx(tuple(theirs.bse), rel=1e-9)
    assert (ours.df, ours.clusters) == (11, 12)


def test_cr3_is_the_spread_of_fits_without_one_cluster_each():
    ours = least_squares(Y, X, kind="CR3", clusters=GROUPS)
    moves = np.array(
        [
            np.linalg.lstsq(X[keep], Y[keep], rcond=None)[0] - ours.coefficients
            for g in range(12)
            for keep in [g != GROUPS]
        ]
    )
    expected = 11 / 12 * moves.T @ moves
    # Columns differ by a factor 1e6, so entries are compared one by one.
    assert np.array(ours.covariance) == pytest.approx(expected, rel=1e-6)


def test_hc2_of_two_arms_is_welchs_standard_error():
    a, b = Y[ARM == 0], Y[ARM == 1]
    effect = welch(control=Moments.from_values(a), treatment=Moments.from_values(b))
    fit = least_squares(Y, X[:, :2], kind="HC2")
    assert fit.coefficients[1] == pytest.approx(effect.estimate)
    assert fit.se[1] == pytest.approx(effect.se)


def test_labels_of_clusters_may_be_text():
    names = np.array([f"chapter {g}" for g in GROUPS])
    by_name, by_number = (
        least_squares(Y, X, kind="CR1", clusters=labels) for labels in (names, GROUPS)
    )
    assert by_name.clusters == by_number.clusters
    assert by_name.se == pytest.approx(by_number.se, rel=1e-12)


ONES = [[1.0]] * 4
SAME = [[1.0, 2.0]] * 4
LONELY = [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: least_squares([1.0, 2.0], ONES), "x"),
        (lambda: least_squares([1.0], [[1.0, 2.0]]), "y"),
        (lambda: least_squares([1.0, 2.0, math.nan, 4.0], ONES), "y"),
        (lambda: least_squares([1.0, 2.0, 3.0, 4.0], [[1.0]] * 3 + [[math.inf]]), "x"),
        (lambda: least_squares([1.0, 2.0, 3.0, 4.0], SAME), "x"),
        (lambda: least_squares([1.0, 2.0, 3.0, 4.0], [[1.0, 0.0]] * 4), "x"),
        (lambda: least_squares([1.0, 2.0, 3.0, 4.0], LONELY, kind="HC3"), "x"),
        (lambda: least_squares([1.0, 2.0, 3.0, 4.0], ONES, kind="CR1"), "clusters"),
        (lambda: least_squares([1.0, 2.0, 3.0, 4.0], ONES, clusters=[1, 1, 2, 2]), "kind"),
        (
            lambda: least_squares([1.0, 2.0, 3.0, 4.0], ONES, kind="CR1", clusters=[1, 1, 1, 1]),
            "clusters",
        ),
        (
            lambda: least_squares([1.0, 2.0, 3.0, 4.0], ONES, kind="CR1", clusters=[1, 2]),
            "clusters",
        ),
        (
            lambda: least_squares([1.0, 2.0, 3.0, 4.0], LONELY, kind="CR3", clusters=[1, 2, 3, 4]),
            "clusters",
        ),
    ],
)
def test_designs_that_cannot_be_fitted_are_refused_by_field(call, field):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field


def test_a_lonely_row_is_fine_where_its_leverage_does_not_enter():
    fit = least_squares([1.0, 2.0, 3.0, 4.0], LONELY, kind="HC0")
    assert fit.coefficients == pytest.approx((2.0, 2.0))
