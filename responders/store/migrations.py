"""Schema history of ``responders``. Append only."""

from __future__ import annotations

from typing import Final

__all__ = ["ARCHIVE", "DRAFTS"]

ARCHIVE: Final = (
    (
        "001_archive",
        """
        CREATE TABLE feed (
          id TEXT PRIMARY KEY,
          url TEXT NOT NULL UNIQUE,
          title TEXT NOT NULL,
          site_url TEXT NOT NULL,
          language TEXT NOT NULL,
          folder TEXT NOT NULL,
          etag TEXT,
          last_modified TEXT,
          body_sha256 TEXT,
          present TEXT NOT NULL,
          history TEXT NOT NULL,
          due_at TEXT,
          added_at TEXT NOT NULL
        ) STRICT;
        -- serves: which feeds are due
        CREATE INDEX feed_due ON feed (due_at);
        CREATE TABLE fetch (
          feed TEXT NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
          at TEXT NOT NULL,
          outcome TEXT NOT NULL,
          status INTEGER,
          problem TEXT,
          url_final TEXT NOT NULL,
          elapsed_ms REAL NOT NULL,
          body_bytes INTEGER NOT NULL,
          entries_new INTEGER NOT NULL,
          next_poll_at TEXT,
          PRIMARY KEY (feed, at)
        ) STRICT;
        CREATE TABLE story (
          id TEXT PRIMARY KEY,
          first_at TEXT NOT NULL,
          last_at TEXT NOT NULL,
          merged_into TEXT REFERENCES story (id),
          changed INTEGER NOT NULL
        ) STRICT;
        -- serves: which stories changed since the issues were last asked
        CREATE INDEX story_changed ON story (changed);
        CREATE TABLE entry (
          id TEXT PRIMARY KEY,
          feed TEXT NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
          guid TEXT NOT NULL,
          url TEXT,
          canonical_url TEXT,
          title TEXT NOT NULL,
          summary TEXT NOT NULL,
          html TEXT NOT NULL,
          published TEXT,
          updated TEXT,
          first_seen TEXT NOT NULL,
          author TEXT NOT NULL,
          language TEXT NOT NULL,
          raw_sha256 TEXT NOT NULL,
          simhash INTEGER,
          copy_of TEXT,
          story TEXT NOT NULL REFERENCES story (id),
          UNIQUE (feed, guid)
        ) STRICT;
        -- serves: the same article from another feed
        CREATE INDEX entry_url ON entry (canonical_url) WHERE canonical_url IS NOT NULL;
        -- serves: the entries of a story
        CREATE INDEX entry_story ON entry (story, first_seen);
        CREATE TABLE entry_band (
          band INTEGER NOT NULL,
          entry TEXT NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
          PRIMARY KEY (band, entry)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE entry_revision (
          entry TEXT NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
          at TEXT NOT NULL,
          title TEXT NOT NULL,
          summary TEXT NOT NULL,
          PRIMARY KEY (entry, at)
        ) STRICT;
        CREATE TABLE clusterer (
          one INTEGER PRIMARY KEY CHECK (one = 1),
          state TEXT NOT NULL
        ) STRICT;
        CREATE TABLE story_match (
          story TEXT NOT NULL REFERENCES story (id),
          issue TEXT NOT NULL,
          issue_version INTEGER NOT NULL,
          why TEXT NOT NULL,
          matched TEXT NOT NULL,
          outlets INTEGER NOT NULL,
          first_at TEXT NOT NULL,
          at TEXT NOT NULL,
          PRIMARY KEY (story, issue)
        ) STRICT;
        CREATE TABLE asked (
          one INTEGER PRIMARY KEY CHECK (one = 1),
          change INTEGER NOT NULL,
          issues TEXT NOT NULL
        ) STRICT;
        """,
    ),
    (
        "002_polling",
        """
        -- which of several processes saved the clusterer's state last
        ALTER TABLE clusterer ADD COLUMN serial INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE fetch ADD COLUMN steps TEXT NOT NULL DEFAULT '[]';
        CREATE TABLE feed_address (
          feed TEXT NOT NULL REFERENCES feed (id) ON DELETE CASCADE,
          url TEXT NOT NULL,
          until TEXT NOT NULL,
          reason TEXT NOT NULL,
          PRIMARY KEY (feed, until)
        ) STRICT;
        CREATE TABLE schedule (
          one INTEGER PRIMARY KEY CHECK (one = 1),
          basis TEXT NOT NULL,
          scale REAL NOT NULL,
          profile TEXT NOT NULL,
          fitted_at TEXT NOT NULL
        ) STRICT;
        """,
    ),
    (
        "003_alarms",
        """
        CREATE TABLE issue_entry (
          issue TEXT NOT NULL,
          entry TEXT NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
          at TEXT NOT NULL,
          PRIMARY KEY (issue, entry)
        ) STRICT, WITHOUT ROWID;
        -- serves: the entries of an issue in a window
        CREATE INDEX issue_entry_at ON issue_entry (issue, at);
        -- serves: entries that the archive no longer keeps
        CREATE INDEX issue_entry_entry ON issue_entry (entry);
        CREATE TABLE issue_usual (
          issue TEXT PRIMARY KEY,
          issue_version INTEGER NOT NULL,
          baseline TEXT NOT NULL,
          ringing_since TEXT,
          calm_since TEXT
        ) STRICT;
        CREATE TABLE alarm (
          id TEXT PRIMARY KEY,
          issue TEXT NOT NULL,
          issue_version INTEGER NOT NULL,
          rang_at TEXT NOT NULL,
          ended_at TEXT,
          told_at TEXT,
          held TEXT NOT NULL,
          why TEXT NOT NULL,
          content TEXT NOT NULL
        ) STRICT;
        -- serves: the alarms of an issue, the latest first
        CREATE INDEX alarm_issue ON alarm (issue, rang_at);
        CREATE TABLE snooze (
          id TEXT PRIMARY KEY,
          issue TEXT NOT NULL,
          since TEXT NOT NULL,
          until TEXT NOT NULL,
          by TEXT NOT NULL,
          undone_at TEXT
        ) STRICT;
        """,
    ),
)

