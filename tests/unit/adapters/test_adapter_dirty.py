"""Dirty files: what a spreadsheet, a browser or an enemy leaves in a CSV, a JSON or a mapping."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.adapters.mapping import guess, read_mapping
from testkit.adapters.model import Options
from testkit.adapters.parsons import to_table
from testkit.adapters.prepared import Deed, counts_file, id_columns, units_file
from testkit.adapters.reading import read
from testkit.adapters.registry import sniff
from testkit.engines.sources import open_csv, session, write_csv
from testkit.errors import DataError, DefinitionError, InputError, KitError, StateError

MAPPING = """
mapping: our-crm
id_kind: email
metric: gave
columns:
  unit: E-Mail
  metric: Spende
  amount: Betrag
  arm: Gruppe
  at: Datum
arms: {A: control, B: match}
"""


@pytest.fixture(scope="module")
def connection():
    with session() as opened:
        yield opened


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "our-crm.yaml"
    path.write_text(MAPPING)
    return read_mapping(path)


def taken(connection, path, mapping, **options):
    said = mapping.options(Options(**options))
    reading = read(connection, path, adapter=mapping.adapter(), options=said)
    rows = connection.execute(
        f"SELECT id, arm, value, amount_cents, done_at::VARCHAR FROM {reading.events} ORDER BY n"
    ).fetchall()
    return reading, rows


def dirty(encoding, newline="\r\n"):
    lines = [
        "sep=;", "", "E-Mail;Gruppe;Spende;Betrag;Datum;Notiz;Notiz",
        'Ana@Example.org;A;ja;"1.751,50 €";02.03.2026;"zwei', 'Zeilen";x', "",
        " ben@example.org ;B;nein;;;=cmd|' /C calc'!A0;", ";;;;;;",
        "Müller@example.org;B;JA;1,5;2026-03-02 10:00;;", "Summe;;2;1.753,00;;;",
    ]  # fmt: skip
    return newline.join(lines).encode(encoding)


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", None), ("cp1252", "cp1252")],
)
@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_a_german_spreadsheet_export_reads_the_same_in_every_encoding(
    encoding, told, newline, tmp_path, connection, mapping
):
    path = tmp_path / "spenden.csv"
    path.write_bytes(dirty(encoding, newline))
    reading, rows = taken(
        connection, path, mapping, encoding=told, decimal=",", zone="Europe/Berlin"
    )
    assert rows == [
        ("ana@example.org", "control", 1.0, 175150, "2026-03-02 00:00:00+01"),
        ("ben@example.org", "match", 0.0, None, None),
        ("müller@example.org", "match", 1.0, 150, "2026-03-02 10:00:00+01"),
    ]
    assert {(d.why, d.count) for d in reading.dropped} == {
        ("empty lines", 1),
        ("rows of totals", 1),
    }


def test_text_in_another_encoding_is_refused_with_the_line_and_the_way_out(tmp_path):
    path = tmp_path / "old.csv"
    path.write_bytes("a,b\n1,2\nMüller,3\n".encode("cp1252"))
    with pytest.raises(InputError, match="line 3 is not UTF-8") as caught:
        sniff(path)
    assert "--encoding cp1252" in caught.value.hint


def test_decimal_commas_without_a_word_are_refused_with_every_row(tmp_path, connection, mapping):
    path = tmp_path / "spenden.csv"
    path.write_bytes(dirty("utf-8"))
    with pytest.raises(DataError) as caught:
        taken(connection, path, mapping, zone="Europe/Berlin")
    assert caught.value.count == 2
    assert caught.value.rows[0].startswith("row 1: '1.751,50 €'")
    assert "--decimal ','" in caught.value.rows[1]


def test_bad_rows_are_named_up_to_twenty_and_counted_and_nothing_is_kept(
    tmp_path, connection, mapping
):
    path = tmp_path / "bad.csv"
    body = "".join(f"p{i}@example.org,A,maybe,,\n" for i in range(37))
    path.write_text(
        f"E-Mail,Gruppe,Spende,Betrag,Datum\nok@example.org,A,1,,\n{body}nobody,A,1,,\n"
    )
    before = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'events%'"
    )
    count = before.fetchone()[0]
    with pytest.raises(DataError) as caught:
        taken(connection, path, mapping)
    assert caught.value.count == 38
    assert len(caught.value.rows) == 20
    assert caught.value.rows[0] == "row 2: neither yes, no nor a number: 'maybe'"
    after = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'events%'"
    )
    assert after.fetchone()[0] == count


def test_a_footer_of_another_width_is_left_out_but_a_torn_row_is_refused(
    tmp_path, connection, mapping
):
    good = "E-Mail,Gruppe,Spende,Betrag,Datum\nana@example.org,A,1,,\nben@example.org,B,0,,\n"
    path = tmp_path / "totals.csv"
    path.write_text(f"{good}\nTotal: all,1\n")
    reading, rows = taken(connection, path, mapping)
    assert len(rows) == 2
    assert reading.dropped[0].examples == ("line 5: Total: all",)
    path.write_text(f"{good}cleo@example.org,A\nTotal: all,1\n")
    with pytest.raises(DataError, match="lines that do not fit") as caught:
        taken(connection, path, mapping)
    assert caught.value.rows[0].startswith("line 4: 2 cells")


def test_lost_leading_zeros_are_suspected_aloud(tmp_path, connection):
    mapping_file = tmp_path / "m.yaml"
    mapping_file.write_text("mapping: m\ncolumns: {unit: id, metric: did}\n")
    found = read_mapping(mapping_file)
    ids = [str(n) for n in range(1000, 100_000, 97)]  # five digits, the zeros eaten
    path = tmp_path / "ids.csv"
    path.write_text("id,did\n" + "".join(f"{i},1\n" for i in ids))
    reading = read(connection, path, adapter=found.adapter())
    assert [f.code for f in reading.findings] == ["IM004"]
    path.write_text("id,did\n" + "".join(f"{i:0>5},1\n" for i in ids))
    assert read(connection, path, adapter=found.adapter()).findings == ()
    path.write_text("id,did\n1.23E+11,1\n")
    with pytest.raises(DataError, match="not unit"):
        read(connection, path, adapter=found.adapter())


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=8),
    sign=st.sampled_from(",;\t|"),
)
def test_any_text_that_a_csv_can_hold_comes_back_as_it_was(
    connection, tmp_path_factory, rows, sign
):
    path = tmp_path_factory.mktemp("any") / "any.csv"
    out = io.StringIO()
    writer = csv.writer(out, delimiter=sign, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "a", "b"])
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    table = open_csv(path).relation(connection)
    found = connection.execute(f"SELECT id, a, b FROM {table} ORDER BY row_number").fetchall()
    assert [tuple(c or "" for c in row) for row in found] == rows


@settings(max_examples=60, deadline=None)
@given(
    raw=st.one_of(
        st.binary(max_size=300), TEXT.map(lambda t: f"E-Mail,Gruppe,Spende\n{t}".encode())
    )
)
def test_no_bytes_at_all_make_anything_but_a_reading_or_our_own_error(
    connection, tmp_path_factory, raw
):
    path = tmp_path_factory.mktemp("bytes") / "file.csv"
    path.write_bytes(raw)
    try:
        read(connection, path)
    except KitError as problem:
        assert str(problem)


@settings(max_examples=40, deadline=None)
@given(document=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["reports", "emails", "emails_sent", "opens", "unique_opens", "activity",
                         "email_address", "event", "sg_event_id", "email", "identifiers",
                         "statistics", "sent", "_embedded", "osdi:messages", "timestamp"]),
        inner, max_size=4),
    max_leaves=12))  # fmt: skip
def test_no_json_at_all_makes_anything_but_a_reading_or_our_own_error(
    connection, tmp_path_factory, document
):
    path = tmp_path_factory.mktemp("json") / "file.json"
    path.write_text(json.dumps([document]) + "\n" + json.dumps({"event": document}))
    for text in (json.dumps(document), json.dumps({"reports": [document]}), path.read_text()):
        path.write_text(text)
        try:
            read(connection, path)
        except KitError as problem:
            assert str(problem)


def test_json_that_is_made_to_break_a_reader_is_refused(tmp_path, connection):
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    with pytest.raises(InputError):
        read(connection, path)
    path.write_text('{"reports": [{"emails_sent": NaN, "opens": {"unique_opens": 1}}]}')
    with pytest.raises(InputError, match="NaN"):
        read(connection, path)
    path = tmp_path / "lines.jsonl"
    path.write_text('{"event":"open","sg_event_id":"1","email":"a@b.org"}\nbroken\n[1]\n')
    with pytest.raises(DataError) as caught:
        read(connection, path)
    assert caught.value.rows == ("line 2",)


def test_a_zero_byte_far_down_is_no_text_and_cannot_cut_an_id_short(tmp_path):
    path = tmp_path / "zero.csv"
    path.write_bytes(b"id,did\n" + b"a,1\n" * 40_000 + b"ana\0x,1\n")
    with pytest.raises(InputError, match="line 40002 holds a zero byte"):
        open_csv(path)


def test_a_header_that_is_made_to_break_a_reader_is_refused(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(["a"] * 30_000) + "\n1\n")
    with pytest.raises(InputError, match="at most 2,000"):
        open_csv(path)


def test_a_header_may_hold_line_breaks_our_own_names_and_lines_above(tmp_path, connection):
    path = tmp_path / "odd.csv"
    path.write_text('\n\n"Will you\ncall?",row_number,b\nyes,7,x\n')
    file = open_csv(path)
    assert file.columns == ("Will you\ncall?", "row_number_1", "b")
    rows = connection.execute(f"SELECT * FROM {file.relation(connection)}").fetchall()
    assert rows == [(1, "yes", "7", "x")]


def test_a_list_for_excel_starts_with_a_mark_and_reads_the_same(tmp_path, connection):
    for bom in (False, True):
        target = tmp_path / f"{bom}.csv"
        assert write_csv(connection, "SELECT 'é' AS a", columns=["a"], target=target, bom=bom) == 1
        assert target.read_bytes().startswith(b"\xef\xbb\xbf") is bom
        assert open_csv(target).columns == ("a",)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["False.csv", "True.csv"]


def test_a_mapping_says_all_its_problems_with_their_lines(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("mapping: Bad Name\nid_kind: shoe\ncolumns:\n  units: n\n  colour: c\n")
    with pytest.raises(DefinitionError) as caught:
        read_mapping(path)
    text = str(caught.value)
    for part in ("Bad Name", "'shoe' is none of", "unknown key 'colour'", "bad.yaml:5"):
        assert part in text
    path.write_text("mapping: m\ncolumns: {metric: did}\n")
    with pytest.raises(DefinitionError, match="rows could belong to no arm"):
        read_mapping(path)


def test_a_proposed_mapping_is_one_that_reads_the_file(tmp_path, connection):
    path = tmp_path / "crm.csv"
    path.write_text("Email Address,Group,Signed,Shoe size\nana@example.org,A,yes,38\n")
    proposed = tmp_path / "crm.yaml"
    proposed.write_text(guess(open_csv(path).columns, name="crm"))
    found = read_mapping(proposed)
    assert found.id_kind == "email"
    reading = read(connection, path, adapter=found.adapter())
    assert reading.rows == 1
    assert "Shoe size" in proposed.read_text()


def test_counts_of_our_own_are_read_with_a_mapping_too(tmp_path, connection):
    told = tmp_path / "c.yaml"
    told.write_text(
        "mapping: c\nmetric: called\ncolumns: {arm: Arm, units: Sent, metric: Calls, wave: Wave,"
        " message: Message, as_of: Day}\n"
    )
    path = tmp_path / "counts.csv"
    head = 'Arm,Sent,Calls,Wave,Message,Day\nA,"1,751",141 (8.1%),1,m1,2026-03-02\n'
    late = 'A,"1,751",150,1,m1,2026-03-03\nB,"1,750",125,1,m2,2026-03-02\nB,10,1,1,m3,2026-03-02\n'
    path.write_text(head + late)
    reading = read(connection, path, adapter=read_mapping(told).adapter())
    file = counts_file(connection, reading, path=path, metrics={"called": "called"})
    rows = connection.execute(f"SELECT arm, units, called, wave FROM {file.relation(connection)}")
    assert sorted(rows.fetchall()) == [
        ("A", "1751", "150", "1"),
        ("B", "10", "1", "1"),
        ("B", "1750", "125", "1"),
    ]  # every message keeps its row: a later file may be of one of them alone
    path.write_text(head + head.splitlines()[1])
    again = read(connection, path, adapter=read_mapping(told).adapter())
    with pytest.raises(DataError, match="stands twice for one time"):
        counts_file(connection, again, path=path, metrics={"called": "called"})
    with pytest.raises(DataError, match="asked of it"):
        counts_file(connection, reading, path=path, metrics={"called": "clicked"})


PEOPLE = """SELECT * FROM (VALUES
  ('u1', 'control', 'ANA@example.org', NULL), ('u2', 'control', NULL, '212-555-0143'),
  ('u3', 'name', 'cleo@example.org', NULL), ('u4', 'name', 'twin@example.org', NULL),
  ('u5', 'name', 'twin@example.org', NULL)) t(unit, arm, email, phone)"""


def test_people_of_an_export_are_led_to_units_and_the_match_rate_of_each_arm_is_told(
    connection, tmp_path
):
    path = tmp_path / "gifts.csv"
    path.write_text(
        "Receipt ID,Lineitem ID,Date,Amount,Reference Code,Recurrence Number,Donor Email\n"
        "r1,1,2026-03-02 10:00:00,25.50,,,ana@example.org\n"
        "r2,1,2026-03-02 11:00:00,10.00,,,cleo@example.org\n"
        "r3,1,2026-03-02 12:00:00,5.00,,,stranger@example.org\n"
        "r4,1,2026-03-02 12:00:00,5.00,,,twin@example.org\n"
    )
    reading = read(connection, path)
    metrics = {"gave": Deed(kinds=("donated",)), "raised": Deed(kinds=("donated",), what="amount")}
    file = units_file(
        connection, reading, path=path, unit_column="supporter_id", metrics=metrics, people=PEOPLE
    )
    table = file.relation(connection)
    rows = connection.execute(
        f'SELECT supporter_id, gave, raised, "at" FROM {table} ORDER BY row_number'
    ).fetchall()
    assert rows[0] == ("u1", "1", "25.50", "2026-03-02T10:00:00.000000Z")
    assert [r[0] for r in rows] == ["u1", "u3", "stranger@example.org", "twin@example.org"]
    assert file.strangers == 2  # an address of two people leads to neither
    assert [(f.arm, f.kind, f.assigned, f.reachable, f.matched) for f in file.found] == [
        ("control", "email", 2, 1, 1), ("name", "email", 3, 1, 1),
    ]  # fmt: skip
    assert file.found[0].rate == 0.5
    assert file.has("raised")
    with pytest.raises(DataError, match=r"tells of no signup.*donated \(4\)"):
        units_file(
            connection, reading, path=path, unit_column="id",
            metrics={"came": Deed(kinds=("signup",))}, people=PEOPLE,
        )  # fmt: skip
    with pytest.raises(InputError, match="names people by email"):
        units_file(
            connection, reading, path=path, unit_column="id", metrics=metrics,
            people="SELECT 'u1' AS unit, 'a' AS arm",
        )  # fmt: skip


def test_ids_of_a_list_are_found_by_the_names_of_its_columns():
    assert id_columns(["Supporter", "E-mail", "Cell Phone", "VANID", "uuid"]) == {
        "email": "E-mail", "phone": "Cell Phone", "vanid": "VANID", "action_network": "uuid",
    }  # fmt: skip


class PetlTable:
    """What a parsons.Table can do, as far as we use it."""

    def __init__(self, rows):
        self.rows = rows
        self.columns = list(rows[0])
        self.num_rows = len(rows)

    def __iter__(self):
        return iter(self.rows)


def test_a_parsons_table_is_read_like_a_file_and_none_is_needed(connection):
    table = PetlTable([
        {"user_id": 1, "mailing_id": 7, "letter": "A", "opened": 1, "acted_at": None},
        {"user_id": 2, "mailing_id": 7, "letter": "B", "opened": 0, "acted_at": None},
    ])  # fmt: skip
    reading = read(connection, table)
    assert (reading.adapter, reading.rows) == ("actionkit-sql", 3)
    with pytest.raises(InputError, match="a file or a parsons"):
        read(connection, 7)
    with pytest.raises(StateError, match="not installed"):
        to_table([{"a": 1}])
