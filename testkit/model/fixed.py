"""One look at counts that was planned as the only one: two arms, or many. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from testkit.model.html import table_html
from testkit.model.past import PastTest, omnibus_p
from testkit.model.plan import MIN_CONVERSIONS
from testkit.stats.domain import probability
from testkit.stats.effects import miettinen_nurminen, risk_difference
from testkit.stats.multiplicity import holm
from testkit.stats.srm import srm_chisq

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.past import PastArm

__all__ = ["Compared", "ComparedArm", "compare_arms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedArm:
    """One arm against the control.

    Attributes:
        name: The arm.
        units: Units it was sent to.
        outcomes: How many of them did it.
        rate: Outcomes over units.
        difference: Its rate minus the control's.
        low: Lower end of the score interval of the difference; all intervals hold together.
        high: Upper end.
        lift: Difference over the control's rate; None when the control has no outcome.
        z: Pooled score statistic; None when nobody or everybody did it.
        p_value: Two-sided; None when ``z`` is.
        p_adjusted: The same over all arms (Holm); None when ``z`` is.
    """

    name: str
    units: int
    outcomes: int
    rate: float
    difference: float
    low: float | None
    high: float | None
    lift: float | None
    z: float | None
    p_value: float | None
    p_adjusted: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What counts of one planned look say.

    Attributes:
        control: The control's counts.
        arms: The other arms, each against the control.
        omnibus_p: Chance of arms this unlike if all were alike (Pearson's chi-square); None when
            nobody or everybody did it.
        srm_p: p-value of the planned split.
        level: Coverage of all intervals together.
        notes: Sentences of caution.

    Examples:
        >>> from testkit import compare
        >>> compare({"control": (1000, 20), "new": (1000, 40)}).arms[0].lift
        1.0
    """

    control: PastArm
    arms: tuple[ComparedArm, ...]
    omnibus_p: float | None
    srm_p: float
    level: float
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return asdict(self)

    def _repr_html_(self) -> str:
        """The arms as a table, for notebooks."""
        first = (self.control.name, self.control.units, self.control.outcomes, self.control.rate)
        return table_html(
            f"{self.level:.0%} intervals of the difference from {self.control.name}",
            ("arm", "units", "outcomes", "rate", "difference", "low", "high", "adjusted p"),
            [
                (*first, None, None, None, None),
                *(
                    (a.name, a.units, a.outcomes, a.rate, a.difference, a.low, a.high, a.p_adjusted)
                    for a in self.arms
                ),
            ],
        )


def compare_arms(
    arms: Sequence[PastArm], *, level: float = 0.95, shares: Sequence[float] | None = None
) -> Compared:
    """Compare arms with the first one, at one look.

    Args:
        arms: The control first; at least two.
        level: Coverage of all intervals together, in (0, 1).
        shares: Planned shares of the arms, summing to 1; None: an even split.

    Raises:
        InputError: An arm stands twice, counts do not fit, or a share or the level is no such.

    References:
        Intervals: Miettinen & Nurminen (1985), Statistics in Medicine 4(2), 213-226, at the level
        of Bonferroni. Adjusted p-values: Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
        Omnibus: Pearson (1900).
    """
    test = PastTest(name="the comparison", arms=tuple(arms))
    probability(level, "level")
    control, others = test.arms[0], test.arms[1:]
    each = 1 - (1 - level) / len(others)
    effects = [
        risk_difference(
            successes_control=control.outcomes,
            n_control=control.units,
            successes_arm=arm.outcomes,
            n_arm=arm.units,
        )
        for arm in others
    ]
    intervals = [
        miettinen_nurminen(
            successes_control=control.outcomes,
            n_control=control.units,
            successes_arm=arm.outcomes,
            n_arm=arm.units,
            level=each,
        )
        for arm in others
    ]
    adjusted = holm([1.0 if e.p_value is None else e.p_value for e in effects])
    split = list(shares) if shares is not None else [1 / len(test.arms)] * len(test.arms)
    srm_p = srm_chisq([arm.units for arm in test.arms], split).p_value
    return Compared(
        control=control,
        arms=tuple(
            ComparedArm(
                name=arm.name,
                units=arm.units,
                outcomes=arm.outcomes,
                rate=arm.rate,
                difference=effect.difference,
                low=interval.low,
                high=interval.high,
                lift=effect.lift,
                z=effect.z,
                p_value=effect.p_value,
                p_adjusted=None if effect.p_value is None else float(p),
            )
            for arm, effect, interval, p in zip(others, effects, intervals, adjusted, strict=True)
        ),
        omnibus_p=omnibus_p(test),
        srm_p=srm_p,
        level=level,
        notes=_notes(test, srm_p),
    )


def _notes(test: PastTest, srm_p: float) -> tuple[str, ...]:
    notes = []
    pooled = sum(a.outcomes for a in test.arms) / sum(a.units for a in test.arms)
    fewest = pooled * min(a.units for a in test.arms)
    if fewest < MIN_CONVERSIONS:
        notes.append(
            f"only about {fewest:.0f} outcomes are to be expected in the smallest arm: below"
            f" {MIN_CONVERSIONS} the p-values are rough"
        )
    if srm_p < 0.001:
        notes.append(
            f"the arms differ in size by more than chance (p = {srm_p:.2g}): check that nobody was"
            " lost, or name the planned shares"
        )
    notes.append(
        "this is right for one look that was planned as the only one; if you looked before, the"
        " true p-values are larger"
    )
    return tuple(notes)
