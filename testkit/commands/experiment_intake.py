"""Lists out and results in: ``experiment assign``, ``intake``, ``retract``, ``spend``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from testkit.kernel.console import App, emit, json_option, pass_app, progress, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testkit.adapters.handback import HandBack
    from testkit.model.costing import Cost
    from testkit.services.intake import TakenIn

__all__ = ["COMMANDS", "pairs"]

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
ENCODING: Final = click.option(
    "--encoding", metavar="NAME", help="Encoding of the file; else UTF-8."
)
IDS: Final = click.option(
    "--id", "ids", multiple=True, metavar="KIND=COLUMN", help="The column that holds an id."
)


def pairs(words: Sequence[str], *, option: str, form: str) -> dict[str, str]:
    """``KEY=VALUE`` words as a dictionary.

    Raises:
        click.BadParameter: A word has no ``=``, or nothing before it.
    """
    bad = [word for word in words if not word.partition("=")[0] or "=" not in word]
    if bad:
        raise click.BadParameter(f"{bad[0]!r} is not {form}", param_hint=option)
    return dict(word.split("=", 1) for word in words)


@click.command()
@click.argument("name")
@click.argument("source", type=FILE)
@ENCODING
@click.option("--new-wave", is_flag=True, help="A second list: its new people are one more wave.")
@click.option("--arm-column", metavar="COLUMN", help="A tool split the list: the arm stands here.")
@click.option("--for", "tool", metavar="TOOL", help="Write lists that this tool imports too.")
@IDS
@click.option(
    "--with", "values", multiple=True, metavar="KEY=VALUE", help="What the tool's form asks for."
)
@click.option("--bom", is_flag=True, help="Mark the tool's files as UTF-8, for Excel.")
@click.option("--dry-run", is_flag=True, help="Say who would get what; store and write nothing.")
@json_option
@pass_app
def assign(
    app: App,
    name: str,
    source: Path,
    encoding: str | None,
    new_wave: bool,
    arm_column: str | None,
    tool: str | None,
    ids: tuple[str, ...],
    values: tuple[str, ...],
    bom: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Give every person of LIST.csv an arm and a wave; write one file for each.

    With --for, one more file for each arm and wave, in the form that a tool imports, with the link
    or code of the arm. `adapters list` says which tools take lists.

    \b
    Example:
      whistlestop experiment assign spring-appeal supporters.csv
      whistlestop experiment assign spring-appeal supporters.csv --for mailchimp-api
      whistlestop experiment assign walk voters.csv --for everyaction-email --with custom_field=12
      whistlestop experiment assign spring-appeal split.csv --arm-column version
      whistlestop experiment assign spring-appeal supporters.csv --dry-run
    """
    from testkit.services.assign import assign as run

    known = pairs(ids, option="--id", form="KIND=COLUMN")
    given = pairs(values, option="--with", form="KEY=VALUE")
    if tool:
        from testkit.adapters.handback import fields_of
        from testkit.adapters.registry import adapter_named

        fields_of(adapter_named(tool))  # a wrong name is told before anybody is assigned
    workspace = app.workspace()
    handed: tuple[HandBack, ...] = ()
    with progress() as say:
        done = run(
            workspace,
            name,
            source,
            encoding=encoding,
            new_wave=new_wave,
            arm_column=arm_column,
            dry_run=dry_run,
            progress=say,
        )
        if tool and not dry_run:
            from testkit.services.handing import hand_over

            handed = hand_over(
                workspace, name, tool, ids=known, values=given, bom=bom, progress=say
            )
    rows = [(workspace.shown(path), f"{count:,}") for path, count in done.files]
    head = (
        f"{done.assignment.rows:,} people of {done.assignment.source_name}"
        f" {'would be' if dry_run else 'are'} assigned"
        if done.new
        else f"{done.assignment.source_name} was assigned before"
        + ("" if dry_run else "; the same files were written again")
    )
    if done.known:
        head += f"; {done.known:,} more were in an earlier list and keep their place"
    lines = [head, table(rows, ["file", "people"])]
    if done.kept_out:
        why = " and ".join(f"{n:,} {reason}" for reason, n in done.kept_out.items())
        told = f"left out of the test: {why}"
        if done.given:
            told += "; the tool's split holds them: take them out of it before it sends"
        lines.append(told)
    if done.alone:
        lines.append(f"{done.alone:,} have no household or group in the list: each is one alone")
    if handed:
        lines.append(
            table(
                [(workspace.shown(f.path), f"{f.rows:,}", f"{f.left_out:,}") for f in handed],
                [f"for {tool}", "people", "without an id"],
            )
        )
    if dry_run:
        lines[:2] = [f"dry run: nothing was stored; {head}", _placed_text(done.assignment.counts)]
    else:
        lines.append(f"send wave 1, then: whistlestop experiment sent {name} --wave 1 --at TIME")
    emit(
        {
            "assignment": None if dry_run and done.new else done.assignment.id,
            "new": done.new,
            "dry_run": dry_run,
            "rows": done.assignment.rows,
            "counts": done.assignment.counts,
            "known": done.known,
            "kept_out": done.kept_out,
            "without_group": done.alone,
            "files": [{"path": p, "rows": c} for p, c in rows],
            "handed": [
                {
                    "path": workspace.shown(f.path),
                    "arm": f.arm,
                    "wave": f.wave,
                    "rows": f.rows,
                    "left_out": f.left_out,
                }
                for f in handed
            ],
        },
        "\n".join(lines),
        as_json=as_json,
    )


