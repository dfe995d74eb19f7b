"""schedule: releases that wait for their moment, and what follows when one is stopped."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from responders.release.effects import stop_of
from responders.services.release import keep_effects, release
from responders.store import drafts, releases
from testkit.errors import InputError, KitError, NotAuthorisedError, StateError
from testkit.kernel import ledger
from testkit.kernel.clock import from_text, shown, to_text
from testkit.kernel.ids import new_id
from testkit.kernel.workspace import replace_file
from testkit.outbox import store as outbox
from testkit.outbox.letter import one_line
from testkit.signoff import events as ev
from testkit.signoff import service as signoff
from testkit.signoff.table import State

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.kernel.ledger import Auth
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["Due", "plan", "release_due", "take_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What became of one plan.

    Attributes:
        plan: The plan.
        outcome: Id of the release, or why there is none.
        released: Whether there is one.
    """

    plan: releases.PlanRow
    outcome: str
    released: bool


def plan(
    workspace: Workspace, given: str, *, at: datetime | None, embargo: datetime | None
) -> releases.PlanRow:
    """Plan a release: at the later of a moment and an embargo.

    Args:
        workspace: The workspace.
        given: Draft, request or revision id, cleared or under review.
        at: When it is to go out; None means as soon as the embargo is over.
        embargo: Not before.

    Raises:
        InputError: No moment is given; it has passed; or it leaves less than the chain's lead time.
        StateError: The request has ended.
    """
    now, actor = workspace.clock(), workspace.actor
    moments = [m for m in (at, embargo) if m is not None]
    if not moments:
        raise InputError("say when, or until when it is under embargo", field="at")
    moment = max(moments)
    with workspace.db.write() as conn:
        request = signoff.find(conn, given)
        state = request.state
        if state.state in signoff.ENDED:
            raise StateError(f"{request.row.id} is {state.state.value}", current=state.state.value)
        lead = timedelta(minutes=state.chain.options.lead_minutes)
        needed = now if state.state is State.CLEARED else now + lead
        if moment < needed:
            shown_at = shown(moment, zone_name=workspace.config.organisation.zone)
            raise InputError(
                f"{shown_at} is too early: the chain asks for {lead} between the last yes and the"
                " sending"
                if moment >= now
                else f"{shown_at} has passed",
                field="at",
                value=to_text(moment),
                hint="choose a later moment, or release now without --at",
            )
        before = releases.plan_of(conn, request.row.id)
        if before is not None:
            releases.end(conn, before.id, "planned anew", now=now)
        row = releases.PlanRow(
            id=new_id("plan", now=now),
            request=request.row.id,
            draft=request.row.subject.removeprefix("draft/"),
            publish_at=to_text(moment),
            made_at=to_text(now),
            by=actor.name,
            auth=actor.auth,
        )
        releases.add(conn, row)
        _told(conn, workspace, request, by=actor, at=at, embargo=embargo)
        ledger.append(
            conn,
            kind="release.planned",
            subject=request.row.subject,
            actor=actor,
            payload={"plan": row.id, "request": row.request, "publish_at": row.publish_at},
            now=now,
        )
    return row


def _told(
    conn: Connection,
    workspace: Workspace,
    request: signoff.Request,
    *,
    by: ledger.Actor,
    at: datetime | None,
    embargo: datetime | None,
) -> None:
    """The request learns its moments: no words change, so every sign-off stands.

    From here on a yes that comes too late for the planned moment is refused to whoever gives it,
    and a release before the later of both is refused whoever asks.
    """
    state = request.state
    if (state.publish_at, state.embargo_until) == (at, embargo):
        return
    event = ev.Edited(
        at=workspace.clock(),
        actor=by.name,
        via=by.via,
        auth=by.auth,
        revision=state.revision,
        digest=state.digest,
        changed=("schedule",),
        rescheduled=True,
        publish_at=at,
        embargo_until=embargo,
    )
    signoff.record(conn, workspace, request.row.id, event)


def take_back(workspace: Workspace, given: str) -> releases.PlanRow:
    """Take a plan back.

    Raises:
        StateError: None stands.
    """
    now = workspace.clock()
    with workspace.db.write() as conn:
        request = signoff.find(conn, given)
        row = releases.plan_of(conn, request.row.id)
        if row is None:
            raise StateError(f"no release of {given} is planned", current="not planned")
        releases.end(conn, row.id, f"taken back by {workspace.actor.name}", now=now)
        if request.state.state not in signoff.ENDED:
            _told(conn, workspace, request, by=workspace.actor, at=None, embargo=None)
        ledger.append(
            conn,
            kind="release.unplanned",
            subject=request.row.subject,
            actor=workspace.actor,
            payload={"plan": row.id, "request": row.request},
            now=now,
        )
    return row


