"""Thumbs move stories and hide none; merges and splits by hand hold, and can be taken back."""

from __future__ import annotations

import pytest

from responders.cluster import Clusterer, StoryEntry
from responders.demo import serve
from responders.store import archive
from testkit.kernel.sqlite import Database
from tests.feed_world import FeedWorld

pytestmark = pytest.mark.faults


@pytest.fixture
def newsroom(newsroom_after_tick):
    return newsroom_after_tick


def listed(shell):
    return [s["story"] for s in shell.json("story", "list")]


def strike(shell):
    return shell.json("story", "list", "--matched")[0]["story"]


def entries_of(shell, story):
    return [e["entry"] for e in shell.json("story", "show", story)["entries"]]


def test_a_thumb_moves_a_story_by_a_day_and_taking_it_back_restores_the_order(newsroom):
    before = listed(newsroom)
    story = strike(newsroom)
    down = newsroom.json("story", "down", story, "labor")
    assert (down["hours"], down["own"]) == (-24.0, False)
    assert listed(newsroom)[-1] == story
    assert set(listed(newsroom)) == set(before)
    assert newsroom.json("story", "up", story, "labor")["hours"] == 24.0
    assert listed(newsroom)[0] == story
    assert "your thumb" in newsroom.ok("story", "list").out
    newsroom.ok("story", "up", story, "labor", "--undo")
    assert listed(newsroom) == before


def test_a_thumb_down_leaves_the_match_and_its_draft(newsroom):
    newsroom.ok("story", "down", strike(newsroom), "labor")
    newsroom.ok("tick")
    assert len(newsroom.json("story", "list", "--matched")) == 1
    assert len(newsroom.json("draft", "list")) == 1


def test_a_thumb_needs_a_match(newsroom):
    story = strike(newsroom)
    other = next(s for s in listed(newsroom) if s != story)
    assert newsroom("story", "up", other).code == 4
    assert newsroom("story", "up", story, "climate").code == 4


def test_two_stories_become_one_under_both_ids_and_undo_parts_them(newsroom):
    one, other = strike(newsroom), next(s for s in listed(newsroom) if s != strike(newsroom))
    before = {s: set(entries_of(newsroom, s)) for s in (one, other)}
    done = newsroom.json("story", "merge", one, other)
    assert {done["kept"], done["other"]} == {one, other}
    for given in (one, other):
        assert set(entries_of(newsroom, given)) == before[one] | before[other]
    assert done["other"] not in listed(newsroom)
    assert newsroom("story", "merge", one, other).code == 3
    newsroom.ok("story", "undo", one)
    assert {s: set(entries_of(newsroom, s)) for s in (one, other)} == before
    assert newsroom("story", "undo", one).code == 3


def test_a_merge_raises_no_second_draft_and_the_first_still_opens(newsroom):
    story = strike(newsroom)
    draft = newsroom.json("draft", "list")[0]["draft"]
    for other in [s for s in listed(newsroom) if s != story]:
        newsroom.ok("story", "merge", other, story)
    assert len(listed(newsroom)) == 1
    assert newsroom.json("tick")["drafts"] == []
    assert len(newsroom.json("draft", "list")) == 1
    assert newsroom.json("draft", "show", draft)["issue"] == "labor"
    newsroom.ok("draft", "submit", draft, "--no-candidate", person="sam")


def test_a_split_moves_entries_and_the_clusterer_never_joins_the_two_again(newsroom):
    story = strike(newsroom)
    first, *rest = entries_of(newsroom, story)
    done = newsroom.json("story", "split", story, first)
    assert set(entries_of(newsroom, done["kept"])) == set(rest)
    assert entries_of(newsroom, done["other"]) == [first]
    database = Database(newsroom.folder / "archive.db")
    with database.read() as conn:
        clusterer = Clusterer(state=archive.clusterer_state(conn))
        texts = {
            e.id: (e.title, e.summary_text)
            for s in (done["kept"], done["other"])
            for e, _ in archive.story(conn, s).entries
        }
    # The same words again and again, from everybody: both stories grow, and stay two.
    for number in range(40):
        title, summary = list(texts.values())[number % len(texts)]
        clusterer.add(
            StoryEntry(
                id=f"again-{number}", at=newsroom.clock(), title=title, summary=summary,
                owner=f"Outlet {number}",
            )
        )  # fmt: skip
    keys = {s.key for s in clusterer.stories()}
    assert {done["kept"], done["other"]} <= keys


def test_a_split_can_be_taken_back(newsroom):
    story = strike(newsroom)
    before = entries_of(newsroom, story)
    done = newsroom.json("story", "split", story, before[0])
    newsroom.ok("story", "undo", done["other"])
    assert entries_of(newsroom, story) == before
    assert entries_of(newsroom, done["other"]) == before
    newsroom.ok("story", "up", story, "labor")  # its match is back without a tick
    kinds = [r["kind"] for r in newsroom.json("ledger", "show")]
    assert [k for k in kinds if k.startswith("story.")] == ["story.split", "story.split-undone"]


