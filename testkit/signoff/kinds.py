"""Chains, people, charter and pre-cleared words as proposals: how their files are checked."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from testkit.errors import DefinitionError, InputError
from testkit.kernel import yamlfile
from testkit.kernel.kinds import Kind, Terms
from testkit.signoff.charter import Charter, parse_charter
from testkit.signoff.charter_check import check_charter, check_coverage
from testkit.signoff.check import CHECKS, check_chain
from testkit.signoff.cleared import adopted_chains, in_force
from testkit.signoff.facts import FACTS
from testkit.signoff.governance import NAME, confirmers
from testkit.signoff.lane_file import check_lane, clearers, parse_lane
from testkit.signoff.model import RosterView
from testkit.signoff.office import charter_in_force, office_of
from testkit.signoff.parse import parse_chain
from testkit.signoff.roster_check import check_roster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.kernel.findings import Finding
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.reader import Key

__all__ = ["CHAIN", "CHARTER", "LANE", "PEOPLE", "check_chain_text", "people_view"]


def _in_chain(chain: str, key: Key) -> str:
    return f"chain {chain}: {'.'.join(map(str, key))}"


def _zone(workspace: Workspace) -> str:
    return workspace.config.organisation.zone


def check_chain_text(
    workspace: Workspace, text: str, name: str, *, roster: RosterView | None = None
) -> Sequence[Finding]:
    """Everything about a chain file: its text, its people, and the charter in force.

    Args:
        workspace: The workspace.
        text: The file.
        name: How to call it.
        roster: The people to suppose; the adopted ones if None.
    """
    document = yamlfile.parse(text, name=name)
    if document.findings:
        return document.findings
    try:
        chain = parse_chain(
            document.value, zone_name=_zone(workspace), path=name, place=document.where
        )
    except DefinitionError as cause:
        return cause.findings
    now = workspace.clock()
    with workspace.db.read() as conn:
        office = office_of(conn, workspace)
        cleared = in_force(conn, chain, now=now, zone_name=_zone(workspace))
    people = roster or office.roster
    findings = list(
        check_chain(
            chain, people, now, known_checks=CHECKS, known_words=cleared, place=document.where
        )
    )
    if office.charter is not None and chain.id != NAME:  # that one clears no words
        findings += check_coverage(office.charter, chain, people, now, where=document.where(()))
    return findings


def _check_chain(workspace: Workspace, text: str, name: str) -> Sequence[Finding]:
    return check_chain_text(workspace, text, name)


def people_view(
    workspace: Workspace, text: str, name: str
) -> tuple[RosterView | None, list[Finding]]:
    """The people that a text means, and what is wrong with it; None when it cannot be read."""
    from testkit.kernel.peoplefile import PeopleFile, roster_of

    document = yamlfile.parse(text, name=name)
    people, findings = yamlfile.validate(document, PeopleFile)
    if people is None:
        return None, findings
    try:
        roster = RosterView.of(roster_of(people, zone_name=_zone(workspace)))
    except InputError as cause:
        return None, [document.finding("YM006", cause.message, hint=cause.hint)]
    for index, away in enumerate(people.away):
        if roster.get(away.person) is None:
            message = f"no person is called {away.person!r}"
            findings.append(document.finding("SO003", message, key=("away", index)))
    findings += check_roster(roster, workspace.clock(), place=document.where)
    return roster, findings


def _check_people(workspace: Workspace, text: str, name: str) -> Sequence[Finding]:
    """The people themselves, and whether every adopted chain can still be completed with them."""
    from testkit.kernel.workspace import CONFIG_NAME, PEOPLE_NAME

    roster, findings = people_view(workspace, text, name)
    if roster is None:
        return findings
    if name == PEOPLE_NAME and workspace.config.people:
        document = yamlfile.parse(text, name=name)
        message = f"{CONFIG_NAME} names people too; only {PEOPLE_NAME} counts"
        hint = f"remove `people:` from {CONFIG_NAME}"
        findings.append(document.finding("RO001", message, hint=hint, severity="warning"))
    with workspace.db.read() as conn:
        chains = adopted_chains(conn, _zone(workspace))
        charter = charter_in_force(conn, zone_name=_zone(workspace), now=workspace.clock())
    here = replace(roster, delegations=(), absences=())
    for chain in chains:
        place, now = partial(_in_chain, chain.id), workspace.clock()
        found = list(check_chain(chain, here, now, place=place))
        if charter is not None:
            found += check_coverage(charter, chain, here, now, where="charter")
        # Warnings: somebody who leaves has to be out at once, whatever that does to a chain.
        findings += [replace(f, severity="warning") for f in found if f.severity == "error"]
    return findings


def _charter(workspace: Workspace, text: str, name: str) -> tuple[Charter, yamlfile.Document]:
    document = yamlfile.parse(text, name=name)
    if document.findings:
        raise DefinitionError(document.findings, path=name)
    charter = parse_charter(
        document.value, zone_name=_zone(workspace), path=name, place=document.where
    )
    return charter, document


def _check_charter(workspace: Workspace, text: str, name: str) -> Sequence[Finding]:
    try:
        charter, document = _charter(workspace, text, name)
    except DefinitionError as cause:
        return cause.findings
    with workspace.db.read() as conn:
        office = office_of(conn, workspace)
        chains = [c for c in adopted_chains(conn, _zone(workspace)) if c.id != NAME]
    return check_charter(
        charter,
        office.roster,
        chains,
        workspace.clock(),
        known_facts=FACTS,
        place=document.where,
    )


def _charter_terms(workspace: Workspace, text: str) -> Terms:
    """Whoever may sign the charter in force signs the next one as well."""
    charter, _ = _charter(workspace, text, "charter.yaml")
    with workspace.db.read() as conn:
        now = office_of(conn, workspace).charter
    signers = (now or charter).signed_by
    return Terms(
        signers=signers,
        confirmers=tuple(dict.fromkeys((*signers, *confirmers(workspace)))),
        until=charter.valid_until,
    )


def _check_lane(workspace: Workspace, text: str, name: str) -> Sequence[Finding]:
    document = yamlfile.parse(text, name=name)
    try:
        found = parse_lane(document, zone_name=_zone(workspace))
    except DefinitionError as cause:
        return cause.findings
    stem = name.rpartition("/")[2].removesuffix(".yaml")
    if found.template.id != stem:
        message = f"the file is called {stem}, and its words {found.template.id}"
        return [document.finding("SO105", message, key=("lane",), hint="give both one name")]
    with workspace.db.read() as conn:
        office = office_of(conn, workspace)
        chains = adopted_chains(conn, _zone(workspace))
    return check_lane(found, chains, office.charter, workspace.clock(), document=document)


def _lane_terms(workspace: Workspace, text: str) -> Terms:
    """Words are cleared by the roles that the chains with them in their lane name."""
    found = parse_lane(yamlfile.parse(text, name="lane"), zone_name=_zone(workspace))
    with workspace.db.read() as conn:
        chains = adopted_chains(conn, _zone(workspace))
    return Terms(signers=clearers(found.template.id, chains), until=found.valid_until)


def _rule_terms(workspace: Workspace, _text: str) -> Terms:
    """Who says yes is changed with a yes from those whom the governance chain names."""
    return Terms(confirmers=confirmers(workspace))


PEOPLE = Kind(name="people", pattern="", check=_check_people, terms=_rule_terms)
CHAIN = Kind(name="chain", pattern="chains/*.yaml", check=_check_chain, terms=_rule_terms)
CHARTER = Kind(name="charter", pattern="charter.yaml", check=_check_charter, terms=_charter_terms)
LANE = Kind(name="lane", pattern="lanes/*.yaml", check=_check_lane, terms=_lane_terms)
