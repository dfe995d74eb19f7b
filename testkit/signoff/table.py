"""The transition table of a request, the only place that says what may follow what.

Theory of operation. Each event is a :class:`Trigger`, and :data:`TRANSITIONS` says which triggers a
state accepts. Most lead to ``WEIGHING``, where the record of sign-offs decides and one of six
verdicts leads on: that is the only way into ``CLEARED``, so no event clears words by itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from testkit.signoff.events import EVENTS, Event, Signed
from testkit.signoff.model import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TRANSITIONS", "UNDER_REVIEW", "State", "Trigger", "allowed", "diagram", "trigger_of"]


class State(StrEnum):
    """Where a request is. ``WEIGHING`` is passed through within one event and never rested in."""

    DRAFTED = "drafted"
    WEIGHING = "weighing"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    BLOCKED = "blocked"
    HELD = "held"
    CLEARED = "cleared"
    RELEASED = "released"
    CORRECTED = "corrected"
    RECALLED = "recalled"
    KILLED = "killed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Trigger(StrEnum):
    """What moves a request: the events, a sign-off by what it says, and the six verdicts."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"
    BLOCKED = "blocked"
    RETRACTED = "retracted"
    EDITED = "edited"
    CHECKED = "checked"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    EXPIRED = "expired"
    LANE_ENTERED = "lane_entered"
    OVERRIDDEN = "overridden"
    REVIEWED = "reviewed"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    KILLED = "killed"
    RECALLED = "recalled"
    CORRECTED = "corrected"
    REOPENED = "reopened"
    FACTS_CHANGED = "facts_changed"
    FACTS_CHECKED = "facts_checked"
    COMMENTED = "commented"
    RETURN_STANDS = "return_stands"
    BLOCK_STANDS = "block_stands"
    NO_STAGE_APPLIES = "no_stage_applies"
    STAGE_WAITS = "stage_waits"
    FACTS_UNSEEN = "facts_unseen"
    ALL_SIGNED = "all_signed"


