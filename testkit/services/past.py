"""past: last year's tests in one go, read as fixed and never as if they had been planned."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.errors import DataError, InputError, NotFoundError, StateError
from testkit.kernel import ledger
from testkit.kernel.digest import digest_file
from testkit.kernel.ids import new_id
from testkit.kernel.numbers import counted
from testkit.model.experience import experience
from testkit.model.past import PastArm, PastTest, read_past
from testkit.services.past_exports import Exported, read_export
from testkit.store import events, looks, plans
from testkit.store import past as store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.model.experience import Experience
    from testkit.model.past import PastSummary

__all__ = ["Past", "forget", "known", "learnt", "learnt_from", "read_file", "read_only", "take_in"]

COLUMNS: Final = {
    "test": ("test", "test_id", "experiment", "campaign", "campaign_id", "name", "title"),
    "arm": ("arm", "variant", "version", "combination", "headline", "subject", "subject line"),
    "units": ("units", "sent", "recipients", "delivered", "impressions", "visitors", "n"),
    "outcomes": ("outcomes", "conversions", "actions", "gifts", "signups", "clicks", "did"),
}
"""Columns that are needed, with the names that exports use for them."""
MORE: Final = {
    "at": ("date", "at", "sent_at", "created_at", "send_date"),
    "channel": ("channel", "medium"),
    "metric": ("metric", "goal"),
}
SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Old tests and what they say.

    Attributes:
        file_id: Id of the file that was taken in; empty where nothing was kept.
        tests: How many tests the call read.
        summaries: What all tests that count say, by metric.
        read_as: What a tool's export was recognised as; empty for a plain CSV.
        notes: What was left out of it, and what counts.
    """

    file_id: str
    tests: int
    summaries: tuple[PastSummary, ...]
    read_as: str = ""
    notes: tuple[str, ...] = ()


def read_file(path: Path, *, columns: Mapping[str, str] | None = None) -> list[PastTest]:
    """Read old tests from a CSV file: one row for each arm of each test.

    The columns are found by their usual names; an outcome column that is named otherwise gives the
    metric its name.

    Args:
        path: The file.
        columns: ``test, arm, units, outcomes, at, channel, metric`` to the column's name, where it
            has an unusual one.

    Raises:
        InputError: A needed column is missing; the message lists what the file has.
        DataError: Rows that cannot be read, with their numbers.
    """
    from testkit.engines.sources import open_csv

    file = open_csv(path)
    found = _columns(file.columns, columns or {}, name=path.name)
    rows: dict[str, list[PastArm]] = {}
    about: dict[str, dict[str, str]] = {}
    wrong: list[str] = []
    text = path.read_bytes().decode(file.encoding)
    for number, row in enumerate(
        csv.DictReader(io.StringIO(text, newline=""), delimiter=file.delimiter), start=1
    ):
        cells = {key: (row.get(name) or "").strip() for key, name in found.items()}
        if not any(cells.values()):
            continue
        units, outcomes = _whole(cells["units"]), _whole(cells["outcomes"])
        if not cells["test"]:
            wrong.append(f"row {number}: no test")
        elif units is None or units < 1:
            wrong.append(f"row {number}: {found['units']} is {cells['units']!r}")
        elif outcomes is None or outcomes > units:
            wrong.append(f"row {number}: {found['outcomes']} is {cells['outcomes']!r} of {units:,}")
        else:
            arms = rows.setdefault(cells["test"], [])
            name = cells.get("arm") or f"arm {len(arms) + 1}"
            if any(arm.name == name[:200] for arm in arms):
                wrong.append(f"row {number}: {cells['test']} has arm {name!r} twice")
                continue
            arms.append(PastArm(name=name[:200], units=units, outcomes=outcomes))
            about.setdefault(cells["test"], cells)
    for test, arms in rows.items():
        if len(arms) < 2:
            wrong.append(f"{test}: one arm alone")
    if wrong or not rows:
        raise DataError(
            f"{path.name}: {_trouble(wrong)}",
            rows=wrong[:SHOWN],
            count=len(wrong),
            field=path.name,
            hint="nothing was taken in; mend the rows, or leave them out (row 1 is the first one)",
        )
    metric = found["outcomes"]
    return [
        PastTest(
            name=test[:200],
            arms=tuple(arms),
            metric=about[test].get("metric") or metric,
            at=about[test].get("at", "")[:10],
            channel=about[test].get("channel", ""),
        )
        for test, arms in rows.items()
    ]


def _trouble(wrong: Sequence[str]) -> str:
    return f"{counted(len(wrong), 'row')} cannot be used" if wrong else "it is empty"


def _columns(names: Sequence[str], given: Mapping[str, str], *, name: str) -> dict[str, str]:
    by_fold = {n.strip().lower(): n for n in names}
    found: dict[str, str] = {}
    for key, usual in {**COLUMNS, **MORE}.items():
        wanted = (given[key],) if key in given else usual
        match = next((by_fold[w.lower()] for w in wanted if w.lower() in by_fold), None)
        if match is not None:
            found[key] = match
        elif key in COLUMNS or key in given:
            raise InputError(
                f"{name} has no column for {key!r}; it has: {', '.join(names)}",
                field=key,
                value=given.get(key),
                hint=f"name it: --column {key}=NAME (usual names: {', '.join(usual[:4])})",
            )
    return found


def _whole(text: str) -> int | None:
    from testkit.adapters.cells import count

    return count(text)


def read_only(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    together: Sequence[str] = (),
    apart: Sequence[str] = (),
) -> Past:
    """What a file of old tests says by itself; nothing is kept. See :func:`take_in`."""
    found = _read(path, columns or {}, together, apart)
    return Past(
        file_id="",
        tests=len(found.tests),
        summaries=read_past(found.tests),
        read_as=found.read_as,
        notes=found.notes,
    )


