"""Who fills which seat: the arithmetic of k-of-n groups.

Theory of operation. A signature joins a person (the actor) to a seat (the principal; the same
person unless delegated) and names the groups that the seat belongs to. In one group a person and
a seat each count once, so the count is the size of a maximum matching between actors and
principals, which does not depend on the order of signatures. In a ``distinct`` stage this holds
across all its groups together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testkit.signoff.model import GroupDef

__all__ = ["Signature", "Supposed", "complete", "fill"]


class Signature(Protocol):
    """One yes: who gave it, in whose seat, for which groups. A ``Signed`` event is one."""

    @property
    def actor(self) -> str:
        """Who gave it."""

    @property
    def seat(self) -> str:
        """In whose seat."""

    @property
    def groups(self) -> tuple[str, ...]:
        """For which groups."""


@dataclass(frozen=True, slots=True)
class Supposed:
    """A yes that nobody gave yet, to ask what it would change."""

    actor: str
    seat: str
    groups: tuple[str, ...]


def fill(
    groups: Sequence[GroupDef], signatures: Sequence[Signature], *, distinct: bool = False
) -> dict[str, tuple[int, ...]]:
    """Which signatures count for which group.

    Args:
        groups: The groups that apply.
        signatures: All signatures that may count.
        distinct: A person and a seat count once in the whole stage, not once per group.

    Returns:
        Group id to indexes into ``signatures``, a largest possible choice; a group may hold more
        than it needs unless ``distinct``.

    Examples:
        >>> from testkit.signoff.model import GroupDef
        >>> two = GroupDef(id="ed", need=2, roles=("ed",))
        >>> fill([two], [Supposed("dee", "ana", ("ed",)), Supposed("dee", "dee", ("ed",))])
        {'ed': (0,)}
    """
    if distinct:
        return _fill_distinct(groups, signatures)
    return {group.id: _matched(group.id, signatures) for group in groups}


def complete(groups: Sequence[GroupDef], filled: Mapping[str, Sequence[object]]) -> bool:
    """Whether every group has its quorum."""
    return all(len(filled[group.id]) >= group.need for group in groups)


def _matched(group_id: str, signatures: Sequence[Signature]) -> tuple[int, ...]:
    mine = [i for i, s in enumerate(signatures) if group_id in s.groups]
    if len(mine) < 2:
        return tuple(mine)
    actors = {signatures[i].actor for i in mine}
    if len(actors) == len(mine) == len({signatures[i].seat for i in mine}):
        return tuple(mine)
    edges: dict[str, list[int]] = {}
    for i in mine:
        edges.setdefault(signatures[i].actor, []).append(i)
    taken: dict[str, int] = {}  # seat -> index of the signature that holds it

    def place(actor: str, tried: set[str]) -> bool:
        for i in edges[actor]:
            seat = signatures[i].seat
            if seat in tried:
                continue
            tried.add(seat)
            if seat not in taken or place(signatures[taken[seat]].actor, tried):
                taken[seat] = i
                return True
        return False

    for actor in edges:
        place(actor, set())
    return tuple(sorted(taken.values()))


def _fill_distinct(
    groups: Sequence[GroupDef], signatures: Sequence[Signature]
) -> dict[str, tuple[int, ...]]:
    seats = [group.id for group in groups for _ in range(group.need)]
    if all(s.actor == s.seat for s in signatures):
        chosen = _seat_matching(seats, signatures)
    else:
        chosen = _seat_search(seats, signatures)
    out: dict[str, tuple[int, ...]] = {group.id: () for group in groups}
    for seat, index in sorted(chosen.items(), key=lambda item: item[1]):
        out[seats[seat]] += (index,)
    return out


def _seat_matching(seats: Sequence[str], signatures: Sequence[Signature]) -> dict[int, int]:
    first = {s.actor: i for i, s in reversed(list(enumerate(signatures)))}
    held: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for seat, group_id in enumerate(seats):
            if group_id not in signatures[i].groups or seat in tried:
                continue
            tried.add(seat)
            if seat not in held or place(held[seat], tried):
                held[seat] = i
                return True
        return False

    for i in sorted(first.values()):
        place(i, set())
    return held


def _seat_search(seats: Sequence[str], signatures: Sequence[Signature]) -> dict[int, int]:
    # Three-sided (actor, principal, seat), hence a search; stages have a handful of seats, and
    # delegated signatures in a distinct stage are rare.
    best: dict[int, int] = {}

    def go(seat: int, used: frozenset[str], sat: frozenset[str], held: dict[int, int]) -> bool:
        nonlocal best
        if len(held) > len(best):
            best = dict(held)
        if len(best) == len(seats):
            return True
        if seat == len(seats) or len(held) + len(seats) - seat <= len(best):
            return False
        for i, s in enumerate(signatures):
            free = s.actor not in used and s.seat not in sat
            if free and seats[seat] in s.groups:
                step = {**held, seat: i}
                if go(seat + 1, used | {s.actor}, sat | {s.seat}, step):
                    return True
        return go(seat + 1, used, sat, held)

    go(0, frozenset(), frozenset(), {})
    return best
