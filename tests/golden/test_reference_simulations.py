"""Simulated reference numbers, reproduced by our own simulation or, better, by enumeration.

The reference numbers carry Monte-Carlo error of their own; where a case was run on so few paths
that its error exceeds the group's tolerance, three of its standard errors are allowed and the case
says so. Numbers about other systems come from the formulas in :mod:`tests.golden.rival_rules`.

One rate of each kind runs by default; the rest is marked slow.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import binom

from testkit.stats.boundaries import spending_bounds
from testkit.stats.exact import (
    TailPlan,
    exact_boundaries,
    exit_probabilities,
)
from testkit.stats.hypergeometric import IncrementLaw, Margins
from testkit.stats.inference import stagewise
from testkit.stats.simulate import (
    Counts,
    Rule,
    Schedule,
    difference_at_stop,
    draw_counts,
    operating_characteristics,
    z_rule,
    z_statistics,
)
from testkit.stats.spending import spending_by_name
from testkit.stats.walk import START, CriticalCounts, critical_count, step, walks
from tests.golden import rival_rules as rival
from tests.golden.reference_file import groups, over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.reference

LOOKS = 10
PATHS = 40_000
FRACTIONS = [k / LOOKS for k in range(1, LOOKS + 1)]
SPENDING = {
    "LDOF": "obrien-fleming",
    "KD3": "kd(3)",
    "KD2": "kd(2)",
    "HSDm4": "hsd(-4)",
    "LDPocock": "pocock",
}


@functools.cache
def z_bounds(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    spending = spending_by_name(SPENDING[name])
    return spending_bounds(information=FRACTIONS, alpha=0.05, spending=spending).upper


def gsd(name: str, variance: Any = "pooled") -> Rule:
    return z_rule(upper=z_bounds(name), lower=-z_bounds(name), variance=variance)


def procedure(name: str, *, p: float, ratio: float, total: int) -> Rule | None:
    """The stopping rule behind a name of the reference file; None for the exact ones."""
    rules: dict[str, Callable[[], Rule]] = {
        "fixed z (one look at end)": lambda: rival.fixed_z,
        "naive z, daily peeking": lambda: rival.naive_z,
        "Bayes flat prior chance>95% daily": lambda: rival.chance_to_beat,
        "AsympCS N*=5000 (GrowthBook default)": lambda: rival.asymptotic_cs(tuned=5000),
        "AsympCS N*=planned total": lambda: rival.asymptotic_cs(tuned=total),
        "AsympCS N*=planned/2": lambda: rival.asymptotic_cs(tuned=total / 2),
        "Howard NM Ntune=10000 (Eppo default)": lambda: rival.howard(tuned=10_000),
        "Eppo hybrid (a/2 CS + a/2 final)": lambda: rival.hybrid(tuned=10_000),
        "Statsig documented mSPRT": rival.statsig,
        "arm-of-conversion beta-binomial e-process, k at MDE": lambda: rival.arm_of_conversion(
            k=(2 / math.log(ratio)) ** 2 - 1
        ),
        "arm-of-conversion beta-binomial k=100 (savvi default)": lambda: rival.arm_of_conversion(
            k=100
        ),
        "arm-of-conversion two-point e-process at +-MDE": lambda: rival.two_point(ratio=ratio),
        "Turner-Grunwald daily blocks prior .18": rival.safe_blocks,
        "Turner-Grunwald daily blocks prior Beta(1,1/p)": lambda: rival.safe_blocks(
            shape=(1, 1 / p)
        ),
        "Bayes factor composite H0 (bucketeer) >20": lambda: rival.bayes_factor,
        **{f"GSD {name}": functools.partial(gsd, name) for name in SPENDING},
    }
    return rules[name]() if name in rules else None


@functools.lru_cache(maxsize=4)
def drawn(
    n_control: int, n_treatment: int, p: float, q: float, *, paths: int = PATHS, seed: int
) -> Counts:
    return draw_counts(
        schedule=Schedule.equal(
            looks=LOOKS, n_control=LOOKS * n_control, n_treatment=LOOKS * n_treatment
        ),
        control=p,
        treatment=q,
        paths=paths,
        rng=np.random.default_rng(seed),
    )


def rejected(counts: Counts, rule: Rule) -> tuple[float, float]:
    """Share of paths that reject, and mean share of the plan at the stop."""
    found = rule(counts)
    crossing = found.upper | found.lower
    ever = crossing.any(axis=1)
    stop = np.where(ever, crossing.argmax(axis=1), LOOKS - 1)
    return float(ever.mean()), float(((stop + 1) / LOOKS).mean())


def tails(counts: Counts, rule: Rule) -> tuple[float, float]:
    """Share of paths whose first crossing is the upper, and the lower one."""
    found = rule(counts)
    first = (found.upper | found.lower).argmax(axis=1)
    rows = np.arange(first.size)
    return float(found.upper[rows, first].mean()), float(found.lower[rows, first].mean())


# Exact engines: no paths, but the exact law given the totals, averaged over totals ---------------


def totals(
    n_control: int, n_treatment: int, p: float, q: float, draws: int
) -> Iterator[list[Margins]]:
    rng = np.random.default_rng(20261121)
    for _ in range(draws):
        sums = rng.binomial(n_control, p, LOOKS) + rng.binomial(n_treatment, q, LOOKS)
        yield [Margins(n_control=n_control, n_arm=n_treatment, successes=int(t)) for t in sums]


def side(spending: str) -> TailPlan:
    function = spending_by_name(SPENDING[spending])
    return TailPlan(alpha=0.025, spending=lambda t, alpha: float(function(t, alpha=alpha)))


def enumerated(
    n_control: int,
    n_treatment: int,
    p: float,
    q: float,
    *,
    spending: str,
    mid_p: bool = False,
    draws: int = 40,
) -> tuple[float, float, float]:
    """Upper and lower rejection probability and mean share of the hypergeometric engine."""
    odds_ratio = q * (1 - p) / (p * (1 - q))
    plan = side(spending)
    rows = []
    for margins in totals(n_control, n_treatment, p, q, draws):
        bounds = exact_boundaries(
            margins,
            fractions=FRACTIONS,
            upper=plan,
            lower=plan,
            tail="mid-p" if mid_p else "exact",
        )
        ends = exit_probabilities(bounds, odds_ratio=odds_ratio)
        rows.append((ends.crosses_upper, ends.crosses_lower, ends.expected_share(FRACTIONS)))
    upper, lower, share = np.mean(rows, axis=0)
    return float(upper), float(lower), float(share)


def binomial_counts(margins: list[Margins], spending: str) -> list[CriticalCounts]:
    """Critical counts of the test that takes each conversion's arm for a fair coin."""
    allowed = side(spending).allowed(FRACTIONS)
    critical = []
    walk, spent_low, spent_high = START, 0.0, 0.0
    for batch, may in zip(margins, allowed, strict=True):
        coin = binom.pmf(np.arange(batch.successes + 1), batch.successes, 0.5)
        walk = step(walk, 0, coin)
        found = CriticalCounts(
            low=critical_count(walk, "lower", spent=spent_low, allowed=may, tail="exact"),
            high=critical_count(walk, "upper", spent=spent_high, allowed=may, tail="exact"),
        )
        below, above = walk.outside(found)
        spent_low, spent_high = spent_low + below, spent_high + above
        walk = walk.inside(found)
        critical.append(found)
    return critical


