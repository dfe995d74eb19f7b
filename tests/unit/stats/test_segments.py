"""Segments: interaction first, then shrunken effects, never a hunt."""

from __future__ import annotations

import dataclasses

import pytest

from testkit.errors import InputError
from testkit.stats.counts import TwoByTwo
from testkit.stats.means import MeanEffect, welch
from testkit.stats.moments import Moments
from testkit.stats.ratios import lift
from testkit.stats.segments import Segmentation, SegmentEffect, SegmentReading, read_segments


def table(s0: int, n0: int, s1: int, n1: int) -> TwoByTwo:
    return TwoByTwo(successes_control=s0, n_control=n0, successes_arm=s1, n_arm=n1)


ALIKE = {"en": table(90, 4000, 115, 4000), "es": table(30, 1000, 36, 1000)}
APART = {"donors": table(200, 4000, 320, 4000), "lapsed": table(200, 4000, 190, 4000)}


def by(segments: dict[str, TwoByTwo], *, declared: bool = True) -> Segmentation:
    return Segmentation(name="what", segments=segments, declared=declared)


def test_segments_that_are_alike_send_the_reader_to_the_overall_effect() -> None:
    (reading,) = read_segments([by(ALIKE)])
    assert reading.verdict == "same"
    assert "read the overall effect" in reading.sentence
    assert "exploratory" not in reading.sentence


def test_segments_that_differ_are_read_one_by_one_and_drawn_together() -> None:
    (reading,) = read_segments([by(APART)])
    assert reading.verdict == "differ"
    donors, lapsed = reading.effects
    assert donors.observed is not None
    assert lapsed.observed is not None
    assert lapsed.observed < lapsed.effect < donors.effect < donors.observed
    assert donors.difference is not None
    assert donors.difference == pytest.approx(0.029, abs=0.002)  # 8 % against 5 %: 3 points
    assert "p < 0.001" in reading.sentence


def test_reading_many_segmentations_costs_what_holm_says() -> None:
    middle = {"a": table(100, 4000, 140, 4000), "b": table(100, 4000, 96, 4000)}
    (alone,) = read_segments([by(middle)])
    among = read_segments([by(middle), *[by(ALIKE)] * 9])
    assert alone.verdict == "differ"
    assert among[0].verdict == "same"
    assert alone.p_value is not None
    assert among[0].p_value == pytest.approx(10 * alone.p_value)


def test_a_segmentation_that_cannot_be_tested_is_still_paid_for() -> None:
    empty = {"a": table(0, 50, 0, 50), "b": table(3, 50, 1, 50)}
    tested, untold = read_segments([by(ALIKE), by(empty)])
    assert untold.verdict == "too-few"
    assert untold.p_value is None
    assert untold.effects == ()
    assert untold.tau is None
    assert "read the overall effect" in untold.sentence
    assert tested.p_value == 1.0


def test_no_p_value_exists_for_a_single_segment() -> None:
    names = {f.name for f in dataclasses.fields(SegmentEffect)}
    assert not {n for n in names if n.startswith("p_") or "signif" in n}
    assert "p_value" in {f.name for f in dataclasses.fields(SegmentReading)}


def test_an_undeclared_segmentation_is_called_exploratory() -> None:
    (reading,) = read_segments([by(APART, declared=False)])
    assert "exploratory" in reading.sentence


def test_a_segment_without_outcomes_gets_the_others_effect_and_no_points() -> None:
    (reading,) = read_segments([by({**ALIKE, "fr": table(0, 20, 0, 20)})])
    blank = reading.effects[2]
    assert blank.observed is None
    assert blank.difference is blank.difference_low is blank.difference_high is None
    assert blank.low < reading.effects[0].low < blank.effect < reading.effects[0].high < blank.high


def test_points_are_read_as_points() -> None:
    (reading,) = read_segments([by(APART)], scale="difference")
    donors = reading.effects[0]
    assert donors.observed == pytest.approx(0.03)
    assert (donors.difference, donors.difference_low) == (donors.effect, donors.low)


def test_few_outcomes_are_shrunk_on_the_scale_of_points_though_not_tested() -> None:
    (reading,) = read_segments(
        [by({"a": table(2, 60, 4, 60), "b": table(0, 30, 0, 30)})], scale="difference"
    )
    assert reading.verdict == "too-few"
    assert [e.observed for e in reading.effects] == pytest.approx([2 / 60, 0])


def test_means_are_read_in_their_unit() -> None:
    def effect(mean: float) -> MeanEffect:
        return welch(
            control=Moments.from_variance(n=400, mean=10.0, variance=25.0),
            treatment=Moments.from_variance(n=400, mean=mean, variance=25.0),
        )

    parts = {"small": effect(10.1), "large": effect(13.0)}
    (reading,) = read_segments([Segmentation(name="gift", segments=parts, declared=True)])
    assert reading.verdict == "differ"
    assert reading.test.scale == "mean"
    assert reading.effects[1].difference == pytest.approx(3.0, abs=0.2)
    constant = Moments.from_variance(n=5, mean=1.0, variance=0.0)
    parts["none"] = welch(control=constant, treatment=constant)
    (reading,) = read_segments([Segmentation(name="gift", segments=parts, declared=True)])
    assert reading.effects[2].observed is None
    del parts["large"]
    (reading,) = read_segments([Segmentation(name="gift", segments=parts, declared=True)])
    assert reading.verdict == "too-few"


def test_refusals_say_what_does_not_fit() -> None:
    with pytest.raises(InputError, match="nothing to compare"):
        by({"en": ALIKE["en"]})
    spread = Moments.from_variance(n=400, mean=10.0, variance=25.0)
    mean = welch(control=spread, treatment=spread)
    with pytest.raises(InputError, match="of every segment"):
        Segmentation(name="x", segments={"a": ALIKE["en"], "b": mean}, declared=True)
    ratio = lift(control=spread, treatment=spread)
    with pytest.raises(InputError, match="not a difference"):
        Segmentation(name="x", segments={"a": ratio, "b": ratio}, declared=True)
    with pytest.raises(InputError, match="no segmentation"):
        read_segments([])
    with pytest.raises(InputError, match="scale"):
        read_segments([by(ALIKE)], scale="lift")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="alpha"):
        read_segments([by(ALIKE)], alpha=0.0)
    with pytest.raises(InputError, match="level"):
        read_segments([by(ALIKE)], level=1.0)
