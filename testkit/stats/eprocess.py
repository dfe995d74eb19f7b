"""E-processes for rates: evidence that may be looked at after every single conversion.

What lives here: ways of betting against "both arms convert alike" and the safe z. What must
not: intervals for means (:mod:`testkit.stats.confseq`), combining several tests
(:mod:`testkit.stats.multiplicity`), and any decision.

Theory of operation. An e-process is a running product of bets that are fair or worse under the
null hypothesis, so its mean is at most 1 *at any stopping time*; by Ville's inequality it reaches
``1 / alpha`` with probability at most ``alpha``, however often one looks and whatever makes one
stop. It is what a page without an end needs, and what may go on after a planned test is over.

* Arm of conversion: given that somebody converted, the chance that it was in the treatment arm is
  the treatment's share of the sends, whatever the base rate and its drift. Needs independent
  assignment with a constant share; blind to non-converters, so it loses a factor 1 - p of the
  information and belongs to rates of at most about 5 %. With exact arm sizes per wave the count
  is hypergeometric, which varies less, and the process stays valid at the ends of waves only.
* Two points: the same likelihood, with the two effects that the plan wants to detect.
* Blocks with fixed arm sizes, for any rate, are in :mod:`testkit.stats.safe2x2`.

Evidence is kept as a natural logarithm; ``p = min over looks of 1 / E`` is valid at any time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.special import betaln, expit

from testkit.errors import ConvergenceError, InputError
from testkit.stats.domain import positive, probability
from testkit.stats.roots import bracketed_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Evidence",
    "arm_of_conversion",
    "arm_of_conversion_interval",
    "concentration_for",
    "safe_z",
    "two_point",
    "two_point_interval",
    "whole_array",
]

_LOGIT_REACH: Final = 700.0
# A risk ratio of e^30 either way stands for all that are larger.
_REACH: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A running e-value, one entry per look.

    Attributes:
        log_e: Natural log of the e-process at each look, shape (looks,); 0 is no evidence.

    Raises:
        InputError: There is no look, or a value is NaN.

    Examples:
        >>> path = Evidence(log_e=(0.0, 3.2, 2.9))
        >>> path.first_crossing(alpha=0.05), round(path.p_values[-1], 4)
        (1, 0.0408)
    """

    log_e: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.log_e:
            raise InputError("no looks", field="log_e", value=self.log_e)
        if any(math.isnan(value) for value in self.log_e):
            raise InputError("log_e holds NaN", field="log_e", value=self.log_e)

    @property
    def e_value(self) -> float:
        """Evidence at the last look; infinite beyond about 1e308."""
        return math.exp(self.log_e[-1]) if self.log_e[-1] < 709 else math.inf

    @property
    def p_values(self) -> tuple[float, ...]:
        """Anytime-valid p-value at each look, shape (looks,): the smallest 1 / E so far."""
        best = np.maximum(np.maximum.accumulate(np.asarray(self.log_e)), 0.0)
        return tuple(float(value) for value in np.exp(-best))

    def first_crossing(self, *, alpha: float) -> int | None:
        """Index of the first look with ``E >= 1 / alpha``; None if there is none.

        Args:
            alpha: False-positive rate over all looks together, 0 < alpha < 1.

        Raises:
            InputError: ``alpha`` outside (0, 1).

        References:
            Ville (1939), Etude critique de la notion de collectif.
        """
        probability(alpha, "alpha")
        for look, value in enumerate(self.log_e):
            if value >= -math.log(alpha):
                return look
        return None


