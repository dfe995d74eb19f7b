"""newsroom-poll: whole polls of real feeds over loopback HTTP, beside reader.

The same server, in a process of its own, serves the same captured feeds with ETags to both: first
without their two newest entries, then unchanged, then whole. A poll of ours is asking, parsing in
the killable worker (a process of its own that is started inside the time), cleaning, the dedupe
ladder, grouping into stories and storing, with the polls' log and the next due times; one of reader
(lemon24/reader, in its own environment) is asking, parsing with its sanitising and storing. Neither
makes a full-text index. Each program has a fresh database per round, the rounds alternate, and
reader's time is the better one of one and of ten workers. Figures: reader's time over ours for the
three polls; the same for processor time, ours with that of the workers, which a busy machine
disturbs less; the same for the feeds that both take; and the feeds that reader takes and we reject
(``feeds_rejected``).

A feed that reader rejects it reads anew at each poll, changed or not: nearly all of its poll
without news goes there. Of feeds that both take, neither has more to do then than to ask and to
note the answer, and the two are close.
"""

from __future__ import annotations

import os
import re
import statistics
import tarfile
import tempfile
import time
import urllib.request
from dataclasses import dataclass
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
    times, cpu, polled = {}, {}, {}
    for phase in ("first", "unchanged", "changed"):
        if phase == "changed":
            urllib.request.urlopen(f"{server}/show/two").read()
        started, used = time.perf_counter(), _processor_time()
        polled[phase] = poll(workspace)
        times[phase] = time.perf_counter() - started
        cpu[phase] = _processor_time() - used
        assert polled[phase].asked == len(names), (phase, polled[phase])
        moment += timedelta(days=2)
    rejected = [name.rpartition("/")[2] for name, _ in polled["first"].problems]
    with workspace.archive.read() as conn:
        total = conn.execute("SELECT count(*) FROM entry").fetchone()[0]
    entries = {"before": polled["first"].entries_new, "after": total}
    return {"times": times, "cpu": cpu, "rejected": rejected, "entries": entries}


def _processor_time() -> float:
    """Seconds of this process and of its children that have ended: a poll ends its workers."""
    return sum(os.times()[:4])


def theirs(server: str, names: list[str], *, workers: int) -> dict[str, Any]:
    """The same three polls by reader."""
    given = {"server": server, "names": names, "workers": workers}
    cache = Path(tempfile.gettempdir()) / "whistlestop-peers"
    result: dict[str, Any] = environment.run("reader", "reader_poll.py", given, cache=cache)
    return result


@dataclass(frozen=True, slots=True)
class _Rounds:
    """Polls of the same feeds by both programs, round by round."""

    feeds: int
    mine: list[dict[str, Any]]
    peers: dict[int, list[dict[str, Any]]]

    @classmethod
    def of(cls, server: str, names: list[str], *, rounds: int) -> _Rounds:
        """Poll them; the programs alternate."""
        made = cls(feeds=len(names), mine=[], peers={1: [], 10: []})
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                made.mine.append(ours(server, names, Path(folder)))
            for workers, runs in made.peers.items():
                runs.append(theirs(server, names, workers=workers))
        return made

    def seconds(self, kind: str, phase: str) -> tuple[float, float]:
        """Medians of a poll: ours, and reader's with the better number of workers."""
        own = statistics.median(run[kind][phase] for run in self.mine)
        peer = min(
            statistics.median(run[kind][phase] for run in runs) for runs in self.peers.values()
        )
        return own, peer


def _figures(server: str, names: list[str], *, rounds: int) -> Iterator[Figure]:
    try:
        every = _Rounds.of(server, names, rounds=rounds)
    except environment.PeerError as error:
        for phase, target in TARGETS.items():
            yield Figure(
                figure=f"{phase}_ratio_to_reader",
                value=None,
                unit="ratio",
                target=target,
                note=f"reader could not be installed or run: {error}",
            )
        return
    theirs_rejected = set(every.peers[1][0]["rejected"])
    ours_rejected = set(every.mine[0]["rejected"])
    for phase, target in TARGETS.items():
        own, peer = every.seconds("times", phase)
        yield Figure(
            figure=f"{phase}_ratio_to_reader",
            value=round(peer / own, 2),
            unit="ratio",
            target=target,
            note=f"{every.feeds} feeds; ours {every.feeds / own:.1f} feeds/s, reader"
            f" {environment.version('reader')} {every.feeds / peer:.1f}; median of {rounds}",
        )
    for phase in TARGETS:
        own, peer = every.seconds("cpu", phase)
        yield Figure(
            figure=f"{phase}_cpu_ratio_to_reader",
            value=round(peer / own, 2),
            unit="ratio",
            note=f"processor time: ours {own:.2f} s with its workers, reader {peer:.2f} s",
        )
    both = [name for name in names if name not in theirs_rejected | ours_rejected]
    taken = _Rounds.of(server, both, rounds=1)
    for phase in TARGETS:
        own, peer = taken.seconds("times", phase)
        yield Figure(
            figure=f"{phase}_ratio_of_feeds_that_both_take",
            value=round(peer / own, 2),
            unit="ratio",
            note=f"{taken.feeds} feeds, one round: ours {own:.2f} s, reader {peer:.2f} s",
        )
    yield Figure(
        figure="feeds_rejected",
        value=len(ours_rejected - theirs_rejected),
        unit="count",
        target="== 0",
        note=f"of {len(names)} by us and not by reader; it rejects {len(theirs_rejected)},"
        f" we {len(ours_rejected)}",
    )
    yield Figure(
        figure="entries_kept",
        value=taken.mine[0]["entries"]["after"],
        unit="count",
        note=f"reader keeps {taken.peers[1][0]['entries']['after']} of the same feeds",
    )
