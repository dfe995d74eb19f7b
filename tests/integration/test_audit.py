"""Whoever changes a recorded row with another program is found, whichever column it was.

One workspace is played to a decision and to a release; each test changes a copy of it as somebody
with sqlite3 would.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import cli
from responders.demo import serve
from testkit.kernel import audit, ledger
from testkit.kernel.console import App
from testkit.kernel.migrate import migrate
from testkit.kernel.sqlite import connect

pytestmark = pytest.mark.faults

TABLES = {
    "plan": "experiment/",
    "assignment": "experiment/",
    "sending": "experiment/",
    "batch": "experiment/",
    "look": "experiment/",
    "decision": "experiment/",
    "identity_file": "crosswalk/",
    "proposal": "",
    "request": "request/",
    "revision": "request/",
    "request_event": "request/",
    "draft": "draft/",
    "draft_edit": "draft/",
    "release": "draft/",
}

DEFINITION = """\
experiment: {name}
title: Does a match bring more gifts?
hypothesis: People like to see their gift doubled.
what_will_change: The next appeal names a match.
owner: sam
list: {{size: 4000, test: 4000}}
arms:
  - {{name: control, control: true, text: Please give.}}
  - {{name: match, text: "Give, and it is doubled."}}
metrics:
  - {{name: gave, tier: organising, base_rate: 0.1, mde: 0.04, window_hours: 72}}
design: {{waves: 4}}
if_inconclusive: control
"""


class Played:
    """Commands in a workspace, outside of any one test's capture."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.moment = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)

    def run(self, *words: str, person: str = "sam", settings: tuple[str, ...] = ()):
        app = App(
            schemas=cli.schemas,
            kinds=cli.kinds,
            starter=cli.starter,
            auditors=cli.auditors,
            clock=lambda: self.moment,
        )
        inside = ["-C", str(self.folder)] if self.folder.exists() else []
        told, talk = io.StringIO(), io.StringIO()
        more = [word for setting in settings for word in ("--set", setting)]
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(talk):
            code = cli.run([*inside, "--as", person, *more, *words, "--json"], obj=app)
        return code, told.getvalue() or talk.getvalue()

    def ok(self, *words: str, **how):
        code, told = self.run(*words, **how)
        assert code == 0, told
        return json.loads(told)


def write_definition(played: Played, name: str) -> None:
    path = played.folder / "experiments" / name / "experiment.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(DEFINITION.format(name=name), encoding="utf-8")


def write_results(played: Played, wave: int, *, every: int) -> str:
    lists = played.folder / "experiments" / "spring" / "lists"
    lines = ["supporter_id,gave"]
    for path in sorted(lists.glob(f"wave-{wave:02d}-*.csv")):
        ids = [row.split(",")[0] for row in path.read_text("utf-8").splitlines()[1:]]
        lines += [f"{unit},{int(i % every == 0)}" for i, unit in enumerate(ids)]
    out = played.folder / f"results-{wave}-{every}.csv"
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(out)


def play_experiment(played: Played) -> None:
    people = played.folder / "list.csv"
    rows = "".join(f"S{i:05d}\n" for i in range(4000))
    people.write_text("supporter_id\n" + rows, encoding="utf-8")
    for name in ("voided", "spring"):
        write_definition(played, name)
        played.ok("experiment", "lock", name)
        played.ok("experiment", "assign", name, str(people))
    played.ok("experiment", "void", "voided", "--reason", "a typo in the subject line")
    sent = played.moment
    played.ok("experiment", "sent", "spring", "--wave", "1", "--at", (sent - HOUR).isoformat())
    played.ok("experiment", "sent", "spring", "--wave", "1", "--at", sent.isoformat())
    played.moment += 73 * HOUR
    wrong = played.ok("experiment", "intake", "spring", write_results(played, 1, every=7))
    played.ok("experiment", "retract", "spring", wrong["batch"], "--reason", "wrong export")
    played.ok("experiment", "intake", "spring", write_results(played, 1, every=8))
    played.ok("experiment", "look", "spring")
    second = write_results(played, 2, every=9)
    played.ok("experiment", "intake", "spring", second, "--sent-at", sent.isoformat())
    played.ok("experiment", "look", "spring")
    played.ok("experiment", "decide", "spring", "--stop", "the campaign ended")


