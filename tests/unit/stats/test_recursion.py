"""The recursion itself: mass is kept, blocks agree, and it says when it fails."""

from __future__ import annotations

import math

import pytest

from testkit.errors import ConvergenceError
from testkit.stats import recursion
from testkit.stats.recursion import first_arrival, passage


def test_a_spend_that_nobody_is_left_for_is_an_error_not_a_number() -> None:
    arrival = first_arrival(1.0).advance(lower=-0.1, upper=0.1, information=2.0)
    assert arrival.below(math.inf) == pytest.approx(0.0796557, abs=1e-7)  # 2 Phi(.1) - 1
    with pytest.raises(ConvergenceError) as caught:
        arrival.upper_for(0.08)
    assert caught.value.routine == "upper_for"
    assert caught.value.residual == pytest.approx(0.08 - 0.0796557, abs=1e-7)


def test_nobody_arrives_when_the_bounds_meet() -> None:
    arrival = first_arrival(1.0).advance(lower=2.0, upper=2.0, information=2.0)
    assert arrival.above(-math.inf) == 0.0
    assert arrival.below(math.inf) == 0.0


def test_lower_bound_mirrors_the_upper_one() -> None:
    up = first_arrival(1.0).advance(lower=-1.0, upper=2.0, information=2.0)
    down = first_arrival(1.0).advance(lower=-2.0, upper=1.0, information=2.0)
    assert down.lower_for(0.01) == pytest.approx(-up.upper_for(0.01), abs=1e-10)


def test_blocks_agree_with_the_whole_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    design = {
        "information": [1.0, 1.3, 1.31, 1.8],
        "lower": [-1.0, -0.5, 0.0, 0.0],
        "upper": [3.0, 2.5, 2.4, 2.0],
    }
    whole = passage(**design).upper_exits(0.7)[-1]
    monkeypatch.setattr(recursion, "_WHOLE_KERNEL", 0)
    monkeypatch.setattr(recursion, "_BLOCK", 7)
    assert passage(**design).upper_exits(0.7)[-1] == pytest.approx(whole, rel=1e-12)


def test_finer_panels_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    design = {
        "information": [1.0, 1.5, 2.5, 2.6],
        "lower": [-1.0, -0.5, 0.0, 0.0],
        "upper": [3.0, 2.5, 2.4, 2.0],
    }
    coarse = passage(**design).upper_exits(0.7)[-1]
    monkeypatch.setattr(recursion, "_PANEL", 2.0)
    assert passage(**design).upper_exits(0.7)[-1] == pytest.approx(coarse, rel=1e-11)


def test_a_drift_moves_the_bound_that_spends() -> None:
    arrival = first_arrival(1.0).advance(lower=-1.0, upper=2.0, information=3.0, high=12.0)
    for bound, tail in (
        (arrival.upper_for(0.01, drift=1.5), arrival.above),
        (arrival.lower_for(0.01, drift=1.5), arrival.below),
    ):
        assert tail(bound, drift=1.5) == pytest.approx(0.01, rel=1e-10)
    assert first_arrival(4.0).upper_for(0.5, drift=1.5) == pytest.approx(3.0)
    assert first_arrival(4.0).lower_for(0.5, drift=1.5) == pytest.approx(3.0)