def concentration_for(*, risk_ratio: float, share: float) -> float:
    """Prior concentration of :func:`arm_of_conversion` tuned to a risk ratio.

    The Beta(k(1 - rho), k rho) prior gets the variance that puts the logit of the treatment's
    share one standard deviation from its null value at that risk ratio:
    ``k = 1 / (rho (1 - rho) log(RR)^2) - 1``.

    Args:
        risk_ratio: Rate of treatment over rate of control that should be detected, > 0, not 1.
        share: Treatment's share of the sends, rho, 0 < share < 1.

    Returns:
        Concentration k, > 0, in pseudo-conversions.

    Raises:
        InputError: Arguments outside their domains, or a risk ratio so far from 1 that no
            positive k exists (above e^2 at even shares).

    References:
        Lindon & Malek (2022), NeurIPS, arXiv 2011.03567, for the mixture; the tuning is ours.

    Examples:
        >>> round(concentration_for(risk_ratio=1.2, share=0.5), 1)
        119.3
    """
    probability(share, "share")
    effect = _log_ratio(risk_ratio)
    k = 1 / (share * (1 - share) * effect * effect) - 1
    if k <= 0:
        raise InputError(
            f"a risk ratio of {risk_ratio:g} leaves no prior to tune",
            field="risk_ratio",
            value=risk_ratio,
            hint="give the smallest effect worth acting on; large ones show anyway",
        )
    return k


def arm_of_conversion(
    *, control: ArrayLike, treatment: ArrayLike, share: float, concentration: float
) -> Evidence:
    """Beta-binomial e-process on the arm in which each conversion fell.

    ``E = B(k(1 - rho) + s_a, k rho + s_b) / B(k(1 - rho), k rho) / ((1 - rho)^s_a rho^s_b)``.

    Args:
        control: Cumulative conversions of the control arm at each look, shape (looks,), or one
            number.
        treatment: The same for the treatment arm.
        share: Treatment's share of the sends, rho, 0 < share < 1, the same at every look.
        concentration: Prior concentration k > 0; see :func:`concentration_for`.

    Returns:
        The e-process at each look.

    Raises:
        InputError: Counts that fall, are negative or not whole; arguments outside their domains.

    References:
        Lindon & Malek (2022), Anytime-valid inference for multinomial count data, NeurIPS,
        arXiv 2011.03567 (inhomogeneous Bernoulli process).

    Examples:
        >>> path = arm_of_conversion(control=[20, 50], treatment=[25, 70], share=0.5,
        ...                          concentration=100)
        >>> round(path.log_e[-1], 6)
        0.518917
    """
    a, b = _cumulative_pair(control, treatment)
    probability(share, "share")
    positive(concentration, "concentration")
    log_e = (
        _log_mixture(a, b, share=share, concentration=concentration)
        - a * math.log1p(-share)
        - b * math.log(share)
    )
    return Evidence(log_e=_floats(log_e))


def arm_of_conversion_interval(
    *, control: int, treatment: int, share: float, concentration: float, alpha: float = 0.05
) -> tuple[float, float]:
    """Risk ratios that :func:`arm_of_conversion` has not rejected: a confidence sequence.

    Intervals of all looks hold together with probability 1 - alpha when the risk ratio is
    constant (the base rate may drift).

    Args:
        control: Cumulative conversions of the control arm.
        treatment: Cumulative conversions of the treatment arm.
        share: Treatment's share of the sends, 0 < share < 1.
        concentration: Prior concentration k > 0, fixed before the first look.
        alpha: Non-coverage over all looks together, 0 < alpha < 1.

    Returns:
        Lower and upper risk ratio, treatment over control; (0, inf) before any conversion.

    Raises:
        InputError: As for :func:`arm_of_conversion`.
        ConvergenceError: A limit was not bracketed.

    References:
        Lindon & Malek (2022), NeurIPS, arXiv 2011.03567, confidence sequences by inversion.

    Examples:
        >>> low, high = arm_of_conversion_interval(
        ...     control=50, treatment=90, share=0.5, concentration=100
        ... )
        >>> round(low, 3), round(high, 3)
        (0.996, 3.368)
    """
    a_path, b_path = _cumulative_pair(control, treatment)
    if a_path.size != 1:
        raise InputError("one look at a time", field="control", value=control)
    a, b = float(a_path[0]), float(b_path[0])
    probability(share, "share")
    probability(alpha, "alpha")
    positive(concentration, "concentration")
    ceiling = -math.log(alpha) - float(
        _log_mixture(a_path, b_path, share=share, concentration=concentration)[0]
    )

    def excess(logit: float) -> float:
        # -log likelihood of the share with that logit, minus what alpha allows; convex in logit.
        return (a + b) * float(np.logaddexp(0.0, logit)) - b * logit - ceiling

    # Outside a reach of 700 the odds would leave the range of a float.
    middle = math.log((b + 1e-300) / (a + 1e-300)) if a + b else 0.0
    middle = min(max(middle, -_LOGIT_REACH), _LOGIT_REACH)
    shift = math.log((1 - share) / share)
    low = 0.0 if b == 0 else math.exp(_root(excess, middle, -1.0) + shift)
    high = math.inf if a == 0 else math.exp(_root(excess, middle, +1.0) + shift)
    return low, high


