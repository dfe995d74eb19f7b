"""handing: the list of every arm and wave, in the form that a tool imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.adapters.handback import HandBack, fields_of, hand_back
from testkit.adapters.prepared import placed_people
from testkit.adapters.registry import adapter_named
from testkit.adapters.tables import folded
from testkit.engines.sources import session
from testkit.errors import StateError
from testkit.services.assign import lists_folder
from testkit.store import events, plans

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from testkit.kernel.workspace import Workspace

__all__ = ["hand_over"]


def hand_over(
    workspace: Workspace,
    name: str,
    tool: str,
    *,
    ids: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    bom: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[HandBack, ...]:
    """Write the lists of an assigned experiment as a tool imports them.

    The files are views of the assignment, like its own lists: writing them again changes nothing.
    People who wait for the result are in none.

    Args:
        workspace: The workspace.
        name: The assigned experiment.
        tool: Name of an adapter.
        ids: ``kind of id -> column of the list``, where its name does not say it.
        values: What the tool's form asks for, such as the number of a field.
        bom: Start files with a byte-order mark, for Excel.
        progress: Told what is being done.

    Raises:
        InputError: The tool takes no list, or needs something that the list has not.
        NotFoundError: No adapter has the name.
        StateError: No list is assigned.
    """
    adapter = adapter_named(tool)
    wanted = fields_of(adapter)
    with workspace.db.read() as conn:
        locked = plans.require(conn, name)
        lists = events.assignments(conn, name, locked.version)
    if not lists:
        raise StateError(
            f"no list is assigned to {name}",
            current="not assigned",
            hint=f"whistlestop experiment assign {name} LIST.csv --for {tool}",
        )
    parts = []
    for one in lists:
        path = workspace.data / "assignments" / f"{one.data_sha256}.parquet"
        parts.append(placed_people(path, one.columns, wanted, ids or {}))
    progress(f"writing lists for {tool}")
    arms = locked.plan.arms
    if ids:  # after the check of their names: what comes back is read by the same columns
        named = {kind: _spelled(column, lists) for kind, column in ids.items()}
        with workspace.db.write() as conn:
            events.add_handed_ids(conn, name, locked.version, named, now=workspace.clock())
    with session() as connection:
        return hand_back(
            connection,
            " UNION ALL BY NAME ".join(parts),
            adapter=adapter,
            experiment=name,
            folder=lists_folder(workspace, name),
            links={arm.name: arm.link for arm in arms if arm.link},
            texts={arm.name: arm.text for arm in arms if arm.text},
            refcodes={arm.name: arm.refcode for arm in arms if arm.refcode},
            values=values,
            bom=bom,
        )


def _spelled(column: str, lists: Sequence[events.Assignment]) -> str:
    """The column as the list spells it."""
    return next(c for one in lists for c in one.columns if folded(c) == folded(column))
