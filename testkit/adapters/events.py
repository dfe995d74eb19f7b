"""Rows of people turned into events: one SQL statement per file, whatever its size."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from testkit.adapters.cells import (
    amount_sql,
    count_sql,
    moment_sql,
    why_not_a_number,
    yes_sql,
)
from testkit.adapters.identity import plain_id_sql, plain_text_sql
from testkit.adapters.model import EVENT_COLUMNS, Dropped, Gap
from testkit.engines.sources import identifier, literal
from testkit.errors import DataError, InputError
from testkit.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from testkit.adapters.model import Columns, Options, Verb
    from testkit.adapters.tables import Table

__all__ = ["arm_of_sql", "events_of", "gaps", "once", "refuse", "zeros_lost"]

SHOWN: Final = 20


def events_of(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: Columns, options: Options
) -> str:
    """Make the table of events of a file; returns its name.

    Args:
        connection: The session; its TimeZone is set to the file's.
        table: The rows.
        columns: How they are read.
        options: What the file does not say.

    Raises:
        DataError: Rows that cannot be used.
        InputError: The file lacks a column that the adapter needs.
    """
    connection.execute(f"SET TimeZone = {literal(options.zone)}")
    ids = [
        (kind, _first_of(table, names)) for kind, names in columns.ids.items() if table.find(names)
    ]
    if not ids:
        wanted = ", ".join(name for names in columns.ids.values() for name in names)
        raise InputError(
            f"{table.title} has no column that says who",
            field=table.title,
            hint=f"one of {wanted} is needed",
        )
    verbs = [v for verb in columns.verbs for v in _spread(verb, table)]
    if not verbs:
        raise InputError(
            f"{table.title} has no column that says what anybody did", field=table.title
        )
    parts, problems = _stage(table, columns, ids, verbs, options)
    stage = f"stage_{secrets.token_hex(4)}"
    source = _base(table, columns, ids, verbs)
    connection.execute(f"CREATE TEMP TABLE {stage} AS SELECT n, {', '.join(parts)} FROM {source}")
    refuse(connection, stage, problems, file=table.title, decimal=options.decimal)
    arm = arm_of_sql("code", "message", "label", options.arms)
    wave = f"coalesce(try_cast(wave_text AS INTEGER), {options.wave or 'NULL'})"
    union = " UNION ALL ".join(
        f"""
        SELECT n, event_{i} AS event_id, id_kind, id, {literal(verb.kind)} AS kind,
          value_{i} AS value, amount_{i} AS amount_cents, currency, at_{i} AS done_at,
          message, label,
          {arm} AS arm, {wave} AS wave, url, {_machine(verb)} AS machine,
          CASE WHEN {_machine(verb)} THEN 'the tool says so' END AS machine_why, ids
        FROM {stage} WHERE does_{i}
        """
        for i, verb in enumerate(verbs)
    )
    events = f"events_{secrets.token_hex(4)}"
    _create(connection, events, union)
    connection.execute(f"DROP TABLE {stage}")
    return events


def _create(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    typed = ", ".join(f'CAST("{c}" AS {t}) AS "{c}"' for c, t in EVENT_COLUMNS.items())
    connection.execute(f"CREATE TEMP TABLE {name} AS SELECT {typed} FROM ({query})")


def _machine(verb: Verb) -> str:
    """Only opens and clicks can be a machine's; for the others nobody asks."""
    if verb.machine is not None:
        return str(verb.machine).lower()
    return "flag" if verb.kind in {"opened", "clicked"} else "NULL::BOOLEAN"


def _flag(table: Table, columns: Columns) -> str:
    found = table.find(columns.machine)
    if not found:
        return "NULL::BOOLEAN"
    cell = identifier(found)
    if not columns.bots:
        return f"CASE WHEN {cell} IS NOT NULL THEN {yes_sql(cell)} END"
    listed = ", ".join(map(literal, columns.bots))
    return f"CASE WHEN {cell} IS NOT NULL THEN lower(trim({cell})) IN ({listed}) END"


def _spread(verb: Verb, table: Table) -> list[Verb]:
    """The verb for every column that it stands for; none where the file has no such column."""
    if not verb.column:
        return [verb]
    if not verb.column[0].endswith("[*]"):
        return [verb] if table.find(verb.column) else []
    start = verb.column[0].removesuffix("*]")
    columns = [c for c in table.columns if c.startswith(start) and c.endswith("]")]
    return [replace(verb, column=(c,)) for c in columns]


