"""spend: what ads cost, by arm, and how many outcomes a thousand of it came with."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from testkit.adapters.model import Spend
from testkit.errors import DataError, InputError, NotFoundError, StateError
from testkit.kernel import ledger
from testkit.kernel.digest import digest_bytes
from testkit.kernel.ids import new_id
from testkit.model.costing import cost_of_arms
from testkit.store import looks, plans
from testkit.store import spend as store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.adapters.model import Reading
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.model.costing import Cost

__all__ = ["costs", "paid", "refuse_twin", "retract", "take_in"]


def refuse_twin(workspace: Workspace, name: str, version: int, *, sha256: str, file: str) -> None:
    """Refuse a file of spend that is in already.

    Raises:
        StateError: It is.
    """
    with workspace.db.read() as conn:
        there = store.files(conn, name, version)
    twin = next((f for f in there if f.source_sha256 == sha256), None)
    if twin is not None:
        raise StateError(
            f"{file} is in already, as {twin.id} of {twin.at[:16].replace('T', ' ')} UTC",
            current="taken in",
            hint="nothing was changed; to take it back: experiment retract"
            f" {name} {twin.id} --reason WHY",
        )


def take_in(workspace: Workspace, name: str, reading: Reading, *, dry_run: bool) -> str:
    """Store what a file says of spend; returns its id, empty for a dry run.

    Of the same ad and days, the newest file counts.

    Args:
        workspace: The workspace.
        name: The locked experiment.
        reading: Of an ads platform's report.
        dry_run: Check, and store nothing.

    Raises:
        DataError: Days of an ad overlap in part with days that are in: they would count twice.
        StateError: The same file is in already.
    """
    now = workspace.clock()
    file_id = new_id("spend", now=now)
    with workspace.db.read() as conn:
        version = plans.require(conn, name).version
        _refuse_overlaps(reading, store.files(conn, name, version))
    if dry_run:
        return ""
    with workspace.db.write() as conn:
        locked = plans.require(conn, name)
        before = store.files(conn, name, locked.version)
        if any(f.source_sha256 == reading.sha256 for f in before):
            raise StateError(f"{reading.file} is in already", current="taken in")
        _refuse_overlaps(reading, before)
        row_digest = store.add(
            conn,
            name,
            locked.version,
            file_id=file_id,
            source_name=reading.file,
            source_sha256=reading.sha256,
            spend=[asdict(one) for one in reading.spend],
            by=workspace.actor.name,
            now=now,
        )
        ledger.append(
            conn,
            kind="spend.taken_in",
            subject=f"experiment/{name}",
            actor=workspace.actor,
            payload={
                "file": file_id,
                "version": locked.version,
                "source_sha256": reading.sha256,
                "rows": len(reading.spend),
                "row_digest": row_digest,
            },
            now=now,
        )
    return file_id


def _rows(file: store.SpendFile) -> list[Spend]:
    return [Spend(**one) for one in file.spend]


def _ad(one: Spend) -> tuple[str, str, str, str]:
    return (one.source, one.campaign, one.group, one.ad)


def _refuse_overlaps(reading: Reading, before: Sequence[store.SpendFile]) -> None:
    twice = Counter((*_ad(one), one.first_day, one.last_day) for one in reading.spend)
    rows = [f"{ad or group or campaign}: twice in the file"
            for (_, campaign, group, ad, _, _), n in twice.items() if n > 1]  # fmt: skip
    earlier: dict[tuple[str, str, str, str], list[tuple[Spend, str]]] = {}
    for file in before:
        for one in _rows(file):
            earlier.setdefault(_ad(one), []).append((one, file.source_name))
    for one in reading.spend:
        for old, name in earlier.get(_ad(one), ()):
            same = (old.first_day, old.last_day) == (one.first_day, one.last_day)
            if not same and old.first_day <= one.last_day and one.first_day <= old.last_day:
                rows.append(
                    f"{one.ad or one.group or one.campaign}: {one.first_day} to {one.last_day},"
                    f" and {old.first_day} to {old.last_day} in {name}"
                )
    if rows:
        raise DataError(
            f"{reading.file}: the cost of some days would count twice",
            rows=rows,
            field=reading.file,
            hint="export days that are not in yet, or retract the earlier file",
        )


def retract(
    workspace: Workspace, name: str, file_id: str, *, reason: str, dry_run: bool = False
) -> store.SpendFile:
    """Take a file of spend back; a dry run checks everything and changes nothing.

    Raises:
        InputError: No reason is given.
        NotFoundError: No such file counts.
    """
    if not reason.strip():
        raise InputError("taking data back needs a reason", field="reason", hint="--reason TEXT")
    now = workspace.clock()
    with workspace.db.read() if dry_run else workspace.db.write() as conn:
        locked = plans.require(conn, name)
        there = store.files(conn, name, locked.version)
        file = next((f for f in there if f.id == file_id), None)
        if file is None:
            raise NotFoundError("file of spend", file_id, did_you_mean=[f.id for f in there][:3])
        if dry_run:
            return file
        store.retract(conn, file_id, now=now)
        ledger.append(
            conn,
            kind="spend.retracted",
            subject=f"experiment/{name}",
            actor=workspace.actor,
            payload={"file": file_id, "reason_digest": digest_bytes(reason.encode())},
            now=now,
        )
    return file


def costs(workspace: Workspace, name: str, *, more: Sequence[Spend] = ()) -> tuple[Cost, ...]:
    """What every arm cost so far, and what came of it by the last recorded look.

    Args:
        workspace: The workspace.
        name: The locked experiment.
        more: Spend that is not stored, of a dry run.

    Raises:
        InputError: Files are in several currencies.
    """
    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
        taken = looks.looks(conn, name, locked.version)
        cents, currency = paid(conn, name, locked.version, more=more)
    if not cents:
        return ()
    return cost_of_arms(locked.plan, taken[-1] if taken else None, spent=cents, currency=currency)


def paid(
    conn: Connection, name: str, version: int, *, more: Sequence[Spend] = ()
) -> tuple[dict[str, int], str]:
    """``arm -> cents`` of the files that count, and their currency; an empty arm for ads of none.

    Raises:
        InputError: Files are in several currencies.
    """
    newest: dict[tuple[str, ...], Spend] = {}
    there = store.files(conn, name, version)
    for one in (*(one for file in there for one in _rows(file)), *more):
        newest[(*_ad(one), one.first_day, one.last_day)] = one
    currencies = sorted({one.currency for one in newest.values() if one.currency})
    if len(currencies) > 1:
        raise InputError(
            f"spend in {' and '.join(currencies)} does not add up",
            field="currency",
            hint=f"retract the files of one: experiment retract {name} ID --reason WHY",
        )
    cents: Counter[str] = Counter()
    for one in newest.values():
        cents[one.arm] += one.amount_cents
    return dict(cents), currencies[0] if currencies else ""
