"""Identity: one spelling per kind, a keyed digest instead of the id, and no person made of two."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.adapters.identity import hmac_parameters, hmac_sql, normal_id, normal_name
from testkit.engines.sources import session
from testkit.errors import InputError
from testkit.kernel.migrate import migrate
from testkit.kernel.sqlite import Database
from testkit.store.identity import (
    MIGRATIONS,
    conflicts,
    forget,
    hmac_of,
    link,
    match_rates,
    people_of,
)

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def db(tmp_path):
    path = tmp_path / "workspace.db"
    migrate(path, product="identity", migrations=MIGRATIONS)
    return Database(path)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("email", " ANA@Example.org", "ana@example.org"), ("email", "ana", None),
        ("email", "a@b@c", None), ("phone", "212-555-0142", "+12125550142"),
        ("phone", "1 (212) 555-0142", "+12125550142"),
        ("phone", "+44 20 7946 0958", "+442079460958"),
        ("phone", "020 7946 0958", None), ("phone", "+1", None), ("phone", "112-555-0142", None),
        ("vanid", "001,234", "1234"), ("vanid", "1234.0", "1234"), ("vanid", "12x", None),
        ("vanid", "1.2E+11", None), ("unit", "  ", None), ("unit", "e\u0301", "\u00e9"),
    ],
)  # fmt: skip
def test_an_id_has_one_spelling_or_is_none(kind, text, expected):
    assert normal_id(kind, text) == expected


def test_names_are_compared_without_their_spaces():
    assert normal_name(" Jose\u0301  Nunez ") == "José Nunez"


@pytest.fixture(scope="module")
def connection():
    with session() as opened:
        yield opened


@settings(max_examples=30, deadline=None)
@given(key=st.binary(min_size=16, max_size=100), value=st.text(max_size=30))
def test_duckdb_and_python_agree_on_the_digest_and_with_the_standard_library(
    connection, key, value
):
    expected = hmac.new(key, f"email\x1f{value}".encode(), hashlib.sha256).hexdigest()
    assert hmac_of(key, kind="email", value=value) == expected
    query = f"SELECT {hmac_sql('$kind', '$value')}"
    parameters = {**hmac_parameters(key), "kind": "email", "value": value}
    assert connection.execute(query, parameters).fetchone() == (expected,)


def test_one_text_of_two_kinds_is_two_ids_and_a_short_key_is_none():
    assert hmac_of(KEY, kind="vanid", value="12") != hmac_of(KEY, kind="unit", value="12")
    with pytest.raises(InputError, match="16 bytes"):
        hmac_of(b"", kind="unit", value="12")


def test_ids_of_one_row_are_one_person_across_files(db):
    with db.write() as conn:
        first = link(conn, [{"email": "e1", "vanid": "v1"}, {"email": "e2"}], source="a", now=NOW)
        again = link(conn, [{"phone": "p1", "vanid": "v1"}, {}], source="b", now=NOW)
        found = people_of(conn, kind="phone", hmacs=["p1", "p9"])
    assert first.added == 2
    assert again.added == 0
    assert again.people == (first.people[0], None)
    assert found == {"p1": first.people[0]}


def test_rows_that_would_make_two_people_one_are_listed_and_change_nothing(db):
    with db.write() as conn:
        one, two = link(
            conn, [{"email": "e1"}, {"email": "e2", "vanid": "v2"}], source="a", now=NOW
        ).people
        for _ in range(2):
            done = link(conn, [{"email": "e1", "vanid": "v2", "phone": "p1"}], source="b", now=NOW)
        assert done.people == (None,)
        assert people_of(conn, kind="phone", hmacs=["p1"]) == {}
        (listed,) = conflicts(conn)
    assert listed.people == tuple(sorted([one, two]))
    assert (listed.kinds, listed.source, listed.rows) == (("email", "vanid"), "b", 2)


def test_the_match_rate_of_an_arm_is_the_share_that_can_be_found(db):
    with db.write() as conn:
        rows = [{"unit": f"u{i}", **({"email": f"e{i}"} if i % 2 else {})} for i in range(1300)]
        people = link(conn, rows, source="list", now=NOW).people
        arms = {"control": people[:650], "name": people[650:], "empty": []}
        control, name, empty = match_rates(conn, kind="email", arms=arms)
    assert (control.assigned, control.linked, control.rate) == (650, 325, 0.5)
    assert name.rate == 0.5
    assert empty.rate is None


def test_who_is_forgotten_has_no_id_left(db):
    with db.write() as conn:
        one, two = link(
            conn, [{"email": "e1", "vanid": "v1"}, {"email": "e2"}], source="a", now=NOW
        ).people
        link(conn, [{"vanid": "v1", "email": "e2"}], source="b", now=NOW)
        assert forget(conn, [one]) == 2
        assert people_of(conn, kind="vanid", hmacs=["v1"]) == {}
        assert people_of(conn, kind="email", hmacs=["e2"]) == {"e2": two}
        assert conflicts(conn) == []


def test_nothing_readable_is_stored(db):
    value = hmac_of(KEY, kind="email", value="ana@example.org")
    with db.write() as conn:
        link(conn, [{"email": value}], source="a", now=NOW)
    raw = b"".join(p.read_bytes() for p in db.path.parent.glob("workspace.db*"))
    assert b"ana@example" not in raw
    assert value.encode() in raw
