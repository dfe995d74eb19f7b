"""Schema history of sign-off in ``workspace.db``. Append only."""

from __future__ import annotations

from typing import Final

__all__ = ["MIGRATIONS"]

MIGRATIONS: Final = (
    (
        "001_signoff",
        """
        CREATE TABLE request (
          id TEXT PRIMARY KEY,
          subject TEXT NOT NULL,
          title TEXT NOT NULL,
          chain TEXT NOT NULL,
          chain_version INTEGER NOT NULL,
          open INTEGER NOT NULL DEFAULT 1,
          created_at TEXT NOT NULL
        ) STRICT;
        -- serves: the inbox and the clocks read open requests only
        CREATE INDEX request_open ON request (id) WHERE open = 1;
        -- serves: the request of a draft
        CREATE INDEX request_subject ON request (subject, id);
        CREATE TABLE revision (
          id TEXT PRIMARY KEY,
          request TEXT NOT NULL REFERENCES request (id),
          number INTEGER NOT NULL,
          fields TEXT NOT NULL,
          digest TEXT NOT NULL,
          material_digest TEXT NOT NULL,
          at TEXT NOT NULL,
          by TEXT NOT NULL,
          UNIQUE (request, number)
        ) STRICT;
        CREATE TABLE request_event (
          request TEXT NOT NULL REFERENCES request (id),
          seq INTEGER NOT NULL,
          kind TEXT NOT NULL,
          at TEXT NOT NULL,
          event TEXT NOT NULL,
          PRIMARY KEY (request, seq)
        ) STRICT;
        CREATE TRIGGER revision_no_update BEFORE UPDATE ON revision
        BEGIN SELECT RAISE(ABORT, 'a revision never changes'); END;
        CREATE TRIGGER request_event_no_update BEFORE UPDATE ON request_event
        BEGIN SELECT RAISE(ABORT, 'an event never changes'); END;
        """,
    ),
    (
        "002_declaration",
        """
        -- What people say of themselves: away, or who stands in for them.
        CREATE TABLE declaration (
          id TEXT PRIMARY KEY,
          kind TEXT NOT NULL CHECK (kind IN ('away', 'delegation')),
          person TEXT NOT NULL,
          delegate TEXT NOT NULL,
          roles TEXT NOT NULL,
          starts TEXT NOT NULL,
          ends TEXT NOT NULL,
          made_at TEXT NOT NULL,
          ended_at TEXT
        ) STRICT;
        -- serves: who is away and who stands in, at every decision
        CREATE INDEX declaration_open ON declaration (ends) WHERE ended_at IS NULL;
        """,
    ),
)
"""``revision`` and ``request_event`` hold the words; the ledger holds their digests."""
