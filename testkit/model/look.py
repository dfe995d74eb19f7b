"""What a look is, as values: counts of waves in, figures and verdicts out. No statistics here."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from testkit.kernel.findings import Finding
from testkit.model.html import table_html
from testkit.stats.moments import CoMoments, Moments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = [
    "STOPS",
    "ArmFigures",
    "Cell",
    "Comparison",
    "FactorFigures",
    "GuardrailFigures",
    "Look",
    "MachineFigures",
    "Quality",
    "SegmentFigures",
    "Verdict",
    "WaveCounts",
]

STOPS: Final = ("crossed-up", "crossed-down", "harm", "sooner", "later", "futile", "ended")

Verdict = Literal[
    "continue",
    "crossed-up",
    "crossed-down",
    "harm",
    "sooner",
    "later",
    "futile",
    "ended",
    "no-new-information",
    "too-few",
    "after-stop",
]
"""What the look says: go on; the arm is better; the arm is worse; a guardrail says stop; more or
sooner, and fewer or later (the speed clock cannot tell which); no promise left; the plan's end
without a crossing; the same units as before; too few outcomes to read; data after the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One metric in one arm of one wave.

    Attributes:
        units: Units of the arm, the denominator.
        events: Units whose value is above 0.
        moments: Of the value, then of the ratio's denominator where there is one, then of the
            covariates, over all units.
    """

    units: int
    events: int
    moments: CoMoments

    @classmethod
    def of_counts(cls, *, outcomes: int, units: int) -> Self:
        """The cell of a proportion without covariates."""
        one = Moments.from_counts(successes=outcomes, n=units)
        return cls(
            units=units,
            events=outcomes,
            moments=CoMoments(n=units, means=(one.mean,), m2=((one.m2,),)),
        )

    def merge(self, other: Cell) -> Cell:
        """Both cells together; their units must be different ones."""
        return Cell(
            units=self.units + other.units,
            events=self.events + other.events,
            moments=self.moments.merge(other.moments),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFigures:
    """What machines (mail scanners, proxies, link checkers) add to one deed in one arm.

    Attributes:
        what: A metric of the plan, or ``opened`` or ``clicked`` as a tool's files tell it.
        arm: The arm; empty where the tool names none.
        metric: Whether it is a metric of the plan: its people are what a look reads.
        raw: Everybody and everything that did it.
        human: People who did it; None where the tool does not tell them apart.
        why: Whose word it is: ``reason -> people of whom it was said``.
    """

    what: str
    arm: str
    metric: bool
    raw: int
    human: int | None
    why: dict[str, int] = field(default_factory=dict)

    @property
    def gap(self) -> int | None:
        """What only machines did; it counts for nothing."""
        return None if self.human is None else self.raw - self.human

    def as_dict(self) -> dict[str, Any]:
        """Plain values with the gap, for JSON."""
        return {**asdict(self), "gap": self.gap}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What the rows say about themselves, over all waves that have any.

    Attributes:
        crossed: ``arm -> units of the arm that were reported in another one``.
        machine: ``arm -> outcomes that a machine made``; they do not count.
        matched: ``arm -> (rows that found their unit, rows)``, where a tool says the arm itself.
        machines: What machines add, by deed and arm.
    """

    crossed: dict[str, int] = field(default_factory=dict)
    machine: dict[str, int] = field(default_factory=dict)
    matched: dict[str, tuple[int, int]] = field(default_factory=dict)
    machines: tuple[MachineFigures, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveCounts:
    """Counts of one wave.

    Attributes:
        wave: Its number, from 1.
        sent_at: When it went out; None while nobody said so.
        units: ``arm -> units``.
        outcomes: ``arm -> units with the primary outcome``.
        returned: ``arm -> units that a result row came back for``; None where rows come back only
            for those who did it, so that their number says nothing about delivery.
        rows: ``arm -> units with any result row``: an arm without one has no results yet.
        cells: ``metric -> arm -> cell``; a proportion may be left out, then its counts are
            ``units`` and ``outcomes``.
        segments: ``column -> level -> arm -> cell`` of the primary metric.
        clusters: ``metric -> arm -> (units, total) of each group``, where groups are randomised.
    """

    wave: int
    sent_at: datetime | None
    units: dict[str, int]
    outcomes: dict[str, int]
    returned: dict[str, int] | None = None
    rows: dict[str, int] = field(default_factory=dict)
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)
    segments: dict[str, dict[str, dict[str, Cell]]] = field(default_factory=dict)
    clusters: dict[str, dict[str, tuple[tuple[float, float], ...]]] = field(default_factory=dict)

    @property
    def has_results(self) -> bool:
        """Whether any result of the wave was taken in."""
        return sum(self.rows.values()) > 0

    def cell(self, metric: str, arm: str, *, primary: bool) -> Cell | None:
        """The cell of a metric in an arm; None when nothing is known of it."""
        if metric in self.cells:
            return self.cells[metric].get(arm)
        if primary and self.units.get(arm):
            return Cell.of_counts(outcomes=self.outcomes.get(arm, 0), units=self.units[arm])
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """An arm at a look: units, outcomes and their rate over all mature waves.

    Attributes:
        name: The arm.
        units: Units.
        outcomes: Units with the primary outcome (an amount: units with any).
        rate: Rate of a proportion; mean or ratio of the other kinds.
    """

    name: str
    units: int
    outcomes: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One arm against the control on one metric, at one look.

    Attributes:
        metric: The metric.
        role: Its role.
        kind: Its kind.
        arm: The arm.
        units: Units of control and arm.
        events: Units with any of it, of control and arm.
        values: Rate, mean or ratio of control and arm.
        difference: Arm minus control, adjusted where the plan names covariates.
        lift: Difference over control; None when the control has none.
        engine: ``z``, ``exact`` or ``open``.
        method: What was computed, in words.
        information: n_control n_arm / (n_control + n_arm).
        fraction: ``information`` over the plan's.
        z: Statistic; None when it cannot be computed.
        bound: Critical value on the scale of ``z``; None when this look could not stop.
        log_e: Natural logarithm of the e-value (open engine); None elsewhere.
        critical: Critical counts of the arm (exact engine): at most, at least; None elsewhere.
        critical_before: Counts at the look before that decide one above the first of them, and one
            below the second: at most, at least; None where nothing is told apart.
        spent: Alpha spent so far, both sides.
        counted: Whether the look took part in error spending.
        low: Lower end of the interval that holds at every look.
        high: Its upper end.
        p_sequential: Smallest alpha at which the comparison would have stopped by now.
        p_adjusted: The same after all comparisons that are read before or beside it.
        stagewise: ``p_value, low, high, estimate`` after a stop by the plan; else None.
        verdict: What this comparison says.
        note: Why something is missing, or what decided between equal totals; empty otherwise.
    """

    metric: str
    role: str
    kind: str
    arm: str
    units: tuple[int, int]
    events: tuple[int, int]
    values: tuple[float, float]
    difference: float
    lift: float | None
    engine: str
    method: str
    information: float
    fraction: float
    z: float | None
    bound: float | None
    log_e: float | None
    critical: tuple[int | None, int | None] | None
    spent: float
    counted: bool
    low: float | None
    high: float | None
    p_sequential: float | None
    p_adjusted: float | None
    stagewise: dict[str, float] | None
    verdict: Verdict
    note: str = ""
    critical_before: tuple[int | None, int | None] | None = None

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The comparison that ``asdict`` wrote, also before equal totals were told apart."""
        critical, before = raw["critical"], raw.get("critical_before")
        return cls(
            **{
                **raw,
                "units": tuple(raw["units"]),
                "events": tuple(raw["events"]),
                "values": tuple(raw["values"]),
                "critical": None if critical is None else tuple(critical),
                "critical_before": None if before is None else tuple(before),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailFigures:
    """A guardrail in one arm.

    Attributes:
        metric: The guardrail.
        arm: The arm.
        values: Rate or mean of control and arm.
        difference: Arm minus control.
        harm: Whether the watch says stop.
        evidence: Log e-value towards harm; of an amount minus the logarithm of the p-value that
            holds at any time; None where it is not watched.
        bound: What ``evidence`` has to reach.
        false_stop: Chance of a wrong stop of this watch, over all its looks.
        verdict: ``no worse``, ``not shown``, ``cannot see`` or ``not read yet``.
        worst: Limit of the difference on its worse side; None while it is not read.
        reason: The verdict in words.
    """

    metric: str
    arm: str
    values: tuple[float, float]
    difference: float
    harm: bool
    evidence: float | None
    bound: float | None
    false_stop: float
    verdict: str
    worst: float | None
    reason: str

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The figures that ``asdict`` wrote."""
        return cls(**{**raw, "values": tuple(raw["values"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFigures:
    """A declared segmentation at the end of the test.

    Attributes:
        column: The column.
        arm: The arm that is compared with the control.
        p_value: Of the test that the effect is the same in all levels; None where there is none.
        verdict: ``same``, ``differ`` or ``too-few``.
        sentence: The verdict in words.
        levels: One row per level: ``name, units, effect, low, high`` (the effect drawn towards the
            other levels, as a difference; None where it cannot be computed).
    """

    column: str
    arm: str
    p_value: float | None
    verdict: str
    sentence: str
    levels: tuple[dict[str, Any], ...]

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The figures that ``asdict`` wrote."""
        return cls(**{**raw, "levels": tuple(raw["levels"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorFigures:
    """An effect of a factor in a factorial test.

    Attributes:
        name: ``ask``, or ``ask x image`` for an interaction.
        kind: ``interaction`` or ``main``.
        estimate: The contrast, in the metric's unit.
        low: Interval at the bound of the look; None without one.
        high: Its upper end.
        z: Estimate over its standard error; None where it cannot be computed.
        reading: What may be made of it, in words.
    """

    name: str
    kind: str
    estimate: float
    low: float | None
    high: float | None
    z: float | None
    reading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A recorded look; figures are on mature waves only.

    The single figures are those of the leading comparison: the primary metric in the arm that the
    verdict is about; with two arms there is no other.

    Attributes:
        id: Its id.
        number: From 1 within the plan.
        at: ISO-8601 text.
        data_digest: Digest of the data it read.
        waves: Mature waves that entered.
        immature: Waves that are not read: not yet old enough, not sent, or without results.
        arms: Control first.
        information: n_control n_arm / (n_control + n_arm).
        fraction: ``information`` over the plan's.
        z: Score statistic; None when nobody or everybody did it.
        bound: Critical value of this look; None when the look could not stop the test.
        spent: Alpha spent so far, over both sides.
        final: Whether this look spends all that remains.
        verdict: See :data:`Verdict`.
        difference: Arm minus control.
        lift: Difference over control; None when the control has none.
        low: Repeated interval, lower end; None while the look cannot exclude anything.
        high: Repeated interval, upper end.
        p_sequential: Smallest alpha at which the test would have stopped by now; None when z is.
        stagewise: ``p_value, low, high, estimate`` after a stop by the plan; else None.
        srm_p: p-value of the sample-ratio test; None when it cannot be computed.
        findings: Data-quality findings (DQ001 ...).
        engine: Engine of the primary metric at this look.
        arm: The arm of the leading comparison.
        comparisons: Every metric that decides or is read after it, in every arm.
        guardrails: Every guardrail in every arm.
        segments: Declared segmentations, once the test has ended.
        factors: Effects of factors, interactions first; empty unless the test is factorial.
        dropped: Arms that were stopped for harm or crossed downwards, now or before.
        young: Counts of the waves that are not old enough, for showing only.
        machines: What machines add to deeds, by arm; none of it was read.
    """

    id: str
    number: int
    at: str
    data_digest: str
    waves: tuple[int, ...]
    immature: tuple[int, ...]
    arms: tuple[ArmFigures, ...]
    information: float
    fraction: float
    z: float | None
    bound: float | None
    spent: float
    final: bool
    verdict: Verdict
    difference: float
    lift: float | None
    low: float | None
    high: float | None
    p_sequential: float | None
    stagewise: dict[str, float] | None
    srm_p: float | None
    findings: tuple[Finding, ...]
    engine: str = "z"
    arm: str = ""
    comparisons: tuple[Comparison, ...] = ()
    guardrails: tuple[GuardrailFigures, ...] = ()
    segments: tuple[SegmentFigures, ...] = ()
    factors: tuple[FactorFigures, ...] = ()
    dropped: tuple[str, ...] = ()
    young: tuple[ArmFigures, ...] = ()
    machines: tuple[MachineFigures, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether the plan ends here."""
        return self.verdict in STOPS

    @property
    def blocked(self) -> bool:
        """Whether a data-quality error forbids a decision."""
        return any(f.severity == "error" for f in self.findings)

    def comparison(self, metric: str, arm: str) -> Comparison | None:
        """The comparison of an arm on a metric; None when it was not made."""
        return next((c for c in self.comparisons if (c.metric, c.arm) == (metric, arm)), None)

    def _repr_html_(self) -> str:
        """The comparisons as a table, for notebooks."""
        return table_html(
            f"look {self.number}: {self.verdict}, {self.fraction:.0%} of the planned information",
            ("metric", "arm", "control", "arm's", "difference", "low", "high", "adjusted p",
             "verdict"),
            [
                (c.metric, c.arm, *c.values, c.difference, c.low, c.high, c.p_adjusted, c.verdict)
                for c in self.comparisons
            ],
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """The look as plain values, for storage and JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The look that :meth:`as_dict` wrote, also before it held comparisons."""
        return cls(
            **{
                **raw,
                "waves": tuple(raw["waves"]),
                "immature": tuple(raw["immature"]),
                "arms": _figures(raw["arms"]),
                "findings": tuple(Finding(**f) for f in raw["findings"]),
                "comparisons": tuple(Comparison.from_dict(c) for c in raw.get("comparisons", ())),
                "guardrails": tuple(
                    GuardrailFigures.from_dict(g) for g in raw.get("guardrails", ())
                ),
                "segments": tuple(SegmentFigures.from_dict(s) for s in raw.get("segments", ())),
                "factors": tuple(FactorFigures(**f) for f in raw.get("factors", ())),
                "dropped": tuple(raw.get("dropped", ())),
                "young": _figures(raw.get("young", ())),
                "machines": tuple(MachineFigures(**m) for m in raw.get("machines", ())),
            }
        )


def _figures(rows: Sequence[dict[str, Any]]) -> tuple[ArmFigures, ...]:
    return tuple(ArmFigures(**row) for row in rows)
