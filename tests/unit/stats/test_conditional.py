"""Conditional and predictive power: closed forms with one look left, and bad input."""

from __future__ import annotations

import math

import pytest
from scipy.special import ndtr

from testkit.errors import InputError
from testkit.stats.boundaries import crossing_probabilities
from testkit.stats.conditional import conditional_power, predictive_power

OPEN = [-math.inf] * 3
DESIGN = {"information": [1.0, 2.5, 4.0], "upper": [3.5, 2.6, 2.0], "lower": OPEN}


@pytest.mark.parametrize("drift", [0.0, 0.9, -0.4])
def test_with_one_look_left_it_is_the_normal_formula(drift: float) -> None:
    # z_K sqrt(I_K) given z_k sqrt(I_k) is normal with mean + drift (I_K - I_k), variance I_K - I_k.
    z = 1.4
    mean = z * math.sqrt(2.5) + drift * 1.5
    expected = ndtr((mean - 2.0 * math.sqrt(4.0)) / math.sqrt(1.5))
    assert conditional_power(**DESIGN, z=z, look=2, drift=drift) == pytest.approx(
        expected, abs=1e-12
    )


def test_flat_predictive_power_with_one_look_left_is_the_known_formula() -> None:
    # Phi((z_k sqrt(I_K) - u_K sqrt(I_k)) / sqrt(I_K - I_k)): the posterior of the drift is
    # N(z_k / sqrt(I_k), 1 / I_k), and the increment adds its own variance.
    z = 1.4
    expected = ndtr((z * math.sqrt(4.0) - 2.0 * math.sqrt(2.5)) / math.sqrt(1.5))
    assert predictive_power(**DESIGN, z=z, look=2) == pytest.approx(expected, abs=1e-9)


def test_a_prior_without_doubt_gives_conditional_power() -> None:
    sure = predictive_power(**DESIGN, z=1.4, look=1, prior_mean=0.8, prior_sd=1e-7)
    assert sure == pytest.approx(conditional_power(**DESIGN, z=1.4, look=1, drift=0.8), abs=1e-6)


def test_conditional_error_averages_to_what_is_left_of_alpha() -> None:
    # E[P(reject later | Z_1)] over Z_1 below its bound is the error spent after look 1.
    from scipy.integrate import quad

    later, _ = quad(
        lambda z: (
            math.exp(-z * z / 2)
            / math.sqrt(2 * math.pi)
            * conditional_power(**DESIGN, z=z, look=1, drift=0.0)
        ),
        -8,
        3.5,
        epsabs=1e-10,
    )
    exits = crossing_probabilities(**DESIGN)
    assert later == pytest.approx(exits.upper[1:].sum(), abs=1e-9)


def test_lower_bounds_take_power_away() -> None:
    obeyed = {**DESIGN, "lower": [-1.0, 1.5, 2.0]}
    assert conditional_power(**obeyed, z=1.0, look=1, drift=0.5) < conditional_power(
        **DESIGN, z=1.0, look=1, drift=0.5
    )


def test_exactly_on_a_certain_outcome() -> None:
    assert conditional_power(**DESIGN, z=30.0, look=2, drift=0.0) == pytest.approx(1.0)
    assert conditional_power(**DESIGN, z=-30.0, look=2, drift=0.0) == 0.0
    # At the value where the last bound is exactly the mean, the chance is one half.
    even = 2.0 * math.sqrt(4.0) / math.sqrt(2.5)
    assert conditional_power(**DESIGN, z=even, look=2, drift=0.0) == pytest.approx(0.5)


@pytest.mark.parametrize("function", [conditional_power, predictive_power])
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"look": 0}, "look"),
        ({"look": 3}, "look"),
        ({"z": math.nan}, "z"),
        ({"upper": [2.0]}, "upper"),
        ({"information": [1, 1, 1]}, "information"),
    ],
)
def test_bad_input_names_its_field(function, arguments: dict[str, object], field: str) -> None:
    extra = {"drift": 0.0} if function is conditional_power else {}
    with pytest.raises(InputError) as caught:
        function(**{**DESIGN, "z": 1.0, "look": 1, **extra, **arguments})
    assert caught.value.field == field


def test_bad_priors_and_drifts_name_their_field() -> None:
    for call, field in (
        (lambda: predictive_power(**DESIGN, z=1, look=1, prior_sd=0.0), "prior_sd"),
        (lambda: predictive_power(**DESIGN, z=1, look=1, prior_sd=math.nan), "prior_sd"),
        (lambda: predictive_power(**DESIGN, z=1, look=1, prior_mean=math.inf), "prior_mean"),
        (lambda: conditional_power(**DESIGN, z=1, look=1, drift=math.nan), "drift"),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.field == field
