"""The address guard: what may be fetched, and what is said when it may not."""

from __future__ import annotations

import socket

import pytest

from responders.feeds import guard
from responders.feeds.guard import AddressRefusedError

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "8.8.8.8"]

# One address of each special-purpose block: IANA's IPv4 and IPv6 special-purpose registries
# (RFC 6890 and its updates), and the metadata services of the large clouds.
NOT_PUBLIC = {
    "0.0.0.0": "this host",
    "10.0.0.1": "private",
    "100.64.0.1": "shared, carrier NAT",
    "100.100.100.200": "Alibaba metadata",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback, last",
    "168.63.129.16": "Azure host",
    "169.254.169.254": "AWS, GCP, Azure metadata",
    "172.16.0.1": "private",
    "192.0.0.192": "Oracle metadata",
    "192.0.2.1": "documentation",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "224.0.0.1": "multicast",
    "233.252.0.1": "multicast, global scope",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::7f00:1": "IPv4-compatible loopback",
    "::ffff:127.0.0.1": "IPv4-mapped loopback",
    "::ffff:a9fe:a9fe": "IPv4-mapped metadata",
    "64:ff9b::a9fe:a9fe": "NAT64 metadata",
    "64:ff9b::10.0.0.1": "NAT64 private",
    "64:ff9b:1::1": "local NAT64",
    "100::1": "discard",
    "2001::1": "Teredo",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4 loopback",
    "fc00::1": "unique local",
    "fd00:ec2::254": "AWS metadata",
    "fe80::1%eth0": "link-local with scope",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "example.org": "no address at all",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_global_unicast_addresses_are_public(address: str) -> None:
    assert guard.is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC, ids=list(NOT_PUBLIC.values()))
def test_special_purpose_addresses_are_not_public(address: str) -> None:
    assert not guard.is_public(address)


def test_nat64_of_a_public_address_is_public() -> None:
    assert guard.is_public("64:ff9b::5db8:d70e")  # 93.184.215.14


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/feed",
        "gopher://example.org/",
        "javascript:alert(1)",
        "data:text/xml,<rss/>",
        "//example.org/feed",
        "example.org/feed",
        "http:///feed",
        "http://",
        "",
        "http://exa mple.org/",
        "http://example.org:22/",
        "http://example.org:6/",
        "http://example.org:65536/",
        "http://[::1/",
        "http://example.org/\x00",
        "http://example.org/" + "a" * 5000,
    ],
)
def test_what_is_no_web_address_is_refused_with_its_field(url: str) -> None:
    with pytest.raises(AddressRefusedError) as caught:
        guard.parse_target(url)
    assert caught.value.field == "url"


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("HTTP://Example.ORG", "example.org", "/"),
        ("http://faß.de/ü", "xn--fa-hia.de", "/%C3%BC"),  # UTS 46, as browsers do
        ("http://example.org./x", "example.org", "/x"),
        ("http://[2001:DB8::1]:8080/x?y=1#z", "2001:db8::1", "/x?y=1"),
        ("http://example.org\\@127.0.0.1/", "127.0.0.1", "/"),
    ],
)
def test_a_url_is_read_as_browsers_read_it(url: str, host: str, path: str) -> None:
    target = guard.parse_target(url)
    assert (target.host, target.path) == (host, path)


def test_credentials_are_kept_apart_from_the_address() -> None:
    target = guard.parse_target("https://ann:p%40ss@example.org/feed")
    assert target.userinfo == "ann:p@ss"
    assert target.url == "https://example.org/feed"
    assert "p%40ss" not in guard.without_credentials("https://ann:p%40ss@example.org/feed")


def test_one_inner_address_condemns_the_name() -> None:
    with pytest.raises(AddressRefusedError, match=r"evil\.test \(10\.0\.0\.1\)"):
        guard.vet("evil.test", ["93.184.215.14", "10.0.0.1"])


def test_a_name_without_addresses_is_refused() -> None:
    with pytest.raises(AddressRefusedError, match="no address"):
        guard.vet("nowhere.test", [])


@pytest.mark.parametrize(
    ("host", "address", "allow"),
    [
        ("localhost", "127.0.0.1", "127.0.0.1"),
        ("news.lan", "10.2.3.4", "10.2.0.0/16"),
        ("news.lan", "10.2.3.4", "News.LAN"),
        ("::1", "::1", "::1"),
        ("mapped.lan", "::ffff:10.2.3.4", "10.2.3.4"),
    ],
)
def test_the_allow_list_opens_names_addresses_and_networks(
    host: str, address: str, allow: str
) -> None:
    assert guard.vet(host, [address], allow_hosts=[allow]) == (address,)


@pytest.mark.parametrize("allow", ["127.0.0.1", "10.2.0.0/16", "other.lan", "not a network/33"])
def test_the_allow_list_opens_nothing_else(allow: str) -> None:
    with pytest.raises(AddressRefusedError) as caught:
        guard.vet("news.lan", ["192.168.1.9"], allow_hosts=[allow])
    assert "192.168.1.9" in caught.value.hint


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
def test_every_spelling_of_loopback_ends_at_the_same_refusal(spelling: str) -> None:
    try:
        addresses = guard.system_resolver(spelling, 80)
    except socket.gaierror:
        return  # a resolver that does not know the spelling cannot be led astray by it
    with pytest.raises(AddressRefusedError):
        guard.vet(spelling, addresses)
