"""The fetcher against real HTTP on loopback."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from responders.feeds.answers import FetchRequest, FetchResult, Limits
from responders.feeds.fetch import fetch_each, fetch_many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BODY = b"<rss version='2.0'><channel><title>T</title></channel></rss>"
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LOCAL = ("127.0.0.1",)
QUICK = Limits(connect_s=2.0, total_s=2.0)


class Site:
    """A web server whose paths are functions; it remembers what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[Any], None]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.connections = 0
        self.busy = Counter[str]()
        self.busiest = 0
        self.lock = threading.Lock()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with site.lock:
                    site.connections += 1

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                with site.lock:
                    site.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                    site.busy["now"] += 1
                    site.busiest = max(site.busiest, site.busy["now"])
                try:
                    with suppress(BrokenPipeError, ConnectionResetError):
                        site.pages.get(path, _answer(404, b"not here"))(self)
                finally:
                    with site.lock:
                        site.busy["now"] -= 1

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None: ...

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def _answer(status: int, body: bytes = b"", **headers: str) -> Callable[[Any], None]:
    def page(handler: Any) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if status != 304:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if status != 304:
            handler.wfile.write(body)

    return page


@pytest.fixture
def site() -> Iterator[Site]:
    opened = Site()
    yield opened
    opened.close()


@pytest.fixture
def other_site() -> Iterator[Site]:
    opened = Site()
    yield opened
    opened.close()


def _request(url: str, **known: Any) -> FetchRequest:
    return FetchRequest(feed_id=url, url=url, **{"allow_hosts": LOCAL, **known})


def _fetch(url: str, *, limits: Limits = QUICK, resolver: Any = None, **known: Any) -> FetchResult:
    more = {} if resolver is None else {"resolver": resolver}
    (result,) = fetch_each([_request(url, **known)], limits=limits, now=lambda: NOW, **more)
    return result


def test_a_feed_is_fetched_and_asked_for_by_its_validators_the_next_time(site: Site) -> None:
    etag = 'W/"odd , \xe9 etag"'

    def page(handler: Any) -> None:
        known = handler.headers.get("If-None-Match") == etag
        since = handler.headers.get("If-Modified-Since") == "yesterday, roughly"
        answer = _answer(
            304 if known and since else 200, BODY, ETag=etag, Last_Modified="yesterday, roughly"
        )
        answer(handler)

    site.pages["/feed"] = page
    first = _fetch(site.url("/feed"))
    assert (first.outcome, first.body, first.status) == ("new", BODY, 200)
    again = _fetch(
        site.url("/feed"),
        etag=first.etag,
        last_modified=first.last_modified,
        body_sha256=first.body_sha256,
    )
    assert (again.outcome, again.status, again.body) == ("unchanged", 304, None)
    assert again.body_sha256 == first.body_sha256


def test_the_same_body_without_validators_is_unchanged(site: Site) -> None:
    site.pages["/feed"] = _answer(200, BODY)
    first = _fetch(site.url("/feed"))
    assert _fetch(site.url("/feed"), body_sha256=first.body_sha256).outcome == "unchanged"


def test_compressed_bodies_arrive_whole(site: Site) -> None:
    site.pages["/feed"] = _answer(200, gzip.compress(BODY), Content_Encoding="gzip")
    result = _fetch(site.url("/feed"))
    assert result.body == BODY
    assert site.asked[0][1]["accept-encoding"] == "gzip, deflate"


def test_we_say_who_we_are_and_send_nothing_else_of_ours(site: Site) -> None:
    site.pages["/feed"] = _answer(200, BODY, Set_Cookie="id=1")
    _fetch(site.url("/feed"))
    _fetch(site.url("/feed"))
    for _, headers in site.asked:
        assert set(headers) == {"host", "user-agent", "accept", "accept-encoding"}
        assert headers["user-agent"].startswith("whistlestop/")


def test_loopback_is_refused_unless_it_is_allowed(site: Site) -> None:
    result = _fetch(site.url("/feed"), allow_hosts=())
    assert (result.outcome, result.retryable) == ("failed", False)
    assert "not a public address" in (result.problem or "")
    assert site.asked == []


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://10.0.0.1/",
        "http://192.168.1.1:8080/",
        "http://0.0.0.0/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:11211/",
        "http://127.0.0.1:22/",
    ],
)
def test_a_redirect_inside_is_refused_before_anything_is_sent(site: Site, target: str) -> None:
    site.pages["/feed"] = _answer(302, Location=target)
    result = _fetch(site.url("/feed"))
    assert (result.outcome, result.retryable) == ("failed", False)
    assert len(site.asked) == 1


