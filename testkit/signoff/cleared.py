"""Pre-cleared words in a workspace: which there are, and a request that takes or leaves the lane.

What was adopted counts, and only while it is in force. Every door that sends words through the
lane comes through :func:`enter`, and asks the same machine as a sign-off does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.errors import InputError, NotAuthorisedError, NotFoundError, StateError
from testkit.kernel import proposals, yamlfile
from testkit.signoff import events as ev
from testkit.signoff import service, store
from testkit.signoff.lane import lane_event, lane_findings, refuse_words
from testkit.signoff.lane_file import clearers, parse_lane
from testkit.signoff.lane_fit import guess_slots
from testkit.signoff.parse import parse_chain
from testkit.signoff.table import UNDER_REVIEW

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.lane import ClearedTemplate
    from testkit.signoff.model import ChainDef
    from testkit.signoff.service import Request

__all__ = ["adopted_chains", "cleared_words", "close", "enter", "enter_in", "in_force", "left"]


def adopted_chains(conn: Connection, zone_name: str) -> list[ChainDef]:
    """Every chain as it was adopted last."""
    found = []
    for adoption in proposals.all_adopted(conn, kind="chain"):
        document = yamlfile.parse(adoption.text, name=f"chain {adoption.name}")
        found.append(parse_chain(document.value, zone_name=zone_name, place=document.where))
    return found


def in_force(
    conn: Connection, chain: ChainDef, *, now: datetime, zone_name: str
) -> dict[str, ClearedTemplate]:
    """The words that a chain's lane takes and that somebody has cleared, in the chain's order."""
    found: dict[str, ClearedTemplate] = {}
    for name in chain.fast_lane.templates if chain.fast_lane else ():
        adoption = proposals.adopted(conn, kind="lane", name=name, now=now)
        if adoption is not None:
            document = yamlfile.parse(
                adoption.text, name=f"lanes/{name}.yaml, version {adoption.version}"
            )
            found[name] = parse_lane(document, zone_name=zone_name).template
    return found


def cleared_words(
    conn: Connection, chain: ChainDef, name: str, *, now: datetime, zone_name: str
) -> ClearedTemplate:
    """The cleared words of one name.

    Raises:
        NotFoundError: The chain's lane has no words of that name, or nobody has cleared them.
    """
    listed = chain.fast_lane.templates if chain.fast_lane else ()
    known = in_force(conn, chain, now=now, zone_name=zone_name)
    if name in known:
        return known[name]
    hint = f"{chain.id} has no fast lane"
    if name in listed:
        hint = f"nobody has: {' or '.join(chain.lane_clearers)} adopts lanes/{name}.yaml"
    elif listed:
        hint = f"the lane of {chain.id} takes: {', '.join(listed)}"
    raise NotFoundError("cleared words", name, hint=hint)


def enter(
    workspace: Workspace,
    given: str,
    *,
    words: str = "",
    slots: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> Request:
    """Send a request through the fast lane: its words are cleared ones with the slots filled.

    Args:
        workspace: The workspace; its actor sends it.
        given: Request, revision or draft.
        words: Name of the cleared words; those that fit best if empty.
        slots: What stands in the slots; read off the words where it is not given.
        dry_run: Ask, and record nothing.

    Raises:
        DefinitionError: The words are not those; names the word that differs.
        NotFoundError: Nobody has cleared words of that name for this chain.
        StateError: The lane is closed, or not for this risk or spend; or it is not in review.
        NotAuthorisedError: The charter has no fast lane.
    """
    workspace.roster.person(workspace.actor.name)
    with workspace.db.write() as conn:
        current = service.find(conn, given)
        return enter_in(conn, workspace, current, words=words, slots=slots, dry_run=dry_run)


def enter_in(
    conn: Connection,
    workspace: Workspace,
    request: Request,
    *,
    words: str = "",
    slots: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> Request:
    """As :func:`enter`, inside the caller's write transaction."""
    chain, now = request.state.chain, workspace.clock()
    zone_name = workspace.config.organisation.zone
    if words:
        known = {words: cleared_words(conn, chain, words, now=now, zone_name=zone_name)}
    else:
        known = in_force(conn, chain, now=now, zone_name=zone_name)
    if not known:
        listed = ", ".join(chain.fast_lane.templates) if chain.fast_lane else ""
        raise StateError(
            f"{chain.id} has no cleared words",
            current=request.state.state.value,
            hint=f"{' or '.join(chain.lane_clearers)} can clear {listed}: adopt lanes/NAME.yaml"
            if listed
            else "the stages of the chain decide",
        )
    template, filled = _closest(request, known, slots or {})
    actor = workspace.actor
    event = lane_event(
        request.state, template, now=now, actor=actor.name, via=actor.via, auth=actor.auth
    )
    # Whether the lane is open is asked first: no use in mending words for a lane that is closed.
    service.ask(conn, workspace, request.state, event)
    refuse_words(request.state, template, slots=filled, words=request.revision.fields)
    return request if dry_run else service.record(conn, workspace, request.row.id, event)


