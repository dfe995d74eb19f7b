"""What the plans do when they are run: ``python -m benchmarks.operating_characteristics``.

Power by quadrature and by simulation, type I error of each tail for the engine that the plan would
choose, and other programs on the same simulated rows. ``--write`` writes the page, with ``--peers
FOLDER`` for the environments of the other programs; without it the page is printed. ``--small``
shows in seconds that it works; its numbers promise nothing.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.bench_stats_power import (
    ALPHA,
    ASYMPTOTIC,
    LIFTS,
    NOMINAL,
    POWER,
    SEED,
    SPLITS,
    TAIL,
    Error,
    engine,
    exact_errors,
    grid,
    z_errors,
)
from benchmarks.peer_rows import compare
from testkit.stats.boundaries import crossing_probabilities, spending_bounds
from testkit.stats.exact_power import exact_characteristics
from testkit.stats.power import n_rates
from testkit.stats.simulate import Schedule, operating_characteristics, z_rule
from testkit.stats.spending import spending_by_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "statistics" / "operating-characteristics.md"
SPENDING = ("obrien-fleming", "hsd(-4)", "kd(3)", "kd(2)", "pocock")
KEPT_AT_12 = {"obrien-fleming": 0.98, "hsd(-4)": 0.98, "kd(3)": 0.965}
EXACT_KEPT = 0.965
FIXED_DRIFT = 2.801585
"""1.959964 + 0.841621: the drift that a fixed sample finds with power .8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is drawn."""

    paths: int
    power_paths: int
    draws: int
    power_draws: int
    peer_paths: int
    every: int = 1
    looks: Sequence[int] = field(default=range(1, 13))


FULL = Size(paths=200_000, power_paths=200_000, draws=20, power_draws=200, peer_paths=1_000)
SMALL = Size(
    paths=4_000, power_paths=4_000, draws=2, power_draws=4, peer_paths=20, every=40, looks=(1, 4)
)


@dataclass(slots=True)
class Promises:
    """Promises of the page that did not hold."""

    broken: list[str] = field(default_factory=list)

    def mark(self, *, held: bool, what: str) -> str:
        """``yes``, or ``NO`` with a record of it."""
        if not held:
            self.broken.append(what)
        return "yes" if held else "NO"


def paragraph(*lines: str) -> str:
    """Lines of text as one paragraph."""
    return textwrap.fill(" ".join(lines), width=105) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def quadrature(promises: Promises) -> Iterator[str]:
    """Power that spending keeps of a fixed sample of the same largest size."""
    looks = (2, 3, 4, 5, 6, 8, 10, 12, 20)
    rows = []
    for name in SPENDING:
        kept = []
        for number in looks:
            shares = [k / number for k in range(1, number + 1)]
            bounds = spending_bounds(
                information=shares, alpha=ALPHA, spending=spending_by_name(name)
            )
            exits = crossing_probabilities(
                information=shares, upper=bounds.upper, lower=bounds.lower, drift=FIXED_DRIFT
            )
            kept.append(math.fsum(exits.upper) / POWER)
        at_most_12 = min(k for k, number in zip(kept, looks, strict=True) if number <= 12)
        wanted = KEPT_AT_12.get(name)
        promise = "none"
        if wanted:
            held = at_most_12 >= wanted
            promise = f"{wanted:.1%} to 12 looks: {promises.mark(held=held, what=name)}"
        rows.append([f"`{name}`", *(f"{k:.2%}" for k in kept), promise])
    yield "## Power kept, by quadrature\n"
    yield paragraph(
        "Power of a plan over the power of one look at the same largest size, where one",
        "look has 80 %: two-sided .05, equal looks, upper crossings only.",
    )
    yield from table(["Spending", *(f"{k} looks" for k in looks), "Promise"], rows)


def simulated_power(size: Size, promises: Promises) -> Iterator[str]:
    """Simulated power beside quadrature, for plans of the z engine."""
    shares = [k / 10 for k in range(1, 11)]
    rows = []
    for rate in (0.05, 0.2):
        for split in ("50/50", "75/25"):
            q = rate * LIFTS[rate]
            n = n_rates(control=rate, treatment=q, ratio=SPLITS[split])
            n_c, n_t = round(n.control), round(n.treatment)
            pooled = (n_c * rate + n_t * q) / (n_c + n_t)
            se_pooled = math.sqrt(pooled * (1 - pooled) * (1 / n_c + 1 / n_t))
            se = math.sqrt(rate * (1 - rate) / n_c + q * (1 - q) / n_t)
            for name in SPENDING[:4]:
                bounds = spending_bounds(
                    information=shares, alpha=ALPHA, spending=spending_by_name(name)
                )
                # The score's z has this spread under the effect, not 1: on the scale where it is
                # 1, the bounds are wider or narrower by the ratio.
                exits = crossing_probabilities(
                    information=shares,
                    upper=bounds.upper * se_pooled / se,
                    lower=bounds.lower * se_pooled / se,
                    drift=(q - rate) / se,
                )
                found = operating_characteristics(
                    schedule=Schedule.equal(looks=10, n_control=n_c, n_treatment=n_t),
                    control=rate,
                    treatment=q,
                    rule=z_rule(upper=bounds.upper, lower=bounds.lower),
                    paths=size.power_paths,
                    rng=np.random.default_rng(SEED),
                )
                expected = math.fsum(exits.upper)
                distance = abs(found.upper.value - expected) / found.upper.se
                what = f"{name} at {rate:.1%}, {split}"
                rows.append(
                    [
                        f"{rate:.1%}, {split}",
                        f"`{name}`",
                        f"{expected:.4f}",
                        f"{found.upper.value:.4f} ± {found.upper.se:.4f}",
                        f"{distance:.1f}",
                        promises.mark(held=distance <= 3, what=what),
                        f"{found.expected_share.value:.3f}",
                    ]
                )
    yield "## Power simulated, z engine\n"
    yield paragraph(
        f"Binomial experiments, {size.power_paths:,} each, ten equal looks, sized for 80 %",
        "power of one look; the promise is at most three Monte-Carlo errors from the",
        "quadrature.",
    )
    yield from table(
        [
            "Rate, split",
            "Spending",
            "Quadrature",
            "Simulated",
            "Errors apart",
            "Holds",
            "Mean share of n",
        ],
        rows,
    )


def exact_power(size: Size, promises: Promises) -> Iterator[str]:
    """Power of the exact engine, enumerated given drawn totals."""
    rows = []
    for rate in (0.001, 0.005, 0.01):
        for split, ratio in SPLITS.items():
            q = rate * LIFTS[rate]
            n = n_rates(control=rate, treatment=q, ratio=ratio)
            powers = []
            for looks in (10, 1):
                found = exact_characteristics(
                    n_control=[round(n.control / looks)] * looks,
                    n_arm=[round(n.treatment / looks)] * looks,
                    rate_control=rate,
                    rate_arm=q,
                    fractions=[k / looks for k in range(1, looks + 1)],
                    upper=TAIL,
                    lower=TAIL,
                    draws=size.power_draws,
                    rng=np.random.default_rng(SEED),
                )
                powers.append(found)
            ten, one = powers
            kept = ten.crosses_upper.value / POWER
            error = ten.crosses_upper.standard_error / POWER
            rows.append(
                [
                    f"{rate:.1%}, {split}",
                    f"{one.crosses_upper.value:.4f}",
                    f"{ten.crosses_upper.value:.4f} ± {ten.crosses_upper.standard_error:.4f}",
                    f"{kept:.2%}",
                    promises.mark(
                        held=kept >= EXACT_KEPT - 3 * error, what=f"exact at {rate:.1%}, {split}"
                    ),
                    f"{ten.crosses_upper.value / one.crosses_upper.value:.2%}",
                    f"{ten.expected_share.value:.3f}",
                ]
            )
    yield "## Power of the exact engine\n"
    yield paragraph(
        f"Enumerated for {size.power_draws} drawn totals, O'Brien-Fleming spending, ten",
        "looks, at the size that the z formula gives for 80 % with one look. The promise is",
        f"{EXACT_KEPT:.1%} of those 80 %, within the error of the draws. One look of the exact",
        "engine is Fisher's test, which does not reach them where outcomes are rare; ten looks",
        "can be better, because the last one tells equal totals apart by the look before.",
    )
    yield from table(
        [
            "Rate, split",
            "Fisher's test, one look",
            "Ten looks",
            "Of 80 %",
            "Holds",
            "Of one look",
            "Mean share of n",
        ],
        rows,
    )


def type_one(size: Size, promises: Promises) -> Iterator[str]:
    """Type I error of each tail, by the engine that the plan chooses."""
    cells: dict[tuple[float, str], dict[str, list[Error]]] = {}
    for plan in list(grid(size.looks))[:: size.every]:
        chosen = engine(plan)
        errors = (
            z_errors(plan, paths=size.paths)
            if chosen == "z"
            else exact_errors(plan, draws=size.draws)
        )
        cell = cells.setdefault((plan.rate, plan.split), {"z": [], "exact": []})
        cell[chosen].extend(errors)
    rows, outside = [], []
    for (rate, split), cell in cells.items():
        row = [f"{rate:.1%}, {split}"]
        for name in ("z", "exact"):
            found = cell[name]
            row.append(f"{len(found) // 2}")
            if not found:
                row.append("")
                continue
            worst = max(found, key=lambda error: error.value)
            if name == "exact":
                row.append(f"{worst.value:.5f}")
                promises.mark(held=worst.value <= NOMINAL, what=f"exact tail of {worst.plan.name}")
            else:
                row.append(f"{worst.value:.5f} ± {worst.se:.5f}")
            outside += [e for e in found if name == "z" and e.value > ASYMPTOTIC]
        rows.append(row)
    beyond = [e for e in outside if e.value - 3 * e.se > ASYMPTOTIC]
    for error in beyond:
        promises.mark(held=False, what=f"z tail of {error.plan.name}")
    yield "## Type I error of each tail\n"
    yield paragraph(
        f"Rates and splits below, {size.looks[0]} to {size.looks[-1]} looks, each equal,",
        "crowded early and crowded late, O'Brien-Fleming spending, nominal .025 a tail,",
        "sized for a power of 80 %. Each plan is run by the engine that it would choose.",
        f"Exact: enumerated, the largest over {size.draws} drawn totals; the promise is",
        f"never above {NOMINAL}. z: simulated, {size.paths:,} experiments a plan, the",
        "largest tail of all plans of a row, which is too high by an error or two because",
        f"it is the largest; the promise is at most {ASYMPTOTIC} within three Monte-Carlo",
        "errors, or a line in the list below.",
    )
    yield from table(
        ["Rate, split", "z plans", "Largest z tail", "Exact plans", "Largest exact tail"], rows
    )
    if outside:
        yield f"Tails of the z engine that were measured above {ASYMPTOTIC}:\n"
        for e in outside:
            verdict = "outside of its domain" if e in beyond else "within three errors"
            yield f"- {e.plan.name}, {e.side} tail: {e.value:.5f} ± {e.se:.5f}, {verdict}"
        yield ""
    else:
        yield f"No tail of the z engine was measured above {ASYMPTOTIC}.\n"


def peers(size: Size, cache: Path | None) -> Iterator[str]:
    """Ours beside other programs, on the same rows."""
    found, absent = compare(paths=size.peer_paths, cache=cache)
    yield "## Beside other programs, on the same rows\n"
    yield paragraph(
        f"{size.peer_paths:,} experiments a scenario, ten equal looks, sized for 80 %",
        "power of one look. Each program runs in an environment of its own, from",
        "`benchmarks/peers/*.lock`. They promise different things: gbstats' sequence may",
        "be read for ever, at whatever size; spotify-confidence spends alpha t^2 over a",
        "planned size, as ours spends over one; tea-tasting tests once, and is shown as",
        "such and as somebody would misuse it.",
    )
    for effect, title in ((False, "No effect: false positives"), (True, "The planned lift: power")):
        yield f"### {title}\n"
        rows = [
            [
                o.scenario,
                o.program,
                f"{o.upper:.3f} ± {o.se_upper:.3f}",
                f"{o.lower:.3f} ± {o.se_lower:.3f}",
                f"{o.upper + o.lower:.3f}",
                f"{o.share:.2f}",
            ]
            for o in sorted(found, key=lambda o: (order(o.scenario), o.program))
            if o.effect == effect
        ]
        head = ["Scenario", "Program", "Says better", "Says worse", "Either", "Mean share of n"]
        yield from table(head, rows)
    for peer, reason in absent.items():
        yield f"- {peer}: {reason}"
    if absent:
        yield ""


def order(scenario: str) -> tuple[str, float]:
    """Splits apart, rates in order."""
    rate, split, _ = scenario.split(", ")
    return split, float(rate.removesuffix("%"))


def provenance(size: Size) -> str:
    """When, by which code, from which seed and on what size of machine."""
    scale = "" if size is FULL else "A small run, which promises nothing."
    return paragraph(
        "Written by `python -m benchmarks.operating_characteristics --write --peers FOLDER`",
        f"on {datetime.now(UTC):%Y-%m-%d}, at commit {commit()}, seed {SEED}, on",
        f"{os.cpu_count()} cores with Python {platform.python_version()} and numpy",
        f"{np.__version__}. {scale}",
    )


def commit() -> str:
    """The commit that is checked out; says so where files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "testkit", "benchmarks")
        return f"{git('rev-parse', '--short=12', 'HEAD')}{' with changes' if changed else ''}"
    except (OSError, subprocess.CalledProcessError):
        return "unknown (no repository)"


