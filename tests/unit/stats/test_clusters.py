"""Clusters: jackknife, randomisation test and its inversion, and refusal."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.clusters import Clusters, cluster_effect, design_effect
from testkit.stats.means import welch
from testkit.stats.moments import Moments


def draw(seed, groups, shift=0.0):
    rng = np.random.default_rng(seed)
    units = rng.integers(5, 40, groups)
    return Clusters(
        units=tuple(map(float, units)),
        totals=tuple(float(n * (1 + shift + rng.normal())) for n in units),
    )


def test_clusters_of_one_person_are_welch():
    """With size 1 the jackknife variance of a mean is s^2 / n exactly."""
    values = np.random.default_rng(1).normal(size=(2, 30))
    arms = [Clusters(units=(1.0,) * 30, totals=tuple(v)) for v in values.tolist()]
    ours = cluster_effect(control=arms[0], treatment=arms[1])
    plain = welch(control=Moments.from_values(values[0]), treatment=Moments.from_values(values[1]))
    assert ours.method == "jackknife"
    assert (ours.effect.se, ours.effect.df) == pytest.approx((plain.se, plain.df), rel=1e-9)


def test_twenty_clusters_use_the_jackknife_and_nineteen_the_lottery():
    assert cluster_effect(control=draw(1, 20), treatment=draw(2, 20)).method == "jackknife"
    few = cluster_effect(
        control=draw(1, 19), treatment=draw(2, 20), rng=np.random.default_rng(3), draws=999
    )
    assert (few.method, few.exact, few.assignments) == ("permutation", False, 1000)


def brute_p(control, treatment, effect):
    """Two-sided randomisation p of a constant effect, from the definition."""
    units = np.array(control.units + treatment.units)
    totals = np.array(control.totals + treatment.totals)
    first = len(control.units)
    totals[first:] -= effect * units[first:]
    observed, count, every = None, 0, 0
    statistics = []
    for members in itertools.combinations(range(len(units)), len(treatment.units)):
        inside = np.isin(np.arange(len(units)), members)
        statistic = totals[inside].sum() / units[inside].sum() - (
            totals[~inside].sum() / units[~inside].sum()
        )
        statistics.append(statistic)
        if members == tuple(range(first, len(units))):
            observed = statistic
    every = len(statistics)
    count = sum(abs(s) >= abs(observed) - 1e-9 for s in statistics)
    return count / every


@pytest.mark.parametrize(("a", "b"), [(4, 4), (5, 4), (3, 6)])
def test_the_randomisation_test_is_its_definition(a, b):
    control, treatment = draw(5, a), draw(6, b, shift=2.0)
    ours = cluster_effect(control=control, treatment=treatment)
    assert ours.exact
    assert ours.assignments == math.comb(a + b, b)
    assert ours.effect.p_value == pytest.approx(brute_p(control, treatment, 0.0))


# With 126 assignments 1/14 is nine of them exactly: p = alpha rejects.
@pytest.mark.parametrize("alpha", [0.1, 1 / 14])
@pytest.mark.parametrize("seed", range(4))
def test_the_interval_is_what_the_randomisation_test_does_not_reject(seed, alpha):
    control, treatment = draw(seed, 4), draw(seed + 50, 5, shift=1.0)
    low, high = cluster_effect(control=control, treatment=treatment, alpha=alpha).effect.interval
    nudge = 1e-4
    assert brute_p(control, treatment, low + nudge) > alpha + 1e-9
    assert brute_p(control, treatment, high - nudge) > alpha + 1e-9
    assert brute_p(control, treatment, low - nudge) <= alpha + 1e-9
    assert brute_p(control, treatment, high + nudge) <= alpha + 1e-9


def test_too_few_clusters_for_any_small_p_are_refused():
    # 3 and 3 clusters allow 20 assignments, and the mirror image counts: p >= 0.1.
    result = cluster_effect(control=draw(1, 3), treatment=draw(2, 3))
    assert result.method == "refused"
    assert result.effect.estimate is not None
    assert result.effect.p_value is None
    assert "20 assignments" in result.effect.reason
    assert cluster_effect(control=draw(1, 3), treatment=draw(2, 3), alpha=0.1).method == (
        "permutation"
    )


def test_the_same_seed_gives_the_same_answer():
    arms = {"control": draw(1, 12), "treatment": draw(2, 12)}
    first, second = (
        cluster_effect(**arms, rng=np.random.default_rng(9), draws=999) for _ in range(2)
    )
    assert first == second


def test_arms_without_any_spread_give_no_interval():
    flat = Clusters(units=(5.0,) * 20, totals=(10.0,) * 20)
    effect = cluster_effect(control=flat, treatment=flat).effect
    assert effect.interval is None
    assert effect.reason


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: Clusters(units=(1.0,), totals=(1.0, 2.0)), "totals"),
        (lambda: Clusters(units=(0.0,), totals=(1.0,)), "units"),
        (lambda: Clusters(units=(), totals=()), "units"),
        (lambda: Clusters(units=(1.0,), totals=(math.nan,)), "totals"),
        (lambda: cluster_effect(control=draw(1, 5), treatment=draw(2, 5), alpha=0), "alpha"),
        (lambda: cluster_effect(control=draw(1, 12), treatment=draw(2, 12)), "rng"),
        (
            lambda: cluster_effect(
                control=draw(1, 12),
                treatment=draw(2, 12),
                rng=np.random.default_rng(1),
                draws=10,
            ),
            "draws",
        ),
    ],
)
def test_impossible_arguments_are_refused_by_field(call, field):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field


def test_people_who_all_do_as_their_household_does_are_worth_one_household():
    """Sizes equal, outcomes all or nothing: the design effect is size x m / (m - 1)."""
    arm = Clusters(units=(4.0,) * 50, totals=(4.0,) * 20 + (0.0,) * 30)
    assert design_effect(control=arm, treatment=arm) == pytest.approx(4 * 50 / 49, rel=1e-12)


def test_people_who_live_alone_are_worth_themselves():
    arm = Clusters(units=(1.0,) * 60, totals=(1.0,) * 20 + (0.0,) * 40)
    assert design_effect(control=arm, treatment=arm) == pytest.approx(60 / 59, rel=1e-12)


def test_where_nobody_did_it_the_design_effect_is_the_largest_possible():
    arm = Clusters(units=(1.0, 2.0, 3.0), totals=(0.0, 0.0, 0.0))
    # The average person lives in a household of (1 + 4 + 9) / 6.
    assert design_effect(control=arm, treatment=arm) == pytest.approx(14 / 6, rel=1e-12)


def test_a_total_above_the_size_of_its_cluster_is_no_count():
    good = Clusters(units=(2.0, 2.0), totals=(1.0, 0.0))
    with pytest.raises(InputError, match="treatment"):
        design_effect(control=good, treatment=Clusters(units=(2.0, 2.0), totals=(3.0, 0.0)))
    with pytest.raises(InputError, match="1 clusters"):
        design_effect(control=good, treatment=Clusters(units=(2.0,), totals=(1.0,)))