def two_point(
    *,
    control: ArrayLike,
    treatment: ArrayLike,
    share: float | ArrayLike,
    risk_ratio: float,
    weight_up: float = 0.5,
) -> Evidence:
    """E-process on the arm of each conversion with the two effects that the plan looks for.

    ``E = w LR(RR) + (1 - w) LR(1 / RR)``. Of the e-processes here the one with most power at the
    planned effect, and the only one that allows the share to change from wave to wave.

    Args:
        control: Cumulative conversions of the control arm at each look, shape (looks,).
        treatment: The same for the treatment arm.
        share: Treatment's share of the sends, 0 < share < 1: one number, or one per look for the
            conversions that are new at that look, shape (looks,).
        risk_ratio: Risk ratio to detect, > 0, not 1; its inverse is the other point.
        weight_up: Weight w of ``risk_ratio``, 0 <= w <= 1; 1 bets on that direction alone.

    Returns:
        The e-process at each look.

    Raises:
        InputError: Counts that fall, are negative or not whole; arguments outside their domains.

    References:
        Grunwald, de Heide & Koolen (2024), Safe testing, JRSS B 86(5), arXiv 1906.07801, for
        mixtures of likelihood ratios as e-processes.

    Examples:
        >>> path = two_point(control=[50], treatment=[90], share=0.5, risk_ratio=1.5)
        >>> round(path.log_e[0], 6)
        4.558615
    """
    a, b = _cumulative_pair(control, treatment)
    shares = np.asarray(share, dtype=np.float64)
    if shares.ndim > 1 or (shares.ndim == 1 and shares.size != a.size):
        raise InputError(
            f"{shares.size} shares for {a.size} looks", field="share", value=shares.shape
        )
    if not ((shares > 0) & (shares < 1)).all():
        raise InputError("a share is not between 0 and 1", field="share", value=share)
    effect = _log_ratio(risk_ratio)
    if not 0 <= weight_up <= 1:
        raise InputError(
            f"weight_up is {weight_up}, not between 0 and 1", field="weight_up", value=weight_up
        )
    new_a, new_b = np.diff(a, prepend=0.0), np.diff(b, prepend=0.0)

    def log_ratio(log_rr: float) -> NDArray[np.float64]:
        # q / rho = RR / (1 - rho + rho RR) and (1 - q) / (1 - rho) = 1 / (1 - rho + rho RR).
        normaliser = np.log1p(shares * math.expm1(log_rr))
        steps: NDArray[np.float64] = new_b * log_rr - (new_a + new_b) * normaliser
        return np.cumsum(steps)

    parts = [
        math.log(weight) + log_ratio(sign * effect)
        for weight, sign in ((weight_up, 1.0), (1 - weight_up, -1.0))
        if weight > 0
    ]
    return Evidence(log_e=_floats(np.logaddexp.reduce(parts)))


