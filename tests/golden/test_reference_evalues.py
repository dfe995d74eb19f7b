"""E-values, sequences, adjustments and means against independent programs and printed papers.

Two files of one form are read: the small one beside this module, so that a clone tests without
anything else, and ``statistics.json`` in the folder named by ``WHISTLESTOP_REFERENCE``. Each test
is one case of one group and compares within that group's own tolerance, so that another file of
the same form can be put in its place. A group that a file does not hold is skipped by name.
"""

from __future__ import annotations

import functools
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from testkit.stats.confseq import (
    asymptotic_critical,
    asymptotic_look,
    best_g,
    planned_precision,
    regression_critical,
    regression_log_e,
    regression_look,
)
from testkit.stats.eprocess import arm_of_conversion, safe_z
from testkit.stats.means import pooled_t, welch
from testkit.stats.mixtures import (
    BetaBinomialMixture,
    GammaMixture,
    NormalMixture,
    best_rho,
    boundary,
    rate_interval,
    stitched_boundary,
)
from testkit.stats.moments import CoMoments, Moments
from testkit.stats.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    dunnett_critical,
    e_benjamini_hochberg,
    hochberg,
    holm,
    hommel,
)
from testkit.stats.ratios import lift, ratio
from testkit.stats.regression import least_squares
from testkit.stats.safe2x2 import BlockPrior, Restriction, safe_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

VARIABLE = "WHISTLESTOP_REFERENCE"
OWN = Path(__file__).with_name("own_evalues.json")

# A program that minimises finds the argument of the minimum to about the root of the precision
# to which it finds the minimum itself; R's optimize() stops at 1e-4 of the bracket.
MINIMISER = 1e-5


@functools.cache
def own() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(OWN.read_text(encoding="utf-8"))["groups"]
    return loaded


@functools.cache
def reference() -> dict[str, Any]:
    folder = os.environ.get(VARIABLE, "")
    path = Path(folder) / "statistics.json"
    if not folder or not path.is_file():
        return {}
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["groups"]
    return loaded


