"""Feeds, entries and stories as rows of ``archive.db``; one writer, one transaction per feed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from responders.feeds.identity import Known, simhash_bands
from responders.model.feed import Entry, FetchRecord
from responders.store.histories import history_of, history_text
from testkit.errors import NotFoundError
from testkit.kernel.clock import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from responders.feeds.rhythm import FeedHistory
    from testkit.kernel.sqlite import Connection

__all__ = ["ArchiveMemory", "FeedRow", "MatchRow", "StoryRow"]

LOG_KEPT: Final = timedelta(days=14)
"""How long the log of fetches goes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """A watched feed as it is kept.

    Attributes:
        id: Our id.
        url: Address that is polled now.
        title: Name for people; empty until the feed told it.
        site_url: Its page.
        language: BCP 47 tag; empty when undeclared.
        folder: Path of names in the reader's list.
        etag: Validator of the last body.
        last_modified: Date of the last body.
        body_sha256: Digest of the last body.
        present: Digests of the items in the last document: they need no second parse.
        history: What the schedule remembers.
        due_at: When it is due; None when it is retired or paused.
    """

    id: str
    url: str
    title: str
    site_url: str
    language: str
    folder: tuple[str, ...]
    etag: str | None
    last_modified: str | None
    body_sha256: str | None
    present: tuple[str, ...]
    history: FeedHistory
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryRow:
    """A story with its entries, the earliest first.

    Attributes:
        id: Its id; it never changes.
        first_at: When its first entry was seen.
        last_at: When its latest entry was seen.
        entries: Entries with the title of their feed.
    """

    id: str
    first_at: datetime
    last_at: datetime
    entries: tuple[tuple[Entry, str], ...]

    @property
    def title(self) -> str:
        """The headline of the first entry."""
        return self.entries[0][0].title if self.entries else ""

    @property
    def outlets(self) -> tuple[str, ...]:
        """Distinct outlets that speak for themselves, in order of arrival."""
        return tuple(dict.fromkeys(name for entry, name in self.entries if not entry.copy_of))


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRow:
    """A story that an issue asks for.

    Attributes:
        story: The story.
        issue: Slug of the issue.
        issue_version: Adopted version that matched.
        why: One line for people.
        matched: ``(text, where)`` of what was matched.
        outlets: Distinct outlets when it was last asked.
        first_at: When it first matched.
    """

    story: str
    issue: str
    issue_version: int
    why: str
    matched: tuple[tuple[str, str], ...]
    outlets: int
    first_at: datetime


def _time(text: str | None) -> datetime | None:
    return from_text(text) if text else None


def _text(moment: datetime | None) -> str | None:
    return to_text(moment) if moment else None


def _feed(row: Any) -> FeedRow:
    return FeedRow(
        id=row["id"],
        url=row["url"],
        title=row["title"],
        site_url=row["site_url"],
        language=row["language"],
        folder=tuple(json.loads(row["folder"])),
        etag=row["etag"],
        last_modified=row["last_modified"],
        body_sha256=row["body_sha256"],
        present=tuple(json.loads(row["present"])),
        history=history_of(row["history"]),
        due_at=_time(row["due_at"]),
    )


def feeds(conn: Connection, *, due: datetime | None = None) -> list[FeedRow]:
    """All feeds by title, or those that are due, the longest waiting first."""
    if due is None:
        rows = conn.execute("SELECT * FROM feed ORDER BY title, url")
    else:
        rows = conn.execute(
            "SELECT * FROM feed WHERE due_at IS NOT NULL AND due_at <= :now ORDER BY due_at",
            {"now": to_text(due)},
        )
    return [_feed(row) for row in rows]


def feed(conn: Connection, given: str) -> FeedRow:
    """A feed by id, address or title.

    Raises:
        NotFoundError: There is none; close ones are suggested.
    """
    row = conn.execute("SELECT * FROM feed WHERE :g IN (id, url, title)", {"g": given}).fetchone()
    if row is None:
        import difflib

        known = [r["url"] for r in conn.execute("SELECT url FROM feed")]
        near = difflib.get_close_matches(given, known, n=2, cutoff=0.5)
        raise NotFoundError("feed", given, did_you_mean=near)
    return _feed(row)


