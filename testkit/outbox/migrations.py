"""Schema history of the outbox in ``workspace.db``. Append only."""

from __future__ import annotations

from typing import Final

__all__ = ["MIGRATIONS"]

MIGRATIONS: Final = (
    (
        "001_outbox",
        """
        CREATE TABLE outbox (
          id TEXT PRIMARY KEY,
          -- what makes it this message and no other: worked out again, it is not added again
          key TEXT NOT NULL UNIQUE,
          kind TEXT NOT NULL,
          about TEXT NOT NULL,
          stage TEXT NOT NULL,
          channel TEXT NOT NULL,
          person TEXT NOT NULL,
          address TEXT NOT NULL,
          subject TEXT NOT NULL,
          body TEXT NOT NULL,
          data TEXT NOT NULL,
          careful INTEGER NOT NULL,
          status TEXT NOT NULL CHECK (status IN
            ('queued', 'sending', 'handed', 'sent', 'failed', 'unsure', 'gave_up', 'dropped')),
          attempts INTEGER NOT NULL,
          next_at TEXT NOT NULL,
          created_at TEXT NOT NULL,
          tried_at TEXT,
          sent_at TEXT,
          problem TEXT NOT NULL
        ) STRICT;
        -- serves: what is due
        CREATE INDEX outbox_due ON outbox (next_at) WHERE status IN ('queued', 'failed');
        -- serves: what was left behind by a killed process
        CREATE INDEX outbox_open ON outbox (id) WHERE status IN ('sending', 'handed');
        -- serves: the messages about a request or a release
        CREATE INDEX outbox_about ON outbox (about, id);
        CREATE TABLE outbox_peer (
          channel TEXT PRIMARY KEY,
          failures INTEGER NOT NULL,
          since TEXT NOT NULL,
          next_at TEXT NOT NULL,
          problem TEXT NOT NULL
        ) STRICT;
        CREATE TABLE outbox_seen (
          request TEXT PRIMARY KEY,
          seq INTEGER NOT NULL,
          watched INTEGER NOT NULL
        ) STRICT;
        """,
    ),
)
"""``outbox_peer`` says which peer does not answer, ``outbox_seen`` how far events were read."""
