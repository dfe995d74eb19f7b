"""intake: result files in, each registered once; the rows lie in immutable files.

A file in our own form is read as it is. Anything else is the export of a tool: it is recognised, or
named, and read by its adapter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from testkit.adapters.handback import named_hand_back
from testkit.adapters.model import Snapshot
from testkit.adapters.reading import read
from testkit.engines.results import Results, kind_of, read_counts, read_units
from testkit.engines.sources import CsvFile, open_csv, session
from testkit.errors import InputError, StateError
from testkit.kernel import ledger
from testkit.kernel.clock import to_text
from testkit.kernel.digest import digest_file
from testkit.kernel.ids import new_id
from testkit.services.counting import counts_now, list_path, result_path
from testkit.services.increments import refuse_baseless
from testkit.services.spend import costs, refuse_twin, take_in
from testkit.services.tool_files import Tool, chosen_adapter, own_file, tool_file
from testkit.store import audit, events, looks, plans

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from testkit.adapters.model import Adapter, Dropped, Options, Reading
    from testkit.kernel.findings import Finding
    from testkit.kernel.workspace import Workspace
    from testkit.model.costing import Cost
    from testkit.model.plan import Plan
    from testkit.services.tool_files import ToolFile
    from testkit.store.plans import LockedPlan

__all__ = ["TakenIn", "intake"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What ``intake`` did.

    Attributes:
        batch: As registered; None for a dry run, and for spend.
        results: What the file held; None for spend.
        srm_p: Sample-ratio p-value over everything that came back so far; None when it cannot be
            computed.
        sends: Waves whose send time was recorded by this call.
        decided: Whether the experiment was decided before: the verdict stays.
        read_as: What a tool's file was recognised as, and by what; empty for our own form.
        findings: What to know of a tool's file.
        dropped: What was left out of a tool's file on purpose.
        spend_id: Id of a file of spend; empty for anything else, and for a dry run.
        costs: What every arm cost so far, for a file of spend.
    """

    batch: events.Batch | None
    results: Results | None
    srm_p: float | None
    sends: tuple[int, ...]
    decided: bool
    read_as: str = ""
    findings: tuple[Finding, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    spend_id: str = ""
    costs: tuple[Cost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What is known of an experiment before a file is read."""

    locked: LockedPlan
    lists: list[events.Assignment]
    before: list[events.Batch]
    every: list[events.Batch]
    handed: list[tuple[str, str]]
    sends: Mapping[int, datetime]
    decided: bool


def intake(
    workspace: Workspace,
    name: str,
    source: Path,
    *,
    encoding: str | None = None,
    dry_run: bool = False,
    skip_unknown: bool = False,
    increments: bool = False,
    sent_at: datetime | None = None,
    tool: Tool | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> TakenIn:
    """Take in one file: results, or what ads cost.

    Args:
        workspace: The workspace.
        name: The locked experiment.
        source: CSV file with a row per unit, or a row per arm and wave; or the export of a tool.
        encoding: Encoding of the file; None takes UTF-8 or a byte-order mark's.
        dry_run: Read, check and report; store nothing.
        skip_unknown: Leave rows of units out that were not assigned; always so for a tool's file.
        increments: Counts or amounts in the file add to earlier ones instead of replacing them.
        sent_at: When the waves in the file went out, where that is not recorded yet.
        tool: What the caller says of a tool's file; None leaves everything to be recognised.
        progress: Told what is being done.

    Raises:
        DataError: Rows that cannot be used; nothing was taken in.
        InputError: The file is not readable, or has the wrong columns.
        StateError: The same file is in already.
    """
    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
        ground = _Ground(
            locked=locked,
            lists=events.assignments(conn, name, locked.version),
            handed=events.handed_ids(conn, name, locked.version),
            before=events.batches(conn, name, locked.version),
            every=events.batches(conn, name, locked.version, retracted=True),
            sends=events.sends(conn, name, locked.version),
            decided=bool(looks.decisions(conn, name, locked.version)),
        )
    progress("reading the file")
    tool = tool or Tool()
    own = None if tool.named() else own_file(source, locked.plan, encoding=encoding)
    sha256 = own.sha256 if isinstance(own, CsvFile) else _sha256(source)
    twin = next((b for b in ground.before if b.source_sha256 == sha256), None)
    if twin is not None:
        raise StateError(
            f"{source.name} is in already, as {twin.id} of {twin.at[:16].replace('T', ' ')} UTC",
            current="taken in",
            hint="nothing was changed; to take it back: experiment retract"
            f" {name} {twin.id} --reason WHY",
        )
    now = workspace.clock()
    if sent_at is not None and sent_at > now:
        raise InputError("a wave cannot have gone out in the future", field="sent_at")
    folder = None if dry_run else workspace.data / "results"
    exported: ToolFile | None = None
    said = ""
    with session() as connection:
        if isinstance(own, CsvFile):
            file: CsvFile = own
        else:
            adapter, options, said = _recognise(
                workspace, source, locked.plan, tool, encoding=encoding, own=own
            )
            progress(f"reading it as {adapter.name}")
            reading = read(connection, source, adapter=adapter, options=options)
            if reading.form == "spend":
                refuse_twin(workspace, name, locked.version, sha256=sha256, file=source.name)
                return _spent(workspace, name, reading, ground, said=said, dry_run=dry_run)
            progress("finding its people" if reading.form == "events" else "comparing counts")
            exported = tool_file(
                connection,
                workspace,
                reading,
                locked.plan,
                source=source,
                tool=tool,
                lists=[(list_path(workspace, a), a.columns) for a in ground.lists],
                handed=ground.handed,
                earlier=_snapshots(ground.before),
                increments=increments,
                now=to_text(now),
            )
            file, skip_unknown = exported.file, True
        # Which waves a file tells of is known once it is read: nothing may be stored before.
        for where in (None, folder) if increments and folder else (folder,):
            results = _rows(
                connection, workspace, ground, file, exported, folder=where,
                skip_unknown=skip_unknown, increments=increments, progress=progress,
            )  # fmt: skip
            if increments:
                refuse_baseless(
                    locked.plan, kind=results.kind, waves=results.waves, every=ground.every
                )
    if exported is not None:
        results = replace(results, notes=(*exported.notes, *results.notes))
    new_sends = [w for w in results.waves if sent_at is not None and w not in ground.sends]
    batch: events.Batch | None = None
    if not dry_run:
        matched = {f.arm: [f.reachable, f.assigned] for f in exported.found} if exported else {}
        batch = events.Batch(
            id=new_id("batch", now=now),
            kind=results.kind,
            source_name=source.name,
            source_sha256=sha256,
            data_sha256=results.data_sha256,
            rows=results.rows,
            summary={
                **results.summary(),
                **(exported.summary if exported else {}),
                **({"matched": matched} if matched else {}),
                **({"increments": True} if increments else {}),
            },
            at=to_text(now),
        )
        progress("registering the batch")
        _register(workspace, name, locked, batch, sends=new_sends, sent_at=sent_at, now=now)
    progress("checking the sample ratio")
    return TakenIn(
        batch=batch,
        results=results,
        srm_p=_sample_ratio(workspace, name, locked.plan, results, stored=batch is not None),
        sends=tuple(new_sends),
        decided=ground.decided,
        read_as=said,
        findings=exported.findings if exported else (),
        dropped=exported.reading.dropped if exported else (),
    )


def _recognise(
    workspace: Workspace,
    source: Path,
    plan: Plan,
    tool: Tool,
    *,
    encoding: str | None,
    own: InputError | None,
) -> tuple[Adapter, Options, str]:
    """The adapter of a file; for a CSV that nobody knows, what our own form would have needed."""
    try:
        return chosen_adapter(workspace, source, plan, tool, encoding=encoding)
    except InputError as unknown:
        told = named_hand_back(source) is not None or "could be" in unknown.message
        if own is None or told:
            raise
        if source.suffix.lower() in {".json", ".jsonl", ".ndjson"}:
            raise
        plain = open_csv(source, encoding=encoding)
        if kind_of(plain, plan):
            plain.column(plan.metric.name)
        raise


def _sha256(source: Path) -> str:
    try:
        return digest_file(source)
    except OSError as cause:
        raise InputError(f"cannot read {source}: {cause.strerror}", field="file") from cause


def _rows(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    ground: _Ground,
    file: CsvFile,
    exported: ToolFile | None,
    *,
    folder: Path | None,
    skip_unknown: bool,
    increments: bool,
    progress: Callable[[str], None],
) -> Results:
    """The rows of a file, checked, and stored unless it is a dry run."""
    plan, name = ground.locked.plan, ground.locked.plan.experiment
    messages = exported is not None and exported.reading.form == "snapshots"
    if messages or kind_of(file, plan) == "counts":
        return read_counts(
            connection,
            file,
            plan,
            folder=folder,
            default_wave=1 + len([b for b in ground.before if b.kind == "counts"]),
            increments=increments,
            messages=messages,
        )
    if not ground.lists:
        raise StateError(
            f"no list is assigned to {name}: these people belong to no arm",
            current="not assigned",
            hint=f"whistlestop experiment assign {name} LIST.csv, or bring counts by arm",
        )
    progress("matching people to arms")
    return read_units(
        connection,
        file,
        plan,
        assignments=[list_path(workspace, a) for a in ground.lists],
        earlier=[result_path(workspace, b) for b in ground.before if b.kind == "units"],
        folder=folder,
        skip_unknown=skip_unknown,
        increments=increments,
        zone=workspace.config.organisation.zone,
    )


def _snapshots(batches: Sequence[events.Batch]) -> list[Snapshot]:
    """What tools counted in files that count."""
    return [Snapshot(**one) for b in batches for one in b.summary.get("snapshots", ())]


def _spent(
    workspace: Workspace,
    name: str,
    reading: Reading,
    ground: _Ground,
    *,
    said: str,
    dry_run: bool,
) -> TakenIn:
    file_id = take_in(workspace, name, reading, dry_run=dry_run)
    return TakenIn(
        batch=None,
        results=None,
        srm_p=None,
        sends=(),
        decided=ground.decided,
        read_as=said,
        findings=reading.findings,
        dropped=reading.dropped,
        spend_id=file_id,
        costs=costs(workspace, name, more=reading.spend if dry_run else ()),
    )


def _register(
    workspace: Workspace,
    name: str,
    locked: LockedPlan,
    batch: events.Batch,
    *,
    sends: list[int],
    sent_at: datetime | None,
    now: datetime,
) -> None:
    with workspace.db.write() as conn:
        current = plans.require(conn, name)
        if current.version != locked.version:
            raise StateError(f"{name} was locked anew meanwhile", hint="take the file in again")
        for other in events.batches(conn, name, locked.version):
            if other.source_sha256 == batch.source_sha256:
                raise StateError(
                    f"{batch.source_name} is in already, as {other.id}", current="taken in"
                )
        events.add_batch(conn, name, locked.version, batch, by=workspace.actor.name)
        if sent_at is not None:
            for wave in sends:
                events.record_send(
                    conn,
                    name,
                    locked.version,
                    wave=wave,
                    sent_at=sent_at,
                    by=workspace.actor.name,
                    now=now,
                )
        ledger.append(
            conn,
            kind="batch.taken_in",
            subject=f"experiment/{name}",
            actor=workspace.actor,
            payload={
                "batch": batch.id,
                "version": locked.version,
                "source_sha256": batch.source_sha256,
                "data_sha256": batch.data_sha256,
                "rows": batch.rows,
                "sent": {str(w): to_text(sent_at) for w in sends} if sent_at else {},
                "row_digest": audit.BATCH.row_digest(conn, batch.id),
            },
            now=now,
        )


def _sample_ratio(
    workspace: Workspace, name: str, plan: Plan, results: Results, *, stored: bool
) -> float | None:
    if stored:
        with workspace.db.read() as conn:
            version = plans.require(conn, name).version
        counts, _ = counts_now(workspace, name, plan, version)
        sources = [w.returned if w.returned is not None else {} for w in counts]
        totals = [sum(s.get(arm.name, 0) for s in sources) for arm in plan.arms]
    else:
        only_yes = sum(results.arms.values()) == sum(results.outcomes.values())
        totals = [0 if only_yes else results.arms[arm.name] for arm in plan.arms]
    if not sum(totals):
        return None
    from testkit.stats.srm import srm_chisq

    return srm_chisq(totals, plan.shares).p_value
