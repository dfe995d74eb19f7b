"""The recursion under every group-sequential number: which paths arrive at a look.

Theory of operation. In the canonical joint distribution the statistic at look k is
``Z_k ~ N(drift sqrt(I_k), 1)`` and ``corr(Z_j, Z_k) = sqrt(I_j / I_k)``, so that ``Z sqrt(I)`` is
Brownian motion seen at the informations ``I_1 < I_2 < ...``. Armitage, McPherson & Rowe (1969)
integrate the sub-density of the paths that have not stopped, one look after the other.

We carry not that density but ``h_k(z)``: the chance that a path which is at z at look k has not
stopped before. Given its end a Brownian path no longer knows its drift, so one pass serves every
drift, and h lies in [0, 1], so that nothing underflows however far the bounds are out. The
sub-density at drift d is ``h_k(z) phi(z - d sqrt(I_k))``.

Integrals are 16-point Gauss-Legendre panels whose width follows the narrowest feature of the
integrand; at six feature widths to a panel the rule is exact to about 1e-14 (measured on Gaussian
times error function). Only this module knows about nodes and weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtr, ndtri

from testkit.errors import ConvergenceError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["FAR", "TAIL", "Arrival", "Passage", "checked_information", "first_arrival", "passage"]

# Standard deviations beyond which a normal tail (6e-16) is left out of an integral.
TAIL: Final = 8.0
# Standard deviations beyond which a normal density underflows: as good as infinity.
FAR: Final = 39.0
# Two looks closer than this share of their information are one look.
SMALLEST_STEP: Final = 1e-8

_ORDER: Final = 16
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(_ORDER)
_HALF_WEIGHTS = 0.5 * _WEIGHTS
_HALF_NODES = 0.5 * _NODES
_PANEL: Final = 6.0
_ROOT_2PI: Final = math.sqrt(2.0 * math.pi)
# Above this many kernel values the transition goes by blocks of rows, each with its window.
_WHOLE_KERNEL: Final = 1 << 16
_BLOCK: Final = 128
_NEWTON_STEPS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The paths that arrive at one look without having stopped before.

    Attributes:
        information: Information at this look.
        root: Its square root.
        root_before: Square root of the information at the look before; 0 at the first.
        rho: Correlation of the statistic with the look before; 0 at the first.
        tau: Its standard deviation given the look before, ``sqrt(1 - rho^2)``.
        z: Nodes at the look before, shape (nodes,); empty at the first look.
        mass: Quadrature weight times h at each node, shape (nodes,).
    """

    information: float
    root: float
    root_before: float
    rho: float
    tau: float
    z: FloatArray
    mass: FloatArray

    def above(self, bound: float, *, drift: float = 0.0) -> float:
        """Probability to arrive here and be at or above ``bound``.

        Args:
            bound: Critical value on the z scale; may be infinite.
            drift: Mean of the statistic per root information.
        """
        return self._tail(bound, drift, -1.0)

    def below(self, bound: float, *, drift: float = 0.0) -> float:
        """Probability to arrive here and be at or below ``bound``.

        Args:
            bound: Critical value on the z scale; may be infinite.
            drift: Mean of the statistic per root information.
        """
        return self._tail(bound, drift, 1.0)

    def _tail(self, bound: float, drift: float, sign: float) -> float:
        if self.z.size == 0:
            return float(ndtr(sign * (bound - drift * self.root)))
        centred = self.z - drift * self.root_before
        weight = self.mass * np.exp(-0.5 * centred * centred)
        gap = (sign / self.tau) * (bound - drift * self.root - self.rho * centred)
        return float(weight @ ndtr(gap)) / _ROOT_2PI

    def upper_for(self, spend: float, *, drift: float = 0.0) -> float:
        """The bound at or above which the arriving paths have probability ``spend``.

        The log of that probability is concave in the bound (Prekopa: h is an integral of
        log-concave functions over intervals), so Newton's method on the log, started to the right
        of the root, runs down to it without ever overshooting.

        Args:
            spend: Error to spend at this look, a probability; 0 gives infinity.
            drift: Mean of the statistic per root information.

        Raises:
            ConvergenceError: There is not that much probability left, or Newton's method failed.
        """
        if spend < 1e-300:
            return math.inf
        mean = drift * self.root
        bound = -float(ndtri(spend))
        if self.z.size == 0:
            return bound + mean
        centred = self.z - drift * self.root_before
        weight = self.mass * np.exp(-0.5 * centred * centred) / _ROOT_2PI
        arriving = float(weight.sum())
        if spend >= arriving:
            raise ConvergenceError(
                f"no bound spends {spend:.6g}: fewer paths than that arrive at this look",
                routine="upper_for",
                residual=spend - arriving,
            )
        centre = self.rho * centred
        # Right of the root, too: where they would cross if all of them came from the top.
        top = float(centre.max()) - self.tau * float(ndtri(spend / arriving))
        bound = min(bound, top)
        residual = math.inf
        for _ in range(_NEWTON_STEPS):
            gap = (bound - centre) / self.tau
            tail = float(weight @ ndtr(-gap))
            slope = float(weight @ np.exp(-0.5 * gap * gap)) / (_ROOT_2PI * self.tau)
            if tail <= 0.0 or slope <= 0.0:
                break
            residual = math.log(tail / spend)
            step = residual * tail / slope
            bound += step
            # Quadratic convergence: after a step this short the next would be below rounding.
            if abs(step) < 1e-7:
                return bound + mean
        raise ConvergenceError(
            f"no bound found that spends {spend:.6g}", routine="upper_for", residual=residual
        )

    def lower_for(self, spend: float, *, drift: float = 0.0) -> float:
        """The bound at or below which the arriving paths have probability ``spend``.

        Args:
            spend: Error to spend at this look, a probability; 0 gives minus infinity.
            drift: Mean of the statistic per root information.

        Raises:
            ConvergenceError: There is not that much probability left, or Newton's method failed.
        """
        return -replace(self, z=-self.z).upper_for(spend, drift=-drift)

    def advance(
        self,
        *,
        lower: float,
        upper: float,
        information: float,
        low: float = -TAIL,
        high: float = FAR,
    ) -> Arrival:
        """The paths that go on from here and arrive at the next look.

        Args:
            lower: Paths at or below this z stop here.
            upper: Paths at or above this z stop here.
            information: Information at the next look, above this look's.
            low: Left end of the z values that matter at this look.
            high: Right end of the z values that matter at this look.
        """
        rho = math.sqrt(self.information / information)
        tau = math.sqrt((information - self.information) / information)
        roughness = 1.0 + 1.0 / (tau * tau)
        if self.z.size:
            roughness += (self.rho / self.tau) ** 2
        start, end = max(lower, low), min(upper, high)
        if end <= start:
            # One node without mass says that nothing arrives; no node would say "first look".
            z, mass = np.zeros(1), np.zeros(1)
        else:
            panels = max(1, math.ceil((end - start) * math.sqrt(roughness) / _PANEL))
            width = (end - start) / panels
            middles = start + width * (np.arange(panels) + 0.5)
            z = (middles[:, None] + width * _HALF_NODES).ravel()
            mass = np.tile(width * _HALF_WEIGHTS, panels)
            if self.z.size:
                mass *= self._not_stopped(z)
        return Arrival(
            information=information,
            root=math.sqrt(information),
            root_before=self.root,
            rho=rho,
            tau=tau,
            z=z,
            mass=mass,
        )

    def _not_stopped(self, z: FloatArray) -> FloatArray:
        """Chance (h) that a bridge which is at ``z`` at this look has not stopped before."""
        weight = self.mass / (self.tau * _ROOT_2PI)
        if z.size * self.z.size <= _WHOLE_KERNEL:
            return self._bridge(z, self.z, weight)
        out = np.empty_like(z)
        for first in range(0, z.size, _BLOCK):
            rows = z[first : first + _BLOCK]
            margin = 9.0 * self.tau
            begin, stop = np.searchsorted(
                self.z, [self.rho * rows[0] - margin, self.rho * rows[-1] + margin]
            )
            out[first : first + _BLOCK] = self._bridge(rows, self.z[begin:stop], weight[begin:stop])
        return out

    def _bridge(self, z: FloatArray, before: FloatArray, weight: FloatArray) -> FloatArray:
        gap = np.subtract.outer((self.rho / self.tau) * z, before / self.tau)
        gap *= gap
        gap *= -0.5
        np.exp(gap, out=gap)
        return np.asarray(gap @ weight, dtype=np.float64)


