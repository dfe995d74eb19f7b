"""A small office with pages: a draft before the chain, and a real server on loopback."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2

from tests.conftest import MovableClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from testkit.kernel.ledger import Actor
    from testkit.kernel.workspace import Workspace

BROWSER = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says of a form on our own page."""


@dataclass
class Office:
    """A workspace with one draft that sam has put before the chain."""

    folder: Path
    clock: MovableClock = field(default_factory=MovableClock)
    draft: str = "draft_1"
    revision: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    def app(self) -> Any:
        import cli
        from testkit.kernel.console import App

        return App(
            schemas=cli.schemas,
            kinds=cli.kinds,
            starter=cli.starter,
            pages=cli.pages,
            auditors=cli.auditors,
            folder=self.folder,
            overrides=self.settings,
            clock=self.clock,
        )

    def run(self, *words: str, person: str = "", code: int = 0) -> str:
        """Run a command as a person would; returns what it printed."""
        done, printed = self.attempt(*words, person=person)
        assert done == code, printed
        return printed

    def attempt(self, *words: str, person: str = "") -> tuple[int, str]:
        """Run a command that may fail; returns its exit code and what it printed."""
        import cli

        out, err = io.StringIO(), io.StringIO()
        settings = [w for item in self.settings.items() for w in ("--set", "=".join(item))]
        start = [*settings, *(["--as", person] if person else [])]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            done = cli.run([*start, *words], obj=self.app())
        return done, out.getvalue() if done == 0 else err.getvalue()

    def json(self, *words: str, person: str = "") -> Any:
        return json.loads(self.run(*words, "--json", person=person))

    def workspace(self, actor: Actor | None = None) -> Workspace:
        return self.app().workspace(actor)

    def raise_draft(self, *, risk: str = "low", story: str = "story_1") -> None:
        from responders.store import audit, drafts
        from testkit.kernel import ledger
        from testkit.kernel.clock import to_text
        from testkit.kernel.digest import digest

        workspace = self.workspace()
        row = drafts.DraftRow(
            id=self.draft,
            story=story,
            issue="labor",
            issue_version=1,
            title="Workers at Northgate vote to strike",
            reason="Two outlets carry it; it speaks of a strike vote at a warehouse.",
            risk=risk,
            hold=False,
            content={
                "arms": {
                    "email": {
                        "a": {
                            "subject": "Stand with them",
                            "preheader": "",
                            "body": "Friend,\n\nCall <today>.",
                        },
                        "b": {
                            "subject": "They voted",
                            "preheader": "",
                            "body": "Friend,\n\nSign the letter.",
                        },
                    },
                    "sms": {"a": {"body": "Call 555 0100 today. Reply STOP to end"}},
                },
                "audience": "all supporters",
                "channel": ["email", "sms"],
            },
            facts={
                "story": {
                    "entries": [
                        {
                            "source": "The Harbor Courier",
                            "title": "Strike vote at Northgate",
                            "url": "https://courier.example/1",
                        },
                        {"source": "Odd Wire", "title": "Same", "url": "javascript:alert(1)"},
                    ]
                },
                "findings": [
                    {"code": "RS052", "severity": "warning", "message": "a placeholder address"}
                ],
            },
            raised_at=to_text(self.clock()),
        )
        with workspace.db.write() as conn:
            drafts.add(conn, row)
            ledger.append(
                conn,
                kind="draft.raised",
                subject=f"draft/{row.id}",
                actor=ledger.Actor(name="system", via="system", auth="none"),
                payload={
                    "story": row.story,
                    "content_digest": digest(row.content),
                    "row_digest": audit.DRAFT.row_digest(conn, row.id),
                },
                now=self.clock(),
            )

    def submit(self, *words: str) -> str:
        known = ("--no-candidate", "--known-position")
        made = self.json("draft", "submit", self.draft, *known, *words, person="sam")
        self.revision = made["revision"]
        return self.revision

    def link(self, person: str, *words: str) -> str:
        """The path of a link for somebody: to sign in, or as the words say."""
        made = self.json("people", "link", person, *words)
        return str(re.sub(r"^https?://[^/]+", "", made["address"]))

    def decide_link(self, person: str) -> str:
        return self.link(person, "--revision", self.revision)

    def request(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.json("signoff", "show", self.revision)
        return shown


@contextlib.contextmanager
def serving(office: Office) -> Iterator[str]:
    """The office's pages from the server that `whistlestop serve` runs; yields the address."""
    from testkit.commands.web import listen, server_of
    from testkit.web.app import create_app

    listener = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    office.settings["web.base_url"] = address
    app = office.app()
    server = server_of(create_app(app.workspace, app.pages()))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()


def prepared(folder: Path) -> Office:
    """An office made from nothing; tests copy its folder."""
    office = Office(folder=folder)
    office.run("init", str(folder), "--zone", "America/New_York")
    office.raise_draft()
    office.submit()
    return office


def moved_in(made: Office, folder: Path) -> Office:
    """A copy of an office, in a folder and with a clock of its own."""
    shutil.copytree(made.folder, folder)
    return Office(folder=folder, revision=made.revision)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the last form of a page."""
    form = page[page.rindex("<form") :]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))


@dataclass
class Visitor:
    """A browser without JavaScript: keeps cookies, sends the forms of the pages it sees."""

    client: httpx2.Client

    def get(self, path: str) -> httpx2.Response:
        return self.client.get(path)

    def send(self, path: str, page: str = "", **fields: str) -> httpx2.Response:
        """Send the form of a page, or of what GET of the path shows."""
        shown = page or self.client.get(path).text
        return self.client.post(path, data={**hidden(shown), **fields}, headers=BROWSER)

    def sign_in(self, path: str) -> httpx2.Response:
        return self.send(path)


@contextlib.contextmanager
def visitor(address: str) -> Iterator[Visitor]:
    with httpx2.Client(base_url=address, follow_redirects=True, timeout=20) as client:
        yield Visitor(client)
