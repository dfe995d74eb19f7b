"""A web server of its own process that serves feed files with ETags, for polling benchmarks.

``python -m benchmarks.feed_server FOLDER`` prints its port. ``/NAME`` is the file ``NAME`` of the
folder ``one`` or ``two`` below it, whichever ``/show/one`` or ``/show/two`` chose last.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


async def serve(folder: Path) -> None:
    """Serve until the process is ended."""
    pages = {
        version: {
            path.name: (path.read_bytes(), f'"{hashlib.md5(path.read_bytes()).hexdigest()}"')
            for path in (folder / version).iterdir()
        }
        for version in ("one", "two")
    }
    shown = "one"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal shown
        try:
            while (line := await reader.readline()).strip():
                name = line.split()[1].decode().strip("/")
                known = ""
                while header := (await reader.readline()).decode("latin-1").strip():
                    key, _, value = header.partition(":")
                    known = value.strip() if key.lower() == "if-none-match" else known
                if name.startswith("show/"):
                    shown = name.removeprefix("show/")
                    body, etag = b"ok", '"none"'
                else:
                    body, etag = pages[shown][name]
                head = "304 Not Modified" if known == etag else "200 OK"
                sent = b"" if known == etag else body
                length = "" if known == etag else f"Content-Length: {len(sent)}\r\n"
                writer.write(
                    f"HTTP/1.1 {head}\r\nContent-Type: application/xml\r\nETag: {etag}\r\n"
                    f"{length}\r\n".encode()
                )
                writer.write(sent)
                await writer.drain()
        except (ConnectionError, IndexError, KeyError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The server in its own process; gives the address that file names are put behind."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.feed_server", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
