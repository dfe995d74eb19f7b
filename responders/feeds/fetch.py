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
import hashlib
import queue
import threading
import time
from base64 import b64encode
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin, urlsplit

from responders.feeds import guard
from responders.feeds.inflate import ACCEPTED, InflateLimits
from testkit.errors import KitError, SourceError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

    from responders.feeds.connect import Answer, HostPools, Ssl
    from responders.model.feed import FetchOutcome

__all__ = [
    "FetchRequest",
    "FetchResult",
    "Limits",
    "fetch_each",
    "fetch_many",
    "max_age_s",
    "retry_after_s",
]

USER_AGENT: Final = "whistlestop/0.1 (feed reader)"
_ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
_PERMANENT: Final = frozenset({301, 308})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_WEEK_S: Final = 7 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one poll may cost.

    Attributes:
        connect_s: Seconds to reach a host, TLS included, > 0.
        total_s: Seconds for one feed, all redirects together, > 0.
        wire_bytes: Most bytes of body over the wire, > 0.
        body_bytes: Most bytes of body after decompression, > 0.
        ratio: Most bytes after decompression per byte over the wire, > 1.
        redirects: Most redirects followed, >= 0.
        parallel: Most feeds in progress at a time, >= 1.
        per_host: Most connections to one host at a time, >= 1.
        breaker_failures: So many feeds of one host fail in a row, then the rest of that host is
            left alone until the next poll, >= 1.
    """

    connect_s: float = 10.0
    total_s: float = 20.0
    wire_bytes: int = 5_000_000
    body_bytes: int = 20_000_000
    ratio: float = 150.0
    redirects: int = 5
    parallel: int = 32
    per_host: int = 2
    breaker_failures: int = 3

    @property
    def inflate(self) -> InflateLimits:
        """The part that concerns decompression."""
        return InflateLimits(body_bytes=self.body_bytes, ratio=self.ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """One feed to fetch, with what is known from the last time.

    Attributes:
        feed_id: Id that the result will carry.
        url: Address.
        etag: ``ETag`` of the last body, as it was sent; None without one.
        last_modified: ``Last-Modified`` of the last body, as it was sent; None without one.
        body_sha256: Hex digest of the last body; None without one.
        allow_hosts: See :func:`responders.feeds.guard.vet`.
    """

    feed_id: str
    url: str
    etag: str | None = None
    last_modified: str | None = None
    body_sha256: str | None = None
    allow_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """How one fetch ended.

    Attributes:
        feed_id: Id from the request.
        outcome: See :data:`responders.model.feed.FetchOutcome`.
        status: Status of the last answer; None when there was none.
        body: The body when ``outcome`` is ``new``; else None.
        body_sha256: Digest to send with the next request.
        content_type: Header as sent; empty without one.
        etag: Validator to send with the next request, as sent.
        last_modified: The same.
        url_final: Address that answered, without credentials.
        moved_to: Where the server says that the feed lives from now on (leading 301 and 308 hops);
            None when it did not move. Whether to believe it is decided over several polls.
        hops: Every address asked, in order, without credentials.
        retry_after_s: Seconds that the server asks us to wait; None when it does not say.
        max_age_s: Seconds that the answer stays fresh by ``Cache-Control``; None without one.
        problem: What went wrong, in words; None when nothing did.
        retryable: False when only a person can mend it (a refused address, a wrong URL).
        elapsed_ms: Wall time, milliseconds.
        wire_bytes: Bytes of body over the wire.
    """

    feed_id: str
    outcome: FetchOutcome
    status: int | None = None
    body: bytes | None = None
    body_sha256: str | None = None
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    url_final: str = ""
    moved_to: str | None = None
    hops: tuple[str, ...] = ()
    retry_after_s: float | None = None
    max_age_s: float | None = None
    problem: str | None = None
    retryable: bool = True
    elapsed_ms: float = 0.0
    wire_bytes: int = 0


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
    from responders.feeds.connect import Ssl  # noqa: PLC0415 - heavy, and only for fetching

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
        from responders.feeds.connect import HostPools  # noqa: PLC0415 - see fetch_many

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
        started = time.monotonic()
        try:
            answer = await self.follow(request, pools, trail)
            result = self.judge(request, answer)
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
            elapsed_ms=(time.monotonic() - started) * 1000,
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

    def judge(self, request: FetchRequest, answer: Answer) -> FetchResult:
        """What an answer means."""
        told = answer.headers
        result = FetchResult(
            feed_id=request.feed_id,
            outcome="failed",
            status=answer.status,
            content_type=told.get("content-type", ""),
            etag=told.get("etag"),
            last_modified=told.get("last-modified"),
            retry_after_s=retry_after_s(told.get("retry-after", ""), now=self.now()),
            max_age_s=max_age_s(told.get("cache-control", "")),
            wire_bytes=answer.wire_bytes,
        )
        status = answer.status
        if status == 304:
            # A 304 may leave its validators out; then the ones that were sent still hold.
            return replace(
                result,
                outcome="unchanged",
                etag=result.etag or request.etag,
                last_modified=result.last_modified or request.last_modified,
                body_sha256=request.body_sha256,
            )
        if status == 200:
            return _read(request, result, answer.body)
        if status == 410:
            return replace(result, outcome="gone", problem="the outlet has retired this feed (410)")
        if status in {429, 503} or (status == 403 and not answer.body.strip()):
            return replace(
                result, outcome="backoff", problem=f"the server asks us to wait ({status})"
            )
        return replace(result, problem=_STATUS_WORDS.get(status, f"the server answers {status}"))


def retry_after_s(text: str, *, now: datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks for.

    Args:
        text: The header: seconds or an HTTP date.
        now: The moment of the answer, aware.

    Returns:
        Seconds, 0 to a week; None when the header is absent or cannot be read.

    Examples:
        >>> from datetime import UTC, datetime
        >>> retry_after_s("120", now=datetime(2026, 1, 1, tzinfo=UTC))
        120.0
    """
    text = text.strip()
    if text.isdecimal() and text.isascii():
        return min(float(text), _WEEK_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(0.0, (at - now).total_seconds()), _WEEK_S)


