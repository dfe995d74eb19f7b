"""The ledger notices every change, by whoever can write the file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from testkit.errors import StoreError
from testkit.kernel import ledger
from testkit.kernel.migrate import migrate
from testkit.kernel.sqlite import Database, connect

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
ACTOR = ledger.Actor(name="sam")


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "workspace.db"
    migrate(path, product="ledger", migrations=ledger.MIGRATIONS)
    made = Database(path)
    for number in range(1, 6):
        with made.write() as conn:
            ledger.append(
                conn,
                kind="test.done",
                subject=f"thing/{number}",
                actor=ACTOR,
                payload={"number": number, "words": "é"},
                now=NOW,
            )
    return made


def codes(database, **known):
    with database.read() as conn:
        return [f.code for f in ledger.verify(conn, **known)]


def tamper(database, sql):
    """Somebody with the file and a SQLite shell: the triggers do not stop them."""
    conn = connect(database.path)
    conn.execute("DROP TRIGGER ledger_no_update")
    conn.execute("DROP TRIGGER ledger_no_delete")
    conn.execute(sql)
    conn.close()


def test_an_untouched_ledger_is_whole(database):
    assert codes(database) == []


@pytest.mark.parametrize(
    "field", ["at", "kind", "subject", "actor", "via", "auth", "payload", "prev", "hash"]
)
def test_one_changed_byte_in_any_field_is_found(database, field):
    tamper(database, f"UPDATE ledger SET {field} = {field} || '0' WHERE seq = 3")
    assert codes(database)


def test_a_payload_changed_to_other_json_is_found(database):
    tamper(database, "UPDATE ledger SET payload = '{\"number\":4}' WHERE seq = 3")
    assert codes(database) == ["LG001"]


def test_a_removed_row_is_found(database):
    tamper(database, "DELETE FROM ledger WHERE seq = 3")
    assert codes(database) == ["LG002"]


def test_a_removed_tail_is_found(database):
    tamper(database, "DELETE FROM ledger WHERE seq > 3")
    assert codes(database) == ["LG003"]


def test_a_rewritten_ledger_is_found_by_whoever_kept_a_head(database):
    with database.read() as conn:
        _, head = ledger.head(conn)
    assert codes(database, known_head=head) == []
    assert codes(database, known_head="f" * 64) == ["LG004"]


def test_rows_cannot_be_changed_or_removed_by_mistake(database):
    for sql in ("UPDATE ledger SET actor = 'kim'", "DELETE FROM ledger"):
        with pytest.raises(StoreError, match="append-only"), database.write() as conn:
            conn.execute(sql)


def test_a_row_outside_of_a_transaction_is_refused(database):
    conn = connect(database.path)
    with pytest.raises(StoreError, match="transaction"):
        ledger.append(conn, kind="x", subject="y", actor=ACTOR, payload={}, now=NOW)
    conn.close()


def test_a_failed_transaction_leaves_no_row(database):
    with pytest.raises(RuntimeError, match="boom"), database.write() as conn:
        ledger.append(conn, kind="x", subject="y", actor=ACTOR, payload={}, now=NOW)
        raise RuntimeError("boom")
    with database.read() as conn:
        assert ledger.head(conn)[0] == 5
    assert codes(database) == []


def test_history_of_one_subject_is_in_order(database):
    with database.write() as conn:
        ledger.append(conn, kind="again", subject="thing/2", actor=ACTOR, payload={}, now=NOW)
    with database.read() as conn:
        rows = ledger.history(conn, subject="thing/2")
    assert [row.kind for row in rows] == ["test.done", "again"]
