"""SQLite as we use it: one writer at a time, readers that never wait, errors in our words.

Theory of operation. ``pysqlite3`` bundles a SQLite whose write-ahead log is sound, so files run
in WAL mode and a reader sees the last commit while a writer works. On the standard library's
older SQLite (before 3.51.3, which can lose WAL frames on a reset race) we fall back to a rollback
journal. A write takes the lock at once (``BEGIN IMMEDIATE``): it either waits its turn or fails
before it has done anything, never half-way.
"""

from __future__ import annotations

import sqlite3 as _standard
from contextlib import contextmanager
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any, Final

from testkit.errors import StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

try:
    from pysqlite3 import dbapi2 as driver
except ImportError:  # a platform without a wheel: correct, but readers wait for writers
    driver = _standard

__all__ = ["SOUND_WAL", "Connection", "Database", "connect", "driver", "journal_mode", "wrapped"]

BUSY_SECONDS: Final = 30.0
SOUND_WAL: Final = (3, 51, 3)


def journal_mode() -> str:
    """``WAL`` where this SQLite's write-ahead log is sound, else ``DELETE``."""
    return "WAL" if driver.sqlite_version_info >= SOUND_WAL else "DELETE"


@contextmanager
def wrapped(path: Path) -> Iterator[None]:
    """Turn the driver's errors into ours, keeping the cause."""
    try:
        yield
    except (driver.Error, _standard.Error) as cause:
        text = str(cause)
        if "locked" in text or "busy" in text:
            raise StoreBusyError(
                f"{path.name} is being written by another process",
                hint="try again in a moment; nothing was changed",
            ) from cause
        if "readonly" in text or "unable to open" in text:
            raise StoreError(
                f"{path.name} cannot be opened for writing: {text}",
                hint=f"check who owns {path.parent} and whether the disk is full",
            ) from cause
        if "malformed" in text or "not a database" in text:
            raise StoreError(
                f"{path.name} is damaged: {text}",
                hint="restore the newest backup with `whistlestop restore`",
            ) from cause
        raise StoreError(f"{path.name}: {text}") from cause


def connect(path: Path, *, readonly: bool = False) -> Connection:
    """A connection with our pragmas; transactions are explicit.

    Args:
        path: The database file; made when missing, unless ``readonly``.
        readonly: Refuse every write.

    Raises:
        StoreError: The file cannot be opened or is not a database.
    """
    with wrapped(path):
        mode = "ro" if readonly else "rwc"
        conn: Connection = driver.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        conn.row_factory = driver.Row
        conn.execute("PRAGMA foreign_keys = ON")
        conn.execute("PRAGMA trusted_schema = OFF")
        if not readonly:
            current = conn.execute("PRAGMA journal_mode").fetchone()[0]
            if current.upper() != journal_mode():
                conn.execute(f"PRAGMA journal_mode = {journal_mode()}")
            # FULL: a decision that was shown must survive a power cut.
            conn.execute("PRAGMA synchronous = FULL")
        return conn


class Database:
    """One database file: short transactions, one at a time for writing.

    Args:
        path: The file.

    Connections are opened per transaction: they cost under a millisecond, and no thread or
    forked child ever inherits one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One write transaction: all of it is stored, or none.

        Raises:
            StoreBusyError: Another process kept the lock for 30 seconds.
            StoreError: SQLite refused; nothing was changed.
        """
        with self._session(readonly=False) as conn:
            with wrapped(self.path):
                conn.execute("BEGIN IMMEDIATE")
            try:
                with wrapped(self.path):
                    yield conn
                    conn.execute("COMMIT")
            except BaseException:
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One read transaction: every query in it sees the same moment."""
        with self._session(readonly=True) as conn, wrapped(self.path):
            conn.execute("BEGIN")
            try:
                yield conn
            finally:
                if conn.in_transaction:
                    conn.execute("ROLLBACK")

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """All rows of one query with named parameters, as dictionaries."""
        with self.read() as conn:
            return [dict(row) for row in conn.execute(sql, values)]

    def row(self, sql: str, **values: Any) -> dict[str, Any] | None:
        """The first row of one query, or None."""
        rows = self.rows(sql, **values)
        return rows[0] if rows else None

    @contextmanager
    def _session(self, *, readonly: bool) -> Iterator[Connection]:
        conn = connect(self.path, readonly=readonly)
        try:
            yield conn
        finally:
            conn.close()
