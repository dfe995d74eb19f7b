r"""Partial pooling: effects of a few groups, each drawn towards what they have in common.

For groups of *one* test (segments, channels, chapters) that were measured side by side. For past
tests as a prior of new ones see :mod:`testkit.stats.shrink`, which wants five of them; here two
groups are enough, because the prior on how much they differ is proper.

Theory of operation. Group i shows :math:`y_i` with a known variance :math:`v_i`; its true effect is
normal around a common mean :math:`\mu` with variance :math:`\tau^2`. Plugging in one estimate of
:math:`\tau^2` makes intervals too short, above all when the estimate is 0, which with a few groups
it is half of the time. So :math:`\tau^2` is integrated out: flat prior on :math:`\mu`, uniform
prior on the shrinkage :math:`B = v_0 / (v_0 + \tau^2)` with :math:`v_0` the harmonic mean of
the :math:`v_i`. That prior is proper, has no scale to be chosen, and says beforehand that a typical
group is as likely to be pooled by more than half as by less.

What must not live here: tests of whether groups differ, and words about it
(:mod:`testkit.stats.segments`).

References:
    Daniels (1999), Canadian Journal of Statistics 27(3), 567-578 (the uniform shrinkage prior);
    Morris (1983), JASA 78, 47-55 (intervals that allow for an estimated variance); Rubin (1981),
    Journal of Educational Statistics 6, 377-401 (the eight schools).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtr

from testkit.errors import InputError
from testkit.stats import domain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["PartiallyPooled", "PooledGroup", "partially_pooled"]

_NODES: Final = 200
"""Gauss-Legendre nodes on the shrinkage: nine digits of an effect, three of tau's quantiles."""

