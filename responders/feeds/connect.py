"""One HTTP exchange with one vetted address, within limits.

Built on httpcore2, the transport under httpx2: a connection pool there takes a network backend,
which is the one public place where "connect to this address, and call it by that name" can be said.
httpx2's own client would add proxies from the environment, cookies and automatic decompression:
each of them a way round the guard or the limits.

Nothing here decides what an answer means: see :mod:`responders.feeds.fetch`.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Self

import httpcore2

from responders.feeds.inflate import BodyTooLargeError, InflateLimits, Inflater
from testkit.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from responders.feeds.guard import Target

__all__ = ["Answer", "HostPools", "PinnedBackend", "Ssl"]

_KEEPALIVE_S: Final = 15.0
# How much of a refusal is worth reading: enough to see that there is a body at all.
_ERROR_BODY_BYTES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status.
        headers: Header values by lower-case name, as sent (Latin-1); repeated ones joined by
            a comma, but for ``etag``, ``last-modified`` and ``location``, where the first counts.
        body: Decompressed body; for anything but a success at most 4 KB of it.
        wire_bytes: Bytes of body over the wire.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    wire_bytes: int


class PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were vetted, whatever the name would resolve to by now.

    Args:
        addresses: Vetted addresses, best first.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = tuple(addresses[:4])
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature belongs to httpcore2
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first vetted address that answers; ``host`` is only its name."""
        # Each address gets its share of the time, so that one dead address does not use it up.
        share = None if timeout is None else timeout / len(self._addresses)
        failure: Exception | None = None
        for address in self._addresses:
            try:
                return await self._inner.connect_tcp(
                    address,
                    port,
                    timeout=share,
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as problem:
                failure = problem
        assert failure is not None, host
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait; part of the backend's protocol."""
        await asyncio.sleep(seconds)


class Ssl:
    """The TLS settings, made when the first https address is met and shared afterwards."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context

    @property
    def context(self) -> ssl.SSLContext:
        """Verifying context with the system's authorities (``SSL_CERT_FILE`` is honoured)."""
        if self._context is None:
            self._context = httpcore2.default_ssl_context()
        return self._context


class HostPools:
    """Connections that one group of feeds shares, closed together.

    Args:
        tls: Shared TLS settings.
        per_host: Most connections to one origin at a time.
    """

    def __init__(self, tls: Ssl, *, per_host: int) -> None:
        self._tls = tls
        self._per_host = per_host
        self._pools: dict[tuple[object, ...], httpcore2.AsyncConnectionPool] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    async def exchange(
        self,
        target: Target,
        addresses: Sequence[str],
        *,
        headers: Sequence[tuple[str, str]],
        connect_s: float,
        total_s: float,
        wire_bytes: int,
        inflate: InflateLimits,
    ) -> Answer:
        """Ask once and read the answer.

        Args:
            target: What to ask for.
            addresses: Vetted addresses of its host.
            headers: Names and values, ``Host`` excluded.
            connect_s: Seconds to reach the host, TLS included, > 0.
            total_s: Seconds for everything, > 0.
            wire_bytes: Most bytes of body over the wire, > 0.
            inflate: Limits after decompression.

        Returns:
            The answer; redirects are not followed here.

        Raises:
            SourceError: No answer in time, a broken one, or a body beyond the limits.
        """
        # The addresses are part of the key: a connection is only reused by a feed whose own check
        # ended at the same addresses, never by one that may not go there.
        key = (*target.origin, tuple(addresses))
        used_before = key in self._pools
        pool = self._pools.get(key) or self._open(key, target, addresses)
        once = partial(
            self._once,
            pool,
            target,
            headers,
            connect_s=connect_s,
            wire_bytes=wire_bytes,
            inflate=inflate,
        )
        try:
            async with asyncio.timeout(total_s):
                try:
                    return await once()
                except (httpcore2.RemoteProtocolError, httpcore2.ReadError, httpcore2.WriteError):
                    # The host may close an idle connection just as we use it again (RFC 9112, 9.5).
                    if not used_before:
                        raise
                    return await once()
        except TimeoutError as cause:
            raise SourceError(
                f"{target.host} did not finish within {total_s:.0f} s", retryable=True
            ) from cause
        except httpcore2.ConnectTimeout as cause:
            raise SourceError(
                f"{target.host} could not be reached within {connect_s:.0f} s", retryable=True
            ) from cause
        except httpcore2.TimeoutException as cause:
            raise SourceError(f"{target.host} stopped answering", retryable=True) from cause
        except httpcore2.ConnectError as cause:
            raise SourceError(_connect_problem(target, cause), retryable=True) from cause
        except httpcore2.NetworkError as cause:
            raise SourceError(f"{target.host} broke the connection", retryable=True) from cause
        except OSError as cause:
            raise SourceError(f"{target.host}: {cause}", retryable=True) from cause
        except httpcore2.ProtocolError as cause:
            raise SourceError(
                f"{target.host} does not answer in HTTP as it should ({cause})", retryable=True
            ) from cause

    def _open(
        self, key: tuple[object, ...], target: Target, addresses: Sequence[str]
    ) -> httpcore2.AsyncConnectionPool:
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=self._tls.context if target.scheme == "https" else None,
            max_connections=self._per_host,
            keepalive_expiry=_KEEPALIVE_S,
            network_backend=PinnedBackend(addresses),
        )
        self._pools[key] = pool
        return pool

    async def _once(
        self,
        pool: httpcore2.AsyncConnectionPool,
        target: Target,
        headers: Sequence[tuple[str, str]],
        *,
        connect_s: float,
        wire_bytes: int,
        inflate: InflateLimits,
    ) -> Answer:
        url = httpcore2.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        sent = [("Host", target.authority), *headers]
        async with pool.stream(
            b"GET",
            url,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in sent],
            extensions={"timeout": {"connect": connect_s}},
        ) as response:
            received = _header_values(response.headers)
            if not 200 <= response.status < 300:
                body, size = await _some(response, _ERROR_BODY_BYTES)
            else:
                body, size = await _all(response, received, wire_bytes, inflate)
        return Answer(status=response.status, headers=received, body=body, wire_bytes=size)


