"""What is known of a request after its events: values only, worked out by the fold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from testkit.signoff.table import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from testkit.signoff.events import Event, LaneEntered, Overridden, Released, Signed
    from testkit.signoff.model import ChainDef, Decision, ReviewRule
    from testkit.signoff.table import Trigger

__all__ = ["GroupStatus", "RequestState", "ReviewDebt", "SignOff", "StageStatus", "Standing"]

Standing: TypeAlias = Literal["counts", "stands", "outdated", "barred", "superseded", "gone"]


@dataclass(frozen=True, slots=True)
class SignOff:
    """One decision in the record, and whether it still matters.

    Attributes:
        said: The event: who, when, of which stage, on which words.
        standing: ``counts`` (a yes towards the quorum), ``stands`` (a return or block in force),
            ``outdated`` (other words, or a shorter way, since), ``barred`` (the author's, an
            editor's or a too weakly proved yes), ``superseded`` (the same seat said something
            later), ``gone`` (taken back, answered by a new submission, or lifted).
    """

    said: Signed
    standing: Standing

    @property
    def actor(self) -> str:
        """Who decided."""
        return self.said.actor

    @property
    def principal(self) -> str:
        """In whose seat."""
        return self.said.seat

    @property
    def stage(self) -> str:
        """Of which stage."""
        return self.said.stage

    @property
    def groups(self) -> tuple[str, ...]:
        """For which groups of the stage."""
        return self.said.groups

    @property
    def decision(self) -> Decision:
        """What was said."""
        return self.said.decision

    @property
    def at(self) -> datetime:
        """When."""
        return self.said.at

    @property
    def revision(self) -> str:
        """On which revision."""
        return self.said.revision

    @property
    def digest(self) -> str:
        """On which words."""
        return self.said.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStatus:
    """One group now: how many it needs, and the sign-offs that count."""

    id: str
    need: int
    by: tuple[SignOff, ...] = ()

    @property
    def have(self) -> int:
        """How many count."""
        return len(self.by)

    @property
    def full(self) -> bool:
        """Whether the quorum is reached."""
        return self.have >= self.need


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """One stage now.

    Attributes:
        id: Of the chain's stage.
        status: ``skipped`` (its condition is false), ``passed``, ``waiting`` (its turn), ``later``.
        groups: The groups that apply.
        checks_missing: Automatic checks that have not passed on these words.
        checks_failed: Those among them that ran and failed.
        passed_at: When it passed, for as long as it does.
    """

    id: str
    status: Literal["skipped", "passed", "waiting", "later"]
    groups: tuple[GroupStatus, ...] = ()
    checks_missing: tuple[str, ...] = ()
    checks_failed: tuple[str, ...] = ()
    passed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDebt:
    """A look that somebody else owes.

    Attributes:
        of: ``override``, ``lane`` or ``own`` (released on the author's or an editor's sign-off).
        rule: Who may settle it, by when.
        since: From when it is owed.
        due_at: Until when.
        hands: Whose own doing it reviews; they may not settle it (but see ``self_after``).
        done_at: When it was settled.
        done_by: By whom.
        outcome: ``accepted`` or ``objected``; empty while owed.
    """

    of: Literal["override", "lane", "own"]
    rule: ReviewRule
    since: datetime
    due_at: datetime
    hands: tuple[str, ...]
    done_at: datetime | None = None
    done_by: str = ""
    outcome: str = ""

    def status(self, now: datetime) -> Literal["done", "due", "overdue"]:
        """Settled, owed, or owed for too long (red on the scorecard)."""
        if self.done_at is not None:
            return "done"
        return "overdue" if now >= self.due_at else "due"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestState:
    """Everything that follows from the events so far.

    Attributes:
        chain: The pinned chain.
        request: Id of the request; empty before submission.
        state: Where it is.
        verdict: Why, when the sign-offs decided it: the last verdict.
        author: Whose words they are.
        owners: The author, and who submitted in the author's name.
        hands: The owners and everybody who changed material words.
        barred: Whose yes does not count under the chain's options.
        revision: Current revision.
        digest: Current material digest.
        revisions: Digest of every revision so far.
        facts: Current facts.
        publish_at: Planned send.
        embargo_until: Not before.
        signoffs: Every decision ever made, in order, with its standing.
        stages: Every stage, in order.
        waiting: Id of the stage whose turn it is; empty when none waits.
        opened_at: Since when that stage waits on these words; None unless in review.
        reminded: Reminders sent since then.
        escalated: Stage id to those who may sign it as well.
        escalated_at: Stage id to the last escalation.
        submitted_at: First submission.
        cleared_at: Since when it is cleared or held; None otherwise.
        cleared_by: ``chain``, ``override`` or ``lane``; empty unless cleared or released.
        override: The override that covers the current words, or None.
        lane: The entry into the fast lane that covers them, or None.
        facts_changed_at: The story changed and nobody looked yet.
        released: The release.
        ended_by: The event that ended the request (expired, withdrawn, killed, recalled ...).
        reopened_as: The request that took it up again.
        debts: Looks owed and settled.
        last_at: Latest moment among the events.
        count: How many events there were.
    """

    chain: ChainDef
    request: str = ""
    state: State = State.DRAFTED
    verdict: Trigger | None = None
    author: str = ""
    owners: frozenset[str] = frozenset()
    hands: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    revision: str = ""
    digest: str = ""
    revisions: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    publish_at: datetime | None = None
    embargo_until: datetime | None = None
    signoffs: tuple[SignOff, ...] = ()
    stages: tuple[StageStatus, ...] = ()
    waiting: str = ""
    opened_at: datetime | None = None
    reminded: frozenset[str] = frozenset()
    escalated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    escalated_at: Mapping[str, datetime] = field(default_factory=dict)
    submitted_at: datetime | None = None
    cleared_at: datetime | None = None
    cleared_by: Literal["", "chain", "override", "lane"] = ""
    override: Overridden | None = None
    lane: LaneEntered | None = None
    facts_changed_at: datetime | None = None
    released: Released | None = None
    ended_by: Event | None = None
    reopened_as: str = ""
    debts: tuple[ReviewDebt, ...] = ()
    last_at: datetime | None = None
    count: int = 0

    @property
    def release_at(self) -> datetime | None:
        """The later of planned send and embargo; None when neither is set."""
        moments = [m for m in (self.publish_at, self.embargo_until) if m is not None]
        return max(moments, default=None)

    def stage(self, stage_id: str) -> StageStatus | None:
        """The stage of that id, or None."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)

    def standing(self, *kinds: Standing) -> tuple[SignOff, ...]:
        """The sign-offs of those standings, in order."""
        return tuple(s for s in self.signoffs if s.standing in kinds)
