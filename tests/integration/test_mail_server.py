"""SMTP as servers speak it: encryption, log-in, and what each answer means."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime

import pytest
from aiosmtpd.smtp import AuthResult

from testkit.outbox.letter import Message
from testkit.outbox.mail import MailServer, SmtpSender
from tests.peers import mail_server

pytestmark = pytest.mark.faults

MESSAGE = Message(
    id="msg_1", kind="asked", to="kim@example.org", subject="Grüße",
    body=".\n.dots\nund ümlaute\n", made_at=datetime(2026, 11, 3, tzinfo=UTC),
)  # fmt: skip


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, ssl.create_default_context(cafile=str(cert))


def server(port: int, **more) -> MailServer:
    given = {"host": "127.0.0.1", "security": "none", "sender": "desk@example.org", "seconds": 5}
    return MailServer(port=port, **(given | more))


def send(at: MailServer, **more):
    sender = SmtpSender(at, **more)
    handed = []
    try:
        return sender.send(MESSAGE, handing_over=lambda: handed.append(1)), handed
    finally:
        sender.close()


def test_dots_and_umlauts_arrive_as_they_were_written():
    with mail_server() as peer:
        outcome, handed = send(server(peer.port))
        ((to, mail),) = peer.got
    assert (outcome.sent, handed, to) == (True, [1], "kim@example.org")
    assert mail["Subject"] == "Grüße"
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.body


def test_several_messages_share_one_connection():
    with mail_server() as peer:
        sender = SmtpSender(server(peer.port))
        for _ in range(3):
            assert sender.send(MESSAGE, handing_over=lambda: None).sent
        sender.close()
        assert len(peer.got) == 3


def check(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (b"desk", b"right")
    return AuthResult(success=right, handled=right)


def test_starttls_and_log_in(certificate):
    theirs, ours = certificate
    more = {"tls_context": theirs, "require_starttls": True, "authenticator": check,
            "auth_required": True}  # fmt: skip
    with mail_server(**more) as peer:
        at = server(peer.port, security="starttls", user="desk", password="right")
        assert send(at, context=ours)[0].sent
        wrong = server(peer.port, security="starttls", user="desk", password="wrong")
        outcome, handed = send(wrong, context=ours)
        assert (outcome.down, handed) == (True, [])
        assert "refuses the log-in" in outcome.problem
        assert "wrong" not in outcome.problem
        assert len(peer.got) == 1


def test_a_certificate_that_nobody_vouches_for_ends_it_before_a_word_is_said(certificate):
    theirs, _ = certificate
    with mail_server(tls_context=theirs) as peer:
        outcome, handed = send(server(peer.port, security="starttls"))
        assert (outcome.sent, outcome.down, handed) == (False, True, [])
        assert peer.got == []


def test_a_server_that_offers_no_encryption_is_not_spoken_to_openly():
    with mail_server() as peer:
        outcome, _ = send(server(peer.port, security="starttls"))
        assert (outcome.sent, outcome.down) == (False, True)
        assert peer.got == []


def test_a_password_does_not_go_over_an_open_line_to_another_machine():
    outcome, _ = send(server(25, host="mail.example.org", user="desk", password="secret"))
    assert outcome.down
    assert "open line" in outcome.problem


@pytest.mark.parametrize(
    ("answer", "final"), [("450 busy", False), ("452 full", False), ("550 nobody", True)]
)
def test_an_answer_about_a_message_is_final_from_500_on(answer, final):
    with mail_server() as peer:
        peer.answers = [answer]
        outcome, handed = send(server(peer.port))
        assert (outcome.sent, outcome.final, outcome.down, handed) == (False, final, False, [])


def speaking(*lines: bytes):
    """A server that says these lines, one for each it reads, and then hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk():
        line, _ = listener.accept()
        with line, line.makefile("rb") as file:
            for answer in lines:
                line.sendall(answer + b"\r\n")
                if answer.startswith(b"354"):
                    while file.readline() not in {b".\r\n", b""}:
                        pass
                else:
                    file.readline()

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    return listener, thread


def test_a_line_that_breaks_after_the_words_is_unsure_and_before_them_is_not():
    for lines, unsure in (
        ([b"220 hi", b"250 ok", b"250 ok", b"250 ok", b"354 go"], True),
        ([b"220 hi", b"250 ok", b"250 ok"], False),
    ):
        listener, thread = speaking(*lines)
        with listener:
            outcome, handed = send(server(listener.getsockname()[1]))
            thread.join(5)
        assert (outcome.unsure, outcome.down, bool(handed)) == (unsure, not unsure, unsure)


def test_a_server_that_says_nothing_is_given_up_after_its_time():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = dt.datetime.now(UTC)
        outcome, _ = send(server(listener.getsockname()[1], seconds=0.3))
        assert outcome.down
        assert dt.datetime.now(UTC) - started < dt.timedelta(seconds=5)
