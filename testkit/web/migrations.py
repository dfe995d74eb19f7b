"""Schema history of the web shell in ``workspace.db``. Append only."""

from __future__ import annotations

from typing import Final

__all__ = ["MIGRATIONS"]

MIGRATIONS: Final = (
    (
        "001_web",
        """
        CREATE TABLE web_link (
          id TEXT PRIMARY KEY,
          nonce_hash TEXT NOT NULL UNIQUE,
          kind TEXT NOT NULL CHECK (kind IN ('signin', 'decide')),
          person TEXT NOT NULL,
          revision TEXT NOT NULL,
          stage TEXT NOT NULL,
          made_at TEXT NOT NULL,
          made_by TEXT NOT NULL,
          expires_at TEXT NOT NULL,
          -- claimed before the decision is written, settled after it: a crash between the two
          -- neither burns the link nor lets a replay decide again
          used_at TEXT,
          used_for TEXT,
          settled_at TEXT,
          revoked_at TEXT
        ) STRICT;
        -- serves: revoking the open links of a person
        CREATE INDEX web_link_person ON web_link (person) WHERE used_at IS NULL;
        CREATE TABLE web_session (
          id TEXT PRIMARY KEY,
          token_hash TEXT NOT NULL UNIQUE,
          person TEXT NOT NULL,
          link TEXT NOT NULL REFERENCES web_link (id),
          made_at TEXT NOT NULL,
          expires_at TEXT NOT NULL,
          revoked_at TEXT
        ) STRICT;
        -- serves: listing and revoking the sessions of a person
        CREATE INDEX web_session_person ON web_session (person, made_at);
        """,
    ),
    (
        "002_unsettled",
        """
        DROP INDEX web_link_person;
        -- serves: revoking the links of a person that could still sign in or decide
        CREATE INDEX web_link_unsettled ON web_link (person) WHERE settled_at IS NULL;
        """,
    ),
)
"""Tokens are never stored: only SHA-256 of 256 random bits, which cannot be guessed back."""
