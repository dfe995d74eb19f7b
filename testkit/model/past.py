"""Tests of earlier years: read as fixed, labelled as what they are, and put to use. Pure.

Nobody wrote down beforehand when such a test would end or which outcome decided, so its p-values
are those of one look that we did not see being chosen: every reading says *not pre-registered*.
What they teach together is worth more: how much versions usually differ, which sizes the next test
and draws each observed difference back to what would be seen again.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from testkit.errors import InputError
from testkit.model.html import table_html
from testkit.stats.effects import miettinen_nurminen
from testkit.stats.multiplicity import benjamini_hochberg
from testkit.stats.roll import spread_of_arms
from testkit.stats.shrink import FEWEST_FOR_PRIOR, fit_prior, rate_after, shrink, stabilised_effects
from testkit.stats.srm import srm_chisq

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["LABEL", "PastArm", "PastReading", "PastSummary", "PastTest", "omnibus_p", "read_past"]

LABEL: Final = "not pre-registered"
SRM_ALPHA: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class PastArm:
    """One arm of an old test: its name, the units it was sent to, and those who did it."""

    name: str
    units: int
    outcomes: int

    @property
    def rate(self) -> float:
        """Outcomes over units."""
        return self.outcomes / self.units


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTest:
    """One old test.

    Attributes:
        name: Its name in the export.
        arms: Two at least; the first is taken as the control unless the export says which.
        metric: What was counted; tests of one metric are pooled.
        at: When it was sent, ISO date; empty when the export does not say.
        channel: Where it went out; empty when not said.
    """

    name: str
    arms: tuple[PastArm, ...]
    metric: str = "outcome"
    at: str = ""
    channel: str = ""

    def __post_init__(self) -> None:
        if len(self.arms) < 2:
            raise InputError(
                f"{self.name!r} has one arm",
                field="arms",
                value=self.name,
                hint="a test compares at least two; leave the row out",
            )
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise InputError(f"{self.name!r} has an arm twice", field="arm", value=self.name)
        for arm in self.arms:
            if arm.units < 1 or not 0 <= arm.outcomes <= arm.units:
                raise InputError(
                    f"{self.name!r}, arm {arm.name!r}: {arm.outcomes:,} outcomes of"
                    f" {arm.units:,} units",
                    field="outcomes",
                    value=arm.outcomes,
                    hint="outcomes are counted once for each unit",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class PastReading:
    """What one old test says.

    Attributes:
        test: The counts.
        label: Always :data:`LABEL`.
        srm_p: p-value of an even split; None when the arms were not meant to be even, which an
            export cannot tell: read it as a question.
        omnibus_p: Chance of arms this unlike if all were alike (chi-square, no correction); None
            when nobody or everybody did it.
        omnibus_q: The same adjusted over all tests read together (Benjamini-Hochberg).
        best: Name of the arm with the highest rate; the first of equals.
        difference: Best of the other arms minus the first arm.
        low: Lower end of its 95 % interval; None where it has no end.
        high: Upper end.
        expected: The same difference as a repeat would show it on average, drawn back by what all
            tests of the metric show; None below five tests.
        expected_low: Lower end of its 95 % credible interval.
        expected_high: Upper end.
    """

    test: PastTest
    label: str
    srm_p: float | None
    omnibus_p: float | None
    omnibus_q: float | None
    best: str
    difference: float
    low: float | None
    high: float | None
    expected: float | None
    expected_low: float | None
    expected_high: float | None

    @property
    def suspicious(self) -> bool:
        """Whether an even split would hardly have come back like this."""
        return self.srm_p is not None and self.srm_p < SRM_ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSummary:
    """What the tests of one metric teach together.

    Attributes:
        metric: The metric.
        readings: One for each test, in the order given.
        base_rate: Outcomes over units, over the first arms.
        spread: Standard deviation of the rates of versions around their own test's level, what the
            planner takes as ``--spread``; None below five tests, or when luck explains it all.
        suspicious: Tests whose split does not look even.
    """

    metric: str
    readings: tuple[PastReading, ...]
    base_rate: float
    spread: float | None
    suspicious: int

    def _repr_html_(self) -> str:
        """The readings as a table, for notebooks."""
        spread = "not known" if self.spread is None else f"{self.spread:.2g}"
        return table_html(
            f"{self.metric}: {len(self.readings)} tests, {LABEL}, spread of versions {spread}",
            ("test", "arms", "best", "difference", "low", "high", "to expect", "all alike: q",
             "split: p"),
            [
                (r.test.name, len(r.test.arms), r.best, r.difference, r.low, r.high, r.expected,
                 r.omnibus_q, r.srm_p)
                for r in self.readings
            ],
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain values."""
        return asdict(self)


