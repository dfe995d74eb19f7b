"""A file of pre-cleared words: what it says, what is wrong with it, and what words hold of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testkit.errors import DefinitionError
from testkit.kernel import yamlfile
from testkit.signoff.charter import Charter
from testkit.signoff.lane import ClearedTemplate, SlotRule, lane_findings
from testkit.signoff.lane_file import LaneFile, check_lane, clearers, parse_lane
from testkit.signoff.lane_fit import guess_slots
from testkit.signoff.model import ChainDef, FastLane, GroupDef, ReviewRule, StageDef
from tests.signoff_world import T0, TWO_STAGES

GOOD = """
lane: thanks
words:
  sms: {a: {body: "{bill} passed. Thank you."}}
  email: {a: {subject: "It passed", body: "{bill} it is."}, b: {subject: "Won", body: "Thanks."}}
slots: {bill: {choices: [HR 12, S 5]}}
audience: supporters
valid_until: 2026-12-31
"""
REVIEW = ReviewRule(roles=("ed",))
CHAIN = replace(TWO_STAGES, fast_lane=FastLane(templates=("thanks",), review=REVIEW))


def document(text: str = GOOD) -> yamlfile.Document:
    return yamlfile.parse(text, name="lanes/thanks.yaml")


def lane(text: str = GOOD) -> LaneFile:
    return parse_lane(document(text), zone_name="Europe/Paris")


def codes(text: str = GOOD, *chains: ChainDef, charter: Charter | None = None) -> list[str]:
    found = check_lane(lane(text), chains or (CHAIN,), charter, T0, document=document(text))
    return [f.code for f in found]


def test_a_file_is_the_words_by_variant_their_holes_and_their_last_day():
    found = lane()
    assert found.template.fields == {
        "arms/sms/a/body": "{bill} passed. Thank you.",
        "arms/email/a/subject": "It passed",
        "arms/email/a/body": "{bill} it is.",
        "arms/email/b/subject": "Won",
        "arms/email/b/body": "Thanks.",
        "audience": "supporters",
    }
    assert found.template.slots == {"bill": SlotRule(choices=("HR 12", "S 5"))}
    assert found.valid_until == datetime(2026, 12, 31, 23, tzinfo=UTC)  # midnight in Paris


@pytest.mark.parametrize(
    ("before", "after", "code", "where"),
    [
        ("lane: thanks", "lane: Thanks!", "SO103", "lane"),
        ("lane: thanks\n", "", "SO102", "lane"),
        ("audience:", "audiense:", "SO101", "audiense"),
        ("slots: {", "slots: {yes: {}, ", "SO205", "slots.yes"),
        ("choices: [HR 12, S 5]", "most: 0", "SO103", "slots.bill.most"),
        ("choices: [HR 12, S 5]", "number: maybe", "SO103", "slots.bill.number"),
        ("2026-12-31", "soon", "SO103", "valid_until"),
        ('{a: {body: "{bill} passed. Thank you."}}', "[hello]", "SO103", "words.sms"),
        ('{body: "{bill} passed. Thank you."}', '""', "SO103", "words.sms.a"),
    ],
)
def test_a_file_that_is_wrong_is_told_where(before, after, code, where):
    assert before in GOOD
    with pytest.raises(DefinitionError) as caught:
        lane(GOOD.replace(before, after))
    assert (code, where) in [(f.code, f.where.rpartition(" ")[2]) for f in caught.value.findings]


def test_sound_words_that_a_chain_takes_have_no_findings():
    assert codes() == []


def test_so206_a_hole_that_is_no_slot_is_pointed_out_unless_it_is_a_merge_field():
    assert codes(GOOD.replace("Thanks.", "Thanks, {name}.")) == ["SO206"]
    assert codes(GOOD.replace("Thanks.", "Thanks, {{name}}.")) == []


def test_so207_words_that_nothing_lets_out_are_told():
    assert codes(GOOD, TWO_STAGES) == ["SO207"]
    assert codes(GOOD.replace("2026-12-31", "2026-01-01")) == ["SO207"]
    assert codes(charter=Charter(id="ours", signed_by=("ed",))) == ["SO207"]
    assert codes(charter=Charter(id="ours", signed_by=("ed",), fast_lane=True)) == []


def test_words_are_cleared_by_roles_that_every_chain_with_them_names():
    def chain(*roles: str) -> ChainDef:
        rule = FastLane(templates=("thanks",), cleared_by=roles, review=REVIEW)
        return replace(TWO_STAGES, fast_lane=rule)

    assert clearers("thanks", [chain("ed", "comms_lead"), chain("comms_lead")]) == ("comms_lead",)
    assert codes(GOOD, chain("ed"), chain("comms_lead")) == ["SO207"]
    assert clearers("other", [chain("ed")]) == ()


def test_without_cleared_by_it_is_the_roles_that_are_always_asked():
    assert CHAIN.lane_clearers == ("comms_lead",)  # not those of the stage with a condition
    only = StageDef(id="exec", groups=(GroupDef(id="ed", roles=("ed",), when=None),),
                    when=TWO_STAGES.stages[1].when)  # fmt: skip
    assert replace(CHAIN, stages=(only,)).lane_clearers == ("ed",)
    assert TWO_STAGES.lane_clearers == ()


# -- reading the slots off the words ----------------------------------------------------------


def sms(body: str) -> dict[str, object]:
    return {"arms": {"sms": {"a": {"body": body}}}}


def test_variants_that_the_words_do_not_have_need_no_slots():
    used = lane().template.used_in(sms("HR 12 passed. Thank you."))
    assert list(used.fields) == ["arms/sms/a/body"]
    plain = replace(lane().template, fields={"arms/email/b/body": "Thanks."})
    assert plain.used_in({"arms": {"email": {"b": {"body": "x"}}}}).slots == {}


@pytest.mark.parametrize(
    ("body", "slots"),
    [
        ("HR 12 passed. Thank you.", {"bill": "HR 12"}),
        ("HR 12 failed. Thank you.", {"bill": "HR 12"}),
        ("Today HR 12 passed. Thank you.", {"bill": "HR 12"}),
        ("HR 13 passed. Thank you.", {"bill": "HR 13"}),  # not allowed, and SO202 says so
        ("Nothing of it", {}),
    ],
)
def test_a_slot_is_what_stands_in_its_place(body, slots):
    template = lane().template.used_in(sms(body))
    assert guess_slots(template, sms(body)) == slots


WORD = st.text("abcdef", min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(WORD, min_size=3, max_size=12),
    at=st.sets(st.integers(0, 11), max_size=3),
    values=st.lists(st.integers(0, 9999), min_size=3, max_size=3),
    spoilt=st.integers(0, 11),
)
def test_filled_words_fit_and_one_other_word_is_the_one_that_is_named(pieces, at, values, spoilt):
    holes = {i: f"n{k}" for k, i in enumerate(sorted(i for i in at if i < len(pieces)))}
    text = " ".join(f"{{{holes[i]}}}" if i in holes else w for i, w in enumerate(pieces))
    slots = {name: str(values[int(name[1:])]) for name in holes.values()}
    template = ClearedTemplate(
        id="t", fields={"body": text}, slots={n: SlotRule(number=True) for n in slots}
    )
    chain = replace(TWO_STAGES, material=("body",))
    words = {"body": template.filled(slots)["body"]}
    assert guess_slots(template, words) == slots
    assert lane_findings(template, chain, slots=slots, words=words) == ()

    plain = [i for i in range(len(pieces)) if i not in holes]
    if not plain:
        return
    wrong = plain[spoilt % len(plain)]
    changed = [w if i != wrong else "zzz" for i, w in enumerate(words["body"].split())]
    other = {"body": " ".join(changed)}
    found = lane_findings(template, chain, slots=guess_slots(template, other), words=other)
    assert [f.code for f in found] == ["SO203"]
    assert found[0].message.startswith(f"'zzz' instead of {pieces[wrong]!r} is word {wrong + 1}")
