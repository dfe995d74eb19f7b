"""The interval that a report shows after a stop: on the decision's side of 0, and it covers."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from testkit.model.analysis import analyse
from testkit.model.definition import Definition
from testkit.model.look import Look, WaveCounts
from testkit.model.resolve import resolve
from testkit.stats.counts import TwoByTwo
from testkit.stats.effects import miettinen_nurminen, stratified_difference_interval

NOW = datetime(2026, 11, 20, tzinfo=UTC)
RATE = {
    "name": "did", "tier": "organising", "base_rate": 0.1, "mde": 0.018, "window_hours": 24,
}  # fmt: skip
SIZES = (2250, 750)


def plan_of(waves=4):
    raw = {
        "experiment": "x",
        "list": {"size": 20_000, "test": sum(SIZES) * waves},
        "arms": [
            {"name": "control", "control": True, "share": 0.75},
            {"name": "new", "share": 0.25},
        ],
        "metrics": [RATE],
        "design": {"waves": waves},
    }
    plan = resolve(Definition.model_validate(raw), salt="s")
    assert plan.engine == "z"
    return plan


def wave(number, control, new, sizes=SIZES):
    units = dict(zip(("control", "new"), sizes, strict=True))
    return WaveCounts(
        wave=number,
        sent_at=NOW - timedelta(hours=48),
        units=units,
        outcomes={"control": int(control), "new": int(new)},
        rows=units,
    )


def run(plan, counts) -> list[Look]:
    """Looks until the test stops."""
    past: list[Look] = []
    waves = [wave(k, *pair) for k, pair in enumerate(counts, start=1)]
    for k in range(1, len(waves) + 1):
        past.append(
            analyse(plan, past=past, waves=waves[:k], now=NOW, look_id=f"l{k}", data_digest="d")
        )
        if past[-1].stopped:
            break
    return past


def test_with_one_look_it_is_the_score_interval_whatever_the_split() -> None:
    (look,) = run(plan_of(1), [(225, 101)])
    wanted = miettinen_nurminen(
        successes_control=225, n_control=2250, successes_arm=101, n_arm=750,
        critical=1.959963984540054, small_sample=False,
    )  # fmt: skip
    shown = look.stagewise
    assert (look.verdict, look.final) == ("crossed-up", True)
    assert [shown["low"], shown["high"]] == pytest.approx([wanted.low, wanted.high], abs=1e-7)
    assert shown["estimate"] == pytest.approx(look.difference, abs=1e-7)
    # The pooled variance at every difference would end there instead.
    se = math.sqrt(326 / 3000 * 2674 / 3000 * (1 / 2250 + 1 / 750))
    assert abs(shown["high"] - (look.difference + 1.959964 * se)) > 0.001


def test_waves_of_unlike_splits_end_with_the_interval_within_waves() -> None:
    plan = plan_of(2)
    waves = [wave(1, 200, 90), wave(2, 100, 190, sizes=(1000, 1500))]
    look = analyse(plan, past=[], waves=waves, now=NOW, look_id="l", data_digest="d", final=True)
    tables = [
        TwoByTwo(successes_control=200, n_control=2250, successes_arm=90, n_arm=750),
        TwoByTwo(successes_control=100, n_control=1000, successes_arm=190, n_arm=1500),
    ]
    wanted = stratified_difference_interval(tables, critical=1.959963984540054, small_sample=False)
    shown = look.stagewise
    assert [shown["low"], shown["high"]] == pytest.approx([wanted.low, wanted.high], abs=1e-7)


@pytest.mark.parametrize("new", [*range(40, 76, 4), *range(76, 124, 6)])
def test_it_leaves_out_no_difference_exactly_when_a_bound_was_crossed(new: int) -> None:
    last = run(plan_of(2), [(225, new), (225, 150 - new // 2)])[-1]
    shown = last.stagewise
    assert (shown["low"] > 0) is (last.verdict == "crossed-up")
    assert (shown["high"] < 0) is (last.verdict == "crossed-down")
    assert shown["low"] < shown["estimate"] < shown["high"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_it_covers_at_unlike_splits_and_a_large_effect() -> None:
    """75 to 25, 10 % against 11.8 %: with the pooled scale 93.5 % of the intervals covered."""
    plan, paths = plan_of(4), 5000
    draw = np.random.default_rng(20261122)
    control = draw.binomial(SIZES[0], 0.10, (paths, 4))
    new = draw.binomial(SIZES[1], 0.118, (paths, 4))
    covered = above = 0
    for pair in zip(control.tolist(), new.tolist(), strict=True):
        shown = run(plan, list(zip(*pair, strict=True)))[-1].stagewise
        covered += shown["low"] <= 0.018 <= shown["high"]
        above += shown["estimate"] > 0.018
    assert abs(covered / paths - 0.95) <= 3 * math.sqrt(0.95 * 0.05 / paths)
    assert abs(above / paths - 0.5) <= 3 * math.sqrt(0.25 / paths)
