"""Second half of the demo: a story breaks, a response is signed, its words become a test."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from responders.feeds.recorded import bundled_documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testkit.services.demo import Stage

__all__ = ["play", "serve"]

REPLAY = "first-light"


def play(stage: Stage) -> None:
    """From four feeds on loopback to a release, and on to its experiment."""
    stage.title("A response: workers vote to strike, and you answer within the hour")
    stage.say("Four feeds of outlets that we made up, served on this machine.\n")
    with serve(REPLAY) as addresses:
        stage.run("feed", "add", *addresses, lines=2)
        stage.run("tick")
        stage.run("tick", lines=1)  # asked again, nothing is due: nothing doubles
    draft = stage.ask("draft", "list")[0]
    stage.run("draft", "show", draft["draft"], lines=16)
    submitted = stage.ask("draft", "submit", draft["draft"], "--no-candidate", person="sam")
    stage.say(f"$ whistlestop --as sam draft submit {draft['draft']} --no-candidate")
    revision = submitted["revision"]
    stage.run("signoff", "inbox", person="kim")
    stage.run("signoff", "approve", revision, lines=1, person="kim")
    stage.run("signoff", "approve", revision, "-m", "Go.", person="rosa")
    released = stage.ask("release", draft["draft"], person="sam")
    stage.say(f"$ whistlestop --as sam release {draft['draft']}")
    for path in released["files"]:
        stage.say(f"  {path}")
    bridged = stage.ask(
        "bridge",
        released["release"],
        "--list-size",
        "40000",
        "--base-rate",
        "0.03",
        "--outcome",
        "signed",
    )
    stage.say(
        f"$ whistlestop bridge {released['release']} --list-size 40000 --base-rate 0.03"
        " --outcome signed"
    )
    stage.say(f"  wrote {bridged['path']}")
    stage.run("experiment", "lock", bridged["experiment"], lines=3)
    stage.run("ledger", "verify")
    folder = released["files"][0].rsplit("/", 1)[0]
    stage.keep(f"{folder}/", "the released words, one file per channel and variant")
    stage.keep(bridged["path"], "the experiment that the response became")
    stage.keep("issues/labor.yaml", "an issue file: what is watched for, and how you speak")


@contextlib.contextmanager
def serve(replay: str, *, now: datetime | None = None) -> Iterator[list[str]]:
    """Serve a bundled set of feeds on loopback, with ETags; yields their addresses.

    Args:
        replay: Name of a folder in ``responders/replays``.
        now: Moment that the feeds' dates are counted back from.
    """
    documents = bundled_documents(replay, now=now or datetime.now(UTC))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            body = documents.get(name)
            if body is None:
                self.send_error(404)
                return
            etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            if self.headers.get("If-None-Match") == etag:
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(200)
            kind = "application/feed+json" if name.endswith(".json") else "application/xml"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", etag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        port = server.server_address[1]
        yield [f"http://127.0.0.1:{port}/{name}" for name in sorted(documents)]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
