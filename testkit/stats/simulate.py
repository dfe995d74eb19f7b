"""Operating characteristics by simulation: what a plan does when it is run ten thousand times.

Whole binomial experiments are drawn, wave by wave and arm by arm, and the plan's own rule is
applied at every look: nothing here assumes that z is normal, which is the point. The rule is a
value: the z rule takes the bounds of a group-sequential design as arrays, and any function from
counts to crossings serves for the rest (exact bounds, e-processes, somebody else's formula).

Every probability carries its Monte-Carlo standard error. Randomness is the generator that the
caller gives: the same seed gives the same digits.

One experiment stops once. Where crossings fall on the same look, efficacy counts before futility.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from testkit.errors import InputError
from testkit.stats import domain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = [
    "Counts",
    "Crossings",
    "Estimator",
    "MonteCarlo",
    "OperatingCharacteristics",
    "Rule",
    "Schedule",
    "difference_at_stop",
    "draw_counts",
    "operating_characteristics",
    "z_rule",
    "z_statistics",
]

_MOST_CELLS: Final = 40_000_000
"""Paths times looks above which the arrays would not fit a small machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Cumulative matured recipients per arm at each look.

    Attributes:
        control: Recipients of the control arm by each look, increasing whole numbers, >= 1.
        treatment: Recipients of the treatment arm by each look, same length.

    Raises:
        InputError: There is no look, sizes do not rise, or the arms differ in looks.
    """

    control: tuple[int, ...]
    treatment: tuple[int, ...]

    def __post_init__(self) -> None:
        for field in ("control", "treatment"):
            sizes = getattr(self, field)
            if not sizes:
                raise InputError(f"{field} has no look", field=field, value=sizes)
            past = 0
            for look, size in enumerate(sizes):
                now = domain.whole(size, f"{field}[{look}]")
                if now <= past:
                    raise InputError(
                        f"{field} must rise from look to look, got {size!r} after {past}",
                        field=f"{field}[{look}]",
                        value=size,
                    )
                past = now
        if len(self.control) != len(self.treatment):
            raise InputError(
                f"control has {len(self.control)} looks, treatment {len(self.treatment)}",
                field="treatment",
                value=len(self.treatment),
            )

    @classmethod
    def equal(cls, *, looks: int, n_control: int, n_treatment: int) -> Schedule:
        """Equally spaced looks up to the given totals (rounded to whole people).

        Args:
            looks: Number of looks, >= 1.
            n_control: Recipients of the control arm at the last look.
            n_treatment: Recipients of the treatment arm at the last look.

        Returns:
            The schedule.

        Raises:
            InputError: A value is not a whole number, or there are more looks than people.
        """
        count = domain.whole(looks, "looks")
        totals = (domain.whole(n_control, "n_control"), domain.whole(n_treatment, "n_treatment"))
        steps = [tuple(round(n * k / count) for k in range(1, count + 1)) for n in totals]
        return cls(control=steps[0], treatment=steps[1])

    @property
    def looks(self) -> int:
        """Number of looks."""
        return len(self.control)

    @property
    def total(self) -> Whole:
        """Recipients of both arms by each look, shape ``(looks,)``."""
        return np.array(self.control, dtype=np.int64) + np.array(self.treatment, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """Simulated experiments: cumulative conversions per path and look.

    Attributes:
        schedule: Cumulative recipients.
        control: Conversions of the control arm, shape ``(paths, looks)``.
        treatment: Conversions of the treatment arm, shape ``(paths, looks)``.
    """

    schedule: Schedule
    control: Whole
    treatment: Whole

    @property
    def n_control(self) -> Floats:
        """Recipients of the control arm, shape ``(looks,)``."""
        return np.array(self.schedule.control, dtype=np.float64)

    @property
    def n_treatment(self) -> Floats:
        """Recipients of the treatment arm, shape ``(looks,)``."""
        return np.array(self.schedule.treatment, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossings:
    """Where a rule would stop, had it not stopped before; each of shape ``(paths, looks)``.

    Attributes:
        upper: The treatment is better.
        lower: The treatment is worse.
        futile: Stop for lack of promise; None for a rule without futility.
    """

    upper: Flags
    lower: Flags
    futile: Flags | None = None


Rule = Callable[[Counts], Crossings]
Estimator = Callable[[Counts, "NDArray[np.int64]"], "NDArray[np.float64]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonteCarlo:
    """A simulated number.

    Attributes:
        value: Mean over paths.
        se: Its Monte-Carlo standard error.
    """

    value: float
    se: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingCharacteristics:
    """What a plan does under given rates.

    Attributes:
        paths: Number of simulated experiments.
        upper: Probability of stopping for "treatment is better"; the upper tail's type I error
            when the rates are equal.
        lower: Probability of stopping for "treatment is worse".
        reject: Probability of either.
        futile: Probability of a futility stop.
        expected_n: Expected recipients of both arms at the stop.
        expected_share: The same over the largest size of the plan.
        stopped_at: Probability of ending at each look, shape ``(looks,)``; adds up to 1.
        upper_at: Probability of stopping for "better" at each look, shape ``(looks,)``.
        lower_at: Probability of stopping for "worse" at each look, shape ``(looks,)``.
        effect: True effect on the scale of the estimator: the difference of the rates.
        bias: Mean of the estimate at the stop minus the true effect.
        bias_if_better: The same among paths that stopped for "better"; None when fewer than two
            did.
        bias_if_early: The same among those that did so by half of the largest size; None as above.
        median_bias: Probability that the estimate lies above the true effect (ties half) minus
            1/2.
    """

    paths: int
    upper: MonteCarlo
    lower: MonteCarlo
    reject: MonteCarlo
    futile: MonteCarlo
    expected_n: MonteCarlo
    expected_share: MonteCarlo
    stopped_at: tuple[MonteCarlo, ...]
    upper_at: tuple[MonteCarlo, ...]
    lower_at: tuple[MonteCarlo, ...]
    effect: float
    bias: MonteCarlo
    bias_if_better: MonteCarlo | None
    bias_if_early: MonteCarlo | None
    median_bias: MonteCarlo


def draw_counts(
    *,
    schedule: Schedule,
    control: float | Sequence[float],
    treatment: float | Sequence[float],
    paths: int,
    rng: np.random.Generator,
    seen_control: Sequence[float] | None = None,
    seen_treatment: Sequence[float] | None = None,
) -> Counts:
    """Simulate conversions of both arms, wave by wave.

    Args:
        schedule: Cumulative recipients at the looks; the people of one step are one wave.
        control: Rate of the control arm in [0, 1]: one for all waves, or one a wave.
        treatment: Rate of the treatment arm, likewise.
        paths: Number of experiments, >= 1.
        rng: Source of randomness.
        seen_control: Share of a wave's conversions that has arrived by the look of its own wave,
            by the next look, and so on; not decreasing, in [0, 1]; the last value holds from then
            on. None: all have arrived (the plan counts matured waves only).
        seen_treatment: The same for the treatment arm.

    Returns:
        Cumulative conversions that are visible at each look.

    Raises:
        InputError: A value is outside its domain, or paths times looks exceed 40 million.

    Examples:
        >>> plan = Schedule.equal(looks=2, n_control=1000, n_treatment=1000)
        >>> rng = np.random.default_rng(1)
        >>> draw_counts(schedule=plan, control=0.1, treatment=0.1, paths=3, rng=rng).control.shape
        (3, 2)
    """
    count = domain.whole(paths, "paths")
    if count * schedule.looks > _MOST_CELLS:
        raise InputError(
            f"{count} paths of {schedule.looks} looks are too many at once",
            field="paths",
            value=paths,
            hint=f"at most {_MOST_CELLS // schedule.looks}; run several and average",
        )
    arms = []
    for rate, sizes, seen, field in (
        (control, schedule.control, seen_control, "control"),
        (treatment, schedule.treatment, seen_treatment, "treatment"),
    ):
        rates = _rates(rate, schedule.looks, field)
        people = np.diff(np.array(sizes, dtype=np.int64), prepend=0).astype(np.int64)
        converted = rng.binomial(people, rates, size=(count, schedule.looks))
        if seen is not None:
            converted = _arrivals(converted, _shares(seen, f"seen_{field}"), rng)
        arms.append(np.cumsum(converted, axis=1, dtype=np.int64))
    return Counts(schedule=schedule, control=arms[0], treatment=arms[1])


def z_statistics(counts: Counts, *, variance: Literal["pooled", "unpooled"] = "pooled") -> Floats:
    """Z of the difference of rates at every look.

    Args:
        counts: Simulated experiments.
        variance: ``pooled`` (score test) or ``unpooled`` (Wald).

    Returns:
        z, shape ``(paths, looks)``, positive where the treatment is ahead; 0 where no arm has a
        conversion yet (or none without), because equal arms are no evidence.

    References:
        The score statistic of two binomials; Jennison & Turnbull (2000), ch. 3.

    Examples:
        >>> plan = Schedule(control=(1000,), treatment=(1000,))
        >>> seen = Counts(schedule=plan, control=np.array([[20]]), treatment=np.array([[30]]))
        >>> round(float(z_statistics(seen)[0, 0]), 4)
        1.4322
    """
    domain.one_of(variance, "variance", allowed=("pooled", "unpooled"))
    n_a, n_b = counts.n_control, counts.n_treatment
    a, b = counts.control / n_a, counts.treatment / n_b
    if variance == "pooled":
        p = (counts.control + counts.treatment) / (n_a + n_b)
        spread = p * (1 - p) * (1 / n_a + 1 / n_b)
    else:
        spread = a * (1 - a) / n_a + b * (1 - b) / n_b
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (b - a) / np.sqrt(spread)
    # without spread: equal arms are no evidence, unequal ones are beyond any bound
    return np.where(spread > 0, z, np.where(b == a, 0.0, np.copysign(np.inf, b - a)))


def z_rule(
    *,
    upper: ArrayLike,
    lower: ArrayLike,
    futility: ArrayLike | None = None,
    variance: Literal["pooled", "unpooled"] = "pooled",
) -> Rule:
    """The rule of a group-sequential z test.

    Args:
        upper: Upper bound at each look on the z scale, shape ``(looks,)``; inf for none.
        lower: Lower bound at each look, shape ``(looks,)``; -inf for none.
        futility: Stop for lack of promise at or below this z, shape ``(looks,)``; None for none.
        variance: As in :func:`z_statistics`.

    Returns:
        A rule for :func:`operating_characteristics`.

    Raises:
        InputError: A bound is NaN, or lower exceeds upper.

    References:
        Jennison & Turnbull (2000), ch. 2.

    Examples:
        >>> rule = z_rule(upper=[1.96], lower=[-1.96])
        >>> plan = Schedule(control=(1000,), treatment=(1000,))
        >>> seen = Counts(schedule=plan, control=np.array([[20]]), treatment=np.array([[45]]))
        >>> bool(rule(seen).upper[0, 0])
        True
    """
    domain.one_of(variance, "variance", allowed=("pooled", "unpooled"))
    high, low = _bounds(upper, "upper"), _bounds(lower, "lower")
    stop = None if futility is None else _bounds(futility, "futility")
    for other, field in ((low, "lower"), (stop, "futility")):
        if other is not None and other.shape != high.shape:
            raise InputError(
                f"{field} has {other.size} looks, upper has {high.size}",
                field=field,
                value=other.size,
            )
    if (low > high).any():
        raise InputError("the lower bound lies above the upper one", field="lower", value=lower)

    def rule(counts: Counts) -> Crossings:
        if counts.schedule.looks != high.size:
            raise InputError(
                f"bounds for {high.size} looks, a schedule of {counts.schedule.looks}",
                field="upper",
                value=high.size,
            )
        z = z_statistics(counts, variance=variance)
        return Crossings(
            upper=z >= high, lower=z <= low, futile=None if stop is None else z <= stop
        )

    return rule


def difference_at_stop(counts: Counts, stop: Whole) -> Floats:
    """Observed difference of rates at the look where each path stopped.

    Args:
        counts: Simulated experiments.
        stop: Index of the last look of each path, shape ``(paths,)``.

    Returns:
        Treatment rate minus control rate, shape ``(paths,)``: the naive estimate.

    Examples:
        >>> plan = Schedule(control=(100, 200), treatment=(100, 200))
        >>> seen = Counts(schedule=plan, control=np.array([[2, 4]]), treatment=np.array([[3, 8]]))
        >>> difference_at_stop(seen, np.array([1]))
        array([0.02])
    """
    rows = np.arange(stop.size)
    return np.asarray(
        counts.treatment[rows, stop] / counts.n_treatment[stop]
        - counts.control[rows, stop] / counts.n_control[stop]
    )


def operating_characteristics(
    *,
    schedule: Schedule,
    control: float | Sequence[float],
    treatment: float | Sequence[float],
    rule: Rule,
    rng: np.random.Generator,
    paths: int = 20_000,
    estimator: Estimator = difference_at_stop,
    seen_control: Sequence[float] | None = None,
    seen_treatment: Sequence[float] | None = None,
) -> OperatingCharacteristics:
    """Run a plan many times and report what happened.

    Args:
        schedule: Cumulative recipients at the looks.
        control: Rate of the control arm in [0, 1]: one for all waves, or one a wave.
        treatment: Rate of the treatment arm, likewise; equal rates give the type I error.
        rule: When to stop; :func:`z_rule`, or any function of the counts.
        rng: Source of randomness.
        paths: Number of experiments, >= 2; the standard error of a 5 % error rate is 0.0015 at
            20,000.
        estimator: Estimate at the stop, on the scale of a difference of rates.
        seen_control: Arrival of conversions after the send, as in :func:`draw_counts`.
        seen_treatment: The same for the treatment arm.

    Returns:
        Error rates by tail, power, expected size, stopping times and the estimate's bias, each
        with its Monte-Carlo standard error.

    Raises:
        InputError: A value is outside its domain, or the rule gives arrays of another shape.

    References:
        Simulation as in Jennison & Turnbull (2000), ch. 2, which also defines the quantities.

    Examples:
        >>> plan = Schedule.equal(looks=1, n_control=2000, n_treatment=2000)
        >>> found = operating_characteristics(
        ...     schedule=plan, control=0.1, treatment=0.1, paths=4000,
        ...     rule=z_rule(upper=[1.96], lower=[-1.96]), rng=np.random.default_rng(7))
        >>> abs(found.reject.value - 0.05) < 4 * found.reject.se
        True
    """
    count = domain.whole(paths, "paths", at_least=2)
    counts = draw_counts(
        schedule=schedule,
        control=control,
        treatment=treatment,
        paths=count,
        rng=rng,
        seen_control=seen_control,
        seen_treatment=seen_treatment,
    )
    crossed = rule(counts)
    shape = counts.control.shape
    futile = np.zeros(shape, dtype=bool) if crossed.futile is None else crossed.futile
    for flags, field in ((crossed.upper, "upper"), (crossed.lower, "lower"), (futile, "futile")):
        if flags.shape != shape:
            raise InputError(
                f"the rule's {field} has shape {flags.shape}, not {shape}",
                field="rule",
                value=field,
            )
    ending = crossed.upper | crossed.lower | futile
    ending[:, -1] = True
    stop = ending.argmax(axis=1).astype(np.int64)
    rows = np.arange(count)
    better = crossed.upper[rows, stop]
    worse = crossed.lower[rows, stop] & ~better
    gave_up = futile[rows, stop] & ~better & ~worse
    sizes = schedule.total.astype(np.float64)
    early = better & (sizes[stop] <= sizes[-1] / 2)
    effect = _pooled_rate(treatment, schedule.treatment) - _pooled_rate(control, schedule.control)
    error = estimator(counts, stop) - effect
    above = np.where(error == 0, 0.5, error > 0) - 0.5
    each = [stop == look for look in range(schedule.looks)]
    return OperatingCharacteristics(
        paths=count,
        upper=_mean(better),
        lower=_mean(worse),
        reject=_mean(better | worse),
        futile=_mean(gave_up),
        expected_n=_mean(sizes[stop]),
        expected_share=_mean(sizes[stop] / sizes[-1]),
        stopped_at=tuple(_mean(at) for at in each),
        upper_at=tuple(_mean(at & better) for at in each),
        lower_at=tuple(_mean(at & worse) for at in each),
        effect=effect,
        bias=_mean(error),
        bias_if_better=_mean(error[better]) if better.sum() > 1 else None,
        bias_if_early=_mean(error[early]) if early.sum() > 1 else None,
        median_bias=_mean(above),
    )


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> MonteCarlo:
    numbers = values.astype(np.float64)
    se = float(numbers.std(ddof=1)) / math.sqrt(numbers.size)
    return MonteCarlo(value=float(numbers.mean()), se=se)


def _rates(rate: float | Sequence[float], looks: int, field: str) -> Floats:
    rates = np.atleast_1d(np.asarray(rate, dtype=np.float64))
    if rates.shape not in ((1,), (looks,)):
        raise InputError(
            f"{field} has {rates.size} rates for {looks} waves", field=field, value=rates.size
        )
    for value in rates:
        domain.rate(float(value), field)
    return np.broadcast_to(rates, (looks,))


def _pooled_rate(rate: float | Sequence[float], sizes: tuple[int, ...]) -> float:
    """Rate over the whole plan: waves weighted by their people."""
    people = np.diff(np.array(sizes, dtype=np.float64), prepend=0.0)
    return float(np.average(_rates(rate, len(sizes), "rate"), weights=people))


def _bounds(values: ArrayLike, field: str) -> Floats:
    bounds = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if bounds.ndim != 1 or np.isnan(bounds).any():
        raise InputError(f"{field} must be a flat list without NaN", field=field, value=values)
    return bounds


def _shares(seen: Sequence[float], field: str) -> Floats:
    shares = domain.finite_array(seen, field)
    if shares.min() < 0 or shares.max() > 1 or (np.diff(shares) < 0).any():
        raise InputError(
            f"{field} must rise within 0 and 1, got {list(seen)}", field=field, value=seen
        )
    return shares


def _arrivals(converted: Whole, shares: Floats, rng: np.random.Generator) -> Whole:
    """Conversions that become visible at each look, from those that each wave will ever have."""
    looks = converted.shape[1]
    visible = np.zeros_like(converted)
    for wave in range(looks):
        waiting = converted[:, wave].copy()
        before = 0.0
        for lag in range(looks - wave):
            share = float(shares[min(lag, shares.size - 1)])
            # of those still waiting, the ones that arrive between the two looks
            chance = 0.0 if before >= 1 else (share - before) / (1 - before)
            arrived = rng.binomial(waiting, min(max(chance, 0.0), 1.0))
            visible[:, wave + lag] += arrived
            waiting -= arrived
            before = share
    return visible
