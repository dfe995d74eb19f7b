"""Plumbing without business: clock, ids, digests, SQLite, migrations, ledger, workspace, people."""
