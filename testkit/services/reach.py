"""reach: do the pages open under ``web.base_url``, tried as a browser on this machine would.

Every address of the name is tried on its own: a phone may take the one that a desk never uses. The
request goes straight there, through no proxy and past no guard: it is the organisation's own
address, and a workspace at home or in an office is as good as one on the internet.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import secrets
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from testkit.kernel.findings import Finding
from testkit.outbox.letter import one_line
from testkit.web import health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from testkit.kernel.workspace import Workspace

__all__ = ["SECONDS", "findings"]

SECONDS: Final = 10.0
"""Longest wait for one address, from the first packet to the last."""

MOST: Final = 4
"""Addresses of one name that are tried."""

_CERTIFICATE: Final = {
    9: ("is not valid yet", "look at this machine's clock, or wait"),
    10: ("has expired", "renew it"),
    18: ("is signed by itself, so no phone trusts it", "get one from a public authority"),
    19: ("comes from an authority that nobody knows", "get one from a public authority"),
    20: (
        "comes from an authority that nobody knows, or its chain is not sent",
        "let the proxy send the whole chain",
    ),
    62: ("is for another name", "get one for the name in web.base_url"),
    64: ("is for another address", "use the name that is in it"),
}
"""``verify_code`` of OpenSSL's X509_verify_cert, in words and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """What one address answered.

    Attributes:
        said: What happened, in words.
        good: This workspace answered.
        hint: What to do.
    """

    said: str
    good: bool = False
    hint: str = ""


def findings(
    workspace: Workspace,
    *,
    seconds: float = SECONDS,
    context: ssl.SSLContext | None = None,
    addresses_of: Callable[[str, int], Sequence[str]] | None = None,
) -> list[Finding]:
    """Whether the pages open under ``web.base_url``: DR030 to DR032.

    Args:
        workspace: The workspace.
        seconds: Longest wait for one address.
        context: Whom TLS trusts; what this machine trusts if None.
        addresses_of: ``(host, port) -> addresses``; asks the name server if None.
    """
    base = workspace.config.web.base_url.rstrip("/")
    question = secrets.token_hex(16)
    url = f"{base}{health.path_of(question)}"

    def shut(said: str, hint: str) -> list[Finding]:
        message = f"web.base_url does not open: GET {url}: {said}"
        return [Finding(code="DR030", severity="error", message=message, hint=hint)]

    parts = urlsplit(base)
    secure = parts.scheme == "https"
    try:
        port = parts.port or (443 if secure else 80)
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError) as cause:
        return shut(f"that is no address: {cause}", "mend web.base_url")
    try:
        addresses = list(dict.fromkeys((addresses_of or _addresses)(host, port)))[:MOST]
    except OSError as cause:
        why = one_line(cause.strerror or str(cause))
        return shut(
            f"the name {host} has no address here ({why})",
            "look at its spelling, and at its entry with your domain's registrar",
        )
    wanted = health.answer_to(workspace, question)
    tried = [
        _try(
            address, port, host=host, path=health.path_of(question), wanted=wanted,
            seconds=seconds, context=(context or ssl.create_default_context()) if secure else None,
        )
        for address in addresses
    ]  # fmt: skip
    good = all(one.good for one in tried)
    some = any(one.good for one in tried)
    told = "; ".join(
        f"at {address} port {port} {one.said}"
        for address, one in zip(addresses, tried, strict=True)
    )
    hint = next((one.hint for one in tried if one.hint), "")
    if good:
        message = f"web.base_url opens from this machine: GET {url}: {told}"
        hint = f"to be sure of the way from outside: {base}/signin on a phone without your Wi-Fi"
    elif some:
        message = f"web.base_url opens for some and not for others: GET {url}: {told}"
    else:
        return shut(told, hint)
    found = [
        Finding(code="DR030", severity="note" if good else "error", message=message, hint=hint)
    ]
    found += _near(base, host, addresses, secure=secure)
    return found


def _near(base: str, host: str, addresses: Sequence[str], *, secure: bool) -> Iterator[Finding]:
    kinds = [ipaddress.ip_address(address.partition("%")[0]) for address in addresses]
    inside = [kind for kind in kinds if not kind.is_global]
    here = all(kind.is_loopback for kind in kinds)
    if inside:
        where = "this machine" if here else "your own network"
        yield Finding(
            code="DR031",
            severity="warning",
            message=f"{host} is {inside[0]}: links in mails open on {where} only",
            hint="fine for a trial; for phones, a public name with a proxy in front",
        )
    if not secure and not here:
        yield Finding(
            code="DR032",
            severity="warning",
            message=f"{base} is not encrypted: who shares a network can read links and act on them",
            hint="put a proxy with a certificate in front, and https:// into web.base_url",
        )


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _try(
    address: str,
    port: int,
    *,
    host: str,
    path: str,
    wanted: str,
    seconds: float,
    context: ssl.SSLContext | None,
) -> _Tried:
    """Ask one address; every way to fail is an answer."""
    begun = time.monotonic()
    step = "no connection"
    try:
        raw = socket.create_connection((address, port), timeout=seconds)
        step = "a connection, but no answer"
        tls = ""
        with raw, _deadline(raw, seconds - (time.monotonic() - begun)):
            line = raw
            if context is not None:
                step = "a connection, but no TLS"
                line = wrapped = context.wrap_socket(raw, server_hostname=host)
                tls = f", {wrapped.version()}"
                step = "a connection, but no answer"
            with line:
                status, reason, leads, body = _get(line, host, port, path, tls=bool(tls))
    except (OSError, http.client.HTTPException) as cause:
        late = time.monotonic() - begun >= seconds
        return _failed(cause, step, host=host, late=seconds if late else 0)
    took = f"{(time.monotonic() - begun) * 1000:.0f} ms"
    return _judged(
        f"{status} {reason}".strip(), code=status, leads=leads, body=body, wanted=wanted,
        details=f"{tls}, {took}",
    )  # fmt: skip


def _failed(
    cause: OSError | http.client.HTTPException, step: str, *, host: str, late: float
) -> _Tried:
    if late:
        return _Tried(
            said=f"{step} within {late:g} s",
            hint="a firewall may drop it, or what listens there is stuck",
        )
    if isinstance(cause, ConnectionRefusedError):
        return _Tried(
            said="the connection is refused: nothing listens there",
            hint="is `whistlestop serve` (or up) running, and the proxy in front of it?",
        )
    if isinstance(cause, ssl.SSLCertVerificationError):
        said, hint = _CERTIFICATE.get(
            cause.verify_code, (f"is not trusted: {cause.verify_message}", "look at the proxy")
        )
        return _Tried(said=f"the certificate of {host} {said}", hint=hint)
    why = one_line(getattr(cause, "strerror", None) or str(cause)) or type(cause).__name__
    if isinstance(cause, ssl.SSLError):
        reason = one_line(cause.reason or why).replace("_", " ").lower()
        return _Tried(
            said=f"no TLS is spoken ({reason})",
            hint="the port may speak http: let a proxy hold the certificate",
        )
    mixed = isinstance(cause, http.client.HTTPException)
    return _Tried(
        said=f"{step} ({why})",
        hint="is it https there, and http in web.base_url?" if mixed else "",
    )


@contextlib.contextmanager
def _deadline(line: socket.socket, seconds: float) -> Iterator[None]:
    """Hang up when the time is over: a peer that sends a byte a second never times out."""
    spare = line.dup()  # wrapping takes the first one's number away

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            spare.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(seconds, 0.01), hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        spare.close()


def _get(
    line: socket.socket, host: str, port: int, path: str, *, tls: bool
) -> tuple[int, str, str, bytes]:
    usual = 443 if tls else 80
    name = f"[{host}]" if ":" in host else host
    asked = http.client.HTTPConnection(host, port)
    asked.sock = line
    asked.request(
        "GET",
        path,
        headers={
            "Host": name if port == usual else f"{name}:{port}",
            "User-Agent": "whistlestop/0.1 (doctor)",
            "Connection": "close",
        },
    )
    answer = asked.getresponse()
    body = answer.read(500)
    return answer.status, one_line(answer.reason), answer.headers.get("location") or "", body


def _judged(
    status: str, *, code: int, leads: str, body: bytes, wanted: str, details: str
) -> _Tried:
    text = body.decode("utf-8", "replace")
    if code == 200 and secrets.compare_digest(text.encode(), wanted.encode()):
        return _Tried(said=f"this workspace answers ({status}{details})", good=True)
    if code == 200 and text.startswith(health.MARK):
        return _Tried(
            said=f"another workspace answers ({status}{details})",
            hint="the proxy leads to another folder, or secrets.toml is not the one of this one",
        )
    if 300 <= code < 400:
        return _Tried(
            said=f"something else answers: {status}, it leads to {one_line(leads) or 'nowhere'}",
            hint="put the address where it ends into web.base_url; no sign-in page of another"
            " program may stand in front",
        )
    if code in {502, 503, 504}:
        return _Tried(
            said=f"the proxy answers {status}: it does not find whistlestop, or that is busy",
            hint="is `whistlestop serve` (or up) running, on the port that the proxy asks?",
        )
    return _Tried(
        said=f"something else answers: {status}",
        hint="another site has this name; or the proxy does not pass every path on",
    )
