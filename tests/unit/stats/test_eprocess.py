"""E-processes on counts: hand-worked values, limits without data, refusals by field."""

from __future__ import annotations

import math

import pytest

from testkit.errors import InputError
from testkit.stats.eprocess import (
    Evidence,
    arm_of_conversion,
    arm_of_conversion_interval,
    concentration_for,
    safe_z,
    two_point,
)
from testkit.stats.safe2x2 import BlockPrior, Restriction, safe_blocks


def test_a_uniform_prior_gives_laplaces_rule():
    # k = 2 at rho = 1/2 is Beta(1, 1): three in one arm, B(1, 4) / B(1, 1) * 2^3 = 8 / 4 = 2.
    path = arm_of_conversion(control=[0, 0, 0], treatment=[1, 2, 3], share=0.5, concentration=2)
    assert [math.exp(value) for value in path.log_e] == pytest.approx([1, 4 / 3, 2])


def test_no_conversions_are_no_evidence():
    assert arm_of_conversion(control=0, treatment=0, share=0.3, concentration=50).log_e == (0.0,)
    assert two_point(control=0, treatment=0, share=0.3, risk_ratio=2).log_e == (0.0,)
    assert arm_of_conversion_interval(control=0, treatment=0, share=0.3, concentration=50) == (
        0.0,
        math.inf,
    )


def test_an_arm_without_conversions_sets_one_limit_only():
    low, high = arm_of_conversion_interval(control=0, treatment=30, share=0.5, concentration=50)
    assert low > 1
    assert high == math.inf
    low, high = arm_of_conversion_interval(control=30, treatment=0, share=0.5, concentration=50)
    assert low == 0
    assert high < 1


def test_the_interval_of_a_huge_sample_closes_on_the_ratio():
    low, high = arm_of_conversion_interval(
        control=10**7, treatment=2 * 10**7, share=0.5, concentration=100
    )
    assert 1.99 < low < 2 < high < 2.01


def test_two_points_are_the_average_of_two_likelihood_ratios():
    # RR 2 at even shares: q = 2/3 or 1/3, so one treatment conversion gives 4/3 and 2/3.
    path = two_point(control=[0, 1], treatment=[1, 1], share=0.5, risk_ratio=2)
    assert [math.exp(value) for value in path.log_e] == pytest.approx(
        [(4 / 3 + 2 / 3) / 2, (4 / 3 * 2 / 3 + 2 / 3 * 4 / 3) / 2]
    )
    assert two_point(
        control=0, treatment=1, share=0.5, risk_ratio=2, weight_up=1
    ).e_value == pytest.approx(4 / 3)
    assert two_point(
        control=0, treatment=1, share=0.5, risk_ratio=2, weight_up=0
    ).e_value == pytest.approx(2 / 3)


def test_one_share_and_the_same_share_at_every_look_agree():
    counts = {"control": [3, 9, 11], "treatment": [5, 9, 20], "risk_ratio": 1.4}
    assert two_point(share=0.3, **counts).log_e == pytest.approx(
        two_point(share=[0.3, 0.3, 0.3], **counts).log_e
    )


def test_concentration_at_even_shares_is_the_published_form():
    # k = (2 / log RR)^2 - 1 where rho = 1/2.
    assert concentration_for(risk_ratio=1.2, share=0.5) == pytest.approx(
        (2 / math.log(1.2)) ** 2 - 1
    )
    assert concentration_for(risk_ratio=1 / 1.2, share=0.5) == pytest.approx(
        concentration_for(risk_ratio=1.2, share=0.5)
    )


def test_evidence_beyond_a_float_is_infinite_not_an_error():
    path = Evidence(log_e=(800.0,))
    assert path.e_value == math.inf
    assert path.p_values[0] == pytest.approx(0.0, abs=1e-300)


def test_blocks_with_uniform_priors_by_hand():
    """Block 1 has guesses 1/2 and 1/2, so E = 1. After (1 of 2, 2 of 2) they are 1/2 and 3/4;
    t0 = 5/8 and (0, 2) gives (1/2)^2 (3/4)^2 / ((3/8)^2 (5/8)^2) = 64/25."""
    path = safe_blocks(
        control=[1, 0],
        treatment=[2, 2],
        n_control=2,
        n_treatment=2,
        prior=BlockPrior(control=(1, 1), treatment=(1, 1)),
    )
    assert [math.exp(value) for value in path.log_e] == pytest.approx([1, 64 / 25])


