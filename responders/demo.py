"""Second half of the demo: a story breaks, a response is signed, its words become a test."""

from __future__ import annotations

import contextlib
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from responders.feeds import loopback
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

    def answer(name: str) -> tuple[bytes, str] | None:
        body = documents.get(name)
        return None if body is None else (body, f'"{hashlib.sha256(body).hexdigest()[:16]}"')

    with loopback.serve(answer) as address:
        yield [f"{address}/{name}" for name in sorted(documents)]
