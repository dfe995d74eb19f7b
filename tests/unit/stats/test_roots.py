"""The bracketed root finder."""

from __future__ import annotations

import math

import pytest

from testkit.errors import ConvergenceError
from testkit.stats.roots import bracketed_root


@pytest.mark.parametrize(
    ("function", "low", "high", "root"),
    [
        (lambda x: x**3 - 8, -10.0, 10.0, 2.0),
        (lambda x: 8 - x**3, -10.0, 10.0, 2.0),
        (lambda x: math.exp(x) - 1e-8, -100.0, 0.0, math.log(1e-8)),
        (lambda x: math.atan(x - 0.3), -1e6, 1e6, 0.3),
        (lambda x: x, 0.0, 5.0, 0.0),
        (lambda x: x - 5.0, 0.0, 5.0, 5.0),
    ],
)
def test_finds_the_root(function, low: float, high: float, root: float) -> None:
    assert bracketed_root(function, low, high, routine="t") == pytest.approx(root, abs=1e-11)


def test_a_jump_is_found_where_it_is() -> None:
    jump = bracketed_root(lambda x: 1.0 if x > 0.7 else -1.0, 0.0, 1.0, routine="t")
    assert jump == pytest.approx(0.7, abs=1e-11)


def test_takes_few_steps_on_a_smooth_function() -> None:
    calls = []

    def smooth(x: float) -> float:
        calls.append(x)
        return math.log(x) - 1.0

    bracketed_root(smooth, 0.1, 100.0, routine="t")
    # Bisection alone would need 47.
    assert len(calls) < 20


def test_without_a_change_of_sign_it_says_so() -> None:
    with pytest.raises(ConvergenceError) as caught:
        bracketed_root(lambda x: x * x + 2.0, -1.0, 3.0, routine="caller")
    assert caught.value.routine == "caller"
    assert caught.value.residual == 3.0


@pytest.mark.parametrize("where", [-1.0, 0.5])
def test_not_a_number_is_an_error(where: float) -> None:
    def holed(x: float) -> float:
        return math.nan if abs(x - where) < 0.6 else x

    with pytest.raises(ConvergenceError):
        bracketed_root(holed, -1.0, 2.0, routine="caller")
