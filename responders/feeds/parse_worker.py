"""The process that reads feed documents: bytes in, values out, nothing else.

Started by :mod:`responders.feeds.parse` with limits on memory and processor time. It speaks in
frames over its standard input and output: a line with the lengths of a JSON header and of a body,
then both. Answers are JSON, never pickles: a worker that a document has taken over can lie about
that document and do no more.
"""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from datetime import UTC, datetime
from typing import IO, Any, Final

from responders.model.feed import ParsedEntry, ParsedFeed
from testkit.kernel.limits import limit_cpu_from_now, limit_process

__all__ = ["decode", "encode", "main", "read_frame", "write_frame"]

_FEED: Final = tuple(field.name for field in fields(ParsedFeed))
_ENTRY: Final = tuple(field.name for field in fields(ParsedEntry))


def write_frame(stream: IO[bytes], header: dict[str, Any], body: bytes = b"") -> None:
    """Write one frame."""
    text = json.dumps(header).encode()
    stream.write(b"%d %d\n" % (len(text), len(body)))
    stream.write(text)
    stream.write(body)
    stream.flush()


def read_frame(stream: IO[bytes], *, most_bytes: int) -> tuple[dict[str, Any], bytes] | None:
    """Read one frame; None at the end of the stream.

    Raises:
        ValueError: What stands there is no frame, or is larger than ``most_bytes``.
    """
    line = stream.readline(64)
    if not line:
        return None
    header_size, body_size = (int(part) for part in line.split())
    if header_size + body_size > most_bytes:
        message = f"frame of {header_size + body_size:,} bytes"
        raise ValueError(message)
    header = json.loads(stream.read(header_size))
    return header, stream.read(body_size)


def encode(feed: ParsedFeed) -> dict[str, Any]:
    """A parsed feed as JSON values."""
    entries = []
    for entry in feed.entries:
        plain = {name: getattr(entry, name) for name in _ENTRY}
        for name in ("published", "updated"):
            if plain[name] is not None:
                plain[name] = plain[name].isoformat()
        entries.append(plain)
    return {**{name: getattr(feed, name) for name in _FEED}, "entries": entries}


def decode(values: dict[str, Any]) -> ParsedFeed:
    """The parsed feed that :func:`encode` wrote.

    Raises:
        TypeError, ValueError: The values are not of that shape.
    """
    entries = []
    for entry in values.pop("entries"):
        for name in ("published", "updated"):
            if entry[name] is not None:
                entry[name] = datetime.fromisoformat(entry[name])
        entries.append(ParsedEntry(**{**entry, "notes": tuple(entry["notes"])}))
    for name in ("skip_hours", "skip_days", "present", "notes"):
        values[name] = tuple(values[name])
    values["feeds"] = tuple((str(url), str(title)) for url, title in values["feeds"])
    return ParsedFeed(**values, entries=tuple(entries))


def main(stdin: IO[bytes], stdout: IO[bytes]) -> None:
    """Answer frames until the input ends."""
    from responders.feeds.read import read_feed

    # Reading once loads every library, so that the first document's time is its own.
    now = datetime.now(UTC)
    for sample in (
        b"<rss><channel><item><title>&lt;b&gt;</title></item></channel></rss>",
        b"<rss>",
    ):
        read_feed(sample, content_type="", url="", now=now)
    opening = read_frame(stdin, most_bytes=10_000)
    if opening is None:
        return
    settings, _ = opening
    limit_process(memory_bytes=settings["memory_bytes"])
    write_frame(stdout, {"ready": True})
    while (frame := read_frame(stdin, most_bytes=settings["request_bytes"])) is not None:
        task, body = frame
        # The parent kills by the clock; this ends a worker whose parent is gone.
        limit_cpu_from_now(settings["seconds"] + 2)
        try:
            feed = read_feed(
                body,
                content_type=task["content_type"],
                url=task["url"],
                now=datetime.fromisoformat(task["now"]),
                seen=frozenset(task["seen"]),
                most_items=task["most_items"],
            )
        except MemoryError:
            feed = ParsedFeed(problem="the document needs more memory than a feed may take")
        except RecursionError:
            feed = ParsedFeed(problem="the document is nested too deeply")
        except Exception as problem:  # noqa: BLE001 - told to the parent, who records it
            feed = ParsedFeed(
                problem=f"the document cannot be read: {type(problem).__name__}: {problem}"[:300]
            )
        write_frame(stdout, encode(feed))


if __name__ == "__main__":
    # What a library prints must not end up between the frames.
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr
    main(sys.stdin.buffer, answers)
