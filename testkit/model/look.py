"""What a look is, as values: counts of waves in, figures and a verdict out. No statistics here."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from testkit.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["STOPS", "ArmFigures", "Look", "Verdict", "WaveCounts", "spending_looks"]

STOPS: Final = ("crossed-up", "crossed-down", "ended")

Verdict = Literal[
    "continue",
    "crossed-up",
    "crossed-down",
    "ended",
    "no-new-information",
    "too-few",
    "after-stop",
]
"""What the look says: go on; the arm is better; the arm is worse; the plan's end without a
crossing; the same units as before; too few outcomes to read; data after the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveCounts:
    """Counts of one wave.

    Attributes:
        wave: Its number, from 1.
        sent_at: When it went out; None while nobody said so.
        units: ``arm -> units``.
        outcomes: ``arm -> units with the outcome``.
        returned: ``arm -> units that a result row came back for``; None where rows come back only
            for those who did it, so that their number says nothing about delivery.
        rows: ``arm -> units with any result row``: an arm without one has no results yet.
    """

    wave: int
    sent_at: datetime | None
    units: dict[str, int]
    outcomes: dict[str, int]
    returned: dict[str, int] | None = None
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def has_results(self) -> bool:
        """Whether any result of the wave was taken in."""
        return sum(self.rows.values()) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """An arm at a look: units, outcomes and their rate over all mature waves."""

    name: str
    units: int
    outcomes: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A recorded look; figures are on mature waves only.

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

    @property
    def stopped(self) -> bool:
        """Whether the plan ends here."""
        return self.verdict in STOPS

    @property
    def blocked(self) -> bool:
        """Whether a data-quality error forbids a decision."""
        return any(f.severity == "error" for f in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The look as plain values, for storage and JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The look that :meth:`as_dict` wrote."""
        return cls(
            **{
                **raw,
                "waves": tuple(raw["waves"]),
                "immature": tuple(raw["immature"]),
                "arms": tuple(ArmFigures(**arm) for arm in raw["arms"]),
                "findings": tuple(Finding(**f) for f in raw["findings"]),
            }
        )


def spending_looks(looks: Sequence[Look]) -> list[Look]:
    """The looks that took part in the plan's error spending, in order."""
    return [look for look in looks if look.verdict in {"continue", *STOPS}]
