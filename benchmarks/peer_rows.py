"""The same simulated rows for ours and for other programs: who stops, on which side, and when.

Each scenario is a list of experiments with ten equal looks, drawn once. A verdict is 1 (better),
-1 (worse) or 0 for each experiment and look; the first that is not 0 ends the experiment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.bench_stats_power import ALPHA, LIFTS, SEED, SPLITS, TAIL
from benchmarks.peers import environment
from testkit.stats.boundaries import spending_bounds
from testkit.stats.engine_choice import choose_engine
from testkit.stats.exact import exact_boundaries, first_crossing
from testkit.stats.hypergeometric import Margins
from testkit.stats.power import n_rates
from testkit.stats.simulate import Counts, Schedule, draw_counts, z_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LOOKS = 10
FRACTIONS = tuple(k / LOOKS for k in range(1, LOOKS + 1))
PEERS = {
    "gbstats": "gbstats_looks.py",
    "spotify-confidence": "spotify_confidence_looks.py",
    "tea-tasting": "tea_tasting_looks.py",
}
NULLS = ((0.001, "50/50"), (0.01, "50/50"), (0.05, "50/50"), (0.2, "50/50"), (0.001, "90/10"))
EFFECTS = ((0.001, "50/50"), (0.01, "50/50"), (0.2, "50/50"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Experiments of one plan under one pair of rates."""

    name: str
    rate: float
    effect: bool
    counts: Counts

    def rows(self) -> dict[str, Any]:
        """What a peer reads."""
        plan = self.counts.schedule
        return {
            "n_control": plan.control,
            "n_treatment": plan.treatment,
            "control": self.counts.control.tolist(),
            "treatment": self.counts.treatment.tolist(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one program did with the experiments of one scenario."""

    scenario: str
    effect: bool
    program: str
    upper: float
    lower: float
    se_upper: float
    se_lower: float
    share: float


def scenarios(*, paths: int) -> Iterator[Scenario]:
    """Equal rates and planned lifts, sized for a fixed-sample power of .8."""
    for effect, plans in ((False, NULLS), (True, EFFECTS)):
        for rate, split in plans:
            other = rate * LIFTS[rate]
            size = n_rates(control=rate, treatment=other, ratio=SPLITS[split])
            schedule = Schedule.equal(
                looks=LOOKS, n_control=round(size.control), n_treatment=round(size.treatment)
            )
            yield Scenario(
                name=f"{rate:.1%}, {split}, {'lift' if effect else 'no effect'}",
                rate=rate,
                effect=effect,
                counts=draw_counts(
                    schedule=schedule,
                    control=rate,
                    treatment=other if effect else rate,
                    paths=paths,
                    rng=np.random.default_rng(SEED),
                ),
            )


def ours(scenario: Scenario) -> tuple[str, NDArray[np.int64]]:
    """The engine that the plan chooses, and its verdicts."""
    plan = scenario.counts.schedule
    choice = choose_engine(
        n_control=plan.control, n_arm=plan.treatment, pessimistic_rate=scenario.rate
    ).engine
    return choice, (by_counts if choice == "exact" else by_z)(scenario.counts)


def by_z(counts: Counts) -> NDArray[np.int64]:
    """Verdicts of the z engine."""
    bounds = spending_bounds(information=FRACTIONS, alpha=ALPHA)
    z = z_statistics(counts)
    return (z >= bounds.upper).astype(np.int64) - (z <= bounds.lower)


def by_counts(counts: Counts) -> NDArray[np.int64]:
    """Verdicts of the exact engine, path by path."""
    n_control, n_treatment = (
        np.diff(np.array(n), prepend=0).tolist()
        for n in (counts.schedule.control, counts.schedule.treatment)
    )
    totals = np.diff(counts.control + counts.treatment, axis=1, prepend=0)
    verdicts = np.zeros(totals.shape, dtype=np.int64)
    for path, added in enumerate(totals.tolist()):
        margins = [
            Margins(n_control=n, n_arm=m, successes=s)
            for n, m, s in zip(n_control, n_treatment, added, strict=True)
        ]
        plan = exact_boundaries(margins, fractions=FRACTIONS, upper=TAIL, lower=TAIL)
        crossing = first_crossing(plan.critical, counts.treatment[path].tolist())
        if crossing:
            look, side = crossing
            verdicts[path, look - 1] = 1 if side == "upper" else -1
    return verdicts


def outcome(scenario: Scenario, program: str, verdicts: NDArray[np.int64]) -> Outcome:
    """Shares of experiments that stop on either side, and mean share of the plan at the end."""
    assert verdicts.shape == scenario.counts.control.shape
    stops = verdicts != 0
    end = np.where(stops.any(axis=1), stops.argmax(axis=1), LOOKS - 1)
    side = verdicts[np.arange(len(end)), end]
    upper, lower = float(np.mean(side == 1)), float(np.mean(side == -1))
    return Outcome(
        scenario=scenario.name,
        effect=scenario.effect,
        program=program,
        upper=upper,
        lower=lower,
        se_upper=math.sqrt(upper * (1 - upper) / len(end)),
        se_lower=math.sqrt(lower * (1 - lower) / len(end)),
        share=float(np.mean((end + 1) / LOOKS)),
    )


def compare(*, paths: int, cache: Path | None) -> tuple[list[Outcome], dict[str, str]]:
    """Outcomes of ours and of every peer, and the reason for each peer that did not run."""
    drawn = list(scenarios(paths=paths))
    found = []
    for scenario in drawn:
        engine, verdicts = ours(scenario)
        found.append(outcome(scenario, f"whistlestop, {engine} engine", verdicts))
    absent = {}
    for peer, script in PEERS.items():
        if cache is None:
            absent[peer] = "not run: no folder for its environment was given"
            continue
        try:
            given = {scenario.name: scenario.rows() for scenario in drawn}
            results = environment.run(peer, script, given, cache=cache)
        except environment.PeerError as error:
            absent[peer] = f"could not be installed or run: {error}"
            continue
        for scenario in drawn:
            for label, verdicts in results[scenario.name].items():
                program = f"{peer} {environment.version(peer)}, {label}"
                found.append(outcome(scenario, program, np.array(verdicts)))
    return found, absent
