"""replay: a stored stretch of news runs again, through the same tick, in a workspace of its own.

The feeds are published on loopback by a clock that runs faster than the machine's and jumps over
the pauses. The workspace is made for the replay, in practice mode and with nothing of the source's
channels, keys or environment: what it raises cannot reach anybody.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from responders.feeds import recorded
from responders.feeds.recorded import RecordedFeed, RecordedItem, Recording
from responders.services import poll
from responders.services.tick import tick
from testkit.errors import InputError, NotFoundError
from testkit.kernel import proposals
from testkit.kernel.clock import from_text, to_text, zone
from testkit.kernel.ledger import Actor
from testkit.kernel.sqlite import Database
from testkit.kernel.workspace import Workspace
from testkit.services.setup import init

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from testkit.kernel.kinds import Kind
    from testkit.kernel.workspace import Schema

__all__ = ["RaisedDraft", "ReplayClock", "Replayed", "proposals_of", "recording_of", "replay"]

FEED_FILES: Final = (".xml", ".rss", ".atom", ".json")
STEP: Final = timedelta(minutes=1)
"""As often as ``watch`` ticks."""
EVERY: Final = timedelta(minutes=5)
"""A feed is asked at least so often: a new workspace knows no rhythm yet, and loopback has no host
to be spared. In between, clocks and alarms are looked at as often."""


class ReplayClock:
    """A clock that runs ``speed`` times as fast as the machine's, and can jump.

    Args:
        start: Its first moment.
        speed: So many times as fast; 0 stands still between jumps.
        timer: Seconds of the machine, such as ``time.perf_counter``.
    """

    def __init__(self, start: datetime, *, speed: float, timer: Callable[[], float]) -> None:
        self._start = start
        self._speed = speed
        self._timer = timer
        self._began = timer()
        self._jumped = timedelta()

    def __call__(self) -> datetime:
        """The present moment of the replay."""
        ran = timedelta(seconds=self._speed * (self._timer() - self._began))
        return self._start + ran + self._jumped

    def jump(self, moment: datetime) -> None:
        """Go on to a moment; one that has passed changes nothing."""
        self._jumped += max(timedelta(), moment - self())

    def seconds_to(self, moment: datetime) -> float:
        """Seconds of the machine until a moment; 0 for a clock that stands still."""
        if not self._speed:
            return 0.0
        return max(0.0, (moment - self()).total_seconds() / self._speed)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedDraft:
    """A draft that a replay raised.

    Attributes:
        draft: Its id.
        issue: Slug of the issue.
        title: Headline of its story.
        at: When, by the clock of the replay.
        after_s: Seconds of the machine from the first entry of its story that this step fetched to
            the stored draft; None at speed 0, where the clock stands still.
    """

    draft: str
    issue: str
    title: str
    at: datetime
    after_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay did.

    Attributes:
        name: What was replayed.
        start: From when.
        end: To when.
        ticks: Steps.
        entries: Entries that the feeds brought.
        copies: Syndicated copies among them.
        matches: Stories that matched an issue, once for each.
        drafts: Drafts, in order.
        problems: ``(feed, problem)`` of failed fetches.
    """

    name: str
    start: datetime
    end: datetime
    ticks: int
    entries: int
    copies: int
    matches: int
    drafts: tuple[RaisedDraft, ...]
    problems: tuple[tuple[str, str], ...]


def recording_of(source: str, *, day: date | None, zone_name: str, now: datetime) -> Recording:
    """The stretch of news that a user named.

    Args:
        source: Name of a bundled replay, an ``archive.db``, a workspace, or a folder of feed files.
        day: Only this day, in the zone; None takes, of an archive, the day with the most entries,
            and of feed files all they hold.
        zone_name: IANA zone of the day.
        now: From where a bundled replay counts its dates back.

    Raises:
        NotFoundError: Nothing has that name.
        InputError: It holds nothing to replay.
    """
    path = Path(source)
    if source in recorded.bundled_names():
        feeds = _parsed(recorded.bundled_documents(source, now=now), now=now)
    elif path.name.endswith(".db") and path.is_file():
        return _of_archive(path, day=day, zone_name=zone_name)
    elif (path / "archive.db").is_file():
        return _of_archive(path / "archive.db", day=day, zone_name=zone_name)
    elif path.is_dir():
        documents = {
            item.name: item.read_bytes()
            for item in sorted(path.iterdir())
            if item.suffix in FEED_FILES and item.is_file()
        }
        feeds = _parsed(documents, now=now)
    else:
        raise NotFoundError(
            "replay",
            source,
            hint="name a workspace, its archive.db, a folder of feed files, or one of: "
            + ", ".join(recorded.bundled_names()),
        )
    return _recording(source, feeds, day=day, zone_name=zone_name)


