"""``whistlestop people``: who is here, who is away, who stands in, and how they come in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from testkit.errors import InputError
from testkit.kernel.console import App, emit, json_option, pass_app, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from testkit.kernel.workspace import Workspace
    from testkit.signoff.declared import Declared

FROM = click.option("--from", "starts", metavar="TIME", help="From when; else now.")
UNTIL = click.option(
    "--until", metavar="TIME", required=True, help="Until when; a date counts to its end."
)
DRY = click.option("--dry-run", is_flag=True, help="Say whether it would be taken; record nothing.")


@click.group()
def people() -> None:
    """Who is here, away or stood in for, and how they come in.

    \b
    Example:
      whistlestop people link kim
      whistlestop --as kim people away kim --until 2026-12-04
    """


@people.command("list")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """The adopted people: roles, who is away, who stands in for them, who is signed in.

    \b
    Example:
      whistlestop people list
    """
    from testkit.signoff.declared import listed
    from testkit.signoff.office import office_of
    from testkit.web import sessions

    workspace = app.workspace()
    if app.person and workspace.roster.people:
        workspace.roster.person(app.person)  # a name that was typed must be somebody's
    now = workspace.clock()
    with workspace.db.read() as conn:
        open_now = [s.person for s in sessions.listed(conn) if s.state(now) == "open"]
        roster = office_of(conn, workspace).roster
        said = [d for d in listed(conn) if d.stands(now)]
    data: list[dict[str, Any]] = [
        {"id": p.id, "name": p.name, "roles": list(p.roles), "email": p.email,
         "channels": dict(p.channels), "here": p.here(now), "away": roster.away(p.id, now),
         "stand_ins": [d.delegate for d in roster.delegations
                       if d.principal == p.id and d.active(now)],
         "sessions": open_now.count(p.id)}
        for p in workspace.roster.people
    ]  # fmt: skip
    rows = []
    for d in data:
        state = "left" if not d["here"] else "away" if d["away"] else ""
        stands_in = f"{', '.join(d['stand_ins'])} signs" if d["stand_ins"] else ""
        rows.append((d["id"], d["name"], ", ".join(d["roles"]), d["email"],
                     "; ".join(filter(None, (state, stands_in))), d["sessions"] or ""))  # fmt: skip
    text = (
        table(rows, ["id", "name", "roles", "e-mail", "now", "signed in"]) if rows else "nobody yet"
    )
    for each in said:
        text += f"\n{each.id}: {_said(workspace, each)}"
    emit(data, text, as_json=as_json)


@people.command()
@click.argument("name")
@click.option("--revision", metavar="REVISION", help="For one decision on this revision or draft.")
@click.option("--stage", default="", help="The stage of that decision; else whose turn it is.")
@click.option(
    "--hours", type=click.FloatRange(0, 24 * 14, min_open=True), help="How long it works."
)
@json_option
@pass_app
def link(
    app: App, name: str, revision: str | None, stage: str, hours: float | None, as_json: bool
) -> None:
    """A link that works once: to sign in (an hour), or for one decision (a day).

    Whoever has it acts as NAME, so the ledger keeps who made it. Opening it changes nothing.

    \b
    Example:
      whistlestop people link kim
      whistlestop people link rosa --revision rev_01k...
    """
    from testkit.kernel.clock import from_text, shown
    from testkit.signoff import service
    from testkit.web import deciding, links

    workspace = app.workspace()
    person = workspace.roster.person(name)
    deciding.require_here(workspace, name)
    revision_id = ""
    if revision:
        with workspace.db.read() as conn:
            request = service.find(conn, revision)
        revision_id = request.revision.id
        stage = deciding.stage_for(workspace, request, name, stage=stage)
    elif stage:
        raise InputError("a stage belongs to a decision", field="stage", hint="add --revision")
    made, token = links.issue(
        workspace,
        person=name,
        revision=revision_id,
        stage=stage,
        lasts=None if hours is None else timedelta(hours=hours),
    )
    where = links.address(workspace.config.web.base_url, token)
    until = shown(from_text(made.expires_at), zone_name=workspace.config.organisation.zone)
    use = f"decides on {revision_id} in stage {stage}" if revision_id else "signs in"
    emit(
        {"link": made.id, "person": name, "kind": made.kind, "revision": revision_id or None,
         "stage": stage or None, "expires_at": made.expires_at, "address": where},
        f"{where}\n{person.name} {use}; works once, until {until}; `whistlestop serve` must run",
        as_json=as_json,
    )  # fmt: skip


@people.command("sessions")
@click.option("--all", "everything", is_flag=True, help="Also those that have ended.")
@json_option
@pass_app
def sessions_(app: App, everything: bool, as_json: bool) -> None:
    """Who is signed in in which browser.

    \b
    Example:
      whistlestop people sessions
    """
    from testkit.kernel.clock import from_text, shown
    from testkit.web import sessions

    workspace = app.workspace()
    now, zone = workspace.clock(), workspace.config.organisation.zone
    with workspace.db.read() as conn:
        found = [s for s in sessions.listed(conn) if everything or s.state(now) == "open"]
    rows = [
        (s.id, s.person, s.state(now), shown(from_text(s.made_at), zone_name=zone),
         shown(from_text(s.expires_at), zone_name=zone))
        for s in found
    ]  # fmt: skip
    text = table(rows, ["session", "person", "state", "since", "until"])
    emit(
        [{"session": s.id, "person": s.person, "state": s.state(now), "since": s.made_at,
          "until": s.expires_at} for s in found],
        text if rows else "nobody is signed in",
        as_json=as_json,
    )  # fmt: skip


@people.command()
@click.argument("name")
@json_option
@pass_app
def revoke(app: App, name: str, as_json: bool) -> None:
    """Sign NAME out everywhere, and take back links that were not used.

    \b
    Example:
      whistlestop people revoke kim
    """
    from testkit.web import sessions

    workspace = app.workspace()
    ended, taken = sessions.revoke(workspace, name)
    emit(
        {"person": name, "sessions": ended, "links": taken},
        f"{name}: {ended} sessions ended, {taken} links taken back",
        as_json=as_json,
    )


def _times(workspace: Workspace, starts: str | None, until: str) -> tuple[datetime, datetime]:
    from testkit.kernel.clock import parse_local
    from testkit.kernel.hours import end_of

    zone_name, now = workspace.config.organisation.zone, workspace.clock()
    begin = now if starts is None else parse_local(starts, zone_name=zone_name, now=now)
    return begin, end_of(until, zone_name=zone_name)


def _said(workspace: Workspace, found: Declared) -> str:
    from testkit.kernel.clock import shown

    zone_name = workspace.config.organisation.zone
    span = f"{shown(found.starts, zone_name=zone_name)} to {shown(found.ends, zone_name=zone_name)}"
    name = workspace.roster.person(found.person).name
    if found.kind == "away":
        return f"{name} is away, {span}"
    other = workspace.roster.person(found.delegate).name
    roles = f" as {', '.join(found.roles)}" if found.roles else ""
    return f"{other} signs for {name}{roles}, {span}"


def _data(found: Declared) -> dict[str, Any]:
    return {
        "declaration": found.id,
        "kind": found.kind,
        "person": found.person,
        "delegate": found.delegate or None,
        "roles": list(found.roles),
        "from": found.starts.isoformat(),
        "until": found.ends.isoformat(),
        "ended_at": found.ended_at.isoformat() if found.ended_at else None,
    }


def _tell(workspace: Workspace, found: Declared, *, dry_run: bool, as_json: bool) -> None:
    undo = f"to take it back: whistlestop --as {found.person} people back {found.id}"
    tail = "it would be taken; nothing was recorded" if dry_run else undo
    emit(
        {"recorded": not dry_run, **_data(found)},
        f"{_said(workspace, found)}\n{tail}",
        as_json=as_json,
    )


@people.command()
@click.argument("name")
@FROM
@UNTIL
@DRY
@json_option
@pass_app
def away(app: App, name: str, starts: str | None, until: str, dry_run: bool, as_json: bool) -> None:
    """Say that you are away: you are not asked then, others in your role and stand-ins are.

    It counts at once. For somebody else, write it under `away:` in people.yaml and adopt that.

    \b
    Example:
      whistlestop --as kim people away kim --until 2026-12-04
    """
    from testkit.signoff.declared import declare_away

    workspace = app.workspace()
    begin, end = _times(workspace, starts, until)
    done = declare_away(workspace, name, starts=begin, ends=end, dry_run=dry_run)
    _tell(workspace, done, dry_run=dry_run, as_json=as_json)


@people.command()
@click.argument("name")
@click.argument("to")
@FROM
@UNTIL
@click.option("--role", "roles", multiple=True, help="Only as this role of yours; repeatable.")
@DRY
@json_option
@pass_app
def delegate(
    app: App,
    name: str,
    to: str,
    starts: str | None,
    until: str,
    roles: Sequence[str],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let TO sign in your place for a time. You are copied, and may still sign yourself.

    It counts at once. The power to override is personal and does not go along. For somebody
    else's seat, write it under `delegations:` in people.yaml and adopt that.

    \b
    Example:
      whistlestop --as rosa people delegate rosa lee --until 2026-12-04
    """
    from testkit.signoff.declared import declare_stand_in

    workspace = app.workspace()
    begin, end = _times(workspace, starts, until)
    done = declare_stand_in(
        workspace, name, to, starts=begin, ends=end, roles=roles, dry_run=dry_run
    )
    _tell(workspace, done, dry_run=dry_run, as_json=as_json)


@people.command()
@click.argument("declaration", required=False)
@json_option
@pass_app
def back(app: App, declaration: str | None, as_json: bool) -> None:
    """Take back what you declared: all of it, or the one that you name.

    \b
    Example:
      whistlestop --as kim people back
    """
    from testkit.signoff.declared import take_back

    workspace = app.workspace()
    done = take_back(workspace, workspace.actor.name, declaration=declaration or "")
    lines = [f"taken back: {_said(workspace, each)}" for each in done]
    emit([_data(each) for each in done], "\n".join(lines), as_json=as_json)
