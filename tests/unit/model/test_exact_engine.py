"""The exact engine through a whole look: what the plan says, enumerated, and what the look says."""

from __future__ import annotations

import itertools
import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from testkit.model.analysis import analyse
from testkit.model.definition import Definition
from testkit.model.exact_engine import exact_comparison, tie_sentence
from testkit.model.look import Look, WaveCounts
from testkit.model.readings import pairs_of
from testkit.model.resolve import resolve
from testkit.model.situation import Situation
from testkit.reports.words import note_sentence
from testkit.stats.counts import TwoByTwo
from testkit.stats.exact_look import PastLook, exact_look
from testkit.stats.spending import spending_by_name
from testkit.stats.walk import CriticalCounts

NOW = datetime(2026, 11, 20, tzinfo=UTC)
UNITS = 60
RATE = {
    "name": "did", "tier": "organising", "base_rate": 0.1, "mde": 0.2, "window_hours": 24,
}  # fmt: skip


def plan_of(waves=2):
    raw = {
        "experiment": "x",
        "list": {"size": 1000, "test": 2 * UNITS * waves},
        "arms": [{"name": "control", "control": True}, {"name": "new"}],
        "metrics": [RATE],
        "design": {"waves": waves, "family": "exact"},
    }
    return resolve(Definition.model_validate(raw), salt="s")


def wave(number, control, new):
    units = {"control": UNITS, "new": UNITS}
    return WaveCounts(
        wave=number,
        sent_at=NOW - timedelta(hours=48),
        units=units,
        outcomes={"control": control, "new": new},
        rows=units,
    )


def look_at(plan, past, waves):
    return analyse(plan, past=past, waves=waves, now=NOW, look_id=f"l{len(waves)}", data_digest="d")


def chance(new: int, total: int) -> float:
    """Of that many of the outcomes in the new arm, the arms being equal and alike in size."""
    return math.comb(UNITS, new) * math.comb(UNITS, total - new) / math.comb(2 * UNITS, total)


def every_test(totals):
    """``(probability, looks)`` of every course of a test whose waves have these totals."""
    plan = plan_of(len(totals))
    for first in range(totals[0] + 1):
        opening = look_at(plan, [], [wave(1, totals[0] - first, first)])
        if opening.stopped:
            yield chance(first, totals[0]), [opening]
            continue
        for second in range(totals[1] + 1):
            waves = [wave(1, totals[0] - first, first), wave(2, totals[1] - second, second)]
            closing = look_at(plan, [opening], waves)
            yield chance(first, totals[0]) * chance(second, totals[1]), [opening, closing]


def test_enumerated_a_plan_errs_as_it_spends_and_the_tie_is_part_of_it() -> None:
    courses = list(every_test((7, 8)))
    assert math.fsum(p for p, _ in courses) == pytest.approx(1.0, abs=1e-12)
    errs = {
        verdict: math.fsum(p for p, looks in courses if looks[-1].verdict == verdict)
        for verdict in ("crossed-up", "crossed-down")
    }
    assert max(errs.values()) <= 0.025
    last = [looks[-1].comparison("did", "new") for _, looks in courses if len(looks) == 2]
    # The same bounds whatever the arm had: given the totals they are fixed.
    assert len({(c.critical, c.critical_before, c.spent) for c in last}) == 1
    assert math.fsum(errs.values()) == pytest.approx(last[0].spent, abs=1e-12)
    told_apart = [
        looks[-1].comparison("did", "new")
        for _, looks in courses
        if looks[-1].comparison("did", "new").note.count("the look before decides")
    ]
    # Equal counts end differently, by the look before and by nothing else.
    by_count: dict[int, set[str]] = {}
    for one in told_apart:
        by_count.setdefault(one.events[1], set()).add(one.verdict)
    assert {"ended", "crossed-up"} in by_count.values()
    assert {"ended", "crossed-down"} in by_count.values()