def _stage(
    table: Table,
    columns: Columns,
    ids: Sequence[tuple[str, str]],
    verbs: Sequence[Verb],
    options: Options,
) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Parsed columns of every verb, and ``(condition, what is wrong, cell)`` of every problem."""
    kinds = " ".join(
        f"WHEN id_{k} IS NOT NULL THEN {literal(kind)}" for k, (kind, _) in enumerate(ids)
    )
    shared = {
        "message": columns.message,
        "label": columns.label,
        "wave_text": columns.wave,
        "currency": columns.currency,
        "url": columns.url,
    }
    parts = [
        f"{_first(f'id_{k}' for k in range(len(ids)))} AS id",
        f"CASE {kinds} END AS id_kind",
        f"{_first(cell for _, cell in ids)} AS raw_id",
        f"{_every_id([kind for kind, _ in ids])} AS ids",
        *(f"{_first_of(table, names)} AS {to}" for to, names in shared.items()),
        f"{_code(table, columns, options.arms)} AS code",
        f"{_flag(table, columns)} AS flag",
    ]
    problems = [
        ("raw_id IS NULL", "no id", "''"),
        ("id IS NULL", f"not {' or '.join(kind for kind, _ in ids)}", "raw_id"),
        ("wave_text IS NOT NULL AND try_cast(wave_text AS INTEGER) IS NULL", "not a wave",
         "wave_text"),
    ]  # fmt: skip
    for i, verb in enumerate(verbs):
        cell = table.cell(verb.column)
        at_text, amount_text = _first_of(table, verb.at), _first_of(table, verb.amount)
        does, value, wrong = _deed(verb, cell, i, options)
        at, amount = "NULL", "NULL"
        if _there(table, verb.at):
            at = moment_sql(at_text, day_first=options.day_first)
        if _there(table, verb.amount):
            amount = amount_sql(amount_text, decimal=options.decimal)
        parts += [
            f"{does} AS does_{i}",
            f"{value} AS value_{i}",
            f"{cell} AS raw_{i}",
            f"{at_text} AS at_text_{i}",
            f"{at} AS at_{i}",
            f"{amount_text} AS amount_text_{i}",
            f"{amount} AS amount_{i}",
            f"{_event_id(table, verb)} AS event_{i}",
        ]
        problems += [
            *((when.format(i=i), why, shown.format(i=i)) for when, why, shown in wrong),
            (_unread("at", i), "not a time", f"at_text_{i}"),
            (_unread("amount", i), "not an amount", f"amount_text_{i}"),
        ]
    return parts, problems


def _base(
    table: Table, columns: Columns, ids: Sequence[tuple[str, str]], verbs: Sequence[Verb]
) -> str:
    """The rows with trimmed cells, ids spelled and yes read, each once: a subquery.

    DuckDB works an expression out as often as it is written, so what is used twice is named first.
    """
    spoken = [*columns.names(), *(name for verb in verbs for name in verb.column)]
    used = dict.fromkeys(found for name in spoken if (found := table.find([name])))
    # Of a machine's flag an empty cell says no, and a missing one says nothing.
    raw = {table.find([name]) for name in columns.machine}
    cells = ", ".join(
        identifier(c) if c in raw else f"nullif(trim({identifier(c)}), '') AS {identifier(c)}"
        for c in used
    )
    trimmed = f"(SELECT row_number AS n, {cells} FROM {table.name})"
    plain = [f"{plain_text_sql(cell)} AS plain_{k}" for k, (_, cell) in enumerate(ids)]
    said = [
        f"{yes_sql(table.cell(verb.column))} AS said_{i}"
        for i, verb in enumerate(verbs)
        if verb.when in {"yes", "value"}
    ]
    spelled = ", ".join(
        f"{plain_id_sql(kind, f'plain_{k}')} AS id_{k}" for k, (kind, _) in enumerate(ids)
    )
    return f"(SELECT *, {spelled} FROM (SELECT *, {', '.join([*plain, *said])} FROM {trimmed}))"


def _every_id(kinds: Sequence[str]) -> str:
    """All ids of a row, the kind that joins best first; NULL where the file has one kind."""
    if len(kinds) < 2:
        return "NULL"
    listed = ", ".join(
        f"struct_pack(kind := {literal(kind)}, id := id_{k})" for k, kind in enumerate(kinds)
    )
    return f"list_filter([{listed}], lambda one: one.id IS NOT NULL)"


def _unread(what: str, i: int) -> str:
    return f"does_{i} AND {what}_text_{i} IS NOT NULL AND {what}_{i} IS NULL"


def _first(expressions: Iterable[str]) -> str:
    return f"coalesce({', '.join(expressions)}, NULL)"


def _first_of(table: Table, names: Sequence[str]) -> str:
    """The first of these columns that is filled in a row."""
    found = [identifier(column) for column in _there(table, names)]
    return _first(found) if found else "NULL::VARCHAR"


def _there(table: Table, names: Sequence[str]) -> list[str]:
    return [found for name in names if (found := table.find([name]))]


def _event_id(table: Table, verb: Verb) -> str:
    found = _there(table, verb.event_id)
    if not found:
        return "NULL::VARCHAR"
    filled = " || ':' || ".join(map(identifier, found))
    return f"{literal(verb.kind + ':')} || {filled}"


def _deed(
    verb: Verb, cell: str, i: int, options: Options
) -> tuple[str, str, tuple[tuple[str, str, str], ...]]:
    """Whether the row tells of the deed, its value, and what can be wrong with the cell."""
    match verb.when:
        case "always":
            return "true", "1.0", ()
        case "filled":
            return f"({cell} IS NOT NULL)", "1.0", ()
        case "is":
            wanted = verb.values or tuple(s.strip().lower() for s in options.success)
            if not wanted:
                return "false", "1.0", ()
            listed = ", ".join(map(literal, wanted))
            return f"lower(coalesce({cell}, '')) IN ({listed})", "1.0", ()
        case "more":
            least = int(verb.values[0]) if verb.values else 0
            number = count_sql(cell, decimal=options.decimal)
            wrong = "raw_{i} IS NOT NULL AND does_{i} IS NULL"
            return f"({number} > {least})", "1.0", ((wrong, "not a number", "raw_{i}"),)
        case "yes":
            return f"said_{i}", "1.0", (("does_{i} IS NULL", "neither yes nor no", "raw_{i}"),)
    number = count_sql(cell, decimal=options.decimal)
    value = f"CASE WHEN said_{i} THEN 1.0 WHEN NOT said_{i} THEN 0.0 ELSE {number} END"
    # A no is a row too: everybody who came back is counted, whatever they did.
    return "true", value, (("value_{i} IS NULL", "neither yes, no nor a number", "raw_{i}"),)


def _code(table: Table, columns: Columns, arms: Mapping[str, str]) -> str:
    """What stands for the arm in a row: a cell that the caller knows, else the first filled one.

    Of a list of tags the one that the caller knows counts, or the only one of ours (``tk-...``).
    """
    cells = [identifier(column) for column in _there(table, columns.arm)]
    keys = ", ".join(map(literal, [*arms, *arms.values()]))
    known = [f"CASE WHEN {cell} IN ({keys}) THEN {cell} END" for cell in cells] if arms else []
    tags = []
    if table.find(columns.tags):
        listed = f"string_split({table.cell(columns.tags)}, ', ')"
        ours = f"t IN ({keys})" if arms else "starts_with(t, 'tk-')"
        hits = f"list_filter({listed}, lambda t: {ours})"
        tags = [f"CASE WHEN len({hits}) = 1 THEN {hits}[1] END"]
    return _first([*known, *tags, *cells]) if known or tags or cells else "NULL::VARCHAR"


def arm_of_sql(code: str, message: str, label: str, arms: Mapping[str, str]) -> str:
    """The arm of a row: what the caller says of its code, message or label, else the code.

    Once the caller has said which codes stand for arms, other codes stand for none.
    """
    if not arms:
        return code
    keys = ", ".join(map(literal, arms))
    values = ", ".join(map(literal, arms.values()))
    table = f"MAP([{keys}], [{values}])"
    looked = ", ".join(f"{table}[{cell}]" for cell in (code, message, label))
    return f"coalesce({looked}, CASE WHEN {code} IN ({values}) THEN {code} END)"


def refuse(
    connection: duckdb.DuckDBPyConnection,
    stage: str,
    problems: Sequence[tuple[str, str, str]],
    *,
    file: str,
    decimal: str = ".",
) -> None:
    """Raise with the first bad rows of every kind together, in the order of the file.

    Args:
        connection: The session.
        stage: A table with ``n`` and the columns that the problems name.
        problems: ``(condition, what is wrong, cell to show)``.
        file: Name of the file.
        decimal: What was said to separate decimals, for the hint.

    Raises:
        DataError: Some row has a problem; nothing was taken in.
    """
    cases = " ".join(f"WHEN {when} THEN {literal(label)}" for when, label, _ in problems)
    cells = " ".join(f"WHEN {when} THEN {cell}::VARCHAR" for when, _, cell in problems)
    anything = " OR ".join(f"({when})" for when, _, _ in problems)
    row = connection.execute(f"SELECT count(*) FROM {stage} WHERE {anything}").fetchone()
    count = int(row[0]) if row else 0
    if not count:
        return
    bad = connection.execute(
        f"SELECT n, CASE {cases} END, CASE {cells} END FROM {stage} WHERE {anything}"
        f" ORDER BY n LIMIT {SHOWN}"
    ).fetchall()
    raise DataError(
        f"{file}: {count:,} rows cannot be used",
        rows=[_told(n, why, cell, decimal=decimal) for n, why, cell in bad],
        count=count,
        field=file,
        hint="nothing was taken in; row 1 is the line below the header",
    )


def _told(n: int, why: str, cell: str | None, *, decimal: str) -> str:
    shown = (cell or "")[:80]
    if why in {"not a number", "not an amount"}:
        return f"row {n}: {why_not_a_number(shown, decimal=decimal)}"
    if why == "not a time" and "/" in shown:
        return f"row {n}: {shown!r}: day or month first? say it with --day-first or --month-first"
    return f"row {n}: {why}: {shown!r}" if shown else f"row {n}: {why}"


def once(connection: duckdb.DuckDBPyConnection, events: str) -> Dropped | None:
    """Take deeds out that are told twice: by id, else by person, kind, message and minute.

    Rows with neither an id nor a time stay: nobody can say that two of them are one.
    """
    row = connection.execute(
        f"SELECT count(*) FROM {events} WHERE event_id IS NOT NULL OR done_at IS NOT NULL"
    ).fetchone()
    if not row or not row[0]:
        return None
    key = (
        "coalesce(event_id, concat_ws(chr(31), id_kind, id, kind, coalesce(message, ''),"
        " coalesce(url, ''), amount_cents, coalesce(machine::VARCHAR, ''),"
        " epoch(date_trunc('minute', done_at))::BIGINT))"
    )
    twice = connection.execute(
        f"SELECT count(*) - count(DISTINCT {key}) FROM {events}"
        " WHERE event_id IS NOT NULL OR done_at IS NOT NULL"
    ).fetchone()
    if not twice or not twice[0]:
        return None
    connection.execute(
        f"""
        CREATE TEMP TABLE {events}_twice AS
        SELECT rowid AS r, n FROM {events} WHERE event_id IS NOT NULL OR done_at IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY value DESC, n) > 1
        """
    )
    rows = connection.execute(
        f"SELECT DISTINCT n FROM {events}_twice ORDER BY n LIMIT {SHOWN}"
    ).fetchall()
    connection.execute(f"DELETE FROM {events} WHERE rowid IN (SELECT r FROM {events}_twice)")
    connection.execute(f"DROP TABLE {events}_twice")
    return Dropped(
        why="deeds that the file tells twice",
        count=int(twice[0]),
        examples=tuple(f"row {n}" for (n,) in rows),
    )


def gaps(connection: duckdb.DuckDBPyConnection, events: str) -> tuple[Gap, ...]:
    """What machines add to opens and clicks, by arm: people of whom only a machine was seen."""
    found = connection.execute(
        f"""
        SELECT coalesce(arm, ''), kind, count(DISTINCT id),
          count(DISTINCT id) FILTER (WHERE machine IS NOT TRUE)
        FROM {events} WHERE kind IN ('opened', 'clicked') GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    reasons = connection.execute(
        f"SELECT coalesce(arm, ''), kind, machine_why, count(DISTINCT id) FROM {events}"
        " WHERE machine AND kind IN ('opened', 'clicked') GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    told = {
        kind
        for (kind,) in connection.execute(
            f"SELECT DISTINCT kind FROM {events} WHERE machine IS NOT NULL"
        ).fetchall()
    }
    return tuple(
        Gap(
            arm=arm,
            kind=kind,
            all=everything,
            human=human if kind in told else None,
            machine=everything - human if kind in told else None,
            why={w or "": c for a, k, w, c in reasons if (a, k) == (arm, kind)},
        )
        for arm, kind, everything, human in found
    )


