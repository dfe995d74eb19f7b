"""Error-spending functions as values: how much of the error may be gone by when.

A spending function says, for a share ``t`` of the planned information, how much of a one-sided
error ``alpha`` may have been spent by then. It is a plain callable with a name, so that a plan can
hold one, print it and find it again (:func:`spending_by_name`). The same functions spend alpha on
the upper side of a test and beta on its futility side. Bounds are solved in
:mod:`testkit.stats.boundaries`; nothing here looks at data.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from scipy.special import ndtri

from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "HwangShihDeCaniSpending",
    "KimDeMetsSpending",
    "ObrienFlemingSpending",
    "PocockSpending",
    "SpendingFunction",
    "cumulative_spending",
    "hwang_shih_decani",
    "kim_demets",
    "obrien_fleming_spending",
    "pocock_spending",
    "spending_by_name",
]

# Beyond this |gamma| the exponential family is all-at-the-end or all-at-the-start to 1e-40.
_LARGEST_GAMMA: Final = 100.0
_LARGEST_RHO: Final = 100.0


@runtime_checkable
class SpendingFunction(Protocol):
    """Anything that maps (information fraction, one-sided error) to the error spent so far.

    A function of one's own needs ``0 <= f(t, alpha) <= alpha``, ``f(1, alpha) = alpha`` and no
    decrease in ``t``; the bounds check this at the looks that they use.
    """

    @property
    def name(self) -> str:
        """Name for plans and reports; the published families parse back from theirs."""
        ...

    def __call__(self, t: float, alpha: float) -> float:
        """Cumulative error spent at information fraction ``t`` out of ``alpha``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ObrienFlemingSpending:
    """Cautious early, nearly a fixed-sample test at the end; the default.

    References:
        Lan & DeMets (1983), Biometrika 70(3), 659-663, the O'Brien-Fleming-type case.
    """

    @property
    def name(self) -> str:
        """Name for plans and reports."""
        return "obrien-fleming"

    def __call__(self, t: float, alpha: float) -> float:
        """Cumulative error spent: ``2 - 2 Phi(z_{alpha/2} / sqrt(t))``.

        Args:
            t: Information fraction, dimensionless, 0 <= t <= 1. Above 1 is an error, not clipped.
            alpha: One-sided total error, a probability, 0 < alpha < 1.

        Returns:
            Cumulative spend, in [0, alpha]; 0 at t = 0, alpha at t = 1, non-decreasing in t.
            Below the smallest double (t under about 0.0035 at alpha .025) it is 0.

        Raises:
            InputError: ``t`` or ``alpha`` is outside its domain, or is NaN.

        Examples:
            >>> round(obrien_fleming_spending(0.5, alpha=0.025), 6)
            0.001525
        """
        _check(t, alpha)
        if t in {0.0, 1.0}:
            return alpha * t
        # erfc keeps the relative precision that 1 - Phi loses in the far tail.
        z = -float(ndtri(alpha / 2.0))
        return math.erfc(z / math.sqrt(2.0 * t))


@dataclass(frozen=True, slots=True, kw_only=True)
class PocockSpending:
    """Even-handed over the looks, at a high price in power; discouraged for message tests.

    References:
        Lan & DeMets (1983), Biometrika 70(3), 659-663, the Pocock-type case.
    """

    @property
    def name(self) -> str:
        """Name for plans and reports."""
        return "pocock"

    def __call__(self, t: float, alpha: float) -> float:
        """Cumulative error spent: ``alpha log(1 + (e - 1) t)``.

        Args:
            t: Information fraction, dimensionless, 0 <= t <= 1.
            alpha: One-sided total error, a probability, 0 < alpha < 1.

        Returns:
            Cumulative spend, in [0, alpha], concave in t.

        Raises:
            InputError: ``t`` or ``alpha`` is outside its domain, or is NaN.

        Examples:
            >>> round(pocock_spending(0.5, alpha=0.025), 6)
            0.015503
        """
        _check(t, alpha)
        if t == 1.0:
            return alpha
        return alpha * math.log1p((math.e - 1.0) * t)