def release_due(workspace: Workspace) -> list[Due]:
    """Carry out every plan whose moment has come, and every stop; harmless to repeat."""
    with workspace.db.read() as conn:
        plans = releases.open_plans(conn)
    done = [due for row in plans if (due := _carry_out(workspace, row)) is not None]
    _stops(workspace)
    return done


def _carry_out(workspace: Workspace, row: releases.PlanRow) -> Due | None:
    now = workspace.clock()
    with workspace.db.read() as conn:
        request = signoff.load(conn, row.request)
    state = request.state
    if state.state in signoff.ENDED:
        why = f"not sent: the request was {state.state.value}"
        return _missed(workspace, row, why, tell=state.state is not State.RELEASED)
    moment = max(from_text(row.publish_at), state.release_at or from_text(row.publish_at))
    if now < moment:
        return None
    if state.state is not State.CLEARED:
        where = f" in the stage {state.waiting}" if state.waiting else ""
        return _missed(workspace, row, f"not sent: it was {state.state.value}{where} at its moment")
    lead = timedelta(minutes=state.chain.options.lead_minutes)
    late = state.cleared_at is not None and state.cleared_at > moment - lead
    if late and state.cleared_at is not None and state.cleared_at > from_text(row.made_at):
        return _missed(workspace, row, f"not sent: the last yes came less than {lead} before")
    by = ledger.Actor(name=row.by, via="tick", auth=cast("Auth", row.auth))
    try:
        pack = release(workspace, row.request, actor=by)
    except KitError as cause:
        return _missed(workspace, row, f"not sent: {cause}")
    return Due(plan=row, outcome=pack.row.id, released=True)


def _missed(workspace: Workspace, row: releases.PlanRow, why: str, *, tell: bool = True) -> Due:
    now = workspace.clock()
    with workspace.db.write() as conn:
        releases.end(conn, row.id, why, now=now)
        request = signoff.load(conn, row.request)
        if request.state.state not in signoff.ENDED:
            by = ledger.Actor(name=row.by, via="tick", auth=cast("Auth", row.auth))
            # The moment is over, so no yes can be too late for it; an embargo is never lifted.
            # A planner who has left lifts nothing (somebody plans anew), nor does one whose request
            # has run out of time.
            with contextlib.suppress(NotAuthorisedError, StateError):
                embargo = request.state.embargo_until
                _told(conn, workspace, request, by=by, at=None, embargo=embargo)
        ledger.append(
            conn,
            kind="release.missed",
            subject=f"draft/{row.draft}",
            actor=ledger.Actor(name="system", via="tick", auth="none"),
            payload={"plan": row.id, "request": row.request},
            now=now,
        )
        person = workspace.roster.get(row.by)
        mail = workspace.config.delivery.mail
        if tell and person is not None and person.email and (mail.host or mail.folder):
            title = one_line(request.row.title)
            when = shown(from_text(row.publish_at), zone_name=workspace.config.organisation.zone)
            outbox.add(
                conn,
                key=f"mail:missed:{row.id}",
                kind="missed",
                about=f"request/{row.request}",
                channel="mail",
                person=row.by,
                subject=f"{title}: {one_line(why)}",
                body=f"Hello {person.name},\n\nyou planned this for {when}. {one_line(why)}.\n",
                now=now,
            )
    return Due(plan=row, outcome=why, released=False)


def _stops(workspace: Workspace) -> None:
    """Carry a kill, recall or correction on: to messages that wait, to programs, to the folder."""
    with workspace.db.read() as conn:
        found = conn.execute(
            "SELECT r.id, e.kind, e.event FROM release r JOIN request_event e"
            " ON e.request = r.request WHERE e.kind IN ('killed', 'recalled', 'corrected')"
            " ORDER BY e.rowid"
        ).fetchall()
        rows = {row["id"]: drafts.release(conn, row["id"]) for row in found}
    for stop in found:
        _stop(workspace, rows[stop["id"]], stop["kind"], event=stop["event"])


def _stop(workspace: Workspace, row: drafts.ReleaseRow, how: str, *, event: str) -> None:
    import json

    said = json.loads(event)
    note = workspace.root / row.folder / f"{how.upper()}.txt"
    if note.exists():
        return
    with workspace.db.write() as conn:
        new = drafts.releases(conn, request=said["by"]) if how == "corrected" else []
        reason = f"by {new[0].id}" if new else str(said.get("reason", ""))
        if how != "corrected":
            outbox.drop_about(
                conn, f"release/{row.id}", kinds=("released",), problem=f"the release was {how}"
            )
        if not row.practice:
            channels = workspace.config.channels
            keep_effects(
                conn, workspace, row, stop_of(row.id, how, reason=reason, channels=channels)
            )
    # Last: while it is missing, all of this is done again, and doubles nothing.
    replace_file(note, f"This release was {how}.\n\n{reason}\n")
