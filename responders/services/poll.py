"""poll: ask the feeds that are due, keep what is new, put it into stories.

Network and parsing happen outside of any transaction. Each feed's result is one short transaction:
entries, stories, the clusterer's state, the fetch log and the next due time stand or fall together,
so a process that is killed repeats a feed at worst, and the dedupe ladder makes that harmless.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from responders.feeds.answers import FetchRequest
from responders.feeds.rhythm import FeedHistory, SchedulePolicy, news_of
from responders.model.feed import Entry, FetchRecord
from responders.store import archive
from testkit.errors import InputError
from testkit.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from responders.cluster import Clusterer
    from responders.feeds.answers import FetchResult
    from responders.model.feed import ParsedEntry, ParsedFeed
    from responders.store.archive import FeedRow
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["AddedFeeds", "Polled", "add", "policy_of", "poll"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFeeds:
    """What ``feed add`` did.

    Attributes:
        added: Addresses that are watched from now on.
        known: Addresses that were watched before.
        notes: What was odd about the list.
    """

    added: tuple[str, ...]
    known: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one poll brought.

    Attributes:
        asked: Feeds that were asked.
        entries_new: Entries that nobody had brought before.
        revised: Entries whose words changed.
        copies: Syndicated copies among the new ones.
        problems: ``(feed, problem)`` of every feed that failed.
    """

    asked: int
    entries_new: int
    revised: int
    copies: int
    problems: tuple[tuple[str, str], ...]


def policy_of(workspace: Workspace) -> SchedulePolicy:
    """The schedule's policy as the configuration says."""
    polling = workspace.config.polling
    return SchedulePolicy(
        requests_per_day=float(polling.requests_per_day),
        floor_minutes=float(polling.floor_minutes),
        cap_minutes=60.0 * polling.ceiling_hours,
    )


def add(
    workspace: Workspace,
    feeds: Sequence[tuple[str, str, tuple[str, ...]]],
    *,
    notes: tuple[str, ...] = (),
) -> AddedFeeds:
    """Watch feeds.

    Args:
        workspace: The workspace.
        feeds: ``(address, title, folder)``.
        notes: Passed on to the result.

    Raises:
        InputError: An address is not http or https.
    """
    now = workspace.clock()
    bad = [url for url, _, _ in feeds if not url.startswith(("http://", "https://"))]
    if bad:
        raise InputError(
            f"{bad[0]!r} is not a web address",
            field="url",
            value=bad[0],
            hint="it starts with https:// or http://",
        )
    added: list[str] = []
    known: list[str] = []
    with workspace.archive.write() as conn:
        for url, title, folder in feeds:
            feed_id = new_id("feed", now=now)
            row = archive.FeedRow(
                id=feed_id,
                url=url,
                title=title,
                site_url="",
                language="",
                folder=folder,
                etag=None,
                last_modified=None,
                body_sha256=None,
                present=(),
                history=FeedHistory(feed_id=feed_id),
                due_at=now,
            )
            (added if archive.add_feed(conn, row, now=now) else known).append(url)
    return AddedFeeds(added=tuple(added), known=tuple(known), notes=notes)