def add_feed(conn: Connection, value: FeedRow, *, now: datetime) -> bool:
    """Watch a feed; one that is watched already is due at once, and gives False."""
    known = conn.execute("SELECT 1 FROM feed WHERE url = :u", {"u": value.url}).fetchone()
    conn.execute(
        "INSERT INTO feed (id, url, title, site_url, language, folder, etag, last_modified,"
        " body_sha256, present, history, due_at, added_at) VALUES (:id, :url, :title, :site_url,"
        " :language, :folder, NULL, NULL, NULL, '[]', :history, :due_at, :now)"
        " ON CONFLICT (url) DO UPDATE SET due_at = excluded.due_at",
        {
            "id": value.id,
            "url": value.url,
            "title": value.title,
            "site_url": value.site_url,
            "language": value.language,
            "folder": json.dumps(list(value.folder)),
            "history": history_text(value.history),
            "due_at": _text(value.due_at),
            "now": to_text(now),
        },
    )
    return known is None


def remove_feed(conn: Connection, feed_id: str) -> None:
    """Watch a feed no longer; its entries stay as long as the archive keeps them."""
    conn.execute("UPDATE feed SET due_at = NULL WHERE id = :id", {"id": feed_id})


def save_feed(conn: Connection, value: FeedRow) -> None:
    """Keep what a poll taught about a feed."""
    conn.execute(
        "UPDATE feed SET url = :url, title = :title, site_url = :site_url, language = :language,"
        " etag = :etag, last_modified = :last_modified, body_sha256 = :body_sha256,"
        " present = :present, history = :history, due_at = :due_at WHERE id = :id",
        {
            "id": value.id,
            "url": value.url,
            "title": value.title,
            "site_url": value.site_url,
            "language": value.language,
            "etag": value.etag,
            "last_modified": value.last_modified,
            "body_sha256": value.body_sha256,
            "present": json.dumps(list(value.present)),
            "history": history_text(value.history),
            "due_at": _text(value.due_at),
        },
    )


def histories(conn: Connection) -> list[FeedHistory]:
    """What the schedule remembers of every feed that is asked."""
    rows = conn.execute("SELECT history FROM feed WHERE due_at IS NOT NULL")
    return [history_of(row["history"]) for row in rows]


def asked_feeds(conn: Connection) -> int:
    """How many feeds are asked."""
    row = conn.execute("SELECT count(*) AS n FROM feed WHERE due_at IS NOT NULL").fetchone()
    return int(row["n"])


def fitted(conn: Connection) -> tuple[str, float, tuple[float, ...], datetime] | None:
    """What the schedule was fitted to, its scale and profile, and when; None before that."""
    row = conn.execute("SELECT * FROM schedule").fetchone()
    if row is None:
        return None
    profile = tuple(json.loads(row["profile"]))
    return row["basis"], row["scale"], profile, from_text(row["fitted_at"])


def save_fitted(
    conn: Connection, basis: str, *, scale: float, profile: tuple[float, ...], now: datetime
) -> None:
    """Keep how the budget of requests is spread."""
    conn.execute(
        "INSERT INTO schedule (one, basis, scale, profile, fitted_at)"
        " VALUES (1, :basis, :scale, :profile, :now) ON CONFLICT (one) DO UPDATE SET"
        " basis = excluded.basis, scale = excluded.scale, profile = excluded.profile,"
        " fitted_at = excluded.fitted_at",
        {"basis": basis, "scale": scale, "profile": json.dumps(profile), "now": to_text(now)},
    )


def left_address(conn: Connection, feed_id: str, *, url: str, reason: str, now: datetime) -> None:
    """Remember an address that a feed no longer has."""
    conn.execute(
        "INSERT OR REPLACE INTO feed_address (feed, url, until, reason)"
        " VALUES (:feed, :url, :now, :reason)",
        {"feed": feed_id, "url": url, "now": to_text(now), "reason": reason},
    )


def left_addresses(conn: Connection, feed_id: str) -> list[dict[str, Any]]:
    """The addresses that a feed had before, the latest first."""
    rows = conn.execute(
        "SELECT url, until, reason FROM feed_address WHERE feed = :f ORDER BY until DESC",
        {"f": feed_id},
    )
    return [dict(row) for row in rows]


