"""release: hand cleared words to the channels, once.

Recorded first, written second: the row in the database is the release. The folder is made from the
revision's words whenever it is missing, and the messages to live channels are kept in the same
transaction as the row, each under a key of its own. However often the process is killed, there is
one release, one folder with exactly the signed words, and one message for each channel and arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from responders.release.effects import effects_of
from responders.release.links import campaign_of
from responders.release.pack import files, outlets_of, words_of
from responders.services.draft import fields_of
from responders.store import audit, drafts, releases
from testkit.errors import StaleRevisionError
from testkit.kernel import ledger, proposals
from testkit.kernel.clock import to_text
from testkit.kernel.digest import digest
from testkit.kernel.ids import new_id
from testkit.kernel.workspace import replace_file
from testkit.outbox import store as outbox
from testkit.signoff import events as ev
from testkit.signoff import service as signoff
from testkit.signoff import store as requests
from testkit.signoff.model import material_digest
from testkit.signoff.table import State

if TYPE_CHECKING:
    from pathlib import Path

    from responders.release.effects import Effect
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["Pack", "corrected", "keep_effects", "release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A released pack.

    Attributes:
        row: The release.
        files: Paths of the pack.
        new: False when it had been released before; the same files were made sure of.
        live: Live channels that it goes to.
        campaign: Its name in links and as an experiment.
    """

    row: drafts.ReleaseRow
    files: tuple[Path, ...]
    new: bool
    live: tuple[str, ...] = ()
    campaign: str = ""


def release(workspace: Workspace, given: str, *, actor: ledger.Actor | None = None) -> Pack:
    """Release the words of a request that is cleared.

    Args:
        workspace: The workspace.
        given: Draft, request or revision id.
        actor: Who releases; the workspace's actor if None.

    Raises:
        StateError: The words are not cleared, or it is too early.
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
        else:
            row, new = _record(conn, workspace, request, draft, actor), True
        fields = requests.revision(conn, row.revision).fields
        live = sorted({m.channel for m in outbox.listed(
            conn, about=f"release/{row.id}", statuses=(*outbox.OPEN, "sent"))})  # fmt: skip
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
        live=tuple(channel.removeprefix("out:") for channel in live),
        campaign=campaign,
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