_TABLE: Final[Mapping[State, Mapping[Trigger, State]]] = {
    State.DRAFTED: {
        Trigger.SUBMITTED: State.WEIGHING,
    },
    State.IN_REVIEW: {
        Trigger.APPROVED: State.WEIGHING,
        Trigger.RETURNED: State.WEIGHING,
        Trigger.BLOCKED: State.WEIGHING,
        Trigger.RETRACTED: State.WEIGHING,
        Trigger.EDITED: State.WEIGHING,
        Trigger.CHECKED: State.WEIGHING,
        Trigger.FACTS_CHANGED: State.WEIGHING,
        Trigger.FACTS_CHECKED: State.WEIGHING,
        Trigger.LANE_ENTERED: State.WEIGHING,
        Trigger.OVERRIDDEN: State.WEIGHING,
        Trigger.REMINDED: State.IN_REVIEW,
        Trigger.ESCALATED: State.IN_REVIEW,
        Trigger.REVIEWED: State.IN_REVIEW,
        Trigger.COMMENTED: State.IN_REVIEW,
        Trigger.EXPIRED: State.EXPIRED,
        Trigger.WITHDRAWN: State.WITHDRAWN,
        Trigger.KILLED: State.KILLED,
    },
    State.RETURNED: {
        Trigger.SUBMITTED: State.WEIGHING,
        Trigger.APPROVED: State.WEIGHING,
        Trigger.RETURNED: State.WEIGHING,
        Trigger.BLOCKED: State.WEIGHING,
        Trigger.RETRACTED: State.WEIGHING,
        Trigger.EDITED: State.WEIGHING,
        Trigger.CHECKED: State.WEIGHING,
        Trigger.FACTS_CHANGED: State.WEIGHING,
        Trigger.FACTS_CHECKED: State.WEIGHING,
        Trigger.REVIEWED: State.RETURNED,
        Trigger.COMMENTED: State.RETURNED,
        Trigger.EXPIRED: State.EXPIRED,
        Trigger.WITHDRAWN: State.WITHDRAWN,
        Trigger.KILLED: State.KILLED,
    },
    State.BLOCKED: {
        Trigger.APPROVED: State.WEIGHING,
        Trigger.RETURNED: State.WEIGHING,
        Trigger.BLOCKED: State.WEIGHING,
        Trigger.RETRACTED: State.WEIGHING,
        Trigger.EDITED: State.WEIGHING,
        Trigger.CHECKED: State.WEIGHING,
        Trigger.FACTS_CHANGED: State.WEIGHING,
        Trigger.FACTS_CHECKED: State.WEIGHING,
        Trigger.OVERRIDDEN: State.WEIGHING,
        Trigger.REVIEWED: State.BLOCKED,
        Trigger.COMMENTED: State.BLOCKED,
        Trigger.EXPIRED: State.EXPIRED,
        Trigger.WITHDRAWN: State.WITHDRAWN,
        Trigger.KILLED: State.KILLED,
    },
    State.HELD: {
        Trigger.RETURNED: State.WEIGHING,
        Trigger.BLOCKED: State.WEIGHING,
        Trigger.RETRACTED: State.WEIGHING,
        Trigger.EDITED: State.WEIGHING,
        Trigger.CHECKED: State.WEIGHING,
        Trigger.FACTS_CHANGED: State.WEIGHING,
        Trigger.FACTS_CHECKED: State.WEIGHING,
        Trigger.OVERRIDDEN: State.WEIGHING,
        Trigger.REVIEWED: State.HELD,
        Trigger.COMMENTED: State.HELD,
        Trigger.EXPIRED: State.EXPIRED,
        Trigger.WITHDRAWN: State.WITHDRAWN,
        Trigger.KILLED: State.KILLED,
    },
    State.CLEARED: {
        Trigger.RETURNED: State.WEIGHING,
        Trigger.BLOCKED: State.WEIGHING,
        Trigger.RETRACTED: State.WEIGHING,
        Trigger.EDITED: State.WEIGHING,
        Trigger.CHECKED: State.WEIGHING,
        Trigger.FACTS_CHANGED: State.WEIGHING,
        Trigger.REVIEWED: State.CLEARED,
        Trigger.COMMENTED: State.CLEARED,
        Trigger.RELEASED: State.RELEASED,
        Trigger.EXPIRED: State.EXPIRED,
        Trigger.WITHDRAWN: State.WITHDRAWN,
        Trigger.KILLED: State.KILLED,
    },
    State.WEIGHING: {
        Trigger.RETURN_STANDS: State.RETURNED,
        Trigger.BLOCK_STANDS: State.BLOCKED,
        Trigger.NO_STAGE_APPLIES: State.BLOCKED,
        Trigger.STAGE_WAITS: State.IN_REVIEW,
        Trigger.FACTS_UNSEEN: State.HELD,
        Trigger.ALL_SIGNED: State.CLEARED,
    },
    State.RELEASED: {
        Trigger.REVIEWED: State.RELEASED,
        Trigger.COMMENTED: State.RELEASED,
        Trigger.FACTS_CHANGED: State.RELEASED,
        Trigger.FACTS_CHECKED: State.RELEASED,
        Trigger.CORRECTED: State.CORRECTED,
        Trigger.RECALLED: State.RECALLED,
        Trigger.KILLED: State.KILLED,
    },
    State.CORRECTED: {
        Trigger.REVIEWED: State.CORRECTED,
        Trigger.RECALLED: State.RECALLED,
        Trigger.KILLED: State.KILLED,
    },
    State.KILLED: {
        Trigger.REVIEWED: State.KILLED,
        Trigger.RECALLED: State.RECALLED,
    },
    State.RECALLED: {
        Trigger.REVIEWED: State.RECALLED,
    },
    State.EXPIRED: {
        Trigger.REVIEWED: State.EXPIRED,
        Trigger.REOPENED: State.EXPIRED,
    },
    State.WITHDRAWN: {
        Trigger.REVIEWED: State.WITHDRAWN,
        Trigger.REOPENED: State.WITHDRAWN,
    },
}

TRANSITIONS: Final[Mapping[tuple[State, Trigger], State]] = {
    (state, trigger): target for state, row in _TABLE.items() for trigger, target in row.items()
}
"""The whole life of a request: a pair that is not here cannot happen."""

UNDER_REVIEW: Final = frozenset(
    {State.IN_REVIEW, State.RETURNED, State.BLOCKED, State.HELD, State.CLEARED}
)
"""States between the first submission and the end."""

_SAID: Final[Mapping[Decision, Trigger]] = {
    Decision.APPROVE: Trigger.APPROVED,
    Decision.APPROVE_WITH_NITS: Trigger.APPROVED,
    Decision.RETURN: Trigger.RETURNED,
    Decision.BLOCK: Trigger.BLOCKED,
    Decision.WITHDRAW: Trigger.RETRACTED,
}


_KINDS: Final[Mapping[str, Trigger]] = {
    kind: Trigger(kind) for kind in EVENTS if kind != Signed.kind
}


def trigger_of(event: Event) -> Trigger:
    """The trigger that an event is."""
    return _SAID[event.decision] if isinstance(event, Signed) else _KINDS[event.kind]


def allowed(state: State) -> tuple[Trigger, ...]:
    """What a state accepts, in the order of the table."""
    return tuple(_TABLE[state])


def diagram() -> str:
    """The transition table as a Mermaid state diagram; ``docs/signoff/chain.md`` shows this text.

    Triggers between the same two states share an arrow, and triggers that change nothing are
    left out: the table below the diagram in the document lists them.
    """
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, trigger), target in TRANSITIONS.items():
        if state is not target:
            arrows.setdefault((state, target), []).append(trigger.value)
    lines = ["stateDiagram-v2", "    state weighing <<choice>>", "    [*] --> drafted"]
    for (state, target), triggers in arrows.items():
        lines.append(f"    {state.value} --> {target.value}: {', '.join(triggers)}")
    return "\n".join(lines)
