"""What the charter forbids, beside the chain: whose yes is enough, how much, and when words go out.

It is asked at every door: a chain can ask for more than the charter, never for less. Words may go
out when one sign-off that counts is covered by a grant; the yes that would clear them without such
a sign-off is refused, so that nobody learns of it at the release.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from testkit.kernel.clock import zone
from testkit.signoff import events as ev
from testkit.signoff.charter import stand_in_problem
from testkit.signoff.sla import WorkingCalendar, add_working

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testkit.signoff.charter import Charter
    from testkit.signoff.refusal import Question, Refusal
    from testkit.signoff.state import RequestState

__all__ = ["refuse_by_charter"]


def refuse_by_charter(q: Question, event: ev.Event) -> Refusal | None:
    """Why the charter forbids an event that the chain would take; None when it does not."""
    charter = q.charter
    if charter is None:
        return None
    facts: Mapping[str, Any] = q.state.facts
    if isinstance(event, ev.Submitted | ev.Edited) and event.facts is not None:
        facts = event.facts
    forward = isinstance(
        event, ev.Submitted | ev.Edited | ev.Overridden | ev.LaneEntered | ev.Released
    )
    over = _over(charter, facts) if forward or _yes(event) else ""
    if over:
        return q.no("charter", over, f"{_signers(charter)} can raise the limit: edit charter.yaml")
    match event:
        case ev.Overridden(actor=actor) if charter.override is not None:
            if not q.roster.holds_any(actor, charter.override, q.now):
                allowed = " or ".join(charter.override) or "nobody"
                return q.no(
                    "charter", f"under the charter {allowed} may override, not {q.who(actor)}"
                )
        case ev.LaneEntered() if not charter.fast_lane:
            return q.no("charter", "the charter has no fast lane", "the stages of the chain decide")
        case ev.Signed() if event.decision.approves:
            return _signed(q, charter, event)
        case ev.Released():
            return _released(q, charter)
    return None


def _yes(event: ev.Event) -> bool:
    return isinstance(event, ev.Signed) and event.decision.approves


def _over(charter: Charter, facts: Mapping[str, Any]) -> str:
    most, spend = charter.max_spend_cents, facts.get("spend_cents")
    if most is None:
        return ""
    if isinstance(spend, bool) or not isinstance(spend, int | float):
        return "the charter limits spending, and spend_cents is not stated"
    if spend <= most:
        return ""
    return f"spend_cents is {spend}, and the charter ends at {most}"


def _signers(charter: Charter) -> str:
    return " or ".join(charter.signed_by)


def _signed(q: Question, charter: Charter, event: ev.Signed) -> Refusal | None:
    stage = q.chain.stage(event.stage)
    principal = q.roster.get(event.seat)
    needed = {role for g in stage.groups for role in g.roles} if stage else set()
    for step in event.path[1:]:
        member = q.roster.get(step)
        problem = stand_in_problem(
            charter,
            needed & (principal.roles if principal else set()),
            member.roles if member else (),
        )
        if problem:
            return q.no("charter", f"{q.who(step)} may not sign for {q.who(event.seat)}: {problem}")
    own = principal.roles if principal else frozenset()
    if charter.covers(own, q.state.facts) or _covered(q, charter) or not _completes(q.state, event):
        return None
    return _uncovered(
        q, charter, f"{q.who(event.actor)}'s would be the last yes, and it is not enough"
    )


def _covered(q: Question, charter: Charter) -> bool:
    """Whether a yes that counts is enough, in the roles in which it was given."""
    for said in q.state.standing("counts"):
        member = q.roster.get(said.principal)
        # Sign-offs from before roles were written down are asked of the people of now.
        roles = said.said.roles or (member.roles if member else ())
        if charter.covers(roles, q.state.facts):
            return True
    return False


def _uncovered(q: Question, charter: Charter, what: str) -> Refusal:
    covering = charter.covering(q.state.facts)
    facts = ", ".join(f"{name} {value}" for name, value in sorted(q.state.facts.items()))
    if covering:
        hint = f"ask {' or '.join(covering)}"
    else:
        hint = f"no role may; {_signers(charter)} can change charter.yaml, or somebody overrides"
    return q.no("charter", f"{what} under the charter with these facts ({facts})", hint)


def _completes(state: RequestState, event: ev.Signed) -> bool:
    """Whether this yes would be the last that the chain waits for."""
    if any(s.status in {"waiting", "later"} and s.id != event.stage for s in state.stages):
        return False
    status, stage = state.stage(event.stage), state.chain.stage(event.stage)
    if status is None or stage is None:
        return False
    missing = [group for group in status.groups if not group.full]
    if stage.distinct and len(missing) > 1:
        return False
    return all(g.id in event.groups and g.need - g.have == 1 for g in missing)


def _released(q: Question, charter: Charter) -> Refusal | None:
    if q.state.cleared_by == "chain" and not _covered(q, charter):
        return _uncovered(q, charter, "no yes to these words is enough")
    if charter.release_hours is None:
        return None
    hours = charter.release_hours
    calendar = WorkingCalendar(zone=zone(q.zone_name), hours=hours.days, holidays=hours.holidays)
    opens = add_working(q.now, timedelta(0), calendar)
    if opens <= q.now:
        return None
    return q.no(
        "too_early",
        f"the charter lets nothing out before {q.when(opens)}",
        "release it then",
        at=opens,
    )
