"""SQLite, migrations, backup and restore: all of it or nothing."""

from __future__ import annotations

import multiprocessing
import threading
import time
import zipfile

import pytest

from testkit.errors import InputError, MigrationError, StoreBusyError, StoreError
from testkit.kernel import sqlite
from testkit.kernel.migrate import backup, migrate, pending, split_statements
from testkit.kernel.sqlite import Database, connect
from testkit.kernel.workspace import replace_file, restore, save, write_once

ONE = ("001_one", "CREATE TABLE one (x INTEGER) STRICT;")
TWO = ("002_two", "CREATE TABLE two (x INTEGER) STRICT; INSERT INTO two VALUES (1);")
BAD = ("003_bad", "CREATE TABLE three (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);")


def tables(path):
    return {r["name"] for r in Database(path).rows("SELECT name FROM sqlite_master")}


def test_migrations_run_once_and_in_order(tmp_path):
    path = tmp_path / "a.db"
    assert migrate(path, product="p", migrations=[ONE]) == ["001_one"]
    assert migrate(path, product="p", migrations=[ONE, TWO]) == ["002_two"]
    assert migrate(path, product="p", migrations=[ONE, TWO]) == []
    assert Database(path).rows("SELECT x FROM two") == [{"x": 1}]


def test_a_failing_migration_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "a.db"
    migrate(path, product="p", migrations=[ONE])
    before = tables(path)
    with pytest.raises(MigrationError, match="could not be upgraded"):
        migrate(path, product="p", migrations=[ONE, TWO, BAD])
    assert tables(path) == before
    assert pending(path, product="p", migrations=[ONE, TWO]) == ["002_two"]


def test_a_file_of_a_newer_version_is_not_touched(tmp_path):
    path = tmp_path / "a.db"
    migrate(path, product="p", migrations=[ONE, TWO])
    with pytest.raises(MigrationError, match="newer whistlestop"):
        migrate(path, product="p", migrations=[ONE])


def test_an_upgrade_backs_the_file_up_first(tmp_path):
    path = tmp_path / "a.db"
    migrate(path, product="p", migrations=[ONE], backup_to=tmp_path / "b.db")
    assert not (tmp_path / "b.db").exists()  # there was nothing to save
    migrate(path, product="p", migrations=[ONE, TWO], backup_to=tmp_path / "b.db")
    assert "two" not in tables(tmp_path / "b.db")
    assert "one" in tables(tmp_path / "b.db")


def test_two_products_keep_their_own_history(tmp_path):
    path = tmp_path / "a.db"
    migrate(path, product="p", migrations=[ONE])
    assert migrate(path, product="q", migrations=[TWO]) == ["002_two"]


def test_a_trigger_keeps_its_inner_statements():
    script = (
        "CREATE TABLE a (x);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;\nSELECT 2;\nEND;\n"
    )
    assert len(split_statements(script)) == 2
    with pytest.raises(MigrationError, match="semicolon"):
        split_statements("CREATE TABLE a (x)")


def _migrate_in_a_process(path, barrier, results):
    barrier.wait()
    results.append(migrate(path, product="p", migrations=[ONE, TWO]))


def test_four_processes_migrate_one_file_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        barrier, results = manager.Barrier(4), manager.list()
        workers = [
            context.Process(
                target=_migrate_in_a_process, args=(tmp_path / "a.db", barrier, results)
            )
            for _ in range(4)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        done = sorted(list(r) for r in results)
    assert done == [[], [], [], ["001_one", "002_two"]]


def test_a_write_is_all_or_nothing(tmp_path):
    path = tmp_path / "a.db"
    migrate(path, product="p", migrations=[ONE])
    database = Database(path)
    with pytest.raises(ZeroDivisionError), database.write() as conn:
        conn.execute("INSERT INTO one VALUES (1)")
        _ = 1 / 0
    assert database.rows("SELECT x FROM one") == []


def test_a_second_writer_waits_its_turn(tmp_path):
    path = tmp_path / "a.db"
    migrate(path, product="p", migrations=[ONE])
    database = Database(path)
    entered = threading.Event()

    def slow():
        with database.write() as conn:
            conn.execute("INSERT INTO one VALUES (1)")
            entered.set()
            time.sleep(0.2)

    thread = threading.Thread(target=slow)
    thread.start()
    entered.wait()
    with database.write() as conn:
        conn.execute("INSERT INTO one VALUES (2)")
    thread.join()
    assert [r["x"] for r in database.rows("SELECT x FROM one")] == [1, 2]


def test_a_lock_that_never_ends_is_told(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    migrate(path, product="p", migrations=[ONE])
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    holder = connect(path)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError, match="another process"), Database(path).write():
        pass
    holder.close()


def test_a_damaged_file_is_told(tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="damaged"):
        connect(path)


def test_a_read_only_folder_is_told(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened"):
        connect(tmp_path / "nowhere" / "a.db")


def test_a_backup_of_a_file_in_use_is_complete(tmp_path):
    path = tmp_path / "a.db"
    migrate(path, product="p", migrations=[ONE])
    with Database(path).write() as conn:
        conn.execute("INSERT INTO one VALUES (7)")
        backup(path, tmp_path / "copy.db")
    assert Database(tmp_path / "copy.db").rows("SELECT x FROM one") == []
    backup(path, tmp_path / "copy.db")
    assert Database(tmp_path / "copy.db").rows("SELECT x FROM one") == [{"x": 7}]


def test_a_workspace_comes_back_whole(shell, tmp_path):
    shell.json("example", "play", "karlan-list-2007")
    shell.ok("experiment", "lock", "karlan-list-2007")
    head = shell.json("ledger", "verify")["head"]
    shell.ok("backup", str(tmp_path / "all.zip"))
    done = shell("restore", str(tmp_path / "all.zip"), str(tmp_path / "again"), inside=False)
    assert done.code == 0, done.err
    assert head[:12] in head
    assert (tmp_path / "again" / "secrets.toml").read_bytes() == (
        shell.folder / "secrets.toml"
    ).read_bytes()
    assert (tmp_path / "again" / "secrets.toml").stat().st_mode & 0o077 == 0
    shell.folder = tmp_path / "again"
    assert shell.json("ledger", "verify")["head"] == head


def test_a_backup_never_overwrites_and_a_restore_needs_an_empty_folder(shell, tmp_path):
    target = tmp_path / "all.zip"
    shell.ok("backup", str(target))
    refused = shell("backup", str(target))
    assert (refused.code, "exists" in refused.err) == (2, True)
    refused = shell("restore", str(target), str(shell.folder), inside=False)
    assert (refused.code, "not empty" in refused.err) == (2, True)


def test_a_zip_that_is_no_backup_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../evil", "x")
    with pytest.raises(InputError, match="not a whistlestop backup"):
        restore(path, tmp_path / "new")
    assert not (tmp_path / "evil").exists()
    (tmp_path / "y.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match="cannot read"):
        restore(tmp_path / "y.zip", tmp_path / "new")


def test_write_once_never_overwrites(tmp_path):
    path = tmp_path / "a" / "b.txt"
    assert write_once(path, "one") is True
    assert write_once(path, "two") is False
    assert path.read_text() == "one"
    assert [p.name for p in path.parent.iterdir()] == ["b.txt"]


def test_replace_file_leaves_the_old_content_when_it_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        replace_file(path, "\ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_save_refuses_an_existing_file(shell, tmp_path):
    path = tmp_path / "there"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists"):
        save(None, path)  # type: ignore[arg-type] - refused before the workspace is looked at
