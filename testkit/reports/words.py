"""Sentences about looks and decisions, for the terminal and for pages. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from testkit.model.plan import OBSERVATIONAL

if TYPE_CHECKING:
    from testkit.model.costing import Cost
    from testkit.model.decision import Decision
    from testkit.model.look import Comparison, Look
    from testkit.model.plan import Plan, PlanMetric

__all__ = [
    "arm_heads",
    "between",
    "comparison_sentence",
    "decision_sentence",
    "difference",
    "disagreements",
    "drawn",
    "expected_sentence",
    "extra_per_thousand",
    "extra_sentence",
    "figure",
    "look_sentence",
    "money",
    "note_sentence",
    "per_thousand",
    "per_thousand_sentence",
    "percent",
    "points",
    "range_of",
    "reading",
    "revised_sentence",
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


def figure(metric: PlanMetric, value: float) -> str:
    """A value of a metric: a rate in per cent, anything else to three digits that count."""
    return percent(value) if metric.kind == "proportion" else f"{value:,.{_places(value)}f}"


def arm_heads(metric: PlanMetric) -> tuple[str, str]:
    """Heads of the columns of an arm's count and of its value."""
    heads = {"proportion": (metric.name, "rate"), "ratio": ("with any", metric.name)}
    return heads.get(metric.kind, ("with any", f"{metric.name} each"))


def _places(*values: float) -> int:
    """Decimals that show three digits of the largest value, and never fewer than two."""
    largest = max(map(abs, values))
    if largest == 0 or not math.isfinite(largest):
        return 2
    return min(max(2, 2 - math.floor(math.log10(largest))), 8)


def _unit(metric: PlanMetric) -> str:
    """What an amount is of: ``cents each``; a ratio has no unit."""
    return "" if metric.kind == "ratio" else f" {metric.name} each"


def difference(metric: PlanMetric, value: float | None) -> str:
    """A difference in the metric's unit, with its sign."""
    if metric.kind == "proportion" or value is None:
        return points(value)
    return f"{value:+,.{_places(value)}f}{_unit(metric)}"


def range_of(metric: PlanMetric, low: float | None, high: float | None) -> str:
    """An interval of a difference in the metric's unit."""
    if metric.kind == "proportion" or low is None or high is None:
        return between(low, high)
    places = _places(low, high)
    return f"{low:+,.{places}f} to {high:+,.{places}f}{_unit(metric)}"


def share_list(chosen: dict[str, float]) -> str:
    """What the rest gets: ``matched``, or ``50 % control and 50 % new``."""
    if len(chosen) == 1:
        return next(iter(chosen))
    return " and ".join(f"{share:.0%} {name}" for name, share in chosen.items())


def look_sentence(plan: Plan, look: Look) -> str:
    """What a look says, in a sentence or two."""
    arm, control = look.arm or plan.treatment.name, plan.control.name
    done = f"{look.fraction:.0%} of the planned information"
    if plan.observational and look.verdict in {"crossed-up", "crossed-down"} and not look.blocked:
        more = "better" if look.verdict == "crossed-up" else "worse"
        return (
            f"Stop. {_seen(OBSERVATIONAL)}. {arm} did {more} than {control}, beyond the bound with"
            f" {done}; the people may differ, not the messages."
        )
    if look.blocked:
        return "Nothing can be concluded from these data before the error above is mended."
    sentences = {
        "crossed-up": f"Stop: {arm} is better than {control}. The bound was crossed with {done}.",
        "crossed-down": f"Stop: {arm} is worse than {control}. The bound was crossed with {done}.",
        "harm": (
            f"Stop: {arm} does harm. " + " ".join(f"{g.reason}." for g in look.guardrails if g.harm)
        ),
        "sooner": (
            f"{arm} brought more, or brought it sooner, than {control}. This send is still"
            " working, and its clock cannot tell which."
        ),
        "later": (
            f"{arm} brought less, or brought it later, than {control}. This send is still"
            " working, and its clock cannot tell which."
        ),
        "futile": (
            f"Stop: with {done} there is no promise left that {arm} is better by what the plan"
            " looks for."
        ),
        "ended": f"The plan has come to its end ({done}) and no bound was crossed: inconclusive.",
        "no-new-information": (
            "The figures were revised, but no new people came in: this look spends nothing and"
            " decides nothing."
        ),
        "too-few": "Too few outcomes to read yet: this look spends nothing and decides nothing.",
        "after-stop": (
            "These data came after the verdict: the verdict stays, the figures are revised."
        ),
        "continue": (
            f"Go on: no bound was crossed with {done}. Looking again is free; new data are not."
        ),
    }
    said = sentences[look.verdict]
    if look.dropped and look.verdict == "continue":
        said += f" Out: {', '.join(look.dropped)}; send it to nobody else."
    return said


