"""Who is here and under what rules, as of one transaction: what every door asks the chain with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.kernel import proposals, yamlfile
from testkit.kernel.clock import from_text, zone
from testkit.signoff.charter import parse_charter
from testkit.signoff.model import Absence, Delegation, RosterView
from testkit.signoff.sla import WorkingCalendar

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.people import Roster
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.charter import Charter

__all__ = ["Office", "calendar_of", "charter_in_force", "office_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The people, their hours, and what the executive signed.

    Attributes:
        roster: The adopted people, with delegations and absences of file and ledger.
        calendar: Working hours.
        zone_name: IANA zone in which moments are named.
        charter: The charter in force; None in practice mode.
    """

    roster: RosterView
    calendar: WorkingCalendar
    zone_name: str
    charter: Charter | None = None


def calendar_of(roster: Roster, *, zone_name: str) -> WorkingCalendar:
    """The organisation's working hours; Monday to Friday, nine to five, when it names none."""
    if roster.hours is None:
        return WorkingCalendar(zone=zone(zone_name))
    return WorkingCalendar(
        zone=zone(zone_name), hours=roster.hours.days, holidays=roster.hours.holidays
    )


def charter_in_force(conn: Connection, *, zone_name: str, now: datetime) -> Charter | None:
    """The charter that holds at ``now``; None in practice mode."""
    found = proposals.adopted(conn, kind="charter", name="charter", now=now)
    if found is None:
        return None
    document = yamlfile.parse(found.text, name=f"charter, version {found.version}")
    return parse_charter(
        document.value,
        version=str(found.version),
        zone_name=zone_name,
        place=document.where,
    )


def office_of(conn: Connection, workspace: Workspace) -> Office:
    """The office as this connection sees it now."""
    roster, zone_name = workspace.roster, workspace.config.organisation.zone
    absences: list[Absence] = []
    delegations: list[Delegation] = []
    rows = conn.execute(
        "SELECT kind, person, delegate, roles, starts, ends FROM declaration"
        " WHERE ended_at IS NULL ORDER BY rowid"
    )
    for row in rows:
        starts, ends = from_text(row["starts"]), from_text(row["ends"])
        if row["kind"] == "away":
            absences.append(Absence(person=row["person"], starts=starts, ends=ends))
        else:
            delegations.append(
                Delegation(
                    principal=row["person"],
                    delegate=row["delegate"],
                    starts=starts,
                    ends=ends,
                    roles=tuple(json.loads(row["roles"])),
                )
            )
    return Office(
        roster=RosterView.of(roster, delegations=delegations, absences=absences),
        calendar=calendar_of(roster, zone_name=zone_name),
        zone_name=zone_name,
        charter=charter_in_force(conn, zone_name=zone_name, now=workspace.clock()),
    )