def each_case(name: str, found: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The cases of a group; a group that is a table of tables gives one case per row."""
    cases = found["cases"]
    if isinstance(cases, list):
        for index, case in enumerate(cases):
            yield f"{name}-{index}", case
    elif any(
        isinstance(value, list) and value and isinstance(value[0], dict) for value in cases.values()
    ):
        shared = {key: value for key, value in cases.items() if not _is_table(value)}
        for kind, rows in cases.items():
            if _is_table(rows):
                for index, row in enumerate(rows):
                    yield f"{name}-{kind}-{index}", {"kind": kind, "row": row, **shared}
        if not shared.keys() <= {"data", "formula"}:
            yield f"{name}-rest", {"kind": "rest", "row": shared}
    else:
        yield name, cases


def _is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def over(group: str) -> pytest.MarkDecorator:
    """One test per case of the group in either file."""
    params = []
    for name, found in own().items():
        if found.get("group", name) == group:
            for label, case in each_case(name, found):
                params.append(pytest.param(case, found["tolerance"], own(), id=f"own-{label}"))
    found = reference().get(group)
    if found is None:
        reason = f"{group}: {VARIABLE} is unset or its statistics.json has no such group"
        marks = [pytest.mark.reference, pytest.mark.skip(reason=reason)]
        params.append(pytest.param(None, None, None, marks=marks, id=group))
    else:
        for label, case in each_case(group, found):
            params.append(
                pytest.param(
                    case,
                    found["tolerance"],
                    reference(),
                    marks=pytest.mark.reference,
                    id=label,
                )
            )
    return pytest.mark.parametrize(("case", "tolerance", "groups"), params)


def close(value: object, tolerance: float) -> Any:
    """Relative, since the numbers of one group differ by many powers of ten."""
    return pytest.approx(value, rel=tolerance, abs=1e-15)


def rounded(value: object, tolerance: float) -> Any:
    """Absolute as well, for numbers that their source printed with fixed decimals."""
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def knows(case: dict[str, Any], fields: Iterable[str]) -> None:
    """A field that this test does not compare must not pass unnoticed."""
    assert set(case) <= set(fields), f"not compared: {set(case) - set(fields)}"


@over("safe_two_proportions")
def test_safe_blocks(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    knows(
        case,
        (
            "na",
            "nb",
            "ya",
            "yb",
            "prior_name",
            "prior",
            "restriction",
            "delta",
            "e_path",
            "e_final",
        ),
    )
    prior = case["prior"]
    scales = {"difference": "difference", "logOddsRatio": "log_odds"}
    path = safe_blocks(
        control=case["ya"],
        treatment=case["yb"],
        n_control=case["na"],
        n_treatment=case["nb"],
        prior=BlockPrior(
            control=(prior["betaA1"], prior["betaA2"]),
            treatment=(prior["betaB1"], prior["betaB2"]),
        ),
        restriction=Restriction(scale=scales[case["restriction"]], delta=case["delta"])
        if "restriction" in case
        else None,
    )
    assert path.e_value == close(case["e_final"], tolerance)
    if "e_path" in case:
        assert np.exp(path.log_e) == close(np.array(case["e_path"]), tolerance)


@over("safe_z_stat")
def test_safe_z(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    knows(case, ("z", "phiS", "n1", "n2", "e"))
    log_e = safe_z(
        case["z"], n_control=case["n1"], n_treatment=case["n2"], effect_size=case["phiS"]
    )
    assert math.exp(log_e) == close(case["e"], tolerance)


@over("arm_of_conversion_beta_binomial")
def test_arm_of_conversion(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    knows(case, ("s_control", "s_treat", "rho_treat", "k", "logE"))
    path = arm_of_conversion(
        control=case["s_control"],
        treatment=case["s_treat"],
        share=case["rho_treat"],
        concentration=case["k"],
    )
    assert path.log_e[0] == close(case["logE"], tolerance)


@over("avlm")
def test_anytime_valid_regression(
    case: dict[str, Any], tolerance: float, groups: dict[str, Any]
) -> None:
    row = case["row"]
    if case["kind"] == "fits":
        knows(row, ("g", "vcov", "estimate", "se", "p", "ci_lower", "ci_upper"))
        data = case["data"]
        design = np.column_stack([np.ones(len(data["y"])), data["trt"], data["x"]])
        kind = "classical" if row["vcov"] == "none" else row["vcov"]
        fit = least_squares(data["y"], design, kind=kind)
        looks = [
            regression_look(fit, coefficient=i, g=row["g"], alpha=0.05)
            for i in range(len(fit.coefficients))
        ]
        assert [look.estimate for look in looks] == close(row["estimate"], tolerance)
        assert [look.se for look in looks] == close(row["se"], tolerance)
        assert [look.p_value for look in looks] == close(row["p"], tolerance)
        assert [look.interval[0] for look in looks] == close(row["ci_lower"], tolerance)
        assert [look.interval[1] for look in looks] == close(row["ci_upper"], tolerance)
    elif case["kind"] == "optimal_g":
        knows(row, ("n", "k", "alpha", "g"))
        g = best_g(n_planned=row["n"], coefficients=row["k"], alpha=row["alpha"])
        ours, theirs = (
            regression_critical(n=row["n"], g=x, alpha=row["alpha"], coefficients=row["k"])
            for x in (g, row["g"])
        )
        # What g is for: the shortest interval. Theirs is as short, and never shorter.
        assert ours == close(theirs, tolerance)
        assert ours <= theirs * (1 + 1e-14)
        assert g == close(row["g"], MINIMISER)
    elif case["kind"] == "t_radius":
        knows(row, ("g", "n", "k", "alpha", "radius"))
        assert regression_critical(
            n=row["n"], g=row["g"], alpha=row["alpha"], coefficients=row["k"]
        ) == close(row["radius"], tolerance)
    elif case["kind"] == "z_radius":
        knows(row, ("g", "n", "alpha", "radius"))
        assert regression_critical(n=row["n"], g=row["g"], alpha=row["alpha"]) == close(
            row["radius"], tolerance
        )
    else:
        assert case["kind"] == "log_G_t"
        knows(row, ("t2", "nu", "n", "g", "value"))
        assert regression_log_e(
            math.sqrt(row["t2"]), df=row["nu"], n=row["n"], g=row["g"]
        ) == close(row["value"], tolerance)


@over("avlm_readme_printed")
def test_anytime_valid_regression_as_printed(
    case: dict[str, Any], tolerance: float, groups: dict[str, Any]
) -> None:
    knows(case, ("formula", "coef_trt", "se", "t", "p", "ci", "HC0_se", "HC0_p", "HC0_ci"))
    n, coefficients, alpha = 100, 8, 0.05
    assert (
        f"n={n}, g=optimal_g({n},{coefficients},{alpha})".replace("0.05", ".05") in case["formula"]
    )
    g = best_g(n_planned=n, coefficients=coefficients, alpha=alpha)
    critical = regression_critical(n=n, g=g, alpha=alpha, coefficients=coefficients)
    for prefix in ("", "HC0_"):
        se = case[f"{prefix}se"]
        half = critical * se
        assert [case["coef_trt"] - half, case["coef_trt"] + half] == rounded(
            case[f"{prefix}ci"], tolerance
        )
        # Estimate and standard error are printed with five decimals; p must fit between the
        # p-values of the extreme numbers that round to them.
        lowest, highest = (
            math.exp(
                -regression_log_e(
                    (case["coef_trt"] + sign * 5e-6) / (se - sign * 5e-6),
                    df=n - coefficients,
                    n=n,
                    g=g,
                )
            )
            for sign in (1, -1)
        )
        assert lowest * (1 - 5e-3) <= case[f"{prefix}p"] <= highest * (1 + 5e-3)
    assert case["coef_trt"] / case["se"] == close(case["t"], tolerance)


@over("confseq_unit_tests")
def test_uniform_boundaries_as_printed(
    case: dict[str, Any], tolerance: float, groups: dict[str, Any]
) -> None:
    if case["kind"] == "bernoulli_ci":
        row = case["row"]
        knows(row, ("s", "n", "t_opt", "lo", "hi"))
        interval = rate_interval(successes=row["s"], n=row["n"], alpha=0.05, n_opt=row["t_opt"])
        assert interval == rounded((row["lo"], row["hi"]), tolerance)
        return
    v, alpha, row = 100.0, 0.05, case["row"]
    for name, expected in row.items():
        if name.startswith("poly_stitching"):
            v_min, c = {"poly_stitching_v100_vmin10_c3": (10, 3), "poly_stitching_cneg1": (10, -1)}[
                name
            ]
            assert stitched_boundary(v=v, alpha=alpha, v_min=v_min, c=c) == rounded(
                expected, tolerance
            )
            continue
        mixture = _printed_mixture(name, v, alpha)
        for what, value in expected.items():
            if what == "best_rho":
                assert best_rho(v_opt=v, alpha=alpha) == rounded(value, tolerance)
            elif what.startswith("log_mixture"):
                assert mixture.log_value(s=10, v=v) == rounded(value, tolerance)
            else:
                assert what in ("bound", "bound_v100")
                assert boundary(mixture, v=v, alpha=alpha) == rounded(value, tolerance)


def _printed_mixture(name: str, v: float, alpha: float) -> Any:
    makers: dict[str, Callable[[], Any]] = {
        "two_sided_normal": lambda: NormalMixture.tuned(v_opt=v, alpha=alpha, sides=2),
        "one_sided_normal": lambda: NormalMixture.tuned(v_opt=v, alpha=alpha, sides=1),
        "gamma_exponential_c2": lambda: GammaMixture.tuned(
            v_opt=v, alpha=alpha, c=2.0, kind="exponential"
        ),
        "gamma_poisson_c2": lambda: GammaMixture.tuned(v_opt=v, alpha=alpha, c=2.0, kind="poisson"),
        "two_sided_beta_binomial_g02_h08": lambda: BetaBinomialMixture.tuned(
            v_opt=v, alpha=alpha, g=0.2, h=0.8, sides=2
        ),
        "one_sided_beta_binomial": lambda: BetaBinomialMixture.tuned(
            v_opt=v, alpha=alpha, g=0.2, h=0.8, sides=1
        ),
    }
    return makers[name]()


@over("confseq_computed")
def test_uniform_boundaries(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    row, kind = case["row"], case["kind"]
    sides = 1 if row.get("one_sided") else 2
    if kind == "normal_mixture_bound":
        mixture: Any = NormalMixture.tuned(v_opt=row["v_opt"], alpha=row["alpha_opt"], sides=sides)
        assert boundary(mixture, v=row["v"], alpha=row["alpha"]) == close(row["bound"], tolerance)
        assert mixture.log_value(s=10, v=row["v"]) == close(row["log_mixture_s10"], tolerance)
    elif kind == "best_rho":
        for name, side in (("two_sided", 2), ("one_sided", 1)):
            assert best_rho(v_opt=row["v"], alpha=row["alpha"], sides=side) == close(
                row[name], tolerance
            )
    elif kind == "gamma_exponential_bound":
        mixture = GammaMixture.tuned(
            v_opt=row["v_opt"], alpha=row["alpha"], c=row["c"], kind="exponential"
        )
        assert boundary(mixture, v=row["v"], alpha=row["alpha"]) == close(row["bound"], tolerance)
    elif kind == "beta_binomial_bound":
        mixture = BetaBinomialMixture.tuned(
            v_opt=row["v_opt"], alpha=row["alpha"], g=row["g"], h=row["h"], sides=sides
        )
        assert boundary(mixture, v=row["v"], alpha=row["alpha"]) == close(row["bound"], tolerance)
    elif kind == "poly_stitching":
        for name, c in (("bound", row["c"]), ("c3", 3)):
            assert stitched_boundary(
                v=row["v"], alpha=row["alpha"], v_min=row["v_min"], c=c
            ) == close(row[name], tolerance)
    else:
        assert kind == "bernoulli_ci"
        interval = rate_interval(
            successes=row["successes"], n=row["trials"], alpha=row["alpha"], n_opt=row["t_opt"]
        )
        assert interval == close((row["lower"], row["upper"]), tolerance)


@over("asymptotic_cs")
def test_asymptotic_sequence(
    case: dict[str, Any], tolerance: float, groups: dict[str, Any]
) -> None:
    alpha, n = case["alpha"], case["n"]
    exact, approximate = (
        planned_precision(n_planned=case["n_star"], alpha=alpha, method=method)
        for method in ("exact", "approximate")
    )
    half = {
        name: asymptotic_critical(n=n, precision=precision, alpha=alpha)
        for name, precision in (("exact", exact), ("approximate", approximate))
    }
    # Eppo's rho is the normal mixture's: the same boundary in the unit of variance.
    rho = best_rho(v_opt=case["n_star"], alpha=alpha)
    bound = boundary(NormalMixture(rho=case["eppo_rho"]), v=n, alpha=alpha)
    ours = {
        "rho2_growthbook_approx": approximate,
        "rho2_exact_lambertW": exact,
        "unit_sd_halfwidth_approx_rho": half["approximate"] / math.sqrt(n),
        "unit_sd_halfwidth_exact_rho": half["exact"] / math.sqrt(n),
        "z_threshold_approx": half["approximate"],
        "eppo_rho": rho,
        "eppo_z_threshold": bound / math.sqrt(n),
    }
    knows(case, ("alpha", "n_star", "n", *ours))
    for name, value in ours.items():
        assert value == close(case[name], tolerance), name


@over("growthbook_unit_tests")
def test_growthbook(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    knows(case, ("test", "a", "b", "n_star", "expected", "ci", "ci_lower", "se", "p"))
    control, treatment = (_arm(case[side]) for side in ("a", "b"))
    test = case["test"]
    if test.startswith("sequential"):
        effect = lift(control=control, treatment=treatment)
        look = asymptotic_look(
            effect,
            n=control.n + treatment.n,
            precision=planned_precision(n_planned=case["n_star"], alpha=0.05, method="approximate"),
            alpha=0.05,
        )
        assert (look.estimate, look.se, look.p_value) == rounded(
            (case["expected"], case["se"], case["p"]), tolerance
        )
        assert look.interval == rounded(tuple(case["ci"]), tolerance)
    else:
        compare = lift if test.endswith("relative") else welch
        assert test.startswith("one-sided greater t")
        effect = compare(control=control, treatment=treatment, alpha=0.05, alternative="greater")
        assert effect.interval is not None
        assert (effect.estimate, effect.se, effect.p_value, effect.interval[0]) == rounded(
            (case["expected"], case["se"], case["p"], case["ci_lower"]), tolerance
        )


def _arm(sums: dict[str, float]) -> Moments:
    if "sumsq" not in sums:
        # GrowthBook's proportions have variance p (1 - p), the divisor being n.
        p = sums["sum"] / sums["n"]
        return Moments.from_variance(n=int(sums["n"]), mean=p, variance=p * (1 - p))
    return Moments.from_sums(n=int(sums["n"]), total=sums["sum"], total_squares=sums["sumsq"])


@over("e_bh")
def test_e_bh(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    knows(case, ("e", "rejected_index"))
    for alpha, rejected in case["rejected_index"].items():
        assert list(e_benjamini_hochberg(case["e"], alpha=float(alpha))) == rejected


@over("p_adjust")
def test_p_adjust(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    methods = {
        "bonferroni": bonferroni,
        "holm": holm,
        "hochberg": hochberg,
        "hommel": hommel,
        "BH": benjamini_hochberg,
        "BY": benjamini_yekutieli,
    }
    for name, expected in case["out"].items():
        assert methods[name](case["p"]) == close(tuple(expected), tolerance), name


@over("dunnett_normal")
def test_dunnett(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    knows(case, ("k_treatments", "alpha", "sided", "crit"))
    critical = dunnett_critical(
        treatments=case["k_treatments"], alpha=case["alpha"], sides=case["sided"]
    )
    assert critical == pytest.approx(case["crit"], rel=0, abs=tolerance)


@over("welch")
def test_welch(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    knows(case, ("a", "b", "t", "df", "p", "ci", "student_t", "student_p"))
    # R's t.test(a, b) is a minus b.
    arms = {
        "control": Moments.from_values(case["b"]),
        "treatment": Moments.from_values(case["a"]),
    }
    effect, student = welch(**arms), pooled_t(**arms)
    assert (effect.statistic, effect.df, effect.p_value) == close(
        (case["t"], case["df"], case["p"]), tolerance
    )
    assert effect.interval == close(tuple(case["ci"]), tolerance)
    assert (student.statistic, student.p_value) == close(
        (case["student_t"], case["student_p"]), tolerance
    )


@over("cluster_and_hc_variances")
def test_robust_variances(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    knows(case, ("note", "coef", "vcovCL_HC1", "vcovCL_HC0", "HC", "classical"))
    data = groups["avlm"]["cases"]["data"]
    assert "cluster=rep(1:10,each=4)" in case["note"]
    design = np.column_stack([np.ones(len(data["y"])), data["trt"], data["x"]])
    clusters = np.repeat(np.arange(10), 4)

    def variances(kind: Any, labels: Any = None) -> list[float]:
        fit = least_squares(data["y"], design, kind=kind, clusters=labels)
        assert fit.coefficients == close(tuple(case["coef"]), tolerance)
        return [fit.covariance[i][i] for i in range(3)]

    for kind, expected in case["HC"].items():
        assert variances(kind) == close(expected, tolerance), kind
    assert variances("classical") == close(case["classical"], tolerance)
    # sandwich's vcovCL scales both types by G / (G - 1); its HC1 also by (n - 1) / (n - k).
    assert variances("CR1", clusters) == close(case["vcovCL_HC0"], tolerance)
    assert variances("CR1S", clusters) == close(case["vcovCL_HC1"], tolerance)


@over("delta_method_ratio")
def test_delta_method(case: dict[str, Any], tolerance: float, groups: dict[str, Any]) -> None:
    knows(case, ("mean_m", "var_m", "mean_d", "var_d", "cov", "n", "ratio", "se"))
    arm = CoMoments.from_covariance(
        n=case["n"],
        means=[case["mean_m"], case["mean_d"]],
        covariance=[[case["var_m"], case["cov"]], [case["cov"], case["var_d"]]],
    )
    ours = ratio(arm)
    assert ours.value == close(case["ratio"], tolerance)
    assert ours.se == close(case["se"], tolerance)