_STEPS: Final = 60
"""Halvings of a quantile's bracket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledGroup:
    """One group's effect in the light of all groups.

    Attributes:
        observed: The effect as the group alone shows it; None for a group that says nothing.
        effect: Posterior mean of its true effect.
        low: Lower end of the central interval.
        high: Upper end.
        pooled_share: How much of the effect comes from the other groups, from 0 (own data only) to
            1 (none of its own).
    """

    observed: float | None
    effect: float
    low: float
    high: float
    pooled_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartiallyPooled:
    """Effects of all groups, and what is common to them.

    Attributes:
        groups: One result per group, in the order given.
        mean: Posterior mean of the common mean.
        mean_low: Lower end of its central interval.
        mean_high: Upper end.
        tau: Posterior median of the standard deviation of true effects between groups.
        tau_low: Lower end of its central interval.
        tau_high: Upper end.
        level: Level of all intervals.
    """

    groups: tuple[PooledGroup, ...]
    mean: float
    mean_low: float
    mean_high: float
    tau: float
    tau_low: float
    tau_high: float
    level: float


def partially_pooled(
    effects: Sequence[float | None], se: Sequence[float | None], *, level: float = 0.95
) -> PartiallyPooled:
    """Effects of a few groups, drawn towards their common mean as far as the data ask for.

    Args:
        effects: One effect per group on an additive scale, shape ``(groups,)``; None for a group
            that says nothing (no outcome in either arm): it gets what the others predict for it.
        se: Their standard errors, same unit, > 0, None where the effect is; made without the
            effect's own luck where possible.
        level: Level of the intervals, in (0, 1).

    Returns:
        Shrunken effects with intervals that allow for not knowing how much groups differ.

    Raises:
        InputError: Fewer than two groups that say something, shapes differ, NaN, or a standard
            error not above 0.

    References:
        Daniels (1999), Canadian Journal of Statistics 27(3), 567-578, the uniform shrinkage prior;
        given tau the posterior is that of Lindley & Smith (1972), JRSS B 34, 1-41. Coverage is
        measured in docs/statistics/segments.md.

    Examples:
        >>> found = partially_pooled([0.30, 0.05, -0.10], [0.10, 0.10, 0.10])
        >>> [round(group.effect, 3) for group in found.groups]
        [0.21, 0.064, -0.024]
    """
    y, v = _checked(effects, se)
    tail = (1.0 - domain.probability(level, "level")) / 2.0
    said = np.isfinite(v)
    typical = 1.0 / float((1.0 / v[said]).mean())
    shrinkage, step = _shrinkages()
    tau2 = typical * (1.0 - shrinkage) / shrinkage
    weight = 1.0 / (v[said] + tau2[:, None])
    total = weight.sum(axis=1)
    centre = (weight * y[said]).sum(axis=1) / total
    apart = (weight * (y[said] - centre[:, None]) ** 2).sum(axis=1)
    log_density = 0.5 * (np.log(weight).sum(axis=1) - np.log(total) - apart)
    chance = step * np.exp(log_density - log_density.max())
    chance /= chance.sum()

    # A group without data has an infinite variance: all of it comes from the others.
    with np.errstate(invalid="ignore"):
        kept = np.where(said, tau2[:, None] / (tau2[:, None] + v), 0.0)
    own = np.where(said, y, 0.0)
    means = kept * own + (1.0 - kept) * centre[:, None]
    variances = np.where(said, kept * np.where(said, v, 1.0), tau2[:, None])
    sds = np.sqrt(variances + (1.0 - kept) ** 2 / total[:, None])
    groups = tuple(
        PooledGroup(
            observed=float(y[i]) if said[i] else None,
            effect=float(chance @ means[:, i]),
            low=_quantile(tail, chance, means[:, i], sds[:, i]),
            high=_quantile(1.0 - tail, chance, means[:, i], sds[:, i]),
            pooled_share=float(chance @ (1.0 - kept[:, i])),
        )
        for i in range(y.size)
    )
    spread = np.sqrt(1.0 / total)
    taus = [_weighted_quantile(q, chance, np.sqrt(tau2)) for q in (0.5, tail, 1.0 - tail)]
    return PartiallyPooled(
        groups=groups,
        mean=float(chance @ centre),
        mean_low=_quantile(tail, chance, centre, spread),
        mean_high=_quantile(1.0 - tail, chance, centre, spread),
        tau=taus[0],
        tau_low=taus[1],
        tau_high=taus[2],
        level=level,
    )


@functools.cache
def _shrinkages() -> tuple[Floats, Floats]:
    """Nodes on the shrinkage with their weights, up to a factor."""
    nodes, step = np.polynomial.legendre.leggauss(_NODES)
    # Groups far apart leave their posterior next to 0, so the nodes are crowded there: B = u^4.
    at = 0.5 * (nodes + 1.0)
    return at**4, step * at**3


def _checked(effects: Sequence[float | None], se: Sequence[float | None]) -> tuple[Floats, Floats]:
    """Effects and variances; a group that says nothing has effect NaN and variance infinity."""
    if len(effects) != len(se):
        raise InputError(
            f"effects has {len(effects)} entries, se has {len(se)}", field="se", value=len(se)
        )
    y = np.full(len(effects), np.nan)
    v = np.full(len(effects), np.inf)
    for i, (effect, error) in enumerate(zip(effects, se, strict=True)):
        if (effect is None) is not (error is None):
            raise InputError(
                f"effects[{i}] and se[{i}] must both be numbers or both be None",
                field=f"se[{i}]",
                value=error,
            )
        if effect is not None and error is not None:
            y[i] = domain.finite(effect, f"effects[{i}]")
            v[i] = domain.positive(error, f"se[{i}]") ** 2
    if np.isfinite(v).sum() < 2:
        raise InputError(
            "partial pooling takes at least two groups that say something",
            field="effects",
            value=list(effects),
            hint="read the overall effect",
        )
    return y, v


def _quantile(q: float, chance: Floats, means: Floats, sds: Floats) -> float:
    """Quantile of a mixture of normals, by bisection."""
    reach = 40.0
    low, high = float((means - reach * sds).min()), float((means + reach * sds).max())
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if float(chance @ ndtr((middle - means) / sds)) < q:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _weighted_quantile(q: float, chance: Floats, values: Floats) -> float:
    """Quantile of weighted points, linear between the middles of their weights."""
    order = np.argsort(values)
    reached = np.cumsum(chance[order]) - 0.5 * chance[order]
    return float(np.interp(q, reached, values[order]))
