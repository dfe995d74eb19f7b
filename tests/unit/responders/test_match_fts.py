"""The FTS5 form names the rows of the query, or a set that holds them."""

from __future__ import annotations

import pytest

from responders.match import parse_query


def fts(text, **more):
    return parse_query(text, aliases={"nlrb": ["labor board", "=NLRB"]}).to_fts(**more)


@pytest.mark.parametrize(
    ("text", "mode", "expression"),
    [
        ("union", "match", '"union"'),
        ("strik*", "match", '"strik" *'),
        ('"right to wor*"', "match", '"right to wor" *'),
        ("a b", "match", '("a" AND "b")'),
        ("a OR b OR c", "match", '("a" OR "b" OR "c")'),
        ("a NOT b", "match", '("a" NOT "b")'),
        ("a b NOT c NOT d", "match", '(("a" AND "b") NOT ("c" OR "d"))'),
        ("NOT a", "all_but", '"a"'),
        ("NOT NOT a", "match", '"a"'),
        ("NOT a NOT b", "all_but", '("a" OR "b")'),
        ("a OR NOT b", "all_but", '("b" NOT "a")'),
        ("NOT a OR NOT b", "all_but", '("a" AND "b")'),
        ("title:a", "match", '{title} : "a"'),
        ("a NEAR/3 b", "match", 'NEAR("a" "b", 3)'),
        ("a NEAR/3 (b OR c*)", "match", '(NEAR("a" "b", 3) OR NEAR("a" "c" *, 3))'),
        ("title:(a NEAR b)", "match", '{title} : NEAR("a" "b", 10)'),
    ],
)
def test_what_the_index_can_say_is_said_exactly(text, mode, expression):
    found = fts(text)
    assert (found.mode, found.expression, found.exact) == (mode, expression, True)


@pytest.mark.parametrize(
    ("text", "mode", "expression"),
    [
        ("=ICE", "match", '"ice"'),
        ("NOT =ICE", "all", ""),
        ("a NOT =ICE", "match", '"a"'),
        ("a /b/", "match", '"a"'),
        ("a OR /b/", "all", ""),
        ("NOT (a /b/)", "all", ""),
        ("NOT (a OR /b/)", "all_but", '"a"'),
        ("a lang:es", "match", '"a"'),
        ("a source:b", "match", '"a"'),
        ("@nlrb", "match", '("labor board" OR "nlrb")'),
        ("NOT @nlrb", "all_but", '"labor board"'),
        ("a NEAR/3 =B", "match", 'NEAR("a" "b", 3)'),
        ("NOT (a NEAR/3 =B)", "all", ""),
    ],
)
def test_what_it_cannot_say_leaves_a_bound_to_look_at_again(text, mode, expression):
    found = fts(text)
    assert (found.mode, found.expression, found.exact) == (mode, expression, False)


def test_columns_that_the_table_has_are_used():
    columns = ("title", "summary", "source", "lang")
    found = fts("a source:b lang:es", columns=columns)
    assert found.exact
    assert found.expression == '({title summary} : "a" AND {source} : "b" AND lang : ^ "es")'
    title_only = fts("a", columns=("title",))
    assert (title_only.mode, title_only.exact) == ("all", False)
    assert fts("title:a", columns=("title",)).exact


def test_many_alternatives_beside_near_fall_back_to_a_bound():
    nine = " OR ".join(f"w{n}" for n in range(9))
    found = fts(f"({nine}) NEAR/3 ({nine})")
    assert found.mode == "match"
    assert not found.exact
    assert "NEAR" not in found.expression
    assert fts(f"NOT (({nine}) NEAR/3 ({nine}))").mode == "all"
