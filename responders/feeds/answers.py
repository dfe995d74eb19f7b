"""What is asked of a feed's server, and what its answer means: pure.

:mod:`responders.feeds.fetch` does the asking.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from responders.feeds.inflate import InflateLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from responders.model.feed import FetchOutcome

__all__ = ["FetchRequest", "FetchResult", "Limits", "judge", "max_age_s", "retry_after_s"]

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
        etag: Validator to send with the next request, as sent. Like ``last_modified`` and
            ``body_sha256`` it is set for ``new`` and ``unchanged``; after any other outcome the
            ones from before still hold.
        last_modified: The same.
        url_final: Address that answered, without credentials.
        moved_to: Where the server says that the feed lives from now on (leading 301 and 308 hops);
            None when it did not move. Whether to believe it is decided over several polls.
        hops: Every address asked, in order, without credentials.
        retry_after_s: Seconds that the server asks us to wait; None when it does not say.
        max_age_s: Seconds that the answer stays fresh by ``Cache-Control``; None without one.
        problem: What went wrong, in words; None when nothing did.
        retryable: False when only a person can mend it (a refused address, a wrong URL).
        elapsed_ms: Time that name servers and the feed's servers took, milliseconds.
        wire_bytes: Bytes of body over the wire.
        steps: What was done one after another, in words.
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
    steps: tuple[str, ...] = ()


def judge(
    request: FetchRequest,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    wire_bytes: int,
    now: datetime,
) -> FetchResult:
    """What an answer means.

    Args:
        request: What was asked.
        status: HTTP status of the last answer.
        headers: Its headers by lower-case name.
        body: Its body; of a refusal, the beginning.
        wire_bytes: Bytes of body over the wire.
        now: The moment of the answer, aware.

    Returns:
        The result, but for where the answer came from and how long it took.
    """
    result = FetchResult(
        feed_id=request.feed_id,
        outcome="failed",
        status=status,
        content_type=headers.get("content-type", ""),
        retry_after_s=retry_after_s(headers.get("retry-after", ""), now=now),
        max_age_s=max_age_s(headers.get("cache-control", "")),
        wire_bytes=wire_bytes,
    )
    etag, last_modified = headers.get("etag"), headers.get("last-modified")
    if status == 304 and (request.etag or request.last_modified):
        # A 304 may leave its validators out; then the ones that were sent still hold.
        return replace(
            result,
            outcome="unchanged",
            etag=etag or request.etag,
            last_modified=last_modified or request.last_modified,
            body_sha256=request.body_sha256,
        )
    if status == 200:
        known = replace(result, etag=etag, last_modified=last_modified)
        return _read(request, known, body)
    if status == 410:
        return replace(result, outcome="gone", problem="the outlet has retired this feed (410)")
    if status in {429, 503} or (status == 403 and not body.strip()):
        return replace(result, outcome="backoff", problem=f"the server asks us to wait ({status})")
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


_STATUS_WORDS: Final = {
    204: "the server answers with nothing (204)",
    304: "the server says unchanged (304), yet it was not asked whether it is",
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
