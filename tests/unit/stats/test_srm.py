"""Sample-ratio tests against arithmetic that can be done by hand."""

from __future__ import annotations

import itertools
import math

import pytest

from testkit.errors import InputError
from testkit.stats.srm import multinomial_log_probability, sequential_srm, srm_chisq


def test_chisq_is_the_textbook_sum() -> None:
    # (60-50)^2/50 + (40-50)^2/50 = 4; for one degree of freedom P(chi2 > 4) = erfc(sqrt 2).
    result = srm_chisq([60, 40], [0.5, 0.5])
    assert result.statistic == pytest.approx(4.0)
    assert result.p_value == pytest.approx(math.erfc(math.sqrt(2.0)))
    assert not result.mismatch


def test_chisq_blocks_at_its_alpha_only() -> None:
    assert srm_chisq([600, 400], [0.5, 0.5]).mismatch
    assert srm_chisq([60, 40], [0.5, 0.5], alpha=0.05).mismatch


def test_chisq_says_when_its_approximation_is_rough() -> None:
    assert srm_chisq([4, 4], [0.5, 0.5]).small_expected
    assert not srm_chisq([5, 5], [0.5, 0.5]).small_expected


def test_rounded_shares_mean_the_same_plan() -> None:
    assert srm_chisq([100, 100, 100], [0.333, 0.333, 0.333]).statistic == pytest.approx(0.0)


def test_e_value_has_mean_one_under_the_plan_at_a_fixed_total() -> None:
    # The defining law of an e-value, summed over every outcome of nine units in three arms.
    shares, n = [0.5, 0.3, 0.2], 9
    total = 0.0
    for counts in itertools.product(range(n + 1), repeat=3):
        if sum(counts) == n:
            test = sequential_srm(shares, concentration=7.0).update(counts)
            total += math.exp(test.log_e + multinomial_log_probability(counts, shares))
    assert total == pytest.approx(1.0, abs=1e-12)


def test_e_value_depends_on_totals_only_but_p_remembers_the_worst_moment() -> None:
    start = sequential_srm([0.5, 0.5], concentration=10.0)
    swung = start.update([80, 20]).update([20, 80])
    straight = start.update([100, 100])
    assert swung.log_e == pytest.approx(straight.log_e, abs=1e-12)
    assert swung.p_value < 1e-4 < straight.p_value
    assert swung.mismatch
    assert not straight.mismatch


def test_update_leaves_the_earlier_state_alone() -> None:
    start = sequential_srm([0.5, 0.5])
    start.update([10, 90])
    assert start.counts == (0, 0)


def test_evidence_keeps_its_digits_at_large_counts() -> None:
    # mpmath 1.3, 40 digits: Lindon & Malek's formula with log-gammas.
    test = sequential_srm([0.5, 0.5], concentration=10_000).update([821588, 815482])
    assert test.log_e == pytest.approx(8.765972292410426, abs=1e-12)


@pytest.mark.parametrize(
    ("observed", "shares", "field"),
    [
        ([1, -1], [0.5, 0.5], "observed[1]"),
        ([1, math.nan], [0.5, 0.5], "observed[1]"),
        ([1, 2.5], [0.5, 0.5], "observed[1]"),
        ([1, 2, 3], [0.5, 0.5], "observed"),
        ([0, 0], [0.5, 0.5], "observed"),
        ([1, 2], [0.5, 0.6], "expected_shares"),
        ([1, 2], [1.0, 0.0], "expected_shares"),
        ([1, 2], [0.5, math.nan], "expected_shares"),
        ([1], [1.0], "expected_shares"),
    ],
)
def test_bad_input_names_its_field(observed, shares, field) -> None:
    with pytest.raises(InputError) as error:
        srm_chisq(observed, shares)
    assert error.value.field == field


@pytest.mark.parametrize(("name", "value"), [("concentration", 0), ("alpha", 1.0)])
def test_sequential_parameters_have_domains(name, value) -> None:
    with pytest.raises(InputError) as error:
        sequential_srm([0.5, 0.5], **{name: value})
    assert error.value.field == name
