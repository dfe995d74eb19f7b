"""Ten looks by gbstats, one call a path and look; run by its own interpreter, JSON in and out."""

import json
import sys

from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import ProportionStatistic


def verdict(
    control: int, n_control: int, treatment: int, n_treatment: int, *, kind: str, tuning: float
) -> int:
    """1 or -1 where the sequential interval leaves 0 out, else 0."""
    found = SequentialTwoSidedTTest(
        ProportionStatistic(n=n_control, sum=control),
        ProportionStatistic(n=n_treatment, sum=treatment),
        SequentialConfig(difference_type=kind, sequential_tuning_parameter=tuning),
    ).compute_result()
    low, high = found.ci
    return int(low > 0) - int(high < 0)


results = {}
for name, scenario in json.load(sys.stdin).items():
    sizes = list(zip(scenario["n_control"], scenario["n_treatment"], strict=True))
    results[name] = {
        label: [
            [
                verdict(a, n, b, m, kind=kind, tuning=tuning)
                for a, b, (n, m) in zip(control, treatment, sizes, strict=True)
            ]
            for control, treatment in zip(scenario["control"], scenario["treatment"], strict=True)
        ]
        for label, kind, tuning in (
            ("relative, tuned to 5,000", "relative", 5000),
            ("absolute, tuned to the plan", "absolute", sum(sizes[-1])),
        )
    }
json.dump(results, sys.stdout)
