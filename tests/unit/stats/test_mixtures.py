"""Boundaries: the limits of the formulas, and refusals by field. Values are in tests/golden."""

from __future__ import annotations

import math

import pytest

from testkit.errors import InputError
from testkit.stats.mixtures import (
    BetaBinomialMixture,
    GammaMixture,
    NormalMixture,
    best_rho,
    boundary,
    rate_interval,
    stitched_boundary,
)


def test_one_side_costs_less_than_two():
    for v in (10.0, 100.0, 1000.0):
        one, two = (
            boundary(NormalMixture.tuned(v_opt=100, alpha=0.05, sides=s), v=v, alpha=0.05)
            for s in (1, 2)
        )
        assert one < two


def test_the_two_sided_normal_boundary_has_a_closed_form():
    # s^2 = (v + rho) log((v + rho) / (rho alpha^2)).
    rho, v, alpha = 12.0, 70.0, 0.05
    assert boundary(NormalMixture(rho=rho), v=v, alpha=alpha) ** 2 == pytest.approx(
        (v + rho) * math.log((v + rho) / (rho * alpha**2)), rel=1e-12
    )


def test_a_gamma_mixture_of_tiny_scale_is_the_one_sided_normal():
    normal = NormalMixture.tuned(v_opt=100, alpha=0.05, sides=1)
    # As c falls to 0 sub-exponential and sub-Poisson sums become sub-Gaussian.
    for kind in ("exponential", "poisson"):
        gamma = GammaMixture.tuned(v_opt=100, alpha=0.05, c=0.01, kind=kind)
        assert gamma.log_value(s=20, v=100) == pytest.approx(
            normal.log_value(s=20, v=100), abs=0.02
        )


def test_no_possible_sum_reaches_an_early_bernoulli_boundary():
    mixture = BetaBinomialMixture.tuned(v_opt=100, alpha=0.05, g=0.5, h=0.5)
    # After two tosses (v = 1/2) even two heads are not evidence at 5 %.
    assert boundary(mixture, v=0.5, alpha=0.05) == math.inf


def test_the_stitched_boundary_is_flat_below_its_start():
    assert stitched_boundary(v=3, alpha=0.05, v_min=10) == stitched_boundary(
        v=10, alpha=0.05, v_min=10
    )


def test_a_rate_without_data_on_one_side_has_no_limit_there():
    assert rate_interval(successes=0, n=50, n_opt=50)[0] == 0.0
    assert rate_interval(successes=50, n=50, n_opt=50)[1] == 1.0
    assert rate_interval(successes=0, n=1, n_opt=50) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: best_rho(v_opt=0, alpha=0.05), "v_opt"),
        (lambda: best_rho(v_opt=1, alpha=1), "alpha"),
        (lambda: best_rho(v_opt=1, alpha=0.5, sides=1), "alpha"),
        (lambda: best_rho(v_opt=1, alpha=0.05, sides=3), "sides"),
        (lambda: NormalMixture(rho=0), "rho"),
        (lambda: GammaMixture(rho=1, c=0, kind="poisson"), "c"),
        (lambda: GammaMixture(rho=1, c=1, kind="poisson").log_value(s=-3, v=1), "s"),
        (lambda: GammaMixture(rho=1, c=1, kind="exponential").log_value(s=-3, v=1), "s"),
        (lambda: BetaBinomialMixture(r=1, g=0, h=1), "g"),
        (lambda: BetaBinomialMixture(r=1, g=0.5, h=0.5).log_value(s=5, v=1), "s"),
        (lambda: boundary(NormalMixture(rho=1), v=-1, alpha=0.05), "v"),
        (lambda: stitched_boundary(v=1, alpha=0.05, v_min=0), "v_min"),
        (lambda: stitched_boundary(v=1, alpha=0.05, v_min=1, s=1), "s"),
        (lambda: stitched_boundary(v=1, alpha=0.05, v_min=1, eta=0.5), "eta"),
        (lambda: stitched_boundary(v=1, alpha=0.05, v_min=1, c=math.nan), "c"),
        (lambda: rate_interval(successes=5, n=4, n_opt=10), "successes"),
        (lambda: rate_interval(successes=-1, n=4, n_opt=10), "successes"),
        (lambda: rate_interval(successes=1, n=0, n_opt=10), "n"),
        (lambda: rate_interval(successes=1, n=4, n_opt=0), "n_opt"),
        (lambda: rate_interval(successes=1, n=4, n_opt=9, alpha=math.nan), "alpha"),
    ],
)
def test_impossible_arguments_are_refused_by_field(call, field):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field
