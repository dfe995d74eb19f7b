"""Time to work out where a request stands, and whether a chain can be completed by everybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, median_ms
from testkit.kernel import yamlfile
from testkit.signoff.admission import decide
from testkit.signoff.chain import fold
from testkit.signoff.check import check_chain, roles_of
from testkit.signoff.events import Edited, Event, Signed, Submitted
from testkit.signoff.model import Decision, Member, RosterView
from testkit.signoff.parse import parse_chain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testkit.signoff.model import ChainDef

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)


def run(*, small: bool) -> Iterator[Figure]:
    chain, repeats = _chain(), 5 if small else 51
    roster = RosterView(
        members=tuple(
            Member(id=f"{role}-{i}", roles=frozenset({role}))
            for role in roles_of(chain)
            for i in range(3)
        )
    )
    log = _log(chain, 1_000)
    yield Figure(
        figure="fold_1000_events_ms",
        value=median_ms(lambda: fold(chain, log), repeats=repeats),
        unit="ms",
        target="<= 10",
        note="every third event a new revision, the others sign-offs of three stages",
    )
    # Without the automatic checks, which nobody ran on these words.
    by_hand = replace(chain, stages=tuple(s for s in chain.stages if not s.auto))
    opened = fold(by_hand, log[:1])
    yield Figure(
        figure="decide_ms",
        value=median_ms(
            lambda: decide(opened, "comms_lead-0", Decision.APPROVE, roster, NOW), repeats=repeats
        ),
        unit="ms",
        note=f"{len(roster.members)} people",
    )
    yield Figure(
        figure="check_ms",
        value=median_ms(lambda: check_chain(chain, roster, NOW), repeats=min(repeats, 9)),
        unit="ms",
        note=f"{len(roster.members)} possible authors",
    )


def _chain() -> ChainDef:
    text = (resources.files("testkit.signoff") / "templates" / "comms.yaml").read_text("utf-8")
    return replace(parse_chain(yamlfile.parse(text, name="comms.yaml").value), expire=None)


def _log(chain: ChainDef, length: int) -> list[Event]:
    seats = (("comms", "comms_lead"), ("expert", "policy"), ("exec", "ed"))
    log: list[Event] = [
        Submitted(
            at=NOW,
            actor="writer",
            request="rq",
            chain=chain.id,
            chain_version=chain.version,
            revision="r0",
            digest="d0",
            facts={"risk": "high", "names_candidate": False, "spend_cents": 0},
        )
    ]
    for number in range(1, length):
        at, words = NOW + timedelta(seconds=number), number // 3
        if number % 3 == 0:
            log.append(Edited(at=at, actor="writer", revision=f"r{words}", digest=f"d{words}"))
            continue
        stage, role = seats[number // 2 % 3]
        groups = chain.stages[[s.id for s in chain.stages].index(stage)].groups
        log.append(
            Signed(
                at=at,
                actor=f"{role}-{number % 5}",
                stage=stage,
                decision=Decision.APPROVE if number % 4 else Decision.BLOCK,
                groups=tuple(group.id for group in groups),
                revision=f"r{words}",
                digest=f"d{words}",
            )
        )
    return log
