"""crosswalk: files that name people by several ids; results find their people through them.

A list knows people by telephone number, the tool's export by e-mail. A file that has both leads one
to the other. Ids are kept as HMACs; the person behind them is nobody's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.adapters.linking import hashed_rows
from testkit.adapters.model import ID_KINDS
from testkit.adapters.prepared import id_columns
from testkit.engines.sources import open_csv, session
from testkit.errors import InputError, NotFoundError, StateError
from testkit.kernel import ledger
from testkit.kernel.clock import to_text
from testkit.kernel.ids import new_id
from testkit.store import identity
from testkit.store.identity_audit import FILE, conflicts_digest, ids_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from testkit.engines.sources import CsvFile
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["Crossed", "add", "conflicts", "forget", "ids_of_kinds", "known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """What ``add`` did.

    Attributes:
        file: As registered; None for a dry run.
        columns: ``kind of id -> column`` that was read.
        rows: Rows of the file.
        usable: ``kind of id -> rows with a usable one``.
        linked: Rows with at least two usable ids: only these lead from one to another.
        ids: Ids that are new.
        people: People who are new.
        conflicts: Rows whose ids belong to several people already; none was changed.
    """

    file: identity.IdentityFile | None
    columns: dict[str, str]
    rows: int
    usable: dict[str, int]
    linked: int
    ids: int
    people: int
    conflicts: tuple[identity.Conflict, ...]


class _DryRun(Exception):  # noqa: N818 - it ends a transaction, and is no error
    """Takes a transaction back."""


def add(
    workspace: Workspace,
    source: Path,
    *,
    ids: Mapping[str, str] | None = None,
    encoding: str | None = None,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Crossed:
    """Link the ids that stand in one row of a file.

    Args:
        workspace: The workspace.
        source: CSV file with at least two kinds of ids.
        ids: ``kind of id -> column``, where its name does not say it; ``unit`` is the id of the
            lists.
        encoding: Encoding of the file; None takes UTF-8 or a byte-order mark's.
        dry_run: Read, check and report; store nothing.
        progress: Told what is being done.

    Raises:
        InputError: The file has fewer than two kinds of ids.
        StateError: The same file counts already.
    """
    progress("reading the file")
    file = open_csv(source, encoding=encoding)
    columns = _columns(file, ids or {})
    key = workspace.secret("hmac")
    with session() as connection:
        rows = hashed_rows(connection, file, columns, key)
    now = workspace.clock()
    file_id = new_id("ids", now=now)
    usable = {kind: sum(kind in row for row in rows) for kind in columns}
    progress("linking ids")
    made: identity.IdentityFile | None = None
    try:
        with workspace.db.write() as conn:
            _refuse_twin(conn, source, file.sha256)
            done = identity.link(conn, rows, source=file_id, now=now, file_id=file_id)
            if dry_run:
                raise _DryRun  # noqa: TRY301 - it takes the transaction back
            made = identity.IdentityFile(
                id=file_id,
                source_name=source.name,
                source_sha256=file.sha256,
                rows=len(rows),
                ids=done.ids,
                people=done.added,
                at=to_text(now),
            )
            identity.add_file(conn, made, by=workspace.actor.name)
            ledger.append(
                conn,
                kind="crosswalk.added",
                subject=f"crosswalk/{file_id}",
                actor=workspace.actor,
                payload={
                    "file": file_id,
                    "source_sha256": file.sha256,
                    "rows": len(rows),
                    "ids": done.ids,
                    "people": done.added,
                    "row_digest": FILE.row_digest(conn, file_id),
                    "ids_digest": ids_digest(conn, file_id),
                    "conflicts_digest": conflicts_digest(conn),
                },
                now=now,
            )
    except _DryRun:
        pass
    return Crossed(
        file=made,
        columns=columns,
        rows=len(rows),
        usable=usable,
        linked=sum(len(row) > 1 for row in rows),
        ids=done.ids,
        people=done.added,
        conflicts=done.conflicts,
    )


def _refuse_twin(conn: Connection, source: Path, sha256: str) -> None:
    twin = next((f for f in identity.files(conn) if f.source_sha256 == sha256), None)
    if twin is not None:
        raise StateError(
            f"{source.name} is in already, as {twin.id} of {twin.at[:10]}",
            current="taken in",
            hint=f"to take it back: whistlestop crosswalk forget {twin.id}",
        )


def _columns(file: CsvFile, given: Mapping[str, str]) -> dict[str, str]:
    strange = next((kind for kind in given if kind not in ID_KINDS), "")
    if strange:
        raise InputError(
            f"{strange!r} is no kind of id", field="id", value=strange, hint=", ".join(ID_KINDS)
        )
    columns = {
        **id_columns(file.columns),
        **{kind: file.column(name) for kind, name in given.items()},
    }
    if len(columns) < 2:
        told = ", ".join(f"{kind} in {name}" for kind, name in columns.items()) or "none"
        raise InputError(
            f"{file.path.name} has {len(columns)} kind of id ({told}): it leads nowhere",
            field="id",
            hint=f"name the other: --id KIND=COLUMN; it has: {', '.join(file.columns[:20])}",
        )
    return columns


def forget(workspace: Workspace, file_id: str) -> int:
    """Take a file's ids back; returns how many went. Ids that were known before it stay.

    Raises:
        NotFoundError: No such file counts.
    """
    now = workspace.clock()
    with workspace.db.write() as conn:
        there = [f.id for f in identity.files(conn)]
        if file_id not in there:
            raise NotFoundError("file of ids", file_id, did_you_mean=there[:3])
        gone = identity.forget_file(conn, file_id, now=now)
        ledger.append(
            conn,
            kind="crosswalk.forgotten",
            subject=f"crosswalk/{file_id}",
            actor=workspace.actor,
            payload={
                "file": file_id,
                "ids": gone,
                "conflicts_digest": conflicts_digest(conn),
            },
            now=now,
        )
    return gone


def known(workspace: Workspace) -> list[identity.IdentityFile]:
    """Files that count, oldest first."""
    with workspace.db.read() as conn:
        return identity.files(conn)


def conflicts(workspace: Workspace) -> list[tuple[identity.Conflict, str]]:
    """Rows that would have made two people one, with the name of the file they stood in."""
    with workspace.db.read() as conn:
        names = {f.id: f.source_name for f in identity.files(conn)}
        return [(one, names.get(one.source, one.source)) for one in identity.conflicts(conn)]


def ids_of_kinds(workspace: Workspace, kinds: set[str]) -> list[tuple[str, str, str]]:
    """``(kind, HMAC, person)`` of all ids of these kinds; empty where no file was taken in."""
    with workspace.db.read() as conn:
        return identity.ids_of(conn, kinds=kinds) if identity.files(conn) else []
