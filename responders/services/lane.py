"""Pre-cleared words in the place of a draft's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testkit.errors import InputError
from testkit.signoff import cleared, service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from responders.store.drafts import DraftRow
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["with_cleared"]


def with_cleared(
    conn: Connection,
    workspace: Workspace,
    row: DraftRow,
    *,
    chain: str,
    lane: str,
    slots: Mapping[str, str] | None,
) -> dict[str, Any]:
    """A draft's content with pre-cleared words instead, on the channels that both have.

    Args:
        conn: A connection; only read.
        workspace: For clock and zone.
        row: The draft.
        chain: Name of the chain whose fast lane it is to take.
        lane: Name of the words.
        slots: What stands in their slots; a slot that is not given stays a hole.

    Raises:
        NotFoundError: Nobody has cleared words of that name for this chain.
        InputError: They have no words for a channel of the draft.
    """
    definition, _ = service.chain_of(conn, chain)
    zone_name = workspace.config.organisation.zone
    template = cleared.cleared_words(
        conn, definition, lane, now=workspace.clock(), zone_name=zone_name
    )
    arms: dict[str, dict[str, dict[str, str]]] = {}
    content = dict(row.content)
    for path, text in template.filled(slots or {}).items():
        if not path.startswith("arms/"):
            content[path] = text
            continue
        _, channel, variant, part = path.split("/")
        if channel in row.content["arms"]:
            arms.setdefault(channel, {}).setdefault(variant, {})[part] = text
    if not arms:
        raise InputError(
            f"{lane} has no words for {', '.join(row.content['arms'])}",
            field="lane",
            value=lane,
            hint="choose other words, or submit the draft to the stages",
        )
    content.pop("from_hook", None)  # none of the hook's words are left
    return content | {"arms": arms, "channel": sorted(arms), "varied": dict.fromkeys(arms, "")}
