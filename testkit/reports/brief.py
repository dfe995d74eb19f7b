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
        cost=_cost(plan, decision),
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
            f" {control.rate:,.2f}. With “{arm.name}” it was {arm.rate:,.2f}."
        )
    if decision is None or remainder <= 0 or decision.sooner or plan.metric.kind == "ratio":
        return said
    expected = decision.expected["difference"] if decision.expected else decision.difference
    said += (
        f" {remainder:,} people are left. If they get “{decision.arm or arm.name}” and not"
        f" “{control.name}”, count on about {remainder * expected:+,.0f}."
    )
    if decision.extra_low is not None and decision.extra_high is not None:
        said += f" It may be {decision.extra_low:+,.0f}, or {decision.extra_high:+,.0f}."
    return said


def _sure(plan: Plan, decision: Decision | None) -> str:
    if decision is None:
        return "We set the rule for when to stop before the test. We keep to it."
    if decision.proven and decision.outcome != "stop for harm":
        return (
            "The result is past the bar that we set before the test. With no real gap, luck gets"
            f" past that bar in at most {100 * plan.alpha:g} of 100 tests."
        )
    if decision.outcome == "stop for harm":
        return "The harm was past a line that we set before the test."
    return "The result is not past the bar that we set before the test. It may be luck."


def _risk(plan: Plan, look: Look | None) -> str:
    rails = look.guardrails if look else ()
    if look is not None and not rails and any(m.role == "guardrail" for m in plan.metrics):
        return "We meant to watch for harm. No data on it came in. That is a gap."
    if not any(m.role == "guardrail" for m in plan.metrics):
        return "We did not watch for harm, such as people who leave the list. That is a gap."
    harmed = [g.metric for g in rails if g.harm]
    if harmed:
        return f"We saw harm: {', '.join(sorted(set(harmed)))} got worse."
    blind = sorted({g.metric for g in rails if g.verdict == "cannot see"})
    if blind:
        return (
            f"We watched {', '.join(blind)} and saw no harm. But the test was too small to be sure"
            " of that."
        )
    return "We watched for harm and saw none."


def _cost(plan: Plan, decision: Decision | None) -> str:
    said = []
    if plan.budget_cents is not None:
        said.append(f"The test may cost up to {plan.budget_cents / 100:,.2f}.")
    cents = [a.cents_per_unit for a in plan.arms if a.cents_per_unit]
    if cents:
        said.append(f"Each message costs up to {max(cents) / 100:,.2f}.")
    if decision is not None and decision.per_thousand is not None:
        found = decision.per_thousand
        said.append(
            f"For each 1,000 spent we get {found['value']:+,.1f} ({plan.metric.name}). It may be"
            f" {found['low']:+,.1f}, or {found['high']:+,.1f}."
        )
    return " ".join(said) or "No cost was set down for this test."


def _ask(decision: Decision | None, remainder: int) -> str:
    if decision is None:
        return "Will you let the test run to its end, and not act on part of it?"
    what = words.share_list(decision.chosen)
    if remainder > 0:
        return f"Do you say yes to sending “{what}” to the {remainder:,} people who are left?"
    return f"Do you say yes to using “{what}” from now on?"
