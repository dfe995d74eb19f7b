"""The language: what reads as what, and where an error points."""

from __future__ import annotations

import pytest

from responders.match import QueryError, parse_query
from responders.match.tree import Alias, And, Language, Near, Not, Or, Pattern, Words

ALIASES = {"nlrb": ["National Labor Relations Board", "=NLRB", "labor board*"], "Fed": ["Fed"]}


def read(text):
    return parse_query(text, aliases=ALIASES).root


def word(term, **more):
    return Words(terms=tuple(term.split()), **more)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("union", word("union")),
        ("Unión", word("union")),
        ("a b", And(parts=(word("a"), word("b")))),
        ("a AND b", And(parts=(word("a"), word("b")))),
        ("a OR b c", Or(parts=(word("a"), And(parts=(word("b"), word("c")))))),
        ("(a OR b) c", And(parts=(Or(parts=(word("a"), word("b"))), word("c")))),
        ("a NOT b", And(parts=(word("a"), Not(part=word("b"))))),
        ("a AND NOT b", And(parts=(word("a"), Not(part=word("b"))))),
        ("a -b", And(parts=(word("a"), Not(part=word("b"))))),
        ("a -(b c)", And(parts=(word("a"), Not(part=And(parts=(word("b"), word("c"))))))),
        ("NOT NOT a", Not(part=Not(part=word("a")))),
        ('"right to work"', word("right to work")),
        ("“right to work”", word("right to work")),
        ("don’t", word("don t")),
        ("covid-19", word("covid 19")),
        ("strik*", word("strik", prefix=True)),
        ('"labor boar*"', word("labor boar", prefix=True)),
        ('"labor boar"*', word("labor boar", prefix=True)),
        ("=ICE", word("ice", exact=("ICE",))),
        ('="Green New Deal"', word("green new deal", exact=("Green", "New", "Deal"))),
        ("=AND", word("and", exact=("AND",))),
        ("a NEAR b", Near(parts=(word("a"), word("b")), distance=10)),
        ("a NEAR/3 b", Near(parts=(word("a"), word("b")), distance=3)),
        ("a NEAR/3 b NEAR/3 c", Near(parts=(word("a"), word("b"), word("c")), distance=3)),
        ("a b NEAR/3 c", And(parts=(word("a"), Near(parts=(word("b"), word("c")), distance=3)))),
        (
            "a NEAR/3 (b OR c)",
            Near(parts=(word("a"), Or(parts=(word("b"), word("c")))), distance=3),
        ),
        ("title:a", word("a", fields=("title",))),
        ("TITLE: a", word("a", fields=("title",))),
        (
            "title:(a OR b)",
            Or(parts=(word("a", fields=("title",)), word("b", fields=("title",)))),
        ),
        ("source:reuters.com", word("reuters com", fields=("source",))),
        ("lang:es-MX", Language(subtags=("es", "mx"))),
        ("/strik(e|ing)/", Pattern(source="strik(e|ing)")),
        (r"=/and\/or/", Pattern(source="and/or", exact=True)),
        (
            "title:/a+/",
            Pattern(source="a+", fields=("title",)),
        ),
        ("@fed", Alias(name="fed", names=(word("fed"),))),
        ("12:30", word("12 30")),
        ("and/or", word("and or")),
        ("AND1", word("and1")),
    ],
)
def test_a_query_reads_as(text, tree):
    assert read(text) == tree


def test_names_of_an_alias_set_are_phrases_that_may_mind_capitals_or_go_on():
    assert read("@NLRB").names == (
        word("national labor relations board"),
        word("nlrb", exact=("NLRB",)),
        word("labor board", prefix=True),
    )


def test_a_field_scopes_an_alias_set_and_all_its_names():
    alias = read("title:@nlrb")
    assert alias.fields == ("title",)
    assert all(name.fields == ("title",) for name in alias.names)


