"""Rules of everything but sign-offs: submit, override, lane, release, stop, review, the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.signoff import events as ev
from testkit.signoff.model import auth_rank
from testkit.signoff.sla import actions_due
from testkit.signoff.standins import names, seats_of
from testkit.signoff.table import State

if TYPE_CHECKING:
    from testkit.signoff.refusal import Question, Refusal

__all__ = ["refuse_power"]


def refuse_power(q: Question, event: ev.Event) -> Refusal | None:
    """Why anything but a sign-off is not for this actor, or not now; None when it is."""
    match event:
        case ev.Submitted():
            return _submitted(q, event)
        case ev.Checked(stage=stage_id):
            stage = q.chain.stage(stage_id)
            if stage is None or not stage.auto:
                return q.no("input", f"no stage of automatic checks is called {stage_id!r}")
        case ev.Reminded() | ev.Escalated() | ev.Expired():
            return _clockwork(q, event)
        case ev.Overridden():
            return _overridden(q, event)
        case ev.LaneEntered():
            return _lane(q, event)
        case ev.Reviewed():
            return _reviewed(q, event)
        case ev.Released():
            return _released(q)
        case ev.Withdrawn() if event.actor not in q.state.owners:
            return q.no(
                "unauthorised",
                f"only {names(q.roster, sorted(q.state.owners))} can withdraw the request",
                "return or block it instead",
            )
        case ev.Killed(reason=reason) | ev.Recalled(reason=reason):
            return _stopped(q, event, reason)
        case ev.Corrected(by=by):
            if not by or by == q.state.request:
                return q.no("input", "a correction names the request that corrects this one")
        case ev.Reopened():
            return _reopened(q, event)
        case ev.FactsChecked():
            return _facts_checked(q, event)
        case ev.Commented() if not (event.note.strip() or event.suggests):
            return q.no("input", "a comment without words", "say what you mean, or suggest words")
    return None


def _submitted(q: Question, event: ev.Submitted) -> Refusal | None:
    state = q.state
    if state.state is State.DRAFTED:
        if (event.chain, event.chain_version) != (q.chain.id, q.chain.version):
            return q.no(
                "input",
                f"submitted under chain {event.chain} {event.chain_version!r}, but"
                f" {q.chain.id} {q.chain.version!r} is in force",
                "submit again under the version in force",
            )
        if not event.request:
            return q.no("input", "a submission names its request")
        if not q.roster.here(event.author or event.actor, q.now):
            return q.no("input", f"the author {event.author!r} is not on the roster")
        return None
    if event.actor not in state.hands:
        return q.no(
            "unauthorised",
            f"{q.who(event.actor)} did not write or change these words",
            f"{names(q.roster, sorted(state.hands))} can submit them again",
        )
    return None


def _clockwork(q: Question, event: ev.Reminded | ev.Escalated | ev.Expired) -> Refusal | None:
    kinds = {
        ev.Escalated: {"escalate"},
        ev.Expired: {"expire"},
    }
    wanted = kinds.get(type(event)) or {getattr(event, "level", "")}
    for action in actions_due(q.state, q.now, q.calendar):
        if action.kind in wanted and action.stage == event.stage:
            if isinstance(event, ev.Escalated) and not set(event.to) <= set(action.to):
                return q.no(
                    "input", f"stage {event.stage} escalates to {', '.join(action.to)} only"
                )
            return None
    return q.no("not_due", f"{event.kind} of stage {event.stage or '(request)'} is not due now")


def _overridden(q: Question, event: ev.Overridden) -> Refusal | None:
    rule = q.chain.override
    if rule is None:
        return q.no(
            "unauthorised", "this chain has no override", "wait for its stages, or withdraw"
        )
    if not q.roster.holds_any(event.actor, rule.roles, q.now):
        return q.no(
            "unauthorised",
            f"{q.who(event.actor)} may not override",
            f"{' or '.join(rule.roles)} may, in person",
        )
    if auth_rank(event.auth) < auth_rank(rule.min_auth):
        return q.no(
            "weak_auth", f"an override asks for {rule.min_auth}, not {event.auth}", "sign in"
        )
    if not event.reason.strip():
        return q.no("input", "an override needs its reason", "say why it cannot wait")
    return None


def _lane(q: Question, event: ev.LaneEntered) -> Refusal | None:
    lane = q.chain.fast_lane
    if lane is None:
        return q.no("condition", "this chain has no fast lane")
    problems = []
    if event.template not in lane.templates:
        problems.append(f"template {event.template!r} is not pre-cleared")
    if lane.valid_until is not None and q.now >= lane.valid_until:
        problems.append(f"the lane closed at {q.when(lane.valid_until)}")
    problems += lane.beyond(q.state.facts, q.chain.levels)
    failed = [name for stage in q.state.stages for name in stage.checks_failed]
    if failed:
        problems.append(f"these words failed {', '.join(failed)}")
    if not problems:
        return None
    return q.no("condition", "; ".join(problems), "the stages of the chain decide")


def _reviewed(q: Question, event: ev.Reviewed) -> Refusal | None:
    owed = [debt for debt in q.state.debts if debt.done_at is None]
    if not event.of or not {debt.of for debt in owed} >= set(event.of):
        listed = ", ".join(debt.of for debt in owed) or "nothing"
        return q.no("state", f"a review is owed of: {listed}")
    for debt in owed:
        if debt.of not in event.of:
            continue
        if event.actor in debt.hands:
            pause = debt.rule.self_after
            if pause is None or q.now < debt.since + pause:
                return q.no(
                    "own_words",
                    f"{q.who(event.actor)} had a hand in it; the review is by somebody else",
                    f"they may look again themselves from {q.when(debt.since + pause)}"
                    if pause
                    else f"{' or '.join(debt.rule.roles)} can do it",
                )
        elif not q.roster.holds_any(event.actor, debt.rule.roles, q.now):
            return q.no(
                "unauthorised",
                f"{q.who(event.actor)} may not do the review of the {debt.of}",
                f"{' or '.join(debt.rule.roles)} can do it",
            )
    return None


def _released(q: Question) -> Refusal | None:
    earliest = q.state.release_at
    if earliest is None or q.now >= earliest:
        return None
    embargo = q.state.embargo_until == earliest
    return q.no(
        "too_early",
        f"{'under embargo' if embargo else 'planned'} until {q.when(earliest)}",
        "wait, or plan anew" if embargo else "it goes out then; to change that, plan anew",
        at=earliest,
    )


def _stopped(q: Question, event: ev.Event, reason: str) -> Refusal | None:
    if isinstance(event, ev.Recalled) and q.state.released is None:
        return q.no("state", "it never went out, so there is nothing to recall")
    if not reason.strip():
        return q.no("input", f"say why it is {event.kind}")
    listed = (
        *q.chain.stop.roles,
        *(q.chain.override.roles if q.chain.override else ()),
        *(name for s in q.chain.stages for g in s.groups for name in (*g.roles, *g.people)),
    )
    if event.actor in q.state.owners or q.roster.holds_any(event.actor, listed, q.now):
        return None
    return q.no(
        "unauthorised",
        f"{q.who(event.actor)} may not stop this",
        f"{' or '.join(dict.fromkeys(listed))} may, and the author",
    )


def _reopened(q: Question, event: ev.Reopened) -> Refusal | None:
    if not event.as_request or event.as_request == q.state.request:
        return q.no("input", "re-opening makes a new request: name it")
    if q.state.reopened_as:
        return q.no(
            "state",
            f"already re-opened as {q.state.reopened_as}",
            f"open {q.state.reopened_as}",
        )
    return None


def _facts_checked(q: Question, event: ev.FactsChecked) -> Refusal | None:
    if q.state.facts_changed_at is None:
        return q.no("state", "no change of the facts waits for a look")
    if event.actor in q.state.barred & q.state.owners:
        return q.no(
            "own_words",
            f"{q.who(event.actor)} wrote these words; an approver must look",
        )
    seated = [
        stage
        for stage in q.chain.stages
        if (status := q.state.stage(stage.id)) is not None
        and status.groups
        and seats_of(q.state, stage.id, event.actor, q.roster, q.now)
    ]
    if not seated:
        return q.no("unauthorised", f"{q.who(event.actor)} is not an approver of these words")
    if all(auth_rank(event.auth) < auth_rank(stage.min_auth) for stage in seated):
        return q.no(
            "weak_auth",
            f"stage {seated[0].id} asks for {seated[0].min_auth}, and this came with {event.auth}",
            "sign in first",
        )
    return None
