"""Whether the data may decide at all: what blocks a decision, and how to lift it. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from testkit.kernel.findings import Finding
from testkit.kernel.numbers import counted
from testkit.model.plan import MIN_CONVERSIONS
from testkit.stats.multiplicity import combine_average
from testkit.stats.srm import sequential_srm

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from testkit.model.look import Comparison, Quality, WaveCounts
    from testkit.model.plan import Plan

__all__ = ["gates", "sample_ratio"]

SRM_ALPHA: Final = 0.001
SPREADS: Final = (10.0, 100.0, 1_000.0, 10_000.0)
"""Concentrations of the shares under a mismatch. A gross loss is found best by the first, one in a
thousand by the last; the average of their e-values is an e-value, and finds both."""
CROSSED_SHARE: Final = 0.01
"""A hundredth of the units in another arm than theirs hides a tenth or so of a usual effect."""
MACHINE_SHARE: Final = 0.2
MATCH_ALPHA: Final = 0.001


def sample_ratio(
    plan: Plan, waves: Sequence[WaveCounts], *, gone: Collection[str] = ()
) -> float | None:
    """p-value of the sample-ratio test that may be read at every look; None without counts.

    Waves enter one after the other; assigned counts are right by construction, so what came back
    is tested wherever rows come back for everybody. Arms that are out are no longer sent, so the
    others are compared among themselves.
    """
    arms = [arm for arm in plan.arms if arm.name not in gone]
    names = [arm.name for arm in arms]
    if len(arms) < 2:
        return None
    whole = sum(arm.share for arm in arms)
    shares = [arm.share / whole for arm in arms]
    tests = [sequential_srm(shares, concentration=k, alpha=SRM_ALPHA) for k in SPREADS]
    largest = 0.0
    for wave in waves:
        counts = wave.returned if wave.returned is not None else wave.units
        tests = [t.update([counts.get(name, 0) for name in names]) for t in tests]
        largest = max(largest, combine_average([t.log_e for t in tests]))
    return math.exp(-largest) if sum(tests[0].counts) else None


def gates(
    plan: Plan,
    waves: Sequence[WaveCounts],
    *,
    quality: Quality,
    primary: Sequence[Comparison],
    srm_p: float | None,
    gone: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Findings about the rows of the waves that are read.

    Args:
        plan: The plan.
        waves: Waves that are read.
        quality: What the rows say about themselves.
        primary: The primary metric in every arm.
        srm_p: From :func:`sample_ratio`.
        gone: Arms that were out before this look: nobody is sent them any more.
    """
    found = [*_silent(plan, waves, gone), *_ratio(plan, waves, srm_p), *_few(primary)]
    found += _crossed(plan, waves, quality)
    found += _machines(plan, waves, quality)
    found += _matched(quality)
    found += _untold(plan, waves)
    return tuple(found)


def _silent(plan: Plan, waves: Sequence[WaveCounts], gone: Collection[str]) -> list[Finding]:
    findings = []
    for wave in waves:
        silent = [
            arm.name for arm in plan.arms if arm.name not in gone and not wave.rows.get(arm.name)
        ]
        if silent:
            findings.append(
                Finding(
                    code="DQ003",
                    severity="error",
                    message=(
                        f"wave {wave.wave} has no result row at all for {' and '.join(silent)}"
                    ),
                    hint=(
                        "take in that arm's file too; if nobody did it there, take in its rows"
                        " with 0, or decide with --despite-mismatch REASON"
                    ),
                )
            )
    return findings


def _ratio(plan: Plan, waves: Sequence[WaveCounts], srm_p: float | None) -> list[Finding]:
    if srm_p is None or srm_p >= SRM_ALPHA:
        return []
    sources = [w.returned if w.returned is not None else w.units for w in waves]
    counts = {a.name: sum(s.get(a.name, 0) for s in sources) for a in plan.arms}
    shown = " and ".join(f"{count:,} {name}" for name, count in counts.items())
    planned = " : ".join(f"{share:g}" for share in plan.shares)
    return [
        Finding(
            code="DQ001",
            severity="warning" if plan.observational else "error",
            message=(
                f"sample-ratio mismatch: {shown} against a planned {planned} (p = {srm_p:.2g})"
            ),
            hint=(
                "the platform chose who saw which: what it found may be its choice of people"
                if plan.observational
                else "something lost people of one arm: look for a filter, a bounced segment or"
                " a wrong file; retract the batch, or decide with --despite-mismatch REASON"
            ),
        )
    ]


