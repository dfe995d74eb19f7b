"""Checks before launch: what makes a definition wrong (errors) or weak (warnings). Pure.

Every code is explained, with why and how to mend it, in ``docs/experiments/checks.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from testkit.errors import InputError
from testkit.kernel.findings import Finding, by_severity, has_errors
from testkit.model.plan import MIN_CONVERSIONS
from testkit.model.resolve import resolve, shares_of
from testkit.stats.spending import spending_by_name

if TYPE_CHECKING:
    from testkit.kernel.yamlfile import Document, Key
    from testkit.model.definition import Definition

__all__ = ["CODES", "check"]

_Report = Callable[[str, "Key", str, str], None]

MAX_LOOKS: Final = 12
MAX_RATIO: Final = 3.0

CODES: Final = {
    "EX001": "the number of arms is not two",
    "EX002": "not exactly one arm is the control",
    "EX003": "two arms have one name",
    "EX004": "the shares do not sum to 1",
    "EX005": "not exactly one metric",
    "EX006": "a milestone decides without a written reason",
    "EX007": "base rate and difference leave the range of a rate",
    "EX008": "the test is larger than the list",
    "EX009": "too few outcomes for the z engine",
    "EX010": "the test cannot find the difference it looks for",
    "EX011": "more than 12 looks",
    "EX012": "nobody owns the experiment",
    "EX013": "no hypothesis",
    "EX014": "nothing will change",
    "EX015": "the split is beyond 3 to 1",
    "EX016": "an unknown spending function",
    "EX017": "two arms have the same words",
    "EX018": "a stratum column is the unit's id",
    "EX019": "more waves than the test has units",
    "EX020": "the experiment and its folder have different names",
}


def check(definition: Definition, document: Document, *, folder: str = "") -> list[Finding]:
    """All findings about a definition, errors first.

    Args:
        definition: The values.
        document: The file they came from, which knows the places.
        folder: Name of the folder that holds the file; empty when it does not matter.
    """
    out: list[Finding] = []

    def error(code: str, key: Key, message: str, hint: str) -> None:
        out.append(document.finding(code, message, key=key, hint=hint))

    def warn(code: str, key: Key, message: str, hint: str) -> None:
        out.append(document.finding(code, message, key=key, hint=hint, severity="warning"))

    arms, design = definition.arms, definition.design
    if len(arms) != 2:
        error(
            "EX001",
            ("arms",),
            f"{len(arms)} arms: a test compares two for now",
            "keep a control and one other arm",
        )
    controls = [i for i, arm in enumerate(arms) if arm.control]
    if len(controls) != 1:
        error(
            "EX002",
            ("arms", controls[1], "control") if len(controls) > 1 else ("arms",),
            f"{len(controls)} arms are the control",
            "mark exactly one arm with `control: true`",
        )
    names = [arm.name for arm in arms]
    for i, name in enumerate(names):
        if name in names[:i]:
            error("EX003", ("arms", i, "name"), f"the name {name!r} stands twice", "rename one arm")
    shares = shares_of(definition)
    shares_fit = min(shares, default=0) > 0 and math.isclose(sum(shares), 1.0, abs_tol=1e-9)
    if not shares_fit:
        given = " + ".join(f"{arm.share:g}" for arm in arms if arm.share is not None)
        error(
            "EX004",
            ("arms", 0, "share"),
            f"the shares {given} do not sum to 1",
            "let them sum to 1, or leave them out for an even split",
        )
    elif max(shares) / min(shares) > MAX_RATIO * (1 + 1e-9):
        error(
            "EX015",
            ("arms", shares.index(max(shares)), "share"),
            f"a split of {max(shares):g} to {min(shares):g} is beyond 3 to 1",
            "the score test is not reliable there: make the arms more alike",
        )
    if len(definition.metrics) != 1:
        error(
            "EX005",
            ("metrics",),
            f"{len(definition.metrics)} metrics",
            "name the one outcome that decides",
        )
    for i, metric in enumerate(definition.metrics):
        if metric.tier == "milestone" and not metric.reason:
            error(
                "EX006",
                ("metrics", i, "tier"),
                f"{metric.name!r} is a milestone (open, click): it shows interest, not action",
                "decide on an organising outcome, or write a `reason:` why this may decide",
            )
        if metric.base_rate and metric.mde and metric.base_rate + metric.mde >= 1:
            error(
                "EX007",
                ("metrics", i, "mde"),
                f"base_rate {metric.base_rate:g} + mde {metric.mde:g} is not below 1",
                "mde is an absolute difference: half a point is 0.005",
            )
    size = definition.audience
    if size.test is not None and size.test > size.size:
        error(
            "EX008",
            ("list", "test"),
            f"a test of {size.test:,} on a list of {size.size:,}",
            f"test at most {size.size:,}",
        )
    try:
        spending_by_name(design.spending)
    except InputError as cause:
        error("EX016", ("design", "spending"), cause.message, cause.hint)
    for i, column in enumerate(design.strata):
        if column == definition.unit.column:
            error(
                "EX018",
                ("design", "strata", i),
                f"{column!r} is the unit's id: every unit would be a stratum of its own",
                "name a column with few values, such as state",
            )
    if design.waves > MAX_LOOKS:
        warn(
            "EX011",
            ("design", "waves"),
            f"{design.waves} waves are {design.waves} looks",
            "beyond 12 each look costs power and tells little",
        )
    _words(definition, warn=warn)
    if folder and folder != definition.experiment:
        warn(
            "EX020",
            ("experiment",),
            f"the file lies in {folder!r} and calls itself {definition.experiment!r}",
            "commands use the name in the file",
        )
    if not has_errors(out):
        _arithmetic(definition, error=error, warn=warn)
    return list(by_severity(out))


def _words(definition: Definition, *, warn: _Report) -> None:
    if not definition.owner:
        warn("EX012", ("experiment",), "nobody owns this experiment", "add `owner: NAME`")
    if not definition.hypothesis:
        warn(
            "EX013",
            ("experiment",),
            "no hypothesis",
            "add `hypothesis:` with what you expect, and why",
        )
    if not definition.what_will_change:
        warn(
            "EX014",
            ("experiment",),
            "nothing says what will change",
            "add `what_will_change:`; if nothing will, do not test",
        )
    texts = [arm.text for arm in definition.arms if arm.text]
    if len(set(texts)) < len(texts):
        warn("EX017", ("arms",), "two arms have the same words", "is a text missing?")


def _arithmetic(definition: Definition, *, error: _Report, warn: _Report) -> None:
    """What only the resolved plan can tell."""
    size, design = definition.audience, definition.design
    if size.test is not None and design.waves > size.test:
        error(
            "EX019",
            ("design", "waves"),
            f"{design.waves} waves for {size.test} units",
            "use fewer waves",
        )
        return
    plan = resolve(definition, salt="")
    smaller = min(plan.shares)
    base = plan.metric.base or 0.0
    per_look = plan.test_size / plan.waves * smaller * base
    if per_look < MIN_CONVERSIONS:
        total = plan.test_size * smaller * base
        waves = int(total // MIN_CONVERSIONS)
        most = size.size * smaller * base
        hint = (
            f"use {waves} wave{'' if waves == 1 else 's'}"
            if waves >= 1
            else f"test more of the list: all of it gives about {most:.0f}"
            if most >= MIN_CONVERSIONS
            else "the list is too small for this outcome: choose a more frequent one"
        )
        error(
            "EX009",
            ("design", "waves") if waves >= 1 else ("list",),
            f"about {per_look:.0f} outcomes are expected in the smaller arm by the first look:"
            f" the z engine needs {MIN_CONVERSIONS}",
            hint,
        )
    if plan.power_reached < plan.power - 0.005:
        mde = (
            "nothing smaller than a doubling"
            if plan.mde_reached is None
            else f"{100 * plan.mde_reached:.2f} points or more"
        )
        more = (
            f"test {plan.needed:,}"
            if plan.needed <= size.size
            else f"even the whole list of {size.size:,} is less than the {plan.needed:,} needed"
        )
        warn(
            "EX010",
            ("metrics", 0, "mde"),
            f"with {plan.test_size:,} units the power is {plan.power_reached:.0%}, not"
            f" {plan.power:.0%}",
            f"this test finds a difference of {mde}; {more}",
        )
