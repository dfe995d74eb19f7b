"""``whistlestop adapters``: which exports are read, which lists are written, what a file is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from testkit.kernel.console import App, emit, json_option, pass_app, table

if TYPE_CHECKING:
    from testkit.adapters.handback import Named
    from testkit.adapters.model import Adapter, Options, Reading

_FILE = click.Path(exists=False, dir_okay=False, path_type=Path)


@click.group()
def adapters() -> None:
    """Exports of outside tools: what is read, what is written, what a file is.

    \b
    Example:
      whistlestop adapters list
      whistlestop adapters sniff report.csv
    """


@adapters.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """List every adapter: what it reads, and whether it writes lists too.

    \b
    Example:
      whistlestop adapters list
    """
    from testkit.adapters.registry import ADAPTERS

    rows = [(a.name, a.form or "", a.direction, a.verified, a.title) for a in ADAPTERS.values()]
    head = ("adapter", "gives", "direction", "verified", "what it is")
    emit([dict(zip(head, r, strict=True)) for r in rows], table(rows, head), as_json=as_json)


@adapters.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show one adapter: how a file is recognised, and which column becomes what.

    \b
    Example:
      whistlestop adapters show actblue-csv
    """
    from dataclasses import asdict

    from testkit.adapters.describe import described
    from testkit.adapters.registry import adapter_named

    adapter = adapter_named(name)
    emit(asdict(adapter), described(adapter), as_json=as_json)


@adapters.command()
@click.argument("file", type=_FILE)
@click.option("--from", "name", metavar="NAME", help="Read it as this adapter does.")
@click.option("--mapping", metavar="NAME", help="Read it as mappings/NAME.yaml says.")
@click.option("--encoding", help="Encoding of the text, such as cp1252.")
@click.option("--decimal", type=click.Choice([".", ","]), default=".", help="Decimal separator.")
@click.option("--day-first", "day_first", flag_value="day", help="03/11 is the third of November.")
@click.option("--month-first", "day_first", flag_value="month", help="03/11 is in March.")
@click.option("--success", multiple=True, help="An answer that counts as the deed.")
@click.option("--arm", "arms", multiple=True, metavar="CODE=ARM", help="What stands for an arm.")
@json_option
@pass_app
def sniff(
    app: App,
    file: Path,
    name: str | None,
    mapping: str | None,
    encoding: str | None,
    decimal: str,
    day_first: str | None,
    success: tuple[str, ...],
    arms: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what a file is and what is in it; nothing is stored.

    \b
    Example:
      whistlestop adapters sniff report.csv
      whistlestop adapters sniff gifts.csv --arm tk-spring-a=control
    """
    from testkit.adapters.describe import recognised, summary
    from testkit.adapters.handback import named_hand_back
    from testkit.adapters.model import Options

    back = None if name or mapping else named_hand_back(file)
    if back is not None and _hand_back(file, back, as_json=as_json):
        return
    options = Options(
        encoding=encoding,
        decimal="," if decimal == "," else ".",
        day_first=None if day_first is None else day_first == "day",
        success=success,
        arms=_pairs(arms),
    )
    chosen: Adapter | None
    chosen, told, options = _chosen(app, file, name=name, mapping=mapping, options=options)
    reading = _read(file, chosen, options)
    said = recognised(told) if told else f"{file.name}: read as {chosen.name}"
    data: dict[str, Any] = {"recognised": told.as_dict() if told else {"adapter": chosen.name}}
    emit({**data, "reading": reading.as_dict()}, f"{said}\n{summary(reading)}", as_json=as_json)


def _hand_back(file: Path, named: Named, *, as_json: bool) -> bool:
    """Say what a list of ours holds; False where it is none after all."""
    from dataclasses import asdict

    from testkit.adapters.handback import read_hand_back
    from testkit.adapters.registry import ADAPTERS
    from testkit.engines.sources import session

    adapter = ADAPTERS.get(named.tool)
    if adapter is None or adapter.out is None:
        return False
    with session() as connection:
        again = read_hand_back(connection, file, adapter=adapter)
    links = "".join(f"; link {link}" for link in again.links.values())
    count = f"{again.arms[named.arm]:,} people" if again.table else "one row for the arm"
    emit(
        {"hand_back": asdict(named), "arms": dict(again.arms), "links": dict(again.links)},
        f"{file.name}: the list of {named.arm}, wave {named.wave}, of {named.experiment}, written"
        f" for {named.tool}: {count}{links}",
        as_json=as_json,
    )
    return True


def _chosen(
    app: App, file: Path, *, name: str | None, mapping: str | None, options: Options
) -> tuple[Adapter, Any, Options]:
    from testkit.adapters.registry import adapter_named
    from testkit.adapters.registry import sniff as recognise

    if mapping:
        from testkit.adapters.mapping import mapping_named

        found = mapping_named(app.workspace().root / "mappings", mapping)
        return found.adapter(), None, found.options(options)
    if name:
        return adapter_named(name), None, options
    told = recognise(file, encoding=options.encoding)
    return told.adapter, told, options


def _read(file: Path, adapter: Adapter, options: Options) -> Reading:
    from testkit.adapters.reading import read
    from testkit.engines.sources import session

    with session() as connection:
        return read(connection, file, adapter=adapter, options=options)


def _pairs(words: tuple[str, ...]) -> dict[str, str]:
    bad = [w for w in words if "=" not in w]
    if bad:
        raise click.BadParameter(f"{bad[0]!r} is not CODE=ARM", param_hint="--arm")
    return dict(w.split("=", 1) for w in words)


@adapters.command(name="map")
@click.argument("file", type=_FILE)
@click.option("--name", metavar="NAME", help="Name of the mapping; the file's if left out.")
@click.option("--encoding", help="Encoding of the text, such as cp1252.")
@json_option
@pass_app
def map_(app: App, file: Path, name: str | None, encoding: str | None, as_json: bool) -> None:
    """Propose a mapping for a CSV of your own, as mappings/NAME.yaml.

    \b
    Example:
      whistlestop adapters map our-crm.csv
    """
    import re

    from testkit.adapters.mapping import propose
    from testkit.adapters.tables import opened

    columns = opened(file, encoding=encoding).columns
    called = name or re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:60] or "mapping"
    workspace = app.workspace()
    target = propose(workspace.root / "mappings", columns, name=called)
    emit(
        {"mapping": called, "file": str(target), "text": target.read_text(encoding="utf-8")},
        f"wrote {workspace.shown(target)}; correct it, then:"
        f" whistlestop adapters sniff {file.name} --mapping {called}",
        as_json=as_json,
    )
