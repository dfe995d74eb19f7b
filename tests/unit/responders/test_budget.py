"""False alarms in plain words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.model.budget import alarms_per_week, budget_in_words
from testkit.errors import InputError


@pytest.mark.parametrize(
    ("words", "per_week"),
    [
        ("about one a week", 1.0),
        ("one alarm per week", 1.0),
        ("Two a month", 2 * 7 * 12 / 365.25),
        ("once a day", 7.0),
        ("up to 3 false alarms each week", 3.0),
        ("twice a fortnight", 1.0),
        ("at most one a quarter.", 1 / 13),
        ("never", 0.0),
    ],
)
def test_words_mean_so_many_a_week(words, per_week):
    assert alarms_per_week(words) == pytest.approx(per_week)


@pytest.mark.parametrize("words", ["often", "0 a week", "five a day", "1", "one a blue moon"])
def test_words_that_mean_nothing_are_refused_with_a_way_out(words):
    with pytest.raises(InputError) as caught:
        alarms_per_week(words)
    assert caught.value.field == "alarms"
    assert "about one a week" in str(caught.value)


@given(
    amount=st.integers(1, 12),
    period=st.sampled_from(["week", "month", "quarter", "fortnight"]),
)
def test_a_budget_told_in_words_means_the_same(amount, period):
    per_week = alarms_per_week(f"{amount} a {period}")
    told = budget_in_words(per_week)
    assert told.startswith("about ")
    whole = told.split()[1].isdecimal()
    if whole:
        assert alarms_per_week(told) == pytest.approx(per_week, rel=0.03)
