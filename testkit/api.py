"""The library for scripts and notebooks: data frames or counts in, frozen results out.

No workspace, no clock, no ledger: whoever calls keeps the looks that were taken and hands them to
the next one. The statistics are those of the command line, call by call. Import the names from
``testkit``, which lists them all, with the types that they take and return;
``docs/experiments/python.md`` shows each of them at work.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from testkit.adapters.frames import count_frame, place_frame, read_frame
from testkit.errors import DefinitionError, InputError, StateError
from testkit.kernel import yamlfile
from testkit.kernel.clock import to_text
from testkit.kernel.digest import digest
from testkit.kernel.findings import by_severity, has_errors
from testkit.model import decision as rule
from testkit.model.analysis import analyse
from testkit.model.fixed import Compared, compare_arms
from testkit.model.past import PastArm
from testkit.stats.srm import srm_chisq

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from testkit.kernel.findings import Finding
    from testkit.model.decision import Decision
    from testkit.model.definition import Definition
    from testkit.model.look import Look, WaveCounts
    from testkit.model.plan import Plan
    from testkit.stats.srm import SrmResult

__all__ = [
    "assign_list",
    "check",
    "compare",
    "count",
    "decide",
    "look",
    "plan",
    "sample_ratio",
]


def compare(
    arms: Any,
    *,
    control: str = "control",
    outcome: str = "outcomes",
    level: float = 0.95,
    shares: Mapping[str, float] | None = None,
) -> Compared:
    """Two arms or many at one look that was planned as the only one.

    Args:
        arms: ``arm -> (units, outcomes)``, the control first; or a frame with ``arm`` and, for each
            arm, ``units`` and ``outcome``; or a frame with a row for each unit, ``outcome`` 1 or 0.
        control: Name of the control in a frame.
        outcome: Column of a frame with the outcome.
        level: Coverage of all intervals together, in (0, 1).
        shares: ``arm -> planned share``, summing to 1; None: an even split.

    Returns:
        Each arm against the control with a score interval and Holm's p-value, the test that all are
        alike, and the sample-ratio test. For data that are looked at as they come: :func:`look`.

    Raises:
        InputError: Counts do not fit, an arm stands alone, or a column is missing.

    Examples:
        >>> found = compare({"control": (1751, 141), "match": (1750, 125)})
        >>> arm = found.arms[0]
        >>> f"{arm.difference:+.4f}, {arm.low:+.4f} to {arm.high:+.4f}, p = {arm.p_value:.2f}"
        '-0.0091, -0.0268 to +0.0085, p = 0.31'
    """
    counts = arms if hasattr(arms, "items") and not hasattr(arms, "columns") else None
    if counts is None:
        counts = _counts(arms, outcome)
        if control not in counts:
            raise InputError(
                f"the frame has no arm {control!r}",
                field="control",
                value=control,
                hint=f"name the control; the arms are {', '.join(map(str, counts))}",
            )
        counts = {control: counts[control], **counts}
    split = None
    if shares is not None:
        if set(shares) != set(counts):
            raise InputError("shares and arms have different names", field="shares", value=shares)
        split = [shares[name] for name in counts]
    rows = [PastArm(name=name, units=n, outcomes=did) for name, (n, did) in counts.items()]
    return compare_arms(rows, level=level, shares=split)


def _counts(source: Any, outcome: str) -> dict[str, tuple[int, int]]:
    """``arm -> (units, outcomes)`` of a frame."""
    file = (frame := read_frame(source)).like_a_file
    names = [file.column("arm"), file.column(outcome)]
    per_arm = file.has("units")
    names += [file.column("units")] if per_arm else []
    found: dict[str, tuple[int, int]] = {}
    for row in frame.rows(names):
        units, did = found.get(row[0], (0, 0))
        found[row[0]] = (units + (int(row[2]) if per_arm else 1), did + int(row[1]))
    return dict(sorted(found.items()))


def sample_ratio(counts: Mapping[str, int], shares: Mapping[str, float] | None = None) -> SrmResult:
    """Whether a split came back as it was planned.

    Args:
        counts: ``arm -> units`` that came back or were delivered, at least 0.
        shares: ``arm -> planned share``, summing to 1; None: an even split.

    Returns:
        Pearson's chi-square with its p-value; ``mismatch`` is below 0.001, which forbids reading
        any difference.

    Raises:
        InputError: Names differ, or counts or shares are no such.

    Examples:
        >>> sample_ratio({"control": 4980, "new": 5020}).mismatch
        False
        >>> sample_ratio({"control": 4700, "new": 5300}).mismatch
        True
    """
    if shares is not None and set(shares) != set(counts):
        raise InputError("shares and counts have different names", field="shares", value=shares)
    split = [shares[name] if shares is not None else 1 / len(counts) for name in counts]
    return srm_chisq(list(counts.values()), split)


def check(definition: str | Mapping[str, Any]) -> tuple[Finding, ...]:
    """Everything that is wrong or weak in a definition, errors first.

    Args:
        definition: Text of an ``experiment.yaml``, or the same as a dictionary.

    Returns:
        Findings, each with code, severity, message and hint; ``docs/experiments/checks.md`` tells
        what each code means.

    Examples:
        >>> print(check("experiment: spring")[0])
        definition:1:1: list: error YM005: 'list' is missing
    """
    return _read(definition)[1]


def plan(definition: str | Mapping[str, Any], *, salt: str = "") -> Plan:
    """The plan of a definition: sizes, bounds, engine and power, worked out once.

    Args:
        definition: Text of an ``experiment.yaml``, or the same as a dictionary.
        salt: Text mixed into the hash that assigns people, where the definition names none. Left
            out, it is the name of the experiment: the same name gives the same people the same arm
            again, so name experiments apart.

    Raises:
        DefinitionError: The definition has errors; ``findings`` holds all of them.

    Examples:
        >>> made = plan({
        ...     "experiment": "spring", "list": {"size": 40000, "test": 20000},
        ...     "arms": [{"name": "control", "control": True}, {"name": "match"}],
        ...     "metrics": [{"name": "gave", "tier": "organising", "base_rate": 0.05,
        ...                  "mde": 0.01, "window_hours": 72}],
        ...     "design": {"waves": 2}})
        >>> made.engine, made.wave_sizes, round(made.power_reached, 2)
        ('z', (10000, 10000), 0.87)
    """
    from testkit.model.resolve import resolve

    found, findings = _read(definition)
    if found is None or has_errors(findings):
        raise DefinitionError(findings)
    return resolve(found, salt=salt or found.experiment)


def _read(
    definition: str | Mapping[str, Any],
) -> tuple[Definition | None, tuple[Finding, ...]]:
    from testkit.model.checks import check as check_definition
    from testkit.model.definition import Definition

    if not isinstance(definition, str):
        import yaml

        definition = yaml.safe_dump(dict(definition), sort_keys=False, allow_unicode=True)
    document = yamlfile.parse(definition, name="definition")
    found, findings = yamlfile.validate(document, Definition)
    if found is not None:
        findings = [*findings, *check_definition(found, document)]
    return found, by_severity(findings)


def assign_list(frame: Any, plan: Plan, *, suppressed: Collection[object] = ()) -> Any:
    """Give every unit of a list its wave and its arm.

    The same list and plan give the same arms as ``whistlestop experiment assign``, whatever the
    order of the rows: by a salted hash, households together, strata balanced.

    Args:
        frame: A row for each unit: a pandas or polars frame, or whatever narwhals reads, or a
            ``parsons.Table``. It needs the columns that the plan names.
        plan: The plan.
        suppressed: Ids that must get nothing.

    Returns:
        The same kind of frame with ``wave`` and ``arm``. Wave 0 is the remainder, wave -1 gets
        nothing; both have no arm.

    Raises:
        InputError: A column is missing, or called ``wave`` or ``arm``.
        DataError: Ids are missing or stand twice.
        StateError: The frame is smaller than the test, or the plan keeps people out by what only a
            workspace knows.

    Examples:
        >>> import pandas as pd
        >>> made = plan({
        ...     "experiment": "spring", "list": {"size": 1000},
        ...     "arms": [{"name": "control", "control": True}, {"name": "match"}],
        ...     "metrics": [{"name": "gave", "tier": "organising", "base_rate": 0.2,
        ...                  "mde": 0.1, "window_hours": 72}],
        ...     "design": {"waves": 1}})
        >>> people = pd.DataFrame({"supporter_id": [f"S{k}" for k in range(1000)]})
        >>> placed = assign_list(people, made)
        >>> bool(placed.query("wave == 1").arm.value_counts().sum() == made.test_size)
        True
    """
    if plan.holdout > 0:
        raise StateError(
            "the plan holds people out of every test, by the key of a workspace",
            current="no workspace",
            hint="whistlestop experiment assign; or hold them out of the frame first",
        )
    if (plan.suppress or plan.exclude) and not suppressed:
        named = ", ".join([*plan.suppress, *plan.exclude])
        raise StateError(
            f"the plan keeps out who is in {named}",
            current="no workspace",
            hint="hand their ids over: suppressed=[...]",
        )
    return place_frame(frame, plan, suppressed=suppressed)


def count(
    frame: Any, plan: Plan, *, sent: datetime | Mapping[int, datetime]
) -> tuple[WaveCounts, ...]:
    """Count results: units, outcomes and amounts of every wave and arm.

    Args:
        frame: A row for each unit that was assigned, with ``arm``, ``wave`` (left out: 1) and a
            column for each metric; or a row for each arm and wave with ``units`` and, under the
            metric's name, how many did it. Units without a wave or an arm are not in the test. An
            empty cell is an outcome that nobody knows of.
        plan: The plan.
        sent: When each wave went out, as aware moments; one moment is that of wave 1.

    Returns:
        What :func:`look` reads, one for each wave.

    Raises:
        InputError: A column or an arm is not known, or a moment has no zone.
        DataError: A value is no number, or a unit stands in several rows.

    Examples:
        >>> import pandas as pd
        >>> from datetime import datetime, UTC
        >>> made = plan({
        ...     "experiment": "spring", "list": {"size": 40000, "test": 20000},
        ...     "arms": [{"name": "control", "control": True}, {"name": "match"}],
        ...     "metrics": [{"name": "gave", "tier": "organising", "base_rate": 0.05,
        ...                  "mde": 0.01, "window_hours": 72}],
        ...     "design": {"waves": 2}})
        >>> tool = pd.DataFrame({"arm": ["control", "match"], "units": [5000, 5000],
        ...                      "gave": [250, 310]})
        >>> wave, = count(tool, made, sent=datetime(2026, 11, 3, 9, tzinfo=UTC))
        >>> wave.outcomes
        {'control': 250, 'match': 310}
    """
    return count_frame(frame, plan, sent=sent)


def look(
    plan: Plan,
    waves: Sequence[WaveCounts],
    *,
    now: datetime,
    past: Sequence[Look] = (),
    final: bool = False,
) -> Look:
    """Take one look; keep it, and hand it to the next one.

    Args:
        plan: The plan.
        waves: Counts of every wave that has any, from :func:`count`.
        now: The present moment, aware: a wave is read once its attribution window is over.
        past: Every look that was taken before, in order. Looks that are left out are looks that
            nobody pays for: the error rates hold only with all of them.
        final: This look was declared the last one before it was taken.

    Returns:
        Figures, bounds and a verdict; the last look again where nothing has changed since.

    Raises:
        InputError: ``now`` has no zone.
        StateError: No wave is old enough, or the plan has one look, at the end.

    Examples:
        See :func:`decide`.
    """
    if now.tzinfo is None:
        raise InputError(
            "now has no zone", field="now", value=now.isoformat(), hint="datetime.now(UTC)"
        )
    ripe = [
        [metric.name, wave.wave]
        for metric in plan.metrics
        for wave in waves
        if wave.sent_at is not None
        and (now - wave.sent_at).total_seconds() >= metric.window_hours * 3600
    ]
    seen = digest({"waves": [_plain(wave) for wave in waves], "mature": ripe})
    if past and past[-1].data_digest == seen and (past[-1].final or not final):
        return past[-1]
    number = len(past) + 1
    return analyse(
        plan, past=past, waves=waves, now=now, look_id=f"look_{number}", data_digest=seen,
        final=final,
    )  # fmt: skip


def _plain(wave: WaveCounts) -> dict[str, Any]:
    return asdict(wave) | {"sent_at": None if wave.sent_at is None else to_text(wave.sent_at)}


def decide(
    plan: Plan,
    looks: Sequence[Look],
    *,
    now: datetime,
    remainder: int | None = None,
    stop_reason: str = "",
    despite: str = "",
) -> Decision:
    """Decide by the plan's rule on the look that ended the test.

    Args:
        plan: The plan.
        looks: Every look, in order.
        now: The present moment, aware.
        remainder: How many people wait for the decision; None: the list without the test.
        stop_reason: Why the test is ended before the plan's end; empty when it is not.
        despite: Why to decide in spite of a finding that blocks; empty to be blocked.

    Raises:
        StateError: There is no look, the plan says go on, or a finding blocks.

    Examples:
        >>> import pandas as pd
        >>> from datetime import datetime, timedelta, UTC
        >>> made = plan({
        ...     "experiment": "spring", "list": {"size": 40000, "test": 20000},
        ...     "arms": [{"name": "control", "control": True}, {"name": "match"}],
        ...     "metrics": [{"name": "gave", "tier": "organising", "base_rate": 0.05,
        ...                  "mde": 0.01, "window_hours": 72}],
        ...     "design": {"waves": 2}})
        >>> tool = pd.DataFrame({"arm": ["control", "match"], "units": [5000, 5000],
        ...                      "gave": [250, 330]})
        >>> sent = datetime(2026, 11, 3, 9, tzinfo=UTC)
        >>> first = look(made, count(tool, made, sent=sent), now=sent + timedelta(days=4))
        >>> first.verdict, round(first.z, 2), round(first.bound, 2)
        ('crossed-up', 3.42, 2.96)
        >>> verdict = decide(made, [first], now=sent + timedelta(days=4))
        >>> verdict.outcome, verdict.chosen, verdict.proven
        ('ship', {'match': 1.0}, True)
    """
    return rule.decide(
        plan,
        looks,
        decision_id=f"decision_{len(looks)}",
        at=to_text(now),
        remainder=plan.list_size - plan.test_size if remainder is None else remainder,
        stop_reason=stop_reason.strip(),
        despite=despite.strip(),
    )
