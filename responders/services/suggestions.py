"""Taking over a suggestion: an edit by whoever takes it, which names whose idea it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.services.draft import edit
from testkit.errors import InputError, StateError
from testkit.signoff import service
from testkit.signoff.comments import open_suggestion
from testkit.signoff.words import texts_of

if TYPE_CHECKING:
    from responders.store.drafts import DraftRow
    from testkit.kernel.workspace import Workspace

__all__ = ["accept"]

_PARTS = 3


def accept(workspace: Workspace, given: str, number: int) -> tuple[DraftRow, str]:
    """Put the suggested words in place of those that were quoted.

    Whoever takes them over is an editor of the words from now on; whoever suggested them is not,
    unless the chain says so (``suggester_may_approve: false``).

    Args:
        workspace: The workspace; its actor takes them over.
        given: Draft, request or revision.
        number: Of the suggestion in the request's log.

    Returns:
        The draft, and the new revision.

    Raises:
        NotFoundError: There is no such suggestion.
        StateError: It was taken over, or its words are gone, or the request has ended.
        InputError: It is about something else than a text of the draft.
    """
    with workspace.db.read() as conn:
        request = service.find(conn, given)
        found = open_suggestion(conn, request.row.id, number).said
    text = texts_of(request.revision.fields).get(found.part, "")
    place = found.part.split("/")
    if len(place) != _PARTS:
        raise InputError(
            f"{found.part} is no text of the draft", field="part", hint="change it by hand"
        )
    if text.count(found.quote) != 1:
        raise StateError(
            f"{found.quote!r} stands there more than once by now",
            current="outdated",
            hint="edit the draft by hand",
        )
    row, _, revision = edit(
        workspace,
        request.row.subject.removeprefix("draft/"),
        channel=place[0],
        variant=place[1],
        changes={place[2]: text.replace(found.quote, found.replacement)},
        suggested_by=(found.actor,),
        instead_of={place[2]: text},
    )
    return row, revision
