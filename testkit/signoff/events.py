"""What can happen to a request: one frozen value per fact, and its plain JSON form.

An event says what happened, never what follows from it: whether a stage has passed or the words
are cleared is worked out by :func:`testkit.signoff.chain.fold`. Events are written once and never
changed; their order in the log is the order of the request, whatever the clocks say.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from testkit.errors import InputError
from testkit.kernel.clock import from_text, to_text
from testkit.signoff.model import Auth, Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "EVENTS",
    "Checked",
    "Commented",
    "Corrected",
    "Edited",
    "Escalated",
    "Event",
    "Expired",
    "FactsChanged",
    "FactsChecked",
    "Killed",
    "LaneEntered",
    "Overridden",
    "Recalled",
    "Released",
    "Reminded",
    "Reopened",
    "Reviewed",
    "Signed",
    "Submitted",
    "Withdrawn",
    "event_from_dict",
    "event_to_dict",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event carries.

    Attributes:
        at: When, aware and in UTC.
        actor: Who, by id; ``system`` for what no person did.
        via: Through what: ``cli``, ``web``, ``mail`` ...
        auth: How the actor proved who they are.
        revision: The revision it is about.
        digest: Material digest of that revision.
    """

    kind: ClassVar[str] = ""

    at: datetime
    actor: str
    via: str = ""
    auth: Auth = "none"
    revision: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is not UTC and self.at.utcoffset() != timedelta(0):
            raise InputError(
                "an event needs an aware moment in UTC",
                field="at",
                value=self.at,
                hint="convert with .astimezone(UTC) at the edge",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted(Event):
    """Words are put before the chain; again after a return.

    Attributes:
        request: Id of the request.
        chain: Id of the chain.
        chain_version: The version that this request keeps to its end.
        author: Whose words they are; the actor if empty.
        facts: What conditions are asked of; None keeps those of before.
        publish_at: Planned send.
        embargo_until: Not before.
        reopens: The expired request that this one takes up again.
        corrects: The released request that this one corrects.
    """

    kind: ClassVar[str] = "submitted"

    request: str = ""
    chain: str = ""
    chain_version: str = ""
    author: str = ""
    facts: Mapping[str, Any] | None = None
    publish_at: datetime | None = None
    embargo_until: datetime | None = None
    reopens: str = ""
    corrects: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed(Event):
    """An approver's decision on one revision.

    Attributes:
        stage: Of which stage.
        decision: What they said.
        principal: In whose seat; the actor if empty.
        path: From principal to actor when delegated, both ends included.
        groups: Groups of the stage that this seat belongs to, as the roster was at that moment.
        roles: The principal's roles at that moment, sorted: the yes keeps what it was given as.
        note: Comment, nits, or what to change.
    """

    kind: ClassVar[str] = "signed"

    stage: str
    decision: Decision
    principal: str = ""
    path: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    note: str = ""

    @property
    def seat(self) -> str:
        """Whose seat it is."""
        return self.principal or self.actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited(Event):
    """A new revision; material exactly when its digest differs from the one before.

    Attributes:
        changed: Names of the fields that differ, for people to read.
        suggested_by: Whose suggestions the actor took over.
        facts: New facts; None keeps those of before.
        rescheduled: The two moments below replace those of before (None removes one).
        publish_at: Planned send.
        embargo_until: Not before.
    """

    kind: ClassVar[str] = "edited"

    changed: tuple[str, ...] = ()
    suggested_by: tuple[str, ...] = ()
    facts: Mapping[str, Any] | None = None
    rescheduled: bool = False
    publish_at: datetime | None = None
    embargo_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Event):
    """Automatic checks of one stage ran on one digest."""

    kind: ClassVar[str] = "checked"

    stage: str
    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded(Event):
    """A reminder went to the outbox; ``level`` says which of the stage's two."""

    kind: ClassVar[str] = "reminded"

    stage: str
    level: Literal["remind", "due"] = "remind"
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated(Event):
    """From now on ``to`` (roles or people) may sign the stage as well."""

    kind: ClassVar[str] = "escalated"

    stage: str
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired(Event):
    """Time ran out; ``stage`` is empty when it was the whole request's."""

    kind: ClassVar[str] = "expired"

    stage: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneEntered(Event):
    """The words are a pre-cleared template with new slots."""

    kind: ClassVar[str] = "lane_entered"

    template: str
    template_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden(Event):
    """Emergency: one person clears these words, and a second person must look afterwards."""

    kind: ClassVar[str] = "overridden"

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed(Event):
    """The look afterwards.

    Attributes:
        of: Which debts it settles: ``override``, ``lane``, ``own``.
        outcome: Whether the reviewer would have agreed.
        note: What they say.
    """

    kind: ClassVar[str] = "reviewed"

    of: tuple[str, ...]
    outcome: Literal["accepted", "objected"] = "accepted"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Event):
    """The words went to a channel."""

    kind: ClassVar[str] = "released"

    release: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn(Event):
    """The author takes the request back."""

    kind: ClassVar[str] = "withdrawn"

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed(Event):
    """Nothing of it goes out any more; what is out stays out."""

    kind: ClassVar[str] = "killed"

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled(Event):
    """What went out is taken back in public."""

    kind: ClassVar[str] = "recalled"

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected(Event):
    """Another released request supersedes this one."""

    kind: ClassVar[str] = "corrected"

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(Event):
    """A new request takes an expired or withdrawn one up again; this one stays as it is."""

    kind: ClassVar[str] = "reopened"

    as_request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsChanged(Event):
    """The story behind the words was materially revised."""

    kind: ClassVar[str] = "facts_changed"

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsChecked(Event):
    """Somebody looked at the new facts: the words still hold."""

    kind: ClassVar[str] = "facts_checked"

    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commented(Event):
    """Somebody remarked on the words; it decides nothing and holds nothing up.

    Attributes:
        note: What they say.
        part: Which text it is about (``email/a/body``); empty for the whole.
        quote: The words in that text that it is about; empty for all of it.
        suggests: Whether ``replacement`` is offered for the quote.
        replacement: The words offered; empty to leave the quote out.
    """

    kind: ClassVar[str] = "commented"

    note: str = ""
    part: str = ""
    quote: str = ""
    suggests: bool = False
    replacement: str = ""


