"""What a refusal can advise: who could sign instead, and who could let this person sign.

Advice that the same rules would refuse again is worse than none, so each is worked out from the
request, the people and the charter as they are now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.errors import InputError
from testkit.signoff.charter import stand_in_problem
from testkit.signoff.standins import author_roles, holders, seats_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.signoff.events import Signed
    from testkit.signoff.model import StageDef
    from testkit.signoff.refusal import Question

__all__ = ["ask_others", "how_to_be_let_in"]

_MOST = 4


def ask_others(q: Question, stage: StageDef, *besides: str) -> str:
    """Who else could say yes to this stage; without anybody, who could override."""
    others = [
        member.id
        for member in q.roster.members
        if member.id not in q.state.barred.union(besides) and _can_sign(q, stage, member.id)
    ]
    if others:
        return f"{_listed(q, others)} can sign"
    rule = q.chain.override
    can = [] if rule is None else [
        member.id for member in q.roster.members if q.roster.holds_any(member.id, rule.roles, q.now)
    ]  # fmt: skip
    nobody = f"nobody else can sign stage {stage.id} now"
    return f"{nobody}; {_listed(q, can)} can override" if can else nobody


def _can_sign(q: Question, stage: StageDef, person: str) -> bool:
    try:
        seats = seats_of(q.state, stage.id, person, q.roster, q.now)
    except InputError:  # the delegations go round in a circle
        return False
    return any(q.state.barred.isdisjoint(seat.path) for seat in seats)


def how_to_be_let_in(q: Question, event: Signed, stage: StageDef) -> str:
    """Who could delegate to somebody without a seat; why nobody can, or why it would not help."""
    person, who = event.actor, q.who(event.actor)
    if event.decision.approves:
        if person in q.state.barred:
            wrote = "wrote" if person in q.state.owners else "changed"
            return f"{who} {wrote} these words and cannot say yes in anybody's place"
        for said in () if q.chain.options.repeat_signers else q.state.standing("counts"):
            if said.stage != stage.id and person in {said.actor, said.principal}:
                return f"{who} signed stage {said.stage}, so no delegation would help"
    member = q.roster.get(person)
    needed = {role for group in stage.groups for role in group.roles}
    problem, can = "", []
    for principal in _principals(q, event, stage):
        held = q.roster.get(principal)
        found = stand_in_problem(
            q.charter, needed & (held.roles if held else set()), member.roles if member else ()
        )
        problem = problem or found
        if not found:
            can.append(principal)
    return f"{_listed(q, can)} can delegate to them" if can else problem


def _principals(q: Question, event: Signed, stage: StageDef) -> Sequence[str]:
    """Those in whose place a decision could count: a yes in a barred one's would not."""
    without, also = author_roles(q.state, q.roster), q.state.escalated.get(stage.id, ())
    status = q.state.stage(stage.id)
    asked = {group.id for group in status.groups} if status else set()
    barred = q.state.barred if event.decision.approves else frozenset()
    found = {
        person: None
        for group in stage.groups
        if group.id in asked
        for person, _ in holders(q.roster, group, q.now, also=also, without_roles=without)
        if person not in barred and person != event.actor
    }
    return [event.seat] if event.seat in found else list(found)


def _listed(q: Question, people: Sequence[str]) -> str:
    shown = [q.who(person) for person in people[:_MOST]]
    more = len(people) - len(shown)
    return " or ".join(shown) + (f" or {more} more" if more > 0 else "")