def is_watched(conn: Connection, url: str) -> bool:
    """Whether some feed has that address."""
    return conn.execute("SELECT 1 FROM feed WHERE url = :u", {"u": url}).fetchone() is not None


def add_fetch(conn: Connection, record: FetchRecord) -> None:
    """Log one attempt; what is older than a fortnight goes."""
    conn.execute(
        "DELETE FROM fetch WHERE feed = :feed AND at < :old",
        {"feed": record.feed_id, "old": to_text(record.at - LOG_KEPT)},
    )
    conn.execute(
        "INSERT OR REPLACE INTO fetch (feed, at, outcome, status, problem, url_final, elapsed_ms,"
        " body_bytes, entries_new, next_poll_at, steps) VALUES (:feed, :at, :outcome, :status,"
        " :problem, :url_final, :elapsed_ms, :body_bytes, :entries_new, :next, :steps)",
        {
            "feed": record.feed_id,
            "at": to_text(record.at),
            "outcome": record.outcome,
            "status": record.status,
            "problem": record.problem,
            "url_final": record.url_final,
            "elapsed_ms": record.elapsed_ms,
            "body_bytes": record.body_bytes,
            "entries_new": record.entries_new,
            "next": _text(record.next_poll_at),
            "steps": json.dumps(record.steps),
        },
    )


def fetches(conn: Connection, feed_id: str, *, limit: int) -> list[dict[str, Any]]:
    """The newest attempts at a feed, newest first."""
    rows = conn.execute(
        "SELECT * FROM fetch WHERE feed = :f ORDER BY at DESC LIMIT :n", {"f": feed_id, "n": limit}
    )
    return [{**dict(row), "steps": json.loads(row["steps"])} for row in rows]


