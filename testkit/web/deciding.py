"""What a person may say now, and saying it: once through a link, or in a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.errors import InputError, KitError, NotAuthorisedError, StateError
from testkit.signoff import service
from testkit.signoff.admission import decide
from testkit.signoff.events import Withdrawn
from testkit.signoff.model import Decision
from testkit.signoff.office import office_of
from testkit.web import links

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from testkit.kernel.ledger import Auth
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.charter import Charter
    from testkit.signoff.model import RosterView
    from testkit.signoff.service import Request
    from testkit.signoff.sla import WorkingCalendar
    from testkit.signoff.state import RequestState
    from testkit.web.links import Link

__all__ = [
    "NEEDS_NOTE",
    "Offer",
    "Options",
    "heard_of",
    "in_session",
    "options",
    "read_decision",
    "require_here",
    "spoken",
    "stage_for",
    "through_link",
]

NEEDS_NOTE: Final = {
    Decision.RETURN: "say what has to change",
    Decision.BLOCK: "say why",
}
"""Decisions that help nobody without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A decision that would be taken now.

    Attributes:
        decision: What would be said.
        stage: In which stage; empty for the author who withdraws the whole request.
    """

    decision: Decision
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one person may say about one revision now.

    Attributes:
        offers: The decisions that would be taken.
        refusal: Why a plain yes would not be; None when it would.
    """

    offers: tuple[Offer, ...]
    refusal: KitError | None


def options(
    state: RequestState,
    person: str,
    roster: RosterView,
    now: datetime,
    *,
    revision: str,
    stage: str = "",
    auth: Auth,
    zone_name: str,
    calendar: WorkingCalendar | None = None,
    charter: Charter | None = None,
) -> Options:
    """Ask the machine about every decision; record none.

    Args:
        state: The request.
        person: Who would decide.
        roster: The people as of now.
        now: The moment.
        revision: The words that the person sees.
        stage: The stage that a link is bound to; empty in a session.
        auth: How they proved who they are.
        zone_name: IANA zone in which moments are named.
        calendar: The organisation's working hours.
        charter: What the executive has signed.
    """
    offers, refusal = [], None
    for decision in Decision:
        try:
            event = decide(
                state,
                person,
                decision,
                roster,
                now,
                revision=revision,
                stage=stage,
                auth=auth,
                zone_name=zone_name,
                calendar=calendar,
                charter=charter,
            )
        except KitError as cause:
            if decision is Decision.APPROVE:
                refusal = cause
        else:
            at = "" if isinstance(event, Withdrawn) else event.stage
            offers.append(Offer(decision=decision, stage=at))
    return Options(offers=tuple(offers), refusal=refusal)


def stage_for(workspace: Workspace, request: Request, person: str, *, stage: str = "") -> str:
    """The stage in which a link lets a person decide now: the one asked for, else theirs.

    Raises:
        KitError: They could not approve through a link: no seat, not their turn, sign-in needed ...
    """
    with workspace.db.read() as conn:
        office = office_of(conn, workspace)
    event = decide(
        request.state,
        person,
        Decision.APPROVE,
        office.roster,
        workspace.clock(),
        revision=request.revision.id,
        stage=stage,
        auth="link",
        calendar=office.calendar,
        zone_name=office.zone_name,
        charter=office.charter,
    )
    assert not isinstance(event, Withdrawn)
    return event.stage


def read_decision(form: Mapping[str, str]) -> tuple[Decision, str]:
    """The decision and the note of a form.

    Raises:
        InputError: It names no decision, or lacks the note that this decision needs.
    """
    given = form.get("decision", "")
    if given not in set(Decision):
        raise InputError("choose one of the decisions", field="decision", value=given)
    decision, note = Decision(given), form.get("note", "").strip()
    if not note and decision in NEEDS_NOTE:
        raise InputError(
            f"a note is needed here: {NEEDS_NOTE[decision]}",
            field="note",
        )
    return decision, note


def heard_of(form: Mapping[str, str]) -> int:
    """How many decisions of the person the page had shown; none when it does not say."""
    text = form.get("heard", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def in_session(
    workspace: Workspace,
    revision: str,
    decision: Decision,
    *,
    person: str,
    note: str,
    stage: str,
    heard: int | None = None,
) -> Request:
    """Decide as somebody who is signed in; the same form sent twice is taken once.

    Raises:
        KitError: As :func:`testkit.signoff.service.sign`.
    """
    try:
        request, _ = service.sign(
            workspace, revision, decision, person=person, note=note, stage=stage, heard=heard
        )
    except StateError:
        with workspace.db.read() as conn:
            request = service.find(conn, revision)
        if decision is Decision.WITHDRAW and _taken_back(request.state, person):
            return request
        raise
    return request


def _taken_back(state: RequestState, person: str) -> bool:
    if isinstance(state.ended_by, Withdrawn) and state.ended_by.actor == person:
        return True
    mine = [s for s in state.signoffs if s.actor == person]
    return bool(mine) and all(s.standing in {"gone", "superseded"} for s in mine)


def through_link(
    workspace: Workspace,
    link: Link,
    decision: Decision,
    *,
    note: str,
    heard: int | None = None,
) -> None:
    """Decide with a one-time link: one decision, however often its form is sent.

    Args:
        workspace: The workspace; its actor is the person of the link.
        link: A decision link.
        decision: What is said.
        note: With which words.
        heard: What of the person's decisions the page showed (:func:`heard_of`).

    Raises:
        GoneError: The link has expired or was taken back, and nothing was decided with it yet.
        StateError: It was used for another decision.
        KitError: The decision was refused; the link can still be used.
    """
    now, zone_name = workspace.clock(), workspace.config.organisation.zone
    with workspace.db.write() as conn:
        link = links.by_id(conn, link.id)
        if link.settled_at is None:  # used or not: nothing was decided with it yet
            links.require_in_force(link, now=now, zone_name=zone_name)
        mine = links.claim(conn, link, use=decision.value, now=now)
        link = links.by_id(conn, link.id)
    if not mine:
        if link.used_for != decision.value:
            raise StateError(
                f"this link was used before, to {spoken(link.used_for or '')}",
                current="used",
                hint="sign in to change your mind",
            )
        if link.settled_at:
            return
    try:
        service.sign(
            workspace,
            link.revision,
            decision,
            person=link.person,
            note=note,
            stage=link.stage,
            heard=heard,
        )
    except KitError:
        if mine:
            with workspace.db.write() as conn:
                links.release(conn, link)
        raise
    with workspace.db.write() as conn:
        links.settle(conn, link, now=now)


def spoken(decision: str) -> str:
    """A decision inside a sentence."""
    return decision.replace("_", " ")


def require_here(workspace: Workspace, person: str) -> None:
    """Check that a person is in the roster, has joined and has not left.

    Raises:
        NotAuthorisedError: They are not here.
    """
    known, now = workspace.roster.get(person), workspace.clock()
    if known is None or not known.here(now):
        early = known is not None and known.joined is not None and now < known.joined
        raise NotAuthorisedError(
            f"{person} has not joined yet"
            if early
            else f"{person} is no longer in the list of people here",
            hint="if that is a mistake, ask the person who keeps people.yaml",
        )
