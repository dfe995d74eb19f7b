"""The fold: what follows from the events of a request.

Theory of operation. A request is an ordered list of events (:mod:`testkit.signoff.events`), its
life is a table (:mod:`testkit.signoff.table`). Events that touch the sign-offs lead to a weighing,
whose verdicts are taken in this order: a return stands, a block stands, the words are cleared by
override or lane, no stage of people applies, a stage waits, the facts changed and nobody looked,
everything is signed.

A sign-off names a material digest, and counts only while the current words have that digest.
Undoing an edit therefore brings its sign-offs back; nothing depends on when an event was
recorded. Whether an event may be added is asked in :mod:`testkit.signoff.admission`; ``fold``
itself trusts the groups that a sign-off carries (the roster of that day is gone) but nothing
else: it recounts quorums, bars the author and editors, and raises on a log that no sequence of
admitted events can give.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from testkit.errors import StateError
from testkit.signoff.conditions import applies
from testkit.signoff.events import (
    Checked,
    Edited,
    Escalated,
    Event,
    FactsChanged,
    FactsChecked,
    LaneEntered,
    Overridden,
    Recalled,
    Released,
    Reminded,
    Reopened,
    Reviewed,
    Signed,
    Submitted,
)
from testkit.signoff.model import Decision, auth_rank
from testkit.signoff.quorum import complete, fill
from testkit.signoff.state import GroupStatus, RequestState, ReviewDebt, SignOff, StageStatus
from testkit.signoff.table import TRANSITIONS, UNDER_REVIEW, State, Trigger, allowed, trigger_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from testkit.signoff.model import ChainDef, GroupDef, ReviewRule, StageDef
    from testkit.signoff.state import Standing

__all__ = ["fold", "unfold"]


def fold(chain: ChainDef, events: Iterable[Event]) -> RequestState:
    """The state of a request after its events.

    Args:
        chain: The version of the chain that the request was submitted under.
        events: In the order of the log.

    Returns:
        The state; ``DRAFTED`` for no events.

    Raises:
        StateError: The log holds something that cannot have happened: a step that the table does
            not have, another chain version than the pinned one, or a release of words that were
            not cleared. Such a log was not written by us.
    """
    course = _Course(chain)
    for event in events:
        course.take(event)
    return course.state()


def unfold(chain: ChainDef, events: Iterable[Event]) -> Iterator[tuple[Event, RequestState]]:
    """Every event with the state that it led to, in the order of the log.

    Raises:
        StateError: As :func:`fold`.
    """
    course = _Course(chain)
    for event in events:
        course.take(event)
        yield event, course.state()


class _Vote:
    """A sign-off while the fold runs: the event, and what became of it."""

    __slots__ = ("digest", "event", "fate", "strong", "void", "yes")

    def __init__(self, event: Signed, *, strong: bool) -> None:
        self.event = event
        self.yes = event.decision.approves
        self.digest = event.digest
        self.fate: Literal["", "superseded", "gone"] = ""
        self.strong = strong  # proved at least as well as its stage asks
        self.void = False  # given when the way was longer than it is now


class _Course:
    """The mutable inside of :func:`fold`; lives for one call."""

    def __init__(self, chain: ChainDef) -> None:
        self.chain = chain
        self.now_in = State.DRAFTED
        self.verdict: Trigger | None = None
        self.request = ""
        self.author = ""
        self.hands: set[str] = set()
        self.barred: frozenset[str] = frozenset()
        self.barred_for = (0, 0, 0)
        self.editors: set[str] = set()
        self.suggesters: set[str] = set()
        self.owners: set[str] = set()
        self.revision = ""
        self.digest = ""
        self.revisions: dict[str, str] = {}
        self.facts: Mapping[str, Any] = {}
        self.publish_at: datetime | None = None
        self.embargo_until: datetime | None = None
        self.votes: list[_Vote] = []
        self.said_of: set[str] = set()  # digests that some sign-off names
        self.strength = {s.id: auth_rank(s.min_auth) for s in chain.stages}
        self.seats: dict[str, dict[str, list[_Vote]]] = {s.id: {} for s in chain.stages}
        self.objections: dict[Decision, set[tuple[str, str]]] = {
            Decision.RETURN: set(),
            Decision.BLOCK: set(),
        }
        self.checks: dict[tuple[str, str], tuple[frozenset[str], frozenset[str]]] = {}
        self.route: dict[str, tuple[GroupDef, ...]] = {}
        self.asked: tuple[StageDef, ...] = ()
        self.people_asked = False
        self.counted: dict[str, dict[str, tuple[_Vote, ...]]] = {}
        self.passed_at: dict[str, datetime] = {}
        self.stale: set[str] = set()
        self.waiting = ""
        self.clock: tuple[str, int] = ("", -1)
        self.epoch = 0
        self.opened_at: datetime | None = None
        self.reminded: set[str] = set()
        self.escalated: dict[str, tuple[str, ...]] = {}
        self.escalated_at: dict[str, datetime] = {}
        self.submitted_at: datetime | None = None
        self.cleared_at: datetime | None = None
        self.cleared_by: Literal["", "chain", "override", "lane"] = ""
        self.overrides: dict[str, Overridden] = {}  # by the digest that each one names
        self.lanes: dict[str, LaneEntered] = {}
        self.facts_changed_at: datetime | None = None
        self.released: Released | None = None
        self.ended_by: Event | None = None
        self.reopened_as = ""
        self.debts: list[ReviewDebt] = []
        self.last_at: datetime | None = None
        self.count = 0

    # -- one event ---------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        trigger = trigger_of(event)
        target = TRANSITIONS.get((self.now_in, trigger))
        if target is None:
            raise self._impossible(f"{trigger.value} while {self.now_in.value}")
        self.count += 1
        if self.last_at is None or event.at > self.last_at:
            self.last_at = event.at
        self._change(event)
        if target is State.WEIGHING:
            self.verdict = self._weigh(event.at)
            target = TRANSITIONS[(State.WEIGHING, self.verdict)]
        if target is not self.now_in:
            self._enter(target, event)
        if target is State.IN_REVIEW and self.clock != (self.waiting, self.epoch):
            self.clock = (self.waiting, self.epoch)
            self.opened_at = event.at
            self.reminded.clear()

    def _change(self, event: Event) -> None:
        match event:
            case Signed():
                self._signed(event)
            case Edited():
                self._edited(event)
            case Submitted():
                self._submitted(event)
            case Checked():
                self.checks[event.stage, event.digest] = (
                    frozenset(event.passed),
                    frozenset(event.failed),
                )
                self.stale.add(event.stage)
            case Reminded():
                self.reminded.add(event.level)
            case Escalated():
                before = self.escalated.get(event.stage, ())
                self.escalated[event.stage] = tuple(dict.fromkeys((*before, *event.to)))
                self.escalated_at[event.stage] = event.at
            case Overridden():
                self._overridden(event)
            case LaneEntered():
                self._lane_entered(event)
            case Reviewed():
                self._reviewed(event)
            case Released():
                self._released(event)
            case Recalled() if self.released is None:
                raise self._impossible("a recall of words that never went out")
            case Reopened():
                if self.reopened_as:
                    raise self._impossible(f"re-opened a second time, after {self.reopened_as}")
                self.reopened_as = event.as_request
            case FactsChanged():
                self.facts_changed_at = event.at
            case FactsChecked():
                self.facts_changed_at = None

    def _enter(self, target: State, event: Event) -> None:
        if target is State.IN_REVIEW or self.now_in is State.IN_REVIEW:
            self.epoch += 1
        if target is not State.IN_REVIEW:
            self.opened_at = None
        ready = (State.CLEARED, State.HELD)
        if target in ready and self.now_in not in ready:
            self.cleared_at = event.at
        elif target in (State.IN_REVIEW, State.RETURNED, State.BLOCKED):
            self.cleared_at, self.cleared_by = None, ""
        if target not in UNDER_REVIEW:
            self.waiting = ""
            self.ended_by = event
        self.now_in = target

    def _impossible(self, what: str) -> StateError:
        return StateError(
            f"event {self.count + 1} of {self.request or 'this request'} cannot have happened:"
            f" {what}",
            current=self.now_in.value,
            allowed=[t.value for t in allowed(self.now_in)],
            hint="the log was not written by this program: run `ledger verify`",
        )

    # -- what each event changes -------------------------------------------------------------

    def _submitted(self, event: Submitted) -> None:
        first = not self.request
        if first:
            if event.chain_version != self.chain.version or event.chain != self.chain.id:
                raise self._impossible(
                    f"submitted under chain {event.chain} {event.chain_version!r}, read with"
                    f" {self.chain.id} {self.chain.version!r}"
                )
            self.request = event.request or "request"
            self.author = event.author or event.actor
            # Naming somebody else as author must not free the one who submits.
            self.owners = {self.author, event.actor}
            self.submitted_at = event.at
            self.publish_at = event.publish_at
            self.embargo_until = event.embargo_until
        self._new_words(event, event.facts, edited=not first)
        for key in self.objections[Decision.RETURN]:
            for vote in self.seats[key[0]][key[1]]:
                if vote.event.decision is Decision.RETURN and not vote.fate:
                    vote.fate = "gone"
        self.objections[Decision.RETURN].clear()

    def _edited(self, event: Edited) -> None:
        if event.digest and event.digest != self.digest:
            self.suggesters.update(event.suggested_by)
        self._new_words(event, event.facts, edited=True)
        if event.rescheduled:
            self.publish_at = event.publish_at
            self.embargo_until = event.embargo_until

    def _new_words(self, event: Event, facts: Mapping[str, Any] | None, *, edited: bool) -> None:
        digest = event.digest or self.digest
        if digest != self.digest:
            if edited:
                self.editors.add(event.actor)
            self.digest = digest
            self.epoch += 1
            self.stale.update(self.seats)
        self.revision = event.revision or self.revision
        if self.revisions.setdefault(self.revision, digest) != digest:
            raise self._impossible(f"revision {self.revision} with other words than before")
        self._bar()
        if facts is not None or not self.asked:
            self._reroute(facts if facts is not None else self.facts)

    def _bar(self) -> None:
        hands = (len(self.owners), len(self.editors), len(self.suggesters))
        if hands == self.barred_for:
            return  # these sets only grow
        self.barred_for = hands
        options = self.chain.options
        barred: set[str] = set()
        if not options.author_may_approve:
            barred |= self.owners
        if not options.editor_may_approve:
            barred |= self.editors - (self.owners if options.author_may_approve else set())
        if not options.suggester_may_approve:
            barred |= self.suggesters
        if barred != self.barred:
            self.barred = frozenset(barred)
            self.stale.update(self.seats)
        self.hands = self.owners | self.editors

    def _reroute(self, facts: Mapping[str, Any]) -> None:
        """Work out who is asked; a way that became shorter voids what was said on the long one."""
        levels = self.chain.levels
        before = {(stage, group.id) for stage, groups in self.route.items() for group in groups}
        self.facts = facts
        self.route = {
            stage.id: tuple(g for g in stage.groups if applies(g.when, facts, levels))
            for stage in self.chain.stages
            if applies(stage.when, facts, levels)
        }
        self.asked = tuple(
            s for s in self.chain.stages if s.id in self.route and (s.auto or self.route[s.id])
        )
        self.people_asked = any(s.groups for s in self.asked)
        self.passed_at = {k: at for k, at in self.passed_at.items() if k in self.route}
        self.stale.update(self.seats)
        after = {(stage, group.id) for stage, groups in self.route.items() for group in groups}
        if before - after:
            for vote in self.votes:
                vote.void = True

    def _signed(self, event: Signed) -> None:
        stage_id, said, principal = event.stage, event.decision, event.seat
        seats = self.seats.get(stage_id)
        if seats is None:
            raise self._impossible(f"a sign-off of stage {stage_id!r}, which does not exist")
        vote = _Vote(event, strong=auth_rank(event.auth) >= self.strength[stage_id])
        place, keep = (stage_id, principal), []
        for earlier in seats.get(principal, ()):
            # Another person's yes in the same seat stays beside a yes, and beside what a stand-in
            # takes back; everything else gives way.
            others_yes = earlier.yes and earlier.event.actor != event.actor
            stand_in_leaves = said is Decision.WITHDRAW and event.actor != principal
            if others_yes and (vote.yes or stand_in_leaves):
                keep.append(earlier)
            else:
                earlier.fate = "gone" if said is Decision.WITHDRAW else "superseded"
        for keys in self.objections.values():
            keys.discard(place)
        self.votes.append(vote)
        self.said_of.add(event.digest)
        if said is Decision.WITHDRAW:
            vote.fate = "gone"
        else:
            keep.append(vote)
        if said in self.objections:
            self.objections[said].add(place)
        seats[principal] = keep
        if self.chain.options.repeat_signers:
            self.stale.add(stage_id)
        else:
            self.stale.update(self.seats)

    def _overridden(self, event: Overridden) -> None:
        if self.chain.override is None:
            raise self._impossible("an override, which the chain does not have")
        if event.digest != self.digest:
            raise self._impossible("an override of words that were not current")
        for key in self.objections[Decision.BLOCK]:
            for vote in self.seats[key[0]][key[1]]:
                if vote.event.decision is Decision.BLOCK:
                    vote.fate = "gone"
            self.seats[key[0]][key[1]] = []
        self.objections[Decision.BLOCK].clear()
        self.overrides[event.digest] = event
        self.facts_changed_at = None  # whoever overrides has looked, and gives the reason
        rule = self.chain.override.review
        self._owe("override", rule, event.at, hands={event.actor, *self.owners})

    def _lane_entered(self, event: LaneEntered) -> None:
        lane = self.chain.fast_lane
        if lane is None or event.template not in lane.templates or event.digest != self.digest:
            raise self._impossible("a fast lane that the chain does not have for these words")
        self.lanes[event.digest] = event

    def _reviewed(self, event: Reviewed) -> None:
        self.debts = [
            replace(debt, done_at=event.at, done_by=event.actor, outcome=event.outcome)
            if debt.of in event.of and debt.done_at is None
            else debt
            for debt in self.debts
        ]

    def _released(self, event: Released) -> None:
        if event.digest != self.digest:
            raise self._impossible("a release of words that were not cleared")
        self.released = event
        lane, own = self.chain.fast_lane, self.chain.post_review
        if self.cleared_by == "lane" and lane is not None:
            sent = self.lanes[event.digest].actor  # whoever sent it here does not look at it either
            self._owe("lane", lane.review, event.at, hands={sent, *self.hands})
        elif self.cleared_by == "chain" and own is not None:
            counted = [
                vote.event
                for stage in self.asked
                for votes in self.counted.get(stage.id, {}).values()
                for vote in votes
            ]
            if any({s.actor, s.seat} & self.hands for s in counted):
                self._owe("own", own, event.at, hands=self.hands)

    def _owe(
        self,
        of: Literal["override", "lane", "own"],
        rule: ReviewRule,
        since: datetime,
        *,
        hands: Iterable[str],
    ) -> None:
        self.debts.append(
            ReviewDebt(
                of=of,
                rule=rule,
                since=since,
                due_at=since + rule.within,
                hands=tuple(sorted(hands)),
            )
        )

    # -- what the record says ----------------------------------------------------------------

    def _weigh(self, at: datetime) -> Trigger:
        self._recount(at)
        self.waiting = ""
        for stage in self.asked:
            if stage.id not in self.passed_at:
                self.waiting = stage.id
                break
        if self.objections[Decision.RETURN]:
            return Trigger.RETURN_STANDS
        if self.objections[Decision.BLOCK]:
            return Trigger.BLOCK_STANDS
        if self.digest in self.overrides:
            self.cleared_by = "override"
        elif self._in_lane():
            self.cleared_by = "lane"
        elif not self.people_asked:
            return Trigger.NO_STAGE_APPLIES
        elif self.waiting:
            return Trigger.STAGE_WAITS
        else:
            self.cleared_by = "chain"
        return Trigger.FACTS_UNSEEN if self.facts_changed_at else Trigger.ALL_SIGNED

    def _in_lane(self) -> bool:
        """Words that entered the lane leave it when their facts outgrow it."""
        lane = self.chain.fast_lane
        return (
            lane is not None
            and self.digest in self.lanes
            and not lane.beyond(self.facts, self.chain.levels)
        )

    def _recount(self, at: datetime) -> None:
        stale = self.stale
        if not stale:
            return
        each_once = not self.chain.options.repeat_signers
        fresh = self.digest not in self.said_of  # the usual case: new words, and nobody spoke yet
        used: set[str] = set()
        for stage in self.asked:
            name = stage.id
            if name in stale:
                counted = self.counted[name] = {} if fresh else self._count(stage, used)
                if (counted or stage.auto) and self._passes(stage, counted):
                    self.passed_at.setdefault(name, at)
                else:
                    self.passed_at.pop(name, None)
            if each_once:
                for votes in self.counted[name].values():
                    used.update(person for v in votes for person in (v.event.actor, v.event.seat))
        stale.clear()

    def _valid(self, vote: _Vote) -> bool:
        """Whether a yes on the current words may count."""
        event = vote.event
        return (
            vote.strong
            and not vote.void
            and event.actor not in self.barred
            and event.seat not in self.barred
            and self.barred.isdisjoint(event.path)
        )

    def _count(self, stage: StageDef, used: set[str]) -> dict[str, tuple[_Vote, ...]]:
        if stage.auto:
            return {}
        votes = [
            vote
            for seat in self.seats[stage.id].values()
            for vote in seat
            if vote.yes
            and vote.digest == self.digest
            and self._valid(vote)
            and (not used or used.isdisjoint((vote.event.actor, vote.event.seat)))
        ]
        if not votes:
            return {}
        filled = fill(self.route[stage.id], [vote.event for vote in votes], distinct=stage.distinct)
        return {group: tuple(votes[i] for i in chosen) for group, chosen in filled.items()}

    def _passes(self, stage: StageDef, counted: Mapping[str, tuple[_Vote, ...]]) -> bool:
        if stage.auto:
            passed, failed = self.checks.get((stage.id, self.digest), (frozenset(), frozenset()))
            return not failed and passed.issuperset(stage.auto)
        return complete(self.route[stage.id], counted)

    # -- the result --------------------------------------------------------------------------

    def state(self) -> RequestState:
        records = {id(vote): SignOff(vote.event, self._standing(vote)) for vote in self.votes}
        live = self.now_in in UNDER_REVIEW
        return RequestState(
            chain=self.chain,
            request=self.request,
            state=self.now_in,
            verdict=self.verdict if live else None,
            author=self.author,
            owners=frozenset(self.owners),
            hands=frozenset(self.hands),
            barred=self.barred,
            revision=self.revision,
            digest=self.digest,
            revisions=self.revisions,
            facts=self.facts,
            publish_at=self.publish_at,
            embargo_until=self.embargo_until,
            signoffs=tuple(records.values()),
            stages=tuple(self._stage(stage, records) for stage in self.chain.stages),
            waiting=self.waiting,
            opened_at=self.opened_at,
            reminded=frozenset(self.reminded),
            escalated=self.escalated,
            escalated_at=self.escalated_at,
            submitted_at=self.submitted_at,
            cleared_at=self.cleared_at,
            cleared_by=self.cleared_by,
            override=self.overrides.get(self.digest),
            lane=self.lanes.get(self.digest),
            facts_changed_at=self.facts_changed_at,
            released=self.released,
            ended_by=self.ended_by,
            reopened_as=self.reopened_as,
            debts=tuple(self.debts),
            last_at=self.last_at,
            count=self.count,
        )

    def _standing(self, vote: _Vote) -> Standing:
        if vote.fate:
            return vote.fate
        if not vote.yes:
            return "stands"
        if vote.event.digest != self.digest or vote.void or vote.event.stage not in self.route:
            return "outdated"
        return "counts" if self._valid(vote) else "barred"

    def _stage(self, stage: StageDef, records: Mapping[int, SignOff]) -> StageStatus:
        if stage not in self.asked:
            return StageStatus(id=stage.id, status="skipped" if self.request else "later")
        passed = stage.id in self.passed_at
        checks, failed = self.checks.get((stage.id, self.digest), (frozenset(), frozenset()))
        counted = self.counted.get(stage.id, {})
        return StageStatus(
            id=stage.id,
            status="passed" if passed else "waiting" if stage.id == self.waiting else "later",
            groups=tuple(
                GroupStatus(
                    id=group.id,
                    need=group.need,
                    by=tuple(records[id(vote)] for vote in counted.get(group.id, ())),
                )
                for group in self.route[stage.id]
            ),
            checks_missing=tuple(
                name for name in stage.auto if name not in checks or name in failed
            ),
            checks_failed=tuple(name for name in stage.auto if name in failed),
            passed_at=self.passed_at.get(stage.id),
        )
