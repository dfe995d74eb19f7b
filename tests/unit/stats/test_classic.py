"""Classic designs: their shape, their error, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri

from testkit.errors import InputError
from testkit.stats.boundaries import crossing_probabilities
from testkit.stats.classic import haybittle_peto, obrien_fleming, pocock, wang_tsiatis

DESIGNS = {
    "pocock": pocock,
    "obrien_fleming": obrien_fleming,
    "wang_tsiatis": lambda **kw: wang_tsiatis(delta=0.2, **kw),
    "haybittle_peto": haybittle_peto,
}


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("sides", [1, 2])
def test_each_spends_its_alpha_and_no_more(name: str, sides: int) -> None:
    information = [1, 2, 5, 7]
    bounds = DESIGNS[name](looks=4, alpha=0.03, sides=sides, information=information)
    exits = crossing_probabilities(information=information, upper=bounds.upper, lower=bounds.lower)
    total = exits.upper.sum() + exits.lower.sum()
    assert total == pytest.approx(0.03, abs=1e-11)
    np.testing.assert_allclose(np.cumsum(exits.upper), bounds.spent, rtol=1e-12)
    np.testing.assert_allclose(bounds.spending_time, np.array(information) / 7)
    assert (bounds.alpha, bounds.sides, bounds.looks) == (0.03, sides, 4)


def test_shapes_follow_the_information() -> None:
    information = np.array([1.0, 4.0, 9.0])
    np.testing.assert_allclose(
        np.ptp(pocock(looks=3, alpha=0.05, information=information).upper), 0
    )
    upper = obrien_fleming(looks=3, alpha=0.05, information=information).upper
    np.testing.assert_allclose(upper * np.sqrt(information), upper[-1] * 3.0)
    quarter = wang_tsiatis(looks=3, delta=0.25, alpha=0.05, information=information).upper
    np.testing.assert_allclose(quarter * information**0.25, quarter[-1] * 9.0**0.25)


@pytest.mark.parametrize("name", ["pocock", "obrien_fleming", "wang_tsiatis"])
def test_one_look_is_the_fixed_sample_test(name: str) -> None:
    bounds = DESIGNS[name](looks=1, alpha=0.05)
    assert bounds.upper[0] == pytest.approx(-ndtri(0.025), abs=1e-10)


def test_haybittle_peto_keeps_its_early_bound() -> None:
    bounds = haybittle_peto(looks=4, alpha=0.05, early=3.29)
    assert list(bounds.upper[:-1]) == [3.29] * 3
    assert -ndtri(0.025) < bounds.upper[-1] < 2.05


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: pocock(looks=0, alpha=0.05), "looks"),
        (lambda: pocock(looks=201, alpha=0.05), "looks"),
        (lambda: pocock(looks=2, alpha=0.0), "alpha"),
        (lambda: pocock(looks=2, alpha=math.nan), "alpha"),
        (lambda: pocock(looks=2, alpha=0.5, sides=1), "alpha"),
        (lambda: pocock(looks=2, alpha=0.05, sides=3), "sides"),
        (lambda: pocock(looks=2, alpha=0.05, information=[1]), "information"),
        (lambda: wang_tsiatis(looks=2, alpha=0.05, delta=0.6), "delta"),
        (lambda: wang_tsiatis(looks=2, alpha=0.05, delta=math.nan), "delta"),
        (lambda: haybittle_peto(looks=3, alpha=0.05, early=1.0), "early"),
        (lambda: haybittle_peto(looks=3, alpha=0.05, early=math.inf), "early"),
        (lambda: haybittle_peto(looks=3, alpha=0.05, early=math.nan), "early"),
    ],
)
def test_bad_designs_name_their_field(call, field: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field
