"""`doctor --reach` against what really listens on loopback: ours, others, nothing, slow, TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from testkit.services import reach
from tests.web_world import Office, moved_in, prepared, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from testkit.kernel.findings import Finding


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return prepared(tmp_path_factory.mktemp("made") / "ws")


@pytest.fixture
def office(made: Office, tmp_path: Path) -> Office:
    return moved_in(made, tmp_path / "ws")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=sign.test", "-addext",
         "subjectAltName=DNS:sign.test", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


@contextlib.contextmanager
def listening(
    answer: bytes, *, tls: ssl.SSLContext | None = None, hold: float = 0
) -> Iterator[int]:
    """A peer that says the same to everybody; with `hold`, a byte at a time and never the end."""
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                line, _ = door.accept()
                with line, tls.wrap_socket(line, server_side=True) if tls else line as talk:
                    talk.recv(4096)
                    if hold:
                        begun = time.monotonic()
                        while time.monotonic() - begun < hold and not over.is_set():
                            talk.sendall(b"H")
                            time.sleep(0.02)
                    talk.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(0.2)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield door.getsockname()[1]
        finally:
            over.set()
            thread.join()


def http(status: str, body: str = "", *more: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def asked(office: Office, base: str, **more) -> dict[str, Finding]:
    office.settings["web.base_url"] = base
    found = reach.findings(office.workspace(), **{"seconds": 5.0, **more})
    return {one.code: one for one in found}


def refused(office: Office, base: str, **more) -> str:
    """What the one finding of an address that does not open says."""
    found = asked(office, base, **more)
    assert list(found) == ["DR030"]
    assert found["DR030"].severity == "error"
    assert f"GET {base}/health/" in found["DR030"].message
    return str(found["DR030"])


def test_the_workspaces_own_pages_are_known_by_their_answer(office):
    with serving(office) as address:
        told = office.json("doctor", "--reach")
        codes = {f["code"]: f for f in told["findings"]}
        assert told["healthy"]
        assert codes["DR030"]["severity"] == "note"
        assert f"GET {address}/health/" in codes["DR030"]["message"]
        assert "this workspace answers (200 OK" in codes["DR030"]["message"]
        assert "this machine only" in codes["DR031"]["message"]
        assert "DR032" not in codes  # nobody else is on a loopback line
        assert not {"DR030", "DR031"} & {f["code"] for f in office.json("doctor")["findings"]}


def test_another_workspace_under_the_name_is_not_taken_for_ours(office, tmp_path):
    other = moved_in(office, tmp_path / "other")
    keys = other.folder / "secrets.toml"
    keys.write_text(f'hmac = "{"0" * 64}"\n', encoding="utf-8")
    with serving(other) as address:
        assert "another workspace answers (200 OK" in refused(office, address)


def test_a_question_of_another_form_is_no_page(office):
    import httpx2

    with serving(office) as address:
        for path in ("/health/x", f"/health/{'A' * 32}", f"/health/{'0' * 33}", "/health/"):
            assert httpx2.get(f"{address}{path}").status_code == 404
        assert httpx2.post(f"{address}/health/{'0' * 32}").status_code == 405


def test_nothing_listens(office):
    port = free_port()
    told = refused(office, f"http://127.0.0.1:{port}")
    assert f"at 127.0.0.1 port {port} the connection is refused" in told
    assert "whistlestop serve" in told
    assert office.attempt("doctor", "--reach")[0] == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http("404 Not Found"), "something else answers: 404 Not Found"),
        (http("200 OK", "It works!"), "something else answers: 200 OK"),
        (http("200 OK", "whistlestop 00\n"), "another workspace answers (200 OK"),
        (http("302 Found", "", "Location: https://login.test/?a=b"), "leads to https://login.test/"),
        (http("301 Moved", "", "Location: x\x1b[31m"), "leads to x [31m"),
        (http("502 Bad Gateway"), "the proxy answers 502 Bad Gateway"),
        (b"", "a connection, but no answer (Remote end closed connection"),
        (b"SSH-2.0-OpenSSH_9\r\n", "a connection, but no answer (SSH-2.0-OpenSSH_9"),
    ],
)  # fmt: skip
def test_something_else_is_told_by_its_answer(office, answer, said):
    with listening(answer) as port:
        assert said in refused(office, f"http://127.0.0.1:{port}")


def test_a_peer_that_sends_for_ever_is_hung_up_on(office):
    begun = time.monotonic()
    with listening(b"", hold=30) as port:
        told = refused(office, f"http://127.0.0.1:{port}", seconds=0.5)
    assert "a connection, but no answer within 0.5 s" in told
    assert time.monotonic() - begun < 10


def test_a_peer_that_takes_the_call_and_says_nothing_is_given_up(office):
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        told = refused(office, f"http://127.0.0.1:{port}", seconds=0.3)
        assert "a connection, but no answer within 0.3 s" in told
        told = refused(office, f"https://127.0.0.1:{port}", seconds=0.3)
        assert "a connection, but no TLS within 0.3 s" in told


def test_a_name_that_is_not_known(office):
    told = refused(office, "https://nobody.invalid", addresses_of=_unknown)
    assert "the name nobody.invalid has no address here (Name or service not known)" in told


def _unknown(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("base", ["http://127.0.0.1:99999", f"https://{'x' * 64}.test"])
def test_an_address_that_is_none(office, base):
    assert "that is no address" in refused(office, base)


def test_one_dead_address_of_two_is_an_error(office):
    with serving(office) as address:
        port = int(address.rpartition(":")[2])
        found = asked(office, f"http://sign.test:{port}", addresses_of=_two)
    assert found["DR030"].severity == "error"
    assert "opens for some and not for others" in found["DR030"].message
    assert f"at 127.0.0.1 port {port} this workspace answers" in found["DR030"].message
    assert f"at 127.0.0.2 port {port} the connection is refused" in found["DR030"].message


def _two(host: str, port: int) -> list[str]:
    return ["127.0.0.1", "127.0.0.2"]


def _here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def test_tls_is_checked_as_a_browser_does(office, certificate):
    key, cert = certificate
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(cert, key)
    ours = ssl.create_default_context(cafile=str(cert))

    def said(name: str, **more) -> str:
        with listening(http("404 Not Found"), tls=theirs) as port:
            return refused(office, f"https://{name}:{port}", addresses_of=_here, **more)

    assert "something else answers: 404 Not Found" in said("sign.test", context=ours)
    assert "certificate of other.test is for another name" in said("other.test", context=ours)
    assert "certificate of sign.test is signed by itself" in said("sign.test")


def test_http_where_https_is_meant_and_the_other_way_round(office, certificate):
    key, cert = certificate
    with listening(http("200 OK")) as port:
        told = refused(office, f"https://sign.test:{port}", addresses_of=_here)
    assert "no TLS is spoken (wrong version number)" in told
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(cert, key)
    with listening(b"", tls=theirs) as port:
        told = refused(office, f"http://sign.test:{port}", addresses_of=_here)
    assert "a connection, but no answer" in told


def test_our_answer_over_tls_and_on_a_private_network(office, certificate, monkeypatch):
    key, cert = certificate
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(cert, key)
    ours = ssl.create_default_context(cafile=str(cert))
    monkeypatch.setattr(reach.secrets, "token_hex", lambda _: "ab" * 16)
    right = reach.health.answer_to(office.workspace(), "ab" * 16)
    with listening(http("200 OK", right), tls=theirs) as port:
        found = asked(office, f"https://sign.test:{port}", addresses_of=_here, context=ours)
        assert "this workspace answers (200 OK, TLSv1.3" in found["DR030"].message
        assert set(found) == {"DR030", "DR031"}
    # The same answer under a name with a private address, and without TLS.
    direct = socket.create_connection
    with listening(http("200 OK", right)) as port:
        monkeypatch.setattr(
            reach.socket, "create_connection", lambda _, timeout: direct(("127.0.0.1", port))
        )
        found = asked(office, "http://sign.test", addresses_of=lambda *_: ["10.0.0.5"])
    assert found["DR030"].severity == "note"
    assert "sign.test is 10.0.0.5" in found["DR031"].message
    assert "your own network only" in found["DR031"].message
    assert "not encrypted" in found["DR032"].message
