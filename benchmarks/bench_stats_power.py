"""Power kept and error spent: what the plan's own engine does, over rates, splits and looks.

Power of the z engine is by quadrature. The exact engine is enumerated: its law given the totals of
each wave has no simulation in it, and is averaged over drawn totals. Type I error of the z engine
is simulated with its Monte-Carlo error, each tail by itself, on the plans that the engine choice
would give to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.figure import Figure
from testkit.stats.boundaries import crossing_probabilities, spending_bounds
from testkit.stats.engine_choice import choose_engine
from testkit.stats.exact import TailPlan, exact_boundaries, exit_probabilities
from testkit.stats.hypergeometric import Margins
from testkit.stats.power import n_rates
from testkit.stats.simulate import Schedule, operating_characteristics, z_rule
from testkit.stats.spending import obrien_fleming_spending, spending_by_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from testkit.stats.simulate import MonteCarlo

SEED = 20261121
ALPHA, POWER = 0.05, 0.8
NOMINAL, ASYMPTOTIC = 0.025, 0.027
LIFTS = {0.001: 1.5, 0.005: 1.3, 0.01: 1.2, 0.05: 1.1, 0.2: 1.05}
SPLITS = {"50/50": 1.0, "75/25": 1 / 3, "90/10": 1 / 9}
LOOKS = (1, 2, 3, 5, 8, 10, 12)
TAIL = TailPlan(alpha=NOMINAL, spending=obrien_fleming_spending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One cell of the grid."""

    rate: float
    split: str
    spacing: str
    schedule: Schedule
    fractions: tuple[float, ...]

    @property
    def name(self) -> str:
        """The cell in words."""
        return f"{self.rate:.1%}, {self.split}, {self.schedule.looks} {self.spacing} looks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Type I error of one tail of one plan."""

    plan: Plan
    side: str
    value: float
    se: float


def run(*, small: bool) -> Iterator[Figure]:
    yield from power_kept()
    yield from exact_power_kept(draws=10 if small else 300)
    plans = list(grid())[:: 12 if small else 1]
    engines = {plan: engine(plan) for plan in plans}
    z = [error for plan in plans if engines[plan] == "z"
         for error in z_errors(plan, paths=5_000 if small else 100_000)]  # fmt: skip
    exact = [error for plan in plans if engines[plan] == "exact"
             for error in exact_errors(plan, draws=3 if small else 20)]  # fmt: skip
    worst = max(z, key=lambda error: (error.value - ASYMPTOTIC) / error.se)
    yield Figure(
        figure="type_i_max_excess_se",
        value=(worst.value - ASYMPTOTIC) / worst.se,
        unit="se",
        target="<= 3",
        note=f"above {ASYMPTOTIC} a tail, over {len(z) // 2} plans of the z engine; "
        f"{worst.plan.name}, {worst.side} tail {worst.value:.5f}",
    )
    highest = max(z, key=lambda error: error.value)
    yield Figure(
        figure="type_i_max_z_tail", value=highest.value, unit="share",
        note=f"se {highest.se:.5f}; {highest.plan.name}, {highest.side} tail",
    )  # fmt: skip
    top = max(exact, key=lambda error: error.value)
    yield Figure(
        figure="type_i_max_exact_tail",
        value=top.value,
        unit="share",
        target="<= 0.025",
        note=f"enumerated, largest of all drawn totals of {len(exact) // 2} plans; {top.plan.name}",
    )


def power_kept() -> Iterator[Figure]:
    """Power by quadrature over fixed-sample power, same largest size."""
    for name, looks, target in (
        ("obrien-fleming", 10, ">= 0.98"),
        ("obrien-fleming", 12, ">= 0.98"),
        ("obrien-fleming", 20, ""),
        ("hsd(-4)", 10, ">= 0.98"),
        ("hsd(-4)", 12, ">= 0.98"),
        ("kd(3)", 10, ""),
        ("kd(2)", 10, ""),
        ("pocock", 10, ""),
    ):
        information = [k / looks for k in range(1, looks + 1)]
        bounds = spending_bounds(
            information=information, alpha=ALPHA, spending=spending_by_name(name)
        )
        # 1.959964 + 0.841621: the drift that a fixed sample finds with power .8
        exits = crossing_probabilities(
            information=information,
            upper=tuple(bounds.upper),
            lower=tuple(bounds.lower),
            drift=2.801585,
        )
        plain = name == "obrien-fleming"
        yield Figure(
            figure=f"power_kept_{looks}_looks" + ("" if plain else f"_{name}"),
            value=math.fsum(exits.upper) / POWER,
            unit="ratio",
            target=target,
            note="by quadrature, equal looks, two-sided .05",
        )


