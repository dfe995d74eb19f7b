"""The answer "no", and the question that it answers.

Every refusal says what, who, when and what to do instead, in one form for every door.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.errors import InputError, KitError, NotAuthorisedError, StaleRevisionError, StateError
from testkit.kernel.clock import shown
from testkit.signoff.model import SYSTEM
from testkit.signoff.table import State, allowed

if TYPE_CHECKING:
    from datetime import datetime

    from testkit.signoff.charter import Charter
    from testkit.signoff.model import ChainDef, RosterView
    from testkit.signoff.sla import WorkingCalendar
    from testkit.signoff.state import RequestState

__all__ = ["Code", "Question", "Refusal"]

Code = Literal[
    "already_decided",
    "charter",
    "clock",
    "condition",
    "expired",
    "input",
    "not_due",
    "own_words",
    "stage_order",
    "stale",
    "state",
    "too_late",
    "too_early",
    "unauthorised",
    "weak_auth",
]

_ERRORS: Final[dict[str, type[KitError]]] = {
    "charter": NotAuthorisedError,
    "input": InputError,
    "own_words": NotAuthorisedError,
    "unauthorised": NotAuthorisedError,
    "weak_auth": NotAuthorisedError,
    "stale": StaleRevisionError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an event may not be added.

    Attributes:
        code: The reason, for programs.
        message: The reason, for people: what, who, when.
        hint: What to do instead.
        by: Who was first, when that is the reason.
        at: When they were.
        repeat: The same person has already said exactly this of these words: a door that gets
            the same click twice may answer as it did the first time.
        current: The state, or for ``stale`` the revision that is current.
        revision: The revision that the event named.
    """

    code: Code
    message: str
    hint: str = ""
    by: str = ""
    at: datetime | None = None
    repeat: bool = False
    current: str = ""
    revision: str = ""

    def error(self) -> KitError:
        """The refusal as the narrowest error, to raise."""
        kind = _ERRORS.get(self.code, StateError)
        if kind is StaleRevisionError:
            return StaleRevisionError(
                self.message, revision=self.revision, current=self.current, hint=self.hint
            )
        if kind is StateError:
            state = State(self.current) if self.current in set(State) else None
            options = [t.value for t in allowed(state)] if state else []
            return StateError(self.message, current=self.current, allowed=options, hint=self.hint)
        if kind is InputError:
            return InputError(self.message, hint=self.hint)
        return kind(self.message, hint=self.hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What may be added to one request at one moment.

    Attributes:
        state: The request as folded from everything recorded so far.
        roster: The people as of now.
        now: The moment, aware and in UTC.
        calendar: The organisation's working hours.
        zone_name: IANA zone in which moments are named.
        charter: What the executive has signed; None in practice mode.
    """

    state: RequestState
    roster: RosterView
    now: datetime
    calendar: WorkingCalendar | None = None
    zone_name: str = "UTC"
    charter: Charter | None = None

    @property
    def chain(self) -> ChainDef:
        """The pinned chain."""
        return self.state.chain

    def when(self, moment: datetime | None) -> str:
        """A moment for people."""
        return shown(moment, zone_name=self.zone_name) if moment else "an unknown time"

    def who(self, person: str) -> str:
        """A person for people."""
        return "the clock" if person == SYSTEM else self.roster.name(person)

    def no(self, code: Code, message: str, hint: str = "", **more: Any) -> Refusal:
        """A refusal; ``more`` are further fields of :class:`Refusal`."""
        more.setdefault("current", self.state.state.value)
        return Refusal(code=code, message=message, hint=hint, **more)
