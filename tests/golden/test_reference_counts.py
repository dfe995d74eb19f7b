"""Numbers on counts against independent programs.

Two sources. The folder that ``WHISTLESTOP_REFERENCE`` names: each test is one case of one group of
its ``statistics.json``, within that group's own tolerance, so that another file of the same form
can be put in its place. And ``own_counts.json`` beside this file, which needs no folder.

In the reference file index 1 is the arm, index 2 the control.
"""

from __future__ import annotations

import functools
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testkit.stats.balance import contingency_chisq
from testkit.stats.counts import TwoByTwo
from testkit.stats.effects import (
    difference_score,
    miettinen_nurminen,
    risk_difference,
    stratified_difference_interval,
    stratified_z,
)
from testkit.stats.exact import TailPlan, exact_boundaries
from testkit.stats.exact_binomial import (
    BinomialPlan,
    binomial_stops,
    binomial_test,
    sprt,
    sprt_plan,
)
from testkit.stats.exact_inference import stagewise_inference
from testkit.stats.exact_table import fisher_exact
from testkit.stats.hypergeometric import Margins
from testkit.stats.intervals import (
    agresti_caffo,
    clopper_pearson,
    event_rate_ratio_interval,
    newcombe,
    ratio_log_interval,
    ratio_score_interval,
    wald_difference,
    wilson,
)
from testkit.stats.odds import (
    mantel_haenszel_odds_ratio,
    odds_ratio_logit_interval,
    odds_ratio_score_interval,
)
from testkit.stats.srm import (
    dirichlet_multinomial_log_probability,
    multinomial_log_probability,
    sequential_srm,
    srm_chisq,
)
from testkit.stats.walk import CriticalCounts

VARIABLE = "WHISTLESTOP_REFERENCE"

# R's fisher.test and mantelhaen.test find odds ratios with uniroot at its default tolerance, on
# the odds ratio or its inverse, whichever is below 1: eps**0.25. (scipy.stats.contingency agrees
# with ours to 1e-12 on the same tables; see own_counts.json.)
UNIROOT = 2.0**-13


@functools.cache
def groups() -> dict[str, Any]:
    folder = os.environ.get(VARIABLE, "")
    path = Path(folder) / "statistics.json"
    if not folder or not path.is_file():
        return {}
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["groups"]
    return loaded


def over(group: str):
    """One test per case of the group; one skipped test with its name where there is none."""
    found = groups().get(group)
    if found is None:
        reason = f"{group}: {VARIABLE} is unset or its statistics.json has no such group"
        params = [pytest.param(None, None, marks=pytest.mark.skip(reason=reason), id=group)]
    else:
        cases = found["cases"] if isinstance(found["cases"], list) else [found["cases"]]
        params = [
            pytest.param(case, found["tolerance"], id=f"{group}-{index}")
            for index, case in enumerate(cases)
        ]
    return lambda test: pytest.mark.reference(
        pytest.mark.parametrize(("case", "tolerance"), params)(test)
    )


def close(ours, theirs, tolerance: float) -> None:
    np.testing.assert_allclose(
        np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=0.0, atol=tolerance
    )


def limits(interval, theirs, tolerance: float) -> None:
    """Compare both limits; a reference of null or "-inf" means no limit on that side."""
    for ours, reference, open_value in zip(
        (interval.low, interval.high), theirs, (0.0, None), strict=True
    ):
        if reference is None or reference in {"-inf", "inf"}:
            assert ours == open_value
        else:
            close(ours, reference, tolerance)


def counts(case: dict[str, Any]) -> dict[str, int]:
    return {
        "successes_control": case["x2"],
        "n_control": case["n2"],
        "successes_arm": case["x1"],
        "n_arm": case["n1"],
    }


def inverted(value: float | None) -> float | None:
    """The odds ratio on the scale on which R searches it."""
    return value if value is None or value <= 1.0 else 1.0 / value


# Differences ----------------------------------------------------------------------------------


