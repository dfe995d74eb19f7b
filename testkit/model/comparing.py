"""One comparison at one look: a reading, the engine's bound, and what it says. Pure.

Past looks of the same comparison enter with the bounds that they were taken with. The engine was
fixed when the plan was locked; it can only go from z to exact, by pooled counts that do not tell
which arm is better, and then the past bounds enter the exact recursion as counts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from testkit.model.exact_engine import exact_comparison
from testkit.model.look import Comparison
from testkit.model.open_engine import open_comparison
from testkit.model.plan import MIN_CONVERSIONS
from testkit.model.situation import side
from testkit.stats.boundaries import monitoring_bounds
from testkit.stats.engine_choice import EngineChoice, recheck_engine
from testkit.stats.inference import sequential_p_value, stagewise
from testkit.stats.spending import spending_by_name
from testkit.stats.stagewise_rates import stagewise_difference

if TYPE_CHECKING:
    from testkit.model.look import Verdict
    from testkit.model.plan import Engine
    from testkit.model.readings import Reading
    from testkit.model.situation import Situation
    from testkit.stats.inference import StagewiseInference

__all__ = ["compare", "engine_now"]

NEW: Final = 1 + 1e-9
"""Information has to grow by more than rounding to be new."""


def engine_now(situation: Situation, reading: Reading) -> Engine:
    """The plan's engine, or exact where what came in asks for it.

    Whoever once went to exact stays there. Exact counts units of one yes-or-no outcome, wave by
    wave: amounts, groups, covariates and the speed clock stay with z.
    """
    if situation.plan.engine == "open":
        return "open"
    if not reading.tables or situation.plan.clock == "speed":
        return "z"
    if situation.plan.engine == "exact" or any(c.engine == "exact" for c in situation.before):
        return "exact"
    sizes = reading.units
    seen = recheck_engine(
        EngineChoice(engine="z", reasons=()),
        n_control=[sizes[0]],
        n_arm=[sizes[1]],
        successes=sum(reading.events),
    )
    return seen.engine


def speed_information(situation: Situation, reading: Reading) -> float:
    """Information on one send: everybody is there from the start, outcomes are what comes in.

    Given the totals, the arm's share of the next outcomes is the same under the null whatever came
    before, so outcomes count the progress; the expected number at the end is the plan's.
    """
    base = situation.metric.base or 0.0
    expected = base * sum(reading.units)
    return reading.information * sum(reading.events) / expected if expected > 0 else 0.0


def compare(situation: Situation, reading: Reading, *, stopped: bool) -> Comparison:
    """Make one comparison.

    Args:
        situation: Plan, metric, arm, past and waves.
        reading: The difference, from :func:`testkit.model.readings.read`.
        stopped: Whether this comparison, or the whole test, had ended before.
    """
    plan = situation.plan
    speed = plan.clock == "speed"
    information = speed_information(situation, reading) if speed else reading.information
    before = situation.before
    reached = before[-1].information if before else 0.0
    spent = before[-1].spent if before else 0.0
    engine = situation.engine
    verdict: Verdict | None = None
    if stopped:
        verdict = "after-stop"
    elif information <= reached * NEW and not (speed and situation.final):
        verdict = "no-new-information"
    elif reading.z is None or (engine == "z" and _too_few(situation, reading)):
        verdict = "too-few"
    if verdict is not None:
        bound = before[-1].bound if stopped and before else None
        low, high = reading.interval(bound) if bound is not None else (None, None)
        return _made(
            situation, reading, information=information, spent=spent, bound=bound, low=low,
            high=high, verdict=verdict, counted=False,
            p=_revised_p(situation, reading, information) if stopped else None,
        )  # fmt: skip
    if engine == "open":
        found = open_comparison(situation)
        return _made(
            situation, reading, information=information, spent=spent, bound=None, low=found.low,
            high=found.high, verdict=found.verdict, counted=True, log_e=found.log_e,
            p=found.p_value, method=found.method, note=found.note,
        )  # fmt: skip
    if engine == "exact":
        seen = exact_comparison(situation)
        return _made(
            situation, reading, information=information, spent=seen.spent, bound=None,
            low=seen.low, high=seen.high, verdict=seen.verdict, counted=True,
            critical=seen.critical, critical_before=seen.critical_before, p=seen.p_value,
            after=seen.stagewise, method=seen.method, note=seen.note,
        )  # fmt: skip
    return _by_z(situation, reading, information)


def _too_few(situation: Situation, reading: Reading) -> bool:
    """Too few outcomes for z; the last planned look is read all the same, and proves nothing."""
    amount = not reading.tables
    return reading.smallest < MIN_CONVERSIONS and (amount or not situation.final)


def _by_z(situation: Situation, reading: Reading, information: float) -> Comparison:
    plan, before = situation.plan, situation.before
    z = reading.z
    assert z is not None
    planned = situation.planned
    infos = [*(c.information for c in before), information]
    if infos[-1] <= (infos[-2] if before else 0.0) * NEW:
        infos[-1] = infos[-2] * (1 + 1e-6)  # the window of a speed test is over: last words
    uppers = [math.inf if c.bound is None else c.bound for c in before]
    spending = spending_by_name(plan.spending)
    bounds = monitoring_bounds(
        planned_information=planned,
        information=infos,
        alpha=plan.comparison_alpha,
        spending=spending,
        final=situation.final,
        fixed_upper=uppers,
    )
    realised = [*uppers, float(bounds.upper[-1])]
    bound = realised[-1] if math.isfinite(realised[-1]) else None
    spent = 2 * float(bounds.spent[-1])
    crossed = bound is not None and abs(z) >= bound and reading.smallest >= MIN_CONVERSIONS
    times = [min(1.0, i / planned) for i in infos]
    if situation.final:
        times[-1] = 1.0
    p = sequential_p_value(
        z=[*(c.z or 0.0 for c in before), z],
        information=infos,
        spending_time=times,
        spending=spending,
    )
    verdict: Verdict = "continue"
    if crossed:
        verdict = side(situation.metric, z)
    elif situation.final or information >= planned:
        verdict = "ended"
    after: dict[str, float] | None = None
    if verdict != "continue" and reading.scale is not None:
        found = stagewise(
            information=infos,
            upper=realised,
            lower=[-u for u in realised],
            z=z,
            look=len(infos),
            level=1 - plan.comparison_alpha,
        )
        after = _in_its_unit(reading, found, information=infos[-1])
    low, high = reading.interval(bound) if bound is not None else (None, None)
    return _made(
        situation, reading, information=information, spent=spent, bound=bound, low=low, high=high,
        verdict=verdict, counted=True, p=p, after=after,
    )  # fmt: skip


def _in_its_unit(
    reading: Reading, found: StagewiseInference, *, information: float
) -> dict[str, float]:
    """A stage-wise result, on the drift per root of information, in the metric's unit."""
    if reading.tables:
        tables = reading.tables if reading.stratified else (reading.whole,)
        shown = stagewise_difference(tables, found=found, information=information)
        low, high, estimate = shown.low, shown.high, shown.estimate
    else:
        # Of means the standard error does not depend on the difference. On the speed clock
        # information is counted otherwise, and the scale with it.
        scale = (reading.scale or 0.0) * math.sqrt(information / reading.information)
        low, high, estimate = found.low * scale, found.high * scale, found.estimate * scale
    return {"p_value": found.p_value, "low": low, "high": high, "estimate": estimate}


