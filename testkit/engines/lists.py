"""Placed lists as CSV files: one per wave and arm, those who wait or get nothing, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testkit.engines.placing import OUT, REMAINDER, by_cuts, files_sql
from testkit.engines.sources import identifier, literal, write_csv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from testkit.model.plan import PlanArm

__all__ = ["write_lists", "write_remainder"]

_OURS: Final = frozenset({"arm", "wave", "unit", "link", "refcode"})


def write_lists(
    connection: duckdb.DuckDBPyConnection,
    data: Path,
    *,
    columns: Sequence[str],
    counts: Mapping[str, Mapping[str, int]],
    arms: Sequence[PlanArm],
    first_wave: int,
    folder: Path,
    waiting: bool = True,
    kept_out: bool = False,
) -> list[tuple[Path, int]]:
    """Write one CSV per wave and arm, and one with those who wait.

    Args:
        connection: A session.
        data: Parquet file of the placed list.
        columns: Columns of the list, in order.
        counts: What :func:`place` counted.
        arms: Arms of the plan: their links and reference codes go into the files, where any has
            one.
        first_wave: First wave of this list.
        folder: Where the files go; existing ones are replaced with the same content.
        waiting: Whether anybody waits still: after a decision the remainder has lists of its own.
        kept_out: Write those who get nothing, too, for whoever has to take them out of a tool.

    Returns:
        Paths and rows.
    """
    files: list[tuple[Path, int]] = []
    more = [key for key in ("link", "refcode") if any(getattr(a, key) for a in arms)]
    extra: tuple[str, ...]
    left = {OUT} if not kept_out else set()
    left |= {REMAINDER} if not waiting else set()
    for wave in sorted((w for w in counts if int(w) not in left), key=int):
        for arm in sorted(counts[wave]):
            if int(wave) == OUT:
                name, extra = f"kept-out-{arm.replace(' ', '-')}.csv", ()
            elif int(wave) == REMAINDER:
                suffix = "" if first_wave == 1 else f"-{first_wave}"
                name, extra = f"remainder-not-sent-yet{suffix}.csv", ()
            else:
                name, extra = f"wave-{int(wave):02d}-{arm}.csv", ("arm", "wave", *more)
            values = "".join(
                f", {literal(next((getattr(a, key) for a in arms if a.name == arm), ''))} AS {key}"
                for key in more
            )
            rows = write_csv(
                connection,
                f"SELECT {_unpacked(columns)}, arm, wave::TEXT AS wave{values}"
                f" FROM read_parquet({files_sql([data])})"
                f" WHERE wave = {int(wave)} AND arm = {literal(arm)}",
                columns=[*_names(columns), *extra],
                target=folder / name,
            )
            files.append((folder / name, rows))
    return files


def write_remainder(
    connection: duckdb.DuckDBPyConnection,
    data: Sequence[tuple[Path, Sequence[str]]],
    *,
    chosen: Mapping[str, float],
    salt: str,
    sent: Sequence[int],
    folder: Path,
) -> list[tuple[Path, int]]:
    """Write the units that nothing was sent to, one CSV per arm that they are to get.

    Args:
        connection: A session.
        data: Parquet files of placed lists with the columns of each; columns that a later list
            does not have stay empty.
        chosen: ``arm -> share``, summing to 1.
        salt: The plan's salt; with two arms it splits the units by hash.
        sent: Waves that went out; everybody else waits.
        folder: Where the files go.
    """
    names = list(data[0][1])
    arm = by_cuts(
        f"md5({literal(salt)} || ':rest:' || unit)",
        list(chosen.values()),
        [literal(name) for name in chosen],
    )
    out = ", ".join(str(int(wave)) for wave in sent)
    still = f" WHERE wave > {OUT}" + (f" AND wave NOT IN ({out})" if out else "")
    queries = [
        f"SELECT {_unpacked(names, present=columns)}, unit,"
        f" {arm} AS arm FROM read_parquet({files_sql([path])}){still}"
        for path, columns in data
    ]
    files: list[tuple[Path, int]] = []
    for name in chosen:
        target = folder / f"remainder-{name}.csv"
        rows = write_csv(
            connection,
            f"SELECT * FROM ({' UNION ALL '.join(queries)}) WHERE arm = {literal(name)}",
            columns=[*_names(names), "arm"],
            target=target,
        )
        if rows:
            files.append((target, rows))
        else:  # a list of nobody is not sent
            target.unlink()
    return files


def _names(columns: Sequence[str]) -> list[str]:
    """Names to write: a list that has columns of our names keeps them under another."""
    return [f"list_{c}" if c.lower() in _OURS else c for c in columns]


def _unpacked(columns: Sequence[str], *, present: Sequence[str] | None = None) -> str:
    return ", ".join(
        (f"listed.{identifier(c)}" if present is None or c in present else "NULL::TEXT")
        + f" AS {identifier(name)}"
        for c, name in zip(columns, _names(columns), strict=True)
    )