@dataclass(frozen=True, slots=True, kw_only=True)
class HwangShihDeCaniSpending:
    """The exponential family: -4 is close to O'Brien-Fleming, 1 to Pocock, 0 is linear.

    Attributes:
        gamma: Shape, dimensionless, -100 <= gamma <= 100; negative spends late.

    Raises:
        InputError: ``gamma`` is outside its domain, or NaN.

    References:
        Hwang, Shih & De Cani (1990), Statistics in Medicine 9(12), 1439-1445.
    """

    gamma: float

    def __post_init__(self) -> None:
        if not abs(self.gamma) <= _LARGEST_GAMMA:
            raise InputError(
                f"gamma must be between -100 and 100, not {self.gamma}",
                field="gamma",
                value=self.gamma,
                hint="-4 is a good default; 1 is close to Pocock",
            )

    @property
    def name(self) -> str:
        """Name for plans and reports, such as ``hsd(-4)``."""
        return f"hsd({_shortest(self.gamma)})"

    def __call__(self, t: float, alpha: float) -> float:
        """Cumulative error spent: ``alpha (1 - exp(-gamma t)) / (1 - exp(-gamma))``.

        Args:
            t: Information fraction, dimensionless, 0 <= t <= 1.
            alpha: One-sided total error, a probability, 0 < alpha < 1.

        Returns:
            Cumulative spend, in [0, alpha]; ``alpha t`` at gamma 0.

        Raises:
            InputError: ``t`` or ``alpha`` is outside its domain, or is NaN.

        Examples:
            >>> round(hwang_shih_decani(-4)(0.5, alpha=0.025), 6)
            0.00298
        """
        _check(t, alpha)
        if t in {0.0, 1.0} or self.gamma == 0.0:
            return alpha * t
        # The ratio first: with a tiny gamma the products would lose their digits to underflow.
        return alpha * (math.expm1(-self.gamma * t) / math.expm1(-self.gamma))


@dataclass(frozen=True, slots=True, kw_only=True)
class KimDeMetsSpending:
    """The power family: ``alpha t^rho``; 3 is close to O'Brien-Fleming, 2 stops sooner.

    Attributes:
        rho: Power, dimensionless, 0 < rho <= 100; larger spends later.

    Raises:
        InputError: ``rho`` is outside its domain, or NaN.

    References:
        Kim & DeMets (1987), Biometrika 74(1), 149-154.
    """

    rho: float

    def __post_init__(self) -> None:
        if not 0.0 < self.rho <= _LARGEST_RHO:
            raise InputError(
                f"rho must be above 0 and at most 100, not {self.rho}",
                field="rho",
                value=self.rho,
                hint="3 is close to O'Brien-Fleming; 2 stops sooner and costs more power",
            )

    @property
    def name(self) -> str:
        """Name for plans and reports, such as ``kd(3)``."""
        return f"kd({_shortest(self.rho)})"

    def __call__(self, t: float, alpha: float) -> float:
        """Cumulative error spent: ``alpha t^rho``.

        Args:
            t: Information fraction, dimensionless, 0 <= t <= 1.
            alpha: One-sided total error, a probability, 0 < alpha < 1.

        Returns:
            Cumulative spend, in [0, alpha].

        Raises:
            InputError: ``t`` or ``alpha`` is outside its domain, or is NaN.

        Examples:
            >>> kim_demets(2)(0.5, alpha=0.02)
            0.005
        """
        _check(t, alpha)
        return float(alpha * t**self.rho)


obrien_fleming_spending: Final = ObrienFlemingSpending()
pocock_spending: Final = PocockSpending()


def hwang_shih_decani(gamma: float) -> HwangShihDeCaniSpending:
    """Spending function of the Hwang-Shih-DeCani family.

    Args:
        gamma: Shape, dimensionless, -100 <= gamma <= 100; negative spends late.

    Returns:
        The spending function, named ``hsd(gamma)``.

    Raises:
        InputError: ``gamma`` is outside its domain, or is NaN.

    References:
        Hwang, Shih & De Cani (1990), Statistics in Medicine 9(12), 1439-1445.

    Examples:
        >>> hwang_shih_decani(-4).name
        'hsd(-4)'
    """
    return HwangShihDeCaniSpending(gamma=float(gamma))


