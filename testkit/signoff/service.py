"""Sign-off with a memory: read, ask the pure machine, write one event and one ledger row.

Every door (command line, web page, mail) comes through :func:`sign`. The whole of it happens in
one write transaction, so two people who decide at the same moment are one after the other: the
first wins, the second is told by whom and when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from testkit.errors import NotFoundError, StateError
from testkit.kernel import ledger, proposals, yamlfile
from testkit.kernel.digest import digest
from testkit.signoff import audit, store
from testkit.signoff import events as ev
from testkit.signoff.admission import admissible, decide
from testkit.signoff.chain import fold
from testkit.signoff.heard import said_of, said_since
from testkit.signoff.model import SYSTEM, ChainDef, Decision, material_digest
from testkit.signoff.office import office_of
from testkit.signoff.parse import parse_chain
from testkit.signoff.sla import actions_due
from testkit.signoff.table import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.office import Office
    from testkit.signoff.refusal import Refusal
    from testkit.signoff.state import RequestState

__all__ = [
    "Request",
    "append",
    "ask",
    "chain_of",
    "checked",
    "find",
    "load",
    "open_request",
    "record",
    "refusal_of",
    "revise",
    "settled",
    "sign",
]

ENDED: Final = frozenset(
    {State.RELEASED, State.CORRECTED, State.RECALLED, State.KILLED, State.EXPIRED, State.WITHDRAWN}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it stands.

    Attributes:
        row: What is asked for.
        state: What follows from its events.
        revision: The current words.
        practice: Whether the workspace is in practice mode.
    """

    row: store.RequestRow
    state: RequestState
    revision: store.Revision
    practice: bool = True


def chain_of(conn: Connection, name: str, *, version: int | None = None) -> tuple[ChainDef, int]:
    """An adopted chain and its version number.

    Raises:
        NotFoundError: No chain of that name was adopted.
    """
    found = proposals.adopted(conn, kind="chain", name=name, version=version)
    if found is None:
        known = [a.name for a in proposals.all_adopted(conn, kind="chain")]
        raise NotFoundError(
            "adopted chain",
            name,
            hint=f"there are: {', '.join(known) or 'none'}; adopt chains/{name}.yaml",
        )
    document = yamlfile.parse(found.text, name=f"chain {name}, version {found.version}")
    return (
        parse_chain(document.value, version=f"{name}/{found.version}", place=document.where),
        found.version,
    )


def load(conn: Connection, request_id: str) -> Request:
    """A request with its current words and state."""
    row = store.request(conn, request_id)
    chain, _ = chain_of(conn, row.chain, version=row.chain_version)
    state = fold(chain, store.events(conn, request_id))
    return Request(
        row=row,
        state=state,
        revision=store.revision(conn, state.revision),
        practice=proposals.in_practice(conn),
    )


def find(conn: Connection, given: str) -> Request:
    """A request by its own id, by one of its revisions, or by its subject.

    Raises:
        NotFoundError: Nothing of ours has that id.
    """
    if given.startswith("rev_"):
        return load(conn, store.revision(conn, given).request)
    if given.startswith("req_"):
        return load(conn, given)
    row = store.of_subject(conn, given if "/" in given else f"draft/{given}")
    if row is None:
        raise NotFoundError(
            "request about",
            given,
            hint=f"put it before the chain first: whistlestop --as NAME draft submit {given}",
        )
    return load(conn, row.id)


def open_request(
    conn: Connection,
    workspace: Workspace,
    *,
    subject: str,
    title: str,
    chain_name: str,
    fields: Mapping[str, Any],
    facts: Mapping[str, Any],
    author: str,
    checks: Mapping[str, bool] | None = None,
    reopens: str = "",
    corrects: str = "",
) -> Request:
    """Put words before a chain, inside the caller's write transaction.

    Args:
        conn: A connection in a write transaction.
        workspace: For roster, clock and actor.
        subject: What the words belong to: ``draft/ID``.
        title: One line for the inbox.
        chain_name: An adopted chain; this request keeps the version of today.
        fields: Every field of the words.
        facts: What the chain's conditions ask about (``risk``, ``spend_cents`` ...).
        author: Whose words they are.
        checks: Automatic checks that ran on these words, and whether each passed.
        reopens: The request that this one takes up again.
        corrects: The released request that this one corrects.

    Raises:
        NotFoundError: The chain is not adopted.
        StateError: A request about the subject is under way.
    """
    before = store.of_subject(conn, subject)
    if before is not None and settled(conn, workspace, before.id).state.state not in ENDED:
        raise StateError(
            f"{subject} is before the chain already, as {before.id}",
            current="in review",
            hint="edit it instead, or withdraw the request",
        )
    now = workspace.clock()
    chain, version = chain_of(conn, chain_name)
    row = store.add_request(
        conn, subject=subject, title=title, chain=chain_name, chain_version=version, now=now
    )
    words = store.add_revision(
        conn,
        request_id=row.id,
        fields=fields,
        material=material_digest(fields, chain.material),
        by=workspace.actor.name,
        now=now,
    )
    event = ev.Submitted(
        at=now,
        actor=workspace.actor.name,
        via=workspace.actor.via,
        auth=workspace.actor.auth,
        revision=words.id,
        digest=words.material_digest,
        request=row.id,
        chain=chain.id,
        chain_version=chain.version,
        author=author,
        facts=dict(facts),
        reopens=reopens,
        corrects=corrects,
    )
    _ask_append(conn, workspace, row.id, fold(chain, []), event)
    return checked(conn, workspace, row.id, checks)


