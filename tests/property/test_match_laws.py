"""Laws of matching; SQLite's full-text index is the independent judge of the query tree."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

from responders.match import Document, QueryError, QuerySet, index_text, parse_query
from responders.match.evaluate import holds
from responders.match.tree import And, Not, Or

ALIASES = {"x": ["union vote", "=ICE", "stri*"], "y": ["Café"]}
COLUMNS = ("title", "summary", "source", "lang")

# Few words, so that phrases, distances and repeats happen; some fold, some share a beginning.
WRITTEN = """
    union Union unions vote VOTE strike stricken ICE ice café Cafe don't U.S. ½ ＩＣＥ
    pro\u00adtest protest
"""
WORDS = st.sampled_from(WRITTEN.split())
TEXTS = st.lists(WORDS, max_size=9).map(" ".join)
PLAIN = st.sampled_from(["union", "vote", "strike", "ice", "cafe", "protest", "don't", "u.s."])
PREFIXES = st.sampled_from(["un*", "stri*", "ic*", "pro*", "s*"])
PHRASES = st.lists(PLAIN, min_size=2, max_size=3).map(lambda words: f'"{" ".join(words)}"')
OPEN_PHRASES = st.tuples(PLAIN, PREFIXES).map(lambda pair: f'"{pair[0]} {pair[1]}"')
SPOTS = st.one_of(PLAIN, PREFIXES, PHRASES, OPEN_PHRASES, st.just("@y"))
EITHER = st.lists(SPOTS, min_size=2, max_size=3).map(lambda parts: f"({' OR '.join(parts)})")
NEARS = st.tuples(
    st.lists(st.one_of(SPOTS, EITHER), min_size=2, max_size=3), st.integers(0, 4)
).map(lambda pair: f" NEAR/{pair[1]} ".join(pair[0]))
SCOPED = st.tuples(st.sampled_from(["title", "summary", "source"]), SPOTS).map(":".join)
INDEXED = st.one_of(SPOTS, NEARS, SCOPED, st.sampled_from(["lang:es", "lang:es-mx", "lang:en"]))
LEAVES = st.one_of(
    INDEXED, st.sampled_from(["=ICE", "=Union*", '="union Vote"', "@x", "/stri.k/", "=/[A-Z]{3}/"])
)


def trees(leaves):
    return st.recursive(
        leaves.map(lambda leaf: f"({leaf})"),
        lambda parts: st.one_of(
            st.lists(parts, min_size=2, max_size=3).map(lambda p: f"({' AND '.join(p)})"),
            st.lists(parts, min_size=2, max_size=3).map(lambda p: f"({' OR '.join(p)})"),
            parts.map(lambda p: f"(NOT {p})"),
        ),
        max_leaves=6,
    )


ENTRIES = st.fixed_dictionaries(
    {
        "title": TEXTS,
        "summary": TEXTS,
        "source": TEXTS,
        "lang": st.sampled_from(["", "en", "es", "es-MX"]),
    }
)


def rows_of(query, entries):
    """Rows that SQLite finds for a query's FTS5 form."""
    found = query.to_fts(columns=COLUMNS)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(
            "CREATE VIRTUAL TABLE t USING fts5"
            "(title, summary, source, lang, tokenize = 'unicode61 remove_diacritics 2')"
        )
        database.executemany(
            "INSERT INTO t (rowid, title, summary, source, lang) VALUES (?, ?, ?, ?, ?)",
            ((n, *(index_text(entry[c]) for c in COLUMNS)) for n, entry in enumerate(entries)),
        )
        every = set(range(len(entries)))
        if not found.expression:
            return every if found.mode == "all" else set()
        hits = {
            row
            for (row,) in database.execute(
                "SELECT rowid FROM t WHERE t MATCH :q", {"q": found.expression}
            )
        }
        return hits if found.mode == "match" else every - hits


def read(text):
    return parse_query(text, aliases=ALIASES)


@settings(max_examples=300)
@given(trees(INDEXED), st.lists(ENTRIES, min_size=1, max_size=6))
def test_tree_and_index_agree_on_what_the_index_can_say(text, entries):
    query = read(text)
    assert query.to_fts(columns=COLUMNS).exact
    mine = {n for n, entry in enumerate(entries) if query.holds(Document.of(**entry))}
    assert mine == rows_of(query, entries)


@settings(max_examples=200)
@given(trees(LEAVES), st.lists(ENTRIES, min_size=1, max_size=6))
def test_the_index_loses_no_row_and_exact_means_exact(text, entries):
    query = read(text)
    mine = {n for n, entry in enumerate(entries) if query.holds(Document.of(**entry))}
    rows = rows_of(query, entries)
    assert mine == rows if query.to_fts(columns=COLUMNS).exact else mine <= rows


@given(trees(LEAVES))
def test_a_tree_written_out_reads_as_itself(text):
    query = read(text)
    assert read(str(query)).root == query.root


@given(trees(LEAVES), ENTRIES)
def test_a_reason_is_given_exactly_where_the_query_holds(text, entry):
    query, document = read(text), Document.of(**entry)
    result = query.evaluate(document)
    assert (result is not None) == query.holds(document)
    if result is not None:
        assert result.clauses.holds
        for span in result.spans:
            assert entry[span.field][span.start : span.end] == span.text


@given(trees(LEAVES), trees(LEAVES), ENTRIES)
def test_negation_turns_and_into_or(one, other, entry):
    a, b, document = read(one).root, read(other).root, Document.of(**entry)
    neither = Not(part=Or(parts=(a, b)))
    both_not = And(parts=(Not(part=a), Not(part=b)))
    assert holds(neither, document) == holds(both_not, document)
    assert holds(Not(part=Not(part=a)), document) == holds(a, document)


@given(st.lists(trees(LEAVES), min_size=1, max_size=8), ENTRIES)
def test_asking_many_at_once_is_asking_each(texts, entry):
    queries = {str(n): read(text) for n, text in enumerate(texts)}
    document = Document.of(**entry)
    alone = {key: query.evaluate(document) for key, query in queries.items()}
    assert QuerySet.of(queries).matches(document) == {
        key: result for key, result in alone.items() if result is not None
    }


@given(st.text(alphabet="ab \"()=*/\\:-@ANDORTE5“”'…\ud800\n", max_size=40))
def test_any_text_is_a_query_or_an_error_with_a_place(text):
    try:
        query = read(text)
    except QueryError as error:
        refused = error
    else:
        assert read(str(query)).root == query.root
        query.evaluate(Document.of(title=text))
        return
    assert 0 <= refused.start < refused.end
    assert "^" in str(refused)
