"""What every request must be like and every answer carries; pure but for one thin wrapper.

A browser sends ``Sec-Fetch-Site`` with every request, or at least ``Origin`` with a form. A form
from another site has neither right, so it is refused before anything is read. The token in each
form is the second lock: it is bound to the session, or to the one-time link, that the form was
shown to.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from testkit.errors import InputError, NotAuthorisedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from starlette.requests import Request

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = [
    "BODY_LIMIT",
    "CSP",
    "Guard",
    "TooLargeError",
    "derive",
    "form_token",
    "from_this_site",
    "hashed",
    "headers",
    "read_form",
    "same_text",
]

BODY_LIMIT: Final = 64 * 1024
"""Bytes of a form: a decision and a note of some pages."""

MAX_FIELDS: Final = 50
UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
FORM: Final = "application/x-www-form-urlencoded"

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class TooLargeError(InputError):
    """A form is larger than any of ours."""


class CrossSiteError(NotAuthorisedError):
    """A form was sent from another site, or from a page that is not this person's."""


def derive(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose, so that a token made for one thing means nothing to another.

    Args:
        secret: The workspace's key.
        purpose: A label such as ``web/link``.

    Returns:
        32 bytes: HMAC-SHA256 of the label.

    Examples:
        >>> derive(b"k", "web/link") == derive(b"k", "web/form")
        False
    """
    return hmac.new(secret, f"whistlestop {purpose}".encode(), hashlib.sha256).digest()


def hashed(token: str) -> str:
    """SHA-256 of a token, hex: what is stored of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(key: bytes, bound_to: str) -> str:
    """The token of a form.

    Args:
        key: From :func:`derive`.
        bound_to: The session's or the link's own token.
    """
    return hmac.new(key, bound_to.encode(), hashlib.sha256).hexdigest()


def same_text(given: str, expected: str) -> bool:
    """Whether two tokens are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode(), expected.encode())


def from_this_site(method: str, head: Mapping[str, str]) -> bool:
    """Whether a request may change something, by where the browser says it comes from.

    Args:
        method: The HTTP method.
        head: Request headers, names in lower case.

    Returns:
        True for methods that only read. Otherwise ``Sec-Fetch-Site`` must be ``same-origin`` or
        ``none`` (typed by the user); a browser without it must send an ``Origin`` that is our
        ``Host``. Neither header means no.

    Examples:
        >>> from_this_site("POST", {"sec-fetch-site": "cross-site"})
        False
        >>> from_this_site("POST", {"origin": "https://a.example", "host": "a.example"})
        True
    """
    if method not in UNSAFE:
        return True
    site = head.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin, host = head.get("origin", ""), head.get("host", "")
    return bool(host) and urlsplit(origin).netloc == host


def headers(*, https: bool, cached: bool) -> dict[str, str]:
    """The headers of every answer.

    Args:
        https: Whether the address that people use is encrypted.
        cached: Whether a browser may keep a copy (static files), else never.
    """
    # `same-origin` and not `no-referrer`: the latter turns the Origin of our own forms into null.
    out = {
        "Content-Security-Policy": CSP,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "X-Robots-Tag": "noindex, nofollow",
        "Cache-Control": "public, max-age=300" if cached else "no-store",
    }
    if https:
        out["Strict-Transport-Security"] = "max-age=31536000"
    return out


async def read_form(request: Request, *, limit: int = BODY_LIMIT) -> dict[str, str]:
    """The fields of a plain form; the last value of a repeated name counts.

    Raises:
        InputError: The body is no form, or not readable as one.
        TooLargeError: It is larger than ``limit`` bytes; the rest is not read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise InputError("this address takes a form", field="content-type", value=kind)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLargeError(f"the form is larger than {limit // 1024} kB", field="body")
    try:
        return dict(
            parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                max_num_fields=MAX_FIELDS,
                errors="strict",
            )
        )
    except ValueError as cause:
        raise InputError("the form cannot be read", field="body") from cause


class Guard:
    """Around the whole app: our headers on every answer, also on its errors.

    Args:
        app: What is guarded.
        https: Whether the address that people use is encrypted.
    """

    def __init__(self, app: Asgi, *, https: bool) -> None:
        self.app, self.https = app, https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and put the headers on what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        cached = str(scope["path"]).startswith("/static/")

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = headers(https=self.https, cached=cached and message["status"] < 400)
                names = {name.lower().encode() for name in own}
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
                added = [(name.lower().encode(), value.encode()) for name, value in own.items()]
                message = {**message, "headers": [*kept, *added]}
            await send(message)

        await self.app(scope, receive, sent)