def play_crosswalk(played: Played) -> None:
    """Two files that count, one that was taken back, and a row that would merge two people."""
    texts = {
        "crm.csv": "Email,Cell\na@example.org,2125550101\nb@example.org,2125550102\n",
        "old.csv": "Email,VANID\nz@example.org,900\n",
        "gala.csv": "Email,VANID\na@example.org,101\n",
        "mixed.csv": "Email,Cell\na@example.org,2125550102\n",
    }
    files = {}
    for name, text in texts.items():
        (played.folder / name).write_text(text, encoding="utf-8")
        files[name] = played.ok("crosswalk", "add", str(played.folder / name))["file"]
    played.ok("crosswalk", "forget", files["old.csv"])


def play_response(played: Played) -> None:
    hosts = ("polling.allow_hosts=[127.0.0.1]",)
    with serve("first-light", now=played.moment) as addresses:
        played.ok("feed", "add", *addresses, settings=hosts)
        draft = played.ok("tick", settings=hosts)["drafts"][0]["draft"]
    sms = ("draft", "edit", draft, "--channel", "sms", "--variant", "a", "--body")
    played.ok("draft", "drop", draft)
    played.ok("draft", "keep", draft)
    played.ok(*sms, "Stand with them tonight. Reply STOP to end")
    played.ok("draft", "submit", draft, "--no-candidate")
    edited = played.ok(*sms, "Stand with them tonight at six. Reply STOP to end")
    for person in ("kim", "rosa"):
        played.ok("signoff", "approve", edited["revision"], person=person)
    played.ok("release", draft)


HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    played = Played(tmp_path_factory.mktemp("audit") / "ws")
    played.ok("init", str(played.folder))
    play_experiment(played)
    play_crosswalk(played)
    play_response(played)
    # One file to copy: what the write-ahead log still holds goes into the database.
    conn = connect(played.folder / "workspace.db")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    return played


@pytest.fixture
def copy(original, tmp_path):
    """The workspace's database and data files in a folder of their own."""
    shutil.copy(original.folder / "workspace.db", tmp_path)
    shutil.copytree(original.folder / "data", tmp_path / "data")
    return tmp_path


def tamper(folder: Path, sql: str, *values: object) -> None:
    """What somebody with sqlite3 does; triggers do not stop them."""
    with contextlib.closing(connect(folder / "workspace.db")) as conn:
        conn.execute("PRAGMA foreign_keys = OFF")
        triggers = conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for row in triggers:
            conn.execute(f"DROP TRIGGER {row['name']}")
        assert conn.execute(sql, values).rowcount == 1


def findings(folder: Path, *, hashing: bool = True):
    with contextlib.closing(connect(folder / "workspace.db")) as conn:
        assert ledger.verify(conn) == []  # the chain itself is whole in every one of these tests
        return audit.run(conn, cli.auditors(), data=folder / "data", hashing=hashing)


def one(folder: Path, query: str) -> dict[str, object]:
    with contextlib.closing(connect(folder / "workspace.db")) as conn:
        return dict(conn.execute(query).fetchone())


def columns() -> list[tuple[str, str, bool]]:
    """Every column of every recorded table as the migrations make it, and whether it is key."""
    import tempfile

    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        for schema in cli.schemas():
            if schema.file == "workspace":
                migrate(path, product=schema.product, migrations=schema.migrations)
        with contextlib.closing(sqlite3.connect(path)) as conn:
            for table in TABLES:
                info = conn.execute(f"PRAGMA table_info({table})")
                found += [(table, row[1], bool(row[5])) for row in info]
    return found


COLUMNS = columns()


def test_a_workspace_that_nobody_touched_is_whole(original):
    assert original.ok("ledger", "verify")["findings"] == []
    told = original.run("doctor")[1]
    assert "LG0" not in told


@pytest.mark.parametrize("table", TABLES)
def test_the_story_has_a_row_in_every_recorded_table(original, table):
    assert one(original.folder, f"SELECT count(*) AS n FROM {table}")["n"] > 0


