"""Does a shrunken effect predict the other half of a test? ``python -m benchmarks stats-shrink``.

Every arm of 2,468 headline tests is split at random into two halves (recipients in half, clicks by
the hypergeometric draw that such a split makes). The effect against the test's first arm in one
half, raw or shrunken by a prior fitted on that half, predicts the same effect in the other half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.figure import Figure, data_folder
from testkit.stats.shrink import Family, fit_prior, shrink, stabilised_effects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Effects = tuple[NDArray[np.float64], NDArray[np.float64]]

SEED = 20261121
FAMILIES: tuple[Family, ...] = ("laplace", "normal", "mixture")


@dataclass(frozen=True, slots=True, kw_only=True)
class Halves:
    """Observed effects and standard errors in two halves of the same tests."""

    first: Effects
    second: Effects
    test: NDArray[np.int64]

    def only(self, chosen: NDArray[np.int64]) -> Halves:
        """The chosen effects alone."""
        return Halves(
            first=(self.first[0][chosen], self.first[1][chosen]),
            second=(self.second[0][chosen], self.second[1][chosen]),
            test=self.test[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well one family predicted one second half."""

    squared: float
    squared_raw: float
    noise: float
    covered: float
    top_predicted: float
    top_raw: float
    top_seen: float
    top_covered: float


def score(halves: Halves, family: Family) -> Score:
    """Fit on the first half, predict the second."""
    y, se = halves.first
    later, se_later = halves.second
    found = shrink(y, se, prior=fit_prior(y, se, family=family), se_repeat=se_later)
    predicted = np.array([one.effect for one in found])
    inside = np.array(
        [one.repeat_low <= x <= one.repeat_high for one, x in zip(found, later, strict=True)]
    )
    top = y >= np.quantile(y, 0.95)
    return Score(
        squared=float(((later - predicted) ** 2).sum()),
        squared_raw=float(((later - y) ** 2).sum()),
        noise=float((se_later**2).sum()),
        covered=float(inside.mean()),
        top_predicted=float(predicted[top].mean()),
        top_raw=float(y[top].mean()),
        top_seen=float(later[top].mean()),
        top_covered=float(inside[top].mean()),
    )


def run(*, small: bool) -> Iterator[Figure]:
    folder = data_folder()
    name = "experiments/upworthy_half.parquet"
    if folder is None or not (folder / name).exists():
        why = f"{name} not found: set WHISTLESTOP_DATA"
        yield Figure(figure="mse_ratio_heldout_half", value=None, unit="ratio", note=why)
        yield Figure(figure="coverage_95", value=None, unit="share", note=why)
        return
    table = _read(folder / name)
    rng = np.random.default_rng(SEED)
    splits = [_split(table, rng) for _ in range(1 if small else 10)]
    if small:
        splits = [splits[0].only(np.arange(1000))]
    effects, tests = splits[0].first[0].size, np.unique(splits[0].test).size
    note = f"{effects} effects of {tests} tests, {len(splits)} random splits, seed {SEED}"
    scores = {family: [score(one, family) for one in splits] for family in FAMILIES}
    yield from _figures(scores, note)
    yield from _few_tests(splits, rng, repeats=3 if small else 100)


def _figures(scores: dict[Family, list[Score]], note: str) -> Iterator[Figure]:
    best = scores["laplace"]
    yield Figure(
        figure="mse_ratio_heldout_half",
        value=_ratio(best),
        unit="ratio",
        target="<= 0.77",
        note=f"laplace prior against the raw effect; {note}",
    )
    noise = sum(one.noise for one in best)
    yield Figure(
        figure="mse_ratio_true_effect",
        value=(sum(one.squared for one in best) - noise)
        / (sum(one.squared_raw for one in best) - noise),
        unit="ratio",
        note="the same without the sampling noise of the second half, which no forecast can avoid",
    )
    yield Figure(
        figure="coverage_95", value=_mean(best, "covered"), unit="share", target=">= 0.945",
        note="95 % interval for the second half's observed effect",
    )  # fmt: skip
    yield Figure(
        figure="mse_ratio_to_normal", value=_ratio(best) / _ratio(scores["normal"]), unit="ratio",
        target="< 1", note="laplace against the normal prior",
    )  # fmt: skip
    yield Figure(
        figure="mse_ratio_to_mixture", value=_ratio(best) / _ratio(scores["mixture"]),
        unit="ratio", note="laplace against the free mixture",
    )  # fmt: skip
    seen = _mean(best, "top_seen")
    for family in FAMILIES:
        yield Figure(
            figure=f"top_5_bias_{family}",
            value=_mean(scores[family], "top_predicted") / seen - 1,
            unit="share",
            target="<= 0.1" if family == "laplace" else "",
            note=f"predicted over seen in the second half, largest 5 %; seen {seen:.4f}",
        )
        yield Figure(
            figure=f"top_5_coverage_{family}", value=_mean(scores[family], "top_covered"),
            unit="share",
        )  # fmt: skip
    yield Figure(
        figure="top_5_bias_raw", value=_mean(best, "top_raw") / seen - 1, unit="share",
        note="the winner's curse without correction",
    )  # fmt: skip


def _few_tests(splits: list[Halves], rng: np.random.Generator, *, repeats: int) -> Iterator[Figure]:
    """The same with a handful of tests, one arm each, as a partner in the first year has."""
    for count in (5, 10, 20, 50):
        scores: dict[Family, list[Score]] = {family: [] for family in FAMILIES}
        for turn in range(repeats):
            halves = splits[turn % len(splits)]
            shuffled = rng.permutation(halves.test.size)
            _, one_each = np.unique(halves.test[shuffled], return_index=True)
            chosen = rng.choice(shuffled[one_each], size=count, replace=False)
            for family in FAMILIES:
                scores[family].append(score(halves.only(chosen), family))
        for family in FAMILIES:
            yield Figure(
                figure=f"mse_ratio_{count}_tests_{family}", value=_ratio(scores[family]),
                unit="ratio", note=f"coverage {_mean(scores[family], 'covered'):.3f}",
            )  # fmt: skip


def _ratio(scores: list[Score]) -> float:
    return sum(one.squared for one in scores) / sum(one.squared_raw for one in scores)


def _mean(scores: list[Score], field: str) -> float:
    return float(np.mean([getattr(one, field) for one in scores]))


def _read(path: Path) -> dict[str, NDArray[np.int64]]:
    import duckdb

    query = (
        "SELECT dense_rank() OVER (ORDER BY test_id) AS test, arm, impressions, clicks "
        "FROM read_parquet(?) ORDER BY test, arm"
    )
    found: dict[str, NDArray[np.int64]] = duckdb.execute(query, [str(path)]).fetchnumpy()
    return found


def _split(table: dict[str, NDArray[np.int64]], rng: np.random.Generator) -> Halves:
    n, clicks = table["impressions"], table["clicks"]
    half = n // 2
    drawn = rng.hypergeometric(clicks, n - clicks, half)
    _, first, test = np.unique(table["test"], return_index=True, return_inverse=True)
    arms = np.setdiff1d(np.arange(n.size), first)
    controls = first[test[arms]]

    def effects(x: NDArray[np.int64], size: NDArray[np.int64]) -> Effects:
        return stabilised_effects(
            control=x[controls], n_control=size[controls], treatment=x[arms], n_treatment=size[arms]
        )

    return Halves(
        first=effects(drawn, half), second=effects(clicks - drawn, n - half), test=test[arms]
    )
