"""What a query sees in an entry, and the reason it gives."""

from __future__ import annotations

import json
import time

import pytest

from responders.match import Document, parse_query

ALIASES = {"nlrb": ["National Labor Relations Board", "=NLRB", "labor board*"]}
ENTRY = Document.of(
    title="Teachers vote to strike; NLRB steps in",
    summary="Two labor boards, and the Café union, met. ICE melts.",
    source="Reuters reuters.com",
    lang="es-MX",
)


def ask(text, document=ENTRY):
    return parse_query(text, aliases=ALIASES).evaluate(document)


@pytest.mark.parametrize(
    "text",
    [
        "teachers",
        "TEACHERS",
        "cafe",
        "teachers strike",
        "nurses OR strike",
        "teachers NOT nurses",
        "NOT nurses",
        '"vote to strike"',
        '"strike NLRB"',
        "strik*",
        '"vote to str*"',
        "=NLRB",
        "=Caf*",
        '="Two labor"',
        "title:strike",
        "summary:union",
        "source:reuters",
        "source:reuters.com",
        "lang:es",
        "lang:es-MX",
        "@nlrb",
        "summary:@nlrb",
        "/teach(er|or)s?/",
        "=/Teach/",
        "/café/",
        "title:/strike; nlrb/",
        "teachers NEAR/2 strike",
        "strike NEAR/2 teachers",
        '"labor boards" NEAR/2 cafe',
        "(nurses OR teach*) NEAR/2 strike",
        "@nlrb NEAR/0 strike",
        "vote NEAR/3 to NEAR/3 teachers",
    ],
)
def test_a_query_that_holds_says_why(text):
    result = ask(text)
    assert result is not None
    assert result.why()


@pytest.mark.parametrize(
    "text",
    [
        "teach",
        "teachers NOT strike",
        "NOT teachers",
        '"strike vote"',
        '"in two"',
        "=Nlrb",
        "=Cafe",
        "=TWO*",
        "title:union",
        "summary:strike",
        "reuters",
        "lang:en",
        "lang:mx",
        "lang:es-AR",
        "title:@nlrb =nlrb",
        "=/teach/",
        "/cafe/",
        "/in two/",
        "teachers NEAR/1 strike",
        "teachers NEAR/9 union",
        "vote NEAR/0 to NEAR/0 teachers NEAR/0 strike",
    ],
)
def test_a_query_that_does_not_hold_gives_nothing(text):
    assert ask(text) is None


def test_pagan_does_not_hit_propaganda():
    assert ask("pagan", Document.of(title="Propaganda and spaganda")) is None
    assert ask("pagan*", Document.of(title="Propaganda")) is None
    assert ask("pagan*", Document.of(title="Paganism")) is not None


def test_an_unknown_language_never_matches_and_so_satisfies_its_negation():
    entry = Document.of(title="Strike")
    assert ask("lang:en", entry) is None
    assert ask("strike NOT lang:en", entry) is not None


def test_spans_show_every_clause_that_hit_title_first():
    result = ask("strik* AND @nlrb AND (cafe OR nurses) NOT football")
    assert [(s.field, s.text) for s in result.spans] == [
        ("title", "strike"),
        ("title", "NLRB"),
        ("summary", "labor boards"),
        ("summary", "Café"),
    ]
    assert all(
        getattr(ENTRY, span.field)[span.start : span.end] == span.text for span in result.spans
    )


def test_words_that_happen_to_be_there_under_not_are_no_reason():
    result = ask("strike NOT (nurses teachers)")
    assert [span.text for span in result.spans] == ["strike"]


def test_near_shows_only_the_occurrences_that_are_near():
    entry = Document.of(title="strike one two three four five strike vote")
    assert [s.start for s in ask("strike NEAR/0 vote", entry).spans] == [31, 38]


def test_why_names_the_clause_the_field_and_the_words():
    assert ask("strik* AND @nlrb").why() == (
        'strik* in title ("strike"), @nlrb in title ("NLRB"), @nlrb in summary ("labor boards")'
    )
    assert ask("lang:es NOT nurses").why() == "lang:es"
    assert ask("NOT nurses").why() == "matched by what it does not contain"


def test_the_reason_is_plain_values():
    plain = ask("(strike OR nurses) NOT football").as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["clauses"] == {
        "kind": "and",
        "clause": "(strike OR nurses) AND NOT football",
        "holds": True,
        "parts": [
            {
                "kind": "or",
                "clause": "strike OR nurses",
                "holds": True,
                "parts": [
                    {
                        "kind": "words",
                        "clause": "strike",
                        "holds": True,
                        "spans": [["title", 17, 23]],
                    },
                    {"kind": "words", "clause": "nurses", "holds": False},
                ],
            },
            {
                "kind": "not",
                "clause": "NOT football",
                "holds": True,
                "parts": [{"kind": "words", "clause": "football", "holds": False}],
            },
        ],
    }


def test_offsets_of_an_expression_count_characters_not_bytes():
    entry = Document.of(title="Ünïcödé 🎉 Überstunden")
    assert [(s.start, s.text) for s in ask("/über[a-z]+/", entry).spans] == [(10, "Überstunden")]


def test_a_lone_surrogate_in_a_feed_is_harmless():
    entry = Document.of(title="bad \ud800 strike", lang="en")
    assert [s.start for s in ask("/str.ke/", entry).spans] == [6]
    assert [s.start for s in ask("strike", entry).spans] == [6]


def test_an_expression_that_backtracking_engines_choke_on_takes_linear_time():
    entry = Document.of(title="", summary="a" * 100_000)
    start = time.process_time()
    assert ask("/(a+)+b/", entry) is None
    assert time.process_time() - start < 2.0
