"""Three-valued conditions over facts."""

from __future__ import annotations

import pytest

from testkit.signoff.conditions import AllOf, AnyOf, Compare, Not, applies, evaluate, phrase

HIGH = Compare(fact="risk", op="eq", value="high")
DEAR = Compare(fact="spend_cents", op="gt", value=500_000)


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        # Kleene's strong tables.
        (True, None, None, True),
        (False, None, False, None),
        (None, None, None, None),
        (True, False, False, True),
    ],
)
def test_unknown_follows_the_strong_tables(left, right, both, either):
    risk = {True: "high", False: "low", None: None}
    spend = {True: 600_000, False: 0, None: None}
    facts = {"risk": risk[left], "spend_cents": spend[right]}
    assert evaluate(AllOf((HIGH, DEAR)), facts) is both
    assert evaluate(AnyOf((HIGH, DEAR)), facts) is either
    assert evaluate(Not(HIGH), facts) is (None if left is None else not left)


def test_a_stage_is_asked_unless_its_condition_is_certainly_false():
    assert applies(HIGH, {})
    assert applies(None, {"risk": "low"})
    assert not applies(HIGH, {"risk": "low"})


def test_levels_are_ordered_words_and_a_strange_level_never_slips_below():
    at_least_medium = Compare(fact="risk", op="ge", value="medium")
    assert [evaluate(at_least_medium, {"risk": r}) for r in ("low", "medium", "high")] == [
        False,
        True,
        True,
    ]
    assert evaluate(at_least_medium, {"risk": "extreme"}) is None
    assert evaluate(HIGH, {"risk": "extreme"}) is None


def test_a_fact_with_several_values_meets_any_of_them():
    wages = Compare(fact="topic", op="in", value=("wages", "strike"))
    assert evaluate(wages, {"topic": ["housing", "strike"]}) is True
    assert evaluate(wages, {"topic": ["housing"]}) is False
    assert evaluate(Compare(fact="topic", op="ne", value="wages"), {"topic": ["wages"]}) is False


def test_yes_is_not_the_number_one():
    named = Compare(fact="names_candidate", op="eq", value=True)
    assert evaluate(named, {"names_candidate": 1}) is False
    assert evaluate(Compare(fact="spend_cents", op="gt", value=0), {"spend_cents": True}) is None


@pytest.mark.parametrize(
    ("op", "met"),
    [("gt", [False, False, True]), ("ge", [False, True, True]), ("lt", [True, False, False]),
     ("le", [True, True, False]), ("eq", [False, True, False]), ("ne", [True, False, True])],
)  # fmt: skip
def test_the_comparisons_mean_what_they_say(op, met):
    compare = Compare(fact="n", op=op, value=5)
    assert [evaluate(compare, {"n": n}) for n in (4, 5, 6)] == met


def test_a_condition_reads_as_a_sentence():
    condition = AnyOf((HIGH, AllOf((DEAR, Not(Compare(fact="x", op="in", value=("a", "b")))))))
    assert phrase(condition) == (
        "risk is high or (spend_cents > 500000 and not (x is one of a, b))"
    )
