"""Spending functions: their values, their ends, their names."""

from __future__ import annotations

import math

import pytest
from scipy.special import ndtr, ndtri

from testkit.errors import InputError
from testkit.stats.spending import (
    HwangShihDeCaniSpending,
    SpendingFunction,
    cumulative_spending,
    hwang_shih_decani,
    kim_demets,
    obrien_fleming_spending,
    pocock_spending,
    spending_by_name,
)

FUNCTIONS = [
    obrien_fleming_spending,
    pocock_spending,
    hwang_shih_decani(-4),
    hwang_shih_decani(0),
    hwang_shih_decani(1),
    kim_demets(0.5),
    kim_demets(3),
]


@pytest.mark.parametrize("spending", FUNCTIONS, ids=lambda f: f.name)
def test_nothing_at_the_start_and_all_at_the_end(spending: SpendingFunction) -> None:
    assert spending(0.0, 0.025) == 0.0
    assert spending(1.0, 0.025) == 0.025


def test_values_are_those_of_the_published_formulas() -> None:
    # Each right-hand side is the formula as printed, in another arrangement than the code's.
    assert obrien_fleming_spending(0.3, 0.05) == pytest.approx(
        2 - 2 * ndtr(-ndtri(0.025) / math.sqrt(0.3)), rel=1e-9
    )
    assert pocock_spending(0.3, 0.05) == pytest.approx(
        0.05 * math.log(1 + (math.e - 1) * 0.3), rel=1e-12
    )
    assert hwang_shih_decani(-2)(0.3, 0.05) == pytest.approx(
        0.05 * (1 - math.exp(0.6)) / (1 - math.exp(2)), rel=1e-12
    )
    assert hwang_shih_decani(0)(0.3, 0.05) == pytest.approx(0.015)
    assert kim_demets(3)(0.3, 0.05) == pytest.approx(0.05 * 0.027, rel=1e-12)


def test_tiny_early_spends_keep_their_relative_precision() -> None:
    # Mills' ratio: 2 Phi(-x) = 2 phi(x)/x (1 - 1/x^2 + 3/x^4 - ...), x = z_{.0125} / sqrt(.01).
    x = -ndtri(0.0125) / 0.1
    mills = 2 * math.exp(-x * x / 2) / (x * math.sqrt(2 * math.pi))
    series = 1 - x**-2 + 3 * x**-4 - 15 * x**-6
    assert obrien_fleming_spending(0.01, 0.025) == pytest.approx(mills * series, rel=1e-8)


@pytest.mark.parametrize("spending", FUNCTIONS, ids=lambda f: f.name)
def test_a_name_gives_its_function_back(spending: SpendingFunction) -> None:
    assert spending_by_name(spending.name) == spending


def test_names_forgive_case_and_spaces_and_keep_every_digit() -> None:
    assert spending_by_name(" HSD( -4.0 ) ") == hwang_shih_decani(-4)
    assert hwang_shih_decani(-4.0).name == "hsd(-4)"
    odd = kim_demets(1 / 3)
    assert spending_by_name(odd.name) == odd


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("obrien-flemming", "did you mean obrien-fleming"),
        ("pococ", "did you mean pocock"),
        ("hsd", "did you mean hsd(-4)"),
        ("kd()", "there are obrien-fleming, pocock, hsd(GAMMA) and kd(RHO)"),
        ("pocock(2)", "did you mean pocock"),
        ("", "there are"),
        ("kd(0)", "above 0"),
        ("hsd(1000)", "between -100 and 100"),
        ("hsd(1.2.3)", "hsd(1.2.3)"),
    ],
)
def test_an_unknown_name_is_refused_with_a_way_out(name: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        spending_by_name(name)
    assert said in str(caught.value)
    assert caught.value.field == "spending"
    assert caught.value.value == name


@pytest.mark.parametrize("spending", FUNCTIONS, ids=lambda f: f.name)
@pytest.mark.parametrize(
    ("t", "alpha", "field"),
    [
        (-0.1, 0.05, "t"),
        (1.1, 0.05, "t"),
        (math.nan, 0.05, "t"),
        (0.5, 0.0, "alpha"),
        (0.5, 1.0, "alpha"),
        (0.5, math.nan, "alpha"),
    ],
)
def test_outside_the_domain_is_refused(
    spending: SpendingFunction, t: float, alpha: float, field: str
) -> None:
    with pytest.raises(InputError) as caught:
        spending(t, alpha)
    assert caught.value.field == field


@pytest.mark.parametrize("bad", [math.nan, 101.0, -101.0, math.inf])
def test_gamma_outside_its_domain_is_refused(bad: float) -> None:
    with pytest.raises(InputError) as caught:
        HwangShihDeCaniSpending(gamma=bad)
    assert caught.value.field == "gamma"


@pytest.mark.parametrize("bad", [math.nan, 0.0, -1.0, 101.0])
def test_rho_outside_its_domain_is_refused(bad: float) -> None:
    with pytest.raises(InputError) as caught:
        kim_demets(bad)
    assert caught.value.field == "rho"


def test_a_gamma_next_to_nothing_is_linear_whatever_alpha() -> None:
    assert hwang_shih_decani(1e-305)(0.8, 1e-18) == pytest.approx(0.8e-18, rel=1e-12)


def test_the_ends_of_the_parameters_are_inside() -> None:
    assert hwang_shih_decani(-100)(0.5, 0.05) < 1e-20
    assert hwang_shih_decani(100)(0.5, 0.05) == pytest.approx(0.05)
    assert kim_demets(100)(0.5, 0.05) < 1e-20


def test_the_published_families_are_spending_functions() -> None:
    assert all(isinstance(f, SpendingFunction) for f in FUNCTIONS)


def test_a_function_that_takes_error_back_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        cumulative_spending(lambda t, alpha: alpha * (1 - t), times=[0.2, 0.9], alpha=0.05)
    assert caught.value.field == "spending"


def test_rounding_is_forgiven_and_leaves_no_trace() -> None:
    wobble = {0.5: 0.05 * 0.5, 0.6: 0.05 * 0.5 * (1 - 1e-15), 1.0: 0.05 * (1 + 1e-15)}
    spent = cumulative_spending(lambda t, alpha: wobble[t], times=[0.5, 0.6, 1.0], alpha=0.05)
    assert spent == (0.025, 0.025, 0.05)


@pytest.mark.parametrize("alpha", [0.4, 0.025, 1e-9, 1e-200])
def test_what_passes_for_rounding_is_a_share_of_alpha(alpha: float) -> None:
    def swelling(t: float, total: float) -> float:
        return t * total * (1.0 + 1e-9)

    def sagging(t: float, total: float) -> float:
        return total * (0.5 - 1e-9 * t)

    def rounded(t: float, total: float) -> float:
        return t * total * (1.0 + 1e-15)

    for function in (swelling, sagging):
        with pytest.raises(InputError, match="spending function gives"):
            cumulative_spending(function, times=[0.5, 1.0], alpha=alpha)
    assert cumulative_spending(rounded, times=[0.5, 1.0], alpha=alpha)[-1] == alpha
