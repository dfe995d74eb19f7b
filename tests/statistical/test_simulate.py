"""Simulated operating characteristics against quadrature and enumeration.

Tolerances are Monte-Carlo errors of the simulation itself, four of them: one test in 16,000 would
fail by chance, and the seeds are fixed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from testkit.stats.boundaries import crossing_probabilities, spending_bounds
from testkit.stats.exact import TailPlan, exact_boundaries, exit_probabilities
from testkit.stats.futility import futility_design
from testkit.stats.hypergeometric import Margins
from testkit.stats.meta import pool
from testkit.stats.shrink import fit_prior, next_effect
from testkit.stats.simulate import (
    Counts,
    Crossings,
    Schedule,
    operating_characteristics,
    z_rule,
)
from testkit.stats.spending import obrien_fleming_spending
from testkit.stats.surrogate import check_surrogate

if TYPE_CHECKING:
    from testkit.stats.walk import CriticalCounts

LOOKS = 10
BOUNDS = spending_bounds(information=range(1, LOOKS + 1), alpha=0.05)
RULE = z_rule(upper=BOUNDS.upper, lower=BOUNDS.lower)


def schedule(n: int, m: int | None = None) -> Schedule:
    return Schedule.equal(looks=LOOKS, n_control=LOOKS * n, n_treatment=LOOKS * (m or n))


@pytest.mark.parametrize(("control", "n"), [(0.2, 2559), (0.01, 4270)])
@pytest.mark.parametrize("lift", [0.0, 0.05])
def test_simulation_agrees_with_quadrature_look_by_look(
    control: float, n: int, lift: float
) -> None:
    treatment = control * (1 + lift)
    found = operating_characteristics(
        schedule=schedule(n),
        control=control,
        treatment=treatment,
        rule=RULE,
        rng=np.random.default_rng(81),
    )
    middle = (control + treatment) / 2
    drift = (treatment - control) / math.sqrt(2 * middle * (1 - middle) / n)
    expected = crossing_probabilities(
        information=range(1, LOOKS + 1), upper=BOUNDS.upper, lower=BOUNDS.lower, drift=drift
    )
    for got, want in (*zip(found.upper_at, expected.upper, strict=True),
                      *zip(found.lower_at, expected.lower, strict=True)):  # fmt: skip
        # .0015 is what the normal approximation itself may miss at 40 conversions a look
        assert abs(got.value - want) < 4 * math.sqrt(want / found.paths) + 0.0015
    assert math.fsum(at.value for at in found.stopped_at) == pytest.approx(1)


def test_non_binding_futility_frees_the_list_and_costs_no_error() -> None:
    information = [0.2, 0.4, 0.6, 0.8, 1.0]
    design = futility_design(information=information, alpha=0.025, beta=0.2, binding=False)
    plan = Schedule.equal(looks=5, n_control=20_000, n_treatment=20_000)
    none = [-math.inf] * 5
    common = {"schedule": plan, "control": 0.1, "treatment": 0.1}
    stops = operating_characteristics(
        **common,
        rule=z_rule(upper=design.upper, lower=none, futility=design.lower),
        rng=np.random.default_rng(82),
    )
    ignored = operating_characteristics(
        **common, rule=z_rule(upper=design.upper, lower=none), rng=np.random.default_rng(82)
    )
    assert abs(ignored.upper.value - 0.025) < 4 * ignored.upper.se
    assert stops.upper.value <= ignored.upper.value
    # 0.52 of the longest path in the design's table (0.57 n_fixed over 1.099)
    assert abs(stops.expected_share.value - 0.57 / 1.099) < 0.02
    assert stops.futile.value + stops.upper.value > 0.97


def test_cohorts_that_have_not_matured_reject_without_an_effect() -> None:
    slow, fast = [1 - 0.65**k for k in range(1, 11)], [1 - 0.45**k for k in range(1, 11)]
    common = {"schedule": schedule(4000), "control": 0.02, "treatment": 0.02, "rule": RULE}
    matured = operating_characteristics(**common, rng=np.random.default_rng(83))
    early = operating_characteristics(
        **common, seen_control=slow, seen_treatment=fast, rng=np.random.default_rng(83)
    )
    assert abs(matured.reject.value - 0.05) < 4 * matured.reject.se
    assert early.reject.value > 0.3


def test_stopping_early_makes_winners_look_better_than_they_are() -> None:
    found = operating_characteristics(
        schedule=schedule(4270),
        control=0.01,
        treatment=0.012,
        rule=RULE,
        rng=np.random.default_rng(84),
    )
    assert found.bias_if_better is not None
    assert found.bias_if_early is not None
    assert found.bias.value > 4 * found.bias.se
    assert found.bias_if_better.value > found.bias.value
    assert found.bias_if_early.value > 0.6 * found.effect


def test_any_rule_serves_and_the_exact_one_keeps_its_tails() -> None:
    # equal arms, so that critical counts depend on the totals alone: solve each distinct history
    plan = TailPlan(alpha=0.025, spending=obrien_fleming_spending)
    short = Schedule(control=(9000, 18_000), treatment=(1000, 2000))
    solved: dict[tuple[int, int], tuple[tuple[CriticalCounts, ...], float]] = {}

    def history(first: int, second: int) -> tuple[tuple[CriticalCounts, ...], float]:
        if (first, second) not in solved:
            bounds = exact_boundaries(
                [Margins(n_control=9000, n_arm=1000, successes=t) for t in (first, second)],
                fractions=[0.5, 1.0],
                upper=plan,
                lower=plan,
            )
            solved[first, second] = bounds.critical, exit_probabilities(bounds).crosses_upper
        return solved[first, second]

    enumerated = []

    def rule(counts: Counts) -> Crossings:
        totals = np.diff(counts.control + counts.treatment, axis=1, prepend=0)
        found = [history(int(a), int(b)) for a, b in totals]
        enumerated.extend(chance for _, chance in found)
        sides = [
            [
                rule.side(count, before=before)
                for rule, count, before in zip(critical, path, [0, *path], strict=False)
            ]
            for (critical, _), path in zip(found, counts.treatment.tolist(), strict=True)
        ]
        return Crossings(upper=np.array(sides) == "upper", lower=np.array(sides) == "lower")

    found = operating_characteristics(
        schedule=short,
        control=0.002,
        treatment=0.002,
        rule=rule,
        paths=4000,
        rng=np.random.default_rng(85),
    )
    assert max(enumerated) <= 0.025
    assert abs(found.upper.value - np.mean(enumerated)) < 4 * found.upper.se
    assert found.lower.value <= 0.025 + 4 * found.lower.se


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.5, 1.0])
@pytest.mark.parametrize("tests", [5, 12, 20])
def test_the_next_effect_lies_in_its_interval(tests: int, spread: float) -> None:
    rng = np.random.default_rng(86)
    covered, taken_as_known = [], []
    for _ in range(500):
        se = rng.uniform(0.5, 1.5, tests)
        true = rng.normal(0.3, spread, tests + 1)
        y = true[:-1] + se * rng.standard_normal(tests)
        low, high = next_effect(fit_prior(y, se))
        covered.append(low <= true[-1] <= high)
        plain = pool(y, se).prediction
        assert plain is not None
        taken_as_known.append(plain[0] <= true[-1] <= plain[1])
    assert np.mean(covered) > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 500)
    # the classic interval takes the estimated tau as known, and this is what that costs
    assert np.mean(taken_as_known) < np.mean(covered)


@pytest.mark.slow
def test_profile_intervals_of_the_surrogate_slope_cover() -> None:
    rng = np.random.default_rng(87)
    covered = []
    for _ in range(60):
        true = rng.multivariate_normal([0.0, 0.0], [[1.0, 0.6], [0.6, 1.0]], 30)
        sx, sy = rng.uniform(0.3, 0.8, 30), rng.uniform(0.3, 0.8, 30)
        e = rng.standard_normal((30, 2))
        e[:, 1] = 0.5 * e[:, 0] + math.sqrt(0.75) * e[:, 1]
        found = check_surrogate(
            milestone=true[:, 0] + sx * e[:, 0],
            outcome=true[:, 1] + sy * e[:, 1],
            se_milestone=sx,
            se_outcome=sy,
            covariance=0.5 * sx * sy,
        )
        low = -math.inf if found.slope_low is None else found.slope_low
        high = math.inf if found.slope_high is None else found.slope_high
        covered.append(low <= 0.6 <= high)
    assert abs(np.mean(covered) - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 60)
