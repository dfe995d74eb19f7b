"""Effects when whole groups were assigned: chapters, precincts, offices, households.

What lives here: the difference of means per person with clusters as the randomised units. What
must not: regression with clusters (:func:`testkit.stats.regression.least_squares`).

Theory of operation. What was randomised is what varies: ten thousand members in twelve chapters
are twelve observations. From 20 clusters per arm a jackknife over clusters gives a standard
error. Below, its t distribution cannot be trusted, so the assignment itself is the yardstick: the
test statistic is recomputed under every other assignment that the lottery could have made. Where
even the most extreme result would not be significant, the answer is refused rather than given.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from testkit.errors import InputError
from testkit.stats.domain import finite_array, probability, whole
from testkit.stats.means import MeanEffect, satterthwaite

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MIN_CLUSTERS", "ClusterEffect", "Clusters", "cluster_effect", "design_effect"]

MIN_CLUSTERS: Final = 20
"""Clusters per arm from which the jackknife's t interval is used."""

_MOST_EXACT: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """The clusters of one arm.

    Attributes:
        units: People per cluster, > 0, shape (clusters,).
        totals: Sum of the outcome per cluster, shape (clusters,).

    Raises:
        InputError: Lengths differ, a value is not finite, or a cluster is empty.
    """

    units: tuple[float, ...]
    totals: tuple[float, ...]

    def __post_init__(self) -> None:
        units, totals = finite_array(self.units, "units"), finite_array(self.totals, "totals")
        if units.size != totals.size:
            raise InputError(
                f"{units.size} sizes and {totals.size} totals", field="totals", value=totals.size
            )
        if (units <= 0).any():
            raise InputError("a cluster is empty", field="units", value=units.tolist())

    @property
    def mean(self) -> float:
        """Mean of the outcome per person."""
        return math.fsum(self.totals) / math.fsum(self.units)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEffect:
    """Effect per person with the method that its number of clusters allows.

    Attributes:
        effect: The difference of means per person. Under ``permutation`` it has a p-value and an
            interval but no standard error; under ``refused`` only the estimate.
        method: ``jackknife``, ``permutation`` or ``refused``.
        clusters: Clusters in control and treatment.
        assignments: Assignments compared under ``permutation``; 0 otherwise.
        exact: Whether these were all that the lottery could have made.
    """

    effect: MeanEffect
    method: Literal["jackknife", "permutation", "refused"]
    clusters: tuple[int, int]
    assignments: int = 0
    exact: bool = False


def design_effect(*, control: Clusters, treatment: Clusters) -> float:
    """How many people of whole clusters are worth one person who was assigned alone.

    Counts of a yes-or-no outcome divided by it may be read as if everybody had been assigned alone.

    Args:
        control: Clusters of the control arm; totals are the people who did it, at least 2 clusters.
        treatment: Clusters of the treatment arm, likewise.

    Returns:
        Variance of the difference of rates with clusters, over the one without; at least 1. Where
        nobody or everybody did it there is no variance to compare, and it is the most that it can
        be: the cluster size that the average person lives in.

    Raises:
        InputError: An arm has fewer than 2 clusters, or a total outside of 0 to its size.

    References:
        Rao & Scott (1992), A simple method for the analysis of clustered binary data, Biometrics
        48, 577-585.

    Examples:
        >>> pairs = Clusters(units=(2, 2, 2, 2), totals=(0, 2, 2, 0))
        >>> round(design_effect(control=pairs, treatment=pairs), 3)
        2.667
    """
    clustered = alone = squares = people = 0.0
    for name, arm in (("control", control), ("treatment", treatment)):
        units, totals = np.asarray(arm.units, float), np.asarray(arm.totals, float)
        if units.size < 2:
            raise InputError(f"{name} has {units.size} clusters", field=name, value=units.size)
        if (totals < 0).any() or (totals > units).any():
            raise InputError(
                f"a cluster of {name} has a total that is no number of its people",
                field=name,
                value=totals.tolist(),
            )
        rate = arm.mean
        left = totals - rate * units
        n = float(units.sum())
        clustered += units.size / (units.size - 1) * float(left @ left) / n**2
        alone += rate * (1 - rate) / n
        squares += float(units @ units)
        people += n
    return max(1.0, clustered / alone) if alone > 0 else squares / people


