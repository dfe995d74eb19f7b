"""Ten looks by spotify-confidence; run by its own interpreter, JSON in and JSON out.

Its frame handling takes 30 ms a row, so the adjusted level of each look comes from one sequential
``ZTest.difference`` (sizes are the same on every path), and p-values of all paths from the
functions that it calls inside. On the first path the two are compared.
"""

import json
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd

# The peer warns about its own use of pandas on every call.
warnings.filterwarnings("ignore")

from spotify_confidence import ZTest  # noqa: E402 - after the filter
from spotify_confidence.analysis.frequentist.confidence_computers import (  # noqa: E402
    z_test_computer as computer,
)


def sequential(scenario: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Adjusted level of each look, and the package's own verdicts on the first path."""
    looks = len(scenario["n_control"])
    frame = pd.concat(
        pd.DataFrame(
            {
                "arm": arm,
                "look": range(looks),
                "s": scenario[arm][0],
                "n": scenario[f"n_{arm}"],
                "final": scenario["n_control"][-1] + scenario["n_treatment"][-1],
            }
        )
        for arm in ("control", "treatment")
    )
    test = ZTest(
        frame,
        numerator_column="s",
        numerator_sum_squares_column="s",
        denominator_column="n",
        categorical_group_columns="arm",
        ordinal_group_column="look",
    )
    found = test.difference(
        level_1="control",
        level_2="treatment",
        groupby="look",
        final_expected_sample_size_column="final",
        verbose=True,
    )
    return found["adjusted_alpha"].to_numpy(float), found["is_significant"].to_numpy(bool)


def p_values(scenario: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The p-value of every path and look, and the sign of the difference."""
    columns = {}
    shape = np.shape(scenario["control"])
    for suffix, arm in (("_1", "control"), ("_2", "treatment")):
        one = pd.DataFrame(
            {
                "s": np.ravel(scenario[arm]),
                "n": np.broadcast_to(scenario[f"n_{arm}"], shape).ravel(),
            }
        )
        keys = {"numerator": "s", "denominator": "n", "numerator_sum_of_squares": "s"}
        one["original_point_estimate"] = computer.point_estimate(one, **keys)
        one["variance"] = computer.variance(one, **keys)
        one["point_estimate"] = one["original_point_estimate"]
        columns |= {f"{name}{suffix}": one[name] for name in one}
    both = pd.DataFrame(columns)
    both["std_err"] = computer.std_err(both, denominator="n")
    both["null_hypothesis"] = 0.0
    both["preference_used_in_test"] = "two-sided"
    p = computer.p_value(both)
    ahead = both["point_estimate_2"] - both["point_estimate_1"]
    return np.asarray(p).reshape(shape), np.sign(ahead.to_numpy()).reshape(shape)


results = {}
for name, scenario in json.load(sys.stdin).items():
    level, verdicts = sequential(scenario)
    p, sign = p_values(scenario)
    crossing = p < level
    assert (crossing[0] == verdicts).all(), "the package decides otherwise on the first path"
    results[name] = {"sequential": (crossing * sign).astype(int).tolist()}
json.dump(results, sys.stdout)