def poll(
    workspace: Workspace,
    *,
    only: FeedRow | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Polled:
    """Ask every feed that is due.

    Args:
        workspace: The workspace.
        only: Ask just this feed, due or not.
        say: Told what is being done.
    """
    from responders.feeds.fetch import fetch_each
    from responders.feeds.parse import ParseWorker

    now = workspace.clock()
    with workspace.archive.read() as conn:
        due = [only] if only else archive.feeds(conn, due=now)
    if not due:
        return Polled(asked=0, entries_new=0, revised=0, copies=0, problems=())
    by_id = {row.id: row for row in due}
    allowed = tuple(workspace.config.polling.allow_hosts)
    requests = [
        FetchRequest(
            feed_id=row.id,
            url=row.url,
            etag=row.etag,
            last_modified=row.last_modified,
            body_sha256=row.body_sha256,
            allow_hosts=allowed,
        )
        for row in due
    ]
    totals = {"new": 0, "revised": 0, "copies": 0}
    problems: list[tuple[str, str]] = []
    with ParseWorker() as worker:
        for done, result in enumerate(fetch_each(requests, now=workspace.clock), start=1):
            row = by_id[result.feed_id]
            say(f"{done} of {len(due)}: {row.title or row.url}")
            parsed = None
            if result.outcome == "new" and result.body is not None:
                parsed = worker.parse(
                    result.body,
                    content_type=result.content_type,
                    url=result.url_final or row.url,
                    seen=row.present,
                    now=workspace.clock(),
                )
            if parsed is not None and parsed.problem:
                ended = replace(result, outcome="failed", problem=parsed.problem)
                parsed = None
            else:
                ended = result
            counts = _keep(workspace, row, ended, parsed)
            for name, number in counts.items():
                totals[name] += number
            if ended.problem:
                problems.append((row.title or row.url, ended.problem))
    return Polled(
        asked=len(due),
        entries_new=totals["new"],
        revised=totals["revised"],
        copies=totals["copies"],
        problems=tuple(problems),
    )


def _keep(
    workspace: Workspace, row: FeedRow, result: FetchResult, parsed: ParsedFeed | None
) -> dict[str, int]:
    """Store one feed's result, all of it or nothing."""
    from responders.feeds.schedule import after, next_poll

    now, policy = workspace.clock(), policy_of(workspace)
    counts = {"new": 0, "revised": 0, "copies": 0}
    with workspace.archive.write() as conn:
        fresh: list[ParsedEntry] = []
        if parsed is not None:
            fresh = _entries(conn, row, parsed, now=now, counts=counts)
        history = after(
            result,
            row.history,
            now=now,
            news=news_of(parsed, fresh, now=now) if parsed is not None else None,
            policy=policy,
        )
        # Spreading the polls is not a secret; any generator will do.
        due_at = next_poll(history, now=now, rng_value=random.random(), policy=policy)
        kept: dict[str, Any] = {"history": history, "due_at": due_at}
        if result.outcome in {"new", "unchanged"}:
            kept |= {"etag": result.etag, "last_modified": result.last_modified}
        if parsed is not None:
            kept |= {
                "body_sha256": result.body_sha256,
                "present": parsed.present,
                "title": row.title or parsed.title,
                "site_url": parsed.link or row.site_url,
                "language": parsed.language or row.language,
            }
        archive.save_feed(conn, replace(row, **kept))
        archive.add_fetch(
            conn,
            FetchRecord(
                feed_id=row.id,
                at=now,
                outcome=result.outcome,
                status=result.status,
                problem=result.problem,
                url_final=result.url_final,
                elapsed_ms=result.elapsed_ms,
                body_bytes=len(result.body or b""),
                entries_new=counts["new"],
                next_poll_at=due_at,
            ),
        )
    return counts


def _entries(
    conn: Connection,
    row: FeedRow,
    parsed: ParsedFeed,
    *,
    now: datetime,
    counts: dict[str, int],
) -> list[ParsedEntry]:
    from responders.cluster import Clusterer
    from responders.feeds.identity import recognise

    memory = archive.ArchiveMemory(conn)
    change = archive.next_change(conn)
    clusterer: Clusterer | None = None
    fresh: list[ParsedEntry] = []
    outlet = row.title or parsed.title or row.url
    for item in reversed(parsed.entries):  # documents list the newest first
        if not (item.title or item.summary_text):
            continue  # a cut-off document ends in an item without a word
        verdict = recognise(item, feed_id=row.id, memory=memory)
        if verdict.kind == "same":
            continue
        if verdict.kind == "revision" and verdict.of is not None:
            archive.revise_entry(
                conn,
                verdict.of,
                title=item.title,
                summary=item.summary_text,
                now=now,
                change=change,
            )
            counts["revised"] += 1
            continue
        if clusterer is None:
            clusterer = Clusterer(state=archive.clusterer_state(conn))
        entry = _entry_of(item, row, now=now, copy_of=verdict.of)
        counts["new"] += 1
        counts["copies"] += verdict.kind == "copy"
        fresh.append(item)
        _place(conn, clusterer, entry, outlet=outlet, change=change)
    if clusterer is not None:
        archive.save_clusterer(conn, clusterer.export())
    return fresh


def _place(
    conn: Connection, clusterer: Clusterer, entry: Entry, *, outlet: str, change: int
) -> None:
    from responders.cluster import StoryEntry

    placed = clusterer.add(
        StoryEntry(
            id=entry.id,
            at=entry.first_seen,
            title=entry.title,
            summary=entry.summary_text,
            owner=outlet,
        ),
        key=new_id("story", now=entry.first_seen),
    )
    archive.add_entry(conn, entry, story=placed.story_key, change=change)
    for merge in placed.merges:
        archive.merge_story(conn, kept=merge.kept, gone=merge.gone, change=change)


def _entry_of(item: ParsedEntry, row: FeedRow, *, now: datetime, copy_of: str | None) -> Entry:
    return Entry(
        id=new_id("entry", now=now),
        feed_id=row.id,
        guid=item.guid,
        url=item.url,
        canonical_url=item.canonical_url,
        title=item.title,
        summary_text=item.summary_text,
        content_html=item.content_html,
        published=item.published,
        updated=item.updated,
        first_seen=now,
        author=item.author,
        language=item.language or row.language,
        raw_sha256=item.raw_sha256,
        simhash=item.simhash,
        copy_of=copy_of,
    )
