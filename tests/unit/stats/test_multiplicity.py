"""Multiplicity: the printed example of the paper, extremes, and refusals by field."""

from __future__ import annotations

import math

import pytest

from testkit.errors import InputError
from testkit.stats.gatekeeping import Gatekeeper
from testkit.stats.multiplicity import (
    benjamini_hochberg,
    bonferroni,
    combine_average,
    combine_product,
    dunnett_critical,
    dunnett_p,
    e_benjamini_hochberg,
    hochberg,
    holm,
)

# Benjamini & Hochberg (1995), the example: thrombolysis in myocardial infarction, 15 p-values.
PRINTED = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
    0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
]  # fmt: skip


@pytest.mark.parametrize(
    ("procedure", "found"), [(bonferroni, 3), (holm, 3), (hochberg, 3), (benjamini_hochberg, 4)]
)
def test_the_papers_example_finds_as_many_as_the_paper_says(procedure, found):
    assert sum(value <= 0.05 for value in procedure(PRINTED)) == found


def test_an_infinite_e_value_is_found():
    assert e_benjamini_hochberg([math.inf, 0.0], alpha=0.01) == (0,)


def test_a_certain_zero_rules_a_product_out_and_not_an_average():
    assert combine_product([-math.inf, 5.0]) == -math.inf
    assert combine_average([-math.inf, 0.0]) == pytest.approx(math.log(0.5))


def test_weights_of_an_average_are_made_to_sum_to_one():
    assert combine_average([math.log(4), 0.0], weights=[3, 9]) == pytest.approx(
        math.log(0.25 * 4 + 0.75)
    )


def test_two_sided_dunnett_p_ignores_signs_and_a_zero_is_no_evidence():
    assert dunnett_p([2.5, -2.5, 0.0]) == pytest.approx(dunnett_p([-2.5, 2.5, 0.0]))
    assert dunnett_p([0.0, 0.0])[0] == 1.0


def test_secondaries_wait_for_the_primary():
    graph = Gatekeeper.in_order(primary=1, secondary=2)
    assert graph.test([0.2, 0.001, 0.001], alpha=0.05).rejected == ()
    assert graph.test([0.01, 0.001, 0.04], alpha=0.05).rejected == (0, 1, 2)
    # By hand: primary .01; then Holm among (.03, .04): 2 x .03 = .06.
    assert graph.test([0.01, 0.03, 0.04], alpha=0.05).adjusted == pytest.approx((0.01, 0.06, 0.06))


def test_a_hypothesis_that_no_error_reaches_is_never_rejected():
    graph = Gatekeeper(weights=(1.0, 0.0), transfer=((0.0, 0.0), (0.0, 0.0)))
    result = graph.test([0.9, 0.0], alpha=0.05)
    assert result.rejected == ()
    assert result.adjusted == (0.9, 1.0)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: holm([]), "p"),
        (lambda: holm([0.5, 1.5]), "p"),
        (lambda: holm([0.5, math.nan]), "p"),
        (lambda: benjamini_hochberg([-0.1]), "p"),
        (lambda: e_benjamini_hochberg([-1.0], alpha=0.1), "e"),
        (lambda: e_benjamini_hochberg([math.nan], alpha=0.1), "e"),
        (lambda: e_benjamini_hochberg([1.0], alpha=1.0), "alpha"),
        (lambda: combine_average([]), "log_e"),
        (lambda: combine_average([0.0], weights=[0.0]), "weights"),
        (lambda: combine_average([0.0], weights=[1.0, 1.0]), "weights"),
        (lambda: combine_product([math.inf]), "log_e"),
        (lambda: dunnett_critical(treatments=0, alpha=0.05), "treatments"),
        (lambda: dunnett_critical(treatments=2, alpha=0.0), "alpha"),
        (lambda: dunnett_critical(treatments=2, alpha=0.05, sides=3), "sides"),
        (lambda: dunnett_critical(treatments=2, alpha=0.05, allocation=[1.0]), "allocation"),
        (lambda: dunnett_critical(treatments=1, alpha=0.05, allocation=[0.0]), "allocation"),
        (lambda: dunnett_p([math.nan]), "z"),
        (lambda: Gatekeeper(weights=(0.7, 0.7), transfer=((0.0, 1.0), (1.0, 0.0))), "weights"),
        (lambda: Gatekeeper(weights=(1.0,), transfer=((0.5,),)), "transfer"),
        (lambda: Gatekeeper(weights=(1.0,), transfer=()), "transfer"),
        (lambda: Gatekeeper(weights=(1.0, 0.0), transfer=((0.0, 1.2), (0.0, 0.0))), "transfer"),
        (lambda: Gatekeeper.holm(2).test([0.1], alpha=0.05), "p"),
        (lambda: Gatekeeper.holm(1).test([1.1], alpha=0.05), "p"),
        (lambda: Gatekeeper.holm(0), "tests"),
        (lambda: Gatekeeper.in_order(primary=0, secondary=1), "primary"),
    ],
)
def test_impossible_arguments_are_refused_by_field(call, field):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field
