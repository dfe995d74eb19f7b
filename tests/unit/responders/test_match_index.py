"""Many issues asked at once."""

from __future__ import annotations

import pytest

from responders.match import Document, QuerySet, parse_query
from responders.match.index import anchors

ISSUES = {
    "strikes": "strik* NOT (baseball OR bowling)",
    "board": '"labor board" OR =NLRB',
    "near": "(nurses OR teach*) NEAR/3 union",
    "pattern": "/vot(e|ing)/",
    "absence": "NOT football",
    "spanish": "lang:es huelga",
}


@pytest.mark.parametrize(
    "title",
    [
        "Nurses strike",
        "Baseball strike",
        "Labor board rules",
        "Teaching union",
        "Football",
        "Huelga",
        "",
    ],
)
def test_all_at_once_gives_what_one_by_one_gives(title):
    queries = {key: parse_query(text) for key, text in ISSUES.items()}
    document = Document.of(title=title, lang="es")
    found = QuerySet.of(queries).matches(document)
    alone = {key: query.evaluate(document) for key, query in queries.items()}
    assert found == {key: result for key, result in alone.items() if result is not None}
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("union", {("union", False)}),
        ("strik*", {("strik", True)}),
        ('"right to work"', {("right", False)}),
        ('"labor boar*"', {("labor", False)}),
        ("a OR bc", {("a", False), ("bc", False)}),
        ("the AND minimum", {("minimum", False)}),
        ("a NOT b", {("a", False)}),
        ("teachers NEAR/3 (ab OR cd)", {("teachers", False)}),
        ("a AND /b/", {("a", False)}),
    ],
)
def test_every_match_holds_one_of_the_anchors(text, found):
    assert anchors(parse_query(text).root) == found


@pytest.mark.parametrize("text", ["NOT a", "/a/", "a OR /b/", "a OR NOT b", "lang:es"])
def test_a_query_that_needs_no_word_is_always_asked(text):
    assert anchors(parse_query(text).root) is None


def test_few_of_many_issues_are_asked():
    issues = QuerySet.of({f"i{n}": parse_query(f"word{n} OR other{n}*") for n in range(200)})
    assert issues.candidates(Document.of(title="word7 others other9th")) == {"i7", "i9"}
    assert issues.candidates(Document.of(title="other9")) == {"i9"}
