"""What people say of themselves: I am away, and somebody stands in for me.

The roster file takes two roles to change, and an illness at seven in the morning does not wait for
the second. So everybody may declare their *own* absence and name their *own* stand-in, for a stated
time; each declaration is a row with a record in the ledger, and can be taken back. For somebody
else, the file is the way. See ``docs/decisions/0023-people-speak-for-themselves.md``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.errors import InputError, NotAuthorisedError, NotFoundError, StateError
from testkit.kernel import ledger
from testkit.kernel.audit import WHOLE, Recorded, Table, compare
from testkit.kernel.clock import from_text, shown, to_text
from testkit.kernel.ids import new_id
from testkit.kernel.people import Absence, Delegation
from testkit.signoff.charter import stand_in_problem
from testkit.signoff.office import office_of
from testkit.signoff.standins import MAX_STEPS, delegates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from testkit.kernel.audit import Case, Key
    from testkit.kernel.findings import Finding
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.model import RosterView
    from testkit.signoff.office import Office

__all__ = ["Declared", "audit", "declare_away", "declare_stand_in", "listed", "take_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One declaration.

    Attributes:
        id: Its id.
        kind: ``away`` or ``delegation``.
        person: Of whom.
        delegate: Who stands in; empty for an absence.
        roles: For which roles of theirs; empty for all.
        starts: First moment.
        ends: First moment at which it no longer holds.
        made_at: When it was declared.
        ended_at: When it was taken back; None while it stands.
    """

    id: str
    kind: Literal["away", "delegation"]
    person: str
    delegate: str
    roles: tuple[str, ...]
    starts: datetime
    ends: datetime
    made_at: datetime
    ended_at: datetime | None = None

    def stands(self, now: datetime) -> bool:
        """Whether it holds now, or will."""
        return self.ended_at is None and now < self.ends

    def absence(self) -> Absence:
        """As the chain reads it."""
        return Absence(person=self.person, starts=self.starts, ends=self.ends)

    def delegation(self) -> Delegation:
        """As the chain reads it."""
        return Delegation(
            principal=self.person,
            delegate=self.delegate,
            starts=self.starts,
            ends=self.ends,
            roles=self.roles,
        )


def listed(conn: Connection, *, person: str | None = None) -> list[Declared]:
    """All declarations, oldest first; those of one person when named."""
    rows = conn.execute(
        "SELECT id, kind, person, delegate, roles, starts, ends, made_at, ended_at FROM declaration"
        " WHERE :person IS NULL OR person = :person ORDER BY rowid",
        {"person": person},
    )
    return [
        Declared(
            id=row["id"],
            kind=row["kind"],
            person=row["person"],
            delegate=row["delegate"],
            roles=tuple(json.loads(row["roles"])),
            starts=from_text(row["starts"]),
            ends=from_text(row["ends"]),
            made_at=from_text(row["made_at"]),
            ended_at=from_text(row["ended_at"]) if row["ended_at"] else None,
        )
        for row in rows
    ]


def declare_away(
    workspace: Workspace, person: str, *, starts: datetime, ends: datetime, dry_run: bool = False
) -> Declared:
    """Say that you are away: until then you are not asked, and may still sign.

    Args:
        workspace: The workspace; its actor is who says it.
        person: Of whom; only yourself.
        starts: From when.
        ends: Until when, excluded.
        dry_run: Check, and record nothing.

    Raises:
        NotAuthorisedError: It is about somebody else.
        InputError: The time is over, or ends before it starts.
    """
    return _declare(workspace, "away", person, starts=starts, ends=ends, dry_run=dry_run)


def declare_stand_in(
    workspace: Workspace,
    person: str,
    delegate: str,
    *,
    starts: datetime,
    ends: datetime,
    roles: Sequence[str] = (),
    dry_run: bool = False,
) -> Declared:
    """Let somebody sign in your place for a time; you are copied, and may still sign.

    Args:
        workspace: The workspace; its actor is who says it.
        person: Whose seat; only your own.
        delegate: Who may sit in it.
        starts: From when.
        ends: Until when, excluded.
        roles: Only for these roles of yours; all if empty.
        dry_run: Check, and record nothing.

    Raises:
        NotAuthorisedError: It is somebody else's seat, or the charter keeps it from the delegate.
        NotFoundError: Nobody has that id.
        InputError: It would go round in a circle, or take too many steps; the time is over.
    """
    return _declare(
        workspace,
        "delegation",
        person,
        delegate=delegate,
        starts=starts,
        ends=ends,
        roles=roles,
        dry_run=dry_run,
    )


def _declare(
    workspace: Workspace,
    kind: Literal["away", "delegation"],
    person: str,
    *,
    starts: datetime,
    ends: datetime,
    delegate: str = "",
    roles: Sequence[str] = (),
    dry_run: bool = False,
) -> Declared:
    now, zone_name = workspace.clock(), workspace.config.organisation.zone
    who = workspace.roster.person(person)
    _own(workspace, person)
    if ends <= starts:
        raise InputError("it ends before it starts", field="until", hint="swap the two dates")
    if ends <= now:
        raise InputError(
            f"that is over since {shown(ends, zone_name=zone_name)}",
            field="until",
            hint="give a date to come",
        )
    strangers = sorted(set(roles) - set(who.roles))
    if strangers:
        raise InputError(
            f"{who.name} has no role {strangers[0]!r}",
            field="roles",
            value=strangers[0],
            hint=f"they have: {', '.join(who.roles) or 'none'}",
        )
    made = Declared(
        id=new_id("say", now=now),
        kind=kind,
        person=person,
        delegate=delegate,
        roles=tuple(roles),
        starts=starts,
        ends=ends,
        made_at=now,
    )
    with workspace.db.write() as conn:
        same = [
            d
            for d in listed(conn, person=person)
            if d.starts <= made.starts
            and replace(d, id=made.id, made_at=now, starts=made.starts) == made
        ]
        if same:
            return same[0]
        if kind == "delegation":
            _may_stand_in(office_of(conn, workspace), workspace, made, now)
        if not dry_run:
            _add(conn, workspace, made)
    return made


