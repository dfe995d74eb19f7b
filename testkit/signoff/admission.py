"""May this event be added now, by this person? Every door asks here, so that all doors agree.

:func:`admissible` answers for any event; :func:`decide` builds an approver's event, with the seat
and groups as the roster stands at this moment, or raises. Callers fold, ask, and append inside
one write transaction: the first valid decision wins, and the next one reads who was first.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from testkit.signoff import events as ev
from testkit.signoff.charter_rules import refuse_by_charter
from testkit.signoff.model import SYSTEM, Decision
from testkit.signoff.powers import refuse_power
from testkit.signoff.refusal import Question, Refusal
from testkit.signoff.signing import already_decided, find_seat, refuse_repeat, refuse_sign_off
from testkit.signoff.sla import expires_at
from testkit.signoff.table import TRANSITIONS, UNDER_REVIEW, State, Trigger, trigger_of

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.signoff.charter import Charter
    from testkit.signoff.model import Auth, RosterView
    from testkit.signoff.refusal import Code
    from testkit.signoff.sla import WorkingCalendar
    from testkit.signoff.state import RequestState

__all__ = ["SKEW", "Refusal", "admissible", "decide"]

SKEW: Final = timedelta(minutes=5)
"""How far a clock may lie behind the last event before we stop trusting it."""

_AFTER: Final[dict[State, str]] = {
    State.EXPIRED: "re-open it as a new request: whistlestop signoff reopen {request}",
    State.WITHDRAWN: "re-open it as a new request: whistlestop signoff reopen {request}",
    State.RELEASED: "correct, kill or recall it: whistlestop signoff correct {request}",
    State.CORRECTED: "see the request that corrects it",
    State.KILLED: "write a new request",
    State.RECALLED: "write a new request",
}


_VERBS: Final[dict[Trigger, str]] = {
    Trigger.RETRACTED: "taken back",
    Trigger.LANE_ENTERED: "sent through the fast lane",
    Trigger.FACTS_CHANGED: "marked as having changed facts",
    Trigger.FACTS_CHECKED: "checked for changed facts",
}


def admissible(
    state: RequestState,
    event: ev.Event,
    roster: RosterView,
    now: datetime,
    *,
    calendar: WorkingCalendar | None = None,
    zone_name: str = "UTC",
    charter: Charter | None = None,
) -> Refusal | None:
    """Whether ``event`` may be added to a request now.

    Args:
        state: The request as folded from everything recorded so far.
        event: What somebody wants to add.
        roster: The people as of now; delegations and absences are read at ``now``.
        now: The moment, aware and in UTC.
        calendar: The organisation's; needed when a stage counts working hours.
        zone_name: IANA zone in which moments are named in messages.
        charter: What the executive has signed; None in practice mode.

    Returns:
        None when it may, else the reason. An admitted event never makes
        :func:`testkit.signoff.chain.fold` raise.
    """
    question = Question(
        state=state,
        roster=roster,
        now=now,
        calendar=calendar,
        zone_name=zone_name,
        charter=charter,
    )
    return _ask(question, event)


def decide(
    state: RequestState,
    person: str,
    decision: Decision,
    roster: RosterView,
    now: datetime,
    *,
    revision: str = "",
    stage: str = "",
    principal: str = "",
    note: str = "",
    via: str = "",
    auth: Auth = "none",
    calendar: WorkingCalendar | None = None,
    zone_name: str = "UTC",
    charter: Charter | None = None,
) -> ev.Signed | ev.Withdrawn:
    """The event of an approver's decision, seat and groups resolved as of now.

    Args:
        state: The request.
        person: Who decides.
        decision: What they say. ``withdraw`` takes back the person's own decision, or lifts
            the block of somebody they stand in for; an author without one withdraws the request.
        roster: The people as of now.
        now: The moment, aware and in UTC.
        revision: The revision that the person has read; the current one if empty.
        stage: The stage; found from the person's seats if empty.
        principal: For whom they sign; themselves where they can, if empty.
        note: Comment, nits, or what to change.
        via: Through what (``cli``, ``web``, ``mail``).
        auth: How they proved who they are.
        calendar: The organisation's; needed when a stage counts working hours.
        zone_name: IANA zone in which moments are named in messages.
        charter: What the executive has signed; None in practice mode.

    Returns:
        An event that is admissible now.

    Raises:
        StaleRevisionError: The words are no longer those that the person read.
        NotAuthorisedError: The person has no seat, or it is their own words.
        StateError: Already decided, too late, expired, or not this stage's turn.
        InputError: The delegations go round in a circle.
    """
    question = Question(
        state=state,
        roster=roster,
        now=now,
        calendar=calendar,
        zone_name=zone_name,
        charter=charter,
    )
    revision = revision or state.revision
    seat_stage, seat = find_seat(question, person, decision, stage=stage, principal=principal)
    event: ev.Signed | ev.Withdrawn
    holder = roster.get(seat.principal) if seat else None
    if decision is Decision.WITHDRAW and seat is None and person in state.owners:
        event = ev.Withdrawn(
            at=now,
            actor=person,
            via=via,
            auth=auth,
            revision=revision,
            digest=state.revisions.get(revision, ""),
            reason=note,
        )
    else:
        event = ev.Signed(
            at=now,
            actor=person,
            via=via,
            auth=auth,
            revision=revision,
            digest=state.revisions.get(revision, ""),
            stage=seat_stage,
            decision=decision,
            principal=seat.principal if seat else principal or person,
            path=seat.path if seat and len(seat.path) > 1 else (),
            groups=seat.groups if seat else (),
            roles=tuple(sorted(holder.roles)) if holder else (),
            note=note,
        )
    refusal = _ask(question, event)
    if refusal is not None:
        raise refusal.error()
    return event


def _ask(q: Question, event: ev.Event) -> Refusal | None:
    repeat = refuse_repeat(q, event) if isinstance(event, ev.Signed) else None
    return (
        repeat
        or _clock(q)
        or _table(q, event)
        or _actor(q, event)
        or _time_left(q, event)
        or _right_words(q, event)
        or (refuse_sign_off(q, event) if isinstance(event, ev.Signed) else refuse_power(q, event))
        or refuse_by_charter(q, event)
    )


def _clock(q: Question) -> Refusal | None:
    last = q.state.last_at
    if last is None or q.now >= last - SKEW:
        return None
    return q.no(
        "clock",
        f"the clock says {q.when(q.now)}, but the last event of"
        f" {q.state.request} is from {q.when(last)}",
        "set this machine's clock, then try again",
        at=last,
    )


def _table(q: Question, event: ev.Event) -> Refusal | None:
    state, trigger = q.state, trigger_of(event)
    if (state.state, trigger) in TRANSITIONS:
        return None
    if trigger is Trigger.APPROVED and state.state in (State.CLEARED, State.HELD):
        return already_decided(q, event.stage if isinstance(event, ev.Signed) else "")
    verb = _VERBS.get(trigger) or trigger.value.replace("_", " ")
    if state.state is State.DRAFTED:
        return q.no("state", f"not {verb}: it was never submitted", "submit it first")
    end = state.ended_by
    if end is None:
        hints = {
            Trigger.RELEASED: _missing(q),
            Trigger.SUBMITTED: f"it is {state.state.value} already; edit it instead",
            Trigger.OVERRIDDEN: "submit it again first",
        }
        return q.no(
            "state",
            f"not {verb}: {state.request} is {state.state.value.replace('_', ' ')}",
            hints.get(trigger, ""),
        )
    code: Code = "expired" if state.state is State.EXPIRED else "state"
    return q.no(
        code,
        f"not {verb}: {state.request} was {state.state.value} by {q.who(end.actor)}"
        f" at {q.when(end.at)}",
        _AFTER.get(state.state, "").format(request=state.request),
        by=end.actor,
        at=end.at,
    )


def _missing(q: Question) -> str:
    """What stands between a request and its release."""
    state = q.state
    match state.state:
        case State.IN_REVIEW:
            return f"stage {state.waiting} has not said yes to these words"
        case State.BLOCKED if state.verdict is Trigger.NO_STAGE_APPLIES:
            return (
                "no stage of the chain applies to these facts: ask for an override,"
                f" whistlestop signoff override {state.request}"
            )
        case State.BLOCKED | State.RETURNED:
            by = state.standing("stands")
            return f"{by[-1].decision.value} by {q.who(by[-1].actor)}" if by else ""
        case State.HELD:
            return (
                "the facts changed since approval: an approver must look first,"
                f" whistlestop signoff facts-checked {state.request}"
            )
    return ""


def _actor(q: Question, event: ev.Event) -> Refusal | None:
    clockwork = isinstance(event, ev.Reminded | ev.Escalated | ev.Expired | ev.Checked)
    anyone = isinstance(
        event, ev.FactsChanged | ev.Released | ev.Reopened | ev.Corrected | ev.LaneEntered
    )
    if event.actor == SYSTEM and (clockwork or anyone):
        return None
    if clockwork:
        return q.no("unauthorised", f"only the clock and the checks record {event.kind!r} events")
    if not q.roster.here(event.actor, q.now):
        member = q.roster.get(event.actor)
        gone = member is not None and member.left is not None
        return q.no(
            "unauthorised",
            f"{q.who(event.actor)} {'left' if gone else 'is not on the roster'}"
            + (f" at {q.when(member.left)}" if gone and member else ""),
            "somebody else in that role, or a delegate, can do it",
        )
    return None


def _time_left(q: Question, event: ev.Event) -> Refusal | None:
    forward = isinstance(
        event, ev.Submitted | ev.Edited | ev.Released | ev.LaneEntered | ev.Overridden
    ) or (isinstance(event, ev.Signed) and event.decision.approves)
    if not forward or q.state.state not in UNDER_REVIEW:
        return None
    end = expires_at(q.state, q.calendar)
    if end is None or q.now < end[0]:
        return None
    return q.no(
        "expired",
        f"{q.state.request} expired at {q.when(end[0])}: {end[2]}",
        f"re-open it as a new request: whistlestop signoff reopen {q.state.request}",
        by=SYSTEM,
        at=end[0],
    )


def _right_words(q: Question, event: ev.Event) -> Refusal | None:
    """Revision and digest: what the event is about must be what is current."""
    state = q.state
    if isinstance(event, ev.Submitted | ev.Edited):
        digest = event.digest or state.digest
        if not digest or not (event.revision or state.revision):
            return q.no("input", "an edit must name its revision and material digest")
        named = event.revision or state.revision
        if state.revisions.get(named, digest) != digest:
            return q.no(
                "input",
                f"revision {named} already stands for other words",
                "give the new words a new revision",
            )
        return None
    if isinstance(event, ev.Checked) and event.digest != state.digest:
        return q.no("stale", "these checks ran on other words", **_stale(q, event))
    named_words = isinstance(
        event, ev.Signed | ev.Overridden | ev.Released | ev.LaneEntered
    ) and not (isinstance(event, ev.Signed) and event.decision is Decision.WITHDRAW)
    if not named_words:
        return None
    if event.revision not in state.revisions:
        return q.no(
            "stale",
            f"{state.request} has no revision {event.revision or '(none named)'}",
            f"open {state.revision} and decide on that one",
            **_stale(q, event),
        )
    if state.revisions[event.revision] != event.digest or event.digest != state.digest:
        return q.no(
            "stale",
            f"revision {event.revision} is no longer current: its words were changed in"
            f" {state.revision}",
            f"open {state.revision}, compare, and decide on that one",
            **_stale(q, event),
        )
    return None


def _stale(q: Question, event: ev.Event) -> dict[str, Any]:
    return {"revision": event.revision, "current": q.state.revision}