DRAFTS: Final = (
    (
        "001_drafts",
        """
        CREATE TABLE draft (
          id TEXT PRIMARY KEY,
          story TEXT NOT NULL,
          issue TEXT NOT NULL,
          issue_version INTEGER NOT NULL,
          title TEXT NOT NULL,
          reason TEXT NOT NULL,
          risk TEXT NOT NULL,
          hold INTEGER NOT NULL,
          content TEXT NOT NULL,
          facts TEXT NOT NULL,
          raised_at TEXT NOT NULL,
          dropped_at TEXT,
          -- one draft for a story and an issue, however often a tick is killed
          UNIQUE (story, issue)
        ) STRICT;
        CREATE TABLE draft_edit (
          draft TEXT NOT NULL REFERENCES draft (id),
          number INTEGER NOT NULL,
          content TEXT NOT NULL,
          at TEXT NOT NULL,
          by TEXT NOT NULL,
          PRIMARY KEY (draft, number)
        ) STRICT;
        CREATE TABLE release (
          id TEXT PRIMARY KEY,
          draft TEXT NOT NULL REFERENCES draft (id),
          request TEXT NOT NULL UNIQUE,
          revision TEXT NOT NULL,
          material_digest TEXT NOT NULL,
          folder TEXT NOT NULL,
          pack_digest TEXT NOT NULL,
          practice INTEGER NOT NULL,
          at TEXT NOT NULL,
          by TEXT NOT NULL
        ) STRICT;
        """,
    ),
    (
        "002_draft_check",
        """
        -- what lint said about the words of an edit; number 0 is the draft as it was raised
        CREATE TABLE draft_check (
          draft TEXT NOT NULL REFERENCES draft (id),
          number INTEGER NOT NULL,
          findings TEXT NOT NULL,
          lengths TEXT NOT NULL,
          risk TEXT NOT NULL,
          at TEXT NOT NULL,
          PRIMARY KEY (draft, number)
        ) STRICT;
        """,
    ),
    (
        "003_release_plan",
        """
        CREATE TABLE release_plan (
          id TEXT PRIMARY KEY,
          request TEXT NOT NULL,
          draft TEXT NOT NULL,
          publish_at TEXT NOT NULL,
          made_at TEXT NOT NULL,
          by TEXT NOT NULL,
          auth TEXT NOT NULL,
          ended_at TEXT,
          outcome TEXT NOT NULL
        ) STRICT;
        -- serves: what is due; and a request has one open plan at most
        CREATE UNIQUE INDEX release_plan_open ON release_plan (request) WHERE ended_at IS NULL;
        """,
    ),
)
