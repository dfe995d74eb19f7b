"""Open-ended looks, futility, groups, gates and gates' limits, from counts alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from testkit.errors import StateError
from testkit.model.analysis import analyse
from testkit.model.decision import decide
from testkit.model.definition import Definition
from testkit.model.expecting import expect
from testkit.model.experience import experience
from testkit.model.look import Look, Quality, WaveCounts
from testkit.model.past import PastArm, PastTest
from testkit.model.resolve import resolve

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ARMS = [{"name": "control", "control": True}, {"name": "new"}]
RATE = {"name": "did", "tier": "organising", "base_rate": 0.1, "mde": 0.02, "window_hours": 24}


def plan_of(*, arms=ARMS, metrics=(RATE,), test=16_000, **design):
    raw = {
        "experiment": "x",
        "list": {"size": max(20_000, test), "test": test},
        "arms": arms,
        "metrics": list(metrics),
        "design": {"waves": 4, **design},
    }
    return resolve(Definition.model_validate(raw), salt="s")


def wave(number, counts, *, returned=None):
    """``arm -> (units, outcomes)`` of a wave that is two days old."""
    units = {arm: n for arm, (n, _) in counts.items()}
    return WaveCounts(
        wave=number,
        sent_at=NOW - timedelta(hours=48),
        units=units,
        outcomes={arm: s for arm, (_, s) in counts.items()},
        returned=returned,
        rows=units,
    )


def looks_of(plan, waves, **more):
    past: list[Look] = []
    for k in range(1, len(waves) + 1):
        taken = analyse(
            plan, past=past, waves=waves[:k], now=NOW, look_id=f"l{k}", data_digest=str(k), **more
        )
        past.append(taken)
    return past


def two(control, new, units=2000):
    return {"control": (units, control), "new": (units, new)}


def test_an_open_ended_test_stops_when_evidence_reaches_one_over_alpha():
    rare = {**RATE, "base_rate": 0.03, "mde": 0.015}
    plan = plan_of(metrics=[rare], family="open-ended")
    assert plan.engine == "open"
    looks = looks_of(plan, [wave(k, two(60, 110)) for k in range(1, 4)])
    stop = next(look for look in looks if look.stopped)
    first = stop.comparison("did", "new")
    assert stop.verdict == "crossed-up"
    assert first.log_e >= 2.99  # log 20
    assert stop.low > 0
    before = [k.comparison("did", "new") for k in looks[: stop.number - 1]]
    assert all(c.log_e < 3 for c in before)
    made = decide(plan, looks, decision_id="d", at="t", remainder=100)
    assert (made.outcome, made.chosen) == ("ship", {"new": 1.0})


def test_a_hopeless_test_stops_without_a_claim_when_the_plan_allows_it():
    patient = looks_of(plan_of(), [wave(k, two(200, 180)) for k in (1, 2, 3)])
    assert [k.verdict for k in patient] == ["continue"] * 3
    plan = plan_of(futility="hsd(-2)")
    looks = looks_of(plan, [wave(k, two(200, 180)) for k in (1, 2, 3)])
    stop = next(look for look in looks if look.stopped)
    assert stop.verdict == "futile"
    # The bound binds nobody: alpha is spent as if it were not there.
    seen = stop.number
    assert [k.bound for k in looks[:seen]] == [k.bound for k in patient[:seen]]
    made = decide(plan, looks, decision_id="d", at="t", remainder=100)
    assert (made.outcome, made.ending, made.proven) == (
        "inconclusive", "stopped for lack of promise", False,
    )  # fmt: skip
    assert "repeated" in made.interval_method


def test_fewer_can_be_better():
    fewer = {**RATE, "direction": "down"}
    looks = looks_of(plan_of(metrics=[fewer]), [wave(1, two(300, 150))])
    assert looks[0].verdict == "crossed-up"
    assert looks[0].difference < 0


def test_a_fixed_plan_has_one_look_at_the_end():
    plan = plan_of(family="fixed")
    waves = [wave(k, two(200, 260)) for k in (1, 2, 3, 4)]
    with pytest.raises(StateError, match="one look"):
        looks_of(plan, waves[:1])
    (look,) = [analyse(plan, past=[], waves=waves, now=NOW, look_id="l", data_digest="d")]
    assert look.bound == pytest.approx(1.959964, abs=1e-5)
    assert look.verdict == "crossed-up"


THREE = [*ARMS, {"name": "other"}]


def test_holm_gives_the_second_arm_what_the_first_leaves():
    """Two arms, each just short of alpha / 2: alone neither is proven, with a third proof both."""
    plan = plan_of(arms=THREE, waves=1, test=15_000)
    strong = wave(1, {"control": (5000, 500), "new": (5000, 700), "other": (5000, 565)})
    (look,) = looks_of(plan, [strong])
    found = {c.arm: c for c in look.comparisons}
    # other: z = 2.11, p = .035, above .025 and below .05.
    assert 0.025 < found["other"].p_sequential < 0.05
    assert found["other"].verdict == "crossed-up"
    weak = wave(1, {"control": (5000, 500), "new": (5000, 520), "other": (5000, 565)})
    (look,) = looks_of(plan, [weak])
    assert look.comparison("did", "other").verdict == "ended"
    assert look.comparison("did", "other").p_adjusted > 0.05


def test_an_arm_that_is_worse_is_out_and_the_rest_goes_on_without_it():
    plan = plan_of(arms=THREE, test=24_000)
    waves = [
        wave(k, {"control": (2000, 200), "new": (2000, 90), "other": (2000, 205)}) for k in (1, 2)
    ]
    first, second = looks_of(plan, waves)
    assert (first.dropped, first.verdict) == (("new",), "continue")
    assert (second.dropped, second.arm) == (("new",), "other")
    assert second.comparison("did", "new").verdict == "after-stop"


def test_secondary_metrics_wait_for_the_primary():
    import dataclasses

    secondary = {**RATE, "name": "more", "role": "secondary"}
    plan = plan_of(metrics=[RATE, secondary], waves=1, test=4000)

    def with_more(counts, more):
        from testkit.model.look import Cell

        made = wave(1, counts)
        cells = {arm: Cell.of_counts(outcomes=s, units=n) for arm, (n, s) in more.items()}
        return dataclasses.replace(made, cells={"more": cells})

    (shut,) = looks_of(plan, [with_more(two(200, 205), two(200, 320))])
    assert shut.comparison("more", "new").verdict == "continue"
    assert shut.comparison("more", "new").note
    (open_,) = looks_of(plan, [with_more(two(200, 320), two(200, 320))])
    assert open_.comparison("more", "new").verdict == "crossed-up"
    made = decide(plan, [open_], decision_id="d", at="t", remainder=0)
    assert made.proven_metrics == ("more",)


def test_unlike_match_rates_block_and_alike_ones_do_not():
    plan = plan_of()
    ripe = [wave(1, two(200, 200))]
    alike = Quality(matched={"control": (900, 1000), "new": (905, 1000)})
    unlike = Quality(matched={"control": (900, 1000), "new": (700, 1000)})
    assert looks_of(plan, ripe, quality=alike)[0].findings == ()
    (finding,) = looks_of(plan, ripe, quality=unlike)[0].findings
    assert (finding.code, finding.severity) == ("DQ006", "error")


def test_what_to_count_on_is_smaller_than_what_was_seen_and_smaller_after_dull_tests():
    plan = plan_of(waves=1, test=4000)
    (look,) = looks_of(plan, [wave(1, two(200, 270))])
    one = look.comparison("did", "new")
    few = expect(plan, one, None)
    assert 0 < few.difference < one.difference
    dull = experience(
        [
            (
                PastTest(
                    name=f"t{k}",
                    arms=(
                        PastArm(name="a", units=5000, outcomes=500),
                        PastArm(name="b", units=5000, outcomes=500 + k),
                    ),
                    metric="did",
                ),
                "last.csv",
            )
            for k in range(-4, 5)
        ]
    )
    many = expect(plan, one, dull)
    assert 0 <= many.difference < few.difference
    assert "9 past tests of did (last.csv)" in many.basis


def test_deeds_per_thousand_spent_follow_from_the_cost_of_a_message():
    arms = [ARMS[0], {"name": "new", "cents_per_unit": 50}]
    plan = plan_of(arms=arms, waves=1, test=4000)
    (look,) = looks_of(plan, [wave(1, two(200, 290))])
    made = decide(plan, [look], decision_id="d", at="t", remainder=1000)
    # 1,000 of currency are 2,000 messages of 50 cents.
    assert made.per_thousand["value"] == pytest.approx(2000 * made.difference)
    assert made.per_thousand["low"] == pytest.approx(2000 * made.low)


def test_looks_of_every_engine_survive_storage():
    for plan in (plan_of(), plan_of(family="open-ended"), plan_of(family="exact")):
        (look,) = looks_of(plan, [wave(1, two(60, 90))])
        assert Look.from_dict(look.as_dict()) == look


def test_notebooks_show_looks_and_decisions_as_escaped_tables():
    plan = plan_of(waves=1, test=4000)
    (look,) = looks_of(plan, [wave(1, two(200, 290))])
    assert "<td>did</td>" in look._repr_html_()
    made = decide(plan, [look], decision_id="d", at="t", remainder=0, despite="")
    assert made._repr_html_().startswith("<table><caption>ship")
    from testkit.model.html import table_html

    assert "<script>" not in table_html("<script>", ["<b>"], [["<i>"]])


def test_an_arm_that_is_out_is_missed_by_nobody():
    """Nobody is sent it any more: its silence is no mismatch, and blocks nothing."""
    plan = plan_of(arms=THREE, test=24_000)
    units = {"control": 2000, "new": 2000, "other": 2000}

    def rows(number, new, returned):
        made = wave(
            number, {"control": (2000, 200), "new": (2000, new), "other": (2000, 205)},
            returned=returned,
        )  # fmt: skip
        made.rows.update(returned)
        return made

    first, second = looks_of(plan, [rows(1, 90, dict(units)), rows(2, 0, {**units, "new": 0})])
    assert first.dropped == ("new",)
    assert second.findings == ()
    assert second.srm_p > 0.5


def test_data_after_a_stop_have_a_sequential_p_and_leave_the_verdict():
    plan = plan_of()
    first, second, third = looks_of(plan, [wave(k, two(200, 330)) for k in (1, 2, 3)])
    assert (first.verdict, second.verdict) == ("crossed-up", "after-stop")
    assert third.p_sequential is not None
    assert third.p_sequential <= first.p_sequential
    assert third.stagewise is None