@pytest.mark.parametrize("which", ["none of it", "all of it"])
def test_a_split_that_is_none_is_refused(newsroom, which):
    story = strike(newsroom)
    words = ["entry_unknown"] if which == "none of it" else entries_of(newsroom, story)
    refused = newsroom("story", "split", story, *words)
    assert refused.code == (4 if which == "none of it" else 2)
    assert newsroom.json("story", "show", story)["story"] == story


def test_a_match_that_left_with_the_entries_is_forgotten_and_found_again(newsroom):
    story = strike(newsroom)
    calm = next(s for s in listed(newsroom) if s != story)
    merged = newsroom.json("story", "merge", story, calm)
    newsroom.ok("story", "undo", merged["kept"])
    newsroom.ok("tick")
    issues = {s["story"]: s["issues"] for s in newsroom.json("story", "list")}
    assert (issues[story], issues[calm]) == (["labor"], [])


def test_a_story_that_left_the_window_can_be_merged_and_keeps_growing(shell):
    """The half that is still fed keeps its id: the next entry must find its story."""
    shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
    with serve("first-light", now=shell.clock()) as addresses:
        shell.ok("feed", "add", addresses[0])
        shell.ok("tick")
        old = listed(shell)
    shell.clock.move(days=9)
    with serve("first-light", now=shell.clock()) as addresses:
        shell.ok("feed", "add", *addresses[1:])
        shell.ok("tick")
        young = [s for s in listed(shell) if s not in old]
    done = shell.json("story", "merge", old[0], young[0])
    assert (done["kept"], done["other"]) == (young[0], old[0])
    database = Database(shell.folder / "archive.db")
    with database.read() as conn:
        keys = {s.key for s in Clusterer(state=archive.clusterer_state(conn)).stories()}
        assert done["kept"] in keys
        row = archive.story(conn, done["kept"])
        assert row.first_at == min(e.first_seen for e, _ in row.entries)


AUSTIN = "Austin voters pass $800 million affordable housing bond", "It pays for 6,000 apartments."
AUSTIN_TOO = (
    "Voters approve $800 million bond for affordable homes in Austin",
    "The bond passed with 58% and will pay for about 6,000 apartments.",
)
NEVADA = (
    "Nevada voters approve abortion rights amendment for second time",
    "With 92% of votes counted, Question 6 led 63% to 37%.",
)
NEVADA_TOO = (
    "Abortion rights will be part of Nevada constitution after second vote",
    "Question 6 was ahead 63% to 37% on Wednesday morning.",
)


def test_a_swallowed_story_gets_its_own_draft_and_lends_no_fact_and_undo_is_kept(shell):
    shell.settings["polling.allow_hosts"] = "[127.0.0.1]"
    with FeedWorld() as world:
        for outlet, reports in (("One", (AUSTIN, NEVADA)), ("Two", (AUSTIN_TOO, NEVADA_TOO))):
            for title, summary in reports:
                world.outlet(outlet).publish(title, shell.clock(), summary=summary)
        shell.settings["drafting.min_outlets"] = "9"
        shell.ok("feed", "add", *world.addresses())
        shell.ok("tick")
    # As a cold clusterer does: both votes are one story, and nobody put them together by hand.
    while len(found := [s["story"] for s in shell.json("story", "list")]) > 1:
        shell.ok("story", "merge", *found[:2])
    with Database(shell.folder / "archive.db").write() as conn:
        conn.execute("DELETE FROM story_hand")
    shell.settings["drafting.min_outlets"] = "2"
    shell.ok("tick")
    drafts = {d["issue"]: shell.json("draft", "show", d["draft"])
              for d in shell.json("draft", "list")}  # fmt: skip
    assert set(drafts) == {"housing", "reproductive-rights"}
    for slug, ours, theirs in (
        ("housing", "Austin", "Nevada"),
        ("reproductive-rights", "Nevada", "Austin"),
    ):
        words = str(drafts[slug]["content"])
        assert ours in words
        assert theirs not in words
    assert len({d["story"] for d in drafts.values()}) == 2
    shell.ok("story", "undo", drafts["housing"]["story"])
    shell.ok("tick")
    assert len(listed(shell)) == 1
    assert len(shell.json("draft", "list")) == 2


def test_a_bundled_template_is_copied_once_and_one_that_cannot_run_is_not_adopted(shell):
    done = shell.json("draft", "template", "sms", "--lang", "es")
    assert done == {"path": "templates/sms/response.es.jinja", "new": True}
    shell.ok("adopt", done["path"])
    assert shell.json("draft", "template", "sms", "--lang", "es")["new"] is False
    path = shell.folder / done["path"]
    endless = "{% for a in org.name %}{% for b in org.name %}{% for c in org.name %}"
    path.write_text(endless * 4 + "x" + "{% endfor %}" * 12, encoding="utf-8")
    refused = shell("adopt", done["path"])
    assert refused.code != 0
    assert "RS003" in refused.err + refused.out
    assert shell("draft", "template", "fax").code == 4
