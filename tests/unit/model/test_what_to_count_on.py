"""What people are told to count on: nothing that was not shown, and the same way in every place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from testkit.model.analysis import analyse
from testkit.model.decision import decide
from testkit.model.definition import Definition
from testkit.model.look import WaveCounts
from testkit.model.resolve import resolve
from testkit.reports import words
from testkit.reports.brief import brief_context

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def decided(control, new, *, units=4000, remainder=12_000, past_tests=()):
    raw = {
        "experiment": "x",
        "list": {"size": 20_000, "test": 2 * units},
        "arms": [{"name": "old", "control": True}, {"name": "new"}],
        "metrics": [
            {"name": "did", "tier": "organising", "base_rate": 0.1, "mde": 0.02, "window_hours": 24}
        ],
        "design": {"waves": 1},
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
    made = decide(plan, [look], decision_id="d", at="t", remainder=remainder, past_tests=past_tests)
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