def test_a_name_that_points_inside_is_refused(site: Site) -> None:
    site.pages["/feed"] = _answer(302, Location="http://inside.test/")
    result = _fetch(
        site.url("/feed"),
        resolver=lambda host, _: ["10.0.0.7"] if host == "inside.test" else [host],
    )
    assert "inside.test (10.0.0.7) is not a public address" in (result.problem or "")


def test_a_name_server_that_changes_its_mind_is_not_asked_again(site: Site) -> None:
    site.pages["/feed"] = _answer(302, Location="/next")
    site.pages["/next"] = _answer(200, BODY)
    lookups: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        lookups.append(host)
        return ["127.0.0.1"] if len(lookups) == 1 else ["10.0.0.1"]

    result = _fetch(site.url("/feed", "rebind.test"), resolver=rebinding)
    assert result.outcome == "new"
    assert lookups == ["rebind.test"]
    assert {headers["host"] for _, headers in site.asked} == {f"rebind.test:{site.port}"}


def test_the_connection_goes_to_the_vetted_address_and_the_name_stays(site: Site) -> None:
    site.pages["/feed"] = _answer(200, BODY)
    result = _fetch(site.url("/feed", "news.test"), resolver=lambda *_: ["127.0.0.1"])
    assert result.outcome == "new"
    assert site.asked[0][1]["host"] == f"news.test:{site.port}"
    assert result.url_final == site.url("/feed", "news.test")


def test_the_next_address_is_tried_when_the_first_is_dead(site: Site) -> None:
    site.pages["/feed"] = _answer(200, BODY)
    result = _fetch(
        site.url("/feed", "two.test"),
        resolver=lambda *_: ["127.0.0.9", "127.0.0.1"],
        allow_hosts=("127.0.0.0/8",),
    )
    assert result.outcome == "new"


def test_redirects_are_followed_and_told(site: Site) -> None:
    site.pages["/a"] = _answer(301, Location="/b")
    site.pages["/b"] = _answer(308, Location=site.url("/c"))
    site.pages["/c"] = _answer(302, Location="d?x=1")
    site.pages["/d"] = _answer(200, BODY)
    result = _fetch(site.url("/a"))
    assert result.outcome == "new"
    assert result.hops == tuple(site.url(path) for path in ("/a", "/b", "/c", "/d?x=1"))
    assert result.url_final == site.url("/d?x=1")
    assert result.moved_to == site.url("/c")


def test_a_temporary_redirect_moves_nothing_not_even_through_a_permanent_one(site: Site) -> None:
    site.pages["/a"] = _answer(307, Location="/b")
    site.pages["/b"] = _answer(301, Location="/c")
    site.pages["/c"] = _answer(200, BODY)
    assert _fetch(site.url("/a")).moved_to is None


def test_redirects_end(site: Site) -> None:
    for i in range(10):
        site.pages[f"/{i}"] = _answer(302, Location=f"/{i + 1}")
    result = _fetch(site.url("/0"))
    assert "more than 5 redirects" in (result.problem or "")
    assert len(site.asked) == 6
    site.pages["/round"] = _answer(302, Location="/round")
    assert "circle" in (_fetch(site.url("/round")).problem or "")


@pytest.mark.parametrize("location", ["http://[broken", "http://", "\xc3\xa9t\xc3\xa9", "  "])
def test_a_broken_location_is_told(site: Site, location: str) -> None:
    site.pages["/feed"] = _answer(302, Location=location)
    result = _fetch(site.url("/feed"))
    assert result.outcome == "failed"
    assert result.problem


def test_credentials_stay_with_their_origin(site: Site, other_site: Site) -> None:
    site.pages["/feed"] = _answer(302, Location=other_site.url("/feed"))
    other_site.pages["/feed"] = _answer(302, Location=site.url("/back"))
    site.pages["/back"] = _answer(200, BODY)
    url = site.url("/feed").replace("://", "://ann:p%40ss@")
    result = _fetch(url)
    assert result.outcome == "new"
    sent = [headers.get("authorization") for _, headers in site.asked]
    assert sent == ["Basic YW5uOnBAc3M="] * 2  # ann:p@ss
    assert "authorization" not in other_site.asked[0][1]
    assert not any("p%40ss" in text for text in (*result.hops, result.url_final))


def test_credentials_do_not_follow_a_permanent_move_elsewhere(site: Site, other_site: Site) -> None:
    site.pages["/near"] = _answer(301, Location="/here")
    site.pages["/here"] = _answer(200, BODY)
    site.pages["/far"] = _answer(301, Location=other_site.url("/feed"))
    other_site.pages["/feed"] = _answer(200, BODY)
    near = _fetch(site.url("/near").replace("://", "://ann:p%40ss@"))
    assert near.moved_to == site.url("/here").replace("://", "://ann:p%40ss@")
    far = _fetch(site.url("/far").replace("://", "://ann:p%40ss@"))
    assert far.moved_to == other_site.url("/feed")