def proposals_of(
    workspace: Workspace, starter: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What a replay takes over from a workspace: adopted people, issues, chains and templates.

    Nobody is written to: a replay has no mail server and no channel.

    Args:
        workspace: Whose issues are replayed.
        starter: Files of a new workspace; its issues make room for the adopted ones.

    Returns:
        Proposal files and settings, for :func:`replay`.
    """
    files = {path: text for path, text in starter.items() if not path.startswith("issues/")}
    with workspace.db.read() as conn:
        for kind, place in (
            ("people", "{}.yaml"),
            ("chain", "chains/{}.yaml"),
            ("issue", "issues/{}.yaml"),
            ("template", "templates/{}.jinja"),
        ):
            for adoption in proposals.all_adopted(conn, kind=kind):
                files[place.format(adoption.name)] = adoption.text
    return files, {"drafting.min_outlets": str(workspace.config.drafting.min_outlets)}


def replay(
    recording: Recording,
    *,
    schemas: Sequence[Schema],
    kinds: Sequence[Kind],
    files: Mapping[str, str],
    settings: Mapping[str, str] | None = None,
    speed: float,
    into: Path | None,
    timer: Callable[[], float],
    sleep: Callable[[float], object] | None,
    say: Callable[[str], None] = lambda _: None,
) -> Replayed:
    """Run a recording through the tick.

    Args:
        recording: What.
        schemas: Migrations of every product.
        kinds: Kinds of proposals.
        files: Proposal files of the replay's workspace: issues, chains.
        settings: Configuration of the replay's workspace.
        speed: How many times as fast as it was, >= 0; 0 stands still during each step.
        into: A new or empty folder for the workspace; None makes one that goes away.
        timer: Seconds of the machine, such as ``time.perf_counter``.
        sleep: Waits for the next step, such as ``time.sleep``; None jumps over the pauses, so that
            only the work takes its time.
        say: Told how far it is.

    Raises:
        InputError: The speed is negative, or the folder holds something.
    """
    if speed < 0:
        raise InputError(f"a speed of {speed}", field="speed", value=speed, hint="0 or more")
    if into is not None and into.exists() and any(into.iterdir()):
        raise InputError(
            f"{into} is not empty",
            field="into",
            value=str(into),
            hint="a replay runs in a workspace of its own: name a new folder",
        )
    clock = ReplayClock(recording.start, speed=speed, timer=timer)
    with _folder(into) as folder, recorded.serve(recording, clock) as addresses:
        actor = Actor(name="replay", via="system", auth="none")
        init(folder, schemas=schemas, kinds=kinds, files=files, clock=clock, actor=actor)
        workspace = Workspace(
            folder,
            schemas=schemas,
            clock=clock,
            environment={},  # a setting from outside could switch a live channel on
            overrides={**(settings or {}), "polling.allow_hosts": "[127.0.0.1]"},
            actor=actor,
        )
        titles = [feed.title for feed in recording.feeds]
        poll.add(
            workspace, [(url, title, ()) for url, title in zip(addresses, titles, strict=True)]
        )
        return _run(workspace, recording, clock, speed=speed, sleep=sleep, say=say)


def _run(
    workspace: Workspace,
    recording: Recording,
    clock: ReplayClock,
    *,
    speed: float,
    sleep: Callable[[float], object] | None,
    say: Callable[[str], None],
) -> Replayed:
    done = Replayed(
        name=recording.name,
        start=recording.start,
        end=recording.end,
        ticks=0,
        entries=0,
        copies=0,
        matches=0,
        drafts=(),
        problems=(),
    )
    while True:
        began = clock()
        ticked = tick(workspace)
        with workspace.archive.write() as conn:
            conn.execute(
                "UPDATE feed SET due_at = :soon WHERE due_at > :soon",
                {"soon": to_text(began + EVERY)},
            )
        raised = tuple(
            RaisedDraft(
                draft=each.row.id,
                issue=each.row.issue,
                title=each.row.title,
                at=from_text(each.row.raised_at),
                after_s=_after(workspace, each.row.story, each.row.raised_at, began, speed=speed),
            )
            for each in ticked.raised
        )
        done = replace(
            done,
            ticks=done.ticks + 1,
            entries=done.entries + ticked.polled.entries_new,
            copies=done.copies + ticked.polled.copies,
            matches=done.matches + len(ticked.triaged.matches),
            drafts=(*done.drafts, *raised),
            problems=(*done.problems, *ticked.polled.problems),
        )
        say(f"{clock():%d %b %H:%M}: {done.entries} entries, {len(done.drafts)} drafts")
        if began >= recording.end:
            return done
        step = min(_next(workspace, began), max(recording.end, clock()))
        if sleep is not None:
            sleep(clock.seconds_to(step))
        clock.jump(step)


def _next(workspace: Workspace, began: datetime) -> datetime:
    """When to tick again: a minute after the last time, later while no feed is due."""
    row = workspace.archive.row("SELECT min(due_at) AS due FROM feed")
    due = from_text(row["due"]) if row and row["due"] else began + EVERY
    return max(began + STEP, min(due, began + EVERY))


def _after(
    workspace: Workspace, story: str, raised_at: str, began: datetime, *, speed: float
) -> float | None:
    """Seconds from the step's first entry of a story to its draft."""
    if not speed:
        return None
    row = workspace.archive.row(
        "SELECT coalesce(min(CASE WHEN first_seen >= :began THEN first_seen END),"
        " max(first_seen)) AS seen FROM entry WHERE story = :s AND first_seen <= :raised",
        s=story,
        began=to_text(began),
        raised=raised_at,
    )
    if row is None or row["seen"] is None:
        return None
    return (from_text(raised_at) - from_text(row["seen"])).total_seconds() / speed


@contextlib.contextmanager
def _folder(into: Path | None) -> Iterator[Path]:
    if into is not None:
        yield into
        return
    with tempfile.TemporaryDirectory(prefix="whistlestop-replay-") as made:
        yield Path(made)


def _of_archive(path: Path, *, day: date | None, zone_name: str) -> Recording:
    database = Database(path)
    feeds = [
        RecordedFeed(
            title=row["title"] or row["url"],
            site_url=row["site_url"],
            language=row["language"],
            items=tuple(
                RecordedItem(
                    at=from_text(entry["first_seen"]),
                    guid=entry["guid"],
                    url=entry["url"] or "",
                    title=entry["title"],
                    text=entry["summary"],
                    language=entry["language"],
                    author=entry["author"],
                )
                for entry in database.rows(
                    "SELECT * FROM entry WHERE feed = :f ORDER BY first_seen, id", f=row["id"]
                )
            ),
        )
        for row in database.rows("SELECT * FROM feed ORDER BY title, id")
    ]
    if day is None:
        local = zone(zone_name)
        days = [item.at.astimezone(local).date() for feed in feeds for item in feed.items]
        day = max(sorted(set(days)), key=days.count, default=None)
    return _recording(str(path), feeds, day=day, zone_name=zone_name)


def _parsed(documents: Mapping[str, bytes], *, now: datetime) -> list[RecordedFeed]:
    """Feed files, read as a poll reads them; an item appears when it says it was published."""
    from responders.feeds.parse import ParseWorker

    feeds = []
    with ParseWorker() as worker:
        for name, body in sorted(documents.items()):
            kind = "application/feed+json" if name.endswith(".json") else "application/xml"
            parsed = worker.parse(body, content_type=kind, url=f"https://{name}.invalid/", now=now)
            if parsed.problem:
                raise InputError(
                    f"{name}: {parsed.problem}", field="folder", hint="take it out of the folder"
                )
            items = [
                RecordedItem(
                    at=entry.published,
                    guid=entry.guid,
                    url=entry.url or "",
                    title=entry.title,
                    text=entry.summary_text,
                    language=entry.language,
                    author=entry.author,
                )
                for entry in parsed.entries
                if entry.published is not None
            ]
            feeds.append(
                RecordedFeed(
                    title=parsed.title or name,
                    site_url=parsed.link,
                    language=parsed.language,
                    items=tuple(sorted(items, key=lambda item: item.at)),
                )
            )
    return feeds


def _recording(
    name: str, feeds: Sequence[RecordedFeed], *, day: date | None, zone_name: str
) -> Recording:
    local = zone(zone_name)
    kept = [
        replace(
            feed,
            items=tuple(
                item for item in feed.items if day in (None, item.at.astimezone(local).date())
            ),
        )
        for feed in feeds
    ]
    kept = [feed for feed in kept if feed.items]
    if not kept:
        when = f" on {day}" if day else ""
        raise InputError(
            f"{name} holds nothing to replay{when}",
            field="source",
            value=name,
            hint="items need a date" if day is None else "name another --day",
        )
    times = [item.at for feed in kept for item in feed.items]
    return Recording(
        name=name,
        feeds=tuple(kept),
        start=min(times),
        end=max(times) + 2 * EVERY,  # what comes last is still polled, matched and drafted
    )
