"""The roster: who is here, in which roles, and who stands in for whom."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from testkit.errors import NotFoundError

__all__ = ["Person", "Roster"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person of the organisation.

    Attributes:
        id: Short and lasting; it stands in the ledger.
        name: As shown.
        roles: Role names that chains ask for (``comms_lead``, ``ed`` ...).
        email: Where questions go; empty when the person is not asked by e-mail.
    """

    id: str
    name: str
    roles: tuple[str, ...] = ()
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everybody, as one adopted version of the list says.

    Attributes:
        people: In the order of the file.
        version: Number of the adopted version; 0 for a list that is not adopted.
    """

    people: tuple[Person, ...] = ()
    version: int = 0
    _by_id: dict[str, Person] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_id.update({person.id: person for person in self.people})

    def person(self, person_id: str) -> Person:
        """The person of that id.

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
