"""Inference after and before the stop, against every outcome written out.

Coverage and median bias are enumerated, not simulated: for a given odds ratio the probabilities of
all stopping outcomes of a small plan are multiplied out as fractions.
"""

from __future__ import annotations

import functools
import itertools
import math
from fractions import Fraction

import pytest

from testkit.errors import InputError, StateError
from testkit.stats.exact import TailPlan, exact_boundaries, first_crossing
from testkit.stats.exact_inference import difference_at_odds_ratio, stagewise_inference
from testkit.stats.exact_repeated import repeated_inference, sequential_p_value
from testkit.stats.hypergeometric import Margins


def linear(t, alpha):
    return alpha * t


WAVES = (
    (Margins(n_control=5, n_arm=8, successes=6),),
    (
        Margins(n_control=6, n_arm=4, successes=3),
        Margins(n_control=3, n_arm=6, successes=3),
    ),
    (Margins(n_control=9, n_arm=9, successes=7),),
)
FRACTIONS = (0.35, 0.7, 1.0)
SIDE = TailPlan(alpha=0.1, spending=linear)


@functools.cache
def plan(tail="exact", lower=True):
    return exact_boundaries(
        WAVES, fractions=FRACTIONS, upper=SIDE, lower=SIDE if lower else None, tail=tail
    )


def paths(odds_ratio):
    """Every path of cumulative counts of the arm with its probability."""
    per_wave = []
    for wave in WAVES:
        weights: dict[int, Fraction] = {}
        for split in itertools.product(*(range(m.lowest, m.highest + 1) for m in wave)):
            weight = math.prod(
                (
                    Fraction(math.comb(m.n_arm, x) * math.comb(m.n_control, m.successes - x))
                    * Fraction(odds_ratio) ** x
                    for m, x in zip(wave, split, strict=True)
                ),
                start=Fraction(1),
            )
            weights[sum(split)] = weights.get(sum(split), Fraction(0)) + weight
        total = sum(weights.values())
        per_wave.append([(x, w / total) for x, w in weights.items()])
    for steps in itertools.product(*per_wave):
        counts = tuple(itertools.accumulate(x for x, _ in steps))
        yield counts, math.prod((w for _, w in steps), start=Fraction(1))


@functools.cache
def outcomes(odds_ratio, tail="exact", lower=True):
    """Probability of every stopping outcome (counts up to the stop)."""
    critical = plan(tail, lower).critical
    found: dict[tuple[int, int, int], Fraction] = {}
    example: dict[tuple[int, int, int], tuple[int, ...]] = {}
    for counts, p in paths(odds_ratio):
        crossing = first_crossing(critical, counts)
        look = crossing[0] if crossing else len(WAVES)
        # The last look orders equal counts by the count before; mid-p does without.
        before = counts[look - 2] if look == len(WAVES) and tail == "exact" else 0
        key = (look, counts[look - 1], before)
        found[key] = found.get(key, Fraction(0)) + p
        example[key] = counts[:look]
    return found, example


def order(key, tail="exact", lower=True):
    """Sort key of the stage-wise ordering, written down from its definition."""
    look, count, before = key
    side = plan(tail, lower).critical[look - 1].side(count, before=before)
    if look == len(WAVES) or side is None:
        return (0, 0, count, before)
    return (1, -look, count, 0) if side == "upper" else (-1, look, count, 0)


def brute_tail(key, odds_ratio, *, upwards):
    found, _ = outcomes(odds_ratio)
    mine = order(key)
    return float(
        sum(p for k, p in found.items() if (order(k) >= mine if upwards else order(k) <= mine))
    )


ALL_KEYS = sorted(outcomes(1)[0])


