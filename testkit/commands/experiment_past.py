"""``whistlestop experiment past``: last year's tests, read as what they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from testkit.errors import InputError
from testkit.kernel.console import App, emit, json_option, pass_app, table

if TYPE_CHECKING:
    from testkit.model.past import PastReading, PastSummary

__all__ = ["past"]

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
LISTED: Final = 12


@click.command()
@click.argument("source", type=FILE, required=False)
@click.option("--column", "named", metavar="KEY=NAME", multiple=True, help="An unusual column.")
@click.option("--together", metavar="START", multiple=True, help="Names that start so: one test.")
@click.option("--apart", metavar="START", multiple=True, help="Names that start so are no test.")
@click.option("--dry-run", is_flag=True, help="Read the file alone, and keep nothing.")
@click.option("--forget", "gone", metavar="ID", help="Take a file of old tests back.")
@json_option
@pass_app
def past(
    app: App,
    source: Path | None,
    named: tuple[str, ...],
    together: tuple[str, ...],
    apart: tuple[str, ...],
    dry_run: bool,
    gone: str | None,
    as_json: bool,
) -> None:
    """Take in last year's tests: a tool's export, or one row for each arm of each test.

    In an export of counts (Mailchimp, Action Network ...) the variants of a message are a test, and
    so are messages of one day whose names start alike: look at the pairs with --dry-run; --together
    and --apart say otherwise. --column outcomes=clicked names the count.

    They are read as fixed tests and labelled "not pre-registered". Together they say how much your
    messages usually differ: the planner sizes by it, and large differences are drawn back to what a
    repeat would show. Without SOURCE, all that were taken in are shown.

    \b
    Example:
      whistlestop experiment past last-year.csv --column outcomes=gifts
      whistlestop experiment past campaigns.csv --dry-run
      whistlestop experiment past campaigns.csv --together "March petition" --apart Newsletter
    """
    from testkit.services import past as service

    if gone is not None:
        number = service.forget(app.workspace(), gone)
        emit(
            {"forgotten": gone, "tests": number}, f"{number} tests no longer count", as_json=as_json
        )
        return
    bad = [text for text in named if "=" not in text]
    if bad:
        raise InputError(f"{bad[0]!r} is not KEY=NAME", field="--column", value=bad[0])
    columns = dict(text.split("=", 1) for text in named)
    if source is None:
        done = service.Past(file_id="", tests=0, summaries=service.known(app.workspace()))
    elif dry_run:  # needs no workspace
        done = service.read_only(source, columns=columns, together=together, apart=apart)
    else:
        done = service.take_in(
            app.workspace(), source, columns=columns, together=together, apart=apart
        )
    lines = [f"read as {done.read_as}"] if done.read_as else []
    lines += done.notes
    lines += [_text(summary) for summary in done.summaries] or ["no old tests yet: give a file"]
    if done.file_id:
        lines.append(f"kept {done.tests} tests as {done.file_id}")
    elif source is not None:
        lines.append("nothing was kept; leave --dry-run out to keep them")
    emit(
        {
            "file": done.file_id or None,
            "read_as": done.read_as,
            "notes": list(done.notes),
            "summaries": [summary.as_dict() for summary in done.summaries],
        },
        "\n".join(lines),
        as_json=as_json,
    )


def _interval(reading: PastReading) -> str:
    if reading.low is None or reading.high is None:
        return "-"
    return f"{100 * reading.low:+.2f} to {100 * reading.high:+.2f}"


def _text(summary: PastSummary) -> str:
    readings = sorted(summary.readings, key=lambda r: (r.omnibus_p is None, r.omnibus_p))
    rows = [
        (
            reading.test.name[:34],
            reading.best[:24],
            f"{100 * reading.difference:+.2f}",
            _interval(reading),
            "-" if reading.omnibus_q is None else f"{reading.omnibus_q:.2g}",
            "-" if reading.expected is None else f"{100 * reading.expected:+.2f}",
            "uneven split?" if reading.suspicious else "",
        )
        for reading in readings[:LISTED]
    ]
    head = ("test", "best arm", "points", "95 % interval", "q", "again", "")
    lines = [
        (
            f"{summary.metric}: {len(summary.readings)} tests, not pre-registered;"
            f" {summary.base_rate:.2%} do it"
        ),
        table(rows, head),
    ]
    more = len(readings) - len(rows)
    if more > 0:
        lines.append(f"... and {more} more, see --json")
    if summary.suspicious:
        lines.append(
            f"{summary.suspicious} do not look evenly split; they are read, and teach nothing"
        )
    if summary.spread is None:
        lines.append("too few tests, or too alike, to say how much versions differ")
    else:
        lines.append(
            f"versions differ by a standard deviation of {100 * summary.spread:.2g} points;"
            f" plan with --spread {summary.spread:.2g}"
        )
    return "\n".join(lines)