@pytest.mark.parametrize(
    ("table", "column"), [(t, c) for t, c, is_key in COLUMNS if not is_key], ids=str
)
def test_a_changed_column_differs_from_its_record(copy, table, column):
    row = one(copy, f"SELECT rowid AS row_number, * FROM {table} ORDER BY rowid DESC")
    new: object = "2026-11-02T15:00:00.000000Z"
    if isinstance(row[column], int):
        new = 1 - row[column] if row[column] in {0, 1} else row[column] + 1
    elif row[column] == "adopted":
        new = "waiting"
    elif row[column] in {"units", "counts"}:
        new = "counts" if row[column] == "units" else "units"
    elif isinstance(row[column], str) and row[column].startswith("{"):
        new = row[column].replace("a", "b", 1)  # one letter
    tamper(copy, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", new, row["row_number"])
    (found,) = findings(copy)
    assert found.code == "LG005"
    assert found.where.startswith(subject_of(table, row))
    assert f", {table} " in found.where


def subject_of(table: str, row: dict[str, object]) -> str:
    """What the ledger calls a row's thing, by the words of the documentation."""
    names = {
        "proposal": lambda: f"{row['kind']}/{row['name']}",
        "request": lambda: f"request/{row['id']}",
        "draft": lambda: f"draft/{row['id']}",
        "identity_file": lambda: f"crosswalk/{row['id']}",
    }
    if table in names:
        return names[table]()
    column = TABLES[table].rstrip("/")
    # A changed reference still tells the thing that the record is about.
    return f"{column}/{row[column]}"


@pytest.mark.parametrize(
    ("table", "column"), [(t, c) for t, c, is_key in COLUMNS if is_key], ids=str
)
def test_a_renamed_row_is_one_added_and_one_gone(copy, table, column):
    row = one(copy, f"SELECT rowid AS row_number, * FROM {table} ORDER BY rowid DESC")
    new = row[column] + 77 if isinstance(row[column], int) else f"{row[column]}x"
    tamper(copy, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", new, row["row_number"])
    assert sorted(f.code for f in findings(copy)) == ["LG006", "LG007"]


@pytest.mark.parametrize("table", TABLES)
def test_a_removed_row_is_missed(copy, table):
    row = one(copy, f"SELECT rowid AS row_number, * FROM {table} ORDER BY rowid DESC")
    tamper(copy, f"DELETE FROM {table} WHERE rowid = ?", row["row_number"])
    (found,) = findings(copy)
    assert (found.code, found.where.split(",")[0]) == ("LG007", subject_of(table, row))


@pytest.mark.parametrize("table", TABLES)
def test_an_added_row_has_no_record(copy, table):
    row = one(copy, f"SELECT * FROM {table} ORDER BY rowid DESC")
    unique = {"assignment": ["source_sha256"], "batch": ["source_sha256"], "look": ["number"],
              "decision": ["number"], "identity_file": ["source_sha256"], "draft": ["story"],
              "release": ["request"], "revision": ["number"]}  # fmt: skip
    for name in [c for t, c, is_key in COLUMNS if t == table and is_key] + unique.get(table, []):
        row[name] = row[name] + 77 if isinstance(row[name], int) else f"{row[name]}x"
    marks = ", ".join("?" * len(row))
    tamper(copy, f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())
    (found,) = findings(copy)
    assert found.code == "LG006"
    assert found.where.startswith(subject_of(table, row))


@pytest.mark.parametrize(
    ("table", "change", "named"),
    [
        ("decision", "decision = replace(decision, 'control', 'match')", "decision"),
        ("look", "figures = replace(figures, '0.', '1.')", "figures"),
        ("sending", "sent_at = '2026-11-01T00:00:00.000000Z'", "sent_at"),
        ("batch", "data_sha256 = '00'", "data_sha256"),
        ("draft_edit", "content = replace(content, 'tonight', 'today')", "content"),
        ("release", "practice = 0", "practice"),
        ("proposal", "text = text || ' '", "text"),
    ],
)
def test_the_finding_names_the_column(copy, table, change, named):
    last = f"(SELECT max(rowid) FROM {table})"
    tamper(copy, f"UPDATE {table} SET {change} WHERE rowid = {last}")
    (found,) = findings(copy)
    assert found.message.startswith(f"{named} differs")


def test_a_batch_that_was_taken_back_cannot_be_made_to_count_again(copy):
    tamper(
        copy,
        "UPDATE batch SET retracted_at = NULL, retracted_by = NULL, retract_reason = NULL"
        " WHERE retracted_at IS NOT NULL",
    )
    (found,) = findings(copy)
    assert found.code == "LG005"
    assert "retracted_at and retracted_by and retract_reason" in found.message


def test_a_voided_plan_cannot_be_made_to_count_again(copy):
    tamper(copy, "UPDATE plan SET voided_at = NULL WHERE experiment = 'voided'")
    tamper(copy, "UPDATE assignment SET voided_at = NULL WHERE experiment = 'voided'")
    assert [(f.code, f.where.split(",")[0]) for f in findings(copy)] == [
        ("LG005", "experiment/voided")
    ] * 2


ONE_ID = "(SELECT hmac FROM identity ORDER BY kind, hmac LIMIT 1)"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (f"UPDATE identity SET person_id = 'person_x' WHERE hmac = {ONE_ID}", "LG005"),
        (f"UPDATE identity SET kind = 'vanid' WHERE hmac = {ONE_ID}", "LG005"),
        (f"UPDATE identity SET hmac = 'ff' WHERE hmac = {ONE_ID}", "LG005"),
        (f"UPDATE identity SET added_at = '2026-01-01' WHERE hmac = {ONE_ID}", "LG005"),
        (f"DELETE FROM identity WHERE hmac = {ONE_ID}", "LG007"),
        ("INSERT INTO identity SELECT 'email', 'ff', 'p', '', file_id FROM identity LIMIT 1",
         "LG006"),
        ("INSERT INTO identity VALUES ('email', 'ff', 'person_x', '2026-01-01', NULL)", "LG006"),
        ("UPDATE identity_conflict SET rows = rows + 1", "LG005"),
        ("UPDATE identity_conflict SET people = 'person_x person_y'", "LG005"),
        ("DELETE FROM identity_conflict", "LG005"),
    ],
)  # fmt: skip
def test_an_id_that_was_given_to_another_person_is_found(copy, sql, code):
    tamper(copy, sql)
    (found,) = findings(copy)
    assert (found.code, found.where.split(",")[0].split("/")[0]) == (code, "crosswalk")


