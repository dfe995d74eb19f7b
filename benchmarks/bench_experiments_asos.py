"""Real experiments replayed look by look: ``python -m benchmarks experiments-asos``.

Each stream is an arm and a metric of one of 44 experiments, with counts, means and variances at
many moments. At the last moment our Welch figures meet those that somebody else computed. On the
way, a daily peeker who calls the first p below 0.05 is set beside a plan that pays for every look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.figure import Figure, data_folder
from testkit.stats.boundaries import monitoring_bounds
from testkit.stats.means import welch
from testkit.stats.moments import Moments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from testkit.stats.means import MeanEffect

NAMES = ("experiments/asos_half.parquet", "experiments/asos_half_truths.parquet")
TOLERANCE = 1e-9
MOST_LOOKS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One moment of a stream."""

    day: float
    information: float
    effect: MeanEffect


def run(*, small: bool) -> Iterator[Figure]:
    folder = data_folder()
    if folder is None or not all((folder / name).exists() for name in NAMES):
        why = f"{NAMES[0]} not found: set WHISTLESTOP_DATA"
        yield Figure(figure="mismatched_streams", value=None, unit="count", note=why)
        return
    streams, truths = _read(folder)
    if small:
        streams = dict(list(streams.items())[:12])
        truths = {key: truths[key] for key in streams}
    wrong, peeked, planned, peeked_false, planned_false = [], 0, 0, 0, 0
    for key, rows in streams.items():
        looks = [_look(row) for row in rows if min(row["count_c"], row["count_t"]) >= 2]
        last = looks[-1].effect
        if not _matches(last, truths[key]):
            wrong.append(key)
        daily = _daily(looks)
        sure = (last.p_value or 1.0) < 0.05
        peek = any((look.effect.p_value or 1.0) < 0.05 for look in daily)
        called = _crosses(daily)
        peeked, planned = peeked + peek, planned + called
        peeked_false, planned_false = (
            peeked_false + (peek and not sure),
            planned_false + (called and not sure),
        )
    note = f"{len(streams)} streams"
    yield Figure(
        figure="mismatched_streams", value=len(wrong), unit="count", target="== 0",
        note=f"difference, standard error, p, interval at the last look; {note}"
        + (f"; first: {wrong[0]}" if wrong else ""),
    )  # fmt: skip
    yield Figure(
        figure="streams_without_figures", value=len(truths) - len(streams), unit="count",
        note="the file has no variances for them, so neither has anybody a p-value",
    )  # fmt: skip
    yield Figure(figure="streams_a_daily_peeker_calls", value=peeked, unit="count", note=note)
    yield Figure(
        figure="of_them_not_there_at_the_end", value=peeked_false, unit="count",
        note="p of 0.05 or more at the last look",
    )  # fmt: skip
    yield Figure(
        figure="streams_the_plan_calls", value=planned, unit="count",
        note="Lan-DeMets O'Brien-Fleming, a look a day, ended at the last day",
    )  # fmt: skip
    yield Figure(
        figure="of_them_not_there_at_the_end_plan", value=planned_false, unit="count",
        target=f"<= {peeked_false}", note="p of 0.05 or more at the last look",
    )  # fmt: skip


def _look(row: dict[str, Any]) -> Look:
    n_c, n_t = round(row["count_c"]), round(row["count_t"])
    control = Moments(n=n_c, mean=row["mean_c"], m2=row["variance_c"] * (n_c - 1))
    treatment = Moments(n=n_t, mean=row["mean_t"], m2=row["variance_t"] * (n_t - 1))
    return Look(
        day=row["time_since_start"],
        information=n_c * n_t / (n_c + n_t),
        effect=welch(control=control, treatment=treatment),
    )


def _daily(looks: Sequence[Look]) -> list[Look]:
    """The last moment of each day, thinned evenly to the most that a plan would take."""
    days = {math.ceil(look.day): look for look in looks}
    found = [days[day] for day in sorted(days)]
    step = math.ceil(len(found) / MOST_LOOKS)
    thinned = found[::-1][::step][::-1]
    rising = []
    for look in thinned:
        if not rising or look.information > rising[-1].information * (1 + 1e-9):
            rising.append(look)
    return rising


def _crosses(looks: Sequence[Look]) -> bool:
    information = [look.information for look in looks]
    bounds = monitoring_bounds(
        planned_information=information[-1], information=information, alpha=0.05, final=True
    )
    return any(
        look.effect.se is not None and abs(look.effect.estimate or 0.0) >= bound * look.effect.se
        for look, bound in zip(looks, bounds.upper, strict=True)
    )


def _matches(ours: MeanEffect, truth: dict[str, Any]) -> bool:
    pairs = ((ours.estimate, truth["diff"]), (ours.se, truth["se"]))
    near = all(
        a is not None and math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-12) for a, b in pairs
    )
    # The truths' interval takes the normal quantile, ours that of t: at these sizes they agree to
    # a small part of a standard error.
    low, high = ours.interval or (math.nan, math.nan)
    slack = 1e-3 * (ours.se or 0.0)
    near &= abs(low - truth["ci_low"]) <= slack and abs(high - truth["ci_high"]) <= slack
    p, q = ours.p_value, truth["welch_p"]
    if p is None or not p or not q:
        return near and p == q
    return near and abs(math.log10(p) - math.log10(q)) <= TOLERANCE


def _read(folder: Path) -> tuple[dict[Any, list[dict[str, Any]]], dict[Any, dict[str, Any]]]:
    import duckdb

    def rows(name: str) -> list[dict[str, Any]]:
        found = duckdb.execute(
            "SELECT * FROM read_parquet(?) ORDER BY experiment_id, variant_id, metric_id"
            + (", time_since_start" if name == NAMES[0] else ""),
            [str(folder / name)],
        )
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        return (row["experiment_id"], row["variant_id"], row["metric_id"])

    truths = {key(row): row for row in rows(NAMES[1])}
    streams: dict[Any, list[dict[str, Any]]] = {}
    for row in rows(NAMES[0]):
        if key(row) in truths and not any(v is None or v != v for v in row.values()):  # noqa: PLR0124 - NaN
            streams.setdefault(key(row), []).append(row)
    return streams, truths
