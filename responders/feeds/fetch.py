"""Fetch feeds over HTTP: conditionally, within limits, and politely.

``fetch_many`` is an asynchronous iterator: results come as they arrive, and it reads no further
than its consumer keeps up with. ``fetch_each`` is the same for callers without an event loop.
No fetch raises: what went wrong is a sentence in :attr:`FetchResult.problem`.

Each hop of a redirect is vetted again (:mod:`responders.feeds.guard`) and the connection goes to
the vetted address. User names and passwords in a URL are sent to its own origin only.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from base64 import b64encode
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin, urlsplit

from responders.feeds import guard
from responders.feeds.answers import FetchRequest, FetchResult, Limits, judge
from responders.feeds.inflate import ACCEPTED
from testkit.errors import KitError, SourceError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

    from responders.feeds.connect import Answer, HostPools, Ssl

__all__ = [
    "FetchRequest",
    "FetchResult",
    "Limits",
    "fetch_each",
    "fetch_many",
]

USER_AGENT: Final = "whistlestop/0.1 (feed reader)"
_ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
_PERMANENT: Final = frozenset({301, 308})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


async def fetch_many(
    requests: Sequence[FetchRequest],
    *,
    limits: Limits | None = None,
    now: Callable[[], datetime] | None = None,
    user_agent: str = USER_AGENT,
    resolver: guard.Resolver = guard.system_resolver,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncGenerator[FetchResult, None]:
    """Fetch feeds side by side; yield each result as soon as it is there.

    Args:
        requests: Feeds to fetch, each at most once.
        limits: What it may cost; the defaults when None.
        now: Clock, used to read dates in ``Retry-After``.
        user_agent: How we introduce ourselves.
        resolver: How names become addresses.
        ssl_context: TLS settings; the system's authorities when None.

    Yields:
        One result per request, in the order of arrival.
    """
    from responders.feeds.connect import Ssl

    bounds = limits or Limits()
    groups: dict[str, deque[FetchRequest]] = defaultdict(deque)
    for request in requests:
        groups[_host_of(request.url)].append(request)
    # A result waits here until it is taken: bodies may be 20 MB, so only a few may wait.
    ready: asyncio.Queue[FetchResult | None] = asyncio.Queue(maxsize=4)
    names = ThreadPoolExecutor(max_workers=min(16, max(1, len(groups))), thread_name_prefix="dns")
    run = _Run(
        limits=bounds,
        now=now or _utc_now,
        user_agent=user_agent,
        resolver=resolver,
        tls=Ssl(ssl_context),
        names=names,
        slots=asyncio.Semaphore(bounds.parallel),
        ready=ready,
    )
    producer = asyncio.create_task(run.all(list(groups.values())))
    try:
        while (result := await ready.get()) is not None:
            yield result
        await producer
    finally:
        producer.cancel()
        await asyncio.gather(producer, return_exceptions=True)
        for lookup in run.lookups.values():
            lookup.cancel()  # one that still hangs must not report to a loop that is gone
        names.shutdown(wait=False, cancel_futures=True)


def fetch_each(
    requests: Sequence[FetchRequest],
    *,
    limits: Limits | None = None,
    now: Callable[[], datetime] | None = None,
    user_agent: str = USER_AGENT,
    resolver: guard.Resolver = guard.system_resolver,
    ssl_context: ssl.SSLContext | None = None,
) -> Iterator[FetchResult]:
    """:func:`fetch_many` for callers without an event loop.

    The loop runs in a thread of its own, so that fetching goes on while the caller works on a
    result.
    """
    ready: queue.Queue[FetchResult | BaseException | None] = queue.Queue(maxsize=4)
    stopped = threading.Event()

    def offer(item: FetchResult | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    async def drain() -> None:
        results = fetch_many(
            requests,
            limits=limits,
            now=now,
            user_agent=user_agent,
            resolver=resolver,
            ssl_context=ssl_context,
        )
        async with contextlib.aclosing(results):
            async for result in results:
                await asyncio.to_thread(offer, result)
                if stopped.is_set():
                    return

    def work() -> None:
        try:
            asyncio.run(drain())
        except BaseException as problem:  # noqa: BLE001 - handed to the caller, who raises it
            offer(problem)
        else:
            offer(None)

    thread = threading.Thread(target=work, name="fetch", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()


@dataclass(slots=True)
class _Trail:
    """Where a fetch has been so far, so that a failure can say it."""

    hops: list[str] = field(default_factory=list)
    moved_to: str | None = None
    only_permanent: bool = True
    status: int | None = None
    spent_s: float = 0.0
    steps: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Run:
    """One call of :func:`fetch_many`: what its fetches share."""

    limits: Limits
    now: Callable[[], datetime]
    user_agent: str
    resolver: guard.Resolver
    tls: Ssl
    names: ThreadPoolExecutor
    slots: asyncio.Semaphore
    ready: asyncio.Queue[FetchResult | None]
    hosts: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    lookups: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = field(default_factory=dict)

    async def all(self, groups: Sequence[deque[FetchRequest]]) -> None:
        """Fetch every group; say so at the end, whatever happens."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for group in groups:
                    tasks.create_task(self.group(group))
        except asyncio.CancelledError:
            raise  # nobody listens any more: waiting for room in the queue would wait for ever
        except BaseException:
            await self.ready.put(None)
            raise
        await self.ready.put(None)

    async def group(self, waiting: deque[FetchRequest]) -> None:
        """Fetch the feeds of one host over a few shared connections."""
        from responders.feeds.connect import HostPools

        failed_in_a_row = 0

        async def work(pools: HostPools) -> None:
            nonlocal failed_in_a_row
            while waiting:
                request = waiting.popleft()
                if failed_in_a_row >= self.limits.breaker_failures:
                    await self.ready.put(_left_alone(request, failed_in_a_row))
                    continue
                async with self.slots:
                    result = await self.fetch(request, pools)
                host_is_ill = result.outcome == "failed" and (
                    result.status is None or result.status >= 500
                )
                failed_in_a_row = failed_in_a_row + 1 if host_is_ill and result.retryable else 0
                await self.ready.put(result)

        workers = min(self.limits.per_host, len(waiting))
        async with (
            HostPools(self.tls, per_host=self.limits.per_host) as pools,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(workers):
                tasks.create_task(work(pools))

    async def fetch(self, request: FetchRequest, pools: HostPools) -> FetchResult:
        """Fetch one feed, through its redirects, to a result."""
        trail = _Trail()
        try:
            answer = await self.follow(request, pools, trail)
            result = judge(
                request,
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
                wire_bytes=answer.wire_bytes,
                now=self.now(),
            )
        except KitError as problem:
            result = FetchResult(
                feed_id=request.feed_id,
                outcome="failed",
                status=trail.status,
                problem=str(problem),
                retryable=getattr(problem, "retryable", False),
            )
        except Exception as problem:  # noqa: BLE001 - one feed's surprise must not stop the others
            result = FetchResult(
                feed_id=request.feed_id,
                outcome="failed",
                status=trail.status,
                problem=f"unexpected {type(problem).__name__}: {problem}"[:300],
            )
        shown = tuple(guard.without_credentials(url) for url in trail.hops)
        return replace(
            result,
            url_final=shown[-1] if shown else guard.without_credentials(request.url),
            hops=shown,
            moved_to=trail.moved_to,
            elapsed_ms=trail.spent_s * 1000,
            steps=tuple(trail.steps),
        )

    async def follow(self, request: FetchRequest, pools: HostPools, trail: _Trail) -> Answer:
        """Ask, and ask again where the answer points to."""
        url = request.url
        target = guard.parse_target(url)
        userinfo, home = target.userinfo, target.origin
        while True:
            trail.hops.append(url)
            headers = self.headers(request, userinfo if target.origin == home else "")
            addresses = await self.vetted(target, request, trail)
            trail.steps.append(_asked(target, addresses, request))
            host_slot = self.hosts.setdefault(target.host, asyncio.Semaphore(self.limits.per_host))
            async with host_slot:
                asked = time.monotonic()
                try:
                    answer = await pools.exchange(
                        target,
                        addresses,
                        headers=headers,
                        connect_s=self.limits.connect_s,
                        total_s=max(0.001, self.limits.total_s - trail.spent_s),
                        wire_bytes=self.limits.wire_bytes,
                        inflate=self.limits.inflate,
                    )
                finally:
                    trail.spent_s += time.monotonic() - asked
            trail.status = answer.status
            location = answer.headers.get("location", "").strip()
            trail.steps.append(_answered(answer, location))
            if answer.status not in _REDIRECTS or not location:
                return answer
            if len(trail.hops) > self.limits.redirects:
                raise SourceError(
                    f"more than {self.limits.redirects} redirects", hint="check the address"
                )
            url = _join(target.url, location)
            if guard.without_credentials(url) in trail.hops:
                raise SourceError(f"{target.host} redirects in a circle", hint="check the address")
            target = guard.parse_target(url)
            trail.only_permanent = trail.only_permanent and answer.status in _PERMANENT
            if trail.only_permanent:
                trail.moved_to = _with_credentials(target, userinfo, home)

    async def vetted(
        self, target: guard.Target, request: FetchRequest, trail: _Trail
    ) -> tuple[str, ...]:
        """Addresses of a host, looked up once per run and judged for this feed."""
        key = (target.host, target.port)
        lookup = self.lookups.get(key)
        if lookup is None:
            lookup = self.lookups[key] = asyncio.get_running_loop().run_in_executor(
                self.names, self.resolver, *key
            )
            lookup.add_done_callback(_heard)
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.limits.connect_s):
                # Shielded: the look-up belongs to all feeds of the host, not to the one that waits.
                addresses = await asyncio.shield(lookup)
        except TimeoutError as cause:
            raise SourceError(
                f"no name server answers for {target.host}", retryable=True
            ) from cause
        except (OSError, UnicodeError) as cause:
            raise SourceError(f"the name {target.host} is not known", retryable=True) from cause
        finally:
            trail.spent_s += time.monotonic() - started
        return guard.vet(target.host, addresses, allow_hosts=request.allow_hosts)

    def headers(self, request: FetchRequest, userinfo: str) -> list[tuple[str, str]]:
        """Headers of one request; validators go back byte for byte."""
        headers = [
            ("User-Agent", self.user_agent),
            ("Accept", _ACCEPT),
            ("Accept-Encoding", ACCEPTED),
        ]
        if request.etag:
            headers.append(("If-None-Match", request.etag))
        if request.last_modified:
            headers.append(("If-Modified-Since", request.last_modified))
        if userinfo:
            headers.append(("Authorization", f"Basic {b64encode(userinfo.encode()).decode()}"))
        return headers


