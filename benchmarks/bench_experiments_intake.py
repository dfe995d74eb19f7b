"""experiments-intake: a million result rows through an adapter, beside pandas on the same file.

Figures: rows per second through ``read`` of a mapped CSV (``rows_per_s``): e-mail addresses spelled
in one way, yes and no, money, times, arms by code, duplicates, machine gaps, rows checked. And the
time of plain ``pandas.read_csv`` over ours (``pandas_ratio``; pandas checks and normalises nothing)
and over pandas doing the same (``pandas_same_ratio``), medians of alternating rounds. Then the
whole command: read by a mapping, people led to their arms, rows checked, stored, registered, and
the sample ratio (``intake_s``), and how many steps were shown (``steps``).
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

MAPPING = """
mapping: bench
id_kind: email
metric: gave
columns: {unit: Email, metric: Gave, amount: Amount, arm: Group, at: Date}
arms: {A: control, B: match}
"""


def run(*, small: bool) -> Iterator[Figure]:
    import pandas as pd

    from testkit.adapters.mapping import read_mapping
    from testkit.adapters.model import Options
    from testkit.adapters.reading import read
    from testkit.engines.sources import session

    rows, rounds = (5_000, 1) if small else (1_000_000, 5)
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "bench.yaml"
        told.write_text(MAPPING, encoding="utf-8")
        mapping = read_mapping(told)
        path = Path(folder) / "results.csv"
        _write(path, rows)
        times: dict[str, list[float]] = {"ours": [], "pandas": [], "same": []}
        held = 0
        for _ in range(rounds):
            started = time.perf_counter()
            with session() as connection:
                held = read(
                    connection, path, adapter=mapping.adapter(), options=mapping.options(Options())
                ).rows
            times["ours"].append(time.perf_counter() - started)
            started = time.perf_counter()
            frame = pd.read_csv(path)
            times["pandas"].append(time.perf_counter() - started)
            started = time.perf_counter()
            same = _the_same(path)
            times["same"].append(time.perf_counter() - started)
        size = path.stat().st_size / 1e6
    median = {name: statistics.median(values) for name, values in times.items()}
    note = f"{rows:,} rows, {size:.0f} MB, median of {rounds}, pandas {pd.__version__}"
    yield Figure(
        figure="rows_per_s",
        value=round(rows / median["ours"]),
        unit="rows/s",
        note=f"{note}; {median['ours']:.2f} s, {held:,} rows held",
    )
    yield Figure(
        figure="pandas_ratio",
        value=round(median["pandas"] / median["ours"], 3),
        unit="ratio",
        note=f"plain read_csv {median['pandas']:.2f} s, {len(frame):,} rows, nothing checked",
    )
    yield Figure(
        figure="pandas_same_ratio",
        value=round(median["same"] / median["ours"], 3),
        unit="ratio",
        note=f"read_csv and the same cleaning {median['same']:.2f} s, {same:,} rows held",
    )
    yield from _whole(rows)


def _whole(rows: int) -> Iterator[Figure]:
    """The service path: ``experiment intake`` with a mapping, of people assigned before."""
    import contextlib

    from benchmarks.bench_experiments_assign import Watched, assign_timed, command, prepared

    with tempfile.TemporaryDirectory() as folder:
        team = Path(folder) / "team"
        prepared(team, rows)
        assign_timed(team, str(team / "people.csv"))
        command("-C", str(team), "experiment", "sent", "bench", "--wave", "1")
        _write(team / "results.csv", rows)
        (team / "mappings").mkdir()
        (team / "mappings" / "bench.yaml").write_text(
            "mapping: bench\nid_kind: email\nmetric: called\n"
            "columns: {unit: Email, metric: Gave, at: Date}\n",
            encoding="utf-8",
        )
        watched = Watched()
        started = time.perf_counter()
        with contextlib.redirect_stderr(watched):
            command(
                "-C", str(team), "experiment", "intake", "bench", str(team / "results.csv"),
                "--mapping", "bench",
            )  # fmt: skip
        took = time.perf_counter() - started
    yield Figure(
        figure="intake_s",
        value=round(took, 2),
        unit="s",
        note=f"{rows:,} rows of {rows:,} people, from the file to the sample ratio",
    )
    yield Figure(
        figure="steps", value=watched.steps(), unit="count", target=">= 4", note="progress said"
    )


def _write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("Email,Group,Gave,Amount,Date\r\n")
        for i in range(rows):
            gave, amount = ("yes", '"1,250.50"') if i % 50 == 0 else ("no", "")
            file.write(
                f" Person{i}@Example.org,{'AB'[i % 2]},{gave},{amount},"
                f"2026-03-02 10:{i % 60:02d}:00\r\n"
            )


def _the_same(path: Path) -> int:
    """What somebody would write with pandas to get the same columns."""
    import pandas as pd

    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame["id"] = frame["Email"].str.normalize("NFC").str.strip().str.lower()
    bad = ~frame["id"].str.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+")
    frame["value"] = frame["Gave"].str.strip().str.lower().map({"yes": 1.0, "no": 0.0})
    money = frame["Amount"].str.replace(r"[$,]", "", regex=True)
    frame["cents"] = pd.to_numeric(money, errors="coerce") * 100
    frame["at"] = pd.to_datetime(frame["Date"], errors="coerce", utc=True)
    frame["arm"] = frame["Group"].map({"A": "control", "B": "match"})
    if bad.any() or frame["value"].isna().any() or frame["at"].isna().any():
        raise ValueError("a row cannot be used")
    minute = frame["at"].dt.floor("min")
    return len(frame.assign(minute=minute).drop_duplicates(["id", "minute", "cents"]))