def _revised_p(situation: Situation, reading: Reading, information: float) -> float | None:
    """Sequential p-value with the data after a stop; None where another engine had decided."""
    if situation.engine != "z" or reading.z is None:
        return None
    before = [c for c in situation.before if c.information * NEW < information]
    infos = [*(c.information for c in before), information]
    return sequential_p_value(
        z=[*(c.z or 0.0 for c in before), reading.z],
        information=infos,
        spending_time=[min(1.0, i / situation.planned) for i in infos],
        spending=spending_by_name(situation.plan.spending),
    )


def _made(
    situation: Situation,
    reading: Reading,
    *,
    information: float,
    spent: float,
    bound: float | None,
    low: float | None,
    high: float | None,
    verdict: Verdict,
    counted: bool,
    p: float | None = None,
    after: dict[str, float] | None = None,
    log_e: float | None = None,
    critical: tuple[int | None, int | None] | None = None,
    critical_before: tuple[int | None, int | None] | None = None,
    method: str = "",
    note: str = "",
) -> Comparison:
    return Comparison(
        metric=situation.metric.name,
        role=situation.metric.role,
        kind=situation.metric.kind,
        arm=situation.arm,
        units=reading.units,
        events=reading.events,
        values=reading.values,
        difference=reading.difference,
        lift=reading.lift,
        engine=situation.engine,
        method=method or reading.method,
        information=information,
        fraction=information / situation.planned,
        z=reading.z,
        bound=bound,
        log_e=log_e,
        critical=critical,
        critical_before=critical_before,
        spent=spent,
        counted=counted,
        low=low,
        high=high,
        p_sequential=p,
        p_adjusted=p,
        stagewise=after,
        verdict=verdict,
        note=note or reading.note,
    )
