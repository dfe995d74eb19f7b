"""Bring a database up to date: numbered, append-only, under one write lock, backed up first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from testkit.errors import MigrationError
from testkit.kernel.sqlite import connect, driver, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from testkit.kernel.sqlite import Connection

__all__ = ["Migration", "backup", "migrate", "pending"]

Migration = tuple[str, str]
"""A name such as ``001_ledger`` and the SQL text that it runs, statements ended by ``;``."""

_TABLE: Final = "_sqlite_migrations"


def _applied(conn: Connection, product: str) -> list[str]:
    found = conn.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name", {"name": _TABLE}
    ).fetchone()
    if not found:
        return []
    rows = conn.execute(
        f"SELECT name FROM {_TABLE} WHERE migration_set = :product ORDER BY id",  # noqa: S608 - constant
        {"product": product},
    )
    return [row["name"] for row in rows]


def pending(path: Path, *, product: str, migrations: Sequence[Migration]) -> list[str]:
    """Names of the migrations that this file still lacks.

    Args:
        path: The database file; a missing one lacks them all.
        product: Name of the migration set.
        migrations: All migrations of the product, oldest first.

    Raises:
        MigrationError: The file holds migrations that this version does not know.
    """
    if not path.exists():
        return [name for name, _ in migrations]
    conn = connect(path, readonly=True)
    try:
        with wrapped(path):
            applied = _applied(conn, product)
    finally:
        conn.close()
    known = [name for name, _ in migrations]
    newer = [name for name in applied if name not in known]
    if newer:
        raise MigrationError(
            f"{path.name} was written by a newer whistlestop (it has {newer[-1]})",
            hint="upgrade whistlestop, then try again; the file was not touched",
        )
    return [name for name in known if name not in applied]


def migrate(
    path: Path, *, product: str, migrations: Sequence[Migration], backup_to: Path | None = None
) -> list[str]:
    """Apply what is missing, all of it or nothing.

    Args:
        path: The database file; made when missing.
        product: Name of the migration set.
        migrations: All migrations of the product, oldest first.
        backup_to: Where to copy the file first when it already holds data.

    Returns:
        Names of the migrations that were applied.

    Raises:
        MigrationError: One failed; the file is as it was.
    """
    missing = pending(path, product=product, migrations=migrations)
    if not missing:
        return []
    if backup_to is not None and path.exists() and path.stat().st_size:
        backup(path, backup_to)
    # Imported here: sqlite-utils costs half a second, and most runs have nothing to migrate.
    import sqlite_utils

    conn = connect(path)
    try:
        db = sqlite_utils.Database(conn, execute_plugins=False)
        plan = sqlite_utils.Migrations(product)
        for name, sql in migrations:
            plan(name=name)(_runner(sql))
        conn.execute("BEGIN IMMEDIATE")
        try:
            # Asked again under the lock: another process may have been faster.
            before = _applied(conn, product)
            plan.apply(db)
            conn.execute("COMMIT")
        except BaseException:
            if conn.in_transaction:
                conn.execute("ROLLBACK")
            raise
        return [name for name, _ in migrations if name not in before]
    except driver.Error as cause:
        raise MigrationError(
            f"{path.name} could not be upgraded: {cause}",
            hint="the file is as it was; please report this",
        ) from cause
    finally:
        conn.close()


def backup(path: Path, target: Path) -> None:
    """Copy a live database to a new file that is complete the moment it has its name.

    Args:
        path: A database that may be in use.
        target: The copy; an existing file of that name is replaced.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    source = connect(path, readonly=True)
    try:
        with wrapped(path):
            copy = driver.connect(str(partial))
            try:
                source.backup(copy)
                # One file that opens anywhere, without -wal and -shm beside it.
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
    finally:
        source.close()
    partial.replace(target)


def _runner(sql: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - sqlite-utils' callback type
    def apply(db):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        for statement in split_statements(sql):
            db.conn.execute(statement)

    return apply


def split_statements(sql: str) -> list[str]:
    """The statements of a script; a trigger's inner semicolons stay inside it."""
    statements, buffer = [], ""
    for piece in re.split(r"(?<=;)", sql):
        buffer += piece
        if driver.complete_statement(buffer):
            statements.append(buffer.strip())
            buffer = ""
    if buffer.strip():
        raise MigrationError(f"a statement without its semicolon: {buffer.strip()[:60]}")
    return statements