def _seen(words: str) -> str:
    return words[0].upper() + words[1:]


def note_sentence(plan: Plan, look: Look) -> str:
    """What is missing in the leading comparison, or what decided it at the last; else empty."""
    first = look.comparison(plan.metric.name, look.arm)
    return "" if first is None or not first.note else f"{first.note[0].upper()}{first.note[1:]}."


def comparison_sentence(plan: Plan, one: Comparison) -> str:
    """What one comparison says, in a few words."""
    metric = next(m for m in plan.metrics if m.name == one.metric)
    found = f"{difference(metric, one.difference)}, {range_of(metric, one.low, one.high)}"
    return f"{found}: {reading(plan, one)}"


def reading(plan: Plan, one: Comparison) -> str:
    """What one comparison says, without its figures."""
    said = {
        "crossed-up": "better",
        "crossed-down": "worse",
        "sooner": "more or sooner",
        "later": "fewer or later",
        "futile": "no promise left",
        "too-few": "too few to read",
        "no-new-information": "nothing new",
        "after-stop": "after the verdict",
    }.get(one.verdict, "not shown")
    if plan.observational:
        said += ", observational"
    note = f" ({one.note})" if one.note else ""
    return f"{said}{note}"


def disagreements(plan: Plan, look: Look) -> tuple[str, ...]:
    """Why an amount is not shown where the yes or no of the same people is, arm by arm."""
    kinds = {m.name: m.kind for m in plan.metrics}
    if plan.metric.kind != "proportion":
        return ()
    said = []
    for one in look.comparisons:
        first = look.comparison(plan.metric.name, one.arm)
        if first is None or not first.verdict.startswith("crossed") or kinds[one.metric] != "mean":
            continue
        known, blurred = (_half_width(c) for c in (first, one))
        if known is None or blurred is None or one.low is None or one.high is None:
            continue
        if one.verdict in {"ended", "continue"} and one.low < 0 < one.high and blurred > known:
            said.append(
                f"{first.metric} is shown in {one.arm} and {one.metric} is not, and both are right:"
                f" the same people tell the difference in {first.metric} to within {known:.0%} of"
                f" the control's value, that in {one.metric} to within {blurred:.0%} only, for"
                " amounts vary more than yes or no. Not shown does not mean none."
            )
    return tuple(said)


def _half_width(one: Comparison) -> float | None:
    """Half of the interval as a share of the control's value."""
    if one.low is None or one.high is None or one.values[0] <= 0:
        return None
    return (one.high - one.low) / 2 / one.values[0]


def _rest_gets(decision: Decision, remainder: int) -> str:
    """Who gets what from here on."""
    what = share_list(decision.chosen)
    return f"the rest gets {what}" if remainder > 0 else f"nobody is left; from now on {what}"


def decision_sentence(plan: Plan, decision: Decision, remainder: int = 1) -> str:
    """The decision in one sentence; ``remainder`` is how many wait for it."""
    rest = _rest_gets(decision, remainder)
    arm, control = decision.arm or plan.treatment.name, plan.control.name
    if plan.observational and decision.outcome in {"ship", "keep control"}:
        more = "better" if decision.outcome == "ship" else "worse"
        return (
            f"{_seen(OBSERVATIONAL)}. {arm} did {more} than {control}; whether it is, was not what"
            f" these counts could show. {_seen(rest)} (chosen, not proven)."
        )
    if decision.outcome == "ship":
        return f"Ship {arm}: it is better than {control}."
    if decision.outcome == "keep control":
        return f"Keep {control}: {arm} is worse."
    if decision.outcome == "stop for harm":
        return f"Keep {control}: {arm} was stopped for harm."
    how = "chosen, not proven"
    if decision.sooner:
        return (
            f"More or sooner: {rest} ({how}: whether it is"
            " better was not what this test could show)."
        )
    return f"Inconclusive. {_seen(rest)} ({how})."


