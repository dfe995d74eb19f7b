"""Looks that are owed: after an override, the fast lane, or an author's own yes (A10).

A request may be long released and still owe its look, so this reads further than the inbox does.
Every report that an executive reads shows these until somebody has looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from testkit.kernel.clock import shown
from testkit.kernel.findings import Finding
from testkit.signoff import service
from testkit.signoff.office import office_of

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.model import RosterView
    from testkit.signoff.service import Request
    from testkit.signoff.state import ReviewDebt

__all__ = ["NAMES", "Look", "as_data", "findings", "looks_owed", "may_look", "sentence"]

NAMES: Final = {"override": "override", "lane": "fast lane", "own": "author's own yes"}
"""What is looked at, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look that nobody has taken yet.

    Attributes:
        request: What it is about, as it stands.
        debt: What is owed, by when.
        overdue: Whether that moment has passed.
        people: Who could settle it now, by id.
    """

    request: Request
    debt: ReviewDebt
    overdue: bool
    people: tuple[str, ...]


def may_look(debt: ReviewDebt, person: str, roster: RosterView, now: datetime) -> bool:
    """Whether a person could settle a look at ``now``.

    Those whose own doing it is may not, unless the rule lets them after a pause.
    """
    if person in debt.hands:
        pause = debt.rule.self_after
        return pause is not None and now >= debt.since + pause and roster.here(person, now)
    return roster.holds_any(person, debt.rule.roles, now)


def looks_owed(conn: Connection, workspace: Workspace) -> list[Look]:
    """Every look that is owed now, the one that is due first at the front."""
    now, roster = workspace.clock(), office_of(conn, workspace).roster
    requests = [service.load(conn, request) for request in _candidates(conn)]
    found = [
        Look(
            request=request,
            debt=debt,
            overdue=debt.status(now) == "overdue",
            people=tuple(m.id for m in roster.members if may_look(debt, m.id, roster, now)),
        )
        for request in requests
        for debt in request.state.debts
        if debt.done_at is None
    ]
    return sorted(found, key=lambda look: look.debt.due_at)


def _candidates(conn: Connection) -> list[str]:
    """Requests that may owe a look: overridden, in the lane, or out under a chain that asks one."""
    rows = conn.execute(
        "SELECT r.id, r.chain, r.chain_version, max(e.kind <> 'released') AS sure"
        " FROM request r JOIN request_event e ON e.request = r.id"
        " WHERE e.kind IN ('overridden', 'lane_entered', 'released') GROUP BY r.id ORDER BY r.rowid"
    ).fetchall()
    asks: dict[tuple[str, int], bool] = {}
    for row in rows:
        key = (row["chain"], row["chain_version"])
        if key not in asks:
            chain, _ = service.chain_of(conn, row["chain"], version=row["chain_version"])
            asks[key] = chain.post_review is not None
    return [row["id"] for row in rows if row["sure"] or asks[row["chain"], row["chain_version"]]]


def sentence(look: Look, workspace: Workspace) -> str:
    """A look in words: of what, by when, and who could settle it."""
    due = shown(look.debt.due_at, zone_name=workspace.config.organisation.zone)
    when = f"has been OVERDUE since {due}" if look.overdue else f"is due by {due}"
    known = (workspace.roster.get(person) for person in look.people)
    names = " or ".join(person.name for person in known if person) or "nobody who is here can yet"
    return f"a look at the {NAMES[look.debt.of]} {when}: {names}"


def as_data(look: Look) -> dict[str, Any]:
    """A look as plain values."""
    return {
        "request": look.request.row.id,
        "subject": look.request.row.subject,
        "title": look.request.row.title,
        "of": look.debt.of,
        "since": look.debt.since.isoformat(),
        "due_at": look.debt.due_at.isoformat(),
        "overdue": look.overdue,
        "people": list(look.people),
    }


def findings(workspace: Workspace) -> list[Finding]:
    """Looks, for ``doctor``: DR024, a warning while one is owed and an error once it is overdue."""
    with workspace.db.read() as conn:
        looks = looks_owed(conn, workspace)
    return [
        Finding(
            code="DR024",
            severity="error" if look.overdue else "warning",
            message=f"{look.request.row.title}: {sentence(look, workspace)}",
            hint=f"whistlestop signoff review {look.request.row.id}",
        )
        for look in looks
    ]