def read_past(
    tests: Sequence[PastTest], *, checked: Collection[PastTest] = ()
) -> tuple[PastSummary, ...]:
    """Read old tests, those of one metric together.

    Tests whose split looks uneven are read, marked, and kept out of what all teach together.

    Args:
        tests: Old tests, in any order.
        checked: Those of them whose split was held against their plan when they were read.

    Returns:
        One summary for each metric, in the order in which metrics first appear.

    References:
        Omnibus: Pearson (1900). Adjustment: Benjamini & Hochberg (1995), JRSS B 57, 289-300.
        Spread: :func:`testkit.stats.roll.spread_of_arms`. What a repeat would show:
        :func:`testkit.stats.shrink.shrink` with a Laplace prior from the same tests.

    Examples:
        >>> arms = (PastArm(name="a", units=1000, outcomes=20),
        ...         PastArm(name="b", units=1000, outcomes=35))
        >>> summary, = read_past([PastTest(name="may", arms=arms)])
        >>> summary.readings[0].best, round(summary.readings[0].difference, 3)
        ('b', 0.015)
    """
    metrics = list(dict.fromkeys(test.metric for test in tests))
    return tuple(
        _summary(metric, [t for t in tests if t.metric == metric], checked) for metric in metrics
    )


def _summary(metric: str, tests: Sequence[PastTest], checked: Collection[PastTest]) -> PastSummary:
    srm = [
        None
        if t in checked
        else srm_chisq([a.units for a in t.arms], [1 / len(t.arms)] * len(t.arms)).p_value
        for t in tests
    ]
    omnibus = [omnibus_p(test) for test in tests]
    known = [p for p in omnibus if p is not None]
    adjusted = iter(benjamini_hochberg(known) if known else ())
    sound = [i for i, p in enumerate(srm) if p is None or p >= SRM_ALPHA]
    expected = _expected(tests, sound)
    readings = []
    for i, test in enumerate(tests):
        first, best = test.arms[0], _best(test.arms[1:])
        interval = miettinen_nurminen(
            successes_control=first.outcomes,
            n_control=first.units,
            successes_arm=best.outcomes,
            n_arm=best.units,
        )
        readings.append(
            PastReading(
                test=test,
                label=LABEL,
                srm_p=srm[i],
                omnibus_p=omnibus[i],
                omnibus_q=None if omnibus[i] is None else next(adjusted),
                best=_best(test.arms).name,
                difference=best.rate - first.rate,
                low=interval.low,
                high=interval.high,
                expected=expected[i][0],
                expected_low=expected[i][1],
                expected_high=expected[i][2],
            )
        )
    units = sum(test.arms[0].units for test in tests)
    return PastSummary(
        metric=metric,
        readings=tuple(readings),
        base_rate=sum(test.arms[0].outcomes for test in tests) / units,
        spread=_spread([tests[i] for i in sound]),
        suspicious=len(tests) - len(sound),
    )


def _best(arms: Sequence[PastArm]) -> PastArm:
    return max(arms, key=lambda arm: arm.rate)


def omnibus_p(test: PastTest) -> float | None:
    """p-value of Pearson's chi-square of arms by outcome; None without variation."""
    from scipy.special import chdtrc

    units = np.array([arm.units for arm in test.arms], dtype=np.float64)
    done = np.array([arm.outcomes for arm in test.arms], dtype=np.float64)
    rate = done.sum() / units.sum()
    if rate in (0.0, 1.0):
        return None
    statistic = float((((done - units * rate) ** 2) / (units * rate * (1 - rate))).sum())
    return float(chdtrc(len(test.arms) - 1, statistic))


def _expected(
    tests: Sequence[PastTest], sound: Sequence[int]
) -> list[tuple[float, float, float] | tuple[None, None, None]]:
    """The best other arm against the first, as a repeat would show it; only for sound tests."""
    found: list[tuple[float, float, float] | tuple[None, None, None]] = [(None, None, None)] * len(
        tests
    )
    if len(sound) < FEWEST_FOR_PRIOR:
        return found
    pairs = [(i, tests[i].arms[0], arm) for i in sound for arm in tests[i].arms[1:]]
    effects, se = stabilised_effects(
        control=[first.outcomes for _, first, _ in pairs],
        n_control=[first.units for _, first, _ in pairs],
        treatment=[arm.outcomes for _, _, arm in pairs],
        n_treatment=[arm.units for _, _, arm in pairs],
    )
    # All arms of all tests make the prior: taking each test's best alone would teach it luck.
    best = [k for k, (i, _, arm) in enumerate(pairs) if arm is _best(tests[i].arms[1:])]
    shrunk = shrink(effects[best], se[best], prior=fit_prior(effects, se))
    for k, result in zip(best, shrunk, strict=True):
        i, first, _ = pairs[k]
        low, middle, high = (
            rate_after(effect, control=first.rate) - first.rate
            for effect in (result.low, result.effect, result.high)
        )
        found[i] = (middle, low, high)
    return found


def _spread(tests: Sequence[PastTest]) -> float | None:
    if len(tests) < FEWEST_FOR_PRIOR:
        return None
    means, errors, labels = [], [], []
    for number, test in enumerate(tests):
        units = sum(arm.units for arm in test.arms)
        pooled = sum(arm.outcomes for arm in test.arms) / units
        if not 0 < pooled < 1:
            continue
        for arm in test.arms:
            means.append(arm.rate)
            errors.append(math.sqrt(pooled * (1 - pooled) / arm.units))
            labels.append(number)
    if len(set(labels)) < FEWEST_FOR_PRIOR:
        return None
    return spread_of_arms(means=means, se=errors, tests=labels)
