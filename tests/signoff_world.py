"""A small office for the sign-off tests: people, two chains, and a request that moves in time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from testkit.signoff import events as ev
from testkit.signoff.admission import admissible, decide
from testkit.signoff.chain import fold
from testkit.signoff.conditions import AnyOf, Compare
from testkit.signoff.model import (
    SYSTEM,
    Absence,
    ChainDef,
    Decision,
    Delegation,
    GroupDef,
    Member,
    OverrideRule,
    ReviewRule,
    RosterView,
    Sla,
    StageDef,
    material_digest,
)
from testkit.signoff.sla import actions_due

if TYPE_CHECKING:
    from testkit.signoff.refusal import Refusal
    from testkit.signoff.sla import WorkingCalendar
    from testkit.signoff.state import RequestState

T0 = datetime(2026, 11, 3, 14, 0, tzinfo=UTC)
MATERIAL = ("subject", "body", "spend")
WORDS: dict[str, Any] = {"subject": "Vote today", "body": "Call now.", "spend": 0, "send": "9:00"}
LOW = {"risk": "low", "spend_cents": 0, "names_candidate": False}
HIGH = {"risk": "high", "spend_cents": 0, "names_candidate": False}


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


OFFICE = RosterView(
    members=(
        Member(id="ana", name="Ana", roles=frozenset({"writer"})),
        Member(id="ben", name="Ben", roles=frozenset({"comms_lead"})),
        Member(id="cho", name="Cho", roles=frozenset({"comms_lead", "writer"})),
        Member(id="dee", name="Dee", roles=frozenset({"ed"})),
        Member(id="eli", name="Eli", roles=frozenset({"deputy_ed", "digital_director"})),
        Member(id="fay", name="Fay", roles=frozenset({"policy"})),
        Member(id="gus", name="Gus", roles=frozenset({"legal", "policy"})),
        Member(id="hal", name="Hal", roles=frozenset({"writer"})),
    ),
    version="7",
)

TWO_STAGES = ChainDef(
    id="rapid-response",
    version="v1",
    material=MATERIAL,
    stages=(
        StageDef(
            id="comms",
            groups=(GroupDef(id="comms_lead", need=1, roles=("comms_lead",)),),
            sla=Sla(
                remind=minutes(30),
                due=hours(2),
                escalate_to=("digital_director",),
                expire=hours(6),
            ),
        ),
        StageDef(
            id="exec",
            groups=(GroupDef(id="ed", need=1, roles=("ed", "deputy_ed")),),
            when=AnyOf(
                (
                    Compare(fact="risk", op="eq", value="high"),
                    Compare(fact="spend_cents", op="gt", value=500_000),
                )
            ),
        ),
    ),
    override=OverrideRule(roles=("digital_director",), review=ReviewRule(roles=("ed",))),
    expire=hours(12),
)

TWO_OF_THREE = replace(
    TWO_STAGES,
    id="expert",
    stages=(
        StageDef(
            id="expert",
            groups=(
                GroupDef(id="policy", need=2, roles=("policy", "comms_lead")),
                GroupDef(id="legal", need=1, roles=("legal",)),
            ),
        ),
    ),
)


def words(**changes: Any) -> dict[str, Any]:
    return {**WORDS, **changes}


def digest_of(fields: dict[str, Any]) -> str:
    return material_digest(fields, MATERIAL)


@dataclass
class Desk:
    """One request under one chain: every step asks ``admissible`` before it is recorded."""

    chain: ChainDef = TWO_STAGES
    roster: RosterView = OFFICE
    now: datetime = T0
    calendar: WorkingCalendar | None = None
    events: list[ev.Event] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=lambda: dict(WORDS))
    count: int = 0

    @property
    def state(self) -> RequestState:
        return fold(self.chain, self.events)

    def refusal(self, event: ev.Event) -> Refusal | None:
        return admissible(self.state, event, self.roster, self.now, calendar=self.calendar)

    def add(self, event: ev.Event) -> RequestState:
        refusal = self.refusal(event)
        if refusal is not None:
            raise refusal.error()
        self.events.append(event)
        return self.state

    def later(self, delta: timedelta) -> Desk:
        self.now += delta
        return self

    def submit(self, person: str = "ana", **more: Any) -> RequestState:
        first = not self.events
        if first:
            self.count += 1
            more = {
                "request": "rq_1",
                "chain": self.chain.id,
                "chain_version": self.chain.version,
                "facts": LOW,
                **more,
            }
        return self.add(
            ev.Submitted(
                at=self.now,
                actor=person,
                revision=f"r{self.count}",
                digest=digest_of(self.fields),
                **more,
            )
        )

    def edit(self, person: str = "ana", *, more: dict[str, Any] | None = None, **changes: Any):
        changed = tuple(k for k, v in changes.items() if self.fields.get(k) != v)
        fields = {**self.fields, **changes}
        event = ev.Edited(
            at=self.now,
            actor=person,
            revision=f"r{self.count + 1}",
            digest=digest_of(fields),
            changed=changed,
            **(more or {}),
        )
        state = self.add(event)
        self.fields, self.count = fields, self.count + 1
        return state

    def say(self, person: str, decision: Decision | str, **more: Any) -> RequestState:
        event = decide(
            self.state,
            person,
            Decision(decision),
            self.roster,
            self.now,
            calendar=self.calendar,
            **more,
        )
        self.events.append(event)
        return self.state

    def approve(self, person: str, **more: Any) -> RequestState:
        return self.say(person, Decision.APPROVE, **more)

    def here(self, kind: type[ev.Event], person: str, **more: Any) -> RequestState:
        """Any other event on the current words."""
        state = self.state
        return self.add(
            kind(at=self.now, actor=person, revision=state.revision, digest=state.digest, **more)
        )

    def release(self, person: str = "ana") -> RequestState:
        return self.here(ev.Released, person, release="rel_1")

    def override(self, person: str = "eli", reason: str = "vote in ten minutes") -> RequestState:
        return self.here(ev.Overridden, person, reason=reason)

    def tick(self) -> list[str]:
        """Record what the clock asks for; the kinds, in order."""
        state = self.state
        actions = actions_due(state, self.now, self.calendar)
        for action in actions:
            self.add(action.event(state, self.now))
        return [action.kind for action in actions]


def delegation(principal: str, delegate: str, **more: Any) -> Delegation:
    more = {"starts": T0 - hours(1), "ends": T0 + hours(100), **more}
    return Delegation(principal=principal, delegate=delegate, **more)


def with_delegations(*delegations: Delegation, roster: RosterView = OFFICE) -> RosterView:
    return replace(roster, delegations=delegations)


def away(person: str, *, roster: RosterView = OFFICE) -> RosterView:
    gone = Absence(person=person, starts=T0 - hours(1), ends=T0 + hours(100))
    return replace(roster, absences=(*roster.absences, gone))


__all__ = [
    "HIGH",
    "LOW",
    "MATERIAL",
    "OFFICE",
    "SYSTEM",
    "T0",
    "TWO_OF_THREE",
    "TWO_STAGES",
    "WORDS",
    "Desk",
    "away",
    "delegation",
    "digest_of",
    "hours",
    "minutes",
    "with_delegations",
    "words",
]
