"""One file in, one reading out: the single entry for everything that comes from outside."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from testkit.adapters.blocks import read_blocks
from testkit.adapters.clicks import mark_scanners
from testkit.adapters.counts import (
    INTERNAL_SENDER,
    gaps_of_counts,
    snapshots_of,
    spend_of,
    without_resends,
)
from testkit.adapters.documents import lines_table, read_document, records_in, records_table
from testkit.adapters.events import events_of, gaps, once, zeros_lost
from testkit.adapters.model import Adapter, Dropped, Options, Reading
from testkit.adapters.registry import sniff
from testkit.adapters.tables import load, opened, rows_of
from testkit.errors import DataError, InputError
from testkit.kernel.digest import digest_file
from testkit.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from testkit.adapters.model import Snapshot
    from testkit.adapters.tables import Table

__all__ = ["outcomes", "read"]

MOST_ROWS: Final = 100_000
"""Messages or ads in one file."""


def read(
    connection: duckdb.DuckDBPyConnection,
    source: Path | Any,
    *,
    adapter: Adapter | None = None,
    options: Options | None = None,
) -> Reading:
    """Read a file of an outside tool.

    Args:
        connection: The session that the events go to.
        source: The file, or a ``parsons.Table``.
        adapter: What it is; None recognises it.
        options: What the file does not say.

    Returns:
        Events stand in a table of the session (``Reading.events``, columns
        :data:`testkit.adapters.model.EVENT_COLUMNS`); snapshots and spend are values.

    Raises:
        DataError: Rows that cannot be used, with their numbers; nothing is half-read.
        InputError: The file cannot be read, or nobody knows what it is.
    """
    options = options or Options()
    if not isinstance(source, Path):
        from testkit.adapters.parsons import as_file

        with as_file(source) as path:
            return read(connection, path, adapter=adapter, options=options)
    adapter = adapter or sniff(source, encoding=options.encoding).adapter
    if adapter.shape in {"json", "jsonl"}:
        options = replace(options, decimal=".")  # JSON writes numbers in one way only
    if adapter.form is None or not adapter.signs:
        raise InputError(
            f"{adapter.name} needs a mapping",
            field="mapping",
            hint=f"`adapters map {source.name}` proposes one",
        )
    if adapter.form == "events":
        return _events(connection, source, adapter, options)
    rows, dropped, senders = _rows(connection, source, adapter, options)
    if adapter.form == "spend":
        spend = spend_of(rows, adapter.columns, options, source=adapter.name, file=source.name)
        return Reading(
            adapter=adapter.name,
            file=source.name,
            sha256=digest_file(source),
            form="spend",
            rows=len(spend),
            spend=tuple(spend),
            dropped=dropped,
            findings=(_OBSERVATIONAL, *_preset(adapter)),
        )
    snapshots = snapshots_of(rows, adapter.columns, options, file=source.name)
    kept, resent = without_resends(snapshots, senders=senders)
    return Reading(
        adapter=adapter.name,
        file=source.name,
        sha256=digest_file(source),
        form="snapshots",
        rows=len(kept),
        snapshots=tuple(kept),
        gaps=gaps_of_counts(kept),
        dropped=(*dropped, *([resent] if resent else [])),
        findings=(*_about_counts(kept, resent), *_preset(adapter)),
    )


_OBSERVATIONAL: Final = Finding(
    code="IM010",
    severity="warning",
    message="an ads platform chooses who sees which ad: its results compare different people",
    hint="cost is taken; results decide nothing unless regions or a hold-out were randomised",
)


def _rows(
    connection: duckdb.DuckDBPyConnection, source: Path, adapter: Adapter, options: Options
) -> tuple[Sequence[tuple[int, Any]], tuple[Dropped, ...], dict[str, str]]:
    """Rows of a small file: number and cells; what was left out; who created which message."""
    if adapter.shape == "blocks":
        blocks = read_blocks(source, encoding=options.encoding)
        told = Dropped(
            why="sent to the rest after a winner was picked: in no arm",
            count=len(blocks.winners),
            examples=blocks.winners,
        )
        return blocks.rows, (told,) if blocks.winners else (), {}
    if adapter.shape == "json":
        named = (*adapter.columns.together, *adapter.columns.title)
        above = [name.removeprefix("..") for name in named if name.startswith("..")]
        document = read_document(source)
        records = records_in(document, adapter.records, each=adapter.each, above=above)
        if len(records) > MOST_ROWS:
            raise DataError(
                f"{source.name} has more than {MOST_ROWS:,} records", count=len(records)
            )
        senders = {
            next((r[n] for n in adapter.columns.message if r.get(n)), ""): r["createdBy"]
            for r in records
            if r.get("createdBy", "").lower() == INTERNAL_SENDER
        }
        return list(enumerate(records, start=1)), (), senders
    table = load(connection, opened(source, encoding=options.encoding))
    rows = rows_of(connection, table, most=MOST_ROWS)
    connection.execute(f"DROP TABLE {table.name}")
    return rows, table.dropped, {}


@contextmanager
def _table(
    connection: duckdb.DuckDBPyConnection, source: Path, adapter: Adapter, options: Options
) -> Iterator[Table]:
    if adapter.shape == "jsonl":
        table = lines_table(connection, source, adapter)
    elif adapter.shape == "json":
        records = records_in(read_document(source), adapter.records, each=adapter.each)
        table = records_table(connection, records, title=source.name)
    else:
        table = load(connection, opened(source, encoding=options.encoding))
    try:
        yield table
    finally:
        connection.execute(f"DROP TABLE {table.name}")


def _events(
    connection: duckdb.DuckDBPyConnection, source: Path, adapter: Adapter, options: Options
) -> Reading:
    with _table(connection, source, adapter, options) as table:
        events = events_of(connection, table, adapter.columns, options)
        silent = connection.execute(
            f"SELECT count(*), list(row_number ORDER BY row_number)[:20] FROM {table.name}"
            f" WHERE row_number NOT IN (SELECT n FROM {events})"
        ).fetchone()
        dropped = list(table.dropped)
        if silent and silent[0]:
            dropped.append(
                Dropped(
                    why="rows that tell of no deed that is read here",
                    count=silent[0],
                    examples=tuple(f"row {n}" for n in silent[1]),
                )
            )
    twice = once(connection, events)
    if adapter.shape == "jsonl":
        mark_scanners(connection, events, decoys=options.decoys)
    row = connection.execute(f"SELECT count(*), count(arm) FROM {events}").fetchone()
    count, armed = row or (0, 0)
    machine = gaps(connection, events)
    findings = [*_preset(adapter)]
    lost = zeros_lost(connection, events)
    if lost:
        findings.append(lost)
    if any(g.human is None and g.kind == "opened" for g in machine):
        findings.append(_MACHINES_UNKNOWN)
    if 0 < armed < count:
        findings.append(
            Finding(
                code="IM009",
                severity="note",
                message=f"{count - armed:,} of {count:,} events name no arm",
                hint="they are led to their arm by the person's id",
            )
        )
    return Reading(
        adapter=adapter.name,
        file=source.name,
        sha256=digest_file(source),
        form="events",
        events=events,
        rows=count,
        gaps=machine,
        dropped=(*dropped, *([twice] if twice else [])),
        findings=tuple(findings),
    )


_MACHINES_UNKNOWN: Final = Finding(
    code="IM002",
    severity="warning",
    message="the tool does not say which opens were made by machines",
    hint="mail programs open messages by themselves; decide on clicks or on deeds",
)


def _preset(adapter: Adapter) -> tuple[Finding, ...]:
    if adapter.verified == "seen":
        return ()
    return (
        Finding(
            code="IM011",
            severity="note",
            message=f"{adapter.name} is a preset: no real export of it was seen yet",
            hint="compare a few figures with the tool's own page",
        ),
    )


def _about_counts(snapshots: Sequence[Snapshot], resent: Dropped | None) -> list[Finding]:
    out = []
    if resent:
        out.append(
            Finding(
                code="IM003",
                severity="note",
                message=f"left out: {', '.join(resent.examples[:5])}",
                hint="those people were sent the message after a winner was picked",
            )
        )
    if any(not s.as_of for s in snapshots):
        out.append(
            Finding(
                code="IM001",
                severity="warning",
                message="the file does not say when these counts were taken",
                hint="say it with --as-of; otherwise the time of the intake stands for it",
            )
        )
    if any("opened_all" in s.counts and "opened_human" not in s.counts for s in snapshots):
        out.append(_MACHINES_UNKNOWN)
    if any("assigned" not in s.counts for s in snapshots):
        out.append(
            Finding(
                code="IM005",
                severity="warning",
                message="the tool says how many were sent to, not how many were assigned",
                hint="where a list was assigned here, that list is the denominator",
            )
        )
    return out


def outcomes(
    connection: duckdb.DuckDBPyConnection, reading: Reading, *, kinds: Sequence[str]
) -> str:
    """One row per person who did any of these deeds, machines left out; returns the table's name.

    Args:
        connection: The session of the reading.
        reading: Events.
        kinds: Deeds that count: ``donated``, ``signup``, or the metric of a mapping.

    Returns:
        A table with ``id_kind, id, value, amount_cents, done_at, arm, wave, rows, first_row``:
        ``value`` is the largest told, ``amount_cents`` the sum, ``done_at`` the first time of a
        deed with a value above 0. ``arm`` and ``wave`` are as the file says, null where its rows
        disagree.
    """
    import secrets

    from testkit.engines.sources import literal

    if reading.form != "events":
        raise InputError(f"{reading.file} holds {reading.form}, no rows of people", field="file")
    name = f"outcomes_{secrets.token_hex(4)}"
    listed = ", ".join(map(literal, kinds)) or "NULL"
    connection.execute(
        f"""
        CREATE TEMP TABLE {name} AS
        SELECT id_kind, id, max(value) AS value, sum(amount_cents)::BIGINT AS amount_cents,
          min(done_at) FILTER (WHERE value > 0) AS done_at,
          CASE WHEN min(arm) = max(arm) THEN min(arm) END AS arm,
          CASE WHEN min(wave) = max(wave) THEN min(wave) END AS wave,
          count(*) AS rows, min(n) AS first_row
        FROM {reading.events} WHERE kind IN ({listed}) AND machine IS NOT TRUE
        GROUP BY id_kind, id
        """
    )
    return name
