"""A web server on loopback that answers with documents and ETags: stored feeds, played again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Answer", "serve"]

Answer = Callable[[str], tuple[bytes, str] | None]
"""Name below the address to ``(body, ETag)``; None when there is no such document."""


@contextlib.contextmanager
def serve(answer: Answer) -> Iterator[str]:
    """Serve documents while the context lasts; yields the address, without a slash at the end.

    A name that ends in ``.json`` is served as JSON Feed, any other as XML. Whoever asks with the
    present ETag gets 304 and no body.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            found = answer(name)
            if found is None:
                self.send_error(404)
                return
            body, etag = found
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
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
