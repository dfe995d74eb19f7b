"""Comments and suggestions in a workspace: events that decide nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.errors import InputError, NotFoundError, StateError
from testkit.signoff import events as ev
from testkit.signoff import service, store
from testkit.signoff.words import remarks, texts_of

if TYPE_CHECKING:
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.service import Request
    from testkit.signoff.words import Remark

__all__ = ["comment", "open_suggestion", "remarks_of"]


def comment(
    workspace: Workspace,
    given: str,
    *,
    note: str = "",
    part: str = "",
    quote: str = "",
    replacement: str | None = None,
) -> Request:
    """Remark on the current words, or offer others.

    Args:
        workspace: The workspace; its actor speaks.
        given: Request, revision or draft.
        note: What they say.
        part: Which text (``email/a/body``); found from the quote if only one text holds it.
        quote: The words that it is about; they must stand in that text exactly once when
            something is offered for them.
        replacement: Words offered for the quote; None for a plain comment.

    Raises:
        InputError: There is nothing to say, no such text, or the quote is not in it.
        StateError: The request has come to its end.
    """
    workspace.roster.person(workspace.actor.name)
    with workspace.db.write() as conn:
        current = service.find(conn, given)
        part = _part(current, part, quote, offers=replacement is not None)
        event = ev.Commented(
            at=workspace.clock(),
            actor=workspace.actor.name,
            via=workspace.actor.via,
            auth=workspace.actor.auth,
            revision=current.state.revision,
            digest=current.state.digest,
            note=note,
            part=part,
            quote=quote,
            suggests=replacement is not None,
            replacement=replacement or "",
        )
        return service.record(conn, workspace, current.row.id, event)


def _part(request: Request, part: str, quote: str, *, offers: bool) -> str:
    texts = texts_of(request.revision.fields)
    if part and part not in texts:
        raise InputError(
            f"these words have no {part}",
            field="part",
            value=part,
            hint=f"they have {', '.join(texts)}",
        )
    if not quote:
        if offers:
            raise InputError(
                "say which words are to be replaced", field="quote", hint="give --quote"
            )
        return part
    holding = [name for name in ([part] if part else texts) if quote in texts[name]]
    if not holding:
        raise InputError(
            f"{quote!r} does not stand in {part or 'these words'}",
            field="quote",
            value=quote,
            hint="copy it exactly, with its capitals",
        )
    if len(holding) > 1:
        raise InputError(
            f"{quote!r} stands in several texts",
            field="part",
            hint=f"say which: {', '.join(holding)}",
        )
    if offers and texts[holding[0]].count(quote) > 1:
        raise InputError(
            f"{quote!r} stands there more than once",
            field="quote",
            value=quote,
            hint="quote some words around it too",
        )
    return holding[0]


def remarks_of(conn: Connection, request_id: str) -> tuple[Remark, ...]:
    """Every comment and suggestion of a request, as it stands on the newest words."""
    return remarks(store.events(conn, request_id), store.revisions(conn, request_id))


def open_suggestion(conn: Connection, request_id: str, number: int) -> Remark:
    """A suggestion that can be taken over now.

    Raises:
        NotFoundError: The request has no suggestion of that number.
        StateError: It was taken over, or its words are gone.
    """
    listed = remarks_of(conn, request_id)
    found = next((r for r in listed if r.number == number and r.said.suggests), None)
    if found is None:
        known = ", ".join(str(r.number) for r in listed if r.said.suggests) or "none"
        raise NotFoundError("suggestion", str(number), hint=f"there are: {known}")
    if found.standing != "open":
        gone = "was taken over" if found.standing == "taken" else "quotes words that are gone"
        raise StateError(
            f"suggestion {number} {gone}", current=found.standing, hint="make a new one"
        )
    return found
