"""One page for the person who decides: short words, one question. Pure; computes no statistic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.reports import words

if TYPE_CHECKING:
    from testkit.model.decision import Decision
    from testkit.model.look import Look
    from testkit.model.plan import Plan

__all__ = ["BriefContext", "brief_context"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefContext:
    """Context of ``brief.html.jinja`` and ``brief.md.jinja``.

    Attributes:
        title: The question of the test.
        practice: Whether the workspace is in practice mode.
        answer: What came out, in a sentence or two.
        numbers: What that means in people.
        sure: How sure it is.
        risk: What may go wrong, and what was watched.
        cost: What it costs.
        after: What changes, in the words of those who planned the test; empty when they said
            nothing.
        ask: The one decision that is asked for.
        doubts: What happened to the data after the verdict.
        made: When the page was made, and where the full report is.
    """

    title: str
    practice: bool
    answer: str
    numbers: str
    sure: str
    risk: str
    cost: str
    after: str
    ask: str
    doubts: tuple[str, ...]
    made: str


def brief_context(
    plan: Plan,
    last: Look | None,
    decision: Decision | None,
    *,
    remainder: int,
    practice: bool,
    doubts: tuple[str, ...],
    generated_at: str,
    currency: str = "",
) -> BriefContext:
    """Put what is recorded into short sentences."""
    look = last
    return BriefContext(
        title=plan.title or plan.experiment,
        practice=practice,
        answer=_answer(plan, look, decision),
        numbers=_numbers(plan, look, decision, remainder),
        sure=_sure(plan, decision),
        risk=_risk(plan, look),
        cost=_cost(plan, decision, f" {currency}".rstrip()),
        after=plan.what_will_change,
        ask=_ask(decision, remainder),
        doubts=doubts,
        made=f"Made {generated_at}. All figures: whistlestop experiment report {plan.experiment}",
    )


def _answer(plan: Plan, look: Look | None, decision: Decision | None) -> str:
    if decision is None:
        if look is None:
            return "The test is set up. There is no result yet."
        if look.blocked:
            return "The test cannot be read yet. There is a fault in the data, and we will fix it."
        if look.stopped:
            return "The test has come to its end. The last step is to write down the verdict."
        return "The test still runs. So far nothing is shown. That is normal at this stage."
    arm, control = decision.arm or plan.treatment.name, plan.control.name
    if plan.observational and decision.outcome in {"ship", "keep control"}:
        more = "better" if decision.outcome == "ship" else "worse"
        return f"The ad “{arm}” did {more} than “{control}”. But that is no proof."
    if decision.outcome == "ship":
        return f"The message “{arm}” works better than “{control}”."
    if decision.outcome == "keep control":
        return f"The message “{arm}” works worse than “{control}”. We keep “{control}”."
    if decision.outcome == "stop for harm":
        return f"The message “{arm}” did harm. We stopped it. We keep “{control}”."
    if decision.sooner:
        return (
            "One message brought more, or brought it sooner. This quick test cannot tell which of"
            " the two it was."
        )
    return "The test did not show a clear winner. That is a result too."


def _numbers(plan: Plan, look: Look | None, decision: Decision | None, remainder: int) -> str:
    if look is None:
        return f"{plan.test_size:,} people will be in the test."
    if look.blocked and decision is None:
        return "There are no figures to go by until the fault is mended."
    arms = {a.name: a for a in look.arms}
    arm = arms.get(look.arm) or look.arms[-1]
    control = look.arms[0]
    units = sum(a.units for a in look.arms)
    if plan.metric.kind == "proportion":
        said = (
            f"We sent to {units:,} people. Of each 1,000 who got “{control.name}”,"
            f" {1000 * control.rate:,.1f} did it ({plan.metric.name}). Of each 1,000 who got"
            f" “{arm.name}”, {1000 * arm.rate:,.1f} did it."
        )
    else:
        said = (
            f"We sent to {units:,} people. With “{control.name}” the mean of {plan.metric.name} was"
            f" {words.figure(plan.metric, control.rate)}. With “{arm.name}” it was"
            f" {words.figure(plan.metric, arm.rate)}."
        )
    if decision is None or remainder <= 0 or decision.sooner or plan.metric.kind == "ratio":
        return said
    arm_name = decision.arm or arm.name
    said += f" {remainder:,} people are left."
    if decision.outcome == "stop for harm":
        return said
    low, high = decision.extra_low, decision.extra_high
    if not decision.proven:
        if low is not None and high is not None:
            said += (
                f" If they get “{arm_name}” and not “{control.name}”, it may be {low:+,.0f}, or"
                f" {high:+,.0f}. Do not count on either."
            )
        return said
    # A point and the range beside it come from one and the same reckoning.
    expected = decision.difference
    if decision.expected is not None:
        found = decision.expected
        expected = found["difference"]
        low, high = remainder * found["low"], remainder * found["high"]
    said += (
        f" If they get “{arm_name}” and not “{control.name}”, count on about"
        f" {remainder * expected:+,.0f}."
    )
    if low is not None and high is not None:
        said += f" It may be {low:+,.0f}, or {high:+,.0f}."
    return said


def _sure(plan: Plan, decision: Decision | None) -> str:
    if decision is None:
        return "We set the rule for when to stop before the test. We keep to it."
    if plan.observational:
        return (
            "The platform chose who saw which. So the people who saw one may differ from those who"
            " saw the other. We can see what came in. We cannot tell why."
        )
    if decision.proven and decision.outcome != "stop for harm":
        return (
            "The result is past the bar that we set before the test. With no real gap, luck gets"
            f" past that bar in at most {100 * plan.alpha:g} of 100 tests."
        )
    if decision.outcome == "stop for harm":
        return "The harm was past a line that we set before the test."
    return "The result is not past the bar that we set before the test. It may be luck."


def _risk(plan: Plan, look: Look | None) -> str:
    """What was watched and what came of it, what could not be read and why; no more than that."""
    meant = [m.name for m in plan.metrics if m.role == "guardrail"]
    if not meant:
        return "We did not watch for harm, such as people who leave the list. That is a gap."
    if look is None:
        return f"We will watch {_and(meant)} for harm."
    rails = look.guardrails
    harmed = {g.metric for g in rails if g.harm}
    # What is not watched in one of the arms is not called watched.
    blind = {g.metric: g.reason for g in rails if g.evidence is None and g.verdict != "no worse"}
    said = []
    if harmed:
        said.append(f"We saw harm: {_and(sorted(harmed))} got worse.")
    rest = [name for name in meant if name not in harmed]
    read = {
        name: {g.verdict for g in rails if g.metric == name}
        for name in rest
        if name not in blind and any(g.metric == name for g in rails)
    }
    shown = [name for name, verdicts in read.items() if verdicts == {"no worse"}]
    small = [n for n, verdicts in read.items() if "cannot see" in verdicts]
    unshown = [n for n, verdicts in read.items() if "not shown" in verdicts and n not in small]
    alone = [n for n in read if n not in (*shown, *small, *unshown)]
    if shown:
        said.append(f"We watched {_and(shown)} for harm and saw none.")
    if small:
        said.append(
            f"We watched {_and(small)} and saw no harm. But the test was too small to be sure of"
            " that."
        )
    if unshown:
        said.append(f"We watched {_and(unshown)}. No alarm went off. But harm is not ruled out.")
    if alone:
        ended = look.stopped
        said.append(
            f"We watched {_and(alone)}. No alarm went off"
            + (". But no limit was set, so harm is not ruled out." if ended else " so far.")
        )
    for name in rest:
        if name in blind:
            said.append(f"We did not watch {name}: {blind[name].partition(': ')[2]}.")
    silent = [n for n in meant if not any(g.metric == n for g in rails)]
    if silent:
        said.append(f"We meant to watch {_and(silent)}. No data on it came in. That is a gap.")
    return " ".join(said)


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _cost(plan: Plan, decision: Decision | None, currency: str) -> str:
    said = []
    if plan.budget_cents is not None:
        said.append(f"The test may cost up to {plan.budget_cents / 100:,.2f}{currency}.")
    cents = [a.cents_per_unit for a in plan.arms if a.cents_per_unit]
    if cents:
        said.append(f"Each message costs up to {max(cents) / 100:,.2f}{currency}.")
    if decision is not None and decision.per_thousand is not None:
        found = decision.per_thousand
        said.append(
            f"For each 1,000{currency} spent we get {found['value']:+,.1f} ({plan.metric.name})."
            f" It may be {found['low']:+,.1f}, or {found['high']:+,.1f}."
        )
    return " ".join(said) or "No cost was set down for this test."


def _ask(decision: Decision | None, remainder: int) -> str:
    if decision is None:
        return "Will you let the test run to its end, and not act on part of it?"
    what = words.share_list(decision.chosen)
    if remainder > 0:
        return f"Do you say yes to sending “{what}” to the {remainder:,} people who are left?"
    return f"Do you say yes to using “{what}” from now on?"
