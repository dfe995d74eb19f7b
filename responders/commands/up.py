"""``whistlestop up``: pages, newsroom and delivery in one process, for a small office."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import click

from testkit.kernel.console import App, pass_app

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="Port."
)
@click.option("--every", default=60, show_default=True, help="Seconds between two ticks.")
@pass_app
def up(app: App, host: str, port: int, every: int) -> None:
    """Run everything: the pages, a tick every minute, messages within seconds. Ctrl-C stops it.

    The same as `serve` and `watch` together. A step that fails is told and tried again; what is
    under way when you stop is finished first.

    \b
    Example:
      whistlestop up
    """
    from responders.services.tick import tick
    from testkit.commands.web import listen, require_local_folder, server_of, welcome
    from testkit.services.deliver import deliver_due
    from testkit.web.app import create_app

    workspace = app.workspace()
    require_local_folder(workspace)
    listener = listen(host, port)
    server = server_of(create_app(app.workspace, app.pages()))
    stop = threading.Event()
    # Each thread opens the workspace anew for every step: a changed file counts at once.
    threads = [
        _every(every, stop, "tick", lambda: tick(app.workspace())),
        _every(5, stop, "delivery", lambda: deliver_due(app.workspace(), stop=stop.is_set)),
    ]
    # A service manager stops us with SIGTERM: it ends like Ctrl-C, and nothing is cut off.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    click.echo(welcome(workspace, listener, host=host), err=True)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=120)
    click.echo("stopped", err=True)


def _every(
    seconds: float, stop: threading.Event, name: str, step: Callable[[], object]
) -> threading.Thread:
    """Start a thread that takes a step again and again; it outlives a step that fails."""

    def loop() -> None:
        last = ""
        while True:
            try:
                step()
                last = ""
            except Exception as cause:  # noqa: BLE001 - the office keeps running, and is told why
                told = f"{name}: {str(cause) or type(cause).__name__}"
                if told != last:
                    click.echo(told, err=True)
                last = told
            if stop.wait(seconds):
                return

    thread = threading.Thread(target=loop, name=name, daemon=True)
    thread.start()
    return thread
