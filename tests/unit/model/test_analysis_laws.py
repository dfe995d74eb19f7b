"""What a look says, from counts alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.errors import StateError
from testkit.model.analysis import analyse
from testkit.model.decision import decide
from testkit.model.definition import Definition
from testkit.model.look import WaveCounts
from testkit.model.plan import Plan
from testkit.model.resolve import resolve

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def plan_of(*, waves=4, shares=(0.5, 0.5), test=16_000, inconclusive="control") -> Plan:
    raw = {
        "experiment": "x",
        "list": {"size": max(20_000, test), "test": test},
        "arms": [
            {"name": "control", "control": True, "share": shares[0]},
            {"name": "new", "share": shares[1]},
        ],
        "metrics": [
            {"name": "did", "tier": "organising", "base_rate": 0.1, "mde": 0.02, "window_hours": 24}
        ],
        "design": {"waves": waves},
        "if_inconclusive": inconclusive,
    }
    return resolve(Definition.model_validate(raw), salt="s")


def wave(number, control, new, *, age_hours=48.0, returned=None):
    return WaveCounts(
        wave=number,
        sent_at=NOW - timedelta(hours=age_hours),
        units={"control": control[0], "new": new[0]},
        outcomes={"control": control[1], "new": new[1]},
        returned=returned,
        rows={"control": control[0], "new": new[0]},
    )


def looks_of(plan, waves):
    past = []
    for k in range(1, len(waves) + 1):
        past.append(
            analyse(plan, past=past, waves=waves[:k], now=NOW, look_id=f"l{k}", data_digest=str(k))
        )
    return past


def test_alpha_is_spent_by_information_and_ends_at_alpha():
    plan = plan_of()
    looks = looks_of(plan, [wave(k, (2000, 200), (2000, 205)) for k in range(1, 5)])
    assert [round(look.fraction, 6) for look in looks] == [0.25, 0.5, 0.75, 1.0]
    # Lan-DeMets O'Brien-Fleming type, four equal looks, one-sided .025 (published constants in
    # Jennison & Turnbull 2000 and the gsDesign manual): 4.3326 2.9631 2.3590 2.0141.
    assert [look.bound for look in looks] == pytest.approx(
        [4.3326, 2.9631, 2.3590, 2.0141], abs=6e-5
    )
    assert looks[-1].spent == pytest.approx(0.05, abs=1e-7)
    assert [look.verdict for look in looks] == ["continue", "continue", "continue", "ended"]


def test_the_interval_leaves_out_zero_exactly_when_the_bound_is_crossed():
    plan = plan_of()
    for extra in range(0, 120, 7):
        look = looks_of(plan, [wave(1, (2000, 200), (2000, 200 + extra))])[0]
        assert (look.low > 0) == (look.z >= look.bound)


def test_a_wave_that_is_too_young_changes_nothing():
    plan = plan_of()
    ripe = [wave(1, (2000, 200), (2000, 210))]
    young = wave(2, (2000, 0), (2000, 900), age_hours=23.9)
    one = analyse(plan, past=[], waves=ripe, now=NOW, look_id="l", data_digest="d")
    two = analyse(plan, past=[], waves=[*ripe, young], now=NOW, look_id="l", data_digest="d")
    assert (two.difference, two.waves, two.immature) == (one.difference, (1,), (2,))


def test_without_a_ripe_wave_there_is_nothing_to_read():
    young = wave(1, (2000, 200), (2000, 210), age_hours=1)
    with pytest.raises(StateError, match="can be read"):
        analyse(plan_of(), past=[], waves=[young], now=NOW, look_id="l", data_digest="d")


def test_new_outcomes_of_the_same_people_spend_nothing_and_decide_nothing():
    plan = plan_of()
    first = looks_of(plan, [wave(1, (2000, 200), (2000, 210))])
    again = analyse(
        plan, past=first, waves=[wave(1, (2000, 200), (2000, 390))], now=NOW, look_id="l2",
        data_digest="2",
    )  # fmt: skip
    assert (again.verdict, again.spent) == ("no-new-information", first[0].spent)


def test_a_test_that_ran_over_its_plan_spends_no_more_than_alpha():
    plan = plan_of()
    waves = [wave(k, (2600, 260), (2600, 270)) for k in range(1, 5)]
    looks = looks_of(plan, waves)
    assert looks[-1].fraction > 1.2
    assert looks[-1].spent <= 0.05 + 1e-9
    assert looks[-1].verdict == "ended"


def test_a_short_last_wave_spends_what_is_left_because_the_plan_says_it_is_last():
    plan = plan_of()
    waves = [wave(k, (1500, 150), (1500, 155)) for k in range(1, 5)]
    last = looks_of(plan, waves)[-1]
    assert last.fraction == pytest.approx(0.75)
    assert (last.final, last.verdict) == (True, "ended")
    assert last.spent == pytest.approx(0.05, abs=1e-7)


def test_a_look_declared_final_beforehand_spends_all():
    plan = plan_of()
    look = analyse(
        plan, past=[], waves=[wave(1, (2000, 200), (2000, 210))], now=NOW, look_id="l",
        data_digest="d", final=True,
    )  # fmt: skip
    assert look.bound == pytest.approx(1.959964, abs=1e-5)
    assert look.verdict == "ended"


def test_rare_outcomes_are_read_by_counts_and_not_by_z():
    plan = plan_of()
    look = looks_of(plan, [wave(1, (2000, 5), (2000, 40))])[0]
    assert look.engine == "exact"
    one = look.comparison("did", "new")
    # Given 45 outcomes of equal arms the arm's count is hypergeometric; alpha at a quarter of the
    # information is 2 * (1 - Phi(2.2414 / 0.5)) / 2 = 7.4e-6 a side, and P(X >= 40) is 4e-8.
    assert one.critical is not None
    assert 30 < one.critical[1] <= 40
    assert look.verdict == "crossed-up"
    assert look.findings == ()


def test_amounts_of_a_few_givers_stop_nothing():
    plan = plan_of()
    look = looks_of(plan, [wave(1, (2000, 0), (2000, 1))])[0]
    assert (look.engine, look.verdict) == ("exact", "continue")


def test_a_test_that_turns_out_rare_goes_to_counts_and_stays_there():
    """A z look enters the exact recursion with its bound; the count that it stood for is kept."""
    plan = plan_of(test=60_000)
    looks = looks_of(plan, [wave(1, (2000, 60), (2000, 70)), wave(2, (14000, 0), (14000, 0)),
                            wave(3, (2000, 200), (2000, 210))])  # fmt: skip
    assert [look.engine for look in looks] == ["z", "exact", "exact"]
    assert looks[-1].spent <= 0.05 + 1e-9


def test_nobody_did_it_is_no_number_but_a_finding():
    look = looks_of(plan_of(), [wave(1, (2000, 0), (2000, 0))])[0]
    assert (look.z, look.lift, look.bound, look.verdict) == (None, None, None, "too-few")


def test_a_changed_split_is_compared_within_waves():
    """Simpson's paradox: within both waves the arms are equal, pooled they are not."""
    plan = plan_of(shares=(0.5, 0.5))
    waves = [wave(1, (3000, 600), (1000, 200)), wave(2, (1000, 50), (3000, 150))]
    look = analyse(plan, past=[], waves=waves, now=NOW, look_id="l", data_digest="d")
    assert look.difference == pytest.approx(0.0, abs=1e-12)
    assert abs(look.z) < 1e-9
    pooled = 350 / 4000 - 650 / 4000
    assert pooled < -0.07