def settled(conn: Connection, workspace: Workspace, request_id: str) -> Request:
    """A request whose time, when it has run out, is recorded as such: tick may not have run."""
    current, now = load(conn, request_id), workspace.clock()
    for action in actions_due(current.state, now, office_of(conn, workspace).calendar):
        if action.kind == "expire":
            event = action.event(current.state, now, via="system")
            return record(conn, workspace, request_id, event)
    return current


def checked(
    conn: Connection, workspace: Workspace, request_id: str, checks: Mapping[str, bool] | None
) -> Request:
    """Record what the automatic checks of each stage that applies found on the current words.

    Args:
        conn: A connection in a write transaction.
        workspace: For clock and people.
        request_id: The request.
        checks: Check to whether it passed; None when none ran.
    """
    current = load(conn, request_id)
    if checks is None or current.state.state in ENDED:
        return current
    for stage in current.state.chain.stages:
        status = current.state.stage(stage.id)
        ran = [name for name in stage.auto if name in checks]
        if not ran or status is None or status.status == "skipped":
            continue
        failed = {name for name in ran if not checks[name]}
        if set(status.checks_missing) == set(status.checks_failed) == failed:
            continue  # as recorded before, of the same words
        event = ev.Checked(
            at=workspace.clock(),
            actor=SYSTEM,
            via="system",
            revision=current.state.revision,
            digest=current.state.digest,
            stage=stage.id,
            passed=tuple(name for name in ran if checks[name]),
            failed=tuple(name for name in ran if name in failed),
        )
        if refusal_of(office_of(conn, workspace), current.state, event) is None:
            append(conn, workspace, request_id, current.state, event)
            current = load(conn, request_id)
    return current


def revise(
    conn: Connection,
    workspace: Workspace,
    request_id: str,
    *,
    fields: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    checks: Mapping[str, bool] | None = None,
    suggested_by: tuple[str, ...] = (),
) -> tuple[Request, bool]:
    """Replace the words, inside the caller's write transaction.

    A change of material fields voids every sign-off; they stay visible as outdated. After a return
    the words go before the chain again. ``suggested_by`` are those whose suggestions these are.

    Returns:
        The request, and whether anything changed.
    """
    current = load(conn, request_id)
    changed = tuple(
        sorted(
            name
            for name in {*fields, *current.revision.fields}
            if fields.get(name) != current.revision.fields.get(name)
        )
    )
    if not changed:
        return current, False
    chain, now = current.state.chain, workspace.clock()
    words = store.add_revision(
        conn,
        request_id=request_id,
        fields=fields,
        material=material_digest(fields, chain.material),
        by=workspace.actor.name,
        now=now,
    )
    common: dict[str, Any] = {
        "at": now,
        "actor": workspace.actor.name,
        "via": workspace.actor.via,
        "auth": workspace.actor.auth,
        "revision": words.id,
        "digest": words.material_digest,
    }
    edited = ev.Edited(
        **common,
        changed=changed,
        suggested_by=suggested_by,
        facts=None if facts is None else dict(facts),
    )
    _ask_append(conn, workspace, request_id, current.state, edited)
    after = load(conn, request_id)
    # Only those whose words they are may put them before the chain again; somebody else's small
    # edit waits for them.
    if after.state.state is State.RETURNED and workspace.actor.name in after.state.hands:
        again = ev.Submitted(
            **common,
            request=request_id,
            chain=chain.id,
            chain_version=chain.version,
            author=after.state.author,
        )
        _ask_append(conn, workspace, request_id, after.state, again)
    return checked(conn, workspace, request_id, checks), True


