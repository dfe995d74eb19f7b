"""Sixty stories through the sign-off of every model of ownership, with people who take their time.

What is supposed: every approver who is asked answers after a log-normal delay with median 20 and
90th percentile 90 minutes, counted from the moment of being asked, by day and by night; a reminder
makes nobody faster. One answer in twenty is a return, and the author takes as long as an approver
to change the words. For each story two people other than the author are away; each has a deputy who
stands in. Stories come on weekdays between nine and five. Each model runs under its own people,
chain and charter as `init --org-model` writes them, through the same machine as the product, with a
clock that stands in for the real one. A replay has 60 stories; it is repeated with other chance.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

from benchmarks.figure import Figure
from testkit.errors import KitError
from testkit.kernel import yamlfile
from testkit.kernel.peoplefile import PeopleFile, roster_of
from testkit.signoff import events as ev
from testkit.signoff.admission import admissible, decide
from testkit.signoff.chain import fold
from testkit.signoff.charter import parse_charter
from testkit.signoff.latency import EXECUTIVES, course_of, latency
from testkit.signoff.model import SYSTEM, Absence, Decision, Delegation, RosterView
from testkit.signoff.parse import parse_chain
from testkit.signoff.sla import WorkingCalendar, actions_due, next_action_at
from testkit.signoff.starter import MODELS, starter_rules
from testkit.signoff.table import State
from testkit.signoff.turns import whose_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testkit.signoff.charter import Charter
    from testkit.signoff.latency import LatencyReport
    from testkit.signoff.model import ChainDef

SEED: Final = 20_261_122
STORIES: Final = 60
MEDIAN, P90 = 20.0, 90.0
SIGMA: Final = math.log(P90 / MEDIAN) / 1.2815515655446004  # 0.9 quantile of the normal
RETURNS: Final = 0.05
PROMISE: Final = timedelta(hours=2)
AUTHOR: Final = "sam"
MONDAY: Final = datetime(2026, 11, 2, tzinfo=UTC)
RISKS: Final = ("low",) * 42 + ("medium",) * 12 + ("high",) * 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of ownership, as a new workspace gets it."""

    name: str
    chain: ChainDef
    charter: Charter
    roster: RosterView
    calendar: WorkingCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One story: when it is put before the chain, and what the chain is told."""

    at: datetime
    facts: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Tally:
    """What happened in the replays of one model."""

    low: list[bool] = field(default_factory=list)
    executive_asks: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    logs: list[list[ev.Event]] = field(default_factory=list)
    last: datetime = MONDAY


def model_of(name: str) -> Model:
    """The files of a model, read as the program reads them."""
    files = starter_rules(name)
    values = {path: yamlfile.parse(text, name=path).value for path, text in files.items()}
    people = roster_of(PeopleFile.model_validate(values["people.yaml"]))
    hours = people.hours
    return Model(
        name=name,
        chain=parse_chain(values["chains/rapid-response.yaml"], version="1"),
        charter=parse_charter(values["charter.yaml"], version="1", zone_name="UTC"),
        roster=RosterView.of(people),
        calendar=WorkingCalendar(zone=UTC, hours=hours.days, holidays=hours.holidays)
        if hours
        else WorkingCalendar(zone=UTC),
    )


def stories(random: Random) -> list[Story]:
    """Sixty stories, the same for every model."""
    risks = list(RISKS)
    random.shuffle(risks)
    found = []
    for number, risk in enumerate(risks):
        day = number // 4  # four a day, Monday to Friday
        at = MONDAY + timedelta(days=day // 5 * 7 + day % 5, hours=9 + 8 * random.random())
        facts = {
            "risk": risk,
            "channel": random.choice((["email"], ["email", "sms"], ["post"], ["email", "post"])),
            "topic": random.choice(("labor", "housing", "turnout", "climate")),
            "names_candidate": risk != "low" and random.random() < 0.2,
            "position_is_new": risk == "high" and random.random() < 0.5,
            "spend_cents": random.choice((0, 0, 0, 20_000)),
        }
        found.append(Story(at=at, facts=facts))
    return sorted(found, key=lambda story: story.at)


def absent(model: Model, at: datetime, random: Random) -> RosterView:
    """Two people away, each with somebody who stands in."""
    others = [m.id for m in model.roster.members if m.id != AUTHOR]
    # Nobody is left to stand in for anybody where all others are away.
    away = random.sample(others, min(2, len(others) - 1))
    start = at - timedelta(hours=1)
    steps: list[Delegation] = []
    for person in away:
        executive = not model.roster.get(person).roles.isdisjoint(EXECUTIVES)  # type: ignore[union-attr]
        fit = [
            m.id
            for m in model.roster.members
            if m.id not in {*away, AUTHOR, *(step.delegate for step in steps)}
            and executive != m.roles.isdisjoint(EXECUTIVES)
        ]
        if fit:
            steps.append(Delegation(principal=person, delegate=random.choice(fit), starts=start))
    return replace(
        model.roster,
        delegations=tuple(steps),
        absences=tuple(Absence(person=person, starts=start) for person in away),
    )


def delay(random: Random) -> timedelta:
    """How long somebody takes to answer."""
    return timedelta(minutes=random.lognormvariate(math.log(MEDIAN), SIGMA))


def play(model: Model, story: Story, random: Random, tally: Tally, *, returns: float = 0.0) -> None:
    """One story from submission to release or another end."""
    roster, chain, now = absent(model, story.at, random), model.chain, story.at
    common = {"revision": "r1", "digest": f"{random.getrandbits(256):064x}"}
    log: list[ev.Event] = [
        ev.Submitted(
            at=now,
            actor=AUTHOR,
            request="rq",
            chain=chain.id,
            chain_version=chain.version,
            facts=story.facts,
            **common,
        )
    ]
    for stage in chain.stages:
        if stage.auto:
            log.append(
                ev.Checked(at=now, actor=SYSTEM, stage=stage.id, passed=stage.auto, **common)
            )
    answers: dict[tuple[str, datetime | None, str], datetime] = {}
    gave_up: set[tuple[str, datetime | None, str]] = set()
    executive = False
    number = 1
    while True:
        state = fold(chain, log)
        if state.state not in (State.IN_REVIEW, State.RETURNED):
            break
        if state.state is State.RETURNED:
            number, now = number + 1, now + delay(random)
            words = {"revision": f"r{number}", "digest": f"{random.getrandbits(256):064x}"}
            again = ev.Submitted(
                at=now, actor=AUTHOR, request="rq", chain=chain.id,
                chain_version=chain.version, **words,
            )  # fmt: skip
            if admissible(state, again, roster, now, calendar=model.calendar) is not None:
                log += [a.event(state, now) for a in actions_due(state, now, model.calendar)]
                if fold(chain, log).state is state.state:
                    break
                continue
            log.append(again)
            for stage in chain.stages:
                if stage.auto:
                    log.append(
                        ev.Checked(at=now, actor=SYSTEM, stage=stage.id, passed=stage.auto, **words)
                    )
            continue
        asked = whose_turn(state, roster, now).people
        executive = executive or any(
            not roster.get(p).roles.isdisjoint(EXECUTIVES)
            for p in asked  # type: ignore[union-attr]
        )
        round_of = (state.waiting, state.opened_at)
        for person in asked:
            answers.setdefault((*round_of, person), now + delay(random))
        due = [
            (at, person)
            for (stage_id, since, person), at in answers.items()
            if (stage_id, since) == round_of
            and person in asked
            and (*round_of, person) not in gave_up
        ]
        clock = next_action_at(state, now, model.calendar)
        at, person = min(due, default=(None, ""))
        if clock is not None and (at is None or clock <= at):
            now = max(now, clock)
            log += [a.event(state, now) for a in actions_due(state, now, model.calendar)]
            continue
        if at is None:
            break
        now = max(now, at)
        says = Decision.RETURN if random.random() < returns else Decision.APPROVE
        if says is Decision.RETURN and person == AUTHOR:
            says = Decision.APPROVE  # whoever reads their own words changes them before they submit
        try:
            log.append(
                decide(
                    state, person, says, roster, now, auth="session",
                    calendar=model.calendar, charter=model.charter,
                )
            )  # fmt: skip
        except KitError as refusal:
            tally.refused[f"{type(refusal).__name__}: {refusal.message.split(' under ')[0]}"] += 1
            gave_up.add((*round_of, person))
    _end(model, story, log, executive=executive, tally=tally)


def _end(model: Model, story: Story, log: list[ev.Event], *, executive: bool, tally: Tally) -> None:
    state = fold(model.chain, log)
    tally.ends[state.state.value] += 1
    cleared = state.cleared_at
    if story.facts["risk"] == "low":
        tally.low.append(cleared is not None and cleared - story.at <= PROMISE)
        tally.executive_asks += executive
    if state.state is State.CLEARED and cleared is not None:
        log.append(
            ev.Released(
                at=cleared, actor=AUTHOR, revision=state.revision, digest=state.digest, release="x"
            )
        )
    tally.logs.append(log)
    tally.last = max(tally.last, log[-1].at)


def replay(model: Model, *, repeats: int, returns: float = 0.0) -> tuple[Tally, LatencyReport]:
    """The same stories, ``repeats`` times with other chance in people's answers."""
    tally = Tally()
    for repeat in range(repeats):
        for number, story in enumerate(stories(Random(SEED + repeat))):
            # The same chance for every model, whatever the models before it used up.
            chance = Random(f"{SEED}/{repeat}/{number}")
            play(model, story, chance, tally, returns=returns)
    courses = [
        course_of(model.chain, log, tally.last, calendar=model.calendar) for log in tally.logs
    ]
    return tally, latency(courses, as_of=tally.last)


