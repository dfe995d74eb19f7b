"""Mail: to a server over SMTP, or into a folder as files.

SMTP has one moment that nobody can make safe: the server has said "taken" and we have not written
it down. ``handing_over`` is called right before the text goes out, so that this moment is the only
doubtful one; a repetition carries the same ``Message-ID``, by which mail systems drop doubles.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Final, Literal

from testkit.errors import InputError
from testkit.kernel.workspace import replace_file
from testkit.outbox.letter import Message, Outcome, address, cut, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["FolderSender", "MailServer", "SmtpSender", "compose"]

# A folded subject begins on an empty line, which some filters take for a sign of spam.
_FLAT: Final = SMTP_POLICY.clone(max_line_length=900)
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail goes in.

    Attributes:
        host: Name of the server.
        port: TCP port.
        security: ``starttls``, ``tls`` (from the first byte) or ``none``.
        user: Account; empty when the server asks for none.
        password: Its password.
        sender: ``Name <address>``.
        seconds: Longest wait for an answer.
    """

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = ""
    sender: str
    seconds: float = 30


def compose(message: Message, *, sender: str) -> EmailMessage:
    """The message as mail; its ``Message-ID`` is the same in every attempt.

    Raises:
        InputError: An address is none.
    """
    name, given = parseaddr(one_line(sender))
    own = address(given)
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = Address(one_line(name, most=80), addr_spec=own)
    mail["To"] = Address(addr_spec=address(message.to))
    mail["Subject"] = one_line(message.subject)
    mail["Date"] = format_datetime(message.made_at)
    mail["Message-ID"] = f"<{message.id}@{own.rpartition('@')[2]}>"
    if message.kind != "released":
        mail["Auto-Submitted"] = "auto-generated"  # no holiday reply comes back (RFC 3834)
    mail.set_content(cut(message.body), cte="quoted-printable")
    return mail


class SmtpSender:
    """One connection to a mail server, opened when needed and kept for a round.

    Args:
        server: Where mail goes in.
        context: TLS settings; the system's authorities when None.
    """

    def __init__(self, server: MailServer, *, context: ssl.SSLContext | None = None) -> None:
        self.server = server
        self._context = context
        self._smtp: smtplib.SMTP | None = None

    def send(self, message: Message, *, handing_over: Callable[[], None]) -> Outcome:
        """Try once."""
        try:
            mail = compose(message, sender=self.server.sender)
        except InputError as cause:
            return Outcome(problem=str(cause), final=True)
        given = False
        try:
            smtp = self._connected()
            _ask(smtp.mail(str(mail["From"].addresses[0].addr_spec)))
            _ask(smtp.rcpt(str(mail["To"].addresses[0].addr_spec)))
            _ask(smtp.docmd("DATA"), wanted=354)
            handing_over()
            given = True
            smtp.send(_data(mail))
            _ask(smtp.getreply())
        except _NotTakenError as cause:
            self._reset()
            return Outcome(problem=str(cause), final=cause.code >= 500)
        except smtplib.SMTPAuthenticationError as cause:
            self.close()
            return Outcome(
                problem=f"{self.server.host} refuses the log-in ({cause.smtp_code})", down=True
            )
        except (OSError, smtplib.SMTPException, ssl.SSLError) as cause:
            self.close()
            why = f"{self.server.host}: {one_line(str(cause)) or type(cause).__name__}"
            return Outcome(problem=why, unsure=given, down=not given)
        return Outcome(sent=True)

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is not None:
            return self._smtp
        at = self.server
        smtp: smtplib.SMTP
        if at.security == "none" and at.user and at.host not in _LOCAL:
            raise smtplib.SMTPException("a password is not sent over an open line")
        if at.security == "tls":
            smtp = smtplib.SMTP_SSL(at.host, at.port, timeout=at.seconds, context=self._tls())
        else:
            smtp = smtplib.SMTP(at.host, at.port, timeout=at.seconds)
        try:
            if at.security == "starttls":
                smtp.starttls(context=self._tls())
            smtp.ehlo_or_helo_if_needed()
            if at.user:
                smtp.login(at.user, at.password)
        except BaseException:
            smtp.close()
            raise
        self._smtp = smtp
        return smtp

    def _tls(self) -> ssl.SSLContext:
        return self._context or ssl.create_default_context()

    def _reset(self) -> None:
        try:
            if self._smtp is not None:
                self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self.close()

    def close(self) -> None:
        """Say goodbye."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()


class FolderSender:
    """Writes each message into a folder, under its id: a second attempt writes the same file.

    Args:
        folder: Where to.
        sender: ``Name <address>``.
    """

    def __init__(self, folder: Path, *, sender: str) -> None:
        self.folder = folder
        self.sender = sender

    def send(self, message: Message, *, handing_over: Callable[[], None]) -> Outcome:
        """Write one file."""
        del handing_over  # nothing is doubtful: the file is there or it is not
        try:
            mail = compose(message, sender=self.sender)
            replace_file(self.folder / f"{message.id}.eml", mail.as_bytes(policy=_FLAT))
        except InputError as cause:
            return Outcome(problem=str(cause), final=True)
        except OSError as cause:
            return Outcome(problem=f"{self.folder.name}: {cause.strerror}", down=True)
        return Outcome(sent=True)

    def close(self) -> None:
        """Nothing is held."""


class _NotTakenError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"the server answered {code} {text}")
        self.code = code


def _ask(answer: tuple[int, bytes], *, wanted: int = 250) -> None:
    code, text = answer
    if code == 421:  # it closes the line: about itself, not about the message
        raise smtplib.SMTPServerDisconnected("the server is closing")
    if code != wanted and not (wanted == 250 and code in {251, 252}):
        raise _NotTakenError(code, one_line(text.decode("utf-8", "replace")))


def _data(mail: EmailMessage) -> bytes:
    text = mail.as_bytes(policy=_FLAT)
    lines = (b"." + line if line.startswith(b".") else line for line in text.split(b"\r\n"))
    body = b"\r\n".join(lines)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"
