"""Guardrails of tests on households: watched, read at the end, and told as they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from testkit.model.analysis import analyse
from testkit.model.definition import Definition
from testkit.model.look import Cell, WaveCounts
from testkit.model.resolve import resolve
from testkit.reports.brief import brief_context

NOW = datetime(2026, 11, 20, tzinfo=UTC)
VOTED = {"name": "voted", "tier": "organising", "base_rate": 0.4, "mde": 0.1, "window_hours": 24}
COMPLAINED = {
    "name": "complained",
    "role": "guardrail",
    "tier": "organising",
    "direction": "down",
    "base_rate": 0.01,
    "margin": 0.02,
    "window_hours": 24,
}


def plan_of(*guards, waves=1, test=8_000):
    raw = {
        "experiment": "x",
        "unit": {"kind": "household", "column": "voter_id", "group": "house"},
        "list": {"size": 20_000, "test": test},
        "arms": [{"name": "control", "control": True}, {"name": "new"}],
        "metrics": [VOTED, *guards],
        "design": {"waves": waves},
    }
    return resolve(Definition.model_validate(raw), salt="s")


def wave(number, cells):
    """``metric -> arm -> totals of households of two``."""
    made, groups = {}, {}
    for metric, arms in cells.items():
        made[metric] = {
            arm: Cell.of_counts(outcomes=min(int(sum(t)), 2 * len(t)), units=2 * len(t))
            for arm, t in arms.items()
        }
        groups[metric] = {
            arm: tuple((2.0, float(one)) for one in totals) for arm, totals in arms.items()
        }
    units = {arm: 2 * len(t) for arm, t in cells["voted"].items()}
    return WaveCounts(
        wave=number,
        sent_at=NOW - timedelta(hours=48),
        units=units,
        outcomes={arm: int(sum(t)) for arm, t in cells["voted"].items()},
        rows=units,
        cells=made,
        clusters=groups,
    )


def households(rate, *, count=2000, seed=1):
    """Both of a household do it, or none: one draw counts twice."""
    return (2 * (np.random.default_rng(seed).random(count) < rate)).tolist()


def read(plan, **cells):
    voted = {"control": households(0.4, seed=8), "new": households(0.4, seed=9)}
    made = wave(1, {"voted": voted, **cells})
    return analyse(plan, past=[], waves=[made], now=NOW, look_id="l", data_digest="d")


def risk(plan, look):
    return brief_context(
        plan, look, None, remainder=0, practice=False, doubts=(), generated_at="today"
    ).risk


def test_a_guardrail_on_households_is_read_at_the_only_look():
    plan = plan_of(COMPLAINED)
    same = {"control": households(0.01, seed=2), "new": households(0.01, seed=3)}
    look = read(plan, complained=same)
    (rail,) = look.guardrails
    assert rail.verdict == "no worse"
    assert rail.evidence is not None
    assert risk(plan, look) == "We watched complained for harm and saw none."


def test_harm_in_households_is_seen():
    plan = plan_of(COMPLAINED)
    look = read(
        plan, complained={"control": households(0.01, seed=2), "new": households(0.06, seed=3)}
    )
    assert (look.guardrails[0].verdict, look.verdict) == ("harm", "harm")


def test_nobody_complaining_is_no_worse_and_no_error():
    look = read(plan_of(COMPLAINED), complained={"control": [0] * 2000, "new": [0] * 2000})
    assert look.guardrails[0].verdict == "no worse"


def test_people_of_a_household_do_not_count_as_so_many_alarms():
    """Both or none complain: the evidence is that of half the counts."""
    plan = plan_of(COMPLAINED)
    both = {"control": [2] * 10 + [0] * 1990, "new": [2] * 25 + [0] * 1975}
    (rail,) = read(plan, complained=both).guardrails
    from testkit.stats.guardrails import harm_watch

    alone = harm_watch(
        control=[10], treatment=[25], share=0.5, risk_ratio=3.0, false_stop=rail.false_stop
    )
    assert rail.evidence == pytest.approx(alone.evidence, rel=0.05)


def test_equal_households_are_stopped_no_oftener_than_the_watch_says():
    """Four looks, 200 tests with nothing between the arms, 5 % of households complaining.

    Nominal .1; the tolerance is three standard errors of a share of .1 in 200 tests, .064.
    """
    from testkit.model.watching import guardrails

    plan = plan_of({**COMPLAINED, "base_rate": 0.05, "margin": 0.05}, waves=4)
    stopped = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        waves = []
        for number in range(1, 5):
            arms = {a: (2 * (draw.random(500) < 0.05)).tolist() for a in ("control", "new")}
            waves.append(wave(number, {"voted": arms, "complained": arms}))
        stopped += any(
            guardrails(plan, waves[:k], ended=False, arms=["new"])[0].harm for k in range(1, 5)
        )
    assert 0 < stopped / 200 <= 0.1 + 0.064


def test_too_few_groups_are_said_to_be_unwatched():
    plan = plan_of(COMPLAINED)
    few = {"control": [0] * 15, "new": [0] * 15}
    made = wave(1, {"voted": few, "complained": few})
    look = analyse(plan, past=[], waves=[made], now=NOW, look_id="l", data_digest="d")
    assert "We did not watch complained: fewer than 20 groups in an arm." in risk(plan, look)
    assert "saw none" not in risk(plan, look)


def test_the_brief_names_what_was_watched_and_what_was_not():
    """Four guardrails with four fates: none may speak for another."""
    quiet = {**COMPLAINED, "name": "left"}
    tight = {**COMPLAINED, "name": "blocked", "margin": 0.0001}
    absent = {**COMPLAINED, "name": "wrote"}
    plan = plan_of(COMPLAINED, quiet, tight, absent)
    same = {"control": households(0.01, seed=2), "new": households(0.01, seed=3)}
    more = {"control": households(0.01, seed=2), "new": households(0.08, seed=3)}
    said = risk(plan, read(plan, complained=same, left=more, blocked=same))
    assert said == (
        "We saw harm: left got worse. We watched complained for harm and saw none. We watched"
        " blocked and saw no harm. But the test was too small to be sure of that. We meant to"
        " watch wrote. No data on it came in. That is a gap."
    )


def test_while_a_test_runs_the_brief_does_not_say_that_there_was_no_harm():
    plan = plan_of(COMPLAINED, waves=2, test=16_000)
    same = {"control": households(0.01, seed=2), "new": households(0.01, seed=3)}
    look = read(plan, complained=same)
    assert look.verdict == "continue"
    assert risk(plan, look) == "We watched complained. No alarm went off so far."


def test_amounts_of_households_are_watched_by_the_sum_of_each():
    """Nobody of the arm's households gives any more: seen, with a household as one observation."""
    raised = {
        "name": "raised", "role": "guardrail", "kind": "mean", "tier": "organising", "margin": 0.5,
        "window_hours": 24,
    }  # fmt: skip
    plan = plan_of(raised)
    draw = np.random.default_rng(4)

    def gifts(rate):
        return [20.0 * float(draw.random() < rate) for _ in range(2000)]

    for rate, verdict in ((0.3, "not read yet"), (0.1, "harm")):
        (rail,) = guardrails_of(plan, {"control": gifts(0.3), "new": gifts(rate)})
        assert rail.verdict == verdict
        assert rail.evidence is not None


def guardrails_of(plan, sums):
    from testkit.model.watching import guardrails

    cells = {"voted": sums, "raised": sums}
    return guardrails(plan, [wave(1, cells)], ended=False, arms=["new"])