def _own(workspace: Workspace, person: str) -> None:
    if workspace.actor.name == person:
        return
    raise NotAuthorisedError(
        f"only {person} can say that for {person}",
        hint="for somebody else, write it into people.yaml and adopt it: a second role says yes",
    )


def _may_stand_in(office: Office, workspace: Workspace, made: Declared, now: datetime) -> None:
    delegate = workspace.roster.person(made.delegate)
    principal = workspace.roster.person(made.person)
    if not delegate.here(max(now, made.starts)):
        raise InputError(
            f"{delegate.name} is not here then",
            field="to",
            value=made.delegate,
            hint="name another",
        )
    problem = stand_in_problem(office.charter, made.roles or principal.roles, delegate.roles)
    if problem:
        raise NotAuthorisedError(problem, hint="name somebody who holds such a role")
    after = replace(office.roster, delegations=(*office.roster.delegations, made.delegation()))
    _sound(after, made)


def _sound(roster: RosterView, made: Declared) -> None:
    """No circle and no path that is too long, at any moment while the new delegation holds."""
    moments = {made.starts} | {
        d.starts for d in roster.delegations if made.starts <= d.starts < made.ends
    }
    for at in sorted(moments):
        for member in roster.members:
            paths = delegates(roster, member.id, at, roles=tuple(member.roles))
            longest = max(paths, key=len, default=())
            beyond = [d for d in roster.delegations if longest and d.principal == longest[-1]]
            if len(longest) > MAX_STEPS and any(d.active(at) for d in beyond):
                raise InputError(
                    f"that would be a delegation of more than {MAX_STEPS} steps:"
                    f" {' -> '.join(map(roster.name, longest))} and on",
                    field="to",
                    value=made.delegate,
                    hint="delegate directly to whoever will sign",
                )


def _add(conn: Connection, workspace: Workspace, made: Declared) -> None:
    conn.execute(
        "INSERT INTO declaration"
        " (id, kind, person, delegate, roles, starts, ends, made_at, ended_at)"
        " VALUES (:id, :kind, :person, :delegate, :roles, :starts, :ends, :made_at, NULL)",
        {
            "id": made.id,
            "kind": made.kind,
            "person": made.person,
            "delegate": made.delegate,
            "roles": json.dumps(list(made.roles)),
            "starts": to_text(made.starts),
            "ends": to_text(made.ends),
            "made_at": to_text(made.made_at),
        },
    )
    ledger.append(
        conn,
        kind="people.away" if made.kind == "away" else "people.delegated",
        subject=f"person/{made.person}",
        actor=workspace.actor,
        payload={"declaration": made.id, "row_digest": _TABLE.row_digest(conn, made.id)},
        now=made.made_at,
    )


def take_back(workspace: Workspace, person: str, *, declaration: str = "") -> list[Declared]:
    """Take back one of your declarations, or all that still stand.

    Args:
        workspace: The workspace; its actor is who says it.
        person: Of whom; only yourself.
        declaration: Which; all if empty.

    Returns:
        What was taken back.

    Raises:
        NotAuthorisedError: They are somebody else's.
        NotFoundError: There is none of that id.
        StateError: Nothing stands.
    """
    workspace.roster.person(person)
    _own(workspace, person)
    now = workspace.clock()
    with workspace.db.write() as conn:
        mine = listed(conn, person=person)
        if declaration and declaration not in {d.id for d in mine}:
            raise NotFoundError("declaration", declaration, hint="see `whistlestop people list`")
        standing = [d for d in mine if d.stands(now) and declaration in {"", d.id}]
        if not standing:
            raise StateError(
                f"nothing that {person} declared stands now",
                hint="what people.yaml says is changed there",
            )
        for each in standing:
            conn.execute(
                "UPDATE declaration SET ended_at = :at WHERE id = :id",
                {"at": to_text(now), "id": each.id},
            )
            ledger.append(
                conn,
                kind="people.taken_back",
                subject=f"person/{person}",
                actor=workspace.actor,
                payload={"declaration": each.id},
                now=now,
            )
    return [replace(d, ended_at=now) for d in standing]


_TABLE: Final = Table(
    name="declaration",
    key=("id",),
    subject="person/{person}",
    settled=("kind", "person", "delegate", "roles", "starts", "ends", "made_at"),
)


def audit(case: Case) -> list[Finding]:
    """Compare what people declared with its records (LG005 to LG007)."""
    recorded: dict[Key, Recorded] = {}
    for row in case.of("people.away", "people.delegated", "people.taken_back"):
        key = (row.payload.get("declaration"),)
        if row.kind != "people.taken_back":
            columns: dict[str, Any] = {WHOLE: row.payload.get(WHOLE), "ended_at": None}
            recorded[key] = Recorded(subject=row.subject, columns=columns)
        elif key in recorded:
            recorded[key].columns["ended_at"] = row.at
    return compare(case.conn, _TABLE, recorded)