def _placed_text(counts: Mapping[str, Mapping[str, int]]) -> str:
    """How many would get what, by wave and arm."""
    rows = [
        ({"0": "waits for the result", "-1": "gets nothing"}.get(wave, wave), arm, f"{n:,}")
        for wave, arms in sorted(counts.items(), key=lambda pair: int(pair[0]))
        for arm, n in sorted(arms.items())
    ]
    return table(rows, ["wave", "arm", "people"])


@click.command()
@click.argument("name")
@click.argument("source", type=FILE)
@ENCODING
@click.option("--dry-run", is_flag=True, help="Read and check; store nothing.")
@click.option("--skip-unknown", is_flag=True, help="Leave out people who were not assigned.")
@click.option("--increments", is_flag=True, help="Counts in the file add to earlier ones.")
@click.option("--sent-at", metavar="TIME", help="When the waves in the file went out.")
@click.option(
    "--deed",
    "deeds",
    multiple=True,
    metavar="METRIC=KIND",
    help="What counts as a metric in a tool's export. Repeatable.",
)
@click.option("--from", "adapter", default="", metavar="ADAPTER", help="Read it as this tool's.")
@click.option("--mapping", default="", metavar="NAME", help="Read it as mappings/NAME.yaml says.")
@click.option("--arm", "arms", multiple=True, metavar="CODE=ARM", help="What stands for an arm.")
@click.option("--wave", type=click.IntRange(min=1), help="The wave that the messages are of.")
@click.option("--as-of", metavar="TIME", help="When the tool counted; else as the file says.")
@click.option("--decimal", type=click.Choice([".", ","]), help="What separates decimals.")
@click.option("--day-first", "first", flag_value="day", help="03/11 is the third of November.")
@click.option("--month-first", "first", flag_value="month", help="03/11 is in March.")
@click.option("--success", multiple=True, help="An answer that counts as the deed.")
@json_option
@pass_app
def intake(
    app: App,
    name: str,
    source: Path,
    encoding: str | None,
    dry_run: bool,
    skip_unknown: bool,
    increments: bool,
    sent_at: str | None,
    deeds: tuple[str, ...],
    adapter: str,
    mapping: str,
    arms: tuple[str, ...],
    wave: int | None,
    as_of: str | None,
    decimal: Literal[".", ","] | None,
    first: str | None,
    success: tuple[str, ...],
    as_json: bool,
) -> None:
    """Take in results: a row per person, a row per arm, or the export of a tool.

    A tool's file is recognised and named back; --from or --mapping says what it is instead. What
    counts as a metric is said with --deed, unless they have the same name. Ads reports give their
    cost.

    \b
    Example:
      whistlestop experiment intake spring-appeal gifts.csv
      whistlestop experiment intake spring-appeal actblue.csv --deed gave=donated
      whistlestop experiment intake spring-appeal report.csv --arm combination-1=control --dry-run
    """
    from testkit.kernel.clock import parse_local, to_text
    from testkit.services.intake import intake as run
    from testkit.services.tool_files import Tool

    workspace = app.workspace()
    zone = workspace.config.organisation.zone
    now = workspace.clock()
    tool = Tool(
        deeds=pairs(deeds, option="--deed", form="METRIC=KIND, such as gave=donated"),
        adapter=adapter,
        mapping=mapping,
        arms=pairs(arms, option="--arm", form="CODE=ARM"),
        wave=wave,
        as_of=to_text(parse_local(as_of, zone_name=zone, now=now)) if as_of else "",
        decimal=decimal or "",
        day_first=None if first is None else first == "day",
        success=success,
    )
    with progress() as say:
        done = run(
            workspace,
            name,
            source,
            encoding=encoding,
            dry_run=dry_run,
            skip_unknown=skip_unknown,
            increments=increments,
            sent_at=parse_local(sent_at, zone_name=zone, now=now) if sent_at else None,
            tool=tool,
            progress=say,
        )
    emit(
        _taken_data(done, dry_run=dry_run),
        "\n".join(_taken_lines(done, name, source, dry_run=dry_run)),
        as_json=as_json,
    )


