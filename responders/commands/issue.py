"""``whistlestop issue``: tracked policy topics."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from testkit.errors import InputError
from testkit.kernel.console import App, emit, json_option, pass_app
from testkit.kernel.console import table as as_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.sample import Verdict
    from responders.services.search import Hit
    from responders.services.trial import Trial
    from testkit.kernel.workspace import Workspace


@click.group()
def issue() -> None:
    """Tracked topics: files that say what to watch for and how we speak about it.

    \b
    Example:
      whistlestop issue list
    """


@issue.command("list")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """The adopted issues.

    \b
    Example:
      whistlestop issue list
    """
    from responders.kinds import adopted_issues

    workspace = app.workspace()
    with workspace.db.read() as conn:
        found = adopted_issues(conn)
    rows = [(slug, i.title, i.owner, i.lang, v) for slug, (i, _, v) in found.items()]
    data = [
        {"issue": slug, "title": i.title, "owner": i.owner, "lang": i.lang, "version": v,
         "query": i.query}
        for slug, (i, _, v) in found.items()
    ]  # fmt: skip
    emit(data, as_table(rows, ["issue", "title", "owner", "lang", "version"]), as_json=as_json)


@issue.command()
@click.argument("name")
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """One adopted issue, and what worked last time: the tests that its releases became.

    \b
    Example:
      whistlestop issue show labor
    """
    from dataclasses import asdict

    from responders.kinds import adopted_issues
    from responders.services.lessons import what_worked
    from testkit.errors import NotFoundError
    from testkit.kernel.clock import from_text, shown

    workspace = app.workspace()
    with workspace.db.read() as conn:
        known = adopted_issues(conn)
        if name not in known:
            raise NotFoundError("adopted issue", name, hint=f"there are: {', '.join(known)}")
        lessons = what_worked(conn, name)
    found, _, version = known[name]
    zone_name = workspace.config.organisation.zone
    lines = [f"{found.title} ({name}, version {version}); owner: {found.owner}", "", found.query]
    lines += ["", "What worked last time:" if lessons else "No release on it was tested yet."]
    for lesson in lessons:
        when = shown(from_text(lesson.released_at), zone_name=zone_name)
        became = f" ({lesson.became} since)" if lesson.became else ""
        lines += [f"- {when}, {lesson.channel}: {lesson.title}{became}", f"  {lesson.sentence}"]
    emit(
        {"issue": name, "title": found.title, "owner": found.owner, "version": version,
         "query": found.query, "lessons": [asdict(lesson) for lesson in lessons]},
        "\n".join(lines),
        as_json=as_json,
    )  # fmt: skip


@issue.command()
@click.argument("file")
@json_option
@pass_app
def check(app: App, file: str, as_json: bool) -> int:
    """Everything that is wrong or weak in an issue file; changes nothing.

    \b
    Example:
      whistlestop issue check issues/climate.yaml
    """
    from responders.kinds import ISSUE
    from testkit.kernel.findings import has_errors
    from testkit.kernel.kinds import find

    workspace = app.workspace()
    _, _, path, text = find(workspace, (ISSUE,), file)
    findings = ISSUE.check(workspace, text, path)
    bad = has_errors(findings)
    lines = [str(f) for f in findings]
    lines.append("" if bad else f"no errors; make it count with: whistlestop adopt {path}")
    emit({"ok": not bad, "findings": [f.as_dict() for f in findings]}, "\n".join(lines).strip(),
         as_json=as_json)  # fmt: skip
    return 2 if bad else 0


@issue.command("try")
@click.argument("file")
@click.option("--since", metavar="TIME", help="Only what is newer: 2026-11-03, or 30 days ago.")
@click.option("-n", "limit", default=10, show_default=True, help="Hits to show, or to write.")
@click.option("--label", is_flag=True, help="Say of one hit after another whether it is about it.")
@click.option(
    "--labels",
    "table",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A CSV file: written when it is not there; read back when it is.",
)
@click.option("--seed", default=1, show_default=True, help="Draws the hits to show and to label.")
@json_option
@pass_app
def try_(
    app: App,
    file: str,
    since: str | None,
    limit: int,
    label: bool,
    table: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Ask an issue file about the stored history, before it counts.

    Shows hits per day, hits drawn at random with the matched words in [brackets], what is gained
    and lost against the adopted version, and the precision that your labels allow to state.

    \b
    Example:
      whistlestop issue try issues/climate.yaml --since '30 days ago'
      whistlestop issue try climate --labels climate-labels.csv -n 50
    """
    from responders.services import trial as service
    from testkit.kernel import yamlfile
    from testkit.kernel.clock import parse_local
    from testkit.kernel.console import progress
    from testkit.kernel.workspace import write_once

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    moment = parse_local(since, zone_name=zone, now=app.clock()) if since else None

    def ask() -> service.Trial:
        with progress() as say:
            return service.try_issue(workspace, file, since=moment, seed=seed, say=say)

    found = ask()
    notes = []
    if label:
        _label(workspace, found)
        found = ask()
    if table is not None and table.exists():
        taken = service.take_labels(workspace, found, yamlfile.read_text(table))
        notes.append(f"took {taken} new labels from {table}")
        found = ask()
    elif table is not None:
        write_once(table, service.labels_csv(found, limit=limit))
        notes.append(f"wrote {min(limit, len(found.hits))} hits to {table}: fill in about_it")
        notes.append("with y, n or u (unsure), and give the same command again")
    sample = (found.unjudged or found.hits)[:limit]
    text = "\n".join([*notes, *_trial_lines(found, sample)])
    emit(service.summary(found, sample=sample), text, as_json=as_json)


