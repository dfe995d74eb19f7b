r"""Is the effect the same in every segment? One test for all of them together: the interaction.

What lives here: tests that the effect is homogeneous over strata, on three scales. What must not:
estimates per segment (:mod:`testkit.stats.partial_pooling`) and what to read when
(:mod:`testkit.stats.segments`).

Theory of operation. "The same" depends on the scale. When base rates differ, a message that lifts
every segment by a tenth has different differences in points, and one that adds a point everywhere
has different ratios; so the scale is declared with the segments. On the *odds ratio* the test is
Breslow and Day's with Tarone's correction, and Zelen's exact test where counts are small:
conditional on all margins and on the arm's successes in all, the split over segments has a law
without parameters. On the *difference* of rates it is the score test at the common difference,
which needs no variance that the segment's own luck has made; it has no exact form, so with small
counts there is no p-value. *Means* take Welch's test, which knows that the variances are estimated.

References:
    Breslow & Day (1980), Statistical Methods in Cancer Research I, section 4.4; Tarone (1985),
    Biometrika 72(1), 91-95; Zelen (1971), Biometrika 58(1), 129-137; Gart & Nam (1990), Biometrics
    46(3), 637-643; Welch (1951), Biometrika 38(3/4), 330-336.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.special import chdtrc, fdtrc

from testkit.errors import InputError
from testkit.stats import domain
from testkit.stats.counts import TwoByTwo, tables
from testkit.stats.effects import restricted_variance, stratified_z
from testkit.stats.hypergeometric import IncrementLaw, margins_of
from testkit.stats.odds import mantel_haenszel_odds_ratio, rates_at_odds_ratio
from testkit.stats.roots import bracketed_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "SMALLEST_CELL",
    "Homogeneity",
    "difference_homogeneity",
    "mean_homogeneity",
    "odds_ratio_homogeneity",
]

SMALLEST_CELL: Final = 5.0
"""Expected count of a cell below which a chi-square is not trusted (Cochran 1954)."""

_MOST_SPLITS: Final = 300_000
_DRAWS: Final = 19_999
# Two splits with the same probability differ in the last digits; R's fisher.test allows the same.
_TIE: Final = 1e-7
_ONE_SEGMENT: Final = "fewer than two segments say anything about the effect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Homogeneity:
    """A test that the effect is the same in all segments.

    Attributes:
        scale: ``odds-ratio``, ``difference`` (of rates) or ``mean`` (difference of means).
        method: Name of the test, as a report prints it.
        statistic: Its statistic; None for the exact test and where there is no test.
        df: Segments that say something, less one.
        p_value: p-value against "the same in all"; None with ``note``.
        common: The common effect on the scale; None where it is not finite or unknown.
        note: Why there is no p-value; else empty.
    """

    scale: Literal["odds-ratio", "difference", "mean"]
    method: str
    statistic: float | None
    df: int
    p_value: float | None
    common: float | None
    note: str = ""


def odds_ratio_homogeneity(strata: Sequence[TwoByTwo], *, seed: int = 0) -> Homogeneity:
    """Test that the odds ratio is the same in every stratum.

    Segments without successes, or without failures, say nothing and are left out.

    Args:
        strata: One table a segment, at least one.
        seed: Of the draws that stand in for the exact sum where it has more than 300,000 terms, a
            whole number >= 0; the p-value from draws is valid, not approximate.

    Returns:
        Breslow-Day's test with Tarone's correction; Zelen's exact test when an expected cell, at
        the common odds ratio, is below 5.

    Raises:
        InputError: No strata, or a seed that is not a whole number >= 0.

    References:
        Breslow & Day (1980), section 4.4; Tarone (1985), Biometrika 72, 91-95; Zelen (1971),
        Biometrika 58, 129-137; for p-values from draws Besag & Clifford (1989), Biometrika 76,
        633-642.

    Examples:
        >>> found = odds_ratio_homogeneity([
        ...     TwoByTwo(successes_control=20, n_control=1000, successes_arm=40, n_arm=1000),
        ...     TwoByTwo(successes_control=50, n_control=1000, successes_arm=45, n_arm=1000)])
        >>> found.method, round(found.statistic, 3), round(found.p_value, 4)
        ('Breslow-Day, Tarone', 5.688, 0.0171)
    """
    checked = tables(strata)
    domain.whole(seed, "seed", at_least=0)
    telling = [t for t in checked if 0 < t.successes < t.n]
    df = max(0, len(telling) - 1)
    if df == 0:
        return _none("odds-ratio", _ONE_SEGMENT)
    ratio = mantel_haenszel_odds_ratio(telling).estimate
    fitted = [_cells_at(table, ratio) for table in telling] if ratio else []
    if ratio is None or not fitted or _too_small(min(map(min, fitted))):
        return Homogeneity(
            scale="odds-ratio",
            method="Zelen, exact",
            statistic=None,
            df=df,
            p_value=_zelen(telling, start=ratio or 1.0, seed=seed),
            common=ratio,
        )
    apart = np.array([t.successes_arm - cells[0] for t, cells in zip(telling, fitted, strict=True)])
    variance = np.array([1.0 / math.fsum(1.0 / cell for cell in cells) for cells in fitted])
    # Tarone: the Mantel-Haenszel ratio is not the most likely one, so the distances do not add up
    # to 0 and their sum's share of the statistic is taken off.
    statistic = float((apart**2 / variance).sum() - apart.sum() ** 2 / variance.sum())
    return Homogeneity(
        scale="odds-ratio",
        method="Breslow-Day, Tarone",
        statistic=statistic,
        df=df,
        p_value=float(chdtrc(df, max(0.0, statistic))),
        common=ratio,
    )


def difference_homogeneity(strata: Sequence[TwoByTwo]) -> Homogeneity:
    """Test that the difference of the rates is the same in every stratum.

    Args:
        strata: One table a segment, at least one.

    Returns:
        The score test at the most likely common difference. No p-value when a cell is expected to
        hold fewer than 5 units if the arms were equal: there is no exact test on this scale.

    Raises:
        InputError: No strata.
        ConvergenceError: The common difference was not found.

    References:
        Gart & Nam (1990), Biometrics 46, 637-643 (score tests for differences in several tables);
        Cochran (1954), Biometrics 10, 417-451, for the smallest cell.

    Examples:
        >>> found = difference_homogeneity([
        ...     TwoByTwo(successes_control=20, n_control=1000, successes_arm=40, n_arm=1000),
        ...     TwoByTwo(successes_control=50, n_control=1000, successes_arm=45, n_arm=1000)])
        >>> round(found.statistic, 3), round(found.p_value, 4), round(found.common, 4)
        (4.21, 0.0402, 0.0105)
    """
    checked = tables(strata)
    df = len(checked) - 1
    if df == 0:
        return _none("difference", _ONE_SEGMENT)
    if _too_small(min(_smallest_expected(table) for table in checked)):
        return _none(
            "difference",
            "a segment is expected to have fewer than 5 outcomes in an arm, and on this scale "
            "there is no exact test",
            df=df,
        )
    common = _common_difference(checked)
    variances = [restricted_variance(t, null=common, small_sample=False) for t in checked]
    statistic = math.fsum(
        (t.difference - common) ** 2 / v for t, v in zip(checked, variances, strict=True)
    )
    return Homogeneity(
        scale="difference",
        method="score",
        statistic=statistic,
        df=df,
        p_value=float(chdtrc(df, statistic)),
        common=common,
    )


def mean_homogeneity(effects: ArrayLike, se: ArrayLike, *, df: ArrayLike) -> Homogeneity:
    """Test that a difference of means is the same in every segment.

    Args:
        effects: Difference of means per segment, shape ``(segments,)``, at least two.
        se: Their standard errors, > 0, same unit and shape.
        df: Degrees of freedom of those standard errors (Satterthwaite), > 0, same shape.

    Returns:
        Welch's test: Cochran's Q, corrected for variances that were estimated.

    Raises:
        InputError: Fewer than two segments, shapes differ, NaN, or a value not above 0.

    References:
        Welch (1951), Biometrika 38, 330-336, with effects in the place of means; Cochran (1937),
        Supplement to JRSS 4, 102-118, for Q.

    Examples:
        >>> found = mean_homogeneity([1.2, 0.1, 0.4], [0.3, 0.2, 0.4], df=[200, 150, 90])
        >>> round(found.statistic, 3), round(found.p_value, 4)
        (4.644, 0.0106)
    """
    y = domain.finite_array(effects, "effects", at_least=2)
    error = domain.positive_array(se, "se", at_least=2)
    freedom = domain.positive_array(df, "df", at_least=2)
    for name, values in (("se", error), ("df", freedom)):
        if values.shape != y.shape:
            raise InputError(
                f"effects has {y.size} entries, {name} has {values.size}",
                field=name,
                value=values.size,
            )
    k = y.size
    weight = error**-2.0
    share = weight / weight.sum()
    common = float(share @ y)
    q = float((weight * (y - common) ** 2).sum())
    spread = float(((1.0 - share) ** 2 / freedom).sum())
    statistic = q / (k - 1) / (1.0 + 2.0 * (k - 2) / (k**2 - 1) * spread)
    return Homogeneity(
        scale="mean",
        method="Welch",
        statistic=statistic,
        df=k - 1,
        p_value=float(fdtrc(k - 1, (k**2 - 1) / (3.0 * spread), statistic)),
        common=common,
    )


def _none(
    scale: Literal["odds-ratio", "difference", "mean"], note: str, *, df: int = 0
) -> Homogeneity:
    return Homogeneity(
        scale=scale, method="none", statistic=None, df=df, p_value=None, common=None, note=note
    )


def _cells_at(table: TwoByTwo, odds_ratio: float) -> tuple[float, float, float, float]:
    """Expected successes and failures of the arm, then of the control."""
    control, arm = rates_at_odds_ratio(
        n_control=table.n_control,
        n_arm=table.n_arm,
        successes=table.successes,
        odds_ratio=odds_ratio,
    )
    return (
        table.n_arm * arm,
        table.n_arm * (1.0 - arm),
        table.n_control * control,
        table.n_control * (1.0 - control),
    )


def _too_small(expected: float) -> bool:
    """Whether a cell is below the limit by more than rounding, which depends on the order."""
    return expected < SMALLEST_CELL * (1.0 - 1e-9)


def _smallest_expected(table: TwoByTwo) -> float:
    rate = table.successes / table.n
    return min(table.n_arm, table.n_control) * min(rate, 1.0 - rate)


def _common_difference(strata: Sequence[TwoByTwo]) -> float:
    """The most likely difference that all strata share: where the scores add up to 0."""

    def total(null: float) -> float:
        return math.fsum(
            (t.difference - null) / restricted_variance(t, null=null, small_sample=False)
            for t in strata
        )

    differences = [t.difference for t in strata]
    low, high = min(differences), max(differences)
    if low == high:
        return low
    # The likelihood may be nearly flat far out; from the pooled difference the root is close.
    centre = stratified_z(strata).difference
    return bracketed_root(
        total, low, high if total(centre) > 0 else centre, routine="difference_homogeneity"
    )


def _zelen(strata: Sequence[TwoByTwo], *, start: float, seed: int) -> float:
    """Chance of a split over segments that is no more probable than the one seen."""
    laws = [IncrementLaw([margins_of(t)]) for t in strata]
    # Given the sum the law is the same at every odds ratio; near the data nothing underflows.
    theta = math.log(start)
    with np.errstate(divide="ignore"):
        logs = [np.log(law.probabilities(theta)) for law in laws]
    order = np.argsort([len(p) for p in logs], kind="stable")
    logs = [logs[i] for i in order]
    seen = [strata[i].successes_arm - laws[i].lowest for i in order]
    terms = math.prod(len(p) for p in logs[:-1])
    ordered = (
        _every_split(logs, sum(seen))
        if terms <= _MOST_SPLITS
        else _drawn_splits(logs, sum(seen), np.random.default_rng(seed))
    )
    own = math.fsum(float(p[x]) for p, x in zip(logs, seen, strict=True))
    if terms <= _MOST_SPLITS:
        chance = np.exp(ordered - ordered.max())
        return float(chance[ordered <= own + _TIE].sum() / chance.sum())
    return float((1 + (ordered <= own + _TIE).sum()) / (1 + ordered.size))


def _every_split(logs: Sequence[Floats], total: int) -> Floats:
    """Log probabilities, up to a constant, of all splits of ``total`` over the segments."""
    sums, chance = np.zeros(1, dtype=np.int64), np.zeros(1)
    for log in logs[:-1]:
        sums = (sums[:, None] + np.arange(len(log))).ravel()
        chance = (chance[:, None] + log).ravel()
    rest = total - sums
    fits = (rest >= 0) & (rest < len(logs[-1]))
    return np.asarray(chance[fits] + logs[-1][rest[fits]])


def _drawn_splits(logs: Sequence[Floats], total: int, rng: np.random.Generator) -> Floats:
    """The same for splits drawn from their law, segment by segment."""
    masses = [np.exp(log) for log in logs]
    behind = [masses[-1]]
    for mass in reversed(masses[1:-1]):
        behind.append(np.convolve(mass, behind[-1]))
    behind.reverse()
    rest = np.full(_DRAWS, total, dtype=np.int64)
    chance = np.zeros(_DRAWS)
    for mass, log, after in zip(masses[:-1], logs[:-1], behind, strict=True):
        taken = np.zeros_like(rest)
        for left in np.unique(rest):
            here = rest == left
            low, high = max(0, int(left) - len(after) + 1), min(len(mass) - 1, int(left))
            split = np.arange(low, high + 1)
            steps = np.cumsum(mass[split] * after[left - split])
            taken[here] = low + np.searchsorted(
                steps, rng.random(int(here.sum())) * steps[-1], side="right"
            )
        chance += log[taken]
        rest -= taken
    return np.asarray(chance + logs[-1][rest])
