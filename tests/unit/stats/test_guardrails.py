"""Guardrails: harm in either direction, and "no worse" only with power."""

from __future__ import annotations

import math

import pytest

from testkit.errors import InputError
from testkit.stats.boundaries import spending_bounds
from testkit.stats.counts import TwoByTwo
from testkit.stats.guardrails import harm_at_looks, harm_watch, non_inferiority


def table(a, b, n=10_000):
    return TwoByTwo(successes_control=a, n_control=n, successes_arm=b, n_arm=n)


def test_the_watch_stops_at_the_stated_error_and_not_before():
    # One-sided RR 2 at even shares: every treatment event gives 4/3, every control event 2/3.
    # Eight treatment events alone give (4/3)^8 = 9.99, one more crosses 10.
    watch = {"share": 0.5, "risk_ratio": 2.0, "false_stop": 0.1}
    assert not harm_watch(control=0, treatment=8, **watch).stop
    look = harm_watch(control=[0, 0], treatment=[8, 9], **watch)
    assert (look.stop, look.first_look) == (True, 1)
    assert look.evidence == pytest.approx(9 * math.log(4 / 3))
    assert look.bound == pytest.approx(math.log(10))


def test_a_stop_stays_a_stop():
    look = harm_watch(control=[0, 40], treatment=[9, 45], share=0.5, risk_ratio=2.0)
    assert look.stop
    assert look.evidence < look.bound


def test_good_news_is_no_harm_in_either_direction():
    fewer = {"control": 60, "treatment": 20, "share": 0.5}
    assert not harm_watch(**fewer, risk_ratio=1.5).stop
    assert harm_watch(**fewer, risk_ratio=0.67, worse="lower").stop


def test_planned_looks_use_one_sided_bounds_with_the_false_stop_rate():
    looks = [table(60, 75), table(120, 165)]
    bounds = spending_bounds(information=[1, 2], alpha=0.1, sides=1, spending_time=[0.25, 0.5])
    look = harm_at_looks(
        looks,
        information=[1, 2],
        spending=_obrien_fleming(),
        spending_time=[0.25, 0.5],
    )
    assert look.bound == pytest.approx(float(bounds.upper[-1]))
    p = 285 / 20_000
    # Pooled z of 120 and 165 in 10,000 each.
    z = 45 / 10_000 / math.sqrt(p * (1 - p) * 2 / 10_000)
    assert p == (120 + 165) / 20_000
    assert look.evidence == pytest.approx(z)


def _obrien_fleming():
    from testkit.stats.spending import obrien_fleming_spending

    return obrien_fleming_spending


def test_harm_at_looks_sees_the_direction_that_is_worse():
    falling = [table(165, 120), table(330, 240)]
    assert not harm_at_looks(falling, information=[1, 2]).stop
    look = harm_at_looks(falling, information=[1, 2], worse="lower")
    assert look.evidence == -harm_at_looks(falling, information=[1, 2]).evidence > 0
    assert look.stop
    assert look.first_look == 0


def test_the_harm_bound_is_easier_than_the_bound_for_success():
    harm = harm_at_looks([table(60, 60)] * 3, information=[1, 2, 3])
    success = spending_bounds(information=[1, 2, 3], alpha=0.025, sides=1)
    assert harm.bound < float(success.upper[-1])


def test_an_unpowered_margin_decides_nothing_whatever_the_data():
    good = non_inferiority(table(50, 20), margin=0.005, planned_power=0.79)
    assert (good.verdict, good.gates) == ("cannot see", False)
    assert "79%" in good.reason
    assert non_inferiority(table(50, 20), margin=0.005, planned_power=0.8).verdict == "no worse"


def test_no_worse_exactly_when_the_worst_limit_is_inside_the_margin():
    for b in range(50, 100, 5):
        result = non_inferiority(table(60, b), margin=0.003, planned_power=0.9)
        assert (result.verdict == "no worse") == (result.worst < 0.003)
        assert (result.verdict == "no worse") == (result.p_value < 0.025)


@pytest.mark.parametrize("worse", ["higher", "lower"])
def test_a_margin_at_the_worst_limit_has_the_p_value_alpha(worse):
    counts = table(60, 65) if worse == "higher" else table(65, 60)
    limit = non_inferiority(counts, margin=0.003, planned_power=0.9, worse=worse, alpha=0.05).worst
    edge = non_inferiority(counts, margin=abs(limit), planned_power=0.9, worse=worse, alpha=0.05)
    assert edge.p_value == pytest.approx(0.05, rel=1e-6)


def test_a_rate_that_must_not_fall_is_the_mirror_image():
    """Counting the people *without* the outcome turns "lower is worse" into "higher is worse"."""
    up = non_inferiority(table(500, 530), margin=0.01, planned_power=0.9)
    down = non_inferiority(table(9500, 9470), margin=0.01, planned_power=0.9, worse="lower")
    assert (up.z, up.p_value) == pytest.approx((down.z, down.p_value), rel=1e-9)
    assert up.worst == pytest.approx(-down.worst, abs=1e-9)


def test_a_sequential_look_asks_for_its_own_critical_value():
    fixed = non_inferiority(table(60, 65), margin=0.003, planned_power=0.9)
    looking = non_inferiority(table(60, 65), margin=0.003, planned_power=0.9, critical=2.8)
    assert fixed.z == looking.z
    assert looking.worst > fixed.worst


TABLE = table(5, 6)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: harm_watch(control=1, treatment=1, share=0.5, risk_ratio=0.5), "risk_ratio"),
        (
            lambda: harm_watch(control=1, treatment=1, share=0.5, risk_ratio=2, worse="lower"),
            "risk_ratio",
        ),
        (lambda: harm_watch(control=1, treatment=1, share=0.5, risk_ratio=1.0), "risk_ratio"),
        (lambda: harm_watch(control=1, treatment=1, share=0.5, risk_ratio=math.nan), "risk_ratio"),
        (
            lambda: harm_watch(control=1, treatment=1, share=0.5, risk_ratio=2, worse="odd"),
            "worse",
        ),
        (
            lambda: harm_watch(control=1, treatment=1, share=0.5, risk_ratio=2, false_stop=0),
            "false_stop",
        ),
        (lambda: harm_at_looks([], information=[]), "tables"),
        (lambda: harm_at_looks([TABLE], information=[1, 2]), "tables"),
        (lambda: harm_at_looks([TABLE], information=[1], worse="odd"), "worse"),
        (lambda: non_inferiority(TABLE, margin=0, planned_power=0.9), "margin"),
        (lambda: non_inferiority(TABLE, margin=math.nan, planned_power=0.9), "margin"),
        (lambda: non_inferiority(TABLE, margin=0.1, planned_power=1.2), "planned_power"),
        (lambda: non_inferiority(TABLE, margin=0.1, planned_power=0.9, alpha=0.5), "alpha"),
        (lambda: non_inferiority(TABLE, margin=0.1, planned_power=0.9, worse="odd"), "worse"),
    ],
)
def test_impossible_arguments_are_refused_by_field(call, field):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field
