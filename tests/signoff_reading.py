"""A second reading of a sign-off log: naive, slow, and written without the program's tricks."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

from testkit.signoff import events as ev
from testkit.signoff.conditions import evaluate
from testkit.signoff.model import Decision, auth_rank

if TYPE_CHECKING:
    from testkit.signoff.model import ChainDef, GroupDef, StageDef

__all__ = ["Reading"]


class Reading:
    """What a careful person would conclude from the log, written without the program's tricks."""

    def __init__(self, chain: ChainDef, events: list[ev.Event]) -> None:
        self.chain = chain
        self.author = ""
        self.owners: set[str] = set()
        self.editors: set[str] = set()
        self.digest = ""
        self.facts: dict[str, Any] = {}
        self.said: list[ev.Signed] = []
        self.checked: dict[tuple[str, str], ev.Checked] = {}
        self.overridden: set[str] = set()
        self.in_lane: set[str] = set()
        for step in events:
            self.read(step)

    def read(self, step: ev.Event) -> None:
        match step:
            case ev.Submitted() | ev.Edited():
                first = isinstance(step, ev.Submitted) and not self.owners
                if first:
                    self.owners = {step.actor, step.author or step.actor}
                elif step.digest and step.digest != self.digest:
                    self.editors.add(step.actor)
                if isinstance(step, ev.Submitted):
                    self.said = [s for s in self.said if s.decision is not Decision.RETURN]
                self.digest = step.digest or self.digest
                before = self.asked()
                self.facts = dict(step.facts) if step.facts is not None else self.facts
                if not first and before - self.asked():
                    self.said = [s for s in self.said if not s.decision.approves]
            case ev.Signed():
                self.hear(step)
            case ev.Checked():
                self.checked[step.stage, step.digest] = step
            case ev.Overridden():
                self.overridden.add(step.digest)
                self.said = [s for s in self.said if s.decision is not Decision.BLOCK]
            case ev.LaneEntered():
                self.in_lane.add(step.digest)

    def hear(self, step: ev.Signed) -> None:
        def stays(old: ev.Signed) -> bool:
            if (old.stage, old.seat) != (step.stage, step.seat):
                return True
            if old.actor == step.actor or not old.decision.approves:
                return False
            return step.decision.approves or (
                step.decision is Decision.WITHDRAW and step.actor != step.seat
            )

        self.said = [old for old in self.said if stays(old)]
        if step.decision is not Decision.WITHDRAW:
            self.said.append(step)

    def low(self) -> bool:
        lane, facts = self.chain.fast_lane, self.facts
        order = self.chain.levels["risk"]
        return facts.get("risk") in order[: order.index(lane.max_risk) + 1] and facts.get(
            "spend_cents"
        ) in range((lane.max_spend_cents or 0) + 1)

    def asked(self) -> set[tuple[str, str]]:
        def holds(when) -> bool:
            return when is None or evaluate(when, self.facts, self.chain.levels) is not False

        return {
            (stage.id, group.id)
            for stage in self.chain.stages
            if holds(stage.when)
            for group in stage.groups
            if holds(group.when)
        }

    def yes(self, stage: StageDef) -> list[ev.Signed]:
        options = self.chain.options
        out = set() if options.author_may_approve else set(self.owners)
        if not options.editor_may_approve:
            out |= self.editors - (self.owners if options.author_may_approve else set())
        return [
            s
            for s in self.said
            if s.stage == stage.id
            and s.decision.approves
            and s.digest == self.digest
            and not {s.actor, s.seat, *s.path} & out
            and auth_rank(s.auth) >= auth_rank(stage.min_auth)
        ]

    def signed_off(self) -> bool:
        """Whether the current words have what the chain asks for."""
        if any(not s.decision.approves for s in self.said):
            return False
        if self.digest in self.overridden:
            return True
        if self.digest in self.in_lane and self.low():
            return True
        asked = self.asked()
        if not asked:
            return False
        for stage in self.chain.stages:
            if stage.auto:
                ran = self.checked.get((stage.id, self.digest))
                if ran is None or ran.failed or set(stage.auto) - set(ran.passed):
                    return False
        return self.from_stage(0, asked, frozenset())

    def from_stage(self, index: int, asked: set[tuple[str, str]], used: frozenset[str]) -> bool:
        """Whether sign-offs can be found for this stage and all after it.

        Where nobody may count twice, a yes that a stage does not need leaves its giver free.
        """
        if index == len(self.chain.stages):
            return True
        stage = self.chain.stages[index]
        groups = [g for g in stage.groups if (stage.id, g.id) in asked]
        yes = self.yes(stage)
        if self.chain.options.repeat_signers:
            filled = self.filled(groups, yes, distinct=stage.distinct)
            return filled and self.from_stage(index + 1, asked, used)
        yes = [s for s in yes if not {s.actor, s.seat} & used]
        most = min(len(yes), sum(group.need for group in groups))
        return any(
            self.filled(groups, list(chosen), distinct=stage.distinct)
            and self.from_stage(
                index + 1, asked, used | {p for s in chosen for p in (s.actor, s.seat)}
            )
            for size in range(most + 1)
            for chosen in combinations(yes, size)
        )

    @staticmethod
    def filled(groups: list[GroupDef], yes: list[ev.Signed], *, distinct: bool) -> bool:
        def apart(chosen) -> bool:
            return len({s.actor for s in chosen}) == len({s.seat for s in chosen}) == len(chosen)

        def fits(group: GroupDef, chosen) -> bool:
            return all(group.id in s.groups for s in chosen)

        if not distinct:
            return all(
                any(fits(g, c) and apart(c) for c in combinations(yes, g.need)) for g in groups
            )
        seats = [g for g in groups for _ in range(g.need)]
        return any(
            apart(c) and all(g.id in s.groups for g, s in zip(seats, c, strict=True))
            for c in permutations(yes, len(seats))
        )
