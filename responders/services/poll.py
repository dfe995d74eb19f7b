"""poll: ask the feeds that are due; what they answer goes to :mod:`responders.services.keep`.

Asking, reading and storing go on side by side: fetching in a thread with an event loop, reading in
killable workers, storing here, a batch of answers at a time. A feed that hangs, or a document that
takes a worker down, delays nobody else.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from responders.feeds.answers import FetchRequest
from responders.feeds.rhythm import FeedHistory, SchedulePolicy
from responders.services.keep import Answered, Keeper
from responders.store import archive
from testkit.errors import InputError
from testkit.kernel.digest import digest
from testkit.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from responders.feeds.answers import FetchResult
    from responders.feeds.guard import Resolver
    from responders.feeds.parse import ParseWorker
    from responders.services.keep import Kept
    from responders.store.archive import FeedRow
    from testkit.kernel.workspace import Workspace

__all__ = ["AddedFeeds", "Polled", "add", "policy_of", "poll"]

# Answers are stored when there are so many, or when the first of them has waited so long.
_BATCH: Final = 100
_BATCH_SECONDS: Final = 1.0
# Bodies may be 20 MB: so many at most wait for a reader or for their transaction.
_IN_FLIGHT: Final = 12
_MOST_READERS: Final = 4
_FIT_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFeeds:
    """What ``feed add`` did.

    Attributes:
        added: Addresses that are watched from now on.
        known: Addresses that were watched before.
        notes: What was odd about the list.
    """

    added: tuple[str, ...]
    known: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one poll brought.

    Attributes:
        asked: Feeds that were asked.
        entries_new: Entries that nobody had brought before.
        revised: Entries whose words changed.
        copies: Syndicated copies among the new ones.
        problems: ``(feed, problem)`` of every feed that is not well.
        moved: ``(feed, new address)`` of every feed whose address was rewritten.
    """

    asked: int
    entries_new: int
    revised: int
    copies: int
    problems: tuple[tuple[str, str], ...]
    moved: tuple[tuple[str, str], ...] = ()


def policy_of(workspace: Workspace) -> SchedulePolicy:
    """The schedule's policy: the configuration, and how its budget is spread over the feeds.

    The spread is fitted to what all feeds have shown, at most once an hour: it changes slowly.
    """
    from responders.feeds.rhythm import common_profile, fit_scale

    polling = workspace.config.polling
    policy = SchedulePolicy(
        requests_per_day=float(polling.requests_per_day),
        floor_minutes=float(polling.floor_minutes),
        cap_minutes=60.0 * polling.ceiling_hours,
    )
    now = workspace.clock()
    with workspace.archive.read() as conn:
        known = archive.fitted(conn)
        basis = digest([polling.model_dump(mode="json"), archive.asked_feeds(conn)])
        if known is not None and known[0] == basis and now - known[3] < _FIT_EVERY:
            return replace(policy, scale=known[1], profile=known[2])
        histories = archive.histories(conn)
    policy = replace(policy, profile=common_profile(histories))
    policy = replace(policy, scale=fit_scale(histories, policy=policy))
    with workspace.archive.write() as conn:
        archive.save_fitted(conn, basis, scale=policy.scale, profile=policy.profile, now=now)
    return policy


def add(
    workspace: Workspace,
    feeds: Sequence[tuple[str, str, tuple[str, ...]]],
    *,
    notes: tuple[str, ...] = (),
) -> AddedFeeds:
    """Watch feeds.

    Args:
        workspace: The workspace.
        feeds: ``(address, title, folder)``.
        notes: Passed on to the result.

    Raises:
        InputError: An address is not http or https.
    """
    now = workspace.clock()
    bad = [url for url, _, _ in feeds if not url.startswith(("http://", "https://"))]
    if bad:
        raise InputError(
            f"{bad[0]!r} is not a web address",
            field="url",
            value=bad[0],
            hint="it starts with https:// or http://",
        )
    added: list[str] = []
    known: list[str] = []
    with workspace.archive.write() as conn:
        for url, title, folder in feeds:
            feed_id = new_id("feed", now=now)
            row = archive.FeedRow(
                id=feed_id,
                url=url,
                title=title,
                site_url="",
                language="",
                folder=folder,
                etag=None,
                last_modified=None,
                body_sha256=None,
                present=(),
                history=FeedHistory(feed_id=feed_id),
                due_at=now,
            )
            (added if archive.add_feed(conn, row, now=now) else known).append(url)
    return AddedFeeds(added=tuple(added), known=tuple(known), notes=notes)


