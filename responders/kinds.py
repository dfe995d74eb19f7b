"""Proposal files of the newsroom: issues and templates, and how each is checked."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from testkit.errors import DefinitionError, InputError
from testkit.kernel import proposals, yamlfile
from testkit.kernel.findings import Finding
from testkit.kernel.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.drafting.compose import Templates
    from responders.match import Query
    from responders.model.issue import Issue
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["ISSUE", "TEMPLATE", "adopted_issues", "read_issue", "templates_of"]


def read_issue(text: str, *, name: str, today: date) -> tuple[Issue, Query, list[Finding]]:
    """An issue file with its query, and what is weak about it.

    Raises:
        DefinitionError: With every problem of the file, the query's included.
    """
    from responders.match import QueryError, parse_query
    from responders.model.issue_file import check_issue, issue_from_mapping
    from testkit.kernel.findings import has_errors

    document = yamlfile.parse(text, name=name)
    if has_errors(document.findings) or not isinstance(document.value, dict):
        found = document.findings or (
            document.finding("YM006", "an issue file holds keys and values"),
        )
        raise DefinitionError(found, path=name)
    problems: list[Finding] = []
    issue: Issue | None = None
    query: Query | None = None
    try:
        issue = issue_from_mapping(document.value, path=name, locate=document.where)
    except DefinitionError as cause:
        problems.extend(cause.findings)
    raw = document.value.get("query")
    if isinstance(raw, str):
        aliases = document.value.get("aliases")
        try:
            query = parse_query(raw, aliases=aliases if isinstance(aliases, dict) else {})
        except QueryError as cause:
            problems.append(document.finding("IS020", str(cause), key=("query",), hint=cause.hint))
    if problems or issue is None or query is None:
        raise DefinitionError(problems, path=name)
    weak = list(check_issue(issue, as_of=today, path=name))
    weak += [
        document.finding("IS021", caution.message, key=("query",), severity="warning")
        for caution in query.cautions
    ]
    return issue, query, weak


def _check_issue(workspace: Workspace, text: str, name: str) -> Sequence[Finding]:
    try:
        issue, _, weak = read_issue(text, name=name, today=workspace.clock().date())
    except DefinitionError as cause:
        return cause.findings
    weak += _left_out(workspace, issue, name)
    with workspace.db.read() as conn:
        chains = {a.name for a in proposals.all_adopted(conn, kind="chain")}
    if issue.chain not in chains:
        weak.append(
            Finding(
                code="IS022",
                severity="warning",
                message=f"the chain {issue.chain!r} is not adopted yet",
                hint=f"adopt chains/{issue.chain}.yaml before the first draft is submitted",
                where=name,
            )
        )
    return weak


def _left_out(workspace: Workspace, issue: Issue, name: str) -> list[Finding]:
    """IS023 for each channel that is on and that this issue names no draft for."""
    on = dict.fromkeys(c.kind for c in workspace.config.channels.values() if c.on)
    return [
        Finding(
            code="IS023",
            severity="note",
            message=f"{kind} is on in whistlestop.yaml, and this issue makes no {kind} drafts",
            hint=f"add {kind} to `channels:`, or leave the key out: then it drafts for all",
            where=name,
        )
        for kind in on
        if kind not in issue.channels
    ]


def _check_template(workspace: Workspace, text: str, name: str) -> Sequence[Finding]:
    from responders.drafting.contexts import CONTEXTS, check_names
    from responders.drafting.tryout import try_template

    del workspace
    channel = name.split("/")[1] if name.count("/") > 1 else ""
    context = CONTEXTS.get(channel)
    if context is None:
        return [
            Finding(
                code="RS090",
                severity="error",
                message=f"no channel {channel!r}",
                hint=f"use templates/CHANNEL/NAME.LANG.jinja with {', '.join(CONTEXTS)}",
                where=name,
            )
        ]
    try:
        return list(check_names(text, context, where=name) or try_template(text, context, name))
    except InputError as cause:
        return [
            Finding(
                code="RS090", severity="error", message=cause.message, hint=cause.hint, where=name
            )
        ]


ISSUE = Kind(name="issue", pattern="issues/*.yaml", check=_check_issue)
TEMPLATE = Kind(name="template", pattern="templates/*/*.jinja", check=_check_template)


def adopted_issues(conn: Connection) -> dict[str, tuple[Issue, Query, int]]:
    """``slug -> (issue, query, version)`` of every adopted issue that can be read."""
    out = {}
    for adoption in proposals.all_adopted(conn, kind="issue"):
        name = f"issue {adoption.name}, version {adoption.version}"
        issue, query = _adopted(adoption.text, name)
        out[issue.slug] = (issue, query, adoption.version)
    return out


@lru_cache(maxsize=256)
def _adopted(text: str, name: str) -> tuple[Issue, Query]:
    """An adopted issue; each is asked for several times in every tick, and reading it is slow."""
    # What is weak about it was said when it was adopted: no day is too late for it.
    issue, query, _ = read_issue(text, name=name, today=date.min)
    return issue, query


def templates_of(conn: Connection) -> Templates:
    """The bundled templates, replaced by adopted ones of the same channel, name and language."""
    from responders.drafting.compose import bundled_templates

    found = bundled_templates()
    for adoption in proposals.all_adopted(conn, kind="template"):
        channel, _, rest = adoption.name.partition("/")
        name, _, lang = rest.partition(".")
        found[channel, name, lang or "en"] = adoption.text
    return found
