"""The export of an outside tool as a file of ours: recognised, read, its people led to units.

People are found through the ids that the list has, and through the crosswalk where the export knows
them by another kind of id. Counts keep the message and the time that they are of.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from testkit.adapters.counts import falls
from testkit.adapters.handback import named_hand_back
from testkit.adapters.linking import linked_people
from testkit.adapters.model import Options, Snapshot
from testkit.adapters.prepared import (
    Deed,
    counts_file,
    handed_id_columns,
    kinds_told,
    units_file,
)
from testkit.adapters.registry import adapter_named, sniff
from testkit.engines.results import people_query
from testkit.engines.sources import open_csv
from testkit.errors import InputError, StateError
from testkit.kernel.findings import Finding
from testkit.services.crosswalk import ids_of_kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from testkit.adapters.model import Adapter, Reading
    from testkit.adapters.prepared import Found, Prepared
    from testkit.engines.sources import CsvFile
    from testkit.kernel.workspace import Workspace
    from testkit.model.plan import Plan

__all__ = ["Tool", "ToolFile", "chosen_adapter", "own_file", "tool_file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What the caller says of a tool's file; everything may be left out.

    Attributes:
        deeds: ``metric -> kind of event, or name of a count``, with ``:amount`` or ``:value`` where
            that is counted.
        adapter: Name of the adapter; empty recognises it.
        mapping: Name of a saved mapping.
        decimal: What separates decimals; empty takes the mapping's, or a point.
        day_first: Whether 03/11/2026 is in November.
        success: Answers that count as the deed.
        arms: ``code, message or label -> arm``.
        as_of: When counts were taken, ISO-8601.
        wave: The wave that the file belongs to.
    """

    deeds: Mapping[str, str] = field(default_factory=dict)
    adapter: str = ""
    mapping: str = ""
    decimal: Literal["", ".", ","] = ""
    day_first: bool | None = None
    success: tuple[str, ...] = ()
    arms: Mapping[str, str] = field(default_factory=dict)
    as_of: str = ""
    wave: int | None = None

    def named(self) -> bool:
        """Whether the caller says that it is a tool's file."""
        return bool(self.deeds or self.adapter or self.mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFile:
    """A tool's file, ready to be taken in.

    Attributes:
        file: The rows as a CSV file of ours would have them.
        reading: What the adapter read.
        findings: What to know: of the reading, and of what came in before.
        found: Match rates by arm.
        notes: Sentences for the reader.
        summary: What the batch keeps beside its rows.
    """

    file: Prepared
    reading: Reading
    findings: tuple[Finding, ...]
    found: tuple[Found, ...] = ()
    notes: tuple[str, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)


def own_file(source: Path, plan: Plan, *, encoding: str | None) -> CsvFile | InputError:
    """A CSV in our own form; where it is none, the error that says what is missing."""
    wanted = [m.name for m in plan.metrics] + [m.per for m in plan.metrics if m.per]
    try:
        file = open_csv(source, encoding=encoding)
    except InputError as problem:
        return problem
    ours = file.has(plan.unit_column) or (file.has("arm") and file.has("units"))
    if ours and any(file.has(name) for name in wanted):
        return file
    return InputError("not a file of ours", field=source.name)


def chosen_adapter(
    workspace: Workspace, source: Path, plan: Plan, tool: Tool, *, encoding: str | None
) -> tuple[Adapter, Options, str]:
    """Which adapter reads a file, with what it is told, and a sentence that names it.

    Raises:
        InputError: Nobody knows the file, or it is a list that we wrote.
        NotFoundError: No adapter or mapping has the name.
    """
    back = named_hand_back(source)
    if back is not None:
        raise InputError(
            f"{source.name} is the list of {back.arm}, wave {back.wave}, that was written for"
            f" {back.tool}: it holds no results",
            field="file",
            value=str(source),
            hint=f"send it with the tool; take in what {back.tool} exports afterwards",
        )
    arms = {arm.name: arm.name for arm in plan.arms}
    arms |= {f"tk-{plan.experiment}-{arm.name}": arm.name for arm in plan.arms}
    arms |= {arm.refcode: arm.name for arm in plan.arms if arm.refcode}
    options = Options(
        encoding=encoding,
        decimal=tool.decimal or ".",
        day_first=tool.day_first,
        zone=workspace.config.organisation.zone,
        arms={**arms, **tool.arms},
        wave=tool.wave,
        as_of=tool.as_of,
        success=tuple(answer.lower() for answer in tool.success),
    )
    strange = sorted(set(tool.arms.values()) - {arm.name for arm in plan.arms})
    if strange:
        raise InputError(
            f"the plan has no arm {strange[0]!r}",
            field="arm",
            value=strange[0],
            hint=f"it has: {', '.join(arm.name for arm in plan.arms)}",
        )
    if tool.mapping:
        from testkit.adapters.mapping import mapping_named

        found = mapping_named(workspace.root / "mappings", tool.mapping)
        made = found.adapter()
        return made, found.options(options), f"{made.name}: {made.title}"
    if tool.adapter:
        named = adapter_named(tool.adapter)
        return named, options, f"{named.name}: {named.title}"
    told = sniff(source, encoding=encoding)
    said = f"{told.adapter.name} ({told.sure}): {told.adapter.title}; {told.why}"
    return told.adapter, options, said + (f"; near: {', '.join(told.near)}" if told.near else "")


def tool_file(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    reading: Reading,
    plan: Plan,
    *,
    source: Path,
    tool: Tool,
    lists: Sequence[tuple[Path, Sequence[str]]],
    handed: Sequence[tuple[str, str]] = (),
    earlier: Sequence[Snapshot] = (),
    increments: bool = False,
    now: str = "",
) -> ToolFile:
    """Make rows of ours of a reading.

    Args:
        connection: The session that read it.
        workspace: The workspace, for the crosswalk.
        reading: Events or snapshots.
        plan: The locked plan.
        source: The file.
        tool: What the caller says of it.
        lists: Parquet files of the assigned lists, with the columns of each.
        handed: ``(kind of id, column of the list)`` that hand-backs wrote as the caller said.
        earlier: Snapshots of files that count.
        increments: Counts add to earlier ones; then none can have fallen.
        now: The present moment, which stands for a time of the count that nobody said.

    Raises:
        DataError: Rows that cannot be used, or none that tells of the metrics.
        InputError: A deed does not fit the plan, or an arm or wave is not known.
        StateError: No list is assigned, and the file names people.
    """
    if reading.form == "snapshots":
        return _counts(
            connection, reading, plan, source=source, tool=tool, earlier=earlier,
            increments=increments, now=now,
        )  # fmt: skip
    if not lists:
        raise StateError(
            f"no list is assigned to {plan.experiment}: the tool's people belong to no arm",
            current="not assigned",
            hint=f"whistlestop experiment assign {plan.experiment} LIST.csv",
        )
    kinds = kinds_told(connection, reading)
    wanted = {
        name: _deed(name, said, _kinds(plan)) for name, said in _deeds(plan, tool, kinds).items()
    }
    listed = [(path, ids) for path, columns in lists for ids in _ids(plan, columns, handed)]
    prepared = units_file(
        connection,
        reading,
        path=source,
        unit_column=plan.unit_column,
        metrics=wanted,
        people=people_query(listed),
        linked=linked_people(
            connection,
            reading.events,
            listed,
            known=lambda wanted: ids_of_kinds(workspace, wanted),
            key=workspace.secret("hmac"),
        ),
    )
    best = max((f.kind for f in prepared.found), key=_reached(prepared.found), default="")
    found = tuple(f for f in prepared.found if f.kind == best)
    notes = [
        f"{f.arm}: {f.reachable:,} of {f.assigned:,} people can be found by {f.kind},"
        f" {f.matched:,} are in the file"
        for f in found
    ]
    return ToolFile(
        file=prepared,
        reading=reading,
        findings=reading.findings,
        found=found,
        notes=tuple(notes),
        # By the arm that people are in, not by the one that the tool names.
        summary=_kept(replace(reading, gaps=prepared.gaps)),
    )


def _ids(
    plan: Plan, columns: Sequence[str], handed: Sequence[tuple[str, str]]
) -> list[dict[str, str]]:
    """``kind of id -> column`` of a list: by the names of columns, and as each hand-back said."""
    said = [{kind: column} for kind, column in handed if column in columns]
    return [handed_id_columns(columns, plan.unit_column), *said]


def _reached(found: Sequence[Found]) -> Any:
    """The kind of id that led most rows to their people, then the one that could lead most."""
    return lambda kind: (
        sum(f.matched for f in found if f.kind == kind),
        sum(f.reachable for f in found if f.kind == kind),
    )


def _counts(
    connection: duckdb.DuckDBPyConnection,
    reading: Reading,
    plan: Plan,
    *,
    source: Path,
    tool: Tool,
    earlier: Sequence[Snapshot],
    increments: bool,
    now: str,
) -> ToolFile:
    names = [arm.name for arm in plan.arms]
    strange = list(dict.fromkeys(s.arm for s in reading.snapshots if s.arm not in names))
    if strange:
        raise InputError(
            f"{source.name} has messages of no arm: {', '.join(map(repr, strange[:5]))}",
            field="arm",
            value=strange[0],
            hint=f'say whose each is: --arm "{strange[0]}={names[0]}"; the plan has'
            f" {', '.join(names)}",
        )
    if plan.experiment and any(s.wave is None for s in reading.snapshots):
        reading = replace(reading, snapshots=_in_waves(reading.snapshots, plan, earlier))
    dated = tuple(s if s.as_of else replace(s, as_of=now) for s in reading.snapshots)
    reading = replace(reading, snapshots=dated)
    told = {name for s in dated for name in s.counts}
    told |= {"amount"} if all(s.amount_cents is not None for s in dated) else set()
    deeds = _deeds(plan, tool, told | ({"opened"} if "opened_all" in told else set()))
    notes = []
    for metric, said in deeds.items():
        if said == "opened":
            human = all("opened_human" in s.counts for s in dated)
            deeds[metric] = "opened_human" if human else "opened_all"
            notes.append(f"{metric} counts {'people' if human else 'people and machines'}")
    findings = [*reading.findings, *([] if increments else falls(earlier, dated))]
    late = [s for s in dated if any(e.key == s.key and e.as_of > s.as_of for e in earlier)]
    if late and not increments:
        findings.append(
            Finding(
                code="IM012",
                severity="note",
                message=f"{len(late):,} counts are older than what is in: they change nothing",
                hint="a newer count of the same message stands",
            )
        )
    prepared = counts_file(connection, reading, path=source, metrics=deeds)
    notes += [
        f"{gap.kind} in {gap.arm}: {gap.all:,}"
        + (
            ", people's not told apart"
            if gap.human is None
            else f", {gap.human:,} by people, {gap.all - gap.human:,} by machines only"
        )
        for gap in reading.gaps
    ]
    return ToolFile(
        file=prepared,
        reading=reading,
        findings=tuple(findings),
        notes=tuple(notes),
        summary={**_kept(reading), "snapshots": [asdict(s) for s in dated]},
    )


def _in_waves(
    snapshots: Sequence[Snapshot], plan: Plan, earlier: Sequence[Snapshot]
) -> tuple[Snapshot, ...]:
    """A message keeps the wave that it came in with; a plan of one wave has no other."""
    known = {(e.message, e.arm): e.wave for e in earlier}
    out = []
    for one in snapshots:
        wave = one.wave or known.get((one.message, one.arm))
        if wave is None and plan.waves > 1:
            raise InputError(
                f"{one.label} names no wave, and {plan.experiment} has {plan.waves}",
                field="wave",
                hint="--wave NUMBER",
            )
        out.append(replace(one, wave=wave or 1))
    return tuple(out)


def _kept(reading: Reading) -> dict[str, Any]:
    """What a report may want of a reading later."""
    return {
        "adapter": reading.adapter,
        "gaps": [asdict(gap) for gap in reading.gaps],
        "dropped": [asdict(one) for one in reading.dropped],
        "findings": [finding.code for finding in reading.findings],
    }


def _kinds(plan: Plan) -> dict[str, str]:
    kinds: dict[str, str] = {metric.name: metric.kind for metric in plan.metrics}
    return kinds | {metric.per: "count" for metric in plan.metrics if metric.per}


def _deeds(plan: Plan, tool: Tool, told: set[str]) -> dict[str, str]:
    """What counts as which metric: as said, else metrics that are called like what the file has."""
    if tool.deeds:
        unknown = [name for name in tool.deeds if name not in _kinds(plan)]
        if unknown:
            raise _no_metric(plan, unknown[0])
        return dict(tool.deeds)
    found = {name: name for name in _kinds(plan) if name in told}
    if not found:
        raise InputError(
            f"nothing says what counts as {plan.metric.name}",
            field="deed",
            hint=f"--deed {plan.metric.name}=KIND; the file tells of {', '.join(sorted(told))}",
        )
    return found


def _no_metric(plan: Plan, name: str) -> InputError:
    return InputError(
        f"the plan has no metric {name!r}",
        field="deed",
        value=name,
        hint=f"it has: {', '.join(_kinds(plan))}",
    )


def _deed(name: str, said: str, kinds: Mapping[str, str]) -> Deed:
    kind, _, what = said.partition(":")
    match what or ("did" if kinds[name] == "proportion" else "amount"):
        case "did":
            return Deed(kinds=(kind,))
        case "amount":
            return Deed(kinds=(kind,), what="amount")
        case "value":
            return Deed(kinds=(kind,), what="value")
    raise InputError(
        f"{what!r} is nothing that a deed can be counted as",
        field="deed",
        value=said,
        hint="write METRIC=KIND, METRIC=KIND:amount or METRIC=KIND:value",
    )