def zeros_lost(connection: duckdb.DuckDBPyConnection, events: str) -> Finding | None:
    """A hint where ids look as if a spreadsheet had eaten their leading zeros.

    Ids of one length lose their first digit when it is 0: about one in ten of them then is one
    digit shorter. Sequence numbers that grew (9999, 10000) have no such mix: theirs start anywhere.
    """
    row = connection.execute(
        f"""
        WITH ids AS (SELECT DISTINCT id FROM {events}
            WHERE id_kind IN ('unit', 'external_id') AND regexp_matches(id, '^[0-9]+$')),
          lengths AS (SELECT length(id) AS long, count(*) AS many,
            count(*) FILTER (WHERE starts_with(id, '0')) AS zeros FROM ids GROUP BY long)
        SELECT a.long, a.many, b.many FROM lengths a JOIN lengths b ON b.long = a.long - 1
        WHERE a.long >= 4 AND a.zeros = 0 AND a.many + b.many >= 50
          AND b.many BETWEEN 0.05 * (a.many + b.many) AND 0.15 * (a.many + b.many)
          AND a.many + b.many >= 0.98 * (SELECT sum(many) FROM lengths)
        ORDER BY a.many DESC LIMIT 1
        """
    ).fetchone()
    if row is None:
        return None
    long, _, shorter = row
    return Finding(
        code="IM004",
        severity="warning",
        message=(
            f"{shorter:,} ids have {long - 1} digits and the others {long}, and none starts with 0:"
            " a spreadsheet may have dropped leading zeros"
        ),
        hint="export the file again without opening it in a spreadsheet",
    )
