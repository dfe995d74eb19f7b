"""release: hand cleared words to the channels, once.

Recorded first, written second: the row in the database is the release. The folder is made from the
revision's words whenever it is missing, and the messages to live channels are kept in the same
transaction as the row, each under a key of its own. However often the process is killed, there is
one release, one folder with exactly the signed words, and one message for each channel and arm.
Asked again it says what became of the first one; what was killed or recalled is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from responders.release.effects import effects_of
from responders.release.links import campaign_of
from responders.release.pack import files, outlets_of, words_of
from responders.services.draft import fields_of
from responders.store import audit, drafts, releases
from testkit.errors import StaleRevisionError, StateError
from testkit.kernel import ledger, proposals
from testkit.kernel.clock import from_text, shown, to_text
from testkit.kernel.digest import digest
from testkit.kernel.ids import new_id
from testkit.kernel.workspace import replace_file
from testkit.outbox import store as outbox
from testkit.signoff import events as ev
from testkit.signoff import service as signoff
from testkit.signoff import store as requests
from testkit.signoff.model import material_digest
from testkit.signoff.office import office_of
from testkit.signoff.standins import no_longer
from testkit.signoff.table import State

if TYPE_CHECKING:
    from pathlib import Path

    from responders.release.effects import Effect
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["Delivery", "Pack", "corrected", "deliveries", "keep_effects", "release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of the messages of a release to one live channel.

    Attributes:
        channel: Its name.
        sent: How many messages its peer took.
        waiting: How many are still to go.
        unclear: How many did not arrive, or nobody knows; a person decides about these.
        kept_back: How many were dropped.
        last_at: When the last one was taken, ISO-8601 text; None for none.
    """

    channel: str
    sent: int
    waiting: int
    unclear: int
    kept_back: int
    last_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A released pack.

    Attributes:
        row: The release.
        files: Paths of the pack.
        new: False when it had been released before; the same files were made sure of.
        deliveries: What became of it on each live channel, by name.
        campaign: Its name in links and as an experiment.
        corrected_by: The release that corrects it; empty for none.
        remarks: Who of those whose yes counts has left, or lost the role, before it went out.
    """

    row: drafts.ReleaseRow
    files: tuple[Path, ...]
    new: bool
    deliveries: tuple[Delivery, ...] = ()
    campaign: str = ""
    corrected_by: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def live(self) -> tuple[str, ...]:
        """Live channels that it goes to, or went to."""
        return tuple(each.channel for each in self.deliveries)


def release(workspace: Workspace, given: str, *, actor: ledger.Actor | None = None) -> Pack:
    """Release the words of a request that is cleared.

    Args:
        workspace: The workspace.
        given: Draft, request or revision id.
        actor: Who releases; the workspace's actor if None.

    Raises:
        StateError: The words are not cleared, it is too early, or what had been released was
            killed or recalled.
        StaleRevisionError: The draft's words are not those that were signed.
        InputError: A live channel's address does not fit these words.
    """
    actor = actor or workspace.actor
    with workspace.db.write() as conn:
        request = signoff.find(conn, given)
        before = drafts.releases(conn, request=request.row.id)
        draft = drafts.get(conn, request.row.subject.removeprefix("draft/"))
        if before:
            row, new = before[0], False
            _refuse_stopped(workspace, request, row, deliveries(conn, row.id))
        else:
            row, new = _record(conn, workspace, request, draft, actor), True
        fields = requests.revision(conn, row.revision).fields
        sent, remarks = deliveries(conn, row.id), _remarks(conn, workspace, request) if new else ()
        end = request.state.ended_by
        newer = drafts.releases(conn, request=end.by) if isinstance(end, ev.Corrected) else []
        about = {**_about(row, corrected(conn, row.request)), "fields": fields}
        plan = releases.plan_of(conn, request.row.id)
        if plan is not None:
            releases.end(conn, plan.id, row.id, now=workspace.clock())
    campaign = campaign_of(draft.issue, row.id)
    words = words_of(fields, campaign=campaign, foreign=outlets_of(draft.facts))
    folder, paths = workspace.root / row.folder, []
    for name, text in files(words, about, practice=row.practice):
        replace_file(folder / name, text)
        paths.append(folder / name)
    return Pack(
        row=row,
        files=tuple(paths),
        new=new,
        deliveries=sent,
        campaign=campaign,
        corrected_by=newer[0].id if newer else "",
        remarks=remarks,
    )


def _remarks(conn: Connection, workspace: Workspace, request: signoff.Request) -> tuple[str, ...]:
    roster, now, state = office_of(conn, workspace).roster, workspace.clock(), request.state
    return tuple(
        f"{roster.name(said.actor)} said {said.decision.value.replace('_', ' ')}"
        f" {shown(said.at, zone_name=workspace.config.organisation.zone)}, and counts: {gone}"
        for said in state.standing("counts")
        if (gone := no_longer(state, said, roster, now))
    )


def deliveries(conn: Connection, release_id: str) -> tuple[Delivery, ...]:
    """What became of a release on each live channel, by name; nothing in practice mode."""
    by_channel: dict[str, list[outbox.Row]] = {}
    for row in outbox.listed(
        conn, about=f"release/{release_id}", statuses=(*outbox.OPEN, "sent", "dropped")
    ):
        if row.kind == "released":
            by_channel.setdefault(row.channel.removeprefix("out:"), []).append(row)
    return tuple(
        Delivery(
            channel=channel,
            sent=sum(row.status == "sent" for row in rows),
            waiting=sum(row.status in {"queued", "failed", "sending", "handed"} for row in rows),
            unclear=sum(row.status in {"unsure", "gave_up"} for row in rows),
            kept_back=sum(row.status == "dropped" for row in rows),
            last_at=max((row.sent_at for row in rows if row.sent_at), default=None),
        )
        for channel, rows in sorted(by_channel.items())
    )


def _refuse_stopped(
    workspace: Workspace,
    request: signoff.Request,
    row: drafts.ReleaseRow,
    sent: tuple[Delivery, ...],
) -> None:
    end, zone_name = request.state.ended_by, workspace.config.organisation.zone
    if not isinstance(end, ev.Killed | ev.Recalled):
        return
    known = workspace.roster.get(end.actor)
    left = [
        f"{each.channel}: {each.sent} delivered"
        + (f", {each.unclear} unclear" if each.unclear else "")
        + (f", {held} kept back" if (held := each.waiting + each.kept_back) else "")
        for each in sent
    ]
    raise StateError(
        f"{row.id} was released {shown(from_text(row.at), zone_name=zone_name)} and {end.kind} by"
        f" {known.name if known else end.actor} {shown(end.at, zone_name=zone_name)}:"
        f" {end.reason}; nothing more of it goes out ({'; '.join(left) or 'no live channel'})",
        current=end.kind,
        hint="for other words, begin a new draft",
    )


def _record(
    conn: Connection,
    workspace: Workspace,
    request: signoff.Request,
    draft: drafts.DraftRow,
    actor: ledger.Actor,
) -> drafts.ReleaseRow:
    fields, now = request.revision.fields, workspace.clock()
    _compare(request, draft)
    release_id = new_id("rel", now=now)
    row = drafts.ReleaseRow(
        id=release_id,
        draft=draft.id,
        request=request.row.id,
        revision=request.revision.id,
        material_digest=request.state.digest,
        folder=f"releases/{release_id}",
        pack_digest=digest(fields),
        practice=proposals.in_practice(conn),
        at=to_text(now),
        by=actor.name,
    )
    event = ev.Released(
        at=now,
        actor=actor.name,
        via=actor.via,
        auth=actor.auth,
        revision=request.revision.id,
        digest=request.state.digest,
        release=release_id,
    )
    signoff.record(conn, workspace, request.row.id, event)
    drafts.add_release(conn, row)
    if not row.practice:
        effects = effects_of(
            fields,
            release=release_id,
            campaign=campaign_of(draft.issue, release_id),
            foreign=outlets_of(draft.facts),
            channels=workspace.config.channels,
            about=_about(row, corrected(conn, row.request)),
        )
        keep_effects(conn, workspace, row, effects)
    ledger.append(
        conn,
        kind="release.made",
        subject=f"draft/{draft.id}",
        actor=actor,
        payload={
            "release": release_id,
            "revision": row.revision,
            "material_digest": row.material_digest,
            "pack_digest": row.pack_digest,
            "practice": row.practice,
            "row_digest": audit.RELEASE.row_digest(conn, row.id),
        },
        now=now,
    )
    return row


def keep_effects(
    conn: Connection, workspace: Workspace, row: drafts.ReleaseRow, effects: tuple[Effect, ...]
) -> int:
    """Put messages of a release into the outbox, each once; returns how many were new."""
    return sum(
        outbox.add(
            conn,
            key=effect.key,
            kind=effect.kind,
            about=f"release/{row.id}",
            channel=effect.channel,
            address=effect.address,
            subject=effect.subject,
            body=effect.body,
            data={**effect.data, "request": row.request},
            careful=effect.careful,
            now=workspace.clock(),
        )
        is not None
        for effect in effects
    )


def corrected(conn: Connection, request: str) -> str:
    """The release that a request's words correct; empty for none."""
    first = requests.events(conn, request)[0]
    old = first.corrects if isinstance(first, ev.Submitted) else ""
    found = drafts.releases(conn, request=old) if old else []
    return found[0].id if found else ""


def _about(row: drafts.ReleaseRow, corrects: str) -> dict[str, Any]:
    return {
        "release": row.id,
        "draft": row.draft,
        "request": row.request,
        "revision": row.revision,
        "material_digest": row.material_digest,
        "pack_digest": row.pack_digest,
        "practice": row.practice,
        "released_at": row.at,
        "released_by": row.by,
        "corrects": corrects or None,
    }


def _compare(request: signoff.Request, draft: drafts.DraftRow) -> None:
    """The words that would go out now against the words that were signed."""
    spend = int(request.revision.fields.get("spend_cents", 0))
    now_digest = material_digest(
        fields_of(draft, draft.content, spend_cents=spend), request.state.chain.material
    )
    if request.state.state is State.CLEARED and now_digest != request.state.digest:
        raise StaleRevisionError(
            f"the words of {draft.id} are not those that were signed",
            revision=request.revision.id,
            current=draft.id,
            hint="nothing was sent; put the draft before the chain again",
        )
