"""Can this chain be completed by these people? Asked before it is adopted, for every author.

Small offices deadlock themselves, hence the name of each author for whom the chain cannot complete.
Ways through a chain are found in :mod:`testkit.signoff.routes`; here they become findings.

Findings SO001 to SO019 are listed in ``docs/signoff/chain.md``.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from testkit.errors import InputError
from testkit.kernel.findings import Finding, Severity, by_severity
from testkit.signoff.conditions import comparisons, phrase
from testkit.signoff.facts import FACTS
from testkit.signoff.roster_check import check_roster, plain_place, unknown
from testkit.signoff.routes import MOST, dead_end, eligible, outcomes, routes, told
from testkit.signoff.standins import delegates, holders

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from testkit.signoff.conditions import Condition
    from testkit.signoff.model import ChainDef, GroupDef, RosterView

    Key = tuple[str | int, ...]

__all__ = ["CHECKS", "check_adoption", "check_chain", "roles_of"]

CHECKS: Final = (
    "claims_match_article",
    "disclaimer",
    "length_ok",
    "lint",
    "slots_filled",
    "sources_present",
)
"""Automatic checks that run on responses."""


def check_chain(
    chain: ChainDef,
    roster: RosterView,
    now: datetime,
    *,
    known_facts: Collection[str] | None = FACTS,
    known_checks: Collection[str] | None = None,
    known_words: Collection[str] | None = None,
    place: Callable[[Key], str] = plain_place,
) -> tuple[Finding, ...]:
    """Everything that is wrong, or thin, about a chain in the hands of these people.

    Args:
        chain: The chain.
        roster: The people.
        now: The moment: who is here, which delegations hold.
        known_facts: Facts that can be stated; None accepts any name.
        known_checks: Automatic checks that somebody runs; None accepts any name.
        known_words: Words that somebody has cleared for the fast lane; None accepts any name.
        place: Key path to the text of ``Finding.where`` (file, line and column, say).

    Returns:
        Findings, errors first; none for a chain that any author can take to its end.
    """
    unrun = [
        unknown(
            "SO017",
            f"nobody runs the check {name!r}: stage {stage.id!r} would never pass",
            name,
            known_checks,
            where=place(("stages", i, "auto")),
        )
        for i, stage in enumerate(chain.stages)
        for name in stage.auto
        if known_checks is not None and name not in known_checks
    ]
    lane = () if known_words is None else _lane(chain, known_words, now, place)
    return by_severity([*unrun, *lane, *_Check(chain, roster, now, known_facts, place).run()])


def _lane(
    chain: ChainDef, known_words: Collection[str], now: datetime, place: Callable[[Key], str]
) -> Iterator[Finding]:
    """SO018: a fast lane that nothing can take, or not all that it names."""
    lane = chain.fast_lane
    if lane is None:
        return
    if lane.valid_until is not None and lane.valid_until <= now:
        yield Finding(
            code="SO018",
            severity="warning",
            message="the fast lane is over: its words need the stages again",
            hint="give a later date, or remove fast_lane",
            where=place(("fast_lane", "valid_until")),
        )
    for i, name in enumerate(lane.templates):
        if name not in known_words:
            yield Finding(
                code="SO018",
                severity="note",
                message=f"nobody has cleared the words {name!r} for the fast lane",
                hint=f"{' or '.join(chain.lane_clearers)} adopts lanes/{name}.yaml",
                where=place(("fast_lane", "templates", i)),
            )


def roles_of(chain: ChainDef) -> tuple[str, ...]:
    """Every role that a chain names, sorted: what a roster for it should fill."""
    override, lane, own = chain.override, chain.fast_lane, chain.post_review
    found = {role for stage in chain.stages for group in stage.groups for role in group.roles}
    found.update(*(stage.sla.escalate_to for stage in chain.stages), chain.stop.roles)
    found.update((*override.roles, *override.review.roles) if override else ())
    found.update(lane.review.roles if lane else (), own.roles if own else ())
    return tuple(sorted(found))


def check_adoption(
    governance: ChainDef,
    roster_after: RosterView,
    now: datetime,
) -> tuple[Finding, ...]:
    """Whether the people of tomorrow could still change the rules of tomorrow.

    Args:
        governance: The chain under which chains and rosters are changed.
        roster_after: The roster as it would be after the adoption.
        now: The moment.

    Returns:
        SO011 errors when no author at all could take a change to its end: adopting this would
        lock everybody out of repairing it.
    """
    ways, _ = routes(governance)
    authors = [m.id for m in roster_after.members if roster_after.here(m.id, now)]
    stuck = [
        a
        for a in authors
        if dead_end(governance, roster_after, now, author=a, ways=ways) is not None
    ]
    if authors and len(stuck) < len(authors):
        return ()
    return (
        Finding(
            code="SO011",
            severity="error",
            message=f"after this, nobody could take a change of the rules through"
            f" {governance.id}: you would lock yourselves out",
            hint="keep at least two people in the roles that it asks for",
        ),
    )


class _Check:
    """One run over one chain."""

    def __init__(
        self,
        chain: ChainDef,
        roster: RosterView,
        now: datetime,
        known_facts: Collection[str] | None,
        place: Callable[[Key], str],
    ) -> None:
        self.chain = chain
        self.roster = roster
        self.now = now
        self.known_facts = known_facts
        self.place = place
        self.findings: list[Finding] = []
        self.authors = [m.id for m in roster.members if roster.here(m.id, now)]
        self.routes, self.proved = routes(chain)
        self.roles = sorted({role for m in roster.members for role in m.roles})

    def add(
        self, code: str, severity: Severity, message: str, hint: str = "", *key: str | int
    ) -> None:
        self.findings.append(
            Finding(code=code, severity=severity, message=message, hint=hint, where=self.place(key))
        )

    def run(self) -> tuple[Finding, ...]:
        self._names()
        self._facts()
        self._reach()
        self._size()
        self._authors()
        self._deputies()
        self._ways_out()
        self._alone()
        self.findings += check_roster(self.roster, self.now, place=self.place)
        return by_severity(self.findings)

    def _named(self) -> Iterator[tuple[Sequence[str], Key]]:
        """Every list of roles or people in the chain, with its place."""
        for i, stage in enumerate(self.chain.stages):
            for j, group in enumerate(stage.groups):
                yield group.roles, (*self._group_key(i, j), "from")
                yield group.people, (*self._group_key(i, j), "people")
            yield stage.sla.escalate_to, ("stages", i, "sla", "escalate")
        override, lane = self.chain.override, self.chain.fast_lane
        if override is not None:
            yield override.roles, ("override", "from")
            yield override.review.roles, ("override", "post_review", "from")
        if lane is not None:
            yield lane.cleared_by, ("fast_lane", "cleared_by")
            yield lane.review.roles, ("fast_lane", "post_review", "from")
        if self.chain.post_review is not None:
            yield self.chain.post_review.roles, ("post_review", "from")
        yield self.chain.stop.roles, ("stop", "from")

    def _group_key(self, stage: int, group: int) -> Key:
        groups = self.chain.stages[stage].groups
        short = len(groups) == 1 and groups[0].when is None
        return ("stages", stage) if short else ("stages", stage, "all_of", group)

    def _names(self) -> None:
        people = [member.id for member in self.roster.members]
        for listed, key in self._named():
            strangers = [name for name in listed if name not in self.roles and name not in people]
            for name in strangers:
                kind = "person" if key[-1] == "people" else "role"
                known = people if kind == "person" else [*self.roles, *people]
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
                # Beside a role that somebody holds, a role without a holder yet does no harm,
                # unless it looks like a slip of the pen.
                alone = len(strangers) == len(listed)
                self.findings.append(
                    unknown(
                        "SO003" if kind == "person" else "SO001",
                        f"no {'person is called' if kind == 'person' else 'one has the role'}"
                        f" {name!r}",
                        name,
                        known,
                        where=self.place(key),
                        severity="error" if alone or near else "warning",
                    )
                )

    def _conditions(self) -> Iterator[tuple[str, Condition, Key]]:
        for i, stage in enumerate(self.chain.stages):
            if stage.when is not None:
                yield f"stage {stage.id!r}", stage.when, ("stages", i, "when")
            for j, group in enumerate(stage.groups):
                if group.when is not None:
                    yield f"group {group.id!r}", group.when, (*self._group_key(i, j), "when")

    def _facts(self) -> None:
        for _, when, key in self._conditions():
            where = self.place(key)
            for part in comparisons(when):
                if self.known_facts is not None and part.fact not in self.known_facts:
                    what = f"nobody states the fact {part.fact!r}"
                    self.findings.append(
                        unknown(
                            "SO002",
                            what,
                            part.fact,
                            self.known_facts,
                            where=where,
                            severity="warning",
                        )
                    )
                order = self.chain.levels.get(part.fact)
                for value in part.value if isinstance(part.value, tuple) else (part.value,):
                    if order is not None and value not in order:
                        what = f"{part.fact} has no value {value!r}"
                        self.findings.append(unknown("SO002", what, str(value), order, where=where))

    def _reach(self) -> None:
        for what, when, key in self._conditions():
            met = outcomes(self.chain, when)
            if met == {False}:
                self.add(
                    "SO004",
                    "error",
                    f"{what} is never asked: no facts make {phrase(when)!r} true",
                    "correct the condition, or remove it",
                    *key,
                )
            elif False not in met:
                self.add(
                    "SO005",
                    "note",
                    f"{what} is always asked: {phrase(when)!r} is never false",
                    "remove the condition",
                    *key,
                )
        empty = [r for r in self.routes if not any(stage.groups for stage in r.asked)]
        if empty:
            self.add(
                "SO006",
                "error" if len(empty) == len(self.routes) else "warning",
                f"no person is asked when {told(empty[0].facts)}: such a request is blocked, never"
                " approved by itself",
                "let one stage apply always",
                "stages",
            )
        if not self.proved:
            self.add(
                "SO019",
                "note",
                f"the conditions have more than {MOST} combinations of facts; the first {MOST}"
                " were tried",
                "use fewer facts or constants to have all of them proved",
                "stages",
            )

    def _size(self) -> None:
        for i, stage in enumerate(self.chain.stages):
            for j, group in enumerate(stage.groups):
                size = len(list(holders(self.roster, group, self.now)))
                if size < group.need:
                    self.add(
                        "SO007",
                        "error",
                        f"stage {stage.id!r} needs {group.need} of {_who(group)}, and there"
                        f" {'is' if size == 1 else 'are'} {size}",
                        "give the role to more people, or lower `need`",
                        *self._group_key(i, j),
                        "need",
                    )

    def _authors(self) -> None:
        """SO008, one for each author and stage; what SO007 says of everybody is not repeated."""
        short = {
            stage.id
            for stage in self.chain.stages
            for group in stage.groups
            if len(list(holders(self.roster, group, self.now))) < group.need
        }
        for author in self.authors:
            dead = dead_end(self.chain, self.roster, self.now, author=author, ways=self.routes)
            if dead is None or dead.stage in short:
                continue
            stage = next(s for s in dead.route.asked if s.id == dead.stage)
            able = {
                person
                for group in stage.groups
                for person in eligible(self.chain, group, self.roster, self.now, author=author)
            }
            left = ", ".join(self.roster.name(person) for person in sorted(able)) or "nobody"
            seats = sum(group.need for group in stage.groups)
            if stage.distinct and len(able) < seats and len(stage.groups) > 1:
                left += f" for {seats} seats, one each"
            facts = f" (when {told(dead.route.facts)})" if dead.route.facts else ""
            self.add(
                "SO008",
                "error",
                f"the chain cannot complete when {self.roster.name(author)} writes: stage"
                f" {stage.id!r} then has {left} to sign{facts}",
                "give the role to somebody else as well"
                + (", or say `distinct: false`" if len(stage.groups) > 1 else "")
                + ", or use a solo chain",
                "stages",
                [s.id for s in self.chain.stages].index(stage.id),
            )

    def _deputies(self) -> None:
        for i, stage in enumerate(self.chain.stages):
            for j, group in enumerate(stage.groups):
                people = [person for person, _ in holders(self.roster, group, self.now)]
                if len(people) != group.need:
                    continue
                bare = [p for p in people if not self._stands_in(p, group)]
                if bare:
                    named = ", ".join(self.roster.name(p) for p in bare)
                    self.add(
                        "SO009",
                        "warning",
                        f"stage {stage.id!r} stops when {named} is away: no deputy for"
                        f" {_who(group)}",
                        "give the role to one more person, or record a delegation",
                        *self._group_key(i, j),
                        "from",
                    )

    def _stands_in(self, person: str, group: GroupDef) -> bool:
        member = self.roster.get(person)
        roles = member.roles & set(group.roles) if member else ()
        try:
            return bool(delegates(self.roster, person, self.now, roles=roles))
        except InputError:
            return False

    def _holders_of(self, names: Sequence[str]) -> list[str]:
        return [p for p in self.authors if self.roster.holds_any(p, names, self.now)]

    def _ways_out(self) -> None:
        """Blocks, overrides and reviews must have somebody at the other end."""
        override = self.chain.override
        if override is None:
            self.add(
                "SO010",
                "note",
                "there is no override: a block by somebody who leaves, or facts for which no stage"
                " applies, end the request",
                "add `override: {from: [...], post_review: {from: [...]}}`",
            )
        else:
            may = self._holders_of(override.roles)
            if not may:
                self.add("SO012", "error", "nobody may override", "", "override", "from")
            self._reviewers("the override", override.review.roles, may, "override", "post_review")
        lane, own = self.chain.fast_lane, self.chain.post_review
        if lane is not None:
            self._reviewers(
                "the fast lane", lane.review.roles, self.authors, "fast_lane", "post_review"
            )
        if own is not None and own.self_after is None:
            self._reviewers("a release on one's own yes", own.roles, self.authors, "post_review")
        only = {self._only(group) for stage in self.chain.stages for group in stage.groups} - {None}
        for person in sorted(p for p in only if p):
            locks = override is None or self._holders_of(override.roles) == [person]
            if locks and not self.chain.options.author_may_approve:
                self.add(
                    "SO011",
                    "error",
                    f"{self.roster.name(person)} alone can sign a stage and alone can override:"
                    " their own block, edit or absence locks the chain for everybody",
                    "give the override to somebody else, or the role to one more person",
                    "override" if override else "stages",
                )

    def _only(self, group: GroupDef) -> str | None:
        people = [person for person, _ in holders(self.roster, group, self.now)]
        return people[0] if len(people) == 1 else None

    def _reviewers(
        self, what: str, roles: Sequence[str], doers: Sequence[str], *key: str | int
    ) -> None:
        reviewers = self._holders_of(roles)
        for doer in doers:
            if not [r for r in reviewers if r != doer]:
                self.add(
                    "SO012",
                    "warning",
                    f"nobody else can review {what} by {self.roster.name(doer)}: it stays due"
                    " for ever",
                    "give a review role to a second person, a board member say",
                    *key,
                    "from",
                )
                return

    def _alone(self) -> None:
        if not self.chain.options.repeat_signers:
            return
        for route in self.routes:
            human = [stage for stage in route.asked if stage.groups]
            if len(human) < 2:
                continue
            groups = [group for stage in human for group in stage.groups]
            if any(group.need > 1 for group in groups):
                continue
            able = [{p for p, _ in holders(self.roster, g, self.now)} for g in groups]
            alone = sorted(set.intersection(*able))
            if alone:
                self.add(
                    "SO016",
                    "warning",
                    f"{self.roster.name(alone[0])} can pass all {len(human)} stages alone",
                    "set `repeat_signers: false`, or part the roles",
                    "stages",
                )
                return


def _who(group: GroupDef) -> str:
    return " or ".join((*group.roles, *group.people)) or group.id