@pytest.mark.parametrize("key", ALL_KEYS)
def test_stagewise_p_values_are_tails_of_the_ordering(key) -> None:
    result = stagewise_inference(plan(), successes_arm=outcomes(1)[1][key])
    assert result.p_upper == pytest.approx(brute_tail(key, 1, upwards=True), abs=1e-12)
    assert result.p_lower == pytest.approx(brute_tail(key, 1, upwards=False), abs=1e-12)
    assert result.p_value == pytest.approx(min(1.0, 2 * min(result.p_upper, result.p_lower)))


@pytest.mark.parametrize("key", ALL_KEYS)
def test_stagewise_limits_are_where_the_tails_have_half_the_error(key) -> None:
    result = stagewise_inference(plan(), successes_arm=outcomes(1)[1][key], level=0.9)
    low, high = result.interval.low, result.interval.high
    if low > 0.0:
        assert brute_tail(key, Fraction(low), upwards=True) == pytest.approx(0.05, abs=1e-9)
    if high is not None:
        assert brute_tail(key, Fraction(high), upwards=False) == pytest.approx(0.05, abs=1e-9)


def test_limits_are_missing_only_where_no_odds_ratio_makes_the_tail_small() -> None:
    found, example = outcomes(1)
    for key in found:
        result = stagewise_inference(plan(), successes_arm=example[key])
        unbounded_below = brute_tail(key, Fraction(1, 10**9), upwards=True) > 0.5
        unbounded_above = brute_tail(key, Fraction(10**9), upwards=False) > 0.5
        assert (result.interval.low == 0.0) == unbounded_below
        assert (result.interval.high is None) == unbounded_above
        assert bool(result.interval.note) == unbounded_above


@pytest.mark.parametrize("key", ALL_KEYS)
def test_the_estimate_has_equal_chances_on_both_sides(key) -> None:
    result = stagewise_inference(plan(), successes_arm=outcomes(1)[1][key])
    if result.odds_ratio:
        at = Fraction(result.odds_ratio)
        own = float(outcomes(at)[0][key])
        above = brute_tail(key, at, upwards=True) - own / 2
        assert above == pytest.approx(0.5, abs=1e-9)
        assert result.interval.covers(result.odds_ratio)


@pytest.mark.parametrize("odds_ratio", [Fraction(1), Fraction(5, 2), Fraction(1, 3)])
def test_stagewise_coverage_is_at_least_its_level(odds_ratio) -> None:
    found, example = outcomes(odds_ratio)
    covered = sum(
        p
        for key, p in found.items()
        if stagewise_inference(plan(), successes_arm=example[key], level=0.8).interval.covers(
            float(odds_ratio)
        )
    )
    assert covered >= 0.8
    # Not vacuous: discreteness costs some, but the interval is not everything.
    assert covered < 0.97


@pytest.mark.parametrize("odds_ratio", [Fraction(1), Fraction(2), Fraction(1, 2)])
def test_the_estimate_is_median_unbiased_up_to_one_outcome(odds_ratio) -> None:
    found, example = outcomes(odds_ratio)
    below = above = Fraction(0)
    for key, p in found.items():
        estimate = stagewise_inference(plan(), successes_arm=example[key]).odds_ratio
        if estimate is None or estimate > odds_ratio:
            above += p
        else:
            below += p
    largest = max(found.values())
    assert abs(float(below) - 0.5) <= largest / 2
    assert abs(float(above) - 0.5) <= largest / 2


@pytest.mark.parametrize("tail", ["exact", "mid-p"])
def test_stagewise_interval_excludes_no_effect_exactly_when_the_test_rejects(tail) -> None:
    found, example = outcomes(1, tail)
    for key in found:
        result = stagewise_inference(plan(tail), successes_arm=example[key], level=0.8)
        crossed = first_crossing(plan(tail).critical, example[key])
        assert result.crossed == (crossed[1] if crossed else None)
        if tail == "exact":
            assert (result.interval.low > 1.0) == (result.crossed == "upper")
            assert (result.interval.high is not None and result.interval.high < 1.0) == (
                result.crossed == "lower"
            )
            assert (result.p_upper <= 0.1) == (result.crossed == "upper")
        else:
            assert "mid-p" in result.interval.method