def _read(
    path: Path, columns: Mapping[str, str], together: Sequence[str], apart: Sequence[str]
) -> Exported:
    """The export of a tool that is known, or else a plain CSV."""
    export = read_export(path, columns=columns, together=together, apart=apart)
    if export is not None:
        return export
    return Exported(tests=tuple(read_file(path, columns=columns)), read_as="", notes=())


def take_in(
    workspace: Workspace,
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    together: Sequence[str] = (),
    apart: Sequence[str] = (),
) -> Past:
    """Take a file of old tests in, and read all that count.

    Args:
        workspace: The workspace.
        path: The export of a tool that is known, or a CSV with one row for each arm of each test.
        columns: See :func:`read_file`; for an export, ``outcomes`` names the count to compare.
        together: Starts of names: messages that start so are versions of one test.
        apart: Starts of names that make no test.

    Raises:
        StateError: The same file counts already.
    """
    found = _read(path, columns or {}, together, apart)
    tests = found.tests
    sha, now = digest_file(path), workspace.clock()
    file_id = new_id("past", now=now)
    with workspace.db.write() as conn:
        same = next((f for f in store.files(conn) if f.source_sha256 == sha), None)
        if same is not None:
            raise StateError(
                f"{path.name} was taken in before, as {same.source_name} on {same.at[:10]}",
                current="taken in",
                hint=f"to take it back: whistlestop experiment past --forget {same.id}",
            )
        row_digest = store.add(
            conn,
            file_id=file_id,
            source_name=path.name,
            source_sha256=sha,
            tests=tests,
            by=workspace.actor.name,
            now=now,
        )
        ledger.append(
            conn,
            kind="past.taken_in",
            subject=f"past/{file_id}",
            actor=workspace.actor,
            payload={
                "file": file_id,
                "source_sha256": sha,
                "tests": len(tests),
                "tests_digest": store.tests_digest(tests),
                "row_digest": row_digest,
            },
            now=now,
        )
        everything = store.past_tests(conn)
    return Past(
        file_id=file_id,
        tests=len(tests),
        summaries=read_past(everything),
        read_as=found.read_as,
        notes=found.notes,
    )


def forget(workspace: Workspace, file_id: str) -> int:
    """Take a file of old tests back; returns how many tests no longer count.

    Raises:
        NotFoundError: No such file counts.
    """
    now = workspace.clock()
    with workspace.db.write() as conn:
        taken = next((f for f in store.files(conn) if f.id == file_id), None)
        if taken is None:
            raise NotFoundError(
                "file of old tests", file_id, did_you_mean=[f.id for f in store.files(conn)][:3]
            )
        store.forget(conn, file_id, now=now)
        ledger.append(
            conn,
            kind="past.forgotten",
            subject=f"past/{file_id}",
            actor=workspace.actor,
            payload={"file": file_id},
            now=now,
        )
    return len(taken.tests)


def known(workspace: Workspace) -> tuple[PastSummary, ...]:
    """What all old tests that count say, by metric."""
    with workspace.db.read() as conn:
        tests = store.past_tests(conn)
    return read_past(tests)


def learnt(workspace: Workspace, *, metric: str | None = None) -> Experience | None:
    """What past tests teach about the next one; None where there is none.

    Args:
        workspace: The workspace.
        metric: The metric of the next test; None takes the only one that old tests are of.
    """
    with workspace.db.read() as conn:
        return learnt_from(conn, metric=metric)


def learnt_from(
    conn: Connection, *, metric: str | None = None, without: str = ""
) -> Experience | None:
    """What every past test of the workspace teaches: old files, and what was decided here.

    Args:
        conn: A connection.
        metric: See :func:`learnt`.
        without: An experiment that is no past one, because it is the one in hand.
    """
    tests = [(test, file.source_name) for file in store.files(conn) for test in file.tests]
    own = [
        test
        for name in plans.listed(conn)
        if name != without and (test := _decided(conn, name)) is not None
    ]
    named = [(test, test.name) for test in own]
    return experience([*tests, *named], metric=metric, checked=frozenset(own))


def _decided(conn: Connection, name: str) -> PastTest | None:
    """A test that was decided here as a past one; None where its counts are no such thing.

    Left out are amounts, groups (their counts say more than they know), the speed clock (counts of
    a send that still works), splits that a platform made, and verdicts on data that were blocked,
    or taken back since.
    """
    locked = plans.require(conn, name)
    plan = locked.plan
    made = looks.decisions(conn, name, locked.version)
    if not made or made[0].despite or plan.metric.kind != "proportion":
        return None
    if plan.unit_group is not None or plan.clock == "speed" or plan.observational:
        return None
    verdict = made[0]
    look = next(
        (k for k in looks.looks(conn, name, locked.version) if k.id == verdict.look_id), None
    )
    gone = events.batches(conn, name, locked.version, retracted=True)
    if look is None or look.blocked or any((b.retracted_at or "") > verdict.at for b in gone):
        return None
    compared = [c for c in look.comparisons if c.metric == plan.metric.name]
    if not compared:
        return None
    arms = [
        PastArm(name=plan.control.name, units=compared[0].units[0], outcomes=compared[0].events[0]),
        *(PastArm(name=c.arm, units=c.units[1], outcomes=c.events[1]) for c in compared),
    ]
    return PastTest(
        name=name,
        arms=tuple(arms),
        metric=plan.metric.name,
        at=verdict.at[:10],
        channel=plan.channel,
    )
