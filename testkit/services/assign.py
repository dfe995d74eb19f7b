"""assign: a list in, one file per wave and arm out; remainder: after a decision.

The whole assignment is one Parquet file named by its digest, registered in one short transaction.
The CSV files are views of it: they can be written again at any time, and come out the same.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from testkit.engines.lists import write_lists, write_remainder
from testkit.engines.placing import KeptOut, place, place_given
from testkit.engines.sources import open_csv, session
from testkit.errors import InputError, StateError
from testkit.kernel import ledger
from testkit.kernel.clock import to_text
from testkit.kernel.ids import new_id
from testkit.services.decide import doubts_about
from testkit.store import audit, events, looks, plans

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from testkit.engines.placing import Placed
    from testkit.engines.sources import CsvFile
    from testkit.kernel.workspace import Workspace
    from testkit.model.plan import Plan

__all__ = ["Assigned", "Remainder", "assign", "lists_folder", "remainder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """What ``assign`` did.

    Attributes:
        assignment: As registered.
        files: CSV files written, with their rows.
        new: False when this list was assigned before; its files were written again.
        known: Units that an earlier list had placed already.
        alone: Units whose household (street, office) the list does not name: each is one of its
            own. 0 for a list that was assigned before.
        given: Whether a tool made the split; then those who get nothing are in it, too.
    """

    assignment: events.Assignment
    files: tuple[tuple[Path, int], ...]
    new: bool
    known: int = 0
    alone: int = 0
    given: bool = False

    @property
    def kept_out(self) -> dict[str, int]:
        """``reason -> units`` that get nothing."""
        return dict(self.assignment.counts.get("-1", {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """The list for the rest.

    Attributes:
        files: One CSV per arm that the rest gets, with its rows; none where nobody is left.
        chosen: ``arm -> share``.
        proven: Whether the choice follows from a crossing.
        doubts: What happened to the data after the decision.
    """

    files: tuple[tuple[Path, int], ...]
    chosen: dict[str, float]
    proven: bool
    doubts: tuple[str, ...] = ()


def lists_folder(workspace: Workspace, name: str) -> Path:
    """Where the CSV files of an experiment go."""
    return workspace.root / "experiments" / name / "lists"


def _data(workspace: Workspace, assignment: events.Assignment) -> Path:
    return workspace.data / "assignments" / f"{assignment.data_sha256}.parquet"


def assign(
    workspace: Workspace,
    name: str,
    source: Path,
    *,
    encoding: str | None = None,
    new_wave: bool = False,
    arm_column: str | None = None,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Assigned:
    """Assign a list to arms and waves.

    Args:
        workspace: The workspace.
        name: The locked experiment.
        source: CSV file with the unit's id and, where the plan names strata, their columns.
        encoding: Encoding of the file; None takes UTF-8 or a byte-order mark's.
        new_wave: A second list is meant: its new people make one further wave of the test.
        arm_column: Column of the list with each unit's arm, where a tool has split it already;
            None lets the plan's scheme place everybody.
        dry_run: Place everybody and say how many get what; store and write nothing.
        progress: Told what is being done.

    Raises:
        DataError: Ids are missing or stand twice, with row numbers.
        StateError: The list does not fit the plan, or another process was faster.
    """
    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
        before = events.assignments(conn, name, locked.version)
        decided = bool(looks.decisions(conn, name, locked.version))
    progress("reading the list")
    file = open_csv(source, encoding=encoding)
    value = next((a for a in before if a.source_sha256 == file.sha256), None)
    new, known, alone = value is None, 0, 0
    if new and before and not new_wave:
        raise StateError(
            f"{name} has its list already: {before[0].source_name}, {before[0].rows:,} people",
            current="assigned",
            hint=(
                "--new-wave puts everybody of this other list who is new into one further wave of"
                " the test; is that meant?"
            ),
        )
    with session() as connection, TemporaryDirectory() as scratch:
        folder = Path(scratch) if dry_run else workspace.data / "assignments"
        if value is None:
            kept_out, digests = _kept_out(workspace, locked.plan)
            placed = (
                _take_over(
                    connection,
                    file,
                    locked.plan,
                    arm_column,
                    seen=len(before),
                    kept_out=kept_out,
                    folder=folder,
                )
                if arm_column is not None
                else place(
                    connection,
                    file,
                    locked.plan,
                    kept_out=kept_out,
                    earlier=[_data(workspace, a) for a in before],
                    waves_before=max((int(w) for a in before for w in a.counts), default=0),
                    folder=folder,
                    progress=progress,
                )
            )
            now, known, alone = workspace.clock(), placed.known, placed.alone
            value = events.Assignment(
                id=new_id("list", now=now),
                first_wave=placed.first_wave,
                source_name=file.path.name,
                source_sha256=file.sha256,
                data_sha256=placed.data_sha256,
                rows=placed.rows,
                counts=placed.counts,
                columns=file.columns,
                at=to_text(now),
            )
            if not dry_run:
                _register(
                    workspace, name, locked.version, value, seen=len(before), kept_out=digests
                )
        if not dry_run:
            progress("writing one file per wave and arm")
        files = (
            []
            if dry_run
            else write_lists(
                connection,
                _data(workspace, value),
                columns=value.columns,
                counts=value.counts,
                arms=locked.plan.arms,
                first_wave=value.first_wave,
                folder=lists_folder(workspace, name),
                waiting=not decided,
                kept_out=arm_column is not None,
            )
        )
    return Assigned(
        assignment=value,
        files=tuple(files),
        new=new,
        known=known,
        alone=alone,
        given=arm_column is not None,
    )


def _take_over(
    connection: duckdb.DuckDBPyConnection,
    file: CsvFile,
    plan: Plan,
    arm_column: str,
    *,
    seen: int,
    kept_out: KeptOut,
    folder: Path,
) -> Placed:
    """The split that stands in the list; it cannot be mixed with another list."""
    if seen:
        raise StateError(
            f"{plan.experiment} has its list already: a second one with its own arms cannot be"
            " mixed with it",
            current="assigned",
            hint="bring the whole split as one list, with a column `wave`",
        )
    return place_given(
        connection,
        file,
        plan,
        arm_column=arm_column,
        first_wave=1,
        folder=folder,
        kept_out=kept_out,
    )


def _kept_out(workspace: Workspace, plan: Plan) -> tuple[KeptOut, dict[str, str]]:
    """Who must not be in it, and the digests of what said so."""
    home = workspace.root / "experiments" / plan.experiment
    suppressed = []
    for name in plan.suppress:
        path = next((p for p in (home / name, workspace.root / name) if p.is_file()), None)
        if path is None:
            raise InputError(
                f"{name} is not there",
                field="list.suppress",
                value=name,
                hint=f"put it into {workspace.shown(home)}, or amend the plan",
            )
        suppressed.append(open_csv(path))
    others: list[Path] = []
    for name in plan.exclude:
        with workspace.db.read() as conn:
            other = plans.require(conn, name)
            placed = events.assignments(conn, name, other.version)
        if other.plan.unit_column != plan.unit_column:
            raise InputError(
                f"{name} knows people by {other.plan.unit_column!r}, this test by"
                f" {plan.unit_column!r}",
                field="list.exclude",
                value=name,
                hint="use one id in both, or suppress them with a file of this test's ids",
            )
        if not placed:
            raise StateError(
                f"{name} has no list yet: nobody could be kept out",
                current="locked",
                hint=f"assign {name} first, or amend list.exclude",
            )
        others += [_data(workspace, assignment) for assignment in placed]
    salt = ""
    if plan.holdout > 0:
        key = workspace.secret("hmac")
        salt = hmac.new(key, b"whistlestop hold-out", hashlib.sha256).hexdigest()
    digests = {file.path.name: file.sha256 for file in suppressed}
    digests |= {path.stem: path.stem for path in others}
    return KeptOut(holdout_salt=salt, suppressed=tuple(suppressed), others=tuple(others)), digests


def _register(
    workspace: Workspace,
    name: str,
    version: int,
    value: events.Assignment,
    *,
    seen: int,
    kept_out: dict[str, str],
) -> None:
    with workspace.db.write() as conn:
        locked = plans.require(conn, name)
        if locked.version != version or len(events.assignments(conn, name, version)) != seen:
            raise StateError(
                f"{name} was locked or assigned by another process meanwhile",
                current="changed",
                hint="run assign again; nothing was stored",
            )
        events.add_assignment(conn, name, version, value)
        ledger.append(
            conn,
            kind="list.assigned",
            subject=f"experiment/{name}",
            actor=workspace.actor,
            payload={
                "assignment": value.id,
                "version": version,
                "source_sha256": value.source_sha256,
                "data_sha256": value.data_sha256,
                "rows": value.rows,
                "counts": value.counts,
                "kept_out_by": sorted(kept_out.values()),
                "row_digest": audit.ASSIGNMENT.row_digest(conn, value.id),
            },
            now=workspace.clock(),
        )


def remainder(workspace: Workspace, name: str) -> Remainder:
    """Write the list for the rest, with the arm that was decided.

    Raises:
        StateError: Nothing is decided, or no list was assigned.
    """
    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
        decided = looks.decisions(conn, name, locked.version)
        assigned = events.assignments(conn, name, locked.version)
        sends = events.sends(conn, name, locked.version)
        batches = events.batches(conn, name, locked.version, retracted=True)
    if not decided:
        raise StateError(
            f"{name} is not decided yet",
            current="running",
            hint=f"whistlestop experiment decide {name}",
        )
    if not assigned:
        raise StateError(
            f"no list was assigned to {name} here: only counts came in",
            current="counts only",
            hint="send the chosen arm with the tool that holds the list",
        )
    with session() as connection:
        files = write_remainder(
            connection,
            [(_data(workspace, a), a.columns) for a in assigned],
            chosen=decided[0].chosen,
            salt=locked.plan.salt,
            sent=list(sends),
            folder=lists_folder(workspace, name),
        )
    # Who waited is in these lists now: the old file would be sent twice.
    for stale in lists_folder(workspace, name).glob("remainder-not-sent-yet*.csv"):
        stale.unlink()
    return Remainder(
        files=tuple(files),
        chosen=decided[0].chosen,
        proven=decided[0].proven,
        doubts=doubts_about(decided[0], batches),
    )