@over("published_Newcombe_1998")
def test_newcombes_printed_example(case, tolerance) -> None:
    table = TwoByTwo(**counts(case))
    limits(wald_difference(table), case["wald"], tolerance)
    limits(miettinen_nurminen(**counts(case), small_sample=False), case["mee"], tolerance)
    limits(miettinen_nurminen(**counts(case)), case["miettinen_nurminen"], tolerance)
    limits(newcombe(table), case["newcombe_hybrid_score"], tolerance)


@over("risk_difference_score_ci")
def test_score_interval_of_the_difference(case, tolerance) -> None:
    limits(miettinen_nurminen(**counts(case)), case["miettinen_nurminen"], tolerance)
    limits(
        miettinen_nurminen(**counts(case), small_sample=False),
        case["mee_farrington_manning"],
        tolerance,
    )
    z = difference_score(TwoByTwo(**counts(case)), null=-0.001)
    close(z, case["z_noninferiority_margin_minus_0.001"], tolerance)
    # One stratum is the plain interval.
    limits(
        stratified_difference_interval([TwoByTwo(**counts(case))]),
        case["miettinen_nurminen"],
        tolerance,
    )


@over("ciBinomial_testBinomial")
def test_binomial_comparisons_of_gsdesign(case, tolerance) -> None:
    table = TwoByTwo(**counts(case))
    if case.get("test") == "testBinomial":
        effect = risk_difference(**counts(case), small_sample=bool(case["adj"]))
        close(effect.z, case["z"], tolerance)
        close(effect.z**2, case["chisq_z_no_correction"], tolerance)
        return
    interval = {
        "Difference": lambda: miettinen_nurminen(**counts(case), small_sample=False),
        "RR": lambda: ratio_score_interval(table),
        "OR": lambda: odds_ratio_score_interval(table),
    }[case["scale"]]()
    limits(interval, (case["lower"], case["upper"]), tolerance)


@over("statsmodels_two_proportion_ci")
def test_intervals_of_statsmodels(case, tolerance) -> None:
    table = TwoByTwo(**counts(case))
    ours = {
        ("diff", "wald"): lambda: wald_difference(table),
        ("diff", "agresti-caffo"): lambda: agresti_caffo(table),
        ("diff", "newcomb"): lambda: newcombe(table),
        ("ratio", "log"): lambda: ratio_log_interval(table),
        ("ratio", "score"): lambda: ratio_score_interval(table, small_sample=True),
        ("odds_ratio", "logit"): lambda: odds_ratio_logit_interval(table),
        ("odds_ratio", "score"): lambda: odds_ratio_score_interval(table, small_sample=True),
    }
    for scale in ("diff", "ratio", "odds_ratio"):
        for method, expected in case[scale].items():
            limits(ours[scale, method](), expected, tolerance)


@over("two_proportions_R")
def test_two_proportions_of_r(case, tolerance) -> None:
    effect = risk_difference(**counts(case))
    table = TwoByTwo(**counts(case))
    close(effect.z**2, case["chisq"], tolerance)
    close(effect.p_value, case["p_uncorrected"], tolerance)
    limits(wald_difference(table), case["wald_ci_diff"], tolerance)
    cells = [[case["x1"], case["n1"] - case["x1"]], [case["x2"], case["n2"] - case["x2"]]]
    close(contingency_chisq(cells, continuity=True).p_value, case["p_yates"], tolerance)
    share = case["n1"] / (case["n1"] + case["n2"])
    half = binomial_test(successes=case["x1"], n=case["x1"] + case["x2"], null_rate=share)
    close(half, case["binom_conditional_p_half"], tolerance)
    # The file states the rate ratio the other way round: 2 over 1.
    ratio = event_rate_ratio_interval(
        events_control=case["x1"],
        exposure_control=case["n1"],
        events_arm=case["x2"],
        exposure_arm=case["n2"],
    )
    limits(ratio, case["poisson_rate_ratio_ci"], tolerance)


@over("two_proportions_R")
def test_fishers_test_of_r(case, tolerance) -> None:
    result = fisher_exact([TwoByTwo(**counts(case))])
    close(result.p_value, case["fisher_p"], tolerance)
    close(inverted(result.odds_ratio), inverted(case["fisher_or"]), UNIROOT)
    close(inverted(result.interval.low), inverted(case["fisher_or_ci"][0]), UNIROOT)
    close(inverted(result.interval.high), inverted(case["fisher_or_ci"][1]), UNIROOT)


