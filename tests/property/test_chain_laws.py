"""Laws of the chain over generated histories, against a second, naive reading of the log.

A history is a string of bytes, three to an event: who, what, on which words. Bytes make histories
cheap to generate and to shrink, so that thousands fit into a test run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from testkit.errors import InputError, StateError
from testkit.signoff import events as ev
from testkit.signoff.admission import admissible, decide
from testkit.signoff.chain import fold
from testkit.signoff.model import (
    SYSTEM,
    ChainDef,
    Decision,
    Delegation,
    FastLane,
    GroupDef,
    Options,
    ReviewRule,
    RosterView,
    StageDef,
)
from testkit.signoff.sla import actions_due, expires_at
from testkit.signoff.standins import MAX_STEPS, delegates, seats_of
from testkit.signoff.table import TRANSITIONS, State, Trigger
from tests.signoff_reading import Reading
from tests.signoff_world import (
    HIGH,
    LOW,
    MATERIAL,
    OFFICE,
    T0,
    TWO_OF_THREE,
    TWO_STAGES,
    WORDS,
    digest_of,
    hours,
    minutes,
    with_delegations,
)

if TYPE_CHECKING:
    from testkit.signoff.state import RequestState

LANE = FastLane(templates=("t1",), review=ReviewRule(roles=("comms_lead",)))
FACTS_STAGE = StageDef(id="facts", auto=("length_ok",))
CHAINS = (
    replace(TWO_STAGES, fast_lane=LANE),
    TWO_OF_THREE,
    replace(TWO_STAGES, id="checked", stages=(FACTS_STAGE, *TWO_STAGES.stages)),
    replace(
        TWO_OF_THREE,
        id="seats",
        stages=(replace(TWO_OF_THREE.stages[0], distinct=True),),
        override=None,
    ),
    replace(TWO_STAGES, id="fresh-eyes", options=Options(repeat_signers=False, lead_minutes=5)),
    replace(
        TWO_STAGES,
        id="solo",
        options=Options(author_may_approve=True),
        post_review=ReviewRule(roles=("ed",)),
    ),
    replace(TWO_STAGES, id="mute", stages=TWO_STAGES.stages[1:]),
    replace(
        TWO_STAGES,
        id="strong",
        stages=(replace(TWO_STAGES.stages[0], min_auth="link"), *TWO_STAGES.stages[1:]),
    ),
)
PEOPLE = (*(m.id for m in OFFICE.members), "zed", SYSTEM)
BODIES = ("Call now.", "Call today.", "Call them all.")
DIGESTS = tuple(digest_of({**WORDS, "body": body}) for body in BODIES)
ROSTER = with_delegations(
    Delegation(principal="ben", delegate="hal", starts=T0 - hours(1), ends=T0 + hours(2)),
    Delegation(principal="hal", delegate="fay", starts=T0 - hours(1)),
    Delegation(principal="gus", delegate="cho", starts=T0 + hours(1)),
)
KINDS = (
    "approve", "approve", "approve", "approve", "return", "block", "retract", "edit", "edit",
    "reschedule", "refact", "submit", "submit", "check", "override", "lane", "release", "release",
    "facts", "look", "wait", "tick", "review", "kill", "recall", "withdraw", "correct", "reopen",
)  # fmt: skip


# -- histories --------------------------------------------------------------------------------


class Story:
    """Turns bytes into events that somebody might try, in a time that moves on."""

    def __init__(self, chain: ChainDef, roster: RosterView = ROSTER) -> None:
        self.chain = chain
        self.roster = roster
        self.now = T0
        self.events: list[ev.Event] = []
        self.state: RequestState = fold(chain, ())
        self.revisions = 0

    def attempt(self, who: int, what: int, which: int, *, raw: bool = False) -> ev.Event | None:
        """The event that three bytes stand for, or None when they only let time pass."""
        state, kind = self.state, KINDS[what % len(KINDS)]
        person = PEOPLE[who // 4 % len(PEOPLE)]
        if who % 4:  # three times in four somebody who has a say, or few steps would be admitted
            likely = self.likely(kind)
            person = likely[who // 4 % len(likely)] if likely else person
        base: dict[str, Any] = {
            "at": self.now,
            "actor": person,
            "auth": ("none", "link")[which % 2],
            "revision": state.revision,
            "digest": state.digest if not raw or which % 5 else DIGESTS[which % 3],
        }
        chosen = DIGESTS[which % 3]
        match kind:
            case "wait":
                self.now += minutes((which % 8) * 53)
                return None
            case "tick":
                due = actions_due(state, self.now)
                return due[which % len(due)].event(state, self.now) if due else None
            case "submit":
                new = {"revision": f"r{self.revisions + 1}", "digest": chosen}
                return ev.Submitted(
                    **{**base, **(new if which % 3 or not state.revision else {})},
                    request="rq",
                    chain=self.chain.id,
                    chain_version=self.chain.version,
                    facts=(LOW, HIGH, {}, None)[which % 4],
                )
            case "edit":
                new = {"revision": f"r{self.revisions + 1}", "digest": chosen}
                return ev.Edited(**{**base, **new}, changed=("body",))
            case "reschedule":
                new = {"revision": f"r{self.revisions + 1}"}
                at = self.now + minutes(which)
                return ev.Edited(**{**base, **new}, rescheduled=True, publish_at=at)
            case "refact":
                new = {"revision": f"r{self.revisions + 1}"}
                return ev.Edited(**{**base, **new}, facts=(LOW, HIGH, {})[which % 3])
            case "check":
                passed = ("length_ok",) if which % 3 else ()
                failed = () if which % 3 else ("length_ok",)
                return ev.Checked(
                    **{**base, "actor": SYSTEM}, stage="facts", passed=passed, failed=failed
                )
            case "override":
                return ev.Overridden(**base, reason="now or never")
            case "lane":
                return ev.LaneEntered(**base, template="t1")
            case "release":
                return ev.Released(**base, release="rel")
            case "facts":
                return ev.FactsChanged(**base)
            case "look":
                return ev.FactsChecked(**base)
            case "review":
                return ev.Reviewed(**base, of=(("override", "lane", "own")[which % 3],))
            case "kill":
                return ev.Killed(**base, reason="hoax")
            case "recall":
                return ev.Recalled(**base, reason="hoax")
            case "withdraw":
                return ev.Withdrawn(**base)
            case "correct":
                return ev.Corrected(**base, by="rq_2")
            case "reopen":
                return ev.Reopened(**base, as_request=f"rq_{which}")
        said = {"retract": Decision.WITHDRAW}.get(kind) or Decision(kind)
        if raw:
            stage = self.chain.stages[which % len(self.chain.stages)]
            groups = tuple(g.id for g in stage.groups)
            seat = PEOPLE[which % len(PEOPLE)] if which % 3 == 0 else ""
            return ev.Signed(**base, stage=stage.id, decision=said, principal=seat, groups=groups)
        try:
            return decide(
                state, person, said, self.roster, self.now, auth=base["auth"], note=str(which)
            )
        except (StateError, InputError):
            return None
        except Exception as refusal:
            if type(refusal).__name__ != "NotAuthorisedError":
                raise
            return None

    def likely(self, kind: str) -> list[str]:
        if kind in ("approve", "return", "block"):
            stage = self.state.waiting or self.chain.stages[-1].id
            return [m.id for m in OFFICE.members if self.seated(stage, m.id)]
        if kind == "retract":
            return [s.actor for s in self.state.standing("stands", "counts")]
        return {
            "submit": sorted(self.state.hands),
            "withdraw": sorted(self.state.owners),
            "override": ["eli"],
            "look": ["ben", "cho", "dee"],
            "review": ["dee", "ben"],
        }.get(kind, ["ana", "hal", "eli"])

    def seated(self, stage: str, person: str) -> bool:
        return bool(seats_of(self.state, stage, person, self.roster, self.now))

    def add(self, step: ev.Event) -> None:
        self.events.append(step)
        self.state = fold(self.chain, self.events)
        self.revisions += isinstance(step, ev.Submitted | ev.Edited)


def triples(data: bytes) -> list[tuple[int, int, int]]:
    return [(data[i], data[i + 1], data[i + 2]) for i in range(0, len(data) - 2, 3)]


def opening(story: Story, which: int) -> None:
    """Most histories start with a submission, or they would go nowhere."""
    step = story.attempt(PEOPLE.index("ana"), KINDS.index("submit"), which)
    assert step is not None
    story.add(replace(step, facts=(LOW, HIGH)[which % 2]))


HISTORIES = st.tuples(st.integers(0, len(CHAINS) - 1), st.binary(min_size=60, max_size=60))
MANY = settings(
    max_examples=1_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def play(index: int, data: bytes, *, raw: bool) -> Story:
    story = Story(CHAINS[index])
    opening(story, data[0])
    for who, what, which in triples(data):
        step = story.attempt(who, what, which, raw=raw)
        if step is None:
            continue
        if not raw and admissible(story.state, step, story.roster, story.now) is not None:
            continue
        try:
            story.add(step)
        except StateError:
            assert raw, "an admitted event never makes the fold raise"
            story.events.pop()
            continue
        check(story, raw=raw)
    return story


def check(story: Story, *, raw: bool = False) -> None:
    """What must hold after every event.

    In a log that nobody admitted, somebody may sign two stages of a chain where each may sign one.
    The fold then counts the first of them, also where the stage could do without; it asks for one
    yes more than a careful reader would, never for one less.
    """
    state, reading = story.state, Reading(story.chain, story.events)
    assert state.state is not State.WEIGHING
    if state.state in (State.CLEARED, State.HELD, State.RELEASED):
        assert reading.signed_off(), [step.kind for step in story.events]
        assert state.digest == reading.digest
    strict = raw and not story.chain.options.repeat_signers
    if state.state in (State.IN_REVIEW, State.RETURNED, State.BLOCKED) and not strict:
        assert not reading.signed_off()
    if isinstance(story.events[-1], ev.Released):
        assert story.events[-1].digest == reading.digest


@MANY
@given(HISTORIES)
def test_no_admitted_history_releases_words_that_lack_their_sign_offs(history):
    story = play(*history, raw=False)
    event(story.state.state.value)


@pytest.mark.faults
@MANY
@given(HISTORIES)
def test_no_log_whatsoever_folds_to_a_release_of_words_that_lack_their_sign_offs(history):
    story = play(*history, raw=True)
    event(story.state.state.value)


def test_the_generated_histories_reach_every_state():
    # A law over histories that never get anywhere would hold for nothing.
    reached: Counter[State] = Counter()

    @settings(max_examples=400, deadline=None, database=None, derandomize=True)
    @given(HISTORIES)
    def walk(history):
        story = Story(CHAINS[history[0]])
        opening(story, history[1][0])
        for who, what, which in triples(history[1]):
            step = story.attempt(who, what, which)
            if step and admissible(story.state, step, story.roster, story.now) is None:
                story.add(step)
                reached[story.state.state] += 1

    walk()
    assert set(reached) >= set(State) - {State.WEIGHING, State.DRAFTED, State.RECALLED}, reached


@pytest.mark.slow
@settings(MANY, max_examples=20_000)
@given(HISTORIES, st.booleans())
def test_no_history_releases_unsigned_words_in_a_long_run(history, raw):
    play(*history, raw=raw)


# -- the machine that Hypothesis drives itself ------------------------------------------------


class ChainMachine(RuleBasedStateMachine):
    """Step by step, with the state of before at hand: what one step may change."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story(CHAINS[0])
        opening(self.story, 0)

    @precondition(lambda self: len(self.story.events) == 1)
    @rule(index=st.integers(1, len(CHAINS) - 1), which=st.integers(0, 1))
    def choose(self, index, which):
        self.story = Story(CHAINS[index])
        opening(self.story, which)

    @rule(who=st.integers(0, 63), what=st.integers(0, len(KINDS) - 1), which=st.integers(0, 11))
    def step(self, who, what, which):
        story, before = self.story, self.story.state
        step = story.attempt(who, what, which)
        if step is None or admissible(before, step, story.roster, story.now) is not None:
            return
        story.add(step)
        after = story.state
        self.voiding(before, step, after)
        self.deciding(before, step, after)
        self.ending(before, step)

    def voiding(self, before, step, after):
        """A material edit leaves no yes on other words counting; any other edit leaves all."""
        assert all(s.digest == after.digest for s in after.standing("counts"))
        same_words = isinstance(step, ev.Edited) and step.digest in ("", before.digest)
        if same_words and step.facts is None:
            assert after.standing("counts") == before.standing("counts")
            assert after.state is before.state
        assert len(after.signoffs) == len(before.signoffs) + isinstance(step, ev.Signed)

    def deciding(self, before, step, after):
        if isinstance(step, ev.Signed) and step.decision.approves:
            seat = self.story.roster.get(step.seat)
            stage = before.chain.stage(step.stage)
            also = before.escalated.get(step.stage, ())
            asked = {role for g in stage.groups if g.id in step.groups for role in g.roles}
            assert seat.roles & asked or seat.roles & set(also)
            if step.actor != step.seat:
                assert step.path == ("ben", "hal") or step.path[0] in {"ben", "hal", "gus"}
                assert len(step.path) <= MAX_STEPS + 1
                active = {
                    (d.principal, d.delegate)
                    for d in self.story.roster.delegations
                    if d.active(step.at)
                }
                assert set(pairwise(step.path)) <= active
        if isinstance(step, ev.Overridden):
            assert "digital_director" in self.story.roster.get(step.actor).roles
            debt = after.debts[-1]
            assert (debt.of, debt.due_at) == ("override", step.at + timedelta(hours=24))
        if isinstance(step, ev.Reviewed):
            done = [d for d in after.debts if d.done_by == step.actor]
            assert done
            assert all(step.actor not in d.hands or d.rule.self_after for d in done)

    def ending(self, before, step):
        """Nothing goes forward once time has run out, recorded or not."""
        end = expires_at(before)
        forward = isinstance(step, ev.Released | ev.Overridden | ev.LaneEntered) or (
            isinstance(step, ev.Signed) and step.decision.approves
        )
        if forward and end is not None:
            assert step.at < end[0]
        if before.state in (State.EXPIRED, State.WITHDRAWN, State.KILLED):
            assert isinstance(step, ev.Reopened | ev.Reviewed | ev.Recalled)

    @invariant()
    def laws(self):
        check(self.story)

    @invariant()
    def the_log_survives_its_plain_form(self):
        plain = [ev.event_to_dict(step) for step in self.story.events]
        assert [ev.event_from_dict(item) for item in plain] == self.story.events


