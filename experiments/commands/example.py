"""``whistlestop example``: bundled real experiments to learn from."""

from __future__ import annotations

import click

from testkit.kernel.console import App, emit, json_option, pass_app, table


@click.group()
def example() -> None:
    r"""Real, published experiments to learn and to teach with.

    \b
    Example:
      whistlestop example list
    """


@example.command("list")
@json_option
def list_(as_json: bool) -> None:
    r"""The bundled examples.

    \b
    Example:
      whistlestop example list
    """
    from experiments.catalogue import example as load
    from experiments.catalogue import names

    found = [load(name) for name in names()]
    rows = [
        (e.name, ", ".join(f"{a}: {s:,} of {n:,} {e.metric}" for a, (n, s) in e.counts.items()))
        for e in found
    ]
    data = [{"example": e.name, "metric": e.metric, "counts": e.counts} for e in found]
    emit(data, table(rows, ["example", "published counts"]), as_json=as_json)


@example.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    r"""What an example teaches, and where its counts come from.

    \b
    Example:
      whistlestop example show karlan-list-2007
    """
    from experiments.catalogue import example as load

    found = load(name)
    emit(
        {"example": name, "counts": found.counts, "lesson": found.lesson, "source": found.source},
        f"{found.lesson}\n{found.source}",
        as_json=as_json,
    )


@example.command()
@click.argument("name")
@json_option
@pass_app
def play(app: App, name: str, as_json: bool) -> None:
    r"""Put an example into this workspace: definition, six batches, and the commands to play it.

    \b
    Example:
      whistlestop example play karlan-list-2007
    """
    from experiments.play import set_up

    workspace = app.workspace()
    ready = set_up(workspace, name)
    batches = [(workspace.shown(path), at) for path, at in ready.batches]
    lines = [
        (
            f"{workspace.shown(ready.definition)} and {len(batches)} batches lie ready; the batches are"
            " a random split of the published counts, made by us"
        ),
        f"  whistlestop experiment lock {name}",
    ]
    for path, at in batches:
        lines.append(f"  whistlestop experiment intake {name} {path} --sent-at {at}")
        lines.append(f"  whistlestop experiment look {name}")
    lines += [f"  whistlestop experiment decide {name}", f"  whistlestop experiment report {name}"]
    data = {
        "experiment": name,
        "definition": workspace.shown(ready.definition),
        "batches": [{"path": path, "sent_at": at} for path, at in batches],
    }
    emit(data, "\n".join(lines), as_json=as_json)
