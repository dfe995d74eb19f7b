"""The simulator's own arithmetic, on experiments small enough to follow by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.errors import InputError
from testkit.stats.simulate import (
    Counts,
    Crossings,
    Schedule,
    draw_counts,
    operating_characteristics,
    z_rule,
    z_statistics,
)

PLAN = Schedule.equal(looks=3, n_control=300, n_treatment=600)


def fixed(upper: list[list[int]], lower: list[list[int]], futile: list[list[int]]) -> object:
    """A rule that crosses where it is told to."""
    flags = [np.array(part, dtype=bool) for part in (upper, lower, futile)]
    return lambda _: Crossings(upper=flags[0], lower=flags[1], futile=flags[2])


def run(rule: object, paths: int, **extra: object) -> object:
    return operating_characteristics(
        schedule=PLAN, control=0.1, treatment=0.1, rule=rule, paths=paths,
        rng=np.random.default_rng(71), **extra,
    )  # fmt: skip


def test_a_path_stops_at_its_first_crossing_and_once() -> None:
    found = run(
        fixed(
            upper=[[0, 1, 1], [0, 0, 0], [0, 0, 1], [0, 0, 0]],
            lower=[[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]],
            futile=[[0, 0, 0], [1, 1, 1], [0, 1, 0], [0, 0, 0]],
        ),
        4,
    )
    assert [at.value for at in found.upper_at] == [0, 0.25, 0]
    assert [at.value for at in found.lower_at] == [0.25, 0, 0]
    assert found.futile.value == 0.25
    assert found.reject.value == 0.5
    assert [at.value for at in found.stopped_at] == [0.25, 0.5, 0.25]
    assert found.expected_n.value == pytest.approx((600 + 300 + 600 + 900) / 4)
    assert found.expected_share.value == pytest.approx(found.expected_n.value / 900)


def test_efficacy_counts_before_futility_and_better_before_worse() -> None:
    always = [[1, 1, 1], [1, 1, 1]]
    found = run(fixed(always, always, always), 2)
    assert (found.upper.value, found.lower.value, found.futile.value) == (1, 0, 0)


def test_monte_carlo_error_is_that_of_a_mean() -> None:
    found = run(fixed([[1, 0, 0]] * 3 + [[0, 0, 0]], [[0] * 3] * 4, [[0] * 3] * 4), 4)
    assert found.upper.se == pytest.approx(np.std([1, 1, 1, 0], ddof=1) / 2)


def test_bias_is_that_of_the_given_estimator() -> None:
    found = run(
        fixed([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]], [[0] * 3] * 4, [[0] * 3] * 4),
        4,
        estimator=lambda _, stop: np.where(stop == 0, 0.03, -0.01),
    )
    assert found.effect == 0
    assert found.bias.value == pytest.approx(0.01)
    assert found.bias_if_better is not None
    assert found.bias_if_better.value == pytest.approx(0.01)
    assert found.bias_if_early is not None
    assert found.bias_if_early.value == pytest.approx(0.03)
    assert found.median_bias.value == 0


def test_an_estimate_that_hits_the_truth_is_neither_high_nor_low() -> None:
    nothing = [[0] * 3] * 2
    found = run(fixed(nothing, nothing, nothing), 2, estimator=lambda _, stop: 0.0 * stop)
    assert found.median_bias.value == 0
    assert found.bias.value == 0


def test_a_stop_at_exactly_half_of_the_plan_is_early() -> None:
    found = operating_characteristics(
        schedule=Schedule.equal(looks=2, n_control=200, n_treatment=200),
        control=0.1,
        treatment=0.1,
        rule=fixed([[1, 1], [1, 1], [0, 1]], [[0, 0]] * 3, [[0, 0]] * 3),
        paths=3,
        rng=np.random.default_rng(75),
        estimator=lambda _, stop: np.where(stop == 0, 0.03, -0.01),
    )
    assert found.bias_if_early is not None
    assert found.bias_if_early.value == pytest.approx(0.03)


def test_a_bias_nobody_can_estimate_is_none() -> None:
    nothing = [[0] * 3] * 4
    found = run(fixed([[1, 0, 0], *nothing[1:]], nothing, nothing), 4)
    assert found.bias_if_better is None
    assert found.bias_if_early is None


def test_true_effect_weighs_waves_by_their_people() -> None:
    schedule = Schedule(control=(100, 400), treatment=(100, 400))
    found = operating_characteristics(
        schedule=schedule, control=[0.1, 0.2], treatment=[0.3, 0.2], paths=2,
        rule=z_rule(upper=[9, 9], lower=[-9, -9]), rng=np.random.default_rng(72),
    )  # fmt: skip
    assert found.effect == pytest.approx(0.2 * 0.25)


def test_counts_are_binomial_and_cumulative() -> None:
    counts = draw_counts(
        schedule=PLAN, control=0.2, treatment=[0.1, 0.2, 0.3], paths=20_000,
        rng=np.random.default_rng(73),
    )  # fmt: skip
    assert (np.diff(counts.treatment, axis=1) >= 0).all()
    steps = np.diff(counts.treatment, axis=1, prepend=0).mean(axis=0)
    assert steps == pytest.approx([20, 40, 60], abs=4 * math.sqrt(200 * 0.25 / 20_000))
    assert counts.control[:, -1].var() == pytest.approx(300 * 0.2 * 0.8, rel=0.05)


def test_late_conversions_arrive_late_and_all_of_them() -> None:
    schedule = Schedule(control=(1000, 1001, 1002), treatment=(1000, 1001, 1002))
    counts = draw_counts(
        schedule=schedule, control=[0.5, 0, 0], treatment=[0.5, 0, 0], paths=4000,
        rng=np.random.default_rng(74), seen_control=[0.2, 0.5, 1.0], seen_treatment=[0.0, 0.4],
    )  # fmt: skip
    noise = 4 * math.sqrt(250 / 4000)
    assert counts.control.mean(axis=0) == pytest.approx([100, 250, 500], abs=noise)
    # the last share holds from then on: 60 % never arrive
    assert counts.treatment.mean(axis=0) == pytest.approx([0, 200, 200], abs=noise)


def test_the_same_seed_gives_the_same_digits() -> None:
    rule = z_rule(upper=[2.0] * 3, lower=[-2.0] * 3)
    assert run(rule, 500) == run(rule, 500)


def test_z_has_no_opinion_without_conversions_and_no_doubt_without_spread() -> None:
    plan = Schedule(control=(10,), treatment=(10,))
    counts = Counts(
        schedule=plan, control=np.array([[0], [0], [10]]), treatment=np.array([[0], [10], [0]])
    )
    assert z_statistics(counts)[0, 0] == 0
    assert z_statistics(counts, variance="unpooled")[:, 0].tolist() == [0, math.inf, -math.inf]


def test_variances_differ_as_the_formulas_say() -> None:
    plan = Schedule(control=(900,), treatment=(100,))
    counts = Counts(schedule=plan, control=np.array([[9]]), treatment=np.array([[4]]))
    pooled = 0.013 * 0.987 * (1 / 900 + 1 / 100)
    unpooled = 0.01 * 0.99 / 900 + 0.04 * 0.96 / 100
    assert z_statistics(counts)[0, 0] == pytest.approx(0.03 / math.sqrt(pooled))
    found = z_statistics(counts, variance="unpooled")[0, 0]
    assert found == pytest.approx(0.03 / math.sqrt(unpooled))


def test_futility_stops_at_or_below_its_bound() -> None:
    plan = Schedule(control=(1000,), treatment=(1000,))
    counts = Counts(schedule=plan, control=np.array([[20], [20]]), treatment=np.array([[20], [21]]))
    found = z_rule(upper=[2.0], lower=[-math.inf], futility=[0.0])(counts)
    assert found.futile is not None
    assert found.futile[:, 0].tolist() == [True, False]
    assert not found.lower.any()


def test_equal_schedules_end_at_their_totals() -> None:
    plan = Schedule.equal(looks=7, n_control=1000, n_treatment=333)
    assert plan.control[-1] == 1000
    assert plan.treatment[-1] == 333
    assert plan.looks == 7
    assert plan.total[-1] == 1333


@pytest.mark.parametrize(
    ("field", "control", "treatment"),
    [
        ("control", (), ()),
        ("control[1]", (5, 5), (5, 6)),
        ("treatment[0]", (5, 6), (0, 6)),
        ("treatment[1]", (5, 6), (5, 6.5)),
        ("treatment", (5, 6), (5, 6, 7)),
    ],
)
def test_a_schedule_rises_in_whole_people(
    field: str, control: tuple[int, ...], treatment: tuple[int, ...]
) -> None:
    with pytest.raises(InputError) as caught:
        Schedule(control=control, treatment=treatment)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("control", {"control": 1.2}),
        ("treatment", {"treatment": [0.1, 0.2]}),
        ("treatment", {"treatment": math.nan}),
        ("paths", {"paths": 0}),
        ("paths", {"paths": 10**9}),
        ("seen_control", {"seen_control": [0.5, 0.4]}),
        ("seen_treatment", {"seen_treatment": [0.5, 1.4]}),
    ],
)
def test_bad_input_names_the_field(field: str, change: dict[str, object]) -> None:
    arguments: dict[str, object] = {"control": 0.1, "treatment": 0.1, "paths": 5}
    with pytest.raises(InputError) as caught:
        draw_counts(schedule=PLAN, rng=np.random.default_rng(1), **{**arguments, **change})
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("upper", {"upper": [math.nan] * 3}),
        ("lower", {"lower": [3.0] * 3}),
        ("lower", {"lower": [-2.0] * 2}),
        ("futility", {"futility": [0.0]}),
        ("variance", {"variance": "robust"}),
    ],
)
def test_bad_bounds_name_the_field(field: str, change: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        z_rule(**{"upper": [2.0] * 3, "lower": [-2.0] * 3, **change})
    assert caught.value.field == field


def test_bounds_of_another_number_of_looks_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        run(z_rule(upper=[2.0], lower=[-2.0]), 5)
    assert caught.value.field == "upper"


def test_a_rule_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        run(fixed([[1, 0]] * 5, [[0, 0]] * 5, [[0, 0]] * 5), 5)
    assert caught.value.field == "rule"
