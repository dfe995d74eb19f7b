"""Whose turn it is: the people to ask now, with their stand-ins, and what is wrong when nobody is.

A delegate is asked in place of the principal, and the principal is copied. Who may sign is wider
than who is asked: the principal may always sit in their own seat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from testkit.signoff.quorum import Supposed, complete, fill
from testkit.signoff.standins import asked_instead, author_roles, holders, names, seats_of
from testkit.signoff.table import State, Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from testkit.signoff.model import GroupDef, RosterView
    from testkit.signoff.quorum import Signature
    from testkit.signoff.state import RequestState, SignOff

__all__ = ["Ask", "Asked", "Turn", "asks_of", "whose_turn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One person to ask.

    Attributes:
        person: Whom.
        principal: In whose seat; the person's own unless delegated.
        path: From principal to person.
    """

    person: str
    principal: str
    path: tuple[str, ...]

    @property
    def copied(self) -> str:
        """Who gets a copy: the principal, when somebody else is asked in their place."""
        return self.principal if self.principal != self.person else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One group of a stage that still needs somebody.

    Attributes:
        stage: The stage.
        group: The group.
        need: How many in all.
        have: How many signed.
        asked: Whom to ask, in roster order.
        problem: Why it cannot be filled by those, in words; empty when it can.
    """

    stage: str
    group: str
    need: int
    have: int
    asked: tuple[Asked, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a request waits for.

    Attributes:
        kind: ``sign`` (approvers), ``check`` (machines), ``revise`` (the author), ``lift`` (those
            who block), ``unlock`` (no stage applies: an override), ``look`` (facts changed),
            ``release``, ``review`` (a look afterwards is owed), or ``nobody``.
        people: Everybody concerned, by id.
        asks: For ``sign``: the groups.
    """

    kind: Literal[
        "sign", "check", "revise", "lift", "unlock", "look", "release", "review", "nobody"
    ]
    people: tuple[str, ...] = ()
    asks: tuple[Ask, ...] = ()


def asks_of(
    state: RequestState, stage_id: str, roster: RosterView, now: datetime
) -> tuple[Ask, ...]:
    """Whom to ask for a stage, group by group; groups that have their quorum are left out.

    Args:
        state: The request.
        stage_id: Any stage that applies.
        roster: The people.
        now: The moment: delegations and absences.
    """
    status, stage = state.stage(stage_id), state.chain.stage(stage_id)
    if status is None or stage is None:
        return ()
    definitions = {group.id: group for group in stage.groups}
    asks = [
        _ask(state, stage_id, definitions[group.id], roster=roster, now=now, by=group.by)
        for group in status.groups
        if not group.full
    ]
    if stage.distinct and asks and not any(ask.problem for ask in asks):
        given: list[Signature] = [said.said for group in status.groups for said in group.by]
        ways: dict[tuple[str, str], list[str]] = {}
        for ask in asks:
            for asked in ask.asked:
                ways.setdefault((asked.person, asked.principal), []).append(ask.group)
        given += [Supposed(*pair, tuple(groups)) for pair, groups in ways.items()]
        groups = [definitions[group.id] for group in status.groups]
        if not complete(groups, fill(groups, given, distinct=True)):
            problem = "each person fills one seat here, and there are too few people for all seats"
            asks[-1] = replace(asks[-1], problem=problem)
    return tuple(asks)


def _ask(
    state: RequestState,
    stage_id: str,
    group: GroupDef,
    *,
    roster: RosterView,
    now: datetime,
    by: Sequence[SignOff],
) -> Ask:
    also = state.escalated.get(stage_id, ())
    done = {person for said in by for person in (said.actor, said.principal)}
    unfit = done | state.barred
    without = author_roles(state, roster)
    found: list[Asked] = []
    missing: list[str] = []
    for person, roles in holders(roster, group, now, also=also, without_roles=without):
        if person in done:
            continue
        taken = unfit | {asked.person for asked in found}
        path = (
            asked_instead(roster, person, now, roles=roles, unfit=taken)
            if person not in state.barred
            else ()
        )
        if path:
            found.append(Asked(person=path[-1], principal=person, path=path))
        elif person not in {asked.person for asked in found}:
            missing.append(person)
    return Ask(
        stage=stage_id,
        group=group.id,
        need=group.need,
        have=len(by),
        asked=tuple(found),
        problem=_problem(group, group.need - len(by) - len(found), missing, state, roster),
    )


def _problem(
    group: GroupDef, short: int, missing: Sequence[str], state: RequestState, roster: RosterView
) -> str:
    if short <= 0:
        return ""
    wrote = [p for p in missing if p in state.barred]
    gone = [p for p in missing if p not in state.barred]
    why = [
        f"{names(roster, people)} {text}"
        for people, text in ((wrote, "wrote or changed the words"), (gone, "away"))
        if people
    ]
    reason = f": {'; '.join(why)}" if why else ": nobody else holds the role"
    return f"{group.id} is short of {short}{reason}"


def whose_turn(state: RequestState, roster: RosterView, now: datetime) -> Turn:
    """What a request waits for at ``now``, and whom."""
    match state.state:
        case State.DRAFTED | State.RETURNED:
            return Turn(kind="revise", people=(state.author,) if state.author else ())
        case State.IN_REVIEW:
            stage = state.chain.stage(state.waiting)
            if stage is not None and stage.auto:
                return Turn(kind="check")
            asks = asks_of(state, state.waiting, roster, now)
            people = dict.fromkeys(a.person for ask in asks for a in ask.asked)
            return Turn(kind="sign", people=tuple(people), asks=asks)
        case State.BLOCKED if state.verdict is Trigger.NO_STAGE_APPLIES:
            return Turn(kind="unlock", people=_override_holders(state, roster, now))
        case State.BLOCKED:
            by = dict.fromkeys(s.actor for s in state.standing("stands"))
            return Turn(kind="lift", people=tuple(by))
        case State.HELD:
            people = {
                m.id: None
                for m in roster.members
                if m.id not in state.owners & state.barred
                for stage in state.stages
                if stage.groups and seats_of(state, stage.id, m.id, roster, now)
            }
            return Turn(kind="look", people=tuple(people))
        case State.CLEARED:
            return Turn(kind="release", people=(state.author,))
    owed = [debt for debt in state.debts if debt.done_at is None]
    if not owed:
        return Turn(kind="nobody")
    reviewers = {
        m.id: None
        for m in roster.members
        for debt in owed
        if m.id not in debt.hands and roster.holds_any(m.id, debt.rule.roles, now)
    }
    return Turn(kind="review", people=tuple(reviewers))


def _override_holders(state: RequestState, roster: RosterView, now: datetime) -> tuple[str, ...]:
    rule = state.chain.override
    if rule is None:
        return ()
    return tuple(m.id for m in roster.members if roster.holds_any(m.id, rule.roles, now))
