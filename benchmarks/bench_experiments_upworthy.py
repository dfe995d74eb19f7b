"""2,468 real headline tests through the public API: ``python -m benchmarks experiments-upworthy``.

The truths were computed with scipy, by somebody else. Their adjusted p-values are over every test
of the archive, of which the file holds half: they tell the ranks that the tests of the file have
among all, so the others can be put where they must be, and ours are adjusted over the whole.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from benchmarks.figure import Figure, data_folder
from testkit import PastArm, PastTest, read_past
from testkit.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("experiments/upworthy_half.parquet", "experiments/upworthy_half_truths.parquet")
TOLERANCE = 1e-9


def run(*, small: bool) -> Iterator[Figure]:
    folder = data_folder()
    if folder is None or not all((folder / name).exists() for name in NAMES):
        why = f"{NAMES[0]} not found: set WHISTLESTOP_DATA"
        for figure in ("tests", "mismatched_tests"):
            yield Figure(figure=figure, value=None, unit="count", note=why)
        return
    tests, truths = _read(folder)
    if small:
        tests = tests[:200]
    start = time.perf_counter()
    (summary,) = read_past(tests)
    seconds = time.perf_counter() - start
    yield Figure(figure="tests", value=len(tests), unit="count")
    wrong = [
        r.test.name
        for r in summary.readings
        if not _same(r.srm_p, truths[r.test.name]["srm_p"])
        or not _same(r.omnibus_p, truths[r.test.name]["omnibus_p"])
        or r.best != str(truths[r.test.name]["best_arm"])
    ]
    yield Figure(
        figure="mismatched_tests", value=len(wrong), unit="count", target="== 0",
        note="sample-ratio p and omnibus p within 1e-9 on log10, best arm"
        + (f"; first: {wrong[0]}" if wrong else ""),
    )  # fmt: skip
    yield from _adjusted(summary.readings, truths)
    for inside in (True, False):
        part = [
            r for r in summary.readings if bool(truths[r.test.name]["imbalance_window"]) is inside
        ]
        if part:
            yield Figure(
                figure=f"srm_below_001_{'inside' if inside else 'outside'}_bad_window",
                value=sum(r.suspicious for r in part) / len(part),
                unit="share",
                note=f"of {len(part)} tests; chance alone gives 0.001",
            )
    yield Figure(figure="seconds", value=seconds, unit="s")


def _adjusted(readings: Any, truths: dict[str, dict[str, Any]]) -> Iterator[Figure]:
    """Adjusted p-values: over these tests against scipy, over the archive against the truths."""
    from scipy.stats import false_discovery_control

    found = [r for r in readings if r.omnibus_p is not None]
    ours = [r.omnibus_q for r in found]
    scipy = false_discovery_control([r.omnibus_p for r in found], method="bh")
    yield Figure(
        figure="mismatched_adjusted_scipy", value=sum(map(_differ, ours, scipy)), unit="count",
        target="== 0", note=f"Benjamini-Hochberg over these {len(found)} tests, 1e-9 on log10",
    )  # fmt: skip
    pairs = sorted((r.omnibus_p, float(truths[r.test.name]["omnibus_bh_p"])) for r in found)
    whole, over = _completed(pairs)
    again = benjamini_hochberg(whole)[: len(pairs)]
    wrong = sum(map(_differ, again, (q for _, q in pairs)))
    yield Figure(
        figure="mismatched_adjusted", value=wrong, unit="count", target="== 0",
        note=f"the truths are adjusted over {over} tests; the {over - len(pairs)} that the file"
        " lacks stand where the truths put them",
    )  # fmt: skip


def _completed(pairs: list[tuple[float, float]]) -> tuple[list[float], int]:
    """P-values of the file, then of the tests that it lacks; and how many there are in all.

    ``q`` of rank ``j`` among ``m`` is the least ``p m / rank`` from ``j`` on, so tests that share a
    ``q`` end at the rank ``p m / q`` of their greatest p. Where that test is not in the file, the
    rank is the lowest that leaves room for those which are.
    """
    # The smallest p of the file is the smallest of all where q / p is a whole number.
    over = round(pairs[0][1] / pairs[0][0])
    blocks: dict[float, list[float]] = {}
    for p, q in pairs:
        blocks.setdefault(q, []).append(p)
    missing: list[float] = []
    held = rank = 0
    for q, own in blocks.items():
        held += len(own)
        rank = max(math.ceil(over * own[-1] / q - 1e-6), rank + len(own))
        missing += [rank * q / over] * (rank - held - len(missing))
    missing += [1.0] * (over - held - len(missing))
    return [*(p for p, _ in pairs), *missing], over


def _differ(ours: float, theirs: float) -> bool:
    return not _same(ours, theirs)


def _same(ours: float | None, theirs: float | None) -> bool:
    missing = theirs is None or not math.isfinite(theirs)
    if ours is None or theirs is None or missing:
        return ours is None and missing
    if ours == 0 or theirs == 0:
        return ours == theirs
    return abs(math.log10(ours) - math.log10(theirs)) <= TOLERANCE


def _read(folder: Path) -> tuple[list[PastTest], dict[str, dict[str, Any]]]:
    import duckdb

    arms: dict[str, list[PastArm]] = {}
    for test, arm, units, clicks in duckdb.execute(
        "SELECT test_id, arm, impressions, clicks FROM read_parquet(?) ORDER BY test_id, arm",
        [str(folder / NAMES[0])],
    ).fetchall():
        arms.setdefault(test, []).append(PastArm(name=str(arm), units=units, outcomes=clicks))
    found = duckdb.execute("SELECT * FROM read_parquet(?)", [str(folder / NAMES[1])])
    names = [column[0] for column in found.description or ()]
    truths = {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}
    tests = [
        PastTest(name=name, arms=tuple(group), metric="clicked") for name, group in arms.items()
    ]
    return tests, truths