def exact_power_kept(*, draws: int) -> Iterator[Figure]:
    """Power of the exact engine over the fixed sample's, at 0.1 %: the least of the splits."""
    rate, lift = 0.001, LIFTS[0.001]
    odds_ratio = lift * (1 - rate) / (1 - rate * lift)
    fractions = tuple(k / 10 for k in range(1, 11))
    kept: dict[str, list[float]] = {}
    for split, ratio in SPLITS.items():
        size = n_rates(control=rate, treatment=rate * lift, ratio=ratio)
        n, m = round(size.control / 10), round(size.treatment / 10)
        rng = np.random.default_rng(SEED)
        for _ in range(draws):
            totals = rng.binomial(n, rate, 10) + rng.binomial(m, rate * lift, 10)
            margins = [Margins(n_control=n, n_arm=m, successes=int(t)) for t in totals]
            bounds = exact_boundaries(margins, fractions=fractions, upper=TAIL, lower=TAIL)
            found = exit_probabilities(bounds, odds_ratio=odds_ratio).crosses_upper / POWER
            kept.setdefault(split, []).append(found)
    least = min(kept, key=lambda split: float(np.mean(kept[split])))
    yield Figure(
        figure="power_kept_exact_10_looks",
        value=float(np.mean(kept[least])),
        unit="ratio",
        target=">= 0.965",
        note=f"enumerated at 0.1 %, lift 50 %, {draws} drawn totals, "
        f"se {np.std(kept[least]) / math.sqrt(draws):.4f}; {least}, "
        + ", ".join(f"{np.mean(v):.4f} at {s}" for s, v in kept.items() if s != least),
    )


def grid(numbers_of_looks: Sequence[int] = LOOKS) -> Iterator[Plan]:
    """Rates x splits x looks, equal and crowded at either end; sized for power .8."""
    for rate, lift in LIFTS.items():
        for split, ratio in SPLITS.items():
            size = n_rates(control=rate, treatment=rate * lift, ratio=ratio)
            for looks in numbers_of_looks:
                equal = np.arange(1, looks + 1) / looks
                spacings = {"equal": equal, "early": equal**1.7, "late": equal**0.6}
                for spacing, times in spacings.items():
                    if looks == 1 and spacing != "equal":
                        continue
                    control = tuple(round(size.control * t) for t in times)
                    treatment = tuple(round(size.treatment * t) for t in times)
                    yield Plan(
                        rate=rate,
                        split=split,
                        spacing=spacing,
                        schedule=Schedule(control=control, treatment=treatment),
                        fractions=tuple(n / control[-1] for n in control),
                    )


def engine(plan: Plan) -> str:
    """The engine that the plan would choose."""
    return choose_engine(
        n_control=plan.schedule.control,
        n_arm=plan.schedule.treatment,
        pessimistic_rate=plan.rate,
    ).engine


def z_errors(plan: Plan, *, paths: int) -> Iterator[Error]:
    """Both tails of the z engine, simulated."""
    bounds = spending_bounds(information=plan.fractions, alpha=ALPHA)
    found = operating_characteristics(
        schedule=plan.schedule,
        control=plan.rate,
        treatment=plan.rate,
        rule=z_rule(upper=bounds.upper, lower=bounds.lower),
        paths=paths,
        rng=np.random.default_rng(SEED),
    )
    tails: dict[str, MonteCarlo] = {"upper": found.upper, "lower": found.lower}
    for side, tail in tails.items():
        yield Error(plan=plan, side=side, value=tail.value, se=tail.se)


def exact_errors(plan: Plan, *, draws: int) -> Iterator[Error]:
    """Both tails of the exact engine, enumerated for drawn totals; the largest counts."""
    rng = np.random.default_rng(SEED)
    steps = [
        np.diff(np.array(sizes), prepend=0)
        for sizes in (plan.schedule.control, plan.schedule.treatment)
    ]
    upper, lower = [], []
    for _ in range(draws):
        totals = rng.binomial(steps[0] + steps[1], plan.rate)
        margins = [
            Margins(n_control=int(n), n_arm=int(m), successes=int(t))
            for n, m, t in zip(*steps, totals, strict=True)
        ]
        bounds = exact_boundaries(margins, fractions=plan.fractions, upper=TAIL, lower=TAIL)
        ends = exit_probabilities(bounds)
        upper.append(ends.crosses_upper)
        lower.append(ends.crosses_lower)
    yield Error(plan=plan, side="upper", value=max(upper), se=0.0)
    yield Error(plan=plan, side="lower", value=max(lower), se=0.0)