def page(size: Size, cache: Path | None) -> tuple[str, Promises]:
    """The page, and what it has to admit."""
    promises, source = Promises(), provenance(size)
    body = [
        line
        for part in (
            quadrature(promises),
            simulated_power(size, promises),
            exact_power(size, promises),
            type_one(size, promises),
            peers(size, cache),
        )
        for line in part
    ]
    verdict = (
        "Every promise on this page holds."
        if not promises.broken
        else "**Promises that do not hold:** " + "; ".join(promises.broken) + "."
    )
    head = ["# Operating characteristics", "", source, paragraph(verdict)]
    return "\n".join([*head, *body]).rstrip() + "\n", promises


def main(words: Sequence[str] | None = None) -> int:
    """Print or write the page; exit 1 when a promise of a full run does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.operating_characteristics", description=__doc__
    )
    parser.add_argument("--small", action="store_true", help="a small run, to see that it works")
    parser.add_argument("--write", action="store_true", help="write the page instead of printing")
    parser.add_argument("--peers", type=Path, help="folder for the environments of the peers")
    options = parser.parse_args(words)
    if options.write and options.small:
        parser.error("a small run is not for the page")
    size = SMALL if options.small else FULL
    text, promises = page(size, options.peers)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 1 if promises.broken and not options.small else 0


if __name__ == "__main__":
    sys.exit(main())
