"""From a look to a decision, by the rule that the plan fixed. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from testkit.errors import StateError
from testkit.model.costing import cents_per_unit, extra_per_thousand
from testkit.model.expecting import expect
from testkit.model.html import table_html
from testkit.model.plan import OBSERVATIONAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testkit.model.experience import Experience
    from testkit.model.look import Look
    from testkit.model.plan import Plan

__all__ = ["Decision", "Ending", "Outcome", "decide"]

Outcome = Literal["ship", "keep control", "stop for harm", "inconclusive"]
Ending = Literal[
    "stopped at a bound",
    "stopped for harm",
    "stopped for lack of promise",
    "planned end",
    "stopped without crossing",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, on which look, and how far it is proven.

    Attributes:
        id: Its id.
        look_id: The look that it rests on.
        look_number: Number of that look.
        at: ISO-8601 text.
        outcome: ``ship``: the arm is better; ``keep control``: it is worse; ``stop for harm``: a
            guardrail got worse; ``inconclusive``.
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
        arm: The arm that the figures are about.
        sooner: Whether the arm brought more, or only sooner: the speed clock cannot tell.
        per_thousand: Extra outcomes per 1,000 of currency spent on the arm, ``value, low, high``;
            None without a cost or an interval.
        expected: Shrunken difference for the rest, ``difference, low, high, probability_better,
            basis``; None where it cannot be computed.
        proven_metrics: Secondary metrics that were proven too, in their order.
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
    arm: str = ""
    sooner: bool = False
    per_thousand: dict[str, float] | None = None
    expected: dict[str, Any] | None = None
    proven_metrics: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """The verdict as a table, for notebooks."""
        return table_html(
            f"{self.outcome}: {self.reason}",
            ("arm", "difference", "low", "high", "p", "proven", "the rest gets"),
            [
                (
                    self.arm,
                    self.difference,
                    self.low,
                    self.high,
                    self.p_value,
                    "yes" if self.proven else "no",
                    ", ".join(f"{share:.0%} {name}" for name, share in self.chosen.items()),
                )
            ],
        )

    def as_dict(self) -> dict[str, Any]:
        """The decision as plain values, for storage and JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """The decision that :meth:`as_dict` wrote."""
        return cls(**{**raw, "proven_metrics": tuple(raw.get("proven_metrics", ()))})


