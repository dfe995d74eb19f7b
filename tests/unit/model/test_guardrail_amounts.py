"""Guardrails that are amounts: watched at any time, or said not to be, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from testkit.model.definition import Definition
from testkit.model.look import Cell, WaveCounts
from testkit.model.resolve import resolve
from testkit.model.watching import FALSE_STOP, guardrails
from testkit.stats.moments import CoMoments

NOW = datetime(2026, 11, 20, tzinfo=UTC)
RAISED = {
    "name": "raised", "role": "guardrail", "tier": "organising", "kind": "mean", "margin": 0.5,
    "window_hours": 24,
}  # fmt: skip


def plan_of(rail=RAISED, **more):
    raw = {
        "experiment": "x",
        "list": {"size": 40_000, "test": 32_000},
        "arms": [{"name": "control", "control": True}, {"name": "new"}],
        "metrics": [
            {"name": "did", "tier": "organising", "base_rate": 0.1, "mde": 0.02,
             "window_hours": 24},
            rail,
        ],
        "design": {"waves": 4},
        **more,
    }  # fmt: skip
    return resolve(Definition.model_validate(raw), salt="s")


def cell(values):
    mean = float(values.mean())
    moments = CoMoments(n=len(values), means=(mean,), m2=((float(((values - mean) ** 2).sum()),),))
    return Cell(units=len(values), events=int((values > 0).sum()), moments=moments)


def wave(number, draw, *, control, arm, units=4_000):
    """Five in a hundred give; the gifts of an arm are exponential with the mean given."""
    gifts = {
        name: draw.exponential(mean, units) * (draw.random(units) < 0.05)
        for name, mean in (("control", control), ("new", arm))
    }
    return WaveCounts(
        wave=number,
        sent_at=NOW - timedelta(hours=48),
        units={"control": units, "new": units},
        outcomes={"control": 400, "new": 400},
        rows={"control": units, "new": units},
        cells={"raised": {name: cell(values) for name, values in gifts.items()}},
    )


def watched(plan, waves, *, ended=False):
    (found,) = guardrails(plan, waves, ended=ended, arms=["new"])
    return found


def test_money_that_halves_stops_the_arm_and_says_how_often_that_is_wrong():
    draw = np.random.default_rng(5)
    found = watched(plan_of(), [wave(k, draw, control=40, arm=15) for k in range(1, 5)])
    assert (found.harm, found.verdict) == (True, "harm")
    assert found.evidence > found.bound > 0
    assert "got worse" in found.reason


def test_more_money_is_no_harm_and_less_is_where_less_is_better_not():
    draw = np.random.default_rng(5)
    waves = [wave(k, draw, control=15, arm=40) for k in range(1, 5)]
    assert not watched(plan_of(), waves).harm
    assert watched(plan_of({**RAISED, "direction": "down"}), waves).harm


def test_equal_arms_are_stopped_no_more_often_than_is_said():
    draw = np.random.default_rng(11)
    plan, repeats, stops = plan_of(), 120, 0
    for _ in range(repeats):
        waves = [wave(k, draw, control=30, arm=30, units=3_000) for k in range(1, 5)]
        stops += any(watched(plan, waves[:k]).harm for k in range(1, 5))
    # Three standard errors of the share above what is promised.
    assert stops / repeats < FALSE_STOP + 3 * (FALSE_STOP * (1 - FALSE_STOP) / repeats) ** 0.5


def test_a_handful_of_gifts_is_said_to_be_too_few_to_watch():
    draw = np.random.default_rng(5)
    found = watched(plan_of(), [wave(1, draw, control=40, arm=4, units=300)])
    assert (found.harm, found.evidence) == (False, None)
    assert found.reason.startswith("not watched yet: the")


def test_at_the_end_no_worse_is_shown_or_the_test_was_too_small_for_its_margin():
    draw = np.random.default_rng(5)
    waves = [wave(k, draw, control=30, arm=31) for k in range(1, 5)]
    found = watched(plan_of(), waves, ended=True)
    assert (found.verdict, found.worst < found.difference) == ("no worse", True)
    blind = watched(plan_of({**RAISED, "margin": 0.05}), waves, ended=True)
    assert blind.verdict == "cannot see"
    assert "the power for a margin of 0.05" in blind.reason


@pytest.mark.parametrize(
    ("rail", "more", "why"),
    [
        ({**RAISED, "kind": "ratio", "per": "gifts"}, {}, "make its numerator a guardrail"),
        (RAISED, {"unit": {"kind": "street", "group": "street"}}, "fewer than 20 groups in an arm"),
    ],
)
def test_what_is_not_watched_says_so_and_why(rail, more, why):
    draw = np.random.default_rng(5)
    waves = [wave(k, draw, control=40, arm=4) for k in range(1, 3)]
    if rail["kind"] == "ratio":
        two = CoMoments(n=4_000, means=(2.0, 0.05), m2=((900.0, 20.0), (20.0, 190.0)))
        pair = {n: Cell(units=4_000, events=200, moments=two) for n in ("control", "new")}
        for one in waves:
            one.cells["raised"] = pair
    found = watched(plan_of(rail, **more), waves)
    assert not found.harm
    assert found.reason.startswith("shown, and not watched: ")
    assert why in found.reason