async def _some(response: httpcore2.Response, most: int) -> tuple[bytes, int]:
    # Read to its end even where nothing is to come (204, 304): only then is the connection free for
    # the next feed of the host.
    body = b""
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) >= most:
            break
    return body[:most], len(body)


async def _all(
    response: httpcore2.Response,
    headers: Mapping[str, str],
    wire_bytes: int,
    inflate: InflateLimits,
) -> tuple[bytes, int]:
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > wire_bytes:
        raise _too_much(wire_bytes)
    inflater = Inflater(headers.get("content-encoding", ""), limits=inflate)
    pieces: list[bytes] = []
    size = 0
    async for chunk in response.aiter_stream():
        size += len(chunk)
        if size > wire_bytes:
            raise _too_much(wire_bytes)
        pieces.extend(inflater.feed(chunk))
    pieces.append(inflater.finish())
    return b"".join(pieces), size


def _too_much(wire_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        f"the server sends more than {wire_bytes / 1e6:g} MB",
        hint="a feed should list its newest items only; ask the outlet for a short one",
    )


def _header_values(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name not in values:
            values[name] = value
        elif name not in {"etag", "last-modified", "location", "content-type", "content-length"}:
            values[name] += f", {value}"
    return values


def _connect_problem(target: Target, cause: BaseException) -> str:
    inner: BaseException | None = cause
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return f"the certificate of {target.host} is not valid: {inner.verify_message}"
        if isinstance(inner, ssl.SSLError):
            return f"no secure connection to {target.host}: {inner.reason or inner}"
        if isinstance(inner, ConnectionRefusedError):
            return f"{target.host} refuses connections on port {target.port}"
        inner = inner.__cause__ or inner.__context__
    return f"{target.host} could not be reached"
