"""Averages over totals: what they average, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.exact import TailPlan, exact_boundaries, exit_probabilities
from testkit.stats.exact_power import exact_characteristics
from testkit.stats.hypergeometric import Margins

SIDE = TailPlan(alpha=0.1, spending=lambda t, alpha: alpha * t)
PLAN = {
    "n_control": [6],
    "n_arm": [4],
    "rate_control": 0.3,
    "rate_arm": 0.6,
    "fractions": [1.0],
    "upper": SIDE,
    "lower": SIDE,
}


def test_the_average_is_over_the_totals_law() -> None:
    # One small wave: the eleven totals and their exact probabilities, by convolution.
    def binomial(n, p):
        return [math.comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1)]

    totals = np.convolve(binomial(6, 0.3), binomial(4, 0.6))
    odds_ratio = (0.6 / 0.4) / (0.3 / 0.7)
    expected = 0.0
    for total, p in enumerate(totals):
        plan = exact_boundaries(
            [Margins(n_control=6, n_arm=4, successes=total)],
            fractions=[1.0],
            upper=SIDE,
            lower=SIDE,
        )
        expected += p * exit_probabilities(plan, odds_ratio=odds_ratio).crosses_upper
    found = exact_characteristics(**PLAN, draws=4000, rng=np.random.default_rng(3))
    error = found.crosses_upper.standard_error
    assert abs(found.crosses_upper.value - expected) < 4 * error
    assert error < 0.01
    assert found.expected_share.value == pytest.approx(1.0)
    assert found.upper == pytest.approx((found.crosses_upper.value,))
    assert found.lower == pytest.approx((found.crosses_lower.value,))


def test_the_same_seed_gives_the_same_figures() -> None:
    one, other = (
        exact_characteristics(**PLAN, draws=20, rng=np.random.default_rng(3)) for _ in range(2)
    )
    assert one == other
    assert one.draws == 20


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"n_arm": [4, 4]}, "n_arm"),
        ({"n_arm": [0]}, "n_arm[0]"),
        ({"n_control": [math.nan]}, "n_control[0]"),
        ({"rate_arm": 0.0}, "rate_arm"),
        ({"rate_control": 1.0}, "rate_control"),
        ({"draws": 1}, "draws"),
        ({"fractions": [0.5, 1.0]}, "fractions"),
    ],
)
def test_bad_input_is_named(changed, field) -> None:
    with pytest.raises(InputError) as error:
        exact_characteristics(**{**PLAN, **changed}, rng=np.random.default_rng(1))
    assert error.value.field == field
