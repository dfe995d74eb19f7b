"""Laws over generated histories under the chains, people and charters that offices really get.

``test_chain_laws`` tries chains made up for their corners; here every model of ownership runs with
its own roster and charter, with deputies, comments and a clock that moves. A history is a string of
bytes, three to an event, which keeps thousands of them cheap. Against each stands a second, naive
reading of the log (:mod:`tests.signoff_reading`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testkit.errors import KitError
from testkit.kernel import yamlfile
from testkit.kernel.peoplefile import PeopleFile, roster_of
from testkit.signoff import events as ev
from testkit.signoff.admission import admissible, decide
from testkit.signoff.chain import fold, unfold
from testkit.signoff.charter import Charter, parse_charter
from testkit.signoff.latency import course_of
from testkit.signoff.model import SYSTEM, ChainDef, Decision, Delegation, RosterView
from testkit.signoff.parse import parse_chain
from testkit.signoff.sla import WorkingCalendar, actions_due, expires_at
from testkit.signoff.starter import MODELS, starter_rules
from testkit.signoff.table import State
from tests.signoff_reading import Reading

if TYPE_CHECKING:
    from testkit.signoff.state import RequestState

pytestmark = pytest.mark.faults

T0 = datetime(2026, 11, 3, 14, tzinfo=UTC)
CALENDAR = WorkingCalendar(zone=UTC)
DIGESTS = tuple(letter * 64 for letter in "abc")
FACTS: tuple[dict[str, Any], ...] = (
    {"risk": "low", "names_candidate": False, "position_is_new": False, "spend_cents": 0,
     "topic": "labor", "channel": ["email"]},
    {"risk": "low", "names_candidate": False, "position_is_new": False, "spend_cents": 0,
     "topic": "turnout", "channel": ["sms"]},
    {"risk": "medium", "names_candidate": True, "position_is_new": False, "spend_cents": 10,
     "topic": "labor", "channel": ["post"]},
    {"risk": "high", "names_candidate": False, "position_is_new": True, "spend_cents": 0},
)  # fmt: skip
KINDS = (
    "approve", "approve", "approve", "approve", "approve", "approve", "return", "block", "withdraw",
    "edit", "facts", "check", "check", "submit", "wait", "tick", "comment", "override", "release",
    "release", "changed", "looked", "review", "kill",
)  # fmt: skip


@cache
def model(name: str) -> tuple[ChainDef, Charter, RosterView]:
    """A model's files, read once; everybody has a deputy for a while."""
    values = {p: yamlfile.parse(t, name=p).value for p, t in starter_rules(name).items()}
    people = RosterView.of(roster_of(PeopleFile.model_validate(values["people.yaml"])))
    ids = [member.id for member in people.members]
    steps = [
        Delegation(principal=a, delegate=b, starts=T0, ends=T0 + timedelta(hours=3))
        for a, b in pairwise(ids[1:])
    ]
    return (
        parse_chain(values["chains/rapid-response.yaml"], version="1"),
        parse_charter(values["charter.yaml"], version="1", zone_name="UTC"),
        replace(people, delegations=tuple(steps)),
    )