def test_mid_p_leaves_out_half_of_the_own_outcome() -> None:
    found, example = outcomes(1, "mid-p")
    for key, p in found.items():
        result = stagewise_inference(plan("mid-p"), successes_arm=example[key])
        assert result.p_upper + result.p_lower == pytest.approx(1.0, abs=1e-12)
        assert result.p_upper > 0.0
        assert float(p) / 2 <= result.p_upper + 1e-15


def test_one_sided_plan_has_a_one_sided_p_value() -> None:
    _, example = outcomes(1, lower=False)
    for counts in example.values():
        result = stagewise_inference(plan(lower=False), successes_arm=counts)
        assert result.p_value == result.p_upper


def test_sides_with_different_errors_have_no_common_p_value() -> None:
    uneven = exact_boundaries(
        WAVES,
        fractions=FRACTIONS,
        upper=SIDE,
        lower=TailPlan(alpha=0.2, spending=linear),
    )
    result = repeated_inference(uneven, successes_arm=[2])
    assert result.p_value is None
    assert "different errors" in result.note
    assert result.interval.level == pytest.approx(0.7)


def test_stagewise_refuses_a_test_that_has_not_ended() -> None:
    with pytest.raises(StateError) as error:
        stagewise_inference(plan(), successes_arm=[2])
    assert error.value.current == "running"
    declared = stagewise_inference(plan(), successes_arm=[2], final=True)
    assert declared.look == 1


def test_stagewise_refuses_rows_after_the_stop() -> None:
    high = plan().critical[0].high
    with pytest.raises(StateError) as error:
        stagewise_inference(plan(), successes_arm=[high, high + 3])
    assert error.value.current == "stopped"
    assert repeated_inference(plan(), successes_arm=[high, high + 3]).crossed == "upper"


@pytest.mark.parametrize(
    ("counts", "field"),
    [
        ([], "successes_arm"),
        ([1, 2, 3, 4], "successes_arm"),
        ([7], "successes_arm[0]"),
        ([2, 1], "successes_arm[1]"),
        ([2, 2.5], "successes_arm[1]"),
        ([math.nan], "successes_arm[0]"),
    ],
)
def test_counts_must_fit_their_margins(counts, field) -> None:
    for function in (stagewise_inference, repeated_inference, sequential_p_value):
        with pytest.raises(InputError) as error:
            function(plan(), successes_arm=counts)
        assert error.value.field == field


def test_level_is_a_probability() -> None:
    _, example = outcomes(1)
    with pytest.raises(InputError):
        stagewise_inference(plan(), successes_arm=example[ALL_KEYS[0]], level=95)


def test_no_success_at_all_says_nothing() -> None:
    silent = exact_boundaries(
        [Margins(n_control=9, n_arm=9, successes=0)], fractions=[1.0], upper=SIDE, lower=SIDE
    )
    result = stagewise_inference(silent, successes_arm=[0])
    assert result.odds_ratio is None
    assert result.difference is None
    assert "say nothing" in result.note
    assert (result.interval.low, result.interval.high) == (0.0, None)
    assert result.p_value == 1.0


def test_far_tails_keep_their_digits() -> None:
    # All 40 successes on the arm: P = C(1000, 40) / C(2000, 40), by integers.
    wave = Margins(n_control=1000, n_arm=1000, successes=40)
    one = exact_boundaries([wave], fractions=[1.0], upper=SIDE, lower=SIDE)
    result = stagewise_inference(one, successes_arm=[40])
    expected = Fraction(math.comb(1000, 40), math.comb(2000, 40))
    assert result.p_upper == pytest.approx(float(expected), rel=1e-10)
    assert result.odds_ratio is None
    assert result.interval.high is None
    assert result.difference_interval.high == pytest.approx(0.04)