def test_a_lopsided_return_is_an_error():
    plan = plan_of()
    lost = wave(1, (2000, 200), (2000, 200), returned={"control": 2000, "new": 1600})
    look = analyse(plan, past=[], waves=[lost], now=NOW, look_id="l", data_digest="d")
    # 2,000 against 1,600 of an even split: chi-square 400^2 / 3600 = 44.4, p = 3e-11 for one look;
    # a test that may be read at every look pays for that, and is still far beyond .001.
    assert look.srm_p < 1e-6
    assert look.blocked


counts = st.tuples(st.integers(500, 3000), st.floats(0.02, 0.6))


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_a_look_survives_storage_and_never_overspends(cells):
    plan = plan_of()
    waves = [
        wave(k, (n, round(n * p)), (m, round(m * q)))
        for k, ((n, p), (m, q)) in enumerate(cells, start=1)
    ]
    looks = looks_of(plan, waves)
    for look in looks:
        assert type(look).from_dict(look.as_dict()) == look
        assert look.spent <= 0.05 + 1e-9
    # A look that a finding blocked ends nothing: the one after it may.
    stops = [look for look in looks if look.stopped and not look.blocked]
    assert len(stops) <= 1
    if stops:
        made = decide(plan, looks, decision_id="d", at="t", remainder=4000)
        assert made.look_id == stops[0].id
        assert sum(made.chosen.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("rule", "chosen"),
    [("control", {"control": 1.0}), ("best_estimate", {"new": 1.0}),
     ("split", {"control": 0.5, "new": 0.5})],
)  # fmt: skip
def test_the_rest_gets_what_the_plan_said_when_nothing_was_proven(rule, chosen):
    plan = plan_of(inconclusive=rule)
    looks = looks_of(plan, [wave(k, (2000, 200), (2000, 206)) for k in range(1, 5)])
    made = decide(plan, looks, decision_id="d", at="t", remainder=4000)
    assert (made.outcome, made.chosen, made.proven) == ("inconclusive", chosen, False)


def test_a_plan_survives_storage_with_its_digest():
    plan = plan_of()
    again = Plan.from_dict(plan.as_dict())
    assert again == plan
    assert again.digest() == plan.digest()


def test_the_planned_size_reaches_its_power_by_simulation():
    """20,000 simulated tests of the planned size: power within four Monte-Carlo errors."""
    import numpy as np

    plan = plan_of(test=20_000)
    size = plan.needed
    draw = np.random.default_rng(7)
    paths, arm = 20_000, size // 2 // plan.waves
    control = draw.binomial(arm, 0.10, (paths, plan.waves)).cumsum(axis=1)
    new = draw.binomial(arm, 0.12, (paths, plan.waves)).cumsum(axis=1)
    n = arm * np.arange(1, plan.waves + 1)
    pooled = (control + new) / (2 * n)
    z = (new - control) / n / np.sqrt(pooled * (1 - pooled) * 2 / n)
    power = (z >= np.array(plan.planned_upper)).any(axis=1).mean()
    error = np.sqrt(0.8 * 0.2 / paths)
    assert abs(power - 0.8) < 4 * error + 0.005  # half a point: rounding to whole units per wave