def decide(
    plan: Plan,
    looks: Sequence[Look],
    *,
    decision_id: str,
    at: str,
    remainder: int,
    stop_reason: str = "",
    despite: str = "",
    past: Experience | None = None,
    spent: Mapping[str, int] | None = None,
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
        past: What past tests of the metric teach, for what to expect of the rest.
        spent: ``arm -> cents`` that were paid; arms that are absent cost what the plan says.

    Raises:
        StateError: Nothing was looked at, the plan says go on, or a finding blocks.
    """
    if not looks:
        raise StateError(
            f"{plan.experiment} has no look yet",
            current="no look",
            hint=f"take one: whistlestop experiment look {plan.experiment}",
        )
    ended = next((look for look in looks if look.stopped and not look.blocked), None)
    if ended is None and despite and looks[-1].stopped:
        ended = looks[-1]
    look = ended or looks[-1]
    # The look that decides has to be clean, or somebody gives a reason.
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
    control, arm = plan.control.name, look.arm or plan.treatment.name
    outcome, ending = _ending(ended)
    sooner = ended is not None and ended.verdict in {"sooner", "later"}
    difference, low, high, p_value = look.difference, look.low, look.high, look.p_sequential
    method = "repeated confidence interval, observed difference"
    if look.engine == "open":
        method = "interval that holds at any time, observed difference"
    if look.stagewise is not None:
        found = look.stagewise
        difference, low, high, p_value = (
            found["estimate"],
            found["low"],
            found["high"],
            found["p_value"],
        )
        method = "stage-wise ordering, median-unbiased estimate"
    if sooner and ended is not None:
        better = arm if ended.verdict == "sooner" else control
        chosen = {better: 1.0}
    else:
        chosen = _chosen(plan, outcome, arm, look)
    reasons: dict[Outcome, str] = {
        "ship": f"the bound was crossed in favour of {arm}",
        "keep control": f"the bound was crossed against {arm}",
        "stop for harm": "; ".join(g.reason for g in look.guardrails if g.harm),
        "inconclusive": (
            f"the plan came to its end without a crossing; it says"
            f" if_inconclusive: {plan.if_inconclusive}"
        ),
    }
    reason = reasons[outcome]
    if sooner:
        reason = (
            "the bound was crossed while the send was still working: more or sooner, and this"
            " clock cannot tell which"
        )
    elif ending == "stopped for lack of promise":
        reason = f"no promise is left; the plan says if_inconclusive: {plan.if_inconclusive}"
    first = look.comparison(plan.metric.name, arm)
    went_out = sum(a.units for a in (*look.arms, *look.young) if a.name == arm)
    cost = cents_per_unit(plan, arm, spent=spent or {}, units=went_out)
    # While a send still works, its difference is no estimate of how it ends.
    expected = expect(plan, first, past) if first is not None and not sooner else None
    return Decision(
        id=decision_id,
        look_id=look.id,
        look_number=look.number,
        at=at,
        outcome=outcome,
        ending=ending,
        chosen={name: share for name, share in chosen.items() if share > 0} or {control: 1.0},
        proven=outcome != "inconclusive" and not plan.observational,
        difference=difference,
        low=low,
        high=high,
        p_value=p_value,
        interval_method=method,
        extra_low=None if low is None else remainder * low,
        extra_high=None if high is None else remainder * high,
        extra=remainder * difference,
        reason=(f"{OBSERVATIONAL}; " if plan.observational else "")
        + ((stop_reason if ended is None else "") or reason),
        despite=despite,
        arm=arm,
        sooner=sooner,
        per_thousand=None if sooner else extra_per_thousand(plan, cost, difference, low, high),
        expected=None if expected is None else asdict(expected),
        proven_metrics=tuple(
            c.metric
            for c in look.comparisons
            if not plan.observational
            and c.role == "secondary"
            and c.arm == arm
            and c.verdict == "crossed-up"
        ),
    )


def _ending(ended: Look | None) -> tuple[Outcome, Ending]:
    if ended is None:
        return "inconclusive", "stopped without crossing"
    endings: dict[str, tuple[Outcome, Ending]] = {
        "crossed-up": ("ship", "stopped at a bound"),
        "crossed-down": ("keep control", "stopped at a bound"),
        "harm": ("stop for harm", "stopped for harm"),
        "sooner": ("inconclusive", "stopped at a bound"),
        "later": ("inconclusive", "stopped at a bound"),
        "futile": ("inconclusive", "stopped for lack of promise"),
        "ended": ("inconclusive", "planned end"),
    }
    return endings[ended.verdict]


def _chosen(plan: Plan, outcome: Outcome, arm: str, look: Look) -> dict[str, float]:
    control = plan.control.name
    if outcome == "ship":
        return {arm: 1.0}
    if outcome in {"keep control", "stop for harm"} or plan.if_inconclusive == "control":
        return {control: 1.0}
    open_arms = [a for a in plan.arms if a.name not in look.dropped]
    if plan.if_inconclusive == "best_estimate":
        sign = 1.0 if plan.metric.direction == "up" else -1.0
        found = {
            c.arm: sign * c.difference
            for c in look.comparisons
            if c.metric == plan.metric.name and c.arm not in look.dropped
        } or {arm: sign * look.difference}
        best = max(found, key=lambda name: found[name])
        return {best if found[best] > 0 else control: 1.0}
    whole = sum(a.share for a in open_arms)
    return {a.name: a.share / whole for a in open_arms}
