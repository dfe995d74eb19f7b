"""Ten looks by tea-tasting, which tests once; run by its own interpreter, JSON in and out."""

import json
import sys

import tea_tasting as tt
from tea_tasting.aggr import Aggregates

METRIC = tt.Proportion("converted", method="norm")


def verdict(control: int, n_control: int, treatment: int, n_treatment: int) -> int:
    """1 or -1 where p is below .05, else 0."""
    if control == 0 or treatment == 0:
        return 0  # it divides by the rates; nothing is decided without a conversion
    found = METRIC.analyze_aggregates(
        Aggregates(count_=n_control, mean_={"converted": control / n_control}),
        Aggregates(count_=n_treatment, mean_={"converted": treatment / n_treatment}),
    )
    return 0 if not found.pvalue < 0.05 else (1 if found.effect_size > 0 else -1)


results = {}
for name, scenario in json.load(sys.stdin).items():
    sizes = list(zip(scenario["n_control"], scenario["n_treatment"], strict=True))
    every = [
        [verdict(a, n, b, m) for a, b, (n, m) in zip(control, treatment, sizes, strict=True)]
        for control, treatment in zip(scenario["control"], scenario["treatment"], strict=True)
    ]
    results[name] = {
        "one look at the end": [[0] * (len(row) - 1) + row[-1:] for row in every],
        "looked at ten times": every,
    }
json.dump(results, sys.stdout)
