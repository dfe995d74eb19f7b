"""Group-sequential numbers against independent programs, from the reference folder.

The folder is named by ``WHISTLESTOP_REFERENCE``; each test is one case of one group of its
``statistics.json`` and compares within that group's own tolerance, so that another file of the
same form can be put in its place.
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
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from testkit.stats.boundaries import (
    Boundaries,
    crossing_probabilities,
    monitoring_bounds,
    spending_bounds,
)
from testkit.stats.classic import haybittle_peto, obrien_fleming, pocock, wang_tsiatis
from testkit.stats.conditional import conditional_power
from testkit.stats.effects import miettinen_nurminen
from testkit.stats.futility import (
    fixed_futility_design,
    futility_design,
    harm_design,
    monitoring_futility,
)
from testkit.stats.inference import (
    likelihood_ratio_p_value,
    repeated_interval,
    repeated_p_value,
    sequential_p_value,
    stagewise,
)
from testkit.stats.power import n_rates
from testkit.stats.sizing import characteristics, expected_information, sequential_size
from testkit.stats.spending import SpendingFunction, spending_by_name

pytestmark = pytest.mark.reference

VARIABLE = "WHISTLESTOP_REFERENCE"
NAMES = {
    "LDOF": "obrien-fleming",
    "LDPocock": "pocock",
    "asOF": "obrien-fleming",
    "asP": "pocock",
    "bsOF": "obrien-fleming",
    "bsP": "pocock",
}


@functools.cache
def groups() -> dict[str, Any]:
    folder = os.environ.get(VARIABLE, "")
    path = Path(folder) / "statistics.json"
    if not folder or not path.is_file():
        return {}
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["groups"]
    return loaded


def over(group: str) -> pytest.MarkDecorator:
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
    return pytest.mark.parametrize(("case", "tolerance"), params)


def close(ours: object, theirs: object, tolerance: float) -> None:
    np.testing.assert_allclose(
        np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=0.0, atol=tolerance
    )


def spending(name: str, parameter: float | None = None) -> SpendingFunction:
    """The spending function that the reference programs call by this name."""
    if name in NAMES:
        return spending_by_name(NAMES[name])
    if name in {"asHSD", "bsHSD", "asKD", "bsKD"}:
        return spending_by_name(f"{name[2:].lower()}({parameter})")
    family = name[:3].lower() if name.startswith("HSD") else name[:2].lower()
    return spending_by_name(f"{family}({name[len(family) :].replace('m', '-')})")


# Published tables -----------------------------------------------------------------------------


@over("published_JT_constants_alpha05_two_sided")
def test_printed_constants(case: dict[str, Any], tolerance: float) -> None:
    for looks, c_p, c_b in zip(case["K"], case["C_P"], case["C_B"], strict=True):
        close(pocock(looks=looks, alpha=0.05).upper[-1], c_p, tolerance)
        close(obrien_fleming(looks=looks, alpha=0.05).upper[-1], c_b, tolerance)


@over("published_LanDeMets_OBF_K5_two_sided05")
def test_printed_spending_bounds(case: dict[str, Any], tolerance: float) -> None:
    close(spending_bounds(information=case["info"], alpha=0.05).upper, case["z"], tolerance)


# Classic designs ------------------------------------------------------------------------------


@over("classic_pocock_obf_constants")
def test_classic_constants(case: dict[str, Any], tolerance: float) -> None:
    design = {"Pocock": pocock, "OF": obrien_fleming}[case["type"]]
    bounds = design(looks=case["K"], alpha=case["alpha_two_sided"])
    close(bounds.upper[-1], case["constant"], tolerance)


@over("classic_inflation_and_asn")
def test_classic_inflation(case: dict[str, Any], tolerance: float) -> None:
    design = {"Pocock": pocock, "OF": obrien_fleming}[case["type"]]
    bounds = design(looks=case["K"], alpha=case["alpha_two_sided"])
    figures = characteristics(bounds, power=case["power"])
    close(figures.inflation, case["inflation"], tolerance)
    close(figures.share_effect, case["asn_ratio_theta1"], tolerance)


@over("wang_tsiatis")
def test_wang_tsiatis(case: dict[str, Any], tolerance: float) -> None:
    bounds = wang_tsiatis(looks=case["K"], delta=case["Delta"], alpha=case["alpha_two_sided"])
    close(bounds.upper, case["bounds"], tolerance)
    close(bounds.upper[-1], case["C_WT"], tolerance)
    close(characteristics(bounds, power=0.9).inflation, case["inflation_90"], tolerance)


@over("rpact_classic_P_OF_WT")
def test_classic_family(case: dict[str, Any], tolerance: float) -> None:
    delta = {"P": 0.5, "OF": 0.0, "WT": case["delta"]}[case["type"]]
    bounds = wang_tsiatis(looks=case["K"], delta=delta, alpha=case["alpha_two_sided"])
    for ours, theirs in zip(bounds.upper, case["critical"], strict=True):
        # The reference program leaves out bounds beyond its own largest z.
        if theirs is not None:
            close(ours, theirs, tolerance)
    figures = characteristics(bounds, power=0.9)
    close(figures.inflation, case["inflation_beta10"], tolerance)
    close(figures.share_effect, case["asn_ratio_H1"], tolerance)


@over("haybittle_peto")
def test_haybittle_peto(case: dict[str, Any], tolerance: float) -> None:
    bounds = haybittle_peto(looks=case["K"], alpha=case["alpha"], sides=1)
    close(bounds.upper, case["critical"], tolerance)


# Spending -------------------------------------------------------------------------------------


@over("spending_bounds")
def test_spending_bounds(case: dict[str, Any], tolerance: float) -> None:
    bounds = spending_bounds(
        information=case["info"],
        alpha=case["alpha_total"],
        sides=case["sided"],
        spending=spending(case["spending"]),
    )
    close(bounds.upper, case["z"], tolerance)
    close(bounds.spent, case["cum_spend_per_side"], tolerance)
    close(ndtr(-bounds.upper), case["nominal_p_per_side"], tolerance)


@over("spending_design_characteristics")
def test_spending_characteristics(case: dict[str, Any], tolerance: float) -> None:
    bounds = spending_bounds(
        information=case["info"],
        alpha=case["alpha"],
        sides=case["sided"],
        spending=spending(case["spending"]),
    )
    figures = characteristics(bounds, power=0.9)
    close(figures.inflation, case["inflation_beta10"], tolerance)
    close(figures.share_null, case["asn_ratio_H0"], tolerance)
    close(figures.share_half, case["asn_ratio_H01"], tolerance)
    close(figures.share_effect, case["asn_ratio_H1"], tolerance)
    close(figures.drift**2 / case["shift"], 1.0, tolerance)


@over("crossing_probabilities")
def test_crossing_probabilities(case: dict[str, Any], tolerance: float) -> None:
    info = np.array(case["info"])
    for column, drift in enumerate(case["theta"]):
        exits = crossing_probabilities(
            information=case["info"], upper=case["b"], lower=case["a"], drift=drift
        )
        close(exits.upper, [row[column] for row in case["upper_prob"]], tolerance)
        close(exits.lower, [row[column] for row in case["lower_prob"]], tolerance)
        stops = exits.upper + exits.lower
        expected = stops[:-1] @ info[:-1] + (1.0 - stops[:-1].sum()) * info[-1]
        close(expected, case["en"][column], tolerance)


# Futility -------------------------------------------------------------------------------------


@over("futility_designs")
def test_futility_designs(case: dict[str, Any], tolerance: float) -> None:
    above, below = (spending(name) for name in case["spending"].split("/"))
    common = {
        "information": case["info"],
        "alpha": case["alpha"],
        "beta": case["beta"],
        "spending": above,
        "binding": case["binding"],
    }
    if case["lower_spend"] == "beta":
        design = futility_design(**common, beta_spending=below)
    else:
        false_stop = float(case["lower_spend"].split("=")[1].rstrip(")"))
        design = harm_design(**common, false_stop=false_stop, harm_spending=below)
    close(design.upper, case["upper"], tolerance)
    close(design.lower, case["lower"], tolerance)
    close(design.inflation, case["inflation"], tolerance)
    for drift, label, column in ((0.0, "H0", 0), (design.drift, "H1", 1)):
        exits = crossing_probabilities(
            information=design.information,
            upper=design.upper,
            lower=design.lower,
            drift=drift,
        )
        close(exits.upper, case[f"upper_prob_{label}"], tolerance)
        close(exits.lower, case[f"lower_prob_{label}"], tolerance)
        share = expected_information(design, drift=drift) / design.information[-1]
        close(share * design.inflation, case["en_ratio"][column], tolerance)


@over("futility_fixed_z_bounds")
def test_futility_at_chosen_z(case: dict[str, Any], tolerance: float) -> None:
    design = fixed_futility_design(
        information=range(1, case["K"] + 1),
        alpha=case["alpha"],
        beta=0.1,
        futility_z=case["futility_z"],
        binding=case["binding"],
    )
    close(design.upper, case["critical"], tolerance)
    close(design.inflation, case["inflation_beta10"], tolerance)
    for drift, label in ((0.0, "H0"), (design.drift, "H1")):
        share = expected_information(design, drift=drift) / design.information[-1]
        close(share * design.inflation, case[f"asn_ratio_{label}"], tolerance)


@over("futility_beta_spending_rpact")
def test_futility_by_beta_spending(case: dict[str, Any], tolerance: float) -> None:
    design = futility_design(
        information=case["info"],
        alpha=case["alpha"],
        beta=case["beta"],
        beta_spending=spending(case["beta_spending"], case["gammaB"]),
        binding=case["binding"],
    )
    close(design.upper, case["critical"], tolerance)
    close(design.lower[:-1], case["futility"], tolerance)
    close(design.inflation, case["inflation"], tolerance)
    exits = crossing_probabilities(
        information=design.information,
        upper=design.upper,
        lower=design.lower,
        drift=design.drift,
    )
    close(np.cumsum(exits.upper), case["power"], tolerance)
    close(np.cumsum(exits.lower), case["beta_spent"], tolerance)


@over("monitoring_update_actual_information")
def test_bounds_follow_the_information_as_it_was(case: dict[str, Any], tolerance: float) -> None:
    # The group's note: LDOF above, non-binding HSD(-2) below; alpha .025, and the planned bounds
    # are those of beta .1, which the first assertions establish.
    planned = case["planned_n"]
    plan = futility_design(information=planned, alpha=0.025, beta=0.1)
    close(plan.upper, case["planned_upper"], tolerance)
    close(plan.lower, case["planned_lower"], tolerance)
    now = monitoring_futility(plan, information=case["actual_n"])
    close(now.upper, case["upper"], tolerance)
    close(now.lower, case["lower"], tolerance)
    alone = monitoring_bounds(
        planned_information=planned[-1], information=case["actual_n"], alpha=0.025, sides=1
    )
    close(alone.upper, case["upper"], tolerance)


# While running and after the stop -------------------------------------------------------------


@over("conditional_power")
def test_conditional_power(case: dict[str, Any], tolerance: float) -> None:
    for drift, theirs in zip(case["theta"], case["cp"], strict=True):
        ours = conditional_power(
            information=case["n"],
            upper=case["bounds"],
            lower=[-math.inf] * len(case["n"]),
            z=case["z"],
            look=case["i"],
            drift=drift,
        )
        close(ours, theirs, tolerance)


@over("sequential_p_value")
def test_sequential_p_value(case: dict[str, Any], tolerance: float) -> None:
    # "k=4 LDOF alpha .025 n.fix 1000": one-sided; the planned maximum is 1000 times the inflation
    # of that design at gsDesign's default power of 90 %.
    plan = spending_bounds(information=[1, 2, 3, 4], alpha=0.025, sides=1)
    planned = 1000.0 * characteristics(plan, power=0.9).inflation
    sizes = np.atleast_1d(case["n_I"])
    ours = sequential_p_value(
        z=[float(z) for z in np.atleast_1d(case["Z"])],
        information=[float(n) for n in sizes],
        spending_time=[min(1.0, float(n) / planned) for n in sizes],
        sides=1,
    )
    close(ours, case["sequential_p"], tolerance)


@over("stagewise_adjusted_p_ci_mue")
def test_stagewise_inference(case: dict[str, Any], tolerance: float) -> None:
    upper = case["bounds"]
    symmetric = case["lower_stopping_bound_symmetric"]
    look = case["stop_stage"]
    result = stagewise(
        information=case["info"],
        upper=upper,
        lower=[-b if symmetric else -math.inf for b in upper],
        z=case["z"],
        look=look,
    )
    close(result.p_upper, case["stagewise_p_upper"], tolerance)
    close([result.low, result.high], case["theta_ci95"], tolerance)
    close(result.estimate, case["theta_median_unbiased"], tolerance)
    information = case["info"][look - 1]
    close(case["z"] / math.sqrt(information), case["naive_theta"], tolerance)
    repeated = repeated_interval(z=case["z"], information=information, bound=upper[look - 1])
    close([repeated.low, repeated.high], case["repeated_ci_theta"], tolerance)


@over("ldbounds_LR_ordering_p")
def test_likelihood_ratio_ordering(case: dict[str, Any], tolerance: float) -> None:
    ours = likelihood_ratio_p_value(
        information=case["info"],
        upper=case["bounds"],
        lower=[-math.inf] * len(case["info"]),
        z=case["z"],
        look=case["stop_stage"],
        count="rejections",
    )
    close(ours, case["p_LR_one_sided"], tolerance)


@over("rpact_analysis_rates")
def test_analysis_of_rates(case: dict[str, Any], tolerance: float) -> None:
    data = {name: np.cumsum(values).astype(float) for name, values in case["data"].items()}
    n_1, n_2, s_1, s_2 = (data[name] for name in ("n1", "n2", "events1", "events2"))
    difference = s_1 / n_1 - s_2 / n_2
    pooled = (s_1 + s_2) / (n_1 + n_2)
    error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / n_1 + 1.0 / n_2))
    z = difference / error
    taken = len(z)
    close(z, case["z_overall"][:taken], tolerance)
    close(difference, case["effect"][:taken], tolerance)
    bounds = check_running(case, z, tolerance)
    for k in range(taken):
        interval = miettinen_nurminen(
            successes_control=int(s_2[k]),
            n_control=int(n_2[k]),
            successes_arm=int(s_1[k]),
            n_arm=int(n_1[k]),
            critical=float(bounds.upper[k]),
            small_sample=False,
        )
        close(interval.low, case["rci_lower"][k], tolerance)
        close(interval.high, case["rci_upper"][k], tolerance)
    check_stopped(case, bounds, z, error, tolerance)


@over("rpact_analysis_means")
def test_analysis_of_means(case: dict[str, Any], tolerance: float) -> None:
    n_1, mean_1, squares_1 = cumulative_moments(case["data"], "1")
    n_2, mean_2, squares_2 = cumulative_moments(case["data"], "2")
    freedom = n_1 + n_2 - 2.0
    error = np.sqrt((squares_1 + squares_2) / freedom * (1.0 / n_1 + 1.0 / n_2))
    t = (mean_1 - mean_2) / error
    close(t, case["z_overall"], tolerance)
    close(mean_1 - mean_2, case["effect"], tolerance)
    normal = case["normal_approximation"]
    p = ndtr(-t) if normal else stdtr(freedom, -t)
    close(p, case["p_overall"], tolerance)
    # A t statistic enters a design as the normal quantile of its p-value, and a bound leaves it
    # as the t quantile of its tail.
    z = -ndtri(p)
    bounds = check_running(case, z, tolerance)
    for k in range(len(z)):
        tail = ndtr(-bounds.upper[k])
        interval = repeated_interval(
            z=float(t[k]),
            information=float(error[k] ** -2),
            bound=float(bounds.upper[k] if normal else -stdtrit(freedom[k], tail)),
        )
        close(interval.low, case["rci_lower"][k], tolerance)
        close(interval.high, case["rci_upper"][k], tolerance)
    check_stopped(case, bounds, z, error, tolerance)


@over("rpact_sample_size_rates")
def test_sizes_for_rates(case: dict[str, Any], tolerance: float) -> None:
    design = spending_bounds(
        information=range(1, case["K"] + 1),
        alpha=case["alpha"],
        sides=case["sided"],
        spending=spending("LDOF" if case["K"] == 1 else case["design"], case["gammaA"]),
    )
    fixed = n_rates(
        control=case["pi2"],
        treatment=case["pi1"],
        power=case["power"],
        alpha=case["alpha"],
        sides=case["sided"],
    )
    size = sequential_size(fixed.total, design=design, power=case["power"])
    # Sizes are compared as ratios: the programs solve their bounds to about 1e-7.
    close(size.fixed / case["n_fixed"], 1.0, tolerance)
    close(size.maximum / case["max_n"], 1.0, tolerance)
    close(size.at_looks / np.ravel(case["n"]), 1.0, tolerance)
    if case["expected_n_H1"] is not None:
        close(size.expected_effect / case["expected_n_H1"], 1.0, tolerance)
        close(size.expected_null / case["expected_n_H0"], 1.0, tolerance)
        close(size.characteristics.early_stop, case["early_stop"], tolerance)


def check_running(case: dict[str, Any], z: np.ndarray, tolerance: float) -> Boundaries:
    """What does not depend on the metric while a test runs."""
    info = case["info"]
    chosen = spending(case["design"], case.get("gammaA"))
    bounds = spending_bounds(information=info, alpha=case["alpha"], sides=1, spending=chosen)
    close(bounds.upper, case["critical"], tolerance)
    for k, value in enumerate(z):
        ours = repeated_p_value(
            z=float(value),
            look=k + 1,
            information=info,
            spending_time=info,
            spending=chosen,
            sides=1,
        )
        theirs = case["repeated_p"][k]
        if theirs > 0.49999:
            # The reference program does not search above one half.
            assert ours > 0.49999
        else:
            close(ours, theirs, tolerance)
        if k < len(info) - 1:
            rejection = conditional_power(
                information=info,
                upper=bounds.upper,
                lower=[-math.inf] * len(info),
                z=float(value),
                look=k + 1,
                drift=0.0,
            )
            close(rejection, case["crp"][k], tolerance)
    return bounds


def check_stopped(
    case: dict[str, Any], bounds: Boundaries, z: np.ndarray, error: np.ndarray, tolerance: float
) -> None:
    """Inference at the look where the reference program stopped."""
    look = case["final_stage"]
    at = look - 1
    assert case["actions"][at] in {"reject and stop", "reject", "accept"}
    crossed = np.flatnonzero(z >= bounds.upper[: len(z)])
    assert look == (crossed[0] + 1 if crossed.size else len(z))
    result = stagewise(
        information=case["info"],
        upper=bounds.upper,
        lower=[-math.inf] * bounds.looks,
        z=float(z[at]),
        look=look,
        level=1.0 - 2.0 * case["alpha"],
    )
    unit = error[at] * math.sqrt(case["info"][at])
    close(result.p_upper, case["final_p"][at], tolerance)
    close(result.low * unit, case["final_ci_lower"][at], tolerance)
    close(result.high * unit, case["final_ci_upper"][at], tolerance)
    close(result.estimate * unit, case["mue"][at], tolerance)


def cumulative_moments(data: dict[str, Any], arm: str) -> tuple[np.ndarray, ...]:
    """n, mean and sum of squares about the mean, cumulated over the stages."""
    n = np.array(data["n" + arm], dtype=float)
    means, sds = np.array(data["means" + arm]), np.array(data["stDevs" + arm])
    total = np.cumsum(n)
    mean = np.cumsum(n * means) / total
    within = np.cumsum((n - 1.0) * sds**2)
    between = np.cumsum(n * means**2) - total * mean**2
    return total, mean, within + between