def _taken_data(done: TakenIn, *, dry_run: bool) -> dict[str, Any]:
    from dataclasses import asdict

    found = done.results
    return {
        "batch": done.batch.id if done.batch else None,
        "kind": found.kind if found else "spend",
        "rows": found.rows if found else None,
        "dry_run": dry_run,
        "srm_p": done.srm_p,
        "sent": list(done.sends),
        "read_as": done.read_as,
        "findings": [asdict(finding) for finding in done.findings],
        "dropped": [asdict(one) for one in done.dropped],
        "spend": done.spend_id or None,
        "costs": _costs_data(done.costs),
        **(found.summary() if found else {}),
    }


def _taken_lines(done: TakenIn, name: str, source: Path, *, dry_run: bool) -> list[str]:
    from testkit.kernel.numbers import counted

    found = done.results
    taken_as = done.batch.id if done.batch else done.spend_id
    lines = [f"read as {done.read_as}"] if done.read_as else []
    lines.append(
        f"dry run: nothing was stored; {source.name} would be taken in"
        if dry_run
        else f"{source.name} is in, as {taken_as}"
    )
    for one in done.dropped:
        lines.append(f"left out: {one.count:,} {one.why} ({', '.join(one.examples[:3])})")
    lines += [str(finding) for finding in done.findings]
    if found is None:
        return [*lines, _costs_text(done.costs)]
    rows = [(arm, f"{n:,}", f"{found.outcomes[arm]:,}") for arm, n in found.arms.items()]
    lines.append(table(rows, ["arm", "people" if found.kind == "units" else "units", "outcomes"]))
    remarks = (
        (found.repeated, "row", "a person who stands in the file already: counted once"),
        (found.earlier, "person", "an earlier file, too: counted once"),
        (found.unknown, "row", "people who were not assigned: left out"),
        (found.held_back, "row", "people who wait for the result: left out"),
    )
    lines += [f"{counted(count, noun)} of {text}" for count, noun, text in remarks if count]
    lines += list(found.notes)
    if done.srm_p is not None:
        verdict = "the split is as planned" if done.srm_p >= 0.001 else "MISMATCH: see `look`"
        lines.append(f"sample ratio: p = {done.srm_p:.3g}, {verdict}")
    if done.decided:
        lines.append("the experiment is decided: the verdict stays, a new look revises the figures")
    if done.batch is not None:
        lines.append(f"next: whistlestop experiment look {name}")
    return lines


def _costs_data(costs: Sequence[Cost]) -> list[dict[str, Any]]:
    from dataclasses import asdict

    return [asdict(one) for one in costs]


def _costs_text(costs: Sequence[Cost]) -> str:
    from testkit.reports import words

    rows = [
        (
            one.arm or "no arm",
            words.money(one),
            "-" if one.outcomes is None else f"{one.outcomes:,}",
            words.per_thousand(one),
            words.extra_per_thousand(one),
        )
        for one in costs
    ]
    head = ["arm", "spent", "outcomes", "outcomes per 1,000 of spend", "more than control's"]
    lines = [table(rows, head)]
    if all(one.outcomes is None for one in costs):
        lines.append("outcomes are those of the last look, and none was taken yet")
    return "\n".join(lines)


@click.command()
@click.argument("name")
@json_option
@pass_app
def spend(app: App, name: str, as_json: bool) -> None:
    """What ads cost, by arm, and outcomes per 1,000 of spend, as of the last look. Decides nothing.

    \b
    Example:
      whistlestop experiment spend spring-appeal
    """
    from testkit.services.spend import costs

    found = costs(app.workspace(), name)
    text = _costs_text(found) if found else "no spend yet: take in the report of an ads platform"
    emit(_costs_data(found), text, as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("batch")
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option("--dry-run", is_flag=True, help="Say what would go; change nothing.")
@json_option
@pass_app
def retract(app: App, name: str, batch: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Take a file of results or spend back.

    \b
    Example:
      whistlestop experiment retract spring-appeal batch_01k... --reason "wrong export"
      whistlestop experiment retract spring-appeal batch_01k... --reason "wrong export" --dry-run
    """
    gone = "would count no longer; dry run: nothing was changed" if dry_run else "counts no longer"
    if batch.startswith("spend_"):
        from testkit.services.spend import retract as take_back

        file = take_back(app.workspace(), name, batch, reason=reason, dry_run=dry_run)
        emit(
            {"retracted": file.id, "source": file.source_name, "dry_run": dry_run},
            f"{file.id} ({file.source_name}) {gone}",
            as_json=as_json,
        )
        return
    from testkit.services.retract import retract as run

    done = run(app.workspace(), name, batch, reason=reason, dry_run=dry_run)
    emit(
        {"retracted": done.id, "source": done.source_name, "dry_run": dry_run},
        f"{done.id} ({done.source_name}, {done.rows:,} rows) {gone}; earlier looks stay",
        as_json=as_json,
    )


COMMANDS: Final = (assign, intake, spend, retract)
