"""Which files are proposals: where each kind lies, and who can read it.

Products register their kinds with the composition root; adopting and showing status is the same
for all of them.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testkit.errors import DefinitionError, InputError, NotFoundError
from testkit.kernel import proposals, yamlfile
from testkit.kernel.findings import by_severity, has_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from testkit.kernel.findings import Finding
    from testkit.kernel.workspace import Workspace

__all__ = ["Kind", "Terms", "adopt", "files", "find", "status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a text asks of its own adoption.

    Attributes:
        signers: Roles of which one of those who adopt must hold one; anybody's yes if empty.
        confirmers: Roles, and ids of people, of which the second yes must come from one where a
            second yes is needed; any other role if empty.
        until: When it goes out of force by itself.
    """

    signers: tuple[str, ...] = ()
    confirmers: tuple[str, ...] = ()
    until: datetime | None = None


def _no_terms(_workspace: Workspace, _text: str) -> Terms:
    return Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of proposal.

    Attributes:
        name: ``issue``, ``chain``, ``people``, ``template`` ...
        pattern: Where its files lie below the workspace, as a glob; empty for ``people``.
        check: ``(workspace, text, shown name) -> findings``; errors forbid adopting.
        terms: ``(workspace, text) -> terms`` of a sound text.
    """

    name: str
    pattern: str
    check: Callable[[Workspace, str, str], Sequence[Finding]]
    terms: Callable[[Workspace, str], Terms] = _no_terms


def files(workspace: Workspace, kinds: Sequence[Kind]) -> dict[tuple[str, str], tuple[str, str]]:
    """``(kind, name) -> (path as shown, text)`` of every proposal in the folder.

    Raises:
        InputError: A file cannot be read as text.
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for kind in kinds:
        if not kind.pattern:
            found[kind.name, kind.name] = workspace.people_text()
            continue
        for path in sorted(workspace.root.glob(kind.pattern)):
            if path.is_file():
                name = _name(workspace.root, kind, path)
                found[kind.name, name] = (workspace.shown(path), yamlfile.read_text(path))
    return found


def _name(root: Path, kind: Kind, path: Path) -> str:
    """``issues/heat.yaml`` is ``heat``; ``templates/sms/call.jinja`` is ``sms/call``."""
    depth = kind.pattern.split("/").index("*") if "*" in kind.pattern.split("/") else 1
    parts = path.relative_to(root).with_suffix("").parts
    return "/".join(parts[min(depth, len(parts) - 1) :])


def find(workspace: Workspace, kinds: Sequence[Kind], given: str) -> tuple[Kind, str, str, str]:
    """The proposal that a user named: ``issues/heat.yaml``, ``heat`` or ``people``.

    Returns:
        Kind, name, path as shown, text.

    Raises:
        NotFoundError: Nothing has that name; close ones are suggested.
        InputError: The name fits several.
    """
    listed = files(workspace, kinds)
    by_kind = {kind.name: kind for kind in kinds}
    hits = [
        (kind, name)
        for (kind, name), (path, _) in listed.items()
        if given in {name, path, f"{kind}/{name}"} or given == f"./{path}"
    ]
    if len(hits) > 1:
        raise InputError(
            f"{given!r} fits several files",
            field="file",
            value=given,
            hint="name one of: " + ", ".join(listed[hit][0] for hit in hits),
        )
    if not hits:
        names = {path: None for path, _ in listed.values()} | {name: None for _, name in listed}
        near = difflib.get_close_matches(given, names, n=2)
        hint = "" if near else f"there are: {', '.join(sorted(names)) or 'no proposals'}"
        raise NotFoundError("proposal", given, did_you_mean=near, hint=hint)
    kind_name, name = hits[0]
    path, text = listed[hits[0]]
    return by_kind[kind_name], name, path, text


def adopt(
    workspace: Workspace, kinds: Sequence[Kind], given: str
) -> tuple[proposals.Adoption, tuple[Finding, ...]]:
    """Check a proposal and adopt it.

    Raises:
        DefinitionError: The file has errors; nothing was changed.
        NotAuthorisedError: A second role is needed and this person has not got it.
    """
    kind, name, path, text = find(workspace, kinds, given)
    findings = by_severity(kind.check(workspace, text, path))
    if has_errors(findings):
        raise DefinitionError(findings, path=path)
    roster, terms = workspace.roster, kind.terms(workspace, text)
    with workspace.db.write() as conn:
        adoption = proposals.adopt(
            conn,
            kind=kind.name,
            name=name,
            text=text,
            actor=workspace.actor,
            roster=roster,
            now=workspace.clock(),
            signers=terms.signers,
            confirmers=terms.confirmers,
            until=terms.until,
        )
    if kind.name == "people":
        workspace.forget_roster()
    return adoption, findings


def status(workspace: Workspace, kinds: Sequence[Kind]) -> list[proposals.FileState]:
    """Every proposal file against what was adopted."""
    listed: Mapping[tuple[str, str], tuple[str, str]] = files(workspace, kinds)
    with workspace.db.read() as conn:
        return proposals.status(conn, files=listed, now=workspace.clock())
