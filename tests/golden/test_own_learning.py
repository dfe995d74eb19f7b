"""The project's own golden set: each case names the book or the program that it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testkit.stats.meta import mantel_haenszel_ratio, peto_odds_ratio, pool
from testkit.stats.posterior import judge_arms
from testkit.stats.power import mde_rates, n_rates
from testkit.stats.power_means import n_means
from testkit.stats.roll import plan_roll
from testkit.stats.shrink import james_stein, normal_prior, shrink

FILE = Path(__file__).with_name("own_learning.json")
CASES = json.loads(FILE.read_text(encoding="utf-8"))["cases"]


def shrink_normal(*, effect: float, se: float, mean: float, tau: float) -> Any:
    return shrink([effect], [se], prior=normal_prior(mean=mean, tau=tau))[0]


CALLS = {
    function.__name__: function
    for function in (
        james_stein,
        judge_arms,
        mantel_haenszel_ratio,
        mde_rates,
        n_means,
        n_rates,
        peto_odds_ratio,
        plan_roll,
        pool,
        shrink_normal,
    )
}
READ = {
    "value": lambda x: x,
    "control": lambda x: x.control,
    "total": lambda x: x.total,
    "whole_control": lambda x: x.whole[0],
    "n_first": lambda x: x.n[0],
    "error_rate": lambda x: x.error_rate,
    "mean_se_tau2": lambda x: (x.mean, x.se, x.tau2),
    "interval": lambda x: (x.low, x.high),
    "prediction": lambda x: x.prediction,
    "log_ratio_se": lambda x: (x.log_ratio, x.se),
    "best_and_losses": lambda x: (x[1].probability_best, x[1].expected_loss, x[0].expected_loss),
    "effect_sd": lambda x: (x.effect, x.sd),
    "factor": lambda x: x[0],
}


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case['call']}-{case['what']}-{i}" for i, case in enumerate(CASES)]
)
def test_number_from_elsewhere(case: dict[str, Any]) -> None:
    found = READ[case["what"]](CALLS[case["call"]](**case["arguments"]))
    np.testing.assert_allclose(found, case["value"], rtol=0, atol=case["tolerance"])


def test_every_case_names_its_source() -> None:
    assert all(case["source"] for case in CASES)


@pytest.mark.parametrize(("method", "theirs"), [("dl", "chi2"), ("pm", "iterated")])
def test_pooling_agrees_with_statsmodels(method: Any, theirs: str) -> None:
    from statsmodels.stats.meta_analysis import combine_effects

    y = np.array([0.08, 0.02, -0.01, 0.05, 0.12, -0.03, 0.04, 0.01])
    se = np.array([0.03, 0.02, 0.02, 0.03, 0.05, 0.02, 0.03, 0.02])
    other = combine_effects(y, se**2, method_re=theirs, use_t=True, atol=1e-12)
    wald = pool(y, se, method=method, interval="normal")
    plain = pool(y, se, method=method, interval="knapp-hartung-plain")
    assert wald.tau2 == pytest.approx(other.tau2, rel=1e-6)
    assert wald.mean == pytest.approx(other.mean_effect_re, rel=1e-6)
    assert wald.se == pytest.approx(other.sd_eff_w_re, rel=1e-6)
    assert plain.se == pytest.approx(other.sd_eff_w_re_hksj, rel=1e-6)
    assert (plain.low, plain.high) == pytest.approx(tuple(other.conf_int()[3]), rel=1e-5)