def _closest(
    request: Request, known: Mapping[str, ClearedTemplate], slots: Mapping[str, str]
) -> tuple[ClearedTemplate, dict[str, str]]:
    """Of several cleared words those that fit best, with what stands in their slots."""
    fields = request.revision.fields
    fitted = []
    for whole in known.values():
        template = whole.used_in(fields)
        filled = {**guess_slots(template, fields), **slots}
        found = lane_findings(template, request.state.chain, slots=filled, words=fields)
        fitted.append((len(found), template, filled))
    _, template, filled = min(fitted, key=lambda fit: fit[0])
    return template, filled


def left(conn: Connection, workspace: Workspace, request: Request) -> str:
    """Why a request that had taken the lane is not in it any more; empty when that is not so."""
    state, chain = request.state, request.state.chain
    entered = [e for e in store.events(conn, request.row.id) if isinstance(e, ev.LaneEntered)]
    if not entered or state.cleared_by or state.state not in UNDER_REVIEW:
        return ""
    last = entered[-1]
    if chain.fast_lane is not None and last.digest == state.digest:
        return "; ".join(chain.fast_lane.beyond(state.facts, chain.levels))
    known = in_force(
        conn, chain, now=workspace.clock(), zone_name=workspace.config.organisation.zone
    )
    if last.template not in known:
        return f"{last.template} is not cleared any more"
    template, filled = _closest(request, {last.template: known[last.template]}, {})
    found = lane_findings(template, chain, slots=filled, words=request.revision.fields)
    if found:
        return f"{found[0].where}: {found[0].message}"
    return f"other slots; it still fits: whistlestop signoff lane {request.row.id}"


def close(workspace: Workspace, name: str, *, reason: str, dry_run: bool = False) -> int:
    """Take cleared words back: from now on they need the stages again.

    Args:
        workspace: The workspace; its actor takes them back, alone: it is the brake.
        name: Of the words.
        reason: Why.
        dry_run: Ask, and change nothing.

    Returns:
        The version that was taken back.

    Raises:
        NotFoundError: Nobody has cleared words of that name.
        NotAuthorisedError: The actor holds no role that may clear them.
        InputError: Without a reason.
    """
    now, person = workspace.clock(), workspace.roster.person(workspace.actor.name)
    if not reason.strip():
        raise InputError("say why the words are taken back", field="reason")
    with workspace.db.write() as conn:
        found = proposals.adopted(conn, kind="lane", name=name, now=now)
        if found is None:
            known = sorted({a.name for a in proposals.all_adopted(conn, kind="lane")})
            raise NotFoundError("cleared words", name, hint=f"there are: {', '.join(known) or '-'}")
        chains = adopted_chains(conn, workspace.config.organisation.zone)
        roles = clearers(name, chains)
        # Words that no chain takes any more may be put away by anybody here.
        if not person.here(now) or (roles and set(person.roles).isdisjoint(roles)):
            raise NotAuthorisedError(
                f"{person.name} may not take {name} back", hint=f"{' or '.join(roles)} may"
            )
        if not dry_run:
            proposals.revoke(conn, found, actor=workspace.actor, note=reason, now=now)
    return found.version
