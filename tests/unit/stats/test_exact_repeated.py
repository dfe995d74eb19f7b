"""Repeated intervals and sequential p-values, against the definition they come from."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest

from testkit.stats.exact import TailPlan, exact_boundaries, first_crossing
from testkit.stats.exact_repeated import repeated_inference, sequential_p_value
from testkit.stats.hypergeometric import Margins
from testkit.stats.walk import CriticalCounts


def linear(t, alpha):
    return alpha * t


FRACTIONS = (1 / 3, 2 / 3, 1.0)
WAVES = [Margins(n_control=14, n_arm=7, successes=7)] * 3
SIDE = TailPlan(alpha=0.1, spending=linear)
PLAN = exact_boundaries(WAVES, fractions=FRACTIONS, upper=SIDE, lower=SIDE)


def steps(odds_ratio):
    m = WAVES[0]
    weights = [
        math.comb(m.n_arm, x) * math.comb(m.n_control, m.successes - x) * odds_ratio**x
        for x in range(8)
    ]
    return [w / sum(weights) for w in weights]


def all_paths(odds_ratio):
    law = steps(odds_ratio)
    for path in itertools.product(range(8), repeat=3):
        yield tuple(itertools.accumulate(path)), math.prod(law[x] for x in path)


def rejects_upwards(odds_ratio, look, count, before):
    """The upper group-sequential test of one odds ratio, by listing all paths.

    The last of the three looks orders equal counts by the count before.
    """
    alive, spent_low, spent_high = list(all_paths(odds_ratio)), 0.0, 0.0
    for k in range(look):
        allowed = 0.1 * FRACTIONS[k]
        values = sorted({c[k] for c, _ in alive})
        tails = {v: sum(p for c, p in alive if c[k] >= v) for v in values}
        heads = {v: sum(p for c, p in alive if c[k] <= v) for v in values}
        if k == look - 1:
            own = (count, before if look == 3 else 0)
            beyond = sum(p for c, p in alive if (c[k], c[k - 1] if look == 3 else 0) >= own)
            return spent_high + beyond <= allowed
        high = min((v for v in values if spent_high + tails[v] <= allowed), default=99)
        low = max((v for v in values if spent_low + heads[v] <= allowed), default=-1)
        spent_high += tails.get(high, 0.0)
        spent_low += heads.get(low, 0.0)
        alive = [(c, p) for c, p in alive if low < c[k] < high]
    raise AssertionError


@pytest.mark.parametrize(("look", "count"), [(1, 4), (2, 6), (2, 9), (3, 9), (3, 13)])
def test_lower_limit_is_where_the_family_of_tests_starts_to_accept(look, count) -> None:
    path = [count * (k + 1) // look for k in range(look)]
    low = repeated_inference(PLAN, successes_arm=path).interval.low
    before = path[-2] if look > 1 else 0
    assert rejects_upwards(low * 0.999, look, count, before)
    assert not rejects_upwards(low * 1.001, look, count, before)


def test_upper_limit_mirrors_the_lower_one() -> None:
    even = [Margins(n_control=10, n_arm=10, successes=6)] * 2
    plan = exact_boundaries(even, fractions=[0.5, 1.0], upper=SIDE, lower=SIDE)
    for path in ([2, 5], [3, 6], [4, 9]):
        one = repeated_inference(plan, successes_arm=path).interval
        other = repeated_inference(plan, successes_arm=[6 - path[0], 12 - path[1]]).interval
        assert one.low == pytest.approx(1.0 / other.high, rel=1e-9)
        assert one.high == pytest.approx(1.0 / other.low, rel=1e-9)


@pytest.mark.parametrize("odds_ratio", [1.0, 2.5, 0.4])
def test_all_looks_together_cover_at_least_the_level(odds_ratio) -> None:
    # Enumerated over all 512 paths, and without stopping: somebody looks at all three.
    limits = {}
    missed = 0.0
    for counts, p in all_paths(odds_ratio):
        for look in (1, 2, 3):
            seen = counts[:look]
            key = (look, seen[-2:])
            if key not in limits:
                limits[key] = repeated_inference(PLAN, successes_arm=seen).interval
            if not limits[key].covers(odds_ratio):
                missed += p
                break
    assert missed <= 0.2
    assert missed > 0.02


def test_repeated_interval_excludes_no_effect_exactly_when_the_look_crosses() -> None:
    for look in (1, 2, 3):
        rule = PLAN.critical[look - 1]
        for count in range(look, 7 * look):
            path = [count * (k + 1) // look for k in range(look)]
            interval = repeated_inference(PLAN, successes_arm=path).interval
            side = rule.side(count, before=path[-2] if look > 1 else 0)
            assert (interval.low > 1.0) == (side == "upper")
            assert (interval.high is not None and interval.high < 1.0) == (side == "lower")


def test_side_without_a_plan_sets_no_limit() -> None:
    one = exact_boundaries(WAVES, fractions=FRACTIONS, upper=SIDE)
    result = repeated_inference(one, successes_arm=[3, 6])
    assert result.interval.high is None
    assert result.interval.low > 0.0
    assert result.interval.level == pytest.approx(0.9)
    assert sequential_p_value(one, successes_arm=[3, 6]).lower == 1.0


def test_nothing_to_spend_yet_sets_no_limit() -> None:
    late = TailPlan(alpha=0.1, spending=lambda t, alpha: alpha if t == 1.0 else 0.0)
    plan = exact_boundaries(WAVES, fractions=FRACTIONS, upper=late, lower=late)
    interval = repeated_inference(plan, successes_arm=[7]).interval
    assert (interval.low, interval.high) == (0.0, None)


def test_repeated_is_wider_than_what_a_single_look_would_say() -> None:
    once = exact_boundaries(
        [Margins(n_control=28, n_arm=14, successes=14)], fractions=[1.0], upper=SIDE, lower=SIDE
    )
    single = repeated_inference(once, successes_arm=[6]).interval
    repeated = repeated_inference(PLAN, successes_arm=[3, 6]).interval
    assert repeated.low < single.low
    assert repeated.high > single.high


def test_estimate_of_a_running_test_is_the_conditional_maximum_likelihood_one() -> None:
    # One stratum of 21/42 with 21 successes, 9 of them on the arm. The mean of the noncentral law
    # at the estimate is 9.
    once = exact_boundaries(
        [Margins(n_control=42, n_arm=21, successes=21)], fractions=[1.0], upper=SIDE, lower=SIDE
    )
    odds_ratio = Fraction(repeated_inference(once, successes_arm=[9]).odds_ratio)
    weights = [math.comb(21, x) * math.comb(42, 21 - x) * odds_ratio**x for x in range(22)]
    mean = sum(x * w for x, w in enumerate(weights)) / sum(weights)
    assert float(mean) == pytest.approx(9.0, abs=1e-9)


@pytest.mark.parametrize("tail", ["exact", "mid-p"])
def test_sequential_p_is_below_alpha_exactly_when_crossed(tail) -> None:
    plan = exact_boundaries(WAVES, fractions=FRACTIONS, upper=SIDE, lower=SIDE, tail=tail)
    for look in (1, 2, 3):
        for count in range(7 * look + 1):
            path = [count * (k + 1) // look for k in range(look)]
            crossed = {
                rule.side(seen, before=before)
                for rule, seen, before in zip(plan.critical, path, [0, *path], strict=False)
            }
            p = sequential_p_value(plan, successes_arm=path)
            # A path crosses one side first; the p-value of that side tells.
            if "lower" not in crossed:
                assert (p.upper <= 0.1) == ("upper" in crossed)
            if "upper" not in crossed:
                assert (p.lower <= 0.1) == ("lower" in crossed)


def test_sequential_p_is_the_error_at_which_the_plan_begins_to_cross() -> None:
    path = [4, 8]
    p = sequential_p_value(PLAN, successes_arm=path).upper
    for factor, crosses in ((0.999, False), (1.001, True)):
        side = TailPlan(alpha=p * factor, spending=linear)
        again = exact_boundaries(WAVES[:2], fractions=FRACTIONS[:2], upper=side, lower=SIDE)
        hit = any(
            rule.side(seen) == "upper" for rule, seen in zip(again.critical, path, strict=True)
        )
        assert hit == crosses


def test_sequential_p_never_rises_with_more_looks() -> None:
    for path in itertools.product((2, 5), repeat=3):
        counts = list(itertools.accumulate(path))
        found = [sequential_p_value(PLAN, successes_arm=counts[: k + 1]).upper for k in range(3)]
        assert found[0] >= found[1] - 1e-9
        assert found[1] >= found[2] - 1e-9


def test_no_sign_of_a_better_arm_has_p_of_one() -> None:
    assert sequential_p_value(PLAN, successes_arm=[0]).upper == 1.0


def test_realised_counts_serve_as_allowance_of_their_look() -> None:
    realised = [CriticalCounts(low=0, high=5)]
    plan = exact_boundaries(WAVES, fractions=FRACTIONS, upper=SIDE, lower=SIDE, realised=realised)
    for count in range(1, 7):
        interval = repeated_inference(plan, successes_arm=[count]).interval
        assert (interval.low > 1.0) == (count >= 5)
        if count == 5:
            # The realised count spends just its own tail, so the limit sits on the null.
            assert interval.low == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("looks", "successes", "n", "path", "around"),
    [
        (2, 5, 500, [2, 4], (-2.2, -1.9)),
        (4, 4, 300, [3, 6, 9, 11], (-0.5, -0.35)),
    ],
)
def test_hypotheses_that_are_accepted_again_further_out_are_covered(
    looks, successes, n, path, around
) -> None:
    # Just below the limit a critical count of an earlier look jumps, and odds ratios further out
    # are accepted again. Found by trying a fine grid of odds ratios, one dictionary a look.
    def accepted(theta):
        weights = [
            math.comb(n, x) * math.comb(n, successes - x) * math.exp(theta * x)
            for x in range(successes + 1)
        ]
        law = [w / sum(weights) for w in weights]
        alive, spent_low, spent_high = {0: 1.0}, 0.0, 0.0
        for k in range(looks):
            now: dict[int, float] = {}
            for s, p in alive.items():
                for x, q in enumerate(law):
                    now[s + x] = now.get(s + x, 0.0) + p * q
            allowed = 0.025 * (k + 1) / looks
            if k == looks - 1:
                tail = sum(p for s, p in now.items() if s >= path[-1])
                return spent_high + tail > allowed
            above = {v: sum(p for s, p in now.items() if s >= v) for v in now}
            below = {v: sum(p for s, p in now.items() if s <= v) for v in now}
            high = min((v for v in now if spent_high + above[v] <= allowed), default=99)
            low = max((v for v in now if spent_low + below[v] <= allowed), default=-1)
            spent_high += above.get(high, 0.0)
            spent_low += below.get(low, 0.0)
            alive = {s: p for s, p in now.items() if low < s < high}
        raise AssertionError

    steps_in_grid = round((around[1] - around[0]) / 0.001)
    grid = [around[0] + 0.001 * i for i in range(steps_in_grid)]
    answers = [accepted(theta) for theta in grid]
    assert sum(a != b for a, b in itertools.pairwise(answers)) == 3
    lowest = grid[answers.index(True)]
    # The same allowances, but a plan that goes on: its looks do not tell equal counts apart.
    side = TailPlan(alpha=0.025 / 0.9, spending=linear)
    wave = Margins(n_control=n, n_arm=n, successes=successes)
    plan = exact_boundaries(
        [wave] * looks,
        fractions=[0.9 * (k + 1) / looks for k in range(looks)],
        upper=side,
        lower=side,
    )
    interval = repeated_inference(plan, successes_arm=path).interval
    # Never above the outermost accepted value by more than one probe.
    assert lowest - 0.002 <= math.log(interval.low) <= lowest + 0.011


def test_sequential_p_knows_what_decides_between_equal_counts() -> None:
    plan = exact_boundaries(WAVES[:2], fractions=FRACTIONS[1:], upper=SIDE, lower=SIDE)
    rule, earlier = plan.critical[1], plan.critical[0]
    decided = set()
    for side, count in (("upper", rule.high - 1), ("lower", rule.low + 1)):
        for before in range(max(earlier.low + 1, count - 7), min(earlier.high, count + 1)):
            p = sequential_p_value(plan, successes_arm=[before, count])
            crossed = rule.side(count, before=before) == side
            assert (getattr(p, side) <= 0.1) is crossed
            decided.add((side, crossed))
    assert decided >= {("upper", True), ("upper", False)}


def test_a_side_without_a_plan_stops_nothing_on_the_way_of_the_other() -> None:
    one = exact_boundaries(WAVES, fractions=FRACTIONS, upper=SIDE)
    mirrored = exact_boundaries(WAVES, fractions=FRACTIONS, upper=None, lower=SIDE)
    for path in itertools.product((0, 3, 6), repeat=3):
        counts = list(itertools.accumulate(path))
        up = first_crossing(one.critical, counts) is not None
        down = first_crossing(mirrored.critical, counts) is not None
        assert (sequential_p_value(one, successes_arm=counts).upper <= 0.1) is up
        assert (sequential_p_value(mirrored, successes_arm=counts).lower <= 0.1) is down


def test_mid_p_intervals_exclude_no_effect_exactly_when_the_look_crosses() -> None:
    plan = exact_boundaries(WAVES, fractions=FRACTIONS, upper=SIDE, lower=SIDE, tail="mid-p")
    exact_limits = mid_limits = 0.0
    for look in (1, 2, 3):
        for count in range(look, 7 * look):
            path = [count * (k + 1) // look for k in range(look)]
            interval = repeated_inference(plan, successes_arm=path).interval
            side = plan.critical[look - 1].side(count)
            assert (interval.low > 1.0) == (side == "upper")
            assert (interval.high is not None and interval.high < 1.0) == (side == "lower")
            if look == 1:
                mid_limits += interval.low
                exact_limits += repeated_inference(PLAN, successes_arm=path).interval.low
    assert mid_limits > exact_limits  # half of the own count is forgiven