def kim_demets(rho: float) -> KimDeMetsSpending:
    """Spending function of the Kim-DeMets power family.

    Args:
        rho: Power, dimensionless, 0 < rho <= 100; larger spends later.

    Returns:
        The spending function, named ``kd(rho)``.

    Raises:
        InputError: ``rho`` is outside its domain, or is NaN.

    References:
        Kim & DeMets (1987), Biometrika 74(1), 149-154.

    Examples:
        >>> kim_demets(3).name
        'kd(3)'
    """
    return KimDeMetsSpending(rho=float(rho))


_FORM: Final = re.compile(r"\s*([a-z][a-z-]*)\s*(?:\(\s*([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)\s*\))?\s*")
_PLAIN: Final[dict[str, SpendingFunction]] = {
    "obrien-fleming": obrien_fleming_spending,
    "pocock": pocock_spending,
}
_FAMILIES: Final[dict[str, Callable[[float], SpendingFunction]]] = {
    "hsd": hwang_shih_decani,
    "kd": kim_demets,
}


def cumulative_spending(
    spending: SpendingFunction, *, times: Sequence[float], alpha: float
) -> tuple[float, ...]:
    """What a function allows to have been spent by each look, after checking that it may.

    Args:
        spending: Any spending function.
        times: Information fractions of the looks, shape (looks,), in [0, 1], not decreasing.
        alpha: One-sided total error, a probability, 0 < alpha < 1.

    Returns:
        Cumulative spend, shape (looks,).

    Raises:
        InputError: A value is outside its domain, or the function decreases or overspends.

    References:
        Lan & DeMets (1983), Biometrika 70(3), 659-663.

    Examples:
        >>> cumulative_spending(kim_demets(1), times=[0.25, 0.5, 1.0], alpha=0.02)
        (0.005, 0.01, 0.02)
    """
    out: list[float] = []
    before = 0.0
    slack = 1e-12 * alpha
    for t in times:
        value = spending(t, alpha)
        # A function may go back or beyond by rounding; by more than that it is a mistake.
        if not before - slack <= value <= alpha + slack:
            raise InputError(
                f"spending function gives {value} at t = {t}, outside [{before}, {alpha}]",
                field="spending",
                value=getattr(spending, "name", repr(spending)),
                hint="cumulative spending never decreases and never exceeds alpha",
            )
        before = min(max(before, value), alpha)
        out.append(before)
    return tuple(out)


def spending_by_name(name: str) -> SpendingFunction:
    """The spending function with this name.

    Args:
        name: ``obrien-fleming``, ``pocock``, ``hsd(GAMMA)`` or ``kd(RHO)``; case and spaces
            do not matter.

    Returns:
        The spending function; its ``name`` gives the same function back.

    Raises:
        InputError: There is no such function, or its parameter is missing or outside its domain.

    Examples:
        >>> spending_by_name("hsd(-4)") == hwang_shih_decani(-4)
        True
    """
    form = _FORM.fullmatch(name.lower())
    family, parameter = form.groups() if form else (name.lower(), None)
    if family in _PLAIN and parameter is None:
        return _PLAIN[family]
    if family in _FAMILIES and parameter is not None:
        try:
            return _FAMILIES[family](float(parameter))
        except ValueError as error:
            raise InputError(
                f"{name!r} is not a spending function: {error}", field="spending", value=name
            ) from error
    close = difflib.get_close_matches(family, [*_PLAIN, *_FAMILIES], n=1, cutoff=0.5)
    shown = {"hsd": "hsd(-4)", "kd": "kd(3)"}
    meant = f"did you mean {shown.get(close[0], close[0])}? " if close else ""
    raise InputError(
        f"no spending function {name!r}",
        field="spending",
        value=name,
        hint=f"{meant}there are obrien-fleming, pocock, hsd(GAMMA) and kd(RHO)",
    )


def _shortest(value: float) -> str:
    """The number without a needless ``.0``, and with every digit that it needs."""
    return str(int(value)) if value == int(value) else repr(value)


def _check(t: float, alpha: float) -> None:
    if not 0.0 <= t <= 1.0:
        raise InputError(
            f"information fraction must be between 0 and 1, not {t}",
            field="t",
            value=t,
            hint="after an overrun the spending time stays at 1",
        )
    if not 0.0 < alpha < 1.0:
        raise InputError(
            f"alpha must be above 0 and below 1, not {alpha}", field="alpha", value=alpha
        )
