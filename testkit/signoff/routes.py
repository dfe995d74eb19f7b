"""Every way through a chain, and whether these people can walk it.

Theory of operation. Conditions compare facts with constants, so a finite set of fact values meets
every combination of outcomes: for each fact its constants, a value on either side and between
two, one value that no condition names, and all named values at once for facts that may hold
several. For each combination the groups that are asked are known; a way can be walked when all of
its groups can be filled by people whose yes would count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any, Final

from testkit.signoff.conditions import Condition, applies, comparisons, evaluate
from testkit.signoff.model import ChainDef, GroupDef, StageDef
from testkit.signoff.quorum import Supposed, complete, fill
from testkit.signoff.standins import holders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from testkit.signoff.model import RosterView

__all__ = ["MOST", "Dead", "Route", "dead_end", "eligible", "outcomes", "routes", "told"]

MOST: Final = 20_000
"""Combinations of facts that are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who is asked for some facts.

    Attributes:
        asked: The stages that apply, each with the groups that apply.
        facts: One set of facts that leads here.
    """

    asked: tuple[StageDef, ...]
    facts: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """A stage that cannot be filled, and the way that leads to it."""

    stage: str
    route: Route


def _values(chain: ChainDef, conditions: Sequence[Condition]) -> dict[str, list[Any]]:
    constants: dict[str, list[Any]] = {}
    for condition in conditions:
        for part in comparisons(condition):
            seen = constants.setdefault(part.fact, [])
            seen += part.value if isinstance(part.value, tuple) else (part.value,)
    return {fact: _around(chain.levels.get(fact), seen) for fact, seen in constants.items()}


def _around(order: tuple[str, ...] | None, constants: Sequence[Any]) -> list[Any]:
    if order is not None:
        return list(order)
    values: list[Any] = []
    numbers = sorted(
        {c for c in constants if isinstance(c, int | float) and not isinstance(c, bool)}
    )
    texts = list(dict.fromkeys(c for c in constants if isinstance(c, str)))
    if any(isinstance(c, bool) for c in constants):
        values += [True, False]
    values += [value for n in numbers for value in (n - 1, n, n + 1)]
    values += [(low + high) / 2 for low, high in pairwise(numbers)]
    if texts:
        values += [*texts, "(anything else)"]
    if len(texts) > 1:
        values.append(tuple(texts))
    return values


def _combinations(values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for chosen in product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


def outcomes(chain: ChainDef, condition: Condition) -> set[bool | None]:
    """Every outcome that a condition can have for stated facts; both, when there are too many."""
    found: set[bool | None] = set()
    for index, facts in enumerate(_combinations(_values(chain, [condition]))):
        found.add(evaluate(condition, facts, chain.levels))
        if index >= MOST or found >= {True, False}:
            return found | {True, False}
    return found


def routes(chain: ChainDef) -> tuple[tuple[Route, ...], bool]:
    """Every different way through a chain.

    Returns:
        The ways, and whether all combinations of facts were tried (up to :data:`MOST`).
    """
    conditions = [
        when
        for stage in chain.stages
        for when in (stage.when, *(group.when for group in stage.groups))
        if when is not None
    ]
    values = _values(chain, conditions)
    found: dict[tuple[StageDef, ...], Route] = {}
    for index, facts in enumerate(_combinations(values)):
        if index >= MOST:
            break
        asked = _asked(chain, facts)
        found.setdefault(asked, Route(asked=asked, facts=tuple(facts.items())))
    return tuple(found.values()), prod(map(len, values.values())) <= MOST


def _asked(chain: ChainDef, facts: Mapping[str, Any]) -> tuple[StageDef, ...]:
    asked = []
    for stage in chain.stages:
        if applies(stage.when, facts, chain.levels):
            groups = tuple(g for g in stage.groups if applies(g.when, facts, chain.levels))
            if groups or stage.auto:
                asked.append(replace(stage, groups=groups))
    return tuple(asked)


def eligible(
    chain: ChainDef, group: GroupDef, roster: RosterView, now: datetime, *, author: str
) -> tuple[str, ...]:
    """Holders of a group whose yes counts when ``author`` writes and nobody else edits."""
    member = roster.get(author)
    without = member.roles if member and chain.options.different_role else ()
    return tuple(
        person
        for person, _ in holders(roster, group, now, without_roles=without)
        if person != author or chain.options.author_may_approve
    )


def dead_end(
    chain: ChainDef, roster: RosterView, now: datetime, *, author: str, ways: Sequence[Route]
) -> Dead | None:
    """The first stage that nobody can fill when ``author`` writes; None when all can be.

    Args:
        chain: The chain.
        roster: The people.
        now: The moment.
        author: Whose words they are.
        ways: All ways through the chain, from :func:`routes`.
    """
    for route in ways:
        people = [stage for stage in route.asked if stage.groups]
        for stage in people:
            if not _can_fill(chain, stage, roster, now, author=author):
                return Dead(stage=stage.id, route=route)
        if people and not chain.options.repeat_signers:
            # One person signs once in the whole chain: all its seats are filled together.
            seats = tuple(
                replace(group, id=f"{stage.id}/{group.id}")
                for stage in people
                for group in stage.groups
            )
            whole = StageDef(id="all stages", groups=seats, distinct=True)
            if not _can_fill(chain, whole, roster, now, author=author):
                return Dead(stage=people[-1].id, route=route)
    return None


def _can_fill(
    chain: ChainDef, stage: StageDef, roster: RosterView, now: datetime, *, author: str
) -> bool:
    ways: dict[str, list[str]] = {}
    for group in stage.groups:
        for person in eligible(chain, group, roster, now, author=author):
            ways.setdefault(person, []).append(group.id)
    signatures = [Supposed(person, person, tuple(names)) for person, names in ways.items()]
    return complete(stage.groups, fill(stage.groups, signatures, distinct=stage.distinct))


def told(facts: Sequence[tuple[str, Any]]) -> str:
    """Facts in a sentence."""
    return ", ".join(f"{name} {_word(value)}" for name, value in facts) or "any facts"


def _word(value: Any) -> str:
    if isinstance(value, tuple):
        return " and ".join(map(_word, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
