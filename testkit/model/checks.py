"""Checks before launch: what makes a definition wrong (errors) or weak (warnings). Pure.

Every code is explained, with why and how to mend it, in ``docs/experiments/checks.md``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from testkit.errors import InputError
from testkit.kernel.findings import Finding, by_severity, has_errors
from testkit.model.check_outcomes import Report, check_outcomes
from testkit.model.resolve import available, households, likeness, resolve, shares_of
from testkit.stats.spending import spending_by_name

if TYPE_CHECKING:
    from testkit.kernel.yamlfile import Document, Key
    from testkit.model.definition import Definition
    from testkit.model.plan import Plan

__all__ = ["CODES", "check"]

MAX_LOOKS: Final = 12
MAX_RATIO: Final = 3.0
MANY_ARMS: Final = 6
SCARCE: Final = 5
OPEN_UNITS: Final = 100
OPEN_CONVERSIONS: Final = 25
AD_CHANNELS: Final = frozenset({"ad", "ads", "meta", "facebook", "instagram", "google", "tiktok"})
PERSON_IDS: Final = frozenset(
    {
        *("supporter_id", "person_id", "voter_id", "member_id", "visitor_id", "user_id", "id"),
        *("vanid", "van_id", "voterfile_vanid", "constituent_id", "contact_id", "donor_id"),
        *("state_voter_id", "voter_file_id", "registration_id", "email", "phone"),
    }
)

CODES: Final = {
    "EX001": "fewer than two arms",
    "EX002": "not exactly one arm is the control",
    "EX003": "two arms have one name",
    "EX004": "the shares do not sum to 1",
    "EX005": "not exactly one primary metric",
    "EX006": "a milestone decides without a written reason",
    "EX007": "base rate and difference leave the range of a rate",
    "EX008": "the test is larger than the list",
    "EX009": "too few outcomes to read",
    "EX010": "the test cannot find the difference it looks for",
    "EX011": "more than 12 looks",
    "EX012": "nobody owns the experiment",
    "EX013": "no hypothesis",
    "EX014": "nothing will change",
    "EX015": "the split is beyond 3 to 1",
    "EX016": "an unknown spending function",
    "EX017": "two arms have the same words",
    "EX018": "a column is the unit's id",
    "EX019": "more waves than the test has units",
    "EX020": "the experiment and its folder have different names",
    "EX021": "no attribution window",
    "EX022": "the denominator comes after the message",
    "EX023": "a metric lacks a figure that its kind needs",
    "EX024": "groups are randomised and persons analysed",
    "EX025": "no guardrail for the supporters",
    "EX026": "nobody owns a goal",
    "EX027": "an arm differs in more than one factor",
    "EX028": "another test uses these people",
    "EX029": "people would hear from us too often",
    "EX030": "clock and waves do not fit",
    "EX031": "the design does not fit the metric",
    "EX032": "a covariate is an outcome",
    "EX033": "a factor is named for some arms only",
    "EX034": "a translation is an arm",
    "EX035": "many arms",
    "EX036": "two metrics have one name",
    "EX037": "groups whose size or likeness nobody wrote down",
    "EX038": "nobody says who splits the audience of an advertisement",
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
    if len(arms) < 2:
        error(
            "EX001",
            ("arms",),
            f"{len(arms)} arm{'' if len(arms) == 1 else 's'}: a test compares at least two",
            "add a control and one other arm",
        )
    elif len(arms) > MANY_ARMS:
        warn(
            "EX035",
            ("arms",),
            f"{len(arms)} arms share one list and one alpha",
            "test fewer at once: each arm more makes every comparison weaker",
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
        warn(
            "EX015",
            ("arms", shares.index(max(shares)), "share"),
            f"a split of {max(shares):g} to {min(shares):g} is beyond 3 to 1",
            "an even split needs the fewest people",
        )
    check_outcomes(definition, error=error, warn=warn)
    size = definition.audience
    room = available(definition)
    if size.test is not None and size.test > room:
        held = f", of which {size.size - room:,} are held out" if room < size.size else ""
        error(
            "EX008",
            ("list", "test"),
            f"a test of {size.test:,} on a list of {size.size:,}{held}",
            f"test at most {room:,}",
        )
    try:
        spending_by_name(design.spending)
    except InputError as cause:
        error("EX016", ("design", "spending"), cause.message, cause.hint)
    if design.futility is not None:
        try:
            spending_by_name(design.futility)
        except InputError as cause:
            error("EX016", ("design", "futility"), cause.message, cause.hint)
    columns: list[tuple[Key, str, str]] = [
        (("design", "strata", i), column, "stratum") for i, column in enumerate(design.strata)
    ]
    columns += [
        (("segments", i, "column"), segment.column, "segment")
        for i, segment in enumerate(definition.segments)
    ]
    for place, column, what in columns:
        if column == definition.unit.column:
            error(
                "EX018",
                place,
                f"{column!r} is the unit's id: every unit would be a {what} of its own",
                "name a column with few values, such as state",
            )
    _design(definition, error=error, warn=warn)
    if design.waves > MAX_LOOKS and design.family != "open-ended":
        warn(
            "EX011",
            ("design", "waves"),
            f"{design.waves} waves are {design.waves} looks",
            "beyond 12 each look costs power and tells little",
        )
    _words(definition, warn=warn)
    _factors(definition, error=error, warn=warn)
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


def _words(definition: Definition, *, warn: Report) -> None:
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


def _factors(definition: Definition, *, error: Report, warn: Report) -> None:
    """Arms that differ in several things at once say that *something* worked, not what."""
    arms = definition.arms
    named = sorted({factor for arm in arms for factor in arm.factors})
    for i, arm in enumerate(arms):
        missing = [factor for factor in named if factor not in arm.factors]
        if missing:
            error(
                "EX033",
                ("arms", i),
                f"{arm.name!r} has no level of {missing[0]!r}, other arms have",
                "name the level of every factor for every arm",
            )
            return
    if any(factor in {"lang", "language", "translation"} for factor in named):
        error(
            "EX034",
            ("arms",),
            "the language is a factor of the arms",
            "people get their own language: make it a stratum, with each arm in every language",
        )
    control = next((arm for arm in arms if arm.control), None)
    combinations = {tuple(str(arm.factors[f]) for f in named) for arm in arms}
    levels = [len({str(arm.factors[f]) for arm in arms}) for f in named]
    if control is None or len(named) < 2 or len(combinations) == math.prod(levels):
        return  # a full crossing is a factorial test: each factor is read over the others
    for i, arm in enumerate(arms):
        unlike = [f for f in named if arm.factors[f] != control.factors[f]]
        if len(unlike) > 1:
            warn(
                "EX027",
                ("arms", i, "factors"),
                f"{arm.name!r} differs from {control.name!r} in {' and '.join(unlike)}",
                "change one thing, or test every combination",
            )


def _design(definition: Definition, *, error: Report, warn: Report) -> None:
    """Whether clock, family and unit fit each other."""
    design, unit = definition.design, definition.unit
    given = "waves" in design.model_fields_set
    if design.clock == "one-send" and given and design.waves > 1:
        error(
            "EX030",
            ("design", "waves"),
            f"one send, and {design.waves} waves",
            "leave `waves:` out, or use `clock: waves`",
        )
    if definition.channel in AD_CHANNELS and "split" not in design.model_fields_set:
        warn(
            "EX038",
            ("design",),
            "an ad platform shows each person what it expects to work: its arms are unlike people",
            "write `split: platform` under design, or `split: lottery` where regions or people were"
            " drawn by chance",
        )
    if design.clock == "speed" and design.waves < 2:
        error(
            "EX030",
            ("design", "waves"),
            "a speed test with one look is a one-send test",
            "say how many looks with `waves:`, or use `clock: one-send`",
        )
    kinds = {metric.kind for metric in definition.metrics if metric.role == "primary"}
    wrong = {
        "exact": bool(kinds - {"proportion"}),
        "open-ended": bool(kinds & {"ratio"}) or design.clock != "waves",
    }
    if wrong.get(design.family):
        error(
            "EX031",
            ("design", "family"),
            f"the {design.family} family has no engine for a {'/'.join(sorted(kinds))}"
            f" on the {design.clock} clock",
            "use `family: group-sequential`",
        )
    if design.futility is not None and design.family in {"open-ended", "fixed"}:
        error(
            "EX031",
            ("design", "futility"),
            f"futility needs looks that are planned; the family is {design.family}",
            "leave `futility:` out, or use `family: group-sequential`",
        )
    persons = unit.column.casefold() in PERSON_IDS
    if unit.kind in {"household", "street"} and unit.group is None and persons:
        error(
            "EX024",
            ("unit", "kind"),
            f"{unit.kind}s are randomised, but {unit.column!r} names persons",
            f"add `group: {unit.kind}_id` under unit, the column that names the {unit.kind}",
        )
    if unit.group is not None and unit.group == unit.column:
        error(
            "EX018",
            ("unit", "group"),
            f"{unit.group!r} is the unit's id: every unit would be a group of its own",
            "name the column that several units share, or leave `group:` out",
        )
    if design.family == "exact" and unit.group:
        error(
            "EX031",
            ("design", "family"),
            "the exact engine counts units, and here groups are randomised",
            "use `family: group-sequential`",
        )


def _arithmetic(definition: Definition, *, error: Report, warn: Report) -> None:
    """What only the resolved plan can tell."""
    size, design = definition.audience, definition.design
    if size.test is not None and design.clock == "waves" and design.waves > size.test:
        error(
            "EX019",
            ("design", "waves"),
            f"{design.waves} waves for {size.test} units",
            "use fewer waves",
        )
        return
    plan = resolve(definition, salt="")
    _groups(definition, plan, error=error, warn=warn)
    units = plan.test_size * min(plan.shares)
    if plan.metric.kind == "proportion" and plan.metric.base:
        outcomes = units * plan.metric.base
        if plan.engine == "open" and (outcomes < OPEN_CONVERSIONS or units < OPEN_UNITS):
            error(
                "EX009",
                ("list",),
                f"about {outcomes:.0f} outcomes of {units:.0f} units are expected in the smallest"
                f" arm: an open-ended test is read from {OPEN_CONVERSIONS} and {OPEN_UNITS} on",
                "test more of the list, or use `family: exact`",
            )
        elif outcomes < SCARCE:
            warn(
                "EX009",
                ("list",),
                f"about {outcomes:.1f} outcomes are expected in the smallest arm over the whole"
                " test",
                "test more of the list, or choose a more frequent outcome",
            )
    if plan.power_reached < plan.power - 0.005:
        warn("EX010", ("metrics", 0, "mde"), *_too_small(plan, room=available(definition)))


def _groups(definition: Definition, plan: Plan, *, error: Report, warn: Report) -> None:
    """People of a group do alike: many of them are worth few, and how few is part of a plan."""
    unit, assumed = definition.unit, likeness(definition)
    if assumed is None or (unit.group_size is not None and unit.correlation is not None):
        return
    size, alike = assumed
    if unit.group_size is None and not households(definition):
        error(
            "EX037",
            ("unit", "group"),
            f"nobody says how many share one {unit.group!r}: how many people a test needs depends"
            " on it",
            "add `group_size:` under unit, the average of your list",
        )
        return
    missing = [k for k in ("group_size", "correlation") if getattr(unit, k) is None]
    warn(
        "EX037",
        ("unit", "group"),
        f"planned with {size:g} per {unit.group!r}, alike by {alike:g}"
        f" ({' and '.join(missing)} assumed): {plan.design_effect:.3g} of them are worth one person"
        " alone",
        f"write `{missing[0]}:` under unit, from your own list and earlier tests",
    )


def _too_small(plan: Plan, *, room: int) -> tuple[str, str]:
    """What an underpowered test is told: what it finds, and the largest test that is possible."""
    if plan.mde_reached is None:
        finds = "nothing smaller than a doubling"
    elif plan.metric.kind == "proportion":
        finds = f"a difference of {100 * plan.mde_reached:.2f} points or more"
    else:
        finds = f"a difference of {plan.mde_reached:,.4g} or more per unit"
    more = (
        f"test {plan.needed:,}"
        if plan.needed <= room
        else f"even the whole list of {room:,} is less than the {plan.needed:,} needed"
    )
    return (
        (
            f"with {plan.test_size:,} units the power is {plan.power_reached:.0%}, not"
            f" {plan.power:.0%}"
        ),
        f"this test finds {finds}; {more}",
    )
