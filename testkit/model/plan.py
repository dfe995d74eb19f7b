"""The plan as values: frozen, with a digest that the ledger keeps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

from testkit.kernel.digest import digest

__all__ = ["MIN_CONVERSIONS", "Plan", "PlanArm", "PlanMetric"]

MIN_CONVERSIONS: Final = 50
"""Fewer expected outcomes in an arm than this, and the z engine's error rates no longer hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanArm:
    """One arm: name, share of the test, whether it is the control, its words."""

    name: str
    share: float
    control: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMetric:
    """The deciding metric; see :class:`testkit.model.definition.MetricDefinition`."""

    name: str
    kind: str
    tier: str
    base_rate: float
    mde: float
    window_hours: float
    reason: str
    owner: str


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
        arms: Control first.
        metric: The primary metric.
        list_size: Units in the list.
        test_size: Units in the test; the others are the remainder.
        waves: Number of waves, and of planned looks.
        wave_sizes: Units of each wave.
        scheme: Assignment scheme.
        salt: Text mixed into the hash.
        strata: Columns inside which arms are balanced.
        alpha: Total type I error, two-sided.
        power: Power that was asked for.
        power_reached: Power at ``test_size`` for the metric's ``mde``.
        mde_reached: Smallest difference that ``test_size`` finds with ``power``; None when none.
        needed: Units in the test that the design needs for ``power`` at ``mde``.
        spending: Name of the spending function.
        engine: ``z``: pooled score test.
        engine_reason: Why this engine.
        planned_upper: z bounds of the planned looks.
        if_inconclusive: What the remainder gets when nothing was proven.
        source: Where published counts come from.
    """

    experiment: str
    title: str
    hypothesis: str
    what_will_change: str
    owner: str
    channel: str
    unit_kind: str
    unit_column: str
    arms: tuple[PlanArm, ...]
    metric: PlanMetric
    list_size: int
    test_size: int
    waves: int
    wave_sizes: tuple[int, ...]
    scheme: Literal["md5-rank-v1", "md5-v1"]
    salt: str
    strata: tuple[str, ...]
    alpha: float
    power: float
    power_reached: float
    mde_reached: float | None
    needed: int
    spending: str
    engine: Literal["z"]
    engine_reason: str
    planned_upper: tuple[float, ...]
    if_inconclusive: Literal["control", "best_estimate", "split"]
    source: str

    @property
    def control(self) -> PlanArm:
        """The arm that the other is compared with."""
        return next(arm for arm in self.arms if arm.control)

    @property
    def treatment(self) -> PlanArm:
        """The other arm."""
        return next(arm for arm in self.arms if not arm.control)

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares in the order of ``arms``."""
        return tuple(arm.share for arm in self.arms)

    @property
    def planned_information(self) -> float:
        """Information at the planned end, counted in units: n_control n_arm / (n_control + n_arm).

        At a constant rate it is proportional to the inverse variance of the difference, and it
        does not move with the rate that happens to be observed.
        """
        return self.test_size * self.control.share * self.treatment.share

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain values, for storage and JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The plan that :meth:`as_dict` wrote."""
        return cls(
            **{
                **raw,
                "arms": tuple(PlanArm(**arm) for arm in raw["arms"]),
                "metric": PlanMetric(**raw["metric"]),
                "wave_sizes": tuple(raw["wave_sizes"]),
                "strata": tuple(raw["strata"]),
                "planned_upper": tuple(raw["planned_upper"]),
            }
        )

    def digest(self) -> str:
        """SHA-256 over every field."""
        return digest(self.as_dict())