def _few(primary: Sequence[Comparison]) -> list[Finding]:
    for one in primary:
        smallest = min(one.events)
        if one.engine == "z" and one.verdict == "too-few":
            return [
                Finding(
                    code="DQ002",
                    severity="warning",
                    message=(
                        f"only {counted(smallest, 'outcome')} in the smaller arm: this engine needs"
                        f" {MIN_CONVERSIONS} before its error rates hold"
                    ),
                    hint="wait for more waves; this look can stop nothing",
                )
            ]
    return []


def _crossed(plan: Plan, waves: Sequence[WaveCounts], quality: Quality) -> list[Finding]:
    crossed = sum(quality.crossed.values())
    if not crossed:
        return []
    units = sum(sum(w.units.values()) for w in waves)
    share = crossed / units if units else 0.0
    block = share >= CROSSED_SHARE
    shown = ", ".join(f"{n:,} of {name}" for name, n in quality.crossed.items() if n)
    return [
        Finding(
            code="DQ004",
            severity="error" if block else "warning",
            message=(
                f"{counted(crossed, plan.unit_kind)} ({share:.2%})"
                f" {'is' if crossed == 1 else 'are'} reported in another arm than"
                f" {'its own' if crossed == 1 else 'theirs'}: {shown}"
            ),
            hint=(
                "the tool sent them the other message, or both: they stay in the arm that they were"
                " assigned to, which makes a real difference look smaller"
                + ("; find out why, or decide with --despite-mismatch REASON" if block else "")
            ),
        )
    ]


def _machines(plan: Plan, waves: Sequence[WaveCounts], quality: Quality) -> list[Finding]:
    machine = sum(quality.machine.values())
    if not machine:
        return []
    people = sum(sum(w.outcomes.values()) for w in waves)
    share = machine / (machine + people)
    names = [arm.name for arm in plan.arms]
    units = [sum(w.units.get(name, 0) for w in waves) for name in names]
    p = _unlike([(quality.machine.get(n, 0), u) for n, u in zip(names, units, strict=True)])
    if share < MACHINE_SHARE and (p is None or p >= MATCH_ALPHA):
        return []
    differs = p is not None and p < MATCH_ALPHA
    return [
        Finding(
            code="DQ005",
            severity="error" if differs else "warning",
            message=(
                f"machines made {counted(machine, 'outcome')} ({share:.0%} of all)"
                + (f", and not alike in the arms (p = {p:.2g})" if differs else "")
                + ("; it does not count" if machine == 1 else "; they do not count")
            ),
            hint=(
                "mail scanners follow links: compare the links of the arms"
                + (", or decide with --despite-mismatch REASON" if differs else "")
            ),
        )
    ]


def _matched(quality: Quality) -> list[Finding]:
    rows = {arm: pair for arm, pair in quality.matched.items() if pair[1]}
    p = _unlike(list(rows.values()))
    if p is None or p >= MATCH_ALPHA:
        return []
    shown = ", ".join(f"{hit / of:.1%} of {arm}" for arm, (hit, of) in rows.items())
    return [
        Finding(
            code="DQ006",
            severity="error",
            message=f"rows find their person unlike often in the arms: {shown} (p = {p:.2g})",
            hint=(
                "one arm's links or forms lose the id of the person; count by arm instead, or"
                " decide with --despite-mismatch REASON"
            ),
        )
    ]


def _untold(plan: Plan, waves: Sequence[WaveCounts]) -> list[Finding]:
    """Guardrails that nobody brought results for: they guard nothing."""
    silent = [
        m.name
        for m in plan.metrics
        if m.role == "guardrail" and not any(w.cells.get(m.name) for w in waves)
    ]
    if not silent:
        return []
    return [
        Finding(
            code="DQ007",
            severity="warning",
            message=f"no results came in for {' and '.join(silent)}: harm would not be seen",
            hint=f"take in a file with the column {silent[0]}",
        )
    ]


def _unlike(pairs: Sequence[tuple[int, int]]) -> float | None:
    """p-value that the shares are alike; None when there is nothing to compare."""
    from testkit.stats.balance import contingency_chisq

    if len(pairs) < 2 or not sum(hit for hit, _ in pairs):
        return None
    if all(hit == of for hit, of in pairs):
        return None
    found = contingency_chisq([[hit, max(0, of - hit)] for hit, of in pairs])
    return None if found.p_value is None or math.isnan(found.p_value) else found.p_value