TestChainMachine = ChainMachine.TestCase
TestChainMachine.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)


# -- single laws ------------------------------------------------------------------------------

ROLES = ("comms_lead", "policy", "legal", "ed", "writer")


@st.composite
def stages(draw):
    groups = draw(
        st.lists(
            st.tuples(st.integers(1, 3), st.sets(st.sampled_from(ROLES), min_size=1, max_size=3)),
            min_size=1,
            max_size=3,
        )
    )
    return StageDef(
        id="only",
        groups=tuple(
            GroupDef(id=f"g{i}", need=need, roles=tuple(sorted(roles)))
            for i, (need, roles) in enumerate(groups)
        ),
        distinct=draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None)
@given(stages(), st.data())
def test_the_order_of_decisions_inside_a_stage_does_not_matter(stage, data):
    chain = ChainDef(id="one", version="v", material=MATERIAL, stages=(stage,))
    roster = with_delegations(
        *(
            Delegation(principal=a, delegate=b, starts=T0)
            for a, b in data.draw(
                st.sets(
                    st.sampled_from(
                        [("ben", "hal"), ("cho", "hal"), ("fay", "eli"), ("gus", "eli")]
                    )
                )
            )
        )
    )
    # One answer for each seat; whoever sits in it is part of the answer.
    said = data.draw(
        st.dictionaries(
            st.sampled_from(["ben", "cho", "dee", "eli", "fay", "gus", "hal"]),
            st.tuples(
                st.sampled_from(["approve"] * 6 + ["approve_with_nits", "return", "block"]),
                st.sampled_from(["", "hal", "eli"]),
            ),
            min_size=2,
            max_size=6,
        )
    )
    orders = [list(said.items()), data.draw(st.permutations(list(said.items())))]
    ends = []
    for order in orders:
        story = Story(chain, roster)
        opening(story, 0)
        for seat, (decision, actor) in order:
            try:
                step = decide(
                    story.state, actor or seat, Decision(decision), roster, T0, principal=seat
                )
            except Exception as refusal:
                if type(refusal).__name__ not in ("StateError", "NotAuthorisedError"):
                    raise
                continue
            story.add(step)
        only = story.state.stage("only")
        full = {g.id for g in only.groups if g.full}
        ends.append((story.state.state, only.status == "passed", full if not stage.distinct else 0))
    assert ends[0] == ends[1]


