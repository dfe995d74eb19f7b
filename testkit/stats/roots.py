"""One root finder for the sequential engines: bracketed, and never a wrong answer in silence.

``scipy.optimize`` has one too, but importing it costs a command line a third of a second, and a
failure there is not a :class:`~testkit.errors.ConvergenceError`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from testkit.errors import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bracketed_root"]

_STEPS: Final = 200


def bracketed_root(
    function: Callable[[float], float],
    low: float,
    high: float,
    *,
    routine: str,
    tolerance: float = 1e-12,
) -> float:
    """Where ``function`` changes sign between ``low`` and ``high``.

    Inverse quadratic interpolation wherever the last three points lie on a curve that one may
    trust, bisection elsewhere (Chandrupatla's rule).

    Args:
        function: Any function with values of opposite sign (or zero) at the two ends.
        low: One end of the bracket.
        high: Other end of the bracket.
        routine: Name of the caller, for the error.
        tolerance: Width of the final bracket, relative to the root where that is above 1.

    Returns:
        A point within ``tolerance`` of a change of sign.

    Raises:
        ConvergenceError: No change of sign, a value that is NaN, or no end in 200 steps.

    References:
        Chandrupatla (1997), Advances in Engineering Software 28(3), 145-149.

    Examples:
        >>> round(bracketed_root(lambda x: x * x - 2.0, 0.0, 2.0, routine="example"), 9)
        1.414213562
    """
    a, b = low, high
    f_a, f_b = function(a), function(b)
    if not (f_a <= 0.0 <= f_b or f_b <= 0.0 <= f_a):
        raise ConvergenceError(
            f"no root between {low:.6g} and {high:.6g}",
            routine=routine,
            residual=min(abs(f_a), abs(f_b)),
        )
    # b is the newest point, a the other end of the bracket, c the point dropped last.
    c, f_c = a, f_a
    share = 0.5
    for _ in range(_STEPS):
        best, f_best = (a, f_a) if abs(f_a) < abs(f_b) else (b, f_b)
        width = abs(b - a)
        floor = 0.5 * tolerance * max(1.0, abs(best))
        if f_best == 0.0 or width <= 2.0 * floor:
            return best
        smallest = floor / width
        share = min(max(share, smallest), 1.0 - smallest)
        new = a + share * (b - a)
        f_new = function(new)
        if math.isnan(f_new):
            raise ConvergenceError(f"not a number at {new:.6g}", routine=routine)
        if (f_new > 0.0) == (f_a > 0.0):
            c, f_c = a, f_a
        else:
            c, f_c = b, f_b
            b, f_b = a, f_a
        a, f_a = new, f_new
        share = 0.5
        if f_c not in {f_a, f_b}:
            xi = (a - b) / (c - b)
            phi = (f_a - f_b) / (f_c - f_b)
            # Chandrupatla's condition: the inverse quadratic through the points is monotone.
            if phi * phi < xi and (1.0 - phi) ** 2 < 1.0 - xi:
                share = f_a / (f_b - f_a) * f_c / (f_b - f_c)
                share += (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
    raise ConvergenceError(f"no root found in {_STEPS} steps", routine=routine, residual=abs(b - a))
