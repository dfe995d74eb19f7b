"""What somebody who decides should see beside the words: what changed, comments, outdated yeses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testkit.kernel.clock import shown
from testkit.signoff import store
from testkit.signoff.words import compare, remarks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.kernel.workspace import Workspace
    from testkit.signoff.service import Request
    from testkit.signoff.store import Revision

__all__ = ["Beside", "Changes", "beside"]

Changes = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands beside the words.

    Attributes:
        since: The words that ``changes`` starts from, in words; empty when nothing changed.
        changes: ``(text, ((kind, words), ...))`` of each text that differs.
        remarks: Comments and suggestions: who, when, part, quote, offer, note, standing.
        outdated: Yeses to other words: who, what, and ``changes`` since those words.
    """

    since: str = ""
    changes: Changes = ()
    remarks: tuple[dict[str, str], ...] = ()
    outdated: tuple[dict[str, Any], ...] = ()


def beside(workspace: Workspace, request: Request, person: str) -> Beside:
    """What stands beside the current words for a person who decides.

    Args:
        workspace: The workspace.
        request: The request.
        person: Id of who decides.
    """
    with workspace.db.read() as conn:
        revisions = store.revisions(conn, request.row.id)
        events = store.events(conn, request.row.id)
    by_id, current = {r.id: r for r in revisions}, request.revision
    material = request.state.chain.material
    mine = [
        by_id[s.revision]
        for s in request.state.signoffs
        if s.actor == person and s.decision.approves and s.revision in by_id
    ]
    old, since = _before(mine, revisions, current)
    changes = _changes(old, current, material) if old else ()
    zone_name = workspace.config.organisation.zone
    return Beside(
        since=since if changes else "",
        changes=changes,
        remarks=tuple(
            {
                "who": _name(workspace, r.said.actor),
                "when": shown(r.said.at, zone_name=zone_name),
                "part": r.said.part,
                "quote": r.said.quote,
                "offer": (r.said.replacement or "(leave out)") if r.said.suggests else "",
                "note": r.said.note,
                "standing": {"taken": "taken over", "outdated": "about words that are gone"}.get(
                    r.standing, r.standing
                ),
            }
            for r in remarks(events, revisions)
        ),
        outdated=tuple(
            {
                "who": _name(workspace, s.actor),
                "what": s.decision.value.replace("_", " "),
                "changes": _changes(by_id[s.revision], current, material),
            }
            for s in request.state.standing("outdated")
            if s.revision in by_id and s.digest != request.state.digest
        ),
    )


def _before(
    mine: Sequence[Revision], revisions: Sequence[Revision], current: Revision
) -> tuple[Revision | None, str]:
    """The words to compare with: those that this person approved, else those of before."""
    approved = [r for r in mine if r.number < current.number]
    if approved:
        return approved[-1], f"revision {approved[-1].number}, which you approved"
    if any(r.id == current.id for r in mine):
        return None, ""
    earlier = [r for r in revisions if r.number < current.number]
    return (earlier[-1], f"revision {earlier[-1].number}") if earlier else (None, "")


def _changes(old: Revision, new: Revision, material: Sequence[str]) -> Changes:
    return tuple(
        (change.part, tuple((piece.kind, piece.text) for piece in change.pieces))
        for change in compare(old.fields, new.fields, material)
    )


def _name(workspace: Workspace, person: str) -> str:
    known = workspace.roster.get(person)
    return known.name if known else person
