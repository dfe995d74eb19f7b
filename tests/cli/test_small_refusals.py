"""Numbers and options that cannot be meant are refused before anything happens."""

from __future__ import annotations

import pytest

SIZE = ("experiment", "size", "--list-size", "40k", "--base-rate", "2%")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--budget-cents", "-5"),
        ("--cents-per-message", "nan"),
        ("--days-between", "inf"),
        ("--window-hours", "-1"),
    ],
)
def test_an_amount_is_a_number_that_can_be_counted_with(shell, option, value):
    refused = shell(*SIZE, option, value)
    assert refused.code == 2
    assert option in refused.err


def test_a_chart_goes_where_it_is_wanted_also_into_a_new_folder(shell, tmp_path):
    target = tmp_path / "new" / "folder" / "chart.svg"
    shell.ok(*SIZE, "--chart", str(target))
    assert target.read_text(encoding="utf-8").startswith("<")


def test_money_behind_words_is_never_negative(shell):
    refused = shell("draft", "submit", "draft_01k", "--spend", "-500000", person="sam")
    assert refused.code == 2
    assert "--spend" in refused.err


def test_a_slot_without_its_lane_asks_nobody(shell):
    refused = shell("draft", "submit", "draft_01k", "--slot", "bill=HR 12", person="sam")
    assert refused.code == 2
    assert "--lane" in refused.err
