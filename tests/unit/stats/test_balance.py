"""Balance warns and never blocks; contamination counts people, not rows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.balance import (
    balance_of_categories,
    balance_of_means,
    contamination,
    contingency_chisq,
    joint_balance,
)

ARMS = [np.array([1.0, 2.0, 6.0]), np.array([4.0, 5.0]), np.array([7.0, 9.0, 11.0, 13.0])]


def moments(arms):
    return (
        [len(a) for a in arms],
        [a.mean() for a in arms],
        [((a - a.mean()) ** 2).sum() for a in arms],
    )


def test_one_way_f_is_the_analysis_of_variance() -> None:
    from scipy.stats import f_oneway

    expected = f_oneway(*ARMS)
    result = balance_of_means(*moments(ARMS))
    assert result.statistic == pytest.approx(expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue)
    assert result.degrees_of_freedom == (2, 6)


def test_balance_warns_below_one_in_a_thousand() -> None:
    far = balance_of_means([50, 50], [0.0, 1.0], [50.0, 50.0])
    near = balance_of_means([50, 50], [0.0, 0.1], [50.0, 50.0])
    assert far.warns
    assert not near.warns


def test_a_covariate_that_does_not_vary_has_no_statistic() -> None:
    for result in (
        balance_of_means([5, 5], [1.0, 1.0], [0.0, 0.0]),
        balance_of_means([1, 1], [1.0, 2.0], [0.0, 0.0]),
        balance_of_categories([[5, 0], [7, 0]]),
        joint_balance([5, 5], [[1.0, 2.0], [1.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]]),
        joint_balance([5, 5], [[1.0], [1.0]], [[0.0]]),
        joint_balance([1, 2], [[1.0, 2.0], [1.0, 2.0]], np.eye(2)),
    ):
        assert result.statistic is None
        assert result.p_value is None
        assert result.note
        assert not result.warns


def test_chi_square_of_a_table() -> None:
    from scipy.stats import chi2_contingency

    table = [[30, 14, 6], [22, 30, 9], [40, 41, 12]]
    expected = chi2_contingency(table, correction=False)
    result = balance_of_categories(table)
    assert result.statistic == pytest.approx(expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue)
    assert result.degrees_of_freedom == (4, 0)
    assert result.note == ""


def test_categories_that_nobody_has_do_not_count() -> None:
    with_empty = balance_of_categories([[30, 0, 70], [45, 0, 55]])
    without = balance_of_categories([[30, 70], [45, 55]])
    assert with_empty == without


def test_small_expected_counts_are_said() -> None:
    assert "below 5" in balance_of_categories([[3, 97], [4, 96]]).note


def test_yates_never_overshoots_zero() -> None:
    assert contingency_chisq([[5, 5], [5, 5]], continuity=True).p_value == 1.0
    # |O - E| = 0.25: the correction is cut at it.
    assert contingency_chisq([[5, 5], [5, 6]], continuity=True).p_value == 1.0
    with pytest.raises(InputError) as error:
        contingency_chisq([[5, 5, 1], [5, 6, 1]], continuity=True)
    assert error.value.field == "continuity"


def sample(arms, seed):
    rng = np.random.default_rng(seed)
    data = [rng.normal(size=(n, 3)) @ rng.normal(size=(3, 3)) * [1.0, 1e4, 1e-4] for n in arms]
    means = np.array([d.mean(axis=0) for d in data])
    within = sum((d - d.mean(axis=0)).T @ (d - d.mean(axis=0)) for d in data)
    return data, means, within


def test_two_arms_jointly_is_the_regression_f_of_the_arm_on_the_covariates() -> None:
    (a, b), means, within = sample([20, 31], 3)
    x = np.vstack([a, b])
    y = np.r_[np.zeros(20), np.ones(31)]
    design = np.c_[np.ones(51), x / x.std(axis=0)]
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    rss, tss = residual @ residual, ((y - y.mean()) ** 2).sum()
    expected = ((tss - rss) / 3) / (rss / (51 - 4))
    result = joint_balance([20, 31], means, within)
    assert result.statistic == pytest.approx(expected)
    assert result.degrees_of_freedom == (3, 47)


def test_joint_test_of_one_covariate_is_the_one_way_f() -> None:
    sizes, means, m2 = moments(ARMS[:2])
    one = balance_of_means(sizes, means, m2)
    joint = joint_balance(sizes, [[m] for m in means], [[sum(m2)]])
    assert joint.statistic == pytest.approx(one.statistic)
    assert joint.p_value == pytest.approx(one.p_value)


def test_joint_test_does_not_depend_on_units_of_measurement() -> None:
    _, means, within = sample([200, 150, 180], 5)
    scale = np.array([100.0, 1.0, 1e-6])
    one = joint_balance([200, 150, 180], means, within)
    other = joint_balance([200, 150, 180], means * scale, within * np.outer(scale, scale))
    assert one.statistic == pytest.approx(other.statistic)
    assert one.degrees_of_freedom == (6, 0)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: balance_of_means([5], [1.0], [1.0]), "n"),
        (lambda: balance_of_means([5, 0], [1.0, 2.0], [1.0, 1.0]), "n[1]"),
        (lambda: balance_of_means([5, 5, 5], [1.0, 2.0], [1.0, 1.0]), "means"),
        (lambda: balance_of_means([5, 5], [1.0, math.nan], [1.0, 1.0]), "means"),
        (lambda: balance_of_means([5, 5], [1.0, 2.0], [1.0, -1.0]), "m2"),
        (lambda: balance_of_categories([[1, 2]]), "table"),
        (lambda: balance_of_categories([[1, 2], [1]]), "table"),
        (lambda: balance_of_categories([[1, 2], [0, 0]]), "table[1]"),
        (lambda: balance_of_categories([[1, 2], [-1, 3]]), "table[1][0]"),
        (lambda: joint_balance([5, 5], [1.0, 2.0], [[1.0]]), "means"),
        (lambda: joint_balance([5, 5], [[1.0], [2.0]], [[1.0, 0.0], [0.0, 1.0]]), "within"),
        (lambda: joint_balance([5, 5], [[1.0], [math.nan]], [[1.0]]), "means"),
        (lambda: contamination([1, 2], [0], number_of_arms=2), "arms"),
        (lambda: contamination([1, 2], [0, 2], number_of_arms=2), "arms"),
        (lambda: contamination([1, 2], [0, 1], number_of_arms=1), "number_of_arms"),
        (lambda: contamination([1.5, 2], [0, 1], number_of_arms=2), "units"),
        (lambda: contamination([1, 2], [0, 1], number_of_arms=2, assigned=[0]), "assigned"),
        (lambda: contamination([1, 2], [0, 1], number_of_arms=2, assigned=[0, -1]), "assigned"),
    ],
)
def test_bad_input_is_named(call, field) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert error.value.field == field


def test_contamination_counts_units_once() -> None:
    # Unit 10: arms 0 and 1, twice each. Unit 11: arm 1 twice. Unit 12: arms 1 and 2. Unit 13: 2.
    units = [10, 10, 10, 10, 11, 11, 12, 12, 13]
    arms = [0, 1, 0, 1, 1, 1, 1, 2, 2]
    assigned = [0, 0, 0, 0, 1, 1, 0, 0, 2]
    seen = contamination(units, arms, number_of_arms=3, assigned=assigned)
    assert (seen.units, seen.crossed, seen.repeated) == (4, 2, 2)
    assert seen.by_arm == (1, 2, 1)
    assert seen.off_assignment == 2
    assert seen.crossed_share == 0.5


def test_no_rows_are_no_contamination() -> None:
    empty = contamination(np.array([], dtype=int), np.array([], dtype=int), number_of_arms=2)
    assert (empty.units, empty.crossed, empty.crossed_share) == (0, 0, 0.0)
    assert empty.off_assignment is None