def first_arrival(information: float) -> Arrival:
    """Everybody arrives at the first look.

    Args:
        information: Information at the first look, above 0.

    Returns:
        The arrival, from which probabilities at any drift can be read.

    References:
        Armitage, McPherson & Rowe (1969), JRSS A 132(2), 235-244.
    """
    return Arrival(
        information=information,
        root=math.sqrt(information),
        root_before=0.0,
        rho=0.0,
        tau=1.0,
        z=np.empty(0),
        mass=np.empty(0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A design whose bounds are known, integrated once and readable at any drift in its range.

    Attributes:
        arrivals: The paths that arrive at each look.
        lower: Lower bounds on the z scale, shape (looks,).
        upper: Upper bounds on the z scale, shape (looks,).
    """

    arrivals: tuple[Arrival, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]

    def upper_exits(self, drift: float) -> FloatArray:
        """Probability to cross the upper bound first at each look, shape (looks,).

        Args:
            drift: Mean of the statistic per root information.
        """
        pairs = zip(self.arrivals, self.upper, strict=True)
        return np.array([a.above(b, drift=drift) for a, b in pairs])

    def lower_exits(self, drift: float) -> FloatArray:
        """Probability to cross the lower bound first at each look, shape (looks,).

        Args:
            drift: Mean of the statistic per root information.
        """
        pairs = zip(self.arrivals, self.lower, strict=True)
        return np.array([a.below(b, drift=drift) for a, b in pairs])


def passage(
    *,
    information: Sequence[float],
    lower: Sequence[float],
    upper: Sequence[float],
    drifts: tuple[float, float] = (0.0, 0.0),
) -> Passage:
    """Integrate a design whose bounds are known.

    Args:
        information: Information at the looks, shape (looks,), checked.
        lower: Lower bounds on the z scale, shape (looks,); minus infinity for none.
        upper: Upper bounds on the z scale, shape (looks,); infinity for none.
        drifts: Smallest and largest drift at which the passage is to be read.

    Returns:
        The passage, to be read at any drift between the two.

    References:
        Armitage, McPherson & Rowe (1969), JRSS A 132(2), 235-244; Jennison & Turnbull (2000),
        ch. 19.
    """
    ends = [0.0, *(d * math.sqrt(i) for d in drifts for i in (information[0], information[-1]))]
    # A bound far out is asked about for its tail, and the paths that reach it come from within
    # TAIL conditional standard deviations of rho times it.
    far = [min(abs(b), FAR) for b in (*lower, *upper) if math.isfinite(b)]
    reach = math.hypot(TAIL, max(far, default=0.0))
    arrivals = [first_arrival(information[0])]
    for k in range(1, len(information)):
        arrivals.append(
            arrivals[-1].advance(
                lower=lower[k - 1],
                upper=upper[k - 1],
                information=information[k],
                low=min(ends) - reach,
                high=max(ends) + reach,
            )
        )
    return Passage(arrivals=tuple(arrivals), lower=tuple(lower), upper=tuple(upper))


def checked_information(
    information: Sequence[float], *, field: str = "information"
) -> tuple[float, ...]:
    """The information at the looks as floats, after the checks that every design needs.

    Args:
        information: Cumulative information, shape (looks,), any positive unit.
        field: Name of the argument for the error.

    Returns:
        The information, shape (looks,).

    Raises:
        InputError: There is no look, a value is not finite or not positive, or the values do not
            increase.
    """
    values = tuple(float(v) for v in information)
    if not values:
        raise InputError("a design needs at least one look", field=field, value=information)
    before = 0.0
    for look, value in enumerate(values, start=1):
        if not 0.0 < value < math.inf:
            raise InputError(
                f"information at look {look} must be positive and finite, not {value}",
                field=field,
                value=value,
            )
        if value - before < SMALLEST_STEP * value:
            raise InputError(
                f"information must increase: look {look} has {value}, the look before {before}",
                field=field,
                value=value,
                hint="a look that brings no new information is the same look",
            )
        before = value
    return values
