"""Feeds on loopback that a test writes item by item, and pages that misbehave."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


@dataclass
class Outlet:
    """One feed: its name and what it has published, the newest first."""

    name: str
    items: list[tuple[str, str, datetime | None]] = field(default_factory=list)

    def publish(self, title: str, at: datetime | None, *, summary: str = "") -> None:
        self.items.insert(0, (title, summary, at))

    def document(self) -> bytes:
        lines = [f'<rss version="2.0"><channel><title>{escape(self.name)}</title>']
        for title, summary, at in self.items:
            key = sha256(f"{self.name} {title}".encode()).hexdigest()[:12]
            date = f"<pubDate>{format_datetime(at)}</pubDate>" if at else ""
            lines.append(
                f"<item><title>{escape(title)}</title><description>{escape(summary)}</description>"
                f"<guid>{key}</guid><link>https://news.example/{key}</link>{date}</item>"
            )
        return "\n".join([*lines, "</channel></rss>"]).encode()


class FeedWorld:
    """A server on loopback. ``outlet`` adds a feed, ``pages`` takes anything else by its path."""

    def __init__(self) -> None:
        self.outlets: dict[str, Outlet] = {}
        self.pages: dict[str, Callable[[Any], None]] = {}
        self.asked: list[str] = []
        world = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                world.asked.append(self.path)
                with suppress(BrokenPipeError, ConnectionResetError):
                    if self.path in world.outlets:
                        send(self, world.outlets[self.path].document())
                    elif self.path in world.pages:
                        world.pages[self.path](self)
                    else:
                        send(self, b"not here", status=404)

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None: ...

        self.server = Server(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server.server_address[1]}{path}"

    def outlet(self, name: str) -> Outlet:
        path = "/" + name.lower().replace(" ", "-")
        return self.outlets.setdefault(path, Outlet(name))

    def addresses(self) -> list[str]:
        return [self.url(path) for path in self.outlets]


def send(handler: Any, body: bytes, *, status: int = 200, **headers: str) -> None:
    """Answer once, with an ETag where the body is a feed."""
    handler.send_response(status)
    for name, value in {"Content_Type": "application/xml", **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