def coin_flips(
    n: int, p: float, q: float, *, spending: str, draws: int = 40
) -> tuple[float, float]:
    """Rejection probability and mean share of the coin test under the true law of the counts."""
    theta = math.log(q * (1 - p) / (p * (1 - q)))
    rows = []
    for margins in totals(n, n, p, q, draws):
        critical = binomial_counts(margins, spending)
        laws = [IncrementLaw((batch,)) for batch in margins]
        steps = [(law.lowest, law.probabilities(theta)) for law in laws]
        ends = [sum(w.outside(c)) for w, c in zip(walks(steps, critical), critical, strict=True)]
        share = math.fsum(e * t for e, t in zip(ends, FRACTIONS, strict=True))
        rows.append((math.fsum(ends), share + 1 - math.fsum(ends)))
    reject, share = np.mean(rows, axis=0)
    return float(reject), float(share)


# Operating characteristics ------------------------------------------------------------------


def cases_by_procedure() -> pytest.MarkDecorator:
    found = groups().get("simulated_operating_characteristics")
    if found is None:
        return over("simulated_operating_characteristics")
    params = [
        pytest.param(
            {**case, "name": name, "expected": expected},
            found["tolerance"],
            id=f"{case['p']}-{name}",
            marks=() if case["p"] == 0.01 else pytest.mark.slow,
        )
        for case in found["cases"]
        for name, expected in case["procedures"].items()
    ]
    return pytest.mark.parametrize(("case", "tolerance"), params)


