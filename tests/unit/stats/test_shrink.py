"""Shrunken effects and the priors behind them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import laplace, norm

from testkit.errors import InputError
from testkit.stats.shrink import (
    FEWEST_FOR_PRIOR,
    Prior,
    fit_prior,
    james_stein,
    next_effect,
    normal_prior,
    rate_after,
    shrink,
    stabilised_effects,
)

FAMILIES = ["laplace", "normal", "mixture"]
TWO = Prior(
    family="mixture",
    mean=0.01,
    mean_se=0.0,
    weights=(0.7, 0.3),
    variances=(0.0, 0.05**2),
    tests=100,
)


def simulated(count: int, *, seed: int, heavy: bool = True) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    se = rng.uniform(0.01, 0.05, count)
    true = 0.01 + (rng.laplace(0, 0.02, count) if heavy else rng.normal(0, 0.028, count))
    return true, true + se * rng.standard_normal(count), se


def test_a_normal_prior_gives_the_textbook_posterior() -> None:
    (found,) = shrink([0.06], [0.02], prior=normal_prior(mean=0.01, tau=0.03))
    kept = 0.03**2 / (0.03**2 + 0.02**2)
    sd = math.sqrt(kept) * 0.02
    assert found.effect == pytest.approx(0.01 + kept * 0.05)
    assert found.sd == pytest.approx(sd)
    assert found.low == pytest.approx(found.effect - 1.959963985 * sd)
    assert found.high == pytest.approx(found.effect + 1.959963985 * sd)
    assert found.probability_positive == pytest.approx(norm.cdf(found.effect / sd))
    reach = 1.959963985 * math.hypot(sd, 0.02)
    assert found.repeat_high - found.effect == pytest.approx(reach)


def test_a_mixture_posterior_is_the_integral_it_stands_for() -> None:
    y, se = 0.07, 0.02
    point = 0.7 * norm.pdf(y, 0.01, se)

    def weigh(t: float) -> float:
        return 0.3 * norm.pdf(t, 0.01, 0.05) * norm.pdf(y, t, se)

    total = point + quad(weigh, -0.5, 0.5, points=[0.07])[0]
    mean = (0.01 * point + quad(lambda t: t * weigh(t), -0.5, 0.5, points=[0.07])[0]) / total
    below = quad(weigh, -0.5, 0.0)[0] / total
    (found,) = shrink([y], [se], prior=TWO)
    assert found.effect == pytest.approx(mean, rel=1e-8)
    assert found.probability_positive == pytest.approx(1 - below, abs=1e-8)


def test_interval_ends_leave_the_tail_on_each_side() -> None:
    (found,) = shrink([0.07], [0.02], prior=TWO, level=0.9)
    share = 0.3 * norm.pdf(0.07, 0.01, math.hypot(0.05, 0.02))
    share /= share + 0.7 * norm.pdf(0.07, 0.01, 0.02)
    kept = 0.05**2 / (0.05**2 + 0.02**2)
    slab = norm(0.01 + kept * 0.06, math.sqrt(kept) * 0.02)
    assert share * slab.sf(found.high) == pytest.approx(0.05, abs=1e-6)
    # the lower tail is larger than 5 % in the spike alone: the end is the spike itself
    assert found.low == pytest.approx(0.01, abs=1e-9)


@pytest.mark.parametrize("observed", [-0.1, 0.02, 0.05, 0.2])
def test_the_grid_of_the_laplace_prior_is_fine_enough(observed: float) -> None:
    effects = laplace.ppf((np.arange(4000) + 0.5) / 4000, scale=0.05)
    prior = fit_prior(effects, np.full(4000, 1e-3))
    scale = prior.spread / math.sqrt(2)
    assert scale == pytest.approx(0.05, rel=0.01)

    def weigh(t: float) -> float:
        return laplace.pdf(t, prior.mean, scale) * norm.pdf(observed, t, 0.03)

    spots = sorted({prior.mean, observed})
    total = quad(weigh, -1, 1, points=spots)[0]
    mean = quad(lambda t: t * weigh(t), -1, 1, points=spots)[0] / total
    (found,) = shrink([observed], [0.03], prior=prior)
    assert found.effect == pytest.approx(mean, abs=2e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fitted_prior_finds_mean_and_spread(family: str) -> None:
    true, y, se = simulated(4000, seed=41)
    prior = fit_prior(y, se, family=family)
    assert abs(prior.mean - 0.01) < 4 * prior.mean_se
    assert prior.mean_se < 0.002
    assert prior.spread == pytest.approx(true.std(), rel=0.08)
    assert math.fsum(prior.weights) == pytest.approx(1.0)
    assert prior.tests == 4000


@pytest.mark.parametrize("family", FAMILIES)
def test_the_mean_of_the_prior_is_as_uncertain_as_its_spread_says(family: str) -> None:
    _, y, se = simulated(50, seed=45)
    prior = fit_prior(y, se, family=family)
    assert prior.mean_se == pytest.approx((1 / (se**2 + prior.spread**2)).sum() ** -0.5)


@pytest.mark.parametrize("family", FAMILIES)
def test_shrunken_effects_are_calibrated_even_among_the_largest(family: str) -> None:
    true, y, se = simulated(2000, seed=42, heavy=family != "normal")
    found = shrink(y, se, prior=fit_prior(y, se, family=family))
    effect = np.array([one.effect for one in found])
    inside = np.array([one.low <= t <= one.high for one, t in zip(found, true, strict=True)])
    assert abs(inside.mean() - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 2000)
    top = y >= np.quantile(y, 0.95)
    error = (effect - true)[top]
    assert abs(error.mean()) < 4 * error.std() / math.sqrt(top.sum())
    assert ((effect - true) ** 2).mean() < 0.7 * ((y - true) ** 2).mean()


def test_a_laplace_prior_takes_less_from_large_effects_than_a_normal() -> None:
    _, y, se = simulated(2000, seed=43)
    top = int(y.argmax())
    kept = {
        family: shrink([y[top]], [se[top]], prior=fit_prior(y, se, family=family))[0].effect
        for family in ("laplace", "normal")
    }
    assert kept["normal"] < kept["laplace"] < y[top]


def test_few_tests_give_wide_honest_intervals() -> None:
    rng = np.random.default_rng(44)
    covered = []
    for _ in range(120):
        true = rng.laplace(0, 0.02, FEWEST_FOR_PRIOR)
        se = rng.uniform(0.01, 0.05, FEWEST_FOR_PRIOR)
        y = true + se * rng.standard_normal(FEWEST_FOR_PRIOR)
        found = shrink(y, se, prior=fit_prior(y, se))
        covered += [one.low <= t <= one.high for one, t in zip(found, true, strict=True)]
    # 600 intervals in 120 groups: twice the binomial error allows for the groups
    assert np.mean(covered) > 0.95 - 4 * 2 * math.sqrt(0.95 * 0.05 / 600)


def test_the_uncertain_mean_of_the_prior_widens_the_interval() -> None:
    known = shrink([0.06], [0.02], prior=normal_prior(mean=0.0, tau=0.01))[0]
    vague = shrink([0.06], [0.02], prior=normal_prior(mean=0.0, tau=0.01, mean_se=0.02))[0]
    pulled = 1 - 0.01**2 / (0.01**2 + 0.02**2)
    assert vague.effect == known.effect
    assert vague.sd == pytest.approx(math.hypot(known.sd, pulled * 0.02))


def test_a_repeat_with_more_people_is_predicted_more_tightly() -> None:
    prior = normal_prior(mean=0.0, tau=0.02)
    same, large = (shrink([0.05], [0.02], prior=prior, se_repeat=[se])[0] for se in (0.02, 0.002))
    assert large.repeat_high - large.repeat_low < same.repeat_high - same.repeat_low
    assert (large.low, large.high) == (same.low, same.high)


def test_the_next_effect_spreads_by_the_prior_its_mean_and_its_own_noise() -> None:
    prior = normal_prior(mean=0.02, tau=0.03, mean_se=0.01)
    for se in (0.0, 0.05):
        low, high = next_effect(prior, level=0.9, se=se)
        reach = 1.644853627 * math.sqrt(0.03**2 + 0.01**2 + se**2)
        assert (low, high) == pytest.approx((0.02 - reach, 0.02 + reach))
    with pytest.raises(InputError) as caught:
        next_effect(prior, se=-0.1)
    assert caught.value.field == "se"


def test_an_effect_survives_the_way_to_the_stabilised_scale_and_back() -> None:
    h, se = stabilised_effects(
        control=[2000], n_control=[100_000], treatment=[3000], n_treatment=[50_000]
    )
    assert rate_after(float(h[0]), control=0.02) == pytest.approx(0.06, rel=1e-3)
    assert se[0] == pytest.approx(math.sqrt(1 / 100_000 + 1 / 50_000))
    assert rate_after(9.0, control=0.02) == 1.0
    assert rate_after(-9.0, control=0.02) == 0.0


def test_james_stein_never_turns_an_effect_around() -> None:
    factor, estimates = james_stein([0.01, 0.011, 0.012, 0.009], [0.05] * 4)
    assert factor == 0
    assert estimates == pytest.approx([0.0105] * 4)


@pytest.mark.parametrize(
    ("field", "y", "se", "family"),
    [
        ("effects", [0.1] * 4, [0.1] * 4, "laplace"),
        ("effects", [0.1, 0.2, 0.3, 0.4, math.inf], [0.1] * 5, "laplace"),
        ("se", [0.1, 0.2, 0.3, 0.4, 0.5], [0.1] * 4, "laplace"),
        ("se", [0.1, 0.2, 0.3, 0.4, 0.5], [0.1, 0.1, 0.1, 0.1, 0.0], "laplace"),
        ("family", [0.1, 0.2, 0.3, 0.4, 0.5], [0.1] * 5, "cauchy"),
    ],
)
def test_bad_input_names_the_field(
    field: str, y: list[float], se: list[float], family: str
) -> None:
    with pytest.raises(InputError) as caught:
        fit_prior(y, se, family=family)
    assert caught.value.field == field


def test_other_bad_input_names_the_field() -> None:
    prior = normal_prior(mean=0.0, tau=0.1)
    for field, call in (
        ("se_repeat", lambda: shrink([0.1], [0.1], prior=prior, se_repeat=[0.1, 0.1])),
        ("level", lambda: shrink([0.1], [0.1], prior=prior, level=1.0)),
        ("tau", lambda: normal_prior(mean=0.0, tau=-1.0)),
        ("mean_se", lambda: normal_prior(mean=0.0, tau=1.0, mean_se=math.nan)),
        ("effects", lambda: james_stein([0.1] * 4, [0.1] * 4)),
        ("effects", lambda: james_stein([0.1] * 3, [0.1] * 3)),
        ("control", lambda: rate_after(0.1, control=1.2)),
        (
            "treatment",
            lambda: stabilised_effects(
                control=[1], n_control=[9], treatment=[1, 2], n_treatment=[9, 9]
            ),
        ),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.field == field


def test_a_prior_around_none_never_makes_an_effect_larger():
    effects, se = np.array([0.3, 0.35, 0.2, 0.4, 0.25, -0.1]), np.full(6, 0.05)
    for family in ("laplace", "normal", "mixture"):
        prior = fit_prior(effects, se, family=family, mean=0.0)
        assert (prior.mean, prior.mean_se) == (0.0, 0.0)
        for seen, found in zip(effects, shrink(effects, se, prior=prior), strict=True):
            assert abs(found.effect) <= abs(seen)
            assert found.effect * seen > 0
    # The mean that is not fitted is in the spread: the root mean square of the true effects.
    assert fit_prior(effects, se, mean=0.0).spread > fit_prior(effects, se).spread