def test_an_endless_body_is_cut_off(site: Site) -> None:
    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        while True:
            handler.wfile.write(b"<item/>" * 1000)

    site.pages["/feed"] = endless
    result = _fetch(site.url("/feed"), limits=Limits(wire_bytes=300_000, total_s=10))
    assert "sends more than 0.3 MB" in (result.problem or "")
    assert result.body is None


def test_a_body_that_drips_is_cut_off_by_the_clock(site: Site) -> None:
    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"<")
            time.sleep(0.05)

    site.pages["/feed"] = drip
    started = time.monotonic()
    result = _fetch(site.url("/feed"), limits=Limits(total_s=0.4))
    assert "did not finish within" in (result.problem or "")
    assert time.monotonic() - started < 2


def test_the_clock_counts_all_redirects_together(site: Site) -> None:
    def slow(handler: Any) -> None:
        time.sleep(0.15)
        _answer(302, Location=f"/{int(handler.path[1:]) + 1}")(handler)

    for i in range(10):
        site.pages[f"/{i}"] = slow
    result = _fetch(site.url("/0"), limits=Limits(total_s=0.4, redirects=20))
    assert "did not finish" in (result.problem or "")
    assert len(site.asked) <= 4


def test_a_declared_size_beyond_the_limit_is_not_even_read(site: Site) -> None:
    def large(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()

    site.pages["/feed"] = large
    assert "sends more than 5 MB" in (_fetch(site.url("/feed")).problem or "")


def test_a_gzip_bomb_is_defused(site: Site) -> None:
    bomb = gzip.compress(b"\x00" * 30_000_000)
    site.pages["/feed"] = _answer(200, bomb, Content_Encoding="gzip")
    assert "times its size" in (_fetch(site.url("/feed")).problem or "")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 999 ?\r\n\r\n",
        b"\x16\x03\x01\x00",
    ],
    ids=["nothing", "words", "short", "chunk", "lengths", "br", "header", "999", "tls"],
)
def test_broken_servers_are_told_in_words(raw: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            with suppress(OSError):
                for _ in range(2):
                    peer, _address = listener.accept()
                    with peer:
                        peer.recv(65536)
                        peer.sendall(raw)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        result = _fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", limits=Limits(total_s=1))
        assert result.outcome == "failed"
        assert result.problem
        assert "unexpected" not in result.problem
        listener.close()


def test_unknown_names_and_closed_ports_are_told() -> None:
    def unknown(host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    assert "is not known" in (_fetch("http://nowhere.test/", resolver=unknown).problem or "")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    result = _fetch(f"http://127.0.0.1:{port}/")
    assert (result.problem, result.retryable) == (
        f"127.0.0.1 refuses connections on port {port}",
        True,
    )


def test_a_name_server_that_hangs_costs_only_its_own_feeds(site: Site) -> None:
    released = threading.Event()

    def hanging(host: str, _port: int) -> list[str]:
        if host == "slow.test":
            released.wait(10)
        return ["127.0.0.1"]

    site.pages["/feed"] = _answer(200, BODY)
    requests = [_request("http://slow.test/"), _request(site.url("/feed"))]
    results = {}
    for result in fetch_each(requests, limits=Limits(connect_s=0.3), resolver=hanging):
        results[result.feed_id] = result
    released.set()
    assert results[site.url("/feed")].outcome == "new"
    assert "no name server answers" in (results["http://slow.test/"].problem or "")


def test_waiting_is_asked_for_per_feed(site: Site) -> None:
    site.pages["/busy"] = _answer(429, Retry_After="120")
    site.pages["/feed"] = _answer(200, BODY)
    results = {
        r.feed_id: r for r in fetch_each([_request(site.url("/busy")), _request(site.url("/feed"))])
    }
    assert results[site.url("/busy")].outcome == "backoff"
    assert results[site.url("/busy")].retry_after_s == 120
    assert results[site.url("/feed")].outcome == "new"


def test_a_retired_feed_says_so(site: Site) -> None:
    site.pages["/feed"] = _answer(410)
    assert _fetch(site.url("/feed")).outcome == "gone"


def test_one_host_gets_two_connections_and_they_are_used_again(site: Site) -> None:
    def page(handler: Any) -> None:
        time.sleep(0.01)
        _answer(200, BODY)(handler)

    requests = []
    for i in range(20):
        site.pages[f"/{i}"] = page
        requests.append(_request(site.url(f"/{i}")))
    results = list(fetch_each(requests))
    assert {r.outcome for r in results} == {"new"}
    assert site.busiest == 2
    assert site.connections == 2


def test_unchanged_feeds_of_one_host_share_its_connections_too(site: Site) -> None:
    def page(handler: Any) -> None:
        time.sleep(0.01)
        _answer(304)(handler)

    requests = []
    for i in range(8):
        site.pages[f"/{i}"] = page
        requests.append(_request(site.url(f"/{i}"), etag='"1"'))
    assert {r.outcome for r in fetch_each(requests)} == {"unchanged"}
    assert site.connections == 2


def test_hosts_are_asked_side_by_side(site: Site) -> None:
    together = threading.Barrier(8, timeout=10)

    def page(handler: Any) -> None:
        together.wait()  # passes only while eight requests are under way at once
        _answer(200, BODY)(handler)

    site.pages["/feed"] = page
    requests = [_request(site.url("/feed", f"host{i}.test")) for i in range(8)]
    results = list(fetch_each(requests, resolver=lambda *_: ["127.0.0.1"]))
    assert {r.outcome for r in results} == {"new"}


def test_an_ill_host_is_left_alone_after_three_of_its_feeds_failed(site: Site) -> None:
    site.pages["/ok"] = _answer(200, BODY)
    ill = [_request(f"http://ill.test:9/{i}") for i in range(8)]
    results = list(
        fetch_each(
            [*ill, _request(site.url("/ok"))],
            limits=Limits(per_host=1),
            resolver=lambda host, _: [] if host == "ill.test" else [host],
        )
    )
    # The port is refused outright, which a person has to mend: that is no illness of the host.
    assert Counter(r.outcome for r in results) == {"failed": 8, "new": 1}

    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    down = [_request(f"http://127.0.0.1:{port}/{i}") for i in range(8)]
    results = list(fetch_each(down, limits=Limits(per_host=1)))
    assert Counter(r.outcome for r in results) == {"failed": 3, "backoff": 5}
    assert all("not tried" in (r.problem or "") for r in results if r.outcome == "backoff")


def test_feeds_that_are_not_there_do_not_make_their_host_ill(site: Site) -> None:
    site.pages["/ok"] = _answer(200, BODY)
    requests = [_request(site.url(f"/gone{i}")) for i in range(6)] + [_request(site.url("/ok"))]
    results = list(fetch_each(requests, limits=Limits(per_host=1)))
    assert Counter(r.outcome for r in results) == {"failed": 6, "new": 1}


def test_every_request_gets_one_result_whatever_happens(site: Site) -> None:
    site.pages["/feed"] = _answer(200, BODY)
    urls = [site.url("/feed"), "nonsense", "", "http://[", site.url("/none"), "ftp://x/"] * 5
    requests = [FetchRequest(feed_id=str(i), url=u, allow_hosts=LOCAL) for i, u in enumerate(urls)]
    results = list(fetch_each(requests))
    assert sorted(int(r.feed_id) for r in results) == list(range(30))
    assert list(fetch_each([])) == []


def test_leaving_early_stops_the_rest(site: Site) -> None:
    def page(handler: Any) -> None:
        time.sleep(0.05)
        _answer(200, BODY)(handler)

    requests = []
    for i in range(60):
        site.pages[f"/{i}"] = page
        requests.append(_request(site.url(f"/{i}")))
    results = fetch_each(requests)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(site.asked) < 40


def test_leaving_the_asynchronous_form_early_stops_the_rest_too(site: Site) -> None:
    site.pages["/feed"] = _answer(200, BODY)

    async def take_one() -> str:
        results = fetch_many([_request(site.url(f"/feed?{i}")) for i in range(30)])
        async for result in results:
            await results.aclose()
            return result.outcome
        return "none"

    assert asyncio.run(take_one()) == "new"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_certificates_are_checked_for_the_name_not_the_address(tmp_path: Path, site: Site) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=news.test"),
            *("-addext", "subjectAltName=DNS:news.test", "-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    site.pages["/feed"] = _answer(200, BODY)
    trusting = ssl.create_default_context(cafile=str(cert))

    def fetch(host: str, tls: ssl.SSLContext | None) -> FetchResult:
        url = f"https://{host}:{site.port}/feed"
        (result,) = fetch_each(
            [_request(url)], limits=QUICK, resolver=lambda *_: ["127.0.0.1"], ssl_context=tls
        )
        return result

    assert fetch("news.test", trusting).outcome == "new"
    assert names == ["news.test"]
    assert "certificate of other.test is not valid" in (fetch("other.test", trusting).problem or "")
    assert "certificate of news.test is not valid" in (fetch("news.test", None).problem or "")
