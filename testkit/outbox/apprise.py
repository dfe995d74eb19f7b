"""Any of the services that the Apprise package knows, where it is installed (``[notify]``).

Apprise says yes or no and knows no ids: a crash in the wrong moment can repeat a notice. Why it
said no stands in its log only, so that is read; parts of the address, which is a secret, are cut.
"""

from __future__ import annotations

import importlib
import logging
import re
from typing import TYPE_CHECKING, Any, Final

from testkit.outbox.letter import Message, Outcome, cut, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AppriseSender"]

_UNREACHED: Final = "connection error"
"""What nearly all of Apprise's services log where the peer cannot be reached."""


class AppriseSender:
    """Hands a notice to one Apprise address.

    Args:
        url: Such as ``ntfys://ntfy.example/topic``; usually a secret.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def send(self, message: Message, *, handing_over: Callable[[], None]) -> Outcome:
        """Try once."""
        try:
            apprise: Any = importlib.import_module("apprise")
        except ImportError:
            return Outcome(
                problem="the apprise package is missing: install whistlestop[notify]", down=True
            )
        service = apprise.Apprise()
        # Its log holds the whole address where it cannot read it; ours does not.
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log:
            if not service.add(self.url):
                return Outcome(problem="Apprise does not know this kind of address", down=True)
            handing_over()
            taken = service.notify(
                title=one_line(message.subject),
                body=cut(message.body, most=8000),
                body_format=apprise.NotifyFormat.TEXT,  # a headline formats nothing
            )
            said = self._plain(log.getvalue())
        if taken:
            return Outcome(sent=True)
        why = f": {said}" if said else ""
        return Outcome(problem=f"the service did not take it{why}", down=_UNREACHED in said.lower())

    def _plain(self, log: str) -> str:
        pieces = sorted(re.split(r"[/?&=:@#,]+", self.url)[1:], key=len, reverse=True)
        for piece in pieces:
            if len(piece) >= 6:
                log = log.replace(piece, "…")
        return one_line(log)

    def close(self) -> None:
        """Nothing is held."""
