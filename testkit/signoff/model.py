"""What a chain is: stages, groups, promises, ways around, and who is here to sign.

Only frozen values live here, each without behaviour beyond looking itself up. A chain is parsed
once (:mod:`testkit.signoff.parse`) and trusted afterwards; nothing in this room reads a file, a
clock or a random number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.kernel.digest import digest
from testkit.kernel.people import Absence, Delegation
from testkit.signoff.conditions import LEVELS, Condition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from testkit.kernel import people

__all__ = [
    "SYSTEM",
    "Absence",
    "Auth",
    "ChainDef",
    "Decision",
    "Delegation",
    "FastLane",
    "GroupDef",
    "Member",
    "Options",
    "OverrideRule",
    "ReviewRule",
    "RosterView",
    "Sla",
    "StageDef",
    "StopRule",
    "auth_rank",
    "material_digest",
]

SYSTEM: Final = "system"
"""Actor of events that no person causes: automatic checks, reminders, escalation, expiry."""

Auth = Literal["none", "os-login", "link", "session"]
"""How a person proved who they are, weakest first (ARCHITECTURE decision 5)."""

_AUTH_RANK: Final[dict[str, int]] = {"none": 0, "os-login": 1, "link": 2, "session": 3}


def auth_rank(auth: str) -> int:
    """Strength of a proof of identity, 0 (none) to 3 (session); unknown names count as none."""
    return _AUTH_RANK.get(auth, 0)


def material_digest(fields: Mapping[str, Any], material: Sequence[str]) -> str:
    """Digest of the words that a sign-off names.

    Args:
        fields: Every field of a revision by name, as JSON values.
        material: Names of the fields that a sign-off is about (the chain's ``material``). A field
            that the revision does not have counts as null, so adding it later changes the digest.

    Returns:
        SHA-256 over canonical JSON, 64 hex digits.

    Raises:
        InputError: A material field has no JSON form.

    Examples:
        >>> words = {"body": "Call now", "schedule": "09:00"}
        >>> later = {**words, "schedule": "10:00"}
        >>> material_digest(words, ["body"]) == material_digest(later, ["body"])
        True
    """
    return digest({"material": {name: fields.get(name) for name in material}})


class Decision(StrEnum):
    """What an approver can say about one revision."""

    APPROVE = "approve"
    APPROVE_WITH_NITS = "approve_with_nits"
    RETURN = "return"
    BLOCK = "block"
    WITHDRAW = "withdraw"

    @property
    def approves(self) -> bool:
        """Whether it is a yes."""
        return self in (Decision.APPROVE, Decision.APPROVE_WITH_NITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDef:
    """``need`` different people out of the holders of some roles.

    Attributes:
        id: Name inside the stage; made from the roles when the file gives none.
        need: How many must approve, at least 1.
        roles: Any of these roles may sign.
        people: And these people, by id.
        when: The group is asked unless this is certainly false.
    """

    id: str
    need: int = 1
    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    when: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sla:
    """What a stage promises, counted from the moment at which it begins to wait.

    Attributes:
        remind: A first reminder.
        due: The promise; passing it is reported and escalates.
        escalate_to: Roles or people who may sign as well after escalation. Never automatic yes.
        escalate_after: When that happens; at ``due`` if not given.
        expire: The request expires if the stage still waits.
        working: Count working hours of the organisation's calendar only.
    """

    remind: timedelta | None = None
    due: timedelta | None = None
    escalate_to: tuple[str, ...] = ()
    escalate_after: timedelta | None = None
    expire: timedelta | None = None
    working: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDef:
    """One step: groups that sign in parallel, or checks that a machine runs.

    Attributes:
        id: Name inside the chain.
        groups: All applicable groups must reach their quorum.
        auto: Names of automatic checks; a stage has either checks or groups.
        when: The stage is asked unless this is certainly false.
        sla: Its promises.
        min_auth: Weakest proof of identity that a sign-off here may rest on.
        distinct: One person fills one seat of the stage only, also across its groups. A file that
            does not say gets it for stages of several groups.
    """

    id: str
    groups: tuple[GroupDef, ...] = ()
    auto: tuple[str, ...] = ()
    when: Condition | None = None
    sla: Sla = field(default_factory=Sla)
    min_auth: Auth = "none"
    distinct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Who counts, and how late.

    Attributes:
        author_may_approve: The author's own sign-off counts (solo chains, with a post-review).
        editor_may_approve: So does that of somebody who changed material words.
        suggester_may_approve: Somebody whose suggestion another person took over still counts.
        repeat_signers: One person may sign several stages.
        different_role: A sign-off counts only in a role that the author does not hold.
        lead_minutes: Approvals close this many minutes before the planned send.
    """

    author_may_approve: bool = False
    editor_may_approve: bool = False
    suggester_may_approve: bool = True
    repeat_signers: bool = True
    different_role: bool = False
    lead_minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRule:
    """A look afterwards by somebody else.

    Attributes:
        roles: Who may do it (roles or people).
        within: How long after the fact it is due.
        self_after: When given, the person whose own yes it was may do the review, but not
            before this much time has passed since then (an office of one).
    """

    roles: tuple[str, ...]
    within: timedelta = timedelta(hours=24)
    self_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRule:
    """Emergency: one person clears the words, with a reason and a review afterwards.

    Attributes:
        roles: Who may (roles or people). The power is personal: it is never delegated.
        review: The second person's look afterwards.
        min_auth: Weakest proof of identity that it may rest on.
    """

    roles: tuple[str, ...]
    review: ReviewRule
    min_auth: Auth = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class FastLane:
    """Words cleared beforehand: a template whose slots alone may differ.

    Attributes:
        templates: Names of the words that may take it (``lanes/NAME.yaml``).
        cleared_by: Roles of which one clears those words; those of the stages that are always
            asked if empty.
        max_risk: Highest ``risk`` fact that may take the lane.
        max_spend_cents: Highest ``spend_cents`` fact, in cents; None means no spend at all.
        valid_until: The lane is closed from this moment on.
        review: The look afterwards.
    """

    templates: tuple[str, ...]
    cleared_by: tuple[str, ...] = ()
    max_risk: str = "low"
    max_spend_cents: int | None = None
    valid_until: datetime | None = None
    review: ReviewRule

    def beyond(
        self, facts: Mapping[str, Any], levels: Mapping[str, tuple[str, ...]]
    ) -> tuple[str, ...]:
        """Why words with these facts are too much for the lane; what is not stated is."""
        problems = []
        order = levels.get("risk", LEVELS["risk"])
        risk, spend = facts.get("risk"), facts.get("spend_cents")
        if risk not in order or order.index(risk) > order.index(self.max_risk):
            problems.append(f"risk is {risk or 'not stated'}, and the lane ends at {self.max_risk}")
        most = self.max_spend_cents or 0
        if isinstance(spend, bool) or not isinstance(spend, int) or spend > most:
            stated = "not stated" if spend is None else spend
            problems.append(f"spend_cents is {stated}, and the lane ends at {most}")
        return tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """Who may kill or recall, beside every approver of the chain and the author.

    Attributes:
        roles: Roles or people.
    """

    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainDef:
    """Ordered stages, and the rules around them.

    Attributes:
        id: Name of the chain.
        version: Which text of it; a request keeps the version that it was submitted under.
        about: What it is for, one sentence.
        material: Fields that a sign-off is about; changing any of them voids it.
        stages: In order.
        options: Who counts.
        expire: A request that is not cleared this long after its first submission expires.
        cleared_for: Cleared words that are not released this long after clearance expire.
        fast_lane: Pre-cleared words, or None.
        override: Emergency, or None.
        post_review: Owed when words go out on the author's or an editor's own sign-off.
        stop: Who may kill or recall.
        levels: Facts whose values have an order, lowest first.
        checklist: Habits that make this model of ownership work; shown, never enforced.
    """

    id: str
    version: str = ""
    about: str = ""
    material: tuple[str, ...] = ()
    stages: tuple[StageDef, ...] = ()
    options: Options = field(default_factory=Options)
    expire: timedelta | None = None
    cleared_for: timedelta | None = None
    fast_lane: FastLane | None = None
    override: OverrideRule | None = None
    post_review: ReviewRule | None = None
    stop: StopRule = field(default_factory=StopRule)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(LEVELS))
    checklist: tuple[str, ...] = ()

    @property
    def lane_clearers(self) -> tuple[str, ...]:
        """Roles of which one must clear the words of the fast lane; none without a lane."""
        if self.fast_lane is None or self.fast_lane.cleared_by:
            return self.fast_lane.cleared_by if self.fast_lane else ()
        groups = [(s.when or g.when, g.roles) for s in self.stages for g in s.groups]
        always = [roles for when, roles in groups if when is None]
        listed = always or [roles for _, roles in groups]
        return tuple(dict.fromkeys(role for roles in listed for role in roles))

    def stage(self, stage_id: str) -> StageDef | None:
        """The stage of that id, or None."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person as the chain sees them.

    Attributes:
        id: Lasting id.
        name: As shown.
        roles: Roles held.
        joined: Not here before this moment.
        left: Not here from this moment on.
    """

    id: str
    name: str = ""
    roles: frozenset[str] = frozenset()
    joined: datetime | None = None
    left: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterView:
    """Everybody who could sign, with stand-ins and absences.

    Attributes:
        members: In the order of the roster.
        delegations: Who stands in for whom, when.
        absences: Who is away, when.
        version: Which roster this is, for the record.
    """

    members: tuple[Member, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    absences: tuple[Absence, ...] = ()
    version: str = ""
    _by_id: dict[str, Member] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_id.update({member.id: member for member in self.members})

    @classmethod
    def of(
        cls,
        roster: people.Roster,
        *,
        delegations: Sequence[Delegation] = (),
        absences: Sequence[Absence] = (),
    ) -> RosterView:
        """The kernel's roster; delegations and absences that people declared come beside it."""
        return cls(
            members=tuple(
                Member(
                    id=person.id,
                    name=person.name,
                    roles=frozenset(person.roles),
                    joined=person.joined,
                    left=person.left,
                )
                for person in roster.people
            ),
            delegations=(*roster.delegations, *delegations),
            absences=(*roster.absences, *absences),
            version=str(roster.version),
        )

    def get(self, person_id: str) -> Member | None:
        """The person of that id, or None; here or gone."""
        return self._by_id.get(person_id)

    def name(self, person_id: str) -> str:
        """How to call somebody in a message: their name, else the id."""
        member = self._by_id.get(person_id)
        return member.name or person_id if member else person_id

    def here(self, person_id: str, now: datetime) -> bool:
        """Whether the person belongs to the organisation at ``now``."""
        member = self._by_id.get(person_id)
        return (
            member is not None
            and (member.joined is None or member.joined <= now)
            and (member.left is None or now < member.left)
        )

    def away(self, person_id: str, now: datetime) -> bool:
        """Whether the person is marked away at ``now``."""
        return any(a.person == person_id and a.active(now) for a in self.absences)

    def holders(self, group: GroupDef, now: datetime) -> tuple[str, ...]:
        """Ids of those who hold a seat of the group at ``now``, in roster order."""
        return tuple(
            m.id
            for m in self.members
            if (m.id in group.people or not m.roles.isdisjoint(group.roles))
            and self.here(m.id, now)
        )

    def holds_any(self, person_id: str, names: Sequence[str], now: datetime) -> bool:
        """Whether the person is one of ``names`` or holds a role among them, and is here."""
        member = self._by_id.get(person_id)
        return (
            member is not None
            and (person_id in names or not member.roles.isdisjoint(names))
            and self.here(person_id, now)
        )
