"""Stage-wise limits in points: the score interval's own, and on the decision's side of 0."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo
from testkit.stats.effects import (
    miettinen_nurminen,
    risk_difference,
    stratified_difference_interval,
    stratified_z,
)
from testkit.stats.inference import stagewise
from testkit.stats.stagewise_rates import stagewise_difference

WAVES = [
    TwoByTwo(successes_control=30, n_control=900, successes_arm=19, n_arm=300),
    TwoByTwo(successes_control=80, n_control=800, successes_arm=55, n_arm=400),
]


def one_look(z: float, information: float = 1.0):
    return stagewise(information=[information], upper=[1.96], lower=[-1.96], z=z, look=1)


def test_with_one_look_it_is_the_score_interval() -> None:
    table = WAVES[0]
    z = risk_difference(successes_control=30, n_control=900, successes_arm=19, n_arm=300).z
    assert z is not None
    expected = miettinen_nurminen(
        successes_control=30,
        n_control=900,
        successes_arm=19,
        n_arm=300,
        critical=-float(ndtri(0.025)),
        small_sample=False,
    )
    # the unit of information does not matter
    for information in (1.0, 225.0):
        found = one_look(z, information)
        result = stagewise_difference([table], found=found, information=information)
        assert [result.low, result.high] == pytest.approx([expected.low, expected.high], abs=1e-7)
        assert result.estimate == pytest.approx(table.difference, abs=1e-7)
        assert result.level == 0.95


def test_waves_with_unlike_splits_are_compared_within_themselves() -> None:
    z = stratified_z(WAVES).z
    assert z is not None
    expected = stratified_difference_interval(
        WAVES, critical=-float(ndtri(0.025)), small_sample=False
    )
    result = stagewise_difference(WAVES, found=one_look(z), information=1.0)
    assert [result.low, result.high] == pytest.approx([expected.low, expected.high], abs=1e-7)


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([(900, 900), (1500, 500)]))
@settings(max_examples=40, deadline=None)
def test_it_never_contradicts_the_decision(a: int, b: int, sizes: tuple[int, int]) -> None:
    table = TwoByTwo(successes_control=a, n_control=sizes[0], successes_arm=b, n_arm=sizes[1])
    z = stratified_z([table]).z
    assert z is not None
    assume(abs(z) < 15)
    bounds = [2.963, 1.969]
    look = 1 if abs(z) >= bounds[0] else 2
    found = stagewise(
        information=[0.5, 1.0], upper=bounds, lower=[-x for x in bounds], z=z, look=look
    )
    result = stagewise_difference([table], found=found, information=look / 2)
    assert result.low < result.estimate < result.high
    assert (result.low > 0) is (found.low > 0) is (z >= bounds[look - 1])
    assert (result.high < 0) is (found.high < 0)
    assert result.low >= -1
    assert result.high <= 1


def test_nothing_to_scale_with_is_refused() -> None:
    with pytest.raises(InputError, match="information"):
        stagewise_difference(WAVES, found=one_look(1.0), information=0.0)
    with pytest.raises(InputError, match="strata"):
        stagewise_difference([], found=one_look(1.0), information=1.0)
    assert math.isfinite(stagewise_difference(WAVES, found=one_look(9.0), information=1.0).low)