def _asked(target: guard.Target, addresses: Sequence[str], request: FetchRequest) -> str:
    public = all(guard.is_public(address) for address in addresses)
    named = "" if addresses[0] == target.host else f" at {addresses[0]}"
    judged = "a public address" if public else "not public, but allowed by polling.allow_hosts"
    known = [
        word
        for word, value in (("ETag", request.etag), ("date", request.last_modified))
        if value is not None
    ]
    told = f", with the {' and the '.join(known)} of the last answer" if known else ""
    return f"asked {target.url[:300]}{named} ({judged}){told}"


def _answered(answer: Answer, location: str) -> str:
    if answer.status in _REDIRECTS and location:
        kind = "for good" if answer.status in _PERMANENT else "for now"
        return f"answered {answer.status}: it is elsewhere {kind}, at {location[:300]}"
    size = f"{answer.wire_bytes:,} bytes"
    if len(answer.body) > answer.wire_bytes:
        size += f", {len(answer.body):,} after decompression"
    kind = answer.headers.get("content-type", "")[:100]
    validators = [word for word in ("etag", "last-modified") if word in answer.headers]
    kept = f"; it gives {' and '.join(validators)} for the next time" if validators else ""
    what = "nothing changed" if answer.status == 304 else f"{size}{f' of {kind}' if kind else ''}"
    return f"answered {answer.status}: {what}{kept}"