def poll(
    workspace: Workspace,
    *,
    only: FeedRow | None = None,
    say: Callable[[str], None] = lambda _: None,
    stored: Callable[[], None] = lambda: None,
    resolver: Resolver | None = None,
) -> Polled:
    """Ask every feed that is due.

    Args:
        workspace: The workspace.
        only: Ask just this feed, due or not.
        say: Told what is being done.
        stored: Called whenever news were stored, while slower feeds are still asked.
        resolver: How names become addresses; the system's way when None.
    """
    now = workspace.clock()
    with workspace.archive.read() as conn:
        due = [only] if only else archive.feeds(conn, due=now)
    if not due:
        return Polled(asked=0, entries_new=0, revised=0, copies=0, problems=())
    keeper = Keeper(workspace, policy_of(workspace))
    kept: list[Kept] = []
    with _answers(workspace, due, resolver=resolver) as answers:
        for batch in answers:
            now_kept = keeper.keep(batch)
            kept += now_kept
            say(f"{len(kept)} of {len(due)}: {kept[-1].feed}")
            if any(one.new or one.revised for one in now_kept):
                stored()
    return Polled(
        asked=len(due),
        entries_new=sum(one.new for one in kept),
        revised=sum(one.revised for one in kept),
        copies=sum(one.copies for one in kept),
        problems=tuple((one.feed, one.problem) for one in kept if one.problem),
        moved=tuple((one.feed, one.moved_to) for one in kept if one.moved_to),
    )


@contextmanager
def _answers(
    workspace: Workspace, due: Sequence[FeedRow], *, resolver: Resolver | None
) -> Iterator[Iterator[list[Answered]]]:
    """Batches of answers, fetched and read, as they come."""
    readers = _Readers(workspace)
    ready: queue.Queue[Answered | BaseException | None] = queue.Queue()
    room = threading.Semaphore(_IN_FLIGHT)
    stopped = threading.Event()

    def feed_in() -> None:
        try:
            for row, result in _fetched(workspace, due, resolver=resolver):
                room.acquire()
                if stopped.is_set():
                    return
                readers.submit(row, result, ready)
            readers.finish()
        except BaseException as problem:  # noqa: BLE001 - raised again by whoever takes answers
            ready.put(problem)
        else:
            ready.put(None)

    thread = threading.Thread(target=feed_in, name="poll", daemon=True)
    thread.start()
    try:
        yield _batches(ready, room)
    finally:
        stopped.set()
        for _ in range(2):
            room.release()
        readers.close()
        thread.join(timeout=5.0)  # at most a host that hangs holds it; it ends with the process


def _fetched(
    workspace: Workspace, due: Sequence[FeedRow], *, resolver: Resolver | None
) -> Iterator[tuple[FeedRow, FetchResult]]:
    from responders.feeds.fetch import fetch_each
    from responders.feeds.guard import system_resolver

    by_id = {row.id: row for row in due}
    allowed = tuple(workspace.config.polling.allow_hosts)
    requests = [
        FetchRequest(
            feed_id=row.id,
            url=row.url,
            etag=row.etag,
            last_modified=row.last_modified,
            body_sha256=row.body_sha256,
            allow_hosts=allowed,
        )
        for row in due
    ]
    found = fetch_each(requests, now=workspace.clock, resolver=resolver or system_resolver)
    for result in found:
        yield by_id[result.feed_id], result


def _batches(
    ready: queue.Queue[Answered | BaseException | None], room: threading.Semaphore
) -> Iterator[list[Answered]]:
    batch: list[Answered] = []
    until = 0.0
    while True:
        try:
            item = ready.get(timeout=max(0.0, until - time.monotonic()) if batch else None)
        except queue.Empty:
            yield batch
            batch = []
            continue
        if isinstance(item, BaseException):
            if batch:
                yield batch
            raise item
        if item is None:
            break
        room.release()
        if not batch:
            until = time.monotonic() + _BATCH_SECONDS
        batch.append(item)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Readers:
    """Workers that read documents, as many as there are processors; started when needed."""

    def __init__(self, workspace: Workspace) -> None:
        self._clock = workspace.clock
        count = min(_MOST_READERS, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(max_workers=count, thread_name_prefix="read")
        self._mine = threading.local()
        self._opened: list[ParseWorker] = []

    def submit(
        self, row: FeedRow, result: FetchResult, ready: queue.Queue[Answered | BaseException | None]
    ) -> None:
        """Read what was fetched; put the answer into ``ready``."""
        if result.outcome != "new" or result.body is None:
            ready.put(Answered(row=row, result=result))
            return

        def work() -> None:
            try:
                ready.put(self._read(row, result))
            except BaseException as problem:  # noqa: BLE001 - raised again by whoever takes answers
                ready.put(problem)

        self._threads.submit(work)

    def finish(self) -> None:
        """Wait until everything is read."""
        self._threads.shutdown(wait=True)

    def close(self) -> None:
        """End the workers; what waits is not read."""
        # First the threads, then their processes: a thread at work would start a new one.
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._opened:
            worker.close()

    def _read(self, row: FeedRow, result: FetchResult) -> Answered:
        from responders.feeds.parse import ParseWorker

        worker: ParseWorker | None = getattr(self._mine, "worker", None)
        if worker is None:
            worker = self._mine.worker = ParseWorker()
            self._opened.append(worker)
        parsed = worker.parse(
            result.body or b"",
            content_type=result.content_type,
            url=result.url_final or row.url,
            seen=row.present,
            now=self._clock(),
        )
        if parsed.problem:
            failed = replace(result, outcome="failed", problem=parsed.problem)
            return Answered(row=row, result=failed)
        # The words are out of it; the bytes need not wait for their transaction.
        return Answered(row=row, result=result, parsed=parsed)
