"""Exact boundaries against brute force: every path written out, with rational probabilities."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo
from testkit.stats.effects import risk_difference, stratified_z
from testkit.stats.exact import (
    ExitProbabilities,
    TailPlan,
    critical_counts_from_z,
    exact_boundaries,
    exit_probabilities,
    first_crossing,
)
from testkit.stats.hypergeometric import Margins
from testkit.stats.walk import START, CriticalCounts, Walk, critical_count, step


def linear(t, alpha):
    return alpha * t


def obrien_fleming(t, alpha):
    # Lan & DeMets (1983), written with erfc: 2 - 2 Phi(z / sqrt t).
    low, high = 0.0, 40.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erfc(middle / 2**0.5) > alpha else (low, middle)
    return math.erfc(low / math.sqrt(2 * t))


def brute_paths(waves, odds_ratio=1):
    """Every path of cumulative counts with its probability, by multiplying binomials."""
    per_wave = []
    for wave in waves:
        options = []
        ranges = [range(m.lowest, m.highest + 1) for m in wave]
        for split in itertools.product(*ranges):
            weight = Fraction(1)
            for m, x in zip(wave, split, strict=True):
                ways = math.comb(m.n_arm, x) * math.comb(m.n_control, m.successes - x)
                weight *= ways * Fraction(odds_ratio) ** x
            options.append((sum(split), weight))
        total = sum(weight for _, weight in options)
        per_wave.append([(x, weight / total) for x, weight in options])
    for steps in itertools.product(*per_wave):
        counts = tuple(itertools.accumulate(x for x, _ in steps))
        yield counts, math.prod((w for _, w in steps), start=Fraction(1))


def brute_boundaries(waves, allowed_low, allowed_high):
    """Largest tails that fit, found by trying every count on the list of all paths.

    The last look, which may spend all that is left, orders equal counts by the count before.
    Yields for each look the paths that stop on either side, and what has been spent.
    """
    alive = list(brute_paths(waves))
    spent = {"upper": Fraction(0), "lower": Fraction(0)}
    allowed = {"upper": allowed_high, "lower": allowed_low}
    for k in range(len(waves)):
        last = k == len(waves) - 1

        def place(counts, k=k, last=last):
            return (counts[k], counts[k - 1] if last and k else 0)

        stops = {}
        for side, turn in (("upper", True), ("lower", False)):
            taken = Fraction(0)
            stops[side] = set()
            for value in sorted({place(counts) for counts, _ in alive}, reverse=turn):
                own = sum(p for counts, p in alive if place(counts) == value)
                if spent[side] + taken + own > Fraction(allowed[side][k]):
                    break
                taken += own
                stops[side] |= {counts for counts, _ in alive if place(counts) == value}
            spent[side] += taken
        yield [counts for counts, _ in alive], stops, dict(spent)
        alive = [(c, p) for c, p in alive if c not in stops["upper"] | stops["lower"]]


CASES = {
    "equal arms": [
        [Margins(n_control=8, n_arm=8, successes=5)],
        [Margins(n_control=8, n_arm=8, successes=6)],
        [Margins(n_control=6, n_arm=6, successes=4)],
    ],
    "unequal arms, drifting rates": [
        [Margins(n_control=12, n_arm=4, successes=3)],
        [Margins(n_control=9, n_arm=3, successes=8)],
        [Margins(n_control=3, n_arm=9, successes=5)],
    ],
    "strata inside a wave": [
        [
            Margins(n_control=5, n_arm=4, successes=3),
            Margins(n_control=3, n_arm=6, successes=4),
        ],
        [
            Margins(n_control=4, n_arm=4, successes=2),
            Margins(n_control=7, n_arm=2, successes=3),
        ],
    ],
    "nearly everybody converts": [
        [Margins(n_control=5, n_arm=5, successes=8)],
        [Margins(n_control=6, n_arm=4, successes=9)],
    ],
    "a wave without a success": [
        [Margins(n_control=10, n_arm=10, successes=0)],
        [Margins(n_control=10, n_arm=10, successes=9)],
    ],
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("spending", [linear, obrien_fleming])
@pytest.mark.parametrize("alpha", [0.025, 0.2])
def test_boundaries_equal_brute_force(name, spending, alpha) -> None:
    waves = CASES[name]
    fractions = [(k + 1) / len(waves) for k in range(len(waves))]
    upper = TailPlan(alpha=alpha, spending=spending)
    lower = TailPlan(alpha=alpha / 2, spending=linear)
    plan = exact_boundaries(waves, fractions=fractions, upper=upper, lower=lower)
    expected = brute_boundaries(
        waves, [linear(t, alpha / 2) for t in fractions], [spending(t, alpha) for t in fractions]
    )
    assert [look.look for look in plan.looks] == list(range(1, len(waves) + 1))
    for k, (look, (alive, stops, spent)) in enumerate(zip(plan.looks, expected, strict=True)):
        for counts in alive:
            side = next((s for s in stops if counts in stops[s]), None)
            assert look.critical.side(counts[k], before=counts[k - 1] if k else 0) == side
        assert look.spent_low == pytest.approx(float(spent["lower"]), abs=1e-13)
        assert look.spent_high == pytest.approx(float(spent["upper"]), abs=1e-13)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("odds_ratio", [Fraction(1), Fraction(3), Fraction(1, 4)])
def test_exit_probabilities_equal_brute_force(name, odds_ratio) -> None:
    waves = CASES[name]
    fractions = [(k + 1) / len(waves) for k in range(len(waves))]
    side = TailPlan(alpha=0.2, spending=linear)
    plan = exact_boundaries(waves, fractions=fractions, upper=side, lower=side)
    upper, lower = [0.0] * len(waves), [0.0] * len(waves)
    for counts, p in brute_paths(waves, odds_ratio):
        crossing = first_crossing(plan.critical, counts)
        if crossing is not None:
            (upper if crossing[1] == "upper" else lower)[crossing[0] - 1] += float(p)
    exits = exit_probabilities(plan, odds_ratio=float(odds_ratio))
    assert exits.upper == pytest.approx(upper, abs=1e-13)
    assert exits.lower == pytest.approx(lower, abs=1e-13)


def test_one_look_is_fishers_exact_test() -> None:
    # scipy.stats.hypergeom, an independent implementation of the same tail.
    from scipy.stats import hypergeom

    margins = Margins(n_control=9000, n_arm=1000, successes=40)
    law = hypergeom(10_000, 1000, 40)
    plan = exact_boundaries(
        [margins],
        fractions=[1.0],
        upper=TailPlan(alpha=0.025, spending=linear),
        lower=TailPlan(alpha=0.025, spending=linear),
    )
    look = plan.looks[0]
    assert law.sf(look.critical.high - 1) == pytest.approx(look.spent_high, rel=1e-9)
    assert law.sf(look.critical.high - 2) > 0.025
    assert look.critical.low is None or law.cdf(look.critical.low + 1) > 0.025
    assert look.expected == pytest.approx(4.0)


def test_unspent_error_carries_over() -> None:
    wave = [Margins(n_control=40, n_arm=40, successes=4)]
    half = TailPlan(alpha=0.1, spending=linear)
    together = exact_boundaries([wave] * 3, fractions=[1 / 3, 2 / 3, 1.0], upper=half)
    for look in together.looks:
        assert look.spent_high <= look.allowed_high
    # The first look could spend 0.033, but its smallest tail is C(40,4)/C(80,4) = 0.058.
    assert together.looks[0].spent_high == 0.0
    assert together.looks[-1].spent_high > 2 * 0.1 / 3


def test_sides_spend_apart() -> None:
    waves = CASES["equal arms"]
    fractions = [1 / 3, 2 / 3, 1.0]
    small, large = (TailPlan(alpha=a, spending=linear) for a in (0.01, 0.2))
    plan = exact_boundaries(waves, fractions=fractions, upper=small, lower=large)
    assert plan.looks[-1].spent_high <= 0.01 < plan.looks[-1].spent_low <= 0.2
    swapped = exact_boundaries(waves, fractions=fractions, upper=large, lower=small)
    # Arms of equal size: exchanging arm and control mirrors the counts.
    for one, other in zip(plan.looks, swapped.looks, strict=True):
        if one.critical.low is not None:
            assert other.critical.high == one.successes - one.critical.low


def test_a_side_that_is_not_planned_never_stops() -> None:
    plan = exact_boundaries(
        CASES["equal arms"],
        fractions=[1 / 3, 2 / 3, 1.0],
        upper=TailPlan(alpha=0.2, spending=linear),
    )
    assert all(look.critical.low is None for look in plan.looks)
    assert exit_probabilities(plan, odds_ratio=0.01).crosses_lower == 0.0


def test_nothing_to_spend_means_no_stop() -> None:
    plan = exact_boundaries(
        CASES["equal arms"],
        fractions=[1 / 3, 2 / 3, 1.0],
        upper=TailPlan(alpha=0.2, spending=lambda t, alpha: alpha if t == 1.0 else 0.0),
    )
    assert plan.looks[0].critical.high is None
    assert plan.looks[1].critical.high is None
    assert plan.looks[2].critical.high is not None


def test_realised_counts_stay_and_what_they_overspent_is_missing_later() -> None:
    waves = [[Margins(n_control=30, n_arm=30, successes=10)]] * 3
    fractions = [1 / 3, 2 / 3, 1.0]
    side = TailPlan(alpha=0.025, spending=linear)
    greedy = CriticalCounts(low=None, high=8)
    plan = exact_boundaries(waves, fractions=fractions, upper=side, realised=[greedy])
    fresh = exact_boundaries(waves, fractions=fractions, upper=side)
    assert plan.looks[0].critical == greedy
    assert plan.looks[0].realised
    assert not plan.looks[1].realised
    assert plan.looks[0].spent_high > plan.looks[0].allowed_high
    # P(X >= 8) = 0.036 is more than the whole 0.025: nothing is left for the rest.
    assert plan.looks[1].critical.high is None
    assert plan.looks[2].critical.high is None
    assert fresh.looks[2].critical.high is not None


def test_mid_p_forgives_half_of_the_critical_count() -> None:
    wave = [Margins(n_control=60, n_arm=60, successes=12)]
    strict, mid = (
        exact_boundaries(
            [wave],
            fractions=[1.0],
            upper=TailPlan(alpha=0.04, spending=linear),
            tail=tail,
        )
        for tail in ("exact", "mid-p")
    )
    law = [math.comb(60, x) * math.comb(60, 12 - x) / math.comb(120, 12) for x in range(13)]
    count = mid.looks[0].critical.high
    assert sum(law[count:]) - law[count] / 2 <= 0.04 < sum(law[count - 1 :]) - law[count - 1] / 2
    assert strict.looks[0].critical.high == count + 1
    assert mid.looks[0].spent_high == pytest.approx(sum(law[count:]))
    assert mid.tail == "mid-p"


@pytest.mark.parametrize("stratified", [True, False])
def test_z_bounds_become_the_counts_where_z_crosses(stratified) -> None:
    waves = [
        [Margins(n_control=300, n_arm=100, successes=12)],
        [
            Margins(n_control=200, n_arm=100, successes=30),
            Margins(n_control=50, n_arm=150, successes=40),
        ],
    ]
    bounds = critical_counts_from_z(
        waves, lower_z=[-1.5, None], upper_z=[1.2, 2.0], stratified=stratified
    )

    def z(look, arm_counts):
        batches = [m for wave in waves[: look + 1] for m in wave]
        found = [
            TwoByTwo(
                successes_control=m.successes - x,
                n_control=m.n_control,
                successes_arm=x,
                n_arm=m.n_arm,
            )
            for m, x in zip(batches, arm_counts, strict=True)
        ]
        if stratified:
            return stratified_z(found).z
        return risk_difference(
            successes_control=sum(t.successes_control for t in found),
            n_control=sum(t.n_control for t in found),
            successes_arm=sum(t.successes_arm for t in found),
            n_arm=sum(t.n_arm for t in found),
        ).z

    assert z(0, [bounds[0].high]) >= 1.2 > z(0, [bounds[0].high - 1])
    assert z(0, [bounds[0].low]) <= -1.5 < z(0, [bounds[0].low + 1])
    rest = bounds[1].high - 5 - 12
    assert 0 < rest <= 40
    assert z(1, [5, 12, rest]) >= 2.0 > z(1, [5, 12, rest - 1])
    # Only the sum matters, however it falls on the batches.
    assert z(1, [5, 12, rest]) == pytest.approx(z(1, [7, 13, rest - 3]))
    assert bounds[1].low is None


def test_stratified_and_pooled_z_differ_when_rates_and_allocation_drift() -> None:
    waves = [
        [Margins(n_control=900, n_arm=100, successes=20)],
        [Margins(n_control=100, n_arm=900, successes=200)],
    ]
    stratified, pooled = (
        critical_counts_from_z(
            waves, lower_z=[None, None], upper_z=[2.0, 2.0], stratified=stratified
        )
        for stratified in (True, False)
    )
    assert stratified[0] == pooled[0]
    # 2 + 180 expected inside the waves, 110 when they are thrown together.
    assert stratified[1].high > 182 > pooled[1].high > 110


def test_a_look_without_success_has_no_critical_count() -> None:
    wave = [Margins(n_control=400, n_arm=400, successes=0)]
    assert critical_counts_from_z([wave], lower_z=[-1.0], upper_z=[1.0])[0] == CriticalCounts(
        low=None, high=None
    )


def test_a_z_exactly_on_its_bound_stops() -> None:
    # s = 30 of 40 in equal arms of 400: z is sqrt-free rational times a known root; use its value.
    z = risk_difference(successes_control=10, n_control=400, successes_arm=30, n_arm=400).z
    wave = [Margins(n_control=400, n_arm=400, successes=40)]
    assert critical_counts_from_z([wave], lower_z=[-z], upper_z=[z])[0] == CriticalCounts(
        low=10, high=30
    )


def test_bound_out_of_reach_never_stops() -> None:
    wave = [Margins(n_control=400, n_arm=400, successes=3)]
    assert critical_counts_from_z([wave], lower_z=[-3.0], upper_z=[3.0])[0] == CriticalCounts(
        low=None, high=None
    )


def test_switch_from_z_keeps_the_total_error() -> None:
    waves = [[Margins(n_control=5000, n_arm=5000, successes=40)]] * 4
    past = critical_counts_from_z(waves[:2], lower_z=[-3.9, -2.8], upper_z=[3.9, 2.8])
    side = TailPlan(alpha=0.025, spending=obrien_fleming)
    plan = exact_boundaries(
        waves, fractions=[0.25, 0.5, 0.75, 1.0], upper=side, lower=side, realised=past
    )
    exits = exit_probabilities(plan)
    assert plan.critical[:2] == past
    assert exits.crosses_upper <= 0.025
    assert exits.crosses_lower <= 0.025
    assert exits.crosses_upper == pytest.approx(plan.looks[-1].spent_high, abs=1e-14)


def test_first_crossing_is_the_first() -> None:
    rules = [CriticalCounts(low=1, high=5), CriticalCounts(low=4, high=9)]
    assert first_crossing(rules, [3]) is None
    assert first_crossing(rules, [5, 9]) == (1, "upper")
    assert first_crossing(rules, [1, 9]) == (1, "lower")
    assert first_crossing(rules, [2, 4]) == (2, "lower")


def test_expected_share_counts_tests_that_never_stop_in_full() -> None:
    exits = ExitProbabilities(odds_ratio=1.0, upper=(0.1, 0.2), lower=(0.0, 0.1))
    assert exits.expected_share([0.5, 1.0]) == pytest.approx(0.1 * 0.5 + 0.3 * 1.0 + 0.6 * 1.0)
    with pytest.raises(InputError):
        exits.expected_share([1.0])


def test_critical_count_refuses_a_tail_that_fits_only_by_rounding() -> None:
    assert critical_count(START, "upper", spent=0.0, allowed=1.0, tail="exact") is None
    assert critical_count(START, "upper", spent=0.0, allowed=1.1, tail="exact") == 0


def margins(**changed):
    return Margins(**{"n_control": 10, "n_arm": 10, "successes": 3, **changed})


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"n_arm": 0}, "n_arm"),
        ({"n_control": -5}, "n_control"),
        ({"successes": 21}, "successes"),
        ({"successes": -1}, "successes"),
        ({"successes": math.nan}, "successes"),
        ({"successes": 1.5}, "successes"),
    ],
)
def test_margins_name_what_is_wrong(changed, field) -> None:
    with pytest.raises(InputError) as error:
        margins(**changed)
    assert error.value.field == field


SIDE = TailPlan(alpha=0.025, spending=linear)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"increments": []}, "increments"),
        ({"increments": [[]]}, "increments[0]"),
        ({"increments": [[(1, 2, 3)]]}, "increments[0]"),
        ({"fractions": [0.5, 1.0]}, "fractions"),
        ({"fractions": [0.0]}, "fractions[0]"),
        ({"fractions": [1.01]}, "fractions[0]"),
        ({"fractions": [math.nan]}, "fractions[0]"),
        ({"increments": [margins()] * 2, "fractions": [0.6, 0.5]}, "fractions"),
        ({"upper": None}, "upper"),
        ({"upper": TailPlan(alpha=0.5, spending=linear)}, "upper.alpha"),
        ({"lower": TailPlan(alpha=0.0, spending=linear)}, "lower.alpha"),
        ({"upper": TailPlan(alpha=0.025, spending=lambda t, a: math.nan)}, "spending"),
        ({"upper": TailPlan(alpha=0.025, spending=lambda t, a: 2 * a)}, "spending"),
        ({"upper": TailPlan(alpha=0.025, spending=lambda t, a: -a)}, "spending"),
        ({"tail": "midp"}, "tail"),
        ({"realised": [CriticalCounts(low=None, high=3)] * 2}, "realised"),
    ],
)
def test_boundaries_name_what_is_wrong(arguments, field) -> None:
    given = {"increments": [margins()], "fractions": [1.0], "upper": SIDE, **arguments}
    with pytest.raises(InputError) as error:
        exact_boundaries(given.pop("increments"), **given)
    assert error.value.field == field


def test_a_spending_function_may_not_fall() -> None:
    with pytest.raises(InputError) as error:
        exact_boundaries(
            [margins()] * 2,
            fractions=[0.5, 1.0],
            upper=TailPlan(alpha=0.025, spending=lambda t, a: a * (1 - t)),
        )
    assert "falls" in str(error.value)


@pytest.mark.parametrize("counts", [[], [1, 2], [-1], [math.nan]])
def test_first_crossing_checks_its_counts(counts) -> None:
    with pytest.raises(InputError) as error:
        first_crossing([CriticalCounts(low=1, high=5)], counts)
    assert error.value.field.startswith("successes_arm")


def test_cumulative_counts_do_not_fall() -> None:
    with pytest.raises(InputError):
        first_crossing([CriticalCounts(low=None, high=5)] * 2, [3, 2])


@pytest.mark.parametrize(
    ("lower", "upper", "field"),
    [
        ([-1.0, -1.0], [1.0], "lower_z"),
        ([1.0], [1.0], "lower_z"),
        ([0.0], [1.0], "lower_z"),
        ([-1.0], [0.0], "upper_z"),
        ([-1.0], [-1.0], "upper_z"),
        ([-1.0], [math.nan], "upper_z"),
    ],
)
def test_z_bounds_have_a_side(lower, upper, field) -> None:
    with pytest.raises(InputError) as error:
        critical_counts_from_z([margins()], lower_z=lower, upper_z=upper)
    assert error.value.field == field


@pytest.mark.parametrize("odds_ratio", [0.0, -1.0, math.inf, math.nan])
def test_odds_ratio_is_positive_and_finite(odds_ratio) -> None:
    plan = exact_boundaries([margins()], fractions=[1.0], upper=SIDE)
    with pytest.raises(InputError) as error:
        exit_probabilities(plan, odds_ratio=odds_ratio)
    assert error.value.field == "odds_ratio"


def test_z_bounds_of_very_few_successes() -> None:
    # One success in equal arms: z is +1 or -1, on either side of a bound of 0.9.
    wave = [Margins(n_control=400, n_arm=400, successes=1)]
    assert critical_counts_from_z([wave], lower_z=[-0.9], upper_z=[0.9])[0] == CriticalCounts(
        low=0, high=1
    )


def test_tails_of_a_walk_reach_beyond_its_ends() -> None:
    walk = Walk(3, np.array([0.1, 0.2, 0.3]))
    assert walk.tail(4, "upper") == (pytest.approx(0.5), 0.2)
    assert walk.tail(4, "lower") == (pytest.approx(0.3), 0.2)
    assert walk.tail(1, "upper") == (pytest.approx(0.6), 0.0)
    assert walk.tail(1, "lower") == (0.0, 0.0)
    assert walk.tail(9, "upper") == (0.0, 0.0)
    assert walk.tail(9, "lower") == (pytest.approx(0.6), 0.0)


def test_a_walk_that_has_stopped_stays_empty() -> None:
    everything = CriticalCounts(low=None, high=0)
    ended = START.inside(everything)
    assert ended.mass.size == 0
    again = step(ended, 2, np.array([0.5, 0.5]))
    assert again.mass.size == 0
    assert again.start == 2
    assert again.outside(everything) == (0.0, 0.0)
    assert critical_count(again, "upper", spent=0.0, allowed=0.1, tail="exact") is None


def test_before_the_first_look_the_arm_had_nothing() -> None:
    tied = [CriticalCounts(low=1, high=9, low_before=0, high_before=1)]
    assert first_crossing(tied, [2]) == (1, tied[0].side(2)) == (1, "lower")
    assert first_crossing(tied, [8]) is None
