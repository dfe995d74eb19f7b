"""What a term tells about the story of an entry."""

from __future__ import annotations

import math

import pytest

from responders.weights import TermWeights


def learned(*titles, owner=""):
    weights = TermWeights(summary_weight=0.5)
    for title in titles:
        weights.learn(title=title, summary="", owner=owner)
    return weights


def vector(weights, title, *, summary="", owner=""):
    return weights.vector(title=title, summary=summary, owner=owner)


def test_a_vector_has_length_one_and_its_heaviest_term_first():
    found = vector(learned("rent", "rent", "dam"), "The rent and the dam and lichen")
    assert math.isclose(sum(w * w for w in found.values()), 1.0)
    assert list(found)[:3] == ["lichen", "dam", "rent"]
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_rare_terms_weigh_more_than_common_ones_and_function_words_least():
    found = vector(learned(*["rent rises"] * 5), "the rent lichen")
    assert found["lichen"] > found["rent"] > found["the"]


def test_a_term_of_the_summary_weighs_its_share_and_one_of_both_counts_as_title():
    found = vector(learned(), "dam", summary="lichen dam")
    assert math.isclose(found["lichen"], 0.5 * found["dam"])


def test_nothing_has_no_direction():
    assert vector(learned(), "…") == {}


def test_what_an_owner_always_writes_weighs_nothing_there_and_its_weight_elsewhere():
    weights = learned(*[f"gazette subject{n}" for n in range(10)], owner="Gazette")
    assert "gazette" not in vector(weights, "gazette lichen", owner="Gazette")
    assert "gazette" in vector(weights, "gazette lichen", owner="Herald")
    assert "gazette" in vector(weights, "gazette lichen")


def test_a_few_entries_do_not_make_furniture():
    weights = learned(*["gazette"] * 9, owner="Gazette")
    assert "gazette" in vector(weights, "gazette", owner="Gazette")


def test_an_owner_that_drops_its_furniture_gets_the_word_back():
    weights = learned(*["gazette"] * 30, owner="Gazette")
    for n in range(60):
        weights.learn(title=f"subject{n}", summary="", owner="Gazette")
    assert "gazette" in vector(weights, "gazette lichen", owner="Gazette")


def test_an_owner_keeps_little_more_than_its_furniture():
    weights = learned(*[f"gazette a{n} b{n} c{n} d{n}" for n in range(400)], owner="Gazette")
    kept = weights.export()["owner_frequency"]["Gazette"]
    assert "gazette" in kept
    assert len(kept) <= 4 * 4 + 1


def test_counts_stay_small_over_the_years():
    weights = TermWeights(summary_weight=0.5)
    for n in range(100_000):
        weights.learn(title=f"once{n} rent", summary="", owner="")
    kept = weights.export()
    assert kept["documents"] == 50_000
    assert kept["frequency"] == {"rent": 50_000}


def test_a_restored_state_weighs_the_same():
    weights = learned("rent rises", "dam fails", owner="Post")
    again = TermWeights(summary_weight=0.5)
    again.restore(weights.export())
    assert vector(again, "rent dam", owner="Post") == vector(weights, "rent dam", owner="Post")
    again.learn(title="rent", summary="", owner="")
    assert vector(again, "rent dam") != pytest.approx(vector(weights, "rent dam"))
