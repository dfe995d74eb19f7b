"""facts: hold words whose sources were rewritten until an approver has looked.

A draft keeps what its sources said when it was raised. An outlet that corrects a number, a name or
its headline afterwards may have pulled the ground from under words that people said yes to. That is
recorded on the request, which then cannot be released until somebody looked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from responders.store import drafts
from responders.store.revised import rewritten
from testkit.errors import NotFoundError
from testkit.kernel.clock import from_text
from testkit.signoff import events as ev
from testkit.signoff import service, store
from testkit.signoff.model import SYSTEM
from testkit.signoff.table import TRANSITIONS, Trigger
from testkit.signoff.words import diff_words, marked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.store.revised import Rewritten
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.service import Request

__all__ = ["ChangedFacts", "material_rewrite", "note_changed_facts"]

_WORD: Final = re.compile(r"\w+(?:[.,]\d+)*")
_SHARE: Final = 0.1
_SUBJECT: Final = "draft/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFacts:
    """A request that was told that its sources changed.

    Attributes:
        request: Its id.
        draft: The draft that it is about.
        reason: Which source, and how, in words.
    """

    request: str
    draft: str
    reason: str


def material_rewrite(title_then: str, summary_then: str, title: str, summary: str) -> bool:
    """Whether an outlet changed what it says, and not only how it is set.

    It did when the headline has other words, when a number came or went, or when more than a tenth
    of the summary's words did. Case, punctuation and white space are not words.

    Examples:
        >>> material_rewrite("Strike vote", "By 900 workers", "Strike Vote", "by 900 workers.")
        False
        >>> material_rewrite("Strike vote", "By 900 workers", "Strike vote", "By 90 workers")
        True
    """
    if _words(title_then) != _words(title):
        return True
    before, after = _words(summary_then), _words(summary)
    if [w for w in before if w[0].isdigit()] != [w for w in after if w[0].isdigit()]:
        return True
    changed = sum(
        len(_words(piece.text))
        for piece in diff_words(" ".join(before), " ".join(after))
        if piece.kind != "same"
    )
    return changed > _SHARE * max(len(before), len(after), 1)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def note_changed_facts(workspace: Workspace, *, draft: str = "") -> list[ChangedFacts]:
    """Record on every open request that a source which its draft cites was materially rewritten.

    Counted are changes since the draft was raised, or since this was last recorded or looked at:
    the draft shows its readers what the source said when it was raised, whoever signed when.

    Args:
        workspace: The workspace.
        draft: Look at the request about this draft only (before a release, say).

    Returns:
        What was recorded by this call; a request that waits for a look already is left alone.
    """
    with workspace.db.read() as conn:
        waiting = [
            row.id
            for row in store.open_requests(conn)
            if row.subject.startswith(_SUBJECT) and draft in {"", row.subject[len(_SUBJECT) :]}
        ]
    return [noted for request in waiting if (noted := _note(workspace, request)) is not None]


def _note(workspace: Workspace, request_id: str) -> ChangedFacts | None:
    with workspace.db.read() as conn:
        found = _due(workspace, conn, request_id)
    if found is None:
        return None
    with workspace.db.write() as conn:
        # Again, inside the transaction that writes: somebody may have looked in the meantime.
        found = _due(workspace, conn, request_id)
        if found is None:
            return None
        request, noted = found
        event = ev.FactsChanged(
            at=workspace.clock(),
            actor=SYSTEM,
            via="system",
            revision=request.state.revision,
            digest=request.state.digest,
            reason=noted.reason,
        )
        service.record(conn, workspace, request_id, event)
    return noted


def _due(
    workspace: Workspace, conn: Connection, request_id: str
) -> tuple[Request, ChangedFacts] | None:
    request = service.load(conn, request_id)
    state = request.state
    if state.facts_changed_at or (state.state, Trigger.FACTS_CHANGED) not in TRANSITIONS:
        return None
    draft_id = request.row.subject.removeprefix(_SUBJECT)
    try:
        draft = drafts.get(conn, draft_id)
    except NotFoundError:
        return None
    looked = [
        event.at
        for event in store.events(conn, request_id)
        if isinstance(event, ev.FactsChanged | ev.FactsChecked | ev.Overridden)
    ]
    since = max([from_text(draft.raised_at), *looked])
    with workspace.archive.read() as archive:
        rewrites = rewritten(archive, draft.story, since=since)
    changed = [
        r
        for r in _cited(rewrites, draft.facts.get("story", {}))
        if material_rewrite(r.title_then, r.summary_then, r.title, r.summary)
    ]
    if not changed:
        return None
    reason = "; ".join(_told(r) for r in changed)
    return request, ChangedFacts(request=request_id, draft=draft_id, reason=reason)


def _cited(rewrites: Sequence[Rewritten], story: Mapping[str, Any]) -> list[Rewritten]:
    """Those that the draft cites: by address, else by the headline of that time."""
    entries = story.get("entries", ())
    addresses = {entry.get("url") for entry in entries if entry.get("url")}
    titles = {entry.get("title") for entry in entries if not entry.get("url")}
    return [r for r in rewrites if r.url in addresses or (not r.url and r.title_then in titles)]


def _told(r: Rewritten) -> str:
    if _words(r.title_then) != _words(r.title):
        return f"the headline is now: {marked(diff_words(r.title_then, r.title))}"
    return f"{r.title!r} now says: {marked(diff_words(r.summary_then, r.summary))}"
