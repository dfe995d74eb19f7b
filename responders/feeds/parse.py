"""Read feed documents in a worker process that can be killed.

Feed documents come from strangers and the readers of XML and HTML have slow paths. So reading
happens in a process of its own, with limits on memory and processor time where the system has
them, and with a clock outside: after five seconds the process is killed, the document gets a
finding, and the next document gets a new process. A process that the machine hardly let run in that
time says nothing about its document, which is tried once more in a new one. The worker has no part
of our environment and answers in JSON.

:class:`ParseWorker` is for many documents one after another, :func:`parse_many` keeps all cores
busy, :func:`parse_feed` is for one.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal, Self

from responders.feeds.incremental import MOST_ITEMS
from responders.feeds.parse_worker import decode, read_frame, write_frame
from responders.model.feed import ParsedEntry, ParsedFeed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "ParseLimits",
    "ParseTask",
    "ParseWorker",
    "ParsedEntry",
    "ParsedFeed",
    "parse_feed",
    "parse_many",
]

# Starting Python and loading the readers counts apart: a busy machine is not a hostile document.
_START_S: Final = 30.0
# What Linux lets anybody have; 64 kB are usual.
_PIPE_BYTES: Final = 1 << 20
# A worker that got less of its time than this was kept waiting by the machine.
_FAIR_SHARE: Final = 0.5
_Ended = Literal["in time", "late", "starved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseLimits:
    """What reading one document may cost.

    Attributes:
        seconds: Wall time until the worker is killed, > 0.
        memory_bytes: Address space of the worker, > 0; takes hold on POSIX only.
        body_bytes: Largest document, > 0.
        most_items: Most items of a document that are looked at, >= 4.
    """

    seconds: float = 5.0
    memory_bytes: int = 1_000_000_000
    body_bytes: int = 20_000_000
    most_items: int = MOST_ITEMS


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseTask:
    """One document to read.

    Attributes:
        key: Any name; the answer carries it.
        body: The document.
        content_type: ``Content-Type`` as sent; empty without one.
        url: Address that it came from.
        seen: Hashes of known items (:attr:`ParsedFeed.present` of the last time).
    """

    key: str
    body: bytes
    content_type: str = ""
    url: str = ""
    seen: frozenset[str] = frozenset()


class ParseWorker:
    """A process that reads documents, replaced when it had to be killed.

    Use it as a context manager. One thread at a time.

    Args:
        limits: What one document may cost; the defaults when None.
    """

    def __init__(self, limits: ParseLimits | None = None) -> None:
        self.limits = limits or ParseLimits()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def parse(
        self,
        body: bytes,
        *,
        content_type: str,
        url: str,
        seen: Iterable[str] = (),
        now: datetime | None = None,
    ) -> ParsedFeed:
        """Read one document.

        Args:
            body: The document.
            content_type: ``Content-Type`` as sent; empty without one.
            url: Address that it came from; relative links start here.
            seen: Hashes of known items; they are skipped.
            now: The moment of reading, aware; the present when None.

        Returns:
            What it said. It never raises for what a document contains: ``problem`` says it.
        """
        if len(body) > self.limits.body_bytes:
            return ParsedFeed(
                problem=f"the document is larger than {self.limits.body_bytes / 1e6:g} MB"
            )
        task = {
            "content_type": content_type,
            "url": url,
            "seen": list(seen),
            "now": (now or datetime.now(UTC)).isoformat(),
            "most_items": self.limits.most_items,
        }
        for again in (True, False):
            process = self._started()
            if process is None:
                return ParsedFeed(problem="the reader could not be started")
            answer, ended = _ask(process, task, body, self.limits)
            if answer is not None:
                with contextlib.suppress(TypeError, ValueError, KeyError):
                    return decode(answer)
            self.close()
            if not (again and ended == "starved"):
                break
        if ended != "in time":
            return ParsedFeed(
                problem=f"reading the document took longer than {self.limits.seconds:g} s"
            )
        return ParsedFeed(problem="the document made the reader crash")

    def close(self) -> None:
        """End the process; the next document starts a new one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            _close(stream)
        process.wait()

    def _started(self) -> subprocess.Popen[bytes] | None:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._process = subprocess.Popen(
            # -P: a file called json.py in the folder that we run in must not be taken for ours.
            [sys.executable, "-P", "-m", "responders.feeds.parse_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_bare_environment(),
            close_fds=True,
        )
        _widen(self._process)
        settings = {
            "memory_bytes": self.limits.memory_bytes,
            "request_bytes": 4 * self.limits.body_bytes,
            "seconds": self.limits.seconds,
        }
        ready, _ = _ask(self._process, settings, b"", replace(self.limits, seconds=_START_S))
        if ready is None:
            self.close()
        return self._process


def parse_feed(
    body: bytes,
    *,
    content_type: str,
    url: str,
    seen: Iterable[str] = (),
    now: datetime | None = None,
    limits: ParseLimits | None = None,
) -> ParsedFeed:
    """Read one document in a worker of its own; see :meth:`ParseWorker.parse`.

    Starting the worker costs a few tenths of a second: for more than one document use
    :class:`ParseWorker` or :func:`parse_many`.
    """
    with ParseWorker(limits) as worker:
        return worker.parse(body, content_type=content_type, url=url, seen=seen, now=now)


def parse_many(
    tasks: Iterable[ParseTask],
    *,
    limits: ParseLimits | None = None,
    now: datetime | None = None,
    workers: int | None = None,
) -> Iterator[tuple[str, ParsedFeed]]:
    """Read documents side by side; yield each answer with its key, in the order of the tasks.

    Args:
        tasks: Documents; taken only a few ahead of the answers, so a generator is fine.
        limits: What one document may cost.
        now: The moment of reading, aware; the present when None.
        workers: Processes; one per core when None.

    Yields:
        Key and what the document said.
    """
    count = max(1, workers or os.cpu_count() or 1)
    mine = threading.local()
    opened: list[ParseWorker] = []

    def one(task: ParseTask) -> tuple[str, ParsedFeed]:
        worker: ParseWorker | None = getattr(mine, "worker", None)
        if worker is None:
            worker = mine.worker = ParseWorker(limits)
            opened.append(worker)
        parsed = worker.parse(
            task.body, content_type=task.content_type, url=task.url, seen=task.seen, now=now
        )
        return task.key, parsed

    threads = ThreadPoolExecutor(max_workers=count, thread_name_prefix="parse")
    waiting: deque[Future[tuple[str, ParsedFeed]]] = deque()
    try:
        for task in tasks:
            waiting.append(threads.submit(one, task))
            if len(waiting) > 2 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # First the threads, then their processes: a thread that is at work would start a new one.
        threads.shutdown(wait=True, cancel_futures=True)
        for worker in opened:
            worker.close()


def _ask(
    process: subprocess.Popen[bytes], header: dict[str, Any], body: bytes, limits: ParseLimits
) -> tuple[dict[str, Any] | None, _Ended]:
    """One frame there and one back, against the clock: the answer, and how it went."""
    assert process.stdin is not None
    assert process.stdout is not None
    before = _processor_seconds(process.pid)
    ended: _Ended = "in time"

    def kill() -> None:
        nonlocal ended
        after = _processor_seconds(process.pid)
        if before is None or after is None or after - before >= limits.seconds * _FAIR_SHARE:
            ended = "late"
        else:
            ended = "starved"
        process.kill()

    clock = threading.Timer(limits.seconds, kill)
    clock.start()
    try:
        write_frame(process.stdin, header, body)
        answer = read_frame(process.stdout, most_bytes=8 * limits.body_bytes)
    except (OSError, ValueError):  # it died while it was spoken to, or talks nonsense
        answer = None
    finally:
        clock.cancel()
    return (None if answer is None else answer[0]), ended


def _widen(process: subprocess.Popen[bytes]) -> None:
    """Let a pipe hold most documents: a busy parent comes round rarely to move what is in it."""
    if sys.platform == "linux":
        import fcntl

        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # the system may allow less
                fcntl.fcntl(stream or -1, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _processor_seconds(pid: int) -> float | None:
    """What a process has computed so far; None where the system does not tell."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        user, system = told.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None


def _bare_environment() -> dict[str, str]:
    # Nothing of ours goes along but what Python needs to start: no keys, no tokens.
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
    }


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError):  # what was still to be written has nobody to go to
            stream.close()