def max_age_s(text: str) -> float | None:
    """Seconds that a ``Cache-Control`` header declares an answer fresh for.

    Args:
        text: The header.

    Returns:
        Seconds, 0 to a week; 0 for ``no-cache`` and ``no-store``; None when it does not say.

    Examples:
        >>> max_age_s("public, max-age=600")
        600.0
    """
    directives = [part.strip().lower() for part in text.split(",")]
    if "no-cache" in directives or "no-store" in directives:
        return 0.0
    for directive in directives:
        name, _, value = directive.partition("=")
        value = value.strip('"')
        if name == "max-age" and value.isdecimal() and value.isascii():
            return min(float(value), _WEEK_S)
    return None


def _read(request: FetchRequest, result: FetchResult, body: bytes) -> FetchResult:
    if not body.strip():
        return replace(result, problem="the server answers with an empty body")
    digest = hashlib.sha256(body).hexdigest()
    if digest == request.body_sha256:
        return replace(result, outcome="unchanged", body_sha256=digest)
    return replace(result, outcome="new", body=body, body_sha256=digest)


def _join(base: str, location: str) -> str:
    # Headers arrive as Latin-1; a location with other letters is UTF-8 in practice (RFC 9110 has
    # no letters there at all).
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(base, location)
    except ValueError as cause:
        raise SourceError(f"redirects to {location[:200]!r}, which is no address") from cause


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


_STATUS_WORDS: Final = {
    204: "the server answers with nothing (204)",
    400: "the server does not understand the address (400)",
    401: "the feed wants a user name and password (401)",
    402: "the feed has to be paid for (402)",
    403: "the server refuses us (403)",
    404: "there is nothing at this address any more (404)",
    406: "the server has no form of this feed that we read (406)",
    451: "the feed is blocked for legal reasons (451)",
    500: "the server is broken at the moment (500)",
    502: "the server is broken at the moment (502)",
    504: "the server is too slow at the moment (504)",
}
