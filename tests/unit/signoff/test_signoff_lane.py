"""What may stand in a slot, and what leaves the lane."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testkit.errors import DefinitionError, StateError
from testkit.signoff.lane import ClearedTemplate, SlotRule, enter_lane, lane_findings
from testkit.signoff.model import FastLane, ReviewRule
from tests.signoff_world import OFFICE, T0, TWO_STAGES, Desk, words

VOTE = ClearedTemplate(
    id="vote_v3",
    fields={"subject": "The vote is in", "body": "{bill} passed, {yes} to {no}. Thank you."},
    slots={
        "bill": SlotRule(choices=("HR 12", "S 5")),
        "yes": SlotRule(most=3),
        "no": SlotRule(most=3),
    },
    free=("spend",),
)
SLOTS = {"bill": "HR 12", "yes": "218", "no": "210"}
FILLED = words(subject="The vote is in", body="HR 12 passed, 218 to 210. Thank you.")


def codes(**change: object) -> list[str]:
    given = {"slots": SLOTS, "words": FILLED, "template": VOTE, **change}
    template = given.pop("template")
    return [f.code for f in lane_findings(template, TWO_STAGES, **given)]


def test_the_template_with_its_slots_filled_has_no_findings():
    assert codes() == []


@pytest.mark.parametrize(
    "text", ["", "2 180", "1\n2", "{x}", "<b>", "www.a.org", "\u200b12", "a.co/x"]
)
def test_so202_a_slot_holds_a_number_or_a_name_and_nothing_else(text):
    filled = words(subject="The vote is in", body=f"HR 12 passed, {text} to 210. Thank you.")
    assert set(codes(slots={**SLOTS, "yes": text}, words=filled)) == {"SO202"}


def test_so202_a_slot_with_choices_holds_one_of_them():
    filled = words(subject="The vote is in", body="HR 13 passed, 218 to 210. Thank you.")
    assert codes(slots={**SLOTS, "bill": "HR 13"}, words=filled) == ["SO202"]


def test_so201_slots_are_neither_missing_nor_invented():
    assert "SO201" in codes(slots={"bill": "HR 12", "yes": "218"})
    assert codes(slots={**SLOTS, "extra": "1"}) == ["SO201"]


@pytest.mark.parametrize(
    "body",
    [
        "HR 12 passed, 218 to 210. Thanks.",
        "HR 12 passed, 218 to 210. Thank you. Now give.",
        "HR 12 passed, 218 to 210. Thank",
        "HR 12  passed, 218 to 210. Thank you.",
        "HR 12 passed, 218 to 211. Thank you.",
        None,
    ],
)
def test_so203_any_difference_outside_of_the_slots_leaves_the_lane(body):
    assert codes(words={**FILLED, "body": body}) == ["SO203"]


def test_so204_a_material_field_that_the_template_does_not_cover_leaves_the_lane():
    assert codes(template=replace(VOTE, free=())) == ["SO204"]


def test_two_spellings_of_one_text_are_one_text():
    template = replace(VOTE, fields={**VOTE.fields, "subject": "Re\u0301sultat"})
    assert codes(template=template, words={**FILLED, "subject": "R\u00e9sultat"}) == []


def test_the_words_must_be_those_of_the_request_and_the_template_one_of_the_lane():
    lane = FastLane(templates=("vote_v3",), review=ReviewRule(roles=("ed",)))
    desk = Desk(chain=replace(TWO_STAGES, fast_lane=lane), fields=words())
    desk.submit()
    with pytest.raises(DefinitionError, match="not the words of r1"):
        enter_lane(desk.state, VOTE, slots=SLOTS, words=FILLED, roster=OFFICE, now=T0)
    desk = Desk(chain=desk.chain, fields=FILLED)
    desk.submit()
    other = replace(VOTE, id="other")
    with pytest.raises(StateError, match="'other' is not pre-cleared"):
        enter_lane(desk.state, other, slots=SLOTS, words=FILLED, roster=OFFICE, now=T0)
