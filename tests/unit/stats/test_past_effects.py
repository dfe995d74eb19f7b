"""Log odds ratios of past tests, and back."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.past_effects import difference_after, log_odds_effects


def test_a_log_odds_ratio_goes_back_to_the_difference_that_it_came_from():
    effect, se = log_odds_effects(
        control=[2000], n_control=[10_000], treatment=[2300], n_treatment=[10_000]
    )
    assert effect[0] == pytest.approx(math.log(0.23 / 0.77) - math.log(0.2 / 0.8), abs=1e-4)
    # The score's information: 1 / (p (1 - p) (1 / n + 1 / m)) at the common rate.
    assert se[0] == pytest.approx(math.sqrt(2e-4 / (0.215 * 0.785)), rel=1e-4)
    assert difference_after(float(effect[0]), rate=0.215) == pytest.approx(0.03, abs=1e-4)


def test_a_difference_splits_over_both_arms_so_that_their_mean_stays():
    """At equal shares the two rates lie around the common one on the logistic scale."""
    found = difference_after(0.5, rate=0.3)
    middle = math.log(0.3 / 0.7)
    ends = [1 / (1 + math.exp(-(middle + side))) for side in (-0.25, 0.25)]
    assert found == pytest.approx(ends[1] - ends[0], rel=1e-12)
    assert difference_after(0.0, rate=0.3) == 0.0
    assert difference_after(-0.5, rate=0.3) == pytest.approx(-found, rel=1e-12)


def test_nobody_in_an_arm_is_a_number_and_unequal_lists_are_none():
    effect, se = log_odds_effects(control=[0], n_control=[100], treatment=[5], n_treatment=[100])
    assert np.isfinite(effect[0])
    assert np.isfinite(se[0])
    with pytest.raises(InputError, match="2 tests"):
        log_odds_effects(control=[1, 2], n_control=[9, 9], treatment=[1], n_treatment=[9])
