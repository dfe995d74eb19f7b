"""report, overview: what is recorded, as a page, Markdown or plain values."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from testkit.errors import InputError
from testkit.kernel import ledger, proposals
from testkit.kernel.clock import shown
from testkit.kernel.workspace import replace_file
from testkit.model.costing import cost_of_arms
from testkit.reports.brief import brief_context
from testkit.reports.contexts import report_context
from testkit.reports.flat import looks_csv
from testkit.reports.render import render
from testkit.services.decide import doubts_about, waiting
from testkit.services.retract import gone_since
from testkit.services.spend import paid
from testkit.store import amendments, events, looks, plans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.model.costing import Cost
    from testkit.model.look import Look
    from testkit.reports.brief import BriefContext
    from testkit.reports.contexts import ReportContext
    from testkit.store.plans import LockedPlan

__all__ = ["Reported", "brief", "brief_of", "overview", "recorded", "report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A report.

    Attributes:
        path: The file; None when none was written.
        data: Everything in it as plain values.
    """

    path: Path | None
    data: dict[str, Any]


def report(
    workspace: Workspace,
    name: str,
    *,
    form: Literal["html", "md", "json", "csv"] = "html",
    output: Path | None = None,
    write: bool = True,
) -> Reported:
    """Make the report of what is recorded; takes no look.

    Args:
        workspace: The workspace.
        name: The locked experiment.
        form: ``html`` or ``md``; ``json``: everything as plain values; ``csv``: a row per look,
            metric and arm.
        output: File to write; None takes ``reports/NAME.html``.
        write: Whether to write a file at all.

    Raises:
        InputError: The file cannot be written.
    """
    context, data = recorded(workspace, name)
    path = None
    if write:
        path = output or workspace.root / "reports" / f"{name}.{form}"
        _write(path, _text(context, data, form))
    return Reported(path=path, data=data)


def brief(
    workspace: Workspace,
    name: str,
    *,
    form: Literal["html", "md"] = "html",
    output: Path | None = None,
    write: bool = True,
) -> Reported:
    """Write the one page for the person who decides.

    Args:
        workspace: The workspace.
        name: The locked experiment.
        form: ``html`` or ``md``.
        output: File to write; None takes ``reports/NAME-brief.html``.
        write: Whether to write a file at all.

    Raises:
        InputError: The file cannot be written.
    """
    context = brief_of(workspace, name)
    path = None
    if write:
        path = output or workspace.root / "reports" / f"{name}-brief.{form}"
        _write(path, render("brief", context, form=form))
    return Reported(path=path, data=asdict(context))


def brief_of(workspace: Workspace, name: str) -> BriefContext:
    """What the brief says, for a template; takes no look.

    Raises:
        NotFoundError: No plan of that name is locked.
    """
    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
        taken = looks.looks(conn, name, locked.version)
        decided = looks.decisions(conn, name, locked.version)
        batches = events.batches(conn, name, locked.version, retracted=True)
        lists = events.assignments(conn, name, locked.version)
        sends = events.sends(conn, name, locked.version)
        practice = proposals.in_practice(conn)
    decision = decided[0] if decided else None
    # The verdict is told with the figures of its own look; later ones are in the report.
    look = next(
        (k for k in taken if decision is not None and k.id == decision.look_id),
        taken[-1] if taken else None,
    )
    return brief_context(
        locked.plan,
        look,
        decision,
        remainder=waiting(locked.plan, lists, sends),
        practice=practice,
        doubts=(doubts_about(decision, batches) if decision else ()) or gone_since(look, batches),
        currency=workspace.config.organisation.currency,
        generated_at=shown(workspace.clock(), zone_name=workspace.config.organisation.zone),
    )


def _write(path: Path, text: str) -> None:
    try:
        replace_file(path, text)
    except OSError as cause:
        raise InputError(
            f"cannot write {path}: {cause.strerror}", field="output", value=str(path)
        ) from cause


def _text(
    context: ReportContext, data: dict[str, Any], form: Literal["html", "md", "json", "csv"]
) -> str:
    if form == "json":
        return json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if form == "csv":
        return looks_csv(data["looks"])
    return render("report", context, form=form)


