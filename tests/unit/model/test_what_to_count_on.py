"""What people are told to count on: nothing that was not shown, and the same way in every place."""

from __future__ import annotations

import dataclasses
import types
from datetime import UTC, datetime, timedelta

import pytest

from testkit.model.analysis import analyse
from testkit.model.decision import decide
from testkit.model.definition import Definition
from testkit.model.experience import experience
from testkit.model.look import WaveCounts
from testkit.model.past import PastArm, PastTest
from testkit.model.resolve import resolve
from testkit.reports import words
from testkit.reports.brief import brief_context

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def decided(control, new, *, units=4000, remainder=12_000, past=None, design=None):
    raw = {
        "experiment": "x",
        "list": {"size": 20_000, "test": 2 * units},
        "arms": [{"name": "old", "control": True}, {"name": "new"}],
        "metrics": [
            {"name": "did", "tier": "organising", "base_rate": 0.1, "mde": 0.02, "window_hours": 24}
        ],
        "design": {"waves": 1, **(design or {})},
    }
    plan = resolve(Definition.model_validate(raw), salt="s")
    wave = WaveCounts(
        wave=1,
        sent_at=NOW - timedelta(hours=48),
        units={"old": units, "new": units},
        outcomes={"old": control, "new": new},
        rows={"old": units, "new": units},
    )
    look = analyse(plan, past=[], waves=[wave], now=NOW, look_id="l", data_digest="d")
    made = decide(plan, [look], decision_id="d", at="t", remainder=remainder, past=past)
    brief = brief_context(
        plan, look, made, remainder=remainder, practice=False, doubts=(), generated_at="today"
    )
    return plan, made, brief


def test_nothing_is_counted_on_that_was_not_shown():
    plan, made, brief = decided(400, 428)
    assert made.outcome == "inconclusive"
    said = words.expected_sentence(plan, made, 12_000)
    assert said.startswith("Count on no difference: none was shown.")
    assert "may mean anything between -" in words.extra_sentence(plan, made, 12_000)
    assert "Do not count on either." in brief.numbers
    assert "count on about" not in brief.numbers


def test_the_brief_counts_on_a_number_inside_its_own_interval():
    """Far from the prior: the shrunken point lies outside of what the raw interval would say."""
    plan, made, brief = decided(400, 640)
    assert made.outcome == "ship"
    found = made.expected
    assert f"count on about {12_000 * found['difference']:+,.0f}." in brief.numbers
    assert f"It may be {12_000 * found['low']:+,.0f}, or {12_000 * found['high']:+,.0f}." in (
        brief.numbers
    )
    assert "Count on +" in words.expected_sentence(plan, made, 12_000)


def old(name, base, ratio, *, units=20_000, metric="did"):
    arms = (
        PastArm(name="a", units=units, outcomes=round(units * base)),
        PastArm(name="b", units=units, outcomes=round(units * base * ratio)),
    )
    return PastTest(name=name, arms=arms, metric=metric), f"{name}.csv"


RATIOS = (1.2, 0.9, 1.05, 1.25, 0.95, 1.1, 1.3)


def test_the_estimate_lies_between_none_and_what_was_seen_however_good_the_past_was():
    """Seven tests of which every one was far better: their mean must not be added to this one."""
    good = experience([old(f"t{k}", 0.1, 1.5 + k / 50) for k in range(7)])
    _, made, _ = decided(400, 500, past=good)
    seen = 100 / 4000
    assert 0 < made.expected["difference"] < seen
    _, worse, _ = decided(500, 400, past=good)
    assert -seen < worse.expected["difference"] < 0


def test_tests_of_other_base_rates_teach_by_how_many_times_more():
    """The same ratios at 0.4 % and at 10 %, as precise: what they teach a test at 10 % is alike."""
    own = experience([old(f"t{k}", 0.1, r, units=40_000) for k, r in enumerate(RATIOS)])
    rare = experience([old(f"t{k}", 0.004, r, units=1_000_000) for k, r in enumerate(RATIOS)])
    one, other = (decided(400, 500, past=p)[1].expected["difference"] for p in (own, rare))
    assert one == pytest.approx(other, rel=0.08)


def test_tests_of_another_metric_teach_nothing():
    turnout = experience(
        [old(f"t{k}", 0.4, r, metric="voted") for k, r in enumerate(RATIOS)], metric="did"
    )
    _, made, _ = decided(400, 500, past=turnout)
    _, alone, _ = decided(400, 500)
    assert made.expected["difference"] == alone.expected["difference"]
    assert "no past test is of did: they are of voted" in made.expected["basis"]


def test_an_uneven_split_that_was_planned_is_no_reason_to_leave_a_test_out():
    uneven = [
        PastTest(
            name=f"own{k}",
            arms=(
                PastArm(name="a", units=10_000, outcomes=1000),
                PastArm(name="b", units=30_000, outcomes=3000 + 60 * k),
            ),
            metric="did",
        )
        for k in range(6)
    ]
    named = [(t, t.name) for t in uneven]
    assert experience(named).tests == 0
    assert experience(named, checked=frozenset(uneven)).tests == 6


def test_what_a_platform_split_is_observational_and_never_proven():
    plan, made, brief = decided(400, 600, design={"split": "platform"})
    assert (made.outcome, made.proven, made.proven_metrics) == ("ship", False, ())
    assert made.reason.startswith("observational: the platform chose who saw which; ")
    said = words.decision_sentence(plan, made)
    assert said.startswith("Observational: the platform chose who saw which. new did better")
    assert "chosen, not proven" in said
    assert words.expected_sentence(plan, made, 12_000).startswith("Count on no difference:")
    assert "The platform chose who saw which." in brief.sure
    assert "no proof" in brief.answer
    everything = f"{brief.answer} {brief.numbers} {brief.sure} {brief.risk}"
    assert "past the bar" not in everything
    assert "works better" not in everything
    lottery, proven, _ = decided(400, 600)
    assert proven.proven
    assert "Ship new: it is better" in words.decision_sentence(lottery, proven)
    assert "split" not in lottery.as_dict()  # plans locked before keep their digest


def test_segments_of_several_arms_say_which_arm_they_are_about():
    from testkit.model.look import SegmentFigures
    from testkit.reports.tables import segments

    one = SegmentFigures(
        column="state", arm="new", p_value=0.5, verdict="same", sentence="alike", levels=()
    )
    plan, _, _ = decided(400, 420)
    three = dataclasses.replace(
        plan, arms=(*plan.arms, dataclasses.replace(plan.arms[1], name="third"))
    )
    look = types.SimpleNamespace(segments=(one,))
    assert segments(plan, look)[0]["sentence"] == "alike"
    assert segments(three, look)[0]["sentence"] == "new against old: alike"