def cluster_effect(
    *,
    control: Clusters,
    treatment: Clusters,
    alpha: float = 0.05,
    rng: np.random.Generator | None = None,
    draws: int = 9_999,
) -> ClusterEffect:
    """Difference of means per person when clusters were randomised.

    Args:
        control: Clusters of the control arm.
        treatment: Clusters of the treatment arm.
        alpha: Total error of the interval, 0 < alpha < 1.
        rng: Source of random assignments; needed only below 20 clusters in an arm when there are
            more than 20,000 assignments to list.
        draws: Random assignments in that case, >= 999.

    Returns:
        The effect; the permutation interval holds for an effect that is the same for everybody.

    Raises:
        InputError: ``alpha`` outside (0, 1), too few draws, or ``rng`` missing where needed.

    References:
        Hansen (2022), Jackknife standard errors for clustered regression, on the jackknife;
        Gail, Mark, Carroll, Green & Pee (1996), Statistics in Medicine 15(11), 1069-1092, on
        permutation of clusters; Phipson & Smyth (2010), Statistical Applications in Genetics and
        Molecular Biology 9(1), for random assignments counting the observed one.

    Examples:
        >>> a = Clusters(units=(10, 10, 10, 10), totals=(1, 2, 1, 2))
        >>> b = Clusters(units=(10, 10, 10, 10), totals=(5, 6, 5, 7))
        >>> result = cluster_effect(control=a, treatment=b)
        >>> result.method, result.assignments, round(result.effect.p_value, 4)
        ('permutation', 70, 0.0286)
    """
    probability(alpha, "alpha")
    counts = (len(control.units), len(treatment.units))
    if min(counts) >= MIN_CLUSTERS:
        return ClusterEffect(
            effect=_jackknife_effect(control, treatment, alpha), method="jackknife", clusters=counts
        )
    possible = math.comb(sum(counts), counts[1])
    # Two-sided, the observed assignment and (with equal arms) its mirror image always count.
    smallest_p = (2 if counts[0] == counts[1] else 1) / possible
    if smallest_p > alpha:
        return ClusterEffect(
            effect=_only_estimate(
                control,
                treatment,
                alpha,
                f"{counts[0]} and {counts[1]} clusters allow {possible} assignments, so no result "
                f"could have a p-value below {smallest_p:.2g}",
            ),
            method="refused",
            clusters=counts,
        )
    exact = possible <= _MOST_EXACT
    if exact:
        chosen = _every_assignment(sum(counts), counts)
    else:
        whole(draws, "draws", at_least=999)
        if rng is None:
            raise InputError(
                f"{possible} assignments are too many to list",
                field="rng",
                value=None,
                hint="pass rng=numpy.random.default_rng(seed) with the plan's seed",
            )
        chosen = _random_assignments(sum(counts), counts[1], draws, rng)
    return ClusterEffect(
        effect=_permutation_effect(control, treatment, chosen, alpha),
        method="permutation",
        clusters=counts,
        assignments=len(chosen),
        exact=exact,
    )


def _jackknife_effect(control: Clusters, treatment: Clusters, alpha: float) -> MeanEffect:
    parts = []
    for arm in (control, treatment):
        units, totals = np.asarray(arm.units), np.asarray(arm.totals)
        groups = units.size
        without = (totals.sum() - totals) / (units.sum() - units)
        moves = without - arm.mean
        parts.append(((groups - 1) / groups * float(moves @ moves), groups - 1))
    return MeanEffect.from_t(
        scale="difference",
        control=control.mean,
        treatment=treatment.mean,
        estimate=treatment.mean - control.mean,
        se=math.sqrt(parts[0][0] + parts[1][0]),
        df=satterthwaite(*parts),
        alpha=alpha,
    )


