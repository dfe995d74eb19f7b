"""The exact engine: boundaries, intervals, error and power of a plan with 500 conversions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.figure import Figure, median_ms
from testkit.stats.counts import TwoByTwo
from testkit.stats.exact import TailPlan, exact_boundaries
from testkit.stats.exact_inference import stagewise_inference
from testkit.stats.exact_power import exact_characteristics
from testkit.stats.exact_repeated import repeated_inference
from testkit.stats.exact_table import fisher_exact
from testkit.stats.hypergeometric import Margins
from testkit.stats.spending import obrien_fleming_spending

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE = TailPlan(alpha=0.025, spending=obrien_fleming_spending)
LOOKS = 12
FRACTIONS = [(k + 1) / LOOKS for k in range(LOOKS)]
# 504 conversions in twelve waves of 4,000 per arm, and a path that crosses at the last look.
WAVES = [Margins(n_control=4000, n_arm=4000, successes=42)] * LOOKS
PATH = [22, 44, 66, 88, 112, 136, 160, 183, 206, 230, 254, 279]
TABLE = TwoByTwo(successes_control=225, n_control=48_000, successes_arm=279, n_arm=48_000)


def run(*, small: bool) -> Iterator[Figure]:
    repeats = 3 if small else 21
    plan = exact_boundaries(WAVES, fractions=FRACTIONS, upper=SIDE, lower=SIDE)
    yield Figure(
        figure="exact_12_looks_ms",
        value=median_ms(
            lambda: exact_boundaries(WAVES, fractions=FRACTIONS, upper=SIDE, lower=SIDE),
            repeats=repeats,
        ),
        unit="ms",
        target="<= 5",
        note="12 looks, 504 conversions, two sides",
    )
    yield Figure(
        figure="exact_interval_ms",
        value=median_ms(lambda: stagewise_inference(plan, successes_arm=PATH), repeats=repeats),
        unit="ms",
        target="<= 200",
        note="stage-wise p-value, interval and median-unbiased estimate after 12 looks",
    )
    yield Figure(
        figure="exact_repeated_interval_ms",
        value=median_ms(lambda: repeated_inference(plan, successes_arm=PATH), repeats=repeats),
        unit="ms",
        target="<= 200",
        note="repeated interval and sequential p-values at look 12",
    )
    yield from _peer(repeats)
    yield from _characteristics(draws=10 if small else 400)


def _peer(repeats: int) -> Iterator[Figure]:
    import scipy
    from scipy.stats.contingency import odds_ratio

    cells = [
        [TABLE.successes_arm, TABLE.n_arm - TABLE.successes_arm],
        [TABLE.successes_control, TABLE.n_control - TABLE.successes_control],
    ]
    theirs = median_ms(
        lambda: odds_ratio(cells, kind="conditional").confidence_interval(0.95), repeats=repeats
    )
    ours = median_ms(lambda: fisher_exact([TABLE]), repeats=repeats)
    yield Figure(
        figure="fisher_interval_time_to_scipy",
        value=ours / theirs,
        unit="ratio",
        note=f"one table, 504 conversions; ours {ours:.2f} ms; scipy {scipy.__version__}",
    )
    yield Figure(
        figure="fisher_interval_largest_difference_to_scipy",
        value=_largest_difference(cells),
        unit="ratio",
        target="<= 1e-9",
        note=f"relative, both limits; scipy {scipy.__version__}",
    )


def _largest_difference(cells: list[list[int]]) -> float:
    from scipy.stats.contingency import odds_ratio

    theirs = odds_ratio(cells, kind="conditional").confidence_interval(0.95)
    ours = fisher_exact([TABLE]).interval
    pairs = ((ours.low or 0.0, theirs.low), (ours.high or np.inf, theirs.high))
    return max(abs(own / float(peer) - 1.0) for own, peer in pairs)


def _characteristics(*, draws: int) -> Iterator[Figure]:
    # 78,389 per arm: 80 % power of the fixed-horizon z test for 0.1 % against 0.15 %.
    looks = 10
    fractions = [(k + 1) / looks for k in range(looks)]
    sizes = [78_389 // looks] * looks
    power = exact_characteristics(
        n_control=sizes,
        n_arm=sizes,
        rate_control=0.001,
        rate_arm=0.0015,
        fractions=fractions,
        upper=SIDE,
        lower=SIDE,
        draws=draws,
        rng=np.random.default_rng(20260101),
    )
    yield Figure(
        figure="power_kept_exact_10_looks",
        value=power.crosses_upper.value / 0.8,
        unit="ratio",
        target=">= 0.965",
        note=(
            f"0.1 % against 0.15 %, 78,380 per arm, to the z formula's 80 %; Monte-Carlo error "
            f"{power.crosses_upper.standard_error / 0.8:.4f}; mean share of n "
            f"{power.expected_share.value:.3f}"
        ),
    )
    worst = 0.0
    for share in (0.5, 0.25, 0.1):
        for rate in (0.001, 0.01, 0.2):
            units = 600 / rate / looks
            null = exact_characteristics(
                n_control=[round(units * (1 - share))] * looks,
                n_arm=[round(units * share)] * looks,
                rate_control=rate,
                rate_arm=rate,
                fractions=fractions,
                upper=SIDE,
                lower=SIDE,
                draws=max(2, draws // 10),
                rng=np.random.default_rng(7),
            )
            worst = max(worst, null.largest_upper, null.largest_lower)
    yield Figure(
        figure="type_i_largest_tail",
        value=worst,
        unit="probability",
        target="<= 0.025",
        note="enumerated; 3 splits x 3 rates, 10 looks, each tail, over drawn totals",
    )