@dataclass
class Course:
    """One request as somebody might try to push it through."""

    name: str
    now: datetime = T0
    log: list[ev.Event] = field(default_factory=list)
    revisions: int = 0

    def __post_init__(self) -> None:
        self.chain, self.charter, self.roster = model(self.name)
        self.people = [member.id for member in self.roster.members]
        self.state = fold(self.chain, ())

    def common(self, actor: str, **more: Any) -> dict[str, Any]:
        here = {"revision": self.state.revision, "digest": self.state.digest}
        return {"at": self.now, "actor": actor, "via": "web", "auth": "session", **here, **more}

    def words(self, which: int) -> dict[str, str]:
        digest = DIGESTS[which % 3]
        return {"revision": f"r{self.revisions + 1}", "digest": digest}

    def attempt(self, who: int, what: int, which: int) -> ev.Event | None:
        kind = KINDS[what % len(KINDS)]
        actor = self.people[who % len(self.people)]
        match kind:
            case "wait":
                self.now += timedelta(minutes=(which % 7) * 67)
                return None
            case "tick":
                due = actions_due(self.state, self.now, CALENDAR)
                return due[which % len(due)].event(self.state, self.now) if due else None
            case "submit":
                new = self.words(which) if which % 2 else {}
                return ev.Submitted(
                    **self.common("sam", **new),
                    request="rq",
                    chain=self.chain.id,
                    chain_version=self.chain.version,
                )
            case "edit":
                return ev.Edited(**self.common(actor, **self.words(which)), changed=("body",))
            case "facts":
                words = {"revision": f"r{self.revisions + 1}"}
                return ev.Edited(**self.common(actor, **words), facts=FACTS[which % len(FACTS)])
            case "check":
                auto = next((s for s in self.chain.stages if s.auto), None)
                assert auto is not None
                good = auto.auto if which % 8 else auto.auto[1:]
                bad = () if which % 8 else auto.auto[:1]
                return ev.Checked(**self.common(SYSTEM), stage=auto.id, passed=good, failed=bad)
            case "comment":
                return ev.Commented(**self.common(actor), note="hm")
            case "override":
                return ev.Overridden(**self.common(actor), reason="now or never")
            case "release":
                return ev.Released(**self.common(actor), release="rel")
            case "changed":
                return ev.FactsChanged(**self.common(SYSTEM))
            case "looked":
                return ev.FactsChecked(**self.common(actor))
            case "review":
                return ev.Reviewed(**self.common(actor), of=(("override", "own")[which % 2],))
            case "kill":
                return ev.Killed(**self.common(actor), reason="hoax") if which % 4 == 0 else None
        try:
            return decide(
                self.state, actor, Decision(kind), self.roster, self.now, auth="session",
                calendar=CALENDAR, charter=self.charter,
            )  # fmt: skip
        except KitError:
            return None

    def take(self, step: ev.Event | None) -> bool:
        """Add an event if it is admissible."""
        if step is None:
            return False
        refused = admissible(
            self.state, step, self.roster, self.now, calendar=CALENDAR, charter=self.charter
        )
        if refused is not None:
            return False
        self.log.append(step)
        self.state = fold(self.chain, self.log)
        self.revisions += isinstance(step, ev.Submitted | ev.Edited)
        return True

    def open(self, which: int) -> None:
        first = ev.Submitted(
            **self.common("sam", **self.words(0)), request="rq", chain=self.chain.id,
            chain_version=self.chain.version, facts=FACTS[which % len(FACTS)],
        )  # fmt: skip
        assert self.take(first)
        auto = next(s for s in self.chain.stages if s.auto)
        assert self.take(ev.Checked(**self.common(SYSTEM), stage=auto.id, passed=auto.auto))


def play(name: str, data: bytes, reached: Counter[State] | None = None) -> Course:
    course = Course(name)
    course.open(data[0])
    for i in range(1, len(data) - 2, 3):
        step = course.attempt(*data[i : i + 3])
        before = course.state
        if course.take(step):
            assert step is not None
            obeyed(course, before, step)
            if reached is not None:
                reached[course.state.state] += 1
    return course


def obeyed(course: Course, before: RequestState, step: ev.Event) -> None:
    """What must hold after every event that was taken."""
    after, reading = course.state, Reading(course.chain, course.log)
    # No words go out, or may, that lack what the chain asks for, as somebody else reads the log.
    if after.state in (State.CLEARED, State.HELD, State.RELEASED):
        assert reading.signed_off(), [type(e).__name__ for e in course.log]
        assert after.digest == reading.digest
    if after.state in (State.IN_REVIEW, State.RETURNED, State.BLOCKED):
        assert not reading.signed_off()
    # Voiding: nothing said of other words counts, and nothing that was said disappears.
    assert all(s.digest == after.digest for s in after.standing("counts"))
    assert [s.said for s in after.signoffs[: len(before.signoffs)]] == [
        s.said for s in before.signoffs
    ]
    # Expiry: nothing goes forward once time has run out, recorded or not.
    forward = isinstance(step, ev.Released | ev.Overridden | ev.Submitted | ev.Edited) or (
        isinstance(step, ev.Signed) and step.decision.approves
    )
    end = expires_at(before, CALENDAR)
    if forward and end is not None:
        assert step.at < end[0]
    match step:
        case ev.Signed(path=path) if step.actor != step.seat and step.decision.approves:
            # Delegation: every step of the way was in force at that moment.
            steps = [d for d in course.roster.delegations if d.active(step.at)]
            active = {(d.principal, d.delegate) for d in steps}
            assert set(pairwise(path)) <= active
        case ev.Overridden():
            assert course.charter.override is not None
            assert course.roster.holds_any(step.actor, course.charter.override, step.at)
            assert course.chain.override is not None
            assert after.debts[-1].due_at == step.at + course.chain.override.review.within
        case ev.Released():
            assert before.state is State.CLEARED
            counted = [course.roster.get(s.principal) for s in before.standing("counts")]
            covered = any(
                m is not None and course.charter.covers(m.roles, before.facts) for m in counted
            )
            assert before.cleared_by == "override" or covered
        case ev.Commented():
            assert replace(after, last_at=None, count=0) == replace(before, last_at=None, count=0)


