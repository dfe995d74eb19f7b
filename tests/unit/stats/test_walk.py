"""The walk's split of a count by the count before, and what ties do to the cuts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.stats.exact import TailPlan, exact_boundaries, exit_probabilities
from testkit.stats.hypergeometric import IncrementLaw, Margins
from testkit.stats.walk import START, CriticalCounts, critical_counts, step

LAW = IncrementLaw((Margins(n_control=30, n_arm=20, successes=9),))


def two_steps():
    first = step(START, LAW.lowest, LAW.probabilities(0.0))
    return first, step(first, LAW.lowest, LAW.probabilities(0.0))


def test_a_count_split_by_the_count_before_adds_up_to_it() -> None:
    first, second = two_steps()
    for count in range(-1, 20):
        split = second.tied(count)
        assert split.mass.sum() == pytest.approx(second.tail(count, "upper")[1], abs=1e-15)
        for before in range(10):
            expected = (
                first.tail(before, "upper")[1] * LAW.probabilities(0.0)[count - before]
                if 0 <= count - before <= 9
                else 0.0
            )
            assert split.tail(before, "upper")[1] == pytest.approx(expected, abs=1e-16)


def test_a_walk_without_a_past_has_no_split() -> None:
    assert START.tied(0).mass.size == 0
    _, second = two_steps()
    assert second.inside(CriticalCounts(low=None, high=None)).tied(5).mass.size == 0


@given(
    low=st.one_of(st.none(), st.integers(0, 8)),
    high=st.one_of(st.none(), st.integers(4, 18)),
    low_before=st.one_of(st.none(), st.integers(0, 9)),
    high_before=st.one_of(st.none(), st.integers(0, 9)),
)
@settings(max_examples=150, deadline=None)
def test_what_stops_and_what_goes_on_is_all_there_is(low, high, low_before, high_before) -> None:
    first, second = two_steps()
    rule = CriticalCounts(low=low, high=high, low_before=low_before, high_before=high_before)
    below, above = second.outside(rule)
    inside = second.inside(rule)
    assert below + above + inside.mass.sum() == pytest.approx(1.0)
    assert (inside.mass >= 0).all()
    law = LAW.probabilities(0.0)
    for side, found in (("upper", above), ("lower", below)):
        expected = sum(
            first.mass[before] * law[x]
            for before in range(10)
            for x in range(10)
            if rule.side(before + x, before=before) == side
        )
        assert found == pytest.approx(expected, abs=1e-14)


def test_a_tie_decides_only_next_to_the_critical_count_and_only_on_its_side() -> None:
    rule = CriticalCounts(low=3, high=9, low_before=1, high_before=6)
    assert rule.side(8, before=6) == "upper"
    assert rule.side(8, before=5) is None
    assert rule.side(7, before=7) is None
    assert rule.side(4, before=1) == "lower"
    assert rule.side(4, before=2) is None
    assert rule.side(5, before=0) is None
    assert rule.side(9) == "upper"
    assert rule.side(3, before=3) == "lower"
    plain = CriticalCounts(low=3, high=9)
    assert plain.side(8, before=8) is None
    assert plain.side(4, before=0) is None
    assert repr(rule) == "CriticalCounts(low=3, high=9, low_before=1, high_before=6)"
    assert repr(plain) == "CriticalCounts(low=3, high=9)"


def test_ties_spend_what_plain_counts_leave_and_never_more() -> None:
    _, second = two_steps()
    for allowed in np.linspace(0.001, 0.2, 40):
        room = (float(allowed), float(allowed))
        plain = critical_counts(second, spent=(0, 0), allowed=room, tail="exact", tied=False)
        tied = critical_counts(second, spent=(0, 0), allowed=room, tail="exact", tied=True)
        for less, more in zip(second.outside(plain), second.outside(tied), strict=True):
            assert less <= more <= allowed
        midway = critical_counts(second, spent=(0, 0), allowed=room, tail="mid-p", tied=True)
        assert midway.low_before is midway.high_before is None


def test_the_last_look_spends_nearly_all_and_gains_power() -> None:
    side = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha * t**3)
    waves = [Margins(n_control=2000, n_arm=2000, successes=6)] * 5
    plan = exact_boundaries(waves, fractions=[0.2, 0.4, 0.6, 0.8, 1.0], upper=side, lower=side)
    assert [look.tied for look in plan.looks] == [False] * 4 + [True]
    assert plan.looks[-1].critical.high_before is not None
    exits = exit_probabilities(plan)
    assert 0.0235 < exits.crosses_upper <= 0.025
    assert exits.crosses_upper == pytest.approx(plan.looks[-1].spent_high, rel=1e-12)
    # without the tie the tail of 21 or more of 30 is all that fits
    rule = plan.looks[-1].critical
    plain = exact_boundaries(
        waves,
        fractions=[0.2, 0.4, 0.6, 0.8, 1.0],
        upper=side,
        lower=side,
        realised=[*plan.critical[:4], CriticalCounts(low=rule.low, high=rule.high)],
    )
    assert exit_probabilities(plain).crosses_upper < exits.crosses_upper - 0.002
    assert (
        exit_probabilities(plain, odds_ratio=2.0).crosses_upper
        < exit_probabilities(plan, odds_ratio=2.0).crosses_upper - 0.01
    )


def test_a_tied_look_is_realised_with_its_ties() -> None:
    side = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha * t**3)
    waves = [Margins(n_control=2000, n_arm=2000, successes=6)] * 3
    plan = exact_boundaries(waves[:2], fractions=[0.5, 1.0], upper=side, lower=side)
    later = exact_boundaries(
        waves, fractions=[0.5, 1.0, 1.0], upper=side, lower=side, realised=plan.critical
    )
    assert later.looks[1].spent_high == pytest.approx(plan.looks[1].spent_high, rel=1e-12)
    assert later.looks[2].spent_high <= 0.025
    exits = exit_probabilities(later)
    assert exits.crosses_upper == pytest.approx(later.looks[2].spent_high, rel=1e-12)
