"""``whistlestop quick``: two messages compared at once, without a workspace."""

from __future__ import annotations

import click

from testkit.commands.numbers import SHARE
from testkit.kernel.console import emit, json_option


@click.command()
@click.argument("values", nargs=-1, required=True, metavar="SENT DID SENT DID | FILE.csv")
@click.option(
    "--level", type=SHARE, default=0.95, show_default=True, help="Coverage of the intervals."
)
@json_option
def quick(values: tuple[str, ...], level: float, as_json: bool) -> None:
    """Compare two messages at once: people reached and people who did it, for each.

    The first pair is the control. FILE.csv has a row per arm (arm, units, outcomes) or a row per
    person (arm, outcome 0 or 1).

    \b
    Example:
      whistlestop quick 1751 141 1750 125
      whistlestop quick results.csv
    """
    from testkit.services.quick import compare, numbers, read_file, text

    pair = read_file(values[0]) if len(values) == 1 else numbers(values)
    result = compare(pair, level=level)
    emit(result.as_dict(), text(result), as_json=as_json)
