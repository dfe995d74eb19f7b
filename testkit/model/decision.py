"""From a look to a decision, by the rule that the plan fixed. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from testkit.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.model.look import Look
    from testkit.model.plan import Plan

__all__ = ["Decision", "Ending", "Outcome", "decide"]

Outcome = Literal["ship", "keep control", "inconclusive"]
Ending = Literal["stopped at a bound", "planned end", "stopped without crossing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, on which look, and how far it is proven.

    Attributes:
        id: Its id.
        look_id: The look that it rests on.
        look_number: Number of that look.
        at: ISO-8601 text.
        outcome: ``ship``: the arm is better; ``keep control``: the arm is worse; ``inconclusive``.
        ending: How the test came to its end.
        chosen: ``arm -> share`` of the remainder, summing to 1.
        proven: Whether the choice for the remainder follows from a crossing; otherwise it is
            chosen, not proven.
        difference: The estimate that fits the ending: median-unbiased after a stop by the plan,
            else as observed.
        low: Lower end of the interval that fits the ending; None where there is none.
        high: Upper end.
        p_value: The p-value that fits the ending; None where there is none.
        interval_method: Name of that interval.
        extra_low: Extra outcomes over the remainder if it gets the arm and not the control.
        extra_high: Upper end of that.
        extra: Best estimate of that.
        reason: The rule in words, or the reason given for an early end.
        despite: Reason given for deciding in spite of a blocking finding; empty otherwise.
    """

    id: str
    look_id: str
    look_number: int
    at: str
    outcome: Outcome
    ending: Ending
    chosen: dict[str, float]
    proven: bool
    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    interval_method: str
    extra_low: float | None
    extra_high: float | None
    extra: float
    reason: str
    despite: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The decision as plain values, for storage and JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The decision that :meth:`as_dict` wrote."""
        return cls(**raw)


def decide(
    plan: Plan,
    looks: Sequence[Look],
    *,
    decision_id: str,
    at: str,
    remainder: int,
    stop_reason: str = "",
    despite: str = "",
) -> Decision:
    """Decide by the plan's rule on the look that ended the test.

    Args:
        plan: The locked plan.
        looks: All recorded looks, in order.
        decision_id: Id for the decision.
        at: The present moment as ISO-8601 text.
        remainder: Units that wait for the decision.
        stop_reason: Why the test is ended before the plan's end; empty when it is not.
        despite: Why to decide in spite of a blocking data-quality finding; empty to be blocked.

    Raises:
        StateError: Nothing was looked at, the plan says go on, or a finding blocks.
    """
    if not looks:
        raise StateError(
            f"{plan.experiment} has no look yet",
            current="no look",
            hint=f"take one: whistlestop experiment look {plan.experiment}",
        )
    ended = next((look for look in looks if look.stopped), None)
    look = ended or looks[-1]
    # A revised figure after the stop cannot lift a block: the look that decides has to be clean.
    blocking = [f for f in look.findings if f.severity == "error"]
    if blocking and not despite:
        raise StateError(
            f"the data of look {look.number} forbid a decision: {blocking[0].message}",
            current="blocked",
            hint=blocking[0].hint,
        )
    if ended is None and not stop_reason:
        raise StateError(
            f"{plan.experiment} goes on: look {look.number} has {look.fraction:.0%} of the planned"
            " information and crossed no bound",
            current="running",
            allowed=("look again when the next wave is old enough",),
            hint="to end it now without a proof: --stop REASON",
        )
    control, arm = plan.control.name, plan.treatment.name
    if ended is None:
        outcome: Outcome = "inconclusive"
        ending: Ending = "stopped without crossing"
    elif ended.verdict == "ended":
        outcome, ending = "inconclusive", "planned end"
    else:
        outcome = "ship" if ended.verdict == "crossed-up" else "keep control"
        ending = "stopped at a bound"
    difference, low, high, p_value = look.difference, look.low, look.high, look.p_sequential
    method = "repeated confidence interval, observed difference"
    if look.stagewise is not None:
        found = look.stagewise
        difference, low, high, p_value = (
            found["estimate"],
            found["low"],
            found["high"],
            found["p_value"],
        )
        method = "stage-wise ordering, median-unbiased estimate"
    chosen = _chosen(plan, outcome, difference)
    reasons: dict[Outcome, str] = {
        "ship": f"the bound was crossed in favour of {arm}",
        "keep control": f"the bound was crossed against {arm}",
        "inconclusive": (
            "the plan came to its end without a crossing; it says"
            f" if_inconclusive: {plan.if_inconclusive}"
        ),
    }
    return Decision(
        id=decision_id,
        look_id=look.id,
        look_number=look.number,
        at=at,
        outcome=outcome,
        ending=ending,
        chosen={name: share for name, share in chosen.items() if share > 0} or {control: 1.0},
        proven=outcome != "inconclusive",
        difference=difference,
        low=low,
        high=high,
        p_value=p_value,
        interval_method=method,
        extra_low=None if low is None else remainder * low,
        extra_high=None if high is None else remainder * high,
        extra=remainder * difference,
        reason=(stop_reason if ended is None else "") or reasons[outcome],
        despite=despite,
    )


def _chosen(plan: Plan, outcome: Outcome, difference: float) -> dict[str, float]:
    control, arm = plan.control.name, plan.treatment.name
    if outcome == "ship":
        return {arm: 1.0}
    if outcome == "keep control" or plan.if_inconclusive == "control":
        return {control: 1.0}
    if plan.if_inconclusive == "best_estimate":
        return {arm if difference > 0 else control: 1.0}
    return {a.name: a.share for a in plan.arms}
