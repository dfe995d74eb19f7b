"""``whistlestop signoff`` about words and time: diff, comment, record, latency."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from testkit.errors import InputError
from testkit.kernel.console import App, emit, json_option, pass_app, table

if TYPE_CHECKING:
    from testkit.signoff.latency import LatencyReport, WaitRow
    from testkit.signoff.words import Remark

WHAT = click.argument("what", metavar="REQUEST")


def remark_line(remark: Remark) -> str:
    """A comment or suggestion in a line."""
    said = remark.said
    about = f" on {said.part}" if said.part else ""
    quoted = f" {said.quote!r}" if said.quote else ""
    offer = f" -> {said.replacement!r}" if said.suggests else ""
    note = f": {said.note}" if said.note else ""
    return f"{remark.number}. {said.actor}{about}{quoted}{offer}{note} ({remark.standing})"


@click.command()
@WHAT
@click.option("--from", "first", type=int, help="Number of the earlier revision.")
@click.option("--to", "last", type=int, help="Number of the later one; else the newest.")
@click.option("--all", "everything", is_flag=True, help="Also fields that no sign-off is about.")
@json_option
@pass_app
def diff(
    app: App, what: str, first: int | None, last: int | None, everything: bool, as_json: bool
) -> None:
    """What changed between two revisions, word by word.

    Without --from: since the words that you approved, else since the revision before.

    \b
    Example:
      whistlestop --as kim signoff diff draft_01k...
    """
    from testkit.errors import NotFoundError
    from testkit.signoff import service, store
    from testkit.signoff.words import compare, marked

    workspace = app.workspace()
    with workspace.db.read() as conn:
        request = service.find(conn, what)
        revisions = {r.number: r for r in store.revisions(conn, request.row.id)}
    last = last or max(revisions)
    if first is None:
        mine = [
            r.number
            for r in revisions.values()
            for s in request.state.signoffs
            if s.revision == r.id and s.actor == workspace.actor.name and s.decision.approves
        ]
        before = [n for n in mine if n < last]
        first = max(before) if before else max(1, last - 1)
    for number in (first, last):
        if number not in revisions:
            raise NotFoundError(
                "revision number", str(number), hint=f"there are 1 to {max(revisions)}"
            )
    old, new = revisions[first], revisions[last]
    names = None if everything else request.state.chain.material
    changes = compare(old.fields, new.fields, names)
    outdated = [s for s in request.state.standing("outdated") if s.digest != new.material_digest]
    lines = [f"revision {first} to {last}"]
    for change in changes:
        lines += [f"--- {change.part}", marked(change.pieces)]
    if not changes:
        lines.append("no word that a sign-off is about differs")
    lines += [f"outdated: {s.actor} {s.decision.value.replace('_', ' ')}" for s in outdated]
    emit(
        {
            "from": {"number": first, "revision": old.id, "material_digest": old.material_digest},
            "to": {"number": last, "revision": new.id, "material_digest": new.material_digest},
            "changes": [
                {"part": c.part, "pieces": [{"kind": p.kind, "text": p.text} for p in c.pieces]}
                for c in changes
            ],
            "outdated": [{"who": s.actor, "revision": s.revision} for s in outdated],
        },
        "\n".join(lines),
        as_json=as_json,
    )


@click.command()
@WHAT
@click.option("-m", "--note", default="", help="What you want to say.")
@click.option("--part", default="", help="Which text, such as email/a/body.")
@click.option("--quote", default="", help="The words that it is about.")
@click.option("--suggest", help="Words to put in place of the quote; empty to leave it out.")
@json_option
@pass_app
def comment(
    app: App, what: str, note: str, part: str, quote: str, suggest: str | None, as_json: bool
) -> None:
    """Remark on the words, or suggest others; it decides nothing and holds nothing up.

    A suggestion is taken over with `draft accept`. That does not make you an author of the words.

    \b
    Example:
      whistlestop --as pat signoff comment draft_01k... --quote "next week" --suggest "on Tuesday"
    """
    from testkit.signoff.comments import comment as run
    from testkit.signoff.comments import remarks_of

    workspace = app.workspace()
    request = run(workspace, what, note=note, part=part, quote=quote, replacement=suggest)
    with workspace.db.read() as conn:
        made = remarks_of(conn, request.row.id)[-1]
    text = f"recorded: {remark_line(made)}"
    if made.said.suggests:
        draft = request.row.subject.removeprefix("draft/")
        text += f"\nto take it over: whistlestop --as NAME draft accept {draft} {made.number}"
    emit(
        {"number": made.number, "request": request.row.id, "part": made.said.part,
         "suggests": made.said.suggests, "standing": made.standing},
        text,
        as_json=as_json,
    )  # fmt: skip


@click.command()
@click.argument("what", metavar="REQUEST", required=False)
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "html"]), help="Else by the file's name."
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file.")
@click.option(
    "--check",
    "exported",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check an exported CSV or JSON: do the words have the digests that were signed?",
)
@json_option
@pass_app
def record(
    app: App,
    what: str | None,
    form: str | None,
    output: Path | None,
    exported: Path | None,
    as_json: bool,
) -> int:
    """Who approved which words, when: export it as CSV, JSON or a page to print.

    For a draft: every request about it, a correction after what it corrects. For one request or
    revision: that request.

    \b
    Example:
      whistlestop signoff record draft_01k... -o record.html
    """
    from testkit.kernel.workspace import replace_file
    from testkit.services.signoff_reports import record_page
    from testkit.signoff.record import as_csv, problems, record_of, requests_in
    from testkit.signoff.record import as_json as as_document

    if exported is not None:
        with exported.open(encoding="utf-8", newline="") as file:
            found = problems(file.read())
        emit({"ok": not found, "problems": found},
             "\n".join(found) or "every word has the digest that was signed",
             as_json=as_json)  # fmt: skip
        return 3 if found else 0
    if what is None:
        raise InputError("name a request, or --check FILE", field="request")
    if form is None:
        ending = output.suffix.lstrip(".").lower() if output else ""
        form = ending if ending in {"csv", "json", "html"} else "json" if as_json else "csv"
    workspace = app.workspace()
    made = record_of(workspace, what)
    zone_name = workspace.config.organisation.zone
    text = {"csv": as_csv, "json": as_document}.get(
        form, lambda found: record_page(found, zone_name=zone_name)
    )(made)
    if output is None:
        click.echo(text, nl=False)
        return 0
    replace_file(output, text)
    parts = requests_in(made)
    counts = (
        f"{sum(len(r['acts']) for r in parts)} acts on {sum(len(r['revisions']) for r in parts)}"
        f" revisions{f' in {len(parts)} requests' if len(parts) > 1 else ''}"
    )
    emit({"file": str(output), "format": form, "request": made["request"],
          "requests": [r["request"] for r in parts]},
         f"{output}: {counts}; the ledger ends in {made['ledger_head']['hash']}",
         as_json=as_json)  # fmt: skip
    return 0


def _rows(rows: tuple[WaitRow, ...], first: str) -> str:
    from testkit.services.signoff_reports import quantile_text, share_text

    return table(
        [
            (
                f"{row.chain}: {row.name}" if row.chain else row.name,
                str(row.waits),
                f"{row.lasting}",
                quantile_text(row.median),
                quantile_text(row.p90),
                share_text(row.kept),
            )
            for row in rows
        ],
        [first, "waits", "still", "half within", "nine in ten within", "promise kept"],
    )


def _latency_text(report: LatencyReport, looks: list[str]) -> str:
    from testkit.reports.time_chart import spoken_minutes
    from testkit.services.signoff_reports import PHASES, quantile_text, share_text

    if not report.requests:
        return "no request yet: nothing was put before a chain"
    half, most = report.to_clear
    count = f"{report.requests} request{'' if report.requests == 1 else 's'}"
    ways = ", ".join(f"{n} by {way}" for way, n in report.cleared.items())
    lines = [
        f"{count}, {report.open} open; cleared: {ways or 'none'}",
        _rows(report.stages, "stage"),
        _rows(report.roles, "asked"),
        f"cleared within: half {quantile_text(half)}, nine in ten {quantile_text(most)}",
        f"the executive was asked: {share_text(report.executive_asked)}",
        f"cleared with an executive's yes: {share_text(report.executive_signed)}",
        *looks,
        "where the time went:",
    ]
    for kind, stage, minutes in report.spent:
        lines.append(f"  {PHASES[kind].format(stage=stage)}: {spoken_minutes(minutes)}")
    return "\n".join(lines)


@click.command()
@click.option("--since", metavar="TIME", help="Only requests from then on.")
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), help="Write the chart as SVG."
)
@json_option
@pass_app
def latency(app: App, since: str | None, chart: Path | None, as_json: bool) -> None:
    """How long sign-off takes: per stage and per role, with intervals, from the log.

    What still waits counts as waiting at least so long, not as fast. Looks that are owed after an
    override, the fast lane or an own yes are named until somebody has looked.

    \b
    Example:
      whistlestop signoff latency --since "30 days ago" --chart time.svg
    """
    from testkit.kernel.clock import parse_local
    from testkit.kernel.workspace import replace_file
    from testkit.services.signoff_reports import latency_of, svg
    from testkit.signoff import owed
    from testkit.signoff.latency import as_data

    workspace = app.workspace()
    zone_name = workspace.config.organisation.zone
    start = None
    if since is not None:
        start = parse_local(since, zone_name=zone_name, now=workspace.clock())
    report = latency_of(workspace, since=start)
    with workspace.db.read() as conn:
        looks = owed.looks_owed(conn, workspace)  # whenever they began: --since hides none
    data: dict[str, Any] = {**as_data(report), "looks_owed": [owed.as_data(k) for k in looks]}
    lines = [f"{k.request.row.title}: {owed.sentence(k, workspace)}" for k in looks]
    text = _latency_text(report, lines or ["no look is owed"])
    if chart is not None:
        replace_file(chart, svg(report))
        data["chart"] = str(chart)
        text += f"\nchart: {chart}"
    emit(data, text, as_json=as_json)
