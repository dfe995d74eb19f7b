"""Does this charter fit these people and these chains? Asked before it, or a chain, is adopted.

Findings CH001 to CH008 are listed in ``docs/signoff/charter.md``.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from testkit.kernel.findings import Finding, Severity, by_severity
from testkit.signoff.conditions import Compare, Condition, comparisons
from testkit.signoff.model import StageDef
from testkit.signoff.routes import Route, eligible, routes, told

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from testkit.signoff.charter import Charter
    from testkit.signoff.model import ChainDef, GroupDef, RosterView

    Key = tuple[str | int, ...]

__all__ = ["check_charter", "check_coverage"]


def _plain_place(key: Key) -> str:
    return ".".join(str(part) for part in key)


def check_charter(
    charter: Charter,
    roster: RosterView,
    chains: Sequence[ChainDef],
    now: datetime,
    *,
    known_facts: Collection[str] | None = None,
    place: Callable[[Key], str] = _plain_place,
) -> tuple[Finding, ...]:
    """Everything that is wrong, or thin, about a charter.

    Args:
        charter: The charter.
        roster: The people.
        chains: The chains that would run under it.
        now: The moment.
        known_facts: Facts that can be stated; None accepts any name.
        place: Key path to the text of ``Finding.where``.

    Returns:
        Findings, errors first.
    """
    findings: list[Finding] = []

    def add(code: str, severity: Severity, message: str, key: Key, hint: str = "") -> None:
        findings.append(
            Finding(code=code, severity=severity, message=message, hint=hint, where=place(key))
        )

    held = sorted({r for m in roster.members if roster.here(m.id, now) for r in m.roles})
    for roles, key in _named(charter):
        missing = [role for role in roles if role not in held]
        for role in missing:
            near = difflib.get_close_matches(role, held, n=1, cutoff=0.8)
            alone = len(missing) == len(roles) and key[0] in {"signed_by", "may_say_yes"}
            add(
                "CH001",
                "error" if alone or near else "warning",
                f"no one has the role {role!r}",
                key,
                f"did you mean {near[0]!r}?"
                if near
                else f"roles here: {', '.join(held) or 'none'}",
            )
    if charter.valid_until is not None and charter.valid_until <= now:
        add("CH003", "error", "it is over before it begins", ("valid_until",), "give a later date")
    for i, grant in enumerate(charter.grants):
        for part in comparisons(grant.when) if grant.when is not None else ():
            if known_facts is not None and part.fact not in known_facts:
                near = difflib.get_close_matches(part.fact, list(known_facts), n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known_facts)}"
                message = f"nobody states the fact {part.fact!r}, so this grant covers nothing"
                add("CH004", "warning", message, ("may_say_yes", i, "when"), hint)
    if charter.max_spend_cents is None:
        add("CH005", "note", "it sets no limit on spending", (), "add `max_spend_cents: 500000`")
    for chain in chains:
        findings += check_coverage(charter, chain, roster, now, where=place(("may_say_yes",)))
    return by_severity(dict.fromkeys(findings))


def _named(charter: Charter) -> Iterator[tuple[Sequence[str], Key]]:
    yield charter.signed_by, ("signed_by",)
    for i, grant in enumerate(charter.grants):
        yield grant.roles, ("may_say_yes", i, "from")
    yield charter.override or (), ("override",)
    for role, allowed in charter.stand_ins.items():
        yield (role,), ("stand_ins", role)
        yield allowed, ("stand_ins", role)


def check_coverage(
    charter: Charter, chain: ChainDef, roster: RosterView, now: datetime, *, where: str = ""
) -> tuple[Finding, ...]:
    """Ways through a chain on which nobody, or not surely somebody, may say yes.

    Returns:
        CH002 errors where nobody whom the chain asks has the power, CH006 warnings where the
        quorum can be reached without them, CH007 where the charter keeps the chain's override
        from everybody, CH008 for each author besides whom nobody could say the yes that is enough.
    """
    findings: list[Finding] = []
    # The charter's own limits are tried together with the chain's: a stage that nobody signs
    # brings each condition into the search for ways.
    conditions: list[Condition] = [grant.when for grant in charter.grants if grant.when is not None]
    if charter.max_spend_cents is not None:
        conditions.append(Compare(fact="spend_cents", op="gt", value=charter.max_spend_cents))
    limits = tuple(
        StageDef(id=f"(charter {i})", auto=("-",), when=when) for i, when in enumerate(conditions)
    )
    ways, _ = routes(replace(chain, stages=(*chain.stages, *limits)))
    told_of: set[tuple[str, tuple[str, ...]]] = set()
    dead: dict[str, Finding] = {}
    tried: set[tuple[tuple[GroupDef, ...], tuple[str, ...]]] = set()
    for way in ways:
        facts = dict(way.facts)
        spend = facts.get("spend_cents")
        most = charter.max_spend_cents
        if most is not None and isinstance(spend, int | float) and spend > most:
            continue
        groups = [group for stage in way.asked for group in stage.groups]
        if not groups:
            continue
        covering = charter.covering(facts)
        able = {m.id for m in roster.members if not m.roles.isdisjoint(covering)}
        sure = any(_without(group, roster, able, now) < group.need for group in groups)
        some = any(able & set(roster.holders(group, now)) for group in groups)
        if some and (tuple(groups), covering) not in tried:
            tried.add((tuple(groups), covering))
            for author in _left_alone(chain, groups, roster, able, now):
                if author not in dead:
                    dead[author] = _dead_end(
                        chain, roster, author=author, way=way, covering=covering, where=where
                    )
        asked = tuple(dict.fromkeys(role for group in groups for role in group.roles))
        if sure or (code := "CH006" if some else "CH002", asked) in told_of:
            continue
        told_of.add((code, asked))
        who = " or ".join(covering) or "nobody"
        findings.append(
            Finding(
                code=code,
                severity="error" if code == "CH002" else "warning",
                message=f"chain {chain.id}, {told(way.facts)}: "
                + (
                    f"the charter wants {who}, and the chain asks {', '.join(asked)}"
                    if code == "CH002"
                    else f"the quorum can be reached without {who}, whom the charter wants"
                ),
                hint="add a stage for them to the chain, or a line under may_say_yes",
                where=where,
            )
        )
    findings += dead.values()
    if chain.override is not None and charter.override is not None:
        allowed = set(charter.override)
        able_now = [
            m
            for m in roster.members
            if roster.holds_any(m.id, chain.override.roles, now) and not m.roles.isdisjoint(allowed)
        ]
        if not able_now:
            findings.append(
                Finding(
                    code="CH007",
                    severity="warning",
                    message=f"chain {chain.id}: nobody may override under both chain and charter",
                    hint=f"the chain names {', '.join(chain.override.roles)}",
                    where=where,
                )
            )
    return tuple(findings)


def _left_alone(
    chain: ChainDef, groups: Sequence[GroupDef], roster: RosterView, able: set[str], now: datetime
) -> list[str]:
    """Authors on whose words none of those with the power could sign any of these groups.

    One such person is enough: whoever can take a seat can take it in some full set of seats.
    """
    return [
        author.id
        for author in roster.members
        if roster.here(author.id, now)
        and not any(able & set(eligible(chain, g, roster, now, author=author.id)) for g in groups)
    ]


def _dead_end(
    chain: ChainDef,
    roster: RosterView,
    *,
    author: str,
    way: Route,
    covering: Sequence[str],
    where: str,
) -> Finding:
    return Finding(
        code="CH008",
        severity="error",
        message=f"chain {chain.id}, {told(way.facts)}: when {roster.name(author)} writes, nobody"
        f" is left whose yes is enough ({' or '.join(covering)})",
        hint="give one of these roles to somebody else as well, or add a line under may_say_yes",
        where=where,
    )


def _without(group: GroupDef, roster: RosterView, able: set[str], now: datetime) -> int:
    """How many could fill the group without anybody who has the power."""
    return sum(1 for person in roster.holders(group, now) if person not in able)
