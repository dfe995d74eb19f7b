"""Time to solve group-sequential bounds, against scipy's multivariate normal and a peer.

The peer, spotify-confidence, runs in an environment of its own: make one from
``benchmarks/peers/spotify-confidence.lock`` and name its interpreter in
``WHISTLESTOP_PEER_SPOTIFY``.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.figure import Figure, median_ms
from testkit.stats.boundaries import spending_bounds
from testkit.stats.inference import sequential_p_value, stagewise
from testkit.stats.spending import kim_demets

if TYPE_CHECKING:
    from collections.abc import Iterator

ALPHA = 0.05
PEER = "WHISTLESTOP_PEER_SPOTIFY"


def run(*, small: bool) -> Iterator[Figure]:
    repeats = 5 if small else 101
    for looks, target in ((5, "<= 1"), (10, ""), (60, "<= 40")):
        yield Figure(
            figure=f"bounds_{looks}_looks_ms",
            value=median_ms(lambda k=looks: ours(k), repeats=repeats),
            unit="ms",
            target=target,
            note="two-sided .05, O'Brien-Fleming spending, equal looks",
        )
    yield from after_the_stop(repeats)
    yield from against_scipy(3 if small else 5)
    yield from against_peer(5 if small else 10)


def ours(looks: int) -> np.ndarray:
    return spending_bounds(information=range(1, looks + 1), alpha=ALPHA).upper


def after_the_stop(repeats: int) -> Iterator[Figure]:
    looks = [1, 2, 3, 4, 5]
    bounds = spending_bounds(information=looks, alpha=ALPHA)
    design = {"information": looks, "upper": bounds.upper, "lower": bounds.lower}
    yield Figure(
        figure="stagewise_5_looks_ms",
        value=median_ms(lambda: stagewise(**design, z=2.4, look=4), repeats=repeats),
        unit="ms",
        note="p-value, interval and median-unbiased estimate",
    )
    shares = [k / 5 for k in looks]
    z = [0.5, 1.0, 1.5, 2.0, 2.2]
    yield Figure(
        figure="sequential_p_5_looks_ms",
        value=median_ms(
            lambda: sequential_p_value(z=z, information=looks, spending_time=shares),
            repeats=repeats,
        ),
        unit="ms",
    )


def against_scipy(looks: int) -> Iterator[Figure]:
    """The same bounds by root finding on ``scipy.stats.multivariate_normal.cdf``."""
    import scipy

    found: list[float] = []

    def theirs() -> None:
        found[:] = by_multivariate_normal(looks)

    time = median_ms(theirs, repeats=1)
    note = f"scipy {scipy.__version__}, multivariate_normal.cdf and brentq, {looks} looks"
    yield Figure(
        figure="scipy_mvn_time_ratio",
        value=time / median_ms(lambda: ours(looks), repeats=21),
        unit="ratio",
        note=note,
    )
    yield Figure(
        figure="scipy_mvn_max_difference",
        value=float(np.max(np.abs(np.array(found) - ours(looks)))),
        unit="z",
        note=note,
    )


def by_multivariate_normal(looks: int) -> list[float]:
    from scipy.optimize import brentq
    from scipy.stats import multivariate_normal

    info = np.arange(1, looks + 1, dtype=float)
    correlation = np.sqrt(np.minimum.outer(info, info) / np.maximum.outer(info, info))
    spent = spending_bounds(information=info, alpha=ALPHA).spent
    upper: list[float] = []
    for k in range(looks):
        normal = multivariate_normal(cov=correlation[: k + 1, : k + 1], seed=1)

        def going_on(bound: float, normal: object = normal) -> float:
            box = np.array([*upper, bound])
            return float(normal.cdf(box, lower_limit=-box))  # type: ignore[attr-defined]

        goal = 1.0 - 2.0 * spent[k]
        upper.append(float(brentq(lambda b, goal=goal: going_on(b) - goal, 1.0, 9.0, xtol=1e-8)))
    return upper


def against_peer(looks: int) -> Iterator[Figure]:
    """The same bounds by spotify-confidence's solver."""
    name = "spotify_confidence_time_ratio"
    interpreter = os.environ.get(PEER, "")
    if not Path(interpreter).is_file():
        yield Figure(figure=name, value=None, unit="ratio", note=f"{PEER} names no interpreter")
        return
    script = Path(__file__).parent / "peers" / "spotify_confidence_bounds.py"
    done = subprocess.run(
        [interpreter, str(script), str(looks)], capture_output=True, text=True, check=True
    )
    theirs = json.loads(done.stdout)

    def mine() -> np.ndarray:
        return spending_bounds(
            information=range(1, looks + 1), alpha=ALPHA, spending=kim_demets(3)
        ).upper

    note = f"spotify-confidence 4.1.0, {looks} looks, alpha t^3"
    yield Figure(
        figure=name, value=theirs["ms"] / median_ms(mine, repeats=21), unit="ratio", note=note
    )
    yield Figure(
        figure="spotify_confidence_max_difference",
        value=float(np.max(np.abs(np.array(theirs["bounds"]) - mine()))),
        unit="z",
        note=note,
    )
