"""Tests that an effect is the same in all segments."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from testkit.errors import InputError
from testkit.stats import homogeneity
from testkit.stats.counts import TwoByTwo
from testkit.stats.homogeneity import (
    difference_homogeneity,
    mean_homogeneity,
    odds_ratio_homogeneity,
)


def table(s0: int, n0: int, s1: int, n1: int) -> TwoByTwo:
    return TwoByTwo(successes_control=s0, n_control=n0, successes_arm=s1, n_arm=n1)


LARGE = [table(20, 1000, 40, 1000), table(50, 1000, 45, 800), table(31, 400, 36, 500)]
SMALL = [table(2, 30, 6, 30), table(5, 40, 1, 20), table(3, 25, 3, 25)]
tables = st.tuples(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.floats(0, 1)).map(
    lambda x: table(round(x[0] * x[2]), x[0], round(x[1] * x[3]), x[1])
)


def stack(strata: list[TwoByTwo]) -> list[np.ndarray]:
    return [
        np.array(
            [
                [t.successes_arm, t.n_arm - t.successes_arm],
                [t.successes_control, t.n_control - t.successes_control],
            ]
        )
        for t in strata
    ]


def test_breslow_day_with_tarone_agrees_with_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    theirs = StratifiedTable(stack(LARGE)).test_equal_odds(adjust=True)
    ours = odds_ratio_homogeneity(LARGE)
    assert ours.method == "Breslow-Day, Tarone"
    assert ours.df == 2
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


def test_difference_score_agrees_with_a_binomial_model_with_identity_link() -> None:
    # Independent route: maximise the binomial likelihood with a common difference numerically,
    # then Rao's score for one difference per segment, from the model's own information matrix.
    from scipy.optimize import minimize

    def minus_log_likelihood(x: np.ndarray) -> float:
        total = 0.0
        for base, t in zip(x[1:], LARGE, strict=True):
            for rate, s, n in (
                (base, t.successes_control, t.n_control),
                (base + x[0], t.successes_arm, t.n_arm),
            ):
                if not 0 < rate < 1:
                    return 1e9
                total -= s * math.log(rate) + (n - s) * math.log1p(-rate)
        return total

    start = [0.01, *(t.rate_control for t in LARGE)]
    fit = minimize(
        minus_log_likelihood,
        start,
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-11, "maxiter": 20_000, "maxfev": 20_000},
    )
    common, bases = fit.x[0], fit.x[1:]
    k = len(LARGE)
    score, information = np.zeros(2 * k), np.zeros((2 * k, 2 * k))
    for i, (base, t) in enumerate(zip(bases, LARGE, strict=True)):
        for rate, s, n, loads in (
            (base, t.successes_control, t.n_control, (i,)),
            (base + common, t.successes_arm, t.n_arm, (i, k + i)),
        ):
            weight = n / (rate * (1 - rate))
            for a in loads:
                score[a] += weight * (s / n - rate)
                for b in loads:
                    information[a, b] += weight
    expected = score @ np.linalg.solve(information, score)
    found = difference_homogeneity(LARGE)
    assert found.common == pytest.approx(common, abs=1e-7)
    assert found.statistic == pytest.approx(expected, rel=1e-5)


def test_welch_of_plain_means_agrees_with_statsmodels() -> None:
    from statsmodels.stats.oneway import anova_generic

    means, variances, n = (
        np.array([1.2, 0.1, 0.4]),
        np.array([4.0, 9.0, 1.5]),
        np.array([20, 14, 9]),
    )
    theirs = anova_generic(means, variances, n, use_var="unequal", welch_correction=True)
    ours = mean_homogeneity(
        means,
        [math.sqrt(v / m) for v, m in zip(variances, n, strict=True)],
        df=[m - 1 for m in n],
    )
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-10)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-10)


def test_zelen_is_the_sum_over_all_splits_with_the_same_total() -> None:
    from scipy.stats import hypergeom

    laws = [hypergeom(t.n, t.successes, t.n_arm) for t in SMALL]
    seen = [t.successes_arm for t in SMALL]
    chances = {
        split: math.prod(law.pmf(x) for law, x in zip(laws, split, strict=True))
        for split in itertools.product(*(range(t.successes + 1) for t in SMALL))
        if sum(split) == sum(seen)
    }
    own = chances[tuple(seen)]
    expected = sum(c for c in chances.values() if c <= own * (1 + 1e-7)) / sum(chances.values())
    found = odds_ratio_homogeneity(SMALL)
    assert found.method == "Zelen, exact"
    assert found.statistic is None
    assert found.p_value == pytest.approx(expected, rel=1e-9)


def test_drawn_splits_stand_in_for_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = odds_ratio_homogeneity(SMALL).p_value
    monkeypatch.setattr(homogeneity, "_MOST_SPLITS", 1)
    drawn = odds_ratio_homogeneity(SMALL, seed=7)
    assert exact is not None
    assert drawn.p_value != exact
    # four Monte-Carlo errors of 19,999 draws
    assert drawn.p_value == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 19_999))
    assert drawn == odds_ratio_homogeneity(SMALL, seed=7)


@given(st.lists(tables, min_size=2, max_size=4))
@example(  # cells of exactly 5, and of 5 up to rounding when the arms are exchanged
    [TwoByTwo(successes_control=5, n_control=33, successes_arm=7, n_arm=22)] * 2
)
@settings(max_examples=60, deadline=None)
def test_the_odds_ratio_test_knows_neither_order_nor_names_of_arms(strata: list[TwoByTwo]) -> None:
    assume(sum(0 < t.successes < t.n for t in strata) > 1)
    found = odds_ratio_homogeneity(strata)
    turned = odds_ratio_homogeneity([t.swapped for t in reversed(strata)])
    assert found.p_value is not None
    assert 0 < found.p_value <= 1 + 1e-12
    assert turned.method == found.method
    assert turned.p_value == pytest.approx(found.p_value, rel=1e-6)


@given(st.lists(tables, min_size=2, max_size=4))
@settings(max_examples=60, deadline=None)
def test_segments_without_both_outcomes_change_nothing(strata: list[TwoByTwo]) -> None:
    assert odds_ratio_homogeneity([*strata, table(0, 50, 0, 60), table(9, 9, 4, 4)]) == (
        odds_ratio_homogeneity(strata)
    )


def test_an_equal_difference_in_every_segment_has_nothing_to_test() -> None:
    same = [table(100, 1000, 120, 1000), table(500, 1000, 520, 1000)]
    found = difference_homogeneity(same)
    assert found.statistic == pytest.approx(0, abs=1e-12)
    assert found.p_value == pytest.approx(1)
    # and on the other scale the same counts are not alike: log odds .203 against .080
    assert odds_ratio_homogeneity(same).statistic == pytest.approx(0.6, abs=0.1)


def test_a_scale_without_an_exact_test_gives_no_p_value_for_small_counts() -> None:
    found = difference_homogeneity(SMALL)
    assert found.p_value is None
    assert "exact" in found.note


@pytest.mark.parametrize("test", [odds_ratio_homogeneity, difference_homogeneity])
def test_one_segment_is_no_comparison(test: object) -> None:
    found = test([LARGE[0]])  # type: ignore[operator]
    assert found.p_value is None
    assert "two segments" in found.note


def test_shapes_must_agree() -> None:
    with pytest.raises(InputError, match="df has 3"):
        mean_homogeneity([1.0, 2.0], [1.0, 1.0], df=[5.0, 5.0, 5.0])
    with pytest.raises(InputError, match="se has 3"):
        mean_homogeneity([1.0, 2.0], [1.0, 1.0, 1.0], df=[5.0, 5.0])
    with pytest.raises(InputError, match="seed"):
        odds_ratio_homogeneity(LARGE, seed=-1)


@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_zelen_keeps_its_error_at_every_common_odds_ratio(ratio: float) -> None:
    # Enumerated, not simulated: over all splits the p-value's law is at or under the diagonal.
    from scipy.stats import nchypergeom_fisher

    laws = [nchypergeom_fisher(t.n, t.successes, t.n_arm, ratio) for t in SMALL[:2]]
    reached = []
    for x in range(SMALL[0].successes + 1):
        for y in range(SMALL[1].successes + 1):
            strata = [
                table(SMALL[0].successes - x, 30, x, 30),
                table(SMALL[1].successes - y, 40, y, 20),
            ]
            reached.append(
                (odds_ratio_homogeneity(strata).p_value, laws[0].pmf(x) * laws[1].pmf(y))
            )
    for alpha in (0.01, 0.05, 0.2, 0.5):
        assert sum(c for p, c in reached if p is not None and p <= alpha) <= alpha + 1e-9
