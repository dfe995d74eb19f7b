"""Time to simulate a plan: 20,000 experiments of 10 looks, drawn and decided."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.figure import Figure, median_ms
from testkit.stats.boundaries import crossing_probabilities, spending_bounds
from testkit.stats.simulate import Schedule, operating_characteristics, z_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testkit.stats.simulate import OperatingCharacteristics

LOOKS = 10
PATHS = 20_000
# rate of the control, recipients per arm and look: 80 % fixed-sample power for lifts of 50, 20,
# 10 and 5 %
PLANS = ((0.001, 7839), (0.01, 4270), (0.05, 3124), (0.2, 2559))


def run(*, small: bool) -> Iterator[Figure]:
    paths = 1_000 if small else PATHS
    bounds = spending_bounds(information=range(1, LOOKS + 1), alpha=0.05)
    rule = z_rule(upper=bounds.upper, lower=bounds.lower)

    def simulate(rate: float, n: int) -> OperatingCharacteristics:
        return operating_characteristics(
            schedule=Schedule.equal(looks=LOOKS, n_control=LOOKS * n, n_treatment=LOOKS * n),
            control=rate,
            treatment=rate,
            rule=rule,
            paths=paths,
            rng=np.random.default_rng(20261121),
        )

    times = [
        median_ms(functools.partial(simulate, *plan), repeats=3 if small else 5) / 1000
        for plan in PLANS
    ]
    yield Figure(
        figure="paths_20k_s",
        value=max(times),
        unit="s",
        target="<= 2",
        note=f"{paths} paths of {LOOKS} looks, slowest of 4 base rates from 0.1 to 20 %",
    )
    exact = crossing_probabilities(
        information=range(1, LOOKS + 1),
        upper=tuple(bounds.upper),
        lower=tuple(bounds.lower),
        drift=0.0,
    )
    found = simulate(*PLANS[-1])
    yield Figure(
        figure="type_i_error_se_from_quadrature",
        value=abs(found.reject.value - float(exact.upper.sum() + exact.lower.sum()))
        / found.reject.se,
        unit="se",
        target="<= 4",
        note="20 % base rate; Monte-Carlo standard errors between simulation and quadrature",
    )
