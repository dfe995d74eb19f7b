"""Exact plans for one rate."""

from __future__ import annotations

import itertools
import math

import pytest

from testkit.errors import InputError
from testkit.stats.exact_binomial import (
    BinomialPlan,
    binomial_stops,
    binomial_test,
    sprt,
    sprt_plan,
)
from testkit.stats.walk import CriticalCounts


def test_coin_tosses() -> None:
    # 9 of 12: 2 (C(12,9)+C(12,10)+C(12,11)+1) / 4096 = 598/4096.
    assert binomial_test(successes=9, n=12, null_rate=0.5) == pytest.approx(598 / 4096)
    assert binomial_test(successes=6, n=12, null_rate=0.5) == 1.0


def test_two_sided_is_by_probability_not_by_distance() -> None:
    # Binomial(4, 0.1): P(0) = .6561, P(1) = .2916; seeing 1 makes all but 0 extreme.
    assert binomial_test(successes=1, n=4, null_rate=0.1) == pytest.approx(1 - 0.6561)


def test_stops_equal_brute_force() -> None:
    plan = BinomialPlan(
        n=(3, 5, 8),
        critical=(
            CriticalCounts(low=None, high=3),
            CriticalCounts(low=0, high=4),
            CriticalCounts(low=3, high=4),
        ),
    )
    upper, lower, mean = [0.0] * 3, [0.0] * 3, 0.0
    for tosses in itertools.product((0, 1), repeat=8):
        p = math.prod(0.3 if toss else 0.7 for toss in tosses)
        for k, n in enumerate(plan.n):
            side = plan.critical[k].side(sum(tosses[:n]))
            if side is not None:
                (upper if side == "upper" else lower)[k] += p
                mean += p * n
                break
        else:
            mean += p * 8
    stops = binomial_stops(plan, true_rate=0.3)
    assert stops.upper == pytest.approx(upper)
    assert stops.lower == pytest.approx(lower)
    assert stops.expected_n == pytest.approx(mean)


@pytest.mark.parametrize(("rate", "side"), [(0.0, "lower"), (1.0, "upper")])
def test_certain_rates_stop_for_certain(rate, side) -> None:
    plan = BinomialPlan(n=(4,), critical=(CriticalCounts(low=1, high=3),))
    assert sum(getattr(binomial_stops(plan, true_rate=rate), side)) == 1.0


def lines_of(**changed):
    return sprt(
        **{"null_rate": 0.1, "alternative_rate": 0.3, "alpha": 0.05, "beta": 0.1, **changed}
    )


def test_walds_errors_are_about_what_was_asked() -> None:
    lines = lines_of()
    plan = sprt_plan(lines, first=1, last=200)
    # Wald's inequality: alpha' <= alpha / (1 - beta), beta' <= beta / (1 - alpha).
    assert sum(binomial_stops(plan, true_rate=0.1).upper) <= 0.05 / 0.9
    assert sum(binomial_stops(plan, true_rate=0.3).lower) <= 0.1 / 0.95


def test_truncated_plan_always_ends() -> None:
    lines = lines_of()
    stops = binomial_stops(sprt_plan(lines, first=5, last=20), true_rate=0.2)
    assert math.fsum([*stops.upper, *stops.lower]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: binomial_test(successes=5, n=4, null_rate=0.5), "successes"),
        (lambda: binomial_test(successes=5, n=0, null_rate=0.5), "n"),
        (lambda: binomial_test(successes=1, n=4, null_rate=0.0), "null_rate"),
        (lambda: BinomialPlan(n=(), critical=()), "n"),
        (lambda: BinomialPlan(n=(5, 5), critical=(CriticalCounts(low=0, high=3),) * 2), "n"),
        (lambda: BinomialPlan(n=(5, 9), critical=(CriticalCounts(low=0, high=3),)), "critical"),
        (lambda: BinomialPlan(n=(5,), critical=(CriticalCounts(low=3, high=3),)), "critical[0]"),
        (lambda: lines_of(alternative_rate=0.1), "alternative_rate"),
        (lambda: lines_of(alpha=0.6, beta=0.4), "beta"),
        (lambda: lines_of(alternative_rate=math.nan), "alternative_rate"),
    ],
)
def test_bad_input_is_named(call, field) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert error.value.field == field


def test_rate_and_length_have_domains() -> None:
    plan = BinomialPlan(n=(4,), critical=(CriticalCounts(low=1, high=3),))
    with pytest.raises(InputError):
        binomial_stops(plan, true_rate=1.1)
    lines = lines_of()
    with pytest.raises(InputError) as error:
        sprt_plan(lines, first=10, last=10)
    assert error.value.field == "last"


def test_a_million_units_keep_their_digits() -> None:
    # P(0 of 1,000,000 at 1e-6) = (1 - 1e-6)^1e6, by logarithms of one number.
    plan = BinomialPlan(n=(1_000_000,), critical=(CriticalCounts(low=0, high=None),))
    expected = math.exp(1_000_000 * math.log1p(-1e-6))
    assert binomial_stops(plan, true_rate=1e-6).lower[0] == pytest.approx(expected, rel=1e-12)