@cases_by_procedure()
def test_simulated_operating_characteristics(case: dict[str, Any], tolerance: float) -> None:
    n, p = case["n_per_arm_per_day"], case["p"]
    for hypothesis, q in (("null", p), ("alt", p * case["rr"])):
        rule = procedure(case["name"], p=p, ratio=case["rr"], total=2 * case["N_per_arm"])
        if rule is None:
            spending = case["name"].removeprefix("exact-binomial GSD ")
            reject, share = coin_flips(n, p, q, spending=spending)
        else:
            reject, share = rejected(drawn(n, n, p, q, seed=5), rule)
        expected = case["expected"][hypothesis]
        assert abs(reject - expected["reject"]) <= tolerance, hypothesis
        assert abs(share - expected["mean_frac"]) <= tolerance, hypothesis


# Checks ---------------------------------------------------------------------------------------


def rate_cases(*keys: str, default: Callable[[dict[str, Any]], bool]) -> pytest.MarkDecorator:
    """Cases of a list inside ``simulated_checks``; those that are not ``default`` are slow."""
    found = groups().get("simulated_checks")
    if found is None:
        return over("simulated_checks")
    inside = found["cases"]
    for key in keys:
        inside = inside[key]
    params = [
        pytest.param(
            case,
            found["tolerance"],
            id="-".join(str(case[key]) for key in case if not isinstance(case[key], float))
            + f"-{case['p']}-{index}",
            marks=() if default(case) else pytest.mark.slow,
        )
        for index, case in enumerate(inside)
    ]
    return pytest.mark.parametrize(("case", "tolerance"), params)


@rate_cases("sim2", "hypergeometric_exact", default=lambda case: case["p"] <= 0.01)
def test_exact_engine_by_enumeration(case: dict[str, Any], tolerance: float) -> None:
    base = next(
        one
        for one in groups()["simulated_operating_characteristics"]["cases"]
        if one["p"] == case["p"]
    )
    n, q = base["n_per_arm_per_day"], case["p"] * case["rr"]
    upper, lower, share = enumerated(
        n, n, case["p"], q, spending=case["spending"], mid_p=case["midp"]
    )
    # 20,000 paths, 4,000 from 5 % on: there its own error is .0064, more than the tolerance
    paths = 20_000 if case["p"] < 0.05 else 4_000
    noise = 3 * math.sqrt(case["reject"] * (1 - case["reject"]) / paths)
    assert abs(upper + lower - case["reject"]) <= max(tolerance, noise)
    assert abs(share - case["frac"]) <= tolerance


