"""Bounds by spotify-confidence, timed; run by its own interpreter, prints one JSON object.

The number of looks comes in as the only argument. Spending is the power family with exponent 3,
two-sided at .05, over equal looks.
"""

import json
import statistics
import sys
import time
import warnings

import numpy as np

# The peer warns about its own use of pandas on every call; printing that would be timed too.
warnings.filterwarnings("ignore", category=FutureWarning)

from spotify_confidence.analysis.frequentist import (  # noqa: E402 - after the filter
    sequential_bound_solver,
)

looks = int(sys.argv[1])
shares = np.arange(1, looks + 1) / looks
times = []
for _ in range(6):
    start = time.perf_counter()
    result = sequential_bound_solver.bounds(shares, alpha=0.05, rho=3, ztrun=8, sides=2)
    times.append((time.perf_counter() - start) * 1000)
print(json.dumps({"ms": statistics.median(times[1:]), "bounds": list(result.bounds)}))
