"""Who confirms a change of the rules: the roles that the governance chain asks.

A change of the people, a chain or the charter is no request with words and revisions, so it runs
through no stages: one person proposes it by adopting the file, a second one confirms it. Who that
may be is what the chain says, the adopted ``governance`` or else the one that we ship.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from testkit.kernel import proposals, yamlfile
from testkit.signoff.parse import parse_chain

if TYPE_CHECKING:
    from testkit.kernel.workspace import Workspace

__all__ = ["NAME", "confirmers"]

NAME: Final = "governance"
"""Name of the chain that is asked."""


def confirmers(workspace: Workspace) -> tuple[str, ...]:
    """Roles, and people by id, of which one confirms a change of the rules.

    Args:
        workspace: The workspace; a governance chain that it adopted is asked in place of ours.
    """
    with workspace.db.read() as conn:
        found = proposals.adopted(conn, kind="chain", name=NAME, now=workspace.clock())
    text = found.text if found else _shipped()
    document = yamlfile.parse(text, name=f"chain {NAME}")
    chain = parse_chain(
        document.value, zone_name=workspace.config.organisation.zone, place=document.where
    )
    listed = (name for s in chain.stages for g in s.groups for name in (*g.roles, *g.people))
    return tuple(dict.fromkeys(listed))


def _shipped() -> str:
    room = files("testkit.signoff").joinpath("templates", f"{NAME}.yaml")
    return room.read_text(encoding="utf-8")