@rate_cases("sim2", "unequal_allocation_typeI", default=lambda case: case["p"] == 0.003)
def test_unequal_allocation_by_tail(case: dict[str, Any], tolerance: float) -> None:
    n, m, p = case["n_control"], case["n_treat"], case["p"]
    if case["method"] == "exact hypergeometric":
        upper, lower, _ = enumerated(n, m, p, p, spending=case["spending"], draws=100)
        assert max(upper, lower) <= 0.025
    elif case["method"] == "AsympCS unpooled tuned":
        rule = rival.asymptotic_cs(tuned=LOOKS * (n + m))
        upper, lower = tails(drawn(n, m, p, p, seed=6), rule)
    else:
        rule = gsd(case["spending"], case["method"].removesuffix(" z"))
        upper, lower = tails(drawn(n, m, p, p, seed=6), rule)
    assert abs(upper - case["upper"]) <= tolerance
    assert abs(lower - case["lower"]) <= tolerance


@rate_cases("asympcs_guards", default=lambda case: case["p"] == 0.003)
def test_guards_of_the_asymptotic_sequence(case: dict[str, Any], tolerance: float) -> None:
    n, m = case["n_control_day"], case["n_treat_day"]
    rule = rival.asymptotic_cs(
        tuned=LOOKS * (n + m) if case["tuning"] == "tuned N*" else 5000,
        lift=case["scale"] != "absolute",
        guard=case["guard"],
    )
    upper, lower = tails(drawn(n, m, case["p"], case["p"], seed=6), rule)
    assert abs(upper - case["upper"]) <= tolerance
    assert abs(lower - case["lower"]) <= tolerance
    assert abs(upper + lower - case["total"]) <= tolerance


@over("simulated_checks", "gbstats_itself")
def test_gbstats_by_its_formula(case: dict[str, Any], tolerance: float) -> None:
    # 1,500 paths of the package itself: a standard error of .007 on the relative scale
    n, p = case["n_per_arm_day"], case["p"]
    counts = drawn(n, n, p, p, seed=7)
    for key, lift, guard in (
        ("absolute", False, "none"),
        ("relative", True, "none"),
        ("with_ui_min_total_150", True, ">=150 conv in either arm"),
    ):
        rule = rival.asymptotic_cs(tuned=case["n_star"], lift=lift, guard=guard)
        reject, _ = rejected(counts, rule)
        noise = 3 * math.sqrt(case[key] * (1 - case[key]) / case["S"])
        assert abs(reject - case[key]) <= max(tolerance, noise), key


@over("simulated_checks", "sim2", "delay")
def test_immature_conversions(case: dict[str, Any], tolerance: float) -> None:
    # The file names the rates of day one but neither the wave nor the later days, and the value of
    # "faster" depends on both: here its direction and size are held, not its digits.
    schedule = Schedule.equal(looks=LOOKS, n_control=42_700, n_treatment=42_700)
    slow = [1 - 0.65**k for k in range(1, LOOKS + 1)]
    fast = [1 - 0.45**k for k in range(1, LOOKS + 1)]
    found = {
        name: operating_characteristics(
            schedule=schedule,
            control=0.02,
            treatment=0.02,
            rule=gsd("LDOF"),
            rng=np.random.default_rng(8),
            seen_control=seen[0],
            seen_treatment=seen[1],
        ).reject.value
        for name, seen in {
            "same": (slow, slow),
            "faster": (slow, fast),
            "matured": (None, None),
        }.items()
    }
    assert abs(found["same"] - case["all_sent_same_delay"]) <= tolerance
    assert abs(found["matured"] - case["matured_only_faster_treatment"]) <= tolerance
    assert found["faster"] > case["all_sent_faster_treatment"] - tolerance


@functools.cache
def stopped_early() -> tuple[Counts, Any, Any]:
    counts = drawn(4270, 4270, 0.01, 0.012, paths=200_000, seed=9)
    found = gsd("LDOF")(counts)
    crossing = found.upper | found.lower
    crossing[:, -1] = True
    stop = crossing.argmax(axis=1)
    return counts, stop, found.upper[np.arange(stop.size), stop]


