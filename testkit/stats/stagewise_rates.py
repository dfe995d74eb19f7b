r"""Stage-wise results of the z engine as differences of rates: they agree with the decision.

Theory of operation. :func:`testkit.stats.inference.stagewise` gives limits for the drift
:math:`\theta` per root of information. Multiplying them with one standard error, as a report would,
takes the pooled variance for the variance at every difference; with unequal arms and a large effect
the interval is then too short on one side (measured: 93.5 % at 75 to 25). So each limit is read as
the score that it is: a test that ends at z leaves :math:`\theta` out when :math:`z - \theta
\sqrt I` is beyond a value c. The difference with the Miettinen-Nurminen score c is the limit in
points. At no difference that score *is* the z that was decided on, so a limit lies on the same side
of 0 on both scales.

What must not live here: the limits on the drift, and intervals of running tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.stats.counts import TwoByTwo, tables
from testkit.stats.domain import positive
from testkit.stats.effects import decreasing_root, restricted_variance, standardised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.stats.inference import StagewiseInference

__all__ = ["StagewiseDifference", "stagewise_difference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagewiseDifference:
    """A stage-wise result in points.

    Attributes:
        low: Lower end of the interval of the difference, arm minus control, in [-1, 1].
        high: Upper end.
        estimate: Median-unbiased estimate.
        level: Coverage of the interval.
    """

    low: float
    high: float
    estimate: float
    level: float


def stagewise_difference(
    strata: Sequence[TwoByTwo], *, found: StagewiseInference, information: float
) -> StagewiseDifference:
    """Limits and estimate of a stage-wise result as differences of rates.

    Args:
        strata: Counts at the look where the test stopped: one table for a pooled z
            (:func:`testkit.stats.effects.risk_difference`), one a wave for a stratified one
            (:func:`testkit.stats.effects.stratified_z`).
        found: The result for that z.
        information: Information at that look in the unit that ``found`` was worked out with, > 0.

    Returns:
        Interval and estimate. The interval leaves out 0 exactly when that of ``found`` does.

    Raises:
        InputError: No strata, or ``information`` is not above 0.
        ConvergenceError: A limit was not found.

    References:
        Tsiatis, Rosner & Mehta (1984), Biometrics 40(3), 797-803 (the order); Miettinen & Nurminen
        (1985), Statistics in Medicine 4, 213-226 (the score), here without the factor N/(N-1).

    Examples:
        >>> from testkit.stats.inference import stagewise
        >>> table = TwoByTwo(successes_control=120, n_control=3000, successes_arm=65, n_arm=1000)
        >>> found = stagewise(information=[750.0, 1500.0], upper=[2.963, 1.969],
        ...                   lower=[-2.963, -1.969], z=3.268, look=1)
        >>> result = stagewise_difference([table], found=found, information=750.0)
        >>> round(result.low, 4), round(result.estimate, 4), round(result.high, 4)
        (0.0094, 0.0251, 0.0433)
    """
    checked = tables(strata)
    root = math.sqrt(positive(information, "information"))
    weights = [t.n_arm * t.n_control / t.n for t in checked]
    total = math.fsum(weights)
    centre = math.fsum(w * t.difference for w, t in zip(weights, checked, strict=True)) / total

    def score(null: float) -> float:
        variance = math.fsum(
            w * w * restricted_variance(t, null=null, small_sample=False)
            for w, t in zip(weights, checked, strict=True)
        )
        return standardised(total * (centre - null), variance)

    z = score(0.0)

    def difference(theta: float) -> float:
        wanted = z - theta * root
        return decreasing_root(lambda d: score(d) - wanted, -1.0, 1.0)

    return StagewiseDifference(
        low=difference(found.low),
        high=difference(found.high),
        estimate=difference(found.estimate),
        level=found.level,
    )
