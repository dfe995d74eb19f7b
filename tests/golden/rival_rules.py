"""Stopping rules that other systems document, as functions of simulated counts.

They are here to be compared with, not to be used: each formula is written from the public
documentation or paper named beside it, so that the simulated reference numbers can be reproduced
without those systems. Ours live in :mod:`testkit.stats`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaln, ndtri, xlogy

from testkit.stats.simulate import Counts, Crossings, Rule, z_statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def beyond(statistic: Floats, reach: Floats | float) -> Crossings:
    """Cross where the statistic leaves (-reach, reach)."""
    return Crossings(upper=statistic >= reach, lower=statistic <= -reach)


def naive_z(counts: Counts) -> Crossings:
    """|z| >= 1.96 at every look."""
    return beyond(z_statistics(counts), 1.959963984540054)


def fixed_z(counts: Counts) -> Crossings:
    """|z| >= 1.96 at the last look only."""
    reach = np.full(counts.schedule.looks, np.inf)
    reach[-1] = 1.959963984540054
    return beyond(z_statistics(counts), reach)


def difference(counts: Counts) -> tuple[Floats, Floats]:
    """Difference of rates and its unpooled standard error."""
    n_a, n_b = counts.n_control, counts.n_treatment
    a, b = counts.control / n_a, counts.treatment / n_b
    return b - a, np.sqrt(a * (1 - a) / n_a + b * (1 - b) / n_b)


def chance_to_beat(counts: Counts) -> Crossings:
    """Flat priors on both rates, stop when P(one arm better) > 95 % (normal posterior)."""
    centre, se = difference(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        return beyond(centre / se, float(ndtri(0.95)))


def relative(counts: Counts) -> tuple[Floats, Floats]:
    """Lift b/a - 1 and its delta-method standard error."""
    n_a, n_b = counts.n_control, counts.n_treatment
    a, b = counts.control / n_a, counts.treatment / n_b
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = b / a - 1
        spread = b * (1 - b) / (n_b * a**2) + b**2 * a * (1 - a) / (n_a * a**4)
    return lift, np.sqrt(spread)


def asymptotic_cs(
    *, tuned: float, alpha: float = 0.05, lift: bool = False, guard: str = "none"
) -> Rule:
    """Asymptotic confidence sequence as GrowthBook documents it (arXiv 2103.06476).

    rho^2 = (-2 log alpha + log(-2 log alpha + 1)) / N*, N = both arms' recipients.
    """
    square = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / tuned

    def rule(counts: Counts) -> Crossings:
        n = counts.n_control + counts.n_treatment
        centre, se = relative(counts) if lift else difference(counts)
        x = n * square + 1
        reach = se * np.sqrt(2 * x / (n * square) * np.log(np.sqrt(x) / alpha))
        with np.errstate(invalid="ignore"):
            up, down = centre - reach > 0, centre + reach < 0
        # a lift needs a conversion in both arms before it has an interval
        ready = allowed(counts, "both arms>0 conv" if lift and guard == "none" else guard)
        ready = ready & np.isfinite(centre)
        return Crossings(upper=up & ready, lower=down & ready)

    return rule


def allowed(counts: Counts, guard: str) -> NDArray[np.bool_]:
    """Looks at which a guard lets a system decide."""
    low = np.minimum(counts.control, counts.treatment)
    if guard == "none":
        return np.ones_like(low, dtype=bool)
    if guard == "both arms>0 conv":
        return low > 0
    if guard == ">=25 conv per arm (Amplitude)":
        return low >= 25
    if guard == ">=150 conv in either arm":
        return np.maximum(counts.control, counts.treatment) >= 150
    raise AssertionError(guard)


def howard(*, tuned: float, alpha: float = 0.05) -> Rule:
    """Normal-mixture boundary as Eppo documents it (Howard et al. 2021)."""
    nu = tuned / (math.log(math.log(math.e * alpha**-2)) - 2 * math.log(alpha))

    def rule(counts: Counts) -> Crossings:
        n = counts.n_control + counts.n_treatment
        centre, se = difference(counts)
        reach = se * np.sqrt((n + nu) / n * np.log((n + nu) / (nu * alpha**2)))
        return Crossings(upper=centre > reach, lower=centre < -reach)

    return rule


def hybrid(*, tuned: float, alpha: float = 0.05) -> Rule:
    """Half of alpha on the sequence, half on a fixed test at the end (Eppo's hybrid)."""
    sequence = howard(tuned=tuned, alpha=alpha / 2)

    def rule(counts: Counts) -> Crossings:
        found = sequence(counts)
        reach = np.full(counts.schedule.looks, np.inf)
        reach[-1] = -float(ndtri(alpha / 4))
        centre, se = difference(counts)
        return Crossings(
            upper=found.upper | (centre > reach * se), lower=found.lower | (centre < -reach * se)
        )

    return rule


def signed(e: Floats, counts: Counts, limit: float) -> Crossings:
    """Cross where evidence reaches the limit, on the side of the observed difference."""
    up = counts.treatment / counts.n_treatment >= counts.control / counts.n_control
    return Crossings(upper=(e >= limit) & up, lower=(e >= limit) & ~up)


def arm_of_conversion(*, k: float, alpha: float = 0.05) -> Rule:
    """Beta-binomial e-process on the arm of each conversion (arXiv 2011.03567), equal arms."""

    def rule(counts: Counts) -> Crossings:
        a, b = counts.control, counts.treatment
        log_e = betaln(k / 2 + a, k / 2 + b) - betaln(k / 2, k / 2) + (a + b) * math.log(2)
        return signed(log_e, counts, -math.log(alpha))

    return rule


def two_point(*, ratio: float, alpha: float = 0.05) -> Rule:
    """Half a likelihood ratio at the effect, half at its mirror image, on arms of conversions."""
    share = ratio / (1 + ratio)

    def rule(counts: Counts) -> Crossings:
        a, b = counts.control, counts.treatment
        up = b * math.log(2 * share) + a * math.log(2 * (1 - share))
        down = a * math.log(2 * share) + b * math.log(2 * (1 - share))
        return signed(np.logaddexp(up, down) - math.log(2), counts, -math.log(alpha))

    return rule


def safe_blocks(*, shape: tuple[float, float] = (0.18, 0.18), alpha: float = 0.05) -> Rule:
    """Turner-Ly-Grunwald block e-variable, each look's increment one block (arXiv 2106.02693)."""

    def rule(counts: Counts) -> Crossings:
        log_e = np.zeros(counts.control.shape)
        total = np.zeros(counts.control.shape[0])
        a0 = b0 = n0 = m0 = np.zeros(1)
        p1, p2 = shape
        for look in range(counts.schedule.looks):
            a, b = counts.control[:, look], counts.treatment[:, look]
            n, m = counts.n_control[look], counts.n_treatment[look]
            ta, tb = (p1 + a0) / (p1 + p2 + n0), (p1 + b0) / (p1 + p2 + m0)
            da, db, dn, dm = a - a0, b - b0, n - n0, m - m0
            t0 = (dn * ta + dm * tb) / (dn + dm)
            total = total + (
                xlogy(da, ta / t0)
                + xlogy(dn - da, (1 - ta) / (1 - t0))
                + xlogy(db, tb / t0)
                + xlogy(dm - db, (1 - tb) / (1 - t0))
            )
            log_e[:, look] = total
            a0, b0, n0, m0 = a, b, n, m
        return signed(log_e, counts, -math.log(alpha))

    return rule


def bayes_factor(counts: Counts, limit: float = 20.0) -> Crossings:
    """Two free rates against one common rate, all flat."""
    a, b, n, m = counts.control, counts.treatment, counts.n_control, counts.n_treatment
    log_bf = (
        betaln(1 + a, 1 + n - a) + betaln(1 + b, 1 + m - b) - betaln(1 + a + b, 1 + n + m - a - b)
    )
    return signed(log_bf, counts, math.log(limit))


def statsig(*, alpha: float = 0.05) -> Rule:
    """Mixture sequential ratio interval; mixing variance = z_{alpha/2} times the sampling variance.

    With it the interval is a constant number of standard errors, 3.575, at every look.
    """
    t = -float(ndtri(alpha / 2))
    reach = math.sqrt((1 + t) / t * (-2 * math.log(alpha / 2) + math.log(1 + t)))

    def rule(counts: Counts) -> Crossings:
        centre, se = difference(counts)
        return Crossings(upper=centre > reach * se, lower=centre < -reach * se)

    return rule
