"""After the stop and while running: exact cases, agreement with the decision, bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from testkit.errors import ConvergenceError, InputError
from testkit.stats.boundaries import spending_bounds
from testkit.stats.inference import (
    likelihood_ratio_p_value,
    repeated_interval,
    repeated_p_value,
    sequential_p_value,
    stagewise,
)
from testkit.stats.recursion import Passage
from testkit.stats.spending import pocock_spending

BOUNDS = spending_bounds(information=[1, 2, 3], alpha=0.05)
DESIGN = {"information": BOUNDS.information, "upper": BOUNDS.upper, "lower": BOUNDS.lower}


def test_a_stop_at_the_first_look_needs_no_adjustment() -> None:
    result = stagewise(**DESIGN, z=4.1, look=1)
    assert result.p_upper == pytest.approx(ndtr(-4.1), rel=1e-12)
    assert result.p_lower == pytest.approx(ndtr(4.1), rel=1e-12)
    assert result.estimate == pytest.approx(4.1, abs=1e-10)
    half = -ndtri(0.025)
    assert (result.low, result.high) == pytest.approx((4.1 - half, 4.1 + half), abs=1e-9)


def test_exactly_on_the_last_bound_the_p_value_is_alpha() -> None:
    # Every path that rejects is at least as extreme as one that just does so at the end.
    result = stagewise(**DESIGN, z=float(BOUNDS.upper[-1]), look=3)
    assert result.p_upper == pytest.approx(0.025, abs=1e-10)
    assert result.p_value == pytest.approx(0.05, abs=1e-10)
    assert result.low == pytest.approx(0.0, abs=1e-8)


def test_mirrored_results_have_mirrored_inference() -> None:
    up = stagewise(**DESIGN, z=2.7, look=2)
    down = stagewise(**DESIGN, z=-2.7, look=2)
    assert down.p_lower == pytest.approx(up.p_upper, rel=1e-9)
    assert down.p_value == pytest.approx(up.p_value, rel=1e-9)
    assert down.estimate == pytest.approx(-up.estimate, abs=1e-9)
    assert (down.low, down.high) == pytest.approx((-up.high, -up.low), abs=1e-9)


def test_an_early_stop_pulls_the_estimate_towards_no_effect() -> None:
    result = stagewise(**DESIGN, z=2.7, look=2)
    assert result.estimate < 2.7 / math.sqrt(2)


def test_theta_is_per_root_information() -> None:
    scaled = {**DESIGN, "information": BOUNDS.information * 400.0}
    plain, large = stagewise(**DESIGN, z=2.2, look=3), stagewise(**scaled, z=2.2, look=3)
    assert large.estimate * 20.0 == pytest.approx(plain.estimate, abs=1e-9)
    assert large.p_value == pytest.approx(plain.p_value, abs=1e-12)


def test_a_wider_level_gives_a_wider_interval_around_the_same_estimate() -> None:
    narrow = stagewise(**DESIGN, z=2.2, look=3, level=0.8)
    wide = stagewise(**DESIGN, z=2.2, look=3, level=0.99)
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high
    assert wide.estimate == pytest.approx(narrow.estimate, abs=1e-10)
    assert wide.level == 0.99


def test_an_extreme_result_after_a_surprising_path_still_has_an_interval() -> None:
    # An early lower bound far up makes early exits carry nearly all the mass.
    result = stagewise(information=[1, 10_000], upper=[6.0, 2.0], lower=[3.0, 2.0], z=2.5, look=2)
    assert result.low < result.estimate < result.high
    # The lower exit needs theta below 3 - 1.96 or so to be as likely as .025.
    assert result.high > 0.5


def test_likelihood_ratio_ordering_agrees_with_a_direct_sum() -> None:
    # P(Z1 >= 3.1) + P(Z1 < b1, Z2 >= 3.1) by one-dimensional quadrature.
    from scipy.integrate import quad

    b_1 = 2.5
    second, _ = quad(
        lambda x: (
            math.exp(-x * x / 2)
            / math.sqrt(2 * math.pi)
            * ndtr((math.sqrt(0.5) * x - 3.1) / math.sqrt(0.5))
        ),
        -12,
        b_1,
        epsabs=1e-15,
    )
    ours = likelihood_ratio_p_value(
        information=[1, 2], upper=[b_1, 2.0], lower=[-math.inf] * 2, z=3.1, look=1
    )
    assert ours == pytest.approx(ndtr(-3.1) + second, rel=1e-10)


def test_short_of_its_last_bound_only_all_endings_give_a_p_value_above_alpha() -> None:
    above = {"information": BOUNDS.information, "upper": BOUNDS.upper, "lower": [-math.inf] * 3}
    everything = likelihood_ratio_p_value(**above, z=1.0, look=3)
    rejections = likelihood_ratio_p_value(**above, z=1.0, look=3, count="rejections")
    assert rejections == pytest.approx(0.025, abs=1e-8)
    # There the two orderings agree: earlier exits, then everybody above z at the end.
    assert everything == pytest.approx(stagewise(**above, z=1.0, look=3).p_upper, rel=1e-9)


def test_repeated_interval_meets_zero_exactly_at_the_bound() -> None:
    assert repeated_interval(z=2.4, information=9.0, bound=2.4).low == 0.0
    assert repeated_interval(z=-2.4, information=9.0, bound=2.4).high == 0.0


def test_a_look_that_cannot_stop_has_no_repeated_interval() -> None:
    interval = repeated_interval(z=2.4, information=9.0, bound=math.inf)
    assert interval.low is None
    assert interval.high is None


def test_sequential_p_is_alpha_exactly_on_a_bound() -> None:
    looks = {"information": [1, 2, 3], "spending_time": [1 / 3, 2 / 3, 1.0]}
    for k in (1, 2, 3):
        z = [0.0] * (k - 1) + [-float(BOUNDS.upper[k - 1])]
        part = {name: values[:k] for name, values in looks.items()}
        assert sequential_p_value(z=z, **part) == pytest.approx(0.05, abs=1e-9)


def test_sequential_p_is_the_smallest_repeated_p_so_far() -> None:
    z = [0.8, 2.6, 1.9]
    looks = {
        "information": [1, 2, 3],
        "spending_time": [1 / 3, 2 / 3, 1.0],
        "spending": pocock_spending,
    }
    repeated = [repeated_p_value(z=z[k], look=k + 1, **looks) for k in range(3)]
    assert sequential_p_value(z=z, **looks) == pytest.approx(min(repeated), rel=1e-9)


def test_one_side_counts_only_its_own() -> None:
    looks = {"information": [1, 2], "spending_time": [0.5, 1.0]}
    down = sequential_p_value(z=[-1.0, -3.0], sides=1, **looks)
    # The first look alone decides: 2 - 2 Phi(z_{a/2} / sqrt(.5)) = P(Z >= -1), solved for a.
    quantile = -ndtri(ndtr(1.0) / 2) * math.sqrt(0.5)
    assert down == pytest.approx(2 * ndtr(-quantile), abs=1e-9)
    assert sequential_p_value(z=[-1.0, -3.0], sides=2, **looks) < 0.01


def test_p_values_at_the_ends_of_what_a_double_can_hold() -> None:
    one = {"information": [1], "spending_time": [1.0]}
    assert sequential_p_value(z=[50.0], **one) == 0.0
    assert sequential_p_value(z=[20.0], sides=1, **one) == pytest.approx(ndtr(-20.0), rel=1e-9)
    assert sequential_p_value(z=[-30.0], sides=1, **one) == 1.0
    assert sequential_p_value(z=[-4.2], sides=1, **one) == pytest.approx(ndtr(4.2), abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"z": math.nan}, "z"),
        ({"z": math.inf}, "z"),
        ({"look": 0}, "look"),
        ({"look": 4}, "look"),
        ({"level": 1.0}, "level"),
        ({"level": math.nan}, "level"),
        ({"upper": [3.0]}, "upper"),
        ({"information": [3, 2, 1]}, "information"),
        ({"lower": [5.0, 5.0, 5.0]}, "lower"),
    ],
)
def test_a_bad_stop_names_its_field(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        stagewise(**{**DESIGN, "z": 2.0, "look": 3, **arguments})
    assert caught.value.field == field


def test_bad_repeated_arguments_name_their_field() -> None:
    looks = {"information": [1, 2], "spending_time": [0.5, 1.0]}
    for call, field in (
        (lambda: repeated_interval(z=1.0, information=1.0, bound=0.0), "bound"),
        (lambda: repeated_interval(z=1.0, information=1.0, bound=math.nan), "bound"),
        (lambda: repeated_interval(z=1.0, information=-1.0, bound=2.0), "information"),
        (lambda: repeated_interval(z=math.nan, information=1.0, bound=2.0), "z"),
        (lambda: repeated_p_value(z=1.0, look=3, **looks), "look"),
        (lambda: repeated_p_value(z=math.nan, look=1, **looks), "z"),
        (lambda: sequential_p_value(z=[1.0], **looks), "z"),
        (lambda: sequential_p_value(z=[1.0, math.nan], **looks), "z"),
        (lambda: sequential_p_value(z=[], information=[], spending_time=[]), "information"),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.field == field


def test_results_are_those_of_the_look_whatever_comes_after() -> None:
    longer = spending_bounds(
        information=[1, 2, 3, 4], alpha=0.05, spending_time=[1 / 3, 2 / 3, 1, 1]
    )
    result = stagewise(
        information=longer.information, upper=longer.upper, lower=longer.lower, z=2.7, look=2
    )
    np.testing.assert_allclose(result.estimate, stagewise(**DESIGN, z=2.7, look=2).estimate)


def test_any_bound_above_zero_makes_an_interval_of_its_width() -> None:
    for bound in (1e-6, 0.3, 0.9, 1.1):
        interval = repeated_interval(z=0.6, information=4.0, bound=bound)
        assert interval.high - interval.low == pytest.approx(bound)
        assert (interval.low > 0.0) is (bound < 0.6)


def test_tails_that_do_not_add_up_are_refused(monkeypatch) -> None:
    whole = Passage.upper_exits
    for lost in (1e-6, 0.01):
        monkeypatch.setattr(
            Passage, "upper_exits", lambda path, drift, lost=lost: whole(path, drift) - lost
        )
        with pytest.raises(ConvergenceError, match="tails"):
            stagewise(**DESIGN, z=2.2, look=3)
