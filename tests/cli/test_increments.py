"""What was added to a file does not outlive it in silence."""

from __future__ import annotations

import pytest

from tests.cli.test_bad_input import GOOD, write


@pytest.fixture
def sent(shell):
    write(shell, GOOD)
    shell.ok("experiment", "lock", "spring")
    shell.ok("experiment", "sent", "spring", "--wave", "1", "--at", "10 days ago")
    return shell


def take(shell, name, rows, *more):
    path = shell.folder / name
    path.write_text("wave,arm,units,gave,unsubscribed\n" + rows, encoding="utf-8")
    shell.clock.move(hours=1)
    return shell.json("experiment", "intake", "spring", str(path), *more)["batch"]


def retract(shell, batch):
    return shell("experiment", "retract", "spring", batch, "--reason", "wrong export")


def test_a_file_that_increments_were_added_to_is_taken_back_last(sent):
    base = take(sent, "base.csv", "1,control,2000,90,3\n1,match,2000,120,4\n")
    more = take(sent, "more.csv", "1,control,0,10,0\n1,match,0,20,0\n", "--increments")
    refused = retract(sent, base)
    assert refused.code == 3
    assert "more.csv came in as increments" in refused.err
    assert f"experiment retract spring {more}" in refused.err
    look = sent.json("experiment", "look", "spring")["look"]
    assert [a["outcomes"] for a in look["arms"]] == [100, 140]  # nothing was changed
    assert retract(sent, more).code == 0
    assert retract(sent, base).code == 0


def test_increments_without_the_total_that_was_taken_back_are_refused(sent):
    base = take(sent, "base.csv", "1,control,2000,90,3\n1,match,2000,120,4\n")
    assert retract(sent, base).code == 0
    path = sent.folder / "more.csv"
    path.write_text("wave,arm,units,gave\n1,control,0,10\n1,match,0,20\n", encoding="utf-8")
    words = ("experiment", "intake", "spring", str(path), "--increments")
    before = sorted((sent.folder / "data" / "results").iterdir())
    refused = sent(*words)
    assert sorted((sent.folder / "data" / "results").iterdir()) == before
    assert (refused.code, "base.csv was taken back" in refused.err) == (3, True)
    take(sent, "right.csv", "1,control,2000,80,3\n1,match,2000,110,4\n")
    sent.ok(*words)
    look = sent.json("experiment", "look", "spring")["look"]
    assert [a["outcomes"] for a in look["arms"]] == [90, 130]


def test_increments_of_another_wave_or_before_it_stand_on_nothing_of_it(sent):
    early = take(sent, "early.csv", "1,control,900,9,0\n1,match,900,9,0\n", "--increments")
    base = take(sent, "base.csv", "2,control,2000,90,3\n2,match,2000,120,4\n")
    take(sent, "more.csv", "1,control,0,10,0\n1,match,0,20,0\n", "--increments")
    assert retract(sent, base).code == 0
    assert retract(sent, early).code == 0  # an increment itself may go at any time
