"""Who may sit in a seat now: role holders, those escalated to, and their delegates.

Delegation is resolved at the moment of the decision, never stored: an expired window falls back to
the principal without anybody doing anything. A path is at most three steps long and may not come
back to itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from testkit.signoff.model import GroupDef, RosterView
    from testkit.signoff.state import RequestState, SignOff

__all__ = [
    "MAX_STEPS",
    "Seat",
    "asked_instead",
    "author_roles",
    "delegates",
    "holders",
    "names",
    "no_longer",
    "seats_of",
]

MAX_STEPS: Final = 3
"""Longest delegation: ana to ben to cho to dee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One way in which a person may sign.

    Attributes:
        principal: Whose seat it is.
        path: From principal to the person, both included; one name when it is their own.
        groups: Groups of the stage that the seat belongs to.
    """

    principal: str
    path: tuple[str, ...]
    groups: tuple[str, ...]


def delegates(
    roster: RosterView, principal: str, now: datetime, *, roles: Collection[str] = ()
) -> tuple[tuple[str, ...], ...]:
    """Everybody who may act for ``principal`` at ``now``.

    Args:
        roster: The people.
        principal: Whose seat.
        now: The moment of the decision.
        roles: The principal's roles that are needed; a delegation limited to other roles does not
            count. Empty when the principal is named in person.

    Returns:
        Paths that start with ``principal`` and end with the stand-in, nearest first, of at most
        :data:`MAX_STEPS` steps; empty without an active delegation.

    Raises:
        InputError: The delegations go round in a circle.
    """
    found: list[tuple[str, ...]] = []
    edge: list[tuple[str, ...]] = [(principal,)]
    while edge:
        following: list[tuple[str, ...]] = []
        for path in edge:
            for step in roster.delegations:
                covers = not step.roles or not set(step.roles).isdisjoint(roles)
                if step.principal != path[-1] or not step.active(now) or not covers:
                    continue
                if step.delegate in path:
                    round_trip = " -> ".join(map(roster.name, (*path, step.delegate)))
                    raise InputError(
                        f"delegation goes round in a circle: {round_trip}",
                        field="delegations",
                        value=[*path, step.delegate],
                        hint="end one of these delegations",
                    )
                if len(path) <= MAX_STEPS:
                    following.append((*path, step.delegate))
        found += [path for path in following if roster.here(path[-1], now)]
        edge = following
    return tuple(found)


def holders(
    roster: RosterView,
    group: GroupDef,
    now: datetime,
    *,
    also: Sequence[str] = (),
    without_roles: Collection[str] = (),
) -> Iterator[tuple[str, frozenset[str]]]:
    """Those who hold a seat of a group, with the roles that give it to them.

    Args:
        roster: The people.
        group: The group.
        now: The moment.
        also: Roles or people to whom the stage was escalated.
        without_roles: Roles that do not count (those of the author, where the chain asks for a
            different role).
    """
    names = {*group.roles, *group.people, *also}
    for member in roster.members:
        by_role = frozenset(member.roles & names).difference(without_roles)
        # Named in person: with a different role asked for, some role of theirs must differ.
        in_person = member.id in names and (
            not without_roles or not member.roles <= set(without_roles)
        )
        if (by_role or in_person) and roster.here(member.id, now):
            yield member.id, by_role


def seats_of(
    state: RequestState,
    stage_id: str,
    person: str,
    roster: RosterView,
    now: datetime,
) -> tuple[Seat, ...]:
    """Every seat of a stage in which a person may sit now, their own first.

    Whether a sign-off from it would count is another question: the author has seats too.

    Raises:
        InputError: The only way to a seat is a delegation that goes round in a circle.
    """
    stage = state.chain.stage(stage_id)
    status = state.stage(stage_id)
    if stage is None or status is None or not roster.here(person, now):
        return ()
    open_groups = {group.id for group in status.groups}
    also = state.escalated.get(stage_id, ())
    without = author_roles(state, roster)
    ways: dict[tuple[str, ...], list[str]] = {}
    circle: InputError | None = None
    for group in stage.groups:
        if group.id not in open_groups:
            continue
        for principal, roles in holders(roster, group, now, also=also, without_roles=without):
            if principal == person:
                ways.setdefault((person,), []).append(group.id)
                continue
            try:
                paths = delegates(roster, principal, now, roles=roles)
            except InputError as cause:
                circle = cause
                continue
            for path in paths:
                if path[-1] == person:
                    ways.setdefault(path, []).append(group.id)
    if not ways and circle is not None:
        raise circle
    return tuple(
        Seat(principal=path[0], path=path, groups=tuple(groups))
        for path, groups in sorted(ways.items(), key=lambda item: (len(item[0]), item[0]))
    )


def author_roles(state: RequestState, roster: RosterView) -> frozenset[str]:
    """Roles that do not count for these words: the author's, where a different one is asked for."""
    if not state.chain.options.different_role:
        return frozenset()
    found: frozenset[str] = frozenset()
    for owner in state.owners:
        member = roster.get(owner)
        found |= member.roles if member else frozenset()
    return found


def asked_instead(
    roster: RosterView,
    principal: str,
    now: datetime,
    *,
    roles: Collection[str] = (),
    unfit: Collection[str] = (),
) -> tuple[str, ...]:
    """The path to whom to ask for a seat: a stand-in who is not away, else the principal.

    Args:
        roster: The people.
        principal: Whose seat; asked themselves when nobody stands in.
        now: The moment.
        roles: As for :func:`delegates`.
        unfit: People whose yes would not count.

    Returns:
        A path as from :func:`delegates`; the principal alone when nobody stands in and they are
        not away; empty when nobody can be asked.
    """
    try:
        paths = delegates(roster, principal, now, roles=roles)
    except InputError:
        paths = ()
    for path in paths:
        if path[-1] not in unfit and not roster.away(path[-1], now):
            return path
    return () if principal in unfit or roster.away(principal, now) else (principal,)


def no_longer(state: RequestState, said: SignOff, roster: RosterView, now: datetime) -> str:
    """What has changed about whoever gave a sign-off: who left, or lost the role; else empty.

    The sign-off stands as it was given: it is for people to know, and to block or kill if they
    mind.
    """
    for person in dict.fromkeys((said.actor, said.principal)):
        if not roster.here(person, now):
            return f"{roster.name(person)} has left since" if person != said.actor else "left since"
    stage, member = state.chain.stage(said.stage), roster.get(said.principal)
    groups = [g for g in stage.groups if g.id in said.groups] if stage else []
    wanted = {role for group in groups for role in group.roles}
    held, holds = wanted.intersection(said.said.roles), member.roles if member else frozenset()
    if not held or not wanted.isdisjoint(holds):
        return ""
    return f"no longer {' or '.join(sorted(held))}"


def names(roster: RosterView, people: Mapping[str, object] | Collection[str]) -> str:
    """People in a sentence."""
    return ", ".join(roster.name(person) for person in people)