@over("simulated_checks", "sim2", "winners_curse")
def test_winners_curse(case: dict[str, Any], tolerance: float) -> None:
    counts, stop, better = stopped_early()
    estimate = difference_at_stop(counts, stop)
    early = better & (stop < LOOKS // 2)
    significant = estimate[better].mean() / case["true"]
    assert abs(estimate.mean() / case["naive_mean_all"] - 1) <= tolerance
    assert abs(significant - case["ratio_sig"]) <= tolerance
    # an early stop happens on one path in ten: 20,000 paths leave .006 of the ratio to chance
    assert abs(estimate[early].mean() / case["true"] - case["ratio_early"]) <= 2 * tolerance


@pytest.mark.slow
@over("simulated_checks", "sim2", "winners_curse")
def test_median_unbiased_estimate_has_no_curse(case: dict[str, Any], tolerance: float) -> None:
    counts, stop, _ = stopped_early()
    upper = list(z_bounds("LDOF"))
    lower = [-bound for bound in upper]
    z = z_statistics(counts)
    some = np.arange(600)
    estimates = []
    for path in some:
        look = int(stop[path])
        n = counts.n_control[look]
        rate = (counts.control[path, look] + counts.treatment[path, look]) / (2 * n)
        information = counts.n_control / (2 * rate * (1 - rate))
        found = stagewise(
            information=list(information),
            upper=upper,
            lower=lower,
            z=float(z[path, look]),
            look=look + 1,
        )
        estimates.append(found.estimate)
    # sd of the estimate is .0008: a standard error of 4e-5 each way, 2 % of the truth
    assert np.median(estimates) / case["mue_median"] == pytest.approx(1, abs=0.07)
    assert np.mean(estimates) / case["mue_mean_all_subsample"] == pytest.approx(1, abs=0.07)
    assert np.median(estimates) < np.median(difference_at_stop(counts, stop)) * (1 + tolerance)


# Multiples of the fixed sample ----------------------------------------------------------------


def multiple_cases() -> pytest.MarkDecorator:
    found = groups().get("simulated_sample_multiples")
    if found is None:
        return over("simulated_sample_multiples")
    params = [
        pytest.param(
            case,
            found["tolerance"],
            id=f"{case['p']}-{case['procedure']}",
            marks=() if "GSD" in case["procedure"] else pytest.mark.slow,
        )
        for case in found["cases"]
    ]
    return pytest.mark.parametrize(("case", "tolerance"), params)


@multiple_cases()
def test_sample_multiple_for_the_same_power(case: dict[str, Any], tolerance: float) -> None:
    base = next(
        one
        for one in groups()["simulated_operating_characteristics"]["cases"]
        if one["p"] == case["p"]
    )
    n, p, q = base["n_per_arm_per_day"], case["p"], case["p"] * case["rr"]
    published = case["max_n_multiple_for_80pct_power"]

    def at(multiple: float) -> tuple[float, float]:
        size = round(n * multiple)
        rule = procedure(case["procedure"], p=p, ratio=case["rr"], total=2 * LOOKS * size)
        if rule is None:
            spending = case["procedure"].removeprefix("exact-binomial GSD ")
            return coin_flips(size, p, q, spending=spending, draws=100)
        return rejected(drawn(size, size, p, q, seed=10), rule)

    if published is None:
        assert at(2.5)[0] < 0.8
        return
    grid = sorted({max(1.0, published - 0.06), max(1.0, published), published + 0.06})
    powers, shares = zip(*(at(m) for m in grid), strict=True)
    multiple = 1.0 if powers[0] >= 0.8 and grid[0] == 1.0 else float(np.interp(0.8, powers, grid))
    assert powers[-1] >= 0.8 >= powers[0] or multiple == 1.0
    assert abs(multiple - published) <= tolerance
    share = float(np.interp(multiple, grid, shares))
    assert abs(multiple * share - case["expected_n_multiple_at_that_design"]) <= tolerance
