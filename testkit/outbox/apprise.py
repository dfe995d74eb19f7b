"""Any of the services that the Apprise package knows, where it is installed (``[notify]``).

Apprise says yes or no and knows no ids: a crash in the wrong moment can repeat a notice.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from testkit.outbox.letter import Message, Outcome, cut, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AppriseSender"]


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
        if not service.add(self.url):
            return Outcome(problem="Apprise does not know this kind of address", down=True)
        handing_over()
        taken = service.notify(title=one_line(message.subject), body=cut(message.body, most=8000))
        return Outcome(sent=True) if taken else Outcome(problem="the service did not take it")

    def close(self) -> None:
        """Nothing is held."""
