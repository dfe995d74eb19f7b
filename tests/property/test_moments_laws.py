"""Laws of moments: merging is a commutative monoid, and no digit is lost at a large mean."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.stats.moments import CoMoments, Moments, merge_all

reals = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 6))
values = st.lists(reals, max_size=30)
rows = st.lists(st.tuples(*[st.integers(-1000, 1000).map(float)] * 3), max_size=20)


def exact(sample: list[float]) -> tuple[Fraction, Fraction]:
    """Mean and m2 in rational arithmetic: an independent path without rounding."""
    numbers = [Fraction(x) for x in sample]
    mean = sum(numbers, Fraction(0)) / len(numbers)
    return mean, sum(((x - mean) ** 2 for x in numbers), Fraction(0))


def close(a: Moments, b: Moments) -> bool:
    # Rounding of a merge is relative to the largest magnitude that took part (here up to 1e6).
    scale = max(abs(a.mean), abs(b.mean), math.sqrt(max(a.m2, b.m2)), 1.0)
    return (
        a.n == b.n
        and abs(a.mean - b.mean) <= 1e-12 * scale
        and abs(a.m2 - b.m2) <= 1e-12 * scale * scale * max(a.n, 1)
    )


@given(values, values)
def test_merge_is_commutative_to_the_bit(left, right):
    a, b = Moments.from_values(left), Moments.from_values(right)
    assert a.merge(b) == b.merge(a)


@given(values, values, values)
def test_merge_is_associative(one, two, three):
    a, b, c = (Moments.from_values(x) for x in (one, two, three))
    assert close(a.merge(b).merge(c), a.merge(b.merge(c)))


@given(values, values)
def test_merge_of_parts_is_the_moments_of_the_whole(left, right):
    merged = Moments.from_values(left).merge(Moments.from_values(right))
    assert close(merged, Moments.from_values(left + right))


@settings(max_examples=40)
@given(values)
def test_empty_is_the_identity(sample):
    moments = Moments.from_values(sample)
    assert moments.merge(Moments.empty()) == moments == Moments.empty().merge(moments)


@given(values.filter(bool))
def test_moments_agree_with_rational_arithmetic(sample):
    moments = Moments.from_values(sample)
    mean, m2 = exact(sample)
    scale = max(map(abs, sample))
    assert abs(Fraction(moments.mean) - mean) <= Fraction(4e-16 * scale)
    # Squared rounding of the mean (n eps^2 scale^2) plus relative rounding of the sum itself.
    assert abs(Fraction(moments.m2) - m2) <= Fraction(1e-15) * m2 + Fraction(
        len(sample) * (4e-16 * scale) ** 2
    ) + Fraction(8e-16 * scale) * sum((abs(Fraction(x) - mean) for x in sample), Fraction(0))


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_counts_and_rows_of_a_yes_or_no_outcome_agree(outcomes):
    counted = Moments.from_counts(successes=sum(outcomes), n=len(outcomes))
    assert close(counted, Moments.from_values([float(x) for x in outcomes]))


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=30))
def test_sums_of_whole_numbers_lose_nothing(sample):
    summed = Moments.from_sums(
        n=len(sample), total=sum(sample), total_squares=sum(x * x for x in sample)
    )
    mean, m2 = exact([float(x) for x in sample])
    assert (summed.mean, summed.m2) == (float(mean), float(m2))


@settings(max_examples=40)
@given(rows, rows)
def test_co_moments_merge_is_commutative_to_the_bit(left, right):
    a, b = (CoMoments.from_values(np.array(x).reshape(-1, 3)) for x in (left, right))
    assert a.merge(b) == b.merge(a)


@settings(max_examples=40)
@given(rows, rows, rows)
def test_co_moments_merge_is_associative_and_equals_the_whole(one, two, three):
    a, b, c = (CoMoments.from_values(np.array(x).reshape(-1, 3)) for x in (one, two, three))
    whole = CoMoments.from_values(np.array(one + two + three).reshape(-1, 3))
    for merged in (a.merge(b).merge(c), a.merge(b.merge(c))):
        assert merged.n == whole.n
        # Entries are at most 1000, so products are at most 4e6 a row.
        assert np.allclose(merged.means, whole.means, rtol=0, atol=1e-10)
        assert np.allclose(merged.m2, whole.m2, rtol=1e-12, atol=1e-12 * 4e6 * max(whole.n, 1))


@settings(max_examples=40)
@given(rows.filter(lambda x: len(x) >= 1))
def test_the_diagonal_of_co_moments_is_the_moments_of_each_column(sample):
    together = CoMoments.from_values(sample)
    for variable in range(3):
        alone = Moments.from_values([row[variable] for row in sample])
        assert close(together.moments(variable), alone)


@pytest.mark.parametrize("offset", [1e8, -1e8, 1e9])
def test_a_large_mean_costs_no_digits_of_the_variance(offset):
    """Mean 1e8, sd 1, merged in 100 parts: a naive sum of squares would keep no digit."""
    noise = np.random.default_rng(7).integers(-2_000_000, 2_000_000, 10_000) / 2.0**20
    # Dyadic noise: offset + noise is exact in binary, so the true variance is that of the noise.
    sample = offset + noise
    assert ((sample - offset) == noise).all()
    merged = merge_all(Moments.from_values(part) for part in np.array_split(sample, 100))
    _, m2 = exact(noise.tolist())
    whole = Moments.from_values(sample)
    assert whole.m2 == pytest.approx(float(m2), rel=1e-12)
    # A merge works with means rounded to the spacing of the offset (1.5e-8 at 1e8).
    assert merged.m2 == pytest.approx(float(m2), rel=10 * np.spacing(abs(offset)))
    co = CoMoments.from_values(np.column_stack([sample, noise]))
    assert co.m2[0][1] == pytest.approx(float(m2), rel=1e-9)
