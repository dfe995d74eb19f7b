"""Search finds what the query tree finds, in whatever way the texts came, changed and went."""

from __future__ import annotations

import pytest

from responders.store import search as index
from testkit.kernel.sqlite import Database


@pytest.fixture
def newsroom(newsroom_after_tick):
    return newsroom_after_tick


def found(shell, *words):
    return [(h["in"], h["marked"]) for h in shell.json("search", *words)["hits"]]


def test_entries_stories_and_responses_are_found_with_their_words_marked(newsroom):
    data = newsroom.json("search", "strik*", "--in", "entries", "--in", "stories")
    entries = [h for h in data["hits"] if h["in"] == "entries"]
    stories = [h for h in data["hits"] if h["in"] == "stories"]
    assert len(entries) > len(stories) > 0
    assert len({h["id"] for h in stories}) == len(stories)
    assert all("[" in h["marked"] + h["snippet"] for h in entries)
    text = newsroom.ok("search", "strik*").out
    assert "[strike]" in text.lower()
    responses = newsroom.json("search", "strike", "--in", "responses")["hits"]
    assert [(h["state"], h["source"]) for h in responses] == [("draft", "labor")]


def test_what_the_index_cannot_say_is_decided_by_the_tree(newsroom):
    everything = len(found(newsroom, "lang:en OR NOT lang:en", "--in", "entries"))
    for inside, outside in (
        ("/[Ss]trik/", "NOT /[Ss]trik/"), ("=Strike", "NOT =Strike"), ("strike", "NOT strike"),
    ):  # fmt: skip
        with_it = found(newsroom, inside, "--in", "entries")
        without = found(newsroom, outside, "--in", "entries")
        assert len(with_it) + len(without) == everything
        assert set(with_it).isdisjoint(without)


def test_an_edit_of_a_draft_is_found_at_once_and_the_old_words_are_not(newsroom):
    draft = newsroom.json("draft", "list")[0]["draft"]
    assert found(newsroom, "zanzibar", "--in", "responses") == []
    newsroom.ok(
        "draft", "edit", draft, "--channel", "sms", "--variant", "a",
        "--body", "Meet us in Zanzibar. Reply STOP to end", person="sam",
    )  # fmt: skip
    assert len(found(newsroom, "zanzibar", "--in", "responses")) == 1


def test_a_change_by_anybody_reaches_the_index(newsroom):
    database = Database(newsroom.folder / "archive.db")
    assert found(newsroom, "quokka OR source:quokka", "--in", "entries") == []
    with database.write() as conn:
        given = conn.execute("SELECT min(id) AS id FROM entry").fetchone()["id"]
        conn.execute("UPDATE entry SET title = 'A quokka votes' WHERE id = ?", (given,))
    assert found(newsroom, "quokka", "--in", "entries") == [("entries", "A [quokka] votes")]
    with database.write() as conn:
        conn.execute("DELETE FROM entry WHERE id = ?", (given,))
        conn.execute(
            "UPDATE feed SET title = 'Quokka Post' WHERE id = (SELECT max(feed) FROM entry)"
        )
    assert found(newsroom, "title:quokka", "--in", "entries") == []
    assert len(found(newsroom, "source:quokka", "--in", "entries")) > 0


def test_the_index_made_anew_gives_the_same_answers(newsroom):
    before = found(newsroom, "strik* OR council", "--in", "entries", "--in", "responses")
    assert before
    database = Database(newsroom.folder / "archive.db")
    with database.write() as conn:  # what a disk fault might leave
        conn.execute("DELETE FROM search_text")
    assert found(newsroom, "strik* OR council", "--in", "entries") == []
    assert newsroom.json("search", "--rebuild")["read"] > len(before)
    after = found(newsroom, "strik* OR council", "--in", "entries", "--in", "responses")
    assert after == before


def test_an_open_quote_is_refused_with_a_caret_at_its_place(newsroom):
    refused = newsroom("search", 'strike AND "right to')
    assert refused.code == 2
    line, caret = refused.err.splitlines()[-2:]
    assert line.index('"') == caret.index("^")


def test_since_leaves_out_what_is_older_and_a_limit_says_that_there_is_more(newsroom):
    assert found(newsroom, "strik*", "--since", "1 day ago")
    newsroom.clock.move(days=3)
    assert found(newsroom, "strik*", "--since", "1 day ago") == []
    short = newsroom.json("search", "strik*", "--in", "entries", "-n", "1")
    assert (len(short["hits"]), short["more"]) == (1, ["entries"])


def test_search_needs_something_to_look_for(newsroom):
    assert newsroom("search").code == 2
    assert newsroom("search", "strike", "-n", "0").code == 2


def test_a_workspace_from_before_the_index_is_read_in(newsroom):
    database = Database(newsroom.folder / "archive.db")
    with database.read() as conn:
        entries = conn.execute("SELECT count(*) AS n FROM entry").fetchone()["n"]
    with database.write() as conn:
        waiting = index.rebuild(conn, "entries")
        assert (waiting, index.size(conn)) == (entries, 0)
        assert index.refresh(conn, "entries", limit=2) == 2
        assert (index.due(conn), index.size(conn)) == (entries - 2, 2)
