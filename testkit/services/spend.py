"""spend: what ads cost, by arm, and how many outcomes a thousand of it came with."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from testkit.adapters.model import Spend
from testkit.errors import DataError, InputError, NotFoundError, StateError
from testkit.kernel import ledger
from testkit.kernel.digest import digest_bytes
from testkit.kernel.ids import new_id
from testkit.store import plans
from testkit.store import spend as store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.adapters.model import Reading
    from testkit.kernel.workspace import Workspace
    from testkit.model.plan import Plan

__all__ = ["Cost", "costs", "refuse_twin", "retract", "take_in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an arm cost, and what came of it.

    Attributes:
        arm: The arm; empty for ads of none.
        cents: What it cost.
        currency: ISO code; empty where no file says.
        outcomes: People with the first metric's outcome; None where none can be counted.
        units: People of the arm; None likewise.
        per_thousand: Outcomes for each 1,000 of the currency; None where there is no cost or no
            outcome to count. A description: who sees an ad is the platform's choice.
    """

    arm: str
    cents: int
    currency: str
    outcomes: int | None
    units: int | None

    @property
    def per_thousand(self) -> float | None:
        """Outcomes for each 1,000 of the currency."""
        if not self.cents or self.outcomes is None:
            return None
        return self.outcomes / (self.cents / 100_000)


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
            hint=f"nothing was changed; to take it back: experiment retract {name} {twin.id}",
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


def retract(workspace: Workspace, name: str, file_id: str, *, reason: str) -> store.SpendFile:
    """Take a file of spend back.

    Raises:
        InputError: No reason is given.
        NotFoundError: No such file counts.
    """
    if not reason.strip():
        raise InputError("taking data back needs a reason", field="reason", hint="--reason TEXT")
    now = workspace.clock()
    with workspace.db.write() as conn:
        locked = plans.require(conn, name)
        there = store.files(conn, name, locked.version)
        file = next((f for f in there if f.id == file_id), None)
        if file is None:
            raise NotFoundError("file of spend", file_id, did_you_mean=[f.id for f in there][:3])
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
    """What every arm cost so far, and what came of it.

    Args:
        workspace: The workspace.
        name: The locked experiment.
        more: Spend that is not stored, of a dry run.

    Raises:
        InputError: Files are in several currencies.
    """
    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
        there = store.files(conn, name, locked.version)
    newest: dict[tuple[str, ...], Spend] = {}
    for one in (*(one for file in there for one in _rows(file)), *more):
        newest[(*_ad(one), one.first_day, one.last_day)] = one
    currencies = sorted({one.currency for one in newest.values() if one.currency})
    if len(currencies) > 1:
        raise InputError(
            f"spend in {' and '.join(currencies)} does not add up",
            field="currency",
            hint=f"retract the files of one: experiment retract {name} ID",
        )
    cents: Counter[str] = Counter()
    for one in newest.values():
        cents[one.arm] += one.amount_cents
    outcomes = _outcomes(workspace, name, locked.plan, locked.version)
    arms = [arm.name for arm in locked.plan.arms if arm.name in cents]
    return tuple(
        Cost(
            arm=arm,
            cents=cents[arm],
            currency=currencies[0] if currencies else "",
            outcomes=outcomes.get(arm, (None, None))[0],
            units=outcomes.get(arm, (None, None))[1],
        )
        for arm in [*arms, *([""] if "" in cents else [])]
    )


def _outcomes(
    workspace: Workspace, name: str, plan: Plan, version: int
) -> dict[str, tuple[int, int]]:
    from testkit.services.intake import counts_now

    waves, _ = counts_now(workspace, name, plan, version)
    if not any(sum(w.rows.values()) for w in waves):
        return {}  # nothing came in yet: nought would be made up
    return {
        arm.name: (
            sum(w.outcomes.get(arm.name, 0) for w in waves),
            sum(w.units.get(arm.name, 0) for w in waves),
        )
        for arm in plan.arms
    }
