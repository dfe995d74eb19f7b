"""Stories merged and split by hand: what was done, so that it can be undone, and the doing itself.

One transaction holds the entries, the clusterer's state and the note. Where a story is still fed
by the clusterer, the clusterer is told: stories that were split stay apart there
(:meth:`responders.cluster.Clusterer.split`), merged ones grow as one.

The part that is still fed keeps its id; of two that are, or are not, the older keeps its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from responders.store import archive
from testkit.errors import InputError, NotFoundError, StateError
from testkit.kernel.clock import to_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from responders.cluster import Clusterer
    from responders.store.archive import StoryRow
    from testkit.kernel.sqlite import Connection

__all__ = [
    "MIGRATIONS",
    "Hand",
    "drop_matches",
    "known_as",
    "latest",
    "merge",
    "split",
    "touched",
    "undo",
]

MIGRATIONS: Final = (
    (
        "001_hands",
        """
        CREATE TABLE story_hand (
          number INTEGER PRIMARY KEY,
          kind TEXT NOT NULL CHECK (kind IN ('merge', 'split')),
          kept TEXT NOT NULL REFERENCES story (id),
          other TEXT NOT NULL REFERENCES story (id),
          entries TEXT NOT NULL,
          at TEXT NOT NULL,
          by TEXT NOT NULL,
          undone_at TEXT
        ) STRICT;
        -- serves: under which ids a story was known before
        CREATE INDEX story_merged ON story (merged_into) WHERE merged_into IS NOT NULL;
        """,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """A merge or a split that a person made.

    Attributes:
        number: In order of time.
        kind: What was done.
        kept: The story that kept its id.
        other: The story that went into it, or that was made from it.
        entries: The entries that changed their story.
        by: Who.
    """

    number: int
    kind: Literal["merge", "split"]
    kept: str
    other: str
    entries: tuple[str, ...]
    by: str


def known_as(conn: Connection, story: str) -> tuple[str, ...]:
    """The id of a story and of all that went into it."""
    rows = conn.execute(
        "WITH RECURSIVE known (id) AS (SELECT :s UNION"
        " SELECT story.id FROM story JOIN known ON story.merged_into = known.id)"
        " SELECT id FROM known",
        {"s": story},
    )
    return tuple(row["id"] for row in rows)


def merge(conn: Connection, one: str, other: str, *, now: datetime, by: str) -> Hand:
    """Make one story of two.

    Raises:
        NotFoundError: There is no such story.
        StateError: They are one already.
    """
    pair = (archive.story(conn, one), archive.story(conn, other))
    if pair[0].id == pair[1].id:
        raise StateError(f"{one} and {other} are one story", current=pair[0].id)
    clusterer = _clusterer(conn)
    fed = [story for story in pair if _members(clusterer, story.id)]
    if clusterer is not None and len(fed) == len(pair):
        joined = clusterer.merge(pair[0].id, pair[1].id)
        archive.save_clusterer(conn, clusterer.export())
        kept, gone = sorted(pair, key=lambda story: story.id != joined.kept)
    else:
        kept, gone = sorted(pair, key=lambda s: (s not in fed, s.first_at, s.id))
    archive.merge_story(conn, kept=kept.id, gone=gone.id, change=archive.next_change(conn))
    _settle_times(conn, kept.id)
    moved = [entry.id for entry, _ in gone.entries]
    return _note(conn, "merge", kept.id, gone.id, moved, now=now, by=by)


def split(
    conn: Connection, story: str, entries: Sequence[str], *, new_id: str, now: datetime, by: str
) -> Hand:
    """Take entries out of a story into one of their own.

    Raises:
        NotFoundError: There is no such story, or an entry is not in it.
        InputError: Nothing or everything would move.
    """
    found = archive.story(conn, story)
    moving = check_split(found, entries)
    clusterer = _clusterer(conn)
    members = _members(clusterer, found.id)
    if members and members <= moving:
        # What is still fed keeps the id, or its next entry would go to the wrong half.
        moving = frozenset(entry.id for entry, _ in found.entries) - moving
    conn.execute(
        "INSERT INTO story (id, first_at, last_at, merged_into, changed)"
        " SELECT :new, first_at, last_at, NULL, changed FROM story WHERE id = :old",
        {"new": new_id, "old": found.id},
    )
    _take_apart(conn, clusterer, found, moving, into=new_id)
    return _note(conn, "split", found.id, new_id, sorted(moving), now=now, by=by)


def check_split(story: StoryRow, entries: Iterable[str]) -> frozenset[str]:
    """The entries to move, if the story can be split so.

    Raises:
        NotFoundError: An entry is not in it.
        InputError: Nothing or everything would move.
    """
    moving = frozenset(entries)
    there = {entry.id for entry, _ in story.entries}
    for entry_id in sorted(moving - there):
        raise NotFoundError(
            "entry", entry_id, hint=f"`whistlestop story show {story.id}` lists its entries"
        )
    if not moving or moving == there:
        raise InputError(
            "a split moves some entries and leaves some",
            field="entries",
            hint=f"the story has {len(there)}; name fewer of them",
        )
    return moving


def touched(conn: Connection) -> frozenset[str]:
    """Stories that somebody put together, or whose split somebody took back: they are one."""
    rows = conn.execute(
        "SELECT kept, other FROM story_hand WHERE (kind = 'merge') = (undone_at IS NULL)"
    ).fetchall()
    return frozenset(name for row in rows for name in (row["kept"], row["other"]))


def latest(conn: Connection, story: str) -> Hand:
    """The newest merge or split of a story that still stands.

    Raises:
        NotFoundError: There is no such story.
        StateError: Nobody merged or split it.
    """
    found = archive.story(conn, story)
    row = conn.execute(
        "SELECT * FROM story_hand WHERE undone_at IS NULL AND (:given IN (kept, other)"
        " OR :found IN (kept, other)) ORDER BY number DESC LIMIT 1",
        {"given": story, "found": found.id},
    ).fetchone()
    if row is None:
        raise StateError(f"nobody merged or split {story}", current="as it came")
    return Hand(
        number=row["number"],
        kind=row["kind"],
        kept=row["kept"],
        other=row["other"],
        entries=tuple(json.loads(row["entries"])),
        by=row["by"],
    )


def undo(conn: Connection, hand: Hand, *, now: datetime) -> None:
    """Take a merge or split back; entries that came since stay where they are.

    Raises:
        StateError: A later merge or split stands on it, or no entry is left to move.
    """
    clusterer = _clusterer(conn)
    kept = archive.story(conn, hand.kept)
    if kept.id != hand.kept:
        raise StateError(
            f"{hand.kept} went into {kept.id} since",
            current="merged",
            hint=f"undo that first: whistlestop story undo {kept.id}",
        )
    if hand.kind == "merge":
        moving = frozenset(hand.entries) & {entry.id for entry, _ in kept.entries}
        if not moving or len(moving) == len(kept.entries):
            raise StateError("the entries of one of the two are no longer kept", current="merged")
        conn.execute("UPDATE story SET merged_into = NULL WHERE id = :id", {"id": hand.other})
        _take_apart(conn, clusterer, kept, moving, into=hand.other)
    else:
        other = archive.story(conn, hand.other)
        if other.id != hand.other:
            raise StateError(
                f"{hand.other} went into {other.id} since",
                current="merged",
                hint=f"undo that first: whistlestop story undo {other.id}",
            )
        fed = _members(clusterer, kept.id) and _members(clusterer, other.id)
        if clusterer is not None and fed:
            clusterer.merge(kept.id, other.id)
            archive.save_clusterer(conn, clusterer.export())
        archive.merge_story(conn, kept=kept.id, gone=other.id, change=archive.next_change(conn))
        _settle_times(conn, kept.id)
    conn.execute(
        "UPDATE story_hand SET undone_at = :now WHERE number = :n",
        {"now": to_text(now), "n": hand.number},
    )


def drop_matches(conn: Connection, story: str, *, but: Collection[str]) -> None:
    """Forget that a story matched issues which its entries no longer answer."""
    conn.execute(
        "DELETE FROM story_match WHERE story = :s"
        " AND issue NOT IN (SELECT value FROM json_each(:but))",
        {"s": story, "but": json.dumps(sorted(but))},
    )


def _take_apart(
    conn: Connection,
    clusterer: Clusterer | None,
    story: StoryRow,
    moving: frozenset[str],
    *,
    into: str,
) -> None:
    from responders.cluster import StoryEntry

    members = _members(clusterer, story.id)
    if clusterer is not None and members & moving and members - moving:
        clusterer.split(
            story.id,
            [
                StoryEntry(
                    id=entry.id,
                    at=entry.first_seen,
                    title=entry.title,
                    summary=entry.summary_text,
                    owner=outlet,
                )
                for entry, outlet in story.entries
                if entry.id in members & moving
            ],
            new_key=into,
        )
        archive.save_clusterer(conn, clusterer.export())
    conn.execute(
        "UPDATE entry SET story = :into WHERE id IN (SELECT value FROM json_each(:ids))",
        {"into": into, "ids": json.dumps(sorted(moving))},
    )
    change = archive.next_change(conn)
    for changed in (story.id, into):
        conn.execute("UPDATE story SET changed = :c WHERE id = :id", {"c": change, "id": changed})
        _settle_times(conn, changed)


def _settle_times(conn: Connection, story: str) -> None:
    conn.execute(
        "UPDATE story SET"
        " first_at = (SELECT min(first_seen) FROM entry WHERE story = :s),"
        " last_at = (SELECT max(first_seen) FROM entry WHERE story = :s)"
        " WHERE id = :s AND EXISTS (SELECT 1 FROM entry WHERE story = :s)",
        {"s": story},
    )


def _clusterer(conn: Connection) -> Clusterer | None:
    from responders.cluster import Clusterer

    state = archive.clusterer_state(conn)
    return Clusterer(state=state) if state else None


def _members(clusterer: Clusterer | None, story: str) -> frozenset[str]:
    """Entries by which the clusterer still feeds a story; none when it left the window."""
    if clusterer is None:
        return frozenset()
    try:
        return frozenset(clusterer.story(story).entries)
    except NotFoundError:
        return frozenset()


def _note(
    conn: Connection,
    kind: Literal["merge", "split"],
    kept: str,
    other: str,
    entries: Sequence[str],
    *,
    now: datetime,
    by: str,
) -> Hand:
    made = conn.execute(
        "INSERT INTO story_hand (kind, kept, other, entries, at, by)"
        " VALUES (:kind, :kept, :other, :entries, :at, :by)",
        {
            "kind": kind,
            "kept": kept,
            "other": other,
            "entries": json.dumps(list(entries)),
            "at": to_text(now),
            "by": by,
        },
    )
    assert made.lastrowid is not None
    return Hand(
        number=made.lastrowid, kind=kind, kept=kept, other=other, entries=tuple(entries), by=by
    )
