"""The page of operating characteristics can be made again, and admits what does not hold."""

from __future__ import annotations

import re

import pytest

from benchmarks import operating_characteristics as command
from benchmarks.peer_rows import PEERS
from benchmarks.peers import environment


@pytest.fixture(scope="module")
def text():
    return command.PAGE.read_text(encoding="utf-8")


def test_a_small_run_prints_every_part_of_the_page(text, capsys):
    assert command.main(["--small"]) == 0
    printed = capsys.readouterr().out
    headings = re.findall(r"^#+ .+$", text, re.MULTILINE)
    assert headings == re.findall(r"^#+ .+$", printed, re.MULTILINE)
    assert "promises nothing" in " ".join(printed.split())


def test_the_page_says_when_from_which_commit_and_seed_and_on_what_machine(text):
    line = " ".join(text.split())
    assert re.search(
        r"on 20\d\d-\d\d-\d\d, at commit [0-9a-f]{12}, seed \d+, on \d+ cores with Python", line
    )
    assert "small run" not in line


def test_a_promise_that_does_not_hold_is_named_at_the_top(text):
    broken = re.search(r"\| NO \||: NO \|", text)
    top = text.partition("\n## ")[0]
    assert ("Every promise on this page holds." in top) is (broken is None)


def test_every_peer_has_a_number_or_a_reason(text):
    for peer in PEERS:
        assert f"| {peer} {environment.version(peer)}, " in text or f"\n- {peer}: " in text


@pytest.mark.parametrize("peer", PEERS)
def test_the_lock_of_a_peer_pins_by_digest_and_names_no_host(peer):
    lock = (environment.HERE / f"{peer}.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    for block in re.split(r"\n(?=\S)", lock.strip()):
        assert "--hash=sha256:" in block, block[:80]


def test_a_small_run_is_not_written():
    with pytest.raises(SystemExit):
        command.main(["--small", "--write"])
