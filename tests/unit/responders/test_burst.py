"""Alarms: what is usual, what rings, what ends, what is learned."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from responders.burst import (
    HOURS,
    Alarm,
    Baseline,
    BurstParams,
    Reading,
    Usual,
    hour_of_week,
    judge,
    tail_probability,
    usual_week,
    velocity,
    week_profile,
)
from testkit.errors import InputError

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
FLAT = (1.0,) * HOURS
LIMITS = BurstParams()
QUIET = Usual(mean=1.0, shape=5.0)


def hour(n):
    return MONDAY + timedelta(hours=n)


def taught(baseline, counts, *, profile=FLAT, params=LIMITS, start=0):
    for n, count in enumerate(counts, start=start):
        baseline = baseline.learn(hour=hour(n), count=count, params=params, profile=profile)
    return baseline


# The tail ------------------------------------------------------------------------------------


@given(st.integers(0, 200), st.floats(0.01, 100), st.floats(0.05, 1000))
def test_the_tail_is_the_negative_binomials(count, mean, shape):
    # scipy.stats.nbinom is the independent source; shape n, success probability n / (n + mean).
    expected = stats.nbinom.sf(count - 1, shape, shape / (shape + mean))
    found = tail_probability(count, Usual(mean=mean, shape=shape))
    assert math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-13)


def test_a_scatter_of_nothing_leaves_poisson():
    # The negative binomial tends to Poisson as its shape grows.
    found = tail_probability(9, Usual(mean=3.0, shape=1e9))
    assert math.isclose(found, stats.poisson.sf(8, 3.0), rel_tol=1e-6)


def test_nothing_expected_and_nothing_seen():
    assert tail_probability(0, Usual(mean=0.0, shape=1.0)) == 1.0
    assert tail_probability(1, Usual(mean=0.0, shape=1.0)) == 0.0


@pytest.mark.parametrize(
    ("count", "usual"),
    [
        (-1, QUIET),
        (1, Usual(mean=-1.0, shape=1.0)),
        (1, Usual(mean=math.nan, shape=1.0)),
        (1, Usual(mean=1.0, shape=0.0)),
    ],
)
def test_a_tail_outside_its_domain_is_refused(count, usual):
    with pytest.raises(InputError):
        tail_probability(count, usual)


# What is usual -------------------------------------------------------------------------------


def test_a_new_issue_expects_what_it_was_told_in_the_shape_of_the_office():
    baseline = Baseline.cold(per_day=24)
    week = usual_week()
    params = BurstParams(window_hours=2)
    for n in (3, 12, 150):
        usual = baseline.usual(end=hour(n), params=params, profile=week)
        assert usual.mean == pytest.approx(week[n - 2] + week[n - 1])


def test_a_window_takes_its_share_of_the_hours_at_its_ends():
    baseline = Baseline.cold(per_day=24)
    profile = list(FLAT)
    profile[10] = 4.0
    end = hour(11) + timedelta(minutes=15)
    usual = baseline.usual(end=end, params=BurstParams(), profile=profile)
    # 45 minutes of hour 9, all of hour 10, 15 minutes of hour 11.
    assert usual.mean == pytest.approx(0.75 + 4.0 + 0.25)


def test_the_level_is_learned_within_days_whatever_was_assumed():
    for assumed in (0.1, 50.0):
        baseline = taught(Baseline.cold(per_day=assumed), [1] * HOURS * 2)
        assert baseline.rate(0, FLAT) == pytest.approx(1.0, rel=0.2)


def test_the_weeks_own_shape_is_learned_within_months():
    own = [8 if n % HOURS == 30 else 1 for n in range(HOURS * 10)]
    baseline = taught(Baseline.cold(per_day=24), own)
    assert baseline.rate(30, FLAT) == pytest.approx(8.0, rel=0.35)
    assert baseline.rate(31, FLAT) == pytest.approx(1.0, rel=0.2)


def test_old_weeks_fade():
    params = BurstParams(half_life_weeks=1)
    baseline = taught(Baseline.cold(per_day=24), [10] * HOURS * 3, params=params)
    baseline = taught(baseline, [0] * HOURS * 6, params=params, start=HOURS * 3)
    assert baseline.rate(5, FLAT) < 0.5


def test_scatter_beyond_poisson_is_learned():
    generator = np.random.default_rng(1)
    params = BurstParams(window_hours=1)
    shapes = {}
    for true_shape in (1.0, 1000.0):
        rates = 4.0 * generator.gamma(true_shape, 1 / true_shape, size=HOURS * 8)
        counts = generator.poisson(rates).tolist()
        baseline = taught(Baseline.cold(per_day=96), counts, params=params)
        shapes[true_shape] = baseline.usual(end=hour(5), params=params, profile=FLAT).shape
    assert shapes[1.0] == pytest.approx(1.0, rel=0.3)
    assert shapes[1000.0] > 15


def test_an_uncertain_level_widens_the_tail():
    params = BurstParams()
    fresh = Baseline.cold(per_day=24).usual(end=hour(5), params=params, profile=FLAT)
    known = taught(Baseline.cold(per_day=24), [1] * HOURS).usual(
        end=hour(5), params=params, profile=FLAT
    )
    assert fresh.shape < known.shape


def test_one_loud_hour_teaches_no_more_than_would_not_have_rung():
    baseline = taught(Baseline.cold(per_day=24), [1] * HOURS * 4)
    usual = Usual(mean=baseline.rate(0, FLAT), shape=5.0)
    loud = taught(baseline, [500], start=HOURS * 4)
    gained = sum(loud.counts) - sum(baseline.counts)
    assert 1 < gained < 10
    # A count that might be chance is taken as it is.
    assert tail_probability(3, usual) > LIMITS.alpha
    plain = taught(baseline, [3], start=HOURS * 4)
    keep = 0.5 ** (1 / LIMITS.half_life_weeks)
    assert plain.counts[0] == pytest.approx(baseline.counts[0] * keep + 3)


def test_a_level_far_above_what_was_assumed_is_still_found():
    baseline = taught(Baseline.cold(per_day=0.01), [20] * HOURS)
    assert baseline.rate(0, FLAT) == pytest.approx(20, rel=0.3)


def test_an_hour_is_learned_once():
    baseline = taught(Baseline.cold(per_day=1), [1, 2, 3])
    with pytest.raises(InputError, match="learned before"):
        baseline.learn(hour=hour(2), count=1, params=BurstParams(), profile=FLAT)
    assert baseline.learn(hour=hour(9), count=1, params=BurstParams(), profile=FLAT).recent == (
        (1.0, pytest.approx(baseline.rate(9, FLAT))),
    )


def test_a_baseline_cannot_expect_nothing():
    with pytest.raises(InputError):
        Baseline.cold(per_day=0)


def test_hours_of_the_week_are_local():
    newyork = ZoneInfo("America/New_York")
    assert hour_of_week(MONDAY) == 0
    assert hour_of_week(MONDAY.astimezone(newyork)) == 6 * 24 + 20
    assert hour_of_week(MONDAY - timedelta(seconds=1)) == HOURS - 1


@pytest.mark.parametrize("day", [datetime(2026, 3, 8), datetime(2026, 11, 1)])
def test_a_night_in_which_the_clocks_change_has_as_many_hours_as_passed(day):
    newyork = ZoneInfo("America/New_York")
    midnight = day.replace(tzinfo=newyork).astimezone(UTC)
    baseline = Baseline.cold(per_day=24)
    for n in range(6):
        now = (midnight + timedelta(hours=n)).astimezone(newyork)
        usual = baseline.usual(end=now, params=LIMITS, profile=FLAT)
        assert usual.mean == pytest.approx(2.0, rel=0.2)
        baseline = baseline.learn(hour=now, count=1, params=LIMITS, profile=FLAT)
    assert sum(baseline.weeks) == pytest.approx(6.0, rel=0.1)


def test_a_profile_has_mean_one_and_leaves_no_hour_impossible():
    counts = [0.0] * HOURS
    counts[9] = 5000.0
    profile = week_profile(counts)
    assert sum(profile) == pytest.approx(HOURS)
    assert min(profile) > 0
    assert profile.index(max(profile)) == 9
    smoothed = week_profile([0.0] * HOURS)
    assert smoothed[12] == pytest.approx(usual_week()[12])
    assert usual_week()[2] < smoothed[5] < usual_week()[6]
    for wrong in ([1.0] * 24, [-1.0] * HOURS):
        with pytest.raises(InputError):
            week_profile(wrong)


# Alarms --------------------------------------------------------------------------------------


def check(counts, *, usual=QUIET, alarms=None, now=MONDAY, params=LIMITS):
    readings = [
        Reading(issue=str(n), count=count, usual=usual, alarm=(alarms or {}).get(n, Alarm()))
        for n, count in enumerate(counts)
    ]
    return judge(readings, now=now, params=params)


def test_a_loud_issue_rings_and_a_quiet_one_does_not():
    loud, quiet = check([12, 2])
    assert (loud.rang, loud.alarm.since, loud.teaches) == (True, MONDAY, True)
    assert (quiet.rang, quiet.alarm, quiet.teaches) == (False, Alarm(), True)
    assert loud.p < BurstParams().alpha < quiet.p


def test_the_budget_decides_how_loud_is_loud():
    counts = [
        next(n for n in range(3, 60) if check([n], params=BurstParams(alarms_per_week=b))[0].rang)
        for b in (7.0, 1.0, 0.1)
    ]
    assert counts == sorted(set(counts))


def test_two_entries_never_ring_however_quiet_the_issue():
    rare = Usual(mean=1e-6, shape=5.0)
    assert not check([2], usual=rare)[0].rang
    assert check([3], usual=rare)[0].rang


def test_among_many_issues_one_must_be_louder():
    # With mean 1 and shape 5, five entries are within alpha alone and beyond 1 of 100 at share .5.
    p = tail_probability(5, QUIET)
    assert 0.5 / 100 < p < BurstParams().alpha
    assert check([5])[0].rang
    assert not check([5] + [0] * 99)[0].rang
    # Many that are loud together vouch for each other.
    assert all(reading.rang for reading in check([5] * 100))


def test_the_step_up_takes_every_one_below_the_largest_that_passes():
    # Benjamini & Hochberg's example: 15 ordered p-values; at .05 the first four are rejected.
    from responders.burst import _step_up

    # Table of section 4 of the 1995 paper.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    p += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert _step_up(p, [0.05] * 15) == [True] * 4 + [False] * 11


def test_a_ringing_alarm_does_not_ring_again():
    again = check([12], alarms={0: Alarm(since=MONDAY)}, now=hour(1))[0]
    assert (again.rang, again.ended, again.alarm.since) == (False, False, MONDAY)


def test_an_alarm_ends_after_hours_of_calm_and_not_before():
    alarm = Alarm(since=MONDAY)
    calm = check([0], alarms={0: alarm}, now=hour(1))[0]
    assert calm.alarm == Alarm(since=MONDAY, calm_since=hour(1))
    still = check([0], alarms={0: calm.alarm}, now=hour(2))[0]
    assert not still.ended
    over = check([0], alarms={0: still.alarm}, now=hour(3))[0]
    assert (over.ended, over.alarm, over.teaches) == (True, Alarm(), True)


def test_a_lull_that_breaks_starts_the_calm_anew():
    lull = Alarm(since=MONDAY, calm_since=hour(1))
    louder = check([6], alarms={0: lull}, now=hour(2))[0]
    assert louder.alarm == Alarm(since=MONDAY)
    assert not check([0], alarms={0: louder.alarm}, now=hour(4))[0].ended


def test_an_alarm_that_lasts_for_days_is_the_new_usual():
    alarm = Alarm(since=MONDAY)
    assert not check([12], alarms={0: alarm}, now=hour(71))[0].teaches
    assert check([12], alarms={0: alarm}, now=hour(72))[0].teaches


def test_each_issue_may_have_its_own_limits():
    readings = [Reading(issue=name, count=5, usual=QUIET) for name in ("calm", "nervous")]
    limits = {
        "calm": BurstParams(alarms_per_week=0.1),
        "nervous": BurstParams(alarms_per_week=7),
    }
    assert [r.rang for r in judge(readings, now=MONDAY, params=limits)] == [False, True]


@pytest.mark.parametrize(
    "wrong",
    [
        {"alarms_per_week": 0},
        {"false_share": 1.0},
        {"calm_p": 0.0},
        {"window_hours": 0},
        {"half_life_weeks": -1},
    ],
)
def test_limits_outside_their_domain_are_refused(wrong):
    with pytest.raises(InputError):
        BurstParams(**wrong)


@pytest.mark.slow
def test_false_alarms_keep_the_budget_where_the_model_is_true():
    # 60 issue-weeks of a Gamma-Poisson issue, asked at full hours. Whole counts make the tail at
    # most alpha, so onsets are at most Poisson(60): 60 + 3 sqrt(60) = 83. Half of it is the floor:
    # a detector that never rings keeps the budget too.
    generator = np.random.default_rng(7)
    params, rang = BurstParams(window_hours=1), 0
    for _ in range(6):
        counts = generator.poisson(1.5 * generator.gamma(4, 1 / 4, size=HOURS * 14)).tolist()
        baseline = taught(Baseline.cold(per_day=36), counts[: HOURS * 4], params=params)
        alarm = Alarm()
        for n in range(HOURS * 4, HOURS * 14):
            usual = baseline.usual(end=hour(n + 1), params=params, profile=FLAT)
            reading = check(
                [counts[n]], usual=usual, alarms={0: alarm}, now=hour(n + 1), params=params
            )[0]
            alarm, rang = reading.alarm, rang + reading.rang
            if reading.teaches:
                baseline = taught(baseline, [counts[n]], start=n, params=params)
    assert 30 < rang <= 83


# Velocity ------------------------------------------------------------------------------------


def test_velocity_counts_owners_since_the_first_and_says_whether_more_may_come():
    voices = [MONDAY + timedelta(minutes=m) for m in (0, 10, 30, 31, 90)]
    found = velocity(voices, now=MONDAY + timedelta(minutes=75))
    assert [(v.minutes, v.owners, v.complete) for v in found] == [
        (30, 3, True),
        (60, 4, True),
        (120, 4, False),
    ]
    with pytest.raises(InputError):
        velocity([], now=MONDAY)
