"""Webhooks: an HTTP POST with an id by which the peer drops doubles, signed where a key is set.

Signatures follow the Standard Webhooks specification: ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature: v1,`` with base64 of HMAC-SHA256 over ``id.timestamp.body``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from testkit.errors import InputError
from testkit.outbox.letter import Message, Outcome, one_line
from testkit.outbox.rooms import Style, body_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import httpx2

__all__ = ["Hook", "HookSender", "signature", "signing_key"]

_AGAIN: Final = frozenset({408, 409, 425, 429})
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_READ_AT_MOST: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where to post.

    Attributes:
        url: The address; for chat tools it is a secret.
        style: Which body the peer reads.
        key: Signing key; empty for none.
        seconds: Longest wait for an answer.
    """

    url: str
    style: Style = "json"
    key: bytes = b""
    seconds: float = 20


def signing_key(text: str) -> bytes:
    """A signing key as written in ``secrets.toml``: ``whsec_`` and base64.

    Raises:
        InputError: It is not that, or shorter than 24 bytes.
    """
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not 24 <= len(key) <= 64:
        raise InputError(
            "the signing key is not whsec_ and base64 of 24 to 64 bytes",
            field="key",
            hint='make one: python -c \'import base64,os;print("whsec_"+'
            "base64.b64encode(os.urandom(32)).decode())'",
        )
    return key


def signature(key: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header of a body.

    References:
        Standard Webhooks specification, "Signature scheme"; the example is from its text.

    Examples:
        >>> key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        >>> signature(key, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330,
        ...     body=b'{"test": 2432232314}')
        'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


class HookSender:
    """Posts to one address, without following redirects.

    Args:
        hook: Where to.
        clock: The present moment, for the signature.
        transport: For tests; the network when None.
    """

    def __init__(
        self,
        hook: Hook,
        *,
        clock: Callable[[], datetime],
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.hook = hook
        self._clock = clock
        self._transport = transport
        self._client: httpx2.Client | None = None

    def send(self, message: Message, *, handing_over: Callable[[], None]) -> Outcome:
        """Try once."""
        import httpx2

        parts = urlsplit(self.hook.url)
        if parts.scheme != "https" and parts.hostname not in _LOCAL:
            return Outcome(problem="the address does not begin with https://", down=True)
        body = body_of(message, self.hook.style)
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "whistlestop/0.1",
            "webhook-id": message.id,
        }
        if self.hook.key:
            stamp = int(self._clock().timestamp())
            headers["webhook-timestamp"] = str(stamp)
            headers["webhook-signature"] = signature(
                self.hook.key, message_id=message.id, timestamp=stamp, body=body
            )
        if self._client is None:
            self._client = httpx2.Client(
                timeout=self.hook.seconds, follow_redirects=False, transport=self._transport
            )
        handing_over()
        try:
            with self._client.stream(
                "POST", self.hook.url, content=body, headers=headers
            ) as answer:
                read = 0
                for piece in answer.iter_raw(4096):
                    read += len(piece)
                    if read > _READ_AT_MOST:
                        break
                return _judged(answer.status_code, answer.headers.get("retry-after", ""))
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as cause:
            return Outcome(problem=f"{parts.hostname}: {one_line(str(cause))}", down=True)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as cause:
            why = one_line(str(cause)) or type(cause).__name__
            # A repetition is harmless: the peer knows the id.
            return Outcome(problem=f"{parts.hostname}: {why}")

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _judged(status: int, retry_after: str) -> Outcome:
    if 200 <= status < 300:
        return Outcome(sent=True)
    problem = f"the peer answered {status}"
    if status in _AGAIN or status >= 500:
        return Outcome(problem=problem, wait=_asked(retry_after))
    return Outcome(problem=problem, final=True)


def _asked(retry_after: str) -> timedelta | None:
    """How long a peer asks to be left alone; Discord counts in fractions of a second."""
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", retry_after):
        return timedelta(seconds=float(retry_after))
    return None
