"""keep: store what feeds answered: entries, stories, health, and when each is asked again.

One batch of answers is one transaction: entries, stories, the clusterer's state, the fetch log and
the next due times stand or fall together, so the clusterer is never behind the stories that are
stored. A process that is killed repeats a batch at worst, and the dedupe ladder makes that
harmless. Where an answer cannot be stored, the batch is stored without it and it is told.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from responders.feeds.rhythm import news_of
from responders.model.feed import Entry, FeedState, FetchRecord
from responders.store import archive
from testkit.errors import StoreBusyError
from testkit.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from responders.cluster import Clusterer
    from responders.feeds.answers import FetchResult
    from responders.feeds.rhythm import FeedHistory, SchedulePolicy
    from responders.model.feed import ParsedEntry, ParsedFeed
    from responders.store.archive import FeedRow
    from testkit.kernel.sqlite import Connection
    from testkit.kernel.workspace import Workspace

__all__ = ["Answered", "Keeper", "Kept"]

_OLD_NEWS = timedelta(hours=72)
_CUT_OFF = "the document breaks off before its end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a feed answered.

    Attributes:
        row: The feed as it was when it was asked.
        result: How the fetch ended; a body that is no feed counts as failed.
        parsed: What the document said; None when there was none to read.
    """

    row: FeedRow
    result: FetchResult
    parsed: ParsedFeed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was stored of one answer.

    Attributes:
        feed: Name of the feed for people.
        new: Entries that nobody had brought before.
        revised: Entries whose words changed.
        copies: Syndicated copies among the new ones.
        problem: Why the feed is not well; None when it is.
        moved_to: Its new address when it was rewritten.
    """

    feed: str
    new: int = 0
    revised: int = 0
    copies: int = 0
    problem: str | None = None
    moved_to: str | None = None


@dataclass(slots=True)
class _Count:
    new: int = 0
    revised: int = 0
    copies: int = 0


class Keeper:
    """Stores batches of answers of one poll; holds the clusterer between them.

    Args:
        workspace: The workspace.
        policy: How the newsroom polls.
    """

    def __init__(self, workspace: Workspace, policy: SchedulePolicy) -> None:
        self._workspace = workspace
        self._policy = policy
        self._clusterer: Clusterer | None = None
        self._serial = -1
        self._checked = False

    def keep(self, batch: Sequence[Answered]) -> list[Kept]:
        """Store a batch, all of it or nothing; an answer that cannot be stored is told.

        Raises:
            StoreBusyError: Another process kept the lock.
        """
        try:
            return self._keep(batch)
        except StoreBusyError:
            raise
        except Exception as problem:
            if len(batch) > 1:
                # One of them is the reason; the others must not notice.
                return [kept for one in batch for kept in self.keep([one])]
            (answer,) = batch
            if answer.parsed is None:
                raise
            told = f"what it brought could not be stored: {type(problem).__name__}: {problem}"[:300]
            failed = replace(answer.result, outcome="failed", problem=told)
            return self._keep([Answered(row=answer.row, result=failed)])

    def _keep(self, batch: Sequence[Answered]) -> list[Kept]:
        now = self._workspace.clock()
        self._checked = False
        try:
            with self._workspace.archive.write() as conn:
                change = archive.next_change(conn)
                placed = [self._one(conn, answer, now=now, change=change) for answer in batch]
                if self._clusterer is not None and any(kept.new for kept in placed):
                    self._serial = archive.save_clusterer(conn, self._clusterer.export())
        except BaseException:
            self._clusterer = None  # it holds what was not stored
            raise
        return placed

    def _stories(self, conn: Connection) -> Clusterer:
        from responders.cluster import Clusterer

        if self._clusterer is not None and self._checked:
            return self._clusterer
        serial = archive.clusterer_serial(conn)
        if self._clusterer is None or serial != self._serial:
            # Somebody else has moved stories since: another tick, or a person by hand.
            self._clusterer = Clusterer(state=archive.clusterer_state(conn))
            self._serial = serial
        self._checked = True
        return self._clusterer

    def _one(self, conn: Connection, answer: Answered, *, now: datetime, change: int) -> Kept:
        from responders.feeds.schedule import after, next_poll, why_then

        result, parsed = answer.result, answer.parsed
        # What a person did to the feed while it was asked stays.
        row = archive.feed(conn, answer.row.id)
        count, fresh = _Count(), []
        if parsed is not None:
            fresh = self._entries(conn, row, parsed, now=now, change=change, count=count)
        history = after(
            result,
            row.history,
            now=now,
            news=news_of(parsed, fresh, now=now) if parsed is not None else None,
            policy=self._policy,
        )
        if parsed is not None and parsed.cut_off:
            history = replace(history, problem=_CUT_OFF)
        kept: dict[str, Any] = {}
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
            if parsed.cut_off:
                # With its validators the rest would stay "unchanged" until the next item appears.
                kept |= {"etag": None, "last_modified": None, "body_sha256": None}
        url, history = self._moved(conn, row, history, now=now)
        # Spreading the polls is not a secret; any generator will do.
        due_at = next_poll(history, now=now, rng_value=random.random(), policy=self._policy)
        if row.due_at is None:  # no longer watched, since it was asked
            due_at = None
        archive.save_feed(conn, replace(row, url=url, history=history, due_at=due_at, **kept))
        problem = result.problem or history.problem
        archive.add_fetch(
            conn,
            FetchRecord(
                feed_id=row.id,
                at=now,
                outcome=result.outcome,
                status=result.status,
                problem=problem,
                url_final=result.url_final,
                elapsed_ms=result.elapsed_ms,
                body_bytes=len(result.body or b""),
                entries_new=count.new,
                next_poll_at=due_at,
                steps=(
                    *result.steps,
                    *_steps(result, parsed, count, language=row.language),
                    *([f"moved for good to {url}"] if url != row.url else []),
                    f"next: {why_then(history, now=now, policy=self._policy)}",
                ),
            ),
        )
        return Kept(
            feed=row.title or row.url,
            new=count.new,
            revised=count.revised,
            copies=count.copies,
            problem=problem,
            moved_to=url if url != row.url else None,
        )

    def _moved(
        self, conn: Connection, row: FeedRow, history: FeedHistory, *, now: datetime
    ) -> tuple[str, FeedHistory]:
        """The feed's address and history once a permanent move is settled."""
        from responders.feeds.schedule import move_due, moved

        target = move_due(history, policy=self._policy)
        if target is None or target == row.url:
            return row.url, history
        if archive.is_watched(conn, target):
            told = f"it moved to {target}, which is watched already"
            return row.url, replace(moved(history), state=FeedState.RETIRED, problem=told)
        reason = f"its server has sent us to {target} for good, in {history.moved_polls} polls"
        archive.left_address(conn, row.id, url=row.url, reason=reason, now=now)
        return target, moved(history)

    def _entries(
        self,
        conn: Connection,
        row: FeedRow,
        parsed: ParsedFeed,
        *,
        now: datetime,
        change: int,
        count: _Count,
    ) -> list[ParsedEntry]:
        from responders.feeds.identity import recognise

        memory = archive.ArchiveMemory(conn)
        fresh: list[ParsedEntry] = []
        outlet = row.title or parsed.title or row.url
        items = list(parsed.entries)
        if parsed.cut_off and items and items[-1].raw_sha256 == parsed.present[-1]:
            items.pop()  # it may be half an item; whole, it comes with the next poll
        for item in reversed(items):  # documents list the newest first
            if not (item.title or item.summary_text):
                continue
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
                count.revised += 1
                continue
            # A copy speaks with the voice of the outlet that it was copied from.
            copy_of, owner = archive.original(conn, verdict.of) if verdict.of else (None, outlet)
            count.new += 1
            count.copies += copy_of is not None
            fresh.append(item)
            entry = _entry_of(item, row, now=now, copy_of=copy_of)
            self._place(conn, entry, owner=owner, change=change)
        return fresh

    def _place(self, conn: Connection, entry: Entry, *, owner: str, change: int) -> None:
        from responders.cluster import StoryEntry

        key = new_id("story", now=entry.first_seen)
        told = StoryEntry(
            id=entry.id,
            at=entry.first_seen,
            title=entry.title,
            summary=entry.summary_text,
            owner=owner,
        )
        if entry.first_seen - (entry.published or entry.first_seen) > _OLD_NEWS:
            # A feed's first document goes back for months: that is an archive, no story in the
            # making. Each such entry stands alone and teaches which words are common.
            self._stories(conn).learn(told)
            archive.add_entry(conn, entry, story=key, change=change)
            return
        placed = self._stories(conn).add(told, key=key)
        archive.add_entry(conn, entry, story=placed.story_key, change=change)
        for merge in placed.merges:
            archive.merge_story(conn, kept=merge.kept, gone=merge.gone, change=change)


def _steps(
    result: FetchResult, parsed: ParsedFeed | None, count: _Count, *, language: str
) -> list[str]:
    if parsed is None:
        if result.problem:
            return [result.problem]
        same = result.outcome == "unchanged" and result.status != 304
        return ["the same bytes as last time: nothing to read"] if same else []
    unread = len(parsed.entries)
    said = f"read as {parsed.format}: {len(parsed.present)} items, {unread} not seen before"
    notes = list(parsed.notes)[:5]
    odd = [f"{e.title[:60]!r}: {note}" for e in parsed.entries for note in e.notes][:5]
    if language and parsed.language and parsed.language != language:
        notes.append(f"its language was {language!r} and is {parsed.language!r} now")
    if parsed.cut_off:
        notes.append(f"{_CUT_OFF}; its last item waits until it is whole")
    kept = f"kept {count.new} new entries ({count.copies} of them copies), revised {count.revised}"
    return [said, *notes, *odd, kept]


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
