"""The plan as values: frozen, with a digest that the ledger keeps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Self

from testkit.kernel.digest import digest
from testkit.model.html import table_html

__all__ = [
    "MIN_CONVERSIONS",
    "OBSERVATIONAL",
    "Engine",
    "MetricKind",
    "Plan",
    "PlanArm",
    "PlanMetric",
    "PlanSegment",
    "Role",
]

MetricKind = Literal["proportion", "mean", "ratio", "count"]
Role = Literal["primary", "secondary", "guardrail"]
Engine = Literal["z", "exact", "open"]

OBSERVATIONAL: Final = "observational: the platform chose who saw which"
"""What stands before every verdict that no lottery stands behind."""
LATER: Final = {"design_effect": 1.0, "split": "lottery"}

MIN_CONVERSIONS: Final = 50
"""Fewer expected outcomes in an arm than this, and the z engine's error rates no longer hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanArm:
    """One arm; see :class:`testkit.model.definition.ArmDefinition`."""

    name: str
    share: float
    control: bool
    text: str
    factors: dict[str, str | int | float | bool] = field(default_factory=dict)
    link: str = ""
    refcode: str = ""
    cents_per_unit: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMetric:
    """An outcome; see :class:`testkit.model.definition.MetricDefinition`.

    Attributes:
        base: Rate (proportion), mean (mean, count) or value (ratio) today; None when not known.
        sd: Standard deviation per unit; None where the kind implies it or it is not known.
    """

    name: str
    kind: MetricKind
    role: Role
    tier: str
    base: float | None
    sd: float | None
    mde: float | None
    margin: float | None
    direction: Literal["up", "down"]
    window_hours: float
    per: str
    cap: float | None
    covariates: tuple[str, ...]
    reason: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSegment:
    """A split of the result that was declared before the data."""

    column: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done, to the digit.

    Attributes:
        experiment: Name.
        title: The question.
        hypothesis: What is expected.
        what_will_change: What follows from a yes.
        owner: Who decides.
        channel: Where the messages go out.
        unit_kind: What is randomised.
        unit_column: Column that holds the unit's id.
        unit_group: Column whose equal values get the same arm; None: each unit for itself.
        arms: Control first.
        metrics: The primary first, then secondaries in the order in which they are read, then
            guardrails.
        segments: Splits of the result, declared before the data.
        list_size: Units in the list.
        test_size: Units in the test; the others are the remainder.
        holdout: Share of the list that is held out of all tests.
        suppress: Files of ids that must not get the message.
        exclude: Experiments whose units must not be in this one.
        family: See :class:`testkit.model.definition.DesignDefinition`.
        clock: The same.
        waves: Number of waves that are sent.
        looks: Number of planned looks.
        wave_sizes: Units of each wave.
        scheme: Assignment scheme.
        salt: Text mixed into the hash.
        strata: Columns inside which arms are balanced.
        alpha: Total type I error, two-sided.
        power: Power that was asked for.
        power_reached: Power at ``test_size`` for the metric's ``mde``.
        mde_reached: Smallest difference that ``test_size`` finds with ``power``; None when none.
        needed: Units in the test that the design needs for ``power`` at ``mde``.
        expected_size: Units that the test uses up on average when the difference is ``mde``.
        spending: Name of the spending function.
        futility: Name of the beta-spending function; None: no stopping for futility.
        comparison_alpha: Two-sided alpha of each arm-with-control comparison; ``alpha`` over all.
        engine: ``z``: pooled score test; ``exact``: hypergeometric recursion on wave totals;
            ``open``: e-process or confidence sequence.
        engine_reason: Why this engine.
        planned_upper: z bounds of the planned looks; empty for ``open``.
        budget_cents: What may be spent on the messages; None: not said.
        staff_hours: Hours of staff time; None: not said.
        send_on: Days of the sends, ISO dates.
        if_inconclusive: What the remainder gets when nothing was proven.
        source: Where published counts come from.
        design_effect: Units of groups that are worth one unit alone: 1 + (size - 1) times how alike
            they are; 1 without groups.
        split: Who decides which unit gets which arm.
    """

    experiment: str
    title: str
    hypothesis: str
    what_will_change: str
    owner: str
    channel: str
    unit_kind: str
    unit_column: str
    unit_group: str | None
    arms: tuple[PlanArm, ...]
    metrics: tuple[PlanMetric, ...]
    segments: tuple[PlanSegment, ...]
    list_size: int
    test_size: int
    holdout: float
    suppress: tuple[str, ...]
    exclude: tuple[str, ...]
    family: Literal["group-sequential", "exact", "open-ended", "fixed"]
    clock: Literal["waves", "one-send", "speed"]
    waves: int
    looks: int
    wave_sizes: tuple[int, ...]
    scheme: Literal["md5-rank-v1", "md5-v1"]
    salt: str
    strata: tuple[str, ...]
    alpha: float
    power: float
    power_reached: float
    mde_reached: float | None
    needed: int
    expected_size: float
    spending: str
    futility: str | None
    comparison_alpha: float
    engine: Engine
    engine_reason: str
    planned_upper: tuple[float, ...]
    budget_cents: int | None
    staff_hours: float | None
    send_on: tuple[str, ...]
    if_inconclusive: Literal["control", "best_estimate", "split"]
    source: str
    design_effect: float = 1.0
    split: Literal["lottery", "platform"] = "lottery"

    @property
    def observational(self) -> bool:
        """Whether a platform chose who saw which, so that no difference is proof of anything."""
        return self.split == "platform"

    @property
    def control(self) -> PlanArm:
        """The arm that the other is compared with."""
        return next(arm for arm in self.arms if arm.control)

    @property
    def treatments(self) -> tuple[PlanArm, ...]:
        """The other arms, in the order of the file."""
        return tuple(arm for arm in self.arms if not arm.control)

    @property
    def treatment(self) -> PlanArm:
        """The first of the other arms."""
        return self.treatments[0]

    @property
    def metric(self) -> PlanMetric:
        """The primary metric."""
        return self.metrics[0]

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares in the order of ``arms``."""
        return tuple(arm.share for arm in self.arms)

    def planned_information(self, arm: PlanArm) -> float:
        """Information of an arm at the planned end, in units: n_c n_a / (n_c + n_a).

        At a constant rate it is proportional to the inverse variance of the difference, and it
        does not move with the rate that happens to be observed.
        """
        control = self.control.share
        return self.test_size * control * arm.share / (control + arm.share)

    def _repr_html_(self) -> str:
        """Arms and what the test can see, for notebooks."""
        finds = "nothing" if self.mde_reached is None else f"{self.mde_reached:.3g} or more"
        return table_html(
            f"{self.experiment}: {self.test_size:,} of {self.list_size:,}, {self.looks} look"
            f"{'' if self.looks == 1 else 's'}, finds {finds} with {self.power:.0%} power",
            ("arm", "share", "text"),
            [(arm.name, f"{arm.share:.1%}", arm.text) for arm in self.arms],
        )

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain values, for storage and JSON.

        What came later is left out where it has no say, so that old plans keep their digest.
        """
        return {k: v for k, v in asdict(self).items() if k not in LATER or v != LATER[k]}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The plan that :meth:`as_dict` wrote."""
        return cls(
            **{
                **raw,
                "arms": tuple(PlanArm(**arm) for arm in raw["arms"]),
                "metrics": tuple(
                    PlanMetric(**{**m, "covariates": tuple(m["covariates"])})
                    for m in raw["metrics"]
                ),
                "segments": tuple(
                    PlanSegment(column=s["column"], levels=tuple(s["levels"]))
                    for s in raw["segments"]
                ),
                "suppress": tuple(raw["suppress"]),
                "exclude": tuple(raw["exclude"]),
                "send_on": tuple(raw["send_on"]),
                "wave_sizes": tuple(raw["wave_sizes"]),
                "strata": tuple(raw["strata"]),
                "planned_upper": tuple(raw["planned_upper"]),
            }
        )

    def digest(self) -> str:
        """SHA-256 over every field."""
        return digest(self.as_dict())
