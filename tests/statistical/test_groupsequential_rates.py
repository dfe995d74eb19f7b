"""Error rates, coverage and bias by simulation, each within what Monte-Carlo error allows.

Statistics are simulated in their canonical joint distribution: partial sums of independent normal
increments over the root of the information. A rate p from n paths has standard error
``sqrt(p (1 - p) / n)``; tests allow four of them, which fails by chance less than once in 15,000.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.stats.boundaries import monitoring_bounds, spending_bounds
from testkit.stats.futility import futility_design
from testkit.stats.inference import stagewise
from testkit.stats.sizing import characteristics, expected_information, power_at
from testkit.stats.spending import (
    hwang_shih_decani,
    kim_demets,
    obrien_fleming_spending,
    pocock_spending,
)

PATHS = 40_000
DESIGNS = {
    "ldof-even": ([1, 2, 3, 4, 5], obrien_fleming_spending),
    "pocock-uneven": ([0.2, 1.0, 1.1, 3.0], pocock_spending),
    "hsd-twelve": (list(range(1, 13)), hwang_shih_decani(-4)),
    "kd-crowded-end": ([0.5, 0.9, 0.98, 1.0], kim_demets(2)),
}


def simulate(information, drift: float, *, paths: int, seed: int) -> np.ndarray:
    """z statistics, shape (paths, looks)."""
    info = np.asarray(information, dtype=float)
    steps = np.diff(info, prepend=0.0)
    noise = np.random.default_rng(seed).standard_normal((paths, info.size))
    scores = np.cumsum(noise * np.sqrt(steps) + drift * steps, axis=1)
    return scores / np.sqrt(info)


def stops(z: np.ndarray, upper, lower) -> tuple[np.ndarray, np.ndarray]:
    """Look (0-based) at which each path stops, the last one if it never does; and its z there."""
    out = (z >= np.asarray(upper)) | (z <= np.asarray(lower))
    out[:, -1] = True
    look = out.argmax(axis=1)
    return look, z[np.arange(len(z)), look]


def within(rate: float, expected: float, n: int) -> bool:
    return abs(rate - expected) <= 4.0 * math.sqrt(expected * (1.0 - expected) / n)


@pytest.mark.parametrize("name", DESIGNS)
def test_each_tail_errs_as_often_as_it_may(name: str) -> None:
    information, spending = DESIGNS[name]
    bounds = spending_bounds(information=information, alpha=0.05, spending=spending)
    look, z = stops(simulate(information, 0.0, paths=PATHS, seed=1), bounds.upper, bounds.lower)
    assert within(np.mean(z >= bounds.upper[look]), 0.025, PATHS)
    assert within(np.mean(z <= bounds.lower[look]), 0.025, PATHS)


@pytest.mark.parametrize("name", DESIGNS)
def test_power_and_expected_size_are_as_computed(name: str) -> None:
    information, spending = DESIGNS[name]
    bounds = spending_bounds(information=information, alpha=0.05, spending=spending)
    drift = characteristics(bounds, power=0.8).drift / math.sqrt(information[-1])
    look, z = stops(simulate(information, drift, paths=PATHS, seed=2), bounds.upper, bounds.lower)
    assert within(np.mean(z >= bounds.upper[look]), power_at(bounds, drift=drift), PATHS)
    used = np.asarray(information)[look]
    error = used.std() / math.sqrt(PATHS)
    assert abs(used.mean() - expected_information(bounds, drift=drift)) <= 4.0 * error


def test_overrun_and_a_declared_last_look_keep_the_error() -> None:
    # Plans of 1.0 met at other informations, chosen without looking at z.
    for information, final in (([0.3, 0.8, 1.3], False), ([0.2, 0.7], True)):
        bounds = monitoring_bounds(
            planned_information=1.0, information=information, alpha=0.05, final=final
        )
        z = simulate(information, 0.0, paths=PATHS, seed=3)
        rejected = np.any(np.abs(z) >= bounds.upper, axis=1)
        assert within(rejected.mean(), 0.05, PATHS)


def test_ignoring_non_binding_futility_keeps_alpha_and_obeying_it_keeps_beta() -> None:
    design = futility_design(information=[1, 2, 3, 4], alpha=0.025, beta=0.2)
    null = simulate(design.information, 0.0, paths=PATHS, seed=4)
    assert within(np.mean(np.any(null >= design.upper, axis=1)), 0.025, PATHS)
    effect = simulate(design.information, design.drift, paths=PATHS, seed=5)
    look, z = stops(effect, design.upper, design.lower)
    assert within(np.mean(z < design.upper[look]), 0.2, PATHS)


@pytest.mark.parametrize("drift", [0.0, 1.2])
def test_repeated_intervals_hold_at_all_looks_together(drift: float) -> None:
    information = np.array([1.0, 2.0, 4.0, 5.0])
    bounds = spending_bounds(information=information, alpha=0.1, spending=kim_demets(2))
    z = simulate(information, drift, paths=PATHS, seed=6)
    covered = np.all(np.abs(z - drift * np.sqrt(information)) < bounds.upper, axis=1)
    # The widths do not depend on the drift: coverage is exactly 1 - alpha when nobody stops.
    assert within(covered.mean(), 0.9, PATHS)


def check_stagewise(drift: float, *, futility: bool, paths: int, seed: int) -> None:
    information = [1.0, 2.0, 3.0, 4.0]
    bounds = spending_bounds(information=information, alpha=0.05, spending=hwang_shih_decani(-2))
    lower = np.array([-0.5, 0.3, 0.9, 1.5]) if futility else bounds.lower
    z = simulate(information, drift, paths=paths, seed=seed)
    covered, above = 0, 0
    for look, value in zip(*stops(z, bounds.upper, lower), strict=True):
        found = stagewise(
            information=information,
            upper=bounds.upper,
            lower=lower,
            z=float(value),
            look=int(look) + 1,
        )
        covered += found.low <= drift <= found.high
        above += found.estimate > drift
    assert within(covered / paths, 0.95, paths)
    assert within(above / paths, 0.5, paths)


@pytest.mark.parametrize("futility", [False, True])
def test_stagewise_interval_covers_and_its_estimate_is_median_unbiased(futility: bool) -> None:
    check_stagewise(1.1, futility=futility, paths=300, seed=7)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("futility", [False, True])
@pytest.mark.parametrize("drift", [0.0, 0.7, 1.4])
def test_stagewise_inference_over_many_paths(drift: float, futility: bool) -> None:
    check_stagewise(drift, futility=futility, paths=10_000, seed=8)
