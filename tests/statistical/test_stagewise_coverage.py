"""Stage-wise intervals from counts of real arms: they cover, and the estimate is median unbiased.

``test_groupsequential_rates`` shows it for normal statistics and ``test_exact_rates`` for the exact
engine. Here both arms are binomial, the engine is the one that the plan chooses, and what is
covered is what a report prints: the difference of the rates for z, the odds ratio for counts.
Tolerances are four Monte-Carlo standard errors.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from testkit.stats.boundaries import spending_bounds
from testkit.stats.counts import TwoByTwo
from testkit.stats.engine_choice import choose_engine
from testkit.stats.exact import TailPlan, exact_boundaries, first_crossing
from testkit.stats.exact_inference import stagewise_inference
from testkit.stats.hypergeometric import Margins
from testkit.stats.inference import stagewise
from testkit.stats.simulate import Schedule, draw_counts, z_statistics
from testkit.stats.spending import obrien_fleming_spending
from testkit.stats.stagewise_rates import stagewise_difference

LOOKS = 4
FRACTIONS = [0.25, 0.5, 0.75, 1.0]
TAIL = TailPlan(alpha=0.025, spending=obrien_fleming_spending)


def drawn(*, n_control, n_treatment, rates, paths, seed):
    schedule = Schedule.equal(looks=LOOKS, n_control=n_control, n_treatment=n_treatment)
    engine = choose_engine(
        n_control=schedule.control, n_arm=schedule.treatment, pessimistic_rate=rates[0]
    ).engine
    counts = draw_counts(
        schedule=schedule,
        control=rates[0],
        treatment=rates[1],
        paths=paths,
        rng=np.random.default_rng(seed),
    )
    return engine, counts


def by_z(counts, true):
    """Whether each path's interval covers the difference, and whether its estimate is above it."""
    bounds = spending_bounds(information=FRACTIONS, alpha=0.05)
    z = z_statistics(counts)
    out = np.abs(z) >= bounds.upper
    out[:, -1] = True
    for path, look in enumerate(out.argmax(axis=1)):
        found = stagewise(
            information=FRACTIONS,
            upper=bounds.upper,
            lower=bounds.lower,
            z=float(z[path, look]),
            look=int(look) + 1,
        )
        # With the pooled variance at every difference the plan at 75/25 below covers 93.5 %.
        table = TwoByTwo(
            successes_control=int(counts.control[path, look]),
            n_control=counts.n_control[look],
            successes_arm=int(counts.treatment[path, look]),
            n_arm=counts.n_treatment[look],
        )
        shown = stagewise_difference([table], found=found, information=FRACTIONS[look])
        assert (shown.low > 0) == (found.low > 0)
        assert (shown.high < 0) == (found.high < 0)
        yield shown.low <= true <= shown.high, shown.estimate > true


def by_counts(counts, true):
    """The same for the odds ratio of the exact engine."""
    n_control, n_arm = (
        np.diff(np.array(n), prepend=0).tolist()
        for n in (counts.schedule.control, counts.schedule.treatment)
    )
    totals = np.diff(counts.control + counts.treatment, axis=1, prepend=0).tolist()
    for added, arm in zip(totals, counts.treatment.tolist(), strict=True):
        waves = [
            Margins(n_control=c, n_arm=a, successes=s)
            for c, a, s in zip(n_control, n_arm, added, strict=True)
        ]
        plan = exact_boundaries(waves, fractions=FRACTIONS, upper=TAIL, lower=TAIL)
        crossing = first_crossing(plan.critical, arm)
        found = stagewise_inference(plan, successes_arm=arm[: crossing[0] if crossing else LOOKS])
        yield found.interval.covers(true), found.odds_ratio is None or found.odds_ratio > true


def check(*, n_control, n_treatment, rates, engine, paths, seed):
    chosen, counts = drawn(
        n_control=n_control, n_treatment=n_treatment, rates=rates, paths=paths, seed=seed
    )
    assert chosen == engine
    if engine == "z":
        results = list(by_z(counts, rates[1] - rates[0]))
    else:
        results = list(by_counts(counts, rates[1] / (1 - rates[1]) * (1 - rates[0]) / rates[0]))
    covered, above = np.mean(results, axis=0)
    noise = 4 * math.sqrt(0.95 * 0.05 / paths)
    assert covered >= 0.95 - noise
    if engine == "z":
        assert covered <= 0.95 + noise  # counts are lumpy: the exact interval may cover more
    assert abs(above - 0.5) <= 4 * 0.5 / math.sqrt(paths)


PLANS = {
    "z-null": {"n_control": 6000, "n_treatment": 6000, "rates": (0.1, 0.1), "engine": "z"},
    "z-effect": {"n_control": 6000, "n_treatment": 6000, "rates": (0.1, 0.115), "engine": "z"},
    "z-75/25": {"n_control": 9000, "n_treatment": 3000, "rates": (0.1, 0.118), "engine": "z"},
    "exact-null": {
        "n_control": 20_000, "n_treatment": 20_000, "rates": (0.003, 0.003), "engine": "exact",
    },
    "exact-90/10": {
        "n_control": 36_000, "n_treatment": 4_000, "rates": (0.004, 0.008), "engine": "exact",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ["z-effect", "exact-90/10"])
def test_the_interval_of_the_chosen_engine_covers_and_its_estimate_is_median_unbiased(name) -> None:
    check(**PLANS[name], paths=250, seed=31)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", PLANS)
def test_it_does_so_closely(name) -> None:
    check(**PLANS[name], paths=4_000, seed=32)
