"""The export of an outside tool as a file of ours: its people led to units through the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testkit.adapters.model import Options
from testkit.adapters.prepared import Deed, id_columns, units_file
from testkit.adapters.reading import read
from testkit.engines.results import people_query
from testkit.errors import InputError, StateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from testkit.adapters.prepared import Prepared
    from testkit.model.plan import Plan

__all__ = ["tool_file"]


def tool_file(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    plan: Plan,
    *,
    deeds: Mapping[str, str],
    lists: Sequence[tuple[Path, Sequence[str]]],
    encoding: str | None,
    zone: str,
) -> Prepared:
    """Read a tool's export as rows of units.

    Args:
        connection: The session that reads it.
        source: The export; which tool it is from is recognised.
        plan: The locked plan.
        deeds: ``metric -> kind of event``, with ``:amount`` or ``:value`` where that is counted.
        lists: Parquet files of the assigned lists, with the columns of each.
        encoding: Encoding of the file; None takes UTF-8 or a byte-order mark's.
        zone: IANA zone of times without an offset.

    Raises:
        DataError: Rows that cannot be used, or none that tells of the metrics.
        InputError: Nobody knows the file, or a deed does not fit the plan.
        StateError: No list is assigned.
    """
    if not lists:
        raise StateError(
            f"no list is assigned to {plan.experiment}: the tool's people belong to no arm",
            current="not assigned",
            hint=f"whistlestop experiment assign {plan.experiment} LIST.csv",
        )
    kinds = {metric.name: metric.kind for metric in plan.metrics}
    kinds |= {metric.per: "count" for metric in plan.metrics if metric.per}
    wanted = {name: _deed(name, said, kinds) for name, said in deeds.items()}
    reading = read(connection, source, options=Options(encoding=encoding, zone=zone))
    return units_file(
        connection,
        reading,
        path=source,
        unit_column=plan.unit_column,
        metrics=wanted,
        people=people_query([(path, id_columns(columns)) for path, columns in lists]),
    )


def _deed(name: str, said: str, kinds: Mapping[str, str]) -> Deed:
    if name not in kinds:
        raise InputError(
            f"the plan has no metric {name!r}",
            field="deed",
            value=name,
            hint=f"it has: {', '.join(kinds)}",
        )
    kind, _, what = said.partition(":")
    match what or ("did" if kinds[name] == "proportion" else "amount"):
        case "did":
            return Deed(kinds=(kind,))
        case "amount":
            return Deed(kinds=(kind,), what="amount")
        case "value":
            return Deed(kinds=(kind,), what="value")
    raise InputError(
        f"{what!r} is nothing that a deed can be counted as",
        field="deed",
        value=said,
        hint="write METRIC=KIND, METRIC=KIND:amount or METRIC=KIND:value",
    )
