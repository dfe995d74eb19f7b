"""``whistlestop signoff check`` and ``simulate``: what would happen, before it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from testkit.errors import DefinitionError, InputError, NotFoundError
from testkit.kernel.console import App, emit, json_option, pass_app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testkit.kernel.findings import Finding
    from testkit.kernel.kinds import Kind
    from testkit.kernel.workspace import Workspace
    from testkit.signoff.model import ChainDef, RosterView
    from testkit.signoff.simulate import LanePlan, Simulation, StagePlan
    from testkit.signoff.turns import Ask

PEOPLE = click.option(
    "--roster",
    "people",
    metavar="FILE",
    help="Suppose the people of this file, such as new/people.yaml; else the adopted ones.",
)


def _places(workspace: Workspace, given: str) -> tuple[Path, ...]:
    """Where a path may lead: from the current folder, then from the workspace."""
    return tuple(dict.fromkeys((Path(given).absolute(), workspace.root / given)))


def _located(workspace: Workspace, given: str) -> Path | None:
    return next((path for path in _places(workspace, given) if path.is_file()), None)


def _nowhere(workspace: Workspace, kind: str, given: str, hint: str = "") -> NotFoundError:
    looked = f"there is no {' and no '.join(map(str, _places(workspace, given)))}"
    return NotFoundError(kind, given, hint=f"{looked}; {hint}" if hint else looked)


def _people(workspace: Workspace, given: str | None) -> RosterView | None:
    from testkit.kernel.findings import has_errors
    from testkit.kernel.yamlfile import read_text
    from testkit.signoff.kinds import people_view

    if given is None:
        return None
    path = _located(workspace, given)
    if path is None:
        raise _nowhere(workspace, "people file", given)
    roster, findings = people_view(workspace, read_text(path), given)
    if roster is None or has_errors(findings):
        raise DefinitionError(findings, path=given)
    return roster


def _chosen(workspace: Workspace, kinds: Sequence[Kind], given: str) -> tuple[Kind, str, str]:
    """The kind, shown name and text of the file that somebody named, wherever it lies."""
    from testkit.kernel.kinds import find
    from testkit.kernel.yamlfile import parse, read_text

    path = _located(workspace, given)
    try:
        # A file of the workspace is known by where it lies, and by its name alone.
        kind, _, shown, text = find(workspace, kinds, workspace.shown(path) if path else given)
    except NotFoundError as cause:
        if path is None:
            raise _nowhere(workspace, "proposal", given, cause.hint) from None
    else:
        return kind, shown, text
    text = read_text(path)
    held = parse(text, name=given)
    if held.findings:
        raise DefinitionError(held.findings, path=given)
    for kind in kinds:
        if isinstance(held.value, dict) and kind.name in held.value:
            return kind, given, text
    names = [f"`{kind.name}: NAME`" for kind in kinds]
    raise InputError(
        f"{given} holds no {', '.join(kind.name for kind in kinds[:-1])} or {kinds[-1].name}",
        field="file",
        value=given,
        hint=f"it begins with {', '.join(names[:-1])} or {names[-1]};"
        " people are checked with --roster",
    )


@click.command()
@click.argument("file", required=False)
@PEOPLE
@json_option
@pass_app
def check(app: App, file: str | None, people: str | None, as_json: bool) -> int:
    """Whether these people can complete the chains: for every author, with and without deputies.

    Also asks whether the charter lets somebody on each way say yes, and checks charter.yaml and
    the words of the fast lane. FILE may lie anywhere: a path counts from the current folder, else
    from the workspace.

    \b
    Example:
      whistlestop signoff check chains/rapid-response.yaml --roster people.yaml
      whistlestop signoff check ../proposal/chain.yaml
    """
    from testkit.kernel.findings import by_severity, has_errors
    from testkit.kernel.kinds import files
    from testkit.signoff.kinds import CHAIN, CHARTER, LANE, check_chain_text

    workspace = app.workspace()
    roster = _people(workspace, people)
    if file:
        chosen = [_chosen(workspace, (CHAIN, CHARTER, LANE), file)]
    else:
        by_name = {kind.name: kind for kind in (CHAIN, CHARTER, LANE)}
        listed = files(workspace, tuple(by_name.values()))
        chosen = [(by_name[kind], path, text) for (kind, _), (path, text) in listed.items()]
    findings: list[Finding] = []
    for kind, path, text in chosen:
        if kind is CHAIN:
            findings += check_chain_text(workspace, text, path, roster=roster)
        else:
            findings += kind.check(workspace, text, path)
    findings = list(by_severity(dict.fromkeys(findings)))
    bad, practice = has_errors(findings), workspace.practice
    lines = [str(f) for f in findings]
    count = f"{len(chosen)} file{'' if len(chosen) == 1 else 's'}"
    lines.append("this cannot work as it is" if bad else f"{count}: no errors")
    if practice:
        lines.append("practice mode: no signed charter is in force")
    emit(
        {"ok": not bad, "practice": practice, "findings": [f.as_dict() for f in findings]},
        "\n".join(lines),
        as_json=as_json,
    )
    return 2 if bad else 0


def _stated(chain: ChainDef, given: Sequence[str]) -> dict[str, Any]:
    from testkit.kernel.yamlfile import parse
    from testkit.signoff.facts import stated

    found: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        name, read = name.strip(), parse(value, name="--fact")
        if not sign or not name or read.findings:
            raise InputError(
                f"{text!r} is not FACT=VALUE",
                field="fact",
                value=text,
                hint="write --fact risk=high",
            )
        if name in found:
            raise InputError(
                f"{name} is stated twice",
                field="fact",
                value=text,
                hint='for several values at once write --fact "channel=[email, sms]"',
            )
        found[name] = stated(chain, name, read.value)
    return found


@click.command()
@click.argument("chain", default="rapid-response")
@click.option("--fact", "facts", metavar="FACT=VALUE", multiple=True, help="Such as risk=high.")
@click.option("--author", default="", help="Who would write it.")
@click.option("--away", metavar="NAME", multiple=True, help="Suppose this person away.")
@click.option("--at", metavar="TIME", help="When it would be submitted; else now.")
@PEOPLE
@json_option
@pass_app
def simulate(
    app: App,
    chain: str,
    facts: Sequence[str],
    author: str,
    away: Sequence[str],
    at: str | None,
    people: str | None,
    as_json: bool,
) -> int:
    """What an adopted chain would do: stages, people asked, and how long it can take.

    A fact that you do not state counts as if it mattered; one that nobody asks about, or a value
    that it cannot have, is refused. Nothing is recorded.

    \b
    Example:
      whistlestop signoff simulate rapid-response --fact risk=high --author sam --away rosa
    """
    from testkit.kernel.clock import parse_local
    from testkit.signoff.cleared import in_force
    from testkit.signoff.office import office_of
    from testkit.signoff.service import chain_of
    from testkit.signoff.simulate import lane_plan
    from testkit.signoff.simulate import simulate as run

    workspace = app.workspace()
    zone_name = workspace.config.organisation.zone
    now = workspace.clock() if at is None else parse_local(at, zone_name=zone_name)
    roster = _people(workspace, people)
    with workspace.db.read() as conn:
        office = office_of(conn, workspace)
        definition, version = chain_of(conn, chain)
        cleared = in_force(conn, definition, now=now, zone_name=zone_name)
    roster = roster or office.roster
    known = {member.id for member in roster.members}
    for person in (*away, *([author] if author else [])):
        if person not in known:
            workspace.roster.person(person)
    stated = _stated(definition, facts)
    done = run(definition, roster, stated, now, author=author, away=away, calendar=office.calendar)
    lane = lane_plan(definition, stated, now, cleared=cleared, charter=office.charter)
    emit(
        {
            "chain": chain,
            "chain_version": version,
            "facts": stated,
            "at": now.isoformat(),
            "outcome": done.outcome,
            "promised_hours": done.promised_hours,
            "worst_case_hours": done.worst_case_hours,
            "stages": [_plan_data(plan) for plan in done.stages],
            "notes": list(done.notes),
            "fast_lane": lane
            and {
                "words": list(lane.words),
                "problems": list(lane.problems),
                "review": list(lane.review),
                "review_hours": lane.review_hours,
            },
        },
        "\n".join([_text(done, roster, zone_name), *_lane_text(lane)]),
        as_json=as_json,
    )
    return 0 if done.outcome == "clears" else 3


def _plan_data(plan: StagePlan) -> dict[str, Any]:
    return {
        "stage": plan.stage,
        "status": plan.status,
        "because": plan.because,
        "asks": [
            {"group": ask.group, "need": ask.need, "problem": ask.problem,
             "people": [{"person": a.person, "for": a.principal} for a in ask.asked]}
            for ask in plan.asks
        ],
        "due_at": plan.due_at.isoformat() if plan.due_at else None,
        "escalate_at": plan.escalate_at.isoformat() if plan.escalate_at else None,
        "escalate_to": list(plan.escalate_to),
        "expires_at": plan.expires_at.isoformat() if plan.expires_at else None,
        "problems": list(plan.problems),
    }  # fmt: skip


def _asks(asks: Sequence[Ask], roster: RosterView) -> str:
    groups = []
    for ask in asks:
        people = " or ".join(
            roster.name(a.person) + (f" (for {roster.name(a.copied)})" if a.copied else "")
            for a in ask.asked
        )
        count = f"{ask.need} of " if ask.need > 1 else ""
        groups.append(f"{count}{people or 'nobody'}")
    return ", and ".join(groups)


def _lane_text(lane: LanePlan | None) -> list[str]:
    if lane is None:
        return []
    if lane.problems:
        return [f"fast lane: not for this ({'; '.join(lane.problems)})"]
    look = f"{' or '.join(lane.review)} looks within {lane.review_hours:g} hours"
    return [f"fast lane: {' or '.join(lane.words)} would pass these stages by; {look}"]


def _text(done: Simulation, roster: RosterView, zone_name: str) -> str:
    from testkit.kernel.clock import shown

    lines = []
    for plan in done.stages:
        what = {"skipped": "skipped", "checked": "checked by machines"}.get(plan.status, "")
        asked = what or f"asks {_asks(plan.asks, roster)}"
        lines.append(f"{plan.stage}: {asked}")
        lines.append(f"  because: {plan.because}")
        if plan.due_at:
            lines.append(f"  due {shown(plan.due_at, zone_name=zone_name)}")
        if plan.escalate_at:
            to = ", ".join(plan.escalate_to)
            lines.append(f"  from {shown(plan.escalate_at, zone_name=zone_name)} also {to}")
        if plan.expires_at:
            lines.append(f"  expires {shown(plan.expires_at, zone_name=zone_name)}")
        lines += [f"  problem: {problem}" for problem in plan.problems]
    ends = {"clears": "it clears", "blocked": "it is blocked", "stuck": "it is stuck"}
    lines.append(f"{ends[done.outcome]} if everybody who is asked says yes"
                 if done.outcome == "clears" else ends[done.outcome])  # fmt: skip
    for name, hours in (("as promised", done.promised_hours), ("at most", done.worst_case_hours)):
        if hours is not None:
            lines.append(f"{name}: {hours:.1f} hours")
    return "\n".join([*lines, *done.notes])
