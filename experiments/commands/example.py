"""``whistlestop example``: bundled real experiments to learn from."""

from __future__ import annotations

from pathlib import Path

import click

from testkit.commands.numbers import PEOPLE
from testkit.errors import InputError
from testkit.kernel.console import App, emit, json_option, pass_app, table
from testkit.kernel.numbers import share

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def example() -> None:
    """Real, published experiments to learn and to teach with.

    \b
    Example:
      whistlestop example list
    """


@example.command("list")
@json_option
def list_(as_json: bool) -> None:
    """The bundled examples.

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
    """What an example teaches, and where its counts come from.

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
    """Put an example into this workspace: definition, results, and the commands to play it.

    Published counts come in six batches; where people are told apart by more than their arm, as a
    list of made-up people with the arm of each.

    \b
    Example:
      whistlestop example play karlan-list-2007
    """
    from experiments.play import set_up

    workspace = app.workspace()
    ready = set_up(workspace, name)
    if ready.people and ready.results:
        people, results = workspace.shown(ready.people), workspace.shown(ready.results)
        steps = [
            f"lock {name}",
            f"assign {name} {people} --arm-column version",
            f'sent {name} --wave 1 --at "5 days ago"',
            f"intake {name} {results}",
            f"look {name}",
            f"decide {name}",
            f"report {name}",
        ]
        told = [
            (
                f"{workspace.shown(ready.definition)}, {people} and {results} lie ready; the people"
                " are made up and add up to the published figures"
            ),
            *(f"  whistlestop experiment {step}" for step in steps),
        ]
        emit(
            {
                "experiment": name,
                "definition": workspace.shown(ready.definition),
                "batches": [],
                "list": people,
                "results": results,
            },
            "\n".join(told),
            as_json=as_json,
        )
        return
    batches = [(workspace.shown(path), at) for path, at in ready.batches]
    lines = [
        (
            f"{workspace.shown(ready.definition)} and {len(batches)} batches lie ready; the batches"
            " are a random split of the published counts, made by us"
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


@example.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--size",
    type=PEOPLE,
    default=100_000,
    show_default=True,
    help="How many people: 40,000 or 40k.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same list.")
@json_option
def supporters(target: Path, size: int, seed: int, as_json: bool) -> None:
    """Write a list of made-up supporters, to practise with.

    \b
    Example:
      whistlestop example supporters supporters.csv --size 100000
    """
    from experiments.practice import write_supporters

    write_supporters(target, size=size, seed=seed)
    emit({"file": str(target), "people": size}, f"wrote {size:,} made-up people to {target}",
         as_json=as_json)  # fmt: skip


@example.command()
@click.argument("name")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--rate", "rates", multiple=True, metavar="ARM=SHARE", help="Else the base rate.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same results.")
@json_option
@pass_app
def results(
    app: App, name: str, target: Path, rates: tuple[str, ...], seed: int, as_json: bool
) -> None:
    """Write made-up results for the waves of an experiment that were sent, to practise with.

    \b
    Example:
      whistlestop example results spring-appeal results.csv --rate new=0.026
    """
    from experiments.practice import write_results

    parsed = _parsed(rates)
    rows = write_results(app.workspace(), name, target, rates=parsed, seed=seed)
    emit({"file": str(target), "rows": rows}, f"wrote {rows:,} made-up results to {target}",
         as_json=as_json)  # fmt: skip


def _parsed(rates: tuple[str, ...]) -> dict[str, float]:
    """``ARM=SHARE`` as typed."""
    parsed: dict[str, float] = {}
    for text in rates:
        arm, sign, said = text.partition("=")
        if not sign or not arm:
            raise click.BadParameter(f"{text!r} is not ARM=SHARE", param_hint="--rate")
        try:
            parsed[arm] = share(said)
        except InputError as problem:
            told = f"{problem.message}: {problem.hint}"
            raise click.BadParameter(told, param_hint="--rate") from problem
    return parsed


@example.command()
@click.argument("source", type=_FILE)
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def contacts(source: Path, target: Path, as_json: bool) -> None:
    """Write made-up e-mail addresses, telephone numbers and VAN ids for a list of supporters.

    \b
    Example:
      whistlestop example contacts supporters.csv crm.csv
    """
    from experiments.practice import write_contacts

    people = write_contacts(source, target)
    emit({"file": str(target), "people": people},
         f"wrote made-up ids of {people:,} people to {target}", as_json=as_json)  # fmt: skip


@example.command()
@click.argument("name")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--contacts", type=_FILE, required=True, help="What `example contacts` wrote.")
@click.option("--rate", "rates", multiple=True, metavar="ARM=SHARE", help="Else the base rate.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same calls.")
@json_option
@pass_app
def calls(
    app: App,
    name: str,
    target: Path,
    contacts: Path,
    rates: tuple[str, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Write made-up calls of people who were sent a message, as EveryAction exports them.

    \b
    Example:
      whistlestop example calls text calls.csv --contacts crm.csv --rate story=0.07
    """
    from experiments.practice import write_calls

    rows = write_calls(
        app.workspace(), name, target, contacts=contacts, rates=_parsed(rates), seed=seed
    )
    emit({"file": str(target), "rows": rows}, f"wrote {rows:,} made-up calls to {target}",
         as_json=as_json)  # fmt: skip
