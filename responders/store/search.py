"""Full text of entries and responses: FTS5 tables that never miss a row and hold our own terms.

Theory. The tables store :func:`~responders.match.index_text`, so that the index and the query
tree cut every text alike; SQLite cannot compute that in a trigger. Triggers therefore note in a
queue which rows changed, in the same transaction as the change, whoever makes it; :func:`refresh`
works the queue off before anything is asked. So nothing can be missing from an answer, and no
writer pays for the index.

A row of the index is named by a number of its own: the rowids of the text tables may change when
SQLite compacts the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from testkit.kernel.clock import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from responders.match import FtsQuery
    from testkit.kernel.sqlite import Connection

__all__ = ["ENTRIES", "RESPONSES", "Corpus", "Found", "ask", "due", "rebuild", "refresh", "size"]

Corpus = Literal["entries", "responses"]

_INDEX: Final = """
        -- what waits to be read into the index, by the id of its text
        CREATE TABLE search_due (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
        CREATE TABLE search_row (
          number INTEGER PRIMARY KEY,
          id TEXT NOT NULL UNIQUE,
          at TEXT NOT NULL
        ) STRICT;
        -- serves: the newest first, and those since a moment
        CREATE INDEX search_row_at ON search_row (at);
        CREATE VIRTUAL TABLE search_text USING fts5
          (title, summary, source, lang, tokenize = 'unicode61 remove_diacritics 2');
"""

ENTRIES: Final = (
    ("001_search_index", _INDEX),
    (
        "002_search_entries",
        """
        CREATE TRIGGER search_entry_new AFTER INSERT ON entry
        BEGIN INSERT OR IGNORE INTO search_due (id) VALUES (new.id); END;
        CREATE TRIGGER search_entry_changed AFTER UPDATE OF title, summary, language ON entry
        BEGIN INSERT OR IGNORE INTO search_due (id) VALUES (new.id); END;
        CREATE TRIGGER search_entry_gone AFTER DELETE ON entry
        BEGIN INSERT OR IGNORE INTO search_due (id) VALUES (old.id); END;
        CREATE TRIGGER search_feed_renamed AFTER UPDATE OF title, url ON feed
        WHEN old.title <> new.title OR (new.title = '' AND old.url <> new.url)
        BEGIN
          INSERT OR IGNORE INTO search_due (id) SELECT id FROM entry WHERE feed = new.id;
        END;
        INSERT INTO search_due (id) SELECT id FROM entry;
        """,
    ),
)
"""For ``archive.db``, after the tables of the archive."""

RESPONSES: Final = (
    ("001_search_index", _INDEX),
    (
        "002_search_responses",
        """
        CREATE TRIGGER search_draft_new AFTER INSERT ON draft
        BEGIN INSERT OR IGNORE INTO search_due (id) VALUES (new.id); END;
        CREATE TRIGGER search_draft_edited AFTER INSERT ON draft_edit
        BEGIN INSERT OR IGNORE INTO search_due (id) VALUES (new.draft); END;
        INSERT INTO search_due (id) SELECT id FROM draft;
        """,
    ),
)
"""For ``workspace.db``, after the tables of drafts."""

_TEXTS: Final[dict[Corpus, str]] = {
    "entries": (
        "SELECT e.id, e.title, e.summary, coalesce(nullif(f.title, ''), f.url) AS source,"
        " e.language AS lang, e.first_seen AS at, e.story AS about, e.url AS url,"
        " CASE WHEN e.copy_of IS NULL THEN '' ELSE 'copy' END AS state"
        " FROM entry e JOIN feed f ON f.id = e.feed WHERE e.id = :id"
    ),
    "responses": (
        "SELECT d.id, d.title, coalesce((SELECT e.content FROM draft_edit e WHERE e.draft = d.id"
        "  ORDER BY e.number DESC LIMIT 1), d.content) AS summary, d.issue AS source, '' AS lang,"
        " d.raised_at AS at, d.story AS about, '' AS url,"
        " CASE WHEN EXISTS (SELECT 1 FROM release r WHERE r.draft = d.id) THEN 'released'"
        "  WHEN d.dropped_at IS NOT NULL THEN 'dropped' ELSE 'draft' END AS state"
        " FROM draft d WHERE d.id = :id"
    ),
}
_SOURCES: Final[dict[Corpus, str]] = {"entries": "entry", "responses": "draft"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A text that the index gave.

    Attributes:
        id: Entry or draft.
        title: Headline.
        summary: Teaser; of a response all its words.
        source: Outlet; of a response the issue.
        lang: BCP 47 tag; empty when unknown.
        at: When the entry was first seen, or the draft was raised.
        story: Story that it belongs to.
        url: Address; empty when there is none.
        state: Of a response ``draft``, ``released`` or ``dropped``; of a copied entry ``copy``.
    """

    id: str
    title: str
    summary: str
    source: str
    lang: str
    at: datetime
    story: str
    url: str
    state: str


def due(conn: Connection) -> int:
    """How many texts wait to be read into the index."""
    return int(conn.execute("SELECT count(*) AS n FROM search_due").fetchone()["n"])


def size(conn: Connection) -> int:
    """How many texts the index holds."""
    return int(conn.execute("SELECT count(*) AS n FROM search_row").fetchone()["n"])


def refresh(conn: Connection, corpus: Corpus, *, limit: int) -> int:
    """Read waiting texts into the index, in a write transaction; returns how many were read."""
    waiting = conn.execute("SELECT id FROM search_due ORDER BY id LIMIT :n", {"n": limit})
    ids = [row["id"] for row in waiting.fetchall()]
    for given in ids:
        _forget(conn, given)
        text = _text(conn, corpus, given)
        if text is not None:
            _add(conn, text)
    conn.executemany("DELETE FROM search_due WHERE id = ?", [(given,) for given in ids])
    return len(ids)


def rebuild(conn: Connection, corpus: Corpus) -> int:
    """Empty the index and queue everything again; returns how many texts wait."""
    conn.execute("DELETE FROM search_text")
    conn.execute("DELETE FROM search_row")
    conn.execute(
        f"INSERT OR IGNORE INTO search_due (id) SELECT id FROM {_SOURCES[corpus]}"  # noqa: S608 - constant
    )
    return due(conn)


def ask(
    conn: Connection, corpus: Corpus, found: FtsQuery, *, since: datetime | None = None
) -> Iterator[Found]:
    """The texts that a compiled query gives, newest first, read as they are taken.

    Args:
        conn: A connection in a read transaction; the index is refreshed.
        corpus: What is asked.
        found: The query, compiled for all four columns.
        since: Only what is at least as new.
    """
    matching = "SELECT rowid FROM search_text WHERE search_text MATCH :q"
    where = {
        "match": f"number IN ({matching})",
        "all_but": f"number NOT IN ({matching})",
        "all": "1",
        "none": "0",
    }[found.mode]
    rows = conn.execute(
        f"SELECT id FROM search_row WHERE {where} AND at >= :since"  # noqa: S608 - constant
        " ORDER BY at DESC, number DESC",
        {"q": found.expression, "since": to_text(since) if since else ""},
    )
    for row in rows:
        text = _text(conn, corpus, row["id"])
        if text is not None:
            yield text


def _forget(conn: Connection, given: str) -> None:
    row = conn.execute("SELECT number FROM search_row WHERE id = :id", {"id": given}).fetchone()
    if row is not None:
        conn.execute("DELETE FROM search_text WHERE rowid = :n", {"n": row["number"]})
        conn.execute("DELETE FROM search_row WHERE number = :n", {"n": row["number"]})


def _add(conn: Connection, text: Found) -> None:
    from responders.match import FIELDS, index_text  # not for a command that only opens the files

    made = conn.execute(
        "INSERT INTO search_row (id, at) VALUES (:id, :at)", {"id": text.id, "at": to_text(text.at)}
    )
    conn.execute(
        "INSERT INTO search_text (rowid, title, summary, source, lang)"
        " VALUES (:number, :title, :summary, :source, :lang)",
        {"number": made.lastrowid} | {name: index_text(getattr(text, name)) for name in FIELDS},
    )


def _text(conn: Connection, corpus: Corpus, given: str) -> Found | None:
    row = conn.execute(_TEXTS[corpus], {"id": given}).fetchone()
    if row is None:
        return None
    summary, lang = row["summary"], row["lang"]
    if corpus == "responses":
        content = json.loads(summary)
        summary = "\n".join(_words(content.get("arms", {})))
        lang = str(content.get("lang", ""))
    return Found(
        id=row["id"],
        title=row["title"],
        summary=summary,
        source=row["source"],
        lang=lang,
        at=from_text(row["at"]),
        story=row["about"],
        url=row["url"] or "",
        state=row["state"],
    )


def _words(value: Any) -> Iterator[str]:
    """Every text in nested mappings, in their order."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, str):
        yield value