def test_a_look_is_the_facades_and_says_what_decided() -> None:
    plan = plan_of()
    for first, second in itertools.product((1, 4, 8), (2, 5, 8)):
        waves = [wave(1, 9 - first, first), wave(2, 10 - second, second)]
        opening = look_at(plan, [], waves[:1])
        closing = look_at(plan, [Look.from_dict(json.loads(json.dumps(opening.as_dict())))], waves)
        tables = [
            TwoByTwo(successes_control=c, n_control=UNITS, successes_arm=a, n_arm=UNITS)
            for c, a in ((9 - first, first), (10 - second, second))
        ]
        given = {
            "planned_information": plan.planned_information(plan.treatment),
            "alpha": 0.05,
            "spending": spending_by_name(plan.spending),
        }
        one = exact_look(past=[], added=[tables[0]], **given)
        done = PastLook(added=(tables[0],), critical=one.critical)
        two = exact_look(past=[done], added=[tables[1]], final=True, **given)
        found = closing.comparison("did", "new")
        assert found.critical == (two.critical.low, two.critical.high)
        assert found.critical_before == (two.critical.low_before, two.critical.high_before)
        assert (found.spent, found.p_sequential) == (two.spent, two.p_sequential)
        names = {"upper": "crossed-up", "lower": "crossed-down", None: "ended"}
        assert found.verdict == names[two.crossed]
        tie = tie_sentence(two.critical, first + second, before=first)
        assert tie in found.note
        assert tie[1:] in note_sentence(plan, closing)


def test_a_past_look_is_taken_with_all_that_it_was_decided_by() -> None:
    """What a tie took is spent: people who come after a last look do not get it again."""
    plan = plan_of()
    counts = [(3, 6), (5, 5), (4, 9)]
    waves = [wave(k, *pair) for k, pair in enumerate(counts, start=1)]
    past: list[Look] = []
    for k in (1, 2):
        taken = look_at(plan, past, waves[:k])
        past.append(Look.from_dict(json.loads(json.dumps(taken.as_dict()))))
    assert past[1].comparison("did", "new").critical_before is not None
    situation = Situation(
        plan=plan, metric=plan.metric, arm="new", past=past, waves=waves,
        pairs=pairs_of(plan, plan.metric, "new", waves), final=True, engine="exact",
    )  # fmt: skip
    found = exact_comparison(situation)
    tables = [
        TwoByTwo(successes_control=c, n_control=UNITS, successes_arm=a, n_arm=UNITS)
        for c, a in counts
    ]
    kept = [
        CriticalCounts(low=one.critical[0], high=one.critical[1], low_before=tie[0],
                       high_before=tie[1])
        for one in (look.comparison("did", "new") for look in past)
        for tie in (one.critical_before or (None, None),)
    ]  # fmt: skip
    wanted = exact_look(
        past=[PastLook(added=(t,), critical=c) for t, c in zip(tables[:2], kept, strict=True)],
        added=tables[2:],
        planned_information=situation.planned,
        alpha=0.05,
        spending=spending_by_name(plan.spending),
        final=True,
    )
    assert found.critical == (wanted.critical.low, wanted.critical.high)
    assert found.spent == wanted.spent <= 0.05


@pytest.mark.parametrize(
    ("count", "before", "said"),
    [
        (8, 5, "crossed"),
        (8, 4, "no bound"),
        (3, 1, "crossed"),
        (3, 2, "no bound"),
        (9, 0, ""),
        (2, 0, ""),
        (5, 3, ""),
    ],
)
def test_only_a_count_beside_a_bound_is_explained(count: int, before: int, said: str) -> None:
    critical = CriticalCounts(low=2, high=9, low_before=1, high_before=5)
    sentence = tie_sentence(critical, count, before=before)
    assert bool(sentence) is bool(said)
    assert said in sentence
    if said:
        assert (critical.side(count, before=before) is not None) is sentence.endswith(
            "and the bound is crossed"
        )