@over("cmh_stratified")
def test_stratified_tables_of_r(case, tolerance) -> None:
    strata = [
        TwoByTwo(successes_control=c, n_control=c + cf, successes_arm=t, n_arm=t + tf)
        for t, tf, c, cf in case["tables"]
    ]
    effect = stratified_z(strata, small_sample=True)
    close(effect.z**2, case["chisq"], tolerance)
    close(effect.p_value, case["p"], tolerance)
    pooled = mantel_haenszel_odds_ratio(strata)
    close(pooled.estimate, case["or_mh"], tolerance)
    limits(pooled.interval, case["or_ci"], tolerance)
    exact = fisher_exact(strata)
    close(exact.p_value, case["exact_p"], tolerance)
    close(inverted(exact.odds_ratio), inverted(case["exact_or"]), UNIROOT)
    close(inverted(exact.interval.low), inverted(case["exact_ci"][0]), UNIROOT)
    close(inverted(exact.interval.high), inverted(case["exact_ci"][1]), UNIROOT)


@over("one_proportion_ci")
def test_one_proportion(case, tolerance) -> None:
    limits(wilson(successes=case["x"], n=case["n"]), case["wilson"], tolerance)
    limits(clopper_pearson(successes=case["x"], n=case["n"]), case["clopper_pearson"], tolerance)


# Exact plans ----------------------------------------------------------------------------------


@over("gsBinomialExact")
def test_exact_binomial_plan(case, tolerance) -> None:
    plan = BinomialPlan(
        n=tuple(case["n_I"]),
        critical=tuple(
            CriticalCounts(low=a, high=b) for a, b in zip(case["a"], case["b"], strict=True)
        ),
    )
    for index, theta in enumerate(case["theta"]):
        stops = binomial_stops(plan, true_rate=theta)
        close(stops.upper, [row[index] for row in case["upper"]], tolerance)
        close(stops.lower, [row[index] for row in case["lower"]], tolerance)
        close(stops.expected_n, case["en"][index], tolerance)


@over("binomialSPRT")
def test_sprt(case, tolerance) -> None:
    lines = sprt(
        null_rate=case["p0"], alternative_rate=case["p1"], alpha=case["alpha"], beta=case["beta"]
    )
    close([lines.upper_intercept, lines.lower_intercept], case["intercept"], tolerance)
    close(lines.slope, case["slope"], tolerance)
    plan = sprt_plan(lines, first=case["minn"], last=case["maxn"])
    stops = [binomial_stops(plan, true_rate=theta) for theta in case["theta"]]
    close([sum(each.upper) for each in stops], case["upper_total"], tolerance)
    close([each.expected_n for each in stops], case["en"], tolerance)


# Sample ratio ---------------------------------------------------------------------------------


@over("srm_chisq")
def test_sample_ratio_chi_square(case, tolerance) -> None:
    result = srm_chisq(case["counts"], case["p0"])
    close(result.statistic, case["chisq"], tolerance)
    close(result.p_value, case["p"], tolerance)


@over("sequential_srm_dirichlet_multinomial")
def test_sequential_sample_ratio(case, tolerance) -> None:
    test = sequential_srm(case["p0"], concentration=case["dirichlet_concentration"])
    for increment, log_e, p in zip(
        case["increments"], case["log_bayes_factor"], case["anytime_p"], strict=True
    ):
        test = test.update(increment)
        close(test.log_e, log_e, tolerance)
        close(test.p_value, p, tolerance)
    close(srm_chisq(test.counts, case["p0"]).p_value, case["chisq_p_final"], tolerance)


