"""One refusal per kind of argument, with field and value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats import domain

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (domain.finite, math.nan),
        (domain.finite, -math.inf),
        (domain.positive, 0.0),
        (domain.positive, math.nan),
        (domain.probability, 0.0),
        (domain.probability, 1.0),
        (domain.probability, math.nan),
        (domain.rate, -1e-12),
        (domain.rate, 1.0000001),
        (domain.whole, 0),
        (domain.whole, 1.5),
        (domain.whole, math.inf),
        (domain.finite_array, [1.0, math.nan]),
        (domain.finite_array, [[1.0]]),
        (domain.finite_array, []),
        (domain.positive_array, [1.0, 0.0]),
    ],
)
def test_a_value_outside_is_refused_by_name(
    check: Callable[[object, str], object], value: object
) -> None:
    with pytest.raises(InputError) as caught:
        check(value, "thing")
    assert caught.value.field == "thing"


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (domain.finite, -3.0),
        (domain.positive, 1e-300),
        (domain.probability, 1e-300),
        (domain.rate, 0.0),
        (domain.rate, 1.0),
        (domain.whole, 1),
    ],
)
def test_a_value_inside_comes_back(check: Callable[[float, str], float], value: float) -> None:
    assert check(value, "thing") == value


@pytest.mark.parametrize(
    ("field", "s", "n"),
    [
        ("conversions", [3], [2]),
        ("conversions", [0.5], [2]),
        ("conversions", [-1], [2]),
        ("n", [0], [0]),
        ("n", [1], [2.5]),
        ("n", [1, 2], [5]),
    ],
)
def test_counts_that_cannot_be_are_refused(field: str, s: list[float], n: list[float]) -> None:
    with pytest.raises(InputError) as caught:
        domain.counts(s, n)
    assert caught.value.field == field


def test_counts_may_be_none_or_all() -> None:
    s, n = domain.counts([0, 5], [5, 5])
    assert np.array_equal(s, [0, 5])
    assert np.array_equal(n, [5, 5])


def test_a_name_off_the_list_is_told_what_there_is() -> None:
    with pytest.raises(InputError, match="reml") as caught:
        domain.one_of("bayes", "method", allowed=("dl", "reml"))
    assert caught.value.field == "method"
