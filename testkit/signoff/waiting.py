"""What waits, for whom, and what the clock does about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.errors import KitError
from testkit.signoff import rules, service, store
from testkit.signoff.admission import decide
from testkit.signoff.model import Decision
from testkit.signoff.office import office_of
from testkit.signoff.sla import actions_due
from testkit.signoff.table import State

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.workspace import Workspace
    from testkit.signoff.office import Office
    from testkit.signoff.state import RequestState

__all__ = ["advance_clocks", "inbox", "waits_for"]


def inbox(workspace: Workspace, person: str | None = None) -> list[service.Request]:
    """Open requests, oldest first; only those that wait for a person when one is named.

    Raises:
        NotFoundError: Nobody has that id.
    """
    if person is not None:
        workspace.roster.person(person)
    now = workspace.clock()
    with workspace.db.read() as conn:
        office = office_of(conn, workspace)
        found = [service.load(conn, row.id) for row in store.open_requests(conn)]
    return [r for r in found if person is None or waits_for(r.state, person, office, now)]


def waits_for(state: RequestState, person: str, office: Office, now: datetime) -> bool:
    """Whether this person's yes would be taken now."""
    if state.state is not State.IN_REVIEW:
        return False
    try:
        decide(
            state,
            person,
            Decision.APPROVE,
            office.roster,
            now,
            auth="session",
            calendar=office.calendar,
            charter=office.charter,
        )
    except KitError:
        return False
    return not any(s.actor == person and s.stage == state.waiting for s in state.standing("counts"))


def advance_clocks(workspace: Workspace) -> list[tuple[str, str, str]]:
    """Record what the clock asks for: reminders, escalation, expiry; once each.

    Returns:
        ``(request, kind, stage)`` of every event that was added.
    """
    done: list[tuple[str, str, str]] = []
    rules.record_expiry(workspace)
    with workspace.db.read() as conn:
        open_ids = [row.id for row in store.open_requests(conn)]
    for request_id in open_ids:
        with workspace.db.write() as conn:
            now, office = workspace.clock(), office_of(conn, workspace)
            current = service.load(conn, request_id).state
            for action in actions_due(current, now, office.calendar):
                event = action.event(current, now, via="system")
                current = service.load(conn, request_id).state
                if service.refusal_of(office, current, event) is None:
                    service.append(conn, workspace, request_id, current, event)
                    done.append((request_id, action.kind, action.stage))
    return done
