"""What a report says of amounts: units, digits, heads, and the papers of what was computed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from testkit.reports import words
from testkit.reports.references import references

RATE, MEAN, RATIO = (
    SimpleNamespace(name=name, kind=kind)
    for name, kind in (("gave", "proportion"), ("cents", "mean"), ("per_call", "ratio"))
)


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        (RATE, 0.0179, "1.79 %"), (MEAN, 0.967, "0.967"), (MEAN, 81.268, "81.27"),
        (RATIO, 0.0213, "0.0213"), (RATIO, 0.0, "0.00"), (MEAN, 12345.678, "12,345.68"),
        (RATIO, 4.2e-12, "0.00000000"),
    ],
)  # fmt: skip
def test_a_value_shows_three_digits_that_count(metric, value, shown):
    assert words.figure(metric, value) == shown


def test_differences_tell_their_unit_and_an_interval_has_the_digits_of_its_larger_end():
    assert words.difference(MEAN, 37.42) == "+37.42 cents each"
    assert words.range_of(MEAN, -0.00242, 0.3108) == "-0.002 to +0.311 cents each"
    assert words.difference(RATIO, -0.0013) == "-0.00130"
    assert words.range_of(RATIO, -0.0021, 0.0004) == "-0.00210 to +0.00040"
    assert words.difference(RATE, 0.0042) == "+0.42 points"


def test_columns_of_an_arm_are_headed_by_what_they_hold():
    assert words.arm_heads(RATE) == ("gave", "rate")
    assert words.arm_heads(MEAN) == ("with any", "cents each")
    assert words.arm_heads(RATIO) == ("with any", "per_call")


def one(metric, engine, method):
    return SimpleNamespace(metric=metric, engine=engine, method=method)


@pytest.mark.parametrize(
    ("engine", "method", "cited", "silent"),
    [
        ("z", "difference of rates, score test", ["Miettinen", "multinomial"], ["Welch"]),
        ("z", "difference of means, unequal variances", ["Welch (1947)"], ["Miettinen"]),
        ("z", "difference of means, adjusted for last_gift", ["Lin (2013)"], ["Welch"]),
        ("z", "ratio to calls, delta method", ["delta method"], ["Miettinen", "Welch"]),
        ("exact", "exact: counts of the arm", ["Cornfield", "Fisher"], ["Miettinen"]),
        (
            "open", "safe 2x2 test, a block per wave", ["2106.02693"],
            ["Miettinen", "Lan & DeMets", "Tsiatis"],
        ),
    ],
)  # fmt: skip
def test_the_papers_are_those_of_what_was_computed(engine, method, cited, silent):
    look = SimpleNamespace(comparisons=(one("gave", engine, method),), engine=engine)
    said = "\n".join(references(SimpleNamespace(engine=engine), look))
    assert all(paper in said for paper in cited)
    assert not any(paper in said for paper in silent)


def test_a_look_that_is_blocked_gives_no_figures_to_the_one_who_decides():
    from testkit.reports.brief import _numbers

    look = SimpleNamespace(blocked=True)
    said = _numbers(SimpleNamespace(), look, None, 0)  # type: ignore[arg-type]
    assert not any(character.isdigit() for character in said)


def test_a_note_with_a_colon_stays_whole_in_the_reading():
    found = SimpleNamespace(
        verdict="ended", note="not proven: a metric that is read before it is not proven"
    )
    assert words.reading(SimpleNamespace(observational=False), found) == (
        "not shown (not proven: a metric that is read before it is not proven)"
    )
