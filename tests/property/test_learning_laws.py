"""Laws of planning, pooling, judging and shrinking, over many inputs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from testkit.stats.meta import pool
from testkit.stats.posterior import judge_arms, value_of_continuing
from testkit.stats.power import mde_rates, n_rates, power_rates, restricted_rates
from testkit.stats.power_means import n_means, power_means
from testkit.stats.returns import Range, product
from testkit.stats.roll import plan_roll, roll_error_rate
from testkit.stats.shrink import fit_prior, normal_prior, shrink

rates = st.floats(0.001, 0.999)
ratios = st.floats(0.1, 10)
powers = st.floats(0.5, 0.99)
levels = st.floats(0.001, 0.2)
tests = st.sampled_from(["score", "wald", "baseline", "arcsine"])
effects = st.floats(-1, 1).map(lambda x: round(x, 6))
errors = st.floats(0.01, 0.5)
studies = st.lists(st.tuples(effects, errors), min_size=5, max_size=12)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    value = draw(st.floats(-10, 10))
    down, up = draw(st.floats(0, 5)), draw(st.floats(0, 5))
    return Range(value=value, low=value - down, high=value + up)


@given(a=rates, b=rates, power=powers, alpha=levels, ratio=ratios, test=tests)
def test_size_and_power_are_inverse(
    *, a: float, b: float, power: float, alpha: float, ratio: float, test: str
) -> None:
    assume(abs(a - b) > 1e-4)
    size = n_rates(control=a, treatment=b, power=power, alpha=alpha, ratio=ratio, test=test)
    found = power_rates(
        n_control=size.control, control=a, treatment=b, alpha=alpha, ratio=ratio, test=test
    )
    assert found == pytest.approx(power, abs=1e-9)


@given(a=rates, n=st.floats(10, 1e6), direction=st.sampled_from(["up", "down"]))
def test_detectable_effect_has_the_power_or_does_not_exist(
    a: float, n: float, direction: str
) -> None:
    change = mde_rates(n_control=n, control=a, direction=direction)
    if change is None:
        end = 1 - 1e-9 if direction == "up" else 1e-9 * a
        assert power_rates(n_control=n, control=a, treatment=end) < 0.8 + 1e-6
        return
    # the ends themselves are within rounding of 0 and 1
    assume(1e-9 < a + change < 1 - 1e-9)
    assert power_rates(n_control=n, control=a, treatment=a + change) == pytest.approx(0.8, abs=1e-6)


@given(a=rates, b=rates, ratio=ratios, null=st.floats(-0.5, 0.5))
def test_restricted_rates_satisfy_the_null_and_stay_rates(
    a: float, b: float, ratio: float, null: float
) -> None:
    x, y = restricted_rates(control=a, treatment=b, null=null, ratio=ratio)
    assert 0 <= x <= 1
    assert 0 <= y <= 1
    assert y - x == pytest.approx(null, abs=1e-12)
    for scale, value in (("ratio", math.exp(4 * null)), ("odds", math.exp(6 * null))):
        x, y = restricted_rates(control=a, treatment=b, null=value, scale=scale, ratio=ratio)
        assert 0 <= x <= 1
        assert 0 <= y <= 1
        if scale == "ratio":
            assert y == pytest.approx(value * x, rel=1e-9, abs=1e-12)
        else:
            assert y * (1 - x) == pytest.approx(value * x * (1 - y), rel=1e-6, abs=1e-12)


@given(a=rates, b=rates, power=powers)
def test_swapping_conversions_for_the_others_changes_no_size(
    a: float, b: float, power: float
) -> None:
    assume(abs(a - b) > 1e-3)
    one = n_rates(control=a, treatment=b, power=power)
    other = n_rates(control=1 - a, treatment=1 - b, power=power)
    assert one.control == pytest.approx(other.control, rel=1e-9)


@settings(max_examples=50)
@given(d=st.floats(0.05, 3), sd=st.floats(0.1, 10), power=powers, ratio=ratios, welch=st.booleans())
def test_sizes_of_means_have_their_power_in_any_unit(
    d: float, sd: float, power: float, ratio: float, welch: bool
) -> None:
    unit = {"sd": sd, "sd_treatment": 2 * sd if welch else None, "ratio": ratio}
    size = n_means(difference=d * sd, power=power, **unit)
    found = power_means(n_control=size.control, difference=d * sd, **unit)
    assert found >= power - 1e-6
    scaled = {**unit, "sd": 10 * sd, "sd_treatment": 20 * sd if welch else None}
    again = n_means(difference=10 * d * sd, power=power, **scaled)
    assert again.control == pytest.approx(size.control, rel=1e-6)


@given(
    size=st.integers(100, 10_000_000), sd=st.floats(0.01, 10), spread=st.floats(1e-6, 10),
    arms=st.integers(2, 4),
)  # fmt: skip
@settings(max_examples=40)
def test_a_roll_never_tests_more_than_a_third_of_the_list_on_two_arms(
    size: int, sd: float, spread: float, arms: int
) -> None:
    plan = plan_roll(list_size=size, sd=sd, spread=spread, arms=arms)
    assert plan.n[0] > 0
    assert arms * plan.n[0] < size * (1 / 3 + 1e-9 if arms == 2 else 1)
    assert 0 <= plan.gain <= plan.gain_if_known
    assert 0 < plan.error_rate <= (arms - 1) / arms + 1e-9


@given(n=st.floats(1, 1e6), sd=st.floats(0.01, 10), spread=st.floats(1e-4, 10))
def test_a_larger_test_errs_less(n: float, sd: float, spread: float) -> None:
    small = roll_error_rate(n=n, sd=sd, spread=spread)
    assert roll_error_rate(n=2 * n, sd=sd, spread=spread) < small


@given(studies=studies, shift=st.floats(-2, 2), scale=st.floats(0.1, 10))
@settings(max_examples=60)
def test_pooling_follows_a_change_of_unit(
    studies: list[tuple[float, float]], shift: float, scale: float
) -> None:
    y, se = np.array(studies).T
    assume(np.ptp(y) > 1e-3)
    one, other = pool(y, se), pool(shift + scale * y, scale * se)
    assert other.mean == pytest.approx(shift + scale * one.mean, rel=1e-4, abs=1e-4)
    # a tau that is a hair above 0 in one unit may be 0 in another
    assert other.tau == pytest.approx(scale * one.tau, rel=1e-3, abs=1e-3 * scale)
    assert one.low <= one.mean <= one.high
    assert one.tau2_low <= one.tau2_high
    assert 0 <= one.i2 < 1


@given(
    counts=st.lists(st.tuples(st.integers(1, 2000), st.floats(0, 1)), min_size=2, max_size=5),
    prior=st.tuples(st.floats(0.05, 5), st.floats(0.05, 5)),
)
@example(counts=[(1, 0.0), (1, 1.0)], prior=(1.0, 0.5))  # a density that is infinite at 1
@settings(max_examples=60)
def test_probabilities_of_being_best_add_up_and_losses_rank_like_means(
    counts: list[tuple[int, float]], prior: tuple[float, float]
) -> None:
    n = [size for size, _ in counts]
    s = [math.floor(size * share) for size, share in counts]
    arms = judge_arms(s, n, prior=prior)
    assert math.fsum(arm.probability_best for arm in arms) == pytest.approx(1, abs=1e-9)
    for one in arms:
        assert one.low <= one.high
        assert one.expected_loss >= 0
        for other in arms:
            gap = one.expected_loss - other.expected_loss
            assert gap == pytest.approx(other.mean - one.mean, abs=1e-9)


@given(
    s=st.tuples(st.integers(0, 50), st.integers(0, 50)), wave=st.integers(0, 200),
    rest=st.integers(0, 5000),
)  # fmt: skip
@settings(max_examples=60)
def test_information_is_worth_no_less_than_nothing_once_it_is_paid(
    s: tuple[int, int], wave: int, rest: int
) -> None:
    people = 2 * wave + rest
    assume(people > 0)
    found = value_of_continuing(s, [100, 100], wave=[wave, wave], remainder=people)
    means = [(1 + x) / 102 for x in s]
    paid = wave * abs(means[0] - means[1])
    assert found.value >= -paid - 1e-6
    assert 0 <= found.change_probability <= 1


@given(studies=studies, tau=st.floats(0.001, 1), mean=effects)
@settings(max_examples=60)
def test_shrinking_moves_towards_the_prior_and_keeps_the_order_of_equal_tests(
    studies: list[tuple[float, float]], tau: float, mean: float
) -> None:
    y, se = np.array(studies).T
    found = shrink(y, np.full(y.size, float(se[0])), prior=normal_prior(mean=mean, tau=tau))
    for one in found:
        low, high = sorted((one.observed, mean))
        assert low - 1e-9 <= one.effect <= high + 1e-9
        assert one.low <= one.effect <= one.high
    order = np.argsort(y, kind="stable")
    shrunk = np.array([one.effect for one in found])[order]
    assert (np.diff(shrunk) >= -1e-12).all()


@pytest.mark.parametrize("family", ["laplace", "normal", "mixture"])
@given(studies=studies, scale=st.floats(0.01, 100))
@settings(max_examples=25, deadline=None)
def test_a_fitted_prior_follows_a_change_of_unit(
    family: str, studies: list[tuple[float, float]], scale: float
) -> None:
    y, se = np.array(studies).T
    one = fit_prior(y, se, family=family)
    other = fit_prior(scale * y, scale * se, family=family)
    assert other.spread == pytest.approx(scale * one.spread, rel=0.02, abs=0.02 * scale * se.min())
    for a, b in zip(
        shrink(y, se, prior=one), shrink(scale * y, scale * se, prior=other), strict=True
    ):
        assert b.effect == pytest.approx(scale * a.effect, abs=0.02 * scale * se.max())
        assert a.low <= a.effect <= a.high
        assert a.repeat_low <= a.low
        assert a.high <= a.repeat_high


@given(first=ranges(), second=ranges(), factor=st.floats(-10, 10))
def test_a_product_holds_its_value_in_any_order_and_unit(
    first: Range, second: Range, factor: float
) -> None:
    found, swapped = product(first, second), product(second, first)
    assert found.low <= found.value <= found.high
    size = max(abs(found.low), abs(found.high))
    assert swapped.low == pytest.approx(found.low, abs=1e-6 * (1 + size))
    assert swapped.high == pytest.approx(found.high, abs=1e-6 * (1 + size))
    scaled = product(first.times(factor), second)
    low, high = sorted((factor * found.low, factor * found.high))
    assert (scaled.low, scaled.high) == pytest.approx(
        (low, high), abs=1e-5 * (1 + size) * (1 + abs(factor))
    )