def test_a_restriction_fixes_the_effect_between_the_guesses():
    for restriction in (
        Restriction(scale="difference", delta=-0.3),
        Restriction(scale="difference", delta=0.3),
    ):
        sign = math.copysign(1, restriction.delta)
        towards = {"control": 2, "treatment": 8} if sign > 0 else {"control": 8, "treatment": 2}
        against = {"control": towards["treatment"], "treatment": towards["control"]}
        size = {"n_control": 10, "n_treatment": 10, "restriction": restriction}
        assert safe_blocks(**towards, **size).log_e[0] > 0 > safe_blocks(**against, **size).log_e[0]


def test_one_sided_safe_z_ignores_the_other_direction():
    there = safe_z(3, n_control=50, n_treatment=50, effect_size=0.3, alternative="greater")
    back = safe_z(-3, n_control=50, n_treatment=50, effect_size=0.3, alternative="greater")
    assert there > 0 > back
    both = safe_z(-3, n_control=50, n_treatment=50, effect_size=0.3)
    # cosh is the average of the two one-sided exponentials.
    assert math.exp(both) == pytest.approx((math.exp(there) + math.exp(back)) / 2)


AOC = {"control": [1, 2], "treatment": [1, 3], "share": 0.5, "concentration": 10.0}
TWO = {"control": [1, 2], "treatment": [1, 3], "share": 0.5, "risk_ratio": 1.5}
BLOCK = {"control": [1, 2], "treatment": [1, 3], "n_control": 10, "n_treatment": 10}
Z = {"n_control": 5, "n_treatment": 5, "effect_size": 0.3}


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: arm_of_conversion(**AOC | {"control": [2, 1]}), "control"),
        (lambda: arm_of_conversion(**AOC | {"treatment": [2, 1]}), "treatment"),
        (lambda: arm_of_conversion(**AOC | {"treatment": [1]}), "treatment"),
        (lambda: arm_of_conversion(**AOC | {"control": [-1, 2]}), "control"),
        (lambda: arm_of_conversion(**AOC | {"control": [0.5, 2]}), "control"),
        (lambda: arm_of_conversion(**AOC | {"control": [math.nan, 2]}), "control"),
        (lambda: arm_of_conversion(**AOC | {"control": []}), "control"),
        (lambda: arm_of_conversion(**AOC | {"share": 1.0}), "share"),
        (lambda: arm_of_conversion(**AOC | {"concentration": 0.0}), "concentration"),
        (lambda: arm_of_conversion_interval(**AOC), "control"),
        (
            lambda: arm_of_conversion_interval(**AOC | {"control": 1, "treatment": 1, "alpha": 0}),
            "alpha",
        ),
        (lambda: two_point(**TWO | {"share": [0.5]}), "share"),
        (lambda: two_point(**TWO | {"share": [0.5, 1.5]}), "share"),
        (lambda: two_point(**TWO | {"risk_ratio": 1.0}), "risk_ratio"),
        (lambda: two_point(**TWO | {"risk_ratio": -2.0}), "risk_ratio"),
        (lambda: two_point(**TWO | {"weight_up": 1.1}), "weight_up"),
        (lambda: concentration_for(risk_ratio=9.0, share=0.5), "risk_ratio"),
        (lambda: concentration_for(risk_ratio=math.nan, share=0.5), "risk_ratio"),
        (lambda: concentration_for(risk_ratio=1.2, share=0.0), "share"),
        (lambda: Evidence(log_e=()), "log_e"),
        (lambda: Evidence(log_e=(math.nan,)), "log_e"),
        (lambda: Evidence(log_e=(0.0,)).first_crossing(alpha=1.0), "alpha"),
        (lambda: safe_blocks(**BLOCK | {"n_control": 1}), "n_control"),
        (lambda: safe_blocks(**BLOCK | {"n_treatment": 0}), "n_treatment"),
        (lambda: safe_blocks(**BLOCK | {"n_treatment": [10, 10, 10]}), "n_treatment"),
        (lambda: safe_blocks(**BLOCK | {"treatment": [1]}), "treatment"),
        (lambda: safe_blocks(**BLOCK | {"strata": ["x"]}), "strata"),
        (lambda: BlockPrior(control=(0.0, 1.0)), "control"),
        (lambda: Restriction(scale="difference", delta=1.0), "delta"),
        (lambda: Restriction(scale="log_odds", delta=0.0), "delta"),
        (lambda: safe_z(math.inf, **Z), "z"),
        (lambda: safe_z(1.0, **Z | {"n_control": 0}), "n_control"),
        (lambda: safe_z(1.0, **Z | {"effect_size": -0.3}), "effect_size"),
    ],
)
def test_impossible_arguments_are_refused_by_field(call, field):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field
