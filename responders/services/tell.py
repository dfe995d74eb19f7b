"""tell: alarms and the daily list of what was held back become messages in the outbox, once.

The outbox keeps a message by its key and the archive keeps when an alarm was told. They are two
files: the message is added first, and the alarm is marked after it, so a kill in between repeats
an addition that adds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from responders.kinds import adopted_issues
from responders.services.alarm import digest, to_tell
from responders.store import alarms
from testkit.kernel.clock import shown, zone
from testkit.outbox.words import RequestWords
from testkit.services import notify

if TYPE_CHECKING:
    from responders.services.alarm import Digest
    from responders.store.alarms import AlarmRow
    from testkit.kernel.people import Person
    from testkit.kernel.workspace import Workspace

__all__ = ["tell_alarms", "tell_held"]

_NOBODY: Final = "nobody who answers for the issue can be reached"
_MOST_LINES: Final = 20


def tell_alarms(workspace: Workspace) -> tuple[AlarmRow, ...]:
    """Put the alarms that are to be told of now into the outbox; each only once.

    An issue's owner is told: the person of that id, or everybody here with that role. Chat rooms
    are told as well. Where nobody can be reached, the alarm stays untold and the digest says why.

    Returns:
        The alarms that people are to be told of now, whether or not a message could be made.
    """
    ready = to_tell(workspace)
    if not ready:
        return ()
    now, local = workspace.clock(), workspace.config.organisation.zone
    for row in ready:
        with workspace.db.write() as conn:
            found = adopted_issues(conn).get(row.issue)
            owner = found[0].owner if found else ""
            words = RequestWords(
                name="",
                title=row.stories[0].title if row.stories else row.issue,
                stage=row.issue,
                reason=row.why,
                next=f"Quiet for two hours: whistlestop alarm snooze {row.issue} --for 2h",
            )
            reached = notify.tell(
                conn,
                workspace,
                key=f"alarm:{row.id}",
                kind="alarm",
                about=f"alarm/{row.id}",
                people=_owners(workspace, owner),
                words=words,
                room=f"{row.issue} is louder than usual since"
                f" {shown(row.rang_at, zone_name=local)}: {row.why}",
                data={
                    "alarm": row.id,
                    "issue": row.issue,
                    "stories": [s.story for s in row.stories],
                },
            )
        with workspace.archive.write() as conn:
            if reached:
                alarms.told(conn, row.id, now=now)
            elif row.held != _NOBODY:
                alarms.hold(conn, row.id, _NOBODY)
    return ready


def tell_held(workspace: Workspace) -> int:
    """Once a day, tell the readers of the digest what nobody was told of at once.

    Returns:
        How many were told of it now; nobody is, on a day without anything.
    """
    delivery, now = workspace.config.delivery, workspace.clock()
    place = workspace.config.organisation.zone
    local = now.astimezone(zone(place))
    if local.hour < delivery.digest.hour or not delivery.digest.people:
        return 0
    key = f"held:{local.date().isoformat()}"
    people = [p for p in map(workspace.roster.get, delivery.digest.people) if p is not None]
    with workspace.db.read() as conn:
        people = [p for p in people if not notify.was_told(conn, key, p)]
    if not people:
        return 0
    found = digest(workspace)
    if not (found.held or found.quiet):
        return 0
    words = RequestWords(
        name="",
        title=workspace.config.organisation.name,
        reason="\n".join(_lines(found, place)),
        next="All of it, with the reasons: whistlestop alarm digest",
    )
    with workspace.db.write() as conn:
        return notify.tell(
            conn,
            workspace,
            key=key,
            kind="held",
            about=f"digest/{local.date().isoformat()}",
            people=people,
            words=words,
            data={"alarms": [row.id for row in found.held], "matches": len(found.quiet)},
        )


def _lines(found: Digest, place: str) -> list[str]:
    lines = [
        f"Alarm {shown(row.rang_at, zone_name=place)}, held: {row.held}. {row.why}"
        for row in found.held
    ]
    lines += [f"{match.issue}: {title} ({match.outlets} outlets)" for match, title in found.quiet]
    more = len(lines) - _MOST_LINES
    return lines[:_MOST_LINES] + ([f"and {more} more"] if more > 0 else [])


def _owners(workspace: Workspace, owner: str) -> list[Person]:
    now, roster = workspace.clock(), workspace.roster
    one = roster.get(owner)
    people = [one] if one is not None else list(roster.with_role(owner))
    if not people:  # issue files name people as others call them
        people = [p for p in roster.people if p.name.casefold() == owner.strip().casefold()]
    return [person for person in people if person.here(now)]