@pytest.mark.parametrize(
    ("text", "marked", "says"),
    [
        ("", "", "empty"),
        ("   ", "", "empty"),
        ('union "right to', '"', "never closed"),
        ("union “right to", "“", "never closed"),
        ("union (a OR b", "(", "never closed"),
        ("union a) b", ")", "closes nothing"),
        ("union ()", "()", "nothing in these brackets"),
        ("a AND", "AND", "ends after"),
        ("a NOT", "NOT", "ends after"),
        ("AND a", "AND", "where a term should be"),
        ("a OR OR b", "OR", "where a term should be"),
        ("(a OR) b", ")", "missing"),
        ("vo*te", "*", "end of a word"),
        ("*vote", "*", "end of a word"),
        ('"a* b"', "*", "end of a word"),
        ("a || b", "||", "no letter or digit"),
        ('a "..." b', '"..."', "no letter or digit"),
        ("titel:a", "titel:", "did you mean title:"),
        ("https://example.org", "https:", "no field"),
        ("title:", "title:", "nothing after"),
        ("title:(summary:a)", "summary:", "never match"),
        ("lang:(@fed)", "@fed", "tags only"),
        ("lang:=es", "=es", "tags only"),
        ("@fedd", "@fedd", "did you mean @fed"),
        ("@ a", "@", "no name"),
        ("= a", "=", "nothing after ="),
        ("a NEAR/x b", "NEAR/x", "number of words"),
        ("a NEAR/1000 b", "NEAR/1000", "number of words"),
        ("a NEAR/3 b NEAR/4 c", "NEAR/4", "one distance"),
        ("a NEAR/3 (b c)", "(b c)", "cannot measure"),
        ("a NEAR/3 NOT b", "NOT", "where a term should be"),
        ("a NEAR/3 /b/", "/b/", "cannot measure"),
        ("title:a NEAR/3 b", "title:a NEAR/3 b", "different fields"),
        ("a /b", "/", "never closed"),
        ("a /(b/", "/(b/", "not valid"),
        ("a /b*/", "/b*/", "empty text"),
        (r"a /(b)\1/", r"/(b)\1/", "not valid"),
        ("a /\ud800/", "/\ud800/", "half a character"),
        ("a /b/i", "i", "ignores capitals"),
    ],
)
def test_an_error_marks_the_place_and_says_what_to_write(text, marked, says):
    with pytest.raises(QueryError) as caught:
        read(text)
    error = caught.value
    assert says in str(error)
    if marked:
        assert text[error.start : error.end] == marked
    *_, shown, carets = str(error).splitlines()
    at = carets.index("^")
    assert shown[at : at + len(marked)] == marked


def test_the_caret_stays_in_view_of_a_long_query():
    with pytest.raises(QueryError) as caught:
        read("union OR " * 100 + '"open')
    *_, shown, carets = str(caught.value).splitlines()
    assert len(shown) <= 74
    assert shown[carets.index("^")] == '"'


def test_brackets_nest_twenty_deep_and_no_deeper():
    assert read("(" * 20 + "a" + ")" * 20) == word("a")
    assert len(read("(NOT a) " * 40).parts) == 40
    with pytest.raises(QueryError, match="nested deeper"):
        read("(" * 21 + "a" + ")" * 21)
    with pytest.raises(QueryError, match="nested deeper"):
        read("NOT " * 4_000 + "a")


def test_a_query_of_twenty_thousand_characters_is_the_longest():
    with pytest.raises(QueryError, match="20001 characters"):
        read("a" * 20_001)


def test_an_empty_alias_set_and_an_empty_name_are_errors():
    with pytest.raises(QueryError, match="is empty"):
        parse_query("@x", aliases={"x": []})
    with pytest.raises(QueryError, match="cannot be looked for"):
        parse_query("@x", aliases={"x": ["..."]})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("union and strike", "looked for as a word"),
        ("union or strike", "looked for as a word"),
        ("union near/5 strike", "looked for as a word"),
        ("'right to work'", "single quotes"),
        ("union, strike", "reads as AND"),
        ("vo*", "great many"),
        ("NOT union", "none of its words"),
        ("union OR NOT strike", "none of its words"),
        ("lang:es", "none of its words"),
        ("union OR strike pay", "tighter"),
        # A bracket around the first part, or around first and last, is not one around the whole.
        ("(union OR nurses) AND strike OR pay", "tighter"),
        ("pay OR (union OR nurses) AND (strike OR vote)", "tighter"),
    ],
)
def test_what_is_probably_not_meant_is_cautioned(text, says):
    cautions = parse_query(text).cautions
    assert any(says in caution.message for caution in cautions)
    assert all(0 <= c.start < c.end <= len(text) and c.hint for c in cautions)


@pytest.mark.parametrize(
    "text",
    [
        "union AND (strike OR pay)",
        "union OR (strike AND pay)",
        "((union OR nurses) AND strike) OR pay",
        "title:(union strike) OR pay",
        "Teachers’ union",
        "union NOT football lang:es",
        '"this and that"',
        "@nlrb /strik(e|ing)/ NOT =ICE",
    ],
)
def test_a_plain_query_gets_no_caution(text):
    assert parse_query(text, aliases=ALIASES).cautions == ()
