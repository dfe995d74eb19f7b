"""Words of a text: what separates, what folds, and where they stood."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.match.tokens import index_text, tokenize, tokenize_terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Don’t shut AT&T’s U.S. plants", "don t shut at t s u s plants"),
        ("Café CAFÉ Cafe\u0301", "cafe cafe cafe"),
        ("Straße STRASSE", "strasse strasse"),
        ("ＩＣＥ 𝐈𝐂𝐄 ﬁre", "ice ice fire"),
        ("CO₂ and m²", "co2 and m2"),
        ("pro\u00adpa\u00adganda and co\u200doperate", "propaganda and cooperate"),
        ("Strike🤯now 🇺🇸", "strike now"),
        ("İstanbul", "istanbul"),
        ("مُحَمَّد محمد", "محمد محمد"),
        ("が か \u306f\u309a", "が か ぱ"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af 한글", "한글 한글"),
        ("½", "1 2"),
        ("5½-year 3⅓", "5 1 2 year 3 1 3"),
        ("Foo™ bar®", "foo bar"),
        ("1️⃣ up", "1 up"),
        ("", ""),
        ("— … !", ""),
    ],
)
def test_terms_compare_what_readers_take_for_the_same_word(text, terms):
    assert " ".join(tokenize(text).terms) == terms


def test_spans_point_at_the_word_as_written():
    cut = tokenize("“Café” pro\u00adtest — Ｕnion!")
    assert [cut.text[a:b] for a, b in cut.spans] == ["Café", "pro\u00adtest", "Ｕnion"]


def test_surface_keeps_capitals_and_accents_and_drops_invisible_joiners():
    cut = tokenize("Cafe\u0301 I\u00adCE")
    assert [cut.surface(0), cut.surface(1)] == ["Café", "ICE"]


@given(st.text())
def test_terms_alone_are_the_terms_of_the_tokens(text):
    assert tokenize_terms(text) == tokenize(text).terms


@given(st.text())
def test_spans_ascend_inside_the_text(text):
    cut = tokenize(text)
    starts = [start for start, _ in cut.spans]
    assert starts == sorted(starts)
    assert all(0 <= start < end <= len(text) for start, end in cut.spans)


@given(st.text())
def test_folding_twice_is_folding_once(text):
    assert tokenize_terms(index_text(text)) == tokenize_terms(text)


def unicode61(texts):
    """Terms of each text as SQLite cuts them."""
    database = sqlite3.connect(":memory:")
    database.execute(
        "CREATE VIRTUAL TABLE t USING fts5 (x, tokenize = 'unicode61 remove_diacritics 2')"
    )
    database.execute("CREATE VIRTUAL TABLE v USING fts5vocab (t, 'instance')")
    database.executemany("INSERT INTO t (rowid, x) VALUES (?, ?)", enumerate(texts, start=1))
    found = [[] for _ in texts]
    for document, term in database.execute("SELECT doc, term FROM v ORDER BY doc, offset"):
        found[document - 1].append(term)
    database.close()
    return [tuple(terms) for terms in found]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_sqlite_cuts_index_text_into_exactly_our_terms(texts):
    assert unicode61([index_text(text) for text in texts]) == [tokenize_terms(t) for t in texts]


@pytest.mark.slow
def test_sqlite_agrees_on_every_code_point():
    points = [chr(p) for p in range(1, 0x110000) if not 0xD800 <= p < 0xE000]
    # Between letters, so that what joins, what drops and what separates all show.
    texts = [f"a{char}b {char}" for char in points]
    mine = [tokenize_terms(text) for text in texts]
    theirs = unicode61([index_text(text) for text in texts])
    assert [t for t, m, s in zip(points, mine, theirs, strict=True) if m != s] == []