class ArchiveMemory:
    """What the dedupe ladder asks, answered from the archive inside one transaction."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def _one(self, where: str, values: dict[str, Any]) -> Known | None:
        row = self._conn.execute(
            f"SELECT id, title, summary, simhash FROM entry WHERE {where}"  # noqa: S608 - constant
            " ORDER BY first_seen LIMIT 1",
            values,
        ).fetchone()
        return _known(row) if row else None

    def by_guid(self, feed_id: str, guid: str) -> Known | None:
        """The entry of that feed with that guid."""
        return self._one("feed = :f AND guid = :g", {"f": feed_id, "g": guid})

    def by_url(self, canonical: str) -> Known | None:
        """The first entry with that canonical URL, from any feed."""
        return self._one("canonical_url = :u", {"u": canonical})

    def near(self, bands: Sequence[int]) -> Iterable[Known]:
        """Entries that share a band, oldest first."""
        asked = ", ".join("?" * len(bands))
        rows = self._conn.execute(
            "SELECT id, title, summary, simhash FROM entry WHERE id IN (SELECT entry"  # noqa: S608
            f" FROM entry_band WHERE band IN ({asked})) ORDER BY first_seen, id",  # - constant
            tuple(bands),
        )
        return [_known(row) for row in rows]


def _known(row: Any) -> Known:
    return Known(
        id=row["id"], title=row["title"], summary_text=row["summary"], simhash=row["simhash"]
    )


def add_entry(conn: Connection, entry: Entry, *, story: str, change: int) -> None:
    """Keep an entry and put it into its story."""
    conn.execute(
        "INSERT INTO story (id, first_at, last_at, merged_into, changed)"
        " VALUES (:id, :at, :at, NULL, :change) ON CONFLICT (id) DO UPDATE"
        " SET last_at = max(last_at, excluded.last_at), changed = excluded.changed",
        {"id": story, "at": to_text(entry.first_seen), "change": change},
    )
    conn.execute(
        "INSERT INTO entry (id, feed, guid, url, canonical_url, title, summary, html, published,"
        " updated, first_seen, author, language, raw_sha256, simhash, copy_of, story) VALUES"
        " (:id, :feed, :guid, :url, :canonical_url, :title, :summary, :html, :published, :updated,"
        " :first_seen, :author, :language, :raw_sha256, :simhash, :copy_of, :story)",
        {
            "id": entry.id,
            "feed": entry.feed_id,
            "guid": entry.guid,
            "url": entry.url,
            "canonical_url": entry.canonical_url,
            "title": entry.title,
            "summary": entry.summary_text,
            "html": entry.content_html,
            "published": _text(entry.published),
            "updated": _text(entry.updated),
            "first_seen": to_text(entry.first_seen),
            "author": entry.author,
            "language": entry.language,
            "raw_sha256": entry.raw_sha256,
            "simhash": entry.simhash,
            "copy_of": entry.copy_of,
            "story": story,
        },
    )
    if entry.simhash is not None:
        conn.executemany(
            "INSERT OR IGNORE INTO entry_band (band, entry) VALUES (?, ?)",
            [(band, entry.id) for band in simhash_bands(entry.simhash)],
        )


def revise_entry(
    conn: Connection, entry_id: str, *, title: str, summary: str, now: datetime, change: int
) -> None:
    """Keep a changed title or summary; the old one stays as a revision."""
    conn.execute(
        "INSERT OR IGNORE INTO entry_revision (entry, at, title, summary)"
        " SELECT id, :at, title, summary FROM entry WHERE id = :id",
        {"at": to_text(now), "id": entry_id},
    )
    conn.execute(
        "UPDATE entry SET title = :title, summary = :summary WHERE id = :id",
        {"title": title, "summary": summary, "id": entry_id},
    )
    conn.execute(
        "UPDATE story SET changed = :c WHERE id = (SELECT story FROM entry WHERE id = :id)",
        {"c": change, "id": entry_id},
    )


def merge_story(conn: Connection, *, kept: str, gone: str, change: int) -> None:
    """One story goes into another; the old id keeps leading to it."""
    conn.execute("UPDATE entry SET story = :kept WHERE story = :gone", {"kept": kept, "gone": gone})
    conn.execute(
        "UPDATE story SET merged_into = :kept, changed = :c WHERE id = :gone",
        {"kept": kept, "gone": gone, "c": change},
    )
    conn.execute(
        "UPDATE story SET changed = :c, last_at = max(last_at,"
        " (SELECT last_at FROM story WHERE id = :gone)) WHERE id = :kept",
        {"c": change, "kept": kept, "gone": gone},
    )


def next_change(conn: Connection) -> int:
    """A number above every change so far."""
    row = conn.execute("SELECT coalesce(max(changed), 0) + 1 AS n FROM story").fetchone()
    return int(row["n"])


def _entry(row: Any) -> Entry:
    return Entry(
        id=row["id"],
        feed_id=row["feed"],
        guid=row["guid"],
        url=row["url"],
        canonical_url=row["canonical_url"],
        title=row["title"],
        summary_text=row["summary"],
        content_html=row["html"],
        published=_time(row["published"]),
        updated=_time(row["updated"]),
        first_seen=from_text(row["first_seen"]),
        author=row["author"],
        language=row["language"],
        raw_sha256=row["raw_sha256"],
        simhash=row["simhash"],
        copy_of=row["copy_of"],
    )


def story(conn: Connection, story_id: str) -> StoryRow:
    """A story; the id of a merged one leads to where it went.

    Raises:
        NotFoundError: There is none of that id.
    """
    row = conn.execute("SELECT * FROM story WHERE id = :id", {"id": story_id}).fetchone()
    if row is None:
        raise NotFoundError("story", story_id, hint="see `whistlestop story list`")
    if row["merged_into"]:
        return story(conn, row["merged_into"])
    found = conn.execute(
        "SELECT e.*, coalesce(nullif(f.title, ''), f.url) AS outlet FROM entry e"
        " JOIN feed f ON f.id = e.feed WHERE e.story = :s"
        # Feeds answer in any order: who was first is what they say, where they say it.
        " ORDER BY coalesce(e.published, e.first_seen), e.id",
        {"s": story_id},
    )
    return StoryRow(
        id=row["id"],
        first_at=from_text(row["first_at"]),
        last_at=from_text(row["last_at"]),
        entries=tuple((_entry(e), e["outlet"]) for e in found),
    )


def stories(conn: Connection, *, limit: int, changed_after: int = -1) -> list[StoryRow]:
    """Stories, newest first; with ``changed_after`` only those changed since, oldest change first.

    Args:
        conn: A connection; only read.
        limit: At most so many.
        changed_after: A change number.
    """
    order = "changed, id" if changed_after >= 0 else "last_at DESC, id"
    rows = conn.execute(
        "SELECT id FROM story WHERE merged_into IS NULL AND changed > :c"  # noqa: S608 - constant
        f" ORDER BY {order} LIMIT :n",
        {"c": changed_after, "n": limit},
    )
    return [story(conn, row["id"]) for row in rows.fetchall()]


def clusterer_state(conn: Connection) -> dict[str, Any] | None:
    """What the clusterer exported last; None before the first entry."""
    row = conn.execute("SELECT state FROM clusterer").fetchone()
    return json.loads(row["state"]) if row else None


def clusterer_serial(conn: Connection) -> int:
    """How often the clusterer's state was saved: whoever holds a copy sees whether it is stale."""
    row = conn.execute("SELECT serial FROM clusterer").fetchone()
    return int(row["serial"]) if row else 0