@settings(max_examples=200, deadline=None)
@given(
    st.sets(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=9),
    st.integers(-3, 3),
)
def test_delegation_is_bounded_and_raises_exactly_on_a_circle_in_reach(edges, late):
    steps = tuple(
        Delegation(principal=a, delegate=b, starts=T0, ends=T0 + hours(2)) for a, b in edges
    )
    people = tuple(replace(OFFICE.members[0], id=name) for name in "abcdef")
    roster = RosterView(members=people, delegations=steps)
    now = T0 + hours(late)
    active = edges if 0 <= late < 2 else set()

    def circle(path: tuple[str, ...]) -> bool:
        onward = [b for a, b in active if a == path[-1]]
        if any(b in path for b in onward):
            return True
        return len(path) <= MAX_STEPS and any(circle((*path, b)) for b in onward)

    if circle(("a",)):
        with pytest.raises(InputError, match="circle"):
            delegates(roster, "a", now)
        return
    paths = delegates(roster, "a", now)
    assert all(2 <= len(path) <= MAX_STEPS + 1 and len(set(path)) == len(path) for path in paths)
    assert all(pair in active for path in paths for pair in pairwise(path))
    assert {b for a, b in active if a == "a"} <= {path[-1] for path in paths}


def test_only_a_weighing_leads_to_cleared():
    sources = {state for (state, _), target in TRANSITIONS.items() if target is State.CLEARED}
    assert sources == {State.WEIGHING, State.CLEARED}
    triggers = {t for (s, t), target in TRANSITIONS.items() if target is State.CLEARED}
    assert triggers == {Trigger.REVIEWED, Trigger.COMMENTED, Trigger.ALL_SIGNED}
    # A comment leaves every state as it is: it clears nothing.
    assert all(s is target for (s, t), target in TRANSITIONS.items() if t is Trigger.COMMENTED)


def test_there_is_a_way_from_submission_to_release_and_none_that_skips_weighing():
    reach, edge = {State.DRAFTED}, {State.DRAFTED}
    while edge:
        edge = {t for (s, _), t in TRANSITIONS.items() if s in edge} - reach
        reach |= edge
    assert reach == set(State)
    without = {State.DRAFTED}
    edge = without
    while edge:
        edge = {t for (s, _), t in TRANSITIONS.items() if s in edge} - without - {State.WEIGHING}
        without |= edge
    assert State.RELEASED not in without
