"""Rules of a sign-off: which seat, whose words, which turn, and what it would still add."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from testkit.errors import InputError
from testkit.signoff.conditions import applies, comparisons, phrase
from testkit.signoff.model import Decision, auth_rank
from testkit.signoff.quorum import Signature, fill
from testkit.signoff.remedies import ask_others, how_to_be_let_in
from testkit.signoff.routes import told
from testkit.signoff.standins import Seat, names, seats_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.signoff.events import Signed
    from testkit.signoff.model import GroupDef, StageDef
    from testkit.signoff.refusal import Question, Refusal
    from testkit.signoff.state import SignOff, StageStatus

__all__ = ["already_decided", "find_seat", "refuse_repeat", "refuse_sign_off"]


def find_seat(
    q: Question, person: str, decision: Decision, *, stage: str, principal: str
) -> tuple[str, Seat | None]:
    """The stage and seat that a person means when they say no more than their decision."""
    if decision is Decision.WITHDRAW:
        return _seat_to_free(q, person, stage=stage, principal=principal)
    order = [s.id for s in q.state.stages if s.status != "skipped" and s.groups]
    if stage:
        order = [stage]
    elif q.state.waiting in order:
        order.sort(key=lambda stage_id: stage_id != q.state.waiting)
    for stage_id in order:
        seats = [
            seat
            for seat in seats_of(q.state, stage_id, person, q.roster, q.now)
            if not principal or seat.principal == principal
        ]
        if seats:
            return stage_id, _best(q, stage_id, seats, decision)
    if not stage:
        # Whoever belongs to a stage that is not asked hears of that one, not of somebody else's.
        for skipped in q.chain.stages:
            if skipped.id not in order and _groups_of(q, skipped, person):
                return skipped.id, None
    return stage or q.state.waiting or (order[0] if order else ""), None


def _best(q: Question, stage_id: str, seats: list[Seat], decision: Decision) -> Seat:
    if not decision.approves:
        return seats[0]
    status = q.state.stage(stage_id)
    open_groups = {g.id for g in status.groups if not g.full} if status else set()
    # A seat that can still help comes first, then one that is not barred, then their own.
    return min(
        seats,
        key=lambda s: (
            open_groups.isdisjoint(s.groups),
            not q.state.barred.isdisjoint(s.path),
            len(s.path),
        ),
    )


def _seat_to_free(
    q: Question, person: str, *, stage: str, principal: str
) -> tuple[str, Seat | None]:
    mine: list[SignOff] = [
        s
        for s in q.state.standing("stands", "counts", "outdated", "barred")
        if (not stage or s.stage == stage)
        and (not principal or s.principal == principal)
        and _may_free(q, person, s)
    ]
    if not mine:
        return stage or q.state.waiting, None
    # An objection first: it is what holds the words up. Their own before somebody else's.
    said = min(
        reversed(mine),
        key=lambda s: (s.standing != "stands", person not in (s.actor, s.principal)),
    )
    path: tuple[str, ...] = ()
    if person == said.actor:
        path = said.said.path
    elif person != said.principal:
        seats = seats_of(q.state, said.stage, person, q.roster, q.now)
        path = next(seat.path for seat in seats if seat.principal == said.principal)
    return said.stage, Seat(principal=said.principal, path=path, groups=said.groups)


def _may_free(q: Question, person: str, said: SignOff) -> bool:
    if person in (said.actor, said.principal):
        return True
    if said.standing != "stands":
        return False
    try:
        seats = seats_of(q.state, said.stage, person, q.roster, q.now)
    except InputError:
        return False
    return any(seat.principal == said.principal for seat in seats)


def refuse_sign_off(q: Question, event: Signed) -> Refusal | None:
    """Why a sign-off is not for this person, or not now; None when it is."""
    stage, status = q.chain.stage(event.stage), q.state.stage(event.stage)
    if event.decision is Decision.WITHDRAW and (stage is not None or not event.stage):
        return _retracted(q, event)
    if stage is None or status is None:
        if event.stage:
            known = ", ".join(s.id for s in q.chain.stages)
            return q.no("input", f"no stage {event.stage!r}", f"stages: {known}")
        return q.no("condition", "no stage of this chain asks for a sign-off now")
    if stage.auto or status.status == "skipped":
        why = "is done by a machine" if stage.auto else _not_asked(q, stage, stage.groups)
        return q.no("condition", f"stage {stage.id} {why}", "it needs nobody's sign-off")
    refusal = _weak(q, event, stage) or _seated(q, event, stage)
    if refusal is None and event.decision.approves:
        refusal = _approved(q, event, stage, status)
    return refusal


def _groups_of(q: Question, stage: StageDef, person: str) -> list[GroupDef]:
    """The groups of a stage in which a person holds a seat of their own, asked or not."""
    return [group for group in stage.groups if person in q.roster.holders(group, q.now)]


def _not_asked(q: Question, stage: StageDef, groups: Sequence[GroupDef]) -> str:
    """Why a stage, or some of its groups, is not asked: the condition and what fails it."""
    facts, levels = q.state.facts, q.chain.levels
    unmet = [stage.when] if not applies(stage.when, facts, levels) else [g.when for g in groups]
    conditions = [when for when in unmet if when is not None]
    named = dict.fromkeys(part.fact for when in conditions for part in comparisons(when))
    stated = told([(name, facts[name]) for name in named if name in facts])
    asked = " or ".join(phrase(when) for when in conditions)
    return f"does not apply to these facts: it is asked when {asked} (here: {stated})"


def _weak(q: Question, event: Signed, stage: StageDef) -> Refusal | None:
    if auth_rank(event.auth) >= auth_rank(stage.min_auth):
        return None
    return q.no(
        "weak_auth",
        f"stage {stage.id} asks for {stage.min_auth}, and this came with {event.auth}",
        "sign in, and decide in the browser"
        if stage.min_auth == "session"
        else "open the link that was sent to you",
    )


def _seated(q: Question, event: Signed, stage: StageDef) -> Refusal | None:
    who = q.who(event.actor)
    if not event.decision.approves and event.actor in q.state.owners:
        return q.no(
            "own_words",
            f"{who} wrote these words and cannot {event.decision.value} them",
            "withdraw the request instead",
        )
    seats = seats_of(q.state, stage.id, event.actor, q.roster, q.now)
    path = event.path or (event.actor,)
    seat = next((s for s in seats if s.principal == event.seat and s.path == path), None)
    if seat is None:
        status = q.state.stage(stage.id)
        asked = {group.id for group in status.groups} if status else set()
        skipped = [g for g in _groups_of(q, stage, event.actor) if g.id not in asked]
        if skipped:
            what = f"{' and '.join(group.id for group in skipped)} of stage {stage.id}"
            why = _not_asked(q, stage, skipped)
            return q.no("condition", f"{what} {why}", f"it needs nothing from {who}")
        wanted = sorted({role for group in stage.groups for role in group.roles})
        people = sorted({person for group in stage.groups for person in group.people})
        return q.no(
            "unauthorised",
            f"{who} may not sign stage {stage.id}"
            + (f" for {q.who(event.seat)}" if event.seat != event.actor else ""),
            "; ".join(
                filter(
                    None,
                    (
                        f"it asks for {' or '.join((*wanted, *map(q.who, people)))}",
                        how_to_be_let_in(q, event, stage),
                    ),
                )
            ),
        )
    holder = q.roster.get(seat.principal)
    if holder is not None and not holder.roles.issuperset(event.roles):
        other = ", ".join(sorted(set(event.roles) - holder.roles))
        return q.no("unauthorised", f"{q.who(seat.principal)} is not {other}")
    if not set(event.groups) <= set(seat.groups) or not event.groups:
        return q.no(
            "unauthorised",
            f"{who} has no seat in {', '.join(set(event.groups) - set(seat.groups)) or 'any'}"
            f" group of stage {stage.id}",
        )
    return None


def _approved(q: Question, event: Signed, stage: StageDef, status: StageStatus) -> Refusal | None:
    for person in dict.fromkeys((event.actor, event.seat, *event.path)):
        if person in q.state.barred:
            wrote = person in q.state.owners
            objects = any(s.actor == event.actor for s in q.state.standing("stands"))
            return q.no(
                "own_words",
                f"{q.who(person)} {'wrote' if wrote else 'changed'} these words, so their"
                " yes does not count",
                ask_others(q, stage)
                + ("; to lift your own block or return, withdraw it" if objects else ""),
            )
    if status.status == "passed":
        return already_decided(q, stage.id)
    if status.status == "later":
        waiting = q.state.stage(q.state.waiting)
        if waiting is not None and waiting.checks_missing:
            failed = ", ".join(waiting.checks_failed or waiting.checks_missing)
            return q.no(
                "stage_order",
                f"stage {stage.id} comes after stage {waiting.id}, where these words have not"
                f" passed: {failed}",
                "the author corrects the words; what is wrong stands under them",
            )
        return q.no(
            "stage_order",
            f"stage {stage.id} comes after stage {q.state.waiting}, which still waits",
            f"it opens when {q.state.waiting} has passed",
        )
    return _elsewhere(q, event, stage) or _useful(q, event, stage, status) or _lead_time(q, event)


def _elsewhere(q: Question, event: Signed, stage: StageDef) -> Refusal | None:
    if q.chain.options.repeat_signers:
        return None
    for said in q.state.standing("counts"):
        same = {said.actor, said.principal} & {event.actor, event.seat}
        if said.stage != event.stage and same:
            return q.no(
                "unauthorised",
                f"{q.who(event.actor)} already signed stage {said.stage}, and this chain"
                " asks for another person at each stage",
                ask_others(q, stage, *_signers_elsewhere(q, stage)),
                by=said.actor,
                at=said.at,
            )
    return None


def _signers_elsewhere(q: Question, stage: StageDef) -> list[str]:
    return [
        person
        for said in q.state.standing("counts")
        if said.stage != stage.id
        for person in (said.actor, said.principal)
    ]


def _useful(q: Question, event: Signed, stage: StageDef, status: StageStatus) -> Refusal | None:
    """A yes is taken while a group that it is for still needs one."""
    wanted = {group.id for group in status.groups if not group.full}
    if not wanted.isdisjoint(event.groups):
        return None
    if stage.distinct and _adds(q, event, stage, status):
        return None
    return already_decided(q, stage.id, groups=event.groups)


def _adds(q: Question, event: Signed, stage: StageDef, status: StageStatus) -> bool:
    asked = {group.id for group in status.groups}
    groups = [group for group in stage.groups if group.id in asked]
    given: list[Signature] = [s.said for s in q.state.standing("counts") if s.stage == stage.id]
    more: list[Signature] = [*given, event]

    def seated(signatures: list[Signature]) -> int:
        return sum(map(len, fill(groups, signatures, distinct=True).values()))

    return seated(more) > seated(given)


def already_decided(q: Question, stage_id: str, groups: tuple[str, ...] = ()) -> Refusal:
    """The refusal that names who was first."""
    state = q.state
    if state.cleared_by in ("override", "lane"):
        cause = state.override if state.cleared_by == "override" else state.lane
        if cause is not None:
            return q.no(
                "already_decided",
                f"already cleared by {state.cleared_by}, {q.who(cause.actor)} at"
                f" {q.when(cause.at)}",
                by=cause.actor,
                at=cause.at,
            )
    status = state.stage(stage_id)
    given = [
        said
        for group in (status.groups if status else ())
        if not groups or group.id in groups
        for said in group.by
    ] or list(state.standing("counts"))
    if not given:
        return q.no("already_decided", f"stage {stage_id} is already decided")
    last = [said for said in state.signoffs if said in given][-1]
    part = f" for {', '.join(groups)}" if groups else ""
    return q.no(
        "already_decided",
        f"stage {stage_id or last.stage} is already decided{part} by {q.who(last.actor)} at"
        f" {q.when(last.at)}",
        "nothing more is needed; return or block it if it must not go out",
        by=last.actor,
        at=last.at,
    )


def _lead_time(q: Question, event: Signed) -> Refusal | None:
    send, lead = q.state.publish_at, q.chain.options.lead_minutes
    if send is None or q.now + timedelta(minutes=lead) <= send:
        return None
    return q.no(
        "too_late",
        f"the send is planned for {q.when(send)}, and approvals close {lead} minutes before;"
        f" {q.who(event.actor)} came at {q.when(q.now)}",
        "move the send to a later time (that keeps all sign-offs), then approve",
        at=send,
    )


def _retracted(q: Question, event: Signed) -> Refusal | None:
    live = [
        said
        for said in q.state.standing("counts", "stands", "outdated", "barred")
        if said.stage == event.stage and said.principal == event.seat
    ]
    if not live:
        return q.no(
            "state",
            f"{q.who(event.actor)} has nothing to take back"
            + (f" in stage {event.stage}" if event.stage else ""),
            _blockers(q),
        )
    if not any(_may_free(q, event.actor, said) for said in live):
        return q.no(
            "unauthorised",
            f"only {q.who(live[-1].actor)}, their delegate or an override can lift that",
            f"ask {q.who(live[-1].actor)}",
            by=live[-1].actor,
            at=live[-1].at,
        )
    stage = q.chain.stage(event.stage)
    # Lifting an objection moves the words on; taking back a yes only holds them.
    lifts = any(said.standing == "stands" for said in live)
    return _weak(q, event, stage) if lifts and stage is not None else None


def refuse_repeat(q: Question, event: Signed) -> Refusal | None:
    """The same person, the same seat, the same words, the same decision: once is enough."""
    if event.decision is Decision.WITHDRAW:
        return None
    for said in q.state.standing("counts", "stands"):
        same_seat = (said.stage, said.actor, said.principal) == (
            event.stage,
            event.actor,
            event.seat,
        )
        same_words = said.digest == event.digest
        if same_seat and same_words and said.decision is event.decision:
            return q.no(
                "already_decided",
                f"{q.who(event.actor)} already said {event.decision.value} to stage"
                f" {event.stage} at {q.when(said.at)}",
                "nothing more is needed",
                by=said.actor,
                at=said.at,
                repeat=True,
            )
    return None


def _blockers(q: Question) -> str:
    by = q.state.standing("stands")
    return f"it is held up by {names(q.roster, dict.fromkeys(s.actor for s in by))}" if by else ""
