"""Which addresses a feed may be fetched from.

A feed's address comes from outside: from a form, an OPML file, a redirect, a web page. Without a
guard it can point our own fetcher at the cloud's metadata service or at a printer in the office.

Theory of operation: an address is checked where it is used. The host name is resolved once, every
answer must be a global unicast address (or be allowed for this feed), and the connection goes to
one of exactly those answers; the name is kept for ``Host`` and for TLS. So a name server that
answers differently the second time is never asked a second time. Each redirect starts again from
the top.

An allow list opens one feed to named places and nothing else: a host name (``intranet.example``),
an address (``127.0.0.1``, ``::1``) or a network (``10.2.0.0/16``).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from testkit.errors import InputError

__all__ = [
    "AddressRefusedError",
    "Resolver",
    "Target",
    "is_public",
    "parse_target",
    "system_resolver",
    "tidy_url",
    "vet",
    "without_credentials",
]

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""Host and port to addresses as text, best first; raises OSError when the name is unknown."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_URL_CHARACTERS: Final = 4096
_HOST: Final = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+(%25[a-z0-9_.-]+)?")

# A gateway translates these IPv6 addresses into the IPv4 address they carry, so the one inside is
# what counts (RFC 6052).
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# These also carry or hide an IPv4 address, or belong to one site: local NAT64 (RFC 8215), Teredo
# (RFC 4380), 6to4 (RFC 3056), IPv4-compatible (RFC 4291), site-local (RFC 3879). No outlet
# publishes there, and whether Python calls them global differs between its patch releases.
_REFUSED_NETWORKS: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
        "::/96",
        "fec0::/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        # Global by the registry, yet it is the host underneath when asked from inside Azure.
        "168.63.129.16/32",
    )
)


class AddressRefusedError(InputError):
    """The address may not be fetched from; ``str()`` says why and how to allow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL taken apart for a request.

    Attributes:
        scheme: ``http`` or ``https``.
        host: Host name in ASCII (IDNA) or address without brackets, lower case.
        port: TCP port, 1 to 65535.
        path: What the request line asks for: path and query, percent-encoded, from ``/`` on.
        userinfo: ``user:password`` as written in the URL, decoded; empty when there is none.
    """

    scheme: str
    host: str
    port: int
    path: str
    userinfo: str = ""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: credentials never leave it."""
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        """Value of the ``Host`` header: brackets around IPv6, no default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL without credentials."""
        return f"{self.scheme}://{self.authority}{self.path}"


def tidy_url(text: str) -> str:
    """What a person typed or a list contained, as a URL to try.

    Args:
        text: A URL, a ``feed:`` URL, or a host name with or without a path.

    Returns:
        The URL with a scheme; nothing else is checked.

    Examples:
        >>> tidy_url(" example.org/news ")
        'https://example.org/news'
        >>> tidy_url("feed://example.org/rss")
        'http://example.org/rss'
        >>> tidy_url("feed:https://example.org/rss")
        'https://example.org/rss'
    """
    url = text.strip()
    lower = url.lower()
    if lower.startswith(("feed:http:", "feed:https:")):
        return url[5:]
    if lower.startswith(("feed://", "rss://")):
        return "http" + url[url.index(":") :]
    if url.startswith("//"):
        return f"https:{url}"
    if "://" not in url and re.match(r"[\w.-]+(:\d+)?([/?#]|$)", url):
        return f"https://{url}"
    return url


