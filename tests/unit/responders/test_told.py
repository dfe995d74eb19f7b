"""Which sentences of the outlets are quoted, and which place they agree on."""

from __future__ import annotations

import pytest

from responders.drafting.told import place_of, sentences, telling_sentence


def test_abbreviations_and_times_do_not_end_a_sentence():
    text = "Gov. E. Porter met St. Alban nurses at 5 p.m. on Friday. They left at six."
    assert sentences(text) == (
        "Gov. E. Porter met St. Alban nurses at 5 p.m. on Friday.",
        "They left at six.",
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "The company says it has a plan to keep the plant running at night.",
        "An attorney for the owner said that the books had been misread by everybody.",
        "Business groups are asking for a veto of the bill before Friday noon.",
        "Porter called it “the wrong time for small employers” in a letter to lawmakers.",
        "Ellison said that it would ‘kill jobs’ on every single street of the state.",
    ],
)
def test_somebodys_words_and_the_other_sides_answer_are_left_to_the_editor(hostile):
    fact = "About 640 people left the Kestrel plant in Dunmore on Tuesday morning."
    assert telling_sentence([hostile]) == ""
    assert telling_sentence([f"{hostile} {fact}"]) == fact


def test_a_sentence_that_leans_on_another_stands_only_where_one_is_before_it():
    leaning = "It is the first union at the regional chain of 46 coffee shops."
    assert telling_sentence([leaning]) == ""
    assert telling_sentence([leaning], alone=False) == leaning


def test_a_sentence_without_news_is_not_repeated():
    known = "Nurses at St. Alban reach a tentative agreement on Friday"
    assert (
        telling_sentence(["Nurses at St. Alban reach a tentative agreement."], known=[known]) == ""
    )


def test_a_place_needs_two_outlets_and_a_firm_is_none():
    one = ["Strike begins in Dunmore", "Workers left the plant in Dunmore."]
    assert place_of([one, ["Dunmore plant quiet", ""]]) == "Dunmore"
    assert place_of([one, ["Plant quiet", ""]]) == ""
    firm = ["Workers at Halden vote", "They voted at Halden on Monday."]
    assert place_of([firm, ["Halden rejects union", ""]]) == ""
    assert place_of([["Vote in March", "In March."], ["Vote in March", ""]]) == ""


def test_the_place_that_more_outlets_name_wins():
    texts = [
        ["Flood in Carver", "Water rose in Carver in Pell County."],
        ["Pell County floods", ""],
        ["Rain over Pell County and Carver", "More rain in Pell County."],
    ]
    assert place_of(texts) == "Pell County"
