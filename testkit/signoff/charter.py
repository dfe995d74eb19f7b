"""The charter: who may say yes to what in the organisation's name, and up to what.

A chain says whom to ask; the charter says whose yes is enough. Adopted by somebody who may sign it,
it ends practice mode. What it forbids is asked in :mod:`testkit.signoff.charter_rules`.

Theory of operation. A *grant* names roles and a condition over facts. A sign-off is covered when a
role of its seat has a grant whose condition is certainly true; a fact that nobody stated covers
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from testkit.errors import DefinitionError
from testkit.kernel.digest import digest
from testkit.kernel.findings import by_severity
from testkit.kernel.hours import hours_of
from testkit.signoff.conditions import LEVELS, Condition, evaluate
from testkit.signoff.reader import Key, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from testkit.kernel.hours import Hours

__all__ = [
    "Charter",
    "Grant",
    "parse_charter",
    "stand_in_problem",
]

_KEYS: Final = (
    "charter",
    "about",
    "signed_by",
    "valid_until",
    "may_say_yes",
    "max_spend_cents",
    "override",
    "fast_lane",
    "stand_ins",
    "release_hours",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Roles whose yes is enough for some words.

    Attributes:
        roles: Any of these roles.
        when: For facts that make this certainly true; for all if None.
    """

    roles: tuple[str, ...]
    when: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charter:
    """What the executive has signed.

    Attributes:
        id: Name of the charter.
        about: One sentence.
        version: Which text of it.
        signed_by: Roles of which one puts it into force, and takes it out.
        valid_until: It is out of force from this moment on; None for no end.
        grants: Who may say yes to what.
        max_spend_cents: Nothing above it is put before a chain at all, cents; None for no limit.
        override: Roles that may override a chain, where the chain allows it; None leaves it to
            the chain.
        fast_lane: Whether words may be cleared by a lane alone.
        stand_ins: Role to the roles of which one must be held by whoever stands in for it. A role
            that is not named may be delegated to anybody.
        release_hours: When words may go out; None for always.
    """

    id: str
    about: str = ""
    version: str = ""
    signed_by: tuple[str, ...] = ()
    valid_until: datetime | None = None
    grants: tuple[Grant, ...] = ()
    max_spend_cents: int | None = None
    override: tuple[str, ...] | None = None
    fast_lane: bool = False
    stand_ins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    release_hours: Hours | None = None

    def covering(self, facts: Mapping[str, Any]) -> tuple[str, ...]:
        """Roles whose yes is enough for words with these facts, in the order of the file."""
        found: dict[str, None] = {}
        for grant in self.grants:
            if grant.when is None or evaluate(grant.when, facts, LEVELS) is True:
                found.update(dict.fromkeys(grant.roles))
        return tuple(found)

    def covers(self, roles: Collection[str], facts: Mapping[str, Any]) -> bool:
        """Whether somebody with these roles may say yes to words with these facts.

        Examples:
            >>> charter = Charter(id="ours", grants=(Grant(roles=("ed",)),))
            >>> charter.covers({"ed"}, {"risk": "high"}), charter.covers({"intern"}, {})
            (True, False)
        """
        return not set(roles).isdisjoint(self.covering(facts))


def parse_charter(
    value: object,
    *,
    version: str = "",
    zone_name: str = "UTC",
    path: str = "",
    place: Callable[[Key], str] | None = None,
) -> Charter:
    """The charter that a mapping defines.

    Args:
        value: Plain values, as read from the file.
        version: Version of the text; a digest of the values if empty.
        zone_name: IANA zone of moments that name none.
        path: The file, as the user named it.
        place: Key path to the text of ``Finding.where``.

    Raises:
        DefinitionError: With every problem of the file.
    """
    reader = _Reader(zone_name, place or (lambda key: ".".join(map(str, key))))
    charter = reader.charter(value)
    if reader.findings or charter is None:
        raise DefinitionError(by_severity(reader.findings), path=path)
    return replace(charter, version=version or digest(value))


class _Reader(Reader):
    """Reads a charter."""

    def charter(self, value: object) -> Charter | None:
        top = self.mapping(value, (), _KEYS)
        if not top:
            self.bad("SO102", "the file holds no charter", (), "start with `charter: NAME`")
            return None
        most, override = top.get("max_spend_cents"), top.get("override")
        lane = top.get("fast_lane")
        return Charter(
            id=self.ident(self.needed(top, "charter", ()), ("charter",)),
            about=self.text(top["about"], ("about",)) if top.get("about") is not None else "",
            signed_by=self.texts(self.needed(top, "signed_by", ()), ("signed_by",)),
            valid_until=self.end(top.get("valid_until"), ("valid_until",)),
            grants=self._grants(self.needed(top, "may_say_yes", ())),
            max_spend_cents=None
            if most is None
            else self.whole(most, ("max_spend_cents",), least=0),
            override=None if override is None else self._some(override, ("override",)),
            fast_lane=lane is not None and self.yes_no(lane, ("fast_lane",)),
            stand_ins=self._stand_ins(top.get("stand_ins")),
            release_hours=self._hours(top.get("release_hours")),
        )

    def _some(self, value: object, key: Key) -> tuple[str, ...]:
        """Roles; an empty list says: nobody."""
        return () if value == [] else self.texts(value, key)

    def _grants(self, value: object) -> tuple[Grant, ...]:
        key: Key = ("may_say_yes",)
        if not isinstance(value, list | tuple) or not value:
            if isinstance(value, list | tuple | str | int | dict):
                hint = "write `- {from: [ed]}` under may_say_yes"
                self.bad("SO103", "a list of roles and conditions is expected", key, hint)
            return ()
        found = []
        for index, item in enumerate(value):
            where = (*key, index)
            given = self.mapping(item, where, ("from", "when"))
            roles = self.texts(self.needed(given, "from", where), (*where, "from"))
            found.append(Grant(roles=roles, when=self.when(given.get("when"), (*where, "when"))))
        return tuple(found)

    def _stand_ins(self, value: object) -> dict[str, tuple[str, ...]]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.bad("SO103", "roles with their stand-ins are expected", ("stand_ins",))
            return {}
        return {
            str(role): self._some(roles, ("stand_ins", str(role))) for role, roles in value.items()
        }

    def _hours(self, value: object) -> Hours | None:
        if value is None:
            return None
        key: Key = ("release_hours",)
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            self.bad("SO103", "days with hours are expected", key, 'write `mon-fri: "09:00-17:00"`')
            return None
        try:
            return hours_of(value)
        except ValueError as cause:
            self.bad("SO103", str(cause), key)
            return None


def stand_in_problem(
    charter: Charter | None, role_names: Collection[str], delegate_roles: Collection[str]
) -> str:
    """Why somebody may not stand in for a holder of some roles; empty when they may."""
    if charter is None:
        return ""
    for role in sorted(set(role_names) & set(charter.stand_ins)):
        allowed = charter.stand_ins[role]
        if set(allowed).isdisjoint(delegate_roles):
            return f"under the charter {role} is stood in for by {' or '.join(allowed) or 'nobody'}"
    return ""
