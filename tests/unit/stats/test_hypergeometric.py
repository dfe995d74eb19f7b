"""The law of one wave, against integer arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from testkit.stats.counts import TwoByTwo
from testkit.stats.hypergeometric import IncrementLaw, Margins, margins_of, waves


def exact(m, odds_ratio=1):
    weights = [
        math.comb(m.n_arm, x) * math.comb(m.n_control, m.successes - x) * Fraction(odds_ratio) ** x
        for x in range(m.lowest, m.highest + 1)
    ]
    return [w / sum(weights) for w in weights], sum(weights) / math.comb(m.n, m.successes)


SKEWED = Margins(n_control=90, n_arm=10, successes=30)
FULL = Margins(n_control=5, n_arm=9, successes=12)


@pytest.mark.parametrize("margins", [SKEWED, FULL, Margins(n_control=3, n_arm=3, successes=0)])
@pytest.mark.parametrize("odds_ratio", [1.0, 4.0, 0.01])
def test_probabilities_are_ratios_of_binomials(margins, odds_ratio) -> None:
    expected, moment = exact(margins, odds_ratio)
    law = IncrementLaw((margins,))
    theta = math.log(odds_ratio)
    assert law.probabilities(theta) == pytest.approx([float(p) for p in expected], rel=1e-12)
    assert law.log_moment(theta) == pytest.approx(math.log(moment), abs=1e-12)
    mean = sum(x * p for x, p in enumerate(expected, start=margins.lowest))
    found, variance = law.mean_and_variance(theta)
    assert found == pytest.approx(float(mean))
    second = sum(x * x * p for x, p in enumerate(expected, start=margins.lowest))
    assert variance == pytest.approx(float(second - mean * mean), abs=1e-12)


def test_strata_add_up_by_convolution() -> None:
    law = IncrementLaw((SKEWED, FULL))
    assert (law.lowest, law.highest) == (SKEWED.lowest + FULL.lowest, 10 + 9)
    one, other = exact(SKEWED, 2)[0], exact(FULL, 2)[0]
    expected = np.convolve([float(p) for p in one], [float(p) for p in other])
    assert law.probabilities(math.log(2)) == pytest.approx(expected, rel=1e-12)
    mean, variance = law.mean_and_variance(0.0)
    assert mean == pytest.approx(SKEWED.expected + FULL.expected)
    assert variance == pytest.approx(SKEWED.variance + FULL.variance)


def test_a_million_units_keep_their_digits() -> None:
    # P(no success on the arm) = C(990000, 5) / C(1000000, 5), with integers.
    margins = Margins(n_control=990_000, n_arm=10_000, successes=5)
    first = IncrementLaw((margins,)).probabilities(0.0)[0]
    expected = Fraction(math.comb(990_000, 5), math.comb(1_000_000, 5))
    assert first == pytest.approx(float(expected), rel=1e-13)


def test_single_unit_has_no_variance() -> None:
    assert Margins(n_control=1, n_arm=1, successes=2).variance == 0.0


def test_margins_of_a_table_forget_the_split() -> None:
    table = TwoByTwo(successes_control=2, n_control=9, successes_arm=4, n_arm=7)
    assert margins_of(table) == Margins(n_control=9, n_arm=7, successes=6)


def test_a_plain_batch_is_a_wave_of_one() -> None:
    assert waves([SKEWED, [FULL, SKEWED]]) == ((SKEWED,), (FULL, SKEWED))
