"""The planner says what a list can learn, and says no when it can learn nothing."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.errors import InputError
from testkit.model.advice import Circumstances, advise
from testkit.stats.power import n_rates


def test_one_send_needs_what_the_textbook_says():
    # Fleiss, Levin & Paik (2003), sec. 4.2 without continuity correction, by our checked n_rates:
    # the planner must not add or lose people on the way.
    known = Circumstances(list_size=10**7, base_rate=0.1, mde=0.02, window_hours=24 * 60)
    advice = advise(known)
    fixed = n_rates(control=0.1, treatment=0.12, power=0.8, alpha=0.05)
    assert (advice.clock, advice.waves) == ("one-send", 1)
    assert advice.size.needed == math.ceil(2 * fixed.control - 1e-9)


def test_a_small_list_is_told_not_to_test_and_why():
    advice = advise(Circumstances(list_size=900, base_rate=0.02))
    assert advice.answer == "do not test"
    against = {reason.code for reason in advice.reasons if reason.against}
    assert {"few-outcomes", "underpowered", "no-gain"} <= against


def test_a_list_too_small_for_a_proof_may_still_try_and_send_the_better_one():
    advice = advise(Circumstances(list_size=40_000, base_rate=0.02))
    assert advice.answer == "roll"
    assert sum(advice.roll.whole) < advice.size.test_size


def test_a_large_list_tests():
    assert advise(Circumstances(list_size=400_000, base_rate=0.02)).answer == "test"


def test_a_test_that_costs_more_than_it_brings_is_refused():
    cheap = Circumstances(list_size=400_000, base_rate=0.02, action_cents=500)
    dear = Circumstances(list_size=400_000, base_rate=0.02, action_cents=500, cents_per_message=50)
    assert advise(cheap).answer == "test"
    assert advise(dear).answer == "do not test"


def test_a_budget_limits_the_test_and_the_reason_says_so():
    known = Circumstances(
        list_size=400_000, base_rate=0.02, cents_per_message=10, budget_cents=100_000
    )
    advice = advise(known)
    assert advice.size.test_size == 10_000
    assert "budget" in {reason.code for reason in advice.reasons if reason.against}


def test_rare_outcomes_are_read_by_the_exact_engine():
    assert advise(Circumstances(list_size=100_000, base_rate=0.001)).engine == "exact"
    assert advise(Circumstances(list_size=400_000, base_rate=0.05)).engine == "z"


@settings(deadline=None)
@given(
    list_size=st.integers(10, 3_000_000),
    base_rate=st.floats(0.0005, 0.9),
    arms=st.integers(2, 4),
)
def test_more_people_never_see_less(list_size, base_rate, arms):
    advice = advise(Circumstances(list_size=list_size, base_rate=base_rate, arms=arms))
    seen = [point.mde for point in advice.points if point.mde is not None]
    assert all(a >= b * (1 - 1e-6) for a, b in itertools.pairwise(seen))
    assert 0 <= advice.size.power <= 1
    assert advice.size.test_size <= list_size
    assert sum(advice.roll.whole) <= list_size
    assert advice.reasons


@pytest.mark.parametrize(
    "wrong",
    [
        {"list_size": 3},
        {"base_rate": 0.0},
        {"base_rate": 2.0},
        {"mde": -0.1},
        {"mde": 0.99},
        {"alpha": 0.7},
        {"power": 1.0},
        {"arms": 1},
        {"window_hours": 0.0},
        {"spread": 0.0},
    ],
)
def test_what_cannot_be_is_refused_by_name(wrong):
    with pytest.raises(InputError) as caught:
        Circumstances(**({"list_size": 1000, "base_rate": 0.1} | wrong))
    assert caught.value.field == next(iter(wrong))
    assert caught.value.hint