def _join(base: str, location: str) -> str:
    # Headers arrive as Latin-1; a location with other letters is UTF-8 in practice (RFC 9110 has
    # no letters there at all).
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(base, location)
    except ValueError as cause:
        raise SourceError(f"redirects to {location[:200]!r}, which is no address") from cause


def _heard(lookup: asyncio.Future[Sequence[str]]) -> None:
    # Those who waited may have given up; the failure of what they waited for is no news then.
    if not lookup.cancelled():
        lookup.exception()


def _left_alone(request: FetchRequest, failures: int) -> FetchResult:
    return FetchResult(
        feed_id=request.feed_id,
        outcome="backoff",
        url_final=guard.without_credentials(request.url),
        problem=f"not tried: {failures} other feeds of {_host_of(request.url)} failed just before",
    )


def _host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or url).lower()
    except ValueError:
        return url


def _with_credentials(target: guard.Target, userinfo: str, home: tuple[str, str, int]) -> str:
    # A feed that moves within its own origin keeps its credentials; elsewhere they do not follow.
    if userinfo and target.origin == home:
        name, _, password = userinfo.partition(":")
        login = f"{quote(name, safe='')}:{quote(password, safe='')}@"
        return target.url.replace("://", f"://{login}", 1)
    return target.url


def _utc_now() -> datetime:
    return datetime.now(UTC)
