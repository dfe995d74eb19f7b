"""The roster: who is here, in which roles, who stands in for whom, and when we work.

Values only. The file is read in :mod:`testkit.kernel.peoplefile`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from testkit.errors import NotFoundError

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.hours import Hours, Quiet

__all__ = ["Absence", "Delegation", "Person", "Roster"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person of the organisation.

    Attributes:
        id: Short and lasting; it stands in the ledger.
        name: As shown.
        roles: Role names that chains ask for (``comms_lead``, ``ed`` ...).
        email: Where questions go; empty when the person is not asked by e-mail.
        channels: Other ways to reach them, in the order in which to try: kind and address.
        quiet: When they get no message.
        zone: IANA zone of their quiet hours; the organisation's if empty.
        joined: Not here before this moment.
        left: Not here from this moment on; kept in the file, so that old sign-offs have a name.
    """

    id: str
    name: str
    roles: tuple[str, ...] = ()
    email: str = ""
    channels: tuple[tuple[str, str], ...] = ()
    quiet: Quiet | None = None
    zone: str = ""
    joined: datetime | None = None
    left: datetime | None = None

    def here(self, now: datetime) -> bool:
        """Whether the person belongs to the organisation at ``now``."""
        return (self.joined is None or self.joined <= now) and (
            self.left is None or now < self.left
        )

    def quiet_until(self, now: datetime, *, zone_name: str) -> datetime | None:
        """When a message may reach them again; None when it may now.

        Args:
            now: The moment.
            zone_name: The organisation's zone, for a person without one of their own.
        """
        if self.quiet is None:
            return None
        return self.quiet.until(now, zone_name=self.zone or zone_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """``principal`` lets ``delegate`` sign in their place, from ``starts`` until ``ends``.

    Attributes:
        principal: Whose seat it is.
        delegate: Who may sit in it.
        starts: First moment.
        ends: First moment at which it no longer holds; None for open-ended.
        roles: Only for these roles of the principal; empty for all.
    """

    principal: str
    delegate: str
    starts: datetime
    ends: datetime | None = None
    roles: tuple[str, ...] = ()

    def active(self, now: datetime) -> bool:
        """Whether it holds at ``now``."""
        return self.starts <= now and (self.ends is None or now < self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A person who is away and is not asked; the end is exclusive."""

    person: str
    starts: datetime
    ends: datetime | None = None

    def active(self, now: datetime) -> bool:
        """Whether the person is away at ``now``."""
        return self.starts <= now and (self.ends is None or now < self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everybody, as one adopted version of the list says.

    Attributes:
        people: In the order of the file; those who left stay in it.
        delegations: Who stands in for whom, as the file says.
        absences: Who is away, as the file says.
        hours: When the organisation works; None when the file does not say.
        version: Number of the adopted version; 0 for a list that is not adopted.
    """

    people: tuple[Person, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    absences: tuple[Absence, ...] = ()
    hours: Hours | None = None
    version: int = 0
    _by_id: dict[str, Person] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_id.update({person.id: person for person in self.people})

    def person(self, person_id: str) -> Person:
        """The person of that id, here or gone.

        Raises:
            NotFoundError: Nobody has it; close ids are suggested.
        """
        try:
            return self._by_id[person_id]
        except KeyError:
            near = difflib.get_close_matches(person_id, self._by_id, n=2)
            here = ", ".join(self._by_id) or "nobody yet"
            hint = "" if near else f"say who you are with --as NAME; people here: {here}"
            raise NotFoundError("person", person_id, did_you_mean=near, hint=hint) from None

    def get(self, person_id: str) -> Person | None:
        """The person of that id, or None."""
        return self._by_id.get(person_id)

    def with_role(self, role: str) -> tuple[Person, ...]:
        """Everybody who has the role."""
        return tuple(person for person in self.people if role in person.roles)

    def roles(self) -> tuple[str, ...]:
        """All roles that somebody has, sorted."""
        return tuple(sorted({role for person in self.people for role in person.roles}))
