"""Error rates of whole tests, look by look through ``analyse``, where nothing differs.

What is simulated is what a team does: a plan made by ``resolve``, counts wave by wave, a look at
each, and an end at the first verdict. A rate p from n tests has standard error ``sqrt(p (1 - p) /
n)``; four of them are allowed above the promise, which fails by chance less than once in 30,000.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from testkit.errors import StateError
from testkit.model.analysis import analyse
from testkit.model.decision import decide
from testkit.model.definition import Definition
from testkit.model.look import Cell, WaveCounts
from testkit.model.resolve import resolve
from testkit.model.watching import FALSE_STOP

NOW = datetime(2026, 11, 20, tzinfo=UTC)
GUARDRAIL = {
    "name": "left", "role": "guardrail", "tier": "organising", "direction": "down",
    "base_rate": 0.02, "margin": 0.02, "window_hours": 24,
}  # fmt: skip


def plan_of(*, arms, rate, size, waves=2, rails=(), **design):
    names = ["control", "b", "c", "d"][:arms]
    raw = {
        "experiment": "x",
        "list": {"size": size, "test": size},
        "arms": [{"name": n, "control": n == "control"} for n in names],
        "metrics": [
            {"name": "did", "tier": "organising", "base_rate": rate, "mde": rate,
             "window_hours": 24},
            *rails,
        ],
        "design": {"waves": waves, **design},
    }  # fmt: skip
    return resolve(Definition.model_validate(raw), salt="s")


def wave_of(plan, number, draw, rates, *, left=None):
    """One wave of which everybody came back; ``rates`` by arm."""
    size = plan.wave_sizes[number - 1] // len(plan.arms)
    units = {arm.name: size for arm in plan.arms}
    did = {name: int(draw.binomial(size, rates[name])) for name in units}
    cells = {}
    if left is not None:
        cells["left"] = {
            name: Cell.of_counts(outcomes=int(draw.binomial(size, left)), units=size)
            for name in units
        }
    return WaveCounts(
        wave=number, sent_at=NOW - timedelta(days=5), units=units, outcomes=did,
        returned=dict(units), rows=dict(units), cells=cells,
    )  # fmt: skip


def play(plan, draw, rates, *, left=None):
    """All looks up to the first that stops."""
    looks, waves = [], []
    for number in range(1, plan.waves + 1):
        waves.append(wave_of(plan, number, draw, rates, left=left))
        looks.append(
            analyse(plan, past=looks, waves=waves, now=NOW, look_id=f"l{number}",
                    data_digest=str(number))
        )  # fmt: skip
        if looks[-1].stopped:
            break
    return looks


def at_most(count, trials, promise):
    return count <= trials * promise + 4 * math.sqrt(trials * promise * (1 - promise))


LONG = (pytest.mark.slow, pytest.mark.timeout(1800))


@pytest.mark.parametrize("trials", [120, pytest.param(4000, marks=LONG)])
def test_three_equal_arms_are_told_apart_as_rarely_as_promised(trials):
    plan = plan_of(arms=3, rate=0.1, size=6000)
    draw = np.random.default_rng(11)
    equal = dict.fromkeys((a.name for a in plan.arms), 0.1)
    wrong = 0
    for _ in range(trials):
        looks = play(plan, draw, equal)
        wrong += any(
            c.verdict in {"crossed-up", "crossed-down"} for k in looks for c in k.comparisons
        )
    assert at_most(wrong, trials, plan.alpha)


@pytest.mark.parametrize("trials", [120, pytest.param(4000, marks=LONG)])
def test_a_proven_arm_gives_its_alpha_to_the_other_and_the_equal_one_is_still_safe(trials):
    plan = plan_of(arms=3, rate=0.1, size=6000)
    draw = np.random.default_rng(12)
    rates = {"control": 0.1, "b": 0.16, "c": 0.1}
    wrong = found = 0
    for _ in range(trials):
        last = play(plan, draw, rates)[-1]
        found += last.comparison("did", "b").verdict == "crossed-up"
        wrong += last.comparison("did", "c").verdict in {"crossed-up", "crossed-down"}
    assert found > 0.9 * trials
    assert at_most(wrong, trials, plan.alpha)


@pytest.mark.parametrize("trials", [150, pytest.param(4000, marks=LONG)])
def test_a_guardrail_stops_equal_arms_as_rarely_as_it_says(trials):
    plan = plan_of(arms=3, rate=0.1, size=6000, waves=3, rails=[GUARDRAIL])
    draw = np.random.default_rng(13)
    equal = dict.fromkeys((a.name for a in plan.arms), 0.1)
    stopped, stated = 0, 0.0
    for _ in range(trials):
        looks = play(plan, draw, equal, left=0.02)
        stated = sum(g.false_stop for g in looks[0].guardrails)
        stopped += any(g.harm for k in looks for g in k.guardrails)
    assert stated == pytest.approx(FALSE_STOP)
    assert at_most(stopped, trials, stated)


def test_a_guardrail_that_doubles_is_seen():
    plan = plan_of(arms=2, rate=0.1, size=6000, waves=3, rails=[GUARDRAIL | {"margin": 0.01}])
    draw = np.random.default_rng(14)
    seen = 0
    for _ in range(20):
        looks, waves = [], []
        for number in (1, 2, 3):
            wave = wave_of(plan, number, draw, {"control": 0.1, "b": 0.1}, left=0.02)
            size = wave.units["b"]
            wave.cells["left"]["b"] = Cell.of_counts(
                outcomes=int(draw.binomial(size, 0.08)), units=size
            )
            waves.append(wave)
            looks.append(
                analyse(plan, past=looks, waves=waves, now=NOW, look_id="l", data_digest="d")
            )
            if looks[-1].stopped:
                break
        seen += any(k.verdict == "harm" for k in looks)
    assert seen >= 18


@pytest.mark.parametrize("trials", [15, pytest.param(400, marks=LONG)])
def test_the_speed_clock_ships_nothing_however_much_faster_an_arm_is(trials):
    plan = plan_of(arms=2, rate=0.1, size=8000, waves=4, clock="speed")
    draw = np.random.default_rng(15)
    sooner = 0
    for _ in range(trials):
        # Both arms end at the same rate; the new one has most of it in the first quarter.
        total = {"control": draw.binomial(4000, 0.1), "b": draw.binomial(4000, 0.1)}
        pace = {"control": (0.25, 0.5, 0.75, 1.0), "b": (0.7, 0.85, 0.95, 1.0)}
        looks = []
        for number in range(4):
            did = {arm: int(total[arm] * pace[arm][number]) for arm in total}
            wave = WaveCounts(
                wave=1, sent_at=NOW - timedelta(hours=6 * (number + 1)),
                units={"control": 4000, "b": 4000}, outcomes=did,
                rows={"control": 4000, "b": 4000},
            )  # fmt: skip
            looks.append(
                analyse(plan, past=looks, waves=[wave], now=NOW, look_id="l",
                        data_digest=str(number))
            )  # fmt: skip
            if looks[-1].stopped:
                break
        assert looks[-1].verdict not in {"crossed-up", "crossed-down"}
        sooner += looks[-1].verdict == "sooner"
        try:
            verdict = decide(plan, looks, decision_id="d", at="2026-11-20T00:00:00Z", remainder=1)
        except StateError:
            continue
        assert (verdict.outcome, verdict.proven) == ("inconclusive", False)
        assert verdict.expected is None
    # The clock is fooled nearly every time: that is why it may say no more than "sooner".
    assert sooner > 0.8 * trials


@pytest.mark.parametrize("trials", [60, pytest.param(3000, marks=LONG)])
def test_rare_outcomes_get_the_exact_engine_and_its_error_rate(trials):
    plan = plan_of(arms=2, rate=0.004, size=8000)
    assert plan.engine == "exact"
    draw = np.random.default_rng(16)
    wrong = 0
    for _ in range(trials):
        looks = play(plan, draw, {"control": 0.004, "b": 0.004})
        assert all(k.engine == "exact" for k in looks)
        wrong += looks[-1].verdict in {"crossed-up", "crossed-down"}
    assert at_most(wrong, trials, plan.alpha)


def visitors(plan, draw, rates, *, each=3000):
    """All looks of a page that assigns each visitor alone, up to the first that stops.

    The base rate drifts from wave to wave (by the day of the week, say), and the arm sizes are
    those of a lottery.
    """
    looks, waves = [], []
    for number in range(1, plan.waves + 1):
        weekday = (0.85, 1.1, 1.0, 1.2, 0.9)[(number - 1) % 5]
        new = int(draw.binomial(each, 0.5))
        units = {"control": each - new, "b": new}
        did = {a: int(draw.binomial(n, rates[a] * weekday)) for a, n in units.items()}
        waves.append(
            WaveCounts(
                wave=number, sent_at=NOW - timedelta(days=5), units=units, outcomes=did,
                returned=dict(units), rows=dict(units),
            )
        )  # fmt: skip
        looks.append(
            analyse(plan, past=looks, waves=waves, now=NOW, look_id=f"l{number}",
                    data_digest=str(number))
        )  # fmt: skip
        if looks[-1].stopped:
            break
    return looks


def page():
    """The landing-page template in numbers: 12 % sign up, each visitor by a formula."""
    plan = plan_of(arms=2, rate=0.12, size=15_000, waves=5, family="open-ended", scheme="md5-v1")
    assert plan.engine == "open"
    return plan


@pytest.mark.parametrize("trials", [60, pytest.param(4000, marks=LONG)])
def test_a_page_with_a_lottery_for_a_split_is_wrong_as_rarely_as_promised(trials):
    """Rates above 5 % are read by a sequence, which is valid at any look: far below alpha here."""
    plan, draw = page(), np.random.default_rng(17)
    wrong = unread = 0
    for _ in range(trials):
        looks = visitors(plan, draw, {"control": 0.12, "b": 0.12})
        wrong += looks[-1].verdict in {"crossed-up", "crossed-down"}
        unread += looks[-1].low is None
    assert at_most(wrong, trials, plan.alpha)
    assert at_most(unread, trials, 0.001)  # what is not read proves nothing, and is no answer


@pytest.mark.parametrize("trials", [30, pytest.param(2000, marks=LONG)])
def test_a_page_with_a_lottery_for_a_split_finds_what_is_there(trials):
    """12 against 15 % with 7,500 visitors per arm, z about 7: found in nearly every test."""
    plan, draw = page(), np.random.default_rng(18)
    found = sum(
        visitors(plan, draw, {"control": 0.12, "b": 0.15})[-1].verdict == "crossed-up"
        for _ in range(trials)
    )
    assert found >= 0.97 * trials