def save_clusterer(conn: Connection, state: dict[str, Any]) -> int:
    """Keep the clusterer's state beside the entries that made it; returns its serial."""
    conn.execute(
        "INSERT INTO clusterer (one, state, serial) VALUES (1, :s, 1) ON CONFLICT (one) DO UPDATE"
        " SET state = excluded.state, serial = serial + 1",
        {"s": json.dumps(state)},
    )
    return clusterer_serial(conn)


def original(conn: Connection, entry_id: str) -> tuple[str, str]:
    """The entry that a copy was made from, and the outlet that speaks in it."""
    row = conn.execute(
        "SELECT o.id, coalesce(nullif(f.title, ''), f.url) AS outlet FROM entry e"
        " JOIN entry o ON o.id = coalesce(e.copy_of, e.id) JOIN feed f ON f.id = o.feed"
        " WHERE e.id = :id",
        {"id": entry_id},
    ).fetchone()
    return row["id"], row["outlet"]


def asked(conn: Connection) -> tuple[int, str]:
    """Up to which change the issues were asked, and the digest of those issues."""
    row = conn.execute("SELECT change, issues FROM asked").fetchone()
    return (row["change"], row["issues"]) if row else (0, "")


def save_asked(conn: Connection, change: int, issues: str) -> None:
    """Remember up to which change which issues were asked."""
    conn.execute(
        "INSERT INTO asked (one, change, issues) VALUES (1, :c, :i)"
        " ON CONFLICT (one) DO UPDATE SET change = excluded.change, issues = excluded.issues",
        {"c": change, "i": issues},
    )


def save_match(conn: Connection, match: MatchRow, *, now: datetime) -> bool:
    """Keep why a story matched; returns whether it is a match that was not there before."""
    before = conn.execute(
        "SELECT 1 FROM story_match WHERE story = :s AND issue = :i",
        {"s": match.story, "i": match.issue},
    ).fetchone()
    conn.execute(
        "INSERT INTO story_match (story, issue, issue_version, why, matched, outlets, first_at, at)"
        " VALUES (:story, :issue, :version, :why, :matched, :outlets, :now, :now)"
        " ON CONFLICT (story, issue) DO UPDATE SET issue_version = excluded.issue_version,"
        " why = excluded.why, matched = excluded.matched, outlets = excluded.outlets,"
        " at = excluded.at",
        {
            "story": match.story,
            "issue": match.issue,
            "version": match.issue_version,
            "why": match.why,
            "matched": json.dumps([list(m) for m in match.matched]),
            "outlets": match.outlets,
            "now": to_text(now),
        },
    )
    return before is None


def matches(conn: Connection, *, story_id: str | None = None) -> list[MatchRow]:
    """Matches, newest first; of one story when it is named."""
    rows = conn.execute(
        "SELECT m.* FROM story_match m JOIN story s ON s.id = m.story"
        " WHERE s.merged_into IS NULL AND (:s IS NULL OR m.story = :s)"
        " ORDER BY m.first_at DESC, m.story, m.issue",
        {"s": story_id},
    )
    return [
        MatchRow(
            story=row["story"],
            issue=row["issue"],
            issue_version=row["issue_version"],
            why=row["why"],
            matched=tuple((t, w) for t, w in json.loads(row["matched"])),
            outlets=row["outlets"],
            first_at=from_text(row["first_at"]),
        )
        for row in rows
    ]
