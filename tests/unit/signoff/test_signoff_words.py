"""Word diff, and remarks that stay with their words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from testkit.signoff import events as ev
from testkit.signoff.store import Revision
from testkit.signoff.words import compare, diff_words, marked, remarks, texts_of
from tests.signoff_world import T0

TEXTS = st.text(alphabet="ab c.\n'é-1", max_size=40)


@given(TEXTS, TEXTS)
def test_kept_and_new_words_join_to_the_new_text_kept_and_gone_to_the_old(old, new):
    pieces = diff_words(old, new)
    assert "".join(p.text for p in pieces if p.kind != "gone") == new
    assert "".join(p.text for p in pieces if p.kind != "new") == old
    assert (old == new) is all(p.kind == "same" for p in pieces)


def test_words_are_compared_and_not_letters():
    assert marked(diff_words("They don't vote", "They didn't vote")) == (
        "They [-don't-]{+didn't+} vote"
    )


def test_neighbouring_changed_words_are_one_change():
    assert marked(diff_words("Call her now please", "Write to them now please")) == (
        "[-Call her-]{+Write to them+} now please"
    )


def test_only_fields_that_are_asked_for_are_compared():
    old, new = {"body": "a", "send": "9:00"}, {"body": "a", "send": "10:00"}
    assert compare(old, new, ["body"]) == ()
    assert [change.part for change in compare(old, new)] == ["send"]


def test_a_text_that_came_or_went_is_a_change_too():
    arms = {"arms": {"sms": {"a": {"body": "Hi"}}}}
    (change,) = compare({}, arms)
    assert (change.part, marked(change.pieces)) == ("sms/a/body", "{+Hi+}")
    (change,) = compare(arms, {})
    assert marked(change.pieces) == "[-Hi-]"


def test_what_nobody_signs_is_no_text():
    assert texts_of({"remarks": ["x"], "reason": "y", "body": "z"}) == {"body": "z"}


def revision(number, body):
    fields = {"body": body}
    return Revision(id=f"r{number}", request="rq", number=number, fields=fields, digest="",
                    material_digest=f"d{number}", at="", by="ana")  # fmt: skip


def said(quote, **more):
    return ev.Commented(
        at=T0, actor="fay", revision="r1", digest="d1", note="hm", part="body", quote=quote, **more
    )


def edited(number, **more):
    return ev.Edited(at=T0, actor="ana", revision=f"r{number}", digest=f"d{number}", **more)


def test_a_remark_survives_edits_elsewhere_and_is_outdated_by_edits_of_its_words():
    log = [said("Call now"), said("on Monday"), edited(2)]
    first, second = remarks(log, [revision(1, "Call now on Monday"), revision(2, "Call now. Bye")])
    assert (first.standing, second.standing) == ("open", "outdated")
    assert (first.number, second.number) == (1, 2)


def test_a_remark_on_a_text_that_is_gone_is_outdated():
    (found,) = remarks([said("")], [replace_body(revision(1, "x"))])
    assert found.standing == "outdated"


def replace_body(made):
    return Revision(
        **{n: getattr(made, n) for n in Revision.__slots__} | {"fields": {"other": "x"}}
    )


def test_a_suggestion_is_taken_only_by_an_edit_that_names_it_and_makes_it():
    offer = said("Monday", suggests=True, replacement="Tuesday")
    before, after = revision(1, "Call on Monday"), revision(2, "Call on Tuesday")
    named, silent = edited(2, suggested_by=("fay",)), edited(2)
    assert remarks([offer, named], [before, after])[0].standing == "taken"
    assert remarks([offer, silent], [before, after])[0].standing == "outdated"
    other = revision(2, "Call on Friday")
    assert remarks([offer, named], [before, other])[0].standing == "outdated"
