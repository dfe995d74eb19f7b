"""Acts beside sign-offs: override, look afterwards, stop, correct, re-open, changed facts.

Each is one event, asked of the same machine and written in one transaction. With ``dry_run`` it is
asked and not written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from testkit.errors import StateError
from testkit.signoff import events as ev
from testkit.signoff import service, store
from testkit.signoff.table import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.service import Request

__all__ = [
    "correct",
    "facts_changed",
    "facts_checked",
    "kill",
    "override",
    "recall",
    "reopen",
    "review",
]


def _common(workspace: Workspace, request: Request) -> dict[str, Any]:
    return {
        "at": workspace.clock(),
        "actor": workspace.actor.name,
        "via": workspace.actor.via,
        "auth": workspace.actor.auth,
        "revision": request.state.revision,
        "digest": request.state.digest,
    }


def _act(
    workspace: Workspace,
    given: str,
    event: Callable[[Request, dict[str, Any]], ev.Event],
    *,
    dry_run: bool,
) -> Request:
    workspace.roster.person(workspace.actor.name)
    with workspace.db.write() as conn:
        current = service.find(conn, given)
        made = event(current, _common(workspace, current))
        if dry_run:
            service.ask(conn, workspace, current.state, made)
            return current
        return service.record(conn, workspace, current.row.id, made)


def override(workspace: Workspace, given: str, *, reason: str, dry_run: bool = False) -> Request:
    """Clear the current words in an emergency; a second person must look afterwards.

    Args:
        workspace: The workspace; its actor overrides.
        given: Request, revision or draft.
        reason: Why it cannot wait.
        dry_run: Ask, and record nothing.

    Raises:
        NotAuthorisedError: The chain or the charter does not give this person the power.
        InputError: Without a reason.
        StateError: There is nothing to override now.
    """
    return _act(
        workspace,
        given,
        lambda _, common: ev.Overridden(**common, reason=reason),
        dry_run=dry_run,
    )


def review(
    workspace: Workspace,
    given: str,
    *,
    outcome: Literal["accepted", "objected"] = "accepted",
    note: str = "",
    dry_run: bool = False,
) -> Request:
    """The look afterwards that an override, a fast lane or an own yes owes.

    Raises:
        NotAuthorisedError: It was this person's own doing, or somebody else's to look at.
        StateError: Nothing is owed.
    """

    def event(request: Request, common: dict[str, Any]) -> ev.Event:
        owed = tuple(d.of for d in request.state.debts if d.done_at is None)
        return ev.Reviewed(**common, of=owed, outcome=outcome, note=note)

    return _act(workspace, given, event, dry_run=dry_run)


def kill(workspace: Workspace, given: str, *, reason: str, dry_run: bool = False) -> Request:
    """Stop it: nothing of it goes out any more.

    Raises:
        NotAuthorisedError: This person may not.
        StateError: It has come to its end.
    """
    return _act(
        workspace, given, lambda _, common: ev.Killed(**common, reason=reason), dry_run=dry_run
    )


def recall(workspace: Workspace, given: str, *, reason: str, dry_run: bool = False) -> Request:
    """Take back in public what went out.

    Raises:
        NotAuthorisedError: This person may not.
        StateError: It never went out.
    """
    return _act(
        workspace, given, lambda _, common: ev.Recalled(**common, reason=reason), dry_run=dry_run
    )


def facts_changed(
    workspace: Workspace, given: str, *, reason: str, dry_run: bool = False
) -> Request:
    """Say that the story changed: what is cleared is held until an approver has looked."""
    return _act(
        workspace,
        given,
        lambda _, common: ev.FactsChanged(**common, reason=reason),
        dry_run=dry_run,
    )


def facts_checked(
    workspace: Workspace, given: str, *, note: str = "", dry_run: bool = False
) -> Request:
    """Say, as an approver, that the words hold with the new facts.

    Raises:
        NotAuthorisedError: This person is no approver of these words, or wrote them.
        StateError: No change waits for a look.
    """
    return _act(
        workspace, given, lambda _, common: ev.FactsChecked(**common, note=note), dry_run=dry_run
    )


def _again(
    conn: Connection,
    workspace: Workspace,
    old: Request,
    *,
    author: str,
    reopens: str = "",
    corrects: str = "",
) -> Request:
    """A new request with the words of an old one, and what the automatic checks said of them."""
    checks: dict[str, bool] = {}
    for event in store.events(conn, old.row.id):
        if isinstance(event, ev.Checked) and event.digest == old.state.digest:
            checks |= dict.fromkeys(event.passed, True) | dict.fromkeys(event.failed, False)
    return service.open_request(
        conn,
        workspace,
        subject=old.row.subject,
        title=old.row.title,
        chain_name=old.row.chain,
        fields=old.revision.fields,
        facts=old.state.facts,
        author=author,
        checks=checks,
        reopens=reopens,
        corrects=corrects,
    )


def reopen(workspace: Workspace, given: str, *, dry_run: bool = False) -> Request:
    """Take an expired or withdrawn request up again, as a new one with the same words.

    Raises:
        StateError: It is neither, or was taken up before.
    """
    workspace.roster.person(workspace.actor.name)
    with workspace.db.write() as conn:
        old = service.settled(conn, workspace, service.find(conn, given).row.id)
        common = _common(workspace, old)
        # Asked first: the new request would be the first to be refused otherwise, by its subject.
        service.ask(conn, workspace, old.state, ev.Reopened(**common, as_request="(new)"))
        if dry_run:
            return old
        new = _again(conn, workspace, old, author=old.state.author, reopens=old.row.id)
        service.record(conn, workspace, old.row.id, ev.Reopened(**common, as_request=new.row.id))
        return service.load(conn, new.row.id)


def correct(workspace: Workspace, given: str, *, dry_run: bool = False) -> Request:
    """Begin the correction of released words: a new request with those words, to be edited.

    When the correction is released, the old request is marked as corrected by it.

    Raises:
        StateError: It was not released, or a correction is under way.
    """
    workspace.roster.person(workspace.actor.name)
    with workspace.db.write() as conn:
        old = service.find(conn, given)
        if old.state.state is not State.RELEASED:
            raise StateError(
                f"not corrected: {old.row.id} is {old.state.state.value.replace('_', ' ')}",
                current=old.state.state.value,
                hint="edit it instead" if old.state.released is None else "write a new one",
            )
        newest = store.of_subject(conn, old.row.subject)
        if newest is not None and newest.id != old.row.id:
            raise StateError(
                f"{old.row.subject} is before the chain again already, as {newest.id}",
                current="in review",
                hint=f"go on there: whistlestop signoff show {newest.id}",
            )
        if dry_run:
            return old
        return _again(conn, workspace, old, author=workspace.actor.name, corrects=old.row.id)
