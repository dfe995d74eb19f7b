"""``whistlestop serve`` and ``whistlestop people``: the pages, and who may come in."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from testkit.errors import InputError, StateError
from testkit.kernel.console import App, emit, json_option, pass_app, table

if TYPE_CHECKING:
    import socket

    import uvicorn
    from starlette.applications import Starlette

    from testkit.kernel.workspace import Workspace


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="Port."
)
@pass_app
def serve(app: App, host: str, port: int) -> None:
    """Serve the pages: inbox, decisions, experiments. Ctrl-C stops it.

    Behind a proxy that holds a certificate, set web.base_url to the https address. Requests are
    not logged: addresses hold one-time links.

    \b
    Example:
      whistlestop serve
    """
    from testkit.web.app import create_app

    workspace = app.workspace()
    require_local_folder(workspace)
    listener = listen(host, port)
    server = server_of(create_app(app.workspace, app.pages()))
    click.echo(welcome(workspace, listener, host=host), err=True)
    with contextlib.suppress(KeyboardInterrupt):  # how it is meant to end
        server.run(sockets=[listener])
    click.echo("stopped", err=True)


def server_of(site: Starlette) -> uvicorn.Server:
    """The server, not yet running; it logs failures, and no request."""
    import uvicorn

    config = uvicorn.Config(
        site,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)


def require_local_folder(workspace: Workspace) -> None:
    """Check that the folder is neither synced nor on a network drive.

    Raises:
        StateError: It is: several machines would write one database.
    """
    from testkit.services.setup import doctor

    for finding in doctor(workspace):
        if finding.code == "DR004" and finding.severity == "error":
            raise StateError(f"not served: {finding.message}", hint=finding.hint)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        InputError: The address is taken, or not this machine's.
    """
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as cause:
        raise InputError(
            f"cannot listen on {host} port {port}: {cause.strerror or cause}",
            field="port",
            value=port,
            hint="another serve may be running; choose another with --port",
        ) from cause


def welcome(workspace: Workspace, listener: socket.socket, *, host: str) -> str:
    """Where the pages are, and how to come in."""
    shown_host = f"[{host}]" if ":" in host else host
    here = f"http://{shown_host}:{listener.getsockname()[1]}"
    base = workspace.config.web.base_url.rstrip("/")
    people = ", ".join(person.id for person in workspace.roster.people) or "nobody yet"
    lines = [
        f"{workspace.config.organisation.name}: {here} (Ctrl-C stops)",
        f"to sign in: whistlestop -C {workspace.root} people link NAME   ({people})",
    ]
    if base != here:
        lines.append(f"links lead to {base} (web.base_url in whistlestop.yaml)")
    return "\n".join(lines)


@click.group()
def people() -> None:
    """Who is here, and how they come in.

    \b
    Example:
      whistlestop people link kim
    """


@people.command("list")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """The adopted people with their roles.

    \b
    Example:
      whistlestop people list
    """
    from testkit.web import sessions

    workspace = app.workspace()
    now = workspace.clock()
    with workspace.db.read() as conn:
        open_now = [s.person for s in sessions.listed(conn) if s.state(now) == "open"]
    data = [
        {"id": p.id, "name": p.name, "roles": list(p.roles), "email": p.email,
         "sessions": open_now.count(p.id)}
        for p in workspace.roster.people
    ]  # fmt: skip
    rows = [(d["id"], d["name"], ", ".join(p.roles), d["email"], d["sessions"] or "")
            for d, p in zip(data, workspace.roster.people, strict=True)]  # fmt: skip
    text = table(rows, ["id", "name", "roles", "e-mail", "signed in"]) if rows else "nobody yet"
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
