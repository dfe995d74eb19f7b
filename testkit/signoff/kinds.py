"""Chain files as proposals: how they are checked, and which ones a new workspace gets."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

from testkit.errors import DefinitionError
from testkit.kernel import proposals, yamlfile
from testkit.kernel.config import PeopleFile, roster_of
from testkit.kernel.kinds import Kind
from testkit.signoff.check import check_chain
from testkit.signoff.model import RosterView
from testkit.signoff.parse import parse_chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.kernel.findings import Finding
    from testkit.kernel.workspace import Workspace

__all__ = ["CHAIN", "PEOPLE", "starter_chains"]


def _check(workspace: Workspace, text: str, name: str) -> Sequence[Finding]:
    document = yamlfile.parse(text, name=name)
    if document.findings:
        return document.findings
    try:
        chain = parse_chain(
            document.value,
            zone_name=workspace.config.organisation.zone,
            path=name,
            place=document.where,
        )
    except DefinitionError as cause:
        return cause.findings
    roster = RosterView.of(workspace.roster)
    return check_chain(chain, roster, workspace.clock(), place=document.where)


def _check_people(workspace: Workspace, text: str, name: str) -> Sequence[Finding]:
    """The people themselves, and whether every adopted chain can still be completed with them."""
    people, findings = yamlfile.validate(yamlfile.parse(text, name=name), PeopleFile)
    if people is None:
        return findings
    roster = RosterView.of(roster_of(people.people))
    with workspace.db.read() as conn:
        adopted = proposals.all_adopted(conn, kind="chain")
    for adoption in adopted:
        document = yamlfile.parse(adoption.text, name=f"chain {adoption.name}")
        chain = parse_chain(document.value, zone_name=workspace.config.organisation.zone)
        found = check_chain(chain, roster, workspace.clock(), place=document.where)
        # Warnings: somebody who leaves has to be out at once, whatever that does to a chain.
        stuck = [replace(f, severity="warning") for f in found if f.severity == "error"]
        findings = [*findings, *stuck]
    return findings


PEOPLE = Kind(name="people", pattern="", check=_check_people)
CHAIN = Kind(name="chain", pattern="chains/*.yaml", check=_check)


def starter_chains(names: Sequence[str] = ("rapid-response",)) -> dict[str, str]:
    """Chain files for a new workspace: ``path -> text``."""
    folder = files("testkit.signoff").joinpath("templates")
    return {
        f"chains/{name}.yaml": folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
        for name in names
    }
