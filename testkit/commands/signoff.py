"""``whistlestop signoff``: whose turn it is, and what they say about which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from testkit.kernel.console import App, LazyGroup, emit, json_option, pass_app, table

if TYPE_CHECKING:
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.service import Request

NOTE = click.option("-m", "--note", default="", help="What you want to say with it.")
STAGE = click.option("--stage", default="", help="The stage, where you have a seat in several.")


FOR = click.option("--for", "principal", default="", help="For whom you sign, as their stand-in.")
REST = {
    "override": ("testkit.commands.powers:override", "Clear the words in an emergency."),
    "review": ("testkit.commands.powers:review", "The look afterwards that is owed."),
    "kill": ("testkit.commands.powers:kill", "Stop it for good."),
    "recall": ("testkit.commands.powers:recall", "Take back in public what went out."),
    "correct": ("testkit.commands.powers:correct", "Begin the correction of released words."),
    "lane": ("testkit.commands.powers:lane", "Send pre-cleared words through the fast lane."),
    "lane-close": ("testkit.commands.powers:lane_close", "Take pre-cleared words back."),
    "reopen": ("testkit.commands.powers:reopen", "Take an expired request up again."),
    "facts-changed": ("testkit.commands.powers:facts_changed", "The story changed."),
    "facts-checked": ("testkit.commands.powers:facts_checked", "The words hold all the same."),
    "diff": ("testkit.commands.signoff_reports:diff", "What changed, word by word."),
    "comment": ("testkit.commands.signoff_reports:comment", "Remark on the words; suggest others."),
    "record": ("testkit.commands.signoff_reports:record", "Who approved which words, when."),
    "latency": ("testkit.commands.signoff_reports:latency", "Where the time goes."),
    "check": ("testkit.commands.foresight:check", "Whether these people can complete the chains."),
    "simulate": ("testkit.commands.foresight:simulate", "What a chain would do."),
}


TURNS = {
    "sign": "now asked: {names}",
    "lift": "{names} can lift it: whistlestop signoff withdraw {rev}",
    "unlock": "no stage applies; {names} can: whistlestop signoff override {id}",
    "look": "the facts changed; {names} can look: whistlestop signoff facts-checked {id}",
    "revise": "{names} can change the words",
}


@click.group(cls=LazyGroup, lazy=REST)
def signoff() -> None:
    """Approve, return, block or withdraw: always on one revision, the one that you read.

    \b
    Example:
      whistlestop --as kim signoff inbox
    """


def as_data(request: Request) -> dict[str, Any]:
    """A request as plain values."""
    state = request.state
    return {
        "request": request.row.id,
        "subject": request.row.subject,
        "title": request.row.title,
        "chain": request.row.chain,
        "chain_version": request.row.chain_version,
        "state": state.state.value,
        "waiting": state.waiting,
        "cleared_by": state.cleared_by,
        "revision": request.revision.id,
        "revision_number": request.revision.number,
        "material_digest": state.digest,
        "author": state.author,
        "facts": dict(state.facts),
        "practice": request.practice,
        "publish_at": state.publish_at.isoformat() if state.publish_at else None,
        "embargo_until": state.embargo_until.isoformat() if state.embargo_until else None,
        "fields": request.revision.fields,
        "stages": [
            {"stage": s.id, "status": s.status, "have": sum(g.have for g in s.groups),
             "need": sum(g.need for g in s.groups)}
            for s in state.stages
        ],
        "signoffs": [
            {"who": s.actor, "for": s.principal, "stage": s.stage, "decision": s.decision.value,
             "standing": s.standing, "revision": s.revision, "at": s.at.isoformat(),
             "roles": list(s.said.roles), "note": s.said.note}
            for s in state.signoffs
        ],
        "debts": [
            {"of": d.of, "due_at": d.due_at.isoformat(), "done_by": d.done_by or None,
             "outcome": d.outcome or None}
            for d in state.debts
        ],
    }  # fmt: skip


def as_text(workspace: Workspace, request: Request) -> str:
    """A request for the terminal: words, chain, sign-offs."""
    from testkit.kernel.clock import shown
    from testkit.signoff.office import office_of
    from testkit.signoff.standins import no_longer

    zone, now = workspace.config.organisation.zone, workspace.clock()
    state, roster = request.state, workspace.roster
    with workspace.db.read() as conn:
        office = office_of(conn, workspace)
    names = {person.id: person.name for person in roster.people}
    past = state.cleared_by in {"lane", "override"}
    lines = [
        f"{request.row.title}",
        f"{request.row.id}, revision {request.revision.number}: {request.revision.id}",
        f"{state.state.value.replace('_', ' ')}"
        + (f", waits for stage {state.waiting}" if state.waiting and not past else ""),
    ]
    if request.practice:
        lines.insert(0, "PRACTICE: nothing leaves to a live channel")
    lines += life_lines(workspace, request)
    for stage in state.stages:
        have = ", ".join(
            f"{names.get(s.actor, s.actor)}" for group in stage.groups for s in group.by
        )
        need = sum(group.need for group in stage.groups)
        count = f", {need} needed" if stage.groups else ""
        if past and stage.status in {"waiting", "later"}:
            lines.append(f"  {stage.id}: not asked")
            continue
        lines.append(f"  {stage.id}: {stage.status}{count}" + (f"; {have}" if have else ""))
    for said in state.signoffs:
        note = f": {said.said.note}" if said.said.note else ""
        gone = no_longer(state, said, office.roster, now) if said.standing == "counts" else ""
        standing = f"{said.standing}; {gone}" if gone else said.standing
        lines.append(
            f"  {names.get(said.actor, said.actor)} {said.decision.value.replace('_', ' ')}"
            f" {shown(said.at, zone_name=zone)} ({standing}){note}"
        )
    lines += turn_lines(workspace, request)
    return "\n".join(lines)


def life_lines(workspace: Workspace, request: Request) -> list[str]:
    """When it is to go out, what it corrects, and how it ended."""
    from testkit.kernel.clock import shown
    from testkit.signoff import store
    from testkit.signoff.events import Corrected, Killed, Recalled, Submitted
    from testkit.signoff.table import State

    zone, state = workspace.config.organisation.zone, request.state
    with workspace.db.read() as conn:
        first = store.events(conn, request.row.id)[0]
    lines = []
    if isinstance(first, Submitted) and first.corrects:
        lines.append(f"corrects {first.corrects}")
    if state.released is None and state.ended_by is None:
        if state.publish_at:
            lines.append(f"planned for {shown(state.publish_at, zone_name=zone)}")
        if state.embargo_until:
            lines.append(f"under embargo until {shown(state.embargo_until, zone_name=zone)}")
    end = state.ended_by
    if isinstance(end, Corrected):
        lines.append(f"corrected by {end.by}")
    elif isinstance(end, Killed | Recalled):
        known = workspace.roster.get(end.actor)
        who = known.name if known else end.actor
        lines.append(f"{end.kind} by {who} {shown(end.at, zone_name=zone)}: {end.reason}")
    if state.state is State.KILLED and state.released is not None:
        lines.append(
            "it had been released, and what has left stays out; to take it back in public:"
            f" whistlestop signoff recall {request.row.id} -m WHY"
        )
    return lines


def asked_now(workspace: Workspace, request: Request) -> list[str]:
    """Ids of the people for whom a request waits now."""
    from testkit.signoff.office import office_of
    from testkit.signoff.turns import whose_turn

    with workspace.db.read() as conn:
        roster = office_of(conn, workspace).roster
    return list(whose_turn(request.state, roster, workspace.clock()).people)


def turn_lines(workspace: Workspace, request: Request) -> list[str]:
    """What a request waits for now, whom, and by when."""
    from testkit.kernel.clock import shown
    from testkit.signoff.cleared import left
    from testkit.signoff.office import office_of
    from testkit.signoff.owed import NAMES
    from testkit.signoff.sla import deadlines
    from testkit.signoff.turns import whose_turn

    now, state = workspace.clock(), request.state
    with workspace.db.read() as conn:
        office = office_of(conn, workspace)
        gone = left(conn, workspace, request)
    turn = whose_turn(state, office.roster, now)
    names = ", ".join(map(office.roster.name, turn.people)) or "nobody here"
    lines = [f"left the fast lane: {gone}"] if gone else []
    rule = state.chain.fast_lane
    if state.cleared_by == "lane" and state.lane is not None and rule is not None:
        lines.append(f"cleared by the fast lane: the words of {state.lane.template}")
        if not any(debt.of == "lane" for debt in state.debts):
            lookers = [
                member.name
                for member in office.roster.members
                if member.id not in {*state.hands, state.lane.actor}
                and office.roster.holds_any(member.id, rule.review.roles, now)
            ]
            within = f"{rule.review.within.total_seconds() / 3600:g} hours"
            who = " or ".join(lookers) or "nobody here"
            lines.append(f"once it is out, a look is due within {within}: {who}")
    command = TURNS.get(turn.kind)
    if command:
        lines.append(command.format(names=names, id=request.row.id, rev=request.revision.id))
    for ask in turn.asks:
        copied = [f"{office.roster.name(a.person)} is asked for {office.roster.name(a.copied)},"
                  " who is copied" for a in ask.asked if a.copied]  # fmt: skip
        lines += copied + ([f"problem: {ask.problem}"] if ask.problem else [])
    due = deadlines(state, office.calendar).due_at
    if due is not None and turn.kind == "sign":
        lines.append(f"due {shown(due, zone_name=office.zone_name)}")
    for stage in state.stages:
        if stage.status == "waiting" and stage.checks_failed:
            lines.append(
                f"failed: {', '.join(stage.checks_failed)}; correct the words, or override"
            )
    for debt in state.debts:
        if debt.status(now) != "done":
            late = "OVERDUE" if debt.status(now) == "overdue" else "due"
            lines.append(
                f"a look at the {NAMES[debt.of]} is {late}"
                f" {shown(debt.due_at, zone_name=office.zone_name)}:"
                f" whistlestop signoff review {request.row.id}"
            )
    return lines


def words_text(fields: dict[str, Any]) -> str:
    """The words of a revision for the terminal."""
    lines: list[str] = []
    if fields.get("reason"):
        lines.append(f"why: {fields['reason']}")
    lines += [f"  {remark}" for remark in fields.get("remarks", [])]
    for channel, variants in fields.get("arms", {}).items():
        for key, words in variants.items():
            lines.append(f"--- {channel}, variant {key}")
            lines += [
                f"{name}: {words[name]}" for name in ("subject", "preheader") if name in words
            ]
            lines.append(words["body"].rstrip())
    return "\n".join(lines)


@signoff.command()
@click.option("--all", "everybody", is_flag=True, help="Everything that is open, for everybody.")
@json_option
@pass_app
def inbox(app: App, everybody: bool, as_json: bool) -> None:
    """What waits for you (see --as), oldest first, and looks that you owe.

    \b
    Example:
      whistlestop --as kim signoff inbox
    """
    from testkit.signoff import owed
    from testkit.signoff.waiting import inbox as run

    workspace = app.workspace()
    roster = workspace.roster
    # A name that was typed must be somebody's; a log-in name that is nobody's sees everything.
    known = roster.person(app.person) if app.person else roster.get(workspace.actor.name)
    mine = None if everybody or known is None else known.id
    found = run(workspace, mine)
    with workspace.db.read() as conn:
        every = owed.looks_owed(conn, workspace)
    looks = [k for k in every if mine is None or mine in k.people]
    rows = [
        (r.revision.id, r.state.waiting or r.state.state.value, r.row.title[:60], r.row.subject)
        for r in found
    ]
    rows += [
        (k.request.revision.id, f"a look, {'OVERDUE' if k.overdue else 'due'}",
         k.request.row.title[:60], k.request.row.subject)
        for k in looks
    ]  # fmt: skip
    who = "everybody" if everybody or known is None else known.name
    text = (
        f"{table(rows, ['revision', 'waits for', 'about', 'subject'])}\n"
        "read one with: whistlestop signoff show REVISION"
        if rows
        else f"nothing waits for {who}"
    )
    for look in looks:
        text += f"\n{owed.sentence(look, workspace)}"
        text += f"\n  whistlestop signoff review {look.request.row.id}"
    requests = {r.row.id: r for r in (*found, *(k.request for k in looks))}
    data = [
        {**as_data(r), "looks": [owed.as_data(k) for k in looks if k.request.row.id == given]}
        for given, r in requests.items()
    ]
    emit(data, text, as_json=as_json)


@signoff.command()
@click.argument("revision")
@json_option
@pass_app
def show(app: App, revision: str, as_json: bool) -> None:
    """The words, the chain, and who has said what.

    \b
    Example:
      whistlestop signoff show rev_01k...
    """
    from testkit.signoff.service import find

    workspace = app.workspace()
    with workspace.db.read() as conn:
        request = find(conn, revision)
    text = f"{as_text(workspace, request)}\n{words_text(request.revision.fields)}"
    emit(as_data(request), text, as_json=as_json)


def _decide(
    app: App,
    revision: str,
    decision: str,
    note: str,
    stage: str,
    as_json: bool,
    *,
    principal: str = "",
) -> None:
    from testkit.kernel.clock import shown
    from testkit.signoff.heard import lifted
    from testkit.signoff.model import Decision
    from testkit.signoff.service import sign

    workspace = app.workspace()
    request, changed = sign(
        workspace,
        revision,
        Decision(decision),
        person=workspace.actor.name,
        note=note,
        stage=stage,
        principal=principal,
    )
    head = "recorded" if changed else "you had said exactly this before; nothing changed"
    gone = lifted(request.state, workspace.actor.name) if changed else None
    if gone is not None:
        when = shown(gone.at, zone_name=workspace.config.organisation.zone)
        head += f"; it lifts your {gone.decision.value} of {when}"
    text = f"{head}\n{as_text(workspace, request)}"
    if request.state.state.value == "cleared":
        text += f"\nnext: whistlestop release {request.row.subject.removeprefix('draft/')}"
    what = gone.decision.value if gone is not None else None
    emit({"changed": changed, "lifted": what, **as_data(request)}, text, as_json=as_json)


@signoff.command()
@click.argument("revision")
@click.option("--nits", is_flag=True, help="Yes, with small remarks that need no new round.")
@NOTE
@STAGE
@FOR
@json_option
@pass_app
def approve(
    app: App, revision: str, nits: bool, note: str, stage: str, principal: str, as_json: bool
) -> None:
    """Say yes to exactly these words.

    \b
    Example:
      whistlestop --as kim signoff approve rev_01k...
    """
    _decide(
        app,
        revision,
        "approve_with_nits" if nits else "approve",
        note,
        stage,
        as_json,
        principal=principal,
    )


@signoff.command("return")
@click.argument("revision")
@click.option("-m", "--note", required=True, help="What has to change.")
@STAGE
@FOR
@json_option
@pass_app
def return_(app: App, revision: str, note: str, stage: str, principal: str, as_json: bool) -> None:
    """Ask for changes; the author edits and it comes back.

    \b
    Example:
      whistlestop --as kim signoff return rev_01k... -m "name the bill"
    """
    _decide(app, revision, "return", note, stage, as_json, principal=principal)


@signoff.command()
@click.argument("revision")
@click.option("-m", "--note", required=True, help="Why.")
@STAGE
@FOR
@json_option
@pass_app
def block(app: App, revision: str, note: str, stage: str, principal: str, as_json: bool) -> None:
    """Say no; only you, your delegate or an override can lift it.

    \b
    Example:
      whistlestop --as rosa signoff block rev_01k... -m "we are in talks"
    """
    _decide(app, revision, "block", note, stage, as_json, principal=principal)


@signoff.command()
@click.argument("revision")
@NOTE
@STAGE
@FOR
@json_option
@pass_app
def withdraw(app: App, revision: str, note: str, stage: str, principal: str, as_json: bool) -> None:
    """Take back your own decision, or, as the author, the request.

    \b
    Example:
      whistlestop --as kim signoff withdraw rev_01k...
    """
    _decide(app, revision, "withdraw", note, stage, as_json, principal=principal)