def sign(
    workspace: Workspace,
    revision_id: str,
    decision: Decision,
    *,
    person: str,
    note: str = "",
    stage: str = "",
    principal: str = "",
    heard: int | None = None,
) -> tuple[Request, bool]:
    """Record what a person says about one revision.

    Args:
        workspace: The workspace.
        revision_id: The revision that the person has read.
        decision: What they say.
        person: Their id in the roster.
        note: Comment, nits, or what to change.
        stage: The stage, where the person has a seat in several.
        principal: For whom they sign; themselves where they can, if empty.
        heard: How many decisions of theirs the page showed on which they decide
            (:func:`testkit.signoff.heard.said_of`); None without a page that could be stale.

    Returns:
        The request afterwards, and whether this call changed anything (False when the person had
        said exactly this before).

    Raises:
        NotFoundError: No such revision or person.
        StaleRevisionError: The words have changed since.
        NotAuthorisedError: The person has no seat, or it is their own words.
        SaidSinceError: They said something else since ``heard``, in another window say.
        StateError: Already decided, expired, or not this stage's turn.
    """
    workspace.roster.person(person)
    now = workspace.clock()
    with workspace.db.write() as conn:
        row = store.request_of_revision(conn, revision_id)
        current = load(conn, row.id)
        if _said_before(current.state, person, decision, revision_id, stage):
            return current, False
        office = office_of(conn, workspace)
        said = said_of(current.state, person)
        if heard is not None and said[heard:]:
            raise said_since(said[-1], person, decision, office)
        event = decide(
            current.state,
            person,
            decision,
            office.roster,
            now,
            revision=revision_id,
            stage=stage,
            principal=principal,
            note=note,
            via=workspace.actor.via,
            auth=workspace.actor.auth,
            calendar=office.calendar,
            zone_name=office.zone_name,
            charter=office.charter,
        )
        append(conn, workspace, row.id, current.state, event)
        return load(conn, row.id), True


def _said_before(
    state: RequestState, person: str, decision: Decision, revision_id: str, stage: str
) -> bool:
    return any(
        s.actor == person
        and s.decision is decision
        and s.revision == revision_id
        and stage in {"", s.stage}
        for s in state.standing("counts", "stands")
    )


def record(conn: Connection, workspace: Workspace, request_id: str, event: ev.Event) -> Request:
    """Add any other event (released, killed, overridden ...), inside a write transaction.

    Raises:
        KitError: The event is not admissible now; the narrowest error says why.
    """
    current = load(conn, request_id)
    _ask_append(conn, workspace, request_id, current.state, event)
    if isinstance(event, ev.Released):
        _supersede(conn, workspace, request_id, event)
    return load(conn, request_id)


def _supersede(conn: Connection, workspace: Workspace, request_id: str, event: ev.Released) -> None:
    """A correction went out: the request that it corrects says so from now on."""
    first = store.events(conn, request_id)[0]
    old = first.corrects if isinstance(first, ev.Submitted) else ""
    if not old:
        return
    state = load(conn, old).state
    corrected = ev.Corrected(
        at=event.at,
        actor=event.actor,
        via=event.via,
        auth=event.auth,
        revision=state.revision,
        digest=state.digest,
        by=request_id,
    )
    # Killed or recalled in the meantime: that stays, and the correction goes out all the same.
    if refusal_of(office_of(conn, workspace), state, corrected) is None:
        append(conn, workspace, old, state, corrected)


def ask(conn: Connection, workspace: Workspace, state: RequestState, event: ev.Event) -> None:
    """Whether an event would be taken now; nothing is recorded.

    Raises:
        KitError: It would not; the narrowest error says why.
    """
    refusal = refusal_of(office_of(conn, workspace), state, event)
    if refusal is not None:
        raise refusal.error()


def refusal_of(office: Office, state: RequestState, event: ev.Event) -> Refusal | None:
    """Why an event would not be taken now in this office; None when it would."""
    return admissible(
        state,
        event,
        office.roster,
        event.at,
        calendar=office.calendar,
        zone_name=office.zone_name,
        charter=office.charter,
    )


def _ask_append(
    conn: Connection, workspace: Workspace, request_id: str, state: RequestState, event: ev.Event
) -> None:
    ask(conn, workspace, state, event)
    append(conn, workspace, request_id, state, event)


def append(
    conn: Connection,
    workspace: Workspace,
    request_id: str,
    state: RequestState,
    event: ev.Event,
) -> None:
    """Write an event that would be taken, with its row in the ledger; :func:`ask` comes before."""
    seq = store.add_event(conn, request_id, event)
    ended = fold(state.chain, store.events(conn, request_id)).state in ENDED
    if ended:
        store.close(conn, request_id)
    revision = event.revision or state.revision
    payload: dict[str, Any] = {
        "seq": seq,
        "revision": revision,
        "material_digest": event.digest or state.digest,
        # The event's text (notes, reasons, facts) stays out of the ledger; its digest binds it.
        "event_digest": digest(ev.event_to_dict(event)),
        "row_digest": audit.EVENT.row_digest(conn, request_id, seq),
        "ended": ended,
    }
    if isinstance(event, ev.Submitted):
        payload["request_digest"] = audit.REQUEST.row_digest(conn, request_id)
    if isinstance(event, ev.Submitted | ev.Edited):
        payload["revision_digest"] = audit.REVISION.row_digest(conn, revision)
    kind = event.decision.value if isinstance(event, ev.Signed) else event.kind
    ledger.append(
        conn,
        kind=f"signoff.{kind}",
        subject=f"request/{request_id}",
        actor=ledger.Actor(name=event.actor, via=event.via or workspace.actor.via, auth=event.auth),
        payload=payload,
        now=event.at,
    )
