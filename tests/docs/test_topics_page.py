"""The page of policy topics shows what its queries do, wherever the data to count again are."""

from __future__ import annotations

import pytest

from benchmarks import bench_newsroom_topics as command
from benchmarks.topic_queries import TOPICS
from responders.match import parse_query
from tests.docs.sessions import ROOT

PAGE = ROOT / "docs" / "newsroom" / "topics.md"


@pytest.mark.parametrize("topic", TOPICS)
def test_a_query_reads_as_it_was_meant(topic):
    assert parse_query(TOPICS[topic][1]).cautions == ()


def test_the_page_has_a_row_for_every_topic():
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"\n| {name} | " in text for name, _ in TOPICS.values())


@pytest.mark.skipif(command.data_file() is None, reason="WHISTLESTOP_DATA holds no coded headlines")
def test_the_table_is_what_is_counted_on_the_second_half_of_the_dates():
    first, second = command.halves(command.load(command.data_file()))
    assert max(h.day for h in first) < min(h.day for h in second)
    assert command.table(command.scores(second)) in PAGE.read_text(encoding="utf-8")