def _permutation_effect(
    control: Clusters, treatment: Clusters, chosen: NDArray[np.bool_], alpha: float
) -> MeanEffect:
    """Randomisation test, inverted in closed form.

    Subtracting a constant effect d from everybody treated turns the statistic of an assignment
    into a - d b, with a its difference of means and b its difference of treated shares; the
    observed one becomes T - d. ``|a - d b| >= |T - d|`` holds on an interval of d around T,
    because |b| <= 1. So p(d) rises up to T and falls after it, and the confidence limits are
    order statistics of those intervals' ends.
    """
    units = np.array([*control.units, *treatment.units])
    totals = np.array([*control.totals, *treatment.totals])
    exposed = units * (np.arange(units.size) >= len(control.units))
    observed = treatment.mean - control.mean
    treated_units = chosen @ units
    rest_units = units.sum() - treated_units
    a = chosen @ totals / treated_units - (totals.sum() - chosen @ totals) / rest_units
    b = chosen @ exposed / treated_units - (exposed.sum() - chosen @ exposed) / rest_units
    # Equal statistics must count as equal however the sums were rounded.
    scale = float(np.abs(totals / units).max())
    slack = 1e-9 * scale
    at_zero = np.abs(a) >= abs(observed) - slack
    ends = np.array(
        [
            _interval_where_larger(a_w, b_w, observed)
            for a_w, b_w in zip(a.tolist(), b.tolist(), strict=True)
        ]
    )
    # A limit is the innermost end that still leaves more than alpha of the assignments outside.
    skip = math.floor(alpha * len(ends) + 1e-9)
    low = float(np.sort(ends[:, 0])[skip])
    high = float(np.sort(ends[:, 1])[::-1][skip])
    unbounded = not (math.isfinite(low) and math.isfinite(high))
    reason = f"a randomisation test of {len(ends)} assignments has no standard error"
    if unbounded:
        reason += "; too few clusters for a finite interval"
    return MeanEffect(
        scale="difference",
        control=control.mean,
        treatment=treatment.mean,
        estimate=observed,
        se=None,
        df=None,
        statistic=None,
        p_value=float(at_zero.mean()),
        interval=None if unbounded else (low, high),
        confidence=1 - alpha,
        alternative="two-sided",
        reason=reason,
    )


def _interval_where_larger(a: float, b: float, observed: float) -> tuple[float, float]:
    # ((a - T) + d (1 - b)) ((a + T) - d (1 + b)) >= 0, an interval that holds d = T.
    left_slope, right_slope = 1 - b, 1 + b
    ends = []
    if left_slope > 1e-12:
        ends.append((observed - a) / left_slope)
    if right_slope > 1e-12:
        ends.append((observed + a) / right_slope)
    if left_slope <= 1e-12 or right_slope <= 1e-12:
        # The observed assignment or its mirror image: equal for every d.
        return -math.inf, math.inf
    low, high = min(ends), max(ends)
    return min(low, observed), max(high, observed)


def _every_assignment(clusters: int, counts: tuple[int, int]) -> NDArray[np.bool_]:
    rows = np.zeros((math.comb(clusters, counts[1]), clusters), dtype=np.bool_)
    for row, members in zip(rows, itertools.combinations(range(clusters), counts[1]), strict=True):
        row[list(members)] = True
    return rows


def _random_assignments(
    clusters: int, treated: int, draws: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    rows = np.zeros((draws + 1, clusters), dtype=np.bool_)
    # The observed assignment is one of those that the lottery could have made.
    rows[0, clusters - treated :] = True
    for row in rows[1:]:
        row[rng.permutation(clusters)[:treated]] = True
    return rows


def _only_estimate(control: Clusters, treatment: Clusters, alpha: float, reason: str) -> MeanEffect:
    return MeanEffect.undefined(
        scale="difference",
        control=control.mean,
        treatment=treatment.mean,
        estimate=treatment.mean - control.mean,
        alpha=alpha,
        reason=reason,
    )