HISTORY = st.binary(min_size=76, max_size=76)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_no_history_under_a_real_chain_releases_words_that_lack_its_sign_offs(name: str) -> None:
    @settings(
        max_examples=600, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(HISTORY)
    def law(data: bytes) -> None:
        play(name, data)

    law()  # four models: 2,400 histories


def test_these_histories_get_somewhere() -> None:
    # A law over histories that never clear or release anything would hold for nothing.
    reached: Counter[State] = Counter()

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(st.sampled_from(sorted(MODELS)), HISTORY)
    def walk(name: str, data: bytes) -> None:
        play(name, data, reached)

    walk()
    least = {State.IN_REVIEW, State.CLEARED, State.HELD, State.RELEASED, State.RETURNED}
    assert {*least, State.BLOCKED, State.EXPIRED, State.KILLED} <= set(reached), reached
    assert reached[State.RELEASED] >= 10, reached


@pytest.mark.parametrize("name", sorted(MODELS))
def test_any_order_of_valid_decisions_in_a_stage_ends_the_same(name: str) -> None:
    @settings(max_examples=60, deadline=None, database=None)
    @given(
        st.integers(0, len(FACTS) - 1),
        st.lists(
            st.tuples(
                st.integers(0, 63),
                st.sampled_from(["approve"] * 6 + ["approve_with_nits", "return", "block"]),
            ),
            max_size=5,
            unique_by=lambda pair: pair[0] % 9,
        ),
        st.randoms(use_true_random=False),
    )
    def law(facts: int, said: list[tuple[int, str]], random: Any) -> None:
        other = list(said)
        random.shuffle(other)
        ends = []
        for order in (said, other):
            course = Course(name)
            course.roster = replace(course.roster, delegations=())
            course.open(facts)
            stage = course.state.waiting
            for who, what in order:
                person = course.people[who % 9 % len(course.people)]
                try:
                    step = decide(
                        course.state, person, Decision(what), course.roster, T0, stage=stage,
                        auth="session", calendar=CALENDAR,
                    )  # fmt: skip
                except KitError:
                    continue
                course.log.append(step)
                course.state = fold(course.chain, course.log)
            status = course.state.stage(stage)
            assert status is not None
            ends.append((course.state.state, course.state.waiting, status.status))
        assert ends[0] == ends[1]

    law()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(MODELS)), HISTORY)
def test_waits_and_phases_add_up_to_the_time_that_passed(name: str, data: bytes) -> None:
    course = play(name, data)
    found = course_of(course.chain, course.log, course.now, calendar=CALENDAR)
    live = (State.IN_REVIEW, State.RETURNED, State.BLOCKED, State.HELD, State.CLEARED)
    steps = list(unfold(course.chain, course.log))
    ends = [event.at for event, _ in steps[1:]] + [course.now]
    passed = sum(
        (end - event.at).total_seconds() / 60
        for (event, state), end in zip(steps, ends, strict=True)
        if state.state in live
    )
    assert sum(p.minutes for p in found.phases) == pytest.approx(passed, abs=1e-6)
    waited = sum(p.minutes for p in found.phases if p.kind == "waiting")
    assert sum(w.minutes for w in found.stages) == pytest.approx(waited, abs=1e-6)
    assert all(w.minutes <= waited + 1e-6 for w in found.roles)
