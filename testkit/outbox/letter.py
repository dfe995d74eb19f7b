r"""What every sender gets: a message, safe to put into a header or a body, and what came of it.

Names, headlines and notes come from outside. A line break in a name would be a header of its own
(``Kim\r\nBcc: everybody``), so a line is made one line before anybody sees it, and an address is
an address or it is refused.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from testkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

__all__ = ["LINK", "Message", "Outcome", "Sender", "address", "cut", "one_line"]

LINK: Final = "\ufffc"
"""Stands in a kept body for the one-time link, which is worked out when the message leaves."""

MOST_SUBJECT: Final = 200
MOST_BODY: Final = 200_000
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}"
    r"[A-Za-z0-9])?)*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, as a sender hands it over.

    Attributes:
        id: Lasting: the same in every attempt. Peers drop doubles by it.
        kind: What it says: ``asked``, ``released`` ...
        to: E-mail address; empty where the peer is an address of its own.
        subject: One line.
        body: Text.
        data: The same for programs.
        made_at: When it was written; the same in every attempt.
    """

    id: str
    kind: str
    to: str
    subject: str
    body: str
    data: Mapping[str, Any] = field(default_factory=dict)
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an attempt.

    Attributes:
        sent: The peer took it.
        problem: Why not, in words.
        final: Trying again is of no use: the peer refuses this message for good.
        down: The peer did not answer, or lets us not in: the message is not to blame.
        unsure: It was handed over, and no answer came.
        wait: How long the peer asks to be left alone.
    """

    sent: bool = False
    problem: str = ""
    final: bool = False
    down: bool = False
    unsure: bool = False
    wait: timedelta | None = None


class Sender(Protocol):
    """A way to a peer, for one round of delivery."""

    def send(self, message: Message, *, handing_over: Callable[[], None]) -> Outcome:
        """Try once. Never raises for what a peer does.

        Args:
            message: What to send.
            handing_over: To call just before the peer could take the message for the first time.
        """

    def close(self) -> None:
        """Let go of the connection."""


def one_line(text: str, *, most: int = MOST_SUBJECT) -> str:
    r"""Text in one line: control characters become spaces, what is too long is cut.

    Examples:
        >>> one_line("Kim\r\nBcc: all@example.org")
        'Kim Bcc: all@example.org'
    """
    kept = "".join(
        " " if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} else c
        for c in text
        # Marks that turn the direction of reading can make an address look like another.
        if c not in f"{LINK}\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
    line = " ".join(kept.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def cut(text: str, *, most: int = MOST_BODY) -> str:
    """A body that no server refuses for its size; what is left out is said."""
    plain = "".join(
        c for c in text.replace("\r\n", "\n").replace("\r", "\n") if c in "\n\t" or c >= " "
    )
    plain = plain.encode("utf-8", "replace").decode()
    if len(plain) <= most:
        return plain
    return f"{plain[:most]}\n\n[{len(plain) - most:,} more characters: open the page]"


def address(text: str) -> str:
    """An e-mail address without a name.

    Raises:
        InputError: It is none, or it holds more than one.
    """
    given = text.strip()
    local, at, domain = given.rpartition("@")
    if at and not domain.isascii():
        try:
            given = f"{local}@{domain.encode('idna').decode()}"
        except UnicodeError:
            given = ""
    if len(given) > 254 or not _ADDRESS.fullmatch(given):
        raise InputError(
            f"{one_line(text)!r} is not an e-mail address",
            field="email",
            value=text,
            hint="write it like kim@example.org, without a name",
        )
    return given