def _trial_lines(found: Trial, sample: Sequence[Hit]) -> list[str]:
    lines = [f"{len(found.hits)} of {found.stories} stories match, about {found.per_day:.1f} a day"]
    recent = found.days[-14:]
    if len(recent) > 1:
        first, last = recent[0][0], recent[-1][0]
        lines.append(f"by day, {first} to {last}: {' '.join(str(n) for _, n in recent)}")
    for hit in sample:
        lines += _hit_lines(hit)
    if found.adopted is not None and (found.gained or found.lost):
        lines.append(
            f"against version {found.adopted}: {len(found.gained)} gained, {len(found.lost)} lost"
        )
        lines += [f"  + {hit.title}" for hit in found.gained[:5]]
        lines += [f"  - {hit.title}" for hit in found.lost[:5]]
    elif found.adopted is not None:
        lines.append(f"version {found.adopted}, which is adopted, finds the same stories")
    p = found.precision
    if p.rate is None or p.low is None or p.high is None:
        lines.append("precision: no labels yet; add --label, or --labels FILE.csv")
    else:
        unsure = f", {p.unsure} unsure left out" if p.unsure else ""
        lines.append(
            f"precision {p.rate:.0%} ({p.level:.0%} interval {p.low:.0%} to {p.high:.0%}):"
            f" {p.relevant} of {p.judged} labelled hits, drawn at random from {p.hits}{unsure}"
        )
    return lines


def _hit_lines(hit: Hit) -> list[str]:
    lines = [f"- {hit.title}", f"    {hit.text.source}: {hit.result.why()}"]
    if hit.snippet and "[" in hit.snippet:
        lines.append(f"    {hit.snippet}")
    return lines


def _label(workspace: Workspace, found: Trial) -> None:
    """Ask on the terminal, one hit after the other; each answer is kept at once."""
    from responders.services import trial as service

    if not sys.stdin.isatty():
        raise InputError(
            "--label asks on a terminal, and this is none",
            field="label",
            hint="use --labels FILE.csv: it writes a table to fill in and reads it back",
        )
    verdicts: dict[str, Verdict] = {"y": "yes", "n": "no", "s": "unsure"}
    for number, hit in enumerate(found.unjudged, start=1):
        click.echo("\n".join([f"{number} of {len(found.unjudged)}", *_hit_lines(hit)]), err=True)
        said = click.prompt(
            f"about {found.issue}? yes, no, skip, quit",
            type=click.Choice(["y", "n", "s", "q"]),
            err=True,
        )
        if said == "q":
            return
        service.judge(workspace, found, hit, verdicts[said])
