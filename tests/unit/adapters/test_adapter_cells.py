"""Cells: what people and tools write, read the same by Python and by DuckDB."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.adapters.cells import (
    amount_sql,
    cents,
    count,
    count_sql,
    is_yes,
    moment,
    moment_sql,
    plain_text,
    why_not_a_number,
    yes_sql,
)
from testkit.adapters.identity import normal_id, normal_id_sql
from testkit.adapters.model import ID_KINDS, Options
from testkit.engines.sources import session
from testkit.errors import InputError

PIECES = st.sampled_from(
    [*"0123456789.,-+()%$ '", "€", "\u00a0", "USD", "1.751", "1,751", "12.3%", "(8.1%)", "e+11"]
)  # fmt: skip
FEW = settings(max_examples=30, deadline=None)
CELLS = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=12))


MANY = st.lists(CELLS, max_size=40)


@pytest.fixture(scope="module")
def sql():
    with session() as connection:
        connection.execute("SET TimeZone = 'America/New_York'")

        def read(expression, cells):
            found = connection.execute(
                f"SELECT {expression} FROM (SELECT unnest(?::VARCHAR[]) AS cell)", [list(cells)]
            )
            return [value for (value,) in found.fetchall()]

        yield read


@pytest.mark.parametrize(
    ("cell", "decimal", "expected"),
    [
        ("1,751", ".", 1751), ("141 (8.1%)", ".", 141), ("0", ".", 0), ("1 751", ".", 1751),
        ("1'751", ".", 1751), ("12.0", ".", 12), ("1.751", ",", 1751), ("1.234.567", ",", 1234567),
        ("12,5", ".", None), ("1.751", ".", None), ("1,75", ".", None), ("12.3%", ".", None),
        ("-3", ".", None), ("", ".", None), ("1,5", ",", None), ("1234567890123456", ".", None),
        ("=1+1", ".", None), ("１２", ".", None),
    ],
)  # fmt: skip
def test_a_count_is_read_in_one_way_or_not_at_all(cell, decimal, expected):
    assert count(cell, decimal=decimal) == expected


@pytest.mark.parametrize(
    ("cell", "decimal", "expected"),
    [
        ("$1,751.50", ".", 175150), ("1.751,50 €", ",", 175150), ("-12.00", ".", -1200),
        ("-$12", ".", -1200), ("12.5", ".", 1250), ("1,5", ",", 150), ("0.10", ".", 10),
        ("1.751", ".", None), ("1,5", ".", None), ("1,751", ",", None), ("12.345", ".", None),
        ("61.2000", ".", 6120), ("five", ".", None), ("12.3%", ".", None),
    ],
)  # fmt: skip
def test_money_is_read_to_the_cent_or_not_at_all(cell, decimal, expected):
    assert cents(cell, decimal=decimal) == expected


def test_a_refused_number_says_the_way_out():
    assert "--decimal ','" in why_not_a_number("1.751", decimal=".")
    assert "--decimal ','" in why_not_a_number("1,5", decimal=".")
    assert "--decimal '.'" in why_not_a_number("1,751.50", decimal=",")
    assert "share" in why_not_a_number("12.3%", decimal=".")
    assert "spreadsheet" in why_not_a_number("1.23E+11", decimal=".")
    assert "not a number" in why_not_a_number("five", decimal=".")


@FEW
@given(cells=MANY, decimal=st.sampled_from(".,"))
def test_sql_reads_counts_and_money_as_python_does(sql, cells, decimal):
    counts, amounts = ([read(c, decimal=decimal) for c in cells] for read in (count, cents))
    assert sql(count_sql("cell", decimal=decimal), cells) == counts
    assert sql(amount_sql("cell", decimal=decimal), cells) == amounts


@FEW
@given(number=st.integers(0, 999_999_999_999))
def test_whoever_writes_thousands_writes_the_same_number(number):
    assert count(f"{number:,}") == count(str(number)) == number
    assert count(f"{number:,}".replace(",", "."), decimal=",") == number
    assert cents(f"{number:,}.25") == number * 100 + 25


@FEW
@given(cells=MANY)
def test_sql_reads_yes_as_python_does(sql, cells):
    cells = [*cells, "ja", "SÍ", "oui ", "TRUE", "no", "", "si\u0301", "\u00a0ja"]
    assert sql(yes_sql("cell"), cells) == [is_yes(cell) for cell in cells]


@pytest.mark.parametrize("word", ["ja", "si", "sí", "oui", "yes", "true", "1", "Y", "On"])
def test_yes_is_yes_in_every_language_of_our_tools(word):
    assert is_yes(word) is True


PHONES = st.from_regex(r"\A\+?1?[ (]{0,2}[2-9][0-9]{2}[) -]{0,2}[2-9][0-9]{2}[- ]?[0-9]{4}\Z")


@FEW
@given(kind=st.sampled_from(ID_KINDS), cells=st.lists(CELLS | st.emails() | PHONES, max_size=40))
def test_sql_spells_ids_as_python_does(sql, kind, cells):
    assert sql(normal_id_sql(kind, "cell"), cells) == [normal_id(kind, cell) for cell in cells]


@FEW
@given(kind=st.sampled_from(ID_KINDS), cell=CELLS | st.emails() | PHONES)
def test_spelling_an_id_twice_changes_nothing(kind, cell):
    once = normal_id(kind, cell)
    assert once is None or normal_id(kind, once) == once


def test_a_formula_is_text_and_its_guard_comes_off_again():
    assert plain_text("'=cmd|' /C calc'!A0") == "=cmd|' /C calc'!A0"
    assert plain_text("O'Neil") == "O'Neil"
    assert normal_id("unit", "'=1") == "=1"


def test_leading_zeros_stay():
    assert normal_id("unit", "007") == "007"
    assert normal_id("external_id", " 007 ") == "007"


NEW_YORK = Options(zone="America/New_York")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T16:00:00Z", "2026-03-02T16:00:00+00:00"),
        ("2026-03-02 16:00:00 UTC", "2026-03-02T16:00:00+00:00"),
        ("2026-03-02 16:00", "2026-03-02T21:00:00+00:00"),  # New York is 5 hours behind
        ("Jun 09, 2018 09:30 pm", "2018-06-10T01:30:00+00:00"),
        ("Sat, May 1, 2021 10:15", "2021-05-01T14:15:00+00:00"),
        ("1772463600", "2026-03-02T15:00:00+00:00"),
    ],
)
def test_moments_of_tools_are_read_by_python_and_sql_alike(sql, text, expected):
    found = moment(text, NEW_YORK)
    assert found is not None
    assert found.isoformat() == expected
    shown = (
        f"strftime(({moment_sql('cell', day_first=None)}) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S')"
    )
    assert sql(shown, [text]) == [expected.removesuffix("+00:00")]


def test_a_day_that_can_be_two_days_is_asked_for():
    with pytest.raises(InputError, match="day or month first"):
        moment("03/11/2026", Options())
    assert moment("03/11/2026", Options(day_first=True)).month == 11
    assert moment("03/11/2026", Options(day_first=False)).month == 3
