"""Real peers on loopback: a mail server and a web server that remember what they got."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class MailPeer:
    """What the mail server took.

    Attributes:
        port: Where it listens.
        answers: What it says to the next recipients instead of yes, one each.
        got: ``(recipient, message)``, in order.
    """

    port: int = 0
    answers: list[str] = field(default_factory=list)
    got: list[tuple[str, EmailMessage]] = field(default_factory=list)

    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for _, mail in self.got]

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.answers:
            answer = self.answers.pop(0)
            if answer != "250":
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        for recipient in envelope.rcpt_tos:
            self.got.append((recipient, mail))
        return "250 taken"


@contextlib.contextmanager
def mail_server(**more: Any) -> Iterator[MailPeer]:
    peer = MailPeer()
    with socket.socket() as probe:  # the controller cannot tell a port that it did not choose
        probe.bind(("127.0.0.1", 0))
        peer.port = probe.getsockname()[1]
    controller = Controller(peer, hostname="127.0.0.1", port=peer.port, **more)
    controller.start()
    try:
        yield peer
    finally:
        controller.stop()


@dataclass
class WebPeer:
    """What the web server got.

    Attributes:
        url: Its address.
        answers: ``(status, headers)`` of the next answers; 200 after that.
        got: ``(headers, body)``, in order.
    """

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@contextlib.contextmanager
def web_server() -> Iterator[WebPeer]:
    peer = WebPeer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = peer.answers.pop(0) if peer.answers else (200, {})
            if status < 300:
                peer.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        peer.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
