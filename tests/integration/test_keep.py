"""What feeds answered is stored in batches: together or not at all, and nobody pays for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import cli
from responders.cluster import Clusterer
from responders.feeds.answers import FetchResult
from responders.feeds.read import read_feed
from responders.feeds.rhythm import SchedulePolicy
from responders.services import keep
from responders.services.keep import Answered, Keeper
from responders.services.poll import add, policy_of
from responders.store import archive
from testkit.kernel.workspace import Workspace

if TYPE_CHECKING:
    from responders.model.feed import ParsedFeed


@pytest.fixture
def workspace(shell):
    opened = Workspace(shell.folder, schemas=cli.schemas(), clock=shell.clock)
    add(opened, [(f"https://{name}.example/feed", name, ()) for name in ("one", "two", "three")])
    return opened


def answers(workspace, titles: dict[str, str]) -> list[Answered]:
    with workspace.archive.read() as conn:
        rows = {row.title: row for row in archive.feeds(conn)}
    return [
        Answered(
            row=rows[name],
            result=FetchResult(feed_id=rows[name].id, outcome="new", status=200, body_sha256="x"),
            parsed=document(title, workspace),
        )
        for name, title in titles.items()
    ]


def document(title: str, workspace) -> ParsedFeed:
    body = f"<rss version='2.0'><channel><item><title>{title}</title></item></channel></rss>"
    return read_feed(
        body.encode(), content_type="", url="https://x.example/", now=workspace.clock()
    )


def state_and_entries(workspace) -> tuple[set[str], set[str]]:
    with workspace.archive.read() as conn:
        state = archive.clusterer_state(conn) or {"stories": []}
        stored = {row["id"] for row in conn.execute("SELECT id FROM entry")}
    return {entry for story in state["stories"] for entry in story["members"]}, stored


NEWS = {
    "one": "Nurses at Mercy Hospital vote to strike over staffing",
    "two": "Mercy Hospital nurses walk out in strike over staffing",
    "three": "Stadium beside the river delayed until spring",
}


def test_the_clusterer_is_never_behind_the_stories(workspace):
    keeper = Keeper(workspace, SchedulePolicy())
    for name, title in NEWS.items():
        keeper.keep(answers(workspace, {name: title}))
        known, stored = state_and_entries(workspace)
        assert known == stored
    with workspace.archive.read() as conn:
        assert sorted(len(s.outlets) for s in archive.stories(conn, limit=9)) == [1, 2]


def test_what_somebody_moved_by_hand_between_two_batches_stays_moved(workspace):
    keeper = Keeper(workspace, SchedulePolicy())
    keeper.keep(answers(workspace, {"one": NEWS["one"], "three": NEWS["three"]}))
    with workspace.archive.write() as conn:
        clusterer = Clusterer(state=archive.clusterer_state(conn))
        keys = [story.key for story in clusterer.stories()]
        merge = clusterer.merge(*keys)
        change = archive.next_change(conn)
        archive.merge_story(conn, kept=merge.kept, gone=merge.gone, change=change)
        archive.save_clusterer(conn, clusterer.export())
    keeper.keep(answers(workspace, {"two": NEWS["two"]}))
    with workspace.archive.read() as conn:
        (story,) = archive.stories(conn, limit=9)
    assert len(story.outlets) == 3


def test_an_answer_that_cannot_be_stored_is_told_and_the_others_are_kept(workspace, monkeypatch):
    real = archive.add_entry

    def choosy(conn, entry, **more):
        if "walk out" in entry.title:
            raise ValueError("no room for this")
        real(conn, entry, **more)

    monkeypatch.setattr(keep.archive, "add_entry", choosy)
    kept = Keeper(workspace, SchedulePolicy()).keep(answers(workspace, NEWS))
    assert [one.new for one in kept] == [1, 0, 1]
    assert "no room for this" in (kept[1].problem or "")
    known, stored = state_and_entries(workspace)
    assert known == stored
    assert len(stored) == 2
    with workspace.archive.read() as conn:
        failing = archive.feed(conn, "two")
    assert failing.history.failures == 1


def test_a_copy_speaks_with_the_voice_of_the_first(workspace):
    text = "The agency reports that the talks over the contract have failed again tonight in town"
    keeper = Keeper(workspace, SchedulePolicy())
    for name in ("one", "two", "three"):
        (kept,) = keeper.keep(answers(workspace, {name: text}))
        assert kept.copies == (name != "one")
    with workspace.archive.read() as conn:
        state = archive.clusterer_state(conn)
        (story,) = archive.stories(conn, limit=9)
    owners = {owner for one in state["stories"] for _, owner in one["members"].values()}
    assert owners == {"one"}
    assert story.outlets == ("one",)
    (first,) = [entry.id for entry, _ in story.entries if entry.copy_of is None]
    assert [e.copy_of for e, _ in story.entries if e.id != first] == [first, first]


def test_the_budget_is_spread_over_the_feeds_that_there_are(workspace, shell):
    before = policy_of(workspace)
    assert policy_of(workspace) == before
    add(workspace, [(f"https://more{n}.example/feed", "", ()) for n in range(300)])
    after = policy_of(workspace)
    assert after.scale < before.scale
    shell.clock.move(minutes=61)
    assert policy_of(workspace).scale == pytest.approx(after.scale)
