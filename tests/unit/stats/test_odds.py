"""Odds ratios: score, logit, Mantel-Haenszel, and the rates that belong to one."""

from __future__ import annotations

import math

import pytest

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo
from testkit.stats.odds import (
    mantel_haenszel_odds_ratio,
    odds_ratio_logit_interval,
    odds_ratio_score_interval,
    rates_at_odds_ratio,
)


def table(control, n_control, arm, n_arm):
    return TwoByTwo(successes_control=control, n_control=n_control, successes_arm=arm, n_arm=n_arm)


@pytest.mark.parametrize("odds_ratio", [1e-6, 0.2, 1.0, 3.0, 1e6])
@pytest.mark.parametrize("successes", [1, 60, 130, 199])
def test_rates_at_an_odds_ratio_have_it_and_keep_the_successes(odds_ratio, successes) -> None:
    control, arm = rates_at_odds_ratio(
        n_control=80, n_arm=120, successes=successes, odds_ratio=odds_ratio
    )
    assert 80 * control + 120 * arm == pytest.approx(successes)
    assert arm * (1 - control) == pytest.approx(odds_ratio * control * (1 - arm), rel=1e-6)


def test_rates_at_the_ends_put_all_successes_on_one_side() -> None:
    assert rates_at_odds_ratio(n_control=10, n_arm=20, successes=15, odds_ratio=0.0) == (1.0, 0.25)
    assert rates_at_odds_ratio(n_control=10, n_arm=20, successes=15, odds_ratio=math.inf) == (
        0.0,
        0.75,
    )
    with pytest.raises(InputError):
        rates_at_odds_ratio(n_control=10, n_arm=20, successes=15, odds_ratio=math.nan)


@pytest.mark.parametrize("function", [odds_ratio_score_interval, odds_ratio_logit_interval])
def test_exchanging_arms_or_outcomes_inverts_the_odds_ratio(function) -> None:
    one = function(table(12, 300, 25, 200))
    for other in (table(25, 200, 12, 300), table(288, 300, 175, 200)):
        mirrored = function(other)
        assert one.low == pytest.approx(1 / mirrored.high)
        assert one.high == pytest.approx(1 / mirrored.low)


def test_score_limits_follow_empty_cells() -> None:
    assert odds_ratio_score_interval(table(5, 100, 0, 100)).low == 0.0
    assert odds_ratio_score_interval(table(100, 100, 95, 100)).low == 0.0
    assert odds_ratio_score_interval(table(0, 100, 5, 100)).high is None
    assert odds_ratio_score_interval(table(95, 100, 100, 100)).high is None
    silent = odds_ratio_score_interval(table(0, 100, 0, 100))
    assert (silent.low, silent.high) == (0.0, None)


def test_logit_needs_every_cell() -> None:
    interval = odds_ratio_logit_interval(table(0, 100, 5, 100))
    assert (interval.low, interval.high) == (None, None)
    assert interval.note


def test_small_sample_interval_is_wider() -> None:
    plain = odds_ratio_score_interval(table(3, 20, 9, 20))
    corrected = odds_ratio_score_interval(table(3, 20, 9, 20), small_sample=True)
    assert corrected.low < plain.low
    assert corrected.high > plain.high


def test_one_stratum_has_the_plain_odds_ratio() -> None:
    pooled = mantel_haenszel_odds_ratio([table(10, 100, 20, 100)])
    assert pooled.estimate == pytest.approx(20 * 90 / (10 * 80))
    woolf = odds_ratio_logit_interval(table(10, 100, 20, 100))
    # For one stratum the Robins-Breslow-Greenland variance is Woolf's.
    assert (pooled.interval.low, pooled.interval.high) == pytest.approx((woolf.low, woolf.high))


def test_base_rates_that_differ_do_not_bias_the_pooled_odds_ratio() -> None:
    # Odds ratio 2 in each stratum (odds 1:9 -> 2:9 and 1:1 -> 2:1), very different allocation.
    strata = [table(100, 1000, 200, 1100), table(300, 600, 2000, 3000)]
    assert mantel_haenszel_odds_ratio(strata).estimate == pytest.approx(2.0)


def test_missing_cells_give_no_interval() -> None:
    nothing = mantel_haenszel_odds_ratio([table(0, 10, 0, 10)])
    assert nothing.estimate is None
    assert nothing.interval.note
    zero = mantel_haenszel_odds_ratio([table(3, 10, 0, 10)])
    assert zero.estimate == 0.0
    assert zero.interval.high is None
    with pytest.raises(InputError):
        mantel_haenszel_odds_ratio([])
