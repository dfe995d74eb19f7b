"""``whistlestop serve``: the pages in the browser."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from testkit.errors import InputError, StateError
from testkit.kernel.console import App, pass_app

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