def two_point_interval(
    *,
    control: ArrayLike,
    treatment: ArrayLike,
    share: float | ArrayLike,
    risk_ratio: float,
    alpha: float = 0.05,
) -> tuple[float, float]:
    """Risk ratios that :func:`two_point`, aimed at them, does not reject at this look.

    A true risk ratio of theta moves the treatment's share of the conversions from rho to
    ``rho theta / (1 - rho + rho theta)``; with that share in the place of rho the same bet tests
    theta. Intervals of all looks hold together with probability 1 - alpha when the risk ratio is
    constant, and leave out 1 exactly when the e-process is at or above 1 / alpha.

    Args:
        control: Cumulative conversions of the control arm at each look, shape (looks,).
        treatment: The same for the treatment arm.
        share: Treatment's share of the sends: one number, or one per look, shape (looks,).
        risk_ratio: Risk ratio that the bet is tuned to, > 0, not 1; both directions weigh the same.
        alpha: Non-coverage over all looks together, 0 < alpha < 1.

    Returns:
        Lower and upper risk ratio, treatment over control; 0 and infinity where the look sets no
        limit.

    Raises:
        InputError: As for :func:`two_point`.
        ConvergenceError: A limit was not bracketed.

    References:
        Darling & Robbins (1967), PNAS 58(1), 66-68 (confidence sequences by inversion); Grunwald,
        de Heide & Koolen (2024), arXiv 1906.07801, for the bet.

    Examples:
        >>> low, high = two_point_interval(control=[50], treatment=[90], share=0.5, risk_ratio=1.5)
        >>> round(low, 3), round(high, 3)
        (1.119, 2.976)
    """
    probability(alpha, "alpha")
    a, b = _cumulative_pair(control, treatment)
    new_a, new_b = np.diff(a, prepend=0.0), np.diff(b, prepend=0.0)
    shares = np.broadcast_to(np.asarray(share, dtype=np.float64), a.shape)

    def moved(log_theta: float) -> NDArray[np.float64]:
        return np.asarray(expit(np.log(shares) - np.log1p(-shares) + log_theta))

    def excess(log_theta: float) -> float:
        # Clipped inside (0, 1): beyond that nothing changes any more.
        inside = np.clip(moved(log_theta), 1e-300, 1 - 1e-16)
        path = two_point(control=a, treatment=b, share=inside, risk_ratio=risk_ratio)
        return path.log_e[-1] + math.log(alpha)

    # Refuses what two_point refuses, before anything is searched.
    two_point(control=a, treatment=b, share=share, risk_ratio=risk_ratio)
    if a[-1] + b[-1] == 0:
        return 0.0, math.inf
    middle = 0.0
    if a[-1] > 0 and b[-1] > 0:
        # The log likelihood is concave in log theta; at its top both bets have lost.
        def surplus(log_theta: float) -> float:
            return float(new_b.sum() - ((new_a + new_b) * moved(log_theta)).sum())

        middle = bracketed_root(surplus, -_REACH, _REACH, routine="two_point_interval")
    else:
        middle = -_REACH if b[-1] == 0 else _REACH
    low = high = None
    if excess(-_REACH) > 0:
        low = bracketed_root(excess, -_REACH, middle, routine="two_point_interval")
    if excess(_REACH) > 0:
        high = bracketed_root(excess, middle, _REACH, routine="two_point_interval")
    return 0.0 if low is None else math.exp(low), math.inf if high is None else math.exp(high)


