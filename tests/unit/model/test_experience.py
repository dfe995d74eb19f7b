"""What past tests teach the planner, and when they teach nothing."""

from __future__ import annotations

import math
import random

import pytest

from testkit.model.experience import experience
from testkit.model.past import PastArm, PastTest


def old_test(name, *counts, metric="gifts"):
    arms = [PastArm(name=f"a{i}", units=u, outcomes=o) for i, (u, o) in enumerate(counts)]
    return PastTest(name=name, arms=tuple(arms), metric=metric), "last.csv"


def many(count, *, spread, seed=7, base=0.03, units=20_000, metric="gifts"):
    draw = random.Random(seed)

    def did():
        rate = base + draw.gauss(0, spread)
        return round(draw.gauss(units * rate, math.sqrt(units * rate * (1 - rate))))

    return [old_test(f"t{i}", (units, did()), (units, did()), metric=metric) for i in range(count)]


def test_the_spread_that_was_put_in_is_planned_with_and_scales_with_the_base_rate():
    found = experience(many(80, spread=0.004))
    assert (found.tests, found.why_not, found.sources) == (80, "", ("last.csv",))
    assert found.spread == pytest.approx(0.004, abs=0.0013)  # 4 standard errors of 1 / sqrt(160)
    assert found.spread_at(2 * found.base_rate) == pytest.approx(2 * found.spread)
    # Two draws of a normal differ by their spread times sqrt(2), or more, in 31.73 % of pairs.
    usual = math.sqrt(2) * found.spread
    assert found.chance_of(usual, base_rate=found.base_rate) == pytest.approx(0.317311, abs=1e-6)


def test_what_is_found_is_drawn_back_and_the_more_so_the_smaller_the_test():
    found = experience(many(80, spread=0.002))
    small, large = (
        found.repeat(difference=0.006, base_rate=0.03, per_arm=n) for n in (5_000, 500_000)
    )
    assert 0 < small < large < 0.006


def test_four_tests_say_why_they_are_not_taken():
    found = experience(many(4, spread=0.004))
    assert (found.spread, found.repeat(difference=0.01, base_rate=0.03, per_arm=500)) == (
        None,
        None,
    )
    assert "4 past tests" in found.why_not
    assert "fewer than 5" in found.why_not
    assert found.base_rate == pytest.approx(0.03, abs=0.01)  # this they do say


def test_tests_whose_split_is_odd_do_not_make_up_the_number():
    odd = [old_test(f"o{i}", (5_000, 150), (9_000, 500)) for i in range(3)]
    found = experience([*many(4, spread=0.004), *odd])
    assert (found.tests, found.left_out, found.spread) == (4, 3, None)
    assert found.base_rate == experience(many(4, spread=0.004)).base_rate
    assert experience(odd).base_rate is None  # what nobody can trust is planned with by nobody


def test_versions_that_differ_by_luck_alone_say_so():
    same = [old_test(f"t{i}", (10_000, 300), (10_000, 300 + i % 2)) for i in range(9)]
    found = experience(same)
    assert found.spread is None
    assert "no more than by luck" in found.why_not


def test_of_two_metrics_one_has_to_be_named_and_is_not_guessed():
    both = [*many(6, spread=0.004), *many(6, spread=0.02, base=0.3, metric="opened", seed=8)]
    found = experience(both)
    assert found.spread is None
    assert "gifts, opened" in found.why_not
    assert "--metric" in found.why_not
    assert experience(both, metric="Gifts").tests == 6
    assert "no past test is of calls" in experience(both, metric="calls").why_not
    assert experience([]) is None