EVENTS: Final[Mapping[str, type[Event]]] = {
    kind.kind: kind
    for kind in (
        Submitted,
        Signed,
        Edited,
        Checked,
        Reminded,
        Escalated,
        Expired,
        LaneEntered,
        Overridden,
        Reviewed,
        Released,
        Withdrawn,
        Killed,
        Recalled,
        Corrected,
        Reopened,
        FactsChanged,
        FactsChecked,
        Commented,
    )
}
"""Every kind of event by its name in the log."""


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return to_text(value)
        case tuple() | list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case Decision():
            return value.value
    return value


def event_to_dict(event: Event) -> dict[str, Any]:
    """The event as a plain JSON mapping; fields at their default are left out.

    Examples:
        >>> from datetime import UTC, datetime
        >>> event_to_dict(Killed(at=datetime(2026, 11, 3, tzinfo=UTC), actor="ana", reason="hoax"))
        {'kind': 'killed', 'at': '2026-11-03T00:00:00.000000Z', 'actor': 'ana', 'reason': 'hoax'}
    """
    out: dict[str, Any] = {"kind": event.kind}
    for item in fields(event):
        value = getattr(event, item.name)
        if item.default is MISSING or value != item.default:
            out[item.name] = _plain(value)
    return out


def event_from_dict(value: Mapping[str, Any]) -> Event:
    """The event that :func:`event_to_dict` wrote.

    Raises:
        InputError: The kind or a field is unknown, a field is missing, or a value has the wrong
            form: the log was written by a newer version, or by nobody of us.
    """
    given = dict(value)
    kind = given.pop("kind", None)
    cls = EVENTS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise InputError(
            f"no event is of kind {kind!r}",
            field="kind",
            value=kind,
            hint="this log may come from a newer version",
        )
    known = {item.name: item for item in fields(cls)}
    unknown = sorted(set(given) - set(known))
    missing = [
        name for name, item in known.items() if item.default is MISSING and name not in given
    ]
    if unknown or missing:
        wrong = unknown[0] if unknown else missing[0]
        what = "has an unknown field" if unknown else "lacks the field"
        raise InputError(f"event {kind!r} {what} {wrong!r}", field=wrong, value=given.get(wrong))
    try:
        return cls(**{name: _typed(str(known[name].type), v) for name, v in given.items()})
    except (TypeError, ValueError, AttributeError) as cause:
        if isinstance(cause, InputError):
            raise
        raise InputError(f"event {kind!r} cannot be read: {cause}", field="event") from cause


def _typed(annotation: str, value: Any) -> Any:
    if value is None and "None" in annotation:
        return None
    if annotation.startswith("datetime"):
        return from_text(value)
    if annotation.startswith("tuple"):
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise ValueError(f"{value!r} is not a list of texts")
        return tuple(value)
    if annotation == "Decision":
        return Decision(value)
    if annotation == "bool" and not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    if annotation == "str" and not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    return dict(value) if annotation.startswith("Mapping") else value
