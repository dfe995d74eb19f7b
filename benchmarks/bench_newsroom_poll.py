"""newsroom-poll: whole polls of real feeds over loopback HTTP, beside reader.

The same server, in a process of its own, serves the same captured feeds with ETags to both: first
without their two newest entries, then unchanged, then whole. A poll of ours is asking, parsing in
the killable worker, cleaning, the dedupe ladder, grouping into stories and storing; one of reader
(lemon24/reader, in its own environment) is asking, parsing and storing. Each program has a fresh
database per round, the rounds alternate, and reader's time is the better one of one and of ten
workers. Figures: reader's time over ours for the three polls, and the feeds that reader takes and
we reject (``feeds_rejected``).
"""

from __future__ import annotations

import re
import statistics
import tarfile
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.feed_server import running
from benchmarks.figure import Figure, data_folder
from benchmarks.peers import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_PER_FEED: Final = 2
TARGETS: Final = {"first": ">= 3", "unchanged": ">= 3", "changed": ">= 5"}
# When the feeds were captured: their newest entries are news at this moment, the rest is not.
CAPTURED: Final = datetime(2026, 2, 18, 12, 0, tzinfo=UTC)
_ITEM: Final = re.compile(rb"<(item|entry)[\s>].*?</\1>\s*", re.DOTALL)


def run(*, small: bool) -> Iterator[Figure]:
    folder = data_folder()
    archive = None if folder is None else folder / "feeds" / "real_feeds_half.tar.xz"
    if archive is None or not archive.is_file():
        note = "WHISTLESTOP_DATA has no feeds/real_feeds_half.tar.xz"
        for name, target in TARGETS.items():
            yield Figure(
                figure=f"{name}_ratio_to_reader", value=None, unit="ratio", target=target, note=note
            )
        return
    with tempfile.TemporaryDirectory() as place:
        pages = Path(place)
        names = write_pages(archive, pages, every=12 if small else 1)
        rounds = 1 if small else 3
        with running(pages) as server:
            yield from _figures(server, names, rounds=rounds)


def write_pages(archive: Path, pages: Path, *, every: int) -> list[str]:
    """The feeds in two versions: ``one`` lacks the two newest items of ``two``."""
    for version in ("one", "two"):
        (pages / version).mkdir()
    with tarfile.open(archive) as opened:
        members = [m for m in opened if m.name.endswith(".xml")][::every]
        for number, member in enumerate(members):
            file = opened.extractfile(member)
            assert file is not None
            body = file.read()
            (pages / "two" / f"{number}.xml").write_bytes(body)
            shorter = _ITEM.sub(b"", body, count=NEW_PER_FEED)
            (pages / "one" / f"{number}.xml").write_bytes(shorter)
    return [f"{number}.xml" for number in range(len(members))]


def ours(server: str, names: list[str], folder: Path) -> dict[str, Any]:
    """Our three polls, timed, in a fresh workspace."""
    from responders.services.poll import add, poll
    from responders.store.migrations import ARCHIVE
    from testkit.kernel.workspace import Schema, Workspace

    moment = CAPTURED
    (folder / "whistlestop.yaml").write_text(
        "organisation: {name: Bench}\npolling: {allow_hosts: [127.0.0.1]}\n"
    )
    schema = Schema(product="archive", file="archive", migrations=ARCHIVE)
    workspace = Workspace(folder, schemas=(schema,), clock=lambda: moment)
    urllib.request.urlopen(f"{server}/show/one").read()
    add(workspace, [(f"{server}/{name}", "", ()) for name in names])
    times, polled = {}, {}
    for phase in ("first", "unchanged", "changed"):
        if phase == "changed":
            urllib.request.urlopen(f"{server}/show/two").read()
        started = time.perf_counter()
        polled[phase] = poll(workspace)
        times[phase] = time.perf_counter() - started
        assert polled[phase].asked == len(names), (phase, polled[phase])
        moment += timedelta(days=2)
    rejected = [name.rpartition("/")[2] for name, _ in polled["first"].problems]
    with workspace.archive.read() as conn:
        total = conn.execute("SELECT count(*) FROM entry").fetchone()[0]
    entries = {"before": polled["first"].entries_new, "after": total}
    return {"times": times, "rejected": rejected, "entries": entries}


def _figures(server: str, names: list[str], *, rounds: int) -> Iterator[Figure]:
    mine: list[dict[str, Any]] = []
    theirs: dict[int, list[dict[str, Any]]] = {1: [], 10: []}
    absent = ""
    cache = Path(tempfile.gettempdir()) / "whistlestop-peers"
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            mine.append(ours(server, names, Path(folder)))
        for workers, runs in theirs.items():
            given = {"server": server, "names": names, "workers": workers}
            try:
                runs.append(environment.run("reader", "reader_poll.py", given, cache=cache))
            except environment.PeerError as error:
                absent = f"reader could not be installed or run: {error}"
                break
        if absent:
            break
    for phase, target in TARGETS.items():
        own = statistics.median(run["times"][phase] for run in mine)
        note = f"{len(names)} feeds; ours {len(names) / own:.0f} feeds/s"
        value = None
        if not absent:
            peer = min(
                statistics.median(run["times"][phase] for run in runs) for runs in theirs.values()
            )
            value = round(peer / own, 2)
            note += (
                f", reader {environment.version('reader')} {len(names) / peer:.0f};"
                f" median of {rounds}"
            )
        yield Figure(
            figure=f"{phase}_ratio_to_reader",
            value=value,
            unit="ratio",
            target=target,
            note=absent or note,
        )
    if not absent:
        lost = set(mine[0]["rejected"]) - set(theirs[1][0]["rejected"])
        yield Figure(
            figure="feeds_rejected",
            value=len(lost),
            unit="count",
            target="== 0",
            note=f"of those that reader takes; reader rejects {len(theirs[1][0]['rejected'])},"
            f" we {len(mine[0]['rejected'])}",
        )
        counts = mine[0]["entries"], theirs[1][0]["entries"]
        yield Figure(
            figure="entries_kept",
            value=counts[0]["after"],
            unit="count",
            note=f"reader keeps {counts[1]['after']}: the same article from two feeds is one of"
            " ours and two of theirs",
        )