def extra_sentence(plan: Plan, decision: Decision, remainder: int) -> str:
    """What the choice is worth on the rest of the list."""
    if remainder <= 0:
        return "Nobody is left on the list: the whole of it was in the test."
    what = plan.metric.name
    if decision.sooner:
        return (
            f"{remainder:,} people are left; how many more {what} there will be once the window is"
            " over, a test on this clock cannot say."
        )
    if plan.metric.kind == "ratio":
        return f"The rest is {remainder:,}; a ratio of sums has no number of extra {what}."
    sent = (
        f"Sent to the remaining {remainder:,}, {decision.arm or plan.treatment.name} instead of"
        f" {plan.control.name}"
    )
    low, high = decision.extra_low, decision.extra_high
    if not decision.proven:
        if low is None or high is None:
            return f"{sent} means nobody knows how many more or fewer {what}."
        return f"{sent} may mean anything between {low:+,.0f} and {high:+,.0f} {what}."
    head = f"{sent} means about {decision.extra:+,.0f} {what}"
    if low is None or high is None:
        return f"{head}; how far that may be off cannot be said."
    return f"{head}, between {low:+,.0f} and {high:+,.0f}."


def per_thousand_sentence(plan: Plan, decision: Decision) -> str:
    """Extra outcomes per 1,000 of currency; empty where there is no cost."""
    found = decision.per_thousand
    if found is None:
        return ""
    return (
        f"Per 1,000 spent on it: {found['value']:+,.1f} extra {plan.metric.name},"
        f" between {found['low']:+,.1f} and {found['high']:+,.1f}."
    )


def money(cost: Cost) -> str:
    """What an arm cost: ``1,250.75 USD``."""
    return f"{cost.cents / 100:,.2f} {cost.currency}".rstrip()


def per_thousand(cost: Cost) -> str:
    """Outcomes for each 1,000 spent on an arm, with the interval; why not, where there are none."""
    if cost.per_thousand is None:
        return cost.absent or "none"
    if cost.low is None or cost.high is None:
        return f"{cost.per_thousand:,.1f}"
    return f"{cost.per_thousand:,.1f} ({cost.low:,.1f} to {cost.high:,.1f})"


def extra_per_thousand(cost: Cost) -> str:
    """Outcomes beyond the control's for each 1,000 spent on an arm."""
    if cost.extra is None:
        return (cost.absent if cost.per_thousand is not None else "") or "none"
    found = cost.extra
    return f"{found['value']:+,.1f} ({found['low']:+,.1f} to {found['high']:+,.1f})"


def expected_sentence(plan: Plan, decision: Decision, remainder: int) -> str:
    """What to count on; empty where nothing can be said. Only what was proven is counted on."""
    found = decision.expected
    if found is None or decision.outcome == "stop for harm":
        return ""
    metric = plan.metric
    if not decision.proven:
        why = "the platform chose who saw which" if plan.observational else "none was shown"
        return (
            f"Count on no difference: {why}. The best guess is"
            f" {difference(metric, found['difference'])}"
            f" ({range_of(metric, found['low'], found['high'])}), {drawn(found['basis'])}."
        )
    rest = ""
    if remainder > 0 and metric.kind != "ratio":
        rest = f", {remainder * found['difference']:+,.0f} {metric.name} on the rest"
    return (
        f"Count on {difference(metric, found['difference'])}{rest}"
        f" ({range_of(metric, found['low'], found['high'])}), {drawn(found['basis'])}."
    )


def drawn(basis: str) -> str:
    """What an estimate was weighed with; true whichever way that moved it."""
    return f"what was seen and {basis} weighed together"


def revised_sentence(plan: Plan, look: Look) -> str:
    """What later data say, beside a verdict that stays."""
    found = range_of(plan.metric, look.low, look.high)
    p = "" if look.p_sequential is None else f", sequential p = {look.p_sequential:.3g}"
    return (
        f"With what came in since (look {look.number}): {difference(plan.metric, look.difference)}"
        f" ({found}{p}). The verdict stays as it was given."
    )
