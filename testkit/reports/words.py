"""Sentences about looks and decisions, for the terminal and for pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testkit.model.decision import Decision
    from testkit.model.look import Look
    from testkit.model.plan import Plan

__all__ = [
    "between",
    "decision_sentence",
    "extra_sentence",
    "look_sentence",
    "percent",
    "points",
    "share_list",
]


def percent(value: float, *, digits: int = 2) -> str:
    """A rate: ``1.79 %``."""
    return f"{100 * value:.{digits}f} %"


def points(value: float | None) -> str:
    """A difference of rates in percentage points with its sign: ``+0.42 points``."""
    return "unknown" if value is None else f"{100 * value:+.2f} points"


def between(low: float | None, high: float | None) -> str:
    """An interval of a difference in percentage points."""
    if low is None or high is None:
        return "no interval yet"
    return f"{100 * low:+.2f} to {100 * high:+.2f} points"


def share_list(chosen: dict[str, float]) -> str:
    """What the rest gets: ``matched``, or ``50 % control and 50 % new``."""
    if len(chosen) == 1:
        return next(iter(chosen))
    return " and ".join(f"{share:.0%} {name}" for name, share in chosen.items())


def look_sentence(plan: Plan, look: Look) -> str:
    """What a look says, in a sentence or two."""
    arm, control = plan.treatment.name, plan.control.name
    done = f"{look.fraction:.0%} of the planned information"
    if look.blocked:
        return "Nothing can be concluded from these data before the error above is mended."
    match look.verdict:
        case "crossed-up":
            return f"Stop: {arm} is better than {control}. The bound was crossed with {done}."
        case "crossed-down":
            return f"Stop: {arm} is worse than {control}. The bound was crossed with {done}."
        case "ended":
            return f"The plan has come to its end ({done}) and no bound was crossed: inconclusive."
        case "no-new-information":
            return (
                "The figures were revised, but no new people came in: this look spends nothing and"
                " decides nothing."
            )
        case "too-few":
            return "Too few outcomes to read yet: this look spends nothing and decides nothing."
        case "after-stop":
            return "These data came after the verdict: the verdict stays, the figures are revised."
    return f"Go on: no bound was crossed with {done}. Looking again is free; new data are not."


def decision_sentence(plan: Plan, decision: Decision) -> str:
    """The decision in one sentence."""
    arm, control = plan.treatment.name, plan.control.name
    if decision.outcome == "ship":
        return f"Ship {arm}: it is better than {control}."
    if decision.outcome == "keep control":
        return f"Keep {control}: {arm} is worse."
    how = "chosen, not proven"
    return f"Inconclusive. The rest gets {share_list(decision.chosen)} ({how})."


def extra_sentence(plan: Plan, decision: Decision, remainder: int) -> str:
    """What the choice is worth on the rest of the list."""
    if remainder <= 0:
        return "Nobody is left on the list: the whole of it was in the test."
    what = plan.metric.name
    head = (
        f"Sent to the remaining {remainder:,}, {plan.treatment.name} instead of"
        f" {plan.control.name} means about {decision.extra:+,.0f} {what}"
    )
    if decision.extra_low is None or decision.extra_high is None:
        return f"{head}; how far that may be off cannot be said."
    return f"{head}, between {decision.extra_low:+,.0f} and {decision.extra_high:+,.0f}."