@over("ssrm_unit_test")
def test_sequential_posteriors_of_ssrm(case, tolerance) -> None:
    # The inputs stand in the group's source line: Dirichlet(1, 1, 1), shares .4, .4, .2.
    increments = [[20, 17, 9], [18, 21, 8], [4, 6, 4], [18, 19, 11]]
    concentrations = np.ones(3)
    mixed = fixed = 0.0
    for index, increment in enumerate(increments):
        mixed += dirichlet_multinomial_log_probability(increment, concentrations)
        fixed += multinomial_log_probability(increment, [0.4, 0.4, 0.2])
        concentrations = concentrations + increment
        close(mixed, case["log_marginal_M1"][index], tolerance)
        close(fixed, case["log_marginal_M0"][index], tolerance)


# Our own set, for a clone without the folder --------------------------------------------------

OWN = json.loads((Path(__file__).parent / "own_counts.json").read_text(encoding="utf-8"))["cases"]


def evaluate(what: str, given: dict[str, Any]) -> object:
    if "table" in given:
        x1, n1, x2, n2 = given["table"]
        table = TwoByTwo(successes_control=x2, n_control=n2, successes_arm=x1, n_arm=n1)
    if "tables" in given:
        strata = [
            TwoByTwo(successes_control=x2, n_control=n2, successes_arm=x1, n_arm=n1)
            for x1, n1, x2, n2 in given["tables"]
        ]
    match what:
        case "newcombe":
            return pair(newcombe(table))
        case "miettinen_nurminen":
            return pair(miettinen_nurminen(**as_counts(table)))
        case "mee":
            return pair(miettinen_nurminen(**as_counts(table), small_sample=False))
        case "ratio_score":
            return pair(ratio_score_interval(table, small_sample=True))
        case "odds_ratio_score":
            return pair(odds_ratio_score_interval(table, small_sample=True))
        case "wilson":
            return pair(wilson(**given))
        case "clopper_pearson":
            return pair(clopper_pearson(**given))
        case "fisher":
            result = fisher_exact([table])
            return [result.p_value, result.odds_ratio, *pair(result.interval)]
        case "cmh":
            return [stratified_z(strata, small_sample=True).z ** 2]
        case "mantel_haenszel":
            pooled = mantel_haenszel_odds_ratio(strata)
            return [pooled.estimate, *pair(pooled.interval)]
        case "exact_one_look":
            margins = Margins(**given)
            side = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha * t)
            look = exact_boundaries([margins], fractions=[1.0], upper=side, lower=side).looks[0]
            return [look.critical.low, look.critical.high, look.spent_low, look.spent_high]
        case "stagewise_one_look":
            side = TailPlan(alpha=0.025, spending=lambda t, alpha: alpha * t)
            plan = exact_boundaries(
                [Margins(**given["margins"])], fractions=[1.0], upper=side, lower=side
            )
            result = stagewise_inference(plan, successes_arm=[given["successes_arm"]])
            return [result.p_upper, result.p_lower, *pair(result.interval)]
        case "binomial_plan":
            plan = BinomialPlan(
                n=tuple(given["n"]),
                critical=tuple(
                    CriticalCounts(low=a, high=b)
                    for a, b in zip(given["low"], given["high"], strict=True)
                ),
            )
            stops = binomial_stops(plan, true_rate=given["rate"])
            return [*stops.upper, *stops.lower, stops.expected_n]
        case "srm_chisq":
            result = srm_chisq(given["counts"], given["shares"])
            return [result.statistic, result.p_value]
        case "srm_log_e":
            test = sequential_srm(given["shares"], concentration=given["concentration"])
            return [test.update(given["counts"]).log_e]
    raise AssertionError(what)


def pair(interval) -> list[float | None]:
    return [interval.low, interval.high]


def as_counts(table: TwoByTwo) -> dict[str, int]:
    return {
        "successes_control": table.successes_control,
        "n_control": table.n_control,
        "successes_arm": table.successes_arm,
        "n_arm": table.n_arm,
    }


@pytest.mark.parametrize("case", OWN, ids=[f"{c['what']}-{i}" for i, c in enumerate(OWN)])
def test_own_golden_values(case) -> None:
    assert case["source"]
    assert case["call"]
    found = evaluate(case["what"], case["given"])
    for ours, expected in zip(found, case["value"], strict=True):
        if expected is None:
            assert ours is None
        else:
            assert math.isclose(ours, expected, rel_tol=case["tolerance"], abs_tol=1e-300)
