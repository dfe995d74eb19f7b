"""Numbers as people write them; what can mean two numbers is refused with a way out."""

from __future__ import annotations

import pytest

from testkit.errors import InputError
from testkit.kernel.numbers import counted, difference, people, share


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("40000", 40_000), ("100,000", 100_000), ("1,234,567", 1_234_567), ("100 000", 100_000),
        ("100\u202f000", 100_000), ("1_000_000", 1_000_000), ("120k", 120_000), (" 7 ", 7),
        ("1 million", 1_000_000), ("1.2 Million", 1_200_000), ("1,5 million", 1_500_000),
        ("2 thousand", 2_000), ("0", 0),
    ],
)  # fmt: skip
def test_a_number_of_people_may_be_written_as_people_do(text, number):
    assert people(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "-5", "12.5", "1,00", "10,00,000", "abc", "nan", "1e5", "1.0005k", "9" * 400, "2%",
     "4 score", "1.234.567", "1.751"],
)  # fmt: skip
def test_what_is_no_whole_number_of_people_is_refused_with_a_way_out(text):
    with pytest.raises(InputError) as caught:
        people(text)
    assert caught.value.hint


def test_a_point_between_threes_is_asked_about_and_not_guessed():
    with pytest.raises(InputError, match="two ways") as caught:
        people("1.751")
    assert "1751 or 1,751" in caught.value.hint
    with pytest.raises(InputError, match="two ways"):
        share("1,751%")


@pytest.mark.parametrize(
    ("text", "number"),
    [("2%", 0.02), ("2 %", 0.02), ("0.02", 0.02), (".02", 0.02), ("0,02", 0.02), ("2.5%", 0.025),
     ("2,5 %", 0.025), ("0.751", 0.751), ("12.34%", 0.1234),
     ("100%", 1.0), ("0", 0.0), ("3 percent", 0.03)],
)  # fmt: skip
def test_a_share_is_a_number_below_one_or_has_its_per_cent_sign(text, number):
    assert share(text) == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize("text", ["2", "1", "120%", "-1%", "two", "", "1.751", "nan", "inf"])
def test_what_is_no_share_is_refused_with_a_way_out(text):
    with pytest.raises(InputError) as caught:
        share(text)
    assert caught.value.hint


def test_a_per_cent_of_a_difference_is_refused_for_it_means_two_things():
    assert difference("0.4 points") == difference("0.004") == difference("0,4pp") == 0.004
    for text in ("5%", "2", "-0.1", "half"):
        with pytest.raises(InputError) as caught:
            difference(text)
        assert "0.4 points" in caught.value.hint


def test_one_thing_is_one_thing():
    assert [counted(n, "row") for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
    assert counted(2, "person") == "2 people"