def safe_z(
    z: float,
    *,
    n_control: int,
    n_treatment: int,
    effect_size: float,
    alternative: Literal["two-sided", "greater"] = "two-sided",
) -> float:
    """Log e-value of a two-sample z statistic with known spread.

    ``E = exp(-m d^2 / 2) cosh(sqrt(m) d z)`` with ``m = n_a n_b / (n_a + n_b)``; one-sided the
    cosh becomes an exponential. Along a growing sample it is an e-process.

    Args:
        z: Standardised difference of means, treatment minus control.
        n_control: Units of the control arm, >= 1.
        n_treatment: Units of the treatment arm, >= 1.
        effect_size: Difference over standard deviation to detect, d > 0.
        alternative: ``two-sided`` or ``greater``.

    Returns:
        Natural log of the e-value.

    Raises:
        InputError: Arguments outside their domains, or z not finite.

    References:
        Grunwald, de Heide & Koolen (2024), JRSS B 86(5), arXiv 1906.07801 (safe z-test).

    Examples:
        >>> import math
        >>> round(math.exp(safe_z(2.5, n_control=100, n_treatment=100, effect_size=0.3)), 6)
        10.592841
    """
    if not math.isfinite(z):
        raise InputError(f"z is {z}", field="z", value=z)
    for name, n in (("n_control", n_control), ("n_treatment", n_treatment)):
        if n < 1:
            raise InputError(f"{name} is {n}", field=name, value=n)
    positive(effect_size, "effect_size")
    m = n_control * n_treatment / (n_control + n_treatment)
    reach = math.sqrt(m) * effect_size * z
    growth = reach if alternative == "greater" else float(np.logaddexp(reach, -reach)) - math.log(2)
    return growth - m * effect_size**2 / 2


def _log_mixture(
    a: NDArray[np.float64], b: NDArray[np.float64], *, share: float, concentration: float
) -> NDArray[np.float64]:
    prior_a, prior_b = concentration * (1 - share), concentration * share
    mixture: NDArray[np.float64] = betaln(prior_a + a, prior_b + b) - betaln(prior_a, prior_b)
    return mixture


def _root(excess: Callable[[float], float], middle: float, direction: float) -> float:
    """Where ``excess`` turns positive on one side of ``middle``."""
    from scipy.optimize import brentq

    step = 1.0
    while excess(middle + direction * step) < 0:
        step *= 2
        if step > 2 * _LOGIT_REACH:
            raise ConvergenceError(
                "the confidence limit lies beyond every finite risk ratio",
                routine="arm_of_conversion_interval",
                residual=excess(middle + direction * step),
            )
    return float(brentq(excess, middle, middle + direction * step, xtol=1e-13, rtol=1e-14))


def whole_array(counts: ArrayLike, *, field: str) -> NDArray[np.float64]:
    """Counts as a flat array of whole numbers, one per look or block.

    Args:
        counts: Whole numbers of at least 0, shape (looks,), or one number.
        field: Name of the argument, for the error.

    Returns:
        The counts as floats, shape (looks,).

    Raises:
        InputError: A count is negative, not whole, or not finite, or there is none.

    Examples:
        >>> whole_array(3, field="control")
        array([3.])
    """
    values = np.atleast_1d(np.asarray(counts, dtype=np.float64))
    if values.ndim != 1 or values.size == 0:
        raise InputError(f"{field} needs one number per look", field=field, value=values.shape)
    if not np.isfinite(values).all() or (values < 0).any() or (values != np.floor(values)).any():
        raise InputError(
            f"{field} must be whole numbers of at least 0", field=field, value=values.tolist()
        )
    return values


def _cumulative_pair(
    control: ArrayLike, treatment: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b = whole_array(control, field="control"), whole_array(treatment, field="treatment")
    if a.size != b.size:
        raise InputError(
            f"{a.size} looks of the control, {b.size} of the treatment",
            field="treatment",
            value=b.size,
        )
    for name, counts in (("control", a), ("treatment", b)):
        if (np.diff(counts) < 0).any():
            raise InputError(
                f"cumulative conversions of the {name} arm fall",
                field=name,
                value=counts.tolist(),
                hint="give running totals, one per look",
            )
    return a, b


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _log_ratio(risk_ratio: float) -> float:
    if not (math.isfinite(risk_ratio) and risk_ratio > 0) or risk_ratio == 1:
        raise InputError(
            f"risk_ratio is {risk_ratio}",
            field="risk_ratio",
            value=risk_ratio,
            hint="the smallest ratio worth acting on, such as 1.2",
        )
    return math.log(risk_ratio)
