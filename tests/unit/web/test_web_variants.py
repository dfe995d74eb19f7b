"""Of a second variant a page shows what differs, and nothing that differs is left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from testkit.web.variants import Instead, differences, variants_of

BODY = (
    "Friend,\n\nThey voted 412 to 88. They ask for cooling.\n\n{}\n\nThere is still time.\n\n"
    "Sign the pledge: https://unions.example/go\n\nSam Ito"
)
SENTENCES = st.lists(st.sampled_from(["Call now.", "Sign it!", "Is it hot?", "Sam\n\n", "We won."]))


def test_one_block_that_differs_is_shown_alone_with_what_it_stands_for() -> None:
    first, other = variants_of({
        "a": {"subject": "Stand with them", "body": BODY.format("A vote is no strike. It helps.")},
        "b": {"subject": "Stand with them", "body": BODY.format("Nobody wants to strike.")},
    })  # fmt: skip
    assert (first.like, first.differs) == ("", ())
    assert other.like == "a"
    assert other.differs == (
        Instead(part="body", old="A vote is no strike. It helps.", new="Nobody wants to strike."),
    )
    assert dict(other.parts)["body"] == BODY.format("Nobody wants to strike.")


def test_a_variant_that_says_less_or_more_shows_what() -> None:
    assert differences("body", "One. Two. Three.", "One. Three.") == (
        Instead(part="body", old="Two.", new=""),
    )
    assert differences("body", "One. Three.", "One. Two. Three.") == (
        Instead(part="body", old="", new="Two."),
    )


def test_a_part_that_only_one_of_them_has_is_a_difference() -> None:
    body = BODY.format("A vote is no strike.")
    _, other = variants_of({"a": {"subject": "They voted", "body": body}, "b": {"body": body}})
    assert other.differs == (Instead(part="subject", old="They voted", new=""),)


def test_a_variant_of_other_words_stands_whole() -> None:
    _, other = variants_of({"a": {"body": "Call the mayor."}, "b": {"body": "Sign the letter."}})
    assert (other.like, other.differs) == ("", ())


def test_the_same_words_twice_are_shown_once() -> None:
    _, other = variants_of({"a": {"body": "Call."}, "b": {"body": "Call."}})
    assert (other.like, other.differs) == ("a", ())


def test_words_that_break_their_lines_elsewhere_are_not_called_the_same() -> None:
    _, other = variants_of({"a": {"body": "Call.\n\nNow."}, "b": {"body": "Call. Now."}})
    assert (other.like, other.differs) == ("", ())


@given(old=SENTENCES, new=SENTENCES)
def test_every_sentence_that_is_new_is_shown_and_every_one_that_is_gone(
    old: list[str], new: list[str]
) -> None:
    found = differences("body", " ".join(old), " ".join(new))
    for sentence in {s.strip() for s in new} - {s.strip() for s in old}:
        assert any(sentence in each.new for each in found)
    for sentence in {s.strip() for s in old} - {s.strip() for s in new}:
        assert any(sentence in each.old for each in found)
    assert all(each.old or each.new for each in found)