def recorded(workspace: Workspace, name: str) -> tuple[ReportContext, dict[str, Any]]:
    """What is recorded of an experiment, for a template and as plain values; takes no look.

    Raises:
        NotFoundError: No plan of that name is locked.
    """
    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
        taken = looks.looks(conn, name, locked.version)
        decided = looks.decisions(conn, name, locked.version)
        batches = events.batches(conn, name, locked.version, retracted=True)
        lists = events.assignments(conn, name, locked.version)
        sends = events.sends(conn, name, locked.version)
        seq, head = ledger.head(conn)
        practice = proposals.in_practice(conn)
        taken_back = plans.voided(conn, name)
        amended = amendments.amendments(conn, name, locked.version)
        costs, mixed = _costs(conn, locked, taken)
    last = taken[-1] if taken else None
    rest = waiting(locked.plan, lists, sends)
    doubts = (doubts_about(decided[0], batches) if decided else ()) or gone_since(last, batches)
    zone_name = workspace.config.organisation.zone
    data: dict[str, Any] = {
        "experiment": name,
        "practice": practice,
        "plan": locked.plan.as_dict(),
        "plan_digest": locked.digest,
        "locked_at": locked.locked_at,
        "looks": [look.as_dict() for look in taken],
        "decisions": [decision.as_dict() for decision in decided],
        "batches": [
            {
                "id": b.id,
                "file": b.source_name,
                "rows": b.rows,
                "at": b.at,
                "source_sha256": b.source_sha256,
                "data_sha256": b.data_sha256,
                "retracted_at": b.retracted_at,
                **b.summary,
            }
            for b in batches
        ],
        "taken_back": [asdict(value) for value in taken_back],
        "amendments": [
            {"at": a.at, "digest": a.digest, "changes": list(a.changes), "reason": a.reason}
            for a in amended
        ],
        "quality": {"machines": [one.as_dict() for one in last.machines] if last else []},
        "spend": {"arms": [asdict(one) for one in costs], "problem": mixed},
        "remainder": rest,
        "doubts": list(doubts),
        "ledger_head": {"seq": seq, "hash": head},
    }
    context = report_context(
        locked=locked,
        looks=taken,
        decision=decided[0] if decided else None,
        batches=batches,
        remainder=rest,
        doubts=doubts,
        practice=practice,
        zone_name=zone_name,
        generated_at=shown(workspace.clock(), zone_name=zone_name),
        ledger_head=f"ledger row {seq}, {head[:12]}",
        assigned=sum(value.rows for value in lists),
        voided=taken_back,
        amended=amended,
        costs=costs,
        mixed=mixed,
    )
    return context, data


def _costs(
    conn: Connection, locked: LockedPlan, taken: Sequence[Look]
) -> tuple[tuple[Cost, ...], str]:
    """What every arm cost by the last look, and why that cannot be said."""
    try:
        cents, currency = paid(conn, locked.plan.experiment, locked.version)
    except InputError as problem:
        return (), problem.message
    last = taken[-1] if taken else None
    return cost_of_arms(locked.plan, last, spent=cents, currency=currency), ""


def overview(workspace: Workspace) -> list[dict[str, Any]]:
    """Every experiment with its state: drafted, locked, running, stopped or decided."""
    rows: dict[str, dict[str, Any]] = {}
    for path in sorted((workspace.root / "experiments").glob("*/experiment.yaml")):
        name = path.parent.name
        rows[name] = {"experiment": name, "state": "drafted", "looks": 0, "title": ""}
    with workspace.db.read() as conn:
        for name in plans.listed(conn):
            locked = plans.require(conn, name)
            taken = looks.looks(conn, name, locked.version)
            state = "locked"
            if events.sends(conn, name, locked.version) or taken:
                state = "running"
            if any(look.stopped and not look.blocked for look in taken):
                state = "stopped: decide"
            decided = looks.decisions(conn, name, locked.version)
            if decided:
                state = f"decided: {decided[0].outcome}"
            rows[name] = {
                "experiment": name,
                "state": state,
                "looks": len(taken),
                "title": locked.plan.title,
            }
    return [rows[name] for name in sorted(rows)]