def test_difference_is_the_one_that_keeps_the_successes() -> None:
    batch = Margins(n_control=3000, n_arm=1000, successes=60)
    for odds_ratio in (0.25, 1.0, 1.7, 40.0):
        difference = difference_at_odds_ratio([batch], odds_ratio)
        control = (60 - 1000 * difference) / 4000
        arm = control + difference
        assert arm / (1 - arm) * (1 - control) / control == pytest.approx(odds_ratio)
    assert difference_at_odds_ratio([batch], 0.0) == pytest.approx(-60 / 3000)
    assert difference_at_odds_ratio([batch], math.inf) == pytest.approx(60 / 1000)


def test_mapped_interval_contains_the_mapped_estimate_and_says_that_it_is_approximate() -> None:
    _, example = outcomes(1)
    for counts in example.values():
        result = stagewise_inference(plan(), successes_arm=counts)
        assert "approximate" in result.difference_interval.method
        if result.difference is not None:
            assert result.difference_interval.covers(result.difference)


def test_overwhelming_evidence_keeps_both_tails() -> None:
    # 2,350 of 2,500 successes on one of two equal arms: far below the smallest float under the
    # null, where the other tail is 1 and must not get lost.
    wave = Margins(n_control=50_000, n_arm=50_000, successes=2500)
    side = TailPlan(alpha=0.025, spending=linear)
    plan = exact_boundaries([wave], fractions=[0.5], upper=side, lower=side)
    result = stagewise_inference(plan, successes_arm=[2350])
    assert result.p_upper < 1e-300
    assert result.p_lower == pytest.approx(1.0)
    assert result.p_value < 1e-300
    assert result.interval.low < 2350 / 150 * 49_850 / 47_650 < result.interval.high
    mirrored = stagewise_inference(plan, successes_arm=[150])
    assert mirrored.p_upper == pytest.approx(1.0)
    assert mirrored.interval.high == pytest.approx(1 / result.interval.low, rel=1e-7)
    running = repeated_inference(plan, successes_arm=[2350])
    assert running.p_upper <= 1e-300
    assert 1.0 < running.interval.low < running.interval.high


def test_small_sequential_p_values_are_resolved() -> None:
    wave = Margins(n_control=50_000, n_arm=50_000, successes=400)
    side = TailPlan(alpha=0.025, spending=linear)
    plan = exact_boundaries([wave], fractions=[0.5], upper=side, lower=side)
    stagewise = stagewise_inference(plan, successes_arm=[390])
    # alpha t reaches the tail at alpha = tail / t.
    expected = 2 * stagewise.p_upper
    assert sequential_p_value(plan, successes_arm=[390]).upper == pytest.approx(expected, rel=1e-8)


def test_after_two_looks_the_first_one_decides_between_equal_counts() -> None:
    wave = Margins(n_control=10, n_arm=10, successes=6)
    two = exact_boundaries([wave] * 2, fractions=[0.5, 1.0], upper=SIDE, lower=SIDE)
    rule, earlier = two.critical[1], two.critical[0]
    law = [math.comb(10, x) * math.comb(10, 6 - x) / math.comb(20, 6) for x in range(7)]
    going = range(earlier.low + 1, earlier.high)
    stopped = math.fsum(law[earlier.high :])
    seen = {}
    for before, new in itertools.product(going, range(7)):
        found = stagewise_inference(two, successes_arm=[before, before + new])
        above = stopped + math.fsum(
            law[b] * law[x]
            for b, x in itertools.product(going, range(7))
            if (b + x, b) >= (before + new, before)
        )
        assert found.p_upper == pytest.approx(above, rel=1e-12)
        side = rule.side(before + new, before=before)
        assert (found.p_upper <= 0.1) is (side == "upper")
        seen.setdefault(before + new, set()).add(side)
    assert {None, "upper"} in seen.values()