def test_an_id_that_was_moved_to_another_file_is_gone_from_one_and_new_in_the_other(copy):
    other = one(copy, "SELECT file_id FROM identity ORDER BY file_id DESC")["file_id"]
    mine = one(copy, f"SELECT file_id FROM identity WHERE hmac = {ONE_ID}")["file_id"]
    if other == mine:
        other = one(copy, "SELECT file_id FROM identity ORDER BY file_id")["file_id"]
    tamper(copy, f"UPDATE identity SET file_id = ? WHERE hmac = {ONE_ID}", other)
    assert sorted(f.code for f in findings(copy)) == ["LG006", "LG007"]


def test_doctor_counts_the_ids_of_a_file_and_leaves_their_digest_to_verify(copy):
    tamper(copy, f"UPDATE identity SET person_id = 'person_x' WHERE hmac = {ONE_ID}")
    assert findings(copy, hashing=False) == []
    tamper(copy, f"DELETE FROM identity WHERE hmac = {ONE_ID}")
    assert [f.code for f in findings(copy, hashing=False)] == ["LG007"]


@pytest.mark.parametrize("folder", ["assignments", "results"])
def test_one_flipped_byte_in_a_data_file_is_found_when_it_is_read(copy, folder):
    path = min((copy / "data" / folder).iterdir())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    (found,) = findings(copy)
    assert found.code == "LG008"
    assert found.where.endswith(f"data/{folder}/{path.name}")
    assert findings(copy, hashing=False) == []  # doctor asks only whether it is there


@pytest.mark.parametrize("folder", ["assignments", "results"])
@pytest.mark.parametrize("hashing", [False, True])
def test_a_data_file_that_is_gone_is_missed(copy, folder, hashing):
    path = min((copy / "data" / folder).iterdir())
    path.unlink()
    (found,) = findings(copy, hashing=hashing)
    assert found.code == "LG008"
    assert re.match(rf"experiment/\w+, data/{folder}/{path.name}$", found.where)


def test_a_ledger_row_that_was_changed_records_nothing(copy):
    """LG001 tells of the ledger row; what it would have recorded has no record any more."""
    tamper(copy, "UPDATE ledger SET payload = '{}' WHERE kind = 'experiment.decided'")
    with contextlib.closing(connect(copy / "workspace.db")) as conn:
        assert "LG001" in {f.code for f in ledger.verify(conn)}
        found = audit.run(conn, cli.auditors(), data=copy / "data")
    assert [(f.code, f.where.split(",")[0]) for f in found] == [("LG006", "experiment/spring")]


def test_verify_doctor_and_restore_say_so(original, tmp_path):
    folder = tmp_path / "ws"
    shutil.copytree(original.folder, folder)
    tamper(folder, "UPDATE decision SET decision = replace(decision, 'control', 'match')")
    played = Played(folder)
    for command in (("ledger", "verify"), ("doctor",)):
        code, told = played.run(*command)
        assert (code, "LG005" in told) == (1, True)
    played.ok("backup", str(tmp_path / "saved.zip"))
    code, told = played.run("restore", str(tmp_path / "saved.zip"), str(tmp_path / "again"))
    assert code != 0
    assert "LG005" in told
