"""Schema history of ``testkit`` in ``workspace.db``. Append only."""

from __future__ import annotations

from typing import Final

__all__ = ["MIGRATIONS"]

MIGRATIONS: Final = (
    (
        "001_experiments",
        """
        CREATE TABLE plan (
          experiment TEXT NOT NULL,
          version INTEGER NOT NULL,
          definition TEXT NOT NULL,
          definition_digest TEXT NOT NULL,
          plan TEXT NOT NULL,
          digest TEXT NOT NULL,
          locked_at TEXT NOT NULL,
          locked_by TEXT NOT NULL,
          voided_at TEXT,
          void_reason TEXT,
          PRIMARY KEY (experiment, version)
        ) STRICT;
        CREATE TABLE assignment (
          id TEXT PRIMARY KEY,
          experiment TEXT NOT NULL,
          plan_version INTEGER NOT NULL,
          first_wave INTEGER NOT NULL,
          source_name TEXT NOT NULL,
          source_sha256 TEXT NOT NULL,
          data_sha256 TEXT NOT NULL,
          rows INTEGER NOT NULL,
          counts TEXT NOT NULL,
          columns TEXT NOT NULL,
          at TEXT NOT NULL,
          voided_at TEXT
        ) STRICT;
        -- serves: the same list is not assigned twice to a live plan
        CREATE UNIQUE INDEX assignment_source
          ON assignment (experiment, plan_version, source_sha256) WHERE voided_at IS NULL;
        CREATE TABLE sending (
          experiment TEXT NOT NULL,
          plan_version INTEGER NOT NULL,
          wave INTEGER NOT NULL,
          sent_at TEXT NOT NULL,
          recorded_at TEXT NOT NULL,
          recorded_by TEXT NOT NULL,
          PRIMARY KEY (experiment, plan_version, wave)
        ) STRICT;
        CREATE TABLE batch (
          id TEXT PRIMARY KEY,
          experiment TEXT NOT NULL,
          plan_version INTEGER NOT NULL,
          kind TEXT NOT NULL CHECK (kind IN ('units', 'counts')),
          source_name TEXT NOT NULL,
          source_sha256 TEXT NOT NULL,
          data_sha256 TEXT NOT NULL,
          rows INTEGER NOT NULL,
          summary TEXT NOT NULL,
          at TEXT NOT NULL,
          added_by TEXT NOT NULL,
          retracted_at TEXT,
          retracted_by TEXT,
          retract_reason TEXT
        ) STRICT;
        -- serves: the same file twice is refused kindly; a retracted one may come again
        CREATE UNIQUE INDEX batch_source ON batch (experiment, plan_version, source_sha256)
          WHERE retracted_at IS NULL;
        CREATE TABLE look (
          id TEXT PRIMARY KEY,
          experiment TEXT NOT NULL,
          plan_version INTEGER NOT NULL,
          number INTEGER NOT NULL,
          at TEXT NOT NULL,
          data_digest TEXT NOT NULL,
          figures TEXT NOT NULL,
          by TEXT NOT NULL
        ) STRICT;
        -- serves: the same data are the same look, whoever asks first
        CREATE UNIQUE INDEX look_number ON look (experiment, plan_version, number);
        CREATE TABLE decision (
          id TEXT PRIMARY KEY,
          experiment TEXT NOT NULL,
          plan_version INTEGER NOT NULL,
          number INTEGER NOT NULL,
          look_id TEXT NOT NULL,
          at TEXT NOT NULL,
          by TEXT NOT NULL,
          decision TEXT NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX decision_number ON decision (experiment, plan_version, number);
        """,
    ),
    (
        "002_amendments",
        """
        CREATE TABLE amendment (
          id TEXT PRIMARY KEY,
          experiment TEXT NOT NULL,
          plan_version INTEGER NOT NULL,
          number INTEGER NOT NULL,
          plan TEXT NOT NULL,
          definition TEXT NOT NULL,
          definition_digest TEXT NOT NULL,
          digest TEXT NOT NULL,
          changes TEXT NOT NULL,
          reason TEXT NOT NULL,
          at TEXT NOT NULL,
          by TEXT NOT NULL,
          FOREIGN KEY (experiment, plan_version) REFERENCES plan (experiment, version)
        ) STRICT;
        CREATE UNIQUE INDEX amendment_number ON amendment (experiment, plan_version, number);
        """,
    ),
    (
        "003_handed_ids",
        """
        -- what somebody named as an id of people when a list was handed to a tool
        CREATE TABLE handed_id (
          experiment TEXT NOT NULL,
          plan_version INTEGER NOT NULL,
          kind TEXT NOT NULL,
          list_column TEXT NOT NULL,
          at TEXT NOT NULL,
          PRIMARY KEY (experiment, plan_version, kind, list_column),
          FOREIGN KEY (experiment, plan_version) REFERENCES plan (experiment, version)
        ) STRICT, WITHOUT ROWID;
        """,
    ),
)
