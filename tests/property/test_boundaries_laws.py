"""Laws of spending, bounds, crossing probabilities and inference, over many designs."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from testkit.stats.boundaries import (
    crossing_probabilities,
    monitoring_bounds,
    spending_bounds,
)
from testkit.stats.conditional import conditional_power
from testkit.stats.futility import futility_design
from testkit.stats.inference import repeated_interval, sequential_p_value, stagewise
from testkit.stats.sizing import characteristics
from testkit.stats.spending import (
    hwang_shih_decani,
    kim_demets,
    obrien_fleming_spending,
    pocock_spending,
    spending_by_name,
)

alphas = st.floats(0.001, 0.3)
sides = st.sampled_from([1, 2])
spendings = st.one_of(
    st.just(obrien_fleming_spending),
    st.just(pocock_spending),
    st.floats(-6, 3).map(hwang_shih_decani),
    st.floats(0.5, 5).map(kim_demets),
)
fractions = st.floats(0, 1)
# Steps from a fiftieth to fifty times one another: crowded and sparse looks alike.
informations = st.lists(st.floats(0.02, 1.0), min_size=1, max_size=7).map(
    lambda steps: [float(i) for i in np.cumsum(steps)]
)
drifts = st.floats(-5, 5)


@given(spendings, fractions, fractions, alphas)
def test_spending_never_goes_back_and_stays_within_alpha(spending, s, t, alpha) -> None:
    early, late = spending(min(s, t), alpha), spending(max(s, t), alpha)
    assert 0.0 <= early <= late <= alpha * (1 + 1e-12)


@given(st.floats(-100, 100), st.floats(1e-3, 100), fractions)
def test_a_name_says_everything_about_its_function(gamma, rho, t) -> None:
    for spending in (hwang_shih_decani(gamma), kim_demets(rho)):
        assert spending_by_name(spending.name)(t, 0.05) == spending(t, 0.05)


@settings(max_examples=40, deadline=None)
@given(informations, alphas, sides, spendings)
def test_bounds_spend_exactly_what_the_function_allows(info, alpha, sides, spending) -> None:
    bounds = spending_bounds(information=info, alpha=alpha, sides=sides, spending=spending)
    exits = crossing_probabilities(information=info, upper=bounds.upper, lower=bounds.lower)
    allowed = [spending(i / info[-1], alpha / sides) for i in info]
    np.testing.assert_allclose(np.cumsum(exits.upper), allowed, rtol=1e-8, atol=1e-14)


@settings(max_examples=40, deadline=None)
@given(informations, alphas, spendings, drifts)
def test_nobody_is_lost(info, alpha, spending, drift) -> None:
    bounds = spending_bounds(information=info, alpha=alpha, spending=spending)
    closed = crossing_probabilities(
        information=info,
        upper=bounds.upper,
        lower=[*bounds.lower[:-1], bounds.upper[-1]],
        drift=drift,
    )
    total = closed.upper.sum() + closed.lower.sum()
    np.testing.assert_allclose(total, 1.0, rtol=0, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(informations, alphas, spendings, drifts)
def test_up_and_down_are_mirror_images(info, alpha, spending, drift) -> None:
    bounds = spending_bounds(information=info, alpha=alpha, sides=1, spending=spending)
    floor = [min(b - 0.5, -0.3) for b in bounds.upper]
    one = crossing_probabilities(information=info, upper=bounds.upper, lower=floor, drift=drift)
    other = crossing_probabilities(
        information=info, upper=[-b for b in floor], lower=-bounds.upper, drift=-drift
    )
    np.testing.assert_allclose(other.lower, one.upper, rtol=1e-8, atol=1e-15)
    np.testing.assert_allclose(other.upper, one.lower, rtol=1e-8, atol=1e-15)


@settings(max_examples=40, deadline=None)
@given(informations, alphas, st.floats(0.05, 0.95), sides, spendings)
def test_more_alpha_at_one_side_lowers_the_first_bound(info, alpha, share, sides, spending) -> None:
    strict = spending_bounds(information=info, alpha=alpha * share, sides=sides, spending=spending)
    loose = spending_bounds(information=info, alpha=alpha, sides=sides, spending=spending)
    assert loose.upper[0] <= strict.upper[0]


@settings(max_examples=40, deadline=None)
@given(informations, alphas, sides, spendings, st.integers(0, 7))
def test_past_looks_keep_their_bounds_and_the_rest_follows(
    info, alpha, sides, spending, taken
) -> None:
    bounds = spending_bounds(information=info, alpha=alpha, sides=sides, spending=spending)
    past = bounds.upper[:taken]
    assume(sides == 1 or np.all(past > 0))
    again = spending_bounds(
        information=info, alpha=alpha, sides=sides, spending=spending, fixed_upper=past
    )
    np.testing.assert_array_equal(again.upper[: len(past)], past)
    # Solving again may differ by rounding, which a bound that spends next to nothing magnifies.
    solid = np.diff(bounds.spent, prepend=0.0) > 1e-9
    np.testing.assert_allclose(again.upper[solid], bounds.upper[solid], rtol=0, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(informations, alphas, spendings, st.floats(0.3, 3.0))
def test_monitoring_never_spends_more_than_alpha_whatever_the_plan(
    info, alpha, spending, reached
) -> None:
    bounds = monitoring_bounds(
        planned_information=info[-1] / reached,
        information=info,
        alpha=alpha,
        spending=spending,
    )
    exits = crossing_probabilities(information=info, upper=bounds.upper, lower=bounds.lower)
    spent = exits.upper.sum() + exits.lower.sum()
    assert spent <= alpha * (1 + 1e-9)
    if reached >= 1.0:
        np.testing.assert_allclose(spent, alpha, rtol=1e-8)


@settings(max_examples=25, deadline=None)
@given(informations, st.floats(0.01, 0.2), spendings, st.data())
def test_inference_after_a_stop_agrees_with_the_decision(info, alpha, spending, data) -> None:
    bounds = spending_bounds(information=info, alpha=alpha, spending=spending)
    look = data.draw(st.integers(1, len(info)))
    bound = float(bounds.upper[look - 1])
    assume(bound < 15)
    excess = data.draw(st.floats(1e-4, 3))
    z = bound + excess
    level = 1 - alpha
    result = stagewise(
        information=info, upper=bounds.upper, lower=bounds.lower, z=z, look=look, level=level
    )
    # A stop at a bound is significant, and its interval says so.
    assert result.p_value <= alpha
    assert result.low > 0
    assert result.low < result.estimate < result.high
    repeated = repeated_interval(z=z, information=info[look - 1], bound=bound)
    assert repeated.low is not None
    assert repeated.low > 0


@settings(max_examples=25, deadline=None)
@given(informations, spendings, st.floats(-4, 4), st.floats(0.05, 1))
def test_stagewise_p_falls_as_z_rises(info, spending, z, step) -> None:
    bounds = spending_bounds(information=info, alpha=0.05, spending=spending)
    design = {"information": info, "upper": bounds.upper, "lower": bounds.lower}
    low = stagewise(**design, z=z, look=len(info))
    high = stagewise(**design, z=z + step, look=len(info))
    # Far beyond the bounds of the looks before, z hardly matters any more: equal up to rounding.
    assert high.p_upper <= low.p_upper + 1e-12
    assert high.estimate >= low.estimate - 1e-9
    if z + step < min(bounds.upper):
        assert high.p_upper < low.p_upper
        assert high.estimate > low.estimate


@settings(max_examples=25, deadline=None)
@given(informations, spendings, sides, st.data())
def test_sequential_p_rejects_when_the_bounds_do_and_never_grows(
    info, spending, sides, data
) -> None:
    z = data.draw(st.lists(st.floats(-4, 4), min_size=len(info), max_size=len(info)))
    times = [i / info[-1] for i in info]
    p = [
        sequential_p_value(
            z=z[:k],
            information=info[:k],
            spending_time=times[:k],
            spending=spending,
            sides=sides,
        )
        for k in range(1, len(info) + 1)
    ]
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in itertools.pairwise(p))
    bounds = spending_bounds(information=info, alpha=0.05, sides=sides, spending=spending)
    seen = np.abs(z) if sides == 2 else np.array(z)
    margin = np.max(seen - bounds.upper)
    assume(abs(margin) > 1e-6)
    assert (p[-1] < 0.05) == (margin > 0)


@settings(max_examples=25, deadline=None)
@given(informations, spendings, st.floats(-3, 3), st.floats(0.1, 2))
def test_conditional_power_rises_with_what_has_been_seen(info, spending, z, step) -> None:
    assume(len(info) > 1)
    bounds = spending_bounds(information=info, alpha=0.05, spending=spending)
    design = {"information": info, "upper": bounds.upper, "lower": [-math.inf] * len(info)}
    less = conditional_power(**design, z=z, look=1, drift=0.5)
    more = conditional_power(**design, z=z + step, look=1, drift=0.5)
    assert 0.0 <= less <= more + 1e-12 <= 1.0 + 1e-9


@settings(max_examples=15, deadline=None)
@given(informations, st.floats(0.005, 0.1), st.floats(0.05, 0.4), st.booleans())
def test_futility_designs_keep_both_errors(info, alpha, beta, binding) -> None:
    design = futility_design(information=info, alpha=alpha, beta=beta, binding=binding)
    assert np.all(design.lower <= design.upper)
    assert design.inflation >= 1 - 1e-9
    null, effect = (
        crossing_probabilities(
            information=info, upper=design.upper, lower=design.lower, drift=drift
        )
        for drift in (0.0, design.drift)
    )
    assert null.upper.sum() <= alpha * (1 + 1e-8)
    np.testing.assert_allclose(effect.lower.sum(), beta, rtol=1e-7)


@settings(max_examples=15, deadline=None)
@given(informations, st.floats(0.005, 0.1), spendings, st.floats(0.5, 0.97))
def test_looking_costs_size_at_the_end_only(info, alpha, spending, power) -> None:
    bounds = spending_bounds(information=info, alpha=alpha, sides=1, spending=spending)
    figures = characteristics(bounds, power=power)
    assert figures.inflation >= 1 - 1e-9
    assert figures.share_effect <= figures.inflation + 1e-9