def without_credentials(url: str) -> str:
    """The URL with any user name and password removed, for logs and messages.

    Examples:
        >>> without_credentials("https://ann:secret@example.org/feed")
        'https://example.org/feed'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def parse_target(url: str) -> Target:
    """Take a URL apart and refuse what no feed needs.

    Args:
        url: An absolute URL.

    Returns:
        The parts of the request.

    Raises:
        AddressRefusedError: Not http or https, no host, a port that belongs to another service,
            longer than 4,096 characters, or not a URL at all.

    Examples:
        >>> parse_target("https://Example.org/a b?q=1#top").url
        'https://example.org/a%20b?q=1'
    """
    import httpx2

    shown = without_credentials(url)[:200]
    if len(url) > _MAX_URL_CHARACTERS:
        message = f"address of {len(url):,} characters"
        raise AddressRefusedError(
            message, field="url", value=shown, hint=f"at most {_MAX_URL_CHARACTERS:,} are followed"
        )
    try:
        parsed = httpx2.URL(url)
        host = parsed.raw_host.decode("ascii").lower().rstrip(".")
        port = parsed.port
    except (httpx2.InvalidURL, ValueError, UnicodeError) as cause:
        raise AddressRefusedError(
            f"{shown!r} is not an address: {cause}", field="url", value=shown
        ) from cause
    if parsed.scheme not in _DEFAULT_PORTS:
        raise AddressRefusedError(
            f"{shown!r} is not a web address",
            field="url",
            value=shown,
            hint="feeds are read over http:// and https:// only",
        )
    if not host:
        raise AddressRefusedError(f"{shown!r} names no host", field="url", value=shown)
    if not _HOST.fullmatch(host):
        raise AddressRefusedError(f"{host!r} is not a host name", field="url", value=shown)
    port = _DEFAULT_PORTS[parsed.scheme] if port is None else port
    if port not in _DEFAULT_PORTS.values() and not 1024 <= port <= 65535:
        raise AddressRefusedError(
            f"port {port} of {host} is not one that feeds are served on",
            field="url",
            value=shown,
            hint="80, 443 and ports from 1024 to 65535 are followed",
        )
    return Target(
        scheme=parsed.scheme,
        host=host,
        port=port,
        path=parsed.raw_path.decode("ascii") or "/",
        userinfo=f"{parsed.username}:{parsed.password}" if parsed.userinfo else "",
    )


def is_public(address: str) -> bool:
    """Whether an address is global unicast, looking inside mapped and translated IPv6.

    Args:
        address: IPv4 or IPv6 address as text; a scope (``%eth0``) is allowed.

    Returns:
        False for loopback, private, link-local (cloud metadata lives there), shared, reserved,
        multicast and documentation addresses, for IPv6 forms that carry one of these, and for
        text that is no address.

    Examples:
        >>> [is_public(a) for a in ("93.184.215.14", "169.254.169.254", "::ffff:10.0.0.1")]
        [True, False, False]
    """
    try:
        ip: IPAddress = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    if any(ip.version == network.version and ip in network for network in _REFUSED_NETWORKS):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def system_resolver(host: str, port: int) -> list[str]:
    """Addresses of a host from the operating system, in its order of preference.

    Args:
        host: Name or address.
        port: TCP port, 1 to 65535.

    Returns:
        Distinct addresses as text.

    Raises:
        OSError: The name is unknown or the name server does not answer.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def vet(host: str, addresses: Sequence[str], *, allow_hosts: Sequence[str] = ()) -> tuple[str, ...]:
    """Addresses of a host that may be connected to.

    One address that is not public condemns them all: a name that points both outside and inside is
    how a guard is probed, and no outlet needs it.

    Args:
        host: Host name as in :attr:`Target.host`.
        addresses: What it resolved to, best first.
        allow_hosts: Names, addresses and networks that are allowed for this feed.

    Returns:
        ``addresses``, unchanged in order.

    Raises:
        AddressRefusedError: There is none, or one of them is neither public nor allowed.

    Examples:
        >>> vet("localhost", ["127.0.0.1"], allow_hosts=["127.0.0.1"])
        ('127.0.0.1',)
    """
    names = {name.strip().lower().rstrip(".").strip("[]") for name in allow_hosts}
    if not addresses:
        raise AddressRefusedError(f"{host} has no address", field="url", value=host)
    if host in names:
        return tuple(addresses)
    networks = _networks(names)
    for address in addresses:
        if is_public(address) or any(_inside(address, network) for network in networks):
            continue
        where = host if host == address else f"{host} ({address})"
        raise AddressRefusedError(
            f"{where} is not a public address",
            field="url",
            value=host,
            hint=f"if it is meant to be on your own network: polling.allow_hosts: [{address}] in"
            " whistlestop.yaml, then `feed add` it again",
        )
    return tuple(addresses)


def _networks(
    names: set[str],
) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    networks = []
    for name in names:
        try:
            networks.append(ipaddress.ip_network(name, strict=False))
        except ValueError:  # a host name
            continue
    return networks


def _inside(address: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.version == network.version and ip in network
