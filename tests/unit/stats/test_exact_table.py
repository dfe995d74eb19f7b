"""Fisher's exact test and its stratified form."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from testkit.errors import ConvergenceError, InputError
from testkit.stats.counts import TwoByTwo
from testkit.stats.exact_table import conditional_odds_ratio, fisher_exact, root_from
from testkit.stats.hypergeometric import Margins


def table(control, n_control, arm, n_arm):
    return TwoByTwo(successes_control=control, n_control=n_control, successes_arm=arm, n_arm=n_arm)


def test_tea_tasting() -> None:
    # Fisher's lady: 3 of 4 right in both rows; one-sided 17/70, two-sided 34/70.
    result = fisher_exact([table(1, 4, 3, 4)])
    assert result.p_upper == pytest.approx(17 / 70)
    assert result.p_value == pytest.approx(34 / 70)


def test_two_sided_counts_ties_as_no_more_probable() -> None:
    # Symmetric margins: both tails have exactly the same probability.
    result = fisher_exact([table(2, 20, 9, 20)])
    assert result.p_value == pytest.approx(2 * result.p_upper)


def test_limits_have_half_the_error_each() -> None:
    result = fisher_exact([table(3, 10, 9, 10)], level=0.9)

    def tail(odds_ratio, xs):
        weights = [math.comb(10, x) * math.comb(10, 12 - x) * odds_ratio**x for x in range(2, 11)]
        return float(sum(weights[x - 2] for x in xs) / sum(weights))

    assert tail(Fraction(result.interval.low), range(9, 11)) == pytest.approx(0.05)
    assert tail(Fraction(result.interval.high), range(2, 10)) == pytest.approx(0.05)


def test_order_of_strata_and_direction_of_arms_do_not_matter() -> None:
    strata = [table(4, 30, 9, 20), table(1, 9, 2, 30)]
    one, other = fisher_exact(strata), fisher_exact(list(reversed(strata)))
    assert one.odds_ratio == pytest.approx(other.odds_ratio)
    mirrored = fisher_exact([s.swapped for s in strata])
    assert one.odds_ratio == pytest.approx(1 / mirrored.odds_ratio)
    assert one.interval.low == pytest.approx(1 / mirrored.interval.high)
    assert one.p_value == pytest.approx(mirrored.p_value)


def test_ends_are_named() -> None:
    none = fisher_exact([table(5, 10, 0, 10)])
    assert none.odds_ratio == 0.0
    assert none.interval.low == 0.0
    assert none.interval.high is not None
    every = fisher_exact([table(0, 10, 5, 10)])
    assert every.odds_ratio is None
    assert every.interval.high is None
    assert "infinite" in every.note
    silent = fisher_exact([table(0, 10, 0, 10)])
    assert silent.odds_ratio is None
    assert silent.p_value == 1.0
    assert (silent.interval.low, silent.interval.high) == (0.0, None)
    assert "says nothing" in silent.note


def test_estimate_makes_the_seen_count_the_mean() -> None:
    batches = [
        Margins(n_control=12, n_arm=8, successes=6),
        Margins(n_control=4, n_arm=9, successes=5),
    ]
    estimate, note = conditional_odds_ratio(batches, 7)
    assert note == ""
    mean = 0.0
    for m in batches:
        weights = [
            math.comb(m.n_arm, x) * math.comb(m.n_control, m.successes - x) * estimate**x
            for x in range(m.lowest, m.highest + 1)
        ]
        mean += sum(x * w for x, w in enumerate(weights, start=m.lowest)) / sum(weights)
    assert mean == pytest.approx(7.0)


def test_strata_are_needed_and_level_is_a_probability() -> None:
    with pytest.raises(InputError):
        fisher_exact([])
    with pytest.raises(InputError) as error:
        fisher_exact([table(1, 4, 3, 4)], level=95)
    assert error.value.field == "level"


def test_no_root_is_an_error() -> None:
    with pytest.raises(ConvergenceError):
        root_from(lambda x: 1.0, 0.0)
    with pytest.raises(ConvergenceError):
        root_from(lambda x: math.nan, 0.0)
