"""Marks stand around what matched, and nothing of the text is lost or changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from responders.match import Document, Span, marked, parse_query, places, snippet

TEXT = "The nurses of Mercy Hospital vote on Monday, and the teachers vote next week. " * 4


def found(query, **fields):
    return parse_query(query).evaluate(Document.of(**fields)).spans


def test_spans_that_touch_or_overlap_share_one_pair_of_brackets():
    title = "Nurses strike vote"
    spans = found('"nurses strike" AND "strike vote" AND strik*', title=title)
    assert marked(title, places(spans, "title")) == "[Nurses strike vote]"


def test_words_of_another_field_are_not_marked():
    spans = found("summary:strike", title="A strike", summary="They strike.")
    assert places(spans, "title") == ()
    assert marked("They strike.", places(spans, "summary")) == "They [strike]."


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10))))
def test_taking_the_brackets_away_gives_the_text(text, raw):
    text = text.replace("[", "(").replace("]", ")")
    spans = [
        Span(field="title", start=a, end=min(a + n, len(text)), text=text[a : a + n])
        for a, n in raw
        if a < len(text) and n
    ]
    shown = marked(text, places(spans, "title"))
    assert shown.replace("[", "").replace("]", "") == text
    assert shown.count("[") == shown.count("]") <= len(spans)


def test_a_snippet_shows_the_first_match_of_a_long_text_and_says_what_it_leaves_out():
    at = places(found("week", title="", summary=TEXT), "summary")
    shown = snippet(TEXT, at, width=40)
    assert "[week]" in shown
    assert shown.startswith("... ")
    assert shown.endswith(" ...")
    assert len(shown) < 80


def test_a_short_text_is_shown_whole_and_one_without_a_match_from_its_start():
    assert snippet("Short  text", ()) == "Short text"
    assert snippet(TEXT, (), width=20).startswith("The nurses of")