def spent(report: LatencyReport) -> str:
    """Where the time went, in shares."""
    total = sum(minutes for _, _, minutes in report.spent)
    parts: dict[str, float] = {}
    for kind, stage, minutes in report.spent:
        name = f"waiting for {stage}" if stage else kind
        parts[name] = parts.get(name, 0.0) + minutes
    ranked = sorted(parts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {minutes / total:.0%}" for name, minutes in ranked)


def run(*, small: bool) -> Iterator[Figure]:
    repeats = 1 if small else 25
    shares: dict[str, float] = {}
    asks = 0
    for name in MODELS:
        model = model_of(name)
        tally, report = replay(model, repeats=repeats)
        shares[name] = sum(tally.low) / len(tally.low)
        asks += tally.executive_asks
        ends = ", ".join(f"{count} {end}" for end, count in sorted(tally.ends.items()))
        yield Figure(
            figure=f"{name}_low_risk_within_sla",
            value=round(shares[name], 4),
            unit="share",
            target=">= 0.95",
            note=f"cleared within {PROMISE.total_seconds() / 3600:g} h of submission;"
            f" {len(tally.low)} low-risk of {STORIES * repeats}; ends: {ends}",
        )
        yield Figure(
            figure=f"{name}_low_risk_executive_asks",
            value=tally.executive_asks,
            unit="count",
            target="== 0",
        )
        half, most = report.to_clear
        nine = "not reached" if most.value is None else f"{most.value:.0f} min"
        yield Figure(
            figure=f"{name}_minutes_to_clear",
            value=None if half.value is None else round(half.value, 1),
            unit="min",
            note=f"median of all risks; nine in ten {nine}; where the time went: {spent(report)}",
        )
        returned, report = replay(model, repeats=repeats, returns=RETURNS)
        yield Figure(
            figure=f"{name}_low_risk_within_sla_with_returns",
            value=round(sum(returned.low) / len(returned.low), 4),
            unit="share",
            note=f"{RETURNS:.0%} of answers are a return; where the time went: {spent(report)}",
        )
    supposed = (
        f"median {MEDIAN:g}, 90th percentile {P90:g} min, two away,"
        f" {repeats} x {STORIES} stories, seed {SEED}"
    )
    yield Figure(
        figure="low_risk_within_sla",
        value=round(min(shares.values()), 4),
        unit="share",
        target=">= 0.95",
        note=f"the slowest model; {supposed}",
    )
    yield Figure(
        figure="low_risk_executive_asks",
        value=asks,
        unit="count",
        target="== 0",
        note="all models together",
    )
