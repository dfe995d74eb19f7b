"""``whistlestop experiment``: a message test from the first question to the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from testkit.commands.experiment_intake import COMMANDS as TAKING_IN
from testkit.commands.experiment_past import past
from testkit.commands.experiment_plan import COMMANDS as PLANNING
from testkit.kernel.console import App, emit, json_option, pass_app, progress, table


@click.group()
def experiment() -> None:
    """Message tests: define, lock, assign, take in, look, decide, report.

    \b
    Example:
      whistlestop experiment new spring-appeal
    """


for command in (*PLANNING, *TAKING_IN, past):
    experiment.add_command(command)


@experiment.command()
@click.argument("name")
@click.option("--wave", type=int, required=True, help="Number of the wave.")
@click.option("--at", "moment", metavar="TIME", help="When, in your zone; else now.")
@click.option("--undo", is_flag=True, help="It did not go out: take back what was said.")
@click.option("--reason", default="", help="Why it is taken back or said anew; it is kept.")
@json_option
@pass_app
def sent(
    app: App, name: str, wave: int, moment: str | None, undo: bool, reason: str, as_json: bool
) -> None:
    """Say when a wave went out; its attribution window starts then.

    Said wrongly, it is said again, or taken back with --undo, until a look has read the wave; after
    that its data have to be taken back first.

    \b
    Example:
      whistlestop experiment sent spring-appeal --wave 1 --at "2026-11-03 09:00"
      whistlestop experiment sent spring-appeal --wave 2 --at "3 days ago"
      whistlestop experiment sent spring-appeal --wave 2 --undo --reason "it was wave 1"
    """
    from testkit.kernel.clock import parse_local, shown
    from testkit.services.sending import sent as run
    from testkit.services.sending import unsent

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    now = workspace.clock()
    if undo:
        if moment:
            raise click.UsageError("--undo and --at exclude each other")
        was_at = unsent(workspace, name, wave=wave, reason=reason)
        emit(
            {"wave": wave, "sent_at": None, "changed": True},
            f"wave {wave} of {name} counts as not sent; it was recorded as"
            f" {shown(was_at, zone_name=zone)}",
            as_json=as_json,
        )
        return
    at = parse_local(moment, zone_name=zone, now=now) if moment else now
    changed, before = run(workspace, name, wave=wave, at=at, reason=reason)
    was = f"; it was recorded as {shown(before, zone_name=zone)} before" if before else ""
    emit(
        {"wave": wave, "sent_at": at.isoformat(), "changed": changed},
        f"wave {wave} of {name} went out {shown(at, zone_name=zone)}"
        + (was if changed else " (recorded before)"),
        as_json=as_json,
    )


@experiment.command()
@click.argument("name")
@click.option("--final", is_flag=True, help="Declare, before looking, that this is the last look.")
@json_option
@pass_app
def look(app: App, name: str, final: bool, as_json: bool) -> None:
    """Analyse what is old enough; recorded before it is shown. Looking again is free.

    \b
    Example:
      whistlestop experiment look spring-appeal
    """
    from testkit.reports.terminal import look_text
    from testkit.services.define import drift
    from testkit.services.look import look as run

    with progress() as say:
        say("reading all batches")
        workspace = app.workspace()
        done = run(workspace, name, final=final)
        differs = drift(workspace, done.locked)
    text = look_text(done.look, done.plan, new=done.new)
    if differs:
        what = "has errors" if differs == ("errors",) else f"differs: {', '.join(differs[:5])}"
        text += (
            f"\nnote: experiment.yaml {what}. The look read the plan as it was locked; to bring a"
            f" change in: whistlestop experiment amend {name} --reason WHY"
        )
    emit(
        {"new": done.new, "look": done.look.as_dict(), "file_differs": list(differs)},
        text,
        as_json=as_json,
    )


@experiment.command()
@click.argument("name")
@click.option("--stop", "stop_reason", default="", metavar="REASON", help="End it early, unproven.")
@click.option(
    "--despite-mismatch",
    "despite",
    default="",
    metavar="REASON",
    help="Decide although data quality forbids it.",
)
@json_option
@pass_app
def decide(app: App, name: str, stop_reason: str, despite: str, as_json: bool) -> None:
    """Decide by the rule that the plan fixed.

    \b
    Example:
      whistlestop experiment decide spring-appeal
    """
    from testkit.reports import words
    from testkit.services.decide import decide as run

    done = run(app.workspace(), name, stop_reason=stop_reason, despite=despite)
    made, metric = done.decision, done.plan.metric
    again = "" if done.new else " (decided before; the verdict stays)"
    p = "none" if made.p_value is None else f"{made.p_value:.4g}"
    lines = [
        *done.doubts,
        f"{words.decision_sentence(done.plan, made, done.remainder)}{again}",
        (
            f"{words.difference(metric, made.difference)}"
            f" ({words.range_of(metric, made.low, made.high)}), p = {p}; {made.interval_method}"
        ),
        words.extra_sentence(done.plan, made, done.remainder),
        words.expected_sentence(done.plan, made, done.remainder),
        words.per_thousand_sentence(done.plan, made),
        f"why: {made.reason}",
        words.revised_sentence(done.plan, done.revised) if done.revised else "",
    ]
    lines = [line for line in lines if line]
    following = [f"whistlestop experiment report {name}"]
    if done.remainder > 0:
        following.insert(0, f"whistlestop experiment remainder {name}")
    lines.append("next: " + "\n      ".join(following))
    emit(
        {
            "new": done.new,
            "decision": made.as_dict(),
            "remainder": done.remainder,
            "doubts": done.doubts,
            "revised": done.revised.as_dict() if done.revised else None,
        },
        "\n".join(lines),
        as_json=as_json,
    )


@experiment.command()
@click.argument("name")
@json_option
@pass_app
def remainder(app: App, name: str, as_json: bool) -> None:
    """Write the list for the rest, with the arm that was decided.

    \b
    Example:
      whistlestop experiment remainder spring-appeal
    """
    from testkit.reports import words
    from testkit.services.assign import remainder as run

    workspace = app.workspace()
    done = run(workspace, name)
    rows = [(workspace.shown(path), f"{count:,}") for path, count in done.files]
    how = "as proven" if done.proven else "chosen, not proven"
    doubts = "".join(f"{doubt}\n" for doubt in done.doubts)
    emit(
        {
            "chosen": done.chosen,
            "proven": done.proven,
            "files": [{"path": p, "rows": c} for p, c in rows],
            "doubts": done.doubts,
        },
        f"{doubts}the rest gets {words.share_list(done.chosen)} ({how})\n"
        f"{table(rows, ['file', 'people'])}"
        if rows
        else f"{doubts}nobody is left: everybody on the list was in the test, and no file is"
        f" written; from now on {words.share_list(done.chosen)} ({how})",
        as_json=as_json,
    )


@experiment.command()
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "md", "json", "csv"]),
    default="html",
    help="Page, Markdown, or the figures.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.")
@click.option("--trace", "metric", metavar="METRIC", help="Show the rows and files of a metric.")
@json_option
@pass_app
def report(
    app: App,
    name: str,
    form: Literal["html", "md", "json", "csv"],
    output: Path | None,
    metric: str | None,
    as_json: bool,
) -> None:
    """Write the report: one page that needs nothing else.

    \b
    Example:
      whistlestop experiment report spring-appeal
      whistlestop experiment report spring-appeal --format csv -o looks.csv
      whistlestop experiment report spring-appeal --trace gave
    """
    if metric is not None:
        _trace(app, name, metric, as_json=as_json)
        return
    from testkit.services.report import report as run

    workspace = app.workspace()
    done = run(workspace, name, form=form, output=output, write=not as_json)
    emit(done.data, f"wrote {workspace.shown(done.path)}" if done.path else "", as_json=as_json)


def _trace(app: App, name: str, metric: str, *, as_json: bool) -> None:
    from testkit.reports.terminal import trace_rows
    from testkit.services.trace import trace

    found = trace(app.workspace(), name, metric)
    rows = trace_rows(found.lists, found.batches)
    columns = ("file", "digest", "metric", "arm", "rows", "units", "sum", "first")
    text = table([tuple(row[k] for k in columns) for row in rows], columns)
    emit({"metric": metric, "rows": rows}, text, as_json=as_json)


@experiment.command()
@click.argument("name")
@click.option(
    "--format", "form", type=click.Choice(["html", "md"]), default="html", help="Page or Markdown."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.")
@json_option
@pass_app
def brief(
    app: App, name: str, form: Literal["html", "md"], output: Path | None, as_json: bool
) -> None:
    """Write one page for the person who decides: plain words, one question.

    \b
    Example:
      whistlestop experiment brief spring-appeal
    """
    from testkit.services.report import brief as run

    workspace = app.workspace()
    done = run(workspace, name, form=form, output=output, write=not as_json)
    emit(done.data, f"wrote {workspace.shown(done.path)}" if done.path else "", as_json=as_json)


@experiment.command("list")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """All experiments and where they stand.

    \b
    Example:
      whistlestop experiment list
    """
    from testkit.services.report import overview

    rows: list[dict[str, Any]] = overview(app.workspace())
    text = table(
        [(r["experiment"], r["state"], r["looks"], r["title"]) for r in rows],
        ["experiment", "state", "looks", "question"],
    )
    emit(
        rows,
        text if rows else "no experiment yet: whistlestop experiment new NAME",
        as_json=as_json,
    )
