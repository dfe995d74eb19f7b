"""release: hand cleared words to a channel; for now a folder of files.

Recorded first, written second: the row in the database is the release, and the folder is made from
the revision's words whenever it is missing. However often the process is killed, there is one
release and one folder with exactly the signed words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from responders.services.draft import fields_of
from responders.store import audit, drafts
from testkit.errors import StaleRevisionError
from testkit.kernel import ledger, proposals
from testkit.kernel.clock import to_text
from testkit.kernel.digest import digest
from testkit.kernel.ids import new_id
from testkit.kernel.workspace import replace_file
from testkit.signoff import events as ev
from testkit.signoff import service as signoff
from testkit.signoff import store as requests
from testkit.signoff.model import material_digest
from testkit.signoff.table import State

if TYPE_CHECKING:
    from pathlib import Path

    from testkit.kernel.workspace import Workspace

__all__ = ["Pack", "release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A released pack.

    Attributes:
        row: The release.
        files: Paths of the pack.
        new: False when it had been released before; the same files were made sure of.
    """

    row: drafts.ReleaseRow
    files: tuple[Path, ...]
    new: bool


def release(workspace: Workspace, given: str) -> Pack:
    """Release the words of a request that is cleared.

    Args:
        workspace: The workspace.
        given: Draft, request or revision id.

    Raises:
        StateError: The words are not cleared, or it is too early.
        StaleRevisionError: The draft's words are not those that were signed.
    """
    with workspace.db.write() as conn:
        request = signoff.find(conn, given)
        before = drafts.releases(conn, request=request.row.id)
        if before:
            row, new = before[0], False
            fields = requests.revision(conn, row.revision).fields
        else:
            new = True
            fields = request.revision.fields
            draft_id = request.row.subject.removeprefix("draft/")
            _compare(conn, request, draft_id)
            now = workspace.clock()
            release_id = new_id("rel", now=now)
            row = drafts.ReleaseRow(
                id=release_id,
                draft=draft_id,
                request=request.row.id,
                revision=request.revision.id,
                material_digest=request.state.digest,
                folder=f"releases/{release_id}",
                pack_digest=digest(fields),
                practice=proposals.in_practice(conn),
                at=to_text(now),
                by=workspace.actor.name,
            )
            event = ev.Released(
                at=now,
                actor=workspace.actor.name,
                via=workspace.actor.via,
                auth=workspace.actor.auth,
                revision=request.revision.id,
                digest=request.state.digest,
                release=release_id,
            )
            signoff.record(conn, workspace, request.row.id, event)
            drafts.add_release(conn, row)
            ledger.append(
                conn,
                kind="release.made",
                subject=f"draft/{draft_id}",
                actor=workspace.actor,
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
    files = _write(workspace, row, fields)
    return Pack(row=row, files=files, new=new)


def _compare(conn: Any, request: signoff.Request, draft_id: str) -> None:
    """The words that would go out now against the words that were signed."""
    draft = drafts.get(conn, draft_id)
    spend = int(request.revision.fields.get("spend_cents", 0))
    now_digest = material_digest(
        fields_of(draft, draft.content, spend_cents=spend), request.state.chain.material
    )
    if request.state.state is State.CLEARED and now_digest != request.state.digest:
        raise StaleRevisionError(
            f"the words of {draft_id} are not those that were signed",
            revision=request.revision.id,
            current=draft_id,
            hint="nothing was sent; put the draft before the chain again",
        )


def _write(
    workspace: Workspace, row: drafts.ReleaseRow, fields: dict[str, Any]
) -> tuple[Path, ...]:
    folder = workspace.root / row.folder
    mark = "PRACTICE: not for sending. This workspace has no signed charter.\n\n"
    head = mark if row.practice else ""
    files: list[Path] = []
    for channel, variants in sorted(fields["arms"].items()):
        for key, words in sorted(variants.items()):
            lines = [head]
            if "subject" in words:
                lines += [f"Subject: {words['subject']}\n", f"Preheader: {words['preheader']}\n\n"]
            lines.append(words["body"].rstrip("\n") + "\n")
            path = folder / f"{channel}-{key}.txt"
            replace_file(path, "".join(lines))
            files.append(path)
    about = {
        "release": row.id,
        "draft": row.draft,
        "request": row.request,
        "revision": row.revision,
        "material_digest": row.material_digest,
        "pack_digest": row.pack_digest,
        "practice": row.practice,
        "released_at": row.at,
        "released_by": row.by,
        "fields": fields,
    }
    path = folder / "release.json"
    replace_file(path, json.dumps(about, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    return (*files, path)
