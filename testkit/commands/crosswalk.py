"""``whistlestop crosswalk``: which ids are one person's, for files that know people otherwise."""

from __future__ import annotations

from pathlib import Path

import click

from testkit.commands.experiment_intake import pairs
from testkit.kernel.console import App, emit, json_option, pass_app, progress, table

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def crosswalk() -> None:
    """Ids of one person: a list by telephone number meets an export by e-mail.

    \b
    Example:
      whistlestop crosswalk add crm.csv
    """


@crosswalk.command()
@click.argument("source", type=_FILE)
@click.option(
    "--id", "ids", multiple=True, metavar="KIND=COLUMN", help="The column that holds an id."
)
@click.option("--encoding", metavar="NAME", help="Encoding of the file; else UTF-8.")
@click.option("--dry-run", is_flag=True, help="Read and check; store nothing.")
@json_option
@pass_app
def add(
    app: App,
    source: Path,
    ids: tuple[str, ...],
    encoding: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Link the ids that stand in one row of FILE: e-mail, phone, VAN id ... Only HMACs are kept.

    Columns are found by their names; --id names others. `unit` is the id of your lists.

    \b
    Example:
      whistlestop crosswalk add crm.csv
      whistlestop crosswalk add crm.csv --id unit=supporter_id --id phone="Best phone"
    """
    from testkit.services.crosswalk import add as run

    with progress() as say:
        done = run(
            app.workspace(),
            source,
            ids=pairs(ids, option="--id", form="KIND=COLUMN"),
            encoding=encoding,
            dry_run=dry_run,
            progress=say,
        )
    rows = [(kind, done.columns[kind], f"{n:,}") for kind, n in done.usable.items()]
    lines = [
        f"{source.name} is in, as {done.file.id}"
        if done.file
        else f"dry run: nothing was stored; {source.name} would be taken in",
        table(rows, ["id", "column", "rows with a usable one"]),
        (
            f"{done.linked:,} of {done.rows:,} rows link two ids or more;"
            f" {done.people:,} people and {done.ids:,} ids are new"
        ),
    ]
    if done.conflicts:
        count = sum(one.rows for one in done.conflicts)
        lines.append(f"{count:,} rows would make two people one: see `crosswalk conflicts`")
    emit(
        {
            "file": done.file.id if done.file else None,
            "columns": done.columns,
            "rows": done.rows,
            "usable": done.usable,
            "linked": done.linked,
            "ids": done.ids,
            "people": done.people,
            "conflicts": sum(one.rows for one in done.conflicts),
            "dry_run": dry_run,
        },
        "\n".join(lines),
        as_json=as_json,
    )


@crosswalk.command("list")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """Files of ids that count.

    \b
    Example:
      whistlestop crosswalk list
    """
    from dataclasses import asdict

    from testkit.services.crosswalk import known

    found = known(app.workspace())
    rows = [(f.id, f.source_name, f"{f.rows:,}", f"{f.ids:,}", f.at[:10]) for f in found]
    text = table(rows, ["id", "file", "rows", "new ids", "taken in"])
    emit([asdict(f) for f in found], text if rows else "no file of ids yet", as_json=as_json)


@crosswalk.command()
@json_option
@pass_app
def conflicts(app: App, as_json: bool) -> None:
    """Rows that would have made two people one; nothing was merged.

    \b
    Example:
      whistlestop crosswalk conflicts
    """
    from testkit.services.crosswalk import conflicts as run

    found = run(app.workspace())
    rows = [(", ".join(one.kinds), len(one.people), one.rows, name) for one, name in found]
    text = table(rows, ["ids", "people", "rows", "file"]) if rows else "no conflicts"
    emit(
        [
            {"people": one.people, "kinds": one.kinds, "rows": one.rows, "file": name}
            for one, name in found
        ],
        text,
        as_json=as_json,
    )


@crosswalk.command()
@click.argument("file_id")
@json_option
@pass_app
def forget(app: App, file_id: str, as_json: bool) -> None:
    """Take a file of ids back. Ids that were known before it stay.

    \b
    Example:
      whistlestop crosswalk forget ids_01k...
    """
    from testkit.services.crosswalk import forget as run

    gone = run(app.workspace(), file_id)
    emit({"forgotten": file_id, "ids": gone}, f"{gone:,} ids are gone", as_json=as_json)
